//! How large an inner packet may be so that ESP around it fits an MTU (RFC 4303 section 2).
//!
//! ```text
//! outer = IP header + [8 if in UDP] + 8 (SPI, sequence) + IV + roundup(inner + 2, block) + ICV
//! ```

use crate::model::{EspFlow, Transport};

/// What ESP adds, as far as sizes tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Overhead {
    /// Octets of IV.
    pub iv: u32,
    /// Block that is filled up.
    pub block: u32,
    /// Octets of checksum.
    pub icv: u32,
}

impl Overhead {
    /// Every suite in use: AES-CBC with each HMAC, 3DES, AEAD.
    const ALL: [Self; 7] = [
        Self::new(16, 16, 12),
        Self::new(16, 16, 16),
        Self::new(16, 16, 24),
        Self::new(16, 16, 32),
        Self::new(8, 8, 12),
        Self::new(8, 8, 16),
        Self::new(8, 4, 16),
    ];

    const fn new(iv: u32, block: u32, icv: u32) -> Self {
        Self { iv, block, icv }
    }

    /// Whether a packet of this suite can have this size, from SPI to checksum.
    fn fits(self, size: u32) -> bool {
        size.checked_sub(8 + self.iv + self.icv)
            .is_some_and(|sealed| sealed > 0 && sealed.is_multiple_of(self.block))
    }

    /// The suites that every size of these flows fits.
    ///
    /// Few distinct sizes tell little: an AEAD flow of one size may look like AES-CBC.
    pub fn of<'a>(flows: impl Iterator<Item = &'a EspFlow>) -> Vec<Self> {
        let mut fit = Self::ALL.to_vec();
        for flow in flows {
            for (size, _) in &flow.sizes.counts {
                fit.retain(|suite| suite.fits(*size));
            }
        }
        if fit.is_empty() {
            fit = Self::ALL.to_vec();
        }
        fit
    }

    /// The largest inner packet for an outer MTU.
    pub fn inner(self, mtu: u32, v6: bool, transport: Transport) -> u32 {
        let around = if v6 { 40 } else { 20 } + transport.octets() + 8 + self.iv + self.icv;
        let room = mtu.saturating_sub(around);
        (room / self.block * self.block).saturating_sub(2)
    }
}

/// The largest inner packet and TCP MSS (over IPv4) that are safe for all that the sizes of these
/// flows allow.
pub fn safe<'a>(
    flows: impl Iterator<Item = &'a EspFlow> + Clone,
    mtu: u32,
    v6: bool,
) -> (u32, u32) {
    let transport = flows.clone().map(|flow| flow.key.transport).max();
    let transport = transport.unwrap_or_default();
    let inner = Overhead::of(flows)
        .into_iter()
        .map(|suite| suite.inner(mtu, v6, transport))
        .min()
        .unwrap_or(0);
    // An inner IPv4 header and a TCP header without options: 20 octets each.
    (inner, inner.saturating_sub(40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_inside_1500_is_as_computed_by_hand() {
        for (suite, plain, natt) in [
            (Overhead::new(8, 4, 16), 1446, 1438),
            (Overhead::new(16, 16, 12), 1438, 1422),
            (Overhead::new(16, 16, 16), 1438, 1422),
            (Overhead::new(16, 16, 32), 1422, 1406),
            (Overhead::new(8, 8, 12), 1446, 1438),
        ] {
            assert_eq!(suite.inner(1500, false, Transport::Ip), plain, "{suite:?}");
            assert_eq!(suite.inner(1500, false, Transport::Udp), natt, "{suite:?}");
        }
    }
}
