//! A message to be published.

use std::borrow::Cow;

use bytes::Bytes;
use leveret_protocol::{FieldName, FieldTable, FieldValue, Properties, RawProperties};

/// A message to be published: a body, properties, and optionally where to.
///
/// ```
/// use leveret_client::Message;
///
/// let message = Message::new("hello").routing_key("greetings").header("attempt", 1);
/// assert_eq!(message.body, "hello");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// The body.
    pub body: Bytes,
    /// The properties. Without `delivery_mode` a [`Publisher`](crate::Publisher) sends it as persistent.
    pub properties: Properties,
    /// Where to; `None`: the publisher's exchange.
    pub exchange: Option<Cow<'static, str>>,
    /// `None`: the publisher's routing key.
    pub routing_key: Option<Cow<'static, str>>,
    /// Whether it has to reach a queue; `None`: as the publisher, or the options of the channel's call, say.
    pub mandatory: Option<bool>,
}

/// A message as it came from a broker, to be published with the same bytes: nothing of it is decoded.
#[derive(Debug, Clone)]
pub struct RawMessage<'a> {
    /// The exchange; empty for the default exchange.
    pub exchange: &'a str,
    /// The routing key, which need not be UTF-8.
    pub routing_key: &'a [u8],
    /// The properties, in AMQP's encoding.
    pub properties: RawProperties<'a>,
    /// The body.
    pub body: Bytes,
}

impl Message {
    /// A message with this body.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// Sets the exchange; empty for the default exchange, whose routing keys are names of queues.
    #[must_use]
    pub fn exchange(self, exchange: impl Into<Cow<'static, str>>) -> Self {
        Self { exchange: Some(exchange.into()), ..self }
    }

    /// Sets the routing key.
    #[must_use]
    pub fn routing_key(self, routing_key: impl Into<Cow<'static, str>>) -> Self {
        Self { routing_key: Some(routing_key.into()), ..self }
    }

    /// Sets whether it has to reach a queue; of a [`Publisher`](crate::Publisher) without confirms it never has.
    #[must_use]
    pub fn mandatory(self, mandatory: bool) -> Self {
        Self { mandatory: Some(mandatory), ..self }
    }

    /// Sets all properties.
    #[must_use]
    pub fn properties(self, properties: Properties) -> Self {
        Self { properties, ..self }
    }

    /// Sets one header.
    #[must_use]
    pub fn header(mut self, name: impl Into<FieldName>, value: impl Into<FieldValue>) -> Self {
        self.properties.headers.get_or_insert_with(FieldTable::new).insert(name, value);
        self
    }

    /// Sets the message id.
    #[must_use]
    pub fn message_id(mut self, id: impl Into<String>) -> Self {
        self.properties.message_id = Some(id.into());
        self
    }
}

impl<B: Into<Bytes>> From<B> for Message {
    fn from(body: B) -> Self {
        Self::new(body)
    }
}
