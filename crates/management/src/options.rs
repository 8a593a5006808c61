//! What the HTTP API is told at its start.

use leveret_broker::net::tls::Tls;
use leveret_shovel::Shovels;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A listener of the broker, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// RabbitMQ's name: `amqp`, `amqp/ssl`, `http`, `https`, `http/prometheus`.
    pub protocol: String,
    /// Where it listens.
    pub address: SocketAddr,
}

/// When the certificate of the TLS listeners ends.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum CertificateEnd {
    /// There is none: no listener has TLS.
    #[default]
    Never,
    /// Then, in seconds since 1970.
    At(u64),
    /// When the certificate of these listeners does, which may be exchanged meanwhile.
    Of(Arc<Tls>),
}

impl CertificateEnd {
    /// In seconds since 1970.
    pub(crate) fn unix_s(&self) -> Option<u64> {
        match self {
            Self::Never => None,
            Self::At(unix_s) => Some(*unix_s),
            Self::Of(tls) => tls.ends_unix_s(),
        }
    }
}

/// Settings and bounds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The listeners to be shown.
    pub listeners: Vec<Listener>,
    /// When the certificate of the TLS listeners ends.
    pub certificate_end: CertificateEnd,
    /// The shovels that are shown. Default: none.
    pub shovels: Shovels,
    /// Connections open at once; the next one is not accepted before another ends. Default 1,024.
    pub connections_max: usize,
    /// Bytes of a request's body; more is answered with 413. Default 1 MiB.
    pub body_bytes_max: usize,
    /// Bytes of a definitions document. Default 20 MiB, as RabbitMQ.
    pub definitions_bytes_max: usize,
    /// Time in which a request is read and answered; later it is answered with 503. Default 60 s.
    pub request_timeout: Duration,
    /// Requests worked on at once; the next one waits. Default 64.
    pub requests_max: usize,
    /// Failed logins from one address within a minute; the next one is answered with 429. Default 100.
    pub failed_logins_per_minute_max: u32,
    /// Event streams open at once. Default 100.
    pub event_streams_max: usize,
    /// Time between two looks at all figures; rates are the changes from one to the next. Default 5 s.
    pub sample_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            certificate_end: CertificateEnd::default(),
            shovels: Shovels::default(),
            connections_max: 1024,
            body_bytes_max: 1024 * 1024,
            definitions_bytes_max: 20 * 1024 * 1024,
            request_timeout: Duration::from_secs(60),
            requests_max: 64,
            failed_logins_per_minute_max: 100,
            event_streams_max: 100,
            sample_interval: Duration::from_secs(5),
        }
    }
}
