//! A connection and its handshake, step by step or at once.

use crate::channel::Channel;
use crate::event::Event;
use crate::target::target;
use crate::wire::Wire;
use crate::{conn, s};
use leveret_protocol::{FieldTable, FieldValue, FrameKind, Method, MethodId, PROTOCOL_HEADER, begin_frame};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A connection to the broker.
pub struct Connection {
    wire: Rc<RefCell<Wire>>,
    next_channel: Cell<u16>,
    /// Whether a polite close is due in the end.
    open: Cell<bool>,
}

/// How to open a connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
    /// Virtual host.
    pub vhost: String,
    /// What the client says it can do.
    pub capabilities: Vec<&'static str>,
    /// Channels asked for.
    pub channel_max: u16,
    /// Frame size asked for, in bytes.
    pub frame_max: u32,
    /// Heartbeat asked for, in seconds.
    pub heartbeat: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user: target().user.clone(),
            password: target().password.clone(),
            vhost: "/".into(),
            capabilities: vec![
                "authentication_failure_close",
                "basic.nack",
                "connection.blocked",
                "consumer_cancel_notify",
                "exchange_exchange_bindings",
                "publisher_confirms",
            ],
            channel_max: 2047,
            frame_max: 131_072,
            heartbeat: 0,
        }
    }
}

/// What the broker said of itself in `connection.start`.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Major and minor version of the protocol.
    pub version: (u8, u8),
    /// Its properties.
    pub server_properties: FieldTable,
    /// Its login mechanisms.
    pub mechanisms: Vec<String>,
    /// Its locales.
    pub locales: String,
}

impl Connection {
    /// An open connection.
    #[must_use]
    #[track_caller]
    pub fn open() -> Self {
        Self::open_with(&Options::default())
    }

    /// An open connection, opened as told.
    #[must_use]
    #[track_caller]
    pub fn open_with(options: &Options) -> Self {
        let connection = Self::tuned(options);
        connection.send(conn::Open { virtual_host: s(&options.vhost) });
        connection.expect(conn::OpenOk);
        connection.open.set(true);
        connection
    }

    /// A connection just before `connection.open`.
    #[must_use]
    #[track_caller]
    pub fn tuned(options: &Options) -> Self {
        let connection = Self::logged_in(options);
        connection.tune_ok(options);
        connection
    }

    /// A connection just before `connection.tune-ok`.
    #[must_use]
    #[track_caller]
    pub fn logged_in(options: &Options) -> Self {
        let connection = Self::started();
        connection.start_ok(options);
        connection.tune();
        connection
    }

    /// A connection just before `connection.start-ok`.
    #[must_use]
    #[track_caller]
    pub fn started() -> Self {
        let connection = Self::raw();
        connection.send_bytes("protocol header", &PROTOCOL_HEADER);
        connection.start();
        connection
    }

    /// A connected socket; nothing was said.
    #[must_use]
    #[track_caller]
    pub fn raw() -> Self {
        let wire = Rc::new(RefCell::new(Wire::connect()));
        Self { wire, next_channel: Cell::new(1), open: Cell::new(false) }
    }

    /// Expects `connection.start`.
    #[track_caller]
    pub fn start(&self) -> Start {
        let event = self.next();
        let Some(Method::ConnectionStart(start)) = event.method() else { self.fail("connection.start") };
        Start {
            version: (start.version_major, start.version_minor),
            mechanisms: String::from_utf8_lossy(start.mechanisms).split(' ').map(str::to_owned).collect(),
            locales: String::from_utf8_lossy(start.locales).into_owned(),
            server_properties: start.server_properties,
        }
    }

    /// Sends `connection.start-ok` with mechanism PLAIN.
    pub fn start_ok(&self, options: &Options) {
        let response = format!("\0{}\0{}", options.user, options.password);
        self.start_ok_with(options, "PLAIN", response.as_bytes());
    }

    /// Sends `connection.start-ok`.
    pub fn start_ok_with(&self, options: &Options, mechanism: &str, response: &[u8]) {
        let capabilities: FieldTable = options.capabilities.iter().map(|name| (*name, true)).collect();
        let client_properties = FieldTable::from([
            ("product", FieldValue::from("dialogues")),
            ("capabilities", FieldValue::from(capabilities)),
        ]);
        self.send(conn::StartOk { client_properties, mechanism: s(mechanism), response, locale: s("en_US") });
    }

    /// Expects `connection.tune`.
    #[track_caller]
    pub fn tune(&self) -> conn::Tune {
        match self.next().method() {
            Some(Method::ConnectionTune(tune)) => tune,
            _ => self.fail("connection.tune"),
        }
    }

    /// Sends `connection.tune-ok`.
    pub fn tune_ok(&self, options: &Options) {
        let &Options { channel_max, frame_max, heartbeat, .. } = options;
        self.send(conn::TuneOk { channel_max, frame_max, heartbeat });
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
    fn fail(&self, expected: &str) -> ! {
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
