//! The binary as a user meets it: start, first message, stop, and words when something is wrong.

use crate::client::Client;
use crate::support::{Server, failure, leveret};
use rustix::process::Signal;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

#[test]
fn starts_takes_a_message_and_stops_on_sigterm() {
    let mut server = Server::start(&[]);
    let mut client = Client::connect(server.address);
    client.declare("hello");
    client.publish("hello", b"Hello");
    assert_eq!(client.consume_one("hello"), b"Hello");
    drop(client);
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_stop_waits_for_deliveries_until_the_deadline_and_then_closes_in_order() {
    let mut server = Server::start(&["--shutdown-deadline", "50ms"]);
    let mut client = Client::connect(server.address);
    client.declare("kept");
    client.publish("kept", b"unsettled");
    client.consume_one("kept");
    server.signal(Signal::INT);
    // 320 is CONNECTION_FORCED, what RabbitMQ says at shutdown.
    assert_eq!(client.read_to_close(), Some(320));
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_second_signal_stops_at_once() {
    let mut server = Server::start(&["--shutdown-deadline", "1h"]);
    let mut client = Client::connect(server.address);
    client.declare("kept");
    client.publish("kept", b"unsettled");
    client.consume_one("kept");
    server.signal(Signal::TERM);
    // The first one has arrived when new connections are refused.
    while std::net::TcpStream::connect(server.address).is_ok() {
        std::thread::yield_now();
    }
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code(), Some(128 + 15));
}

#[test]
fn the_banner_tells_how_to_send_a_first_message() {
    let server = Server::start(&["--node-name", "leveret@test"]);
    let url = format!("amqp://guest:guest@{}/", server.address);
    assert!(server.banner.starts_with("Leveret "), "{}", server.banner);
    for expected in
        ["is ready (leveret@test, started in ", &format!("leveret bench --url {url}\n"), "in memory"]
    {
        assert!(server.banner.contains(expected), "{expected:?} not in\n{}", server.banner);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_broker_is_small() {
    let server = Server::start(&[]);
    drop(Client::connect(server.address));
    let bytes = server.own_bytes();
    assert!(bytes < 15 << 20, "{bytes} bytes");
}

#[test]
fn a_port_in_use_is_named_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let (said, code) = failure(&mut leveret(&folder, &["--memory", "--amqp", &address]));
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("leveret: cannot listen on {address}: the port is in use")), "{said}");
    assert!(said.contains("--amqp 127.0.0.1:0"), "{said}");
}

#[test]
fn a_wrong_file_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("leveret.toml"), "memory = true\nhartbeat = '30s'\n").unwrap();
    let (said, code) = failure(&mut leveret(&folder, &[]));
    assert_eq!(code, Some(2));
    assert_eq!(said, "leveret: leveret.toml, line 2: unknown key `hartbeat`; did you mean `heartbeat`?\n");
}

#[test]
fn a_wrong_flag_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let (said, code) = failure(&mut leveret(&folder, &["--heartbeat", "60"]));
    assert_eq!(
        (said.as_str(), code),
        ("leveret: --heartbeat: `60` needs a unit: `60s` for seconds, `60ms` for milliseconds\n", Some(2))
    );
    let (said, code) = failure(&mut leveret(&folder, &["--hartbeat", "60s"]));
    assert_eq!(code, Some(2));
    assert!(said.contains("'--heartbeat'"), "{said}");
}

#[test]
fn a_missing_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["--memory", "--amqps", "127.0.0.1:0", "--tls-cert", "absent.pem", "--tls-key", "absent.key"];
    let (said, code) = failure(&mut leveret(&folder, &arguments));
    assert_eq!(code, Some(1));
    assert!(said.contains("absent.pem"), "{said}");
}

#[test]
fn json_logs_are_json_from_the_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["--memory", "--amqp", "127.0.0.1:0", "--management", "127.0.0.1:0", "--log-format", "json"];
    let mut child =
        leveret(&folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = loop {
        let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if line["message"] == "ready" {
            break line;
        }
    };
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(ready["listeners"].as_str().unwrap().starts_with("amqp://127.0.0.1:"), "{ready}");
    assert!(ready["start_ms"].is_u64() && ready["node"].is_string(), "{ready}");
    assert!(output.stdout.is_empty());
}
