//! What became of a batch, for each of its messages.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::failure::{BoxError, Failure};

/// What a handler of batches may answer.
#[diagnostic::on_unimplemented(
    message = "a handler of batches cannot answer `{Self}`",
    label = "this is neither `()` nor `Result<(), E>` nor `Vec<Result<(), E>>`",
    note = "`E` may be any error that is `Send + Sync + 'static`, or `leveret::Failure`"
)]
pub trait BatchOutcome: Send {
    /// A result for each of `count` messages.
    fn for_each(self, count: usize) -> Vec<Result<(), Failure>>;
}

impl BatchOutcome for () {
    fn for_each(self, count: usize) -> Vec<Result<(), Failure>> {
        (0..count).map(|_| Ok(())).collect()
    }
}

/// The error is each message's.
impl<E: Into<Failure> + Send> BatchOutcome for Result<(), E> {
    fn for_each(self, count: usize) -> Vec<Result<(), Failure>> {
        let Err(error) = self else { return ().for_each(count) };
        let (class, reason, error) = error.into().into_parts();
        let error = Arc::new(error);
        let one = |_| Err(Failure::new(class, Shared(error.clone())).reason(reason.clone()));
        (0..count).map(one).collect()
    }
}

/// One for each; another number of them says nothing of any, so all have failed.
impl<E: Into<Failure> + Send> BatchOutcome for Vec<Result<(), E>> {
    fn for_each(self, count: usize) -> Vec<Result<(), Failure>> {
        if self.len() != count {
            let text = format!("the handler was given {count} messages and answered {} results", self.len());
            return Err::<(), _>(Failure::transient(text).reason("results")).for_each(count);
        }
        self.into_iter().map(|result| result.map_err(Into::into)).collect()
    }
}

/// One error of several messages; its cause is the error itself, so that classifiers find it.
#[derive(Debug)]
struct Shared(Arc<BoxError>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Class;

    #[test]
    fn one_error_is_everybodys_and_a_wrong_number_of_results_is_an_error() {
        let all = Err::<(), _>(Failure::permanent("no table").reason("sql")).for_each(2);
        let of = |result: &Result<(), Failure>| {
            let failure = result.as_ref().unwrap_err();
            (failure.class(), failure.reason_word().to_owned(), failure.to_string())
        };
        assert_eq!(of(&all[0]), (Some(Class::Permanent), "sql".to_owned(), "no table".to_owned()));
        assert_eq!(of(&all[0]), of(&all[1]));
        let parse = "x".parse::<u32>().map(drop).for_each(1).remove(0).unwrap_err();
        assert!(crate::worker::is_caused_by::<std::num::ParseIntError>(parse.error()), "a cause is found");
        let wrong = vec![Ok::<(), Failure>(())].for_each(3);
        assert_eq!(wrong.len(), 3);
        assert_eq!(of(&wrong[2]).2, "the handler was given 3 messages and answered 1 results");
        let each = vec![Ok(()), Err(Failure::ignore("x"))].for_each(2);
        assert_eq!((each[0].is_ok(), of(&each[1]).0), (true, Some(Class::Ignore)));
    }
}
