//! The command line.

use leveret_dialogues::{Target, target};

/// What a run is to do.
pub(crate) struct Options {
    /// RabbitMQ and ours.
    pub(crate) targets: [Target; 2],
    pub(crate) seed: u64,
    /// Scripts at most.
    pub(crate) rounds: u64,
    /// Seconds at most.
    pub(crate) seconds: u64,
    /// Shrink a script that differs for as long as it takes.
    pub(crate) shrink: bool,
    /// Differences after which the run ends.
    pub(crate) failures: u64,
    /// Print what is said.
    pub(crate) verbose: bool,
}

pub(crate) const USAGE: &str = "\
usage: conformance/beside/run [OPTION]...
  --seed N          repeats the scripts of an earlier run: the first is N, the next N + 1 (default: another each time)
  --rounds N        scripts at most (200)
  --seconds N       seconds at most (no limit)
  --shrink          takes its time to shorten a script that differs; else a minute
  --failures N      goes on until so many scripts differ (1)
  --verbose         prints every script with what was said to it
  --rabbitmq URL    a RabbitMQ that runs (default: one is started)
  --ours URL        a broker of ours that runs (default: one in the same process)
URLs are amqp://user:password@host:port/";

impl Options {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>, seed: u64) -> Result<Self, String> {
        let (mut rabbitmq, mut ours) = (None, None);
        let (mut seed, mut rounds, mut seconds, mut failures) = (seed, 200, u64::MAX, 1);
        let (mut shrink, mut verbose) = (false, false);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            let number = |text: String| text.parse().map_err(|_| format!("{word} {text}: not a number"));
            let url = |text: String| Target::from_url(&text).ok_or(format!("{word} {text}: not such a URL"));
            match word.as_str() {
                "--seed" => seed = number(value()?)?,
                "--rounds" => rounds = number(value()?)?,
                "--seconds" => seconds = number(value()?)?,
                "--failures" => failures = number(value()?)?,
                "--shrink" => shrink = true,
                "--verbose" => verbose = true,
                "--rabbitmq" => rabbitmq = Some(url(value()?)?),
                "--ours" => ours = Some(url(value()?)?),
                _ => return Err(format!("no option {word}")),
            }
        }
        let rabbitmq = rabbitmq.ok_or("--rabbitmq is missing")?;
        let targets = [rabbitmq, ours.unwrap_or_else(|| target().clone())];
        Ok(Self { targets, seed, rounds, seconds, shrink, failures, verbose })
    }
}
