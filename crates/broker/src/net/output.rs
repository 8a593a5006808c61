//! What a connection has to write: one buffer, of which a part is written, and which may have to wait for the store.
//!
//! Answers to what is to be stored are not seen before it is. That wait is for the output as a whole, so the order stays.

use super::buffers::{give_output, take_output};
use crate::broker::ConnectionHandle;
use crate::mailbox::Mailbox;
use leveret_store::{Notify, State, Store, Ticket};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;

/// Whether the output waits for the store.
pub(super) enum Held {
    No,
    Yes,
    /// The store has failed: none of what waited may be said. Why, and what to do.
    ForEver(String),
}

/// How far a writing came.
#[derive(PartialEq, Eq)]
pub(super) enum Written {
    Nothing,
    Some,
    /// What there was, to its end.
    All,
}

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Output {
    /// Frames are appended; the first of them may be written already.
    pub(super) bytes: Vec<u8>,
    at: usize,
    /// The stream took it all and still holds some of it (TLS does).
    unflushed: bool,
    /// It waits until the store has come that far; 0 for nothing.
    hold: Ticket,
    /// Up to here what the mailbox asked to be held for was taken over.
    taken_hold: Ticket,
}

impl Output {
    /// Bytes that the peer has not taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn is_written(&self) -> bool {
        self.waiting() == 0
    }

    /// Takes a buffer to write into, unless it has one.
    pub(super) fn need(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = take_output();
        }
    }

    /// Leaves the buffer to others, if nothing is in it.
    pub(super) fn idle(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > 0 {
            self.leave();
        }
    }

    /// Leaves the buffer to others; what is in it is not said any more.
    pub(super) fn leave(&mut self) {
        self.at = 0;
        give_output(std::mem::take(&mut self.bytes));
    }

    /// Nothing more is written of what there is.
    pub(super) fn skip(&mut self) {
        self.at = self.bytes.len();
    }

    /// What is written already does not count against the bound any more.
    pub(super) fn forget_written(&mut self) {
        self.bytes.drain(..std::mem::take(&mut self.at));
    }

    /// What is in it is not seen before the store has come that far.
    pub(super) fn hold_until(&mut self, ticket: Ticket) {
        self.hold = self.hold.max(ticket);
    }

    /// Whether it has to wait. If it has, the connection is woken when that may be over.
    pub(super) fn held(
        &mut self,
        cx: &mut Context<'_>,
        mailbox: &Arc<Mailbox>,
        store: Option<&Arc<Store>>,
    ) -> Held {
        match mailbox.hold() {
            Some(ticket) if ticket <= self.taken_hold => {}
            Some(ticket) => {
                self.taken_hold = ticket;
                self.hold_until(ticket);
                if let Some(store) = store {
                    let waiter: Arc<dyn Notify> = mailbox.clone();
                    store.watch(ticket, &waiter);
                }
            }
            None => {
                // Registered before the look, so that what comes between is not missed.
                mailbox.register(cx);
                if mailbox.hold().is_some() {
                    cx.waker().wake_by_ref();
                }
                return Held::Yes;
            }
        }
        if self.hold == 0 {
            return Held::No;
        }
        let Some(store) = store else { return Held::No };
        // Registered before the look, so that what comes between is not missed.
        mailbox.register(cx);
        if store.synced() >= self.hold {
            self.hold = 0;
            return Held::No;
        }
        let State::Failed { text } = store.state() else { return Held::Yes };
        self.hold = 0;
        self.bytes.truncate(self.at);
        Held::ForEver(text)
    }

    /// Writes what the stream takes.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
        handle: &ConnectionHandle,
    ) -> io::Result<Written> {
        let mut written = Written::Nothing;
        while self.at < self.bytes.len() {
            match Pin::new(&mut *stream).poll_write(cx, &self.bytes[self.at..]) {
                Poll::Pending => {
                    handle.mailbox.set_write_blocked(true);
                    return Ok(written);
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    handle.figures.sent(count);
                    self.at += count;
                    written = Written::Some;
                }
            }
        }
        if written == Written::Some {
            handle.mailbox.set_write_blocked(false);
            self.bytes.clear();
            self.at = 0;
            self.unflushed = true;
            written = Written::All;
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(stream).poll_flush(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(written)
    }
}
