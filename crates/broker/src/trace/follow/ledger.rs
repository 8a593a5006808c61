//! What was seen of one thing that is followed: the newest events, as many as may be kept.

use super::{FollowEvent, Subject};
use crate::clock::Clock;
use crate::name::Name;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// How much is kept, and how long it is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowBounds {
    /// Events at most, of which the newest stay; 1,000 by default, 100,000 at most.
    pub events_max: usize,
    /// Bytes of them at most; 1 MiB by default, 16 MiB at most.
    pub bytes_max: usize,
    /// How long it is followed, in milliseconds; ten minutes by default, a day at most. As long again its events may be read.
    pub ttl_ms: u64,
}

impl Default for FollowBounds {
    fn default() -> Self {
        Self { events_max: 1_000, bytes_max: 1 << 20, ttl_ms: 600_000 }
    }
}

impl FollowBounds {
    /// The most that may be asked for.
    pub const MAX: Self = Self { events_max: 100_000, bytes_max: 16 << 20, ttl_ms: 86_400_000 };

    /// As much of it as may be asked for.
    pub(super) fn checked(self) -> Self {
        Self {
            events_max: self.events_max.clamp(1, Self::MAX.events_max),
            bytes_max: self.bytes_max.min(Self::MAX.bytes_max),
            ttl_ms: self.ttl_ms.clamp(1, Self::MAX.ttl_ms),
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowState {
    /// Whether it goes on.
    pub is_on: bool,
    /// When it began and when it ends by itself, in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// See there.
    pub ends_unix_ms: u64,
    /// Events seen.
    pub seen: u64,
    /// Events kept.
    pub kept: usize,
    /// Bytes of these.
    pub bytes: usize,
}

#[derive(Debug, Default)]
struct Events {
    all: VecDeque<Arc<FollowEvent>>,
    bytes: usize,
    seen: u64,
}

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) id: u64,
    pub(super) vhost: Name,
    pub(super) subject: Subject,
    pub(super) bounds: FollowBounds,
    /// Of the broker's clock.
    pub(super) ends_ms: u64,
    began_unix_ms: u64,
    on: AtomicBool,
    events: Mutex<Events>,
    changed: Notify,
}

impl Ledger {
    pub(super) fn new(id: u64, vhost: Name, subject: Subject, bounds: FollowBounds, clock: &Clock) -> Self {
        Self {
            id,
            vhost,
            subject,
            bounds,
            ends_ms: clock.now_ms().saturating_add(bounds.ttl_ms),
            began_unix_ms: clock.unix_ms(),
            on: AtomicBool::new(true),
            events: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.on.store(false, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    pub(super) fn is_kept(&self, now_ms: u64) -> bool {
        self.ends_ms.saturating_add(self.bounds.ttl_ms) > now_ms
    }

    pub(super) fn add(&self, mut event: FollowEvent) {
        let mut events = self.events.lock();
        events.seen += 1;
        event.number = events.seen;
        events.bytes += event.bytes();
        events.all.push_back(Arc::new(event));
        while events.all.len() > self.bounds.events_max || events.bytes > self.bounds.bytes_max {
            let Some(oldest) = events.all.pop_front() else { break };
            events.bytes -= oldest.bytes();
        }
        drop(events);
        self.changed.notify_waiters();
    }

    pub(super) fn events(&self, after: u64, count: usize) -> Vec<Arc<FollowEvent>> {
        let events = self.events.lock();
        let from = events.all.partition_point(|event| event.number <= after);
        events.all.range(from..).take(count).cloned().collect()
    }

    pub(super) fn state(&self) -> FollowState {
        let events = self.events.lock();
        FollowState {
            is_on: self.is_on(),
            began_unix_ms: self.began_unix_ms,
            ends_unix_ms: self.began_unix_ms.saturating_add(self.bounds.ttl_ms),
            seen: events.seen,
            kept: events.all.len(),
            bytes: events.bytes,
        }
    }

    pub(super) async fn changed(&self, after: u64) {
        let changed = self.changed.notified();
        tokio::pin!(changed);
        // From here on nothing is missed.
        changed.as_mut().enable();
        if self.is_on() && self.events.lock().seen <= after {
            changed.await;
        }
    }
}
