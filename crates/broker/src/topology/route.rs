//! From a message to its queues.

use super::matched::Matched;
use super::{Exchange, Topology};
use crate::exchange::own_delay_ms;
use crate::exchange::{ExchangeKind, History, Passed, Publication, RoutingKeys, Target, TargetKind};
use crate::memory::MemoryGauge;
use crate::message::Message;
use crate::queue::dedup::is_known_by;
use crate::refusal::Refusal;
use crate::stats::ExchangeFigures;
use std::sync::Arc;

/// What may be done with the queues that were found.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    /// Whether every message with this exchange and routing key has the same queues until [`Topology::epoch`] changes, except
    /// those for which [`Publication::has_sender_selected_keys`].
    pub cacheable: bool,
    /// Exchanges on the way that keep the message for whatever is bound to them later.
    pub(crate) histories: Vec<Arc<History>>,
    /// Where is counted what the exchange is given.
    pub(crate) exchange: Arc<ExchangeFigures>,
}

impl RouteInfo {
    fn new(cacheable: bool, exchange: &Exchange) -> Self {
        Self { cacheable, histories: Vec::new(), exchange: exchange.figures.clone() }
    }

    /// Hands the message to the exchanges that keep it.
    pub(crate) fn keep(&self, message: &Message, gauge: &Arc<MemoryGauge>) {
        self.histories.iter().for_each(|history| history.keep(message.clone(), gauge));
    }
}

impl<Q: Clone> Topology<Q> {
    /// Appends the handle of each queue that the message goes to, once each.
    ///
    /// The default exchange leads to the queue of that name. An exchange that matches nothing passes the message to its alternate
    /// exchange, if it has one; a match is also another exchange that then leads nowhere. The message may come to an exchange by
    /// several ways, round in a circle too: it is routed there once.
    ///
    /// Whether a client may publish here is asked separately, with [`check_publishable`](Self::check_publishable).
    ///
    /// # Errors
    /// 404 when there is no such exchange; 406 when the header `CC` or `BCC` is not an array.
    pub fn route(&self, publication: &Publication<'_>, out: &mut Vec<Q>) -> Result<RouteInfo, Refusal> {
        if publication.exchange.is_empty() {
            return self.route_by_queue_name(publication, out);
        }
        let place = self.exchanges.place(publication.exchange);
        let place = place.ok_or_else(|| self.no_exchange(publication.exchange))?;
        let first = self.exchanges.at(place).ok_or_else(|| self.no_exchange(publication.exchange))?;
        let keys = RoutingKeys::of(publication)?;
        let mut info = RouteInfo::new(keys.is_single(), first);
        let mut matched = Matched::new();
        let mut pending = Vec::new();
        matched.insert(Target::exchange(place));
        let mut next = Some(place);
        while let Some((place, exchange)) = next.and_then(|place| Some((place, self.exchanges.at(place)?))) {
            let is_first = *exchange.name == *publication.exchange;
            if let Some((gate, header)) = self.gates.get(&place) {
                info.cacheable = false;
                let has_passed = publication.is_due || publication.passed == Passed::First;
                let is_asked = publication.passed != Passed::All && !(has_passed && is_first);
                if is_asked
                    && is_known_by(publication.properties, header)
                    && self.leads_on(exchange, publication)
                {
                    out.push(gate.clone());
                    next = pending.pop();
                    continue;
                }
            }
            let has_own = exchange.kind == ExchangeKind::Delayed;
            if has_own || exchange.delay_ms > 0 {
                info.cacheable &= !has_own;
                let own_ms = if has_own { own_delay_ms(publication.properties) } else { None };
                let is_over = publication.is_due && is_first;
                if !is_over
                    && own_ms.unwrap_or(exchange.delay_ms) > 0
                    && let Some(timetable) = self.timetables.get(&place)
                {
                    out.push(timetable.clone());
                    next = pending.pop();
                    continue;
                }
            }
            let mut matched_nothing = true;
            exchange.router.route(&keys, publication.properties, &mut |target| {
                matched_nothing = false;
                if matched.insert(target) {
                    match target.kind() {
                        TargetKind::Queue(place) => out.extend(self.handle_at(place)),
                        TargetKind::Exchange(place) => pending.push(place),
                    }
                }
            });
            if matched_nothing
                && let Some(place) = self.alternate_of(exchange)
                && matched.insert(Target::exchange(place))
            {
                pending.push(place);
            }
            info.cacheable &= exchange.router.depends_only_on_key();
            info.histories.extend(exchange.router.history_for(publication.properties).cloned());
            next = pending.pop();
        }
        Ok(info)
    }

    /// Whether a message that passes an exchange's gate goes anywhere. One that does not leaves no trace, and may be returned.
    fn leads_on(&self, exchange: &Exchange, publication: &Publication<'_>) -> bool {
        let mut targets = Vec::new();
        let onward =
            Publication { exchange: &exchange.name, is_due: false, passed: Passed::All, ..*publication };
        self.route(&onward, &mut targets).is_ok() && !targets.is_empty()
    }

    fn route_by_queue_name(
        &self,
        publication: &Publication<'_>,
        out: &mut Vec<Q>,
    ) -> Result<RouteInfo, Refusal> {
        let keys = RoutingKeys::of(publication)?;
        let exchange = self.exchange(publication.exchange);
        let exchange = exchange.ok_or_else(|| self.no_exchange(publication.exchange))?;
        let place = |key| self.queues.place(std::str::from_utf8(key).ok()?);
        if keys.is_single() {
            out.extend(place(keys.own()).and_then(|place| self.handle_at(place)));
            return Ok(RouteInfo::new(true, exchange));
        }
        let mut matched = Matched::new();
        for place in keys.iter().filter_map(place) {
            if matched.insert(Target::queue(place)) {
                out.extend(self.handle_at(place));
            }
        }
        Ok(RouteInfo::new(false, exchange))
    }

    fn handle_at(&self, place: u32) -> Option<Q> {
        self.queues.at(place).map(|entry| entry.handle.clone())
    }

    fn alternate_of(&self, exchange: &Exchange) -> Option<u32> {
        self.exchanges.place(exchange.alternate.as_ref()?)
    }
}
