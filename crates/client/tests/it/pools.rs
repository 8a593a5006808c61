//! Pools over real connections.

use std::time::Duration;

use leveret_client::Message;
use leveret_client::pool::{OpenError, PoolError, PoolOptions, Pools, PoolsOptions};
use tokio::time::{sleep, timeout};

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

fn options(name: &str, pool: impl FnOnce(PoolOptions) -> PoolOptions) -> PoolsOptions {
    let mut options = PoolsOptions::new(name);
    options.pool = pool(PoolOptions::new(name));
    options
}

#[tokio::test]
async fn pools_of_other_names_do_not_starve_each_other_and_leaks_are_counted() {
    let target = Target::start().await;
    let small = |pool: PoolOptions| {
        let threshold = Some(Duration::from_millis(100));
        pool.size_max(1).waiting(Duration::from_millis(300), 1).leak_threshold(threshold)
    };
    let orders = Pools::new(target.options(), options("orders", small));
    let invoices = Pools::new(target.options(), options("invoices", small));
    let held = orders.channel().await.unwrap();
    let error = orders.channel().await.unwrap_err();
    assert!(matches!(error, PoolError::Timeout { in_use: 1, .. }) && error.is_transient(), "{error}");
    assert!(error.to_string().contains("orders/channels"), "{error}");
    invoices.channel().await.unwrap();
    let leaked = timeout(SOON, async {
        while orders.stats().1.leaks == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    });
    leaked.await.unwrap();
    assert_eq!((orders.stats().1.leaked, invoices.stats().1.leaks), (1, 0));
    drop(held);
    orders.channel().await.unwrap();
    assert_eq!((orders.stats().1.leaked, orders.stats().1.created), (0, 1));
    orders.close();
    assert!(matches!(orders.channel().await, Err(PoolError::Closed { .. })));
}

#[tokio::test]
async fn after_a_cut_publishers_are_lent_again_and_channels_are_made_anew() {
    let target = Target::start().await;
    let relay = target.relay().await;
    let pools = Pools::new(relay.options(), options("cut", |pool| pool.check_after(Duration::ZERO)));
    let queue = {
        let channel = pools.channel().await.unwrap();
        target.queue(&channel, "pool").await
    };
    let message = || Message::new("a").routing_key(queue.clone());
    pools.publisher().await.unwrap().send(message()).await.unwrap();
    for round in 2..5 {
        relay.cut();
        let publisher = timeout(SOON, pools.publisher()).await.unwrap().unwrap();
        timeout(SOON, publisher.send(message())).await.unwrap().unwrap();
        // The connection of channels may be on its way back.
        let purged = timeout(SOON, async {
            loop {
                if let Ok(channel) = pools.channel().await
                    && let Ok(count) = channel.queue_purge(&queue).await
                {
                    return count;
                }
            }
        });
        assert!(purged.await.unwrap() >= 1, "round {round}");
    }
    assert_eq!(pools.stats().0.created, 1);
    assert!(pools.stats().1.created >= 4);
}

#[tokio::test]
async fn what_cannot_be_connected_says_why() {
    let target = Target::start().await;
    let wrong = target.options().credentials("guest", "wrong");
    let pools = Pools::new(wrong, PoolsOptions::new("wrong"));
    let error = timeout(SOON, pools.publisher()).await.unwrap().unwrap_err();
    let PoolError::Create { source: OpenError::Connect(error), .. } = error else { panic!("{error:?}") };
    assert!(!error.is_transient(), "{error}");
}
