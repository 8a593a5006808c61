//! `x-durability`, and what a message costs on disk.

use super::*;
use leveret_protocol::FieldValue;

#[tokio::test]
async fn a_queue_says_what_stored_means() {
    let first = Durable::start();
    let mut client = first.client().await;
    for (name, survives) in [("memory", 0), ("written", 10), ("synced", 10)] {
        let contract = arguments([("x-durability", FieldValue::LongString(name.as_bytes().to_vec()))]);
        client.declare(durable(name, contract)).await;
        let mut publisher = first.client().await;
        store(&mut publisher, name, &numbered(0..10)).await;
        let second = first.crash(secs(0));
        assert_eq!(second.client().await.count(name).await.0, survives, "{name}");
    }
    let wrong = arguments([("x-durability", FieldValue::LongString(b"forever".to_vec()))]);
    let refused = client.call(1, durable("wrong", wrong)).await;
    let Got::Close { code: 406, text, .. } = refused else { panic!("{refused:?}") };
    assert!(text.contains("x-durability"), "{text}");
}
