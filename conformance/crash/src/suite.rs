//! The suites, on several threads: what to run, who failed, who hangs.

use crate::cuts::{self, Tally, Workload};
use crate::damage::{self, Victim};
use crate::dedup;
use crate::faults;
use parking_lot::Mutex;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// No case takes longer than this, by far, unless the store hangs.
const CASE_MAX: Duration = Duration::from_secs(60);

/// Damages to the files of one workload.
const DAMAGES: u64 = 200;

/// What can be run again.
#[derive(Debug, Clone, Copy)]
pub enum Case {
    /// A workload without any fault.
    Workload(u64),
    /// A power cut.
    Cut(cuts::Case),
    /// A fault of the disk.
    Fault(faults::Case),
    /// Damaged files.
    Damage(damage::Case),
    /// A power cut under a broker that drops duplicates.
    Dedup(dedup::Case),
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(seed) => write!(f, "--seed {seed} --cuts 1 --faults 0 --damages 0"),
            Self::Cut(case) => case.fmt(f),
            Self::Fault(case) => case.fmt(f),
            Self::Damage(case) => case.fmt(f),
            Self::Dedup(case) => case.fmt(f),
        }
    }
}

/// What went wrong, and how to see it again.
#[derive(Debug)]
pub struct Failure {
    /// The case.
    pub case: Case,
    /// What did not hold.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  conformance/crash/run {}", self.what, self.case)
    }
}

/// How far it is, and whether it has failed: seen by all threads.
pub struct Watch<'a> {
    /// Told how much more was done.
    done: &'a (dyn Fn(u64) + Sync),
    /// Told of a case that hangs; it must end the process.
    hangs: &'a (dyn Fn(Failure) + Sync),
    count: AtomicU64,
    next: AtomicU64,
    stopped: AtomicBool,
}

/// The case a thread is at.
struct Current(Mutex<(Case, Instant)>);

impl Current {
    fn set(&self, case: Case) {
        *self.0.lock() = (case, Instant::now());
    }

    fn case(&self) -> Case {
        self.0.lock().0
    }

    /// Runs one piece of work; a panic is a failure of the case it was at.
    fn guard<T>(&self, work: impl FnOnce() -> Result<T, String>) -> Result<T, Failure> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => result.map_err(|what| Failure { case: self.case(), what }),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a text");
                Err(Failure { case: self.case(), what: format!("panic: {text}") })
            }
        }
    }
}

impl<'a> Watch<'a> {
    /// `done` is told how much more was done, `hangs` of a case that takes too long.
    #[must_use]
    pub fn new(done: &'a (dyn Fn(u64) + Sync), hangs: &'a (dyn Fn(Failure) + Sync)) -> Self {
        let (count, next, stopped) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Self { done, hangs, count, next, stopped }
    }

    fn add(&self, more: u64) {
        self.count.fetch_add(more, Ordering::Relaxed);
        (self.done)(more);
    }

    /// Runs `worker` on `threads` threads until each returns; the first failure.
    fn run<T: Send + Default>(
        &self,
        threads: usize,
        worker: &(dyn Fn(&Current) -> Result<T, Failure> + Sync),
        join: impl Fn(&mut T, T),
    ) -> Result<T, Failure> {
        let currents: Vec<Current> =
            (0..threads.max(1)).map(|_| Current(Mutex::new((Case::Workload(0), Instant::now())))).collect();
        let (over, waits) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let workers: Vec<_> = currents
                .iter()
                .map(|current| {
                    scope.spawn(move || {
                        let result = worker(current);
                        if result.is_err() {
                            self.stopped.store(true, Ordering::Relaxed);
                        }
                        // A thread that is through hangs nowhere.
                        current.0.lock().1 += Duration::from_secs(1_000_000);
                        result
                    })
                })
                .collect();
            let currents = &currents;
            scope.spawn(move || {
                while waits.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
                    for current in currents {
                        let (case, since) = *current.0.lock();
                        if since.elapsed() > CASE_MAX {
                            (self.hangs)(Failure {
                                case,
                                what: format!("hangs for {} s", CASE_MAX.as_secs()),
                            });
                        }
                    }
                }
            });
            let mut all = Ok(T::default());
            for worker in workers {
                match (worker.join(), &mut all) {
                    (Ok(Ok(part)), Ok(whole)) => join(whole, part),
                    (Ok(Err(failure)), Ok(_)) => all = Err(failure),
                    (Err(panic), _) => std::panic::resume_unwind(panic),
                    (_, Err(_)) => {}
                }
            }
            drop(over);
            all
        })
    }

    fn goes_on(&self, budget: u64) -> bool {
        self.count.load(Ordering::Relaxed) < budget && !self.stopped.load(Ordering::Relaxed)
    }

    /// Power cuts at every call of one workload after another, from `seed` on, until there were `budget` of them.
    ///
    /// # Errors
    /// The first failure.
    pub fn cuts(&self, seed: u64, budget: u64, threads: usize) -> Result<Tally, Failure> {
        let worker = |current: &Current| {
            let mut tally = Tally::default();
            while self.goes_on(budget) {
                let seed = seed + self.next.fetch_add(1, Ordering::Relaxed);
                current.set(Case::Workload(seed));
                let workload = current.guard(|| Workload::run(seed))?;
                let before = tally.cuts;
                current.guard(|| {
                    workload.check(None, &mut tally, &|case| {
                        current.set(Case::Cut(case));
                    })
                })?;
                self.add(tally.cuts - before);
            }
            Ok(tally)
        };
        self.run(threads, &worker, Tally::add)
    }

    /// One power cut.
    ///
    /// # Errors
    /// It failed.
    pub fn one_cut(&self, case: cuts::Case) -> Result<(), Failure> {
        let worker = |current: &Current| {
            current.set(Case::Workload(case.seed));
            let workload = current.guard(|| Workload::run(case.seed))?;
            current.set(Case::Cut(case));
            if case.cut >= workload.cuts() {
                return Err(Failure {
                    case: Case::Cut(case),
                    what: format!("there are only {} cuts", workload.cuts()),
                });
            }
            current.guard(|| workload.check(Some((case.cut, case.mode)), &mut Tally::default(), &|_| {}))
        };
        self.run(1, &worker, |_, ()| {})
    }

    /// Every way to fail at every call of one workload after another, from `seed` on, until there were `budget` of them; how many.
    ///
    /// # Errors
    /// The first failure.
    pub fn faults(&self, seed: u64, budget: u64, threads: usize) -> Result<u64, Failure> {
        let ways = faults::WAYS.len() as u64;
        let worker = |current: &Current| {
            let mut count = 0;
            while self.goes_on(budget) {
                let next = self.next.fetch_add(1, Ordering::Relaxed);
                let mut case = faults::Case { seed: seed + next / ways, way: (next % ways) as usize, at: 1 };
                loop {
                    current.set(Case::Fault(case));
                    let Some(suffered) = current.guard(|| faults::check(case))? else { break };
                    case.at = suffered + 1;
                    count += 1;
                    self.add(1);
                    if self.stopped.load(Ordering::Relaxed) {
                        break;
                    }
                }
            }
            Ok(count)
        };
        self.run(threads, &worker, |whole, part| *whole += part)
    }

    /// One fault; the call that suffered.
    ///
    /// # Errors
    /// It failed.
    pub fn one_fault(&self, case: faults::Case) -> Result<Option<u64>, Failure> {
        let worker = |current: &Current| {
            current.set(Case::Fault(case));
            current.guard(|| faults::check(case))
        };
        self.run(1, &worker, |whole, part| *whole = part)
    }

    /// Damages to the files of one workload after another, from `seed` on, until there were `budget` of them; how many.
    ///
    /// # Errors
    /// The first failure.
    pub fn damages(&self, seed: u64, budget: u64, threads: usize) -> Result<u64, Failure> {
        let worker = |current: &Current| {
            let mut count = 0;
            while self.goes_on(budget) {
                let seed = seed + self.next.fetch_add(1, Ordering::Relaxed);
                current.set(Case::Workload(seed));
                let victim = current.guard(|| Victim::run(seed))?;
                for number in 0..DAMAGES {
                    current.set(Case::Damage(damage::Case { seed, number }));
                    current.guard(|| victim.check(number))?;
                }
                count += DAMAGES;
                self.add(DAMAGES);
            }
            Ok(count)
        };
        self.run(threads, &worker, |whole, part| *whole += part)
    }

    /// Power cuts under brokers that drop duplicates, in one workload after another, from `seed` on, until there were `budget` of them.
    ///
    /// # Errors
    /// The first failure.
    pub fn dedup(&self, seed: u64, budget: u64, threads: usize) -> Result<dedup::Tally, Failure> {
        let worker = |current: &Current| {
            let mut tally = dedup::Tally::default();
            while self.goes_on(budget) {
                let seed = seed + self.next.fetch_add(1, Ordering::Relaxed);
                current.set(Case::Workload(seed));
                let before = tally.cuts;
                current.guard(|| dedup::check(seed, &mut tally, &|case| current.set(Case::Dedup(case))))?;
                self.add(tally.cuts - before);
            }
            Ok(tally)
        };
        self.run(threads, &worker, dedup::Tally::add)
    }

    /// One damage.
    ///
    /// # Errors
    /// It failed.
    pub fn one_damage(&self, case: damage::Case) -> Result<(), Failure> {
        let worker = |current: &Current| {
            current.set(Case::Damage(case));
            current.guard(|| Victim::run(case.seed)?.check(case.number))
        };
        self.run(1, &worker, |_, ()| {})
    }
}
