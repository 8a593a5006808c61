//! Between definitions and access control.

use std::collections::HashSet;

use super::{
    Definitions, DefinitionsError, OtherKeys, PermissionDefinition, TopicPermissionDefinition, UserDefinition,
};
use crate::auth::{Auth, PatternError, Permissions, UserRecord};

impl Definitions {
    /// Adds or changes the document's users, permissions and topic permissions; users and permissions it does not
    /// mention stay. Whether the virtual hosts exist is the caller's to check.
    ///
    /// # Errors
    /// Names the first bad element. Users and expressions are looked at before anything is changed.
    pub fn apply_access(&self, auth: &Auth) -> Result<(), DefinitionsError> {
        let users: Vec<UserRecord> = (self.users.iter().enumerate())
            .map(|(index, user)| user.to_record(self.version(), &format!("users[{index}]")))
            .collect::<Result<_, _>>()?;
        let new: HashSet<&str> = users.iter().map(|user| &*user.name).collect();
        let known = |name: &str| new.contains(name) || auth.user(name).is_some();
        let user_known = |path: String, user: &str| match known(user) {
            true => Ok(()),
            false => {
                Err(DefinitionsError::new(format!("{path}.user"), format!("user '{user}' does not exist")))
            }
        };
        let mut permissions = Vec::with_capacity(self.permissions.len());
        for (index, granted) in self.permissions.iter().enumerate() {
            let path = format!("permissions[{index}]");
            let PermissionDefinition { user, configure, write, read, .. } = granted;
            let bad = |error: PatternError| DefinitionsError::new(&path, error);
            permissions.push(Permissions::new(configure, write, read).map_err(bad)?);
            user_known(path, user)?;
        }
        for (index, granted) in self.topic_permissions.iter().enumerate() {
            let path = format!("topic_permissions[{index}]");
            Permissions::new("", &granted.write, &granted.read)
                .map_err(|error| DefinitionsError::new(&path, error))?;
            user_known(path, &granted.user)?;
        }

        for user in users {
            auth.put_user(user);
        }
        for (granted, permissions) in self.permissions.iter().zip(permissions) {
            auth.set_permissions(&granted.user, &granted.vhost, permissions)
                .map_err(|error| DefinitionsError::new("permissions", error))?;
        }
        for TopicPermissionDefinition { user, vhost, exchange, write, read, .. } in &self.topic_permissions {
            auth.set_topic_permissions(user, vhost, exchange, write, read)
                .map_err(|error| DefinitionsError::new("topic_permissions", error))?;
        }
        Ok(())
    }

    /// Replaces the document's users, permissions and topic permissions by those of `auth`.
    pub fn take_access(&mut self, auth: &Auth) {
        self.users = auth.users().iter().map(UserDefinition::from_record).collect();
        self.permissions = (auth.permissions().into_iter())
            .map(|row| PermissionDefinition {
                user: row.user.to_string(),
                vhost: row.vhost.to_string(),
                configure: row.permissions.configure.to_string(),
                write: row.permissions.write.to_string(),
                read: row.permissions.read.to_string(),
                other: OtherKeys::new(),
            })
            .collect();
        self.topic_permissions = (auth.topic_permissions().into_iter())
            .map(|row| TopicPermissionDefinition {
                user: row.user.to_string(),
                vhost: row.vhost.to_string(),
                exchange: row.exchange.to_string(),
                write: row.permissions.write.to_string(),
                read: row.permissions.read.to_string(),
                other: OtherKeys::new(),
            })
            .collect();
    }
}
