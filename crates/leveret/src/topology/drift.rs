//! What is there is not what was wanted.

use std::fmt;

use leveret_client::{ConnectError, Error};

use super::Step;

/// Something is there with other properties, or is not there. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drift {
    /// What, in words: `queue 'orders'`.
    pub entity: String,
    /// Which property or argument differs, as AMQP calls it; `None`: it is not there at all.
    pub argument: Option<String>,
    /// What was wanted of it, in the broker's words; `none`: that it is not set.
    pub wanted: String,
    /// What it is there, in the broker's words; `none`: it is not set.
    pub found: String,
    /// The broker's text, to the letter.
    pub text: String,
}

impl Drift {
    /// Reads what the broker says when something exists with other properties (406), or not (404).
    pub(super) fn read(step: &Step, error: &Error) -> Option<Self> {
        let Error::Closed { code, text, .. } = error else { return None };
        let entity = entity(step);
        if *code == 404 {
            let (wanted, found) = ("there".into(), "not there".into());
            return Some(Self { entity, argument: None, wanted, found, text: text.to_string() });
        }
        let (_, rest) = text.split_once("inequivalent arg '").filter(|_| *code == 406)?;
        let (argument, rest) = rest.split_once('\'')?;
        let (_, rest) = rest.split_once("received ")?;
        let (wanted, found) = rest.split_once(" but current is ")?;
        Some(Self {
            entity,
            argument: Some(argument.to_owned()),
            wanted: value(wanted),
            found: value(found),
            text: text.to_string(),
        })
    }
}

/// `the value '10' of type 'signedint'` or `'false'` to what stands between the quotes.
fn value(words: &str) -> String {
    let words = words.trim().strip_prefix("the value ").unwrap_or(words.trim());
    match words.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
        Some((value, _)) => value.to_owned(),
        None => words.to_owned(),
    }
}

fn entity(step: &Step) -> String {
    match step {
        Step::Exchange { name, .. } => format!("exchange '{name}'"),
        Step::Queue { name, .. } => format!("queue '{name}'"),
        Step::Binding { destination, source, .. } => {
            format!("binding of '{destination}' to exchange '{source}'")
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entity, wanted, found, text, .. } = self;
        match &self.argument {
            None => write!(f, "{entity}: {text}; declare what is missing, or ask whoever declares it"),
            Some(argument) => write!(
                f,
                "{entity} is there with other properties: {argument} is {found}, wanted is {wanted}. Nothing was changed. Correct the \
                 declaration, give it another name, or delete what is there (a queue once it is empty) and declare again; what a policy \
                 can set is best left to a policy"
            ),
        }
    }
}

/// Why a topology is not declared, or not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// Something is there otherwise, or missing: every difference that was found.
    #[error("{}", lines(.0))]
    Drift(Vec<Drift>),
    /// The value itself cannot be declared.
    #[error("{0}")]
    Invalid(String),
    /// The broker refused, or the connection was lost.
    #[error("{step}: {source}")]
    Refused {
        /// What was being declared.
        step: String,
        /// Why not.
        source: Error,
    },
    /// The connection that looks for differences cannot be made.
    #[error("to verify: {0}")]
    Connect(#[from] ConnectError),
}

impl TopologyError {
    /// Whether the same call may succeed later without anything being changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Drift(_) | Self::Invalid(_) => false,
            Self::Refused { source, .. } => source.is_transient(),
            Self::Connect(error) => error.is_transient(),
        }
    }
}

fn lines(drifts: &[Drift]) -> String {
    drifts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use leveret_client::{Origin, QueueDeclare, Scope};

    #[test]
    fn what_brokers_say_is_read() {
        let of = |code, text: &str| {
            let step = Step::Queue { name: "q".into(), how: QueueDeclare::default(), purpose: String::new() };
            let (scope, origin) = (Scope::Channel, Origin::Broker);
            let error = Error::Closed { scope, origin, code, text: text.into() };
            Drift::read(&step, &error)
                .map(|drift| (drift.argument.unwrap_or_default(), drift.wanted, drift.found))
        };
        let same =
            |argument: &str, wanted: &str, found: &str| Some((argument.into(), wanted.into(), found.into()));
        let durable = "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'";
        assert_eq!(of(406, durable), same("durable", "false", "true"));
        let ttl = "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '5' of type \
                   'signedint' but current is the value '10' of type 'signedint'";
        assert_eq!(of(406, ttl), same("x-message-ttl", "5", "10"));
        let none = "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received none but current is the \
                    value '10' of type 'signedint'";
        assert_eq!(of(406, none), same("x-max-length", "none", "10"));
        assert_eq!(of(404, "NOT_FOUND - no queue 'q' in vhost '/'"), same("", "there", "not there"));
        assert_eq!(of(406, "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue"), None);
        assert_eq!(of(403, "ACCESS_REFUSED"), None);
    }
}
