//! Exchanges under policies: where messages go that match nothing.

use super::*;
use leveret_protocol::methods::{exchange, queue};

async fn exchange(client: &mut Client, name: &str, arguments: FieldTable) {
    let declare =
        exchange::Declare { exchange: short(name), kind: short("direct"), arguments, ..Default::default() };
    assert_eq!(client.call(1, declare).await, Got::Reply("exchange.declare-ok"));
}

/// A queue that gets all that comes to a fanout exchange of its name.
async fn sink(client: &mut Client, name: &str) {
    let declare = exchange::Declare { exchange: short(name), kind: short("fanout"), ..Default::default() };
    assert_eq!(client.call(1, declare).await, Got::Reply("exchange.declare-ok"));
    client.declare(queue_with(name, FieldTable::new())).await;
    let bind = queue::Bind { queue: short(name), exchange: short(name), ..Default::default() };
    assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
}

async fn publish(client: &mut Client, exchange: &str, text: &str) {
    client.publish(Publishing { exchange, ..Publishing::to("nowhere", text) }).await;
    client.settle().await;
}

#[tokio::test]
async fn an_alternate_exchange_comes_and_goes() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    sink(&mut client, "unrouted").await;
    sink(&mut client, "own").await;
    exchange(&mut client, "q.plain", FieldTable::new()).await;
    exchange(&mut client, "q.own", arguments([("alternate-exchange", "own".into())])).await;
    publish(&mut client, "q.plain", "before").await;
    set(&broker, json!({"alternate-exchange": "unrouted"}));
    exchange(&mut client, "q.new", FieldTable::new()).await;
    publish(&mut client, "q.plain", "there").await;
    publish(&mut client, "q.new", "new").await;
    publish(&mut client, "q.own", "declared").await;
    clear(&broker);
    publish(&mut client, "q.plain", "after").await;
    publish(&mut client, "q.own", "declared still").await;
    assert_eq!(client.drain("unrouted").await, ["there", "new"]);
    assert_eq!(client.drain("own").await, ["declared", "declared still"]);
}

#[tokio::test]
async fn which_policy_applies_can_be_seen_and_kinds_count() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    exchange(&mut client, "q", FieldTable::new()).await;
    let vhost = vhost(&broker);
    let seen = || vhost.topology().exchange("q").unwrap().policies.policy().map(|name| name.to_string());
    let of = |apply_to| Policy { apply_to, ..policy("p", "^q", json!({"alternate-exchange": "x"})) };
    for (apply_to, applies) in [(ApplyTo::All, true), (ApplyTo::Queues, false), (ApplyTo::Exchanges, true)] {
        vhost.set_policy(PolicyScope::User, of(apply_to)).unwrap();
        assert_eq!(seen().is_some(), applies, "{apply_to}");
    }
    let alternate = || vhost.topology().exchange("q").unwrap().alternate.as_deref().map(str::to_owned);
    assert_eq!(alternate().as_deref(), Some("x"));
    clear(&broker);
    assert_eq!((seen(), alternate()), (None, None));
}
