//! Notify payload (RFC 7296 section 3.10).

use super::notify_3gpp::{self, Meaning3gpp};
use crate::registry::{
    AuthMethod, HashAlgorithm, IpcompTransform, NotifyType, PayloadType, PpkIdType, RohcAttribute,
    SecurePasswordMethod, SecurityProtocol, transform,
};
use crate::wire::address::address;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::ikev1::Attribute;
use crate::wire::signature;
use crate::wire::text::{Hex, brief, list, printable};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

/// An error or a status.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Protocol ID  |   SPI Size    |      Notify Message Type      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                Security Parameter Index (SPI)                 ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                       Notification Data                       ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Notify<'a> {
    /// Protocol of the SA the notification is about, zero if about none.
    pub protocol: SecurityProtocol,
    /// SPI of that SA, maybe empty.
    pub spi: &'a [u8],
    /// What is said.
    pub kind: NotifyType,
    /// More about it, by type.
    pub data: &'a [u8],
}

impl<'a> Notify<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Notify payload")?;
        let protocol = SecurityProtocol(cursor.u8()?);
        let spi_size = usize::from(cursor.u8()?);
        let kind = NotifyType(cursor.u16()?);
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(cursor, spi_size, "SPI Size");
        Some(Self {
            protocol,
            spi: cursor.take_up_to(spi_size),
            kind,
            data: cursor.rest(),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let size = u8::try_from(self.spi.len()).unwrap_or(u8::MAX);
        out.extend([self.protocol.0, size]);
        out.extend(self.kind.0.to_be_bytes());
        out.extend(self.spi.iter().take(usize::from(size)));
        out.extend(self.data);
    }

    /// What the data means. `None` for types that carry none and bring none, for types we do not
    /// know, and where the data is free.
    pub fn meaning(&self) -> Option<NotifyMeaning<'a>> {
        let misfit = || {
            let told = match self.kind {
                // RFC 9593 section 3.1: the list comes later, inside a sealed message.
                NotifyType::SUPPORTED_AUTH_METHODS if self.data.is_empty() => false,
                kind if carries_none(kind) => !self.data.is_empty(),
                kind => has_layout(kind),
            };
            told.then_some(NotifyMeaning::Misfit(self.data))
        };
        self.read_data().or_else(misfit)
    }

    /// The data as its type lays it out. `None` if it is not so, or no layout is known.
    fn read_data(&self) -> Option<NotifyMeaning<'a>> {
        use NotifyMeaning as Meaning;
        let data = self.data;
        let meaning = match self.kind {
            NotifyType::UNSUPPORTED_CRITICAL_PAYLOAD => {
                Meaning::UnsupportedCriticalPayload(PayloadType(u8::from_be_bytes(whole(data)?)))
            }
            NotifyType::INVALID_MAJOR_VERSION => {
                Meaning::HighestVersion(u8::from_be_bytes(whole(data)?))
            }
            NotifyType::INVALID_MESSAGE_ID => {
                Meaning::InvalidMessageId(u32::from_be_bytes(whole(data)?))
            }
            NotifyType::INVALID_SPI => Meaning::InvalidSpi(some(data)?),
            NotifyType::INVALID_KE_PAYLOAD => Meaning::InvalidKe(u16::from_be_bytes(whole(data)?)),
            NotifyType::INVALID_SELECTORS => Meaning::InvalidSelectors(some(data)?),
            NotifyType::SET_WINDOW_SIZE => Meaning::WindowSize(u32::from_be_bytes(whole(data)?)),
            NotifyType::IPCOMP_SUPPORTED => {
                let [high, low, transform] = whole(data)?;
                Meaning::Ipcomp {
                    cpi: u16::from_be_bytes([high, low]),
                    transform: IpcompTransform(transform),
                }
            }
            NotifyType::NAT_DETECTION_SOURCE_IP | NotifyType::NAT_DETECTION_DESTINATION_IP => {
                Meaning::NatDetection(some(data)?)
            }
            NotifyType::COOKIE | NotifyType::COOKIE2 => Meaning::Cookie(some(data)?),
            NotifyType::ADDITIONAL_IP4_ADDRESS
            | NotifyType::ADDITIONAL_IP6_ADDRESS
            | NotifyType::NAS_IP4_ADDRESS
            | NotifyType::NAS_IP6_ADDRESS
            | NotifyType::UP_IP4_ADDRESS
            | NotifyType::UP_IP6_ADDRESS => Meaning::Address(address(data)?),
            NotifyType::LINK_ID => Meaning::LinkId(some(data)?),
            NotifyType::ROHC_SUPPORTED => Meaning::Rohc(rohc(data)?),
            NotifyType::IPSEC_REPLAY_COUNTER_SYNC => Meaning::ReplayCounterSync(match data.len() {
                4 => u32::from_be_bytes(whole(data)?).into(),
                _ => u64::from_be_bytes(whole(data)?),
            }),
            NotifyType::SECURE_PASSWORD_METHODS => {
                Meaning::SecurePasswordMethods(numbers(data)?.map(SecurePasswordMethod).collect())
            }
            NotifyType::SA_RESOURCE_INFO => Meaning::ResourceInfo(some(data)?),
            NotifyType::NO_PPK_AUTH => Meaning::NoPpkAuth(some(data)?),
            NotifyType::AUTH_LIFETIME => Meaning::AuthLifetime(u32::from_be_bytes(whole(data)?)),
            NotifyType::REDIRECT | NotifyType::REDIRECTED_FROM => redirect(data)?,
            NotifyType::TICKET_LT_OPAQUE => {
                let (lifetime, ticket) = data.split_first_chunk()?;
                Meaning::TicketLifetime {
                    seconds: u32::from_be_bytes(*lifetime),
                    ticket,
                }
            }
            NotifyType::TICKET_OPAQUE => Meaning::Ticket(some(data)?),
            NotifyType::QUICK_CRASH_DETECTION => Meaning::QuickCrashDetection(some(data)?),
            NotifyType::IKEV2_MESSAGE_ID_SYNC => {
                let (_, numbers) = data.split_first_chunk::<4>()?;
                let (send, receive) = numbers.split_first_chunk()?;
                Meaning::MessageIdSync {
                    expected_send: u32::from_be_bytes(*send),
                    expected_receive: u32::from_be_bytes(whole(receive)?),
                }
            }
            NotifyType::SIGNATURE_HASH_ALGORITHMS => {
                Meaning::SignatureHashAlgorithms(numbers(data)?.map(HashAlgorithm).collect())
            }
            NotifyType::PUZZLE => {
                let mut cursor = Cursor::new(data, 0);
                Meaning::Puzzle {
                    prf: cursor.u16()?,
                    difficulty: cursor.u8()?,
                    cookie: cursor.rest(),
                }
            }
            NotifyType::PPK_IDENTITY => {
                let (id_type, id) = data.split_first()?;
                Meaning::PpkIdentity {
                    id_type: PpkIdType(*id_type),
                    id,
                    confirmation: None,
                }
            }
            NotifyType::PPK_IDENTITY_KEY => {
                let (rest, confirmation) = data.split_last_chunk()?;
                let (id_type, id) = rest.split_first()?;
                Meaning::PpkIdentity {
                    id_type: PpkIdType(*id_type),
                    id,
                    confirmation: Some(confirmation),
                }
            }
            NotifyType::ADDITIONAL_KEY_EXCHANGE => Meaning::KeyExchangeLink(some(data)?),
            NotifyType::USE_AGGFRAG => {
                let [flags] = whole(data)?;
                Meaning::UseAggfrag {
                    congestion_control: flags & 0x02 != 0,
                    dont_fragment: flags & 0x01 != 0,
                }
            }
            NotifyType::SUPPORTED_AUTH_METHODS => Meaning::SupportedAuthMethods(announced(data)?),
            kind => Meaning::Mobile(notify_3gpp::meaning(kind, data)?),
        };
        Some(meaning)
    }
}

/// Type, SPI and meaning: `INVALID_KE_PAYLOAD: wants group 14, 2048-bit MODP Group`.
impl fmt::Display for Notify<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "notify {}", self.kind)?,
        }
        if !self.spi.is_empty() {
            write!(f, " {} {}", self.protocol, Hex(self.spi))?;
        }
        match self.meaning() {
            Some(meaning) => write!(f, ": {meaning}"),
            None if self.data.is_empty() => Ok(()),
            None => write!(f, ": {}", brief(self.data)),
        }
    }
}

/// What the data of a notification means.
#[derive(Clone, Debug, PartialEq)]
pub enum NotifyMeaning<'a> {
    /// The critical payload that the receiver does not know (RFC 7296 section 2.5).
    UnsupportedCriticalPayload(PayloadType),
    /// The highest version that the sender speaks, major and minor in one octet (RFC 7296
    /// section 2.5).
    HighestVersion(u8),
    /// The message ID that lies outside the window (RFC 7296 section 2.3).
    InvalidMessageId(u32),
    /// The SPI of an ESP or AH packet that the receiver does not know (RFC 7296 section 1.5).
    InvalidSpi(&'a [u8]),
    /// The key exchange method that the responder wants (RFC 7296 section 1.2).
    InvalidKe(u16),
    /// The start of a packet that does not fit the selectors of its SA.
    InvalidSelectors(&'a [u8]),
    /// How many requests the sender can take at once (RFC 7296 section 2.3).
    WindowSize(u32),
    /// IPComp may be used (RFC 7296 section 2.22).
    Ipcomp {
        /// Names the compression at the sender of this notification.
        cpi: u16,
        /// The algorithm.
        transform: IpcompTransform,
    },
    /// SHA-1 of SPIs, address and port (RFC 7296 section 2.23).
    NatDetection(&'a [u8]),
    /// The cookie to send back (RFC 7296 section 2.6, RFC 4555 section 4.2.5).
    Cookie(&'a [u8]),
    /// An address: one more of the sender (RFC 4555 section 4.2.2), or of a 5G function.
    Address(IpAddr),
    /// The virtual link that a child SA belongs to, as INTERNAL_IP6_LINK gave it (RFC 5739
    /// section 6.3).
    LinkId(&'a [u8]),
    /// How headers may be compressed (RFC 5857 section 3.1).
    Rohc(Vec<Attribute<'a>>),
    /// How far sequence numbers of IPsec SAs jump after a failover (RFC 6311 section 8).
    ReplayCounterSync(u64),
    /// Password methods that the initiator can do, or the responder chose (RFC 6467 section 3).
    SecurePasswordMethods(Vec<SecurePasswordMethod>),
    /// The resource, such as a CPU, that a child SA is for (RFC 9611 section 5.1).
    ResourceInfo(&'a [u8]),
    /// The proof as it would be without a post-quantum preshared key (RFC 8784 section 3).
    NoPpkAuth(&'a [u8]),
    /// Seconds until the peer must authenticate again (RFC 4478).
    AuthLifetime(u32),
    /// Where to go (REDIRECT), or from where one was sent (REDIRECTED_FROM) (RFC 5685 section 8).
    Redirect {
        /// The gateway.
        gateway: Gateway,
        /// The nonce of the request, where the redirection answers an `IKE_SA_INIT`.
        nonce: &'a [u8],
    },
    /// A ticket to resume the SA with (RFC 5723 section 7.2).
    TicketLifetime {
        /// How long it holds.
        seconds: u32,
        /// The ticket.
        ticket: &'a [u8],
    },
    /// A ticket handed in (RFC 5723 section 7.3).
    Ticket(&'a [u8]),
    /// The token that proves a later loss of state (RFC 6290 section 4.2).
    QuickCrashDetection(&'a [u8]),
    /// Message IDs to go on with after a failover (RFC 6311 section 8.1).
    MessageIdSync {
        /// Of the next request that the sender will send.
        expected_send: u32,
        /// Of the next request that the sender will take.
        expected_receive: u32,
    },
    /// Hashes that the sender can verify signatures with (RFC 7427 section 4).
    SignatureHashAlgorithms(Vec<HashAlgorithm>),
    /// Work to do before the responder listens (RFC 8019 section 8.1).
    Puzzle {
        /// The PRF to work with (transform type 2).
        prf: u16,
        /// Zero bits that the result must end with.
        difficulty: u8,
        /// The cookie to send back.
        cookie: &'a [u8],
    },
    /// Which post-quantum preshared key to mix in (RFC 8784 section 5.1, RFC 9867 section 3.1).
    PpkIdentity {
        /// Form of the identity.
        id_type: PpkIdType,
        /// Its identity.
        id: &'a [u8],
        /// Proof that the sender has the key, of PPK_IDENTITY_KEY.
        confirmation: Option<&'a [u8; 8]>,
    },
    /// Ties additional key exchanges to the exchange that began them (RFC 9370 section 2.2.4).
    KeyExchangeLink(&'a [u8]),
    /// ESP payloads may be aggregated and fragmented (RFC 9347 section 5.1).
    UseAggfrag {
        /// Congestion control information is sent.
        congestion_control: bool,
        /// The sender does not take fragments of packets.
        dont_fragment: bool,
    },
    /// Authentication methods that the sender takes (RFC 9593 section 3.2).
    SupportedAuthMethods(Vec<AuthAnnouncement<'a>>),
    /// What a mobile network says.
    Mobile(Meaning3gpp<'a>),
    /// Data that does not fit the type.
    Misfit(&'a [u8]),
}

impl fmt::Display for NotifyMeaning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedCriticalPayload(kind) => write!(f, "for payload {}: {kind}", kind.0),
            Self::HighestVersion(version) => write!(f, "speaks {}.{}", version >> 4, version & 15),
            Self::InvalidMessageId(id) => write!(f, "{id}"),
            Self::InvalidKe(group) => match transform::key_exchange(*group) {
                Some(method) => write!(f, "wants group {group}, {}", method.name),
                None => write!(f, "wants group {group}"),
            },
            Self::WindowSize(size) => write!(f, "{size}"),
            Self::Ipcomp { cpi, transform } => write!(f, "{transform}, CPI {cpi}"),
            Self::InvalidSpi(octets) => f.write_str(&brief(octets)),
            Self::LinkId(octets) | Self::ResourceInfo(octets) => f.write_str(&text(octets)),
            Self::Rohc(attributes) => {
                let attributes: Vec<String> = attributes.iter().map(rohc_told).collect();
                f.write_str(&list(&attributes, ", "))
            }
            Self::ReplayCounterSync(delta) => write!(f, "ahead by {delta}"),
            Self::SecurePasswordMethods(methods) => f.write_str(&list(methods, ", ")),
            // What these octets are says nothing to people.
            Self::InvalidSelectors(octets)
            | Self::NatDetection(octets)
            | Self::Cookie(octets)
            | Self::Ticket(octets)
            | Self::QuickCrashDetection(octets)
            | Self::NoPpkAuth(octets)
            | Self::KeyExchangeLink(octets) => write!(f, "{} octets", octets.len()),
            Self::Address(address) => address.fmt(f),
            Self::AuthLifetime(seconds) => write!(f, "{seconds} s"),
            Self::Redirect { gateway, .. } => gateway.fmt(f),
            Self::TicketLifetime { seconds, ticket } => {
                write!(f, "{seconds} s, {} octets", ticket.len())
            }
            Self::MessageIdSync {
                expected_send,
                expected_receive,
            } => write!(f, "send {expected_send}, receive {expected_receive}"),
            Self::SignatureHashAlgorithms(hashes) => f.write_str(&list(hashes, ", ")),
            Self::Puzzle {
                prf, difficulty, ..
            } => match transform::prf(*prf) {
                Some(prf) => write!(f, "{}, {difficulty} bits", prf.name),
                None => write!(f, "PRF {prf}, {difficulty} bits"),
            },
            Self::PpkIdentity {
                id_type,
                id,
                confirmation,
            } => {
                write!(f, "{id_type} {}", text(id))?;
                match confirmation {
                    Some(_) => f.write_str(", with confirmation"),
                    None => Ok(()),
                }
            }
            Self::UseAggfrag {
                congestion_control,
                dont_fragment,
            } => {
                let yes = |flag: &bool| if *flag { "yes" } else { "no" };
                let (control, fragments) = (yes(congestion_control), yes(dont_fragment));
                write!(
                    f,
                    "congestion control {control}, don't fragment {fragments}"
                )
            }
            Self::SupportedAuthMethods(methods) => f.write_str(&list(methods, ", ")),
            Self::Mobile(meaning) => meaning.fmt(f),
            Self::Misfit(octets) => write!(f, "{}, which does not fit the type", brief(octets)),
        }
    }
}

/// A gateway that a redirection names (RFC 5685 section 8).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Gateway {
    /// By address.
    Address(IpAddr),
    /// By domain name.
    Name(String),
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// One authentication method that a peer takes (RFC 9593 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AuthAnnouncement<'a> {
    /// The method.
    pub method: AuthMethod,
    /// Which of the authorities in the certificate requests it goes with, from 1; 0 for all.
    pub certificate_link: u8,
    /// DER of the algorithm identifier, maybe empty.
    pub algorithm: &'a [u8],
}

impl fmt::Display for AuthAnnouncement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signature::algorithm(self.algorithm) {
            Some(algorithm) => f.write_str(&algorithm),
            None => self.method.fmt(f),
        }
    }
}

/// Whether a notification of this type carries no data.
fn carries_none(kind: NotifyType) -> bool {
    use NotifyType as Kind;
    matches!(
        kind,
        Kind::INVALID_IKE_SPI
            | Kind::SINGLE_PAIR_REQUIRED
            | Kind::NO_ADDITIONAL_SAS
            | Kind::INTERNAL_ADDRESS_FAILURE
            | Kind::FAILED_CP_REQUIRED
            | Kind::TS_UNACCEPTABLE
            | Kind::UNACCEPTABLE_ADDRESSES
            | Kind::UNEXPECTED_NAT_DETECTED
            | Kind::TEMPORARY_FAILURE
            | Kind::CHILD_SA_NOT_FOUND
            | Kind::STATE_NOT_FOUND
            | Kind::TS_MAX_QUEUE
            | Kind::INITIAL_CONTACT
            | Kind::ADDITIONAL_TS_POSSIBLE
            | Kind::USE_TRANSPORT_MODE
            | Kind::HTTP_CERT_LOOKUP_SUPPORTED
            | Kind::REKEY_SA
            | Kind::ESP_TFC_PADDING_NOT_SUPPORTED
            | Kind::NON_FIRST_FRAGMENTS_ALSO
            | Kind::NO_ADDITIONAL_ADDRESSES
            | Kind::UPDATE_SA_ADDRESSES
            | Kind::MULTIPLE_AUTH_SUPPORTED
            | Kind::ANOTHER_AUTH_FOLLOWS
            | Kind::REDIRECT_SUPPORTED
            | Kind::TICKET_REQUEST
            | Kind::TICKET_ACK
            | Kind::USE_WESP_MODE
            | Kind::EAP_ONLY_AUTHENTICATION
            | Kind::CHILDLESS_IKEV2_SUPPORTED
            | Kind::IKEV2_MESSAGE_ID_SYNC_SUPPORTED
            | Kind::IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED
            | Kind::PSK_PERSIST
            | Kind::PSK_CONFIRM
            | Kind::IKEV2_FRAGMENTATION_SUPPORTED
            | Kind::CLONE_IKE_SA_SUPPORTED
            | Kind::CLONE_IKE_SA
            | Kind::USE_PPK
            | Kind::INTERMEDIATE_EXCHANGE_SUPPORTED
            | Kind::IP4_ALLOWED
            | Kind::IP6_ALLOWED
            | Kind::USE_PPK_INT
    )
}

/// Whether the data of this type has a layout that we know.
fn has_layout(kind: NotifyType) -> bool {
    use NotifyType as Kind;
    notify_3gpp::is_known(kind)
        || matches!(
            kind,
            Kind::UNSUPPORTED_CRITICAL_PAYLOAD
                | Kind::INVALID_MESSAGE_ID
                | Kind::INVALID_SPI
                | Kind::INVALID_KE_PAYLOAD
                | Kind::INVALID_SELECTORS
                | Kind::SET_WINDOW_SIZE
                | Kind::IPCOMP_SUPPORTED
                | Kind::NAT_DETECTION_SOURCE_IP
                | Kind::NAT_DETECTION_DESTINATION_IP
                | Kind::COOKIE
                | Kind::COOKIE2
                | Kind::ADDITIONAL_IP4_ADDRESS
                | Kind::ADDITIONAL_IP6_ADDRESS
                | Kind::NAS_IP4_ADDRESS
                | Kind::NAS_IP6_ADDRESS
                | Kind::UP_IP4_ADDRESS
                | Kind::UP_IP6_ADDRESS
                | Kind::LINK_ID
                | Kind::ROHC_SUPPORTED
                | Kind::IPSEC_REPLAY_COUNTER_SYNC
                | Kind::SECURE_PASSWORD_METHODS
                | Kind::NO_PPK_AUTH
                | Kind::AUTH_LIFETIME
                | Kind::REDIRECT
                | Kind::REDIRECTED_FROM
                | Kind::TICKET_LT_OPAQUE
                | Kind::TICKET_OPAQUE
                | Kind::QUICK_CRASH_DETECTION
                | Kind::IKEV2_MESSAGE_ID_SYNC
                | Kind::SIGNATURE_HASH_ALGORITHMS
                | Kind::PUZZLE
                | Kind::PPK_IDENTITY
                | Kind::PPK_IDENTITY_KEY
                | Kind::ADDITIONAL_KEY_EXCHANGE
                | Kind::USE_AGGFRAG
                | Kind::SUPPORTED_AUTH_METHODS
        )
}

/// Octets as text where they are some, else as digits.
fn text(octets: &[u8]) -> String {
    match core::str::from_utf8(octets) {
        Ok(text) if !text.is_empty() && !text.contains(char::is_control) => printable(octets),
        _ => brief(octets),
    }
}

/// Data attributes, all of them whole.
fn rohc(data: &[u8]) -> Option<Vec<Attribute<'_>>> {
    let mut faults = Faults::default();
    let attributes = Attribute::read_list(&mut Cursor::new(some(data)?, 0), &mut faults);
    faults.list.is_empty().then_some(attributes)
}

fn rohc_told(attribute: &Attribute<'_>) -> String {
    let kind = RohcAttribute(attribute.kind);
    let name = match kind.name() {
        Some(name) => name.to_owned(),
        None => format!("attribute {kind}"),
    };
    match attribute.value.number() {
        Some(number) if kind == RohcAttribute::ROHC_PROFILE => format!("{name} 0x{number:04x}"),
        Some(number) => format!("{name} {number}"),
        None => name,
    }
}

/// Data that is exactly so long.
fn whole<const N: usize>(data: &[u8]) -> Option<[u8; N]> {
    data.try_into().ok()
}

/// Data that is not empty.
fn some(data: &[u8]) -> Option<&[u8]> {
    (!data.is_empty()).then_some(data)
}

/// Data that is a list of 16-bit numbers.
fn numbers(data: &[u8]) -> Option<impl Iterator<Item = u16>> {
    let (pairs, rest) = data.as_chunks::<2>();
    let fits = !pairs.is_empty() && rest.is_empty();
    fits.then(|| pairs.iter().map(|pair| u16::from_be_bytes(*pair)))
}

/// Type, length and identity of a gateway, then a nonce.
fn redirect(data: &[u8]) -> Option<NotifyMeaning<'_>> {
    let mut cursor = Cursor::new(data, 0);
    let kind = cursor.u8()?;
    let length = cursor.u8()?;
    let identity = cursor.take(usize::from(length))?;
    let gateway = match kind {
        1 | 2 => Gateway::Address(address(identity)?),
        3 => Gateway::Name(printable(identity)),
        _ => return None,
    };
    Some(NotifyMeaning::Redirect {
        gateway,
        nonce: cursor.rest(),
    })
}

/// Announcements of two octets, three, or more with an algorithm identifier: a length, the method, the certificate
/// that it links to, the algorithm (RFC 9593 section 3.2).
fn announced(data: &[u8]) -> Option<Vec<AuthAnnouncement<'_>>> {
    let mut cursor = Cursor::new(some(data)?, 0);
    let mut announcements = Vec::new();
    while !cursor.is_empty() {
        let length = usize::from(cursor.u8()?);
        let mut one = Cursor::new(cursor.take(length.checked_sub(1)?)?, 0);
        let method = AuthMethod(one.u8()?);
        announcements.push(AuthAnnouncement {
            method,
            certificate_link: if length > 2 { one.u8()? } else { 0 },
            algorithm: one.rest(),
        });
    }
    Some(announcements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: NotifyType, data: &[u8]) -> String {
        Notify {
            protocol: SecurityProtocol(0),
            spi: &[],
            kind,
            data,
        }
        .to_string()
    }

    #[test]
    fn notifications_say_what_their_data_means() {
        use NotifyType as Kind;
        assert_eq!(said(Kind::NO_PROPOSAL_CHOSEN, &[]), "NO_PROPOSAL_CHOSEN");
        assert_eq!(
            said(Kind::INVALID_KE_PAYLOAD, &[0, 31]),
            "INVALID_KE_PAYLOAD: wants group 31, Curve25519"
        );
        assert_eq!(
            said(Kind::UNSUPPORTED_CRITICAL_PAYLOAD, &[54]),
            "UNSUPPORTED_CRITICAL_PAYLOAD: for payload 54: Puzzle Solution"
        );
        assert_eq!(said(Kind::COOKIE, &[0xab, 1]), "COOKIE: 2 octets");
        assert_eq!(
            said(Kind::SIGNATURE_HASH_ALGORITHMS, &[0, 2, 0, 5]),
            "SIGNATURE_HASH_ALGORITHMS: SHA2-256, Identity"
        );
        assert_eq!(
            said(Kind::ADDITIONAL_IP4_ADDRESS, &[192, 0, 2, 1]),
            "ADDITIONAL_IP4_ADDRESS: 192.0.2.1"
        );
        assert_eq!(
            said(Kind::REDIRECT, b"\x03\x05gw.ch\x01\x02"),
            "REDIRECT: gw.ch"
        );
        assert_eq!(
            said(Kind::IPCOMP_SUPPORTED, &[1, 0, 2]),
            "IPCOMP_SUPPORTED: IPCOMP_DEFLATE, CPI 256"
        );
        assert_eq!(
            said(Kind::TICKET_LT_OPAQUE, &[0, 0, 0x0e, 0x10, 9, 9]),
            "TICKET_LT_OPAQUE: 3600 s, 2 octets"
        );
        assert_eq!(
            said(
                Kind::IKEV2_MESSAGE_ID_SYNC,
                &[9, 9, 9, 9, 0, 0, 0, 5, 0, 0, 0, 7]
            ),
            "IKEV2_MESSAGE_ID_SYNC: send 5, receive 7"
        );
        assert_eq!(
            said(Kind::USE_AGGFRAG, &[1]),
            "USE_AGGFRAG: congestion control no, don't fragment yes"
        );
        assert_eq!(
            said(
                Kind::SUPPORTED_AUTH_METHODS,
                &[2, 2, 3, 1, 0, 10, 14, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70]
            ),
            "SUPPORTED_AUTH_METHODS: Shared Key Message Integrity Code, RSA Digital Signature, Ed25519"
        );
        assert_eq!(said(Kind(40_000), &[]), "notify 40000");
    }

    #[test]
    fn rarer_notifications_say_what_their_data_means() {
        use NotifyType as Kind;
        for (kind, data, says) in [
            (Kind::LINK_ID, &[0, 7][..], "LINK_ID: 0007"),
            (
                Kind::ROHC_SUPPORTED,
                &[0x80, 1, 0, 15, 0x80, 2, 1, 4],
                "ROHC_SUPPORTED: MAX_CID 15, ROHC_PROFILE 0x0104",
            ),
            (
                Kind::IPSEC_REPLAY_COUNTER_SYNC,
                &[0, 0, 1, 0],
                "IPSEC_REPLAY_COUNTER_SYNC: ahead by 256",
            ),
            (
                Kind::SECURE_PASSWORD_METHODS,
                &[0, 1, 0, 3],
                "SECURE_PASSWORD_METHODS: PACE, Secure PSK Authentication",
            ),
            (Kind::SA_RESOURCE_INFO, b"cpu0", "SA_RESOURCE_INFO: cpu0"),
            (Kind::SA_RESOURCE_INFO, &[], "SA_RESOURCE_INFO"),
            (Kind::NO_PPK_AUTH, &[1; 32], "NO_PPK_AUTH: 32 octets"),
            (
                Kind::PPK_IDENTITY,
                b"\x02key7",
                "PPK_IDENTITY: PPK_ID_FIXED key7",
            ),
            (
                Kind::PPK_IDENTITY_KEY,
                b"\x01key7\0\0\0\0\0\0\0\0",
                "PPK_IDENTITY_KEY: PPK_ID_OPAQUE key7, with confirmation",
            ),
            (
                Kind::N1_MODE_CAPABILITY,
                &[1, 7],
                "N1_MODE_CAPABILITY: PDU session 7",
            ),
        ] {
            assert_eq!(said(kind, data), says);
        }
    }

    #[test]
    fn a_rekeyed_sa_is_named_by_its_spi() {
        let notify = Notify {
            protocol: SecurityProtocol::ESP,
            spi: &[0xc0, 0xff, 0xee, 1],
            kind: NotifyType::REKEY_SA,
            data: &[],
        };
        assert_eq!(notify.to_string(), "REKEY_SA ESP c0ffee01");
    }

    #[test]
    fn data_that_does_not_fit_its_type_says_so_and_shows_its_octets() {
        use NotifyType as Kind;
        for (kind, data, says) in [
            (Kind::INVALID_KE_PAYLOAD, &[31][..], "1f"),
            (Kind::REDIRECT, &[1, 9, 0], "010900"),
            (Kind::COOKIE, &[], "(empty)"),
            (Kind::BACKOFF_TIMER, &[9], "09"),
            (Kind::USE_TRANSPORT_MODE, &[7], "07"),
        ] {
            let says = format!("{kind}: {says}, which does not fit the type");
            assert_eq!(said(kind, data), says);
        }
        // RFC 4555 section 3.4: the data is left empty, and ignored if there is some.
        assert_eq!(said(Kind::MOBIKE_SUPPORTED, &[1]), "MOBIKE_SUPPORTED: 01");
    }

    #[test]
    fn no_type_has_a_layout_and_carries_none() {
        for (kind, name, _) in NotifyType::NAMED {
            assert!(!(carries_none(*kind) && has_layout(*kind)), "{name}");
        }
    }

    #[test]
    fn an_spi_that_was_cut_off_is_missed() {
        let mut faults = Faults::default();
        let octets = [3, 4, 0x40, 9, 0xc0, 0xff];
        let notify = Notify::read(&mut Cursor::new(&octets, 0), &mut faults).unwrap();
        assert_eq!(notify.spi, [0xc0, 0xff]);
        assert_eq!(
            faults.list[0].kind.to_string(),
            "SPI Size promises 4 octets, 2 are there"
        );
    }

    #[test]
    fn auth_methods_that_come_later_are_no_misfit() {
        // RFC 9593 section 3.1: without data they are announced in another exchange.
        let notify = |data| Notify {
            protocol: SecurityProtocol(0),
            spi: &[],
            kind: NotifyType::SUPPORTED_AUTH_METHODS,
            data,
        };
        assert_eq!(notify(&[]).meaning(), None);
        let misfit = Some(NotifyMeaning::Misfit(&[1]));
        assert_eq!(notify(&[1]).meaning(), misfit);
    }

    #[test]
    fn no_type_panics_on_any_length() {
        for (kind, name, _) in NotifyType::NAMED {
            for length in 0..40 {
                for fill in [0, 1, 3, 0xff] {
                    assert!(said(*kind, &vec![fill; length]).starts_with(name));
                }
            }
        }
    }
}
