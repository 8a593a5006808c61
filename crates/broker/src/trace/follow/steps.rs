//! The steps that the broker itself takes with a message, and those that are asked for without a connection.

use super::event::text;
use super::{FollowStep, Follows};
use crate::message::Message;
use crate::name::Name;
use crate::queue::backlog::Entry;
use crate::queue::{DeathReason, Queue};
use crate::trace::Place;
use std::sync::Arc;

impl Follows {
    /// A message died. `to`: the exchange and routing key it went to, and the queues there.
    #[cold]
    pub(crate) fn died(
        &self,
        message: &Message,
        place: Place<'_>,
        reason: DeathReason,
        to: Option<(&[u8], &[u8], &[Name])>,
    ) {
        let queue = place.queue;
        let names = std::iter::once(&**queue.name());
        self.note(queue.vhost_name(), message, names, |event| {
            event.step = FollowStep::Dropped;
            event.queue = Some(queue.name().clone());
            event.position = Some(place.position);
            event.attempt = Some(place.attempt);
            event.reason = Some(reason.as_str().to_owned());
            if let Some((exchange, key, queues)) = to {
                event.step = FollowStep::DeadLettered;
                event.to = Some((text(exchange), text(key)));
                event.put_queues(queues.iter());
            }
        });
    }

    /// A message was published without a connection.
    #[cold]
    pub(crate) fn posted(&self, vhost: &str, user: &Name, message: &Message, queues: &[Arc<Queue>]) {
        let names = queues.iter().map(|queue| &**queue.name());
        self.note(vhost, message, names, |event| {
            event.user = Some(user.clone());
            event.put_queues(queues.iter().map(|queue| queue.name()));
            event.reason = queues.is_empty().then(|| "NO_ROUTE".to_owned());
        });
    }

    /// A message was taken out of a queue without a connection; `back`: how it was given back or refused, and whether to be tried again.
    #[cold]
    pub(crate) fn taken(&self, user: &Name, queue: &Queue, entry: &Entry, back: Option<(&str, bool)>) {
        let names = std::iter::once(&**queue.name());
        self.note(queue.vhost_name(), &entry.message, names, |event| {
            event.step = if back.is_some() { FollowStep::Rejected } else { FollowStep::Got };
            event.user = Some(user.clone());
            event.queue = Some(queue.name().clone());
            event.position = Some(entry.position);
            event.attempt = Some(entry.past.acquired_count() + 1);
            event.reason = back.map(|(by, _)| by.to_owned());
            event.requeue = back.map(|(_, requeue)| requeue);
        });
    }

    /// A delayed exchange routed what it had held.
    #[cold]
    pub(crate) fn due(&self, vhost: &str, exchange: &str, message: &Message, queues: &[Arc<Queue>]) {
        let names = queues.iter().map(|queue| &**queue.name());
        self.note(vhost, message, names, |event| {
            event.step = FollowStep::Due;
            exchange.clone_into(&mut event.exchange);
            event.put_queues(queues.iter().map(|queue| queue.name()));
        });
    }
}
