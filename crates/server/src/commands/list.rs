//! `list`: pages put together, sorted, filtered, as a table or JSON.

use super::args::Common;
use super::noun::Noun;
use crate::client_file::{ClientFile, setting};
use crate::config::nearest;
use crate::failure::{Failure, Outcome};
use crate::http::{Api, encoded, path};
use crate::output::{Column, Kind, Progress, at, is_coloured, print, print_json, table};
use clap::Args;
use serde_json::Value;
use std::cmp::Ordering;

/// Things per request; RabbitMQ gives no more.
const PAGE_LEN: usize = 500;

/// How to list.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ListOptions {
    /// Only names that match this regular expression
    #[arg(long, short, value_name = "REGEX")]
    pub(crate) filter: Option<String>,

    /// Sorts by this column
    #[arg(long, short, value_name = "COLUMN")]
    pub(crate) sort: Option<String>,

    /// Largest first
    #[arg(long, short)]
    pub(crate) reverse: bool,

    /// Not more than this many
    #[arg(long, short, value_name = "COUNT")]
    pub(crate) limit: Option<usize>,

    /// Columns to show, with commas between: headings, or keys of the JSON with dots
    #[arg(long, short, value_name = "COLUMN,...", value_delimiter = ',', help_heading = "Output")]
    pub(crate) columns: Vec<String>,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// The same for things of a virtual host.
#[derive(Args, Clone, Debug)]
pub(crate) struct ListInVhost {
    /// Only those of this virtual host [env: LEVERET_VHOST] [default: all]
    #[arg(long, short = 'V', value_name = "NAME")]
    pub(crate) vhost: Option<String>,
    #[command(flatten)]
    pub(crate) list: ListOptions,
}

impl ListInVhost {
    /// Lists a kind of thing.
    pub(crate) fn run(self, noun: &Noun) -> Outcome {
        let vhost = setting(self.vhost.clone(), "LEVERET_VHOST", ClientFile::read()?.vhost);
        match vhost {
            None => self.list.run(noun, noun.path),
            Some(vhost) => {
                // Connections, channels and consumers of a virtual host have paths of their own kind.
                let parts = match noun.path {
                    "connections" | "channels" => vec!["vhosts", &vhost, noun.path],
                    _ => noun.path.split('/').chain([vhost.as_str()]).collect(),
                };
                self.list.clone().run(noun, &path(&parts)).or_else(|failure| {
                    // The answer to a list does not say so.
                    let place = path(&["vhosts", &vhost]);
                    VHOST.ask(&self.list.common.api()?, ("", &vhost), "GET", &place, None)?;
                    Err(failure)
                })
            }
        }
    }
}

const VHOST: Noun = super::vhosts::NOUN;

impl ListOptions {
    /// Lists what is at a path.
    pub(crate) fn run(self, noun: &Noun, path: &str) -> Outcome {
        let api = self.common.api()?;
        let columns = self.wanted(noun);
        let rows = self.rows(&api, noun, path, &columns)?;
        self.print(&rows, &columns)
    }

    /// Prints rows that were fetched otherwise.
    pub(crate) fn print(&self, rows: &[Value], columns: &[Column]) -> Outcome {
        if !self.columns.is_empty() {
            check(rows, columns)?;
        }
        if self.common.output.json {
            print_json(&Value::Array(rows.to_vec()))?;
        } else {
            print(&table(columns, rows, !self.common.output.quiet, is_coloured()))?;
        }
        super::DONE
    }

    /// The columns that are asked for.
    pub(crate) fn wanted(&self, noun: &Noun) -> Vec<Column> {
        let known = || noun.columns.iter().map(Column::of);
        if self.columns.is_empty() {
            return known().collect();
        }
        let named = |name: &String| {
            let same = known().find(|column| column.title == *name || column.path == *name);
            same.unwrap_or_else(|| Column::of(&(name, name, Kind::Text)))
        };
        self.columns.iter().map(named).collect()
    }

    /// Everything that is asked for, in order.
    pub(crate) fn rows(
        &self,
        api: &Api,
        noun: &Noun,
        path: &str,
        columns: &[Column],
    ) -> Result<Vec<Value>, Failure> {
        let sort = self.sort.as_ref().map(|sort| {
            let same = noun.columns.iter().find(|(title, ..)| title == sort);
            same.map_or(sort.as_str(), |(_, path, _)| path)
        });
        match noun.is_paged {
            true => self.pages(api, path, sort, columns),
            false => self.whole(api, path, sort),
        }
    }

    fn pages(
        &self,
        api: &Api,
        path: &str,
        sort: Option<&str>,
        columns: &[Column],
    ) -> Result<Vec<Value>, Failure> {
        let mut query = format!("page_size={}", self.limit.unwrap_or(PAGE_LEN).clamp(1, PAGE_LEN));
        if let Some(filter) = &self.filter {
            query += &format!("&name={}&use_regex=true", encoded(filter));
        }
        if let Some(sort) = sort {
            query += &format!("&sort={}&sort_reverse={}", encoded(sort), self.reverse);
        }
        // What only a person reads need not be computed and sent. Columns of a person's own are looked for in everything.
        if self.columns.is_empty() && !self.common.output.json {
            let paths: Vec<&str> = columns.iter().map(|column| column.path.as_str()).collect();
            query += &format!("&columns={}", paths.join(","));
        }
        let progress = Progress::new("reading", 0, true);
        let mut rows = Vec::new();
        for page in 1.. {
            let found = api.get(&format!("{path}?page={page}&{query}"))?;
            let Some(items) = found["items"].as_array() else {
                // A list that knows no pages is whole.
                return Ok(found.as_array().cloned().unwrap_or_default());
            };
            progress.add(items.len() as u64);
            rows.extend_from_slice(items);
            let is_last = found["page_count"].as_u64().is_none_or(|count| count <= page);
            if is_last || items.is_empty() || self.limit.is_some_and(|limit| rows.len() >= limit) {
                break;
            }
        }
        if sort.is_none() && self.reverse {
            rows.reverse();
        }
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(rows)
    }

    fn whole(&self, api: &Api, path: &str, sort: Option<&str>) -> Result<Vec<Value>, Failure> {
        self.arranged(api.get(path)?.as_array().cloned().unwrap_or_default(), sort)
    }

    /// Filtered, sorted and cut here, because the broker does not.
    pub(crate) fn arranged(&self, mut rows: Vec<Value>, sort: Option<&str>) -> Result<Vec<Value>, Failure> {
        if let Some(filter) = &self.filter {
            let filter =
                regex::Regex::new(filter).map_err(|error| Failure::usage(format!("--filter: {error}")))?;
            let names = ["name", "user", "source", "queue.name", "consumer_tag"];
            rows.retain(|row| {
                names.iter().any(|key| at(row, key).as_str().is_some_and(|name| filter.is_match(name)))
            });
        }
        if let Some(sort) = sort {
            rows.sort_by(|a, b| compare(at(a, sort), at(b, sort)));
        }
        if self.reverse {
            rows.reverse();
        }
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(rows)
    }
}

/// A column that nothing has is a mistake, unless it is one that only busy things have.
fn check(rows: &[Value], columns: &[Column]) -> Result<(), Failure> {
    let Some(first) = rows.first() else { return Ok(()) };
    for column in columns.iter().filter(|column| column.kind == Kind::Text && column.title == column.path) {
        let is_known =
            column.path.starts_with("message_stats") || rows.iter().any(|row| has(row, &column.path));
        if !is_known {
            let keys = first.as_object().into_iter().flat_map(|object| object.keys().map(String::as_str));
            let near = nearest(&column.path, keys.clone()).map(|near| format!("; did you mean `{near}`?"));
            let all = || format!("; there are {}", keys.clone().collect::<Vec<_>>().join(", "));
            let hint = near.unwrap_or_else(all);
            return Err(Failure::usage(format!("there is no column `{}`{hint}", column.path)));
        }
    }
    Ok(())
}

fn has(row: &Value, path: &str) -> bool {
    row.get(path).is_some()
        || path
            .split_once('.')
            .is_some_and(|(first, rest)| row.get(first).is_some_and(|inner| has(inner, rest)))
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a
            .as_str()
            .map_or_else(|| a.to_string(), str::to_owned)
            .cmp(&b.as_str().map_or_else(|| b.to_string(), str::to_owned)),
    }
}
