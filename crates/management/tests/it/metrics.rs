//! Rates in the API, and metrics for Prometheus.

use crate::support::Api;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use leveret_broker::Broker;
use leveret_management::{Management, Options};
use serde_json::Value;
use std::time::Duration;
use tower::ServiceExt as _;

const PUBLISH: &str = r#"{"routing_key":"q","payload":"x","payload_encoding":"string","properties":{}}"#;

/// Asks until the answer is as expected; a round of the sampler runs on a thread of its own.
async fn until(api: &Api, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        loop {
            let answer = api.get(path).await;
            if is_so(&answer) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("the figures never came")
}

#[tokio::test]
async fn rates_are_what_autoscalers_read() {
    let api = Api::start();
    // The round of the start is over: what comes later is seen in later ones.
    until(&api, "/api/overview?lengths_age=60&lengths_incr=5", |it| {
        it["queue_totals"]["messages_details"]["samples"][0]["sample"] == 0
    })
    .await;
    api.dialogue(&[("PUT /api/queues/%2F/q", "", 201, "")]).await;
    let publish = "POST /api/exchanges/%2F/amq.default/publish";
    api.dialogue(&[(publish, PUBLISH, 200, r#"{"routed":true}"#)]).await;
    api.broker.clock().advance(Duration::from_secs(5));
    let path = "/api/overview?msg_rates_age=60&msg_rates_incr=5";
    until(&api, path, |it| it["message_stats"]["publish_details"]["samples"][0]["sample"] == 1).await;
    for _ in 0..10 {
        api.dialogue(&[(publish, PUBLISH, 200, "")]).await;
    }
    api.broker.clock().advance(Duration::from_secs(5));
    // The keys that KEDA's scaler reads in its HTTP mode.
    let queue = until(&api, "/api/queues/%2F/q", |it| {
        it["message_stats"]["publish_details"]["rate"] == 2.0 && it["messages_details"]["rate"] == 2.0
    })
    .await;
    assert_eq!((&queue["messages"], &queue["message_stats"]["publish"]), (&11.into(), &11.into()));
    // Totals come last in a round.
    let overview =
        until(&api, path, |it| it["message_stats"]["publish_details"]["samples"][0]["sample"] == 11).await;
    let samples = overview["message_stats"]["publish_details"]["samples"].as_array().unwrap();
    let counts: Vec<_> = samples.iter().map(|sample| sample["sample"].as_u64().unwrap()).collect();
    assert_eq!(counts[..2], [11, 1]);
    assert_eq!(overview["queue_totals"]["messages_details"]["rate"], 2.0);
    let vhost = api.get("/api/vhosts/%2F").await;
    assert_eq!(vhost["message_stats"]["publish_details"]["rate"], 2.0);
}

async fn page(router: Router, path: &str) -> String {
    let response = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn metrics_are_told_without_a_login_on_their_listener_and_with_one_beside_the_api() {
    let api = Api::start();
    let metrics = Management::new(api.broker.clone(), Options::default()).metrics_router();
    let _ = api.broker.declare_vhost("other");
    api.dialogue(&[
        ("PUT /api/queues/%2F/q", "", 201, ""),
        ("PUT /api/permissions/other/guest", r#"{"configure":".*","write":".*","read":".*"}"#, 201, ""),
        ("PUT /api/queues/other/a%22b", "", 201, ""),
        ("POST /api/exchanges/%2F/amq.default/publish", PUBLISH, 200, ""),
    ])
    .await;
    let together = page(metrics.clone(), "/metrics").await;
    for line in [
        "# TYPE rabbitmq_queue_messages_ready gauge\n",
        "\nrabbitmq_queue_messages_ready 1\n",
        "\nrabbitmq_queues 2\n",
        "\nrabbitmq_global_messages_received_total{protocol=\"amqp091\"} 1\n",
        "\nrabbitmq_queues_created_total 2\n",
        "\n# TYPE leveret_confirm_seconds histogram\n",
    ] {
        assert!(together.contains(line), "{line:?} is not in {together}");
    }
    let each = page(metrics.clone(), "/metrics/per-object").await;
    assert!(each.contains("\nrabbitmq_queue_messages{vhost=\"/\",queue=\"q\"} 1\n"), "{each}");
    assert!(each.contains("\nrabbitmq_queue_messages{vhost=\"other\",queue=\"a\\\"b\"} 0\n"), "{each}");
    let detailed = "/metrics/detailed?family=queue_coarse_metrics&family=vhost_status&vhost=other";
    let detailed = page(metrics.clone(), detailed).await;
    assert!(detailed.contains("\nrabbitmq_detailed_queue_messages{vhost=\"other\",queue=\"a\\\"b\"} 0\n"));
    assert!(detailed.contains("\nrabbitmq_cluster_vhost_status{vhost=\"other\"} 1\n"));
    assert!(!detailed.contains("vhost=\"/\"") && !detailed.contains("queue_consumers"), "{detailed}");
    let nobody = api.by_nobody().ask("GET /metrics", "").await;
    assert_eq!(nobody.status, 401);
    let user = api.add("user", "management").ask("GET /metrics", "").await;
    assert_eq!(user.status, 401);
}

/// What RabbitMQ's own dashboard (grafana.com, 10991: "RabbitMQ-Overview") and the alerts of its Kubernetes operator ask for. What they ask
/// of Erlang is not here, nor `rabbitmq_disk_space_available_bytes`, which a broker in memory has not.
const ASKED: &[&str] = &[
    "rabbitmq_build_info",
    "rabbitmq_identity_info",
    "rabbitmq_alarms_file_descriptor_limit",
    "rabbitmq_alarms_free_disk_space_watermark",
    "rabbitmq_alarms_memory_used_watermark",
    "rabbitmq_channel_get_ack_total",
    "rabbitmq_channel_get_empty_total",
    "rabbitmq_channel_get_total",
    "rabbitmq_channel_messages_acked_total",
    "rabbitmq_channel_messages_confirmed_total",
    "rabbitmq_channel_messages_delivered_ack_total",
    "rabbitmq_channel_messages_delivered_total",
    "rabbitmq_channel_messages_published_total",
    "rabbitmq_channel_messages_redelivered_total",
    "rabbitmq_channel_messages_unconfirmed",
    "rabbitmq_channel_messages_unroutable_dropped_total",
    "rabbitmq_channel_messages_unroutable_returned_total",
    "rabbitmq_channels",
    "rabbitmq_channels_closed_total",
    "rabbitmq_channels_opened_total",
    "rabbitmq_connections",
    "rabbitmq_connections_closed_total",
    "rabbitmq_connections_opened_total",
    "rabbitmq_consumers",
    "rabbitmq_disk_space_available_limit_bytes",
    "rabbitmq_global_consumers",
    "rabbitmq_global_messages_acknowledged_total",
    "rabbitmq_global_messages_confirmed_total",
    "rabbitmq_global_messages_delivered_consume_auto_ack_total",
    "rabbitmq_global_messages_delivered_consume_manual_ack_total",
    "rabbitmq_global_messages_delivered_get_auto_ack_total",
    "rabbitmq_global_messages_delivered_get_manual_ack_total",
    "rabbitmq_global_messages_delivered_total",
    "rabbitmq_global_messages_get_empty_total",
    "rabbitmq_global_messages_received_confirm_total",
    "rabbitmq_global_messages_received_total",
    "rabbitmq_global_messages_redelivered_total",
    "rabbitmq_global_messages_routed_total",
    "rabbitmq_global_messages_unroutable_dropped_total",
    "rabbitmq_global_messages_unroutable_returned_total",
    "rabbitmq_global_publishers",
    "rabbitmq_process_max_fds",
    "rabbitmq_process_max_tcp_sockets",
    "rabbitmq_process_open_fds",
    "rabbitmq_process_open_tcp_sockets",
    "rabbitmq_process_resident_memory_bytes",
    "rabbitmq_queue_messages",
    "rabbitmq_queue_messages_published_total",
    "rabbitmq_queue_messages_ready",
    "rabbitmq_queue_messages_unacked",
    "rabbitmq_queues",
    "rabbitmq_queues_created_total",
    "rabbitmq_queues_declared_total",
    "rabbitmq_queues_deleted_total",
    "rabbitmq_resident_memory_limit_bytes",
];

#[tokio::test]
async fn dashboards_and_alerts_find_what_they_ask_for() {
    let api = Api::start();
    let metrics = Management::new(api.broker.clone(), Options::default()).metrics_router();
    api.dialogue(&[
        ("PUT /api/queues/%2F/q", "", 201, ""),
        ("POST /api/exchanges/%2F/amq.default/publish", PUBLISH, 200, ""),
    ])
    .await;
    let together = page(metrics.clone(), "/metrics").await;
    let has = |name: &str| {
        together.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))
    };
    let missing: Vec<_> = ASKED.iter().filter(|name| !has(name)).collect();
    assert!(missing.is_empty(), "{missing:?} in {together}");
    let line = |text: &str, name: &str| {
        let found = text.lines().find(|line| line.starts_with(&format!("{name}{{")));
        found.unwrap_or_else(|| panic!("{name} in {text}")).to_owned()
    };
    // Panels join by `instance`, which Prometheus adds, and group by these.
    for (name, labels) in [
        ("rabbitmq_identity_info", &["rabbitmq_node=", "rabbitmq_cluster="][..]),
        ("rabbitmq_build_info", &["rabbitmq_version=", "prometheus_plugin_version="]),
        ("rabbitmq_global_messages_received_total", &["protocol="]),
        ("rabbitmq_global_messages_delivered_total", &["protocol=", "queue_type="]),
    ] {
        let line = line(&together, name);
        assert!(labels.iter().all(|label| line.contains(label)), "{labels:?} in {line}");
    }
    assert!(together.contains("\nrabbitmq_queue_messages_published_total 1\n"), "{together}");
    // "RabbitMQ-Queue", and the alerts of single queues.
    let families =
        "family=queue_coarse_metrics&family=queue_consumer_count&family=channel_queue_exchange_metrics";
    let detailed = page(metrics.clone(), &format!("/metrics/detailed?{families}")).await;
    for name in ["queue_messages", "queue_consumers", "queue_messages_published_total"] {
        let line = line(&detailed, &format!("rabbitmq_detailed_{name}"));
        assert!(line.contains("vhost=\"/\"") && line.contains("queue=\"q\""), "{line}");
    }
    let each = page(metrics, "/metrics/per-object").await;
    assert!(
        each.contains("\nrabbitmq_queue_messages_published_total{vhost=\"/\",queue=\"q\"} 1\n"),
        "{each}"
    );
}

/// What a page costs with very many queues is bounded: it is written in pieces.
#[tokio::test]
async fn a_page_that_nobody_reads_to_the_end_is_given_up() {
    let broker = Broker::in_memory();
    let metrics = Management::new(broker.clone(), Options::default()).metrics_router();
    let vhost = broker.vhost("/").unwrap();
    let user = broker.auth().check_password("guest", b"guest", &leveret_broker::auth::PeerInfo::in_process());
    let actor = leveret_broker::vhost::Actor { user: user.unwrap(), connection: 0 };
    for number in 0..3_000 {
        let name = format!("queue-with-a-name-of-some-length-{number}");
        vhost
            .declare_queue(&actor, leveret_broker::vhost::DeclareQueue { name, ..Default::default() })
            .unwrap();
    }
    let ask = || Request::get("/metrics/per-object").body(Body::empty()).unwrap();
    for _ in 0..10 {
        // Never read: it must not keep the next one from being written.
        drop(metrics.clone().oneshot(ask()).await.unwrap());
    }
    let asked = page(metrics, "/metrics/per-object");
    let text = tokio::time::timeout(Duration::from_secs(20), asked).await.expect("pages are still written");
    assert_eq!(text.lines().filter(|line| line.starts_with("rabbitmq_queue_messages{")).count(), 3_000);
}
