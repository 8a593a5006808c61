//! Retries as a property of a queue: how long a message whose delivery failed waits before it is delivered again, and when
//! it has been tried often enough.
//!
//! Two ways to say it. A **ladder** (`x-retry-delays`, ours): a delay for each attempt, then the message dies. A **linear** back-off
//! (`x-delayed-retry-min` and `-max`, RabbitMQ 4.3's for quorum queues): `min * delivery count`, at most `max`, as often as
//! `x-delivery-limit` allows.

use super::past::{Past, Return};
use crate::message::Message;
use leveret_protocol::FieldValue;

/// Rungs a ladder may have.
pub const RETRY_DELAYS_MAX: usize = 100;
/// Header of a message with a ladder of its own.
const RETRY_DELAYS: &str = "x-retry-delays";

/// What to do with a message that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may be delivered again at once.
    Now,
    /// In so many milliseconds.
    In(u64),
    /// It was tried often enough: it dies.
    Never,
}

/// Which of the messages that come back wait. `x-delayed-retry-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryType {
    /// Those whose delivery failed.
    Failed,
    /// Those that were given back.
    Returned,
    /// Both.
    All,
}

impl RetryType {
    /// The type of this name; `disabled` is none.
    pub(crate) fn parse(name: &str) -> Option<Option<Self>> {
        match name {
            "disabled" => Some(None),
            "failed" => Some(Some(Self::Failed)),
            "returned" => Some(Some(Self::Returned)),
            "all" => Some(Some(Self::All)),
            _ => None,
        }
    }

    fn covers(self, why: Return) -> bool {
        match self {
            Self::Failed => why.is_failure(),
            Self::Returned => !why.is_failure(),
            Self::All => true,
        }
    }
}

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delays {
    Ladder(Box<[u64]>),
    Linear { min_ms: u64, max_ms: Option<u64> },
}

/// See the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) kind: RetryType,
    pub(crate) delays: Delays,
    /// A delay is made longer by up to so many percent of itself.
    pub(crate) jitter_percent: u64,
}

impl Retry {
    /// What follows from a return. `past` counts it already; `seed` differs from message to message.
    pub(crate) fn verdict(&self, message: &Message, past: &Past, why: Return, seed: u64) -> Verdict {
        let own = own_ladder(message);
        let ladder = match (&self.delays, &own) {
            (_, Some(own)) => Some(&**own),
            (Delays::Ladder(delays), None) => Some(&**delays),
            (Delays::Linear { .. }, None) => None,
        };
        let failures = past.delivery_count();
        if let Some(ladder) = ladder
            && why.is_failure()
            && failures as usize > ladder.len()
        {
            return Verdict::Never;
        }
        if !self.kind.covers(why) {
            return Verdict::Now;
        }
        let delay = match (ladder, &self.delays) {
            // What was given back without a failure waits as long as the next attempt would.
            (Some(ladder), _) => ladder.get(failures.saturating_sub(1) as usize).copied().unwrap_or(0),
            (None, Delays::Linear { min_ms, max_ms }) => {
                min_ms.saturating_mul(failures.max(1).into()).min(max_ms.unwrap_or(u64::MAX))
            }
            (None, Delays::Ladder(_)) => 0,
        };
        let jitter =
            jitter(delay.saturating_mul(self.jitter_percent) / 100, seed ^ u64::from(failures) << 56);
        match delay.saturating_add(jitter) {
            0 => Verdict::Now,
            ms => Verdict::In(ms),
        }
    }
}

/// A message may say its own delays: an array of whole numbers of milliseconds, empty for no retry.
fn own_ladder(message: &Message) -> Option<Box<[u64]>> {
    let headers = message.properties().headers()?;
    headers.get(RETRY_DELAYS)?;
    ladder(headers.decode().ok()?.get(RETRY_DELAYS)?)
}

/// The delays of a ladder: an array of whole numbers that are not negative, or such numbers in a text, separated by commas.
pub(crate) fn ladder(value: &FieldValue) -> Option<Box<[u64]>> {
    let max = super::arguments::EXPIRY_MS_MAX as u64;
    let delays: Option<Vec<u64>> = match value {
        FieldValue::Array(items) => {
            items.iter().map(|item| item.as_i64().and_then(|ms| u64::try_from(ms).ok())).collect()
        }
        FieldValue::LongString(_) => {
            let text = value.as_str()?;
            text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| s.parse().ok()).collect()
        }
        _ => None,
    };
    let delays = delays?;
    (delays.len() <= RETRY_DELAYS_MAX && delays.iter().all(|ms| *ms <= max)).then(|| delays.into())
}

/// Whether a text names the delays of a ladder.
pub(crate) fn is_ladder(text: &str) -> bool {
    ladder(&FieldValue::from(text)).is_some()
}

/// A number up to `max` that looks random and is the same for the same seed: a queue's state has no dice.
fn jitter(max: u64, seed: u64) -> u64 {
    if max == 0 {
        return 0;
    }
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ x >> 31) % (max + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Parts;
    use leveret_protocol::{FieldTable, Properties, RawProperties};

    fn message(delays: Option<FieldValue>) -> Message {
        let mut raw = Vec::new();
        let headers = delays.map(|delays| FieldTable::from([(RETRY_DELAYS, delays)]));
        Properties { headers, ..Properties::default() }.encode(&mut raw);
        let properties = RawProperties::parse(&raw).unwrap();
        Message::new(Parts { exchange: b"", routing_key: b"q", properties }, Default::default(), None, 1)
    }

    /// The verdicts on one message that comes back for these reasons, one after the other.
    fn verdicts(retry: &Retry, message: &Message, returns: &[Return]) -> Vec<Verdict> {
        let mut past = Past::default();
        returns
            .iter()
            .map(|why| {
                past.came_back(*why, 1);
                retry.verdict(message, &past, *why, 7)
            })
            .collect()
    }

    fn on_ladder(kind: RetryType, delays: &[u64]) -> Retry {
        Retry { kind, delays: Delays::Ladder(delays.into()), jitter_percent: 0 }
    }

    #[test]
    fn a_ladder_is_climbed_by_failures_and_ends() {
        use Return::{Lost, Rejected, Released};
        use Verdict::{In, Never, Now};
        let retry = on_ladder(RetryType::Failed, &[5, 15, 0]);
        let plain = message(None);
        assert_eq!(
            verdicts(&retry, &plain, &[Rejected, Released, Lost, Rejected, Rejected]),
            [In(5), Now, In(15), Now, Never]
        );
        let all = on_ladder(RetryType::All, &[5, 15]);
        assert_eq!(
            verdicts(&all, &plain, &[Released, Rejected, Released, Rejected, Rejected]),
            [In(5), In(5), In(5), In(15), Never]
        );
        let returned = on_ladder(RetryType::Returned, &[5]);
        assert_eq!(verdicts(&returned, &plain, &[Rejected, Released, Rejected]), [Now, In(5), Never]);
    }

    #[test]
    fn a_message_may_have_a_ladder_of_its_own() {
        use Verdict::{In, Never};
        let retry = on_ladder(RetryType::Failed, &[5, 15]);
        let own = |delays: FieldValue| verdicts(&retry, &message(Some(delays)), &[Return::Rejected; 2]);
        assert_eq!(own(FieldValue::Array(vec![FieldValue::I32(100)])), [In(100), Never]);
        assert_eq!(own("7, 8".into()), [In(7), In(8)]);
        assert_eq!(own(FieldValue::Array(vec![])), [Never, Never]);
        for nonsense in [FieldValue::I32(5), FieldValue::Array(vec![FieldValue::I32(-1)]), "x".into()] {
            assert_eq!(own(nonsense), [In(5), In(15)], "the queue's counts");
        }
    }

    #[test]
    fn a_linear_back_off_grows_to_its_end_and_never_gives_up() {
        use Verdict::In;
        let delays = Delays::Linear { min_ms: 10, max_ms: Some(25) };
        let retry = Retry { kind: RetryType::All, delays, jitter_percent: 0 };
        let returns = [Return::Released, Return::Rejected, Return::Rejected, Return::Lost];
        assert_eq!(verdicts(&retry, &message(None), &returns), [In(10), In(10), In(20), In(25)]);
    }

    #[test]
    fn jitter_only_makes_longer_and_spreads() {
        let mut retry = on_ladder(RetryType::Failed, &[1000]);
        retry.jitter_percent = 50;
        let (plain, mut past) = (message(None), Past::default());
        past.came_back(Return::Rejected, 1);
        let delays: std::collections::BTreeSet<u64> = (0..100)
            .map(|seed| match retry.verdict(&plain, &past, Return::Rejected, seed) {
                Verdict::In(ms) => ms,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(delays.first() >= Some(&1000) && delays.last() <= Some(&1500) && delays.len() > 50);
    }
}
