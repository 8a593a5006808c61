//! One round of a connection's task: what was handed over is written, what is due is done. Nothing in it waits.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use leveret_protocol::methods::connection;
use tokio::time::Instant;

use super::link::Link;
use super::task::{CLOSE_WAIT, End, Task};
use crate::error::{Error, Scope};

impl Task {
    /// Everything that can be done without waiting.
    pub(super) fn round(&mut self, link: &mut Link) -> Result<(), End> {
        let bytes_max = self.options.write.batch_bytes_max;
        let now = Instant::now();
        // Before it looks what there is: that was handed over before.
        if self.shared.close_requested.swap(false, SeqCst) && self.close_by.is_none() {
            self.close_by = Some(now + CLOSE_WAIT);
            self.rearm = true;
        }
        while link.out.len() < bytes_max
            && let Ok(command) = self.commands.try_recv()
        {
            self.command(command, link);
        }
        let shared = self.shared.clone();
        shared.take_ready(|number| {
            if self.channel(number).is_some_and(|state| state.shared.released.load(SeqCst)) {
                self.release_channel(number, link);
            } else {
                self.work(number);
            }
        });
        // Also when there is always something else to do first.
        self.rearm |= link.is_due();
        let is_timer = self.rearm;
        let mut working = std::mem::take(&mut self.working);
        let closing = self.close_by.is_some() && !self.close_written;
        if closing {
            working.extend(self.each_channel().filter(|s| s.linger_at.is_some()).map(|s| s.shared.number));
        }
        for number in working.drain(..) {
            let blocked = self.blocked;
            let Some(state) = self.channel(number) else { continue };
            state.settle(now, &mut link.out);
            let more = if blocked || !state.usable {
                state.hold_publishes();
                state.linger_at = None;
                false
            } else if state.lingers(now, closing || state.shared.released.load(SeqCst)) {
                false
            } else {
                let more = state.write_publishes(link.frame_max, bytes_max, &mut link.out);
                if !more {
                    state.wrote_all(now);
                }
                more
            };
            if more && is_timer {
                // The peer does not read; deadlines are looked at by `timers`.
                state.hold_publishes();
            }
            if more {
                link.look_soon(now);
            }
            state.release();
            let due = state.due();
            link.wake_at(due);
            if more {
                self.work(number);
            }
        }
        if self.working.is_empty() {
            self.working = working; // an allocation less in each round
        }
        // What was handed over before the last handle was dropped is written first.
        if self.close_by.is_some() && !self.close_written && self.working.is_empty() {
            self.close(link, now);
        }
        if std::mem::take(&mut self.due_now) {
            self.rearm = true;
        }
        if std::mem::take(&mut self.rearm) {
            self.timers(link, now)?;
        }
        Ok(())
    }

    /// What is due, and when something is due next.
    fn timers(&mut self, link: &mut Link, now: Instant) -> Result<(), End> {
        let beat = link.beat(now).map_err(End::Lost)?;
        self.begin_late(link, now);
        let mut due = [beat, self.late.as_ref().and_then(|late| late.at)].into_iter().flatten().min();
        // Those opened again, and such that need not go one by one any more.
        let (mut reopened, mut lingered) = (Vec::new(), Vec::new());
        for state in self.each_channel() {
            if state.answer_due().is_some_and(|by| by <= now) {
                return Err(End::Lost("the broker did not answer what brings a channel back".into()));
            }
            if state.expire(now) && state.suspects == 0 {
                reopened.push(state.shared.number);
            }
            state.on_ack_timer(now, &mut link.out);
            if state.reopen_at.is_some_and(|at| at <= now) {
                state.open(None, &mut link.out);
                reopened.push(state.shared.number);
            }
            if state.linger_at.is_some_and(|at| at <= now) {
                lingered.push(state.shared.number);
            }
            let consumers = if state.closing { 0 } else { state.consumers.len() };
            for index in 0..consumers {
                if state.consumers.get(index).and_then(|c| c.again_at).is_some_and(|at| at <= now) {
                    state.subscribe(index, &mut link.out);
                }
            }
            due = [due, state.due()].into_iter().flatten().min();
        }
        for number in reopened.into_iter().chain(lingered) {
            self.work(number);
            self.shared.set_ready(number);
        }
        if let Some(at) = self.close_by {
            if at <= now {
                return Err(End::Closed(Error::closed_by_application(Scope::Connection)));
            }
            due = Some(due.map_or(at, |due| due.min(at)));
        }
        if link.out.is_empty() && link.input.is_empty() {
            link.idle();
        }
        link.set_timer(due.unwrap_or(now + Duration::from_secs(3600)));
        if !self.working.is_empty() {
            link.look_soon(now);
        }
        Ok(())
    }

    fn close(&mut self, link: &mut Link, now: Instant) {
        for state in self.each_channel() {
            state.settle(now, &mut link.out);
            state.flush_acks(now, &mut link.out);
        }
        let reply_text = leveret_protocol::ShortStr::truncate("goodbye");
        connection::Close { reply_code: 200, reply_text, ..Default::default() }.write(0, &mut link.out);
        self.close_by = Some(now + CLOSE_WAIT);
        self.close_written = true;
        self.rearm = true;
    }
}
