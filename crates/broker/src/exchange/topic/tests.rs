use proptest::prelude::*;

use super::*;

/// What the specification says, word for word.
fn naive(pattern: &[&[u8]], key: &[&[u8]]) -> bool {
    match (pattern, key) {
        ([], []) => true,
        ([b"#", rest @ ..], _) => naive(rest, key) || (!key.is_empty() && naive(pattern, &key[1..])),
        ([b"*", rest @ ..], [_, words @ ..]) => naive(rest, words),
        ([word, rest @ ..], [first, words @ ..]) => word == first && naive(rest, words),
        _ => false,
    }
}

fn naive_match(pattern: &str, key: &str) -> bool {
    let words = |text| words::split(text).collect::<Vec<_>>();
    naive(&words(pattern.as_bytes()), &words(key.as_bytes()))
}

/// The targets in order, each as often as it was found.
fn route(router: &TopicRouter, key: &str) -> Vec<Target> {
    let mut found = Vec::new();
    router.route(key.as_bytes(), &mut |target| found.push(target));
    found.sort_unstable();
    found
}

fn matches(pattern: &str, key: &str) -> bool {
    let mut router = TopicRouter::default();
    router.bind(pattern.as_bytes(), Target::queue(0));
    !route(&router, key).is_empty()
}

/// What RabbitMQ 3.10.8 delivered, of these keys.
#[test]
fn patterns_match_as_in_rabbitmq() {
    let keys = [
        "", "a", "a.b", ".", "..", "a.", ".a", "a..b", "a.x.b", "a.b.c", "x", "x.a.y", "a.x.y.b", "b", "A",
        "a*", "#a", "*", "#", "a.#",
    ];
    let all = keys.to_vec();
    let not_empty = keys[1..].to_vec();
    for (pattern, expected) in [
        ("", vec![""]),
        ("#", all.clone()),
        ("#.#", all),
        ("*", vec!["a", "x", "b", "A", "a*", "#a", "*", "#"]),
        ("a", vec!["a"]),
        ("A", vec!["A"]),
        ("a.b", vec!["a.b"]),
        ("a.*", vec!["a.b", "a.", "a.#"]),
        ("*.b", vec!["a.b"]),
        ("a.#", vec!["a", "a.b", "a.", "a..b", "a.x.b", "a.b.c", "a.x.y.b", "a.#"]),
        ("#.b", vec!["a.b", "a..b", "a.x.b", "a.x.y.b", "b"]),
        ("*.#", not_empty.clone()),
        ("#.*", not_empty),
        (".", vec!["."]),
        ("..", vec![".."]),
        ("a.", vec!["a."]),
        (".a", vec![".a"]),
        ("*.", vec![".", "a."]),
        ("a..b", vec!["a..b"]),
        ("a.*.b", vec!["a..b", "a.x.b"]),
        ("#.a.#", vec!["a", "a.b", "a.", ".a", "a..b", "a.x.b", "a.b.c", "x.a.y", "a.x.y.b", "a.#"]),
        ("a.#.b", vec!["a.b", "a..b", "a.x.b", "a.x.y.b"]),
        ("a.#.#.b", vec!["a.b", "a..b", "a.x.b", "a.x.y.b"]),
        ("a*", vec!["a*"]),
        ("#a", vec!["#a"]),
        ("*.*", vec!["a.b", ".", "a.", ".a", "a.#"]),
        ("#.*.#.*", vec!["a.b", ".", "..", "a.", ".a", "a..b", "a.x.b", "a.b.c", "x.a.y", "a.x.y.b", "a.#"]),
    ] {
        let found: Vec<_> = keys.into_iter().filter(|key| matches(pattern, key)).collect();
        assert_eq!(found, expected, "pattern {pattern:?}");
        let by_definition: Vec<_> = keys.into_iter().filter(|key| naive_match(pattern, key)).collect();
        assert_eq!(by_definition, expected, "definition, pattern {pattern:?}");
    }
}

/// Without remembering where it was, a walk through these would take longer than anybody waits.
#[test]
fn many_wildcards_do_not_explode() {
    let mut router = TopicRouter::default();
    router.bind("#.a.#.a.#.a.#.a.#.a.#.a.#.a.#.a.#.b".as_bytes(), Target::queue(0));
    router.bind(vec!["#"; 128].join(".").as_bytes(), Target::queue(1));
    router.bind(vec!["#.*"; 60].join(".").as_bytes(), Target::queue(2));
    let key = vec!["a"; 128].join(".");
    assert_eq!(route(&router, &key), [Target::queue(1), Target::queue(2)]);
}

#[test]
fn nothing_is_left_of_removed_patterns() {
    let patterns = ["", "a", "a.b.c", "a.b.d", "*.b", "#", "#.a.#", "a.*.#.b", ".."];
    let mut router = TopicRouter::default();
    for round in 0..3 {
        for (place, pattern) in patterns.iter().enumerate() {
            router.bind(pattern.as_bytes(), Target::queue(place as u32));
        }
        // One that is not there changes nothing.
        router.unbind(b"a.b", Target::queue(0));
        router.unbind(b"nowhere.#", Target::queue(0));
        for (place, pattern) in patterns.iter().enumerate().rev() {
            router.unbind(pattern.as_bytes(), Target::queue(place as u32));
        }
        assert!(router.edges.is_empty());
        assert!(router.nodes[0].is_unused());
        let nodes = router.nodes.len();
        assert_eq!(router.free.len(), nodes - 1, "round {round}");
    }
}

fn key() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof![Just(""), Just("a"), Just("b"), Just("c")], 0..7)
        .prop_map(|words| words.join("."))
}

fn pattern() -> impl Strategy<Value = String> {
    let word = prop_oneof![Just(""), Just("a"), Just("b"), Just("c"), Just("*"), Just("#"), Just("#")];
    prop::collection::vec(word, 0..6).prop_map(|words| words.join("."))
}

proptest! {
    #[test]
    fn the_trie_finds_what_the_definition_says(
        bound in prop::collection::vec((pattern(), 0..4_u32), 0..40),
        unbound in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        keys in prop::collection::vec(key(), 1..10),
    ) {
        let mut router = TopicRouter::default();
        let mut bindings = bound;
        bindings.sort();
        bindings.dedup();
        for (pattern, queue) in &bindings {
            router.bind(pattern.as_bytes(), Target::queue(*queue));
        }
        for index in unbound {
            if !bindings.is_empty() {
                let (pattern, queue) = bindings.swap_remove(index.index(bindings.len()));
                router.unbind(pattern.as_bytes(), Target::queue(queue));
            }
        }
        for key in keys {
            let mut expected: Vec<_> = bindings
                .iter()
                .filter(|(pattern, _)| naive_match(pattern, &key))
                .map(|(_, queue)| Target::queue(*queue))
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(route(&router, &key), expected, "key {:?}", key);
        }
    }
}
