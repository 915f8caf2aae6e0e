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
