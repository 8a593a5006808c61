//! The commands against a scripted HTTP peer: what they ask, what they print, what they say when something is wrong.

use crate::peer::{Peer, Script};
use crate::support::leveret;
use std::process::{Command, Output};

/// Runs `leveret` against a peer; code, stdout, stderr.
pub(crate) fn run(peer: &Peer, arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command: Command = leveret(&folder, arguments);
    let Output { status, stdout, stderr } = command.env("LEVERET_HTTP", &peer.url).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// One command: what is answered, what is asked, what is printed.
struct Case {
    arguments: &'static [&'static str],
    script: Script,
    asked: &'static [&'static str],
    printed: &'static str,
}

#[test]
fn what_is_asked_and_printed() {
    for Case { arguments, script, asked, printed } in [
        Case {
            arguments: &[
                "queues",
                "list",
                "--vhost",
                "a/b",
                "--columns",
                "name,messages",
                "--sort",
                "messages",
                "--reverse",
            ],
            script: &[(
                "GET /api/queues/a%2Fb?page=1&page_size=500&sort=messages&sort_reverse=true",
                200,
                r#"{"page_count":1,"items":[{"name":"订单","messages":12000},{"name":"b\u001b[2J","messages":3}]}"#,
            )],
            asked: &["GET /api/queues/a%2Fb?page=1&page_size=500&sort=messages&sort_reverse=true"],
            printed: "name        messages\n订单          12,000\nb\\u{1b}[2J         3\n",
        },
        Case {
            arguments: &[
                "trace",
                "--message-id",
                "7",
                "--queue",
                "orders",
                "--ttl",
                "1m",
                "--count",
                "2",
                "--json",
            ],
            script: &[
                ("GET /api/leveret/openapi.json", 200, "{}"),
                ("POST /api/leveret/traces/%2F", 201, r#"{"id":5}"#),
                (
                    "GET /api/leveret/traces/%2F/5/events?after=0",
                    200,
                    r#"{"state":"running","events":[{"event":"got","number":1},{"event":"acked","number":2},{"event":"got","number":3}]}"#,
                ),
                ("DELETE /api/leveret/traces/%2F/5", 204, ""),
            ],
            asked: &[
                "GET /api/leveret/openapi.json",
                r#"POST /api/leveret/traces/%2F {"filter":[{"message_id":"7"}],"queue":"orders","trace_id":null,"ttl":60000}"#,
                "GET /api/leveret/traces/%2F/5/events?after=0",
                "DELETE /api/leveret/traces/%2F/5",
            ],
            printed: "{\"event\":\"got\",\"number\":1}\n{\"event\":\"acked\",\"number\":2}\n",
        },
        Case {
            arguments: &["exchanges", "list", "--json"],
            script: &[
                (
                    "GET /api/exchanges?page=1&page_size=500",
                    200,
                    r#"{"page_count":2,"items":[{"name":"a"}]}"#,
                ),
                (
                    "GET /api/exchanges?page=2&page_size=500",
                    200,
                    r#"{"page_count":2,"items":[{"name":"b"}]}"#,
                ),
            ],
            asked: &["GET /api/exchanges?page=1&page_size=500", "GET /api/exchanges?page=2&page_size=500"],
            printed: "[{\"name\":\"a\"},{\"name\":\"b\"}]\n",
        },
        Case {
            arguments: &[
                "queues",
                "declare",
                "orders",
                "--type",
                "quorum",
                "-a",
                "x-max-length=10",
                "-a",
                "x-overflow=drop-head",
            ],
            script: &[("PUT /api/queues/%2F/orders", 201, "")],
            asked: &[
                r#"PUT /api/queues/%2F/orders {"arguments":{"x-max-length":10,"x-overflow":"drop-head","x-queue-type":"quorum"},"auto_delete":false,"durable":true}"#,
            ],
            printed: "queue 'orders' in vhost '/' declared\n",
        },
        Case {
            arguments: &["queues", "purge", "orders", "--json"],
            script: &[("DELETE /api/queues/%2F/orders/contents", 204, "")],
            asked: &["DELETE /api/queues/%2F/orders/contents"],
            printed: "{\"done\":\"purged\",\"queue\":\"orders\",\"vhost\":\"/\"}\n",
        },
        Case {
            arguments: &["connections", "close", "a -> b", "--reason", "good\nbye", "--quiet"],
            script: &[("DELETE /api/connections/a%20-%3E%20b", 204, "")],
            asked: &["DELETE /api/connections/a%20-%3E%20b (good bye)"],
            printed: "",
        },
        Case {
            arguments: &["users", "set", "app", "--tags", "monitoring"],
            script: &[
                (
                    "GET /api/users/app",
                    200,
                    r#"{"password_hash":"h","hashing_algorithm":"x","tags":["old"]}"#,
                ),
                ("PUT /api/users/app", 204, ""),
            ],
            asked: &[
                "GET /api/users/app",
                r#"PUT /api/users/app {"hashing_algorithm":"x","password_hash":"h","tags":"monitoring"}"#,
            ],
            printed: "user 'app' set\n",
        },
        Case {
            arguments: &["bindings", "delete", "ev", "--queue", "q", "--routing-key", "k"],
            script: &[
                (
                    "GET /api/bindings/%2F/e/ev/q/q",
                    200,
                    r#"[{"routing_key":"k","arguments":{"a":1},"properties_key":"k~x"},{"routing_key":"k","arguments":{},"properties_key":"k"}]"#,
                ),
                ("DELETE /api/bindings/%2F/e/ev/q/q/k", 204, ""),
            ],
            asked: &["GET /api/bindings/%2F/e/ev/q/q", "DELETE /api/bindings/%2F/e/ev/q/q/k"],
            printed: "binding of queue 'q' to exchange 'ev' with routing key 'k' deleted\n",
        },
        Case {
            arguments: &["policies", "set", "ttl", "^o", "message-ttl=5", "--priority", "-1"],
            script: &[("PUT /api/policies/%2F/ttl", 201, "")],
            asked: &[
                r#"PUT /api/policies/%2F/ttl {"apply-to":"all","definition":{"message-ttl":5},"pattern":"^o","priority":-1}"#,
            ],
            printed: "policy 'ttl' in vhost '/' set\n",
        },
        Case {
            arguments: &["limits", "list"],
            script: &[
                ("GET /api/vhost-limits", 200, r#"[{"vhost":"/","value":{"max-queues":100}}]"#),
                ("GET /api/user-limits", 200, r#"[{"user":"app","value":{"max-channels":5}}]"#),
            ],
            asked: &["GET /api/vhost-limits", "GET /api/user-limits"],
            printed: "of     name  limit         value\nvhost  /     max-queues      100\nuser   app   max-channels      5\n",
        },
    ] {
        let peer = Peer::start(script);
        let (code, stdout, stderr) = run(&peer, arguments);
        assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}");
        assert_eq!(stdout, printed, "{arguments:?}");
        assert_eq!(peer.asked(), asked, "{arguments:?}");
    }
}

#[test]
fn health_has_an_exit_code() {
    const WELL: &str = r#"{"status":"ok"}"#;
    let peer = Peer::start(&[
        ("GET /api/health/checks/alarms", 200, WELL),
        (
            "GET /api/health/checks/port-listener/5672",
            503,
            r#"{"status":"failed","reason":"No active listener"}"#,
        ),
    ]);
    assert_eq!(run(&peer, &["health", "alarms"]), (0, "ok      alarms\n".into(), String::new()));
    let (code, stdout, _) = run(&peer, &["health", "alarms", "port-listener"]);
    assert_eq!((code, stdout.as_str()), (1, "ok      alarms\nFAILED  port-listener: No active listener\n"));
    assert_eq!(run(&peer, &["health", "port-listener", "--quiet"]), (1, String::new(), String::new()));
}

#[test]
fn definitions_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    std::fs::write(
        &file,
        r#"{"queues":[{"vhost":"/","name":"q","durable":true},{"vhost":"/","name":"old"}]}"#,
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let peer = Peer::start(&[
        ("GET /api/definitions", 200, r#"{"queues":[{"vhost":"/","name":"q","durable":false}]}"#),
        ("POST /api/definitions", 204, ""),
    ]);
    let (code, stdout, _) = run(&peer, &["definitions", "diff", file]);
    assert_eq!((code, stdout.as_str()), (1, "- queue old in /\n~ queue q in /  durable: true -> false\n"));
    assert_eq!(run(&peer, &["definitions", "diff", file, file]), (0, String::new(), String::new()));
    let (code, stdout, _) = run(&peer, &["definitions", "import", file]);
    assert_eq!((code, stdout.as_str()), (0, "2 definitions imported\n"));
    let (code, _, stderr) = run(&peer, &["definitions", "diff", "absent.json"]);
    assert_eq!((code, stderr.contains("absent.json: No such file")), (1, true), "{stderr}");
}

#[test]
fn a_login_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::start(&[("GET /api/users", 200, "[]")]);
    std::fs::create_dir_all(folder.path().join("leveret")).unwrap();
    std::fs::write(folder.path().join("leveret/client.toml"), format!("http = \"{}\"\n", peer.url)).unwrap();
    let listed = leveret(&folder, &["users", "list", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "[]\n");
    std::fs::write(folder.path().join("leveret/client.toml"), "htp = 1\n").unwrap();
    let refused = leveret(&folder, &["users", "list"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && said.contains("unknown field `htp`"), "{said}");
}
