//! All connections of one test broker, and what holds for those to come.

use super::link::{self, Link};
use super::rules::{Ending, Rules};
use crate::tap::{Published, Tap};
use crate::transport::ClientEnd;
use leveret_broker::{Broker, Clock};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Connections that are turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refuse {
    Next(usize),
    All,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) runtime: Handle,
    /// `None` while it restarts and when it is gone.
    broker: Mutex<Option<Broker>>,
    links: Mutex<Vec<Arc<Link>>>,
    /// For connections to come.
    pub(crate) later: Mutex<Rules>,
    /// For the next ones, one each, beside the former.
    pub(crate) next: Mutex<VecDeque<Rules>>,
    pub(crate) refuse: Mutex<Refuse>,
    nacks: AtomicUsize,
    tap: Mutex<Tap>,
    /// Moves whenever bytes do.
    activity: AtomicU64,
    /// A connection came through a socket, whose bytes the kernel carries when it likes.
    sockets: AtomicBool,
}

impl Hub {
    pub(crate) fn new(clock: Clock, broker: Broker, record_bytes_max: usize) -> Self {
        Self {
            clock,
            runtime: Handle::current(),
            broker: Mutex::new(Some(broker)),
            links: Mutex::default(),
            later: Mutex::default(),
            next: Mutex::default(),
            refuse: Mutex::new(Refuse::Next(0)),
            nacks: AtomicUsize::new(0),
            tap: Mutex::new(Tap::new(record_bytes_max)),
            activity: AtomicU64::new(0),
            sockets: AtomicBool::new(false),
        }
    }

    pub(crate) fn broker(&self) -> Option<Broker> {
        self.broker.lock().clone()
    }

    pub(crate) fn put_broker(&self, broker: Option<Broker>) -> Option<Broker> {
        std::mem::replace(&mut *self.broker.lock(), broker)
    }

    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.links.lock().clone()
    }

    /// Serves a client's end: the broker gets another one, and a task carries bytes between them.
    pub(crate) fn open(self: &Arc<Self>, client: ClientEnd) -> io::Result<()> {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        {
            let mut refuse = self.refuse.lock();
            match &mut *refuse {
                Refuse::All => return Err(refused()),
                Refuse::Next(0) => {}
                Refuse::Next(left) => {
                    *left -= 1;
                    return Err(refused());
                }
            }
        }
        if client.is_socket() {
            self.sockets.store(true, Ordering::Relaxed);
        }
        let _context = self.runtime.enter();
        let mut links = self.links.lock();
        let broker = self.broker().ok_or_else(refused)?;
        let far = broker.connect();
        let broker_id = broker.connections().last().map_or(0, |connection| connection.id);
        let mut rules = self.later.lock().clone();
        if let Some(next) = self.next.lock().pop_front() {
            for at in 0..2 {
                rules.delay[at] = rules.delay[at].max(next.delay[at]);
                rules.stalled[at] |= next.stalled[at];
            }
            rules.cuts.extend(next.cuts);
            rules.end = rules.end.or(next.end);
        }
        let (rules, changes) = watch::channel(rules);
        let link = Arc::new(Link::new(links.len(), broker_id, rules));
        links.push(link.clone());
        self.moved();
        tokio::spawn(link::run(self.clone(), link, client, far, changes));
        Ok(())
    }

    /// Ends every connection. Returns how many there were.
    pub(crate) fn end_all(&self, ending: Ending) -> usize {
        self.links().iter().filter(|link| link.end(ending)).count()
    }

    pub(crate) fn moved(&self) {
        self.activity.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn activity(&self) -> u64 {
        self.activity.load(Ordering::Relaxed)
    }

    pub(crate) fn has_sockets(&self) -> bool {
        self.sockets.load(Ordering::Relaxed)
    }

    pub(crate) fn add_nacks(&self, count: usize) {
        self.nacks.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether this publishing is one to nack.
    pub(crate) fn take_nack(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.nacks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    pub(crate) fn record(&self, published: Published) {
        self.tap.lock().record(published);
    }

    pub(crate) fn published(&self) -> (Vec<Published>, u64) {
        let tap = self.tap.lock();
        (tap.all(), tap.forgotten)
    }
}
