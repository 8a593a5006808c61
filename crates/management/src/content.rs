//! What bodies of requests and answers hold, as a row of the table of routes says it for the OpenAPI document. Names of shapes are those
//! of `openapi/schemas.rs`.

/// What the body of a request is; the size it may have depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None is looked at.
    None,
    /// A JSON object with these keys.
    Object(&'static [&'static str]),
    /// A definitions document.
    Definitions,
}

/// What the body of an answer is that is no refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// There is none.
    Nothing,
    /// JSON of this shape.
    One(&'static str),
    /// A list of such JSON, or a page of one where lists have pages.
    Many(&'static str),
    /// A list that is empty: what it would hold is not here.
    NoEntries,
    /// Text of this media type.
    Text(&'static str),
}
