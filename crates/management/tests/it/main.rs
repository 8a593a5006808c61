//! The HTTP API in this process: requests and their answers.

mod support;

mod access;
mod console;
mod entities;
mod messages;
mod queues;
mod users;
mod whole;
