//! Messages that the source has and does not give: consumers hold them, or they wait for their next attempt, or another consumer is the only
//! active one. They come, or are acknowledged, or stay where they are.

use super::ends::End;
use super::plan::QueueMove;
use super::trouble::Trouble;
use crate::http::path;
use leveret_client::{Connection, DeclaredQueue, Error, QueueDeclare};
use std::time::Duration;
use tokio::time::Instant;

/// How old RabbitMQ's figures may be: a quorum queue's of 3.10 were seen to be ten seconds behind.
const STATS_TIME: Duration = Duration::from_secs(12);
/// How long it is waited for figures that are not there yet, as those of a queue that was just declared.
const UNKNOWN_TIME: Duration = Duration::from_secs(30);
/// Leveret's are of now; what is under way while they are made comes in this time.
const LIVE_TIME: Duration = Duration::from_secs(1);

/// What is known of them since the queue gave its last message.
#[derive(Debug)]
pub(super) struct Unacked {
    /// When the last message came.
    since: Instant,
    /// How old figures may be.
    stats_time: Duration,
    /// Whether they are Leveret's.
    is_live: bool,
    /// Messages that consumers hold, as the source said last.
    pub(super) count: u64,
    /// Whether it said so.
    is_known: bool,
    /// Messages that it keeps back.
    pub(super) kept: u64,
}

/// Whether a queue without ready messages is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nobody holds anything.
    Nothing,
    /// Somebody does, or may: it is looked again.
    MayCome,
    /// Somebody does, and has for too long.
    Stays,
}

impl Unacked {
    /// `is_live`: the source is Leveret.
    pub(super) fn new(is_live: bool) -> Unacked {
        let stats_time = if is_live { LIVE_TIME } else { STATS_TIME };
        Unacked { since: Instant::now(), stats_time, is_live, count: 0, is_known: true, kept: 0 }
    }

    /// Something was moved: the wait begins anew.
    pub(super) fn moved(&mut self) {
        self.since = Instant::now();
    }

    /// Whether the figures are of after that moment.
    pub(super) fn is_after(&self, moment: Instant) -> bool {
        self.is_live || moment.elapsed() >= self.stats_time
    }

    /// Asks the source, which gives nothing; waits no longer than `wait` since the last message. `is_awaited`: something is known to be missing.
    pub(super) async fn look(
        &mut self,
        from: &End,
        source: &Connection,
        queue: &QueueMove,
        (wait, is_awaited): (Duration, bool),
    ) -> Result<Rest, Trouble> {
        let declared = self.ask(from, source, queue).await?;
        self.kept = self.kept.max(declared.messages.into());
        let may_be_held = declared.consumers > 0 || is_awaited;
        // Not to be known is not to be none.
        self.rest(self.since.elapsed(), may_be_held, wait)
            .ok_or_else(|| Trouble::lasting("FROM does not say whether consumers hold messages"))
    }

    /// What the source holds of a queue that may have ready messages as well, with consumers or waiting; `None`: it does not say so yet.
    pub(super) async fn held(
        &mut self,
        from: &End,
        source: &Connection,
        queue: &QueueMove,
    ) -> Result<Option<u64>, Trouble> {
        let declared = self.ask(from, source, queue).await?;
        let held = self.count + self.kept.saturating_sub(declared.messages.into());
        Ok(self.is_known.then_some(held))
    }

    /// The figures, and what the queue says at once: consumers, and messages that are ready.
    async fn ask(
        &mut self,
        from: &End,
        source: &Connection,
        queue: &QueueMove,
    ) -> Result<DeclaredQueue, Trouble> {
        let declared = declared(source, &queue.name).await.map_err(|error| Trouble::at("FROM", &error))?;
        let place = path(&["queues", &queue.vhost, &queue.name]);
        let found = from.api.get(&place).map_err(|error| Trouble {
            text: format!("FROM: whether consumers hold messages is not known: {error}"),
            may_pass: true,
            is_final: false,
        })?;
        let count = found["messages_unacknowledged"].as_u64();
        (self.count, self.is_known) = (count.unwrap_or(0), count.is_some());
        // Leveret counts what waits for its next attempt as ready, as its HTTP API says it.
        let ready = found["messages_ready"].as_u64().filter(|_| self.is_live);
        self.kept = ready.unwrap_or(0);
        Ok(declared)
    }

    /// `None`: the source does not say it, and has not for too long.
    fn rest(&self, quiet: Duration, may_be_held: bool, wait: Duration) -> Option<Rest> {
        // A figure may be of before the last batch, or of before a consumer took something: that one is still there then.
        let is_old = quiet < self.stats_time;
        match self.count + self.kept {
            0 if !may_be_held => Some(Rest::Nothing),
            _ if !self.is_known => (quiet < UNKNOWN_TIME).then_some(Rest::MayCome),
            0 if !is_old => Some(Rest::Nothing),
            _ if quiet < wait || is_old => Some(Rest::MayCome),
            _ => Some(Rest::Stays),
        }
    }

    /// Why the queue is not done with.
    pub(super) fn words(&self, wait: Duration) -> String {
        let held =
            format!("consumers of FROM have {} messages and did not settle them within {wait:?}", self.count);
        let kept = format!(
            "FROM keeps {} messages back: they wait for their next attempt, or another consumer is the only active one",
            self.kept
        );
        let why = match (self.count, self.kept) {
            (_, 0) => held,
            (0, _) => kept,
            _ => format!("{held}; {kept}"),
        };
        format!("{why}; the same command goes on")
    }
}

async fn declared(source: &Connection, queue: &str) -> Result<DeclaredQueue, Error> {
    let channel = source.channel().await?;
    let passive = QueueDeclare { passive: true, ..QueueDeclare::default() };
    let declared = channel.queue_declare(queue, passive).await?;
    channel.close().await?;
    Ok(declared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_waited_for_what_consumers_hold_and_not_for_ever() {
        let second = Duration::from_secs;
        for (count, quiet, may_be_held, wait, rest) in [
            (0, 0, false, 30, Rest::Nothing),
            // The figure may be old, and whoever took something is there.
            (0, 1, true, 30, Rest::MayCome),
            (0, 12, true, 30, Rest::Nothing),
            (3, 1, false, 30, Rest::MayCome),
            (3, 29, true, 30, Rest::MayCome),
            (3, 30, true, 30, Rest::Stays),
            // Not waiting does not mean to believe what is old.
            (3, 1, true, 0, Rest::MayCome),
            (3, 12, true, 0, Rest::Stays),
        ] {
            let held = Unacked { count, ..Unacked::new(false) };
            // What is kept back is no less there.
            let kept = Unacked { kept: count, ..Unacked::new(false) };
            for unacked in [held, kept] {
                let said = unacked.rest(second(quiet), may_be_held, second(wait));
                assert_eq!(said, Some(rest), "{unacked:?} {quiet} {may_be_held} {wait}");
            }
        }
        // A quorum queue that was just declared had no figures for ten seconds, and was taken for empty while a consumer had messages.
        let silent = Unacked { is_known: false, ..Unacked::new(false) };
        for (quiet, may_be_held, rest) in
            [(12, true, Some(Rest::MayCome)), (30, true, None), (1, false, Some(Rest::Nothing))]
        {
            assert_eq!(silent.rest(second(quiet), may_be_held, second(0)), rest);
        }
        // Leveret's figures are of now.
        for (quiet, rest) in [(0, Rest::MayCome), (1, Rest::Nothing)] {
            assert_eq!(Unacked::new(true).rest(second(quiet), true, second(30)), Some(rest));
        }
    }
}
