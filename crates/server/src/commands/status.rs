//! `leveret status`: is it well, what does it hold, what flows, on one screen.

use super::args::Common;
use super::{DONE, Runs};
use crate::failure::Outcome;
use crate::output::{
    GREEN, RED, at, bytes, count, duration, is_coloured, painted, print, print_json, printable, rate,
};
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Options of `leveret status`.
#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    common: Common,
}

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  leveret status
  leveret status --http https://ops@mq.example:15671 --ca-file ca.pem
  leveret status --json | jq .overview.queue_totals";

impl Runs for Status {
    fn run(self) -> Outcome {
        let api = self.common.api()?;
        let overview = api.get("overview")?;
        // A user without the tag monitoring may not see nodes; the rest is for everybody who may log in.
        let nodes = match api.get("nodes") {
            Err(error) if matches!(error.status(), Some(401 | 403)) => Value::Array(Vec::new()),
            nodes => nodes?,
        };
        if self.common.output.json {
            print_json(&json!({"overview": overview, "nodes": nodes}))?;
        } else {
            print(&page(&overview, &nodes, &api.place().root(), is_coloured()))?;
        }
        DONE
    }
}

fn page(overview: &Value, nodes: &Value, place: &str, is_coloured: bool) -> String {
    let text = |path: &str| printable(at(overview, path).as_str().unwrap_or_default());
    let number = |path: &str| count(at(overview, path).as_f64().unwrap_or_default());
    let per_second = |kind: &str| {
        rate(at(overview, &format!("message_stats.{kind}_details.rate")).as_f64().unwrap_or_default())
    };
    let mut page = format!("{} at {place}, cluster {}\n\n", product(overview), text("cluster_name"));
    for node in nodes.as_array().into_iter().flatten() {
        page += &about_node(node, is_coloured);
    }
    let _ = write!(
        page,
        "  messages     {} ready, {} unacked, {} together\n  rates        {} published, {} delivered, {} acked, {} confirmed\n  \
         things       {} queues, {} exchanges, {} connections, {} channels, {} consumers\n",
        number("queue_totals.messages_ready"),
        number("queue_totals.messages_unacknowledged"),
        number("queue_totals.messages"),
        per_second("publish"),
        per_second("deliver_get"),
        per_second("ack"),
        per_second("confirm"),
        number("object_totals.queues"),
        number("object_totals.exchanges"),
        number("object_totals.connections"),
        number("object_totals.channels"),
        number("object_totals.consumers"),
    );
    for listener in at(overview, "listeners").as_array().into_iter().flatten() {
        let field = |key: &str| printable(listener[key].as_str().unwrap_or_default());
        let _ = writeln!(
            page,
            "  listens      {:<16} {}:{}",
            field("protocol"),
            field("ip_address"),
            listener["port"]
        );
    }
    page
}

/// Name and version of the broker. Leveret tells programs that it is RabbitMQ, and people what it is.
pub(super) fn product(overview: &Value) -> String {
    let text = |key: &str| printable(overview[key].as_str().unwrap_or_default());
    match (text("leveret_version"), text("product_name"), text("product_version")) {
        (leveret, ..) if !leveret.is_empty() => {
            format!("Leveret {leveret} (RabbitMQ {})", text("rabbitmq_version"))
        }
        (_, product, version) if !product.is_empty() && !version.is_empty() => format!("{product} {version}"),
        _ => format!("RabbitMQ {}", text("rabbitmq_version")),
    }
}

fn about_node(node: &Value, is_coloured: bool) -> String {
    let number = |key: &str| node[key].as_f64().unwrap_or_default();
    let mut alarms = Vec::new();
    if node["running"] == false {
        alarms.push("NOT RUNNING");
    }
    if node["mem_alarm"] == true {
        alarms.push("MEMORY ALARM: publishers are blocked");
    }
    if node["disk_free_alarm"] == true {
        alarms.push("DISK ALARM: publishers are blocked");
    }
    let state = match alarms.is_empty() {
        true => painted(GREEN, "running, no alarm", is_coloured),
        false => painted(RED, &alarms.join("; "), is_coloured),
    };
    let part =
        |used: f64, of: f64| if of > 0.0 { format!(" ({:.0} %)", used / of * 100.0) } else { String::new() };
    // A broker that keeps all in memory has no disk to fill.
    let disk = match node["disk_free"].as_f64() {
        Some(free) => format!("{} free, alarm below {}", bytes(free), bytes(number("disk_free_limit"))),
        None => "nothing is stored".to_owned(),
    };
    format!(
        "  node         {}: {state}, up {}\n  memory       {} of {}{}\n  disk         {disk}\n  files        \
         {} of {}, sockets {} of {}\n",
        printable(node["name"].as_str().unwrap_or_default()),
        duration(number("uptime")),
        bytes(number("mem_used")),
        bytes(number("mem_limit")),
        part(number("mem_used"), number("mem_limit")),
        count(number("fd_used")),
        count(number("fd_total")),
        count(number("sockets_used")),
        count(number("sockets_total")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_seen() {
        let node = json!({"name": "rabbit@a", "running": true, "mem_alarm": true, "uptime": 61_000, "mem_used": 512, "mem_limit": 1024});
        let page = page(&json!({"rabbitmq_version": "3.10.8"}), &json!([node]), "http://h:1", false);
        assert!(page.starts_with("RabbitMQ 3.10.8 at http://h:1"), "{page}");
        assert!(page.contains("rabbit@a: MEMORY ALARM: publishers are blocked, up 1m 1s"), "{page}");
        let ours =
            json!({"leveret_version": "0.1.0", "rabbitmq_version": "3.13.7", "product_name": "RabbitMQ"});
        assert_eq!(product(&ours), "Leveret 0.1.0 (RabbitMQ 3.13.7)");
        assert!(page.contains("memory       512 B of 1.0 KiB (50 %)"), "{page}");
    }
}
