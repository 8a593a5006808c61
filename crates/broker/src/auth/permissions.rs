//! Permissions: what an administrator grants.

use super::{Account, Auth, AuthError, Pattern, PatternError};
use crate::name::Name;
use crate::refusal::Permission;

/// What a user may do in one virtual host: three expressions that the names of entities must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// Entities the user may declare, delete and change.
    pub configure: Pattern,
    /// Entities the user may put messages into.
    pub write: Pattern,
    /// Entities the user may take messages from.
    pub read: Pattern,
}

impl Permissions {
    /// Compiles the three expressions. An empty one matches nothing, `.*` everything.
    ///
    /// # Errors
    /// One of them is not a regular expression.
    pub fn new(configure: &str, write: &str, read: &str) -> Result<Self, PatternError> {
        Ok(Self {
            configure: Pattern::new(configure)?,
            write: Pattern::new(write)?,
            read: Pattern::new(read)?,
        })
    }

    /// Everything.
    pub fn all() -> Self {
        let everything = Pattern::everything();
        Self { configure: everything.clone(), write: everything.clone(), read: everything }
    }

    /// The expression for one kind of access.
    pub fn get(&self, permission: Permission) -> &Pattern {
        match permission {
            Permission::Configure => &self.configure,
            Permission::Write => &self.write,
            Permission::Read => &self.read,
        }
    }
}

/// Which routing keys a user may publish with and bind with on one topic exchange. They apply on top of
/// [`Permissions`]; a user without topic permissions for an exchange may use every key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPermissions {
    /// Routing keys the user may publish with.
    pub write: Pattern,
    /// Binding keys the user may bind and unbind with.
    pub read: Pattern,
}

/// A user's permissions in a virtual host, for listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPermissions {
    /// The user.
    pub user: Name,
    /// The virtual host.
    pub vhost: Name,
    /// What is granted there.
    pub permissions: Permissions,
}

/// A user's topic permissions on an exchange, for listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserTopicPermissions {
    /// The user.
    pub user: Name,
    /// The virtual host.
    pub vhost: Name,
    /// The topic exchange.
    pub exchange: Name,
    /// What is granted there.
    pub permissions: TopicPermissions,
}

impl Auth {
    /// Grants `permissions` in a virtual host, in place of those the user had there. Even empty ones allow
    /// connecting to it. Whether the virtual host exists is the caller's to check.
    ///
    /// # Errors
    /// [`AuthError::NoUser`].
    pub fn set_permissions(
        &self,
        user: &str,
        vhost: &str,
        permissions: Permissions,
    ) -> Result<(), AuthError> {
        let granted = permissions.clone();
        self.change_account(user, |account| {
            account.permissions.insert(vhost.into(), permissions);
        })?;
        let Permissions { configure, write, read, .. } = &granted;
        let fields = [("configure", configure.as_str()), ("write", write.as_str()), ("read", read.as_str())];
        self.emit_granted("permission.created", user, vhost, &fields);
        Ok(())
    }

    /// Takes a user's permissions in a virtual host away; fine when there are none. Topic permissions stay.
    ///
    /// # Errors
    /// [`AuthError::NoUser`].
    pub fn clear_permissions(&self, user: &str, vhost: &str) -> Result<(), AuthError> {
        self.change_account(user, |account| {
            account.permissions.remove(vhost);
        })
        .map(|()| self.emit_permission("permission.deleted", user, vhost))
    }

    /// Restricts the routing keys a user may use on a topic exchange, in place of earlier restrictions. In the
    /// expressions `{username}` and `{vhost}` stand for the user's name and the virtual host.
    ///
    /// # Errors
    /// [`AuthError::NoUser`]; [`AuthError::Pattern`] when an expression cannot be compiled.
    pub fn set_topic_permissions(
        &self,
        user: &str,
        vhost: &str,
        exchange: &str,
        write: &str,
        read: &str,
    ) -> Result<(), AuthError> {
        let values = [("username", user), ("vhost", vhost)];
        let write = Pattern::with_values(write, &values)?;
        let read = Pattern::with_values(read, &values)?;
        let granted = [("exchange", exchange), ("write", write.as_str()), ("read", read.as_str())];
        let granted = granted.map(|(name, text)| (name, text.to_owned()));
        self.change_account(user, |account| {
            let exchanges = account.topic_permissions.entry(vhost.into()).or_default();
            exchanges.insert(exchange.into(), TopicPermissions { write, read });
        })?;
        let fields = granted.each_ref().map(|(name, text)| (*name, text.as_str()));
        self.emit_granted("topic.permission.created", user, vhost, &fields);
        Ok(())
    }

    /// Lifts the restrictions on one topic exchange, or on all of a virtual host; fine when there are none.
    ///
    /// # Errors
    /// [`AuthError::NoUser`].
    pub fn clear_topic_permissions(
        &self,
        user: &str,
        vhost: &str,
        exchange: Option<&str>,
    ) -> Result<(), AuthError> {
        self.change_account(user, |account| match exchange {
            None => drop(account.topic_permissions.remove(vhost)),
            Some(exchange) => {
                if let Some(exchanges) = account.topic_permissions.get_mut(vhost) {
                    exchanges.remove(exchange);
                }
            }
        })
        .map(|()| self.emit_permission("topic.permission.deleted", user, vhost))
    }

    /// Forgets all permissions in a virtual host that is being deleted.
    pub fn forget_vhost(&self, vhost: &str) {
        let forgotten = self.change(|accounts| {
            for account in accounts.values_mut() {
                account.permissions.remove(vhost);
                account.topic_permissions.remove(vhost);
            }
            Ok::<_, std::convert::Infallible>(())
        });
        forgotten.unwrap_or_else(|never| match never {});
    }

    /// All permissions, by user and virtual host.
    pub fn permissions(&self) -> Vec<UserPermissions> {
        self.listed(|user, account| {
            let rows = account.permissions.iter().map(|(vhost, permissions)| UserPermissions {
                user: user.clone(),
                vhost: vhost.clone(),
                permissions: permissions.clone(),
            });
            rows.collect()
        })
    }

    /// All topic permissions, by user, virtual host and exchange.
    pub fn topic_permissions(&self) -> Vec<UserTopicPermissions> {
        self.listed(|user, account| {
            let all = account.topic_permissions.iter();
            let rows = all.flat_map(|(vhost, exchanges)| exchanges.iter().map(move |row| (vhost, row)));
            let rows = rows.map(|(vhost, (exchange, permissions))| UserTopicPermissions {
                user: user.clone(),
                vhost: vhost.clone(),
                exchange: exchange.clone(),
                permissions: permissions.clone(),
            });
            rows.collect()
        })
    }

    fn listed<T>(&self, rows: impl Fn(&Name, &Account) -> Vec<T>) -> Vec<T> {
        let accounts = self.read();
        let mut users: Vec<_> = accounts.iter().collect();
        users.sort_by_key(|(user, _)| *user);
        users.into_iter().flat_map(|(user, account)| rows(user, account)).collect()
    }
}
