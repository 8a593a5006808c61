//! Which broker the dialogues are held with.

use crate::in_process;
use crate::wire::Wire;
use leveret_protocol::Method;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::OnceLock;

/// The variable that names a broker, as `amqp://user:password@host:port/`.
const URL: &str = "LEVERET_CONFORMANCE_URL";

/// A broker to talk to.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// A user with all permissions in virtual host `/`.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// Whether it runs in this process.
    pub in_process: bool,
}

/// The broker of this test run; started when the first test asks.
///
/// # Panics
/// When the URL cannot be used, or the broker in this process does not start.
pub fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| match std::env::var(URL) {
        Ok(url) => Target::from_url(&url)
            .unwrap_or_else(|| panic!("{URL}={url} is not amqp://user:password@host:port/")),
        Err(_) => {
            let address = in_process::start();
            Target { address, user: "guest".into(), password: "guest".into(), in_process: true }
        }
    })
}

impl Target {
    /// The broker at `amqp://user:password@host:port/`; `None` when that is something else.
    #[must_use]
    pub fn from_url(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("amqp://")?;
        let rest = rest.split_once('/').map_or(rest, |(authority, _)| authority);
        let (login, host) = rest.rsplit_once('@').unwrap_or(("guest:guest", rest));
        let (user, password) = login.split_once(':')?;
        let address = host.to_socket_addrs().ok()?.next()?;
        Some(Self { address, user: user.into(), password: password.into(), in_process: false })
    }
}

/// Whether the broker is RabbitMQ itself: it says that it runs on Erlang.
#[must_use]
pub fn is_rabbitmq() -> bool {
    static RABBITMQ: OnceLock<bool> = OnceLock::new();
    *RABBITMQ.get_or_init(|| {
        let mut wire = Wire::connect();
        wire.send_bytes("protocol header", &leveret_protocol::PROTOCOL_HEADER);
        let event = wire.next_on(0);
        match event.method() {
            Some(Method::ConnectionStart(start)) => start
                .server_properties
                .get("platform")
                .and_then(|platform| platform.as_str())
                .is_some_and(|platform| platform.starts_with("Erlang")),
            _ => wire.fail("a connection.start"),
        }
    })
}

/// What to expect where this broker deliberately differs from RabbitMQ 3.10; the reason stands in `docs/compatibility.md` too.
#[must_use]
pub fn differs<T>(reason: &str, rabbitmq: T, ours: T) -> T {
    assert!(!reason.is_empty(), "a difference has a reason");
    if is_rabbitmq() { rabbitmq } else { ours }
}
