//! `leveret store` on a folder that a broker left.

use std::process::Command;

fn store(what: &str, folder: &std::path::Path) -> (i32, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_leveret")).args(["store", what]).arg(folder).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

/// A folder with a queue of persistent messages, written by the library.
fn folder() -> tempfile::TempDir {
    use leveret_store::disk::RealDisk;
    use leveret_store::{Batch, Options, Store, Target, Urgency};
    let folder = tempfile::tempdir().unwrap();
    let disk = std::sync::Arc::new(RealDisk::open(folder.path()).unwrap());
    let (store, _) =
        Store::open(disk, Options { threads: false, ..Options::default() }, &mut |_| ()).unwrap();
    let mut batch = Batch::new();
    batch.put(b"key", b"value");
    for position in 1..=20 {
        let target = Target { queue: 7, lane: 0, position, expires_unix_ms: u64::MAX };
        batch.message(&[target], 5, b"hello", None);
        store.append(&mut batch, Urgency::Synced, None).unwrap();
        store.commit();
    }
    store.close();
    folder
}

#[test]
fn a_folder_is_checked_listed_and_summed_up() {
    let folder = folder();
    let (code, text) = store("check", folder.path());
    assert!(code == 0 && text.contains("20 messages") && text.contains("sound"), "{code} {text}");
    let (code, text) = store("dump", folder.path());
    assert!(
        code == 0 && text.lines().filter(|line| line.contains("message to 7.0@")).count() == 20,
        "{text}"
    );
    let (code, text) = store("stat", folder.path());
    assert!(code == 0 && text.contains("log-00000001"), "{text}");
    assert!(text.lines().any(|line| line.split_whitespace().eq(["7", "0", "20", "100"])), "{text}");
}

#[test]
fn damage_is_found_and_named() {
    let folder = folder();
    let path = folder.path().join("log-00000001");
    let mut bytes = std::fs::read(&path).unwrap();
    // In the first group, with others synced behind it: no torn tail.
    bytes[4096 + 120] ^= 0x55;
    std::fs::write(&path, bytes).unwrap();
    let (code, text) = store("check", folder.path());
    assert!(code == 1 && text.contains("damaged: 1 records of log-00000001"), "{code} {text}");
    std::fs::remove_file(&path).unwrap();
    let (code, text) = store("check", &folder.path().join("nowhere"));
    assert!(code == 1 && text.contains("nowhere"), "{code} {text}");
}
