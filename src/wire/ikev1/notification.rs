//! Notification payload (RFC 2408 section 3.14).

use super::Attribute;
use super::attribute::told;
use crate::registry::ikev1::Phase;
use crate::registry::{NotifyV1, SecurityProtocol};
use crate::wire::address::address;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::text::{Hex, brief};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

/// An error or a status.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !              Domain of Interpretation  (DOI)                  !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !  Protocol-ID  !   SPI Size    !      Notify Message Type      !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                Security Parameter Index (SPI)                 ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                       Notification Data                       ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Notification<'a> {
    /// Domain of interpretation.
    pub doi: u32,
    /// Protocol of the SA it is about.
    pub protocol: SecurityProtocol,
    /// SPI of that SA; for an ISAKMP SA both cookies.
    pub spi: &'a [u8],
    /// What is said.
    pub kind: NotifyV1,
    /// More about it, by type.
    pub data: &'a [u8],
}

/// What the data of a notification means.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning<'a> {
    /// R-U-THERE and R-U-THERE-ACK: the sequence number (RFC 3706 section 5.3).
    Sequence(u32),
    /// RESPONDER-LIFETIME: the lifetime that the responder will keep, in attributes of the phase
    /// that the SA belongs to (RFC 2407 section 4.6.3.1).
    Lifetime(Phase, Vec<Attribute<'a>>),
    /// REPLAY-STATUS: whether the responder detects replays (RFC 2407 section 4.6.3.2).
    ReplayDetection(bool),
    /// UNITY-LOAD-BALANCE: the gateway of a cluster to turn to.
    LoadBalance(IpAddr),
    /// Data that does not fit the type.
    Misfit(&'a [u8]),
}

impl fmt::Display for Meaning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(number) => write!(f, "{number}"),
            Self::Lifetime(phase, attributes) => f.write_str(&told(*phase, attributes).join(", ")),
            Self::ReplayDetection(true) => f.write_str("replays are detected"),
            Self::ReplayDetection(false) => f.write_str("replays are not detected"),
            Self::LoadBalance(address) => address.fmt(f),
            Self::Misfit(octets) => write!(f, "{}, which does not fit the type", brief(octets)),
        }
    }
}

impl<'a> Notification<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 8, "Notification payload")?;
        let doi = cursor.u32()?;
        let protocol = SecurityProtocol(cursor.u8()?);
        let size = usize::from(cursor.u8()?);
        let kind = NotifyV1(cursor.u16()?);
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(cursor, size, "SPI Size");
        Some(Self {
            doi,
            protocol,
            spi: cursor.take_up_to(size),
            kind,
            data: cursor.rest(),
        })
    }

    /// Appends what follows the generic header. An SPI too long for its size field is cut.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let size = u8::try_from(self.spi.len()).unwrap_or(u8::MAX);
        out.extend(self.doi.to_be_bytes());
        out.extend([self.protocol.0, size]);
        out.extend(self.kind.0.to_be_bytes());
        out.extend(self.spi.iter().take(usize::from(size)));
        out.extend(self.data);
    }

    /// What the data means; `None` for types whose data is empty or free.
    pub fn meaning(&self) -> Option<Meaning<'a>> {
        let has_layout = matches!(
            self.kind,
            NotifyV1::R_U_THERE
                | NotifyV1::R_U_THERE_ACK
                | NotifyV1::REPLAY_STATUS
                | NotifyV1::RESPONDER_LIFETIME
                | NotifyV1::UNITY_LOAD_BALANCE
        );
        let misfit = || has_layout.then_some(Meaning::Misfit(self.data));
        self.read_data().or_else(misfit)
    }

    /// The data as its type lays it out. `None` if it is not so, or no layout is known.
    fn read_data(&self) -> Option<Meaning<'a>> {
        let number = || Some(u32::from_be_bytes(self.data.try_into().ok()?));
        match self.kind {
            NotifyV1::R_U_THERE | NotifyV1::R_U_THERE_ACK => number().map(Meaning::Sequence),
            NotifyV1::REPLAY_STATUS => number().map(|status| Meaning::ReplayDetection(status != 0)),
            NotifyV1::RESPONDER_LIFETIME => {
                let mut faults = Faults::default();
                let mut cursor = Cursor::new(self.data, 0);
                let attributes = Attribute::read_list(&mut cursor, &mut faults);
                let is_whole = faults.list.is_empty() && !attributes.is_empty();
                is_whole.then_some(Meaning::Lifetime(Phase::of(self.protocol), attributes))
            }
            NotifyV1::UNITY_LOAD_BALANCE => address(self.data).map(Meaning::LoadBalance),
            _ => None,
        }
    }
}

/// Type, SPI unless it is only that of the ISAKMP SA, and meaning: `R-U-THERE: 7`,
/// `INVALID-SPI ESP c0ffee01`.
impl fmt::Display for Notification<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "notify {}", self.kind)?,
        }
        if !self.spi.is_empty() && self.protocol != SecurityProtocol::IKE {
            write!(f, " {} {}", self.protocol.notation_v1(), Hex(self.spi))?;
        }
        match self.meaning() {
            Some(meaning) => write!(f, ": {meaning}"),
            None if self.data.is_empty() => Ok(()),
            None => write!(f, ": {}", brief(self.data)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::AttributeValue;
    use super::*;

    fn notification<'a>(kind: NotifyV1, data: &'a [u8]) -> Notification<'a> {
        Notification {
            doi: 1,
            protocol: SecurityProtocol::IKE,
            spi: &[0xab; 16],
            kind,
            data,
        }
    }

    #[test]
    fn a_notification_reads_as_it_was_written() {
        let written = notification(NotifyV1::INITIAL_CONTACT, &[]);
        let mut octets = Vec::new();
        written.emit(&mut octets);
        assert_eq!(octets[..8], [0, 0, 0, 1, 1, 16, 0x60, 0x02]);
        let mut faults = Faults::default();
        let read = Notification::read(&mut Cursor::new(&octets, 0), &mut faults);
        assert_eq!(read, Some(written));
        assert!(faults.list.is_empty());
    }

    #[test]
    fn an_spi_that_is_not_all_there_is_a_fault_and_kept_as_far_as_it_goes() {
        let mut faults = Faults::default();
        let octets = [0, 0, 0, 1, 1, 16, 0, 14, 7, 7];
        let read = Notification::read(&mut Cursor::new(&octets, 0), &mut faults).unwrap();
        assert_eq!((read.spi, read.data), (&[7, 7][..], &[][..]));
        assert_eq!(
            faults.list[0].kind.to_string(),
            "SPI Size promises 16 octets, 2 are there"
        );
    }

    #[test]
    fn data_means_what_its_type_says() {
        let meaning = |kind, data| notification(kind, data).meaning();
        assert_eq!(
            meaning(NotifyV1::R_U_THERE, &[0, 0, 1, 0]),
            Some(Meaning::Sequence(256))
        );
        assert_eq!(
            meaning(NotifyV1::REPLAY_STATUS, &[0, 0, 0, 1]),
            Some(Meaning::ReplayDetection(true))
        );
        let life = vec![Attribute {
            kind: 1,
            value: AttributeValue::Short(1),
        }];
        assert_eq!(
            meaning(NotifyV1::RESPONDER_LIFETIME, &[0x80, 1, 0, 1]),
            Some(Meaning::Lifetime(Phase::One, life))
        );
        assert_eq!(
            meaning(NotifyV1::RESPONDER_LIFETIME, &[0x80]),
            Some(Meaning::Misfit(&[0x80]))
        );
        let said = notification(NotifyV1::R_U_THERE, &[0, 0, 1, 0]).to_string();
        assert_eq!(said, "R-U-THERE: 256");
        assert_eq!(
            meaning(NotifyV1::R_U_THERE, &[0, 0]),
            Some(Meaning::Misfit(&[0, 0]))
        );
        assert_eq!(meaning(NotifyV1::NO_PROPOSAL_CHOSEN, &[0, 0, 0, 1]), None);
        let said = |kind, data| notification(kind, data).to_string();
        assert_eq!(
            said(NotifyV1::UNITY_LOAD_BALANCE, &[192, 0, 2, 7]),
            "UNITY-LOAD-BALANCE: 192.0.2.7"
        );
        assert_eq!(said(NotifyV1::CONNECTED, &[]), "CONNECTED");
        assert_eq!(
            said(NotifyV1::NO_PROPOSAL_CHOSEN, &[0, 1]),
            "NO-PROPOSAL-CHOSEN: 0001"
        );
        let invalid_spi = Notification {
            protocol: SecurityProtocol::ESP,
            spi: &[0xc0, 0xff, 0xee, 1],
            ..notification(NotifyV1::INVALID_SPI, &[])
        };
        assert_eq!(invalid_spi.to_string(), "INVALID-SPI ESP c0ffee01");
    }
}
