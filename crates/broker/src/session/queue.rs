//! The methods of class queue.

use super::errors::{IntoError as _, name};
use super::{Session, text};
use crate::topology::Destination;
use crate::vhost::{BindSpec, DeclareQueue, DeleteQueue};
use leveret_protocol::methods::queue;
use leveret_protocol::{ProtocolError, ShortStr};

/// The pseudo-queue of direct replies.
pub(super) const REPLY_TO: &str = "amq.rabbitmq.reply-to";

impl Session {
    pub(super) fn declare_queue(
        &mut self,
        channel: u16,
        m: queue::Declare<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let wanted = name(m.queue)?;
        if wanted == REPLY_TO || wanted.starts_with("amq.rabbitmq.reply-to.") {
            return self.declare_reply_queue(channel, wanted, m.no_wait, out);
        }
        let actor = self.negotiated.actor.clone();
        let declared = if m.passive {
            self.vhost.check_queue(&actor, wanted).or_refuse(channel)?
        } else {
            let declare = DeclareQueue {
                name: wanted.to_owned(),
                durable: m.durable,
                exclusive: m.exclusive,
                auto_delete: m.auto_delete,
                arguments: m.arguments,
            };
            let declared = self.vhost.declare_queue(&actor, declare).or_refuse(channel)?;
            if declared.created && m.exclusive {
                if self.exclusive.len().is_power_of_two() && self.exclusive.len() >= 64 {
                    self.exclusive.retain(|queue| !queue.lock().is_deleted());
                }
                self.exclusive.push(declared.queue.clone());
            }
            declared.queue
        };
        self.channel(channel)?.last_queue = Some(declared.name().to_string());
        if !m.no_wait {
            let figures = declared.figures();
            queue::DeclareOk {
                queue: text(declared.name()),
                message_count: figures.ready as u32,
                consumer_count: figures.consumers as u32,
            }
            .write(channel, out);
        }
        Ok(())
    }

    pub(super) fn delete_queue(
        &mut self,
        channel: u16,
        m: queue::Delete<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let queue = self.channel(channel)?.queue_name(channel, name(m.queue)?, queue::Delete::ID)?;
        let only = DeleteQueue { if_unused: m.if_unused, if_empty: m.if_empty };
        let count = self.vhost.delete_queue(&self.negotiated.actor, &queue, only).or_refuse(channel)?;
        self.exclusive.retain(|q| **q.name() != *queue);
        self.pending.forget();
        if !m.no_wait {
            queue::DeleteOk { message_count: count as u32 }.write(channel, out);
        }
        Ok(())
    }

    pub(super) fn purge_queue(
        &mut self,
        channel: u16,
        m: queue::Purge<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let queue = self.channel(channel)?.queue_name(channel, name(m.queue)?, queue::Purge::ID)?;
        let count = self.vhost.purge_queue(&self.negotiated.actor, &queue).or_refuse(channel)?;
        if !m.no_wait {
            queue::PurgeOk { message_count: count as u32 }.write(channel, out);
        }
        Ok(())
    }

    pub(super) fn bind_queue(
        &mut self,
        channel: u16,
        m: queue::Bind<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let spec = self.binding(channel, m.queue, m.exchange, m.routing_key, m.arguments, queue::Bind::ID)?;
        self.vhost.bind(&self.negotiated.actor, spec).or_refuse(channel)?;
        if !m.no_wait {
            queue::BindOk.write(channel, out);
        }
        Ok(())
    }

    pub(super) fn unbind_queue(
        &mut self,
        channel: u16,
        m: queue::Unbind<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let spec =
            self.binding(channel, m.queue, m.exchange, m.routing_key, m.arguments, queue::Unbind::ID)?;
        self.vhost.unbind(&self.negotiated.actor, spec).or_refuse(channel)?;
        queue::UnbindOk.write(channel, out);
        Ok(())
    }

    /// An empty queue name means the queue declared last; then an empty key means that queue's name (AMQP 0-9-1,
    /// `queue.bind`, rule "binding-key").
    fn binding(
        &mut self,
        channel: u16,
        queue: ShortStr<'_>,
        source: ShortStr<'_>,
        key: ShortStr<'_>,
        arguments: leveret_protocol::FieldTable,
        by: leveret_protocol::MethodId,
    ) -> Result<BindSpec, ProtocolError> {
        let given = name(queue)?;
        let queue = self.channel(channel)?.queue_name(channel, given, by)?;
        let key = if given.is_empty() && key.is_empty() { queue.as_bytes() } else { key.as_bytes() };
        Ok(BindSpec {
            source: name(source)?.into(),
            key: key.to_vec(),
            destination: Destination::Queue(queue.into()),
            arguments,
        })
    }
}
