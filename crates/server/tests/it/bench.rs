//! `leveret bench` against a broker of the test's own.

use crate::support::{Server, failure, leveret, success};

/// Runs `leveret bench --json` with these arguments and returns the report.
fn bench(server: &Server, arguments: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("amqp://{}", server.address);
    let arguments: Vec<&str> =
        ["bench", "--json", "--url", &url].into_iter().chain(arguments.split(' ')).collect();
    serde_json::from_str(&success(&mut leveret(&folder, &arguments))).unwrap()
}

#[test]
fn counted_runs_lose_nothing() {
    let server = Server::start(&[]);
    for (arguments, published, consumed) in [
        ("--count 20000", 20_000, 20_000),
        (
            "--count 3001 --publishers 3 --queues 2 --consumers 2 --size 0 --ack-every 7 --prefetch 10",
            3_001,
            3_001,
        ),
        ("--count 2000 --exchange fanout --queues 5 --consumers 5 --consumer-connections 1", 2_000, 10_000),
        ("--count 5000 --exchange topic --bindings 100 --queues 3 --confirm 50 --persistent", 5_000, 5_000),
        (
            "--count 300 --exchange direct --bindings 7 --queues 2 --size 300KB --confirm 5 --in-flight 20",
            300,
            300,
        ),
    ] {
        let report = bench(&server, arguments);
        assert_eq!(report["published"]["messages"], published, "{arguments}: {report}");
        assert_eq!(report["consumed"]["messages"], consumed, "{arguments}: {report}");
        if arguments.contains("--confirm") {
            assert_eq!(report["confirmed"]["messages"], published, "{arguments}: {report}");
            assert_eq!(report["confirm_us"]["count"], published, "{arguments}: {report}");
        }
        if !arguments.contains("--size 0") {
            assert_eq!(report["end_to_end_us"]["count"], consumed, "{arguments}: {report}");
        }
    }
}

#[test]
fn a_fixed_rate_is_kept() {
    let server = Server::start(&[]);
    let report = bench(&server, "--rate 2000 --duration 300ms --warm-up 100ms --size 64");
    let rate = report["published"]["rate"].as_f64().unwrap();
    assert!((1_900.0..2_100.0).contains(&rate), "{report}");
    assert!(report["end_to_end_us"]["count"].as_u64().unwrap() >= 500, "{report}");
}

/// 160 messages for eight, of whom one takes ten times as long: one at a time it gets few, and by the handful it gets as many as the others,
/// for which everybody waits.
#[test]
fn a_great_prefetch_gives_the_slow_as_much_as_the_quick() {
    let server = Server::start(&[]);
    let run = |prefetch: u16| {
        let arguments = format!("--scenario prefetch --count 160 --work 5ms --prefetch {prefetch}");
        let report = bench(&server, &arguments);
        assert_eq!(report["consumed"]["messages"], 160, "{report}");
        assert_eq!(report["end_to_end_us"]["count"], 160, "{report}");
        let [fewest, most] = [0, 1].map(|at| report["fewest_and_most"][at].as_u64().unwrap());
        (fewest, most, report["consumed"]["rate"].as_f64().unwrap())
    };
    let (fewest, most, quick) = run(1);
    assert!(fewest < 15 && most > 20, "{fewest} to {most}");
    let (fewest, most, slow) = run(80);
    assert!(fewest >= 15 && most <= 25, "{fewest} to {most}");
    assert!(slow < quick, "{slow} and {quick} per second");
}

#[test]
fn a_pile_can_be_left_and_drained() {
    let server = Server::start(&[]);
    let filled = bench(&server, "--consumers 0 --count 1000 --queue-prefix pile --keep --confirm 100");
    assert_eq!(filled["consumed"], serde_json::Value::Null);
    let drained = bench(&server, "--publishers 0 --count 1000 --queue-prefix pile");
    assert_eq!(drained["consumed"]["messages"], 1_000);
}

#[test]
fn failures_say_what_and_where() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let address = server.address;
    for (arguments, expected, code) in [
        (format!("--url amqp://guest:wrong@{address}"), "ACCESS_REFUSED", 1),
        (format!("--url amqp://{address}/nowhere"), "vhost nowhere not found", 1),
        (
            format!("--url amqp://{address} --publishers 0 --count 1 --queue-prefix absent"),
            "no queue 'absent-00000'",
            1,
        ),
        ("--url amqp://127.0.0.1:1".into(), "nothing listens there", 1),
        ("--prefetch 3".into(), "--prefetch needs --ack-every", 2),
    ] {
        let arguments: Vec<&str> = std::iter::once("bench").chain(arguments.split(' ')).collect();
        let (said, exit) = failure(&mut leveret(&folder, &arguments));
        assert!(said.starts_with("leveret bench: ") && said.contains(expected), "{arguments:?}: {said}");
        assert_eq!(exit, Some(code), "{said}");
    }
}
