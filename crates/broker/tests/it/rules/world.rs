//! A broker and the model beside it: every step is done to both, and then they are compared.

use super::model::{Consumer, Held, How, Message, Model, Overflow, Rules};
use super::{Policy, Step};
use crate::look::{browsed, operator};
use crate::support::*;
use leveret_broker::queue::QueueFigures;
use leveret_broker::queue::select::{Condition, Filter};
use leveret_broker::queue::sweep::{Selection, SweepState};
use leveret_broker::{Broker, Clock, Config, DataLocation};
use leveret_protocol::FieldTable;
use leveret_protocol::methods::{basic, connection, queue};
use leveret_store::disk::Disk;
use leveret_store::disk::faulty::{FaultyDisk, Survival};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a broker on a disk may take until it is as the model is.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) is_on_disk: bool,
    pub(super) is_quorum: bool,
    pub(super) priority_max: u8,
    pub(super) is_single_active: bool,
    pub(super) ids: Option<(usize, u64)>,
}

pub(super) struct World {
    disk: Option<Arc<FaultyDisk>>,
    broker: Broker,
    client: Client,
    model: Model,
    /// Deliveries that came while something else was waited for.
    came: VecDeque<Got>,
    published: u32,
    consumers: u32,
    /// What the declaration says of deduplication.
    declared_ids: Option<(usize, u64)>,
}

fn start(disk: Option<&Arc<FaultyDisk>>, unix_ms: u64) -> Broker {
    let mut config = Config::default();
    config.heartbeat = Duration::ZERO;
    if let Some(disk) = disk {
        config.limits.disk_free_min_bytes = 0;
        config.store.file_bytes = 256 * 1024;
        let disk: Arc<dyn Disk> = disk.clone();
        config.data = DataLocation::Disk(disk);
    }
    Broker::start_with_clock(config, Clock::virtual_at(unix_ms)).unwrap()
}

async fn connect(broker: &Broker) -> Client {
    let mut client = Client::to(broker).await;
    client.open(2).await;
    client.open(3).await;
    client.confirm().await;
    client
}

impl World {
    pub(super) async fn start(setup: Setup) -> Self {
        let disk = setup.is_on_disk.then(|| Arc::new(FaultyDisk::new()));
        let broker = start(disk.as_ref(), START_UNIX_MS);
        let mut client = connect(&broker).await;
        let mut arguments = FieldTable::new();
        if setup.is_quorum {
            arguments.insert("x-queue-type", "quorum");
        }
        if setup.priority_max > 0 {
            arguments.insert("x-max-priority", i32::from(setup.priority_max));
        }
        arguments.insert("x-single-active-consumer", setup.is_single_active);
        if let Some((count, ttl_ms)) = setup.ids {
            arguments.insert("x-message-deduplication", true);
            arguments.insert("x-cache-size", count as i64);
            arguments.insert("x-cache-ttl", ttl_ms as i64);
        }
        client.declare(queue::Declare { durable: true, ..queue_with("q", arguments) }).await;
        for other in ["dead", "aside", "side"] {
            client.declare(queue::Declare { durable: true, ..queue_with(other, FieldTable::new()) }).await;
        }
        let Setup { is_quorum, priority_max, is_single_active, ids, .. } = setup;
        let delivery_limit = is_quorum.then_some(20);
        let rules =
            Rules { is_quorum, priority_max, is_single_active, ids, delivery_limit, ..Rules::default() };
        let model = Model { rules, now_ms: START_UNIX_MS, ..Model::default() };
        Self {
            disk,
            broker,
            client,
            model,
            came: VecDeque::new(),
            published: 0,
            consumers: 0,
            declared_ids: ids,
        }
    }

    pub(super) async fn step(&mut self, step: Step, about: &str) {
        match step {
            Step::Publish { priority, ttl_ms, size, lasts, id } => {
                self.published += 1;
                let text = format!("{} kind {} {}", self.published, self.published % 3, "x".repeat(size));
                let mut publishing = Publishing::to("q", &text).priority(priority);
                publishing.properties.delivery_mode = Some(if lasts { 2 } else { 1 });
                publishing.properties.expiration = ttl_ms.map(|ms| ms.to_string());
                publishing.properties.headers =
                    id.map(|id| arguments([("x-deduplication-header", i32::from(id).into())]));
                self.client.publish(publishing).await;
                let is_taken = self.confirm().await;
                let message = Message {
                    text,
                    priority,
                    ttl_ms,
                    lasts,
                    id,
                    place: 0,
                    expires_ms: u64::MAX,
                    redelivered: Some(false),
                    failures: 0,
                };
                assert_eq!(is_taken, self.model.publish(message), "taken, {about}");
            }
            // (Refused; a dialogue with RabbitMQ has it.)
            Step::Get { .. } if self.model.rules.is_quorum && self.model.rules.is_single_active => {}
            Step::Get { channel, no_ack } => {
                let got = self.client.call(channel, basic::Get { queue: short("q"), no_ack }).await;
                let expected = self.model.get();
                match (got, expected) {
                    (Got::GetEmpty, None) => {}
                    (Got::GetOk { tag, redelivered, left, message: got, .. }, Some(message)) => {
                        self.is_it(&message, &got, redelivered, about);
                        if !no_ack {
                            self.model.held.insert((channel, tag), Held { message, consumer: None });
                        }
                        self.model.pass(0);
                        // What expires on disk is noticed a moment later.
                        let is_exact = self.disk.is_none();
                        assert!(!is_exact || left as usize == self.model.ready.len(), "{left} left, {about}");
                    }
                    (got, expected) => panic!("{got:?} instead of {expected:?}, {about}"),
                }
            }
            Step::Settle { channel, which, multiple, how } => {
                let held = self.model.tags(channel);
                if held.is_empty() {
                    return;
                }
                let at = which.index(held.len());
                // `basic.reject` knows no `multiple`.
                let first = if multiple && how != How::Fail { 0 } else { at };
                let (tag, multiple) = (held[at], first != at);
                let client = &mut self.client;
                match how {
                    How::Ack => client.tell(channel, basic::Ack { delivery_tag: tag, multiple }).await,
                    How::Drop if !multiple => client.tell(channel, reject(tag, false)).await,
                    How::Fail => client.tell(channel, reject(tag, true)).await,
                    How::Drop | How::GiveBack => {
                        client.tell(channel, nack(tag, multiple, how == How::GiveBack)).await;
                    }
                }
                client.settle().await;
                self.model.settle(channel, held[first..=at].iter().copied(), how);
            }
            Step::Consume { channel, prefetch: count, priority, no_ack } => {
                self.consumers += 1;
                let tag = format!("consumer {}", self.consumers);
                self.client.call(channel, prefetch(count)).await;
                let arguments = arguments([("x-priority", priority.into())]);
                let got = self
                    .client
                    .call(channel, basic::Consume { no_ack, arguments, ..consume("q", &tag) })
                    .await;
                assert_eq!(got, Got::ConsumeOk(tag.clone()), "{about}");
                let prefetch = usize::from(count);
                self.model.consume(Consumer { tag, channel, prefetch, priority, no_ack });
            }
            Step::Cancel(which) => {
                let all = &self.model.consumers;
                if all.is_empty() {
                    return;
                }
                let one = &all[which.index(all.len())];
                let (tag, channel) = (one.tag.clone(), one.channel);
                self.client.call(channel, basic::Cancel { consumer_tag: short(&tag), no_wait: false }).await;
                self.model.cancel(&tag);
            }
            Step::Close(channel) => {
                self.client.close_channel(channel).await;
                self.client.open(channel).await;
                self.model.close(channel);
            }
            Step::Pass(ms) => {
                self.broker.clock().advance(Duration::from_millis(ms));
                self.client.settle().await;
                self.model.pass(ms);
            }
            Step::Policy(policy) => self.policy(policy),
            Step::Purge => {
                let got = self.client.call(1, queue::Purge { queue: short("q"), no_wait: false }).await;
                assert_eq!(got, Got::Count(self.model.purge() as u32), "purged, {about}");
            }
            Step::Pause(paused) => {
                let (vhost, actor) = operator(&self.broker);
                let changed = match paused {
                    true => vhost.pause_queue(&actor, "q"),
                    false => vhost.resume_queue(&actor, "q"),
                };
                assert_eq!(changed.unwrap(), self.model.is_paused != paused, "{about}");
                self.model.pause(paused);
            }
            Step::Browse(size) => {
                let waiting = self.model.waiting.values().map(|(_, message)| message);
                let texts: Vec<_> =
                    self.model.ready.values().chain(waiting).map(|message| message.text.clone()).collect();
                assert_eq!(browsed(&self.broker, "q", size), texts, "{about}");
            }
            Step::Delete(kind) => self.sweep(kind, "delete", about).await,
            Step::Expire(kind) => self.sweep(kind, "expire", about).await,
            Step::Move(kind) => self.sweep(kind, "move", about).await,
            Step::Restart { is_cut, later_ms } => self.restart(is_cut, later_ms).await,
        }
    }

    /// The next confirm; `true` if it is no refusal.
    async fn confirm(&mut self) -> bool {
        loop {
            match self.client.next().await {
                Got::Ack { .. } => return true,
                Got::Nack { .. } => return false,
                other => self.came.push_back(other),
            }
        }
    }

    fn is_it(&self, expected: &Message, got: &crate::support::Message, redelivered: bool, about: &str) {
        assert_eq!(got.text(), expected.text, "{about}");
        if let Some(expected) = expected.redelivered {
            assert_eq!(redelivered, expected, "redelivered, {}, {about}", got.text());
        }
        if self.model.rules.is_quorum || self.model.rules.ladder_ms.is_some() {
            let count = got.headers().get("x-delivery-count").and_then(|count| count.as_i64()).unwrap_or(0);
            assert_eq!(count, i64::from(expected.failures), "x-delivery-count, {}, {about}", got.text());
        }
    }

    fn policy(&mut self, policy: Policy) {
        let is_quorum = self.model.rules.is_quorum;
        let mut definition = json!({});
        let Policy {
            ttl_ms,
            length_max,
            bytes_max,
            mut overflow,
            delivery_limit,
            ladder_ms,
            has_dead_letters,
            ids,
        } = policy;
        if is_quorum && overflow == Overflow::RejectPublishDlx {
            overflow = Overflow::RejectPublish;
        }
        let mut put = |key: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                definition[key] = value;
            }
        };
        put("message-ttl", ttl_ms.map(Into::into));
        put("max-length", length_max.map(Into::into));
        put("max-length-bytes", bytes_max.map(Into::into));
        put(
            "overflow",
            match overflow {
                Overflow::DropHead => None,
                Overflow::RejectPublish => Some("reject-publish".into()),
                Overflow::RejectPublishDlx => Some("reject-publish-dlx".into()),
            },
        );
        put("delivery-limit", delivery_limit.filter(|_| is_quorum).map(Into::into));
        put("retry-delays", ladder_ms.clone().map(Into::into));
        put("retry-jitter", ladder_ms.is_some().then(|| 0.into()));
        if let Some(count) = ids {
            put("message-deduplication", Some(true.into()));
            put("cache-size", Some(count.into()));
            put("cache-ttl", Some(5000.into()));
        }
        if has_dead_letters {
            put("dead-letter-exchange", Some("".into()));
            put("dead-letter-routing-key", Some("dead".into()));
        }
        let vhost = self.broker.vhost("/").unwrap();
        let scope = leveret_broker::policy::PolicyScope::User;
        let serde_json::Value::Object(definition) = definition else { unreachable!() };
        if definition.is_empty() {
            vhost.clear_policy(scope, "p").unwrap();
        } else {
            let apply_to = leveret_broker::policy::ApplyTo::Queues;
            let policy = leveret_broker::policy::Policy {
                name: "p".into(),
                pattern: "^q$".into(),
                apply_to,
                priority: 0,
                definition,
            };
            vhost.set_policy(scope, policy).unwrap();
        }
        let delivery_limit = is_quorum.then(|| delivery_limit.unwrap_or(20).min(20));
        let rules = self.model.rules.clone();
        self.model.rule(Rules {
            ttl_ms,
            length_max,
            bytes_max,
            overflow,
            delivery_limit,
            ladder_ms,
            has_dead_letters,
            ids: self.declared_ids.or(ids.map(|count| (count, 5000))),
            ..rules
        });
    }

    async fn sweep(&mut self, kind: u8, what: &str, about: &str) {
        let (vhost, actor) = operator(&self.broker);
        let wanted = format!(" kind {kind} ");
        let meant = Selection::from(Filter::from(Condition::BodyContains(wanted.clone().into_bytes())));
        let sweep = match what {
            "delete" => vhost.delete_messages(&actor, "q", meant),
            "expire" => vhost.expire_messages(&actor, "q", meant),
            _ => vhost.move_messages(&actor, "q", "aside", meant),
        };
        let sweep = sweep.unwrap().finished().await;
        let mut swept = match what {
            "expire" => {
                self.model.expire(&wanted);
                Vec::new()
            }
            _ => {
                // A time to live begins anew where a message is moved to: one of 0 is over at once.
                let swept = self.model.sweep(&wanted).into_iter().filter(|message| message.ttl_ms != Some(0));
                swept.map(|message| message.text).collect()
            }
        };
        assert_eq!(sweep.state, SweepState::Done, "{about}");
        if what == "move" {
            let mut moved = self.client.drain("aside").await;
            moved.sort();
            swept.sort();
            assert_eq!(moved, swept, "{about}");
        }
    }

    async fn restart(&mut self, is_cut: bool, later_ms: u64) {
        let Some(disk) = &self.disk else { return };
        if is_cut {
            // Whatever was appended before this is confirmed is on the disk.
            let mut publishing = Publishing::to("side", "");
            publishing.properties.delivery_mode = Some(2);
            self.client.publish(publishing).await;
            assert!(matches!(self.client.next().await, Got::Ack { .. }));
            self.disk = Some(Arc::new(disk.survivor(0, Survival::Nothing)));
        } else {
            for channel in [2, 3] {
                self.client.close_channel(channel).await;
                self.model.close(channel);
                self.compare("before a stop").await;
            }
            // The clock must stand still: nobody is left who would be waited for.
            let close = connection::Close { reply_code: 200, ..Default::default() };
            self.client.call(0, close).await;
            self.client = Client::to(&broker()).await;
            connections_are(&self.broker, 0).await;
            self.broker.shutdown(Duration::ZERO).await;
        }
        self.model.now_ms += later_ms;
        self.model.restart();
        self.broker = start(self.disk.as_ref(), self.model.now_ms);
        self.client = connect(&self.broker).await;
    }

    fn figures(&self) -> QueueFigures {
        self.broker.vhost("/").unwrap().topology().queue("q").unwrap().figures()
    }

    /// Waits for what must be, then compares.
    pub(super) async fn compare(&mut self, about: &str) {
        let began = Instant::now();
        let mut letters = Vec::new();
        loop {
            let mut all = self.client.arrived().await;
            self.came.extend(all.drain(..));
            let is_late = self.disk.is_none() || began.elapsed() > PATIENCE;
            while let Some((_, _, letter)) = self.client.get("dead", true).await {
                letters.push((letter.text().to_owned(), letter.deaths()[0].reason.clone()));
            }
            let figures = self.figures();
            let is_all_there = self.came.len() >= self.model.out.len()
                && letters.len() >= self.model.dead.len()
                && (figures.ready, figures.waiting) == (self.model.ready.len(), self.model.waiting.len());
            if is_all_there || is_late {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for got in std::mem::take(&mut self.came) {
            let Got::Deliver { channel, consumer, tag, redelivered, message } = got else {
                panic!("{got:?}, {about}")
            };
            match self.model.given(channel, tag, &consumer) {
                Ok(expected) => self.is_it(&expected, &message, redelivered, about),
                Err(problem) => panic!("{problem}: {} to {consumer}, {about}", message.text()),
            }
        }
        assert!(
            self.model.out.is_empty(),
            "{:?}, not delivered: {:?}, {about}",
            self.figures(),
            self.model.out
        );
        letters.sort();
        let mut dead: Vec<_> =
            self.model.dead.drain(..).map(|(text, reason)| (text, reason.to_owned())).collect();
        dead.sort();
        assert_eq!(letters, dead, "dead letters, {about}");
        let figures = self.figures();
        let held = self.model.held.len();
        assert_eq!(
            (figures.ready, figures.ready_bytes, figures.waiting, figures.unacked, figures.consumers),
            (
                self.model.ready.len(),
                self.model.ready_bytes() as u64,
                self.model.waiting.len(),
                held as u64,
                self.model.consumers.len()
            ),
            "ready, bytes, waiting, unacked, consumers, {about}"
        );
    }

    /// Everything is taken out and settled: nothing is charged any more.
    pub(super) async fn end(mut self) {
        let about = "at the end";
        for channel in [2, 3] {
            self.step(Step::Close(channel), about).await;
            self.compare(about).await;
        }
        self.step(Step::Purge, about).await;
        self.compare(about).await;
        self.client.drain("side").await;
        drop(self.client);
        connections_are(&self.broker, 0).await;
        if self.model.rules.ids.is_none() {
            assert_eq!(self.broker.memory().bytes(), 0, "memory, {about}");
        }
    }
}
