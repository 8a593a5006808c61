//! Direct reply-to: which connection waits for replies under which token. Source: RabbitMQ, "Direct Reply-to".

use crate::mailbox::Mailbox;
use crate::vhost::server_name;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    waiting: Mutex<HashMap<String, (Arc<Mailbox>, u16)>>,
}

impl Replies {
    /// Makes an address; replies to it go to that channel.
    pub(crate) fn add(&self, mailbox: Arc<Mailbox>, channel: u16) -> String {
        let token = server_name("g1h2");
        self.waiting.lock().insert(token.clone(), (mailbox, channel));
        token
    }

    pub(crate) fn remove(&self, token: &str) {
        self.waiting.lock().remove(token);
    }

    pub(crate) fn find(&self, token: &str) -> Option<(Arc<Mailbox>, u16)> {
        self.waiting.lock().get(token).cloned()
    }

    pub(crate) fn contains(&self, token: &str) -> bool {
        self.waiting.lock().contains_key(token)
    }
}
