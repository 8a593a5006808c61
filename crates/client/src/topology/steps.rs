//! The steps of declaring it all again, what may come of each, and what is told of them all.

use leveret_protocol::FieldTable;

use super::{Consumer, Entity, Exchange, Qos};

/// One thing to send and to wait for.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// `exchange.declare`
    DeclareExchange(&'a Exchange),
    /// `queue.declare`; the name in the answer is the outcome.
    DeclareQueue {
        /// The name to ask for: empty for a server-named queue.
        name: &'a str,
        /// Everything else.
        queue: &'a super::Queue,
    },
    /// `queue.bind`
    BindQueue {
        /// The queue, under its name of today.
        queue: &'a str,
        /// The exchange.
        source: &'a str,
        /// The binding key.
        routing_key: &'a [u8],
        /// Further arguments.
        arguments: &'a FieldTable,
    },
    /// `exchange.bind`
    BindExchange {
        /// The exchange that receives.
        destination: &'a str,
        /// The exchange that sends.
        source: &'a str,
        /// The binding key.
        routing_key: &'a [u8],
        /// Further arguments.
        arguments: &'a FieldTable,
    },
    /// `basic.qos`, on that channel.
    Qos(Qos),
    /// `basic.consume`, on its channel and with its tag.
    Consume(&'a Consumer),
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Done,
    /// Somebody else does it, and tells of it: it is not counted.
    Left,
    /// The queue is declared under this name.
    Named(String),
    /// The broker refused it, with this text. It stays on record and is tried again after the next loss.
    Failed(String),
    /// The broker does not know what is to be bound, with this text. What of it was declared a moment ago went with the lost connection,
    /// whose end the broker has only just noticed: it is declared once more.
    Gone(String),
    /// Not possible yet. It and what depends on it wait until [`Recovery::resume`]; everything else goes on.
    Later,
    /// The connection is lost again: nothing more is done, nothing is reported as failed.
    Lost,
}

/// A step that was refused, or skipped because it depends on one that was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What is missing now.
    pub entity: Entity,
    /// The broker's text, or which entity it depends on.
    pub reason: String,
    /// Not tried, because what it depends on is missing.
    pub skipped: bool,
}

/// A server-named queue that came back under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The name before.
    pub old: String,
    /// The name now.
    pub new: String,
}

/// What became of a topology.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// Steps that succeeded.
    pub recovered: usize,
    /// What is missing, in the order it was tried.
    pub failures: Vec<Failure>,
    /// Queues under new names.
    pub renames: Vec<Rename>,
    /// Whether every step was taken; if not, the connection was lost on the way, or something has to wait and another report follows.
    pub complete: bool,
}
