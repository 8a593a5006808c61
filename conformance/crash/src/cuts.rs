//! Cuts the power at every call of a run, builds disks as they may be found, starts the store on them, and compares.
//!
//! After a cut the store must hold what the model holds after some first part of the batches: all those that were said to be synced
//! are in it, and nothing that was not appended. From there it goes one of three ways: a second start, which must find the same; a
//! cut during the first start; or more work and a cut in that.

use crate::drive::{Driver, Event, Kept, Run, look, open, options};
use crate::generate::Generator;
use crate::ledger::Known;
use crate::model::Model;
use leveret_store::Options;
use leveret_store::disk::faulty::{Dice, FaultyDisk, Platter, Survival};
use std::fmt;

/// Where the power is cut and what of the rest survives.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Seed of the workload.
    pub seed: u64,
    /// So many changes reach the disk before the cut.
    pub cut: usize,
    /// What survives of those that were not synced.
    pub mode: Mode,
}

/// How the run ends at a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The process is killed. The kernel lives and knows everything that was written; synced it is not.
    Killed,
    /// The power is cut; what of the rest survives.
    Cut(Survival),
}

/// Every mode with its word.
pub const MODES: [(&str, Mode); 6] = [
    ("killed", Mode::Killed),
    ("nothing", Mode::Cut(Survival::Nothing)),
    ("everything", Mode::Cut(Survival::Everything)),
    ("prefix", Mode::Cut(Survival::Prefix)),
    ("some", Mode::Cut(Survival::Some)),
    ("torn", Mode::Cut(Survival::Torn)),
];

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = MODES.iter().find(|(_, mode)| mode == self).map(|(word, _)| *word);
        f.write_str(word.unwrap_or_default())
    }
}

impl Mode {
    /// The disk as it is found afterwards.
    pub(crate) fn found(self, platter: &Platter, dice: &mut Dice) -> FaultyDisk {
        let seed = dice.roll();
        FaultyDisk::with(match self {
            Self::Killed => platter.clone(),
            Self::Cut(survival) => platter.survivor(seed, survival),
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--seed {} --cut {} --mode {}", self.seed, self.cut, self.mode)
    }
}

/// What was done, to be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Workloads that ran.
    pub workloads: u64,
    /// Calls after which the power was cut.
    pub cuts: u64,
    /// Starts after a cut.
    pub starts: u64,
    /// Cuts within what came after a cut.
    pub second_cuts: u64,
    /// What the keeper did in the workloads.
    pub kept: Kept,
}

impl Tally {
    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.workloads += other.workloads;
        self.cuts += other.cuts;
        self.starts += other.starts;
        self.second_cuts += other.second_cuts;
        self.kept.add(other.kept);
    }
}

/// A workload that has run once.
#[derive(Debug)]
pub struct Workload {
    seed: u64,
    options: Options,
    run: Run,
}

impl Workload {
    /// Runs the workload of a seed on a disk without faults.
    ///
    /// # Errors
    /// The store does not hold what it should.
    pub fn run(seed: u64) -> Result<Self, String> {
        let generator = Generator::new(seed);
        let options = options(generator.profile());
        let batches = generator.profile().batches;
        let driver = Driver::start(&FaultyDisk::new(), &options, &[Model::default()], seed)?;
        Ok(Self { seed, options, run: driver.run(generator, batches)? })
    }

    /// Places to cut at.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.run.changes.len() + 1
    }

    /// Cuts everywhere, or at one place in one mode; `begin` is told of each.
    ///
    /// # Errors
    /// What the store does not hold, in the case that began last.
    pub fn check(
        &self,
        only: Option<(usize, Mode)>,
        tally: &mut Tally,
        begin: &dyn Fn(Case),
    ) -> Result<(), String> {
        let mut walk = Walk::new(&self.run);
        tally.workloads += 1;
        tally.kept.add(self.run.kept);
        for cut in 0..self.cuts() {
            let (platter, models) = walk.go_to(cut);
            let modes = match only {
                Some((at, _)) if at != cut => continue,
                Some((_, mode)) => vec![mode],
                None => modes(platter, cut),
            };
            tally.cuts += 1;
            for mode in modes {
                let case = Case { seed: self.seed, cut, mode };
                begin(case);
                self.one(case, platter, &models, tally)?;
            }
        }
        Ok(())
    }

    fn one(&self, case: Case, platter: &Platter, models: &[Model], tally: &mut Tally) -> Result<(), String> {
        let mode = MODES.iter().position(|(_, mode)| *mode == case.mode).unwrap_or_default();
        let mut dice = Dice::new(case.seed.wrapping_mul(1_000_003) + (case.cut * MODES.len() + mode) as u64);
        let disk = case.mode.found(platter, &mut dice);
        tally.starts += 1;
        if dice.chance(50) {
            return self.twice(&disk, models, &mut dice);
        }
        // More work (or none), and a cut in it or in the start before it.
        tally.second_cuts += 1;
        let driver = Driver::start(&disk, &self.options, models, dice.roll())?;
        let generator = self.run.generator.after_crash(dice.roll(), &driver.models()[0]);
        let steps = if dice.chance(40) { 0 } else { 1 + dice.below(25) };
        let run = driver.run(generator, steps).map_err(|what| format!("at work after the cut: {what}"))?;
        let at = dice.below(run.changes.len() as u64 + 1) as usize;
        let mut walk = Walk::new(&run);
        let (platter, models) = walk.go_to(at);
        let mode = MODES[dice.below(MODES.len() as u64) as usize].1;
        let disk = mode.found(platter, &mut dice);
        self.twice(&disk, &models, &mut dice).map_err(|what| {
            let (all, opened) = (run.changes.len(), run.opened);
            format!(
                "a second cut after {at} of {all} changes ({opened} of them by the start), {mode}: {what}"
            )
        })
    }

    /// A start finds one of `models`, and the next start the same.
    fn twice(&self, disk: &FaultyDisk, models: &[Model], dice: &mut Dice) -> Result<(), String> {
        let (store, recovered) = open(disk, &self.options)?;
        let same = look(&store, Some(&recovered), models, dice.roll())?;
        // What it found it has made last.
        let disk = MODES[dice.below(MODES.len() as u64) as usize].1.found(&disk.platter(), dice);
        drop(store);
        let (store, recovered) = open(&disk, &self.options)?;
        look(&store, Some(&recovered), &same, dice.roll())
            .map(drop)
            .map_err(|what| format!("started a second time: {what}"))
    }
}

/// The modes for a cut. Where everything is synced they all come to the same.
fn modes(platter: &Platter, cut: usize) -> Vec<Mode> {
    if !platter.uncertain() {
        return vec![Mode::Killed];
    }
    let last = if cut.is_multiple_of(2) { Survival::Prefix } else { Survival::Some };
    let cuts = [Survival::Nothing, Survival::Everything, Survival::Torn, last].map(Mode::Cut);
    std::iter::once(Mode::Killed).chain(cuts).collect()
}

/// Walks along a run: the platter after so many changes, and the states that may be found on it.
pub(crate) struct Walk<'a> {
    run: &'a Run,
    platter: Platter,
    at: usize,
    /// The states with everything that is synced.
    floor: Vec<Model>,
    /// Events that are in it, and batches among them.
    events: usize,
    batches: u64,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(run: &'a Run) -> Self {
        Self { run, platter: run.base.clone(), at: 0, floor: run.starts.clone(), events: 0, batches: 0 }
    }

    /// The platter after `cut` changes, and what may be found on it.
    pub(crate) fn go_to(&mut self, cut: usize) -> (&Platter, Vec<Model>) {
        for one in &self.run.changes[self.at..cut] {
            self.platter.apply(&one.change);
        }
        self.at = cut;
        if cut < self.run.opened {
            // The start had not come to its end; what it would have found was nobody's yet.
            let mut models = self.run.possible.clone();
            models.iter_mut().for_each(Model::restart);
            return (&self.platter, models);
        }
        let known = self.run.changes.get(cut).map_or(self.run.end, |next| Known::unpack(next.known));
        while self.batches < known.synced {
            self.next();
        }
        let mut models = Vec::new();
        for mut model in self.floor.clone() {
            let mut batches = self.batches;
            let mut events = self.run.events[self.events..].iter();
            loop {
                let mut found = model.clone();
                found.restart();
                if models.last() != Some(&found) {
                    models.push(found);
                }
                if batches == known.appended {
                    break;
                }
                match events.next() {
                    Some(Event::Batch(acts)) => {
                        model.apply(acts);
                        batches += 1;
                    }
                    Some(Event::Restart) => model.restart(),
                    None => break,
                }
            }
        }
        (&self.platter, models)
    }

    fn next(&mut self) {
        match self.run.events.get(self.events) {
            Some(Event::Batch(acts)) => {
                self.floor.iter_mut().for_each(|model| model.apply(acts));
                self.batches += 1;
            }
            Some(Event::Restart) => self.floor.iter_mut().for_each(Model::restart),
            None => self.batches = u64::MAX,
        }
        self.events += 1;
    }
}
