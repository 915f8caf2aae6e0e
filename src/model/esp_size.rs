//! What the sizes of sealed ESP packets leave open: the family of the cipher, how large packets are
//! inside, and whether they were cut.
//!
//! ```text
//! size = 8 (SPI, sequence number) + IV + roundup(inner + 2, block) + ICV   (RFC 4303 section 2)
//! ```
//!
//! Sizes alone prove nothing: what is said here are sets of which one is true, unless the sender pads
//! at will (RFC 4303 section 2.7, RFC 9347).

use super::esp_flow::{EspFlow, OpenedTally, Rhythm, SizeTally, Transport};
use crate::language::{Text, parted};
use crate::say;
use crate::units::Span;
use std::fmt;
use std::ops::RangeInclusive;

/// What ESP adds, as far as sizes tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Overhead {
    /// Octets of IV.
    pub iv: u32,
    /// Block that is filled up.
    pub block: u32,
    /// Octets of checksum.
    pub icv: u32,
}

/// Ciphers that sizes cannot tell apart, by the block that they fill up.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Family {
    /// Four octets, to which ESP itself aligns: AEAD, counter mode, NULL.
    Aligned,
    /// Eight octets: 3DES and its like.
    Block8,
    /// Sixteen octets: AES-CBC, Camellia-CBC.
    Block16,
}

impl Family {
    /// The algorithms in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Aligned => "AEAD or NULL",
            Self::Block8 => "3DES",
            Self::Block16 => "AES-CBC",
        }
    }
}

impl Overhead {
    /// Every suite in use that encrypts: AES-CBC with each HMAC, 3DES, AEAD.
    pub const ALL: [Self; 7] = [
        Self::new(16, 16, 12),
        Self::new(16, 16, 16),
        Self::new(16, 16, 24),
        Self::new(16, 16, 32),
        Self::new(8, 8, 12),
        Self::new(8, 8, 16),
        Self::new(8, 4, 16),
    ];

    /// What else packets that end on four octets may be: shorter checksums (RFC 4106 section 6),
    /// and NULL with each HMAC (RFC 2410).
    const ALIGNED: [Self; 6] = [
        Self::new(8, 4, 8),
        Self::new(8, 4, 12),
        Self::new(0, 4, 12),
        Self::new(0, 4, 16),
        Self::new(0, 4, 24),
        Self::new(0, 4, 32),
    ];

    const fn new(iv: u32, block: u32, icv: u32) -> Self {
        Self { iv, block, icv }
    }

    /// The ciphers that it may be of.
    pub fn family(self) -> Family {
        match self.block {
            16 => Family::Block16,
            8 => Family::Block8,
            _ => Family::Aligned,
        }
    }

    /// Whether a packet of this suite can have this size, from SPI to checksum.
    pub fn fits(self, size: u32) -> bool {
        size.checked_sub(8 + self.iv + self.icv)
            .is_some_and(|sealed| sealed > 0 && sealed.is_multiple_of(self.block))
    }

    /// Whether it fits every size that came, listed or not.
    fn fits_all(self, sizes: &SizeTally) -> bool {
        let rest = (8 + self.iv + self.icv) % self.block;
        let aligned = (0..16).all(|n| sizes.residues >> n & 1 == 0 || n % self.block == rest);
        aligned && sizes.counts.iter().all(|(size, _)| self.fits(*size))
    }

    /// Octets of the packet inside one of this size, with no more padding than needed; `None` if
    /// the size does not fit.
    pub fn inside(self, size: u32) -> Option<RangeInclusive<u32>> {
        let sealed = size.checked_sub(8 + self.iv + self.icv)?;
        let largest = sealed.checked_sub(2)?;
        let fits = sealed.is_multiple_of(self.block);
        fits.then(|| largest.saturating_sub(self.block - 1)..=largest)
    }

    /// The largest inner packet for an outer MTU.
    pub fn inner(self, mtu: u32, v6: bool, transport: Transport) -> u32 {
        let around = header(v6) + transport.octets() + 8 + self.iv + self.icv;
        let room = mtu.saturating_sub(around);
        (room / self.block * self.block).saturating_sub(2)
    }

    /// The suites that every size of these flows fits.
    ///
    /// Few distinct sizes tell little: an AEAD flow of one size may look like AES-CBC.
    pub fn of<'a>(flows: impl Iterator<Item = &'a EspFlow>) -> Vec<Self> {
        let mut fit = Self::ALL.to_vec();
        for flow in flows {
            for (size, _) in &flow.sizes.counts {
                fit.retain(|suite| suite.fits(*size));
            }
        }
        if fit.is_empty() {
            fit = Self::ALL.to_vec();
        }
        fit
    }
}

/// Octets of an IP header without options.
pub(crate) fn header(v6: bool) -> u32 {
    if v6 { 40 } else { 20 }
}

/// What the sizes of one sealed flow leave open.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// Why sizes tell nothing: they are all alike at a steady rate. The rest is then empty.
    pub padded: bool,
    /// What the sender may add; empty if no suite in use gives such sizes.
    pub suites: Vec<Overhead>,
    /// Distinct sizes that say so.
    pub distinct: usize,
    /// Chance that inner packets of random lengths under a cipher without blocks would look like one
    /// with the largest block that fits.
    pub chance: Option<f64>,
    /// The largest packets, if many are as large: what the MTU or the MSS inside allows.
    pub plateau: Option<Plateau>,
    /// Whether packets are cut, and when.
    pub cut: Option<Cut>,
    /// Octets of the largest inner packet, at least and at most.
    pub inner: Option<(u32, u32)>,
}

/// Many packets of the largest size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plateau {
    /// Their size from SPI to checksum.
    pub size: u32,
    /// How many.
    pub packets: u32,
    /// Octets of the whole outer packet.
    pub outer: u32,
    /// Whether an Ethernet frame would take more, and what is inside is as large as a limit can be: a smaller
    /// MTU, or TCP that is told to send less.
    pub has_room: bool,
}

/// When packets that are too large are cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    /// After sealing: the outer packets come in IP fragments.
    Sealed,
    /// Before sealing, perhaps: whenever one of the largest came, one of this size came with it.
    Before(u32),
}

/// A chance below this is none.
const CHANCE: f64 = 1.0 / 1024.0;

/// So many packets of the largest size, and one in so many, make a plateau.
const PLATEAU: (u32, u64) = (10, 50);

/// The MTU of Ethernet.
const ETHERNET: u32 = 1500;

/// What every host takes, and so the packets of TCP that is told no MSS (RFC 791 section 3.1, RFC 9293
/// section 3.7.1). No limit of IPv6 is below 1280 (RFC 8200 section 5), but sizes do not tell what is inside.
const LEAST_LIMIT: u32 = 576;

impl Inferred {
    /// What the sizes of a flow leave open; `None` for AH, and where packets were read, since
    /// nothing is left open then.
    pub fn of(flow: &EspFlow) -> Option<Self> {
        if !tells(flow) {
            return None;
        }
        if is_padded(flow) {
            return Some(Self {
                padded: true,
                suites: Vec::new(),
                distinct: 1,
                chance: None,
                plateau: None,
                cut: None,
                inner: None,
            });
        }
        let sizes = &flow.sizes;
        let all = Overhead::ALL.iter().chain(&Overhead::ALIGNED).copied();
        let mut suites: Vec<Overhead> = all.filter(|suite| suite.fits_all(sizes)).collect();
        let distinct = sizes.counts.len();
        let block = suites.iter().map(|suite| suite.block).max();
        let chance = block.filter(|block| *block > 4).map(|block| {
            let others = i32::try_from(distinct)
                .unwrap_or(i32::MAX)
                .saturating_sub(1);
            (4.0 / f64::from(block)).powi(others)
        });
        if chance.is_some_and(|chance| chance < CHANCE) {
            suites.retain(|suite| Some(suite.block) == block);
        }
        let inner = inside(&suites, sizes.largest);
        Some(Self {
            padded: false,
            distinct,
            chance,
            plateau: plateau(flow, &suites),
            cut: cut(flow),
            inner,
            suites,
        })
    }

    /// Whether sizes might tell of a flow, but for its being [`padded`](Self::padded).
    pub fn is_padded(flow: &EspFlow) -> bool {
        tells(flow) && is_padded(flow)
    }

    /// Whether the sizes of a flow tell nothing that is not read, or nothing at all.
    pub fn is_opaque(flow: &EspFlow) -> bool {
        !tells(flow) || is_padded(flow)
    }

    /// The families that its suites are of, each once.
    pub fn families(&self) -> Vec<Family> {
        let mut families: Vec<Family> = self.suites.iter().map(|suite| suite.family()).collect();
        families.sort_unstable();
        families.dedup();
        families
    }

    /// Octets that may be inside a packet of this size, at least and at most.
    pub fn inside(&self, size: u32) -> Option<(u32, u32)> {
        inside(&self.suites, size)
    }

    /// Whether a packet of this size may hold one of exactly so many octets.
    pub fn may_hold(&self, size: u32, inner: u32) -> bool {
        let mut ranges = self.suites.iter().filter_map(|suite| suite.inside(size));
        ranges.any(|range| range.contains(&inner))
    }
}

/// `AEAD or NULL; inner packets up to 1438`.
impl From<&Inferred> for Text {
    fn from(inferred: &Inferred) -> Self {
        if inferred.padded {
            return "all of one size at a steady rate: padded (TFC, IP-TFS) or one stream; sizes tell nothing".into();
        }
        let families = inferred.families();
        if families.is_empty() {
            return "sizes of no suite in use".into();
        }
        let mut says = parted(" or ", families.iter().map(|family| family.words()));
        if let (Some(chance), 1) = (inferred.chance, families.len()) {
            let chances = Self::verbatim(format_args!("{:.0}", (1.0 / chance).min(1e9)));
            says = say!("{says} (by chance 1 in {chances})", says, chances);
        }
        if let Some((least, most)) = inferred.inner {
            says = match &inferred.plateau {
                Some(plateau) if plateau.has_room => say!(
                    "{says}; many inner packets of {least} to {most}, less than Ethernet takes: a smaller MTU or \
                     a clamped MSS",
                    says,
                    least,
                    most
                ),
                Some(_) => say!(
                    "{says}; many inner packets of {least} to {most}",
                    says,
                    least,
                    most
                ),
                None => say!("{says}; inner packets up to {most}", says, most),
            };
        }
        match inferred.cut {
            Some(Cut::Sealed) => say!("{says}; cut after sealing", says),
            Some(Cut::Before(_)) => say!("{says}; perhaps cut before sealing", says),
            None => says,
        }
    }
}

/// English.
impl fmt::Display for Inferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::from(self).fmt(f)
    }
}

fn inside(suites: &[Overhead], size: u32) -> Option<(u32, u32)> {
    let ranges = suites.iter().filter_map(|suite| suite.inside(size));
    let ends = ranges.map(|range| (*range.start(), *range.end()));
    ends.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
}

/// Whether sizes tell of a flow what is not read anyway.
fn tells(flow: &EspFlow) -> bool {
    let readable = flow.opened.as_ref().map_or(0, OpenedTally::readable);
    !flow.key.ah && readable == 0 && flow.null.is_none() && flow.packets > 0
}

/// Whether sizes tell nothing: one size only, for long, at a steady rate (RFC 9347 section 2.2). A
/// ping is steady as well, but slow.
fn is_padded(flow: &EspFlow) -> bool {
    /// So many packets, and so many a second.
    const LONG: u64 = 200;
    const RATE: u64 = 10;
    let sizes = &flow.sizes;
    let steps = flow.timeline.counts.as_slice();
    // The last step is rarely whole.
    let [whole @ .., _] = steps else { return false };
    let (Some(least), Some(most)) = (whole.iter().min(), whole.iter().max()) else {
        return false;
    };
    let rate = u64::from(*least) / u64::from(flow.timeline.step_secs.max(1));
    sizes.counts.len() == 1
        && sizes.others == 0
        && flow.packets >= LONG
        && whole.len() >= 4
        && rate >= RATE
        && u64::from(*most) * 10 <= u64::from(*least) * 11 + 10
}

fn plateau(flow: &EspFlow, suites: &[Overhead]) -> Option<Plateau> {
    let (size, packets) = *flow.sizes.counts.last()?;
    let (few, share) = PLATEAU;
    let many = packets >= few && u64::from(packets) * share >= flow.packets;
    // Where the list of sizes was full, larger ones may be missing from it.
    if !many || size != flow.sizes.largest || flow.sizes.counts.len() < 2 {
        return None;
    }
    let (v6, transport) = (flow.key.to.is_ipv6(), flow.key.transport);
    let most = suites
        .iter()
        .map(|suite| suite.inner(ETHERNET, v6, transport));
    let held = inside(suites, size)?.1;
    Some(Plateau {
        size,
        packets,
        outer: header(v6) + transport.octets() + size,
        has_room: flow.fragmented == 0 && held >= LEAST_LIMIT && most.min()? >= held + 16,
    })
}

/// Whether packets come in IP fragments, or the largest ones with a small one each.
fn cut(flow: &EspFlow) -> Option<Cut> {
    /// So many pairs are no chance.
    const PAIRS: u32 = 8;
    /// The second half of a packet follows the first at once.
    const TOGETHER: Span = Span::from_millis(5);
    if flow.fragmented > 0 {
        return Some(Cut::Sealed);
    }
    let largest = flow.rhythms.last()?;
    if largest.size != flow.sizes.largest || largest.packets < PAIRS {
        return None;
    }
    let together = |one: &Rhythm| {
        let [first, last] = [one.first.1, one.last.1];
        let apart = |a: Span| a >= Span::default() && a <= TOGETHER;
        apart(first.since(largest.first.1)) && apart(last.since(largest.last.1))
    };
    let twin = flow.rhythms.iter().find(|one| {
        one.size < largest.size / 2 && one.packets == largest.packets && together(one)
    })?;
    Some(Cut::Before(twin.size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is inferred of the first flow of a conversation.
    fn inferred(text: &str) -> Inferred {
        let model = crate::testing::model(text);
        Inferred::of(model.flows.iter().next().unwrap()).unwrap()
    }

    /// Sizes of packets under a suite, by the formula of RFC 4303.
    fn sizes(suite: Overhead, inner: &[u32]) -> String {
        let size = |inner: &u32| {
            let sealed = (inner + 2).next_multiple_of(suite.block);
            (8 + suite.iv + sealed + suite.icv).to_string()
        };
        inner.iter().map(size).collect::<Vec<_>>().join(",")
    }

    /// The last of sizes that go up.
    fn last_of(sizes: &str) -> u32 {
        sizes.split(',').next_back().unwrap().parse().unwrap()
    }

    const MIXED: [u32; 8] = [40, 52, 84, 131, 577, 900, 1201, 1400];

    #[test]
    fn the_room_inside_1500_is_as_computed_by_hand() {
        for (suite, plain, natt) in [
            (Overhead::new(8, 4, 16), 1446, 1438),
            (Overhead::new(16, 16, 12), 1438, 1422),
            (Overhead::new(16, 16, 16), 1438, 1422),
            (Overhead::new(16, 16, 32), 1422, 1406),
            (Overhead::new(8, 8, 12), 1446, 1438),
        ] {
            assert_eq!(suite.inner(1500, false, Transport::Ip), plain, "{suite:?}");
            assert_eq!(suite.inner(1500, false, Transport::Udp), natt, "{suite:?}");
        }
    }

    #[test]
    fn the_true_suite_is_always_among_those_inferred() {
        for suite in Overhead::ALL.into_iter().chain(Overhead::ALIGNED) {
            let sizes = sizes(suite, &MIXED);
            let inferred = inferred(&format!("0 A > B ESP 0xb1 seq 1..80 size {sizes}"));
            assert!(inferred.suites.contains(&suite), "{suite:?} {inferred:?}");
            let largest = last_of(&sizes);
            assert!(inferred.may_hold(largest, 1400), "{suite:?}");
        }
    }

    #[test]
    fn enough_sizes_tell_the_family_and_few_do_not() {
        let cbc = Overhead::new(16, 16, 16);
        let family = |inner: &[u32]| {
            let text = format!("0 A > B ESP 0xb1 seq 1..80 size {}", sizes(cbc, inner));
            inferred(&text).families()
        };
        assert_eq!(family(&MIXED), [Family::Block16]);
        assert_eq!(
            family(&[84, 40]),
            [Family::Aligned, Family::Block8, Family::Block16]
        );
    }

    #[test]
    fn one_size_refutes_a_block() {
        let text = format!(
            "0 A > B ESP 0xb1 seq 1..80 size {}",
            sizes(Overhead::new(8, 4, 16), &MIXED)
        );
        assert_eq!(
            inferred(&text).to_string(),
            "AEAD or NULL; many inner packets of 1391 to 1414, less than Ethernet takes: a smaller MTU or a clamped MSS"
        );
    }

    #[test]
    fn no_limit_is_smaller_than_what_every_host_takes() {
        let says = |inner: u32| {
            let sizes = sizes(Overhead::new(8, 4, 16), &[40, 52, 84, inner]);
            let says = inferred(&format!("0 A > B ESP 0xb1 seq 1..80 size {sizes}")).to_string();
            says.contains("a smaller MTU or a clamped MSS")
        };
        assert!(!says(128) && !says(548));
        assert!(says(576) && says(1400));
    }

    #[test]
    fn a_steady_stream_of_one_size_switches_it_off() {
        let stream = inferred("0 A > B ESP 0xb1 seq 1..600 every 0.01 size 1280");
        assert!(stream.padded && stream.suites.is_empty());
        assert!(!inferred("0 A > B ESP 0xb1 seq 1..600 every 1 size 140").padded);
    }

    #[test]
    fn a_small_packet_with_each_of_the_largest_may_be_its_rest() {
        let pairs = inferred("0 A > B ESP 0xb1 seq 1..60 every 0.001 size 1452,96,140");
        assert_eq!(pairs.cut, Some(Cut::Before(96)));
        let apart = inferred("0 A > B ESP 0xb1 seq 1..60 every 0.1 size 1452,96,140");
        assert_eq!(apart.cut, None);
    }
}
