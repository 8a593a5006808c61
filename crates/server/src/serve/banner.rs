//! The few lines a person reads at start; with JSON logs one log line instead, for machines.

use super::start::METRICS;
use super::start::Running;
use crate::amqp_url::AmqpUrl;
use crate::config::{LogFormat, Settings};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// One open listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listening {
    /// `amqp` or `amqps`.
    pub(crate) scheme: &'static str,
    /// The address with the port really taken.
    pub(crate) address: SocketAddr,
}

/// What there is to say.
pub(crate) struct Banner<'a> {
    /// The settings in force.
    pub(crate) settings: &'a Settings,
    /// The file they were read from.
    pub(crate) file: Option<&'a Path>,
    /// The broker.
    pub(crate) running: &'a Running,
    /// From the start of the process to the first listener.
    pub(crate) took: Duration,
}

impl Banner<'_> {
    /// Says it.
    pub(crate) fn show(&self) {
        match self.settings.log_format {
            LogFormat::Text => {
                // Whoever started us may not want to read: a closed pipe is fine.
                let _ = std::io::stdout().lock().write_all(self.text().as_bytes());
            }
            LogFormat::Json => {
                let listeners = self.running.listening().iter().map(url_of).collect::<Vec<_>>().join(" ");
                let version = env!("CARGO_PKG_VERSION");
                let node = self.running.node_name();
                tracing::info!(version, node, listeners, start_ms = self.took.as_millis() as u64, "ready");
            }
        }
    }

    fn text(&self) -> String {
        let node = self.running.node_name();
        render(self.settings, self.file, self.running.listening(), node, &self.running.data(), self.took)
    }
}

fn url_of(listening: &Listening) -> String {
    match listening.scheme {
        METRICS => format!("http://{}/metrics", listening.address),
        scheme => format!("{scheme}://{}", listening.address),
    }
}

fn render(
    settings: &Settings,
    file: Option<&Path>,
    listening: &[Listening],
    node: &str,
    data: &str,
    took: Duration,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, what: &str| {
        let _ = writeln!(text, "  {name:<8} {what}");
    };
    for listening in listening {
        line("listens", &url_of(listening));
    }
    line("data", data);
    if let Some(file) = file {
        line("config", &file.display().to_string());
    }
    if let Some(plain) = listening.iter().find(|listening| listening.scheme == "amqp") {
        let url = url_to(settings, plain.address);
        line(
            "send",
            &format!(
                "python3 -c \"import pika; c = pika.BlockingConnection(pika.URLParameters('{url}')).channel(); \
                 c.queue_declare('hello', durable=True); c.basic_publish('', 'hello', b'Hello')\""
            ),
        );
        line(
            "or",
            &format!(
                "amqp-declare-queue --url={url} -d -q hello && amqp-publish --url={url} -r hello -b Hello"
            ),
        );
        line("measure", &format!("leveret bench --url {url}"));
    }
    line(
        "stop",
        &format!(
            "Ctrl-C: waits up to {} for deliveries under way; twice stops at once",
            settings.shutdown_deadline
        ),
    );
    let version = env!("CARGO_PKG_VERSION");
    format!("Leveret {version} is ready ({node}, started in {} ms)\n{text}", took.as_millis())
}

/// A URL that works from this machine. Passwords other than the well-known default are not shown.
fn url_to(settings: &Settings, address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V6(ip) if ip.is_unspecified() => "::1".to_owned(),
        ip => ip.to_string(),
    };
    let password = if settings.default_pass == "guest" { "guest" } else { "PASSWORD" };
    AmqpUrl {
        user: settings.default_user.clone(),
        password: password.to_owned(),
        host,
        port: address.port(),
        vhost: settings.default_vhost.clone(),
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_and_how() {
        let mut settings = Settings::defaults().unwrap();
        settings.default_vhost = "my shop".into();
        let listening = [
            Listening { scheme: "amqp", address: "0.0.0.0:5672".parse().unwrap() },
            Listening { scheme: "amqps", address: "[::1]:5671".parse().unwrap() },
        ];
        let text = render(&settings, None, &listening, "leveret@hare", "in memory", Duration::from_millis(7));
        let url = "amqp://guest:guest@127.0.0.1:5672/my%20shop";
        assert!(text.starts_with("Leveret 0.1.0 is ready (leveret@hare, started in 7 ms)\n"), "{text}");
        for expected in [
            "  listens  amqp://0.0.0.0:5672\n",
            "  listens  amqps://[::1]:5671\n",
            "  data     in memory\n",
            &format!("  measure  leveret bench --url {url}\n"),
            "  stop     Ctrl-C: waits up to 10s",
        ] {
            assert!(text.contains(expected), "{expected:?} not in\n{text}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let mut settings = Settings::defaults().unwrap();
        settings.default_pass = "s3cret".into();
        let listening = [Listening { scheme: "amqp", address: "127.0.0.1:1".parse().unwrap() }];
        let text = render(&settings, None, &listening, "n", "d", Duration::ZERO);
        assert!(!text.contains("s3cret") && text.contains("guest:PASSWORD@"), "{text}");
    }
}
