//! What of the messages at the source's head is at the target already.

use super::sums::Digest;

/// A delivery as far as this matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) digest: Digest,
    pub(super) is_redelivered: bool,
}

/// How a run goes on where another ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Resumed {
    /// Messages at the head that the target has: they are acknowledged and not published again.
    pub(super) stored: usize,
    /// Messages at the head that the target may have: they are published again.
    pub(super) unsure: usize,
    /// Messages of the last batch that are to come behind these: the head was too short to hold them.
    pub(super) more: usize,
}

/// The last batch ended with the transaction at the source, or before it: then its messages, or after a crash of the source the end of
/// them, are at the head again, each marked as redelivered. Nothing else that was delivered to the one before can be there.
///
/// `is_certain`: the target has not been started anew since, so that the marker tells of a batch that it has as a whole.
pub(super) fn resumed(last: &[Digest], head: &[Seen], is_certain: bool) -> Resumed {
    let came_back = head.iter().take_while(|seen| seen.is_redelivered).count();
    // All of it came back, and there may be more.
    let most = if came_back == head.len() { last.len() } else { came_back.min(last.len()) };
    let of = |count: &usize| {
        let end = last.iter().skip(last.len() - count);
        end.zip(head).all(|(stored, seen)| *stored == seen.digest)
    };
    let count = if head.is_empty() { 0 } else { (1..=most).rev().find(of).unwrap_or(0) };
    let here = count.min(head.len());
    let (stored, unsure) = if is_certain { (here, 0) } else { (0, here) };
    Resumed { stored, unsure, more: count - here }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(text: &str) -> Vec<Digest> {
        text.bytes().map(|byte| [byte; 32]).collect()
    }

    /// Upper case: marked as redelivered.
    fn head(text: &str) -> Vec<Seen> {
        let of = |byte: u8| Seen {
            digest: [byte.to_ascii_lowercase(); 32],
            is_redelivered: byte.is_ascii_uppercase(),
        };
        text.bytes().map(of).collect()
    }

    #[test]
    fn what_came_back_is_known_by_its_contents_and_its_mark() {
        for (last, at_head, stored, more) in [
            ("abc", "ABCde", 3, 0),
            // The source had lost the beginning of the acks' transaction.
            ("abc", "BCde", 2, 0),
            // It was acknowledged before the end.
            ("abc", "defg", 0, 0),
            ("abc", "", 0, 0),
            // The same contents again, and new: nobody has seen them.
            ("aaa", "aaaa", 0, 0),
            ("aaa", "AAAa", 3, 0),
            ("abc", "ABcd", 0, 0),
            // The source was slow: the rest comes with the next batch.
            ("abc", "AB", 2, 1),
            ("abcd", "B", 1, 2),
            // Somebody else's redelivery.
            ("abc", "XYZ", 0, 0),
            ("", "ABC", 0, 0),
        ] {
            let (last, at_head) = (digests(last), head(at_head));
            assert_eq!(
                resumed(&last, &at_head, true),
                Resumed { stored, unsure: 0, more },
                "{last:?} {at_head:?}"
            );
            assert_eq!(resumed(&last, &at_head, false), Resumed { stored: 0, unsure: stored, more });
        }
    }
}
