//! A whole IKE message: header, chain of payloads, faults.

use super::chain::{CRITICAL, Chain, GENERIC_HEADER_LEN, Link};
use super::cursor::Cursor;
use super::fault::{Fault, FaultKind, Faults, Step};
use super::header::{Flags, HEADER_LEN, Header, Version};
use super::{ikev1, ikev2};
use crate::limits::PAYLOADS;
use crate::registry::{ExchangeType, NotifyType, PayloadType};
use crate::units::IkeSpis;
use alloc::vec::Vec;

/// An IKE message, as much of it as could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// The header.
    pub header: Header,
    /// The payloads in clear, in order. Those inside an SK payload are not here.
    pub payloads: Vec<Payload<'a>>,
    /// IKEv1 only: the body that the Encryption flag covers, still encrypted.
    pub sealed: Option<&'a [u8]>,
    /// What could not be read.
    pub faults: Vec<Fault>,
}

/// One payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload<'a> {
    /// Its type, as the payload before it (or the header) named it.
    pub kind: PayloadType,
    /// IKEv2: the critical bit of its generic header. Always false in IKEv1.
    pub critical: bool,
    /// Offset of its generic header from the start of the message.
    pub at: usize,
    /// Its own length field, generic header included.
    pub length: u16,
    /// What it holds.
    pub body: Body<'a>,
}

/// What a payload holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// A payload of IKEv1.
    V1(ikev1::Body<'a>),
    /// A payload of IKEv2.
    V2(ikev2::Body<'a>),
    /// A type we do not know, or a body too short to mean anything: its octets.
    Opaque(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Reads a message from its header on. Never fails: what cannot be read is in `faults`.
    ///
    /// `bytes` without a whole header gives an empty header of zeros and a fault.
    pub fn read(bytes: &'a [u8]) -> Self {
        let mut faults = Faults::default();
        let Some(header) = Header::read(bytes) else {
            let _ = faults.require(&Cursor::new(bytes, 0), HEADER_LEN, "IKE header");
            return Self {
                header: NO_HEADER,
                payloads: Vec::new(),
                sealed: None,
                faults: faults.list,
            };
        };
        let mut body = Cursor::new(read_length(&header, bytes, &mut faults), HEADER_LEN);
        let mut payloads = Vec::new();
        let mut sealed = None;
        match header.version.major() {
            1 if header.is_v1_sealed() => sealed = Some(body.rest()),
            1 => {
                payloads = walk(header.next_payload, header.version, &mut body, &mut faults);
                if !is_padding(body) {
                    faults.expect_end(&body);
                }
            }
            2 => {
                payloads = walk(header.next_payload, header.version, &mut body, &mut faults);
                faults.expect_end(&body);
            }
            major => faults.push(
                VERSION_AT,
                FaultKind::Value {
                    field: "Major Version",
                    value: u64::from(major),
                    expected: "1 or 2",
                },
            ),
        }
        Self {
            header,
            payloads,
            sealed,
            faults: faults.list,
        }
    }

    /// Reads a chain of payloads that stands alone: a body that was opened.
    ///
    /// `at` is the offset that the first octet is to be told by. Octets after the last payload are
    /// a fault in IKEv2, whose padding is counted, and none in IKEv1, whose padding is not.
    pub fn read_chain(
        first: PayloadType,
        version: Version,
        bytes: &'a [u8],
        at: usize,
        faults: &mut Faults,
    ) -> Vec<Payload<'a>> {
        let mut cursor = Cursor::new(bytes, at);
        let payloads = walk(first, version, &mut cursor, faults);
        if version.major() != 1 {
            faults.expect_end(&cursor);
        }
        payloads
    }

    /// The payloads in clear of this kind, read alone: much sooner than the whole message.
    pub fn payloads_of(bytes: &'a [u8], kind: PayloadType) -> impl Iterator<Item = Payload<'a>> {
        let header = Header::read(bytes);
        let links = header.map(|header| (header.version, Chain::new(&header, bytes)));
        links.into_iter().flat_map(move |(version, chain)| {
            let links = chain.take(PAYLOADS).filter(move |link| link.kind == kind);
            links.map(move |link| read_payload(&link, version, &mut Faults::default()))
        })
    }

    /// As [`Message::read`], but with the payloads in clear of these kinds alone, and without faults.
    pub fn read_of(bytes: &'a [u8], kinds: &[PayloadType]) -> Self {
        let header = Header::read(bytes).unwrap_or(NO_HEADER);
        let links = Chain::new(&header, bytes).take(PAYLOADS);
        let links = links.filter(|link| kinds.contains(&link.kind));
        let mut faults = Faults::default();
        Self {
            header,
            payloads: links
                .map(|link| read_payload(&link, header.version, &mut faults))
                .collect(),
            sealed: None,
            faults: Vec::new(),
        }
    }

    /// Whether a Security Association is among the payloads in clear. One of IKEv2 is not read for it.
    pub fn has_sa(bytes: &[u8]) -> bool {
        let Some(header) = Header::read(bytes) else {
            return false;
        };
        if header.version.major() == 1 {
            return Message::payloads_of(bytes, PayloadType::SA_V1)
                .any(|payload| matches!(payload.body, Body::V1(ikev1::Body::Sa(_))));
        }
        Chain::new(&header, bytes)
            .take(PAYLOADS)
            .any(|link| link.kind == PayloadType::SA && !link.is_too_short())
    }

    /// The octets of the message. Types of payloads and all lengths are made anew.
    pub fn emit(&self) -> Vec<u8> {
        let mut body = Vec::new();
        Self::emit_chain(&self.payloads, &mut body);
        body.extend(self.sealed.unwrap_or_default());
        let length = HEADER_LEN.saturating_add(body.len());
        let next_payload = match self.sealed {
            // Names the first payload inside.
            Some(_) => self.header.next_payload,
            None => kind_of_first(&self.payloads),
        };
        let header = Header {
            next_payload,
            length: u32::try_from(length).unwrap_or(u32::MAX),
            ..self.header
        };
        let mut out = Vec::with_capacity(length);
        header.emit(&mut out);
        out.extend(body);
        out
    }

    /// Appends a chain of payloads with their generic headers. Lengths are made anew.
    pub fn emit_chain(payloads: &[Payload<'_>], out: &mut Vec<u8>) {
        let mut rest = payloads;
        while let [payload, after @ ..] = rest {
            let next = match &payload.body {
                // Ends the chain, and names the first payload inside.
                Body::V2(ikev2::Body::Sk(sealed)) => sealed.first,
                Body::V2(ikev2::Body::Skf(sealed)) => sealed.first,
                _ => kind_of_first(after),
            };
            payload.emit(next, out);
            rest = after;
        }
    }

    /// The first payload of this kind.
    pub fn payload(&self, kind: PayloadType) -> Option<&Payload<'a>> {
        self.payloads.iter().find(|payload| payload.kind == kind)
    }

    /// IKEv2: the notifications.
    pub fn notifies(&self) -> impl Iterator<Item = &ikev2::Notify<'a>> {
        self.v2().filter_map(|body| match body {
            ikev2::Body::Notify(notify) => Some(notify),
            _ => None,
        })
    }

    /// IKEv2: the first notification of this kind.
    pub fn notify(&self, kind: NotifyType) -> Option<&ikev2::Notify<'a>> {
        self.notifies().find(|notify| notify.kind == kind)
    }

    /// IKEv2: the Security Association payload.
    pub fn sa(&self) -> Option<&ikev2::SecurityAssociation<'a>> {
        self.v2().find_map(|body| match body {
            ikev2::Body::Sa(sa) => Some(sa),
            _ => None,
        })
    }

    /// IKEv2: the Key Exchange payload.
    pub fn ke(&self) -> Option<&ikev2::KeyExchange<'a>> {
        self.v2().find_map(|body| match body {
            ikev2::Body::Ke(ke) => Some(ke),
            _ => None,
        })
    }

    /// IKEv2: the Encrypted payload.
    pub fn sk(&self) -> Option<&ikev2::Encrypted<'a>> {
        self.v2().find_map(|body| match body {
            ikev2::Body::Sk(sk) => Some(sk),
            _ => None,
        })
    }

    /// IKEv2: the Encrypted Fragment payload (RFC 7383).
    pub fn skf(&self) -> Option<&ikev2::EncryptedFragment<'a>> {
        self.v2().find_map(|body| match body {
            ikev2::Body::Skf(skf) => Some(skf),
            _ => None,
        })
    }

    /// Both versions: the nonce.
    pub fn nonce(&self) -> Option<&'a [u8]> {
        self.payloads.iter().find_map(|payload| match payload.body {
            Body::V1(ikev1::Body::Nonce(nonce)) | Body::V2(ikev2::Body::Nonce(nonce)) => {
                Some(nonce)
            }
            _ => None,
        })
    }

    /// Both versions: the vendor IDs.
    pub fn vendor_ids(&self) -> impl Iterator<Item = &'a [u8]> {
        self.payloads
            .iter()
            .filter_map(|payload| match payload.body {
                Body::V1(ikev1::Body::VendorId(id)) | Body::V2(ikev2::Body::VendorId(id)) => {
                    Some(id)
                }
                _ => None,
            })
    }

    /// IKEv1: the Security Association payload.
    pub fn sa_v1(&self) -> Option<&ikev1::SecurityAssociation<'a>> {
        self.v1().find_map(|body| match body {
            ikev1::Body::Sa(sa) => Some(sa),
            _ => None,
        })
    }

    /// IKEv1: the notifications.
    pub fn notifies_v1(&self) -> impl Iterator<Item = &ikev1::Notification<'a>> {
        self.v1().filter_map(|body| match body {
            ikev1::Body::Notify(notification) => Some(notification),
            _ => None,
        })
    }

    /// IKEv1: the Fragment payload.
    pub fn fragment_v1(&self) -> Option<&ikev1::Fragment<'a>> {
        self.v1().find_map(|body| match body {
            ikev1::Body::Fragment(fragment) => Some(fragment),
            _ => None,
        })
    }

    fn v1(&self) -> impl Iterator<Item = &ikev1::Body<'a>> {
        self.payloads
            .iter()
            .filter_map(|payload| match &payload.body {
                Body::V1(body) => Some(body),
                _ => None,
            })
    }

    fn v2(&self) -> impl Iterator<Item = &ikev2::Body<'a>> {
        self.payloads
            .iter()
            .filter_map(|payload| match &payload.body {
                Body::V2(body) => Some(body),
                _ => None,
            })
    }
}

impl Payload<'_> {
    /// Appends the generic header, which names the payload after it, and the body.
    fn emit(&self, next: PayloadType, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        match &self.body {
            Body::V1(v1) => v1.emit(&mut body),
            Body::V2(v2) => v2.emit(&mut body),
            Body::Opaque(octets) => body.extend(*octets),
        }
        let length = GENERIC_HEADER_LEN.saturating_add(body.len());
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        out.extend([next.0, if self.critical { CRITICAL } else { 0 }]);
        out.extend(length.to_be_bytes());
        out.extend(body);
    }
}

/// Stands where there is none.
const NO_HEADER: Header = Header {
    spis: IkeSpis {
        initiator: crate::units::IkeSpi(0),
        responder: crate::units::IkeSpi(0),
    },
    next_payload: PayloadType::NONE,
    version: Version(0),
    exchange: ExchangeType(0),
    flags: Flags(0),
    message_id: 0,
    length: 0,
};

/// Offset of the version in the header.
const VERSION_AT: usize = 17;

/// Offset of the length in the header.
const LENGTH_AT: usize = 24;

/// The octets after the header, no more than its length says; a fault if that is not what is there.
fn read_length<'a>(header: &Header, bytes: &'a [u8], faults: &mut Faults) -> &'a [u8] {
    let have = bytes.len();
    let length = usize::try_from(header.length).unwrap_or(usize::MAX);
    if length < HEADER_LEN {
        let kind = FaultKind::Value {
            field: "Length",
            value: u64::from(header.length),
            expected: "at least 28",
        };
        faults.push(LENGTH_AT, kind);
    } else if length > have {
        let kind = FaultKind::Short {
            need: length,
            have,
            promised_by: "Length",
        };
        faults.push(LENGTH_AT, kind);
    } else if length < have {
        faults.push(length, FaultKind::Trailing(have - length));
    }
    bytes.get(HEADER_LEN..length.min(have)).unwrap_or_default()
}

/// Whether what is left of an IKEv1 message fills it up to a multiple of four, as many senders do.
fn is_padding(mut left: Cursor<'_>) -> bool {
    left.left() < 4 && left.rest().iter().all(|octet| *octet == 0)
}

fn kind_of_first(payloads: &[Payload<'_>]) -> PayloadType {
    payloads
        .first()
        .map_or(PayloadType::NONE, |payload| payload.kind)
}

/// Reads payloads until one says it is the last. What is not theirs is left in the cursor.
fn walk<'a>(
    first: PayloadType,
    version: Version,
    cursor: &mut Cursor<'a>,
    faults: &mut Faults,
) -> Vec<Payload<'a>> {
    let mut payloads = Vec::new();
    let mut chain = Chain::at(first, version, *cursor);
    for link in chain.by_ref() {
        if payloads.len() == PAYLOADS {
            let limit = FaultKind::Limit {
                what: "payloads",
                limit: PAYLOADS,
            };
            faults.push(link.at, limit);
            *cursor = Cursor::new(&[], link.at);
            return payloads;
        }
        faults.enter(step(link.kind));
        payloads.push(read_payload(&link, version, faults));
        faults.leave();
    }
    *cursor = chain.rest();
    if let Some(kind) = chain.cut() {
        faults.enter(step(kind));
        let _ = faults.require(cursor, GENERIC_HEADER_LEN, "Next Payload");
        faults.leave();
        cursor.rest();
    }
    payloads
}

/// What a payload of the chain holds, and a fault where its length lies.
fn read_payload<'a>(link: &Link<'a>, version: Version, faults: &mut Faults) -> Payload<'a> {
    let length_at = link.at.saturating_add(2);
    let body_at = link.at.saturating_add(GENERIC_HEADER_LEN);
    if let Some(have) = link.missing() {
        let fault = FaultKind::Short {
            need: usize::from(link.length),
            have,
            promised_by: "Payload Length",
        };
        faults.push(length_at, fault);
    }
    let body = if link.is_too_short() {
        let fault = FaultKind::Value {
            field: "Payload Length",
            value: u64::from(link.length),
            expected: "at least 4",
        };
        faults.push(length_at, fault);
        Body::Opaque(link.body)
    } else if version.major() == 1 {
        ikev1::Body::read(link.kind, link.body, body_at, faults)
    } else {
        ikev2::Body::read(link.kind, link.next, link.body, body_at, faults)
    };
    Payload {
        kind: link.kind,
        critical: link.critical,
        at: link.at,
        length: link.length,
        body,
    }
}

/// How the path of a fault names a payload.
fn step(kind: PayloadType) -> Step {
    let number = usize::from(kind.0);
    let nameless = Step::Numbered("payload", number);
    kind.notation().map_or(nameless, Step::One)
}

#[cfg(test)]
mod tests {
    use super::super::ikev1::{
        Attribute, AttributeValue, Certificate, Delete, Fragment, Identification, Notification,
        Proposal, SecurityAssociation, Transform,
    };
    use super::super::ikev2::{
        Configuration, ConfigurationAttribute, Encrypted, EncryptedFragment, KeyExchange, Notify,
    };
    use super::*;
    use crate::registry::{
        CertificateEncoding, ConfigurationAttributeType, ConfigurationType, IdType, NotifyV1,
        SecurityProtocol,
    };
    use crate::units::IkeSpi;

    /// A message of each kind, with every IKEv1 payload in one of them, as octets.
    fn every_message() -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("main mode, first", main_mode_first()),
            ("main mode, third", main_mode_third()),
            ("main mode, fifth, sealed", sealed(2, 5)),
            ("aggressive mode, second", aggressive_second()),
            ("quick mode, opened", quick_mode()),
            ("informational, opened", informational_v1()),
            ("transaction, opened", transaction()),
            ("fragment of IKEv1", fragment_v1()),
            ("IKE_SA_INIT", ike_sa_init()),
            ("IKE_AUTH, sealed", ike_auth()),
            ("IKE_AUTH, sealed fragment", ike_auth_fragment()),
            ("INFORMATIONAL, empty", emit(Version::V2, 37, 0x08, vec![])),
        ]
    }

    fn payload(kind: PayloadType, body: Body<'_>) -> Payload<'_> {
        Payload {
            kind,
            critical: false,
            at: 0,
            length: 0,
            body,
        }
    }

    fn v1(kind: PayloadType, body: ikev1::Body<'_>) -> Payload<'_> {
        payload(kind, Body::V1(body))
    }

    fn v2(kind: PayloadType, body: ikev2::Body<'_>) -> Payload<'_> {
        payload(kind, Body::V2(body))
    }

    fn header(version: Version, exchange: u8, flags: u8) -> Header {
        Header {
            spis: IkeSpis {
                initiator: IkeSpi(0x1122_3344_5566_7788),
                responder: IkeSpi(0x99aa_bbcc_ddee_ff00),
            },
            next_payload: PayloadType::NONE,
            version,
            exchange: ExchangeType(exchange),
            flags: Flags(flags),
            message_id: 0x0a0b_0c0d,
            length: 0,
        }
    }

    fn emit(version: Version, exchange: u8, flags: u8, payloads: Vec<Payload<'_>>) -> Vec<u8> {
        let message = Message {
            header: header(version, exchange, flags),
            payloads,
            sealed: None,
            faults: Vec::new(),
        };
        message.emit()
    }

    fn sealed(exchange: u8, first: u8) -> Vec<u8> {
        let mut header = header(Version::V1, exchange, 0x01);
        header.next_payload = PayloadType(first);
        let message = Message {
            header,
            payloads: Vec::new(),
            sealed: Some(&[0x5a; 64]),
            faults: Vec::new(),
        };
        message.emit()
    }

    fn sa_v1(protocol: SecurityProtocol, spi: &'static [u8]) -> ikev1::Body<'static> {
        let attributes = vec![
            Attribute {
                kind: 1,
                value: AttributeValue::Short(1),
            },
            Attribute {
                kind: 2,
                value: AttributeValue::Long(&[0, 0, 0x0e, 0x10]),
            },
        ];
        let transform = |number| Transform {
            number,
            id: 12,
            attributes: attributes.clone(),
        };
        ikev1::Body::Sa(SecurityAssociation {
            doi: 1,
            situation: 1,
            proposals: vec![Proposal {
                number: 1,
                protocol,
                spi,
                transforms: vec![transform(1), transform(2)],
            }],
        })
    }

    fn id_v1(data: &'static [u8]) -> Identification<'static> {
        Identification {
            id_type: IdType(1),
            protocol: 0,
            port: 0,
            data,
        }
    }

    fn main_mode_first() -> Vec<u8> {
        let payloads = vec![
            v1(PayloadType::SA_V1, sa_v1(SecurityProtocol::IKE, &[])),
            v1(PayloadType::VENDOR_ID_V1, ikev1::Body::VendorId(&[7; 16])),
            v1(PayloadType::VENDOR_ID_V1, ikev1::Body::VendorId(&[8; 8])),
        ];
        emit(Version::V1, 2, 0, payloads)
    }

    fn main_mode_third() -> Vec<u8> {
        let payloads = vec![
            v1(PayloadType::KE_V1, ikev1::Body::Ke(&[1; 128])),
            v1(PayloadType::NONCE_V1, ikev1::Body::Nonce(&[2; 20])),
            v1(PayloadType::NAT_D_V1, ikev1::Body::NatD(&[3; 20])),
            v1(PayloadType::NAT_D_V1, ikev1::Body::NatD(&[4; 20])),
        ];
        emit(Version::V1, 2, 0, payloads)
    }

    fn aggressive_second() -> Vec<u8> {
        let certificate = Certificate {
            encoding: CertificateEncoding(4),
            data: &[0x30, 0],
        };
        let payloads = vec![
            v1(PayloadType::SA_V1, sa_v1(SecurityProtocol::IKE, &[])),
            v1(PayloadType::ID_V1, ikev1::Body::Id(id_v1(&[192, 0, 2, 1]))),
            v1(PayloadType::CERT_V1, ikev1::Body::Cert(certificate)),
            v1(PayloadType::CERTREQ_V1, ikev1::Body::CertReq(certificate)),
            v1(PayloadType::SIG_V1, ikev1::Body::Sig(&[9; 64])),
            payload(PayloadType(200), Body::Opaque(&[1, 2, 3])),
        ];
        emit(Version::V1, 4, 0, payloads)
    }

    fn quick_mode() -> Vec<u8> {
        let payloads = vec![
            v1(PayloadType::HASH_V1, ikev1::Body::Hash(&[5; 20])),
            v1(
                PayloadType::SA_V1,
                sa_v1(SecurityProtocol::ESP, &[1, 2, 3, 4]),
            ),
            v1(PayloadType::NONCE_V1, ikev1::Body::Nonce(&[6; 16])),
            v1(
                PayloadType::NAT_OA_V1,
                ikev1::Body::NatOa(id_v1(&[10, 0, 0, 1])),
            ),
        ];
        emit(Version::V1, 32, 0, payloads)
    }

    fn informational_v1() -> Vec<u8> {
        let notification = Notification {
            doi: 1,
            protocol: SecurityProtocol::IKE,
            spi: &[0xcc; 16],
            kind: NotifyV1(36136),
            data: &[0, 0, 0, 9],
        };
        let delete = Delete {
            doi: 1,
            protocol: SecurityProtocol::ESP,
            spis: vec![&[1, 2, 3, 4], &[5, 6, 7, 8]],
        };
        let payloads = vec![
            v1(PayloadType::HASH_V1, ikev1::Body::Hash(&[5; 20])),
            v1(PayloadType::NOTIFY_V1, ikev1::Body::Notify(notification)),
            v1(PayloadType::DELETE_V1, ikev1::Body::Delete(delete)),
        ];
        emit(Version::V1, 5, 0, payloads)
    }

    fn transaction() -> Vec<u8> {
        let attributes = Configuration {
            cfg_type: ConfigurationType(1),
            identifier: Some(77),
            attributes: vec![
                ConfigurationAttribute::new(ConfigurationAttributeType(16521), b"ed"),
                // XAUTH-STATUS OK and UNITY_PFS, both in the short format.
                ConfigurationAttribute {
                    is_short: true,
                    ..ConfigurationAttribute::new(ConfigurationAttributeType(16527), &[0, 1])
                },
                ConfigurationAttribute {
                    is_short: true,
                    ..ConfigurationAttribute::new(ConfigurationAttributeType(28679), &[0, 1])
                },
            ],
        };
        let body = ikev1::Body::Attributes(attributes);
        let payloads = vec![v1(PayloadType::ATTRIBUTES_V1, body)];
        emit(Version::V1, 6, 0, payloads)
    }

    fn fragment_v1() -> Vec<u8> {
        let fragment = Fragment {
            id: 1,
            number: 2,
            last: true,
            data: &[0xab; 40],
        };
        // The flag of encryption, as senders copy it onto the pieces.
        let body = ikev1::Body::Fragment(fragment);
        emit(Version::V1, 2, 1, vec![v1(PayloadType::FRAGMENT_V1, body)])
    }

    fn ike_sa_init() -> Vec<u8> {
        // One proposal with one transform, ENCR_AES_CBC with 256 bits (RFC 7296 section 3.3).
        const SA: &[u8] = &[
            0, 0, 0, 20, 1, 1, 0, 1, 0, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0,
        ];
        let notify = Notify {
            protocol: SecurityProtocol(0),
            spi: &[],
            kind: NotifyType(16388),
            data: &[3; 20],
        };
        let ke = KeyExchange {
            group: 31,
            data: &[1; 32],
        };
        let payloads = vec![
            payload(PayloadType::SA, Body::Opaque(SA)),
            v2(PayloadType::KE, ikev2::Body::Ke(ke)),
            v2(PayloadType::NONCE, ikev2::Body::Nonce(&[2; 32])),
            v2(PayloadType::NOTIFY, ikev2::Body::Notify(notify)),
            v2(PayloadType::VENDOR_ID, ikev2::Body::VendorId(&[7; 16])),
            Payload {
                critical: true,
                ..payload(PayloadType(200), Body::Opaque(&[1, 2, 3]))
            },
        ];
        emit(Version::V2, 34, 0x08, payloads)
    }

    fn ike_auth() -> Vec<u8> {
        let sk = Encrypted {
            first: PayloadType(35),
            data: &[0x77; 80],
        };
        let payloads = vec![v2(PayloadType::SK, ikev2::Body::Sk(sk))];
        emit(Version::V2, 35, 0x08, payloads)
    }

    fn ike_auth_fragment() -> Vec<u8> {
        let skf = EncryptedFragment {
            first: PayloadType(35),
            number: 1,
            total: 3,
            data: &[0x77; 80],
        };
        let payloads = vec![v2(PayloadType::SKF, ikev2::Body::Skf(skf))];
        emit(Version::V2, 35, 0x08, payloads)
    }

    fn faults(octets: &[u8]) -> Vec<String> {
        let read = Message::read(octets);
        read.faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_message_reads_without_a_fault_and_is_written_as_it_was() {
        for (name, octets) in every_message() {
            let read = Message::read(&octets);
            assert_eq!(read.faults, [], "{name}");
            assert_eq!(read.emit(), octets, "{name}");
        }
    }

    #[test]
    fn what_is_read_in_part_is_as_in_the_whole() {
        for (name, octets) in every_message() {
            let whole = Message::read(&octets);
            let has_sa = whole.sa().is_some() || whole.sa_v1().is_some();
            assert_eq!(Message::has_sa(&octets), has_sa, "{name}");
            let kinds = [PayloadType::NOTIFY, PayloadType::SA, PayloadType::NONCE_V1];
            let some = whole
                .payloads
                .iter()
                .filter(|one| kinds.contains(&one.kind));
            let read = Message::read_of(&octets, &kinds);
            assert_eq!(read.header, whole.header, "{name}");
            assert!(read.payloads.iter().eq(some), "{name}");
        }
    }

    #[test]
    fn every_payload_of_ikev1_is_told_by_its_type() {
        let mut kinds = Vec::new();
        for (name, octets) in every_message() {
            let read = Message::read(&octets);
            for payload in read.payloads.iter().filter(|one| one.kind.0 != 200) {
                if read.header.version == Version::V1 {
                    kinds.push(payload.kind.0);
                    assert!(matches!(payload.body, Body::V1(_)), "{name} {payload:?}");
                }
            }
        }
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(
            kinds,
            [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20, 21, 132]
        );
    }

    #[test]
    fn every_prefix_of_every_message_reads_with_a_fault() {
        for (name, octets) in every_message() {
            for kept in 0..octets.len() {
                let read = Message::read(&octets[..kept]);
                assert!(!read.faults.is_empty(), "{name} cut to {kept}");
            }
        }
    }

    #[test]
    fn no_corruption_of_one_octet_stops_the_reader() {
        for (_, octets) in every_message() {
            for at in 0..octets.len() {
                for value in 0..=255 {
                    let mut corrupt = octets.clone();
                    corrupt[at] = value;
                    let read = Message::read(&corrupt);
                    assert!(read.faults.len() <= crate::limits::FAULTS + 1);
                    // What was read can be written, and reads without a panic too.
                    let again = read.emit();
                    Message::read(&again);
                }
            }
        }
    }

    #[test]
    fn payloads_know_where_they_stand_and_how_long_they_are() {
        let octets = main_mode_third();
        let read = Message::read(&octets);
        let stand = |one: &Payload<'_>| (one.kind.0, one.at, one.length);
        assert_eq!(
            read.payloads.iter().map(stand).collect::<Vec<_>>(),
            [(4, 28, 132), (10, 160, 24), (20, 184, 24), (20, 208, 24)]
        );
    }

    #[test]
    fn a_length_of_a_payload_that_lies_ends_the_walk_and_keeps_what_is_there() {
        let mut octets = main_mode_third();
        octets[30..32].copy_from_slice(&[0x10, 0]);
        let read = Message::read(&octets);
        assert_eq!(read.payloads.len(), 1);
        assert_eq!(read.payloads[0].length, 0x1000);
        assert_eq!(
            read.payloads[0].body,
            Body::V1(ikev1::Body::Ke(&octets[32..]))
        );
        assert_eq!(
            faults(&octets),
            ["KE at 30: Payload Length promises 4096 octets, 204 are there"]
        );
        octets[30..32].copy_from_slice(&[0, 3]);
        let read = Message::read(&octets);
        assert_eq!(read.payloads[0].body, Body::Opaque(&octets[32..]));
        assert_eq!(
            faults(&octets),
            ["KE at 30: Payload Length is 3, expected at least 4"]
        );
    }

    #[test]
    fn a_length_of_the_header_that_lies_is_a_fault() {
        let mut octets = ike_auth();
        octets.extend([0; 5]);
        assert_eq!(faults(&octets), ["at 112: 5 octets left over"]);
        assert_eq!(Message::read(&octets).payloads[0].length, 84);
        octets.truncate(112);
        octets[24..28].copy_from_slice(&200u32.to_be_bytes());
        assert_eq!(
            faults(&octets),
            ["at 24: Length promises 200 octets, 112 are there"]
        );
        octets[24..28].copy_from_slice(&27u32.to_be_bytes());
        assert_eq!(
            faults(&octets)[0],
            "at 24: Length is 27, expected at least 28"
        );
    }

    #[test]
    fn octets_after_the_last_payload_are_a_fault_but_not_the_padding_of_ikev1() {
        let append = |mut octets: Vec<u8>, more: &[u8]| {
            octets.extend(more);
            let length = u32::try_from(octets.len()).unwrap();
            octets[24..28].copy_from_slice(&length.to_be_bytes());
            faults(&octets).len()
        };
        assert_eq!(append(main_mode_first(), &[0; 3]), 0);
        assert_eq!(append(main_mode_first(), &[0; 4]), 1);
        assert_eq!(append(main_mode_first(), &[1]), 1);
        assert_eq!(append(ike_sa_init(), &[0; 3]), 1);
        assert_eq!(append(ike_auth(), &[0; 3]), 1);
    }

    #[test]
    fn the_padding_of_an_opened_ikev1_body_is_no_fault() {
        let octets = [0, 0, 0, 6, 1, 2, 0, 0, 0, 0, 0, 0, 0, 7];
        let mut faults = Faults::default();
        let first = PayloadType::HASH_V1;
        let payloads = Message::read_chain(first, Version::V1, &octets, 0, &mut faults);
        assert_eq!(payloads.len(), 1);
        assert_eq!(faults.list, []);
        let first = PayloadType::NONCE;
        let payloads = Message::read_chain(first, Version::V2, &octets, 0, &mut faults);
        assert_eq!(payloads.len(), 1);
        assert_eq!(faults.list[0].kind, FaultKind::Trailing(8));
    }

    #[test]
    fn a_sealed_payload_is_the_last_and_names_what_is_inside() {
        let octets = ike_auth();
        let read = Message::read(&octets);
        assert_eq!(read.payloads.len(), 1);
        assert_eq!(read.sk().unwrap().first, PayloadType(35));
        let octets = ike_auth_fragment();
        let read = Message::read(&octets);
        let skf = read.skf().unwrap();
        assert_eq!((skf.first.0, skf.number, skf.total), (35, 1, 3));
    }

    #[test]
    fn a_sealed_body_of_ikev1_is_kept_and_its_pieces_are_read() {
        let octets = sealed(2, 5);
        let read = Message::read(&octets);
        assert_eq!(read.sealed, Some(&octets[28..]));
        assert_eq!(read.payloads, []);
        let octets = fragment_v1();
        let read = Message::read(&octets);
        assert_eq!(read.sealed, None);
        assert!(read.fragment_v1().unwrap().last);
    }

    #[test]
    fn a_chain_without_end_ends() {
        let mut octets = Vec::new();
        header(Version::V2, 34, 8).emit(&mut octets);
        octets[16] = PayloadType::VENDOR_ID.0;
        for _ in 0..1000 {
            octets.extend([PayloadType::VENDOR_ID.0, 0, 0, 4]);
        }
        octets[24..28].copy_from_slice(&4028u32.to_be_bytes());
        assert_eq!(Message::read(&octets).payloads.len(), PAYLOADS);
        assert_eq!(
            faults(&octets),
            ["at 1052: more than 256 payloads, the rest not read"]
        );
    }

    #[test]
    fn a_major_version_that_is_not_ours_is_a_fault() {
        let mut octets = ike_sa_init();
        octets[17] = 0x30;
        assert_eq!(
            faults(&octets),
            ["at 17: Major Version is 3, expected 1 or 2"]
        );
    }

    #[test]
    fn what_rules_ask_for_is_found() {
        let octets = main_mode_first();
        let read = Message::read(&octets);
        assert_eq!(read.sa_v1().unwrap().proposals.len(), 1);
        assert_eq!(read.vendor_ids().count(), 2);
        assert_eq!(read.nonce(), None);
        let octets = informational_v1();
        let read = Message::read(&octets);
        assert_eq!(read.notifies_v1().count(), 1);
        assert!(read.payload(PayloadType::DELETE_V1).is_some());
        let octets = ike_sa_init();
        let read = Message::read(&octets);
        assert_eq!(read.ke().unwrap().group, 31);
        assert_eq!(read.nonce(), Some(&[2; 32][..]));
        assert_eq!(read.vendor_ids().count(), 1);
        assert!(read.notify(NotifyType(16388)).is_some());
        assert!(read.notify(NotifyType(14)).is_none());
        assert_eq!(read.notifies().count(), 1);
        assert!(read.payloads.iter().any(|one| one.critical));
    }
}
