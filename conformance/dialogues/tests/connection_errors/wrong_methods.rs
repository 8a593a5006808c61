//! Methods that do not exist, or not here.

use super::*;

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
fn method_of_the_connection_on_another_channel_is_503() {
    let connection = Connection::open();
    connection.channel().send(conn::Open { virtual_host: s("/") });
    connection.expect_close(503, "COMMAND_INVALID - unimplemented method", conn::Open::ID);
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
fn method_meant_for_clients_is_503() {
    let connection = Connection::open();
    connection.channel().send(queue::DeclareOk { queue: s("q"), ..Default::default() });
    connection.expect_close(503, "COMMAND_INVALID - unimplemented method", queue::DeclareOk::ID);
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
fn method_frame_without_numbers_is_refused() {
    let connection = Connection::open();
    connection.channel().send_frame(FrameKind::Method, &[0, 50]);
    connection.expect_close(501, "FRAME_ERROR - type 1, all octets = <<0,50>>: unknown_frame", NONE);
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
fn connection_close_on_another_channel_is_503() {
    let connection = Connection::open();
    connection.channel().send(conn::Close { reply_code: 200, ..Default::default() });
    connection.expect_close(503, "COMMAND_INVALID - unimplemented method", conn::Close::ID);
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
fn deliver_from_a_client_is_refused() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.send(basic::Deliver { consumer_tag: s("c"), delivery_tag: 1, ..Default::default() });
    channel.send_header(60, 0, &Properties::default());
    connection.expect_close(503, "COMMAND_INVALID - unimplemented method", basic::Deliver::ID);
}

#[test]
fn arguments_that_end_early_are_refused() {
    let connection = Connection::open();
    connection.channel().send_method_bytes(queue::Declare::ID, &[0, 0, 9, b'q']);
    connection.expect_close(501, "FRAME_ERROR - cannot decode <<0,0,9,113>>", queue::Declare::ID);
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
