//! A connection: what is sent and expected on channel 0, and on the socket itself.

use crate::channel::Channel;
use crate::event::Event;
use crate::wire::Wire;
use crate::{conn, s};
use leveret_protocol::{FrameKind, Method, MethodId, begin_frame};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// A connection to the broker.
pub struct Connection {
    wire: Rc<RefCell<Wire>>,
    next_channel: Cell<u16>,
    /// Whether a polite close is due in the end.
    open: Cell<bool>,
}

impl Connection {
    /// A connected socket; nothing was said.
    #[must_use]
    #[track_caller]
    pub fn raw() -> Self {
        Self::over(Wire::connect())
    }

    pub(crate) fn over(wire: Wire) -> Self {
        let wire = Rc::new(RefCell::new(wire));
        Self { wire, next_channel: Cell::new(1), open: Cell::new(false) }
    }

    /// From now on, a polite close is due.
    pub(crate) fn opened(&self) {
        self.open.set(true);
    }

    /// Sends a method on channel 0.
    pub fn send<'a>(&self, method: impl Into<Method<'a>>) {
        self.at(0).send(method);
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&self, what: &str, bytes: &[u8]) {
        self.wire.borrow_mut().send_bytes(what, bytes);
    }

    /// Sends a frame of any kind.
    pub fn send_frame(&self, kind: FrameKind, channel: u16, payload: &[u8]) {
        let mut out = Vec::new();
        let frame = begin_frame(&mut out, kind, channel);
        out.extend_from_slice(payload);
        frame.end(&mut out);
        self.wire.borrow_mut().send_frames(&out);
    }

    /// Expects exactly this method on channel 0.
    #[track_caller]
    pub fn expect<'a>(&self, method: impl Into<Method<'a>>) {
        self.at(0).expect(method);
    }

    /// What comes next on channel 0.
    #[track_caller]
    pub fn next(&self) -> Event {
        self.wire.borrow_mut().next_on(0)
    }

    /// Everything that arrived on any channel and nobody asked for, in the order of channels; when there is nothing, what comes
    /// within `wait`. The end of the socket comes on channel 0.
    #[must_use]
    pub fn arrivals(&self, wait: Duration) -> Vec<(u16, Event)> {
        self.wire.borrow_mut().arrivals(wait)
    }

    /// The eight bytes that answer a wrong protocol header.
    #[track_caller]
    pub fn next_header(&self) -> [u8; 8] {
        self.wire.borrow_mut().next_header()
    }

    /// Expects `connection.close`, answers it, and expects the end of the socket.
    #[track_caller]
    pub fn expect_close(&self, code: u16, text: &str, cause: MethodId) {
        self.expect_close_only(code, text, cause);
        self.send(conn::CloseOk);
        self.expect_eof();
    }

    /// Expects `connection.close`.
    #[track_caller]
    pub fn expect_close_only(&self, code: u16, text: &str, cause: MethodId) {
        self.open.set(false);
        self.expect(conn::Close {
            reply_code: code,
            reply_text: s(text),
            class_id: cause.class,
            method_id: cause.method,
        });
    }

    /// Expects the end of the socket.
    #[track_caller]
    pub fn expect_eof(&self) {
        self.open.set(false);
        let event = self.next();
        if event != Event::Eof {
            self.fail("the end of the connection");
        }
    }

    /// Closes politely and waits for the answer.
    #[track_caller]
    pub fn close(&self) {
        self.open.set(false);
        self.send(conn::Close { reply_code: 200, reply_text: s("bye"), class_id: 0, method_id: 0 });
        self.expect(conn::CloseOk);
    }

    /// Ends the socket without a word, as a program that dies does.
    pub fn cut(&self) {
        self.open.set(false);
        self.wire.borrow_mut().cut();
    }

    /// A new open channel.
    #[track_caller]
    pub fn channel(&self) -> Channel {
        let number = self.next_channel.get();
        self.next_channel.set(number + 1);
        let channel = self.at(number);
        channel.open();
        channel
    }

    /// The channel with this number, not opened here.
    #[must_use]
    pub fn at(&self, number: u16) -> Channel {
        Channel::new(self.wire.clone(), number)
    }

    /// Expects that the connection is alive and nothing waits on channel 0.
    #[track_caller]
    pub fn expect_alive(&self) {
        let channel = self.channel();
        channel.close();
        self.wire.borrow_mut().nothing_on(0);
    }

    #[track_caller]
    pub(crate) fn fail(&self, expected: &str) -> ! {
        self.wire.borrow().fail(expected)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.open.get() && !std::thread::panicking() {
            self.send(conn::Close { reply_code: 200, reply_text: s("bye"), class_id: 0, method_id: 0 });
        }
    }
}
