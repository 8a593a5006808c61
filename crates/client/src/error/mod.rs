//! What can go wrong, told apart by what the caller can do about it.

mod send;

pub use send::{Returned, SendError};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use leveret_protocol::{ReplyCode, TooLong};

/// What an error ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One channel; the connection goes on.
    Channel,
    /// The whole connection.
    Connection,
}

/// Who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The broker.
    Broker,
    /// The application, by closing or dropping the handle.
    Application,
    /// This library, because of what the peer sent.
    Library,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Channel => "channel",
            Self::Connection => "connection",
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broker => "the broker",
            Self::Application => "the application",
            Self::Library => "this library",
        })
    }
}

/// Why an operation on a connection or channel failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The channel or connection is closed, with AMQP's reply code and text.
    #[error("{scope} closed by {origin}: {code} {text}")]
    Closed {
        /// What was closed.
        scope: Scope,
        /// By whom.
        origin: Origin,
        /// AMQP's reply code; 200 for a normal end.
        code: u16,
        /// What was said. The broker's text to the letter.
        text: Arc<str>,
    },
    /// The connection was lost while the operation was under way; it may have happened or not. Try it again once the connection
    /// has recovered.
    #[error("connection lost: {0}; whether the operation was carried out is unknown, try it again")]
    Lost(Arc<str>),
    /// The broker cancelled a consumer of a low-level channel: its queue was deleted, or moved to another node.
    #[error("the broker cancelled consumer {tag}; was its queue deleted?")]
    ConsumerCancelled {
        /// The consumer tag.
        tag: Arc<str>,
    },
    /// Confirms were asked of a channel without `confirm.select`.
    #[error("the channel has no confirms; call confirm_select first")]
    NotConfirming,
    /// No answer in time. The operation may have happened or not.
    #[error(
        "no answer to {what} within {after:?}; raise ConnectOptions::operation_timeout or look at the broker's load"
    )]
    Timeout {
        /// The operation.
        what: &'static str,
        /// The deadline.
        after: Duration,
    },
    /// Every channel number the broker allows is in use.
    #[error("all {0} channels of the connection are in use; close some or open another connection")]
    NoChannelLeft(u16),
    /// A name is longer than AMQP's short strings.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The broker answered something else than was asked.
    #[error("the broker answered {what} with another method; is it a broker?")]
    Unexpected {
        /// The operation.
        what: &'static str,
    },
}

impl Error {
    pub(crate) fn closed_by_application(scope: Scope) -> Self {
        Self::Closed { scope, origin: Origin::Application, code: 200, text: "closed".into() }
    }

    /// Whether the same call may succeed later without anything being changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Closed { origin: Origin::Broker, code, .. } => {
                matches!(code, 311 | 313 | 320 | 405 | 506 | 541)
            }
            Self::Lost(_) | Self::Timeout { .. } => true,
            _ => false,
        }
    }

    /// The broker's reply code, when it closed the channel or connection.
    #[must_use]
    pub fn reply_code(&self) -> Option<u16> {
        if let Self::Closed { code, .. } = self { Some(*code) } else { None }
    }

    /// Whether the broker said that reply code.
    #[must_use]
    pub fn is(&self, code: ReplyCode) -> bool {
        self.reply_code() == Some(code.code())
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URI does not say what to connect to.
    #[error(transparent)]
    Uri(#[from] crate::UriError),
    /// An option cannot be used.
    #[error(transparent)]
    Options(#[from] crate::OptionsError),
    /// The socket could not be opened.
    #[error("cannot reach {address}: {source}; is the broker running and the port open?")]
    Unreachable {
        /// The address that was tried last.
        address: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A certificate or key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// The broker refused, with its reply code and text.
    #[error("the broker refused the connection: {code} {text}")]
    Refused {
        /// AMQP's reply code.
        code: u16,
        /// The broker's text.
        text: String,
    },
    /// The broker offers none of the wanted mechanisms.
    #[error("the broker offers only {offered}; set ConnectOptions::mechanisms to one of these")]
    Mechanism {
        /// What it offers.
        offered: String,
    },
    /// What answered does not speak AMQP 0-9-1.
    #[error("handshake failed: {0}")]
    Handshake(String),
    /// Not connected in time.
    #[error("not connected within {0:?}; raise ConnectOptions::connect_timeout or check the address")]
    Timeout(Duration),
    /// None of several addresses led to a connection; each is named, with what its last attempt failed with.
    #[error("none of {} addresses led to a connection: {}", .tried.len(), list(.tried))]
    NoBroker {
        /// In the order in which they were tried. One that a name was resolved to stands behind the name, in brackets.
        tried: Vec<Tried>,
    },
    /// The connection was closed while it was being made.
    #[error("{0}")]
    Closed(Error),
}

/// An address that was tried in vain.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tried {
    /// Host and port.
    pub address: String,
    /// What its last attempt failed with.
    pub error: ConnectError,
}

fn list(tried: &[Tried]) -> String {
    let told = |Tried { address, error }: &Tried| match error {
        ConnectError::Unreachable { source, .. } => format!("{address}: {source}"),
        error => format!("{address}: {error}"),
    };
    tried.iter().map(told).collect::<Vec<_>>().join("; ")
}

impl ConnectError {
    /// Whether another attempt may succeed without anything being changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout(_) | Self::Handshake(_) => true,
            Self::Refused { code, .. } => !matches!(code, 403 | 530 | 402),
            Self::NoBroker { tried } => tried.iter().all(|tried| tried.error.is_transient()),
            _ => false,
        }
    }

    /// Itself; of several addresses, what ended the attempts: the error with which trying again cannot help, or else the last.
    #[must_use]
    pub fn decisive(&self) -> &Self {
        let Self::NoBroker { tried } = self else { return self };
        let last = tried.iter().rfind(|tried| !tried.error.is_transient()).or(tried.last());
        last.map_or(self, |tried| tried.error.decisive())
    }
}

/// Why a consumer's stream has no next delivery.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// The channel or the connection is closed for good.
    #[error("the consumer has ended: {0}")]
    Ended(#[from] Error),
}

/// Why a delivery could not be settled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StaleDelivery {
    /// It came over a channel that is gone. The broker delivers it again, marked as redelivered.
    #[error(
        "delivery {0} came before the channel was recovered; the broker delivers it again, nothing is to be done"
    )]
    Stale(
        /// The delivery tag.
        u64,
    ),
    /// The channel is closed.
    #[error("the channel of delivery {0} is closed; the broker has requeued it")]
    Closed(
        /// The delivery tag.
        u64,
    ),
}

impl From<std::convert::Infallible> for ConnectError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
