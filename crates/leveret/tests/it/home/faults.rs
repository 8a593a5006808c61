//! What goes wrong: connections, answers, confirms, the broker.

use leveret::test::{Direction, Ending};

use super::{Home, SECOND};

impl Home {
    /// Resets all connections.
    pub(crate) fn cut(&self) {
        match self {
            Self::Test(broker) => drop(broker.faults().open().drop_now(Ending::Reset)),
            Self::Real(real) => real.relay().cut(),
        }
    }

    /// Nobody can connect until [`accept`](Self::accept).
    pub(crate) fn refuse(&self) {
        match self {
            Self::Test(broker) => broker.faults().refuse_all(),
            Self::Real(real) => real.relay().refuse(true),
        }
    }

    pub(crate) fn accept(&self) {
        match self {
            Self::Test(broker) => broker.faults().accept(),
            Self::Real(real) => real.relay().refuse(false),
        }
    }

    /// From now on nothing of what the broker says arrives.
    pub(crate) fn stall_answers(&self) {
        match self {
            Self::Test(broker) => drop(broker.faults().every().stall(Direction::ToClient)),
            Self::Real(real) => real.relay().stall_answers(),
        }
    }

    /// The next that is published to this queue is refused with `basic.nack`: three times, or for half a second.
    pub(crate) async fn nack_for_a_while(&self, queue: &str) {
        match self {
            Self::Test(broker) => broker.faults().nack_next(3),
            Self::Real(real) => real.full_for(queue, 5 * SECOND).await,
        }
    }

    /// Everything that was declared is gone, and so are the connections: what a broker in memory does when it is started again.
    pub(crate) async fn forget_everything(&self) {
        match self {
            Self::Test(broker) => broker.restart().await.unwrap(),
            Self::Real(real) => real.forget_everything(),
        }
    }
}
