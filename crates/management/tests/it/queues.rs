//! Queues.

use crate::support::Api;

#[tokio::test]
async fn queues_come_and_go() {
    let api = Api::start();
    api.dialogue(&[
        ("PUT /api/queues/%2F/q1", r#"{"durable":true,"arguments":{"x-max-length":3}}"#, 201, ""),
        ("PUT /api/queues/%2F/q1", r#"{"durable":true,"arguments":{"x-max-length":3}}"#, 204, ""),
        (
            "PUT /api/queues/%2F/q1",
            r#"{"durable":false}"#,
            400,
            "inequivalent arg 'durable' for queue 'q1' in vhost '/'",
        ),
        ("PUT /api/queues/%2F/q2", r#"{"durable":tru"#, 400, "not_json"),
        ("PUT /api/queues/%2F/q2", r#"{"durable":"x"}"#, 400, r#"["not_boolean","x"]"#),
        ("PUT /api/queues/none/q2", "{}", 404, "vhost_not_found"),
        ("PUT /api/queues/%2F/q2", "", 201, ""),
        ("GET /api/queues/%2F/q1", "", 200, r#""arguments":{"x-max-length":3}"#),
        ("GET /api/queues/%2F/q1/", "", 200, r#""type":"classic""#),
        ("GET /api/queues/%2F/q1?columns=name", "", 200, r#"{"name":"q1"}"#),
        ("GET /api/queues/%2F/none", "", 404, r#"{"error":"Object Not Found","reason":"Not Found"}"#),
        ("GET /api/queues/none", "", 404, "Object Not Found"),
        ("DELETE /api/queues/%2F/q1/contents", "", 204, ""),
        ("DELETE /api/queues/%2F/q1?if-empty=true", "", 204, ""),
        ("DELETE /api/queues/%2F/q1", "", 404, "Object Not Found"),
        ("GET /api/queues?columns=name", "", 200, r#"[{"name":"q2"}]"#),
    ])
    .await;
}

#[tokio::test]
async fn lists_have_pages() {
    let api = Api::start();
    for number in 1..=7 {
        api.dialogue(&[(&format!("PUT /api/queues/%2F/q{number}"), "", 201, "")]).await;
    }
    api.dialogue(&[
        ("GET /api/queues?page=2&page_size=3&columns=name&sort=name&sort_reverse=true", "", 200,
            r#"{"filtered_count":7,"item_count":3,"items":[{"name":"q4"},{"name":"q3"},{"name":"q2"}],"page":2,"page_count":3,"page_size":3,"total_count":7}"#),
        ("GET /api/queues?page=1&name=Q3", "", 200, r#""filtered_count":1,"item_count":1"#),
        ("GET /api/queues?page=1&name=q%5B12%5D&use_regex=true", "", 200, r#""filtered_count":2"#),
        ("GET /api/queues?page=1&name=(&use_regex=true", "", 400, "bad_request"),
        ("GET /api/queues?page=4&page_size=3", "", 400, "Page out of range, page: 4 page size: 3, len: 7"),
        ("GET /api/queues?page=a", "", 400, "Pagination parameters are invalid"),
        ("GET /api/queues?page=1&page_size=1000", "", 400, "Invalid pagination parameters: page number 1, page size 1000"),
        ("GET /api/queues?page=1&name=none", "", 200, r#""page_count":0"#),
    ])
    .await;
    let plain = api.get("/api/queues?disable_stats=true").await;
    assert!(plain[0].get("messages").is_none());
    let totals = api.get("/api/queues?disable_stats=true&enable_queue_totals=true").await;
    assert_eq!(totals[0]["messages"], 0);
}

/// An attribute alone is the attribute of the whole, whatever it is: of lists that are cut to columns and of those that are sorted by it
/// nothing else is made.
#[tokio::test]
async fn lists_are_cut_to_and_sorted_by_whatever_entries_have() {
    let api = Api::start();
    let publish = r#"{"properties":{},"routing_key":"q2","payload":"x","payload_encoding":"string"}"#;
    let policy = |name: &str, length: u32| {
        let path = format!("PUT /api/policies/%2F/{name}");
        (
            path,
            format!(r#"{{"pattern":"^{name}$","definition":{{"max-length":{length}}},"apply-to":"queues"}}"#),
        )
    };
    for (path, body) in [policy("q1", 30), policy("q2", 20), policy("q4", 1)] {
        api.dialogue(&[(&path, &body, 201, "")]).await;
    }
    api.dialogue(&[
        ("PUT /api/queues/%2F/q1", r#"{"durable":true,"arguments":{"x-queue-type":"quorum"}}"#, 201, ""),
        ("PUT /api/queues/%2F/q2", r#"{"arguments":{"x-max-length":3}}"#, 201, ""),
        ("PUT /api/queues/%2F/q3", r#"{"durable":true,"arguments":{"x-queue-type":"stream"}}"#, 201, ""),
        ("PUT /api/queues/%2F/q4", "", 201, ""),
        ("POST /api/exchanges/%2F/amq.default/publish", publish, 200, ""),
    ])
    .await;
    for list in ["/api/queues", "/api/exchanges"] {
        let whole = api.get(list).await;
        let whole = whole.as_array().unwrap();
        let names: std::collections::BTreeSet<&String> =
            whole.iter().flat_map(|entry| entry.as_object().unwrap().keys()).collect();
        assert!(names.len() >= 8, "{names:?}");
        for name in names {
            let of = |entry: &serde_json::Value| entry.get(name).cloned();
            let cut = api.get(&format!("{list}?columns={name}")).await;
            let cut: Vec<_> = cut.as_array().unwrap().iter().map(of).collect();
            assert_eq!(cut, whole.iter().map(of).collect::<Vec<_>>(), "{list} {name}");
            let sorted = api.get(&format!("{list}?sort={name}&page=1")).await;
            assert_eq!(sorted["item_count"], whole.len(), "{list} {name}");
        }
    }
    let by = async |path: &str| -> Vec<String> {
        let answer = api.get(&format!("/api/queues?page=1&sort={path}")).await;
        let items = answer["items"].as_array().unwrap().clone();
        items.iter().map(|queue| queue["name"].as_str().unwrap().to_owned()).collect()
    };
    // What an entry does not have comes first; streams have no `max-length`.
    assert_eq!(by("effective_policy_definition.max-length").await, ["q3", "q4", "q2", "q1"]);
    assert_eq!(by("message_stats.publish_details").await, ["q1", "q3", "q4", "q2"]);
    assert_eq!(by("leader").await, ["q2", "q4", "q1", "q3"]);
    assert_eq!(by("nothing.at.all").await, ["q1", "q2", "q3", "q4"]);
}
