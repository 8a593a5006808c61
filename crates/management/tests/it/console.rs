//! The console's files.

use crate::support::Api;
use axum::body::Body;
use axum::http::{Request, StatusCode};

#[tokio::test]
async fn the_console_is_there_for_everybody() {
    let api = Api::start().by_nobody();
    let page = api.raw(Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("<script type=\"module\""), "{}", page.text);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    let script = api.raw(Request::get("/js/main.js").body(Body::empty()).unwrap()).await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    let none = api.raw(Request::get("/js/none.js").body(Body::empty()).unwrap()).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let api = Api::start().by_nobody();
    let first = api.raw(Request::get("/").body(Body::empty()).unwrap()).await;
    let tag = first.headers["etag"].clone();
    let again = Request::get("/").header("if-none-match", format!("\"x\", W/{}", tag.to_str().unwrap()));
    let again = api.raw(again.body(Body::empty()).unwrap()).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.headers["etag"], tag);
    let other = Request::get("/").header("if-none-match", "\"x\"").body(Body::empty()).unwrap();
    assert_eq!(api.raw(other).await.status, StatusCode::OK);
}
