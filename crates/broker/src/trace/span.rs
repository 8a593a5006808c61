//! A finished span, as plain data, and who gets it.

/// Something that took a while, in a trace.
///
/// Names and attributes follow OpenTelemetry's conventions for messaging; what they have no word for begins with `leveret.`.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: [u8; 16],
    /// Its own id.
    pub span_id: [u8; 8],
    /// The span it is part of.
    pub parent: Option<[u8; 8]>,
    /// What and where, such as `deliver orders`.
    pub name: String,
    /// Its part in the conversation.
    pub kind: SpanKind,
    /// Nanoseconds since 1970.
    pub start_ns: u64,
    /// The same, not before its start.
    pub end_ns: u64,
    /// What there is to know.
    pub attributes: Vec<(&'static str, Value)>,
    /// Spans it is not part of and has to do with.
    pub links: Vec<Link>,
    /// What went wrong, in a word or more; `None` for nothing.
    pub error: Option<&'static str>,
}

/// Kinds of spans. Source: OpenTelemetry, "Trace API", SpanKind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// The broker's own doing: routing, retrying, dead-lettering.
    Internal,
    /// What a client asked for: publishing, settling.
    Server,
    /// What the broker starts at a client: a delivery.
    Producer,
}

/// A span of the same or another trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its trace.
    pub trace_id: [u8; 16],
    /// Its id.
    pub span_id: [u8; 8],
}

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Texts.
    Texts(Vec<String>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// Gets finished spans, in no order. Called where messages pass: it must neither wait nor lock for long, and drop what is too much.
pub trait TraceSink: Send + Sync {
    /// A span ended.
    fn span(&self, span: Span);
}
