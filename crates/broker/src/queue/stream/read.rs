//! Reading a stream from the disk for one consumer, in pieces, on a thread that may wait.

use super::filter::Filter;
use super::log::Kept;
use super::{MESSAGES, offset};
use crate::message::Message;
use crate::queue::{ConsumerId, Queue};
use crate::vhost::VirtualHost;
use leveret_store::{LoadRequest, Store};
use std::sync::Arc;

/// Messages of one piece, at most.
pub(crate) const MESSAGES_MAX: usize = 4096;
/// Bytes of one piece: reading ends with the message that reaches it.
pub(crate) const BYTES_MAX: usize = 1 << 20;

/// A piece to be read.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) reader: ConsumerId,
    /// First and last offset.
    pub(crate) from: u64,
    pub(crate) through: u64,
    pub(crate) filter: Option<Arc<Filter>>,
    pub(crate) since_ms: u64,
    pub(crate) bytes_max: usize,
    pub(crate) messages_max: usize,
}

/// Reads in the background; the consumer goes on when it is done.
pub(crate) fn spawn(vhost: &Arc<VirtualHost>, queue: &Arc<Queue>, read: Read) {
    let (vhost, queue) = (vhost.clone(), queue.clone());
    let runtime = vhost.runtime().clone();
    runtime.spawn_blocking(move || {
        let Some(store) = vhost.store() else { return };
        let (found, next) = fetch(store, queue.id(), &read);
        queue.with(|state, queue, outcome| state.read(queue, &read, found, next, outcome));
    });
}

/// What is wanted of the piece, and the offset behind what was looked at.
pub(crate) fn fetch(store: &Store, queue: u64, read: &Read) -> (Vec<Kept>, u64) {
    let mut all = Vec::new();
    let behind = read.through + 1;
    let request = LoadRequest {
        queue,
        lanes: &[MESSAGES],
        // Positions above this one: they are offsets plus one.
        after: read.from,
        messages_max: read.messages_max.min(usize::try_from(behind - read.from).unwrap_or(usize::MAX)),
        bytes_max: read.bytes_max,
    };
    let end = store.load(request, &mut |found| {
        let offset = offset(found.position);
        if offset > read.through || found.expires_unix_ms < read.since_ms {
            return;
        }
        match Message::from_stored(found.payload, 1) {
            None => tracing::error!(queue, offset, "a stored message makes no sense and is left out"),
            Some(message) => {
                if read.filter.as_ref().is_none_or(|filter| filter.matches(&message)) {
                    all.push(Kept { offset, unix_ms: found.expires_unix_ms, message });
                }
            }
        }
    });
    // The offset behind a position is its number.
    (all, end.through.min(behind))
}
