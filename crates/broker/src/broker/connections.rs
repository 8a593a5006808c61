//! The connections of a broker: letting them in, counting them against limits, and stopping in order.

use super::BrokerInner;
use crate::auth::User;
use crate::inspect::{Client, ClientTexts, Endpoints};
use crate::mailbox::{Command, Mailbox};
use crate::name::Name;
use crate::net::tls::TlsInfo;
use crate::refusal::Refusal;
use crate::stats::{ConnectionFigures, Happening};
use crate::vhost::VirtualHost;
use leveret_protocol::ReplyCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Connections beyond the limit that are served far enough to be told so.
const REFUSALS_MAX: usize = 100;

/// What others may know of, and do to, an open connection.
#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    pub(crate) id: u64,
    /// `peer:port -> own:port`.
    pub(crate) name: OnceLock<Arc<str>>,
    /// Both ends of its socket.
    pub(crate) endpoints: OnceLock<Endpoints>,
    pub(crate) tls: OnceLock<Box<TlsInfo>>,
    pub(crate) connected_unix_ms: u64,
    /// What the client said of itself.
    pub(crate) client: OnceLock<Client>,
    /// Channels and bytes of a frame at most, and the seconds between heartbeats.
    pub(crate) tuning: OnceLock<(u16, u32, u16)>,
    pub(crate) figures: ConnectionFigures,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Its user, once it may enter a virtual host.
    pub(crate) user: OnceLock<Name>,
    /// The virtual host it is in, once it may enter it.
    pub(crate) vhost: OnceLock<Name>,
    /// Channels open on it.
    pub(crate) channels: AtomicUsize,
    /// It has cancelled its consumers because the broker stops.
    pub(crate) drained: AtomicBool,
    /// Delivered messages it had not settled when it last looked.
    pub(crate) unsettled: AtomicUsize,
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShutdownReport {
    /// Connections that were open when it began.
    pub connections: usize,
    /// Messages whose consumers had not settled them when the deadline came; they went back to their queues.
    pub unsettled: usize,
}

impl BrokerInner {
    /// The virtual host a user wants to work in. From then on the connection is counted there.
    ///
    /// # Errors
    /// There is none of that name, the user has no permissions there, or there are as many connections as there may be.
    pub(crate) fn enter_vhost(
        &self,
        connection: &ConnectionHandle,
        user: &User,
        name: &str,
    ) -> Result<Arc<VirtualHost>, Refusal> {
        // One at a time: two that come at once are not both the last that may. Whoever deletes the virtual host or the user
        // comes before this, and the connection is refused, or after it, and closes the connection.
        let connections = self.connections.lock();
        let vhost = self.vhost(name).ok_or_else(|| Refusal::NoVhost { vhost: name.into() })?;
        vhost.check_connection_limit(user, || {
            connections.values().filter(|c| c.vhost.get().is_some_and(|vhost| **vhost == *name)).count()
                as u64
        })?;
        self.auth.check_vhost_access(user, name)?;
        let max = self.config.limits.connections_max;
        if connections.len() > max {
            let text = format!("connection refused: node connection limit ({max}) is reached");
            return Err(Refusal::other(ReplyCode::NotAllowed, text));
        }
        let open = connections.values().filter(|c| c.user.get() == Some(user.name())).count();
        self.auth.check_connection_limit(user, open as u64)?;
        let _ = connection.user.set(user.name().clone());
        let _ = connection.vhost.set(vhost.name().clone());
        self.churn().count(Happening::ConnectionCreated);
        Ok(vhost)
    }

    /// # Errors
    /// The user has as many channels, on all its connections together, as it may.
    pub(crate) fn check_channel_limit(&self, user: &User) -> Result<(), Refusal> {
        if !self.auth.has_channel_limit(user) {
            return Ok(());
        }
        let of = |c: &Arc<ConnectionHandle>| match c.user.get() {
            Some(name) if name == user.name() => c.channels.load(Ordering::Relaxed) as u64,
            _ => 0,
        };
        let open = self.connections.lock().values().map(of).sum();
        self.auth.check_channel_limit(user, open)
    }

    /// Takes a connection in.
    ///
    /// # Errors
    /// The broker stops, or has as many connections as it may.
    pub(crate) fn admit(&self) -> Result<Arc<ConnectionHandle>, Refusal> {
        let max = self.config.limits.connections_max;
        let mut connections = self.connections.lock();
        if self.stopping.load(Ordering::Acquire) {
            return Err(Refusal::other(ReplyCode::ConnectionForced, "the broker is stopping"));
        }
        if connections.len() >= max.saturating_add(REFUSALS_MAX) {
            return Err(Refusal::other(ReplyCode::NotAllowed, format!("more than {max} connections")));
        }
        let id = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let mailbox = Arc::new(Mailbox::new(self.config.limits.outgoing_bytes_max));
        let handle = Arc::new(ConnectionHandle {
            id,
            name: OnceLock::new(),
            endpoints: OnceLock::new(),
            tls: OnceLock::new(),
            connected_unix_ms: self.clock.unix_ms(),
            client: OnceLock::new(),
            tuning: OnceLock::new(),
            figures: ConnectionFigures::default(),
            mailbox,
            user: OnceLock::new(),
            vhost: OnceLock::new(),
            channels: AtomicUsize::new(0),
            drained: AtomicBool::new(false),
            unsettled: AtomicUsize::new(0),
        });
        connections.insert(id, handle.clone());
        Ok(handle)
    }

    pub(crate) fn dismiss(&self, id: u64) {
        let gone = self.connections.lock().remove(&id);
        if let Some(connection) = gone {
            if connection.user.get().is_some() {
                self.churn().count(Happening::ConnectionClosed);
            }
            connection.client.get().inspect(|client| self.clients.forget(client));
        }
        self.connections_gone.notify_waiters();
    }

    /// The open ones, oldest first.
    pub(crate) fn handles(&self) -> Vec<Arc<ConnectionHandle>> {
        let mut all: Vec<_> = self.connections.lock().values().cloned().collect();
        all.sort_by_key(|connection| connection.id);
        all
    }

    pub(crate) fn handle(&self, id: u64) -> Option<Arc<ConnectionHandle>> {
        self.connections.lock().get(&id).cloned()
    }

    /// What clients say of themselves.
    pub(crate) fn clients(&self) -> &ClientTexts {
        &self.clients
    }

    pub(crate) fn each_connection(&self, mut each: impl FnMut(&ConnectionHandle)) {
        let all: Vec<_> = self.connections.lock().values().cloned().collect();
        all.iter().for_each(|connection| each(connection));
    }

    /// Closes with 320 those that are meant.
    pub(super) fn close_connections(&self, meant: impl Fn(&ConnectionHandle) -> bool, text: &str) {
        self.each_connection(|connection| {
            if meant(connection) {
                let code = ReplyCode::ConnectionForced;
                connection.mailbox.order(Command::Close { code, text: text.to_owned() });
            }
        });
    }

    pub(super) async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        self.stopping.store(true, Ordering::Release);
        for listener in self.listeners.lock().drain(..) {
            listener.abort();
        }
        let mut report = ShutdownReport { connections: self.connections.lock().len(), unsettled: 0 };
        self.each_connection(|connection| {
            connection.mailbox.order(Command::Drain);
        });
        let settled = async {
            let is_settled = |c: &Arc<ConnectionHandle>| {
                let drained = c.drained.load(Ordering::Acquire) && c.unsettled.load(Ordering::Acquire) == 0;
                drained || c.user.get().is_none()
            };
            while !self.connections.lock().values().all(is_settled) {
                tokio::select! {
                    () = self.connections_gone.notified() => {}
                    () = self.clock.sleep(Duration::from_millis(5)) => {}
                }
            }
        };
        tokio::select! {
            () = settled => {}
            () = self.clock.sleep(deadline) => {}
        }
        self.each_connection(|connection| {
            report.unsettled += connection.unsettled.load(Ordering::Acquire);
            let text = "broker forced connection closure with reason 'shutdown'".to_owned();
            connection.mailbox.order(Command::Close { code: ReplyCode::ConnectionForced, text });
        });
        let gone = async {
            loop {
                let notified = self.connections_gone.notified();
                if self.connections.lock().is_empty() {
                    return;
                }
                notified.await;
            }
        };
        tokio::select! {
            () = gone => {}
            () = self.clock.sleep(self.config.close_timeout) => {}
        }
        self.save_definitions();
        if let Some(store) = self.store().cloned() {
            // What is pending is written; the disk may take its time.
            let _ = self.runtime().spawn_blocking(move || store.close()).await;
        }
        if let Some(data) = &self.data {
            data.release();
        }
        report
    }
}
