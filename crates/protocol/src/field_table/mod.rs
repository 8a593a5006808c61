//! Field tables: names with typed values, as used for arguments, properties of peers and headers (AMQP 0-9-1, section 4.2.5.5).
//!
//! The types are those RabbitMQ and its clients send, which is not what the specification lists ("AMQP 0-9-1 Errata", section 3).

mod name;
mod raw;
mod table;
mod value;

pub use name::FieldName;
pub use raw::{RawArray, RawTable, RawValue};
pub use table::FieldTable;
pub use value::{Decimal, FieldValue};

/// How deep tables and arrays may lie inside each other. Real ones stay below five; without a bound a frame could exhaust the stack.
pub const DEPTH_MAX: usize = 128;
