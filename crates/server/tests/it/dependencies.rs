//! docs/dependencies.md has a row for every dependency of the workspace, and for nothing else.

use std::collections::BTreeSet;
use std::fs;

#[test]
fn every_dependency_has_its_reason() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    let manifest: toml::Table = fs::read_to_string(format!("{root}Cargo.toml")).unwrap().parse().unwrap();
    let declared: BTreeSet<&str> = manifest["workspace"]["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|name| *name != "leveret" && !name.starts_with("leveret-"))
        .collect();
    let page = fs::read_to_string(format!("{root}docs/dependencies.md")).unwrap();
    let explained: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    let missing: Vec<_> = declared.difference(&explained).collect();
    let stale: Vec<_> = explained.difference(&declared).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "without a reason: {missing:?}; no longer used: {stale:?}"
    );
}
