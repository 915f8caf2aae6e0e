//! Fragment payload of Cisco and Microsoft (type 132; [MS-IKEE] section 2.2.3.1).

/// One piece of an IKEv1 message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fragment<'a> {
    /// Same in all pieces of one message.
    pub id: u16,
    /// Number of this piece, from 1.
    pub number: u8,
    /// Whether it is the last.
    pub last: bool,
    /// The piece: octets of the whole message, header included.
    pub data: &'a [u8],
}
