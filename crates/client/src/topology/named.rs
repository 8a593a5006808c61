//! Entities that are found by name and walked in the order of declaration.

use std::collections::{BTreeMap, HashMap};

use super::Id;

#[derive(Debug)]
pub(super) struct Named<T> {
    pub(super) by_id: BTreeMap<Id, T>,
    pub(super) ids: HashMap<String, Id>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { by_id: BTreeMap::new(), ids: HashMap::new() }
    }
}

impl<T> Named<T> {
    /// An entity that is declared again keeps its place: others may depend on it.
    pub(super) fn insert(&mut self, id: Id, name: &str, entity: T) {
        let id = *self.ids.entry(name.to_owned()).or_insert(id);
        self.by_id.insert(id, entity);
    }

    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.by_id.get(self.ids.get(name)?)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<T> {
        self.by_id.remove(&self.ids.remove(name)?)
    }
}
