//! What the broker takes away by itself: consumers that it cancels, channels that it closes.

use std::sync::Arc;

use leveret_protocol::methods::{basic, channel};
use tokio::time::Instant;

use super::channel_state::Pending;
use super::restore::NOT_FOUND;
use super::task::Task;
use crate::error::{Error, Origin, Scope};

impl Task {
    /// The broker cancelled a consumer: its queue was deleted or has moved. It is subscribed again after a pause.
    pub(super) fn on_cancel(&mut self, number: u16, tag: &str, no_wait: bool, out: &mut Vec<u8>) {
        let Some(state) = self.channel(number) else { return };
        if !no_wait && !state.closing {
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

    pub(super) fn on_channel_close(&mut self, number: u16, close: &channel::Close<'_>) {
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
}
