//! What a client said of itself when it logged in, kept small: most clients of a program say the same.

use crate::auth::Mechanism;
use leveret_protocol::wire::Reader;
use leveret_protocol::{FieldTable, FieldValue};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;

/// The property by which clients name their connections.
const CONNECTION_NAME: &str = "connection_name";

/// See the module's documentation.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// How it logged in.
    pub(crate) mechanism: Mechanism,
    /// The name it gave the connection.
    pub(crate) connection_name: Option<Box<str>>,
    /// Its other properties as a field table of AMQP.
    properties: Arc<[u8]>,
}

impl Client {
    /// Its properties, the name among them.
    pub(crate) fn properties(&self) -> FieldTable {
        let mut properties = FieldTable::decode(&mut Reader::new(&self.properties)).unwrap_or_default();
        if let Some(name) = &self.connection_name {
            properties.insert(CONNECTION_NAME, FieldValue::LongString(name.as_bytes().to_vec()));
        }
        properties
    }
}

/// The tables that clients sent, each once.
#[derive(Debug, Default)]
pub(crate) struct ClientTexts(Mutex<HashSet<Arc<[u8]>>>);

impl ClientTexts {
    /// Keeps what a client said.
    pub(crate) fn take(&self, mechanism: Mechanism, mut properties: FieldTable) -> Client {
        let connection_name = properties.get(CONNECTION_NAME).and_then(FieldValue::as_str).map(Box::from);
        if connection_name.is_some() {
            properties.remove(CONNECTION_NAME);
        }
        let mut bytes = Vec::new();
        properties.encode(&mut bytes);
        let mut known = self.0.lock();
        let properties = match known.get(bytes.as_slice()) {
            Some(known) => known.clone(),
            None => {
                let new: Arc<[u8]> = bytes.into();
                known.insert(new.clone());
                new
            }
        };
        Client { mechanism, connection_name, properties }
    }

    /// A client has gone: forgets what nobody else says.
    pub(crate) fn forget(&self, client: &Client) {
        let mut known = self.0.lock();
        // The set's, and the client's own.
        if Arc::strong_count(&client.properties) <= 2 {
            known.remove(&client.properties);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_say_alike_is_kept_once_and_forgotten_with_the_last() {
        let said = |name: &str| {
            FieldTable::from([("product", FieldValue::from("x")), (CONNECTION_NAME, FieldValue::from(name))])
        };
        let texts = ClientTexts::default();
        let one = texts.take(Mechanism::Plain, said("one"));
        let other = texts.take(Mechanism::Plain, said("other"));
        assert!(Arc::ptr_eq(&one.properties, &other.properties));
        assert_eq!((one.properties(), other.properties()), (said("one"), said("other")));
        texts.forget(&one);
        drop(one);
        assert_eq!(texts.0.lock().len(), 1);
        texts.forget(&other);
        assert!(texts.0.lock().is_empty());
    }
}
