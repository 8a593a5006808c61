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
