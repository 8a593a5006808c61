//! `leveret top`: a screen that shows what the broker does while it does it.
//!
//! One thread asks the broker, another draws and listens to keys, so that a slow broker never makes the screen slow.

mod draw;
mod list;
mod sample;
mod state;
mod view;

use super::{DONE, Runs};
use crate::amqp;
use crate::config::{Single, Span};
use crate::failure::{Failure, Outcome};
use crate::http::{Api, HttpOptions};
use crate::output::{is_coloured, print, print_json};
use clap::Args;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use sample::{Sample, Wanted};
use state::{Action, State};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use view::View;

/// How often keys are looked for.
const KEY_TIME: Duration = Duration::from_millis(100);
/// Lines above and below the list.
const FRAME_LINES: u16 = 10;

/// Options of `leveret top`.
#[derive(Args)]
pub(crate) struct Top {
    /// What to begin with: queues, exchanges, connections or channels
    #[arg(value_enum, value_name = "VIEW", default_value_t = View::Queues, hide_possible_values = true)]
    view: View,
    /// Time between looks
    #[arg(long, short = 'd', value_name = "TIME", default_value = "2s", value_parser = Span::parse_one)]
    interval: Span,
    /// Sorts by this column at first
    #[arg(long, short, value_name = "COLUMN")]
    sort: Option<String>,
    /// Only names that match this regular expression
    #[arg(long, short, value_name = "REGEX")]
    filter: Option<String>,
    /// Prints one frame and ends
    #[arg(long)]
    once: bool,
    /// Lines of the list that --once prints
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    rows: u16,
    /// Prints what --once shows as JSON
    #[arg(long, requires = "once", help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    http: HttpOptions,
}

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Keys: 1-4 or Tab queues, exchanges, connections, channels; s the next column to sort by, r the other way round; / filter;
space pause; up, down, page up, page down, home scroll; + and - slower and faster; q ends.

Examples:
  leveret top
  leveret top connections --sort out
  leveret top --filter '^order' --interval 500ms
  leveret top --once --rows 10";

/// What both threads share: what the screen wants to see, and a bell for wanting something else.
struct Shared {
    wanted: Mutex<Wanted>,
    changed: Condvar,
    ended: AtomicBool,
}

impl Runs for Top {
    fn run(self) -> Outcome {
        let api = self.http.api()?;
        let interval = self.interval.0.clamp(Duration::from_millis(100), Duration::from_secs(3_600));
        let mut state = State::new(self.view, interval);
        if let Some(sort) = &self.sort {
            state.sort_by(sort).map_err(Failure::usage)?;
        }
        state.filter = self.filter.clone().unwrap_or_default();
        if self.once {
            return self.once(&api, &mut state);
        }
        if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            return Err(Failure::usage("it needs a terminal; --once prints one frame"));
        }
        // A wrong password is told before the screen is taken.
        let first = sample::take(&api, &state.wanted(self.rows))?;
        state.arrived(Ok(first));
        live(api, state)
    }
}

impl Top {
    fn once(&self, api: &Api, state: &mut State) -> Outcome {
        let sample = sample::take(api, &state.wanted(self.rows))?;
        if self.json {
            print_json(&sample.json(state.view))?;
            return DONE;
        }
        let shown = u16::try_from(sample.rows.len()).unwrap_or(self.rows).clamp(1, self.rows);
        state.arrived(Ok(sample));
        let width = width();
        let failed = |error: std::convert::Infallible| Failure::new(error.to_string());
        let mut terminal = Terminal::new(TestBackend::new(width, FRAME_LINES + shown)).map_err(failed)?;
        terminal.draw(|frame| draw::draw(frame, state, false)).map_err(failed)?;
        print(&text(terminal.backend()))?;
        DONE
    }
}

/// Columns of the terminal; where there is none, what `COLUMNS` says, or enough for every column.
fn width() -> u16 {
    let terminal = || ratatui::crossterm::terminal::size().ok().map(|(width, _)| width);
    let size = if std::io::stdout().is_terminal() { terminal() } else { None };
    let said = || std::env::var("COLUMNS").ok()?.parse().ok();
    size.or_else(said).unwrap_or(150).clamp(40, 1_000)
}

/// The characters of a screen, without the spaces at the ends of lines and the last line, which tells the keys.
fn text(screen: &TestBackend) -> String {
    let buffer = screen.buffer();
    let mut lines = Vec::new();
    for y in 0..buffer.area.height.saturating_sub(1) {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(ratatui::text::Span::raw(symbol).width()).unwrap_or(1).max(1);
        }
        lines.push(line.trim_end().to_owned() + "\n");
    }
    lines.concat()
}

fn live(api: Api, mut state: State) -> Outcome {
    let wanted = Mutex::new(state.wanted(500));
    let shared = Arc::new(Shared { wanted, changed: Condvar::new(), ended: AtomicBool::new(false) });
    let samples = asking(api, Arc::clone(&shared));
    ends_by_signal(Arc::clone(&shared));
    let failed = |error: std::io::Error| Failure::new(format!("the terminal: {error}"));
    // From here on a panic gives the terminal back as well.
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let outcome = screen(&mut terminal, &mut state, &shared, &samples);
    ratatui::restore();
    shared.ended.store(true, Relaxed);
    shared.changed.notify_all();
    outcome.map_err(failed)?;
    DONE
}

fn screen(
    terminal: &mut ratatui::DefaultTerminal,
    state: &mut State,
    shared: &Shared,
    samples: &Receiver<Result<Sample, String>>,
) -> std::io::Result<()> {
    let is_coloured = is_coloured();
    while !shared.ended.load(Relaxed) {
        while let Ok(sample) = samples.try_recv() {
            state.arrived(sample);
        }
        terminal.draw(|frame| draw::draw(frame, state, is_coloured))?;
        if !event::poll(KEY_TIME)? {
            continue;
        }
        let Event::Key(key) = event::read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match state.key(key) {
            Action::End => return Ok(()),
            Action::Ask => {
                *shared.wanted.lock().unwrap_or_else(PoisonError::into_inner) = state.wanted(500);
                shared.changed.notify_all();
            }
            Action::Draw => {}
        }
    }
    Ok(())
}

/// Asks the broker again and again, at once when something else is wanted.
fn asking(api: Api, shared: Arc<Shared>) -> Receiver<Result<Sample, String>> {
    let (sender, samples) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        while !shared.ended.load(Relaxed) {
            let wanted = shared.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            let before = wanted.clone();
            let waited = shared.changed.wait_timeout_while(wanted, before.interval, |now| *now == before);
            let wanted = waited.map_or_else(|error| error.into_inner().0.clone(), |(now, _)| now.clone());
            if wanted.is_paused {
                continue;
            }
            let sample = sample::take(&api, &wanted).map_err(|error| error.to_string());
            if sender.send(sample).is_err() {
                return;
            }
        }
    });
    samples
}

/// SIGTERM ends it in order, so that the terminal is left as it was.
fn ends_by_signal(shared: Arc<Shared>) {
    std::thread::spawn(move || {
        let _ = amqp::run(async {
            amqp::interrupted().await;
            shared.ended.store(true, Relaxed);
            DONE
        });
    });
}
