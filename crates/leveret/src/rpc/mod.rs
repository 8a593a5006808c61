//! Questions that are answered: a request goes to a queue, whoever works on that answers, and the answer comes back over the broker's direct
//! reply-to, with no queue declared and nothing stored.
//!
//! [`Requester`] asks; a worker with a [`Responder`] for a handler answers ([`WorkerBuilder::responder`](crate::WorkerBuilder::responder)).
//! A request is carried out at least once or, when its deadline passes first or its caller gives up, perhaps not at all; what its caller is
//! told of that stands in [`CallError`].
//!
//! An asker gives up by dropping the future of its call (`token.run_until_cancelled(asker.call(..))` does). Whoever answers is told: a
//! request that is being handled has its [`Cancelled`](crate::Cancelled) cancelled, and the handler the
//! [`grace`](crate::WorkerBuilder::grace) to end; one that still waits is acked without the handler being called. The same holds for one whose
//! deadline has passed. It takes a message to `amq.direct` for each request that is given up, none for the others, and
//! a queue for each responder, exclusive to its connection (`leveret.given-up.` and a number). What it does not hold for: a message that is
//! lost with a connection, more than 1024 given up at once by one requester, more than 16384 that a responder has to remember; and those
//! given up by an exchange before the first request has come that way. They are carried out as if nothing had been said.
//! Users whose permissions leave out `amq.direct` or such queues do without, which is logged once.

mod answer;
mod asker;
mod askers;
mod builder;
mod error;
mod given_up;
mod listening;
mod question;
mod requester;
mod responder;

pub(crate) use answer::Answer;
pub use answer::IntoAnswer;
pub(crate) use askers::Asked;
pub use builder::RequesterBuilder;
pub use error::{CallError, Refused};
pub(crate) use listening::Listening;
pub use question::{Question, Reply};
pub use requester::Requester;
pub use responder::Responder;
pub(crate) use responder::{Responding, reply};
