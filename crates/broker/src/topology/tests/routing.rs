//! Who gets a message.

use super::*;

#[test]
fn the_default_exchange_leads_to_the_queue_of_that_name() {
    let t = topology(&["q", "q2"], &[]);
    assert_eq!(route_with(&t, "", "q", &[]), Ok((vec!["q".into()], true)));
    assert_eq!(route_with(&t, "", "missing", &[]), Ok((vec![], true)));
}

#[test]
fn each_queue_gets_a_message_once() {
    let mut t = topology(&["q"], &[("t", ExchangeKind::Topic), ("f", ExchangeKind::Fanout)]);
    for key in ["a.*", "*.b", "#", "a.b"] {
        bind(&mut t, "t", queue("q"), key);
    }
    bind(&mut t, "t", exchange("f"), "#");
    bind(&mut t, "f", queue("q"), "");
    assert_eq!(route(&t, "t", "a.b"), ["q"]);
}

#[test]
fn a_message_goes_round_a_circle_once() {
    let kinds = ["a", "b", "c"].map(|name| (name, ExchangeKind::Fanout));
    let mut t = topology(&["qa", "qb", "qc"], &kinds);
    for (source, destination) in [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a"), ("c", "b")] {
        bind(&mut t, source, exchange(destination), "");
    }
    for name in ["a", "b", "c"] {
        bind(&mut t, name, queue(&format!("q{name}")), "");
    }
    for name in ["a", "b", "c"] {
        assert_eq!(route_with(&t, name, "", &[]), Ok((vec!["qa".into(), "qb".into(), "qc".into()], true)));
    }
}

/// Every exchange is visited once even when there are many of them.
#[test]
fn a_thousand_exchanges_that_lead_to_each_other_end() {
    let mut t = topology(&["q"], &[]);
    let names: Vec<_> = (0..1000).map(|number| format!("x{number}")).collect();
    for name in &names {
        t.declare_exchange(ExchangeSpec::new(name.as_str(), ExchangeKind::Fanout)).unwrap();
    }
    for number in 0..1000 {
        for step in [1, 7, 500, 999] {
            bind(&mut t, &names[number], exchange(&names[(number + step) % 1000]), "");
        }
        bind(&mut t, &names[number], queue("q"), "");
    }
    assert_eq!(route(&t, "x0", ""), ["q"]);
}

fn with_alternate(name: &str, kind: ExchangeKind, alternate: &str) -> ExchangeSpec {
    let arguments = FieldTable::from([("alternate-exchange", alternate)]);
    ExchangeSpec { arguments, ..ExchangeSpec::new(name, kind) }
}

/// As RabbitMQ 3.10.8 delivered.
#[test]
fn an_alternate_exchange_gets_what_matches_nothing() {
    let mut t = topology(&["q"], &[("ae", ExchangeKind::Fanout), ("nowhere", ExchangeKind::Fanout)]);
    bind(&mut t, "ae", queue("q"), "");
    t.declare_exchange(with_alternate("src", ExchangeKind::Direct, "ae")).unwrap();
    bind(&mut t, "src", exchange("nowhere"), "k");
    // Another exchange is a match, wherever that leads.
    assert_eq!(route_with(&t, "src", "k", &[]), Ok((vec![], true)));
    assert_eq!(route_with(&t, "src", "z", &[]), Ok((vec!["q".into()], true)));
    // One alternate exchange after the other.
    t.declare_exchange(with_alternate("src2", ExchangeKind::Direct, "src")).unwrap();
    assert_eq!(route(&t, "src2", "z"), ["q"]);
    assert_eq!(route(&t, "src2", "k"), [""; 0]);
    // Of an exchange further on, too.
    t.declare_exchange(with_alternate("inner", ExchangeKind::Direct, "ae")).unwrap();
    bind(&mut t, "src", exchange("inner"), "i");
    assert_eq!(route(&t, "src", "i"), ["q"]);
    // It need not exist, may be the exchange itself, and the default exchange leads nowhere from here.
    for (name, alternate) in [("a1", "missing"), ("a2", "a2"), ("a3", "")] {
        t.declare_exchange(with_alternate(name, ExchangeKind::Direct, alternate)).unwrap();
        assert_eq!(route(&t, name, "q"), [""; 0]);
    }
    // One that comes into being later is found.
    let epoch = t.epoch();
    t.declare_exchange(ExchangeSpec::new("missing", ExchangeKind::Fanout)).unwrap();
    assert_ne!(t.epoch(), epoch);
    bind(&mut t, "missing", queue("q"), "");
    assert_eq!(route(&t, "a1", "q"), ["q"]);
}

/// As RabbitMQ 3.10.8 delivered.
#[test]
fn senders_may_name_further_routing_keys() {
    let mut t = topology(&["q1", "q2"], &[("d", ExchangeKind::Direct), ("t", ExchangeKind::Topic)]);
    for source in ["d", "t"] {
        bind(&mut t, source, queue("q1"), "k1");
        bind(&mut t, source, queue("q2"), "k2");
        bind(&mut t, source, queue("q2"), "k1");
    }
    let array = |keys: &[&str]| FieldValue::Array(keys.iter().map(|key| (*key).into()).collect());
    let long = "x".repeat(300);
    for (headers, expected) in [
        (vec![("CC", array(&["k2"]))], &["q2"][..]),
        (vec![("BCC", array(&["k2"]))], &["q2"]),
        (vec![("CC", array(&["k1", "k1"]))], &["q1", "q2"]),
        (vec![("CC", array(&["zz"])), ("BCC", array(&["k1"]))], &["q1", "q2"]),
        (vec![("CC", FieldValue::Array(vec![5_i32.into(), "k1".into()]))], &["q1", "q2"]),
        (vec![("CC", FieldValue::Array(vec![FieldValue::ByteArray(b"k1".to_vec())]))], &[]),
        (vec![("CC", array(&["k2", &long]))], &["q2"]),
        (vec![("cc", array(&["k1"]))], &[]),
        (vec![("cc", 5_i32.into())], &[]),
    ] {
        let selects = headers.iter().any(|(name, _)| *name != "cc");
        for source in ["d", "t"] {
            let found = route_with(&t, source, "zzz", &headers).unwrap();
            assert_eq!(found, (expected.iter().map(|name| name.to_string()).collect(), !selects));
        }
        let properties = with_headers(&headers);
        assert_eq!(publication("d", "k", &properties).has_sender_selected_keys(), selects);
    }
    let copies = [("CC", array(&["q1", "q2", "q2"]))];
    assert_eq!(route_with(&t, "", "q2", &copies), Ok((vec!["q1".into(), "q2".into()], false)));
    assert!(!publication("d", "k", &[0, 0]).has_sender_selected_keys());
}

#[test]
fn routes_that_depend_on_headers_are_not_cached() {
    let mut t = topology(&["q"], &[("h", ExchangeKind::Headers), ("d", ExchangeKind::Direct)]);
    t.bind("h", queue("q"), b"", FieldTable::from([("a", 1)])).unwrap();
    bind(&mut t, "d", exchange("h"), "k");
    let headers = [("a", FieldValue::I32(1))];
    assert_eq!(route_with(&t, "d", "k", &headers), Ok((vec!["q".into()], false)));
    assert_eq!(route_with(&t, "d", "k", &[]), Ok((vec![], false)));
    assert_eq!(route_with(&t, "d", "z", &[]), Ok((vec![], true)));
    let spec = ExchangeSpec {
        arguments: FieldTable::from([("hash-header", "h")]),
        ..ExchangeSpec::new("ch", ExchangeKind::ConsistentHash)
    };
    t.declare_exchange(spec).unwrap();
    t.declare_exchange(ExchangeSpec::new("ck", ExchangeKind::ConsistentHash)).unwrap();
    for (source, cacheable) in [("ch", false), ("ck", true)] {
        bind(&mut t, source, queue("q"), "1");
        assert_eq!(route_with(&t, source, "k", &[]), Ok((vec!["q".into()], cacheable)));
    }
}

#[test]
fn binding_keys_and_arguments_tell_bindings_apart() {
    let mut t = topology(&["q"], &[("h", ExchangeKind::Headers)]);
    let tables = [
        FieldTable::new(),
        FieldTable::from([("a", 1_i32), ("b", 2)]),
        FieldTable::from([("a", FieldValue::I64(1)), ("b", 2_i32.into())]),
    ];
    for table in &tables {
        assert_eq!(t.bind("h", queue("q"), b"k", table.clone()), Ok(true));
        assert_eq!(t.bind("h", queue("q"), b"k", table.clone()), Ok(false));
    }
    // The order of arguments does not matter.
    let turned = FieldTable::from([("b", 2_i32), ("a", 1)]);
    assert_eq!(t.bind("h", queue("q"), b"k", turned.clone()), Ok(false));
    assert!(t.unbind("h", &queue("q"), b"k", &turned).unwrap().is_some());
    assert!(t.unbind("h", &queue("q"), b"other", &tables[2]).unwrap().is_none());
    assert_eq!(t.bindings_from("h").count(), 2);
    // Its like with another integer type still leads there.
    t.unbind("h", &queue("q"), b"k", &tables[0]).unwrap();
    let headers = [("a", 1_i32.into()), ("b", 2_i32.into())];
    assert_eq!(route_with(&t, "h", "", &headers).unwrap().0, ["q"]);
}
