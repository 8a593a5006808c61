//! RabbitMQ's answers "no": a status and a body of `error` and `reason`.

use axum::http::StatusCode;
use leveret_broker::auth::AuthError;
use leveret_broker::refusal::Refusal;
use leveret_protocol::ReplyCode;
use serde_json::{Value, json};

/// A request that is not done.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// Status of the answer.
    pub(crate) status: StatusCode,
    error: &'static str,
    reason: Value,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, error: &'static str, reason: impl Into<Value>) -> Self {
        Self { status, error, reason: reason.into() }
    }

    /// There is no such object.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Object Not Found", "Not Found")
    }

    /// The same of an entity that a request needs besides the one of its path.
    pub(crate) fn missing_entity(reason: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", reason)
    }

    /// What was sent cannot be.
    pub(crate) fn bad_request(reason: impl Into<Value>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", reason)
    }

    /// The user may not do it. RabbitMQ answers this with 401, not 403.
    pub(crate) fn not_authorised(reason: impl Into<Value>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not_authorised", reason)
    }

    /// A key of the body that has to be there is not.
    pub(crate) fn missing(keys: &[&str]) -> Self {
        let keys: Vec<_> = keys.iter().map(|key| format!("{{key_missing,{key}}}")).collect();
        Self::bad_request(format!("[{}]", keys.join(",\n ")))
    }

    /// The body.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "error": self.error, "reason": self.reason })
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal.code() {
            ReplyCode::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", text),
            ReplyCode::AccessRefused => Self::not_authorised(text),
            ReplyCode::InternalError => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", text)
            }
            // RabbitMQ puts the number before it.
            ReplyCode::NotImplemented => Self::bad_request(format!("540 {text}")),
            // As RabbitMQ, whose reasons may end up in a page.
            _ if matches!(refusal, Refusal::Validation { .. }) => {
                Self::bad_request(text.replace('<', "&lt;").replace('>', "&gt;"))
            }
            _ => Self::bad_request(text),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::NoUser(_) => Self::not_found(),
            other => Self::bad_request(other.to_string()),
        }
    }
}
