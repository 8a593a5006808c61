//! A shop of four services that keeps its books straight while its parts are killed.
//!
//!   cargo run -p orders                     a run in one process
//!   cargo run -p orders -- --chaos          every part a process, killed and restarted while it works
//!
//! The story is in docs/guides/orders.md. Where to look: `parts/` is what a shop does, `office.rs` how each message is handled once,
//! `topology.rs` the queues, `provider.rs` what goes wrong, `run/` the run and the chaos, `ledger.rs` the account.

mod books;
mod broker;
mod chance;
mod counted;
mod db;
mod ledger;
mod office;
mod order;
mod otlp;
mod outbox;
mod parts;
mod progress;
mod provider;
mod run;
mod settings;
mod tell;
#[cfg(test)]
mod tests;
mod topology;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use leveret::BoxError;
use leveret::client::ConnectOptions;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;

use parts::Part;
use progress::Progress;
use settings::{Chaos, Cli, PartCommand, Settings};
use tell::Teller;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.part {
        None => whole(cli.settings, &cli.chaos, Duration::from_secs(cli.standstill_max)).await,
        Some(PartCommand::Broker(settings)) => broker_alone(&settings).await,
        Some(PartCommand::Create(settings)) => part_alone(Part::Create, &settings).await,
        Some(PartCommand::Stock(settings)) => part_alone(Part::Stock, &settings).await,
        Some(PartCommand::Payment(settings)) => part_alone(Part::Payment, &settings).await,
        Some(PartCommand::Logistics(settings)) => part_alone(Part::Logistics, &settings).await,
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "orders: {error}");
            ExitCode::from(2)
        }
    }
}

/// A run from the first order to the account.
async fn whole(mut settings: Settings, chaos: &Chaos, patience: Duration) -> Result<ExitCode, BoxError> {
    let folder = run::Folder::choose(settings.data.take())?;
    settings.data = Some(folder.path().to_owned());
    let sending = log("orders", &settings, File::create(folder.path().join("orders.log"))?)?;
    let progress = Progress::new(settings.orders);
    let report = run::run(settings, chaos, patience, &progress, folder).await?;
    finish(sending).await;
    write!(std::io::stdout(), "{report}")?;
    Ok(ExitCode::from(u8::from(!report.balances())))
}

/// One part, until its standard input ends.
async fn part_alone(part: Part, settings: &Settings) -> Result<ExitCode, BoxError> {
    let sending = log(part.name(), settings, std::io::stderr())?;
    parts::keep_running(part, settings, &Teller::to_stdout(), until_input_ends()).await?;
    finish(sending).await;
    Ok(ExitCode::SUCCESS)
}

/// The broker, until its standard input ends.
async fn broker_alone(settings: &Settings) -> Result<ExitCode, BoxError> {
    let _sending = log("broker", settings, std::io::stderr())?;
    let options = ConnectOptions::new(settings.broker_url())?;
    let address = options.addresses.first().ok_or("the URL names no address to listen on")?;
    let address: SocketAddr = format!("{}:{}", address.host, address.port).parse()?;
    let (broker, _) = broker::start(&settings.folder(), address).await?;
    until_input_ends().cancelled().await;
    broker.shutdown(Duration::from_secs(5)).await;
    Ok(ExitCode::SUCCESS)
}

/// Cancelled when nobody can write to this process any more: it was asked to stop, or whoever started it is gone.
fn until_input_ends() -> CancellationToken {
    let stop = CancellationToken::new();
    let ended = stop.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        ended.cancel();
    });
    stop
}

/// Warnings go to `to`, spans to the collector if there is one.
fn log<W>(service: &str, settings: &Settings, to: W) -> Result<Option<otlp::Sending>, BoxError>
where
    W: std::io::Write + Send + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(to))
        .with_filter(LevelFilter::WARN);
    let (spans, sending) = match &settings.otlp {
        None => (None, None),
        Some(endpoint) => {
            let (layer, sending) = otlp::start(endpoint, service)?;
            (Some(layer.with_filter(LevelFilter::INFO)), Some(sending))
        }
    };
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines).with(spans))?;
    Ok(sending)
}

/// Spans that wait are sent.
async fn finish(sending: Option<otlp::Sending>) {
    if let Some(sending) = sending {
        let _ = tokio::task::spawn_blocking(move || sending.finish()).await;
    }
}
