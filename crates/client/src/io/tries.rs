//! What was tried to make the first connection, and why each try failed: what its error names. No I/O.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::error::{ConnectError, Tried};
use crate::uri::Address;

/// Addresses that are remembered, at most: names may have others each time they are asked for.
const TRIES_MAX: usize = 64;

/// In the order in which each was tried first.
#[derive(Debug, Default)]
pub(crate) struct Tries(Vec<Try>);

#[derive(Debug)]
struct Try {
    address: Address,
    socket: Option<SocketAddr>,
    /// Why the last try failed; `None`: the first is under way.
    error: Option<ConnectError>,
}

impl Tries {
    fn find(&mut self, address: &Address, socket: Option<SocketAddr>) -> Option<&mut Try> {
        self.0.iter_mut().find(|tried| tried.address == *address && tried.socket == socket)
    }

    /// It is being tried.
    pub(super) fn begin(&mut self, address: &Address, socket: Option<SocketAddr>) {
        if self.0.len() < TRIES_MAX && self.find(address, socket).is_none() {
            self.0.push(Try { address: address.clone(), socket, error: None });
        }
    }

    /// That failed.
    pub(super) fn failed(&mut self, address: &Address, socket: Option<SocketAddr>, error: ConnectError) {
        if let Some(tried) = self.find(address, socket) {
            tried.error = Some(error);
        }
    }

    /// There is a connection, or another one is being made.
    pub(super) fn clear(&mut self) {
        self.0 = Vec::new();
    }

    /// All that was tried as one error; what is under way still did not end within this time. `None`: nothing was tried.
    pub(crate) fn take(&mut self, within: Duration) -> Option<ConnectError> {
        let mut tries = std::mem::take(&mut self.0);
        for tried in &mut tries {
            tried.error.get_or_insert(ConnectError::Timeout(within));
        }
        if tries.len() <= 1 {
            return tries.pop().and_then(|tried| tried.error);
        }
        if let Some(error) = unreachable(&tries) {
            return Some(error);
        }
        let told = |tried: Try| Some(Tried { address: tried.label(), error: tried.error? });
        Some(ConnectError::NoBroker { tried: tries.into_iter().filter_map(told).collect() })
    }
}

impl Try {
    fn label(&self) -> String {
        match self.socket {
            Some(socket) if socket.to_string() != self.address.to_string() => {
                format!("{} ({socket})", self.address)
            }
            _ => self.address.to_string(),
        }
    }
}

/// One name with several socket addresses, none of which opened: `localhost` is such a name.
fn unreachable(tries: &[Try]) -> Option<ConnectError> {
    let address = &tries.first()?.address;
    let (mut kind, mut text) = (io::ErrorKind::Other, String::new());
    for tried in tries {
        let Some(ConnectError::Unreachable { source, .. }) = &tried.error else { return None };
        if tried.address != *address {
            return None;
        }
        kind = source.kind();
        let comma = if text.is_empty() { "" } else { ", " };
        let socket = tried.socket.map_or_else(|| address.to_string(), |socket| socket.to_string());
        text.push_str(&format!("{comma}{socket}: {source}"));
    }
    Some(ConnectError::Unreachable { address: address.to_string(), source: io::Error::new(kind, text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &Address) -> ConnectError {
        let source = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        ConnectError::Unreachable { address: address.to_string(), source }
    }

    #[test]
    fn one_error_names_everything_that_was_tried_and_stays_what_it_is_where_that_is_one_thing() {
        let within = Duration::from_secs(9);
        let mut tries = Tries::default();
        assert!(tries.take(within).is_none());
        let (a, b) = (Address::new("a", 1), Address::new("b", 2));
        for _ in 0..2 {
            tries.begin(&a, None);
            tries.failed(&a, None, refused(&a));
        }
        let error = tries.take(within).unwrap();
        assert!(matches!(&error, ConnectError::Unreachable { address, .. } if address == "a:1"), "{error}");

        // A name with two addresses.
        let sockets = ["127.0.0.1:1", "[::1]:1"].map(|text| Some(text.parse::<SocketAddr>().unwrap()));
        for socket in sockets {
            tries.begin(&a, socket);
            tries.failed(&a, socket, refused(&a));
        }
        let error = tries.take(within).unwrap();
        let text = "cannot reach a:1: 127.0.0.1:1: refused, [::1]:1: refused; is the broker running and the port open?";
        assert_eq!(error.to_string(), text);
        let ConnectError::Unreachable { source, .. } = error else { panic!() };
        assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);

        // Several, one of which is under way.
        tries.begin(&a, sockets[0]);
        tries.failed(&a, sockets[0], refused(&a));
        tries.begin(&b, None);
        let error = tries.take(within).unwrap();
        let text = "none of 2 addresses led to a connection: a:1 (127.0.0.1:1): refused; b:2: not connected within 9s; raise \
                    ConnectOptions::connect_timeout or check the address";
        assert_eq!((error.to_string().as_str(), error.is_transient()), (text, true));
        assert!(matches!(error.decisive(), ConnectError::Timeout(_)));

        for port in 0..=TRIES_MAX as u16 {
            tries.begin(&Address::new("more", port), None);
        }
        assert_eq!(tries.0.len(), TRIES_MAX);
    }
}
