//! Layers for workers ([`WorkerBuilder::layer`](crate::WorkerBuilder::layer), [`batch_layer`](crate::WorkerBuilder::batch_layer)), publishers
//! ([`PublisherBuilder::layer`](crate::PublisherBuilder::layer)) and requesters ([`RequesterBuilder::layer`](crate::rpc::RequesterBuilder::layer)).
//! Those of `tower` and anyone's do as well, if their services are `Clone`.
//!
//! | layer | a call |
//! |---|---|
//! | [`RateLimit`] | waits for its turn: so many in a time |
//! | [`InFlightLimit`] | waits for a place: so many at the same time |
//! | [`LoadShed`] | fails at once when too many are under way: [`Overloaded`] |
//! | [`Timeout`] | is given up after a time: [`TimedOut`] |
//! | [`CircuitBreaker`](crate::CircuitBreaker) | fails at once while most fail: [`CircuitOpen`]; of workers, [`circuit_breaker`](crate::WorkerBuilder::circuit_breaker) pauses instead |
//!
//! Clones of one share its count, also between workers, publishers and requesters. In a worker [`Overloaded`] and [`CircuitOpen`] release the message: it
//! goes back to the queue after a second, and that was no attempt. Tracing, metrics and the catching of panics need no layer: workers
//! and publishers have them, and requesters have their spans.

mod breaker;
mod limit;
mod rate;
mod shed;
mod timeout;

use std::pin::Pin;

pub use breaker::{Broken, CircuitOpen};
pub use limit::{InFlightLimit, InFlightLimited};
pub use rate::{RateLimit, RateLimited};
pub use shed::{LoadShed, Overloaded, Shed};
pub use timeout::{Timed, TimedOut, Timeout};

/// What services here answer, later.
type Answer<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// The service that is ready, with a clone left in its place, which may not be.
fn ready<S: Clone>(place: &mut S) -> S {
    let clone = place.clone();
    std::mem::replace(place, clone)
}
