//! One look at the broker.

use super::view::View;
use crate::http::{Api, HttpError, encoded};
use serde_json::{Value, json};
use std::time::Duration;

/// What the screen wants to see.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) view: View,
    /// Key with dots.
    pub(super) sort: &'static str,
    pub(super) is_descending: bool,
    /// Regular expression; empty for all.
    pub(super) filter: String,
    /// Rows at most.
    pub(super) rows: u16,
    pub(super) interval: Duration,
    pub(super) is_paused: bool,
}

/// What the broker said.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub(super) overview: Value,
    /// `Null` where the user may not see nodes.
    pub(super) node: Value,
    pub(super) rows: Vec<Value>,
    /// How many match, of which `rows` are the first.
    pub(super) matching: u64,
}

impl Sample {
    /// The same as an object.
    pub(super) fn json(&self, view: View) -> Value {
        json!({"overview": self.overview, "node": self.node, "view": view.name(), "rows": self.rows, "matching": self.matching})
    }
}

/// Asks for the overview, the node and one page of the list.
pub(super) fn take(api: &Api, wanted: &Wanted) -> Result<Sample, HttpError> {
    let overview = api.get("overview?columns=leveret_version,product_name,product_version,rabbitmq_version,cluster_name,message_stats,queue_totals,object_totals")?;
    let nodes = match api.get("nodes") {
        Err(error) if matches!(error.status(), Some(401 | 403)) => Value::Null,
        nodes => nodes?,
    };
    let columns: Vec<&str> = wanted.view.columns().iter().map(|(_, path, _)| *path).collect();
    let mut path = format!(
        "{}?page=1&page_size={}&sort={}&sort_reverse={}&columns={}",
        wanted.view.name(),
        wanted.rows,
        wanted.sort,
        wanted.is_descending,
        columns.join(",")
    );
    if !wanted.filter.is_empty() {
        path += &format!("&name={}&use_regex=true", encoded(&wanted.filter));
    }
    let mut page = api.get(&path)?;
    let matching = page["filtered_count"].as_u64().unwrap_or_default();
    let rows = match page["items"].take() {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    };
    Ok(Sample { overview, node: nodes[0].clone(), rows, matching })
}
