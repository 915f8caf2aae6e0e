//! Attempts at an IKE SA that were answered and never went on, again and again: what should have come
//! next does not reach the tap, or the initiator does not like the answer.

use super::{began, end_of, first, ppk, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule};
use crate::model::{Exchange, IkeSa, IkeSaId, IkeState, Model, Role};
use crate::net::Path;
use crate::registry::ExchangeType;
use crate::units::{Span, Timestamp};

/// So many attempts are no chance: one or two may be of somebody who looks what a gateway says.
pub const MANY: usize = 3;

/// Who gives up an attempt begins the next one neither sooner nor later.
pub const ANEW: (Span, Span) = (Span::from_secs(3), Span::from_secs(180));

/// Attempts that were answered and went no further.
#[derive(Clone, Debug)]
pub struct Abandoned {
    /// The path of the requests.
    pub path: Path,
    /// The first answer.
    pub answer: Cite,
    /// The others, in order.
    pub again: Vec<Cite>,
    /// What was answered.
    pub kind: ExchangeType,
    /// The first of the IKE SAs.
    pub ike_sa: IkeSaId,
    /// Whether the next message goes to port 4500, since a NAT is there (RFC 7296 section 2.23).
    pub floats: bool,
    /// Whether the tap records ESP or port 4500 at all, so that it would have recorded what comes next.
    pub would_see: bool,
    /// Whether the tap stands beside the initiator, which then does not send what comes next.
    pub withheld: bool,
}

/// The attempts of a tunnel that were answered and went no further, if they are many and none came up.
pub fn of(case: &Case<'_>) -> Option<Abandoned> {
    let model = case.model;
    // One attempt is quickly told, and most tunnels have none.
    let mut found: Vec<(&IkeSa, &Exchange, Cite)> = case
        .ike_sas()
        .filter_map(|sa| {
            let (exchange, answer) = half_open(model, sa)?;
            Some((sa, exchange, answer))
        })
        .collect();
    found.sort_by_key(|(.., answer)| answer.1);
    let (sa, exchange, answer) = *found.first()?;
    // That tells why: `auth-failed` does.
    if ppk::is_lacking(model, exchange) {
        return None;
    }
    let path = *sa.paths.first()?;
    found.retain(|(sa, ..)| sa.paths.first().is_some_and(|other| *other == path));
    let mut gaps = found.windows(2).filter_map(|pair| match pair {
        [(.., before), (.., after)] => Some(after.1.since(before.1)),
        _ => None,
    });
    let again = gaps.all(|gap| gap >= ANEW.0 && gap <= ANEW.1);
    if found.len() < MANY || !again || comes_up(case, answer.1) {
        return None;
    }
    let vantage = first(model, exchange.response()?)?.vantage;
    Some(Abandoned {
        path,
        answer,
        ike_sa: exchange.ike_sa,
        again: found.iter().skip(1).map(|(.., answer)| *answer).collect(),
        kind: exchange.kind,
        floats: sa.nat.is_some_and(|nat| nat.is_there()),
        would_see: model.past_port_500.contains(&vantage.input),
        withheld: end_of(case.tunnel, path.from.address)
            .is_some_and(|end| tap::is_beside(case, end)),
    })
}

/// The exchange and the answer of an IKE SA that has nothing but them, and whose request was not sent
/// again afterwards: who does not hear the answer asks again.
pub fn half<'m>(model: &'m Model, sa: &'m IkeSa) -> Option<(&'m Exchange, Cite)> {
    let [only] = sa.exchanges.as_slice() else {
        return None;
    };
    let exchange = &model.exchanges[*only];
    let whole = match exchange.kind {
        ExchangeType::IKE_SA_INIT | ExchangeType::AGGRESSIVE => exchange.flights.len() == 2,
        ExchangeType::IDENTITY_PROTECTION => matches!(exchange.flights.len(), 2 | 4),
        _ => false,
    };
    let [.., asked, answered] = &*exchange.flights else {
        return None;
    };
    let answer = began(model, answered)?;
    let heard = asked
        .again
        .iter()
        .all(|copy| model.messages[*copy].time <= answer.1);
    (whole && heard && answered.by == Role::Responder).then_some((exchange, answer))
}

/// As [`half`], of an IKE SA that is half open.
pub fn half_open<'m>(model: &'m Model, sa: &'m IkeSa) -> Option<(&'m Exchange, Cite)> {
    half(model, sa).filter(|_| sa.state == IkeState::HalfOpen)
}

/// IKEv1: what may be told of message 2 of aggressive mode, after which the initiator does not go on.
pub fn at_message_2(rule: &'static Rule, case: &Case<'_>, answer: Cite) -> Finding {
    Finding::new(
        rule,
        Confidence::Possible,
        case.id,
        answer,
        "message 2 of aggressive mode, which authenticates the responder",
    )
}

/// Whether an IKE SA of the same two works later, or goes on.
pub fn comes_up(case: &Case<'_>, since: Timestamp) -> bool {
    case.ike_sas().any(|sa| {
        let met = !matches!(
            sa.state,
            IkeState::Unanswered | IkeState::Refused | IkeState::HalfOpen
        );
        met && sa.seen.last.1 >= since
    }) || case.flows().any(|flow| flow.seen.last.1 >= since)
}
