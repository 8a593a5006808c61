//! A record of what was published, bounded in bytes.

use bytes::Bytes;
use leveret_protocol::Properties;
use std::collections::VecDeque;

/// What a record of a message costs beside its body, about.
const ENTRY_BYTES: usize = 256;

/// A message as a client published it, whether or not it was routed anywhere.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Published {
    /// Index of the connection, from 0 in the order they were opened.
    pub connection: usize,
    /// Its channel.
    pub channel: u16,
    /// Its number among the confirmed publishings of that channel, from 1. `None`: the channel does not confirm.
    pub confirm_number: Option<u64>,
    /// The exchange; empty for the default exchange.
    pub exchange: String,
    /// The routing key.
    pub routing_key: String,
    /// `mandatory`.
    pub mandatory: bool,
    /// The properties.
    pub properties: Properties,
    /// The body.
    pub body: Bytes,
    /// It was kept from the broker and nacked; see [`Faults::nack_next`](crate::Faults::nack_next).
    pub nacked: bool,
}

impl Published {
    /// The body as text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Tap {
    kept: VecDeque<Published>,
    bytes: usize,
    bytes_max: usize,
    pub(crate) forgotten: u64,
}

impl Tap {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { kept: VecDeque::new(), bytes: 0, bytes_max, forgotten: 0 }
    }

    pub(crate) fn record(&mut self, published: Published) {
        self.bytes += published.body.len() + ENTRY_BYTES;
        self.kept.push_back(published);
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.kept.pop_front()
        {
            self.bytes -= oldest.body.len() + ENTRY_BYTES;
            self.forgotten += 1;
        }
    }

    pub(crate) fn all(&self) -> Vec<Published> {
        self.kept.iter().cloned().collect()
    }
}
