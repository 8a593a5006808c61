//! Where received messages go: to stdout as text or lines of JSON, or into files.

use crate::amqp;
use crate::failure::Failure;
use crate::output::printable;
use clap::Args;
use leveret_client::{Delivery, Properties};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};
use std::path::PathBuf;

/// Options of commands that write messages.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct MessageOutput {
    /// Writes a line with routing key, properties and headers before each message
    #[arg(long, short, conflicts_with = "json", help_heading = "Output")]
    verbose: bool,
    /// Writes each message as an object on one line, as RabbitMQ's HTTP API shows it
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Writes each message into two files of this folder: 00000001.body and 00000001.json
    #[arg(long, short, value_name = "FOLDER", conflicts_with_all = ["verbose", "json"], help_heading = "Output")]
    output_dir: Option<PathBuf>,
}

impl MessageOutput {
    /// Whether stdout stays empty.
    pub(super) fn is_into_files(&self) -> bool {
        self.output_dir.is_some()
    }
}

/// How messages are written.
pub(super) struct Messages {
    out: BufWriter<Stdout>,
    form: Form,
    is_terminal: bool,
    written: u64,
}

enum Form {
    /// The body and the end of a line.
    Text,
    /// A line about the message, then its body.
    Verbose,
    /// An object in a line.
    Json,
    /// Two files per message: its bytes, and everything else as JSON.
    Files(PathBuf),
}

impl Messages {
    pub(super) fn new(output: &MessageOutput) -> Result<Messages, Failure> {
        let form = match output.output_dir.clone() {
            Some(folder) => {
                let failed = |error| Failure::new(format!("{}: {error}", folder.display()));
                std::fs::create_dir_all(&folder).map_err(failed)?;
                Form::Files(folder)
            }
            None if output.json => Form::Json,
            None if output.verbose => Form::Verbose,
            None => Form::Text,
        };
        let out = io::stdout();
        let is_terminal = out.is_terminal();
        Ok(Messages { out: BufWriter::with_capacity(64 << 10, out), form, is_terminal, written: 0 })
    }

    /// Messages that were written.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Writes one; false when nobody reads any more.
    pub(super) fn write(&mut self, delivery: &Delivery, messages_left: Option<u32>) -> Result<bool, Failure> {
        let properties = delivery.properties().unwrap_or_default();
        let shown = || {
            let mut shown = amqp::shown(
                delivery.exchange(),
                delivery.routing_key(),
                delivery.is_redelivered(),
                &properties,
                delivery.body(),
            );
            if let Some(left) = messages_left {
                shown["message_count"] = left.into();
            }
            shown
        };
        let written = match &self.form {
            Form::Text => write_body(&mut self.out, delivery.body(), self.is_terminal),
            Form::Json => writeln!(self.out, "{}", shown()),
            Form::Verbose => writeln!(self.out, "{}", about(delivery, &properties))
                .and_then(|()| write_body(&mut self.out, delivery.body(), self.is_terminal)),
            Form::Files(folder) => {
                let mut about = shown();
                if let Some(object) = about.as_object_mut() {
                    object.remove("payload");
                    object.remove("payload_encoding");
                }
                let place = folder.join(format!("{:08}", self.written + 1));
                write_files(&place, delivery.body(), &about)
                    .map_err(|error| Failure::new(format!("{}: {error}", place.display())))?;
                Ok(())
            }
        };
        self.told(written, true)
    }

    /// Hands what was written to whoever reads; false when nobody does any more.
    pub(super) fn flush(&mut self) -> Result<bool, Failure> {
        let flushed = self.out.flush();
        self.told(flushed, false)
    }

    fn told(&mut self, written: io::Result<()>, is_message: bool) -> Result<bool, Failure> {
        match written {
            Ok(()) => {
                self.written += u64::from(is_message);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::new(format!("stdout: {error}"))),
        }
    }
}

/// Bytes as they are into a pipe, and what a terminal can bear on a terminal.
fn write_body(out: &mut impl Write, body: &[u8], is_terminal: bool) -> io::Result<()> {
    if is_terminal {
        out.write_all(printable(&String::from_utf8_lossy(body)).as_bytes())?;
    } else {
        out.write_all(body)?;
    }
    out.write_all(b"\n")
}

/// Files appear under their names only when they are whole.
fn write_files(place: &std::path::Path, body: &[u8], about: &Value) -> io::Result<()> {
    let unfinished = place.with_extension("part");
    std::fs::write(&unfinished, body)?;
    std::fs::rename(&unfinished, place.with_extension("body"))?;
    std::fs::write(place.with_extension("json"), format!("{about}\n"))
}

fn about(delivery: &Delivery, properties: &Properties) -> String {
    let mut line = format!("-- {} bytes", delivery.body().len());
    let exchange = delivery.exchange();
    if !exchange.is_empty() {
        let _ = write!(line, ", exchange {exchange}");
    }
    let _ = write!(line, ", key {}", delivery.routing_key());
    if delivery.is_redelivered() {
        line.push_str(", redelivered");
    }
    let shown = amqp::shown("", "", false, properties, &[]);
    for (key, value) in shown["properties"].as_object().into_iter().flatten() {
        let _ = match value {
            Value::String(text) => write!(line, ", {key} {text}"),
            value => write!(line, ", {key} {value}"),
        };
    }
    printable(&line).replace('\n', " ")
}
