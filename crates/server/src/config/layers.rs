//! Where values come from, which one wins, and what is wrong with one.

use super::options::{OPTIONS, Settings};
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

/// Where a value was written. Later ones win over earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Nowhere: the default.
    Default,
    /// In the configuration file.
    File {
        /// Path as given.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
    },
    /// In this environment variable.
    Variable(String),
    /// Behind this flag, named without dashes.
    Flag(String),
}

impl Origin {
    /// Default 0, file 1, variable 2, flag 3.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Origin::Default => 0,
            Origin::File { .. } => 1,
            Origin::Variable(_) => 2,
            Origin::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("by default"),
            Origin::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Origin::Variable(name) => write!(f, "environment variable {name}"),
            Origin::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// What one source says about one option.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    /// The values as written.
    pub(crate) texts: Vec<String>,
    /// Where.
    pub(crate) origin: Origin,
}

/// What one source says about all options, by key.
pub(crate) type Layer = HashMap<&'static str, Texts>;

/// Something wrong with the configuration; displays as one line that says where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    origin: Origin,
    key: Option<&'static str>,
    what: String,
}

impl Problem {
    /// A problem with a place as a whole.
    pub(crate) fn new(origin: Origin, what: impl Into<String>) -> Problem {
        Problem { origin, key: None, what: what.into() }
    }

    /// A problem with one option's value.
    pub(crate) fn of(key: &'static str, origin: Origin, what: impl Into<String>) -> Problem {
        Problem { origin, key: Some(key), what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.key) {
            (Origin::Default, Some(key)) => write!(f, "{key}: {}", self.what),
            // A file's line does not name the key; flag and variable do.
            (origin @ Origin::File { .. }, Some(key)) => write!(f, "{origin}: {key}: {}", self.what),
            (origin, _) => write!(f, "{origin}: {}", self.what),
        }
    }
}

/// Settings together with where each came from.
#[derive(Clone, Debug)]
pub(crate) struct Layered {
    /// The values.
    pub(crate) settings: Settings,
    origins: HashMap<&'static str, Origin>,
}

impl Layered {
    /// Puts the layers over the defaults, lowest first. Every wrong value is reported, also one that is hidden
    /// behind a stronger source: a broken file should not wait for the day the flag goes.
    pub(crate) fn merge(layers: &[Layer]) -> Result<Layered, Vec<Problem>> {
        let mut settings =
            Settings::defaults().map_err(|problem| vec![Problem::new(Origin::Default, problem)])?;
        let mut origins = HashMap::new();
        let mut problems = Vec::new();
        for layer in layers {
            for option in OPTIONS {
                let Some(said) = layer.get(option.key) else { continue };
                match (option.apply)(&mut settings, &said.texts) {
                    Ok(()) => {
                        origins.insert(option.key, said.origin.clone());
                    }
                    Err(problem) => problems.push(Problem::of(option.key, said.origin.clone(), problem)),
                }
            }
        }
        if problems.is_empty() { Ok(Layered { settings, origins }) } else { Err(problems) }
    }

    /// Where the value of this option was written.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }
}
