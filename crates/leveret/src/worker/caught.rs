//! Panics as values.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::failure::Failure;

/// Drives a future; a panic in it becomes a failure. Whatever the future shares with others may have been left half changed: that is the
/// same as with a panic in a task of tokio's.
pub(crate) async fn caught<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut future = pin!(future);
    std::future::poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(panicked(&*panic))),
    })
    .await
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Failure::transient(format!("the handler panicked: {}", text.unwrap_or("with a value that is no text")))
        .reason("panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_with_its_text() {
        for (panics, wanted) in [(0, "the handler panicked: at 1"), (1, "the handler panicked: now")] {
            let failure = caught::<()>(async move {
                tokio::task::yield_now().await;
                if panics == 0 { panic!("at {}", 1) } else { panic!("now") }
            })
            .await
            .unwrap_err();
            assert_eq!((failure.to_string().as_str(), failure.reason_word()), (wanted, "panic"));
        }
        caught(async { Ok(()) }).await.unwrap();
    }
}
