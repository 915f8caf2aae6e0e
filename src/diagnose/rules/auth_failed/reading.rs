//! A refusal that was read.

use super::RULE;
use super::means::Means;
use crate::diagnose::facts::proof::{self, Refusal};
use crate::diagnose::facts::{certificate, child, first, is_private, offer, ppk};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::{Text, list};
use crate::model::{Claim, IkeSaId, IkeState, Model, Role};
use crate::registry::{AuthMethod, ExchangeType};
use crate::say;
use std::net::IpAddr;

/// A refusal that was read, for a reason that no other rule is about.
pub(super) fn by_reading(case: &Case<'_>) -> Option<Finding> {
    let refusals: Vec<Refusal> = case
        .tunnel
        .ike_sas
        .iter()
        .filter_map(|id| proof::refusal(case.model, *id))
        .filter(|refusal| !refusal.eap_failed && refusal.is_of_authentication())
        .collect();
    let first = refusals.first()?;
    let (from, to) = (first.from, first.to);
    let errors = first.errors.iter();
    let names = list(errors.map(|error| child::reason(*error, first.v1)));
    let claims = case.model.claims(first.ike_sa);
    let path = case.model.ike_sas[first.ike_sa].paths.first()?;
    let ends = [path.from.address, path.to.address];
    let mut says = say!(
        "{from} refused the authentication of {to} by {names} ({times} in this capture).",
        from,
        to,
        names = &names,
        times = child::times(refusals.len())
    );
    for (claim, end) in claims.iter().zip(ends) {
        if let Some(said) = claim.said() {
            says.add(say!("{end} says it is {said}.", end, said));
        }
    }
    // Who goes on after the first round has believed the other by then (RFC 7296 section 2.16).
    let believed =
        !first.v1 && first.by == Role::Initiator && case.model.auth_rounds(first.ike_sa).len() > 1;
    let refused = match first.by {
        Role::Initiator => claims.last().filter(|claim| !believed || claim.by_eap),
        Role::Responder => claims.first(),
    };
    let means = refused.map_or(Means::Unknown, |claim| means_of(case.model, first, claim));
    if means == Means::Eap {
        says.add(say!(
            "{to} proves nothing by it: without AUTH it asks for EAP.",
            to
        ));
    }
    let of_proposal = first.names_proposal();
    says.add(match of_proposal {
        false => "The notification does not tell which part is wrong.",
        true => {
            "That error is about a proposal, though the peers had agreed on one for the IKE SA: what is refused is not \
             sure."
        }
    });
    let sent = certificate::sent(case.model, first.ike_sa, first.by.other());
    let own = certificate::own(&sent).filter(|_| means == Means::Signature);
    let bears = own.and_then(|own| {
        let by = first.by.other();
        certificate::bears_identity(case.model, first.ike_sa, by, &own.certificate)
    });
    let is_foreign = bears == Some(false);
    if is_foreign {
        says.add(say!(
            "The certificate of {to} bears this identity neither as subject nor as a further name: a peer may refuse \
             that (RFC 4945 section 3.1).",
            to
        ));
    }
    // The answer that it refuses may itself refuse something, without a proof (RFC 7296 section 2.21.2).
    let unread = first.by == Role::Initiator && misses_answer(case.model, first);
    let unsure = believed && refused.is_none() || of_proposal || unread;
    let confidence = Confidence::Certain.lower_if(unsure);
    let mut finding = Finding::new(&RULE, confidence, case.id, first.at, names)
        .title(say!("{from} refuses the authentication of {to}", from, to))
        .says(says);
    if is_foreign {
        finding = finding.advise(say!(
            "Give {to} an identity that is in its certificate, as subject or as a further name, or a certificate with \
             this one.",
            to
        ));
    }
    if unread {
        finding = finding.or(say!(
            "The answer of {to}, which was not read, refuses something else, and so bears no proof.",
            to
        ));
    }
    if of_proposal && first.by == Role::Responder {
        finding = finding
            .or("It accepts the initiator, and refuses a quick mode that is not in this capture.");
    }
    for claim in &claims {
        if let (Some(at), Some(said)) = (claim.at, claim.said()) {
            finding = finding.also(at, said);
        }
    }
    for refusal in refusals.iter().skip(1) {
        finding = finding.also(refusal.at, "refused again");
    }
    let asked_for = certificate::is_asked_for(case.model, first.ike_sa);
    let asked_for = asked_for.filter(|_| !first.v1 && first.by == Role::Responder);
    // Who asks for certificates wants one, and who wants one asks (RFC 7296 section 3.7).
    finding = match (means, asked_for) {
        (Means::SharedKey, Some(true)) => finding.or(say!(
            "{from} wants a certificate and no pre-shared key: it asks for certificates.",
            from
        )),
        (Means::Signature, Some(false)) => finding.or(say!(
            "{from} wants a pre-shared key and no certificate: it asks for no certificates.",
            from
        )),
        (Means::Eap, _) => finding.or(say!("{from} has no EAP for this initiator.", from)),
        _ => finding,
    };
    finding = match means {
        Means::Signature if is_in_date(case.model, first) => {
            finding.or("The authority of the certificate is not trusted.")
        }
        Means::Signature => {
            finding.or("The certificate is expired, or its authority is not trusted.")
        }
        Means::Unknown if believed => finding.or(say!(
            "{from} had believed {to} before EAP, and misses what EAP should end with: a key, or the consent of its \
             policy.",
            from,
            to
        )),
        Means::SharedKey | Means::Unknown => finding.or("The pre-shared keys differ."),
        Means::EapKey => finding.or(
            "The gateway did not get the key of EAP from the authentication server, or the method of EAP gives none.",
        ),
        Means::SameKey | Means::User | Means::Eap => finding,
    };
    // A root need not be sent; one in between has to be, where the peer does not have it.
    let missing = own.and_then(|own| {
        let (last, issuer) = certificate::missing_issuer(&sent, own)?;
        let above = (!std::ptr::eq(last, own)).then_some(last);
        Some((above, Text::verbatim(issuer)))
    });
    if let Some((above, issuer)) = &missing {
        let subject = above.and_then(|one| one.certificate.subject.as_deref());
        finding = finding.or(match subject {
            None => say!(
                "{from} lacks the certificate of “{issuer}”, which issued that of {to} and is not sent with it.",
                from,
                issuer,
                to
            ),
            Some(subject) => say!(
                "{from} lacks the certificate of “{issuer}”, which issued that of “{subject}” above that of {to} and is \
                 not sent with them.",
                from,
                issuer,
                subject = Text::verbatim(subject),
                to
            ),
        });
    }
    if has_ppk(case.model, first.ike_sa) {
        finding = finding.or(PPK);
    }
    let finding = finding.or("The peer does not know or accept the identity.");
    let refused = refused.and_then(|claim| claim.identity.as_ref());
    let finding = match refused.filter(|identity| is_translated(case, identity, to)) {
        Some(identity) => finding
            .or(say!(
                "{from} knows {to} by the address that a NAT gives it, and not as “{identity}”.",
                from,
                to,
                identity = Text::verbatim(identity)
            ))
            .advise("Behind a NAT give the identity explicitly, as a name: by default it is the private address."),
        None => finding,
    };
    let mut finding = means.advise(case, finding);
    if let Some((other, since)) = refused.and_then(|identity| elder(case, first, identity)) {
        finding = finding
            .also(
                since,
                say!("an IKE SA of {other} with the same identity", other),
            )
            .or(say!(
                "{from} lets one tunnel of an identity live, and keeps the older: {other} has one of the same identity.",
                from,
                other
            ))
            .advise(say!(
                "Give {to} an identity of its own, or let {from} keep several tunnels of one identity.",
                to,
                from
            ));
    }
    Some(match missing {
        Some((_, issuer)) => finding.advise(say!(
            "If “{issuer}” is no root, let {to} send its certificate as well.",
            issuer,
            to
        )),
        None => finding,
    })
}

/// Whether the last response of `IKE_AUTH` was not recorded or not opened.
fn misses_answer(model: &Model, refusal: &Refusal) -> bool {
    let rounds = model.auth_rounds(refusal.ike_sa);
    let answer = rounds.last().and_then(|last| last.response());
    !refusal.v1 && answer.is_none_or(|answer| model.opened(answer).is_none())
}

/// Who else has an IKE SA of an identity with the gateway that refuses it, which was up before and still is: a
/// responder may keep that and refuse another (RFC 7296 section 2.4 lets the newer one end it, by INITIAL_CONTACT).
fn elder(case: &Case<'_>, refusal: &Refusal, identity: &str) -> Option<(IpAddr, Cite)> {
    /// A hub has thousands of peers; those that were set up together are compared.
    const NEIGHBOURS: usize = 8;
    /// The last IKE SAs of each.
    const COMPARED: usize = 8;
    if refusal.by != Role::Responder {
        return None;
    }
    let mut beside = case.model.tunnels_beside(case.id, refusal.from, NEIGHBOURS);
    beside.find_map(|tunnel| {
        let tunnel = &case.model.tunnels[tunnel];
        let last = tunnel.ike_sas.iter().rev().take(COMPARED);
        last.copied().find_map(|id| {
            let sa = &case.model.ike_sas[id];
            let other = sa.paths.first()?.from.address;
            let lives = matches!(sa.state, IkeState::Established | IkeState::AlreadyUp);
            let older = lives && sa.seen.first.1 < refusal.at.1 && other != refusal.from;
            let claims = case.model.claims(id);
            let claimed = claims.first().and_then(|claim| claim.identity.as_deref());
            (older && claimed == Some(identity)).then_some((other, sa.seen.first))
        })
    })
}

/// What the proof rests on that a refusal which was read is of.
fn means_of(model: &Model, refusal: &Refusal, claim: &Claim) -> Means {
    match claim.method {
        _ if claim.by_eap => Means::EapKey,
        _ if claim.certificate => Means::Signature,
        _ if refusal.v1 && shares_key(model, refusal.ike_sa) => Means::SameKey,
        _ if refusal.v1 => Means::of(model, refusal.ike_sa),
        Some(AuthMethod::SHARED_KEY_MIC) => Means::SharedKey,
        Some(_) => Means::Signature,
        // An initiator that sends no AUTH asks for EAP (RFC 7296 section 2.16).
        None if refusal.by == Role::Responder && claim.identity.is_some() => Means::Eap,
        None => Means::Unknown,
    }
}

/// What else a proof rests on where both use a post-quantum preshared key (RFC 8784 section 3).
pub(super) const PPK: &str = "The post-quantum preshared keys (PPK) differ.";

/// Whether both sides use a post-quantum preshared key: the answer to the first message says so only to who
/// said so first (RFC 8784 section 3).
pub(super) fn has_ppk(model: &Model, id: IkeSaId) -> bool {
    let exchanges = model.ike_sas[id].exchanges.iter();
    let exchanges = exchanges.map(|id| &model.exchanges[*id]);
    let mut begins = exchanges.filter(|exchange| exchange.kind == ExchangeType::IKE_SA_INIT);
    begins.any(|begin| {
        begin
            .response()
            .is_some_and(|answer| ppk::is_said(model, answer))
    })
}

/// Whether an identity is an address, of somebody whom a NAT gives another.
fn is_translated(case: &Case<'_>, identity: &str, address: IpAddr) -> bool {
    let own: Option<IpAddr> = identity.parse().ok();
    let translated = || {
        case.ike_sas().any(|sa| {
            let Some((nat, path)) = sa.nat.zip(sa.paths.first()) else {
                return false;
            };
            let sides = [(nat.initiator, path.from), (nat.responder, path.to)];
            let mut sides = sides.into_iter();
            sides.any(|(verdict, side)| side.address == address && verdict.is_translation())
        })
    };
    own.is_some_and(|own| own != address && is_private(own) || translated())
}

/// Whether the certificates that are refused were read, and held when they were sent.
fn is_in_date(model: &Model, refusal: &Refusal) -> bool {
    let sent = certificate::sent(model, refusal.ike_sa, refusal.by.other());
    let read = sent.first().is_some_and(|one| one.at.1.0 > 0);
    read && certificate::out_of_date(sent).is_empty()
}

/// IKEv1: whether both sides have the same pre-shared key, from which the keys of main mode are made if that is how
/// they authenticate (RFC 2409 section 5): what each of them encrypted was opened by these.
fn shares_key(model: &Model, id: IkeSaId) -> bool {
    let sa = &model.ike_sas[id];
    let opened = |by| {
        let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
        let mut flights = exchanges.flat_map(|exchange| &exchange.flights);
        flights.any(|flight| {
            let sealed = first(model, flight).is_some_and(|one| one.plain.is_encrypted());
            flight.by == by && sealed && model.opened(flight).is_some()
        })
    };
    let pre_shared = sa.suite.as_ref().is_some_and(offer::v1_is_pre_shared);
    pre_shared && opened(Role::Initiator) && opened(Role::Responder)
}
