//! Users and what they may do.

use crate::support::Api;

#[tokio::test]
async fn users_and_permissions() {
    let api = Api::start();
    api.dialogue(&[
        ("PUT /api/users/joe", r#"{"password":"x","tags":"management,monitoring"}"#, 201, ""),
        ("PUT /api/users/joe", r#"{"tags":["management"],"limits":{"max-channels":3}}"#, 204, ""),
        ("PUT /api/users/ann", r#"{"password_hash":"","tags":""}"#, 201, ""),
        ("PUT /api/users/ann", r#"{"password":"x"}"#, 400, "key_missing,tags"),
        ("PUT /api/users/ann", r#"{"password":"x","password_hash":"x","tags":""}"#, 400, "Only one of"),
        ("PUT /api/users/ann", r#"{"password_hash":"!","tags":""}"#, 400, "password_hash"),
        (
            "GET /api/users/joe?columns=name,tags,limits",
            "",
            200,
            r#"{"limits":{"max-channels":3},"name":"joe","tags":["management"]}"#,
        ),
        ("GET /api/users/without-permissions?columns=name", "", 200, r#"[{"name":"ann"},{"name":"joe"}]"#),
        ("PUT /api/permissions/%2F/joe", r#"{"configure":"^a","write":"","read":".*"}"#, 201, ""),
        ("PUT /api/permissions/%2F/joe", r#"{"configure":"^b","write":"","read":".*"}"#, 204, ""),
        ("PUT /api/permissions/%2F/joe", r#"{"configure":"(","write":"","read":".*"}"#, 400, ""),
        ("PUT /api/permissions/%2F/joe", r#"{"configure":""}"#, 400, "key_missing,write"),
        (
            "PUT /api/permissions/%2F/none",
            r#"{"configure":"","write":"","read":""}"#,
            400,
            "vhost_or_user_not_found",
        ),
        (
            "GET /api/users/joe/permissions",
            "",
            200,
            r#"[{"configure":"^b","read":".*","user":"joe","vhost":"/","write":""}]"#,
        ),
        ("PUT /api/topic-permissions/%2F/joe", r#"{"exchange":"amq.topic","write":"a","read":"b"}"#, 201, ""),
        ("GET /api/vhosts/%2F/topic-permissions", "", 200, r#""exchange":"amq.topic""#),
        ("DELETE /api/topic-permissions/%2F/joe", "", 204, ""),
        ("GET /api/topic-permissions/%2F/joe", "", 404, ""),
        ("PUT /api/user-limits/joe/max-connections", r#"{"value":2}"#, 204, ""),
        ("GET /api/user-limits/joe", "", 200, r#"{"max-channels":3,"max-connections":2}"#),
        ("DELETE /api/user-limits/joe/max-channels", "", 204, ""),
        ("GET /api/user-limits", "", 200, r#"[{"user":"joe","value":{"max-connections":2}}]"#),
        ("PUT /api/user-limits/joe/nosuch", r#"{"value":2}"#, 400, "nosuch"),
    ])
    .await;
    let joe = api.by("joe", "x");
    joe.dialogue(&[
        ("GET /api/whoami", "", 200, r#"{"name":"joe","tags":["management"]}"#),
        ("PUT /api/queues/%2F/b1", "", 201, ""),
        (
            "PUT /api/queues/%2F/c1",
            "",
            401,
            "configure access to queue 'c1' in vhost '/' refused for user 'joe'",
        ),
        ("GET /api/vhosts?columns=name", "", 200, r#"[{"name":"/"}]"#),
    ])
    .await;
    api.dialogue(&[
        ("DELETE /api/permissions/%2F/joe", "", 204, ""),
        ("DELETE /api/permissions/%2F/joe", "", 404, ""),
        ("POST /api/users/bulk-delete", r#"{"users":["joe","none"]}"#, 204, ""),
        ("DELETE /api/users/joe", "", 404, ""),
        ("DELETE /api/users/ann", "", 204, ""),
    ])
    .await;
    assert_eq!(joe.ask("GET /api/whoami", "").await.status, 401);
}
