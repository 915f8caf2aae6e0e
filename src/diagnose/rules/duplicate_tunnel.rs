//! Two tunnels with the same identity or selectors displace each other.

use crate::diagnose::facts::life::{self, Birth, Closing};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "duplicate-tunnel",
    code: "IKE313",
    severity: Severity::Error,
    summary: "Two tunnels to the same peer displace each other",
    document: DOCUMENT,
    explains: &["tunnel-flapping", "tunnel-deleted", "clear-text-leak"],
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway holds one tunnel per identity or per pair of networks, and gets two. Each that comes up makes it delete the other, whose owner brings it up again: they take turns for ever.

## How it is seen
Time and again an IKE SA comes up, and at once its responder ends another of its IKE SAs by an informational message. The owner of that one negotiates anew, and then the first is ended.

## What else looks like it
A gateway that reauthenticates ends its own old IKE SA; here the other side does. A planned switch between an active and a standby tunnel happens once, not in turns.

## What to do
1. Look for two connections, or two devices, with the same identity or the same traffic selectors.
2. Give each its own identity and selectors, or make one of them standby, or use route-based tunnels.
3. Where the same user may connect twice, let the responder keep both (strongSwan: unique = never).
";

/// How soon the displaced one is ended.
const AT_ONCE: Span = Span::from_secs(3);

/// The new one may still be sending its last message.
const BEFORE: Span = Span::from_secs(1);

/// An IKE SA that was ended when another came up.
#[derive(Clone, Copy)]
struct Displaced {
    closing: Closing,
    by: Birth,
    tunnel: TunnelId,
}

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let own = life::births(model, &model.tunnels[tunnel]);
    let ended: Vec<(Birth, Closing)> = own
        .iter()
        .filter_map(|birth| ended_by_responder(model, *birth))
        .collect();
    let Some(responder) = ended.first().map(|(birth, _)| birth.responder) else {
        return Vec::new();
    };
    let all: Vec<(TunnelId, Birth)> = model
        .tunnels
        .entries()
        .filter(|(_, row)| row.addresses.iter().flatten().any(|end| *end == responder))
        .flat_map(|(id, row)| life::births(model, row).into_iter().map(move |one| (id, one)))
        .collect();
    let lost: Vec<Displaced> = ended.iter().filter_map(|one| displaced(*one, &all)).collect();
    let won = all
        .iter()
        .filter(|(id, _)| *id != tunnel)
        .filter_map(|(_, birth)| ended_by_responder(model, *birth))
        .filter_map(|one| displaced(one, &all))
        .filter(|displaced| displaced.tunnel == tunnel)
        .count();
    let elsewhere = lost.iter().any(|displaced| displaced.tunnel != tunnel);
    let Some(first) = lost.first() else {
        return Vec::new();
    };
    let turns = lost.len() + won;
    if turns < 3 || (elsewhere && won == 0) {
        return Vec::new();
    }
    let other = if elsewhere {
        format!("one from {}", first.by.initiator)
    } else {
        "another of the same peers".to_string()
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        tunnel,
        first.closing.at,
        format!("{responder} ends this tunnel's IKE SA"),
    )
    .also(first.by.up, format!("just after {other} came up"))
    .title(format!("This tunnel and {other} displace each other at {responder}"))
    .says(format!(
        "{turns} times {responder} ended one IKE SA within {AT_ONCE} after another came up: {} times \
         this tunnel lost, {won} times it won.",
        lost.len()
    ))
    .or("An operator switches between the tunnels by hand.")
    .advise("Look for two connections or devices with the same identity or traffic selectors.")
    .advise(format!(
        "Give each its own, make one standby, or let {responder} hold several for one identity."
    ));
    for one in lost.iter().skip(1) {
        finding = finding.also(one.closing.at, "and again");
    }
    vec![finding]
}

fn ended_by_responder(model: &Model, birth: Birth) -> Option<(Birth, Closing)> {
    let closing = life::closing(model, birth.ike_sa)?;
    (closing.from == birth.responder).then_some((birth, closing))
}

/// The younger IKE SA at the same responder that came up just before this one ended.
fn displaced(
    (birth, closing): (Birth, Closing),
    all: &[(TunnelId, Birth)],
) -> Option<Displaced> {
    all.iter()
        .filter(|(_, other)| other.responder == birth.responder && other.ike_sa != birth.ike_sa)
        .filter(|(_, other)| other.asked.1 > birth.up.1)
        .find(|(_, other)| {
            let after = closing.at.1.since(other.up.1);
            after <= AT_ONCE && after >= Span(-BEFORE.0)
        })
        .map(|(tunnel, by)| Displaced {
            closing,
            by: *by,
            tunnel: *tunnel,
        })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    /// An IKE SA from `from` that comes up at `at` and is ended by `by` at `end`.
    fn life(from: char, spi: u32, at: u32, end: u32, by: char) -> String {
        let (asker, answerer) = if by == from { (from, 'S') } else { ('S', from) };
        let suite = "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        format!(
            "{at}.0 {from}:500 > S:500 IKE_SA_INIT i={spi} r=0 id=0 request {suite}
             {at}.1 S:500 > {from}:500 IKE_SA_INIT i={spi} r=9{spi} id=0 response {suite}
             {at}.2 {from}:500 > S:500 IKE_AUTH i={spi} r=9{spi} id=1 request sealed 256
             {at}.3 S:500 > {from}:500 IKE_AUTH i={spi} r=9{spi} id=1 response sealed 240
             {end}.4 {asker}:500 > {answerer}:500 INFORMATIONAL i={spi} r=9{spi} id=2 request sealed 80
             {end}.5 {answerer}:500 > {asker}:500 INFORMATIONAL i={spi} r=9{spi} id=2 response sealed 80
             "
        )
    }

    #[test]
    fn two_initiators_that_take_turns_displace_each_other() {
        let text: String = [
            life('A', 1, 0, 10, 'S'),
            life('C', 2, 10, 20, 'S'),
            life('A', 3, 20, 30, 'S'),
            life('C', 4, 30, 40, 'S'),
        ]
        .concat();
        let finding = fires(&text, "duplicate-tunnel");
        assert!(finding.title.contains("192.0.2.3"), "{}", finding.title);
    }

    #[test]
    fn two_initiators_that_end_their_own_do_not() {
        let text: String = [
            life('A', 1, 0, 10, 'A'),
            life('C', 2, 10, 20, 'C'),
            life('A', 3, 20, 30, 'A'),
            life('C', 4, 30, 40, 'C'),
        ]
        .concat();
        silent(&text, "duplicate-tunnel");
    }

    #[test]
    fn one_switch_is_no_turn_taking() {
        let text: String = [life('A', 1, 0, 10, 'S'), life('C', 2, 10, 90, 'C')].concat();
        silent(&text, "duplicate-tunnel");
    }
}
