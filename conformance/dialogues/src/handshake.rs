//! The handshake, step by step or at once.

use crate::connection::Connection;
use crate::target::{Target, target};
use crate::wire::Wire;
use crate::{conn, s};
use leveret_protocol::{FieldTable, FieldValue, Method, PROTOCOL_HEADER};

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
        Self::of(target())
    }
}

impl Options {
    /// Those of a broker's user, with everything else as usual.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        Self {
            user: target.user.clone(),
            password: target.password.clone(),
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

    /// An open connection to another broker than that of this run.
    #[must_use]
    #[track_caller]
    pub fn open_to(target: &Target) -> Self {
        let connection = Self::over(Wire::connect_to(target.address));
        let options = Options::of(target);
        connection.send_bytes("protocol header", &PROTOCOL_HEADER);
        connection.start();
        connection.start_ok(&options);
        connection.tune();
        connection.tune_ok(&options);
        connection.open_vhost(&options)
    }

    /// An open connection, opened as told.
    #[must_use]
    #[track_caller]
    pub fn open_with(options: &Options) -> Self {
        Self::tuned(options).open_vhost(options)
    }

    #[track_caller]
    fn open_vhost(self, options: &Options) -> Self {
        self.send(conn::Open { virtual_host: s(&options.vhost) });
        self.expect(conn::OpenOk);
        self.opened();
        self
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
}
