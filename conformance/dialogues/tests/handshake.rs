//! From the first byte to connection.open-ok, and the ways not to get there.

use leveret_dialogues::protocol::FrameKind;
use leveret_dialogues::*;

const NONE: MethodId = MethodId::new(0, 0);

/// RabbitMQ says in its log alone what it does not like in `connection.tune-ok`, waits three seconds and ends the connection.
#[track_caller]
fn expect_refused_tuning(connection: &Connection, text: &str) {
    if differs("a client that negotiates wrongly is told why", false, true) {
        connection.expect_close_only(530, text, conn::Tune::ID);
        connection.send(conn::CloseOk);
    }
    connection.expect_eof();
}

#[test]
fn wrong_protocol_header_is_answered_with_the_right_one() {
    for header in [*b"GET / HT", *b"AMQP\x00\x00\x09\x02", *b"AMQP\x00\x00\x00\x00", *b"AMQP\x02\x01\x00\x00"]
    {
        let connection = Connection::raw();
        connection.send_bytes(&format!("{}", header.escape_ascii()), &header);
        assert_eq!(connection.next_header(), PROTOCOL_HEADER);
        connection.expect_eof();
    }
}

#[test]
fn start_says_what_the_broker_can_do() {
    let connection = Connection::raw();
    connection.send_bytes("protocol header", &PROTOCOL_HEADER);
    let start = connection.start();
    assert_eq!(start.version, (0, 9));
    assert_eq!(start.locales, "en_US");
    for mechanism in ["PLAIN", "AMQPLAIN"] {
        assert!(start.mechanisms.iter().any(|offered| offered == mechanism), "{:?}", start.mechanisms);
    }
    for name in ["cluster_name", "copyright", "information", "platform", "product", "version"] {
        let value = start.server_properties.get(name).and_then(FieldValue::as_str);
        assert!(value.is_some_and(|value| !value.is_empty()), "{name}: {value:?}");
    }
    let capabilities = start.server_properties.get("capabilities").and_then(FieldValue::as_table).unwrap();
    for name in [
        "authentication_failure_close",
        "basic.nack",
        "connection.blocked",
        "consumer_cancel_notify",
        "consumer_priorities",
        "direct_reply_to",
        "exchange_exchange_bindings",
        "per_consumer_qos",
        "publisher_confirms",
    ] {
        assert_eq!(capabilities.get(name), Some(&FieldValue::Bool(true)), "{name}");
    }
    assert_eq!(capabilities.len(), 9);
}

#[test]
fn tune_offers_2047_channels_128_kib_and_60_seconds() {
    let connection = Connection::started();
    connection.start_ok(&Options::default());
    assert_eq!(connection.tune(), conn::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 });
}

#[test]
fn channel_max_above_the_offer_is_530() {
    let connection = Connection::tuned(&Options { channel_max: 5000, ..Options::default() });
    let text = "NOT_ALLOWED - negotiated channel_max = 5000 is higher than the maximum allowed value (2047)";
    expect_refused_tuning(&connection, text);
}

#[test]
fn frame_max_above_the_offer_is_530() {
    let connection = Connection::tuned(&Options { frame_max: 200_000, ..Options::default() });
    let text =
        "NOT_ALLOWED - negotiated frame_max = 200000 is higher than the maximum allowed value (131072)";
    expect_refused_tuning(&connection, text);
}

#[test]
fn frame_max_below_4096_is_530() {
    let connection = Connection::tuned(&Options { frame_max: 4095, ..Options::default() });
    let text = "NOT_ALLOWED - negotiated frame_max = 4095 is lower than the minimum allowed value (4096)";
    expect_refused_tuning(&connection, text);
}

#[test]
fn zero_is_no_limit_and_so_above_the_offer() {
    let connection = Connection::tuned(&Options { channel_max: 0, ..Options::default() });
    let text =
        "NOT_ALLOWED - negotiated channel_max = 0 (no limit) is higher than the maximum allowed value (2047)";
    expect_refused_tuning(&connection, text);
    let connection = Connection::tuned(&Options { frame_max: 0, ..Options::default() });
    let text = "NOT_ALLOWED - negotiated frame_max = 0 is higher than the maximum allowed value (131072)";
    expect_refused_tuning(&connection, text);
}

#[test]
fn frame_max_4096_is_accepted() {
    let connection = Connection::open_with(&Options { frame_max: 4096, ..Options::default() });
    connection.expect_alive();
}

#[test]
fn channel_numbers_may_be_above_the_number_of_channels() {
    let connection = Connection::open_with(&Options { channel_max: 3, ..Options::default() });
    connection.at(3).open();
    connection.at(4).open();
    connection.at(65_535).open();
}

#[test]
fn more_channels_than_negotiated_are_530() {
    let connection = Connection::open_with(&Options { channel_max: 2, ..Options::default() });
    connection.at(1).open();
    connection.at(2).open();
    connection.at(3).send(methods::channel::Open);
    let text = "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)";
    connection.expect_close(530, text, NONE);
}

#[test]
fn refused_login_is_403_for_a_client_that_understands_it() {
    let connection = Connection::started();
    connection.start_ok(&Options { password: "wrong".into(), ..Options::default() });
    let text = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. \
                For details see the broker logfile.";
    connection.expect_close(403, text, NONE);
}

#[test]
fn refused_login_is_the_end_of_the_socket_for_a_client_that_does_not() {
    let connection = Connection::started();
    connection.start_ok(&Options { password: "wrong".into(), capabilities: vec![], ..Options::default() });
    connection.expect_eof();
}

#[test]
fn unknown_user_reads_like_a_wrong_password() {
    let connection = Connection::started();
    connection.start_ok(&Options { user: "nobody-at-all".into(), ..Options::default() });
    let text = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. \
                For details see the broker logfile.";
    connection.expect_close(403, text, NONE);
}

#[test]
fn malformed_plain_response_ends_the_socket() {
    let connection = Connection::started();
    connection.start_ok_with(&Options::default(), "PLAIN", b"no zeros here");
    connection.expect_eof();
}

#[test]
fn unknown_mechanism_ends_the_socket() {
    let connection = Connection::started();
    connection.start_ok_with(&Options::default(), "CROWBAR", b"");
    connection.expect_eof();
}

#[test]
fn amqplain_logs_in() {
    let mut response = Vec::new();
    let login =
        table([("LOGIN", target().user.as_str().into()), ("PASSWORD", target().password.as_str().into())]);
    login.encode(&mut response);
    let connection = Connection::started();
    // The table goes without its length.
    connection.start_ok_with(&Options::default(), "AMQPLAIN", &response[4..]);
    connection.tune();
    connection.tune_ok(&Options::default());
    connection.send(conn::Open { virtual_host: s("/") });
    connection.expect(conn::OpenOk);
}

#[test]
fn amqplain_with_a_wrong_password_is_refused() {
    let mut response = Vec::new();
    table([("LOGIN", "guest".into()), ("PASSWORD", "wrong".into())]).encode(&mut response);
    let connection = Connection::started();
    connection.start_ok_with(&Options::default(), "AMQPLAIN", &response[4..]);
    let text = "ACCESS_REFUSED - Login was refused using authentication mechanism AMQPLAIN. \
                For details see the broker logfile.";
    connection.expect_close(403, text, NONE);
}

#[test]
fn unknown_virtual_host_is_530() {
    let connection = Connection::tuned(&Options::default());
    connection.send(conn::Open { virtual_host: s("nowhere") });
    connection.expect_close(530, "NOT_ALLOWED - vhost nowhere not found", conn::Open::ID);
}

#[test]
fn virtual_host_without_permission_is_530() {
    let scratch = Scratch::new();
    let user = scratch.user("stranger");
    let connection =
        Connection::tuned(&Options { user: user.clone(), password: user.clone(), ..Options::default() });
    connection.send(conn::Open { virtual_host: s("/") });
    let text = format!("NOT_ALLOWED - access to vhost '/' refused for user '{user}'");
    connection.expect_close(530, &text, conn::Open::ID);
}

#[test]
fn a_frame_before_login_has_at_most_8192_bytes() {
    let connection = Connection::started();
    connection.send_bytes("frame header of 8193 bytes", &[1, 0, 0, 0, 0, 0x20, 0x01]);
    connection.expect_eof();
}

#[test]
fn open_before_login_ends_the_socket() {
    let connection = Connection::started();
    connection.send(conn::Open { virtual_host: s("/") });
    connection.expect_eof();
}

#[test]
fn channel_open_before_connection_open_is_505() {
    let connection = Connection::tuned(&Options::default());
    connection.at(1).send(methods::channel::Open);
    connection.expect_close_only(505, "UNEXPECTED_FRAME - type 1, all octets = <<0,20,0,10,0>>", NONE);
}

#[test]
fn close_is_answered() {
    let connection = Connection::open();
    connection.channel();
    connection.close();
}

#[test]
fn heartbeats_may_be_off_and_may_come_all_the_same() {
    let connection = Connection::open_with(&Options { heartbeat: 0, ..Options::default() });
    connection.send_frame(FrameKind::Heartbeat, 0, b"");
    connection.expect_alive();
}

#[test]
fn an_idle_connection_gets_heartbeats() {
    let connection = Connection::open_with(&Options { heartbeat: 1, ..Options::default() });
    assert_eq!(connection.next(), Event::Heartbeat);
}

#[test]
fn a_silent_client_is_dropped_after_two_intervals() {
    let connection = Connection::open_with(&Options { heartbeat: 1, ..Options::default() });
    while connection.next() == Event::Heartbeat {}
    connection.expect_eof();
}
