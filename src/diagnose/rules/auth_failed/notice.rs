//! AUTHENTICATION_FAILED in clear, and whether it is to be believed.

use super::RULE;
use super::means::Means;
use crate::diagnose::facts::{asked, clear};
use crate::diagnose::{Case, Confidence, Finding, Severity};
use crate::language::Text;
use crate::model::{IkeSaId, Model, Notice};
use crate::registry::NotifyType;
use crate::say;

/// The notification came in clear.
pub(super) fn in_clear(case: &Case<'_>) -> Option<Finding> {
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
pub(super) fn ignored(case: &Case<'_>) -> Option<Finding> {
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
