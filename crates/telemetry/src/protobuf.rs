//! Protobuf's wire format, as far as spans need it. Source: "Protocol Buffers: Encoding".

/// Appends fields to bytes.
pub(crate) trait Write {
    /// A varint alone.
    fn put_varint(&mut self, number: u64);
    /// Begins a field of so many bytes, which are to follow.
    fn put_head(&mut self, field: u32, len: usize);
    /// A field of bytes, a text or a message.
    fn put_bytes(&mut self, field: u32, bytes: &[u8]);
    /// A field that is a number or a flag.
    fn put_number(&mut self, field: u32, number: u64);
    /// A field of four bytes.
    fn put_fixed32(&mut self, field: u32, number: u32);
    /// A field of eight bytes.
    fn put_fixed64(&mut self, field: u32, number: u64);
}

impl Write for Vec<u8> {
    fn put_varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.push(number as u8);
    }

    fn put_head(&mut self, field: u32, len: usize) {
        self.put_varint(u64::from(field) << 3 | 2);
        self.put_varint(len as u64);
    }

    fn put_bytes(&mut self, field: u32, bytes: &[u8]) {
        self.put_head(field, bytes.len());
        self.extend_from_slice(bytes);
    }

    fn put_number(&mut self, field: u32, number: u64) {
        self.put_varint(u64::from(field) << 3);
        self.put_varint(number);
    }

    fn put_fixed32(&mut self, field: u32, number: u32) {
        self.put_varint(u64::from(field) << 3 | 5);
        self.extend_from_slice(&number.to_le_bytes());
    }

    fn put_fixed64(&mut self, field: u32, number: u64) {
        self.put_varint(u64::from(field) << 3 | 1);
        self.extend_from_slice(&number.to_le_bytes());
    }
}

/// Bytes of a varint.
pub(crate) fn len_of_number(number: u64) -> usize {
    (70 - (number | 1).leading_zeros() as usize) / 7
}

/// Bytes of a field, of a number below 16, that has so many bytes.
pub(crate) fn len_of_bytes(len: usize) -> usize {
    1 + len_of_number(len as u64) + len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_as_long_as_they_say() {
        let numbers = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit]).chain([u64::MAX]);
        for number in numbers {
            let mut bytes = Vec::new();
            bytes.put_varint(number);
            assert_eq!(bytes.len(), len_of_number(number), "{number}");
        }
        let mut bytes = Vec::new();
        bytes.put_varint(300);
        assert_eq!(bytes, [0xac, 2]);
    }
}
