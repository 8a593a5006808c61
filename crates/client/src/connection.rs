//! A connection that comes back by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use leveret_protocol::methods::connection;
use leveret_protocol::{FieldTable, ShortStr};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::channel::Channel;
use crate::consumer::{Consumer, ConsumerOptions};
use crate::error::{ConnectError, Error};
use crate::io::{ChannelShared, Command, ConnectionShared, First, Reply, Task};
use crate::options::ConnectOptions;
use crate::publisher::{Publisher, PublisherOptions};
use crate::topology::RecoveryReport;
use crate::transport::Connector;

/// What a connection is doing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ConnectionState {
    /// The first attempts.
    Connecting,
    /// Open.
    Connected,
    /// Open, but the broker takes no messages (`connection.blocked`); consumers go on.
    Blocked {
        /// The broker's reason, usually `low on memory` or `low on disk`.
        reason: Arc<str>,
    },
    /// Lost, and being made again.
    Recovering {
        /// The attempt under way or waited for, from 1.
        attempt: u32,
        /// Why the last one ended.
        cause: Arc<str>,
    },
    /// Over for good.
    Closed {
        /// Why.
        why: Error,
    },
}

#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) shared: Arc<ConnectionShared>,
    pub(crate) state: watch::Receiver<ConnectionState>,
    pub(crate) operation_timeout: Duration,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close_requested.store(true, SeqCst);
        self.shared.ring();
    }
}

/// A connection; clones are the same connection. When the last clone and the last channel, publisher and consumer on it are
/// dropped, it is closed.
///
/// ```
/// # async fn example(_: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{Connection, PublisherOptions, QueueDeclare};
///
/// # let broker = leveret_test::TestBroker::start().await;
/// # let url = broker.url().await;
/// let connection = Connection::connect(url.as_str()).await?; // "amqp://guest:guest@localhost"
/// connection.channel().await?.queue_declare("orders", QueueDeclare::default()).await?;
/// let publisher = connection.publisher(PublisherOptions::to_queue("orders")).await?;
/// publisher.send("one coffee").await?; // stored, or a typed error
/// connection.close(std::time::Duration::from_secs(5)).await?;
/// # broker.expect_message("orders").body("one coffee").await;
/// # Ok(())
/// # }
/// # leveret_test::run_example(example);
/// ```
#[derive(Debug, Clone)]
pub struct Connection(pub(crate) Arc<Handle>);

impl Connection {
    /// Connects by TCP or TLS and waits until the connection is open.
    ///
    /// The addresses are tried in their order, and of a name every address that it has (the first 32), in the resolver's; each attempt has
    /// [`connect_timeout`](ConnectOptions::connect_timeout). With recovery on that begins anew, with its pauses, for at most its `time_max`;
    /// if there is none, three times `connect_timeout`, or until every address was tried once. With recovery off each is tried once. It
    /// fails at once when trying again cannot help (a wrong password). Dropping the future gives up.
    ///
    /// # Errors
    /// What the last attempt failed with; of several addresses, [`ConnectError::NoBroker`] with what each failed with.
    pub async fn connect<O>(options: O) -> Result<Self, ConnectError>
    where
        O: TryInto<ConnectOptions>,
        ConnectError: From<O::Error>,
    {
        Self::connect_over(Connector::socket(), options.try_into()?).await
    }

    /// The same over any transport.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_over(connector: Connector, options: ConnectOptions) -> Result<Self, ConnectError> {
        options.check()?;
        let shared = Arc::new(ConnectionShared::new(&options));
        let (commands, receiver) = mpsc::channel(options.write.queue_len_max.min(Semaphore::MAX_PERMITS));
        let (sender, state) = watch::channel(ConnectionState::Connecting);
        let operation_timeout = options.operation_timeout;
        let (time_max, wait) = (options.recovery.time_max, options.connect_timeout.saturating_mul(3));
        let first = Arc::<First>::default();
        let task = Task::new(options, connector, shared.clone(), receiver, sender, first.clone());
        let connection = Self(Arc::new(Handle { commands, shared, state: state.clone(), operation_timeout }));
        tokio::spawn(task.run());
        let mut state = state;
        let connected = async {
            match state.wait_for(|state| !matches!(state, ConnectionState::Connecting)).await.as_deref() {
                Ok(ConnectionState::Closed { why }) => Err(why.clone()),
                Ok(_) => Ok(()),
                Err(_) => Err(Error::Lost("the runtime is shutting down".into())),
            }
        };
        let patience = async {
            sleep(time_max.unwrap_or(wait)).await;
            if time_max.is_none() {
                // Every attempt has an end, and so has this.
                first.round_over.notified().await;
            }
        };
        let why = tokio::select! {
            biased;
            connected = connected => match connected {
                Ok(()) => return Ok(connection),
                Err(why) => ConnectError::Closed(why),
            },
            () = patience => ConnectError::Timeout(time_max.unwrap_or(wait)),
        };
        Err(first.tries.lock().take(time_max.unwrap_or(wait)).unwrap_or(why))
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.0.state.borrow().clone()
    }

    /// What the broker said of itself when the connection was last made: `product`, `version`, `platform`, `capabilities` and the like.
    #[must_use]
    pub fn server_properties(&self) -> Arc<FieldTable> {
        self.0.shared.server_properties.lock().clone()
    }

    /// The largest frame in bytes that was agreed on when the connection was last made. Properties and headers of a message together have
    /// to fit into one.
    #[must_use]
    pub fn frame_max(&self) -> u32 {
        self.0.shared.frame_max.load(SeqCst)
    }

    /// To be told of every change of state; short states may be skipped.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<ConnectionState> {
        self.0.state.clone()
    }

    /// Opens a low-level channel. It does not survive the connection it was opened on.
    ///
    /// # Errors
    /// No number free, connection lost or closed, no answer in time. Cancel-safe: a channel nobody took is closed.
    pub async fn channel(&self) -> Result<Channel, Error> {
        let shared = self.open(false, false, (4096, 64 << 20), 0).await?;
        Ok(Channel::new(self.clone(), shared))
    }

    /// A publisher on a channel of its own.
    ///
    /// # Errors
    /// As [`channel`](Self::channel).
    pub async fn publisher(&self, options: PublisherOptions) -> Result<Publisher, Error> {
        Publisher::open(self, options).await
    }

    /// A consumer on a channel of its own.
    ///
    /// # Errors
    /// As [`channel`](Self::channel), and the broker's refusal, for example 404 for a queue that does not exist.
    pub async fn consumer(&self, options: ConsumerOptions) -> Result<Consumer, Error> {
        Consumer::open(self, options).await
    }

    /// Hands the broker a new secret, for example a token before the old one expires.
    ///
    /// # Errors
    /// Connection lost or closed, no answer in time.
    pub async fn update_secret(&self, secret: &[u8], reason: &str) -> Result<(), Error> {
        let mut frame = Vec::new();
        connection::UpdateSecret { new_secret: secret, reason: ShortStr::new(reason)? }.write(0, &mut frame);
        let kind = crate::io::CallKind::Other;
        self.ask("connection.update-secret", |reply| Command::Call {
            channel: 0,
            epoch: 0,
            frame,
            kind,
            reply,
        })
        .await
        .map(|_: Reply| ())
    }

    /// Closes the connection: flushes acks, says goodbye, waits for the answer, at most until `deadline` has passed. After that
    /// the socket is dropped anyway.
    ///
    /// # Errors
    /// The deadline passed first.
    pub async fn close(&self, deadline: Duration) -> Result<(), Error> {
        self.0.shared.close_requested.store(true, SeqCst);
        self.0.shared.ring();
        let mut state = self.0.state.clone();
        let closed = state.wait_for(|state| matches!(state, ConnectionState::Closed { .. }));
        match timeout(deadline, closed).await {
            Ok(_) => Ok(()),
            Err(_) => {
                self.0.shared.close_now.store(true, SeqCst);
                self.0.shared.ring();
                Err(Error::Timeout { what: "connection.close", after: deadline })
            }
        }
    }

    /// How it went when what was declared on this connection was declared again after it was last lost: what failed, with the broker's
    /// reason, and which queues that the broker names have another name now. `None` before the first time.
    ///
    /// An exclusive queue that is another connection's by now (perhaps the lost one's, of whose end the broker does not know yet) is tried
    /// for five seconds while everything else goes on; until then the report is not `complete`.
    #[must_use]
    pub fn last_recovery(&self) -> Option<Arc<RecoveryReport>> {
        self.0.shared.recovery.borrow().clone()
    }

    /// The same, to be told of every recovery.
    #[must_use]
    pub fn recoveries(&self) -> watch::Receiver<Option<Arc<RecoveryReport>>> {
        self.0.shared.recovery.subscribe()
    }

    /// Deliveries that were dropped without being settled since the connection was made. Each is a mistake in the application.
    #[must_use]
    pub fn dropped_unsettled(&self) -> u64 {
        self.0.shared.dropped_unsettled.load(SeqCst)
    }

    pub(crate) async fn open(
        &self,
        recovers: bool,
        confirms: bool,
        bounds: (usize, usize),
        prefetch: u16,
    ) -> Result<Arc<ChannelShared>, Error> {
        let opened = self
            .ask("channel.open", |reply| Command::Open { recovers, confirms, bounds, prefetch, reply })
            .await?;
        opened.take().ok_or(Error::Unexpected { what: "channel.open" })
    }

    /// Asks the task, with the deadline of operations.
    pub(crate) async fn ask<T>(
        &self,
        what: &'static str,
        command: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Command,
    ) -> Result<T, Error> {
        let after = self.0.operation_timeout;
        let (reply, answer) = oneshot::channel();
        let asked = async {
            if self.0.commands.send(command(reply)).await.is_err() {
                return Err(self.why_closed());
            }
            answer.await.unwrap_or_else(|_| Err(self.why_closed()))
        };
        timeout(after, asked).await.unwrap_or(Err(Error::Timeout { what, after }))
    }

    pub(crate) fn why_closed(&self) -> Error {
        match &*self.0.state.borrow() {
            ConnectionState::Closed { why } => why.clone(),
            _ => Error::Lost("the connection's task is gone".into()),
        }
    }
}
