//! What a user may do. Each check is a look-up and at most one expression; "yes" allocates nothing for ASCII names.

use super::{Auth, User};
use crate::name::ResourceKind;
use crate::refusal::{Permission, Refusal};
use leveret_protocol::ReplyCode;

/// What permissions call the default exchange, whose name is empty.
const DEFAULT_EXCHANGE: &str = "amq.default";
/// The tag that allows any `user-id` in messages (<https://www.rabbitmq.com/docs/validated-user-id>).
const IMPERSONATOR: &str = "impersonator";

impl Auth {
    /// Whether `user` may open `vhost`: it has permissions there, even empty ones. Whether the virtual host exists
    /// is asked before ([`Refusal::NoVhost`]).
    ///
    /// # Errors
    /// 530 NOT_ALLOWED, which closes the connection.
    pub fn check_vhost_access(&self, user: &User, vhost: &str) -> Result<(), Refusal> {
        let accounts = self.read();
        match accounts.get(user.name()) {
            _ if user.is_internal() => Ok(()),
            Some(account) if account.permissions.contains_key(vhost) => Ok(()),
            _ => Err(Refusal::other(
                ReplyCode::NotAllowed,
                format!("access to vhost '{vhost}' refused for user '{}'", user.name()),
            )),
        }
    }

    /// Whether `user` may access the queue or exchange called `name` (AMQP 0-9-1 leaves this to the server;
    /// which method needs what is in RabbitMQ's guide on access control). The default exchange's name is empty;
    /// expressions see it as `amq.default`.
    ///
    /// # Errors
    /// [`Refusal::AccessRefused`] (403), whether or not the entity exists.
    pub fn check_resource(
        &self,
        user: &User,
        vhost: &str,
        kind: ResourceKind,
        name: &str,
        permission: Permission,
    ) -> Result<(), Refusal> {
        let name = match kind {
            ResourceKind::Exchange if name.is_empty() => DEFAULT_EXCHANGE,
            _ => name,
        };
        let accounts = self.read();
        let permissions = accounts.get(user.name()).and_then(|account| account.permissions.get(vhost));
        match permissions {
            Some(permissions) if permissions.get(permission).matches(name.as_bytes()) => Ok(()),
            _ if user.is_internal() => Ok(()),
            _ => Err(Refusal::AccessRefused {
                permission,
                kind,
                name: name.into(),
                vhost: vhost.into(),
                user: user.name().clone(),
            }),
        }
    }

    /// Whether `user` may use `routing_key` on a topic exchange: [`Permission::Write`] to publish,
    /// [`Permission::Read`] to bind and unbind. To be asked after [`check_resource`](Self::check_resource) has
    /// agreed, for exchanges of type `topic` only. There is nothing to configure about a routing key, so
    /// [`Permission::Configure`] is always granted.
    ///
    /// # Errors
    /// [`Refusal::TopicAccessRefused`] (403).
    pub fn check_topic(
        &self,
        user: &User,
        vhost: &str,
        exchange: &str,
        routing_key: &[u8],
        permission: Permission,
    ) -> Result<(), Refusal> {
        let accounts = self.read();
        let permissions = accounts
            .get(user.name())
            .and_then(|account| account.topic_permissions.get(vhost))
            .and_then(|exchanges| exchanges.get(exchange));
        let pattern = match (permissions, permission) {
            (None, _) | (_, Permission::Configure) => return Ok(()),
            (Some(permissions), Permission::Write) => &permissions.write,
            (Some(permissions), Permission::Read) => &permissions.read,
        };
        if pattern.matches(routing_key) || user.is_internal() {
            return Ok(());
        }
        Err(Refusal::TopicAccessRefused {
            permission,
            routing_key: String::from_utf8_lossy(routing_key).into_owned(),
            exchange: exchange.into(),
            vhost: vhost.into(),
            user: user.name().clone(),
        })
    }

    /// Whether `user` may publish a message whose `user-id` property is `claimed`: its own name, or any with the
    /// tag `impersonator`.
    ///
    /// # Errors
    /// 406 PRECONDITION_FAILED.
    pub fn check_user_id(&self, user: &User, claimed: &[u8]) -> Result<(), Refusal> {
        if claimed == user.name().as_bytes() || user.has_tag(IMPERSONATOR) || user.is_internal() {
            return Ok(());
        }
        let claimed = String::from_utf8_lossy(claimed);
        Err(Refusal::precondition(format!(
            "user_id property set to '{claimed}' but authenticated user was '{}'",
            user.name()
        )))
    }

    /// Answers `connection.update-secret` on an open connection. Users of this broker log in with passwords or
    /// certificates, which do not run out while a connection is open, so any secret is accepted, as RabbitMQ does
    /// with its internal users; what has to hold is that the user still exists and may still use the virtual host.
    ///
    /// # Errors
    /// 530 NOT_ALLOWED, which closes the connection.
    pub fn check_update_secret(&self, user: &User, vhost: &str) -> Result<(), Refusal> {
        if !self.read().contains_key(user.name()) && !user.is_internal() {
            let text = "New secret was refused by one of the backends";
            return Err(Refusal::other(ReplyCode::NotAllowed, text));
        }
        self.check_vhost_access(user, vhost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{PasswordHash, Permissions, UserLimits, UserRecord};

    fn with_app() -> (Auth, User) {
        let auth = Auth::default();
        let password = PasswordHash::none();
        let limits = UserLimits::default();
        auth.add_user(UserRecord { name: "app".into(), password, tags: vec![], limits }).unwrap();
        auth.set_permissions("app", "/", Permissions::new("^a$", "^b$|^amq\\.default$", "").unwrap())
            .unwrap();
        let user = User::new("app", &Default::default());
        (auth, user)
    }

    #[test]
    fn resources_by_permission() {
        use Permission::{Configure, Read, Write};
        use ResourceKind::{Exchange, Queue};
        let (auth, user) = with_app();
        let table = [
            (Queue, "a", Configure, true),
            (Queue, "a", Write, false),
            (Queue, "b", Write, true),
            (Queue, "b", Read, false),
            (Exchange, "", Write, true),
            (Exchange, "", Configure, false),
            (Exchange, "amq.default", Write, true),
            (Queue, "", Write, false),
        ];
        for (kind, name, permission, answer) in table {
            let checked = auth.check_resource(&user, "/", kind, name, permission);
            assert_eq!(checked.is_ok(), answer, "{kind} {name:?} {permission}");
        }
        let refusal = auth.check_resource(&user, "/", Exchange, "", Read).unwrap_err();
        assert_eq!(refusal.code(), ReplyCode::AccessRefused);
        let text = refusal.to_string();
        let ending = "access to exchange 'amq.default' in vhost '/' refused for user 'app'";
        assert!(text.ends_with(ending), "{text}");
        assert!(auth.check_resource(&user, "other", Queue, "a", Configure).is_err());
    }

    #[test]
    fn vhosts_by_having_permissions() {
        let (auth, user) = with_app();
        auth.check_vhost_access(&user, "/").unwrap();
        let refusal = auth.check_vhost_access(&user, "/x").unwrap_err();
        assert_eq!(refusal.code(), ReplyCode::NotAllowed);
        assert_eq!(refusal.to_string(), "access to vhost '/x' refused for user 'app'");
        auth.forget_vhost("/");
        auth.check_vhost_access(&user, "/").unwrap_err();
    }

    #[test]
    fn topics_only_where_restricted() {
        use Permission::{Configure, Read, Write};
        let (auth, user) = with_app();
        auth.set_topic_permissions("app", "/", "amq.topic", "^{username}-.*", "").unwrap();
        let table: [(&str, &str, &[u8], Permission, bool); 8] = [
            ("/", "amq.topic", b"app-x", Write, true),
            ("/", "amq.topic", b"x.y", Write, false),
            ("/", "amq.topic", b"x", Read, false),
            ("/", "amq.topic", b"", Read, true),
            ("/", "amq.topic", b"x", Configure, true),
            ("/", "other", b"x.y", Write, true),
            ("/x", "amq.topic", b"x.y", Write, true),
            ("/", "amq.topic", &[0xff], Write, false),
        ];
        for (vhost, exchange, key, permission, answer) in table {
            let checked = auth.check_topic(&user, vhost, exchange, key, permission);
            assert_eq!(checked.is_ok(), answer, "{exchange} {key:?} {permission}");
        }
        let text = auth.check_topic(&user, "/", "amq.topic", b"x.y", Write).unwrap_err().to_string();
        let ending = "access to topic 'x.y' in exchange 'amq.topic' in vhost '/' refused for user 'app'";
        assert!(text.ends_with(ending), "{text}");
        auth.clear_topic_permissions("app", "/", Some("amq.topic")).unwrap();
        auth.check_topic(&user, "/", "amq.topic", b"x.y", Write).unwrap();
        assert!(auth.topic_permissions().is_empty());
    }

    #[test]
    fn user_ids_are_ones_own_unless_impersonating() {
        let (auth, user) = with_app();
        auth.check_user_id(&user, b"app").unwrap();
        let refusal = auth.check_user_id(&user, b"joe").unwrap_err();
        assert_eq!(refusal.code(), ReplyCode::PreconditionFailed);
        assert_eq!(refusal.to_string(), "user_id property set to 'joe' but authenticated user was 'app'");
        let tags = vec!["impersonator".into()];
        let actor = User::new("actor", &crate::auth::Account { tags, ..Default::default() });
        auth.check_user_id(&actor, b"joe").unwrap();
    }

    #[test]
    fn a_new_secret_needs_a_user_who_may_still_be_here() {
        let (auth, user) = with_app();
        auth.check_update_secret(&user, "/").unwrap();
        auth.clear_permissions("app", "/").unwrap();
        let refusal = auth.check_update_secret(&user, "/").unwrap_err();
        assert_eq!(refusal.to_string(), "access to vhost '/' refused for user 'app'");
        auth.delete_user("app").unwrap();
        let refusal = auth.check_update_secret(&user, "/").unwrap_err();
        assert_eq!(refusal.code(), ReplyCode::NotAllowed);
    }
}
