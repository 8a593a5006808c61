//! The client never hangs, loses or silently repeats: conversations that are cut everywhere, brokers that fall silent at every step,
//! thousands of senders on connections that keep breaking.
//!
//! A target of its own, beside `it`: these tests need a broker whose connections can be broken and mostly run on tokio's paused clock,
//! so none of them can be put to a broker at a URL. `leveret-test` is a dev-dependency of the client it depends on, which cargo allows
//! for integration tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "seeds, and which test did not end")]
mod addresses;
mod blocked;
mod closing;
mod dropped;
mod everywhere;
mod extremes;
mod lifecycle;
mod publishing;
mod recovery;
mod silence;
mod storm;
mod support;
