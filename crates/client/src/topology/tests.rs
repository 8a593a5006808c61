use std::fmt::Write as _;

use super::*;

/// Runs a recovery and writes every step as a word or two; `fails` names those the broker refuses.
fn recover(topology: &mut Topology, fails: &[&str]) -> (Vec<String>, RecoveryReport) {
    recover_with(topology, |step| fails.contains(&step).then(|| Outcome::Failed("NOT_FOUND".to_owned())))
}

fn recover_with(
    topology: &mut Topology,
    mut fails: impl FnMut(&str) -> Option<Outcome>,
) -> (Vec<String>, RecoveryReport) {
    let (mut recovery, mut steps, mut number) = (topology.recover(), Vec::new(), 0);
    while let Some(step) = recovery.next(topology) {
        let mut text = String::new();
        let mut outcome = Outcome::Done;
        match step {
            Step::DeclareExchange(exchange) => write!(text, "exchange {}", exchange.name),
            Step::DeclareQueue { name, queue } => {
                number += 1;
                outcome =
                    Outcome::Named(if name.is_empty() { format!("new-{number}") } else { name.to_owned() });
                write!(text, "queue {name}{}", if queue.exclusive { " exclusive" } else { "" })
            }
            Step::BindQueue { queue, source, routing_key, .. } => {
                write!(text, "bind {source}-{}->{queue}", String::from_utf8_lossy(routing_key))
            }
            Step::BindExchange { destination, source, routing_key, .. } => {
                write!(text, "bind {source}-{}->exchange {destination}", String::from_utf8_lossy(routing_key))
            }
            Step::Qos(Qos { channel, prefetch_count, global }) => {
                write!(text, "qos {channel}: {prefetch_count}{}", if global { " global" } else { "" })
            }
            Step::Consume(consumer) => {
                write!(text, "consume {}: {}<-{}", consumer.channel, consumer.tag, consumer.queue)
            }
        }
        .unwrap();
        if let Some(failure) = fails(&text) {
            outcome = failure;
        }
        steps.push(text);
        recovery.done(topology, outcome);
    }
    (steps, recovery.finish())
}

fn consumer(channel: u16, tag: &str, queue: &str) -> Consumer {
    Consumer { channel, tag: tag.to_owned(), queue: queue.to_owned(), ..Consumer::default() }
}

fn qos(channel: u16, prefetch_count: u16, global: bool) -> Qos {
    Qos { channel, prefetch_count, global }
}

fn unbind_queue(t: &mut Topology, queue: &str, source: &str, routing_key: &str) {
    t.unbound(&Destination::Queue(queue.to_owned()), source, routing_key.as_bytes(), &FieldTable::new());
}

/// exchange `a` (auto-delete) -> exchange `b` (auto-delete) -> queue `q`; exchange `c` -> queues `q` and `auto` (auto-delete).
fn example() -> Topology {
    let mut t = Topology::new();
    t.queue_declared(Queue::new("q"));
    t.exchange_declared(Exchange::new("a", "fanout").auto_delete());
    t.exchange_declared(Exchange::new("b", "fanout").auto_delete());
    t.exchange_declared(Exchange::new("c", "topic"));
    t.queue_declared(Queue::new("auto").auto_delete());
    t.bound(Binding::exchange("b", "a", "1"));
    t.bound(Binding::queue("q", "b", "2"));
    t.bound(Binding::queue("q", "c", "3"));
    t.bound(Binding::queue("auto", "c", "4"));
    t.consumer_started(consumer(1, "x", "auto"));
    t.consumer_started(consumer(2, "y", "auto"));
    t.consumer_started(consumer(2, "z", "q"));
    t
}

const ALL: [&str; 12] = [
    "exchange a",
    "exchange b",
    "exchange c",
    "queue q",
    "queue auto",
    "bind a-1->exchange b",
    "bind b-2->q",
    "bind c-3->q",
    "bind c-4->auto",
    "consume 1: x<-auto",
    "consume 2: y<-auto",
    "consume 2: z<-q",
];

#[test]
fn what_is_deleted_takes_along_what_the_broker_deletes_along() {
    type Change = fn(&mut Topology);
    let rows: [(&str, Change, &[&str]); 16] = [
        ("nothing", |_| {}, &[]),
        (
            "deleting a queue: bindings, consumers, and the exchanges left without a binding",
            |t| assert_eq!(t.queue_deleted("q"), [(2, "z".to_owned())]),
            &[
                "queue q",
                "bind b-2->q",
                "bind c-3->q",
                "consume 2: z<-q",
                "exchange b",
                "bind a-1->exchange b",
                "exchange a",
            ],
        ),
        (
            "deleting an exchange: its bindings, and so on",
            |t| t.exchange_deleted("b"),
            &["exchange b", "bind b-2->q", "bind a-1->exchange b", "exchange a"],
        ),
        ("deleting a source", |t| t.exchange_deleted("a"), &["exchange a", "bind a-1->exchange b"]),
        (
            "the last binding of an auto-delete exchange",
            |t| unbind_queue(t, "q", "b", "2"),
            &["bind b-2->q", "exchange b", "bind a-1->exchange b", "exchange a"],
        ),
        (
            "not its last binding",
            |t| {
                t.bound(Binding::queue("q", "b", "5"));
                unbind_queue(t, "q", "b", "5");
            },
            &[],
        ),
        ("an exchange that stays", |t| unbind_queue(t, "q", "c", "3"), &["bind c-3->q"]),
        ("another key", |t| unbind_queue(t, "q", "c", "nope"), &[]),
        ("not the last consumer", |t| t.consumer_cancelled(1, "x"), &["consume 1: x<-auto"]),
        ("the same tag on another channel", |t| t.consumer_cancelled(3, "x"), &[]),
        (
            "the last consumer of an auto-delete queue",
            |t| {
                t.consumer_cancelled(1, "x");
                t.consumer_cancelled(2, "y");
            },
            &["consume 1: x<-auto", "consume 2: y<-auto", "queue auto", "bind c-4->auto"],
        ),
        ("the last consumer of a queue that stays", |t| t.consumer_cancelled(2, "z"), &["consume 2: z<-q"]),
        ("a channel's end", |t| t.channel_closed(2), &["consume 2: y<-auto", "consume 2: z<-q"]),
        (
            "all channels' ends",
            |t| (1..3).for_each(|channel| t.channel_closed(channel)),
            &["consume 1: x<-auto", "consume 2: y<-auto", "consume 2: z<-q", "queue auto", "bind c-4->auto"],
        ),
        ("the same again", |t| t.bound(Binding::queue("q", "c", "3")), &[]),
        ("what every broker has", |t| t.exchange_declared(Exchange::new("amq.topic", "topic")), &[]),
    ];
    for (name, change, gone) in rows {
        let mut topology = example();
        change(&mut topology);
        let expected: Vec<&str> = ALL.into_iter().filter(|step| !gone.contains(step)).collect();
        let (steps, report) = recover(&mut topology, &[]);
        assert_eq!(steps, expected, "{name}");
        assert!(report.failures.is_empty() && report.complete, "{name}");
        assert_eq!(report.recovered, steps.len(), "{name}");
        assert_eq!(topology.entities().count(), steps.len(), "{name}");
    }
}

#[test]
fn an_entity_declared_again_keeps_its_place() {
    let mut topology = example();
    topology.queue_declared(Queue::new("q").exclusive());
    let (steps, _) = recover(&mut topology, &[]);
    assert_eq!(steps[3..5], ["queue q exclusive", "queue auto"]);
}

#[test]
fn server_named_queues_come_back_under_new_names_and_everything_follows() {
    let mut t = Topology::new();
    t.queue_declared(Queue::server_named("amq.gen-1").exclusive());
    t.queue_declared(Queue::server_named("amq.gen-2").exclusive());
    t.bound(Binding::queue("amq.gen-2", "amq.topic", "k"));
    t.consumer_started(consumer(1, "x", "amq.gen-2"));
    let (steps, report) = recover(&mut t, &[]);
    assert_eq!(
        steps,
        ["queue  exclusive", "queue  exclusive", "bind amq.topic-k->new-2", "consume 1: x<-new-2"]
    );
    let renames: Vec<_> =
        report.renames.iter().map(|Rename { old, new }| (old.as_str(), new.as_str())).collect();
    assert_eq!(renames, [("amq.gen-1", "new-1"), ("amq.gen-2", "new-2")]);
    assert!(t.queue("amq.gen-2").is_none() && t.queue("new-2").is_some_and(|queue| queue.server_named));
    unbind_queue(&mut t, "new-2", "amq.topic", "k");
    assert_eq!(t.queue_deleted("new-2"), [(1, "x".to_owned())]);
    let (steps, _) = recover(&mut t, &[]);
    assert_eq!(steps, ["queue  exclusive"], "again under a new name, and the deleted one does not come back");
}

#[test]
fn what_fails_is_reported_and_what_needs_it_is_skipped() {
    let rows: [(&str, &[&str], &[&str]); 4] = [
        (
            "queue q",
            &["bind b-2->q", "bind c-3->q", "consume 2: z<-q"],
            &[
                "! queue 'q'",
                "- binding of queue 'q' to exchange 'b' with key '2'",
                "- binding of queue 'q' to exchange 'c' with key '3'",
                "- consumer 'z' of queue 'q' on channel 2",
            ],
        ),
        (
            "exchange b",
            &["bind a-1->exchange b", "bind b-2->q"],
            &[
                "! exchange 'b'",
                "- binding of exchange 'b' to exchange 'a' with key '1'",
                "- binding of queue 'q' to exchange 'b' with key '2'",
            ],
        ),
        ("bind c-3->q", &[], &["! binding of queue 'q' to exchange 'c' with key '3'"]),
        ("consume 2: z<-q", &[], &["! consumer 'z' of queue 'q' on channel 2"]),
    ];
    for (fails, skipped, expected) in rows {
        let mut topology = example();
        let (steps, report) = recover(&mut topology, &[fails]);
        let tried: Vec<&str> = ALL.into_iter().filter(|step| !skipped.contains(step)).collect();
        assert_eq!(steps, tried, "{fails}");
        let failures: Vec<String> = report
            .failures
            .iter()
            .map(|f| format!("{} {}", if f.skipped { '-' } else { '!' }, f.entity))
            .collect();
        assert_eq!(failures, expected);
        assert!(report.failures.iter().all(|f| f.skipped != (f.reason == "NOT_FOUND")), "{report:?}");
        assert_eq!(recover(&mut topology, &[]).0, ALL, "tried again next time");
    }
}

#[test]
fn every_consumer_gets_the_prefetch_count_it_began_with() {
    let mut t = Topology::new();
    t.consumer_started(consumer(1, "unlimited", "q"));
    t.qos_set(qos(1, 10, false));
    t.consumer_started(consumer(1, "ten", "q"));
    t.consumer_started(consumer(1, "also ten", "q"));
    t.qos_set(qos(1, 50, true));
    t.qos_set(qos(1, 20, false));
    t.consumer_started(consumer(1, "twenty", "q"));
    t.qos_set(qos(1, 30, false));
    t.qos_set(qos(2, 5, false));
    t.consumer_started(consumer(3, "elsewhere", "q"));
    let (steps, _) = recover(&mut t, &[]);
    assert_eq!(
        steps,
        [
            "qos 1: 50 global",
            "consume 1: unlimited<-q",
            "qos 1: 10",
            "consume 1: ten<-q",
            "consume 1: also ten<-q",
            "qos 1: 20",
            "consume 1: twenty<-q",
            "qos 1: 30",
            "qos 2: 5",
            "consume 3: elsewhere<-q",
        ]
    );
    assert_eq!(t.qos(1).collect::<Vec<_>>(), [qos(1, 50, true), qos(1, 30, false)]);
    let (_, report) = recover(&mut t, &["qos 1: 50 global"]);
    assert_eq!(report.failures.iter().filter(|f| f.skipped).count(), 4, "no consumer without its limit");
    t.channel_closed(1);
    assert_eq!(recover(&mut t, &[]).0, ["qos 2: 5", "consume 3: elsewhere<-q"]);
}

#[test]
fn what_is_deleted_during_a_recovery_does_not_come_back() {
    let mut topology = example();
    let mut recovery = topology.recover();
    assert!(
        matches!(recovery.next(&topology), Some(Step::DeclareExchange(exchange)) if exchange.name == "a")
    );
    assert!(
        matches!(recovery.next(&topology), Some(Step::DeclareExchange(exchange)) if exchange.name == "a"),
        "not yet done"
    );
    recovery.done(&mut topology, Outcome::Done);
    assert!(
        matches!(recovery.next(&topology), Some(Step::DeclareExchange(exchange)) if exchange.name == "b")
    );
    topology.exchange_deleted("b");
    topology.queue_deleted("auto");
    let mut rest = 0;
    while let Some(step) = recovery.next(&topology) {
        assert!(!format!("{step:?}").contains("auto\""), "{step:?}");
        recovery.done(&mut topology, Outcome::Done);
        rest += 1;
    }
    assert_eq!(rest, 4, "exchange c, queue q, its binding to c, its consumer");
    assert!(recovery.finish().complete);
}

#[test]
fn a_connection_lost_on_the_way_ends_it_without_blaming_anything() {
    let mut topology = example();
    let mut recovery = topology.recover();
    recovery.next(&topology).unwrap();
    recovery.done(&mut topology, Outcome::Done);
    recovery.next(&topology).unwrap();
    recovery.done(&mut topology, Outcome::Lost);
    assert_eq!(recovery.next(&topology), None);
    let report = recovery.finish();
    assert_eq!((report.recovered, report.complete, report.failures), (1, false, vec![]));
    assert_eq!(recover(&mut topology, &[]).0, ALL);
}

/// The accident: the broker noticed the end of the lost connection in the middle of the recovery, and what had been declared by then and
/// was auto-delete went with its queues.
#[test]
fn what_went_with_the_lost_connection_is_declared_once_more() {
    let (mut t, mut times) = (example(), 0);
    let (steps, report) = recover_with(&mut t, |step| {
        times += usize::from(step == "bind b-2->q");
        (step == "bind b-2->q" && times < 3).then(|| Outcome::Gone("no exchange 'b'".to_owned()))
    });
    assert_eq!(steps[6..13], [ALL[6], ALL[1], ALL[3], ALL[6], ALL[1], ALL[3], ALL[6]]);
    assert_eq!((report.failures.len(), report.recovered), (0, ALL.len()), "{report:?}");

    let (mut t, mut times) = (example(), 0);
    let (_, report) = recover_with(&mut t, |step| {
        times += usize::from(step == "bind b-2->q");
        (step == "bind b-2->q").then(|| Outcome::Gone("no exchange 'b'".to_owned()))
    });
    assert_eq!((times, report.failures.len(), report.recovered), (4, 1, ALL.len() - 1), "{report:?}");
}

#[test]
fn what_leads_to_a_queue_that_goes_by_itself() {
    let mut t = example();
    t.queue_declared(Queue::new("q").exclusive());
    let words = |t: &Topology, queue: &str| {
        let word = |step: &Step<'_>| match step {
            Step::DeclareExchange(exchange) => exchange.name.clone(),
            Step::DeclareQueue { name, .. } => (*name).to_owned(),
            Step::BindQueue { source, queue, .. } => format!("{source}->{queue}"),
            Step::BindExchange { source, destination, .. } => format!("{source}->{destination}"),
            other => panic!("{other:?}"),
        };
        t.leading_to(queue).iter().map(word).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(words(&t, "auto"), "c auto c->auto");
    assert_eq!(words(&t, "q"), "a b c q a->b b->q c->q");
    t.queue_declared(Queue::new("stays"));
    t.queue_declared(Queue::server_named("given").exclusive());
    for none in ["stays", "given", "unknown"] {
        assert_eq!(words(&t, none), "");
    }
}

#[test]
fn what_has_to_wait_waits_with_what_depends_on_it_and_nothing_else_does() {
    let mut topology = Topology::new();
    topology.exchange_declared(Exchange::new("x", "direct"));
    for queue in ["locked", "free"] {
        topology.queue_declared(Queue::new(queue).exclusive());
        topology.bound(Binding::queue(queue, "x", "k"));
    }
    let (mut recovery, mut tries) = (topology.recover(), 0);
    let mut steps = Vec::new();
    loop {
        while let Some(step) = recovery.next(&topology) {
            let mut outcome = Outcome::Done;
            match step {
                Step::DeclareQueue { name, .. } => {
                    steps.push(format!("queue {name}"));
                    tries += usize::from(name == "locked");
                    if name == "locked" && tries < 3 {
                        outcome = Outcome::Later;
                    }
                }
                Step::BindQueue { queue, .. } => steps.push(format!("bind {queue}")),
                _ => {}
            }
            recovery.done(&mut topology, outcome);
        }
        if !recovery.is_waiting() {
            break;
        }
        assert!(!recovery.report().complete);
        recovery.resume();
    }
    let expected = ["queue locked", "queue free", "bind free", "queue locked", "queue locked", "bind locked"];
    assert_eq!(steps, expected);
    let report = recovery.finish();
    assert!(report.complete && report.failures.is_empty() && report.recovered == 5, "{report:?}");
}
