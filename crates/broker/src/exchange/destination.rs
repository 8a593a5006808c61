//! What a binding leads to.

use crate::name::{Name, ResourceKind};

/// Where a binding leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// To the queue of this name.
    Queue(Name),
    /// To the exchange of this name.
    Exchange(Name),
}

impl Destination {
    /// The name of the queue or exchange.
    pub fn name(&self) -> &Name {
        match self {
            Self::Queue(name) | Self::Exchange(name) => name,
        }
    }

    /// Whether it is a queue or an exchange.
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::Queue(_) => ResourceKind::Queue,
            Self::Exchange(_) => ResourceKind::Exchange,
        }
    }
}
