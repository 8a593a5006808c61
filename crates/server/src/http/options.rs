//! How a command is told which broker to ask.

use super::{Api, Place};
use crate::client_file::{ClientFile, setting};
use crate::config::{Single, Span};
use crate::failure::Failure;
use clap::Args;
use std::path::PathBuf;

const DEFAULT_URL: &str = "http://guest:guest@127.0.0.1:15672";

/// The broker's HTTP API, who asks, and how long to wait.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct HttpOptions {
    /// The broker's HTTP API [env: LEVERET_HTTP] [default: http://guest:guest@127.0.0.1:15672]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub(crate) http: Option<String>,

    /// User name, instead of the one in the URL [env: LEVERET_USER]
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    pub(crate) user: Option<String>,

    /// Password; the environment keeps it out of the list of processes [env: LEVERET_PASSWORD]
    #[arg(long, value_name = "PASSWORD", help_heading = "Connection")]
    pub(crate) password: Option<String>,

    /// Certificate authority to trust, PEM, instead of the operating system's [env: LEVERET_CA_FILE]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Longest time for one request [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = Span::parse_one, help_heading = "Connection")]
    pub(crate) timeout: Option<Span>,
}

impl HttpOptions {
    /// The client these options describe. Flags win over the environment, it over the file.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        let file = ClientFile::read()?;
        let url = setting(self.http.clone(), "LEVERET_HTTP", file.http);
        let mut place = Place::parse(url.as_deref().unwrap_or(DEFAULT_URL)).map_err(Failure::usage)?;
        if let Some(user) = setting(self.user.clone(), "LEVERET_USER", file.user) {
            place.user = user;
        }
        if let Some(password) = setting(self.password.clone(), "LEVERET_PASSWORD", file.password) {
            place.password = password;
        }
        let ca_file = self.ca_file.clone().or_else(|| std::env::var_os("LEVERET_CA_FILE").map(PathBuf::from));
        let timeout = self.timeout.map_or(std::time::Duration::from_secs(30), |span| span.0);
        Ok(Api::new(place, ca_file.or(file.ca_file).as_deref(), timeout)?)
    }
}
