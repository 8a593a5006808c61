//! Exchanges, bindings, virtual hosts, policies, parameters, limits.

use crate::support::Api;

#[tokio::test]
async fn exchanges_and_bindings() {
    let api = Api::start();
    api.dialogue(&[
        ("PUT /api/exchanges/%2F/e1", r#"{"type":"topic"}"#, 201, ""),
        ("PUT /api/exchanges/%2F/e1", r#"{"type":"topic"}"#, 204, ""),
        (
            "PUT /api/exchanges/%2F/e1",
            r#"{"type":"direct"}"#,
            400,
            "inequivalent arg 'type' for exchange 'e1'",
        ),
        ("PUT /api/exchanges/%2F/e2", r#"{"type":"nosuch"}"#, 400, "unknown exchange type 'nosuch'"),
        ("PUT /api/exchanges/%2F/e2", "{}", 400, "key_missing,type"),
        ("GET /api/exchanges/%2F/e1?columns=type,durable", "", 200, r#"{"durable":true,"type":"topic"}"#),
        ("GET /api/exchanges/%2F/amq.default?columns=name", "", 200, r#"{"name":""}"#),
        ("GET /api/exchanges/%2F/none", "", 404, "Object Not Found"),
        ("PUT /api/queues/%2F/q", "", 201, ""),
        ("POST /api/bindings/%2F/e/e1/q/q", r#"{"routing_key":"a/#","arguments":{"x":1}}"#, 201, ""),
        ("POST /api/bindings/%2F/e/e1/q/q", r#"{"routing_key":"b"}"#, 201, ""),
        ("POST /api/bindings/%2F/e/e1/q/none", "{}", 404, "no queue 'none' in vhost '/'"),
        ("POST /api/bindings/%2F/e/none/q/q", "{}", 404, "no exchange 'none' in vhost '/'"),
        ("POST /api/bindings/%2F/e/e1/e/amq.fanout", "{}", 201, ""),
        ("GET /api/bindings/%2F/e/e1/q/q/b", "", 200, r#""routing_key":"b""#),
        ("GET /api/bindings/%2F/e/e1/e/amq.fanout/~", "", 200, r#""destination_type":"exchange""#),
        ("GET /api/bindings/%2F/e/e1/q/q/none", "", 404, ""),
        (
            "GET /api/exchanges/%2F/e1/bindings/source?columns=destination",
            "",
            200,
            r#"[{"destination":"amq.fanout"},{"destination":"q"},{"destination":"q"}]"#,
        ),
        (
            "GET /api/exchanges/%2F/amq.fanout/bindings/destination?columns=source",
            "",
            200,
            r#"[{"source":"e1"}]"#,
        ),
        ("DELETE /api/bindings/%2F/e/e1/q/q/b", "", 204, ""),
        ("DELETE /api/bindings/%2F/e/e1/q/q/b", "", 404, ""),
        ("DELETE /api/exchanges/%2F/e1?if-unused=true", "", 400, "in use"),
        ("DELETE /api/exchanges/%2F/e1", "", 204, ""),
        ("DELETE /api/exchanges/%2F/e1", "", 404, ""),
        ("DELETE /api/exchanges/%2F/amq.topic", "", 401, "not allowed"),
    ])
    .await;
    // The default exchange's bindings are implied.
    let all = api.get("/api/queues/%2F/q/bindings?columns=source,properties_key").await;
    assert_eq!(all.to_string(), r#"[{"properties_key":"q","source":""}]"#);
}

#[tokio::test]
async fn a_binding_is_found_by_the_key_that_lists_give() {
    let api = Api::start();
    api.dialogue(&[
        ("PUT /api/queues/%2F/q", "", 201, ""),
        (
            "POST /api/bindings/%2F/e/amq.headers/q/q",
            r#"{"routing_key":"a b/c","arguments":{"x":1}}"#,
            201,
            "",
        ),
    ])
    .await;
    let all = api.get("/api/bindings/%2F/e/amq.headers/q/q").await;
    let key = all[0]["properties_key"].as_str().unwrap();
    assert!(key.starts_with("a+b%2Fc~"), "{key}");
    let path = format!("DELETE /api/bindings/%2F/e/amq.headers/q/q/{}", key.replace('%', "%25"));
    api.dialogue(&[(&path, "", 204, "")]).await;
    assert_eq!(api.get("/api/bindings/%2F/e/amq.headers/q/q").await.to_string(), "[]");
}

#[tokio::test]
async fn virtual_hosts() {
    let api = Api::start();
    api.dialogue(&[
        ("PUT /api/vhosts/v", r#"{"description":"d","tags":"a, b","default_queue_type":"quorum"}"#, 201, ""),
        ("PUT /api/vhosts/v", r#"{"tracing":true}"#, 204, ""),
        (
            "GET /api/vhosts/v?columns=name,description,tags,default_queue_type,tracing",
            "",
            200,
            r#"{"default_queue_type":"quorum","description":"d","name":"v","tags":["a","b"],"tracing":true}"#,
        ),
        ("PUT /api/vhosts/w", r#"{"default_queue_type":"nosuch"}"#, 400, "unsupported queue type nosuch"),
        ("GET /api/vhosts?columns=name", "", 200, r#"[{"name":"/"},{"name":"v"}]"#),
        // Whoever makes it may use it.
        ("GET /api/permissions/v/guest", "", 200, r#""configure":".*""#),
        ("PUT /api/queues/v/q", r#"{"durable":true}"#, 201, ""),
        ("GET /api/queues/v/q?columns=type", "", 200, "quorum"),
        ("POST /api/vhosts/v/deletion/protection", "", 204, ""),
        ("DELETE /api/vhosts/v", "", 412, "protected from deletion"),
        ("DELETE /api/vhosts/v/deletion/protection", "", 204, ""),
        ("DELETE /api/vhosts/v", "", 204, ""),
        ("DELETE /api/vhosts/v", "", 404, ""),
        ("GET /api/vhosts/v", "", 404, ""),
        ("POST /api/vhosts/%2F/start/none", "", 404, ""),
    ])
    .await;
}

#[tokio::test]
async fn policies_and_parameters() {
    let api = Api::start();
    api.dialogue(&[
        (
            "PUT /api/policies/%2F/p",
            r#"{"pattern":"^q","definition":{"max-length":5},"apply-to":"queues"}"#,
            201,
            "",
        ),
        (
            "PUT /api/policies/%2F/p",
            r#"{"pattern":"^q","definition":{"max-length":6},"priority":2}"#,
            204,
            "",
        ),
        ("PUT /api/policies/%2F/r", r#"{"pattern":"^q"}"#, 400, "key_missing,definition"),
        (
            "PUT /api/policies/%2F/r",
            r#"{"pattern":"^q","definition":{"nosuch":1}}"#,
            400,
            "are not recognised policy settings",
        ),
        (
            "PUT /api/policies/%2F/r",
            r#"{"pattern":"(","definition":{"max-length":1}}"#,
            400,
            "regular expression",
        ),
        ("PUT /api/operator-policies/%2F/op", r#"{"pattern":"","definition":{"max-length":4}}"#, 201, ""),
        ("PUT /api/queues/%2F/q", "", 201, ""),
        (
            "GET /api/queues/%2F/q?columns=policy,operator_policy,effective_policy_definition",
            "",
            200,
            r#"{"effective_policy_definition":{"max-length":4},"operator_policy":"op","policy":"p"}"#,
        ),
        ("GET /api/policies/%2F/p?columns=priority,apply-to", "", 200, r#"{"apply-to":"all","priority":2}"#),
        ("GET /api/parameters/operator_policy/%2F/op", "", 200, r#""max-length":4"#),
        ("DELETE /api/operator-policies/%2F/op", "", 204, ""),
        ("DELETE /api/policies/%2F/p", "", 204, ""),
        ("DELETE /api/policies/%2F/p", "", 404, ""),
        ("PUT /api/parameters/nosuch/%2F/x", r#"{"value":1}"#, 400, "component nosuch not found"),
        ("PUT /api/vhost-limits/%2F/max-queues", r#"{"value":1}"#, 204, ""),
        ("PUT /api/queues/%2F/r", "", 400, "limit"),
        ("GET /api/vhost-limits", "", 200, r#"[{"value":{"max-queues":1},"vhost":"/"}]"#),
        ("GET /api/parameters/vhost-limits/%2F/limits", "", 200, r#""value":{"max-queues":1}"#),
        ("DELETE /api/vhost-limits/%2F/max-queues", "", 204, ""),
        ("PUT /api/vhost-limits/%2F/nosuch", r#"{"value":1}"#, 400, "nosuch"),
        ("PUT /api/global-parameters/cluster_name", r#"{"value":"here"}"#, 201, ""),
        ("GET /api/cluster-name", "", 200, r#"{"name":"here"}"#),
        ("PUT /api/cluster-name", r#"{"name":"there"}"#, 204, ""),
        ("GET /api/global-parameters/cluster_name", "", 200, "there"),
        ("DELETE /api/global-parameters/cluster_name", "", 204, ""),
        ("DELETE /api/global-parameters/cluster_name", "", 404, ""),
    ])
    .await;
}

#[tokio::test]
async fn only_a_policymaker_sets_policies() {
    let api = Api::start();
    let ann = api.add("ann", "management");
    let max = api.add("max", "policymaker");
    api.dialogue(&[
        ("PUT /api/permissions/%2F/max", r#"{"configure":"","write":"","read":""}"#, 201, ""),
        ("PUT /api/permissions/%2F/ann", r#"{"configure":"","write":"","read":""}"#, 201, ""),
    ])
    .await;
    let policy = r#"{"pattern":"","definition":{"max-length":1}}"#;
    ann.dialogue(&[("PUT /api/policies/%2F/p", policy, 401, "not_authorised")]).await;
    max.dialogue(&[
        ("PUT /api/policies/%2F/p", policy, 201, ""),
        ("PUT /api/operator-policies/%2F/p", policy, 401, "Not administrator user"),
        ("GET /api/users", "", 401, "Not administrator user"),
        ("GET /api/nodes", "", 401, "Not monitor user"),
    ])
    .await;
}
