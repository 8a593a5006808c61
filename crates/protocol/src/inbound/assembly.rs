//! The long way: a content put together from frames that arrived one by one.

use super::content::{Body, Content, Head, OwnedHead};

/// What a channel that is not between two methods waits for.
#[derive(Debug)]
pub(super) enum Assembly {
    /// A content header.
    Header(Box<OwnedHead>),
    /// Body frames.
    Body(BodyAssembly),
    /// The peer's answer to a close, or its own close; all else is thrown away.
    Discard,
}

/// A body that is not whole yet.
#[derive(Debug)]
pub(super) struct BodyAssembly {
    head: Box<OwnedHead>,
    body: Vec<u8>,
    /// Bytes that are missing.
    missing: u64,
}

/// What became of a piece of a body.
pub(super) enum Added {
    More(BodyAssembly),
    Whole(Content<'static>),
    /// The piece is longer than what is missing: so many bytes.
    TooLong(u64, Box<OwnedHead>),
}

/// Never reserve more than this ahead of what has arrived (or as much again as has arrived, if that is more).
const RESERVE_AHEAD: usize = 64 * 1024;

impl BodyAssembly {
    /// A body of so many bytes, at least one.
    pub(super) fn new(head: Box<OwnedHead>, size: u64) -> Self {
        Self { head, body: Vec::new(), missing: size }
    }

    pub(super) fn add(mut self, piece: &[u8]) -> Added {
        let Some(missing) = self.missing.checked_sub(piece.len() as u64) else {
            return Added::TooLong(self.missing, self.head);
        };
        if self.body.capacity() - self.body.len() < piece.len() {
            let ahead = RESERVE_AHEAD.max(self.body.len()).max(piece.len());
            // A peer that announces much and sends little must not cost much: no more than twice what it sent.
            self.body.reserve_exact(usize::try_from(self.missing).unwrap_or(usize::MAX).min(ahead));
        }
        self.body.extend_from_slice(piece);
        self.missing = missing;
        if missing == 0 { Added::Whole(whole(self.head, self.body)) } else { Added::More(self) }
    }

    /// Bytes held.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    pub(super) fn head(&self) -> &OwnedHead {
        &self.head
    }
}

/// A content that owns its parts.
pub(super) fn whole(head: Box<OwnedHead>, body: Vec<u8>) -> Content<'static> {
    Content { head: Head::Owned(head), body: Body::Owned(body), wire: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::basic::Publish;

    fn assembly(size: u64) -> BodyAssembly {
        let head = OwnedHead { id: Publish::ID, arguments: Vec::new(), properties: Vec::new() };
        BodyAssembly::new(Box::new(head), size)
    }

    #[test]
    fn memory_follows_what_arrived_not_what_was_announced() {
        for (announced, piece_len) in [(u64::MAX, 1), (u64::MAX, 100_000), (1 << 20, 1000), (70_000, 69_999)]
        {
            let mut body = assembly(announced);
            let mut received = 0;
            while received < 1_000_000 {
                match body.add(&vec![7; piece_len]) {
                    Added::More(more) => body = more,
                    Added::Whole(_) | Added::TooLong(..) => break,
                }
                received += piece_len;
                let most = (2 * received).max(received + RESERVE_AHEAD);
                assert!(
                    body.body.capacity() <= most,
                    "{} held for {received} of {announced}",
                    body.body.capacity()
                );
                if piece_len == 1 && received > 70_000 {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_whole_body_has_no_room_to_spare() {
        let mut body = assembly(1_000_000);
        for _ in 0..999 {
            let Added::More(more) = body.add(&[7; 1000]) else { panic!() };
            body = more;
        }
        let Added::Whole(content) = body.add(&[7; 1000]) else { panic!() };
        let body = content.body.into_vec();
        assert_eq!((body.len(), body.capacity()), (1_000_000, 1_000_000));
    }
}
