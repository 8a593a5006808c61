//! Channels of a connection: opened, found, and ended, when what they had not settled goes back.

use super::errors::IntoError as _;
use super::{Session, settle};
use crate::channel::unacked::UNWRITTEN;
use crate::channel::{Channel, Mode};
use crate::events::Fields;
use crate::queue::Queue;
use crate::queue::past::Return;
use crate::stats::Happening;
use leveret_protocol::methods::channel::OpenOk;
use leveret_protocol::{ProtocolError, ReplyCode};
use std::sync::Arc;

/// Queues a channel refers to before it looks for some that it can let go of.
const QUEUES_REMEMBERED_MAX: usize = 256;

impl Session {
    /// # Errors
    /// The user has as many channels as it may.
    pub(crate) fn check_channel_limit(&self) -> Result<(), ProtocolError> {
        self.broker.check_channel_limit(&self.negotiated.actor.user).or_refuse(0)
    }

    /// Makes a channel; the order of frames says that it is not there yet.
    pub(crate) fn open_channel(&mut self, channel: u16, out: &mut Vec<u8>) {
        let at = usize::from(channel);
        if self.channels.len() <= at {
            self.channels.resize_with(at + 1, || None);
        }
        let open = Box::<Channel>::default();
        let connection = self.negotiated.actor.connection;
        open.figures.used_ms.set(self.now_ms);
        self.vhost.channels().opened(connection, channel, open.figures.clone());
        self.vhost.all_channels().opened(connection, channel, open.figures.clone());
        self.vhost.churn().count(Happening::ChannelCreated);
        self.channels[at] = Some(open);
        OpenOk.write(channel, out);
        self.vhost.emit("channel.created", |event| self.channel_fields(event, channel));
    }

    /// RabbitMQ's name of a channel.
    pub(super) fn channel_name(&self, channel: u16) -> String {
        format!("{} ({channel})", self.connection_name)
    }

    pub(super) fn channel_fields(&self, event: Fields, channel: u16) -> Fields {
        event
            .text("name", &self.channel_name(channel))
            .number("number", channel.into())
            .text("connection", &self.connection_name)
            .text("user", self.negotiated.actor.user.name())
            .by(self.negotiated.actor.user.name())
    }

    #[inline]
    pub(super) fn channel(&mut self, channel: u16) -> Result<&mut Channel, ProtocolError> {
        match self.channels.get_mut(usize::from(channel)) {
            Some(Some(open)) => Ok(open),
            _ => Err(ProtocolError::connection(ReplyCode::ChannelError, "expected 'channel.open'")),
        }
    }

    /// A channel that went through many queues lets go of those nothing refers to any more.
    pub(super) fn forget_old_queues(&mut self, channel: u16) -> Result<(), ProtocolError> {
        let Self { channels, consumers, .. } = self;
        let Some(Some(open)) = channels.get_mut(usize::from(channel)) else { return Ok(()) };
        if open.queues.len() < QUEUES_REMEMBERED_MAX || open.unacked.len() > 0 {
            return Ok(());
        }
        open.queues.clear();
        for entry in consumers.iter_mut().flatten().filter(|entry| entry.channel == channel) {
            entry.queue_number = open.queue_number(&entry.queue);
        }
        Ok(())
    }

    /// Ends a channel: its consumers go, what it had not settled goes back.
    pub(crate) fn close_channel(&mut self, channel: u16) {
        let Some(Some(open)) = self.channels.get(usize::from(channel)) else { return };
        let numbers: Vec<u32> = open.consumers.values().copied().collect();
        self.flush_queues();
        let left = self.take_out_consumers(&numbers);
        self.end_channel(channel);
        self.leave_to_others(left);
    }

    /// Its consumers are gone from their queues.
    pub(super) fn end_channel(&mut self, channel: u16) {
        let Some(open) = self.channels.get_mut(usize::from(channel)).and_then(Option::take) else { return };
        let mut open = *open;
        self.drop_reply_consumer(&mut open);
        self.take_back_deliveries(channel, &mut open);
        let numbers: Vec<u32> = open.consumers.values().copied().collect();
        if let Mode::Transaction(tx) = &mut open.mode {
            let held: Vec<_> = tx.settlements.drain(..).map(|(slot, _)| slot).collect();
            open.unacked.restore(held);
        }
        // A broker that stops is no fault of its consumers.
        let why = if self.drained { Return::Released } else { Return::Lost };
        if let Some(trace) = &mut self.trace {
            trace.closed(channel);
        }
        settle::requeue_all(channel, &mut open, why, self.now_ms, self.trace.as_deref());
        for number in numbers {
            self.consumers[number as usize] = None;
            self.free_consumers.push(number);
        }
        let connection = self.negotiated.actor.connection;
        self.vhost.channels().closed(connection, channel);
        self.vhost.all_channels().closed(connection, channel);
        self.vhost.churn().count(Happening::ChannelClosed);
        self.vhost.emit("channel.closed", |event| self.channel_fields(event, channel));
    }

    /// Deliveries that were on their way to a channel that closes become its unacked ones, to be requeued with them. Those of other
    /// channels stay on their way.
    fn take_back_deliveries(&mut self, channel: u16, open: &mut Channel) {
        let mut commands = Vec::new();
        self.mailbox.take(&mut self.deliveries, &mut commands);
        for command in commands {
            // Orders are for the connection; they keep their turn.
            self.mailbox.order(command);
        }
        for delivery in std::mem::take(&mut self.deliveries) {
            match self.consumers.get(delivery.consumer as usize) {
                Some(Some(entry)) if entry.channel == channel => {
                    self.delivered_bytes += delivery.bytes();
                    open.unacked.push(entry.slot(delivery, UNWRITTEN, self.now_ms));
                }
                _ => self.deliveries.push(delivery),
            }
        }
        self.mailbox.put_back(&mut self.deliveries);
    }

    /// The first channel whose oldest delivery was not settled in time (RabbitMQ, "Delivery Acknowledgement Timeout").
    pub(crate) fn overdue(&self) -> Option<ProtocolError> {
        let default_ms = self.broker.config().consumer_timeout.map(|timeout| timeout.as_millis() as u64);
        self.channels.iter().enumerate().find_map(|(number, channel)| {
            let channel = channel.as_ref()?;
            let own_ms = |queue: &Arc<Queue>| queue.lock().settings().consumer_timeout_ms;
            let timeouts_ms: Vec<_> = channel.queues.iter().map(|q| own_ms(q).or(default_ms)).collect();
            let overdue = channel.unacked.iter().find_map(|slot| {
                let timeout_ms = timeouts_ms.get(slot.queue as usize).copied().flatten()?;
                (self.now_ms.saturating_sub(slot.delivered_ms) >= timeout_ms).then_some(timeout_ms)
            });
            overdue.map(|timeout_ms| {
                let text = format!(
                    "delivery acknowledgement on channel {number} timed out. Timeout value used: {timeout_ms} ms. \
                     This timeout value can be configured, see consumers doc guide to learn more"
                );
                ProtocolError::channel(number as u16, ReplyCode::PreconditionFailed, text)
            })
        })
    }

    /// Messages given and not settled.
    pub(crate) fn unsettled(&self) -> usize {
        self.channels.iter().flatten().map(|channel| channel.unacked.len()).sum()
    }
}
