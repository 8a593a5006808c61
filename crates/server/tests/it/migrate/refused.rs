//! A target that does not take what it is given.

use super::{Broker, Migration};
use crate::support::{leveret, success};
use leveret_client::{FieldTable, Message, PublisherOptions};

/// The accident: it was tried six times, each of them a lost consumer to the source, whose delivery limit made dead letters of the messages.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_refuses_stays_where_it_is_and_no_attempt_is_counted() {
    let (from, to) = tokio::join!(Broker::start(), Broker::start());
    let mut arguments = FieldTable::new();
    arguments.insert("x-queue-type", "quorum");
    arguments.insert("x-delivery-limit", 1);
    from.declare("q", arguments).await;
    let publisher = from.connection.publisher(PublisherOptions::to_queue("q")).await.unwrap();
    for number in 0..5 {
        let mut message = Message::new(number.to_string());
        message.properties.user_id = Some("guest".into());
        publisher.send(message).await.unwrap();
    }
    // Who may not publish in the name of guest.
    let folder = tempfile::tempdir().unwrap();
    for words in [
        ["users", "set", "mover", "--new-password", "secret", "--tags", "administrator"].as_slice(),
        &["permissions", "set", "mover"],
    ] {
        let _ = success(leveret(&folder, words).env("LEVERET_HTTP", to.http()));
    }
    let to_url = format!("amqp://mover:secret@{}", to.server.address);
    for _ in 0..3 {
        let (code, row) = Migration::start_between(&from.url(), &from, &to_url, &to, &[]).end().await;
        let verdict = row["verdict"].as_str().unwrap();
        assert!(code == 1 && verdict.starts_with("TO: ") && verdict.contains("user_id"), "{row}");
        assert_eq!((row["stored"]["count"].as_u64(), from.ready("q").await), (Some(0), 5), "{row}");
    }
    let channel = from.connection.channel().await.unwrap();
    let first = channel.basic_get("q", false).await.unwrap().unwrap().delivery;
    let counted =
        first.raw_properties().headers().and_then(|headers| headers.get("x-delivery-count").map(drop));
    assert_eq!((&first.body()[..], counted), (b"0".as_slice(), None));
    first.ack().unwrap();
    channel.close().await.unwrap();
}
