use super::*;

const SEGMENT: (&str, FieldValue) = ("x-stream-max-segment-size-bytes", FieldValue::I64(1000));

async fn first_offset(client: &mut Client) -> Option<u64> {
    client.consume(from("s", "c", "first")).await;
    let all = offsets(client).await;
    client.tell(1, basic::Ack { delivery_tag: 0, multiple: true }).await;
    let first = all.first().copied();
    client.call(1, basic::Cancel { consumer_tag: short("c"), no_wait: false }).await;
    first
}

async fn publish_kilobytes(client: &mut Client, count: usize) {
    for _ in 0..count {
        client.publish(Publishing::bytes("s", &[b'x'; 1000])).await;
    }
    client.settle().await;
}

#[tokio::test]
async fn by_bytes_the_oldest_segments_go() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(stream("s", &[SEGMENT, ("x-max-length-bytes", 5000.into())])).await;
    qos(&mut client, 1000).await;
    publish_kilobytes(&mut client, 4).await;
    assert_eq!((client.count("s").await.0, first_offset(&mut client).await), (4, Some(0)));
    publish_kilobytes(&mut client, 20).await;
    // A message is a segment here, and takes a little more than its 1000 bytes.
    assert_eq!((client.count("s").await.0, first_offset(&mut client).await), (4, Some(20)));
    assert!(broker.memory().bytes() < 6000, "{}", broker.memory().bytes());
}

#[tokio::test]
async fn by_age_the_oldest_segments_go_when_their_time_comes() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(stream("s", &[SEGMENT, ("x-max-age", "1h".into())])).await;
    qos(&mut client, 1000).await;
    for _ in 0..3 {
        publish_kilobytes(&mut client, 2).await;
        pass(&broker, &mut client, secs(1200)).await;
    }
    assert_eq!(client.count("s").await.0, 6, "an hour is not over");
    pass(&broker, &mut client, ms(101)).await;
    assert_eq!((client.count("s").await.0, first_offset(&mut client).await), (4, Some(2)));
    pass(&broker, &mut client, secs(86_400)).await;
    pass(&broker, &mut client, secs(1)).await;
    assert_eq!(
        (client.count("s").await.0, first_offset(&mut client).await),
        (1, Some(5)),
        "one segment stays"
    );
    fill(&mut client, "s", 0..1).await;
    assert_eq!(client.count("s").await.0, 2);
}

#[tokio::test]
async fn a_consumer_that_is_overtaken_goes_on_with_what_is_left() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(stream("s", &[SEGMENT, ("x-max-length-bytes", 3500.into())])).await;
    qos(&mut client, 1).await;
    publish_kilobytes(&mut client, 2).await;
    client.consume(from("s", "c", "first")).await;
    assert_eq!(offsets(&mut client).await, [0]);
    publish_kilobytes(&mut client, 10).await;
    client.tell(1, ack(1)).await;
    assert_eq!(offsets(&mut client).await, [9]);
}
