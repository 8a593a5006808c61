//! The few requests to a management API that tests need, each on a connection of its own, without tokio: a test's clock may be anything.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// Virtual hosts take their time where there are many at once.
const WITHIN: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(super) struct Management {
    address: String,
    credentials: String,
}

impl Management {
    /// At `HOST:PORT`.
    pub(super) fn new(address: String, user: &str, password: &str) -> Self {
        Self { address, credentials: BASE64_STANDARD.encode(format!("{user}:{password}")) }
    }

    /// `None`: there is no such thing.
    pub(super) fn get(&self, path: &str) -> Option<Value> {
        match self.ask("GET", path, "") {
            (404, _) => None,
            (200, body) => Some(serde_json::from_str(&body).unwrap()),
            (status, body) => panic!("GET {path}: {status} {body}"),
        }
    }

    pub(super) fn put(&self, path: &str, body: &Value) {
        let (status, answer) = self.ask("PUT", path, &body.to_string());
        assert!((200..300).contains(&status), "PUT {path}: {status} {answer}");
    }

    /// Whether it was there or not.
    pub(super) fn delete(&self, path: &str) {
        let (status, answer) = self.ask("DELETE", path, "");
        let gone = (200..300).contains(&status) || status == 404;
        assert!(gone || std::thread::panicking(), "DELETE {path}: {status} {answer}");
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let Self { address, credentials } = self;
        let mut stream = TcpStream::connect(address).unwrap_or_else(|error| {
            panic!("no management API at {address} (LEVERET_TOOLKIT_MANAGEMENT=HOST:PORT): {error}")
        });
        stream.set_read_timeout(Some(WITHIN)).unwrap();
        // (HTTP/1.0, so that no answer comes in chunks.)
        let request = format!(
            "{method} /api/{path} HTTP/1.0\r\nhost: {address}\r\nauthorization: Basic {credentials}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        (status.unwrap_or_else(|| panic!("{method} {path}: {answer}")), body.unwrap_or_default())
    }
}
