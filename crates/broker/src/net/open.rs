//! An open connection's protocol state around its [`Session`]: frames in, order of frames, heartbeats, resource alarms.

use super::handshake::Accepted;
use super::input::Input;
use super::order::ChannelOrder;
use crate::broker::{BrokerInner, ConnectionHandle};
use crate::mailbox::Command;
use crate::memory::Resource;
use crate::session::{Handled, Session};
use crate::stats::ConnectionState;
use leveret_protocol::heartbeat::{Heartbeat, HeartbeatAction};
use leveret_protocol::methods::connection;
use leveret_protocol::{
    FRAME_OVERHEAD, Inbound, InboundLimits, Incoming, ProtocolError, Role, Scope, ShortStr, put_heartbeat,
};
use leveret_store::Ticket;
use std::sync::Arc;
use std::task::Context;

/// Whether the connection goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Open,
    /// The client closed it; `close-ok` is in the output.
    Closed,
}

/// See the module's documentation.
pub(crate) struct Open {
    session: Session,
    inbound: Inbound,
    order: ChannelOrder,
    heartbeat: Heartbeat,
    broker: Arc<BrokerInner>,
    handle: Arc<ConnectionHandle>,
    connection_blocked: bool,
    /// Resource alarms that hold this connection back.
    blocked_by: u8,
    out_bytes_max: usize,
    charged_bodies: usize,
    /// Frames wait in the input because the output is full.
    pub(crate) frames_wait: bool,
    /// When deliveries are next looked through for one that was not settled in time.
    overdue_check_ms: Option<u64>,
}

/// How often that is done, as RabbitMQ does.
const OVERDUE_CHECK_MS: u64 = 60_000;

impl Open {
    pub(crate) fn new(
        broker: Arc<BrokerInner>,
        handle: Arc<ConnectionHandle>,
        accepted: Accepted,
        now_ms: u64,
    ) -> Self {
        let negotiated = accepted.negotiated;
        let limits = InboundLimits {
            frame_max: negotiated.frame_max,
            message_bytes_max: broker.config().limits.message_bytes_max,
            channel_max: negotiated.channel_max,
        };
        let heartbeat = Heartbeat::new(u64::from(accepted.heartbeat_s) * 1000, now_ms);
        let out_bytes_max = broker.config().limits.outgoing_bytes_max;
        let open = Self {
            connection_blocked: negotiated.capabilities.connection_blocked,
            session: Session::new(
                broker.clone(),
                accepted.vhost,
                negotiated,
                handle.name.get().cloned().unwrap_or_else(|| "".into()),
                handle.mailbox.clone(),
            ),
            inbound: Inbound::new(Role::Server, limits),
            order: ChannelOrder::new(limits.channel_max, handle.clone()),
            heartbeat,
            broker,
            handle,
            blocked_by: 0,
            out_bytes_max,
            charged_bodies: 0,
            frames_wait: false,
            overdue_check_ms: None,
        };
        open.session.emit_connection("connection.created");
        open
    }

    /// Handles every whole frame that arrived.
    pub(crate) fn handle(
        &mut self,
        input: &mut Input,
        out: &mut Vec<u8>,
        now_ms: u64,
    ) -> Result<Progress, ProtocolError> {
        self.heartbeat.on_received(now_ms);
        self.session.set_now(now_ms);
        let handled = self.handle_frames(input, out);
        self.charge_bodies(self.inbound.buffered_bytes());
        // What was taken before an error is done and answered all the same.
        self.session.finish_batch(out);
        if !out.is_empty() {
            self.heartbeat.on_sent(now_ms);
        }
        handled
    }

    fn handle_frames(&mut self, input: &mut Input, out: &mut Vec<u8>) -> Result<Progress, ProtocolError> {
        loop {
            // Answers to what one read brought may be large: the rest waits until they are written.
            self.frames_wait = out.len() > self.out_bytes_max;
            if self.frames_wait {
                return Ok(Progress::Open);
            }
            let (result, used) = match self.inbound.next(input.bytes()) {
                Ok(None) => return Ok(Progress::Open),
                Ok(Some((Incoming::Content { channel, content }, used))) => {
                    let result = match self.order.content(channel) {
                        Ok(true) => self.session.content(channel, content, out).map(|()| Handled::Open),
                        Ok(false) => Ok(Handled::Open),
                        Err(error) => Err(error),
                    };
                    (result, used)
                }
                Ok(Some((Incoming::Method { channel, method }, used))) => {
                    let result = match channel {
                        0 => self.session.connection_method(method, out),
                        _ => self.order.method(channel, method, &mut self.session, &mut self.inbound, out),
                    };
                    (result, used)
                }
                Ok(Some((Incoming::Heartbeat | Incoming::Partial, used))) => (Ok(Handled::Open), used),
                Err(refused) => (Err(refused.error), refused.consumed),
            };
            input.consume(used);
            match result {
                Ok(Handled::Open) => {}
                Ok(Handled::ConnectionClosed) => return Ok(Progress::Closed),
                Err(error) => self.fail_channel(error, out)?,
            }
        }
    }

    /// An error of one channel closes that channel; any other is returned.
    fn fail_channel(&mut self, error: ProtocolError, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let Scope::Channel(channel) = error.scope else { return Err(error) };
        tracing::error!(channel, %error, "closing the channel");
        self.session.finish_batch(out);
        self.session.close_channel(channel);
        self.order.closing(channel);
        self.inbound.discard_channel(channel);
        error.write(out);
        Ok(())
    }

    /// Bytes the frame at the front will have, so that the read buffer is large enough for it.
    pub(crate) fn frame_bytes(&self, waiting: &[u8]) -> usize {
        match waiting {
            [_, _, _, a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]) as usize + FRAME_OVERHEAD,
            _ => 0,
        }
    }

    /// Whether nothing is to be read now: a resource runs short, or consumers have to catch up first.
    pub(crate) fn holds_back(&mut self, out: &mut Vec<u8>, cx: &mut Context<'_>) -> bool {
        let on = self.broker.alarms();
        let alarms = if self.session.publishes { on } else { 0 };
        if alarms != self.blocked_by {
            self.tell_blocked(alarms, out);
        }
        let is_behind = self.blocked_by == 0 && self.session.poll_caught_up(cx).is_pending();
        self.handle.figures.set_state(match (self.blocked_by, on) {
            (0, _) if is_behind => ConnectionState::Flow,
            (0, 0) => ConnectionState::Running,
            (0, _) => ConnectionState::Blocking,
            _ => ConnectionState::Blocked,
        });
        self.blocked_by != 0 || is_behind
    }

    fn tell_blocked(&mut self, alarms: u8, out: &mut Vec<u8>) {
        let was = std::mem::replace(&mut self.blocked_by, alarms);
        if was != 0 && alarms == 0 {
            // It was not listened to meanwhile.
            self.heartbeat.on_received(self.broker.clock().now_ms());
        }
        if !self.connection_blocked {
            return;
        }
        if alarms == 0 {
            connection::Unblocked.write(0, out);
        } else if was == 0 {
            connection::Blocked { reason: ShortStr::truncate(Resource::describe(alarms)) }.write(0, out);
        }
    }

    /// Bytes came that are not handled yet: a sign of life all the same.
    pub(crate) fn received(&mut self, now_ms: u64) {
        self.frames_wait = true;
        self.heartbeat.on_received(now_ms);
    }

    /// Writes what the mailbox holds; returns orders for the connection as a whole.
    pub(crate) fn serve(&mut self, out: &mut Vec<u8>, now_ms: u64) -> Vec<Command> {
        self.session.set_now(now_ms);
        let before = out.len();
        let commands = self.session.serve_mailbox(out);
        if out.len() > before {
            self.heartbeat.on_sent(now_ms);
        }
        commands
    }

    /// What the output is to be held for from now on; 0 for nothing.
    pub(crate) fn take_hold(&mut self) -> Ticket {
        self.session.take_hold()
    }

    /// The output was written, all of it.
    pub(crate) fn written(&mut self, now_ms: u64) {
        self.session.set_now(now_ms);
        self.session.written();
    }

    pub(crate) fn next_deadline_ms(&self) -> Option<u64> {
        let beat = match self.heartbeat.poll(0) {
            HeartbeatAction::WaitUntil(u64::MAX) => None,
            HeartbeatAction::WaitUntil(ms) => Some(ms),
            HeartbeatAction::Send | HeartbeatAction::Dead => Some(0),
        };
        beat.into_iter().chain(self.overdue_check_ms).min()
    }

    /// A deadline came: sends a heartbeat, or gives the peer up.
    pub(crate) fn on_timer(&mut self, now_ms: u64, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        if self.blocked_by != 0 {
            self.heartbeat.on_received(now_ms);
        }
        if self.overdue_check_ms.is_some_and(|check| check <= now_ms) {
            self.overdue_check_ms = None;
            self.session.set_now(now_ms);
            while let Some(error) = self.session.overdue() {
                self.fail_channel(error, out)?;
            }
        }
        match self.heartbeat.poll(now_ms) {
            HeartbeatAction::Dead => Err(ProtocolError {
                scope: Scope::Socket,
                ..ProtocolError::connection(
                    leveret_protocol::ReplyCode::ConnectionForced,
                    "missed heartbeats from client",
                )
            }),
            HeartbeatAction::Send => {
                put_heartbeat(out);
                self.heartbeat.on_sent(now_ms);
                Ok(())
            }
            HeartbeatAction::WaitUntil(_) => Ok(()),
        }
    }

    /// Whether its consumers were cancelled because the broker stops.
    pub(crate) fn is_drained(&self) -> bool {
        self.session.drained
    }

    /// The connection's task goes to sleep. Returns how many deliveries are not settled.
    pub(crate) fn rest(&mut self) -> usize {
        let unsettled = self.session.unsettled();
        if unsettled > 0 && self.overdue_check_ms.is_none() {
            self.overdue_check_ms = Some(self.broker.clock().now_ms() + OVERDUE_CHECK_MS);
        }
        unsettled
    }

    /// Bodies that are not complete yet count as memory like those in queues.
    fn charge_bodies(&mut self, bytes: usize) {
        self.broker.memory().charge(bytes as i64 - self.charged_bodies as i64);
        self.charged_bodies = bytes;
    }

    pub(crate) fn end(&mut self) {
        self.charge_bodies(0);
        self.session.set_now(self.broker.clock().now_ms());
        self.session.close();
        self.session.emit_connection("connection.closed");
    }
}
