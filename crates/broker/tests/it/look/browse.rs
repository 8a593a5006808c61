//! Browsing.

use super::*;
use leveret_broker::queue::select::{Condition, Filter, KeyPattern, Place};
use leveret_broker::refusal::Refusal;
use leveret_broker::vhost::MessageState;
use leveret_protocol::{FieldTable, FieldValue};

#[tokio::test]
async fn pages_follow_each_other_in_the_order_of_leaving() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", arguments([("x-max-priority", 5.into())]))).await;
    for (text, priority) in [("a", 0), ("b", 3), ("c", 0), ("d", 5), ("e", 3)] {
        client.publish(Publishing::to("q", text).priority(priority)).await;
    }
    client.settle().await;
    for size in 1..7 {
        assert_eq!(browsed(&broker, "q", size), ["d", "b", "e", "a", "c"], "pages of {size}");
    }
    assert_eq!(client.drain("q").await, ["d", "b", "e", "a", "c"], "and nothing was taken");
}

#[tokio::test]
async fn looking_marks_and_counts_nothing() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["a", "b"]).await;
    let queue = broker.vhost("/").unwrap().topology().queue("q").unwrap().clone();
    let before = format!("{:?}", queue.figures());
    assert_eq!(browsed(&broker, "q", 1), ["a", "b"]);
    assert_eq!(format!("{:?}", queue.figures()), before);
    let (_, redelivered, _) = client.get("q", true).await.unwrap();
    assert!(!redelivered);
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_was_after_deliveries_and_returns() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    client.fill("q", &["a", "b", "c", "d"]).await;
    let first = page(&broker, "q", &Browse { messages_max: 2, ..Browse::default() });
    assert_eq!(texts(&first), ["a", "b"]);
    for tag in 1..=3 {
        client.get("q", false).await.unwrap();
        if tag == 2 {
            client.tell(1, ack(2)).await;
        }
    }
    client.tell(1, reject(3, true)).await;
    client.settle().await;
    let rest = page(&broker, "q", &Browse { from: first.next, ..Browse::default() });
    assert_eq!(texts(&rest), ["c", "d"]);
    assert_eq!((rest.messages[0].redelivered, rest.messages[1].redelivered), (true, false));
    assert_eq!(rest.next, None);
    let text = rest.messages[0].place.to_string();
    let behind = Browse { from: Some(text.parse::<Place>().unwrap()), ..Browse::default() };
    assert_eq!(texts(&page(&broker, "q", &behind)), ["d"], "a place is a cursor, as a text too");
}

#[tokio::test]
async fn what_waits_for_its_retry_is_seen_with_its_time_and_what_dies_with_its_end() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    let delays = FieldValue::Array(vec![FieldValue::I32(60_000)]);
    client.declare(queue_with("q", arguments([("x-retry-delays", delays)]))).await;
    client.fill("q", &["fails", "stays"]).await;
    client.publish(Publishing::to("q", "dies").expiring(5_000)).await;
    let (tag, _, _) = client.get("q", false).await.unwrap();
    client.tell(1, reject(tag, true)).await;
    client.settle().await;
    let all = page(&broker, "q", &Browse::default());
    assert_eq!(texts(&all), ["stays", "dies", "fails"]);
    let until_unix_ms = START_UNIX_MS + 60_000;
    assert_eq!(all.messages[2].state, MessageState::Waiting { until_unix_ms });
    assert_eq!((all.messages[2].delivery_count, all.messages[0].state), (1, MessageState::Ready));
    assert_eq!(all.messages[0].expires_unix_ms, None);
    assert_eq!(all.messages[1].expires_unix_ms, Some(START_UNIX_MS + 5_000));
    for size in 1..4 {
        assert_eq!(browsed(&broker, "q", size), ["stays", "dies", "fails"]);
    }
}

#[tokio::test]
async fn a_call_has_bounds_in_messages_bytes_and_work() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    let names: Vec<String> = (0..100).map(|n| format!("{n:04}")).collect();
    client.fill("q", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let bytes = page(&broker, "q", &Browse { bytes_max: 10, ..Browse::default() });
    assert_eq!(texts(&bytes), ["0000", "0001", "0002"], "the one that reaches the bound is there");
    let filter = Filter::from(Condition::BodyContains(b"0099".to_vec()));
    let mut browse = Browse { looked_max: 30, filter, ..Browse::default() };
    let mut looks = Vec::new();
    let found = loop {
        let page = page(&broker, "q", &browse);
        looks.push(page.looked);
        if !page.messages.is_empty() {
            break page;
        }
        browse.from = Some(page.next.expect("there is more"));
    };
    assert_eq!((looks, texts(&found)), (vec![30, 30, 30, 10], vec!["0099".to_owned()]));
    assert_eq!(found.next, None);
}

#[tokio::test]
async fn a_filter_finds_what_it_asks_for() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    for n in 0..20 {
        let text = n.to_string();
        let mut publishing = Publishing::to("q", &text);
        publishing.properties.headers = Some(arguments([("tenant", (n % 3).into())]));
        client.publish(publishing).await;
    }
    client.settle().await;
    let tenant = Condition::HeaderEquals("tenant".into(), 1.into());
    let filter = Filter::from(tenant).and(Condition::RoutingKey(KeyPattern::new(b"*")));
    let browse = Browse { filter: filter.clone(), messages_max: 4, ..Browse::default() };
    let first = page(&broker, "q", &browse);
    assert_eq!(texts(&first), ["1", "4", "7", "10"]);
    let rest = page(&broker, "q", &Browse { from: first.next, ..browse });
    assert_eq!(texts(&rest), ["13", "16", "19"]);
    let none = Browse { filter: filter.and(Condition::Exchange("x".into())), ..Browse::default() };
    assert_eq!(texts(&page(&broker, "q", &none)), [] as [&str; 0]);
}

#[tokio::test]
async fn reading_needs_the_permission_to_read() {
    let broker = broker();
    let mut client = Client::to(&broker).await;
    client.declare(queue_with("q", FieldTable::new())).await;
    let (vhost, actor) = operator(&broker);
    let missing = vhost.browse(&actor, "none", &Browse::default());
    assert!(matches!(missing, Err(Refusal::NoQueue { .. })));
    let blind = leveret_broker::auth::Permissions::new(".*", ".*", "").unwrap();
    broker.auth().set_permissions("guest", "/", blind).unwrap();
    let refused = vhost.browse(&actor, "q", &Browse::default());
    assert!(matches!(refused, Err(Refusal::AccessRefused { .. })));
}
