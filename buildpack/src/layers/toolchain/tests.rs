//! Installing from a server of the test's own.

use super::*;
use crate::source::hex;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

#[test]
fn an_address_is_shown_without_its_password() {
    assert_eq!(
        without_credentials("https://me:p@ss@mirror.example.com/dist/a@b.tar.gz"),
        "https://mirror.example.com/dist/a@b.tar.gz"
    );
    assert_eq!(
        without_credentials("https://a.example.com"),
        "https://a.example.com"
    );
}

#[test]
fn a_refused_connection_is_told_down_to_its_root_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = "http://me:secret@127.0.0.1:1/dist/rustc.tar.gz";
    let error = fetch(url, &folder.path().join("rustc"), "").unwrap_err();
    let InstallError::Download { url, cause } = error else {
        panic!("{error:?}");
    };
    assert_eq!(url, "http://127.0.0.1:1/dist/rustc.tar.gz");
    assert!(cause.contains("Connection refused"), "{cause}");
    assert!(!cause.contains("secret"), "{cause}");
}

/// An archive as the distribution server has them.
fn archive(component: &str, files: &[&str]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        let path = format!("{component}-1.95.0-x/{component}/{file}");
        archive
            .append_data(&mut header, path, file.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// A component whose sum is that of its file, whatever the file is.
fn component(name: &str, file: &[u8]) -> Component {
    let sha256 = hex(&Sha256::digest(file));
    let text = format!(
        "name = {name:?}\narch = \"a\"\ntarget = \"t\"\npath = {name:?}\nsha256 = {sha256:?}"
    );
    toml::from_str(&text).unwrap()
}

/// Gives each request the file of that name; its address.
fn server(files: Vec<(&'static str, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 4096];
            let length = connection.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let asked = |name: &str| request.starts_with(&format!("GET /{name} "));
            let (_, file) = files.iter().find(|(name, _)| asked(name)).unwrap();
            let length = file.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            connection.write_all(head.as_bytes()).unwrap();
            connection.write_all(file).unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn what_compiling_needs_is_laid_together() {
    let rustc = archive(
        "rustc",
        &[
            "bin/rustc",
            "bin/rustdoc",
            "lib/librustc.so",
            "share/doc/x",
            "manifest.in",
        ],
    );
    let std = archive("rust-std", &["lib/rustlib/x/lib/libstd.rlib"]);
    let components = [component("rustc", &rustc), component("rust-std", &std)];
    let server = server(vec![("rustc", rustc), ("rust-std", std)]);
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &server, &components).unwrap();
    let holds = |path: &str| folder.path().join(path).exists();
    assert!(
        holds("bin/rustc") && holds("lib/librustc.so") && holds("lib/rustlib/x/lib/libstd.rlib")
    );
    assert!(!holds("bin/rustdoc") && !holds("share") && !holds("manifest.in"));
}

#[test]
fn an_archive_that_breaks_off_leaves_nothing() {
    let rustc = archive("rustc", &["bin/rustc"]);
    let std = b"the right sum, and no archive".to_vec();
    let components = [component("rustc", &rustc), component("rust-std", &std)];
    let server = server(vec![("rustc", rustc), ("rust-std", std)]);
    let folder = tempfile::tempdir().unwrap();
    let error = fill(folder.path(), &server, &components).unwrap_err();
    assert!(matches!(error, InstallError::Unpack { .. }), "{error:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn nothing_is_unpacked_before_all_is_verified() {
    let rustc = archive("rustc", &["bin/rustc"]);
    let std = archive("rust-std", &["lib/x"]);
    let components = [
        component("rustc", &rustc),
        component("rust-std", b"another file"),
    ];
    let server = server(vec![("rustc", rustc), ("rust-std", std)]);
    let folder = tempfile::tempdir().unwrap();
    let error = fill(folder.path(), &server, &components).unwrap_err();
    assert!(matches!(error, InstallError::Checksum { .. }), "{error:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
