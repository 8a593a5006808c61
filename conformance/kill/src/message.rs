//! A message of the load: everything about it stands in its body, under a checksum, and can be made again from there.
//!
//! ```text
//!  0        4      6     7        8      9        12         20       24         32
//!  | "kill" | slot | route | priority | mode | zero | sequence | length | checksum | filler ...
//! ```
//!
//! Numbers are little endian. The filler follows from slot, sequence and place, so a body that is whole but another's is found out
//! as well. What arrives is compared with what was sent byte by byte, the properties too.

use crate::random::mix;
use crate::topology::{ROUTES, delay_ms};
use leveret_protocol::{FieldTable, Properties, RawProperties};
use std::fmt;

const MAGIC: &[u8; 4] = b"kill";
/// Shortest body.
pub(crate) const HEADER_BYTES: usize = 32;
const LENGTH_MAX: usize = 4 << 20;

/// Who published a message, and as which of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) slot: u16,
    pub(crate) sequence: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.slot, self.sequence)
    }
}

/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: Id,
    /// A place in [`ROUTES`].
    pub(crate) route: u8,
    pub(crate) priority: u8,
    pub(crate) persistent: bool,
    /// Of the body.
    pub(crate) length: u32,
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = mix(sum ^ u64::from_le_bytes(word)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
    sum
}

impl Message {
    fn mode(&self) -> u8 {
        if self.persistent { 2 } else { 1 }
    }

    /// The whole body.
    pub(crate) fn body(&self) -> Vec<u8> {
        let length = (self.length as usize).max(HEADER_BYTES);
        let mut body = Vec::with_capacity(length + 8);
        body.extend_from_slice(MAGIC);
        body.extend_from_slice(&self.id.slot.to_le_bytes());
        body.extend_from_slice(&[self.route, self.priority, self.mode(), 0, 0, 0]);
        body.extend_from_slice(&self.id.sequence.to_le_bytes());
        body.extend_from_slice(&(length as u32).to_le_bytes());
        body.extend_from_slice(&[0; 8]);
        let mut word = mix(u64::from(self.id.slot) << 48 ^ self.id.sequence);
        while body.len() < length {
            word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            body.extend_from_slice(&(word ^ (word >> 29)).to_le_bytes());
        }
        body.truncate(length);
        let sum = checksum(&body);
        body[24..32].copy_from_slice(&sum.to_le_bytes());
        body
    }

    /// The properties it is published with.
    pub(crate) fn properties(&self) -> Vec<u8> {
        let delay = delay_ms(self.route, self.id.sequence);
        let properties = Properties {
            content_type: Some("application/octet-stream".to_owned()),
            delivery_mode: Some(self.mode()),
            priority: Some(self.priority),
            message_id: Some(self.id.to_string()),
            headers: delay.map(|ms| FieldTable::from([("x-delay", ms)])),
            ..Properties::default()
        };
        let mut out = Vec::new();
        properties.encode(&mut out);
        out
    }

    /// The message a body is of, if it is one as it was sent.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let wrong = |what: &str| {
            let shown: String = body.iter().take(40).map(|byte| format!("{byte:02x}")).collect();
            Err(format!("{what}; {} bytes: {shown}...", body.len()))
        };
        if body.len() < HEADER_BYTES || &body[..4] != MAGIC {
            return wrong("no message of ours");
        }
        let u16_at = |at: usize| u16::from_le_bytes([body[at], body[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let message = Self {
            id: Id { slot: u16_at(4), sequence: u64_at(12) },
            route: body[6],
            priority: body[7],
            persistent: body[8] == 2,
            length: u32_at(20),
        };
        if message.length as usize != body.len() || body.len() > LENGTH_MAX {
            return wrong(&format!(
                "message {} of {} bytes came with another length",
                message.id, message.length
            ));
        }
        if message.body() != body {
            return wrong(&format!("message {} came with other bytes than it was sent with", message.id));
        }
        Ok(message)
    }

    /// What is wrong with what it came with, apart from its body.
    pub(crate) fn check(
        &self,
        properties: RawProperties<'_>,
        exchange: &[u8],
        key: &[u8],
        dead: bool,
    ) -> Result<(), String> {
        let id = self.id.to_string();
        let found = (
            properties.delivery_mode(),
            properties.priority(),
            properties.message_id().map(|id| id.to_lossy().into_owned()),
            properties.content_type().map(|kind| kind.to_lossy().into_owned()),
        );
        let sent =
            (Some(self.mode()), Some(self.priority), Some(id), Some("application/octet-stream".to_owned()));
        if found != sent {
            return Err(format!("message {} came with properties {found:?}, sent were {sent:?}", self.id));
        }
        let Some(route) = ROUTES.get(usize::from(self.route)) else {
            return Err(format!("message {} has an unknown route", self.id));
        };
        if !dead && (exchange, key) != (route.exchange.as_bytes(), route.key.as_bytes()) {
            let (exchange, key) = (String::from_utf8_lossy(exchange), String::from_utf8_lossy(key));
            return Err(format!(
                "message {} came from exchange '{exchange}' with key '{key}', it was sent to '{}' with '{}'",
                self.id, route.exchange, route.key
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u32) -> Message {
        Message { id: Id { slot: 3, sequence: 1 << 40 }, route: 0, priority: 4, persistent: true, length }
    }

    #[test]
    fn what_was_sent_is_read() {
        for length in [32, 33, 40, 41, 200, 4096, 100_000] {
            let body = message(length).body();
            assert_eq!((body.len() as u32, Message::read(&body)), (length, Ok(message(length))));
        }
    }

    #[test]
    fn every_wrong_byte_is_found() {
        let body = message(61).body();
        for at in 0..body.len() {
            for bit in 0..8 {
                let mut spoiled = body.clone();
                spoiled[at] ^= 1 << bit;
                assert!(Message::read(&spoiled).is_err(), "bit {bit} of byte {at}");
            }
        }
        assert!(Message::read(&body[..60]).is_err());
        assert!(Message::read(&[body.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn wrong_properties_are_found() {
        let sent = message(50);
        let raw = sent.properties();
        let check = |message: &Message, exchange: &[u8]| {
            message.check(RawProperties::parse(&raw).unwrap(), exchange, b"one", false)
        };
        assert_eq!(check(&sent, b"k.direct"), Ok(()));
        assert!(check(&Message { priority: 1, ..sent }, b"k.direct").is_err());
        assert!(check(&Message { persistent: false, ..sent }, b"k.direct").is_err());
        assert!(check(&sent, b"k.other").is_err());
    }
}
