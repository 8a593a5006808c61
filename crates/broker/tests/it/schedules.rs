//! Delayed exchanges: the contract of RabbitMQ's plugin `x-delayed-message`, and what this broker does beyond it.

use crate::support::*;
use leveret_broker::Broker;
use leveret_broker::auth::PeerInfo;
use leveret_broker::policy::{ApplyTo, Policy, PolicyScope};
use leveret_broker::vhost::{Actor, VirtualHost};
use leveret_protocol::methods::{channel, exchange, queue};
use leveret_protocol::{FieldTable, FieldValue};
use std::sync::Arc;

const YEAR: u64 = 365 * 24 * 3600;

fn delayed<'a>(name: &'a str, kind: &str) -> exchange::Declare<'a> {
    let arguments = arguments([("x-delayed-type", kind.into())]);
    exchange::Declare {
        exchange: short(name),
        kind: short("x-delayed-message"),
        durable: true,
        arguments,
        ..Default::default()
    }
}

fn later<'a>(key: &'a str, body: &'a str, delay: impl Into<FieldValue>) -> Publishing<'a> {
    let mut publishing = Publishing { exchange: "later", ..Publishing::to(key, body) };
    publishing.properties.headers = Some(arguments([("x-delay", delay.into())]));
    publishing
}

async fn bind(client: &mut Client, queue: &str, exchange: &str, key: &str) {
    let bind = queue::Bind {
        queue: short(queue),
        exchange: short(exchange),
        routing_key: short(key),
        ..Default::default()
    };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
}

async fn start() -> (Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    assert_eq!(client.call(1, delayed("later", "topic")).await, Got::Reply("exchange.declare-ok"));
    client.declare(queue_with("q", FieldTable::new())).await;
    bind(&mut client, "q", "later", "order.#").await;
    (broker, client)
}

fn operator(broker: &Broker) -> (Arc<VirtualHost>, Actor) {
    let vhost = broker.vhosts().remove(0);
    let user = broker.auth().check_password("guest", b"guest", &PeerInfo::in_process()).unwrap();
    (vhost, Actor { user, connection: 0 })
}

#[tokio::test]
async fn a_message_comes_when_it_is_due_and_says_that_it_waited() {
    let (broker, mut client) = start().await;
    client.confirm().await;
    client.publish(later("order.new", "m", 1500).mandatory()).await;
    client.settle().await;
    assert_eq!(
        client.lying_here().await,
        [Got::Ack { channel: 1, tag: 1, multiple: false }],
        "taken, not returned"
    );
    pass(&broker, &mut client, ms(1499)).await;
    assert!(client.get("q", true).await.is_none());
    pass(&broker, &mut client, ms(1)).await;
    let (_, redelivered, message) = client.get("q", true).await.expect("it is due");
    assert!(!redelivered);
    assert_eq!((message.text(), &*message.exchange, &*message.routing_key), ("m", "later", "order.new"));
    assert_eq!(message.headers().get("x-delay"), Some(&FieldValue::I32(-1500)));
}

#[tokio::test]
async fn what_is_no_number_above_zero_is_routed_at_once() {
    let (_broker, mut client) = start().await;
    for delay in [FieldValue::I32(0), FieldValue::I32(-5), "soon".into(), FieldValue::Void, true.into()] {
        client.publish(later("order.x", "m", delay.clone())).await;
        client.settle().await;
        let (_, _, message) = client.get("q", true).await.unwrap_or_else(|| panic!("{delay:?}"));
        assert_eq!(message.text(), "m");
    }
    client.publish(Publishing { exchange: "later", ..Publishing::to("order.x", "plain") }).await;
    client.settle().await;
    assert_eq!(client.drain("q").await, ["plain"]);
    client.publish(later("nobody.wants", "lost", 0).mandatory()).await;
    client.settle().await;
    assert!(matches!(&client.arrived().await[..], [Got::Return { code: 312, .. }]));
}

#[tokio::test]
async fn they_come_in_the_order_of_their_moments_and_of_their_arrival_within_one() {
    let (broker, mut client) = start().await;
    for (text, delay) in [("c", 3000), ("a", 1000), ("d", 3000), ("b", 2000), ("e", 3000)] {
        client.publish(later("order", text, delay)).await;
    }
    client.settle().await;
    client.consume(consume("q", "c")).await;
    for wanted in [&["a"][..], &["b"], &["c", "d", "e"]] {
        pass(&broker, &mut client, secs(1)).await;
        assert_eq!(client.delivered().await, wanted);
    }
}

#[tokio::test]
async fn years_pass_and_hours_do_not_disturb() {
    let (broker, mut client) = start().await;
    client.publish(later("order", "far", (5 * YEAR * 1000) as i64)).await;
    client.publish(later("order", "text", "60000")).await;
    client.settle().await;
    pass(&broker, &mut client, secs(60)).await;
    assert_eq!(client.drain("q").await, ["text"]);
    pass(&broker, &mut client, secs(5 * YEAR - 61)).await;
    assert!(client.get("q", true).await.is_none());
    pass(&broker, &mut client, secs(1)).await;
    assert_eq!(client.drain("q").await, ["far"]);
}

#[tokio::test]
async fn its_own_time_to_live_begins_when_it_is_routed() {
    let (broker, mut client) = start().await;
    client.publish(later("order", "m", 10_000).expiring(1_000)).await;
    client.settle().await;
    pass(&broker, &mut client, secs(10)).await;
    assert_eq!(client.count("q").await, (1, 0));
    pass(&broker, &mut client, secs(1)).await;
    assert!(client.get("q", true).await.is_none());
}

#[tokio::test]
async fn routes_of_the_moment_count_and_an_exchange_in_front_may_lead_there() {
    let (broker, mut client) = start().await;
    let front = exchange::Declare { exchange: short("front"), kind: short("fanout"), ..Default::default() };
    client.call(1, front).await;
    let both = exchange::Bind { destination: short("later"), source: short("front"), ..Default::default() };
    assert_eq!(client.call(1, both).await, Got::Reply("exchange.bind-ok"));
    let publishing = Publishing { exchange: "front", ..later("order", "m", 1000) };
    client.publish(publishing).await;
    client.declare(queue_with("late", FieldTable::new())).await;
    bind(&mut client, "late", "later", "order").await;
    pass(&broker, &mut client, secs(1)).await;
    for queue in ["q", "late"] {
        let (_, _, message) = client.get(queue, true).await.expect(queue);
        assert_eq!(message.exchange, "front", "the exchange it was published to");
    }
}

#[tokio::test]
async fn an_exchange_takes_what_it_holds_with_it() {
    let (broker, mut client) = start().await;
    client.publish(later("order", "m", 1000)).await;
    client.settle().await;
    let delete = exchange::Delete { exchange: short("later"), ..Default::default() };
    assert_eq!(client.call(1, delete).await, Got::Reply("exchange.delete-ok"));
    assert_eq!(client.call(1, delayed("later", "topic")).await, Got::Reply("exchange.declare-ok"));
    bind(&mut client, "q", "later", "#").await;
    pass(&broker, &mut client, secs(10)).await;
    assert!(client.get("q", true).await.is_none());
}

#[tokio::test]
async fn the_type_to_route_by_has_to_be_named() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let text = "Invalid argument, 'x-delayed-type' must be an existing exchange type";
    let without = exchange::Declare { arguments: FieldTable::new(), ..delayed("x", "direct") };
    for (declare, code, words) in [
        (without, 406, text),
        (delayed("x", "x-delayed-message"), 406, text),
        (delayed("x", "nonsense"), 503, "unknown exchange type 'nonsense'"),
    ] {
        match client.call(1, declare).await {
            Got::Close { code: found, text, .. } => {
                assert_eq!(found, code);
                assert!(text.contains(words), "{text}");
            }
            other => panic!("{other:?}"),
        }
        if code == 406 {
            client.open(1).await;
        }
    }
    client.tell(1, channel::CloseOk).await;
}

#[tokio::test]
async fn they_are_listed_cancelled_and_sent_ahead_of_time() {
    let (broker, mut client) = start().await;
    for (text, delay) in [("c", 3000), ("a", 1000), ("b", 2000)] {
        client.publish(later("order", text, delay)).await;
    }
    client.settle().await;
    let (vhost, actor) = operator(&broker);
    assert_eq!(vhost.scheduled_count(&actor, "later").unwrap(), (3, 3));
    let all = vhost.scheduled(&actor, "later", 0, 10).unwrap();
    let texts: Vec<&[u8]> = all.iter().map(|scheduled| scheduled.message.body()).collect();
    assert_eq!(texts, [b"a", b"b", b"c"]);
    assert_eq!(all[0].due_unix_ms, START_UNIX_MS + 1000);
    let rest = vhost.scheduled(&actor, "later", all[0].id, 1).unwrap();
    assert_eq!(rest[0].id, all[1].id, "a page begins behind the last one");
    assert!(vhost.cancel_scheduled(&actor, "later", all[0].id).unwrap());
    assert!(!vhost.cancel_scheduled(&actor, "later", all[0].id).unwrap(), "once");
    assert!(vhost.send_scheduled_now(&actor, "later", all[2].id).unwrap());
    assert_eq!(client.drain("q").await, ["c"]);
    pass(&broker, &mut client, secs(10)).await;
    assert_eq!(client.drain("q").await, ["b"]);
    assert_eq!(vhost.scheduled_count(&actor, "later").unwrap(), (0, 0));
    let refusal = vhost.scheduled(&actor, "amq.topic", 0, 1).unwrap_err().to_string();
    assert!(refusal.contains("not of type x-delayed-message"), "{refusal}");
}

/// The key `delay` of policies, which is ours: every message of an exchange waits.
#[tokio::test]
async fn a_policy_delays_every_message_of_an_exchange_as_long_as_it_is_there() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let declare =
        |name| exchange::Declare { exchange: short(name), kind: short("fanout"), ..Default::default() };
    client.call(1, declare("slow.before")).await;
    let (vhost, actor) = operator(&broker);
    let policy = |delay: u64| Policy {
        name: "slow".into(),
        pattern: "^slow".into(),
        apply_to: ApplyTo::Exchanges,
        priority: 0,
        definition: serde_json::from_value(serde_json::json!({ "delay": delay })).unwrap(),
    };
    vhost.set_policy(PolicyScope::User, policy(5_000)).unwrap();
    client.call(1, declare("slow.after")).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    for name in ["slow.before", "slow.after"] {
        bind(&mut client, "q", name, "").await;
        client.publish(Publishing { exchange: name, ..Publishing::to("key", name) }).await;
    }
    // What such a message says of its own is not for this exchange.
    client.publish(Publishing { exchange: "slow.after", ..later("key", "own", 1) }).await;
    client.settle().await;
    assert_eq!(vhost.scheduled_count(&actor, "slow.before").unwrap().0, 1);
    pass(&broker, &mut client, ms(4_999)).await;
    assert!(client.get("q", true).await.is_none());
    pass(&broker, &mut client, ms(1)).await;
    let mut arrived = client.drain("q").await;
    arrived.sort_unstable();
    assert_eq!(arrived, ["own", "slow.after", "slow.before"]);
    client.publish(Publishing { exchange: "slow.before", ..Publishing::to("key", "waits") }).await;
    client.settle().await;
    vhost.clear_policy(PolicyScope::User, "slow").unwrap();
    client.publish(Publishing { exchange: "slow.before", ..Publishing::to("key", "at once") }).await;
    client.settle().await;
    assert_eq!(client.drain("q").await, ["at once"]);
    pass(&broker, &mut client, secs(5)).await;
    assert_eq!(client.drain("q").await, ["waits"], "what waits already comes when it was to");
}
