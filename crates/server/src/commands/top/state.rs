//! What the screen shows and what keys change. No terminal and no broker: keys and samples in, actions out.

use super::sample::{Sample, Wanted};
use super::view::View;
use crate::output::at;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::VecDeque;
use std::time::Duration;

/// Looks that the curves remember.
const HISTORY_LEN_MAX: usize = 300;
/// Rows that page up and page down move by.
const PAGE_LEN: usize = 10;

/// What is to be done after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Leave.
    End,
    /// Ask the broker for what is wanted now.
    Ask,
    /// Draw anew.
    Draw,
}

/// Everything the screen depends on.
pub(super) struct State {
    pub(super) view: View,
    /// Index of the column.
    pub(super) sort: usize,
    pub(super) is_descending: bool,
    pub(super) filter: String,
    /// A filter that is being typed.
    pub(super) typed: Option<String>,
    pub(super) is_paused: bool,
    pub(super) interval: Duration,
    /// Rows scrolled past.
    pub(super) offset: usize,
    pub(super) sample: Sample,
    /// Why there is no newer sample.
    pub(super) problem: Option<String>,
    /// Messages published a second, oldest first.
    pub(super) published: VecDeque<u64>,
    /// Messages delivered a second, oldest first.
    pub(super) delivered: VecDeque<u64>,
}

impl State {
    /// Nothing seen yet.
    pub(super) fn new(view: View, interval: Duration) -> State {
        State {
            view,
            sort: view.usual_sort(),
            is_descending: true,
            filter: String::new(),
            typed: None,
            is_paused: false,
            interval,
            offset: 0,
            sample: Sample::default(),
            problem: None,
            published: VecDeque::new(),
            delivered: VecDeque::new(),
        }
    }

    /// Sorts by a column that is named: numbers largest first, names the other way.
    pub(super) fn sort_by(&mut self, title: &str) -> Result<(), String> {
        let columns = self.view.columns();
        let titles = || columns.iter().map(|(title, ..)| *title).collect::<Vec<_>>().join(", ");
        let found = columns.iter().position(|(known, ..)| *known == title);
        self.sort = found.ok_or_else(|| {
            format!("{} have no column `{title}`; there are {}", self.view.name(), titles())
        })?;
        self.is_descending = self.sort > 0;
        Ok(())
    }

    /// What the broker is to be asked.
    pub(super) fn wanted(&self, rows: u16) -> Wanted {
        Wanted {
            view: self.view,
            sort: self.view.columns().get(self.sort).map_or("name", |(_, path, _)| path),
            is_descending: self.is_descending,
            filter: self.filter.clone(),
            rows,
            interval: self.interval,
            is_paused: self.is_paused,
        }
    }

    /// A look at the broker has come, or why none came.
    pub(super) fn arrived(&mut self, sample: Result<Sample, String>) {
        let sample = match sample {
            Ok(sample) => sample,
            Err(problem) => {
                self.problem = Some(problem);
                return;
            }
        };
        let rate = |kind: &str| {
            at(&sample.overview, &format!("message_stats.{kind}_details.rate"))
                .as_f64()
                .unwrap_or_default()
                .max(0.0) as u64
        };
        for (history, rate) in
            [(&mut self.published, rate("publish")), (&mut self.delivered, rate("deliver_get"))]
        {
            history.push_back(rate);
            if history.len() > HISTORY_LEN_MAX {
                history.pop_front();
            }
        }
        self.offset = self.offset.min(sample.rows.len().saturating_sub(1));
        (self.sample, self.problem) = (sample, None);
    }

    /// A key was pressed.
    pub(super) fn key(&mut self, key: KeyEvent) -> Action {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Action::End;
        }
        if let Some(typed) = self.typed.take() {
            return self.typing(typed, key.code);
        }
        let last = self.sample.rows.len().saturating_sub(1);
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Action::End,
            KeyCode::Char(digit @ '1'..='4') => return self.look_at(digit as usize - '1' as usize),
            KeyCode::Tab => return self.look_at(self.place() + 1),
            KeyCode::BackTab => return self.look_at(self.place() + View::ALL.len() - 1),
            KeyCode::Char('s') => {
                self.sort = (self.sort + 1) % self.view.columns().len();
                self.is_descending = self.sort > 0;
                return Action::Ask;
            }
            KeyCode::Char('r') => {
                self.is_descending = !self.is_descending;
                return Action::Ask;
            }
            KeyCode::Char(' ' | 'p') => {
                self.is_paused = !self.is_paused;
                return Action::Ask;
            }
            KeyCode::Char('+') => {
                self.interval = (self.interval * 2).min(Duration::from_secs(60));
                return Action::Ask;
            }
            KeyCode::Char('-') => {
                self.interval = (self.interval / 2).max(Duration::from_millis(250));
                return Action::Ask;
            }
            KeyCode::Char('/') => self.typed = Some(self.filter.clone()),
            KeyCode::Down | KeyCode::Char('j') => self.offset = (self.offset + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => self.offset = self.offset.saturating_sub(1),
            KeyCode::PageDown => self.offset = (self.offset + PAGE_LEN).min(last),
            KeyCode::PageUp => self.offset = self.offset.saturating_sub(PAGE_LEN),
            KeyCode::Home => self.offset = 0,
            KeyCode::End => self.offset = last,
            _ => {}
        }
        Action::Draw
    }

    /// A filter is being typed: return takes it, escape leaves the old one.
    fn typing(&mut self, mut typed: String, code: KeyCode) -> Action {
        match code {
            KeyCode::Enter => {
                (self.filter, self.offset) = (typed, 0);
                return Action::Ask;
            }
            KeyCode::Esc => return Action::Draw,
            KeyCode::Backspace => drop(typed.pop()),
            KeyCode::Char(character) if typed.len() < 200 => typed.push(character),
            _ => {}
        }
        self.typed = Some(typed);
        Action::Draw
    }

    fn place(&self) -> usize {
        View::ALL.iter().position(|view| *view == self.view).unwrap_or_default()
    }

    fn look_at(&mut self, place: usize) -> Action {
        self.view = View::ALL[place % View::ALL.len()];
        (self.sort, self.is_descending, self.offset) = (self.view.usual_sort(), true, 0);
        // Rows of another kind would stand under the wrong headings.
        self.sample.rows.clear();
        Action::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn press(state: &mut State, keys: &str) -> Action {
        let codes = keys.chars().map(|key| match key {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\x08' => KeyCode::Backspace,
            '\x1b' => KeyCode::Esc,
            key => KeyCode::Char(key),
        });
        codes.map(|code| state.key(KeyEvent::new(code, KeyModifiers::NONE))).last().unwrap()
    }

    #[test]
    fn keys_change_what_is_wanted() {
        let mut state = State::new(View::Queues, Duration::from_secs(2));
        assert_eq!(state.wanted(5).sort, "messages");
        assert_eq!(press(&mut state, "sr"), Action::Ask);
        assert_eq!((state.wanted(5).sort, state.is_descending), ("messages_details.rate", false));
        assert_eq!(press(&mut state, "/^ox\x08"), Action::Draw);
        assert_eq!(state.wanted(5).filter, "", "only return takes it");
        assert_eq!(press(&mut state, "\n"), Action::Ask);
        assert_eq!(state.wanted(5).filter, "^o");
        assert_eq!(press(&mut state, "/q\x1b"), Action::Draw, "q is a letter here, escape ends typing");
        assert_eq!(state.wanted(5).filter, "^o");
        assert_eq!(press(&mut state, "\t\t"), Action::Ask);
        assert_eq!((state.view, state.wanted(5).sort), (View::Connections, "recv_oct_details.rate"));
        assert_eq!(press(&mut state, "4 "), Action::Ask);
        assert!(state.view == View::Channels && state.wanted(5).is_paused);
        assert_eq!(press(&mut state, "+++++++"), Action::Ask);
        assert_eq!(state.interval, Duration::from_secs(60));
        assert_eq!(press(&mut state, "q"), Action::End);
        assert!(state.sort_by("colour").unwrap_err().contains("there are name, user"));
    }

    #[test]
    fn a_broker_that_went_away_leaves_the_last_picture() {
        let mut state = State::new(View::Queues, Duration::from_secs(2));
        let overview = json!({"message_stats": {"publish_details": {"rate": 7.9}}});
        let rows = vec![json!({"name": "a"}); 3];
        state.arrived(Ok(Sample { overview, rows, ..Sample::default() }));
        press(&mut state, "jjjjj");
        assert_eq!(state.offset, 2, "it does not scroll past the last row");
        state.arrived(Err("gone".into()));
        assert_eq!((state.sample.rows.len(), state.problem.as_deref()), (3, Some("gone")));
        state.arrived(Ok(Sample::default()));
        assert_eq!(
            (state.offset, state.problem.is_none(), &state.published),
            (0, true, &VecDeque::from([7, 0]))
        );
    }
}
