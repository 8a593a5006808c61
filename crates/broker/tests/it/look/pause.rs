//! A paused queue takes everything and gives nothing.

use super::*;
use leveret_broker::definitions::Definitions;
use leveret_broker::refusal::Refusal;
use leveret_protocol::FieldTable;
use leveret_protocol::methods::queue;

fn is_paused(broker: &Broker) -> bool {
    broker.vhost("/").unwrap().topology().queue("q").unwrap().figures().paused
}

#[tokio::test]
async fn consumers_stay_and_get_nothing_until_it_is_resumed() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.call(1, prefetch(1)).await;
    client.consume(consume("q", "c")).await;
    client.fill("q", &["before"]).await;
    assert_eq!(client.delivered().await, ["before"]);
    let (vhost, actor) = operator(&broker);
    assert!(vhost.pause_queue(&actor, "q").unwrap() && is_paused(&broker));
    assert!(!vhost.pause_queue(&actor, "q").unwrap(), "it was already");
    client.fill("q", &["a", "b"]).await;
    client.tell(1, ack(1)).await;
    client.settle().await;
    assert!(client.get("q", true).await.is_none());
    assert_eq!((client.lying_here().await, client.count("q").await), (Vec::new(), (2, 1)));
    let mut late = Client::to(&broker).await;
    late.consume(consume("q", "late")).await;
    assert_eq!(late.delivered().await, [] as [&str; 0]);
    assert!(vhost.resume_queue(&actor, "q").unwrap() && !is_paused(&broker));
    assert_eq!(client.delivered().await, ["a"]);
    assert_eq!(late.delivered().await, ["b"]);
    assert!(!vhost.resume_queue(&actor, "q").unwrap());
}

#[tokio::test]
async fn a_consumer_that_waits_gets_nothing_straight_from_a_publisher() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.consume(consume("q", "c")).await;
    let (vhost, actor) = operator(&broker);
    vhost.pause_queue(&actor, "q").unwrap();
    client.fill("q", &["a"]).await;
    assert_eq!(client.delivered().await, [] as [&str; 0]);
    vhost.resume_queue(&actor, "q").unwrap();
    assert_eq!(client.delivered().await, ["a"]);
}

#[tokio::test]
async fn what_a_consumer_gives_back_and_what_expires_goes_its_way() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["back"]).await;
    client.publish(Publishing::to("q", "dies").expiring(1_000)).await;
    let (tag, _, _) = client.get("q", false).await.unwrap();
    let (vhost, actor) = operator(&broker);
    vhost.pause_queue(&actor, "q").unwrap();
    pass(&broker, &mut client, secs(1)).await;
    assert_eq!(client.count("q").await.0, 0);
    client.tell(1, reject(tag, true)).await;
    client.settle().await;
    assert_eq!(browsed(&broker, "q", 10), ["back"]);
    vhost.resume_queue(&actor, "q").unwrap();
    assert_eq!(client.drain("q").await, ["back"]);
}

#[tokio::test]
async fn pausing_needs_the_permission_to_configure() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    let (vhost, actor) = operator(&broker);
    let reader = leveret_broker::auth::Permissions::new("", ".*", ".*").unwrap();
    broker.auth().set_permissions("guest", "/", reader).unwrap();
    assert!(matches!(vhost.pause_queue(&actor, "q"), Err(Refusal::AccessRefused { .. })));
    assert!(matches!(vhost.resume_queue(&actor, "q"), Err(Refusal::AccessRefused { .. })));
    assert!(!is_paused(&broker));
}

#[tokio::test]
async fn it_goes_along_in_exported_definitions() {
    let first = broker();
    let mut client = Client::to(&first).await;
    for name in ["q", "goes-on"] {
        client.declare(queue::Declare { durable: true, ..queue_with(name, FieldTable::new()) }).await;
    }
    let (vhost, actor) = operator(&first);
    vhost.pause_queue(&actor, "q").unwrap();
    let exported = first.definitions().to_json();
    assert_eq!(exported.matches(r#""paused":true"#).count(), 1, "{exported}");
    let second = broker();
    second.import(&Definitions::parse(exported.as_bytes()).unwrap()).unwrap();
    assert!(is_paused(&second));
    assert!(!second.vhosts()[0].topology().queue("goes-on").unwrap().figures().paused);
}
