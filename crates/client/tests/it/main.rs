//! The client against a broker: in the process, or at `LEVERET_CLIENT_URL`.

#![allow(clippy::unwrap_used, clippy::expect_used)]
mod alone;
mod basics;
mod bounds;
mod channels;
mod linger;
mod pools;
mod recovery;
mod support;
mod topology;
