//! Declaring a plan over a connection, and looking whether it is as it should be.

use leveret_client::{Channel, Connection, Error, ExchangeDeclare, QueueDeclare};

use super::{Drift, Plan, Step, Topology, TopologyError};
use crate::retry::RUNGS_MAX;

/// What cannot be declared anywhere.
fn check(topology: &Topology) -> Result<(), TopologyError> {
    for queue in &topology.queues {
        let rungs = queue.retry.as_ref().map_or(0, |retry| retry.delays().len());
        if rungs > RUNGS_MAX {
            let text = format!("queue '{}' has {rungs} retries; {RUNGS_MAX} are the most", queue.name);
            return Err(TopologyError::Invalid(text));
        }
        if queue.dead.as_deref() == Some(&queue.name) {
            let text = format!("queue '{0}' is its own dead-letter queue; name another", queue.name);
            return Err(TopologyError::Invalid(text));
        }
    }
    Ok(())
}

/// A channel that is opened again after the broker closed it, as it does for every refusal.
struct Declarer<'a> {
    connection: &'a Connection,
    channel: Option<Channel>,
}

impl Declarer<'_> {
    async fn channel(&mut self) -> Result<Channel, Error> {
        match self.channel.take().filter(|channel| channel.closed().is_none()) {
            Some(channel) => Ok(self.channel.insert(channel).clone()),
            None => Ok(self.channel.insert(self.connection.channel().await?).clone()),
        }
    }

    async fn declare(&mut self, step: &Step) -> Result<(), Error> {
        let channel = self.channel().await?;
        match step {
            Step::Exchange { name, kind, how } => channel.exchange_declare(name, kind, how.clone()).await,
            Step::Queue { name, how, .. } => channel.queue_declare(name, how.clone()).await.map(drop),
            Step::Binding { destination, to_exchange: true, source, how } => {
                channel.exchange_bind(destination, source, how.clone()).await
            }
            Step::Binding { destination, source, how, .. } => {
                channel.queue_bind(destination, source, how.clone()).await
            }
        }
    }

    /// Whether it is there at all.
    async fn look(&mut self, step: &Step) -> Result<(), Error> {
        let channel = self.channel().await?;
        match step {
            Step::Exchange { name, kind, .. } => {
                let passive = ExchangeDeclare { passive: true, ..ExchangeDeclare::default() };
                channel.exchange_declare(name, kind, passive).await
            }
            Step::Queue { name, .. } => {
                let passive = QueueDeclare { passive: true, ..QueueDeclare::default() };
                channel.queue_declare(name, passive).await.map(drop)
            }
            Step::Binding { .. } => Ok(()),
        }
    }
}

fn failed(step: &Step, source: Error) -> Result<Drift, TopologyError> {
    Drift::read(step, &source).ok_or_else(|| TopologyError::Refused { step: step.to_string(), source })
}

/// Looks whether what this step declares is there, however it is. A queue of another connection alone (405) is.
pub(crate) async fn is_there(connection: &Connection, step: &Step) -> Result<(), TopologyError> {
    match (Declarer { connection, channel: None }).look(step).await {
        Ok(()) | Err(Error::Closed { code: 405, .. }) => Ok(()),
        Err(error) => Err(TopologyError::Drift(vec![failed(step, error)?])),
    }
}

/// Declares everything; what is there otherwise is left as it is and told, all of it at once.
pub(crate) async fn declare(
    connection: &Connection,
    topology: &Topology,
    plan: &Plan,
) -> Result<(), TopologyError> {
    check(topology)?;
    let mut declarer = Declarer { connection, channel: None };
    let mut drifts = Vec::new();
    for step in &plan.steps {
        // What is built on something that is otherwise would only repeat the complaint.
        if !drifts.is_empty() && matches!(step, Step::Binding { .. }) {
            break;
        }
        if let Err(error) = declarer.declare(step).await {
            drifts.push(failed(step, error)?);
        }
    }
    if drifts.is_empty() { Ok(()) } else { Err(TopologyError::Drift(drifts)) }
}

/// Looks without creating anything: what exists is declared once more, which the broker compares. Bindings are not looked at; AMQP has no
/// way to. The connection is to be one of its own, because what it declared would be declared again when it comes back.
pub(crate) async fn verify(
    connection: &Connection,
    topology: &Topology,
    plan: &Plan,
) -> Result<(), TopologyError> {
    check(topology)?;
    let mut declarer = Declarer { connection, channel: None };
    let mut drifts = Vec::new();
    for step in &plan.steps {
        // A temporary queue is another connection's and is made anew each time.
        if matches!(
            step,
            Step::Binding { .. } | Step::Queue { how: QueueDeclare { exclusive: true, .. }, .. }
        ) {
            continue;
        }
        let seen = match declarer.look(step).await {
            Ok(()) => declarer.declare(step).await,
            Err(error) => Err(error),
        };
        if let Err(error) = seen {
            drifts.push(failed(step, error)?);
        }
    }
    if drifts.is_empty() { Ok(()) } else { Err(TopologyError::Drift(drifts)) }
}
