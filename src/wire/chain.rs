//! The chain of payloads: each generic header names the type of the payload after it.

use super::cursor::Cursor;
use super::header::{HEADER_LEN, Header, Version};
use crate::registry::PayloadType;

/// Octets of the generic header of a payload (RFC 2408 section 3.2, RFC 7296 section 3.2).
pub const GENERIC_HEADER_LEN: usize = 4;

/// IKEv2: the critical bit of the generic header.
pub const CRITICAL: u8 = 0x80;

/// Walks over the payloads of a message without looking into them, and without allocating.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Next Payload  |C|  RESERVED   |         Payload Length        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// The chain ends at the payload that names none after it, at SK and SKF, whose generic header
/// names what lies inside them (RFC 7296 section 3.14), and at a length that lies, since where the
/// next payload would begin is not known then.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    next: PayloadType,
    version: Version,
    cursor: Cursor<'a>,
    cut: Option<PayloadType>,
}

/// One payload of a [`Chain`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Link<'a> {
    /// Its type.
    pub kind: PayloadType,
    /// The type that its generic header names: of the payload after it or, in SK and SKF, inside it.
    pub next: PayloadType,
    /// IKEv2: the critical bit of its generic header. Always false in IKEv1.
    pub critical: bool,
    /// Offset of its generic header from the start of the message.
    pub at: usize,
    /// Its own length field, generic header included.
    pub length: u16,
    /// What follows the generic header, as far as it is there. With a length below four, which
    /// cannot be, all that is left.
    pub body: &'a [u8],
}

impl Link<'_> {
    /// Whether its length field is smaller than the generic header that holds it.
    pub fn is_too_short(&self) -> bool {
        usize::from(self.length) < GENERIC_HEADER_LEN
    }

    /// Octets from its generic header to the end of the chain, if its length promises more.
    pub fn missing(&self) -> Option<usize> {
        let have = GENERIC_HEADER_LEN.saturating_add(self.body.len());
        (usize::from(self.length) > have).then_some(have)
    }
}

impl<'a> Chain<'a> {
    /// The payloads in clear of the message that `bytes` begin with and that has this header.
    ///
    /// The message ends where the header's length says, or where `bytes` end. A version other than
    /// 1 and 2 has none that we know, and neither has an encrypted message of IKEv1.
    pub fn new(header: &Header, bytes: &'a [u8]) -> Self {
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let payloads = bytes.get(HEADER_LEN..length.min(bytes.len()));
        let first = match header.version.major() {
            1 | 2 if !header.is_v1_sealed() => header.next_payload,
            _ => PayloadType::NONE,
        };
        let cursor = Cursor::new(payloads.unwrap_or_default(), HEADER_LEN);
        Self::at(first, header.version, cursor)
    }

    /// The chain that begins with a payload of type `first` where the cursor stands.
    pub(crate) fn at(first: PayloadType, version: Version, cursor: Cursor<'a>) -> Self {
        Self {
            next: first,
            version,
            cursor,
            cut: None,
        }
    }

    /// What is left behind the payloads walked over.
    pub(crate) fn rest(&self) -> Cursor<'a> {
        self.cursor
    }

    /// The type of a payload that was promised and has no whole generic header.
    pub fn cut(&self) -> Option<PayloadType> {
        self.cut
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = Link<'a>;

    fn next(&mut self) -> Option<Link<'a>> {
        let kind = self.next;
        if kind == PayloadType::NONE {
            return None;
        }
        self.next = PayloadType::NONE;
        let at = self.cursor.at();
        let Some(&[next, flags, high, low]) = self
            .cursor
            .take(GENERIC_HEADER_LEN)
            .and_then(<[u8]>::first_chunk)
        else {
            self.cut = Some(kind);
            return None;
        };
        let length = u16::from_be_bytes([high, low]);
        let body = match usize::from(length).checked_sub(GENERIC_HEADER_LEN) {
            Some(length) => self.cursor.take_up_to(length),
            None => self.cursor.rest(),
        };
        let link = Link {
            kind,
            next: PayloadType(next),
            critical: self.version.major() == 2 && flags & CRITICAL != 0,
            at,
            length,
            body,
        };
        // To IKEv1 these numbers mean nothing.
        let ends = self.version.major() == 2 && matches!(kind, PayloadType::SK | PayloadType::SKF);
        if !ends && !link.is_too_short() && link.missing().is_none() {
            self.next = link.next;
        }
        Some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::ExchangeType;
    use crate::units::IkeSpis;
    use crate::wire::header::Flags;

    fn said(version: Version, flags: u8, first: u8, payloads: &[u8]) -> String {
        let header = Header {
            spis: IkeSpis::default(),
            next_payload: PayloadType(first),
            version,
            exchange: ExchangeType(0),
            flags: Flags(flags),
            message_id: 0,
            length: u32::try_from(HEADER_LEN + payloads.len()).unwrap(),
        };
        let mut octets = Vec::new();
        header.emit(&mut octets);
        octets.extend(payloads);
        let mut chain = Chain::new(&header, &octets);
        let mut words: Vec<String> = chain
            .by_ref()
            .map(|link| {
                let critical = if link.critical { "!" } else { "" };
                format!("{}{critical}@{}+{}", link.kind.0, link.at, link.body.len())
            })
            .collect();
        words.extend(chain.cut().map(|kind| format!("{} cut", kind.0)));
        words.extend(
            Some(chain.rest().left())
                .filter(|left| *left > 0)
                .map(|left| format!("{left} left")),
        );
        words.join(" ")
    }

    #[test]
    fn payloads_are_walked_over_as_their_headers_chain_them() {
        let two = [41, 0x80, 0, 6, 1, 2, 0, 0, 0, 4];
        assert_eq!(said(Version::V2, 0x08, 40, &two), "40!@28+2 41@34+0");
        assert_eq!(said(Version::V1, 0, 40, &two), "40@28+2 41@34+0");
        assert_eq!(said(Version::V2, 0x08, 0, &two), "10 left");
    }

    #[test]
    fn what_is_sealed_ends_the_chain() {
        let sealed = [35, 0, 0, 8, 1, 2, 3, 4];
        assert_eq!(said(Version::V2, 0x08, 46, &sealed), "46@28+4");
        assert_eq!(said(Version::V1, 0x01, 5, &sealed), "8 left");
        // The numbers mean nothing else than others in IKEv1.
        let two = [13, 0, 0, 4, 0, 0, 0, 5, 7];
        assert_eq!(said(Version::V1, 0, 46, &two), "46@28+0 13@32+1");
        assert_eq!(said(Version::V1, 0, 53, &two), "53@28+0 13@32+1");
    }

    #[test]
    fn a_length_that_lies_ends_the_chain() {
        assert_eq!(said(Version::V2, 0x08, 40, &[41, 0, 0, 9, 1, 2]), "40@28+2");
        assert_eq!(said(Version::V2, 0x08, 40, &[41, 0, 0, 3, 1, 2]), "40@28+2");
        assert_eq!(
            said(Version::V2, 0x08, 40, &[41, 0, 0, 4, 1]),
            "40@28+0 41 cut 1 left"
        );
    }
}
