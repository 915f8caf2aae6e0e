//! Slices one after another, seen as blocks of AES.

/// Octets of a block of AES and of GHASH.
pub(super) const BLOCK: usize = 16;

/// What stands after the last whole block: 1 to 16 octets, or none if there was nothing at all.
pub(super) struct Rest {
    octets: [u8; BLOCK],
    filled: usize,
}

impl Rest {
    /// The octets, followed by zeros.
    pub(super) fn padded(&self) -> [u8; BLOCK] {
        self.octets
    }

    /// How many of them came.
    pub(super) fn filled(&self) -> usize {
        self.filled
    }
}

/// Hands on every block but the last, which MACs treat in a way of their own.
pub(super) fn each_but_last(parts: &[&[u8]], mut each: impl FnMut(&[u8; BLOCK])) -> Rest {
    let mut rest = Rest {
        octets: [0; BLOCK],
        filled: 0,
    };
    for mut part in parts.iter().copied() {
        while !part.is_empty() {
            if rest.filled == BLOCK {
                each(&rest.octets);
                rest = Rest {
                    octets: [0; BLOCK],
                    filled: 0,
                };
            }
            let room = rest.octets.iter_mut().skip(rest.filled);
            let taken = part.len().min(BLOCK - rest.filled);
            room.zip(part).for_each(|(to, from)| *to = *from);
            rest.filled += taken;
            part = part.get(taken..).unwrap_or_default();
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_do_not_depend_on_where_the_slices_are_cut() {
        let octets: Vec<u8> = (0..40).collect();
        for length in [0, 1, 15, 16, 17, 32, 40] {
            for cut in 0..=length {
                let mut seen = Vec::new();
                let parts = [&octets[..cut], &[][..], &octets[cut..length]];
                let rest = each_but_last(&parts, |block| seen.extend_from_slice(block));
                assert_eq!(rest.filled() == 0, length == 0);
                assert!(
                    rest.padded()[rest.filled()..]
                        .iter()
                        .all(|octet| *octet == 0)
                );
                seen.extend_from_slice(&rest.padded()[..rest.filled()]);
                assert_eq!(seen, octets[..length]);
            }
        }
    }
}
