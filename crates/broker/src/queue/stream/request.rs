//! What a channel asks of a stream that a stream does not do, or does only so. The words are RabbitMQ 3.10's.

use super::filter::Filter;
use super::offset::OffsetSpec;
use super::reader::Start;
use crate::name::ResourceKind;
use crate::queue::Queue;
use crate::queue::arguments::QueueKind;
use crate::refusal::Refusal;
use leveret_protocol::{FieldTable, ReplyCode};
use std::sync::Arc;

/// What `basic.consume` says of a stream.
///
/// # Errors
/// 406 without a prefetch count, with `x-priority` or an offset that is none; 540 for `no_ack`.
pub(crate) fn start(
    queue: &Queue,
    arguments: &FieldTable,
    no_ack: bool,
    prefetch: u16,
    unix_ms: u64,
) -> Result<Box<Start>, Refusal> {
    if arguments.contains_key("x-priority") {
        let (name, vhost, module) = (queue.name(), queue.vhost_name(), QueueKind::Stream.module());
        let text =
            format!("invalid arg 'x-priority' for queue '{name}' in vhost '{vhost}' of queue type {module}");
        return Err(Refusal::precondition(text));
    }
    if prefetch == 0 {
        let text = format!("consumer prefetch count is not set for '{}'", resource(queue));
        return Err(Refusal::precondition(text));
    }
    if no_ack {
        return Err(unsupported(queue, "automatic acknowledgement"));
    }
    let offset = OffsetSpec::parse(arguments.get("x-stream-offset"), unix_ms).map_err(|reason| {
        let (name, vhost) = (queue.name().clone(), queue.vhost_name().clone());
        Refusal::InvalidArgument {
            arg: "x-stream-offset".into(),
            kind: ResourceKind::Queue,
            name,
            vhost,
            reason,
        }
    })?;
    Ok(Box::new(Start { offset, filter: Filter::parse(arguments).map(Arc::new) }))
}

/// 540: streams have no such operation.
pub(crate) fn unsupported(queue: &Queue, what: &str) -> Refusal {
    let text = format!("{what} not supported by stream queues {}", resource(queue));
    Refusal::other(ReplyCode::NotImplemented, text)
}

fn resource(queue: &Queue) -> String {
    format!("queue '{}' in vhost '{}'", queue.name(), queue.vhost_name())
}
