//! The headers CC and BCC.

use super::*;

#[test]
fn cc_and_bcc_add_routing_keys() {
    let connection = Connection::open();
    let channel = connection.channel();
    let [to, copy, blind] = [channel.named_queue(), channel.named_queue(), channel.named_queue()];
    let properties = headers([("CC", texts(&[&copy, &to])), ("BCC", texts(&[&blind])), ("kept", 1.into())]);
    channel.publish_with("", &to, &properties, "x");
    let expected = headers([("CC", texts(&[&copy, &to])), ("kept", 1.into())]);
    for queue in [&to, &copy, &blind] {
        let delivery = channel.get(queue, true).unwrap();
        assert_eq!(delivery.properties, expected);
        assert_eq!(delivery.routing_key, to);
        assert_eq!(channel.drain(queue), [""; 0]);
    }
}

#[test]
fn cc_of_another_type_is_406() {
    let connection = Connection::open();
    let channel = connection.channel();
    channel.publish_with("", "q", &headers([("CC", "text".into())]), "x");
    let text = "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"CC\",longstr}";
    channel.expect_close(406, text, basic::Publish::ID);
    channel.open();
    channel.publish_with("", "q", &headers([("BCC", 5.into())]), "x");
    let text = "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"BCC\",signedint}";
    channel.expect_close(406, text, basic::Publish::ID);
    channel.open();
    // In an array, what is no text is no key.
    channel.publish_with("", "q", &headers([("BCC", FieldValue::Array(vec![5.into()]))]), "x");
    channel.expect_silence();
}
