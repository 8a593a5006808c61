//! How an application's connections are, for whoever decides whether it gets work or is started again.

use std::fmt;

use leveret_client::{Connection, ConnectionState};

use crate::mq::Mq;

/// One connection's state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link {
    /// It is open.
    Up,
    /// It is open, and the broker takes no messages for this reason; consumers go on.
    Blocked(String),
    /// It is being made, or made again, for this reason.
    Down(String),
    /// It is closed for good, for this reason.
    Closed(String),
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("up"),
            Self::Blocked(why) => write!(f, "blocked: {why}"),
            Self::Down(why) => write!(f, "down: {why}"),
            Self::Closed(why) => write!(f, "closed: {why}"),
        }
    }
}

/// How an [`Mq`] is; from [`Mq::health`].
///
/// ```
/// # async fn example(mq: leveret::Mq) -> Result<(), Box<dyn std::error::Error>> {
/// let health = mq.health();
/// assert!(health.is_live() && health.is_ready(), "{health}");
/// # Ok(())
/// # }
/// # leveret::test::run_example(example);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The connection that consumes.
    pub consuming: Link,
    /// The connection that publishes.
    pub publishing: Link,
}

impl Health {
    /// Whether it works or comes back by itself. Not live: only a new start helps.
    #[must_use]
    pub fn is_live(&self) -> bool {
        ![&self.consuming, &self.publishing].into_iter().any(|link| matches!(link, Link::Closed(_)))
    }

    /// Whether messages come and go now: what a mesh asks before it sends requests here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        [&self.consuming, &self.publishing].into_iter().all(|link| *link == Link::Up)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "consuming {}, publishing {}", self.consuming, self.publishing)
    }
}

fn link(connection: &Connection) -> Link {
    match connection.state() {
        ConnectionState::Connected => Link::Up,
        ConnectionState::Blocked { reason } => Link::Blocked(reason.to_string()),
        ConnectionState::Connecting => Link::Down("connecting".to_owned()),
        ConnectionState::Recovering { cause, .. } => Link::Down(cause.to_string()),
        ConnectionState::Closed { why } => Link::Closed(why.to_string()),
        _ => Link::Down("in a state this version does not know".to_owned()),
    }
}

impl Mq {
    /// How its connections are now.
    #[must_use]
    pub fn health(&self) -> Health {
        Health { consuming: link(self.consuming()), publishing: link(self.publishing()) }
    }
}
