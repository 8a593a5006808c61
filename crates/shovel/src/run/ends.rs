//! Both ends of a shovel: connections, what has to be there, and the consumer.

use super::Job;
use crate::forward::{Forward, Identity};
use crate::spec::{AckMode, DeleteAfter, Origin, Place, shown};
use leveret_broker::Broker;
use leveret_client::options::RecoveryOptions;
use leveret_client::{
    Bind, Channel, Connection, Connector, ConsumeOptions, Consumer, Error, FieldTable, QueueDeclare,
};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long a target may take to confirm a message; it may be blocked by an alarm that long.
const CONFIRM_TIME: Duration = Duration::from_secs(300);

/// What a shovel has while it runs.
pub(crate) struct Ends {
    pub(crate) source: Connection,
    pub(crate) target: Connection,
    pub(crate) consumer: Consumer,
    /// The consumer's, which lives as long.
    _channel: Channel,
    pub(crate) publisher: Channel,
    pub(crate) forward: Forward,
    /// URIs without secrets.
    pub(crate) src_uri: String,
    pub(crate) dest_uri: String,
}

/// Connects both and makes sure that queues are there. `None`: nothing is left to carry.
///
/// # Errors
/// What failed, at which end, in words.
pub(crate) async fn connect(job: &Job, attempt: usize) -> Result<Option<Ends>, String> {
    let (spec, board) = (&job.spec, &job.board);
    let label = format!("Shovel {}", board.name);
    let at_source = |error: Error| format!("source: {error}");
    let at_target = |error: Error| format!("target: {error}");
    let (source, src_uri) =
        any(&job.broker, &spec.src_uris, attempt, &label).await.map_err(|e| format!("source: {e}"))?;
    let channel = source.channel().await.map_err(at_source)?;
    let (queue, messages) = match &spec.origin {
        Origin::Queue(queue, arguments) => {
            let messages =
                ensure(&source, queue, arguments, spec.src_predeclared).await.map_err(at_source)?;
            (queue.clone(), messages)
        }
        Origin::Exchange(exchange, key) => {
            let own = QueueDeclare { exclusive: true, ..QueueDeclare::default() };
            let queue = channel.queue_declare("", own).await.map_err(at_source)?.name;
            let how = Bind { routing_key: key.clone(), ..Bind::default() };
            channel.queue_bind(&queue, exchange, how).await.map_err(at_source)?;
            (queue, 0)
        }
    };
    if board.remaining.load(Relaxed) == u64::MAX {
        match spec.delete_after {
            DeleteAfter::Never => {}
            DeleteAfter::QueueLength => board.remaining.store(messages.into(), Relaxed),
            DeleteAfter::Count(count) => board.remaining.store(count.min(u64::MAX - 1), Relaxed),
        }
    }
    let (target, dest_uri) =
        any(&job.broker, &spec.dest_uris, attempt, &label).await.map_err(|e| format!("target: {e}"))?;
    if let Some((queue, arguments)) = &spec.dest_queue {
        ensure(&target, queue, arguments, spec.dest_predeclared).await.map_err(at_target)?;
    }
    let publisher = target.channel().await.map_err(at_target)?;
    if spec.ack_mode == AckMode::OnConfirm {
        publisher.confirm_select().await.map_err(at_target)?;
    }
    let left = u16::try_from(board.remaining.load(Relaxed)).unwrap_or(u16::MAX);
    let prefetch = spec.prefetch.min(left.max(1));
    channel.basic_qos(prefetch, false).await.map_err(at_source)?;
    if left == 0 {
        return Ok(None);
    }
    let (no_ack, arguments) = (spec.ack_mode == AckMode::NoAck, spec.consumer_args.clone());
    let how = ConsumeOptions { no_ack, arguments, ..ConsumeOptions::default() };
    let consumer = channel.basic_consume(&queue, how).await.map_err(at_source)?;
    let all = job.broker.global_parameters().into_iter();
    let cluster =
        all.filter(|(name, _)| name == "cluster_name").find_map(|(_, v)| Some(v.as_str()?.to_owned()));
    let cluster = cluster.unwrap_or_else(|| job.broker.config().node_name.clone());
    let who = Identity { vhost: &board.vhost, name: &board.name, cluster: &cluster };
    let forward = Forward::new(spec, &who, src_uri, dest_uri);
    let (src_uri, dest_uri) = (shown(src_uri), shown(dest_uri));
    Ok(Some(Ends { source, target, consumer, _channel: channel, publisher, forward, src_uri, dest_uri }))
}

/// A connection to the first that takes one, another first at each attempt.
async fn any<'u>(
    broker: &Broker,
    uris: &'u [String],
    attempt: usize,
    label: &str,
) -> Result<(Connection, &'u str), String> {
    let mut reason = String::new();
    for at in 0..uris.len() {
        let Some(uri) = uris.get((at + attempt) % uris.len()) else { continue };
        let made = match Place::parse(uri) {
            Err(error) => Err(error.to_string()),
            Ok(Place::There(options)) => {
                let options =
                    options.name(label).operation_timeout(CONFIRM_TIME).recovery(RecoveryOptions::off());
                Connection::connect(options).await.map_err(|error| error.to_string())
            }
            Ok(Place::Here(options)) => {
                let options =
                    options.name(label).operation_timeout(CONFIRM_TIME).recovery(RecoveryOptions::off());
                let (broker, label) = (broker.clone(), label.to_owned());
                let connector = Connector::new(move |_| {
                    let stream = broker.connect_trusted(&label);
                    async move { Ok(stream) }
                });
                Connection::connect_over(connector, options).await.map_err(|error| error.to_string())
            }
        };
        match made {
            Ok(connection) => return Ok((connection, uri)),
            Err(error) => {
                let more = if reason.is_empty() { "" } else { "; " };
                reason = format!("{reason}{more}{}: {error}", shown(uri));
            }
        }
    }
    Err(reason)
}

/// A queue that is there is taken as it is; one that is not is declared. Messages in it.
async fn ensure(
    connection: &Connection,
    queue: &str,
    arguments: &FieldTable,
    is_predeclared: bool,
) -> Result<u32, Error> {
    // On a channel of its own: a refusal closes it.
    let asked = QueueDeclare { passive: true, ..QueueDeclare::default() };
    let channel = connection.channel().await?;
    match channel.queue_declare(queue, asked).await {
        Ok(there) => {
            channel.close().await?;
            Ok(there.messages)
        }
        Err(Error::Closed { code: 404, .. }) if !is_predeclared => {
            let how = QueueDeclare { durable: true, arguments: arguments.clone(), ..QueueDeclare::default() };
            let channel = connection.channel().await?;
            let made = channel.queue_declare(queue, how).await?.messages;
            channel.close().await?;
            Ok(made)
        }
        Err(error) => Err(error),
    }
}
