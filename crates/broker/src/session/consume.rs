//! Consumers: subscribing, cancelling on either side's wish, draining, and consumers of direct replies.

use super::deliver::{DeliverPrefix, put_deliver};
use super::errors::{IntoError as _, name};
use super::queue::REPLY_TO;
use super::{ConsumerEntry, Session};
use crate::channel::{Channel, ReplyConsumer};
use crate::events::Fields;
use crate::mailbox::delivery_bytes;
use crate::message::Message;
use crate::name::ResourceKind;
use crate::queue::consumers::{Origin, Subscription};
use crate::queue::stream::request;
use crate::queue::{ConsumerId, Queue};
use crate::refusal::{Permission, Refusal};
use crate::vhost::server_name;
use leveret_protocol::methods::{basic, queue};
use leveret_protocol::{ProtocolError, ReplyCode, ShortStr};
use std::sync::Arc;

impl Session {
    pub(super) fn consume(
        &mut self,
        channel: u16,
        m: basic::Consume<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let given = name(m.queue)?;
        let limits_max = self.broker.config().limits.consumers_per_channel_max;
        let open = self.channel(channel)?;
        let queue = open.queue_name(channel, given, basic::Consume::ID)?;
        let tag: Arc<[u8]> = if m.consumer_tag.is_empty() {
            server_name("amq.ctag-").into_bytes().into()
        } else {
            m.consumer_tag.as_bytes().into()
        };
        let taken =
            open.consumers.contains_key(&tag) || open.reply_consumer.as_ref().is_some_and(|c| c.tag == tag);
        if taken {
            let text = format!("attempt to reuse consumer tag '{}'", String::from_utf8_lossy(&tag));
            return Err(ProtocolError::connection(ReplyCode::NotAllowed, text));
        }
        if open.consumers.len() >= limits_max {
            let text =
                format!("this channel has {limits_max} consumers, the most it may have: use another channel");
            return Err(ProtocolError::channel(channel, ReplyCode::PreconditionFailed, text));
        }
        if queue == REPLY_TO {
            return self.consume_replies(channel, &m, tag, out);
        }
        let (prefetch, limiter) = (open.prefetch, open.limiter.clone());
        let actor = self.negotiated.actor.clone();
        self.vhost.permit(&actor, ResourceKind::Queue, &queue, Permission::Read).or_refuse(channel)?;
        let queue = self.vhost.owned_queue(&actor, &queue).or_refuse(channel)?;
        let stream = queue.is_stream().then(|| {
            let unix_ms = self.vhost.clock().unix_ms();
            request::start(&queue, &m.arguments, m.no_ack, prefetch, unix_ms)
        });
        let stream = stream.transpose().or_refuse(channel)?;
        let priority = priority(&queue, &m).or_refuse(channel)?;
        if self.drained {
            // The broker stops: nobody gets anything any more.
            if !m.no_wait {
                basic::ConsumeOk { consumer_tag: short(&tag) }.write(channel, out);
            }
            if self.negotiated.capabilities.consumer_cancel_notify {
                basic::Cancel { consumer_tag: short(&tag), no_wait: true }.write(channel, out);
            }
            return Ok(());
        }
        let number = self.free_consumers.pop().unwrap_or_else(|| {
            self.consumers.push(None);
            (self.consumers.len() - 1) as u32
        });
        let subscription = Subscription {
            mailbox: self.mailbox.clone(),
            number,
            no_ack: m.no_ack,
            exclusive: m.exclusive,
            priority,
            prefetch,
            limiter,
            stream,
            origin: Origin {
                connection: actor.connection,
                channel,
                tag: tag.clone(),
                arguments: (!m.arguments.is_empty()).then(|| m.arguments.clone().into()),
            },
        };
        let now_ms = self.now_ms;
        let subscribed = queue.lock().subscribe(&queue, subscription, now_ms);
        let id = match subscribed.or_refuse(channel) {
            Ok(id) => id,
            Err(error) => {
                self.free_consumers.push(number);
                return Err(error);
            }
        };
        self.forget_old_queues(channel)?;
        let open = self.channel(channel)?;
        open.consumers.insert(tag.clone(), number);
        open.figures.consumers.set(open.consumers.len() as u64);
        let queue_number = open.queue_number(&queue);
        let prefix = DeliverPrefix::new(channel, &tag);
        if !m.no_wait {
            basic::ConsumeOk { consumer_tag: short(&tag) }.write(channel, out);
        }
        let given_tag = tag.clone();
        self.consumers[number as usize] = Some(ConsumerEntry {
            channel,
            tag,
            queue: queue.clone(),
            queue_number,
            id,
            no_ack: m.no_ack,
            prefix,
        });
        let ((), recorded) =
            queue.with_ticket(|state, queue, outcome| state.dispatch(queue, now_ms, outcome));
        // The store must know that messages may have been seen before they are seen.
        if recorded.announces {
            self.hold_output_until(recorded.ticket);
        }
        self.vhost.emit("consumer.created", |event| {
            self.consumer_fields(event, channel, &given_tag, queue.name())
                .flag("ack_required", !m.no_ack)
                .flag("exclusive", m.exclusive)
                .number("prefetch_count", prefetch.into())
                .table("arguments", m.arguments)
        });
        Ok(())
    }

    fn consumer_fields(&self, event: Fields, channel: u16, tag: &[u8], queue: &str) -> Fields {
        event
            .bytes("consumer_tag", tag)
            .text("queue", queue)
            .text("channel", &self.channel_name(channel))
            .by(self.negotiated.actor.user.name())
    }

    pub(super) fn cancel(
        &mut self,
        channel: u16,
        m: basic::Cancel<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let tag = m.consumer_tag.as_bytes();
        let open = self.channel(channel)?;
        if let Some(number) = open.consumers.remove(tag) {
            open.figures.consumers.set(open.consumers.len() as u64);
            self.drop_consumer(number);
            // What it was given before goes out before the cancel-ok.
            let mut commands = Vec::new();
            self.mailbox.take(&mut self.deliveries, &mut commands);
            self.write_deliveries(out);
            for command in commands {
                self.mailbox.order(command);
            }
            self.consumers[number as usize] = None;
            self.free_consumers.push(number);
        } else if open.reply_consumer.as_ref().is_some_and(|c| *c.tag == *tag)
            && let Some(consumer) = open.reply_consumer.take()
        {
            self.broker.replies().remove(&consumer.token);
        }
        if !m.no_wait {
            basic::CancelOk { consumer_tag: m.consumer_tag }.write(channel, out);
        }
        Ok(())
    }

    /// Takes a consumer from its queue, and others get what it leaves; its entry stays until its last deliveries are dealt with.
    pub(super) fn drop_consumer(&mut self, number: u32) {
        let left = self.take_out_consumers(&[number]);
        self.leave_to_others(left);
    }

    /// Takes consumers from their queues, to which [`leave_to_others`](Self::leave_to_others) is to follow once what they held came back:
    /// others would get what lies behind that first.
    pub(super) fn take_out_consumers(&self, numbers: &[u32]) -> Vec<Arc<Queue>> {
        let mut by_queue: Vec<(Arc<Queue>, Vec<ConsumerId>)> = Vec::new();
        for entry in numbers.iter().filter_map(|number| self.consumers.get(*number as usize)?.as_ref()) {
            match by_queue.iter_mut().find(|(queue, _)| Arc::ptr_eq(queue, &entry.queue)) {
                Some((_, ids)) => ids.push(entry.id),
                None => by_queue.push((entry.queue.clone(), vec![entry.id])),
            }
            self.vhost.emit("consumer.deleted", |event| {
                self.consumer_fields(event, entry.channel, &entry.tag, entry.queue.name())
            });
        }
        by_queue.retain(|(queue, ids)| queue.lock().unsubscribe(ids));
        by_queue.into_iter().map(|(queue, _)| queue).collect()
    }

    pub(super) fn leave_to_others(&self, queues: Vec<Arc<Queue>>) {
        let now_ms = self.now_ms;
        for queue in queues {
            queue.with(|state, queue, outcome| state.unsubscribed(queue, now_ms, outcome));
        }
    }

    /// The queue went away under a consumer.
    pub(super) fn consumer_cancelled(&mut self, number: u32, out: &mut Vec<u8>) {
        let Some(entry) = self.consumers.get_mut(number as usize).and_then(Option::take) else { return };
        self.free_consumers.push(number);
        if !self.drained {
            self.vhost.emit("consumer.deleted", |event| {
                self.consumer_fields(event, entry.channel, &entry.tag, entry.queue.name())
            });
        }
        if let Ok(open) = self.channel(entry.channel) {
            open.consumers.remove(&entry.tag);
            open.figures.consumers.set(open.consumers.len() as u64);
            if self.negotiated.capabilities.consumer_cancel_notify {
                basic::Cancel { consumer_tag: short(&entry.tag), no_wait: true }.write(entry.channel, out);
            }
        }
    }

    /// The broker stops: no more deliveries, but what was delivered may still be settled.
    pub(super) fn drain(&mut self, out: &mut Vec<u8>) {
        self.drained = true;
        let numbers: Vec<u32> =
            (0..self.consumers.len() as u32).filter(|n| self.consumers[*n as usize].is_some()).collect();
        for number in numbers {
            self.drop_consumer(number);
            let mut commands = Vec::new();
            self.mailbox.take(&mut self.deliveries, &mut commands);
            self.write_deliveries(out);
            commands.into_iter().for_each(|command| _ = self.mailbox.order(command));
            self.consumer_cancelled(number, out);
        }
    }

    fn consume_replies(
        &mut self,
        channel: u16,
        m: &basic::Consume<'_>,
        tag: Arc<[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let refuse = |text: &str| {
            ProtocolError::channel(channel, ReplyCode::PreconditionFailed, text).caused_by(basic::Consume::ID)
        };
        if !m.no_ack {
            return Err(refuse("reply consumer cannot acknowledge"));
        }
        let (broker, mailbox) = (self.broker.clone(), self.mailbox.clone());
        let open = self.channel(channel)?;
        if open.reply_consumer.is_some() {
            return Err(refuse("reply consumer already set"));
        }
        let token = broker.replies().add(mailbox, channel);
        open.reply_consumer = Some(ReplyConsumer { tag: tag.clone(), token });
        if !m.no_wait {
            basic::ConsumeOk { consumer_tag: short(&tag) }.write(channel, out);
        }
        Ok(())
    }

    pub(super) fn drop_reply_consumer(&mut self, open: &mut Channel) {
        if let Some(consumer) = open.reply_consumer.take() {
            self.broker.replies().remove(&consumer.token);
        }
    }

    /// Declaring the reply pseudo-queue, or a requester's reply address, only asks whether it is there.
    pub(super) fn declare_reply_queue(
        &mut self,
        channel: u16,
        wanted: &str,
        no_wait: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let token = wanted.strip_prefix("amq.rabbitmq.reply-to.");
        if token.is_some_and(|token| !self.broker.replies().contains(token)) {
            let text = format!("no queue '{wanted}' in vhost '{}'", self.vhost.name());
            return Err(ProtocolError::channel(channel, ReplyCode::NotFound, text));
        }
        self.channel(channel)?.last_queue = Some(wanted.to_owned());
        if !no_wait {
            let queue = ShortStr::truncate(wanted);
            queue::DeclareOk { queue, message_count: 0, consumer_count: 1 }.write(channel, out);
        }
        Ok(())
    }

    pub(super) fn write_reply(&mut self, channel: u16, message: &Message, out: &mut Vec<u8>) {
        let frame_max = self.negotiated.frame_max;
        self.delivered_bytes += delivery_bytes(message);
        let Ok(open) = self.channel(channel) else { return };
        let Some(consumer) = &open.reply_consumer else { return };
        let prefix = DeliverPrefix::new(channel, &consumer.tag);
        open.last_delivery_tag += 1;
        put_deliver(out, &prefix, channel, open.last_delivery_tag, false, message, None, frame_max);
    }
}

fn short(bytes: &[u8]) -> ShortStr<'_> {
    ShortStr::from_bytes(bytes).unwrap_or_default()
}

fn priority(queue: &Queue, m: &basic::Consume<'_>) -> Result<i32, Refusal> {
    match m.arguments.get("x-priority") {
        None => Ok(0),
        Some(value) => match value.as_i64() {
            Some(priority) => Ok(priority.clamp(i32::MIN.into(), i32::MAX.into()) as i32),
            None => Err(Refusal::InvalidArgument {
                arg: "x-priority".into(),
                kind: ResourceKind::Queue,
                name: queue.name().clone(),
                vhost: queue.vhost_name().clone(),
                reason: format!("\"expected integer, got {}\"", value.type_name()),
            }),
        },
    }
}
