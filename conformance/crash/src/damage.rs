//! Damages the files of a finished run, as bad media and careless people do, and starts the store on them.
//!
//! Three kinds. *Wild*: anything is overwritten, cut, lengthened, swapped, taken away. The store may refuse to open, with a text; if it
//! opens, it gives back nothing that was never appended, says what it misses, and takes new messages. *One message*: bytes within one
//! live message are changed, and that one message is lost, counted, and nothing else. *The newest checkpoint*: nothing is lost.

use crate::act::{Act, Step};
use crate::compare;
use crate::cuts::Walk;
use crate::drive::{Driver, Event, Run, options};
use crate::generate::Generator;
use crate::model::Model;
use crate::observe::Observed;
use leveret_store::disk::faulty::{Dice, FaultyDisk, Platter};
use leveret_store::disk::{Disk, DiskFile};
use leveret_store::{Batch, Lane, Options, State, Store, Target, Urgency};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// One damage to the files of one workload.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Seed of the workload.
    pub seed: u64,
    /// Which damage.
    pub number: u64,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--seed {} --damage {}", self.seed, self.number)
    }
}

/// Everything that ever had a place: what may be read there.
type Appended = BTreeMap<(u64, Lane, u64), Arc<[u8]>>;

/// A finished run whose files are damaged.
#[derive(Debug)]
pub struct Victim {
    seed: u64,
    options: Options,
    platter: Platter,
    model: Model,
    appended: Appended,
}

impl Victim {
    /// Runs the workload of a seed.
    ///
    /// # Errors
    /// The store does not hold what it should.
    pub fn run(seed: u64) -> Result<Self, String> {
        let mut generator = Generator::new(seed);
        let options = options(generator.profile());
        let batches = generator.profile().batches;
        let mut driver = Driver::start(&FaultyDisk::new(), &options, &[Model::default()], seed)?;
        driver.go(&generator.steps(batches))?;
        // The last group's damage is a torn tail; one behind it says that the others were synced.
        for key in [b"last but one".as_slice(), b"last"] {
            let put = Act::Put { key: key.into(), value: b"".as_slice().into() };
            driver.go(&[Step::Append([put].into(), Urgency::Synced), Step::Commit])?;
        }
        let run = driver.end(generator);
        let mut walk = Walk::new(&run);
        let (platter, mut models) = walk.go_to(run.changes.len());
        let model = models.pop().unwrap_or_default();
        Ok(Self { seed, options, platter: platter.clone(), model, appended: appended(&run) })
    }

    /// Damages it once, and looks.
    ///
    /// # Errors
    /// What did not hold.
    pub fn check(&self, number: u64) -> Result<(), String> {
        let mut dice = Dice::new(self.seed.wrapping_mul(1_000_003) + number);
        let disk = FaultyDisk::with(self.platter.clone());
        let told = |error: io::Error| error.to_string();
        match number % 4 {
            0 => match self.spoil_message(&disk, &mut dice).map_err(told)? {
                Some(place) => self.one_is_lost(&disk, place, &mut dice),
                None => Ok(()),
            },
            1 => {
                let checkpoints =
                    || disk.list().map(|names| names.into_iter().filter(|n| n.starts_with("checkpoint-0")));
                let newest = checkpoints().map_err(told)?.max();
                if let Some(newest) = newest.filter(|_| checkpoints().is_ok_and(|all| all.count() > 1)) {
                    spoil(&disk, &newest, &mut dice).map_err(told)?;
                    return self
                        .nothing_is_lost(&disk, &mut dice)
                        .map_err(|what| format!("{newest}: {what}"));
                }
                Ok(())
            }
            _ => {
                for _ in 0..1 + dice.below(4) {
                    let names = disk.list().map_err(told)?;
                    if let Some(name) = names.get(dice.below(names.len() as u64) as usize) {
                        spoil(&disk, name, &mut dice).map_err(told)?;
                    }
                }
                self.nothing_is_invented(&disk, &mut dice)
            }
        }
    }

    fn nothing_is_lost(&self, disk: &FaultyDisk, dice: &mut Dice) -> Result<(), String> {
        let (store, recovered) = self.open(disk)?;
        let observed = Observed::read(&store, self.queue_max().max(recovered.queue_max), dice)?;
        let difference = compare::messages(&observed, &self.model);
        match difference.or_else(|| compare::recovered(&recovered, &self.model)) {
            Some(what) => Err(format!("{what}; {:?}", recovered.report)),
            None => Ok(()),
        }
    }

    /// Changes bytes of one live message wherever it lies; its queue and position.
    fn spoil_message(&self, disk: &FaultyDisk, dice: &mut Dice) -> io::Result<Option<(u64, u64)>> {
        let live: Vec<(u64, u64, &Arc<[u8]>)> = self
            .model
            .queues
            .iter()
            .flat_map(|(queue, entry)| {
                entry.messages.iter().map(|(at, message)| (*queue, *at, &message.payload))
            })
            .filter(|(_, _, payload)| payload.len() >= 32)
            .collect();
        if live.is_empty() {
            return Ok(None);
        }
        let (queue, position, payload) = live[dice.below(live.len() as u64) as usize];
        let at = dice.below(payload.len() as u64) as usize;
        for name in disk.list()?.into_iter().filter(|name| name.starts_with("log-")) {
            let file = disk.open(&name)?;
            let bytes = read(&*file)?;
            for (found, _) in
                bytes.windows(payload.len()).enumerate().filter(|(_, window)| *window == &**payload)
            {
                write(&*file, found + at, &[payload[at] ^ (1 << dice.below(8))])?;
            }
        }
        Ok(Some((queue, position)))
    }

    fn one_is_lost(
        &self,
        disk: &FaultyDisk,
        (queue, position): (u64, u64),
        dice: &mut Dice,
    ) -> Result<(), String> {
        let (store, recovered) =
            self.open(disk).map_err(|error| format!("one message is damaged, and {error}"))?;
        let payload = &self.model.queues[&queue].messages[&position].payload;
        // A fan-out and a dead letter share their bytes.
        let mut model = self.model.clone();
        let mut lost = 0;
        for entry in model.queues.values_mut() {
            Arc::make_mut(entry).messages.retain(|_, message| {
                let stays = message.payload != *payload;
                lost += u64::from(!stays);
                stays
            });
        }
        let mut observed = Observed::read(&store, self.queue_max(), dice)?;
        let counted = observed.unreadable + recovered.report.skipped_records;
        observed.unreadable = 0;
        if counted == 0 {
            return Err("a damaged message is missing, and nobody counts it".to_owned());
        }
        match compare::messages(&observed, &model) {
            Some(what) => {
                Err(format!("queue {queue} position {position} was damaged ({lost} copies), but {what}"))
            }
            None => Ok(()),
        }
    }

    fn nothing_is_invented(&self, disk: &FaultyDisk, dice: &mut Dice) -> Result<(), String> {
        let Ok((store, recovered)) = self.open(disk) else { return Ok(()) };
        let mut observed = Observed::read(&store, self.queue_max().max(recovered.queue_max.min(100)), dice)?;
        self.only_appended(&observed)?;
        // It goes on.
        let queue = self.queue_max() + 1000;
        let target = Target { queue, lane: 0, position: 1, expires_unix_ms: u64::MAX };
        let mut batch = Batch::new();
        batch.message(&[target], 5, b"after", None);
        let ticket =
            store.append(&mut batch, Urgency::Synced, None).map_err(|error| format!("append: {error}"))?;
        for _ in 0..4 {
            store.commit();
            store.tidy();
        }
        if store.synced() < ticket || !matches!(store.state(), State::Running) {
            return Err(format!("it does not go on: {:?}", store.state()));
        }
        store.close();
        let (store, _) = self.open(disk).map_err(|error| format!("it opened once, and then: {error}"))?;
        observed = Observed::read(&store, self.queue_max(), dice)?;
        self.only_appended(&observed)?;
        let mut after = Vec::new();
        let request =
            leveret_store::LoadRequest { queue, lanes: &[0], after: 0, messages_max: 10, bytes_max: 1000 };
        store.load(request, &mut |loaded| after.push(loaded.payload.to_vec()));
        if after != [b"after"] {
            return Err(format!("a message that was stored after the damage is lost: {after:?}"));
        }
        Ok(())
    }

    fn only_appended(&self, observed: &Observed) -> Result<(), String> {
        for seen in &observed.messages {
            match self.appended.get(&(seen.queue, seen.lane, seen.position)) {
                Some(payload) if **payload == *observed.payload(seen) => {}
                _ => return Err(format!("{seen:?} was never appended")),
            }
        }
        Ok(())
    }

    fn queue_max(&self) -> u64 {
        self.appended.keys().map(|(queue, ..)| *queue).max().unwrap_or_default()
    }

    fn open(&self, disk: &FaultyDisk) -> Result<(Arc<Store>, leveret_store::Recovered), String> {
        Store::open(Arc::new(disk.clone()), self.options.clone(), &mut |_| {}).map_err(|error| {
            let text = error.to_string();
            if text.is_empty() { "it does not open and does not say why".to_owned() } else { text }
        })
    }
}

fn appended(run: &Run) -> Appended {
    let mut all = Appended::new();
    for event in &run.events {
        let Event::Batch(acts) = event else { continue };
        for act in acts.iter() {
            if let Act::Message { targets, payload, .. } = act {
                all.extend(
                    targets
                        .iter()
                        .map(|target| ((target.queue, target.lane, target.position), payload.clone())),
                );
            }
        }
    }
    all
}

/// Damages a file somehow.
fn spoil(disk: &FaultyDisk, name: &str, dice: &mut Dice) -> io::Result<()> {
    let file = disk.open(name)?;
    let len = file.len()?;
    let at = dice.below(len + 1) as usize;
    match dice.below(9) {
        // One bit.
        0 | 1 => {
            let mut bytes = read(&*file)?;
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
                write(&*file, at, &[*byte])?;
            }
        }
        // A sector, or a page, of noise or zeros.
        2 | 3 => {
            let size = if dice.chance(50) { 512 } else { 4096 };
            let zeros = dice.chance(50);
            let noise: Vec<u8> = (0..size).map(|_| if zeros { 0 } else { dice.roll() as u8 }).collect();
            write(&*file, at / size * size, &noise)?;
        }
        // Another place's page.
        4 => {
            let bytes = read(&*file)?;
            let from = dice.below(len / 4096 + 1) as usize * 4096;
            let page = bytes.get(from..).unwrap_or_default();
            write(&*file, at / 4096 * 4096, &page[..page.len().min(4096)])?;
        }
        5 => file.set_len(at as u64)?,
        6 => file.set_len(len + dice.below(20_000))?,
        7 => disk.remove(name)?,
        // Another file's contents.
        _ => {
            let names = disk.list()?;
            let other = disk.open(&names[dice.below(names.len() as u64) as usize])?;
            let bytes = read(&*other)?;
            file.set_len(0)?;
            write(&*file, 0, &bytes)?;
        }
    }
    Ok(())
}

fn read(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.len()? as usize];
    let count = file.read_at(0, &mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}

fn write(file: &dyn DiskFile, at: usize, bytes: &[u8]) -> io::Result<()> {
    file.write_at(at as u64, &[IoSlice::new(bytes)]).map(drop)
}
