//! `basic.get` and `basic.qos`, and writing deliveries.

use super::Session;
use super::deliver::{put_deliver, put_get_ok};
use super::errors::{IntoError as _, name};
use super::trace::Sent;
use crate::channel::unacked::Slot;
use crate::limiter::ChannelLimiter;
use crate::name::ResourceKind;
use crate::queue::arguments::QueueKind;
use crate::queue::backlog::Entry;
use crate::queue::state::Got;
use crate::queue::stream::{self, request};
use crate::queue::{Queue, load};
use crate::refusal::Permission;
use crate::vhost::Tap;
use leveret_protocol::methods::basic;
use leveret_protocol::{ProtocolError, ReplyCode};
use std::sync::Arc;

impl Session {
    pub(super) fn get(
        &mut self,
        channel: u16,
        m: basic::Get<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let now_ms = self.now_ms;
        let frame_max = self.negotiated.frame_max;
        let queue = self.channel(channel)?.queue_name(channel, name(m.queue)?, basic::Get::ID)?;
        let actor = &self.negotiated.actor;
        self.vhost.permit(actor, ResourceKind::Queue, &queue, Permission::Read).or_refuse(channel)?;
        let queue = self.vhost.owned_queue(actor, &queue).or_refuse(channel)?;
        if queue.is_stream() {
            return Err(request::unsupported(&queue, "basic.get")).or_refuse(channel);
        }
        if queue.kind() == QueueKind::Quorum && queue.lock().settings().single_active_consumer {
            let text = format!(
                "cannot obtain access to locked queue '{}' in vhost '{}'. basic.get operations are not supported by quorum \
                 queues with single active consumer",
                queue.name(),
                self.vhost.name()
            );
            return Err(ProtocolError::channel(channel, ReplyCode::ResourceLocked, text));
        }
        let Some((entry, left)) = self.take_one(&queue, m.no_ack) else {
            self.channel(channel)?.figures.of(queue.kind()).get_empty.add(1);
            basic::GetEmpty.write(channel, out);
            return Ok(());
        };
        self.forget_old_queues(channel)?;
        let traced = self.vhost.is_traced();
        let Self { channels, trace, .. } = self;
        let Some(Some(open)) = channels.get_mut(usize::from(channel)) else { return Ok(()) };
        open.last_delivery_tag += 1;
        let tag = open.last_delivery_tag;
        open.figures.of(queue.kind()).got(m.no_ack, entry.redelivered);
        open.figures.used_ms.set(now_ms);
        // (RabbitMQ's quorum queues tell who gets a message that it never came back; who consumes is told from the first time on.)
        let is_told = !entry.past.is_none() && queue.counts_deliveries();
        let counted = match queue.kind() {
            QueueKind::Quorum => Some(entry.message.counted_from_zero(&entry.past)),
            _ => is_told.then(|| entry.message.counted(&entry.past)),
        };
        let message = counted.as_ref().unwrap_or(&entry.message);
        put_get_ok(out, channel, tag, entry.redelivered, left as u32, message, frame_max);
        if let Some(trace) = trace {
            let sent = Sent {
                channel,
                consumer_tag: None,
                queue: &queue,
                position: entry.position,
                attempt: entry.past.acquired_count() + 1,
                delivery_tag: tag,
                is_get: true,
                redelivered: entry.redelivered,
                is_over: m.no_ack,
                now_ms,
            };
            trace.sent(&entry.message, sent);
        }
        let traced = traced.then(|| message.clone());
        if !m.no_ack {
            let queue = open.queue_number(&queue);
            open.unacked.push(Slot {
                tag,
                queue,
                consumer: None,
                position: entry.position,
                expires_ms: entry.expires_ms,
                delivered_ms: now_ms,
                past: entry.past,
                redelivered: entry.redelivered,
                no_ack: false,
                stored: entry.stored,
                message: entry.message,
            });
            open.show_unacked();
        }
        if let Some(message) = traced {
            let (connection, user) = (&*self.connection_name, &**self.negotiated.actor.user.name());
            let tap = Tap { connection, channel, user };
            self.vhost.trace_deliver(tap, &message, queue.name(), entry.redelivered);
        }
        Ok(())
    }

    /// The next message of a queue and how many stay; fetched from the disk if it is there.
    fn take_one(&mut self, queue: &Arc<Queue>, no_ack: bool) -> Option<(Entry, usize)> {
        let now_ms = self.now_ms;
        loop {
            let (got, recorded) =
                queue.with_ticket(|state, queue, outcome| state.get(queue, no_ack, now_ms, outcome));
            // The store must know that it may have been seen before it is seen.
            if recorded.announces {
                self.hold_output_until(recorded.ticket);
            }
            match got {
                Got::Empty => return None,
                Got::Message(entry, left) => return Some((entry, left)),
                Got::OnDisk(wanted) => load::run_here(&self.vhost, queue, &wanted),
            }
        }
    }

    pub(super) fn qos(
        &mut self,
        channel: u16,
        m: basic::Qos,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        if m.prefetch_size != 0 {
            let text = format!("prefetch_size!=0 ({})", m.prefetch_size);
            return Err(ProtocolError::connection(ReplyCode::NotImplemented, text));
        }
        if m.global {
            self.start_limiter(channel, out)?;
            // A limit that consumers already share is changed in place.
            let open = self.channel(channel)?;
            open.figures.global_prefetch.set(m.prefetch_count.into());
            let limiter = open.limiter.get_or_insert_with(Arc::default).clone();
            self.set_limit(&limiter, m.prefetch_count);
        } else {
            let open = self.channel(channel)?;
            open.prefetch = m.prefetch_count;
            open.figures.prefetch.set(m.prefetch_count.into());
            // A limit that the channel had is lifted, as in RabbitMQ: who wants both sets the channel's last.
            if let Some(limiter) = open.limiter.clone() {
                open.figures.global_prefetch.set(0);
                self.set_limit(&limiter, 0);
            }
        }
        basic::QosOk.write(channel, out);
        Ok(())
    }

    fn set_limit(&self, limiter: &ChannelLimiter, prefetch_count: u16) {
        for (queue, consumer) in limiter.set(u32::from(prefetch_count)) {
            queue.with(|state, queue, outcome| state.resume(queue, consumer, self.now_ms, outcome));
        }
    }

    /// A channel's first limit: it is given to the consumers that exist and counts what they hold already.
    fn start_limiter(&mut self, channel: u16, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        if self.channel(channel)?.limiter.is_some() {
            return Ok(());
        }
        let limiter = Arc::<ChannelLimiter>::default();
        for entry in self.consumers.iter().flatten().filter(|entry| entry.channel == channel) {
            entry.queue.lock().set_limiter(entry.id, &limiter);
        }
        // What was on its way before that counts too.
        let mut commands = Vec::new();
        self.mailbox.take(&mut self.deliveries, &mut commands);
        self.write_deliveries(out);
        for command in commands {
            self.mailbox.order(command);
        }
        let open = self.channel(channel)?;
        limiter.start_with(open.unacked.consumed() as u32);
        open.limiter = Some(limiter);
        Ok(())
    }

    /// Writes the deliveries taken from the mailbox.
    #[inline]
    pub(super) fn write_deliveries(&mut self, out: &mut Vec<u8>) {
        let frame_max = self.negotiated.frame_max;
        let Self {
            deliveries,
            consumers,
            channels,
            now_ms,
            delivered_bytes,
            vhost,
            negotiated,
            connection_name,
            trace,
            ..
        } = self;
        let traced = vhost.is_traced();
        for delivery in deliveries.drain(..) {
            *delivered_bytes += delivery.bytes();
            let Some(Some(entry)) = consumers.get(delivery.consumer as usize) else { continue };
            let Some(Some(open)) = channels.get_mut(usize::from(entry.channel)) else { continue };
            open.last_delivery_tag += 1;
            let tag = open.last_delivery_tag;
            let counted = (!delivery.past.is_none() && entry.queue.counts_deliveries())
                .then(|| delivery.message.counted(&delivery.past));
            let message = counted.as_ref().unwrap_or(&delivery.message);
            let offset = entry.queue.is_stream().then(|| stream::offset(delivery.position));
            let redelivered = delivery.redelivered;
            put_deliver(out, &entry.prefix, entry.channel, tag, redelivered, message, offset, frame_max);
            if traced {
                let tap = Tap {
                    connection: connection_name,
                    channel: entry.channel,
                    user: negotiated.actor.user.name(),
                };
                vhost.trace_deliver(tap, message, entry.queue.name(), delivery.redelivered);
            }
            if let Some(trace) = trace {
                let sent = Sent {
                    channel: entry.channel,
                    consumer_tag: Some(&entry.tag),
                    queue: &entry.queue,
                    position: delivery.position,
                    attempt: delivery.past.acquired_count() + 1,
                    delivery_tag: tag,
                    is_get: false,
                    redelivered,
                    is_over: entry.settles_nothing(),
                    now_ms: *now_ms,
                };
                trace.sent(&delivery.message, sent);
            }
            open.figures.of(entry.queue.kind()).delivered(entry.no_ack, redelivered);
            open.figures.used_ms.set(*now_ms);
            if !entry.no_ack {
                open.unacked.push(entry.slot(delivery, tag, *now_ms));
                open.show_unacked();
            }
        }
    }
}
