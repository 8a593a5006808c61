//! The client against a broker: in the process, or at `LEVERET_CLIENT_URL`.

mod basics;
mod recovery;
mod support;
