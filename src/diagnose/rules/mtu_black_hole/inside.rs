//! Packets inside that are acknowledged or answered up to some size, and never beyond.

use super::amid::amid;
use super::band::band_inside;
use super::fragmented::limit;
use super::sizes::{Place, Sizes, sizes};
use super::{PATTERN, RULE, what_changed};
use crate::diagnose::facts::inner::{self, Inside};
use crate::diagnose::facts::overhead::LEAST_MTU;
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{icmp::Meaning, overhead};
use crate::diagnose::{Case, Confidence, Finding, Severity};
use crate::language::Text;
use crate::say;
use crate::units::{Span, Vantage};
use std::collections::BTreeMap;

/// Inside the tunnel packets up to some size are acknowledged or answered, larger ones never: of all that go to an end,
/// or of those to one host behind it.
pub(super) fn by_inner_size(case: &Case<'_>) -> Option<Finding> {
    let inside = case.inside()?;
    let told = |found: &BTreeMap<Place, Sizes>| {
        found
            .iter()
            .filter(|(_, sizes)| sizes.passes > 0 && !sizes.small_lost && sizes.sent >= PATTERN)
            .filter(|(_, sizes)| !sizes.bare || sizes.lost.is_some_and(|lost| lost > SMALLEST))
            .find_map(|(place, sizes)| inner_finding(case, inside, *place, sizes))
    };
    let all = sizes(case, inside, false);
    let differ = || all.values().any(|sizes| sizes.small_lost);
    let band = || {
        let mixed = all.iter().filter(|(_, sizes)| sizes.small_lost);
        let mut bands = mixed.filter_map(|((vantage, end, _), sizes)| {
            band_inside(case, inside, &sizes.all, (*vantage, *end))
        });
        bands.next()
    };
    told(&all)
        .or_else(band)
        .or_else(|| differ().then(|| told(&sizes(case, inside, true))).flatten())
        .or_else(|| told(&amid(case, inside)))
}

/// Every host takes packets of this size (RFC 791 section 3.1), so no link has a smaller MTU.
pub(super) const SMALLEST: u32 = 576;

fn inner_finding(
    case: &Case<'_>,
    inside: &Inside<'_>,
    (vantage, end, host): Place,
    sizes: &Sizes,
) -> Option<Finding> {
    let lost = sizes.lost?;
    let (seen, _) = sizes.places.iter().min_by_key(|(seen, _)| seen.first)?;
    let first = seen.first;
    let last = sizes.places.iter().map(|(seen, _)| seen.last);
    let last = last.max_by_key(|cite| cite.1)?;
    // Gaps are what is looked for here, since the answers may be too large as well: small ones pass.
    let when = (first.1, last.1);
    if !inside.would_see(vantage, end, u64::MAX, when) {
        return None;
    }
    let (asker, asked) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    // As large as an echo request is its answer: where as many numbers are missing on the way back, those were lost.
    let missing = inside.lacks(vantage, end, when);
    let all_echoes = sizes.echoes >= sizes.sent;
    let answers_lost = host.is_none() && all_echoes && missing.saturating_mul(2) >= sizes.sent;
    let (from, to) = match answers_lost {
        true => (asked, asker),
        false => (asker, asked),
    };
    // What is lost travels towards the side that asks where the answers are.
    let towards = if answers_lost { 1 - end } else { end };
    // An MTU outside what passes and what does not is of another way.
    let mut errors = inside
        .all_errors()
        .filter(|error| inner::meaning(error) == Meaning::TooBig);
    let told = errors.find_map(|error| {
        let mtu = error.mtu.filter(|mtu| (sizes.passes..lost).contains(mtu))?;
        Some((error, mtu))
    });
    // Of a single connection the other host may be gone just after the handshake.
    let once = sizes.bare && !sizes.passed_since(Span(1), first.1);
    // What drops the packets of a single connection may do so whatever their size.
    let alone = sizes.places.len() == 1 && !all_echoes;
    let quiet = || sizes.all.iter().all(|lost| lost.quiet);
    let single = alone && (sizes.amid.is_some() || quiet());
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(once || single),
        case.id,
        first,
        say!("{size} octets inside, never acknowledged", size = lost),
    )
    .also(last, "the last time")
    .title(match host {
        None => say!("Large packets from {from} to {to} vanish", from, to),
        Some(host) => say!("Large packets to {host} behind {to} vanish", host, to),
    })
    .says(
        match sizes.bare {
            _ if host.is_some() => say!(
                "Inside the tunnel packets from the side of {from} to {host} were acknowledged or answered up to \
                 {passes} octets.",
                from = asker,
                host = host?,
                passes = sizes.passes
            ),
            _ if sizes.amid.is_some() => say!(
                "Inside the tunnel packets from the side of {from} of up to {passes} octets were acknowledged or \
                 answered, while larger ones vanished.",
                from = asker,
                passes = sizes.passes
            ),
            true => say!(
                "Inside the tunnel connections open, so small packets from the side of {from} arrive.",
                from = asker
            ),
            false => say!(
                "Inside the tunnel packets from the side of {from} were acknowledged or answered up to {passes} \
                 octets.",
                from = asker,
                passes = sizes.passes
            ),
        }
        .then(sizes.in_vain(lost, when.1.since(when.0)))
        .then(sizes.amid.as_ref().map(|amid| match amid.heals {
            false => say!("Before, packets of up to {larger} octets had passed.", larger = amid.larger),
            true => say!(
                "Before and after that time, packets of up to {larger} octets passed.",
                larger = amid.larger
            ),
        }))
        .then(answers_lost.then(|| say!(
            "Meanwhile {missing} numbers of {from} are missing: the answers, which are as large, were sent and lost.",
            missing,
            from
        )))
        .then(told.map(|(error, mtu)| {
            say!("{error} tells an MTU of {mtu}.", error = inner::said(error), mtu)
        }))
        .then(host.is_some().then_some(
            "Packets as large to other hosts there were acknowledged: the path between the gateways takes them.",
        )),
    );
    finding =
        match (answers_lost, all_echoes) {
            (true, _) => finding
                .or("The requests are lost, and other packets of the other direction besides."),
            (false, true) if missing > 0 => finding
                .or("Of echo requests the answers may be lost instead, in the other direction."),
            (false, _) => finding,
        };
    if single {
        finding = finding.or(
            "A firewall or a NAT lost the state of that connection, and drops its packets whatever their size.",
        );
    }
    if sizes.amid.is_some() {
        if single {
            finding = finding.severity(Severity::Warning);
        }
        finding = finding
            .or("A filter or a policer began to drop packets by their length.")
            .advise(what_changed());
    }
    if let Some(host) = host {
        finding = finding
            .or("A path that is chosen by SPI is smaller for the SA of these packets.")
            .advise(say!(
                "Behind {to}, look for a link on the way to {host} that is smaller, and let its ICMP 3/4 (ICMPv6 2) back \
                 into the tunnel.",
                to,
                host
            ));
    }
    finding = finding
        .advise(inner_advice(
            case,
            vantage,
            towards,
            sizes,
            told.map(|(_, mtu)| mtu),
        )?)
        .advise_all(vendor_advice::of_both(case, Topic::Mtu))
        .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between.");
    match (once, single) {
        (true, _) => {
            finding = finding
                .or("The host that the data is for went away just after the connection opened.");
        }
        (_, true) => finding = finding.or("The host that the data is for went away."),
        _ => {}
    }
    for (seen, size) in &sizes.places {
        finding = finding.also(
            seen.first,
            say!("{size} octets inside, never acknowledged", size),
        );
    }
    Some(finding)
}

/// Which size to set inside, where packets to an end are lost: what an ICMP error tells, what needs no
/// fragments where they are what is lost, or what is known to pass if that is hardly less than what is not.
/// Otherwise the limit may lie anywhere between, and only what fits every path is safe.
fn inner_advice(
    case: &Case<'_>,
    vantage: Vantage,
    end: usize,
    sizes: &Sizes,
    told: Option<u32>,
) -> Option<Text> {
    let (passes, lost) = (sizes.passes, sizes.lost?);
    let mss = |inner: u32| overhead::mss(inner, sizes.v6);
    let v6 = case.tunnel.ends.get(end)?.is_ipv6();
    let fits = |mtu: u32| {
        let (inner, _) = overhead::safe(case.flows(), mtu, v6);
        (passes..lost).contains(&inner).then_some(inner)
    };
    let cut = || limit(case, case.directions_at(vantage)?, end).and_then(fits);
    let near = || (lost.saturating_sub(passes) <= lost / 10).then_some(passes);
    Some(match told.or_else(cut).or_else(near) {
        Some(inner) => say!(
            "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}; the limit lies between {passes} and {lost} \
             octets.",
            inner,
            mss = mss(inner),
            passes,
            lost
        ),
        None => match fits(LEAST_MTU) {
            Some(inner) => say!(
                "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}: so ESP fits nearly every path, being \
                 {least} octets at most. Then raise it step by step: {passes} octets pass, and of {lost} none does.",
                inner,
                mss = mss(inner),
                least = LEAST_MTU,
                passes,
                lost
            ),
            None => say!(
                "Lower the inner MTU or the TCP MSS step by step: inside, packets of {passes} octets pass, and of \
                 {lost} none does.",
                passes,
                lost
            ),
        },
    })
}
