//! The one place that touches the broker: settings in, a running broker out.

use super::banner::Listening;
use super::{failure, telemetry};
use crate::config::{ListenAddress, Settings, TlsVerify, Watermark};
use leveret_broker::config::total_memory_bytes;
use leveret_broker::net::tls::{ClientCertificates, Tls, TlsSettings};
use leveret_broker::{Broker, Config, DataLocation, ShutdownReport};
use leveret_management::{CertificateEnd, Listener, Management};
use leveret_shovel::Shovels;
use leveret_telemetry::Telemetry;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;

/// RabbitMQ's name of the listener for Prometheus.
pub(crate) const METRICS: &str = "http/prometheus";

/// A broker with its listeners open.
pub(crate) struct Running {
    broker: Broker,
    tls: Option<Arc<Tls>>,
    listening: Vec<Listening>,
    shovels: Shovels,
    /// At work until the stop.
    shoveling: Mutex<Option<leveret_shovel::Running>>,
    /// Ends with this.
    management: Option<Management>,
    telemetry: Option<leveret_telemetry::Running>,
}

/// How long a stop waits for what shovels have under way.
const SHOVELS_STOP: Duration = Duration::from_secs(8);

/// How long a stop waits for the collector to take what is left.
const TELEMETRY_STOP: Duration = Duration::from_secs(3);

/// How the stop went, in words.
pub(crate) struct Stopped(ShutdownReport);

/// Starts the broker and opens every listener.
///
/// # Errors
/// What could not be done and what to do about it. Nothing stays open then.
pub(crate) async fn start(settings: &Settings, telemetry: Option<Telemetry>) -> Result<Running, String> {
    // Files first: a listener that is open takes connections.
    let tls = match settings.amqps.is_empty() && settings.management_tls.is_empty() {
        true => None,
        false => Some(Arc::new(Tls::load(tls_settings(settings)).map_err(|error| error.to_string())?)),
    };
    let mut config = config(settings);
    config.tracing = telemetry.as_ref().and_then(|to| telemetry::tracing(settings, to));
    let shovels = Shovels::new();
    config.components.push(shovels.component());
    let broker = Broker::start(config).map_err(|error| error.to_string())?;
    let telemetry = telemetry.map(|telemetry| telemetry.start(&broker));
    let shoveling = Mutex::default();
    let mut running =
        Running { broker, tls, listening: Vec::new(), shovels, shoveling, management: None, telemetry };
    for address in &settings.amqp {
        running.listen("amqp", address).await?;
    }
    for address in &settings.amqps {
        running.listen("amqps", address).await?;
    }
    running.manage(settings).await?;
    // Last: one that goes to a listener of this broker finds it open.
    running.shoveling = Mutex::new(Some(running.shovels.start(&running.broker)));
    Ok(running)
}

impl Running {
    async fn listen(&mut self, scheme: &'static str, address: &ListenAddress) -> Result<(), String> {
        let resolved = address.resolve().map_err(|error| failure::resolve(scheme, address, &error))?;
        for at in resolved {
            let bound =
                self.bind(scheme, at).await.map_err(|error| failure::listen(scheme, address, &error))?;
            self.listening.push(Listening { scheme, address: bound });
        }
        Ok(())
    }

    async fn bind(&self, scheme: &str, address: SocketAddr) -> io::Result<SocketAddr> {
        match &self.tls {
            Some(tls) if scheme == "amqps" => self.broker.listen_amqps(address, Arc::clone(tls)).await,
            _ => self.broker.listen_amqp(address).await,
        }
    }

    /// Opens the listeners of the HTTP API, which shows all that there are.
    async fn manage(&mut self, settings: &Settings) -> Result<(), String> {
        let mut sockets = Vec::new();
        for (scheme, addresses) in [("http", &settings.management), ("https", &settings.management_tls)] {
            for address in addresses {
                let flag = if scheme == "http" { "management" } else { "management-tls" };
                let resolved = address.resolve().map_err(|error| failure::resolve(flag, address, &error))?;
                for at in resolved {
                    let failed = |error| failure::listen(flag, address, &error);
                    let socket = TcpListener::bind(at).await.map_err(failed)?;
                    let bound = socket.local_addr().map_err(failed)?;
                    self.listening.push(Listening { scheme, address: bound });
                    sockets.push((scheme, socket));
                }
            }
        }
        if let Some(address) = settings.prometheus.address(settings.management.first()) {
            let flag = "prometheus";
            let resolved = address.resolve().map_err(|error| failure::resolve(flag, &address, &error))?;
            for at in resolved {
                let failed = |error| failure::listen(flag, &address, &error);
                let socket = TcpListener::bind(at).await.map_err(failed)?;
                let bound = socket.local_addr().map_err(failed)?;
                self.listening.push(Listening { scheme: METRICS, address: bound });
                sockets.push((METRICS, socket));
            }
        }
        if sockets.is_empty() {
            return Ok(());
        }
        let mut options = leveret_management::Options::default();
        options.listeners = self.listening.iter().map(shown).collect();
        options.shovels = self.shovels.clone();
        if let Some(tls) = &self.tls {
            options.certificate_end = CertificateEnd::Of(Arc::clone(tls));
        }
        let mut management = Management::new(self.broker.clone(), options);
        for (scheme, socket) in sockets {
            match &self.tls {
                Some(tls) if scheme == "https" => management.serve_tls(socket, Arc::clone(tls)),
                _ if scheme == METRICS => management.serve_metrics(socket),
                _ => management.serve(socket),
            }
        }
        self.management = Some(management);
        Ok(())
    }

    /// Reads the certificates again; open connections keep theirs.
    pub(crate) fn reload(&self) {
        match self.tls.as_ref().map(|tls| tls.reload()) {
            None => tracing::info!("SIGHUP: there are no certificates to read again"),
            Some(Ok(())) => tracing::info!("SIGHUP: certificates were read again, for new connections"),
            Some(Err(error)) => tracing::error!("SIGHUP: the certificates in use stay: {error}"),
        }
    }

    /// Where data is, in words.
    pub(crate) fn data(&self) -> String {
        match &self.broker.config().data {
            DataLocation::Memory | DataLocation::Disk(_) => "in memory: nothing survives a stop".into(),
            DataLocation::Directory(folder) => {
                std::path::absolute(folder).unwrap_or_else(|_| folder.clone()).display().to_string()
            }
        }
    }

    /// The listeners, with the ports really taken.
    pub(crate) fn listening(&self) -> &[Listening] {
        &self.listening
    }

    /// The node's name.
    pub(crate) fn node_name(&self) -> &str {
        &self.broker.config().node_name
    }

    /// Sends what is left for the collector, within seconds.
    pub(crate) async fn stop_telemetry(self) {
        if let Some(telemetry) = self.telemetry {
            let _ = telemetry.stop(TELEMETRY_STOP).await;
        }
    }

    /// Stops in order, within the deadline.
    pub(crate) async fn stop(&self, deadline: Duration) -> Stopped {
        let shoveling = self.shoveling.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(shoveling) = shoveling {
            shoveling.stop(deadline.min(SHOVELS_STOP)).await;
        }
        Stopped(self.broker.shutdown(deadline).await)
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ShutdownReport { connections, unsettled, .. } = self.0;
        write!(f, "{connections} connections closed, {unsettled} deliveries not settled in time")
    }
}

/// A listener under the name that RabbitMQ gives its protocol.
fn shown(listening: &Listening) -> Listener {
    let protocol = match listening.scheme {
        "amqps" => "amqp/ssl",
        other => other,
    };
    Listener { protocol: protocol.into(), address: listening.address }
}

fn config(settings: &Settings) -> Config {
    let mut config = Config::default();
    config.node_name = settings.node_name.clone().unwrap_or_else(default_node_name);
    config.data =
        if settings.memory { DataLocation::Memory } else { DataLocation::Directory(settings.data.clone()) };
    config.load_definitions.clone_from(&settings.load_definitions);
    config.default_user.clone_from(&settings.default_user);
    config.default_pass.clone_from(&settings.default_pass);
    config.default_vhost.clone_from(&settings.default_vhost);
    config.loopback_users.clone_from(&settings.loopback_users);
    config.anonymous_user.clone_from(&settings.anonymous_user);
    config.external_auth = settings.external_auth;
    config.heartbeat = settings.heartbeat.0;
    config.handshake_timeout = settings.handshake_timeout.0;
    config.close_timeout = settings.close_timeout.0;
    let limits = &mut config.limits;
    limits.connections_max = settings.connection_max.0;
    limits.channels_per_connection_max = settings.channel_max;
    limits.queues_per_vhost_max = settings.queue_max_per_vhost.0;
    limits.consumers_per_channel_max = settings.consumer_max_per_channel.0;
    limits.message_bytes_max = settings.message_bytes_max.0;
    limits.frame_bytes_max = u32::try_from(settings.frame_max.0).unwrap_or(u32::MAX);
    limits.memory_high_watermark_bytes = match settings.memory_high_watermark {
        Watermark::Bytes(bytes) => bytes.0,
        Watermark::Fraction(share) => (total_memory_bytes() as f64 * share) as u64,
    };
    limits.backlog_bytes_max = settings.backlog_memory_max.0;
    limits.disk_free_min_bytes = settings.disk_free_min.0;
    limits.outgoing_bytes_max = usize::try_from(settings.outgoing_bytes_max.0).unwrap_or(usize::MAX);
    limits.transaction_bytes_max = usize::try_from(settings.transaction_bytes_max.0).unwrap_or(usize::MAX);
    config
}

fn default_node_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    // RabbitMQ takes the first part of the machine's name as well.
    format!("leveret@{}", host.split('.').next().filter(|host| !host.is_empty()).unwrap_or("localhost"))
}

fn tls_settings(settings: &Settings) -> TlsSettings {
    let file = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let client = (settings.tls_verify != TlsVerify::None).then(|| ClientCertificates {
        authorities: file(&settings.tls_client_ca),
        required: settings.tls_verify == TlsVerify::Required,
    });
    TlsSettings {
        certificates: file(&settings.tls_cert),
        key: file(&settings.tls_key),
        client,
        version_min: settings.tls_version_min.0,
    }
}
