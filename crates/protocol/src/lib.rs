//! AMQP 0-9-1 with RabbitMQ's extensions: bytes to values and back, and which frame may follow which, for both sides.
//!
//! There is no I/O, no clock and no async here: bytes come in as slices, go out by being appended to a `Vec<u8>`, and time is a
//! number that the caller passes. Nothing panics on what a peer sends, and nothing grows beyond the limits that were stated.
//!
//! | to | use |
//! |---|---|
//! | get from the first byte to an open connection | [`handshake`] |
//! | read what arrives on an open connection | [`Inbound`] |
//! | know whether a channel may receive a method now | [`ChannelState`] |
//! | tell the peer what it did wrong | [`ProtocolError`], [`ReplyCode`] |
//! | write a method | the structs in [`methods`]: `write(channel, out)` |
//! | write a message | a method with content, then [`put_content`] |
//! | look into properties without decoding all of them | [`RawProperties`], [`RawTable`] |
//! | keep or build properties and arguments | [`Properties`], [`FieldTable`] |
//! | know when a heartbeat is due | [`Heartbeat`] |
//!
//! Classes, methods, properties and reply codes are generated from one table, `spec/amqp-0-9-1.toml`.
//!
//! # A message, written and read
//!
//! ```
//! use leveret_protocol::methods::basic;
//! use leveret_protocol::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut bytes = Vec::new();
//! let routing_key = ShortStr::new("orders")?;
//! basic::Publish { routing_key, mandatory: true, ..Default::default() }.write(1, &mut bytes);
//! put_content(&mut bytes, 1, RawProperties::EMPTY, b"hello", 131_072);
//!
//! let limits = InboundLimits { frame_max: 131_072, message_bytes_max: 128 << 20, channel_max: 2047 };
//! let mut inbound = Inbound::new(Role::Server, limits);
//! let Some((Incoming::Content { channel: 1, content }, consumed)) = inbound.next(&bytes)? else { panic!() };
//! assert_eq!(content.body.as_slice(), b"hello"); // a slice of `bytes`
//! assert_eq!(consumed, bytes.len());
//! let ContentMethod::Publish(publish) = content.method() else { panic!() };
//! assert_eq!(publish.routing_key, "orders");
//! # Ok(())
//! # }
//! ```
//!
//! # A frame, looked at
//!
//! ```
//! use leveret_protocol::{FrameKind, Method, methods::tx, parse_frame};
//!
//! let bytes = b"\x01\x00\x07\x00\x00\x00\x04\x00\x5a\x00\x14\xce";
//! let (frame, length) = parse_frame(bytes, 4096).unwrap().unwrap();
//! assert_eq!((frame.kind, frame.channel, length), (FrameKind::Method, 7, 12));
//! assert_eq!(Method::decode(frame.payload), Ok(Method::TxCommit(tx::Commit)));
//! ```
//!
//! # A handshake, both sides
//!
//! ```
//! use leveret_protocol::handshake::{Answer, ClientHandshake, ClientStep, Greeting, ServerHandshake, ServerStep, Tuning};
//! use leveret_protocol::{FieldTable, ShortStr};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut server = ServerHandshake::new(Greeting {
//!     server_properties: FieldTable::from([("product", "Leveret")]),
//!     mechanisms: "PLAIN".to_owned(),
//!     locales: "en_US".to_owned(),
//! });
//! let wish = Tuning { channel_max: 0, frame_max: 0, heartbeat: 30 };
//! let mut client = ClientHandshake::new(wish, ShortStr::new("/")?);
//! let (mut to_server, mut to_client) = (Vec::new(), Vec::new()); // two sockets, in life
//!
//! while client.negotiated().is_none() {
//!     if let Some((step, consumed)) = client.next(&to_client, &mut to_server)? {
//!         if let ClientStep::Start(_greeting) = step {
//!             let mechanism = ShortStr::new("PLAIN")?;
//!             let locale = ShortStr::new("en_US")?;
//!             let client_properties = FieldTable::new();
//!             let response = b"\0guest\0guest";
//!             client.start_ok(Answer { client_properties, mechanism, response, locale }, &mut to_server);
//!         }
//!         to_client.drain(..consumed);
//!     }
//!     if let Some((step, consumed)) = server.next(&to_server, &mut to_client)? {
//!         match step {
//!             ServerStep::Authenticate { response, .. } => {
//!                 assert_eq!(response, b"\0guest\0guest");
//!                 let offer = Tuning { channel_max: 2047, frame_max: 131_072, heartbeat: 60 };
//!                 server.accept(offer, &mut to_client);
//!             }
//!             ServerStep::Open { vhost } => {
//!                 assert_eq!(vhost, "/");
//!                 server.open_ok(&mut to_client);
//!             }
//!             _ => {}
//!         }
//!         to_server.drain(..consumed);
//!     }
//! }
//! assert_eq!(client.negotiated(), server.negotiated());
//! assert_eq!(client.negotiated().map(|tuning| tuning.heartbeat), Some(30));
//! # Ok(())
//! # }
//! ```

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
pub use content::{BASIC_CLASS, ContentHeader, put_content};
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
