//! A small part of what `conformance/crash/run` does, for every run of the tests.

#![allow(clippy::print_stderr, reason = "a failure is told to whoever reads the test's output")]

use leveret_crash::suite::{Failure, Watch};

fn watched<T>(work: impl FnOnce(&Watch<'_>) -> Result<T, Failure>) -> T {
    let hangs = |failure: Failure| {
        eprintln!("{failure}");
        std::process::abort();
    };
    work(&Watch::new(&|_| {}, &hangs)).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_that_was_synced() {
    let tally = watched(|watch| watch.cuts(1_000_000, 1500, 2));
    assert!(tally.cuts >= 1500 && tally.starts > tally.cuts && tally.second_cuts > 0, "{tally:?}");
}

#[test]
fn a_disk_that_fails_at_any_call_loses_nothing_that_was_synced() {
    assert!(watched(|watch| watch.faults(2_000_000, 300, 2)) >= 300);
}

#[test]
fn damaged_files_invent_nothing_and_one_damaged_message_takes_no_other_with_it() {
    assert!(watched(|watch| watch.damages(3_000_000, 400, 2)) >= 400);
}

#[test]
fn a_power_cut_swallows_no_message_that_is_sent_again_and_lets_no_duplicate_in() {
    let tally = watched(|watch| watch.dedup(4_000_000, 50, 1));
    assert!(tally.cuts >= 50 && tally.resent > 0, "{tally:?}");
}
