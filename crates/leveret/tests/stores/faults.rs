//! Each part of a system ends at each step of a message's way, and the effect is counted: `docs/guides/idempotency-and-outbox.md` has this table.

mod process;
mod stage;
mod trap;

use std::collections::HashMap;

use tokio::task::JoinSet;

use stage::effects;
use trap::{Bad, Part, Step, Way};

/// In the order of a message's way.
const STEPS: [Step; 6] =
    [Step::Received, Step::Claimed, Step::Handling, Step::Done, Step::Committed, Step::Acked];

/// What a row of the table says of itself, and its cells: how often the effect is there after the part has ended at each of [`STEPS`], with a
/// store around the handler. With an inbox it is there once, always.
type Row = (&'static str, Part, [Option<i64>; 6]);

const ONCE: Option<i64> = Some(1);
/// Only at-least-once can be promised: the effect is there, and nothing yet says so.
const TWICE: Option<i64> = Some(2);
/// The part does nothing at that step.
const NONE: Option<i64> = None;

const TABLE: [Row; 7] = [
    ("handler: error", Part::Handler(Bad::Error), [NONE, NONE, ONCE, TWICE, NONE, NONE]),
    ("handler: panic", Part::Handler(Bad::Panic), [NONE, NONE, ONCE, TWICE, NONE, NONE]),
    ("handler: hangs", Part::Handler(Bad::Hang), [NONE, NONE, ONCE, TWICE, NONE, NONE]),
    ("worker's process (kill -9)", Part::Worker, [ONCE, ONCE, ONCE, TWICE, ONCE, ONCE]),
    ("broker", Part::Broker, [ONCE, ONCE, ONCE, ONCE, ONCE, ONCE]),
    ("connection", Part::Connection, [ONCE, ONCE, ONCE, ONCE, ONCE, ONCE]),
    ("store", Part::Store, [ONCE, ONCE, NONE, ONCE, ONCE, NONE]),
];

/// How many are on their way at a time.
const AT_A_TIME: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_part_ends_at_each_step_and_the_effect_is_counted() {
    let mut cases = Vec::new();
    for (_, part, cells) in TABLE {
        for (step, wanted) in STEPS.into_iter().zip(cells) {
            let Some(wanted) = wanted else { continue };
            cases.push((Way::Store, part, step, wanted));
            cases.push((Way::Inbox, part, step, 1));
        }
    }
    let (mut running, mut wrong) = (JoinSet::new(), HashMap::new());
    let mut cases = cases.into_iter();
    loop {
        while running.len() < AT_A_TIME
            && let Some((way, part, step, wanted)) = cases.next()
        {
            running.spawn(async move { (way, part, step, wanted, effects(way, part, step).await) });
        }
        let Some(ended) = running.join_next().await else { break };
        let (way, part, step, wanted, got) = ended.unwrap();
        if got != wanted {
            wrong.insert(format!("{way:?}: {part:?} ends at {step:?}"), format!("{got}, not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "effects: {wrong:#?}");
}

/// The guide's table is this one.
#[test]
fn the_guide_says_the_same() {
    let guide = include_str!("../../../../docs/guides/idempotency-and-outbox.md");
    for (name, _, cells) in TABLE {
        let mut row = format!("| {name} |");
        for cell in cells {
            row.push_str(&match cell {
                Some(effects) => format!(" {effects} |"),
                None => " |".to_owned(),
            });
        }
        assert!(guide.contains(&row), "the guide lacks: {row}");
    }
}
