//! Which figures are sampled of what, under RabbitMQ's names.

use leveret_broker::ChannelInfo;
use leveret_broker::queue::QueueFigures;
use leveret_broker::stats::{Churn, MessageCounts};

/// `message_stats` of channels, virtual hosts and the broker.
pub(crate) const MESSAGES: [&str; 12] = [
    "publish",
    "confirm",
    "return_unroutable",
    "drop_unroutable",
    "deliver",
    "deliver_no_ack",
    "get",
    "get_no_ack",
    "get_empty",
    "redeliver",
    "ack",
    "deliver_get",
];

pub(crate) fn messages(counts: &MessageCounts) -> [u64; 12] {
    let taken = counts.all_taken();
    [
        counts.publish,
        counts.confirm,
        counts.return_unroutable,
        counts.drop_unroutable,
        taken.deliver,
        taken.deliver_no_ack,
        taken.get,
        taken.get_no_ack,
        taken.get_empty,
        taken.redeliver,
        taken.ack,
        taken.deliver_get(),
    ]
}

pub(crate) fn channel(channel: &ChannelInfo) -> [u64; 12] {
    messages(&channel.counts)
}

/// Messages in queues, of a queue, a virtual host or the broker.
pub(crate) const LENGTHS: [&str; 3] = ["messages", "messages_ready", "messages_unacknowledged"];

pub(crate) fn lengths(figures: &QueueFigures) -> [u64; 3] {
    let ready = (figures.ready + figures.waiting) as u64;
    [ready + figures.unacked, ready, figures.unacked]
}

/// `message_stats` of a queue.
pub(crate) const QUEUE: [&str; 9] = [
    "publish",
    "deliver",
    "deliver_no_ack",
    "get",
    "get_no_ack",
    "get_empty",
    "redeliver",
    "ack",
    "deliver_get",
];

/// Those, and the lengths behind them.
pub(crate) fn queue(figures: &QueueFigures) -> [u64; 12] {
    let counters = &figures.counters;
    let [messages, ready, unacked] = lengths(figures);
    [
        counters.published,
        counters.delivered,
        counters.delivered_no_ack,
        counters.got,
        counters.got_no_ack,
        counters.got_empty,
        counters.redelivered,
        counters.acked,
        counters.delivered + counters.delivered_no_ack + counters.got + counters.got_no_ack,
        messages,
        ready,
        unacked,
    ]
}

/// `message_stats` of an exchange.
pub(crate) const EXCHANGE: [&str; 2] = ["publish_in", "publish_out"];

/// Bytes of a connection.
pub(crate) const OCTETS: [&str; 2] = ["recv_oct", "send_oct"];

/// `churn_rates`.
pub(crate) const CHURN: [&str; 7] = [
    "connection_created",
    "connection_closed",
    "channel_created",
    "channel_closed",
    "queue_declared",
    "queue_created",
    "queue_deleted",
];

pub(crate) fn churn(churn: &Churn) -> [u64; 7] {
    [
        churn.connection_created,
        churn.connection_closed,
        churn.channel_created,
        churn.channel_closed,
        churn.queue_declared,
        churn.queue_created,
        churn.queue_deleted,
    ]
}
