//! Whole runs in this process, without kills.

use std::time::Duration;

use crate::progress::Progress;
use crate::run::{Folder, Report, run};
use crate::settings::{Chaos, Settings, Without};

async fn shop(without: Option<Without>) -> Report {
    // A shop that stands still for ever is given up sooner; far later than the pauses of any ladder all the same.
    let patience = Duration::from_secs(if without == Some(Without::Outbox) { 5 } else { 60 });
    let folder = Folder::choose(None).unwrap();
    let settings = Settings {
        orders: 80,
        rate: 200,
        seed: 11,
        without,
        data: Some(folder.path().to_owned()),
        ..Settings::default()
    };
    run(settings, &Chaos::default(), patience, &Progress::silent(), folder).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_balance_after_retries_duplicates_and_dead_letters() {
    let report = shop(None).await;
    let text = report.to_string();
    assert!(report.balances(), "{text}");
    let tally = &report.tally;
    assert!(tally.retries > 0 && tally.duplicates > 0 && !tally.alerts.is_empty(), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_inbox_they_do_not() {
    let report = shop(Some(Without::Inbox)).await;
    let text = report.to_string();
    assert!(!report.balances() && text.contains("DO NOT BALANCE"), "{text}");
    assert!(report.ledger.findings().iter().any(|finding| finding.contains("instead of")), "{text}");
    let _ = std::fs::remove_dir_all(report.kept.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_outbox_orders_are_never_heard_of_again() {
    let report = shop(Some(Without::Outbox)).await;
    let text = report.to_string();
    assert!(!report.balances() && text.contains("never heard of again"), "{text}");
    let _ = std::fs::remove_dir_all(report.kept.unwrap());
}
