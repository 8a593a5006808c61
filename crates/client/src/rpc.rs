//! Requests and answers over RabbitMQ's direct reply-to: no queue is declared, nothing is stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use leveret_protocol::Properties;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::channel::{Channel, ConsumeOptions, PublishOptions};
use crate::connection::{Connection, ConnectionState};
use crate::consumer::Delivery;
use crate::error::{Error, Returned};
use crate::message::Message;

/// RabbitMQ's pseudo-queue for answers.
const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// None came in time. The request may have been carried out.
    #[error("no answer within {0:?}; is a server consuming the queue?")]
    Deadline(Duration),
    /// No queue takes the request: nobody serves it. It was not carried out.
    #[error("no queue is bound for routing key {:?} on exchange {:?} ({} {}): nobody serves this", .0.routing_key, .0.exchange, .0.code, .0.text)]
    Unroutable(Box<Returned>),
    /// Channel or connection are gone. The request may have been carried out.
    #[error(transparent)]
    Closed(#[from] Error),
}

impl RpcError {
    /// Whether the same request may be answered later. (It may also have been carried out already.)
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Deadline(_) => true,
            Self::Unroutable(_) => false,
            Self::Closed(error) => error.is_transient(),
        }
    }
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<Delivery, RpcError>>>>>;

fn asker(waiting: &Waiting, id: Option<&str>) -> Option<oneshot::Sender<Result<Delivery, RpcError>>> {
    let id = id?.parse::<u64>().ok()?;
    waiting.lock().remove(&id)
}

/// Asks and waits for answers, any number at a time. It comes back with its connection; requests under way when that is lost fail at
/// once, since their answers cannot come any more.
///
/// ```
/// # async fn example(connection: leveret_client::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_client::{ConsumerOptions, Message, RpcClient};
/// use std::time::Duration;
///
/// let mut requests = connection.consumer(ConsumerOptions::new("orders", 10)).await?;
/// let channel = connection.channel().await?;
/// tokio::spawn(async move {
///     while let Some(Ok(request)) = requests.next().await {
///         if channel.reply(&request, request.body().to_ascii_uppercase()).await.is_ok() {
///             let _ = request.ack(); // if it is stale the request comes again
///         }
///     }
/// });
/// let client = RpcClient::new(&connection).await?;
/// let request = Message::new("one coffee").routing_key("orders");
/// let answer = client.call(request, Duration::from_secs(5)).await?;
/// assert_eq!(answer.body(), "ONE COFFEE");
/// # Ok(())
/// # }
/// # leveret_test::run_example(example);
/// ```
#[derive(Debug)]
pub struct RpcClient {
    connection: Connection,
    channel: Channel,
    waiting: Waiting,
    next: AtomicU64,
    reader: tokio::task::AbortHandle,
}

impl Drop for RpcClient {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl RpcClient {
    /// Opens a channel and listens for answers.
    ///
    /// # Errors
    /// As [`Connection::channel`], and the broker's refusal.
    pub async fn new(connection: &Connection) -> Result<Self, Error> {
        let shared = connection.open(true, false, (1, 1), 0).await?;
        let channel = Channel::new(connection.clone(), shared);
        let options = ConsumeOptions { no_ack: true, ..Default::default() };
        let mut answers = channel.basic_consume(REPLY_TO, options).await?;
        let mut returns = channel.returns();
        let waiting = Waiting::default();
        let by_id = waiting.clone();
        let mut states = connection.watch();
        let reader = tokio::spawn(async move {
            loop {
                let answer = tokio::select! {
                    answer = answers.next() => answer,
                    returned = returns.next() => {
                        let Some(returned) = returned else { break };
                        if let Some(asker) = asker(&by_id, returned.properties.correlation_id.as_deref()) {
                            let _ = asker.send(Err(RpcError::Unroutable(Box::new(returned))));
                        }
                        continue;
                    }
                    changed = states.changed() => {
                        if changed.is_err() {
                            break;
                        }
                        if matches!(*states.borrow_and_update(), ConnectionState::Recovering { .. }) {
                            by_id.lock().clear();
                        }
                        continue;
                    }
                };
                let Some(Ok(answer)) = answer else { break };
                let id = answer.raw_properties().correlation_id();
                if let Some(asker) = asker(&by_id, id.and_then(|id| id.to_str().ok())) {
                    let _ = asker.send(Ok(answer));
                }
            }
            by_id.lock().clear();
        });
        let connection = connection.clone();
        Ok(Self { connection, channel, waiting, next: AtomicU64::new(1), reader: reader.abort_handle() })
    }

    /// Sends a request and waits for its answer. Cancel-safe in this sense: dropped, the answer is thrown away.
    ///
    /// # Errors
    /// No answer in time; no queue for it; channel or connection gone.
    pub async fn call(&self, request: impl Into<Message>, deadline: Duration) -> Result<Delivery, RpcError> {
        struct Forget<'a>(&'a Waiting, u64);
        impl Drop for Forget<'_> {
            fn drop(&mut self) {
                self.0.lock().remove(&self.1);
            }
        }
        let mut request = request.into();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        request.properties.correlation_id = Some(id.to_string());
        request.properties.reply_to = Some(REPLY_TO.to_owned());
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().insert(id, sender);
        let _forget = Forget(&self.waiting, id);
        let asked = async {
            if let ConnectionState::Recovering { cause, .. } = self.connection.state() {
                return Err(Error::Lost(cause).into());
            }
            self.channel.basic_publish_with(request, PublishOptions { mandatory: true }).await?;
            let lost = |_| Error::Lost("the channel for answers is gone".into());
            answer.await.map_err(|error| self.channel.closed().unwrap_or_else(|| lost(error)))?
        };
        timeout(deadline, asked).await.unwrap_or(Err(RpcError::Deadline(deadline)))
    }
}

impl Channel {
    /// Answers a request: publishes to its `reply-to` with its correlation id. A request without `reply-to` wants no answer.
    ///
    /// # Errors
    /// As [`basic_publish`](Self::basic_publish).
    pub async fn reply(&self, request: &Delivery, body: impl Into<Bytes>) -> Result<(), Error> {
        let asked = request.raw_properties();
        let Some(reply_to) = asked.reply_to() else { return Ok(()) };
        let correlation_id = asked.correlation_id().map(|id| id.to_lossy().into_owned());
        let properties = Properties { correlation_id, ..Properties::default() };
        let message = Message::new(body).properties(properties);
        self.basic_publish(message.exchange("").routing_key(reply_to.to_lossy().into_owned())).await
    }
}
