//! One of the two brokers: its HTTP API and its address for AMQP, of a cluster those of all nodes that the URL names.

use super::apis::Apis;
use super::trouble::Trouble;
use crate::failure::Failure;
use crate::http::{Api, HttpError, Place};
use leveret_client::options::{RecoveryOptions, TlsOptions};
use leveret_client::{Address, AmqpUri, ConnectOptions, Connection};
use serde_json::Value;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// See the module's documentation.
pub(super) struct End {
    pub(super) api: Apis,
    /// `FROM` or `TO`.
    pub(super) label: &'static str,
    options: ConnectOptions,
    /// Which of the addresses was connected to last.
    at: AtomicUsize,
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
        let mut places = match http {
            Some(http) => vec![Place::parse(http).map_err(usage)?],
            None => uri
                .addresses
                .iter()
                .map(|address| place_of(address, uri.tls))
                .collect::<Result<_, _>>()
                .map_err(usage)?,
        };
        if http.is_none_or(|http| !http.contains('@')) {
            for place in &mut places {
                place.user.clone_from(&options.credentials.username);
                place.password = options.credentials.password().to_owned();
            }
        }
        options = options.name("leveret migrate").operation_timeout(timeout).recovery(RecoveryOptions::off());
        let all = places.into_iter().map(|place| Api::new(place, ca_file, timeout));
        let api = Apis::new(all.collect::<Result<_, _>>()?)
            .ok_or_else(|| Failure::usage(format!("{label}: it names no host")))?;
        Ok(End { api, label, options, at: AtomicUsize::new(0) })
    }

    /// Connects to a virtual host, at the first node that lets it in, from the one that did so last.
    pub(super) async fn connect(&self, vhost: &str) -> Result<Connection, Trouble> {
        let count = self.options.addresses.len();
        let first = self.at.load(Ordering::Relaxed);
        let mut step = 0;
        loop {
            let at = (first + step) % count.max(1);
            let mut options = self.options.clone().vhost(vhost);
            options.addresses = options.addresses.get(at).cloned().into_iter().collect();
            step += 1;
            match Connection::connect(options).await {
                Ok(connection) => {
                    self.at.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(error) if error.is_transient() && step < count => {}
                Err(error) => {
                    let may_pass = error.is_transient();
                    return Err(Trouble {
                        text: format!("{}: {error}", self.label),
                        may_pass,
                        is_final: false,
                    });
                }
            }
        }
    }

    /// Whether it is a Leveret.
    pub(super) fn is_leveret(&self) -> bool {
        self.api.get("leveret/openapi.json").is_ok()
    }

    /// The first number of RabbitMQ's version.
    pub(super) fn major_version(&self) -> Result<u64, String> {
        let overview = self.api.get("overview").map_err(|error| format!("{}: {error}", self.label))?;
        let version = overview["rabbitmq_version"].as_str().unwrap_or_default();
        let major = version.split('.').next().and_then(|number| number.parse().ok());
        major.ok_or_else(|| format!("{}: its version is not known ({version:?})", self.label))
    }

    /// Whether what is given back to it is no delivery that failed: Leveret, and RabbitMQ from 4.0 on.
    pub(super) fn counts_losses_alone(&self) -> bool {
        self.is_leveret() || self.major_version().is_ok_and(|major| major >= 4)
    }

    /// Whether it has more than one node.
    pub(super) fn is_cluster(&self) -> Result<bool, Trouble> {
        Ok(self.nodes()?.len() > 1)
    }

    fn nodes(&self) -> Result<Vec<Value>, Trouble> {
        let nodes = self.api.get("nodes").map_err(|error| Trouble {
            may_pass: matches!(error, HttpError::Unreachable { .. } | HttpError::Timeout { .. }),
            text: format!("{}: {error}", self.label),
            is_final: false,
        })?;
        Ok(nodes.as_array().cloned().unwrap_or_default())
    }

    /// Its nodes as they run now: another text after any of them was started anew.
    pub(super) fn incarnation(&self) -> Result<String, Trouble> {
        let nodes = self.nodes()?;
        let one = |node: &Value| {
            let text = |key: &str| node[key].as_str().unwrap_or("?").to_owned();
            format!("{}:{}", text("name"), text("os_pid"))
        };
        let mut all: Vec<String> = nodes.iter().map(one).collect();
        all.sort();
        Ok(all.join(" "))
    }
}

/// Where the HTTP API of a node is unless it is said: 10,000 ports above.
fn place_of(address: &Address, is_tls: bool) -> Result<Place, String> {
    let port = address.port.checked_add(10_000).ok_or("say where its HTTP API is")?;
    let host = if address.host.contains(':') { format!("[{}]", address.host) } else { address.host.clone() };
    Place::parse(&format!("{}://{host}:{port}", if is_tls { "https" } else { "http" }))
}
