//! `delay-proxy LISTEN UPSTREAM MILLISECONDS`: a slow network on loopback, for
//! the benchmarks. Says what each connection came to when it ends.

#![expect(clippy::print_stdout, reason = "what it says is all that it is for")]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/support/proxy.rs"]
mod proxy;

use proxy::Proxy;
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, upstream, milliseconds] = &arguments[..] else {
        return Err("usage: delay-proxy LISTEN UPSTREAM MILLISECONDS".into());
    };
    let relay = Proxy::to(upstream.parse()?)
        .listen(listen.parse()?)
        .delay(Duration::from_millis(milliseconds.parse()?))
        .start()?;
    println!("listening on {}", relay.address());
    for number in 0.. {
        let messages = relay.wait_for_end(number);
        let bytes: usize = messages.iter().sum();
        println!(
            "connection {number}: {} messages, {bytes} bytes",
            messages.len()
        );
    }
    Ok(())
}
