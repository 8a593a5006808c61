use super::*;

fn options(uri: &str) -> ConnectOptions {
    ConnectOptions::new(uri).unwrap_or_else(|e| panic!("{uri}: {e}"))
}

#[test]
fn what_the_uri_does_not_say_keeps_its_default() {
    let o = options("amqp://");
    assert_eq!(
        (o.vhost.as_str(), o.credentials.username.as_str(), o.credentials.password()),
        ("/", "guest", "guest")
    );
    assert_eq!(o.tuning(), Tuning { channel_max: 2047, frame_max: 131_072, heartbeat: 30 });
    assert!(o.tls.is_none() && o.recovery.enabled);
    assert_eq!(o.check(), Ok(()));
    assert_eq!(options("amqp://host/").vhost, "/", "nobody has a virtual host without a name");
    assert_eq!(options("amqp://user@host").credentials, Credentials::new("user", ""));
}

#[test]
fn every_parameter_arrives() {
    let o = options(
        "amqps://h/v?heartbeat=5&connection_timeout=1500&channel_max=7&frame_max=8192&max_message_size=99&locale=de_DE\
         &auth_mechanism=external&auth_mechanism=PLAIN&connection_name=a%20b&cacertfile=/ca.pem&certfile=/c.pem\
         &keyfile=/k.pem&verify=verify_peer&server_name_indication=mq&fail_if_no_peer_cert=true",
    );
    assert_eq!(o.tuning(), Tuning { channel_max: 7, frame_max: 8192, heartbeat: 5 });
    assert_eq!((o.connect_timeout, o.message_bytes_max), (Duration::from_millis(1500), 99));
    assert_eq!((o.locale.as_str(), o.name.as_deref()), ("de_DE", Some("a b")));
    assert_eq!(o.mechanisms, [Mechanism::External, Mechanism::Plain]);
    let expected = TlsOptions::new().ca_file("/ca.pem").client_files("/c.pem", "/k.pem").server_name("mq");
    assert_eq!(o.tls, Some(expected));
    let loud = options("amqps://h?verify=verify_none&server_name_indication=disable&certfile=/both.pem")
        .tls
        .unwrap();
    assert!(loud.danger_accept_any_certificate && loud.without_server_name_indication);
    assert_eq!(loud.identity, TlsOptions::new().client_files("/both.pem", "/both.pem").identity);
}

#[test]
fn what_is_not_understood_is_refused() {
    let rows = [
        ("amqp://h?hartbeat=1", "the parameter \"hartbeat\" is not known; did you mean \"heartbeat\"?"),
        ("amqp://h?Heartbeat=1", "the parameter \"Heartbeat\" is not known; did you mean \"heartbeat\"?"),
        ("amqp://h?chanel_max=1", "the parameter \"chanel_max\" is not known; did you mean \"channel_max\"?"),
        ("amqp://h?heartbeat=-1", "the parameter heartbeat cannot be \"-1\"; it is seconds from 0 to 65535"),
        ("amqp://h?heartbeat=", "the parameter heartbeat cannot be \"\"; it is seconds from 0 to 65535"),
        ("amqp://h?heartbeat=1&heartbeat=2", "the parameter heartbeat is given twice; give it once"),
        (
            "amqp://h?frame_max=9",
            "the parameter frame_max cannot be \"9\"; it is 0 or bytes from 4096 to 4294967295",
        ),
        (
            "amqp://h?auth_mechanism=gssapi",
            "the parameter auth_mechanism cannot be \"gssapi\"; it is plain, amqplain or external",
        ),
        (
            "amqp://h?cacertfile=/x",
            "the parameter cacertfile is about TLS and the URI is amqp://; write amqps://",
        ),
        ("amqps://h?verify=no", "the parameter verify cannot be \"no\"; it is verify_peer or verify_none"),
        (
            "amqp://h?connection_timeout=0",
            "the parameter connection_timeout cannot be \"0\"; it is milliseconds from 1 to 4294967295",
        ),
    ];
    for (uri, text) in rows {
        assert_eq!(
            ConnectOptions::new(uri).map(|_| ()).map_err(|e| e.to_string()),
            Err(text.to_owned()),
            "{uri}"
        );
    }
    let secret = ConnectOptions::new("amqps://h?password=hunter2").unwrap_err();
    assert!(!format!("{secret} {secret:?}").contains("hunter2"));
}

#[test]
fn values_nothing_can_work_with_are_named() {
    let backoff = |first, max, factor| {
        RecoveryOptions::default().backoff(BackoffOptions { first, max, factor, jitter: Jitter::Full })
    };
    let second = Duration::from_secs(1);
    let rows = [
        (ConnectOptions::default().addresses([]), "addresses"),
        (ConnectOptions::default().vhost("v".repeat(256)), "vhost"),
        (ConnectOptions::default().mechanisms([]), "mechanisms"),
        (ConnectOptions::default().frame_max(4095), "frame_max"),
        (ConnectOptions::default().heartbeat(Duration::from_secs(65_536)), "heartbeat"),
        (ConnectOptions::default().connect_timeout(Duration::ZERO), "connect_timeout"),
        (ConnectOptions::default().operation_timeout(Duration::ZERO), "operation_timeout"),
        (ConnectOptions::default().write(WriteOptions::default().queue_len_max(0)), "write"),
        (ConnectOptions::default().recovery(backoff(Duration::ZERO, second, 2.0)), "recovery.backoff"),
        (ConnectOptions::default().recovery(backoff(second * 2, second, 2.0)), "recovery.backoff"),
        (ConnectOptions::default().recovery(backoff(second, second, f64::NAN)), "recovery.backoff"),
    ];
    for (options, name) in rows {
        assert_eq!(options.check().map_err(|e| e.option), Err(name));
    }
}

#[test]
fn a_heartbeat_below_a_second_is_not_off() {
    assert_eq!(ConnectOptions::default().heartbeat(Duration::from_millis(1)).tuning().heartbeat, 1);
    assert_eq!(ConnectOptions::default().heartbeat(Duration::from_millis(1500)).tuning().heartbeat, 2);
    assert_eq!(ConnectOptions::default().heartbeat(Duration::ZERO).tuning().heartbeat, 0);
}

#[test]
fn responses_of_the_mechanisms() {
    let me = Credentials::new("guest", "s3cr3t");
    assert_eq!(Mechanism::Plain.response(&me), b"\0guest\0s3cr3t");
    assert_eq!(Mechanism::AmqPlain.response(&me), b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x06s3cr3t");
    assert_eq!(Mechanism::External.response(&me), b"");
    use Mechanism::{AmqPlain, External, Plain};
    assert_eq!(Mechanism::choose(&[External, Plain, AmqPlain], "AMQPLAIN PLAIN"), Some(Plain));
    assert_eq!(Mechanism::choose(&[External], "AMQPLAIN PLAIN"), None);
}

#[test]
fn nobody_sees_secrets() {
    let tls = TlsOptions::new().client_pem("cert", "hunter3");
    let o = options("amqp://u:hunter2@h").client_property("token", "hunter4").tls(tls);
    let shown = format!("{o:?} {o:#?}");
    assert!(!shown.contains("hunter") && !shown.contains("104, 117, 110, 116"), "{shown}");
    assert!(shown.contains("token"));
}
