//! What operations ask first: where a publishing goes, and whether the actor may.

use super::{Actor, VirtualHost};
use crate::exchange::{ExchangeKind, Publication};
use crate::name::ResourceKind;
use crate::queue::Queue;
use crate::refusal::{Permission, Refusal};
use crate::topology::RouteInfo;
use std::sync::Arc;

impl VirtualHost {
    /// The queues a publishing goes to. What has waited in its exchange, or passed its gate, says so itself.
    #[inline]
    pub(crate) fn route(
        &self,
        publication: &Publication<'_>,
        targets: &mut Vec<Arc<Queue>>,
    ) -> Result<RouteInfo, Refusal> {
        self.topology.read().route(publication, targets)
    }

    /// Refuses unless the actor may publish to the exchange.
    ///
    /// # Errors
    /// No such exchange, an internal exchange, no write permission.
    pub fn check_publish(&self, actor: &Actor, exchange: &str) -> Result<(), Refusal> {
        self.permit(actor, ResourceKind::Exchange, exchange, Permission::Write)?;
        let topology = self.topology.read();
        topology.check_publishable(exchange).map(|_| ())
    }

    /// Refuses unless the actor may use the routing key on a topic exchange.
    ///
    /// # Errors
    /// No topic permission.
    pub fn check_topic(
        &self,
        actor: &Actor,
        exchange: &str,
        routing_key: &[u8],
        permission: Permission,
    ) -> Result<(), Refusal> {
        let is_topic = {
            let topology = self.topology.read();
            topology.check_exchange(exchange).is_ok_and(|e| e.kind == ExchangeKind::Topic)
        };
        if !is_topic {
            return Ok(());
        }
        self.auth().check_topic(&actor.user, &self.name, exchange, routing_key, permission)
    }

    pub(crate) fn permit(
        &self,
        actor: &Actor,
        kind: ResourceKind,
        name: &str,
        permission: Permission,
    ) -> Result<(), Refusal> {
        self.auth().check_resource(&actor.user, &self.name, kind, name, permission)
    }

    /// The same, for what a stream cannot do.
    pub(crate) fn owned_backlog(&self, actor: &Actor, name: &str) -> Result<Arc<Queue>, Refusal> {
        let queue = self.owned_queue(actor, name)?;
        if queue.is_stream() {
            return Err(Refusal::precondition(format!(
                "queue '{name}' in vhost '{}' is a stream: its messages stay where they are, and are read from an offset by a consumer",
                self.name
            )));
        }
        Ok(queue)
    }

    /// Looks a queue up and refuses those another connection owns.
    pub(crate) fn owned_queue(&self, actor: &Actor, name: &str) -> Result<Arc<Queue>, Refusal> {
        let queue = self.topology.read().queue(name).cloned();
        let queue = queue.ok_or_else(|| Refusal::NoQueue { queue: name.into(), vhost: self.name.clone() })?;
        queue.check_owner(actor.connection)?;
        Ok(queue)
    }
}
