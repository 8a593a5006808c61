//! The context of a sampled message, which lies between its routing strings and its header frame.

use super::{Message, Meta};
use crate::trace::{CONTEXT_BYTES, TraceContext};
use triomphe::ThinArc;

impl Message {
    /// Where it belongs in a trace; `None` for a message that is not sampled.
    #[inline]
    pub(crate) fn trace_context(&self) -> Option<TraceContext> {
        let strings_end = self.strings().len();
        let header_at = self.0.header.header.header_at as usize;
        if header_at - strings_end != CONTEXT_BYTES {
            return None;
        }
        TraceContext::from_bytes(&self.0.slice[strings_end..header_at])
    }

    /// The same message, bearing this context beside what is its own.
    #[cold]
    pub(crate) fn in_trace(&self, context: TraceContext) -> Self {
        let meta = &self.0.header.header;
        let (strings, header_at) = (self.strings(), meta.header_at as usize);
        let bytes = [strings, &context.to_bytes(), &self.0.slice[header_at..]].concat();
        let new_at = strings.len() + CONTEXT_BYTES;
        let meta = Meta {
            header_at: new_at as u32,
            header_end: (meta.header_end as usize - header_at + new_at) as u32,
            body: meta.body.clone(),
            ..*meta
        };
        Self(ThinArc::from_header_and_slice(meta, &bytes))
    }
}
