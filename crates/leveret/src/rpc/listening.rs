//! A responder's queue for what its askers give up.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use leveret_client::{Bind, Channel, Consumer, ConsumerOptions, Delivery, Error, FieldTable, QueueDeclare};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::askers::{Asked, Askers, number};
use super::given_up::{EXCHANGE, key};
use crate::message::Incoming;
use crate::mq::Mq;

/// On the way at a time.
const PREFETCH: u16 = 200;
/// In the queue, at most; older ones go.
const WAITING_MAX: i64 = 10_000;
/// Exchanges by which requests come that are listened to beside the queue's own name.
const EXCHANGES_MAX: usize = 64;
/// What is remembered is remembered so long at most, whatever an asker says.
const REMEMBER_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long the queue's end may take when the responder stops.
const END_TIME: Duration = Duration::from_secs(1);

/// What a responder listens with.
pub(crate) struct Listening {
    askers: Arc<Askers>,
    exchanges: Mutex<HashSet<String>>,
    found: mpsc::Sender<String>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Listening {
    /// For a responder of this queue. A broker that does not permit it is no reason not to answer: requests end by their deadlines then.
    pub(crate) async fn start(mq: &Mq, queue: &str) -> Arc<Self> {
        let (found, exchanges) = mpsc::channel(EXCHANGES_MAX);
        let (askers, stop) = (Arc::<Askers>::default(), CancellationToken::new());
        let task = match open(mq, queue).await {
            Ok(open) => Some(tokio::spawn(listen(open, askers.clone(), exchanges, stop.clone()))),
            Err(error) => {
                tracing::warn!(queue, %error, "the responder is not told when an asker gives up");
                None
            }
        };
        Arc::new(Self { askers, exchanges: Mutex::default(), found, stop, task: Mutex::new(task) })
    }

    /// A request begins. `Err`: its asker has given up already. `None`: there is no telling.
    pub(crate) fn begin(&self, message: &Incoming) -> Result<Option<Asked>, ()> {
        let Some(id) = number(message.message_id()) else { return Ok(None) };
        let exchange = message.exchange();
        if !exchange.is_empty() {
            self.listen_to(exchange);
        }
        self.askers.begin(id, Instant::now()).map(Some)
    }

    /// The first request that came by an exchange: the next that is given up there is heard of.
    fn listen_to(&self, exchange: &str) {
        let mut exchanges = self.exchanges.lock();
        if exchanges.len() < EXCHANGES_MAX && !exchanges.contains(exchange) {
            exchanges.insert(exchange.to_owned());
            let _ = self.found.try_send(exchange.to_owned());
        }
    }

    /// Its queue goes.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        let task = self.task.lock().take();
        if let Some(task) = task {
            let _ = timeout(END_TIME * 2, task).await;
        }
    }

    /// The same without waiting for it.
    pub(crate) fn leave(&self) {
        self.stop.cancel();
    }
}

/// The queue with its consumer.
struct Open {
    channel: Channel,
    name: String,
    consumer: Consumer,
}

async fn open(mq: &Mq, queue: &str) -> Result<Open, Error> {
    let channel = mq.consuming().channel().await?;
    let name = format!("leveret.given-up.{:032x}", rand::random::<u128>());
    let arguments = FieldTable::from([("x-max-length", WAITING_MAX)]);
    let how = QueueDeclare { exclusive: true, auto_delete: true, arguments, ..QueueDeclare::default() };
    channel.queue_declare(&name, how).await?;
    bind(&channel, &name, key("", queue)).await?;
    let consumer = mq.consuming().consumer(ConsumerOptions::new(&name, PREFETCH)).await?;
    Ok(Open { channel, name, consumer })
}

async fn bind(channel: &Channel, queue: &str, routing_key: String) -> Result<(), Error> {
    channel.queue_bind(queue, EXCHANGE, Bind { routing_key, ..Bind::default() }).await
}

async fn listen(
    mut open: Open,
    askers: Arc<Askers>,
    mut exchanges: mpsc::Receiver<String>,
    stop: CancellationToken,
) {
    loop {
        let delivery = tokio::select! {
            () = stop.cancelled() => break,
            Some(exchange) = exchanges.recv() => {
                if let Err(error) = bind(&open.channel, &open.name, key(&exchange, "")).await {
                    tracing::debug!(exchange, %error, "what is given up there is not heard of");
                }
                continue;
            }
            delivery = open.consumer.next() => delivery,
        };
        match delivery {
            Some(Ok(delivery)) => hear(&askers, delivery),
            Some(Err(error)) => {
                tracing::warn!(%error, "the responder is not told any more when an asker gives up");
                break;
            }
            None => break,
        }
    }
    // So that it is not declared again when the connection comes back; it goes with that in any case.
    let _ = timeout(END_TIME, open.channel.queue_delete(&open.name, Default::default())).await;
}

fn hear(askers: &Askers, delivery: Delivery) {
    if let Ok(told) = delivery.properties()
        && let Some(id) = number(told.correlation_id.as_deref())
    {
        let wait =
            told.expiration.and_then(|text| text.parse().ok()).map_or(REMEMBER_MAX, Duration::from_millis);
        let now = Instant::now();
        askers.gave_up(id, now, now + wait.min(REMEMBER_MAX));
    }
    // What is stale went with its connection, and so did the queue.
    let _ = delivery.ack();
}
