//! Lists: filtered by name, sorted, divided into pages, cut to columns, in RabbitMQ's way. Nothing is written as JSON that is not on the
//! page and in its columns, but for the one attribute it is sorted by, unless that is known without JSON.

mod order;

use crate::call::Call;
use crate::error::ApiError;
use crate::json::Wanted;
use crate::reply::{Answer, Reply};
use axum::http::StatusCode;
pub(crate) use order::Key;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value, json};
use std::cmp::Ordering;

/// Entries of a page unless it is asked for otherwise.
const PAGE_SIZE: usize = 100;
/// Entries of a page at most.
const PAGE_SIZE_MAX: usize = 500;
/// Bytes of a compiled expression at most.
const REGEX_BYTES_MAX: usize = 1024 * 1024;

/// Which of two entries comes first.
pub(crate) type Order<T> = dyn Fn(&T, &T) -> Ordering;

/// How a kind of entry is listed.
pub(crate) struct Listed<'f, T> {
    /// What the filter `name` looks at.
    pub(crate) name: &'f dyn Fn(&T) -> &str,
    /// What it is sorted by, if that is known without JSON; else the attribute is made, and no other.
    pub(crate) key: &'f dyn Fn(&T, &str) -> Option<Key>,
    /// The order they have unless another is asked for; `None`: they come in it.
    pub(crate) order: Option<&'f Order<T>>,
    /// Its JSON: at least the attributes that are wanted, as far as it has them.
    pub(crate) json: &'f dyn Fn(&T, Wanted<'_>) -> Value,
}

/// The answer: entries in their order.
///
/// # Errors
/// 400: a page that is none, an expression that is none.
pub(crate) fn list<T>(call: &Call, mut entries: Vec<T>, listed: &Listed<'_, T>) -> Answer {
    let page = Page::of(call)?;
    let total = entries.len();
    if let Some(filter) = NameFilter::of(call)? {
        entries.retain(|entry| filter.matches((listed.name)(entry)));
    }
    let filtered = entries.len();
    let columns = columns(call);
    let attributes: Vec<&str> = columns.iter().filter_map(|column| column.first().copied()).collect();
    let cut = |entry: &T| match columns.is_empty() {
        true => (listed.json)(entry, Wanted::All),
        false => only(&(listed.json)(entry, Wanted::Only(&attributes)), &columns),
    };
    let Some(Page { number, size }) = page else {
        let entries = order::part(call, entries, listed, 0..filtered);
        return Ok(Reply::Json(Value::Array(entries.iter().map(cut).collect())));
    };
    let page_count = filtered.div_ceil(size);
    if number > page_count.max(1) {
        let reason = format!("Page out of range, page: {number} page size: {size}, len: {filtered}");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "page_out_of_range", reason));
    }
    let start = (number - 1) * size;
    let items: Vec<Value> = order::part(call, entries, listed, start..start + size).iter().map(cut).collect();
    Ok(Reply::Json(json!({
        "total_count": total,
        "filtered_count": filtered,
        "item_count": items.len(),
        "page": number,
        "page_size": size,
        "page_count": page_count,
        "items": items,
    })))
}

/// A list of entries that are cheap, as JSON already; filtered by `name`.
///
/// # Errors
/// As [`list`].
pub(crate) fn list_json(call: &Call, entries: Vec<Value>) -> Answer {
    let name = |value: &Value| value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let named: Vec<(String, Value)> = entries.into_iter().map(|value| (name(&value), value)).collect();
    let listed = Listed {
        name: &|entry: &(String, Value)| &entry.0,
        key: &|_, _| None,
        order: None,
        json: &|entry, _| entry.1.clone(),
    };
    list(call, named, &listed)
}

/// One object, cut to the columns asked for.
pub(crate) fn one(call: &Call, value: Value) -> Answer {
    let columns = columns(call);
    Ok(Reply::Json(if columns.is_empty() { value } else { only(&value, &columns) }))
}

struct Page {
    number: usize,
    size: usize,
}

impl Page {
    fn of(call: &Call) -> Result<Option<Self>, ApiError> {
        let (number, size) = (call.query("page"), call.query("page_size"));
        let Some(number) = number else { return Ok(None) };
        let invalid = || ApiError::bad_request("Pagination parameters are invalid");
        let number = number.parse::<usize>().map_err(|_| invalid())?;
        let size = size.map_or(Ok(PAGE_SIZE), str::parse).map_err(|_| invalid())?;
        if number == 0 || size == 0 || size > PAGE_SIZE_MAX {
            let size = call.query("page_size").unwrap_or("undefined");
            let reason = format!("Invalid pagination parameters: page number {number}, page size {size}");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_pagination_parameters", reason));
        }
        Ok(Some(Self { number, size }))
    }
}

enum NameFilter {
    Part(String),
    Expression(Regex),
}

impl NameFilter {
    fn of(call: &Call) -> Result<Option<Self>, ApiError> {
        let Some(name) = call.query("name") else { return Ok(None) };
        if !call.flag("use_regex") {
            return Ok(Some(Self::Part(name.to_lowercase())));
        }
        let expression = RegexBuilder::new(name).case_insensitive(true).size_limit(REGEX_BYTES_MAX).build();
        match expression {
            Ok(expression) => Ok(Some(Self::Expression(expression))),
            Err(error) => Err(ApiError::bad_request(format!("name is no regular expression: {error}"))),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Part(part) => name.contains(part.as_str()) || name.to_lowercase().contains(part.as_str()),
            Self::Expression(expression) => expression.is_match(name),
        }
    }
}

fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

fn columns(call: &Call) -> Vec<Vec<&str>> {
    let columns = call.query("columns").unwrap_or_default();
    columns.split(',').filter(|column| !column.is_empty()).map(|column| column.split('.').collect()).collect()
}

fn only(value: &Value, columns: &[Vec<&str>]) -> Value {
    if let Value::Array(values) = value {
        return Value::Array(values.iter().map(|value| only(value, columns)).collect());
    }
    let mut cut = Map::new();
    for column in columns {
        if let Some(found) = at(value, column) {
            insert(&mut cut, column, found);
        }
    }
    Value::Object(cut)
}

fn insert(into: &mut Map<String, Value>, path: &[&str], value: &Value) {
    match path {
        [] => {}
        [last] => _ = into.insert((*last).to_owned(), value.clone()),
        [first, rest @ ..] => {
            if let Value::Object(below) = into.entry(*first).or_insert_with(|| json!({})) {
                insert(below, rest, value);
            }
        }
    }
}

/// The parameters of a query, decoded.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = tail;
            }
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let expected = [("a", "b c"), ("d", "é/"), ("e", ""), ("f", "%zz")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs("a=b+c&d=%C3%A9%2F&&e&f=%zz"), expected);
    }

    #[test]
    fn columns_keep_their_nesting() {
        let value = json!({ "name": "q", "x": 1, "s": { "d": { "rate": 2.0, "n": 1 } } });
        let columns = [vec!["name"], vec!["s", "d", "rate"], vec!["nope"]];
        assert_eq!(only(&value, &columns), json!({ "name": "q", "s": { "d": { "rate": 2.0 } } }));
    }
}
