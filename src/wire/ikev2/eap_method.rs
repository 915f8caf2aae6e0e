//! What an EAP request or response says in its method, as far as it is sent in clear.
//!
//! Nothing is a fault here: the methods are not IKE's, and what cannot be read stays octets.

use super::Eap;
use crate::registry::EapType;
use crate::registry::eap::{AkaAttribute, AkaSubtype, MschapOpcode};
use crate::wire::cursor::Cursor;
use crate::wire::text::{list, printable};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// What the data of a method means.
#[derive(Clone, Debug, PartialEq)]
pub enum Method<'a> {
    /// Identity, of a response; of a request what may be shown to a user (RFC 3748 section 5.1).
    Identity(String),
    /// Notification to a user (RFC 3748 section 5.2).
    Notification(String),
    /// Methods that the peer would take instead; 0 if there are none (RFC 3748 section 5.3.1).
    Nak(Vec<EapType>),
    /// The prompt of a one-time password or token card (RFC 3748 sections 5.5 and 5.6). What is
    /// answered is a secret; see [`Eap::is_secret`].
    Prompt(String),
    /// A method of a vendor (RFC 3748 section 5.7).
    Expanded {
        /// The vendor's enterprise number; 0 is the IETF.
        vendor: u32,
        /// The vendor's number for the method.
        kind: u32,
        /// Data of the method.
        data: &'a [u8],
    },
    /// EAP-MSCHAP-V2 (draft-kamath-pppext-eap-mschapv2 section 2).
    Mschap {
        /// What it is.
        opcode: MschapOpcode,
        /// The server's name in a challenge, the user's in a response; in success and failure of
        /// the server its message, `E=691 R=1 ...`. `None` in the acknowledgement of these.
        text: Option<String>,
    },
    /// A piece of a TLS handshake, alike in EAP-TLS (RFC 5216 section 3.1), TTLS (RFC 5281 section
    /// 9.1), PEAP, FAST (RFC 4851 section 4.1) and TEAP.
    Tls {
        /// It begins the method.
        start: bool,
        /// Others follow.
        more: bool,
        /// The version in the low bits; EAP-TLS has none.
        version: Option<u8>,
        /// Octets of the whole, if it says so.
        total: Option<u32>,
        /// Octets of TLS in this piece; none acknowledges one.
        data: &'a [u8],
    },
    /// EAP-SIM (RFC 4186 section 8.1), EAP-AKA (RFC 4187 section 8.1) or EAP-AKA'.
    Aka {
        /// What it is.
        subtype: AkaSubtype,
        /// Its attributes in order.
        attributes: Vec<Aka<'a>>,
    },
}

/// An attribute of EAP-SIM, EAP-AKA or EAP-AKA'.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aka<'a> {
    /// What it is.
    pub kind: AkaAttribute,
    /// What follows type and length.
    pub value: &'a [u8],
}

impl Aka<'_> {
    /// The value where it is sent in clear and says something: an identity, a code.
    pub fn text(&self) -> Option<String> {
        let (first, rest) = self.value.split_first_chunk::<2>()?;
        let number = u16::from_be_bytes(*first);
        match self.kind {
            AkaAttribute::AT_IDENTITY | AkaAttribute::AT_KDF_INPUT => {
                Some(printable(rest.get(..usize::from(number))?))
            }
            AkaAttribute::AT_NOTIFICATION
            | AkaAttribute::AT_CLIENT_ERROR_CODE
            | AkaAttribute::AT_SELECTED_VERSION
            | AkaAttribute::AT_KDF => Some(number.to_string()),
            _ => None,
        }
    }
}

/// Name, and value where it says something: `AT_IDENTITY 0...@example`.
impl fmt::Display for Aka<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "attribute {}", self.kind)?,
        }
        match self.text() {
            Some(text) => write!(f, " {text}"),
            None => Ok(()),
        }
    }
}

impl<'a> Method<'a> {
    /// Reads the data of a request or response. `None` for methods that we do not read, for
    /// secrets, and for data that does not fit the method.
    pub fn read(eap: &Eap<'a>) -> Option<Self> {
        let kind = eap.eap_type?;
        if eap.is_secret() {
            return None;
        }
        match kind {
            EapType::IDENTITY => Some(Self::Identity(printable(eap.data))),
            EapType::NOTIFICATION => Some(Self::Notification(printable(eap.data))),
            EapType::OTP | EapType::GTC => Some(Self::Prompt(printable(eap.data))),
            EapType::LEGACY_NAK => Some(Self::Nak(eap.data.iter().copied().map(EapType).collect())),
            EapType::EXPANDED => expanded(eap.data),
            // The draft, and who follows it, has the number that IANA calls MS-EAP-Authentication.
            EapType::MS_EAP_AUTHENTICATION | EapType::EAP_MSCHAP_V2 => mschap(eap.data),
            EapType::EAP_TLS
            | EapType::EAP_TTLS
            | EapType::PEAP
            | EapType::EAP_FAST
            | EapType::TEAP => tls(kind, eap.data),
            EapType::EAP_SIM | EapType::EAP_AKA | EapType::EAP_AKA_PRIME => aka(eap.data),
            _ => None,
        }
    }
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(text) | Self::Notification(text) | Self::Prompt(text) => {
                f.write_str(text)
            }
            Self::Nak(kinds) => match kinds.as_slice() {
                [] | [EapType(0)] => f.write_str("no other method"),
                kinds => write!(f, "wants {}", list(kinds, ", ")),
            },
            Self::Expanded { vendor, kind, .. } => match (vendor, kind) {
                (0, kind) => write!(f, "method {kind}"),
                // 3GPP TS 24.502 section 9.3.2.
                (10415, 3) => f.write_str("EAP-5G of 3GPP"),
                _ => write!(f, "method {kind} of vendor {vendor}"),
            },
            Self::Mschap { opcode, text } => {
                opcode.fmt(f)?;
                match text {
                    Some(text) => write!(f, " {text}"),
                    None => Ok(()),
                }
            }
            Self::Tls {
                start,
                more,
                version,
                total,
                data,
            } => {
                if let Some(version) = version {
                    write!(f, "version {version}, ")?;
                }
                if *start {
                    return f.write_str("start");
                }
                write!(f, "{} octets", data.len())?;
                if let Some(total) = total {
                    write!(f, " of {total}")?;
                }
                match more {
                    true => f.write_str(", more follow"),
                    false => Ok(()),
                }
            }
            Self::Aka {
                subtype,
                attributes,
            } => {
                match subtype.name() {
                    Some(name) => f.write_str(name)?,
                    None => write!(f, "subtype {subtype}")?,
                }
                match attributes.is_empty() {
                    true => Ok(()),
                    false => write!(f, ": {}", list(attributes, ", ")),
                }
            }
        }
    }
}

/// Vendor, type, data.
fn expanded(data: &[u8]) -> Option<Method<'_>> {
    let (vendor, rest) = data.split_first_chunk::<3>()?;
    let (kind, data) = rest.split_first_chunk()?;
    let [high, middle, low] = *vendor;
    Some(Method::Expanded {
        vendor: u32::from_be_bytes([0, high, middle, low]),
        kind: u32::from_be_bytes(*kind),
        data,
    })
}

/// Opcode, identifier, length; then by opcode a value with its size and a name, or a message.
fn mschap(data: &[u8]) -> Option<Method<'_>> {
    let mut cursor = Cursor::new(data, 0);
    let opcode = MschapOpcode(cursor.u8()?);
    if cursor.is_empty() {
        // Acknowledges success or failure.
        return Some(Method::Mschap { opcode, text: None });
    }
    let _identifier = cursor.u8()?;
    let _length = cursor.u16()?;
    let text = match opcode {
        MschapOpcode::CHALLENGE | MschapOpcode::RESPONSE => {
            let size = cursor.u8()?;
            cursor.take(usize::from(size))?;
            Some(printable(cursor.rest()))
        }
        MschapOpcode::SUCCESS | MschapOpcode::FAILURE => Some(printable(cursor.rest())),
        _ => None,
    };
    Some(Method::Mschap { opcode, text })
}

/// Flags, the length of the whole where a flag says so, TLS.
fn tls(kind: EapType, data: &[u8]) -> Option<Method<'_>> {
    const LENGTH: u8 = 0x80;
    const MORE: u8 = 0x40;
    const START: u8 = 0x20;
    const VERSION: u8 = 0x07;
    let mut cursor = Cursor::new(data, 0);
    let flags = cursor.u8()?;
    let total = match flags & LENGTH {
        0 => None,
        _ => Some(cursor.u32()?),
    };
    Some(Method::Tls {
        start: flags & START != 0,
        more: flags & MORE != 0,
        version: (kind != EapType::EAP_TLS).then_some(flags & VERSION),
        total,
        data: cursor.rest(),
    })
}

/// Subtype, two reserved octets, attributes of four octets each or a multiple.
fn aka(data: &[u8]) -> Option<Method<'_>> {
    let mut cursor = Cursor::new(data, 0);
    let subtype = AkaSubtype(cursor.u8()?);
    let _reserved = cursor.u16()?;
    let mut attributes = Vec::new();
    while !cursor.is_empty() {
        let kind = AkaAttribute(cursor.u8()?);
        let length = usize::from(cursor.u8()?).checked_mul(4)?.checked_sub(2)?;
        let value = cursor.take(length)?;
        attributes.push(Aka { kind, value });
    }
    Some(Method::Aka {
        subtype,
        attributes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eap(code: u8, kind: u8, data: &[u8]) -> Eap<'_> {
        Eap {
            code,
            identifier: 1,
            eap_type: Some(EapType(kind)),
            data,
        }
    }

    #[test]
    fn each_method_says_what_it_holds() {
        let challenge = [&[1, 9, 0, 23, 16][..], &[7; 16], b"gw"].concat();
        let response = [&[2, 9, 0, 57, 49][..], &[7; 49], b"bob"].concat();
        for (kind, data, says) in [
            (3, &[13, 29][..], "wants EAP-TLS, EAP-MSCHAP-V2"),
            (3, &[0], "no other method"),
            (254, &[0, 0x28, 0xaf, 0, 0, 0, 3, 1], "EAP-5G of 3GPP"),
            (254, &[0, 0, 0, 0, 0, 0, 29], "method 29"),
            (254, &[0, 1, 0x37, 0, 0, 0, 9], "method 9 of vendor 311"),
            (29, &challenge, "Challenge gw"),
            (29, &response, "Response bob"),
            (29, &[3], "Success"),
            (29, b"\x04\x09\0\x0eE=691 R=1", "Failure E=691 R=1"),
            (13, &[0x20], "start"),
            (13, &[0], "0 octets"),
            (
                13,
                &[0xc0, 0, 0, 8, 0, 0x16, 3],
                "2 octets of 2048, more follow",
            ),
            (25, &[0x21], "version 1, start"),
            (
                23,
                &[5, 0, 0, 14, 2, 0, 3, b'0', b'a', b'b', 0],
                "AKA-Identity: AT_IDENTITY 0ab",
            ),
            (
                18,
                &[14, 0, 0, 22, 1, 0, 1],
                "Client-Error: AT_CLIENT_ERROR_CODE 1",
            ),
            (50, &[9, 0, 0], "subtype 9"),
        ] {
            let said = Method::read(&eap(Eap::REQUEST, kind, data))
                .unwrap()
                .to_string();
            assert_eq!(said, says);
        }
    }

    #[test]
    fn what_answers_a_prompt_is_a_secret() {
        for kind in [5, 6] {
            assert!(Method::read(&eap(Eap::REQUEST, kind, b"Token?")).is_some());
            assert_eq!(Method::read(&eap(Eap::RESPONSE, kind, b"123456")), None);
        }
    }

    #[test]
    fn no_method_panics_on_any_length() {
        for kind in 0..=255 {
            for length in 0..60 {
                for fill in [0, 1, 0x80, 0xff] {
                    let data = vec![fill; length];
                    let packet = eap(Eap::REQUEST, kind, &data);
                    let method = Method::read(&packet).map(|method| method.to_string());
                    assert!(!packet.to_string().is_empty(), "{method:?}");
                }
            }
        }
    }
}
