//! What was said so far, for failures.

use leveret_protocol::{ContentHeader, Frame, FrameKind, Method, Properties};
use std::fmt::{self, Write as _};

/// Longest line of the log in characters; what is longer is cut.
const LINE_MAX: usize = 400;

/// The dialogue so far, a line for each frame.
#[derive(Debug, Default)]
pub(crate) struct Log(Vec<String>);

impl Log {
    pub(crate) fn sent(&mut self, what: &str) {
        self.line("client >", what);
    }

    pub(crate) fn received(&mut self, what: &str) {
        self.line("broker <", what);
    }

    fn line(&mut self, who: &str, what: &str) {
        let mut line = format!("  {who} {what}");
        if let Some((at, _)) = line.char_indices().nth(LINE_MAX) {
            line.truncate(at);
            line.push_str("...");
        }
        self.0.push(line);
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the dialogue so far:\n")?;
        // The beginning is always the same handshake; the end is what failed.
        let skipped = self.0.len().saturating_sub(60);
        if skipped > 0 {
            writeln!(f, "  ({skipped} earlier frames)")?;
        }
        self.0[skipped..].iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A frame in a line.
pub(crate) fn describe(frame: &Frame<'_>) -> String {
    let mut out = format!("#{} ", frame.channel);
    let written = match frame.kind {
        FrameKind::Method => match Method::decode(frame.payload) {
            // Two tables that hardly any failure is about.
            Ok(method @ (Method::ConnectionStart(_) | Method::ConnectionStartOk(_))) => {
                write!(out, "{}", method.id())
            }
            Ok(method) => write!(out, "{} {method:?}", method.id()),
            Err(error) => write!(out, "method frame: {error}"),
        },
        FrameKind::Header => match ContentHeader::decode(frame.payload) {
            Ok(header) => {
                let _ = write!(out, "header, body of {} bytes", header.body_size);
                match Properties::try_from(header.properties) {
                    Ok(properties) if properties == Properties::default() => Ok(()),
                    Ok(properties) => write!(out, ", {properties:?}"),
                    Err(error) => write!(out, ", {error}"),
                }
            }
            Err(error) => write!(out, "content header: {error}"),
        },
        FrameKind::Body => {
            let start = &frame.payload[..frame.payload.len().min(40)];
            write!(out, "body frame of {} bytes: {}", frame.payload.len(), start.escape_ascii())
        }
        FrameKind::Heartbeat => out.write_str("heartbeat"),
    };
    debug_assert!(written.is_ok(), "writing to a string works");
    out
}
