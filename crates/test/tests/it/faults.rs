use crate::support::*;
use leveret_protocol::methods::channel;
use leveret_test::{At, Cut, Direction, Ending, TestBroker};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

const FLOW: channel::Flow = channel::Flow { active: true };

#[tokio::test]
async fn connections_end_by_name_by_index_or_all_and_others_stay() {
    let broker = TestBroker::start().await;
    let mut raws = Vec::new();
    for name in ["a", "b", "b", "c"] {
        raws.push(Raw::named(&broker, name).await);
    }
    let faults = broker.faults();
    assert_eq!(faults.on("b").drop_now(Ending::Close), 2);
    assert_eq!(faults.on(0).drop_now(Ending::Close), 1);
    broker.settle().await;
    assert_eq!(faults.on(0).drop_now(Ending::Close), 0, "it has ended");
    assert_eq!(faults.on("nobody").drop_now(Ending::Close), 0);
    let open: Vec<bool> = broker.connections().iter().map(|c| c.open).collect();
    assert_eq!(open, [false, false, false, true]);
    assert_eq!(broker.broker().connection_count(), 1, "the broker has noticed as well");
    assert_eq!(raws[3].call(FLOW).await, "channel.flow-ok");
    assert_eq!(raws[0].next().await, "end");
    assert_eq!(faults.every().drop_now(Ending::Close), 1);
    assert_eq!(raws[3].next().await, "end");
}

#[tokio::test]
async fn a_close_leaves_what_was_sent_and_a_reset_does_not() {
    for (ending, expected) in
        [(Ending::Close, &["channel.flow-ok", "end"][..]), (Ending::Reset, &["ConnectionReset"])]
    {
        let broker = TestBroker::start().await;
        let mut raw = Raw::to(&broker).await;
        raw.tell(FLOW).await;
        broker.settle().await;
        broker.faults().open().drop_now(ending);
        assert_eq!(raw.arrived(&broker).await, expected, "{ending:?}");
    }
}

#[tokio::test]
async fn sockets_end_in_the_same_two_ways() {
    for (ending, expected) in [(Ending::Close, "end"), (Ending::Reset, "ConnectionReset")] {
        let broker = TestBroker::start().await;
        let stream = TcpStream::connect(broker.address().await).await.unwrap();
        let mut raw = Raw::over(stream, "tcp", 0).await.unwrap();
        assert_eq!(broker.faults().on("tcp").drop_now(ending), 1);
        assert_eq!(raw.next().await, expected);
    }
}

#[tokio::test]
async fn a_cut_after_a_frame_towards_the_broker_lets_it_handle_just_those() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    raw.call(declare("q")).await;
    let sent = broker.connections()[0].frames[0];
    // A publishing of this kind is three frames.
    broker.faults().on(0).cut(Cut::new(Direction::ToBroker, At::Frame(sent + 7)));
    for body in ["one", "two", "three"] {
        raw.publish("q", body).await;
    }
    assert_eq!(raw.arrived(&broker).await, ["end"]);
    let texts: Vec<String> = broker.messages("q").iter().map(|m| m.text()).collect();
    assert_eq!(texts, ["one", "two"]);
    assert_eq!(broker.connections()[0].frames[0], sent + 7);
}

#[tokio::test]
async fn what_passed_before_a_cut_is_handled_also_when_it_is_much() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    raw.call(declare("q")).await;
    raw.confirm().await;
    let sent = broker.connections()[0].frames[0];
    broker.faults().open().cut(Cut::new(Direction::ToBroker, At::Frame(sent + 3 * 400)).reset());
    let body = "x".repeat(2_000);
    for _ in 0..400 {
        raw.publish("q", &body).await;
    }
    assert_eq!(raw.arrived(&broker).await.last().unwrap(), "ConnectionReset");
    assert_eq!(broker.queue("q").unwrap().ready, 400);
}

#[tokio::test]
async fn a_cut_at_a_byte_towards_the_client_gives_it_just_those() {
    let broker = TestBroker::start().await;
    broker.faults().next().cut(Cut::new(Direction::ToClient, At::Byte(11)));
    let mut stream = broker.connector().connect().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"AMQP\0\0\x09\x01").await.unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 11);
    Raw::try_named(&broker, "the next one is whole", 0).await.unwrap();
}

#[tokio::test]
async fn cuts_at_nothing_and_cuts_that_come_late_end_it_at_once() {
    let broker = TestBroker::start().await;
    broker.faults().next().cut(Cut::new(Direction::ToBroker, At::Byte(0)).reset());
    let error = Raw::try_named(&broker, "x", 0).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let mut raw = Raw::to(&broker).await;
    assert_eq!(broker.faults().open().cut(Cut::new(Direction::ToClient, At::Frame(1))), 1);
    // It is noticed with the next frame of that direction.
    raw.tell(FLOW).await;
    assert_eq!(raw.arrived(&broker).await.last().unwrap(), "end");
}

#[tokio::test]
async fn delays_are_on_the_brokers_clock_and_keep_the_order() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    let faults = broker.faults();
    faults.open().delay(Direction::ToBroker, Duration::from_secs(2));
    faults.open().delay(Direction::ToClient, Duration::from_secs(3));
    raw.tell(declare("q")).await;
    broker.settle().await;
    // Shorter for what comes later, which must not overtake.
    faults.open().delay(Direction::ToBroker, Duration::ZERO);
    raw.tell(FLOW).await;
    broker.advance(Duration::from_millis(1_999)).await;
    assert!(broker.queue("q").is_none());
    broker.advance(Duration::from_millis(1)).await;
    assert!(broker.queue("q").is_some());
    broker.advance(Duration::from_millis(2_999)).await;
    assert!(raw.arrived(&broker).await.is_empty());
    broker.advance(Duration::from_millis(1)).await;
    assert_eq!(raw.arrived(&broker).await, ["queue.declare-ok", "channel.flow-ok"]);
}

#[tokio::test]
async fn a_stall_holds_one_direction_and_ends_with_resume() {
    let broker = TestBroker::start().await;
    let (mut raw, mut other) = (Raw::named(&broker, "held").await, Raw::to(&broker).await);
    broker.faults().on("held").stall(Direction::ToClient);
    raw.tell(declare("q")).await;
    assert!(raw.arrived(&broker).await.is_empty());
    assert!(broker.queue("q").is_some(), "the other direction moves");
    assert_eq!(other.call(FLOW).await, "channel.flow-ok");
    broker.faults().on("held").stall(Direction::ToBroker);
    raw.tell(declare("r")).await;
    broker.advance(Duration::from_secs(3600)).await;
    assert!(broker.queue("r").is_none());
    assert!(broker.connections()[0].open);
    broker.faults().on("held").resume();
    assert_eq!(raw.arrived(&broker).await, ["queue.declare-ok", "queue.declare-ok"]);
}

#[tokio::test]
async fn every_means_those_to_come_and_open_does_not() {
    let broker = TestBroker::start().await;
    let mut old = Raw::to(&broker).await;
    broker.faults().open().stall(Direction::ToBroker);
    let mut new = Raw::to(&broker).await;
    assert_eq!(new.call(FLOW).await, "channel.flow-ok");
    broker.faults().every().resume();
    broker.faults().every().delay(Direction::ToBroker, Duration::from_secs(1));
    old.tell(FLOW).await;
    assert!(old.arrived(&broker).await.is_empty());
    let opening = tokio::spawn({
        let broker = broker.clone();
        async move { Raw::to(&broker).await }
    });
    broker.settle().await;
    assert!(!opening.is_finished());
    // Header, start-ok, tune-ok with open, channel.open.
    broker.advance(Duration::from_secs(4)).await;
    opening.await.unwrap();
}

#[tokio::test]
async fn publishers_are_blocked_and_unblocked() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    raw.call(declare("q")).await;
    raw.publish("q", "one").await;
    assert!(raw.arrived(&broker).await.is_empty());
    broker.faults().block();
    assert_eq!(raw.arrived(&broker).await, ["connection.blocked"]);
    raw.publish("q", "two").await;
    broker.settle().await;
    assert_eq!(broker.queue("q").unwrap().ready, 1);
    broker.faults().unblock();
    assert_eq!(raw.arrived(&broker).await, ["connection.unblocked"]);
    assert_eq!(broker.queue("q").unwrap().ready, 2);
}

#[tokio::test]
async fn connections_are_refused_so_often_or_until_told() {
    let broker = TestBroker::start().await;
    let kind = async || Raw::try_named(&broker, "x", 0).await.err().map(|error| error.kind());
    broker.faults().refuse_next(2);
    assert_eq!(kind().await, Some(ErrorKind::ConnectionRefused));
    assert_eq!(kind().await, Some(ErrorKind::ConnectionRefused));
    assert_eq!(kind().await, None);
    broker.faults().refuse_all();
    for _ in 0..3 {
        assert_eq!(kind().await, Some(ErrorKind::ConnectionRefused));
    }
    let mut socket = TcpStream::connect(broker.address().await).await.unwrap();
    assert_eq!(socket.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    broker.faults().accept();
    assert_eq!(kind().await, None);
}

#[tokio::test]
async fn what_is_no_amqp_passes_as_it_is() {
    let broker = TestBroker::start().await;
    let mut stream = broker.connector().connect().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut got = Vec::new();
    broker.settle().await;
    stream.read_buf(&mut got).await.unwrap();
    assert_eq!(&got[..], b"AMQP\0\0\x09\x01", "the broker says what it speaks");
}

#[tokio::test]
async fn a_connection_that_vanishes_says_nothing_to_its_client_and_has_ended_for_the_broker() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::to(&broker).await;
    assert_eq!(broker.faults().open().drop_now(Ending::Vanish), 1);
    broker.settle().await;
    assert!(!broker.connections()[0].open && broker.broker().connections().is_empty());
    raw.tell(declare("q")).await; // it is taken, and goes nowhere
    assert!(raw.arrived(&broker).await.is_empty());
    assert!(broker.queue("q").is_none());
}
