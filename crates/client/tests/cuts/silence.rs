//! Brokers that stop answering: every wait ends at the deadline that is meant for it, and what is asked next works or says why not.

use leveret_client::{
    Bind, ConnectError, Connection, ConnectionState, Connector, ConsumerOptions, Error, ExchangeDeclare,
    QueueDeclare,
};

use crate::support::open::connect;
use crate::support::peer::{Peers, STEPS};
use crate::support::{ms, options, s, watchdog, within};

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stops_at_any_step_ends_at_the_connect_timeout_and_is_tried_again() {
    let _watchdog = watchdog("handshake");
    for steps in 0..STEPS {
        let (connector, mut peers) = Peers::new();
        let connecting = tokio::spawn(Connection::connect_over(connector, options()));
        let mut silent = peers.accept().await;
        silent.shake(steps, 0).await;
        // 3 s for the attempt, 100 ms of pause; and the old stream is let go of.
        let (mut peer, took) = within(s(4), peers.accept()).await;
        assert_eq!(took, ms(3100), "silent after {steps} steps");
        within(s(1), async { while silent.read_some().await > 0 {} }).await;
        let ((), result) = tokio::join!(peer.shake(usize::MAX, 0), connecting);
        let connection = result.unwrap().unwrap();
        assert!(matches!(connection.state(), ConnectionState::Connected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_never_answers_is_given_up_after_three_timeouts() {
    let (connector, mut peers) = Peers::new();
    let connecting = Connection::connect_over(connector, options());
    let silent = async {
        let mut held = Vec::new();
        loop {
            held.push(peers.accept().await);
        }
    };
    let connecting = async {
        tokio::select! { result = connecting => result, () = silent => unreachable!() }
    };
    let (result, took) = within(s(10), connecting).await;
    assert!(matches!(result, Err(ConnectError::Timeout(_))), "{result:?}");
    assert_eq!(took, s(9));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_amqp_is_said_at_once_and_tried_again() {
    for garbage in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"AMQP\0\0\x09\x01", b"\0", &[0xff; 64]] {
        let (connector, mut peers) = Peers::new();
        let connecting = tokio::spawn(Connection::connect_over(connector, options()));
        let mut first = peers.accept().await;
        first.say(garbage).await;
        let (mut peer, took) = within(s(4), peers.accept()).await;
        assert!(took <= ms(3100), "{garbage:?}: {took:?}");
        drop(first);
        let ((), connected) = tokio::join!(peer.shake(usize::MAX, 0), connecting);
        connected.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_is_final_and_a_stream_that_ends_is_not() {
    let (connector, mut peers) = Peers::new();
    let connecting = tokio::spawn(Connection::connect_over(connector, options()));
    let mut peer = peers.accept().await;
    peer.shake(1, 0).await;
    peer.close_connection(403).await;
    let (result, took) = within(s(1), connecting).await;
    assert!(matches!(result.unwrap(), Err(ConnectError::Refused { code: 403, .. })));
    assert_eq!(took, s(0));
    assert!(!peers.is_called(), "tried again with the same password");
}

/// What is asked of a channel, and the method that is not answered.
type Ask = (&'static str, &'static str);

#[tokio::test(start_paused = true)]
async fn every_operation_ends_at_its_deadline_when_the_answer_does_not_come() {
    let _watchdog = watchdog("operations");
    let asks: [Ask; 9] = [
        ("channel", "channel.open"),
        ("exchange", "exchange.declare"),
        ("queue", "queue.declare"),
        ("bind", "queue.bind"),
        ("confirm", "confirm.select"),
        ("qos", "basic.qos"),
        ("consume", "basic.consume"),
        ("cancel", "basic.cancel"),
        ("close", "channel.close"),
    ];
    for (what, method) in asks {
        let (connection, mut peer, _peers) = connect(options(), 0).await;
        peer.mute.push(method);
        let broker = tokio::spawn(async move { peer.serve().await });
        let asked = async {
            let channel = connection.channel().await?;
            match what {
                "exchange" => channel.exchange_declare("x", "fanout", ExchangeDeclare::default()).await,
                "queue" => channel.queue_declare("q", QueueDeclare::default()).await.map(drop),
                "bind" => channel.queue_bind("q", "x", Bind::default()).await,
                "confirm" => channel.confirm_select().await,
                "qos" => channel.basic_qos(1, false).await,
                "consume" => channel.basic_consume("q", Default::default()).await.map(drop),
                "cancel" => channel.basic_cancel("t").await,
                _ => channel.close().await,
            }
        };
        let (result, took) = within(s(8), asked).await;
        assert_eq!(took, s(7), "{what}");
        match result {
            Err(Error::Timeout { what: told, .. }) => assert_eq!(told, method),
            other => panic!("{what}: {other:?}"),
        }
        // The connection goes on, and closes.
        let (closed, took) = within(s(1), connection.close(s(1))).await;
        closed.unwrap();
        assert_eq!(took, s(0), "{what}");
        broker.await.unwrap();
    }
}

/// The accident: after a recovery, channels were opened again without a deadline; a consumer waited for its broker for ever.
#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_answer_when_a_channel_comes_back_is_left() {
    let _watchdog = watchdog("channels that come back");
    for method in ["channel.open", "basic.qos", "basic.consume"] {
        let (connection, mut peer, mut peers) = connect(options(), 0).await;
        let serving = tokio::spawn(async move {
            let consume = peer.until("basic.consume").await;
            peer.answer(&consume).await;
            peer
        });
        let mut consumer = connection.consumer(ConsumerOptions::new("q", 5).tag("t")).await.unwrap();
        drop(serving.await.unwrap());
        let mut silent = peers.open().await;
        let mut third = tokio::spawn(async move {
            silent.mute.push(method);
            // It is alive, it just does not answer that.
            let beating = async {
                loop {
                    silent.serve_and_beat().await;
                    tokio::time::sleep(s(1)).await;
                }
            };
            tokio::select! { () = beating => unreachable!(), peer = peers.open() => peer }
        });
        let (third, took) = within(s(20), &mut third).await;
        assert!(took >= s(7) && took <= ms(9200), "{method}: {took:?}");
        let mut peer = third.unwrap();
        let consume = peer.until("basic.consume").await;
        peer.answer(&consume).await;
        peer.deliver(1, 1, "t", "hello").await;
        let (delivery, _) = within(s(1), consumer.next()).await;
        assert_eq!(delivery.unwrap().unwrap().body(), "hello");
        drop(connection);
    }
}

/// The accident: every heartbeat gave a broker that did not answer a declaration its full time again.
#[tokio::test(start_paused = true)]
async fn a_broker_that_beats_and_does_not_answer_a_declaration_of_the_recovery_is_left() {
    let (connection, mut peer, mut peers) = connect(options(), 0).await;
    let first = tokio::spawn(async move {
        let declare = peer.until("queue.declare").await;
        peer.answer(&declare).await;
        peer
    });
    let channel = connection.channel().await.unwrap();
    channel.queue_declare("q", QueueDeclare::default()).await.unwrap();
    drop(first.await.unwrap());
    let mut silent = peers.open().await;
    silent.until("queue.declare").await;
    let beating = async {
        loop {
            tokio::time::sleep(s(1)).await;
            silent.beat().await;
        }
    };
    let again = async {
        tokio::select! { () = beating => unreachable!(), peer = peers.open() => peer }
    };
    let (_peer, took) = within(s(60), again).await;
    assert_eq!(took, ms(7100));
}

/// Heard bytes are bytes: what no broker says ends the connection, and the next one works.
#[tokio::test(start_paused = true)]
async fn garbage_on_an_open_connection_makes_it_connect_again() {
    let frames: [&[u8]; 5] = [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\x01\0\0\0\0\0\x04\0\x0a\0\x0b\0", // no frame end
        b"\x09\0\0\0\0\0\0\xce",             // no such frame
        b"\x01\0\x01\xff\xff\xff\xff",       // 4 GiB
        b"\x02\0\x01\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\0\0\0\xce", // a header nobody announced
    ];
    for garbage in frames {
        let (connection, mut peer, mut peers) = connect(options(), 0).await;
        peer.say(garbage).await;
        let (mut next, took) = within(s(2), peers.open()).await;
        assert!(took <= ms(300), "{garbage:?}: {took:?}");
        drop(peer);
        let serving = tokio::spawn(async move { next.serve().await });
        connection.channel().await.unwrap();
        connection.close(s(1)).await.unwrap();
        serving.await.unwrap();
    }
}

/// No stream at all: connecting itself waits.
#[tokio::test(start_paused = true)]
async fn a_socket_that_does_not_open_ends_at_the_connect_timeout() {
    let connector = Connector::new(|_| std::future::pending::<std::io::Result<tokio::io::DuplexStream>>());
    let (result, took) = within(s(10), Connection::connect_over(connector, options())).await;
    assert!(matches!(result, Err(ConnectError::Timeout(_))), "{result:?}");
    assert_eq!(took, s(9));
}
