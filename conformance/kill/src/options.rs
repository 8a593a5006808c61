//! The command line.

use std::path::PathBuf;

/// What a run is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) binary: PathBuf,
    /// Power failures on a disk of our own instead of `kill -9` on the machine's.
    pub(crate) power: bool,
    pub(crate) rounds: u64,
    /// `None`: another one each time.
    pub(crate) seed: Option<u64>,
    /// The broker lives on from round to round: for trying the harness.
    pub(crate) no_kill: bool,
    /// After so many rounds everything is drained and compared.
    pub(crate) drain_every: u64,
    /// The files of a failed run go into this folder.
    pub(crate) keep: Option<PathBuf>,
}

pub(crate) const USAGE: &str = "\
usage: conformance/kill/run [OPTION]...      kill -9 under load
       conformance/kill/power [OPTION]...    the same, and un-synced writes are forgotten
  --rounds N        lives of the broker (kill: 30, power: 10)
  --seed N          repeats the choices of an earlier run (not its timing)
  --drain-every N   empties the queues and compares after so many rounds (5)
  --no-kill         the broker lives on: tries the harness itself
  --keep DIR        where data folder and log of a failed run are left";

impl Options {
    /// Reads `kill|power BINARY [OPTION]...`.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let power = match words.next().as_deref() {
            Some("kill") => false,
            Some("power") => true,
            _ => return Err("say 'kill' or 'power' first".to_owned()),
        };
        let binary = PathBuf::from(words.next().ok_or("say which broker")?);
        let rounds = if power { 10 } else { 30 };
        let mut options =
            Self { binary, power, rounds, seed: None, no_kill: false, drain_every: 5, keep: None };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            let number =
                |text: String| text.parse::<u64>().map_err(|_| format!("{word} {text}: not a number"));
            match word.as_str() {
                "--rounds" => options.rounds = number(value()?)?.max(1),
                "--seed" => options.seed = Some(number(value()?)?),
                "--drain-every" => options.drain_every = number(value()?)?.max(1),
                "--no-kill" => options.no_kill = true,
                "--keep" => options.keep = Some(PathBuf::from(value()?)),
                _ => return Err(format!("no option {word}")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let options = parse("kill broker --rounds 200 --seed 7 --no-kill").unwrap();
        assert_eq!(
            (options.rounds, options.seed, options.no_kill, options.power),
            (200, Some(7), true, false)
        );
        assert_eq!(parse("power broker").map(|options| (options.rounds, options.power)), Ok((10, true)));
        for wrong in ["", "kill", "kill broker --round 3", "kill broker --rounds", "kill broker --seed x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
