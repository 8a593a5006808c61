//! The words of keys as numbers, so that a step through the trie compares and hashes four bytes.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Number of a word that some binding key contains.
pub(super) type Word = u32;

/// Stands for every word that no binding key contains: only a wildcard matches it.
pub(super) const UNKNOWN: Word = u32::MAX;

/// The words of all binding keys, each with how often it is used.
#[derive(Debug, Default)]
pub(super) struct Words {
    numbers: HashMap<Box<[u8]>, (Word, u32), RandomState>,
    texts: Vec<Box<[u8]>>,
    free: Vec<Word>,
}

impl Words {
    /// The number of a word, counting one more use of it.
    pub(super) fn acquire(&mut self, text: &[u8]) -> Word {
        if let Some((word, uses)) = self.numbers.get_mut(text) {
            *uses += 1;
            return *word;
        }
        let word = if let Some(word) = self.free.pop() {
            self.texts[word as usize] = text.into();
            word
        } else {
            self.texts.push(text.into());
            (self.texts.len() - 1) as Word
        };
        self.numbers.insert(text.into(), (word, 1));
        word
    }

    /// Counts one use less; forgets the word with the last one.
    pub(super) fn release(&mut self, word: Word) {
        let Some(text) = self.texts.get_mut(word as usize) else { return };
        let Some((_, uses)) = self.numbers.get_mut(&**text) else { return };
        *uses -= 1;
        if *uses == 0 {
            self.numbers.remove(&**text);
            *text = Box::default();
            self.free.push(word);
        }
    }

    pub(super) fn find(&self, text: &[u8]) -> Word {
        self.numbers.get(text).map_or(UNKNOWN, |(word, _)| *word)
    }
}

/// The words between the dots. An empty key has none; `.` has two empty ones.
pub(super) fn split(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    let none = if key.is_empty() { 0 } else { usize::MAX };
    key.split(|byte| *byte == b'.').take(none)
}

/// The numbers of the words of a routing key; the short ones, which are most, stay off the heap.
pub(super) struct KeyWords {
    inline: [Word; INLINE],
    len: usize,
    spilled: Vec<Word>,
}

const INLINE: usize = 16;

impl KeyWords {
    pub(super) fn of(words: &Words, key: &[u8]) -> Self {
        let mut found = Self { inline: [UNKNOWN; INLINE], len: 0, spilled: Vec::new() };
        for text in split(key) {
            let word = words.find(text);
            if let Some(place) = found.inline.get_mut(found.len) {
                *place = word;
                found.len += 1;
            } else {
                if found.spilled.is_empty() {
                    found.spilled.extend(found.inline);
                }
                found.spilled.push(word);
            }
        }
        found
    }

    pub(super) fn as_slice(&self) -> &[Word] {
        if self.spilled.is_empty() { &self.inline[..self.len] } else { &self.spilled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_separate_words_and_an_empty_key_has_none() {
        for (key, expected) in
            [("", vec![]), ("a", vec!["a"]), (".", vec!["", ""]), ("a..b.", vec!["a", "", "b", ""])]
        {
            let words: Vec<_> = split(key.as_bytes()).collect();
            assert_eq!(words, expected.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn numbers_are_given_out_again_after_the_last_use() {
        let mut words = Words::default();
        let first = words.acquire(b"a");
        assert_eq!(words.acquire(b"a"), first);
        words.release(first);
        assert_eq!(words.find(b"a"), first);
        words.release(first);
        assert_eq!(words.find(b"a"), UNKNOWN);
        assert_eq!(words.acquire(b"b"), first);
    }

    #[test]
    fn long_keys_keep_every_word() {
        let mut words = Words::default();
        words.acquire(b"a");
        for count in [1, INLINE, INLINE + 1, 100] {
            let key = vec!["a"; count].join(".");
            assert_eq!(KeyWords::of(&words, key.as_bytes()).as_slice(), vec![0; count]);
        }
    }
}
