//! How a connection comes from one phase to the next: by what the client sends, by an error, by time.

use super::closing::Closing;
use super::connection::{Connection, Phase};
use super::handshake::{Accepted, Step};
use super::open::{Open, Progress};
use crate::stats::ConnectionState;
use leveret_protocol::{ProtocolError, Scope};
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

impl<S> Connection<S> {
    pub(super) fn handle_input(&mut self) {
        self.out.need();
        let now_ms = self.broker.clock().now_ms();
        if let Phase::Handshake(handshake) = &mut self.phase {
            let step = handshake.handle(&mut self.input, &mut self.out.bytes);
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
            let handled = open.handle(&mut self.input, &mut self.out.bytes, now_ms);
            self.out.hold_until(open.take_hold());
            match handled {
                Ok(Progress::Open) => {}
                Ok(Progress::Closed) => self.leave_open(),
                Err(error) => self.fail(&error),
            }
        }
        if let Phase::Closing(closing) = self.phase
            && closing.handle(&mut self.input, &mut self.out.bytes)
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
    pub(super) fn fail(&mut self, error: &ProtocolError) {
        if let Phase::Open(open) = &mut self.phase {
            open.end();
        }
        self.handle.figures.set_state(ConnectionState::Closing);
        tracing::error!(connection = %self.name, %error, "closing the connection");
        error.write(&mut self.out.bytes);
        self.deadline_ms = Some(self.broker.clock().now_ms() + self.close_timeout_ms());
        // After an error of the socket nothing that comes can be read.
        let is_over = error.scope == Scope::Socket;
        self.phase = if is_over { Phase::Over } else { Phase::Closing(Closing { by_broker: true }) };
    }

    /// `true`: a deadline came and something was done about it.
    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
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
        self.out.need();
        let now_ms = self.broker.clock().now_ms();
        match &mut self.phase {
            Phase::Open(open) => {
                if let Err(error) = open.on_timer(now_ms, &mut self.out.bytes) {
                    self.fail(&error);
                    if error.scope == Scope::Socket {
                        self.out.skip();
                    }
                }
            }
            _ if self.deadline_ms.is_none_or(|deadline| now_ms < deadline) => {}
            _ => {
                tracing::debug!(connection = %self.name, "the peer took too long");
                self.phase = Phase::Over;
                self.out.skip();
            }
        }
        true
    }
}
