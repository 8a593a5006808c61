//! A stream after a start: its chunks from their summaries, what came behind the last of them from the messages themselves.

use super::chunk::Chunk;
use super::log::Kept;
use super::read::{self, Read};
use super::{SUMMARIES, offset};
use crate::queue::{ConsumerId, Queue};
use leveret_store::{LoadRequest, RecoveredLane, Store};

/// Takes over what the store has of a stream. Reads: not for a thread that must not wait.
pub(crate) fn restore(queue: &Queue, store: &Store, lane: &RecoveredLane) {
    if lane.last == 0 {
        return;
    }
    // The offset behind a position is its number.
    let next = lane.last;
    let first = if lane.first == 0 { next } else { offset(lane.first) };
    let chunks = chunks(store, queue.id());
    if let Some(stream) = queue.lock().stream_mut() {
        stream.restore(first, next, chunks);
    }
    loop {
        let Some(from) = queue.lock().stream_mut().map(|stream| stream.log_next()) else { return };
        if from >= next {
            return;
        }
        let nobody = ConsumerId { slot: u32::MAX, generation: 0 };
        let read = Read {
            reader: nobody,
            from,
            through: next - 1,
            filter: None,
            since_ms: 0,
            bytes_max: read::BYTES_MAX,
            messages_max: read::MESSAGES_MAX,
        };
        let (found, behind): (Vec<Kept>, u64) = read::fetch(store, queue.id(), &read);
        if let Some(stream) = queue.lock().stream_mut() {
            stream.restore_tail(found, behind);
        }
    }
}

fn chunks(store: &Store, queue: u64) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut after = 0;
    loop {
        let request =
            LoadRequest { queue, lanes: &[SUMMARIES], after, messages_max: 4096, bytes_max: 1 << 20 };
        let end = store.load(request, &mut |found| match Chunk::decode(found.payload) {
            Some(chunk) => chunks.push(chunk),
            None => {
                tracing::error!(queue, position = found.position, "the summary of a chunk makes no sense")
            }
        });
        if end.through == u64::MAX {
            return chunks;
        }
        after = end.through;
    }
}
