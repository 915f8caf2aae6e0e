//! The responder refuses every IKE proposal.

use super::multi_value_proposal::fails_by_role;
use super::{dh_group_mismatch, weak_crypto};
use crate::diagnose::facts::clear::{self, Notice};
use crate::diagnose::facts::offer::{self, Offer};
use crate::diagnose::facts::turned_down::TurnedDown;
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{cite, recovery, stranger};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{IkeSa, Model, TunnelId};
use crate::registry::product::Suite;
use crate::registry::{NotifyType, TransformType};
use crate::say;
use std::net::IpAddr;
use std::ops::Range;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-proposal-mismatch",
    code: "IKE201",
    severity: Severity::Error,
    summary: "The peer refuses every IKE proposal",
    document: DOCUMENT,
    explains: &["ike-no-response", "tunnel-flapping", "clear-text-leak"],
    needs: Signs::NOTICE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The responder read the offer and accepts none of it: NO_PROPOSAL_CHOSEN. Some algorithm differs between the two configurations, or the responder has no connection for this initiator.

## How it is seen
The first message of IKE is answered in clear by NO_PROPOSAL_CHOSEN (14). The offer is in clear, so it is printed. What the responder wants is not in its refusal; it is known only if the same peer offers, or accepted, something elsewhere in the capture. Then the two are compared kind by kind.

## What else looks like it
A responder without a connection for this address or IKE version refuses in the same way; where the capture shows that the algorithms are not the reason, see peer-address-unknown. Many refuse an offer with several values of one kind. Some read the first eight proposals only. An initiator that falls back to another offer or version and succeeds is normal. So is a stranger, such as a scanner, who came from afar, was refused by a gateway that serves others and did not try again.

## What to do
1. Make encryption, integrity or hash, PRF and key exchange group the same on both sides.
2. If they are the same, see that the peer has a connection for this initiator's address and identity.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = case.tunnel.ends.iter();
    let found: Vec<Refusing> = found
        .filter_map(|responder| refused_by(case, *responder))
        .collect();
    let weighs = |one: &Refusing| (one.finding.severity, one.finding.confidence);
    match <[Refusing; 2]>::try_from(found) {
        Ok([one, other]) if weighs(&one) == weighs(&other) => {
            vec![both_ways(case, one, other)]
        }
        Ok(two) => two.map(|one| one.finding).into(),
        Err(fewer) => fewer.into_iter().map(|one| one.finding).collect(),
    }
}

/// What one responder refuses.
struct Refusing {
    finding: Finding,
    /// Which of its advices are about one side: those before compare the two, those after say where to set that.
    of_one: Range<usize>,
}

/// What two refuse of each other is one mismatch: that of the first, and that it is mutual.
fn both_ways(case: &Case<'_>, one: Refusing, other: Refusing) -> Finding {
    let [a, b] = case.tunnel.ends;
    // The findings are those of the ends as responders.
    let (first, second, from, to) = match one.finding.first <= other.finding.first {
        true => (one, other, b, a),
        false => (other, one, a, b),
    };
    let (mut finding, of_one) = (first.finding, first.of_one);
    let (second, of_second) = (second.finding, second.of_one);
    // What is to be made equal is the same the other way round.
    let also = second.advice.get(of_second).unwrap_or_default().iter();
    let also: Vec<Text> = also
        .filter(|advice| !finding.advice.contains(advice))
        .cloned()
        .collect();
    finding.advice.splice(of_one.end..of_one.end, also);
    finding
        .says
        .add(say!("{from} refuses what {to} offers, too.", from, to));
    for evidence in second.evidence {
        let cited = finding
            .evidence
            .iter()
            .any(|one| one.frame == evidence.frame);
        if !cited && finding.evidence.len() < Finding::EVIDENCE_MAX {
            finding.evidence.push(evidence);
        }
    }
    finding.during(second.first, second.last)
}

/// One finding for all refusals of one responder.
fn refused_by(case: &Case<'_>, responder: IpAddr) -> Option<Refusing> {
    let TurnedDown {
        attempts: refused,
        proof,
    } = case.turned_down_by(responder)?;
    // Where the algorithms are not the reason, another rule speaks.
    if proof.is_some() {
        return None;
    }
    let (sa, notice) = *refused.first()?;
    let ours = offer::offered(case.model, sa);
    let theirs = offer::known_of(case, responder, sa);
    let holds = ours
        .as_ref()
        .zip(theirs.as_ref())
        .is_some_and(|((ours, _), (theirs, ..))| ours.meets(theirs));
    let several = ours.as_ref().is_some_and(|(ours, _)| !ours.is_plain());
    let initiator = sa.paths.first().map(|path| path.from.address);
    // Where the peer's own offer is in it, several values of one kind are the nearer reason, if the roles bear
    // that out.
    if holds && several && initiator.is_some_and(|asker| fails_by_role(case, asker)) {
        return None;
    }
    let mut finding = match (&ours, &theirs) {
        (Some((ours, at)), Some(theirs)) => compared(case.id, notice, (ours, *at), theirs),
        (ours, _) => {
            let elsewhere = accepted_elsewhere(case, sa, responder);
            alone(case.id, notice, ours.as_ref(), elsewhere)
        }
    };
    let wanted = theirs.is_none().then(|| wanted(refused)).flatten();
    if let Some((group, at)) = wanted {
        let group = || offer::group(group);
        finding.says.add(say!(
            "{peer} asked for {group} before, by INVALID_KE_PAYLOAD.",
            peer = responder,
            group = group()
        ));
        let note = say!("INVALID_KE_PAYLOAD asks for {group}", group = group());
        finding = finding.beside(at, note);
    }
    finding = finding.title(match initiator {
        Some(initiator) if accepts(case, sa, responder) => say!(
            "{responder} refuses an IKE proposal of {initiator}",
            responder,
            initiator
        ),
        Some(initiator) => say!(
            "{responder} refuses every IKE proposal of {initiator}",
            responder,
            initiator
        ),
        None => say!("{responder} refuses every IKE proposal", responder),
    });
    if let Some(ours) = &ours {
        finding = since_when(case, sa, ours, finding);
    }
    for (_, notice) in refused.iter().skip(1) {
        finding = finding.also(notice.at, "refused again");
    }
    // The same request may be sent, and refused, again.
    for (_, notice) in refused {
        let response = case.model.exchanges[notice.exchange].response();
        for copy in response.iter().flat_map(|flight| &flight.again) {
            finding = finding.also(cite(case.model, *copy), "refused again");
        }
    }
    let offers = different_offers(case.model, refused);
    // A peer without a connection refuses whatever is offered; one with other algorithms may as well.
    // Nothing in the refusal tells the two apart.
    let all_alike = offers > 1 && theirs.is_none();
    if all_alike {
        finding.confidence = finding.confidence.lower();
    }
    // Who accepted an offer of the same address by the same version has a connection for it.
    if !accepts(case, sa, responder) {
        finding = finding.or(no_connection(responder, offers));
    }
    if holds && several {
        finding = finding.or("The peer takes an offer with one value of each kind only.");
    }
    if ours.as_ref().is_some_and(|(offer, _)| offer.mixes_modes()) {
        finding = finding.or(offer::MIXED_MODES);
    }
    if let Some(many) = ours
        .as_ref()
        .map(|(offer, _)| offer.len())
        .filter(|many| *many > MANY_PROPOSALS)
    {
        finding = finding.or(say!(
            "The offer has {many} different proposals; some responders read the first {few} only.",
            many,
            few = MANY_PROPOSALS
        ));
    }
    let near = theirs.as_ref().map(|(offer, ..)| offer);
    let wanted = wanted.map(|(group, _)| Offer::of_group(group));
    let suites = ours.as_ref().map_or_else(Vec::new, |(offer, _)| {
        offer.suites(near.or(wanted.as_ref()))
    });
    let (weak, fits): (Vec<Suite>, Vec<Suite>) = suites.into_iter().partition(is_weak);
    let weak = fits.is_empty() && !weak.is_empty();
    let fits = initiator.zip(Some(fits.as_slice()));
    // It is set where it must change.
    let place = initiator.filter(|_| weak).unwrap_or(responder);
    let advice = vendor_advice::fitting(case, place, Topic::IkeProposal, fits);
    // That it refuses different offers alike speaks for it.
    let finding = match all_alike {
        true => finding.advise(say!(
            "Check that {responder} has a connection for this address, identity and version of IKE.",
            responder
        )),
        false => finding,
    };
    let differs = ours.as_ref().zip(near);
    let differs = differs.map_or_else(Vec::new, |((ours, _), theirs)| ours.differs(theirs));
    let last = refused.last().map_or(notice.at.1, |(_, last)| last.at.1);
    let finding = match initiator {
        Some(initiator) if !differs.is_empty() => {
            differs
                .into_iter()
                .fold(finding, |finding, (kind, ours, theirs)| {
                    finding.advise(say!(
                        "Make {kind} equal: {to} has {ours}, {from} {theirs}.",
                        kind,
                        to = initiator,
                        ours,
                        from = responder,
                        theirs
                    ))
                })
        }
        _ => finding.advise("Make the IKE proposals of both sides the same."),
    };
    let compared = finding.advice.len();
    let finding = match initiator.filter(|_| weak) {
        Some(initiator) => finding.advise(say!(
            "What {initiator} offers is weak: change it there, not at {responder}.",
            initiator,
            responder
        )),
        None => finding,
    };
    let finding = match all_alike {
        true => finding,
        false => finding.advise(
            "If they are the same already, check that the peer has a connection for this address and identity.",
        ),
    };
    let of_one = compared..finding.advice.len();
    let finding = recovery::tell_fallback(case, finding, last);
    // Who came together by the next offer need enter nothing.
    let finding = match finding.severity {
        Severity::Info => finding,
        _ => finding.advise_all(advice),
    };
    let finding = stranger::tell(case, responder, finding);
    Some(Refusing { finding, of_one })
}

/// The group that the responder asked for in an attempt that it then refused, and where.
fn wanted(refused: &[(&IkeSa, &Notice)]) -> Option<(u16, Cite)> {
    refused.iter().find_map(|(sa, refusal)| {
        let mut asked = clear::refusals(sa, NotifyType::INVALID_KE_PAYLOAD);
        let asked = asked.find(|asked| asked.from == refusal.from)?;
        Some((dh_group_mismatch::wanted(asked)?, asked.at))
    })
}

/// Whether a part of a suite should no longer be used.
fn is_weak(suite: &Suite) -> bool {
    let weak = weak_crypto::weak([
        (TransformType::ENCR, suite.encryption.map(|(id, _)| id)),
        (TransformType::PRF, suite.prf),
        (TransformType::INTEG, suite.integrity),
        (TransformType::KE, suite.group),
    ]);
    !weak.is_empty()
}

/// Some responders read no more proposals than these.
const MANY_PROPOSALS: usize = 8;

/// So many refused offers are compared; more tell nothing new.
const COMPARED: usize = 64;

/// Whether a responder accepted another offer of the same version from the same address.
fn accepts(case: &Case<'_>, refused: &IkeSa, responder: IpAddr) -> bool {
    let asker = refused.paths.first().map(|path| path.from.address);
    case.ike_sas().any(|sa| {
        let path = sa.paths.first();
        let same = path
            .is_some_and(|path| path.to.address == responder && Some(path.from.address) == asker);
        same && sa.version.major() == refused.version.major()
            && offer::accepted(case.model, sa).is_some()
    })
}

/// How many different offers were refused.
fn different_offers(model: &Model, refused: &[(&IkeSa, &Notice)]) -> usize {
    let mut offers: Vec<Offer> = Vec::new();
    for (offer, _) in refused
        .iter()
        .take(COMPARED)
        .filter_map(|(sa, _)| offer::offered(model, sa))
    {
        if !offers.contains(&offer) {
            offers.push(offer);
        }
    }
    offers.len()
}

/// What else the refusals may mean, as exactly as they tell.
fn no_connection(responder: IpAddr, offers: usize) -> Text {
    let mut said = say!(
        "{responder} has no connection for this initiator or IKE version.",
        responder
    );
    if offers > 1 {
        said.add(say!(
            "It refused {offers} different offers alike, which speaks for this.",
            offers
        ));
    }
    said
}

/// Whose offer changed, if the same two agreed before: the offer of then and of now are compared.
fn since_when(
    case: &Case<'_>,
    refused: &IkeSa,
    (ours, at): &(Offer, Cite),
    mut finding: Finding,
) -> Finding {
    let Some(before) = offer::accepted_before(case, refused, *at) else {
        return finding;
    };
    let (initiator, responder) = (before.initiator, before.responder);
    let (then, then_at) = &before.offer;
    let (chosen, chosen_at) = &before.choice;
    let more = if then == ours {
        say!(
            "{initiator} offers what it offered when {responder} accepted it: the change is at \
             {responder}.",
            initiator,
            responder
        )
    } else {
        let kinds = &ours.kinds() | &then.kinds();
        let changes = kinds.into_iter().filter_map(|kind| {
            let [old, new] = [then, ours].map(|offer| offer.listed(kind));
            (old != new).then(|| say!("{kind}: {old} -> {new}", kind, old, new))
        });
        let what = parted(changes).unwrap_or_else(|| "in how it combines the same values".into());
        say!(
            "The offer of {initiator} changed since it was accepted ({what}); {responder} last \
             accepted {chosen}.",
            initiator,
            what,
            responder,
            chosen = Text::verbatim(chosen)
        )
    };
    finding.says.add(more);
    finding
        .beside(
            *then_at,
            say!("an earlier offer: {offer}", offer = Text::verbatim(then)),
        )
        .beside(
            *chosen_at,
            say!(
                "which was accepted: {choice}",
                choice = Text::verbatim(chosen)
            ),
        )
}

/// The peer's side is known: say what differs.
fn compared(
    tunnel: TunnelId,
    notice: &Notice,
    (ours, at): (&Offer, Cite),
    (theirs, theirs_at, how): &(Offer, Cite, &'static str),
) -> Finding {
    let differs = ours.differs(theirs);
    let (confidence, what) = if ours.meets(theirs) {
        (
            Confidence::Possible,
            "The refused offer holds what the peer itself has, so no algorithm is lacking.".into(),
        )
    } else if differs.is_empty() {
        (
            Confidence::Likely,
            "No single kind of algorithm differs; their combination, or something else, does."
                .into(),
        )
    } else {
        let kinds = differs.into_iter().map(|(kind, ours, theirs)| {
            say!(
                "{kind}: {ours} is offered, the peer wants {theirs}",
                kind,
                ours,
                theirs
            )
        });
        (
            Confidence::Certain,
            say!("They differ in {kinds}.", kinds = parted(kinds)),
        )
    };
    Finding::new(
        &RULE,
        confidence,
        tunnel,
        notice.at,
        Text::verbatim("NO_PROPOSAL_CHOSEN"),
    )
    .also(at, "the offer that was refused")
    .beside(*theirs_at, say!("what the peer itself {how}", how = *how))
    .says(
        say!("{peer} answered NO_PROPOSAL_CHOSEN.", peer = notice.from)
            .then(what)
            .then(say!(
                "The refused offer: {offer}.",
                offer = Text::verbatim(ours)
            ))
            .then(say!(
                "The peer itself {how}: {offer}.",
                how = *how,
                offer = Text::verbatim(theirs)
            )),
    )
}

/// Texts with semicolons between them, for their parts may have commas; `None` if there are none.
fn parted(texts: impl Iterator<Item = Text>) -> Option<Text> {
    texts.reduce(|these, last| say!("{these}; {last}", these, last))
}

/// The peer's side is not known: say what was offered.
fn alone(
    tunnel: TunnelId,
    notice: &Notice,
    ours: Option<&(Offer, Cite)>,
    elsewhere: Option<(IpAddr, Offer, Cite)>,
) -> Finding {
    let finding = Finding::new(
        &RULE,
        Confidence::Likely,
        tunnel,
        notice.at,
        Text::verbatim("NO_PROPOSAL_CHOSEN"),
    );
    let peer = notice.from;
    let finding = match ours {
        Some((offer, at)) => finding.also(*at, "the offer that was refused").says(
            say!(
                "{peer} answered NO_PROPOSAL_CHOSEN to this offer: {offer}.",
                peer,
                offer
            )
            .then(match &elsewhere {
                Some((other, choice, _)) => say!(
                    "From {other} it accepted {choice}; what it wants of this initiator is not in this capture.",
                    other,
                    choice
                ),
                None => "What the peer wants is not in this capture.".into(),
            }),
        ),
        None => finding.says(say!(
            "{peer} answered NO_PROPOSAL_CHOSEN; the offer itself is not in this capture.",
            peer
        )),
    };
    match elsewhere {
        Some((from, _, at)) => finding.beside(at, say!("accepted from {from}", from)),
        None => finding,
    }
}

/// What a responder accepted from another address by the same version.
fn accepted_elsewhere(
    case: &Case<'_>,
    refused: &IkeSa,
    responder: IpAddr,
) -> Option<(IpAddr, Offer, Cite)> {
    /// A hub may have thousands of peers, and each many IKE SAs.
    const LOOKED_AT: [usize; 2] = [16, 8];
    let [tunnels, tried] = LOOKED_AT;
    let mut others = case
        .model
        .tunnels_beside(case.id, responder, tunnels)
        .flat_map(|other| case.model.tunnels[other].ike_sas.iter().take(tried))
        .map(|id| &case.model.ike_sas[*id])
        .filter(|other| other.version.major() == refused.version.major());
    others.find_map(|other| {
        let path = other
            .paths
            .first()
            .filter(|path| path.to.address == responder)?;
        let (choice, at) = offer::accepted(case.model, other)?;
        Some((path.from.address, choice, at))
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};

    const REFUSED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)";

    #[test]
    fn a_refusal_alone_prints_the_offer_and_says_that_the_peers_is_unknown() {
        verdict(REFUSED, "ike-proposal-mismatch");
        let finding = fires(REFUSED, "ike-proposal-mismatch");
        assert!(
            finding.says.to_string().contains("ENCR_AES_CBC-256"),
            "{}",
            finding.says
        );
        assert!(finding.says.to_string().contains("is not in this capture"));
        assert_eq!(finding.confidence, Confidence::Likely);
    }

    #[test]
    fn another_offer_that_is_accepted_at_once_is_a_fallback() {
        let up = |at: u32| {
            let suite =
                "SA(ENCR_AES_CBC-128 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
            format!(
                "{REFUSED}
                 {at}.2 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request {suite}
                 {at}.3 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response {suite}
                 {at}.4 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
                 {at}.5 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 240"
            )
        };
        let severity = |at| fires(&up(at), "ike-proposal-mismatch").severity;
        assert_eq!(severity(0), Severity::Info);
        assert_eq!(severity(900), Severity::Warning);
    }

    #[test]
    fn the_peers_own_offer_tells_which_transform_differs() {
        let both = format!(
            "{REFUSED}
            5 B:500 > A:500 IKE_SA_INIT i=9 r=0 id=0 request SA(ENCR_AES_CBC-128 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            5.1 A:500 > B:500 IKE_SA_INIT i=9 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)"
        );
        let finding = fires(&both, "ike-proposal-mismatch");
        assert_eq!(finding.confidence, Confidence::Certain);
        assert!(
            finding.says.to_string().contains(
                "encryption: ENCR_AES_CBC-256 is offered, the peer wants ENCR_AES_CBC-128"
            ),
            "{}",
            finding.says
        );
        assert!(
            !finding.says.to_string().contains("integrity:"),
            "{}",
            finding.says
        );
        let advice: Vec<String> = finding.advice.iter().map(ToString::to_string).collect();
        assert_eq!(
            advice[0],
            "Make encryption equal: 192.0.2.1 has ENCR_AES_CBC-256, 192.0.2.2 ENCR_AES_CBC-128."
        );
        for one in [
            "strongSwan `connections.<conn>.proposals = aes256-sha256-modp2048`",
            "Huawei `ike proposal: encryption-algorithm aes-256, integrity-algorithm hmac-sha2-256, \
             prf hmac-sha2-256, dh group14`",
        ] {
            assert!(advice[2].contains(one), "{}", advice[2]);
        }
    }

    #[test]
    fn the_refusal_of_ikev1_is_read_too() {
        let finding = fires(
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 INFO_V1 i=1 r=2 id=7 N(14)",
            "ike-proposal-mismatch",
        );
        assert!(
            finding.says.to_string().contains("AES-CBC-256"),
            "{}",
            finding.says
        );
        let advice = finding.advice[2].to_string();
        assert!(
            advice.contains(
                "Cisco IOS `crypto isakmp policy: encryption aes 256, hash sha256, group 14`"
            ),
            "{advice}"
        );
    }

    #[test]
    fn a_complaint_after_which_the_negotiation_goes_on() {
        silent(
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 INFO_V1 i=1 r=2 id=7 N(14)
             0.3 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.4 B:500 > A:500 MAIN i=1 r=2 KE Nonce
             0.5 A:500 > B:500 MAIN i=1 r=2 sealed 108
             0.6 B:500 > A:500 MAIN i=1 r=2 sealed 92",
            "ike-proposal-mismatch",
        );
    }

    #[test]
    fn an_offer_that_changed_is_told_with_both_values() {
        let finding = fires(
            &format!(
                "0 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-128 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-128 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {}",
                REFUSED.replace("0 A:500", "60 A:500").replace("0.1 B", "60.1 B")
            ),
            "ike-proposal-mismatch",
        );
        assert!(
            finding
                .says
                .to_string()
                .contains("encryption: ENCR_AES_CBC-128 -> ENCR_AES_CBC-256"),
            "{}",
            finding.says
        );
        assert!(
            finding
                .says
                .to_string()
                .contains("last accepted ENCR_AES_CBC-128")
        );
    }

    #[test]
    fn different_offers_refused_alike_and_long_ones_are_told() {
        let nine: Vec<String> = (1..=9)
            .map(|n| {
                format!(
                    "ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH{}",
                    13 + n
                )
            })
            .collect();
        let finding = fires(
            &format!(
                "0 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA({}) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)
                 {}",
                nine.join(" | "),
                REFUSED
                    .replace("0 A:500", "60 A:500")
                    .replace("0.1 B", "60.1 B")
            ),
            "ike-proposal-mismatch",
        );
        let or = format!("{:?}", finding.alternatives);
        assert!(or.contains("2 different offers"), "{or}");
        assert!(or.contains("9 different proposals"), "{or}");
    }

    #[test]
    fn another_group_asked_for_is_no_refusal_of_all() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14 DH19) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 0013)",
            "ike-proposal-mismatch",
        );
    }

    #[test]
    fn the_odd_offer_of_a_stranger_is_no_fault() {
        let odd = "SA(ENCR_3DES PRF_HMAC_SHA1 AUTH_HMAC_SHA1_96 DH2) KE(2) Nonce";
        let own = "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        let refused = |times: &[u32]| {
            let mut text = format!(
                "0 C:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request {own}
                 0.1 B:500 > C:500 IKE_SA_INIT i=7 r=8 id=0 response {own}
                 0.2 C:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                 0.3 B:500 > C:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
                 0.4 C > B ESP 0xb1 seq 1..200 every 1\n"
            );
            for (n, time) in times.iter().enumerate() {
                text += &format!(
                    "{time} A:500 > B:500 IKE_SA_INIT i={n}1 r=0 id=0 request {odd} ttl=49
                     {time}.1 B:500 > A:500 IKE_SA_INIT i={n}1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)\n"
                );
            }
            fires(&text, "ike-proposal-mismatch").severity
        };
        assert_eq!(refused(&[20]), Severity::Info);
        assert_eq!(refused(&[20, 55, 90]), Severity::Error);
    }

    #[test]
    fn what_two_refuse_of_each_other_is_one_finding() {
        let refused = |at: u32, from: char, to: char, group: u32| {
            format!(
                "{at} {from}:500 > {to}:500 IKE_SA_INIT i={at}1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH{group}) KE({group}) Nonce
                 {at}.1 {to}:500 > {from}:500 IKE_SA_INIT i={at}1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)\n"
            )
        };
        let text = refused(1, 'A', 'B', 14) + &refused(5, 'B', 'A', 19);
        let findings = crate::diagnose::testing::findings(&text);
        let found: Vec<_> = findings
            .iter()
            .filter(|finding| finding.rule.slug == "ike-proposal-mismatch")
            .collect();
        assert_eq!(found.len(), 1);
        let says = found[0].says.to_string();
        assert!(
            says.contains("192.0.2.1 refuses what 192.0.2.2 offers, too."),
            "{says}"
        );
    }

    #[test]
    fn what_is_to_be_done_at_either_side_is_advised() {
        let refused = |at: u32, from: char, to: char, group: u32| {
            format!(
                "{at} {from}:500 > {to}:500 IKE_SA_INIT i={at}1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH{group}) KE({group}) Nonce
                 {at}.1 {to}:500 > {from}:500 IKE_SA_INIT i={at}1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)\n"
            )
        };
        // What A offers is weak, and B asked first.
        let text = refused(1, 'B', 'A', 14) + &refused(5, 'A', 'B', 2);
        let advice = fires(&text, "ike-proposal-mismatch").advice;
        let advised = |what: &str| {
            let texts = advice.iter().map(ToString::to_string);
            texts.filter(|text| text.starts_with(what)).count()
        };
        assert_eq!(advised("What 192.0.2.1 offers is weak"), 1, "{advice:#?}");
        assert_eq!(advised("Make "), 1, "{advice:#?}");
    }
}
