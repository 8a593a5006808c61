//! What can go wrong with a request, in words that say what to do.

use super::Place;
use crate::failure::Failure;
use crate::output::printable;
use serde_json::Value;
use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

/// Why there is no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HttpError {
    /// No connection, or none that lasted until the answer.
    Unreachable {
        /// The address without user and password.
        at: String,
        /// What happened.
        why: String,
    },
    /// Nothing in time.
    Timeout {
        /// The address without user and password.
        at: String,
        /// The deadline.
        after: Duration,
    },
    /// A certificate that is not trusted or cannot be read.
    Tls(String),
    /// Something answered, and it was no JSON.
    NotJson {
        /// What was asked for.
        url: String,
    },
    /// The broker said no.
    Refused {
        /// HTTP's status code.
        status: u16,
        /// The broker's reason, or HTTP's.
        reason: String,
        /// Method and path.
        asked: String,
        /// Who asked.
        user: String,
    },
}

impl HttpError {
    pub(super) fn refused(place: &Place, method: &str, path: &str, status: u16, text: &[u8]) -> HttpError {
        let body: Value = serde_json::from_slice(text).unwrap_or_default();
        let words = |key: &str| body[key].as_str().map(str::to_owned);
        let reason = words("reason").or_else(|| words("error")).unwrap_or_else(|| {
            let status = ureq::http::StatusCode::from_u16(status).ok();
            status.and_then(|status| status.canonical_reason()).unwrap_or("no reason given").to_owned()
        });
        // RabbitMQ writes some reasons for a page.
        let reason =
            reason.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        let reason = printable(reason.trim());
        HttpError::Refused {
            status,
            reason,
            asked: format!("{method} /api/{path}"),
            user: place.user.clone(),
        }
    }

    pub(super) fn from_ureq(error: ureq::Error, place: &Place, after: Duration) -> HttpError {
        let at = place.root();
        match error {
            ureq::Error::Timeout(_) => HttpError::Timeout { at, after },
            ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                HttpError::Unreachable { at, why: "nothing listens there".into() }
            }
            ureq::Error::HostNotFound => {
                HttpError::Unreachable { at, why: "the host name is not known".into() }
            }
            ureq::Error::ConnectionFailed => {
                HttpError::Unreachable { at, why: "nothing listens there".into() }
            }
            ureq::Error::Rustls(error) => HttpError::Tls(format!("{at}: {error}")),
            ureq::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
                HttpError::Tls(format!("{at}: {error}"))
            }
            ureq::Error::BodyExceedsLimit(bytes) => {
                HttpError::Unreachable { at, why: format!("the answer is larger than {bytes} bytes") }
            }
            ureq::Error::Protocol(_) => HttpError::Unreachable {
                at,
                why: "something listens there that does not speak HTTP (AMQP's port is 5672, the HTTP API's 15672)".into(),
            },
            ureq::Error::Io(error) => HttpError::Unreachable { at, why: error.to_string() },
            error => HttpError::Unreachable { at, why: error.to_string() },
        }
    }

    /// HTTP's status code, when the broker said no.
    pub(crate) fn status(&self) -> Option<u16> {
        if let HttpError::Refused { status, .. } = self { Some(*status) } else { None }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpError::Unreachable { at, why } => write!(
                f,
                "cannot reach the HTTP API at {at}: {why}\n  Is the broker running? `leveret serve` starts one with the \
                 API on port 15672; RabbitMQ needs its plugin rabbitmq_management.\n  Another address: --http \
                 http://USER:PASSWORD@HOST:PORT, or LEVERET_HTTP"
            ),
            HttpError::Timeout { at, after } => write!(
                f,
                "no answer from {at} within {} s; is it the right port? --timeout gives it more time",
                after.as_secs_f64()
            ),
            HttpError::Tls(what) => write!(
                f,
                "TLS: {what}\n  A certificate of your own authority is trusted with --ca-file FILE (PEM)"
            ),
            HttpError::NotJson { url } => {
                write!(f, "{url} answered something else than JSON; is this the HTTP API of a broker?")
            }
            // RabbitMQ answers 401 to those who may not as well as to those it does not know.
            HttpError::Refused { status: 401, reason, user, .. } if is_about_login(reason) => write!(
                f,
                "login refused for user '{user}' (401: {reason})\n  Wrong user or password? Give them with --user and \
                 --password, in --http, or in LEVERET_USER and LEVERET_PASSWORD.\n  The user needs the tag management, \
                 policymaker, monitoring or administrator; guest may log in from the broker's own machine only."
            ),
            HttpError::Refused { status: status @ (401 | 403), reason, user, asked } => write!(
                f,
                "user '{user}' may not do this ({status}: {reason}; {asked})\n  `leveret users list` shows tags, \
                 `leveret permissions list` who may do what"
            ),
            HttpError::Refused { status, reason, asked, .. } => write!(f, "{reason} ({status} for {asked})"),
        }
    }
}

/// Whether it is the login that was refused, and not what was asked.
fn is_about_login(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    !["administrator", "monitor", "policymaker", "authorised", "authorized to", "access refused"]
        .iter()
        .any(|word| reason.contains(word))
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Failure {
        Failure::new(error.to_string())
    }
}
