//! The screen: a state in, cells out.

use super::list::draw_list;
use super::state::State;
use super::view::View;
use crate::commands::status::product;
use crate::output::{at, bytes, count, duration, printable, rate};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};
use serde_json::Value;

/// Columns of the curves.
const CURVE_WIDTH: u16 = 40;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, is_coloured: bool) {
    let paint = Paint(is_coloured);
    let [head, curves, tabs, list, foot] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(3),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(head_lines(state, &paint)), head);
    draw_curves(frame, curves, state, &paint);
    frame.render_widget(Paragraph::new(tabs_line(state, &paint)), tabs);
    draw_list(frame, list, state, paint.colour(Color::Cyan));
    frame.render_widget(Paragraph::new(foot_line(state, &paint)), foot);
}

/// Colours, where they are wanted; bold and reversed letters are no colours.
struct Paint(bool);

impl Paint {
    fn colour(&self, colour: Color) -> Style {
        if self.0 { Style::new().fg(colour) } else { Style::new() }
    }
}

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

fn number(value: &Value, path: &str) -> f64 {
    at(value, path).as_f64().unwrap_or_default()
}

fn head_lines<'a>(state: &State, paint: &Paint) -> Vec<Line<'a>> {
    let (overview, node) = (&state.sample.overview, &state.sample.node);
    let text = |value: &Value, path: &str| printable(at(value, path).as_str().unwrap_or_default());
    let mut first = vec![
        Span::styled(product(overview), BOLD),
        Span::raw(format!("  {}", text(overview, "cluster_name"))),
    ];
    if !node.is_null() {
        first.push(Span::raw(format!("  up {}", duration(number(node, "uptime")))));
    }
    first.push(Span::raw(format!("  every {} s", state.interval.as_secs_f64())));
    if state.is_paused {
        first.push(Span::styled("  PAUSED", BOLD.patch(paint.colour(Color::Yellow))));
    }
    let total = |path: &str| count(number(overview, path));
    let flow = |kind: &str| rate(number(overview, &format!("message_stats.{kind}_details.rate")));
    let messages = format!(
        "messages  {} ready, {} unacked    published {}  delivered {}  acked {}  confirmed {}",
        total("queue_totals.messages_ready"),
        total("queue_totals.messages_unacknowledged"),
        flow("publish"),
        flow("deliver_get"),
        flow("ack"),
        flow("confirm"),
    );
    let things = format!(
        "things    {} queues, {} exchanges, {} connections, {} channels, {} consumers",
        total("object_totals.queues"),
        total("object_totals.exchanges"),
        total("object_totals.connections"),
        total("object_totals.channels"),
        total("object_totals.consumers"),
    );
    vec![first.into(), health(node, paint), messages.into(), things.into()]
}

fn health<'a>(node: &Value, paint: &Paint) -> Line<'a> {
    if node.is_null() {
        return Line::raw("node      not shown: the user has no tag monitoring or administrator");
    }
    let alarm = |key: &str, words: &'static str| (node[key] == true).then_some(words);
    let alarms = [
        (node["running"] == false).then_some("NOT RUNNING"),
        alarm("mem_alarm", "MEMORY ALARM"),
        alarm("disk_free_alarm", "DISK ALARM"),
    ];
    let alarms: Vec<&str> = alarms.into_iter().flatten().collect();
    let state = match alarms.is_empty() {
        true => Span::styled("no alarm", paint.colour(Color::Green)),
        false => Span::styled(alarms.join(", "), BOLD.patch(paint.colour(Color::Red))),
    };
    let part = number(node, "mem_used") / number(node, "mem_limit").max(1.0) * 100.0;
    let disk = match node["disk_free"].as_f64() {
        Some(free) => format!("disk {} free", bytes(free)),
        None => "nothing is stored".to_owned(),
    };
    let rest = format!(
        "    memory {} ({part:.0} % of the limit)  {disk}  files {} of {}",
        bytes(number(node, "mem_used")),
        count(number(node, "fd_used")),
        count(number(node, "fd_total")),
    );
    Line::from(vec![Span::raw("health    "), state, Span::raw(rest)])
}

fn draw_curves(frame: &mut Frame<'_>, area: Rect, state: &State, paint: &Paint) {
    let wide = CURVE_WIDTH.min(area.width / 2);
    let curves =
        [("published", &state.published, Color::Cyan), ("delivered", &state.delivered, Color::Magenta)];
    let [left, right, _] =
        Layout::horizontal([Constraint::Length(wide), Constraint::Length(wide), Constraint::Fill(1)])
            .areas(area);
    for ((title, history, colour), place) in curves.into_iter().zip([left, right]) {
        let [heading, curve] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(place);
        let most = history.iter().copied().max().unwrap_or_default();
        frame.render_widget(Paragraph::new(format!("{title}, at most {}", rate(most as f64))), heading);
        let shown = history.len().saturating_sub(usize::from(wide.saturating_sub(2)));
        let line: Vec<u64> = history.iter().skip(shown).copied().collect();
        let curve = Rect { width: curve.width.saturating_sub(2), ..curve };
        frame.render_widget(
            Sparkline::default().data(&line).max(most.max(1)).style(paint.colour(colour)),
            curve,
        );
    }
}

fn tabs_line<'a>(state: &State, paint: &Paint) -> Line<'a> {
    let mut spans = Vec::new();
    for (at, view) in View::ALL.into_iter().enumerate() {
        let style = if view == state.view { BOLD.add_modifier(Modifier::REVERSED) } else { Style::new() };
        spans.push(Span::styled(format!(" {} {} ", at + 1, view.name()), style));
    }
    let shown = format!("  {} of {}", state.sample.rows.len(), state.sample.matching);
    spans.push(Span::raw(shown));
    match &state.typed {
        Some(typed) => {
            spans.push(Span::styled(format!("  filter: {}_", printable(typed)), paint.colour(Color::Yellow)))
        }
        None if !state.filter.is_empty() => {
            spans.push(Span::raw(format!("  filter: {}", printable(&state.filter))))
        }
        None => {}
    }
    spans.into()
}

fn foot_line<'a>(state: &State, paint: &Paint) -> Line<'a> {
    match &state.problem {
        Some(problem) => {
            let first = problem.lines().next().unwrap_or_default();
            Line::styled(printable(first), BOLD.patch(paint.colour(Color::Red)))
        }
        None => Line::raw(
            "q end  1-4 view  s sort  r reverse  / filter  space pause  +/- interval  arrows scroll",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn a_frame() {
        let mut state = State::new(View::Queues, Duration::from_secs(2));
        let overview = json!({
            "rabbitmq_version": "3.10.8", "cluster_name": "rabbit@a", "queue_totals": {"messages_ready": 1234},
            "message_stats": {"publish_details": {"rate": 20.0}},
        });
        let node = json!({"running": true, "disk_free_alarm": true, "uptime": 90_000, "mem_used": 512, "mem_limit": 1024});
        let rows = vec![
            json!({"name": "订单", "vhost": "/", "messages": 1234, "state": "running"}),
            json!({"name": "b\u{1b}[2J"}),
        ];
        state.arrived(Ok(Sample { overview, node, rows, matching: 2 }));
        let mut terminal = Terminal::new(TestBackend::new(130, 14)).unwrap();
        terminal.draw(|frame| draw(frame, &state, false)).unwrap();
        let screen = super::super::text(terminal.backend());
        for part in [
            "RabbitMQ 3.10.8  rabbit@a  up 1m 30s  every 2 s",
            "health    DISK ALARM    memory 512 B (50 % of the limit)",
            "messages  1,234 ready, 0 unacked    published 20.0/s",
            " 1 queues  2 exchanges  3 connections  4 channels   2 of 2",
            "messages▼",
            "订单",
            "b\\u{1b}[2J",
        ] {
            assert!(screen.contains(part), "{part} is not in\n{screen}");
        }
        let mut narrow = Terminal::new(TestBackend::new(50, 14)).unwrap();
        narrow.draw(|frame| draw(frame, &state, false)).unwrap();
        let screen = super::super::text(narrow.backend());
        assert!(screen.contains("messages▼") && !screen.contains("consumers\n"), "{screen}");
    }
}
