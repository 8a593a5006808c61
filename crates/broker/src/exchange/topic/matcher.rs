//! The walk of a routing key through the trie.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::words::{UNKNOWN, Word};
use super::{NONE, Node, TopicRouter};
use crate::exchange::target::Target;

/// One walk. Each pair of node and place in the key is visited at most once, so many `#` in a pattern cannot make it explode.
pub(super) struct Matcher<'a, F> {
    trie: &'a TopicRouter,
    words: &'a [Word],
    matched: &'a mut F,
    entered: Entered,
}

impl<'a, F: FnMut(Target)> Matcher<'a, F> {
    pub(super) fn new(trie: &'a TopicRouter, words: &'a [Word], matched: &'a mut F) -> Self {
        Self { trie, words, matched, entered: Entered::default() }
    }

    pub(super) fn run(mut self) {
        self.visit(0, 0);
    }

    /// At `node` when the words before `place` are used up. Recurses once for each word of a pattern: at most 256 deep.
    fn visit(&mut self, node: Node, place: usize) {
        let state = &self.trie.nodes[node as usize];
        if place == self.words.len() {
            state.targets.as_slice().iter().copied().for_each(&mut *self.matched);
        }
        self.visit_children(node, place);
        if state.many != NONE {
            self.enter_many(state.many, place);
        }
    }

    /// The children that use up the word at `place`.
    fn visit_children(&mut self, node: Node, place: usize) {
        let Some(word) = self.words.get(place) else { return };
        let state = &self.trie.nodes[node as usize];
        if state.one != NONE {
            self.visit(state.one, place + 1);
        }
        if state.word_children > 0
            && *word != UNKNOWN
            && let Some(child) = self.trie.edges.get(&(node, *word))
        {
            self.visit(*child, place + 1);
        }
    }

    /// A `#` that starts at `place` may end at every later place too. What an earlier entry has seen is not seen again.
    fn enter_many(&mut self, node: Node, place: usize) {
        let seen_from = self.entered.replace(node, place);
        let state = &self.trie.nodes[node as usize];
        if seen_from.is_none() {
            // The pattern may end here: `#` takes all words that are left.
            state.targets.as_slice().iter().copied().for_each(&mut *self.matched);
        }
        for place in place..seen_from.unwrap_or(self.words.len() + 1) {
            self.visit_children(node, place);
            if state.many != NONE {
                self.enter_many(state.many, place);
            }
        }
    }
}

/// For each `#` node that was entered, the first place at which that happened.
#[derive(Default)]
#[expect(clippy::box_collection, reason = "most walks need none, and it is made for each")]
struct Entered {
    few: [(Node, usize); 8],
    len: usize,
    more: Option<Box<HashMap<Node, usize, RandomState>>>,
}

impl Entered {
    /// Notes the place; gives back the earliest one noted before, or `place` when that was earlier still.
    fn replace(&mut self, node: Node, place: usize) -> Option<usize> {
        let known = self.few[..self.len].iter_mut().find(|(found, _)| *found == node);
        if let Some((_, first)) = known {
            return Some(std::mem::replace(first, place.min(*first)));
        }
        if let Some(free) = self.few.get_mut(self.len) {
            *free = (node, place);
            self.len += 1;
            return None;
        }
        let more = self.more.get_or_insert_default();
        let Some(first) = more.get_mut(&node) else {
            more.insert(node, place);
            return None;
        };
        Some(std::mem::replace(first, place.min(*first)))
    }
}
