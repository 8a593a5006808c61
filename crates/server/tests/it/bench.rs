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

/// Runs `leveret bench` with these arguments in a folder; what it said.
fn said(folder: &tempfile::TempDir, server: &Server, arguments: &str) -> String {
    let url = format!("amqp://{}", server.address);
    let arguments: Vec<&str> = ["bench", "--url", &url].into_iter().chain(arguments.split(' ')).collect();
    success(&mut leveret(folder, &arguments))
}

#[test]
fn a_scenario_is_a_run_that_options_still_change() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    for (arguments, size, consumed) in [
        ("--scenario work-queue --count 400", "", 400),
        ("--scenario safe --count 300 --size 16", "16", 300),
        ("--scenario fanout --count 50 --queues 3 --consumers 3", "", 150),
    ] {
        let report = bench(&server, arguments);
        assert_eq!(report["consumed"]["messages"], consumed, "{arguments}: {report}");
        let scenario = report["scenario"].as_str().unwrap();
        assert!(scenario.contains(size), "{arguments}: {scenario}");
        let confirms = arguments.contains("safe") || arguments.contains("work-queue");
        assert_eq!(report["confirmed"].is_object(), confirms, "{arguments}: {report}");
    }
    let (said, code) = failure(&mut leveret(&folder, &["bench", "--scenario", "nothing"]));
    assert!(said.contains("there is no scenario `nothing`; there are fast, safe"), "{said}");
    assert_eq!(code, Some(2));
}

#[test]
fn two_brokers_are_compared_in_a_table_as_json_and_in_a_page() {
    let (server, other) = (Server::start(&[]), Server::start(&[]));
    let folder = tempfile::tempdir().unwrap();
    let compare = format!("--count 200 --confirm 50 --compare amqp://{}", other.address);
    let table = said(&folder, &server, &format!("{compare} --report both.html"));
    let (one, two) = (server.address.to_string(), other.address.to_string());
    let line =
        |first: &str| table.lines().find(|line| line.starts_with(first)).unwrap_or_default().to_owned();
    assert!(table.contains(&one) && table.contains(&two) && table.contains("first to second"), "{table}");
    for measure in ["published", "confirmed", "consumed"] {
        let line = line(measure);
        let is_whole = line.matches("/s").count() == 2 && line.trim_end().ends_with('x');
        assert!(is_whole, "{measure} of both, and how they compare: {table}");
    }
    let page = std::fs::read_to_string(folder.path().join("both.html")).unwrap();
    assert!(
        page.starts_with("<!") && page.contains("<svg") && page.trim_end().ends_with("</html>"),
        "{page}"
    );
    assert!(page.contains(&one) && page.contains(&two));
    let is_alone = !page.contains("src=") && !page.contains("href=") && !page.contains("<script");
    assert!(is_alone, "a page for sending on asks nobody for anything");
    let both = said(&folder, &server, &format!("{compare} --json"));
    let both: serde_json::Value = serde_json::from_str(&both).unwrap();
    let counts: Vec<_> =
        both.as_array().unwrap().iter().map(|one| one["consumed"]["messages"].clone()).collect();
    assert_eq!(counts, [200, 200]);
    let bad = format!("amqp://{}", server.address);
    let (said, code) = failure(&mut leveret(
        &folder,
        &["bench", "--url", &bad, "--count", "1", "--report", "no/such/folder/page.html"],
    ));
    assert!(said.contains("no/such/folder/page.html"), "{said}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_fixed_rate_is_kept() {
    let server = Server::start(&[]);
    let report = bench(&server, "--rate 2000 --duration 1s --warm-up 100ms --size 64");
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
