//! The two sides have different lifetimes for their SAs.

use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{cite, first};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{ExchangeId, IkeSa, Model, TunnelId};
use crate::registry::NotifyV1;
use crate::registry::ikev1::{LifeType, Phase2Attribute};
use crate::say;
use crate::wire::ikev1::notification::Meaning;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "lifetime-differs",
    code: "INF510",
    severity: Severity::Info,
    summary: "The two sides have different lifetimes",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::OPENED.or(Signs::V1),
    check,
};

const DOCUMENT: &str = "\
## What it means
IKEv1 negotiates lifetimes. Where they differ, the side with the shorter one always rekeys, or deletes an SA that the other believes to live on. Most get along; some cloud gateways ask for equal values. IKEv2 does not negotiate lifetimes at all.

## How it is seen
Phase 1 of IKEv1 is in clear: an SA that one side initiates names another lifetime than one that the other side initiates. With the keys of IKEv1: the two sides name different lifetimes in quick mode, or the responder names its own by RESPONDER-LIFETIME.

## What else looks like it
Nothing.

## What to do
1. Set the same lifetimes on both sides if SAs end unexpectedly.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut named = Vec::new();
    for attempt in case.attempts() {
        if let Some(request) = &attempt.told.request
            && let Some(seconds) = request.lifetime_secs
        {
            named.push((request.from, seconds, request.at));
        }
        if let Some((seconds, from, at)) = responder_lifetime(case.model, attempt.exchange) {
            named.push((from, seconds, at));
        }
    }
    let ike_sas = case.tunnel.ike_sas.iter();
    let asked: Vec<Named> = ike_sas
        .filter_map(|id| phase_1(case.model, &case.model.ike_sas[*id]))
        .collect();
    [
        (named, "phase 2", Topic::ChildLifetime),
        (asked, "phase 1", Topic::IkeLifetime),
    ]
    .into_iter()
    .filter_map(|(named, phase, topic)| {
        let finding = differs(case.id, &named, phase)?;
        Some(finding.advise_all(vendor_advice::of_both(case, topic)))
    })
    .take(1)
    .collect()
}

/// A lifetime in seconds, who names it, and where.
type Named = (IpAddr, u64, Cite);

/// The lifetime of phase 1 that the initiator of an SA names: the responder may only take it.
fn phase_1(model: &Model, sa: &IkeSa) -> Option<Named> {
    let seconds = sa.suite.as_ref()?.v1_lifetime_secs?;
    let exchange = &model.exchanges[*sa.exchanges.first()?];
    let request = exchange.request()?;
    let message = first(model, request)?;
    Some((
        message.path.from().address,
        seconds,
        cite(model, request.first()?),
    ))
}

fn differs(tunnel: TunnelId, named: &[Named], phase: &'static str) -> Option<Finding> {
    let (one, short, at) = named.first().copied()?;
    let other = named
        .iter()
        .find(|(end, seconds, _)| *end != one && *seconds != short);
    let (two, long, there) = other.copied()?;
    let seconds = |number: u64| Text::verbatim(format_args!("{number} s"));
    Some(
        Finding::new(&RULE, Confidence::Certain, tunnel, at, seconds(short))
            .also(there, seconds(long))
            .title(say!("{one} and {two} have different lifetimes", one, two))
            .says(say!(
                "For {phase} {one} names a lifetime of {short} s, {two} one of {long} s. The side with the \
                 shorter one rekeys, or deletes an SA that the other still uses.",
                phase,
                one,
                short,
                two,
                long
            ))
            .advise(say!(
                "Set the same lifetimes on both sides ({short} s or {long} s) if SAs end unexpectedly.",
                short,
                long
            )),
    )
}

/// The seconds that the responder of a quick mode will keep (RFC 2407 section 4.6.3.1).
pub(super) fn responder_lifetime(
    model: &Model,
    exchange: ExchangeId,
) -> Option<(u64, IpAddr, Cite)> {
    let (message, read) = model.opened(model.exchanges[exchange].response()?)?;
    let seconds = read
        .notifies_v1()
        .filter(|notify| notify.kind == NotifyV1::RESPONDER_LIFETIME)
        .find_map(|notify| {
            let Meaning::Lifetime(_, attributes) = notify.meaning()? else {
                return None;
            };
            let value = |kind: Phase2Attribute| {
                let mut fits = attributes.iter().filter(|one| one.kind == kind.0);
                fits.next()?.value.number()
            };
            let seconds = value(Phase2Attribute::SA_LIFE_TYPE) == Some(LifeType::SECONDS.0.into());
            value(Phase2Attribute::SA_LIFE_DURATION).filter(|_| seconds)
        })?;
    Some((
        seconds,
        message.path.from().address,
        (message.frame, message.time),
    ))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    fn quick(life: u32) -> String {
        format!(
            "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
             0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
             0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
             1.0 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188 opened HASH SA(ESP 0xa1 encr=12/256 auth=5 life=3600) Nonce ID(10.1.0.0/16) ID(10.2.0.0/16)
             1.1 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1 opened HASH SA(ESP 0xb1 encr=12/256 auth=5 life=3600) Nonce ID(10.1.0.0/16) ID(10.2.0.0/16)
             1.2 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 76
             9.0 B:500 > A:500 QUICK i=1 r=2 id=0x78 sealed 188 opened HASH SA(ESP 0xb2 encr=12/256 auth=5 life={life}) Nonce ID(10.2.0.0/16) ID(10.1.0.0/16)
             9.1 A:500 > B:500 QUICK i=1 r=2 id=0x78 sealed 188 seed=1 opened HASH SA(ESP 0xa2 encr=12/256 auth=5 life={life}) Nonce ID(10.2.0.0/16) ID(10.1.0.0/16)
             9.2 B:500 > A:500 QUICK i=1 r=2 id=0x78 sealed 76"
        )
    }

    #[test]
    fn the_lifetimes_of_phase_1_are_in_clear() {
        let main = |life: u32| {
            format!(
                "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14 life=28800)
                 0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14 life=28800)
                 90  B:500 > A:500 MAIN i=3 r=0 SA(encr=7/256 hash=4 auth=1 group=14 life={life})
                 90.1 A:500 > B:500 MAIN i=3 r=4 SA(encr=7/256 hash=4 auth=1 group=14 life={life})"
            )
        };
        fires(&main(3600), "lifetime-differs");
        silent(&main(28800), "lifetime-differs");
    }

    #[test]
    fn each_side_names_its_own() {
        fires(&quick(1800), "lifetime-differs");
        silent(&quick(3600), "lifetime-differs");
    }
}
