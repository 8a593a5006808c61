use std::iter;

use super::*;

fn router(arguments: &FieldTable) -> ConsistentHashRouter {
    ConsistentHashRouter::new(arguments, "x", "/").unwrap()
}

fn bound(weights: &[(u32, &str)]) -> ConsistentHashRouter {
    let mut router = router(&FieldTable::new());
    for (queue, weight) in weights {
        router.bind(weight.as_bytes(), Target::queue(*queue), &format!("queue-{queue}"));
    }
    router
}

fn route(router: &ConsistentHashRouter, key: &str) -> Option<Target> {
    let mut found = None;
    router.route(key.as_bytes(), RawProperties::EMPTY, &mut |target| {
        assert_eq!(found.replace(target), None, "one target only");
    });
    found
}

const KEYS: u32 = 20_000;

fn destinations(router: &ConsistentHashRouter) -> Vec<Option<Target>> {
    (0..KEYS).map(|key| route(router, &format!("key.{key}"))).collect()
}

#[test]
fn shares_are_in_proportion_to_weights() {
    let weights = [(1, "1"), (2, "1"), (3, "2"), (4, "4")];
    let found = destinations(&bound(&weights));
    for (queue, weight) in weights {
        let share = found.iter().filter(|target| **target == Some(Target::queue(queue))).count() as f64;
        let expected = f64::from(KEYS) * weight.parse::<f64>().unwrap() / 8.0;
        // Five standard deviations of a binomial distribution.
        let allowed = 5.0 * (expected * (1.0 - expected / f64::from(KEYS))).sqrt();
        assert!(
            (share - expected).abs() < allowed,
            "queue {queue}: {share}, expected {expected} ± {allowed}"
        );
    }
}

#[test]
fn only_what_has_to_move_moves() {
    let weights: Vec<_> = (0..10).map(|queue| (queue, if queue % 2 == 0 { "1" } else { "3" })).collect();
    let mut router = bound(&weights);
    let before = destinations(&router);
    router.bind(b"2", Target::queue(10), "queue-10");
    let with_new = destinations(&router);
    let moved = iter::zip(&before, &with_new).filter(|(before, after)| before != after).count();
    for (before, after) in iter::zip(&before, &with_new) {
        assert!(before == after || *after == Some(Target::queue(10)));
    }
    // 2 of 22.
    assert!((1400..2300).contains(&moved), "{moved} moved");
    router.unbind(b"2", Target::queue(10), "queue-10");
    assert_eq!(destinations(&router), before);
    router.unbind(b"3", Target::queue(3), "queue-3");
    for (before, after) in iter::zip(&before, destinations(&router)) {
        assert!(*before == after || *before == Some(Target::queue(3)));
    }
}

#[test]
fn the_history_of_bindings_does_not_matter() {
    let forwards = bound(&[(1, "1"), (2, "5"), (3, "1")]);
    let mut backwards = bound(&[(4, "1"), (3, "1"), (2, "5"), (1, "1")]);
    backwards.unbind(b"1", Target::queue(4), "queue-4");
    assert_eq!(destinations(&forwards), destinations(&backwards));
}

/// The same in every version, so that a restart or an upgrade moves nothing.
#[test]
fn destinations_stay_the_same_for_ever() {
    let router = bound(&[(1, "1"), (2, "2"), (3, "1")]);
    let found: Vec<_> = (0..12).filter_map(|key| route(&router, &format!("key.{key}"))).collect();
    let expected = EXPECTED.map(Target::queue);
    assert_eq!(found, expected);
}

const EXPECTED: [u32; 12] = [1, 2, 2, 1, 2, 3, 2, 1, 2, 1, 2, 3];

#[test]
fn the_oldest_binding_of_a_destination_counts() {
    let (one, two) = (Target::queue(1), Target::queue(2));
    let mut router = bound(&[(1, "1"), (2, "1")]);
    let even = destinations(&router);
    router.bind(b"1000000", one, "queue-1");
    assert_eq!(destinations(&router), even);
    router.unbind(b"1", one, "queue-1");
    let share = destinations(&router).iter().filter(|target| **target == Some(two)).count();
    assert!(share < 5, "{share}");
    router.unbind(b"1000000", one, "queue-1");
    assert_eq!(route(&router, "any"), Some(two));
    router.unbind(b"1", two, "queue-2");
    assert_eq!(route(&router, "any"), None);
}

#[test]
fn a_queue_and_an_exchange_of_one_name_share_evenly() {
    let mut router = router(&FieldTable::new());
    for target in [Target::queue(1), Target::exchange(1)] {
        router.bind(b"1", target, "name");
    }
    let queue =
        destinations(&router).iter().filter(|target| **target == Some(Target::queue(1))).count() as u32;
    assert!((KEYS / 2 - 500..KEYS / 2 + 500).contains(&queue), "{queue}");
}

/// RabbitMQ's texts, and what it takes.
#[test]
fn weights_are_numbers_above_zero() {
    for (key, expected) in [
        ("1", Ok(1)),
        ("+3", Ok(3)),
        ("01", Ok(1)),
        ("100000", Ok(100_000)),
        ("99999999999999999999999", Ok(u64::MAX)),
        ("0", Err("The binding key must be greater than 0")),
        ("-1", Err("The binding key must be greater than 0")),
        ("-0", Err("The binding key must be greater than 0")),
        ("", Err("The binding key must be an integer: <<>>")),
        ("abc", Err("The binding key must be an integer: <<\"abc\">>")),
        ("1.5", Err("The binding key must be an integer: <<\"1.5\">>")),
        (" 1", Err("The binding key must be an integer: <<\" 1\">>")),
        ("-", Err("The binding key must be an integer: <<\"-\">>")),
    ] {
        let found = weight(key.as_bytes()).map_err(|refusal| refusal.to_string());
        assert_eq!(found, expected.map_err(String::from), "{key:?}");
    }
}

/// RabbitMQ's texts; where it fails with 541 instead, one of ours.
#[test]
fn arguments_say_what_is_hashed() {
    let refused = |fields: &[(&str, FieldValue)]| {
        let arguments = fields.iter().cloned().collect();
        ConsistentHashRouter::new(&arguments, "x", "/").err().map(|refusal| refusal.to_string())
    };
    let (header, property) = ("hash-header", "hash-property");
    assert_eq!(refused(&[]), None);
    assert_eq!(refused(&[(header, "any".into())]), None);
    for known in ["message_id", "correlation_id", "timestamp"] {
        assert_eq!(refused(&[(property, known.into())]), None);
    }
    for (fields, told) in [
        (
            &[(header, "a".into()), (property, "message_id".into())][..],
            "hash-header and hash-property are mutually exclusive",
        ),
        (&[(property, "foo".into())], "Unsupported property: foo"),
        (&[(property, "app_id".into())], "Unsupported property: app_id"),
        (
            &[(property, 5_i32.into())],
            "invalid type 'signedint' for arg 'hash-property' in exchange 'x' in vhost '/'",
        ),
        (
            &[(header, 5_i32.into())],
            "invalid type 'signedint' for arg 'hash-header' in exchange 'x' in vhost '/'",
        ),
    ] {
        assert_eq!(refused(fields).as_deref(), Some(told));
    }
}

#[test]
fn headers_and_properties_are_hashed_when_asked_for() {
    let properties = |message_id: &str, header: i32| {
        let mut bytes = Vec::new();
        let properties = leveret_protocol::Properties {
            message_id: Some(message_id.into()),
            headers: Some(FieldTable::from([("h", header)])),
            ..Default::default()
        };
        properties.encode(&mut bytes);
        bytes
    };
    for (argument, value, by_id) in [("hash-property", "message_id", true), ("hash-header", "h", false)] {
        let mut router = router(&FieldTable::from([(argument, value)]));
        assert!(!router.hashes_routing_key());
        (0..8).for_each(|queue| router.bind(b"1", Target::queue(queue), &format!("queue-{queue}")));
        let route = |key: &str, id: &str, header: i32| {
            let mut found = None;
            let bytes = properties(id, header);
            let properties = RawProperties::parse(&bytes).unwrap();
            router.route(key.as_bytes(), properties, &mut |target| found = Some(target));
            found.unwrap()
        };
        let distinct =
            |targets: Vec<Target>| targets.into_iter().collect::<std::collections::HashSet<_>>().len();
        assert_eq!(distinct((0..50).map(|n| route(&n.to_string(), "id", 1)).collect()), 1);
        let ids = distinct((0..50).map(|n| route("key", &n.to_string(), 1)).collect());
        let headers = distinct((0..50).map(|n| route("key", "id", n)).collect());
        assert_eq!((ids > 1, headers > 1), (by_id, !by_id));
    }
}
