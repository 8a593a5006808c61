//! Which kinds of entities a policy is for.

use crate::queue::arguments::QueueKind;
use crate::refusal::Refusal;
use std::fmt;

/// `apply-to` of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ApplyTo {
    /// `all`: exchanges and queues.
    #[default]
    All,
    /// `exchanges`.
    Exchanges,
    /// `queues`, of any type.
    Queues,
    /// `classic_queues`.
    ClassicQueues,
    /// `quorum_queues`.
    QuorumQueues,
    /// `streams`.
    Streams,
}

/// An entity as a policy sees it: kinds, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) const EXCHANGE: Self = Self(1);
    pub(super) const CLASSIC: Self = Self(2);
    pub(super) const QUORUM: Self = Self(4);
    pub(super) const STREAM: Self = Self(8);
    pub(super) const QUEUE: Self = Self(2 | 4 | 8);
    pub(super) const ALL: Self = Self(1 | 2 | 4 | 8);

    /// A queue of this type.
    pub(crate) fn of_queue(kind: QueueKind) -> Self {
        match kind.as_str() {
            "classic" => Self::CLASSIC,
            "quorum" => Self::QUORUM,
            _ => Self::STREAM,
        }
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl ApplyTo {
    /// Every value.
    pub const ALL: [Self; 6] =
        [Self::All, Self::Exchanges, Self::Queues, Self::ClassicQueues, Self::QuorumQueues, Self::Streams];

    /// The word in RabbitMQ's JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exchanges => "exchanges",
            Self::Queues => "queues",
            Self::ClassicQueues => "classic_queues",
            Self::QuorumQueues => "quorum_queues",
            Self::Streams => "streams",
        }
    }

    /// The value of this word.
    ///
    /// # Errors
    /// It is none of them.
    pub fn parse(word: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|known| known.as_str() == word).ok_or_else(|| {
            Refusal::validation(format!(
                "apply-to '{word}' unrecognised; should be one of: 'queues', 'classic_queues', 'quorum_queues', \
                 'streams', 'exchanges', or 'all'"
            ))
        })
    }

    pub(super) fn kinds(self) -> Kinds {
        match self {
            Self::All => Kinds::ALL,
            Self::Exchanges => Kinds::EXCHANGE,
            Self::Queues => Kinds::QUEUE,
            Self::ClassicQueues => Kinds::CLASSIC,
            Self::QuorumQueues => Kinds::QUORUM,
            Self::Streams => Kinds::STREAM,
        }
    }
}

impl fmt::Display for ApplyTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
