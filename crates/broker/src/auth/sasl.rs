//! SASL mechanisms: their names, and how PLAIN and AMQPLAIN write a user name and a password.

use std::fmt;

use leveret_protocol::field_table::{FieldTable, FieldValue};
use leveret_protocol::wire::{Put as _, Reader};

/// A way to log in (AMQP 0-9-1, `connection.start`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// User name and password, RFC 4616.
    Plain,
    /// User name and password as a field table, from AMQP 0-8; older clients choose it.
    Amqplain,
    /// The TLS certificate says who the client is, RFC 4422 appendix A.
    External,
    /// Nobody in particular, RFC 4505; becomes the configured user.
    Anonymous,
}

impl Mechanism {
    const ALL: [Self; 4] = [Self::Plain, Self::Amqplain, Self::External, Self::Anonymous];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Amqplain => "AMQPLAIN",
            Self::External => "EXTERNAL",
            Self::Anonymous => "ANONYMOUS",
        }
    }

    /// The mechanism of this name, written in capitals as on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.as_str() == name)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a client says it is. Borrowed or not, the password never reaches `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    /// As sent; not necessarily text.
    pub(super) user: Vec<u8>,
    pub(super) password: Vec<u8>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?}, hidden)", String::from_utf8_lossy(&self.user))
    }
}

/// The response is not what the mechanism asks for. RabbitMQ logs the response itself; it may hold a password, so
/// here only its fault is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("response invalid: PLAIN wants a zero byte, the user name, a zero byte and the password")]
    Plain,
    #[error("AMQPLAIN auth info is not a field table")]
    NotATable,
    #[error("AMQPLAIN auth info is missing LOGIN or PASSWORD field")]
    MissingField,
    #[error("AMQPLAIN auth info uses unsupported type for LOGIN or PASSWORD field")]
    UnsupportedType,
}

/// Reads a response to PLAIN. As in RabbitMQ the authorization identity has to be empty.
pub(super) fn plain(response: &[u8]) -> Result<Credentials, Malformed> {
    let mut parts = response.split(|&byte| byte == 0);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some([]), Some(user), Some(password), None) => {
            Ok(Credentials { user: user.into(), password: password.into() })
        }
        _ => Err(Malformed::Plain),
    }
}

/// Reads a response to AMQPLAIN: the fields of a table without the table's length. Of fields with the same name
/// the first counts.
pub(super) fn amqplain(response: &[u8]) -> Result<Credentials, Malformed> {
    let mut whole = Vec::with_capacity(response.len() + 4);
    whole.put_long_str(response);
    let table = FieldTable::decode(&mut Reader::new(&whole)).map_err(|_| Malformed::NotATable)?;
    match (table.get("LOGIN"), table.get("PASSWORD")) {
        (Some(FieldValue::LongString(user)), Some(FieldValue::LongString(password))) => {
            Ok(Credentials { user: user.clone(), password: password.clone() })
        }
        (Some(_), Some(_)) => Err(Malformed::UnsupportedType),
        _ => Err(Malformed::MissingField),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(user: &str, password: &str) -> Credentials {
        Credentials { user: user.into(), password: password.into() }
    }

    #[test]
    fn plain_responses() {
        let table: [(&[u8], Result<Credentials, Malformed>); 9] = [
            (b"\0guest\0guest", Ok(credentials("guest", "guest"))),
            (b"\0guest\0", Ok(credentials("guest", ""))),
            (b"\0\0", Ok(credentials("", ""))),
            (b"", Err(Malformed::Plain)),
            (b"\0", Err(Malformed::Plain)),
            (b"\0guest", Err(Malformed::Plain)),
            (b"guest\0guest\0guest", Err(Malformed::Plain)),
            (b"\0guest\0guest\0x", Err(Malformed::Plain)),
            (b"xyz", Err(Malformed::Plain)),
        ];
        for (response, expected) in table {
            assert_eq!(plain(response), expected, "{response:?}");
        }
    }

    fn fields(fields: &[(&str, FieldValue)]) -> Vec<u8> {
        let mut out = Vec::new();
        fields.iter().cloned().collect::<FieldTable>().encode(&mut out);
        out.split_off(4)
    }

    #[test]
    fn amqplain_responses() {
        let user = || ("LOGIN", FieldValue::from("guest"));
        let password = |text: &str| ("PASSWORD", FieldValue::from(text));
        let number = |name: &'static str| (name, FieldValue::I64(7));
        let bytes = |name: &'static str| (name, FieldValue::ByteArray(b"guest".to_vec()));
        let table = [
            (fields(&[user(), password("pw")]), Ok(credentials("guest", "pw"))),
            (fields(&[password("pw"), number("x"), user()]), Ok(credentials("guest", "pw"))),
            (fields(&[user(), password("first"), password("second")]), Ok(credentials("guest", "first"))),
            (fields(&[user()]), Err(Malformed::MissingField)),
            (fields(&[]), Err(Malformed::MissingField)),
            (fields(&[number("LOGIN"), number("PASSWORD")]), Err(Malformed::UnsupportedType)),
            (fields(&[bytes("LOGIN"), bytes("PASSWORD")]), Err(Malformed::UnsupportedType)),
            (vec![0xff, 0xff], Err(Malformed::NotATable)),
            ([vec![0, 0, 0, 20], fields(&[user(), password("pw")])].concat(), Err(Malformed::NotATable)),
        ];
        for (response, expected) in table {
            assert_eq!(amqplain(&response), expected, "{response:?}");
        }
    }

    #[test]
    fn names_on_the_wire() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::from_name(mechanism.as_str()), Some(mechanism));
        }
        assert_eq!(Mechanism::from_name("plain"), None);
    }

    #[test]
    fn debug_hides_the_password() {
        assert_eq!(format!("{:?}", credentials("joe", "secret")), "Credentials(\"joe\", hidden)");
    }
}
