//! How often connections, channels and queues come and go.

use std::sync::atomic::{AtomicU64, Ordering};

/// What comes and goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    ConnectionCreated,
    ConnectionClosed,
    ChannelCreated,
    ChannelClosed,
    QueueDeclared,
    QueueCreated,
    QueueDeleted,
    LoggedIn,
    LoginRefused,
}

/// Counted since the broker was started, under RabbitMQ's names (HTTP API, `churn_rates`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "they say it")]
#[non_exhaustive]
pub struct Churn {
    pub connection_created: u64,
    pub connection_closed: u64,
    pub channel_created: u64,
    pub channel_closed: u64,
    /// `queue.declare` that was not passive, of a queue that was there or of a new one.
    pub queue_declared: u64,
    pub queue_created: u64,
    pub queue_deleted: u64,
    /// Logins over AMQP that succeeded.
    pub logged_in: u64,
    /// Logins over AMQP that did not.
    pub login_refused: u64,
}

#[derive(Debug, Default)]
pub(crate) struct ChurnCounters([AtomicU64; 9]);

impl ChurnCounters {
    pub(crate) fn count(&self, what: Happening) {
        self.0[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Churn {
        let of = |what: Happening| self.0[what as usize].load(Ordering::Relaxed);
        Churn {
            connection_created: of(Happening::ConnectionCreated),
            connection_closed: of(Happening::ConnectionClosed),
            channel_created: of(Happening::ChannelCreated),
            channel_closed: of(Happening::ChannelClosed),
            queue_declared: of(Happening::QueueDeclared),
            queue_created: of(Happening::QueueCreated),
            queue_deleted: of(Happening::QueueDeleted),
            logged_in: of(Happening::LoggedIn),
            login_refused: of(Happening::LoginRefused),
        }
    }
}
