//! A message on its way to a handler.

mod place;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use leveret_client::{Delivery, Properties};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::retry::headers;
use crate::rpc::{Answer, Asked};
use crate::trace;

pub(crate) use place::Place;

/// What handlers share, by its type.
pub(crate) type States = Arc<HashMap<TypeId, Box<dyn Any + Send + Sync>>>;

/// A message for a handler, and everything its arguments are made of. Clones are cheap and the same message; none of them settles it: the
/// worker does, by what the handler answers.
#[derive(Clone)]
pub struct Incoming(Arc<Inner>);

struct Inner {
    place: Arc<Place>,
    exchange: String,
    /// `None`: the name of the queue.
    routing_key: Option<String>,
    properties: Properties,
    body: Bytes,
    redelivered: bool,
    attempt: u32,
    /// It may have ended without a word, and nobody has counted that yet.
    again: bool,
    /// Deliveries that ended so and were counted in the message.
    silent: u32,
    /// Set when its handling begins.
    deadline: OnceLock<Instant>,
    /// Made when somebody asks: most handlers do not.
    cancelled: OnceLock<CancellationToken>,
    /// What its responder answers.
    answer: OnceLock<Answer>,
    /// Of a request: whoever waits for it, while it is handled.
    asked: OnceLock<Box<Asked>>,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming")
            .field("queue", &self.queue())
            .field("message_id", &self.message_id())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn own_routing_key(&self) -> &str {
        self.routing_key.as_deref().unwrap_or(&self.place.queue)
    }
}

impl Incoming {
    pub(crate) fn new(delivery: &Delivery, properties: Properties, place: &Arc<Place>) -> Self {
        let copies = headers::count(&properties, headers::RETRIES).unwrap_or(0);
        let silent = headers::count(&properties, headers::REDELIVERIES);
        let counted = headers::count(&properties, headers::DELIVERIES).filter(|_| place.broker_counts);
        let redelivered = delivery.is_redelivered();
        Self(Arc::new(Inner {
            exchange: delivery.exchange().to_owned(),
            routing_key: Some(delivery.routing_key()).filter(|key| *key != place.queue).map(str::to_owned),
            body: delivery.body().clone(),
            redelivered: redelivered || copies > 0 || silent.is_some(),
            attempt: copies.saturating_add(counted.unwrap_or(0)).saturating_add(1),
            // Only what was delivered before can have ended without a word.
            again: redelivered && !place.broker_counts,
            silent: silent.unwrap_or(0),
            place: place.clone(),
            properties,
            deadline: OnceLock::new(),
            cancelled: OnceLock::new(),
            answer: OnceLock::new(),
            asked: OnceLock::new(),
        }))
    }

    /// The queue it came from.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.0.place.queue
    }

    /// The exchange it was published to first.
    #[must_use]
    pub fn exchange(&self) -> &str {
        headers::text(&self.0.properties, headers::EXCHANGE).unwrap_or(&self.0.exchange)
    }

    /// The routing key it was published with first.
    #[must_use]
    pub fn routing_key(&self) -> &str {
        headers::text(&self.0.properties, headers::ROUTING_KEY).unwrap_or_else(|| self.0.own_routing_key())
    }

    /// Its properties, as they came.
    #[must_use]
    pub fn properties(&self) -> &Properties {
        &self.0.properties
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// Its message id.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.0.properties.message_id.as_deref()
    }

    /// Which attempt this is, from 1. Attempts in place are one. A delivery that ended without a word (a crash, a lost connection) counts
    /// where the broker counts it: in quorum queues, and in Leveret's queues with retries.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Whether somebody may have begun to handle it before.
    #[must_use]
    pub fn is_redelivered(&self) -> bool {
        self.0.redelivered
    }

    /// Whether its handling is a span.
    pub(crate) fn is_traced(&self) -> bool {
        trace::is_kept(&self.0.properties, self.0.place.trace_share)
    }

    /// When its handling is given up.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline.get().copied()
    }

    /// Cancelled when the deadline has passed or the worker stops; of a request also when its asker gives up.
    #[must_use]
    pub fn cancelled(&self) -> &CancellationToken {
        self.0.cancelled.get_or_init(|| self.0.place.stop.child_token())
    }

    /// What the worker was given of that type.
    #[must_use]
    pub fn state<S: Any + Send + Sync>(&self) -> Option<&S> {
        self.0.place.states.get(&TypeId::of::<S>())?.downcast_ref()
    }

    /// Its handling begins, and is given up then.
    pub(crate) fn begin(&self, deadline: Instant) {
        // More than once only if somebody else did, with the same.
        let _ = self.0.deadline.set(deadline);
    }

    /// A request begins. `false`: its asker has given up.
    pub(crate) fn begin_for_asker(&self) -> bool {
        let Some(listening) = &self.0.place.listening else { return true };
        match listening.begin(self) {
            Ok(Some(asked)) => {
                let _ = self.0.asked.set(Box::new(asked));
                true
            }
            Ok(None) => true,
            Err(()) => false,
        }
    }

    /// Whether its asker gave up after it had begun.
    pub(crate) fn is_given_up(&self) -> bool {
        self.0.asked.get().is_some_and(|asked| asked.gone().is_cancelled())
    }

    /// Ends when its asker gives up.
    pub(crate) async fn given_up(&self) {
        match self.0.asked.get() {
            Some(asked) => asked.gone().cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// The answer to it. The first counts.
    pub(crate) fn answer(&self, answer: Answer) {
        let _ = self.0.answer.set(answer);
    }

    pub(crate) fn answered(&self) -> Option<&Answer> {
        self.0.answer.get()
    }

    /// Whether an earlier delivery ended without a word, and has to be counted in the message because the broker does not.
    pub(crate) fn is_to_be_counted(&self) -> bool {
        self.0.again
    }

    /// Deliveries before this one that failed or ended without a word, as far as is known.
    pub(crate) fn begun(&self) -> u32 {
        (self.0.attempt - 1).saturating_add(self.0.silent).saturating_add(self.0.again.into())
    }

    /// A copy with so many more counted in it.
    pub(crate) fn recounted(&self, now: u64, more: u32) -> leveret_client::Message {
        self.failed(now).recount(self.0.silent.saturating_add(more))
    }

    pub(crate) fn failed(&self, now: u64) -> headers::Failed<'_> {
        let Inner { place, exchange, properties, body, attempt, .. } = &*self.0;
        let routing_key = self.0.own_routing_key();
        headers::Failed {
            queue: &place.queue,
            exchange,
            routing_key,
            properties,
            body,
            attempts: *attempt,
            now,
        }
    }
}
