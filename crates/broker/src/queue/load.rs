//! Fetching messages of a queue from the store, on a thread that may wait for the disk.

use super::Queue;
use super::backlog::Entry;
use super::state::{Load, Looked};
use super::stored::Stored;
use crate::message::Message;
use crate::vhost::VirtualHost;
use leveret_store::{LaneId, LoadRequest, Store};
use std::sync::Arc;
use tokio::runtime::RuntimeFlavor;

/// Fetches in the background, after what is just being appended; the queue goes on when it is done.
pub(crate) fn spawn(vhost: &Arc<VirtualHost>, queue: &Arc<Queue>, load: Load) {
    let Some(load) = queue.appending().wait(load) else { return };
    let (vhost, queue) = (vhost.clone(), queue.clone());
    let runtime = vhost.runtime().clone();
    runtime.spawn_blocking(move || run(&vhost, &queue, &load));
}

/// Fetches now, on a thread that serves connections: the runtime is told that it waits.
pub(crate) fn run_here(vhost: &Arc<VirtualHost>, queue: &Arc<Queue>, load: &Load) {
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| run(vhost, queue, load)),
        _ => run(vhost, queue, load),
    }
}

/// Fetches now.
pub(crate) fn run(vhost: &Arc<VirtualHost>, queue: &Arc<Queue>, load: &Load) {
    let Some(store) = vhost.store() else { return };
    // Before the look: what is appended later may have been missed.
    let raced = queue.appending().is_under_way();
    let unix_origin_ms = vhost.clock().unix_ms() - vhost.clock().now_ms();
    let (entries, through) = fetch(store, queue.id(), load, unix_origin_ms);
    let now_ms = vhost.clock().now_ms();
    let looked = Looked { through, raced };
    let lost =
        queue.with(|state, queue, outcome| state.loaded(queue, load, entries, looked, now_ms, outcome));
    if lost > 0 {
        tracing::error!(
            queue = %queue.name(), vhost = %queue.vhost_name(), lost,
            "messages could not be found in the store; see what `leveret store check` says of the data folder"
        );
    }
}

pub(crate) fn fetch(store: &Store, queue: u64, load: &Load, unix_origin_ms: u64) -> (Vec<Entry>, u64) {
    let lanes: Vec<_> =
        [true, false].into_iter().filter_map(|lasting| Stored::at(load.level, lasting).lane()).collect();
    let mut entries = Vec::new();
    let request = LoadRequest {
        queue,
        lanes: &lanes,
        after: load.after,
        messages_max: load.messages_max,
        bytes_max: load.bytes_max,
    };
    let end = store.load(request, &mut |found| {
        let Some(message) = Message::from_stored(found.payload, 1) else {
            tracing::error!(
                queue,
                position = found.position,
                "a stored message makes no sense and is left out"
            );
            return;
        };
        entries.push(Entry {
            position: found.position,
            expires_ms: match found.expires_unix_ms {
                u64::MAX => u64::MAX,
                ms => ms.saturating_sub(unix_origin_ms),
            },
            past: found.history.into(),
            redelivered: found.redelivered,
            stored: Stored::at(load.level, found.lane & LaneId::TRANSIENT == 0),
            message,
        });
    });
    (entries, end.through)
}
