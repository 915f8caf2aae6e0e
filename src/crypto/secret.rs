//! Key material: wiped when it goes, and never shown.

use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Octets that nobody may see: a key, or what keys are made of.
///
/// They are overwritten when the value is dropped. There is no `Display`, `Debug` tells how many
/// octets they are, and comparing takes the same time wherever they differ.
#[derive(Clone, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the octets over.
    pub fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// The octets, for a cipher or for a file that the user asked for.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many octets they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<&[u8]> for Secret {
    fn from(octets: &[u8]) -> Self {
        Self(octets.to_vec())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

/// How many octets they are.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} octets)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::from(&[0xab, 0xcd][..]);
        assert_eq!(format!("{secret:?}"), "Secret(2 octets)");
        assert_eq!(secret, Secret::new(vec![0xab, 0xcd]));
        assert_ne!(secret, Secret::new(vec![0xab, 0xce]));
        assert_ne!(secret, Secret::new(vec![0xab]));
    }
}
