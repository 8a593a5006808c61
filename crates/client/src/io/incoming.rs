//! Messages that arrive: deliveries, returns, answers to `basic.get`.

use bytes::Bytes;
use leveret_protocol::methods::basic;
use leveret_protocol::{Content, ContentMethod, Properties};

use super::asked::{CallKind, Reply};
use super::channel_state::Pending;
use super::task::Task;
use crate::consumer::Delivery;
use crate::error::Returned;

impl Task {
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
