//! Writes the octets of IKE messages for tests.

use crate::units::IkeSpis;
use crate::wire::header::HEADER_LEN;
use sha1::{Digest, Sha1};

/// A message under construction: header fields and a chain of payloads.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer {
    /// SPIs.
    pub(super) spis: IkeSpis,
    /// The version octet.
    pub(super) version: u8,
    /// Exchange type.
    pub(super) exchange: u8,
    /// Flags octet.
    pub(super) flags: u8,
    /// Message ID.
    pub(super) message_id: u32,
    /// Types and bodies of the payloads in clear.
    pub(super) payloads: Vec<(u8, Vec<u8>)>,
    /// Length that an encrypted body should give the whole message.
    pub(super) sealed: Option<usize>,
    /// Number and total if it is an IKE fragment.
    pub(super) fragment: Option<(u16, u16)>,
    /// Whether keys open the encrypted body, which then holds the payloads.
    pub(super) opened: bool,
    /// Whether the initiator sends it: filler octets of both sides differ.
    pub(super) initiator: bool,
    /// Makes filler octets differ.
    pub(super) seed: u64,
}

/// SK and SKF (RFC 7296 section 3.14, RFC 7383 section 2.5) and the Fragment of IKEv1.
const SK: u8 = 46;
const SKF: u8 = 53;
const V1_FRAGMENT: u8 = 132;

impl Writer {
    /// The whole message.
    pub(super) fn finish(&self) -> Vec<u8> {
        let v1 = self.version >> 4 == 1;
        let mut payloads = match self.opened {
            true => Vec::new(),
            false => self.payloads.clone(),
        };
        let so_far: usize = HEADER_LEN + payloads.iter().map(|(_, b)| b.len() + 4).sum::<usize>();
        let mut tail = Vec::new();
        let mut first_sealed = None;
        if let Some(total) = self.sealed {
            let filler = |len: usize| self.filler(len);
            match (v1, self.fragment) {
                (false, None) => {
                    payloads.push((SK, filler(total.saturating_sub(so_far + 4))));
                }
                (false, Some((number, of))) => {
                    let mut body = [number.to_be_bytes(), of.to_be_bytes()].concat();
                    body.extend(filler(total.saturating_sub(so_far + 8)));
                    payloads.push((SKF, body));
                }
                (true, Some((number, of))) => {
                    let mut body = vec![0, 1, number as u8, u8::from(number == of)];
                    body.extend(filler(total.saturating_sub(so_far + 8)));
                    payloads.push((V1_FRAGMENT, body));
                }
                (true, None) => {
                    // The body begins with a HASH payload, as all of phase 2 does.
                    first_sealed = Some(8);
                    tail = filler(total.saturating_sub(so_far));
                }
            }
        }
        let length =
            HEADER_LEN + payloads.iter().map(|(_, b)| b.len() + 4).sum::<usize>() + tail.len();
        let first = payloads.first().map(|p| p.0).or(first_sealed).unwrap_or(0);
        let mut out = Vec::with_capacity(length);
        out.extend(self.spis.initiator.0.to_be_bytes());
        out.extend(self.spis.responder.0.to_be_bytes());
        out.extend([first, self.version, self.exchange, self.flags]);
        out.extend(self.message_id.to_be_bytes());
        out.extend((length as u32).to_be_bytes());
        // What an SK payload holds begins with IDi, IDr, SA or a notify; any known type will do.
        let inner = if self.sealed.is_some() && !v1 { 41 } else { 0 };
        for (index, (_, body)) in payloads.iter().enumerate() {
            let next = payloads.get(index + 1).map_or(inner, |p| p.0);
            out.extend([next, 0]);
            out.extend((body.len() as u16 + 4).to_be_bytes());
            out.extend(body);
        }
        out.extend(tail);
        out
    }

    /// The first type and the octets of the payloads, as keys open them.
    pub(super) fn plaintext(&self) -> (u8, Vec<u8>) {
        let mut out = Vec::new();
        for (index, (_, body)) in self.payloads.iter().enumerate() {
            let next = self.payloads.get(index + 1).map_or(0, |p| p.0);
            out.extend([next, 0]);
            out.extend((body.len() as u16 + 4).to_be_bytes());
            out.extend(body);
        }
        (self.payloads.first().map_or(0, |p| p.0), out)
    }

    /// Octets that look random, the same for the same message and seed.
    pub(super) fn filler(&self, len: usize) -> Vec<u8> {
        let what = format!(
            "{} {} {} {} {:?} {} {} {len}",
            self.spis,
            self.exchange,
            self.flags,
            self.message_id,
            self.fragment,
            self.initiator,
            self.seed
        );
        (0u32..)
            .flat_map(|block| {
                let mut hash = Sha1::new();
                hash.update(what.as_bytes());
                hash.update(block.to_be_bytes());
                hash.finalize().to_vec()
            })
            .take(len)
            .collect()
    }
}

/// A chain of proposals or transforms: "more" octet, reserved octet, length, then the body.
pub(super) fn substructures(bodies: &[Vec<u8>], more: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let last = index + 1 == bodies.len();
        out.extend([if last { 0 } else { more }, 0]);
        out.extend((body.len() as u16 + 4).to_be_bytes());
        out.extend(body);
    }
    out
}

/// An attribute in TV form if it fits in two octets, else in TLV form (RFC 2408 section 3.3).
pub(super) fn attribute(kind: u16, value: u32) -> Vec<u8> {
    match u16::try_from(value) {
        Ok(value) => [(kind | 0x8000).to_be_bytes(), value.to_be_bytes()].concat(),
        Err(_) => {
            let mut out = [kind.to_be_bytes(), 4u16.to_be_bytes()].concat();
            out.extend(value.to_be_bytes());
            out
        }
    }
}
