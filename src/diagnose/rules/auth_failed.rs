//! The authentication is refused.

use super::child_setup_failed;
use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::proof::{self, Refusal};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{
    Tap, abandoned, asked, auth, began, certificate, child, cite, clear, first, is_private, life,
    offer, recovery, tap,
};
use crate::diagnose::rule::{Way, first_of};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::keys::Origin;
use crate::language::{Text, list};
use crate::model::size::CERTIFICATES;
use crate::model::{
    AuthOutcome, Claim, Deleted, Exchange, ExchangeId, Flight, IcmpSeen, IkeSaId,
    InformationalClass, Model, Notice, Plain, Role, Told, Why, negotiation,
};
use crate::registry::{AuthMethod, ExchangeType, NotifyType, NotifyV1};
use crate::say;
use crate::units::{Endpoint, Span, Timestamp};
use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "auth-failed",
    code: "IKE206",
    severity: Severity::Error,
    summary: "The authentication is refused",
    document: DOCUMENT,
    explains: &[
        "tunnel-flapping",
        "ike-no-response",
        "clear-text-leak",
        "tunnel-deleted",
    ],
    needs: Signs::NONE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The peers agree on algorithms, then one does not believe the other: pre-shared key, identity, certificate or password is not what it expects. The notification is encrypted, so without keys only its size is seen, and even with keys it does not say which of these it was.

## How it is seen
IKEv2: the IKE_AUTH response is as small as a single notification, far too small for an identity and a proof. IKEv1: message 5 of main mode is answered by an informational message instead of message 6. Or the initiator answers the last message of authentication, in aggressive mode message 2, by an informational one and never uses the IKE SA: it is the initiator that refuses, or EAP failed. Sometimes AUTHENTICATION_FAILED comes in clear. After several rounds, as EAP has them, it is the name or the password of a user. In IKEv1 an initiator of aggressive mode that begins again and again and never answers message 2, or whose port is closed when message 2 comes again, does not believe the responder; and where phase 1 ends well, XAUTH or Mode Config follows and, again and again, a new phase 1 instead of quick mode, a user does not pass. With keys the refusal is read, and so is what the proof rests on: a certificate that does not bear the identity, or whose issuer's is not sent with it, is told; without them the method that was agreed (IKEv1) or the size of the request (IKEv2) may tell.

## What else looks like it
Other notifications are as small: a responder that has no connection for the identity, that lacks an address to give, or that fails inside. One that comes in clear may be forged or belong to an IKE SA of before (RFC 7296 section 2.21); where the negotiation goes on all the same, nothing is wrong. A refusal that an IKE SA follows, as after a password that was mistyped, is a warning.

## What to do
1. Read the log of the side that refuses: it alone knows the reason.
2. Compare pre-shared keys, identities (type and value), certificates, their validity and authority.
";

/// The ways to see that authentication failed, the surest first.
const WAYS: [Way; 7] = [
    (Signs::NOTICE, in_clear),
    (Signs::OPENED, by_reading),
    (Signs::NONE, by_size),
    (Signs::V1, instead_of_message_6),
    (Signs::INFORMATIONAL, turned_away),
    (Signs::V1, ignored_message_2),
    (Signs::V1, after_xauth),
];

fn check(case: &Case<'_>) -> Vec<Finding> {
    let refused = first_of(&WAYS, case).map(|finding| recovery::tell(case, finding));
    refused.or_else(|| ignored(case)).into_iter().collect()
}

/// What the proof that is refused rests on: what to compare follows from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Means {
    /// A pre-shared key.
    SharedKey,
    /// A pre-shared key that both have alike.
    SameKey,
    /// A signature, mostly with a certificate.
    Signature,
    /// A user's name and password.
    User,
    /// Nothing yet: EAP is asked for.
    Eap,
    /// The key that EAP gave both sides (RFC 7296 section 2.16).
    EapKey,
    /// It is not known.
    Unknown,
}

impl Means {
    /// Identity, AUTH, SA, Traffic Selectors, and a certificate of X.509: its names, times, key and signature
    /// take 300 octets at least.
    const NO_ROOM: usize = 440;

    /// Of IKEv1, where the method is agreed in clear; of IKEv2 by the size of the request.
    fn of(model: &Model, id: IkeSaId) -> Self {
        let sa = &model.ike_sas[id];
        match (sa.version.major(), &sa.suite) {
            (1, Some(suite)) if offer::v1_is_pre_shared(suite) => Self::SharedKey,
            (1, Some(suite)) if suite.v1_auth.is_some() => Self::Signature,
            _ => Self::by_size(model, id).unwrap_or(Self::Unknown),
        }
    }

    /// IKEv2: whether a responder that asked for a certificate was sent something as large, or one that
    /// asked for none something too small for it (RFC 7296 section 3.7).
    fn by_size(model: &Model, id: IkeSaId) -> Option<Self> {
        let size = size_of_proof(model, id)?;
        match certificate::is_asked_for(model, id)? {
            false => (*size.end() < Self::NO_ROOM).then_some(Self::SharedKey),
            true => (*size.start() >= CERTIFICATES).then_some(Self::Signature),
        }
    }

    /// What is wrong most often where a proof of this kind is not believed.
    fn doubted(self) -> &'static str {
        match self {
            Self::Signature => "The certificate of the responder is not trusted.",
            _ => "The pre-shared keys differ.",
        }
    }

    /// The finding with the advice that follows.
    fn advise(self, case: &Case<'_>, finding: Finding) -> Finding {
        let finding =
            finding.advise("Read the log of the side that refuses: it alone knows the reason.");
        let finding = finding.advise(match self {
            Self::SharedKey => "Compare pre-shared keys and identities (type and value) of both sides.",
            Self::SameKey => "Compare identities (type and value) of both sides.",
            Self::Signature => {
                "Compare identities (type and value) of both sides, their certificates, and the authorities that each \
                 trusts."
            }
            Self::User => {
                "Check the user's name, password and group, and read the log of the server that knows the users."
            }
            Self::Eap => {
                "Let both sides use the same method for this identity: EAP, or a pre-shared key or a certificate."
            }
            Self::EapKey => {
                "See that the authentication server gives the gateway the key of EAP (in RADIUS as MS-MPPE-Send-Key \
                 and MS-MPPE-Recv-Key), and read its log."
            }
            Self::Unknown => {
                "Compare pre-shared keys, identities (type and value) and certificates of both sides."
            }
        });
        let keys = matches!(self, Self::SharedKey | Self::Unknown);
        let keys = keys.then(|| vendor_advice::of_both(case, Topic::PreSharedKey));
        let identities =
            (self != Self::User).then(|| vendor_advice::of_both(case, Topic::Identity));
        finding
            .advise_all(keys.into_iter().flatten())
            .advise_all(identities.into_iter().flatten())
    }
}

/// The notification came in clear.
fn in_clear(case: &Case<'_>) -> Option<Finding> {
    let (id, notice) = notices(case).find(|(id, notice)| !goes_on(case.model, *id, notice))?;
    let first = case.model.ike_sas[id].exchanges.first();
    let first = first.map(|first| &case.model.exchanges[*first]);
    let only = first
        .is_some_and(|first| asked::from_the_start(case.model, first) && first.flights.len() == 1);
    let last = notices(case)
        .filter(|(_, again)| again.at.1 > notice.at.1)
        .filter(|(id, again)| !goes_on(case.model, *id, again))
        .last();
    let last = last.map_or(notice.at.1, |(_, again)| again.at.1);
    let finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        notice.at,
        Text::verbatim(notice.name()),
    )
    .during(notice.at.1, last)
    .title(say!(
        "{from} refuses the authentication",
        from = notice.from
    ))
    .says(say!(
        "{from} answered {name} in clear.",
        from = notice.from,
        name = Text::verbatim(notice.name())
    ));
    // A first message offers and names, and proves nothing yet.
    let finding = match only {
        true => finding.or(say!(
            "{from} has no connection for this initiator, or none in this mode: the message that it refuses proves \
             nothing yet.",
            from = notice.from
        )),
        false => finding,
    };
    let finding = finding.or("Notifications in clear can be forged by anyone on the path.");
    Some(Means::of(case.model, id).advise(case, finding))
}

/// The notification came in clear, and its sender went on all the same: it was forged, or is about an
/// IKE SA of before (RFC 7296 section 2.21).
fn ignored(case: &Case<'_>) -> Option<Finding> {
    let (_, notice) = notices(case).next()?;
    Some(
        Finding::new(
            &RULE,
            Confidence::Possible,
            case.id,
            notice.at,
            Text::verbatim(notice.name()),
        )
        .severity(Severity::Info)
        .title(say!(
            "{peer} answers {error}",
            peer = notice.from,
            error = notice.name()
        ))
        .says(say!(
            "{peer} sent the error {error} in clear, yet the negotiation went on.",
            peer = notice.from,
            error = notice.name()
        ))
        .or("Notifications in clear can be forged by anyone on the path."),
    )
}

/// Every AUTHENTICATION_FAILED in clear.
fn notices<'m>(case: &Case<'m>) -> impl Iterator<Item = (IkeSaId, &'m Notice)> + use<'m> {
    case.tunnel.ike_sas.iter().flat_map(|id| {
        let refusals = clear::refusals(&case.model.ike_sas[*id], NotifyType::AUTHENTICATION_FAILED);
        refusals.map(|notice| (*id, notice))
    })
}

/// Whether the sender of a notification in clear speaks on under the keys of the IKE SA.
fn goes_on(model: &Model, id: IkeSaId, notice: &Notice) -> bool {
    model.ike_sas[id]
        .exchanges
        .iter()
        .flat_map(|exchange| &model.exchanges[*exchange].flights)
        .flat_map(|flight| flight.parts.iter().chain(&flight.again))
        .map(|message| &model.messages[*message])
        .any(|message| {
            message.time > notice.at.1
                && message.path.from().address == notice.from
                && message.plain.is_encrypted()
        })
}

/// A refusal that was read, for a reason that no other rule is about.
fn by_reading(case: &Case<'_>) -> Option<Finding> {
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
    let unsure = believed && refused.is_none() || of_proposal;
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
    let finding = means.advise(case, finding);
    Some(match missing {
        Some((_, issuer)) => finding.advise(say!(
            "If “{issuer}” is no root, let {to} send its certificate as well.",
            issuer,
            to
        )),
        None => finding,
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
const PPK: &str = "The post-quantum preshared keys (PPK) differ.";

/// Whether both sides use a post-quantum preshared key: the answer to the first message says so only to who
/// said so first (RFC 8784 section 3).
fn has_ppk(model: &Model, id: IkeSaId) -> bool {
    let exchanges = model.ike_sas[id].exchanges.iter();
    let exchanges = exchanges.map(|id| &model.exchanges[*id]);
    let mut begins = exchanges.filter(|exchange| exchange.kind == ExchangeType::IKE_SA_INIT);
    begins.any(|begin| {
        let read = begin.response().and_then(|answer| model.readable(answer));
        read.is_some_and(|(_, read)| read.notify(NotifyType::USE_PPK).is_some())
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

/// IKEv2: a response too small for a proof.
fn by_size(case: &Case<'_>) -> Option<Finding> {
    let refusals: Vec<(Cite, u32, IpAddr, usize, IkeSaId)> = case
        .tunnel
        .ike_sas
        .iter()
        .filter(|id| case.model.ike_sas[**id].auth == AuthOutcome::Refused)
        .filter_map(|id| {
            let rounds: Vec<_> = case.model.ike_sas[*id]
                .exchanges
                .iter()
                .map(|exchange| &case.model.exchanges[*exchange])
                .filter(|exchange| exchange.kind == ExchangeType::IKE_AUTH)
                .collect();
            let last = rounds.iter().max_by_key(|exchange| exchange.message_id)?;
            // One that was read says itself what it is.
            let response = last
                .response()
                .filter(|flight| case.model.opened(flight).is_none())?;
            // A round of EAP is as small; the last one, which is not, may be missing.
            let at = began(case.model, response)?.1;
            if rounds.len() > 1 && case.is_served(at, at) {
                return None;
            }
            let message = &case.model.messages[response.first()?];
            let at = began(case.model, response)?;
            if case.model.may_ask_on(*id, response)
                && !tap::went_on(case.model, message.vantage, at.1, Tap::PATIENCE)
            {
                return None;
            }
            Some((
                at,
                message.header.length,
                message.path.from().address,
                rounds.len(),
                *id,
            ))
        })
        .collect();
    let (at, length, from, rounds, id) = *refusals.first()?;
    let mut says = say!(
        "The IKE_AUTH response of {from} has {length} octets: room for a notification, none for an identity and a \
         proof. That is a refusal ({times} in this capture). Its reason is encrypted.",
        from,
        length,
        times = child::times(refusals.len())
    );
    let eap = rounds > 1;
    if eap {
        says.add(
            "It came after several rounds, as EAP has them: the user's name or password may be wrong.",
        );
    }
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        at,
        say!(
            "IKE_AUTH response of {length} octets: one notification",
            length
        ),
    )
    .title(say!("{from} refuses the authentication", from))
    .says(says);
    let means = match eap {
        true => Means::Unknown,
        false => Means::of(case.model, id),
    };
    const KEYS: &str = "The pre-shared keys differ.";
    const IDENTITY: &str = "The peer does not know or accept the identity.";
    const CERTIFICATE: &str = "The certificate is expired, or its authority is not trusted.";
    finding = match means {
        _ if eap => {
            finding.or("A request of EAP that is as small, which the user has yet to answer.")
        }
        // The size only makes it likely.
        Means::Signature => finding.or(CERTIFICATE).or(IDENTITY).or(KEYS),
        // A signature needs no certificate where the key is known already (RFC 7296 section 3.7).
        _ => finding.or(KEYS).or(IDENTITY).or(CERTIFICATE),
    };
    if !eap && has_ppk(case.model, id) {
        finding = finding.or(PPK);
    }
    if !eap && asks_without(case.model, id) {
        finding = finding.or(say!(
            "{from} wants a certificate, which it asks for, and the request has room for none: the sides use different \
             methods.",
            from
        ));
    }
    finding = finding
        .or("Another error, such as a lack of addresses or an internal failure: all are as small.");
    for (at, ..) in refusals.iter().skip(1) {
        finding = finding.also(*at, "refused again");
    }
    Some(means.advise(case, finding))
}

/// IKEv2: whether the responder asks for a certificate, and the request has no room for one.
fn asks_without(model: &Model, id: IkeSaId) -> bool {
    certificate::is_asked_for(model, id) == Some(true)
        && size_of_proof(model, id).is_some_and(|size| *size.end() < Means::NO_ROOM)
}

/// IKEv2: how long the first request of authentication may be inside.
fn size_of_proof(model: &Model, id: IkeSaId) -> Option<RangeInclusive<usize>> {
    let request = model.auth_rounds(id).first()?.request()?;
    model.plaintext_range(id, request)
}

/// When a tunnel was asked for, and served last: whoever asks it of each IKE SA does not look at all that
/// there are.
#[derive(Debug)]
struct Begun {
    /// When IKE SAs were asked for, sorted, but those made by rekeying.
    attempts: Vec<Timestamp>,
    /// When any flow was seen last.
    last: Option<Timestamp>,
}

impl Begun {
    fn of(case: &Case<'_>) -> Self {
        let attempts = case.ike_sas().filter(|sa| life::is_begun(case.model, sa));
        let mut attempts: Vec<_> = attempts.map(|sa| sa.seen.first.1).collect();
        attempts.sort_unstable();
        Self {
            attempts,
            last: case.flows().map(|flow| flow.seen.last.1).max(),
        }
    }

    /// Whether an IKE SA is begun after, and soon: who was refused does so, a later one is a renewal.
    fn anew(&self, time: Timestamp) -> bool {
        const SOON: Span = Span::from_secs(180);
        let next = self.attempts.partition_point(|first| *first <= time);
        let next = self.attempts.get(next);
        next.is_some_and(|first| first.since(time) <= SOON)
    }
}

/// IKEv1: message 5 is answered by an informational message, and not since the keys differ.
fn instead_of_message_6(case: &Case<'_>) -> Option<Finding> {
    let Some((id, at)) = refused_message_5(case) else {
        return instead_of_an_answer(case);
    };
    if proof::refusal(case.model, id).is_some() {
        return None;
    }
    let sa = &case.model.ike_sas[id];
    if sa.suite.as_ref().is_some_and(offer::v1_is_pre_shared)
        && refusal_is_unread(case.model, id, at)
    {
        return None;
    }
    let from = sa.paths.first()?.to.address;
    // Where another method was agreed, no key is shared.
    let means = Means::of(case.model, id);
    let finding =
        Finding::new(&RULE, Confidence::Likely, case.id, at, "an informational message instead of message 6")
            .title(say!("{from} refuses the authentication", from))
            .says(say!(
                "{from} answered message 5 of main mode, which authenticates, by an informational message instead of \
                 message 6.",
                from
            ))
            .or("The certificate or the identity is not accepted.");
    let finding = match means {
        Means::Signature => finding,
        _ => finding.or(
            "The pre-shared keys differ; then message 5 would be sent again, unless the recording ends before.",
        ),
    };
    Some(means.advise(case, finding))
}

/// IKEv1, begun before the recording: a sealed message of main mode comes again, and each copy is answered by an
/// informational message. It authenticates, and the other side does not take it.
fn instead_of_an_answer(case: &Case<'_>) -> Option<Finding> {
    case.ike_sas().find_map(|sa| {
        let exchanges = sa.exchanges.iter().map(|id| &case.model.exchanges[*id]);
        let main = exchanges
            .filter(|exchange| exchange.kind == ExchangeType::IDENTITY_PROTECTION)
            .find(|exchange| !asked::from_the_start(case.model, exchange))?;
        let [proof] = &*main.flights else {
            return None;
        };
        let message = first(case.model, proof)?;
        if !message.plain.is_encrypted() || proof.again.is_empty() {
            return None;
        }
        // A single one may be a notification of the initiator's after message 6, which is not here.
        let mut refusals = auth::refusals(case.model, sa, main);
        let (at, again) = (refusals.next()?, refusals.next()?);
        let from = message.path.to().address;
        let finding = Finding::new(&RULE, Confidence::Likely, case.id, at, "an informational message for an answer")
            .also((message.frame, message.time), "a sealed message of main mode")
            .also(again, "refused again")
            .title(say!("{from} refuses the authentication", from))
            .says(say!(
                "{from} answered a sealed message of main mode, which authenticates, by an informational message, and \
                 did so again when it came again. What was said before is not in this capture.",
                from
            ))
            .or("The certificate or the identity is not accepted.")
            .or("The pre-shared keys differ.");
        Some(Means::Unknown.advise(case, finding))
    })
}

/// Whether an initiator has done something so soon after an answer as it takes it to compute: about as long as
/// it took for its messages before, which cost as much as to verify a proof. A person or a script, to whom
/// the IKE SA is shown as up, comes later.
fn reacts(model: &Model, before: &[ExchangeId], took: Span) -> bool {
    /// What a certificate may take where nothing else took any time.
    const LEAST: Span = Span::from_millis(100);
    let exchanges = || before.iter().map(|id| &model.exchanges[*id]);
    let pairs = exchanges().zip(exchanges().skip(1));
    let waits = pairs.filter_map(|(answered, asked)| {
        let answer = first(model, answered.response()?)?;
        let (_, next) = began(model, asked.request()?)?;
        Some(next.since(answer.time))
    });
    let slowest = waits.max().unwrap_or_default();
    took <= LEAST.max(Span(slowest.0.saturating_mul(3)))
}

/// The initiator turns away: what follows the last answer of the responder is an informational
/// message of the initiator, the last of the IKE SA, which never served. It does not believe the
/// responder, or was told by EAP that the responder does not believe it.
fn turned_away(case: &Case<'_>) -> Option<Finding> {
    /// A liveness check, or an administrator, comes later as a rule.
    const AT_ONCE: Span = Span::from_millis(500);
    /// How many of the next attempts are looked at.
    const NEXT: usize = 16;
    let begun = LazyCell::new(|| Begun::of(case));
    // What went so before goes so again, though the recording ends.
    let mut went_so: Option<IpAddr> = None;
    let mut turned = case.tunnel.ike_sas.iter().filter_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let (said, before) = sa.exchanges.split_last()?;
        let said = &case.model.exchanges[*said];
        let (proof, what) = last_proof(case.model, before)?;
        let answer = first(case.model, proof)?;
        let at = began(case.model, said.flights.first()?)?;
        // One that was read and reports no error closes the SA for another reason; but after phase 1 alone there
        // is none.
        let read = said.flights.first().and_then(|flight| case.model.opened(flight));
        let deletes = said.flights.first().is_some_and(|flight| {
            case.model.deletes(flight).contains(&Deleted::IkeSa)
        });
        if let Some((_, read)) = &read
            && negotiation::errors(read).is_empty()
            && !(deletes && sa.version.major() == 1)
        {
            return None;
        }
        let class = case.model.informational_class(*id, said.flights.first()?);
        // An error, or a Delete, is one payload without data: nothing else is sent for it.
        let v2 = sa.version.major() == 2;
        if v2 && read.is_none() && !is_one_payload(class) {
            return None;
        }
        let informs = matches!(
            said.kind,
            ExchangeType::INFORMATIONAL | ExchangeType::INFORMATIONAL_V1
        ) && said.by == Role::Initiator
            && at.1 >= answer.time
            && at.1.since(answer.time) <= AT_ONCE;
        let served = sa
            .child_sas
            .iter()
            .any(|id| case.model.child_sas[*id].seen.is_some())
            || v2 && case.is_served(answer.time, answer.time)
            || sa.version.major() == 1 && begun.last.is_some_and(|last| last > at.1);
        let anew = begun.anew(at.1);
        let may_check = class != Some(InformationalClass::DeleteIkeSa);
        let again = !may_check && went_so == Some(answer.path.to().address);
        // Amid rounds of EAP nothing but a refusal may come (RFC 7296 section 2.21.2), nor in place of message 3 of
        // aggressive mode (RFC 2409 section 5).
        let settled = anew || again || tap::went_on(case.model, answer.vantage, at.1, Tap::PATIENCE);
        let aggressive = answer.header.exchange == ExchangeType::AGGRESSIVE;
        let stays = settled || is_amid_eap(case.model, *id) || aggressive;
        let pre_shared = sa.suite.as_ref().is_some_and(offer::v1_is_pre_shared);
        if !informs || served || !stays {
            return None;
        }
        // A child SA that was refused is reason enough to close an IKE SA without any, all the more where the answer
        // holds nothing else: no proof, that is.
        let mut refusals = case.lasting().iter();
        if child_setup_failed::is_refused_in_auth(case, *id)
            || refusals.any(|refusal| before.last() == Some(&refusal.attempt.exchange))
        {
            return None;
        }
        // The responder made a child SA, or may have, and padding may hide a liveness check: it takes a
        // new attempt to tell that the IKE SA is gone.
        let outcome = case.model.ike_sas[*id].auth;
        let may_grant = matches!(outcome, AuthOutcome::Full | AuthOutcome::Unclear);
        let granted = v2 && may_grant && !is_amid_eap(case.model, *id);
        // Whom a later attempt, but the next, finds to stay believes the other.
        let births = case.births();
        let after = births.partition_point(|birth| birth.asked.1 <= at.1);
        let stayed = births.iter().skip(after).take(NEXT).any(|birth| {
            let last = case.model.ike_sas[birth.ike_sa].seen.last.1;
            last.since(birth.up.1) > AT_ONCE || case.is_served(birth.up.1, birth.up.1)
        });
        let said_so = read.is_some();
        let late = granted && !reacts(case.model, before, at.1.since(answer.time));
        let doubt = granted && !said_so && (!anew && may_check || stayed || late);
        // The recording may have missed message 3.
        let missed = aggressive && !settled && case.tap().lacks_packets();
        let (confidence, severity) = match (doubt, missed || stayed) {
            (true, _) => (Confidence::Possible, Severity::Info),
            (false, true) if missed => (Confidence::Possible, Severity::Warning),
            (false, true) => (Confidence::Possible, RULE.severity),
            (false, false) => (Confidence::Likely, RULE.severity),
        };
        let (end, peer) = (answer.path.to().address, answer.path.from().address);
        let finding = Finding::new(
            &RULE,
            confidence,
            case.id,
            at,
            match doubt {
                true => say!("{end} sends a small informational message, the last of the IKE SA", end),
                false => say!("{end} ends the IKE SA at once", end),
            },
        )
        .severity(severity)
        .also((answer.frame, answer.time), say!("{what} of {peer}", what, peer));
        let finding = match doubt {
            true => {
                let finding = finding
                    .title(say!("{end} may have closed the IKE SA right after it came up", end))
                    .says(say!(
                        "{end} answered {what} of {peer} by an informational message as small as a Delete, and nothing \
                         of the IKE SA follows.",
                        end,
                        what,
                        peer
                    ));
                match may_check {
                    true => finding.or(
                        "A liveness check, or an update of addresses, of the same size, and an idle tunnel.",
                    ),
                    false => finding,
                }
            }
            false => finding
                .title(say!(
                    "{end} turns away from {peer}: the authentication failed",
                    end,
                    peer
                ))
                .says(match granted {
                    _ if deletes && !v2 => say!(
                        "{end} deleted the IKE SA as soon as it had {what} of {peer}, and asked for nothing: it does \
                         not believe {peer}.",
                        end,
                        what,
                        peer
                    ),
                    true => say!(
                        "{end} answered {what} of {peer} by an informational message and used the IKE SA no more: it \
                         may not believe {peer}.",
                        end,
                        what,
                        peer
                    ),
                    false if aggressive => say!(
                        "{end} answered {what} of {peer} by an informational message and sent no message 3: it does \
                         not believe {peer}.",
                        end,
                        what,
                        peer
                    ),
                    false => say!(
                        "{end} answered {what} of {peer} by an informational message and used the IKE SA no more. \
                         Either it does not believe {peer}, or the last answer told it that it is not believed.",
                        end,
                        what,
                        peer
                    ),
                }),
        };
        let shown = case.model.claims(*id);
        let shown = shown.last().and_then(|claim| Some((claim.at?, claim.said()?)));
        let finding = match shown.filter(|_| said_so && !v2) {
            Some((at, said)) => {
                let mut finding = finding.also(at, said.clone());
                finding.says.add(say!("{peer} says it is {said}.", peer, said));
                finding
            }
            None => finding,
        };
        const RESPONDER: &str =
            "The identity or the certificate of the responder is not the one expected, or not trusted.";
        let eap = case.model.auth_rounds(*id).len() > 1;
        let finding = match (v2, pre_shared) {
            (true, _) if eap => {
                finding.or(RESPONDER).or("EAP failed: the user's name or password is wrong.")
            }
            (true, _) => finding.or(RESPONDER),
            (false, true) if aggressive => finding
                .or("The pre-shared keys differ.")
                .or("The identity of the responder is not the one expected."),
            // In main mode both have read what the pre-shared key encrypts (RFC 2409 section 5.4).
            (false, true) if said_so => {
                finding.or("The identity of the responder is not the one expected.")
            }
            (false, true) => finding
                .or("The identity of the responder is not the one expected.")
                .or("A notification INITIAL-CONTACT, which is as long as a Delete."),
            (false, false) => finding
                .or(RESPONDER)
                .or("The signature does not fit the certificate, or the hash over the exchange differs."),
        };
        // In aggressive mode the SA is not there yet that a script or an administrator would close.
        let finding = match aggressive && !missed {
            true => finding,
            false => finding.or("The initiator closed the IKE SA for another reason: a script or a check that opens and closes it, or an administrator."),
        };
        if finding.severity == RULE.severity {
            went_so = Some(end);
        }
        Some((finding, *id))
    });
    let (mut finding, id) = turned.next()?;
    let mut times = 1;
    for (again, _) in turned {
        if again.severity > finding.severity {
            (finding, times) = (again, 1);
        } else if again.severity == finding.severity
            && let Some(evidence) = again.evidence.first()
        {
            times += 1;
            finding = finding.also((evidence.frame, again.last), "the same again");
        }
    }
    if times > 1 {
        finding.says.add(say!(
            "So it went {times} in this capture.",
            times = child::times(times)
        ));
    }
    // By size only what the initiator sent is known, and it is the responder that it does not believe.
    let means = match case.model.ike_sas[id].version.major() {
        1 => Means::of(case.model, id),
        _ => Means::Unknown,
    };
    let main = case.model.ike_sas[id]
        .exchanges
        .first()
        .is_some_and(|first| {
            case.model.exchanges[*first].kind == ExchangeType::IDENTITY_PROTECTION
        });
    let means = match means {
        Means::SharedKey if main => Means::SameKey,
        means => means,
    };
    Some(means.advise(case, finding))
}

/// IKEv1: the initiator of aggressive mode begins again and again, and never answers message 2, by which
/// the responder authenticates itself (RFC 2409 section 5.4).
fn ignored_message_2(case: &Case<'_>) -> Option<Finding> {
    let many = case.abandoned();
    let Some(attempts) = many.filter(|many| many.kind == ExchangeType::AGGRESSIVE) else {
        return left_at_message_2(case);
    };
    let (from, to) = (attempts.path.from.address, attempts.path.to.address);
    let means = Means::of(case.model, attempts.ike_sa);
    let mut finding = unbelieved(case, means, attempts.answer, [from, to])
        .says(say!(
            "{times} times {from} began aggressive mode, {to} authenticated itself by message 2, and {from} neither \
             asked again nor sent message 3, but began anew.",
            times = attempts.again.len() + 1,
            from,
            to
        ))
        .or("Message 2 does not reach the initiator, or message 3 does not arrive.");
    if attempts.floats && !attempts.would_see {
        finding = finding
            .severity(Severity::Warning)
            .or("A capture filter leaves out UDP 4500: nothing of it is in this capture.");
    }
    for answer in &attempts.again {
        finding = finding.also(*answer, "message 2 again, and no message 3");
    }
    Some(means.advise(case, finding))
}

/// An initiator does not go on after message 2 of a responder.
fn unbelieved(case: &Case<'_>, means: Means, answer: Cite, [from, to]: [IpAddr; 2]) -> Finding {
    abandoned::at_message_2(&RULE, case, answer)
        .title(say!("{from} does not seem to believe {to}", from, to))
        .or(means.doubted())
        .or("The identity of the responder is not the one expected.")
}

/// IKEv1: the initiator of aggressive mode sends no message 3, and when the responder says message 2 again, the port
/// that asked is closed: so does a client end that does not believe message 2.
fn left_at_message_2(case: &Case<'_>) -> Option<Finding> {
    /// An error that comes sooner is about the first copy: nobody has read it.
    const READ: Span = Span::from_millis(500);
    // Both may be many.
    let refused = icmp::about(case).filter(|seen| {
        let by_peer = seen.path.from.address == seen.error.quoted.to.address;
        by_peer && icmp::meaning(&seen.error) == Meaning::PortUnreachable
    });
    let mut closed: BTreeMap<(Endpoint, Endpoint), &IcmpSeen> = BTreeMap::new();
    for seen in refused {
        let quoted = seen.error.quoted;
        closed.entry((quoted.from, quoted.to)).or_insert(seen);
    }
    if closed.is_empty() {
        return None;
    }
    let left = case.ike_sas().filter_map(|sa| {
        let (exchange, answer) = abandoned::half_open(case.model, sa)?;
        let path = &first(case.model, exchange.response()?)?.path;
        let closed = *closed.get(&(path.from(), path.to()))?;
        let is_read = closed.time >= answer.1.later(READ);
        (exchange.kind == ExchangeType::AGGRESSIVE && is_read).then_some((exchange, answer, closed))
    });
    let (exchange, answer, closed) = left.max_by_key(|(_, answer, _)| answer.1)?;
    if abandoned::comes_up(case, answer.1) {
        return None;
    }
    let quoted = closed.error.quoted;
    let (from, to) = (quoted.to.address, quoted.from.address);
    let means = Means::of(case.model, exchange.ike_sa);
    let finding = unbelieved(case, means, answer, [from, to])
        .also((closed.frame, closed.time), "the port that asked is closed")
        .says(say!(
            "{to} authenticated itself by message 2. {from} sent no message 3, and when message 2 came again, {port} was \
             closed: the program that asked has ended.",
            to,
            from,
            port = quoted.to
        ))
        .or("Message 3 comes from another port, and does not arrive: where it goes to port 4500, a filter may drop it.")
    .or("Somebody stopped the client, or only looked what the gateway answers.");
    Some(means.advise(case, finding))
}

/// IKEv1: phase 1 ends well, XAUTH or Mode Config follows, and instead of quick mode a new phase 1, again
/// and again: so it goes with a wrong password, whoever closes the SA.
fn after_xauth(case: &Case<'_>) -> Option<Finding> {
    /// So many are no chance.
    const MANY: usize = 2;
    /// Who asks for a name and a password waits for people, and clients try again at once or by hand.
    const ANEW: Span = Span::from_secs(300);
    let in_vain = |id: &IkeSaId| {
        let exchanges = || {
            let ids = case.model.ike_sas[*id].exchanges.iter();
            ids.map(|id| &case.model.exchanges[*id])
        };
        let of = |kind| exchanges().filter(move |exchange| exchange.kind == kind);
        let sealed = |exchange: &&Exchange| {
            let mut flights = exchange.flights.iter();
            flights.all(|flight| case.model.opened(flight).is_none())
        };
        let phase_1 = exchanges().next().is_some_and(|first| {
            asked::from_the_start(case.model, first)
                && asked::v1_messages(first.kind) == Some(first.flights.len())
        });
        let last = of(ExchangeType::TRANSACTION).rfind(sealed)?;
        let serves = of(ExchangeType::QUICK_MODE).next().is_some();
        let at = began(case.model, last.flights.last()?)?;
        (phase_1 && !serves).then_some((*id, at))
    };
    let tries: Vec<(IkeSaId, Cite)> = case.tunnel.ike_sas.iter().filter_map(in_vain).collect();
    let (id, first) = *tries.first()?;
    let anew = tries.windows(2).all(|pair| match pair {
        [(_, before), (_, after)] => after.1.since(before.1) <= ANEW,
        _ => true,
    });
    if tries.len() < MANY || !anew || case.is_served(first.1, first.1) {
        return None;
    }
    let path = case.model.ike_sas[id].paths.first()?;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        first,
        "the last message of XAUTH or Mode Config",
    )
    .title(say!(
        "{user} does not seem to pass XAUTH at {gateway}",
        user = path.from.address,
        gateway = path.to.address
    ))
    .says(say!(
        "{times} times phase 1 ended well, XAUTH or Mode Config followed, and then no quick mode; each time but the \
         last a new phase 1 began.",
        times = tries.len()
    ))
    .or("The user's name or password is wrong, or the account is locked.")
    .or("The gateway has no address to give.");
    for (_, at) in tries.iter().skip(1) {
        finding = finding.also(*at, "the same again");
    }
    Some(Means::User.advise(case, finding))
}

/// Whether an informational message may hold an error or a Delete of the IKE SA, and nothing else.
fn is_one_payload(class: Option<InformationalClass>) -> bool {
    matches!(
        class,
        Some(InformationalClass::DeleteIkeSa | InformationalClass::Small)
    )
}

/// Whether the last `IKE_AUTH` response is one of EAP, after which the initiator must go on: none before
/// it was as small as the Success that ends EAP (RFC 7296 section 2.16), and it holds no child SA.
fn is_amid_eap(model: &Model, id: IkeSaId) -> bool {
    let rounds = model.auth_rounds(id);
    let [_, .., _] = rounds.as_slice() else {
        return false;
    };
    let sizes: Option<Vec<_>> = rounds
        .iter()
        .map(|round| model.plaintext_range(id, round.response()?))
        .collect();
    let Some([.., last]) = sizes.as_deref() else {
        return false;
    };
    let succeeded = sizes
        .iter()
        .flatten()
        .any(|size| *size.start() <= EAP_SUCCESS);
    !succeeded && *last.end() < model.auth_payload_smallest(id) + CHILD
}

/// A payload with EAP Success: nothing but its code, identifier and length (RFC 3748 section 4.2).
const EAP_SUCCESS: usize = 8;

/// The smallest SA with two Traffic Selectors (RFC 7296 sections 3.3 and 3.13).
const CHILD: usize = 84;

/// The answer by which authentication ends, if these are all exchanges up to it: message 6 of main
/// mode, message 2 of aggressive mode, the last `IKE_AUTH` response.
fn last_proof<'m>(
    model: &'m Model,
    exchanges: &[ExchangeId],
) -> Option<(&'m Flight, &'static str)> {
    let last = &model.exchanges[*exchanges.last()?];
    let alone = exchanges.len() == 1 && asked::from_the_start(model, last);
    match (last.kind, &*last.flights) {
        (ExchangeType::IKE_AUTH, _) => Some((last.response()?, "the IKE_AUTH response")),
        (ExchangeType::IDENTITY_PROTECTION, [.., six]) if alone && last.flights.len() == 6 => {
            Some((six, "message 6 of main mode"))
        }
        (ExchangeType::AGGRESSIVE, [_, two]) if alone => {
            Some((two, "message 2 of aggressive mode"))
        }
        _ => None,
    }
}

/// IKEv1: whether the initiator could not read the refusal of message 5, for it sends the message
/// again: then the two have other keys, and so other pre-shared keys. One in clear says by itself
/// that there are no common keys, unless it is about the identity, which is read with them.
pub(super) fn refusal_is_unread(model: &Model, id: IkeSaId, at: Cite) -> bool {
    let refusal = flight_at(model, id, at);
    if let Some(known) = refusal.and_then(|refusal| told_by_keys(model, id, refusal)) {
        return known;
    }
    let in_clear = refusal
        .and_then(|flight| model.readable(flight))
        .filter(|(message, _)| message.plain == Plain::Clear);
    if let Some((_, read)) = in_clear {
        let identity = |told: &Told| NotifyV1(told.kind) == NotifyV1::INVALID_ID_INFORMATION;
        return !negotiation::errors(&read).iter().any(identity);
    }
    let mut copies = copies_of_message_5(model, id);
    copies.sort_unstable_by_key(|copy| copy.1);
    copies.dedup_by(|later, earlier| later.1.since(earlier.1) < asked::DOUBLE);
    copies.len() > 1
}

/// Whether the two sides have other keys, told by which of their messages the given keys open, and by
/// what the refusal reports; `None` if that tells nothing.
fn told_by_keys(model: &Model, id: IkeSaId, refusal: &Flight) -> Option<bool> {
    let five = message_5(model, id)?;
    let garbled = |flight: &Flight| {
        first(model, flight).is_some_and(|message| {
            matches!(message.plain, Plain::Failed(Why::WrongKey | Why::Senseless))
        })
    };
    if let Some((_, read)) = model.opened(refusal) {
        // SKEYID_e comes of the pre-shared key (RFC 2409 section 5): who reads both by one key sees that the sides
        // have the same.
        let keys = key(model, five).zip(key(model, refusal));
        if keys.is_some_and(|((five, _), (refusal, _))| five == refusal) {
            return Some(false);
        }
        let errors = negotiation::errors(&read);
        let hash = |told: &Told| NotifyV1(told.kind) == NotifyV1::INVALID_HASH_INFORMATION;
        let other_key = malformed(&errors).is_some() || errors.iter().any(hash);
        return Some(other_key || garbled(five) || have_two_keys(model, five, refusal));
    }
    (garbled(refusal) && model.opened(five).is_some()).then_some(true)
}

/// The last message of main mode, where the responder refuses it.
fn message_5(model: &Model, id: IkeSaId) -> Option<&Flight> {
    let exchanges = model.ike_sas[id].exchanges.iter();
    let mut exchanges = exchanges.map(|exchange| &model.exchanges[*exchange]);
    let main = exchanges.find(|exchange| exchange.kind == ExchangeType::IDENTITY_PROTECTION)?;
    main.flights.last()
}

/// The key that opened a message, and whether the hash in it is right.
fn key<'m>(model: &'m Model, flight: &Flight) -> Option<(&'m Origin, bool)> {
    match &model.messages[flight.message()?].plain {
        Plain::Opened(opened) => Some((&opened.key, opened.hash_ok == Some(true))),
        _ => None,
    }
}

/// Whether two messages were opened by different keys, and the hash in each is right under the one that
/// opened it (RFC 2409 section 5): each side has a key of its own.
fn have_two_keys(model: &Model, one: &Flight, other: &Flight) -> bool {
    let keys = (key(model, one), key(model, other));
    matches!(keys, (Some((one, true)), Some((other, true))) if one != other)
}

/// Whether keys prove that the refusal of message 5 comes from a side with another pre-shared key.
pub(super) fn keys_prove(model: &Model, id: IkeSaId, at: Cite) -> bool {
    let messages = message_5(model, id).zip(flight_at(model, id, at));
    messages.is_some_and(|(five, refusal)| have_two_keys(model, five, refusal))
}

/// What decrypts to garbage is malformed in one way or another (RFC 2408 section 5).
fn malformed(errors: &[Told]) -> Option<NotifyV1> {
    let kinds = [NotifyV1::INVALID_PAYLOAD_TYPE, NotifyV1::PAYLOAD_MALFORMED];
    let mut told = errors.iter().map(|told| NotifyV1(told.kind));
    told.find(|told| kinds.contains(told))
}

/// The error by which a refusal of message 5, which was read, calls it garbage.
pub(super) fn called_malformed(model: &Model, id: IkeSaId, at: Cite) -> Option<NotifyV1> {
    let (_, read) = model.readable(flight_at(model, id, at)?)?;
    malformed(&negotiation::errors(&read))
}

/// The flight of an IKE SA that begins in a frame.
fn flight_at(model: &Model, id: IkeSaId, at: Cite) -> Option<&Flight> {
    let exchanges = model.ike_sas[id].exchanges.iter();
    let mut flights = exchanges.flat_map(|exchange| &model.exchanges[*exchange].flights);
    flights.find(|flight| first(model, flight).is_some_and(|one| one.frame == at.0))
}

/// The IKE SA whose message 5 was answered by an informational message, and where.
pub(super) fn refused_message_5(case: &Case<'_>) -> Option<(IkeSaId, Cite)> {
    case.tunnel.ike_sas.iter().find_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let main = sa
            .exchanges
            .iter()
            .map(|exchange| &case.model.exchanges[*exchange])
            .find(|exchange| {
                exchange.kind == ExchangeType::IDENTITY_PROTECTION && exchange.flights.len() == 5
            })?;
        Some((*id, auth::no_cite(case.model, sa, main)?))
    })
}

/// Every copy of message 5 of the IKE SA, as evidence.
pub(super) fn copies_of_message_5(model: &Model, id: IkeSaId) -> Vec<Cite> {
    model.ike_sas[id]
        .exchanges
        .iter()
        .map(|exchange| &model.exchanges[*exchange])
        .filter(|exchange| exchange.kind == ExchangeType::IDENTITY_PROTECTION)
        .filter_map(|exchange| exchange.flights.last())
        .flat_map(|flight| flight.parts.iter().chain(&flight.again))
        .map(|message| cite(model, *message))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{check, fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};
    use crate::model::IkeState;
    use crate::testing::model;

    const SIX: &str = "
        0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
        0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
        0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
        0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
        0.4 A:500 > B:500 MAIN i=1 r=2 sealed 92
        0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92 seed=1";

    #[test]
    fn an_initiator_that_does_not_believe_message_6() {
        verdict(
            &format!(
                "{SIX}
                 0.6 A:500 > B:500 INFO_V1 i=1 r=2 id=7 sealed 92
                 4   A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14)"
            ),
            "auth-failed",
        );
    }

    #[test]
    fn what_is_refused_after_message_6_is_no_authentication() {
        let text = |message_6: &str, refusal: &str| {
            format!(
                "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                 0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                 0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108 opened ID HASH
                 {message_6}
                 0.6 B:500 > A:500 INFO_V1 i=1 r=2 id=0x9 sealed 92 opened HASH {refusal}"
            )
        };
        let message_6 = "0.5 B:500 > A:500 MAIN i=1 r=2 sealed 108 opened ID HASH";
        verdict(&text("", "N(14)"), "auth-failed");
        silent(&text(message_6, "N(14)"), "auth-failed");
        // Of an SA of ESP, though message 6 is not in the recording.
        let of_esp = text("", "N(14 ESP 0xb1)");
        silent(&of_esp, "auth-failed");
        let states: Vec<_> = model(&of_esp).ike_sas.iter().map(|sa| sa.state).collect();
        assert_eq!(states, [IkeState::HalfOpen]);
    }

    #[test]
    fn a_proof_that_is_refused_again_and_again_in_a_recording_that_begins_late() {
        let late = |again: &str| {
            format!(
                "0 A:500 > B:500 MAIN i=1 r=2 sealed 108 {again}
                 0.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x7 sealed 76"
            )
        };
        let twice = late("again=6") + "\n6.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x8 sealed 76";
        let finding = fires(&twice, "auth-failed");
        assert_eq!(finding.confidence, Confidence::Likely);
        // It may be message 6, and what follows a word of the initiator's.
        silent(&late(""), "auth-failed");
        fires(&late(""), "undecided");
    }

    #[test]
    fn an_initiator_that_turns_away_from_the_ike_auth_response() {
        let attempt = |spi: u32, at: u32| {
            format!(
                "{at}.0 A:500 > B:500 IKE_SA_INIT i={spi} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={spi} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.2 A:500 > B:500 IKE_AUTH i={spi} r=9 id=1 request sealed 1216
                 {at}.3 B:500 > A:500 IKE_AUTH i={spi} r=9 id=1 response sealed 1136
                 {at}.4 A:500 > B:500 INFORMATIONAL i={spi} r=9 id=2 request sealed 80
                 "
            )
        };
        verdict(&(attempt(1, 0) + &attempt(2, 5)), "auth-failed");
        silent(
            &(attempt(1, 0) + "1 A > B ESP 0xb1 seq 1..9\n1 B > A ESP 0xa1 seq 1..9"),
            "auth-failed",
        );
    }

    #[test]
    fn who_closes_a_tunnel_and_opens_it_to_stay_may_have_believed_all_along() {
        let attempt = |spi: u32, at: u32| {
            format!(
                "{at}.0 A:500 > B:500 IKE_SA_INIT i={spi} r=9 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={spi} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.2 A:500 > B:500 IKE_AUTH i={spi} r=9 id=1 request sealed 256
                 {at}.3 B:500 > A:500 IKE_AUTH i={spi} r=9 id=1 response sealed 240
                 "
            )
            .replacen("r=9", "r=0", 1)
        };
        let closed = "0.4 A:500 > B:500 INFORMATIONAL i=1 r=9 id=2 request sealed 80
                      0.5 B:500 > A:500 INFORMATIONAL i=1 r=9 id=2 response sealed 80\n";
        let stays = "40 B:500 > A:500 INFORMATIONAL i=2 r=9 id=0 request sealed 80
                     40.1 A:500 > B:500 INFORMATIONAL i=2 r=9 id=0 response sealed 80\n";
        let finding = fires(
            &(attempt(1, 0) + closed + &attempt(2, 3) + stays),
            "auth-failed",
        );
        assert_eq!(finding.confidence, Confidence::Possible);
        assert_eq!(finding.severity, Severity::Info);
        // Each time anew: nobody opens a tunnel for that. The last may be closed for another reason.
        let each: String = (1..6)
            .map(|n| {
                let closed = closed.replace("i=1", &format!("i={n}"));
                let closed = closed.replace("0.4 A", &format!("{}.4 A", 10 * n));
                attempt(n, 10 * n) + &closed.replace("0.5 B", &format!("{}.5 B", 10 * n))
            })
            .collect();
        let finding = fires(&each, "auth-failed");
        assert_eq!(finding.confidence, Confidence::Likely);
        assert_eq!(finding.severity, Severity::Error);
        let says = finding.says.to_string();
        assert!(says.contains("4 times in this capture"), "{says}");
    }

    #[test]
    fn sessions_that_are_closed_later_than_an_initiator_reacts_are_no_refusals() {
        let text = |reacts: u32, closes: u32| -> String {
            let session = |n: u32| {
                let at = |millis: u32| format!("{}", f64::from(10_000 * n + millis) / 1000.0);
                format!(
                    "{} A:500 > B:500 IKE_SA_INIT i={n} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                     {} B:500 > A:500 IKE_SA_INIT i={n} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                     {} A:500 > B:500 IKE_AUTH i={n} r=9 id=1 request sealed 256
                     {} B:500 > A:500 IKE_AUTH i={n} r=9 id=1 response sealed 240
                     {} A:500 > B:500 INFORMATIONAL i={n} r=9 id=2 request sealed 80
                     {} B:500 > A:500 INFORMATIONAL i={n} r=9 id=2 response sealed 80\n",
                    at(0),
                    at(10),
                    at(10 + reacts),
                    at(20 + reacts),
                    at(20 + reacts + closes),
                    at(30 + reacts + closes)
                )
            };
            (1..5).map(session).collect()
        };
        let severity = |text: &str| fires(text, "auth-failed").severity;
        assert_eq!(severity(&text(5, 5)), Severity::Error);
        assert_eq!(severity(&text(5, 400)), Severity::Info);
        // An initiator that is far from the tap, or slow.
        assert_eq!(severity(&text(200, 400)), Severity::Error);
    }

    #[test]
    fn an_initiator_that_gives_up_amid_rounds_of_eap() {
        let text = |success: &str| {
            format!(
                "{AGREED}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1136
                 0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 80
                 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 112
                 {success}
                 0.6 A:500 > B:500 IKE_AUTH i=1 r=2 id=4 request sealed 144
                 0.7 B:500 > A:500 IKE_AUTH i=1 r=2 id=4 response sealed 128
                 0.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80"
            )
        };
        verdict(&text(""), "auth-failed");
        silent(
            &text(
                "0.55 A:500 > B:500 IKE_AUTH i=1 r=2 id=3 request sealed 80
                 0.56 B:500 > A:500 IKE_AUTH i=1 r=2 id=3 response sealed 80",
            ),
            "auth-failed",
        );
    }

    #[test]
    fn a_recording_that_ends_amid_eap_tells_nothing() {
        let amid = format!(
            "{AGREED}
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1136
             0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 80
             0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 80"
        );
        check(&amid, &["undecided"]);
        verdict(&format!("{amid}\n9 C > B ESP 0xc1"), "auth-failed");
        // With AES-GCM sizes are exact: 8 octets are a notification, or EAP Success.
        let exact = amid
            .replace(
                "ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128",
                "ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256",
            )
            .replace("id=2 response sealed 80", "id=2 response sealed 65");
        silent(&exact, "auth-failed");
        verdict(&format!("{exact}\n9 C > B ESP 0xc1"), "auth-failed");
        // EAP alone authenticates: IDr and a request, without a certificate (RFC 5998).
        let first = format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 96");
        silent(&first, "auth-failed");
        verdict(&format!("{first}\n9 C > B ESP 0xc1"), "auth-failed");
    }

    /// An IKE SA that `sealed` octets of the initiator follow at once; nothing of ESP is recorded.
    fn then(suite: &str, sealed: u32) -> String {
        format!(
            "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA({suite}) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA({suite}) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 304
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 304
             0.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed {sealed}
             0.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed {sealed}
             9 C > B ESP 0xc1
             "
        )
    }

    #[test]
    fn who_closes_the_ike_sa_since_no_child_was_granted_believes_the_peer() {
        let refused = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 272
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 144
            0.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
            0.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80
            40 C > B ESP 0xc1";
        silent(refused, "auth-failed");
        verdict(refused, "child-setup-failed");
    }

    #[test]
    fn a_liveness_check_after_success_is_none() {
        let gcm = "ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14";
        silent(&then(gcm, 57), "auth-failed");
        silent(&then(gcm, 157), "auth-failed");
        verdict(&then(gcm, 65), "auth-failed");
        // Padding hides which it is.
        let cbc = "ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14";
        let finding = fires(&then(cbc, 80), "auth-failed");
        assert_eq!(finding.severity, Severity::Info);
        assert_eq!(finding.confidence, Confidence::Possible);
    }

    #[test]
    fn quick_mode_after_message_6_is_success() {
        silent(
            &format!(
                "{SIX}
                 0.6 A:500 > B:500 INFO_V1 i=1 r=2 id=7 sealed 92
                 0.7 A:500 > B:500 QUICK i=1 r=2 id=8 sealed 188
                 4   A:500 > B:500 INFO_V1 i=1 r=2 id=9 sealed 108"
            ),
            "auth-failed",
        );
    }

    #[test]
    fn a_recording_that_began_with_message_2_cannot_count() {
        silent(
            &format!(
                "{}
                 0.7 A:500 > B:500 QUICK i=1 r=2 id=8 sealed 188
                 0.8 B:500 > A:500 QUICK i=1 r=2 id=8 sealed 188 seed=1
                 0.9 A:500 > B:500 QUICK i=1 r=2 id=8 sealed 76
                 5   A:500 > B:500 INFO_V1 i=1 r=2 id=9 sealed 108
                 5.1 B:500 > A:500 INFO_V1 i=1 r=2 id=10 sealed 108",
                SIX.replace("0   A:500", "# A:500")
            ),
            "auth-failed",
        );
    }

    const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256";

    #[test]
    fn an_answer_of_one_notification_is_a_refusal() {
        verdict(
            &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80"),
            "auth-failed",
        );
    }

    #[test]
    fn an_answer_with_room_for_a_proof_is_none() {
        silent(
            &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240"),
            "auth-failed",
        );
    }

    #[test]
    fn a_refusal_that_an_ike_sa_follows_is_a_warning() {
        let refused =
            format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80\n");
        let up = |at: u32| {
            let suite =
                "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
            format!(
                "{at}.0 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request {suite}
                 {at}.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response {suite}
                 {at}.2 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                 {at}.3 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
                 "
            )
        };
        let finding = fires(&(refused.clone() + &up(6)), "auth-failed");
        assert_eq!(finding.severity, Severity::Warning);
        // What the initiator turns away from is no success.
        let away = up(6) + "6.4 A:500 > B:500 INFORMATIONAL i=7 r=8 id=2 request sealed 80";
        let finding = fires(&(refused.clone() + &away), "auth-failed");
        assert_eq!(finding.severity, Severity::Error);
        // One that was up before is none either.
        let before = refused
            .lines()
            .map(|line| line.trim().replacen("0", "20", 1) + "\n")
            .collect::<String>();
        let finding = fires(&(up(6) + &before), "auth-failed");
        assert_eq!(finding.severity, Severity::Error);
    }

    #[test]
    fn a_notification_in_clear_says_so_itself() {
        let text = format!(
            "{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response N(AUTHENTICATION_FAILED)"
        );
        verdict(&text, "auth-failed");
        assert_eq!(fires(&text, "auth-failed").confidence, Confidence::Likely);
        // Its sender goes on: someone forged it, or it came late.
        let on = format!("{text}\n0.4 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240");
        assert_eq!(fires(&on, "auth-failed").severity, Severity::Info);
    }

    #[test]
    fn message_2_of_aggressive_mode_that_is_answered_by_a_complaint() {
        let begun = "0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
            0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH";
        let complaint = "0.2 A:500 > B:500 INFO_V1 i=1 r=2 id=0x99 sealed 76";
        let finding = fires(&format!("{begun}\n{complaint}"), "auth-failed");
        let others = finding.alternatives.iter().map(ToString::to_string);
        assert!(
            others
                .collect::<Vec<_>>()
                .contains(&"The pre-shared keys differ.".to_owned())
        );
        // What comes after message 3 may be anything.
        let three = "0.15 A:500 > B:500 AGGRESSIVE i=1 r=2 HASH";
        silent(&format!("{begun}\n{three}\n{complaint}"), "auth-failed");
    }

    #[test]
    fn message_2_of_aggressive_mode_that_is_never_answered() {
        let attempt = |n: u32| {
            format!(
                "{n}0 A:500 > B:500 AGGRESSIVE i={n} r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
                 {n}0.1 B:500 > A:500 AGGRESSIVE i={n} r=9{n} SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH
                 "
            )
        };
        let text: String = (1..5).map(attempt).collect();
        verdict(&text, "auth-failed");
        silent(&(attempt(1) + &attempt(2)), "auth-failed");
        let goes_on = format!("{text}\n40.2 A:500 > B:500 AGGRESSIVE i=4 r=94 HASH");
        silent(&goes_on, "auth-failed");
    }

    #[test]
    fn what_a_client_complains_of_after_mode_config_is_no_refusal_of_the_other() {
        let text = |error: u16| {
            format!(
                "0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
                 0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH
                 0.2 A:500 > B:500 AGGRESSIVE i=1 r=2 HASH
                 0.3 A:500 > B:500 TRANSACTION i=1 r=2 id=0x12 sealed 160
                 0.4 B:500 > A:500 TRANSACTION i=1 r=2 id=0x12 sealed 76
                 0.5 A:500 > B:500 INFO_V1 i=1 r=2 id=0x99 sealed 76 opened HASH N({error})"
            )
        };
        silent(&text(13), "auth-failed");
        fires(&text(24), "auth-failed");
    }

    #[test]
    fn a_client_that_is_gone_when_message_2_comes_again() {
        let text = |icmp: &str| {
            format!(
                "0 A:40500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
                 0.1 B:500 > A:40500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH again=2,5
                 {icmp} A > B ICMP 3/3 quoting B:500 > A:40500 IKE i=1 r=2 count 2 every 3"
            )
        };
        verdict(&text("2.01"), "auth-failed");
        // Who is gone when the first copy comes has not read it.
        silent(&text("0.11"), "auth-failed");
        let up = format!(
            "{}
             20 A:40501 > B:500 AGGRESSIVE i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
             20.1 B:500 > A:40501 AGGRESSIVE i=5 r=6 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH
             20.2 A:40501 > B:500 AGGRESSIVE i=5 r=6 HASH",
            text("2.01")
        );
        silent(&up, "auth-failed");
    }

    #[test]
    fn xauth_that_no_quick_mode_follows() {
        let attempt = |n: u32| {
            let phase_1 = SIX.replace("i=1", &format!("i={n}")).replace("r=2", "r=9");
            let phase_1 = phase_1.replace("        0", &format!("        {n}0"));
            format!(
                "{phase_1}
                 {n}0.6 B:500 > A:500 TRANSACTION i={n} r=9 id=0x11 sealed 76
                 {n}4.0 A:500 > B:500 TRANSACTION i={n} r=9 id=0x11 sealed 108
                 {n}4.1 B:500 > A:500 TRANSACTION i={n} r=9 id=0x12 sealed 76
                 {n}4.2 A:500 > B:500 TRANSACTION i={n} r=9 id=0x12 sealed 76
                 "
            )
        };
        let text: String = (1..4).map(attempt).collect();
        verdict(&text, "auth-failed");
        let quick = "35 A:500 > B:500 QUICK i=3 r=9 id=0x77 sealed 188
                     35.1 B:500 > A:500 QUICK i=3 r=9 id=0x77 sealed 188
                     35.2 A:500 > B:500 QUICK i=3 r=9 id=0x77 sealed 60\n";
        silent(&(attempt(3) + quick), "auth-failed");
    }

    #[test]
    fn only_after_rounds_of_eap_a_name_or_a_password_may_be_wrong() {
        let says = |rounds: &str, id: u32| {
            let text = format!(
                "{AGREED}{rounds}
                 0.9 B:500 > A:500 IKE_AUTH i=1 r=2 id={id} response sealed 80
                 9 C > B ESP 0xc1"
            );
            fires(&text, "auth-failed").says.to_string()
        };
        let rounds = "
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1136
            0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 112
            0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 112
            0.6 A:500 > B:500 IKE_AUTH i=1 r=2 id=3 request sealed 112";
        let (one, several) = (says("", 1), says(rounds, 3));
        assert!(!one.contains("several rounds"), "{one}");
        assert!(several.contains("several rounds"), "{several}");
    }

    #[test]
    fn traffic_after_the_informational_message_shows_that_message_6_was_believed() {
        let text = |last: u32| {
            format!(
                "{}
                 10.6 A:500 > B:500 INFO_V1 i=1 r=2 id=7 sealed 92
                 1 A > B ESP 0xb1 seq 1..{last} every 0.5
                 1 B > A ESP 0xa1 seq 1..{last} every 0.5
                 40 C > B ESP 0xc1",
                SIX.replace("        0", "        10")
            )
        };
        silent(&text(60), "auth-failed");
        fires(&text(15), "auth-failed");
    }

    #[test]
    fn a_refusal_that_the_key_of_message_5_does_not_open_is_of_another_key() {
        use crate::model::{IkeSaId, Plain, Shares, Why};
        let told = |five: bool, refusal: bool| {
            let mut model = crate::testing::model(
                "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                 0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                 0.4 A:500 > B:500 MAIN i=1 r=2 sealed 92 opened ID(10.1.0.1) HASH
                 0.5 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 76 opened HASH N(24)",
            );
            let mut shares = model.messages.take();
            for message in shares.iter_mut().flatten() {
                let garbled = match message.frame.number {
                    5 => five,
                    6 => refusal,
                    _ => false,
                };
                if garbled {
                    message.plain = Plain::Failed(Why::WrongKey);
                }
            }
            model.messages = Shares::of(shares);
            let exchange = model.ike_sas[IkeSaId(0)].exchanges[1];
            let refusal = model.exchanges[exchange].flights.first().unwrap();
            super::told_by_keys(&model, IkeSaId(0), refusal)
        };
        assert_eq!(
            told(false, false),
            Some(false),
            "read, and of another thing"
        );
        assert_eq!(told(true, false), Some(true));
        assert_eq!(told(false, true), Some(true));
        assert_eq!(told(true, true), None);
    }

    #[test]
    fn room_for_a_certificate_tells_what_to_compare() {
        let refused = |asks: &str, octets: u32| {
            fires(
                &format!(
                    "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                     0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce{asks}
                     0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed {octets}
                     0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80"
                )
                ,
                "auth-failed",
            )
        };
        let first = |asks: &str, octets: u32| {
            let finding = refused(asks, octets);
            let alternatives: Vec<String> = finding
                .alternatives
                .iter()
                .map(ToString::to_string)
                .collect();
            let certificates = alternatives.iter().any(|one| one.contains("certificate"));
            (alternatives[0].clone(), certificates)
        };
        let asks = format!(" CERTREQ({})", "ab".repeat(20));
        // Raw keys and certificates that the peer has already are not sent.
        assert_eq!(first("", 304), ("The pre-shared keys differ.".into(), true));
        assert!(first(&asks, 304).1);
        assert!(first("", 1200).1);
        assert!(first(&asks, 1200).0.contains("certificate"));
    }

    #[test]
    fn who_is_refused_a_new_ike_sa_may_have_one() {
        let sa = |at: u32, answer: u32| {
            format!(
                "{at} A:500 > B:500 IKE_SA_INIT i={at}1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={at}1 r={at}2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.2 A:500 > B:500 IKE_AUTH i={at}1 r={at}2 id=1 request sealed 256
                 {at}.3 B:500 > A:500 IKE_AUTH i={at}1 r={at}2 id=1 response sealed {answer}\n"
            )
        };
        let probe = |at: u32| {
            format!(
                "{at} A:500 > B:500 INFORMATIONAL i=11 r=12 id=2 request sealed 80
                 {at}.1 B:500 > A:500 INFORMATIONAL i=11 r=12 id=2 response sealed 80"
            )
        };
        let says = |text: &str| fires(text, "auth-failed").says.to_string();
        let up = sa(1, 240) + &sa(30, 80);
        let lives = says(&(up.clone() + &probe(60)));
        assert!(lives.contains("was still up"), "{lives}");
        let silent = says(&(up + "60 C > B ESP 0xc1"));
        assert!(!silent.contains("was still up"), "{silent}");
    }

    #[test]
    fn what_went_so_before_goes_so_again_at_the_end() {
        let turned = |at: u32, suite: &str, octets: u32| {
            format!(
                "{at} A:500 > B:500 IKE_SA_INIT i={at}1 r=0 id=0 request SA({suite}) KE(14) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={at}1 r={at}2 id=0 response SA({suite}) KE(14) Nonce
                 {at}.2 A:500 > B:500 IKE_AUTH i={at}1 r={at}2 id=1 request sealed 1200
                 {at}.3 B:500 > A:500 IKE_AUTH i={at}1 r={at}2 id=1 response sealed 1200
                 {at}.31 A:500 > B:500 INFORMATIONAL i={at}1 r={at}2 id=2 request sealed {octets}
                 {at}.4 B:500 > A:500 INFORMATIONAL i={at}1 r={at}2 id=2 response sealed 57\n"
            )
        };
        let says = |suite: &str, octets: u32| {
            let text = turned(1, suite, octets) + &turned(5, suite, octets);
            fires(&text, "auth-failed").says.to_string()
        };
        let exact = says("ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14", 65);
        assert!(exact.contains("2 times"), "{exact}");
        // A liveness check may be as long.
        let padded = says(
            "ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14",
            80,
        );
        assert!(!padded.contains("2 times"), "{padded}");
    }

    #[test]
    fn an_initiator_that_deletes_the_sa_when_it_has_read_message_6() {
        let text = |opened: &str| {
            format!(
                "{SIX}
                 0.6 A:500 > B:500 INFO_V1 i=1 r=2 id=7 sealed 108 opened {opened}
                 40 C > B ESP 0xc1"
            )
        };
        let finding = fires(&text("HASH D(IKE)"), "auth-failed");
        assert!(finding.says.to_string().contains("asked for nothing"));
        silent(&text("HASH N(24578)"), "auth-failed");
    }

    #[test]
    fn who_proves_nothing_yet_asks_for_eap() {
        let told = |auth: &str, asks: &str| {
            let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce{asks}
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) {auth} SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)"
            );
            let alternatives = fires(&text, "auth-failed").alternatives;
            let alternatives = alternatives.iter().map(ToString::to_string);
            alternatives.collect::<Vec<_>>().join(" ")
        };
        let eap = told("", "");
        assert!(
            eap.contains("has no EAP") && !eap.contains("keys differ"),
            "{eap}"
        );
        let key = told("AUTH(2)", "");
        assert!(key.contains("keys differ") && !key.contains("EAP"), "{key}");
        let asks = format!(" CERTREQ({})", "ab".repeat(20));
        let asked = told("AUTH(2)", &asks);
        assert!(asked.contains("wants a certificate"), "{asked}");
        assert!(!key.contains("wants a certificate"), "{key}");
    }

    #[test]
    fn an_address_behind_a_nat_is_not_the_one_that_the_peer_sees() {
        let told = |identity: &str| {
            let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi({identity}) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)"
            );
            let alternatives = fires(&text, "auth-failed").alternatives;
            alternatives
                .iter()
                .any(|one| one.to_string().contains("a NAT gives it"))
        };
        assert!(told("10.1.0.1"));
        assert!(!told("192.0.2.1"));
        assert!(!told("gw.example"));
    }

    #[test]
    fn a_certificate_that_does_not_bear_the_identity() {
        use crate::diagnose::testing::CERTIFICATE;
        let foreign = |identity: &str| {
            let finding = fires(
                &format!(
                    "1900000000.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
                     1900000000.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
                     1900000000.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 1200 opened IDi({identity}) CERT({CERTIFICATE}) AUTH(14) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                     1900000000.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)"
                ),
                "auth-failed",
            );
            let first = finding.advice.first().map(ToString::to_string);
            first.is_some_and(|first| first.contains("in its certificate"))
        };
        assert!(foreign("other.example"));
        assert!(!foreign("gw.example"));
    }
}
