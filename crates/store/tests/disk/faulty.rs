//! What outlives a power cut on the faulty disk: everything that may, and nothing that may not.

use super::*;
use leveret_store::disk::faulty::{Fault, FaultyDisk, Plan, Survival};
use std::collections::BTreeSet;

const SECTOR: usize = 512;

/// All contents a file may have after a cut, over many seeds.
fn outcomes(disk: &FaultyDisk, name: &str, mode: Survival) -> BTreeSet<Option<Vec<u8>>> {
    (0..2000).map(|seed| contents(&disk.survivor(seed, mode), name)).collect()
}

fn one_file(disk: &FaultyDisk, bytes: &[u8]) -> Arc<dyn DiskFile> {
    let file = create(disk, "a");
    write(&*file, 0, bytes);
    file.sync().unwrap();
    disk.sync_names().unwrap();
    file
}

#[test]
fn synced_bytes_stay() {
    let disk = FaultyDisk::new();
    one_file(&disk, b"abc");
    assert!(!disk.platter().uncertain());
    for mode in Survival::ALL {
        assert_eq!(outcomes(&disk, "a", mode), [Some(b"abc".to_vec())].into(), "{mode:?}");
    }
}

#[test]
fn writes_since_the_last_sync_survive_in_any_combination() {
    let disk = FaultyDisk::new();
    let file = one_file(&disk, b"---");
    for (at, byte) in [b"1", b"2", b"3"].into_iter().enumerate() {
        write(&*file, at as u64, byte);
    }
    let some = |all: &[&str]| all.iter().map(|text| Some(text.as_bytes().to_vec())).collect::<BTreeSet<_>>();
    assert!(disk.platter().uncertain());
    assert_eq!(outcomes(&disk, "a", Survival::Nothing), some(&["---"]));
    assert_eq!(outcomes(&disk, "a", Survival::Everything), some(&["123"]));
    assert_eq!(outcomes(&disk, "a", Survival::Prefix), some(&["---", "1--", "12-", "123"]));
    let any = some(&["---", "1--", "-2-", "--3", "12-", "1-3", "-23", "123"]);
    assert_eq!(outcomes(&disk, "a", Survival::Some), any);
    file.sync().unwrap();
    assert_eq!(outcomes(&disk, "a", Survival::Torn), some(&["123"]));
}

#[test]
fn a_torn_write_is_torn_between_sectors() {
    let disk = FaultyDisk::new();
    let file = one_file(&disk, &[b'-'; 4 * SECTOR]);
    // From the middle of sector 1 to behind the old end.
    write(&*file, (SECTOR + 100) as u64, &[b'#'; 4 * SECTOR]);
    let mut seen = BTreeSet::new();
    for bytes in outcomes(&disk, "a", Survival::Torn) {
        let bytes = bytes.unwrap();
        let mut arrived = Vec::new();
        for sector in 1..6 {
            let from = if sector == 1 { SECTOR + 100 } else { sector * SECTOR };
            let to = if sector == 5 { 5 * SECTOR + 100 } else { (sector + 1) * SECTOR };
            let piece = &bytes[from.min(bytes.len())..to.min(bytes.len())];
            arrived.push(piece.contains(&b'#'));
            assert!(
                piece.iter().all(|byte| *byte == b'#') || !piece.contains(&b'#'),
                "sector {sector} arrived in part"
            );
            assert!(sector < 4 || piece.iter().all(|byte| *byte != b'-'));
        }
        assert!(bytes[..SECTOR + 100].iter().all(|byte| *byte == b'-'));
        seen.insert(arrived);
    }
    assert_eq!(seen.len(), 32, "every combination of five sectors");
}

#[test]
fn lengths_may_be_lost() {
    let disk = FaultyDisk::new();
    let file = one_file(&disk, b"abcdef");
    file.set_len(2).unwrap();
    let lens: BTreeSet<usize> =
        outcomes(&disk, "a", Survival::Some).into_iter().flatten().map(|b| b.len()).collect();
    assert_eq!(lens, [2, 6].into());
}

#[test]
fn names_last_after_they_were_synced_and_not_before() {
    let disk = FaultyDisk::new();
    let file = one_file(&disk, b"old");
    let new = create(&disk, "new");
    write(&*new, 0, b"new");
    new.sync().unwrap();
    assert_eq!(
        outcomes(&disk, "new", Survival::Nothing),
        [None].into(),
        "its bytes are stored, its name is not"
    );
    disk.rename("new", "a").unwrap();
    disk.rename("a", "b").unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..400 {
        let survivor = disk.survivor(seed, Survival::Some);
        let all = names(&survivor).into_iter().map(|name| {
            let bytes = contents(&survivor, &name).unwrap();
            format!("{name}={} ", String::from_utf8_lossy(&bytes))
        });
        seen.insert(all.collect::<String>());
    }
    let expected = ["a=old ", "a=old new=new ", "a=new ", "b=new "];
    assert_eq!(seen, expected.map(ToString::to_string).into());
    disk.sync_names().unwrap();
    assert_eq!(names(&disk.survivor(1, Survival::Nothing)), ["b"]);
    disk.remove("b").unwrap();
    let left: BTreeSet<usize> =
        (0..50).map(|seed| names(&disk.survivor(seed, Survival::Torn)).len()).collect();
    assert_eq!(left, [0, 1].into());
    drop(file);
}

#[test]
fn what_a_failed_sync_should_have_stored_no_later_one_stores() {
    let disk = FaultyDisk::new();
    let file = one_file(&disk, b"----");
    write(&*file, 0, b"12");
    disk.plan(Plan { fault: Fault::SyncError, at: 0, stays: false });
    assert!(file.sync().is_err());
    file.sync().unwrap();
    assert_eq!(contents(&disk, "a").unwrap(), b"12--", "programs still read it");
    assert_eq!(outcomes(&disk, "a", Survival::Nothing), [Some(b"----".to_vec())].into());
    // What comes after it is stored as ever, on top of what may be there.
    write(&*file, 1, b"34");
    file.sync().unwrap();
    assert_eq!(outcomes(&disk, "a", Survival::Some), [Some(b"134-".to_vec()), Some(b"-34-".to_vec())].into());
}

#[test]
fn the_same_seed_finds_the_same_disk() {
    let disk = FaultyDisk::new();
    let file = one_file(&disk, &[0; 9 * SECTOR]);
    write(&*file, 7, &[1; 6 * SECTOR]);
    for seed in 0..50 {
        let twice = [(); 2].map(|()| contents(&disk.survivor(seed, Survival::Torn), "a"));
        assert_eq!(twice[0], twice[1], "seed {seed}");
    }
}
