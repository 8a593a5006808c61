//! One run: open everything, start the threads, watch the clock, stop in order, add up.

use super::clock::now_ns;
use super::consumer::Consumer;
use super::counters::{Counters, Counts};
use super::latency::Latencies;
use super::pace::Pace;
use super::plan::Plan;
use super::process::{self, Usage};
use super::progress::Progress;
use super::publisher::Publisher;
use super::ready::wait_precisely;
use super::report::Report;
use super::topology;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

/// How often the coordinator looks.
const TICK: Duration = Duration::from_millis(100);
/// A counted run that stands still for so long has failed.
const STALL_NS_MAX: u64 = 30_000_000_000;
/// How long consumers may take for what was published, after the publishers stopped.
const DRAIN_NS_MAX: u64 = 5_000_000_000;

/// Counts and costs at one moment.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sample {
    pub(crate) at_ns: u64,
    pub(crate) counts: Counts,
    pub(crate) broker: Option<Usage>,
    pub(crate) own_cpu_seconds: f64,
}

/// Declares, measures, deletes.
///
/// # Errors
/// What went wrong, in a sentence.
pub(crate) fn run(plan: &Plan, interrupted: &AtomicBool) -> Result<Report, String> {
    topology::declare(plan)?;
    let result = measure(plan, interrupted);
    if !plan.options.keep {
        let deleted = topology::delete(plan);
        // The failure of the run itself is the one to tell.
        if result.is_ok() {
            deleted?;
        }
    }
    result
}

fn measure(plan: &Plan, interrupted: &AtomicBool) -> Result<Report, String> {
    let counters = Counters::new(u64::MAX);
    let consumers = (0..plan.consumer_connections())
        .map(|index| Consumer::open(plan, &counters, index))
        .collect::<Result<Vec<_>, _>>()?;
    let publishers = (0..plan.options.publishers)
        .map(|index| Publisher::open(plan, &counters, index))
        .collect::<Result<Vec<_>, _>>()?;
    let broker = plan.options.pid.or_else(|| find_broker(plan));

    thread::scope(|scope| {
        let start_ns = now_ns();
        let warm_up_ns = if plan.options.count > 0 { 0 } else { plan.options.warm_up.0.as_nanos() as u64 };
        counters.measure_from_ns.store(start_ns + warm_up_ns, Relaxed);
        let rate = plan.options.rate;
        let counters = &counters;
        let consumers = consumers
            .into_iter()
            .map(|consumer| scope.spawn(move || noted(counters, consumer.run())))
            .collect::<Vec<_>>();
        let publishers = (0..)
            .zip(publishers)
            .map(|(index, publisher)| {
                let pace = (rate > 0.0).then(|| Pace::new(rate, plan.options.publishers, index, start_ns));
                scope.spawn(move || {
                    wait_precisely();
                    noted(counters, publisher.run(pace))
                })
            })
            .collect::<Vec<_>>();
        let mut watch = Watch {
            plan,
            counters,
            broker,
            interrupted,
            progress: Progress::new(plan),
            publishers,
            consumers,
        };
        let (before, after) = watch.phases(start_ns, start_ns + warm_up_ns);
        watch.finish(before, after)
    })
}

fn find_broker(plan: &Plan) -> Option<u32> {
    let url = &plan.options.url;
    let addresses = (url.host.as_str(), url.port).to_socket_addrs().ok()?;
    process::listening_on(&addresses.map(|address| address.ip()).collect::<Vec<IpAddr>>(), url.port)
}

type Thread<'scope> = ScopedJoinHandle<'scope, Result<Latencies, String>>;

struct Watch<'scope, 'run> {
    plan: &'run Plan,
    counters: &'run Counters,
    broker: Option<u32>,
    interrupted: &'run AtomicBool,
    progress: Progress,
    publishers: Vec<Thread<'scope>>,
    consumers: Vec<Thread<'scope>>,
}

impl Watch<'_, '_> {
    fn sample(&self) -> Sample {
        Sample {
            at_ns: now_ns(),
            counts: self.counters.snapshot(),
            broker: self.broker.and_then(process::usage),
            own_cpu_seconds: process::usage(std::process::id()).unwrap_or_default().cpu_seconds,
        }
    }

    /// Warm-up and measurement; the samples at both ends of the latter.
    fn phases(&mut self, start_ns: u64, measure_from_ns: u64) -> (Sample, Sample) {
        self.sleep_until(measure_from_ns);
        let before = if self.plan.options.count > 0 {
            Sample { at_ns: start_ns, counts: Counts::default(), ..self.sample() }
        } else {
            self.sample()
        };
        match self.plan.options.measured() {
            Some(duration) => self.sleep_until(measure_from_ns + duration.as_nanos() as u64),
            None => self.sleep_until_through(),
        }
        let after = self.sample();
        self.counters.measure_until_ns.store(after.at_ns, Relaxed);
        (before, after)
    }

    /// Sleeps, showing progress; ends early when a thread has failed or the user had enough.
    fn sleep_until(&mut self, until_ns: u64) {
        loop {
            let left = Duration::from_nanos(until_ns.saturating_sub(now_ns()));
            if left.is_zero() || self.is_over() {
                return;
            }
            thread::sleep(left.min(TICK));
            self.progress.show(self.counters.snapshot());
        }
    }

    fn is_over(&self) -> bool {
        self.interrupted.load(Relaxed) || self.counters.failed.load(Relaxed)
    }

    /// Sleeps until the wanted number of messages is through, or nothing moves any more.
    fn sleep_until_through(&mut self) {
        let (mut last, mut moved_ns) = (self.counters.snapshot(), now_ns());
        while !self.is_through(self.counters.snapshot()) && !self.is_over() {
            thread::sleep(Duration::from_millis(1));
            let counts = self.counters.snapshot();
            if counts != last {
                (last, moved_ns) = (counts, now_ns());
            } else if now_ns() - moved_ns > STALL_NS_MAX {
                return;
            }
            self.progress.show(counts);
        }
    }

    fn is_through(&self, counts: Counts) -> bool {
        let options = &self.plan.options;
        let published = options.publishers == 0
            || if options.confirm > 0 { counts.confirmed + counts.nacked } else { counts.published }
                >= options.count;
        published && (options.consumers == 0 || counts.consumed >= options.count * self.plan.copies())
    }

    /// Stops publishers, then consumers, and adds up.
    fn finish(mut self, before: Sample, after: Sample) -> Result<Report, String> {
        self.counters.stop_publishing.store(true, Relaxed);
        let confirm = collect(self.publishers.drain(..));
        // At a fixed rate the last messages count as well, above all when they are slow.
        if confirm.is_ok() && self.plan.options.rate > 0.0 && !self.consumers.is_empty() {
            let until_ns = now_ns() + DRAIN_NS_MAX;
            while self.left_behind() > 0 && now_ns() < until_ns && !self.is_over() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        let left_behind = self.left_behind();
        self.counters.stop_consuming.store(true, Relaxed);
        let end_to_end = collect(self.consumers.drain(..));
        self.progress.end();
        let report =
            Report::new(self.plan, self.broker, before, after, confirm?.summary(), end_to_end?.summary());
        let stalled =
            self.plan.options.count > 0 && !self.is_through(after.counts) && !self.interrupted.load(Relaxed);
        if stalled {
            let counts = after.counts;
            return Err(format!(
                "nothing moved for 30 s: {} published, {} confirmed, {} consumed of {}",
                counts.published, counts.confirmed, counts.consumed, self.plan.options.count
            ));
        }
        let report = report.with_shares(self.plan, &self.counters.by_consumer());
        Ok(report.with_remarks(
            self.plan,
            self.counters.blocked.load(Relaxed),
            left_behind,
            self.interrupted.load(Relaxed),
        ))
    }

    /// Deliveries that were published and have not arrived.
    fn left_behind(&self) -> u64 {
        let counts = self.counters.snapshot();
        if self.plan.options.publishers == 0 || self.plan.options.consumers == 0 {
            return 0;
        }
        (counts.published.saturating_sub(counts.nacked) * self.plan.copies()).saturating_sub(counts.consumed)
    }
}

/// Tells the others when a thread has failed.
fn noted(counters: &Counters, result: Result<Latencies, String>) -> Result<Latencies, String> {
    if result.is_err() {
        counters.failed.store(true, Relaxed);
    }
    result
}

/// Waits for the threads; all latencies together, or the first failure.
fn collect<'scope>(threads: impl Iterator<Item = Thread<'scope>>) -> Result<Latencies, String> {
    let mut all = Latencies::new()?;
    let mut failure = None;
    for thread in threads {
        match thread.join() {
            Ok(Ok(latencies)) => all.add(&latencies),
            Ok(Err(problem)) => failure = failure.or(Some(problem)),
            Err(_) => failure = failure.or(Some("a thread of the load generator panicked".into())),
        }
    }
    failure.map_or(Ok(all), Err)
}
