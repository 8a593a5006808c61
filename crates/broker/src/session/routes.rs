//! Routes a connection has used, kept until the topology or the permissions change.
//!
//! The key is exchange and routing key as two short strings, which is how they lie next to each other in `basic.publish`.

use crate::exchange::Publication;
use crate::queue::Queue;
use crate::refusal::Refusal;
use crate::stats::ExchangeFigures;
use crate::topology::RouteInfo;
use crate::vhost::{Actor, VirtualHost};
use leveret_protocol::RawProperties;
use std::collections::HashMap;
use std::sync::Arc;

/// Routes kept per connection; when there are more, all are dropped and looked up again.
const ROUTES_MAX: usize = 16_384;

type Map = HashMap<Box<[u8]>, u32, foldhash::fast::FixedState>;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    epoch: (u64, u64),
    /// The firehose wants a copy of every publishing.
    traced: bool,
    map: Map,
    routes: Vec<Route>,
    /// The route used last, which most publishings use again.
    last: Option<u32>,
    /// Targets of a route that may not be kept.
    scratch: Vec<Arc<Queue>>,
    /// Of the route that was looked up last and may not be kept.
    info: Option<RouteInfo>,
}

/// Where a publishing goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) queues: &'a [Arc<Queue>],
    /// What else is to be done with it; `None` for nothing.
    pub(crate) info: Option<&'a RouteInfo>,
    /// The firehose wants a copy.
    pub(crate) traced: bool,
    /// Where is counted what the exchange is given.
    pub(crate) exchange: &'a Arc<ExchangeFigures>,
}

impl Found<'_> {
    /// Whether somebody beside the queues is to have the publishing.
    #[inline]
    pub(crate) fn is_watched(self) -> bool {
        self.info.is_some() || self.traced
    }
}

#[derive(Debug)]
struct Route {
    key: Box<[u8]>,
    queues: Vec<Arc<Queue>>,
    exchange: Arc<ExchangeFigures>,
}

/// What a publishing is looked up by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address<'a> {
    /// Both as short strings, one behind the other.
    pub(crate) key: &'a [u8],
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a [u8],
    pub(crate) properties: RawProperties<'a>,
    /// Headers add routing keys of their own, so the route is this message's alone.
    pub(crate) has_copies: bool,
}

impl Routes {
    /// The queues a publishing goes to; checks the actor's permissions when the answer is not known yet.
    #[inline]
    pub(crate) fn find(
        &mut self,
        vhost: &VirtualHost,
        actor: &Actor,
        address: Address<'_>,
    ) -> Result<Found<'_>, Refusal> {
        let epoch = (vhost.epoch(), vhost.auth().epoch());
        if epoch != self.epoch {
            self.forget();
            self.epoch = epoch;
            self.traced = vhost.is_traced();
        }
        if !address.has_copies {
            if let Some(last) = self.last
                && *self.routes[last as usize].key == *address.key
            {
                return Ok(self.found(last));
            }
            if let Some(&at) = self.map.get(address.key) {
                self.last = Some(at);
                return Ok(self.found(at));
            }
        }
        self.look_up(vhost, actor, address)
    }

    fn look_up(
        &mut self,
        vhost: &VirtualHost,
        actor: &Actor,
        address: Address<'_>,
    ) -> Result<Found<'_>, Refusal> {
        vhost.check_publish(actor, address.exchange)?;
        vhost.check_topic(actor, address.exchange, address.routing_key, crate::refusal::Permission::Write)?;
        self.scratch.clear();
        let publication = Publication::new(address.exchange, address.routing_key, address.properties);
        let info = vhost.route(&publication, &mut self.scratch)?;
        if !info.cacheable || address.has_copies {
            let info = &*self.info.insert(info);
            return Ok(Found {
                queues: &self.scratch,
                info: Some(info).filter(|info| !info.histories.is_empty()),
                traced: self.traced,
                exchange: &info.exchange,
            });
        }
        if self.routes.len() >= ROUTES_MAX {
            self.forget();
        }
        let at = self.routes.len() as u32;
        let key: Box<[u8]> = address.key.into();
        self.map.insert(key.clone(), at);
        self.routes.push(Route { key, queues: std::mem::take(&mut self.scratch), exchange: info.exchange });
        self.last = Some(at);
        Ok(self.found(at))
    }

    #[inline]
    fn found(&self, at: u32) -> Found<'_> {
        let route = &self.routes[at as usize];
        Found { queues: &route.queues, info: None, traced: self.traced, exchange: &route.exchange }
    }

    /// Drops all, so that no deleted queue is kept alive by an idle publisher.
    pub(crate) fn forget(&mut self) {
        *self = Self { epoch: self.epoch, traced: self.traced, ..Self::default() };
    }
}
