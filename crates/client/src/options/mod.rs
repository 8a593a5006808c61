//! Everything a connection can be told before it is made. Plain structs: fields are public, and a method of the same name sets one
//! and hands the struct on.
//!
//! Nothing here does I/O: certificates are read when the connection is made.

mod credentials;
mod error;
mod parameters;
mod recovery;
mod setters;
mod tls;
mod write;

use std::fmt;
use std::time::Duration;

use leveret_protocol::handshake::Tuning;
use leveret_protocol::{FRAME_MIN_SIZE, FieldTable, ShortStr};

pub use credentials::{Credentials, Mechanism};
pub use error::OptionsError;
pub use recovery::{BackoffOptions, Jitter, RecoveryOptions};
pub use tls::{Identity, TlsOptions};
pub use write::WriteOptions;

use crate::uri::{Address, AmqpUri, PORT, UriError};

/// How to reach a broker and how to behave on the way.
///
/// Every wait of a connection has a deadline, and all of them are here.
///
/// ```
/// use std::time::Duration;
/// use leveret_client::ConnectOptions;
///
/// let options = ConnectOptions::new("amqp://app:secret@mq1,mq2/orders?heartbeat=10")?
///     .name("invoices")
///     .operation_timeout(Duration::from_secs(5));
/// assert_eq!(options.addresses.len(), 2);
/// assert_eq!(options.vhost, "orders");
/// assert_eq!(options.heartbeat, Duration::from_secs(10));
/// assert!(!format!("{options:?}").contains("secret"));
/// options.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// Brokers, tried in this order, starting over with the next one after a connection was lost. Default: `localhost:5672`.
    pub addresses: Vec<Address>,
    /// The virtual host. Default: `/`.
    pub vhost: String,
    /// Who connects. Default: `guest` with password `guest`, whom RabbitMQ lets in from localhost only.
    pub credentials: Credentials,
    /// SASL mechanisms, the preferred first; the first that the broker offers is used. Default: PLAIN, AMQPLAIN.
    pub mechanisms: Vec<Mechanism>,
    /// Name shown in the broker's list of connections (client property `connection_name`). Default: none.
    pub name: Option<String>,
    /// Further client properties. They win over the ones the client sends by itself, `capabilities` excepted.
    pub client_properties: FieldTable,
    /// Language of the broker's texts. Default: `en_US`, the only one there is.
    pub locale: String,
    /// Longest silence either side accepts is two of these; rounded up to seconds, at most 65 535; zero: none, unless the broker
    /// asks for one. The lower of both sides' wishes holds. Default: 30 s: a dead peer is noticed within a minute, at the cost of
    /// two 8-byte frames in that time; RabbitMQ's 60 s doubles the wait, and below 5 s a busy network gives false alarms.
    pub heartbeat: Duration,
    /// Largest frame in bytes, from 4096; zero: whatever the broker offers. Default: 131 072, RabbitMQ's own.
    pub frame_max: u32,
    /// Most channels; zero: whatever the broker offers. Default: 2047, RabbitMQ's own.
    pub channel_max: u16,
    /// Largest message body accepted from the broker, in bytes. Default: 128 MiB, the largest RabbitMQ lets be published unless
    /// configured higher.
    pub message_bytes_max: usize,
    /// From the first TCP packet to an open connection, handshakes of TLS and AMQP included; per attempt. Default: 10 s.
    pub connect_timeout: Duration,
    /// Until an answer to a declare, bind, open and the like. Default: 30 s.
    pub operation_timeout: Duration,
    /// Bytes of deliveries that need no acks (`no_ack`, answers to RPC) and wait to be taken, above which nothing more is read on the
    /// connection until half of them are. One such consumer that does not keep up stops everything on its connection. Default: 16 MiB.
    pub waiting_bytes_max: usize,
    /// Bounds of the outgoing buffer.
    pub write: WriteOptions,
    /// TLS, if wanted. Default: none; `amqps://` turns it on.
    pub tls: Option<TlsOptions>,
    /// What happens when the connection is lost or cannot be made. Default: on.
    pub recovery: RecoveryOptions,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            addresses: vec![Address::new("localhost", PORT)],
            vhost: "/".to_owned(),
            credentials: Credentials::default(),
            mechanisms: vec![Mechanism::Plain, Mechanism::AmqPlain],
            name: None,
            client_properties: FieldTable::new(),
            locale: "en_US".to_owned(),
            heartbeat: Duration::from_secs(30),
            frame_max: 131_072,
            channel_max: 2047,
            message_bytes_max: 128 << 20,
            connect_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(30),
            write: WriteOptions::default(),
            waiting_bytes_max: 16 << 20,
            tls: None,
            recovery: RecoveryOptions::default(),
        }
    }
}

impl ConnectOptions {
    /// Options from a URI. See [`ConnectOptions::from_uri`].
    ///
    /// # Errors
    /// When the text is no such URI or a parameter is unknown or wrong.
    pub fn new(uri: impl AsRef<str>) -> Result<Self, UriError> {
        Self::from_uri(&uri.as_ref().parse()?)
    }

    /// Options from a parsed URI; what it does not say keeps its default.
    ///
    /// An empty virtual host (`amqp://host/`) is taken for the default one, as amqp091-go and pika do: RabbitMQ has no virtual
    /// host with an empty name unless somebody made one on purpose, and then [`ConnectOptions::vhost`] names it.
    ///
    /// | parameter | means |
    /// |---|---|
    /// | `heartbeat` | seconds |
    /// | `connection_timeout` | milliseconds, [`ConnectOptions::connect_timeout`] |
    /// | `channel_max`, `frame_max` | number, bytes |
    /// | `max_message_size` | bytes, [`ConnectOptions::message_bytes_max`] |
    /// | `auth_mechanism` | `plain`, `amqplain` or `external`; may be repeated, the preferred one first |
    /// | `locale`, `connection_name` | text |
    /// | `cacertfile`, `certfile`, `keyfile` | paths of PEM files |
    /// | `verify` | `verify_peer` (default) or `verify_none` |
    /// | `server_name_indication` | the name expected in the certificate, or `disable` |
    /// | `fail_if_no_peer_cert` | `true`: a broker without a certificate is never accepted anyway |
    ///
    /// # Errors
    /// When a parameter is unknown (the nearest known one is named), wrong, doubled, or about TLS while the URI is `amqp://`.
    pub fn from_uri(uri: &AmqpUri) -> Result<Self, UriError> {
        let mut options = Self { addresses: uri.addresses.clone(), ..Self::default() };
        if let Some(username) = &uri.username {
            options.credentials = Credentials::new(username.clone(), uri.password().unwrap_or_default());
        }
        if let Some(vhost) = uri.vhost.as_ref().filter(|vhost| !vhost.is_empty()) {
            options.vhost.clone_from(vhost);
        }
        options.tls = uri.tls.then(TlsOptions::default);
        parameters::apply(&mut options, &uri.parameters)?;
        Ok(options)
    }

    /// Looks for values nothing can work with. Connecting does this first.
    ///
    /// # Errors
    /// The first such value.
    pub fn check(&self) -> Result<(), OptionsError> {
        let refuse = |option, reason| Err(OptionsError { option, reason });
        if self.addresses.is_empty() {
            return refuse("addresses", "is empty; name at least one broker");
        }
        for (option, text) in [("vhost", self.vhost.as_str()), ("locale", self.locale.as_str())] {
            if text.len() > ShortStr::LEN_MAX {
                return refuse(option, "has more than 255 bytes");
            }
        }
        if self.mechanisms.is_empty() {
            return refuse("mechanisms", "is empty; name at least one, usually PLAIN");
        }
        if self.frame_max != 0 && self.frame_max < FRAME_MIN_SIZE {
            return refuse("frame_max", "is below 4096 bytes, the least the protocol allows");
        }
        if self.heartbeat > Duration::from_secs(u16::MAX.into()) {
            return refuse("heartbeat", "is above 65535 s; zero turns heartbeats off");
        }
        for (option, wait) in
            [("connect_timeout", self.connect_timeout), ("operation_timeout", self.operation_timeout)]
        {
            if wait.is_zero() {
                return refuse(option, "is zero, so nothing could ever succeed");
            }
        }
        if self.write.batch_bytes_max == 0 || self.write.queue_len_max == 0 {
            return refuse("write", "has a bound of zero, so nothing could ever be sent");
        }
        self.recovery.check()
    }

    /// What this side asks for in tune.
    #[must_use]
    pub fn tuning(&self) -> Tuning {
        let up = u64::from(self.heartbeat.subsec_nanos() > 0);
        let heartbeat = u16::try_from(self.heartbeat.as_secs() + up).unwrap_or(u16::MAX);
        Tuning { channel_max: self.channel_max, frame_max: self.frame_max, heartbeat }
    }
}

/// Everything but the password and keys.
impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> =
            self.client_properties.iter().map(|(name, _)| name.to_lossy().into_owned()).collect();
        f.debug_struct("ConnectOptions")
            .field("addresses", &self.addresses)
            .field("vhost", &self.vhost)
            .field("credentials", &self.credentials)
            .field("mechanisms", &self.mechanisms)
            .field("name", &self.name)
            .field("client_properties", &names)
            .field("locale", &self.locale)
            .field("heartbeat", &self.heartbeat)
            .field("frame_max", &self.frame_max)
            .field("channel_max", &self.channel_max)
            .field("message_bytes_max", &self.message_bytes_max)
            .field("connect_timeout", &self.connect_timeout)
            .field("operation_timeout", &self.operation_timeout)
            .field("waiting_bytes_max", &self.waiting_bytes_max)
            .field("write", &self.write)
            .field("tls", &self.tls)
            .field("recovery", &self.recovery)
            .finish()
    }
}

impl TryFrom<&str> for ConnectOptions {
    type Error = UriError;

    fn try_from(uri: &str) -> Result<Self, UriError> {
        Self::new(uri)
    }
}

impl std::str::FromStr for ConnectOptions {
    type Err = UriError;

    fn from_str(uri: &str) -> Result<Self, UriError> {
        Self::new(uri)
    }
}

#[cfg(test)]
mod tests;
