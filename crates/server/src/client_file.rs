//! `client.toml`: which broker the commands talk to when nothing on the command line or in the environment says so.

use crate::failure::Failure;
use serde::Deserialize;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Variables of the environment that the commands read, and `leveret serve` does not.
pub(crate) const VARIABLES: &[&str] = &[
    "LEVERET_HTTP",
    "LEVERET_URL",
    "LEVERET_USER",
    "LEVERET_PASSWORD",
    "LEVERET_VHOST",
    "LEVERET_CA_FILE",
    "LEVERET_CLIENT_CONFIG",
];

/// What the file may say.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientFile {
    /// URL of the HTTP API.
    pub(crate) http: Option<String>,
    /// URL for AMQP.
    pub(crate) url: Option<String>,
    /// User name.
    pub(crate) user: Option<String>,
    /// Password.
    pub(crate) password: Option<String>,
    /// Virtual host.
    pub(crate) vhost: Option<String>,
    /// Certificate authority, PEM.
    pub(crate) ca_file: Option<PathBuf>,
}

impl ClientFile {
    /// `LEVERET_CLIENT_CONFIG`, else `leveret/client.toml` in `XDG_CONFIG_HOME` or `~/.config`, if it is there.
    pub(crate) fn read() -> Result<ClientFile, Failure> {
        let named = std::env::var_os("LEVERET_CLIENT_CONFIG").map(PathBuf::from);
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".config"));
        let folder = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        let usual = || Some(folder.or_else(home)?.join("leveret/client.toml"));
        let is_named = named.is_some();
        let Some(path) = named.or_else(usual) else { return Ok(ClientFile::default()) };
        let said = if is_named { " (named by LEVERET_CLIENT_CONFIG)" } else { "" };
        let wrong =
            |error: &dyn std::fmt::Display| Failure::usage(format!("{}{said}: {error}", path.display()));
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| wrong(&error)),
            Err(error) if error.kind() == ErrorKind::NotFound && !is_named => Ok(ClientFile::default()),
            Err(error) => Err(wrong(&error)),
        }
    }
}

/// The strongest source that says something: flag, environment, file.
pub(crate) fn setting(flag: Option<String>, variable: &str, file: Option<String>) -> Option<String> {
    flag.or_else(|| std::env::var(variable).ok()).or(file)
}
