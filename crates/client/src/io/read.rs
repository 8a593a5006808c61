//! What is in the read buffer: methods are read where they lie, contents keep their part of it.

use std::sync::atomic::Ordering::SeqCst;

use bytes::Buf as _;
use leveret_protocol::{Incoming, parse_frame};

use super::channel_state::ChannelState;
use super::consuming::Consuming;
use super::link::Link;
use super::task::{End, Task};

impl Task {
    /// Handles every whole frame of the buffer, then hands over what was gathered.
    pub(super) fn on_read(&mut self, link: &mut Link) -> Result<(), End> {
        // With the bound, or a peer could announce a frame of 4 GiB and have it waited for.
        if matches!(parse_frame(&link.input, link.frame_max), Ok(None)) {
            return Ok(());
        }
        let mut end = self.on_methods(link);
        if end.is_ok() && !matches!(parse_frame(&link.input, link.frame_max), Ok(None)) {
            end = self.on_contents(link);
        }
        let mut touched = std::mem::take(&mut self.touched);
        for number in touched.drain(..) {
            if let Some(state) = self.channel(number) {
                state.hand_over();
                state.release();
                if state.ring.is_empty() && state.shared.released.load(SeqCst) {
                    state.shared.connection.set_ready(number);
                }
            }
        }
        self.touched = touched;
        end
    }

    /// The same from the first content on: deliveries keep their part of the buffer.
    fn on_contents(&mut self, link: &mut Link) -> Result<(), End> {
        let mut end = Ok(());
        let mut chunk = link.input.split().freeze();
        while end.is_ok() {
            let whole = chunk.clone();
            match link.inbound.next(&whole) {
                Ok(Some((incoming, used))) => {
                    chunk.advance(used);
                    end = match incoming {
                        Incoming::Method { channel: 0, method } => self.on_connection(method, &mut link.out),
                        Incoming::Method { channel, method } => {
                            self.on_method(channel, method, link);
                            Ok(())
                        }
                        Incoming::Content { channel, content } => {
                            self.on_content(channel, &content, &whole);
                            Ok(())
                        }
                        Incoming::Heartbeat | Incoming::Partial => Ok(()),
                    };
                }
                Ok(None) => break,
                Err(error) => {
                    error.error.write(&mut link.out);
                    end = Err(End::Lost(error.to_string()));
                }
            }
        }
        link.input.extend_from_slice(&chunk);
        end
    }

    /// Methods up to the first content: nothing of the buffer is kept for them, so they are read where they lie. Confirms are all that
    /// a publisher gets.
    fn on_methods(&mut self, link: &mut Link) -> Result<(), End> {
        let mut input = std::mem::take(&mut link.input);
        let (mut at, mut end) = (0, Ok(()));
        while end.is_ok()
            && let Some(rest) = input.get(at..).filter(|rest| has_no_content(rest))
        {
            match link.inbound.next(rest) {
                Ok(Some((incoming, used))) => {
                    at += used;
                    end = match incoming {
                        Incoming::Method { channel: 0, method } => self.on_connection(method, &mut link.out),
                        Incoming::Method { channel, method } => {
                            self.on_method(channel, method, link);
                            Ok(())
                        }
                        Incoming::Content { .. } | Incoming::Heartbeat | Incoming::Partial => Ok(()),
                    };
                }
                Ok(None) => break,
                Err(error) => {
                    error.error.write(&mut link.out);
                    end = Err(End::Lost(error.to_string()));
                }
            }
        }
        input.advance(at);
        link.input = input;
        end
    }
}

/// Whether the next frame is a method that no content follows.
fn has_no_content(input: &[u8]) -> bool {
    match *input {
        // Type, channel, size, class, method: all but `basic.return`, `basic.deliver` and `basic.get-ok`.
        [1, _, _, _, _, _, _, class_high, class, method_high, method, ..] => {
            (class_high, class, method_high) != (0, 60, 0) || !matches!(method, 50 | 60 | 71)
        }
        _ => false,
    }
}

impl ChannelState {
    fn hand_over(&mut self) {
        self.consumers.iter_mut().for_each(Consuming::hand_over);
    }
}
