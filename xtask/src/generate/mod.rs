//! Generates `crates/protocol/src/generated/` from the table in `crates/protocol/spec/`.
//!
//! The table is data and so is what comes out: structs, numbers and their encoding. What a method *means*, and which may follow
//! which, is written by hand elsewhere.

mod emit;
mod method;
mod properties;
mod reply_code;
pub mod spec;

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use spec::Spec;

/// One generated file: its name and its text, not yet formatted.
pub type GeneratedFile = (String, String);

type Outcome = Result<String, Box<dyn Error>>;

/// Every generated file, unformatted, from the table as it stands in the source tree.
///
/// # Errors
/// When the table cannot be read or says something impossible.
pub fn generate() -> Result<Vec<GeneratedFile>, Box<dyn Error>> {
    let spec = Spec::read()?;
    let mut files = vec![
        ("mod.rs".to_owned(), emit::modules(&spec)),
        ("method.rs".to_owned(), method::method_enum(&spec)),
        ("method_id.rs".to_owned(), method::method_names(&spec)),
        ("properties.rs".to_owned(), properties::properties(&spec)),
        ("reply_code.rs".to_owned(), reply_code::reply_codes(&spec)),
    ];
    for class in &spec.class {
        files.push((format!("{}.rs", class.name), method::class_module(class)));
    }
    Ok(files)
}

/// Writes the generated files, formatted.
///
/// # Errors
/// When the table, a file or rustfmt fails.
pub fn write() -> Outcome {
    let files = generate()?;
    fs::create_dir_all(folder())?;
    for (name, text) in &files {
        fs::write(folder().join(name), formatted(text)?)?;
    }
    Ok(format!("{} files written to {}", files.len(), folder().display()))
}

/// Says whether the generated files are what [`write()`] would write.
///
/// # Errors
/// When one is not, or when the table or rustfmt fails.
pub fn check() -> Outcome {
    for (name, text) in generate()? {
        if fs::read_to_string(folder().join(&name)).unwrap_or_default() != formatted(&text)? {
            return Err(format!("{name} is out of date: cargo run -p xtask -- generate").into());
        }
    }
    Ok("generated code is up to date".to_owned())
}

/// Where the generated files are.
#[must_use]
pub fn folder() -> PathBuf {
    root().join("crates/protocol/src/generated")
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn formatted(text: &str) -> Result<String, Box<dyn Error>> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root().join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = rustfmt.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    let output = rustfmt.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("rustfmt: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
