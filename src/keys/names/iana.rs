//! IANA's own names, as the registry spells them.

use crate::keys::IntegrityId;
use crate::keys::lengths::{SERPENT_CBC, TWOFISH_CBC};
use crate::registry::transform;

/// What stands for [`IntegrityId::UNTOLD`].
const UNTOLD: &str = "unknown";

/// Ciphers that have no number at IANA, by the names of strongSwan.
const PRIVATE: &[(u16, &str)] = &[(SERPENT_CBC, "SERPENT_CBC"), (TWOFISH_CBC, "TWOFISH_CBC")];

/// The name of a cipher, or its number.
pub fn encryption_name(id: u16) -> String {
    let private = PRIVATE.iter().find(|row| row.0 == id).map(|row| row.1);
    let name = transform::encryption(id).map(|row| row.name).or(private);
    name.map_or_else(|| id.to_string(), str::to_owned)
}

/// The name of an integrity algorithm, or its number.
pub fn integrity_name(id: u16) -> String {
    let name = match id {
        IntegrityId::UNTOLD => Some(UNTOLD),
        _ => transform::integrity(id).map(|row| row.name),
    };
    name.map_or_else(|| id.to_string(), str::to_owned)
}

/// The name of a PRF, or its number.
pub fn prf_name(id: u16) -> String {
    transform::prf(id).map_or_else(|| id.to_string(), |row| row.name.to_owned())
}

/// The number of a cipher's name.
pub fn encryption(name: &str) -> Option<u16> {
    let private = PRIVATE.iter().find(|row| row.1 == name).map(|row| row.0);
    let row = transform::ENCRYPTION.iter().find(|row| row.name == name);
    row.map(|row| row.id).or(private)
}

/// The number of an integrity algorithm's name.
pub fn integrity(name: &str) -> Option<u16> {
    if name == UNTOLD {
        return Some(IntegrityId::UNTOLD);
    }
    let row = transform::INTEGRITY.iter().find(|row| row.name == name);
    row.map(|row| row.id)
}

/// The number of a PRF's name.
pub fn prf(name: &str) -> Option<u16> {
    let row = transform::PRF.iter().find(|row| row.name == name);
    row.map(|row| row.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_number() {
        for row in transform::ENCRYPTION {
            assert_eq!(encryption(&encryption_name(row.id)), Some(row.id));
        }
        for row in transform::INTEGRITY {
            assert_eq!(integrity(&integrity_name(row.id)), Some(row.id));
        }
        for row in transform::PRF {
            assert_eq!(prf(&prf_name(row.id)), Some(row.id));
        }
        assert_eq!(encryption(&encryption_name(TWOFISH_CBC)), Some(TWOFISH_CBC));
        assert_eq!(integrity("unknown"), Some(IntegrityId::UNTOLD));
        assert_eq!(encryption_name(999), "999");
    }
}
