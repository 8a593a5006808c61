//! A message on its way into the outbox.

use std::borrow::Cow;

use leveret_client::Message;

use crate::codec::{CodecError, Encode};

/// A message for [`Outbox::add`](super::Outbox::add): what, where to, and in which order with others.
///
/// ```
/// use leveret::{Json, OutboxMessage};
///
/// let message = OutboxMessage::encode::<Json<u32>>(&7)?.to("events", "order.created").message_type("order").key("order 7");
/// # Ok::<(), leveret::CodecError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "it is written by Outbox::add"]
pub struct OutboxMessage {
    pub(super) message: Message,
    pub(super) key: Option<String>,
    pub(super) mandatory: bool,
}

impl From<Message> for OutboxMessage {
    fn from(message: Message) -> Self {
        Self { message, key: None, mandatory: true }
    }
}

impl OutboxMessage {
    /// A value in a codec: `encode::<Json<Order>>(&order)`.
    ///
    /// # Errors
    /// [`CodecError::Encode`].
    pub fn encode<C: Encode>(value: &C::Value) -> Result<Self, CodecError> {
        let mut message = Message::new(C::encode(value)?);
        message.properties.content_type = Some(C::CONTENT_TYPE.to_owned());
        Ok(message.into())
    }

    /// Where to: a queue, by the default exchange.
    pub fn to_queue(self, queue: impl Into<Cow<'static, str>>) -> Self {
        self.to("", queue)
    }

    /// Where to: an exchange, with a routing key.
    pub fn to(
        self,
        exchange: impl Into<Cow<'static, str>>,
        routing_key: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.with(|message| message.exchange(exchange).routing_key(routing_key))
    }

    /// Messages with the same key go out one after the other, in the order in which they were written: while one cannot be sent, those
    /// after it wait. Default: no key, no order.
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Whether it counts as sent only if a queue took it. Without, an event that nobody is bound to is gone. Default: true.
    pub fn mandatory(self, mandatory: bool) -> Self {
        Self { mandatory, ..self }
    }

    /// Sets the message's `type`.
    pub fn message_type(mut self, kind: impl Into<String>) -> Self {
        self.message.properties.kind = Some(kind.into());
        self
    }

    /// Changes anything of the message: headers, its id. A message id of its own is the id of the row as well, so that it can be
    /// written once.
    pub fn with(self, change: impl FnOnce(Message) -> Message) -> Self {
        Self { message: change(self.message), ..self }
    }
}
