//! Extensible Authentication payload (RFC 7296 section 3.16, RFC 3748 section 4).

use super::eap_method::Method;
use crate::registry::EapType;
use crate::wire::cursor::Cursor;
use crate::wire::fault::{FaultKind, Faults};
use crate::wire::text::printable;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// An EAP packet.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     Code      | Identifier    |           Length              |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     Type      | Type_Data...
/// +-+-+-+-+-+-+-+-+-
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eap<'a> {
    /// 1 request, 2 response, 3 success, 4 failure.
    pub code: u8,
    /// Pairs a response with its request.
    pub identifier: u8,
    /// The method; success and failure have none.
    pub eap_type: Option<EapType>,
    /// Data of the method.
    pub data: &'a [u8],
}

impl<'a> Eap<'a> {
    /// Code of a request.
    pub const REQUEST: u8 = 1;
    /// Code of a response.
    pub const RESPONSE: u8 = 2;
    /// Code of success.
    pub const SUCCESS: u8 = 3;
    /// Code of failure.
    pub const FAILURE: u8 = 4;

    /// Octets before the type.
    const HEADER_LEN: usize = 4;

    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, Self::HEADER_LEN, "EAP packet")?;
        let at = cursor.at();
        let code = cursor.u8()?;
        let identifier = cursor.u8()?;
        let length = cursor.u16()?;
        let Some(rest) = usize::from(length).checked_sub(Self::HEADER_LEN) else {
            let kind = FaultKind::Value {
                field: "EAP Length",
                value: length.into(),
                expected: "at least 4",
            };
            faults.push(at, kind);
            return None;
        };
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(cursor, rest, "EAP Length");
        let mut inner = Cursor::new(cursor.take_up_to(rest), at.saturating_add(Self::HEADER_LEN));
        faults.expect_end(cursor);
        let has_type = matches!(code, Self::REQUEST | Self::RESPONSE);
        let eap_type = if has_type {
            let _ = faults.require(&inner, 1, "EAP request or response");
            inner.u8().map(EapType)
        } else {
            None
        };
        Some(Self {
            code,
            identifier,
            eap_type,
            data: inner.rest(),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let length = Self::HEADER_LEN
            .saturating_add(usize::from(self.eap_type.is_some()))
            .saturating_add(self.data.len());
        out.extend([self.code, self.identifier]);
        out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        out.extend(self.eap_type.map(|eap_type| eap_type.0));
        out.extend(self.data);
    }

    /// What the code means; `None` if RFC 3748 does not say.
    pub fn code_name(&self) -> Option<&'static str> {
        match self.code {
            Self::REQUEST => Some("Request"),
            Self::RESPONSE => Some("Response"),
            Self::SUCCESS => Some("Success"),
            Self::FAILURE => Some("Failure"),
            _ => None,
        }
    }

    /// The user name in an identity response.
    pub fn identity(&self) -> Option<String> {
        let is_identity = self.code == Self::RESPONSE && self.eap_type == Some(EapType::IDENTITY);
        is_identity.then(|| printable(self.data))
    }

    /// What the method says. `None` if it cannot be told.
    pub fn method(&self) -> Option<Method<'a>> {
        Method::read(self)
    }

    /// Whether the data is a secret that no report should show: a password that answers a prompt.
    pub fn is_secret(&self) -> bool {
        self.code == Self::RESPONSE
            && matches!(
                self.eap_type,
                Some(EapType::OTP | EapType::GTC | EapType::SECURID | EapType::PROTECTED_OTP)
            )
    }
}

/// Code, method, and what it says: `Request EAP-TLS, start`. Of a secret only its size.
impl fmt::Display for Eap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code_name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "code {}", self.code)?,
        }
        let Some(kind) = self.eap_type else {
            return Ok(());
        };
        match kind.name() {
            Some(name) => write!(f, " {name}")?,
            None => write!(f, " method {kind}")?,
        }
        match self.method() {
            _ if self.is_secret() => write!(f, ", {} octets", self.data.len()),
            Some(Method::Identity(text)) if text.is_empty() => Ok(()),
            Some(Method::Identity(text)) => write!(f, " {text}"),
            Some(method) => write!(f, ", {method}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8]) -> (String, Vec<String>) {
        let mut faults = Faults::default();
        let eap = Eap::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(|fault| fault.kind.to_string());
        (
            eap.map_or("nothing".into(), |eap| eap.to_string()),
            said.collect(),
        )
    }

    #[test]
    fn packets_read_as_code_and_method() {
        assert_eq!(
            read(&[1, 7, 0, 6, 13, 0x20]),
            ("Request EAP-TLS, start".into(), vec![])
        );
        assert_eq!(
            read(&[2, 7, 0, 8, 6, b'1', b'2', b'3']),
            ("Response Generic Token Card (GTC), 3 octets".into(), vec![])
        );
        assert_eq!(
            read(&[2, 0, 0, 8, 1, b'b', b'o', b'b']),
            ("Response Identity bob".into(), vec![])
        );
        assert_eq!(read(&[3, 7, 0, 4]), ("Success".into(), vec![]));
    }

    #[test]
    fn only_the_response_to_the_question_who_it_is_names_a_user() {
        let identity = |octets: &[u8]| {
            Eap::read(&mut Cursor::new(octets, 0), &mut Faults::default())
                .unwrap()
                .identity()
        };
        let bob = Some("bob".to_owned());
        assert_eq!(identity(&[2, 0, 0, 8, 1, b'b', b'o', b'b']), bob);
        assert_eq!(identity(&[1, 0, 0, 8, 1, b'b', b'o', b'b']), None);
        assert_eq!(identity(&[2, 0, 0, 8, 6, b'b', b'o', b'b']), None);
        assert_eq!(identity(&[3, 0, 0, 4]), None);
    }

    #[test]
    fn a_length_that_lies_is_a_fault() {
        assert_eq!(
            read(&[3, 7, 0, 3]).1,
            ["EAP Length is 3, expected at least 4"]
        );
        assert_eq!(
            read(&[1, 7, 0, 9, 13]).1,
            ["EAP Length promises 5 octets, 1 are there"]
        );
        assert_eq!(read(&[3, 7, 0, 4, 0]).1, ["1 octets left over"]);
        assert_eq!(
            read(&[1, 7, 0, 4]).1,
            ["EAP request or response promises 1 octets, 0 are there"]
        );
    }
}
