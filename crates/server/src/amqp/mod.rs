//! AMQP for the commands that publish and consume: which broker, and messages as JSON.

mod json;
mod run;

pub(crate) use json::{field_table, message_of, properties_of, shown};
pub(crate) use run::{interrupted, run};

use crate::client_file::{ClientFile, setting};
use crate::failure::Failure;
use crate::login::Login;
use clap::Args;
use leveret_client::options::TlsOptions;
use leveret_client::{AmqpUri, ConnectError, ConnectOptions, Connection};
use std::time::Duration;

const DEFAULT_URL: &str = "amqp://guest:guest@127.0.0.1:5672/";

/// How long closing a connection may take.
pub(crate) const CLOSE_TIME: Duration = Duration::from_secs(5);

/// The broker's address for AMQP, who connects, and how long to wait.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AmqpOptions {
    /// The broker, amqp:// or amqps:// [env: LEVERET_URL] [default: amqp://guest:guest@127.0.0.1:5672/]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub(crate) url: Option<String>,

    /// Virtual host, instead of the one in the URL [env: LEVERET_VHOST]
    #[arg(long, short = 'V', value_name = "NAME", help_heading = "Connection")]
    pub(crate) vhost: Option<String>,

    #[command(flatten)]
    pub(crate) login: Login,
}

impl AmqpOptions {
    /// Options of the connection, named after the command.
    fn connect_options(&self, command: &str) -> Result<ConnectOptions, Failure> {
        let file = ClientFile::read()?;
        let url = setting(self.url.clone(), "LEVERET_URL", file.url.clone())
            .unwrap_or_else(|| DEFAULT_URL.to_owned());
        let uri: AmqpUri = url.parse().map_err(|error| Failure::usage(format!("--url: {error}")))?;
        let mut options =
            ConnectOptions::from_uri(&uri).map_err(|error| Failure::usage(format!("--url: {error}")))?;
        if let Some(vhost) = setting(self.vhost.clone(), "LEVERET_VHOST", file.vhost.clone()) {
            options.vhost = vhost;
        }
        let (user, password) = self.login.user_and_password(&file);
        if user.is_some() || password.is_some() {
            let user = user.unwrap_or_else(|| options.credentials.username.clone());
            let password = password.unwrap_or_else(|| options.credentials.password().to_owned());
            options = options.credentials(user, password);
        }
        if let Some(path) = self.login.ca_file(&file).filter(|_| uri.tls) {
            options.tls = Some(options.tls.take().unwrap_or_else(TlsOptions::new).ca_file(path));
        }
        let timeout = self.login.timeout();
        options =
            options.name(format!("leveret {command}")).connect_timeout(timeout).operation_timeout(timeout);
        // A person who typed a wrong port wants to know it now.
        options.recovery.enabled = false;
        Ok(options)
    }

    /// The virtual host that is meant.
    pub(crate) fn vhost_name(&self) -> Result<String, Failure> {
        Ok(self.connect_options("")?.vhost)
    }

    /// Connects. With `comes_back` a connection that is lost later is made again.
    pub(crate) async fn connect(&self, command: &str, comes_back: bool) -> Result<Connection, Failure> {
        let mut options = self.connect_options(command)?;
        let first = Connection::connect(options.clone()).await.map_err(explained)?;
        if !comes_back {
            return Ok(first);
        }
        let _ = first.close(CLOSE_TIME).await;
        options.recovery.enabled = true;
        Connection::connect(options).await.map_err(explained)
    }
}

/// What to do about a connection that was not made.
fn explained(error: ConnectError) -> Failure {
    let hint = match error.decisive() {
        ConnectError::Unreachable { .. } | ConnectError::Timeout(_) => {
            "\n  `leveret serve` starts a broker on port 5672. Another address: --url amqp://USER:PASSWORD@HOST:PORT/VHOST, or LEVERET_URL"
        }
        ConnectError::Refused { code: 403, .. } => {
            "\n  Wrong user or password? Give them with --user and --password, in --url, or in LEVERET_USER and LEVERET_PASSWORD.\n  \
             guest may log in from the broker's own machine only."
        }
        ConnectError::Refused { code: 530, .. } => {
            "\n  `leveret vhosts list` shows the virtual hosts, `leveret permissions list` who may enter"
        }
        _ => "",
    };
    Failure::new(format!("{error}{hint}"))
}
