//! The broker as a whole: overview, health, definitions, events, and the description of it all.

use crate::support::Api;
use axum::body::Body;
use axum::http::Request;
use leveret_management::routes;
use leveret_management::{CertificateEnd, Listener, Options};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Every route is described, and every description is of a route.
#[tokio::test]
async fn the_description_is_that_of_the_routes() {
    let api = Api::start();
    let document = api.get("/api/leveret/openapi.json").await;
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            let named: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let braces: BTreeSet<&str> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(named, braces, "{method} {path}");
            assert!(operation["summary"].as_str().unwrap().len() > 3, "{method} {path}");
        }
    }
    let routes: BTreeSet<(String, String)> =
        routes::all().map(|route| (route.method.as_str().to_owned(), route.path.to_owned())).collect();
    assert_eq!(described, routes);
    let ids: BTreeSet<&str> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|operations| operations.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), routes.len(), "operation ids are unique");
}

/// Whatever is sent to whatever route, the broker is not at fault, and the route says so with a status that is described.
#[tokio::test]
async fn no_request_makes_the_broker_fail() {
    let bodies = [
        "",
        "{}",
        "[]",
        "null",
        "{\"",
        r#"{"value":{}}"#,
        r#"{"count":-1,"encoding":7,"arguments":3,"tags":{}}"#,
    ];
    let names = ["x", "%2F", "", "%00%FF", "amq.direct"];
    for route in routes::all().filter(|route| route.path != "/api/leveret/events") {
        let api = Api::start();
        for (at, body) in bodies.iter().enumerate() {
            let mut path = route.path.replace("{vhost}", "%2F");
            for name in route.path_parameters() {
                path = path.replace(&format!("{{{name}}}"), names[at % names.len()]);
            }
            let query = [
                "",
                "?page=1",
                "?columns=a.b,,",
                "?sort=name&sort_reverse=true",
                "?page=x",
                "?name=(&use_regex=true&page=1",
                "?count=-1",
            ][at];
            let what = format!("{} {path}{query}", route.method.as_str());
            let request = Request::builder().method(route.method.as_str()).uri(format!("{path}{query}"));
            let answered = api.raw(request.body(Body::from(*body)).unwrap()).await;
            let is_check = route.path.contains("/health/checks/");
            let (status, text) = (answered.status.as_u16(), answered.text);
            assert!(status < 500 || is_check, "{what} {body}: {status} {text}");
        }
    }
}

#[tokio::test]
async fn the_overview_has_what_tools_look_for() {
    let mut options = Options::default();
    options.listeners =
        vec![Listener { protocol: "amqp".into(), address: "127.0.0.1:5672".parse().unwrap() }];
    let api = Api::with(options);
    let overview = api.get("/api/overview").await;
    for key in [
        "cluster_name",
        "node",
        "erlang_version",
        "rabbitmq_version",
        "product_version",
        "churn_rates",
        "queue_totals",
        "message_stats",
        "statistics_db_event_queue",
        "listeners",
        "exchange_types",
    ] {
        assert!(overview.get(key).is_some(), "{key}");
    }
    assert_eq!(overview["object_totals"]["queues"], 0);
    assert_eq!(overview["listeners"][0]["port"], 5672);
    let node = &api.get("/api/nodes").await[0];
    for key in [
        "mem_limit",
        "mem_alarm",
        "disk_free_limit",
        "disk_free_alarm",
        "rates_mode",
        "enabled_plugins",
        "being_drained",
        "run_queue",
        "proc_total",
        "fd_total",
        "uptime",
        "running",
    ] {
        assert!(node.get(key).is_some(), "{key}");
    }
    // Others do not see where the broker listens.
    let ann = api.add("ann", "management");
    assert!(ann.get("/api/overview").await.get("listeners").is_none());
}

#[tokio::test]
async fn health() {
    let mut options = Options::default();
    options.listeners =
        vec![Listener { protocol: "amqp".into(), address: "127.0.0.1:5672".parse().unwrap() }];
    options.certificate_end = CertificateEnd::At(1_700_000_000 + 10 * 86_400);
    let api = Api::with(options);
    api.dialogue(&[
        ("GET /api/health/checks/alarms", "", 200, r#"{"status":"ok"}"#),
        ("GET /api/health/checks/port-listener/5672", "", 200, r#""port":5672"#),
        ("GET /api/health/checks/port-listener/1", "", 503, r#""missing":1"#),
        ("GET /api/health/checks/port-listener/x", "", 400, "Invalid port"),
        ("GET /api/health/checks/protocol-listener/amqp091", "", 200, "ok"),
        ("GET /api/health/checks/protocol-listener/mqtt", "", 503, "No active listener"),
        ("GET /api/health/checks/certificate-expiration/9/days", "", 200, "ok"),
        ("GET /api/health/checks/certificate-expiration/2/weeks", "", 503, "expired"),
        ("GET /api/health/checks/certificate-expiration/2/eons", "", 400, "not recognised"),
        ("GET /api/health/checks/is-in-service", "", 200, "ok"),
        ("GET /api/aliveness-test/%2F", "", 200, "ok"),
        ("GET /api/leveret/store", "", 200, r#"{"state":"none"}"#),
        ("GET /api/auth/attempts/none", "", 404, ""),
    ])
    .await;
    api.by_nobody()
        .dialogue(&[("GET /api/health/checks/ready-to-serve-clients", "", 200, r#"{"status":"ok"}"#)])
        .await;
    api.broker.memory().set_alarm(leveret_broker::Resource::Memory, true);
    api.dialogue(&[
        ("GET /api/health/checks/alarms", "", 503, r#""resource":"memory""#),
        (
            "POST /api/exchanges/%2F/amq.default/publish",
            r#"{"routing_key":"q","payload":"","payload_encoding":"string","properties":{}}"#,
            503,
            "resource alarm",
        ),
        ("GET /api/leveret/alarms", "", 200, r#""raised":true"#),
    ])
    .await;
}

#[tokio::test]
async fn definitions_go_out_and_in() {
    let api = Api::start();
    api.dialogue(&[
        ("PUT /api/vhosts/v", "", 201, ""),
        ("PUT /api/queues/v/q", r#"{"durable":true,"arguments":{"x-max-length":3}}"#, 201, ""),
        ("PUT /api/exchanges/v/e", r#"{"type":"fanout"}"#, 201, ""),
        ("POST /api/bindings/v/e/e/q/q", "{}", 201, ""),
        ("PUT /api/policies/v/p", r#"{"pattern":"","definition":{"max-length":3}}"#, 201, ""),
        ("PUT /api/users/joe", r#"{"password":"x","tags":"management"}"#, 201, ""),
    ])
    .await;
    let whole = api.get("/api/definitions").await;
    let other = Api::start();
    other.dialogue(&[("POST /api/definitions", &whole.to_string(), 204, "")]).await;
    assert_eq!(other.get("/api/definitions").await, whole);
    other.by("joe", "x").dialogue(&[("GET /api/whoami", "", 200, "joe")]).await;
    let part = api.get("/api/definitions/v").await;
    assert_eq!(part["queues"][0]["vhost"], Value::Null);
    other
        .dialogue(&[
            ("PUT /api/vhosts/w", "", 201, ""),
            ("POST /api/definitions/w", &part.to_string(), 204, ""),
            ("GET /api/queues/w/q?columns=arguments", "", 200, r#"{"x-max-length":3}"#),
            ("GET /api/policies/w/p", "", 200, r#""vhost":"w""#),
            (
                "POST /api/definitions/w",
                r#"{"users":[{"name":"x"}]}"#,
                400,
                "users belong to the whole broker",
            ),
            ("POST /api/definitions", "{", 400, "not_json"),
            ("POST /api/definitions", r#"{"queues":[{"durable":true}]}"#, 400, "queues[0]"),
            ("POST /api/definitions", "", 400, "definitions document"),
        ])
        .await;
}

#[tokio::test]
async fn events_come_as_they_happen_to_whom_they_concern() {
    let api = Api::start();
    let ann = api.add("ann", "management");
    let mut all = api.listen("/api/leveret/events").await;
    let mut hers = ann.listen("/api/leveret/events?keys=queue").await;
    api.dialogue(&[
        ("PUT /api/queues/%2F/unseen", "", 201, ""),
        ("PUT /api/vhosts/v", "", 201, ""),
        ("PUT /api/permissions/v/ann", r#"{"configure":"","write":"","read":""}"#, 201, ""),
        ("PUT /api/queues/v/seen", "", 201, ""),
    ])
    .await;
    let first = all.until("queue.created").await;
    assert!(first.contains(r#""name":"unseen""#), "{first}");
    assert!(all.until("vhost.created").await.contains(r#""name":"v""#));
    let seen = hers.until("queue.created").await;
    assert!(seen.contains(r#""name":"seen""#) && seen.contains("timestamp_in_ms"), "{seen}");
}

#[tokio::test]
async fn event_streams_have_a_bound() {
    let mut options = Options::default();
    options.event_streams_max = 1;
    let api = Api::with(options);
    let one = api.listen("/api/leveret/events").await;
    let refused = api.ask("GET /api/leveret/events", "").await;
    assert_eq!((refused.status.as_u16(), &refused.body["error"]), (503, &json!("too_many_streams")));
    drop(one);
    api.listen("/api/leveret/events").await;
}

#[tokio::test]
async fn connections_are_listed_and_closed() {
    let api = Api::start();
    assert_eq!(api.get("/api/connections").await, json!([]));
    let stream = api.broker.connect();
    let appears = async {
        while api.get("/api/connections").await.as_array().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), appears).await.unwrap();
    // Nobody's yet: whoever does not see all does not see it.
    assert_eq!(api.add("ann", "management").get("/api/connections").await, json!([]));
    let request = Request::delete("/api/connections/in-process").header("x-reason", "so");
    assert_eq!(api.send(request.body(Body::empty()).unwrap()).await.status, 204);
    api.dialogue(&[
        ("GET /api/connections/none", "", 404, ""),
        ("GET /api/channels", "", 200, "[]"),
        ("GET /api/consumers/%2F", "", 200, "[]"),
    ])
    .await;
    drop(stream);
}
