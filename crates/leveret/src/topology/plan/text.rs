//! A plan as text, a line for each step.

use std::fmt;

use leveret_client::{FieldTable, FieldValue};

use super::{Plan, Step};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange { name, kind, how } => {
                write!(f, "exchange '{name}' {kind}{}", flag(how.durable, ", durable"))?;
                write!(f, "{}", flag(how.internal, ", internal"))?;
                arguments(f, &how.arguments)
            }
            Self::Queue { name, how, purpose } => {
                write!(f, "queue '{name}'{}", flag(how.durable, " durable"))?;
                write!(f, "{}{}", flag(how.exclusive, " exclusive"), flag(how.passive, " must exist"))?;
                arguments(f, &how.arguments)?;
                if purpose.is_empty() { Ok(()) } else { write!(f, "  ({purpose})") }
            }
            Self::Binding { destination, to_exchange, source, how } => {
                let what = if *to_exchange { "exchange" } else { "queue" };
                write!(
                    f,
                    "binding of {what} '{destination}' to exchange '{source}' with key '{}'",
                    how.routing_key
                )?;
                arguments(f, &how.arguments)
            }
        }
    }
}

fn flag(set: bool, text: &str) -> &str {
    if set { text } else { "" }
}

fn arguments(f: &mut fmt::Formatter<'_>, arguments: &FieldTable) -> fmt::Result {
    for (name, value) in arguments.iter() {
        write!(f, ", {}={}", name.to_lossy(), Readable(value))?;
    }
    Ok(())
}

struct Readable<'a>(&'a FieldValue);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_str(), self.0.as_i64(), self.0.as_bool(), self.0) {
            (Some(text), ..) => write!(f, "'{text}'"),
            (_, Some(number), ..) => write!(f, "{number}"),
            (_, _, Some(is), _) => write!(f, "{is}"),
            (.., FieldValue::Array(items)) => {
                write!(f, "[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{}", flag(at > 0, ", "), Readable(item))?;
                }
                write!(f, "]")
            }
            (.., other) => write!(f, "{other:?}"),
        }
    }
}
