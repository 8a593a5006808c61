//! Where a message lies in its queue, as a text that programs keep and do not look into.

use std::fmt;
use std::str::FromStr;

/// Where a message lies in its queue: it names the message, and the point behind it, from which a browse goes on.
///
/// It stays true when messages before it leave, and over restarts. A message keeps its place when it is delivered and comes back; one that
/// is moved or replayed gets a new one. Its text form ([`Display`](fmt::Display), [`FromStr`]) is opaque: keep it and give it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Behind all that is ready, among those that wait for their next delivery.
    pub(crate) waits: bool,
    pub(crate) level: usize,
    pub(crate) position: u64,
}

impl Place {
    pub(crate) fn ready(level: usize, position: u64) -> Self {
        Self { waits: false, level, position }
    }

    pub(crate) fn waiting(level: usize, position: u64) -> Self {
        Self { waits: true, level, position }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}.{}", if self.waits { "w" } else { "r" }, self.level, self.position)
    }
}

/// A text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no place in a queue: give back one that a browse gave")]
pub struct NotAPlace(String);

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let parse = || {
            let waits = match text.chars().next()? {
                'w' => true,
                'r' => false,
                _ => return None,
            };
            let (level, position) = text.get(1..)?.split_once('.')?;
            let place = Self {
                waits,
                level: usize::from(level.parse::<u8>().ok()?),
                position: position.parse().ok()?,
            };
            // One spelling each, so that texts may be compared.
            (place.to_string() == text).then_some(place)
        };
        parse().ok_or_else(|| NotAPlace(text.chars().take(64).collect()))
    }
}
