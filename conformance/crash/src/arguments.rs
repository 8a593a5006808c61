//! The words behind the command.

use leveret_crash::cuts::{self, MODES};
use leveret_crash::damage;
use leveret_crash::faults::{self, WAYS};

pub(crate) const HELP: &str = "\
Cuts the power under the store, and lets its disk fail, at every call; compares what is left with a model.

  leveret-crash [--seed N] [--cuts N] [--faults N] [--damages N] [--dedup N] [--threads N]
  leveret-crash --seed N --cut K --mode killed|nothing|everything|prefix|some|torn     one power cut again
  leveret-crash --seed N --fault WAY --at K                                     one disk fault again
  leveret-crash --seed N --damage K                                             one damage again

  --seed N      of the first workload (1); the next workload has the next number
  --cuts N      power cuts, at least (100000)
  --faults N    disk faults, at least (20000)
  --damages N   damages to files, at least (20000)
  --dedup N     power cuts under brokers that drop duplicates, at least (1200)
  --threads N   (the machine's)";

pub(crate) struct Arguments {
    pub(crate) seed: u64,
    pub(crate) cuts: u64,
    pub(crate) faults: u64,
    pub(crate) damages: u64,
    pub(crate) dedup: u64,
    pub(crate) threads: usize,
    pub(crate) one_cut: Option<cuts::Case>,
    pub(crate) one_fault: Option<faults::Case>,
    pub(crate) one_damage: Option<damage::Case>,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, Into::into);
        let mut all = Self {
            seed: 1,
            cuts: 100_000,
            faults: 20_000,
            damages: 20_000,
            dedup: 1200,
            threads,
            one_cut: None,
            one_fault: None,
            one_damage: None,
        };
        let (mut cut, mut mode, mut way, mut at, mut damage) = (None, None, None, None, None);
        while let Some(word) = words.next() {
            if word == "--help" || word == "-h" {
                return Err(HELP.to_owned());
            }
            let value = words.next().ok_or_else(|| format!("{word} needs a value (see --help)"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{word} needs a number, not '{value}'"));
            match &*word {
                "--seed" => all.seed = number()?,
                "--cuts" => all.cuts = number()?,
                "--faults" => all.faults = number()?,
                "--damages" => all.damages = number()?,
                "--dedup" => all.dedup = number()?,
                "--damage" => damage = Some(number()?),
                "--threads" => all.threads = number()? as usize,
                "--cut" => cut = Some(number()? as usize),
                "--at" => at = Some(number()?),
                "--mode" => {
                    let found = MODES.iter().find(|(word, _)| *word == value);
                    mode = Some(found.ok_or_else(|| format!("no mode '{value}' (see --help)"))?.1);
                }
                "--fault" => {
                    let found = WAYS.iter().position(|(word, ..)| *word == value);
                    let known = || WAYS.map(|(word, ..)| word).join(", ");
                    way = Some(found.ok_or_else(|| format!("no fault '{value}'; there are: {}", known()))?);
                }
                _ => return Err(format!("unknown option {word} (see --help)")),
            }
        }
        all.one_cut = match (cut, mode) {
            (None, None) => None,
            (Some(cut), Some(mode)) => Some(cuts::Case { seed: all.seed, cut, mode }),
            _ => return Err("--cut and --mode go together".to_owned()),
        };
        all.one_fault = match (way, at) {
            (None, None) => None,
            (Some(way), Some(at)) => Some(faults::Case { seed: all.seed, way, at }),
            _ => return Err("--fault and --at go together".to_owned()),
        };
        all.one_damage = damage.map(|number| damage::Case { seed: all.seed, number });
        Ok(all)
    }
}
