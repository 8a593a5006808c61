//! Why a message was not handled, and what is to become of it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};

use bytes::Bytes;

use crate::layers::{CircuitOpen, Overloaded};

/// Any error that can go to another thread.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What is to become of a message that was not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// It may succeed later: it is tried again, after the pauses of [`Retry`](crate::Retry).
    Transient,
    /// It never will: to the dead letters at once.
    Permanent,
    /// It does not matter: done, as if it had succeeded.
    Ignore,
    /// Not handled at all, for example because the worker stops: back to the queue, and not counted as an attempt.
    Release,
}

/// Why a handler failed: an error and, if the handler knows, its [`Class`].
///
/// Every error becomes one with `?`; without a class of its own it is looked up in what the worker was told
/// ([`classify`](crate::WorkerBuilder::classify)), and is transient otherwise.
///
/// ```
/// use leveret::{Classify, Failure};
///
/// fn charge(card: &str) -> Result<u32, Failure> {
///     let number: u32 = card.parse().permanent()?; // nonsense stays nonsense
///     if number == 0 {
///         return Err(Failure::transient("the provider does not answer"));
///     }
///     Ok(std::str::from_utf8(b"1")?.parse()?) // no class: up to the worker
/// }
/// assert_eq!(charge("x").unwrap_err().class(), Some(leveret::Class::Permanent));
/// assert_eq!(charge("7").unwrap(), 1);
/// ```
pub struct Failure {
    class: Option<Class>,
    reason: Cow<'static, str>,
    source: BoxError,
    details: Option<Bytes>,
}

impl Failure {
    /// With a class, or without one.
    pub fn new(class: impl Into<Option<Class>>, error: impl Into<BoxError>) -> Self {
        Self { class: class.into(), reason: "failed".into(), source: error.into(), details: None }
    }

    /// It may succeed later.
    pub fn transient(error: impl Into<BoxError>) -> Self {
        Self::new(Class::Transient, error)
    }

    /// It never will.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        Self::new(Class::Permanent, error)
    }

    /// It does not matter.
    pub fn ignore(error: impl Into<BoxError>) -> Self {
        Self::new(Class::Ignore, error)
    }

    /// Not now: back to the queue.
    pub fn release(error: impl Into<BoxError>) -> Self {
        Self::new(Class::Release, error)
    }

    /// Sets the reason: one word for machines, which dead letters carry in `x-error-reason`. Default: `failed`.
    #[must_use]
    pub fn reason(self, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// A value for who [asked](crate::rpc), as JSON: [`Refused::details`](crate::rpc::Refused::details). What does not encode is left out.
    #[must_use]
    pub fn details(self, value: &impl serde::Serialize) -> Self {
        Self { details: serde_json::to_vec(value).ok().map(Bytes::from), ..self }
    }

    pub(crate) fn details_body(&self) -> Option<&Bytes> {
        self.details.as_ref()
    }

    /// What the handler says of it.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.class
    }

    /// The error.
    #[must_use]
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }

    /// One word for machines.
    #[must_use]
    pub fn reason_word(&self) -> &str {
        &self.reason
    }

    /// Class, reason and error.
    pub(crate) fn into_parts(self) -> (Option<Class>, Cow<'static, str>, BoxError) {
        (self.class, self.reason, self.source)
    }

    pub(crate) fn classified(self, class: Class) -> Self {
        Self { class: Some(class), ..self }
    }

    /// The error and what caused it, at most so many bytes.
    pub(crate) fn chain(&self, bytes_max: usize) -> String {
        let mut text = self.source.to_string();
        let mut cause = self.source.source();
        while let Some(error) = cause.filter(|_| text.len() <= bytes_max) {
            let words = error.to_string();
            // Many errors repeat their cause in their own words.
            if !text.ends_with(&words) {
                let _ = write!(text, ": {words}");
            }
            cause = error.source();
        }
        truncate(&mut text, bytes_max);
        text
    }
}

/// Cuts a text at a character, and says so.
pub(crate) fn truncate(text: &mut String, bytes_max: usize) {
    const MARK: &str = "...";
    if text.len() > bytes_max {
        let mut at = bytes_max.saturating_sub(MARK.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text.truncate(at);
        if bytes_max >= MARK.len() {
            text.push_str(MARK);
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("class", &self.class).field("error", &self.source).finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain(usize::MAX))
    }
}

// `Failure` is no `Error` itself: only so can every `Error` become one by `?`.
impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        // What went through a layer comes back as it was.
        let boxed: BoxError = Box::new(error);
        match boxed.downcast::<Carried>() {
            Ok(carried) => carried.0,
            Err(error) => Self::new(None, error),
        }
    }
}

/// A failure on its way through layers, which know nothing but errors.
#[derive(Debug)]
pub(crate) struct Carried(pub(crate) Failure);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Carried {}

impl Failure {
    pub(crate) fn boxed(self) -> BoxError {
        Box::new(Carried(self))
    }

    /// What a layer answered.
    pub(crate) fn unboxed(error: BoxError) -> Self {
        match error.downcast::<Carried>() {
            Ok(carried) => carried.0,
            // Not begun: no attempt of the message's.
            Err(error) if error.is::<Overloaded>() => Self::release(error).reason("overloaded"),
            Err(error) if error.is::<CircuitOpen>() => Self::release(error).reason("circuit-open"),
            Err(error) => Self::new(None, error),
        }
    }
}

/// Gives the error of a [`Result`] a class.
///
/// ```
/// use leveret::{Classify, Failure};
///
/// async fn charge(card: &str, cents: &str) -> Result<(), Failure> {
///     let cents: u64 = cents.parse().permanent()?; // will never be a number: a dead letter at once
///     pay(card, cents).await.transient()?; // may work later: after the next pause
///     Ok(())
/// }
/// # async fn pay(_: &str, _: u64) -> std::io::Result<()> { Ok(()) }
/// # let failed = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(charge("", "ten"));
/// # assert_eq!(failed.unwrap_err().class(), Some(leveret::Class::Permanent));
/// ```
pub trait Classify<T> {
    /// Its error may be gone later.
    ///
    /// # Errors
    /// The same, as a [`Failure`].
    fn transient(self) -> Result<T, Failure>;
    /// Its error never goes away.
    ///
    /// # Errors
    /// The same, as a [`Failure`].
    fn permanent(self) -> Result<T, Failure>;
    /// Its error does not matter.
    ///
    /// # Errors
    /// The same, as a [`Failure`].
    fn ignore(self) -> Result<T, Failure>;
}

impl<T, E: Into<BoxError>> Classify<T> for Result<T, E> {
    fn transient(self) -> Result<T, Failure> {
        self.map_err(Failure::transient)
    }

    fn permanent(self) -> Result<T, Failure> {
        self.map_err(Failure::permanent)
    }

    fn ignore(self) -> Result<T, Failure> {
        self.map_err(Failure::ignore)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no stock")]
    struct NoStock(#[source] std::io::Error);

    #[test]
    fn the_chain_tells_each_cause_once_and_has_an_end() {
        let error = || Failure::from(NoStock(std::io::Error::other("the disk is full")));
        assert_eq!(error().chain(1000), "no stock: the disk is full");
        assert_eq!(error().chain(12), "no stock:...");
        assert_eq!(Failure::permanent("ä".repeat(4)).chain(6), "ä...");
        assert_eq!(Failure::permanent("abc").chain(2), "");
    }

    #[test]
    fn a_failure_survives_layers() {
        let there = Failure::permanent("x").reason("mine").boxed();
        let back = Failure::unboxed(there);
        assert_eq!((back.class(), back.reason_word()), (Some(Class::Permanent), "mine"));
        assert_eq!(Failure::unboxed("a layer's own".into()).class(), None);
    }
}
