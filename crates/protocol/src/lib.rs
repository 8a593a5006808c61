//! AMQP 0-9-1 with RabbitMQ's extensions: bytes to values and back, and which frame may follow which, for both sides.
//!
//! There is no I/O, no clock and no async here: bytes come in as slices, go out by being appended to a `Vec<u8>`, and time is a
//! number that the caller passes.

pub mod channel;
pub mod content;
mod erlang;
pub mod error;
pub mod field_table;
pub mod frame;
mod generated;
pub mod handshake;
pub mod heartbeat;
pub mod inbound;
mod method_id;
pub mod methods;
pub mod properties;
mod reply_code;
mod shortstr;
pub mod wire;

pub use channel::{ChannelState, Verdict};
pub use content::{BASIC_CLASS, ContentHeader};
pub use error::{MethodError, ProtocolError, Scope};
pub use field_table::{Decimal, FieldName, FieldTable, FieldValue, RawTable, RawValue};
pub use frame::{
    FRAME_END, FRAME_MIN_SIZE, FRAME_OVERHEAD, Frame, FrameError, FrameKind, FrameStart, PROTOCOL_HEADER,
    begin_frame, parse_frame, put_body, put_heartbeat,
};
pub use heartbeat::{Heartbeat, HeartbeatAction};
pub use inbound::{Body, Content, ContentMethod, Inbound, InboundError, InboundLimits, Incoming, Role};
pub use method_id::MethodId;
pub use methods::Method;
pub use properties::{Properties, RawProperties};
pub use reply_code::ReplyCode;
pub use shortstr::{ShortStr, TooLong};
pub use wire::{Put, Reader, WireError};
