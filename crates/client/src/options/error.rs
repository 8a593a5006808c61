//! Options that cannot work.

/// An option has a value nothing can work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the option {option} {reason}")]
#[non_exhaustive]
pub struct OptionsError {
    /// The field.
    pub option: &'static str,
    /// What is wrong with it and what to write instead.
    pub reason: &'static str,
}
