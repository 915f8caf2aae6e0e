//! What an ESP packet of a conversation carries: `10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN`.

use super::words::{Words, address, number};
use crate::net::inner::{BgpKind, BgpMessage, BgpOpen, Content, Echo, InnerIcmp, Tcp, TcpFlags};
use crate::net::{Inner, IpFacts, Quote};
use crate::units::Endpoint;
use std::net::{IpAddr, Ipv4Addr};

/// Reads it; `index` is that of the packet in its train, by which echo sequence numbers grow.
pub(super) fn read(text: &str, index: u32) -> Result<Inner, String> {
    let mut words = Words(text.split_whitespace().collect());
    let from = address(words.next("an inner sender")?)?;
    words.expect(">")?;
    let to = address(words.next("an inner receiver")?)?;
    let length: Option<u32> = words.after("length")?;
    let end = |address: IpAddr| Endpoint {
        address,
        port: None,
    };
    let mut inner = Inner {
        from: end(from),
        to: end(to),
        protocol: 0,
        length: length.unwrap_or(84),
        ip: Some(IpFacts {
            ttl: 64,
            pieces: 1,
            ..IpFacts::default()
        }),
        fragment: None,
        padding: 0,
        cut: false,
        content: Content::Other,
    };
    let v6 = from.is_ipv6();
    match words.next("what is inside")? {
        kind @ ("echo" | "reply") => {
            let (identifier, sequence) = words
                .next("identifier/sequence")?
                .split_once('/')
                .ok_or("an echo wants identifier/sequence")?;
            let first: u16 = number(sequence)?;
            let grown = u16::try_from(index).unwrap_or(u16::MAX);
            let echo = Echo {
                reply: kind == "reply",
                identifier: number(identifier)?,
                sequence: first.wrapping_add(grown),
            };
            inner.protocol = if v6 { 58 } else { 1 };
            inner.content = Content::Icmp(InnerIcmp {
                v6,
                kind: match (v6, echo.reply) {
                    (false, false) => 8,
                    (false, true) => 0,
                    (true, false) => 128,
                    (true, true) => 129,
                },
                code: 0,
                mtu: None,
                quoted: None,
                echo: Some(echo),
            });
        }
        "ICMP" => {
            inner.protocol = if v6 { 58 } else { 1 };
            inner.content = Content::Icmp(error(&mut words, v6)?);
        }
        "TCP" => {
            inner.protocol = 6;
            ports(&mut words, &mut inner)?;
            let tcp = tcp(&mut words)?;
            inner.length = length.unwrap_or(40 + tcp.payload);
            inner.content = Content::Tcp(tcp);
        }
        "UDP" => {
            inner.protocol = 17;
            ports(&mut words, &mut inner)?;
        }
        "IP" => inner.protocol = number(words.next("a protocol")?)?,
        other => return Err(format!("'{other}' is nothing inside")),
    }
    match words.0.first() {
        Some(left) => Err(format!("'{left}' means nothing inside")),
        None => Ok(inner),
    }
}

/// `40000 > 443`.
fn ports(words: &mut Words<'_>, inner: &mut Inner) -> Result<(), String> {
    inner.from.port = Some(number(words.next("a port")?)?);
    words.expect(">")?;
    inner.to.port = Some(number(words.next("a port")?)?);
    Ok(())
}

/// `SYN,ACK seq 5 ack 6 data 100`, and what BGP says.
fn tcp(words: &mut Words<'_>) -> Result<Tcp, String> {
    let mut flags = 0;
    for name in words.next("flags")?.split(',') {
        let bit = (0..8u8).find(|bit| TcpFlags(1 << bit).to_string() == name);
        flags |= 1 << bit.ok_or_else(|| format!("no flag '{name}'"))?;
    }
    let mut bgp = Vec::new();
    let mut say = |kind| {
        bgp.push(BgpMessage {
            length: 19,
            cut: false,
            kind,
        });
    };
    if words.flag("OPEN") {
        say(BgpKind::Open(Some(BgpOpen {
            version: 4,
            autonomous_system: words.after("as")?.unwrap_or(65_001),
            hold_time: words.after("hold")?.unwrap_or(90),
            identifier: Ipv4Addr::new(10, 0, 0, 1),
        })));
    }
    if words.flag("KEEPALIVE") {
        say(BgpKind::Keepalive);
    }
    if let Some(why) = words.after::<String>("NOTIFICATION")? {
        let (code, subcode) = why
            .split_once('/')
            .ok_or("NOTIFICATION wants code/subcode")?;
        say(BgpKind::Notification(Some((
            number(code)?,
            number(subcode)?,
        ))));
    }
    Ok(Tcp {
        sequence: words.after("seq")?.unwrap_or(0),
        acknowledgment: words.after("ack")?.unwrap_or(0),
        flags: TcpFlags(flags),
        window: 1024,
        payload: words.after("data")?.unwrap_or(0),
        mss: None,
        bgp,
    })
}

/// `3/1 mtu 1400 quoting 10.1.0.1 > 10.2.0.1 TCP 40000 > 443`.
fn error(words: &mut Words<'_>, v6: bool) -> Result<InnerIcmp, String> {
    let (kind, code) = words
        .next("type/code")?
        .split_once('/')
        .ok_or("ICMP wants type/code")?;
    let mtu = words.after("mtu")?;
    words.expect("quoting")?;
    let end = |words: &mut Words<'_>, what: &str| {
        Ok::<_, String>(Endpoint {
            address: address(words.next(what)?)?,
            port: None,
        })
    };
    let mut from = end(words, "the quoted sender")?;
    words.expect(">")?;
    let mut to = end(words, "the quoted receiver")?;
    let protocol = match words.next("the quoted protocol")? {
        "TCP" => 6,
        "UDP" => 17,
        protocol => number(protocol)?,
    };
    if matches!(protocol, 6 | 17) {
        from.port = Some(number(words.next("a port")?)?);
        words.expect(">")?;
        to.port = Some(number(words.next("a port")?)?);
    }
    Ok(InnerIcmp {
        v6,
        kind: number(kind)?,
        code: number(code)?,
        mtu,
        quoted: Some(Quote {
            from,
            to,
            protocol,
            length: 84,
            ike: None,
            esp: None,
        }),
        echo: None,
    })
}
