//! What became of a message that was delivered and came back.

use leveret_protocol::{FieldTable, FieldValue};
use leveret_store::History;

/// Why a delivered message comes back to its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Return {
    /// `basic.reject` with requeue: its consumer failed.
    Rejected,
    /// `basic.nack` with requeue, `basic.recover`: its consumer will not have it now.
    Released,
    /// Its channel or connection ended.
    Lost,
}

impl Return {
    /// Whether it counts as a failed delivery. RabbitMQ 4.3 counts like this for quorum queues ("Quorum Queues", "Poison message
    /// handling"): rejecting and losing a consumer do, nacking does not.
    pub(crate) fn is_failure(self) -> bool {
        self != Self::Released
    }

    fn number(self) -> u8 {
        match self {
            Self::Rejected => 1,
            Self::Lost => 2,
            Self::Released => 3,
        }
    }
}

/// See the module's documentation. Most messages have none, so it is kept apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past(Option<Box<History>>);

impl Past {
    /// Whether it never came back.
    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Deliveries that failed.
    pub(crate) fn delivery_count(&self) -> u32 {
        self.0.as_ref().map_or(0, |history| history.delivery_count)
    }

    /// Deliveries after which it came back, failed or not.
    pub(crate) fn acquired_count(&self) -> u32 {
        self.0.as_ref().map_or(0, |history| history.acquired_count)
    }

    /// Milliseconds since 1970 at which a delivery failed first.
    pub(crate) fn first_failed_unix_ms(&self) -> Option<u64> {
        self.0.as_ref().map(|history| history.first_failed_unix_ms).filter(|ms| *ms > 0)
    }

    /// Why the last delivery that failed did, in a word.
    pub(crate) fn last_failure(&self) -> Option<&'static str> {
        match self.0.as_ref()?.reason {
            1 => Some("rejected"),
            2 => Some("consumer_lost"),
            _ => None,
        }
    }

    /// Milliseconds since 1970 before which it is not to be delivered.
    pub(crate) fn held_until_unix_ms(&self) -> u64 {
        self.0.as_ref().map_or(0, |history| history.held_until_unix_ms)
    }

    /// It comes back once more.
    pub(crate) fn came_back(&mut self, why: Return, unix_ms: u64) {
        let history = self.0.get_or_insert_default();
        history.acquired_count = history.acquired_count.saturating_add(1);
        history.held_until_unix_ms = 0;
        if why.is_failure() {
            history.delivery_count = history.delivery_count.saturating_add(1);
            history.reason = why.number();
            if history.first_failed_unix_ms == 0 {
                history.first_failed_unix_ms = unix_ms;
            }
        }
    }

    /// It is not to be delivered before this moment.
    pub(crate) fn hold_until(&mut self, unix_ms: u64) {
        self.0.get_or_insert_default().held_until_unix_ms = unix_ms;
    }

    /// Says it in headers: `x-delivery-count` and `x-acquired-count` as RabbitMQ's quorum queues do, `x-first-failed-at` and
    /// `x-last-failure` of our own. Those that have nothing to say are left out.
    pub(crate) fn write(&self, headers: &mut FieldTable) {
        let counts =
            [("x-delivery-count", self.delivery_count()), ("x-acquired-count", self.acquired_count())];
        for (name, count) in counts {
            if count > 0 {
                headers.insert(name, FieldValue::I64(count.into()));
            }
        }
        if let Some(ms) = self.first_failed_unix_ms() {
            headers.insert("x-first-failed-at", FieldValue::Timestamp(ms / 1000));
        }
        if let Some(reason) = self.last_failure() {
            headers.insert("x-last-failure", FieldValue::from(reason));
        }
    }

    /// Takes out what an earlier life wrote: a message that is replayed begins anew, and who counts attempts by these headers must not
    /// find those that were used up.
    pub(crate) fn forget(headers: &mut FieldTable) {
        for name in ["x-delivery-count", "x-acquired-count", "x-first-failed-at", "x-last-failure"] {
            headers.remove(name);
        }
    }

    /// As the store keeps it.
    pub(crate) fn history(&self) -> History {
        self.0.as_deref().copied().unwrap_or_default()
    }
}

impl From<History> for Past {
    fn from(history: History) -> Self {
        Self((history != History::default()).then(|| Box::new(history)))
    }
}
