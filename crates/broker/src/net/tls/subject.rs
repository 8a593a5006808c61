//! The names in a certificate's subject, written as RabbitMQ writes them, because they are user names.
//!
//! That is RFC 4514 with the most specific part first and these choices: attributes without a short name below are
//! written as numbers, and every byte that is not printable ASCII, and `~`, is escaped as `\XX`.

use x509_parser::asn1_rs::Tag;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::auth::PeerCertificate;

const COMMON_NAME: &str = "2.5.4.3";

/// Short names of attributes by object identifier.
const SHORT_NAMES: [(&str, &str); 16] = [
    ("2.5.4.4", "SN"),
    ("2.5.4.42", "GIVENNAME"),
    ("2.5.4.43", "INITIALS"),
    ("2.5.4.44", "GENERATIONQUALIFIER"),
    (COMMON_NAME, "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "TITLE"),
    ("2.5.4.6", "C"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.65", "PSEUDONYM"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "EMAILADDRESS"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// The names in a certificate; `None` if it cannot be parsed.
pub(super) fn of(der: &[u8]) -> Option<PeerCertificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let subject = certificate.subject();
    let common_names: Vec<String> = subject
        .iter_attributes()
        .filter(|found| found.attr_type().to_id_string() == COMMON_NAME)
        .map(value)
        .collect();
    Some(PeerCertificate {
        distinguished_name: text(subject),
        common_name: (!common_names.is_empty()).then(|| common_names.join(",")),
    })
}

/// A name, most specific part first.
pub(super) fn text(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> =
        name.iter_rdn().map(|part| part.iter().map(attribute).collect::<Vec<_>>().join("+")).collect();
    parts.reverse();
    parts.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let identifier = attribute.attr_type().to_id_string();
    let name =
        SHORT_NAMES.iter().find(|(known, _)| *known == identifier).map_or(&*identifier, |(_, name)| name);
    format!("{name}={}", escape(&value(attribute)))
}

/// The text of an attribute. Strings come in several encodings; anything that is no string becomes `#` and its
/// bytes as hexadecimal digits.
fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let value = attribute.attr_value();
    let bytes = value.data;
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Tag::T61String => bytes.iter().map(|&byte| char::from(byte)).collect(),
        Tag::BmpString => wide(bytes, 2),
        Tag::UniversalString => wide(bytes, 4),
        _ => bytes.iter().fold(String::from("#"), |text, byte| format!("{text}{byte:02X}")),
    }
}

/// Characters of `width` bytes each.
fn wide(bytes: &[u8], width: usize) -> String {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, &byte| (number << 8) | u32::from(byte));
    bytes
        .chunks(width)
        .map(|bytes| char::from_u32(number(bytes)).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let last = text.len().saturating_sub(1);
    for (index, byte) in text.bytes().enumerate() {
        let special = match byte {
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => true,
            b' ' => index == 0 || index == last,
            b'#' => index == 0,
            _ => false,
        };
        match byte {
            _ if special => escaped.extend(['\\', char::from(byte)]),
            b' '..b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("\\{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    /// Made with openssl; what RabbitMQ 3.10.8 makes of each stands in the table.
    const CERTIFICATES: &[u8] = include_bytes!("../../../tests/fixtures/certificate-subjects.pem");

    #[test]
    fn subjects_read_as_in_rabbitmq() {
        let table = [
            (
                "EMAILADDRESS=ops@example.com,CN=client-1,OU=Messaging,O=Hare & Co\\, Ltd.,L=Berlin,ST=Berlin,C=DE",
                Some("client-1"),
            ),
            (
                "CN=\\ #lead trail \\;\\\"\\<\\>\\\\=q\\7E\\C3\\A9\\09tab,O=x+OU=y,DC=example,DC=com",
                Some(" #lead trail ;\"<>\\=q~\u{e9}\ttab"),
            ),
            (
                "CN=two,CN=one,2.5.4.9=Main,GENERATIONQUALIFIER=III,PSEUDONYM=ps,TITLE=Dr,INITIALS=SG,GIVENNAME=Given,\
                 SN=Sur,SERIALNUMBER=42,UID=u1",
                Some("one,two"),
            ),
            ("2.5.4.15=biz,O=no cn", None),
            ("L=a\\+b,OU=trail\\ ,O=\\ lead,CN=\\#hash", Some("#hash")),
            ("CN=Gr\\C3\\BC\\C3\\9Fe,O=\\C3\\9Cn", Some("Gr\u{fc}\u{df}e")),
            ("CN=Gr\\C3\\B6\\C3\\9Fe,O=\\C3\\9Cn", Some("Gr\u{f6}\u{df}e")),
            ("", None),
        ];
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(CERTIFICATES).map(Result::unwrap).collect();
        assert_eq!(certificates.len(), table.len());
        for (certificate, (distinguished_name, common_name)) in certificates.iter().zip(table) {
            let expected = PeerCertificate {
                distinguished_name: distinguished_name.into(),
                common_name: common_name.map(Into::into),
            };
            assert_eq!(of(certificate), Some(expected));
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_names() {
        assert_eq!(of(b""), None);
        assert_eq!(of(&[0x30, 0x82, 0xff, 0xff]), None);
    }

    #[test]
    fn wide_characters() {
        assert_eq!(wide(&[0, 0x41, 0x20, 0xac], 2), "A\u{20ac}");
        assert_eq!(wide(&[0, 1, 0xf4, 0x07], 4), "\u{1f407}");
        assert_eq!(wide(&[0xd8, 0], 2), "\u{fffd}");
    }
}
