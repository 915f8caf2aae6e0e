//! IKEv1: message 5 of main mode, by which the initiator authenticates itself, is refused.

use super::RULE;
use super::means::Means;
use crate::diagnose::facts::proof;
use crate::diagnose::facts::{asked, auth, child, cite, first, offer};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::keys::Origin;
use crate::language::Text;
use crate::model::{Exchange, Flight, IkeSaId, Model, Plain, Told, Why, negotiation};
use crate::registry::{ExchangeType, NotifyV1};
use crate::say;

/// IKEv1: message 5 is answered by an informational message, and not since the keys differ.
pub(super) fn instead_of_message_6(case: &Case<'_>) -> Option<Finding> {
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
    let path = sa.paths.first()?;
    let (from, to) = (path.to.address, path.from.address);
    // Where another method was agreed, no key is shared.
    let means = Means::of(case.model, id);
    let mut finding =
        Finding::new(&RULE, Confidence::Likely, case.id, at, "an informational message instead of message 6")
            .title(say!("{from} refuses the authentication", from))
            .says(say!(
                "{from} answered message 5 of main mode, which authenticates, by an informational message instead of \
                 message 6.",
                from
            ))
            .or("The certificate or the identity is not accepted.");
    let told = flight_at(case.model, id, at).and_then(|flight| told_in_clear(case.model, flight));
    if let Some(error) = told.as_ref().and_then(|told| told.first()) {
        finding.says.add(say!(
            "It says in clear: {error}.",
            error = Text::verbatim(NotifyV1(error.kind))
        ));
        finding = finding
            .explaining(&["ike-refused"])
            .or("Notifications in clear can be forged by anyone on the path.");
    }
    let refused_again =
        main_mode(case.model, id).is_some_and(|main| auth::is_refused_again(case.model, sa, main));
    let after = match refused_again {
        true => 0,
        false => {
            let copies = copies_of_message_5(case.model, id).into_iter();
            copies
                .filter(|copy| copy.1.since(at.1) >= asked::DOUBLE)
                .count()
        }
    };
    if after > 0 {
        finding.says.add(say!(
            "{to} sent message 5 again {times}, and had no more such answer: who refuses what it has read forgets the \
             IKE SA.",
            to,
            times = child::times(after)
        ));
    }
    let finding = match means {
        Means::Signature => finding,
        _ if after > 0 => finding.or(
            "The pre-shared keys differ: then the responder cannot read message 5, though most refuse each copy of it.",
        ),
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

/// Errors of a refusal in clear that are about what only who can read message 5 knows: an identity, a certificate, or a
/// connection for them (RFC 2408 section 3.14.1).
const READ: [NotifyV1; 7] = [
    NotifyV1::NO_PROPOSAL_CHOSEN,
    NotifyV1::INVALID_ID_INFORMATION,
    NotifyV1::INVALID_CERT_ENCODING,
    NotifyV1::INVALID_CERTIFICATE,
    NotifyV1::CERT_TYPE_UNSUPPORTED,
    NotifyV1::INVALID_CERT_AUTHORITY,
    NotifyV1::CERTIFICATE_UNAVAILABLE,
];

/// IKEv1: whether the responder could not read message 5, so that the two have other keys, and so other pre-shared keys: it
/// refuses each copy. One in clear says by itself that there are no common keys, unless it is about what is read with
/// them. That the initiator sends the message again shows little: many heed no refusal.
pub(in crate::diagnose::rules) fn refusal_is_unread(model: &Model, id: IkeSaId, at: Cite) -> bool {
    let refusal = flight_at(model, id, at);
    if let Some(known) = refusal.and_then(|refusal| told_by_keys(model, id, refusal)) {
        return known;
    }
    if let Some(errors) = refusal.and_then(|refusal| told_in_clear(model, refusal)) {
        return !errors
            .iter()
            .any(|told| READ.contains(&NotifyV1(told.kind)));
    }
    main_mode(model, id).is_some_and(|main| auth::is_refused_again(model, &model.ike_sas[id], main))
}

/// The errors of a refusal in clear.
fn told_in_clear(model: &Model, refusal: &Flight) -> Option<Vec<Told>> {
    let (_, read) = model
        .readable(refusal)
        .filter(|(message, _)| message.plain == Plain::Clear)?;
    Some(negotiation::errors(&read))
}

/// Whether the two sides have other keys, told by which of their messages the given keys open, and by
/// what the refusal reports; `None` if that tells nothing.
pub(super) fn told_by_keys(model: &Model, id: IkeSaId, refusal: &Flight) -> Option<bool> {
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
    main_mode(model, id)?.flights.last()
}

/// The main mode of an IKE SA.
fn main_mode(model: &Model, id: IkeSaId) -> Option<&Exchange> {
    let exchanges = model.ike_sas[id].exchanges.iter();
    let mut exchanges = exchanges.map(|exchange| &model.exchanges[*exchange]);
    exchanges.find(|exchange| exchange.kind == ExchangeType::IDENTITY_PROTECTION)
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
pub(in crate::diagnose::rules) fn keys_prove(model: &Model, id: IkeSaId, at: Cite) -> bool {
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
pub(in crate::diagnose::rules) fn called_malformed(
    model: &Model,
    id: IkeSaId,
    at: Cite,
) -> Option<NotifyV1> {
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
pub(in crate::diagnose::rules) fn refused_message_5(case: &Case<'_>) -> Option<(IkeSaId, Cite)> {
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
pub(in crate::diagnose::rules) fn copies_of_message_5(model: &Model, id: IkeSaId) -> Vec<Cite> {
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
