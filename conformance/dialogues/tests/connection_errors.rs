//! Errors that end the connection: 501, 503, 504, 505, 540, and what has to follow a connection.close.

use leveret_dialogues::protocol::FrameKind;
use leveret_dialogues::*;

const NONE: MethodId = MethodId::new(0, 0);

/// What does not decode ends the connection. RabbitMQ's decoder crashes on some of it, and says nothing.
#[track_caller]
fn expect_undecodable(connection: &Connection, code: u16, text: &str, cause: MethodId) {
    let told =
        differs("bytes that are no method are answered, not met with silence", None, Some((code, text)));
    if let Some((code, text)) = told {
        connection.expect_close_only(code, text, cause);
        connection.send(conn::CloseOk);
    }
    connection.expect_eof();
}

#[test]
fn unknown_class_is_540() {
    let connection = Connection::open();
    let id = MethodId::new(99, 10);
    connection.channel().send_method_bytes(id, b"");
    expect_undecodable(&connection, 540, "NOT_IMPLEMENTED - unknown method 10 of class 99", id);
}

#[test]
fn unknown_method_of_a_known_class_is_540() {
    let connection = Connection::open();
    let id = MethodId::new(50, 99);
    connection.channel().send_method_bytes(id, b"");
    expect_undecodable(&connection, 540, "NOT_IMPLEMENTED - unknown method 99 of class 50", id);
}

#[test]
fn method_of_a_channel_on_channel_0_is_504() {
    let connection = Connection::open();
    connection.send(queue::Declare { queue: s("q"), ..Default::default() });
    connection.expect_close(
        504,
        "CHANNEL_ERROR - unexpected method in connection state running",
        queue::Declare::ID,
    );
}

#[test]
fn channel_open_on_channel_0_is_504() {
    let connection = Connection::open();
    connection.send(methods::channel::Open);
    connection.expect_close(
        504,
        "CHANNEL_ERROR - unexpected method in connection state running",
        methods::channel::Open::ID,
    );
}

#[test]
fn method_of_the_connection_on_another_channel_is_503() {
    let connection = Connection::open();
    connection.channel().send(conn::Open { virtual_host: s("/") });
    connection.expect_close(503, "COMMAND_INVALID - unimplemented method", conn::Open::ID);
}

#[test]
fn connection_close_on_another_channel_is_503() {
    let connection = Connection::open();
    connection.channel().send(conn::Close { reply_code: 200, ..Default::default() });
    connection.expect_close(503, "COMMAND_INVALID - unimplemented method", conn::Close::ID);
}

#[test]
fn method_on_a_channel_not_opened_is_504() {
    let connection = Connection::open();
    connection.at(7).send(queue::Declare { queue: s("q"), ..Default::default() });
    connection.expect_close(504, "CHANNEL_ERROR - expected 'channel.open'", queue::Declare::ID);
}

#[test]
fn method_on_a_closed_channel_is_504() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.close();
    channel.send(basic::Qos::default());
    connection.expect_close(504, "CHANNEL_ERROR - expected 'channel.open'", basic::Qos::ID);
}

#[test]
fn second_open_of_a_channel_is_504() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(methods::channel::Open);
    connection.expect_close(504, "CHANNEL_ERROR - second 'channel.open' seen", methods::channel::Open::ID);
}

#[test]
fn second_connection_open_is_504() {
    let connection = Connection::open();
    connection.send(conn::Open { virtual_host: s("/") });
    connection.expect_close(
        504,
        "CHANNEL_ERROR - unexpected method in connection state running",
        conn::Open::ID,
    );
}

#[test]
fn method_meant_for_clients_is_503() {
    let connection = Connection::open();
    connection.channel().send(queue::DeclareOk { queue: s("q"), ..Default::default() });
    connection.expect_close(503, "COMMAND_INVALID - unimplemented method", queue::DeclareOk::ID);
}

#[test]
fn deliver_from_a_client_is_refused() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Deliver { consumer_tag: s("c"), delivery_tag: 1, ..Default::default() });
    channel.send_header(60, 0, &Properties::default());
    connection.expect_close(503, "COMMAND_INVALID - unimplemented method", basic::Deliver::ID);
}

#[test]
fn header_without_publish_is_505() {
    let connection = Connection::open();
    connection.channel().send_header(60, 3, &Properties::default());
    let text = "UNEXPECTED_FRAME - expected method frame, got non method frame instead";
    connection.expect_close(505, text, NONE);
}

#[test]
fn body_without_publish_is_505() {
    let connection = Connection::open();
    connection.channel().send_frame(FrameKind::Body, b"abc");
    let text = "UNEXPECTED_FRAME - expected method frame, got non method frame instead";
    connection.expect_close(505, text, NONE);
}

#[test]
fn method_instead_of_header_is_505() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Publish::default());
    channel.send(basic::Qos::default());
    let text = "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame \
                instead";
    connection.expect_close(505, text, basic::Publish::ID);
}

#[test]
fn body_instead_of_header_is_505() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Publish::default());
    channel.send_frame(FrameKind::Body, b"abc");
    let text = "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame \
                instead";
    connection.expect_close(505, text, basic::Publish::ID);
}

#[test]
fn method_instead_of_body_is_505() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Publish::default());
    channel.send_header(60, 3, &Properties::default());
    channel.send(basic::Qos::default());
    let text = "UNEXPECTED_FRAME - expected content body, got non content body frame instead";
    connection.expect_close(505, text, basic::Publish::ID);
}

#[test]
fn header_of_another_class_is_505() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Publish::default());
    channel.send_header(50, 0, &Properties::default());
    let text = "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead";
    connection.expect_close(505, text, basic::Publish::ID);
}

#[test]
fn more_body_than_announced_is_refused() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Publish::default());
    channel.send_header(60, 2, &Properties::default());
    channel.send_frame(FrameKind::Body, b"abc");
    channel.send(basic::Qos::default());
    let text = differs(
        "refused when it comes, not with the next method",
        "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
        "UNEXPECTED_FRAME - expected 2 more octets of content body, got 3",
    );
    connection.expect_close(505, text, basic::Publish::ID);
}

#[test]
fn content_frames_on_channel_0_are_refused() {
    let connection = Connection::open();
    connection.send_frame(FrameKind::Body, 0, b"abc");
    connection.expect_close(505, "UNEXPECTED_FRAME - type 3, all octets = <<\"abc\">>", NONE);
}

#[test]
fn unknown_frame_kind_is_refused() {
    let connection = Connection::open();
    connection.channel();
    connection.send_bytes("frame of kind 5 on channel 1", &[5, 0, 1, 0, 0, 0, 1, b'x', 0xCE]);
    connection.expect_close(501, "FRAME_ERROR - type 5, all octets = <<\"x\">>: unknown_frame", NONE);
}

#[test]
fn unknown_frame_kind_on_channel_0_is_refused() {
    let connection = Connection::open();
    connection.send_bytes("frame of kind 5 on channel 0", &[5, 0, 0, 0, 0, 0, 1, b'x', 0xCE]);
    connection.expect_close(501, "FRAME_ERROR - type 5, all octets = <<\"x\">>: unknown_frame", NONE);
}

#[test]
fn frame_larger_than_negotiated_is_501() {
    let connection = Connection::open_with(&Options { frame_max: 4096, ..Options::default() });
    connection.channel();
    connection.send_bytes("frame header of 4097 bytes", &[3, 0, 1, 0, 0, 0x10, 0x01]);
    connection.expect_close_only(
        501,
        "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}",
        NONE,
    );
    connection.expect_eof();
}

#[test]
fn missing_frame_end_is_501() {
    let connection = Connection::open();
    connection.channel();
    connection.send_bytes("frame without frame-end", &[1, 0, 1, 0, 0, 0, 4, 0, 20, 0, 10, 0x00]);
    let text = "FRAME_ERROR - type 1, all octets = <<0,20,0,10>>: {invalid_frame_end_marker,0}";
    connection.expect_close_only(501, text, NONE);
    connection.expect_eof();
}

#[test]
fn arguments_that_end_early_are_refused() {
    let connection = Connection::open();
    connection.channel().send_method_bytes(queue::Declare::ID, &[0, 0, 9, b'q']);
    connection.expect_close(501, "FRAME_ERROR - cannot decode <<0,0,9,113>>", queue::Declare::ID);
}

#[test]
fn method_frame_without_numbers_is_refused() {
    let connection = Connection::open();
    connection.channel().send_frame(FrameKind::Method, &[0, 50]);
    connection.expect_close(501, "FRAME_ERROR - type 1, all octets = <<0,50>>: unknown_frame", NONE);
}

#[test]
fn unknown_type_in_a_table_is_refused() {
    let connection = Connection::open();
    let arguments = [0, 0, 1, b'q', 0, 0, 0, 0, 4, 1, b'k', b'?', 0];
    connection.channel().send_method_bytes(queue::Declare::ID, &arguments);
    let text = "FRAME_ERROR - cannot decode <<0,0,1,113,0,0,0,0,4,1,107,63,0>>";
    expect_undecodable(&connection, 501, text, queue::Declare::ID);
}

#[test]
fn access_request_of_older_clients_is_answered() {
    let connection = Connection::open();
    let channel = connection.channel();
    let request = methods::access::Request { realm: s("/data"), ..Default::default() };
    channel.call(request, methods::access::RequestOk { ticket: 1 });
}

#[test]
fn immediate_is_540() {
    let connection = Connection::open();
    let channel = connection.channel();
    let publish = basic::Publish { routing_key: s("q"), immediate: true, ..Default::default() };
    channel.publish_as(&publish, &Properties::default(), b"x", 4096);
    connection.expect_close(540, "NOT_IMPLEMENTED - immediate=true", basic::Publish::ID);
}

#[test]
fn channel_flow_off_is_540() {
    let connection = Connection::open();
    connection.channel().send(methods::channel::Flow { active: false });
    connection.expect_close(540, "NOT_IMPLEMENTED - active=false", methods::channel::Flow::ID);
}

#[test]
fn channel_flow_on_is_answered() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.call(methods::channel::Flow { active: true }, methods::channel::FlowOk { active: true });
}

#[test]
fn heartbeat_on_a_channel_is_refused() {
    let connection = Connection::open();
    connection.channel();
    connection.send_frame(FrameKind::Heartbeat, 1, b"");
    connection.expect_close(505, "UNEXPECTED_FRAME - type 8, all octets = <<>>", NONE);
}

#[test]
fn after_a_connection_error_everything_but_close_ok_is_discarded() {
    let scratch = Scratch::new();
    let queue = scratch.queue("discarded");
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(methods::channel::Open);
    channel.send(queue::Declare { queue: s(&queue), ..Default::default() });
    connection.expect_close_only(
        504,
        "CHANNEL_ERROR - second 'channel.open' seen",
        methods::channel::Open::ID,
    );
    channel.send(queue::Declare { queue: s(&queue), ..Default::default() });
    connection.send(conn::CloseOk);
    connection.expect_eof();

    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(queue::Declare { queue: s(&queue), passive: true, ..Default::default() });
    let text = format!("NOT_FOUND - no queue '{queue}' in vhost '/'");
    channel.expect_close(404, &text, queue::Declare::ID);
}

#[test]
fn other_connections_go_on() {
    let other = Connection::open();
    let channel = other.channel();
    let connection = Connection::open();
    connection.at(7).send(basic::Qos::default());
    connection.expect_close(504, "CHANNEL_ERROR - expected 'channel.open'", basic::Qos::ID);
    channel.expect_silence();
}
