//! What is written is read back the same: every method of the table, field tables, properties.
//!
//! The bytes of a method are made here from the table directly, without the generated code, so that both cannot be wrong alike.

use leveret_protocol::{
    FieldTable, Method, MethodId, Properties, Put as _, RawProperties, Reader, Role, ShortStr,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use xtask::generate::spec::{By, Kind, Spec};

use crate::arbitrary::{bytes_to, properties, table};

/// Bytes for one field and whatever neighbouring bits it begins with.
fn field_bytes(kind: Kind, bits: u32, reserved: bool) -> BoxedStrategy<Vec<u8>> {
    if reserved && kind != Kind::Bit {
        let len = match kind {
            Kind::Octet | Kind::ShortStr => 1,
            Kind::Short => 2,
            Kind::Long | Kind::LongStr | Kind::Table => 4,
            _ => 8,
        };
        return Just(vec![0; len]).boxed();
    }
    match kind {
        Kind::Bit if reserved => Just(vec![0]).boxed(),
        Kind::Bit => (0..1_u16 << bits).prop_map(|octet| vec![octet as u8]).boxed(),
        Kind::Octet => any::<u8>().prop_map(|value| vec![value]).boxed(),
        Kind::Short => any::<u16>().prop_map(|value| value.to_be_bytes().to_vec()).boxed(),
        Kind::Long => any::<u32>().prop_map(|value| value.to_be_bytes().to_vec()).boxed(),
        Kind::LongLong | Kind::Timestamp => {
            any::<u64>().prop_map(|value| value.to_be_bytes().to_vec()).boxed()
        }
        Kind::ShortStr => bytes_to(255)
            .prop_map(|text| {
                let mut out = Vec::new();
                out.put_short_str(ShortStr::from_bytes(&text).unwrap());
                out
            })
            .boxed(),
        Kind::LongStr => bytes_to(600)
            .prop_map(|text| {
                let mut out = Vec::new();
                out.put_long_str(&text);
                out
            })
            .boxed(),
        Kind::Table => table()
            .prop_map(|table| {
                let mut out = Vec::new();
                table.encode(&mut out);
                out
            })
            .boxed(),
    }
}

fn payload(class: u16, method: &xtask::generate::spec::Method) -> BoxedStrategy<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut fields = method.fields.iter().peekable();
    while let Some(field) = fields.next() {
        let mut bits = 1;
        while field.kind == Kind::Bit && fields.next_if(|next| next.kind == Kind::Bit).is_some() {
            bits += 1;
        }
        pieces.push(field_bytes(field.kind, bits, field.reserved));
    }
    let id = [class.to_be_bytes(), method.id.to_be_bytes()].concat();
    pieces.prop_map(move |pieces| [id.clone(), pieces.concat()].concat()).boxed()
}

#[test]
fn every_method_of_the_table() {
    let spec = Spec::read().unwrap();
    let mut methods = 0;
    for class in &spec.class {
        for row in &class.method {
            let id = MethodId::new(class.id, row.id);
            assert_eq!(id.name(), format!("{}.{}", class.name, row.name));
            assert_eq!(id.is_received_by(Role::Server), row.by != By::Server);
            assert_eq!(id.is_received_by(Role::Client), row.by != By::Client);
            // Many methods, few fields each: fewer cases than usual do.
            TestRunner::new(ProptestConfig::with_cases(48))
                .run(&payload(class.id, row), |payload| {
                    let method = Method::decode(&payload).unwrap();
                    prop_assert_eq!(method.id(), id);
                    prop_assert_eq!(method.has_content(), row.content);
                    let mut out = Vec::new();
                    method.write(3, &mut out);
                    prop_assert_eq!(&out[7..out.len() - 1], &payload);

                    prop_assert!(Method::decode(&[&payload[..], &[0]].concat()).is_err(), "a byte too many");
                    prop_assert!(Method::decode(&payload[..payload.len() - 1]).is_err(), "a byte too few");
                    Ok(())
                })
                .unwrap();
            methods += 1;
        }
    }
    assert_eq!(methods, 66);
}

proptest! {
    #[test]
    fn field_tables(table in table()) {
        let mut out = Vec::new();
        table.encode(&mut out);
        let mut reader = Reader::new(&out);
        let raw = reader.table().unwrap();
        prop_assert_eq!(reader.remaining(), 0);
        prop_assert_eq!(raw.validate(), Ok(()));
        prop_assert_eq!(raw.decode(), Ok(table.clone()));
        for (name, _) in table.iter() {
            let (owned, lazy) = (table.get(&name.to_lossy()).unwrap(), raw.get(&name.to_lossy()).unwrap());
            prop_assert_eq!(&lazy.decode().unwrap(), owned);
        }
    }

    #[test]
    fn message_properties(properties in properties()) {
        let mut out = Vec::new();
        properties.encode(&mut out);
        let raw = RawProperties::parse(&out).unwrap();
        prop_assert_eq!(raw.as_bytes(), &out[..]);
        prop_assert_eq!(Properties::try_from(raw), Ok(properties.clone()));
        prop_assert_eq!(raw.is_empty(), properties == Properties::default());
        prop_assert_eq!(raw.delivery_mode(), properties.delivery_mode);
        prop_assert_eq!(raw.timestamp(), properties.timestamp);
        prop_assert_eq!(raw.app_id().map(|text| text.to_string()), properties.app_id);
    }

    #[test]
    fn properties_with_other_headers(properties in properties(), headers in proptest::option::of(table()), keep in any::<bool>()) {
        let mut before = Vec::new();
        properties.encode(&mut before);
        let mut after = Vec::new();
        RawProperties::parse(&before).unwrap().write_with_headers(headers.as_ref(), keep, &mut after);
        let expected = Properties {
            headers,
            expiration: properties.expiration.clone().filter(|_| keep),
            ..properties
        };
        prop_assert_eq!(Properties::try_from(RawProperties::parse(&after).unwrap()), Ok(expected));
    }
}

#[test]
fn an_empty_table_is_four_zeros() {
    let mut out = Vec::new();
    FieldTable::new().encode(&mut out);
    assert_eq!(out, [0; 4]);
}
