//! Messages that are sent later: at a time, or after one.
//!
//! Where the broker has delayed exchanges (Leveret; RabbitMQ with `rabbitmq_delayed_message_exchange`) what waits is in one of them:
//! any number of messages, listed and cancelled in Leveret's console and HTTP API, but not over AMQP. What is to be
//! [cancellable](Publisher::cancellable_after) by the application waits in a queue of its own, whose messages expire to where they were
//! meant; it is cancelled by deleting the queue, on any broker. So is everything on a RabbitMQ without the plugin.
//!
//! What waits is stored like any message: it survives the broker and the application.

mod later;

use std::time::{Duration, SystemTime};

use leveret_client::{ConnectError, Error, Message, SendError};

pub(crate) use later::Later;

use crate::codec::{CodecError, Encode};
use crate::failure::BoxError;
use crate::mq::Mq;
use crate::publisher::{PublishError, Publisher, may_pass};
use crate::topology::TopologyError;

/// When a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So much later than now, to the millisecond.
    After(Duration),
    /// At that time by this machine's clock; what is past is now.
    At(SystemTime),
}

impl From<Duration> for When {
    fn from(delay: Duration) -> Self {
        Self::After(delay)
    }
}

impl From<SystemTime> for When {
    fn from(time: SystemTime) -> Self {
        Self::At(time)
    }
}

impl When {
    fn delay_at(self, now: SystemTime) -> Duration {
        match self {
            Self::After(delay) => delay,
            Self::At(time) => time.duration_since(now).unwrap_or_default(),
        }
    }
}

/// A message that the broker has and sends later. To be able to cancel it, send it with
/// [`cancellable_after`](Publisher::cancellable_after).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheduled {
    /// The message's id, by which it is found in the console and over the HTTP API (`/api/leveret/schedules/..`).
    pub message_id: String,
    /// When it is sent, by this machine's clock.
    pub due: SystemTime,
}

/// A message that the broker has, sends later, and never sends when this is cancelled. Dropping it changes nothing.
#[derive(Debug, Clone)]
pub struct Cancellable {
    mq: Mq,
    /// The queue it waits in.
    id: String,
    scheduled: Scheduled,
}

impl Cancellable {
    /// Keep this to cancel it later or elsewhere: [`Mq::cancel_scheduled`].
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The message's id, and when it is sent.
    #[must_use]
    pub fn scheduled(&self) -> &Scheduled {
        &self.scheduled
    }

    /// Takes the message back; see [`Mq::cancel_scheduled`].
    ///
    /// # Errors
    /// As [`Mq::cancel_scheduled`].
    pub async fn cancel(&self) -> Result<bool, Error> {
        self.mq.cancel_scheduled(&self.id).await
    }
}

/// Why a message is not known to be scheduled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// No body can be made of it. Nothing was sent.
    #[error(transparent)]
    Encode(#[from] CodecError),
    /// No broker keeps it for so long. Nothing was sent.
    #[error(
        "{wanted:?} from now is too far: {at_most:?} is the most this broker waits; keep it in a database until it is nearer"
    )]
    TooFar {
        /// How long it was to wait.
        wanted: Duration,
        /// The most.
        at_most: Duration,
    },
    /// Where it was to wait cannot be declared; the queue or exchange it goes to may not be there.
    #[error(transparent)]
    Declare(#[from] TopologyError),
    /// Where it was to wait cannot be made or deleted.
    #[error(transparent)]
    Broker(#[from] Error),
    /// The connection that asks whether the broker has delayed exchanges cannot be made.
    #[error("to ask for delayed exchanges: {0}")]
    Connect(#[from] ConnectError),
    /// See [`SendError`].
    #[error(transparent)]
    Send(#[from] SendError),
    /// A [layer](crate::PublisherBuilder::layer) of the publisher says so.
    #[error(transparent)]
    Layer(BoxError),
}

impl From<PublishError> for ScheduleError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Encode(error) => Self::Encode(error),
            PublishError::Send(error) => Self::Send(error),
            PublishError::Layer(error) => Self::Layer(error),
        }
    }
}

impl ScheduleError {
    /// Whether the same call may succeed later without anything being changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Encode(_) | Self::TooFar { .. } => false,
            Self::Declare(error) => error.is_transient(),
            Self::Broker(error) => error.is_transient(),
            Self::Connect(error) => error.is_transient(),
            Self::Send(error) => error.is_transient(),
            Self::Layer(error) => may_pass(error),
        }
    }
}

impl<C: Encode> Publisher<C> {
    /// Sends a value after this time. `Ok`: the broker has it and sends it then, to where this publisher sends.
    ///
    /// Whether a queue takes it is only known then: a message that reaches none is gone, as one without `mandatory` is.
    ///
    /// ```
    /// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
    /// use leveret::{Json, Queue};
    /// use std::time::{Duration, SystemTime};
    ///
    /// mq.declare(Queue::durable("reminders").dead_letter()).await?;
    /// let reminders = mq.publisher("reminders").build::<Json<u32>>().await?;
    /// reminders.send_after(&7, Duration::from_secs(3600)).await?;
    /// reminders.send_at(&8, SystemTime::now() + Duration::from_secs(60)).await?;
    ///
    /// let order = reminders.cancellable_after(&9, Duration::from_secs(1800)).await?;
    /// assert!(order.cancel().await?, "in time: it is never sent");
    /// # Ok(())
    /// # }
    /// # leveret::test::run_example(example);
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError`] says what is known of it.
    pub async fn send_after(&self, value: &C::Value, delay: Duration) -> Result<Scheduled, ScheduleError> {
        self.schedule(self.message(value)?, delay).await
    }

    /// The same at a time by this machine's clock; at once if it is past.
    ///
    /// # Errors
    /// As [`send_after`](Self::send_after).
    pub async fn send_at(&self, value: &C::Value, time: SystemTime) -> Result<Scheduled, ScheduleError> {
        self.schedule(self.message(value)?, time).await
    }

    /// The same with a message of one's own making, for example [`Publisher::message`] with other headers.
    ///
    /// # Errors
    /// As [`send_after`](Self::send_after).
    pub async fn schedule(
        &self,
        message: Message,
        when: impl Into<When>,
    ) -> Result<Scheduled, ScheduleError> {
        self.later.send(self, message, when.into()).await
    }

    /// Sends a value after this time unless it is cancelled before. It waits in a queue of its own, on any broker, which costs the broker a
    /// declaration and a few kilobytes: for thousands that wait, not for millions.
    ///
    /// # Errors
    /// As [`send_after`](Self::send_after).
    pub async fn cancellable_after(
        &self,
        value: &C::Value,
        delay: Duration,
    ) -> Result<Cancellable, ScheduleError> {
        self.schedule_cancellable(self.message(value)?, delay).await
    }

    /// The same at a time by this machine's clock.
    ///
    /// # Errors
    /// As [`send_after`](Self::send_after).
    pub async fn cancellable_at(
        &self,
        value: &C::Value,
        time: SystemTime,
    ) -> Result<Cancellable, ScheduleError> {
        self.schedule_cancellable(self.message(value)?, time).await
    }

    /// The same with a message of one's own making.
    ///
    /// # Errors
    /// As [`send_after`](Self::send_after).
    pub async fn schedule_cancellable(
        &self,
        message: Message,
        when: impl Into<When>,
    ) -> Result<Cancellable, ScheduleError> {
        let (id, scheduled) = self.later.send_alone(self, message, when.into()).await?;
        Ok(Cancellable { mq: self.later.mq().clone(), id, scheduled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_past_is_now() {
        let (now, minute) = (SystemTime::now(), Duration::from_secs(60));
        assert_eq!(When::from(now + minute).delay_at(now), minute);
        assert_eq!(When::from(now - minute).delay_at(now), Duration::ZERO);
        assert_eq!(When::from(minute).delay_at(now), minute);
    }
}
