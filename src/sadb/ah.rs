//! SAs of AH: whether the checksum of a packet is right (RFC 4302 section 3.3.3).

use crate::crypto::Integrity;
use crate::keys::{EspKeys, IntegrityId, SpiPattern};
use crate::language::Text;
use crate::limits;
use crate::net::{Ah, Covered};
use crate::units::EspSpi;
use crate::wire::ah::AuthenticationHeader;

/// One direction of an SA of AH.
#[derive(Debug)]
pub(super) struct AhSa {
    spi: SpiPattern,
    esn: Option<bool>,
    integrity: Integrity,
}

/// Zeros in the place of the checksum, which is made before it is known.
const ZEROS: [u8; 64] = [0; 64];

impl AhSa {
    /// The SA of these keys, or why they cannot be used.
    pub(super) fn of(keys: &EspKeys) -> Result<Self, Text> {
        let Some(IntegrityId { id, icv_octets }) = keys.integrity else {
            return Err("no integrity algorithm is told".into());
        };
        let key = keys.integrity_key.expose();
        let integrity = Integrity::new(id, icv_octets.map(usize::from), key);
        Ok(Self {
            spi: keys.spi,
            esn: keys.esn,
            integrity: integrity?,
        })
    }

    /// Whether it may be that of a packet with this SPI.
    pub(super) fn fits(&self, spi: EspSpi) -> bool {
        self.spi.fits(spi)
    }

    /// Whether the checksum is that of the packet: of the IP header before it, of AH with zeros in
    /// its place, of all that follows, and of the high half of a sequence number of 64 bits.
    pub(super) fn proves(&self, ah: &Ah<'_>, around: &Covered) -> bool {
        self.verify(ah, around).unwrap_or(false)
    }

    fn verify(&self, ah: &Ah<'_>, around: &Covered) -> Option<bool> {
        let octets = self.integrity.icv_octets();
        let (fixed, rest) = ah.bytes.split_at_checked(AuthenticationHeader::FIXED_LEN)?;
        let (icv, rest) = rest.split_at_checked(octets)?;
        // What fills the field up to a multiple of four or eight octets is covered as it is.
        if ah.header.icv.len() < octets {
            return None;
        }
        let zeros = ZEROS.get(..octets)?;
        let fits = |high: Option<u32>| {
            let high = high.map(u32::to_be_bytes);
            let high = high.as_ref().map_or(&[][..], |octets| octets);
            let parts = [around.octets(), fixed, zeros, rest, high];
            self.integrity.verify(&parts, icv)
        };
        let plain = self.esn != Some(true) && fits(None);
        let extended = self.esn != Some(false);
        Some(plain || extended && (0..=limits::ESN_HIGH).any(|high| fits(Some(high))))
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::{Frame, LinkType};
    use crate::keys::{AddressPattern, EspKeys, IntegrityId, KeyRing, Origin, SpiPattern};
    use crate::net::{self, Body, Learned};
    use crate::sadb::Sadb;
    use crate::units::{EspSpi, FrameId, Vantage};

    /// AUTH_HMAC_SHA2_256_128.
    const SHA2_256: u16 = 12;

    /// Checksums made with Python's hmac over the packets as RFC 4302 section 3.3.3 has them: IPv4,
    /// IPv6 with four octets that fill the field up, and IPv4 with a high half of 3.
    const V4: &str = "45b80038abcd40003f33beefc0000201c00002020105000000001234000000077f08d96bb97738513283d0f60f0f55730800f7ff00000000";
    const V6: &str = "6b8123450028333d20010db800000000000000000000000120010db80000000000000000000000023a0600000000123400000007c9317ab3b154f4f1e96dc1a16b9ed3f4000000000800f7ff00000000";
    const EXTENDED: &str = "45b80038abcd40003f33beefc0000201c0000202010500000000123400000007714e8364dae6467ebdf46b18004261170800f7ff00000000";

    fn octets(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn keys(spi: u32, esn: Option<bool>) -> EspKeys {
        EspKeys {
            ah: true,
            from: AddressPattern::Any,
            to: AddressPattern::Any,
            spi: SpiPattern::one(EspSpi(spi)),
            encryption: None,
            encryption_key: [][..].into(),
            integrity: Some(IntegrityId::usual(SHA2_256)),
            integrity_key: (1..=32).collect::<Vec<u8>>()[..].into(),
            esn,
            origin: Origin {
                file: "keys".to_owned(),
                line: 1,
            },
        }
    }

    /// What the keys say of the AH in an IP packet of which `kept` octets were kept.
    fn proven(packet: &[u8], kept: usize, keys: EspKeys) -> Option<bool> {
        let database = Sadb::new(&KeyRing {
            esp: vec![keys],
            ..KeyRing::default()
        });
        let raw_ip = LinkType(101);
        let frame = Frame {
            id: FrameId {
                input: 0,
                number: 1,
            },
            time: None,
            vantage: Vantage {
                input: 0,
                interface: 0,
            },
            link: raw_ip,
            wire_len: u32::try_from(packet.len()).unwrap(),
            bytes: &packet[..kept],
        };
        let mut said = None;
        net::peel(&frame, &mut Learned::default(), &mut |datagram| {
            if let Body::Ah(ah) = datagram.body {
                said = database.proves(&ah, datagram.cut);
            }
        });
        said
    }

    #[test]
    fn a_packet_is_proven_whatever_routers_changed() {
        for (packet, esn) in [
            (V4, None),
            (V6, Some(false)),
            (EXTENDED, None),
            (EXTENDED, Some(true)),
        ] {
            let mut packet = octets(packet);
            assert_eq!(proven(&packet, packet.len(), keys(0x1234, esn)), Some(true));
            // Type of service and time to live, or flow label and hop limit.
            let hops = if packet[0] >> 4 == 4 { 8 } else { 7 };
            packet[1] ^= 0x0f;
            packet[hops] -= 1;
            assert_eq!(proven(&packet, packet.len(), keys(0x1234, esn)), Some(true));
        }
        let packet = octets(EXTENDED);
        assert_eq!(
            proven(&packet, packet.len(), keys(0x1234, Some(false))),
            Some(false)
        );
    }

    #[test]
    fn what_else_is_changed_is_found() {
        let packet = octets(V4);
        // Identification, addresses, AH and what follows; not what tells that it is AH at all.
        for at in (4..6).chain(12..21).chain(28..packet.len()) {
            let mut changed = packet.clone();
            changed[at] ^= 1;
            let said = proven(&changed, changed.len(), keys(0x1234, None));
            assert_eq!(said, Some(false), "octet {at}");
        }
    }

    #[test]
    fn what_cannot_be_checked_is_not_called_wrong() {
        let packet = octets(V4);
        assert_eq!(proven(&packet, packet.len(), keys(0x9999, None)), None);
        assert_eq!(proven(&packet, packet.len() - 1, keys(0x1234, None)), None);
    }
}
