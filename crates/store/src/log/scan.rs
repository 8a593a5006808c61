//! Reading log files again, in order: every record that can be trusted, and what was wrong with the rest.
//!
//! Damage behind the last sync is a torn tail: the log ends there, as if what follows had never been written. Damage before it is
//! the medium's: the record is skipped and counted, and everything else is read.

use super::{ALIGNMENT, GROUP_HEADER_BYTES, GroupHeader, align};
use crate::disk::{DiskFile, read_full};
use crate::record::{BATCH_HEADER_BYTES, BatchHeader, Op, Place, records};
use std::io;

/// What reading brought to light.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    /// Records skipped because the medium damaged them.
    pub(crate) skipped: u64,
    /// Batches of which some records were skipped.
    pub(crate) incomplete: u64,
    /// Bytes of the torn tail.
    pub(crate) torn_bytes: u64,
    /// The log ended in a torn group.
    pub(crate) torn: bool,
    /// Highest number of a group seen, torn ones included.
    pub(crate) group: u64,
    /// Number of the first log file that was to be read.
    pub(crate) first: u32,
}

/// A group that can be told from its header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupAt {
    pub(crate) offset: u64,
    pub(crate) header: GroupHeader,
}

/// The groups of a file, also those behind damage.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn groups(file: &dyn DiskFile, number: u32) -> io::Result<Vec<GroupAt>> {
    let len = file.len()?;
    let mut all: Vec<GroupAt> = Vec::new();
    let mut offset = ALIGNMENT;
    let mut head = [0; GROUP_HEADER_BYTES];
    while offset + (GROUP_HEADER_BYTES as u64) <= len {
        read_full(file, offset, &mut head)?;
        let found = GroupHeader::parse(&head, number)
            .filter(|header| all.last().is_none_or(|last| header.number > last.header.number));
        match found {
            Some(header) => {
                all.push(GroupAt { offset, header });
                offset = align(offset + u64::from(header.len));
            }
            None => match next_group(file, number, offset + ALIGNMENT, len)? {
                Some(next) => offset = next,
                None => break,
            },
        }
    }
    Ok(all)
}

/// The next place where a group of the file starts.
fn next_group(file: &dyn DiskFile, number: u32, from: u64, len: u64) -> io::Result<Option<u64>> {
    let mut chunk = vec![0; 1 << 20];
    let mut offset = from;
    while offset < len {
        let count = read_full(file, offset, &mut chunk)?;
        let found = (0..count)
            .step_by(ALIGNMENT as usize)
            .find(|at| GroupHeader::parse(&chunk[*at..count], number).is_some());
        if let Some(at) = found {
            return Ok(Some(offset + at as u64));
        }
        if count == 0 {
            break;
        }
        offset = align(offset + count as u64);
    }
    Ok(None)
}

/// Reads one group. `synced`: damage in it is the medium's. `false`: the log ends here.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn read_group(
    file: &dyn DiskFile,
    group: GroupAt,
    synced: bool,
    buffer: &mut Vec<u8>,
    scanned: &mut Scanned,
    each: &mut dyn FnMut(&Op<'_>, Place),
) -> io::Result<bool> {
    buffer.clear();
    buffer.resize(group.header.len as usize, 0);
    let count = read_full(file, group.offset, buffer)?;
    buffer.truncate(count);
    scanned.bytes += count as u64;
    scanned.group = scanned.group.max(group.header.number);
    let mut at = GROUP_HEADER_BYTES;
    let end = group.header.len as usize;
    while at < end {
        let Some(header) = buffer.get(at..).and_then(BatchHeader::parse) else {
            if !synced {
                return Ok(torn(scanned, end - at));
            }
            scanned.skipped += 1;
            scanned.incomplete += 1;
            // The next batch whose head is whole.
            match (at + 1..buffer.len()).find(|next| BatchHeader::parse(&buffer[*next..]).is_some()) {
                Some(next) => at = next,
                None => return Ok(true),
            }
            continue;
        };
        let start = at + BATCH_HEADER_BYTES;
        let bytes = buffer.get(start..).unwrap_or_default();
        // A batch that may be torn is looked through first: all of it counts, or nothing.
        if !synced && !is_whole(header, bytes) {
            return Ok(torn(scanned, end - at));
        }
        let mut bad = false;
        for record in records(header, bytes) {
            match record {
                Ok(record) => {
                    scanned.records += 1;
                    let offset = (group.offset as usize + start + record.at) as u32;
                    each(&record.op, Place { file: group.header.file, offset, len: record.len as u32 });
                }
                Err(_) => {
                    scanned.skipped += 1;
                    bad = true;
                }
            }
        }
        scanned.incomplete += u64::from(bad);
        at = start + header.len as usize;
    }
    Ok(true)
}

fn is_whole(header: BatchHeader, bytes: &[u8]) -> bool {
    let mut count = 0;
    records(header, bytes).all(|record| {
        count += 1;
        record.is_ok()
    }) && count == header.count
}

fn torn(scanned: &mut Scanned, bytes: usize) -> bool {
    scanned.torn = true;
    scanned.torn_bytes += bytes as u64;
    false
}
