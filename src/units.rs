//! Words everyone uses: when, which frame, from where, which SA.

use core::fmt;
use core::net::IpAddr;
use core::num::NonZeroU64;

/// A moment, in nanoseconds since the Unix epoch, as the capture's clock told it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time that passed since `earlier`; negative if `earlier` is later.
    #[inline]
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The moment so much later; earlier if the span is negative.
    pub fn later(self, by: Span) -> Self {
        Self(self.0.saturating_add(by.0))
    }
}

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Span(pub i64);

impl Span {
    /// A span of so many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of so many seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The span in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// As a person says it: `380 µs`, `12 ms`, `4.0 s`, `3 min 20 s`, `2 h 5 min`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let ns = self.0.unsigned_abs();
        let secs = ns / 1_000_000_000;
        match ns {
            0..1_000_000 => write!(f, "{sign}{} µs", ns / 1_000),
            1_000_000..1_000_000_000 => write!(f, "{sign}{} ms", ns / 1_000_000),
            _ if secs < 120 => write!(f, "{sign}{:.1} s", ns as f64 / 1e9),
            _ if secs < 7200 => write!(f, "{sign}{} min {} s", secs / 60, secs % 60),
            _ => write!(f, "{sign}{} h {} min", secs / 3600, secs / 60 % 60),
        }
    }
}

/// One frame of one input; `number` counts from 1, as Wireshark does.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FrameId {
    /// Index of the input, from 0, in the order given.
    pub input: u16,
    /// Number of the frame in that input, from 1.
    pub number: u64,
}

impl fmt::Display for FrameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)
    }
}

/// The link-layer address of a station: of who put a frame on the link.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkAddress(NonZeroU64);

impl LinkAddress {
    /// An address of at most eight octets; `None` of a longer one, and of zeros, which stand for none.
    pub fn new(octets: &[u8]) -> Option<Self> {
        let mut wide = [0; 8];
        wide.get_mut(..octets.len())?.copy_from_slice(octets);
        NonZeroU64::new(u64::from_be_bytes(wide)).map(Self)
    }
}

/// The place a frame was recorded: the same packet may pass several.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Vantage {
    /// Index of the input, from 0. Files of a rotated set share the index of their set.
    pub input: u16,
    /// Interface in that input: the pcapng interface, the Linux SLL2 interface index, else 0.
    pub interface: u32,
}

/// An address, and a port where the packet had one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Endpoint {
    /// The IP address.
    pub address: IpAddr,
    /// The UDP or TCP port; `None` for ESP or AH directly over IP.
    pub port: Option<u16>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, self.port) {
            (address, None) => write!(f, "{address}"),
            (IpAddr::V4(address), Some(port)) => write!(f, "{address}:{port}"),
            (IpAddr::V6(address), Some(port)) => write!(f, "[{address}]:{port}"),
        }
    }
}

/// SPI of an IKE SA (IKEv1: cookie), RFC 7296 section 3.1. Zero means "not chosen yet".
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IkeSpi(pub u64);

impl IkeSpi {
    /// Whether no value has been chosen yet.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// 16 hex digits.
impl fmt::Display for IkeSpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Both SPIs of an IKE SA as its header carries them.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IkeSpis {
    /// Chosen by the original initiator.
    pub initiator: IkeSpi,
    /// Chosen by the original responder; zero in the first request.
    pub responder: IkeSpi,
}

impl fmt::Display for IkeSpis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_i {}_r", self.initiator, self.responder)
    }
}

/// SPI of an ESP or AH SA, RFC 4303 section 2.1.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EspSpi(pub u32);

impl EspSpi {
    /// The SPI of four octets as a proposal carries it.
    pub fn of(octets: &[u8]) -> Option<Self> {
        Some(Self(u32::from_be_bytes(octets.try_into().ok()?)))
    }
}

/// `0x` and 8 hex digits.
impl fmt::Display for EspSpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08x}", self.0)
    }
}

/// An address as a number: hashed in two steps where its octets would take many.
#[inline]
pub(crate) fn address_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let said: Vec<String> = [
            380_000,
            12_000_000,
            4_000_000_000,
            200_000_000_000,
            7_500_000_000_000,
            -5_000_000,
        ]
        .map(|ns| Span(ns).to_string())
        .to_vec();
        assert_eq!(
            said,
            [
                "380 µs",
                "12 ms",
                "4.0 s",
                "3 min 20 s",
                "2 h 5 min",
                "-5 ms"
            ]
        );
    }
}
