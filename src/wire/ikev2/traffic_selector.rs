//! Traffic Selector payloads (RFC 7296 section 3.13).

use crate::registry::TsType;

/// Which packets may use the child SA.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrafficSelectors<'a> {
    /// The selectors; a packet that fits one fits all.
    pub selectors: Vec<Selector<'a>>,
}

/// One selector: a protocol, a range of ports, a range of addresses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selector<'a> {
    /// Kind of addresses.
    pub ts_type: TsType,
    /// IP protocol, zero for any.
    pub protocol: u8,
    /// First port.
    pub start_port: u16,
    /// Last port.
    pub end_port: u16,
    /// First address: 4 or 16 octets by type; for other types all that follows the ports.
    pub start: &'a [u8],
    /// Last address, as long as the first; empty for other types.
    pub end: &'a [u8],
}
