//! What it costs to find the queues of a message, and to change who gets what, with few and with many bindings.
//!
//! `cargo bench -p leveret-broker --bench routing`

#![allow(clippy::print_stdout, reason = "the number of queues found belongs to the figures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use leveret_broker::exchange::{Destination, ExchangeKind, ExchangeSpec, Publication};
use leveret_broker::topology::Topology;
use leveret_protocol::{FieldTable, Properties, RawProperties};

const SIZES: [usize; 3] = [10, 1_000, 100_000];
const QUEUES: usize = 1_000;

/// Pseudo-random and the same every time.
fn scramble(number: usize) -> usize {
    let bits = (number as u64 ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (bits >> 20) as usize
}

fn topology(kind: ExchangeKind) -> Topology<u32> {
    let mut topology = Topology::new("/".into());
    for queue in 0..QUEUES {
        topology.insert_queue(format!("queue-{queue}").into(), queue as u32);
    }
    // The new exchange cannot be refused.
    let _ = topology.declare_exchange(ExchangeSpec::new("x", kind));
    topology
}

fn bind(topology: &mut Topology<u32>, number: usize, key: &str, arguments: FieldTable) {
    let queue = Destination::Queue(format!("queue-{}", number % QUEUES).into());
    let _ = topology.bind("x", queue, key.as_bytes(), arguments);
}

/// `region.device.sensor.level`, of which 7 in 10 bindings name all words, 2 leave one open and 1 leaves several open.
fn pattern(number: usize, bindings: usize) -> String {
    let [region, device, sensor, level] = words(number, bindings);
    match number % 10 {
        0 => format!("{region}.{device}.#"),
        1 => format!("{region}.{device}.*.{level}"),
        2 => format!("*.{device}.{sensor}.{level}"),
        _ => format!("{region}.{device}.{sensor}.{level}"),
    }
}

fn key(number: usize, bindings: usize) -> String {
    words(scramble(number) % bindings.max(1), bindings).join(".")
}

fn words(number: usize, bindings: usize) -> [String; 4] {
    let bits = scramble(number);
    [
        format!("region{}", bits % 20),
        format!("device{}", number % (bindings / 4).max(4)),
        format!("sensor{}", bits / 7 % 10),
        ["debug", "info", "warning", "error"][bits / 70 % 4].to_owned(),
    ]
}

/// Routes messages with different keys in turn; nothing is remembered from one to the next.
fn route_all(
    criterion: &mut Criterion,
    name: &str,
    size: usize,
    topology: &Topology<u32>,
    messages: &[(String, Vec<u8>)],
) {
    let mut found = Vec::new();
    let mut queues = 0;
    for (key, properties) in messages {
        queues += route(topology, key, properties, &mut found);
    }
    println!("{name}/{size}: {:.2} queues for each message", queues as f64 / messages.len() as f64);
    let mut next = messages.iter().cycle();
    criterion.bench_with_input(BenchmarkId::new(name, size), &size, |bencher, _| {
        bencher.iter(|| next.next().map(|(key, properties)| route(topology, key, properties, &mut found)));
    });
}

fn route(topology: &Topology<u32>, key: &str, properties: &[u8], found: &mut Vec<u32>) -> usize {
    found.clear();
    let properties = RawProperties::parse(properties).unwrap_or_default();
    let publication = Publication::new("x", key.as_bytes(), properties);
    let _ = black_box(topology.route(&publication, found));
    found.len()
}

const MESSAGES: usize = 4_096;
const PLAIN: [u8; 3] = [0x10, 0, 2];

fn routes(criterion: &mut Criterion) {
    for size in SIZES {
        let mut topic = topology(ExchangeKind::Topic);
        (0..size).for_each(|number| bind(&mut topic, number, &pattern(number, size), FieldTable::new()));
        let messages: Vec<_> = (0..MESSAGES).map(|number| (key(number, size), PLAIN.to_vec())).collect();
        route_all(criterion, "topic", size, &topic, &messages);

        let mut direct = topology(ExchangeKind::Direct);
        (0..size).for_each(|number| bind(&mut direct, number, &format!("key.{number}"), FieldTable::new()));
        let messages: Vec<_> = (0..MESSAGES)
            .map(|number| (format!("key.{}", scramble(number) % size), PLAIN.to_vec()))
            .collect();
        route_all(criterion, "direct", size, &direct, &messages);

        let mut headers = topology(ExchangeKind::Headers);
        for number in 0..size {
            let arguments = FieldTable::from([("kind", (number % 7) as i32), ("device", number as i32)]);
            bind(&mut headers, number, "", arguments);
        }
        let message = |number| (String::new(), with_headers(scramble(number) % size));
        let messages: Vec<_> = (0..MESSAGES).map(message).collect();
        route_all(criterion, "headers", size, &headers, &messages);
    }
    for size in [10, 1_000] {
        let mut hash = topology(ExchangeKind::ConsistentHash);
        (0..size).for_each(|number| bind(&mut hash, number, "1", FieldTable::new()));
        let messages: Vec<_> =
            (0..MESSAGES).map(|number| (format!("key.{number}"), PLAIN.to_vec())).collect();
        route_all(criterion, "consistent-hash", size, &hash, &messages);

        let mut fanout = topology(ExchangeKind::Fanout);
        (0..size).for_each(|number| bind(&mut fanout, number, "", FieldTable::new()));
        route_all(criterion, "fanout", size, &fanout, &messages[..1]);
    }
}

fn with_headers(number: usize) -> Vec<u8> {
    let headers = FieldTable::from([
        ("device", (number as i32).into()),
        ("kind", ((number % 7) as i32).into()),
        (
            "trace",
            leveret_protocol::FieldValue::from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ),
    ]);
    let mut bytes = Vec::new();
    Properties { headers: Some(headers), ..Default::default() }.encode(&mut bytes);
    bytes
}

/// One change among many bindings: each iteration binds one key more and unbinds it.
fn changes(criterion: &mut Criterion) {
    for size in SIZES {
        let mut topic = topology(ExchangeKind::Topic);
        (0..size).for_each(|number| bind(&mut topic, number, &pattern(number, size), FieldTable::new()));
        let queue = Destination::Queue("queue-0".into());
        criterion.bench_with_input(BenchmarkId::new("bind and unbind", size), &size, |bencher, _| {
            bencher.iter(|| {
                let _ = topic.bind("x", queue.clone(), b"one.more.*.#", FieldTable::new());
                let _ = topic.unbind("x", &queue, b"one.more.*.#", &FieldTable::new());
            });
        });
    }
    criterion.bench_function("delete a queue with 100 of 100000 bindings", |bencher| {
        let mut topic = topology(ExchangeKind::Topic);
        (0..100_000)
            .for_each(|number| bind(&mut topic, number, &pattern(number, 100_000), FieldTable::new()));
        bencher.iter_custom(|iterations| {
            let mut taken = Duration::ZERO;
            for _ in 0..iterations {
                let start = Instant::now();
                black_box(topic.remove_queue("queue-7"));
                taken += start.elapsed();
                topic.insert_queue("queue-7".into(), 7);
                for number in (7..100_000).step_by(QUEUES) {
                    bind(&mut topic, number, &pattern(number, 100_000), FieldTable::new());
                }
            }
            taken
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = routes, changes
}
criterion_main!(benches);
