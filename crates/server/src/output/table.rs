//! Rows under headings, as wide as they need to be.

use super::{BOLD, Column, painted};
use ratatui::text::Span;
use serde_json::Value;

/// Lines of a table; the last column is not filled up. Without headings when there are none to show.
pub(crate) fn table(columns: &[Column], rows: &[Value], has_headings: bool, is_coloured: bool) -> String {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|column| column.cell(row)).collect()).collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let heading = if has_headings { width(&column.title) } else { 0 };
            cells.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).fold(heading, usize::max)
        })
        .collect();
    let mut out = String::new();
    if has_headings {
        let titles: Vec<String> = columns.iter().map(|column| column.title.clone()).collect();
        out.push_str(&painted(BOLD, &line(columns, &widths, &titles), is_coloured));
        out.push('\n');
    }
    for row in &cells {
        out.push_str(&line(columns, &widths, row));
        out.push('\n');
    }
    out
}

fn line(columns: &[Column], widths: &[usize], cells: &[String]) -> String {
    let mut line = String::new();
    for (at, ((column, &wide), cell)) in columns.iter().zip(widths).zip(cells).enumerate() {
        let gap = " ".repeat(wide.saturating_sub(width(cell)));
        if at > 0 {
            line.push_str("  ");
        }
        match column.is_right() {
            true => line.extend([gap.as_str(), cell]),
            false => line.extend([cell, gap.as_str()]),
        }
    }
    line.trim_end().to_owned()
}

/// Columns of a terminal that a text takes; Chinese characters take two.
fn width(text: &str) -> usize {
    Span::raw(text).width()
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_to_the_right_and_names_as_wide_as_they_look() {
        let columns =
            [("name", "name", Kind::Text), ("messages", "n", Kind::Count), ("state", "s", Kind::Text)];
        let columns: Vec<Column> = columns.iter().map(Column::of).collect();
        let rows = [json!({"name": "订单", "n": 12_000, "s": "running"}), json!({"name": "a", "s": "down"})];
        assert_eq!(
            table(&columns, &rows, true, false),
            "name  messages  state\n订单    12,000  running\na               down\n"
        );
        assert_eq!(table(&columns, &rows[1..], false, false), "a    down\n");
    }
}
