//! RabbitMQ's global counters: messages of the whole broker, which never decrease while it runs.

use super::Source;
use super::text::{Metric, Text, counter, gauge, labels};
use leveret_broker::queue::DeathReason;
use leveret_broker::queue::arguments::QueueKind;
use leveret_broker::stats::{DeadLetterStrategy, MessageCounts, TakenCounts};

const PROTOCOL: (&str, &str) = ("protocol", "amqp091");

type OfMessages = fn(&MessageCounts) -> u64;
type OfTaken = fn(&TakenCounts) -> u64;

const MESSAGES: &[(Metric, OfMessages)] = &[
    (counter("global_messages_received_total", "Total number of messages received from publishers"), |c| {
        c.publish
    }),
    (
        counter(
            "global_messages_received_confirm_total",
            "Total number of messages received from publishers expecting confirmations",
        ),
        |c| c.publish_confirm,
    ),
    (counter("global_messages_routed_total", "Total number of messages routed to queues or streams"), |c| {
        c.routed
    }),
    (
        counter(
            "global_messages_unroutable_dropped_total",
            "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
        ),
        |c| c.drop_unroutable,
    ),
    (
        counter(
            "global_messages_unroutable_returned_total",
            "Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable",
        ),
        |c| c.return_unroutable,
    ),
    (counter("global_messages_confirmed_total", "Total number of messages confirmed to publishers"), |c| {
        c.confirm
    }),
];

const TAKEN: &[(Metric, OfTaken)] = &[
    (counter("global_messages_delivered_total", "Total number of messages delivered to consumers"), |t| {
        t.deliver_get()
    }),
    (
        counter(
            "global_messages_delivered_consume_manual_ack_total",
            "Total number of messages delivered to consumers using basic.consume with manual acknowledgment",
        ),
        |t| t.deliver,
    ),
    (
        counter(
            "global_messages_delivered_consume_auto_ack_total",
            "Total number of messages delivered to consumers using basic.consume with automatic acknowledgment",
        ),
        |t| t.deliver_no_ack,
    ),
    (
        counter(
            "global_messages_delivered_get_manual_ack_total",
            "Total number of messages delivered to consumers using basic.get with manual acknowledgment",
        ),
        |t| t.get,
    ),
    (
        counter(
            "global_messages_delivered_get_auto_ack_total",
            "Total number of messages delivered to consumers using basic.get with automatic acknowledgment",
        ),
        |t| t.get_no_ack,
    ),
    (
        counter(
            "global_messages_get_empty_total",
            "Total number of times basic.get operations fetched no message",
        ),
        |t| t.get_empty,
    ),
    (
        counter("global_messages_redelivered_total", "Total number of messages redelivered to consumers"),
        |t| t.redeliver,
    ),
    (
        counter(
            "global_messages_acknowledged_total",
            "Total number of message acknowledgements received from consumers",
        ),
        |t| t.ack,
    ),
];

const DEATHS: &[(Metric, DeathReason)] = &[
    (
        counter(
            "global_messages_dead_lettered_maxlen_total",
            "Total number of messages dead-lettered due to overflow drop-head or reject-publish-dlx",
        ),
        DeathReason::MaxLen,
    ),
    (
        counter(
            "global_messages_dead_lettered_expired_total",
            "Total number of messages dead-lettered due to message TTL exceeded",
        ),
        DeathReason::Expired,
    ),
    (
        counter(
            "global_messages_dead_lettered_rejected_total",
            "Total number of messages dead-lettered due to basic.reject or basic.nack",
        ),
        DeathReason::Rejected,
    ),
    (
        counter(
            "global_messages_dead_lettered_delivery_limit_total",
            "Total number of messages dead-lettered due to delivery-limit exceeded",
        ),
        DeathReason::DeliveryLimit,
    ),
];

const CONFIRMED: Metric = counter(
    "global_messages_dead_lettered_confirmed_total",
    "Total number of messages dead-lettered and confirmed by target queues",
);
const PUBLISHERS: Metric = gauge("global_publishers", "Publishers currently connected");
const CONSUMERS: Metric = gauge("global_consumers", "Consumers currently connected");

/// RabbitMQ's label of a kind of queue: the module that does it there.
fn module(kind: QueueKind) -> &'static str {
    match kind {
        QueueKind::Classic => "rabbit_classic_queue",
        QueueKind::Quorum => "rabbit_quorum_queue",
        QueueKind::Stream => "rabbit_stream_queue",
    }
}

pub(crate) fn write(source: &Source, text: &mut Text) {
    let counts = source.broker.message_counts();
    for (metric, figure) in MESSAGES {
        text.begin(metric);
        text.sample(&labels(&[PROTOCOL]), figure(&counts));
    }
    for (metric, figure) in TAKEN {
        text.begin(metric);
        for kind in QueueKind::ALL {
            text.sample(&labels(&[PROTOCOL, ("queue_type", module(kind))]), figure(&counts.taken_from(kind)));
        }
    }
    let deaths = source.broker.deaths();
    for (metric, reason) in DEATHS {
        text.begin(metric);
        for kind in QueueKind::ALL {
            for strategy in DeadLetterStrategy::ALL {
                if dies(kind, strategy, *reason) {
                    let of =
                        labels(&[("queue_type", module(kind)), ("dead_letter_strategy", strategy.as_str())]);
                    text.sample(&of, deaths.died(kind, strategy, *reason));
                }
            }
        }
    }
    text.begin(&CONFIRMED);
    for kind in [QueueKind::Classic, QueueKind::Quorum] {
        let of = labels(&[("queue_type", module(kind)), ("dead_letter_strategy", "at_least_once")]);
        text.sample(&of, deaths.confirmed(kind));
    }
    let channels = source.channels();
    text.begin(&PUBLISHERS);
    let publishing = channels.iter().filter(|channel| channel.counts.publish > 0).count();
    text.sample(&labels(&[PROTOCOL]), publishing as u64);
    text.begin(&CONSUMERS);
    text.sample(&labels(&[PROTOCOL]), channels.iter().map(|channel| channel.consumer_count).sum::<u64>());
}

/// Whether a message can die so. Streams keep theirs.
fn dies(kind: QueueKind, _: DeadLetterStrategy, _: DeathReason) -> bool {
    kind != QueueKind::Stream
}
