//! The client against a broker: in the process, or at `LEVERET_CLIENT_URL`.

#![allow(clippy::unwrap_used, clippy::expect_used)]
mod alone;
mod basics;
mod blocked;
mod bounds;
mod channel;
mod channels;
mod connecting;
mod consuming;
mod from_lapin;
mod late;
mod linger;
mod pools;
mod publishing;
mod recovery;
mod rpc;
mod support;
mod topology;
