//! Algorithms, with the columns that sizes and judgements need.

/// One encryption algorithm (transform type 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Encryption {
    /// Transform ID.
    pub id: u16,
    /// IANA name.
    pub name: &'static str,
    /// Block that the plaintext is padded to, in octets; 1 for stream and AEAD ciphers.
    pub block: u8,
    /// Octets of IV sent in each message.
    pub iv: u8,
    /// Octets of checksum that the cipher itself adds (AEAD), else 0.
    pub icv: u8,
    /// Whether it authenticates by itself.
    pub aead: bool,
    /// Key length in bits when no Key Length attribute is sent; `None` where it must be sent.
    pub fixed_key_bits: Option<u16>,
    /// Why it should no longer be used, with the RFC that says so.
    pub weak: Option<&'static str>,
}

/// One algorithm of any other kind: PRF, integrity, key exchange, ESN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Algorithm {
    /// Transform ID.
    pub id: u16,
    /// IANA name.
    pub name: &'static str,
    /// Integrity: octets of checksum. Key exchange: octets of the public value. PRF: octets of output.
    pub octets: u16,
    /// Why it should no longer be used, with the RFC that says so.
    pub weak: Option<&'static str>,
}

/// The row of an encryption algorithm.
pub fn encryption(id: u16) -> Option<&'static Encryption> {
    ENCRYPTION.iter().find(|row| row.id == id)
}

/// Encryption algorithms.
pub const ENCRYPTION: &[Encryption] = &[];

/// Pseudorandom functions (transform type 2).
pub const PRF: &[Algorithm] = &[];

/// Integrity algorithms (transform type 3).
pub const INTEGRITY: &[Algorithm] = &[];

/// Key exchange methods (transform type 4).
pub const KEY_EXCHANGE: &[Algorithm] = &[];

/// Sequence number kinds (transform type 5).
pub const SEQUENCE_NUMBERS: &[Algorithm] = &[];
