//! `basic.publish`: checks, route, one stored message, a reference for each queue.

use super::Session;
use super::deliver::put_return;
use super::errors::{IntoError as _, name};
use super::properties::Extras;
use super::routes::{Address, Found};
use super::trace::Published;
use crate::channel::Mode;
use crate::exchange::{Publication, RoutingKeys};
use crate::message::{Message, Parts};
use crate::queue::Incoming;
use crate::refusal::Permission;
use crate::vhost::{Tap, VirtualHost};
use bytes::Bytes;
use leveret_protocol::methods::basic;
use leveret_protocol::{Body, Content, ContentMethod, ProtocolError, RawProperties, ReplyCode};

pub(super) const REPLY_PREFIX: &str = "amq.rabbitmq.reply-to.";
pub(super) const NO_ROUTE: (u16, &str) = (312, "NO_ROUTE");

impl Session {
    #[inline]
    pub(super) fn publish(
        &mut self,
        channel: u16,
        mut content: Content<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let body = std::mem::replace(&mut content.body, Body::Borrowed(&[]));
        let ContentMethod::Publish(publish) = content.method() else {
            let text = "a client sends no content but basic.publish";
            return Err(ProtocolError::connection(ReplyCode::CommandInvalid, text));
        };
        self.publish_checked(channel, publish, &content, body, out)
            .map_err(|error| error.caused_by(basic::Publish::ID))
    }

    #[inline]
    fn publish_checked(
        &mut self,
        channel: u16,
        publish: basic::Publish<'_>,
        content: &Content<'_>,
        body: Body<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let properties = content.properties();
        // Nothing, or delivery mode 1 or 2 alone: nothing to check.
        let plain = matches!(properties.as_bytes(), [0, 0] | [0x10, 0, 1 | 2]);
        let exchange = name(publish.exchange)?;
        if publish.immediate {
            return Err(ProtocolError::connection(ReplyCode::NotImplemented, "immediate=true"));
        }
        let mut ttl_ms = None;
        let mut extras = Extras::default();
        if !plain {
            let checked = self.check_properties(channel, properties);
            ttl_ms = checked.map_err(|error| self.refused_by_exchange(channel, publish).unwrap_or(error))?;
            extras = Extras::of(properties);
        }
        let sampled = self.trace.as_mut().and_then(|trace| trace.decide(properties));
        if exchange.is_empty() && publish.routing_key.as_bytes().starts_with(REPLY_PREFIX.as_bytes()) {
            return self.publish_reply(channel, publish, properties, body, sampled, out);
        }
        let mut rewritten = Vec::new();
        let rewritten_properties;
        let mut wire = content.wire;
        let mut stored = properties;
        if extras.bcc || extras.reply_to {
            self.rewrite(channel, properties, &mut rewritten)?;
            rewritten_properties = RawProperties::parse(&rewritten).unwrap_or(RawProperties::EMPTY);
            stored = rewritten_properties;
            wire = None;
        }
        let mut key = Vec::new();
        let address_key: &[u8] = match content.wire {
            // Exchange and routing key as they lie in the method frame.
            Some(wire) => &wire[13..15 + publish.exchange.len() + publish.routing_key.len()],
            None => {
                key.push(publish.exchange.len() as u8);
                key.extend_from_slice(publish.exchange.as_bytes());
                key.push(publish.routing_key.len() as u8);
                key.extend_from_slice(publish.routing_key.as_bytes());
                &key
            }
        };
        let Self {
            routes,
            vhost,
            negotiated,
            channels,
            pending,
            confirming,
            broker,
            connection_name,
            trace,
            runs,
            now_ms,
            ..
        } = self;
        let address = Address {
            key: address_key,
            exchange,
            routing_key: publish.routing_key.as_bytes(),
            properties,
            has_copies: extras.cc || extras.bcc,
        };
        let body_bytes = body.len();
        let parts = Parts {
            exchange: publish.exchange.as_bytes(),
            routing_key: publish.routing_key.as_bytes(),
            properties: stored,
        };
        let following = trace.as_ref().and_then(|trace| trace.following.clone());
        let found = match routes.find(vhost, &negotiated.actor, address) {
            Ok(found) => found,
            Err(refusal) => {
                if let (Some(start), Some(trace)) = (&sampled, trace) {
                    let address = (publish.exchange.as_bytes(), publish.routing_key.as_bytes());
                    let (vhost, queues, failure) = (vhost.name(), &[], Some("refused"));
                    let refused = Published {
                        vhost,
                        address,
                        body_bytes,
                        properties,
                        queues,
                        channel,
                        confirm: 0,
                        failure,
                    };
                    trace.published(start, refused);
                }
                if let Some(following) = following {
                    following.refused(channel, parts, &body.into_vec(), &refusal.to_string());
                }
                return Err(refusal).or_refuse(channel);
            }
        };
        let queues = found.queues;
        let Some(Some(open)) = channels.get_mut(usize::from(channel)) else {
            return Err(ProtocolError::connection(ReplyCode::ChannelError, "expected 'channel.open'"));
        };
        let is_transaction = matches!(open.mode, Mode::Transaction(_));
        // What nobody takes and nobody is told of is not made into a message.
        let is_wanted = is_transaction
            || !queues.is_empty()
            || publish.mandatory
            || found.is_watched()
            || following.is_some();
        let mut message = None;
        if is_wanted {
            let copies = queues.len().max(1) as u32;
            let mut made = match wire {
                Some(wire) => Message::from_wire(wire, parts, ttl_ms, copies),
                None => Message::new(parts, Bytes::from(body.into_vec()), ttl_ms, copies),
            };
            if let Some(start) = &sampled {
                made = made.in_trace(start.context);
            }
            if found.is_watched() {
                let tap = Tap { connection: connection_name, channel, user: negotiated.actor.user.name() };
                hand_on(found, &made, address, vhost, tap);
            }
            if let Some(following) = &following {
                let is_returned = publish.mandatory && queues.is_empty();
                following.published(channel, &made, queues, is_returned.then_some(NO_ROUTE.1));
            }
            message = Some(made);
        }
        let mut confirm = 0;
        if !is_transaction {
            open.figures.published(queues.len(), publish.mandatory);
            runs.count(found.exchange, queues.len());
            if let Mode::Confirm(confirms) = &mut open.mode {
                if confirms.is_placed() {
                    confirming.push(channel);
                }
                confirm = confirms.take();
                open.figures.publish_confirm.add(1);
            }
        }
        open.figures.used_ms.set(*now_ms);
        if let (Some(start), Some(trace)) = (&sampled, trace) {
            let failure = (publish.mandatory && queues.is_empty()).then_some(NO_ROUTE.1);
            let address = (publish.exchange.as_bytes(), publish.routing_key.as_bytes());
            let vhost = vhost.name();
            trace.published(
                start,
                Published { vhost, address, body_bytes, properties, queues, channel, confirm, failure },
            );
        }
        let Some(message) = message else { return Ok(()) };
        if let Mode::Transaction(tx) = &mut open.mode {
            let bytes_max = broker.config().limits.transaction_bytes_max;
            tx.held.add(message.charge() + 64, vhost.memory());
            if queues.is_empty() && publish.mandatory {
                tx.returns.push(message);
            } else {
                tx.publishings.push((message, queues.to_vec()));
            }
            if tx.held.bytes() > bytes_max {
                return Err(super::mode::transaction_too_large(channel, bytes_max));
            }
            open.show_transaction();
            return Ok(());
        }
        match queues {
            [] if publish.mandatory => {
                let (code, text) = NO_ROUTE;
                put_return(out, channel, code, text, &message, negotiated.frame_max);
            }
            [queue] => pending.publish(queue, Incoming { message, channel, confirm, moved: false }),
            queues => {
                for queue in queues {
                    let message = message.clone();
                    pending.publish(queue, Incoming { message, channel, confirm, moved: false });
                }
            }
        }
        Ok(())
    }
}

impl Session {
    /// Where the exchange refuses the publishing anyhow: that is told before what is wrong with the properties, as RabbitMQ does.
    #[cold]
    fn refused_by_exchange(&self, channel: u16, publish: basic::Publish<'_>) -> Option<ProtocolError> {
        let (actor, key) = (&self.negotiated.actor, publish.routing_key.as_bytes());
        let exchange = name(publish.exchange).ok()?;
        let checked = self
            .vhost
            .check_publish(actor, exchange)
            .and_then(|()| self.vhost.check_topic(actor, exchange, key, Permission::Write));
        checked.or_refuse(channel).err()
    }
}

/// A publishing goes elsewhere than to queues too: to exchanges that keep it, to the firehose.
#[cold]
fn hand_on(found: Found<'_>, message: &Message, address: Address<'_>, vhost: &VirtualHost, tap: Tap<'_>) {
    if let Some(info) = found.info {
        info.keep(message, vhost.memory());
    }
    let Address { exchange, routing_key, properties, .. } = address;
    if let (true, Ok(keys)) =
        (found.traced, RoutingKeys::of(&Publication::new(exchange, routing_key, properties)))
    {
        vhost.trace_publish(tap, message, keys.iter(), found.queues);
    }
}
