//! A whole run: starts the shop, watches it until every order has ended, and settles the account.

mod chaos;
mod process;
mod report;
mod shop;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use leveret::BoxError;
use leveret::client::QueueDeclare;
use leveret::topology::Step;
use parking_lot::Mutex;

pub(crate) use report::Report;

use crate::books::{Books, Counts};
use crate::parts::{Part, connect};
use crate::progress::Progress;
use crate::provider;
use crate::settings::{Chaos, Settings};
use crate::tell::Tally;
use crate::topology;
use chaos::Plan;
use shop::Shop;

/// How often it is looked how far the run is.
const TICK: Duration = Duration::from_millis(50);
/// When every order has ended: late copies have come when it was quiet for so long (more than the first pause of every ladder)...
const QUIET: Duration = Duration::from_millis(700);
/// ...and nobody waits longer for them.
const QUIET_WITHIN: Duration = Duration::from_secs(15);

/// Runs a shop from the first order to the account. It is given up when no order gets any further for longer than `patience`.
pub(crate) async fn run(
    mut settings: Settings,
    chaos: &Chaos,
    patience: Duration,
    progress: &Progress,
    folder: Folder,
) -> Result<Report, BoxError> {
    settings.run.get_or_insert_with(|| format!("{:08x}", rand::random::<u32>()));
    let began = Instant::now();
    let tally = Arc::new(Mutex::new(Tally::default()));
    let mut shop = Shop::open(&mut settings, chaos.chaos, &tally).await?;
    progress.begin(&settings, chaos, &folder);
    let books = Books::open(&settings).await?;
    shop.start(&settings).await?;
    let mut plan = Plan::of(&settings, chaos, shop.victims());
    let watched = watch(&settings, patience, &mut shop, &books, &tally, &mut plan, progress).await?;
    shop.stop_parts().await?;
    let took = began.elapsed();
    let ledger = books.ledger(&settings).await?;
    books.close().await;
    let dead = clear(&settings).await?;
    let kills = shop.kills();
    shop.stop().await?;
    for name in Part::ALL.map(Part::name).into_iter().chain([provider::BOOKS]) {
        settings.place().remove(name).await?;
    }
    progress.end();
    let tally = std::mem::take(&mut *tally.lock());
    let mut report = Report { ledger, tally, kills, dead, watched, took, kept: None };
    if !report.balances() {
        report.kept = Some(folder.keep());
    }
    Ok(report)
}

/// What was seen of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Watched {
    /// Whether every order came to an end.
    pub(crate) finished: bool,
    /// The longest time in which no order got any further.
    pub(crate) standstill: Duration,
}

/// Watches until every order has ended and late copies have come, or until nothing happens any more.
async fn watch(
    settings: &Settings,
    patience: Duration,
    shop: &mut Shop,
    books: &Books,
    tally: &Mutex<Tally>,
    plan: &mut Plan,
    progress: &Progress,
) -> Result<Watched, BoxError> {
    let mut watched = Watched::default();
    let (mut seen, mut moved, mut alerts) = (Counts::default(), Instant::now(), 0);
    let mut ended_at = None;
    loop {
        tokio::time::sleep(TICK).await;
        shop.check(progress).await?;
        let counts = books.counts().await?;
        let last = {
            let tally = tally.lock();
            for (order, why) in &tally.alerts[alerts..] {
                progress.note(&format!("ALERT  order {order} could not be paid: {why}"));
            }
            alerts = tally.alerts.len();
            tally.last
        };
        if counts != seen {
            (seen, moved) = (counts, Instant::now());
        }
        progress.show(counts, settings.orders);
        if let Some(victim) = plan.due(counts.ended()) {
            shop.kill(victim, progress).await?;
        }
        if counts.ended() < settings.orders {
            watched.standstill = watched.standstill.max(moved.elapsed());
            if moved.elapsed() > patience {
                return Ok(watched);
            }
            continue;
        }
        let ended_at: Instant = *ended_at.get_or_insert_with(Instant::now);
        let quiet = moved.max(last).elapsed() > QUIET && books.unsent().await? == 0;
        if quiet || ended_at.elapsed() > QUIET_WITHIN {
            return Ok(Watched { finished: true, ..watched });
        }
    }
}

/// Removes what the run made in the broker. How many messages lay in dead-letter queues that nobody looks after is the answer.
async fn clear(settings: &Settings) -> Result<u32, BoxError> {
    let mq = connect(settings, "clearing").await?;
    let channel = mq.consuming().channel().await?;
    let mut dead = 0;
    for step in mq.plan(topology::all(settings)).steps {
        match step {
            Step::Queue { name, .. } => {
                if name.ends_with(".dead") {
                    let passive = QueueDeclare { passive: true, ..QueueDeclare::default() };
                    dead += channel.queue_declare(&name, passive).await?.messages;
                }
                channel.queue_delete(&name, Default::default()).await?;
            }
            Step::Exchange { name, .. } => channel.exchange_delete(&name, Default::default()).await?,
            _ => {}
        }
    }
    mq.close(Duration::from_secs(2)).await?;
    Ok(dead)
}

/// Where a run keeps its files.
pub(crate) enum Folder {
    Given(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    /// An empty one.
    pub(crate) fn choose(given: Option<PathBuf>) -> Result<Self, BoxError> {
        let Some(folder) = given else {
            return Ok(Self::Temporary(tempfile::Builder::new().prefix("orders-").tempdir()?));
        };
        std::fs::create_dir_all(&folder)?;
        if std::fs::read_dir(&folder)?.next().is_some() {
            let text = format!(
                "{} is not empty: a run begins with empty books; name another folder",
                folder.display()
            );
            return Err(text.into());
        }
        Ok(Self::Given(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Given(folder) => folder,
            Self::Temporary(folder) => folder.path(),
        }
    }

    /// Leaves it where it is, for somebody to look into.
    fn keep(self) -> PathBuf {
        match self {
            Self::Given(folder) => folder,
            Self::Temporary(folder) => folder.keep(),
        }
    }
}
