//! What a queue does, without connections, batches or disks. Times are milliseconds since 1970.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

/// What the declaration and the policies say.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) is_quorum: bool,
    pub(super) priority_max: u8,
    pub(super) is_single_active: bool,
    /// Ids remembered, and for how long.
    pub(super) ids: Option<(usize, u64)>,
    pub(super) ttl_ms: Option<u64>,
    pub(super) length_max: Option<usize>,
    pub(super) bytes_max: Option<usize>,
    pub(super) overflow: Overflow,
    pub(super) delivery_limit: Option<u32>,
    pub(super) ladder_ms: Option<Vec<u64>>,
    pub(super) has_dead_letters: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Overflow {
    #[default]
    DropHead,
    RejectPublish,
    RejectPublishDlx,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Ack,
    /// `basic.reject` without requeue.
    Drop,
    /// `basic.nack` with requeue: no failure.
    GiveBack,
    /// `basic.reject` with requeue, or its channel ended: a failure.
    Fail,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) text: String,
    pub(super) priority: u8,
    pub(super) ttl_ms: Option<u64>,
    pub(super) lasts: bool,
    pub(super) id: Option<u8>,
    pub(super) place: u64,
    pub(super) expires_ms: u64,
    /// `None`: after a crash it may be said or not.
    pub(super) redelivered: Option<bool>,
    pub(super) failures: u32,
}

#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) tag: String,
    pub(super) channel: u16,
    pub(super) prefetch: usize,
    pub(super) priority: i32,
    pub(super) no_ack: bool,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) message: Message,
    /// `None`: taken by `basic.get`.
    pub(super) consumer: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) rules: Rules,
    pub(super) now_ms: u64,
    pub(super) is_paused: bool,
    /// In the order in which they leave: higher priorities first, then by place.
    pub(super) ready: BTreeMap<(Reverse<u8>, u64), Message>,
    /// By place, and until when.
    pub(super) waiting: BTreeMap<u64, (u64, Message)>,
    /// By channel and delivery tag.
    pub(super) held: BTreeMap<(u16, u64), Held>,
    /// In the order in which they came.
    pub(super) consumers: Vec<Consumer>,
    pub(super) active: Option<String>,
    /// Id, until when, and whether it lasts; oldest first.
    pub(super) seen: VecDeque<(u8, u64, bool)>,
    /// What was handed out, and to whom is to be seen.
    pub(super) out: VecDeque<Message>,
    /// Text and reason of what died.
    pub(super) dead: Vec<(String, &'static str)>,
    pub(super) places: u64,
}

impl Model {
    /// `false`: it is refused.
    pub(super) fn publish(&mut self, mut message: Message) -> bool {
        self.seen.retain(|(_, until_ms, _)| *until_ms > self.now_ms);
        if let (Some((count, ttl_ms)), Some(id)) = (self.rules.ids, message.id) {
            if self.seen.iter().any(|(seen, ..)| *seen == id) {
                return true;
            }
            if !self.refuses(&message) {
                let lasts = message.lasts || self.rules.is_quorum;
                self.seen.push_back((id, self.now_ms + ttl_ms, lasts));
                self.seen.drain(..self.seen.len().saturating_sub(count));
            }
        }
        if self.refuses(&message) {
            if self.rules.overflow == Overflow::RejectPublishDlx {
                self.bury(message, "maxlen");
            }
            return false;
        }
        self.places += 1;
        message.place = self.places;
        let ttl_ms = message.ttl_ms.into_iter().chain(self.rules.ttl_ms).min();
        message.expires_ms = ttl_ms.map_or(u64::MAX, |ms| self.now_ms + ms);
        if self.ready.is_empty() && !self.is_paused && self.credit() > 0 {
            // At once, even with a time to live of 0, a maximal length of 0 or a body above the limit.
            self.out.push_back(message);
        } else {
            self.enter(message);
            self.drop_overflow();
        }
        self.turn();
        true
    }

    fn enter(&mut self, message: Message) {
        let level = message.priority.min(self.rules.priority_max);
        self.ready.insert((Reverse(level), message.place), message);
    }

    pub(super) fn ready_bytes(&self) -> usize {
        self.ready.values().map(|message| message.text.len()).sum()
    }

    fn refuses(&self, message: &Message) -> bool {
        let Rules { overflow, length_max, bytes_max, .. } = &self.rules;
        *overflow != Overflow::DropHead
            && (length_max.is_some_and(|max| self.ready.len() >= max)
                || bytes_max.is_some_and(|max| self.ready_bytes() + message.text.len() > max))
    }

    fn drop_overflow(&mut self) {
        let Rules { overflow, length_max, bytes_max, .. } = self.rules;
        while overflow == Overflow::DropHead
            && (length_max.is_some_and(|max| self.ready.len() > max)
                || bytes_max.is_some_and(|max| self.ready_bytes() > max))
        {
            let (_, message) = self.ready.pop_first().unwrap();
            self.bury(message, "maxlen");
        }
    }

    fn bury(&mut self, message: Message, reason: &'static str) {
        if self.rules.has_dead_letters {
            self.dead.push((message.text, reason));
        }
    }

    /// Whatever happens ends here: waiting messages that are due are ready, heads expire, consumers get what they may have.
    fn turn(&mut self) {
        self.end_waits();
        loop {
            self.drop_expired();
            if self.is_paused || self.ready.is_empty() || self.credit() == 0 {
                return;
            }
            self.out.extend(self.ready.pop_first().map(|(_, message)| message));
        }
    }

    fn end_waits(&mut self) {
        let now_ms = self.now_ms;
        for (_, (_, message)) in
            self.waiting.extract_if(.., |_, (due_ms, _)| *due_ms <= now_ms).collect::<Vec<_>>()
        {
            self.enter(message);
        }
    }

    /// Only the head of each level is looked at.
    fn drop_expired(&mut self) {
        for level in (0..=self.rules.priority_max).map(Reverse) {
            while let Some((at, head)) = self.ready.range((level, 0)..=(level, u64::MAX)).next()
                && head.expires_ms <= self.now_ms
            {
                let at = *at;
                let head = self.ready.remove(&at).unwrap();
                self.bury(head, "expired");
            }
        }
    }

    fn room(&self, consumer: &Consumer) -> usize {
        if consumer.no_ack || consumer.prefetch == 0 {
            return 1_000_000;
        }
        let held = self.held.values().filter(|held| held.consumer.as_ref() == Some(&consumer.tag)).count();
        consumer.prefetch - held
    }

    fn may_get(&self, consumer: &Consumer) -> bool {
        !self.rules.is_single_active || self.active.as_ref() == Some(&consumer.tag)
    }

    /// How many messages consumers could take.
    fn credit(&self) -> usize {
        let who = self.consumers.iter().filter(|consumer| self.may_get(consumer));
        who.map(|consumer| self.room(consumer)).sum::<usize>().saturating_sub(self.out.len())
    }

    /// A delivery was seen. It must be the next that was handed out, and to one who may have it.
    pub(super) fn given(&mut self, channel: u16, tag: u64, consumer: &str) -> Result<Message, String> {
        let message = self.out.pop_front().ok_or("a delivery of nothing")?;
        let Some(to) = self.consumers.iter().find(|one| one.tag == consumer && one.channel == channel) else {
            return Err(format!("nobody is called {consumer}"));
        };
        let better = |one: &&Consumer| one.priority > to.priority && self.may_get(one) && self.room(one) > 0;
        if !self.may_get(to) || self.room(to) == 0 || self.consumers.iter().any(|one| better(&one)) {
            return Err(format!("it is not the turn of {consumer}"));
        }
        if !to.no_ack {
            let held = Held { message: message.clone(), consumer: Some(consumer.into()) };
            self.held.insert((channel, tag), held);
        }
        Ok(message)
    }

    pub(super) fn get(&mut self) -> Option<Message> {
        if self.is_paused {
            return None;
        }
        self.ready.pop_first().map(|(_, message)| message)
    }

    pub(super) fn consume(&mut self, consumer: Consumer) {
        self.consumers.push(consumer);
        self.elect();
        self.turn();
    }

    /// The active one stays. Without it the highest priority that came first.
    fn elect(&mut self) {
        if !self.consumers.iter().any(|one| self.active.as_ref() == Some(&one.tag)) {
            let next = self.consumers.iter().rev().max_by_key(|one| one.priority);
            self.active = next.map(|one| one.tag.clone());
        }
    }

    pub(super) fn cancel(&mut self, tag: &str) {
        self.consumers.retain(|one| one.tag != tag);
        self.elect();
        self.turn();
    }

    pub(super) fn settle(&mut self, channel: u16, tags: impl IntoIterator<Item = u64>, how: How) {
        let settled: Vec<_> =
            tags.into_iter().map(|tag| self.held.remove(&(channel, tag)).unwrap().message).collect();
        let is_any = !settled.is_empty();
        for mut message in settled {
            match how {
                How::Ack => continue,
                How::Drop => {
                    self.bury(message, "rejected");
                    continue;
                }
                How::GiveBack => {}
                How::Fail => message.failures += 1,
            }
            message.redelivered = Some(true);
            let ladder = self.rules.ladder_ms.clone().filter(|_| how == How::Fail);
            let failures = message.failures;
            if self.rules.delivery_limit.is_some_and(|limit| failures > limit)
                || ladder.as_ref().is_some_and(|ladder| failures as usize > ladder.len())
            {
                self.bury(message, "delivery_limit");
                continue;
            }
            match ladder.map(|ladder| ladder[failures as usize - 1]) {
                None | Some(0) => self.enter(message),
                Some(ms) => {
                    let due_ms = (self.now_ms + ms).min(message.expires_ms);
                    self.waiting.insert(message.place, (due_ms, message));
                }
            }
        }
        if is_any && matches!(how, How::GiveBack | How::Fail) {
            self.drop_overflow();
        }
        self.turn();
    }

    /// A channel ends: its consumers go, and what it held comes back.
    pub(super) fn close(&mut self, channel: u16) {
        self.consumers.retain(|one| one.channel != channel);
        self.elect();
        let tags: Vec<u64> = self.tags(channel);
        self.settle(channel, tags, How::Fail);
    }

    pub(super) fn tags(&self, channel: u16) -> Vec<u64> {
        self.held.keys().filter(|(on, _)| *on == channel).map(|(_, tag)| *tag).collect()
    }

    pub(super) fn purge(&mut self) -> usize {
        let count = self.ready.len() + self.waiting.len();
        self.ready.clear();
        self.waiting.clear();
        count
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.turn();
    }

    pub(super) fn rule(&mut self, rules: Rules) {
        self.rules = rules;
        // What was seen is forgotten where nobody looks any more, and the oldest where less is to be remembered.
        let ids_max = self.rules.ids.map_or(0, |(count, _)| count);
        self.seen.retain(|(_, until_ms, _)| *until_ms > self.now_ms);
        self.seen.drain(..self.seen.len().saturating_sub(ids_max));
        self.drop_overflow();
        self.turn();
    }

    pub(super) fn pause(&mut self, paused: bool) {
        self.is_paused = paused;
        self.turn();
    }

    /// Takes out what an operator means.
    pub(super) fn sweep(&mut self, wanted: &str) -> Vec<Message> {
        let is_wanted = |message: &Message| message.text.contains(wanted);
        let ready = self.ready.extract_if(.., |_, message| is_wanted(message)).map(|(_, message)| message);
        let mut swept: Vec<_> = ready.collect();
        swept.extend(
            self.waiting
                .extract_if(.., |_, (_, message)| is_wanted(message))
                .map(|(_, (_, message))| message),
        );
        self.turn();
        swept
    }

    pub(super) fn expire(&mut self, wanted: &str) {
        for message in self.sweep(wanted) {
            self.bury(message, "expired");
        }
    }

    /// The broker stops or the power goes, and it starts again: what is lasting is there, what was held as well.
    pub(super) fn restart(&mut self) {
        self.consumers.clear();
        self.elect();
        for (_, Held { mut message, .. }) in std::mem::take(&mut self.held) {
            message.redelivered = Some(true);
            self.enter(message);
        }
        let is_quorum = self.rules.is_quorum;
        self.ready.retain(|_, message| message.lasts || is_quorum);
        self.waiting.retain(|_, (_, message)| message.lasts || is_quorum);
        self.seen.retain(|(.., lasts)| *lasts);
        for message in self.ready.values_mut().chain(self.waiting.values_mut().map(|(_, message)| message)) {
            message.redelivered = message.redelivered.filter(|said| *said);
        }
        // A wait that ended meanwhile leaves a message that is ready, and counts.
        self.end_waits();
        self.drop_overflow();
        self.turn();
    }
}
