//! The table, row by row as the faults end.

use crate::arena::Row;

const WIDTHS: [usize; 5] = [47, 64, 29, 15, 7];

/// Prints the first line.
pub(crate) fn head() {
    line(["fault", "the peer got", "others: round trips, slowest", "MiB", "verdict"]);
    line(WIDTHS.map(|width| "-".repeat(width)).each_ref().map(String::as_str));
}

/// Prints one fault's line, and what was wrong below it.
pub(crate) fn row(row: &Row) {
    let [before, most, after] = row.rss_mib;
    let memory = format!("{before} > {most} > {after}");
    let verdict = if row.problem.is_some() { "WRONG" } else { "ok" };
    line([row.title, &row.got, &row.others, &memory, verdict]);
    if let Some(problem) = &row.problem {
        println!("  ^ {problem}");
    }
}

fn line(cells: [&str; 5]) {
    let cell = |(text, width): (&&str, usize)| {
        let cut: String = text.chars().take(width).collect();
        format!("{cut:<width$}")
    };
    let padded: Vec<String> = cells.iter().zip(WIDTHS).map(cell).collect();
    println!("{}", padded.join(" | ").trim_end());
}
