//! The configuration of `leveret serve`: flag over environment over file over default.

mod check;
pub(crate) mod declare;
mod file;
mod layers;
mod nearest;
mod options;
#[cfg(test)]
mod reference;
mod standard;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use declare::Single;
pub(crate) use layers::{Layer, Origin, Problem, Texts};
pub(crate) use nearest::nearest;
pub(crate) use options::{OPTIONS, Settings};
pub(crate) use values::{
    ByteSize, ListenAddress, LogFormat, NameValue, OtlpSignal, Span, TlsVerify, Watermark,
};

use layers::Layered;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Name of the variable that names the file.
pub(crate) const FILE_VARIABLE: &str = "LEVERET_CONFIG";
/// Looked for, in this order, when no file is named.
pub(crate) const FILES_LOOKED_FOR: [&str; 2] = ["leveret.toml", "/etc/leveret/leveret.toml"];

/// Settings ready to start with.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// Every option.
    pub(crate) settings: Settings,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// Remarks for the log: things that look like a slip but may be meant.
    pub(crate) warnings: Vec<String>,
}

/// The configuration cannot be used; displays one line per problem.
#[derive(Debug)]
pub(crate) struct ConfigError(pub(crate) Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if at > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

/// Puts all sources together. `file` is what `--config` named; `variables` is the environment.
///
/// # Errors
/// Every wrong value, unknown key and contradiction found, each with its place.
pub(crate) fn load(
    flags: Layer,
    file: Option<PathBuf>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let variables: Vec<_> = variables.into_iter().collect();
    let standard = standard::layer(&variables).map_err(|problem| ConfigError(vec![problem]))?;
    let mut environment = Layer::new();
    let mut warnings = Vec::new();
    let mut file = file.map(|path| (path, Origin::Flag("config".into())));
    for (name, value) in variables {
        if let Some(option) = OPTIONS.iter().find(|option| option.variable() == name) {
            environment.insert(option.key, Texts { texts: vec![value], origin: Origin::Variable(name) });
        } else if name == FILE_VARIABLE {
            file.get_or_insert((PathBuf::from(value), Origin::Variable(name)));
        } else if !crate::client_file::VARIABLES.contains(&name.as_str()) {
            warnings.extend(unknown_variable(&name));
        }
    }
    let (path, text) = match file {
        Some((path, origin)) => {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                ConfigError(vec![Problem::new(origin, format!("cannot read {}: {error}", path.display()))])
            })?;
            (Some(path), text)
        }
        None => look_for_file()?,
    };
    let from_file = match &path {
        Some(path) => file::parse(path, &text).map_err(ConfigError)?,
        None => Layer::new(),
    };
    let layered = Layered::merge(&[from_file, standard, environment, flags]).map_err(ConfigError)?;
    let problems = check::check(&layered);
    if !problems.is_empty() {
        return Err(ConfigError(problems));
    }
    // `--data` on the command line wins over `memory = true` in the file, as any stronger source does.
    let data_wins = layered.origin("data").rank() > layered.origin("memory").rank();
    let mut settings = layered.settings;
    settings.memory &= !data_wins;
    Ok(Loaded { settings, file: path, warnings })
}

fn look_for_file() -> Result<(Option<PathBuf>, String), ConfigError> {
    for path in FILES_LOOKED_FOR.map(Path::new) {
        match std::fs::read_to_string(path) {
            Ok(text) => return Ok((Some(path.to_owned()), text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let origin = Origin::File { path: path.to_owned(), line: 1 };
                return Err(ConfigError(vec![Problem::new(origin, format!("cannot read it: {error}"))]));
            }
        }
    }
    Ok((None, String::new()))
}

/// Kubernetes puts variables such as LEVERET_SERVICE_HOST into every container, so an unknown one is no
/// error; one that looks like an option mistyped is worth a remark.
fn unknown_variable(name: &str) -> Option<String> {
    let key = name.strip_prefix("LEVERET_")?.to_lowercase();
    let known = nearest::nearest(&key, OPTIONS.iter().map(|option| option.key))?;
    let known = OPTIONS.iter().find(|option| option.key == known)?.variable();
    Some(format!("environment variable {name} is not an option and is ignored; did you mean {known}?"))
}
