//! What every kind of thing has in common: it is listed, shown and deleted, and may not be there.

use super::args::{Common, InVhost, One, OneInVhost};
use crate::config::nearest;
use crate::failure::{Failure, Outcome};
use crate::http::{Api, HttpError, path};
use crate::output::{Column, Kind, print_json, table};
use serde_json::{Value, json};

/// A kind of thing the HTTP API has.
pub(crate) struct Noun {
    /// Its name in paths: `queues`.
    pub(crate) path: &'static str,
    /// One of them: `queue`.
    pub(crate) one: &'static str,
    /// The command that lists them.
    pub(crate) command: &'static str,
    /// Whether a virtual host stands between path and name.
    pub(crate) is_in_vhost: bool,
    /// Whether the API gives it in pages.
    pub(crate) is_paged: bool,
    /// Columns that are shown: heading, key with dots, kind.
    pub(crate) columns: &'static [(&'static str, &'static str, Kind)],
}

impl Noun {
    /// Parts of the path of one.
    pub(crate) fn parts<'a>(&self, vhost: &'a str, names: &[&'a str]) -> Vec<&'a str>
    where
        Self: 'static,
    {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        if self.is_in_vhost {
            parts.push(vhost);
        }
        parts.extend(names);
        parts
    }

    /// `queue 'orders' in vhost '/'`.
    pub(crate) fn called(&self, vhost: &str, name: &str) -> String {
        let name = if name.is_empty() { "(the default)".to_owned() } else { format!("'{name}'") };
        if self.is_in_vhost {
            format!("{} {name} in vhost '{vhost}'", self.one)
        } else {
            format!("{} {name}", self.one)
        }
    }

    /// Asks for something about one; when it is not there, says which names are near.
    pub(crate) fn ask(
        &self,
        api: &Api,
        (vhost, name): (&str, &str),
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        match api.send(method, path, body) {
            Ok(answer) => Ok(answer),
            Err(error) if error.status() == Some(404) => Err(self.missing(api, vhost, name)),
            Err(error) => Err(self.refused(error, vhost, name)),
        }
    }

    /// Deletes one with a header that says why.
    pub(crate) fn ask_with_header(
        &self,
        api: &Api,
        (vhost, name): (&str, &str),
        path: &str,
        header: (&str, &str),
    ) -> Result<(), Failure> {
        match api.delete_with_header(path, header) {
            Ok(()) => Ok(()),
            Err(error) if error.status() == Some(404) => Err(self.missing(api, vhost, name)),
            Err(error) => Err(error.into()),
        }
    }

    fn refused(&self, error: HttpError, vhost: &str, name: &str) -> Failure {
        match &error {
            HttpError::Refused { status: 400 | 405 | 409, reason, .. } => {
                Failure::new(format!("{}: {reason}", self.called(vhost, name)))
            }
            _ => error.into(),
        }
    }

    /// What to say of one that is not there.
    fn missing(&self, api: &Api, vhost: &str, name: &str) -> Failure {
        let names = |path: &str| -> Option<Vec<String>> {
            let list = api.get(path).ok()?;
            let list = list.as_array()?;
            Some(
                list.iter()
                    .filter_map(|one| Some(one["name"].as_str().or(one["user"].as_str())?.to_owned()))
                    .collect(),
            )
        };
        if self.is_in_vhost
            && let Some(vhosts) = names("vhosts?columns=name")
            && !vhosts.iter().any(|known| known == vhost)
        {
            return Failure::new(format!("there is no vhost '{vhost}'{}", hint(vhost, &vhosts, "vhosts")));
        }
        let list = path(&self.parts(vhost, &[]));
        let known = names(&format!("{list}?columns=name,user")).unwrap_or_default();
        Failure::new(format!("there is no {}{}", self.called(vhost, name), hint(name, &known, self.command)))
    }

    /// `show`: everything about one, a line per key.
    pub(crate) fn show(&self, api: &Api, vhost: &str, names: &[&str], common: &Common) -> Outcome {
        let name = names.last().copied().unwrap_or_default();
        let found = self.ask(api, (vhost, name), "GET", &path(&self.parts(vhost, names)), None)?;
        show(&found, common)
    }

    /// `delete`.
    pub(crate) fn delete(
        &self,
        api: &Api,
        vhost: &str,
        names: &[&str],
        query: &str,
        common: &Common,
    ) -> Outcome {
        let name = names.last().copied().unwrap_or_default();
        let path = path(&self.parts(vhost, names)) + query;
        self.ask(api, (vhost, name), "DELETE", &path, None)?;
        self.done("deleted", vhost, name, common)
    }

    /// `declare` and `set`.
    pub(crate) fn put(
        &self,
        api: &Api,
        vhost: &str,
        names: &[&str],
        body: &Value,
        common: &Common,
    ) -> Outcome {
        let name = names.last().copied().unwrap_or_default();
        self.ask(api, (vhost, name), "PUT", &path(&self.parts(vhost, names)), Some(body))?;
        // Entities are declared, as in AMQP; everything else is set.
        let done = if matches!(self.path, "queues" | "exchanges" | "vhosts") { "declared" } else { "set" };
        self.done(done, vhost, name, common)
    }

    /// Says that something was done with one.
    pub(crate) fn done(&self, what: &str, vhost: &str, name: &str, common: &Common) -> Outcome {
        let mut said = json!({"done": what, self.one: name});
        if self.is_in_vhost {
            said["vhost"] = vhost.into();
        }
        common.output.done(&format!("{} {what}", self.called(vhost, name)), &said)?;
        super::DONE
    }

    /// `delete` of a virtual host's.
    pub(crate) fn delete_in(&self, names: &[&str], query: &str, place: &InVhost) -> Outcome {
        let (api, vhost) = place.find()?;
        self.delete(&api, &vhost, names, query, &place.common)
    }

    /// `declare` and `set` of a virtual host's.
    pub(crate) fn put_in(&self, names: &[&str], body: &Value, place: &InVhost) -> Outcome {
        let (api, vhost) = place.find()?;
        self.put(&api, &vhost, names, body, &place.common)
    }

    /// `show NAME` of a virtual host.
    pub(crate) fn show_one_in_vhost(&self, one: &OneInVhost) -> Outcome {
        let (api, vhost) = one.place.find()?;
        self.show(&api, &vhost, &[&one.name], &one.place.common)
    }

    /// `delete NAME` of a virtual host.
    pub(crate) fn delete_one_in_vhost(&self, one: &OneInVhost) -> Outcome {
        self.delete_in(&[&one.name], "", &one.place)
    }

    /// `show NAME`.
    pub(crate) fn show_one(&self, one: &One) -> Outcome {
        self.show(&one.common.api()?, "", &[&one.name], &one.common)
    }

    /// `delete NAME`.
    pub(crate) fn delete_one(&self, one: &One) -> Outcome {
        self.delete(&one.common.api()?, "", &[&one.name], "", &one.common)
    }
}

/// `; did you mean 'orders'?`, or the command that lists them.
fn hint(name: &str, known: &[String], command: &str) -> String {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean '{near}'? `leveret {command} list` shows all"),
        None if known.is_empty() => "; there are none".into(),
        None => format!("; `leveret {command} list` shows all {}", known.len()),
    }
}

/// An object, a line per key; objects in it are taken apart.
pub(crate) fn show(found: &Value, common: &Common) -> Outcome {
    if common.output.json {
        print_json(found)?;
        return super::DONE;
    }
    let mut rows = Vec::new();
    flatten("", found, &mut rows);
    let columns = [("key", "key", Kind::Text), ("value", "value", Kind::Text)].each_ref().map(Column::of);
    crate::output::print(&table(&columns, &rows, false, false))?;
    super::DONE
}

fn flatten(prefix: &str, value: &Value, rows: &mut Vec<Value>) {
    match value {
        Value::Object(pairs) if !pairs.is_empty() => {
            for (key, value) in pairs {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, rows);
            }
        }
        Value::Array(values) if values.iter().any(Value::is_object) => {
            for (at, value) in values.iter().enumerate() {
                flatten(&format!("{prefix}[{at}]"), value, rows);
            }
        }
        value => rows.push(json!({"key": prefix, "value": value})),
    }
}
