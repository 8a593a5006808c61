//! The one task of a connection: it owns the socket, the channels and everything that is in flight.

mod bed;
mod bell;
mod channel_state;
mod commands;
mod connect;
mod dispatch;
mod handshake;
mod late;
mod linger;
mod link;
mod publish;
mod read;
mod restore;
mod returns;
mod serving;
mod shared;
mod taken;
mod task;

pub(crate) use linger::Linger;
pub use returns::Returns;
pub(crate) use shared::{
    CallKind, ChannelShared, Command, ConnectionShared, Inbox, Reply, Settle, Subscription,
};
pub(crate) use task::Task;
