//! The consumers of a queue and whose turn it is.
//!
//! Consumers that can take a message stand in turn order, one line per priority, highest first; whoever got a message
//! goes to the end of its line. A consumer without credit (prefetch reached, channel limit reached, connection full)
//! leaves its line when its turn comes and is put back when credit returns. Handing a message over only stages it:
//! [`Consumers::flush`] gives each connection everything at once.
//! Source: RabbitMQ's "Consumer Priorities" and "Consumer Prefetch" pages.

use super::stream::Start;
use super::{ConsumerId, Queue};
use crate::limiter::ChannelLimiter;
use crate::mailbox::{Delivery, Mailbox};
use leveret_protocol::FieldTable;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a channel says about a consumer when it subscribes.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) mailbox: Arc<Mailbox>,
    /// The connection's own number for it.
    pub(crate) number: u32,
    pub(crate) no_ack: bool,
    pub(crate) exclusive: bool,
    pub(crate) priority: i32,
    /// Unacked messages it may hold; 0 is no limit.
    pub(crate) prefetch: u16,
    /// The channel-wide limit (`basic.qos` with `global`).
    pub(crate) limiter: Option<Arc<ChannelLimiter>>,
    pub(crate) origin: Origin,
    /// Where a consumer of a stream begins.
    pub(crate) stream: Option<Box<Start>>,
}

/// Where a consumer is, for whoever looks.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) connection: u64,
    pub(crate) channel: u16,
    pub(crate) tag: Arc<[u8]>,
    /// Arguments of `basic.consume`, if there are any.
    pub(crate) arguments: Option<Arc<FieldTable>>,
}

#[derive(Debug)]
struct Consumer {
    id: ConsumerId,
    subscription: Subscription,
    unacked: u32,
    /// Stands in its line.
    lined_up: bool,
    /// Where its deliveries are staged, with those of its connection's other consumers, so that they keep their order.
    outbound: u32,
}

/// Deliveries on their way to one connection.
#[derive(Debug)]
struct Outbound {
    mailbox: Arc<Mailbox>,
    consumers: u32,
    staged: Vec<Delivery>,
    staged_bytes: usize,
    /// What is staged must not be seen before the store knows of it.
    is_held: bool,
}

impl Consumer {
    fn has_credit(&self) -> bool {
        let s = &self.subscription;
        s.prefetch == 0 || s.no_ack || self.unacked < u32::from(s.prefetch)
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Consumers {
    slots: Vec<Option<Consumer>>,
    generation: u32,
    len: usize,
    /// Slots in turn order by priority, highest priority first.
    lines: Vec<(i32, VecDeque<u32>)>,
    outbound: Vec<Outbound>,
    touched: Vec<u32>,
    /// `x-single-active-consumer`.
    single_active: bool,
    active: Option<ConsumerId>,
    /// A connection that found no room for more; whoever publishes waits for it a little.
    congested: Option<Arc<Mailbox>>,
    /// Connections that were given what must not be seen before the store knows of it.
    held: Vec<Arc<Mailbox>>,
}

impl Consumers {
    pub(crate) fn new(single_active: bool) -> Self {
        Self { single_active, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn has_exclusive(&self) -> bool {
        self.iter().any(|s| s.exclusive)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.slots.iter().flatten().map(|c| &c.subscription)
    }

    /// With the unacked messages of each, and whether it may get any: not while another is the single active one.
    pub(crate) fn iter_with_unacked(&self) -> impl Iterator<Item = (&Subscription, u32, bool)> {
        let is_active = |c: &Consumer| !self.single_active || self.active == Some(c.id);
        self.slots.iter().flatten().map(move |c| (&c.subscription, c.unacked, is_active(c)))
    }

    pub(crate) fn add(&mut self, subscription: Subscription) -> ConsumerId {
        self.generation += 1;
        let slot = self.slots.iter().position(Option::is_none).unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let id = ConsumerId { slot: slot as u32, generation: self.generation };
        let outbound = self.outbound_of(&subscription.mailbox);
        self.slots[slot] = Some(Consumer { id, subscription, unacked: 0, lined_up: false, outbound });
        self.len += 1;
        self.elect();
        self.line_up(id.slot);
        id
    }

    fn outbound_of(&mut self, mailbox: &Arc<Mailbox>) -> u32 {
        let known = self.outbound.iter().position(|o| Arc::ptr_eq(&o.mailbox, mailbox));
        // One that nobody uses any more serves the next connection.
        let at = known.or_else(|| self.outbound.iter().position(|o| o.consumers == 0));
        let at = at.unwrap_or_else(|| {
            let mailbox = mailbox.clone();
            self.outbound.push(Outbound {
                mailbox,
                consumers: 0,
                staged: Vec::new(),
                staged_bytes: 0,
                is_held: false,
            });
            self.outbound.len() - 1
        });
        if self.outbound[at].consumers == 0 {
            self.outbound[at].mailbox = mailbox.clone();
        }
        self.outbound[at].consumers += 1;
        at as u32
    }

    /// Takes a consumer out; its unacked messages stay with its channel.
    pub(crate) fn remove(&mut self, id: ConsumerId) -> Option<Subscription> {
        self.get(id)?;
        let consumer = self.slots[id.slot as usize].take()?;
        self.len -= 1;
        self.leave_line(id.slot, consumer.subscription.priority);
        self.outbound[consumer.outbound as usize].consumers -= 1;
        if self.active == Some(id) {
            self.active = None;
            self.elect();
        }
        Some(consumer.subscription)
    }

    /// Takes all consumers out, in the order they came.
    pub(crate) fn clear(&mut self) -> Vec<Subscription> {
        self.len = 0;
        self.lines.clear();
        self.outbound.clear();
        self.active = None;
        let mut all: Vec<Consumer> = self.slots.drain(..).flatten().collect();
        all.sort_by_key(|c| c.id.generation);
        all.into_iter().map(|c| c.subscription).collect()
    }

    fn get(&self, id: ConsumerId) -> Option<&Consumer> {
        self.slots.get(id.slot as usize)?.as_ref().filter(|c| c.id == id)
    }

    fn get_mut(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        self.slots.get_mut(id.slot as usize)?.as_mut().filter(|c| c.id == id)
    }

    /// With a single active consumer: when there is none, the one of highest priority that came first takes over.
    fn elect(&mut self) {
        if !self.single_active || self.active.is_some() {
            return;
        }
        let first = |c: &&Consumer| (std::cmp::Reverse(c.subscription.priority), c.id.generation);
        self.active = self.slots.iter().flatten().min_by_key(first).map(|c| c.id);
        if let Some(id) = self.active {
            self.line_up(id.slot);
        }
    }

    fn line_up(&mut self, slot: u32) {
        let Some(Some(consumer)) = self.slots.get_mut(slot as usize) else { return };
        if consumer.lined_up || (self.single_active && self.active != Some(consumer.id)) {
            return;
        }
        consumer.lined_up = true;
        let priority = consumer.subscription.priority;
        match self.lines.binary_search_by(|(p, _)| priority.cmp(p)) {
            Ok(at) => self.lines[at].1.push_back(slot),
            Err(at) => self.lines.insert(at, (priority, VecDeque::from([slot]))),
        }
    }

    fn leave_line(&mut self, slot: u32, priority: i32) {
        if let Ok(at) = self.lines.binary_search_by(|(p, _)| priority.cmp(p)) {
            self.lines[at].1.retain(|s| *s != slot);
            if self.lines[at].1.is_empty() {
                self.lines.remove(at);
            }
        }
    }

    /// The consumer whose turn it is and that can take a message. Those that cannot leave their line.
    #[inline]
    pub(crate) fn next(&mut self, queue: &Arc<Queue>) -> Option<u32> {
        let mut line_at = 0;
        while line_at < self.lines.len() {
            let Some(&slot) = self.lines[line_at].1.front() else {
                line_at += 1;
                continue;
            };
            let Some(consumer) = &mut self.slots[slot as usize] else {
                self.lines[line_at].1.pop_front();
                continue;
            };
            if consumer.has_credit() {
                let outbound = &mut self.outbound[consumer.outbound as usize];
                if !consumer.subscription.mailbox.is_full(outbound.staged_bytes) {
                    let limiter = &consumer.subscription.limiter;
                    if consumer.subscription.no_ack
                        || limiter.as_ref().is_none_or(|l| l.take(queue, consumer.id))
                    {
                        return Some(slot);
                    }
                } else {
                    hand_over(outbound, &mut self.held);
                    if !consumer.subscription.mailbox.stall(queue, consumer.id) {
                        continue;
                    }
                    self.congested = Some(consumer.subscription.mailbox.clone());
                }
            }
            consumer.lined_up = false;
            self.lines[line_at].1.pop_front();
        }
        None
    }

    /// Stages a delivery for the consumer `next` named and sends it to the end of its line. `hold`: it must not be seen before the
    /// store knows what this operation changed.
    #[inline]
    pub(crate) fn stage(&mut self, slot: u32, mut delivery: Delivery, hold: bool) {
        let Some(Some(consumer)) = self.slots.get_mut(slot as usize) else { return };
        delivery.consumer = consumer.subscription.number;
        if !consumer.subscription.no_ack {
            consumer.unacked += 1;
        }
        let outbound = &mut self.outbound[consumer.outbound as usize];
        if outbound.staged.is_empty() {
            self.touched.push(consumer.outbound);
        }
        outbound.is_held |= hold;
        outbound.staged_bytes += delivery.bytes();
        outbound.staged.push(delivery);
        for (_, line) in &mut self.lines {
            if line.front() == Some(&slot) {
                if line.len() > 1 {
                    line.rotate_left(1);
                }
                break;
            }
        }
    }

    /// Whether that consumer's deliveries settle themselves.
    #[inline]
    pub(crate) fn is_no_ack(&self, slot: u32) -> bool {
        self.slots.get(slot as usize).and_then(Option::as_ref).is_some_and(|c| c.subscription.no_ack)
    }

    /// Gives the connections what was staged for them. Returns what could not be given, because their connections are gone,
    /// each with whether its consumer acknowledges nothing.
    pub(crate) fn flush(&mut self) -> Vec<(Delivery, bool)> {
        let mut homeless = Vec::new();
        for at in self.touched.drain(..) {
            let Some(outbound) = self.outbound.get_mut(at as usize) else { continue };
            hand_over(outbound, &mut self.held);
            for delivery in outbound.staged.drain(..) {
                let consumers = self.slots.iter().flatten();
                let mut same =
                    consumers.filter(|c| c.outbound == at && c.subscription.number == delivery.consumer);
                let no_ack = same.next().is_some_and(|c| c.subscription.no_ack);
                homeless.push((delivery, no_ack));
            }
        }
        homeless
    }

    /// The connections that were given what they must not show yet, each of them blocked.
    #[inline]
    pub(crate) fn take_held(&mut self) -> Vec<Arc<Mailbox>> {
        std::mem::take(&mut self.held)
    }

    /// The connection that had no room, if there was one since the last call.
    pub(crate) fn take_congested(&mut self) -> Option<Arc<Mailbox>> {
        self.congested.take()
    }

    /// Gives back the credit of `count` settled messages.
    pub(crate) fn return_credit(&mut self, id: ConsumerId, count: u32) {
        let Some(consumer) = self.get_mut(id) else { return };
        consumer.unacked = consumer.unacked.saturating_sub(count);
        self.line_up(id.slot);
    }

    pub(crate) fn set_limiter(&mut self, id: ConsumerId, limiter: &Arc<ChannelLimiter>) {
        if let Some(consumer) = self.get_mut(id) {
            consumer.subscription.limiter = Some(limiter.clone());
        }
    }

    /// Puts a consumer back in its line after its connection or channel got room.
    pub(crate) fn resume(&mut self, id: ConsumerId) {
        if self.get(id).is_some() {
            self.line_up(id.slot);
        }
    }
}

fn hand_over(outbound: &mut Outbound, held: &mut Vec<Arc<Mailbox>>) {
    if !outbound.staged.is_empty() {
        if std::mem::take(&mut outbound.is_held) {
            outbound.mailbox.block();
            held.push(outbound.mailbox.clone());
        }
        let bytes = std::mem::take(&mut outbound.staged_bytes);
        outbound.mailbox.deliver(&mut outbound.staged, bytes);
    }
}
