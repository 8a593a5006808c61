//! Questions that are answered: a request goes to a queue, whoever works on that answers, and the answer comes back over the broker's direct
//! reply-to, with no queue declared and nothing stored.
//!
//! [`Requester`] asks; a worker with a [`Responder`] for a handler answers ([`WorkerBuilder::responder`](crate::WorkerBuilder::responder)).
//! A request is carried out at least once or, when its deadline passes first, perhaps not at all; what its caller is told of that stands in
//! [`CallError`].

mod answer;
mod error;
mod requester;
mod responder;

pub(crate) use answer::Answer;
pub use answer::IntoAnswer;
pub use error::{CallError, Refused};
pub use requester::{Requester, RequesterBuilder};
pub use responder::Responder;
pub(crate) use responder::{Responding, reply};
