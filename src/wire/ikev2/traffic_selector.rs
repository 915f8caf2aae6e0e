//! Traffic Selector payloads (RFC 7296 section 3.13).

use crate::registry::{IpProtocol, TsType};
use crate::wire::address::{Prefix, Range, address};
use crate::wire::cursor::Cursor;
use crate::wire::fault::{FaultKind, Faults};
use crate::wire::text::{brief, list, printable};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Which packets may use the child SA.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Number of TSs |                 RESERVED                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                       <Traffic Selectors>                     ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrafficSelectors<'a> {
    /// The selectors; a packet that fits one fits all.
    pub selectors: Vec<Selector<'a>>,
}

impl<'a> TrafficSelectors<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Traffic Selector payload")?;
        let at = cursor.at();
        let count = cursor.u8()?;
        let _reserved = cursor.take(3)?;
        let mut selectors = Vec::new();
        while !cursor.is_empty() {
            faults.enter(("selector", selectors.len().saturating_add(1)));
            selectors.extend(Selector::read(cursor, faults));
            faults.leave();
        }
        if selectors.len() != usize::from(count) {
            let kind = FaultKind::Value {
                field: "Number of TSs",
                value: count.into(),
                expected: "the number of selectors that follow",
            };
            faults.push(at, kind);
        }
        Some(Self { selectors })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let count = u8::try_from(self.selectors.len()).unwrap_or(u8::MAX);
        out.extend([count, 0, 0, 0]);
        self.selectors
            .iter()
            .for_each(|selector| selector.emit(out));
    }
}

/// The selectors, separated by commas.
impl fmt::Display for TrafficSelectors<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.selectors.is_empty() {
            return f.write_str("no selectors");
        }
        f.write_str(&list(&self.selectors, ", "))
    }
}

/// One selector: a protocol, a range of ports, a range of addresses (RFC 7296 section 3.13.1).
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   TS Type     |IP Protocol ID*|       Selector Length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           Start Port*         |           End Port*           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                         Starting Address*                     ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                         Ending Address*                       ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selector<'a> {
    /// Kind of addresses.
    pub ts_type: TsType,
    /// IP protocol, zero for any.
    pub protocol: u8,
    /// First port; of ICMP, type and code (RFC 7296 section 3.13.1). Zero where there are no
    /// addresses.
    pub start_port: u16,
    /// Last port. Zero where there are no addresses.
    pub end_port: u16,
    /// First address: 4 or 16 octets by type; for other types all that follows Selector Length.
    pub start: &'a [u8],
    /// Last address, as long as the first; empty for other types.
    pub end: &'a [u8],
}

impl<'a> Selector<'a> {
    /// Octets before the ports.
    const HEADER_LEN: usize = 4;

    /// The addresses it covers, the first not necessarily before the last. `None` if it holds none.
    pub fn range(&self) -> Option<Range> {
        Some(Range {
            start: address(self.start)?,
            end: address(self.end)?,
        })
    }

    /// The prefixes that cover its addresses exactly. `None` if it holds none, or the range is
    /// reversed.
    pub fn cidrs(&self) -> Option<Vec<Prefix>> {
        self.range()?.cidrs()
    }

    /// The security label of TS_SECLABEL as text, without the zero that ends it where one does
    /// (RFC 9478 section 2.1). `None` for other types, and for a label that is no text.
    pub fn label(&self) -> Option<String> {
        if self.ts_type != TsType::TS_SECLABEL {
            return None;
        }
        let label = self.start.strip_suffix(&[0]).unwrap_or(self.start);
        let text = core::str::from_utf8(label).ok()?;
        let is_text = !text.is_empty() && !text.contains(char::is_control);
        is_text.then(|| printable(label))
    }

    /// The protocol as people write it: `tcp`, `any`, `200`.
    pub fn protocol_name(&self) -> String {
        match self.protocol {
            0 => "any".into(),
            protocol => IpProtocol(protocol).to_string().to_ascii_lowercase(),
        }
    }

    /// The ports as people write them: `80-90`, `any`, `opaque` where they cannot be seen (RFC 7296
    /// section 3.13.1); of ICMP type and code, of Mobile IPv6 the type of the message (RFC 4301
    /// section 4.4.1.1).
    pub fn ports(&self) -> String {
        match (self.start_port, self.end_port) {
            (0, u16::MAX) => "any".into(),
            (u16::MAX, 0) => "opaque".into(),
            (start, end) if start == end => self.port(start),
            (start, end) => format!("{}-{}", self.port(start), self.port(end)),
        }
    }

    /// One port.
    fn port(&self, port: u16) -> String {
        let [high, low] = port.to_be_bytes();
        match IpProtocol(self.protocol) {
            IpProtocol::ICMP | IpProtocol::IPV6_ICMP => format!("{high}({low})"),
            IpProtocol::MOBILITY_HEADER => high.to_string(),
            _ => port.to_string(),
        }
    }

    /// Octets of an address of this type, if the type has addresses.
    fn address_len(ts_type: TsType) -> Option<usize> {
        match ts_type {
            TsType::TS_IPV4_ADDR_RANGE => Some(4),
            TsType::TS_IPV6_ADDR_RANGE => Some(16),
            _ => None,
        }
    }

    /// Reads one selector. Always takes something, so a list comes to its end.
    pub(super) fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        if faults
            .require(cursor, Self::HEADER_LEN, "Traffic Selector")
            .is_none()
        {
            cursor.rest();
            return None;
        }
        let ts_type = TsType(cursor.u8()?);
        let protocol = cursor.u8()?;
        let length = cursor.u16()?;
        let at = cursor.at();
        let body = match usize::from(length).checked_sub(Self::HEADER_LEN) {
            Some(promised) => {
                // What is not there is a fault; what is there is kept.
                let _ = faults.require(cursor, promised, "Selector Length");
                cursor.take_up_to(promised)
            }
            None => {
                let kind = FaultKind::Value {
                    field: "Selector Length",
                    value: length.into(),
                    expected: "at least 4",
                };
                faults.push(at, kind);
                cursor.rest()
            }
        };
        let unread = Self {
            ts_type,
            protocol,
            start_port: 0,
            end_port: 0,
            start: body,
            end: &[],
        };
        let Some(address_len) = Self::address_len(ts_type) else {
            return Some(unread);
        };
        let mut inner = Cursor::new(body, at);
        let needed = address_len.saturating_mul(2).saturating_add(4);
        if faults
            .require(&inner, needed, "a selector of its type")
            .is_none()
        {
            return Some(unread);
        }
        let selector = Self {
            start_port: inner.u16()?,
            end_port: inner.u16()?,
            start: inner.take(address_len)?,
            end: inner.take(address_len)?,
            ..unread
        };
        faults.expect_end(&inner);
        Some(selector)
    }

    /// Appends the selector.
    pub(super) fn emit(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        if !self.end.is_empty() {
            body.extend(self.start_port.to_be_bytes());
            body.extend(self.end_port.to_be_bytes());
        }
        body.extend(self.start);
        body.extend(self.end);
        let length = body.len().saturating_add(Self::HEADER_LEN);
        out.extend([self.ts_type.0, self.protocol]);
        out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        out.extend(body);
    }
}

/// Addresses, then protocol and ports unless any may pass: `10.0.0.0/8 tcp/80`,
/// `10.0.0.1-10.0.0.9`, `::/0 ipv6-icmp/128(0)`.
impl fmt::Display for Selector<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(range) = self.range() else {
            let value = self.label().unwrap_or_else(|| brief(self.start));
            return match self.ts_type.name() {
                Some(name) => write!(f, "{name} {value}"),
                None => write!(f, "type {} {value}", self.ts_type),
            };
        };
        range.fmt(f)?;
        match (self.protocol_name().as_str(), self.ports().as_str()) {
            ("any", "any") => Ok(()),
            (protocol, "any") => write!(f, " {protocol}"),
            (protocol, ports) => write!(f, " {protocol}/{ports}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(protocol: u8, ports: (u16, u16), start: &[u8], end: &[u8]) -> String {
        Selector {
            ts_type: TsType::TS_IPV4_ADDR_RANGE,
            protocol,
            start_port: ports.0,
            end_port: ports.1,
            start,
            end,
        }
        .to_string()
    }

    #[test]
    fn selectors_read_as_people_write_them() {
        let (net, end) = ([10, 0, 0, 0], [10, 255, 255, 255]);
        assert_eq!(v4(0, (0, 65535), &net, &end), "10.0.0.0/8");
        assert_eq!(v4(6, (80, 80), &net, &end), "10.0.0.0/8 tcp/80");
        assert_eq!(v4(17, (0, 65535), &net, &end), "10.0.0.0/8 udp");
        assert_eq!(v4(6, (80, 90), &net, &end), "10.0.0.0/8 tcp/80-90");
        assert_eq!(v4(6, (65535, 0), &net, &end), "10.0.0.0/8 tcp/opaque");
        assert_eq!(v4(1, (0x0800, 0x0800), &net, &end), "10.0.0.0/8 icmp/8(0)");
        assert_eq!(
            v4(1, (0x0800, 0x08ff), &net, &end),
            "10.0.0.0/8 icmp/8(0)-8(255)"
        );
        assert_eq!(
            v4(135, (0x0500, 0x0500), &net, &end),
            "10.0.0.0/8 mobility header/5"
        );
        assert_eq!(v4(0, (53, 53), &net, &end), "10.0.0.0/8 any/53");
        assert_eq!(
            v4(0, (0, 65535), &[10, 0, 0, 1], &[10, 0, 0, 9]),
            "10.0.0.1-10.0.0.9"
        );
        assert_eq!(
            v4(0, (0, 65535), &[10, 0, 0, 9], &[10, 0, 0, 1]),
            "10.0.0.9-10.0.0.1"
        );
    }

    fn read(octets: &[u8]) -> (String, Vec<String>) {
        let mut faults = Faults::default();
        let selectors = TrafficSelectors::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (selectors.unwrap_or_default().to_string(), said)
    }

    #[test]
    fn prefixes_cover_the_addresses_exactly() {
        let cidrs = |start: &[u8], end: &[u8]| {
            let selector = Selector {
                ts_type: TsType::TS_IPV4_ADDR_RANGE,
                protocol: 0,
                start_port: 0,
                end_port: 65535,
                start,
                end,
            };
            let cidrs = selector.cidrs()?;
            Some(cidrs.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let told = cidrs(&[10, 0, 0, 1], &[10, 0, 0, 4]).unwrap();
        assert_eq!(told, ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/32"]);
        assert_eq!(cidrs(&[10, 0, 0, 4], &[10, 0, 0, 1]), None);
        assert_eq!(cidrs(&[10, 0, 0], &[10, 0, 1]), None);
    }

    #[test]
    fn a_wrong_count_of_selectors_is_a_fault_and_all_are_read() {
        let octets = [
            2, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255, 10, 0, 0, 0, 10, 255, 255, 255,
        ];
        let (said, faults) = read(&octets);
        assert_eq!(said, "10.0.0.0/8");
        assert_eq!(
            faults,
            ["at 0: Number of TSs is 2, expected the number of selectors that follow"]
        );
    }

    #[test]
    fn a_selector_of_an_unknown_type_is_kept() {
        // TS_SECLABEL (RFC 9478 section 2.1) has a label where others have ports.
        let octets = [1, 0, 0, 0, 10, 0, 0, 7, b'a', b':', b'b'];
        assert_eq!(read(&octets), ("TS_SECLABEL a:b".into(), vec![]));
        let octets = [1, 0, 0, 0, 10, 0, 0, 6, b'a', 0];
        assert_eq!(read(&octets), ("TS_SECLABEL a".into(), vec![]));
        let octets = [1, 0, 0, 0, 99, 0, 0, 6, 1, 2];
        assert_eq!(read(&octets), ("type 99 0102".into(), vec![]));
    }

    #[test]
    fn a_selector_too_short_for_its_type_is_a_fault() {
        let octets = [1, 0, 0, 0, 7, 0, 0, 8, 0, 0, 255, 255];
        assert_eq!(
            read(&octets).1,
            ["selector 1 at 8: a selector of its type promises 12 octets, 4 are there"]
        );
        assert_eq!(
            read(&[1, 0, 0, 0, 7, 0, 0, 3]).1[0],
            "selector 1 at 8: Selector Length is 3, expected at least 4"
        );
    }
}
