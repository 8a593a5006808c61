//! All three do the same as long as nothing fails, and each what only it can.

use super::*;
use leveret_store::disk::faulty::FaultyDisk;
use leveret_store::disk::{MemoryDisk, RealDisk};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;

fn each(check: impl Fn(&dyn Disk)) {
    let folder = tempfile::tempdir().unwrap();
    check(&RealDisk::open(folder.path().join("data")).unwrap());
    check(&MemoryDisk::new());
    check(&FaultyDisk::new());
}

#[test]
fn what_is_written_is_read() {
    each(|disk| {
        let file = create(disk, "a");
        let parts = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(file.write_at(5, &parts).unwrap(), 7);
        assert_eq!(contents(disk, "a").unwrap(), b"\0\0\0\0\0one two", "{disk:?}");
        write(&*file, 9, b"2 and three");
        file.sync().unwrap();
        disk.sync_names().unwrap();
        assert_eq!(contents(disk, "a").unwrap(), b"\0\0\0\0\0one 2 and three");
        assert_eq!(file.read_at(20, &mut [0; 8]).unwrap(), 0);
        assert_eq!(file.read_at(2000, &mut [0; 8]).unwrap(), 0);
        file.set_len(7).unwrap();
        file.set_len(9).unwrap();
        assert_eq!(contents(disk, "a").unwrap(), b"\0\0\0\0\0on\0\0");
        assert_eq!(file.len().unwrap(), 9);
    });
}

#[test]
fn names_change_and_open_files_stay() {
    each(|disk| {
        let a = create(disk, "a");
        write(&*a, 0, b"a");
        write(&*create(disk, "b"), 0, b"b");
        assert_eq!(disk.create("a").unwrap_err().kind(), ErrorKind::AlreadyExists, "{disk:?}");
        disk.rename("a", "b").unwrap();
        assert_eq!(names(disk), ["b"]);
        write(&*a, 1, b"!");
        assert_eq!(contents(disk, "b").unwrap(), b"a!");
        disk.remove("b").unwrap();
        write(&*a, 2, b"?");
        assert_eq!(a.len().unwrap(), 3);
        assert!(names(disk).is_empty());
        for error in
            [disk.open("b").unwrap_err(), disk.remove("b").unwrap_err(), disk.rename("b", "c").unwrap_err()]
        {
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
    });
}

#[test]
fn more_parts_than_the_kernel_takes_are_written_in_several_calls() {
    each(|disk| {
        let bytes: Vec<u8> = (0..5000u32).map(|n| n as u8).collect();
        let parts: Vec<IoSlice<'_>> = bytes.chunks(1).map(IoSlice::new).collect();
        let file = create(disk, "a");
        let mut written = 0;
        while written < parts.len() {
            written += file.write_at(written as u64, &parts[written..]).unwrap();
        }
        assert_eq!(contents(disk, "a").unwrap(), bytes);
    });
}

#[test]
fn real_files_are_their_owners_and_stay_in_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/data");
    let disk = RealDisk::open(&path).unwrap();
    create(&disk, "a");
    assert_eq!(std::fs::metadata(path.join("a")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(disk.free_bytes().unwrap() > 0);
    for name in ["../a", "", ".", "..", "/tmp/a"] {
        assert!(
            disk.create(name).is_err() && disk.open(name).is_err() && disk.rename("a", name).is_err(),
            "{name}"
        );
    }
    std::fs::create_dir(path.join("folder")).unwrap();
    assert_eq!(names(&disk), ["a"]);
    std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    assert!(disk.open("a").is_ok());
    assert!(RealDisk::open(folder.path().join("elsewhere/a")).is_err(), "a file is no folder");
}
