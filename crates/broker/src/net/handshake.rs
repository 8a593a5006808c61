//! The handshake of one connection: the protocol's state machine, with the broker deciding who may enter.

use super::input::Input;
use crate::auth::{AuthRefusal, AuthStep, Mechanism, PeerInfo, PeerTls, SILENT_CLOSE_DELAY_MS, User};
use crate::broker::{BrokerInner, ConnectionHandle};
use crate::inspect::{Client, Endpoints};
use crate::session::{ClientCapabilities, Negotiated};
use crate::stats::Happening;
use crate::vhost::{Actor, VirtualHost};
use leveret_protocol::handshake::{Farewell, Greeting, HandshakeError, ServerHandshake, ServerStep, Tuning};
use leveret_protocol::{FieldTable, FieldValue, ProtocolError};
use std::sync::Arc;

/// The version of RabbitMQ whose behaviour clients may count on. Some ask: kombu derives the meaning of
/// `basic.qos` from it, NServiceBus wants at least 3.10.
pub const RABBITMQ_VERSION: &str = "3.13.7";

/// What clients may use; everything here works.
const CAPABILITIES: [&str; 9] = [
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
];

/// See the module's documentation.
pub(crate) struct Handshake {
    broker: Arc<BrokerInner>,
    peer: PeerInfo,
    connection: Arc<ConnectionHandle>,
    machine: ServerHandshake,
    user: Option<User>,
    capabilities: ClientCapabilities,
    tuning: Option<Tuning>,
}

/// A connection that may go on.
pub(crate) struct Accepted {
    pub(crate) negotiated: Negotiated,
    pub(crate) vhost: Arc<VirtualHost>,
    pub(crate) heartbeat_s: u16,
}

/// What became of the bytes.
pub(crate) enum Step {
    /// More are needed.
    More,
    /// The connection is open; what is left of the bytes belongs to it.
    Accepted(Box<Accepted>),
    /// It is over. What was appended to the output is sent; the socket is closed after the peer's answer or this time.
    Refused { after_ms: u64 },
}

impl Handshake {
    pub(crate) fn new(broker: Arc<BrokerInner>, peer: PeerInfo, connection: Arc<ConnectionHandle>) -> Self {
        let greeting = Greeting {
            server_properties: server_properties(&broker),
            mechanisms: broker.auth().mechanisms(&peer),
            locales: "en_US".into(),
        };
        Self {
            broker,
            peer,
            connection,
            machine: ServerHandshake::new(greeting),
            user: None,
            capabilities: ClientCapabilities::default(),
            tuning: None,
        }
    }

    /// Goes as far as the bytes allow.
    pub(crate) fn handle(&mut self, input: &mut Input, out: &mut Vec<u8>) -> Step {
        loop {
            let (decision, used) = match self.machine.next(input.bytes(), out) {
                Ok(None) => return Step::More,
                Ok(Some((step, used))) => (decide(&self.broker, &self.peer, &self.connection, step), used),
                Err(error) => {
                    tracing::warn!(%error, "handshake failed");
                    let after_ms = match error {
                        HandshakeError::Preamble(_) => 0,
                        HandshakeError::Protocol(_) => SILENT_CLOSE_DELAY_MS,
                    };
                    return Step::Refused { after_ms };
                }
            };
            input.consume(used);
            if let Some(end) = self.carry_out(decision, out) {
                return end;
            }
        }
    }

    fn carry_out(&mut self, decision: Decision, out: &mut Vec<u8>) -> Option<Step> {
        match decision {
            Decision::GoOn => None,
            Decision::Tuned(tuning) => {
                self.tuning = Some(tuning);
                let known = (tuning.channel_max, tuning.frame_max, tuning.heartbeat);
                let _ = self.connection.tuning.set(known);
                None
            }
            Decision::User(user, client, capabilities) => {
                self.user = Some(user);
                let _ = self.connection.client.set(*client);
                self.capabilities = capabilities;
                let config = self.broker.config();
                let offer = Tuning {
                    channel_max: config.limits.channels_per_connection_max,
                    frame_max: config.limits.frame_bytes_max,
                    heartbeat: config.heartbeat.as_secs().min(u16::MAX.into()) as u16,
                };
                self.machine.accept(offer, out);
                None
            }
            Decision::Enter(vhost) => Some(self.enter(&vhost, out)),
            Decision::Refuse(error) => Some(self.refuse(&error, out)),
            Decision::Over => Some(Step::Refused { after_ms: 0 }),
        }
    }

    fn enter(&mut self, vhost: &str, out: &mut Vec<u8>) -> Step {
        let (Some(user), Some(tuning)) = (self.user.clone(), self.tuning) else {
            return Step::Refused { after_ms: 0 };
        };
        let found = self.broker.enter_vhost(&self.connection, &user, vhost);
        let vhost = match found {
            Ok(vhost) => vhost,
            Err(refusal) => {
                let error = ProtocolError::connection(refusal.code(), refusal.to_string())
                    .caused_by(leveret_protocol::methods::connection::Open::ID);
                return self.refuse(&error, out);
            }
        };
        self.machine.open_ok(out);
        Step::Accepted(Box::new(Accepted {
            negotiated: Negotiated {
                actor: Actor { user, connection: self.connection.id },
                // 0 is the client's word for no limit.
                frame_max: if tuning.frame_max == 0 { u32::MAX } else { tuning.frame_max },
                channel_max: tuning.channel_max,
                capabilities: self.capabilities,
            },
            vhost,
            heartbeat_s: tuning.heartbeat,
        }))
    }

    fn refuse(&mut self, error: &ProtocolError, out: &mut Vec<u8>) -> Step {
        tracing::warn!(%error, "connection refused");
        match self.machine.refuse(error, out) {
            Farewell::Told => {
                Step::Refused { after_ms: self.broker.config().close_timeout.as_millis() as u64 }
            }
            Farewell::Silent => Step::Refused { after_ms: SILENT_CLOSE_DELAY_MS },
        }
    }
}

/// What to do about a step, free of the bytes it came from.
enum Decision {
    GoOn,
    User(User, Box<Client>, ClientCapabilities),
    Tuned(Tuning),
    Enter(String),
    Refuse(ProtocolError),
    Over,
}

fn decide(
    broker: &BrokerInner,
    peer: &PeerInfo,
    connection: &ConnectionHandle,
    step: ServerStep<'_>,
) -> Decision {
    match step {
        ServerStep::Progress => Decision::GoOn,
        ServerStep::Authenticate { mechanism, response, client_properties, .. } => {
            let mechanism = mechanism.to_lossy();
            match broker.auth().authenticate(&mechanism, response, peer) {
                AuthStep::Accepted(user) => {
                    broker.churn().count(Happening::LoggedIn);
                    emit_login(broker, peer, connection, &mechanism, Ok(user.name()));
                    let capabilities = capabilities(&client_properties);
                    // One that is not known is not accepted.
                    let mechanism = Mechanism::from_name(&mechanism).unwrap_or(Mechanism::Plain);
                    let client = broker.clients().take(mechanism, client_properties);
                    Decision::User(user, Box::new(client), capabilities)
                }
                AuthStep::Refused(refusal) => {
                    broker.churn().count(Happening::LoginRefused);
                    tracing::warn!("{}", refusal.log_text());
                    emit_login(broker, peer, connection, &mechanism, Err(&refusal));
                    let text = refusal.close_text().unwrap_or_default();
                    Decision::Refuse(ProtocolError::connection(refusal.code(), text))
                }
            }
        }
        // No mechanism here asks twice.
        ServerStep::SecureOk { .. } => Decision::Over,
        ServerStep::Tuned(tuning) => Decision::Tuned(tuning),
        ServerStep::Open { vhost } => Decision::Enter(vhost.to_lossy().into_owned()),
        ServerStep::Refused(error) => {
            tracing::warn!(%error, "handshake failed");
            Decision::GoOn
        }
        ServerStep::Closed => Decision::Over,
    }
}

/// Tells who logged in, or tried to, as RabbitMQ's `rabbit_reader`: what is not known is left out.
fn emit_login(
    broker: &BrokerInner,
    peer: &PeerInfo,
    connection: &ConnectionHandle,
    mechanism: &str,
    result: Result<&str, &AuthRefusal>,
) {
    let (key, user, error) = match result {
        Ok(user) => ("user.authentication.success", Some(user), None),
        Err(refusal) => ("user.authentication.failure", refusal.user(), Some(refusal.log_text())),
    };
    broker.events().emit(key, |event| {
        let is_tls = peer.tls != PeerTls::Off;
        let mut event = event.text("connection_type", "network").text("auth_mechanism", mechanism);
        event = event.json("ssl", &is_tls.into());
        let texts = [
            ("name", user),
            ("connection_name", connection.name.get().map(|name| &**name)),
            ("error", error),
        ];
        for (name, text) in texts {
            event = text.into_iter().fold(event, |event, text| event.text(name, text));
        }
        let Some(Endpoints { peer, own }) = connection.endpoints.get() else { return event };
        let event = event.text("peer_host", &peer.ip().to_string()).number("peer_port", peer.port().into());
        event.text("host", &own.ip().to_string()).number("port", own.port().into())
    });
}

fn capabilities(client: &FieldTable) -> ClientCapabilities {
    let table = client.get("capabilities").and_then(FieldValue::as_table);
    let has = |name| table.and_then(|t| t.get(name)).and_then(FieldValue::as_bool).unwrap_or(false);
    ClientCapabilities {
        consumer_cancel_notify: has("consumer_cancel_notify"),
        connection_blocked: has("connection.blocked"),
    }
}

fn server_properties(broker: &BrokerInner) -> FieldTable {
    let text = |value: &str| FieldValue::LongString(value.as_bytes().to_vec());
    let capabilities: FieldTable = CAPABILITIES.iter().map(|name| (*name, FieldValue::Bool(true))).collect();
    let mut properties = FieldTable::default();
    properties.insert("capabilities", FieldValue::Table(capabilities));
    properties.insert("cluster_name", text(&broker.cluster_name()));
    properties.insert("copyright", text("See the LICENSE files of Leveret"));
    properties.insert("information", text("Leveret, a message broker that speaks RabbitMQ's AMQP 0-9-1"));
    properties.insert("platform", text(concat!("Leveret ", env!("CARGO_PKG_VERSION"))));
    // Clients choose their behaviour by these two.
    properties.insert("product", text("RabbitMQ"));
    properties.insert("version", text(RABBITMQ_VERSION));
    properties
}
