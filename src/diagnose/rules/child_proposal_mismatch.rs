//! No ESP proposal in common.

use super::pfs_mismatch;
use super::ts_narrowed::pair;
use crate::diagnose::facts::child::{self, Known, Refusal};
use crate::diagnose::facts::offer::{self, Kind, Offer};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, all_of};
use crate::model::ExchangeId;
use crate::registry::{ExchangeType, NotifyType, PayloadType};
use crate::say;
use std::collections::BTreeSet;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "child-proposal-mismatch",
    code: "IKE211",
    severity: Severity::Error,
    summary: "No ESP proposal in common",
    document: DOCUMENT,
    explains: &[
        "child-setup-failed",
        "rekey-failed",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
        "path-outage",
    ],
    needs: Signs::OPENED,
    check,
};

const DOCUMENT: &str = "\
## What it means
The IKE SA is up, but the two sides agree on no proposal for the SA that carries traffic: ESP or AH, encryption with its key length, integrity, key exchange group, extended sequence numbers (ESN), or the mode (tunnel or transport).

## How it is seen
With the keys of the IKE SA. IKE_AUTH or CREATE_CHILD_SA is answered by NO_PROPOSAL_CHOSEN, quick mode by NO-PROPOSAL-CHOSEN. The request tells what was offered. What the other side would take is not in its refusal, but in its own requests and in what it accepted at another time, where the capture has them: then the finding names what differs.

## What else looks like it
Where only the group of the key exchange (PFS) differs, see pfs-mismatch. Where nothing differs, the other side refuses for a reason of its own, such as a policy for this peer or these networks. In IKEv2 a side that asks for transport mode may be given a tunnel without a word (RFC 7296 section 1.3.1); few refuse. Some peers of IKEv1 refuse identities that they do not know by this same error.

## What to do
1. Configure the same protocol, encryption, integrity, ESN and mode on both sides, and the same PFS group or none.
2. Give one value of each where the peer is a cloud gateway: some take the first only, or none of several.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let attempts = case.attempts();
    let mut refusals = case.lasting().to_vec();
    refusals.retain(is_of_proposals);
    // Where nothing is left, nothing is compared.
    let of_group: BTreeSet<ExchangeId> = match refusals.is_empty() {
        true => BTreeSet::new(),
        false => pfs_mismatch::suspected(case)
            .iter()
            .map(|(refusal, _)| refusal.attempt.exchange)
            .collect(),
    };
    refusals.retain(|refusal| !of_group.contains(&refusal.attempt.exchange));
    let Some(first) = refusals.first().cloned() else {
        return Vec::new();
    };
    let (from, to) = (first.answer.from, first.asker());
    // Each side refuses for itself.
    let (refusals, returned): (Vec<Refusal>, Vec<Refusal>) = refusals
        .into_iter()
        .partition(|refusal| refusal.answer.from == from);
    let first = &first;
    let offer = first.attempt.offer(case.model);
    let mut says = say!(
        "{from} refused the child SA of {to} {times} by {name} (first in answer to {what}).",
        from,
        to,
        times = child::times(refusals.len()),
        name = first.name(),
        what = first.what()
    );
    if let Some(offer) = &offer {
        says.add(say!("{to} offers {offer}.", to, offer));
    }
    let asked = first.attempt.told.request.as_ref();
    let networks = asked.and_then(|request| request.selectors.as_ref());
    if let Some(networks) = networks {
        says.add(say!(
            "The request is for {networks}.",
            networks = pair(networks)
        ));
    }
    let known = child::known_of(case.model, attempts, from, &first.attempt);
    says.add(match &known {
        Some(known) => say!(
            "{from} {how} {theirs} (frame {frame}).",
            from,
            how = known.how,
            theirs = Text::verbatim(&known.offer),
            frame = known.at.0
        ),
        None => say!("What {from} would accept is not in this capture.", from),
    });
    let near = known.as_ref().map(|known| &known.offer);
    let differs = offer.as_ref().zip(near);
    let differs = differs.map_or_else(Vec::new, |(ours, theirs)| ours.differs(theirs));
    // Names of algorithms do not help where something else differs.
    let are_algorithms = differs.is_empty()
        || differs.iter().any(|(kind, ..)| {
            matches!(
                kind,
                Kind::Encryption | Kind::Integrity | Kind::KeyExchange | Kind::Additional(_)
            )
        });
    // The error of IKEv1 stands for more than the algorithms. In IKEv2 it may be the group that was
    // refused, unless it was IKE_AUTH, which has none.
    let other = first.v1 || first.attempt.kind != ExchangeType::IKE_AUTH;
    let fits = offer
        .as_ref()
        .filter(|_| are_algorithms)
        .map(|offer| offer.suites(near));
    let fits = fits.as_ref().map(|suites| (to, suites.as_slice()));
    let alike = differs.is_empty();
    let apart = offer
        .as_ref()
        .zip(near)
        .is_some_and(|(ours, theirs)| alike && !ours.fits_but_for_group(theirs));
    let unseen = alike && known.is_some() && !apart;
    if !returned.is_empty() {
        says.add(say!(
            "{to} refused the child SA of {from} {times}, too.",
            to,
            from,
            times = child::times(returned.len())
        ));
    }
    if unseen {
        says.add("The two fit each other, so nothing that was read tells why.");
    }
    if !alike {
        let kinds = differs.iter().map(|(kind, ..)| *kind);
        says.add(say!("They differ in {kinds}.", kinds = all_of(kinds)));
    }
    if apart {
        says.add("Of each kind they have a value in common, but no proposal of the one has all of one of the other's.");
    }
    let fitting = match unseen {
        true => None,
        false => vendor_advice::fitting(case, from, Topic::ChildProposal, fits),
    };
    let pfs = match other && alike && !apart {
        true => pfs(offer.as_ref(), known.as_ref()),
        false => None,
    };
    // What was asked for is not known, and may have been a rekeying.
    let unread = other && first.attempt.told.request.is_none();
    // Who refuses the child SA alone proves itself all the same (RFC 7296 section 1.2).
    let answer = case.model.exchanges[first.attempt.exchange].response();
    let answer = answer
        .filter(|_| !other)
        .and_then(|answer| case.model.opened(answer));
    let bare = answer.is_some_and(|(_, read)| read.payload(PayloadType::AUTH).is_none());
    // What fits is no mismatch.
    let confidence = match (other || unseen) && alike && !apart {
        true => Confidence::Likely.lower_if(unread || unseen && !other),
        false => Confidence::Certain.lower_if(bare),
    };
    let finding =
        child::finding(&RULE, confidence, case, &refusals).map(|finding| {
            let mut finding = finding
                .title(match unseen {
                    true => say!("{from} refuses the child SA of {to}", from, to),
                    false => say!("{from} accepts no ESP proposal of {to}", from, to),
                })
                .says(says);
            for refusal in &returned {
                let note = say!("{to} refuses, too: {error}", to, error = refusal.name());
                finding = finding.also(refusal.at(), note);
            }
            if let Some(known) = &known {
                finding =
                    finding.beside(known.at, say!("what {from} {how}", from, how = known.how));
            }
            for (kind, ours, theirs) in differs {
                finding = finding.advise(say!(
                    "Make {kind} equal: {to} has {ours}, {from} {theirs}.",
                    kind,
                    to,
                    ours,
                    from,
                    theirs
                ));
            }
            if unseen {
                finding = finding
                    .or("It refuses for another reason, such as its policy for this peer or these networks.");
            }
            if unseen {
                finding = finding.advise(match other {
                    true => say!(
                        "Look at what {from} has for these networks: whether there is such a child SA, and its PFS group.",
                        from
                    ),
                    false => say!(
                        "Look at what {from} has for these networks: whether there is such a child SA.",
                        from
                    ),
                });
            }
            if let (true, false, Some(offer)) = (alike, unseen, &offer) {
                finding = finding.advise(say!(
                    "Configure one of these for ESP (phase 2) on {from}: {offer}. Or change {to} to what {from} has.",
                    from,
                    offer,
                    to
                ));
            }
            if pfs == Some(Pfs::NotAsked) {
                finding = finding
                    .advise(say!(
                        "Use the same PFS group on both sides, or none: {to} asks for none.",
                        to
                    ))
                    .advise_all(vendor_advice::of_both(case, Topic::PfsGroup));
            }
            finding
                .advise(say!(
                    "Read the log of {from}: it names what it received and what it is configured for.",
                    from
                ))
                .advise_all(fitting)
        });
    let finding = finding.map(|finding| match unread {
        true => finding.or(
            "It is a rekeying that is refused, and the PFS groups differ: the request was not read.",
        ),
        false => finding,
    });
    let finding = finding.map(|finding| match pfs {
        Some(Pfs::NotAsked) => finding.or(say!(
            "{from} wants a key exchange of its own (PFS), and {to} asks for none.",
            from,
            to
        )),
        Some(Pfs::Unknown) if first.v1 => {
            finding.or("Only one side is configured for a key exchange of its own (PFS).")
        }
        Some(Pfs::Unknown) if !unread => {
            finding.or(say!("{from} wants another PFS group, or one at all.", from))
        }
        _ => finding,
    });
    let finding = finding.map(|finding| match first.v1 && alike && !apart {
        true => finding.or(
            "The responder does not know the identities of quick mode, and says so by this error.",
        ),
        false => finding,
    });
    let finding = finding.map(|finding| match bare {
        true => finding.or(say!(
            "{from} accepts the offer and fails to install the SA: its answer holds no proof, as that of who refuses \
             the offer alone would.",
            from
        )),
        false => finding,
    });
    let mixed = offer.as_ref().is_some_and(Offer::mixes_modes);
    let finding = finding.map(|finding| match mixed {
        true => finding.or(offer::MIXED_MODES),
        false => finding,
    });
    finding.into_iter().collect()
}

/// Whether a key exchange of its own (PFS) may be what the other side misses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pfs {
    /// The request asks for none.
    NotAsked,
    /// Nothing tells.
    Unknown,
}

/// What the offers tell of it; `None` if both sides want one, or neither.
fn pfs(offer: Option<&Offer>, known: Option<&Known>) -> Option<Pfs> {
    let asks = |offer: &Offer| offer.kinds().contains(&Kind::KeyExchange);
    // IKE_AUTH has none, whatever its sender wants later.
    let known = known.filter(|known| !known.in_auth);
    match (offer.map(asks), known.map(|known| asks(&known.offer))) {
        (Some(ours), Some(theirs)) if ours == theirs => None,
        (Some(false), _) => Some(Pfs::NotAsked),
        _ => Some(Pfs::Unknown),
    }
}

/// Whether what was refused are the proposals for a child SA, of which the group may be all that counts.
fn is_of_proposals(refusal: &Refusal) -> bool {
    refusal.reason == NotifyType::NO_PROPOSAL_CHOSEN.0 && !refusal.attempt.told.is_of_ike()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    #[test]
    fn a_refusal_of_what_was_not_read_is_only_possible() {
        let text = |request: &str| {
            format!(
                "1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request by=initiator sealed 208 {request}
                 1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response by=responder sealed 80 opened N(NO_PROPOSAL_CHOSEN)"
            )
        };
        let confidence =
            |request: &str| fires(&text(request), "child-proposal-mismatch").confidence;
        assert_eq!(confidence(""), crate::diagnose::Confidence::Possible);
        assert_eq!(
            confidence(
                "opened SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)"
            ),
            crate::diagnose::Confidence::Likely
        );
    }

    const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128 opened IDr(b) AUTH(2) N(NO_PROPOSAL_CHOSEN)
        ";

    #[test]
    fn a_proof_with_no_proposal_chosen() {
        verdict(AGREED, "child-proposal-mismatch");
        silent(AGREED, "child-setup-failed");
    }

    #[test]
    fn who_refuses_without_a_proof_may_have_failed_to_install_the_sa() {
        let proven = fires(AGREED, "child-proposal-mismatch");
        assert_eq!(proven.confidence, crate::diagnose::Confidence::Certain);
        let bare = AGREED.replace("opened IDr(b) AUTH(2) N(", "opened N(");
        let turned = format!(
            "{bare}
             0.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 80 opened N(AUTHENTICATION_FAILED)
             0.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response by=responder sealed 80"
        );
        let finding = fires(&turned, "child-proposal-mismatch");
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Likely);
        assert!(
            finding
                .alternatives
                .iter()
                .any(|one| one.to_string().contains("fails to install")),
            "{finding:#?}"
        );
        silent(&turned, "auth-failed");
    }

    #[test]
    fn what_the_refuser_offers_itself_is_compared() {
        let found = fires(
            &format!(
                "{AGREED} 5 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request sealed 208 opened SA(ESP 0xb1 ENCR_AES_GCM_16-128) Nonce TSi(10.2.0.0/16) TSr(10.1.0.0/16)
                 5.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 80 opened N(NO_PROPOSAL_CHOSEN)"
            ),
            "child-proposal-mismatch",
        );
        assert!(
            found
                .says
                .to_string()
                .contains("192.0.2.2 offers ENCR_AES_GCM_16-128"),
            "{}",
            found.says
        );
        assert!(
            found.advice[0].to_string().contains("ENCR_AES_CBC-256"),
            "{:?}",
            found.advice
        );
        let fits = found.advice.last().unwrap().to_string();
        assert!(
            fits.contains("libreswan `esp=aes256-sha2_256`; Cisco IOS `crypto ipsec transform-set: esp-aes 256 "),
            "{fits}"
        );
    }

    #[test]
    fn quick_mode_without_a_public_value() {
        verdict(
            "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
             0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
             0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
             0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188 opened HASH SA(ESP 0xa1 encr=12/256 auth=5) Nonce ID(10.1.0.0/16) ID(10.2.0.0/16)
             0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92 opened HASH N(14)",
            "child-proposal-mismatch",
        );
    }

    /// What A is refused, and what B asks for itself: the transforms behind the SPI, and what stands
    /// beside the SA.
    fn two_offers(a: &str, b: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA({a} TSi(10.1.0.0/16) TSr(10.2.0.0/16)
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128 opened IDr(b) AUTH(2) N(NO_PROPOSAL_CHOSEN)
             5 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request sealed 208 opened SA({b} Nonce TSi(10.2.0.0/16) TSr(10.1.0.0/16)
             5.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 80 opened N(NO_PROPOSAL_CHOSEN)"
        )
    }

    #[test]
    fn what_differs_is_named() {
        let suite = "ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128";
        let esp = format!("ESP 0xa1 {suite} ESN=0)");
        for (theirs, kinds) in [
            (format!("ESP 0xb1 {suite} ESN=1)"), "sequence numbers (ESN)"),
            (
                format!("ESP 0xb1 {suite} ESN=0) N(USE_TRANSPORT_MODE)"),
                "encapsulation mode",
            ),
            (
                "AH 0xb1 AUTH_HMAC_SHA2_256_128 ESN=0)".to_owned(),
                "protocol",
            ),
            (
                "ESP 0xb1 ENCR_AES_CBC-128 AUTH_HMAC_SHA1_96 ESN=0)".to_owned(),
                "encryption and integrity",
            ),
        ] {
            let found = fires(&two_offers(&esp, &theirs), "child-proposal-mismatch");
            let says = found.says.to_string();
            assert!(says.contains(&format!("They differ in {kinds}.")), "{says}");
        }
    }

    #[test]
    fn what_is_alike_is_not_said_to_differ() {
        let suite = "ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128";
        let both = format!("ESP 0xa1 {suite} ESN=0 ESN=1)");
        let one = format!("ESP 0xb1 {suite} ESN=1)");
        let found = fires(&two_offers(&both, &one), "child-proposal-mismatch");
        assert!(!found.says.to_string().contains("differ"), "{}", found.says);
        // Each kind has something in common, and yet nothing fits.
        let crossed = "ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA1_96 ESN=0 | ENCR_AES_CBC-128 AUTH_HMAC_SHA2_256_128 ESN=0)";
        let found = fires(
            &two_offers(crossed, &format!("ESP 0xb1 {suite} ESN=0)")),
            "child-proposal-mismatch",
        );
        assert!(
            found.says.to_string().contains("no proposal of the one"),
            "{}",
            found.says
        );
    }

    #[test]
    fn the_modes_of_quick_mode_are_compared() {
        let quick = |time: f64, from: &str, to: &str, id: u8, mode: u8| {
            format!(
                "{time} {from}:500 > {to}:500 QUICK i=1 r=2 id={id} sealed 188 opened HASH SA(ESP 0xa1 encr=12/256 auth=5 mode={mode}) Nonce ID(10.1.0.0/16) ID(10.2.0.0/16)\n"
            )
        };
        let found = fires(
            &format!(
                "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                 0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                 0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
                 0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
                 {}0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92 opened HASH N(14)
                 {}5.1 A:500 > B:500 INFO_V1 i=1 r=2 id=0x98 sealed 92 opened HASH N(14)",
                quick(0.6, "A", "B", 0x77, 2),
                quick(5.0, "B", "A", 0x78, 1),
            ),
            "child-proposal-mismatch",
        );
        assert!(
            found
                .says
                .to_string()
                .contains("They differ in encapsulation mode."),
            "{}",
            found.says
        );
    }

    #[test]
    fn where_there_may_be_a_group_it_may_be_what_was_refused() {
        use crate::diagnose::Confidence;
        let refused = |kind: &str, id: u32| {
            let proof = match kind {
                "IKE_AUTH" => "IDr(b) AUTH(2) ",
                _ => "",
            };
            format!(
                "{}
                 0.2 A:500 > B:500 {kind} i=1 r=2 id={id} request sealed 256 opened SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 {kind} i=1 r=2 id={id} response sealed 128 opened {proof}N(NO_PROPOSAL_CHOSEN)
                 9 C > B ESP 0xc1",
                AGREED.split("0.2 A").next().unwrap()
            )
        };
        let sure = |text: &str| fires(text, "child-proposal-mismatch").confidence;
        assert_eq!(sure(&refused("IKE_AUTH", 1)), Confidence::Certain);
        assert_eq!(sure(&refused("CREATE_CHILD_SA", 2)), Confidence::Likely);
    }

    #[test]
    fn a_quick_mode_without_a_group_may_lack_one() {
        let refused = |group: &str, known: &str| {
            let finding = fires(
                &format!(
                    "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                     0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
                     0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                     0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                     0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
                     0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
                     0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188 opened HASH SA(ESP 0xa1 encr=12/256 auth=5{group}) Nonce ID(10.1.0.0/16) ID(10.2.0.0/16)
                     0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92 opened HASH N(14)
                     {known}"
                ),
                "child-proposal-mismatch",
            );
            let first = finding.alternatives.first().map(ToString::to_string);
            (
                first.unwrap_or_default(),
                finding
                    .advice
                    .iter()
                    .any(|one| one.to_string().contains("PFS")),
            )
        };
        let (first, advised) = refused("", "");
        assert!(first.contains("asks for none"), "{first}");
        assert!(advised);
        let (first, _) = refused(" group=14", "");
        assert!(first.contains("Only one side"), "{first}");
    }
}
