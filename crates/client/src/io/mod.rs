//! The one task of a connection: it owns the socket, the channels and everything that is in flight.

mod bell;
mod channel_state;
mod commands;
mod connect;
mod dispatch;
mod handshake;
mod late;
mod link;
mod publish;
mod restore;
mod shared;
mod taken;
mod task;

pub(crate) use shared::{
    CallKind, ChannelShared, Command, ConnectionShared, Inbox, Reply, Settle, Subscription,
};
pub(crate) use task::Task;
