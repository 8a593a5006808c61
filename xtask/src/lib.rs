//! The project's automation as a library, so that tests can run it in process.

pub mod generate;
pub mod links;
