//! Things with names and small numbers.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::name::Name;

/// A map from names that also gives each thing a place: a small number that stays the same while the thing is here.
#[derive(Debug)]
pub(super) struct Registry<T> {
    places: HashMap<Name, u32, RandomState>,
    things: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self { places: HashMap::default(), things: Vec::new(), free: Vec::new() }
    }
}

impl<T> Registry<T> {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn place(&self, name: &str) -> Option<u32> {
        self.places.get(name).copied()
    }

    pub(super) fn at(&self, place: u32) -> Option<&T> {
        self.things.get(place as usize)?.as_ref()
    }

    pub(super) fn at_mut(&mut self, place: u32) -> Option<&mut T> {
        self.things.get_mut(place as usize)?.as_mut()
    }

    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.at(self.place(name)?)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.at_mut(self.place(name)?)
    }

    /// Adds a thing whose name is free.
    pub(super) fn insert(&mut self, name: Name, thing: T) {
        let place = self.free.pop().unwrap_or(self.things.len() as u32);
        match self.things.get_mut(place as usize) {
            Some(free) => *free = Some(thing),
            None => self.things.push(Some(thing)),
        }
        self.places.insert(name, place);
    }

    /// Takes a thing out; its place may be given to another one afterwards.
    pub(super) fn remove(&mut self, name: &str) -> Option<(u32, T)> {
        let place = self.places.remove(name)?;
        let thing = self.things.get_mut(place as usize)?.take()?;
        self.free.push(place);
        Some((place, thing))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.things.iter().flatten()
    }
}
