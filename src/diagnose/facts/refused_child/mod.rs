//! Child SAs that are refused while the IKE SA lives: what was read of it, and what sizes, order and silence tell.

mod auth;
mod quick_mode;

pub use auth::is_refused_in_auth;
pub use quick_mode::is_refused_in_silence;

use super::child::Attempt;
use super::{first, life, proof};
use crate::diagnose::{Case, Cite, Confidence};
use crate::language::Text;
use crate::model::{Exchange, Model};
use crate::registry::{ExchangeType, NotifyType, NotifyV1};
use crate::say;
use crate::units::{Span, Timestamp};

/// A responder answers quick mode at once; this is generous.
pub const AT_ONCE: Span = Span::from_secs(5);

/// One refusal of a child SA.
pub struct Refusal<'c> {
    /// What shows it: the answer, or the request that has none.
    pub at: Cite,
    /// Who refuses.
    pub by: Text,
    /// What is seen there.
    pub note: Text,
    /// How sure that is.
    pub confidence: Confidence,
    /// How it is known.
    pub known_by: KnownBy,
    /// Whether it is of the child SA that `IKE_AUTH` asks for.
    pub in_auth: bool,
    /// Whether it is of IKEv1.
    pub v1: bool,
    /// IKEv1: whether the request may carry a public value.
    pub has_room: bool,
    /// Whether it is of one more child SA beside those that live.
    pub adds: bool,
    /// What was asked for, if that was read.
    pub attempt: Option<&'c Attempt>,
}

/// What shows a refusal.
#[derive(Clone, Copy, PartialEq)]
pub enum KnownBy {
    /// An error that was read.
    Reason,
    /// An answer that refuses.
    Answer,
    /// What may be a liveness check by its size, each time.
    Checks,
    /// No answer, though the peer speaks.
    Silence,
    /// No answer, and nothing else after phase 1.
    SilenceAtOnce,
}

/// All refusals that no other rule tells of, in order.
pub fn refusals<'c>(case: &'c Case<'_>) -> Vec<Refusal<'c>> {
    let mut all: Vec<Refusal<'c>> = read(case);
    for id in &case.tunnel.ike_sas {
        match case.model.ike_sas[*id].version.major() {
            1 => {
                all.extend(quick_mode::in_quick_mode(case, *id));
                all.extend(quick_mode::in_silence(case, *id));
            }
            _ => all.extend(auth::in_auth(case, *id)),
        }
    }
    // Of IKE SAs that were up before the recording began.
    let mut lone = 0;
    for refused in case.refused(false) {
        let born = life::birth(case.model, refused.ike_sa).is_some();
        // Traffic that goes on has a child SA, made before the recording: this was a rekeying.
        if !refused.adds && !born && in_use(case, refused.response.1) {
            continue;
        }
        let exchange = &case.model.exchanges[refused.exchange];
        // Quick mode is told above, whether traffic flowed before or not.
        if exchange.kind == ExchangeType::QUICK_MODE {
            continue;
        }
        lone += usize::from(!born);
        all.push(Refusal {
            v1: false,
            has_room: true,
            at: refused.response,
            by: answerer(case.model, exchange),
            note: match refused.adds {
                true => "CREATE_CHILD_SA for one more child SA answered by one notification, while others live"
                    .into(),
                false => "CREATE_CHILD_SA answered by one notification".into(),
            },
            confidence: Confidence::Likely,
            known_by: KnownBy::Answer,
            in_auth: false,
            adds: refused.adds,
            attempt: None,
        });
    }
    // One may have been a rekeying that crossed another, of a child SA that is idle.
    if lone == 1 && all.len() == 1 {
        return Vec::new();
    }
    all.sort_by_key(|refusal| refusal.at.1);
    all
}

/// Whether ESP flowed about this time, and went on.
fn in_use(case: &Case<'_>, time: Timestamp) -> bool {
    let flows = case.tunnel.flows.iter();
    flows
        .map(|id| case.model.flows[*id].seen)
        .any(|seen| seen.first.1.since(time) <= AT_ONCE && seen.last.1 > time)
}

/// Refusals that were read, for reasons that no other rule is about.
fn read<'c>(case: &'c Case<'_>) -> Vec<Refusal<'c>> {
    case.lasting()
        .iter()
        .filter(|refusal| !refusal.is_rekeying() && !elsewhere(refusal.reason, refusal.v1))
        // Who does not prove itself grants no IKE SA either (RFC 7296 section 2.21.2).
        .filter(|refusal| {
            let of_auth = refusal.attempt.kind == ExchangeType::IKE_AUTH;
            let unproven = || proof::refusal(case.model, refusal.attempt.ike_sa);
            !of_auth || unproven().is_none_or(|other| other.at != refusal.at())
        })
        .map(|refusal| Refusal {
            v1: refusal.v1,
            has_room: true,
            at: refusal.at(),
            by: refusal.answer.from.into(),
            note: say!(
                "{what} refused by {name}",
                what = refusal.what(),
                name = refusal.name()
            ),
            confidence: Confidence::Certain,
            known_by: KnownBy::Reason,
            in_auth: refusal.attempt.kind == ExchangeType::IKE_AUTH,
            adds: false,
            attempt: Some(&refusal.attempt),
        })
        .collect()
}

/// Whether another rule tells of refusals for this reason.
fn elsewhere(reason: u16, v1: bool) -> bool {
    if v1 {
        return [
            NotifyV1::NO_PROPOSAL_CHOSEN,
            NotifyV1::INVALID_ID_INFORMATION,
        ]
        .contains(&NotifyV1(reason));
    }
    [
        NotifyType::NO_PROPOSAL_CHOSEN,
        NotifyType::INVALID_KE_PAYLOAD,
        NotifyType::TS_UNACCEPTABLE,
        NotifyType::SINGLE_PAIR_REQUIRED,
        NotifyType::TEMPORARY_FAILURE,
        // It answers a rekeying, as TEMPORARY_FAILURE does (RFC 7296 section 2.25).
        NotifyType::CHILD_SA_NOT_FOUND,
        NotifyType::NO_ADDITIONAL_SAS,
        NotifyType::INTERNAL_ADDRESS_FAILURE,
        NotifyType::FAILED_CP_REQUIRED,
        NotifyType::AUTHENTICATION_FAILED,
    ]
    .contains(&NotifyType(reason))
}

/// The address that the exchange was asked of.
fn answerer(model: &Model, exchange: &Exchange) -> Text {
    let flight = exchange.flights.first();
    let message = flight.and_then(|flight| Some((flight, first(model, flight)?)));
    match message {
        Some((flight, message)) if flight.by == exchange.by => message.path.to().address.into(),
        Some((_, message)) => message.path.from().address.into(),
        None => "the peer".into(),
    }
}
