//! temp
use super::input::Input;
use crate::auth::{AuthStep, PeerInfo};
use crate::broker::BrokerInner;
use crate::session::{ClientCapabilities, Negotiated};
use crate::vhost::{Actor, VirtualHost};
use leveret_protocol::methods::connection;
use leveret_protocol::{FieldTable, FieldValue, Method, PROTOCOL_HEADER, parse_frame};
use std::sync::Arc;
pub(crate) struct Handshake { broker: Arc<BrokerInner>, peer: PeerInfo, id: u64, state: u8, user: Option<crate::auth::User>, caps: ClientCapabilities, tune: Option<connection::TuneOk> }
pub(crate) struct Accepted { pub(crate) negotiated: Negotiated, pub(crate) vhost_handle: Arc<VirtualHost>, pub(crate) heartbeat_s: u16, pub(crate) user: String, pub(crate) vhost: String }
pub(crate) enum Step { More, Accepted(Box<Accepted>), Refused { after_ms: u64 } }
impl Handshake {
    pub(crate) fn new(broker: Arc<BrokerInner>, peer: PeerInfo, id: u64) -> Self { Self { broker, peer, id, state: 0, user: None, caps: Default::default(), tune: None } }
    pub(crate) fn handle(&mut self, input: &mut Input, out: &mut Vec<u8>, _now: u64) -> Step {
        loop {
            if self.state == 0 {
                if input.bytes().len() < 8 { return Step::More; }
                if input.bytes()[..8] != PROTOCOL_HEADER { out.extend_from_slice(&PROTOCOL_HEADER); return Step::Refused { after_ms: 0 }; }
                input.consume(8); self.state = 1;
                let mut caps = FieldTable::default();
                for c in ["publisher_confirms","exchange_exchange_bindings","basic.nack","consumer_cancel_notify","connection.blocked","consumer_priorities","authentication_failure_close","per_consumer_qos","direct_reply_to"] { caps.insert(c, FieldValue::Bool(true)); }
                let mut p = FieldTable::default(); p.insert("capabilities", FieldValue::Table(caps)); p.insert("product", FieldValue::LongString(b"RabbitMQ".to_vec())); p.insert("version", FieldValue::LongString(b"3.13.7".to_vec()));
                connection::Start { version_major: 0, version_minor: 9, server_properties: p, mechanisms: b"PLAIN AMQPLAIN", locales: b"en_US" }.write(0, out);
            }
            let (step, used) = {
                let Ok(Some((frame, used))) = parse_frame(input.bytes(), 8192) else { return Step::More };
                let step = match Method::decode(frame.payload) {
                    Ok(Method::ConnectionStartOk(m)) => { match self.broker.auth().authenticate(&m.mechanism.to_lossy(), m.response, &self.peer) { AuthStep::Accepted(u) => { self.user = Some(u); self.caps = ClientCapabilities { consumer_cancel_notify: true, connection_blocked: true }; connection::Tune { channel_max: 2047, frame_max: 131072, heartbeat: 60 }.write(0, out); Step::More } AuthStep::Refused(_) => Step::Refused { after_ms: 0 } } }
                    Ok(Method::ConnectionTuneOk(t)) => { self.tune = Some(t); Step::More }
                    Ok(Method::ConnectionOpen(o)) => { connection::OpenOk.write(0, out); let v = o.virtual_host.to_lossy().into_owned(); let t = self.tune.take().unwrap();
                        Step::Accepted(Box::new(Accepted { negotiated: Negotiated { actor: Actor { user: self.user.take().unwrap(), connection: self.id }, frame_max: t.frame_max, channel_max: t.channel_max, capabilities: self.caps }, vhost_handle: self.broker.vhost(&v).unwrap(), heartbeat_s: t.heartbeat, user: String::new(), vhost: v })) }
                    _ => Step::Refused { after_ms: 0 },
                };
                (step, used)
            };
            input.consume(used);
            if !matches!(step, Step::More) { return step; }
        }
    }
}
