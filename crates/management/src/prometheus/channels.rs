//! Metrics of channels and connections: of each, or added up.

use super::Source;
use super::text::{Metric, Text, counter, gauge, labels};
use leveret_broker::{ChannelInfo, ConnectionInfo};

type OfChannel = fn(&ChannelInfo) -> u64;
type OfConnection = fn(&ConnectionInfo) -> u64;

/// RabbitMQ's family `channel_metrics`.
const CHANNELS: &[(Metric, OfChannel)] = &[
    (gauge("channel_consumers", "Consumers on a channel"), |c| c.consumer_count),
    (gauge("channel_messages_unacked", "Delivered but not yet acknowledged messages"), |c| {
        c.messages_unacknowledged
    }),
    (gauge("channel_messages_unconfirmed", "Published but not yet confirmed messages"), |c| {
        c.messages_unconfirmed
    }),
    (
        gauge("channel_messages_uncommitted", "Messages received in a transaction but not yet committed"),
        |c| c.messages_uncommitted,
    ),
    (gauge("channel_acks_uncommitted", "Message acknowledgements in a transaction not yet committed"), |c| {
        c.acks_uncommitted
    }),
    (gauge("consumer_prefetch", "Limit of unacknowledged messages for each consumer"), |c| {
        c.prefetch_count.into()
    }),
    (
        gauge("channel_prefetch", "Total limit of unacknowledged messages for all consumers on a channel"),
        |c| c.global_prefetch_count.into(),
    ),
];

/// RabbitMQ's family `channel_exchange_metrics`. (Not told apart by exchange here.)
const PUBLISHED: &[(Metric, OfChannel)] = &[
    (
        counter(
            "channel_messages_published_total",
            "Total number of messages published into an exchange on a channel",
        ),
        |c| c.counts.publish,
    ),
    (
        counter(
            "channel_messages_confirmed_total",
            "Total number of messages published into an exchange and confirmed on the channel",
        ),
        |c| c.counts.confirm,
    ),
    (
        counter(
            "channel_messages_unroutable_returned_total",
            "Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable",
        ),
        |c| c.counts.return_unroutable,
    ),
    (
        counter(
            "channel_messages_unroutable_dropped_total",
            "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
        ),
        |c| c.counts.drop_unroutable,
    ),
];

/// RabbitMQ's family `channel_queue_metrics`. (Not told apart by queue here.)
const TAKEN: &[(Metric, OfChannel)] = &[
    (
        counter(
            "channel_get_ack_total",
            "Total number of messages fetched with basic.get in manual acknowledgement mode",
        ),
        |c| c.counts.all_taken().get,
    ),
    (
        counter(
            "channel_get_total",
            "Total number of messages fetched with basic.get in automatic acknowledgement mode",
        ),
        |c| c.counts.all_taken().get_no_ack,
    ),
    (
        counter(
            "channel_messages_delivered_ack_total",
            "Total number of messages delivered to consumers in manual acknowledgement mode",
        ),
        |c| c.counts.all_taken().deliver,
    ),
    (
        counter(
            "channel_messages_delivered_total",
            "Total number of messages delivered to consumers in automatic acknowledgement mode",
        ),
        |c| c.counts.all_taken().deliver_no_ack,
    ),
    (
        counter("channel_messages_redelivered_total", "Total number of messages redelivered to consumers"),
        |c| c.counts.all_taken().redeliver,
    ),
    (counter("channel_messages_acked_total", "Total number of messages acknowledged by consumers"), |c| {
        c.counts.all_taken().ack
    }),
    (
        counter("channel_get_empty_total", "Total number of times basic.get operations fetched no message"),
        |c| c.counts.all_taken().get_empty,
    ),
];

/// RabbitMQ's families `connection_coarse_metrics` and `connection_metrics`.
const COARSE: &[(Metric, OfConnection)] = &[
    (counter("connection_incoming_bytes_total", "Total number of bytes received on a connection"), |c| {
        c.recv_oct
    }),
    (counter("connection_outgoing_bytes_total", "Total number of bytes sent on a connection"), |c| {
        c.send_oct
    }),
];
const CONNECTIONS: &[(Metric, OfConnection)] = &[
    (counter("connection_incoming_packets_total", "Total number of packets received on a connection"), |c| {
        c.recv_cnt
    }),
    (counter("connection_outgoing_packets_total", "Total number of packets sent on a connection"), |c| {
        c.send_cnt
    }),
    (gauge("connection_channels", "Channels on a connection"), |c| c.channels as u64),
];

/// What is to be written of channels and connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    pub(crate) channels: bool,
    pub(crate) published: bool,
    pub(crate) taken: bool,
    pub(crate) coarse: bool,
    pub(crate) connections: bool,
}

impl Wanted {
    pub(crate) const ALL: Self =
        Self { channels: true, published: true, taken: true, coarse: true, connections: true };

    fn of_channels(self) -> impl Iterator<Item = &'static (Metric, OfChannel)> {
        let parts = [(self.channels, CHANNELS), (self.published, PUBLISHED), (self.taken, TAKEN)];
        parts.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, metrics)| metrics)
    }

    fn of_connections(self) -> impl Iterator<Item = &'static (Metric, OfConnection)> {
        let parts = [(self.coarse, COARSE), (self.connections, CONNECTIONS)];
        parts.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, metrics)| metrics)
    }
}

/// One sample for each channel and connection.
pub(crate) fn each(source: &Source, wanted: Wanted, text: &mut Text) {
    if wanted.channels || wanted.published || wanted.taken {
        let all = source.channels();
        let labels: Vec<String> =
            all.iter().map(|c| labels(&[("channel", &c.name), ("vhost", &c.vhost)])).collect();
        for (metric, figure) in wanted.of_channels() {
            text.begin(metric);
            all.iter().zip(&labels).for_each(|(channel, labels)| text.sample(labels, figure(channel)));
        }
    }
    if wanted.coarse || wanted.connections {
        let all = source.connections();
        let labels: Vec<String> = all.iter().map(|c| labels(&[("connection", &c.name)])).collect();
        for (metric, figure) in wanted.of_connections() {
            text.begin(metric);
            all.iter().zip(&labels).for_each(|(connection, labels)| text.sample(labels, figure(connection)));
        }
    }
}

/// All of them added up.
pub(crate) fn together(source: &Source, text: &mut Text) {
    let channels = source.channels();
    for (metric, figure) in Wanted::ALL.of_channels() {
        text.one(metric, channels.iter().map(figure).sum::<u64>());
    }
    let connections = source.connections();
    for (metric, figure) in Wanted::ALL.of_connections() {
        text.one(metric, connections.iter().map(figure).sum::<u64>());
    }
}
