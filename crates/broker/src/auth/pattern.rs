//! Regular expressions of permissions and policies, read the way RabbitMQ reads them.
//!
//! RabbitMQ hands these to PCRE without its UTF mode: an expression and its subject are bytes, the
//! match is not anchored, look-around and back references work. Here every byte becomes the
//! character of the same number before compiling and matching, which gives exactly those answers
//! for names in any language and for binary routing keys. Look-around costs backtracking; it is
//! bounded, and an expression that exceeds the bound does not match (as with PCRE's match limit).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::dialect;

/// How often the matcher may backtrack for one subject before the answer is "no match".
const BACKTRACK_MAX: usize = 200_000;
/// Bytes one compiled expression may take; longer ones are refused when they are set.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// A compiled regular expression that remembers its source text. Cheap to clone.
#[derive(Clone)]
pub struct Pattern {
    source: Arc<str>,
    matcher: Matcher,
}

#[derive(Clone)]
enum Matcher {
    /// `.*`: by far the most common permission, so it costs nothing.
    Everything,
    /// The empty text, which RabbitMQ reads as `^$`.
    OnlyEmpty,
    Expression(Arc<fancy_regex::Regex>),
}

/// The expression cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("regular expression '{source_text}' is invalid: {reason}")]
pub struct PatternError {
    /// The expression as it was given.
    pub source_text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Pattern {
    /// Compiles `source`. An empty text matches only the empty name, as RabbitMQ's access control
    /// guide says: `''` is the same as `'^$'`.
    ///
    /// # Errors
    /// The text is not a regular expression, or would compile to more than 1 MiB.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        Self::with_values(source, &[])
    }

    /// Compiles `source` after putting values in place of placeholders: `("username", "joe")`
    /// replaces each `{username}`. The value matches itself only; it is not read as an expression.
    ///
    /// # Errors
    /// As for [`Pattern::new`].
    pub fn with_values(source: &str, values: &[(&str, &str)]) -> Result<Self, PatternError> {
        let matcher = match source {
            ".*" => Matcher::Everything,
            "" => Matcher::OnlyEmpty,
            _ => Matcher::Expression(Arc::new(compile(source, values)?)),
        };
        Ok(Self { source: source.into(), matcher })
    }

    /// `.*`.
    pub fn everything() -> Self {
        Self { source: ".*".into(), matcher: Matcher::Everything }
    }

    /// Whether the expression matches anywhere in `subject`.
    pub fn matches(&self, subject: &[u8]) -> bool {
        match &self.matcher {
            Matcher::Everything => true,
            Matcher::OnlyEmpty => subject.is_empty(),
            // An error here is the backtracking bound: refusing is the safe answer.
            Matcher::Expression(regex) => regex.is_match(&*latin1(subject)).unwrap_or(false),
        }
    }

    /// The expression as it was given.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

fn compile(source: &str, values: &[(&str, &str)]) -> Result<fancy_regex::Regex, PatternError> {
    let mut text = latin1(source.as_bytes()).into_owned();
    for (key, value) in values {
        let placeholder = format!("{{{key}}}");
        if text.contains(&placeholder) {
            text = text.replace(&placeholder, &fancy_regex::escape(&latin1(value.as_bytes())));
        }
    }
    fancy_regex::RegexBuilder::new(&dialect::translate(&text))
        .backtrack_limit(BACKTRACK_MAX)
        .delegate_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| PatternError { source_text: source.to_owned(), reason: error.to_string() })
}

/// Each byte as the character of the same number; borrowed when all are ASCII.
fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_rabbitmq_does() {
        // (expression, subject, answer)
        let table: &[(&str, &[u8], bool)] = &[
            ("", b"", true),
            ("", b"orders", false),
            (".*", b"", true),
            (".*", b"any\nthing", true),
            ("orders", b"my-orders-2", true),
            ("^orders$", b"my-orders", false),
            ("^(?!amq\\.).*", b"orders", true),
            ("^(?!amq\\.).*", b"amq.direct", false),
            ("^(orders|billing)(\\..*)?$", b"billing.eu", true),
            ("^(orders|billing)(\\..*)?$", b"billings", false),
            ("^(a+)\\.\\1$", b"aa.aa", true),
            ("^(a+)\\.\\1$", b"aa.a", false),
            ("^..$", "\u{e9}".as_bytes(), true),
            ("^\u{e9}$", "\u{e9}".as_bytes(), true),
            ("^.$", &[0xff], true),
            ("^.$", &[0xff, 0xfe], false),
            ("^\\xff", &[0xff, 0x00], true),
        ];
        for (expression, subject, answer) in table {
            let pattern = Pattern::new(expression).unwrap();
            assert_eq!(pattern.matches(subject), *answer, "{expression:?} on {subject:?}");
            assert_eq!(pattern.as_str(), *expression);
        }
    }

    #[test]
    fn values_match_themselves_only() {
        let values = [("username", "a.b"), ("vhost", "/x")];
        let pattern = Pattern::with_values("^{username}\\.{vhost}-{client_id}$", &values).unwrap();
        assert!(pattern.matches(b"a.b./x-{client_id}"));
        assert!(!pattern.matches(b"aXb./x-{client_id}"));
    }

    #[test]
    fn invalid_expressions_are_refused_with_a_reason() {
        for text in ["[", "(", "a(?<", "*", "(?<=a+)\\"] {
            let error = Pattern::new(text).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
            assert!(!error.reason.is_empty());
        }
    }

    #[test]
    fn runaway_backtracking_is_no_match() {
        let source = "^((a+)\\2?)+c$";
        let subject = [b"a".repeat(200), b"b".to_vec()].concat();
        let raw = compile(source, &[]).unwrap();
        assert!(raw.is_match(&*latin1(&subject)).is_err(), "meets the bound");
        assert!(!Pattern::new(source).unwrap().matches(&subject));
    }

    proptest::proptest! {
        #[test]
        fn any_text_compiles_or_is_refused(
            source in "[ab(){}|?*+<>=!:^$.,0-9\\\\QEhxw\\[\\]&~-]{0,24}",
            subject: Vec<u8>,
        ) {
            if let Ok(pattern) = Pattern::new(&source) {
                pattern.matches(&subject);
            }
        }
    }
}
