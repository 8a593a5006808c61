//! The limits both sides agree on.

use crate::error::ProtocolError;
use crate::frame::FRAME_MIN_SIZE;
use crate::methods::connection;
use crate::reply_code::ReplyCode;

/// The limits of a connection, offered by the server in tune and chosen by the client in tune-ok.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// How many channels may be open; 0 for no limit.
    pub channel_max: u16,
    /// Largest frame in bytes, overhead included; 0 for no limit.
    pub frame_max: u32,
    /// Heartbeat interval in seconds; 0 for none.
    pub heartbeat: u16,
}

impl Tuning {
    /// The lower of two wishes; 0 means no wish. What a client answers to a server's offer.
    ///
    /// For heartbeats that is RabbitMQ's clients' custom: either side can ask for a shorter interval, and both have to say 0 to
    /// have none.
    #[must_use]
    pub fn negotiate(self, offer: Self) -> Self {
        Self {
            channel_max: lower(self.channel_max.into(), offer.channel_max.into()) as u16,
            frame_max: lower(self.frame_max, offer.frame_max),
            heartbeat: lower(self.heartbeat.into(), offer.heartbeat.into()) as u16,
        }
    }

    /// Says whether a client may choose this after that offer. A heartbeat may be anything.
    pub(super) fn check(self, offer: Self) -> Result<(), ProtocolError> {
        check("frame_max", FRAME_MIN_SIZE, self.frame_max, offer.frame_max)?;
        check("channel_max", 1, self.channel_max.into(), offer.channel_max.into())
    }
}

fn lower(a: u32, b: u32) -> u32 {
    if a == 0 || b == 0 { a.max(b) } else { a.min(b) }
}

fn check(field: &str, least: u32, chosen: u32, offered: u32) -> Result<(), ProtocolError> {
    let (than, which, limit) = if chosen != 0 && chosen < least {
        ("lower", "minimum", least)
    } else if offered != 0 && (chosen == 0 || chosen > offered) {
        ("higher", "maximum", offered)
    } else {
        return Ok(());
    };
    let detail = if chosen == 0 && field == "channel_max" { " (no limit)" } else { "" };
    let text =
        format!("negotiated {field} = {chosen}{detail} is {than} than the {which} allowed value ({limit})");
    Err(ProtocolError::connection(ReplyCode::NotAllowed, text).caused_by(connection::Tune::ID))
}
