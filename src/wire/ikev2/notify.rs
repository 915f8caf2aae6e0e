//! Notify payload (RFC 7296 section 3.10).

use crate::registry::{NotifyType, SecurityProtocol};

/// An error or a status.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Notify<'a> {
    /// Protocol of the SA the notification is about, zero if about none.
    pub protocol: SecurityProtocol,
    /// SPI of that SA, maybe empty.
    pub spi: &'a [u8],
    /// What is said.
    pub kind: NotifyType,
    /// More about it, by type.
    pub data: &'a [u8],
}
