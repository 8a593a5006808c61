//! This project's broker, started inside the test process.

use std::net::SocketAddr;

/// Starts it; where it listens.
pub(crate) fn start() -> SocketAddr {
    panic!("set LEVERET_CONFORMANCE_URL")
}

pub(crate) fn add_user(_name: &str) {}

pub(crate) fn set_permissions(_name: &str, _configure: &str, _write: &str, _read: &str) {}

pub(crate) fn delete_user(_name: &str) {}

pub(crate) fn set_memory_alarm(_raised: bool) -> bool {
    false
}
