//! Who holds what.

use super::*;
use leveret_protocol::FieldTable;

#[tokio::test]
async fn what_consumers_hold_is_told_with_by_whom_and_since_when() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.declare(queue_with("other", FieldTable::new())).await;
    client.fill("q", &["a", "b", "c"]).await;
    client.fill("other", &["not this"]).await;
    client.get("other", false).await.unwrap();
    client.get("q", false).await.unwrap();
    pass(&broker, &mut client, secs(5)).await;
    let mut second = Client::to(&broker).await;
    second.call(1, prefetch(1)).await;
    second.consume(consume("q", "tag")).await;
    assert_eq!(second.delivered().await, ["b"]);
    pass(&broker, &mut client, secs(5)).await;
    let (vhost, actor) = operator(&broker);
    let held = broker.unacked(&vhost, &actor, "q", 10).await.unwrap();
    let connections: Vec<u64> = broker.connections().iter().map(|connection| connection.id).collect();
    let found: Vec<_> =
        held.messages.iter().map(|held| (held.message.body(), held.connection, held.delivery_tag)).collect();
    assert_eq!(found, [(&b"a"[..], connections[0], 2), (b"b", connections[1], 1)]);
    let since: Vec<u64> = held.messages.iter().map(|held| held.since_unix_ms - START_UNIX_MS).collect();
    assert_eq!((since, held.silent), (vec![0, 5_000], 0));
    let tags: Vec<_> = held.messages.iter().map(|held| held.consumer_tag.as_deref()).collect();
    assert_eq!(tags, [None, Some("tag")]);
    assert_eq!(broker.unacked(&vhost, &actor, "q", 1).await.unwrap().messages.len(), 1);
    client.tell(1, ack(2)).await;
    client.settle().await;
    let held = broker.unacked(&vhost, &actor, "q", 10).await.unwrap();
    assert_eq!((held.messages.len(), held.messages[0].message.body()), (1, &b"b"[..]));
    assert!(broker.unacked(&vhost, &actor, "none", 10).await.is_err());
}
