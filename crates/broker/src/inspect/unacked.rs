//! Who holds the messages of a queue that are delivered and not settled.
//!
//! A connection's task alone knows what its channels hold, so each is asked, and answers between two of its rounds.

use crate::broker::Broker;
use crate::mailbox::Command;
use crate::message::Message;
use crate::name::ResourceKind;
use crate::refusal::{Permission, Refusal};
use crate::vhost::{Actor, VirtualHost};
use std::time::Duration;
use tokio::sync::oneshot;

/// Messages that one look gives at most.
pub const UNACKED_MAX: usize = 10_000;
/// How long connections have to answer, by the machine's clock.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// A message that a channel was given and has not settled.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UnackedMessage {
    /// The message.
    pub message: Message,
    /// This was not its first delivery.
    pub redelivered: bool,
    /// Deliveries that failed before.
    pub delivery_count: u32,
    /// The number of the connection that holds it; see [`ConnectionInfo::id`](crate::ConnectionInfo::id).
    pub connection: u64,
    /// Its channel.
    pub channel: u16,
    /// The tag of its consumer. `None`: it was taken by `basic.get`, or the consumer was cancelled since.
    pub consumer_tag: Option<String>,
    /// The tag it is to be settled with.
    pub delivery_tag: u64,
    /// When it was delivered, in milliseconds since 1970.
    pub since_unix_ms: u64,
}

/// Messages of a queue that consumers hold.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Unacked {
    /// The one that is held longest comes first.
    pub messages: Vec<UnackedMessage>,
    /// Connections that did not answer within a second: what they hold is missing.
    pub silent: usize,
}

/// The question to a connection.
#[derive(Debug)]
pub(crate) struct AskUnacked {
    /// The queue's number.
    pub(crate) queue: u64,
    /// Messages wanted of each channel.
    pub(crate) messages_max: usize,
    pub(crate) answer: oneshot::Sender<Vec<UnackedMessage>>,
}

impl Broker {
    /// The messages of a queue that consumers hold, those held longest first, at most `messages_max` (and at most [`UNACKED_MAX`]), by whom
    /// and since when. Their number is in [`Queue::figures`](crate::queue::Queue::figures).
    ///
    /// # Errors
    /// No read permission, no such queue, another connection's queue.
    pub async fn unacked(
        &self,
        vhost: &VirtualHost,
        actor: &Actor,
        queue: &str,
        messages_max: usize,
    ) -> Result<Unacked, Refusal> {
        vhost.permit(actor, ResourceKind::Queue, queue, Permission::Read)?;
        let queue = vhost.owned_queue(actor, queue)?.id();
        let messages_max = messages_max.clamp(1, UNACKED_MAX);
        let mut answers = Vec::new();
        self.0.each_connection(|connection| {
            let (answer, coming) = oneshot::channel();
            let ask = AskUnacked { queue, messages_max, answer };
            // One that has not logged in yet holds nothing.
            if connection.user.get().is_some() && connection.mailbox.order(Command::TellUnacked(ask)) {
                answers.push(coming);
            }
        });
        let mut unacked = Unacked::default();
        let deadline = tokio::time::Instant::now() + ANSWER_TIME;
        for coming in answers {
            match tokio::time::timeout_at(deadline, coming).await {
                Ok(Ok(found)) => unacked.add(found, messages_max),
                // It ended: what it held went back.
                Ok(Err(_)) => {}
                Err(_) => unacked.silent += 1,
            }
        }
        Ok(unacked)
    }
}

impl Unacked {
    fn add(&mut self, found: Vec<UnackedMessage>, messages_max: usize) {
        self.messages.extend(found);
        self.messages.sort_by_key(|held| held.since_unix_ms);
        self.messages.truncate(messages_max);
    }
}
