//! `x-consistent-hash`: to one binding, chosen by a hash, in proportion to the bindings' weights.
//!
//! The binding key is the weight. What is hashed is the routing key, a header or a property, as the exchange's arguments say
//! (RabbitMQ, "Consistent Hash Exchange Type").
//!
//! Each destination draws a number from the hash of its name and of what is hashed, and the best one wins (weighted rendezvous
//! hashing). So a message's destination depends on the set of bindings alone, not on their history, and survives a restart;
//! shares are exact, and a binding that comes or goes moves only the messages that it gets or had. Destinations of the same
//! weight are compared as integers.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use leveret_protocol::{FieldTable, FieldValue, RawProperties, RawValue};

use super::target::{Target, TargetKind};
use crate::erlang_term;
use crate::name::ResourceKind;
use crate::refusal::Refusal;

/// What of a message is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum HashOn {
    RoutingKey,
    Header(Box<str>),
    MessageId,
    CorrelationId,
    Timestamp,
}

impl HashOn {
    /// # Errors
    /// 406 when both `hash-header` and `hash-property` are there, one is not a long string, or the property is none of `message_id`,
    /// `correlation_id`, `timestamp`.
    fn of(arguments: &FieldTable, exchange: &str, vhost: &str) -> Result<Self, Refusal> {
        let text = |name: &str| match arguments.get(name) {
            None => Ok(None),
            Some(FieldValue::LongString(text)) => Ok(Some(String::from_utf8_lossy(text))),
            Some(other) => Err(Refusal::argument_type(other, name, ResourceKind::Exchange, exchange, vhost)),
        };
        match (text("hash-header")?, text("hash-property")?) {
            (Some(_), Some(_)) => {
                Err(Refusal::precondition("hash-header and hash-property are mutually exclusive"))
            }
            (Some(header), None) => Ok(Self::Header(header.into())),
            (None, None) => Ok(Self::RoutingKey),
            (None, Some(property)) => match &*property {
                "message_id" => Ok(Self::MessageId),
                "correlation_id" => Ok(Self::CorrelationId),
                "timestamp" => Ok(Self::Timestamp),
                other => Err(Refusal::precondition(format!("Unsupported property: {other}"))),
            },
        }
    }

    /// The hash; messages that lack what is hashed all have the same.
    fn hash(&self, routing_key: &[u8], properties: RawProperties<'_>) -> u64 {
        match self {
            Self::RoutingKey => stable_hash(routing_key),
            Self::Header(name) => hash_value(properties.headers().and_then(|headers| headers.get(name))),
            Self::MessageId => stable_hash(properties.message_id().unwrap_or_default().as_bytes()),
            Self::CorrelationId => stable_hash(properties.correlation_id().unwrap_or_default().as_bytes()),
            Self::Timestamp => hash_value(properties.timestamp().map(RawValue::Timestamp)),
        }
    }
}

#[derive(Debug)]
pub(crate) struct ConsistentHashRouter {
    hash_on: HashOn,
    /// Weights of each destination's bindings, oldest first; the oldest counts.
    weights: HashMap<Target, Vec<u64>, RandomState>,
    /// The destinations and their seeds, by weight.
    groups: BTreeMap<u64, Vec<(u64, Target)>>,
}

impl ConsistentHashRouter {
    /// # Errors
    /// 406 when the arguments do not say clearly what is to be hashed.
    pub(crate) fn new(arguments: &FieldTable, exchange: &str, vhost: &str) -> Result<Self, Refusal> {
        let hash_on = HashOn::of(arguments, exchange, vhost)?;
        Ok(Self { hash_on, weights: HashMap::default(), groups: BTreeMap::new() })
    }

    /// Whether the routing key alone decides.
    pub(crate) fn hashes_routing_key(&self) -> bool {
        self.hash_on == HashOn::RoutingKey
    }

    /// `name` is the destination's.
    pub(crate) fn bind(&mut self, key: &[u8], target: Target, name: &str) {
        let Ok(weight) = weight(key) else { return };
        let weights = self.weights.entry(target).or_default();
        weights.push(weight);
        if weights.len() == 1 {
            self.groups.entry(weight).or_default().push((seed(target, name), target));
        }
    }

    pub(crate) fn unbind(&mut self, key: &[u8], target: Target, name: &str) {
        let (Ok(weight), Some(weights)) = (weight(key), self.weights.get_mut(&target)) else { return };
        let Some(place) = weights.iter().position(|found| *found == weight) else { return };
        weights.remove(place);
        if place > 0 {
            return;
        }
        let next = weights.first().copied();
        if let Some(group) = self.groups.get_mut(&weight) {
            group.retain(|(_, found)| *found != target);
            if group.is_empty() {
                self.groups.remove(&weight);
            }
        }
        match next {
            Some(weight) => self.groups.entry(weight).or_default().push((seed(target, name), target)),
            None => drop(self.weights.remove(&target)),
        }
    }

    pub(crate) fn route(
        &self,
        routing_key: &[u8],
        properties: RawProperties<'_>,
        matched: &mut impl FnMut(Target),
    ) {
        let hash = self.hash_on.hash(routing_key, properties);
        let mut best: Option<(f64, Target)> = None;
        for (weight, group) in &self.groups {
            let drawn = group.iter().map(|(seed, target)| (mix(hash ^ seed), target)).max();
            let Some((number, target)) = drawn else { continue };
            // In (0, 1), so that the logarithm is finite and below zero.
            let fraction = ((number >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
            let cost = -fraction.ln() / *weight as f64;
            if best.is_none_or(|(lowest, _)| cost < lowest) {
                best = Some((cost, *target));
            }
        }
        if let Some((_, target)) = best {
            matched(target);
        }
    }
}

/// Reads a binding key as a weight.
///
/// # Errors
/// 406 unless it is a number above zero. One that is too large for 64 bits counts as the largest.
pub(crate) fn weight(key: &[u8]) -> Result<u64, Refusal> {
    let (negative, digits) = match key {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        let key = erlang_term::binary(key);
        return Err(Refusal::precondition(format!("The binding key must be an integer: {key}")));
    }
    let weight = digits
        .iter()
        .fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    if negative || weight == 0 {
        return Err(Refusal::precondition("The binding key must be greater than 0"));
    }
    Ok(weight)
}

/// The same for a destination now and after a restart.
fn seed(target: Target, name: &str) -> u64 {
    match target.kind() {
        TargetKind::Queue(_) => stable_hash(name.as_bytes()),
        TargetKind::Exchange(_) => mix(!stable_hash(name.as_bytes())),
    }
}

fn hash_value(value: Option<RawValue<'_>>) -> u64 {
    match value {
        None => stable_hash(b""),
        Some(RawValue::LongString(bytes) | RawValue::ByteArray(bytes)) => stable_hash(bytes),
        Some(RawValue::Timestamp(seconds)) => stable_hash(&seconds.to_be_bytes()),
        Some(value) => {
            stable_hash(value.decode().map(|value| erlang_term::value(&value)).unwrap_or_default().as_bytes())
        }
    }
}

/// FNV-1a, mixed: the same on every machine and in every version.
pub(super) fn stable_hash(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mix(hash)
}

/// MurmurHash3's finalizer: every bit of the input changes about half of the output.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

#[cfg(test)]
mod tests;
