//! Looking into the broker: queues, messages, consumers, connections, what was published.

use crate::broker::TestBroker;
use crate::relay::Direction;
use crate::state::State;
use crate::tap::Published;
use bytes::Bytes;
use leveret_broker::queue::{Counters, Queue};
use leveret_broker::{QueuedMessage, vhost::VirtualHost};
use leveret_protocol::{FieldValue, Properties};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Messages of one queue that are looked at, at most.
const MESSAGES_MAX: usize = 10_000;
/// Characters of a body in a text.
const BODY_CHARS: usize = 60;

/// A queue as it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QueueView {
    /// Its virtual host.
    pub vhost: String,
    /// Its name.
    pub name: String,
    /// Survives a restart.
    pub durable: bool,
    /// Belongs to one connection alone.
    pub exclusive: bool,
    /// Messages ready for delivery.
    pub ready: usize,
    /// Messages delivered and not settled.
    pub unacked: u64,
    /// Consumers.
    pub consumers: usize,
    /// What happened in it so far.
    pub counters: Counters,
}

/// A ready message in its queue.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MessageView {
    /// The exchange it was published to; empty for the default exchange.
    pub exchange: String,
    /// Its routing key.
    pub routing_key: String,
    /// Its properties.
    pub properties: Properties,
    /// Its body.
    pub body: Bytes,
    /// It was delivered before.
    pub redelivered: bool,
    /// How often it was delivered.
    pub delivery_count: u32,
    /// When it dies, in milliseconds of the broker's clock ([`leveret_broker::Clock::now_ms`]). `None`: never.
    pub expires_ms: Option<u64>,
}

impl MessageView {
    fn of(queued: &QueuedMessage) -> Self {
        let message = &queued.message;
        Self {
            exchange: String::from_utf8_lossy(message.exchange()).into_owned(),
            routing_key: String::from_utf8_lossy(message.routing_key()).into_owned(),
            properties: Properties::try_from(message.properties()).unwrap_or_default(),
            body: message.body_bytes(),
            redelivered: queued.redelivered,
            delivery_count: queued.delivery_count,
            expires_ms: queued.expires_ms,
        }
    }

    /// The body as text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&FieldValue> {
        self.properties.headers.as_ref()?.get(name)
    }
}

/// On one line: the body, then what else there is.
impl fmt::Display for MessageView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        let mut short: String = text.chars().take(BODY_CHARS).collect();
        if short.len() < text.len() {
            short.push_str("...");
        }
        write!(
            f,
            "{short:?} ({} bytes), exchange {:?}, routing key {:?}",
            self.body.len(),
            self.exchange,
            self.routing_key
        )?;
        if let Some(headers) = &self.properties.headers {
            for (name, value) in headers.iter() {
                let text = value.as_str().map_or_else(|| format!("{value:?}"), |text| format!("{text:?}"));
                write!(f, ", header {} = {text}", name.to_lossy())?;
            }
        }
        if self.redelivered {
            write!(f, ", redelivered")?;
        }
        Ok(())
    }
}

/// A consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerView {
    /// Its queue's virtual host.
    pub vhost: String,
    /// Its queue.
    pub queue: String,
    /// Its tag.
    pub consumer_tag: String,
    /// Index of its connection; see [`ConnectionView::index`].
    pub connection: Option<usize>,
    /// Its channel.
    pub channel: u16,
    /// It acknowledges nothing.
    pub no_ack: bool,
    /// It wants to be the only one.
    pub exclusive: bool,
    /// Unacked messages it may hold; 0 is no limit.
    pub prefetch_count: u16,
    /// Unacked messages it holds.
    pub unacked: u32,
}

/// A connection, also one that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionView {
    /// From 0, in the order in which they were opened.
    pub index: usize,
    /// The name that the client gave (client property `connection_name`).
    pub name: Option<String>,
    /// Its user, if it logged in by PLAIN.
    pub user: Option<String>,
    /// The virtual host it asked for.
    pub vhost: Option<String>,
    /// Whether it is open, as far as bytes can tell.
    pub open: bool,
    /// Channels that are open.
    pub channels: Vec<u16>,
    /// Frames that passed: to the broker, to the client. A client's protocol header counts as a frame.
    pub frames: [u64; 2],
    /// Bytes that passed: to the broker, to the client.
    pub bytes: [u64; 2],
}

impl TestBroker {
    fn each_queue<T>(&self, mut each: impl FnMut(&Arc<VirtualHost>, &Arc<Queue>) -> T) -> Vec<T> {
        let Some(broker) = self.0.hub.broker() else { return Vec::new() };
        let mut all = Vec::new();
        for vhost in broker.vhosts() {
            let mut queues: Vec<_> = vhost.topology().queues().map(|(_, queue)| queue.clone()).collect();
            queues.sort_by(|a, b| a.name().cmp(b.name()));
            all.extend(queues.iter().map(|queue| each(&vhost, queue)));
        }
        all
    }

    fn find_queue(&self, vhost: &str, name: &str) -> Option<Arc<Queue>> {
        self.0.hub.broker()?.vhost(vhost)?.topology().queue(name).cloned()
    }

    pub(crate) fn default_vhost(&self) -> &str {
        &self.0.setup.config.default_vhost
    }

    /// All queues, by virtual host and name.
    #[must_use]
    pub fn queues(&self) -> Vec<QueueView> {
        self.each_queue(|vhost, queue| view(vhost.name(), queue))
    }

    /// A queue of the default virtual host. `None`: there is none of that name.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<QueueView> {
        self.queue_in(self.default_vhost(), name)
    }

    /// A queue of any virtual host.
    #[must_use]
    pub fn queue_in(&self, vhost: &str, name: &str) -> Option<QueueView> {
        self.find_queue(vhost, name).map(|queue| view(vhost, &queue))
    }

    /// The ready messages of a queue of the default virtual host, in the order in which they would leave; at most 10,000. They stay
    /// where they are. Empty when there is no such queue.
    #[must_use]
    pub fn messages(&self, queue: &str) -> Vec<MessageView> {
        self.messages_in(self.default_vhost(), queue)
    }

    /// The same for a queue of any virtual host.
    #[must_use]
    pub fn messages_in(&self, vhost: &str, queue: &str) -> Vec<MessageView> {
        let queue = self.find_queue(vhost, queue);
        let messages = queue.map(|queue| queue.browse(MESSAGES_MAX)).unwrap_or_default();
        messages.iter().map(MessageView::of).collect()
    }

    /// All consumers, by queue.
    #[must_use]
    pub fn consumers(&self) -> Vec<ConsumerView> {
        let links = self.0.hub.links();
        let open_with = |id: u64| links.iter().rev().find(|link| link.broker_id == id).map(|link| link.index);
        let of = |vhost: &Arc<VirtualHost>, queue: &Arc<Queue>| {
            let consumers = queue.consumers().into_iter();
            let views = consumers.map(|consumer| ConsumerView {
                vhost: vhost.name().to_string(),
                queue: queue.name().to_string(),
                consumer_tag: consumer.consumer_tag,
                connection: open_with(consumer.connection),
                channel: consumer.channel,
                no_ack: consumer.no_ack,
                exclusive: consumer.exclusive,
                prefetch_count: consumer.prefetch_count,
                unacked: consumer.unacked,
            });
            views.collect::<Vec<_>>()
        };
        self.each_queue(of).into_iter().flatten().collect()
    }

    /// All connections since the start, restarts included, those that have ended as well.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionView> {
        let links = self.0.hub.links();
        let views = links.iter().map(|link| {
            let inspector = link.inspector.lock();
            let passed = Direction::BOTH.map(|direction| link.passed(direction));
            ConnectionView {
                index: link.index,
                name: inspector.name.clone(),
                user: inspector.user.clone(),
                vhost: inspector.vhost.clone(),
                open: link.is_open(),
                channels: if link.is_open() { inspector.channels() } else { Vec::new() },
                frames: passed.map(|passed| passed.frames.load(Ordering::Relaxed)),
                bytes: passed.map(|passed| passed.bytes.load(Ordering::Relaxed)),
            }
        });
        views.collect()
    }

    /// What clients published, oldest first, as far as it is remembered
    /// ([`Builder::record_bytes_max`](crate::Builder::record_bytes_max)). A message is in here once its last frame was passed on.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        self.0.hub.published().0
    }

    /// Publishings that are not in [`published`](Self::published) any more.
    #[must_use]
    pub fn published_forgotten(&self) -> u64 {
        self.0.hub.published().1
    }

    /// Queues and connections as tables, for texts of failures.
    #[must_use]
    pub fn state(&self) -> State {
        State { queues: self.queues(), connections: self.connections() }
    }
}

fn view(vhost: &str, queue: &Queue) -> QueueView {
    let (spec, figures) = (queue.spec(), queue.figures());
    QueueView {
        vhost: vhost.to_owned(),
        name: spec.name.to_string(),
        durable: spec.durable,
        exclusive: spec.exclusive_owner.is_some(),
        ready: figures.ready,
        unacked: figures.unacked,
        consumers: figures.consumers,
        counters: figures.counters,
    }
}
