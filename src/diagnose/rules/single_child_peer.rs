//! Each new child SA displaces the last.

use crate::diagnose::facts::child;
use crate::diagnose::facts::selectors;
use crate::diagnose::{Cite, Confidence, Finding, Rule, Severity};
use crate::model::{Model, Selector, TunnelId, selector};
use crate::units::{EspSpi, Span};
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
    check,
};

const DOCUMENT: &str = "\
## What it means
One side makes a child SA for each pair of networks; the other holds only one at a time. Each new one is accepted and the one before deleted, so always one pair works, and not the others.

## How it is seen
With the keys of the IKE SA: a child SA for other networks is made, without REKEY_SA, and within seconds the side that granted it deletes the one before. This happens several times.

## What else looks like it
A rekeying deletes the old SA as well, for the same networks. An administrator who changes the configuration deletes once.

## What to do
1. Put all networks into one child SA, if the peer takes several, or cover them by one prefix for each side.
2. Or use 0.0.0.0/0 on both sides and decide by routes.
3. Or use a connection of its own for each pair.
";

/// A displaced child SA is deleted this soon.
const SOON: Span = Span::from_secs(5);

/// So many displacements make a pattern; one does, if what was displaced is asked for again.
const PATTERN: usize = 2;

/// A child SA that was granted.
struct Made {
    at: Cite,
    /// Who granted it.
    from: IpAddr,
    /// SPIs of packets towards each side.
    spis: [Option<EspSpi>; 2],
    sides: [Vec<Selector>; 2],
}

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let made = made(model, tunnel);
    let deleted: Vec<_> = model.tunnels[tunnel]
        .ike_sas
        .iter()
        .flat_map(|id| selectors::deletions(model, *id))
        .collect();
    let displaced: Vec<(&Made, &Made)> = made
        .windows(2)
        .filter_map(|pair| {
            let [before, after] = pair else { return None };
            let same = is_alike(before, after);
            let ended = deleted.iter().any(|(time, spi, by)| {
                *by == after.from
                    && before.spis.contains(&Some(*spi))
                    && *time >= after.at.1
                    && time.since(after.at.1) <= SOON
            });
            (!same && ended).then_some((before, after))
        })
        .collect();
    let Some((before, after)) = displaced.first() else {
        return Vec::new();
    };
    let again = made
        .iter()
        .any(|one| one.at.1 > after.at.1 && is_alike(one, before));
    if displaced.len() < PATTERN && !again {
        return Vec::new();
    }
    let from = after.from;
    let said = |made: &Made| {
        let [own, other] = &made.sides;
        format!("{} with {}", selector::said(own), selector::said(other))
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        tunnel,
        after.at,
        format!("a child SA for {}, after which {from} deletes the one before", said(after)),
    )
    .also(before.at, format!("the one before, for {}", said(before)))
    .title(format!("{from} keeps one child SA only"))
    .says(format!(
        "{} {from} granted a child SA and within {SOON} deleted the one before, which was for other networks: \
         first {}, then {}.{} It holds one at a time.",
        match displaced.len() {
            1 => "Once".to_owned(),
            n => format!("{n} times"),
        },
        said(before),
        said(after),
        if again { " What was deleted was asked for again." } else { "" },
    ))
    .advise("Put all networks into one child SA, cover them by one prefix for each side, or use 0.0.0.0/0 on both sides and decide by routes.")
    .advise(format!("Or let {from} hold several child SAs, or use a connection of its own for each pair."));
    for (_, after) in displaced.iter().skip(1) {
        finding = finding.also(after.at, format!("and again, for {}", said(after)));
    }
    vec![finding]
}

/// Whether both are for the same packets, whoever asked.
fn is_alike(one: &Made, other: &Made) -> bool {
    let ([a, b], [c, d]) = (&one.sides, &other.sides);
    selector::same(a, c) && selector::same(b, d) || selector::same(a, d) && selector::same(b, c)
}

/// The child SAs of a tunnel that were granted and rekey none, in order.
fn made(model: &Model, tunnel: TunnelId) -> Vec<Made> {
    child::attempts(model, tunnel)
        .into_iter()
        .filter_map(|attempt| {
            let spis = attempt.told.spis();
            let (request, answer) = attempt.told.granted()?;
            let sides = answer.selectors.clone()?;
            (request.rekeys.is_none() && !attempt.told.is_of_ike()).then_some(Made {
                at: answer.at,
                from: answer.from,
                spis,
                sides,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};
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
    fn who_asks_for_one_may_delete_the_other() {
        silent(&turns("A"), "single-child-peer");
    }
}
