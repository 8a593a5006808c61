//! Routing keys that are meant: one, or all that a topic exchange's pattern matches.

use std::fmt;

/// A pattern of a topic exchange: words between dots, `*` for any one word, `#` for any number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPattern(Vec<Word>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Text(Box<[u8]>),
    Any,
    Rest,
}

impl KeyPattern {
    /// Every text is a pattern; without `*` and `#` it means that key alone.
    #[must_use]
    pub fn new(pattern: &[u8]) -> Self {
        let word = |text: &[u8]| match text {
            b"*" => Word::Any,
            b"#" => Word::Rest,
            text => Word::Text(text.into()),
        };
        Self(words(pattern).map(word).collect())
    }

    /// Whether a topic exchange would let this key through a binding with the pattern.
    #[must_use]
    pub fn matches(&self, key: &[u8]) -> bool {
        let key: Vec<&[u8]> = words(key).collect();
        let (mut at, mut word_at) = (0, 0);
        // Where the last `#` stands, and how many words of the key it has taken so far.
        let mut rest: Option<(usize, usize)> = None;
        while word_at < key.len() {
            match self.0.get(at) {
                Some(Word::Rest) => {
                    rest = Some((at, word_at));
                    at += 1;
                }
                Some(Word::Any) => (at, word_at) = (at + 1, word_at + 1),
                Some(Word::Text(text)) if **text == *key[word_at] => (at, word_at) = (at + 1, word_at + 1),
                _ => {
                    // The last `#` takes one word more.
                    let Some((rest_at, taken)) = &mut rest else { return false };
                    *taken += 1;
                    (at, word_at) = (*rest_at + 1, *taken);
                }
            }
        }
        self.0.get(at..).unwrap_or_default().iter().all(|word| *word == Word::Rest)
    }
}

impl fmt::Display for KeyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            match word {
                Word::Text(text) => write!(f, "{dot}{}", String::from_utf8_lossy(text))?,
                Word::Any => write!(f, "{dot}*")?,
                Word::Rest => write!(f, "{dot}#")?,
            }
        }
        Ok(())
    }
}

/// The words between the dots. An empty key has none.
fn words(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    key.split(|byte| *byte == b'.').take(if key.is_empty() { 0 } else { usize::MAX })
}
