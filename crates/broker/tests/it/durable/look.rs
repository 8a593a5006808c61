//! Looking at what is on disk.

use super::*;
use crate::look::browsed;

#[tokio::test]
async fn what_is_on_disk_is_browsed_page_by_page_and_cursors_outlive_a_restart() {
    use crate::look::operator;
    use leveret_broker::vhost::Browse;
    let first = Durable::start_with(|config| config.limits.backlog_bytes_max = 20_000);
    let mut client = first.client().await;
    client.declare(durable("q", FieldTable::new())).await;
    store(&mut client, "q", &numbered(0..3_000)).await;
    assert!(browsed(&first.broker, "q", 7) == numbered(0..3_000));
    let (vhost, actor) = operator(&first.broker);
    let page = vhost.browse(&actor, "q", &Browse { messages_max: 1_000, ..Browse::default() }).unwrap();
    drop((vhost, client));
    let second = first.restart().await;
    let (vhost, actor) = operator(&second.broker);
    let from = page.next.unwrap().to_string().parse().ok();
    let next = vhost.browse(&actor, "q", &Browse { messages_max: 1, from, ..Browse::default() }).unwrap();
    assert_eq!(next.messages[0].message.body(), b"message 1000");
    assert!(browsed(&second.broker, "q", 1_000) == numbered(0..3_000));
    let mut client = second.client().await;
    assert_eq!(client.get("q", true).await.unwrap().2.text(), "message 0");
    assert!(browsed(&second.broker, "q", 999) == numbered(1..3_000), "part of it is in memory now");
}
