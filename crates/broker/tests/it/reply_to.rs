//! Direct reply-to. Source: RabbitMQ, "Direct Reply-to".

use crate::support::*;
use leveret_protocol::methods::{basic, queue};
use leveret_protocol::{FieldTable, Properties};

const REPLY_TO: &str = "amq.rabbitmq.reply-to";

async fn await_replies(client: &mut Client) {
    client.consume(basic::Consume { no_ack: true, ..consume(REPLY_TO, "replies") }).await;
}

fn request(text: &str) -> Publishing<'_> {
    let properties = Properties {
        reply_to: Some(REPLY_TO.into()),
        correlation_id: Some(format!("id of {text}")),
        ..Properties::default()
    };
    Publishing { properties, ..Publishing::to("requests", text) }
}

#[tokio::test]
async fn a_reply_goes_straight_to_the_requester() {
    let broker = broker();
    let mut server = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    server.declare(queue_with("requests", FieldTable::new())).await;
    await_replies(&mut client).await;
    for text in ["1", "2"] {
        client.publish(request(text)).await;
    }
    client.settle().await;
    for text in ["1", "2"] {
        let (_, _, asked) = server.get("requests", true).await.unwrap();
        let address = asked.properties.reply_to.clone().unwrap();
        assert!(address.starts_with("amq.rabbitmq.reply-to."), "{address}");
        // It answers a passive declare as long as somebody waits there.
        let passive = queue::Declare { queue: short(&address), passive: true, ..Default::default() };
        assert_eq!(server.declare(passive).await, (0, 1));
        let reply =
            Publishing { properties: asked.properties.clone(), ..Publishing::to(&address, asked.text()) };
        server.publish(reply).await;
        assert_eq!(server.arrived().await, []);
        let [Got::Deliver { consumer, redelivered: false, message, .. }] = &client.arrived().await[..] else {
            panic!()
        };
        assert_eq!((consumer.as_str(), message.text()), ("replies", text));
        assert_eq!(message.properties.correlation_id.as_deref(), Some(&*format!("id of {text}")));
    }
}

#[tokio::test]
async fn a_reply_to_somebody_who_left_is_dropped_and_was_never_routed() {
    let broker = broker();
    let mut server = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    server.declare(queue_with("requests", FieldTable::new())).await;
    await_replies(&mut client).await;
    client.publish(request("1")).await;
    client.settle().await;
    let (_, _, asked) = server.get("requests", true).await.unwrap();
    let address = asked.properties.reply_to.unwrap();
    client.call(1, basic::Cancel { consumer_tag: short("replies"), no_wait: false }).await;
    server.confirm().await;
    server.publish(Publishing::to(&address, "late").mandatory()).await;
    let [Got::Return { code: 312, message, .. }, Got::Ack { tag: 1, .. }] = &server.arrived().await[..]
    else {
        panic!()
    };
    assert_eq!(message.text(), "late");
    let passive = queue::Declare { queue: short(&address), passive: true, ..Default::default() };
    assert!(matches!(server.call(1, passive).await, Got::Close { channel: 1, code: 404, .. }));
}

#[tokio::test]
async fn the_rules_of_the_pseudo_queue() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let with_ack = client.call(1, consume(REPLY_TO, "replies")).await;
    let text = "PRECONDITION_FAILED - reply consumer cannot acknowledge";
    assert_eq!(with_ack, Got::Close { channel: 1, code: 406, text: text.into() });
    client.open(1).await;
    client.publish(request("nobody waits here")).await;
    let text = "PRECONDITION_FAILED - fast reply consumer does not exist";
    assert_eq!(client.answer(1).await, Got::Close { channel: 1, code: 406, text: text.into() });
    client.open(1).await;
    await_replies(&mut client).await;
    let second = client.call(1, basic::Consume { no_ack: true, ..consume(REPLY_TO, "more") }).await;
    let text = "PRECONDITION_FAILED - reply consumer already set";
    assert_eq!(second, Got::Close { channel: 1, code: 406, text: text.into() });
}

/// A requester that does not read its replies costs no more than one connection's output may.
#[tokio::test]
async fn replies_to_somebody_who_does_not_read_are_bounded() {
    let broker = broker_with(|config| config.limits.outgoing_bytes_max = 100_000);
    let mut server = Client::to(&broker).await;
    let mut client = Client::to(&broker).await;
    server.declare(queue_with("requests", FieldTable::new())).await;
    await_replies(&mut client).await;
    client.publish(request("1")).await;
    client.settle().await;
    let (_, _, asked) = server.get("requests", true).await.unwrap();
    let address = asked.properties.reply_to.unwrap();
    let body = vec![1; 10_000];
    for _ in 0..200 {
        server.publish(Publishing::bytes(&address, &body)).await;
        server.settle().await;
    }
    let taken = client.arrived().await.len();
    // The in-process transport buffers 256 KiB more.
    assert!((10..=50).contains(&taken), "{taken} replies were kept for it");
}
