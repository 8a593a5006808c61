//! Channels, as far as others may know of them.

use crate::broker::Broker;
use crate::name::Name;
use crate::stats::{CONFIRM, ChannelFigures, MessageCounts, TRANSACTION};
use std::collections::HashMap;
use std::sync::Arc;

/// An open channel.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ChannelInfo {
    /// RabbitMQ's name of it: the connection's, with the number in brackets.
    pub name: String,
    /// Its number on its connection.
    pub number: u16,
    /// The connection's number; see [`ConnectionInfo::id`](super::ConnectionInfo::id).
    pub connection: u64,
    /// The connection's name.
    pub connection_name: String,
    /// The connection's user.
    pub user: Name,
    /// The connection's virtual host.
    pub vhost: Name,
    /// Consumers on it.
    pub consumer_count: u64,
    /// Messages it was given and has not settled.
    pub messages_unacknowledged: u64,
    /// Publishings that are not confirmed yet.
    pub messages_unconfirmed: u64,
    /// Publishings in its open transaction.
    pub messages_uncommitted: u64,
    /// Settlements in its open transaction.
    pub acks_uncommitted: u64,
    /// Prefetch for consumers to come; 0 is no limit.
    pub prefetch_count: u16,
    /// Prefetch that all its consumers share; 0 is no limit.
    pub global_prefetch_count: u16,
    /// It confirms publishings.
    pub confirm: bool,
    /// It has transactions.
    pub transactional: bool,
    /// When it last published, was given or settled a message, or was opened, in milliseconds since 1970.
    pub used_unix_ms: u64,
    /// What was counted on it.
    pub counts: MessageCounts,
}

impl Broker {
    /// The open channels, by age of their connections and by number.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelInfo> {
        let connections =
            self.0.handles().into_iter().map(|handle| (handle.id, handle)).collect::<HashMap<_, _>>();
        let all = self.0.channels().list(None);
        all.into_iter()
            .filter_map(|(connection, number, figures)| {
                self.describe(connections.get(&connection)?, number, &figures)
            })
            .collect()
    }

    /// The open channels of a connection.
    #[must_use]
    pub fn channels_of(&self, connection: u64) -> Vec<ChannelInfo> {
        let Some(handle) = self.0.handle(connection) else { return Vec::new() };
        let all = self.0.channels().list(Some(connection));
        all.into_iter().filter_map(|(_, number, figures)| self.describe(&handle, number, &figures)).collect()
    }

    /// How many channels are open.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.0.channels().len()
    }

    /// What happened to messages since the broker was started, on channels that are closed too.
    #[must_use]
    pub fn message_counts(&self) -> MessageCounts {
        self.0.channels().totals()
    }

    fn describe(
        &self,
        connection: &Arc<crate::broker::ConnectionHandle>,
        number: u16,
        figures: &ChannelFigures,
    ) -> Option<ChannelInfo> {
        let connection_name = connection.name.get()?.to_string();
        let clock = self.clock();
        Some(ChannelInfo {
            name: format!("{connection_name} ({number})"),
            number,
            connection: connection.id,
            connection_name,
            user: connection.user.get()?.clone(),
            vhost: connection.vhost.get()?.clone(),
            consumer_count: figures.consumers.get(),
            messages_unacknowledged: figures.unacked.get(),
            messages_unconfirmed: figures.unconfirmed(),
            messages_uncommitted: figures.uncommitted.get(),
            acks_uncommitted: figures.acks_uncommitted.get(),
            prefetch_count: figures.prefetch.get() as u16,
            global_prefetch_count: figures.global_prefetch.get() as u16,
            confirm: figures.mode.get() == CONFIRM,
            transactional: figures.mode.get() == TRANSACTION,
            used_unix_ms: clock.unix_ms() - clock.now_ms() + figures.used_ms.get(),
            counts: figures.counts(),
        })
    }
}
