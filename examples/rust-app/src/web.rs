//! The application itself: it answers every request with one line. It is here so
//! that the image has a process `web`, which is then the one that starts by default.

use std::io::{Read, Write};
use std::net::TcpListener;

fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    for connection in TcpListener::bind(format!("0.0.0.0:{port}"))?.incoming() {
        let mut connection = connection?;
        let _ = connection.read(&mut [0; 4096])?;
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")?;
    }
    Ok(())
}
