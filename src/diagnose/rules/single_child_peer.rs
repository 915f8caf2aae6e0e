//! Each new child SA displaces the last.

use super::ts_narrowed::pair;
use crate::diagnose::facts::selectors::{self, Deletion};
use crate::diagnose::facts::{self, end_of, quality, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{
    EspFlow, Exchange, Flight, IkeSaId, InformationalClass, Seen, Selector, selector,
};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{EspSpi, Span, Timestamp, Vantage};
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "single-child-peer",
    code: "IKE217",
    severity: Severity::Error,
    summary: "The peer keeps one child SA only: each new one displaces the last",
    document: DOCUMENT,
    explains: &[
        "tunnel-deleted",
        "tunnel-flapping",
        "esp-one-way",
        "unknown-spi",
        "clear-text-leak",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::OPENED.or(Signs::ESP),
    check,
};

const DOCUMENT: &str = "\
## What it means
One side makes a child SA for each pair of networks; the other holds only one at a time. Each new one is accepted and the one before deleted, so always one pair works, and not the others.

## How it is seen
With the keys of the IKE SA: a child SA for other networks is made, without REKEY_SA, and within seconds the side that granted it deletes the one before. This happens several times. Where the side that asks deletes in turn what it asks for again, it is that side that holds one, and this is a warning. Without keys it is told as possible: again and again, at no steady interval and after no steady amount of traffic, a new child SA is granted, the side that granted it sends what may be a Delete, and the ESP of the one before, which was in use, stops both ways. Once is enough for a warning, with keys, if that follows at once and what was deleted is asked for again. Quick mode of IKEv1 is judged alike.

## What else looks like it
A rekeying deletes the old SA as well, for the same networks. Where two are used side by side for longer than one lived on that was deleted, the peer holds several, and it is not told. An administrator who changes the configuration deletes once.

## What to do
1. Put all networks into one child SA, if the peer takes several, or cover them by one prefix for each side.
2. Or use 0.0.0.0/0 on both sides and decide by routes.
3. Or use a connection of its own for each pair.
";

/// A displaced child SA is deleted this soon.
const SOON: Span = Span::from_secs(5);

/// Who has no room for two deletes the one when it grants the other, before it does anything else.
const AT_ONCE: Span = Span::from_millis(500);

/// So many displacements make a pattern; one does, if what was displaced is asked for again.
const PATTERN: usize = 2;

/// A child SA that was granted.
struct Made {
    /// Under which IKE SA.
    ike_sa: IkeSaId,
    at: Cite,
    /// Where that was recorded.
    vantage: Option<Vantage>,
    /// Who granted it, and who asked for it.
    from: IpAddr,
    to: IpAddr,
    /// SPIs of packets towards each side.
    spis: [Option<EspSpi>; 2],
    sides: [Vec<Selector>; 2],
    /// Those in one form, whoever asked.
    packets: Packets,
}

/// For which packets a child SA is, whichever side asked for it: the same for all that are for the same.
type Packets = [Vec<Selector>; 2];

fn packets([one, other]: &[Vec<Selector>; 2]) -> Packets {
    let mut packets = [selector::merged(one), selector::merged(other)];
    packets.sort_unstable();
    packets
}

/// A child SA that was deleted as soon as another was granted.
struct Displaced<'a> {
    before: &'a Made,
    after: &'a Made,
    deletion: Deletion,
}

impl Displaced<'_> {
    /// The message that deletes it.
    fn deleted(&self) -> Cite {
        (self.deletion.frame, self.deletion.time)
    }
}

/// How long a displaced child SA lived on at most.
fn longest(displaced: &[Displaced<'_>]) -> Span {
    let lived = displaced
        .iter()
        .map(|one| one.deletion.time.since(one.after.at.1));
    lived.max().unwrap_or_default()
}

fn check(case: &Case<'_>) -> Vec<Finding> {
    let made = made(case);
    if made.len() < 2 {
        return by_silence(case).into_iter().collect();
    }
    let deletions = Deletions::of(case);
    let displaced = |by_granter: bool| -> Vec<Displaced<'_>> {
        let pairs = made.windows(2).filter_map(|pair| {
            let [before, after] = pair else { return None };
            if is_alike(before, after) {
                return None;
            }
            let by = match by_granter {
                true => after.from,
                false => after.to,
            };
            let deletion = deletions.since(before, by, after.at.1)?;
            (deletion.time.since(after.at.1) <= SOON).then_some(Displaced {
                before,
                after,
                deletion,
            })
        });
        pairs.collect()
    };
    // Under another IKE SA everything is asked for anew.
    let asked_again = |Displaced { before, after, .. }: &Displaced<'_>| {
        let mut later = made.iter();
        later
            .any(|one| one.at.1 > after.at.1 && one.ike_sa == after.ike_sa && is_alike(one, before))
    };
    let gone = LazyCell::new(|| deletions.spis());
    // Where two live side by side for longer than one lived on that was displaced, each side holds several. They may
    // all be gone at last: who renews them may delete each and ask for it again (RFC 7296 section 1.4.1).
    let holds_two = |displaced: &[Displaced<'_>]| {
        let granter = displaced.first().map(|one| one.after.from);
        let soon = longest(displaced);
        let lasting = lasting(case, &gone);
        made.windows(2).any(|pair| {
            matches!(pair, [before, after] if Some(after.from) == granter
                && !is_alike(before, after)
                && (deletions.beside(before, after) > Some(SOON)
                    || lives_beside(case, &lasting, before, after, soon)))
        })
    };
    let by_asker = || {
        let displaced = displaced(false);
        let again = displaced.first().is_some_and(asked_again);
        (again && displaced.len() >= PATTERN && !holds_two(&displaced))
            .then(|| of_asker(case, &displaced))
            .flatten()
    };
    let displaced = displaced(true);
    let Some(one) = displaced.first() else {
        return by_asker()
            .or_else(|| by_silence(case))
            .into_iter()
            .collect();
    };
    let again = asked_again(one);
    let soon = longest(&displaced);
    let holds_others = || sends_on(case, &gone, &displaced, soon);
    let once = displaced.len() < PATTERN;
    // Of a single time all that is known is what came after what, and either side may delete a child SA when it
    // likes (RFC 7296 section 1.4.1): one that has to go for the new one goes as that is granted.
    let is_ordered = quality::clock_error(case.model, one.deletion.vantage) == Span::default();
    let tells = || again && is_ordered && soon <= AT_ONCE;
    if once && !tells() || holds_two(&displaced) || holds_others() {
        return Vec::new();
    }
    let from = one.after.from;
    let (first, next) = (pair(&one.before.sides), pair(&one.after.sides));
    let says = match displaced.len() {
        1 => say!(
            "Once {from} granted a child SA and within {soon} deleted the one before, which was for other networks: \
             first {first}, then {next}.",
            from,
            soon,
            first,
            next
        ),
        times => say!(
            "{times} times {from} granted a child SA and within {soon} deleted the one before, which was for other \
             networks: first {first}, then {next}.",
            times,
            from,
            soon,
            first,
            next
        ),
    };
    let says = says.then(again.then_some("What was deleted was asked for again."));
    // Once may be chance: what was deleted just then was not wanted for another reason.
    let confidence = Confidence::Certain.lower_if(once);
    let finding = one_at_a_time(case, &displaced, from, confidence, says);
    let chance = say!(
        "{from} deleted that one for another reason just then.",
        from
    );
    let finding = finding.map(|finding| match once {
        true => finding.severity(Severity::Warning).or(chance),
        false => finding,
    });
    finding.into_iter().collect()
}

/// The deletions of child SAs that were read, by SPI and by the end that deletes, each in order of time.
struct Deletions<'c, 'm> {
    case: &'c Case<'m>,
    of: BTreeMap<(EspSpi, Option<usize>), Vec<Deletion>>,
}

impl<'c, 'm> Deletions<'c, 'm> {
    fn of(case: &'c Case<'m>) -> Self {
        let mut of: BTreeMap<_, Vec<Deletion>> = BTreeMap::new();
        let sas = case.tunnel.ike_sas.iter();
        for one in sas.flat_map(|id| selectors::deletions(case.model, *id)) {
            let key = (one.spi, end_of(case.tunnel, one.by));
            of.entry(key).or_default().push(one);
        }
        for list in of.values_mut() {
            list.sort_by_key(|one| one.time);
        }
        Self { case, of }
    }

    /// The first deletion of a child SA by one side, at a time or later.
    fn since(&self, made: &Made, by: IpAddr, time: Timestamp) -> Option<Deletion> {
        let by = end_of(self.case.tunnel, by);
        let lists = made.spis.iter().flatten();
        let lists = lists.filter_map(|spi| self.of.get(&(*spi, by)));
        let next = lists.filter_map(|list| {
            let before = list.partition_point(|one| one.time < time);
            list.get(before).copied()
        });
        next.min_by_key(|one| one.time)
    }

    /// When either side deletes a child SA first, after it was granted.
    fn end(&self, made: &Made) -> Option<Timestamp> {
        let spis = made.spis.iter().flatten();
        let lists = spis.flat_map(|spi| self.of.range((*spi, None)..=(*spi, Some(usize::MAX))));
        let ends = lists.filter_map(|(_, list)| {
            let granted = list.partition_point(|one| one.time < made.at.1);
            Some(list.get(granted)?.time)
        });
        ends.min()
    }

    /// How long a child SA that was deleted at last lived beside the next.
    fn beside(&self, before: &Made, after: &Made) -> Option<Span> {
        let end = self.end(before)?;
        let end = self.end(after).map_or(end, |other| other.min(end));
        Some(end.since(after.at.1))
    }

    /// What was deleted.
    fn spis(&self) -> BTreeSet<EspSpi> {
        self.of.keys().map(|(spi, _)| *spi).collect()
    }
}

/// The packets that child SAs of a tunnel are for of which nothing is `gone`, as far as the recording goes, and when
/// the first of each was granted.
fn lasting(case: &Case<'_>, gone: &BTreeSet<EspSpi>) -> BTreeMap<Packets, Timestamp> {
    let model = case.model;
    let children = model.child_sas_of(case.tunnel).into_iter();
    let lasting = children.filter_map(|id| {
        let child = &model.child_sas[id];
        let made = granting(&model.exchanges[child.made_by?])?;
        let mut spis = child.spis.iter().flatten();
        let granted = child.terms.as_ref()?.granted.as_ref()?;
        let since = facts::first(model, made)?.time;
        spis.all(|spi| !gone.contains(spi))
            .then(|| (packets(granted), since))
    });
    let mut first = BTreeMap::new();
    for (packets, since) in lasting {
        let earliest = first.entry(packets).or_insert(since);
        *earliest = since.min(*earliest);
    }
    first
}

/// Whether a child SA, or what it was rekeyed to, lives for longer than `soon` beside the next.
fn lives_beside(
    case: &Case<'_>,
    lasting: &BTreeMap<Packets, Timestamp>,
    before: &Made,
    after: &Made,
    soon: Span,
) -> bool {
    let at = after.at.1;
    let ends = after
        .vantage
        .and_then(|vantage| tap::ended(case.model, vantage));
    let since = lasting.get(&before.packets);
    ends.is_some_and(|end| end.since(at) > soon) && since.is_some_and(|since| *since <= at)
}

/// Whether who deleted a child SA sends on a third for longer than `soon` after the new one, which it had before.
fn sends_on(
    case: &Case<'_>,
    gone: &BTreeSet<EspSpi>,
    displaced: &[Displaced<'_>],
    soon: Span,
) -> bool {
    let flows = case.flows().filter(|flow| !gone.contains(&flow.key.spi));
    let mut flows: Vec<&EspFlow> = flows.collect();
    flows.sort_by_key(|flow| flow.seen.first.1);
    let mut flows = flows.into_iter().peekable();
    let mut displaced: Vec<&Displaced<'_>> = displaced.iter().collect();
    displaced.sort_by_key(|one| one.after.at.1);
    // Of what began before: the last packet of each SPI, and the SPIs of each tap and end in order of that.
    let mut last: BTreeMap<(Vantage, Option<usize>, EspSpi), Timestamp> = BTreeMap::new();
    let mut order: BTreeSet<(Vantage, Option<usize>, Timestamp, EspSpi)> = BTreeSet::new();
    displaced.into_iter().any(|one| {
        let time = one.after.at.1;
        while let Some(flow) = flows.next_if(|flow| flow.seen.first.1 < time) {
            let (tap, spi) = (flow.key.vantage, flow.key.spi);
            let (end, seen) = (end_of(case.tunnel, flow.key.to), flow.seen.last.1);
            let known = last.entry((tap, end, spi)).or_insert(seen);
            order.remove(&(tap, end, *known, spi));
            *known = seen.max(*known);
            order.insert((tap, end, *known, spi));
        }
        let (tap, end) = (one.deletion.vantage, end_of(case.tunnel, one.after.to));
        let after = (tap, end, time.later(soon), EspSpi(u32::MAX));
        let to_end = (tap, end, Timestamp(i64::MAX), EspSpi(u32::MAX));
        let mut others = order.range(after..=to_end);
        others.any(|(.., spi)| {
            let of_these = [one.before, one.after].map(|made| made.spis.contains(&Some(*spi)));
            !of_these.contains(&true)
        })
    })
}

/// Who asks for a child SA deletes the one before, and asks for that again: it holds one at a time itself.
fn of_asker(case: &Case<'_>, displaced: &[Displaced<'_>]) -> Option<Finding> {
    let Displaced { before, after, .. } = displaced.first()?;
    let from = after.to;
    let says = say!(
        "{times} times {from} asked for a child SA and within {soon} deleted the one before, which was for \
         other networks: first {first}, then {next}.",
        times = displaced.len(),
        from,
        soon = longest(displaced),
        first = pair(&before.sides),
        next = pair(&after.sides)
    )
    .then("What was deleted was asked for again.");
    let finding = one_at_a_time(case, displaced, from, Confidence::Likely, says)?;
    Some(finding.severity(Severity::Warning).or(say!(
        "{from} makes each only when packets want it, and drops what it needs no more.",
        from
    )))
}

/// One side deletes the child SA before each that is made: these displace each other.
fn one_at_a_time(
    case: &Case<'_>,
    displaced: &[Displaced<'_>],
    from: IpAddr,
    confidence: Confidence,
    says: Text,
) -> Option<Finding> {
    let (first, others) = displaced.split_first()?;
    let Displaced { before, after, .. } = first;
    let note = |one: &Displaced<'_>| say!("{spi} is deleted", spi = one.deletion.spi);
    let mut finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        after.at,
        say!(
            "a child SA for {pair}, after which {from} deletes the one before",
            pair = pair(&after.sides),
            from
        ),
    )
    .also(
        before.at,
        say!("the one before, for {pair}", pair = pair(&before.sides)),
    )
    .also(first.deleted(), note(first))
    .title(say!("{from} keeps one child SA only", from))
    .says(says.then("It holds one at a time."))
    .advise("Put all networks into one child SA, cover them by one prefix for each side, or use 0.0.0.0/0 on both sides and decide by routes.")
    .advise(say!(
        "Or let {from} hold several child SAs, or use a connection of its own for each pair.",
        from
    ));
    for one in others {
        let again = say!("and again, for {pair}", pair = pair(&one.after.sides));
        finding = finding
            .also(one.after.at, again)
            .also(one.deleted(), note(one));
    }
    Some(finding)
}

/// A child SA that sealed messages made.
struct Sealed {
    /// The answer.
    at: Cite,
    /// Who granted it.
    from: IpAddr,
    /// The first packet of both directions, and the last of either.
    seen: Seen,
    /// Octets of the direction that carried more.
    octets: u64,
}

/// Sealed: again and again a new child SA is granted, and the one before, which was in use, falls
/// silent after what may be a Delete of the side that granted the new one. A rekeying is cleaned up
/// by who asked for it (RFC 7296 section 2.8), and comes at steady intervals.
fn by_silence(case: &Case<'_>) -> Option<Finding> {
    let sealed = sealed(case);
    // Each displaces the one before.
    if sealed.len() <= SEALED_PATTERN {
        return None;
    }
    let mut deletes = deletes(case);
    deletes.sort_unstable_by_key(|(at, _)| at.1);
    let displaced: Vec<(&Sealed, &Sealed, Cite)> = sealed
        .windows(2)
        .filter_map(|pair| {
            let [before, after] = pair else { return None };
            let from = deletes.partition_point(|(at, _)| at.1 < after.at.1);
            let soon = |time: Timestamp| time.since(after.at.1) <= SOON;
            let cleaned = || {
                let next = deletes.iter().skip(from);
                next.take_while(|(at, _)| soon(at.1))
            };
            // Who asked for the new one cleans up after a rekeying; then the other's is a liveness check.
            let (deleted, _) = cleaned().next()?;
            let by_granter = cleaned().all(|(_, by)| *by == after.from);
            let last = before.seen.last.1;
            let in_use = after.at.1.since(last) <= IN_USE;
            // One that carries packets beside the new one was not displaced by it.
            let beside = last.since(after.seen.first.1) > IN_FLIGHT;
            (by_granter && in_use && soon(last) && !beside).then_some((before, after, *deleted))
        })
        .collect();
    let lives: Vec<i64> = displaced
        .iter()
        .map(|(before, after, _)| after.at.1.since(before.at.1).0)
        .collect();
    let (shortest, longest) = (lives.iter().min()?, lives.iter().max()?);
    let steady = longest.saturating_mul(2) < shortest.saturating_mul(3);
    // SAs that are rekeyed by volume carry the same amount each, at no steady interval.
    let amounts = || displaced.iter().map(|(before, ..)| before.octets);
    let (least, most) = (amounts().min()?, amounts().max()?);
    let by_volume = least >= VOLUME && most.saturating_mul(4) < least.saturating_mul(5);
    let (first, others) = displaced.split_first()?;
    if displaced.len() < SEALED_PATTERN || steady || by_volume {
        return None;
    }
    let (before, after, deleted) = first;
    let from = after.from;
    let gone = displaced
        .iter()
        .map(|(before, after, deleted)| deleted.1.max(before.seen.last.1).since(after.at.1));
    let mut finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        after.at,
        "a child SA is made, after which the one before falls silent",
    )
    .severity(case.tap().gaps(Severity::Warning))
    .also(before.seen.last, "the last packet of the one before")
    .also(*deleted, "what may be a Delete")
    .title(say!("{from} may keep one child SA only", from))
    .says(say!(
        "{times} times {from} granted a child SA, sent what may be a Delete, and the ESP of the one before, \
         which was in use, stopped both ways within {soon}. The SAs lived {shortest} to {longest}, so it was no \
         lifetime.",
        times = displaced.len(),
        from,
        soon = gone.max().unwrap_or_default(),
        shortest = Span(*shortest),
        longest = Span(*longest)
    ))
    .or("They are rekeyed, and the side that is asked deletes the old SA.")
    .advise("Give the keys of the IKE SA, which show the selectors of each.")
    .advise("If each is for other networks, put all into one child SA, or use a connection of its own for each pair.");
    for (_, after, deleted) in others {
        finding = finding
            .also(after.at, "and again")
            .also(*deleted, "what may be a Delete");
    }
    Some(finding)
}

/// Nobody sets a smaller lifetime in octets.
const VOLUME: u64 = 1_000_000;

/// So many make a pattern where sizes and silence alone tell.
const SEALED_PATTERN: usize = 3;

/// Packets that were under way when the other SA took over.
const IN_FLIGHT: Span = Span::from_millis(200);

/// A child SA that carried a packet so shortly before was in use.
const IN_USE: Span = Span::from_secs(30);

/// The child SAs of a tunnel that carried packets both ways and were made by sealed messages, in order of
/// the answers.
fn sealed(case: &Case<'_>) -> Vec<Sealed> {
    let mut found = Vec::new();
    for flow in &case.tunnel.flows {
        let Some(id) = case.model.flows[*flow].child_sa.child_sa() else {
            continue;
        };
        let child = &case.model.child_sas[id];
        // Each pair once, from its first direction on.
        let [Some(one), Some(other)] = child.flows else {
            continue;
        };
        let pair = [one, other].map(|id| &case.model.flows[id]);
        let made = child.made_by.map(|made| &case.model.exchanges[made]);
        let Some(response) = made.and_then(granting).filter(|_| one == *flow) else {
            continue;
        };
        if let (Some(message), Some(seen)) = (facts::first(case.model, response), child.seen)
            && case.model.opened(response).is_none()
        {
            found.push(Sealed {
                at: (message.frame, message.time),
                from: message.path.from().address,
                seen,
                octets: pair.iter().map(|flow| flow.bytes).max().unwrap_or(0),
            });
        }
    }
    found.sort_by_key(|sealed| sealed.at.1);
    found
}

/// The message of an exchange that grants a child SA: of quick mode the second (RFC 2409 section 5.5).
fn granting(made: &Exchange) -> Option<&Flight> {
    match made.kind {
        ExchangeType::QUICK_MODE => made.flights.get(1),
        _ => made.response(),
    }
}

/// Sealed messages that may delete a child SA, and who sends them.
pub(super) fn deletes(case: &Case<'_>) -> Vec<(Cite, IpAddr)> {
    let small = [InformationalClass::DeleteChild, InformationalClass::Small];
    let mut found = Vec::new();
    for sa in &case.tunnel.ike_sas {
        for id in &case.model.ike_sas[*sa].exchanges {
            let exchange = &case.model.exchanges[*id];
            let kinds = [ExchangeType::INFORMATIONAL, ExchangeType::INFORMATIONAL_V1];
            if kinds.contains(&exchange.kind)
                && let Some(request) = exchange.request()
                && let Some(message) = facts::first(case.model, request)
                && case.model.opened(request).is_none()
                && case
                    .model
                    .informational_class(*sa, request)
                    .is_some_and(|class| small.contains(&class))
            {
                let at = (message.frame, message.time);
                found.push((at, message.path.from().address));
            }
        }
    }
    found
}

/// Whether both are for the same packets, whoever asked.
fn is_alike(one: &Made, other: &Made) -> bool {
    one.packets == other.packets
}

/// The child SAs of a tunnel that were granted and rekey none, in order.
fn made(case: &Case<'_>) -> Vec<Made> {
    case.attempts()
        .iter()
        .filter_map(|attempt| {
            let spis = attempt.told.spis();
            let (request, answer) = attempt.told.granted()?;
            let sides = answer.selectors.clone()?;
            let granted = granting(&case.model.exchanges[attempt.exchange]);
            let granted = granted.and_then(|granted| facts::first(case.model, granted));
            (request.rekeys.is_none() && !attempt.told.is_of_ike()).then_some(Made {
                ike_sa: attempt.ike_sa,
                at: answer.at,
                vantage: granted.map(|message| message.vantage),
                from: answer.from,
                to: answer.to,
                spis,
                packets: packets(&sides),
                sides,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};
    use std::fmt::Write;

    /// Children for two networks in turn; `by` deletes the one before each time.
    fn turns(by: &str) -> String {
        let mut text = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
            "
        .to_owned();
        for n in 2..5 {
            let far = if n % 2 == 0 {
                "10.3.0.0/16"
            } else {
                "10.2.0.0/16"
            };
            let (other, old) = match by {
                "A" => ("B", format!("0xa{}", n - 1)),
                _ => ("A", format!("0xb{}", n - 1)),
            };
            writeln!(
                text,
                "{n} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={n} request sealed 208 opened SA(ESP 0xa{n} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr({far})
                 {n}.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={n} response sealed 208 opened SA(ESP 0xb{n} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr({far})
                 {n}.2 {by}:500 > {other}:500 INFORMATIONAL i=1 r=2 id={m} request sealed 80 opened D(ESP {old})
                 {n}.3 {other}:500 > {by}:500 INFORMATIONAL i=1 r=2 id={m} response sealed 80 opened",
                m = n + 20
            )
            .unwrap();
        }
        text
    }

    #[test]
    fn who_grants_one_deletes_the_other() {
        verdict(&turns("B"), "single-child-peer");
    }

    #[test]
    fn what_another_ike_sa_asks_for_is_not_asked_for_again() {
        // One displacement, and what was deleted comes back under the same IKE SA.
        let text = turns("B");
        let twice: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("4"))
            .filter(|line| {
                !line.trim_start().starts_with("3.2 B") && !line.trim_start().starts_with("3.3 A")
            })
            .map(|line| line.to_owned() + "\n")
            .collect();
        fires(&twice, "single-child-peer");
        // Later, the delete has nothing to do with it.
        let later = twice.replace("2.2 B", "2.8 B").replace("2.3 A", "2.9 A");
        silent(&later, "single-child-peer");
        let other = twice
            .replace(
                "3 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3",
                "3 A:500 > B:500 IKE_AUTH i=5 r=6 id=1",
            )
            .replace(
                "3.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3",
                "3.1 B:500 > A:500 IKE_AUTH i=5 r=6 id=1",
            );
        assert_ne!(other, twice);
        silent(&other, "single-child-peer");
    }

    #[test]
    fn who_asks_for_one_and_deletes_the_other_in_turn_holds_one_itself() {
        let found = fires(&turns("A"), "single-child-peer");
        assert_eq!(found.severity, Severity::Warning);
        let title = found.title.to_string();
        assert!(title.starts_with("192.0.2.1 keeps"), "{title}");
        // Once is what an administrator does.
        let once: Vec<_> = turns("A").lines().take(9).map(str::to_owned).collect();
        silent(&once.join("\n"), "single-child-peer");
    }

    /// Sealed child SAs made at these seconds, each in use until the next; `by` sends a small message
    /// after each.
    fn sealed(made: &[u32], by: &str) -> String {
        let mut text = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
            0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 257
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 241
            "
        .to_owned();
        let other = if by == "A" { "B" } else { "A" };
        for (n, pair) in made.windows(2).enumerate() {
            let (at, packets) = (pair[0], (pair[1] - pair[0]) * 2);
            write!(
                text,
                "{at} A > B ESP 0xb{n} seq 1..{packets} every 0.5 size 140
                 {at} B > A ESP 0xa{n} seq 1..{packets} every 0.5 size 140
                 "
            )
            .unwrap();
            if n > 0 {
                write!(
                    text,
                    "{before}.8 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 177
                     {before}.9 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 177
                     {at}.1 {by}:500 > {other}:500 INFORMATIONAL i=1 r=2 id={late} request sealed 69
                     {at}.2 {other}:500 > {by}:500 INFORMATIONAL i=1 r=2 id={late} response sealed 69
                     ",
                    before = at - 1,
                    id = n + 1,
                    late = n + 30
                )
                .unwrap();
            }
        }
        text
    }

    #[test]
    fn sealed_turns_at_no_steady_interval_are_a_suspicion() {
        let found = fires(&sealed(&[1, 10, 35, 43, 70, 90], "B"), "single-child-peer");
        assert_eq!(found.confidence, Confidence::Possible);
    }

    #[test]
    fn sealed_turns_of_ikev1_are_a_suspicion_as_well() {
        let text = |by: &str, delete: u32| {
            let other = if by == "A" { "B" } else { "A" };
            let mut text = "
                0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/128 hash=4 auth=1 group=14)
                0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/128 hash=4 auth=1 group=14)
                0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
                0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
                "
            .to_owned();
            for (n, (at, until)) in [(1, 10), (10, 35), (35, 43), (43, 70), (70, 90)]
                .into_iter()
                .enumerate()
            {
                write!(
                    text,
                    "{before}.7 A:500 > B:500 QUICK i=1 r=2 id={id} sealed 188
                     {before}.8 B:500 > A:500 QUICK i=1 r=2 id={id} sealed 188 seed={n}
                     {before}.9 A:500 > B:500 QUICK i=1 r=2 id={id} sealed 76
                     {at} A > B ESP 0xb{n} seq 1..{packets} every 0.5 size 136
                     {at} B > A ESP 0xa{n} seq 1..{packets} every 0.5 size 136
                     {at}.1 {by}:500 > {other}:500 INFO_V1 i=1 r=2 id={late} sealed {delete}
                     ",
                    before = at - 1,
                    packets = (until - at) * 2,
                    id = n + 10,
                    late = n + 30
                )
                .unwrap();
            }
            text
        };
        let found = fires(&text("B", 92), "single-child-peer");
        assert_eq!(found.confidence, Confidence::Possible);
        // Who asks cleans up; a liveness check is longer.
        silent(&text("A", 92), "single-child-peer");
        silent(&text("B", 108), "single-child-peer");
    }

    #[test]
    fn sealed_rekeying_by_volume_comes_at_uneven_times() {
        // Each SA carries as much, however long that takes.
        let mut text = sealed(&[1, 10, 35, 43, 70, 90], "B");
        for (seconds, pace) in [
            (9, "0.009"),
            (25, "0.025"),
            (8, "0.008"),
            (27, "0.027"),
            (20, "0.02"),
        ] {
            text = text.replace(
                &format!("seq 1..{} every 0.5 size 140", seconds * 2),
                &format!("seq 1..1000 every {pace} size 1400"),
            );
        }
        silent(&text, "single-child-peer");
    }

    #[test]
    fn sealed_rekeying_is_normal() {
        silent(&sealed(&[1, 10, 35, 43, 70, 90], "A"), "single-child-peer");
        silent(&sealed(&[1, 20, 40, 60, 80, 100], "B"), "single-child-peer");
    }
}
