//! Looking at a folder without changing it.

use super::api::{OpenError, Report};
use super::recovery::{index_of, names};
use crate::disk::Disk;
use crate::index::FileState;
use crate::log::scan::{self, Scanned};
use crate::log::{self};
use crate::record::Op;
use crate::types::LaneId;

/// A record as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordLine {
    /// Name of its log file.
    pub file: String,
    /// Where it lies in the file, in bytes.
    pub offset: u32,
    /// Its bytes.
    pub len: u32,
    /// What it says.
    pub text: String,
}

/// A log file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedFile {
    /// Its name.
    pub name: String,
    /// Groups in it.
    pub groups: u64,
    /// Records that are whole.
    pub records: u64,
    /// Records that are damaged; at the end of the log they were never finished.
    pub damaged: u64,
    /// Live messages in it, counted for each queue.
    pub live: u64,
    /// Bytes of them, about.
    pub live_bytes: u64,
    /// An index of its live messages lies behind its last group.
    pub sealed: bool,
}

/// What a look at a folder found.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// As a start would report it.
    pub report: Report,
    /// Log files, by number.
    pub files: Vec<InspectedFile>,
    /// Lanes: number of the queue, lane, messages, bytes of their bodies.
    pub lanes: Vec<(LaneId, u64, u64)>,
    /// Definitions.
    pub definitions: usize,
}

impl Inspection {
    /// Whether nothing is damaged or missing. (A torn tail is neither: it was never confirmed.)
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.report.skipped_records == 0
            && self.report.missing_files.is_empty()
            && self.files.iter().all(|file| file.damaged == 0 || self.report.torn_bytes > 0)
    }
}

/// Reads everything in a folder, checks every checksum and changes nothing. `each` hears of every record.
///
/// # Errors
/// The folder cannot be read, or has no checkpoint that can be.
pub fn inspect(disk: &dyn Disk, each: &mut dyn FnMut(RecordLine)) -> Result<Inspection, OpenError> {
    let names = names(disk)?;
    let mut report = Report { foreign_files: names.foreign.clone(), ..Report::default() };
    let (index, scanned, _) = index_of(disk, &names, &mut report, &mut |_| ())?;
    report.records = scanned.records;
    report.replayed_bytes = scanned.bytes;
    report.torn_bytes = scanned.torn_bytes;
    report.skipped_records = scanned.skipped;
    report.incomplete_batches = scanned.incomplete;
    let mut files = Vec::new();
    for number in &names.logs {
        let name = log::name(*number);
        let at = |error| OpenError::Disk { what: format!("{name} cannot be read"), error };
        let file = disk.open(&name).map_err(at)?;
        let groups = scan::groups(&*file, *number).map_err(at)?;
        let mut scanned = Scanned::default();
        let mut buffer = Vec::new();
        for group in &groups {
            scan::read_group(&*file, *group, true, &mut buffer, &mut scanned, &mut |op, place| {
                let (offset, len) = (place.offset, place.len);
                each(RecordLine { file: name.clone(), offset, len, text: words(op) });
            })
            .map_err(at)?;
        }
        let known = index.files().find(|(known, _)| known == number).map(|(_, file)| file);
        let FileState { live, live_bytes, sealed, .. } = known.unwrap_or_default();
        let (records, damaged) = (scanned.records, scanned.skipped);
        files.push(InspectedFile {
            name,
            groups: groups.len() as u64,
            records,
            damaged,
            live,
            live_bytes,
            sealed,
        });
    }
    for (number, file) in index.files() {
        if file.live > 0 && !names.logs.contains(&number) {
            report.missing_files.push(log::name(number));
        }
    }
    let lanes =
        index.summary().into_iter().map(|(id, messages, weight, ..)| (id, messages, weight)).collect();
    Ok(Inspection { report, files, lanes, definitions: index.definitions.len() })
}

fn words(op: &Op<'_>) -> String {
    match *op {
        Op::Message { targets, weight, payload, moved } => {
            let places: Vec<String> =
                targets.into_iter().map(|t| format!("{}.{}@{}", t.queue, t.lane, t.position)).collect();
            let kind = if moved { "moved" } else { "message" };
            format!("{kind} to {} body {weight} stored {}", places.join(" "), payload.len())
        }
        Op::Settle { queue, lane, first, count, .. } => {
            format!("settle {queue}.{lane}@{first} and {} more", count - 1)
        }
        Op::Clear { queue, lane, first, last } => format!("clear {queue}.{lane}@{first} to {last}"),
        Op::Returned { queue, lane, position, history: h } => {
            let held = match h.held_until_unix_ms {
                0 => String::new(),
                ms => format!(" held until {ms}"),
            };
            format!(
                "returned {queue}.{lane}@{position} failed {} of {}{held}",
                h.delivery_count, h.acquired_count
            )
        }
        Op::Delivering { queue, lane, through } => format!("delivering {queue}.{lane} through {through}"),
        Op::Delivered { queue, lane, through } => format!("delivered {queue}.{lane} through {through}"),
        Op::DropQueue { queue } => format!("drop queue {queue}"),
        Op::Put { key, value } => format!("put {} ({} bytes)", key.escape_ascii(), value.len()),
        Op::Remove { key } => format!("remove {}", key.escape_ascii()),
    }
}
