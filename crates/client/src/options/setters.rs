//! Setting one option and handing the others on.

use std::time::Duration;

use leveret_protocol::FieldValue;

use super::{ConnectOptions, Credentials, Mechanism, RecoveryOptions, TlsOptions, WriteOptions};
use crate::uri::Address;

impl ConnectOptions {
    /// Sets [`ConnectOptions::addresses`].
    #[must_use]
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = Address>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// Adds one to [`ConnectOptions::addresses`].
    #[must_use]
    pub fn address(mut self, host: impl Into<String>, port: u16) -> Self {
        self.addresses.push(Address::new(host, port));
        self
    }

    /// Sets [`ConnectOptions::vhost`].
    #[must_use]
    pub fn vhost(mut self, vhost: impl Into<String>) -> Self {
        self.vhost = vhost.into();
        self
    }

    /// Sets [`ConnectOptions::credentials`].
    #[must_use]
    pub fn credentials(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Credentials::new(username, password);
        self
    }

    /// Sets [`ConnectOptions::mechanisms`].
    #[must_use]
    pub fn mechanisms(mut self, mechanisms: impl IntoIterator<Item = Mechanism>) -> Self {
        self.mechanisms = mechanisms.into_iter().collect();
        self
    }

    /// Sets [`ConnectOptions::name`].
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds one to [`ConnectOptions::client_properties`]. The name has at most 255 bytes; what is longer is cut.
    #[must_use]
    pub fn client_property(mut self, name: &'static str, value: impl Into<FieldValue>) -> Self {
        self.client_properties.insert(name, value);
        self
    }

    /// Sets [`ConnectOptions::locale`].
    #[must_use]
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = locale.into();
        self
    }

    /// Sets [`ConnectOptions::heartbeat`].
    #[must_use]
    pub fn heartbeat(self, heartbeat: Duration) -> Self {
        Self { heartbeat, ..self }
    }

    /// Sets [`ConnectOptions::frame_max`].
    #[must_use]
    pub fn frame_max(self, frame_max: u32) -> Self {
        Self { frame_max, ..self }
    }

    /// Sets [`ConnectOptions::channel_max`].
    #[must_use]
    pub fn channel_max(self, channel_max: u16) -> Self {
        Self { channel_max, ..self }
    }

    /// Sets [`ConnectOptions::message_bytes_max`].
    #[must_use]
    pub fn message_bytes_max(self, message_bytes_max: usize) -> Self {
        Self { message_bytes_max, ..self }
    }

    /// Sets [`ConnectOptions::connect_timeout`].
    #[must_use]
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    /// Sets [`ConnectOptions::operation_timeout`].
    #[must_use]
    pub fn operation_timeout(self, operation_timeout: Duration) -> Self {
        Self { operation_timeout, ..self }
    }

    /// Sets [`ConnectOptions::waiting_bytes_max`].
    #[must_use]
    pub fn waiting_bytes_max(self, waiting_bytes_max: usize) -> Self {
        Self { waiting_bytes_max, ..self }
    }

    /// Sets [`ConnectOptions::write`].
    #[must_use]
    pub fn write(self, write: WriteOptions) -> Self {
        Self { write, ..self }
    }

    /// Sets [`ConnectOptions::tls`].
    #[must_use]
    pub fn tls(self, tls: TlsOptions) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Sets [`ConnectOptions::recovery`].
    #[must_use]
    pub fn recovery(self, recovery: RecoveryOptions) -> Self {
        Self { recovery, ..self }
    }
}
