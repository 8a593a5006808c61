//! Pools over real connections.

use leveret_client::Message;
use leveret_client::pool::{Pools, PoolsOptions};

use crate::support::{SOON, Target, exclusive};

#[tokio::test]
async fn publishers_and_channels_are_lent_again_on_connections_apart() {
    let target = Target::start().await;
    let pools = Pools::new(target.options(), PoolsOptions::new("orders"));
    let queue = target.fresh("pools");
    {
        let channel = pools.channel().await.unwrap();
        channel.queue_declare(&queue, exclusive()).await.unwrap();
        let publisher = pools.publisher().await.unwrap();
        publisher.send(Message::new("a").routing_key(queue.clone())).await.unwrap();
        assert!(channel.is_pristine());
    }
    let (publishers, channels) = pools.stats();
    assert_eq!((publishers.idle, channels.idle), (1, 1));
    let publisher = pools.publisher().await.unwrap();
    let unfinished = publisher.enqueue(Message::new("b").routing_key(queue.clone())).await.unwrap();
    // Its confirm may be there already or not: either way it comes, and the publisher is lent again only in the first case.
    drop(publisher);
    tokio::time::timeout(SOON, unfinished).await.unwrap().unwrap();
    let channel = pools.channel().await.unwrap();
    channel.confirm_select().await.unwrap();
    drop(channel);
    let (_, channels) = pools.stats();
    assert_eq!((channels.idle, channels.closed), (0, 1), "a channel in confirm mode is not lent again");
    let channel = pools.channel().await.unwrap();
    assert_eq!(channel.queue_delete(&queue, Default::default()).await.unwrap(), 2);
}
