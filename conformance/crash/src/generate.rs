//! Workloads from a seed: the same seed, the same workload.
//!
//! The generator plays the broker: it numbers queues and positions, knows what is ready, and does to it what clients do. Positions
//! and queues are never used twice, also after a crash. Appends of different connections race in a real broker, so now and then a
//! message is appended later than its neighbours, and a settlement before its message.

use crate::act::{Act, Step};
use crate::model::{Message, Model};
use crate::profile::Profile;
use leveret_store::disk::faulty::Dice;
use leveret_store::{Lane, LaneId, Target, Urgency};
use std::sync::Arc;

/// Makes steps.
#[derive(Debug, Clone)]
pub struct Generator {
    dice: Dice,
    profile: Profile,
    model: Model,
    lines: Vec<Line>,
    next_queue: u64,
    next_message: u64,
    next_key: u64,
    /// Appended later than its turn.
    held: Vec<Act>,
    /// Its settlement was appended; its turn is next.
    overtaken: Option<Act>,
}

/// A queue as the broker knows it.
#[derive(Debug, Clone)]
struct Line {
    queue: u64,
    lanes: Vec<Lane>,
    next: u64,
    /// Its positions are moments in time: far apart, and in no order.
    is_timetable: bool,
}

/// Where the bits of a moment begin in a timetable's positions.
const SCATTER_FROM: u32 = 20;

/// A message that is ready: queue, position, what it is.
type Ready = (u64, u64, Message);

impl Generator {
    /// The workload of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let profile = Profile::roll(&mut dice);
        Self {
            dice,
            profile,
            model: Model::default(),
            lines: Vec::new(),
            next_queue: 1,
            next_message: 1,
            next_key: 1,
            held: Vec::new(),
            overtaken: None,
        }
    }

    /// Goes on after a crash that left `model`.
    #[must_use]
    pub fn after_crash(&self, seed: u64, model: &Model) -> Self {
        let mut next = Self {
            dice: Dice::new(seed),
            model: model.clone(),
            held: Vec::new(),
            overtaken: None,
            ..self.clone()
        };
        // Places that a message may have had, or may yet be said to have been delivered at, are burnt.
        for line in &mut next.lines {
            line.next += 1000;
        }
        next
    }

    /// How this seed's workload is.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The next steps.
    pub fn steps(&mut self, count: u64) -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..count {
            let acts = self.batch();
            if !acts.is_empty() {
                let urgency = match self.dice.below(10) {
                    0 => Urgency::Later,
                    1 => Urgency::Written,
                    _ => Urgency::Synced,
                };
                steps.push(Step::Append(acts.into(), urgency));
            }
            if self.overtaken.is_some() {
                continue;
            }
            if self.dice.chance(self.profile.commit_percent) {
                steps.push(Step::Commit);
            }
            if self.dice.chance(self.profile.tidy_percent) {
                steps.push(Step::Tidy);
            }
            if self.dice.chance(self.profile.look_percent) {
                steps.extend([Step::Commit, Step::Look]);
            }
            if self.dice.chance(self.profile.reopen_percent) {
                if self.dice.chance(50) {
                    let acts = self.orderly_stop();
                    if !acts.is_empty() {
                        steps.push(Step::Append(acts.into(), Urgency::Synced));
                    }
                }
                self.model.restart();
                steps.extend([Step::Reopen, Step::Look]);
            }
        }
        steps.push(Step::Commit);
        steps
    }

    fn batch(&mut self) -> Vec<Act> {
        let mut acts = Vec::new();
        if let Some(message) = self.overtaken.take() {
            self.push(&mut acts, message);
        } else if !self.held.is_empty() && self.dice.chance(30) {
            let at = self.dice.below(self.held.len() as u64) as usize;
            let message = self.held.swap_remove(at);
            self.push(&mut acts, message);
        } else if self.dice.chance(self.profile.tx_percent) {
            for _ in 0..self.dice.below(8) + 2 {
                self.one(&mut acts);
            }
        } else {
            self.one(&mut acts);
        }
        acts
    }

    fn push(&mut self, acts: &mut Vec<Act>, act: Act) {
        self.model.apply(std::slice::from_ref(&act));
        acts.push(act);
    }

    fn one(&mut self, acts: &mut Vec<Act>) {
        if self.lines.is_empty() {
            return self.declare(acts);
        }
        let mut dice = self.dice.below(self.profile.sum());
        for (weight, what) in self.profile.weights() {
            if dice < weight {
                return what(self, acts);
            }
            dice -= weight;
        }
    }

    fn line(&mut self) -> usize {
        // Some queues are busier than others.
        let at = self.dice.below(self.lines.len() as u64).min(self.dice.below(self.lines.len() as u64));
        at as usize
    }

    fn ready(&mut self, which: Which) -> Option<Ready> {
        let at = self.line();
        let queue = self.lines.get(at)?.queue;
        let messages = &self.model.queues.get(&queue)?.messages;
        let nth = match which {
            Which::Head => 0,
            Which::Any => self.dice.below(messages.len() as u64) as usize,
        };
        messages.iter().nth(nth).map(|(position, message)| (queue, *position, message.clone()))
    }

    pub(crate) fn publish(&mut self, acts: &mut Vec<Act>) {
        let message = self.message();
        if self.dice.chance(4) {
            self.held.push(message);
        } else {
            self.push(acts, message);
        }
    }

    fn message(&mut self) -> Act {
        let mut queues = vec![self.line()];
        while queues.len() < self.lines.len() && self.dice.chance(self.profile.fan_out_percent) {
            let more = self.line();
            if !queues.contains(&more) {
                queues.push(more);
            }
        }
        let targets = queues.into_iter().map(|at| self.target(at)).collect();
        let payload = self.payload();
        let split = (payload.len() > 64 && self.dice.chance(30))
            .then(|| self.dice.below(payload.len() as u64) as usize);
        Act::Message { targets, weight: payload.len() as u32 / 2, payload, split }
    }

    fn target(&mut self, at: usize) -> Target {
        let scatter = self.dice.roll();
        let line = &mut self.lines[at];
        let moment = if line.is_timetable { scatter >> 24 << SCATTER_FROM } else { 0 };
        let position = moment | line.next;
        line.next += 1;
        let lane = line.lanes[self.dice.below(line.lanes.len() as u64) as usize];
        let expires_unix_ms = if self.dice.chance(70) { u64::MAX } else { self.dice.roll() >> 16 };
        Target { queue: self.lines[at].queue, lane, position, expires_unix_ms }
    }

    fn payload(&mut self) -> Arc<[u8]> {
        let len = self.profile.size(&mut self.dice) as usize;
        let mut bytes = self.next_message.to_le_bytes().to_vec();
        self.next_message += 1;
        if self.dice.chance(5) {
            // What looks like the store's own marks is a message like any other.
            while bytes.len() < len {
                bytes.extend_from_slice(if self.dice.chance(50) { b"LVRTGRP1" } else { b"LVRTLOG1" });
            }
        } else {
            while bytes.len() < len {
                bytes.extend_from_slice(&self.dice.roll().to_le_bytes());
            }
        }
        bytes.truncate(len);
        bytes.into()
    }

    pub(crate) fn settle_head(&mut self, acts: &mut Vec<Act>) {
        if let Some(ready) = self.ready(Which::Head) {
            self.settle(acts, &ready);
        }
    }

    pub(crate) fn settle_any(&mut self, acts: &mut Vec<Act>) {
        if let Some(ready) = self.ready(Which::Any) {
            self.settle(acts, &ready);
        }
    }

    /// Many neighbours, as an ack of multiple does.
    pub(crate) fn settle_many(&mut self, acts: &mut Vec<Act>) {
        let Some((queue, position, _)) = self.ready(Which::Any) else { return };
        let count = self.dice.below(self.profile.range_max) as usize + 1;
        let Some(entry) = self.model.queues.get(&queue) else { return };
        let mut many: Vec<Ready> = entry
            .messages
            .range(position..)
            .take(count)
            .map(|(at, message)| (queue, *at, message.clone()))
            .collect();
        if self.dice.chance(20) {
            many.reverse();
        }
        for ready in many {
            self.settle(acts, &ready);
        }
    }

    fn settle(&mut self, acts: &mut Vec<Act>, (queue, position, message): &Ready) {
        let act =
            Act::Settle { queue: *queue, lane: message.lane, position: *position, weight: message.weight };
        self.push(acts, act);
    }

    pub(crate) fn give_back(&mut self, acts: &mut Vec<Act>) {
        if let Some((queue, position, message)) = self.ready(Which::Any) {
            let mut history = message.returned.unwrap_or_default();
            history.acquired_count += 1;
            if self.dice.chance(50) {
                history.delivery_count += 1;
                history.held_until_unix_ms = self.dice.roll() >> 20;
                history.first_failed_unix_ms |= self.dice.roll() >> 24;
                history.reason = self.dice.below(4) as u8;
            }
            self.push(acts, Act::Returned { queue, lane: message.lane, position, history });
        }
    }

    pub(crate) fn deliver(&mut self, acts: &mut Vec<Act>) {
        if let Some((queue, position, message)) = self.ready(Which::Any) {
            let act = Act::Delivering { queue, lane: message.lane, through: position, exact: false };
            self.push(acts, act);
        }
    }

    pub(crate) fn clear(&mut self, acts: &mut Vec<Act>) {
        let at = self.line();
        let line = &self.lines[at];
        let (queue, next, lanes) = (line.queue, line.next, line.lanes.clone());
        let (first, last) = match self.dice.below(3) {
            0 => (0, u64::MAX),
            1 => (1, next),
            _ => {
                let first = self.dice.below(next);
                (first, first + self.dice.below(next - first))
            }
        };
        for lane in lanes {
            self.push(acts, Act::Clear { queue, lane, first, last });
        }
    }

    /// The front of a queue goes whatever is in it, as retention does with a stream.
    pub(crate) fn trim(&mut self, acts: &mut Vec<Act>) {
        let Some((queue, last, _)) = self.ready(Which::Any) else { return };
        let Some(line) = self.lines.iter().find(|line| line.queue == queue) else { return };
        for lane in line.lanes.clone() {
            self.push(acts, Act::Clear { queue, lane, first: 1, last });
        }
    }

    /// Out of one queue and into another, in one step.
    pub(crate) fn dead_letter(&mut self, acts: &mut Vec<Act>) {
        let Some(ready) = self.ready(Which::Head) else { return };
        self.settle(acts, &ready);
        let at = self.line();
        let targets = vec![self.target(at)];
        let payload = ready.2.payload;
        self.push(acts, Act::Message { targets, weight: payload.len() as u32 / 2, payload, split: None });
    }

    /// A settlement whose message comes with the next batch.
    pub(crate) fn overtake(&mut self, acts: &mut Vec<Act>) {
        if !acts.is_empty() || self.overtaken.is_some() {
            return;
        }
        let at = self.line();
        let target = self.target(at);
        let payload: Arc<[u8]> = b"overtaken"[..].into();
        let (queue, lane, position) = (target.queue, target.lane, target.position);
        self.overtaken = Some(Act::Message { targets: vec![target], weight: 4, payload, split: None });
        self.push(acts, Act::Settle { queue, lane, position, weight: 4 });
    }

    pub(crate) fn declare(&mut self, acts: &mut Vec<Act>) {
        if self.lines.len() as u64 >= self.profile.queues_max {
            return self.define(acts);
        }
        let queue = self.next_queue;
        self.next_queue += 1 + self.dice.below(3);
        let mut lanes: Vec<Lane> = (0..=self.dice.below(3) as Lane).collect();
        if self.dice.chance(30) {
            lanes.push(LaneId::TRANSIENT);
        }
        let is_timetable = self.dice.chance(25);
        self.lines.push(Line { queue, lanes, next: 1, is_timetable });
        let (key, value) = (key_of(queue), self.value());
        self.push(acts, Act::Put { key, value });
    }

    pub(crate) fn delete(&mut self, acts: &mut Vec<Act>) {
        // What was overtaken has still to come, and not to a queue that is gone.
        if self.lines.len() < 2 || self.overtaken.is_some() {
            return;
        }
        let at = self.dice.below(self.lines.len() as u64) as usize;
        let queue = self.lines.swap_remove(at).queue;
        self.held.retain(
            |act| !matches!(act, Act::Message { targets, .. } if targets.iter().any(|t| t.queue == queue)),
        );
        let last = self.model.queues.get(&queue).and_then(|queue| queue.messages.last_key_value());
        let late = last.map(|(position, message)| (*position, message.lane, message.weight));
        self.push(acts, Act::DropQueue { queue });
        if let Some((position, lane, weight)) = late.filter(|_| self.dice.chance(30)) {
            // Somebody acked while the queue was deleted.
            self.push(acts, Act::Settle { queue, lane, position, weight });
        }
        self.push(acts, Act::Remove { key: key_of(queue) });
    }

    /// Definitions that are not queues: new, changed, taken away.
    pub(crate) fn define(&mut self, acts: &mut Vec<Act>) {
        let number = self.dice.below(self.next_key + 1);
        self.next_key = self.next_key.max(number + 1).min(40);
        let key: Box<[u8]> = format!("exchange/{number}").into_bytes().into();
        if self.model.definitions.contains_key(&key) && self.dice.chance(40) {
            self.push(acts, Act::Remove { key });
        } else {
            let value = self.value();
            self.push(acts, Act::Put { key, value });
        }
    }

    fn value(&mut self) -> Arc<[u8]> {
        let len = if self.dice.chance(5) { self.dice.below(9000) } else { self.dice.below(60) };
        (0..len).map(|_| self.dice.roll() as u8).collect()
    }

    fn orderly_stop(&mut self) -> Vec<Act> {
        let mut acts = Vec::new();
        for line in self.lines.clone() {
            for lane in line.lanes {
                let through = self.dice.below(line.next);
                self.push(&mut acts, Act::Delivering { queue: line.queue, lane, through, exact: true });
            }
        }
        acts
    }
}

enum Which {
    Head,
    Any,
}

fn key_of(queue: u64) -> Box<[u8]> {
    format!("queue/{queue}").into_bytes().into()
}
