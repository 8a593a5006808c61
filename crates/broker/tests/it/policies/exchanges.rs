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

fn numbered<'a>(exchange: &'a str, text: &'a str, id: &str) -> Publishing<'a> {
    let mut publishing = Publishing { exchange, ..Publishing::to("k", text) };
    publishing.properties.headers = Some(arguments([("x-deduplication-header", id.into())]));
    publishing
}

#[tokio::test]
async fn duplicates_are_dropped_while_a_policy_says_so() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    exchange(&mut client, "q.x", FieldTable::new()).await;
    client.declare(queue_with("all", FieldTable::new())).await;
    for name in ["q.x", "amq.direct"] {
        let bind = queue::Bind {
            queue: short("all"),
            exchange: short(name),
            routing_key: short("k"),
            ..Default::default()
        };
        assert_eq!(client.call(1, bind).await, Got::Reply("queue.bind-ok"));
    }
    let twice = async |client: &mut Client, exchange: &str, id: &str| {
        for text in ["first", "again"] {
            client.publish(numbered(exchange, text, id)).await;
        }
        client.settle().await;
        client.drain("all").await
    };
    let (once, both) = (vec!["first"], vec!["first", "again"]);
    assert_eq!(twice(&mut client, "q.x", "1").await, both, "no policy yet");
    set(&broker, json!({ "message-deduplication": true }));
    assert_eq!(twice(&mut client, "q.x", "1").await, once, "it begins with the next message");
    assert_eq!(twice(&mut client, "q.x", "1").await, Vec::<String>::new());
    set(&broker, json!({ "message-deduplication": true, "cache-size": 1 }));
    assert_eq!(twice(&mut client, "q.x", "2").await, once);
    assert_eq!(twice(&mut client, "q.x", "1").await, once, "forgotten: there is room for one");
    assert_eq!(vhost(&broker).seen_figures("q.x").unwrap().ids, 1);
    set(&broker, json!({ "message-deduplication": true, "deduplication-header": "other" }));
    assert_eq!(twice(&mut client, "q.x", "3").await, both, "another header is looked at");
    set(&broker, json!({ "max-length": 5 }));
    assert_eq!(twice(&mut client, "q.x", "1").await, both, "it ends, and all is forgotten");
    assert!(vhost(&broker).seen_figures("q.x").is_none());
    let all = policy("all", "", json!({ "message-deduplication": true }));
    vhost(&broker).set_policy(PolicyScope::User, all).unwrap();
    exchange(&mut client, "new", FieldTable::new()).await;
    assert!(vhost(&broker).seen_figures("new").is_some(), "what is declared later");
    assert!(vhost(&broker).seen_figures("amq.direct").is_none(), "pre-declared ones are left alone");
}
