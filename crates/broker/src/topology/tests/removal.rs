//! What goes with what.

use super::*;

fn names(removed: &Removed) -> Vec<String> {
    let mut names: Vec<_> = removed.exchanges.iter().map(|name| name.to_string()).collect();
    names.sort();
    names
}

fn auto_delete(topology: &mut Names, names: &[&str]) {
    for name in names {
        let spec = ExchangeSpec { auto_delete: true, ..ExchangeSpec::new(*name, ExchangeKind::Direct) };
        topology.declare_exchange(spec).unwrap();
    }
}

#[test]
fn bindings_are_listed_from_both_ends() {
    let mut t = topology(&["q", "q2"], &[("x", ExchangeKind::Direct)]);
    bind(&mut t, "x", queue("q"), "k");
    bind(&mut t, "x", queue("q"), "k2");
    bind(&mut t, "amq.fanout", exchange("x"), "");
    let row = |source: &str, destination: &str, key: &str| (source.into(), destination.into(), key.into());
    let default = [row("", "queue q", "q"), row("", "queue q2", "q2")];
    let from_x = [row("x", "queue q", "k"), row("x", "queue q", "k2")];
    let to_x = [row("amq.fanout", "exchange x", "")];
    assert_eq!(listed(t.bindings()), [&default[..], &to_x, &from_x].concat());
    assert_eq!(listed(t.bindings_from("")), default);
    assert_eq!(listed(t.bindings_from("x")), from_x);
    assert_eq!(listed(t.bindings_from("missing")), []);
    assert_eq!(listed(t.bindings_to(&queue("q"))), [&default[..1], &from_x].concat());
    assert_eq!(listed(t.bindings_to(&exchange("x"))), to_x);
    assert_eq!(listed(t.bindings_to(&exchange("q"))), []);
}

/// As RabbitMQ 3.10.8 does.
#[test]
fn auto_delete_exchanges_go_one_after_the_other() {
    let mut t = topology(&["q"], &[]);
    auto_delete(&mut t, &["a", "b", "c"]);
    bind(&mut t, "a", exchange("b"), "k");
    bind(&mut t, "b", exchange("c"), "k");
    bind(&mut t, "c", queue("q"), "k");
    bind(&mut t, "c", queue("q"), "k2");
    assert_eq!(names(&unbind(&mut t, "c", queue("q"), "k").unwrap()), [""; 0]);
    let removed = unbind(&mut t, "c", queue("q"), "k2").unwrap();
    assert_eq!(names(&removed), ["a", "b", "c"]);
    assert_eq!(removed.bindings.len(), 3);
    assert_eq!(t.exchange_count(), 7);
    assert_eq!(listed(t.bindings()).len(), 1);
}

#[test]
fn auto_delete_exchanges_go_with_their_last_queue() {
    let mut t = topology(&["q", "q2"], &[("stays", ExchangeKind::Direct)]);
    auto_delete(&mut t, &["a", "b"]);
    for (source, name) in [("a", "q"), ("b", "q"), ("b", "q2"), ("stays", "q")] {
        bind(&mut t, source, queue(name), "k");
    }
    let (handle, removed) = t.remove_queue("q").unwrap();
    assert_eq!((&*handle, names(&removed)), ("q", vec!["a".into()]));
    assert_eq!(removed.bindings.len(), 3);
    assert_eq!(t.queue("q"), None);
    assert_eq!(route(&t, "b", "k"), ["q2"]);
    // One that never had a binding stays.
    auto_delete(&mut t, &["c"]);
    assert!(unbind(&mut t, "c", queue("q2"), "k").is_none());
    assert!(t.exchange("c").is_some());
}

#[test]
fn deleting_an_exchange_removes_bindings_on_both_sides() {
    let mut t = topology(&["q"], &[("x", ExchangeKind::Direct), ("y", ExchangeKind::Fanout)]);
    auto_delete(&mut t, &["a"]);
    for (source, destination) in [
        ("a", exchange("x")),
        ("x", queue("q")),
        ("x", exchange("x")),
        ("x", exchange("y")),
        ("y", exchange("x")),
    ] {
        bind(&mut t, source, destination, "k");
    }
    let removed = t.delete_exchange("x", false).unwrap();
    assert_eq!(removed.exchanges, ["x".into(), "a".into()]);
    assert_eq!(removed.bindings.len(), 5);
    assert_eq!(listed(t.bindings()), [("".into(), "queue q".into(), "q".into())]);
    // Nothing of it comes back with the name.
    t.declare_exchange(ExchangeSpec::new("x", ExchangeKind::Fanout)).unwrap();
    assert_eq!(route(&t, "x", "k"), [""; 0]);
    assert_eq!(route(&t, "y", "k"), [""; 0]);
}

#[test]
fn a_queue_that_comes_again_has_no_bindings_and_one_that_stays_keeps_them() {
    let mut t = topology(&["q"], &[]);
    bind(&mut t, "amq.direct", queue("q"), "k");
    assert_eq!(t.insert_queue("q".into(), "other".into()), Some("q".into()));
    assert_eq!(route(&t, "amq.direct", "k"), ["other"]);
    t.remove_queue("q");
    t.insert_queue("q".into(), "new".into());
    assert_eq!(route(&t, "amq.direct", "k"), [""; 0]);
    assert_eq!(route(&t, "", "q"), ["new"]);
    assert_eq!(t.queue_count(), 1);
    assert_eq!(t.queues().map(|(name, handle)| (&**name, &**handle)).collect::<Vec<_>>(), [("q", "new")]);
}

#[test]
fn the_epoch_changes_with_every_change_and_no_other_call() {
    let mut t = topology(&["q"], &[("x", ExchangeKind::Direct)]);
    let mut last = t.epoch();
    let mut changed = |t: &Names| std::mem::replace(&mut last, t.epoch()) != t.epoch();
    bind(&mut t, "x", queue("q"), "k");
    assert!(changed(&t));
    bind(&mut t, "x", queue("q"), "k");
    t.declare_exchange(ExchangeSpec::new("x", ExchangeKind::Direct)).unwrap();
    unbind(&mut t, "x", queue("q"), "other");
    t.remove_queue("missing");
    t.delete_exchange("missing", false).unwrap();
    route(&t, "x", "k");
    assert!(!changed(&t));
    unbind(&mut t, "x", queue("q"), "k");
    assert!(changed(&t));
    t.insert_queue("q".into(), "q".into());
    assert!(changed(&t));
    t.remove_queue("q");
    assert!(changed(&t));
    t.delete_exchange("x", false).unwrap();
    assert!(changed(&t));
}
