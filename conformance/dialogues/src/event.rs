//! What arrives, owned: methods, messages, the end.

use leveret_protocol::{Method, Properties};

/// Something that arrived on a channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A method without content; its frame's payload.
    Method(Vec<u8>),
    /// A method with its content.
    Message(Box<Message>),
    /// A heartbeat.
    Heartbeat,
    /// The broker closed the socket.
    Eof,
}

/// A method with its content.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The method frame's payload.
    pub method: Vec<u8>,
    /// The content header's properties.
    pub properties: Properties,
    /// The content header's properties as they lay on the wire.
    pub raw_properties: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
    /// Length of each body frame's payload in bytes.
    pub frames: Vec<usize>,
}

impl Event {
    /// The method, when there is one.
    #[must_use]
    pub fn method(&self) -> Option<Method<'_>> {
        match self {
            Self::Method(payload) => Method::decode(payload).ok(),
            Self::Message(message) => Method::decode(&message.method).ok(),
            Self::Heartbeat | Self::Eof => None,
        }
    }
}

/// A message that came by `basic.deliver` or `basic.get-ok`.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The consumer; empty for get-ok.
    pub consumer_tag: String,
    /// Its number on the channel.
    pub delivery_tag: u64,
    /// Whether it was delivered before.
    pub redelivered: bool,
    /// The exchange it was published to.
    pub exchange: String,
    /// The key it was published with.
    pub routing_key: String,
    /// Messages left in the queue; get-ok only.
    pub message_count: Option<u32>,
    /// Its properties.
    pub properties: Properties,
    /// Its properties as they lay on the wire.
    pub raw_properties: Vec<u8>,
    /// Its body.
    pub body: Vec<u8>,
    /// Length of each body frame's payload in bytes.
    pub frames: Vec<usize>,
}

impl Delivery {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn from_event(event: &Event) -> Option<Self> {
        let Event::Message(message) = event else { return None };
        let (consumer_tag, delivery_tag, redelivered, exchange, routing_key, message_count) = match event
            .method()?
        {
            Method::BasicDeliver(m) => {
                (m.consumer_tag.to_string(), m.delivery_tag, m.redelivered, m.exchange, m.routing_key, None)
            }
            Method::BasicGetOk(m) => (
                String::new(),
                m.delivery_tag,
                m.redelivered,
                m.exchange,
                m.routing_key,
                Some(m.message_count),
            ),
            _ => return None,
        };
        Some(Self {
            consumer_tag,
            delivery_tag,
            redelivered,
            exchange: exchange.to_string(),
            routing_key: routing_key.to_string(),
            message_count,
            properties: message.properties.clone(),
            raw_properties: message.raw_properties.clone(),
            body: message.body.clone(),
            frames: message.frames.clone(),
        })
    }
}

/// A message that came back by `basic.return`.
#[derive(Debug, Clone, PartialEq)]
pub struct Returned {
    /// Why, as a number.
    pub reply_code: u16,
    /// Why, as text.
    pub reply_text: String,
    /// The exchange it was published to.
    pub exchange: String,
    /// The key it was published with.
    pub routing_key: String,
    /// Its properties.
    pub properties: Properties,
    /// Its body.
    pub body: Vec<u8>,
}

impl Returned {
    pub(crate) fn from_event(event: &Event) -> Option<Self> {
        let Event::Message(message) = event else { return None };
        let Method::BasicReturn(method) = event.method()? else { return None };
        Some(Self {
            reply_code: method.reply_code,
            reply_text: method.reply_text.to_string(),
            exchange: method.exchange.to_string(),
            routing_key: method.routing_key.to_string(),
            properties: message.properties.clone(),
            body: message.body.clone(),
        })
    }
}
