//! Ready-made connections of `leveret-client`.

use crate::broker::TestBroker;
use leveret_client::options::{BackoffOptions, RecoveryOptions};
use leveret_client::{ConnectError, ConnectOptions, Connection};
use std::time::Duration;

impl TestBroker {
    /// A recovering connection without a socket, with [`client_options`](Self::client_options).
    ///
    /// # Panics
    /// It cannot be made; the text says why, and how the broker is.
    pub async fn client(&self) -> Connection {
        self.client_with(self.client_options()).await
    }

    /// The same with other options; their addresses and TLS do not matter.
    ///
    /// # Panics
    /// It cannot be made; the text says why, and how the broker is.
    pub async fn client_with(&self, options: ConnectOptions) -> Connection {
        match self.try_client_with(options).await {
            Ok(connection) => connection,
            Err(error) => panic!("no connection to the test broker: {error}\n{}", self.state()),
        }
    }

    /// The same for tests in which it may fail.
    ///
    /// # Errors
    /// What the last attempt failed with. A client may take a connection that is cut during the login for a refused password.
    pub async fn try_client_with(&self, options: ConnectOptions) -> Result<Connection, ConnectError> {
        Connection::connect_over(self.connector().into(), options).await
    }

    /// Options for a client that comes back within milliseconds after a fault, and asks for the heartbeats that the broker does.
    #[must_use]
    pub fn client_options(&self) -> ConnectOptions {
        let config = &self.0.setup.config;
        let backoff =
            BackoffOptions::default().first(Duration::from_millis(2)).max(Duration::from_millis(20));
        ConnectOptions::default()
            .credentials(config.default_user.clone(), config.default_pass.clone())
            .vhost(config.default_vhost.clone())
            .heartbeat(config.heartbeat)
            .recovery(RecoveryOptions::default().backoff(backoff))
    }
}
