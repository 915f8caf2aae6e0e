//! A side is not the one that the other expects.

use super::auth_failed::copies_of_message_5;
use crate::diagnose::facts::proof::{self, Refusal};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{asked, clear, offer, recovery};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{IkeSaId, Model, Notice, Role};
use crate::registry::{ExchangeType, NotifyType, NotifyV1};
use crate::say;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "id-mismatch",
    code: "IKE220",
    severity: Severity::Error,
    summary: "A side is not the one that the other expects",
    document: DOCUMENT,
    explains: &[
        "auth-failed",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
    ],
    needs: Signs::OPENED.or(Signs::NOTICE),
    check,
};

const DOCUMENT: &str = "\
## What it means
Each side tells who it is: an address, a name, the subject of a certificate. The other is configured for another identity, so it does not look at the proof, or does not believe it.

## How it is seen
With the keys of the IKE SA. IKEv2: the authentication fails and the identity that the initiator wanted (IDr of its request) is not the one that the responder has, by its own answer or, towards the same initiator, by another IKE SA of the capture. IKEv1: message 5 of main mode, or a message of aggressive mode, is answered by INVALID-ID-INFORMATION. Without keys: it is said in clear, as all is before phase 1 is done.

## What else looks like it
IKEv2 refuses every failed authentication by the same notification. Where the identities agree, or nothing shows those of the refuser, see auth-failed. A responder may have several identities: where the capture shows more than one, this is only possible.

## What to do
1. Make the identities mirror each other, type included: an address and a name that resolves to it are two identities, and so are a name and a certificate's subject.
2. Behind a NAT the identity by default is often the private address; set it explicitly.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = case.tunnel.ike_sas.iter().find_map(|id| {
        let refusal = proof::refusal(case.model, *id)?;
        let why = suspicion(case, &refusal)?;
        Some((refusal, why))
    });
    let Some((refusal, why)) = found else {
        return in_clear(case).into_iter().collect();
    };
    let (from, to) = (refusal.from, refusal.to);
    // A responder may have other identities than those that it showed.
    let guess = !refusal.v1 && refusal.by == Role::Responder;
    let mut shown = own_identities(case, &refusal);
    shown.sort();
    shown.dedup_by(|one, other| one.0 == other.0);
    let confidence = Confidence::Likely.lower_if(guess && shown.len() > 1);
    let mut finding = Finding::new(&RULE, confidence, case.id, refusal.at, "the refusal")
        .title(say!("{from} and {to} disagree about an identity", from, to))
        .says(why)
        .or(
            "The identities are known, and the proof (pre-shared key, certificate) is not \
             accepted.",
        )
        .advise("Make the identities of both sides mirror each other, type included.")
        .advise_all(vendor_advice::of_both(case, Topic::Identity))
        .advise(say!(
            "Read the log of {from}: it names the identity that it looked for.",
            from
        ));
    if guess {
        finding = finding.or("The responder has several identities, that one among them.");
    }
    for claim in case.model.claims(refusal.ike_sa) {
        if let (Some(at), Some(said)) = (claim.at, claim.said()) {
            finding = finding.also(at, said);
        }
    }
    if guess {
        for (identity, at) in shown
            .iter()
            .filter_map(|(identity, at)| Some((identity, (*at)?)))
        {
            finding = finding.beside(
                at,
                say!(
                    "elsewhere it is “{identity}”",
                    identity = Text::verbatim(identity)
                ),
            );
        }
    }
    for again in proof::refused_again(case, &refusal) {
        finding = finding.during(again, again);
    }
    vec![recovery::tell(case, finding)]
}

/// IKEv1: a message that names its sender is answered by INVALID-ID-INFORMATION in clear, as all is until phase 1 is
/// done (RFC 2409 section 5.7).
fn in_clear(case: &Case<'_>) -> Option<Finding> {
    let mut found = case.tunnel.ike_sas.iter().flat_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let refusals = clear::refusals_v1(sa, NotifyV1::INVALID_ID_INFORMATION);
        refusals
            .filter(|_| !sa.state.was_up())
            .filter_map(|notice| Some((*id, notice, named(case.model, *id, notice)?)))
    });
    let (id, notice, (at, identity)) = found.next()?;
    let sa = &case.model.ike_sas[id];
    let path = sa.paths.first()?;
    let from = notice.from;
    let to = match notice.by {
        Role::Initiator => path.to.address,
        Role::Responder => path.from.address,
    };
    let mut finding = Finding::new(&RULE, Confidence::Likely, case.id, notice.at, "the refusal")
        .title(say!("{from} and {to} disagree about an identity", from, to))
        .says(refused(from, to, identity.as_deref()))
        .or("Notifications in clear can be forged by anyone on the path.")
        .advise("Make the identities of both sides mirror each other, type included.")
        .advise_all(vendor_advice::of_both(case, Topic::Identity))
        .explaining(&["ike-refused"])
        .also(
            at,
            match &identity {
                Some(identity) => Text::verbatim(format_args!("“{identity}”")),
                None => "message 5".into(),
            },
        );
    if identity.is_none() && sa.suite.as_ref().is_some_and(offer::v1_is_pre_shared) {
        finding = finding.or(
            "The pre-shared keys differ, and what the responder makes of message 5 is no identity.",
        );
    }
    for (_, again, _) in found {
        finding = finding.also(again.at, "refused again");
    }
    Some(recovery::tell(case, finding))
}

/// The message in which the other side had named itself before it was refused, and the name if it was read: message 5 of
/// main mode is encrypted.
fn named(model: &Model, id: IkeSaId, notice: &Notice) -> Option<(Cite, Option<String>)> {
    let [initiator, responder] = model.claims(id);
    let claim = match notice.by {
        Role::Initiator => responder,
        Role::Responder => initiator,
    };
    if let (Some(at), Some(identity)) = (claim.at, claim.identity) {
        return (at.1 <= notice.at.1).then_some((at, Some(identity)));
    }
    let five = copies_of_message_5(model, id).into_iter().next()?;
    let exchanges = model.ike_sas[id].exchanges.iter();
    let mut exchanges = exchanges.map(|exchange| &model.exchanges[*exchange]);
    let main = exchanges.find(|exchange| exchange.kind == ExchangeType::IDENTITY_PROTECTION)?;
    let answered = notice.by == Role::Responder && five.1 <= notice.at.1;
    (answered && main.flights.len() == 5 && asked::from_the_start(model, main))
        .then_some((five, None))
}

/// IKEv1: whose identity was refused.
fn refused(from: IpAddr, to: IpAddr, identity: Option<&str>) -> Text {
    match identity {
        Some(identity) => say!(
            "{from} refused the identity “{identity}” of {to} by INVALID-ID-INFORMATION.",
            from,
            identity = Text::verbatim(identity),
            to
        ),
        None => say!(
            "{from} refused the identity of {to} by INVALID-ID-INFORMATION.",
            from,
            to
        ),
    }
}

/// Why the identity is to blame.
fn suspicion(case: &Case<'_>, refusal: &Refusal) -> Option<Text> {
    let (from, to) = (refusal.from, refusal.to);
    let [initiator, responder] = case.model.claims(refusal.ike_sa);
    if refusal.v1 {
        let claim = match refusal.by {
            Role::Initiator => responder,
            Role::Responder => initiator,
        };
        let told = refusal.errors.contains(&NotifyV1::INVALID_ID_INFORMATION.0);
        return told.then(|| refused(from, to, claim.identity.as_deref()));
    }
    if !refusal
        .errors
        .contains(&NotifyType::AUTHENTICATION_FAILED.0)
    {
        return None;
    }
    let wanted = initiator.expects?;
    match refusal.by {
        Role::Initiator => {
            let shown = responder.identity.filter(|shown| *shown != wanted)?;
            Some(say!(
                "{from} wants “{wanted}”, but {to} says that it is “{shown}”; {from} refused it \
                 by AUTHENTICATION_FAILED.",
                from,
                wanted = Text::verbatim(wanted),
                to,
                shown = Text::verbatim(shown)
            ))
        }
        Role::Responder => {
            let own = own_identities(case, refusal);
            let (shown, _) = own.first()?;
            let mut known = own.iter().map(|(identity, _)| identity);
            known.all(|identity| *identity != wanted).then(|| {
                say!(
                    "{to} wants “{wanted}”, but elsewhere in this capture {from} says that it is \
                     “{shown}”; {from} refused by AUTHENTICATION_FAILED.",
                    to,
                    wanted = Text::verbatim(wanted),
                    from,
                    shown = Text::verbatim(shown)
                )
            })
        }
    }
}

/// The identities that the refuser showed under other IKE SAs of the tunnel to the identity that it
/// refused: to another it may be another, by a connection of its own.
fn own_identities(case: &Case<'_>, refusal: &Refusal) -> Vec<(String, Option<Cite>)> {
    let [initiator, responder] = case.model.claims(refusal.ike_sa);
    let refused = match refusal.by {
        Role::Initiator => responder.identity,
        Role::Responder => initiator.identity,
    };
    let mut found = Vec::new();
    for id in &case.tunnel.ike_sas {
        let Some(path) = case.model.ike_sas[*id].paths.first() else {
            continue;
        };
        let [initiator, responder] = case.model.claims(*id);
        let (own, other) = match () {
            () if path.from.address == refusal.from => {
                let own = initiator.identity.zip(Some(initiator.at));
                (own, responder.identity.or(initiator.expects))
            }
            () if path.to.address == refusal.from => (
                responder.identity.zip(Some(responder.at)),
                initiator.identity,
            ),
            () => continue,
        };
        let same = other.is_none() || refused.is_none() || other == refused;
        found.extend(own.filter(|_| same && *id != refusal.ike_sa));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    fn init(spi: u32, at: u32, from: char, to: char) -> String {
        format!(
            "{at}.0 {from}:500 > {to}:500 IKE_SA_INIT i={spi} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 {to}:500 > {from}:500 IKE_SA_INIT i={spi} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             "
        )
    }

    #[test]
    fn an_initiator_that_gets_another_than_it_wants() {
        let text = |shown: &str| {
            init(1, 0, 'A', 'B')
                + &format!(
                    "0.2 A:500 > B:500 IKE_AUTH i=1 r=9 id=1 request sealed 256 opened IDi(a.example) IDr(b.example) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                     0.3 B:500 > A:500 IKE_AUTH i=1 r=9 id=1 response sealed 240 opened IDr({shown}) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                     0.4 A:500 > B:500 INFORMATIONAL i=1 r=9 id=2 request sealed 80 opened N(AUTHENTICATION_FAILED)
                     9.0 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(DH14) KE(14) Nonce"
                )
        };
        verdict(&text("c.example"), "id-mismatch");
        silent(&text("b.example"), "id-mismatch");
        verdict(&text("b.example"), "auth-failed");
    }

    #[test]
    fn a_responder_that_calls_itself_otherwise() {
        let refused = |shown: &str| {
            init(1, 0, 'A', 'B')
                + "0.2 A:500 > B:500 IKE_AUTH i=1 r=9 id=1 request sealed 256 opened IDi(a) IDr(b) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                   0.3 B:500 > A:500 IKE_AUTH i=1 r=9 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)
                   "
                + &init(2, 5, 'B', 'A')
                + &format!("5.2 B:500 > A:500 IKE_AUTH i=2 r=9 id=1 request sealed 256 opened IDi({shown}) IDr(a) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)")
        };
        verdict(&refused("c"), "id-mismatch");
        verdict(&refused("b"), "auth-failed");
        // What it calls itself to somebody else belongs to another connection.
        verdict(&refused("c").replace("IDr(a)", "IDr(d)"), "auth-failed");
    }

    #[test]
    fn a_responder_that_is_refused_in_clear() {
        let refused = |error: u16| {
            format!(
                "0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID(10.1.0.1)
                 0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID(10.2.0.1) HASH
                 0.2 A:500 > B:500 INFO_V1 i=1 r=2 id=0x99 N({error})"
            )
        };
        verdict(&refused(18), "id-mismatch");
        silent(&refused(16), "id-mismatch");
    }
}
