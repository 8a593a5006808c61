//! What is said before and after.

use super::carry::Moved;
use super::plan::Plan;
use super::sums::Sums;
use crate::exit;
use crate::failure::Outcome;
use crate::output::{Column, Kind, OutputOptions, is_coloured, print, print_json, table};
use serde_json::{Value, json};
use std::fmt::Write as _;

const COLUMNS: &[(&str, &str, Kind)] = &[
    ("vhost", "vhost", Kind::Text),
    ("queue", "queue", Kind::Text),
    ("read", "read.count", Kind::Count),
    ("stored", "stored.count", Kind::Count),
    ("in-order", "stored.in_order", Kind::Text),
    ("any-order", "stored.any_order", Kind::Text),
    ("twice?", "maybe_twice", Kind::Count),
    ("unacked", "unacked_at_source", Kind::Count),
    ("verdict", "verdict", Kind::Text),
];

/// What would be done.
pub(super) fn plan(plan: &Plan, output: &OutputOptions) -> Outcome {
    if output.json {
        print_json(&plan_json(plan))?;
        return Ok(exit::OK);
    }
    let mut text = String::new();
    for item in &plan.items {
        let _ = writeln!(text, "make      {}", item.words);
    }
    for queue in &plan.queues {
        let _ = writeln!(
            text,
            "move      {} messages of queue {} in {}",
            queue.messages, queue.name, queue.vhost
        );
    }
    notes(plan, &mut text);
    let _ = writeln!(
        text,
        "{} to make, {} there already, {} in conflict",
        plan.items.len(),
        plan.same,
        plan.conflicts.len()
    );
    print(&text)?;
    Ok(exit::OK)
}

fn notes(plan: &Plan, text: &mut String) {
    for conflict in &plan.conflicts {
        let _ = writeln!(text, "conflict  {conflict}");
    }
    for (what, why) in &plan.notes {
        let _ = writeln!(text, "note      {what}: {why}");
    }
}

fn plan_json(plan: &Plan) -> Value {
    json!({
        "make": plan.items.iter().map(|item| &item.words).collect::<Vec<_>>(),
        "same": plan.same,
        "conflicts": plan.conflicts,
        "notes": plan.notes.iter().map(|(what, why)| json!({"what": what, "why": why})).collect::<Vec<_>>(),
        "queues": plan.queues.iter().map(|queue| json!({"vhost": queue.vhost, "queue": queue.name, "messages": queue.messages})).collect::<Vec<_>>(),
    })
}

/// What was done; the exit code says whether all of it was.
pub(super) fn end(plan: &Plan, moved: &[Moved], output: &OutputOptions) -> Outcome {
    let rows: Vec<Value> = moved.iter().map(row).collect();
    let is_good = plan.refused == 0 && moved.iter().all(is_good);
    if output.json {
        print_json(&json!({"definitions": plan_json(plan), "queues": rows, "ok": is_good}))?;
    } else {
        let mut text = String::new();
        notes(plan, &mut text);
        let refused = match plan.refused {
            0 => String::new(),
            refused => format!(", {refused} refused by TO (above), which is why the exit code is 1"),
        };
        let _ = writeln!(text, "{} made, {} there already{refused}", plan.items.len(), plan.same);
        print(&text)?;
        if !rows.is_empty() {
            let columns: Vec<Column> = COLUMNS.iter().map(Column::of).collect();
            print(&table(&columns, &rows, !output.quiet, is_coloured()))?;
        }
    }
    Ok(if is_good { exit::OK } else { exit::FAILURE })
}

fn is_good(moved: &Moved) -> bool {
    let is_read_back = moved.verified.as_ref().is_none_or(|verified| verified.as_ref() == Ok(&moved.stored));
    moved.problem.is_none() && moved.read == moved.stored && is_read_back
}

fn row(moved: &Moved) -> Value {
    let sums = |sums: &Sums| json!({"count": sums.count, "in_order": sums.in_order(), "any_order": sums.any_order()});
    let verdict = match (&moved.problem, &moved.verified) {
        (Some(problem), _) => problem.clone(),
        (None, Some(Err(problem))) => format!("moved; not read back: {problem}"),
        (None, Some(Ok(read))) if *read == moved.stored => "moved and read back".to_owned(),
        (None, Some(Ok(read))) if (read.count, read.set) == (moved.stored.count, moved.stored.set) => {
            "moved; at TO in another order".to_owned()
        }
        (None, Some(Ok(read))) => format!("moved; at TO there are {} messages, not the same", read.count),
        (None, None) if moved.read == moved.stored => "moved".to_owned(),
        (None, None) => "what was read is not what was stored".to_owned(),
    };
    json!({
        "vhost": moved.vhost,
        "queue": moved.queue,
        "read": sums(&moved.read),
        "stored": sums(&moved.stored),
        "recognised": moved.recognised,
        "maybe_twice": moved.unsure,
        "unacked_at_source": moved.unacked,
        "kept_at_source": moved.kept,
        "read_back": moved.verified.as_ref().and_then(|verified| verified.as_ref().ok()).map(sums),
        "verdict": verdict,
        "ok": is_good(moved),
    })
}
