//! Who may connect, and who may do what: users, permissions, topic permissions and the SASL mechanisms.
//!
//! [`Auth`] is the one object that knows. Connections ask it; the management API and definitions files change
//! it. Every change moves [`Auth::epoch`], so a connection may remember answers for as long as the epoch stays.
//! Nothing here sees a socket, a clock or a log: a refusal carries the words for the log and those for the
//! peer, and whoever owns the connection uses both.
//!
//! | file | reason to change |
//! |---|---|
//! | `peer`, `sasl`, `login` | how a peer proves who it is |
//! | `access`, `limits` | what a user may do, and how much |
//! | `users`, `permissions` | how an administrator changes that |
//! | `events` | what is told of it |
//! | `password`, `pattern`, `dialect` | how secrets and regular expressions are read |

mod access;
mod dialect;
mod events;
mod limits;
mod login;
mod password;
mod pattern;
mod peer;
mod permissions;
mod sasl;
mod users;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{RwLock, RwLockReadGuard};

pub use limits::UserLimits;
pub use login::{AuthRefusal, AuthStep, LoginProblem, SILENT_CLOSE_DELAY_MS};
pub use password::{HashingAlgorithm, NotBase64, PasswordHash};
pub use pattern::{Pattern, PatternError};
pub use peer::{CertificateLogin, PeerCertificate, PeerInfo, PeerTls};
pub use permissions::{Permissions, TopicPermissions, UserPermissions, UserTopicPermissions};
pub use sasl::Mechanism;
pub use users::{User, UserRecord};

use crate::events::Events;
use crate::name::Name;

/// What stays the same while the broker runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthSettings {
    /// SASL mechanisms in the order in which `connection.start` offers them (RabbitMQ's `auth_mechanisms`).
    /// EXTERNAL is offered on TLS connections only, ANONYMOUS only with an
    /// [`anonymous_user`](Self::anonymous_user).
    pub mechanisms: Vec<Mechanism>,
    /// Users who may connect from this machine only (RabbitMQ's `loopback_users`).
    pub loopback_users: Vec<Name>,
    /// Who a client is that logs in with ANONYMOUS (RabbitMQ's `anonymous_login_user`).
    pub anonymous_user: Option<Name>,
    /// Which part of a client's certificate is its user name (RabbitMQ's `ssl_cert_login_from`).
    pub certificate_login: CertificateLogin,
}

impl Default for AuthSettings {
    /// AMQPLAIN and PLAIN; `guest` from this machine only; nobody anonymous; distinguished names.
    fn default() -> Self {
        Self {
            mechanisms: vec![Mechanism::Amqplain, Mechanism::Plain],
            loopback_users: vec!["guest".into()],
            anonymous_user: None,
            certificate_login: CertificateLogin::default(),
        }
    }
}

/// Users and what they may do. Shared by all connections; a lock inside is held for a look-up or a change,
/// never longer.
#[derive(Debug, Default)]
pub struct Auth {
    settings: AuthSettings,
    accounts: RwLock<Accounts>,
    epoch: AtomicU64,
    /// Who is told of changes.
    events: OnceLock<Arc<Events>>,
}

type Accounts = HashMap<Name, Account>;

/// Everything known about one user.
#[derive(Debug, Clone, Default)]
struct Account {
    tags: Vec<Name>,
    password: PasswordHash,
    limits: UserLimits,
    /// By virtual host. Who has an entry, however empty, may open the virtual host.
    permissions: BTreeMap<Name, Permissions>,
    /// By virtual host, then topic exchange.
    topic_permissions: BTreeMap<Name, BTreeMap<Name, TopicPermissions>>,
}

impl Auth {
    /// A broker's access control without users.
    pub fn new(settings: AuthSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// What it was made with.
    pub fn settings(&self) -> &AuthSettings {
        &self.settings
    }

    /// A number that changes with every change of users or permissions.
    ///
    /// Read it *before* asking a question: an answer remembered with that number is valid while the number
    /// stays the same.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn read(&self) -> RwLockReadGuard<'_, Accounts> {
        self.accounts.read()
    }

    /// Changes the accounts, and the epoch if `change` succeeds, while nobody reads.
    fn change<T, E>(&self, change: impl FnOnce(&mut Accounts) -> Result<T, E>) -> Result<T, E> {
        let mut accounts = self.accounts.write();
        let changed = change(&mut accounts)?;
        self.epoch.fetch_add(1, Ordering::Release);
        Ok(changed)
    }
}

/// An administrator's change was not possible; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The user does not exist.
    #[error("user '{0}' does not exist")]
    NoUser(Name),
    /// A user of that name exists already.
    #[error("user '{0}' already exists")]
    UserExists(Name),
    /// A permission is not a regular expression.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}
