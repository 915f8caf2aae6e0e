//! Configuration payload (RFC 7296 section 3.15).
//!
//! IKEv1's Attributes payload is its elder: it shares the structs, and reads them on its own, for
//! its attributes have two formats.

use crate::registry::{ConfigurationAttributeType, ConfigurationType};
use crate::wire::address::{address, prefix_of_mask};
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::text::{brief, list, printable};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
}

impl<'a> ConfigurationAttribute<'a> {
    /// The bit above the type, which is ignored.
    const RESERVED_BIT: u16 = 0x8000;

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
        Some(Self { kind, value })
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
            | Kind::INTERNAL_IP4_SERVER => {
                let octets = <[u8; 4]>::try_from(self.value).ok()?;
                Some(Ipv4Addr::from(octets).to_string())
            }
            Kind::INTERNAL_IP6_DNS
            | Kind::INTERNAL_IP6_NBNS
            | Kind::INTERNAL_IP6_DHCP
            | Kind::INTERNAL_IP6_NETMASK
            | Kind::P_CSCF_IP6_ADDRESS
            | Kind::INTERNAL_IP6_SERVER => Some(ipv6(self.value)?.to_string()),
            Kind::INTERNAL_IP6_ADDRESS | Kind::INTERNAL_IP6_SUBNET | Kind::INTERNAL_IP6_PREFIX => {
                ipv6_prefix(self.value)
            }
            Kind::INTERNAL_IP4_SUBNET => ipv4_subnet(self.value),
            // Lifetime, then prefix and its length (RFC 5026 section 5.4.1).
            Kind::MIP6_HOME_PREFIX => ipv6_prefix(self.value.split_first_chunk::<4>()?.1),
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
        self.kind.fmt(f)?;
        match self.text() {
            _ if self.value.is_empty() => Ok(()),
            Some(text) => write!(f, " {text}"),
            None if self.is_secret() => write!(f, " ({} octets)", self.value.len()),
            None => write!(f, " {}", brief(self.value)),
        }
    }
}

fn ipv6(octets: &[u8]) -> Option<Ipv6Addr> {
    Some(<[u8; 16]>::try_from(octets).ok()?.into())
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
        ConfigurationAttribute { kind, value }.to_string()
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
    fn a_value_that_does_not_fit_its_kind_shows_its_octets() {
        assert_eq!(
            said(Kind::INTERNAL_IP4_ADDRESS, &[10, 0]),
            "INTERNAL_IP4_ADDRESS 0a00"
        );
        assert_eq!(said(Kind(9999), &[1]), "9999 01");
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
}
