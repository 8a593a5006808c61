//! What `leveret bench` can be told.

use crate::amqp_url::AmqpUrl;
use crate::config::{ByteSize, Single, Span};
use clap::{Args, Command, FromArgMatches, ValueEnum};
use std::time::Duration;

/// Type of the exchange messages are published to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExchangeType {
    /// The default exchange: the routing key is the queue's name
    Default,
    /// Routing keys in turn, each bound to one queue
    Direct,
    /// Every queue gets every message
    Fanout,
    /// Patterns with * and #; every message matches exactly one
    Topic,
    /// Two headers that both have to be equal; every message matches exactly one binding
    Headers,
}

/// The options of one run.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchOptions {
    /// The broker
    #[arg(long, default_value = "amqp://guest:guest@127.0.0.1:5672/", value_parser = AmqpUrl::parse)]
    pub(crate) url: AmqpUrl,

    /// A named load; the list is below
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Option<String>,

    /// Measures this broker too, afterwards, and shows both
    #[arg(long, value_name = "URL", value_parser = AmqpUrl::parse)]
    pub(crate) compare: Option<AmqpUrl>,

    /// Publishers, each with its own connection
    #[arg(long, value_name = "COUNT", default_value_t = 1, help_heading = "Who")]
    pub(crate) publishers: usize,

    /// Consumers; every queue gets at least one
    #[arg(long, value_name = "COUNT", default_value_t = 1, help_heading = "Who")]
    pub(crate) consumers: usize,

    /// Connections the consumers share, one channel per consumer [default: one connection each]
    #[arg(long, value_name = "COUNT", help_heading = "Who")]
    pub(crate) consumer_connections: Option<usize>,

    /// Queues; publishers and consumers are spread over them
    #[arg(long, value_name = "COUNT", default_value_t = 1, help_heading = "Where")]
    pub(crate) queues: usize,

    /// Type of the exchange in front of the queues: default, direct, fanout, topic or headers
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = ExchangeType::Default, hide_possible_values = true, help_heading = "Where")]
    pub(crate) exchange: ExchangeType,

    /// Bindings of a direct, topic or headers exchange [default: one per queue]
    #[arg(long, value_name = "COUNT", help_heading = "Where")]
    pub(crate) bindings: Option<usize>,

    /// Declares queues and exchange durable
    #[arg(long, help_heading = "Where")]
    pub(crate) durable: bool,

    /// Argument for queue.declare, such as x-queue-type=quorum; may be given several times
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Where")]
    pub(crate) queue_arg: Vec<String>,

    /// First part of the queues' names [default: one of its own for every run]
    #[arg(long, value_name = "NAME", help_heading = "Where")]
    pub(crate) queue_prefix: Option<String>,

    /// Leaves queues and exchange in place at the end
    #[arg(long, help_heading = "Where")]
    pub(crate) keep: bool,

    /// Size of a message's body; latencies end to end need at least 8 bytes
    #[arg(long, value_name = "BYTES", default_value = "16", value_parser = ByteSize::parse_one, help_heading = "What")]
    pub(crate) size: ByteSize,

    /// Publishes persistent messages, into durable queues
    #[arg(long, help_heading = "What")]
    pub(crate) persistent: bool,

    /// Publisher confirms, with at most this many messages unconfirmed per publisher; 0: no confirms
    #[arg(long, value_name = "WINDOW", default_value_t = 0, help_heading = "What")]
    pub(crate) confirm: u64,

    /// Acknowledges every so many deliveries at once; 0: automatic acknowledgement
    #[arg(long, value_name = "COUNT", default_value_t = 0, help_heading = "What")]
    pub(crate) ack_every: u64,

    /// Unacknowledged deliveries per consumer; 0: no bound
    #[arg(long, value_name = "COUNT", default_value_t = 0, help_heading = "What")]
    pub(crate) prefetch: u16,

    /// Time each consumer works on a message before it acknowledges it, one after the other; needs a connection for each
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = Span::parse_one, help_heading = "What")]
    pub(crate) work: Span,

    /// The first consumer works so many times as long as the others
    #[arg(long, value_name = "FACTOR", default_value_t = 1, help_heading = "What")]
    pub(crate) slow: u32,

    /// Messages per second of all publishers together; 0: as many as possible
    #[arg(
        long,
        value_name = "RATE",
        default_value_t = 0.0,
        allow_negative_numbers = true,
        help_heading = "How long"
    )]
    pub(crate) rate: f64,

    /// Publishers wait while this many messages are published and not yet consumed; 0: no bound
    #[arg(long, value_name = "COUNT", default_value_t = 0, help_heading = "How long")]
    pub(crate) in_flight: u64,

    /// Time before measuring begins
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = Span::parse_one, help_heading = "How long")]
    pub(crate) warm_up: Span,

    /// Time measured
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = Span::parse_one, help_heading = "How long")]
    pub(crate) duration: Span,

    /// Sends this many messages instead, without warm-up, and measures until they are through; 0: by time
    #[arg(long, value_name = "COUNT", default_value_t = 0, help_heading = "How long")]
    pub(crate) count: u64,

    /// Process of the broker, for its CPU time and memory [default: whoever listens on the port, on this machine]
    #[arg(long, value_name = "PID", help_heading = "Result")]
    pub(crate) pid: Option<u32>,

    /// Writes the result as an HTML page with bars into this file
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub(crate) report: Option<std::path::PathBuf>,

    /// Prints the result as one JSON object, with --compare as a list of two
    #[arg(long, help_heading = "Result")]
    pub(crate) json: bool,
}

impl BenchOptions {
    /// Time measured, when it is not a number of messages that ends the run.
    pub(crate) fn measured(&self) -> Option<Duration> {
        (self.count == 0).then_some(self.duration.0)
    }
}

const NOTES: &str = "\
At a fixed --rate a message's clock starts when it was due, so a broker that stalls is seen to stall.
Sizes are written 1KiB or 64KiB, times 500ms, 10s or 1m. Queues are deleted at the end.

Examples:
  leveret bench
        as fast as it goes, 16-byte messages
  leveret bench --rate 10000 --size 128
        latency at ten thousand messages a second
  leveret bench --size 1KiB --persistent --confirm 1000 --ack-every 100 --prefetch 1000
        messages that are safe when they are confirmed
  leveret bench --exchange topic --bindings 1000 --queues 10 --consumers 10
        routing over a thousand patterns
  leveret bench --scenario safe --compare amqp://127.0.0.1:5673/ --report both.html
        this broker and another, as a table and as a page
  leveret bench --consumers 0 --count 1000000 --queue-prefix pile --keep
        a million messages to look at, left in place";

/// The command with its help.
pub(crate) fn command() -> Command {
    BenchOptions::augment_args(Command::new("bench"))
        .about("Measure a broker, this one or any RabbitMQ: rates, latencies, CPU per message")
        .after_help(format!("{}\n{NOTES}", super::scenario::help()))
        .args_override_self(true)
}

/// Reads the options from parsed arguments.
pub(crate) fn from_matches(matches: &clap::ArgMatches) -> Result<BenchOptions, String> {
    let matches = super::scenario::applied(matches)?;
    BenchOptions::from_arg_matches(&matches).map_err(|error| error.to_string())
}

/// Options from words, for tests.
#[cfg(test)]
pub(crate) fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<BenchOptions, String> {
    let matches =
        command().try_get_matches_from(std::iter::once("bench").chain(words)).map_err(|e| e.to_string())?;
    from_matches(&matches)
}
