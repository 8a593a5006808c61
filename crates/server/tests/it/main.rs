//! The binary from the outside.

mod bench;
mod client;
mod dependencies;
mod serve;
mod support;
