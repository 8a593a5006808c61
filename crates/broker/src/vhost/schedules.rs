//! What delayed exchanges hold: looked at, cancelled, sent ahead of time.

use super::{Actor, KeptNumbers, VirtualHost};
use crate::definitions::stored;
use crate::exchange::{ExchangeKind, ExchangeSpec};
use crate::message::Message;
use crate::name::{Name, ResourceKind};
use crate::policy::Kinds;
use crate::queue::backlog::Entry;
use crate::queue::state::{Outcome, QueueState, Scheduled};
use crate::queue::timetable::due_of;
use crate::queue::{Queue, load, scheduled};
use crate::refusal::{Permission, Refusal};
use crate::trace;
use std::sync::Arc;
use std::time::Duration;

/// How often a message that is just being fetched from the disk is asked for, and after what time each.
const ASKS_MAX: u32 = 500;
const ASK_INTERVAL: Duration = Duration::from_millis(2);

/// A message that waits for its moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScheduledMessage {
    /// Its number in its exchange; it stays the same as long as it waits, over restarts too. Messages are listed by it, which is the
    /// order in which they are due.
    pub id: u64,
    /// When it is due, in milliseconds since 1970.
    pub due_unix_ms: u64,
    /// The message as it was published.
    pub message: Message,
}

impl From<&Entry> for ScheduledMessage {
    fn from(entry: &Entry) -> Self {
        Self { id: entry.position, due_unix_ms: due_of(entry.position), message: entry.message.clone() }
    }
}

fn set_delay(timetable: &Arc<Queue>, delay_ms: u64) {
    if let Some(state) = timetable.lock().backlog_mut() {
        state.set_delay(delay_ms);
    }
}

impl VirtualHost {
    /// Makes the timetable that a delayed exchange needs; `number` is the one it had before a restart.
    pub(super) fn make_timetable(self: &Arc<Self>, spec: &ExchangeSpec, number: Option<u64>) -> Arc<Queue> {
        let number = number.unwrap_or_else(|| self.next_queue_id());
        let heeds_messages = spec.kind == ExchangeKind::Delayed;
        let timetable = Queue::timetable(number, spec.name.clone(), spec.durable, heeds_messages, self);
        let delay_ms = self.policy_set().applied(Kinds::EXCHANGE, &spec.name).number("delay").unwrap_or(0);
        set_delay(&timetable, delay_ms);
        timetable
    }

    /// Exchanges on which policies put a delay get a timetable, and those that have one another delay.
    pub(super) fn follow_delays(self: &Arc<Self>, exchanges: &[Name]) {
        for name in exchanges {
            let (spec, delay_ms, timetable) = {
                let topology = self.topology();
                let Some(exchange) = topology.exchange(name) else { continue };
                (exchange.spec(), exchange.delay_ms, topology.timetable(name).cloned())
            };
            match timetable {
                Some(timetable) => set_delay(&timetable, delay_ms),
                None if delay_ms > 0 => self.give_timetable(spec),
                None => {}
            }
        }
    }

    fn give_timetable(self: &Arc<Self>, spec: ExchangeSpec) {
        let timetable = self.make_timetable(&spec, None);
        self.change(|topology, batch| {
            if topology.exchange(&spec.name).is_none() || topology.timetable(&spec.name).is_some() {
                return;
            }
            if spec.durable {
                let numbers = KeptNumbers {
                    timetable: Some(timetable.id()),
                    gate: topology.gate(&spec.name).map(|gate| gate.id()),
                };
                stored::put_exchange(batch, self.name(), &spec, numbers);
            }
            topology.set_timetable(&spec.name, timetable);
        });
    }

    /// Drops what an exchange held that is gone.
    pub(super) fn close_timetable(&self, timetable: &Arc<Queue>) {
        let mut outcome = Outcome::default();
        let timer = {
            let mut state = timetable.lock();
            state.delete(timetable, &mut outcome);
            state.timer_ms()
        };
        if let Some(due) = timer {
            self.timers().cancel(due, timetable);
        }
        self.charge_memory(outcome.charge);
        outcome.told.drain(..).for_each(|told| trace::tell(self, timetable, &told));
    }

    /// The timetable of an exchange that the actor may do this with.
    fn timetable(&self, actor: &Actor, exchange: &str, wanted: Permission) -> Result<Arc<Queue>, Refusal> {
        self.permit(actor, ResourceKind::Exchange, exchange, wanted)?;
        let topology = self.topology();
        topology.check_exchange(exchange)?;
        topology.timetable(exchange).cloned().ok_or_else(|| {
            Refusal::precondition(format!(
                "exchange '{exchange}' in vhost '{}' is not of type x-delayed-message, no policy delays its messages, and it holds none",
                self.name()
            ))
        })
    }

    /// How many messages the delayed exchanges here hold together.
    pub fn scheduled_total(&self) -> u64 {
        let timetables: Vec<_> = self.topology().timetables().cloned().collect();
        let held = |timetable: &Arc<Queue>| {
            let state = timetable.lock();
            state.backlog().and_then(QueueState::timetable).map_or(0, |table| table.len() as u64)
        };
        timetables.iter().map(held).sum()
    }

    /// How many messages a delayed exchange holds, and the bytes of their bodies.
    ///
    /// # Errors
    /// No read permission, no such exchange, one that delays nothing.
    pub fn scheduled_count(&self, actor: &Actor, exchange: &str) -> Result<(usize, u64), Refusal> {
        let timetable = self.timetable(actor, exchange, Permission::Read)?;
        let state = timetable.lock();
        let table = state.backlog().and_then(QueueState::timetable);
        Ok(table.map_or((0, 0), |table| (table.len(), table.body_bytes())))
    }

    /// The messages that a delayed exchange holds behind the one with the number `after` (0 for all), `max` at most, in the order in
    /// which they are due.
    ///
    /// Those that are on disk are read from there, on the calling thread: not for a task that serves connections under load.
    ///
    /// # Errors
    /// No read permission, no such exchange, one that delays nothing.
    pub fn scheduled(
        &self,
        actor: &Actor,
        exchange: &str,
        after: u64,
        max: usize,
    ) -> Result<Vec<ScheduledMessage>, Refusal> {
        let timetable = self.timetable(actor, exchange, Permission::Read)?;
        let (mut found, load): (Vec<ScheduledMessage>, _) = {
            let state = timetable.lock();
            let Some(state) = state.backlog() else { return Ok(Vec::new()) };
            let Some(table) = state.timetable() else { return Ok(Vec::new()) };
            let found = table.near_after(after).take(max).map(ScheduledMessage::from).collect();
            (found, state.load_scheduled(after.max(table.horizon()), max))
        };
        if let (Some(store), true) = (self.store(), load.is_possible()) {
            let (entries, _) = load::fetch(store, timetable.id(), &load, self.unix_origin_ms());
            let known: Vec<u64> = found.iter().map(|scheduled| scheduled.id).collect();
            let new = entries.iter().filter(|entry| known.binary_search(&entry.position).is_err());
            found.extend(new.map(ScheduledMessage::from));
            found.sort_by_key(|scheduled| scheduled.id);
            found.truncate(max);
        }
        Ok(found)
    }

    /// Takes a message out of a delayed exchange for good. `false`: it is not there, because it was due, for one.
    ///
    /// Waits for the disk on the calling thread when the message is there.
    ///
    /// # Errors
    /// No configure permission, no such exchange, one that delays nothing.
    pub fn cancel_scheduled(&self, actor: &Actor, exchange: &str, id: u64) -> Result<bool, Refusal> {
        let timetable = self.timetable(actor, exchange, Permission::Configure)?;
        let Some(entry) = self.take_scheduled(&timetable, id) else { return Ok(false) };
        let ((), recorded) = timetable.with_synced(|state, _, outcome| {
            if let Some(state) = state.backlog_mut() {
                state.cancelled(entry, outcome);
            }
        });
        self.shared.changes.note(recorded.ticket);
        Ok(true)
    }

    /// Routes a message now that a delayed exchange holds. `false`: it is not there, because it was due, for one.
    ///
    /// # Errors
    /// As [`cancel_scheduled`](Self::cancel_scheduled).
    pub fn send_scheduled_now(&self, actor: &Actor, exchange: &str, id: u64) -> Result<bool, Refusal> {
        let timetable = self.timetable(actor, exchange, Permission::Configure)?;
        let Some(entry) = self.take_scheduled(&timetable, id) else { return Ok(false) };
        self.shared.changes.note(scheduled::send(&timetable, entry).ticket);
        Ok(true)
    }

    fn take_scheduled(&self, timetable: &Arc<Queue>, id: u64) -> Option<Entry> {
        for _ in 0..ASKS_MAX {
            let (taken, load) = {
                let mut state = timetable.lock();
                let state = state.backlog_mut()?;
                let taken = state.take_scheduled(id);
                (taken, state.load_scheduled(id.saturating_sub(1), 1))
            };
            match taken {
                Scheduled::Taken(entry) => return Some(entry),
                Scheduled::No => return None,
                Scheduled::Busy => std::thread::sleep(ASK_INTERVAL),
                Scheduled::OnDisk => {
                    let store = self.store()?;
                    let (entries, _) = load::fetch(store, timetable.id(), &load, self.unix_origin_ms());
                    let entry = entries.into_iter().find(|entry| entry.position == id)?;
                    let mut state = timetable.lock();
                    if state.backlog_mut()?.take_scheduled_on_disk(id, entry.message.body_len()) {
                        return Some(entry);
                    }
                }
            }
        }
        None
    }

    fn unix_origin_ms(&self) -> u64 {
        self.clock().unix_ms() - self.clock().now_ms()
    }
}
