//! What can be wrong with a URI, and what to write instead. No text repeats user or password.

/// Why a URI was refused. The text says what to write instead; it never repeats user or password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// There is no `://`.
    #[error("the URI has no scheme; write amqp://host/vhost or amqps://host/vhost")]
    NoScheme,
    /// The scheme is neither `amqp` nor `amqps`.
    #[error("the scheme {0:?} is not known; write amqp:// or amqps://")]
    Scheme(String),
    /// A `#`, which begins a fragment and means nothing here.
    #[error("the URI contains an unencoded '#'; in a user, password or vhost write it as %23")]
    Fragment,
    /// `%` without two hexadecimal digits.
    #[error(
        "a '%' in the {0} is not followed by two hexadecimal digits; write a literal percent sign as %25"
    )]
    PercentEncoding(&'static str),
    /// Decoded bytes that are no UTF-8.
    #[error("the {0} is not UTF-8 after decoding its percent signs")]
    NotUtf8(&'static str),
    /// A host that cannot be one.
    #[error("{0:?} is not a host; write host, host:port or [IPv6]:port, several separated by commas")]
    Host(String),
    /// A port that is none.
    #[error("{0:?} is not a port; it is a number from 1 to 65535")]
    Port(String),
    /// A slash in the virtual host.
    #[error("the vhost contains an unencoded '/'; write it as %2F, so the default vhost is amqp://host/%2F")]
    VhostSlash,
    /// A parameter without `=`.
    #[error("the parameter {0:?} has no value; write {0}=value")]
    NoValue(String),
    /// A parameter nobody knows.
    #[error("the parameter {name:?} is not known; did you mean {nearest:?}?")]
    UnknownParameter {
        /// The parameter.
        name: String,
        /// The known parameter whose name is nearest.
        nearest: &'static str,
    },
    /// A parameter with a value that it cannot have.
    #[error("the parameter {name} cannot be {value:?}; it is {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it could be.
        expected: &'static str,
    },
    /// A parameter that stands there twice and takes one value.
    #[error("the parameter {0} is given twice; give it once")]
    Duplicate(&'static str),
    /// A TLS parameter in an `amqp://` URI, where it would have been ignored.
    #[error("the parameter {0} is about TLS and the URI is amqp://; write amqps://")]
    TlsOnly(&'static str),
    /// A parameter of another client that this one does not honour.
    #[error("the parameter {name} is not supported: {instead}")]
    Unsupported {
        /// The parameter.
        name: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

/// The name with the least edits; names are few and short, so quadratic is fine.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> &'a str {
    let name = name.to_ascii_lowercase();
    known.into_iter().min_by_key(|candidate| edits(&name, candidate)).unwrap_or_default()
}

fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let above = *cell;
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            (diagonal, *cell) = (above, left);
        }
    }
    row.last().copied().unwrap_or_default()
}
