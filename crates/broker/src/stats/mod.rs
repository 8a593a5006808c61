//! What the broker counts of messages, channels, connections and entities, for whoever looks.
//!
//! Counting is kept cheap (what it costs was not measured yet): what one task counts alone is a plain addition (`Tally`), what several count is
//! added up per batch, and totals are sums that are made when somebody asks. Figures only grow, unless they say otherwise.

mod channel;
mod channels;
mod churn;
mod connection;
mod deaths;
mod exchange;
mod messages;
mod tally;

pub(crate) use channel::{CONFIRM, ChannelFigures, TRANSACTION};
pub(crate) use channels::Channels;
pub use churn::Churn;
pub(crate) use churn::{ChurnCounters, Happening};
pub(crate) use connection::ConnectionFigures;
pub use connection::ConnectionState;
pub(crate) use deaths::DeathCounters;
pub use deaths::{DeadLetterStrategy, Deaths};
pub use exchange::ExchangeCounts;
pub(crate) use exchange::{ExchangeFigures, Runs};
pub use messages::{MessageCounts, TakenCounts};
pub(crate) use tally::Tally;
