//! A virtual host of one test at a broker that runs somewhere; deleted with the test.

use std::time::Duration;

use leveret::client::ConnectOptions;
use leveret::client::options::{BackoffOptions, RecoveryOptions};
use leveret::client::uri::Address;
use serde_json::{Value, json};

use super::View;
use super::looks::{BESIDE, Figures, Looks};
use super::management::Management;
use super::relay::Relay;

pub(crate) struct Real {
    options: ConnectOptions,
    management: Management,
    looks: Looks,
    relay: Relay,
}

impl Real {
    /// At the broker of `LEVERET_TOOLKIT_URL`. Its management API is asked at `LEVERET_TOOLKIT_MANAGEMENT` (`HOST:PORT`), or else 10,000
    /// ports above AMQP's, as RabbitMQ has it. `None`: the variable is not set.
    pub(super) fn start() -> Option<Self> {
        let options = ConnectOptions::new(std::env::var("LEVERET_TOOLKIT_URL").ok()?).unwrap();
        let first = &options.addresses[0];
        let management = std::env::var("LEVERET_TOOLKIT_MANAGEMENT")
            .unwrap_or_else(|_| format!("{}:{}", first.host, first.port + 10_000));
        let user = &options.credentials;
        let management = Management::new(management, &user.username, user.password());
        let vhost = format!("leveret-toolkit-{:016x}", rand::random::<u64>());
        management.put(&format!("vhosts/{vhost}"), &json!({}));
        let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        management.put(&format!("permissions/{vhost}/{}", user.username), &all);
        let options = options.vhost(vhost);
        let relay = Relay::start(options.addresses.clone());
        Some(Self { looks: Looks::new(options.clone()), relay, management, options })
    }

    /// Through the relay, coming back soon after a fault.
    pub(super) fn client_options(&self) -> ConnectOptions {
        let backoff =
            BackoffOptions::default().first(Duration::from_millis(10)).max(Duration::from_millis(100));
        let recovery = RecoveryOptions::default().backoff(backoff);
        self.options.clone().addresses([Address::new("127.0.0.1", self.relay.port())]).recovery(recovery)
    }

    pub(super) fn relay(&self) -> &Relay {
        &self.relay
    }

    pub(super) fn messages(&self, queue: &str) -> Vec<View> {
        self.looks.messages(queue)
    }

    pub(super) fn ready(&self, queue: &str) -> Option<usize> {
        self.looks.ready(queue)
    }

    /// What is unacked is known to the management API alone, some time later.
    pub(super) fn figures(&self, queue: &str) -> Option<Figures> {
        let ready = self.ready(queue)?;
        let queue = self.management.get(&format!("queues/{}/{queue}", self.options.vhost))?;
        let count = |name: &str| queue[name].as_u64().and_then(|count| usize::try_from(count).ok());
        // Without figures yet: none that are believed.
        Some(Figures { ready, unacked: count("messages_unacknowledged").unwrap_or(usize::MAX) })
    }

    pub(super) fn queues(&self) -> Vec<String> {
        self.names("queues")
    }

    fn names(&self, kind: &str) -> Vec<String> {
        let list = self.management.get(&format!("{kind}/{}", self.options.vhost)).unwrap_or_default();
        let name = |entry: &Value| entry["name"].as_str().map(str::to_owned);
        list.as_array().into_iter().flatten().filter_map(name).collect()
    }

    /// The queue is longer than it may be for so long, and refuses what is published to it.
    pub(super) async fn full_for(&self, queue: &str, time: Duration) {
        let path = format!("policies/{}/full", self.options.vhost);
        let definition = json!({ "max-length": 0, "overflow": "reject-publish" });
        let policy =
            json!({ "pattern": format!("^{queue}$"), "apply-to": "queues", "definition": definition });
        self.management.put(&path, &policy);
        // A policy is answered before queues have heard of it.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let management = self.management.clone();
        BESIDE.spawn(async move {
            tokio::time::sleep(time).await;
            tokio::task::block_in_place(|| management.delete(&path));
        });
    }

    pub(super) fn forget_everything(&self) {
        self.relay.refuse(true);
        self.relay.cut();
        let vhost = &self.options.vhost;
        for kind in ["queues", "exchanges"] {
            for name in self.names(kind) {
                if !name.is_empty() && !name.starts_with("amq.") {
                    self.management.delete(&format!("{kind}/{vhost}/{name}"));
                }
            }
        }
        self.relay.refuse(false);
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        if !std::thread::panicking() || std::env::var_os("LEVERET_TOOLKIT_KEEP").is_none() {
            self.management.delete(&format!("vhosts/{}", self.options.vhost));
        }
    }
}
