//! One of the two brokers: its HTTP API and its address for AMQP.

use crate::failure::Failure;
use crate::http::{Api, Place};
use leveret_client::options::{RecoveryOptions, TlsOptions};
use leveret_client::{AmqpUri, ConnectOptions, Connection};
use std::path::Path;
use std::time::Duration;

/// See the module's documentation.
pub(super) struct End {
    pub(super) api: Api,
    /// `FROM` or `TO`.
    pub(super) label: &'static str,
    options: ConnectOptions,
}

impl End {
    pub(super) fn new(
        label: &'static str,
        url: &str,
        http: Option<&str>,
        ca_file: Option<&Path>,
        timeout: Duration,
    ) -> Result<End, Failure> {
        let usage = |text: String| Failure::usage(format!("{label}: {text}"));
        let uri: AmqpUri = url.parse().map_err(|error| usage(format!("{error}")))?;
        let mut options = ConnectOptions::from_uri(&uri).map_err(|error| usage(error.to_string()))?;
        if let (Some(path), true) = (ca_file, uri.tls) {
            options.tls = Some(options.tls.take().unwrap_or_else(TlsOptions::new).ca_file(path));
        }
        let mut place = match http {
            Some(http) => Place::parse(http).map_err(usage)?,
            None => {
                let Some(first) = uri.addresses.first() else { return Err(usage("it names no host".into())) };
                let port = first
                    .port
                    .checked_add(10_000)
                    .ok_or_else(|| usage("say where its HTTP API is".into()))?;
                let host =
                    if first.host.contains(':') { format!("[{}]", first.host) } else { first.host.clone() };
                Place::parse(&format!("{}://{host}:{port}", if uri.tls { "https" } else { "http" }))
                    .map_err(usage)?
            }
        };
        if http.is_none_or(|http| !http.contains('@')) {
            place.user.clone_from(&options.credentials.username);
            place.password = options.credentials.password().to_owned();
        }
        options = options.name("leveret migrate").operation_timeout(timeout).recovery(RecoveryOptions::off());
        Ok(End { api: Api::new(place, ca_file, timeout)?, label, options })
    }

    /// Connects to a virtual host.
    pub(super) async fn connect(&self, vhost: &str) -> Result<Connection, String> {
        let options = self.options.clone().vhost(vhost);
        Connection::connect(options).await.map_err(|error| format!("{}: {error}", self.label))
    }

    /// Whether it is a Leveret.
    pub(super) fn is_leveret(&self) -> bool {
        self.api.get("leveret/openapi.json").is_ok()
    }

    /// Its nodes as they run now: another text after any of them was started anew.
    pub(super) fn incarnation(&self) -> Result<String, String> {
        let nodes = self.api.get("nodes").map_err(|error| format!("{}: {error}", self.label))?;
        let one = |node: &serde_json::Value| {
            let text = |key: &str| node[key].as_str().unwrap_or("?").to_owned();
            format!("{}:{}", text("name"), text("os_pid"))
        };
        let mut all: Vec<String> = nodes.as_array().into_iter().flatten().map(one).collect();
        all.sort();
        Ok(all.join(" "))
    }
}
