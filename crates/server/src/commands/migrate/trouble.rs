//! Why a queue does not get any further.

use leveret_client::Error;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) text: String,
    /// Whether the same may succeed later: a node is away, a queue has no leader.
    pub(super) may_pass: bool,
    /// It will not, and each try would be a delivery that the source may count.
    pub(super) is_final: bool,
}

impl Trouble {
    /// What went wrong at `FROM` or `TO`.
    pub(super) fn at(label: &str, error: &Error) -> Trouble {
        // A queue whose node is away is "not found" to RabbitMQ.
        let may_pass = error.is_transient() || error.reply_code() == Some(404);
        Trouble { text: format!("{label}: {error}"), may_pass, is_final: false }
    }

    /// What went wrong at `TO` with messages that were read.
    pub(super) fn at_store(error: &Error) -> Trouble {
        let trouble = Trouble::at("TO", error);
        Trouble { is_final: !trouble.may_pass, ..trouble }
    }

    /// What stays as it is.
    pub(super) fn lasting(text: impl Into<String>) -> Trouble {
        Trouble { text: text.into(), may_pass: false, is_final: false }
    }
}
