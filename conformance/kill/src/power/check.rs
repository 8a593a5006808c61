//! Shows that a mounted disk forgets and keeps what it should, before anybody relies on it.

use super::{Loss, PowerDisk};
use crate::random::Random;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn expect(what: &str, found: &[u8], expected: &[u8]) -> io::Result<()> {
    if found == expected {
        return Ok(());
    }
    let show = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
    Err(io::Error::other(format!("{what}: '{}' instead of '{}'", show(found), show(expected))))
}

/// Goes over the promises of a disk, at an empty folder.
pub(crate) fn check(at: &Path) -> io::Result<()> {
    let disk = PowerDisk::mount(at, Random::new(1))?;
    let mut random = Random::new(2);
    let path = |name: &str| at.join(name);

    // Synced bytes under a synced name stay; bytes and names that were not synced go.
    create(&path("kept"), b"synced")?.sync_data()?;
    create(&path("empty"), b"not synced")?;
    sync_folder(at)?;
    create(&path("nameless"), b"synced")?.sync_all()?;
    let kept = OpenOptions::new().read(true).write(true).open(path("kept"))?;
    kept.write_all_at(b"SYNCED and more", 0)?;
    expect("before the failure", &fs::read(path("kept"))?, b"SYNCED and more")?;
    drop(kept);
    disk.lose(Loss::All, &mut random);
    expect("synced bytes", &fs::read(path("kept"))?, b"synced")?;
    expect("bytes that were not synced", &fs::read(path("empty"))?, b"")?;
    if path("nameless").exists() {
        return Err(io::Error::other("a name that was not synced is there"));
    }

    // A rename is there once the folder is synced, and undone when it was not.
    create(&path("new"), b"replaced")?.sync_all()?;
    fs::rename(path("new"), path("kept"))?;
    expect("after the rename", &fs::read(path("kept"))?, b"replaced")?;
    disk.lose(Loss::All, &mut random);
    expect("a rename that was not synced", &fs::read(path("kept"))?, b"synced")?;
    create(&path("new"), b"replaced")?.sync_all()?;
    fs::rename(path("new"), path("kept"))?;
    sync_folder(at)?;
    disk.lose(Loss::All, &mut random);
    expect("a rename that was synced", &fs::read(path("kept"))?, b"replaced")?;

    // Locks, lengths, folders and free space are as anywhere.
    let (one, two) = (File::open(path("kept"))?, File::open(path("kept"))?);
    flock(&one, FlockOperation::NonBlockingLockExclusive)?;
    if flock(&two, FlockOperation::NonBlockingLockExclusive).is_ok() {
        return Err(io::Error::other("two locks on one file"));
    }
    drop(one);
    flock(&two, FlockOperation::NonBlockingLockExclusive)?;
    let file = create(&path("long"), b"")?;
    file.set_len(200_000)?;
    file.write_all_at(&[9; 5000], 150_000)?;
    if file.metadata()?.len() != 200_000 || fs::read(path("long"))?[149_999..150_001] != [0, 9] {
        return Err(io::Error::other("a file that was grown and written to reads otherwise"));
    }
    fs::create_dir(path("folder"))?;
    create(&path("folder/inside"), b"1")?;
    let mut names: Vec<_> =
        fs::read_dir(at)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<_>>()?;
    names.sort();
    expect("names", format!("{names:?}").as_bytes(), br#"["empty", "folder", "kept", "long"]"#)?;
    let free = rustix::fs::statvfs(at)?;
    if free.f_bavail * free.f_frsize < 1 << 40 {
        return Err(io::Error::other("there should be plenty of space"));
    }
    // Torn or whole, a sector is old or new.
    file.write_all_at(&[1; 8192], 0)?;
    file.sync_all()?;
    sync_folder(at)?;
    file.write_all_at(&[2; 8192], 0)?;
    drop(file);
    disk.lose(Loss::Torn, &mut random);
    let bytes = fs::read(path("long"))?;
    let whole = |chunk: &[u8]| chunk.iter().all(|byte| *byte == chunk[0]) && (chunk[0] == 1 || chunk[0] == 2);
    if !bytes[..8192].chunks(512).all(whole) {
        return Err(io::Error::other("a sector that is neither old nor new"));
    }
    Ok(())
}
