//! Holds one script with both brokers, step by step, and compares.
//!
//! After each step both are asked until they agree on everything that came and on what the queues say of themselves, or until patience is
//! over: what one broker does a moment later than the other is no difference.

use crate::peer::Seen;
use crate::script::{Act, QUEUES, Step, Which};
use crate::side::{Fresh, Side};
use leveret_dialogues::{FieldValue, Method, Target, basic, queue};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What both said to a step.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) step: String,
    /// RabbitMQ's lines and ours, each with the place where it came.
    pub(crate) lines: [Vec<String>; 2],
}

impl Entry {
    /// What only one of them said.
    pub(crate) fn only(&self, side: usize) -> Vec<&str> {
        let other = &self.lines[1 - side];
        self.lines[side].iter().filter(|line| !other.contains(line)).map(String::as_str).collect()
    }

    /// What kind of a difference it is: the methods and reply codes that only one of them sent.
    pub(crate) fn kind(&self) -> [Vec<String>; 2] {
        [0, 1].map(|side: usize| {
            let short = |line: &&str| {
                let line = line.split_once(": ").map_or(*line, |(_, line)| line);
                line.split(' ')
                    .take(if line.contains("reply_code") { 3 } else { 1 })
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let mut kinds: Vec<String> = self.only(side).iter().map(short).collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds
        })
    }
}

/// A script that was held: the last entry is the one that differs, if one does.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) entries: Vec<Entry>,
    pub(crate) differs: bool,
}

/// A delivery that is not settled: its numbers at RabbitMQ and at ours.
type Pair = (u64, u64);

/// The owner of an exclusive queue: which connection, in which of its lives.
type Owner = Option<(usize, u32)>;

struct Holder {
    /// RabbitMQ and ours.
    sides: [Side; 2],
    patience: Duration,
    open: BTreeMap<(usize, u16), Vec<Pair>>,
    /// Settled in a transaction that is not over.
    in_transaction: BTreeMap<(usize, u16), Vec<Pair>>,
    no_ack: BTreeSet<String>,
    queues: BTreeMap<String, Owner>,
    /// Those of type quorum, whose consumers are not compared: RabbitMQ counts who holds what it got, too.
    quorum: BTreeSet<String>,
    entries: Vec<Entry>,
}

/// Holds a script; a step whose answers have not come to agree within `patience` differs.
pub(crate) fn hold(script: &[Step], targets: &[Target; 2], patience: Duration) -> Held {
    let mut holder = Holder {
        sides: [Side::new(&targets[0]), Side::new(&targets[1])],
        patience,
        open: BTreeMap::new(),
        in_transaction: BTreeMap::new(),
        no_ack: BTreeSet::new(),
        queues: BTreeMap::new(),
        quorum: BTreeSet::new(),
        entries: Vec::new(),
    };
    let agreed = script.iter().all(|step| holder.step(step)) && holder.end();
    holder.sides.iter_mut().for_each(Side::clear);
    Held { entries: holder.entries, differs: !agreed }
}

impl Holder {
    /// Whether both said the same.
    fn step(&mut self, step: &Step) -> bool {
        let at = (step.connection, step.channel);
        let mut multiple = false;
        let mut tags = [0; 2];
        if let Act::Settle(how, which) = &step.act {
            let open = self.open.get(&at).map_or(&[][..], Vec::as_slice);
            let pair = match which {
                Which::Open(_) if open.is_empty() => return true,
                Which::Open(number) => open[number % open.len()],
                Which::Tag(tag) => {
                    open.iter().copied().find(|(theirs, _)| theirs == tag).unwrap_or((*tag, *tag))
                }
            };
            tags = [pair.0, pair.1];
            // Where consumers got their messages in another order, "all up to this one" would be others.
            multiple =
                how.multiple() && open.iter().all(|(theirs, ours)| (*theirs <= pair.0) == (*ours <= pair.1));
        }
        for (side, tag) in self.sides.iter_mut().zip(tags) {
            side.prepare(step);
            match &step.act {
                Act::Method(method) => side.say(step, Some(method.clone())),
                Act::Settle(how, _) => side.say(step, Some(how.method(tag, multiple))),
                Act::Publish(..) | Act::CloseConnection => side.say(step, None),
            }
        }
        self.remember(step, tags[0], multiple);
        self.agree(&step.to_string(), Some(step))
    }

    /// Takes out what is left in the queues, before and after all connections are closed.
    fn end(&mut self) -> bool {
        self.drain();
        if !self.agree("what is left", None) {
            return false;
        }
        self.sides.iter_mut().for_each(Side::close);
        if !self.agree("all connections are closed", None) {
            return false;
        }
        self.drain();
        self.agree("what was not settled", None)
    }

    fn drain(&mut self) {
        let queues: Vec<(String, Owner)> = self.queues.clone().into_iter().collect();
        for (name, owner) in queues {
            self.sides.iter_mut().for_each(|side| side.drain(&name, owner));
        }
    }

    /// What a step changes in what the next steps can refer to.
    fn remember(&mut self, step: &Step, tag: u64, multiple: bool) {
        let at = (step.connection, step.channel);
        let open = self.open.entry(at).or_default();
        match &step.act {
            Act::Settle(..) => {
                let settled = |pair: &mut Pair| pair.0 == tag || (multiple && (pair.0 < tag || tag == 0));
                let settled: Vec<Pair> = open.extract_if(.., settled).collect();
                if let Some(until_commit) = self.in_transaction.get_mut(&at) {
                    until_commit.extend(settled);
                }
            }
            Act::Method(Method::TxSelect(_)) => drop(self.in_transaction.entry(at).or_default()),
            Act::Method(Method::TxCommit(_)) => drop(self.in_transaction.get_mut(&at).map(std::mem::take)),
            Act::Method(Method::TxRollback(_)) => {
                open.extend(self.in_transaction.get_mut(&at).map(std::mem::take).unwrap_or_default());
                open.sort_unstable();
            }
            Act::Method(Method::BasicRecover(_) | Method::BasicRecoverAsync(_)) => open.clear(),
            Act::Method(Method::BasicConsume(basic::Consume { consumer_tag, no_ack, .. })) => {
                let place = format!("c{}#{} {consumer_tag}", step.connection, step.channel);
                if *no_ack {
                    self.no_ack.insert(place);
                } else {
                    self.no_ack.remove(&place);
                }
            }
            Act::Method(Method::QueueDeclare(queue::Declare {
                queue,
                exclusive,
                passive: false,
                arguments,
                ..
            })) if QUEUES.iter().any(|name| *queue == **name) => {
                let owner = exclusive.then(|| (step.connection, self.sides[0].lives[step.connection]));
                self.queues.entry(queue.to_string()).or_insert(owner);
                if arguments.get("x-queue-type").and_then(FieldValue::as_str) == Some("quorum") {
                    self.quorum.insert(queue.to_string());
                }
            }
            _ => {}
        }
    }

    /// Waits until both have said the same, and writes it down.
    fn agree(&mut self, what: &str, step: Option<&Step>) -> bool {
        let until = Instant::now() + self.patience;
        let mut pause = Duration::from_millis(1);
        let (agreed, looks) = loop {
            self.sides.iter_mut().for_each(Side::catch_up);
            let looks = self.look();
            let [theirs, ours] = &self.sides;
            let dying = |(name, look): (&String, &String)| {
                self.queues[name].is_some_and(|(at, life)| !theirs.lives(at, life)) && !look.contains("404")
            };
            let agreed = looks[0] == looks[1]
                && comparable(&theirs.fresh) == comparable(&ours.fresh)
                && !looks[0].iter().any(dying);
            if agreed || Instant::now() >= until {
                break (agreed, looks);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        let fresh = [0, 1].map(|side: usize| std::mem::take(&mut self.sides[side].fresh));
        let lines = [0, 1].map(|side: usize| lines(&fresh[side], &looks[side]));
        self.entries.push(Entry { step: what.to_owned(), lines });
        if agreed {
            self.learn(step, &fresh);
            self.queues.retain(|name, _| !looks[0].get(name).is_some_and(|look| look.contains("404")));
        }
        agreed
    }

    fn look(&mut self) -> [BTreeMap<String, String>; 2] {
        let (queues, quorum) = (&self.queues, &self.quorum);
        let mut looks = self.sides.iter_mut().map(|side| {
            let look = |(name, owner): (&String, &Owner)| {
                let mut look = side.look_at(name, *owner);
                if quorum.contains(name) {
                    look.truncate(look.find(" consumer_count").unwrap_or(look.len()));
                }
                (name.clone(), look)
            };
            queues.iter().map(look).collect()
        });
        [looks.next().unwrap_or_default(), looks.next().unwrap_or_default()]
    }

    /// What came and can be referred to: deliveries, queues that the broker named, the ends of channels.
    fn learn(&mut self, step: Option<&Step>, fresh: &[Fresh; 2]) {
        let no_ack_get =
            step.is_some_and(|step| matches!(&step.act, Act::Method(Method::BasicGet(get)) if get.no_ack));
        for (place, theirs) in &fresh[0] {
            let Some(at) = channel_of(place) else {
                continue;
            };
            let consumer = place.contains(' ');
            for (theirs, ours) in theirs.iter().zip(fresh[1].get(place).into_iter().flatten()) {
                if let (Some(tag), Some(our_tag)) = (theirs.delivery_tag, ours.delivery_tag)
                    && !(if consumer { self.no_ack.contains(place) } else { no_ack_get })
                {
                    self.open.entry(at).or_default().push((tag, our_tag));
                }
                if let Some(name) = theirs.line.strip_prefix("queue.declare-ok queue=\"amq.gen-") {
                    let name = format!("amq.gen-{}", name.split('"').next().unwrap_or(""));
                    let exclusive = step.is_some_and(
                        |step| matches!(&step.act, Act::Method(Method::QueueDeclare(declare)) if declare.exclusive),
                    );
                    let owner = exclusive.then(|| (at.0, self.sides[0].lives[at.0]));
                    self.queues.entry(name).or_insert(owner);
                }
                if theirs.line.starts_with("channel.close") {
                    self.forget(|other| other == at);
                }
                if at.1 == 0 {
                    self.forget(|other| other.0 == at.0);
                }
            }
        }
        self.open.values_mut().for_each(|open| open.sort_unstable());
    }

    /// Channels are closed, and what was open on them with them.
    fn forget(&mut self, closed: impl Fn((usize, u16)) -> bool) {
        self.open.retain(|at, _| !closed(*at));
        self.in_transaction.retain(|at, _| !closed(*at));
    }
}

/// `c1#2 ...` is channel 2 of connection 1; `c1` its channel 0.
fn channel_of(place: &str) -> Option<(usize, u16)> {
    let place = place.split(' ').next()?.strip_prefix('c')?;
    let (connection, channel) = place.split_once('#').unwrap_or((place, "0"));
    Some((connection.parse().ok()?, channel.parse().ok()?))
}

/// What is compared of what came. (In which order messages are confirmed is open.)
fn comparable(fresh: &Fresh) -> BTreeMap<&str, Vec<&str>> {
    fresh
        .iter()
        .map(|(place, seen)| {
            let mut lines: Vec<&str> = seen.iter().map(|seen: &Seen| seen.line.as_str()).collect();
            if place.ends_with(" confirms") {
                lines.sort_unstable();
            }
            (place.as_str(), lines)
        })
        .collect()
}

fn lines(fresh: &Fresh, looks: &BTreeMap<String, String>) -> Vec<String> {
    let came = comparable(fresh);
    let came =
        came.iter().flat_map(|(place, lines)| lines.iter().map(move |line| format!("{place}: {line}")));
    came.chain(looks.iter().map(|(name, look)| format!("{name}: {look}"))).collect()
}
