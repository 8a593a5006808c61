//! What happens to messages inside a queue, where nobody may be told of it at once because the queue is locked.

use super::follow::FollowStep;
use crate::message::Message;
use crate::queue::Queue;
use crate::queue::backlog::Entry;
use crate::vhost::VirtualHost;
use std::sync::Arc;

/// Something that happened to a message.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) message: Message,
    /// `None`: it did not come in.
    pub(crate) position: Option<u64>,
    /// Deliveries by now.
    pub(crate) attempt: u32,
    pub(crate) what: What,
}

/// What it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// It waited for its next delivery since this moment of the broker's clock, and may now have it.
    Retried { since_ms: u64 },
    /// The queue was emptied, or deleted.
    Purged { why: &'static str },
    /// It was seen before.
    Duplicate,
    /// The queue is full.
    Refused,
}

impl Told {
    pub(crate) fn of(entry: &Entry, what: What) -> Self {
        let (message, attempt) = (entry.message.clone(), entry.past.acquired_count());
        Self { message, position: Some(entry.position), attempt, what }
    }
}

/// Tells the collector and who follows. With no lock held.
pub(crate) fn tell(vhost: &VirtualHost, queue: &Arc<Queue>, told: &Told) {
    if let Some(tracer) = vhost.tracer() {
        match told.what {
            What::Retried { since_ms } => tracer.retried(queue, told, since_ms),
            What::Purged { .. } => tracer.gone("purge", queue, told, None),
            What::Duplicate => tracer.gone("deduplicate", queue, told, None),
            What::Refused => tracer.gone("refuse", queue, told, Some("maxlen")),
        }
    }
    if !vhost.follows().is_on() {
        return;
    }
    let names = std::iter::once(&**queue.name());
    vhost.follows().note(queue.vhost_name(), &told.message, names, |event| {
        (event.step, event.reason) = match told.what {
            What::Retried { .. } => (FollowStep::Retried, None),
            What::Purged { why } => (FollowStep::Purged, Some(why.to_owned())),
            What::Duplicate => (FollowStep::Duplicate, None),
            What::Refused => (FollowStep::Refused, Some("maxlen".to_owned())),
        };
        event.queue = Some(queue.name().clone());
        event.position = told.position;
        event.attempt = told.position.map(|_| told.attempt);
    });
}
