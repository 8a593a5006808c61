//! The bindings of one exchange, in the form its type routes by.

use leveret_protocol::{FieldTable, RawProperties};

use super::consistent_hash::{self, ConsistentHashRouter};
use super::direct::DirectRouter;
use super::headers::{self, HeadersRouter};
use super::modulus_hash::ModulusHashRouter;
use super::publication::RoutingKeys;
use super::random::RandomRouter;
use super::recent_history::{History, RecentHistoryRouter};
use super::target::{Target, TargetSet};
use super::topic::TopicRouter;
use super::{ExchangeKind, ExchangeSpec};
use crate::refusal::Refusal;
use std::sync::Arc;

/// Bindings by what the exchange's type looks at. Whoever owns it keeps the bindings themselves: none comes in twice and only
/// what came in goes out.
#[derive(Debug)]
pub(crate) enum Router {
    Direct(DirectRouter),
    Fanout(TargetSet),
    Topic(TopicRouter),
    Headers(HeadersRouter),
    ConsistentHash(ConsistentHashRouter),
    Random(RandomRouter),
    ModulusHash(ModulusHashRouter),
    RecentHistory(RecentHistoryRouter),
}

/// What a router needs to know of a binding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) arguments: &'a FieldTable,
    pub(crate) target: Target,
    /// Name of the destination.
    pub(crate) target_name: &'a str,
}

impl Router {
    /// # Errors
    /// 406 when the arguments of an `x-consistent-hash` or `x-recent-history` exchange are unacceptable.
    pub(crate) fn new(spec: &ExchangeSpec, vhost: &str) -> Result<Self, Refusal> {
        Ok(match spec.routing_kind()? {
            ExchangeKind::Delayed | ExchangeKind::Deduplicating => {
                return Err(Refusal::UnknownExchangeType { kind: spec.kind.as_str().into() });
            }
            ExchangeKind::Direct => Self::Direct(DirectRouter::default()),
            ExchangeKind::Fanout => Self::Fanout(TargetSet::default()),
            ExchangeKind::Topic => Self::Topic(TopicRouter::default()),
            ExchangeKind::Headers => Self::Headers(HeadersRouter::default()),
            ExchangeKind::ConsistentHash => {
                Self::ConsistentHash(ConsistentHashRouter::new(&spec.arguments, &spec.name, vhost)?)
            }
            ExchangeKind::Random | ExchangeKind::LocalRandom => Self::Random(RandomRouter::default()),
            ExchangeKind::ModulusHash => Self::ModulusHash(ModulusHashRouter::default()),
            ExchangeKind::RecentHistory => Self::RecentHistory(RecentHistoryRouter::new(&spec.arguments)?),
        })
    }

    pub(crate) fn bind(&mut self, route: Route<'_>) {
        match self {
            Self::Direct(router) => router.bind(route.key, route.target),
            Self::Fanout(targets) => targets.insert(route.target),
            Self::Topic(router) => router.bind(route.key, route.target),
            Self::Headers(router) => router.bind(route.arguments, route.target),
            Self::ConsistentHash(router) => router.bind(route.key, route.target, route.target_name),
            Self::Random(router) => router.bind(route.target),
            Self::ModulusHash(router) => router.bind(route.target, route.target_name),
            Self::RecentHistory(router) => router.targets.insert(route.target),
        }
    }

    pub(crate) fn unbind(&mut self, route: Route<'_>) {
        match self {
            Self::Direct(router) => router.unbind(route.key, route.target),
            Self::Fanout(targets) => targets.remove(route.target),
            Self::Topic(router) => router.unbind(route.key, route.target),
            Self::Headers(router) => router.unbind(route.arguments, route.target),
            Self::ConsistentHash(router) => {
                router.unbind(route.key, route.target, route.target_name);
            }
            Self::Random(router) => router.unbind(route.target),
            Self::ModulusHash(router) => router.unbind(route.target, route.target_name),
            Self::RecentHistory(router) => router.targets.remove(route.target),
        }
    }

    /// Calls `matched` for each target, for some perhaps several times.
    pub(crate) fn route(
        &self,
        keys: &RoutingKeys<'_>,
        properties: RawProperties<'_>,
        matched: &mut impl FnMut(Target),
    ) {
        match self {
            Self::Direct(router) if keys.is_single() => router.route(keys.own(), matched),
            Self::Direct(router) => keys.iter().for_each(|key| router.route(key, matched)),
            Self::Topic(router) if keys.is_single() => router.route(keys.own(), matched),
            Self::Topic(router) => keys.iter().for_each(|key| router.route(key, matched)),
            Self::Fanout(targets) => targets.as_slice().iter().copied().for_each(matched),
            Self::Headers(router) => router.route(properties.headers(), matched),
            Self::ConsistentHash(router) => router.route(keys.own(), properties, matched),
            Self::Random(router) => router.route(matched),
            Self::ModulusHash(router) => router.route(keys.own(), matched),
            Self::RecentHistory(router) => router.targets.as_slice().iter().copied().for_each(matched),
        }
    }

    /// Whether two messages with the same routing keys always have the same targets.
    pub(crate) fn depends_only_on_key(&self) -> bool {
        match self {
            Self::Direct(_) | Self::Fanout(_) | Self::Topic(_) | Self::ModulusHash(_) => true,
            // (A message has to pass through here to be kept.)
            Self::Headers(_) | Self::Random(_) | Self::RecentHistory(_) => false,
            Self::ConsistentHash(router) => router.hashes_routing_key(),
        }
    }

    /// Where a message with these properties is to be kept.
    pub(crate) fn history_for(&self, properties: RawProperties<'_>) -> Option<&Arc<History>> {
        match self {
            Self::RecentHistory(router) => router.history_for(properties),
            _ => None,
        }
    }

    /// The messages kept for whatever is bound.
    pub(crate) fn history(&self) -> Option<&Arc<History>> {
        match self {
            Self::RecentHistory(router) => Some(router.history()),
            _ => None,
        }
    }
}

/// Refuses a binding that an exchange of this type cannot have.
///
/// # Errors
/// 406: a weight that is no number above zero for `x-consistent-hash`, an unknown `x-match` for `headers`.
pub(crate) fn check_binding(kind: ExchangeKind, key: &[u8], arguments: &FieldTable) -> Result<(), Refusal> {
    match kind {
        ExchangeKind::Headers => headers::check_arguments(arguments),
        ExchangeKind::ConsistentHash => consistent_hash::weight(key).map(drop),
        _ => Ok(()),
    }
}
