//! Thousands of tasks on one publisher while its connection breaks again and again: each is told the outcome of its own message.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use leveret_client::{
    Connection, ConnectionState, Message, Publisher, PublisherOptions, QueueDeclare, SendError,
};
use leveret_protocol::FieldTable;
use leveret_test::{Ending, TestBroker};

use crate::support::{ms, s, watchdog, within};

const TASKS: usize = 3000;

/// Of this many each cut may store a second time.
const IN_FLIGHT: usize = 128;
const CUTS: usize = 40;

/// So many messages a queue shows. The accident: on a quick machine 512 in flight became more than that, and what was confirmed was not
/// among those shown.
const SHOWN_MAX: usize = 10_000;
const _: () = assert!(TASKS + IN_FLIGHT * (CUTS + TASKS / 997 + 1) < SHOWN_MAX);

/// What is to become of a message, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Fate {
    Stored,
    Unroutable,
    /// By the broker: its queue is full and refuses.
    Rejected,
    /// Its exchange does not exist: the channel goes with it.
    Refused,
}

fn fate(number: usize) -> Fate {
    match number % 50 {
        3 | 17 | 31 => Fate::Unroutable,
        5 | 23 => Fate::Rejected,
        _ if number % 997 == 500 => Fate::Refused,
        _ => Fate::Stored,
    }
}

fn message(number: usize) -> Message {
    let message = Message::new(format!("{number}"));
    match fate(number) {
        Fate::Stored => message.routing_key("q"),
        Fate::Unroutable => message.routing_key("nowhere"),
        Fate::Rejected => message.routing_key("full"),
        Fate::Refused => message.exchange("missing").routing_key("q"),
    }
}

fn told(outcome: &Result<(), SendError>) -> Option<Fate> {
    match outcome {
        Ok(()) => Some(Fate::Stored),
        Err(SendError::Unroutable(_)) => Some(Fate::Unroutable),
        Err(SendError::Rejected) => Some(Fate::Rejected),
        Err(SendError::Refused { code: 404, .. }) => Some(Fate::Refused),
        Err(_) => None,
    }
}

async fn prepare(broker: &TestBroker) -> Connection {
    let client = broker.client().await;
    let channel = client.channel().await.unwrap();
    let durable = || QueueDeclare { durable: true, ..QueueDeclare::default() };
    channel.queue_declare("q", durable()).await.unwrap();
    let mut arguments = FieldTable::new();
    arguments.insert("x-max-length", 0);
    arguments.insert("x-overflow", "reject-publish");
    channel.queue_declare("full", QueueDeclare { arguments, ..durable() }).await.unwrap();
    client
}

fn send_all(publisher: &Publisher) -> Vec<tokio::task::JoinHandle<(usize, Result<(), SendError>)>> {
    let spawn = |number| {
        let publisher = publisher.clone();
        tokio::spawn(async move {
            for _ in 0..number % 11 {
                tokio::task::yield_now().await;
            }
            (number, publisher.send(message(number)).await.map(drop))
        })
    };
    (0..TASKS).map(spawn).collect()
}

async fn check(broker: &TestBroker, publisher: &Publisher, outcomes: Vec<(usize, Result<(), SendError>)>) {
    broker.settle().await;
    let mut counts: HashMap<Fate, usize> = HashMap::new();
    let mut stored: HashMap<String, usize> = HashMap::new();
    broker.messages("q").iter().for_each(|message| *stored.entry(message.text()).or_default() += 1);
    let mut sent: HashMap<String, usize> = HashMap::new();
    broker.published().iter().for_each(|message| *sent.entry(message.text()).or_default() += 1);
    for (number, outcome) in &outcomes {
        let told = told(outcome);
        assert_eq!(told, Some(fate(*number)), "message {number}: {outcome:?}");
        if let Err(SendError::Unroutable(returned)) = outcome {
            assert_eq!(returned.body, number.to_string().as_bytes(), "another's message was returned");
        }
        let there = stored.get(&number.to_string()).copied().unwrap_or(0);
        if told == Some(Fate::Stored) {
            assert!(there >= 1, "message {number} was confirmed and is not there");
        } else {
            assert_eq!(there, 0, "message {number} was told to be {told:?} and is there");
        }
        let sendings = sent.get(&number.to_string()).copied().unwrap_or(0);
        assert!(there <= sendings, "message {number}: {there} times there, sent {sendings} times");
        *counts.entry(fate(*number)).or_default() += 1;
    }
    assert_eq!(outcomes.len(), TASKS);
    assert_eq!(counts.len(), 4, "{counts:?}");
    let strangers: HashSet<_> = stored.keys().filter(|text| text.parse::<usize>().is_err()).collect();
    assert!(strangers.is_empty());
    assert_eq!(publisher.in_flight_len(), 0);
}

/// What passes between two cuts.
#[derive(Clone, Copy)]
enum Between {
    Time(Duration),
    /// Turns of every other task, once the connection is back: with a clock that stands, everything happens in no time.
    Turns(usize),
}

async fn storm(between: Between) {
    let _watchdog = watchdog("storm");
    let broker = TestBroker::builder().record_bytes_max(64 << 20).start().await.unwrap();
    let client = prepare(&broker).await;
    let publisher =
        client.publisher(PublisherOptions::to_queue("q").in_flight(IN_FLIGHT, 1 << 20)).await.unwrap();
    let senders = send_all(&publisher);
    let cutting = tokio::spawn({
        let (broker, mut states) = (broker.clone(), client.watch());
        async move {
            let mut cuts = 0;
            loop {
                match between {
                    Between::Time(time) => tokio::time::sleep(time).await,
                    Between::Turns(turns) => {
                        let back = states.wait_for(|state| matches!(state, ConnectionState::Connected)).await;
                        back.unwrap();
                        for _ in 0..turns + cuts % 37 {
                            tokio::task::yield_now().await;
                        }
                    }
                }
                let ending = if cuts % 2 == 0 { Ending::Close } else { Ending::Reset };
                cuts += broker.faults().open().drop_now(ending);
                // A broker that breaks for ever would be another test.
                if cuts >= CUTS {
                    return cuts;
                }
            }
        }
    });
    let all = async {
        let mut outcomes = Vec::new();
        for sender in senders {
            outcomes.push(sender.await.unwrap());
        }
        outcomes
    };
    let outcomes = within(s(60), all).await.0;
    assert!(broker.connections().len() > 3, "it was hardly cut: {}", broker.connections().len());
    cutting.abort();
    check(&broker, &publisher, outcomes).await;
    client.close(s(5)).await.unwrap();
}

/// One thread, and a clock that stands: cuts come between any two turns.
#[tokio::test(start_paused = true)]
async fn each_of_thousands_is_told_its_own_outcome_while_the_connection_breaks() {
    storm(Between::Turns(12)).await;
}

/// Threads, and the real clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_thousands_is_told_its_own_outcome_on_several_threads() {
    storm(Between::Time(ms(7))).await;
}
