//! A script: what is said to both brokers, step by step.

mod arguments;
mod generate;
mod message;

use crate::render;
use leveret_dialogues::{Method, Properties, basic};
use std::fmt;

pub(crate) use generate::script;

/// Names of the queues that scripts declare. What bears them is deleted after each script.
pub(crate) const QUEUES: [&str; 5] = ["bq0", "bq1", "bq2", "bq3", "bq4"];
/// Names of the exchanges that scripts declare.
pub(crate) const EXCHANGES: [&str; 4] = ["bx0", "bx1", "bx2", "bx3"];

/// One step: something is sent on a channel, which is opened first when it is not open, as is its connection.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Which connection, from 0.
    pub(crate) connection: usize,
    /// Which channel, from 1.
    pub(crate) channel: u16,
    pub(crate) act: Act,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// A method as it stands.
    Method(Method<'static>),
    /// A message.
    Publish(basic::Publish<'static>, Box<Properties>, String),
    /// A settlement of something that was delivered on the channel.
    Settle(How, Which),
    /// A polite end of the connection.
    CloseConnection,
}

/// By which method, with which flags.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    Ack { multiple: bool },
    Nack { multiple: bool, requeue: bool },
    Reject { requeue: bool },
}

impl How {
    pub(crate) fn multiple(self) -> bool {
        matches!(self, Self::Ack { multiple: true } | Self::Nack { multiple: true, .. })
    }

    /// The method, for one delivery tag.
    pub(crate) fn method(self, delivery_tag: u64, multiple: bool) -> Method<'static> {
        match self {
            Self::Ack { .. } => basic::Ack { delivery_tag, multiple }.into(),
            Self::Nack { requeue, .. } => basic::Nack { delivery_tag, multiple, requeue }.into(),
            Self::Reject { requeue } => basic::Reject { delivery_tag, requeue }.into(),
        }
    }
}

/// Which delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    /// One of those that are not settled, counted from the oldest and round again; nothing is sent when there is none.
    Open(usize),
    /// This number, whatever it is.
    Tag(u64),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}#{} ", self.connection, self.channel)?;
        match &self.act {
            Act::Method(method) => f.write_str(&render::method(method)),
            Act::Publish(publish, properties, body) => {
                let method = Method::from(*publish);
                write!(f, "{} {} {body:.20}", render::method(&method), render::properties(properties))
            }
            Act::Settle(how, which) => write!(f, "{how:?} {which:?}"),
            Act::CloseConnection => f.write_str("connection.close"),
        }
    }
}
