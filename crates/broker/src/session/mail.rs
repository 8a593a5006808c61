//! What others left in the connection's mailbox, and the room that is there again when it was written.

use super::Session;
use crate::mailbox::Command;

impl Session {
    /// Writes what the mailbox holds. Returns orders that concern the connection as a whole.
    pub(crate) fn serve_mailbox(&mut self, out: &mut Vec<u8>) -> Vec<Command> {
        let mut commands = Vec::new();
        self.mailbox.take(&mut self.deliveries, &mut commands);
        if !self.waiting.is_empty() {
            self.answer_publishers(out);
        }
        self.write_deliveries(out);
        let mut rest = Vec::new();
        for command in commands {
            match command {
                Command::ConsumerCancelled { consumer, queue } => {
                    // The number may have passed on to a newer consumer.
                    let entry = self.consumers.get(consumer as usize).and_then(Option::as_ref);
                    if entry.is_some_and(|entry| entry.queue.id() == queue) {
                        self.consumer_cancelled(consumer, out);
                    }
                }
                Command::Reply { channel, message } => self.write_reply(channel, &message, out),
                Command::Drain => self.drain(out),
                Command::TellUnacked(ask) => self.tell_unacked(ask),
                other @ Command::Close { .. } => rest.push(other),
            }
        }
        rest
    }

    /// Everything in the output left for the socket: lets consumers go on that wait for room.
    pub(crate) fn written(&mut self) {
        let bytes = std::mem::take(&mut self.delivered_bytes);
        if bytes == 0 {
            return;
        }
        for (queue, consumer) in self.mailbox.written(bytes) {
            queue.with(|state, queue, outcome| state.resume(queue, consumer, self.now_ms, outcome));
        }
        self.mailbox.caught_up();
    }
}
