//! Authentication as opened messages tell of it: who refuses whom, and why.

use super::{asked, began};
use crate::diagnose::{Case, Cite};
use crate::model::{self, Deleted, Exchange, Flight, IkeSaId, Model, Role, negotiation};
use crate::registry::eap::MschapOpcode;
use crate::registry::{
    ConfigurationAttributeType, ConfigurationType, EapType, ExchangeType, NotifyType, NotifyV1,
    PayloadType,
};
use crate::units::{Span, Timestamp};
use crate::wire::ikev2::ConfigurationAttribute;
use crate::wire::{Body, Message, ikev1, ikev2};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A refusal of authentication that was read.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The IKE SA.
    pub ike_sa: IkeSaId,
    /// Who refuses.
    pub by: Role,
    /// Its address.
    pub from: IpAddr,
    /// Whom it refuses.
    pub to: IpAddr,
    /// The message.
    pub at: Cite,
    /// The numbers of the errors in it.
    pub errors: Vec<u16>,
    /// Whether EAP, or XAUTH, failed.
    pub eap_failed: bool,
    /// Where the initiator gave up amid EAP, if it follows only from that.
    pub gave_up: Option<Cite>,
    /// The method of EAP in the message before, if it follows from that.
    pub method: Option<EapType>,
    /// The message by which MS-CHAPv2 failed then: `E=691 R=1 …` (RFC 2759 section 6).
    pub mschap: Option<String>,
    /// Whether it is of IKEv1.
    pub v1: bool,
}

impl Refusal {
    /// One of which nothing is known yet but who says it to whom, and when.
    fn new(ike_sa: IkeSaId, by: Role, message: &model::Message, at: Cite) -> Self {
        Self {
            ike_sa,
            by,
            from: message.path.from().address,
            to: message.path.to().address,
            at,
            errors: Vec::new(),
            eap_failed: false,
            gave_up: None,
            method: None,
            mschap: None,
            v1: message.header.version.major() == 1,
        }
    }

    /// Whether the errors speak of authentication: not of the child SA, which some peers refuse
    /// without a proof of their own, nor of an address.
    pub fn is_of_authentication(&self) -> bool {
        let of_child = |error: &u16| negotiation::is_of_child(*error);
        self.v1 || !self.errors.iter().any(of_child)
    }

    /// Whether IKEv1 names a proposal by all of its errors, and no proof: then it is the SA that is refused, whenever
    /// it is said (RFC 2408 section 3.14.1).
    pub fn names_proposal(&self) -> bool {
        let of_proposal = |error: &u16| PROPOSALS.contains(&NotifyV1(*error));
        self.v1 && !self.errors.is_empty() && self.errors.iter().all(of_proposal)
    }
}

/// The refusal of authentication under an IKE SA, if one was read.
pub fn refusal(model: &Model, ike_sa: IkeSaId) -> Option<Refusal> {
    match model.ike_sas[ike_sa].version.major() {
        1 => refusal_v1(model, ike_sa),
        _ => refusal_v2(model, ike_sa),
    }
}

/// When the same side refused the authentication under later IKE SAs of the tunnel.
pub fn refused_again(case: &Case<'_>, first: &Refusal) -> impl Iterator<Item = Timestamp> {
    case.tunnel
        .ike_sas
        .iter()
        .filter_map(|id| refusal(case.model, *id))
        .filter(|again| again.from == first.from && again.is_of_authentication())
        .map(|again| again.at.1)
        .filter(|time| *time > first.at.1)
}

/// IKEv2: the last `IKE_AUTH` response without a proof, or the initiator's AUTHENTICATION_FAILED in
/// an informational exchange (RFC 7296 section 2.21.2).
fn refusal_v2(model: &Model, ike_sa: IkeSaId) -> Option<Refusal> {
    let rounds = model.auth_rounds(ike_sa);
    let last = rounds.last()?;
    let of = |flight: &Flight, errors: Vec<u16>, eap_failed: bool| {
        let message = super::first(model, flight)?;
        Some(Refusal {
            errors,
            eap_failed,
            ..Refusal::new(ike_sa, flight.by, message, began(model, flight)?)
        })
    };
    if let Some(response) = last.response()
        && let Some((_, read)) = model.opened(response)
    {
        let failed = fails(&read);
        let errors = errors(&read);
        // Without the identity, which an earlier round may have, AUTH proves nothing (RFC 7296 section 2.15).
        let mut answers = rounds.iter().filter_map(|round| round.response());
        let named = answers.any(|answer| {
            let read = model.opened(answer);
            read.is_none_or(|(_, read)| read.payload(PayloadType::IDR).is_some())
        });
        let proves = named && read.payload(PayloadType::AUTH).is_some();
        // A proof may stand beside an error of the child SA; this one says that there is no IKE SA (RFC 7296 section
        // 2.21.2).
        let refused = errors.contains(&NotifyType::AUTHENTICATION_FAILED.0);
        if failed || refused || !proves && !errors.is_empty() {
            return of(response, errors, failed);
        }
    }
    model.ike_sas[ike_sa]
        .exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| exchange.kind == ExchangeType::INFORMATIONAL)
        .filter_map(|exchange| exchange.request())
        .find_map(|request| {
            let (_, read) = model.opened(request)?;
            let errors = errors(&read);
            let failed = errors.contains(&NotifyType::AUTHENTICATION_FAILED.0);
            failed.then(|| match asks_on(model, &rounds) {
                // Who gives up after a round of EAP was told so by its method, as a rule; the gateway,
                // which did not accept the user, is the one that refuses.
                Some(response) => {
                    let (method, mschap) = eap(model, response);
                    of(response, errors, true).map(|refusal| Refusal {
                        gave_up: began(model, request),
                        method,
                        mschap,
                        ..refusal
                    })
                }
                None => of(request, errors, false),
            })?
        })
}

/// The last `IKE_AUTH` response, if it goes on with EAP after the first round: the initiator has believed
/// the responder by then (RFC 7296 section 2.16), and EAP has not succeeded.
fn asks_on<'m>(model: &Model, rounds: &[&'m Exchange]) -> Option<&'m Flight> {
    let [_, .., last] = rounds else {
        return None;
    };
    let response = last.response()?;
    let (_, read) = model.opened(response)?;
    let asks = read.payloads.iter().any(|payload| {
        matches!(&payload.body, Body::V2(ikev2::Body::Eap(eap)) if eap.code == ikev2::Eap::REQUEST)
    });
    (asks && read.payload(PayloadType::AUTH).is_none()).then_some(response)
}

/// The method of EAP in a message, and what the server says in it of a failure of MS-CHAPv2.
fn eap(model: &Model, flight: &Flight) -> (Option<EapType>, Option<String>) {
    let Some((_, read)) = model.opened(flight) else {
        return (None, None);
    };
    let mut found = read
        .payloads
        .iter()
        .filter_map(|payload| match &payload.body {
            Body::V2(ikev2::Body::Eap(eap)) => Some(eap),
            _ => None,
        });
    let Some(eap) = found.next() else {
        return (None, None);
    };
    let failure = match eap.method() {
        Some(ikev2::Method::Mschap {
            opcode: MschapOpcode::FAILURE,
            text,
        }) => text,
        _ => None,
    };
    (eap.eap_type, failure)
}

/// IKEv1: an informational message that reports an error before any phase 2, or XAUTH that failed.
fn refusal_v1(model: &Model, ike_sa: IkeSaId) -> Option<Refusal> {
    let exchanges = || {
        let exchanges = model.ike_sas[ike_sa].exchanges.iter();
        exchanges.map(|id| &model.exchanges[*id])
    };
    // Without its beginning the IKE SA may have been up for long, and the errors are of other things.
    let begins = exchanges()
        .next()
        .is_some_and(|phase1| asked::from_the_start(model, phase1));
    if !begins {
        return None;
    }
    let proved = exchanges()
        .next()
        .and_then(|phase1| Some((phase1, asked::v1_messages(phase1.kind)?)))
        .is_some_and(|(phase1, messages)| {
            phase1.kind == ExchangeType::IDENTITY_PROTECTION && phase1.flights.len() >= messages
        });
    let mut spoke: BTreeMap<Role, Timestamp> = BTreeMap::new();
    let asks = exchanges().filter(|exchange| exchange.kind == ExchangeType::TRANSACTION);
    for flight in asks.flat_map(|exchange| &exchange.flights) {
        if let Some((_, time)) = began(model, flight) {
            let first = spoke.entry(flight.by).or_insert(time);
            *first = time.min(*first);
        }
    }
    exchanges()
        .take_while(|exchange| exchange.kind != ExchangeType::QUICK_MODE)
        .filter(|exchange| {
            [ExchangeType::INFORMATIONAL_V1, ExchangeType::TRANSACTION].contains(&exchange.kind)
        })
        .flat_map(|exchange| &exchange.flights)
        .find_map(|flight| {
            let (message, read) = model.opened(flight)?;
            let mut errors = errors(&read);
            errors.retain(|error| !UNRELATED.contains(&NotifyV1(*error)));
            // Who sent the last message of main mode has believed the other; and an SA of ESP is asked for
            // when both have. The quick mode may be missing in the recording.
            if negotiation::is_of_phase_2(&read) || flight.by == Role::Responder && proved {
                errors.clear();
            }
            // Who has spoken in XAUTH or Mode Config believed the other; what it complains of later is what it was told
            // there, unless it says otherwise.
            let spoke = spoke.get(&flight.by);
            if spoke.is_some_and(|time| *time < message.time) {
                errors.retain(|error| NotifyV1(*error) == NotifyV1::AUTHENTICATION_FAILED);
            }
            let failed = xauth_fails(&read);
            let at = (message.frame, message.time);
            (failed || !errors.is_empty()).then(|| Refusal {
                errors,
                eap_failed: failed,
                ..Refusal::new(ike_sa, flight.by, message, at)
            })
        })
}

/// IKEv1: an initiator that deletes the IKE SA as soon as it has message 6 of main mode, and asks for nothing: it does not
/// believe the responder, as a rule, and says no error.
pub fn leaves_at_once(model: &Model, ike_sa: IkeSaId) -> Option<Refusal> {
    /// As long as it takes to verify a signature.
    const AT_ONCE: Span = Span::from_millis(500);
    let sa = &model.ike_sas[ike_sa];
    let [phase1, said] = sa.exchanges.as_slice() else {
        return None;
    };
    let (phase1, said) = (&model.exchanges[*phase1], &model.exchanges[*said]);
    let complete = phase1.kind == ExchangeType::IDENTITY_PROTECTION
        && asked::v1_messages(phase1.kind) == Some(phase1.flights.len())
        && asked::from_the_start(model, phase1);
    let (six, delete) = (phase1.flights.last()?, said.flights.first()?);
    let (answered, at) = (began(model, six)?, began(model, delete)?);
    let leaves = said.kind == ExchangeType::INFORMATIONAL_V1
        && delete.by == Role::Initiator
        && at.1 >= answered.1
        && at.1.since(answered.1) <= AT_ONCE
        && model.deletes(delete).contains(&Deleted::IkeSa);
    let message = super::first(model, delete)?;
    (complete && leaves).then(|| Refusal::new(ike_sa, delete.by, message, at))
}

/// Errors of IKEv1 about other SAs than the one that is set up.
const UNRELATED: [NotifyV1; 2] = [NotifyV1::INVALID_COOKIE, NotifyV1::INVALID_SPI];

/// Errors of IKEv1 about what is proposed.
const PROPOSALS: [NotifyV1; 7] = [
    NotifyV1::DOI_NOT_SUPPORTED,
    NotifyV1::SITUATION_NOT_SUPPORTED,
    NotifyV1::INVALID_PROTOCOL_ID,
    NotifyV1::INVALID_TRANSFORM_ID,
    NotifyV1::ATTRIBUTES_NOT_SUPPORTED,
    NotifyV1::NO_PROPOSAL_CHOSEN,
    NotifyV1::BAD_PROPOSAL_SYNTAX,
];

fn errors(read: &Message<'_>) -> Vec<u16> {
    crate::model::negotiation::errors(read)
        .into_iter()
        .map(|told| told.kind)
        .collect()
}

fn fails(read: &Message<'_>) -> bool {
    read.payloads.iter().any(|payload| {
        matches!(&payload.body, Body::V2(ikev2::Body::Eap(eap)) if eap.code == ikev2::Eap::FAILURE)
    })
}

/// XAUTH-STATUS with the value FAIL (draft-ietf-ipsec-isakmp-xauth section 4.2). The gateway sets it;
/// what acknowledges it repeats it without a value, or with one that means nothing.
fn xauth_fails(read: &Message<'_>) -> bool {
    read.payloads.iter().any(|payload| {
        let Body::V1(ikev1::Body::Attributes(attributes)) = &payload.body else {
            return false;
        };
        let is_fail = |one: &ConfigurationAttribute<'_>| {
            one.kind == ConfigurationAttributeType::XAUTH_STATUS
                && !one.value.is_empty()
                && one.value.iter().all(|octet| *octet == 0)
        };
        attributes.cfg_type == ConfigurationType::CFG_SET
            && attributes.attributes.iter().any(is_fail)
    })
}
