//! Connections, as far as others may know of them, and closing one.

use crate::broker::{Broker, ConnectionHandle};
use crate::mailbox::Command;
use crate::name::Name;
use crate::net::tls::TlsInfo;
use crate::stats::ConnectionState;
use leveret_protocol::{FieldTable, ReplyCode};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

/// Both ends of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoints {
    /// The client's.
    pub peer: SocketAddr,
    /// The broker's.
    pub own: SocketAddr,
}

/// An open connection, or one that is about to be.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// Its number, unique in this broker's life; grows with every connection.
    pub id: u64,
    /// `peer:port -> own:port`, or `in-process`.
    pub name: String,
    /// Both ends; `None` inside this process.
    pub endpoints: Option<Endpoints>,
    /// What of TLS is known; `None` for a plain connection.
    pub tls: Option<TlsInfo>,
    /// Its user, once it is open.
    pub user: Option<Name>,
    /// The virtual host it is in, once it is open.
    pub vhost: Option<Name>,
    /// What it is doing.
    pub state: ConnectionState,
    /// Channels open on it.
    pub channels: usize,
    /// How the client logged in: `PLAIN`, for example.
    pub auth_mechanism: Option<&'static str>,
    /// What the client said of itself.
    pub client_properties: FieldTable,
    /// The name the client gave it.
    pub user_provided_name: Option<String>,
    /// Channels it may have open; 0 is no limit.
    pub channel_max: u16,
    /// Bytes of a frame at most; 0 is no limit.
    pub frame_max: u32,
    /// Seconds between heartbeats; 0 for none.
    pub heartbeat_s: u16,
    /// When it came, in milliseconds since 1970.
    pub connected_at_unix_ms: u64,
    /// Bytes read from it, without what TLS adds.
    pub recv_oct: u64,
    /// Reads that brought some.
    pub recv_cnt: u64,
    /// Bytes written to it, without what TLS adds.
    pub send_oct: u64,
    /// Writes that took some.
    pub send_cnt: u64,
    /// Bytes for it that wait to be written.
    pub send_pend: u64,
}

impl Broker {
    /// The open connections, oldest first.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        self.0.handles().iter().map(|connection| connection.info()).collect()
    }

    /// Bytes read from and written to each open connection, by its number.
    #[must_use]
    pub fn connection_octets(&self) -> Vec<(u64, [u64; 2])> {
        let of = |connection: &ConnectionHandle| {
            [connection.figures.received_bytes.get(), connection.figures.sent_bytes.get()]
        };
        self.0.handles().iter().map(|connection| (connection.id, of(connection))).collect()
    }

    /// A connection by its number.
    #[must_use]
    pub fn connection(&self, id: u64) -> Option<ConnectionInfo> {
        self.0.handle(id).map(|connection| connection.info())
    }

    /// Closes a connection: the client is told 320 `CONNECTION_FORCED` and the reason. `false`: there is none of this number.
    ///
    /// The connection closes once its task takes notice; a client that does not answer is waited for as long as
    /// [`Config::close_timeout`](crate::Config::close_timeout) says.
    pub fn close_connection(&self, id: u64, reason: &str) -> bool {
        let Some(connection) = self.0.handle(id) else { return false };
        tracing::info!(
            connection = connection.name.get().map_or("", |name| name),
            reason,
            "closing the connection"
        );
        let close = Command::Close { code: ReplyCode::ConnectionForced, text: reason.to_owned() };
        connection.mailbox.order(close)
    }
}

impl ConnectionHandle {
    pub(crate) fn info(&self) -> ConnectionInfo {
        let client = self.client.get();
        let (channel_max, frame_max, heartbeat_s) = self.tuning.get().copied().unwrap_or_default();
        ConnectionInfo {
            id: self.id,
            name: self.name.get().map(|name| name.to_string()).unwrap_or_default(),
            endpoints: self.endpoints.get().copied(),
            tls: self.tls.get().map(|tls| (**tls).clone()),
            user: self.user.get().cloned(),
            vhost: self.vhost.get().cloned(),
            state: self.figures.state(),
            channels: self.channels.load(Ordering::Relaxed),
            auth_mechanism: client.map(|client| client.mechanism.as_str()),
            client_properties: client.map(|client| client.properties()).unwrap_or_default(),
            user_provided_name: client
                .and_then(|client| client.connection_name.as_deref().map(str::to_owned)),
            channel_max,
            frame_max,
            heartbeat_s,
            connected_at_unix_ms: self.connected_unix_ms,
            recv_oct: self.figures.received_bytes.get(),
            recv_cnt: self.figures.reads.get(),
            send_oct: self.figures.sent_bytes.get(),
            send_cnt: self.figures.writes.get(),
            send_pend: self.mailbox.outstanding_bytes() as u64,
        }
    }
}
