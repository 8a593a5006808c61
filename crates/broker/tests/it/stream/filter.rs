use super::*;
use leveret_protocol::Properties;

fn wanting<'a>(tag: &'a str, filter: FieldValue, unfiltered: bool) -> basic::Consume<'a> {
    let arguments = arguments([
        ("x-stream-offset", "first".into()),
        ("x-stream-filter", filter),
        ("x-stream-match-unfiltered", unfiltered.into()),
    ]);
    basic::Consume { arguments, ..consume("s", tag) }
}

#[tokio::test]
async fn a_consumer_gets_what_it_asked_for() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(stream("s", &[])).await;
    for value in [Some("a"), Some("b"), None, Some("a"), Some("c")] {
        let properties = Properties { headers: value.map(headers), ..Properties::default() };
        client.publish(Publishing { properties, ..Publishing::to("s", value.unwrap_or("none")) }).await;
    }
    qos(&mut client, 100).await;
    let both = FieldValue::Array(vec!["a".into(), "c".into()]);
    for (filter, unfiltered, expected) in [
        (FieldValue::from("a"), false, vec![0, 3]),
        ("a".into(), true, vec![0, 2, 3]),
        (both, false, vec![0, 3, 4]),
        ("nothing".into(), false, vec![]),
    ] {
        client.consume(wanting("c", filter, unfiltered)).await;
        assert_eq!(offsets(&mut client).await, expected);
        client.call(1, basic::Cancel { consumer_tag: short("c"), no_wait: false }).await;
    }
    // And what comes later.
    client.consume(wanting("c", "b".into(), false)).await;
    assert_eq!(offsets(&mut client).await, [1]);
    let properties = Properties { headers: Some(headers("b")), ..Properties::default() };
    fill(&mut client, "s", 5..6).await;
    client.publish(Publishing { properties, ..Publishing::to("s", "b") }).await;
    assert_eq!(offsets(&mut client).await, [6]);
}
