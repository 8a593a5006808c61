//! Publish frames of one publisher, encoded once and sent over and over; only the times in the bodies change.

use super::connection::short;
use super::plan::Plan;
use leveret_protocol::methods::basic;
use leveret_protocol::{BASIC_CLASS, ContentHeader, Properties, RawProperties, put_body};
use std::ops::Range;

/// A batch holds about so many bytes: enough for few writes, little enough for the caches.
const BATCH_BYTES: usize = 128 * 1024;
/// Long cycles of routing keys may need larger batches, up to this.
const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of kind, channel and size in front of the body.
const FRAME_HEADER: usize = 7;

/// Messages of equal length, one after the other.
pub(crate) struct Batch {
    bytes: Vec<u8>,
    message_bytes: usize,
    messages: usize,
    stamp_at: Option<usize>,
}

impl Batch {
    /// Encodes the messages of publisher `publisher`: every routing key at least once, if that fits 32 MiB.
    ///
    /// # Errors
    /// When a name is too long.
    pub(crate) fn new(plan: &Plan, publisher: usize, frame_max: u32) -> Result<Batch, String> {
        let keys = plan.routing_keys(publisher);
        let body: Vec<u8> = (0..plan.options.size.0).map(|at| b'a' + (at % 26) as u8).collect();
        let exchange = short(&plan.exchange)?;

        let mut batch = Batch { bytes: Vec::new(), message_bytes: 0, messages: 0, stamp_at: None };
        loop {
            for key in &keys {
                let routing_key = short(key)?;
                basic::Publish { exchange, routing_key, mandatory: false, immediate: false }
                    .write(1, &mut batch.bytes);
                let properties = properties(plan, key);
                let properties = RawProperties::parse(&properties).map_err(|error| error.to_string())?;
                ContentHeader { class_id: BASIC_CLASS, body_size: body.len() as u64, properties }
                    .write(1, &mut batch.bytes);
                if batch.messages == 0 && plan.is_stamped() {
                    batch.stamp_at = Some(batch.bytes.len() + FRAME_HEADER);
                }
                put_body(&mut batch.bytes, 1, &body, frame_max);
                batch.messages += 1;
                if batch.bytes.len() >= BATCH_BYTES_MAX {
                    break;
                }
            }
            if batch.bytes.len() >= BATCH_BYTES {
                break;
            }
        }
        batch.message_bytes = batch.bytes.len() / batch.messages;
        Ok(batch)
    }

    /// How many messages there are.
    pub(crate) fn messages(&self) -> usize {
        self.messages
    }

    /// Writes into message `index` when it was due.
    #[inline]
    pub(crate) fn stamp(&mut self, index: usize, due_ns: u64) {
        if let Some(stamp_at) = self.stamp_at {
            let at = index * self.message_bytes + stamp_at;
            self.bytes[at..at + 8].copy_from_slice(&due_ns.to_be_bytes());
        }
    }

    /// Where `count` messages from `first` on lie.
    pub(crate) fn range(&self, first: usize, count: usize) -> Range<usize> {
        first * self.message_bytes..(first + count) * self.message_bytes
    }

    /// The frames there.
    pub(crate) fn frames(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }
}

/// The properties of a message with this key, as on the wire.
fn properties(plan: &Plan, key: &str) -> Vec<u8> {
    let delivery_mode = plan.options.persistent.then_some(2);
    let mut bytes = Vec::new();
    Properties { delivery_mode, headers: plan.headers(key), ..Default::default() }.encode(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::options::parse;
    use leveret_protocol::{FrameKind, Method, parse_frame};

    fn batch(arguments: &str) -> Batch {
        let plan = Plan::new(parse(arguments.split_whitespace()).unwrap()).unwrap();
        Batch::new(&plan, 0, 4096).unwrap()
    }

    /// Kinds of the frames, and the bodies' first eight bytes as a number.
    fn frames(mut bytes: &[u8]) -> (Vec<FrameKind>, Vec<u64>) {
        let (mut kinds, mut stamps) = (vec![], vec![]);
        while let Some((frame, length)) = parse_frame(bytes, 0).unwrap() {
            if frame.kind == FrameKind::Body && kinds.last() == Some(&FrameKind::Header) {
                stamps.push(u64::from_be_bytes(frame.payload[..8].try_into().unwrap()));
            }
            kinds.push(frame.kind);
            bytes = &bytes[length..];
        }
        assert!(bytes.is_empty());
        (kinds, stamps)
    }

    #[test]
    fn messages_are_whole_frames_with_their_own_times() {
        let mut batch = batch("--size 5000 --persistent");
        for index in 0..batch.messages() {
            batch.stamp(index, 1000 + index as u64);
        }
        let (kinds, stamps) = frames(batch.frames(batch.range(1, 2)));
        use FrameKind::{Body, Header, Method};
        assert_eq!(kinds, [Method, Header, Body, Body, Method, Header, Body, Body]);
        assert_eq!(stamps, [1001, 1002]);
    }

    #[test]
    fn short_bodies_have_no_time() {
        let mut batch = batch("--size 0");
        batch.stamp(0, u64::MAX);
        assert_eq!(frames(batch.frames(batch.range(0, 1))).0, [FrameKind::Method, FrameKind::Header]);
    }

    #[test]
    fn every_key_has_its_turn() {
        let batch = batch("--exchange topic --bindings 3000 --queues 3");
        assert_eq!(batch.messages() % 3000, 0);
        let frames = batch.frames(batch.range(2999, 1));
        let (frame, _) = parse_frame(frames, 0).unwrap().unwrap();
        let Method::BasicPublish(publish) = Method::decode(frame.payload).unwrap() else { panic!() };
        assert_eq!(publish.routing_key.to_str(), Ok("key.2999.x"));
    }
}
