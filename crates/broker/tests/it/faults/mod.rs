//! Clients that break the protocol: each gets a clear error or a closed stream, nobody else notices, nothing stays behind.

mod table;

use crate::support::*;
use leveret_broker::Broker;
use leveret_protocol::methods::{channel, connection, queue};
use leveret_protocol::{FieldTable, PROTOCOL_HEADER};
use proptest::prelude::*;
use table::Ends::{Channel, Connection};
use table::{frames, table};

/// Another connection goes on as if nothing had happened.
struct Bystander(Client);

impl Bystander {
    async fn of(broker: &Broker) -> Self {
        let mut client = Client::to(broker).await;
        client.declare(queue_with("bystander", FieldTable::new())).await;
        client.consume(consume("bystander", "b")).await;
        Self(client)
    }

    async fn is_served(&mut self) {
        self.0.publish(Publishing::to("bystander", "m")).await;
        let got = self.0.arrived().await;
        let [Got::Deliver { tag, message, .. }] = &got[..] else { panic!("{got:?}") };
        assert_eq!(message.text(), "m");
        self.0.tell(1, ack(*tag)).await;
        self.0.settle().await;
    }
}

#[tokio::test]
async fn each_breach_of_the_protocol_gets_its_answer_and_costs_nobody_else() {
    let broker = broker();
    let mut bystander = Bystander::of(&broker).await;
    let mut owner = Client::to(&broker).await;
    owner.declare(queue_with("q", FieldTable::new())).await;
    owner.fill("q", &["held"]).await;
    for (fault, bytes, ends) in table() {
        let mut client = Client::to(&broker).await;
        client.open(2).await;
        client.declare(queue::Declare { exclusive: true, ..queue_with("own", FieldTable::new()) }).await;
        client.get("q", false).await.expect("a message to hold");
        client.send_bytes(&bytes).await;
        let got = client.next().await;
        let answered = match got {
            Got::Close { channel: 0, code, .. } => Connection(code),
            Got::Close { channel: 1, code, .. } => Channel(code),
            other => panic!("{fault}: got {other:?}"),
        };
        assert_eq!(answered, ends, "{fault}");
        match ends {
            Connection(_) => assert_eq!(client.next().await, Got::End, "{fault}"),
            Channel(_) => {
                let passive = queue::Declare { passive: true, ..queue_with("own", FieldTable::new()) };
                let got = client.call(2, passive).await;
                assert!(matches!(got, Got::DeclareOk { .. }), "{fault}: channel 2 got {got:?}");
                client.open(1).await;
                client.close().await;
            }
        }
        connections_are(&broker, 2).await;
        assert_eq!(owner.count("q").await.0, 1, "{fault}: what it held is back");
        assert!(broker.vhost("/").unwrap().topology().queue("own").is_none(), "{fault}: its queue is gone");
        bystander.is_served().await;
    }
}

#[tokio::test]
async fn what_is_not_amqp_is_told_what_is_spoken_here() {
    let broker = broker();
    let mut bystander = Bystander::of(&broker).await;
    let preambles: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"AMQP\x00\x00\x09\x02",
        b"AMQP\x00\x01\x00\x00",
        b"AMQP\x01\x01\x00\x0a",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        &[0; 8],
    ];
    for preamble in preambles {
        let answer = raw(&broker, preamble).await;
        assert_eq!(answer, PROTOCOL_HEADER, "{preamble:?}");
        connections_are(&broker, 1).await;
    }
    bystander.is_served().await;
}

/// Sends bytes on a new stream; everything that comes back until it ends.
async fn raw(broker: &Broker, bytes: &[u8]) -> Vec<u8> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = broker.connect();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

/// What a well-behaved client would send, cut off anywhere.
#[tokio::test]
async fn a_client_may_vanish_at_any_byte() {
    let broker = broker();
    let mut bystander = Bystander::of(&broker).await;
    let mut owner = Client::to(&broker).await;
    owner.declare(queue_with("q", FieldTable::new())).await;
    owner.fill("q", &["a", "b", "c"]).await;
    let session = frames(|out| {
        queue::Declare { exclusive: true, ..queue_with("own", FieldTable::new()) }.write(1, out);
        consume("q", "c").write(1, out);
        Publishing::to("own", "a short one").write(1, 4096, out);
        Publishing::bytes("own", &[7; 5_000]).write(1, 4096, out);
        ack(1).write(1, out);
        nack(2, false, true).write(1, out);
        channel::Close { reply_code: 200, ..Default::default() }.write(1, out);
        connection::Close { reply_code: 200, ..Default::default() }.write(0, out);
    });
    let bodies = 200..session.len() - 150;
    for cut in (0..=session.len()).filter(|cut| !bodies.contains(cut) || cut % 97 == 0) {
        let mut client = Client::to(&broker).await;
        client.send_bytes(&session[..cut]).await;
        drop(client);
        connections_are(&broker, 2).await;
        assert!(broker.vhost("/").unwrap().topology().queue("own").is_none(), "after {cut} bytes");
        let figures = broker.vhost("/").unwrap().topology().queue("q").unwrap().figures();
        assert_eq!((figures.unacked, figures.consumers), (0, 0), "after {cut} bytes: {figures:?}");
        if figures.ready < 3 {
            owner.fill("q", &["more"]).await;
        }
    }
    bystander.is_served().await;
    owner.call(1, queue::Delete { queue: short("q"), ..Default::default() }).await;
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn half_a_frame_held_open_holds_nobody_up() {
    let broker = broker();
    let mut bystander = Bystander::of(&broker).await;
    let mut clients = Vec::new();
    let whole = frames(|out| Publishing::bytes("q", &[7; 20_000]).write(1, 131_072, out));
    for number in 0..200 {
        let mut client = Client::to(&broker).await;
        client.send_bytes(&whole[..1 + number * 97 % (whole.len() - 1)]).await;
        clients.push(client);
    }
    bystander.is_served().await;
    // They may take as long as they like; then the rest comes.
    for (number, client) in clients.iter_mut().enumerate() {
        client.send_bytes(&whole[1 + number * 97 % (whole.len() - 1)..]).await;
        client.settle().await;
    }
    drop(clients);
    connections_are(&broker, 1).await;
    bystander.is_served().await;
    assert_eq!(broker.memory().bytes(), 0);
}

#[tokio::test]
async fn thousands_come_and_go() {
    let broker = broker();
    let mut bystander = Bystander::of(&broker).await;
    for number in 0..2_000 {
        let client = Client::to(&broker).await;
        if number % 2 == 0 { client.close().await } else { drop(client) }
    }
    connections_are(&broker, 1).await;
    bystander.is_served().await;
    for _ in 0..5_000 {
        bystander.0.open(3).await;
        bystander.0.close_channel(3).await;
    }
    bystander.is_served().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Pieces of valid frames, damaged ones and noise in any order: an answer or an end, and no effect on others.
    #[test]
    fn any_bytes_at_all(pieces in prop::collection::vec((0usize..80, any::<u8>(), any::<prop::sample::Index>()), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let broker = broker();
            let mut bystander = Bystander::of(&broker).await;
            let mut client = Client::to(&broker).await;
            let all = table();
            let mut sent = Vec::new();
            for (which, noise, at) in &pieces {
                let mut piece = match all.get(*which) {
                    Some((_, bytes, _)) => bytes.clone(),
                    None => frames(|out| Publishing::to("bystander not", "text").write(1, 131_072, out)),
                };
                if noise % 3 == 0 {
                    let at = at.index(piece.len());
                    piece[at] ^= noise;
                }
                sent.append(&mut piece);
            }
            client.send_bytes(&sent).await;
            drop(client);
            connections_are(&broker, 1).await;
            bystander.is_served().await;
            assert_eq!(broker.memory().bytes(), 0);
        });
    }
}
