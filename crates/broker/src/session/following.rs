//! One connection's part in what operators follow. A session has this only while something is followed in its virtual host.

use super::Session;
use super::trace::{Sent, SessionTrace};
use crate::channel::unacked::Slot;
use crate::message::{Message, Parts};
use crate::name::Name;
use crate::queue::Queue;
use crate::trace::Ending;
use crate::trace::follow::{FollowEvent, FollowStep, Follows};
use bytes::Bytes;
use std::sync::Arc;

/// See the module's documentation.
#[derive(Debug, Clone)]
pub(super) struct Following {
    pub(super) follows: Arc<Follows>,
    pub(super) vhost: Name,
    pub(super) connection: Arc<str>,
    pub(super) user: Name,
}

impl Session {
    /// Something begins or ends to be followed.
    #[cold]
    pub(super) fn follow(&mut self) {
        let follows = self.vhost.follows();
        self.follow_epoch = follows.epoch();
        let following = follows.is_on_in(self.vhost.name()).then(|| {
            Arc::new(Following {
                follows: follows.clone(),
                vhost: self.vhost.name().clone(),
                connection: self.connection_name.clone(),
                user: self.negotiated.actor.user.name().clone(),
            })
        });
        if following.is_some() || self.trace.is_some() {
            let tracer = self.vhost.tracer();
            self.trace.get_or_insert_with(|| SessionTrace::new(tracer)).following = following;
        }
        self.trace.take_if(|trace| trace.is_idle());
    }
}

impl Following {
    fn note<'q>(
        &self,
        channel: u16,
        message: &Message,
        queues: impl Iterator<Item = &'q str> + Clone,
        fill: impl FnOnce(&mut FollowEvent),
    ) {
        self.follows.note(&self.vhost, message, queues, |event| {
            event.connection = Some(self.connection.clone());
            event.channel = Some(channel);
            event.user = Some(self.user.clone());
            fill(event);
        });
    }

    /// A publishing was routed. `remark`: it was returned, or was an answer.
    #[cold]
    pub(super) fn published(
        &self,
        channel: u16,
        message: &Message,
        queues: &[Arc<Queue>],
        remark: Option<&str>,
    ) {
        self.note(channel, message, queues.iter().map(|queue| &**queue.name()), |event| {
            event.put_queues(queues.iter().map(|queue| queue.name()));
            event.reason = remark.map(str::to_owned);
        });
    }

    /// A publishing was not allowed, or its exchange is not there.
    #[cold]
    pub(super) fn refused(&self, channel: u16, parts: Parts<'_>, body: &[u8], reason: &str) {
        let message = Message::new(parts, Bytes::copy_from_slice(body), None, 1);
        self.note(channel, &message, std::iter::empty(), |event| {
            event.step = FollowStep::Refused;
            event.reason = Some(reason.to_owned());
        });
    }

    #[cold]
    pub(super) fn sent(&self, message: &Message, sent: &Sent<'_>) {
        let name = sent.queue.name();
        self.note(sent.channel, message, std::iter::once(&**name), |event| {
            event.step = if sent.is_get { FollowStep::Got } else { FollowStep::Delivered };
            event.queue = Some(name.clone());
            event.position = Some(sent.position);
            event.attempt = Some(sent.attempt);
            event.delivery_tag = Some(sent.delivery_tag);
            event.consumer_tag = sent.consumer_tag.map(|tag| String::from_utf8_lossy(tag).into_owned());
            event.reason = sent.is_over.then(|| "no_ack".to_owned());
        });
    }

    /// A delivery ended. (Those of streams are not held: what they were is not known any more.)
    #[cold]
    pub(super) fn ended(&self, channel: u16, slot: &Slot, queue: &Queue, ending: Ending) {
        let (step, by, requeue) = match ending {
            Ending::Acked => (FollowStep::Acked, None, None),
            Ending::Refused { by, requeue } => (FollowStep::Rejected, Some(by), Some(requeue)),
            Ending::Lost => (FollowStep::Lost, None, Some(true)),
            Ending::Sent => return,
        };
        if queue.is_stream() {
            return;
        }
        self.note(channel, &slot.message, std::iter::once(&**queue.name()), |event| {
            event.step = step;
            event.queue = Some(queue.name().clone());
            event.position = Some(slot.position);
            event.attempt = Some(slot.past.acquired_count() + 1);
            event.delivery_tag = Some(slot.tag);
            event.requeue = requeue;
            event.reason = by.map(str::to_owned);
        });
    }
}
