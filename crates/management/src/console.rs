//! The console's files, which the binary carries. Everybody gets them: they say nothing of this broker, which is asked through the API with a
//! login. Browsers keep them and ask each time whether they are still the same.

use crate::guard;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;

/// What a page of the console may do: run its own scripts and talk to its own server. Nothing from elsewhere, nothing written into the page,
/// no frame around it. (`blob:` and `data:` are for pictures of what is in a message.)
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
                      manifest-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

struct File {
    path: &'static str,
    etag: &'static str,
    bytes: &'static [u8],
}

const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// A route for each file, and `/` for the page.
pub(crate) fn router() -> Router {
    FILES.iter().fold(Router::new(), |router, file| {
        let serve = move |headers: HeaderMap| async move { answer(file, &headers) };
        match file.path {
            "index.html" => router.route("/", get(serve)).route("/index.html", get(serve)),
            path => router.route(&format!("/{path}"), get(serve)),
        }
    })
}

fn answer(file: &'static File, headers: &HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let is_known = known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == file.etag);
    let mut response = match is_known {
        true => Response::new(Body::empty()),
        false => Response::new(Body::from(file.bytes)),
    };
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let all = [
        (header::CONTENT_TYPE, kind(file.path)),
        (header::ETAG, file.etag),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    for (name, value) in all {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    guard::secure(response.headers_mut());
    response
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "webmanifest" => "application/manifest+json",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_type_that_browsers_take() {
        for file in FILES {
            assert_ne!(kind(file.path), "application/octet-stream", "{}", file.path);
        }
    }
}
