//! Publishing, getting, and what Leveret does with messages.

use crate::support::Api;
use serde_json::{Value, json};
use std::time::Duration;

const PUBLISH: &str = "POST /api/exchanges/%2F/amq.default/publish";

fn body(key: &str, payload: &str, properties: Value) -> String {
    json!({ "routing_key": key, "payload": payload, "payload_encoding": "string", "properties": properties })
        .to_string()
}

#[tokio::test]
async fn what_is_published_can_be_got() {
    let api = Api::start();
    let properties =
        json!({ "delivery_mode": 2, "headers": { "a": 1 }, "message_id": "m", "expiration": 60000 });
    api.dialogue(&[
        ("PUT /api/queues/%2F/q", r#"{"durable":true}"#, 201, ""),
        (PUBLISH, &body("q", "hello", properties), 200, r#"{"routed":true}"#),
        (PUBLISH, &body("none", "hello", json!({})), 200, r#"{"routed":false}"#),
        (PUBLISH, &body("q", "hello", json!({ "user_id": "joe" })), 400, "user_id property set to 'joe'"),
        (PUBLISH, &body("q", "hello", json!({ "delivery_mode": 9 })), 400, "delivery_mode_unknown"),
        (PUBLISH, &body("q", "hello", json!({ "priority": 256 })), 400, "0 to 255"),
        (PUBLISH, &body("q", "hello", json!({ "expiration": "soon" })), 400, "invalid expiration 'soon'"),
        (PUBLISH, r#"{"routing_key":"q"}"#, 400, "key_missing,payload"),
        (
            PUBLISH,
            r#"{"routing_key":"q","payload":"!","payload_encoding":"base64","properties":{}}"#,
            400,
            "payload is not base64",
        ),
        (
            "POST /api/exchanges/%2F/none/publish",
            &body("q", "x", json!({})),
            400,
            "no exchange 'none' in vhost '/'",
        ),
        (
            PUBLISH,
            r#"{"routing_key":"q","payload":"/wD/","payload_encoding":"base64","properties":[]}"#,
            200,
            r#"{"routed":true}"#,
        ),
    ])
    .await;
    let all = json!({ "count": 5, "ackmode": "ack_requeue_true", "encoding": "auto" }).to_string();
    let got = api.ask("POST /api/queues/%2F/q/get", &all).await.body;
    assert_eq!(
        got[0],
        json!({ "exchange": "", "routing_key": "q", "payload": "hello", "payload_bytes": 5, "payload_encoding": "string",
            "redelivered": false, "message_count": 1,
            "properties": { "delivery_mode": 2, "headers": { "a": 1 }, "message_id": "m", "expiration": "60000" } })
    );
    assert_eq!((&got[1]["payload"], &got[1]["payload_encoding"]), (&json!("/wD/"), &json!("base64")));
    assert_eq!(got[1]["properties"], json!([]));
    let one = json!({ "count": 1, "ackmode": "ack_requeue_false", "encoding": "base64", "truncate": 3 })
        .to_string();
    let got = api.ask("POST /api/queues/%2F/q/get", &one).await.body;
    assert_eq!(
        (&got[0]["payload"], &got[0]["payload_bytes"], &got[0]["redelivered"]),
        (&json!("aGVs"), &json!(5), &json!(true))
    );
    assert_eq!(api.get("/api/queues/%2F/q").await["messages"], 1);
    let stats = &api.get("/api/overview").await["message_stats"];
    assert_eq!((&stats["publish"], &stats["get"], &stats["get_no_ack"]), (&json!(3), &json!(2), &json!(1)));
    api.dialogue(&[
        ("POST /api/queues/%2F/q/get", r#"{"count":1,"encoding":"auto"}"#, 400, "key_missing,ackmode"),
        (
            "POST /api/queues/%2F/q/get",
            r#"{"count":1,"encoding":"auto","ackmode":"x"}"#,
            400,
            "unknown ackmode x",
        ),
        ("POST /api/queues/%2F/none/get", &one, 404, "no queue 'none' in vhost '/'"),
    ])
    .await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_rejected_message_is_dead_lettered() {
    let api = Api::start();
    let arguments = r#"{"arguments":{"x-max-length":1,"x-overflow":"reject-publish","x-dead-letter-exchange":"","x-dead-letter-routing-key":"dead"}}"#;
    api.dialogue(&[
        ("PUT /api/queues/%2F/dead", "", 201, ""),
        ("PUT /api/queues/%2F/q", arguments, 201, ""),
        (PUBLISH, &body("q", "1", json!({})), 200, r#"{"routed":true}"#),
        (PUBLISH, &body("q", "2", json!({})), 400, "rejected"),
        (
            "POST /api/queues/%2F/q/get",
            r#"{"count":1,"ackmode":"reject_requeue_false","encoding":"auto"}"#,
            200,
            "payload",
        ),
        (
            "POST /api/queues/%2F/dead/get",
            r#"{"count":1,"ackmode":"ack_requeue_true","encoding":"auto"}"#,
            200,
            r#""reason":"rejected""#,
        ),
    ])
    .await;
}

#[tokio::test]
async fn messages_are_browsed_and_swept() {
    let api = Api::start();
    let sweeps = "POST /api/leveret/queues/%2F/q/sweeps";
    let browse = "POST /api/leveret/queues/%2F/q/browse";
    api.dialogue(&[("PUT /api/queues/%2F/q", "", 201, ""), ("PUT /api/queues/%2F/r", "", 201, "")]).await;
    for number in 0..5 {
        let body = body("q", &format!("body {number}"), json!({ "message_id": number.to_string() }));
        api.dialogue(&[(PUBLISH, &body, 200, "true")]).await;
    }
    let page = api.ask(browse, r#"{"count":2,"truncate":4}"#).await.body;
    assert_eq!(
        (&page["messages"][0]["payload"], &page["messages"][0]["payload_bytes"]),
        (&json!("body"), &json!(6))
    );
    let next = json!({ "count": 9, "cursor": page["next"] }).to_string();
    let rest = api.ask(browse, &next).await.body;
    assert_eq!((rest["messages"].as_array().unwrap().len(), &rest["next"]), (3, &Value::Null));
    assert_eq!(rest["messages"][0]["redelivered"], false);
    let found = api.ask(browse, r#"{"filter":[{"body_contains":"3"}]}"#).await.body;
    assert_eq!(
        (&found["messages"][0]["properties"]["message_id"], &found["looked"]),
        (&json!("3"), &json!(5))
    );
    let place = &found["messages"][0]["place"];
    let order = json!({ "action": "move", "to": "r", "places": [place] }).to_string();
    let begun = api.ask(sweeps, &order).await;
    assert_eq!(
        (begun.status.as_u16(), &begun.body["action"], &begun.body["id"]),
        (202, &json!("move"), &json!(1))
    );
    until(&api, "done", 1).await;
    assert_eq!(api.get("/api/queues/%2F/r").await["messages"], 1);
    api.dialogue(&[
        (browse, r#"{"cursor":"nowhere"}"#, 400, "'nowhere' is no place"),
        (browse, r#"{"filter":[{"nosuch":1}]}"#, 400, "there is no condition nosuch"),
        (sweeps, r#"{"action":"nosuch"}"#, 400, "not nosuch"),
        (sweeps, r#"{"action":"move"}"#, 400, "key_missing,to"),
        (sweeps, r#"{"action":"delete","per_second":0}"#, 400, "per_second"),
        (sweeps, r#"{"action":"delete","filter":[{"message_id":"0"}]}"#, 202, "delete"),
    ])
    .await;
    until(&api, "done", 2).await;
    assert_eq!(api.get("/api/queues/%2F/q").await["messages"], 3);
    api.dialogue(&[
        ("DELETE /api/leveret/sweeps/%2F/1", "", 204, ""),
        ("DELETE /api/leveret/sweeps/%2F/9", "", 404, ""),
        ("GET /api/leveret/sweeps/%2F", "", 200, r#""moved":1"#),
    ])
    .await;
}

async fn until(api: &Api, state: &str, id: u64) {
    let is = async {
        while api.get(&format!("/api/leveret/sweeps/%2F/{id}")).await["state"] != state {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is).await.unwrap();
}

#[tokio::test]
async fn a_queue_is_paused() {
    let api = Api::start();
    let get = r#"{"count":1,"ackmode":"ack_requeue_true","encoding":"auto"}"#;
    api.dialogue(&[
        ("PUT /api/queues/%2F/q", "", 201, ""),
        (PUBLISH, &body("q", "x", json!({})), 200, "true"),
        ("POST /api/queues/%2F/q/actions", r#"{"action":"pause"}"#, 204, ""),
        ("GET /api/queues/%2F/q?columns=state", "", 200, "paused"),
        ("POST /api/queues/%2F/q/get", get, 200, "[]"),
        ("POST /api/leveret/queues/%2F/q/resume", "", 204, ""),
        ("POST /api/queues/%2F/q/get", get, 200, "payload"),
        ("POST /api/queues/%2F/q/actions", r#"{"action":"sync"}"#, 204, ""),
        ("POST /api/queues/%2F/q/actions", r#"{"action":"nosuch"}"#, 400, r#"["unknown","nosuch"]"#),
    ])
    .await;
}

#[tokio::test]
async fn what_waits_for_its_moment_is_sent_or_cancelled() {
    let api = Api::start();
    let delayed = body("q", "later", json!({ "headers": { "x-delay": 60000 } }));
    api.dialogue(&[
        (
            "PUT /api/exchanges/%2F/late",
            r#"{"type":"x-delayed-message","arguments":{"x-delayed-type":"direct"}}"#,
            201,
            "",
        ),
        ("PUT /api/queues/%2F/q", "", 201, ""),
        ("POST /api/bindings/%2F/e/late/q/q", r#"{"routing_key":"q"}"#, 201, ""),
        ("POST /api/exchanges/%2F/late/publish", &delayed, 200, ""),
        ("POST /api/exchanges/%2F/late/publish", &delayed, 200, ""),
        ("GET /api/leveret/schedules/%2F/amq.direct", "", 400, "is not of type x-delayed-message"),
        ("GET /api/leveret/schedules/%2F/none", "", 404, "no exchange 'none'"),
    ])
    .await;
    let all = api.get("/api/leveret/schedules/%2F/late?count=1").await;
    assert_eq!((&all["count"], &all["bytes"]), (&json!(2), &json!(10)));
    let first = all["messages"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(all["messages"][0]["due_at"], 1_700_000_060_000_u64);
    let rest = api.get(&format!("/api/leveret/schedules/%2F/late?after={first}")).await;
    let second = rest["messages"][0]["id"].as_str().unwrap().to_owned();
    api.dialogue(&[
        (&format!("POST /api/leveret/schedules/%2F/late/{first}/send"), "", 204, ""),
        (&format!("POST /api/leveret/schedules/%2F/late/{first}/send"), "", 404, ""),
        (&format!("DELETE /api/leveret/schedules/%2F/late/{second}"), "", 204, ""),
        ("DELETE /api/leveret/schedules/%2F/late/x", "", 404, ""),
        ("GET /api/queues/%2F/q?columns=messages", "", 200, r#"{"messages":1}"#),
    ])
    .await;
}

#[tokio::test]
async fn messages_are_followed_on_their_way() {
    let api = Api::start();
    let begin = "POST /api/leveret/traces/%2F";
    let order = json!({ "filter": [{ "message_id": "7" }], "ttl": 60_000, "events_max": 10 }).to_string();
    let begun = api.ask(begin, &order).await;
    assert_eq!(begun.status, 201, "{}", begun.body);
    let place = format!("/api/leveret/traces/%2F/{}", begun.body["id"]);
    let mut stream = api.listen(&format!("{place}/follow")).await;
    let one = json!({ "count": 1, "ackmode": "ack_requeue_false", "encoding": "auto" }).to_string();
    api.dialogue(&[
        ("PUT /api/queues/%2F/q", r#"{"durable":true}"#, 201, ""),
        (PUBLISH, &body("q", "hello", json!({ "message_id": "8" })), 200, r#"{"routed":true}"#),
        (PUBLISH, &body("q", "hello", json!({ "message_id": "7" })), 200, r#"{"routed":true}"#),
        ("POST /api/queues/%2F/q/get", &one, 200, "hello"),
        ("POST /api/queues/%2F/q/get", &one, 200, "hello"),
    ])
    .await;
    let published: Value = serde_json::from_str(&stream.until("published").await).unwrap();
    assert_eq!((&published["message_id"], &published["queues"]), (&json!("7"), &json!(["q"])));
    let got: Value = serde_json::from_str(&stream.until("got").await).unwrap();
    assert_eq!((&got["queue"], &got["number"]), (&json!("q"), &json!(2)));
    let page = api.get(&format!("{place}/events?after=1")).await;
    assert_eq!((&page["events"][0], &page["state"]), (&got, &json!("running")));
    let shown = api.get(&place).await;
    assert_eq!(shown["filter"], json!([{ "message_id": "7" }]));
    assert_eq!((&shown["events_max"], &shown["state"]), (&json!(10), &json!("running")));
    assert_eq!(api.get("/api/leveret/traces/%2F").await, json!([shown]));
    let reader = api.add("reader", "monitoring");
    let refused = reader.ask(begin, "{}").await;
    assert_eq!(refused.status, 401, "who may only look at figures follows no messages: {}", refused.body);
    api.dialogue(&[
        (begin, r#"{"ttl":0}"#, 400, "ttl is a number from 1"),
        (begin, r#"{"trace_id":"x"}"#, 400, "32 hexadecimal digits"),
        (begin, r#"{"filter":[{"colour":"red"}]}"#, 400, "there is no condition colour"),
        (&format!("DELETE {place}"), "", 204, ""),
        (&format!("GET {place}"), "", 404, ""),
        (&format!("GET {place}/follow"), "", 404, ""),
    ])
    .await;
}
