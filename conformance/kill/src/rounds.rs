//! Round after round: start the broker, look whether everything is there, put load on it, kill it.

use crate::broker::{Broker, Starter};
use crate::client::{Client, Trouble};
use crate::drain::drain;
use crate::ledger::{Ledger, Totals};
use crate::options::Options;
use crate::power::{Loss, PowerDisk};
use crate::random::Random;
use crate::topology;
use crate::work::{self, Definitions, Round, Streamed};
use parking_lot::Mutex;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Shortest and longest time of load before the end, in milliseconds.
const LOAD_MS: (u64, u64) = (50, 800);
/// One round in so many ends with SIGTERM, to see that an orderly stop leaves the same.
const ORDERLY_EVERY: u64 = 8;
/// After one round in so many the broker lives on: what it drains next, it holds since before the load.
const SPARED_EVERY: u64 = 6;
/// One restart in so many is killed on the way.
const KILLED_AT_START_EVERY: u64 = 5;

/// What was found out.
pub(crate) struct Outcome {
    pub(crate) rounds: u64,
    pub(crate) totals: Totals,
    /// Empty when all is well.
    pub(crate) report: String,
    pub(crate) definitions: (u64, u64),
    pub(crate) slowest_start: Duration,
}

/// How a round's broker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Kill,
    Power(Loss),
    Orderly,
    Nothing,
}

struct Run<'a> {
    options: &'a Options,
    starter: &'a Starter,
    disk: Option<&'a PowerDisk>,
    random: Random,
    definitions: Definitions,
    streamed: Streamed,
    slowest_start: Duration,
    /// What the last power failure took.
    note: String,
}

/// Runs all rounds, or until something is wrong.
pub(crate) fn run(options: &Options, starter: &Starter, disk: Option<&PowerDisk>, seed: u64) -> Outcome {
    let mut run = Run {
        options,
        starter,
        disk,
        random: Random::new(seed),
        definitions: Definitions::new(),
        streamed: Streamed::default(),
        slowest_start: Duration::ZERO,
        note: String::new(),
    };
    let mut ledger = Ledger::new();
    let mut broker = None;
    let mut report = String::new();
    let mut rounds = 0;
    // One more than asked for: its queues are drained and nothing else is done.
    for number in 0..=options.rounds {
        let random = run.random.split(number);
        let last = number == options.rounds;
        let result = run.round(number, last, random, &mut ledger, &mut broker);
        let trouble = result.err().unwrap_or_default();
        report = told(&ledger, &trouble);
        if !report.is_empty() {
            break;
        }
        rounds += u64::from(!last);
    }
    if !report.is_empty() {
        report = format!(
            "seed {seed}, round {}:\n{report}{}\nend of the broker's log:\n{}",
            rounds + 1,
            starter.disk_note(),
            starter.log_end()
        );
    }
    Outcome {
        rounds,
        totals: ledger.totals,
        report,
        definitions: (run.definitions.answered, run.definitions.looked_for),
        slowest_start: run.slowest_start,
    }
}

/// All that is wrong, for people.
fn told(ledger: &Ledger, trouble: &str) -> String {
    let (violations, count) = ledger.violations();
    let mut text = String::new();
    for violation in violations {
        let id = violation.id.map(|id| format!(", message {id}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {} (life {}{id})\n    {}",
            violation.rule, violation.generation, violation.text
        );
        if !violation.history.is_empty() {
            let _ = writeln!(text, "{}", violation.history);
        }
    }
    if count > violations.len() as u64 {
        let _ = writeln!(text, "  ... and {} more", count - violations.len() as u64);
    }
    if !trouble.is_empty() {
        let _ = writeln!(text, "  {trouble}");
    }
    text
}

impl Run<'_> {
    fn round(
        &mut self,
        number: u64,
        last: bool,
        mut random: Random,
        ledger: &mut Ledger,
        running: &mut Option<Broker>,
    ) -> Result<(), String> {
        ledger.next_generation();
        let broker = match running.take() {
            Some(broker) => broker,
            None => self.start(number, &mut random)?,
        };
        let ledger_taken = std::mem::replace(ledger, Ledger::new());
        let mut round = Round {
            address: broker.address,
            ledger: Mutex::new(ledger_taken),
            streamed: Mutex::new(std::mem::take(&mut self.streamed)),
            killing: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            failures: Mutex::new(Vec::new()),
        };
        let result = self.live(number, last, random, &mut round, broker);
        *ledger = round.ledger.into_inner();
        self.streamed = round.streamed.into_inner();
        *running = result?;
        let failures = round.failures.into_inner();
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n  ")) }
    }

    fn start(&mut self, number: u64, random: &mut Random) -> Result<Broker, String> {
        if number > 0 && random.below(KILLED_AT_START_EVERY) == 0 {
            let after = Duration::from_micros(random.below(40_000));
            self.starter.start_and_kill(after).map_err(|error| error.to_string())?;
            if let Some(disk) = self.disk {
                disk.lose(Loss::ALL[random.below(3) as usize], random);
            }
        }
        let broker = self.starter.start().map_err(|error| error.to_string())?;
        self.slowest_start = self.slowest_start.max(broker.started_in);
        Ok(broker)
    }

    /// One life of the broker; what is left of it.
    fn live(
        &mut self,
        number: u64,
        last: bool,
        mut random: Random,
        round: &mut Round,
        mut broker: Broker,
    ) -> Result<Option<Broker>, String> {
        let (first, ended) = (number == 0, self.end(&mut random));
        self.look(first, round).map_err(|trouble| format!("after the start: {trouble}"))?;
        let mut drained = None;
        if last || number > 0 && number.is_multiple_of(self.options.drain_every) {
            let count = drain(round).map_err(|trouble| format!("while draining: {trouble}"))?;
            drained = Some(count);
        }
        if last || !told(&round.ledger.lock(), "").is_empty() {
            return broker.stop().map(|()| None).map_err(|error| error.to_string());
        }
        let load = Duration::from_millis(random.between(LOAD_MS.0, LOAD_MS.1));
        let began = Instant::now();
        let (disk, round, definitions) = (self.disk, &*round, &mut self.definitions);
        let mut note = String::new();
        let left = std::thread::scope(|scope| {
            let workers = work::start(scope, round, definitions, &random);
            while began.elapsed() < load && round.failures.lock().is_empty() {
                std::thread::sleep(Duration::from_millis(2).min(load.saturating_sub(began.elapsed())));
            }
            if let Ok(Some(status)) = broker.ended() {
                round.failures.lock().push(format!("the broker ended by itself: {status}"));
            }
            let orderly = matches!(ended, End::Nothing | End::Orderly);
            (if orderly { &round.stopping } else { &round.killing }).store(true, Ordering::Release);
            let killed = if orderly { Ok(Some(broker)) } else { broker.kill().map(|()| None) };
            for worker in workers {
                if worker.join().is_err() {
                    round.failures.lock().push("a worker panicked".to_owned());
                }
            }
            let left = match (killed, ended) {
                (Ok(Some(broker)), End::Orderly) => broker.stop().map(|()| None),
                (left, _) => left,
            };
            if let (End::Power(loss), Some(disk)) = (ended, disk) {
                let lost = disk.lose(loss, &mut random);
                note = format!("; of {} unsynced pages {} lost ({})", lost.unsynced, lost.lost, loss.text());
            }
            left.map_err(|error| error.to_string())
        })?;
        self.note = note;
        self.progress(number, load, drained, ended, &round.ledger.lock().totals);
        Ok(left)
    }

    fn end(&self, random: &mut Random) -> End {
        match self.disk {
            _ if self.options.no_kill => End::Nothing,
            _ if random.below(ORDERLY_EVERY) == 0 => End::Orderly,
            _ if random.below(SPARED_EVERY) == 0 => End::Nothing,
            Some(_) => End::Power(Loss::ALL[random.below(3) as usize]),
            None => End::Kill,
        }
    }

    /// Declares everything in the first life; looks whether it is there in the others.
    fn look(&mut self, first: bool, round: &Round) -> Result<(), Trouble> {
        let mut client = Client::connect(round.address)?;
        if first {
            topology::declare(&mut client)?;
            return work::look(&mut client, &mut round.streamed.lock());
        }
        topology::verify(&mut client)?;
        for wrong in self.definitions.verify(&mut client)? {
            round.ledger.lock().violation("definitions", wrong);
        }
        work::look(&mut client, &mut round.streamed.lock())
    }

    fn progress(&self, number: u64, load: Duration, drained: Option<u64>, end: End, totals: &Totals) {
        let ended = match end {
            End::Kill => "killed",
            End::Power(_) => "power lost",
            End::Orderly => "stopped",
            End::Nothing => "left alone",
        };
        let drained = drained.map(|count| format!("; {count} drained before")).unwrap_or_default();
        let line = format!(
            "round {}/{}: {ended} after {} ms; {} published, {} confirmed, {} delivered, {} of them again{}{drained}",
            number + 1,
            self.options.rounds,
            load.as_millis(),
            totals.published,
            totals.confirmed,
            totals.delivered,
            totals.redelivered,
            self.note
        );
        let mut out = std::io::stderr();
        // On a terminal one line that moves, else every tenth.
        if out.is_terminal() {
            let _ = write!(out, "\r\x1b[K{line}");
        } else if (number + 1).is_multiple_of(10) || number + 1 == self.options.rounds {
            let _ = writeln!(out, "{line}");
        }
    }
}
