use leveret_protocol::field_table::Decimal;
use leveret_protocol::{FieldValue, ReplyCode};
use proptest::prelude::*;

use super::*;

fn route(router: &HeadersRouter, headers: &FieldTable) -> Vec<Target> {
    let mut encoded = Vec::new();
    headers.encode(&mut encoded);
    let mut found = Vec::new();
    router.route(Some(RawTable::new(&encoded[4..])), &mut |target| found.push(target));
    found.sort_unstable();
    found.dedup();
    found
}

fn matches(arguments: &FieldTable, headers: &FieldTable) -> bool {
    let mut router = HeadersRouter::default();
    router.bind(arguments, Target::queue(0));
    !route(&router, headers).is_empty()
}

fn table(fields: &[(&str, i32)]) -> FieldTable {
    fields.iter().map(|(name, value)| (*name, *value)).collect()
}

/// What RabbitMQ 3.10.8 delivered: a value in the binding against a value in the header.
#[test]
fn values_are_equal_as_in_rabbitmq() {
    let decimal = FieldValue::Decimal(Decimal { scale: 0, value: 1 });
    let classes: Vec<Vec<FieldValue>> = vec![
        vec![
            1_i32.into(),
            1_i64.into(),
            1_i8.into(),
            1_u16.into(),
            1.0_f64.into(),
            1.0_f32.into(),
            FieldValue::Timestamp(1),
        ],
        vec!["1".into(), FieldValue::ByteArray(b"1".to_vec())],
        vec![true.into()],
        vec![false.into()],
        vec![0_i32.into(), (-0.0_f64).into()],
        vec![decimal],
        vec![1.5_f64.into(), 1.5_f32.into()],
        vec![FieldValue::Array(vec![1_i32.into()])],
        vec![FieldValue::Array(vec![1_i64.into()])],
        vec![table(&[("a", 1)]).into()],
        vec![FieldTable::from([("a", 1_i64)]).into()],
        vec!["".into()],
    ];
    let all: Vec<_> = classes
        .iter()
        .enumerate()
        .flat_map(|(class, values)| values.iter().map(move |value| (class, value)))
        .collect();
    for (bound_class, bound) in &all {
        for (class, value) in &all {
            let found = matches(
                &FieldTable::from([("k", (*bound).clone())]),
                &FieldTable::from([("k", (*value).clone())]),
            );
            assert_eq!(found, bound_class == class, "bound {bound:?}, header {value:?}");
        }
        let presence = FieldTable::from([("k", FieldValue::Void)]);
        assert!(matches(&presence, &FieldTable::from([("k", (*bound).clone())])));
        assert!(!matches(&presence, &FieldTable::from([("kk", (*bound).clone())])));
        // A header without value is there, and equal to nothing.
        assert!(!matches(&FieldTable::from([("k", (*bound).clone())]), &presence));
    }
}

/// What RabbitMQ 3.10.8 delivered.
#[test]
fn modes_match_as_in_rabbitmq() {
    let messages: [&[(&str, i32)]; 8] = [
        &[],
        &[("a", 1)],
        &[("a", 1), ("b", 2)],
        &[("b", 2)],
        &[("a", 2), ("b", 2)],
        &[("x-a", 1)],
        &[("x-a", 1), ("b", 2)],
        &[("x-a", 2), ("b", 2)],
    ];
    // Per binding: which of the messages for each mode.
    let always = "11111111";
    let never = "00000000";
    for (arguments, all, any, all_with_x, any_with_x) in [
        (&[][..], always, never, always, never),
        (&[("a", 1)], "01100000", "01100000", "01100000", "01100000"),
        (&[("a", 1), ("b", 2)], "00100000", "01111011", "00100000", "01111011"),
        (&[("x-a", 1)], always, never, "00000110", "00000110"),
        (&[("x-a", 1), ("b", 2)], "00111011", "00111011", "00000010", "00111111"),
    ] {
        for (mode, expected) in
            [("", all), ("all", all), ("any", any), ("all-with-x", all_with_x), ("any-with-x", any_with_x)]
        {
            let mut arguments = table(arguments);
            if !mode.is_empty() {
                arguments.insert("x-match", mode);
            }
            let found: String = messages
                .iter()
                .map(|headers| if matches(&arguments, &table(headers)) { '1' } else { '0' })
                .collect();
            assert_eq!(found, expected, "{arguments:?}");
        }
    }
}

#[test]
fn messages_without_headers_meet_what_asks_for_nothing() {
    let mut router = HeadersRouter::default();
    router.bind(&FieldTable::new(), Target::queue(0));
    router.bind(&table(&[("a", 1)]), Target::queue(1));
    let mut found = Vec::new();
    router.route(None, &mut |target| found.push(target));
    assert_eq!(found, [Target::queue(0)]);
}

/// RabbitMQ's texts.
#[test]
fn an_x_match_that_means_nothing_is_refused() {
    let expected = "expected all, any, all-with-x, or any-with-x";
    let inner = FieldValue::Array(vec![1_i32.into()]);
    for (mode, told) in [
        ("foo".into(), format!("Invalid x-match field value <<\"foo\">>; {expected}")),
        ("ANY".into(), format!("Invalid x-match field value <<\"ANY\">>; {expected}")),
        ("".into(), format!("Invalid x-match field value <<>>; {expected}")),
        ("é".into(), format!("Invalid x-match field value <<\"é\">>; {expected}")),
        (5_i32.into(), "Invalid x-match field type signedint (value 5); expected longstr".into()),
        (FieldValue::Void, "Invalid x-match field type void (value undefined); expected longstr".into()),
        (true.into(), "Invalid x-match field type bool (value true); expected longstr".into()),
        (
            FieldValue::ByteArray(b"all".to_vec()),
            "Invalid x-match field type binary (value <<\"all\">>); expected longstr".into(),
        ),
        (inner, "Invalid x-match field type array (value [{signedint,1}]); expected longstr".into()),
        (
            table(&[("a", 1)]).into(),
            "Invalid x-match field type table (value [{<<\"a\">>,signedint,1}]); expected longstr".into(),
        ),
    ] {
        let refusal = check_arguments(&FieldTable::from([("x-match", mode)])).unwrap_err();
        assert_eq!((refusal.code(), refusal.to_string()), (ReplyCode::PreconditionFailed, told));
    }
    for mode in ["all", "any", "all-with-x", "any-with-x"] {
        assert_eq!(check_arguments(&FieldTable::from([("x-match", mode)])), Ok(()));
    }
    assert_eq!(check_arguments(&FieldTable::new()), Ok(()));
}

fn fields() -> impl Strategy<Value = FieldTable> {
    let name = prop_oneof![Just("a"), Just("b"), Just("c"), Just("x-d")];
    let value = prop_oneof![
        (0..3_i32).prop_map(FieldValue::from),
        (0..3_i64).prop_map(FieldValue::from),
        Just(FieldValue::Void),
        Just("1".into())
    ];
    prop::collection::vec((name, value), 0..4).prop_map(|fields| {
        let mut table = FieldTable::new();
        for (name, value) in fields {
            table.insert(name, value);
        }
        table
    })
}

fn arguments() -> impl Strategy<Value = FieldTable> {
    let mode = prop_oneof![Just(None), Just(Some("any")), Just(Some("all-with-x")), Just(Some("any-with-x"))];
    (fields(), mode).prop_map(|(mut table, mode)| {
        if let Some(mode) = mode {
            table.insert("x-match", mode);
        }
        table
    })
}

/// RabbitMQ's rule over decoded tables, one binding at a time.
fn naive(arguments: &FieldTable, headers: &FieldTable) -> bool {
    let mode = arguments.get("x-match").and_then(FieldValue::as_str).unwrap_or("all");
    let mut conditions = arguments
        .iter()
        .filter_map(|(name, value)| Some((name.as_str()?, value)))
        .filter(|(name, _)| *name != "x-match" && (mode.ends_with("-with-x") || !name.starts_with("x-")));
    let holds = |(name, wanted): (&str, &FieldValue)| match (wanted, headers.get(name)) {
        (_, None) => false,
        (FieldValue::Void, Some(_)) => true,
        (wanted, Some(value)) => match (wanted.as_i64(), value.as_i64()) {
            (Some(wanted), Some(value)) => wanted == value,
            _ => wanted == value,
        },
    };
    if mode.starts_with("any") { conditions.any(holds) } else { conditions.all(holds) }
}

proptest! {
    #[test]
    fn the_index_finds_what_the_rule_says(
        bindings in prop::collection::vec((arguments(), 0..4_u32), 0..30),
        unbound in prop::collection::vec(any::<prop::sample::Index>(), 0..15),
        messages in prop::collection::vec(fields(), 1..10),
    ) {
        let mut bindings = bindings;
        let mut router = HeadersRouter::default();
        for (arguments, queue) in &bindings {
            router.bind(arguments, Target::queue(*queue));
        }
        for index in unbound {
            if !bindings.is_empty() {
                let (arguments, queue) = bindings.swap_remove(index.index(bindings.len()));
                router.unbind(&arguments, Target::queue(queue));
            }
        }
        for headers in &messages {
            let mut expected: Vec<_> = bindings
                .iter()
                .filter(|(arguments, _)| naive(arguments, headers))
                .map(|(_, queue)| Target::queue(*queue))
                .collect();
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(route(&router, headers), expected, "{:?}", headers);
        }
        for (arguments, queue) in bindings {
            router.unbind(&arguments, Target::queue(queue));
        }
        prop_assert!(router.index_is_empty() && router.numbers.is_empty());
        prop_assert!(router.unconditional.is_empty() && router.patterns.iter().all(Option::is_none));
    }
}
