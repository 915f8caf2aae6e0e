//! Why key material cannot be used.

use crate::language::{Text, one_of};
use crate::registry::TransformType;
use crate::say;
use std::error::Error;
use std::fmt;

/// Why an algorithm cannot work with the key it was given. It tells lengths, never octets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyError {
    /// No algorithm of this number is at hand.
    Unsupported {
        /// The type of transform.
        kind: TransformType,
        /// Its number.
        id: u16,
    },
    /// The key has a length that the algorithm does not have.
    Length {
        /// The IANA name of the algorithm.
        algorithm: &'static str,
        /// Octets that would be right, the salt included; never empty.
        expected: Vec<usize>,
        /// Octets that came.
        actual: usize,
    },
    /// The algorithm has no key of so many bits.
    KeyBits {
        /// The IANA name of the algorithm.
        algorithm: &'static str,
        /// The bits that were named.
        bits: u16,
    },
    /// The integrity algorithm does not give so many octets.
    Icv {
        /// The IANA name of the algorithm.
        algorithm: &'static str,
        /// The octets that were named.
        octets: usize,
    },
    /// The two algorithms do not go together: the cipher checks by itself (RFC 7296 section 3.3),
    /// or the integrity algorithm is for AH alone (RFC 4543 section 4).
    Mismatch {
        /// The IANA name of the cipher.
        encryption: &'static str,
        /// The IANA name of the integrity algorithm.
        integrity: &'static str,
    },
}

impl From<&KeyError> for Text {
    fn from(error: &KeyError) -> Self {
        match error {
            KeyError::Unsupported { kind, id } => {
                say!("{kind} {id} cannot be opened", kind, id)
            }
            KeyError::Length {
                algorithm,
                expected,
                actual,
            } => say!(
                "{algorithm} takes a key of {expected} octets, not {actual}",
                algorithm = Self::verbatim(algorithm),
                expected = octets(expected),
                actual
            ),
            KeyError::KeyBits { algorithm, bits } => say!(
                "{algorithm} has no key of {bits} bits",
                algorithm = Self::verbatim(algorithm),
                bits
            ),
            KeyError::Icv { algorithm, octets } => say!(
                "{algorithm} gives no checksum of {octets} octets",
                algorithm = Self::verbatim(algorithm),
                octets
            ),
            KeyError::Mismatch {
                encryption,
                integrity,
            } => say!(
                "{encryption} does not go with {integrity}",
                encryption = Self::verbatim(encryption),
                integrity = Self::verbatim(integrity)
            ),
        }
    }
}

impl From<KeyError> for Text {
    fn from(error: KeyError) -> Self {
        Self::from(&error)
    }
}

/// English.
impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::from(self).fmt(f)
    }
}

impl Error for KeyError {}

/// The lengths in words: "20", "16, 24 or 32", "5 to 56".
fn octets(expected: &[usize]) -> Text {
    match expected {
        [first, _, _, .., last] => say!("{first} to {last}", first, last),
        _ => one_of(expected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_expected_and_what_came() {
        let error = |expected: &[usize]| KeyError::Length {
            algorithm: "ENCR_AES_GCM_16",
            expected: expected.to_vec(),
            actual: 32,
        };
        assert_eq!(
            error(&[20, 28, 36]).to_string(),
            "ENCR_AES_GCM_16 takes a key of 20, 28 or 36 octets, not 32"
        );
        assert!(error(&[20]).to_string().contains("key of 20 octets"));
        assert!(
            error(&[5, 6, 7, 8])
                .to_string()
                .contains("key of 5 to 8 octets")
        );
    }
}
