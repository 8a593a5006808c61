use proptest::prelude::*;

use super::*;

#[test]
fn the_table_of_the_specification() {
    // https://www.rabbitmq.com/docs/uri-spec, appendix A
    let rows = [
        ("amqp://user:pass@host:10000/vhost", Some("user"), Some("pass"), "host", 10000, Some("vhost")),
        (
            "amqp://user%61:%61pass@ho%61st:10000/v%2fhost",
            Some("usera"),
            Some("apass"),
            "hoast",
            10000,
            Some("v/host"),
        ),
        ("amqp://", None, None, "localhost", 5672, None),
        ("amqp://:@/", Some(""), Some(""), "localhost", 5672, Some("")),
        ("amqp://user@", Some("user"), None, "localhost", 5672, None),
        ("amqp://user:pass@", Some("user"), Some("pass"), "localhost", 5672, None),
        ("amqp://host", None, None, "host", 5672, None),
        ("amqp://:10000", None, None, "localhost", 10000, None),
        ("amqp:///vhost", None, None, "localhost", 5672, Some("vhost")),
        ("amqp://host/", None, None, "host", 5672, Some("")),
        ("amqp://host/%2F", None, None, "host", 5672, Some("/")),
        ("amqp://host/%2f", None, None, "host", 5672, Some("/")),
        ("amqp://host//", None, None, "host", 5672, Some("/")),
        ("amqp://[::1]", None, None, "::1", 5672, None),
        ("amqp://[::1]:99/x", None, None, "::1", 99, Some("x")),
        ("amqp://[fe80::1%25eth0]", None, None, "fe80::1%eth0", 5672, None),
        ("AMQPS://host", None, None, "host", 5671, None),
        ("amqps://u:p@w@host", Some("u"), Some("p@w"), "host", 5671, None),
        ("amqps://u:a+b@host", Some("u"), Some("a+b"), "host", 5671, None),
        ("amqps://%F0%9F%90%87:x@host", Some("🐇"), Some("x"), "host", 5671, None),
    ];
    for (text, username, password, host, port, vhost) in rows {
        let uri: AmqpUri = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(uri.username.as_deref(), username, "{text}");
        assert_eq!(uri.password(), password, "{text}");
        assert_eq!(uri.addresses, [Address::new(host, port)], "{text}");
        assert_eq!(uri.vhost.as_deref(), vhost, "{text}");
        assert_eq!(uri.tls, text.to_lowercase().starts_with("amqps"), "{text}");
    }
}

#[test]
fn several_hosts_keep_their_order_and_ports() {
    let uri: AmqpUri = "amqps://u:p@a,b:1,[::2]:3,[::4]/v?heartbeat=1&auth_mechanism=plain".parse().unwrap();
    let addresses: Vec<_> = uri.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["a:5671", "b:1", "[::2]:3", "[::4]:5671"]);
    assert_eq!(uri.parameters.len(), 2);
}

#[test]
fn what_is_wrong_is_said() {
    let rows = [
        ("localhost", UriError::NoScheme),
        ("http://host", UriError::Scheme("http".into())),
        ("amqp://u:p#w@host", UriError::Fragment),
        ("amqp://u:100%@host", UriError::PercentEncoding("password")),
        ("amqp://u%4:p@host", UriError::PercentEncoding("user")),
        ("amqp://u%+4:p@host", UriError::PercentEncoding("user")),
        ("amqp://host/%ff", UriError::NotUtf8("vhost")),
        ("amqp://host:0", UriError::Port("0".into())),
        ("amqp://host:65536", UriError::Port("65536".into())),
        ("amqp://host:+5", UriError::Port("+5".into())),
        ("amqp://::1", UriError::Host("::1".into())),
        ("amqp://[::1", UriError::Host("[::1".into())),
        ("amqp://[::1]x", UriError::Host("[::1]x".into())),
        ("amqp://[host]", UriError::Host("[host]".into())),
        ("amqp://a b", UriError::Host("a b".into())),
        ("amqp://host/a/b", UriError::VhostSlash),
        ("amqp://host?heartbeat", UriError::NoValue("heartbeat".into())),
    ];
    for (text, error) in rows {
        assert_eq!(text.parse::<AmqpUri>(), Err(error), "{text}");
    }
}

#[test]
fn nobody_sees_the_password() {
    let uri: AmqpUri = "amqp://app:hunter2@host/v".parse().unwrap();
    assert!(!format!("{uri:?} {uri}").contains("hunter2"));
    assert!(uri.to_string().contains("app:***@host:5672/v"));
}

#[test]
fn the_nearest_name_is_the_one_meant() {
    let known = ["heartbeat", "frame_max", "channel_max", "connection_timeout", "cacertfile", "certfile"];
    for (typed, meant) in [
        ("hearbeat", "heartbeat"),
        ("FrameMax", "frame_max"),
        ("connect_timeout", "connection_timeout"),
        ("cafile", "certfile"),
    ] {
        assert_eq!(nearest(typed, known), meant);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        tls: bool,
        username in proptest::option::of(".*"),
        password in ".*",
        hosts in proptest::collection::vec(("[a-z0-9.-]{1,20}|::1|fe80::[1-9]", 1u16..), 1..4),
        vhost in proptest::option::of(".*"),
        parameters in proptest::collection::vec((".*", ".*"), 0..4),
    ) {
        let password = username.as_ref().map(|_| password);
        let addresses = hosts.into_iter().map(|(host, port)| Address { host, port }).collect();
        // A pair of two nothings is written as `=`, which is fine, so nothing needs excluding.
        let uri = AmqpUri { tls, username, password, addresses, vhost, parameters };
        let mut text = String::new();
        uri.write(&mut text, percent::encode).unwrap();
        prop_assert_eq!(text.parse::<AmqpUri>().unwrap(), uri);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*", rest in ".*") {
        let _ = text.parse::<AmqpUri>();
        let _ = format!("amqp://{rest}").parse::<AmqpUri>();
    }
}
