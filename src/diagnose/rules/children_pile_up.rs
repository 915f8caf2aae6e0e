//! Child SAs are rekeyed and never deleted.

use crate::diagnose::facts::selectors::Life;
use crate::diagnose::facts::{began, life};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{ChildSa, Exchange, IkeSa, IkeSaId, InformationalClass, Model, Role, selector};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "children-pile-up",
    code: "IKE316",
    severity: Severity::Warning,
    summary: "Child SAs are replaced but never deleted",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::CHILD_SA,
    check,
};

const DOCUMENT: &str = "\
## What it means
Each rekeying leaves the old child SA in place. They pile up until a table is full or one side uses an old one.

## How it is seen
Several child SAs of one IKE SA take each other's place, and no informational message is seen that could have deleted any. Or, with the keys of the IKE SA, child SAs for the same addresses were made one after the other, none is deleted, and all but the newest carry nothing any more.

## What else looks like it
Child SAs for several pairs of networks live side by side: those do not replace each other. A recording that missed the deletions. Without keys any larger informational message may delete several child SAs at once; where there is one, nothing is said.

## What to do
1. Look at the list of SAs on both gateways: how many child SAs are installed?
2. Update the implementation that makes the new ones: it must delete the old (RFC 7296 section 2.8).
";

/// So many replacements without a deletion make a pattern.
const PATTERN: usize = 3;

/// A deletion follows its rekeying within this time.
const DELAY: Span = Span::from_secs(60);

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.tunnel
        .ike_sas
        .iter()
        .filter_map(|id| pile(case, *id).or_else(|| asked_again(case, *id)))
        .collect()
}

/// Child SAs that were asked for again and again with the selectors of the newest, without being a renewal of the one
/// before, and stay: nothing uses the older ones any more.
fn asked_again(case: &Case<'_>, id: IkeSaId) -> Option<Finding> {
    let sa = &case.model.ike_sas[id];
    if sa.version.major() == 1 {
        return None;
    }
    let child = |life: &Life| &case.model.child_sas[life.child];
    let lives = case.lives().iter();
    let mut lives = lives.filter(|life| child(life).ike_sa == Some(id)).rev();
    let newest = lives.next()?;
    let ([here, there], end) = (&newest.sides, newest.until);
    let same = |life: &&Life| {
        let [a, b] = &life.sides;
        selector::same(a, here) && selector::same(b, there)
    };
    // Several that are in use share the load, as RFC 9611 has it.
    let idle = |life: &&Life| {
        let used = child(life).seen.map_or(life.at.1, |seen| seen.last.1);
        life.until >= end && end.since(used) > DELAY
    };
    let mut older: Vec<&Life> = lives.filter(same).filter(idle).collect();
    older.reverse();
    let first = older.first().filter(|_| older.len() >= PATTERN)?;
    if lacks_requests(case.model, sa) {
        return None;
    }
    let number = older.len() + 1;
    let finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        first.at,
        "a child SA is granted",
    )
    .title(say!(
        "{number} child SAs for the same addresses live side by side",
        number
    ))
    .says(say!(
        "{number} child SAs of one IKE SA have the same selectors, none was deleted, and {older} of them have carried \
         nothing for {span}: whoever needs the child SA asks for another instead of using the one that is there.",
        number,
        older = older.len(),
        span = DELAY
    ))
    .or("They are meant for several CPUs or classes of traffic, of which one alone has any now (RFC 9611).")
    .advise("Count the installed child SAs on both gateways.")
    .advise("See what asks for the child SA again and again: a script, or a policy that does not find it.");
    let more = older.iter().skip(1).chain([&newest]);
    Some(more.fold(finding, |finding, life| {
        finding.also(life.at, "and another")
    }))
}

fn pile(case: &Case<'_>, id: IkeSaId) -> Option<Finding> {
    let sa = &case.model.ike_sas[id];
    // An IKE SA of IKEv1 may be gone while its children live on, so their deletions are elsewhere.
    if sa.version.major() == 1 {
        return None;
    }
    let made: Vec<_> = sa
        .child_sas
        .iter()
        .map(|child| &case.model.child_sas[*child])
        .filter(|child| {
            child
                .replaces
                .is_some_and(|old| of(case.model, id, &case.model.child_sas[old]))
        })
        .filter_map(|child| {
            let exchange = &case.model.exchanges[child.made_by?];
            began(case.model, exchange.response()?)
        })
        .filter(|made| sa.seen.last.1.since(made.1) > DELAY)
        .collect();
    let first = *made.first()?;
    if made.len() < PATTERN {
        return None;
    }
    let deletes = sa
        .exchanges
        .iter()
        .map(|exchange| &case.model.exchanges[*exchange])
        .any(|exchange| {
            life::may_delete(case.model, id, exchange).is_some()
                || is_large(case.model, id, exchange)
        });
    if deletes || lacks_requests(case.model, sa) {
        return None;
    }
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        first,
        "a child SA takes the place of another, which is not deleted",
    )
    .title(say!(
        "{number} child SAs were replaced and none was deleted",
        number = made.len()
    ))
    .says(say!(
        "{number} times a child SA took the place of another under the same IKE SA, and no message that could \
         delete one was seen.",
        number = made.len()
    ))
    .or("The recording missed the deletions.")
    .advise("Count the installed child SAs on both gateways.")
    .advise("Update the implementation that rekeys: it must delete the old SA.");
    for one in made.iter().skip(1) {
        finding = finding.also(*one, "and another");
    }
    Some(finding)
}

/// Whether the recording lacks a request of an IKE SA, by the numbers of those that are there: each is one more
/// than the one before it (RFC 7296 section 2.2).
fn lacks_requests(model: &Model, sa: &IkeSa) -> bool {
    [Role::Initiator, Role::Responder].into_iter().any(|by| {
        let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
        let asked = exchanges.filter(|exchange| exchange.by == by);
        let mut ids: Vec<u32> = asked.map(|exchange| exchange.message_id).collect();
        ids.sort_unstable();
        ids.windows(2)
            .any(|pair| matches!(pair, [before, after] if after.saturating_sub(*before) > 1))
    })
}

/// Whether an informational message that was not opened has room for a Delete with several SPIs, or with
/// a reason beside it.
fn is_large(model: &Model, id: IkeSaId, exchange: &Exchange) -> bool {
    exchange.kind == ExchangeType::INFORMATIONAL
        && exchange.request().is_some_and(|request| {
            model.opened(request).is_none()
                && !matches!(
                    model.informational_class(id, request),
                    Some(InformationalClass::Empty)
                )
        })
}

/// Whether the child SA was made under this IKE SA.
fn of(model: &Model, id: IkeSaId, child: &ChildSa) -> bool {
    child.ike_sa == Some(id)
        && child
            .made_by
            .is_some_and(|made| model.exchanges[made].ike_sa == id)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    /// A tunnel that is rekeyed every 100 s, and what follows each rekeying.
    ///
    /// The side that asks sends so many requests each time.
    fn rekeyed(requests: u32, after: impl Fn(u32) -> String) -> String {
        let suite =
            "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        let mut text = format!(
            "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {suite}
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {suite}
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
             1 A > B ESP 0xb0 seq 1..100 every 1
             1.1 B > A ESP 0xa0 seq 1..100 every 1
             "
        );
        for n in 1..5u32 {
            let (at, id) = (n * 100, 2 + (n - 1) * requests);
            text += &format!(
                "{at}.8 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 224
                 {at}.9 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 208
                 {}.0 A > B ESP 0xb{n} seq 1..100 every 1
                 {}.1 B > A ESP 0xa{n} seq 1..100 every 1
                 {}
                 ",
                at + 1,
                at + 1,
                after(n)
            );
        }
        text + "590 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request sealed 224"
    }

    #[test]
    fn replaced_and_never_deleted() {
        fires(&rekeyed(1, |_| String::new()), "children-pile-up");
        // Numbers that are not there are requests that were not recorded.
        silent(&rekeyed(2, |_| String::new()), "children-pile-up");
    }

    #[test]
    fn a_larger_message_may_delete_several() {
        let large = |n: u32| match n {
            4 => "401.2 A:500 > B:500 INFORMATIONAL i=1 r=2 id=6 request sealed 112".to_string(),
            _ => String::new(),
        };
        silent(&rekeyed(1, large), "children-pile-up");
    }

    #[test]
    fn replaced_and_deleted_is_normal() {
        let deleted = |n: u32| {
            format!(
                "{}.2 A:500 > B:500 INFORMATIONAL i=1 r=2 id={} request sealed 80",
                n * 100 + 1,
                n * 2 + 1
            )
        };
        silent(&rekeyed(2, deleted), "children-pile-up");
    }

    #[test]
    fn child_sas_of_ikev1_may_be_deleted_elsewhere() {
        let phase_1 = "
            0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
            0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
            0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
            0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
            0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
            0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92\n";
        let children: String = (0..6u32)
            .map(|n| {
                format!(
                    "{n}01 A:500 > B:500 QUICK i=1 r=2 id=0x7{n} sealed 188 seed={n}
                     {n}01.1 B:500 > A:500 QUICK i=1 r=2 id=0x7{n} sealed 188 seed=1{n}
                     {n}01.2 A:500 > B:500 QUICK i=1 r=2 id=0x7{n} sealed 60
                     {n}02 A > B ESP 0xb{n} seq 1..100 every 1
                     {n}02.1 B > A ESP 0xa{n} seq 1..100 every 1\n"
                )
            })
            .collect();
        silent(&format!("{phase_1}{children}"), "children-pile-up");
    }

    /// The same child SA is asked for every 100 s, and ESP goes in the newest or in all of them.
    fn again(selectors: &str, share: bool) -> String {
        let suite =
            "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        let child = |spi: &str, to: &str| {
            format!(
                "SA(ESP 0x{spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr({to})"
            )
        };
        let all = "10.2.0.0/16";
        let mut text = format!(
            "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {suite}
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {suite}
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) {}
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) {}
             1 A > B ESP 0xb0 seq 1..100 every 1
             1.1 B > A ESP 0xa0 seq 1..100 every 1
             ",
            child("a0", all),
            child("b0", all)
        );
        for n in 1..4u32 {
            let to = selectors.replace('N', &n.to_string());
            let (at, id, last) = (n * 100, n + 1, if share { 500 - n * 100 } else { 100 });
            text += &format!(
                "{at}.8 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 224 opened {}
                 {at}.9 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 208 opened {}
                 {}.0 A > B ESP 0xb{n} seq 1..{last} every 1
                 {}.1 B > A ESP 0xa{n} seq 1..{last} every 1
                 ",
                child(&format!("a{n}"), &to),
                child(&format!("b{n}"), &to),
                at + 1,
                at + 1
            );
        }
        text + "480 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 opened
                480.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator sealed 80 opened"
    }

    #[test]
    fn asked_for_again_and_again() {
        let finding = fires(&again("10.2.0.0/16", false), "children-pile-up");
        let title = finding.title.to_string();
        assert!(title.starts_with("4 child SAs for the same"), "{title}");
        // All are in use, or each is for other addresses.
        silent(&again("10.2.0.0/16", true), "children-pile-up");
        silent(&again("10.N.0.0/16", false), "children-pile-up");
    }
}
