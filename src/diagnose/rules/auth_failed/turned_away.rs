//! The initiator turns away from a responder that has authenticated itself.

use super::RULE;
use super::means::Means;
use crate::diagnose::facts::{
    Tap, asked, began, child, first, life, offer, proof, refused_child, tap,
};
use crate::diagnose::{Case, Confidence, Finding, Severity};
use crate::model::{
    AuthOutcome, Deleted, ExchangeId, Flight, IkeSaId, InformationalClass, Model, Role, negotiation,
};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp};
use std::cell::LazyCell;
use std::net::IpAddr;

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
pub(super) fn turned_away(case: &Case<'_>) -> Option<Finding> {
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
        let (last, what) = last_proof(case.model, before)?;
        let answer = first(case.model, last)?;
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
        // What the last answer says of EAP a rule of its own tells.
        let by_eap = || proof::refusal(case.model, *id).is_some_and(|refusal| refusal.eap_failed);
        if !informs || served || !stays || by_eap() {
            return None;
        }
        // A child SA that was refused is reason enough to close an IKE SA without any, all the more where the answer
        // holds nothing else: no proof, that is.
        let mut refusals = case.lasting().iter();
        if refused_child::is_refused_in_auth(case, *id)
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
                let finding = finding.or(RESPONDER).or("EAP failed: the user's name or password is wrong.");
                match is_late(case.model, before) {
                    true => finding.or("The authentication server behind the gateway does not answer."),
                    false => finding,
                }
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
    Some(Means::of_responder(case.model, id).advise(case, finding))
}

/// Whether the last of these exchanges was answered so late as a gateway does that waits for another.
fn is_late(model: &Model, exchanges: &[ExchangeId]) -> bool {
    const LATE: Span = Span::from_secs(4);
    let took = exchanges.last().and_then(|last| {
        let last = &model.exchanges[*last];
        let (_, asked) = began(model, last.request()?)?;
        let (_, answered) = began(model, last.response()?)?;
        Some(answered.since(asked))
    });
    took.is_some_and(|took| took >= LATE)
}

/// Whether an informational message may hold an error or a Delete of the IKE SA, and nothing else.
fn is_one_payload(class: Option<InformationalClass>) -> bool {
    matches!(
        class,
        Some(InformationalClass::DeleteIkeSa | InformationalClass::Small)
    )
}

/// Whether the last `IKE_AUTH` response is one of EAP, after which the initiator must go on: none before
/// it was as small as the Success that ends EAP (RFC 7296 section 2.16), and it holds no child SA. If it is
/// as small itself, a Success asks the initiator for its proof, and what it asks for no more is a Failure.
fn is_amid_eap(model: &Model, id: IkeSaId) -> bool {
    let rounds = model.auth_rounds(id);
    let [_, .., _] = rounds.as_slice() else {
        return false;
    };
    let sizes: Option<Vec<_>> = rounds
        .iter()
        .map(|round| model.plaintext_range(id, round.response()?))
        .collect();
    let Some([before @ .., last]) = sizes.as_deref() else {
        return false;
    };
    let succeeded = before.iter().any(|size| *size.start() <= EAP_SUCCESS);
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
