//! `leveret store check | dump | stat DIR`: a data folder read offline. Nothing is changed.

use crate::exit;
use clap::{Arg, ArgMatches, Command, ValueHint};
use leveret_store::disk::RealDisk;
use leveret_store::{Inspection, RecordLine, inspect};
use std::fs::{File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The command and what it says about itself.
pub(crate) fn command() -> Command {
    let folder = || {
        Arg::new("dir")
            .value_name("DIR")
            .required(true)
            .value_hint(ValueHint::DirPath)
            .value_parser(clap::value_parser!(PathBuf))
            .help("The data folder (`--data` of the broker)")
    };
    Command::new("store")
        .about("Look into a data folder: check every checksum, list records, sum up")
        .long_about(
            "Look into a data folder without changing it. While a broker uses the folder, what it writes meanwhile may \
             look torn: stop it first, or take a copy.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(
            Command::new("check")
                .about("Read everything and check every checksum; exit code 1 when something is damaged or missing")
                .after_help("Examples:\n  leveret store check /var/lib/leveret")
                .arg(folder()),
        )
        .subcommand(
            Command::new("dump")
                .about("Print every record: file, offset, bytes, what it says")
                .after_help("Examples:\n  leveret store dump /var/lib/leveret | grep orders")
                .arg(folder()),
        )
        .subcommand(
            Command::new("stat")
                .about("Files, how much of them is alive, and messages by queue")
                .after_help("Examples:\n  leveret store stat /var/lib/leveret")
                .arg(folder()),
        )
}

/// Does it. Returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> u8 {
    let Some((what, matches)) = matches.subcommand() else { return exit::USAGE };
    let Some(folder) = matches.get_one::<PathBuf>("dir") else { return exit::USAGE };
    let mut out = BufWriter::new(io::stdout().lock());
    match look(what, folder, &mut out).and_then(|sound| out.flush().map(|()| sound)) {
        Ok(true) => exit::OK,
        Ok(false) => exit::FAILURE,
        // Whoever reads the list had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::OK,
        Err(error) => {
            let _ = writeln!(io::stderr(), "leveret store {what}: {}: {error}", folder.display());
            exit::FAILURE
        }
    }
}

fn look(what: &str, folder: &Path, out: &mut dyn Write) -> io::Result<bool> {
    if is_in_use(folder) {
        writeln!(io::stderr(), "a broker uses this folder: what it writes meanwhile may look torn")?;
    }
    if !folder.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such folder"));
    }
    let disk = RealDisk::open(folder)?;
    let mut failed = Ok(());
    let mut line = |record: RecordLine| {
        if what == "dump" && failed.is_ok() {
            let RecordLine { file, offset, len, text } = record;
            failed = writeln!(out, "{file} {offset:>10} {len:>8}  {text}");
        }
    };
    let found = inspect(&disk, &mut line).map_err(io::Error::other)?;
    failed?;
    match what {
        "stat" => stat(&found, out)?,
        "check" => check(&found, out)?,
        _ => {}
    }
    Ok(what != "check" || found.is_sound())
}

fn is_in_use(folder: &Path) -> bool {
    let lock = File::open(folder.join("leveret.lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn check(found: &Inspection, out: &mut dyn Write) -> io::Result<()> {
    let report = &found.report;
    let records: u64 = found.files.iter().map(|file| file.records).sum();
    let messages: u64 = found.lanes.iter().map(|(_, messages, _)| messages).sum();
    writeln!(
        out,
        "{} log files, {records} records, {messages} messages, {} definitions",
        found.files.len(),
        found.definitions
    )?;
    if report.torn_bytes > 0 {
        writeln!(
            out,
            "torn tail: {} bytes were not written to the end; they were never confirmed",
            report.torn_bytes
        )?;
    }
    for file in found.files.iter().filter(|file| file.damaged > 0 && report.torn_bytes == 0) {
        writeln!(out, "damaged: {} records of {}", file.damaged, file.name)?;
    }
    if report.incomplete_batches > 0 {
        writeln!(out, "incomplete: {} batches lost some of their records", report.incomplete_batches)?;
    }
    report.missing_files.iter().try_for_each(|name| writeln!(out, "missing: {name}"))?;
    report.foreign_files.iter().try_for_each(|name| writeln!(out, "not the store's: {name}"))?;
    writeln!(out, "{}", if found.is_sound() { "sound" } else { "NOT SOUND" })
}

fn stat(found: &Inspection, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{:<16} {:>8} {:>10} {:>10} {:>12}  state",
        "file", "groups", "records", "live", "live bytes"
    )?;
    for file in &found.files {
        let state = if file.sealed { "sealed" } else { "open" };
        writeln!(
            out,
            "{:<16} {:>8} {:>10} {:>10} {:>12}  {state}",
            file.name, file.groups, file.records, file.live, file.live_bytes
        )?;
    }
    writeln!(out, "\n{:<8} {:>4} {:>12} {:>14}", "queue", "lane", "messages", "bytes")?;
    for (id, messages, bytes) in found.lanes.iter().filter(|(_, messages, _)| *messages > 0) {
        writeln!(out, "{:<8} {:>4} {messages:>12} {bytes:>14}", id.queue, id.lane)?;
    }
    writeln!(out, "\n{} definitions", found.definitions)
}
