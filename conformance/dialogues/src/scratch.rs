//! Names that no other test has, and their removal.

use crate::connection::Connection;
use crate::{admin, exchange, queue, s};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

/// Makes names and deletes what bears them when it goes. Declare it first in a test, so that it goes last.
#[derive(Debug)]
pub struct Scratch {
    prefix: String,
    queues: RefCell<Vec<String>>,
    exchanges: RefCell<Vec<String>>,
    users: RefCell<Vec<String>>,
    policies: RefCell<Vec<(bool, String)>>,
    vhosts: RefCell<Vec<String>>,
}

impl Scratch {
    /// Names of one test.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "every call gives other names")]
    pub fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
        let time =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_micros());
        let prefix = format!("d{:x}.{time:x}.{counter:x}", std::process::id());
        Self {
            prefix,
            queues: RefCell::default(),
            exchanges: RefCell::default(),
            users: RefCell::default(),
            policies: RefCell::default(),
            vhosts: RefCell::default(),
        }
    }

    /// A name for what goes by itself.
    #[must_use]
    pub fn name(&self, label: &str) -> String {
        format!("{}.{label}", self.prefix)
    }

    /// A name for a queue, deleted in the end.
    #[must_use]
    pub fn queue(&self, label: &str) -> String {
        let name = self.name(label);
        self.queues.borrow_mut().push(name.clone());
        name
    }

    /// A name for an exchange, deleted in the end.
    #[must_use]
    pub fn exchange(&self, label: &str) -> String {
        let name = self.name(label);
        self.exchanges.borrow_mut().push(name.clone());
        name
    }

    /// A virtual host in which the target's user may do everything; deleted in the end.
    #[must_use]
    pub fn vhost(&self, label: &str) -> String {
        let name = self.name(label);
        admin::add_vhost(&name);
        self.vhosts.borrow_mut().push(name.clone());
        name
    }

    /// Sets a policy, in JSON, for queues and exchanges whose names begin so; cleared in the end. Setting it again replaces it.
    pub fn policy(&self, prefix: &str, definition: &str) {
        self.set_policy(false, prefix, definition);
    }

    /// The same for an operator policy.
    pub fn operator_policy(&self, prefix: &str, definition: &str) {
        self.set_policy(true, prefix, definition);
    }

    fn set_policy(&self, operator: bool, prefix: &str, definition: &str) {
        admin::set_policy(operator, prefix, prefix, definition);
        let policy = (operator, prefix.to_owned());
        let mut policies = self.policies.borrow_mut();
        if !policies.contains(&policy) {
            policies.push(policy);
        }
    }

    /// Clears the policy that was set for this prefix.
    pub fn clear_policy(&self, prefix: &str) {
        self.policies.borrow_mut().retain(|policy| *policy != (false, prefix.to_owned()));
        admin::clear_policy(false, prefix);
    }

    /// A user without permissions, whose password is its name; deleted in the end.
    #[must_use]
    pub fn user(&self, label: &str) -> String {
        let name = self.name(label);
        admin::add_user(&name);
        self.users.borrow_mut().push(name.clone());
        name
    }

    /// A user with these permissions in virtual host `/`; deleted in the end.
    #[must_use]
    pub fn user_with_permissions(&self, label: &str, configure: &str, write: &str, read: &str) -> String {
        let name = self.user(label);
        admin::set_permissions(&name, configure, write, read);
        name
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for (operator, name) in self.policies.take() {
            admin::clear_policy(operator, &name);
        }
        for vhost in self.vhosts.take() {
            admin::delete_vhost(&vhost);
        }
        for user in self.users.take() {
            admin::delete_user(&user);
        }
        let (queues, exchanges) = (self.queues.take(), self.exchanges.take());
        if queues.is_empty() && exchanges.is_empty() {
            return;
        }
        // On a thread of its own, because the test may be failing already, and a second failure here would hide the first.
        let cleanup = std::thread::spawn(move || {
            let connection = Connection::open();
            for name in &queues {
                let channel = connection.channel();
                channel.send(queue::Delete { queue: s(name), ..Default::default() });
                channel.next();
            }
            for name in &exchanges {
                let channel = connection.channel();
                channel.send(exchange::Delete { exchange: s(name), ..Default::default() });
                channel.next();
            }
        });
        let _ = cleanup.join();
    }
}
