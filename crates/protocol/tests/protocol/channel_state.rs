//! The order of methods on one channel, row by row.

use leveret_protocol::methods::{basic, channel, connection, queue};
use leveret_protocol::{ChannelState, MethodId, Role, Verdict};

const CLOSED: ChannelState = ChannelState::Closed;
const OPENING: ChannelState = ChannelState::Opening;
const OPEN: ChannelState = ChannelState::Open;
const CLOSING: ChannelState = ChannelState::Closing { crossed: false };
const CROSSED: ChannelState = ChannelState::Closing { crossed: true };

type Row = (ChannelState, MethodId, Result<Verdict, &'static str>, ChannelState);

fn check(role: Role, rows: &[Row]) {
    for &(before, method, expected, after) in rows {
        let mut state = before;
        let verdict = state.received(role, method).map_err(|error| {
            assert_eq!(error.method, Some(method));
            error.to_string()
        });
        assert_eq!(verdict, expected.map_err(str::to_owned), "{before:?}, {method}");
        assert_eq!(state, after, "{before:?}, {method}");
    }
}

const UNIMPLEMENTED: &str = "COMMAND_INVALID - unimplemented method";

#[test]
fn at_a_server() {
    let not_open = Err("CHANNEL_ERROR - expected 'channel.open'");
    let second = Err("CHANNEL_ERROR - second 'channel.open' seen");
    check(
        Role::Server,
        &[
            (CLOSED, channel::Open::ID, Ok(Verdict::Open), OPENING),
            (CLOSED, queue::Declare::ID, not_open, CLOSED),
            (CLOSED, basic::Publish::ID, not_open, CLOSED),
            (CLOSED, channel::Close::ID, not_open, CLOSED),
            (CLOSED, channel::CloseOk::ID, not_open, CLOSED),
            (OPENING, channel::Open::ID, second, OPENING),
            (OPEN, channel::Open::ID, second, OPEN),
            (OPEN, queue::Declare::ID, Ok(Verdict::Process), OPEN),
            (OPEN, basic::Publish::ID, Ok(Verdict::Process), OPEN),
            (OPEN, channel::Close::ID, Ok(Verdict::Close), CLOSED),
            (OPEN, queue::DeclareOk::ID, Err(UNIMPLEMENTED), OPEN),
            (OPEN, basic::CancelOk::ID, Err(UNIMPLEMENTED), OPEN),
            (OPEN, channel::FlowOk::ID, Err(UNIMPLEMENTED), OPEN),
            (OPEN, channel::CloseOk::ID, Err(UNIMPLEMENTED), OPEN),
            (OPEN, connection::Close::ID, Err(UNIMPLEMENTED), OPEN),
            (OPEN, connection::CloseOk::ID, Err(UNIMPLEMENTED), OPEN),
            (CLOSING, queue::Declare::ID, Ok(Verdict::Discard), CLOSING),
            (CLOSING, basic::Publish::ID, Ok(Verdict::Discard), CLOSING),
            (CLOSING, channel::Open::ID, Ok(Verdict::Discard), CLOSING),
            (CLOSING, channel::CloseOk::ID, Ok(Verdict::Closed), CLOSED),
            (CLOSING, channel::Close::ID, Ok(Verdict::CloseCrossed), CROSSED),
            (CROSSED, queue::Declare::ID, Ok(Verdict::Discard), CROSSED),
            (CROSSED, channel::CloseOk::ID, Ok(Verdict::Closed), CLOSED),
            (CROSSED, channel::Open::ID, Ok(Verdict::Open), OPENING),
        ],
    );
}

#[test]
fn at_a_client() {
    check(
        Role::Client,
        &[
            (OPENING, channel::OpenOk::ID, Ok(Verdict::Process), OPEN),
            (OPENING, channel::Close::ID, Ok(Verdict::Close), CLOSED),
            (OPEN, basic::Deliver::ID, Ok(Verdict::Process), OPEN),
            (OPEN, basic::Cancel::ID, Ok(Verdict::Process), OPEN),
            (OPEN, basic::Ack::ID, Ok(Verdict::Process), OPEN),
            (OPEN, channel::Close::ID, Ok(Verdict::Close), CLOSED),
            (OPEN, basic::Publish::ID, Err(UNIMPLEMENTED), OPEN),
            (OPEN, channel::Open::ID, Err(UNIMPLEMENTED), OPEN),
            (CLOSING, basic::Deliver::ID, Ok(Verdict::Discard), CLOSING),
            (CLOSING, channel::CloseOk::ID, Ok(Verdict::Closed), CLOSED),
            (CLOSING, channel::Close::ID, Ok(Verdict::CloseCrossed), CROSSED),
        ],
    );
}

#[test]
fn what_this_side_sends() {
    let mut state = ChannelState::default();
    assert_eq!(state, CLOSED);
    state.opening();
    assert_eq!(state, OPENING);
    state.opened();
    assert_eq!(state, OPEN);
    state.closing();
    assert_eq!(state, CLOSING);
}
