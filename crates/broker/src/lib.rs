//! broker

pub mod auth;
pub mod definitions;
pub mod name;
pub mod net;
pub mod refusal;
