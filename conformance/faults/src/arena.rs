//! The broker, the bystander, and what is measured around each fault.

use crate::broker::{Broker, rss_mib};
use crate::bystander::Bystander;
use crate::client::{Client, Outcome, Wish};
use crate::faults::Fault;
use leveret_protocol::methods::queue;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Resident memory may be so much above what it was before a fault, in MiB: threads keep buffers for their next connections.
/// The same holds for all faults together, so that nothing creeps.
pub(crate) const MARGIN_MIB: u64 = 24;
/// How long the broker may take to be rid of a fault's connections and memory.
const CLEAN_UP: Duration = Duration::from_secs(6);
/// A round trip of the bystander may take so long; the machine may be busy with other work.
const SLOWEST_MS: f64 = 1_000.0;
const GLANCE: Duration = Duration::from_millis(5);

/// See the module's documentation.
pub(crate) struct Arena {
    pub(crate) broker: Broker,
    bystander: Bystander,
    most_mib: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    start_mib: u64,
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) title: &'static str,
    pub(crate) got: String,
    pub(crate) others: String,
    /// Before, most, after.
    pub(crate) rss_mib: [u64; 3],
    pub(crate) problem: Option<String>,
}

impl Arena {
    pub(crate) fn start(binary: &str) -> Outcome<Self> {
        raise_open_files();
        let broker = Broker::start(binary).map_err(|error| error.to_string())?;
        let bystander = Bystander::start(broker.address)?;
        let (most_mib, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        std::thread::spawn({
            let (pid, most_mib, over) = (broker.pid(), most_mib.clone(), over.clone());
            move || {
                while !over.load(Ordering::Relaxed) {
                    most_mib.fetch_max(rss_mib(pid), Ordering::Relaxed);
                    std::thread::sleep(GLANCE);
                }
            }
        });
        let mut arena = Self { broker, bystander, most_mib, over, start_mib: 0 };
        // What is set up once, buffers of each thread for example, is no fault's doing.
        for _ in 0..50 {
            arena.visit()?;
        }
        arena.start_mib = arena.broker.rss_mib();
        Ok(arena)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.broker.address
    }

    /// A client without heartbeats.
    pub(crate) fn client(&self) -> Outcome<Client> {
        Client::connect(self.address(), Wish::default())
    }

    /// What an ordinary client does in a short life.
    fn visit(&self) -> Outcome<()> {
        let mut client = self.client()?;
        client.send_method(1, queue::Declare { exclusive: true, ..client.queue("") })?;
        client.wait("queue.declare-ok")?;
        client.publish(1, "nowhere", &[0; 40_000])?;
        client.close()
    }

    /// Several at once, so that every thread of the broker has something to do.
    fn visits(&self) -> Outcome<()> {
        std::thread::scope(|scope| {
            let visitors: Vec<_> = (0..8).map(|_| scope.spawn(|| self.visit())).collect();
            visitors.into_iter().try_for_each(|visitor| visitor.join().map_err(|_| "a visitor panicked")?)
        })
    }

    /// The most memory seen since the fault began, in MiB.
    pub(crate) fn most_mib(&self) -> u64 {
        self.most_mib.fetch_max(self.broker.rss_mib(), Ordering::Relaxed).max(self.broker.rss_mib())
    }

    /// Looks until something holds or time is up.
    pub(crate) fn eventually(&self, patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
        let deadline = Instant::now() + patience;
        while !holds() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(GLANCE);
        }
        true
    }

    /// All faults together: memory at the start, most of the last fault, and at the end.
    pub(crate) fn all_together(&self) -> Row {
        let [before, after] = [self.start_mib, self.broker.rss_mib()];
        let sockets = self.broker.sockets();
        let crept = after > before + MARGIN_MIB;
        Row {
            title: "all together",
            got: String::new(),
            others: format!("{} sockets are open", sockets),
            rss_mib: [before, after, after],
            problem: crept.then(|| format!("{} MiB were not given back", after - before)),
        }
    }

    /// Commits one fault and measures around it.
    pub(crate) fn commit(&mut self, fault: &Fault) -> Row {
        let (before, sockets) = (self.broker.rss_mib(), self.broker.sockets());
        self.most_mib.store(before, Ordering::Relaxed);
        self.bystander.mark();
        let outcome = (fault.commit)(self);
        let mut problems = Vec::new();
        let got = outcome.unwrap_or_else(|problem| {
            problems.push(problem);
            "?".into()
        });
        if !self.eventually(CLEAN_UP, || self.broker.sockets() <= sockets) {
            problems.push(format!("{} connections were left behind", self.broker.sockets() - sockets));
        }
        // An allocator gives pages back when it is used, so others use the broker meanwhile.
        let memory_is_back = self
            .eventually(CLEAN_UP, || self.broker.rss_mib() <= before + MARGIN_MIB || self.visits().is_err());
        self.eventually(CLEAN_UP, || self.broker.sockets() <= sockets);
        let after = self.broker.rss_mib();
        if !memory_is_back {
            problems.push(format!("{} MiB were not given back", after.saturating_sub(before)));
        }
        let observed = self.bystander.observed();
        problems.extend(observed.problem.map(|problem| format!("others: {problem}")));
        if observed.slowest_ms > SLOWEST_MS {
            problems.push(format!("others waited {:.0} ms", observed.slowest_ms));
        }
        Row {
            title: fault.title,
            got,
            others: format!("{}, {:.1} ms", observed.trips, observed.slowest_ms),
            rss_mib: [before, self.most_mib(), after],
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Thousands of sockets are open at once on this side too.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// How many connections this process may hold open, leaving some for itself.
pub(crate) fn connections_max() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.map_or(usize::MAX, |files| files.saturating_sub(100) as usize)
}
