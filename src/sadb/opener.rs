//! Opens an ESP packet with whichever SA opens it.
//!
//! What comes out depends on the packet and on the SAs alone, not on what was opened before: so it
//! is the same wherever the input is cut, and whoever does it.

use super::{Sa, Sadb};
use crate::crypto::OpenError;
use crate::limits;
use crate::net::{self, Esp, FailedEsp, Inner, OpenedEsp, Opening, Path, SaId, Unopened};
use crate::units::EspSpi;
use std::net::IpAddr;

/// A worker's own: the buffer that packets are opened into, and where it is worth beginning.
#[derive(Debug, Default)]
pub struct Opener {
    text: Vec<u8>,
    payload: usize,
    /// High half of the sequence number that the last packet of an SA had: tried first, which
    /// saves time and changes nothing, since one alone fits the checksum.
    highs: Vec<Option<High>>,
}

/// The high half of a sequence number; `None` if it is not extended.
type High = Option<u32>;

/// An ESP packet to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    /// Its SPI.
    pub spi: EspSpi,
    /// What the capture kept of it, from the SPI on.
    pub bytes: &'a [u8],
    /// Whether that is only a part.
    pub cut: bool,
    /// Who sends it.
    pub from: IpAddr,
    /// Who receives it.
    pub to: IpAddr,
}

impl<'a> Sealed<'a> {
    /// An ESP packet on its path.
    pub fn new(esp: &Esp<'a>, path: &Path, cut: bool) -> Self {
        Self {
            spi: esp.header.spi,
            bytes: esp.bytes,
            cut,
            from: path.from.address,
            to: path.to.address,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Tried {
    /// How many SAs there were to try.
    pub candidates: usize,
    /// What they made of it; `None` if there were none.
    pub opening: Option<Opening>,
}

/// Where an SA is from, as far as it matters to a packet.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    /// A key file, which tells the ends of the packet or leaves them open.
    Between,
    /// A key file, which tells other ends.
    Elsewhere,
    /// IKE.
    Derived,
}

/// What is at the end of an opened packet.
struct Trailer {
    /// Octets before the padding.
    payload: usize,
    pad_length: u8,
    next_header: u8,
}

impl Opener {
    /// Opens a packet.
    ///
    /// Those that prove it by a checksum come before those that only decrypt. Of each kind those
    /// that key files tell come before those that follow from IKE, of which a worker may not know
    /// yet: what one proves, no later one changes. Among the former, those between the ends that the
    /// packet travels between come first.
    pub fn open(&mut self, database: &Sadb, packet: &Sealed<'_>) -> Tried {
        let among = || database.candidates(packet.spi);
        let candidates = among().count();
        self.payload = 0;
        let place = |id: SaId, sa: &Sa| match database.is_derived(id) {
            true => Place::Derived,
            false if sa.is_between(packet.from, packet.to) => Place::Between,
            false => Place::Elsewhere,
        };
        let mut failed: Option<FailedEsp> = None;
        for (checked, turn) in [
            (true, Place::Between),
            (true, Place::Elsewhere),
            (true, Place::Derived),
            (false, Place::Between),
            (false, Place::Elsewhere),
            (false, Place::Derived),
        ] {
            for (id, sa) in among() {
                if sa.protection.is_unchecked() == checked || place(id, sa) != turn {
                    continue;
                }
                let opened = match checked {
                    _ if packet.cut => Err(Unopened::Cut),
                    true => self.checked(id, sa, packet),
                    false => self.unchecked(id, sa, packet),
                };
                let why = match opened {
                    Ok(opened) => {
                        return Tried {
                            candidates,
                            opening: Some(Opening::Opened(opened)),
                        };
                    }
                    Err(why) => why,
                };
                if failed.is_none_or(|before| before.why < why) {
                    failed = Some(FailedEsp { sa: id, why });
                }
            }
        }
        Tried {
            candidates,
            opening: failed.map(Opening::Failed),
        }
    }

    /// The payload of the packet that was tried last, without its padding; none if it did not open.
    pub fn payload(&self) -> &[u8] {
        self.text.get(..self.payload).unwrap_or_default()
    }

    /// The buffer with that payload at its beginning, and how long it is; to be given back.
    pub fn lend(&mut self) -> (Vec<u8>, usize) {
        (std::mem::take(&mut self.text), self.payload)
    }

    /// Takes the buffer back.
    pub fn give_back(&mut self, text: Vec<u8>) {
        self.text = text;
    }

    /// Opens what a checksum proves.
    fn checked(&mut self, id: SaId, sa: &Sa, packet: &Sealed<'_>) -> Result<OpenedEsp, Unopened> {
        let place = id.0 as usize;
        let hint = self.highs.get(place).copied().flatten();
        let plain = (sa.esn != Some(true)).then_some(None);
        let extended = (sa.esn != Some(false))
            .then_some((0..=limits::ESN_HIGH).map(Some))
            .into_iter()
            .flatten();
        let mut why = OpenError::Integrity;
        for high in hint.into_iter().chain(plain).chain(extended) {
            match sa.protection.open_esp(packet.bytes, high, &mut self.text) {
                Ok(()) => {
                    if self.highs.len() <= place {
                        self.highs.resize(place + 1, None);
                    }
                    if let Some(slot) = self.highs.get_mut(place) {
                        *slot = Some(high);
                    }
                    let known = sa.protection.proves_cipher();
                    let trailer = match trailer(&self.text) {
                        Some(trailer) if known || self.is_credible(packet, &trailer) => trailer,
                        None if known => return Err(Unopened::Padding),
                        _ => return Err(Unopened::Senseless),
                    };
                    return Ok(self.opened(id, packet, &trailer, true, high));
                }
                Err(OpenError::Integrity) => {}
                // It has no other length with another number.
                Err(error) => {
                    why = error;
                    break;
                }
            }
        }
        Err(unopened(why))
    }

    /// Whether what was decrypted may be what was sent: its checksum has a key of its own, and does not
    /// prove the key of the cipher. Padding counts up, unless an algorithm asks for another (RFC 4303
    /// section 2.4).
    fn is_credible(&self, packet: &Sealed<'_>, trailer: &Trailer) -> bool {
        let bits = || self.evidence(packet, trailer);
        self.counts(trailer) || bits().is_some_and(|bits| bits >= BEYOND_PADDING)
    }

    /// Whether the padding of what was decrypted counts up from one.
    fn counts(&self, trailer: &Trailer) -> bool {
        let padding = self.text.get(trailer.payload..).unwrap_or_default();
        (1..=trailer.pad_length)
            .zip(padding)
            .all(|(n, octet)| n == *octet)
    }

    /// How much of the payload is as its protocol demands.
    fn evidence(&self, packet: &Sealed<'_>, trailer: &Trailer) -> Option<u32> {
        let payload = self.text.get(..trailer.payload).unwrap_or_default();
        net::evidence(trailer.next_header, payload, packet.from, packet.to)
    }

    /// Opens what nothing proves, if it is plausible then.
    fn unchecked(&mut self, id: SaId, sa: &Sa, packet: &Sealed<'_>) -> Result<OpenedEsp, Unopened> {
        sa.protection
            .open_esp(packet.bytes, None, &mut self.text)
            .map_err(unopened)?;
        let trailer = trailer(&self.text)
            .filter(|trailer| {
                let bits = self.evidence(packet, trailer);
                let counts = self.counts(trailer);
                let enough = match sa.is_of_one_spi() {
                    true => PLAUSIBLE,
                    false => PLAUSIBLE_OF_ANY,
                };
                let padded = 8 * u32::from(trailer.pad_length);
                bits.is_some_and(|bits| bits >= BEYOND_PADDING || counts && bits + padded >= enough)
            })
            .ok_or(Unopened::Senseless)?;
        Ok(self.opened(id, packet, &trailer, false, None))
    }

    fn opened(
        &mut self,
        sa: SaId,
        packet: &Sealed<'_>,
        trailer: &Trailer,
        checked: bool,
        high: High,
    ) -> OpenedEsp {
        self.payload = trailer.payload;
        let Trailer {
            next_header,
            pad_length,
            ..
        } = *trailer;
        OpenedEsp {
            sa,
            checked,
            high,
            next_header,
            pad_length,
            inner: Inner::read(next_header, self.payload(), packet.from, packet.to),
        }
    }
}

/// Bits of what was decrypted, without a checksum, that must be what its protocol demands, beside a
/// padding of no octets: next header and padding alone pass one packet of some thousands.
const PLAUSIBLE: u32 = 7;

/// The same for keys of any SPI, which are tried on many packets that are not theirs.
const PLAUSIBLE_OF_ANY: u32 = 16;

/// Bits that need no padding that counts: an algorithm may ask for another, such as random octets
/// (RFC 4303 section 2.4).
const BEYOND_PADDING: u32 = 24;

/// Payload, padding, its length, and the next header (RFC 4303 section 2); `None` if the padding is
/// longer than all there is.
fn trailer(text: &[u8]) -> Option<Trailer> {
    let (&[pad_length, next_header], body) =
        text.split_last_chunk().map(|(body, end)| (end, body))?;
    Some(Trailer {
        payload: body.len().checked_sub(pad_length.into())?,
        pad_length,
        next_header,
    })
}

fn unopened(error: OpenError) -> Unopened {
    match error {
        OpenError::TooShort => Unopened::TooShort,
        OpenError::NotABlock => Unopened::NotABlock,
        OpenError::Integrity => Unopened::Integrity,
    }
}
