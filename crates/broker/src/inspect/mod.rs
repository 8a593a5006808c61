//! Looking into a running broker without changing it: virtual hosts, connections, consumers, messages where they lie.
//!
//! For tests and tools of this process. Nothing here takes a message, counts as use of a queue, or moves a figure.

mod channel;
mod client;
mod connection;
mod consumer;
mod unacked;

pub use channel::ChannelInfo;
pub(crate) use client::{Client, ClientTexts};
pub use connection::{ConnectionInfo, Endpoints};
pub use consumer::ConsumerInfo;
pub(crate) use unacked::AskUnacked;
pub use unacked::{UNACKED_MAX, Unacked, UnackedMessage};

use crate::broker::Broker;
use crate::definitions::{Definitions, DefinitionsError};
use crate::message::Message;
use crate::queue::backlog::Entry;
use crate::queue::load::fetch;
use crate::queue::{Queue, stream};
use crate::vhost::VirtualHost;
use std::sync::Arc;

/// A message as it lies in a queue.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QueuedMessage {
    /// The message.
    pub message: Message,
    /// It was delivered before.
    pub redelivered: bool,
    /// Deliveries that failed.
    pub delivery_count: u32,
    /// When it dies, in milliseconds of the broker's clock. `None`: never.
    pub expires_ms: Option<u64>,
}

impl From<&Entry> for QueuedMessage {
    fn from(entry: &Entry) -> Self {
        Self {
            message: entry.message.clone(),
            redelivered: entry.redelivered,
            delivery_count: entry.past.delivery_count(),
            expires_ms: (entry.expires_ms != u64::MAX).then_some(entry.expires_ms),
        }
    }
}

impl From<stream::Kept> for QueuedMessage {
    fn from(kept: stream::Kept) -> Self {
        Self { message: kept.message, redelivered: false, delivery_count: 0, expires_ms: None }
    }
}

impl Broker {
    /// The virtual hosts, by name.
    #[must_use]
    pub fn vhosts(&self) -> Vec<Arc<VirtualHost>> {
        self.0.vhosts()
    }

    /// Adds what the definitions name to what is there; entities that exist already must be equal.
    ///
    /// # Errors
    /// The first element that cannot be had, by its place in the document. What came before it stays.
    pub fn import(&self, definitions: &Definitions) -> Result<(), DefinitionsError> {
        self.0.import(definitions)
    }

    /// Bytes free on the disk of the data folder; `None` for a broker in memory, or if the disk does not say.
    #[must_use]
    pub fn disk_free_bytes(&self) -> Option<u64> {
        self.0.disk_free_bytes()
    }

    /// Bytes appended to the store and not yet written; 0 for a broker in memory.
    #[must_use]
    pub fn store_pending_bytes(&self) -> usize {
        self.0.store().map_or(0, |store| store.pending_bytes())
    }
}

impl Queue {
    /// The ready messages in the order they would leave, at most `messages_max`.
    ///
    /// Those on disk only are read from there, which may take as long as the disk takes: not for a thread that serves connections
    /// under load. What is published or consumed meanwhile may be missed or seen.
    #[must_use]
    pub fn browse(&self, messages_max: usize) -> Vec<QueuedMessage> {
        let mut found = Vec::new();
        let Some(vhost) = self.vhost() else { return found };
        let unix_origin_ms = vhost.clock().unix_ms() - vhost.clock().now_ms();
        let streamed = self.lock().stream_mut().map(|stream| stream.browse(messages_max));
        if let Some(streamed) = streamed {
            let kept = match (streamed, vhost.store()) {
                (Ok(kept), _) => kept,
                (Err(read), Some(store)) => stream::read::fetch(store, self.id(), &read).0,
                (Err(_), None) => Vec::new(),
            };
            return kept.into_iter().map(QueuedMessage::from).collect();
        }
        let levels = self.lock().levels_for_browsing(messages_max);
        for (entries, load) in levels {
            found.extend(entries);
            if found.len() < messages_max
                && let (Some(load), Some(store)) = (load, vhost.store())
            {
                let (entries, _) = fetch(store, self.id(), &load, unix_origin_ms);
                found.extend(entries.iter().map(QueuedMessage::from));
            }
        }
        found.truncate(messages_max);
        found
    }
}
