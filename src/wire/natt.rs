//! UDP encapsulation on ports 500 and 4500: what a datagram holds is told by its octets (RFC 3948).

use super::esp::EspHeader;
use super::header::Header;

/// What a UDP payload holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Content<'a> {
    /// An IKE message, the non-ESP marker removed.
    Ike(&'a [u8]),
    /// An ESP packet, from its SPI on.
    Esp(&'a [u8]),
    /// One octet 0xff (RFC 3948 section 2.3).
    Keepalive,
    /// None of these.
    Other(&'a [u8]),
}

impl<'a> Content<'a> {
    /// Tells what a UDP payload holds. `port_4500` is for port 4500 and any that stands in for it,
    /// where ESP and IKE share the port; without it the payload came over port 500 or 848.
    ///
    /// The slice within begins at the IKE header or at the SPI, and ends where `payload` ends.
    #[inline]
    pub fn of(payload: &'a [u8], port_4500: bool) -> Self {
        match (payload, port_4500) {
            ([KEEPALIVE], _) => Self::Keepalive,
            (_, true) => Self::on_shared_port(payload),
            (_, false) => Self::on_ike_port(payload),
        }
    }

    /// RFC 3948 section 2.2: zeros where ESP has its SPI mark IKE; all else is ESP.
    ///
    /// The marker alone decides, so that a message that the capture cut to less than its header is
    /// told. SPIs 1 to 255 are reserved (RFC 4303 section 2.1), yet what carries one is still ESP:
    /// whether its SPI is right is not for us to say here.
    #[inline]
    fn on_shared_port(payload: &'a [u8]) -> Self {
        match payload.strip_prefix(&NON_ESP_MARKER) {
            Some(message) => Self::Ike(message),
            None if payload.len() >= EspHeader::LEN => Self::Esp(payload),
            None => Self::Other(payload),
        }
    }

    /// Port 500 is for IKE alone; yet some peers put the marker before it, and before RFC 3948 ESP
    /// came here too. So what does not look like IKE must look like ESP to be taken for it.
    fn on_ike_port(payload: &'a [u8]) -> Self {
        if looks_like_ike(payload) {
            return Self::Ike(payload);
        }
        if let Some(packet) = payload.strip_prefix(&NON_IKE_MARKER)
            && looks_like_esp(packet)
        {
            return Self::Esp(packet);
        }
        if let Some(message) = payload.strip_prefix(&NON_ESP_MARKER)
            && looks_like_ike(message)
        {
            return Self::Ike(message);
        }
        if looks_like_esp(payload) {
            return Self::Esp(payload);
        }
        Self::Other(payload)
    }
}

/// The one octet of a NAT keepalive.
const KEEPALIVE: u8 = 0xff;

/// Stands before IKE on port 4500 (RFC 3948 section 2.2).
pub(crate) const NON_ESP_MARKER: [u8; 4] = [0; 4];

/// Stood before ESP on port 500, where IKE has its initiator cookie
/// (draft-ietf-ipsec-udp-encaps-00 and -01).
const NON_IKE_MARKER: [u8; 8] = [0; 8];

/// The least octets of an ESP packet: header, one block of padding with its trailer, and the
/// shortest ICV in use, 12 octets. AEADs with 8 octets of ICV bring 8 of IV.
const ESP_LEAST: usize = 24;

/// The first SPI that is not reserved (RFC 4303 section 2.1).
const FIRST_SPI: u32 = 256;

fn looks_like_ike(bytes: &[u8]) -> bool {
    Header::read(bytes).is_some_and(|header| header.is_plausible(bytes.len()))
}

/// ESP ends on a multiple of four octets with every cipher in use; so a packet that the capture cut
/// is not told, which is the lesser evil on a port that draws scans of every kind.
fn looks_like_esp(bytes: &[u8]) -> bool {
    let spi = EspHeader::read(bytes).map(|header| header.spi.0);
    bytes.len() >= ESP_LEAST
        && bytes.len().is_multiple_of(4)
        && spi.is_some_and(|spi| spi >= FIRST_SPI)
}

#[cfg(test)]
mod tests {
    use super::super::header::{Flags, Version};
    use super::*;
    use crate::registry::{ExchangeType, PayloadType};
    use crate::units::{EspSpi, IkeSpi, IkeSpis};

    fn ike(body: usize) -> Vec<u8> {
        let header = Header {
            spis: IkeSpis {
                initiator: IkeSpi(0x1122_3344_5566_7788),
                responder: IkeSpi(0),
            },
            next_payload: PayloadType::SA,
            version: Version::V2,
            exchange: ExchangeType::IKE_SA_INIT,
            flags: Flags(0x08),
            message_id: 0,
            length: 300,
        };
        let mut octets = Vec::new();
        header.emit(&mut octets);
        octets.resize(28 + body, 0xee);
        octets
    }

    fn esp(spi: u32, rest: usize) -> Vec<u8> {
        let header = EspHeader {
            spi: EspSpi(spi),
            sequence: 1,
        };
        let mut octets = Vec::new();
        header.emit(&mut octets);
        octets.resize(8 + rest, 0x77);
        octets
    }

    fn behind(marker: &[u8], octets: &[u8]) -> Vec<u8> {
        [marker, octets].concat()
    }

    #[test]
    fn on_4500_the_marker_tells_ike_even_if_it_was_cut_short() {
        let message = ike(272);
        for kept in 0..message.len() {
            let cut = &message[..kept];
            let payload = behind(&[0; 4], cut);
            assert_eq!(Content::of(&payload, true), Content::Ike(cut));
        }
    }

    #[test]
    fn on_4500_all_else_is_esp_whatever_its_spi() {
        for spi in [1, 255, 256, 0xc0ff_ee00, 0xffff_ffff] {
            let packet = esp(spi, 40);
            assert_eq!(Content::of(&packet, true), Content::Esp(&packet));
        }
        // The receiver takes IKE without its marker for ESP, and so do we.
        let message = ike(272);
        assert_eq!(Content::of(&message, true), Content::Esp(&message));
    }

    #[test]
    fn a_keepalive_is_one_octet_on_either_port() {
        for port_4500 in [true, false] {
            assert_eq!(Content::of(&[0xff], port_4500), Content::Keepalive);
            for other in [&[][..], &[0xfe], &[0xff, 0xff]] {
                assert_eq!(Content::of(other, port_4500), Content::Other(other));
            }
        }
    }

    #[test]
    fn too_short_for_esp_is_neither() {
        let stump = [1, 2, 3, 4, 5, 6, 7];
        assert_eq!(Content::of(&stump, true), Content::Other(&stump));
    }

    #[test]
    fn on_500_a_plausible_header_tells_ike_whole_or_cut() {
        for body in [272, 100, 0] {
            let message = ike(body);
            assert_eq!(Content::of(&message, false), Content::Ike(&message));
        }
    }

    #[test]
    fn on_500_a_marker_before_ike_is_taken_off() {
        let message = ike(272);
        let payload = behind(&[0; 4], &message);
        assert_eq!(Content::of(&payload, false), Content::Ike(&message));
    }

    #[test]
    fn on_500_esp_is_told_if_nothing_looks_like_ike() {
        let packet = esp(0xc0ff_ee00, 40);
        assert_eq!(Content::of(&packet, false), Content::Esp(&packet));
        let marked = behind(&[0; 8], &packet);
        assert_eq!(Content::of(&marked, false), Content::Esp(&packet));
    }

    #[test]
    fn on_500_what_looks_like_neither_is_other() {
        for octets in [esp(255, 40), esp(0x1000, 41), esp(0x1000, 12), vec![0; 64]] {
            assert_eq!(Content::of(&octets, false), Content::Other(&octets));
        }
    }
}
