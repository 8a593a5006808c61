//! A channel: what is sent on it, and what has to come back.

use crate::event::{Delivery, Event, Returned};
use crate::wire::Wire;
use crate::{basic, exchange, methods, s};
use leveret_protocol::content::BASIC_CLASS;
use leveret_protocol::{
    ContentHeader, FrameKind, Method, MethodId, Properties, Put as _, RawProperties, begin_frame, put_body,
};
use std::cell::RefCell;
use std::rc::Rc;

/// A channel of a [`Connection`](crate::Connection).
#[derive(Clone)]
pub struct Channel {
    wire: Rc<RefCell<Wire>>,
    number: u16,
}

impl Channel {
    pub(crate) fn new(wire: Rc<RefCell<Wire>>, number: u16) -> Self {
        Self { wire, number }
    }

    /// Sends a method.
    pub fn send<'a>(&self, method: impl Into<Method<'a>>) {
        let mut out = Vec::new();
        method.into().write(self.number, &mut out);
        self.wire.borrow_mut().send_frames(&out);
    }

    /// Sends a method frame made by hand.
    pub fn send_method_bytes(&self, id: MethodId, arguments: &[u8]) {
        let mut payload = Vec::new();
        payload.put_u16(id.class);
        payload.put_u16(id.method);
        payload.put_bytes(arguments);
        self.send_frame(FrameKind::Method, &payload);
    }

    /// Sends a frame of any kind.
    pub fn send_frame(&self, kind: FrameKind, payload: &[u8]) {
        let mut out = Vec::new();
        let frame = begin_frame(&mut out, kind, self.number);
        out.put_bytes(payload);
        frame.end(&mut out);
        self.wire.borrow_mut().send_frames(&out);
    }

    /// Sends a content header.
    pub fn send_header(&self, class_id: u16, body_size: u64, properties: &Properties) {
        let mut raw = Vec::new();
        properties.encode(&mut raw);
        let Ok(properties) = RawProperties::parse(&raw) else { unreachable!("own encoding parses") };
        let mut out = Vec::new();
        ContentHeader { class_id, body_size, properties }.write(self.number, &mut out);
        self.wire.borrow_mut().send_frames(&out);
    }

    /// Publishes.
    pub fn publish(&self, exchange: &str, key: &str, body: &str) {
        self.publish_with(exchange, key, &Properties::default(), body);
    }

    /// Publishes with properties.
    pub fn publish_with(&self, exchange: &str, key: &str, properties: &Properties, body: &str) {
        let publish = basic::Publish { exchange: s(exchange), routing_key: s(key), ..Default::default() };
        self.publish_as(&publish, properties, body.as_bytes(), 131_072);
    }

    /// Publishes with the mandatory flag.
    pub fn publish_mandatory(&self, exchange: &str, key: &str, body: &str) {
        let publish = basic::Publish {
            exchange: s(exchange),
            routing_key: s(key),
            mandatory: true,
            ..Default::default()
        };
        self.publish_as(&publish, &Properties::default(), body.as_bytes(), 131_072);
    }

    /// Publishes with everything said; the body goes in frames of at most `frame_max` bytes.
    pub fn publish_as(
        &self,
        publish: &basic::Publish<'_>,
        properties: &Properties,
        body: &[u8],
        frame_max: u32,
    ) {
        let mut out = Vec::new();
        publish.write(self.number, &mut out);
        let mut raw = Vec::new();
        properties.encode(&mut raw);
        let Ok(properties) = RawProperties::parse(&raw) else { unreachable!("own encoding parses") };
        ContentHeader { class_id: BASIC_CLASS, body_size: body.len() as u64, properties }
            .write(self.number, &mut out);
        put_body(&mut out, self.number, body, frame_max);
        self.wire.borrow_mut().send_frames(&out);
    }

    /// What comes next on this channel.
    #[track_caller]
    pub fn next(&self) -> Event {
        self.wire.borrow_mut().next_on(self.number)
    }

    /// Expects exactly this method.
    #[track_caller]
    pub fn expect<'a>(&self, method: impl Into<Method<'a>>) {
        let expected = method.into();
        let event = self.next();
        if event.method().as_ref() != Some(&expected) {
            self.fail(&format!(
                "{} {expected:?}\n     got {:?}",
                expected.id(),
                event.method().ok_or(&event)
            ));
        }
    }

    /// Sends a method and expects exactly this answer.
    #[track_caller]
    pub fn call<'a, 'b>(&self, method: impl Into<Method<'a>>, answer: impl Into<Method<'b>>) {
        self.send(method);
        self.expect(answer);
    }

    /// Expects a message by `basic.deliver` with this body.
    #[track_caller]
    pub fn expect_deliver(&self, body: &str) -> Delivery {
        let delivery = self.deliver();
        if delivery.body != body.as_bytes() {
            self.fail(&format!("delivery of {body:?}, not of {:?}", delivery.text()));
        }
        delivery
    }

    /// Expects a message by `basic.deliver`.
    #[track_caller]
    pub fn deliver(&self) -> Delivery {
        let event = self.next();
        match (event.method(), Delivery::from_event(&event)) {
            (Some(Method::BasicDeliver(_)), Some(delivery)) => delivery,
            _ => self.fail(&format!("a delivery, not {event:?}")),
        }
    }

    /// Expects a message by `basic.return`.
    #[track_caller]
    pub fn expect_return(&self, body: &str) -> Returned {
        let event = self.next();
        match Returned::from_event(&event) {
            Some(returned) if returned.body == body.as_bytes() => returned,
            _ => self.fail(&format!("return of {body:?}, not {event:?}")),
        }
    }

    /// Expects `basic.ack` from the broker.
    #[track_caller]
    pub fn expect_confirm(&self, delivery_tag: u64) {
        self.expect(basic::Ack { delivery_tag, multiple: false });
    }

    /// Expects `channel.close` and answers it.
    #[track_caller]
    pub fn expect_close(&self, code: u16, text: &str, cause: MethodId) {
        self.expect_close_only(code, text, cause);
        self.send(methods::channel::CloseOk);
    }

    /// Expects `channel.close`.
    #[track_caller]
    pub fn expect_close_only(&self, code: u16, text: &str, cause: MethodId) {
        self.expect(methods::channel::Close {
            reply_code: code,
            reply_text: s(text),
            class_id: cause.class,
            method_id: cause.method,
        });
    }

    /// Expects that nothing more waits to come: the next thing is the answer to a synchronous method.
    #[track_caller]
    pub fn expect_silence(&self) {
        self.send(exchange::Declare {
            exchange: s("amq.direct"),
            kind: s("direct"),
            passive: true,
            ..Default::default()
        });
        self.expect(exchange::DeclareOk);
    }

    /// Opens it.
    #[track_caller]
    pub fn open(&self) {
        self.call(methods::channel::Open, methods::channel::OpenOk);
    }

    /// Closes it.
    #[track_caller]
    pub fn close(&self) {
        self.call(
            methods::channel::Close { reply_code: 200, reply_text: s("bye"), class_id: 0, method_id: 0 },
            methods::channel::CloseOk,
        );
    }

    /// Fails the test.
    #[track_caller]
    pub(crate) fn fail(&self, expected: &str) -> ! {
        self.wire.borrow().fail(expected)
    }
}
