//! `leveret serve` and an OTLP collector.

use crate::support::{Server, failure, leveret};
use rustix::process::Signal;
use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// A collector that takes one connection, reads, and never answers: what came within a while.
fn heard(listener: TcpListener) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut bytes = vec![0; 4096];
        let count = socket.read(&mut bytes).unwrap();
        bytes.truncate(count);
        // The connection stays open, and silent, until the other end goes.
        let _ = socket.read_to_end(&mut Vec::new());
        bytes
    })
}

#[test]
fn the_collector_is_spoken_to_and_one_that_is_silent_holds_up_no_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let heard = heard(listener);
    let more =
        ["--otlp-endpoint", &endpoint, "--otlp-protocol", "http", "--otlp-headers", "x-token=of%20a%20test"];
    let mut server = Server::start(&[&more[..], &["--otlp-signals", "metrics"]].concat());
    // The first metrics are sent at once.
    let began = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(15), "three seconds are for the collector");
    let request = String::from_utf8_lossy(&heard.join().unwrap()).to_lowercase();
    assert!(request.starts_with("post /v1/metrics http/1.1"), "{request}");
    assert!(request.contains("x-token: of a test"), "{request}");
}

#[test]
fn what_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let serve = |more: &[&str]| failure(&mut leveret(&folder, &[&["serve", "--memory"], more].concat()));
    let secure = ["--otlp-endpoint", "https://localhost:4318"];
    let (said, code) = serve(&[&secure[..], &["--otlp-ca", "missing.pem"]].concat());
    assert!(said.contains("otlp: certificates of authorities: missing.pem"), "{said}");
    assert_eq!(code, Some(2));
    let (said, code) = serve(&[&secure[..], &["--otlp-headers", "two words=x"]].concat());
    assert!(said.contains("otlp: a header that HTTP does not allow: 'two words'"), "{said}");
    assert_eq!(code, Some(2));
    let (said, _) = serve(&["--otlp-endpoint", "nowhere", "--otlp-signals", "none"]);
    assert!(said.contains("--otlp-signals: `none` leaves nothing to send"), "{said}");
}
