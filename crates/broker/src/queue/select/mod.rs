//! Finding messages in a queue without taking them: where one lies, which ones are meant, and pages of what is there.

mod filter;
mod key_pattern;
pub(crate) mod page;
mod place;

pub use filter::{BODY_LOOKED_BYTES_MAX, Condition, Filter, TextProperty};
pub use key_pattern::KeyPattern;
pub use place::{NotAPlace, Place};

#[cfg(test)]
mod tests;
