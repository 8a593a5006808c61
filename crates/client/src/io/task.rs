//! The life of a connection: connect, serve, lose, connect again, until somebody closes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout};

use super::asked::{Command, ReplySender};
use super::channel_state::ChannelState;
use super::late::Late;
use super::link::Link;
use super::serving::Serving;
use super::shared::ConnectionShared;
use super::tries::Tries;
use crate::backoff::Backoff;
use crate::connection::ConnectionState;
use crate::error::{Error, Origin, Scope};
use crate::options::ConnectOptions;
use crate::transport::Connector;

/// The longest wait for close-ok, and for the stream to take what is written before.
pub(super) const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// For last bytes to a peer that is gone or has heard enough.
const LAST_WRITE_WAIT: Duration = Duration::from_millis(100);

/// Why a connection stopped being served.
pub(super) enum End {
    /// The stream is gone; come back.
    Lost(String),
    /// A side closed it.
    Closed(Error),
}

/// How the first connection comes about, for whoever waits for it.
#[derive(Debug, Default)]
pub(crate) struct First {
    pub(crate) tries: Arc<Mutex<Tries>>,
    /// Every address was tried once.
    pub(crate) round_over: Notify,
}

pub(crate) struct Task {
    pub(super) options: ConnectOptions,
    pub(super) connector: Connector,
    pub(super) shared: Arc<ConnectionShared>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) state: watch::Sender<ConnectionState>,
    /// By number; number 0 stays empty.
    pub(super) channels: Vec<Option<Box<ChannelState>>>,
    /// Channels with something to write.
    pub(super) working: Vec<u16>,
    /// Channels that a read touched.
    pub(super) touched: Vec<u16>,
    pub(super) secret: VecDeque<ReplySender>,
    pub(super) blocked: bool,
    /// Something is due at another time than before.
    pub(super) rearm: bool,
    pub(super) due_now: bool,
    /// It is to be closed, at the latest then.
    pub(super) close_by: Option<Instant>,
    pub(super) close_written: bool,
    /// What of the recovery has to wait.
    pub(super) late: Option<Late>,
    /// What whoever makes the connection is told, until it is there.
    pub(super) first: Option<Arc<First>>,
    pub(super) address: usize,
}

impl Task {
    pub(crate) fn new(
        options: ConnectOptions,
        connector: Connector,
        shared: Arc<ConnectionShared>,
        commands: mpsc::Receiver<Command>,
        state: watch::Sender<ConnectionState>,
        first: Arc<First>,
    ) -> Self {
        Self {
            options,
            connector,
            shared,
            commands,
            state,
            channels: Vec::new(),
            working: Vec::new(),
            touched: Vec::new(),
            secret: VecDeque::new(),
            blocked: false,
            rearm: true,
            due_now: false,
            close_by: None,
            close_written: false,
            late: None,
            first: Some(first),
            address: 0,
        }
    }

    pub(super) fn set_state(&self, state: ConnectionState) {
        tracing::info!(?state, "connection");
        self.state.send_replace(state);
    }

    pub(super) fn channel(&mut self, number: u16) -> Option<&mut ChannelState> {
        self.channels.get_mut(usize::from(number))?.as_deref_mut()
    }

    pub(super) fn remove(&mut self, number: u16) -> Option<Box<ChannelState>> {
        let removed = self.channels.get_mut(usize::from(number))?.take();
        if removed.is_some() {
            self.shared.topology.lock().channel_closed(number);
        }
        removed
    }

    /// A queue that the broker named has another name now: its consumers follow.
    pub(super) fn rename_queue(&mut self, old: &str, new: &str) {
        for state in self.each_channel() {
            for consumer in state.consumers.iter_mut().filter(|consumer| consumer.subscription.queue == old) {
                consumer.subscription.queue = new.to_owned();
            }
        }
    }

    pub(super) fn each_channel(&mut self) -> impl Iterator<Item = &mut ChannelState> {
        self.channels.iter_mut().filter_map(Option::as_deref_mut)
    }

    /// The channel has something to write.
    pub(super) fn work(&mut self, number: u16) {
        if !self.working.contains(&number) {
            self.working.push(number);
        }
    }

    pub(super) fn all_work(&mut self) {
        let numbers: Vec<_> = self.each_channel().map(|state| state.shared.number).collect();
        self.working = numbers;
    }

    /// Runs until the connection is closed for good.
    pub(crate) async fn run(mut self) {
        let mut attempts = Backoff::new(self.options.recovery);
        let mut since = Instant::now();
        let mut cause: Option<String> = None;
        loop {
            // Boxed: what it needs to connect is not to be kept for as long as the connection is.
            let link = match Box::pin(self.establish(&mut attempts, since, cause.take())).await {
                Ok(link) => link,
                Err(error) => return self.finish(&error),
            };
            let opened = Instant::now();
            self.first = None;
            let (serving, end) = Serving::new(self, link).serve().await;
            let Serving { task, mut link, .. } = *serving;
            self = task;
            attempts.was_open(opened.elapsed());
            self.blocked = false;
            let error = match end {
                End::Closed(error) => {
                    let by_broker = matches!(&error, Error::Closed { origin: Origin::Broker, .. });
                    let wait = if by_broker { CLOSE_WAIT } else { LAST_WRITE_WAIT };
                    let _ = self.offline(timeout(wait, link.finish())).await;
                    // A broker that shuts down or was told to drop the connection may be back soon.
                    let again =
                        matches!(&error, Error::Closed { origin: Origin::Broker, code: 320 | 541, .. });
                    if !again || !self.options.recovery.enabled {
                        return self.finish(&error);
                    }
                    error.to_string()
                }
                End::Lost(text) => {
                    let _ = self.offline(timeout(LAST_WRITE_WAIT, link.finish())).await;
                    text
                }
            };
            drop(link);
            if self.close_by.is_some() || self.shared.wants_close() {
                // Nobody wants it back.
                return self.finish(&Error::closed_by_application(Scope::Connection));
            }
            let lost = Error::Lost(error.as_str().into());
            if !self.options.recovery.enabled {
                return self.finish(&lost);
            }
            self.lose(&lost);
            cause = Some(error);
            since = Instant::now();
        }
    }

    /// A connection is open: everything that was on the last one comes back.
    pub(super) async fn begin(&mut self, link: &mut Link) -> Result<(), End> {
        self.shared.frame_max.store(link.frame_max, SeqCst);
        self.end_released();
        self.restore(link).await?;
        self.end_released();
        for state in self.each_channel() {
            state.open(None, &mut link.out);
            if state.shared.released.load(SeqCst) {
                state.shared.let_go();
            }
        }
        self.all_work();
        if !self.blocked {
            self.set_state(ConnectionState::Connected);
        }
        self.rearm = true;
        self.on_read(link)
    }

    /// Whether a round has something to do already.
    pub(super) fn has_work(&self) -> bool {
        !self.working.is_empty() || self.rearm
    }

    /// All that was to be written is.
    pub(super) fn on_written(&mut self) {
        if self.close_by.is_some() && !self.close_written {
            self.close_by = Some(Instant::now() + CLOSE_WAIT); // it gets somewhere
        }
    }

    /// Channels whose handles were dropped while the connection was away come back only for what is unconfirmed on them.
    fn end_released(&mut self) {
        let released = |state: &&mut ChannelState| state.shared.released.load(SeqCst);
        let idle = self.each_channel().filter(released).filter(|state| !state.has_unconfirmed());
        let numbers: Vec<_> = idle.map(|state| state.shared.number).collect();
        for mut state in numbers.into_iter().filter_map(|number| self.remove(number)).collect::<Vec<_>>() {
            state.end(&Error::closed_by_application(Scope::Channel));
        }
    }

    /// The stream is gone: low-level channels end, the others wait for the next one.
    fn lose(&mut self, error: &Error) {
        for slot in &mut self.channels {
            let Some(state) = slot else { continue };
            let is_wanted = !state.shared.released.load(SeqCst) || state.has_unconfirmed();
            if state.recovers && !state.closing && is_wanted && !state.is_being_opened() {
                state.lose(error);
                state.release();
            } else {
                if state.shared.released.load(SeqCst) {
                    // By the application's wish: what the broker deletes with its consumers is not declared again.
                    self.shared.topology.lock().channel_closed(state.shared.number);
                }
                state.end(error);
                *slot = None;
            }
        }
        for reply in self.secret.drain(..) {
            let _ = reply.send(Err(error.clone()));
        }
        self.late = None;
        self.working.clear();
        self.touched.clear();
    }

    fn finish(mut self, error: &Error) {
        for state in self.each_channel() {
            state.end(error);
        }
        for reply in self.secret.drain(..) {
            let _ = reply.send(Err(error.clone()));
        }
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Open { reply, .. } => drop(reply.send(Err(error.clone()))),
                Command::Call { reply, .. } | Command::Consume { reply, .. } => {
                    drop(reply.send(Err(error.clone())));
                }
                Command::Cast { .. } => {}
            }
        }
        self.set_state(ConnectionState::Closed { why: error.clone() });
    }
}
