//! The HTTP API in this process: requests and their answers.

mod support;

mod access;
mod console;
mod metrics;
mod queues;
