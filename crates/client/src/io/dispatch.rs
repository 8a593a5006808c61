//! What arrives, by what it is: answers to whoever waits, confirms to the ring, deliveries to their consumers in batches.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use leveret_protocol::methods::{basic, channel, connection};
use leveret_protocol::{Content, ContentMethod, Method, Properties};
use tokio::time::Instant;

use super::channel_state::{ChannelState, Consuming, Pending};
use super::link::Link;
use super::restore::NOT_FOUND;
use super::shared::{CallKind, Opened, Reply};
use super::task::{End, Task};
use crate::connection::ConnectionState;
use crate::consumer::Delivery;
use crate::error::{Error, Origin, Returned, Scope};
use crate::topology;

impl Task {
    fn touch(&mut self, number: u16) -> Option<&mut ChannelState> {
        if self.touched.last() != Some(&number) {
            self.touched.push(number);
        }
        self.channel(number)
    }

    pub(super) fn on_connection(&mut self, method: Method<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        match method {
            Method::ConnectionClose(close) => {
                connection::CloseOk.write(0, out);
                Err(End::Closed(Error::Closed {
                    scope: Scope::Connection,
                    origin: Origin::Broker,
                    code: close.reply_code,
                    text: close.reply_text.to_lossy().into(),
                }))
            }
            Method::ConnectionCloseOk(_) => Err(End::Closed(Error::closed_by_application(Scope::Connection))),
            Method::ConnectionBlocked(blocked) => {
                self.blocked = true;
                let reason = blocked.reason.to_lossy().into();
                self.set_state(ConnectionState::Blocked { reason });
                Ok(())
            }
            Method::ConnectionUnblocked(_) => {
                self.blocked = false;
                self.set_state(ConnectionState::Connected);
                self.all_work();
                Ok(())
            }
            Method::ConnectionUpdateSecretOk(_) => {
                if let Some(reply) = self.secret.pop_front() {
                    let _ = reply.send(Ok(Reply::Done));
                }
                Ok(())
            }
            other => {
                tracing::debug!(method = %other.id().name(), "ignored on channel 0");
                Ok(())
            }
        }
    }

    pub(super) fn on_method(&mut self, number: u16, method: Method<'_>, link: &mut Link) {
        if self.late.as_ref().is_some_and(|late| late.is_on(number)) {
            return self.on_late(number, &method, link);
        }
        match method {
            Method::BasicAck(basic::Ack { delivery_tag, multiple }) => {
                self.confirmed(number, delivery_tag, multiple, true);
            }
            Method::BasicNack(basic::Nack { delivery_tag, multiple, .. }) => {
                self.confirmed(number, delivery_tag, multiple, false);
            }
            Method::BasicCancel(cancel) => {
                let tag = cancel.consumer_tag.to_lossy().into_owned();
                self.on_cancel(number, &tag, cancel.no_wait, &mut link.out);
            }
            Method::ChannelClose(close) => {
                channel::CloseOk.write(number, &mut link.out);
                link.inbound.forget_channel(number);
                self.on_channel_close(number, &close);
            }
            Method::ChannelCloseOk(_) => {
                link.inbound.forget_channel(number);
                let error = Error::closed_by_application(Scope::Channel);
                if let Some(mut state) = self.remove(number) {
                    if let Some(Pending::Call(CallKind::Close, _)) = state.pending.back()
                        && let Some(Pending::Call(_, reply)) = state.pending.pop_back()
                    {
                        let _ = reply.send(Ok(Reply::Done));
                    }
                    state.end(&error);
                }
            }
            Method::ChannelFlow(flow) => channel::FlowOk { active: flow.active }.write(number, &mut link.out),
            answer => self.on_answer(number, answer),
        }
    }

    fn confirmed(&mut self, number: u16, tag: u64, multiple: bool, stored: bool) {
        if let Some(state) = self.touch(number) {
            // What waited for the last suspect goes on as well.
            let one_by_one = state.suspects > 0;
            state.confirmed(tag, multiple, stored);
            if one_by_one {
                self.work(number);
            }
        }
    }

    fn on_answer(&mut self, number: u16, method: Method<'_>) {
        let Some(state) = self.channel(number) else { return };
        let Some(pending) = state.pending.pop_front() else {
            return tracing::warn!(channel = number, method = %method.id().name(), "nobody waits for this answer");
        };
        let mut new_epoch = false;
        match pending {
            Pending::Open(reply) => {
                let _ = reply.send(Ok(Opened::new(state.shared.clone())));
            }
            Pending::Internal(_) => {}
            Pending::Resubscribe(_) => {
                state.failures = 0;
                if let Method::BasicConsumeOk(ok) = &method {
                    state.resumed(ok.consumer_tag.as_bytes());
                }
            }
            Pending::Consume(subscription, reply) => {
                let mut subscription = *subscription;
                if let Method::BasicConsumeOk(ok) = &method {
                    subscription.tag = ok.consumer_tag.to_lossy().into_owned();
                }
                let tag = subscription.tag.clone();
                let shared = state.shared.clone();
                shared.connection.topology.lock().consumer_started(topology::Consumer {
                    channel: number,
                    tag: tag.clone(),
                    queue: subscription.queue.clone(),
                    no_ack: subscription.no_ack,
                    exclusive: subscription.exclusive,
                    arguments: subscription.arguments.clone(),
                });
                state.consumers.push(Consuming {
                    subscription,
                    batch: VecDeque::new(),
                    again_at: None,
                    declares: false,
                });
                let _ = reply.send(Ok(Reply::Consuming(tag)));
            }
            Pending::Call(kind, reply) => {
                match kind {
                    CallKind::Qos(prefetch) => {
                        state.prefetch = prefetch;
                        state.acks.set_prefetch(prefetch);
                    }
                    CallKind::Cancel(tag) => {
                        state.shared.connection.topology.lock().consumer_cancelled(number, &tag);
                        if let Some(at) = state.consumers.iter().position(|c| c.subscription.tag == tag) {
                            let mut consumer = state.consumers.swap_remove(at);
                            consumer.hand_over();
                            consumer.subscription.inbox.end(Error::closed_by_application(Scope::Channel));
                        }
                    }
                    CallKind::Change(change) => {
                        let named = match &method {
                            Method::QueueDeclareOk(ok) => Some(ok.queue.to_lossy()),
                            _ => None,
                        };
                        state.shared.connection.topology.lock().apply(*change, named.as_deref());
                    }
                    _ => {}
                }
                let answer = match method {
                    Method::QueueDeclareOk(ok) => Reply::Declared {
                        queue: ok.queue.to_lossy().into_owned(),
                        messages: ok.message_count,
                        consumers: ok.consumer_count,
                    },
                    Method::QueuePurgeOk(ok) => Reply::Count(ok.message_count),
                    Method::QueueDeleteOk(ok) => Reply::Count(ok.message_count),
                    Method::BasicGetEmpty(_) => Reply::Got(None),
                    Method::BasicConsumeOk(ok) => Reply::Consuming(ok.consumer_tag.to_lossy().into_owned()),
                    _ => Reply::Done,
                };
                let _ = reply.send(Ok(answer));
            }
        }
        new_epoch |= state.usable;
        if new_epoch {
            self.work(number);
        }
    }

    /// The broker cancelled a consumer: its queue was deleted or has moved. It is subscribed again after a pause.
    fn on_cancel(&mut self, number: u16, tag: &str, no_wait: bool, out: &mut Vec<u8>) {
        let Some(state) = self.channel(number) else { return };
        if !no_wait {
            let consumer_tag = leveret_protocol::ShortStr::truncate(tag);
            basic::CancelOk { consumer_tag }.write(number, out);
        }
        let Some(at) = state.consumers.iter().position(|c| c.subscription.tag == tag) else { return };
        let pause = state.pause();
        let recovers = state.recovers && !state.gives_up();
        tracing::warn!(channel = number, consumer = tag, recovers, "the broker cancelled a consumer");
        let error = Error::ConsumerCancelled { tag: tag.into() };
        if recovers {
            if let Some(consumer) = state.consumers.get_mut(at) {
                consumer.again_at = Some(Instant::now() + pause);
                *consumer.subscription.inbox.interrupted.lock() = Some(error);
            }
        } else {
            let mut consumer = state.consumers.swap_remove(at);
            consumer.hand_over();
            consumer.subscription.inbox.end(error);
        }
        self.rearm = true;
    }

    fn on_channel_close(&mut self, number: u16, close: &channel::Close<'_>) {
        let text: Arc<str> = close.reply_text.to_lossy().into();
        let error = Error::Closed {
            scope: Scope::Channel,
            origin: Origin::Broker,
            code: close.reply_code,
            text: text.clone(),
        };
        let Some(state) = self.channel(number) else { return };
        let by_publish = (close.class_id, close.method_id) == (60, 40);
        let asked = state
            .pending
            .iter()
            .any(|p| matches!(p, Pending::Call(..) | Pending::Consume(..) | Pending::Open(_)));
        if state.closing {
            // Both sides closed it at once: the broker answers our close as well, and until then the number is not free.
            if by_publish {
                state.accuse(close.reply_code, &text);
            }
            state.end(&error);
            state.closing = true;
            return;
        }
        if !state.recovers || asked && state.consumers.is_empty() && state.ring.is_empty() {
            if let Some(mut state) = self.remove(number) {
                if by_publish {
                    state.accuse(close.reply_code, &text);
                }
                state.end(&error);
            }
            return;
        }
        if by_publish {
            state.accuse(close.reply_code, &text);
        }
        // The accident: the broker noticed the end of the lost connection after its exclusive and auto-delete queues were declared
        // again, they went with it, and their consumers asked for them for ever.
        let consumes = (close.class_id, close.method_id) == (60, 20);
        for consumer in &mut state.consumers {
            consumer.declares = consumes && close.reply_code == NOT_FOUND;
        }
        state.lose(&error);
        let pause = if by_publish { std::time::Duration::ZERO } else { state.pause() };
        if state.gives_up() {
            if let Some(mut state) = self.remove(number) {
                state.end(&error);
            }
            return;
        }
        tracing::warn!(channel = number, %error, "the broker closed a channel; it is opened again");
        for consumer in &state.consumers {
            *consumer.subscription.inbox.interrupted.lock() = Some(error.clone());
        }
        state.reopen_at = Some(Instant::now() + pause);
        state.release();
        self.rearm = true;
        self.due_now |= by_publish;
    }

    pub(super) fn on_content(&mut self, number: u16, content: &Content<'_>, whole: &Bytes) {
        match content.method() {
            ContentMethod::Deliver(deliver) => {
                let Some(state) = self.touch(number) else { return };
                let tag = deliver.consumer_tag.as_bytes();
                let Some(at) = state.consumers.iter().position(|c| c.subscription.tag.as_bytes() == tag)
                else {
                    return tracing::debug!(channel = number, "delivery for a consumer that is gone");
                };
                let Some(consumer) = state.consumers.get_mut(at) else { return };
                let no_ack = consumer.subscription.no_ack;
                if !no_ack {
                    state.acks.delivered(deliver.delivery_tag);
                }
                let envelope = (deliver.delivery_tag, deliver.redelivered, no_ack);
                let names = (deliver.exchange, deliver.routing_key);
                let delivery =
                    Delivery::new(&state.shared, state.acks.epoch(), envelope, names, content, whole);
                consumer.batch.push_back(delivery);
            }
            ContentMethod::Return(returned) => self.on_return(number, &returned, content),
            ContentMethod::GetOk(ok) => {
                let Some(state) = self.channel(number) else { return };
                let Some(Pending::Call(kind, reply)) = state.pending.pop_front() else { return };
                let no_ack = kind != CallKind::Get;
                if !no_ack {
                    state.acks.delivered(ok.delivery_tag);
                }
                let envelope = (ok.delivery_tag, ok.redelivered, no_ack);
                let names = (ok.exchange, ok.routing_key);
                let delivery =
                    Delivery::new(&state.shared, state.acks.epoch(), envelope, names, content, whole);
                // Nobody waits any more: dropping the delivery requeues it.
                let _ = reply.send(Ok(Reply::Got(Some((Box::new(delivery), ok.message_count)))));
            }
            ContentMethod::Publish(_) => {}
        }
    }

    /// Ties a returned message to the oldest in flight that is equal; its confirm follows and completes it.
    fn on_return(&mut self, number: u16, returned: &basic::Return<'_>, content: &Content<'_>) {
        let Some(state) = self.channel(number) else { return };
        let (exchange, key) = (returned.exchange.as_bytes(), returned.routing_key.as_bytes());
        let (properties, body) = (content.properties().as_bytes(), content.body.as_slice());
        let find = |properties| state.ring.iter().find(|(_, m)| m.matches(exchange, key, properties, body));
        let message = find(Some(properties)).or_else(|| find(None)).map(|(_, message)| message.clone());
        let returns = state.shared.returns.lock();
        if message.is_none() && returns.is_none() {
            return tracing::warn!(channel = number, "returned message is not one of ours");
        }
        let returned = Returned {
            code: returned.reply_code,
            text: returned.reply_text.to_lossy().into_owned(),
            exchange: returned.exchange.to_lossy().into_owned(),
            routing_key: returned.routing_key.to_lossy().into_owned(),
            properties: Properties::try_from(content.properties()).unwrap_or_default(),
            body: message.as_ref().map_or_else(|| Bytes::copy_from_slice(body), |m| m.body.clone()),
        };
        if let Some(returns) = &*returns {
            returns.send(returned.clone());
        }
        if let Some(message) = message {
            message.set_returned(Box::new(returned));
        }
    }
}

impl Consuming {
    /// One short lock for the whole batch.
    pub(super) fn hand_over(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let inbox = &self.subscription.inbox;
        let mut waiting = inbox.deliveries.lock();
        if inbox.is_gone() {
            // Its channel is being closed, and what it would not take must not stand in the way of that.
            drop(waiting);
            return self.batch.drain(..).for_each(Delivery::forget);
        }
        if self.subscription.no_ack {
            inbox.hold(self.batch.iter().map(Delivery::bytes).sum());
        }
        if waiting.is_empty() {
            std::mem::swap(&mut *waiting, &mut self.batch);
        } else {
            waiting.append(&mut self.batch);
        }
        drop(waiting);
        inbox.waker.wake();
    }
}
