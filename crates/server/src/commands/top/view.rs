//! The lists that can be looked at: where they are, and their columns.

use crate::output::Kind;
use clap::ValueEnum;

/// A list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum View {
    /// Queues with messages and rates
    Queues,
    /// Exchanges with rates
    Exchanges,
    /// Connections with traffic
    Connections,
    /// Channels with unacked and unconfirmed messages
    Channels,
}

/// Heading, key with dots, kind.
pub(super) type Columns = &'static [(&'static str, &'static str, Kind)];

impl View {
    /// In the order of the keys 1 to 4.
    pub(super) const ALL: [View; 4] = [View::Queues, View::Exchanges, View::Connections, View::Channels];

    /// Its name, which is its path as well.
    pub(super) fn name(self) -> &'static str {
        match self {
            View::Queues => "queues",
            View::Exchanges => "exchanges",
            View::Connections => "connections",
            View::Channels => "channels",
        }
    }

    /// Its columns; the first is the name.
    pub(super) fn columns(self) -> Columns {
        match self {
            View::Queues => &[
                ("name", "name", Kind::Text),
                ("vhost", "vhost", Kind::Text),
                ("ready", "messages_ready", Kind::Count),
                ("unacked", "messages_unacknowledged", Kind::Count),
                ("messages", "messages", Kind::Count),
                ("grows", "messages_details.rate", Kind::Rate),
                ("bytes", "message_bytes", Kind::Bytes),
                ("in", "message_stats.publish_details.rate", Kind::Rate),
                ("out", "message_stats.deliver_get_details.rate", Kind::Rate),
                ("ack", "message_stats.ack_details.rate", Kind::Rate),
                ("consumers", "consumers", Kind::Count),
                ("state", "state", Kind::Text),
            ],
            View::Exchanges => &[
                ("name", "name", Kind::Text),
                ("vhost", "vhost", Kind::Text),
                ("type", "type", Kind::Text),
                ("in", "message_stats.publish_in_details.rate", Kind::Rate),
                ("out", "message_stats.publish_out_details.rate", Kind::Rate),
            ],
            View::Connections => &[
                ("name", "name", Kind::Text),
                ("user", "user", Kind::Text),
                ("vhost", "vhost", Kind::Text),
                ("state", "state", Kind::Text),
                ("channels", "channels", Kind::Count),
                ("in", "recv_oct_details.rate", Kind::Bytes),
                ("out", "send_oct_details.rate", Kind::Bytes),
                ("client", "client_properties.connection_name", Kind::Text),
            ],
            View::Channels => &[
                ("name", "name", Kind::Text),
                ("user", "user", Kind::Text),
                ("consumers", "consumer_count", Kind::Count),
                ("prefetch", "prefetch_count", Kind::Count),
                ("unacked", "messages_unacknowledged", Kind::Count),
                ("unconfirmed", "messages_unconfirmed", Kind::Count),
                ("in", "message_stats.publish_details.rate", Kind::Rate),
                ("out", "message_stats.deliver_get_details.rate", Kind::Rate),
                ("state", "state", Kind::Text),
            ],
        }
    }

    /// The column that says most, to sort by at first.
    pub(super) fn usual_sort(self) -> usize {
        match self {
            View::Queues | View::Channels => 4,
            View::Exchanges => 3,
            View::Connections => 5,
        }
    }
}
