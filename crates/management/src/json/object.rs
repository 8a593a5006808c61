//! An object, of which only those attributes are made that somebody asked for: a list that is sorted by one, or cut to a few, need not
//! write all the others of every entry.

use serde_json::{Map, Value};

/// Attributes that are asked for, by name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    All,
    Only(&'a [&'a str]),
}

impl Wanted<'_> {
    fn has(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(&name),
        }
    }

    fn has_any(self, is_one: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| is_one(name)),
        }
    }
}

/// An object that is being written.
pub(crate) struct Object<'a> {
    wanted: Wanted<'a>,
    json: Map<String, Value>,
}

impl<'a> Object<'a> {
    pub(crate) fn new(wanted: Wanted<'a>) -> Self {
        Self { wanted, json: Map::new() }
    }

    /// An attribute, made if it is asked for.
    pub(crate) fn put<V: Into<Value>>(&mut self, name: &str, value: impl FnOnce() -> V) {
        if self.wanted.has(name) {
            self.json.insert(name.to_owned(), value().into());
        }
    }

    /// An attribute that there may not be.
    pub(crate) fn put_known(&mut self, name: &str, value: impl FnOnce() -> Option<Value>) {
        if self.wanted.has(name)
            && let Some(value) = value()
        {
            self.json.insert(name.to_owned(), value);
        }
    }

    /// Several attributes that are made together, if any of them is asked for.
    pub(crate) fn append(
        &mut self,
        is_one: impl Fn(&str) -> bool,
        more: impl FnOnce() -> Map<String, Value>,
    ) {
        if self.wanted.has_any(is_one) {
            self.json.append(&mut more());
        }
    }

    pub(crate) fn end(self) -> Value {
        Value::Object(self.json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_nobody_asked_for_is_not_made() {
        let write = |wanted| {
            let mut made = Vec::new();
            let mut object = Object::new(wanted);
            object.put("a", || {
                made.push("a");
                1
            });
            object.append(
                |name| name.starts_with('b'),
                || {
                    made.push("b");
                    Map::from_iter([("b".to_owned(), json!(2)), ("bb".to_owned(), json!(3))])
                },
            );
            (object.end(), made)
        };
        assert_eq!(write(Wanted::All), (json!({ "a": 1, "b": 2, "bb": 3 }), vec!["a", "b"]));
        assert_eq!(write(Wanted::Only(&["a", "c"])), (json!({ "a": 1 }), vec!["a"]));
        // Those that are made together come together; who wants fewer cuts them.
        assert_eq!(write(Wanted::Only(&["bb"])), (json!({ "b": 2, "bb": 3 }), vec!["b"]));
    }
}
