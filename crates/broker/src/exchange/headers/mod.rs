//! `headers`: to every binding whose arguments the message's headers meet.
//!
//! Bindings are found through an index from header to bindings, so that the cost of a route depends on the message's headers and
//! on the bindings that ask for one of them, not on how many bindings there are.

mod pattern;
mod value;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use leveret_protocol::{FieldTable, RawTable};

use super::target::{CountedSet, Target, TargetSet};
pub(crate) use pattern::check_arguments;
use pattern::{Condition, Pattern};
use value::MessageHeaders;

/// Place of a pattern in [`HeadersRouter::patterns`].
type PatternNumber = u32;

#[derive(Debug)]
struct Entry {
    pattern: Arc<Pattern>,
    /// The condition under which an `all` pattern stands in the index.
    anchor: usize,
    targets: TargetSet,
}

#[derive(Debug, Default)]
pub(crate) struct HeadersRouter {
    patterns: Vec<Option<Entry>>,
    free: Vec<PatternNumber>,
    numbers: HashMap<Arc<Pattern>, PatternNumber, RandomState>,
    by_pair: HashMap<Box<[u8]>, CountedSet<PatternNumber>, RandomState>,
    by_name: HashMap<Box<[u8]>, CountedSet<PatternNumber>, RandomState>,
    /// Patterns of the kind `all` without a condition.
    unconditional: CountedSet<PatternNumber>,
}

impl HeadersRouter {
    pub(crate) fn bind(&mut self, arguments: &FieldTable, target: Target) {
        let pattern = Pattern::of(arguments);
        let number = self.numbers.get(&pattern).copied().unwrap_or_else(|| self.add(pattern));
        if let Some(Some(entry)) = self.patterns.get_mut(number as usize) {
            entry.targets.insert(target);
        }
    }

    pub(crate) fn unbind(&mut self, arguments: &FieldTable, target: Target) {
        let Some(number) = self.numbers.get(&Pattern::of(arguments)).copied() else { return };
        let Some(place) = self.patterns.get_mut(number as usize) else { return };
        if let Some(entry) = place {
            entry.targets.remove(target);
        }
        if let Some(entry) = place.take_if(|entry| entry.targets.is_empty()) {
            self.numbers.remove(&entry.pattern);
            self.change_index(&entry.pattern, entry.anchor, |set| set.remove(number));
            self.free.push(number);
        }
    }

    pub(crate) fn route(&self, headers: Option<RawTable<'_>>, matched: &mut impl FnMut(Target)) {
        let mut lead_to = |number: &PatternNumber, headers: Option<&MessageHeaders>| {
            let Some(Some(entry)) = self.patterns.get(*number as usize) else { return };
            if headers.is_none_or(|headers| entry.pattern.matches(headers)) {
                entry.targets.as_slice().iter().copied().for_each(&mut *matched);
            }
        };
        self.unconditional.as_slice().iter().for_each(|number| lead_to(number, None));
        let Some(headers) = headers.filter(|headers| !headers.is_empty() && !self.index_is_empty()) else {
            return;
        };
        let headers = MessageHeaders::of(headers);
        for (name, pair) in headers.iter() {
            for found in [self.by_pair.get(pair), self.by_name.get(name)].into_iter().flatten() {
                found.as_slice().iter().for_each(|number| lead_to(number, Some(&headers)));
            }
        }
    }

    fn index_is_empty(&self) -> bool {
        self.by_pair.is_empty() && self.by_name.is_empty()
    }

    fn add(&mut self, pattern: Pattern) -> PatternNumber {
        let pattern = Arc::new(pattern);
        let anchor = self.rarest(&pattern.conditions);
        let entry = Entry { pattern: pattern.clone(), anchor, targets: TargetSet::default() };
        let number = if let Some(number) = self.free.pop() {
            self.patterns[number as usize] = Some(entry);
            number
        } else {
            self.patterns.push(Some(entry));
            (self.patterns.len() - 1) as PatternNumber
        };
        self.change_index(&pattern, anchor, |set| set.insert(number));
        self.numbers.insert(pattern, number);
        number
    }

    /// The condition that the fewest patterns stand under: a message that meets it has the fewest patterns to compare.
    fn rarest(&self, conditions: &[Condition]) -> usize {
        let popularity = |condition: &Condition| match condition {
            Condition::Pair(pair) => self.by_pair.get(pair).map_or(0, |set| set.as_slice().len()),
            Condition::Name(name) => self.by_name.get(name).map_or(1, |set| set.as_slice().len() + 1),
        };
        (0..conditions.len()).min_by_key(|place| popularity(&conditions[*place])).unwrap_or_default()
    }

    fn change_index(
        &mut self,
        pattern: &Pattern,
        anchor: usize,
        mut change: impl FnMut(&mut CountedSet<PatternNumber>),
    ) {
        let conditions = match (pattern.any, pattern.conditions.get(anchor)) {
            (true, _) => &pattern.conditions[..],
            (false, Some(anchor)) => std::slice::from_ref(anchor),
            (false, None) => return change(&mut self.unconditional),
        };
        for condition in conditions {
            let (index, key) = match condition {
                Condition::Pair(pair) => (&mut self.by_pair, pair),
                Condition::Name(name) => (&mut self.by_name, name),
            };
            let set = index.entry(key.clone()).or_default();
            change(set);
            if set.is_empty() {
                index.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
