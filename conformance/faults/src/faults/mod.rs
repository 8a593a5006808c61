//! The faults.

mod churn;
mod frames;
mod holding;
mod reading;
mod silence;

use crate::arena::Arena;
use crate::client::Outcome;

/// Something a client does that it should not.
pub(crate) struct Fault {
    /// By which it is chosen on the command line.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) title: &'static str,
    /// Does it; what the peer got, or what went wrong.
    pub(crate) commit: fn(&Arena) -> Outcome<String>,
}

const fn fault(name: &'static str, title: &'static str, commit: fn(&Arena) -> Outcome<String>) -> Fault {
    Fault { name, title, commit }
}

/// All of them, in the order in which they are committed.
pub(crate) const ALL: &[Fault] = &[
    fault("idle", "5,000 idle connections", holding::idle),
    fault("frame-end", "500 frames with a wrong end", frames::wrong_end),
    fault("frame-kind", "500 frames of an unknown kind", frames::unknown_kind),
    fault("frame-size", "500 frames that announce 4 GiB", frames::oversized),
    fault("order", "500 bodies without a method", frames::wrong_order),
    fault("channel-unknown", "500 methods on channels nobody opened", frames::unknown_channel),
    fault("garbage", "500 HTTP requests", frames::not_amqp),
    fault("login", "100 wrong passwords", frames::wrong_password),
    fault("cut", "1,000 connections reset in the middle of a body", frames::cut),
    fault("silent", "500 sockets that never say a word", silence::no_handshake),
    fault("half-open", "300 consumers that vanish; heartbeat 1 s", silence::half_open),
    fault("partial", "1,000 halves of a 64 KiB frame held open", holding::partial_frames),
    fault("bodies", "40 bodies of 10 MiB never finished", holding::unfinished_bodies),
    fault("held", "1 message held while 1,000,000 pass by", holding::held_message),
    fault("slow-reader", "2 consumers of 200 MB that read nothing", reading::slow_readers),
    fault("gets", "2,000 gets of 2 MiB each, not read", reading::unread_gets),
    fault("connects", "10,000 connects, logins and closes", churn::connections),
    fault("connects-bare", "10,000 sockets opened and closed", churn::sockets),
    fault("channels", "10,000 channels opened and closed", churn::channels),
    fault("queues", "20,000 queues that would expire in a day", churn::queues),
    fault("consumers", "20,000 consumers on one channel", churn::consumers),
    fault("exclusive", "1,000 connections lost, 5 exclusive queues each", churn::exclusive),
];
