//! The result as a page of its own: bars drawn in SVG, no script, nothing that is fetched.

use super::compare::{Row, rows};
use super::report::Report;
use std::fmt::Write as _;

const BAR_WIDTH: f64 = 420.0;

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width\"><title>leveret bench</title><style>\
:root{color-scheme:light dark;--first:#2563eb;--second:#9ca3af}body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.3rem}svg{width:100%;height:auto}text{fill:currentColor;font:13px system-ui,sans-serif}.first{fill:var(--first)}.second{fill:var(--second)}\
.name{font-weight:600}ul{padding-left:1.2rem}</style>";

/// The page of one broker, or of two.
pub(crate) fn page(names: &[&str], reports: &[Report]) -> String {
    let (Some(first), Some(last)) = (reports.first(), reports.last()) else { return String::new() };
    let mut page = HEAD.to_owned();
    let _ = write!(
        page,
        "<h1>leveret bench</h1><p>{}, measured for {:.1} s.</p>",
        escaped(&first.scenario),
        first.seconds
    );
    if names.len() > 1 {
        page.push_str("<p>");
        for (class, name) in ["first", "second"].into_iter().zip(names) {
            let _ = write!(
                page,
                "<svg viewBox=\"0 0 12 12\" style=\"width:12px;height:12px\" aria-hidden=\"true\"><rect width=\"12\" height=\"12\" \
                 class=\"{class}\"/></svg> {}&emsp;",
                escaped(name)
            );
        }
        page.push_str("</p>");
    } else {
        let _ = write!(page, "<p>{}</p>", escaped(names.first().copied().unwrap_or_default()));
    }
    page += &bars(&rows(first, last), names.len() > 1);
    if reports.iter().any(|report| !report.remarks.is_empty()) {
        page.push_str("<h2>Notes</h2><ul>");
        for (name, report) in names.iter().zip(reports) {
            for remark in &report.remarks {
                let _ = write!(page, "<li>{}: {}</li>", escaped(name), escaped(remark));
            }
        }
        page.push_str("</ul>");
    }
    page + "</html>\n"
}

fn bars(rows: &[Row], are_two: bool) -> String {
    let step = if are_two { 62.0 } else { 40.0 };
    let height = step * rows.len() as f64;
    let mut svg = format!(
        "<svg viewBox=\"0 0 760 {height:.0}\" role=\"img\" aria-label=\"Rates, latencies and costs as bars\">"
    );
    for (at, row) in rows.iter().enumerate() {
        let top = at as f64 * step;
        let better = if row.is_more_better { "more is better" } else { "less is better" };
        let most = row.values[0].max(row.values[1]).max(f64::MIN_POSITIVE);
        let _ = write!(svg, "<text x=\"0\" y=\"{:.0}\" class=\"name\">{}</text>", top + 18.0, row.name);
        let _ = write!(svg, "<text x=\"0\" y=\"{:.0}\" opacity=\".65\">{better}</text>", top + 34.0);
        let shown = if are_two { 2 } else { 1 };
        for (line, (value, class)) in row.values.into_iter().zip(["first", "second"]).take(shown).enumerate()
        {
            let y = top + 6.0 + line as f64 * 22.0;
            let width = (value / most * BAR_WIDTH).max(1.0);
            let _ = write!(
                svg,
                "<rect x=\"150\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"18\" rx=\"3\" class=\"{class}\"/><text x=\"{:.0}\" \
                 y=\"{:.0}\">{}</text>",
                158.0 + width,
                y + 13.0,
                escaped(&(row.shown)(value))
            );
        }
    }
    svg + "</svg>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::tests::report;

    #[test]
    fn a_page_needs_nothing_else() {
        let reports = [report("--size 1000"), report("--size 1000")];
        let page = page(&["amqp://a/?x=<y>", "amqp://b/"], &reports);
        assert!(page.contains("amqp://a/?x=&lt;y&gt;") && page.contains("2,000,000/s"), "{page}");
        for fetched in ["src=", "href=", "url(", "<script", "@import"] {
            assert!(!page.contains(fetched), "{fetched}");
        }
        assert_eq!(page.matches("<rect").count(), 2 + 2 * rows(&reports[0], &reports[1]).len());
    }
}
