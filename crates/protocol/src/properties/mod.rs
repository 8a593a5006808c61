//! Properties of a message: raw as on the wire and looked into lazily, or owned (AMQP 0-9-1, sections 1.8.1 and 2.3.5.2).

mod raw;
mod writer;

pub use crate::generated::properties::Properties;
pub use raw::RawProperties;
pub(crate) use writer::PropertyWriter;

use crate::wire::WireError;

/// How a property lies on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PropertyKind {
    ShortStr,
    Table,
    Octet,
    Timestamp,
}

/// Why raw properties do not become [`Properties`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOwnable {
    /// A text is not UTF-8.
    #[error("property {0} is not UTF-8")]
    NotUtf8(
        /// The property's name in the specification.
        &'static str,
    ),
    /// The headers do not decode.
    #[error("headers: {0}")]
    Headers(#[from] WireError),
}
