//! What arrives, by what it is: answers to whoever waits, confirms to the ring, deliveries to their consumers in batches.

use leveret_protocol::Method;
use leveret_protocol::methods::{basic, channel, connection};

use super::asked::{CallKind, Reply};
use super::channel_state::{ChannelState, Pending};
use super::link::Link;
use super::task::{End, Task};
use crate::connection::ConnectionState;
use crate::error::{Error, Origin, Scope};

impl Task {
    pub(super) fn touch(&mut self, number: u16) -> Option<&mut ChannelState> {
        if self.touched.last() != Some(&number) {
            self.touched.push(number);
        }
        self.channel(number)
    }

    pub(super) fn on_connection(&mut self, method: Method<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        match method {
            Method::ConnectionClose(close) => {
                connection::CloseOk.write(0, out);
                Err(End::Closed(Error::Closed {
                    scope: Scope::Connection,
                    origin: Origin::Broker,
                    code: close.reply_code,
                    text: close.reply_text.to_lossy().into(),
                }))
            }
            Method::ConnectionCloseOk(_) => Err(End::Closed(Error::closed_by_application(Scope::Connection))),
            Method::ConnectionBlocked(blocked) => {
                self.blocked = true;
                let reason = blocked.reason.to_lossy().into();
                self.set_state(ConnectionState::Blocked { reason });
                Ok(())
            }
            Method::ConnectionUnblocked(_) => {
                self.blocked = false;
                self.set_state(ConnectionState::Connected);
                self.all_work();
                Ok(())
            }
            Method::ConnectionUpdateSecretOk(_) => {
                if let Some(reply) = self.secret.pop_front() {
                    let _ = reply.send(Ok(Reply::Done));
                }
                Ok(())
            }
            other => {
                tracing::debug!(method = %other.id().name(), "ignored on channel 0");
                Ok(())
            }
        }
    }

    pub(super) fn on_method(&mut self, number: u16, method: Method<'_>, link: &mut Link) {
        if self.late.as_ref().is_some_and(|late| late.is_on(number)) {
            return self.on_late(number, &method, link);
        }
        match method {
            Method::BasicAck(basic::Ack { delivery_tag, multiple }) => {
                self.confirmed(number, delivery_tag, multiple, true);
            }
            Method::BasicNack(basic::Nack { delivery_tag, multiple, .. }) => {
                self.confirmed(number, delivery_tag, multiple, false);
            }
            Method::BasicCancel(cancel) => {
                let tag = cancel.consumer_tag.to_lossy().into_owned();
                self.on_cancel(number, &tag, cancel.no_wait, &mut link.out);
            }
            Method::ChannelClose(close) => {
                channel::CloseOk.write(number, &mut link.out);
                link.inbound.forget_channel(number);
                self.on_channel_close(number, &close);
            }
            Method::ChannelCloseOk(_) => {
                link.inbound.forget_channel(number);
                let error = Error::closed_by_application(Scope::Channel);
                if let Some(mut state) = self.remove(number) {
                    if let Some(Pending::Call(CallKind::Close, _)) = state.pending.back()
                        && let Some(Pending::Call(_, reply)) = state.pending.pop_back()
                    {
                        let _ = reply.send(Ok(Reply::Done));
                    }
                    state.end(&error);
                }
            }
            Method::ChannelFlow(flow) => {
                if self.channel(number).is_some_and(|state| !state.closing) {
                    channel::FlowOk { active: flow.active }.write(number, &mut link.out);
                }
            }
            answer => self.on_answer(number, answer),
        }
    }

    fn confirmed(&mut self, number: u16, tag: u64, multiple: bool, stored: bool) {
        if let Some(state) = self.touch(number) {
            // What waited for the last suspect goes on as well.
            let one_by_one = state.suspects > 0;
            state.confirmed(tag, multiple, stored);
            if one_by_one {
                self.work(number);
            }
        }
    }
}
