//! Frames that cannot be, or not here.

use super::*;

#[test]
fn header_without_publish_is_505() {
    let connection = Connection::open();
    connection.channel().send_header(60, 3, &Properties::default());
    let text = "UNEXPECTED_FRAME - expected method frame, got non method frame instead";
    connection.expect_close(505, text, NONE);
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
fn body_without_publish_is_505() {
    let connection = Connection::open();
    connection.channel().send_frame(FrameKind::Body, b"abc");
    let text = "UNEXPECTED_FRAME - expected method frame, got non method frame instead";
    connection.expect_close(505, text, NONE);
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
fn heartbeat_on_a_channel_is_refused() {
    let connection = Connection::open();
    connection.channel();
    connection.send_frame(FrameKind::Heartbeat, 1, b"");
    connection.expect_close(505, "UNEXPECTED_FRAME - type 8, all octets = <<>>", NONE);
}
