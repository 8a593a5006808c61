//! Features that RabbitMQ is to give up, and which of them are in use: what is asked before a move to a later version. Names are those of
//! RabbitMQ 3.13, and so are the phases of what works here; what belongs to clusters is `removed`.

use crate::call::Call;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::Broker;
use serde_json::{Value, json};

/// A feature, and whether something of the broker uses it.
struct Feature {
    name: &'static str,
    text: &'static str,
    page: &'static str,
    phase: &'static str,
    is_used: fn(&Broker) -> bool,
}

const PERMITTED: &str = "permitted_by_default";
const REMOVED: &str = "removed";

const FEATURES: [Feature; 4] = [
    Feature {
        name: "classic_queue_mirroring",
        text: "Copies of classic queues on several nodes",
        page: "https://www.rabbitmq.com/docs/3.13/ha",
        phase: REMOVED,
        is_used: |_| false,
    },
    Feature {
        name: "global_qos",
        text: "A prefetch that all consumers of a channel share (`basic.qos` with `global`)",
        page: "https://www.rabbitmq.com/docs/consumer-prefetch",
        phase: PERMITTED,
        is_used: |broker| broker.channels().iter().any(|channel| channel.global_prefetch_count > 0),
    },
    Feature {
        name: "ram_node_type",
        text: "Nodes that keep definitions in memory only",
        page: "https://www.rabbitmq.com/docs/clustering#cluster-node-types",
        phase: REMOVED,
        is_used: |_| false,
    },
    Feature {
        name: "transient_nonexcl_queues",
        text: "Queues that are neither durable nor exclusive",
        page: "https://www.rabbitmq.com/docs/queues#durability",
        phase: PERMITTED,
        is_used: |broker| {
            let is_transient =
                |spec: &leveret_broker::queue::QueueSpec| !spec.durable && spec.exclusive_owner.is_none();
            broker
                .vhosts()
                .iter()
                .any(|vhost| vhost.topology().queues().any(|(_, queue)| is_transient(queue.spec())))
        },
    },
];

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/deprecated-features", Access::Management, "Features on their way out", list)
        .many("DeprecatedFeature"),
    Route::get("/api/deprecated-features/used", Access::Management, "Those of them in use", used)
        .many("DeprecatedFeature"),
];

fn shape(feature: &Feature) -> Value {
    json!({
        "name": feature.name,
        "desc": feature.text,
        "deprecation_phase": feature.phase,
        "doc_url": feature.page,
        "provided_by": "rabbit",
    })
}

fn list(_: &Call) -> Answer {
    Ok(Reply::Json(FEATURES.iter().map(shape).collect()))
}

fn used(call: &Call) -> Answer {
    let used = FEATURES.iter().filter(|feature| (feature.is_used)(call.broker()));
    Ok(Reply::Json(used.map(shape).collect()))
}
