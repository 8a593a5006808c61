//! One of the two brokers: connections to it, what was sent, and what came.

use crate::names::Names;
use crate::peer::{PROBE, Peer, Seen};
use crate::script::{Act, EXCHANGES, QUEUES, Step};
use leveret_dialogues::{Connection, DEADLINE, Method, conn, exchange, methods, queue, s};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Most connections of a script.
const CONNECTIONS: usize = 3;
/// The connection that looks at queues.
const OBSERVER: usize = CONNECTIONS;
/// How long a broker may take to answer what it is asked.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// What came since the last step, by where it came: what one channel answered, what one consumer got, what was confirmed.
pub(crate) type Fresh = BTreeMap<String, Vec<Seen>>;

pub(crate) struct Side {
    target: leveret_dialogues::Target,
    peers: [Option<Peer>; CONNECTIONS + 1],
    /// How often each connection was opened.
    pub(crate) lives: [u32; CONNECTIONS + 1],
    pub(crate) names: Names,
    pub(crate) fresh: Fresh,
}

impl Side {
    /// A broker in which nothing is left of earlier scripts.
    pub(crate) fn new(target: &leveret_dialogues::Target) -> Self {
        let mut side = Self {
            target: target.clone(),
            peers: Default::default(),
            lives: [0; CONNECTIONS + 1],
            names: Names::default(),
            fresh: Fresh::new(),
        };
        side.open(OBSERVER);
        side.clear();
        side
    }

    fn open(&mut self, at: usize) {
        self.lives[at] += 1;
        self.peers[at] = Some(Peer::new(Connection::open_to(&self.target)));
    }

    /// Whether a connection is open and still the one that it was in that life.
    pub(crate) fn lives(&self, at: usize, life: u32) -> bool {
        self.lives[at] == life && self.peers[at].as_ref().is_some_and(|peer| !peer.dead)
    }

    /// Opens what a step needs.
    pub(crate) fn prepare(&mut self, step: &Step) {
        if self.peers[step.connection].as_ref().is_none_or(|peer| peer.dead) {
            self.open(step.connection);
        }
        if let Some(peer) = &mut self.peers[step.connection]
            && !matches!(step.act, Act::CloseConnection)
        {
            peer.open_channel(step.channel);
        }
    }

    /// Sends, and waits until the broker has looked at it.
    pub(crate) fn say(&mut self, step: &Step, method: Option<Method<'_>>) {
        let Some(peer) = &mut self.peers[step.connection] else { return };
        let channel = peer.connection.at(step.channel);
        let mut closes = false;
        peer.settled = false;
        match (&step.act, method) {
            (Act::Publish(publish, properties, body), _) => {
                channel.publish_as(publish, properties, body.as_bytes(), 131_072);
            }
            (Act::CloseConnection, _) => {
                closes = true;
                peer.connection.send(conn::Close {
                    reply_code: 200,
                    reply_text: s("bye"),
                    class_id: 0,
                    method_id: 0,
                });
            }
            (_, Some(method)) => {
                // (Behind a commit that is not done yet RabbitMQ refuses everything.)
                closes = matches!(method, Method::ChannelClose(_));
                let commits = matches!(method, Method::TxCommit(_));
                channel.send(method);
                if commits {
                    self.wait(step.connection, |peer| peer.settled);
                }
            }
            (_, None) => {}
        }
        let Some(peer) = self.peers[step.connection].as_mut().filter(|peer| !peer.dead) else { return };
        if !closes && peer.is_open(step.channel) {
            channel.send(methods::channel::Flow { active: true });
            peer.settled = false;
        }
        self.wait(step.connection, |peer| peer.settled);
    }

    /// Waits for something on a connection; what comes is taken in.
    fn wait(&mut self, at: usize, done: impl Fn(&Peer) -> bool) {
        let until = Instant::now() + ANSWER_WAIT.min(DEADLINE);
        let Some(peer) = &mut self.peers[at] else { return };
        loop {
            if done(peer) || peer.dead {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let line = format!("(no answer within {} s)", ANSWER_WAIT.as_secs());
                self.fresh.entry(format!("c{at}")).or_default().push(Seen::new(line));
                peer.dead = true;
                return;
            }
            for (channel, event) in peer.connection.arrivals(left) {
                peer.take(channel, &event, at, &mut self.names, &mut self.fresh);
            }
        }
    }

    /// Everything that is on its way to a connection has come, as far as one can ask for that.
    pub(crate) fn catch_up(&mut self) {
        for at in 0..CONNECTIONS {
            self.probe(at, exchange_there("amq.direct"));
        }
    }

    /// What a queue says of itself, asked on its owner's connection when it is exclusive.
    pub(crate) fn look_at(&mut self, plain: &str, owner: Option<(usize, u32)>) -> String {
        let at = owner.filter(|&(at, life)| self.lives(at, life)).map_or(OBSERVER, |(at, _)| at);
        let name = self.names.real(plain).to_owned();
        let answer = self.probe(at, queue::Declare { queue: s(&name), passive: true, ..Default::default() });
        self.names.plain(&answer)
    }

    /// Takes all messages out of a queue: what came, in `fresh`.
    pub(crate) fn drain(&mut self, plain: &str, owner: Option<(usize, u32)>) {
        let at = owner.filter(|&(at, life)| self.lives(at, life)).map_or(OBSERVER, |(at, _)| at);
        let name = self.names.real(plain).to_owned();
        loop {
            let get = leveret_dialogues::basic::Get { queue: s(&name), no_ack: true };
            let answer = self.probe(at, get);
            let answer = self.names.plain(&answer);
            let more = answer.starts_with("basic.get-ok");
            self.fresh.entry(format!("left in {plain}")).or_default().push(Seen::new(answer));
            if !more {
                return;
            }
        }
    }

    /// Asks on the probing channel of a connection.
    fn probe<'a>(&mut self, at: usize, method: impl Into<Method<'a>>) -> String {
        let Some(peer) = self.peers[at].as_mut().filter(|peer| !peer.dead) else {
            return "(the connection is closed)".to_owned();
        };
        peer.open_channel(PROBE);
        peer.probed = None;
        peer.connection.at(PROBE).send(method);
        self.wait(at, |peer| peer.probed.is_some());
        self.peers[at].as_mut().and_then(|peer| peer.probed.take()).unwrap_or_default()
    }

    /// Closes the connections of a script.
    pub(crate) fn close(&mut self) {
        for at in 0..CONNECTIONS {
            if let Some(peer) = self.peers[at].as_mut().filter(|peer| !peer.dead) {
                peer.connection.send(conn::Close {
                    reply_code: 200,
                    reply_text: s("bye"),
                    class_id: 0,
                    method_id: 0,
                });
                self.wait(at, |_| false);
            }
        }
    }

    /// Closes what a script opened and deletes what it declared.
    pub(crate) fn clear(&mut self) {
        self.close();
        for name in QUEUES {
            // (An exclusive queue may outlive its connection for a moment.)
            let until = Instant::now() + ANSWER_WAIT;
            while self.probe(OBSERVER, queue::Delete { queue: s(name), ..Default::default() }).contains("405")
                && Instant::now() < until
            {}
        }
        for name in self.names.queues() {
            self.probe(OBSERVER, queue::Delete { queue: s(&name), ..Default::default() });
        }
        for name in EXCHANGES {
            self.probe(OBSERVER, exchange::Delete { exchange: s(name), ..Default::default() });
        }
    }
}

fn exchange_there(name: &str) -> exchange::Declare<'_> {
    exchange::Declare { exchange: s(name), kind: s("direct"), passive: true, ..Default::default() }
}
