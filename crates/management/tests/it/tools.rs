//! What other people's programs ask for at their start, request by request, and what of the answer they read. Where that is written:
//! docs/reference/http-api.md, "What tools ask".

use crate::support::Api;
use serde_json::Value;

/// A place in an answer, and whether a program can make something of what is there.
type Read = (&'static str, fn(&Value) -> bool);

/// Values that a program reads, by their place in the answer.
async fn reads(api: &Api, path: &str, places: &[Read]) {
    let answer = api.get(path).await;
    for (place, is_right) in places {
        let found = answer.pointer(place);
        assert!(found.is_some_and(is_right), "{path} {place}: {found:?} in {answer}");
    }
}

const PUBLISH: &str = "POST /api/exchanges/%2F/amq.default/publish";

/// KEDA's scaler: lengths and rates of a queue, or of all whose names match.
#[tokio::test]
async fn keda_reads_lengths_and_rates() {
    let api = Api::start();
    let message = r#"{"properties":{},"routing_key":"jobs-1","payload":"x","payload_encoding":"string"}"#;
    api.dialogue(&[
        ("PUT /api/vhosts/my%2Fvhost", "", 201, ""),
        ("PUT /api/queues/%2F/jobs-1", r#"{"durable":true}"#, 201, ""),
        ("PUT /api/queues/%2F/jobs-2", r#"{"durable":true}"#, 201, ""),
        ("PUT /api/queues/my%2Fvhost/a%20b", "{}", 201, ""),
        (PUBLISH, message, 200, r#""routed":true"#),
        (PUBLISH, message, 200, r#""routed":true"#),
        // Nothing to scale: the scaler reports an error for a queue that is not there.
        ("GET /api/queues/%2F/none", "", 404, ""),
        // (as `url.QueryEscape` writes a blank in a path, and as a URL has it)
        ("GET /api/queues/my%2Fvhost/a%20b", "", 200, r#""messages":0"#),
    ])
    .await;
    let queue: [Read; 5] = [
        ("/name", Value::is_string),
        ("/messages", |value| *value == 2),
        ("/messages_ready", |value| *value == 2),
        ("/messages_unacknowledged", |value| *value == 0),
        ("/message_stats/publish_details/rate", Value::is_number),
    ];
    reads(&api, "/api/queues/%2F/jobs-1", &queue).await;
    reads(&api, "/api/queues/%2F/jobs-1", &[("/message_stats/deliver_get_details/rate", Value::is_number)])
        .await;
    let matching = "/api/queues/%2F?page=1&use_regex=true&pagination=false&name=%5Ejobs-.*%24&page_size=100";
    reads(
        &api,
        matching,
        &[
            ("/page_count", |value| *value == 1),
            ("/items/1/name", |value| value == "jobs-2"),
            ("/items/0/messages", |value| *value == 2),
            ("/items/0/message_stats/publish_details/rate", Value::is_number),
        ],
    )
    .await;
    let none = "/api/queues/%2F?page=1&use_regex=true&pagination=false&name=%5Enone%24&page_size=100";
    reads(&api, none, &[("/items", |items| items.as_array().is_some_and(Vec::is_empty))]).await;
}

/// NServiceBus: the broker's version, whether streams are on, the delivery limit of each queue that it takes messages from.
#[tokio::test]
async fn nservicebus_checks_version_streams_and_delivery_limits() {
    let api = Api::start();
    let version: fn(&Value) -> bool = |value| {
        let text = value.as_str().unwrap_or_default();
        let mut numbers =
            text.split('-').next().unwrap_or_default().split('.').map(|part| part.parse::<u32>());
        let parts: Vec<u32> = numbers.by_ref().map_while(Result::ok).collect();
        parts.len() == 3 && parts >= vec![3, 10, 0]
    };
    reads(&api, "/api/overview", &[("/rabbitmq_version", version), ("/product_name", Value::is_string)])
        .await;
    let flags = api.get("/api/feature-flags").await;
    let streams = flags.as_array().unwrap().iter().find(|flag| flag["name"] == "stream_queue").unwrap();
    assert_eq!(streams["state"], "enabled");
    let quorum = r#"{"durable":true,"arguments":{"x-queue-type":"quorum"}}"#;
    let policy = r#"{"pattern":"^orders$","definition":{"delivery-limit":-1},"priority":0,"apply-to":"quorum_queues"}"#;
    api.dialogue(&[
        ("PUT /api/queues/%2F/orders", quorum, 201, ""),
        ("GET /api/queues/%2F/none", "", 404, ""),
        ("PUT /api/policies/%2F/nsb.orders.delivery-limit", policy, 201, ""),
        (
            "GET /api/queues/%2F/?page=1&page_size=500&name=&use_regex=false&pagination=true",
            "",
            200,
            r#""items":[{"#,
        ),
        ("GET /api/queues/%2F/orders/bindings", "", 200, r#""destination":"orders""#),
        // (of what is not there they are an empty list, as in RabbitMQ: tools look for what to unbind)
        ("GET /api/queues/%2F/none/bindings", "", 200, "[]"),
        ("GET /api/exchanges/%2F/none/bindings/source", "", 200, "[]"),
        ("GET /api/bindings/%2F/e/none/q/none", "", 200, "[]"),
        ("GET /api/bindings/%2F/e/none/q/none/k", "", 404, ""),
    ])
    .await;
    reads(
        &api,
        "/api/queues/%2F/orders",
        &[
            ("/type", |value| value == "quorum"),
            ("/vhost", |value| value == "/"),
            ("/arguments/x-queue-type", |value| value == "quorum"),
            ("/effective_policy_definition/delivery-limit", |value| *value == -1),
            ("/policy", |value| value == "nsb.orders.delivery-limit"),
        ],
    )
    .await;
}

/// What somebody asks before a move to a later RabbitMQ.
#[tokio::test]
async fn features_on_their_way_out_are_named_and_found_in_use() {
    let api = Api::start();
    let listed = api.get("/api/deprecated-features").await;
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["classic_queue_mirroring", "global_qos", "ram_node_type", "transient_nonexcl_queues"]);
    api.dialogue(&[
        ("PUT /api/queues/%2F/lasting", r#"{"durable":true}"#, 201, ""),
        ("GET /api/deprecated-features/used", "", 200, "[]"),
        ("PUT /api/queues/%2F/passing", "{}", 201, ""),
        ("GET /api/deprecated-features/used", "", 200, r#""deprecation_phase":"permitted_by_default""#),
        ("GET /api/stream/connections/%2F", "", 200, "[]"),
        ("GET /api/stream/publishers/none", "", 404, ""),
    ])
    .await;
    assert_eq!(api.get("/api/deprecated-features/used").await[0]["name"], "transient_nonexcl_queues");
}

/// Spring's test support compares this answer byte for byte.
#[tokio::test]
async fn spring_tests_whether_the_broker_is_alive() {
    let api = Api::start();
    let request =
        axum::http::Request::get("/api/aliveness-test/%2F").body(axum::body::Body::empty()).unwrap();
    let answered = api.raw(request).await;
    assert_eq!((answered.status.as_u16(), answered.text.as_str()), (200, r#"{"status":"ok"}"#));
    // Java's client sends the password only when it was asked for it.
    let request =
        axum::http::Request::get("/api/aliveness-test/%2F").body(axum::body::Body::empty()).unwrap();
    let answered = api.by_nobody().raw(request).await;
    assert_eq!(answered.status.as_u16(), 401);
    assert!(answered.headers["www-authenticate"].to_str().unwrap().starts_with("Basic "));
}

/// rabbit-hole, with which Terraform's provider and the topology operator of Kubernetes work: what is put is put once more at each look,
/// and what is gone may be deleted again.
#[tokio::test]
async fn terraform_and_the_topology_operator_put_look_and_delete() {
    let api = Api::start();
    let policy = r#"{"vhost":"shop","pattern":".*","apply-to":"queues","name":"p","priority":0,"definition":{"max-length":10}}"#;
    let queue =
        r#"{"type":"quorum","durable":true,"auto_delete":false,"arguments":{"x-queue-type":"quorum"}}"#;
    let exchange = r#"{"type":"topic","durable":true,"auto_delete":false,"arguments":null}"#;
    let binding = r#"{"source":"e","vhost":"shop","destination":"q","destination_type":"queue","routing_key":"a.b","arguments":null,"properties_key":""}"#;
    let user = r#"{"name":"ann","tags":"management,policymaker","password":"secret","hashing_algorithm":"rabbit_password_hashing_sha256"}"#;
    api.dialogue(&[
        (
            "PUT /api/vhosts/shop",
            r#"{"description":"","tags":null,"default_queue_type":"","tracing":false}"#,
            201,
            "",
        ),
        ("PUT /api/vhosts/shop", r#"{"tracing":false}"#, 204, ""),
        ("GET /api/vhosts/shop", "", 200, r#""name":"shop""#),
        ("GET /api/vhosts/none", "", 404, "Object Not Found"),
        ("PUT /api/users/ann", user, 201, ""),
        ("PUT /api/users/ann", user, 204, ""),
        ("GET /api/users/ann", "", 200, r#""tags":["management","policymaker"]"#),
        ("PUT /api/permissions/shop/ann", r#"{"configure":".*","write":".*","read":".*"}"#, 201, ""),
        ("PUT /api/permissions/shop/ann", r#"{"configure":".*","write":".*","read":".*"}"#, 204, ""),
        ("GET /api/permissions/shop/ann", "", 200, r#""configure":".*""#),
        ("PUT /api/topic-permissions/shop/ann", r#"{"exchange":"e","write":".*","read":".*"}"#, 201, ""),
        ("GET /api/topic-permissions/shop/ann", "", 200, r#"[{"exchange":"e""#),
        ("PUT /api/exchanges/shop/e", exchange, 201, ""),
        ("PUT /api/exchanges/shop/e", exchange, 204, ""),
        ("GET /api/exchanges/shop/e", "", 200, r#""type":"topic""#),
        ("PUT /api/queues/shop/q", queue, 201, ""),
        ("PUT /api/queues/shop/q", queue, 204, ""),
        ("GET /api/queues/shop/q", "", 200, r#""arguments":{"x-queue-type":"quorum"}"#),
        ("POST /api/bindings/shop/e/e/q/q", binding, 201, ""),
        ("GET /api/bindings/shop/e/e/q/q", "", 200, r#""properties_key":"a.b""#),
        ("GET /api/bindings/shop", "", 200, r#""routing_key":"a.b""#),
        ("PUT /api/policies/shop/p", policy, 201, ""),
        ("PUT /api/policies/shop/p", policy, 204, ""),
        ("GET /api/policies/shop/p", "", 200, r#""apply-to":"queues""#),
        ("PUT /api/operator-policies/shop/o", policy, 201, ""),
        ("GET /api/operator-policies/shop/o", "", 200, r#""pattern":".*""#),
        ("PUT /api/global-parameters/g", r#"{"name":"g","value":{"a":"b"}}"#, 201, ""),
        ("DELETE /api/global-parameters/g", "", 204, ""),
        ("DELETE /api/operator-policies/shop/o", "", 204, ""),
        ("DELETE /api/policies/shop/p", "", 204, ""),
        ("DELETE /api/policies/shop/p", "", 404, ""),
        ("DELETE /api/bindings/shop/e/e/q/q/a.b", "", 204, ""),
        ("DELETE /api/queues/shop/q", "", 204, ""),
        ("DELETE /api/queues/shop/q", "", 404, ""),
        ("DELETE /api/exchanges/shop/e", "", 204, ""),
        ("DELETE /api/topic-permissions/shop/ann/e", "", 204, ""),
        ("DELETE /api/permissions/shop/ann", "", 204, ""),
        ("DELETE /api/users/ann", "", 204, ""),
        ("DELETE /api/users/ann", "", 404, ""),
        ("DELETE /api/vhosts/shop", "", 204, ""),
    ])
    .await;
}
