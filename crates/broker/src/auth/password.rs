//! Password hashes, byte for byte those of RabbitMQ, so that users move between the two brokers
//! with their passwords (<https://www.rabbitmq.com/docs/passwords>).
//!
//! A hash is four bytes of salt followed by the digest of salt and password, once. It is weak
//! against somebody who holds the file, which is RabbitMQ's choice and the price of compatibility;
//! hashes are therefore kept out of `Debug` and logs like the passwords themselves.

use std::fmt;
use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

const SALT_BYTES: usize = 4;

/// Which digest a [`PasswordHash`] uses, with RabbitMQ's names in definitions files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HashingAlgorithm {
    /// `rabbit_password_hashing_sha256`, the default.
    #[default]
    Sha256,
    /// `rabbit_password_hashing_sha512`.
    Sha512,
    /// `rabbit_password_hashing_md5`: users made by RabbitMQ before 3.6.0.
    Md5,
}

impl HashingAlgorithm {
    /// RabbitMQ's name of the algorithm.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "rabbit_password_hashing_sha256",
            Self::Sha512 => "rabbit_password_hashing_sha512",
            Self::Md5 => "rabbit_password_hashing_md5",
        }
    }

    /// The algorithm of that name; `None` for a name RabbitMQ does not ship.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha512, Self::Md5].into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    fn digest(self, salt: &[u8], password: &[u8]) -> Vec<u8> {
        fn run<D: Digest>(salt: &[u8], password: &[u8]) -> Vec<u8> {
            D::new().chain_update(salt).chain_update(password).finalize().to_vec()
        }
        match self {
            Self::Sha256 => run::<Sha256>(salt, password),
            Self::Sha512 => run::<Sha512>(salt, password),
            Self::Md5 => run::<Md5>(salt, password),
        }
    }
}

/// A stored password: salt and digest, or nothing at all for a user who cannot log in with one.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    algorithm: HashingAlgorithm,
    /// Salt and digest; empty when there is no password.
    bytes: Box<[u8]>,
}

/// The text is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password hash is not base64")]
pub struct NotBase64;

impl PasswordHash {
    /// Hashes `password` with a fresh random salt. An empty password gives [`PasswordHash::none`]:
    /// logging in with a blank password is always refused.
    pub fn new(algorithm: HashingAlgorithm, password: &[u8]) -> Self {
        if password.is_empty() {
            return Self::none();
        }
        let salt: [u8; SALT_BYTES] = rand::random();
        let bytes = [&salt[..], &algorithm.digest(&salt, password)].concat();
        Self { algorithm, bytes: bytes.into() }
    }

    /// No password: such a user can log in with a certificate or anonymously only.
    pub fn none() -> Self {
        Self { algorithm: HashingAlgorithm::default(), bytes: Box::default() }
    }

    /// Reads `password_hash` of a definitions file. Empty text means no password.
    ///
    /// # Errors
    /// [`NotBase64`]. A hash of the wrong length is accepted, as RabbitMQ does; it matches nothing.
    pub fn from_base64(algorithm: HashingAlgorithm, text: &str) -> Result<Self, NotBase64> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| NotBase64)?;
        Ok(Self { algorithm, bytes: bytes.into() })
    }

    /// What a definitions file says in `password_hash`.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// The digest used.
    pub fn algorithm(&self) -> HashingAlgorithm {
        self.algorithm
    }

    /// Whether no password can ever match.
    pub fn is_none(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether `password` is the one that was hashed. Takes the same time whichever byte differs.
    pub fn verify(&self, password: &[u8]) -> bool {
        let Some((salt, stored)) = self.bytes.split_at_checked(SALT_BYTES) else {
            return false;
        };
        let given = self.algorithm.digest(salt, password);
        !password.is_empty() && equal_in_constant_time(stored, &given)
    }

    /// Spends the time of a [`verify`](Self::verify) and says no: an unknown user must not be told
    /// from a wrong password by the clock.
    pub(super) fn verify_nobody(password: &[u8]) -> bool {
        black_box(HashingAlgorithm::default().digest(&[0; SALT_BYTES], password));
        false
    }
}

fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    let differing = left.iter().zip(right).fold(0, |acc, (l, r)| black_box(acc | (l ^ r)));
    left.len() == right.len() && differing == 0
}

impl Default for PasswordHash {
    /// [`PasswordHash::none`].
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.is_none() { "none" } else { "hidden" };
        write!(f, "PasswordHash({}, {shown})", self.algorithm.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Salt `CA D5 08 9B` and password `simon`: SHA-256 as in RabbitMQ's guide on passwords
    /// (<https://www.rabbitmq.com/docs/passwords#computing-password-hash>); the others computed
    /// with coreutils from the same salt.
    const KNOWN: [(HashingAlgorithm, &str); 3] = [
        (HashingAlgorithm::Sha256, "ytUIm1ruBv8dbuXf8jo3yKhGfE9Xu5vXpi7ti/E17ovdt2wK"),
        (
            HashingAlgorithm::Sha512,
            "ytUIm/Xb3yB16kTpWLMGsdQshDQIRgWveYehTItxpYNIE5CNeIRuSaf9d0+A5sBl6Sdr9wjM9UD7oD17+iNKfcYnX6U=",
        ),
        (HashingAlgorithm::Md5, "ytUIm8s3AnKsXQjptplKFytfVxI="),
    ];

    #[test]
    fn known_hashes_verify() {
        for (algorithm, text) in KNOWN {
            let hash = PasswordHash::from_base64(algorithm, text).unwrap();
            assert!(hash.verify(b"simon"), "{algorithm:?}");
            for wrong in [&b""[..], b"simo", b"simonx", b"Simon"] {
                assert!(!hash.verify(wrong), "{algorithm:?} {wrong:?}");
            }
            assert_eq!(hash.to_base64(), text);
        }
    }

    #[test]
    fn new_hashes_are_salted_and_verify() {
        for (algorithm, _) in KNOWN {
            let one = PasswordHash::new(algorithm, "s\u{e9}cret".as_bytes());
            let two = PasswordHash::new(algorithm, "s\u{e9}cret".as_bytes());
            assert!(one.verify("s\u{e9}cret".as_bytes()) && !one.verify(b"secret"));
            assert_ne!(one, two, "two salts");
        }
    }

    #[test]
    fn blank_or_broken_hashes_match_nothing() {
        for text in ["", "AAAA", "AAAAAA==", "AAAAAAA="] {
            let hash = PasswordHash::from_base64(HashingAlgorithm::Sha256, text).unwrap();
            assert!(!hash.verify(b"") && !hash.verify(b"x"), "{text:?}");
        }
        assert!(PasswordHash::new(HashingAlgorithm::Sha256, b"").is_none());
        assert_eq!(PasswordHash::from_base64(HashingAlgorithm::Md5, "!"), Err(NotBase64));
    }

    #[test]
    fn debug_hides_the_hash() {
        let hash = PasswordHash::from_base64(HashingAlgorithm::Sha256, KNOWN[0].1).unwrap();
        assert_eq!(format!("{hash:?}"), "PasswordHash(rabbit_password_hashing_sha256, hidden)");
    }

    #[test]
    fn names_are_rabbitmqs() {
        for (algorithm, _) in KNOWN {
            assert_eq!(HashingAlgorithm::from_name(algorithm.as_str()), Some(algorithm));
        }
        assert_eq!(HashingAlgorithm::from_name("bcrypt"), None);
    }
}
