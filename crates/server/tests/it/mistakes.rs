//! What the commands say when something is wrong: what it is, and what to do.

use crate::commands::run;
use crate::peer::{Peer, Script};
use crate::support::leveret;

const QUEUES: &str = r#"[{"name":"orders","vhost":"/"},{"name":"invoices","vhost":"/"}]"#;

#[test]
fn errors_say_what_to_do() {
    let cases: &[(&[&str], Script, i32, &str)] = &[
        (
            &["queues", "show", "ordrs"],
            &[
                ("GET /api/vhosts?columns=name", 200, r#"[{"name":"/"}]"#),
                ("GET /api/queues/%2F?columns=name,user", 200, QUEUES),
            ],
            1,
            "there is no queue 'ordrs' in vhost '/'; did you mean 'orders'?",
        ),
        (
            &["queues", "delete", "x", "--vhost", "shp"],
            &[("GET /api/vhosts?columns=name", 200, r#"[{"name":"/"},{"name":"shop"}]"#)],
            1,
            "there is no vhost 'shp'; did you mean 'shop'?",
        ),
        (
            &["queues", "list", "--columns", "nmae"],
            &[("GET /api/queues?page=1&page_size=500", 200, r#"{"page_count":1,"items":[{"name":"a"}]}"#)],
            2,
            "no column `nmae`; did you mean `name`?",
        ),
        (
            &["queues", "list"],
            &[(
                "GET /api/queues?page=1&page_size=500&columns=vhost,name,type,messages_ready,messages_unacknowledged,messages,consumers,message_stats.publish_details.rate,message_stats.deliver_get_details.rate,state",
                401,
                r#"{"error":"not_authorised","reason":"Login failed"}"#,
            )],
            1,
            "login refused for user 'guest' (401: Login failed)\n  Wrong user or password?",
        ),
        (
            &["policies", "set", "p", ".", "a=1"],
            &[(
                "PUT /api/policies/%2F/p",
                400,
                r#"{"error":"bad_request","reason":"Validation failed\n\n[{&lt;&lt;\"a\"&gt;&gt;,1}]\n"}"#,
            )],
            1,
            "policy 'p' in vhost '/': Validation failed\n\n[{<<\"a\">>,1}]\n",
        ),
        (
            &["permissions", "set", "nobody"],
            &[(
                "PUT /api/permissions/%2F/nobody",
                400,
                r#"{"error":"bad_request","reason":"vhost_or_user_not_found"}"#,
            )],
            1,
            "vhost_or_user_not_found\n  `leveret users list` shows the users",
        ),
        (&["users", "set", "new", "--tags", "x"], &[], 2, "user 'new' is new and needs a password"),
        (&["queues", "declare", "q", "-a", "x"], &[], 2, "`x` is not KEY=VALUE"),
        (
            &["status"],
            &[("GET /api/overview", 200, "<html>")],
            1,
            "something else than JSON; is this the HTTP API",
        ),
        (&["health", "alarm"], &[], 2, "there is no check 'alarm'; there are alarms"),
        (&["publish", "x"], &[], 2, "where to? --queue QUEUE"),
        (&["consume", "q", "--ack", "requeue"], &[], 2, "needs an end"),
    ];
    for (arguments, script, expected, text) in cases {
        let (code, stdout, stderr) = run(&Peer::start(script), arguments);
        assert_eq!((code, stdout.as_str()), (*expected, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(text) && stderr.starts_with("leveret "), "{arguments:?}: {stderr}");
    }
    let folder = tempfile::tempdir().unwrap();
    let away = leveret(&folder, &["status", "--http", "http://127.0.0.1:1"]).output().unwrap();
    let said = String::from_utf8(away.stderr).unwrap();
    assert!(said.contains("nothing listens there\n  Is the broker running?"), "{said}");
}

/// Each did nothing and ended with 0.
#[test]
fn what_is_not_there_is_no_success() {
    const OURS: (&str, u16, &str) = ("GET /api/leveret/openapi.json", 200, "{}");
    const SWEEPS: &str = "POST /api/leveret/queues/%2F/lost/sweeps";
    let cases: &[(&[&str], Script, &str)] = &[
        (
            &["replay", "lost", "--place", "a", "--place", "b", "--place", "a"],
            &[
                OURS,
                (
                    SWEEPS,
                    202,
                    r#"{"id":1,"action":"replay","state":"done","moved":1,"failed":0,"skipped":1,"remaining":0}"#,
                ),
            ],
            "1 of 2 messages are no longer at their places: they were taken, or expired",
        ),
        (
            &["copy", "lost", "q", "--place", "a", "--header", "k=v", "--quiet"],
            &[
                OURS,
                (
                    SWEEPS,
                    202,
                    r#"{"id":1,"action":"copy","state":"done","moved":0,"failed":0,"skipped":0,"remaining":0}"#,
                ),
            ],
            "1 of 1 messages are not what the filter wants",
        ),
        (
            &["sweeps", "cancel", "1"],
            &[OURS, ("GET /api/leveret/sweeps/%2F/1", 200, r#"{"id":1,"state":"done"}"#)],
            "sweep '1' does not run any more: it is done",
        ),
        (
            &["bindings", "list", "--queue", "ordrs"],
            &[
                ("GET /api/vhosts?columns=name", 200, r#"[{"name":"/"}]"#),
                ("GET /api/queues/%2F?columns=name,user", 200, QUEUES),
                ("GET /api/queues/%2F/ordrs/bindings", 200, "[]"),
            ],
            "there is no queue 'ordrs' in vhost '/'; did you mean 'orders'?",
        ),
        (
            &["bindings", "list", "--source", "x"],
            &[
                ("GET /api/vhosts?columns=name", 200, r#"[{"name":"/"}]"#),
                ("GET /api/exchanges/%2F?columns=name,user", 200, "[]"),
                ("GET /api/exchanges/%2F/x/bindings/source", 200, "[]"),
            ],
            "there is no exchange 'x' in vhost '/'; there are none",
        ),
        (
            &["limits", "delete", "max-queues", "--vhost", "shop"],
            &[
                (
                    "GET /api/vhost-limits",
                    200,
                    r#"[{"vhost":"/","value":{"max-queues":1}},{"vhost":"shop","value":{"max-connections":1}}]"#,
                ),
                ("DELETE /api/vhost-limits/shop/max-queues", 204, ""),
            ],
            "there is no limit max-queues of vhost 'shop'; `leveret limits list` shows all",
        ),
        (
            &["connections", "close", "--of-user", "ap"],
            &[("GET /api/connections?columns=name,user", 200, r#"[{"name":"c","user":"app"}]"#)],
            "there is no user 'ap', and no connection of one",
        ),
    ];
    for (arguments, script, text) in cases {
        let (code, _, stderr) = run(&Peer::start(script), arguments);
        assert_eq!(code, 1, "{arguments:?}: {stderr}");
        assert!(stderr.contains(text) && stderr.starts_with("leveret "), "{arguments:?}: {stderr}");
    }
}

/// It named the one that was there: "there is no queue 'q'; did you mean 'q'?"
#[test]
fn of_two_queues_the_missing_one_is_named() {
    let peer = Peer::start(&[
        ("GET /api/leveret/openapi.json", 200, "{}"),
        ("GET /api/queues/%2F/orders", 200, "{}"),
        ("GET /api/vhosts?columns=name", 200, r#"[{"name":"/"}]"#),
        ("GET /api/queues/%2F?columns=name,user", 200, QUEUES),
    ]);
    let (code, _, stderr) = run(&peer, &["move", "orders", "invoice"]);
    assert!(
        code == 1 && stderr.contains("there is no queue 'invoice' in vhost '/'; did you mean 'invoices'?"),
        "{stderr}"
    );
}
