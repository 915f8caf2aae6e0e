//! One payload of a line to octets: `SA(ENCR_AES_CBC-256 …)`, `TSi(10.1.0.0/16)`, `N(INITIAL_CONTACT)`.

use super::octets::{Writer, attribute, substructures};
use super::words::{end, integer, number, octets};
use crate::registry::{NotifyType, transform};
use crate::units::Endpoint;
use crate::wire::nat_detection::sha1;
use std::net::Ipv4Addr;

pub(super) fn payload(
    writer: &mut Writer,
    name: &str,
    inside: &str,
    from: Endpoint,
    to: Endpoint,
) -> Result<(), String> {
    let v1 = writer.version == 0x10;
    let kind = |v1_kind: u8, v2_kind: u8| if v1 { v1_kind } else { v2_kind };
    let mut add = |kind: u8, body: Vec<u8>| writer.payloads.push((kind, body));
    match name {
        "SA" if inside.starts_with("ESP ") && v1 => add(1, v1_child(inside)?),
        "SA" if ["ESP ", "AH ", "IKE "]
            .iter()
            .any(|name| inside.starts_with(name)) =>
        {
            add(33, v2_child(inside)?);
        }
        "SA" if v1 => add(1, v1_security_association(inside)?),
        "SA" => add(33, v2_security_association(inside)?),
        "KE" if v1 => {
            let body = writer.filler(128);
            writer.payloads.push((4, body));
        }
        "KE" => {
            let group: u16 = number(inside)?;
            let octets = transform::KEY_EXCHANGE
                .iter()
                .find(|row| row.id == group)
                .map_or(32, |row| row.octets);
            let mut body = [group.to_be_bytes(), [0, 0]].concat();
            body.extend(writer.filler(usize::from(octets)));
            writer.payloads.push((34, body));
        }
        "Nonce" => {
            let octets = if inside.is_empty() {
                32
            } else {
                number(inside)?
            };
            let body = writer.filler(octets);
            writer.payloads.push((kind(10, 40), body));
        }
        "HASH" => {
            let body = writer.filler(20);
            writer.payloads.push((8, body));
        }
        "ID" if inside.is_empty() => add(5, vec![1, 0, 0, 0, 192, 0, 2, 1]),
        "ID" => add(5, identity(inside)?),
        "IDi" => add(35, identity(inside)?),
        "IDr" => add(36, identity(inside)?),
        "AUTH" => {
            let mut body = vec![number(inside)?, 0, 0, 0];
            body.extend(writer.filler(32));
            writer.payloads.push((39, body));
        }
        // X.509 for signatures (RFC 7296 section 3.6).
        "CERT" => add(37, [vec![4], octets(inside)?].concat()),
        "CERTREQ" => add(38, [vec![4], octets(inside)?].concat()),
        "TSi" => add(44, traffic_selectors(inside)?),
        "TSr" => add(45, traffic_selectors(inside)?),
        "CP" => {
            let (cfg, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
            let mut body = vec![number(cfg)?, 0, 0, 0];
            body.extend(octets(attributes)?);
            add(kind(14, 47), body);
        }
        "EAP" => {
            let (code, data) = inside.split_once(' ').unwrap_or((inside, ""));
            let data = octets(data)?;
            let length = u8::try_from(4 + data.len()).map_err(|_| "EAP is too long")?;
            let mut body = vec![number(code)?, 1, 0, length];
            body.extend(data);
            add(48, body);
        }
        "D" => add(kind(12, 42), delete(v1, inside)?),
        "VID" => add(kind(13, 43), octets(inside)?),
        "N" => {
            let (kind_text, data) = inside.split_once(' ').unwrap_or((inside, ""));
            let notify = notify(kind_text)?;
            if let Some(spi) = data.strip_prefix("ESP ") {
                let mut body = if v1 { vec![0, 0, 0, 1] } else { Vec::new() };
                body.extend([3, 4]);
                body.extend(notify.to_be_bytes());
                body.extend(integer(spi)?.to_be_bytes());
                add(kind(11, 41), body);
            } else if v1 {
                let mut body = vec![0, 0, 0, 1, 1, 0];
                body.extend(notify.to_be_bytes());
                body.extend(octets(data)?);
                add(11, body);
            } else {
                let mut body = vec![0, 0];
                body.extend(notify.to_be_bytes());
                body.extend(octets(data)?);
                add(41, body);
            }
        }
        "NATD" => {
            let mut ends = inside.split_whitespace();
            let source = ends.next().map_or(Ok(from), end)?;
            let destination = ends.next().map_or(Ok(to), end)?;
            let hash = |end| sha1(writer.spis, end).ok_or("NATD needs ports");
            let [of_source, of_destination] = [hash(source)?, hash(destination)?];
            if v1 {
                // RFC 3947 section 3.2: the remote end first, then our own.
                for hash in [of_destination, of_source] {
                    writer.payloads.push((20, hash.to_vec()));
                }
            } else {
                for (notify, hash) in [(16388u16, of_source), (16389, of_destination)] {
                    let mut body = vec![0, 0];
                    body.extend(notify.to_be_bytes());
                    body.extend(hash);
                    writer.payloads.push((41, body));
                }
            }
        }
        _ => return Err(format!("no payload '{name}'")),
    }
    Ok(())
}

fn v2_security_association(text: &str) -> Result<Vec<u8>, String> {
    let mut proposals = Vec::new();
    for (index, proposal) in text.split('|').enumerate() {
        let transforms = proposal
            .split_whitespace()
            .map(transform)
            .collect::<Result<Vec<_>, _>>()?;
        let mut body = vec![index as u8 + 1, 1, 0, transforms.len() as u8];
        body.extend(substructures(&transforms, 3));
        proposals.push(body);
    }
    Ok(substructures(&proposals, 2))
}

/// Body of one transform: type, reserved, ID, attributes.
fn transform(word: &str) -> Result<Vec<u8>, String> {
    let (name, bits) = match word.rsplit_once('-') {
        Some((name, bits)) if bits.parse::<u16>().is_ok() && word.starts_with("ENCR_") => {
            (name, bits.parse().ok())
        }
        _ => (word, None),
    };
    let algorithm =
        |rows: &[transform::Algorithm]| rows.iter().find(|row| row.name == name).map(|row| row.id);
    let found: Option<(u8, u16)> = if let Some(group) = name.strip_prefix("DH") {
        Some((4, number(group)?))
    } else if let Some((step, method)) = name.strip_prefix("ADDKE").and_then(|r| r.split_once('='))
    {
        Some((number::<u8>(step)? + 5, number(method)?))
    } else if let Some(kind) = name.strip_prefix("ESN=") {
        Some((5, number(kind)?))
    } else if name.starts_with("ENCR_") {
        let row = transform::ENCRYPTION.iter().find(|row| row.name == name);
        row.map(|row| (1, row.id))
    } else {
        None.or_else(|| algorithm(transform::PRF).map(|id| (2, id)))
            .or_else(|| algorithm(transform::INTEGRITY).map(|id| (3, id)))
            .or_else(|| algorithm(transform::KEY_EXCHANGE).map(|id| (4, id)))
    };
    let (kind, id) = found.ok_or_else(|| format!("no transform '{word}'"))?;
    let mut body = vec![kind, 0];
    body.extend(id.to_be_bytes());
    if let Some(bits) = bits {
        body.extend(attribute(14, bits));
    }
    Ok(body)
}

/// `ESP 0xc0ffee01 transforms | …`, `AH …` or `IKE 1 transforms`: proposals with the sender's SPI.
fn v2_child(text: &str) -> Result<Vec<u8>, String> {
    let mut words = text.split_whitespace();
    let protocol = words.next().unwrap_or_default();
    let spi = words.next().ok_or("SA wants an SPI")?;
    let (protocol, spi) = match protocol {
        "IKE" => (1, u64::from(integer(spi)?).to_be_bytes().to_vec()),
        "AH" => (2, integer(spi)?.to_be_bytes().to_vec()),
        _ => (3, integer(spi)?.to_be_bytes().to_vec()),
    };
    let rest: Vec<&str> = words.collect();
    let mut proposals = Vec::new();
    for (index, proposal) in rest.join(" ").split('|').enumerate() {
        let transforms = proposal
            .split_whitespace()
            .map(transform)
            .collect::<Result<Vec<_>, _>>()?;
        let mut body = vec![
            index as u8 + 1,
            protocol,
            spi.len() as u8,
            transforms.len() as u8,
        ];
        body.extend(&spi);
        body.extend(substructures(&transforms, 3));
        proposals.push(body);
    }
    Ok(substructures(&proposals, 2))
}

fn v1_security_association(text: &str) -> Result<Vec<u8>, String> {
    let mut transforms = Vec::new();
    for (index, proposal) in text.split('|').enumerate() {
        // Transform number, KEY_IKE, reserved, then attributes (RFC 2409 appendix A).
        let mut body = vec![index as u8 + 1, 1, 0, 0];
        for word in proposal.split_whitespace() {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("'{word}'"))?;
            match name {
                "encr" => {
                    let (cipher, bits) = match value.split_once('/') {
                        Some((cipher, bits)) => (cipher, Some(bits)),
                        None => (value, None),
                    };
                    body.extend(attribute(1, number(cipher)?));
                    if let Some(bits) = bits {
                        body.extend(attribute(14, number(bits)?));
                    }
                }
                "hash" => body.extend(attribute(2, number(value)?)),
                "auth" => body.extend(attribute(3, number(value)?)),
                "group" => body.extend(attribute(4, number(value)?)),
                "life" => body.extend([attribute(11, 1), attribute(12, number(value)?)].concat()),
                "kb" => body.extend([attribute(11, 2), attribute(12, number(value)?)].concat()),
                _ => return Err(format!("no attribute '{name}'")),
            }
        }
        transforms.push(body);
    }
    let mut proposal = vec![1, 1, 0, transforms.len() as u8];
    proposal.extend(substructures(&transforms, 3));
    // DOI IPsec, situation SIT_IDENTITY_ONLY.
    let mut out = vec![0, 0, 0, 1, 0, 0, 0, 1];
    out.extend(substructures(&[proposal], 0));
    Ok(out)
}

/// `ESP 0xc0ffee01 encr=12/256 auth=5 group=14 life=3600 kb=0 mode=1 esn=1 | …`, numbers of RFC 2407
/// section 4.5 and its transform identifiers.
fn v1_child(text: &str) -> Result<Vec<u8>, String> {
    let mut words = text.split_whitespace().skip(1);
    let spi = integer(words.next().ok_or("SA wants an SPI")?)?;
    let rest: Vec<&str> = words.collect();
    let mut transforms = Vec::new();
    for (index, proposal) in rest.join(" ").split('|').enumerate() {
        let mut body = vec![index as u8 + 1, 0, 0, 0];
        for word in proposal.split_whitespace() {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("'{word}'"))?;
            match name {
                "encr" => {
                    let (cipher, bits) = value.split_once('/').unwrap_or((value, ""));
                    if let Some(id) = body.get_mut(1) {
                        *id = number(cipher)?;
                    }
                    if !bits.is_empty() {
                        body.extend(attribute(6, number(bits)?));
                    }
                }
                "auth" => body.extend(attribute(5, number(value)?)),
                "group" => body.extend(attribute(3, number(value)?)),
                "mode" => body.extend(attribute(4, number(value)?)),
                "esn" => body.extend(attribute(11, number(value)?)),
                "life" => body.extend([attribute(1, 1), attribute(2, number(value)?)].concat()),
                "kb" => body.extend([attribute(1, 2), attribute(2, number(value)?)].concat()),
                _ => return Err(format!("no attribute '{name}'")),
            }
        }
        transforms.push(body);
    }
    let mut proposal = vec![1, 3, 4, transforms.len() as u8];
    proposal.extend(spi.to_be_bytes());
    proposal.extend(substructures(&transforms, 3));
    let mut out = vec![0, 0, 0, 1, 0, 0, 0, 1];
    out.extend(substructures(&[proposal], 0));
    Ok(out)
}

/// A prefix of IPv4 is an address or a subnet, anything else a domain name (RFC 7296 section 3.5).
fn identity(text: &str) -> Result<Vec<u8>, String> {
    let mut body = vec![2, 0, 0, 0];
    match text.split_once('/') {
        None => match text.parse::<Ipv4Addr>() {
            Ok(address) => {
                body = vec![1, 0, 0, 0];
                body.extend(address.octets());
            }
            Err(_) => body.extend(text.as_bytes()),
        },
        Some((_, bits)) => {
            let (start, _) = range(text)?;
            let mask = u32::MAX
                .checked_shl(32 - number::<u32>(bits)?.min(32))
                .unwrap_or(0);
            body = vec![4, 0, 0, 0];
            body.extend(start.octets());
            body.extend(mask.to_be_bytes());
        }
    }
    Ok(body)
}

/// First and last address of `10.1.0.0/16`, `10.1.0.1-10.1.0.9` or `10.1.0.1`.
fn range(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), String> {
    let address = |text: &str| text.parse().map_err(|_| format!("no address '{text}'"));
    if let Some((first, last)) = text.split_once('-') {
        return Ok((address(first)?, address(last)?));
    }
    let Some((first, bits)) = text.split_once('/') else {
        return Ok((address(text)?, address(text)?));
    };
    let first: Ipv4Addr = address(first)?;
    let hosts = u32::MAX.checked_shr(number::<u32>(bits)?).unwrap_or(0);
    Ok((first, Ipv4Addr::from_bits(first.to_bits() | hosts)))
}

/// `10.1.0.0/16 10.2.0.0/16:6/80`: ranges, with protocol and port after a colon.
fn traffic_selectors(text: &str) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let mut count = 0u8;
    for word in text.split_whitespace() {
        let (addresses, kind) = word.split_once(':').unwrap_or((word, "0/0"));
        let (protocol, port) = kind.split_once('/').unwrap_or((kind, "0"));
        let (first, last) = match number(port)? {
            0u16 => (0, u16::MAX),
            port => (port, port),
        };
        let (start, end) = range(addresses)?;
        body.extend([7, number(protocol)?, 0, 16]);
        body.extend(first.to_be_bytes());
        body.extend(last.to_be_bytes());
        body.extend(start.octets());
        body.extend(end.octets());
        count = count.saturating_add(1);
    }
    Ok([vec![count, 0, 0, 0], body].concat())
}

/// `IKE`, or `ESP 0xc0ffee01 …`.
fn delete(v1: bool, text: &str) -> Result<Vec<u8>, String> {
    let mut body = if v1 { vec![0, 0, 0, 1] } else { Vec::new() };
    match text.strip_prefix("ESP ") {
        None => body.extend([1, 0, 0, 0]),
        Some(spis) => {
            let spis: Vec<u32> = spis
                .split_whitespace()
                .map(integer)
                .collect::<Result<_, _>>()?;
            body.extend([3, 4, 0, spis.len() as u8]);
            spis.iter().for_each(|spi| body.extend(spi.to_be_bytes()));
        }
    }
    Ok(body)
}

fn notify(text: &str) -> Result<u16, String> {
    let named = NotifyType::NAMED
        .iter()
        .find(|row| row.1 == text)
        .map(|row| row.0.0);
    match named {
        Some(kind) => Ok(kind),
        None => number(text),
    }
}
