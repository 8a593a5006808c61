//! Dead letters go back to where they came from.

use super::*;
use leveret_broker::queue::select::{Condition, Filter};
use leveret_broker::queue::sweep::{Progress, Selection, SweepState, To};
use leveret_protocol::methods::{exchange, queue};
use leveret_protocol::{FieldTable, FieldValue, Properties};

pub(super) fn letters_to(queue: &str) -> [(&'static str, FieldValue); 2] {
    [("x-dead-letter-exchange", "".into()), ("x-dead-letter-routing-key", queue.into())]
}

/// `q`, bound to the exchange `orders` for `order.#`, with dead letters in `dead`.
pub(super) async fn start() -> (Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    client.declare(queue_with("q", arguments(letters_to("dead")))).await;
    let orders = exchange::Declare { exchange: short("orders"), kind: short("topic"), ..Default::default() };
    assert_eq!(client.call(1, orders).await, Got::Reply("exchange.declare-ok"));
    bind(&mut client, "q").await;
    (broker, client)
}

async fn bind(client: &mut Client, queue: &str) {
    let (queue, exchange, routing_key) = (short(queue), short("orders"), short("order.#"));
    let bind = queue::Bind { queue, exchange, routing_key, ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
}

fn order<'a>(text: &'a str) -> Publishing<'a> {
    Publishing { exchange: "orders", ..Publishing::to("order.new", text) }
}

/// Publishes orders and refuses them.
pub(super) async fn die(client: &mut Client, texts: &[&str]) {
    for text in texts {
        client.publish(order(text)).await;
    }
    client.settle().await;
    for _ in texts {
        let (tag, _, _) = client.get("q", false).await.unwrap();
        client.tell(1, reject(tag, false)).await;
    }
    client.settle().await;
}

pub(super) async fn replay(broker: &Broker, queue: &str, to: To, selection: Selection) -> Progress {
    let (vhost, actor) = operator(broker);
    vhost.replay(&actor, queue, to, selection).unwrap().finished().await
}

#[tokio::test]
async fn all_go_back_the_way_they_came_and_say_so() {
    let (broker, mut client) = start().await;
    die(&mut client, &["a", "b", "c"]).await;
    client.declare(queue_with("also", FieldTable::new())).await;
    bind(&mut client, "also").await;
    let progress = replay(&broker, "dead", To::Origin, Selection::default()).await;
    assert_eq!((progress.state, progress.moved, progress.failed), (SweepState::Done, 3, 0));
    assert_eq!((progress.skipped, progress.remaining), (0, 0));
    assert_eq!(client.count("dead").await.0, 0);
    assert_eq!(client.drain("also").await, ["a", "b", "c"], "the routes of now count");
    let (_, redelivered, message) = client.get("q", true).await.unwrap();
    assert_eq!((&*message.exchange, &*message.routing_key, redelivered), ("orders", "order.new", false));
    assert_eq!(message.deaths().len(), 1, "its history is kept");
    assert_eq!(message.headers().get("x-replayed-at"), Some(&FieldValue::Timestamp(START_UNIX_MS / 1000)));
    assert_eq!(message.headers().get("x-replay-count"), Some(&FieldValue::I64(1)));
    assert_eq!(client.drain("q").await, ["b", "c"]);
}

#[tokio::test]
async fn straight_into_the_queue_they_died_in_or_to_another_exchange() {
    let (broker, mut client) = start().await;
    client.declare(queue_with("also", FieldTable::new())).await;
    bind(&mut client, "also").await;
    die(&mut client, &["a", "b"]).await;
    assert_eq!(client.drain("also").await, ["a", "b"]);
    let one = vec![page(&broker, "dead", &Browse::default()).messages[1].place];
    let one = Selection { places: Some(one), ..Selection::default() };
    let progress = replay(&broker, "dead", To::Queue, one.clone()).await;
    assert_eq!((progress.moved, progress.remaining), (1, 0));
    assert_eq!((client.drain("q").await, client.count("also").await.0), (vec!["b".to_owned()], 0));
    let again = replay(&broker, "dead", To::Queue, one).await;
    assert_eq!((again.moved, again.skipped), (0, 1), "it is there no more");
    let to = To::Exchange { exchange: "".into(), routing_key: Some(b"also".to_vec()) };
    assert_eq!(replay(&broker, "dead", to, Selection::default()).await.moved, 1);
    let (_, _, message) = client.get("also", true).await.unwrap();
    assert_eq!((message.text(), &*message.routing_key), ("a", "also"));
}

#[tokio::test]
async fn what_cannot_go_stays_and_the_reason_is_told() {
    let (broker, mut client) = start().await;
    die(&mut client, &["a"]).await;
    client.fill("dead", &["never died"]).await;
    let unbind = queue::Unbind {
        queue: short("q"),
        exchange: short("orders"),
        routing_key: short("order.#"),
        ..Default::default()
    };
    client.call(1, unbind).await;
    let progress = replay(&broker, "dead", To::Origin, Selection::default()).await;
    assert_eq!((progress.moved, progress.failed, progress.state), (0, 2, SweepState::Done));
    assert!(progress.problem.unwrap().contains("never died"));
    let lost = Selection::from(Filter::from(Condition::HeaderExists("x-death".into())));
    let progress = replay(&broker, "dead", To::Origin, lost).await;
    let problem = progress.problem.unwrap();
    assert_eq!(problem, "no queue is bound for exchange 'orders' and routing key 'order.new'");
    assert_eq!(browsed(&broker, "dead", 10), ["a", "never died"], "in their places");
}

/// The accident this guards against: what counted the attempts of a message that had used up its ladder stayed in its headers, so that a
/// worker took the first delivery after a replay for one too many, and it was a dead letter again at its first failure.
#[tokio::test]
async fn attempts_begin_anew() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    let [exchange, key] = letters_to("dead");
    let ladder = ("x-retry-delays", FieldValue::Array(vec![0.into()]));
    client.declare(queue_with("q", arguments([exchange, key, ladder]))).await;
    client.fill("q", &["a"]).await;
    for _ in 0..2 {
        pass(&broker, &mut client, secs(1)).await;
        let (tag, _, _) = client.get("q", false).await.unwrap();
        client.tell(1, reject(tag, true)).await;
        client.settle().await;
    }
    let counters = ["x-delivery-count", "x-acquired-count", "x-first-failed-at", "x-last-failure"];
    let (tag, _, letter) = client.get("dead", false).await.unwrap();
    assert!(counters.iter().all(|name| letter.headers().contains_key(name)), "{:?}", letter.headers());
    client.tell(1, nack(tag, false, true)).await;
    client.settle().await;
    assert_eq!(replay(&broker, "dead", To::Origin, Selection::default()).await.moved, 1);
    let (_, _, message) = client.get("q", true).await.unwrap();
    assert!(counters.iter().all(|name| !message.headers().contains_key(name)), "{:?}", message.headers());
}

/// The toolkit publishes dead letters by itself, with the error in them. They have no `x-death`, or one of the queues they waited in.
#[tokio::test]
async fn a_dead_letter_of_the_toolkit_goes_back_to_where_its_headers_say() {
    let (broker, mut client) = start().await;
    client.declare(queue_with("also", FieldTable::new())).await;
    let mut headers = arguments([
        ("x-original-exchange", "orders".into()),
        ("x-original-routing-key", "order.new".into()),
        ("x-original-queue", "q".into()),
        ("x-original-cc", FieldValue::Array(vec!["order.copy".into()])),
        ("x-error", "no stock".into()),
    ]);
    for to in [To::Origin, To::Queue] {
        let properties = Properties { headers: Some(headers.clone()), ..Properties::default() };
        client.publish(Publishing { properties, ..Publishing::to("dead", "a") }).await;
        client.settle().await;
        let progress = replay(&broker, "dead", to, Selection::default()).await;
        assert_eq!((progress.moved, progress.problem), (1, None));
        let (_, _, message) = client.get("q", true).await.unwrap();
        assert_eq!((&*message.exchange, &*message.routing_key), ("orders", "order.new"));
        assert!(message.headers().contains_key("x-error") && message.headers().contains_key("CC"));
        // It waited in a queue beside its own, and expired out of that.
        let death = [("queue", "q.retry.5s".into()), ("exchange", "".into()), ("reason", "expired".into())];
        headers.insert("x-death", FieldValue::Array(vec![FieldValue::Table(arguments(death))]));
    }
}

#[tokio::test]
async fn a_full_queue_takes_nothing_and_loses_nothing() {
    let (broker, mut client) = start().await;
    let full = [("x-max-length", 2.into()), ("x-overflow", "reject-publish".into())];
    client.declare(queue_with("small", arguments(full))).await;
    die(&mut client, &["a", "b", "c"]).await;
    let to = To::Exchange { exchange: "".into(), routing_key: Some(b"small".to_vec()) };
    let progress = replay(&broker, "dead", to, Selection::default()).await;
    assert_eq!((progress.moved, progress.failed), (2, 1));
    assert_eq!(progress.problem.unwrap(), "queue 'small' is full");
    assert_eq!(
        (client.drain("small").await, client.drain("dead").await),
        (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()])
    );
}

/// The accident this guards against: dead-lettering drops a message that comes back to a queue it died in without having been
/// rejected. A message that was replayed comes back because somebody wants it to.
#[tokio::test]
async fn what_was_replayed_and_expires_again_is_a_dead_letter_again() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let [exchange, key] = letters_to("parked");
    client.declare(queue_with("q", arguments([exchange, key, ("x-message-ttl", 1_000.into())]))).await;
    let [exchange, key] = letters_to("end");
    client.declare(queue_with("parked", arguments([exchange, key, ("x-message-ttl", 1_000.into())]))).await;
    client.declare(queue_with("end", FieldTable::new())).await;
    client.fill("q", &["m"]).await;
    for round in 1..=4 {
        pass(&broker, &mut client, secs(1)).await;
        pass(&broker, &mut client, secs(1)).await;
        assert_eq!(client.count("end").await.0, 1, "round {round}");
        assert_eq!(replay(&broker, "end", To::Queue, Selection::default()).await.moved, 1);
    }
    let (_, _, message) = client.get("q", true).await.unwrap();
    assert_eq!(message.headers().get("x-replay-count"), Some(&FieldValue::I64(4)));
    let counts: Vec<_> = message.deaths().into_iter().map(|death| (death.queue, death.count)).collect();
    assert_eq!(counts, [("parked".to_owned(), 4), ("q".to_owned(), 4)]);
}

#[tokio::test]
async fn a_cycle_after_a_replay_is_a_cycle() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let [exchange, key] = letters_to("b");
    client.declare(queue_with("a", arguments([exchange, key, ("x-message-ttl", 1_000.into())]))).await;
    let [exchange, key] = letters_to("a");
    client.declare(queue_with("b", arguments([exchange, key]))).await;
    client.fill("a", &["m"]).await;
    pass(&broker, &mut client, secs(1)).await;
    assert_eq!(replay(&broker, "b", To::Queue, Selection::default()).await.moved, 1);
    pass(&broker, &mut client, secs(1)).await;
    assert_eq!((client.count("a").await.0, client.count("b").await.0), (0, 1));
    let (vhost, actor) = operator(&broker);
    let expired = vhost.expire_messages(&actor, "b", Selection::default()).unwrap().finished().await;
    assert_eq!(expired.moved, 1);
    assert_eq!(
        (client.count("a").await.0, client.count("b").await.0),
        (0, 0),
        "it would have gone round for ever"
    );
}

#[tokio::test]
async fn messages_that_are_being_delivered_are_left_alone() {
    let (broker, mut client) = start().await;
    die(&mut client, &["a", "b"]).await;
    let (tag, _, _) = client.get("dead", false).await.unwrap();
    assert_eq!(replay(&broker, "dead", To::Origin, Selection::default()).await.moved, 1);
    client.tell(1, reject(tag, true)).await;
    client.settle().await;
    assert_eq!(
        (client.drain("q").await, client.drain("dead").await),
        (vec!["b".to_owned()], vec!["a".to_owned()])
    );
}
