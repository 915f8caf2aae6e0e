//! SA TEK payload of GDOI (RFC 6407 section 5.5).

use super::sa_kek::{GroupIdentity, LengthField};
use super::{Attribute, attribute};
use crate::registry::SecurityProtocol;
use crate::registry::gdoi::TekProtocol;
use crate::registry::ikev1::{Phase, transform_name};
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::text::{Hex, brief};
use alloc::vec::Vec;
use core::fmt;

/// The policy of an SA for data.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ! Protocol-ID   !       TEK Protocol-Specific Payload           ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SaTek<'a> {
    /// What the SA is for.
    pub protocol: TekProtocol,
    /// The policy itself.
    pub policy: TekPolicy<'a>,
}

/// The policy in the form of its protocol.
#[derive(Clone, Debug, PartialEq)]
pub enum TekPolicy<'a> {
    /// ESP or AH.
    Ipsec(IpsecTek<'a>),
    /// Another protocol, such as those of IEC 61850 (RFC 8052): its octets.
    Opaque(&'a [u8]),
}

/// The policy of an SA of ESP or AH (RFC 6407 section 5.5.1).
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !    Protocol   !  SRC ID Type  !         SRC ID Port           !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !       SRC ID Data Len         !    SRC Identification Data    ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !  DST ID Type  !         DST ID Port           !DST ID Data Len~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !               !            DST Identification Data            ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ! Transform ID  !                      SPI                      ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !               !            RFC 2407 SA Attributes             ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IpsecTek<'a> {
    /// IP protocol of the data, zero for any.
    pub ip_protocol: u8,
    /// Who sends.
    pub source: GroupIdentity<'a>,
    /// To whom.
    pub destination: GroupIdentity<'a>,
    /// Transform of ESP or AH, numbered as in quick mode.
    pub transform_id: u8,
    /// SPI that the key server chose.
    pub spi: [u8; 4],
    /// The suite in detail, as in quick mode.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> SaTek<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 1, "SA TEK payload")?;
        let protocol = TekProtocol(cursor.u8()?);
        let policy = match as_ipsec(protocol) {
            Some(_) => TekPolicy::Ipsec(IpsecTek::read(cursor, faults)?),
            None => TekPolicy::Opaque(cursor.rest()),
        };
        Some(Self { protocol, policy })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.protocol.0);
        match &self.policy {
            TekPolicy::Ipsec(policy) => policy.emit(out),
            TekPolicy::Opaque(octets) => out.extend(*octets),
        }
    }

    /// The name of the transform.
    pub fn transform_name(&self) -> Option<&'static str> {
        match &self.policy {
            TekPolicy::Ipsec(policy) => {
                transform_name(as_ipsec(self.protocol)?, policy.transform_id)
            }
            TekPolicy::Opaque(_) => None,
        }
    }
}

/// Protocol, SPI, the ends, and the suite as in quick mode:
/// `GDOI_PROTO_IPSEC_ESP c0ffee01 0.0.0.0 > 239.1.1.1: ESP_AES-CBC-128, HMAC-SHA2-256`.
impl fmt::Display for SaTek<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = match &self.policy {
            TekPolicy::Ipsec(policy) => policy,
            TekPolicy::Opaque(octets) => return write!(f, "{} {}", self.protocol, brief(octets)),
        };
        write!(f, "{} {}", self.protocol, Hex(&policy.spi))?;
        write!(f, " {} > {}: ", policy.source, policy.destination)?;
        match self.transform_name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "transform {}", policy.transform_id)?,
        }
        if let Some(bits) = attribute::key_length(Phase::Two, &policy.attributes) {
            write!(f, "-{bits}")?;
        }
        attribute::told(Phase::Two, &policy.attributes)
            .iter()
            .try_for_each(|word| write!(f, ", {word}"))
    }
}

/// The protocol of quick mode that numbers its transforms; `None` if it is not one of IPsec.
fn as_ipsec(protocol: TekProtocol) -> Option<SecurityProtocol> {
    match protocol {
        TekProtocol::GDOI_PROTO_IPSEC_ESP => Some(SecurityProtocol::ESP),
        TekProtocol::GDOI_PROTO_IPSEC_AH => Some(SecurityProtocol::AH),
        _ => None,
    }
}

impl<'a> IpsecTek<'a> {
    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 1, "Protocol")?;
        let ip_protocol = cursor.u8()?;
        let source = GroupIdentity::read(LengthField::Two, cursor, faults)?;
        let destination = GroupIdentity::read(LengthField::Two, cursor, faults)?;
        faults.require(cursor, 5, "Transform ID and SPI")?;
        Some(Self {
            ip_protocol,
            source,
            destination,
            transform_id: cursor.u8()?,
            spi: *cursor.take(4)?.first_chunk()?,
            attributes: Attribute::read_list(cursor, faults),
        })
    }

    fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.ip_protocol);
        self.source.emit(LengthField::Two, out);
        self.destination.emit(LengthField::Two, out);
        out.push(self.transform_id);
        out.extend(self.spi);
        self.attributes.iter().for_each(|one| one.emit(out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ESP from 10.0.0.0/8 to 239.1.1.1 with AES-256 and SHA-256, in tunnel mode.
    const TEK: &[u8] = &[
        1, 0, 4, 0, 0, 0, 8, 10, 0, 0, 0, 255, 0, 0, 0, //
        1, 0, 0, 0, 4, 239, 1, 1, 1, 12, 0xc0, 0xff, 0xee, 1, //
        0x80, 6, 1, 0, 0x80, 5, 0, 5, 0x80, 4, 0, 1,
    ];

    fn read(octets: &[u8]) -> (Option<SaTek<'_>>, Vec<String>) {
        let mut faults = Faults::default();
        let tek = SaTek::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (tek, said)
    }

    #[test]
    fn the_policy_of_data_reads_as_people_say_it() {
        let (tek, faults) = read(TEK);
        assert_eq!(
            tek.unwrap().to_string(),
            "GDOI_PROTO_IPSEC_ESP c0ffee01 10.0.0.0/8 > 239.1.1.1: \
             ESP_AES-CBC-256, HMAC-SHA2-256, Tunnel"
        );
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn the_policy_is_written_as_it_was_read() {
        let mut out = Vec::new();
        read(TEK).0.unwrap().emit(&mut out);
        assert_eq!(out, TEK);
    }

    #[test]
    fn a_protocol_that_is_not_of_ipsec_keeps_its_octets() {
        let (tek, faults) = read(&[3, 1, 2]);
        assert_eq!(tek.unwrap().to_string(), "GDOI_PROTO_IEC_61850 0102");
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn a_policy_without_spi_is_a_fault() {
        let (tek, faults) = read(&TEK[..26]);
        assert_eq!(tek, None);
        assert_eq!(
            faults,
            ["at 24: Transform ID and SPI promises 5 octets, 2 are there"]
        );
    }
}
