//! Users: the handle a connection keeps, and what an administrator does to them.

use std::sync::Arc;

use super::{Account, Auth, AuthError, HashingAlgorithm, PasswordHash, Permissions, UserLimits};
use crate::name::Name;

/// An authenticated user, as it was when it logged in. Cheap to clone.
///
/// The handle says who acts. What that user may do is looked up in [`Auth`] each time, so permissions taken
/// away from a connected user are gone at once. The tags are those of the moment of login, as in RabbitMQ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User(Arc<Identity>);

#[derive(Debug, PartialEq, Eq)]
struct Identity {
    name: Name,
    tags: Box<[Name]>,
    is_internal: bool,
}

/// RabbitMQ's name of who its own connections act as.
const INTERNAL: &str = "none";

impl User {
    pub(super) fn new(name: &str, account: &Account) -> Self {
        Self(Arc::new(Identity {
            name: name.into(),
            tags: account.tags.as_slice().into(),
            is_internal: false,
        }))
    }

    /// The broker itself, for its own connections (shovels): it has no account, and may do everything.
    pub fn internal() -> Self {
        Self(Arc::new(Identity {
            name: INTERNAL.into(),
            tags: ["administrator".into()].into(),
            is_internal: true,
        }))
    }

    /// Whether it is the broker itself.
    pub(crate) fn is_internal(&self) -> bool {
        self.0.is_internal
    }

    /// The user's name.
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Its tags, such as `administrator`, `monitoring` or `impersonator`.
    pub fn tags(&self) -> &[Name] {
        &self.0.tags
    }

    /// Whether it has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.0.tags.iter().any(|found| **found == *tag)
    }
}

/// All that is stored about a user, without its permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The user's name.
    pub name: Name,
    /// Salted hash of its password.
    pub password: PasswordHash,
    /// Tags in the order in which they were given.
    pub tags: Vec<Name>,
    /// Its limits.
    pub limits: UserLimits,
}

impl Auth {
    /// Adds a user who has no permissions yet.
    ///
    /// # Errors
    /// [`AuthError::UserExists`].
    pub fn add_user(&self, record: UserRecord) -> Result<(), AuthError> {
        self.change(|accounts| {
            let UserRecord { name, password, tags, limits } = record;
            if accounts.contains_key(&name) {
                return Err(AuthError::UserExists(name));
            }
            accounts.insert(name.clone(), Account { tags, password, limits, ..Account::default() });
            Ok(name)
        })
        .map(|name| self.emit_user("user.created", &name))
    }

    /// Adds a user with the tag `administrator` and all permissions in `vhost`, as a fresh broker does with `guest`.
    ///
    /// # Errors
    /// [`AuthError::UserExists`].
    pub fn add_administrator(&self, name: &str, password: &[u8], vhost: &str) -> Result<(), AuthError> {
        let password = PasswordHash::new(HashingAlgorithm::default(), password);
        let (tags, limits) = (vec!["administrator".into()], UserLimits::default());
        self.add_user(UserRecord { name: name.into(), password, tags, limits })?;
        self.set_permissions(name, vhost, Permissions::all())
    }

    /// Adds a user, or replaces password, tags and limits of an existing one, whose permissions stay: what
    /// importing definitions does. Returns whether the user is new.
    pub fn put_user(&self, record: UserRecord) -> bool {
        let UserRecord { name, password, tags, limits } = record;
        let added = self.change(|accounts| {
            let added = !accounts.contains_key(&name);
            let account = accounts.entry(name.clone()).or_default();
            (account.tags, account.password, account.limits) = (tags, password, limits);
            Ok::<_, std::convert::Infallible>(added)
        });
        let added = added.unwrap_or_else(|never| match never {});
        match added {
            true => self.emit_user("user.created", &name),
            false => self.emit_user("user.password.changed", &name),
        }
        added
    }

    /// Deletes a user with all its permissions. Open connections keep their [`User`] but are refused everything;
    /// [`Broker::delete_user`](crate::Broker::delete_user) closes them.
    ///
    /// # Errors
    /// [`AuthError::NoUser`].
    pub fn delete_user(&self, name: &str) -> Result<(), AuthError> {
        self.change(|accounts| match accounts.remove(name) {
            Some(_) => Ok(()),
            None => Err(AuthError::NoUser(name.into())),
        })
        .map(|()| self.emit_user("user.deleted", name))
    }

    /// Replaces a user's password; [`PasswordHash::none`] takes it away.
    ///
    /// # Errors
    /// [`AuthError::NoUser`].
    pub fn set_password(&self, name: &str, password: PasswordHash) -> Result<(), AuthError> {
        self.change_account(name, |account| account.password = password)
            .map(|()| self.emit_user("user.password.changed", name))
    }

    /// Replaces a user's tags. Connections that are open keep those they logged in with.
    ///
    /// # Errors
    /// [`AuthError::NoUser`].
    pub fn set_tags(&self, name: &str, tags: Vec<Name>) -> Result<(), AuthError> {
        self.change_account(name, |account| account.tags = tags)
            .map(|()| self.emit_user("user.tags.set", name))
    }

    /// Replaces a user's limits.
    ///
    /// # Errors
    /// [`AuthError::NoUser`].
    pub fn set_limits(&self, name: &str, limits: UserLimits) -> Result<(), AuthError> {
        self.change_account(name, |account| account.limits = limits)
            .map(|()| self.emit_user("user.limits.set", name))
    }

    /// What is stored about a user.
    pub fn user(&self, name: &str) -> Option<UserRecord> {
        self.read().get_key_value(name).map(record)
    }

    /// All users, by name.
    pub fn users(&self) -> Vec<UserRecord> {
        let mut users: Vec<_> = self.read().iter().map(record).collect();
        users.sort_by(|one, other| one.name.cmp(&other.name));
        users
    }

    pub(super) fn change_account<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Account) -> T,
    ) -> Result<T, AuthError> {
        self.change(|accounts| match accounts.get_mut(name) {
            Some(account) => Ok(change(account)),
            None => Err(AuthError::NoUser(name.into())),
        })
    }
}

fn record((name, account): (&Name, &Account)) -> UserRecord {
    UserRecord {
        name: name.clone(),
        password: account.password.clone(),
        tags: account.tags.clone(),
        limits: account.limits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joe(password: &[u8]) -> UserRecord {
        let password = PasswordHash::new(HashingAlgorithm::Sha256, password);
        UserRecord {
            name: "joe".into(),
            password,
            tags: vec!["monitoring".into()],
            limits: UserLimits::default(),
        }
    }

    #[test]
    fn every_change_moves_the_epoch_and_no_refused_one_does() {
        let auth = Auth::default();
        let moved = |change: &dyn Fn() -> bool| {
            let before = auth.epoch();
            (change(), auth.epoch() != before)
        };
        let all = || Permissions::new(".*", ".*", ".*").unwrap();
        assert_eq!(moved(&|| auth.set_tags("joe", vec![]).is_ok()), (false, false));
        assert_eq!(moved(&|| auth.add_user(joe(b"a")).is_ok()), (true, true));
        assert_eq!(moved(&|| auth.add_user(joe(b"b")).is_ok()), (false, false));
        assert_eq!(moved(&|| !auth.put_user(joe(b"b"))), (true, true));
        assert_eq!(moved(&|| auth.set_permissions("joe", "/", all()).is_ok()), (true, true));
        assert_eq!(moved(&|| auth.set_permissions("jim", "/", all()).is_ok()), (false, false));
        assert_eq!(moved(&|| auth.set_limits("joe", UserLimits::default()).is_ok()), (true, true));
        assert_eq!(moved(&|| auth.clear_permissions("joe", "/").is_ok()), (true, true));
        assert_eq!(moved(&|| auth.delete_user("joe").is_ok()), (true, true));
        assert_eq!(moved(&|| auth.delete_user("joe").is_ok()), (false, false));
    }

    #[test]
    fn putting_a_user_keeps_its_permissions() {
        let auth = Auth::default();
        assert!(auth.put_user(joe(b"a")));
        auth.set_permissions("joe", "/", Permissions::new("", "", "").unwrap()).unwrap();
        let mut changed = joe(b"b");
        changed.tags.clear();
        assert!(!auth.put_user(changed));
        assert_eq!(auth.permissions().len(), 1);
        let stored = auth.user("joe").unwrap();
        assert!(stored.tags.is_empty() && stored.password.verify(b"b"));
        assert_eq!(auth.users(), [stored]);
    }

    #[test]
    fn debug_output_shows_no_password() {
        let auth = Auth::default();
        auth.add_user(joe(b"secret")).unwrap();
        let hash = auth.user("joe").unwrap().password.to_base64();
        let shown = format!("{auth:?}");
        assert!(shown.contains("joe") && !shown.contains("secret") && !shown.contains(&hash), "{shown}");
    }
}
