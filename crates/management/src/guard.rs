//! What browsers must not be made to do: changes that another site asks for, frames, guesses at types.

use crate::error::ApiError;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Refuses changes that a page of another site sends with the user's password, which browsers remember for Basic authentication.
///
/// # Errors
/// 403.
pub(crate) fn check_site(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let crosses = match text("sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => match (text("origin"), text("host")) {
            (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, of)| of != host),
            (Some(_), None) => true,
            (None, _) => false,
        },
    };
    match crosses {
        false => Ok(()),
        true => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "A page of another site may not change anything here",
        )),
    }
}

/// Says in every answer what a browser may do with it.
pub(crate) fn secure(headers: &mut HeaderMap) {
    let all = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in all {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sites_change_nothing() {
        type Headers<'h> = &'h [(&'static str, &'static str)];
        let table: [(&str, Headers<'_>, bool); 8] = [
            ("PUT", &[], true),
            ("PUT", &[("sec-fetch-site", "same-origin")], true),
            ("PUT", &[("sec-fetch-site", "cross-site")], false),
            ("PUT", &[("sec-fetch-site", "same-site")], false),
            ("GET", &[("sec-fetch-site", "cross-site")], true),
            ("POST", &[("origin", "http://a:15672"), ("host", "a:15672")], true),
            ("POST", &[("origin", "http://b"), ("host", "a:15672")], false),
            ("DELETE", &[("origin", "null"), ("host", "a")], false),
        ];
        for (method, pairs, passes) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let method = method.parse().unwrap();
            assert_eq!(check_site(&method, &headers).is_ok(), passes, "{method} {pairs:?}");
        }
    }
}
