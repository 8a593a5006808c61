//! What a handler answers.

use crate::error::ApiError;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

/// An answer that is not an error.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// 200 with JSON.
    Json(Value),
    /// Another status with JSON: failed health checks are 503 and not errors.
    Status(StatusCode, Value),
    /// 201 without a body.
    Created,
    /// 201 and where it is.
    CreatedAt(String),
    /// 204.
    NoContent,
    /// Whatever else.
    Whole(Box<Response>),
}

/// What handlers return.
pub(crate) type Answer = Result<Reply, ApiError>;

impl Reply {
    /// 201 for what is new, 204 for what was there.
    pub(crate) fn put(new: bool) -> Self {
        if new { Self::Created } else { Self::NoContent }
    }
}

/// As HTTP.
pub(crate) fn respond(answer: Answer) -> Response {
    match answer {
        Ok(Reply::Json(value)) => json(StatusCode::OK, &value),
        Ok(Reply::Status(status, value)) => json(status, &value),
        Ok(Reply::Created) => empty(StatusCode::CREATED),
        Ok(Reply::CreatedAt(location)) => {
            let mut response = empty(StatusCode::CREATED);
            if let Ok(location) = HeaderValue::from_str(&location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        Ok(Reply::NoContent) => empty(StatusCode::NO_CONTENT),
        Ok(Reply::Whole(response)) => *response,
        Err(error) => json(error.status, &error.to_json()),
    }
}

fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
