//! What events say of users and permissions.

use super::Auth;
use crate::events::{Events, Fields};
use std::sync::Arc;

impl Auth {
    /// Changes are told to these events from now on.
    pub(crate) fn announce_to(&self, events: Arc<Events>) {
        let _ = self.events.set(events);
    }

    fn emit(&self, key: &str, fields: impl FnOnce(Fields) -> Fields) {
        if let Some(events) = self.events.get() {
            events.emit(key, fields);
        }
    }

    /// Something happened to a user. Not to be called with a lock held.
    pub(super) fn emit_user(&self, what: &str, name: &str) {
        self.emit(what, |event| event.text("name", name));
    }

    /// Something happened to what a user may do in a virtual host.
    pub(super) fn emit_permission(&self, what: &str, user: &str, vhost: &str) {
        self.emit(what, |event| event.text("user", user).text("vhost", vhost));
    }

    /// A user may do something from now on.
    pub(super) fn emit_granted(&self, what: &str, user: &str, vhost: &str, granted: &[(&str, &str)]) {
        self.emit(what, |event| {
            let event = event.text("user", user).text("vhost", vhost);
            granted.iter().fold(event, |event, (name, text)| event.text(name, text))
        });
    }
}
