use super::*;
use leveret_protocol::Properties;

async fn filled() -> (leveret_broker::Broker, Client) {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(stream("s", &[])).await;
    fill(&mut client, "s", 0..5).await;
    qos(&mut client, 100).await;
    (broker, client)
}

#[tokio::test]
async fn a_consumer_begins_where_it_says() {
    let (broker, mut client) = filled().await;
    broker.clock().advance(secs(10));
    fill(&mut client, "s", 5..7).await;
    let now_s = START_UNIX_MS / 1000 + 10;
    for (offset, expected) in [
        (FieldValue::from("first"), vec![0, 1, 2, 3, 4, 5, 6]),
        ("last".into(), vec![6]),
        ("next".into(), vec![]),
        (4.into(), vec![4, 5, 6]),
        (7.into(), vec![]),
        ((-3).into(), vec![0, 1, 2, 3, 4, 5, 6]),
        ("5s".into(), vec![5, 6]),
        ("1h".into(), vec![0, 1, 2, 3, 4, 5, 6]),
        (FieldValue::Timestamp(now_s - 1), vec![5, 6]),
        (FieldValue::Timestamp(now_s + 1), vec![]),
    ] {
        client.consume(from("s", "c", offset.clone())).await;
        assert_eq!(offsets(&mut client).await, expected, "{offset:?}");
        let cancel = basic::Cancel { consumer_tag: short("c"), no_wait: false };
        assert_eq!(client.call(1, cancel).await, Got::Reply("basic.cancel-ok"));
    }
    client.consume(consume("s", "c")).await;
    assert_eq!(offsets(&mut client).await, [0; 0], "the default is next");
    fill(&mut client, "s", 7..8).await;
    assert_eq!(offsets(&mut client).await, [7]);
}

#[tokio::test]
async fn an_offset_that_is_yet_to_come_is_waited_for() {
    let (_broker, mut client) = filled().await;
    client.consume(from("s", "c", 7)).await;
    fill(&mut client, "s", 5..9).await;
    assert_eq!(offsets(&mut client).await, [7, 8]);
}

#[tokio::test]
async fn consumers_read_each_for_itself_and_take_nothing_away() {
    let (_broker, mut client) = filled().await;
    client.consume(from("s", "a", "first")).await;
    client.consume(from("s", "b", 3)).await;
    let mut got = take(&mut client, 7).await;
    got.sort_by_key(|delivery| (delivery.consumer.clone(), delivery.offset));
    let seen: Vec<_> = got.iter().map(|d| (&*d.consumer, d.offset, &*d.text)).collect();
    assert_eq!(
        seen,
        [
            ("a", 0, "m0"),
            ("a", 1, "m1"),
            ("a", 2, "m2"),
            ("a", 3, "m3"),
            ("a", 4, "m4"),
            ("b", 3, "m3"),
            ("b", 4, "m4")
        ]
    );
    client.tell(1, basic::Ack { delivery_tag: 7, multiple: true }).await;
    assert_eq!(client.count("s").await, (5, 2));
}

#[tokio::test]
async fn the_prefetch_count_is_credit_and_acknowledging_gives_it_back() {
    let (_broker, mut client) = filled().await;
    qos(&mut client, 2).await;
    client.consume(from("s", "c", "first")).await;
    assert_eq!(offsets(&mut client).await, [0, 1]);
    client.tell(1, ack(2)).await;
    assert_eq!(offsets(&mut client).await, [2]);
    client.tell(1, basic::Ack { delivery_tag: 3, multiple: true }).await;
    assert_eq!(offsets(&mut client).await, [3, 4]);
    assert_eq!(offsets(&mut client).await, [0; 0]);
}

#[tokio::test]
async fn the_limit_of_a_channel_counts_too() {
    let (_broker, mut client) = filled().await;
    let global = basic::Qos { global: true, ..prefetch(3) };
    assert_eq!(client.call(1, global).await, Got::Reply("basic.qos-ok"));
    client.consume(from("s", "a", "first")).await;
    client.consume(from("s", "b", "first")).await;
    let got = take(&mut client, 3).await;
    assert!(got.iter().all(|delivery| delivery.consumer == "a"));
    assert_eq!(offsets(&mut client).await, [0; 0]);
    client.tell(1, basic::Ack { delivery_tag: 3, multiple: true }).await;
    assert_eq!(offsets(&mut client).await.len(), 3);
}

#[tokio::test]
async fn what_a_channel_had_not_acknowledged_is_read_again_by_whoever_asks() {
    let (_broker, mut client) = filled().await;
    for channel in [2, 3] {
        client.open(channel).await;
        assert_eq!(client.call(channel, prefetch(10)).await, Got::Reply("basic.qos-ok"));
        assert!(matches!(client.call(channel, from("s", "c", 3)).await, Got::ConsumeOk(_)));
        assert_eq!(offsets(&mut client).await, [3, 4]);
        client.close_channel(channel).await;
    }
    assert_eq!(client.count("s").await, (5, 0));
}

#[tokio::test]
async fn a_consumer_has_to_say_how_much_it_takes_and_to_acknowledge() {
    let resource = "queue 's' in vhost '/'";
    let plain = consume("s", "c");
    let priority = basic::Consume { arguments: arguments([("x-priority", 5.into())]), ..plain.clone() };
    for (prefetched, consume, channel, code, text) in [
        (
            0,
            plain.clone(),
            1,
            406,
            format!("PRECONDITION_FAILED - consumer prefetch count is not set for '{resource}'"),
        ),
        (
            5,
            basic::Consume { no_ack: true, ..plain.clone() },
            0,
            540,
            format!("NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queues {resource}"),
        ),
        (
            5,
            priority,
            1,
            406,
            format!(
                "PRECONDITION_FAILED - invalid arg 'x-priority' for {resource} of queue type rabbit_stream_queue"
            ),
        ),
        (
            5,
            from("s", "c", "5"),
            1,
            406,
            format!(
                "PRECONDITION_FAILED - invalid arg 'x-stream-offset' for {resource}: \
                 {{invalid_stream_offset_arg,{{longstr,<<\"5\">>}}}}"
            ),
        ),
    ] {
        let (_broker, mut client) = filled().await;
        qos(&mut client, prefetched).await;
        client.tell(1, consume).await;
        closes(&mut client, channel, code, &text).await;
    }
}

#[tokio::test]
async fn exclusive_consumers_are_not_alone() {
    let (_broker, mut client) = filled().await;
    for tag in ["a", "b"] {
        client.consume(basic::Consume { exclusive: true, ..from("s", tag, "last") }).await;
    }
    assert_eq!(offsets(&mut client).await, [4, 4]);
}

#[tokio::test]
async fn messages_do_not_go_back() {
    for (what, method) in [
        ("basic.nack and basic.reject", leveret_protocol::Method::from(reject(1, true))),
        ("basic.nack and basic.reject", nack(2, true, false).into()),
        ("basic.recover", basic::Recover { requeue: true }.into()),
    ] {
        let (_broker, mut client) = filled().await;
        client.consume(from("s", "c", "first")).await;
        take(&mut client, 5).await;
        client.tell(1, method).await;
        let text = format!("NOT_IMPLEMENTED - {what} not supported by stream queues queue 's' in vhost '/'");
        closes(&mut client, 0, 540, &text).await;
    }
}

#[tokio::test]
async fn properties_arrive_as_they_were_with_the_offset_among_the_headers() {
    let (_broker, mut client) = filled().await;
    let all = Properties {
        content_type: Some("a/b".into()),
        content_encoding: Some("gz".into()),
        delivery_mode: Some(1),
        priority: Some(3),
        expiration: Some("1".into()),
        message_id: Some("id".into()),
        ..Properties::default()
    };
    let own = arguments([("x-stream-offset", "mine".into()), ("a", 1.into())]);
    for headers in
        [None, Some(arguments([("a", 1.into()), ("t", arguments([("b", 2.into())]).into())])), Some(own)]
    {
        let properties = Properties { headers: headers.clone(), ..all.clone() };
        let publishing = Publishing { properties: properties.clone(), ..Publishing::to("s", "body") };
        client.publish(publishing).await;
        client.settle().await;
        client.consume(from("s", "c", "last")).await;
        let Got::Deliver { message, .. } = client.next().await else { panic!("expected a delivery") };
        let mut expected = headers.unwrap_or_default();
        let (count, _) = client.count("s").await;
        expected.insert("x-stream-offset", i64::from(count) - 1);
        assert_eq!(message.properties, Properties { headers: Some(expected), ..properties });
        assert_eq!((message.text(), &*message.routing_key), ("body", "s"));
        client.call(1, basic::Cancel { consumer_tag: short("c"), no_wait: false }).await;
    }
}

#[tokio::test]
async fn a_slow_connection_holds_up_nobody_else() {
    let (broker, mut client) = filled().await;
    let body = vec![b'x'; 200_000];
    for _ in 0..30 {
        client.publish(Publishing::bytes("s", &body)).await;
    }
    client.settle().await;
    let mut slow = Client::to(&broker).await;
    slow.tell(1, prefetch(100)).await;
    slow.tell(1, from("s", "slow", "first")).await;
    client.consume(from("s", "c", "first")).await;
    assert_eq!(take(&mut client, 35).await.len(), 35);
    // It gets the rest once it reads.
    let mut got = Vec::new();
    while got.len() < 35 {
        if let got_one @ Got::Deliver { .. } = slow.next().await {
            got.push(streamed(got_one).offset);
        }
    }
    assert_eq!(got, (0..35).collect::<Vec<_>>());
}
