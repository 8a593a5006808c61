//! The console's files, which a browser gets without a login: they know nothing of the broker. What they show they ask the API for.

use crate::guard;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;

/// Nothing from elsewhere, nothing inline, no frame around it, no form that the browser itself sends.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

struct File {
    path: &'static str,
    content_type: &'static str,
    tag: &'static str,
    bytes: &'static [u8],
}

/// Made by the build script from the folder `console`.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

/// Every file at its path, and the page itself at `/`.
pub(crate) fn router() -> Router {
    let mut router = Router::new();
    for file in FILES {
        let answer = get(move |headers: HeaderMap| async move { answer(file, &headers) });
        if file.path == "index.html" {
            router = router.route("/", answer.clone());
        }
        router = router.route(&format!("/{}", file.path), answer);
    }
    router
}

fn answer(file: &'static File, asked: &HeaderMap) -> Response {
    let known = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let is_known = known.is_some_and(|tags| {
        tags.split(',').map(str::trim).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == file.tag)
    });
    let mut response = match is_known {
        true => Response::new(Body::empty()),
        false => Response::new(Body::from(Bytes::from_static(file.bytes))),
    };
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    // Kept by the browser, and asked about each time: after an update nobody works with half of the old console.
    for (name, value) in [
        (header::CONTENT_TYPE, file.content_type),
        (header::ETAG, file.tag),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    guard::secure(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Request;
    use std::collections::HashSet;
    use tower::ServiceExt;

    async fn ask(path: &str, tag: Option<&str>) -> Response {
        let mut request = Request::builder().uri(path);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_page_and_its_files_are_there_and_bound_to_this_server() {
        for (path, kind) in
            [("/", "text/html"), ("/js/main.js", "text/javascript"), ("/icon.svg", "image/svg+xml")]
        {
            let response = ask(path, None).await;
            assert_eq!(response.status(), 200, "{path}");
            let headers = response.headers();
            assert!(headers["content-type"].to_str().unwrap().starts_with(kind), "{path}");
            assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none';"));
            assert_eq!(headers["x-frame-options"], "DENY");
        }
        assert_eq!(ask("/js/", None).await.status(), 404);
        assert_eq!(ask("/js/../Cargo.toml", None).await.status(), 404);
    }

    #[tokio::test]
    async fn what_the_browser_has_is_not_sent_again() {
        let tag = ask("/", None).await.headers()["etag"].to_str().unwrap().to_owned();
        for (known, status) in
            [(tag.as_str(), 304), (&format!("\"x\", W/{tag}"), 304), ("\"x\"", 200), ("*", 200)]
        {
            assert_eq!(ask("/", Some(known)).await.status(), status, "{known}");
        }
    }

    /// A file that no other names would be dead weight; a name without its file, a page that does not open.
    #[test]
    fn every_file_is_named_and_every_name_has_its_file() {
        let paths: HashSet<&str> = FILES.iter().map(|file| file.path).collect();
        let mut named = HashSet::from(["index.html".to_owned()]);
        for file in FILES {
            let text = std::str::from_utf8(file.bytes).unwrap();
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for part in text.split(['\'', '"']).filter(|part| !part.contains(['\n', ' ', '$'])) {
                let ends = [".js", ".css", ".svg"].iter().any(|ending| part.ends_with(ending));
                if ends && !part.contains("//") {
                    let path = resolve(if part.starts_with('.') { folder } else { "" }, part);
                    assert!(paths.contains(path.as_str()), "{} names {part}, which is not there", file.path);
                    named.insert(path);
                }
            }
        }
        let lost: Vec<&&str> = paths.iter().filter(|path| !named.contains(**path)).collect();
        assert!(lost.is_empty(), "nothing names {lost:?}");
    }

    fn resolve(folder: &str, name: &str) -> String {
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in name.split('/') {
            match part {
                "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        parts.join("/")
    }
}
