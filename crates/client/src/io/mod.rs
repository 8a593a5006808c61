//! The one task of a connection: it owns the socket, the channels and everything that is in flight.

mod answers;
mod asked;
mod bed;
mod bell;
mod broken;
mod channel_shared;
mod channel_state;
mod comeback;
mod commands;
mod connect;
mod consuming;
mod dispatch;
mod handshake;
mod inbox;
mod incoming;
mod late;
mod linger;
mod link;
mod publish;
mod quiet;
mod read;
mod restore;
mod returns;
mod round;
mod serving;
mod settling;
mod shared;
mod taken;
mod task;

pub(crate) use asked::{CallKind, Command, Reply, Settle, Subscription};
pub(crate) use channel_shared::ChannelShared;
pub(crate) use inbox::Inbox;
pub(crate) use linger::Linger;
pub use returns::Returns;
pub(crate) use shared::ConnectionShared;
pub(crate) use task::Task;
