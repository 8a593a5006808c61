//! The faulty disk's calls: counted, failing as planned, recorded.

use super::*;
use leveret_store::disk::faulty::{Change, Fault, FaultyDisk, Plan, Platter, Survival};
use rustix::io::Errno;
use std::sync::atomic::{AtomicU64, Ordering};

/// Number of the call and of its error.
type Failed = &'static [(u64, i32)];

/// Every kind of call once: 1 create, 2 write, 3 sync, 4 sync_names, 5 read, 6 set_len, 7 rename, 8 remove. Who failed, how.
fn one_of_each(disk: &FaultyDisk) -> Vec<(u64, i32)> {
    let file = match disk.open("old") {
        Ok(file) => file,
        Err(_) => disk.platter().names().is_empty().then(|| create(disk, "old")).unwrap(),
    };
    let begin = disk.calls();
    let calls: [&dyn Fn() -> std::io::Result<()>; 8] = [
        &|| disk.create("new").map(drop),
        &|| file.write_at(0, &[IoSlice::new(b"abcdef")]).map(drop),
        &|| file.sync(),
        &|| disk.sync_names(),
        &|| file.read_at(0, &mut [0]).map(drop),
        &|| file.set_len(20),
        &|| disk.rename("old", "other"),
        &|| disk.remove("other"),
    ];
    let mut failed = Vec::new();
    for call in calls {
        if let Err(error) = call() {
            failed.push((disk.calls() - begin, error.raw_os_error().unwrap_or_default()));
        }
    }
    failed
}

const IO: i32 = 5;
const FULL: i32 = 28;

#[test]
fn each_fault_hits_its_calls_from_its_number_on() {
    let table: [(Fault, u64, bool, Failed); 10] = [
        (Fault::NoSpace, 1, true, &[(1, FULL), (2, FULL), (6, FULL)]),
        (Fault::NoSpace, 2, true, &[(2, FULL), (6, FULL)]),
        (Fault::NoSpace, 3, false, &[(6, FULL)]),
        (Fault::WriteError, 2, false, &[(2, IO)]),
        (Fault::SyncError, 1, true, &[(3, IO), (4, IO)]),
        (Fault::SyncError, 4, false, &[(4, IO)]),
        (Fault::ReadError, 1, true, &[(5, IO)]),
        (Fault::ShortWrite, 1, true, &[]),
        (Fault::SyncError, 5, true, &[]),
        // After the cut nothing is found either: opening by name does not count.
        (Fault::PowerCut, 6, false, &[(6, IO), (6, IO), (6, IO)]),
    ];
    for (fault, at, stays, expected) in table {
        let disk = FaultyDisk::new();
        create(&disk, "old");
        let begin = disk.calls();
        disk.plan(Plan { fault, at: begin + at, stays });
        assert_eq!(one_of_each(&disk), expected, "{fault:?} at {at}, stays: {stays}");
    }
}

#[test]
fn a_short_write_says_how_much_it_wrote() {
    let disk = FaultyDisk::new();
    let file = create(&disk, "a");
    disk.plan(Plan { fault: Fault::ShortWrite, at: 0, stays: true });
    let mut written = 0;
    let mut calls = 0;
    while written < 100 {
        let more = file.write_at(written as u64, &[IoSlice::new(&[7; 100][written..])]).unwrap();
        assert!(more > 0);
        written += more;
        calls += 1;
    }
    assert!(calls > 3);
    assert_eq!((disk.suffered(), disk.first_suffered()), (calls, Some(2)));
    assert_eq!(contents(&disk, "a").unwrap(), [7; 100]);
}

#[test]
fn space_runs_out_and_returns() {
    let disk = FaultyDisk::new();
    let file = create(&disk, "a");
    disk.set_space(Some(10));
    assert_eq!(file.write_at(0, &[IoSlice::new(&[1; 8])]).unwrap(), 8);
    assert_eq!(disk.free_bytes(), Some(2));
    assert_eq!(file.write_at(8, &[IoSlice::new(&[2; 8])]).unwrap(), 2, "what fits is written");
    assert_eq!(
        file.write_at(10, &[IoSlice::new(&[2; 8])]).unwrap_err().raw_os_error(),
        Some(Errno::NOSPC.raw_os_error())
    );
    assert_eq!(file.write_at(0, &[IoSlice::new(&[3; 10])]).unwrap(), 10, "what is there may be overwritten");
    assert!(disk.create("b").is_err() && file.set_len(11).is_err());
    file.set_len(4).unwrap();
    create(&disk, "b");
    disk.set_space(None);
    assert_eq!(file.write_at(4, &[IoSlice::new(&[4; 100])]).unwrap(), 100);
}

#[test]
fn the_power_stays_off_and_what_was_on_its_way_may_have_arrived() {
    let disk = FaultyDisk::new();
    let file = create(&disk, "a");
    disk.sync_names().unwrap();
    disk.plan(Plan { fault: Fault::PowerCut, at: disk.calls() + 1, stays: false });
    assert!(file.write_at(0, &[IoSlice::new(b"late")]).is_err());
    assert!(disk.open("a").is_err() && disk.list().is_err() && file.sync().is_err() && file.len().is_err());
    assert_eq!(contents(&disk.survivor(1, Survival::Everything), "a").unwrap(), b"late");
    assert_eq!(contents(&disk.survivor(1, Survival::Nothing), "a").unwrap(), b"");
}

#[test]
fn a_record_leads_to_the_same_platter() {
    let disk = FaultyDisk::new();
    let before = disk.platter();
    let known = Arc::new(AtomicU64::new(1));
    disk.record({
        let known = known.clone();
        move || known.load(Ordering::Relaxed)
    });
    let file = create(&disk, "a");
    write(&*file, 0, b"abc");
    let _ = file.read_at(0, &mut [0; 2]);
    known.store(2, Ordering::Relaxed);
    file.sync().unwrap();
    disk.rename("a", "b").unwrap();
    let recorded = disk.recorded();
    let calls: Vec<(u64, u64)> = recorded.iter().map(|one| (one.call, one.known)).collect();
    assert_eq!(calls, [(1, 1), (2, 1), (4, 2), (5, 2)], "reading changes nothing");
    assert!(matches!(&recorded[1].change, Change::Write { offset: 0, bytes, .. } if **bytes == *b"abc"));
    let mut platter: Platter = before;
    for one in &recorded {
        platter.apply(&one.change);
    }
    for seed in 0..20 {
        for mode in Survival::ALL {
            let (one, other) = (FaultyDisk::with(platter.survivor(seed, mode)), disk.survivor(seed, mode));
            assert_eq!(names(&one), names(&other));
            for name in names(&one) {
                assert_eq!(contents(&one, &name), contents(&other, &name));
            }
        }
    }
}
