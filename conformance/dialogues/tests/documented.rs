//! `docs/compatibility.md` names every dialogue and every difference, and none that is not there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn document() -> io::Result<String> {
    fs::read_to_string(root().join("../../docs/compatibility.md"))
}

/// Every test file with its name as the document writes it, such as `queue/declare`.
fn sources() -> io::Result<Vec<(String, String)>> {
    let mut folders = vec![root().join("tests")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root().join("tests")).unwrap_or(&path).with_extension("");
            let name = name.to_string_lossy().into_owned();
            if name != "documented" {
                found.push((name, fs::read_to_string(path)?));
            }
        }
    }
    Ok(found)
}

#[test]
fn every_dialogue_is_in_the_document() {
    let mut written = BTreeSet::new();
    for (file, source) in sources().unwrap() {
        for test in source.split("#[test]\nfn ").skip(1) {
            written.insert(format!("{file}::{}", test.split('(').next().unwrap()));
        }
    }
    let document = document().unwrap();
    let cited: BTreeSet<_> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.contains("::"))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = written.difference(&cited).collect();
    let gone: Vec<_> = cited.difference(&written).collect();
    assert!(missing.is_empty(), "not in docs/compatibility.md: {missing:#?}");
    assert!(gone.is_empty(), "in docs/compatibility.md, but no dialogue: {gone:#?}");
}

#[test]
fn every_difference_is_in_the_document() {
    let document = document().unwrap();
    for (file, source) in sources().unwrap() {
        for call in source.split("differs(").skip(1) {
            let reason = call.split('"').nth(1).unwrap();
            assert!(document.contains(reason), "{file}: docs/compatibility.md does not say: {reason}");
        }
    }
}
