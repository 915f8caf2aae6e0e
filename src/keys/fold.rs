//! Keys told twice become one row: both ends of a tunnel have a log, and a log and a table may tell
//! of the same SA.

use super::{EncryptionId, EspKeys, Ikev1Keys, Ikev2Keys, IntegrityId, KeyRing};
use crate::crypto::Secret;
use crate::limits::KEY_EQUALS;
use crate::units::IkeSpi;

impl KeyRing {
    /// Makes one row of rows that tell the same keys and contradict each other nowhere. What one
    /// does not tell is taken from the other; the row keeps the place and the origin of the first.
    pub fn fold(&mut self) {
        fold(&mut self.ikev1, key_v1, join_v1);
        fold(&mut self.ikev2, key_v2, join_v2);
        fold(&mut self.esp, key_esp, join_esp);
    }
}

/// Folds rows of which `join` takes the second into the first, looking only at rows whose `key` is
/// the same.
fn fold<T>(rows: &mut Vec<T>, key: fn(&T) -> (u64, &[u8]), join: fn(&mut T, &T) -> bool) {
    let mut sorted: Vec<(usize, T)> = rows.drain(..).enumerate().collect();
    // The sort is stable: equal ones stay in the order of the files.
    sorted.sort_by(|(_, a), (_, b)| key(a).cmp(&key(b)));
    let mut kept: Vec<(usize, T)> = Vec::with_capacity(sorted.len());
    let mut run = 0;
    for (place, row) in sorted {
        if kept.last().is_some_and(|(_, last)| key(last) != key(&row)) {
            run = kept.len();
        }
        let equals = kept.get_mut(run..).unwrap_or_default().iter_mut();
        let joined = equals.take(KEY_EQUALS).any(|(_, first)| join(first, &row));
        if !joined {
            kept.push((place, row));
        }
    }
    kept.sort_by_key(|(place, _)| *place);
    rows.extend(kept.into_iter().map(|(_, row)| row));
}

fn first<const N: usize>(secrets: [&Option<Secret>; N]) -> &[u8] {
    let told = secrets.into_iter().flatten().next();
    told.map_or(&[], Secret::expose)
}

fn key_v1(row: &Ikev1Keys) -> (u64, &[u8]) {
    (0, first([&row.encryption_key, &row.skeyid_e, &row.skeyid]))
}

fn key_v2(row: &Ikev2Keys) -> (u64, &[u8]) {
    (0, first([&row.sk_ei, &row.sk_er, &row.sk_d]))
}

fn key_esp(row: &EspKeys) -> (u64, &[u8]) {
    let key = if row.ah {
        &row.integrity_key
    } else {
        &row.encryption_key
    };
    (u64::from(row.spi.spi.0), key.expose())
}

fn join_v1(row: &mut Ikev1Keys, other: &Ikev1Keys) -> bool {
    let fits = spi_fits(row.initiator, other.initiator)
        && fits(&row.responder, &other.responder)
        && fits(&row.encryption_key, &other.encryption_key)
        && fits(&row.skeyid, &other.skeyid)
        && fits(&row.skeyid_d, &other.skeyid_d)
        && fits(&row.skeyid_a, &other.skeyid_a)
        && fits(&row.skeyid_e, &other.skeyid_e);
    if fits {
        fill_spi(&mut row.initiator, other.initiator);
        fill(&mut row.responder, &other.responder);
        fill(&mut row.encryption_key, &other.encryption_key);
        fill(&mut row.skeyid, &other.skeyid);
        fill(&mut row.skeyid_d, &other.skeyid_d);
        fill(&mut row.skeyid_a, &other.skeyid_a);
        fill(&mut row.skeyid_e, &other.skeyid_e);
    }
    fits
}

fn join_v2(row: &mut Ikev2Keys, other: &Ikev2Keys) -> bool {
    let fits = spi_fits(row.spis.initiator, other.spis.initiator)
        && spi_fits(row.spis.responder, other.spis.responder)
        && cipher_fits(row.encryption, other.encryption)
        && fits(&row.integrity, &other.integrity)
        && fits(&row.prf, &other.prf)
        && fits(&row.sk_d, &other.sk_d)
        && fits(&row.sk_ai, &other.sk_ai)
        && fits(&row.sk_ar, &other.sk_ar)
        && fits(&row.sk_ei, &other.sk_ei)
        && fits(&row.sk_er, &other.sk_er)
        && fits(&row.sk_pi, &other.sk_pi)
        && fits(&row.sk_pr, &other.sk_pr);
    if fits {
        fill_spi(&mut row.spis.initiator, other.spis.initiator);
        fill_spi(&mut row.spis.responder, other.spis.responder);
        fill_cipher(&mut row.encryption, other.encryption);
        fill(&mut row.integrity, &other.integrity);
        fill(&mut row.prf, &other.prf);
        fill(&mut row.sk_d, &other.sk_d);
        fill(&mut row.sk_ai, &other.sk_ai);
        fill(&mut row.sk_ar, &other.sk_ar);
        fill(&mut row.sk_ei, &other.sk_ei);
        fill(&mut row.sk_er, &other.sk_er);
        fill(&mut row.sk_pi, &other.sk_pi);
        fill(&mut row.sk_pr, &other.sk_pr);
    }
    fits
}

fn join_esp(row: &mut EspKeys, other: &EspKeys) -> bool {
    let same = row.ah == other.ah
        && row.from == other.from
        && row.to == other.to
        && row.spi == other.spi
        && row.encryption_key == other.encryption_key
        && row.integrity_key == other.integrity_key;
    let fits = same
        && cipher_fits(row.encryption, other.encryption)
        && integrity_fits(row.integrity, other.integrity)
        && fits(&row.esn, &other.esn);
    if fits {
        fill_cipher(&mut row.encryption, other.encryption);
        fill(&mut row.integrity, &other.integrity);
        fill(&mut row.esn, &other.esn);
    }
    fits
}

fn fits<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}

fn fill<T: Clone>(a: &mut Option<T>, b: &Option<T>) {
    if a.is_none() {
        a.clone_from(b);
    }
}

fn spi_fits(a: IkeSpi, b: IkeSpi) -> bool {
    a.is_zero() || b.is_zero() || a == b
}

fn fill_spi(a: &mut IkeSpi, b: IkeSpi) {
    if a.is_zero() {
        *a = b;
    }
}

fn cipher_fits(a: Option<EncryptionId>, b: Option<EncryptionId>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.id == b.id && fits(&a.key_bits, &b.key_bits),
        _ => true,
    }
}

fn fill_cipher(a: &mut Option<EncryptionId>, b: Option<EncryptionId>) {
    match (a, b) {
        (Some(a), Some(b)) => fill(&mut a.key_bits, &b.key_bits),
        (a, b) => fill(a, &b),
    }
}

/// A checksum of a told length is not one of the usual length: both may be tried.
fn integrity_fits(a: Option<IntegrityId>, b: Option<IntegrityId>) -> bool {
    fits(&a, &b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Origin;
    use crate::units::IkeSpis;

    fn origin(line: u64) -> Origin {
        Origin {
            file: "f".to_owned(),
            line,
        }
    }

    fn row(line: u64, initiator: u64, sk_ei: u8) -> Ikev2Keys {
        let spis = IkeSpis {
            initiator: IkeSpi(initiator),
            responder: IkeSpi(0),
        };
        let mut row = Ikev2Keys::new(spis, origin(line));
        row.sk_ei = Some(Secret::new(vec![sk_ei; 16]));
        row
    }

    #[test]
    fn what_one_file_does_not_tell_is_taken_from_the_other() {
        let mut ring = KeyRing {
            ikev2: vec![row(1, 0, 7), row(2, 5, 9), row(3, 5, 7)],
            ..KeyRing::default()
        };
        ring.ikev2[2].sk_d = Some(Secret::new(vec![1]));
        ring.fold();
        let lines: Vec<u64> = ring.ikev2.iter().map(|row| row.origin.line).collect();
        assert_eq!(lines, [1, 2], "the first stays where it was");
        assert_eq!(ring.ikev2[0].spis.initiator, IkeSpi(5));
        assert!(ring.ikev2[0].sk_d.is_some());
    }

    #[test]
    fn rows_that_contradict_each_other_stay_apart() {
        let mut ring = KeyRing {
            ikev2: vec![row(1, 4, 7), row(2, 5, 7)],
            ..KeyRing::default()
        };
        ring.fold();
        assert_eq!(ring.ikev2.len(), 2);
    }
}
