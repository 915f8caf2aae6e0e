//! ESP packets whose checksum is wrong under the right key.

use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{end_of, esp, own, taps};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{EspFlow, Failure, Link, OpenedTally};
use crate::net::Unopened;
use crate::say;
use crate::units::Span;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "icv-mismatch",
    code: "ESP415",
    severity: Severity::Error,
    summary: "ESP packets fail their checksum",
    document: DOCUMENT,
    explains: &[
        "esp-one-way",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
The receiver drops ESP packets whose checksum (ICV) is wrong, and says nothing. Either packets are changed on their way, or the sender computes another checksum than was negotiated.

## How it is seen
With keys. Changed on the way: the key opens packets of an SA before and after others of the same SA that it does not open; or none of an SA opens, though the same packets do at another tap, or the other direction of the same child SA does, or, as far as nothing comes back, the SA before it. Another checksum: SHA2-256 was negotiated, whose checksum has 128 bits (RFC 4868), and every packet of one direction has the length that one of 96 bits gives, as a draft before that RFC had it and some systems still do.

## What else looks like it
A wrong key for espial: then no packet of the SA opens, and where nothing shows that the key is right, that is told under `blind`, not here. Forged packets, which anyone can send who has seen the SPI. Packets that a network card encrypts after they were recorded.

## What to do
1. Changed on the way: look for a device that rewrites packets, for bad memory, for checksum offload; capture on both sides and compare.
2. Another length: update the system that truncates to 96 bits, or set it to 128 bits (on Linux `hmac(sha256)` with truncation 128); or choose another integrity algorithm on both sides.
";

const DEVICES: &str =
    "Look for devices that rewrite packets, bad memory, and offload of network cards.";

/// So many in a hundred are a fault, not an accident.
const GRAVE_PERCENT: u64 = 1;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let flows = || case.flows().filter(|flow| !flow.key.ah);
    // One of each direction: what changes packets may do so both ways.
    let spoilt = |end: usize| {
        flows()
            .filter_map(|flow| Some((flow, flow.opened.as_ref()?)))
            .filter(|(flow, _)| end_to(case, flow) == Some(end))
            .find_map(|(flow, tally)| corrupted(case, flow, tally))
    };
    let mut found: Vec<Finding> = [0, 1].into_iter().filter_map(spoilt).collect();
    if found.is_empty() {
        found.extend(flows().find_map(|flow| truncated(case, flow)));
    }
    if found.is_empty() {
        let failing = flows().filter(|flow| fails(flow));
        found.extend(failing.take(LOOKED_AT).find_map(|flow| wholly(case, flow)));
    }
    found
}

/// With wrong keys for many SAs no more are looked at.
const LOOKED_AT: usize = 64;

/// Whether the checksums of all packets are wrong under the keys that are given for their SPI.
fn fails(flow: &EspFlow) -> bool {
    /// A few may be forged.
    const MANY: u64 = 5;
    flow.opened.as_ref().is_some_and(|tally| {
        let failed = tally.failed.get(&Unopened::Integrity);
        failed.is_some_and(|failed| *failed >= MANY && *failed == tally.packets())
    })
}

/// Not a single packet of an SA opens, though its key is given, and something shows that the key is right: the same
/// packets are intact at another tap, or the key of the other direction, of the same child SA, opens that.
fn wholly(case: &Case<'_>, flow: &EspFlow) -> Option<Finding> {
    let failed = flow.opened.as_ref()?.packets();
    let [from, to] = ends(case, flow)?;
    // What its sender's network card encrypts is recorded beside it before it is.
    let here = case.directions_at(flow.key.vantage);
    if here.is_some_and(|here| own::end(here).is_some_and(|end| Some(end) != end_to(case, flow))) {
        return None;
    }
    let proof = proof(case, flow)?;
    let confidence = match proof {
        Proof::Elsewhere(_) => Confidence::Certain,
        Proof::Back(_) => Confidence::Likely,
        Proof::Before(_) => Confidence::Possible,
    };
    let finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        flow.seen.first,
        "its checksum is wrong",
    )
    .also(flow.seen.last, "so is that of the last")
    .title(say!(
        "ESP from {from} to {to} is changed on its way",
        from,
        to
    ))
    .says(say!(
        "None of {packets} of SA {spi} has the checksum that its key gives. {to} drops them and says nothing.",
        packets = count(failed, "packet"),
        spi = flow.key.spi,
        to
    ));
    let (other, says) = match proof {
        Proof::Elsewhere(twin) => {
            return Some(tell_intact(case, finding, flow, twin).advise(DEVICES));
        }
        Proof::Back(other) => (
            other,
            say!(
                "The other direction of the same child SA, {spi}, opens with the key that was given for it.",
                spi = other.key.spi
            ),
        ),
        Proof::Before(other) => (
            other,
            say!(
                "The SA before, {spi}, opens with the key that was given for it, and nothing came back on the new one.",
                spi = other.key.spi
            ),
        ),
    };
    let mut finding = finding
        .beside(
            other.seen.first,
            say!("{spi}, which its key opens", spi = other.key.spi),
        )
        .or("The key that was given for this direction is wrong.")
        .or(say!(
            "{from} computes the checksum in another way than was negotiated.",
            from
        ))
        .advise(compare(from, to));
    finding.says.add(says);
    Some(finding.advise(DEVICES))
}

fn compare(from: IpAddr, to: IpAddr) -> Text {
    say!(
        "Capture at {from} and at {to} and compare the packets cited: where they differ lies the \
         device that changes them.",
        from,
        to
    )
}

/// What shows that the key of packets is right of which it opens none.
enum Proof<'m> {
    /// The same packets, at another tap.
    Elsewhere(&'m EspFlow),
    /// The other direction of the same child SA: both keys come from one place.
    Back(&'m EspFlow),
    /// The SA before it in the same direction; on this one nothing comes back.
    Before(&'m EspFlow),
}

fn proof<'m>(case: &Case<'m>, flow: &EspFlow) -> Option<Proof<'m>> {
    /// One SA takes the place of another at once, and that may be used for a moment yet.
    const AT_ONCE: Span = Span::from_secs(5);
    let opens = |other: &EspFlow| {
        let tally = other.opened.as_ref();
        tally.is_some_and(|tally| tally.opened >= ENOUGH)
    };
    if let Some(twin) = intact(case, flow) {
        return Some(Proof::Elsewhere(twin));
    }
    let Link::Proven(id) = flow.child_sa else {
        return None;
    };
    let flows = case.model.child_sas[id].flows.iter().flatten();
    let mut back = flows
        .map(|id| &case.model.flows[*id])
        .filter(|other| other.key.to != flow.key.to)
        .peekable();
    if back.peek().is_some() {
        let mut here = back.filter(|other| other.key.vantage == flow.key.vantage);
        return here.find(|other| opens(other)).map(Proof::Back);
    }
    let mut before = case.flows().filter(|other| {
        (other.key.vantage, other.key.to) == (flow.key.vantage, flow.key.to)
            && other.seen.first.1 < flow.seen.first.1
            && other.seen.last.1 <= flow.seen.first.1.later(AT_ONCE)
    });
    before.find(|other| opens(other)).map(Proof::Before)
}

/// Tells that the same packets are intact at another tap.
fn tell_intact(case: &Case<'_>, mut finding: Finding, flow: &EspFlow, twin: &EspFlow) -> Finding {
    let [here, there] = [flow, twin].map(|flow| taps::name(case.model, flow.key.vantage));
    finding.says.add(say!(
        "At {there} the same packets are intact: they are changed between {there} and {here}.",
        there = &there,
        here
    ));
    finding.also(twin.seen.first, say!("intact at {there}", there))
}

/// The same packets at another tap, if all of them are as they were sent there.
fn intact<'m>(case: &Case<'m>, flow: &EspFlow) -> Option<&'m EspFlow> {
    case.flows().find(|other| {
        let is_twin = (other.key.spi, other.key.to) == (flow.key.spi, flow.key.to)
            && other.key.vantage != flow.key.vantage;
        is_twin
            && other.opened.as_ref().is_some_and(|tally| {
                tally.opened >= ENOUGH && !tally.failed.contains_key(&Unopened::Integrity)
            })
    })
}

/// Packets that do not open among others of the same SA that do.
fn corrupted(case: &Case<'_>, flow: &EspFlow, tally: &OpenedTally) -> Option<Finding> {
    let proven = tally.proven?;
    let among = |failure: &&Failure| {
        matches!(failure.why, Unopened::Integrity)
            && failure.time >= proven.first.1
            && failure.time <= proven.last.1
            && tally.opened >= ENOUGH
    };
    let places: Vec<&Failure> = tally.failures.iter().filter(among).collect();
    let first = places.first()?;
    // More than are kept to be cited failed for the same reason, as far as is known.
    let all = tally.failed.get(&Unopened::Integrity).copied().unwrap_or(0);
    let grave =
        all >= FEW && all.saturating_mul(100) >= tally.packets().saturating_mul(GRAVE_PERCENT);
    let [from, to] = ends(case, flow)?;
    let cite = |failure: &Failure| -> Cite { (failure.frame, failure.time) };
    let mut finding = Finding::new(
        &RULE,
        if places.len() as u64 >= FEW {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
        case.id,
        cite(first),
        say!(
            "sequence number {sequence}: checksum is wrong",
            sequence = first.sequence
        ),
    )
    .title(say!(
        "ESP from {from} to {to} is changed on its way",
        from,
        to
    ))
    .says(say!(
        "{failed} of {packets} packets of SA {spi} fail their checksum under the key that opens \
         the others before and after them. {to} drops them and says nothing.",
        failed = all,
        packets = tally.packets(),
        spi = flow.key.spi,
        to
    ));
    finding = match intact(case, flow) {
        Some(twin) => tell_intact(case, finding, flow, twin),
        None => finding
            .or("Somebody forges packets with this SPI.")
            .advise(compare(from, to)),
    };
    finding = finding.advise(DEVICES);
    if !grave {
        finding = finding.severity(Severity::Warning);
    }
    for failure in places.iter().skip(1) {
        finding = finding.also(
            cite(failure),
            say!(
                "sequence number {sequence}: checksum is wrong",
                sequence = failure.sequence
            ),
        );
    }
    Some(finding)
}

/// Fewer are an accident.
const FEW: u64 = 3;

/// So many packets prove a key.
const ENOUGH: u64 = 3;

/// Whether all sizes are those of AES-CBC with a checksum of 96 bits.
fn is_cut(flow: &EspFlow) -> bool {
    /// SPI, sequence number, IV and a checksum of 12 octets, modulo the block of 16.
    const OF_96_BITS: u32 = (8 + 16 + 12) % 16;
    flow.sizes.residues == 1 << OF_96_BITS
}

/// AES-CBC and `AUTH_HMAC_SHA2_256_128` were negotiated, and all sizes of one direction are those of
/// a checksum of 96 bits. Where both sides cut it so, they understand each other.
fn truncated(case: &Case<'_>, flow: &EspFlow) -> Option<Finding> {
    let Link::Proven(id) = flow.child_sa else {
        return None;
    };
    let child = &case.model.child_sas[id];
    let suite = child.terms.as_ref()?.suite.as_ref()?;
    let others = child
        .flows
        .iter()
        .flatten()
        .map(|id| &case.model.flows[*id]);
    let mut others = others.filter(|other| other.key != flow.key).peekable();
    // Where the other direction was not seen, it may cut as much.
    let unseen = others.peek().is_none();
    let both = !unseen && others.all(is_cut);
    // Where keys open any, the checksum that they prove has that length.
    let read = flow.opened.as_ref().map_or(0, |tally| tally.readable());
    let proven = flow
        .opened
        .as_ref()
        .is_some_and(|tally| tally.opened >= ENOUGH);
    let known = read == 0 || proven;
    let differs = is_cut(flow) && !both;
    let cbc = is_cbc_with_sha2_256(suite.encryption, suite.integrity);
    if !cbc || !differs || !known || flow.packets < ENOUGH {
        return None;
    }
    let [from, to] = ends(case, flow)?;
    let finding = Finding::new(
        &RULE,
        match (unseen, proven) {
            (true, _) => Confidence::Possible,
            (false, true) => Confidence::Certain,
            (false, false) => Confidence::Likely,
        },
        case.id,
        flow.seen.first,
        "its length leaves 12 octets for a checksum that was negotiated with 16",
    )
    .also(flow.seen.last, "so does the last one")
    .explaining(&["esp-suites-differ"])
    .title(say!(
        "{from} truncates the checksum of SHA2-256 to 96 bits",
        from
    ))
    .says(
        say!(
            "AES-CBC with SHA2-256 of 128 bits was negotiated. {packets} of SA {spi} all have \
             lengths that leave room for a checksum of 96 bits only, so {to} finds every checksum \
             wrong and drops them.",
            packets = count(flow.packets, "packet"),
            spi = flow.key.spi,
            to
        )
        .then(proven.then_some("The negotiated keys open them with a checksum of that length.")),
    );
    let finding = match unseen {
        true => finding.severity(Severity::Warning).or(say!(
            "{to} cuts it as well, and they understand each other.",
            to
        )),
        false => finding,
    };
    let finding = match proven {
        true => finding,
        false => finding.or("Padding beyond what the cipher needs, in a flow that is not AES-CBC."),
    };
    Some(
        finding
            .advise(say!(
                "Let {from} send 128 bits (RFC 4868): update it, or set the truncation length of \
             hmac(sha256) to 128.",
                from
            ))
            .advise_all(vendor_advice::of(case, from, Topic::Sha2Truncation))
            .advise("Or choose AES-GCM, SHA2-384 or SHA2-512 on both sides."),
    )
}

/// Whether these are AES-CBC and `AUTH_HMAC_SHA2_256_128`, by their numbers in IKEv2.
pub(super) fn is_cbc_with_sha2_256(encryption: Option<u16>, integrity: Option<u16>) -> bool {
    const AES_CBC: u16 = 12;
    const SHA2_256_128: u16 = 12;
    encryption == Some(AES_CBC) && integrity == Some(SHA2_256_128)
}

/// The end that a flow goes to.
fn end_to(case: &Case<'_>, flow: &EspFlow) -> Option<usize> {
    end_of(case.tunnel, flow.key.to).or_else(|| esp::destination(case.tunnel, flow))
}

/// Who sends a flow, and to whom.
fn ends(case: &Case<'_>, flow: &EspFlow) -> Option<[std::net::IpAddr; 2]> {
    let end = end_to(case, flow)?;
    Some([*case.tunnel.ends.get(1 - end)?, *case.tunnel.ends.get(end)?])
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, said, silent, verdict};

    const GOOD: &str = "inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)";

    #[test]
    fn packets_that_are_changed_among_others_that_are_not() {
        verdict(
            &format!(
                "1 A > B ESP 0xb1 seq 1..20 every 0.2 {GOOD}
                 5 A > B ESP 0xb1 seq 21..26 every 0.1 spoilt
                 6 A > B ESP 0xb1 seq 27..40 every 0.1 {GOOD}
                 6 B > A ESP 0xa1 seq 1..40 every 0.1 {GOOD}"
            ),
            "icv-mismatch",
        );
    }

    /// A stream both ways, of which 3 packets are changed.
    fn changed(from: &str, to: &str, spi: &str, tap: &str) -> String {
        format!(
            "1 {from} > {to} ESP {spi} seq 1..20 every 0.2 {GOOD} {tap}
             5 {from} > {to} ESP {spi} seq 21..23 every 0.1 spoilt {tap}
             6 {from} > {to} ESP {spi} seq 24..40 every 0.1 {GOOD} {tap}\n"
        )
    }

    #[test]
    fn each_direction_is_told() {
        let text = changed("A", "B", "0xb1", "") + &changed("B", "A", "0xa1", "");
        let model = crate::testing::model(&text);
        let found = said(&super::RULE, &model);
        let titles: Vec<String> = found.iter().map(|one| one.title.to_string()).collect();
        assert_eq!(
            titles,
            [
                "ESP from 192.0.2.2 to 192.0.2.1 is changed on its way",
                "ESP from 192.0.2.1 to 192.0.2.2 is changed on its way"
            ]
        );
    }

    #[test]
    fn what_is_intact_at_another_tap_was_not_forged() {
        let other = format!("1 A > B ESP 0xb1 seq 1..40 every 0.125 {GOOD} tap=1");
        let finding = fires(&(changed("A", "B", "0xb1", "") + &other), "icv-mismatch");
        assert!(finding.alternatives.is_empty());
        assert!(
            finding
                .says
                .to_string()
                .contains("changed between tap 1 and tap 0"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn one_packet_in_hundreds_is_no_more_than_a_warning() {
        let finding = fires(
            &format!(
                "1 A > B ESP 0xb1 seq 1..300 every 0.01 {GOOD}
                 5 A > B ESP 0xb1 seq 301 spoilt
                 6 A > B ESP 0xb1 seq 302..600 every 0.01 {GOOD}"
            ),
            "icv-mismatch",
        );
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
    }

    #[test]
    fn a_wrong_key_is_no_wrong_packet() {
        silent(
            "1 A > B ESP 0xb1 seq 1..40 every 0.1 spoilt",
            "icv-mismatch",
        );
        // The SPI was used again, with keys that nobody gave.
        silent(
            &format!(
                "1 A > B ESP 0xb1 seq 1..40 every 0.1 {GOOD}
                 9 A > B ESP 0xb1 seq 41..80 every 0.1 spoilt"
            ),
            "icv-mismatch",
        );
    }

    #[test]
    fn where_not_one_is_as_it_was_sent_another_tap_or_the_other_direction_proves_the_key() {
        let spoilt = "1 A > B ESP 0xb1 seq 1..40 every 0.1 spoilt\n";
        let beyond = format!("{spoilt}1 A > B ESP 0xb1 seq 1..40 every 0.1 {GOOD} tap=1");
        let finding = fires(&beyond, "icv-mismatch");
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Certain);
        let text = |esp: &str| {
            let up = negotiated(136);
            let up = up.lines().filter(|line| !line.contains(" seq "));
            format!("{}\n{esp}", up.collect::<Vec<_>>().join("\n"))
        };
        let back = format!("{spoilt}1 B > A ESP 0xa1 seq 1..40 every 0.1 {GOOD}");
        let finding = fires(&text(&back), "icv-mismatch");
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Likely);
        // As long as the SA before was opened, a wrong key is less likely than packets that are changed.
        let before = format!("0.4 A > B ESP 0xb9 seq 1..5 every 0.1 {GOOD}\n{spoilt}");
        let finding = fires(&text(&before), "icv-mismatch");
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
        // Keys of which none opens anything are wrong.
        let both = format!("{spoilt}1 B > A ESP 0xa1 seq 1..40 every 0.1 spoilt");
        silent(&text(&both), "icv-mismatch");
    }

    fn negotiated(size: u32) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened SA(ESP 0xa1 ENCR_AES_CBC-128 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.0.0/24)
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened SA(ESP 0xb1 ENCR_AES_CBC-128 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.0.0/24)
             1 A > B ESP 0xb1 seq 1..5 every 1 size {size}
             1.1 B > A ESP 0xa1 seq 1..5 every 1 size 136"
        )
    }

    #[test]
    fn a_checksum_of_96_bits_where_128_were_negotiated() {
        let finding = fires(&negotiated(132), "icv-mismatch");
        assert!(
            finding.title.to_string().contains("192.0.2.1 truncates"),
            "{}",
            finding.title
        );
        silent(&negotiated(136), "icv-mismatch");
        // Both cut it, and understand each other.
        let both = negotiated(132).replace("size 136", "size 132");
        silent(&both, "icv-mismatch");
        // Of one direction alone nobody knows whether the other cuts as much.
        let alone = negotiated(132);
        let alone = alone.lines().filter(|line| !line.contains("ESP 0xa1 seq"));
        let finding = fires(&alone.collect::<Vec<_>>().join("\n"), "icv-mismatch");
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
    }
}
