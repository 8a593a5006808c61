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
