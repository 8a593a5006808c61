//! SipHash-2-4 with 128 bits of result: short, keyed, and good enough that two ids never meet by chance or by somebody's design.
//!
//! Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", and the reference implementation's 128-bit variant.

/// A key that nobody outside knows.
pub(super) type Key = [u8; 16];

struct State(u64, u64, u64, u64);

impl State {
    #[inline]
    fn round(&mut self) {
        let Self(v0, v1, v2, v3) = self;
        *v0 = v0.wrapping_add(*v1);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v3);
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.wrapping_add(*v3);
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.wrapping_add(*v1);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v2 = v2.rotate_left(32);
    }

    #[inline]
    fn take(&mut self, word: u64) {
        self.3 ^= word;
        self.round();
        self.round();
        self.0 ^= word;
    }

    fn end(&mut self) -> u64 {
        (0..4).for_each(|_| self.round());
        self.0 ^ self.1 ^ self.2 ^ self.3
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// The hash of bytes.
pub(super) fn hash(key: &Key, bytes: &[u8]) -> u128 {
    let (k0, k1) = (word(&key[..8]), word(&key[8..]));
    let mut state = State(
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    );
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|bytes| state.take(u64::from_le_bytes(*bytes)));
    state.take(word(rest) | (bytes.len() as u64) << 56);
    state.2 ^= 0xee;
    let low = state.end();
    state.1 ^= 0xdd;
    u128::from(state.end()) << 64 | u128::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first vectors of the reference implementation.
    #[test]
    fn it_is_siphash() {
        let key: Key = std::array::from_fn(|at| at as u8);
        for (len, expected) in [
            (0, 0xa381_7f04_ba25_a8e6_6df6_7214_c755_0293_u128),
            (1, 0xda87_c1d8_6b99_af44_3476_5911_9b22_fc45),
        ] {
            let bytes: Vec<u8> = (0..len).collect();
            assert_eq!(hash(&key, &bytes).to_le_bytes(), expected.to_be_bytes(), "{len}");
        }
    }
}
