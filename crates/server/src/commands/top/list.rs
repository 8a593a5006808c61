//! The list on the screen: as many columns as have room, and the rows that are not scrolled past.

use super::state::State;
use crate::output::Column;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table};

/// Columns that names have at least.
const NAME_WIDTH_MIN: u16 = 20;
/// Columns between columns.
const GAP: u16 = 2;

/// Draws the list of a state: headings, and the rows that have room.
pub(super) fn draw_list(frame: &mut Frame<'_>, area: Rect, state: &State, heading_style: Style) {
    let visible = || state.sample.rows.iter().skip(state.offset).take(usize::from(area.height));
    let mark = if state.is_descending { "▼" } else { "▲" };
    let columns = state.view.columns().iter().enumerate().map(|(at, column)| {
        let mut column = Column::of(column);
        if at == state.sort {
            column.title.push_str(mark);
        }
        let cells: Vec<String> = visible().map(|row| column.cell(row)).collect();
        let widths = cells.iter().chain([&column.title]).map(|text| Span::raw(text.as_str()).width());
        let width = u16::try_from(widths.max().unwrap_or_default()).unwrap_or(u16::MAX);
        Shown { column, cells, width, is_sort: at == state.sort }
    });
    let columns = fitting(columns.collect(), area.width);
    let rest: u16 =
        columns.iter().skip(1).map(|shown| shown.width.saturating_add(GAP)).fold(0, u16::saturating_add);
    let names = area.width.saturating_sub(rest).max(NAME_WIDTH_MIN);
    let widths: Vec<Constraint> = columns
        .iter()
        .enumerate()
        .map(|(at, shown)| match at {
            0 => Constraint::Length(shown.width.clamp(NAME_WIDTH_MIN, names)),
            _ => Constraint::Length(shown.width),
        })
        .collect();
    let aligned = |shown: &Shown, text: &str| {
        let line = Line::raw(text.to_owned());
        Cell::from(if shown.column.is_right() { line.right_aligned() } else { line })
    };
    let titles = columns.iter().map(|shown| aligned(shown, &shown.column.title));
    let heading = Row::new(titles).style(heading_style.add_modifier(Modifier::BOLD));
    let rows = (0..visible().count()).map(|at| {
        Row::new(
            columns.iter().map(move |shown| aligned(shown, shown.cells.get(at).map_or("", String::as_str))),
        )
    });
    frame.render_widget(Table::new(rows, widths).header(heading).column_spacing(GAP), area);
}

/// A column with its cells.
struct Shown {
    column: Column,
    cells: Vec<String>,
    width: u16,
    is_sort: bool,
}

/// As many columns as have room: the last ones go first, but never the name and the one that is sorted by.
fn fitting(mut columns: Vec<Shown>, room: u16) -> Vec<Shown> {
    let need = |columns: &[Shown]| {
        let rest: u32 = columns.iter().skip(1).map(|shown| u32::from(shown.width) + u32::from(GAP)).sum();
        u32::from(NAME_WIDTH_MIN) + rest
    };
    while need(&columns) > u32::from(room) {
        let Some(last) = columns.iter().skip(1).rposition(|shown| !shown.is_sort) else { break };
        columns.remove(last + 1);
    }
    columns
}
