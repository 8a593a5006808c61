//! Reading a queue piece by piece, from memory and disk, without changing it.

use super::Place;
use crate::queue::Queue;
use crate::queue::backlog::Entry;
use crate::queue::load::fetch;
use crate::queue::state::{Load, Seen};
use crate::vhost::VirtualHost;

/// Messages of a queue that follow each other.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    pub(crate) seen: Vec<Seen>,
    /// What comes next lies behind this. `None`: the queue ends here.
    pub(crate) end: Option<Place>,
}

/// What lies behind a place (`None`: all), at most `messages_max`; fewer also before the end. Waits for the disk: not for a thread that
/// serves connections. From the disk about a megabyte is read at most.
pub(crate) fn read(vhost: &VirtualHost, queue: &Queue, from: Option<Place>, messages_max: usize) -> Piece {
    let mut at = from;
    loop {
        let (seen, load) = queue.lock().look_behind(at, messages_max.max(1));
        let end = seen.last().map(|seen| seen.place);
        let (Some(load), true) = (load, seen.is_empty()) else {
            let is_end = load.is_none() && seen.len() < messages_max;
            return Piece { end: end.filter(|_| !is_end), seen };
        };
        let (found, through) = from_disk(vhost, queue, &load);
        // The end of what is on disk is not the end of the level: the next round finds out.
        let end = found.last().map(|seen| seen.place);
        match (end, through) {
            (None, u64::MAX) => at = Some(Place::ready(load.level, u64::MAX)),
            (None, through) => at = Some(Place::ready(load.level, through)),
            (Some(_), _) => return Piece { seen: found, end },
        }
    }
}

/// The message of a place. Waits for the disk, too.
pub(crate) fn find(vhost: &VirtualHost, queue: &Queue, place: Place) -> Option<Seen> {
    let (seen, load) = queue.lock().look_at(place);
    let Some(load) = load else { return seen };
    let (found, _) = from_disk(vhost, queue, &load);
    found.into_iter().find(|seen| seen.place.position == place.position)
}

fn from_disk(vhost: &VirtualHost, queue: &Queue, load: &Load) -> (Vec<Seen>, u64) {
    let Some(store) = vhost.store() else { return (Vec::new(), u64::MAX) };
    let (now_ms, unix_ms) = (vhost.clock().now_ms(), vhost.clock().unix_ms());
    let (mut entries, through) = fetch(store, queue.id(), load, unix_ms - now_ms);
    // They wait in memory, or were taken out and the store does not know yet.
    if let Some(state) = queue.lock().backlog() {
        state.drop_gone(load.level, &mut entries);
    }
    let seen = |entry: Entry| {
        let until_unix_ms = entry.past.held_until_unix_ms();
        let waits_until_ms = (until_unix_ms > unix_ms).then(|| until_unix_ms - (unix_ms - now_ms));
        Seen { place: Place::ready(load.level, entry.position), entry, waits_until_ms }
    };
    (entries.into_iter().map(seen).collect(), through)
}
