//! What waited for its next delivery when the broker stopped: it waits on, in memory as before. Left on disk with the rest it would
//! count as ready, and push ready messages out of a queue with a bound.

use super::Queue;
use super::load;
use super::state::Load;
use leveret_store::{LaneId, RecoveredLane, Store};
use std::sync::Arc;

/// Messages that do not wait and are read with those that do, rather than reading twice.
const GAP_MAX: u64 = 16;
/// Messages read at a time.
const SPAN_MAX: u64 = 1024;

/// Takes what waits out of the middle of what a start found of a lane. Reads: not for a thread that must not wait. Ends early, and
/// leaves the others to count as ready until they are loaded, when `is_short` says that memory is.
pub(crate) fn restore_waiting(
    queue: &Arc<Queue>,
    store: &Store,
    lane: &RecoveredLane,
    now_ms: u64,
    unix_origin_ms: u64,
    is_short: &dyn Fn() -> bool,
) {
    let level = usize::from(lane.lane & !LaneId::TRANSIENT);
    let held = store.held(lane.queue, lane.lane, now_ms + unix_origin_ms);
    let mut rest = held.as_slice();
    while let Some(first) = rest.first().copied()
        && !is_short()
    {
        let span = span(rest);
        let last = rest[span - 1];
        let mut wanted = rest[..span].iter().copied().peekable();
        rest = &rest[span..];
        let mut after = first - 1;
        while after < last {
            let load = Load::of_span(level, after, (last - after).min(SPAN_MAX + GAP_MAX) as usize);
            let (mut entries, through) = load::fetch(store, lane.queue, &load, unix_origin_ms);
            entries.retain(|entry| {
                while wanted.next_if(|position| *position < entry.position).is_some() {}
                wanted.next_if_eq(&entry.position).is_some()
            });
            queue.with(|engine, _, outcome| {
                if let Some(state) = engine.backlog_mut() {
                    state.hold_loaded(level, entries, now_ms, outcome);
                }
            });
            after = through;
        }
    }
}

/// How many of those that wait lie so near each other that they are read together; at least one.
fn span(held: &[u64]) -> usize {
    let Some(first) = held.first() else { return 0 };
    let near = |pair: &[u64]| pair[1] - pair[0] <= GAP_MAX && pair[1] - first < SPAN_MAX;
    1 + held.windows(2).take_while(|pair| near(pair)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_near_each_other_are_read_together() {
        let dense: Vec<u64> = (1..=5000).collect();
        for (held, together) in [
            (vec![7], 1),
            (vec![1, 2, 3], 3),
            (vec![1, 17, 34], 2),
            (vec![1, 18], 1),
            (dense, SPAN_MAX as usize),
        ] {
            assert_eq!(span(&held), together, "{:?}", &held[..held.len().min(5)]);
        }
    }
}
