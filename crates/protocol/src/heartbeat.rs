//! Heartbeats without a clock (AMQP 0-9-1, section 4.2.7; RabbitMQ, "Detecting Dead TCP Connections with Heartbeats").
//!
//! Any byte counts as a sign of life. A side sends a heartbeat after half an interval in which it sent nothing, and takes its peer
//! for dead after two intervals in which it received nothing.

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatAction {
    /// Send a heartbeat frame, then say [`Heartbeat::on_sent`].
    Send,
    /// Nothing came for two intervals: close the socket.
    Dead,
    /// Nothing until this time, in milliseconds of the caller's clock; `u64::MAX` when heartbeats are off.
    WaitUntil(u64),
}

/// Heartbeats of one connection. Times are milliseconds of any clock that does not go back.
///
/// ```
/// # use leveret_protocol::heartbeat::{Heartbeat, HeartbeatAction};
/// let mut heartbeat = Heartbeat::new(60_000, 0);
/// assert_eq!(heartbeat.poll(0), HeartbeatAction::WaitUntil(30_000));
/// assert_eq!(heartbeat.poll(30_000), HeartbeatAction::Send);
/// heartbeat.on_sent(30_000);
/// assert_eq!(heartbeat.poll(120_000), HeartbeatAction::Dead);
/// ```
#[derive(Debug, Clone)]
pub struct Heartbeat {
    interval_ms: u64,
    received_ms: u64,
    sent_ms: u64,
}

impl Heartbeat {
    /// Starts counting at `now_ms`. An interval of 0 turns heartbeats off.
    #[must_use]
    pub const fn new(interval_ms: u64, now_ms: u64) -> Self {
        Self { interval_ms, received_ms: now_ms, sent_ms: now_ms }
    }

    /// Bytes were received.
    #[inline]
    pub fn on_received(&mut self, now_ms: u64) {
        self.received_ms = now_ms;
    }

    /// Bytes were sent.
    #[inline]
    pub fn on_sent(&mut self, now_ms: u64) {
        self.sent_ms = now_ms;
    }

    /// What is due now.
    #[must_use]
    pub fn poll(&self, now_ms: u64) -> HeartbeatAction {
        if self.interval_ms == 0 {
            return HeartbeatAction::WaitUntil(u64::MAX);
        }
        let dead_ms = self.received_ms.saturating_add(self.interval_ms.saturating_mul(2));
        let send_ms = self.sent_ms.saturating_add(self.interval_ms.div_ceil(2));
        if now_ms >= dead_ms {
            HeartbeatAction::Dead
        } else if now_ms >= send_ms {
            HeartbeatAction::Send
        } else {
            HeartbeatAction::WaitUntil(send_ms.min(dead_ms))
        }
    }
}
