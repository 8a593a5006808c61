//! Direct replies: publishings that pass by every queue, into the mailbox of who asked. Source: RabbitMQ, "Direct Reply-to".

use super::Session;
use super::deliver::put_return;
use super::publish::{NO_ROUTE, REPLY_PREFIX};
use super::trace::Published;
use crate::channel::Mode;
use crate::mailbox::{Command, delivery_bytes};
use crate::message::{Message, Parts};
use crate::trace::Start;
use bytes::Bytes;
use leveret_protocol::methods::basic;
use leveret_protocol::{Body, ProtocolError, RawProperties};

impl Session {
    /// A reply goes straight to the requester's connection; when that is gone it is unroutable.
    pub(super) fn publish_reply(
        &mut self,
        channel: u16,
        publish: basic::Publish<'_>,
        properties: RawProperties<'_>,
        body: Body<'_>,
        sampled: Option<Start>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let body_bytes = body.len();
        let parts = Parts { exchange: b"", routing_key: publish.routing_key.as_bytes(), properties };
        let message = Message::new(parts, Bytes::from(body.into_vec()), None, 1);
        if let Some(following) = self.trace.as_ref().and_then(|trace| trace.following.as_ref()) {
            following.published(channel, &message, &[], Some("direct_reply"));
        }
        let token = publish.routing_key.to_lossy();
        let token = token.strip_prefix(REPLY_PREFIX).unwrap_or_default();
        let taken = self.broker.replies().find(token).is_some_and(|(mailbox, channel)| {
            mailbox.reply(Command::Reply { channel, message: message.clone() }, delivery_bytes(&message))
        });
        if !taken {
            tracing::debug!(routing_key = %publish.routing_key, "a direct reply has nobody waiting for it");
        }
        // RabbitMQ says so even of an answer that arrived: no queue took it.
        if publish.mandatory {
            let (code, text) = NO_ROUTE;
            put_return(out, channel, code, text, &message, self.negotiated.frame_max);
        }
        let open = self.channel(channel)?;
        open.figures.published(usize::from(taken), publish.mandatory);
        let mut confirm = 0;
        if let Mode::Confirm(confirms) = &mut open.mode {
            let first = confirms.is_placed();
            confirm = confirms.take();
            open.figures.publish_confirm.add(1);
            if first {
                self.confirming.push(channel);
            }
        }
        if let (Some(start), Some(trace)) = (&sampled, &mut self.trace) {
            let (vhost, address) = (self.vhost.name(), (&b""[..], publish.routing_key.as_bytes()));
            let failure = publish.mandatory.then_some(NO_ROUTE.1);
            let queues = &[];
            trace.published(
                start,
                Published { vhost, address, body_bytes, properties, queues, channel, confirm, failure },
            );
        }
        Ok(())
    }
}
