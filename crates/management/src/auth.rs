//! Who asks: Basic authentication, RabbitMQ's tags, and patience with wrong passwords.

use crate::context::Context;
use crate::error::ApiError;
use crate::routes::Access;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use leveret_broker::auth::{PeerInfo, PeerTls, User};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;

/// Tags that let a user in.
pub(crate) const TAGS: [&str; 4] = ["administrator", "monitoring", "policymaker", "management"];
/// A minute, in milliseconds.
const WINDOW_MS: u64 = 60_000;
/// Addresses that are remembered.
const ADDRESSES_MAX: usize = 10_000;

/// Whether the user has one of the tags.
pub(crate) fn has_any(user: &User, tags: &[&str]) -> bool {
    tags.iter().any(|tag| user.has_tag(tag))
}

/// Whether the user may see what is not its own.
pub(crate) fn is_monitor(user: &User) -> bool {
    has_any(user, &["administrator", "monitoring"])
}

/// Whether the user may set policies and parameters.
pub(crate) fn is_policymaker(user: &User) -> bool {
    has_any(user, &["administrator", "policymaker"])
}

/// The user that a request names.
///
/// # Errors
/// 401 without a body if nobody is named, as browsers want it; 401 with one for a wrong name or password; 429 after too many of them.
pub(crate) fn log_in(
    context: &Context,
    headers: &HeaderMap,
    address: Option<IpAddr>,
    is_tls: bool,
) -> Result<User, LoginError> {
    let credentials = headers.get(header::AUTHORIZATION).and_then(|value| basic(value.to_str().ok()?));
    let Some((name, password)) = credentials else { return Err(LoginError::NotNamed) };
    let now_ms = context.broker.clock().now_ms();
    if context.failed_logins.is_tired_of(address, now_ms) {
        return Err(LoginError::Other(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many failed logins from this address: try again in a minute",
        )));
    }
    let peer = match address {
        Some(address) => PeerInfo::at(address, if is_tls { PeerTls::NoCertificate } else { PeerTls::Off }),
        None => PeerInfo::in_process(),
    };
    let checked = context.broker.auth().check_password(&name, &password, &peer);
    context.logins[usize::from(checked.is_err())].fetch_add(1, Ordering::Relaxed);
    checked.map_err(|problem| {
        context.failed_logins.note(address, now_ms);
        tracing::warn!(%problem, "HTTP API: login refused");
        LoginError::Other(ApiError::new(StatusCode::UNAUTHORIZED, "not_authorized", "Login failed"))
    })
}

/// Why nobody is logged in.
#[derive(Debug)]
pub(crate) enum LoginError {
    /// The request names nobody.
    NotNamed,
    /// Whom it names is refused.
    Other(ApiError),
}

fn basic(header: &str) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8(decoded[..colon].to_vec()).ok()?;
    Some((name, decoded[colon + 1..].to_vec()))
}

/// Whether the user may use a route; `vhost` is the one of its path, if it is there.
///
/// # Errors
/// 401 with RabbitMQ's words.
pub(crate) fn check(
    context: &Context,
    user: &User,
    access: Access,
    vhost: Option<&str>,
) -> Result<(), ApiError> {
    let refuse = |reason: &str| Err(ApiError::not_authorised(reason));
    if !has_any(user, &TAGS) {
        return refuse("Not management user");
    }
    let may_enter =
        || vhost.is_none_or(|vhost| context.broker.auth().check_vhost_access(user, vhost).is_ok());
    let no_entry = "User not authorised to access virtual host";
    match access {
        Access::Anyone | Access::Management => Ok(()),
        Access::Policymaker if is_policymaker(user) => Ok(()),
        Access::VhostPolicymaker if is_policymaker(user) && may_enter() => Ok(()),
        Access::Policymaker | Access::VhostPolicymaker => refuse("User not authorised to access object"),
        Access::Monitor if is_monitor(user) => Ok(()),
        Access::Monitor => refuse("Not monitor user"),
        Access::Administrator if user.has_tag("administrator") => Ok(()),
        Access::Administrator => refuse("Not administrator user"),
        Access::Vhost if may_enter() => Ok(()),
        Access::VhostVisible if is_monitor(user) || may_enter() => Ok(()),
        Access::Vhost | Access::VhostVisible => refuse(no_entry),
    }
}

/// Failed logins by address, in windows of a minute.
#[derive(Debug)]
pub(crate) struct FailedLogins {
    max: u32,
    /// Since when in this window, and how many.
    counts: Mutex<HashMap<IpAddr, (u64, u32)>>,
}

impl FailedLogins {
    pub(crate) fn new(max: u32) -> Self {
        Self { max, counts: Mutex::default() }
    }

    fn is_tired_of(&self, address: Option<IpAddr>, now_ms: u64) -> bool {
        let Some(address) = address else { return false };
        let counts = self.counts.lock();
        counts
            .get(&address)
            .is_some_and(|(since, count)| now_ms.saturating_sub(*since) < WINDOW_MS && *count >= self.max)
    }

    fn note(&self, address: Option<IpAddr>, now_ms: u64) {
        let Some(address) = address else { return };
        let mut counts = self.counts.lock();
        if counts.len() >= ADDRESSES_MAX {
            counts.retain(|_, (since, _)| now_ms.saturating_sub(*since) < WINDOW_MS);
            if counts.len() >= ADDRESSES_MAX {
                return;
            }
        }
        let (since, count) = counts.entry(address).or_insert((now_ms, 0));
        if now_ms.saturating_sub(*since) >= WINDOW_MS {
            (*since, *count) = (now_ms, 0);
        }
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_have_colons() {
        let header = format!("Basic {}", BASE64_STANDARD.encode("joe:a:b"));
        assert_eq!(basic(&header), Some(("joe".into(), b"a:b".to_vec())));
        for bad in ["Basic !", "Bearer am9lOmE=", "Basic", "Basic am9l"] {
            assert_eq!(basic(bad), None, "{bad}");
        }
    }

    #[test]
    fn patience_ends_and_comes_back_after_a_minute() {
        let failed = FailedLogins::new(2);
        let address = Some(IpAddr::from([10, 0, 0, 1]));
        failed.note(address, 0);
        assert!(!failed.is_tired_of(address, 1));
        failed.note(address, 1);
        assert!(failed.is_tired_of(address, 2));
        assert!(!failed.is_tired_of(Some(IpAddr::from([10, 0, 0, 2])), 2));
        assert!(!failed.is_tired_of(address, WINDOW_MS));
    }
}
