//! Looking at a queue's messages page by page: nothing is consumed, marked or counted.

use super::{Actor, VirtualHost};
use crate::message::Message;
use crate::name::ResourceKind;
use crate::queue::select::page::{self, Piece};
use crate::queue::select::{Filter, Place};
use crate::queue::state::Seen;
use crate::refusal::{Permission, Refusal};

/// Messages of a page at most.
pub const BROWSE_MESSAGES_MAX: usize = 1_000;
/// Bytes of their bodies at most, the message that reaches them included.
pub const BROWSE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Messages looked at for a page at most, those that the filter leaves out included.
pub const BROWSE_LOOKED_MAX: usize = 50_000;
/// Messages looked at in one piece.
const PIECE_MESSAGES_MAX: usize = 256;

/// What to look at. The bounds are lowered to what is possible, and are one at least.
#[derive(Debug, Clone)]
pub struct Browse {
    /// Behind which message; `None`: from the one that leaves first.
    pub from: Option<Place>,
    /// Messages of the page at most; [`BROWSE_MESSAGES_MAX`] is the most there can be. 100 unless set.
    pub messages_max: usize,
    /// Bytes of their bodies: the page ends with the message that reaches them. [`BROWSE_BYTES_MAX`] is the most. 1 MiB unless set.
    pub bytes_max: usize,
    /// Messages looked at, whether the filter wants them or not. [`BROWSE_LOOKED_MAX`] is the most. 10,000 unless set.
    pub looked_max: usize,
    /// Which are wanted. All unless set.
    pub filter: Filter,
}

impl Default for Browse {
    fn default() -> Self {
        Self {
            from: None,
            messages_max: 100,
            bytes_max: 1024 * 1024,
            looked_max: 10_000,
            filter: Filter::all(),
        }
    }
}

/// What a message in a queue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageState {
    /// It leaves when its turn comes.
    Ready,
    /// A delivery failed, and it is not delivered again before this time, in milliseconds since 1970.
    Waiting {
        /// Until when.
        until_unix_ms: u64,
    },
}

/// A message where it lies.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BrowsedMessage {
    /// Its place; it names the message as long as that is in this queue.
    pub place: Place,
    /// The message as it was published.
    pub message: Message,
    /// It was delivered before.
    pub redelivered: bool,
    /// Deliveries that failed.
    pub delivery_count: u32,
    /// When it dies, in milliseconds since 1970. `None`: never.
    pub expires_unix_ms: Option<u64>,
    /// Ready or waiting. (What consumers hold is not in the queue's order and not part of a browse.)
    pub state: MessageState,
}

/// Messages that follow each other in a queue.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct BrowsedPage {
    /// In the order in which they would leave: by priority, then by age. What waits for its next delivery comes last, unless it is on disk
    /// only: then it is where it came from.
    pub messages: Vec<BrowsedMessage>,
    /// The next page begins here. `None`: there was nothing behind.
    pub next: Option<Place>,
    /// Messages looked at.
    pub looked: usize,
}

impl VirtualHost {
    /// Messages of a queue that a filter wants, a page of them. Nothing is consumed, marked as redelivered, counted or taken for use of the
    /// queue. What is published or consumed between pages may be seen or missed; everything else is seen once.
    ///
    /// What is on disk is read from there on the calling thread, in pieces of about a megabyte: not for a task that serves connections.
    ///
    /// # Errors
    /// No read permission, no such queue, another connection's queue, a stream.
    pub fn browse(&self, actor: &Actor, queue: &str, browse: &Browse) -> Result<BrowsedPage, Refusal> {
        self.permit(actor, ResourceKind::Queue, queue, Permission::Read)?;
        let queue = self.owned_backlog(actor, queue)?;
        let messages_max = browse.messages_max.clamp(1, BROWSE_MESSAGES_MAX);
        let bytes_max = browse.bytes_max.clamp(1, BROWSE_BYTES_MAX);
        let looked_max = browse.looked_max.clamp(1, BROWSE_LOOKED_MAX);
        let wanted_at_once = if browse.filter.is_all() { messages_max } else { PIECE_MESSAGES_MAX };
        let mut page = BrowsedPage { next: browse.from, ..BrowsedPage::default() };
        let mut bytes = 0;
        loop {
            let count = wanted_at_once.min(PIECE_MESSAGES_MAX).min(looked_max - page.looked);
            let Piece { seen, end } = page::read(self, &queue, page.next, count);
            let count = seen.len();
            for (at, seen) in seen.into_iter().enumerate() {
                page.looked += 1;
                if browse.filter.matches(&seen.entry.message) {
                    bytes += seen.entry.message.body_len();
                    let place = seen.place;
                    page.messages.push(self.browsed(seen));
                    if page.messages.len() >= messages_max || bytes >= bytes_max {
                        let is_last = at + 1 == count && end.is_none();
                        page.next = (!is_last).then_some(place);
                        return Ok(page);
                    }
                }
            }
            page.next = end;
            if end.is_none() || page.looked >= looked_max {
                return Ok(page);
            }
        }
    }

    fn browsed(&self, seen: Seen) -> BrowsedMessage {
        let unix_origin_ms = self.clock().unix_ms() - self.clock().now_ms();
        let entry = seen.entry;
        BrowsedMessage {
            place: seen.place,
            message: entry.message,
            redelivered: entry.redelivered,
            delivery_count: entry.past.delivery_count(),
            expires_unix_ms: (entry.expires_ms != u64::MAX)
                .then(|| unix_origin_ms.saturating_add(entry.expires_ms)),
            state: seen.waits_until_ms.map_or(MessageState::Ready, |ms| MessageState::Waiting {
                until_unix_ms: unix_origin_ms.saturating_add(ms),
            }),
        }
    }
}
