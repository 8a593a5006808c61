//! The types of options, one file per family. Each error gives an example of a right value.

mod address;
mod choice;
mod quantity;
mod telemetry;
mod watermark;

pub(crate) use address::{ListenAddress, MetricsAddress};
pub(crate) use choice::{LogFilter, LogFormat, TlsVerify, TlsVersionMin, WorkerThreads};
pub(crate) use quantity::{ByteSize, Count, Span};
pub(crate) use telemetry::{NameValue, OtlpEndpoint, OtlpProtocol, OtlpSignal, Share};
pub(crate) use watermark::Watermark;

use super::declare::{Shape, Single};
use std::path::PathBuf;

impl Single for String {
    fn parse_one(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("must not be empty".into()) } else { Ok(text.to_owned()) }
    }
}

impl Single for PathBuf {
    fn parse_one(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("must not be empty".into()) } else { Ok(PathBuf::from(text)) }
    }
}

impl Single for bool {
    const SHAPE: Shape = Shape::Switch;

    fn parse_one(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("`{text}` is neither `true` nor `false`")),
        }
    }
}

impl Single for u16 {
    fn parse_one(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is not a whole number from 0 to 65535"))
    }
}
