//! Operations on queues that consume nothing by accident: looking, pausing, replaying, moving.

mod browse;
mod large;
mod pause;
mod replay;
mod sweeps;

use crate::support::*;
use leveret_broker::Broker;
use leveret_broker::auth::PeerInfo;
use leveret_broker::vhost::{Actor, Browse, BrowsedPage, VirtualHost};
use std::sync::Arc;

pub(crate) fn operator(broker: &Broker) -> (Arc<VirtualHost>, Actor) {
    let vhost = broker.vhost("/").unwrap();
    let user = broker.auth().check_password("guest", b"guest", &PeerInfo::in_process()).unwrap();
    (vhost, Actor { user, connection: 0 })
}

fn page(broker: &Broker, queue: &str, browse: &Browse) -> BrowsedPage {
    let (vhost, actor) = operator(broker);
    vhost.browse(&actor, queue, browse).unwrap()
}

fn texts(page: &BrowsedPage) -> Vec<String> {
    page.messages.iter().map(|found| String::from_utf8_lossy(found.message.body()).into_owned()).collect()
}

/// All texts of a queue, pages of `size`.
pub(crate) fn browsed(broker: &Broker, queue: &str, size: usize) -> Vec<String> {
    let mut browse = Browse { messages_max: size, ..Browse::default() };
    let mut all = Vec::new();
    loop {
        let page = page(broker, queue, &browse);
        assert!(page.messages.len() <= size);
        all.extend(texts(&page));
        browse.from = page.next;
        if browse.from.is_none() {
            return all;
        }
    }
}
