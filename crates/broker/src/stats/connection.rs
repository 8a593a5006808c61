//! What a connection shows of itself. Its task writes, everybody may read.

use super::Tally;

/// What a connection is doing, in RabbitMQ's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// It is not open yet.
    Starting,
    /// It is open.
    Running,
    /// An alarm is on; it has not published anything and may go on.
    Blocking,
    /// An alarm holds it back.
    Blocked,
    /// It published faster than consumers or the disk take it, and is not read from until they have caught up.
    Flow,
    /// A close went one way or the other.
    Closing,
}

impl ConnectionState {
    const ALL: [Self; 6] =
        [Self::Starting, Self::Running, Self::Blocking, Self::Blocked, Self::Flow, Self::Closing];

    /// RabbitMQ's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Blocking => "blocking",
            Self::Blocked => "blocked",
            Self::Flow => "flow",
            Self::Closing => "closing",
        }
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct ConnectionFigures {
    /// Bytes of AMQP read and written: of a TLS connection those inside.
    pub(crate) received_bytes: Tally,
    pub(crate) sent_bytes: Tally,
    /// Reads and writes that moved some.
    pub(crate) reads: Tally,
    pub(crate) writes: Tally,
    state: Tally,
}

impl ConnectionFigures {
    pub(crate) fn set_state(&self, state: ConnectionState) {
        self.state.set(state as u64);
    }

    pub(crate) fn state(&self) -> ConnectionState {
        let known = ConnectionState::ALL.get(self.state.get() as usize);
        known.copied().unwrap_or(ConnectionState::Starting)
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.received_bytes.add(bytes as u64);
        self.reads.add(1);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.sent_bytes.add(bytes as u64);
        self.writes.add(1);
    }
}
