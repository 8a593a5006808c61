//! `ours.txt` is what there is: every name on it is a test, and every test that knows the test broker alone is on it.

use std::fs;
use std::path::Path;

#[test]
fn what_is_asked_of_ours_alone_is_listed_with_a_reason() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let list: Vec<(&str, &str)> = include_str!("ours.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').unwrap_or_else(|| panic!("no tab: {line}")))
        .collect();
    assert!(list.iter().all(|(_, reason)| !reason.is_empty()), "{list:?}");
    let mut known = Vec::new();
    for file in fs::read_dir(&here).unwrap().map(|file| file.unwrap().path()) {
        let Some(module) = file.file_name().unwrap().to_str().unwrap().strip_suffix(".rs") else { continue };
        let source = fs::read_to_string(&file).unwrap();
        let anywhere = !source.contains("use leveret::test::");
        for test in source.split("#[tokio::test]\nasync fn ").skip(1) {
            let name = format!("{module}::{}", test.split('(').next().unwrap());
            let listed = list.iter().any(|(listed, _)| *listed == name);
            assert!(
                anywhere || listed,
                "{name} is asked of the test broker alone: it has to stand in ours.txt"
            );
            known.push(name);
        }
    }
    for (name, _) in list {
        assert!(known.iter().any(|test| test == name), "ours.txt: there is no test {name}");
    }
}
