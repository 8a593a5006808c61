//! The task of one connection: reads big, handles all complete frames, writes big, keeps its deadlines.
//!
//! ```text
//!   Handshake --accepted--> Open --close, error--> Closing --close-ok, deadline--> gone
//!       \___refused__________________________________/
//! ```
//!
//! Work is per wake-up, not per message: one round reads once, handles every whole frame, gives the collected work to the queues,
//! takes what other tasks left in the mailbox, and writes once.

use super::closing::Closing;
use super::handshake::Handshake;
use super::input::Input;
use super::open::Open;
use super::output::{Held, Output, Written};
use crate::broker::{BrokerInner, ConnectionHandle};
use crate::clock::Timer;
use crate::mailbox::Command;
use leveret_protocol::{ProtocolError, ReplyCode};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes read and not handled while a client does not read its answers.
const UNHANDLED_BYTES_MAX: usize = 64 * 1024;
/// Rounds before the task lets others run.
const ROUNDS_MAX: usize = 16;

pub(super) enum Phase {
    Handshake(Box<Handshake>),
    Open(Box<Open>),
    /// A close went one way or the other.
    Closing(Closing),
    /// Everything is said; what is left of the output is written, then the socket is closed.
    Over,
}

/// See the module's documentation.
pub(crate) struct Connection<S> {
    stream: S,
    pub(super) broker: Arc<BrokerInner>,
    pub(super) handle: Arc<ConnectionHandle>,
    pub(super) phase: Phase,
    pub(super) input: Input,
    pub(super) out: Output,
    pub(super) timer: Timer,
    /// When the phase ends at the latest (handshake, closing).
    pub(super) deadline_ms: Option<u64>,
    pub(super) name: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(
        stream: S,
        broker: Arc<BrokerInner>,
        handle: Arc<ConnectionHandle>,
        handshake: Handshake,
        name: String,
    ) -> Self {
        let now_ms = broker.clock().now_ms();
        let deadline = now_ms + broker.config().handshake_timeout.as_millis() as u64;
        let timer = broker.clock().timer();
        Self {
            stream,
            broker,
            handle,
            phase: Phase::Handshake(Box::new(handshake)),
            input: Input::default(),
            out: Output::default(),
            timer,
            deadline_ms: Some(deadline),
            name,
        }
    }

    /// Serves the connection to its end.
    pub(crate) async fn run(mut self) {
        let ended = std::future::poll_fn(|cx| self.poll(cx)).await;
        match (&ended, &self.phase) {
            (Ok(()), _) => tracing::debug!(connection = %self.name, "connection closed"),
            (Err(error), Phase::Open(_)) => {
                tracing::warn!(connection = %self.name, %error, "client closed the connection without close");
            }
            (Err(error), _) => tracing::debug!(connection = %self.name, %error, "connection lost"),
        }
        if let Phase::Open(open) = &mut self.phase {
            open.end();
        }
        self.out.leave();
        self.handle.unsettled.store(0, Ordering::Release);
        self.broker.dismiss(self.handle.id);
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut self.stream).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..ROUNDS_MAX {
            let read = self.poll_read(cx)?;
            let served = self.poll_mailbox(cx);
            let timed = self.poll_timer(cx);
            let wrote = self.poll_write(cx)?;
            if matches!(self.phase, Phase::Over) && self.out.is_written() {
                return Poll::Ready(Ok(()));
            }
            if !(read || served || timed || wrote) {
                // Nothing to do until something happens: large buffers are left to others.
                self.out.idle();
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once and handles what came. `true`: something came.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let is_full = self.is_full();
        let mut frame_bytes = 0;
        match &mut self.phase {
            Phase::Over => return Ok(false),
            Phase::Open(open) => {
                if open.holds_back(&mut self.out.bytes, cx) {
                    return Ok(false);
                }
                if open.frames_wait && !is_full {
                    self.out.forget_written();
                    self.input.recall();
                    self.handle_input();
                    return Ok(true);
                }
                // Answers pile up before a client that does not read them. It may go on to show that it lives, a little.
                if is_full && self.input.bytes().len() > UNHANDLED_BYTES_MAX {
                    return Ok(false);
                }
                frame_bytes = open.frame_bytes(self.input.bytes());
            }
            _ => {}
        }
        match self.input.poll_fill(cx, &mut self.stream, frame_bytes) {
            Poll::Pending => Ok(false),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(0)) => match self.phase {
                Phase::Open(_) => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {
                    self.phase = Phase::Over;
                    self.out.skip();
                    Ok(true)
                }
            },
            Poll::Ready(Ok(count)) => {
                self.handle.figures.received(count);
                match &mut self.phase {
                    Phase::Open(open) if is_full => {
                        open.received(self.broker.clock().now_ms());
                    }
                    _ => self.handle_input(),
                }
                Ok(true)
            }
        }
    }

    /// Writes what other tasks left for this connection. `true`: there was something.
    fn poll_mailbox(&mut self, cx: &mut Context<'_>) -> bool {
        let is_full = self.is_full();
        let Phase::Open(open) = &mut self.phase else { return false };
        // A peer that does not read gets no more to read, but may be told to go.
        if is_full {
            let Poll::Ready((code, text)) = self.handle.mailbox.poll_close(cx) else { return false };
            self.fail(&ProtocolError::connection(code, text));
            return true;
        }
        if self.handle.mailbox.poll_filled(cx).is_pending() {
            return false;
        }
        self.out.need();
        let now_ms = self.broker.clock().now_ms();
        let commands = open.serve(&mut self.out.bytes, now_ms);
        if open.is_drained() {
            self.handle.unsettled.store(open.rest(), Ordering::Release);
            self.handle.drained.store(true, Ordering::Release);
        }
        for command in commands {
            if let Command::Close { code, text } = command {
                self.fail(&ProtocolError::connection(code, text));
            }
        }
        true
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        match self.out.held(cx, &self.handle.mailbox, self.broker.store()) {
            Held::No => {}
            Held::Yes => return Ok(false),
            Held::ForEver(text) => self.fail(&ProtocolError::connection(ReplyCode::InternalError, text)),
        }
        let written = self.out.poll_write(cx, &mut self.stream, &self.handle)?;
        if written == Written::All
            && let Phase::Open(open) = &mut self.phase
        {
            open.written(self.broker.clock().now_ms());
        }
        Ok(written != Written::Nothing)
    }

    /// Answers pile up before a client that does not read them.
    fn is_full(&self) -> bool {
        self.out.waiting() > self.broker.config().limits.outgoing_bytes_max
    }
}
