//! The channels open in a virtual host, and what those that are closed had counted: together its totals, which only grow.

use super::{ChannelFigures, MessageCounts};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Default)]
struct Inner {
    /// By number of the connection and of the channel.
    open: BTreeMap<(u64, u16), Arc<ChannelFigures>>,
    closed: MessageCounts,
}

/// See the module's documentation. The lock is taken when a channel opens or closes and when somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Channels(Mutex<Inner>);

impl Channels {
    pub(crate) fn opened(&self, connection: u64, channel: u16, figures: Arc<ChannelFigures>) {
        self.0.lock().open.insert((connection, channel), figures);
    }

    pub(crate) fn closed(&self, connection: u64, channel: u16) {
        let mut inner = self.0.lock();
        if let Some(figures) = inner.open.remove(&(connection, channel)) {
            inner.closed += figures.counts();
        }
    }

    /// What happened on no channel, but by way of another door.
    pub(crate) fn count(&self, counts: MessageCounts) {
        self.0.lock().closed += counts;
    }

    pub(crate) fn totals(&self) -> MessageCounts {
        let inner = self.0.lock();
        let mut totals = inner.closed;
        inner.open.values().for_each(|figures| totals += figures.counts());
        totals
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().open.len()
    }

    /// Those of all connections, or of one.
    pub(crate) fn list(&self, connection: Option<u64>) -> Vec<(u64, u16, Arc<ChannelFigures>)> {
        let inner = self.0.lock();
        let range = match connection {
            Some(id) => inner.open.range((id, 0)..=(id, u16::MAX)),
            None => inner.open.range(..),
        };
        range.map(|((connection, channel), figures)| (*connection, *channel, figures.clone())).collect()
    }
}
