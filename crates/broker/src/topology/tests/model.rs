//! Random changes, compared with lists that are searched from end to end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const QUEUES: [&str; 3] = ["q0", "q1", "q2"];
const EXCHANGES: [&str; 5] = ["x0", "x1", "x2", "x3", "x4"];
const KEYS: [&str; 6] = ["", "a", "a.b", "*", "#", "a.#"];

#[derive(Debug, Clone)]
enum Change {
    Declare { exchange: usize, kind: ExchangeKind, auto_delete: bool, alternate: Option<usize> },
    DeleteExchange { exchange: usize, if_unused: bool },
    InsertQueue(usize),
    RemoveQueue(usize),
    Bind(Link),
    Unbind(Link),
}

/// Source, destination (queues first, then exchanges), key.
type Link = (usize, usize, usize);

#[derive(Debug, Default)]
struct Model {
    /// Kind, auto-delete, alternate.
    exchanges: BTreeMap<usize, (Option<ExchangeKind>, bool, Option<usize>)>,
    queues: BTreeSet<usize>,
    bindings: BTreeSet<Link>,
}

impl Model {
    fn has(&self, destination: usize) -> bool {
        match destination.checked_sub(QUEUES.len()) {
            None => self.queues.contains(&destination),
            Some(exchange) => self.exchanges.contains_key(&exchange),
        }
    }

    fn apply(&mut self, change: &Change) {
        let before: BTreeSet<_> = self.bindings.iter().map(|(source, ..)| *source).collect();
        match *change {
            Change::Declare { exchange, kind, auto_delete, alternate } => {
                self.exchanges.entry(exchange).or_insert((Some(kind), auto_delete, alternate));
            }
            Change::DeleteExchange { exchange, if_unused } if !if_unused || !before.contains(&exchange) => {
                self.exchanges.remove(&exchange);
            }
            Change::DeleteExchange { .. } => {}
            Change::InsertQueue(queue) => drop(self.queues.insert(queue)),
            Change::RemoveQueue(queue) => drop(self.queues.remove(&queue)),
            Change::Bind(link) if self.exchanges.contains_key(&link.0) && self.has(link.1) => {
                self.bindings.insert(link);
            }
            Change::Bind(_) => {}
            Change::Unbind(link) => drop(self.bindings.remove(&link)),
        }
        self.settle(before);
    }

    /// Removes what has to go, until nothing has.
    fn settle(&mut self, mut had_bindings: BTreeSet<usize>) {
        loop {
            let (bindings, exchanges) = (self.bindings.clone(), self.exchanges.len());
            self.bindings.retain(|(source, ..)| self.exchanges.contains_key(source));
            let gone: Vec<_> = self.bindings.iter().filter(|link| !self.has(link.1)).copied().collect();
            self.bindings.retain(|link| !gone.contains(link));
            let used: BTreeSet<_> = self.bindings.iter().map(|(source, ..)| *source).collect();
            self.exchanges.retain(|exchange, (_, auto_delete, _)| {
                !(*auto_delete && had_bindings.contains(exchange) && !used.contains(exchange))
            });
            had_bindings.extend(used);
            if (bindings, exchanges) == (self.bindings.clone(), self.exchanges.len()) {
                return;
            }
        }
    }

    fn route(&self, exchange: usize, key: &str, seen: &mut BTreeSet<usize>, found: &mut BTreeSet<usize>) {
        let Some((kind, _, alternate)) = self.exchanges.get(&exchange) else { return };
        if !seen.insert(exchange) {
            return;
        }
        let links = self.bindings.iter().filter(|(source, _, bound)| {
            *source == exchange
                && match kind {
                    Some(ExchangeKind::Direct) => KEYS[*bound] == key,
                    Some(ExchangeKind::Topic) => topic(KEYS[*bound], key),
                    _ => true,
                }
        });
        let destinations: Vec<_> = links.map(|(_, destination, _)| *destination).collect();
        for destination in &destinations {
            match destination.checked_sub(QUEUES.len()) {
                None => drop(found.insert(*destination)),
                Some(exchange) => self.route(exchange, key, seen, found),
            }
        }
        if let (true, Some(alternate)) = (destinations.is_empty(), alternate) {
            self.route(*alternate, key, seen, found);
        }
    }
}

/// The patterns in [`KEYS`], against keys of at most two words.
fn topic(pattern: &str, key: &str) -> bool {
    match pattern {
        "#" => true,
        "*" => !key.is_empty() && !key.contains('.'),
        "a.#" => key == "a" || key.starts_with("a."),
        pattern => pattern == key,
    }
}

fn destination(number: usize) -> Destination {
    match number.checked_sub(QUEUES.len()) {
        None => queue(QUEUES[number]),
        Some(number) => exchange(EXCHANGES[number]),
    }
}

fn apply(t: &mut Names, change: &Change) {
    match *change {
        Change::Declare { exchange, kind, auto_delete, alternate } => {
            let mut spec = ExchangeSpec { auto_delete, ..ExchangeSpec::new(EXCHANGES[exchange], kind) };
            if let Some(alternate) = alternate {
                spec.arguments.insert("alternate-exchange", EXCHANGES[alternate]);
            }
            // Refused when it exists with other properties.
            let _ = t.declare_exchange(spec);
        }
        Change::DeleteExchange { exchange, if_unused } => {
            let _ = t.delete_exchange(EXCHANGES[exchange], if_unused);
        }
        Change::InsertQueue(queue) => drop(t.insert_queue(QUEUES[queue].into(), QUEUES[queue].into())),
        Change::RemoveQueue(queue) => drop(t.remove_queue(QUEUES[queue])),
        Change::Bind((source, to, key)) => {
            let _ = t.bind(EXCHANGES[source], destination(to), KEYS[key].as_bytes(), FieldTable::new());
        }
        Change::Unbind((source, to, key)) => drop(unbind(t, EXCHANGES[source], destination(to), KEYS[key])),
    }
}

fn change() -> impl Strategy<Value = Change> {
    let exchange = || 0..EXCHANGES.len();
    let kind = prop_oneof![Just(ExchangeKind::Direct), Just(ExchangeKind::Fanout), Just(ExchangeKind::Topic)];
    let link = || (exchange(), 0..QUEUES.len() + EXCHANGES.len(), 0..KEYS.len());
    prop_oneof![
        3 => (exchange(), kind, any::<bool>(), prop::option::of(exchange())).prop_map(
            |(exchange, kind, auto_delete, alternate)| Change::Declare { exchange, kind, auto_delete, alternate }
        ),
        1 => (exchange(), any::<bool>())
            .prop_map(|(exchange, if_unused)| Change::DeleteExchange { exchange, if_unused }),
        2 => (0..QUEUES.len()).prop_map(Change::InsertQueue),
        1 => (0..QUEUES.len()).prop_map(Change::RemoveQueue),
        12 => link().prop_map(Change::Bind),
        3 => link().prop_map(Change::Unbind),
    ]
}

proptest! {
    #[test]
    fn random_changes_leave_what_the_model_says(changes in prop::collection::vec(change(), 1..80)) {
        let (mut t, mut model) = (topology(&[], &[]), Model::default());
        for change in &changes {
            apply(&mut t, change);
            model.apply(change);
            let exchanges: BTreeSet<_> =
                t.exchanges().filter_map(|x| EXCHANGES.iter().position(|name| **name == *x.name)).collect();
            prop_assert_eq!(&exchanges, &model.exchanges.keys().copied().collect(), "after {:?}", change);
            let bindings = EXCHANGES.iter().flat_map(|name| t.bindings_from(name));
            let mut expected: Vec<_> = model.bindings.iter().map(|(source, to, key)| {
                let to = destination(*to);
                (EXCHANGES[*source].to_owned(), format!("{} {}", to.kind(), to.name()), KEYS[*key].to_owned())
            }).collect();
            expected.sort();
            prop_assert_eq!(listed(bindings), expected.clone(), "after {:?}", change);
            let ends = (0..QUEUES.len() + EXCHANGES.len()).map(destination).collect::<Vec<_>>();
            let to_ends = ends.iter().flat_map(|end| t.bindings_to(end)).filter(|binding| !binding.source.is_empty());
            prop_assert_eq!(listed(to_ends), expected, "after {:?}", change);
        }
        for (number, name) in EXCHANGES.iter().enumerate().filter(|(number, _)| model.exchanges.contains_key(number)) {
            for key in ["", "a", "b", "a.b", "b.a"] {
                let mut found = BTreeSet::new();
                model.route(number, key, &mut BTreeSet::new(), &mut found);
                let expected: Vec<_> = found.iter().map(|queue| QUEUES[*queue]).collect();
                prop_assert_eq!(route(&t, name, key), expected, "{} {:?}", name, key);
            }
        }
    }
}
