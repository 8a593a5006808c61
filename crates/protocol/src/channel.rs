//! Which method may follow which on one channel, for either side (AMQP 0-9-1, section 2.2.5 and the grammar of class channel).
//!
//! ```text
//!             open                open-ok
//!  +--------+ ------> +---------+ ------> +------+
//!  | closed |         | opening |         | open |
//!  +--------+         +---------+         +------+
//!      ^                close sent |         | close sent
//!      |  close-ok              +---------------+
//!      +----------------------- |    closing    | everything else is discarded
//!                               +---------------+
//! ```

use crate::error::ProtocolError;
use crate::inbound::{Role, unimplemented};
use crate::method_id::MethodId;
use crate::methods::{channel, connection};
use crate::reply_code::ReplyCode;

/// State of one channel, as one side sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelState {
    /// Not in use.
    #[default]
    Closed,
    /// `channel.open` was received (server) or sent (client), and not answered yet.
    Opening,
    /// In use.
    Open,
    /// This side sent `channel.close` and waits for close-ok.
    Closing {
        /// The peer sent a close of its own meanwhile.
        crossed: bool,
    },
}

/// What to do with a method that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Server: make the channel, answer open-ok and say [`ChannelState::opened`].
    Open,
    /// Carry it out.
    Process,
    /// The peer closes the channel: free what it holds and answer close-ok. The state follows by itself.
    Close,
    /// The peer's close crossed ours: answer close-ok, and go on waiting for its own.
    CloseCrossed,
    /// The peer confirmed our close: the number is free.
    Closed,
    /// Throw it away.
    Discard,
}

impl ChannelState {
    /// A method was received on the channel by this side; for a method with content, the whole content was.
    ///
    /// # Errors
    /// What to tell the peer: the channel is not open, is opened twice, or only this side may send the method.
    pub fn received(&mut self, role: Role, method: MethodId) -> Result<Verdict, ProtocolError> {
        match (*self, method) {
            (Self::Closing { .. }, channel::CloseOk::ID) => {
                *self = Self::Closed;
                Ok(Verdict::Closed)
            }
            (Self::Closing { .. }, channel::Close::ID) => {
                *self = Self::Closing { crossed: true };
                Ok(Verdict::CloseCrossed)
            }
            // Not every client answers a close that crossed its own; then it opens the number anew.
            (Self::Closed | Self::Closing { crossed: true }, channel::Open::ID) if role == Role::Server => {
                *self = Self::Opening;
                Ok(Verdict::Open)
            }
            (Self::Closing { .. }, _) => Ok(Verdict::Discard),
            (Self::Closed, _) => {
                Err(ProtocolError::connection(ReplyCode::ChannelError, "expected 'channel.open'")
                    .caused_by(method))
            }
            (Self::Opening | Self::Open, channel::Open::ID) if role == Role::Server => {
                Err(ProtocolError::connection(ReplyCode::ChannelError, "second 'channel.open' seen")
                    .caused_by(method))
            }
            (Self::Opening | Self::Open, channel::Close::ID) => {
                *self = Self::Closed;
                Ok(Verdict::Close)
            }
            (Self::Opening, channel::OpenOk::ID) if role == Role::Client => {
                *self = Self::Open;
                Ok(Verdict::Process)
            }
            (Self::Opening, _) if role == Role::Client => Err(unimplemented(method)),
            (_, channel::OpenOk::ID | channel::CloseOk::ID) => Err(unimplemented(method)),
            _ if method.class == connection::Close::ID.class || !method.is_received_by(role) => {
                Err(unimplemented(method))
            }
            (Self::Opening | Self::Open, _) => Ok(Verdict::Process),
        }
    }

    /// Client: `channel.open` was sent.
    pub fn opening(&mut self) {
        *self = Self::Opening;
    }

    /// Server: `channel.open-ok` was sent.
    pub fn opened(&mut self) {
        *self = Self::Open;
    }

    /// `channel.close` was sent by this side. Also tell [`Inbound::discard_channel`](crate::Inbound::discard_channel).
    pub fn closing(&mut self) {
        *self = Self::Closing { crossed: false };
    }
}

/// The refusal of a channel above the negotiated limit. `channel_max` counts open channels; their numbers may be higher.
#[must_use]
pub fn too_many_channels(open: usize, channel_max: u16) -> ProtocolError {
    let text =
        format!("number of channels opened ({open}) has reached the negotiated channel_max ({channel_max})");
    ProtocolError::connection(ReplyCode::NotAllowed, text)
}
