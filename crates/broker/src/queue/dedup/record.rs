//! What the store keeps of a window: records of ids and of producers, in the hidden lane of the queue that they are of.
//!
//! ```text
//! form u8: 1 of a batch, or of producers; 2 a page, older than all of form 1 | key 16 bytes
//! ids u32       | each: hash u128, end u64 (milliseconds since 1970; all ones: never)
//! producers u32 | each: hash u128, next u64, used u64 (milliseconds since 1970), turn u64,
//!               |       open: from u64, through u64 (none: 1, 0), refused u8, each: sequence u64
//! ```
//! All numbers are little-endian.

use super::siphash::Key;

/// What a record's ids are to others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// Those of a batch, younger than those of all pages.
    #[default]
    Batch = 1,
    /// Of many batches, put together.
    Page = 2,
}

/// Bytes of a record with one id: what a page of many saves.
const HEAD_BYTES: usize = 25;

/// A producer as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredProducer {
    pub(super) hash: u128,
    /// The sequence that is expected next.
    pub(super) next: u64,
    pub(super) used_unix_ms: u64,
    /// Grows with every record: the highest is the latest, whatever the records' order.
    pub(super) turn: u64,
    /// Sequences below `next` that were refused and may come again.
    pub(super) refused: Vec<u64>,
    /// From and through: so many of these were refused that any may come again.
    pub(super) open: Option<(u64, u64)>,
}

impl StoredProducer {
    /// A message of it was refused after all.
    pub(super) fn refuse(&mut self, sequence: u64) {
        match self.refused.binary_search(&sequence) {
            Ok(_) => {}
            Err(at) if self.refused.len() < usize::from(u8::MAX) => self.refused.insert(at, sequence),
            Err(_) => {
                let (from, through) = self.open.unwrap_or((sequence, sequence));
                self.open = Some((from.min(sequence), through.max(sequence)));
            }
        }
    }
}

/// A record that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) form: Form,
    pub(super) key: Key,
    pub(super) ids: Vec<(u128, u64)>,
    pub(super) producers: Vec<StoredProducer>,
}

pub(super) fn encode(
    form: Form,
    key: &Key,
    ids: impl Iterator<Item = (u128, u64)>,
    producers: &[StoredProducer],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD_BYTES + ids.size_hint().0 * 24 + producers.len() * 57);
    out.push(form as u8);
    out.extend_from_slice(key);
    out.extend_from_slice(&[0; 4]);
    let mut count = 0_u32;
    for (hash, until) in ids {
        out.extend_from_slice(&hash.to_le_bytes());
        out.extend_from_slice(&until.to_le_bytes());
        count += 1;
    }
    out[17..21].copy_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&(producers.len() as u32).to_le_bytes());
    for producer in producers {
        out.extend_from_slice(&producer.hash.to_le_bytes());
        let (from, through) = producer.open.unwrap_or((1, 0));
        for number in [producer.next, producer.used_unix_ms, producer.turn, from, through] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let refused = &producer.refused[..producer.refused.len().min(usize::from(u8::MAX))];
        out.push(refused.len() as u8);
        refused.iter().for_each(|sequence| out.extend_from_slice(&sequence.to_le_bytes()));
    }
    out
}

/// Reads a record. `None`: it makes no sense to this version.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Record> {
    let form = match take(&mut bytes)? {
        [1] => Form::Batch,
        [2] => Form::Page,
        _ => return None,
    };
    let mut record = Record { form, key: take(&mut bytes)?, ..Record::default() };
    for _ in 0..u32::from_le_bytes(take(&mut bytes)?) {
        record.ids.push((u128::from_le_bytes(take(&mut bytes)?), number(&mut bytes)?));
    }
    for _ in 0..u32::from_le_bytes(take(&mut bytes)?) {
        let hash = u128::from_le_bytes(take(&mut bytes)?);
        let (next, used_unix_ms, turn) = (number(&mut bytes)?, number(&mut bytes)?, number(&mut bytes)?);
        let open = Some((number(&mut bytes)?, number(&mut bytes)?)).filter(|(from, through)| from <= through);
        let [count] = take(&mut bytes)?;
        let refused = (0..count).map(|_| number(&mut bytes)).collect::<Option<_>>()?;
        record.producers.push(StoredProducer { hash, next, used_unix_ms, turn, refused, open });
    }
    bytes.is_empty().then_some(record)
}

fn take<const LEN: usize>(bytes: &mut &[u8]) -> Option<[u8; LEN]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_shorter_is() {
        let ids = vec![(5, 7), (u128::MAX, u64::MAX)];
        let producer = |open| {
            let refused = vec![1, u64::MAX];
            StoredProducer { hash: 9, next: 4, used_unix_ms: 100, turn: 3, refused, open }
        };
        let producers = vec![producer(None), producer(Some((5, 5)))];
        let record = Record { form: Form::Page, key: [3; 16], ids: ids.clone(), producers };
        let bytes = encode(record.form, &record.key, ids.into_iter(), &record.producers);
        assert_eq!(decode(&bytes), Some(record));
        assert!((0..bytes.len()).all(|cut| decode(&bytes[..cut]).is_none()));
        assert_eq!(decode(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(decode(&[&[3], &bytes[1..]].concat()), None, "a later version");
    }
}
