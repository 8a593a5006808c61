//! How much one user may open.

use super::{Auth, User};
use crate::refusal::Refusal;
use leveret_protocol::ReplyCode;

/// How much one user may open; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserLimits {
    /// Connections at the same time; 0 forbids connecting.
    pub connections_max: Option<u64>,
    /// Channels at the same time, over all its connections.
    pub channels_max: Option<u64>,
}

impl Auth {
    /// Whether `user`, who has `open` connections besides this one, may open it.
    ///
    /// # Errors
    /// 530 NOT_ALLOWED, in answer to `connection.open`.
    pub fn check_connection_limit(&self, user: &User, open: u64) -> Result<(), Refusal> {
        match self.limits(user).connections_max {
            Some(limit) if open >= limit => Err(Refusal::other(
                ReplyCode::NotAllowed,
                format!(
                    "connection refused for user '{}': user connection limit ({limit}) is reached",
                    user.name()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Whether `user`, who has `open` channels besides this one, may open it.
    ///
    /// # Errors
    /// 530 NOT_ALLOWED, which closes the connection.
    pub fn check_channel_limit(&self, user: &User, open: u64) -> Result<(), Refusal> {
        match self.limits(user).channels_max {
            Some(limit) if open >= limit => Err(Refusal::other(
                ReplyCode::NotAllowed,
                format!(
                    "number of channels opened for user '{}' has reached the maximum allowed user limit of ({limit})",
                    user.name()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Whether the number of the user's channels matters.
    pub(crate) fn has_channel_limit(&self, user: &User) -> bool {
        self.limits(user).channels_max.is_some()
    }

    fn limits(&self, user: &User) -> UserLimits {
        self.read().get(user.name()).map(|account| account.limits).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::PeerInfo;

    #[test]
    fn limits_count_what_is_open_already() {
        let auth = Auth::default();
        auth.add_administrator("u", b"pw", "/").unwrap();
        let user = auth.check_password("u", b"pw", &PeerInfo::in_process()).unwrap();
        let table = [(None, u64::MAX, true), (Some(2), 1, true), (Some(2), 2, false), (Some(0), 0, false)];
        for (limit, open, answer) in table {
            let limits = UserLimits { connections_max: limit, channels_max: limit };
            auth.set_limits("u", limits).unwrap();
            assert_eq!(auth.check_connection_limit(&user, open).is_ok(), answer, "{limit:?} {open}");
            assert_eq!(auth.check_channel_limit(&user, open).is_ok(), answer, "{limit:?} {open}");
        }
        let refusal = auth.check_connection_limit(&user, 0).unwrap_err();
        assert_eq!(refusal.code(), ReplyCode::NotAllowed);
        assert_eq!(
            refusal.to_string(),
            "connection refused for user 'u': user connection limit (0) is reached"
        );
        assert_eq!(
            auth.check_channel_limit(&user, 0).unwrap_err().to_string(),
            "number of channels opened for user 'u' has reached the maximum allowed user limit of (0)"
        );
    }
}
