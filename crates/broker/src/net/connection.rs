//! The task of one connection: reads big, handles all complete frames, writes big, keeps its deadlines.
//!
//! ```text
//!   Handshake --accepted--> Open --close, error--> Closing --close-ok, deadline--> gone
//!       \___refused__________________________________/
//! ```
//!
//! Work is per wake-up, not per message: one round reads once, handles every whole frame, gives the collected work to the queues,
//! takes what other tasks left in the mailbox, and writes once.

use super::buffers::{give_output, take_output};
use super::closing::Closing;
use super::handshake::{Accepted, Handshake, Step};
use super::input::Input;
use super::open::{Open, Progress};
use crate::broker::{BrokerInner, ConnectionHandle};
use crate::clock::Timer;
use crate::mailbox::Command;
use crate::stats::ConnectionState;
use leveret_protocol::{ProtocolError, ReplyCode, Scope};
use leveret_store::{Notify, State, Ticket};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes read and not handled while a client does not read its answers.
const UNHANDLED_BYTES_MAX: usize = 64 * 1024;
/// Rounds before the task lets others run.
const ROUNDS_MAX: usize = 16;

enum Phase {
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
    broker: Arc<BrokerInner>,
    handle: Arc<ConnectionHandle>,
    phase: Phase,
    input: Input,
    out: Vec<u8>,
    out_at: usize,
    /// The stream took it all and still holds some of it (TLS does).
    unflushed: bool,
    timer: Timer,
    /// When the phase ends at the latest (handshake, closing).
    deadline_ms: Option<u64>,
    /// The output waits until the store has come that far; 0 for nothing.
    hold: Ticket,
    /// Up to here what the mailbox asked to be held for was taken over.
    taken_hold: Ticket,
    name: String,
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
            out: Vec::new(),
            out_at: 0,
            unflushed: false,
            timer,
            deadline_ms: Some(deadline),
            hold: 0,
            taken_hold: 0,
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
        give_output(std::mem::take(&mut self.out));
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
            if matches!(self.phase, Phase::Over) && self.out_at == self.out.len() {
                return Poll::Ready(Ok(()));
            }
            if !(read || served || timed || wrote) {
                self.idle();
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once and handles what came. `true`: something came.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let is_full = self.out.len() - self.out_at > self.broker.config().limits.outgoing_bytes_max;
        let mut frame_bytes = 0;
        match &mut self.phase {
            Phase::Over => return Ok(false),
            Phase::Open(open) => {
                if open.holds_back(&mut self.out, cx) {
                    return Ok(false);
                }
                if open.frames_wait && !is_full {
                    // What is written already does not count against the bound.
                    self.out.drain(..std::mem::take(&mut self.out_at));
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
                    self.out_at = self.out.len();
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

    fn handle_input(&mut self) {
        self.need_output();
        let now_ms = self.broker.clock().now_ms();
        if let Phase::Handshake(handshake) = &mut self.phase {
            let step = handshake.handle(&mut self.input, &mut self.out);
            match step {
                Step::More => return,
                Step::Accepted(accepted) => self.open(*accepted, now_ms),
                Step::Refused { after_ms } => {
                    // The refusal is out; a peer that was told nothing waits, as RabbitMQ lets it.
                    let wait = if after_ms == 0 { self.close_timeout_ms() } else { after_ms };
                    self.deadline_ms = Some(now_ms + wait);
                    self.phase =
                        if after_ms == 0 { Phase::Over } else { Phase::Closing(Closing { by_broker: true }) };
                    return;
                }
            }
        }
        if let Phase::Open(open) = &mut self.phase {
            let handled = open.handle(&mut self.input, &mut self.out, now_ms);
            self.hold = self.hold.max(open.take_hold());
            match handled {
                Ok(Progress::Open) => {}
                Ok(Progress::Closed) => self.leave_open(),
                Err(error) => self.fail(&error),
            }
        }
        if let Phase::Closing(closing) = self.phase
            && closing.handle(&mut self.input, &mut self.out)
        {
            self.phase = Phase::Over;
        }
    }

    fn open(&mut self, accepted: Accepted, now_ms: u64) {
        tracing::info!(
            connection = %self.name, user = %accepted.negotiated.actor.user.name(), vhost = %accepted.vhost.name(),
            "connection opened"
        );
        self.deadline_ms = None;
        self.handle.figures.set_state(ConnectionState::Running);
        self.phase =
            Phase::Open(Box::new(Open::new(self.broker.clone(), self.handle.clone(), accepted, now_ms)));
    }

    /// The client closed; its `close-ok` is in the output.
    fn leave_open(&mut self) {
        if let Phase::Open(open) = &mut self.phase {
            open.end();
        }
        self.handle.figures.set_state(ConnectionState::Closing);
        self.phase = Phase::Closing(Closing { by_broker: false });
        // The socket is the client's to close; it may not even read what is left of the output.
        self.deadline_ms = Some(self.broker.clock().now_ms() + self.close_timeout_ms());
    }

    fn close_timeout_ms(&self) -> u64 {
        self.broker.config().close_timeout.as_millis() as u64
    }

    /// Closes the connection with an error of ours.
    fn fail(&mut self, error: &ProtocolError) {
        if let Phase::Open(open) = &mut self.phase {
            open.end();
        }
        self.handle.figures.set_state(ConnectionState::Closing);
        tracing::error!(connection = %self.name, %error, "closing the connection");
        error.write(&mut self.out);
        self.deadline_ms = Some(self.broker.clock().now_ms() + self.close_timeout_ms());
        // After an error of the socket nothing that comes can be read.
        let is_over = error.scope == Scope::Socket;
        self.phase = if is_over { Phase::Over } else { Phase::Closing(Closing { by_broker: true }) };
    }

    /// Writes what other tasks left for this connection. `true`: there was something.
    fn poll_mailbox(&mut self, cx: &mut Context<'_>) -> bool {
        let Phase::Open(open) = &mut self.phase else { return false };
        // A peer that does not read gets no more to read, but may be told to go.
        if self.out.len() - self.out_at > self.broker.config().limits.outgoing_bytes_max {
            let Poll::Ready((code, text)) = self.handle.mailbox.poll_close(cx) else { return false };
            self.fail(&ProtocolError::connection(code, text));
            return true;
        }
        if self.handle.mailbox.poll_filled(cx).is_pending() {
            return false;
        }
        if self.out.capacity() == 0 {
            self.out = take_output();
        }
        let now_ms = self.broker.clock().now_ms();
        let commands = open.serve(&mut self.out, now_ms);
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

    /// Whether the output waits for the store: answers to what is to be stored are not seen before it is.
    fn is_held(&mut self, cx: &mut Context<'_>) -> bool {
        match self.handle.mailbox.hold() {
            Some(ticket) if ticket <= self.taken_hold => {}
            Some(ticket) => {
                self.taken_hold = ticket;
                self.hold = self.hold.max(ticket);
                if let Some(store) = self.broker.store() {
                    let waiter: Arc<dyn Notify> = self.handle.mailbox.clone();
                    store.watch(ticket, &waiter);
                }
            }
            None => {
                // Registered before the look, so that what comes between is not missed.
                self.handle.mailbox.register(cx);
                if self.handle.mailbox.hold().is_none() {
                    return true;
                }
                cx.waker().wake_by_ref();
                return true;
            }
        }
        if self.hold == 0 {
            return false;
        }
        let Some(store) = self.broker.store() else { return false };
        // Registered before the look, so that what comes between is not missed.
        self.handle.mailbox.register(cx);
        if store.synced() >= self.hold {
            self.hold = 0;
            return false;
        }
        let State::Failed { text } = store.state() else { return true };
        // None of what waits may be said.
        self.hold = 0;
        self.out.truncate(self.out_at);
        self.fail(&ProtocolError::connection(ReplyCode::InternalError, text));
        false
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut wrote = false;
        if self.is_held(cx) {
            return Ok(false);
        }
        while self.out_at < self.out.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.out[self.out_at..]) {
                Poll::Pending => {
                    self.handle.mailbox.set_write_blocked(true);
                    return Ok(wrote);
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.handle.figures.sent(count);
                    self.out_at += count;
                    wrote = true;
                }
            }
        }
        if wrote {
            self.handle.mailbox.set_write_blocked(false);
            self.out.clear();
            self.out_at = 0;
            self.unflushed = true;
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        if wrote {
            self.written();
        }
        Ok(wrote)
    }

    fn written(&mut self) {
        if let Phase::Open(open) = &mut self.phase {
            open.written(self.broker.clock().now_ms());
        }
    }

    /// `true`: a deadline came and something was done about it.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let own = self.deadline_ms;
        let due = match &mut self.phase {
            Phase::Open(open) => {
                self.handle.unsettled.store(open.rest(), Ordering::Release);
                open.next_deadline_ms()
            }
            _ => own,
        };
        // An alarm that goes off too early only costs a look; moving it with every frame would cost more.
        match (self.timer.deadline_ms(), due) {
            (Some(set), Some(due)) if set <= due => {}
            _ => self.timer.set(due),
        }
        let Poll::Ready(()) = self.timer.poll_due(cx) else { return false };
        self.need_output();
        let now_ms = self.broker.clock().now_ms();
        match &mut self.phase {
            Phase::Open(open) => {
                if let Err(error) = open.on_timer(now_ms, &mut self.out) {
                    self.fail(&error);
                    if error.scope == Scope::Socket {
                        self.out_at = self.out.len();
                    }
                }
            }
            _ if self.deadline_ms.is_none_or(|deadline| now_ms < deadline) => {}
            _ => {
                tracing::debug!(connection = %self.name, "the peer took too long");
                self.phase = Phase::Over;
                self.out_at = self.out.len();
            }
        }
        true
    }

    fn need_output(&mut self) {
        if self.out.capacity() == 0 {
            self.out = take_output();
        }
    }

    /// Nothing to do until something happens: large buffers are left to others.
    fn idle(&mut self) {
        if self.out.is_empty() && self.out.capacity() > 0 {
            give_output(std::mem::take(&mut self.out));
        }
    }
}
