//! What a run can be told. The parts of a run are told the same.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::db::Place;

/// A shop of four services, create, stock, payment and logistics, that keeps its books straight whatever happens to them.
///
/// Takes orders, handles them, and prints a ledger. It brings its own broker and its own databases: nothing else is needed.
#[derive(Debug, Parser)]
#[command(
    name = "orders",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Parts"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) chaos: Chaos,
    /// Fails when no order gets any further for longer than so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) standstill_max: u64,
    #[command(subcommand)]
    pub(crate) part: Option<PartCommand>,
}

/// Whether anything is killed.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Chaos {
    /// Runs every part and the broker as a process of its own, and kills (-9) and restarts them while they work
    #[arg(long)]
    pub(crate) chaos: bool,
    /// How often something is killed
    #[arg(long, value_name = "N", default_value_t = 20, requires = "chaos")]
    pub(crate) kills: u32,
}

/// One process of a run; what `--chaos` starts.
#[derive(Debug, Subcommand)]
pub(crate) enum PartCommand {
    /// The embedded broker
    #[command(hide = true)]
    Broker(Settings),
    /// Takes orders and hears what became of them
    #[command(hide = true)]
    Create(Settings),
    /// Takes what was ordered off the shelf
    #[command(hide = true)]
    Stock(Settings),
    /// Takes the money
    #[command(hide = true)]
    Payment(Settings),
    /// Sends the goods
    #[command(hide = true)]
    Logistics(Settings),
}

/// What can be left out, to see what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Without {
    /// Messages that come twice are handled twice
    Inbox,
    /// Events are sent after the commit, and lost when something happens in between
    Outbox,
}

/// What is the same for all parts of a run.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Settings {
    /// Orders to take
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    pub(crate) orders: i64,
    /// Orders per second
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
    /// Decides what is ordered, where the provider fails, and what is killed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Folder for the broker's data, databases and logs; it must not be in use by an earlier run [default: a temporary one]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// A broker that is there, Leveret or RabbitMQ: amqp://user:password@host:port/vhost, or several hosts of a cluster, separated by commas
    /// [default: one that this program brings]
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Quorum queues, which a RabbitMQ cluster replicates
    #[arg(long)]
    pub(crate) quorum: bool,
    /// A PostgreSQL for the parts' databases, a schema each [default: SQLite, a file each]
    #[arg(long, value_name = "URL")]
    pub(crate) postgres: Option<String>,
    /// A Redis for what payment has handled already [default: a file beside its database]
    #[arg(long, value_name = "URL")]
    pub(crate) redis: Option<String>,
    /// Sends traces to this collector, over OTLP/HTTP: http://localhost:4318
    #[arg(long, value_name = "URL")]
    pub(crate) otlp: Option<String>,
    /// Leaves something out, to see what it is for: the ledger will not balance
    #[arg(long, value_name = "WHAT")]
    pub(crate) without: Option<Without>,
    /// Name of the run, in the names of its exchange, queues and schemas
    #[arg(long, hide = true)]
    pub(crate) run: Option<String>,
}

impl Settings {
    /// The folder of this run; whoever starts a run has chosen one.
    pub(crate) fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.run.as_deref().unwrap_or("shop")
    }

    /// The exchange of this run; its queues begin with the same name.
    pub(crate) fn exchange(&self) -> String {
        format!("orders-{}", self.name())
    }

    pub(crate) fn broker_url(&self) -> &str {
        self.url.as_deref().unwrap_or("amqp://guest:guest@127.0.0.1:5672/")
    }

    /// Where the databases are.
    pub(crate) fn place(&self) -> Place {
        match &self.postgres {
            Some(url) => Place::Server { url: url.clone(), prefix: format!("orders_{}", self.name()) },
            None => Place::Folder(self.folder()),
        }
    }

    /// The same as arguments for a process.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut put = |name: &str, value: OsString| arguments.extend([OsString::from(name), value]);
        put("--orders", self.orders.to_string().into());
        put("--rate", self.rate.to_string().into());
        put("--seed", self.seed.to_string().into());
        for (name, value) in [
            ("--url", &self.url),
            ("--postgres", &self.postgres),
            ("--redis", &self.redis),
            ("--otlp", &self.otlp),
            ("--run", &self.run),
        ] {
            if let Some(value) = value {
                put(name, value.into());
            }
        }
        if let Some(folder) = &self.data {
            put("--data", folder.into());
        }
        if let Some(without) = self.without.as_ref().and_then(ValueEnum::to_possible_value) {
            put("--without", without.get_name().into());
        }
        if self.quorum {
            arguments.push("--quorum".into());
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_told_what_the_run_was_told() {
        let words = "orders --orders 7 --rate 3 --seed 9 --data /x --url amqp://h --quorum --postgres postgres://p --redis redis://r --otlp http://o \
            --without inbox --run abc";
        let told = Cli::try_parse_from(words.split_whitespace()).unwrap().settings;
        let again = ["orders".into(), "stock".into()].into_iter().chain(told.arguments());
        let Some(PartCommand::Stock(part)) = Cli::try_parse_from(again).unwrap().part else {
            panic!("another part")
        };
        assert_eq!(format!("{part:?}"), format!("{told:?}"));
    }
}
