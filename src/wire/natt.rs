//! UDP encapsulation on ports 500 and 4500: what a datagram holds is told by its octets (RFC 3948).

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
    /// Tells what a UDP payload holds.
    pub fn of(payload: &'a [u8], port_4500: bool) -> Self {
        match payload {
            [0xff] => Self::Keepalive,
            [0, 0, 0, 0, ike @ ..] if port_4500 => Self::Ike(ike),
            [_, _, _, _, ..] if port_4500 => Self::Esp(payload),
            [_, ..] if !port_4500 => Self::Ike(payload),
            _ => Self::Other(payload),
        }
    }
}
