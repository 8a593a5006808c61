//! What nobody waits for is stored all the same.

#![allow(clippy::unwrap_used, reason = "a failed unwrap in a test is a failed assertion with a place")]

use leveret_store::disk::MemoryDisk;
use leveret_store::{Batch, Options, Store, Urgency};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The accident: the writer of an idle store slept for an hour and was only woken by appends that somebody waits for; acknowledgements
/// stayed in memory, and a kill an hour later brought back everything that was settled.
#[test]
fn what_nobody_waits_for_is_stored_soon_also_by_an_idle_store() {
    let (store, _) = Store::open(Arc::new(MemoryDisk::new()), Options::default(), &mut |_| ()).unwrap();
    let mut batch = Batch::new();
    for round in 1..=3 {
        batch.put(b"key", b"value");
        let ticket = store.append(&mut batch, Urgency::Later, None).unwrap();
        assert_eq!(ticket, round);
        let began = Instant::now();
        while store.synced() < ticket {
            assert!(began.elapsed() < Duration::from_secs(20), "still not stored in round {round}");
            std::thread::yield_now();
        }
    }
    store.close();
}
