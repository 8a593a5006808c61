//! What a connection says, as far as a test wants to know: names, open channels, messages published; and nacks put in the place
//! of publishings. Whole frames of both directions come by here, in the order in which they are passed on.

use super::hub::Hub;
use crate::tap::Published;
use bytes::Bytes;
use leveret_protocol::methods::{basic, channel, confirm, connection};
use leveret_protocol::{
    ContentHeader, FieldValue, Frame, FrameKind, Method, MethodId, Properties, parse_frame,
};
use std::collections::BTreeMap;

/// What becomes of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    /// This goes in its place.
    Replace(Vec<u8>),
    /// It goes nowhere.
    Withhold,
}

/// A publishing of which not all frames came yet.
#[derive(Debug)]
struct Incomplete {
    published: Published,
    body: Vec<u8>,
    body_size: u64,
    header_seen: bool,
}

#[derive(Debug, Default)]
struct ChannelState {
    confirms: bool,
    /// Confirmed publishings so far, as the client counts them.
    published: u64,
    /// Those of them that the broker never saw, ascending.
    withheld: Vec<u64>,
    incomplete: Option<Incomplete>,
}

impl ChannelState {
    /// The client's number for the broker's: those it never saw come between.
    fn client_number(&self, broker_number: u64) -> u64 {
        self.withheld.iter().fold(broker_number, |number, withheld| number + u64::from(*withheld <= number))
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Inspector {
    pub(crate) name: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) vhost: Option<String>,
    channels: BTreeMap<u16, ChannelState>,
    /// Frames of a content towards the client that are still to come: its header (`None`), or bytes of its body.
    outgoing: Option<Option<u64>>,
    /// Nacks to be put between frames towards the client.
    pub(crate) injected: Vec<u8>,
}

impl Inspector {
    /// Channels open now.
    pub(crate) fn channels(&self) -> Vec<u16> {
        self.channels.keys().copied().collect()
    }

    /// Whether another frame may be put before the next one towards the client.
    pub(crate) fn is_between_contents(&self) -> bool {
        self.outgoing.is_none()
    }

    /// A frame towards the broker.
    pub(crate) fn towards_broker(&mut self, connection: usize, bytes: &[u8], hub: &Hub) -> Verdict {
        let Ok(Some((frame, _))) = parse_frame(bytes, 0) else { return Verdict::Pass };
        match frame.kind {
            FrameKind::Method => self.method_to_broker(connection, frame, hub),
            FrameKind::Header | FrameKind::Body => self.content_to_broker(frame, hub),
            FrameKind::Heartbeat => Verdict::Pass,
        }
    }

    fn method_to_broker(&mut self, connection: usize, frame: Frame<'_>, hub: &Hub) -> Verdict {
        match (id_of(frame), Method::decode(frame.payload)) {
            (Some(connection::StartOk::ID), Ok(Method::ConnectionStartOk(m))) => {
                let name = m.client_properties.get("connection_name");
                self.name = name.and_then(FieldValue::as_str).map(str::to_owned);
                self.user = user_of(m.mechanism.as_bytes(), m.response);
            }
            (Some(connection::Open::ID), Ok(Method::ConnectionOpen(m))) => {
                self.vhost = m.virtual_host.to_str().ok().map(str::to_owned);
            }
            (Some(channel::CloseOk::ID), _) => {
                self.channels.remove(&frame.channel);
            }
            (Some(confirm::Select::ID), _) => {
                self.channels.entry(frame.channel).or_default().confirms = true;
            }
            (Some(basic::Publish::ID), Ok(Method::BasicPublish(m))) => {
                return self.publish(connection, frame.channel, m, hub);
            }
            _ => {}
        }
        Verdict::Pass
    }

    fn publish(&mut self, connection: usize, channel: u16, m: basic::Publish<'_>, hub: &Hub) -> Verdict {
        let state = self.channels.entry(channel).or_default();
        let number = state.confirms.then(|| {
            state.published += 1;
            state.published
        });
        let nacked = number.is_some() && hub.take_nack();
        if let (true, Some(number)) = (nacked, number) {
            state.withheld.push(number);
        }
        state.incomplete = Some(Incomplete {
            published: Published {
                connection,
                channel,
                confirm_number: number,
                exchange: lossy(m.exchange.as_bytes()),
                routing_key: lossy(m.routing_key.as_bytes()),
                mandatory: m.mandatory,
                properties: Properties::default(),
                body: Bytes::new(),
                nacked,
            },
            body: Vec::new(),
            body_size: 0,
            header_seen: false,
        });
        if nacked { Verdict::Withhold } else { Verdict::Pass }
    }

    fn content_to_broker(&mut self, frame: Frame<'_>, hub: &Hub) -> Verdict {
        let Some(state) = self.channels.get_mut(&frame.channel) else { return Verdict::Pass };
        let Some(incomplete) = &mut state.incomplete else { return Verdict::Pass };
        let nacked = incomplete.published.nacked;
        if frame.kind == FrameKind::Header {
            if let Ok(header) = ContentHeader::decode(frame.payload) {
                incomplete.published.properties = Properties::try_from(header.properties).unwrap_or_default();
                incomplete.body_size = header.body_size;
                incomplete.header_seen = true;
            }
        } else {
            incomplete.body.extend_from_slice(frame.payload);
        }
        if incomplete.header_seen
            && incomplete.body.len() as u64 >= incomplete.body_size
            && let Some(whole) = state.incomplete.take()
        {
            if let (true, Some(delivery_tag)) = (nacked, whole.published.confirm_number) {
                let nack = basic::Nack { delivery_tag, multiple: false, requeue: false };
                nack.write(frame.channel, &mut self.injected);
            }
            hub.record(Published { body: whole.body.into(), ..whole.published });
        }
        if nacked { Verdict::Withhold } else { Verdict::Pass }
    }

    /// A frame towards the client.
    pub(crate) fn towards_client(&mut self, bytes: &[u8]) -> Verdict {
        let Ok(Some((frame, _))) = parse_frame(bytes, 0) else { return Verdict::Pass };
        match frame.kind {
            FrameKind::Method => return self.method_to_client(frame),
            FrameKind::Header => {
                let size = ContentHeader::decode(frame.payload).map_or(0, |header| header.body_size);
                self.outgoing = (size > 0).then_some(Some(size));
            }
            FrameKind::Body => {
                let left = self.outgoing.flatten().unwrap_or(0).saturating_sub(frame.payload.len() as u64);
                self.outgoing = (left > 0).then_some(Some(left));
            }
            FrameKind::Heartbeat => {}
        }
        Verdict::Pass
    }

    fn method_to_client(&mut self, frame: Frame<'_>) -> Verdict {
        let Some(id) = id_of(frame) else { return Verdict::Pass };
        match id {
            basic::Deliver::ID | basic::GetOk::ID | basic::Return::ID => self.outgoing = Some(None),
            channel::OpenOk::ID => {
                // A client need not wait for it before it goes on: what it has said by now stands.
                self.channels.entry(frame.channel).or_default();
            }
            channel::CloseOk::ID => {
                self.channels.remove(&frame.channel);
            }
            basic::Ack::ID | basic::Nack::ID => return self.confirmed(frame),
            _ => {}
        }
        Verdict::Pass
    }

    /// A confirm, with the client's number in the place of the broker's where they differ.
    fn confirmed(&self, frame: Frame<'_>) -> Verdict {
        let Some(state) = self.channels.get(&frame.channel) else { return Verdict::Pass };
        if state.withheld.is_empty() {
            return Verdict::Pass;
        }
        let mut out = Vec::new();
        match Method::decode(frame.payload) {
            Ok(Method::BasicAck(ack)) => {
                basic::Ack { delivery_tag: state.client_number(ack.delivery_tag), ..ack }
                    .write(frame.channel, &mut out);
            }
            Ok(Method::BasicNack(nack)) => {
                basic::Nack { delivery_tag: state.client_number(nack.delivery_tag), ..nack }
                    .write(frame.channel, &mut out);
            }
            _ => return Verdict::Pass,
        }
        Verdict::Replace(out)
    }
}

fn id_of(frame: Frame<'_>) -> Option<MethodId> {
    let &[c0, c1, m0, m1] = frame.payload.first_chunk()?;
    Some(MethodId::new(u16::from_be_bytes([c0, c1]), u16::from_be_bytes([m0, m1])))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The user in a PLAIN response: authorization identity, user and password with a zero before the last two.
fn user_of(mechanism: &[u8], response: &[u8]) -> Option<String> {
    (mechanism == b"PLAIN").then(|| response.split(|byte| *byte == 0).nth(1).map(lossy)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_counts_what_it_saw_and_the_client_what_it_sent() {
        let state = ChannelState { withheld: vec![1, 2, 5], ..ChannelState::default() };
        let numbers: Vec<u64> = (1..=4).map(|n| state.client_number(n)).collect();
        assert_eq!(numbers, [3, 4, 6, 7]);
    }

    #[test]
    fn nothing_is_put_between_the_frames_of_a_content() {
        let mut inspector = Inspector::default();
        let mut frames = Vec::new();
        basic::Deliver::default().write(1, &mut frames);
        assert_eq!(inspector.towards_client(&frames), Verdict::Pass);
        assert!(!inspector.is_between_contents());
        let (mut header, mut body) = (Vec::new(), Vec::new());
        let properties = leveret_protocol::RawProperties::EMPTY;
        ContentHeader { class_id: 60, body_size: 6, properties }.write(1, &mut header);
        inspector.towards_client(&header);
        assert!(!inspector.is_between_contents());
        leveret_protocol::put_body(&mut body, 1, b"abc", 0);
        inspector.towards_client(&body);
        assert!(!inspector.is_between_contents());
        inspector.towards_client(&body);
        assert!(inspector.is_between_contents());
    }
}
