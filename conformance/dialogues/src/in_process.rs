//! This project's broker, started inside the test process.

use leveret_broker::auth::{HashingAlgorithm, PasswordHash, Permissions, UserLimits, UserRecord};
use leveret_broker::{Broker, Config, Resource};
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::mpsc;

static BROKER: OnceLock<Broker> = OnceLock::new();

/// Starts it, on a thread of its own that lives as long as the tests; where it listens.
pub(crate) fn start() -> SocketAddr {
    let (say, hear) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let broker = BROKER.get_or_init(|| Broker::start(Config::default()).expect("the broker starts"));
            let any_port = "127.0.0.1:0".parse().expect("an address");
            say.send(broker.listen_amqp(any_port).await.expect("a free port")).expect("the tests wait");
            std::future::pending::<()>().await;
        });
    });
    hear.recv().expect("the broker says where it listens")
}

fn broker() -> &'static Broker {
    BROKER.get().expect("started by the first look at the target")
}

pub(crate) fn add_user(name: &str) {
    let password = PasswordHash::new(HashingAlgorithm::default(), name.as_bytes());
    let limits = UserLimits::default();
    broker().auth().put_user(UserRecord { name: name.into(), password, tags: Vec::new(), limits });
}

pub(crate) fn set_permissions(name: &str, configure: &str, write: &str, read: &str) {
    let permissions = Permissions::new(configure, write, read).expect("patterns");
    broker().auth().set_permissions(name, "/", permissions).expect("the user exists");
}

pub(crate) fn delete_user(name: &str) {
    broker().auth().delete_user(name).expect("the user exists");
}

pub(crate) fn set_memory_alarm(raised: bool) -> bool {
    broker().memory().set_alarm(Resource::Memory, raised);
    true
}
