//! A broker in memory, and requests to its API.

use axum::Router;
use axum::body::HttpBody as _;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use leveret_broker::Broker;
use leveret_management::{Management, Options};
use serde_json::Value;
use std::pin::Pin;
use tower::ServiceExt as _;

pub(crate) struct Api {
    pub(crate) broker: Broker,
    router: Router,
    user: Option<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) struct Raw {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Api {
    pub(crate) fn start() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let broker = Broker::in_memory();
        let router = Management::new(broker.clone(), options).router();
        Self { broker, router, user: Some(("guest".into(), "guest".into())) }
    }

    /// The same, asked by somebody else.
    pub(crate) fn by(&self, name: &str, password: &str) -> Self {
        let user = Some((name.into(), password.into()));
        Self { broker: self.broker.clone(), router: self.router.clone(), user }
    }

    pub(crate) fn by_nobody(&self) -> Self {
        Self { user: None, ..self.by("", "") }
    }

    /// Adds a user with a tag, who asks with the password `p`.
    pub(crate) fn add(&self, name: &str, tag: &str) -> Self {
        let auth = self.broker.auth();
        auth.add_administrator(name, b"p", "/").unwrap();
        auth.clear_permissions(name, "/").unwrap();
        auth.set_tags(name, vec![tag.into()]).unwrap();
        self.by(name, "p")
    }

    /// As [`raw`](Self::raw), with a body of JSON.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answered {
        let Raw { status, headers, text } = self.raw(request).await;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answered { status, headers, body }
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Raw {
        let (mut parts, body) = request.into_parts();
        if let Some((name, password)) = &self.user {
            let header = format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")));
            parts.headers.insert("authorization", header.parse().unwrap());
        }
        let response = self.router.clone().oneshot(Request::from_parts(parts, body)).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Raw { status: parts.status, headers: parts.headers, text }
    }

    /// `GET /api/overview` with a body, or none for an empty one.
    pub(crate) async fn ask(&self, what: &str, body: &str) -> Answered {
        let (method, path) = what.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        self.send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answered = self.ask(&format!("GET {path}"), "").await;
        assert_eq!(answered.status, StatusCode::OK, "{path}: {}", answered.body);
        answered.body
    }

    /// Requests in order: what, body, status, and what the answer has to contain (as text, nothing for no matter what).
    pub(crate) async fn dialogue(&self, table: &[(&str, &str, u16, &str)]) {
        for (what, body, status, expected) in table {
            let answered = self.ask(what, body).await;
            let text = answered.body.to_string();
            assert_eq!(answered.status.as_u16(), *status, "{what} {body}: {text}");
            assert!(text.contains(expected), "{what} {body}: {expected:?} is not in {text}");
        }
    }

    /// Opens an event stream.
    pub(crate) async fn listen(&self, path: &str) -> Events {
        let mut request = Request::get(path);
        if let Some((name, password)) = &self.user {
            let header = format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")));
            request = request.header("authorization", header);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { body: response.into_body(), text: String::new() }
    }
}

/// An event stream.
pub(crate) struct Events {
    body: Body,
    text: String,
}

impl Events {
    /// Reads on to the next event of a kind, and gives its data.
    pub(crate) async fn until(&mut self, key: &str) -> String {
        let wanted = format!("event: {key}\ndata: ");
        let read = async {
            loop {
                if let Some(at) = self.text.find(&wanted)
                    && let Some(end) = self.text[at..].find("\n\n")
                {
                    let data = self.text[at + wanted.len()..at + end].to_owned();
                    self.text.drain(..at + end);
                    return data;
                }
                let frame = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await;
                let bytes = frame.unwrap().unwrap().into_data().unwrap();
                self.text.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), read).await.unwrap()
    }
}
