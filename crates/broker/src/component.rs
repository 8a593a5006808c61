//! What acts on runtime parameters: a program that embeds the broker gives it a component, and the parameters of that name are its.
//!
//! As RabbitMQ's plugins register theirs. The broker keeps the values and asks here whether one can be; it knows nothing of what they mean.

use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Says why a user may not enter a virtual host; `None` when it may.
pub type MayEnter<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks at parameters before they are set, and is told that some changed.
pub trait ParameterComponent: fmt::Debug + Send + Sync {
    /// What is wrong with a value, a sentence each; none: it can be set. Values of the last start are not asked about again.
    fn problems(&self, name: &str, value: &Value, may_enter: MayEnter<'_>) -> Vec<String>;

    /// Parameters of this component were set or cleared, or a virtual host is gone: look at what there is now. Called with locks held,
    /// and sometimes for nothing: it must not wait, nor ask the broker.
    fn changed(&self);
}

/// A component by name.
#[derive(Debug, Clone)]
pub struct Component {
    /// The component of its parameters: `shovel`.
    pub name: &'static str,
    /// Who acts on them.
    pub acts: Arc<dyn ParameterComponent>,
}
