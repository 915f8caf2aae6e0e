//! Configuration payload (RFC 7296 section 3.15).
//!
//! IKEv1's Attributes payload is its elder: it shares the structs, and reads them on its own, for
//! its attributes have two formats.

use crate::registry::{ConfigurationAttributeType, ConfigurationType, HashAlgorithm};
use crate::wire::address::{address, prefix_of_mask};
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::text::{Hex, brief, list, printable};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses and the like, asked for or given.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   CFG Type    |                    RESERVED                   |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                   Configuration Attributes                    ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration<'a> {
    /// Request, reply, set or acknowledgement.
    pub cfg_type: ConfigurationType,
    /// IKEv1 mode config only: the identifier that pairs a request with its reply.
    pub identifier: Option<u16>,
    /// The attributes.
    pub attributes: Vec<ConfigurationAttribute<'a>>,
}

impl<'a> Configuration<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Configuration payload")?;
        let cfg_type = ConfigurationType(cursor.u8()?);
        let _reserved = cursor.take(3)?;
        let mut attributes = Vec::new();
        while !cursor.is_empty() {
            faults.enter(("attribute", attributes.len().saturating_add(1)));
            attributes.extend(ConfigurationAttribute::read(cursor, faults));
            faults.leave();
        }
        Some(Self {
            cfg_type,
            identifier: None,
            attributes,
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend([self.cfg_type.0, 0, 0, 0]);
        self.attributes
            .iter()
            .for_each(|attribute| attribute.emit(out));
    }
}

/// The kind, and the attributes: `CFG_REPLY INTERNAL_IP4_ADDRESS 10.0.0.7, INTERNAL_IP4_DNS`.
impl fmt::Display for Configuration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cfg_type.fmt(f)?;
        if self.attributes.is_empty() {
            return Ok(());
        }
        write!(f, " {}", list(&self.attributes, ", "))
    }
}

/// One attribute (RFC 7296 section 3.15.1).
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |R|         Attribute Type      |            Length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                             Value                             ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfigurationAttribute<'a> {
    /// What it is.
    pub kind: ConfigurationAttributeType,
    /// Its value, empty in a request that has no wish.
    pub value: &'a [u8],
    /// IKEv1 only: its two octets stood in place of the length (RFC 2408 section 3.3).
    pub is_short: bool,
}

impl<'a> ConfigurationAttribute<'a> {
    /// The bit above the type, which is ignored.
    const RESERVED_BIT: u16 = 0x8000;

    /// An attribute with a length of its own.
    pub fn new(kind: ConfigurationAttributeType, value: &'a [u8]) -> Self {
        Self {
            kind,
            value,
            is_short: false,
        }
    }

    /// Reads one attribute. Always takes something, so a list comes to its end.
    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        if faults
            .require(cursor, 4, "Configuration Attribute")
            .is_none()
        {
            cursor.rest();
            return None;
        }
        let kind = ConfigurationAttributeType(cursor.u16()? & !Self::RESERVED_BIT);
        let length = usize::from(cursor.u16()?);
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(cursor, length, "Configuration Attribute Length");
        let value = cursor.take_up_to(length);
        Some(Self::new(kind, value))
    }

    /// Appends the attribute.
    fn emit(&self, out: &mut Vec<u8>) {
        let length = u16::try_from(self.value.len()).unwrap_or(u16::MAX);
        out.extend(self.kind.0.to_be_bytes());
        out.extend(length.to_be_bytes());
        out.extend(self.value.iter().take(usize::from(length)));
    }

    /// The value as text. `None` if it is empty, of an unknown kind or does not fit its kind.
    ///
    /// Passwords are `None` too: a report travels further than the capture it was made from.
    pub fn text(&self) -> Option<String> {
        use ConfigurationAttributeType as Kind;
        if self.value.is_empty() {
            return None;
        }
        match self.kind {
            Kind::INTERNAL_IP4_ADDRESS
            | Kind::INTERNAL_IP4_NETMASK
            | Kind::INTERNAL_IP4_DNS
            | Kind::INTERNAL_IP4_NBNS
            | Kind::INTERNAL_IP4_DHCP
            | Kind::P_CSCF_IP4_ADDRESS
            | Kind::INTERNAL_IP4_SERVER => addresses::<4>(self.value),
            Kind::INTERNAL_IP6_DNS
            | Kind::INTERNAL_IP6_NBNS
            | Kind::INTERNAL_IP6_DHCP
            | Kind::INTERNAL_IP6_NETMASK
            | Kind::P_CSCF_IP6_ADDRESS
            | Kind::INTERNAL_IP6_SERVER => addresses::<16>(self.value),
            Kind::INTERNAL_IP6_ADDRESS | Kind::INTERNAL_IP6_SUBNET | Kind::INTERNAL_IP6_PREFIX => {
                ipv6_prefix(self.value)
            }
            Kind::INTERNAL_IP4_SUBNET => ipv4_subnet(self.value),
            // Lifetime, then prefix and its length (RFC 5026 section 5.4.1).
            Kind::MIP6_HOME_PREFIX => {
                let (lifetime, prefix) = self.value.split_first_chunk::<4>()?;
                let seconds = u32::from_be_bytes(*lifetime);
                Some(format!("{} for {seconds} s", ipv6_prefix(prefix)?))
            }
            // Interface identifier, then the name of the link (RFC 5739 section 6.1).
            Kind::INTERNAL_IP6_LINK => {
                let (interface, link) = self.value.split_first_chunk::<8>()?;
                Some(format!(
                    "interface {}, link {}",
                    Hex(interface),
                    brief(link)
                ))
            }
            // The IPv6 address, then perhaps an IPv4 address (3GPP TS 24.302).
            Kind::HOME_AGENT_ADDRESS => {
                let (v6, v4) = self.value.split_first_chunk::<16>()?;
                let v6 = Ipv6Addr::from(*v6);
                match v4 {
                    [] => Some(v6.to_string()),
                    v4 => Some(format!("{v6}, {}", addresses::<4>(v4)?)),
                }
            }
            // An address and a port (3GPP TS 29.139).
            Kind::EXTERNAL_SOURCE_IP4_NAT_INFO => {
                let (address, port) = self.value.split_first_chunk::<4>()?;
                Some(format!("{}:{}", Ipv4Addr::from(*address), number(port)?))
            }
            // DS record data: key tag, algorithm, digest type, digest (RFC 8598 section 4.2).
            Kind::INTERNAL_DNSSEC_TA => {
                let ([high, low, algorithm, kind], digest) = self.value.split_first_chunk()?;
                let tag = u16::from_be_bytes([*high, *low]);
                Some(format!("{tag} {algorithm} {kind} {}", Hex(digest)))
            }
            Kind::ENCDNS_IP4 => resolver::<4>(self.value),
            Kind::ENCDNS_IP6 => resolver::<16>(self.value),
            Kind::ENCDNS_DIGEST_INFO => digest_info(self.value),
            Kind::FTT_KAT | Kind::UNITY_NATT_PORT => Some(number(self.value)?.to_string()),
            Kind::UNITY_SAVE_PASSWD | Kind::UNITY_PFS => match self.value {
                [0, 0] => Some("no".into()),
                [0, 1] => Some("yes".into()),
                _ => None,
            },
            Kind::APPLICATION_VERSION
            | Kind::INTERNAL_DNS_DOMAIN
            | Kind::XAUTH_USER_NAME
            | Kind::XAUTH_MESSAGE
            | Kind::XAUTH_DOMAIN
            | Kind::UNITY_BANNER
            | Kind::UNITY_DEF_DOMAIN
            | Kind::UNITY_SPLITDNS_NAME
            | Kind::UNITY_BACKUP_SERVERS
            | Kind::UNITY_DDNS_HOSTNAME => Some(printable(self.value)),
            Kind::INTERNAL_ADDRESS_EXPIRY | Kind::TIMEOUT_PERIOD_FOR_LIVENESS_CHECK => {
                let octets = <[u8; 4]>::try_from(self.value).ok()?;
                Some(format!("{} s", u32::from_be_bytes(octets)))
            }
            Kind::SUPPORTED_ATTRIBUTES => {
                let (kinds, rest) = self.value.as_chunks::<2>();
                let names: Vec<String> = kinds
                    .iter()
                    .map(|kind| Kind(u16::from_be_bytes(*kind) & !Self::RESERVED_BIT).to_string())
                    .collect();
                rest.is_empty().then(|| names.join(", "))
            }
            Kind::XAUTH_TYPE => match self.value {
                [0, 0] => Some("generic".into()),
                [0, 1] => Some("RADIUS-CHAP".into()),
                [0, 2] => Some("OTP".into()),
                [0, 3] => Some("S/KEY".into()),
                _ => None,
            },
            Kind::XAUTH_STATUS => match self.value {
                [0, 0] => Some("FAIL".into()),
                [0, 1] => Some("OK".into()),
                _ => None,
            },
            // Address and mask, then protocol and ports that nobody fills.
            Kind::UNITY_SPLIT_INCLUDE | Kind::UNITY_LOCAL_LAN => {
                let (subnets, rest) = self.value.as_chunks::<14>();
                let subnets: Option<Vec<String>> = subnets
                    .iter()
                    .map(|subnet| ipv4_subnet(subnet.first_chunk::<8>()?))
                    .collect();
                subnets
                    .filter(|_| rest.is_empty())
                    .map(|subnets| subnets.join(", "))
            }
            _ => None,
        }
    }

    /// Whether the value is a secret that no report should show.
    pub fn is_secret(&self) -> bool {
        matches!(
            self.kind,
            ConfigurationAttributeType::XAUTH_USER_PASSWORD
                | ConfigurationAttributeType::XAUTH_PASSCODE
                | ConfigurationAttributeType::XAUTH_NEXT_PIN
                | ConfigurationAttributeType::XAUTH_ANSWER
        )
    }
}

/// Name and value; of a secret only its length.
impl fmt::Display for ConfigurationAttribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "attribute {}", self.kind)?,
        }
        match self.text() {
            _ if self.value.is_empty() => Ok(()),
            Some(text) => write!(f, " {text}"),
            None if self.is_secret() => write!(f, " ({} octets)", self.value.len()),
            None => write!(f, " {}", brief(self.value)),
        }
    }
}

/// Addresses of so many octets, one after the other: RFC 7296 section 3.15.1 has one in each
/// attribute, some implementations have several.
fn addresses<const OCTETS: usize>(octets: &[u8]) -> Option<String> {
    let (each, rest) = octets.as_chunks::<OCTETS>();
    if each.is_empty() || !rest.is_empty() {
        return None;
    }
    let each: Option<Vec<String>> = each
        .iter()
        .map(|octets| Some(address(octets)?.to_string()))
        .collect();
    Some(each?.join(", "))
}

/// A number of two octets.
fn number(octets: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(octets.try_into().ok()?))
}

/// A resolver with its service parameters as a reply has it (RFC 9464 section 3.1): priority, name,
/// addresses, then keys of parameters (RFC 9460 section 14.3.2). `None` in the form of a request,
/// which has no priority.
fn resolver<const OCTETS: usize>(octets: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(octets, 0);
    let priority = cursor.u16().filter(|priority| *priority > 0)?;
    let count = usize::from(cursor.u8()?);
    let name_length = usize::from(cursor.u8()?);
    let found = addresses::<OCTETS>(cursor.take(count.checked_mul(OCTETS)?)?);
    let name = cursor.take(name_length).filter(|name| !name.is_empty())?;
    let mut text = format!("{} priority {priority}", printable(name));
    if let Some(found) = found {
        text += &format!(" at {found}");
    }
    while !cursor.is_empty() {
        let (key, length) = (cursor.u16()?, cursor.u16()?);
        let value = cursor.take(usize::from(length))?;
        match key {
            1 => text += &format!(", alpn {}", alpn(value)?),
            3 => text += &format!(", port {}", number(value)?),
            7 => text += &format!(", dohpath {}", printable(value)),
            key => text += &format!(", key{key}"),
        }
    }
    Some(text)
}

/// Protocol names, each with its length before it (RFC 9460 section 7.1.1).
fn alpn(octets: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(octets, 0);
    let mut names = Vec::new();
    while let Some(length) = cursor.u8() {
        names.push(printable(cursor.take(usize::from(length))?));
    }
    Some(names.join("/"))
}

/// Hash algorithms, and in a reply the name and the digest of the resolver's key (RFC 9464 section
/// 3.2).
fn digest_info(octets: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(octets, 0);
    let count = usize::from(cursor.u8()?);
    let name_length = usize::from(cursor.u8()?);
    let name = cursor.take(name_length)?;
    let (hashes, _) = cursor.take(count.checked_mul(2)?)?.as_chunks::<2>();
    let hashes: Vec<HashAlgorithm> = hashes
        .iter()
        .map(|hash| HashAlgorithm(u16::from_be_bytes(*hash)))
        .collect();
    let mut text = list(&hashes, ", ");
    if !cursor.is_empty() {
        text += &format!(" {}", Hex(cursor.rest()));
    }
    if !name.is_empty() {
        text += &format!(" of {}", printable(name));
    }
    Some(text)
}

/// An IPv6 address, and the length of its prefix where it is sent.
fn ipv6_prefix(octets: &[u8]) -> Option<String> {
    match octets.split_first_chunk::<16>()? {
        (address, []) => Some(Ipv6Addr::from(*address).to_string()),
        (address, [length]) => Some(format!("{}/{length}", Ipv6Addr::from(*address))),
        _ => None,
    }
}

/// An IPv4 address and its mask.
fn ipv4_subnet(octets: &[u8]) -> Option<String> {
    let (address_octets, mask) = octets.split_first_chunk::<4>()?;
    let (address, mask): (IpAddr, IpAddr) = (address(address_octets)?, address(mask)?);
    match prefix_of_mask(mask) {
        Some(length) => Some(format!("{address}/{length}")),
        None => Some(format!("{address}/{mask}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConfigurationAttributeType as Kind;

    fn said(kind: Kind, value: &[u8]) -> String {
        ConfigurationAttribute::new(kind, value).to_string()
    }

    #[test]
    fn attributes_read_as_people_write_them() {
        assert_eq!(
            said(Kind::INTERNAL_IP4_ADDRESS, &[10, 0, 0, 7]),
            "INTERNAL_IP4_ADDRESS 10.0.0.7"
        );
        assert_eq!(said(Kind::INTERNAL_IP4_DNS, &[]), "INTERNAL_IP4_DNS");
        assert_eq!(
            said(Kind::INTERNAL_IP4_SUBNET, &[10, 0, 0, 0, 255, 0, 0, 0]),
            "INTERNAL_IP4_SUBNET 10.0.0.0/8"
        );
        let mut v6 = vec![0x20, 1, 0xd, 0xb8];
        v6.resize(16, 0);
        v6.push(64);
        assert_eq!(
            said(Kind::INTERNAL_IP6_ADDRESS, &v6),
            "INTERNAL_IP6_ADDRESS 2001:db8::/64"
        );
        assert_eq!(
            said(Kind::APPLICATION_VERSION, b"espial 1"),
            "APPLICATION_VERSION espial 1"
        );
        assert_eq!(
            said(Kind::SUPPORTED_ATTRIBUTES, &[0, 1, 0, 3]),
            "SUPPORTED_ATTRIBUTES INTERNAL_IP4_ADDRESS, INTERNAL_IP4_DNS"
        );
        assert_eq!(said(Kind::XAUTH_STATUS, &[0, 1]), "XAUTH-STATUS OK");
        assert_eq!(
            said(
                Kind::UNITY_SPLIT_INCLUDE,
                &[10, 1, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]
            ),
            "UNITY_SPLIT_INCLUDE 10.1.0.0/16"
        );
    }

    #[test]
    fn choices_read_by_their_names_and_others_as_octets() {
        for (kind, names) in [
            (
                Kind::XAUTH_TYPE,
                &["generic", "RADIUS-CHAP", "OTP", "S/KEY"][..],
            ),
            (Kind::XAUTH_STATUS, &["FAIL", "OK"]),
            (Kind::UNITY_SAVE_PASSWD, &["no", "yes"]),
            (Kind::UNITY_PFS, &["no", "yes"]),
        ] {
            for (number, name) in (0..).zip(names) {
                assert_eq!(said(kind, &[0, number]), format!("{kind} {name}"));
            }
            let beyond = [0, u8::try_from(names.len()).unwrap()];
            assert_eq!(said(kind, &beyond), format!("{kind} {}", Hex(&beyond)));
            assert_eq!(said(kind, &[1, 0]), format!("{kind} 0100"));
        }
    }

    #[test]
    fn rarer_attributes_read_as_people_write_them() {
        let resolver = [
            &[0, 1, 2, 11][..],
            &[192, 0, 2, 53, 192, 0, 2, 54],
            b"dns.example",
            &[0, 1, 0, 4, 3, b'd', b'o', b't', 0, 3, 0, 2, 3, 0x55],
        ]
        .concat();
        let home = [&[0, 0, 14, 16, 0x20, 1][..], &[0; 14], &[64]].concat();
        for (kind, value, says) in [
            (
                Kind::INTERNAL_IP4_DNS,
                &[10, 0, 0, 1, 10, 0, 0, 2][..],
                "10.0.0.1, 10.0.0.2",
            ),
            (Kind::INTERNAL_DNS_DOMAIN, b"example.com", "example.com"),
            (
                Kind::INTERNAL_DNSSEC_TA,
                &[0x4f, 0x66, 8, 2, 0xe0, 0x6d],
                "20326 8 2 e06d",
            ),
            (
                Kind::ENCDNS_IP4,
                &resolver,
                "dns.example priority 1 at 192.0.2.53, 192.0.2.54, alpn dot, port 853",
            ),
            (
                Kind::ENCDNS_DIGEST_INFO,
                &[2, 0, 0, 2, 0, 3],
                "SHA2-256, SHA2-384",
            ),
            (
                Kind::ENCDNS_DIGEST_INFO,
                &[1, 2, b'd', b'x', 0, 2, 0xab, 0xcd],
                "SHA2-256 abcd of dx",
            ),
            (Kind::MIP6_HOME_PREFIX, &home, "2001::/64 for 3600 s"),
            (
                Kind::INTERNAL_IP6_LINK,
                &[0, 0, 0, 0, 0, 0, 0, 1, 7],
                "interface 0000000000000001, link 07",
            ),
            (
                Kind::EXTERNAL_SOURCE_IP4_NAT_INFO,
                &[192, 0, 2, 1, 0x11, 0x94],
                "192.0.2.1:4500",
            ),
            (Kind::UNITY_SAVE_PASSWD, &[0, 1], "yes"),
            (Kind::UNITY_NATT_PORT, &[0x27, 0x10], "10000"),
            (Kind::UNITY_BANNER, b"Hello\n", "Hello\\x0a"),
        ] {
            assert_eq!(said(kind, value), format!("{kind} {says}"));
        }
    }

    #[test]
    fn a_value_that_does_not_fit_its_kind_shows_its_octets() {
        assert_eq!(
            said(Kind::INTERNAL_IP4_ADDRESS, &[10, 0]),
            "INTERNAL_IP4_ADDRESS 0a00"
        );
        assert_eq!(said(Kind(9999), &[1]), "attribute 9999 01");
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(
            said(Kind::XAUTH_USER_PASSWORD, b"hunter2"),
            "XAUTH-USER-PASSWORD (7 octets)"
        );
    }

    #[test]
    fn the_bit_above_the_type_is_ignored() {
        let octets = [2, 0, 0, 0, 0x80, 1, 0, 4, 10, 0, 0, 7];
        let mut faults = Faults::default();
        let read = Configuration::read(&mut Cursor::new(&octets, 0), &mut faults).unwrap();
        assert_eq!(read.to_string(), "CFG_REPLY INTERNAL_IP4_ADDRESS 10.0.0.7");
    }

    #[test]
    fn no_kind_of_attribute_panics_on_any_length() {
        for (kind, name, _) in Kind::NAMED {
            for length in 0..40 {
                assert!(said(*kind, &vec![7; length]).starts_with(name));
            }
        }
    }

    #[test]
    fn attributes_of_ipv6_read_as_people_write_them() {
        let v6 = |last: u8| [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[last]].concat();
        let (one, both) = (v6(1), [v6(1), v6(2)].concat());
        for kind in [
            Kind::INTERNAL_IP6_DNS,
            Kind::INTERNAL_IP6_NBNS,
            Kind::INTERNAL_IP6_DHCP,
            Kind::P_CSCF_IP6_ADDRESS,
            Kind::INTERNAL_IP6_SERVER,
        ] {
            assert_eq!(
                said(kind, &both),
                format!("{kind} 2001:db8::1, 2001:db8::2")
            );
            // No whole address, or none at all.
            assert_eq!(
                said(kind, &one[..15]),
                format!("{kind} {}", Hex(&one[..15]))
            );
        }
        for (kind, value, says) in [
            (Kind::INTERNAL_IP6_PREFIX, one.clone(), "2001:db8::1"),
            (Kind::HOME_AGENT_ADDRESS, one.clone(), "2001:db8::1"),
            (
                Kind::HOME_AGENT_ADDRESS,
                [&one[..], &[192, 0, 2, 1]].concat(),
                "2001:db8::1, 192.0.2.1",
            ),
            (
                Kind::ENCDNS_IP6,
                [&[0, 2, 1, 3][..], &one, b"dns"].concat(),
                "dns priority 2 at 2001:db8::1",
            ),
            (Kind::INTERNAL_ADDRESS_EXPIRY, vec![0, 0, 14, 16], "3600 s"),
            (
                Kind::TIMEOUT_PERIOD_FOR_LIVENESS_CHECK,
                vec![0, 0, 0, 30],
                "30 s",
            ),
        ] {
            assert_eq!(said(kind, &value), format!("{kind} {says}"));
        }
        // The form of a request has no priority.
        let asked = [&[0, 0, 1, 3][..], &one, b"dns"].concat();
        assert!(!said(Kind::ENCDNS_IP6, &asked).contains("priority"));
    }
}
