//! The parts of a message, one type each.

use std::any::Any;
use std::ops::Deref;

use leveret_client::{FieldTable, Properties};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{FromMessage, Given};
use crate::failure::Failure;
use crate::message::Incoming;

/// What the worker was given with [`state`](crate::WorkerBuilder::state), cloned for each message. That it was is checked when the worker
/// starts.
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// use leveret::{Json, Queue, State};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// async fn count(Json(cups): Json<u32>, State(all): State<Arc<AtomicU32>>) {
///     all.fetch_add(cups, Ordering::Relaxed);
/// }
///
/// mq.declare(Queue::durable("orders").dead_letter()).await?;
/// let worker = mq.worker("orders").state(Arc::new(AtomicU32::new(0))).handler(count);
/// # let _ = worker;
/// # Ok(()) }
/// # leveret::test::run_example(example);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct State<S>(pub S);

impl<S: Any + Clone + Send + Sync> FromMessage for State<S> {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        let missing = || Failure::release(format!("no State<{}> was given", std::any::type_name::<S>()));
        message.state::<S>().cloned().map(Self).ok_or_else(missing)
    }

    fn check(given: &Given<'_>) -> Result<(), String> {
        given.has::<S>()
    }
}

/// The headers; empty when there are none.
///
/// ```
/// use leveret::{Failure, Headers};
///
/// async fn handle(Headers(headers): Headers) -> Result<(), Failure> {
///     match headers.get("tenant").and_then(|tenant| tenant.as_str()) {
///         Some(tenant) => println!("for {tenant}"),
///         None => return Err(Failure::permanent("whose is it?").reason("no-tenant")),
///     }
///     Ok(())
/// }
/// # fn example(mq: leveret::Mq) {
/// let worker = mq.worker("orders").handler(handle);
/// # let _ = worker; }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Headers(pub FieldTable);

impl FromMessage for Headers {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(Self(message.properties().headers.clone().unwrap_or_default()))
    }
}

impl FromMessage for Properties {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(message.properties().clone())
    }
}

impl FromMessage for Incoming {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(message.clone())
    }
}

/// The message id. A message without one goes to the dead letters; take `Option<MessageId>` to allow it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(pub String);

impl FromMessage for MessageId {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        let missing = || Failure::permanent("the message has no message id").reason("no-message-id");
        message.message_id().map(|id| Self(id.to_owned())).ok_or_else(missing)
    }
}

/// Which attempt this is, from 1. See [`Incoming::attempt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt(pub u32);

impl FromMessage for Attempt {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(Self(message.attempt()))
    }
}

/// Whether somebody may have begun to handle it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivered(pub bool);

impl FromMessage for Redelivered {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(Self(message.is_redelivered()))
    }
}

/// The queue it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue(pub String);

impl FromMessage for Queue {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(Self(message.queue().to_owned()))
    }
}

/// The routing key it was published with first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingKey(pub String);

impl FromMessage for RoutingKey {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(Self(message.routing_key().to_owned()))
    }
}

/// When its handling is given up; `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(pub Option<Instant>);

impl FromMessage for Deadline {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(Self(message.deadline()))
    }
}

/// Asks the handler to stop: the deadline has passed, or the worker stops. The handler goes on until it looks; only after a grace is it
/// dropped where it waits.
///
/// ```
/// use leveret::{Cancelled, Failure};
/// # async fn step(_: u32) {}
///
/// async fn handle(cancelled: Cancelled) -> Result<(), Failure> {
///     for part in 0..100 {
///         if cancelled.is_cancelled() {
///             return Err(Failure::release("asked to stop"));
///         }
///         step(part).await;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Cancelled(pub CancellationToken);

impl Deref for Cancelled {
    type Target = CancellationToken;

    fn deref(&self) -> &CancellationToken {
        &self.0
    }
}

impl FromMessage for Cancelled {
    fn from_message(message: &Incoming) -> Result<Self, Failure> {
        Ok(Self(message.cancelled().clone()))
    }
}
