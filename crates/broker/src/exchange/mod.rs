//! Exchanges: from a message's routing key and headers to destinations. One file or folder per exchange type.
//!
//! Nothing here knows of queues, connections or names of destinations. What lies above the types (the default exchange, bindings
//! between exchanges, alternate exchanges, each queue only once) is the topology's.

mod consistent_hash;
mod dedup;
mod delay;
mod destination;
mod direct;
mod headers;
mod kind;
mod modulus_hash;
mod publication;
mod random;
mod recent_history;
mod router;
mod spec;
mod target;
mod topic;

pub(crate) use dedup::DEDUP_ARGUMENTS;
pub use delay::DELAYED_TYPE;
pub(crate) use delay::{own_delay_ms, waited};
pub use destination::Destination;
pub use kind::ExchangeKind;
pub(crate) use publication::RoutingKeys;
pub use publication::{Passed, Publication};
pub(crate) use recent_history::History;
pub(crate) use router::{Route, Router, check_binding};
pub use spec::{ALTERNATE_EXCHANGE, ExchangeSpec};
pub(crate) use target::{Target, TargetKind};
