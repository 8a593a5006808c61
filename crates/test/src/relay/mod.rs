//! Between clients and broker: a task per connection that carries frames, and may be told not to.
//!
//! Nothing here decides what a broker decides. The one thing it says in the broker's place is the nack of a publishing that it
//! kept from the broker.

mod framer;
mod hub;
mod inspector;
mod link;
mod pump;
mod rules;

pub(crate) use hub::{Hub, Refuse};
pub(crate) use link::Link;
pub(crate) use rules::Rules;
pub use rules::{At, Cut, Direction, Ending};
