//! `topic`: to every binding whose key, read as a pattern, matches the words of the routing key.
//!
//! In a pattern `*` stands for exactly one word and `#` for any number of words, none included (AMQP 0-9-1, section 3.1.3.3).
//!
//! The binding keys lie in a trie. Its nodes are numbers; all edges for plain words are in one map from (node, word) to node, so
//! that a step is one look-up whatever the node's fan-out, and a binding costs a few dozen bytes for each word that no other
//! binding shares.

mod matcher;
mod words;

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::target::{Target, TargetSet};
use words::{KeyWords, Word, Words};

/// Number of a node; 0 is the root.
type Node = u32;

/// No such node. The root is nobody's child.
const NONE: Node = 0;

/// How a node hangs on its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Word(Word),
    /// `*`
    One,
    /// `#`
    Many,
}

#[derive(Debug)]
struct NodeState {
    parent: Node,
    edge: Edge,
    /// Child by `*`, or [`NONE`].
    one: Node,
    /// Child by `#`, or [`NONE`].
    many: Node,
    /// Children by words.
    word_children: u32,
    /// Where the patterns lead that end here.
    targets: TargetSet,
}

impl NodeState {
    fn new(parent: Node, edge: Edge) -> Self {
        Self { parent, edge, one: NONE, many: NONE, word_children: 0, targets: TargetSet::default() }
    }

    fn is_unused(&self) -> bool {
        self.targets.is_empty() && self.word_children == 0 && self.one == NONE && self.many == NONE
    }
}

#[derive(Debug)]
pub(crate) struct TopicRouter {
    nodes: Vec<NodeState>,
    free: Vec<Node>,
    edges: HashMap<(Node, Word), Node, RandomState>,
    words: Words,
}

impl Default for TopicRouter {
    fn default() -> Self {
        let root = NodeState::new(NONE, Edge::Many);
        Self { nodes: vec![root], free: Vec::new(), edges: HashMap::default(), words: Words::default() }
    }
}

impl TopicRouter {
    pub(crate) fn bind(&mut self, pattern: &[u8], target: Target) {
        let mut node = 0;
        for text in words::split(pattern) {
            node = match text {
                b"*" => self.wildcard_child(node, Edge::One),
                b"#" => self.wildcard_child(node, Edge::Many),
                text => self.word_child(node, text),
            };
        }
        self.nodes[node as usize].targets.insert(target);
    }

    pub(crate) fn unbind(&mut self, pattern: &[u8], target: Target) {
        let mut node = 0;
        for text in words::split(pattern) {
            let state = &self.nodes[node as usize];
            node = match text {
                b"*" => state.one,
                b"#" => state.many,
                text => self.edges.get(&(node, self.words.find(text))).copied().unwrap_or(NONE),
            };
            if node == NONE {
                return;
            }
        }
        self.nodes[node as usize].targets.remove(target);
        self.prune(node);
    }

    pub(crate) fn route(&self, key: &[u8], matched: &mut impl FnMut(Target)) {
        let words = KeyWords::of(&self.words, key);
        matcher::Matcher::new(self, words.as_slice(), matched).run();
    }

    fn wildcard_child(&mut self, parent: Node, edge: Edge) -> Node {
        let state = &self.nodes[parent as usize];
        let child = if edge == Edge::One { state.one } else { state.many };
        if child != NONE {
            return child;
        }
        let child = self.add(parent, edge);
        let state = &mut self.nodes[parent as usize];
        *(if edge == Edge::One { &mut state.one } else { &mut state.many }) = child;
        child
    }

    fn word_child(&mut self, parent: Node, text: &[u8]) -> Node {
        if let Some(child) = self.edges.get(&(parent, self.words.find(text))) {
            return *child;
        }
        let word = self.words.acquire(text);
        let child = self.add(parent, Edge::Word(word));
        self.nodes[parent as usize].word_children += 1;
        self.edges.insert((parent, word), child);
        child
    }

    fn add(&mut self, parent: Node, edge: Edge) -> Node {
        let state = NodeState::new(parent, edge);
        if let Some(node) = self.free.pop() {
            self.nodes[node as usize] = state;
            node
        } else {
            self.nodes.push(state);
            (self.nodes.len() - 1) as Node
        }
    }

    /// Takes nodes that lead nowhere away, from this one upwards.
    fn prune(&mut self, mut node: Node) {
        while node != 0 && self.nodes[node as usize].is_unused() {
            let NodeState { parent, edge, .. } = self.nodes[node as usize];
            let state = &mut self.nodes[parent as usize];
            match edge {
                Edge::One => state.one = NONE,
                Edge::Many => state.many = NONE,
                Edge::Word(word) => {
                    state.word_children -= 1;
                    self.edges.remove(&(parent, word));
                    self.words.release(word);
                }
            }
            self.free.push(node);
            node = parent;
        }
    }
}

#[cfg(test)]
mod tests;
