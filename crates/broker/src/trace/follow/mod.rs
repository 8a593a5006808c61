//! Following messages: an operator says which, and reads what happens to them, step by step, as it happens. For a time, and bounded.
//!
//! Nothing is followed unless somebody asked for it in the last [`FollowBounds::ttl_ms`]. Sessions look once per batch whether anything is
//! followed in their virtual host, queues where a message comes back, dies or is purged: one relaxed load each. While something is, every
//! step of every message of that virtual host is compared with what is meant.

mod event;
mod ledger;
mod steps;
mod subject;
#[cfg(test)]
mod tests;

pub use event::{FollowEvent, FollowStep};
pub use ledger::{FollowBounds, FollowState};
pub use subject::Subject;

use crate::Broker;
use crate::clock::Clock;
use crate::message::Message;
use crate::name::Name;
use ledger::Ledger;
use parking_lot::RwLock;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Follows at a time, those included that are over and still to be read.
pub const FOLLOWS_MAX: usize = 16;

/// Why nothing is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyFollows;

impl fmt::Display for TooManyFollows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FOLLOWS_MAX} are followed already; end one of them")
    }
}

impl std::error::Error for TooManyFollows {}

/// What an operator follows. Handles are cheap to clone.
#[derive(Debug, Clone)]
pub struct Follow(Arc<Ledger>);

impl Follow {
    /// Its number.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// The virtual host.
    pub fn vhost(&self) -> &Name {
        &self.0.vhost
    }

    /// What is meant.
    pub fn subject(&self) -> &Subject {
        &self.0.subject
    }

    /// What is kept.
    pub fn bounds(&self) -> FollowBounds {
        self.0.bounds
    }

    /// How it stands.
    pub fn state(&self) -> FollowState {
        self.0.state()
    }

    /// Events behind number `after`, in order, `count` at most.
    pub fn events(&self, after: u64, count: usize) -> Vec<Arc<FollowEvent>> {
        self.0.events(after, count)
    }

    /// Waits until there is an event behind number `after`, or it is over. Whoever may not wait for ever sets a deadline.
    pub async fn changed(&self, after: u64) {
        self.0.changed(after).await;
    }
}

/// Everything that is followed in a broker.
#[derive(Debug)]
pub(crate) struct Follows {
    clock: Clock,
    /// Changes with `all`; 0 while nothing is followed.
    epoch: AtomicU64,
    epochs: AtomicU64,
    ids: AtomicU64,
    all: RwLock<Vec<Follow>>,
}

impl Follows {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        let counter = || AtomicU64::new(0);
        Arc::new(Self { clock, epoch: counter(), epochs: counter(), ids: counter(), all: RwLock::default() })
    }

    /// Changes when something begins or ends to be followed; 0 while nothing is.
    #[inline]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Whether anything is followed.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.epoch() != 0
    }

    /// The same, in a virtual host.
    pub(crate) fn is_on_in(&self, vhost: &str) -> bool {
        self.is_on() && self.all.read().iter().any(|one| **one.vhost() == *vhost && one.0.is_on())
    }

    /// Something happened to a message at these queues. `fill` says what, if anybody wants to know.
    #[cold]
    pub(crate) fn note<'q>(
        &self,
        vhost: &str,
        message: &Message,
        queues: impl Iterator<Item = &'q str> + Clone,
        fill: impl FnOnce(&mut FollowEvent),
    ) {
        let now_ms = self.clock.now_ms();
        let mut is_over = false;
        {
            let all = self.all.read();
            let mut event = None;
            let mut fill = Some(fill);
            for one in all.iter().filter(|one| **one.vhost() == *vhost && one.0.is_on()) {
                if one.0.ends_ms <= now_ms {
                    is_over = true;
                } else if one.subject().matches(message, queues.clone()) {
                    let event = event.get_or_insert_with(|| {
                        let mut event = FollowEvent::of(message, self.clock.unix_ns() / 1_000);
                        fill.take().into_iter().for_each(|fill| fill(&mut event));
                        event
                    });
                    one.0.add(event.clone());
                }
            }
        }
        if is_over {
            self.look();
        }
    }

    /// Ends what was followed long enough, and forgets what nobody read for as long again.
    fn look(&self) {
        let now_ms = self.clock.now_ms();
        self.change(|all| {
            all.iter().filter(|one| one.0.ends_ms <= now_ms).for_each(|one| one.0.end());
            all.retain(|one| one.0.is_kept(now_ms));
        });
    }

    fn change<R>(&self, change: impl FnOnce(&mut Vec<Follow>) -> R) -> R {
        let mut all = self.all.write();
        let done = change(&mut all);
        let epoch = match all.iter().any(|one| one.0.is_on()) {
            true => self.epochs.fetch_add(1, Ordering::Relaxed) + 1,
            false => 0,
        };
        self.epoch.store(epoch, Ordering::Relaxed);
        done
    }
}

impl Broker {
    fn follows_kept(&self) -> &Arc<Follows> {
        let follows = self.0.follows();
        follows.look();
        follows
    }

    /// Follows messages of a virtual host from now on.
    ///
    /// # Errors
    /// [`TooManyFollows`]
    pub fn follow(
        &self,
        vhost: &str,
        subject: Subject,
        bounds: FollowBounds,
    ) -> Result<Follow, TooManyFollows> {
        let follows = self.follows_kept();
        follows.change(|all| {
            if all.len() >= FOLLOWS_MAX {
                return Err(TooManyFollows);
            }
            let id = follows.ids.fetch_add(1, Ordering::Relaxed) + 1;
            let ledger = Ledger::new(id, vhost.into(), subject, bounds.checked(), &follows.clock);
            let follow = Follow(Arc::new(ledger));
            all.push(follow.clone());
            Ok(follow)
        })
    }

    /// Everything that is followed, and what is over and not forgotten yet; the oldest first.
    pub fn follows(&self) -> Vec<Follow> {
        self.follows_kept().all.read().clone()
    }

    /// Ends one and forgets its events. `false`: there is none of this number.
    pub fn unfollow(&self, id: u64) -> bool {
        self.follows_kept().change(|all| {
            let before = all.len();
            all.iter().filter(|one| one.id() == id).for_each(|one| one.0.end());
            all.retain(|one| one.id() != id);
            all.len() < before
        })
    }
}
