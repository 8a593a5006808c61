//! Metrics of the node: its process, disk, alarms, what came and went, who it is.

use super::Source;
use super::text::{Metric, Text, counter, gauge, histogram, labels, seconds, untyped};
use crate::system;
use leveret_broker::queue::Counters;
use leveret_broker::{RABBITMQ_VERSION, Resource};
use leveret_store::LATENCY_BOUNDS_US;

const BUILD: Metric = untyped("build_info", "RabbitMQ & Erlang/OTP version info");
const IDENTITY: Metric = untyped("identity_info", "RabbitMQ node & cluster identity info");

/// Who this is, on every page.
pub(crate) fn identity(source: &Source, text: &mut Text) {
    let config = source.broker.config();
    text.begin(&BUILD);
    text.sample(
        &labels(&[
            ("rabbitmq_version", RABBITMQ_VERSION),
            ("prometheus_plugin_version", RABBITMQ_VERSION),
            ("leveret_version", env!("CARGO_PKG_VERSION")),
        ]),
        1,
    );
    text.begin(&IDENTITY);
    let cluster = source.cluster_name();
    text.sample(&labels(&[("rabbitmq_node", &config.node_name), ("rabbitmq_cluster", &cluster)]), 1);
}

/// RabbitMQ's family `connection_churn_metrics`.
pub(crate) fn churn(source: &Source, text: &mut Text) {
    let churn = source.broker.churn();
    let all = [
        (counter("connections_opened_total", "Total number of connections opened"), churn.connection_created),
        (
            counter("connections_closed_total", "Total number of connections closed or terminated"),
            churn.connection_closed,
        ),
        (counter("channels_opened_total", "Total number of channels opened"), churn.channel_created),
        (counter("channels_closed_total", "Total number of channels closed"), churn.channel_closed),
        (counter("queues_declared_total", "Total number of queues declared"), churn.queue_declared),
        (counter("queues_created_total", "Total number of queues created"), churn.queue_created),
        (counter("queues_deleted_total", "Total number of queues deleted"), churn.queue_deleted),
    ];
    all.iter().for_each(|(metric, count)| text.one(metric, *count));
}

/// RabbitMQ's family `auth_attempt_metrics`.
pub(crate) fn logins(source: &Source, text: &mut Text) {
    let churn = source.broker.churn();
    let all = [
        (
            counter("auth_attempts_total", "Total number of authorization attempts"),
            churn.logged_in + churn.login_refused,
        ),
        (
            counter("auth_attempts_succeeded_total", "Total number of successful authentication attempts"),
            churn.logged_in,
        ),
        (
            counter("auth_attempts_failed_total", "Total number of failed authentication attempts"),
            churn.login_refused,
        ),
    ];
    for (metric, count) in all {
        text.begin(&metric);
        text.sample(&labels(&[("protocol", "amqp091")]), count);
    }
}

/// RabbitMQ's family `node_coarse_metrics`.
pub(crate) fn process(source: &Source, text: &mut Text) {
    let (open, _) = system::descriptors();
    text.known(&gauge("process_open_fds", "Open file descriptors"), open);
    let connections = source.broker.connection_count() as u64;
    text.one(&gauge("process_open_tcp_sockets", "Open TCP sockets"), connections);
    text.known(&gauge("process_resident_memory_bytes", "Memory used in bytes"), system::resident_bytes());
    text.known(
        &gauge("disk_space_available_bytes", "Disk space available in bytes"),
        source.broker.disk_free_bytes(),
    );
}

/// RabbitMQ's family `node_metrics`.
pub(crate) fn limits(source: &Source, text: &mut Text) {
    let (_, max) = system::descriptors();
    let limits = &source.broker.config().limits;
    text.known(&gauge("process_max_fds", "Open file descriptors limit"), max);
    text.known(&gauge("process_max_tcp_sockets", "Open TCP sockets limit"), max);
    let memory = limits.memory_high_watermark_bytes;
    text.one(&gauge("resident_memory_limit_bytes", "Memory high watermark in bytes"), memory);
    let disk = limits.disk_free_min_bytes;
    text.one(&gauge("disk_space_available_limit_bytes", "Free disk space low watermark in bytes"), disk);
}

/// What of RabbitMQ's family `node_persister_metrics` there is here.
pub(crate) fn persister(source: &Source, text: &mut Text) {
    let Some(store) = source.broker.store_stats() else { return };
    text.one(&counter("io_write_ops_total", "Total number of I/O write operations"), store.groups);
    text.one(&counter("io_write_bytes_total", "Total number of I/O bytes written"), store.written_bytes);
    text.one(&counter("io_sync_ops_total", "Total number of I/O sync operations"), store.syncs);
    let spent = seconds(store.sync_times.sum_us);
    text.one(&counter("io_sync_time_seconds_total", "Total I/O sync time"), spent);
}

/// RabbitMQ's family `alarm_metrics`.
pub(crate) fn alarms(source: &Source, text: &mut Text) {
    let on = source.broker.memory().alarms();
    let of = |resource: Resource| u64::from(on.contains(&resource));
    text.one(&untyped("alarms_file_descriptor_limit", "is 1 if file descriptor limit alarm is in effect"), 0);
    text.one(
        &untyped("alarms_free_disk_space_watermark", "is 1 if free disk space watermark alarm is in effect"),
        of(Resource::Disk),
    );
    text.one(
        &untyped("alarms_memory_used_watermark", "is 1 if VM memory watermark alarm is in effect"),
        of(Resource::Memory),
    );
}

/// How many there are of everything.
pub(crate) fn totals(source: &Source, text: &mut Text) {
    let broker = &source.broker;
    text.one(&gauge("connections", "Connections currently open"), broker.connection_count() as u64);
    text.one(&gauge("channels", "Channels currently open"), broker.channel_count() as u64);
    let consumers = source.channels().iter().map(|channel| channel.consumer_count).sum::<u64>();
    text.one(&gauge("consumers", "Consumers currently connected"), consumers);
    let queues: usize = broker.vhosts().iter().map(|vhost| vhost.topology().queue_count()).sum();
    text.one(&gauge("queues", "Queues available"), queues as u64);
}

/// What RabbitMQ does not have; written without its prefix.
pub(crate) fn own(source: &Source, text: &mut Text) {
    // Before the queues, so that nothing is counted twice.
    let mut counters: Counters = source.broker.counters_of_gone_queues();
    let mut waiting = 0;
    for queue in source.queues() {
        let figures = queue.figures();
        counters += figures.counters;
        waiting += figures.waiting as u64;
    }
    let [retried, duplicates] = source.never_less([counters.retried, counters.duplicates]);
    text.one(
        &counter("leveret_messages_retried_total", "Messages that came back to wait for their next delivery"),
        retried,
    );
    text.one(
        &gauge("leveret_messages_waiting_for_retry", "Messages that wait for their next delivery"),
        waiting,
    );
    text.one(
        &counter(
            "leveret_messages_duplicate_total",
            "Publishings confirmed and dropped because they had come before",
        ),
        duplicates,
    );
    text.one(&gauge("leveret_schedules_pending", "Messages that delayed exchanges hold"), source.scheduled());
    let memory = source.broker.memory();
    text.one(&gauge("leveret_message_memory_bytes", "Memory that messages take"), memory.bytes());
    text.begin(&histogram(
        "leveret_confirm_seconds",
        "Time from a publishing's arrival at its queues to its confirm",
    ));
    let times = source.broker.confirm_times();
    text.classes(&LATENCY_BOUNDS_US, &times.classes, times.sum_us);
    let Some(store) = source.broker.store_stats() else { return };
    text.begin(&histogram("leveret_fsync_seconds", "Time a sync of the message store takes"));
    text.classes(&LATENCY_BOUNDS_US, &store.sync_times.classes, store.sync_times.sum_us);
    text.one(&gauge("leveret_store_file_bytes", "Bytes in the message store's files"), store.file_bytes);
    text.one(&gauge("leveret_store_live_bytes", "Bytes of them that live messages take"), store.live_bytes);
}
