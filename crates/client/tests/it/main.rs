//! The client against a broker: in the process, or at `LEVERET_CLIENT_URL`.

#![allow(clippy::unwrap_used, clippy::expect_used)]
mod basics;
mod bounds;
mod consuming;
mod late;
mod pools;
mod publishing;
mod recovery;
mod support;
mod topology;
