//! A broker to speak to, and names nobody else uses.

mod tap;

pub(crate) use tap::Tap;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use leveret_broker::Broker;
use leveret_client::{ConnectOptions, Connection, Connector};

/// No test waits longer for one thing.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// In the process, unless a URL is given.
pub(crate) struct Target(Option<Broker>);

impl Target {
    pub(crate) fn start() -> Self {
        Self(std::env::var_os("LEVERET_CLIENT_URL").is_none().then(Broker::in_memory))
    }

    pub(crate) async fn connect(&self) -> Connection {
        let (connector, options) = self.parts();
        Connection::connect_over(connector, options).await.unwrap()
    }

    pub(crate) fn parts(&self) -> (Connector, ConnectOptions) {
        let url = std::env::var("LEVERET_CLIENT_URL").unwrap_or_else(|_| "amqp://localhost".into());
        let options = ConnectOptions::new(url).unwrap();
        let connector = match self.0.clone() {
            None => Connector::socket(),
            Some(broker) => Connector::new(move |_| std::future::ready(Ok(broker.connect()))),
        };
        (connector, options)
    }
}

/// A name for a queue or exchange of this test.
pub(crate) fn fresh(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("client-test-{what}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
