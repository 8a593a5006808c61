//! This project's broker, started inside the test process.

use leveret_broker::auth::{HashingAlgorithm, PasswordHash, Permissions, UserLimits, UserRecord};
use leveret_broker::policy::{ApplyTo, Policy, PolicyScope};
use leveret_broker::vhost::VirtualHost;
use leveret_broker::{Broker, Config, Resource};
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

/// The broker, on a runtime of its own that lives as long as the process.
static BROKER: OnceLock<Broker> = OnceLock::new();

/// Starts it; where it listens.
pub(crate) fn start() -> SocketAddr {
    let runtime =
        must("a runtime", tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build());
    let address = runtime.block_on(async {
        let broker = must("the broker", Broker::start(Config::default()));
        let address = must("a listener", broker.listen_amqp((Ipv4Addr::LOCALHOST, 0).into()).await);
        let _ = BROKER.set(broker);
        address
    });
    std::mem::forget(runtime);
    address
}

pub(crate) fn add_user(name: &str) {
    let record = UserRecord {
        name: name.into(),
        password: PasswordHash::new(HashingAlgorithm::default(), name.as_bytes()),
        tags: Vec::new(),
        limits: UserLimits::default(),
    };
    must("a user", broker().auth().add_user(record));
}

pub(crate) fn set_permissions(name: &str, configure: &str, write: &str, read: &str) {
    let permissions = must("patterns", Permissions::new(configure, write, read));
    must("permissions", broker().auth().set_permissions(name, "/", permissions));
}

pub(crate) fn delete_user(name: &str) {
    must("a user less", broker().auth().delete_user(name));
}

fn scope(operator: bool) -> PolicyScope {
    if operator { PolicyScope::Operator } else { PolicyScope::User }
}

pub(crate) fn set_policy(operator: bool, name: &str, pattern: &str, definition: &str) {
    let definition = must("a definition", serde_json::from_str(definition));
    let (name, pattern, apply_to) = (name.into(), pattern.into(), ApplyTo::All);
    let policy = Policy { name, pattern, apply_to, priority: 0, definition };
    must("a policy", default_vhost().set_policy(scope(operator), policy));
}

pub(crate) fn clear_policy(operator: bool, name: &str) {
    must("a policy less", default_vhost().clear_policy(scope(operator), name));
}

pub(crate) fn add_vhost(name: &str, user: &str) {
    let _ = broker().declare_vhost(name);
    must("permissions", broker().auth().set_permissions(user, name, Permissions::all()));
}

pub(crate) fn set_vhost_limit(vhost: &str, limit: &str, value: i64) {
    let Some(vhost) = broker().vhost(vhost) else { panic!("there is no virtual host '{vhost}'") };
    let mut limits = vhost.limits().to_json();
    limits[limit] = value.into();
    must("limits", vhost.set_parameter("vhost-limits", "limits", limits));
}

pub(crate) fn set_tracing(on: bool) {
    let vhost = default_vhost();
    if on { vhost.trace_on() } else { vhost.trace_off() }
}

fn default_vhost() -> Arc<VirtualHost> {
    match broker().vhost("/") {
        Some(vhost) => vhost,
        None => panic!("there is a default virtual host"),
    }
}

pub(crate) fn set_memory_alarm(raised: bool) {
    broker().memory().set_alarm(Resource::Memory, raised);
}

fn broker() -> &'static Broker {
    match BROKER.get() {
        Some(broker) => broker,
        None => panic!("the broker of this process was not started"),
    }
}

fn must<T, E: Debug>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}
