//! Who may ask.

use crate::support::Api;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use futures_core::Stream;
use leveret_management::Options;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

#[tokio::test]
async fn nobody_is_told_anything_without_a_login() {
    let api = Api::start();
    for path in ["/api/overview", "/api/queues", "/api/nosuch", "/api/leveret/openapi.json", "/nosuch"] {
        let answered = api.by_nobody().ask(&format!("GET {path}"), "").await;
        assert_eq!(answered.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answered.body, serde_json::Value::Null, "{path}");
        assert!(answered.headers["www-authenticate"].to_str().unwrap().starts_with("Basic realm="), "{path}");
    }
    let wrong = api.by("guest", "wrong").ask("GET /api/whoami", "").await;
    assert_eq!(wrong.body.to_string(), r#"{"error":"not_authorized","reason":"Login failed"}"#);
    assert_eq!(api.ask("GET /api/nosuch", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_tag_is_needed() {
    let api = Api::start();
    let joe = api.add("joe", "dev");
    joe.dialogue(&[("GET /api/whoami", "", 401, "Not management user")]).await;
    let ann = api.add("ann", "management");
    ann.dialogue(&[
        ("GET /api/whoami", "", 200, r#"{"name":"ann","tags":["management"]}"#),
        ("GET /api/queues/%2F", "", 401, "User not authorised to access virtual host"),
        ("PUT /api/queues/%2F/q", "{}", 401, "User not authorised to access virtual host"),
        ("GET /api/queues", "", 200, "[]"),
    ])
    .await;
    // Who monitors sees what it may not use.
    let eve = api.add("eve", "monitoring");
    eve.dialogue(&[
        ("GET /api/queues/%2F", "", 200, "[]"),
        ("PUT /api/queues/%2F/q", "{}", 401, "User not authorised to access virtual host"),
    ])
    .await;
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let api = Api::start();
    let request = Request::put("/api/queues/%2F/q").header("sec-fetch-site", "cross-site");
    let answered = api.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answered.status, StatusCode::FORBIDDEN);
    assert!(api.broker.vhost("/").unwrap().topology().queue("q").is_none());
    assert_eq!(answered.headers["x-frame-options"], "DENY");
    assert_eq!(answered.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn a_body_has_a_bound() {
    let mut options = Options::default();
    options.body_bytes_max = 10;
    let api = Api::with(options);
    api.dialogue(&[
        ("PUT /api/queues/%2F/q", r#"{"durable":true}"#, 413, "10 bytes at most"),
        ("PUT /api/queues/%2F/q", "{}", 201, ""),
    ])
    .await;
}

#[tokio::test]
async fn a_method_that_is_not_there_is_405() {
    let api = Api::start();
    let answered = api.ask("POST /api/queues", "").await;
    assert_eq!(answered.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answered.headers["allow"], "GET, HEAD, OPTIONS");
}

#[tokio::test]
async fn logins_are_counted() {
    let api = Api::start();
    api.by("guest", "wrong").ask("GET /api/whoami", "").await;
    let node = api.broker.config().node_name.clone();
    let counted = api.get(&format!("/api/auth/attempts/{node}")).await;
    let http =
        r#"{"auth_attempts":2,"auth_attempts_failed":1,"auth_attempts_succeeded":1,"protocol":"http"}"#;
    assert_eq!(counted[0].to_string(), http);
}

/// A body of one piece, and whether it was read to its end.
struct Watched {
    piece: Option<Bytes>,
    is_read: Arc<AtomicBool>,
}

impl Stream for Watched {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = self.piece.take();
        self.is_read.store(piece.is_none(), Ordering::Relaxed);
        Poll::Ready(piece.map(Ok))
    }
}

/// Clients that log in only when they are asked to sent a body to a connection that was closed: nobody had read it. (pyrabbit's
/// `create_user`, on a connection that it had used before.)
#[tokio::test]
async fn what_a_refused_request_brings_is_read() {
    let api = Api::start();
    let refusals = [
        (api.by_nobody(), "/api/users/eve", 401),
        (api.by_nobody(), "/api/nosuch", 401),
        (api.add("ann", "management"), "/api/users/eve", 401),
        (api.by("guest", "guest"), "/api/queues/none/q", 404),
    ];
    for (who, path, status) in refusals {
        let is_read = Arc::new(AtomicBool::new(false));
        let body = Watched { piece: Some(Bytes::from_static(b"{}")), is_read: is_read.clone() };
        let request = Request::put(path).body(Body::from_stream(body)).unwrap();
        assert_eq!(who.raw(request).await.status.as_u16(), status, "{path}");
        assert!(is_read.load(Ordering::Relaxed), "{path}");
    }
}
