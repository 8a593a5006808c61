//! A message for many queues.

#![allow(clippy::unwrap_used, reason = "a failed unwrap in a test is a failed assertion with a place")]

use leveret_store::disk::MemoryDisk;
use leveret_store::{Batch, LoadRequest, Options, Store, Target, Urgency};
use std::sync::Arc;

/// The accident: a record counts its targets in sixteen bits, and more of them were stored as if they were few; and whoever read a short
/// message for one of a thousand queues read the places in all of them.
#[test]
fn it_is_in_each_of_them_after_a_start_and_small_to_read() {
    for (queues, body_bytes, log_bytes_max) in
        [(1, 10, 200), (70_000, 10, 2_000_000), (1_000, 50_000, 80_000)]
    {
        let disk = Arc::new(MemoryDisk::new());
        let options = || Options { threads: false, ..Options::default() };
        let (store, _) = Store::open(disk.clone(), options(), &mut |_| ()).unwrap();
        let targets: Vec<Target> = (1..=queues)
            .map(|queue| Target { queue, lane: 0, position: 1, expires_unix_ms: u64::MAX })
            .collect();
        let body = vec![7; body_bytes];
        let mut batch = Batch::new();
        batch.message(&targets, body_bytes as u32, &body, None);
        store.append(&mut batch, Urgency::Synced, None).unwrap();
        store.commit();
        let written = store.stats().written_bytes;
        assert!(store.stats().file_bytes >= written, "the file that is written counts");
        assert!(written <= log_bytes_max, "{queues} queues, {body_bytes} bytes: {written}");
        store.close();
        let (store, recovered) = Store::open(disk, options(), &mut |_| ()).unwrap();
        assert_eq!(recovered.lanes.len() as u64, queues);
        assert!(recovered.lanes.iter().all(|lane| (lane.messages, lane.weight) == (1, body_bytes as u64)));
        for queue in [1, queues / 2 + 1, queues] {
            let mut found = 0;
            let request =
                LoadRequest { queue, lanes: &[0], after: 0, messages_max: 10, bytes_max: usize::MAX };
            store.load(request, &mut |loaded| found += usize::from(loaded.payload == &body[..]));
            assert_eq!(found, 1, "queue {queue} of {queues}");
        }
    }
}
