//! Shovels: each takes messages from a queue or exchange of one broker to a queue or exchange of another, as RabbitMQ's plugin
//! `rabbitmq_shovel` does with dynamic shovels, whose parameters these are
//! (<https://www.rabbitmq.com/docs/shovel-dynamic>).
//!
//! [`spec`] reads a parameter and says what is wrong with it, `forward` what a message looks like on the other side; neither does I/O.
//! `run` has one shovel: it connects both ends with `leveret-client`, publishes in order, and acknowledges what was confirmed. `keeper`
//! starts and stops shovels as parameters come and go, and `status` is what may be seen of them.
//!
//! With `ack-mode` `on-confirm` nothing is lost when either end, or this process, dies at any moment; what was sent and not acknowledged yet,
//! at most `src-prefetch-count` messages, may come twice then.

mod forward;
mod keeper;
mod run;
pub mod spec;
mod status;

pub use keeper::{Running, Shovels};
pub use spec::Spec;
pub use status::{Figures, State, Status};
