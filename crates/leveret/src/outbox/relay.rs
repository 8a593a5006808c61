//! The relay: takes rows that can go out, sends them, writes down what became of them; waits when there are none.

use std::sync::Arc;
use std::time::Duration;

use leveret_client::Error;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::figures::Figures;
use super::lanes::lanes;
use super::rows::Outcome;
use super::send::{Sender, Trouble};
use super::{Outbox, RelayError, RelayReport};
use crate::app::Stops;
use crate::deadline;
use crate::mq::Mq;
use crate::sql::SqlDatabase;

/// Outcomes that are written down together, at most.
const SETTLE_MAX: usize = 256;
/// Pauses while database or broker are away: the first, doubled each time up to the last.
const AWAY_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How often what became of rows is written down again when that fails; then they go out once more after their lease.
const SETTLE_ATTEMPTS: u32 = 5;
/// How often it counts what waits, and looks for sent rows that are too old.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// Sends what is in an [`Outbox`]; from [`Outbox::relay`].
///
/// Several may run at once: each row is one relay's for the time of a lease. When a relay is killed, others take its rows over when the
/// lease is over. What the broker did not confirm is sent again, with the same message id. On PostgreSQL it keeps one connection of the pool
/// for itself, to listen: the pool has to have another.
#[derive(Debug)]
#[must_use = "a relay does nothing until it runs"]
pub struct Relay<DB: SqlDatabase> {
    outbox: Outbox<DB>,
    mq: Mq,
    /// Who it is, in the rows.
    name: String,
    lease: Duration,
    poll_interval: Duration,
    batch: (u32, u64),
    pauses: (Duration, Duration),
    keep: Option<Duration>,
}

/// What a round ended with.
enum Round {
    /// There was nothing to do.
    Nothing,
    Done,
    Away,
    Closed(Error),
}

impl<DB: SqlDatabase> Relay<DB> {
    pub(super) fn new(outbox: Outbox<DB>, mq: Mq) -> Self {
        Self {
            outbox,
            mq,
            name: format!("{:016x}", rand::random::<u64>()),
            lease: Duration::from_secs(60),
            poll_interval: DB::POLL,
            batch: (100, 16 << 20),
            pauses: (Duration::from_secs(1), Duration::from_secs(300)),
            keep: None,
        }
    }

    /// Its table.
    pub(crate) fn table(&self) -> &str {
        &self.outbox.table
    }

    /// How long rows are this relay's, counted by the database's clock: after a kill they wait so long. A third of it, at most 30 s, is what
    /// the broker has to confirm a message. At least 1 s. Default: 60 s.
    pub fn lease(self, lease: Duration) -> Self {
        Self { lease: lease.max(Duration::from_secs(1)), ..self }
    }

    /// Between two looks into the table while nothing is to be done. On PostgreSQL a commit wakes relays by `NOTIFY`; there it bounds only how
    /// late retries and the rows of killed relays are. Default: 100 ms on SQLite, 1 s on PostgreSQL.
    pub fn poll_interval(self, interval: Duration) -> Self {
        Self { poll_interval: interval.max(Duration::from_millis(1)), ..self }
    }

    /// What it takes at a time: so many rows, and so many bytes of bodies (one message always). Default: 100, 16 MiB.
    pub fn batch(self, rows_max: u32, bytes_max: u64) -> Self {
        Self { batch: (rows_max.max(1), bytes_max.max(1)), ..self }
    }

    /// How long a message that failed waits for its next attempt: after the first failure, doubled each time up to the last. Nothing is ever
    /// given up, see [`Outbox::failing`] and [`Outbox::discard`]. Default: 1 s to 5 min.
    pub fn retry_pauses(self, first: Duration, last: Duration) -> Self {
        Self { pauses: (first, last), ..self }
    }

    /// Keeps rows that were sent for so long, with the time of sending in `sent_at`. Default: they are deleted at once.
    pub fn keep_sent(self, keep: Duration) -> Self {
        Self { keep: Some(keep), ..self }
    }

    /// Runs until `stop` is cancelled; then nothing new is begun, what is on its way may arrive, all else is given back. While database
    /// or broker are away it waits, and logs.
    ///
    /// Not cancel-safe: when the future is dropped, its rows are taken over after their lease, and may go out twice.
    ///
    /// # Errors
    /// It cannot start; or the connection was closed for good.
    pub async fn run(self, stop: CancellationToken) -> Result<RelayReport, RelayError> {
        let (started, finish) = (CancellationToken::new(), stop.clone());
        self.run_within(Stops { started, finish, stop }).await
    }

    /// The same, told when nothing is written any more.
    pub(crate) async fn run_within(self, stops: Stops) -> Result<RelayReport, RelayError> {
        let Stops { started, finish, stop } = stops;
        let deadline = (self.lease / 3).min(Duration::from_secs(30));
        let sender = Sender::open(&self.mq, deadline, self.pauses).await.map_err(RelayError::Start)?;
        let heard = Arc::new(Notify::new());
        let mut listening = JoinSet::new();
        listening.spawn(listen(self.outbox.clone(), heard.clone()));
        let (mut report, mut looked) = (RelayReport::default(), None::<Instant>);
        let figures = Figures::new(&self.outbox.table);
        let mut away = AWAY_PAUSES.0;
        started.cancel();
        while !stop.is_cancelled() {
            // From before the look: what was written until then is seen by it.
            let is_last = finish.is_cancelled();
            let round = self.round(&sender, &stop, &figures, &mut report).await;
            let (wait, is_away) = match round {
                Ok(Round::Done) => (Duration::ZERO, false),
                Ok(Round::Nothing) if is_last => break,
                Ok(Round::Nothing) => (self.poll_interval, false),
                Ok(Round::Closed(error)) => return Err(RelayError::Closed(error)),
                Ok(Round::Away) => (away, true),
                Err(error) => {
                    tracing::error!(table = %self.outbox.table, %error, "the outbox cannot be asked; again in {away:?}");
                    (away, true)
                }
            };
            away = if is_away { (away * 2).min(AWAY_PAUSES.1) } else { AWAY_PAUSES.0 };
            if looked.is_none_or(|looked| looked.elapsed() >= LOOK_INTERVAL) {
                looked = Some(Instant::now());
                if let Err(error) = self.look(&figures).await {
                    tracing::error!(table = %self.outbox.table, %error, "sent rows are not counted and forgotten yet");
                }
            }
            if wait.is_zero() {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = finish.cancelled(), if !is_last => {}
                () = heard.notified(), if !is_away => {}
                () = sleep(wait) => {}
            }
        }
        tracing::info!(table = %self.outbox.table, ?report, "relay stopped");
        Ok(report)
    }

    /// Counts what waits, and forgets what was sent long ago.
    async fn look(&self, figures: &Figures) -> Result<(), sqlx::Error> {
        figures.tell(self.outbox.backlog().await?);
        if let Some(keep) = self.keep {
            self.outbox.prune(keep).await?;
        }
        Ok(())
    }

    /// Takes rows, sends them, and writes down what became of each as soon as that is known, of those that are known together at once.
    async fn round(
        &self,
        sender: &Sender,
        stop: &CancellationToken,
        figures: &Figures,
        report: &mut RelayReport,
    ) -> Result<Round, sqlx::Error> {
        // From before the claim: the database counts from a later moment.
        let begin_before = deadline::after(Instant::now(), self.lease / 2);
        let (rows_max, bytes_max) = self.batch;
        let rows = self.outbox.claim(&self.name, self.lease, rows_max, bytes_max).await?;
        if rows.is_empty() {
            return Ok(Round::Nothing);
        }
        let (ended, mut results) = mpsc::channel(rows.len());
        let mut sending = JoinSet::new();
        for lane in lanes(rows) {
            sending.spawn(sender.clone().lane(lane, begin_before, stop.clone(), ended.clone()));
        }
        drop(ended);
        let (mut some, mut round) = (Vec::new(), Round::Done);
        while results.recv_many(&mut some, SETTLE_MAX).await > 0 {
            let mut outcomes = Vec::with_capacity(some.len());
            for (seq, outcome, trouble) in some.drain(..) {
                report.count(&outcome);
                figures.count(&outcome);
                outcomes.push((seq, outcome));
                match trouble {
                    Trouble::None => {}
                    Trouble::Away if matches!(round, Round::Closed(_)) => {}
                    Trouble::Away => round = Round::Away,
                    Trouble::Closed(error) => round = Round::Closed(error),
                }
            }
            self.settle(&outcomes).await?;
        }
        Ok(round)
    }

    /// Writes it down, and again if the database cannot just now.
    async fn settle(&self, outcomes: &[(i64, Outcome)]) -> Result<(), sqlx::Error> {
        let mut pause = AWAY_PAUSES.0;
        for attempt in 1.. {
            match self.outbox.settle(&self.name, outcomes, self.keep).await {
                Ok(()) => break,
                Err(error) if attempt == SETTLE_ATTEMPTS => return Err(error),
                Err(error) => {
                    tracing::warn!(table = %self.outbox.table, %error, "what was sent is not written down yet");
                    sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        Ok(())
    }
}

impl RelayReport {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Sent => self.sent += 1,
            Outcome::Failed { .. } => self.failed += 1,
            Outcome::Released => self.released += 1,
        }
    }
}

/// Passes on what the database tells of commits, if it can.
async fn listen<DB: SqlDatabase>(outbox: Outbox<DB>, heard: Arc<Notify>) {
    let channel = outbox.channel();
    let mut pause = AWAY_PAUSES.0;
    while let Some(listening) = DB::listen(&outbox.pool, &channel, &heard) {
        if let Err(error) = listening.await {
            tracing::warn!(%error, "commits of the outbox are not heard of, only looked for; again in {pause:?}");
        }
        sleep(pause).await;
        pause = (pause * 2).min(AWAY_PAUSES.1);
    }
}
