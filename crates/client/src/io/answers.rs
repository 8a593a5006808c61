//! Answers of the broker, to whoever waits for them.

use std::collections::VecDeque;

use leveret_protocol::Method;

use super::asked::{CallKind, Opened, Reply};
use super::channel_state::Pending;
use super::consuming::Consuming;
use super::task::Task;
use crate::error::{Error, Scope};
use crate::topology;

impl Task {
    pub(super) fn on_answer(&mut self, number: u16, method: Method<'_>) {
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
}
