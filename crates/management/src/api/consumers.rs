//! Consumers.

use crate::call::Call;
use crate::json::connection as shape;
use crate::page::{self, Listed};
use crate::reply::Answer;
use crate::routes::{Access, Route};
use leveret_broker::queue::Queue;
use leveret_broker::{ChannelInfo, ConnectionInfo, ConsumerInfo};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/consumers", Access::Management, "Consumers of all virtual hosts one may see", list)
        .many("Consumer")
        .paged(),
    Route::get("/api/consumers/{vhost}", Access::VhostVisible, "Consumers of a virtual host", list)
        .many("Consumer")
        .paged(),
];

fn list(call: &Call) -> Answer {
    let connections = by_id(call);
    let mut all: Vec<(Arc<Queue>, ConsumerInfo)> = Vec::new();
    for vhost in call.visible_vhosts() {
        let queues: Vec<Arc<Queue>> = vhost.topology().queues().map(|(_, queue)| queue.clone()).collect();
        for queue in queues {
            all.extend(queue.consumers().into_iter().map(|consumer| (queue.clone(), consumer)));
        }
    }
    let listed = Listed {
        name: &|(_, consumer): &(Arc<Queue>, ConsumerInfo)| &consumer.consumer_tag,
        key: &|_, _| None,
        order: None,
        json: &|(queue, consumer), _| {
            let of = (&**queue.vhost_name(), &**queue.name());
            shape::consumer(call, consumer, of, connections.get(&consumer.connection))
        },
    };
    page::list(call, all, &listed)
}

fn by_id(call: &Call) -> HashMap<u64, ConnectionInfo> {
    call.broker().connections().into_iter().map(|connection| (connection.id, connection)).collect()
}

/// `consumer_details` of a queue.
pub(crate) fn of_queue(call: &Call, queue: &Queue) -> Vec<Value> {
    let all = queue.consumers().into_iter();
    let of = (&**queue.vhost_name(), &**queue.name());
    all.map(|consumer| {
        shape::consumer(call, &consumer, of, call.broker().connection(consumer.connection).as_ref())
    })
    .collect()
}

/// `consumer_details` of a channel.
pub(super) fn of_channel(call: &Call, channel: &ChannelInfo, connection: &ConnectionInfo) -> Vec<Value> {
    let Some(vhost) = call.broker().vhost(&channel.vhost) else { return Vec::new() };
    if channel.consumer_count == 0 {
        return Vec::new();
    }
    let queues: Vec<Arc<Queue>> = vhost.topology().queues().map(|(_, queue)| queue.clone()).collect();
    let mut found = Vec::new();
    for queue in queues {
        let of = (&**queue.vhost_name(), &**queue.name());
        let own = queue.consumers().into_iter();
        let own = own.filter(|one| one.connection == channel.connection && one.channel == channel.number);
        found.extend(own.map(|consumer| shape::consumer(call, &consumer, of, Some(connection))));
    }
    found
}
