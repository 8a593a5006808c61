//! From PCRE's way of writing regular expressions to that of the regex engine used here.
//!
//! Only spelling differs, and only in a few places people really use: a `{` that is not a
//! repetition is an ordinary character, brackets inside a class are ordinary characters, `\Q..\E`
//! quotes, `\<` is a plain `<`.

/// Rewrites `source` so that the engine reads it as PCRE would. Text that PCRE refuses stays text
/// that the engine refuses.
pub(super) fn translate(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 8);
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '\\' => escape(rest, &mut out, Place::Outside),
            '[' => class(rest, &mut out),
            '{' => brace(rest, &mut out),
            '}' => plain(rest, &mut out, '}', "\\}"),
            _ => plain(rest, &mut out, c, c.encode_utf8(&mut [0; 4])),
        };
    }
    out
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Outside,
    InClass,
}

fn plain<'a>(rest: &'a str, out: &mut String, c: char, written: &str) -> &'a str {
    out.push_str(written);
    &rest[c.len_utf8()..]
}

/// `rest` starts at a backslash.
fn escape<'a>(rest: &'a str, out: &mut String, place: Place) -> &'a str {
    let after = &rest[1..];
    let Some(c) = after.chars().next() else {
        out.push('\\');
        return after;
    };
    let tail = &after[c.len_utf8()..];
    match c {
        'Q' => {
            let (quoted, tail) = tail.split_once("\\E").unwrap_or((tail, ""));
            out.push_str(&fancy_regex::escape(quoted));
            return tail;
        }
        'E' => {}
        '<' | '>' => out.push(c),
        'e' => out.push_str("\\x1B"),
        'h' if place == Place::InClass => out.push_str(" \\t\\xA0"),
        'h' => out.push_str("[ \\t\\xA0]"),
        _ => {
            out.push('\\');
            out.push(c);
        }
    }
    tail
}

/// `rest` starts at `{`. It repeats what precedes it only as `{n}`, `{n,}` or `{n,m}`.
fn brace<'a>(rest: &'a str, out: &mut String) -> &'a str {
    if let Some(end) = rest.find('}') {
        let inner = &rest[1..end];
        let (from, to) = inner.split_once(',').unwrap_or((inner, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !from.is_empty() && digits(from) && digits(to) {
            out.push_str(&rest[..=end]);
            return &rest[end + 1..];
        }
    }
    plain(rest, out, '{', "\\{")
}

/// `rest` starts at the `[` that opens a class.
fn class<'a>(rest: &'a str, out: &mut String) -> &'a str {
    out.push('[');
    let mut rest = &rest[1..];
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(']') {
        out.push_str("\\]");
        rest = after;
    }
    while let Some(c) = rest.chars().next() {
        rest = match c {
            ']' => return plain(rest, out, c, "]"),
            '\\' => escape(rest, out, Place::InClass),
            '[' => match posix_class(rest) {
                Some(length) => {
                    out.push_str(&rest[..length]);
                    &rest[length..]
                }
                None => plain(rest, out, c, "\\["),
            },
            '&' => plain(rest, out, c, "\\&"),
            '~' => plain(rest, out, c, "\\~"),
            '-' if rest.starts_with("--") => plain(rest, out, c, "\\-"),
            _ => plain(rest, out, c, c.encode_utf8(&mut [0; 4])),
        };
    }
    rest
}

/// The length of `[:alpha:]` and the like at the start of `rest`.
fn posix_class(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix("[:")?;
    let end = inner.find(":]")?;
    let name = inner[..end].strip_prefix('^').unwrap_or(&inner[..end]);
    name.bytes().all(|b| b.is_ascii_lowercase()).then_some(end + 4)
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;

    #[test]
    fn pcre_spellings_mean_what_they_mean_there() {
        // (expression, subject that matches, subject that does not)
        let table = [
            ("^{name}$", "{name}", "name"),
            ("^a{2}$", "aa", "a{2}"),
            ("^a{1,}b{0,2}$", "aab", "bbb"),
            ("^a{,2}$", "a{,2}", "aa"),
            ("^x}$", "x}", "x"),
            ("^[]a]+$", "]a", "b"),
            ("^[^]a]+$", "bc", "]"),
            ("^[[a]+$", "[a", "b"),
            ("^[a&&b]+$", "a&b", "c"),
            ("^[a~~b]+$", "a~b", "c"),
            ("^[[:alpha:]_]+$", "ab_", "1"),
            ("^[\\w.-]+$", "a-b.c", "a b"),
            ("^\\Qa.b*\\E$", "a.b*", "axb"),
            ("^\\<x\\>$", "<x>", "x"),
            ("^a\\hb$", "a\tb", "ab"),
            ("^a\\/b\\-c\\_d$", "a/b-c_d", "abcd"),
            ("^(?i)Orders$", "ORDERS", "ORDER"),
            ("^(?>a+)b$", "aab", "aa"),
            ("^a++b$", "aab", "aa"),
        ];
        for (expression, yes, no) in table {
            let pattern = Pattern::new(expression).unwrap_or_else(|e| panic!("{e}"));
            assert!(pattern.matches(yes.as_bytes()), "{expression} should match {yes}");
            assert!(!pattern.matches(no.as_bytes()), "{expression} should not match {no}");
        }
    }
}
