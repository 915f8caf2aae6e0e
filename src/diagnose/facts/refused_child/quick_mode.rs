//! Message 1 of quick mode that no message 2 answers.

use super::{AT_ONCE, KnownBy, Refusal, answerer, in_use};
use crate::diagnose::facts::{Asked, Tap, began};
use crate::diagnose::{Case, Cite, Confidence};
use crate::model::{Exchange, IkeSaId, InformationalClass, Model, Role};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Span;

/// Quick mode message 1 is answered by an informational message.
pub(super) fn in_quick_mode<'c>(case: &Case<'_>, id: IkeSaId) -> Vec<Refusal<'c>> {
    let exchanges = &case.model.ike_sas[id].exchanges;
    let informational: Vec<(Role, Cite, bool)> = exchanges
        .iter()
        .map(|exchange| &case.model.exchanges[*exchange])
        .filter(|exchange| exchange.kind == ExchangeType::INFORMATIONAL_V1)
        .filter_map(|exchange| {
            let flight = exchange.flights.first()?;
            // A Delete answers nothing: whoever closes the SA may be asked for one more just then.
            if !case.model.deletes(flight).is_empty() {
                return None;
            }
            // Nor does a liveness check.
            let class = case.model.informational_class(id, flight);
            let check = class == Some(InformationalClass::Dpd);
            Some((exchange.by, began(case.model, flight)?, check))
        })
        .collect();
    let refused: Vec<(Refusal<'_>, bool)> = exchanges
        .iter()
        .map(|exchange| &case.model.exchanges[*exchange])
        .enumerate()
        // Without a phase 1 before it, the one message may be the third: the recording began late.
        .filter(|(index, _)| *index > 0)
        .map(|(_, exchange)| exchange)
        .filter(|exchange| exchange.kind == ExchangeType::QUICK_MODE && exchange.flights.len() == 1)
        .filter(|exchange| !is_read(case.model, exchange))
        .filter_map(|exchange| {
            let (_, asked) = began(case.model, exchange.flights.first()?)?;
            let mut answers = informational.iter().filter(|(by, at, _)| {
                *by != exchange.by && at.1 >= asked && at.1.since(asked) <= AT_ONCE
            });
            let (_, at, check) = answers
                .clone()
                .find(|(.., check)| !check)
                .or_else(|| answers.next())?;
            // Who was asked for a sign of life gives one.
            let mut all = informational.iter();
            let given = all.any(|(by, other, _)| {
                *by == exchange.by && other.1 <= at.1 && at.1.since(other.1) <= AT_ONCE
            });
            if *check && given {
                return None;
            }
            // An answer that the recording missed is followed by traffic.
            let served = case.tunnel.flows.iter().any(|flow| {
                let began = case.model.flows[*flow].seen.first.1;
                began > asked && began.since(asked) <= AT_ONCE
            });
            // Traffic that goes on has a child SA: this was a rekeying.
            let rekeys = in_use(case, at.1);
            let refusal = Refusal {
                v1: true,
                has_room: has_room(case.model, exchange),
                at: *at,
                by: answerer(case.model, exchange),
                note: "quick mode message 1 answered by an informational message".into(),
                confidence: match check {
                    true => Confidence::Possible,
                    false => Confidence::Likely,
                },
                known_by: match check {
                    true => KnownBy::Checks,
                    false => KnownBy::Answer,
                },
                in_auth: false,
                adds: false,
                attempt: None,
            };
            (!served && !rekeys).then_some((refusal, *check))
        })
        .collect();
    // A notification with the cookies as its SPI is as long as a liveness check: that one comes just then
    // once, and not each time.
    let each_time = refused.len() >= 2;
    let kept = refused.into_iter().filter(|(_, check)| !check || each_time);
    kept.map(|(refusal, _)| refusal).collect()
}

/// Whether the answer was opened and reports an error: then the reason is known.
fn is_read(model: &Model, exchange: &Exchange) -> bool {
    let answer = exchange.response().or_else(|| {
        let refusal = model.quick_refusal(exchange)?;
        refusal.flights.first()
    });
    answer.is_some_and(|flight| model.opened(flight).is_some())
}

/// Message 1 of the first quick mode is sent again and again, and nobody answers it: some responders
/// say nothing of an offer or of selectors that they do not want.
pub(super) fn in_silence<'c>(case: &Case<'_>, id: IkeSaId) -> Option<Refusal<'c>> {
    /// So many copies are lost by no chance.
    const INSISTENT: usize = 3;
    /// Whoever answered phase 1 and falls silent for so long does so for a reason.
    const LASTING: Span = Span::from_secs(10);
    let exchanges = || {
        let ids = case.model.ike_sas[id].exchanges.iter();
        ids.map(|id| &case.model.exchanges[*id])
    };
    // Without a phase 1 before it, the one message may be the third: the recording began late.
    let asked = exchanges()
        .skip(1)
        .find(|exchange| exchange.kind == ExchangeType::QUICK_MODE)
        .filter(|exchange| exchange.flights.len() == 1)
        .and_then(|exchange| Asked::of(case.model, exchange))?;
    let lasts = asked.last.1.since(asked.first.1) >= LASTING;
    if !asked.is_silent() || asked.attempts() < INSISTENT || !lasts {
        return None;
    }
    let flows = case.tunnel.flows.iter();
    let used = flows
        .map(|flow| case.model.flows[*flow].seen.last.1)
        .any(|last| last > asked.first.1);
    // Other rules tell of a refusal, and of a peer that is gone.
    let speaks = exchanges()
        .flat_map(|exchange| &exchange.flights)
        .filter(|flight| flight.by != asked.exchange.by)
        .filter_map(|flight| began(case.model, flight))
        .any(|(_, time)| time > asked.first.1);
    // Nor does a path die just when phase 1 has ended; but who says message 2 again has not ended it.
    let at_once = exchanges()
        .next()
        .filter(|phase_1| !case.model.misses_message_3(phase_1))
        .and_then(|phase_1| began(case.model, phase_1.flights.last()?))
        .is_some_and(|(_, time)| asked.first.1.since(time) <= Tap::PATIENCE);
    ((speaks || at_once) && !used).then(|| Refusal {
        v1: true,
        has_room: has_room(case.model, asked.exchange),
        at: asked.first,
        by: asked.to().address.into(),
        note: say!(
            "quick mode message 1, {schedule}",
            schedule = asked.schedule()
        ),
        confidence: Confidence::Possible,
        known_by: match speaks {
            true => KnownBy::Silence,
            false => KnownBy::SilenceAtOnce,
        },
        in_auth: false,
        adds: false,
        attempt: None,
    })
}

/// Whether message 1 of quick mode may carry a public value (RFC 2409 section 5.5), or was not seen whole.
fn has_room(model: &Model, quick: &Exchange) -> bool {
    /// A hash (20), an SA of one proposal (48), a nonce (20), and two IPv4 networks (32), with the smallest
    /// public value in use, on the curve of 256 bits (68).
    const ROOM: usize = 20 + 48 + 20 + 32 + 68;
    let request = quick.flights.first();
    let size = request.and_then(|flight| model.plaintext_range(quick.ike_sa, flight));
    size.is_none_or(|size| *size.end() >= ROOM)
}

/// Whether a quick mode that nobody answers tells of a refusal, and not of a peer that is gone.
pub fn is_refused_in_silence(case: &Case<'_>, id: IkeSaId) -> bool {
    in_silence(case, id).is_some()
}
