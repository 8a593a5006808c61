//! What a message has to be like, and the words for it.

use crate::look::MessageView;
use leveret_protocol::FieldValue;

type Condition = Box<dyn Fn(&MessageView) -> bool + Send + Sync>;

/// Conditions that all have to hold, each with its words.
#[derive(Default)]
pub(crate) struct Matcher(Vec<(String, Condition)>);

impl Matcher {
    pub(crate) fn add(
        &mut self,
        words: String,
        holds: impl Fn(&MessageView) -> bool + Send + Sync + 'static,
    ) {
        self.0.push((words, Box::new(holds)));
    }

    pub(crate) fn matches(&self, message: &MessageView) -> bool {
        self.0.iter().all(|(_, holds)| holds(message))
    }

    /// The conditions that a message does not meet.
    pub(crate) fn unmet(&self, message: &MessageView) -> String {
        let unmet = self.0.iter().filter(|(_, holds)| !holds(message));
        unmet.map(|(words, _)| format!("not {words}")).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn words(&self) -> String {
        self.0.iter().map(|(words, _)| format!(" {words}")).collect::<Vec<_>>().join(",")
    }
}

/// Whether two header values say the same: whole numbers of any width, text or bytes.
pub(crate) fn is_alike(a: &FieldValue, b: &FieldValue) -> bool {
    match (a.as_i64(), b.as_i64(), a.as_bytes(), b.as_bytes()) {
        (Some(a), Some(b), ..) => a == b,
        (_, _, Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
