//! A TLS listener from the command line, and new certificates without a restart.

use crate::support::{Server, failure, leveret, success};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Writes a fresh certificate for localhost and its key, and returns the certificate.
fn new_certificate(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    cert.der().clone()
}

/// Whether a client that trusts this certificate alone gets the broker's greeting.
fn is_greeted(address: SocketAddr, trusted: &CertificateDer<'static>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    let mut greeting = [0; 11];
    if stream.write_all(b"AMQP\x00\x00\x09\x01").and_then(|()| stream.read_exact(&mut greeting)).is_err() {
        return false;
    }
    // A method frame on channel 0, and in it connection.start.
    assert_eq!((greeting[0], &greeting[7..]), (1, &[0, 10, 0, 10][..]));
    true
}

#[test]
fn certificates_can_be_exchanged_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let first = new_certificate(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let server = Server::start(&["--amqps", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key]);
    let address =
        server.banner.lines().find_map(|line| line.trim().strip_prefix("listens  amqps://")).unwrap();
    let address = address.parse().unwrap();
    assert!(is_greeted(address, &first));

    let second = new_certificate(folder.path());
    assert!(!is_greeted(address, &second));
    server.signal(Signal::HUP);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_greeted(address, &second) {
        assert!(Instant::now() < deadline, "the new certificate is not used");
    }
    assert!(!is_greeted(address, &first));
}

#[test]
fn commands_talk_to_the_http_api_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    new_certificate(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let server = Server::start(&["--management-tls", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key]);
    let address =
        server.banner.lines().find_map(|line| line.trim().strip_prefix("listens  https://")).unwrap();
    let port = address.rsplit(':').next().unwrap();
    // The certificate has the name, and not the address.
    let url = format!("https://guest:guest@localhost:{port}");
    let listed =
        success(&mut leveret(&folder, &["vhosts", "list", "--json", "--http", &url, "--ca-file", &cert]));
    assert!(listed.contains(r#""name":"/""#), "{listed}");
    let (said, code) = failure(&mut leveret(&folder, &["vhosts", "list", "--http", &url]));
    assert!(said.contains("TLS: https://localhost") && said.contains("--ca-file"), "{said}");
    assert_eq!(code, Some(1));
    let (said, _) = failure(&mut leveret(&folder, &["vhosts", "list", "--http", &url, "--ca-file", &key]));
    assert!(said.contains("no certificate authority (none in"), "{said}");
}
