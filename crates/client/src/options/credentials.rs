//! Who connects, and how that is proved (SASL).

use std::fmt;

use leveret_protocol::FieldTable;

/// A user and a password. `Debug` shows the user only.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub username: String,
    password: String,
}

impl Credentials {
    /// A user and a password.
    #[must_use]
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into() }
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl Default for Credentials {
    fn default() -> Self {
        Self::new("guest", "guest")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// How credentials are proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// User and password as they are; use TLS on any network you do not own.
    Plain,
    /// The same in a field table; for brokers that offer nothing else.
    AmqPlain,
    /// By something below AMQP: the client's TLS certificate.
    External,
}

impl Mechanism {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::AmqPlain => "AMQPLAIN",
            Self::External => "EXTERNAL",
        }
    }

    /// The mechanism of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Plain, Self::AmqPlain, Self::External]
            .into_iter()
            .find(|m| m.name().eq_ignore_ascii_case(name))
    }

    /// The first of the wanted ones that the broker offers; its offer is names separated by spaces.
    #[must_use]
    pub fn choose(wanted: &[Self], offer: &str) -> Option<Self> {
        wanted
            .iter()
            .copied()
            .find(|mechanism| offer.split_ascii_whitespace().any(|name| name == mechanism.name()))
    }

    /// The response in start-ok.
    #[must_use]
    pub fn response(self, credentials: &Credentials) -> Vec<u8> {
        match self {
            Self::Plain => {
                [b"\0", credentials.username.as_bytes(), b"\0", credentials.password.as_bytes()].concat()
            }
            Self::AmqPlain => {
                let mut table = Vec::new();
                let fields =
                    [("LOGIN", credentials.username.as_str()), ("PASSWORD", credentials.password.as_str())];
                FieldTable::from(fields).encode(&mut table);
                table.split_off(4) // without the length in front, unlike tables everywhere else
            }
            Self::External => Vec::new(),
        }
    }
}
