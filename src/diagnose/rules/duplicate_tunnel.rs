//! Two tunnels to one peer displace each other in turn.

use crate::diagnose::facts::life::{self, Birth};
use crate::diagnose::facts::{auth, began};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{IkeState, Tunnel, TunnelId};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "duplicate-tunnel",
    code: "IKE308",
    severity: Severity::Error,
    summary: "Two tunnels to one peer displace each other",
    document: DOCUMENT,
    explains: &[
        "sa-expired",
        "tunnel-flapping",
        "tunnel-deleted",
        "esp-one-way",
        "clear-text-leak",
        "unknown-spi",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::INFORMATIONAL,
    check,
};

const DOCUMENT: &str = "\
## What it means
A peer holds only one tunnel for an identity or a set of addresses. Two gateways, or two addresses of one, each set up theirs; the peer accepts the new one and deletes the old one, whose owner sets it up again.

## How it is seen
Two tunnels share one end, or run between the same two addresses. Each time one of them is set up, an IKE SA of the other ends within seconds by a message of the shared peer, and the other way round, several times.

## What else looks like it
A planned failover moves once, and back once; it does not alternate. Sets of tunnels that are restarted together do not displace each other.

## What to do
1. Give the two tunnels different identities, or different traffic selectors.
2. Make one a standby that starts only when the other is dead, or use routing over two route-based tunnels.
3. On the peer, allow several IKE SAs for one identity.
";

/// A displaced tunnel ends this soon.
const SOON: Span = Span::from_secs(2);

/// Whoever reauthenticates has the next IKE SA, or asks for it, this soon after the one before ended.
const AT_ONCE: Span = Span::from_millis(500);

/// Displacements within one pair of addresses follow each other this soon.
const TURN: Span = Span::from_secs(300);

/// So many displacements make a pattern.
const PATTERN: usize = 3;

/// How many tunnels of one peer are compared, before and after: a hub may have thousands, but those
/// that displace each other begin one after the other.
const RIVALS: usize = 8;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let rivals: Vec<(TunnelId, IpAddr)> = case
        .tunnel
        .ends
        .into_iter()
        .flat_map(|shared| {
            case.model
                .tunnels_beside(case.id, shared, RIVALS)
                .map(move |other| (other, shared))
        })
        // Both together must be set up so often.
        .filter(|(other, _)| {
            let sas = |tunnel: &Tunnel| tunnel.ike_sas.len();
            sas(case.tunnel) + sas(&case.model.tunnels[*other]) >= PATTERN
        })
        .collect();
    if case.tunnel.ike_sas.len() <= PATTERN && rivals.is_empty() {
        return Vec::new();
    }
    let ours = setups(case);
    if ours.is_empty() {
        return Vec::new();
    }
    within(case)
        .or_else(|| {
            rivals
                .into_iter()
                .find_map(|(other, shared)| rivalry(case, &ours, other, shared))
        })
        .into_iter()
        .collect()
}

/// IKE SAs of one pair of addresses that displace each other: each time one comes up, the side that
/// was asked for it ends the one before. Who rekeys or reauthenticates ends its own old one.
fn within(case: &Case<'_>) -> Option<Finding> {
    if case.tunnel.ike_sas.len() <= PATTERN {
        return None;
    }
    let births = case.births();
    let turns: Vec<(Birth, Cite)> = births
        .windows(2)
        .filter_map(|pair| {
            let [before, after] = pair else { return None };
            let closing = life::closing(case.model, before.ike_sa)?;
            let displaced = closing.from == after.responder
                && closing.at.1 > after.asked.1
                && closing.at.1.since(after.up.1) <= SOON
                && (closing.sure || !runs_on(case, after.asked.1, after.up.1.later(SOON)));
            displaced.then_some((*after, closing.at))
        })
        .collect();
    // Planned changes lie a lifetime apart.
    let run = turns
        .chunk_by(|(one, _), (next, _)| next.up.1.since(one.up.1) <= TURN)
        .find(|run| run.len() >= PATTERN)?;
    let (first, at) = run.first()?;
    let [one, two] = case.tunnel.ends;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        *at,
        say!("{end} ends the IKE SA before", end = first.responder),
    )
    .also(first.up, "another IKE SA comes up")
    .title(say!(
        "The tunnels between {one} and {two} displace each other",
        one,
        two
    ))
    .says(say!(
        "{number} times an IKE SA between {one} and {two} came up, and within {span} the side that was asked for it \
         ended the one before. It holds only one for an identity, and gets two.",
        number = run.len(),
        one,
        two,
        span = SOON
    ))
    .or("One side restarts its tunnel again and again.")
    .advise("Look for two connections with the same identity, or for both sides initiating the same one.")
    .advise("Give each its own identity and selectors, let only one side initiate, or allow several IKE SAs for one identity.");
    for (_, at) in run.iter().skip(1) {
        finding = finding.also(*at, "and again");
    }
    Some(finding)
}

fn rivalry(
    case: &Case<'_>,
    setups_of_ours: &[Cite],
    other: TunnelId,
    shared: IpAddr,
) -> Option<Finding> {
    let rival = Case::of(case.model, other);
    let ours = displaced(setups_of_ours, &rival);
    if ours.is_empty() {
        return None;
    }
    let theirs = displaced(&setups(&rival), case);
    if theirs.is_empty() || ours.len() + theirs.len() < PATTERN {
        return None;
    }
    let mut all: Vec<Cite> = ours.iter().chain(&theirs).copied().collect();
    all.sort_by_key(|cite| cite.1);
    let first = all.first()?;
    let far = |of: &Case<'_>| of.tunnel.ends.into_iter().find(|end| *end != shared);
    let (one, two) = (far(case)?, far(&rival)?);
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        *first,
        "one tunnel is set up, the other ends",
    )
    .title(say!(
        "The tunnels of {one} and {two} to {shared} displace each other",
        one,
        two,
        shared
    ))
    .says(say!(
        "{number} times a tunnel of {one} or {two} to {shared} was set up, and within {span} the tunnel of the other \
         was deleted. One gateway holds only one of them.",
        number = all.len(),
        one,
        two,
        shared,
        span = SOON
    ))
    .or("Both tunnels are restarted in turn on purpose.")
    .advise("Give the two tunnels different identities or selectors, or make one a standby.")
    .advise("On the gateway that deletes, allow several IKE SAs for one identity.");
    for cite in all.iter().skip(1) {
        finding = finding.also(*cite, "one tunnel is set up, the other ends");
    }
    Some(finding)
}

/// When tunnels were set up: the answer that agreed to algorithms.
fn setups(case: &Case<'_>) -> Vec<Cite> {
    case.ike_sas()
        .filter(|sa| matches!(sa.state, IkeState::Established | IkeState::Deleted))
        .filter_map(|sa| auth::agreed(case.model, sa))
        .collect()
}

/// Those setups at which the IKE SA of `rival` was ended, and no other stood in its place.
fn displaced(setups: &[Cite], rival: &Case<'_>) -> Vec<Cite> {
    let model = rival.model;
    let ends: Vec<Timestamp> = rival
        .ike_sas()
        .filter_map(|sa| sa.exchanges.last())
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| {
            matches!(
                exchange.kind,
                ExchangeType::INFORMATIONAL | ExchangeType::INFORMATIONAL_V1
            )
        })
        .filter_map(|exchange| {
            let flight = exchange.flights.first()?;
            began(model, flight).map(|(_, time)| time)
        })
        .collect();
    setups
        .iter()
        .filter(|(_, setup)| {
            let until = setup.later(SOON);
            let ended = ends.iter().find(|end| **end >= *setup && **end <= until);
            ended.is_some_and(|end| {
                !runs_on(rival, *setup, until) && !stands(rival, end.later(AT_ONCE))
            })
        })
        .copied()
        .collect()
}

/// Whether an IKE SA of the tunnel was up at this time, and is heard of after it.
fn stands(case: &Case<'_>, time: Timestamp) -> bool {
    let sas = case.tunnel.ike_sas.iter();
    sas.map(|id| &case.model.ike_sas[*id]).any(|sa| {
        matches!(sa.state, IkeState::Established | IkeState::Deleted)
            && sa.seen.first.1 <= time
            && sa.seen.last.1 > time
    })
}

/// Whether a flow of the tunnel lives from before `from` to after `until`.
fn runs_on(case: &Case<'_>, from: Timestamp, until: Timestamp) -> bool {
    let flows = case.tunnel.flows.iter();
    flows
        .map(|id| case.model.flows[*id].seen)
        .any(|seen| seen.first.1 < from && seen.last.1 > until)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    /// One tunnel of `end` with SPI `n`, set up at `at` and living `life` seconds.
    fn life(end: char, n: u32, at: u32, life: u32) -> String {
        let over = at + life;
        format!(
            "{at}.0 {end}:500 > B:500 IKE_SA_INIT i={n} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 B:500 > {end}:500 IKE_SA_INIT i={n} r=9{n} id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.2 {end}:500 > B:500 IKE_AUTH i={n} r=9{n} id=1 request sealed 256
             {at}.3 B:500 > {end}:500 IKE_AUTH i={n} r=9{n} id=1 response sealed 240
             {over}.25 B:500 > {end}:500 INFORMATIONAL i={n} r=9{n} id=0 request by=responder sealed 80
             {over}.26 {end}:500 > B:500 INFORMATIONAL i={n} r=9{n} id=0 response sealed 80
            "
        )
    }

    #[test]
    fn two_tunnels_that_take_turns() {
        let text: String = (0..6)
            .map(|n| life(if n % 2 == 0 { 'A' } else { 'C' }, n + 1, n * 5, 5))
            .collect();
        let finding = fires(&text, "duplicate-tunnel");
        assert!(
            finding.title.to_string().contains("192.0.2.2"),
            "{}",
            finding.title
        );
    }

    #[test]
    fn whoever_deletes_them() {
        let text: String = (0..6)
            .map(|n| life(if n % 2 == 0 { 'A' } else { 'C' }, n + 1, n * 5, 5))
            .map(|life| by_the_other_side(&life))
            .collect();
        fires(&text, "duplicate-tunnel");
    }

    #[test]
    fn two_tunnels_that_are_made_anew_at_the_same_times() {
        let text: String = (0..6)
            .flat_map(|n| {
                [
                    life('A', 2 * n + 1, n * 20, 20),
                    life('C', 2 * n + 2, n * 20, 20),
                ]
            })
            .map(|life| by_the_other_side(&life))
            .collect();
        silent(&text, "duplicate-tunnel");
    }

    #[test]
    fn two_tunnels_that_live_beside_each_other() {
        silent(
            &format!("{}{}", life('A', 1, 0, 60), life('C', 2, 5, 60)),
            "duplicate-tunnel",
        );
    }

    /// Six IKE SAs of A, one every `every` seconds; each ends by a message of `by` just after the
    /// next came up.
    fn turns(every: u32, by: char) -> String {
        (0..6)
            .map(|n| {
                let life = life('A', n + 1, n * every, every)
                    .replace(".25 ", ".45 ")
                    .replace(".26 ", ".46 ");
                match by {
                    'A' => by_the_other_side(&life),
                    _ => life,
                }
            })
            .collect()
    }

    /// The same life, ended by its initiator.
    fn by_the_other_side(life: &str) -> String {
        life.lines()
            .map(|line| match line.split_once(":500 > ") {
                Some((head, tail)) if line.contains("INFORMATIONAL") => {
                    let (at, from) = head.rsplit_once(' ').unwrap();
                    let (to, rest) = tail.split_once(":500").unwrap();
                    let rest = rest.replace("by=responder", "");
                    format!("{at} {to}:500 > {from}:500{rest}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect()
    }

    #[test]
    fn ike_sas_of_one_pair_that_take_turns() {
        fires(&turns(20, 'B'), "duplicate-tunnel");
    }

    #[test]
    fn who_reauthenticates_ends_its_own_and_planned_changes_lie_far_apart() {
        silent(&turns(20, 'A'), "duplicate-tunnel");
        silent(&turns(3600, 'B'), "duplicate-tunnel");
    }

    #[test]
    fn ike_sas_of_one_pair_that_live_beside_each_other() {
        let text: String = (0..6).map(|n| life('A', n + 1, n * 20, 300)).collect();
        silent(&text, "duplicate-tunnel");
    }
}
