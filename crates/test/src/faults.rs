//! What can be made to go wrong.

use crate::relay::{Cut, Direction, Ending, Hub, Link, Refuse, Rules};
use leveret_broker::Resource;
use std::sync::Arc;
use std::time::Duration;

/// Which open connections are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The one with this index, from 0 in the order in which they were opened. Connections that have ended keep theirs.
    Index(usize),
    /// Those whose client gave this name (client property `connection_name`).
    Named(String),
}

impl From<usize> for Selection {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<&str> for Selection {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

impl Selection {
    fn matches(&self, link: &Link) -> bool {
        match self {
            Self::Index(index) => link.index == *index,
            Self::Named(name) => link.inspector.lock().name.as_ref() == Some(name),
        }
    }
}

/// Breaks things between clients and a [`TestBroker`](crate::TestBroker), and in it. Faults of connections are set through
/// [`on`](Self::on), [`open`](Self::open), [`every`](Self::every) and [`next`](Self::next).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use leveret_client::ConnectionState;
/// use leveret_test::{Ending, TestBroker};
///
/// let broker = TestBroker::start().await;
/// let client = broker.client().await;
/// let mut states = client.watch();
/// assert_eq!(broker.faults().open().drop_now(Ending::Reset), 1);
/// states.wait_for(|state| matches!(state, ConnectionState::Recovering { .. })).await.unwrap();
/// states.wait_for(|state| matches!(state, ConnectionState::Connected)).await.unwrap();
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Faults(pub(crate) Arc<Hub>);

impl Faults {
    /// Faults of chosen connections: an index, or the name that the client gave.
    pub fn on(&self, connections: impl Into<Selection>) -> OnConnections {
        OnConnections { hub: self.0.clone(), whom: Whom::Selected(connections.into()) }
    }

    /// Faults of all connections open now.
    pub fn open(&self) -> OnConnections {
        OnConnections { hub: self.0.clone(), whom: Whom::Open }
    }

    /// Faults of all connections, those to come included.
    pub fn every(&self) -> OnConnections {
        OnConnections { hub: self.0.clone(), whom: Whom::Every }
    }

    /// Faults of one connection that is not open yet. Each call means another: the first the next one, the second the one after it.
    /// A connection that is refused does not count.
    pub fn next(&self) -> OnConnections {
        let mut next = self.0.next.lock();
        next.push_back(Rules::default());
        OnConnections { hub: self.0.clone(), whom: Whom::Coming(next.len() - 1) }
    }

    /// Refuses the next `count` connections. In the process their `connect` fails with `ConnectionRefused`; a socket is accepted and
    /// reset, so that the port stays.
    pub fn refuse_next(&self, count: usize) {
        *self.0.refuse.lock() = Refuse::Next(count);
    }

    /// Refuses connections until [`accept`](Self::accept).
    pub fn refuse_all(&self) {
        *self.0.refuse.lock() = Refuse::All;
    }

    /// Refuses no connections any more.
    pub fn accept(&self) {
        *self.0.refuse.lock() = Refuse::Next(0);
    }

    /// Raises the broker's memory alarm: whoever publishes gets `connection.blocked` and is not read from until
    /// [`unblock`](Self::unblock). As RabbitMQ, the broker blocks connections that publish or have published.
    pub fn block(&self) {
        self.set_alarm(true);
    }

    /// Clears the alarm of [`block`](Self::block).
    pub fn unblock(&self) {
        self.set_alarm(false);
    }

    fn set_alarm(&self, raised: bool) {
        if let Some(broker) = self.0.broker() {
            broker.memory().set_alarm(Resource::Memory, raised);
        }
    }

    /// Nacks the next `count` publishings on channels that confirm, whichever connection they come from.
    ///
    /// A publishing that is nacked never reaches the broker: it is in no queue, and the client gets `basic.nack` for it where the
    /// broker's answer would have come. It is recorded, with [`Published::nacked`](crate::Published::nacked). Counts add up.
    ///
    /// For nacks by the broker's own decision, declare a queue with `x-max-length` and `x-overflow: reject-publish`.
    pub fn nack_next(&self, count: usize) {
        self.0.add_nacks(count);
    }
}

#[derive(Debug, Clone)]
enum Whom {
    Selected(Selection),
    Open,
    Every,
    /// Place in the line of connections to come.
    Coming(usize),
}

/// Faults of some connections; see [`Faults`].
///
/// They hold in the relay between client and broker, which knows frames. Cuts and counts are of each connection's whole life, from its
/// first byte.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use leveret_test::{Ending, TestBroker};
///
/// let broker = TestBroker::start().await;
/// let client = broker.client().await;
/// broker.faults().open().drop_now(Ending::Reset); // those that are open now
/// broker.faults().refuse_next(2); // and the next two attempts fail
/// client.channel().await?; // it comes back by itself
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "choosing connections does nothing to them"]
pub struct OnConnections {
    hub: Arc<Hub>,
    whom: Whom,
}

impl OnConnections {
    fn links(&self) -> Vec<Arc<Link>> {
        let is_meant = |link: &Arc<Link>| {
            link.is_open()
                && match &self.whom {
                    Whom::Selected(selection) => selection.matches(link),
                    Whom::Open | Whom::Every => true,
                    Whom::Coming(_) => false,
                }
        };
        self.hub.links().into_iter().filter(is_meant).collect()
    }

    fn change(&self, change: impl Fn(&mut Rules)) -> usize {
        match &self.whom {
            Whom::Every => change(&mut self.hub.later.lock()),
            Whom::Coming(at) => self.hub.next.lock().get_mut(*at).into_iter().for_each(&change),
            Whom::Selected(_) | Whom::Open => {}
        }
        let links = self.links();
        links.iter().for_each(|link| link.rules.send_modify(&change));
        links.len()
    }

    /// Ends the connections now. Returns how many were open. Has no meaning for connections to come.
    pub fn drop_now(&self, ending: Ending) -> usize {
        self.links().iter().filter(|link| link.end(ending)).count()
    }

    /// Ends each connection once so much has passed. One where it has passed already ends at once. Several cuts may be set.
    /// Returns how many open connections are concerned.
    pub fn cut(&self, cut: Cut) -> usize {
        self.change(|rules| rules.cuts.push(cut))
    }

    /// Everything takes so long in that direction, on the broker's clock: with a virtual one, until it is moved. Order is kept.
    /// Zero ends it. Returns how many open connections are concerned.
    pub fn delay(&self, direction: Direction, delay: Duration) -> usize {
        self.change(|rules| rules.delay[direction as usize] = delay)
    }

    /// No byte moves in that direction until [`resume`](Self::resume); the connections stay open. Returns how many open connections
    /// are concerned.
    pub fn stall(&self, direction: Direction) -> usize {
        self.change(|rules| rules.stalled[direction as usize] = true)
    }

    /// Lets bytes move again, in both directions. Returns how many open connections are concerned.
    pub fn resume(&self) -> usize {
        self.change(|rules| rules.stalled = [false; 2])
    }
}
