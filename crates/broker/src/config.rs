//! What a broker can be told before it starts. Every field has a default that suits one machine.

use crate::broker::StartError;
use crate::component::Component;
use crate::trace::Tracing;
use leveret_protocol::FRAME_MIN_SIZE;
use leveret_store::disk::Disk;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where definitions (and, with a store, messages) live.
#[derive(Debug, Clone)]
pub enum DataLocation {
    /// Nothing touches the disk; everything is gone when the broker stops.
    Memory,
    /// A folder owned by this broker alone.
    Directory(PathBuf),
    /// A folder behind the store's seam to the disk, this broker's alone: one in memory, or one that fails on command, for tests.
    Disk(Arc<dyn Disk>),
}

/// Settings of one broker.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Name of the node as clients and tools see it, in RabbitMQ's form `name@host`.
    pub node_name: String,
    /// Where data lives.
    pub data: DataLocation,
    /// A definitions file in RabbitMQ's format, read at every start after the data folder's own. `None` (default): no such file.
    pub load_definitions: Option<PathBuf>,
    /// User made when there is none yet.
    pub default_user: String,
    /// Its password.
    pub default_pass: String,
    /// Virtual host made when there is none yet; the default user gets all permissions there.
    pub default_vhost: String,
    /// Users that may only log in from this machine. RabbitMQ's `loopback_users`; default `guest`.
    pub loopback_users: Vec<String>,
    /// User that the ANONYMOUS mechanism logs in as; `None` (default) leaves the mechanism out.
    pub anonymous_user: Option<String>,
    /// Offers EXTERNAL on TLS listeners: the user is named by the client's certificate.
    pub external_auth: bool,
    /// Heartbeat interval offered to clients; zero turns heartbeats off. Default 60 s.
    pub heartbeat: Duration,
    /// A connection that has not finished its handshake by then is closed. Default 10 s.
    pub handshake_timeout: Duration,
    /// How long a closing connection waits for the peer's `close-ok`. Default 5 s.
    pub close_timeout: Duration,
    /// A delivery that is not settled by then closes its channel with 406; looked at once a minute. `None`: never.
    /// Default 30 minutes, as RabbitMQ.
    pub consumer_timeout: Option<Duration>,
    /// The store in the data folder.
    pub store: leveret_store::Options,
    /// Who gets the spans of sampled messages. `None` (default): nothing is traced, and nothing is looked at.
    pub tracing: Option<Tracing>,
    /// Who acts on runtime parameters. Default: nobody; those that RabbitMQ's plugins have are kept then.
    pub components: Vec<Component>,
    /// Bounds.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            node_name: "leveret@localhost".into(),
            data: DataLocation::Memory,
            load_definitions: None,
            default_user: "guest".into(),
            default_pass: "guest".into(),
            default_vhost: "/".into(),
            loopback_users: vec!["guest".into()],
            anonymous_user: None,
            external_auth: false,
            heartbeat: Duration::from_secs(60),
            handshake_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            consumer_timeout: Some(Duration::from_secs(30 * 60)),
            store: leveret_store::Options::default(),
            tracing: None,
            components: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Refuses bounds that nothing could work under.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        if self.limits.outgoing_bytes_max == 0 {
            let text = "outgoing_bytes_max is 0: no delivery could leave; the default is 1 MiB";
            return Err(StartError::Setting(text.into()));
        }
        if self.limits.frame_bytes_max < FRAME_MIN_SIZE {
            let given = self.limits.frame_bytes_max;
            let text = format!(
                "frame_bytes_max is {given}: AMQP wants at least {FRAME_MIN_SIZE}; the default is 131072"
            );
            return Err(StartError::Setting(text));
        }
        Ok(())
    }
}

/// Bounds, each with its unit in its name. A refusal for going over one names it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Open connections at a time. Default 65,536.
    pub connections_max: usize,
    /// Channels of one connection, offered in `connection.tune`. Default 2,047, as RabbitMQ.
    pub channels_per_connection_max: u16,
    /// Queues in one virtual host. Default 1,000,000.
    pub queues_per_vhost_max: usize,
    /// Consumers of one channel. Default 100,000.
    pub consumers_per_channel_max: usize,
    /// Body of one message. Default 16 MiB, as RabbitMQ 4.
    pub message_bytes_max: u64,
    /// Largest frame offered in `connection.tune`. Default 131,072, as RabbitMQ.
    pub frame_bytes_max: u32,
    /// Bytes of messages kept in memory above which publishing connections are blocked.
    /// Default 40 % of the machine's (or control group's) memory, as RabbitMQ 3.
    pub memory_high_watermark_bytes: u64,
    /// Bytes of messages in memory above which messages that nobody waits for are kept on disk only. Default 64 MiB.
    pub backlog_bytes_max: u64,
    /// Free bytes on the data folder's disk below which publishing connections are blocked. Default 50 MB, as RabbitMQ.
    pub disk_free_min_bytes: u64,
    /// Bytes handed to one connection and not yet written to its socket, above which its consumers wait. Default 1 MiB.
    pub outgoing_bytes_max: usize,
    /// Bytes of publishings and acknowledgements one channel's open transaction may hold. Default 128 MiB.
    pub transaction_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 65_536,
            channels_per_connection_max: 2047,
            queues_per_vhost_max: 1_000_000,
            consumers_per_channel_max: 100_000,
            message_bytes_max: 16 * 1024 * 1024,
            frame_bytes_max: 131_072,
            memory_high_watermark_bytes: total_memory_bytes() / 10 * 4,
            backlog_bytes_max: 64 * 1024 * 1024,
            disk_free_min_bytes: 50_000_000,
            outgoing_bytes_max: 1024 * 1024,
            transaction_bytes_max: 128 * 1024 * 1024,
        }
    }
}

/// Memory of this machine or of the control group the process lives in, whichever is smaller; 4 GiB when unknown.
pub fn total_memory_bytes() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    });
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    machine.into_iter().chain(group).min().unwrap_or(4 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_nothing_works_under_are_refused_by_name() {
        assert!(Config::default().check().is_ok());
        let mut config = Config::default();
        config.limits.outgoing_bytes_max = 0;
        assert!(config.check().unwrap_err().to_string().contains("outgoing_bytes_max"));
        let mut config = Config::default();
        config.limits.frame_bytes_max = 0;
        assert!(config.check().unwrap_err().to_string().contains("frame_bytes_max"));
    }
}
