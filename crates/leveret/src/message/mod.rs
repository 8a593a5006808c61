//! A message on its way to a handler.

mod place;

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use leveret_client::{Delivery, Properties};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::retry::headers;

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
    routing_key: String,
    properties: Properties,
    body: Bytes,
    redelivered: bool,
    attempt: u32,
    redeliveries: Option<u32>,
    deadline: Option<Instant>,
    cancelled: CancellationToken,
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

impl Incoming {
    /// `None`: its properties are not text, and nothing can be made of it.
    pub(crate) fn new(
        delivery: &Delivery,
        place: &Arc<Place>,
        deadline: Option<Instant>,
        cancelled: CancellationToken,
    ) -> Option<Self> {
        let properties = delivery.properties().ok()?;
        let counted = headers::count(&properties, "x-delivery-count");
        let copies = headers::count(&properties, headers::RETRIES).unwrap_or(0);
        let redelivered = delivery.is_redelivered();
        let silent = headers::count(&properties, headers::REDELIVERIES).unwrap_or(0);
        // Where nobody counts, a copy has to: only what was delivered before can have ended without a word.
        let redeliveries = (counted.is_none() && redelivered).then_some(silent);
        Some(Self(Arc::new(Inner {
            exchange: delivery.exchange().to_owned(),
            routing_key: delivery.routing_key().to_owned(),
            body: delivery.body().clone(),
            redelivered: redelivered || copies > 0 || silent > 0,
            attempt: copies.saturating_add(counted.unwrap_or(0)).saturating_add(1),
            redeliveries,
            place: place.clone(),
            properties,
            deadline,
            cancelled,
        })))
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
        headers::text(&self.0.properties, headers::ROUTING_KEY).unwrap_or(&self.0.routing_key)
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

    /// Which attempt this is, from 1. Attempts in place are one.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Whether somebody may have begun to handle it before.
    #[must_use]
    pub fn is_redelivered(&self) -> bool {
        self.0.redelivered
    }

    /// When its handling is given up.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// Cancelled when the deadline has passed or the worker stops.
    #[must_use]
    pub fn cancelled(&self) -> &CancellationToken {
        &self.0.cancelled
    }

    /// What the worker was given of that type.
    #[must_use]
    pub fn state<S: Any + Send + Sync>(&self) -> Option<&S> {
        self.0.place.states.get(&TypeId::of::<S>())?.downcast_ref()
    }

    /// Deliveries that ended without a word and are counted in the message itself; `None`: the broker counts, or it is the first.
    pub(crate) fn redeliveries(&self) -> Option<u32> {
        self.0.redeliveries
    }

    pub(crate) fn failed(&self, now: u64) -> headers::Failed<'_> {
        let Inner { place, exchange, routing_key, properties, body, attempt, .. } = &*self.0;
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

    /// What tells it from others: its message id, or nothing.
    pub(crate) fn key(&self) -> Option<Cow<'_, str>> {
        self.message_id().map(Cow::Borrowed)
    }
}
