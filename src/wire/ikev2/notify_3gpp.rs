//! Notifications of mobile networks (3GPP TS 24.302 section 8.2.9, TS 24.502 section 9.3.1).
//!
//! Those whose layout is known for certain; the data of others shows as octets.

use crate::registry::NotifyType;
use crate::wire::cursor::Cursor;
use crate::wire::text::{Hex, brief, list};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What the data of such a notification means.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning3gpp<'a> {
    /// BACKOFF_TIMER, N3GPP_BACKOFF_TIMER: seconds until the device may ask again; `None` if the
    /// timer is deactivated (GPRS timer 3, TS 24.008 section 10.5.7.4a).
    Backoff(Option<u32>),
    /// DEVICE_IDENTITY with an identity (TS 24.302 section 8.2.9.2).
    Device {
        /// IMEI or IMEISV.
        kind: &'static str,
        /// Its digits.
        digits: String,
    },
    /// DEVICE_IDENTITY that asks for one.
    DeviceWanted(&'static str),
    /// EMERGENCY_CALL_NUMBERS (TS 24.008 section 10.5.3.13).
    EmergencyNumbers(Vec<EmergencyNumber>),
    /// NAS_TCP_PORT (TS 24.502 section 9.3.1).
    Port(u16),
    /// 5G_QOS_INFO (TS 24.502 section 9.3.1.1).
    Qos {
        /// The PDU session that the child SA belongs to.
        session: u8,
        /// Its QoS flows.
        flows: &'a [u8],
        /// Whether the child SA takes what has no SA of its own.
        is_default: bool,
        /// The mark of its outer packets, if one is given.
        dscp: Option<u8>,
    },
    /// N1_MODE_CAPABILITY: a PDU session (TS 24.302 section 8.2.9.15).
    Session(u8),
    /// N1_MODE_INFORMATION: the contents of an S-NSSAI (TS 24.302 section 8.2.9.16).
    Slice(&'a [u8]),
}

/// A number to call in an emergency.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EmergencyNumber {
    /// Police 1, ambulance 2, fire brigade 4, marine guard 8, mountain rescue 16.
    pub services: u8,
    /// Its digits.
    pub digits: String,
}

impl fmt::Display for EmergencyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits)
    }
}

/// Whether the layout of this type's data is known here.
pub fn is_known(kind: NotifyType) -> bool {
    use NotifyType as Kind;
    matches!(
        kind,
        Kind::BACKOFF_TIMER
            | Kind::N3GPP_BACKOFF_TIMER
            | Kind::DEVICE_IDENTITY
            | Kind::EMERGENCY_CALL_NUMBERS
            | Kind::NAS_TCP_PORT
            | Kind::QOS_INFO_5G
            | Kind::N1_MODE_CAPABILITY
            | Kind::N1_MODE_INFORMATION
    )
}

/// What data of this type means. `None` if it is not as [`is_known`] knows it.
pub fn meaning(kind: NotifyType, data: &[u8]) -> Option<Meaning3gpp<'_>> {
    use NotifyType as Kind;
    let mut cursor = Cursor::new(data, 0);
    let meaning = match kind {
        Kind::NAS_TCP_PORT => Meaning3gpp::Port(cursor.u16()?),
        Kind::DEVICE_IDENTITY => {
            let length = cursor.u16()?;
            let kind = match cursor.u8()? & 0x03 {
                1 => "IMEI",
                2 => "IMEISV",
                _ => return None,
            };
            let digits = cursor.take(usize::from(length).checked_sub(1)?)?;
            match digits {
                [] => Meaning3gpp::DeviceWanted(kind),
                _ => Meaning3gpp::Device {
                    kind,
                    digits: bcd(digits)?,
                },
            }
        }
        Kind::QOS_INFO_5G => {
            let _length = cursor.u8()?;
            let session = cursor.u8()?;
            let count = cursor.u8()?;
            let flows = cursor.take(usize::from(count))?;
            let flags = cursor.u8()?;
            let dscp = (flags & 0x01 != 0).then(|| cursor.u8());
            Meaning3gpp::Qos {
                session,
                flows,
                is_default: flags & 0x02 != 0,
                dscp: match dscp {
                    Some(dscp) => Some(dscp?),
                    None => None,
                },
            }
        }
        Kind::BACKOFF_TIMER
        | Kind::N3GPP_BACKOFF_TIMER
        | Kind::EMERGENCY_CALL_NUMBERS
        | Kind::N1_MODE_CAPABILITY
        | Kind::N1_MODE_INFORMATION => {
            let length = cursor.u8()?;
            let value = cursor.take(usize::from(length))?;
            match (kind, value) {
                (Kind::BACKOFF_TIMER | Kind::N3GPP_BACKOFF_TIMER, [timer]) => {
                    Meaning3gpp::Backoff(seconds(*timer))
                }
                (Kind::EMERGENCY_CALL_NUMBERS, numbers) => {
                    Meaning3gpp::EmergencyNumbers(emergency_numbers(numbers)?)
                }
                (Kind::N1_MODE_CAPABILITY, [session]) => Meaning3gpp::Session(*session),
                (Kind::N1_MODE_INFORMATION, [_, ..]) => Meaning3gpp::Slice(value),
                _ => return None,
            }
        }
        _ => return None,
    };
    // Later releases add fields to 5G_QOS_INFO behind those known here.
    (cursor.is_empty() || kind == Kind::QOS_INFO_5G).then_some(meaning)
}

impl fmt::Display for Meaning3gpp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backoff(Some(seconds)) => write!(f, "{seconds} s"),
            Self::Backoff(None) => f.write_str("deactivated"),
            Self::Device { kind, digits } => write!(f, "{kind} {digits}"),
            Self::DeviceWanted(kind) => write!(f, "{kind} wanted"),
            Self::EmergencyNumbers(numbers) => f.write_str(&list(numbers, ", ")),
            Self::Port(port) => write!(f, "{port}"),
            Self::Qos {
                session,
                flows,
                is_default,
                dscp,
            } => {
                write!(f, "PDU session {session}")?;
                if !flows.is_empty() {
                    write!(f, ", QoS flows {}", list(flows, " "))?;
                }
                if *is_default {
                    f.write_str(", default child SA")?;
                }
                match dscp {
                    Some(dscp) => write!(f, ", DSCP {dscp}"),
                    None => Ok(()),
                }
            }
            Self::Session(session) => write!(f, "PDU session {session}"),
            // TS 24.501 section 9.11.2.8: slice/service type, slice differentiator.
            Self::Slice([kind]) => write!(f, "SST {kind}"),
            Self::Slice([kind, differentiator @ ..]) if differentiator.len() == 3 => {
                write!(f, "SST {kind}, SD {}", Hex(differentiator))
            }
            Self::Slice(octets) => f.write_str(&brief(octets)),
        }
    }
}

/// A timer: three bits of unit, five of count.
fn seconds(timer: u8) -> Option<u32> {
    let unit = match timer >> 5 {
        0 => 600,
        1 => 3_600,
        2 => 36_000,
        3 => 2,
        4 => 30,
        5 => 60,
        6 => 1_152_000,
        _ => return None,
    };
    Some(u32::from(timer & 0x1f) * unit)
}

/// Two decimal digits in each octet, the low half first; 15 fills up the last.
fn bcd(octets: &[u8]) -> Option<String> {
    let mut halves: Vec<u8> = octets
        .iter()
        .flat_map(|octet| [octet & 0x0f, octet >> 4])
        .collect();
    if halves.last() == Some(&0x0f) {
        halves.pop();
    }
    halves
        .into_iter()
        .map(|half| char::from_digit(half.into(), 10))
        .collect()
}

/// Each with a length before it, which counts services and digits.
fn emergency_numbers(octets: &[u8]) -> Option<Vec<EmergencyNumber>> {
    let mut cursor = Cursor::new(octets, 0);
    let mut numbers = Vec::new();
    while let Some(length) = cursor.u8() {
        let (services, digits) = cursor.take(usize::from(length))?.split_first()?;
        numbers.push(EmergencyNumber {
            services: services & 0x1f,
            digits: bcd(digits)?,
        });
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: NotifyType, data: &[u8]) -> String {
        meaning(kind, data).map_or("nothing".into(), |meaning| meaning.to_string())
    }

    #[test]
    fn each_type_says_what_it_holds() {
        use NotifyType as Kind;
        for (kind, data, says) in [
            (Kind::BACKOFF_TIMER, &[1, 0x83][..], "90 s"),
            (Kind::N3GPP_BACKOFF_TIMER, &[1, 0x21], "3600 s"),
            (Kind::BACKOFF_TIMER, &[1, 0xe0], "deactivated"),
            (
                Kind::DEVICE_IDENTITY,
                &[0, 9, 1, 0x21, 0x43, 0x65, 0x87, 0x19, 0x32, 0x54, 0xf6],
                "IMEI 123456789123456",
            ),
            (Kind::DEVICE_IDENTITY, &[0, 1, 2], "IMEISV wanted"),
            (
                Kind::EMERGENCY_CALL_NUMBERS,
                &[8, 3, 1, 0x11, 0xf2, 3, 2, 0x11, 0xf4],
                "112, 114",
            ),
            (Kind::NAS_TCP_PORT, &[0x4e, 0x20], "20000"),
            (
                Kind::QOS_INFO_5G,
                &[7, 5, 2, 1, 9, 3, 46],
                "PDU session 5, QoS flows 1 9, default child SA, DSCP 46",
            ),
            (Kind::QOS_INFO_5G, &[4, 5, 0, 0], "PDU session 5"),
            (Kind::N1_MODE_CAPABILITY, &[1, 7], "PDU session 7"),
            (Kind::N1_MODE_INFORMATION, &[1, 1], "SST 1"),
            (
                Kind::N1_MODE_INFORMATION,
                &[4, 1, 0xab, 0xcd, 0xef],
                "SST 1, SD abcdef",
            ),
        ] {
            assert!(is_known(kind));
            assert_eq!(said(kind, data), says);
        }
    }

    #[test]
    fn a_timer_counts_in_the_unit_that_its_high_bits_tell() {
        // TS 24.008 table 10.5.163a.
        let units = [600, 3_600, 36_000, 2, 30, 60, 1_152_000];
        for (bits, unit) in (0..).zip(units) {
            assert_eq!(seconds(bits << 5 | 3), Some(3 * unit));
        }
        assert_eq!(seconds(7 << 5 | 3), None);
    }

    #[test]
    fn services_of_an_emergency_number_are_five_bits() {
        let numbers = emergency_numbers(&[3, 0xe2, 0x11, 0xf2, 2, 0x1f, 0x21]).unwrap();
        let told: Vec<_> = numbers
            .iter()
            .map(|one| (one.services, one.digits.as_str()))
            .collect();
        assert_eq!(told, [(2, "112"), (0x1f, "12")]);
        assert!(emergency_numbers(&[3, 1, 0x11]).is_none());
    }

    #[test]
    fn data_that_does_not_fit_means_nothing() {
        use NotifyType as Kind;
        for (kind, data) in [
            (Kind::BACKOFF_TIMER, &[2, 0x83][..]),
            (Kind::DEVICE_IDENTITY, &[0, 9, 1, 0x21]),
            (Kind::DEVICE_IDENTITY, &[0, 2, 1, 0xab]),
            (Kind::NAS_TCP_PORT, &[0, 1, 2]),
            (Kind::QOS_INFO_5G, &[6, 5, 9, 1]),
            (Kind::TFT, &[1, 2]),
        ] {
            assert_eq!(said(kind, data), "nothing");
        }
    }
}
