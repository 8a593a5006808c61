//! What may be done to a connection on its way.

use std::time::Duration;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the broker.
    ToBroker,
    /// From the broker to the client.
    ToClient,
}

impl Direction {
    /// Both, for those who go through them.
    pub const BOTH: [Self; 2] = [Self::ToBroker, Self::ToClient];
}

/// How a client notices that its connection was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ending {
    /// What had been forwarded can still be read, then the stream ends (TCP: FIN).
    #[default]
    Close,
    /// What was not read yet is gone, reading and writing give `ConnectionReset` (TCP: RST).
    Reset,
    /// It does not: what had been forwarded can still be read, then nothing comes any more and what it writes goes nowhere, as after a
    /// cable was pulled. For the broker the connection has ended.
    Vanish,
}

/// Where a connection is cut, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// After so many whole frames. A client's protocol header (`AMQP` and four bytes) counts as its first.
    Frame(u64),
    /// After so many bytes.
    Byte(u64),
}

/// A cut: so much passes in one direction, then the connection ends in both.
///
/// What had passed towards the broker by then is handled by it; nothing that it says afterwards reaches the client.
///
/// ```
/// use leveret_test::{At, Cut, Direction, Ending};
///
/// let after_the_header = Cut::new(Direction::ToBroker, At::Frame(1));
/// assert_eq!(after_the_header.ending, Ending::Close);
/// assert_eq!(after_the_header.reset().to_string(), "after frame 1 to the broker, by a reset");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cut {
    /// Which way is counted.
    pub direction: Direction,
    /// How much passes.
    pub at: At,
    /// How the client notices.
    pub ending: Ending,
}

impl Cut {
    /// A cut that the client sees as the end of the stream.
    #[must_use]
    pub const fn new(direction: Direction, at: At) -> Self {
        Self { direction, at, ending: Ending::Close }
    }

    /// The same, seen as a reset.
    #[must_use]
    pub const fn reset(self) -> Self {
        Self { ending: Ending::Reset, ..self }
    }

    /// The same, not seen at all.
    #[must_use]
    pub const fn vanish(self) -> Self {
        Self { ending: Ending::Vanish, ..self }
    }
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, count) = match self.at {
            At::Frame(count) => ("frame", count),
            At::Byte(count) => ("byte", count),
        };
        let way = match self.direction {
            Direction::ToBroker => "to the broker",
            Direction::ToClient => "to the client",
        };
        let end = match self.ending {
            Ending::Close => "",
            Ending::Reset => ", by a reset",
            Ending::Vanish => ", and nobody says so",
        };
        write!(f, "after {what} {count} {way}{end}")
    }
}

/// What holds for a connection now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// By direction.
    pub(crate) delay: [Duration; 2],
    pub(crate) stalled: [bool; 2],
    pub(crate) cuts: Vec<Cut>,
    /// It is to end now.
    pub(crate) end: Option<Ending>,
}

impl Rules {
    /// How the connection ends now that so much passed, if it does.
    pub(crate) fn cut_reached(&self, direction: Direction, frames: u64, bytes: u64) -> Option<Ending> {
        let reached = |cut: &&Cut| match cut.at {
            At::Frame(at) => frames >= at,
            At::Byte(at) => bytes >= at,
        };
        self.cuts.iter().filter(|cut| cut.direction == direction).find(reached).map(|cut| cut.ending)
    }

    /// How many of the next `len` bytes may pass.
    pub(crate) fn bytes_allowed(&self, direction: Direction, bytes: u64, len: usize) -> usize {
        let mine = self.cuts.iter().filter(|cut| cut.direction == direction);
        let left = mine.filter_map(|cut| match cut.at {
            At::Byte(at) => Some(at.saturating_sub(bytes)),
            At::Frame(_) => None,
        });
        left.min().map_or(len, |left| len.min(usize::try_from(left).unwrap_or(usize::MAX)))
    }
}
