//! One stream with its buffers: what is read and not parsed, what is to be written.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use leveret_protocol::handshake::Tuning;
use leveret_protocol::{Heartbeat, HeartbeatAction, Inbound, InboundLimits, Role, put_heartbeat};
use tokio::io::AsyncWrite as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::asked::Command;
use super::shared::ConnectionShared;
use crate::transport::BoxStream;

const READ_MIN: usize = 4 << 10;
const READ_MAX: usize = 256 << 10;

/// While the peer does not read, how late the deadline of a message may be noticed.
const STUCK_LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// Why the task woke.
pub(super) enum Event {
    Read,
    /// All that was to be written is.
    Written,
    Command(Box<Command>),
    /// A handle has something, or the last one is gone.
    Bell,
    Timer,
    Lost(String),
}

pub(super) struct Link {
    stream: BoxStream,
    pub(super) input: BytesMut,
    pub(super) inbound: Inbound,
    pub(super) out: Vec<u8>,
    written: usize,
    unflushed: bool,
    /// Consumers do not keep up: nothing is read.
    held_back: bool,
    read_size: usize,
    heartbeat: Heartbeat,
    began: Instant,
    pub(super) frame_max: u32,
    pub(super) channel_max: u16,
    timer: Pin<Box<Sleep>>,
}

impl Link {
    pub(super) fn new(stream: BoxStream, input: BytesMut, tuning: Tuning, body_max: usize) -> Self {
        let limits = InboundLimits {
            frame_max: tuning.frame_max,
            message_bytes_max: body_max as u64,
            channel_max: tuning.channel_max,
        };
        let began = Instant::now();
        Self {
            stream,
            input,
            inbound: Inbound::new(Role::Client, limits),
            out: Vec::new(),
            written: 0,
            unflushed: false,
            held_back: false,
            read_size: READ_MIN,
            heartbeat: Heartbeat::new(u64::from(tuning.heartbeat) * 1000, 0),
            began,
            frame_max: tuning.frame_max,
            channel_max: tuning.channel_max,
            timer: Box::pin(tokio::time::sleep_until(began)),
        }
    }

    fn now_ms(&self, now: Instant) -> u64 {
        now.duration_since(self.began).as_millis() as u64
    }

    /// Writes a heartbeat when one is due. `Err`: the peer is dead. `Ok`: when to look again.
    pub(super) fn beat(&mut self, now: Instant) -> Result<Option<Instant>, String> {
        let now_ms = self.now_ms(now);
        if self.held_back {
            // The peer is not silent: we do not listen.
            self.heartbeat.on_received(now_ms);
        }
        loop {
            match self.heartbeat.poll(now_ms) {
                HeartbeatAction::Dead => return Err("nothing came for two heartbeat intervals".into()),
                HeartbeatAction::Send => {
                    put_heartbeat(&mut self.out);
                    self.heartbeat.on_sent(now_ms);
                }
                HeartbeatAction::WaitUntil(u64::MAX) => return Ok(None),
                HeartbeatAction::WaitUntil(ms) => {
                    return Ok(Some(self.began + std::time::Duration::from_millis(ms)));
                }
            }
        }
    }

    /// Sets the timer to this or earlier; one that fires too early is looked at and set again. One that has fired stays so until
    /// [`set_timer`](Self::set_timer): what it was set for is not done yet.
    pub(super) fn wake_at(&mut self, due: Option<Instant>) {
        let Some(due) = due else { return };
        if !self.timer.is_elapsed() && self.timer.deadline() > due {
            self.timer.as_mut().reset(due);
        }
    }

    /// When the timer goes off.
    pub(super) fn alarm(&self) -> Instant {
        self.timer.deadline()
    }

    /// Writes what the stream takes.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), String> {
        let before = self.written;
        while let Some(rest) = self.out.get(self.written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Err("the stream takes no more".into()),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return Err(error.to_string()),
                Poll::Pending => break,
            }
        }
        if self.written > before {
            self.unflushed = true;
            self.heartbeat.on_sent(self.now_ms(Instant::now()));
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            flushed.map_err(|error| error.to_string())?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// The timer has fired.
    pub(super) fn is_due(&self) -> bool {
        self.timer.is_elapsed()
    }

    /// Everything that was due is done; this is next.
    pub(super) fn set_timer(&mut self, due: Instant) {
        self.timer.as_mut().reset(due);
    }

    /// Something waits until there is room to write it: if the peer does not read, deadlines are looked at all the same.
    pub(super) fn look_soon(&mut self, now: Instant) {
        self.wake_at(Some(now + STUCK_LOOK));
    }

    /// Waits for anything.
    pub(super) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
        shared: &ConnectionShared,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Poll<Event> {
        let had_output = !self.out.is_empty();
        if let Err(text) = self.poll_write(cx) {
            return Poll::Ready(Event::Lost(text));
        }
        self.held_back = shared.holds_back(self.held_back);
        let read = if self.held_back { Poll::Pending } else { self.poll_read(cx) };
        match read {
            Poll::Ready(Ok(0)) => return Poll::Ready(Event::Lost("the broker closed the socket".into())),
            Poll::Ready(Ok(_)) => {
                self.heartbeat.on_received(self.now_ms(Instant::now()));
                return Poll::Ready(Event::Read);
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Event::Lost(error.to_string())),
            Poll::Pending => {}
        }
        if self.out.len() < READ_MAX
            && let Poll::Ready(Some(command)) = commands.poll_recv(cx)
        {
            return Poll::Ready(Event::Command(Box::new(command)));
        }
        if had_output && self.out.is_empty() {
            return Poll::Ready(Event::Written);
        }
        shared.bell.sleep(cx);
        // While a write is stuck there is no room for more; back-pressure begins here.
        let is_ready = shared.has_ready();
        let takes_more = is_ready && self.out.is_empty() || self.held_back && !shared.holds_back(true);
        if takes_more || shared.wants_close() {
            return Poll::Ready(Event::Bell);
        }
        if is_ready {
            self.look_soon(Instant::now());
        }
        if self.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Event::Timer);
        }
        Poll::Pending
    }

    /// Writes what there is, then waits for more to read and for nothing else. Not to be dropped halfway if the link lives on.
    pub(super) async fn exchange(&mut self) -> Result<(), String> {
        use tokio::io::AsyncWriteExt as _;
        let text = |error: io::Error| error.to_string();
        let out = std::mem::take(&mut self.out);
        self.stream.write_all(out.get(self.written..).unwrap_or_default()).await.map_err(text)?;
        self.stream.flush().await.map_err(text)?;
        self.written = 0;
        match poll_fn(|cx| self.poll_read(cx)).await.map_err(text)? {
            0 => Err("the broker closed the socket".into()),
            _ => Ok(()),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < self.read_size / 2 {
            self.input.reserve(self.read_size);
        }
        let before = self.input.len();
        let room = self.input.capacity() - before;
        let mut reading =
            std::pin::pin!(tokio::io::AsyncReadExt::read_buf(&mut self.stream, &mut self.input));
        match std::future::Future::poll(reading.as_mut(), cx) {
            Poll::Ready(Ok(count)) => {
                if count == room && self.read_size < READ_MAX {
                    self.read_size *= 2;
                }
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Nothing to do: memory goes back.
    pub(super) fn idle(&mut self) {
        self.read_size = READ_MIN;
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.out.is_empty() {
            self.out.shrink_to(READ_MIN);
        }
    }

    /// Writes what is left, as far as the peer still reads.
    pub(super) async fn finish(&mut self) {
        use tokio::io::AsyncWriteExt as _;
        let rest = self.out.split_off(self.written);
        let _ = self.stream.write_all(&rest).await;
        let _ = self.stream.shutdown().await;
    }
}
