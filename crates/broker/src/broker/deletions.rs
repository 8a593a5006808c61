//! Deleting virtual hosts and users, with the connections that are there because of them.

use super::{Broker, BrokerInner};
use crate::auth::AuthError;
use crate::refusal::Refusal;
use crate::vhost::{check_store, deleted_text};
use leveret_store::Batch;

impl Broker {
    /// Deletes a virtual host with everything in it: exchanges, queues and their messages, bindings, policies, parameters, and what users may do
    /// there. Its connections are closed with 320 `vhost 'NAME' is deleted`. After a crash it is there as it was, or gone as a whole; when it is
    /// on stable storage, [`stored`](Self::stored) says. The time it takes is in proportion to the queues, exchanges and bindings.
    ///
    /// The default virtual host may go as well, and the exchange of events with it; a start makes it again only if there is none at all.
    /// Source: RabbitMQ, "Virtual Hosts", "Deleting a Virtual Host".
    ///
    /// # Errors
    /// [`Refusal::NoVhost`]; it is protected from deletion ([`VhostMetadata`](crate::vhost::VhostMetadata)). The store has failed.
    pub fn delete_vhost(&self, name: &str) -> Result<(), Refusal> {
        self.0.delete_vhost(name)
    }

    /// Deletes a user with all its permissions and closes its connections with 320 `user 'NAME' is deleted`. When that is on stable storage,
    /// [`stored`](Self::stored) says.
    ///
    /// # Errors
    /// [`AuthError::NoUser`].
    pub fn delete_user(&self, name: &str) -> Result<(), AuthError> {
        self.0.auth().delete_user(name)?;
        self.0.save_definitions();
        let is_theirs = |user: Option<&crate::name::Name>| user.is_some_and(|user| **user == *name);
        self.0.close_connections(|c| is_theirs(c.user.get()), &format!("user '{name}' is deleted"));
        Ok(())
    }
}

impl BrokerInner {
    fn delete_vhost(&self, name: &str) -> Result<(), Refusal> {
        check_store(self.store())?;
        {
            let _alone = self.definitions_stand().write();
            if self.vhost(name).is_some_and(|vhost| vhost.metadata().protected_from_deletion) {
                return Err(Refusal::precondition(format!(
                    "Refusing to delete virtual host '{name}' because it is protected from deletion"
                )));
            }
            let gone = self.vhosts.write().remove(name);
            let vhost = gone.ok_or_else(|| Refusal::NoVhost { vhost: name.into() })?;
            tracing::info!(vhost = name, "deleting the virtual host and everything in it");
            let mut batch = Batch::new();
            vhost.delete(&mut batch);
            self.auth().forget_vhost(name);
            self.save_definitions_with(&mut batch);
        }
        self.tell_components();
        self.events().emit("vhost.deleted", |event| event.text("name", name));
        self.close_connections(|c| c.vhost.get().is_some_and(|vhost| **vhost == *name), &deleted_text(name));
        check_store(self.store())
    }
}
