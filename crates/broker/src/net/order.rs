//! Which channels of a connection are open, and what that makes of a method.

use crate::broker::ConnectionHandle;
use crate::session::{Handled, Session};
use leveret_protocol::channel::{ChannelState, Verdict, too_many_channels};
use leveret_protocol::methods::{basic, channel};
use leveret_protocol::{Inbound, Method, ProtocolError, Role};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The states of a connection's channels, by number.
#[derive(Debug)]
pub(crate) struct ChannelOrder {
    states: Vec<ChannelState>,
    open: usize,
    channel_max: u16,
    handle: Arc<ConnectionHandle>,
}

impl ChannelOrder {
    /// `channel_max` bounds how many are open at a time; 0 is no bound.
    pub(crate) fn new(channel_max: u16, handle: Arc<ConnectionHandle>) -> Self {
        Self { states: Vec::new(), open: 0, channel_max, handle }
    }

    /// A whole content came. `false`: its channel is closing, it is thrown away.
    #[inline]
    pub(crate) fn content(&mut self, channel: u16) -> Result<bool, ProtocolError> {
        if self.states.get(usize::from(channel)) == Some(&ChannelState::Open) {
            return Ok(true);
        }
        Ok(self.state(channel).received(Role::Server, basic::Publish::ID)? == Verdict::Process)
    }

    /// A method came; carries it out if it is its turn.
    #[inline]
    pub(crate) fn method(
        &mut self,
        number: u16,
        method: Method<'_>,
        session: &mut Session,
        inbound: &mut Inbound,
        out: &mut Vec<u8>,
    ) -> Result<Handled, ProtocolError> {
        match self.state(number).received(Role::Server, method.id())? {
            Verdict::Process => return session.method(number, method, out),
            Verdict::Open => {
                if self.channel_max != 0 && self.open >= usize::from(self.channel_max) {
                    return Err(too_many_channels(self.open, self.channel_max));
                }
                session.check_channel_limit()?;
                session.finish_batch(out);
                inbound.forget_channel(number);
                session.open_channel(number, out);
                self.state(number).opened();
                self.count(self.open + 1);
            }
            Verdict::Close => {
                session.finish_batch(out);
                session.close_channel(number);
                channel::CloseOk.write(number, out);
                inbound.forget_channel(number);
                self.count(self.open - 1);
            }
            Verdict::CloseCrossed => {
                channel::CloseOk.write(number, out);
                inbound.discard_channel(number);
            }
            Verdict::Closed => inbound.forget_channel(number),
            Verdict::Discard => {}
        }
        Ok(Handled::Open)
    }

    /// This side sent a close on the channel.
    pub(crate) fn closing(&mut self, channel: u16) {
        let state = self.state(channel);
        if matches!(state, ChannelState::Open | ChannelState::Opening) {
            state.closing();
            self.count(self.open - 1);
        }
    }

    fn count(&mut self, open: usize) {
        self.open = open;
        self.handle.channels.store(open, Ordering::Relaxed);
    }

    fn state(&mut self, channel: u16) -> &mut ChannelState {
        let at = usize::from(channel);
        if self.states.len() <= at {
            self.states.resize(at + 1, ChannelState::Closed);
        }
        &mut self.states[at]
    }
}
