//! A publishing, described.

use super::short;
use leveret_protocol::methods::basic;
use leveret_protocol::{BASIC_CLASS, ContentHeader, Properties, RawProperties, put_body};

/// What to publish; the default is an empty transient message to the default exchange.
#[derive(Debug, Clone, Default)]
pub(crate) struct Publishing<'a> {
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    pub(crate) mandatory: bool,
    pub(crate) properties: Properties,
    pub(crate) body: &'a [u8],
}

impl<'a> Publishing<'a> {
    /// To a queue.
    pub(crate) fn to(queue: &'a str, body: &'a str) -> Self {
        Self { routing_key: queue, body: body.as_bytes(), ..Self::default() }
    }

    pub(crate) fn bytes(queue: &'a str, body: &'a [u8]) -> Self {
        Self { routing_key: queue, body, ..Self::default() }
    }

    pub(crate) fn mandatory(self) -> Self {
        Self { mandatory: true, ..self }
    }

    /// With a time to live in milliseconds.
    pub(crate) fn expiring(mut self, ttl_ms: u64) -> Self {
        self.properties.expiration = Some(ttl_ms.to_string());
        self
    }

    pub(crate) fn priority(mut self, priority: u8) -> Self {
        self.properties.priority = Some(priority);
        self
    }

    /// Appends the frames.
    pub(crate) fn write(&self, channel: u16, frame_max: u32, out: &mut Vec<u8>) {
        let (exchange, routing_key) = (short(self.exchange), short(self.routing_key));
        basic::Publish { exchange, routing_key, mandatory: self.mandatory, immediate: false }
            .write(channel, out);
        let mut raw = Vec::new();
        self.properties.encode(&mut raw);
        let properties = RawProperties::parse(&raw).unwrap();
        ContentHeader { class_id: BASIC_CLASS, body_size: self.body.len() as u64, properties }
            .write(channel, out);
        put_body(out, channel, self.body, frame_max);
    }
}
