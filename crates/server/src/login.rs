//! Who asks a broker, whom it trusts and how long it waits: the options that commands over HTTP and over AMQP have in common.

use crate::client_file::{ClientFile, setting};
use crate::config::{Single, Span};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Options of every command that talks to a broker.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Login {
    /// User name, instead of the one in the URL [env: LEVERET_USER]
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    user: Option<String>,

    /// Password; the environment keeps it out of the list of processes [env: LEVERET_PASSWORD]
    #[arg(long, value_name = "PASSWORD", help_heading = "Connection")]
    password: Option<String>,

    /// Certificate authority to trust, PEM, instead of the operating system's [env: LEVERET_CA_FILE]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    ca_file: Option<PathBuf>,

    /// Longest time for connecting, and for each answer [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = Span::parse_one, help_heading = "Connection")]
    timeout: Option<Span>,
}

impl Login {
    /// User and password where they are said. Flags win over the environment, it over the file.
    pub(crate) fn user_and_password(&self, file: &ClientFile) -> (Option<String>, Option<String>) {
        let user = setting(self.user.clone(), "LEVERET_USER", file.user.clone());
        let password = setting(self.password.clone(), "LEVERET_PASSWORD", file.password.clone());
        (user, password)
    }

    /// The certificate authority, in the same order.
    pub(crate) fn ca_file(&self, file: &ClientFile) -> Option<PathBuf> {
        let said = self.ca_file.clone().or_else(|| std::env::var_os("LEVERET_CA_FILE").map(PathBuf::from));
        said.or_else(|| file.ca_file.clone())
    }

    /// The deadline of everything.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.map_or(Duration::from_secs(30), |span| span.0)
    }
}
