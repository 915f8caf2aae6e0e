//! Notifications in clear: what peers say before they have keys.

use super::exchange::{ExchangeId, Role};
use crate::language::Text;
use crate::registry::{ExchangeType, NotifyType, NotifyV1};
use crate::say;
use crate::units::{EspSpi, FrameId, Timestamp};
use std::net::IpAddr;

/// A notification in clear that reports an error, asks for a cookie, or says which gateway sent its sender here.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The exchange that it came in.
    pub exchange: ExchangeId,
    /// Its type.
    pub exchange_kind: ExchangeType,
    /// Whether it is of IKEv1.
    pub v1: bool,
    /// Who says it.
    pub by: Role,
    /// The address it came from.
    pub from: IpAddr,
    /// The number of the notification; IKEv1 and IKEv2 share the numbers of those that both have.
    pub kind: u16,
    /// Its data.
    pub data: Vec<u8>,
    /// The SPI of the SA that it is about, where it has one of the length of ESP and AH.
    pub spi: Option<EspSpi>,
    /// Where it was seen.
    pub at: (FrameId, Timestamp),
}

impl Notice {
    /// Most notices that are kept of one message: who refuses gives one reason.
    pub const PER_MESSAGE: usize = 4;

    /// Its name.
    pub fn name(&self) -> Text {
        name(self.v1, self.kind)
    }

    /// Whether it reports an error: IKEv2 below 16384, IKEv1 from 1 to 8191 (RFC 2408 section
    /// 3.14.1), without the private range and without the one number among them that grants what was offered.
    pub fn is_error(&self) -> bool {
        is_error(self.v1, self.kind)
    }

    /// Whether a notification of this number is kept: one that reports an error, asks for a cookie, or says which
    /// gateway sent its sender here (RFC 5685 section 3).
    pub fn may_keep(v1: bool, kind: u16) -> bool {
        const TOLD: [NotifyType; 2] = [NotifyType::COOKIE, NotifyType::REDIRECTED_FROM];
        is_error(v1, kind) || !v1 && TOLD.contains(&NotifyType(kind))
    }
}

/// The name of a notification.
pub(super) fn name(v1: bool, kind: u16) -> Text {
    let name = match v1 {
        true => NotifyV1(kind).name(),
        false => NotifyType(kind).name(),
    };
    let unnamed = || say!("notification {number}", number = kind);
    name.map_or_else(unnamed, Text::verbatim)
}

/// The SPI of ESP or AH that a notification is about. INVALID_SPI has it in the data (RFC 7296 section 3.10.1), in
/// IKEv1 in the field for it (RFC 2408 section 3.14) or in the data.
pub(crate) fn spi_of(kind: u16, spi: &[u8], data: &[u8]) -> Option<EspSpi> {
    let data = || (kind == NotifyType::INVALID_SPI.0).then(|| data.first_chunk())?;
    let octets = <[u8; 4]>::try_from(spi).ok().or_else(|| data().copied())?;
    Some(EspSpi(u32::from_be_bytes(octets)))
}

pub(super) fn is_error(v1: bool, kind: u16) -> bool {
    match v1 {
        true => kind < 8192 && kind != NotifyV1::NOTIFY_SA_LIFETIME.0,
        false => kind < 16384,
    }
}
