//! Queues under policies.

use super::*;
use leveret_protocol::methods::queue;

async fn count(client: &mut Client) -> u32 {
    client.settle().await;
    client.count("q").await.0
}

#[tokio::test]
async fn a_length_limit_trims_at_once_and_goes_with_its_policy() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("dead", FieldTable::new())).await;
    let dead_letters = [("x-dead-letter-exchange", "".into()), ("x-dead-letter-routing-key", "dead".into())];
    client.declare(queue_with("q", arguments(dead_letters))).await;
    client.declare(queue_with("other", FieldTable::new())).await;
    for queue in ["q", "other"] {
        client.fill(queue, &["1", "2", "3", "4", "5"]).await;
    }
    set(&broker, json!({"max-length": 2}));
    assert_eq!(client.drain("dead").await, ["1", "2", "3"]);
    assert_eq!((count(&mut client).await, client.count("other").await.0), (2, 5));
    client.fill("q", &["6"]).await;
    assert_eq!(client.drain("dead").await, ["4"]);
    clear(&broker);
    client.fill("q", &["7", "8"]).await;
    assert_eq!(client.drain("q").await, ["5", "6", "7", "8"]);
    assert!(client.drain("dead").await.is_empty());
}

#[tokio::test]
async fn a_limit_in_bytes_and_another_overflow_take_effect_at_once() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["aaaa", "bbbb", "cccc"]).await;
    set(&broker, json!({"max-length-bytes": 9}));
    assert_eq!(count(&mut client).await, 2);
    // A queue that refuses does not drop what it has.
    set(&broker, json!({"max-length": 1, "overflow": "reject-publish"}));
    assert_eq!(count(&mut client).await, 2);
    client.confirm().await;
    client.publish(Publishing::to("q", "d")).await;
    assert!(matches!(client.next().await, Got::Nack { .. }));
    clear(&broker);
    client.publish(Publishing::to("q", "e")).await;
    assert!(matches!(client.next().await, Got::Ack { .. }));
    assert_eq!(client.drain("q").await, ["bbbb", "cccc", "e"]);
}

/// RabbitMQ 3.10.8 was asked: a time to live by policy is given to messages when they enter, and neither a new policy, a changed one nor
/// its end changes it.
#[tokio::test]
async fn a_time_to_live_is_for_messages_that_enter_from_then_on() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["before"]).await;
    set(&broker, json!({"message-ttl": 1000}));
    pass(&broker, &mut client, secs(60)).await;
    assert_eq!(client.drain("q").await, ["before"]);
    client.fill("q", &["with it"]).await;
    clear(&broker);
    client.fill("q", &["after"]).await;
    pass(&broker, &mut client, ms(999)).await;
    assert_eq!(count(&mut client).await, 2);
    pass(&broker, &mut client, ms(1)).await;
    assert_eq!(client.drain("q").await, ["after"]);
}

#[tokio::test]
async fn an_unused_queue_expires_counted_from_the_policy() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let there = || vhost(&broker).topology().queue("q").is_some();
    client.declare(queue_with("q", FieldTable::new())).await;
    pass(&broker, &mut client, secs(100)).await;
    set(&broker, json!({"expires": 10_000}));
    pass(&broker, &mut client, ms(9_999)).await;
    assert!(there());
    // Another time starts anew; the same one in another policy does not.
    set(&broker, json!({"expires": 20_000}));
    pass(&broker, &mut client, ms(15_000)).await;
    set(&broker, json!({"expires": 20_000, "max-length": 1}));
    pass(&broker, &mut client, ms(4_999)).await;
    assert!(there());
    pass(&broker, &mut client, ms(1)).await;
    assert!(!there());
    client.declare(queue_with("q", FieldTable::new())).await;
    clear(&broker);
    pass(&broker, &mut client, secs(3600)).await;
    assert!(there());
}

#[tokio::test]
async fn dead_letters_go_where_the_policy_says_from_then_on() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    for name in ["dead", "own"] {
        client.declare(queue_with(name, FieldTable::new())).await;
    }
    client.declare(queue_with("q", FieldTable::new())).await;
    let own = [("x-dead-letter-exchange", "".into()), ("x-dead-letter-routing-key", "own".into())];
    client.declare(queue_with("q.own", arguments(own))).await;
    let refuse = async |client: &mut Client, queue: &str, text: &str| {
        client.fill(queue, &[text]).await;
        let (tag, ..) = client.get(queue, false).await.unwrap();
        client.tell(1, reject(tag, false)).await;
        client.settle().await;
    };
    refuse(&mut client, "q", "before").await;
    set(&broker, json!({"dead-letter-exchange": "", "dead-letter-routing-key": "dead"}));
    refuse(&mut client, "q", "with it").await;
    refuse(&mut client, "q.own", "declared otherwise").await;
    clear(&broker);
    refuse(&mut client, "q", "after").await;
    assert_eq!(client.drain("dead").await, ["with it"]);
    assert_eq!(client.drain("own").await, ["declared otherwise"]);
}

#[tokio::test]
async fn a_quorum_queues_delivery_limit_follows() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let quorum = arguments([("x-queue-type", "quorum".into())]);
    client.declare(queue::Declare { durable: true, ..queue_with("q", quorum) }).await;
    client.fill("q", &["poison"]).await;
    set(&broker, json!({"delivery-limit": 1}));
    for _ in 0..2 {
        let (tag, ..) = client.get("q", false).await.unwrap();
        client.tell(1, reject(tag, true)).await;
        client.settle().await;
    }
    assert!(client.get("q", false).await.is_none());
}

#[tokio::test]
async fn nobody_goes_beyond_the_operators_policy() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-max-length", 50.into())]))).await;
    let texts: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    client.fill("q", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    set(&broker, json!({"max-length": 30}));
    assert_eq!(count(&mut client).await, 30);
    set_operators(&broker, json!({"max-length": 20}));
    assert_eq!(count(&mut client).await, 20);
    set(&broker, json!({"max-length": 10}));
    assert_eq!(count(&mut client).await, 10);
    clear(&broker);
    client.fill("q", &["x"; 20]).await;
    assert_eq!(count(&mut client).await, 20);
    assert!(vhost(&broker).clear_policy(PolicyScope::Operator, "o").unwrap());
    client.fill("q", &["x"; 60]).await;
    assert_eq!(count(&mut client).await, 50, "what it was declared with");
}

#[tokio::test]
async fn new_queues_have_it_from_the_start_and_may_be_declared_again() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    set(&broker, json!({"max-length": 1}));
    for _ in 0..2 {
        client.declare(queue_with("q", FieldTable::new())).await;
    }
    client.fill("q", &["1", "2"]).await;
    assert_eq!(client.drain("q").await, ["2"]);
    let other = Policy {
        priority: 1,
        apply_to: ApplyTo::QuorumQueues,
        ..policy("quorum", "", json!({"max-length": 3}))
    };
    vhost(&broker).set_policy(PolicyScope::User, other).unwrap();
    let quorum = arguments([("x-queue-type", "quorum".into())]);
    client.declare(queue::Declare { durable: true, ..queue_with("q.quorum", quorum) }).await;
    client.fill("q.quorum", &["1", "2", "3", "4"]).await;
    assert_eq!(client.drain("q.quorum").await, ["2", "3", "4"]);
    client.fill("q", &["1", "2"]).await;
    assert_eq!(client.drain("q").await, ["2"]);
}

#[tokio::test]
async fn what_is_on_disk_only_is_trimmed_too() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker_with(|config| {
        config.data = leveret_broker::DataLocation::Directory(folder.path().to_owned());
        // Everything that nobody waits for goes to the disk, but for the first few hundred.
        config.limits.backlog_bytes_max = 1;
    });
    let mut client = Client::to(&broker).await;
    client.declare(queue::Declare { durable: true, ..queue_with("q", FieldTable::new()) }).await;
    let texts: Vec<String> = (0..600).map(|n| n.to_string()).collect();
    client.fill("q", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    set(&broker, json!({"max-length": 10}));
    while client.count("q").await.0 > 10 {
        // It is fetched by a thread that waits for the disk.
        tokio::time::sleep(ms(1)).await;
    }
    assert_eq!(client.drain("q").await, texts[590..]);
}

#[tokio::test]
async fn deduplication_comes_changes_and_goes_with_its_policy() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    async fn enters(client: &mut Client, header: &str, id: &str) -> bool {
        let mut publishing = Publishing::to("q", id);
        publishing.properties.headers = Some(arguments_of(header, id));
        client.publish(publishing).await;
        client.settle().await;
        !client.drain("q").await.is_empty()
    }
    let default = "x-deduplication-header";
    assert!(enters(&mut client, default, "before").await);
    set(&broker, json!({"message-deduplication": true, "cache-size": 3}));
    for (id, is_new) in [("before", true), ("before", false), ("a", true), ("b", true), ("a", false)] {
        assert_eq!(enters(&mut client, default, id).await, is_new, "{id}");
    }
    set(&broker, json!({"message-deduplication": true, "cache-size": 2, "deduplication-header": "id"}));
    assert!(enters(&mut client, default, "b").await, "another header counts");
    for (id, is_new) in [("a", false), ("b", false), ("before", true)] {
        assert_eq!(enters(&mut client, "id", id).await, is_new, "{id}: the oldest was forgotten");
    }
    clear(&broker);
    assert!(enters(&mut client, "id", "before").await);
    set(&broker, json!({"message-deduplication": true, "deduplication-header": "id"}));
    assert!(enters(&mut client, "id", "before").await, "it was forgotten");
    for wrong in [json!({"cache-size": 0}), json!({"message-deduplication": "yes"}), json!({"cache-ttl": -1})]
    {
        assert!(vhost(&broker).set_policy(PolicyScope::User, policy("w", "^q", wrong)).is_err());
    }
}

fn arguments_of(header: &str, id: &str) -> FieldTable {
    let mut table = FieldTable::new();
    table.insert(header, id);
    table
}
