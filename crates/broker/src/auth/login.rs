//! Logging in.

use leveret_protocol::ReplyCode;

use super::sasl::{self, Credentials};
use super::{Auth, Mechanism, PasswordHash, PeerInfo, PeerTls, User};
use crate::name::Name;

/// How long RabbitMQ waits in silence before it drops a peer that failed to log in, in milliseconds: it makes
/// guessing passwords slow.
pub const SILENT_CLOSE_DELAY_MS: u64 = 3_000;

/// What became of a response to `connection.start`. No mechanism offered here needs `connection.secure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthStep {
    /// The peer is this user; go on with `connection.tune`.
    Accepted(User),
    /// It is not.
    Refused(AuthRefusal),
}

/// Why a user may not log in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginProblem {
    /// There is no such user, or the password is another one.
    #[error("user '{0}' - invalid credentials")]
    InvalidCredentials(Name),
    /// Nobody logs in with a blank password.
    #[error(
        "user '{0}' attempted to log in with a blank password, which is prohibited. To log in with a TLS \
         certificate, use the EXTERNAL mechanism; otherwise give the user a password"
    )]
    BlankPassword(Name),
    /// One of the configured `loopback_users` came from another machine.
    #[error("user '{0}' can only connect via localhost")]
    NotLoopback(Name),
}

impl LoginProblem {
    /// The name that was given.
    pub fn user(&self) -> &Name {
        match self {
            Self::InvalidCredentials(user) | Self::BlankPassword(user) | Self::NotLoopback(user) => user,
        }
    }
}

/// A peer failed to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthRefusal {
    code: ReplyCode,
    user: Option<Name>,
    log_text: String,
    close_text: Option<String>,
}

impl AuthRefusal {
    fn refused(mechanism: Mechanism, reason: impl std::fmt::Display) -> Self {
        Self {
            code: ReplyCode::AccessRefused,
            user: None,
            log_text: format!("{mechanism} login refused: {reason}"),
            close_text: Some(format!(
                "Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
            )),
        }
    }

    fn silent(code: ReplyCode, log_text: String) -> Self {
        Self { code, user: None, log_text, close_text: None }
    }

    /// What AMQP calls it: 403 for a refused login, 502 for a response that makes no sense, 503 for a mechanism that
    /// was not offered.
    pub fn code(&self) -> ReplyCode {
        self.code
    }

    /// Who the peer said it was, as far as it did.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// For the broker's log, with the reason; it never holds a password.
    pub fn log_text(&self) -> &str {
        &self.log_text
    }

    /// What the peer may be told in `connection.close`, without the reason, if it announced the capability
    /// `authentication_failure_close`. `None`, or no such capability: it is told nothing. Either way the socket is
    /// closed [`SILENT_CLOSE_DELAY_MS`] later, as RabbitMQ does.
    pub fn close_text(&self) -> Option<&str> {
        self.close_text.as_deref()
    }
}

impl Auth {
    /// The mechanisms to offer this peer in `connection.start`, separated by spaces.
    pub fn mechanisms(&self, peer: &PeerInfo) -> String {
        let offered = self.settings.mechanisms.iter().filter(|mechanism| self.offers(**mechanism, peer));
        offered.map(|mechanism| mechanism.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn offers(&self, mechanism: Mechanism, peer: &PeerInfo) -> bool {
        self.settings.mechanisms.contains(&mechanism)
            && match mechanism {
                Mechanism::Plain | Mechanism::Amqplain => true,
                // Also without a certificate: "refused" explains more than "not offered".
                Mechanism::External => peer.tls != PeerTls::Off,
                Mechanism::Anonymous => self.settings.anonymous_user.is_some(),
            }
    }

    /// Answers `connection.start-ok`.
    pub fn authenticate(&self, mechanism: &str, response: &[u8], peer: &PeerInfo) -> AuthStep {
        match self.log_in(mechanism, response, peer) {
            Ok(user) => AuthStep::Accepted(user),
            Err(refusal) => AuthStep::Refused(refusal),
        }
    }

    fn log_in(&self, mechanism: &str, response: &[u8], peer: &PeerInfo) -> Result<User, AuthRefusal> {
        let wrong = |kind| {
            let text = format!("{kind} authentication mechanism '{}'", mechanism.escape_debug());
            AuthRefusal::silent(ReplyCode::CommandInvalid, text)
        };
        let malformed =
            |fault: sasl::Malformed| AuthRefusal::silent(ReplyCode::SyntaxError, fault.to_string());
        let mechanism = Mechanism::from_name(mechanism).ok_or_else(|| wrong("unknown"))?;
        if !self.offers(mechanism, peer) {
            return Err(wrong("invalid"));
        }
        if peer.trusted {
            return Ok(User::internal());
        }
        let user = match mechanism {
            Mechanism::Plain => self.by_password(&sasl::plain(response).map_err(malformed)?),
            Mechanism::Amqplain => self.by_password(&sasl::amqplain(response).map_err(malformed)?),
            Mechanism::External => self.by_name(
                self.certificate_name(peer).map_err(|reason| AuthRefusal::refused(mechanism, reason))?,
            ),
            Mechanism::Anonymous => self.by_name(self.settings.anonymous_user.as_deref().unwrap_or_default()),
        };
        user.and_then(|user| self.check_loopback(user, peer)).map_err(|problem| {
            let refused = AuthRefusal::refused(mechanism, &problem);
            AuthRefusal { user: Some(problem.user().clone()), ..refused }
        })
    }

    /// Checks a user name and password from any door, and that the user may come from where `peer` is.
    ///
    /// # Errors
    /// The reason, for the log; a peer should be told only that it was refused.
    pub fn check_password(&self, user: &str, password: &[u8], peer: &PeerInfo) -> Result<User, LoginProblem> {
        let credentials = Credentials { user: user.into(), password: password.into() };
        self.by_password(&credentials).and_then(|user| self.check_loopback(user, peer))
    }

    fn by_password(&self, credentials: &Credentials) -> Result<User, LoginProblem> {
        let Credentials { user: name, password } = credentials;
        let shown = || Name::from(String::from_utf8_lossy(name));
        if password.is_empty() {
            return Err(LoginProblem::BlankPassword(shown()));
        }
        // The hash is computed outside the lock.
        let found = std::str::from_utf8(name).ok().and_then(|name| {
            let accounts = self.read();
            let account = accounts.get(name)?;
            Some((account.password.clone(), User::new(name, account)))
        });
        match found {
            Some((hash, user)) if hash.verify(password) => Ok(user),
            Some(_) => Err(LoginProblem::InvalidCredentials(shown())),
            None => {
                PasswordHash::verify_nobody(password);
                Err(LoginProblem::InvalidCredentials(shown()))
            }
        }
    }

    fn by_name(&self, name: &str) -> Result<User, LoginProblem> {
        let accounts = self.read();
        let account = accounts.get(name).ok_or_else(|| LoginProblem::InvalidCredentials(name.into()))?;
        Ok(User::new(name, account))
    }

    fn certificate_name<'a>(&self, peer: &'a PeerInfo) -> Result<&'a str, &'static str> {
        match &peer.tls {
            PeerTls::Off => Err("not a TLS-enabled connection"),
            PeerTls::NoCertificate => Err("connection peer presented no TLS (x.509) certificate"),
            PeerTls::Verified(certificate) => self
                .settings
                .certificate_login
                .name(certificate)
                .filter(|name| !name.is_empty())
                .ok_or("no name found"),
        }
    }

    fn check_loopback(&self, user: User, peer: &PeerInfo) -> Result<User, LoginProblem> {
        if peer.loopback || !self.settings.loopback_users.contains(user.name()) {
            Ok(user)
        } else {
            Err(LoginProblem::NotLoopback(user.name().clone()))
        }
    }
}

#[cfg(test)]
mod tests;
