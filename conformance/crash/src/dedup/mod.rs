//! Cuts the power under a whole broker whose queues, or whose exchange, drop duplicates.
//!
//! A publisher sends messages with ids (or a producer's numbers), now and then one again, and a consumer takes some. Then the power is
//! cut at some calls to the disk, a broker starts on what is left, and the publisher does what a publisher should: it sends again what
//! was not confirmed to it; or all that the window must still know. Then everything is consumed. What must hold of every id:
//!
//! - it was confirmed and not acked: it is there once, sent again or not;
//! - it was acked, and the ack is stored: it does not come again, sent again or not;
//! - it was acked, and nobody knows whether that is stored: it comes once at most;
//! - it was not confirmed: sent again it is confirmed, and there once, wherever the power was cut.
//!
//! A seed always has the same plan; but the broker has threads, and so its changes to the disk, and what is known at each, differ a
//! little from run to run. A case that failed is run again as `--seed N --dedup 1`, several times if need be.

mod log;
mod plan;
mod site;

use crate::cuts::{MODES, Mode};
use leveret_store::disk::faulty::{Dice, FaultyDisk, Platter, Recorded};
use log::Log;
use plan::{Kind, Plan};
use site::{Site, words};
use std::fmt;

/// Where the power was cut.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Seed of the workload.
    pub seed: u64,
    /// So many changes had reached the disk.
    pub cut: usize,
    /// What survives of those that were not synced.
    pub mode: Mode,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "--seed {} --dedup 1 --cuts 0 --faults 0 --damages 0   (was cut after {} changes, {})",
            self.seed, self.cut, self.mode
        )
    }
}

/// What was done, to be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Workloads that ran.
    pub workloads: u64,
    /// Power cuts, those during the work after a cut among them.
    pub cuts: u64,
    /// Messages sent again after a cut.
    pub resent: u64,
}

impl Tally {
    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.workloads += other.workloads;
        self.cuts += other.cuts;
        self.resent += other.resent;
    }
}

/// Runs the workload of a seed and cuts the power at some calls; `begin` is told of each.
///
/// # Errors
/// What did not hold, in the case that began last.
pub fn check(seed: u64, tally: &mut Tally, begin: &dyn Fn(Case)) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(words)?;
    let mut dice = Dice::new(seed);
    let plan = Plan::roll(seed, &mut dice);
    let log = Log::default();
    let disk = FaultyDisk::new();
    let run = runtime.block_on(record(&disk, plan, &log, async |site| work(site, plan, &mut dice).await))?;
    tally.workloads += 1;
    for _ in 0..plan.cuts {
        let (cut, found, known) = run.cut(&log, &mut dice);
        let mode = MODES[dice.below(MODES.len() as u64) as usize].1;
        begin(Case { seed, cut, mode });
        let disk = mode.found(&found, &mut dice);
        tally.cuts += 1;
        let told = |what| format!("{what}\n  {plan:?}");
        runtime.block_on(again(disk, plan, known, &mut dice, tally)).map_err(told)?;
    }
    Ok(())
}

/// What was done to a disk, and how far the log was right before each change.
struct Run {
    base: Platter,
    changes: Vec<Recorded>,
}

impl Run {
    /// The disk and the log somewhere in it. Ends are as likely as all the rest of the last tenth, where most has happened.
    fn cut(&self, log: &Log, dice: &mut Dice) -> (usize, Platter, Log) {
        let count = self.changes.len() as u64;
        let cut = if dice.chance(50) { count - dice.below(count / 10 + 1) } else { dice.below(count + 1) };
        let cut = cut as usize;
        let mut platter = self.base.clone();
        self.changes[..cut].iter().for_each(|one| platter.apply(&one.change));
        let known = self.changes.get(cut).map_or(log.len(), |next| next.known as usize);
        (cut, platter, log.first(known))
    }
}

/// A broker starts on a disk and something is done with it; the disk is recorded.
async fn record(
    disk: &FaultyDisk,
    plan: Plan,
    log: &Log,
    act: impl AsyncFnOnce(&mut Site) -> Result<(), String>,
) -> Result<Run, String> {
    let base = disk.platter();
    disk.record({
        let log = log.clone();
        move || log.len() as u64
    });
    let mut site = Site::start(disk, plan, log.clone()).await?;
    act(&mut site).await?;
    let changes = disk.recorded();
    Ok(Run { base, changes })
}

async fn work(site: &mut Site, plan: Plan, dice: &mut Dice) -> Result<(), String> {
    let mut next = 0;
    while next < plan.messages {
        let is_single = dice.below(1000) < plan.single_permille;
        let burst = if is_single { 1 } else { 1 + dice.below(plan.burst_max) as usize };
        let end = next + burst;
        if burst > 16 && dice.chance(60) {
            site.send_together(next..end).await?;
        } else {
            for id in next..end {
                site.send(id).await?;
            }
        }
        next = end;
        if dice.chance(plan.repeat_percent) {
            // One that the window knows. A producer's numbers may not overtake each other: one that was confirmed.
            let back = 1 + dice.below(plan.window as u64 / 4) as usize;
            if plan.kind == Kind::Sequences {
                site.wait(0).await?;
            }
            site.repeat(next.saturating_sub(back)).await?;
        }
        site.wait(if dice.chance(plan.wait_percent) { 0 } else { plan.window / 4 }).await?;
        if dice.chance(plan.consume_percent) {
            let queue = dice.below(plan.queues().len() as u64) as usize;
            site.consume(queue, 1 + dice.below(2 * burst as u64 + 4) as usize).await?;
        }
    }
    site.wait(0).await
}

/// After a cut: sends again and compares; or the power is cut a second time while it does.
async fn again(
    disk: FaultyDisk,
    plan: Plan,
    log: Log,
    dice: &mut Dice,
    tally: &mut Tally,
) -> Result<(), String> {
    if !dice.chance(30) {
        let mut site = Site::start(&disk, plan, log.clone()).await?;
        return settle(&mut site, plan, &log, dice, tally).await;
    }
    let run = record(&disk, plan, &log, async |site| {
        let fates = log.fates();
        let unconfirmed = (0..fates.len()).filter(|id| !fates[*id].confirmed);
        for id in unconfirmed {
            site.send(id).await?;
        }
        site.wait(0).await
    })
    .await?;
    let (cut, found, log) = run.cut(&log, dice);
    let mode = MODES[dice.below(MODES.len() as u64) as usize].1;
    tally.cuts += 1;
    let mut site = Site::start(&mode.found(&found, dice), plan, log.clone()).await?;
    settle(&mut site, plan, &log, dice, tally)
        .await
        .map_err(|what| format!("a second cut after {cut} of {} changes, {mode}: {what}", run.changes.len()))
}

async fn settle(
    site: &mut Site,
    plan: Plan,
    log: &Log,
    dice: &mut Dice,
    tally: &mut Tally,
) -> Result<(), String> {
    let fates = log.fates();
    let (sent, fresh) = (fates.len(), fates.len());
    let mut found = vec![[0; 2]; sent + 1];
    let drains_first = dice.chance(50);
    if drains_first {
        drain(site, plan, &mut found).await?;
        for (id, queue, what) in places(plan, sent) {
            let fate = fates[id];
            if fate.confirmed && !fate.acked[queue] && found[id][queue] != 1 {
                return Err(format!("{what} was confirmed and is there {} times", found[id][queue]));
            }
        }
    }
    let everything = dice.chance(70);
    let is_sent = |id: &usize| {
        let fate = fates[*id];
        !fate.confirmed || everything && (plan.kind == Kind::Sequences || fate.is_within(plan.window, sent))
    };
    for id in (0..sent).filter(is_sent) {
        site.send(id).await?;
        tally.resent += 1;
    }
    site.send(fresh).await?;
    site.wait(0).await?;
    drain(site, plan, &mut found).await?;
    for (id, queue, what) in places(plan, sent + 1) {
        let count = found[id][queue];
        let fate = fates.get(id).copied().unwrap_or_default();
        let least = i32::from(!fate.acked[queue]);
        let most = i32::from(!fate.settled[queue]);
        if !(least..=most).contains(&count) {
            let when = if drains_first { ", which was empty before the others were sent again" } else { "" };
            let sent_again = id < sent && is_sent(&id);
            return Err(format!(
                "{what}{when} came {count} times, of {sent} ids; sent again: {sent_again}; {fate:?}"
            ));
        }
    }
    Ok(())
}

fn places(plan: Plan, ids: usize) -> impl Iterator<Item = (usize, usize, String)> {
    let queues = plan.queues();
    (0..ids).flat_map(move |id| {
        (0..queues.len()).map(move |at| (id, at, format!("id {id} in queue {}", queues[at])))
    })
}

async fn drain(site: &mut Site, plan: Plan, found: &mut [[i32; 2]]) -> Result<(), String> {
    for queue in 0..plan.queues().len() {
        for id in site.consume(queue, usize::MAX).await? {
            let found = found.get_mut(id).ok_or_else(|| format!("id {id} came, and was never sent"))?;
            found[queue] += 1;
        }
    }
    Ok(())
}
