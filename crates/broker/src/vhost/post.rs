//! Publishing without a connection: what a door other than AMQP brings.

use super::{Actor, Tap, VirtualHost};
use crate::exchange::{Publication, RoutingKeys};
use crate::message::{Message, Parts};
use crate::queue::Incoming;
use crate::queue::arguments::EXPIRY_MS_MAX;
use crate::recorder::Recorder;
use crate::refusal::{Permission, Refusal};
use crate::stats::MessageCounts;
use bytes::Bytes;
use leveret_protocol::{Properties, RawProperties, ReplyCode};
use std::sync::Arc;

/// What became of a publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// A queue took it.
    Routed,
    /// No queue wanted it.
    Unroutable,
    /// A queue that is full refused it (`x-overflow: reject-publish`).
    Rejected,
}

impl VirtualHost {
    /// Publishes a message as `basic.publish` does, for who has no channel. When it is on stable storage, if it is to be,
    /// [`Broker::stored`](crate::Broker::stored) says. Resource alarms are the caller's to heed.
    ///
    /// # Errors
    /// What `basic.publish` would close the channel for: no such exchange, an internal one, no write permission, no permission for the topic,
    /// another user's `user-id`, an expiration or delivery mode that is none, a message above the limit. The store has failed.
    pub fn post(
        self: &Arc<Self>,
        actor: &Actor,
        exchange: &str,
        routing_key: &[u8],
        properties: &Properties,
        body: Bytes,
        message_bytes_max: u64,
    ) -> Result<Posted, Refusal> {
        self.check_publish(actor, exchange)?;
        self.check_topic(actor, exchange, routing_key, Permission::Write)?;
        if let Some(claimed) = &properties.user_id {
            self.auth().check_user_id(&actor.user, claimed.as_bytes())?;
        }
        if body.len() as u64 > message_bytes_max {
            let size = body.len();
            return Err(Refusal::precondition(format!(
                "message size {size} is larger than configured max size {message_bytes_max}"
            )));
        }
        let ttl_ms = ttl_ms(properties)?;
        let (mut raw, mut stored) = (Vec::new(), properties.clone());
        properties.encode(&mut raw);
        let properties = parse(&raw)?;
        let mut kept = Vec::new();
        if let Some(headers) = &mut stored.headers {
            headers.remove("BCC");
        }
        stored.encode(&mut kept);
        let mut queues = Vec::new();
        let publication = Publication::new(exchange, routing_key, properties);
        let route = self.route(&publication, &mut queues)?;
        let parts = Parts { exchange: exchange.as_bytes(), routing_key, properties: parse(&kept)? };
        let message = Message::new(parts, body, ttl_ms, queues.len().max(1) as u32);
        route.keep(&message, self.memory());
        route.exchange.add(1, queues.len() as u64);
        if self.is_traced() {
            let tap = Tap { connection: "", channel: 0, user: actor.user.name() };
            let keys = RoutingKeys::of(&publication)?;
            self.trace_publish(tap, &message, keys.iter(), &queues);
        }
        if self.follows().is_on() {
            self.follows().posted(self.name(), actor.user.name(), &message, &queues);
        }
        let mut counts = MessageCounts { publish: 1, publish_confirm: 1, ..MessageCounts::default() };
        if queues.is_empty() {
            self.count(MessageCounts { return_unroutable: 1, confirm: 1, ..counts });
            return Ok(Posted::Unroutable);
        }
        let now_ms = self.clock().now_ms();
        let (mut recorder, mut rejected) = (Recorder::default(), Vec::new());
        for queue in &queues {
            queue.record(&mut recorder, |state, queue, outcome| {
                // A channel and a number: a gate that the message passes says with them that it was refused behind it.
                let mut incoming =
                    vec![Incoming { message: message.clone(), channel: 1, confirm: 1, moved: false }];
                state.publish(queue, &mut incoming, &mut rejected, now_ms, outcome);
            });
        }
        let is_rejected = !rejected.is_empty() || !recorder.take_refused().is_empty();
        let recorded = recorder.commit(self.store(), None);
        let recorded = recorded.map_err(|e| Refusal::other(ReplyCode::InternalError, e.to_string()))?;
        self.shared.changes.note(recorded.ticket);
        counts.routed = queues.len() as u64;
        (counts.refuse, counts.confirm) = if is_rejected { (1, 0) } else { (0, 1) };
        self.count(counts);
        Ok(if is_rejected { Posted::Rejected } else { Posted::Routed })
    }
}

impl VirtualHost {
    /// What happened to messages on no channel.
    pub(super) fn count(&self, counts: MessageCounts) {
        self.channels().count(counts);
        self.all_channels().count(counts);
    }
}

fn parse(raw: &[u8]) -> Result<RawProperties<'_>, Refusal> {
    RawProperties::parse(raw).map_err(|error| Refusal::precondition(error.to_string()))
}

fn ttl_ms(properties: &Properties) -> Result<Option<u64>, Refusal> {
    if let Some(mode) = properties.delivery_mode.filter(|mode| !matches!(mode, 1 | 2)) {
        return Err(Refusal::precondition(format!("invalid message: {{delivery_mode_unknown,{mode}}}")));
    }
    let Some(text) = &properties.expiration else { return Ok(None) };
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = text.parse::<u64>().ok().filter(|ms| is_number && *ms <= EXPIRY_MS_MAX as u64);
    parsed.map(Some).ok_or_else(|| {
        let problem = crate::session::expiration_problem(text);
        Refusal::precondition(format!("invalid expiration '{text}': {problem}"))
    })
}
