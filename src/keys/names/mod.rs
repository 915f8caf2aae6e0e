//! What programs call the algorithms, one table a vocabulary, and the transform IDs of the IKEv2
//! registry that they mean.

pub mod iana;
pub mod kame;
pub mod libreswan;
pub mod linux;
pub mod strongswan;
pub mod wireshark;

use super::{EncryptionId, IntegrityId};

/// The name of a cipher at IANA, or its number, and the key length where it is told.
pub fn encryption(encryption: EncryptionId) -> String {
    let name = iana::encryption_name(encryption.id);
    match encryption.key_bits {
        Some(bits) => format!("{name}-{bits}"),
        None => name,
    }
}

/// The name of an integrity algorithm at IANA, or its number, and the length of the checksum where
/// it is not the usual one.
pub fn integrity(integrity: IntegrityId) -> String {
    let name = iana::integrity_name(integrity.id);
    match integrity.icv_octets {
        Some(octets) => format!("{name} cut to {} bits", u16::from(octets) * 8),
        None => name,
    }
}

/// A cipher whose key length the name does not tell.
pub(super) const fn cipher(id: u16) -> EncryptionId {
    EncryptionId { id, key_bits: None }
}

/// A cipher with a key of so many bits.
pub(super) const fn sized(id: u16, bits: u16) -> EncryptionId {
    EncryptionId {
        id,
        key_bits: Some(bits),
    }
}

/// What a table says of a name. Letter case and the marks between its parts do not count, nor do
/// brackets with a citation: programs changed them over the years.
pub(super) fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let found = table.iter().find(|(known, _)| same(known, name));
    found.map(|(_, is)| *is)
}

fn same(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    name.chars()
        .filter(|c| !matches!(c, ' ' | '-' | '_'))
        .map(|c| c.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::lengths::{SERPENT_CBC, TWOFISH_CBC};
    use crate::registry::transform;

    fn known_cipher(encryption: EncryptionId) -> bool {
        transform::encryption(encryption.id).is_some()
            || [SERPENT_CBC, TWOFISH_CBC].contains(&encryption.id)
    }

    fn known_integrity(integrity: IntegrityId) -> bool {
        let told = integrity.id == IntegrityId::UNTOLD && integrity.icv_octets.is_some();
        let usual = transform::integrity(integrity.id);
        told || usual.is_some_and(|row| {
            let cut = integrity.icv_octets;
            cut.is_none_or(|cut| u16::from(cut) < row.octets)
        })
    }

    #[test]
    fn every_name_means_something_in_the_registry_and_stands_once() {
        for (vocabulary, table) in [
            ("wireshark ike", wireshark::IKE_ENCRYPTION),
            ("linux", linux::ENCRYPTION),
            ("strongswan", strongswan::ENCRYPTION),
            ("libreswan", libreswan::ENCRYPTION),
            ("kame", kame::ENCRYPTION),
        ] {
            for (name, is) in table {
                assert!(known_cipher(*is), "{vocabulary}: {name}");
                let alike = table.iter().filter(|(other, _)| same(other, name));
                assert_eq!(alike.count(), 1, "{vocabulary}: {name}");
            }
        }
        for (vocabulary, table) in [
            ("wireshark esp", wireshark::ESP_INTEGRITY),
            ("strongswan", strongswan::INTEGRITY),
            ("libreswan", libreswan::INTEGRITY),
        ] {
            for (name, is) in table {
                assert!(known_integrity(*is), "{vocabulary}: {name}");
                let alike = table.iter().filter(|(other, _)| same(other, name));
                assert_eq!(alike.count(), 1, "{vocabulary}: {name}");
            }
        }
    }

    #[test]
    fn case_marks_and_citations_do_not_count() {
        assert!(same("TripleDes-CBC [RFC2451]", "TripleDES-CBC"));
        assert!(same("HMAC_SHA1_96", "hmac-sha1-96 [RFC2404]"));
        assert!(!same("HMAC-SHA-256-96", "HMAC-SHA-256-128"));
    }
}
