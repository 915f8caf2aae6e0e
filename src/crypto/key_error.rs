//! Why key material cannot be used.

use crate::registry::TransformType;
use thiserror::Error;

/// Why an algorithm cannot work with the key it was given. It tells lengths, never octets.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum KeyError {
    /// No algorithm of this number is at hand.
    #[error("{kind} {id} cannot be opened")]
    Unsupported {
        /// The type of transform.
        kind: TransformType,
        /// Its number.
        id: u16,
    },
    /// The key has a length that the algorithm does not have.
    #[error("{algorithm} takes a key of {} octets, not {actual}", octets(.expected))]
    Length {
        /// The IANA name of the algorithm.
        algorithm: &'static str,
        /// Octets that would be right, the salt included; never empty.
        expected: Vec<usize>,
        /// Octets that came.
        actual: usize,
    },
    /// The algorithm has no key of so many bits.
    #[error("{algorithm} has no key of {bits} bits")]
    KeyBits {
        /// The IANA name of the algorithm.
        algorithm: &'static str,
        /// The bits that were named.
        bits: u16,
    },
    /// The integrity algorithm does not give so many octets.
    #[error("{algorithm} gives no checksum of {octets} octets")]
    Icv {
        /// The IANA name of the algorithm.
        algorithm: &'static str,
        /// The octets that were named.
        octets: usize,
    },
    /// The two algorithms do not go together: the cipher checks by itself (RFC 7296 section 3.3),
    /// or the integrity algorithm is for AH alone (RFC 4543 section 4).
    #[error("{encryption} does not go with {integrity}")]
    Mismatch {
        /// The IANA name of the cipher.
        encryption: &'static str,
        /// The IANA name of the integrity algorithm.
        integrity: &'static str,
    },
}

/// The lengths in words: "20", "16, 24 or 32", "5 to 56".
fn octets(expected: &[usize]) -> String {
    match expected {
        [] => String::new(),
        [one] => one.to_string(),
        [one, two] => format!("{one} or {two}"),
        [one, two, three] => format!("{one}, {two} or {three}"),
        [first, .., last] => format!("{first} to {last}"),
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
