//! The traffic selectors are refused.

use super::ts_narrowed::pair;
use crate::diagnose::facts::child::{self, Attempt, Refusal};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{ClearFlow, Mode, Said, Selector, selector};
use crate::registry::{NotifyType, NotifyV1};
use crate::say;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ts-unacceptable",
    code: "IKE210",
    severity: Severity::Error,
    summary: "The traffic selectors are refused",
    document: DOCUMENT,
    explains: &[
        "child-setup-failed",
        "rekey-failed",
        "tunnel-flapping",
        "tunnel-deleted",
        "path-outage",
    ],
    needs: Signs::OPENED,
    check,
};

const DOCUMENT: &str = "\
## What it means
The gateways believe each other and agree on algorithms, but one is not willing to carry the packets that the other asks for: its own networks are others than the asker believes.

## How it is seen
With the keys of the IKE SA. IKEv2: IKE_AUTH or CREATE_CHILD_SA is answered by TS_UNACCEPTABLE, or by SINGLE_PAIR_REQUIRED where the peer takes one pair of addresses a child SA. IKEv1: quick mode is answered by INVALID-ID-INFORMATION. The request tells the selectors that were asked for.

A responder of IKEv2 that grants what was not in the request has other selectors, too: it may only narrow (RFC 7296 section 2.9). Where nothing of it was asked for, and the asker sends nothing under that child SA, it is an error, else a warning.

## What else looks like it
Without keys it cannot be told from a refused ESP proposal; see child-setup-failed. IKEv2 lets a responder narrow the selectors to what both have, so it refuses only if they have nothing in common, or if it does not narrow at all. IKEv1 knows no narrowing: identities must mirror each other to the bit, and some peers call such a mismatch NO-PROPOSAL-CHOSEN, and some say INVALID-ID-INFORMATION of other faults. After SINGLE_PAIR_REQUIRED it is normal to ask for one pair at a time; once that is granted, nothing is told.

## What to do
1. Give both sides the same two networks, mirrored: what is local to one is remote to the other.
2. Compare masks too: 10.1.0.0/16 and 10.1.0.0/24 do not match in IKEv1, nor with peers that do not narrow.
3. Policy-based and route-based sides: set the route-based side's selectors to those of the policy, or 0.0.0.0/0 on both.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let attempts = case.attempts();
    let mut refusals = case.lasting().to_vec();
    refusals.retain(is_about_selectors);
    refusals.retain(|refusal| !asked_by_pairs(refusal, attempts));
    let Some(first) = refusals.first() else {
        return widened(case).into_iter().collect();
    };
    let (from, to) = (first.answer.from, first.asker());
    let pair = first.reason == NotifyType::SINGLE_PAIR_REQUIRED.0 && !first.v1;
    let asked = first.attempt.told.request.as_ref();
    let asked = asked.and_then(|request| request.selectors.as_ref());
    let transport = first
        .attempt
        .told
        .request
        .as_ref()
        .is_some_and(|request| request.mode == Mode::Transport);
    // Who asks for transport mode and has networks configured for it may send none at all.
    let asked = asked.filter(|asked| asked.iter().all(|side| !side.is_empty()));
    let for_transport = transport.then(|| {
        say!("It asked for transport mode, which carries packets of the two gateways themselves.")
    });
    let asked_for = asked.map(|[ours, theirs]| {
        say!(
            "It asked for {ours} on its own side and {theirs} on that of {from}.",
            ours = selector::said(ours),
            theirs = selector::said(theirs),
            from
        )
    });
    let known_for = known_of(attempts, from, first);
    // What leaves in clear tells what the asker's hosts want to reach. If it asked for that, it leaves for want
    // of the child SA; else it asked for the wrong network.
    let elsewhere = asked.and_then(|asked| elsewhere(case, asked));
    // Some daemons of IKEv1 say INVALID-ID-INFORMATION of other faults too.
    let confidence = Confidence::Certain.lower_if(first.v1);
    let finding = child::finding(&RULE, confidence, case, &refusals)
        .map(|finding| {
            finding
                .title(say!(
                    "{from} refuses the traffic selectors of {to}",
                    from,
                    to
                ))
                .says(
                    say!(
                        "{from} refused the child SA of {to} {times} by {reason} (first in answer to {request}).",
                        from,
                        to,
                        times = child::times(refusals.len()),
                        reason = first.name(),
                        request = first.what()
                    )
                    .then(for_transport)
                    .then(asked_for)
                    .then(known_for),
                )
        })
        .map(|mut finding| match elsewhere {
            None => finding.explaining(&["clear-text-leak"]),
            Some(leak) => {
                finding.says.add(say!(
                    "{host}, which is on the side of {to}, sends to {other} in clear, and {to} did not ask for that.",
                    host = leak.from,
                    to,
                    other = leak.to
                ));
                finding
                    .beside(leak.seen.first, say!("{from} > {to} in clear", from = leak.from, to = leak.to))
                    .advise(say!(
                        "Look first whether {to} asks for the network that its hosts want: {other} is not in it.",
                        to,
                        other = leak.to
                    ))
            }
        })
        .map(|finding| match first.v1 {
            true => finding.or("It says so of another fault of the request: some daemons of IKEv1 do."),
            false => finding,
        })
        .map(|finding| match transport {
            true => finding.advise(say!(
                "Use the same mode on both sides: tunnel mode, if networks behind {to} and {from} shall reach each other.",
                to,
                from
            )),
            false => finding,
        })
        .map(|finding| match (pair, asked) {
            // It wants one pair of addresses (RFC 7296 section 2.9): one of networks will not do.
            (true, _) => finding.advise(say!(
                "Let {to} ask for a child SA when packets want one, for the pair of addresses of those: {from} \
                 takes no more in one. Or change that on {from}.",
                to,
                from
            )),
            (false, Some([ours, theirs])) => finding.advise(match first.v1 {
                true => say!(
                    "Configure on {from}: local {local}, remote {remote}; or change those of {to}. They must mirror \
                     each other to the bit, masks included.",
                    from,
                    local = selector::said(theirs),
                    remote = selector::said(ours),
                    to
                ),
                false => say!(
                    "Configure on {from}: local {local}, remote {remote}; or change those of {to}. They must mirror \
                     each other.",
                    from,
                    local = selector::said(theirs),
                    remote = selector::said(ours),
                    to
                ),
            }),
            (false, None) => finding.advise(
                "Compare local and remote networks: each side's must mirror the other's.",
            ),
        })
        .map(|finding| {
            finding
                .advise("If one side is route-based and the other policy-based, give both the same selectors.")
                .advise(say!(
                    "The log of {from} names the selectors it expects.",
                    from
                ))
                .advise_all(vendor_advice::of(case, from, Topic::Selectors))
        });
    finding.into_iter().collect()
}

/// A child SA that was granted for more than was asked for, with what it is more, of the asker's side and of the other.
struct Widened<'a> {
    attempt: &'a Attempt,
    asked: &'a [Vec<Selector>; 2],
    answer: &'a Said,
    granted: &'a [Vec<Selector>; 2],
    more: [Vec<Selector>; 2],
}

impl<'a> Widened<'a> {
    /// IKEv2 alone lets the two differ, and one way only (RFC 7296 section 2.9). In transport mode behind NAT addresses
    /// are exchanged (section 2.23.1), and a client's side follows the address that it is given (section 2.19).
    fn of(case: &Case<'_>, attempt: &'a Attempt) -> Option<Self> {
        let (request, answer) = attempt.told.granted()?;
        let (asked, granted) = (request.selectors.as_ref()?, answer.selectors.as_ref()?);
        let [[own, other], [granted_own, granted_other]] = [asked, granted];
        let own = match request.configures {
            true => Vec::new(),
            false => selector::left_out(granted_own, own),
        };
        let more = [own, selector::left_out(granted_other, other)];
        let v1 = case.model.ike_sas[attempt.ike_sa].version.major() == 1;
        (!v1 && answer.mode != Mode::Transport && more.iter().any(|more| !more.is_empty()))
            .then_some(Self {
                attempt,
                asked,
                answer,
                granted,
                more,
            })
    }

    /// Whether on some side nothing was granted of what was asked for.
    fn is_disjoint(&self) -> bool {
        let mut sides = self.asked.iter().zip(self.granted);
        sides.any(|(asked, granted)| {
            !granted
                .iter()
                .any(|one| asked.iter().any(|other| one.meets(other)))
        })
    }

    /// Whether the asker sends under the child SA all the same.
    fn is_used(&self, case: &Case<'_>) -> bool {
        let sas = &case.model.ike_sas[self.attempt.ike_sa].child_sas;
        let mut made = sas.iter().map(|id| &case.model.child_sas[*id]);
        made.any(|child| child.made_by == Some(self.attempt.exchange) && child.flows[1].is_some())
    }
}

/// The peer grants what nobody asked for, where it may only narrow: the asker need not take that.
fn widened(case: &Case<'_>) -> Option<Finding> {
    let attempts = case.attempts();
    let (wide, exact): (Vec<_>, Vec<_>) = attempts
        .iter()
        .filter(|attempt| attempt.told.granted().is_some())
        .map(|attempt| (attempt, Widened::of(case, attempt)))
        .partition(|(_, widened)| widened.is_some());
    // What was asked for again and granted is no fault that lasts. Attempts are in order of time.
    let mended = |one: &Widened<'_>| {
        let latest = exact.iter().rev().map(|(attempt, _)| attempt);
        let mut later = latest.take_while(|other| other.time() > one.attempt.time());
        later.any(|other| other.is_like(one.attempt))
    };
    let mut all = wide
        .into_iter()
        .filter_map(|(_, widened)| widened)
        .filter(|one| !mended(one));
    let first = all.next()?;
    let Widened {
        asked,
        answer,
        granted,
        more: [own, other],
        ..
    } = &first;
    let (from, to) = (answer.from, answer.to);
    let (used, disjoint) = (first.is_used(case), first.is_disjoint());
    let more = match (own.is_empty(), other.is_empty()) {
        (false, false) => pair(&first.more),
        (false, true) => selector::said(own),
        (true, _) => selector::said(other),
    };
    let [ours, theirs] = asked;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        answer.at,
        say!("granted: {selectors}", selectors = pair(granted)),
    )
    .severity(match disjoint && !used {
        true => RULE.severity,
        false => Severity::Warning,
    })
    .title(say!("{from} grants {to} what it did not ask for", from, to))
    .says(
        say!(
            "{to} asked for {asked}; {from} granted {granted}.",
            to,
            asked = pair(asked),
            from,
            granted = pair(granted)
        )
        .then(say!(
            "Nobody asked for {more}, and a responder may only narrow (RFC 7296 section 2.9).",
            more
        ))
        .then(match (used, disjoint) {
            (true, _) => say!(
                "{to} sends under that child SA all the same: the sides have other selectors for it.",
                to
            ),
            (false, true) => say!(
                "{to} has no use for it, and sends nothing under that child SA in this capture.",
                to
            ),
            (false, false) => say!(
                "If {to} takes what it asked for of it, the sides have other selectors for that child SA.",
                to
            ),
        }),
    )
    .advise(say!(
        "Configure on {from}: local {local}, remote {remote}; or change those of {to}. They must mirror each other.",
        from,
        local = selector::said(theirs),
        remote = selector::said(ours),
        to
    ))
    .advise_all(vendor_advice::of_both(case, Topic::Selectors));
    if let Some(request) = &first.attempt.told.request {
        finding = finding.also(
            request.at,
            say!("asked for: {selectors}", selectors = pair(asked)),
        );
    }
    for again in all {
        finding = finding.also(
            again.answer.at,
            say!("granted: {selectors}", selectors = pair(again.granted)),
        );
    }
    Some(finding)
}

/// Packets in clear of the asker's side to where it did not ask for.
fn elsewhere<'m>(case: &Case<'m>, asked: &[Vec<Selector>; 2]) -> Option<&'m ClearFlow> {
    let [ours, theirs] = asked;
    let mut leaks = case.leaks().rows().iter().copied();
    leaks.find(|leak| {
        let wanted = [ours, theirs].map(|set| selector::holds(set, leak.to));
        selector::holds(ours, leak.from) && wanted == [false; 2]
    })
}

/// Whether it is the selectors that were refused.
fn is_about_selectors(refusal: &Refusal) -> bool {
    match refusal.v1 {
        true => refusal.reason == NotifyV1::INVALID_ID_INFORMATION.0,
        false => [
            NotifyType::TS_UNACCEPTABLE.0,
            NotifyType::SINGLE_PAIR_REQUIRED.0,
        ]
        .contains(&refusal.reason),
    }
}

/// Whether a peer that takes one pair in each child SA was asked for a single one then, and granted it:
/// so it is meant (RFC 7296 section 2.9).
fn asked_by_pairs(refusal: &Refusal, attempts: &[Attempt]) -> bool {
    if refusal.v1 || refusal.reason != NotifyType::SINGLE_PAIR_REQUIRED.0 {
        return false;
    }
    let refused = refusal.attempt.told.request.as_ref();
    let Some([own, other]) = refused.and_then(|request| request.selectors.as_ref()) else {
        return false;
    };
    attempts
        .iter()
        .filter_map(|attempt| attempt.told.granted())
        .filter(|(request, answer)| request.from == refusal.asker() && answer.at.1 > refusal.at().1)
        .filter_map(|(_, answer)| answer.selectors.as_ref())
        .any(|[one, two]| selector::is_within(one, own) && selector::is_within(two, other))
}

/// What an end showed of its selectors in another attempt: what it asked for itself, or else granted, which may be a
/// part of what it has (RFC 7296 section 2.9).
fn known_of(attempts: &[Attempt], end: IpAddr, not: &Refusal) -> Option<Text> {
    let others = || {
        let attempts = attempts.iter();
        attempts.filter(|attempt| attempt.exchange != not.attempt.exchange)
    };
    let asked = others().find_map(|attempt| {
        let request = attempt.told.request.as_ref();
        let [own, other] = request
            .filter(|request| request.from == end)?
            .selectors
            .as_ref()?;
        Some(say!(
            "{from} itself has {own} and {other}.",
            from = end,
            own = selector::said(own),
            other = selector::said(other)
        ))
    });
    asked.or_else(|| {
        others().find_map(|attempt| {
            let answer = attempt.told.answer.as_ref();
            let answer = answer.filter(|answer| answer.from == end && answer.has_sa)?;
            let [other, own] = answer.selectors.as_ref()?;
            Some(say!(
                "{from} granted {own} and {other} to another request.",
                from = end,
                own = selector::said(own),
                other = selector::said(other)
            ))
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, fires, silent, verdict};

    #[test]
    fn what_leaves_in_clear_tells_which_network_was_asked_for_wrongly() {
        let story = |to: &str| {
            format!(
                "{AGREED}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) N(TS_UNACCEPTABLE)
                 5 10.1.0.5 > {to} CLEAR 1 count 5 every 1 requests 5"
            )
        };
        let caused = |to: &str| {
            let found = findings(&story(to));
            let leak = found.iter().find(|one| one.rule.slug == "clear-text-leak");
            leak.is_none_or(|leak| leak.cause.is_some())
        };
        let advice = |to: &str| {
            let finding = fires(&story(to), "ts-unacceptable");
            finding.advice.first().map(ToString::to_string)
        };
        assert!(caused("10.9.0.7"));
        assert!(advice("10.9.0.7").is_some_and(|first| first.contains("Configure on")));
        assert!(!caused("10.2.0.7"));
        assert!(advice("10.2.0.7").is_some_and(|first| first.contains("10.2.0.7 is not in it")));
    }

    const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.9.0.0/16)
        ";

    #[test]
    fn who_asks_for_transport_mode_is_told_of_tunnel_mode() {
        let text = format!(
            "{AGREED} 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128 opened IDr(b) AUTH(2) N(TS_UNACCEPTABLE)"
        );
        let mode = |text: &str| {
            let finding = fires(text, "ts-unacceptable");
            let first = finding.advice.first().map(ToString::to_string);
            (
                finding.says.to_string().contains("transport mode"),
                first.is_some_and(|first| first.contains("same mode")),
            )
        };
        assert_eq!(mode(&text), (false, false));
        let transport = text.replace("TSi(10.1", "N(USE_TRANSPORT_MODE) TSi(10.1");
        assert_eq!(mode(&transport), (true, true));
    }

    #[test]
    fn a_proof_with_ts_unacceptable() {
        let text = format!(
            "{AGREED} 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128 opened IDr(b) AUTH(2) N(TS_UNACCEPTABLE)"
        );
        verdict(&text, "ts-unacceptable");
        silent(&text, "child-setup-failed");
        silent(&text, "auth-failed");
        let says = fires(&text, "ts-unacceptable").says.to_string();
        assert!(
            says.contains("10.1.0.0/16 on its own side and 10.9.0.0/16"),
            "{says}"
        );
    }

    #[test]
    fn who_refuses_the_child_and_does_not_say_who_it_is_is_not_believed() {
        let text = format!(
            "{AGREED} 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128 opened AUTH(2) N(TS_UNACCEPTABLE)
             0.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 opened N(AUTHENTICATION_FAILED)
             0.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
        );
        verdict(&text, "ts-unacceptable");
        silent(&text, "auth-failed");
        // Who is known and not believed is refused for that.
        fires(
            &text.replace("AUTH(2) N(TS", "IDr(b) AUTH(2) N(TS"),
            "auth-failed",
        );
    }

    #[test]
    fn what_is_granted_beyond_the_request_is_not_mirrored() {
        let text = |granted: &str, more: &str| {
            format!(
                "{AGREED} 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr({granted})
                 {more}"
            )
        };
        let severity = |text: &str| fires(text, "ts-unacceptable").severity;
        assert_eq!(severity(&text("10.8.0.0/15", "")), Severity::Warning);
        assert_eq!(severity(&text("10.8.0.0/16", "")), Severity::Error);
        let sends = "1 A > B ESP 0xb1 seq 1..20 every 1 size 136";
        assert_eq!(severity(&text("10.8.0.0/16", sends)), Severity::Warning);
        silent(&text("10.9.0.0/17", ""), "ts-unacceptable");
        silent(&text("10.9.0.0/16", ""), "ts-unacceptable");
    }

    #[test]
    fn without_keys_it_stays_a_refused_child() {
        let text = format!(
            "{} 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128",
            AGREED.replace("opened", "# opened")
        );
        verdict(&text, "child-setup-failed");
    }

    #[test]
    fn what_is_granted_at_the_second_try_is_no_fault() {
        silent(
            &format!(
                "{AGREED} 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128 opened IDr(b) AUTH(2) N(TS_UNACCEPTABLE)
                 1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.9.0.0/16)
                 1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208 opened SA(ESP 0xb2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.9.0.0/16)"
            ),
            "ts-unacceptable",
        );
    }

    #[test]
    fn a_peer_that_takes_one_pair_each_is_asked_so_then() {
        let refused = format!(
            "{AGREED} 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128 opened IDr(b) AUTH(2) N(SINGLE_PAIR_REQUIRED)"
        );
        verdict(&refused, "ts-unacceptable");
        silent(
            &format!(
                "{refused}
                 30 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.7) TSr(10.9.0.8)
                 30.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208 opened SA(ESP 0xb2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.7) TSr(10.9.0.8)"
            ),
            "ts-unacceptable",
        );
    }

    const MAIN: &str = "
        0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
        0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
        0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
        0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
        0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
        0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
        0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188 opened HASH SA(ESP 0xa1 encr=12/256 auth=5) Nonce ID(10.1.0.0/16) ID(10.9.0.0/16)";

    #[test]
    fn quick_mode_answered_by_invalid_id_information() {
        let text = format!(
            "{MAIN}\n0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92 opened HASH N(18)"
        );
        verdict(&text, "ts-unacceptable");
        let confidence = fires(&text, "ts-unacceptable").confidence;
        assert_eq!(confidence, crate::diagnose::Confidence::Likely);
    }
}
