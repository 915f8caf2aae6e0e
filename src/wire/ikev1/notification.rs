//! Notification payload (RFC 2408 section 3.14).

use crate::registry::{NotifyV1, SecurityProtocol};

/// An error or a status.
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
