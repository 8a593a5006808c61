//! What handles ask for: channels, methods, frames.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use leveret_protocol::methods::channel;
use tokio::time::Instant;

use super::asked::{CallKind, Command};
use super::channel_shared::ChannelShared;
use super::channel_state::{ChannelState, Pending};
use super::comeback::write_consume;
use super::link::Link;
use super::task::Task;
use crate::error::{Error, Scope};

impl Task {
    pub(super) fn release_channel(&mut self, number: u16, link: &mut Link) {
        let now = Instant::now();
        let Some(state) = self.channel(number) else { return };
        if state.closing || !state.usable {
            // One that is about to be opened again is, if messages are under way on it.
            let stays = state.closing || state.recovers && state.has_unconfirmed();
            if !stays && let Some(mut state) = self.remove(number) {
                state.end(&Error::closed_by_application(Scope::Channel));
            }
            return;
        }
        state.settle(now, &mut link.out);
        state.flush_acks(now, &mut link.out);
        state.write_publishes(link.frame_max, usize::MAX, &mut link.out);
        if !state.ring.is_empty() || !state.resend.is_empty() {
            return; // confirms under way still reach their futures; the channel goes after the last
        }
        state.closing = true;
        channel::Close { reply_code: 200, ..Default::default() }.write(number, &mut link.out);
    }

    pub(super) fn command(&mut self, command: Command, link: &mut Link) {
        match command {
            Command::Open { recovers, confirms, bounds, prefetch, reply } => {
                let Some(number) = self.free_number(link.channel_max) else {
                    let _ = reply.send(Err(Error::NoChannelLeft(link.channel_max)));
                    return;
                };
                let shared = Arc::new(ChannelShared::new(self.shared.clone(), number, bounds, prefetch));
                let mut state = Box::new(ChannelState::new(
                    shared,
                    recovers,
                    confirms,
                    prefetch,
                    self.options.operation_timeout,
                ));
                state.open(Some(reply), &mut link.out);
                if let Some(slot) = self.channels.get_mut(usize::from(number)) {
                    *slot = Some(state);
                }
            }
            Command::Call { channel: 0, frame, reply, .. } => {
                link.out.extend_from_slice(&frame);
                self.secret.push_back(reply);
            }
            Command::Call { channel, epoch, frame, kind, reply } => {
                let now = Instant::now();
                let Some(state) = self.open_channel(channel, epoch) else {
                    let _ = reply.send(Err(Error::Lost("the channel is being recovered".into())));
                    return;
                };
                state.settle(now, &mut link.out);
                state.write_before(link.frame_max, &mut link.out);
                if kind == CallKind::Confirm {
                    state.confirms = true;
                    state.shared.confirming.store(true, SeqCst);
                }
                if kind == CallKind::Close {
                    state.flush_acks(now, &mut link.out);
                    state.closing = true;
                }
                link.out.extend_from_slice(&frame);
                state.pending.push_back(Pending::Call(kind, reply));
            }
            Command::Cast { channel, epoch, frames, room } => {
                if self.open_channel(channel, epoch).is_some() {
                    link.out.extend_from_slice(&frames);
                }
                drop(room);
            }
            Command::Consume { channel, epoch, subscription, reply } => {
                let Some(state) = self.open_channel(channel, epoch) else {
                    let _ = reply.send(Err(Error::Lost("the channel is being recovered".into())));
                    return;
                };
                state.write_before(link.frame_max, &mut link.out);
                write_consume(&subscription, channel, &mut link.out);
                state.pending.push_back(Pending::Consume(subscription, reply));
            }
        }
    }

    fn open_channel(&mut self, number: u16, epoch: u32) -> Option<&mut ChannelState> {
        self.channel(number).filter(|state| state.usable && !state.closing && state.acks.epoch() == epoch)
    }

    pub(super) fn free_number(&mut self, channel_max: u16) -> Option<u16> {
        let most = if channel_max == 0 { usize::from(u16::MAX) } else { usize::from(channel_max) };
        if self.channels.is_empty() {
            self.channels.push(None);
        }
        let free = (1..self.channels.len()).find(|&at| self.channels.get(at).is_some_and(Option::is_none));
        let number = free.unwrap_or(self.channels.len());
        if number > most {
            return None;
        }
        if number == self.channels.len() {
            self.channels.push(None);
        }
        Some(number as u16)
    }
}
