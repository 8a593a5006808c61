//! When a time is over, for any time that somebody may ask for: as the client has it.

pub(crate) use leveret_client::deadline::after;
