//! How a command is told which broker to ask.

use super::{Api, Place};
use crate::client_file::{ClientFile, setting};
use crate::failure::Failure;
use crate::login::Login;
use clap::Args;

const DEFAULT_URL: &str = "http://guest:guest@127.0.0.1:15672";

/// The broker's HTTP API, who asks, and how long to wait.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct HttpOptions {
    /// The broker's HTTP API [env: LEVERET_HTTP] [default: http://guest:guest@127.0.0.1:15672]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub(crate) http: Option<String>,

    #[command(flatten)]
    pub(crate) login: Login,
}

impl HttpOptions {
    /// The client these options describe. Flags win over the environment, it over the file.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        let file = ClientFile::read()?;
        let url = setting(self.http.clone(), "LEVERET_HTTP", file.http.clone());
        let mut place = Place::parse(url.as_deref().unwrap_or(DEFAULT_URL)).map_err(Failure::usage)?;
        let (user, password) = self.login.user_and_password(&file);
        place.user = user.unwrap_or(place.user);
        place.password = password.unwrap_or(place.password);
        Ok(Api::new(place, self.login.ca_file(&file).as_deref(), self.login.timeout())?)
    }
}
