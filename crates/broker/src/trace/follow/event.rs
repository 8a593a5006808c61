//! One step on a message's way.

use crate::message::Message;
use crate::name::Name;
use leveret_protocol::ShortStr;

/// Queues whose names an event lists.
pub(crate) const QUEUES_NAMED_MAX: usize = 32;

/// What happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FollowStep {
    /// A client published it; `queues` are those it was routed to.
    Published,
    /// The broker did not take a publishing, or a full queue did not; `reason` says why.
    Refused,
    /// It was seen before and was dropped.
    Duplicate,
    /// A consumer was sent it.
    Delivered,
    /// `basic.get` fetched it.
    Got,
    /// Its consumer acknowledged it: it is gone from the queue.
    Acked,
    /// Its consumer refused it; `requeue` says whether it is tried again.
    Rejected,
    /// Its consumer was gone before it had settled it. It goes back to the queue.
    Lost,
    /// It waited after a delivery that failed, and may be delivered again.
    Retried,
    /// It died, of `reason`, and was published to the dead-letter exchange `to`; `queues` are those it was routed to.
    DeadLettered,
    /// It died, of `reason`, and that was its end.
    Dropped,
    /// A delayed exchange had held it, and routed it to `queues`.
    Due,
    /// Somebody emptied the queue.
    Purged,
}

impl FollowStep {
    /// Every step.
    pub const ALL: [Self; 13] = [
        Self::Published,
        Self::Refused,
        Self::Duplicate,
        Self::Delivered,
        Self::Got,
        Self::Acked,
        Self::Rejected,
        Self::Lost,
        Self::Retried,
        Self::DeadLettered,
        Self::Dropped,
        Self::Due,
        Self::Purged,
    ];

    /// Its name in the HTTP API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Refused => "refused",
            Self::Duplicate => "duplicate",
            Self::Delivered => "delivered",
            Self::Got => "got",
            Self::Acked => "acked",
            Self::Rejected => "rejected",
            Self::Lost => "lost",
            Self::Retried => "retried",
            Self::DeadLettered => "dead_lettered",
            Self::Dropped => "dropped",
            Self::Due => "due",
            Self::Purged => "purged",
        }
    }
}

/// See the module's documentation. What is not known, or makes no sense for the step, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowEvent {
    /// Counted from 1 in what is followed.
    pub number: u64,
    /// When, in microseconds since 1970.
    pub unix_us: u64,
    /// What happened.
    pub step: FollowStep,
    /// The message's property `message_id`.
    pub message_id: Option<String>,
    /// The exchange the message bears.
    pub exchange: String,
    /// Its routing key.
    pub routing_key: String,
    /// Bytes of its body.
    pub body_bytes: usize,
    /// The queue where it happened.
    pub queue: Option<Name>,
    /// The message's number in that queue, which tells it from others there.
    pub position: Option<u64>,
    /// Queues it went to, 32 at most.
    pub queues: Vec<Name>,
    /// How many they are.
    pub queue_count: usize,
    /// Name of the connection whose doing it was.
    pub connection: Option<Name>,
    /// The channel.
    pub channel: Option<u16>,
    /// The user.
    pub user: Option<Name>,
    /// The consumer.
    pub consumer_tag: Option<String>,
    /// The number it was delivered under.
    pub delivery_tag: Option<u64>,
    /// The how manyth delivery from this queue it is or was.
    pub attempt: Option<u32>,
    /// Whether it goes back to the queue.
    pub requeue: Option<bool>,
    /// Why, in a word or the text of a refusal.
    pub reason: Option<String>,
    /// Exchange and routing key that it was published to anew.
    pub to: Option<(String, String)>,
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl FollowEvent {
    pub(super) fn of(message: &Message, unix_us: u64) -> Self {
        Self {
            number: 0,
            unix_us,
            step: FollowStep::Published,
            message_id: message.properties().message_id().map(ShortStr::to_lossy).map(Into::into),
            exchange: text(message.exchange()),
            routing_key: text(message.routing_key()),
            body_bytes: message.body_len(),
            queue: None,
            position: None,
            queues: Vec::new(),
            queue_count: 0,
            connection: None,
            channel: None,
            user: None,
            consumer_tag: None,
            delivery_tag: None,
            attempt: None,
            requeue: None,
            reason: None,
            to: None,
        }
    }

    /// Whether `queues` says where it went.
    #[must_use]
    pub fn routes(&self) -> bool {
        matches!(self.step, FollowStep::Published | FollowStep::DeadLettered | FollowStep::Due)
    }

    pub(crate) fn put_queues<'q>(&mut self, names: impl ExactSizeIterator<Item = &'q Name>) {
        self.queue_count = names.len();
        self.queues = names.take(QUEUES_NAMED_MAX).cloned().collect();
    }

    /// What it takes, in bytes. (Names of entities and clients are shared.)
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.message_id, &self.consumer_tag, &self.reason];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let to = self.to.as_ref().map_or(0, |(exchange, key)| exchange.len() + key.len());
        let names = size_of::<Name>() * self.queues.len();
        size_of::<Self>() + texts + to + names + self.exchange.len() + self.routing_key.len()
    }
}
