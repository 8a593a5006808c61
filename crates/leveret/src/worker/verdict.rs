//! What is to become of a message, by how its handling ended. Pure.

use std::error::Error;
use std::time::Duration;

use crate::failure::{Class, Failure};
use crate::retry::Retry;

/// Gives errors without a class of their own one, or passes.
pub(crate) type Classifier = Box<dyn Fn(&(dyn Error + 'static)) -> Option<Class> + Send + Sync>;

/// What is to become of a message.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The broker may forget it.
    Ack,
    /// The same, for what was done before.
    Duplicate,
    /// Back to the queue; not an attempt.
    Release,
    /// Another attempt after this pause.
    Retry(Duration, Failure),
    /// Never again.
    Dead(Failure),
    /// Of a request: nobody waits for it any more.
    GivenUp,
    /// Back to the queue with a count in it of deliveries that ended without a word.
    Recount,
}

/// The class of a failure: its own, else what the classifiers say, else transient.
pub(crate) fn class_of(failure: &Failure, classifiers: &[Classifier]) -> Class {
    let asked = || classifiers.iter().find_map(|classify| classify(failure.error()));
    failure.class().or_else(asked).unwrap_or(Class::Transient)
}

/// `attempt` is the one that has just ended, from 1.
pub(crate) fn verdict(
    result: Result<(), Failure>,
    classifiers: &[Classifier],
    retry: &Retry,
    attempt: u32,
) -> Verdict {
    let Err(failure) = result else { return Verdict::Ack };
    match class_of(&failure, classifiers) {
        Class::Ignore => Verdict::Ack,
        Class::Release => Verdict::Release,
        Class::Permanent => Verdict::Dead(failure.classified(Class::Permanent)),
        Class::Transient => match retry.delay_after(attempt) {
            Some(delay) => Verdict::Retry(delay, failure),
            None => Verdict::Dead(failure),
        },
    }
}

/// Whether this error, or what caused it, is of that type.
pub(crate) fn is_caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<E>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn of(failure: Failure, attempt: u32) -> &'static str {
        let classifiers: [Classifier; 2] = [
            Box::new(|error| is_caused_by::<std::num::ParseIntError>(error).then_some(Class::Permanent)),
            Box::new(|error| {
                error
                    .downcast_ref::<io::Error>()
                    .filter(|e| e.kind() == io::ErrorKind::NotFound)
                    .map(|_| Class::Ignore)
            }),
        ];
        let retry = Retry::ladder([5, 15].map(Duration::from_secs));
        match verdict(Err(failure), &classifiers, &retry, attempt) {
            Verdict::Ack => "ack",
            Verdict::Duplicate => "duplicate",
            Verdict::Release => "release",
            Verdict::Retry(pause, _) if pause.as_secs() == 5 => "5 s",
            Verdict::Retry(..) => "15 s",
            Verdict::Dead(_) => "dead",
            Verdict::Recount => "recount",
            Verdict::GivenUp => "given up",
        }
    }

    #[test]
    fn every_class_at_every_attempt() {
        let parse = || "x".parse::<u32>().unwrap_err();
        #[derive(Debug, thiserror::Error)]
        #[error("bad order")]
        struct BadOrder(#[source] std::num::ParseIntError);
        type Row = (&'static str, fn(Failure) -> Failure, [&'static str; 3]);
        let rows: [Row; 3] = [
            ("no class", |f| f, ["5 s", "15 s", "dead"]),
            ("its own", |f| Failure::permanent(f.to_string()), ["dead"; 3]),
            ("release", |f| Failure::release(f.to_string()), ["release"; 3]),
        ];
        for (name, change, wanted) in rows {
            let got = [1, 2, 3].map(|attempt| of(change(io::Error::other("x").into()), attempt));
            assert_eq!(got, wanted, "{name}");
        }
        assert_eq!(of(BadOrder(parse()).into(), 1), "dead", "by its cause");
        assert_eq!(of(io::Error::from(io::ErrorKind::NotFound).into(), 1), "ack");
        let own = Failure::transient(parse());
        assert_eq!(of(own, 1), "5 s", "what the handler says comes first");
        assert!(matches!(verdict(Ok(()), &[], &Retry::never(), 1), Verdict::Ack));
    }
}
