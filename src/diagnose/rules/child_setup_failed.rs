//! The IKE SA is up, the child SA is refused; the reason is sealed.

use crate::diagnose::facts::child::Attempt;
use crate::diagnose::facts::{Asked, Tap, began, child, child_made, first, life, proof, rekey};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{
    AuthOutcome, ChildOutcome, Exchange, ExchangeId, Flight, IkeSaId, InformationalClass, Model,
    Role,
};
use crate::registry::{ExchangeType, NotifyType, NotifyV1};
use crate::say;
use crate::units::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "child-setup-failed",
    code: "IKE208",
    severity: Severity::Error,
    summary: "The IKE SA is up, but the child SA is refused",
    document: DOCUMENT,
    explains: &["clear-text-leak", "tunnel-flapping", "tunnel-deleted"],
    needs: Signs::NONE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The gateways believe each other, but do not agree on the SA that carries traffic: its algorithms, its group, or which addresses it is for. The IKE SA may stay up without any use.

## How it is seen
IKEv2: the IKE_AUTH response, after EAP the last one, has room for an identity and a proof, but not for an SA and traffic selectors; or CREATE_CHILD_SA is answered by a single notification although no child SA exists, or to a request that by its size asks for one more. IKEv1: quick mode message 1 is answered by an informational message instead of message 2, again and again if that may be a liveness check by its size; or never, though it is sent again and again, while the peer goes on to speak on this IKE SA, or fell silent as soon as phase 1 had ended. No ESP follows. Or whoever asked for child SAs deletes each of them as soon as it is granted, and no ESP passes. With keys every refusal is read whose reason no other rule is about.

## What else looks like it
The reason is encrypted. NO_PROPOSAL_CHOSEN (algorithms, PFS group) and TS_UNACCEPTABLE (addresses) have the same size, and so have a lack of inner addresses, a failure inside (TEMPORARY_FAILURE) and a limit of child SAs. With the keys of the IKE SA it can be told which. A refused rekeying whose proposal is shorter looks like one more child SA. What is deleted as soon as it is granted may be closed by a program or an administrator.

## What to do
1. Compare the ESP proposals of both sides: encryption, integrity, PFS group.
2. Compare the traffic selectors (local and remote networks): they must mirror each other.
3. Read the log of the side that refuses, or give the keys of the IKE SA to this tool.
";

/// A responder answers quick mode at once; this is generous.
const AT_ONCE: Span = Span::from_secs(5);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let refusals = refusals(case);
    let Some(first) = refusals.first() else {
        return taken_back(case).into_iter().collect();
    };
    let recovered = refusals.last().and_then(|last| recovered(case, last));
    let mut says = match first.known_by {
        KnownBy::Reason | KnownBy::Answer => say!(
            "{by} refused the child SA {times}: {how}.",
            by = &first.by,
            times = child::times(refusals.len()),
            how = &first.note
        ),
        KnownBy::Checks => say!(
            "Each time ({times}) {by} answered message 1 of quick mode by an informational message of the size of a \
             liveness check: a notification that names the IKE SA is as long.",
            by = &first.by,
            times = child::times(refusals.len())
        ),
        KnownBy::Silence => say!(
            "{by} goes on to speak on this IKE SA, and never answered what was asked of it for a child SA.",
            by = &first.by
        ),
        KnownBy::SilenceAtOnce => say!(
            "{by} ended phase 1, was asked for a child SA at once, and was not heard again on this IKE SA.",
            by = &first.by
        ),
    };
    match first.confidence {
        Confidence::Likely => says.add("The reason is encrypted."),
        Confidence::Certain if first.known_by == KnownBy::Answer => {
            says.add("The answer was read, and names no reason.");
        }
        _ => {}
    }
    match recovered {
        Some(after) if after <= AT_ONCE => says.add("Soon afterwards a child SA was made."),
        Some(after) => says.add(say!(
            "A child SA was made {span} after the last refusal.",
            span = after
        )),
        None => {}
    }
    let mut finding = Finding::new(
        &RULE,
        first.confidence,
        case.id,
        first.at,
        first.note.clone(),
    )
    .severity(match recovered {
        Some(_) => Severity::Warning,
        None => RULE.severity,
    })
    .title(match first.known_by {
        KnownBy::Reason | KnownBy::Answer => say!("{by} refuses the child SA", by = &first.by),
        _ => say!("{by} seems to refuse the child SA", by = &first.by),
    })
    .says(says);
    for refusal in refusals.iter().skip(1) {
        finding = finding.also(refusal.at, refusal.note.clone());
    }
    if first.known_by == KnownBy::Reason {
        return vec![finding.advise("Read the log of the side that refuses.")];
    }
    if first.known_by == KnownBy::SilenceAtOnce {
        finding = finding.or("The peer, or the path, fell silent just then.");
    }
    finding = finding.or(match first.v1 {
        true => "The ESP proposals differ (NO-PROPOSAL-CHOSEN).",
        false => "The ESP proposals differ (NO_PROPOSAL_CHOSEN).",
    });
    // IKE_AUTH has no key exchange for the child SA (RFC 7296 section 1.2), and configures clients.
    let in_auth = refusals.iter().all(|refusal| refusal.in_auth);
    finding = match in_auth {
        true => finding
            .or("The traffic selectors do not fit (TS_UNACCEPTABLE).")
            .or("There is no inner address for a client that asks for one (INTERNAL_ADDRESS_FAILURE).")
            .or("The side that refuses agrees and cannot install it (TEMPORARY_FAILURE), or holds no more (NO_ADDITIONAL_SAS).")
            .advise("Compare ESP encryption and integrity of both sides."),
        false => finding
            .or(match (first.v1, first.has_room) {
                (true, false) => {
                    "The side that refuses wants a key exchange of its own (PFS), and the other asks for none \
                     (NO-PROPOSAL-CHOSEN)."
                }
                (true, true) => "The PFS groups differ, or only one side has PFS (NO-PROPOSAL-CHOSEN).",
                (false, _) => "The PFS groups differ (NO_PROPOSAL_CHOSEN or INVALID_KE_PAYLOAD).",
            })
            .or(match first.v1 {
                true => "The identities of quick mode, which name the networks, do not fit (INVALID-ID-INFORMATION).",
                false => "The traffic selectors do not fit (TS_UNACCEPTABLE).",
            })
            .advise("Compare ESP encryption, integrity and PFS group of both sides."),
    };
    finding = finding
        .advise("Compare local and remote networks: each side's must mirror the other's.")
        .advise(match first.confidence {
            Confidence::Certain => "Read the log of the side that refuses.",
            _ => "Read the log of the side that refuses, or give the keys of the IKE SA.",
        });
    if case.refused(false).iter().any(|refused| refused.adds) {
        finding = finding.or("A rekeying is refused, whose proposal is shorter: a key length takes as much room as the name of an SA.");
    }
    vec![finding]
}

/// A side asks for a child SA, is granted it, and deletes it at once: it cannot install it, or does not want
/// what was granted.
fn taken_back(case: &Case<'_>) -> Option<Finding> {
    let mut all: Vec<TakenBack> = Vec::new();
    for id in &case.tunnel.ike_sas {
        let exchanges = &case.model.ike_sas[*id].exchanges;
        let pairs = exchanges.iter().zip(exchanges.iter().skip(1)).enumerate();
        let taken: Vec<TakenBack> = pairs
            .filter(|(place, (made, _))| {
                let before = exchanges.get(..*place).unwrap_or_default();
                !is_redundant(case, before, &case.model.exchanges[**made])
            })
            .filter_map(|(_, (made, next))| TakenBack::of(case, *id, *made, *next))
            .collect();
        // A renewal deletes what it replaces: only the first child SA has none before it.
        let first = taken.first().is_some_and(|first| first.in_auth);
        let read = taken.iter().filter(|one| one.read).count();
        if read > 0 || first && taken.len() > 1 {
            all.extend(taken.into_iter().filter(|one| one.read || first));
        }
    }
    let (first, last) = (all.first()?, all.last()?);
    // A child SA that serves is not taken back.
    if case.flows().any(|flow| flow.seen.last.1 > first.granted.1) {
        return None;
    }
    let (by, of) = (first.by, first.of);
    let read = all.iter().any(|one| one.read);
    let mut finding = Finding::new(
        &RULE,
        match read {
            true => Confidence::Likely,
            false => Confidence::Possible,
        },
        case.id,
        first.deleted,
        say!("{by} deletes the child SA", by),
    )
    .also(first.granted, say!("{of} grants the child SA", of))
    .during(first.deleted.1, last.deleted.1)
    .title(say!("{by} takes back each child SA that it was granted", by))
    .says(say!(
        "{by} asked {of} for a child SA {times}, was granted it, and deleted it at once (after {span}); no ESP \
         passed.",
        by,
        of,
        times = child::times(all.len()),
        span = first.deleted.1.since(first.granted.1)
    ))
    .or(say!(
        "{by} cannot install it: its kernel or hardware lacks an algorithm, or refuses the policies.",
        by
    ))
    .or("What was granted is not what was asked for: narrower selectors, or another mode.")
    .or("A program or an administrator closes it.")
    .advise(say!("Read the log of {by}: it alone knows the reason.", by));
    for again in all.iter().skip(1) {
        finding = finding.also(again.deleted, "and again");
    }
    Some(finding)
}

/// Whether the other side asked for new keys at the same time: of the two child SAs that come of it whoever asked
/// with the lowest nonce deletes its own (RFC 7296 section 2.8.1), and nothing has failed.
fn is_redundant(case: &Case<'_>, before: &[ExchangeId], made: &Exchange) -> bool {
    /// Two cross, and each may be sent in parts or be followed by another.
    const NEAR: usize = 4;
    let near = before.iter().rev().take(NEAR);
    let mut others = near.map(|id| &case.model.exchanges[*id]);
    others.any(|other| {
        other.kind == ExchangeType::CREATE_CHILD_SA && rekey::cross(case.model, other, made)
    })
}

/// A child SA that whoever asked for it deleted at once.
struct TakenBack {
    /// Who asked, and deletes.
    by: IpAddr,
    /// Who granted it.
    of: IpAddr,
    granted: Cite,
    deleted: Cite,
    /// Whether `IKE_AUTH` made it.
    in_auth: bool,
    /// Whether the Delete was read, and names it.
    read: bool,
}

impl TakenBack {
    fn of(case: &Case<'_>, id: IkeSaId, by: ExchangeId, next: ExchangeId) -> Option<Self> {
        /// What was granted is installed, or not, within so long; nobody closes it by hand so soon.
        const AT_ONCE: Span = Span::from_secs(1);
        let (made, next) = (&case.model.exchanges[by], &case.model.exchanges[next]);
        let in_auth = made.kind == ExchangeType::IKE_AUTH;
        let grants = match made.kind {
            ExchangeType::IKE_AUTH => case.model.ike_sas[id].auth == AuthOutcome::Full,
            ExchangeType::CREATE_CHILD_SA => case.model.child_outcome(made) == ChildOutcome::Made,
            _ => false,
        };
        let (answer, delete) = (made.response()?, next.request()?);
        let (granted, deleted) = (began(case.model, answer)?, began(case.model, delete)?);
        let soon = deleted.1 >= granted.1 && deleted.1.since(granted.1) <= AT_ONCE;
        if !grants || !soon || next.by != made.by || next.kind != ExchangeType::INFORMATIONAL {
            return None;
        }
        let read = match case.model.opened(delete) {
            None if life::may_delete(case.model, id, next).is_some() => false,
            None => return None,
            Some(_) => {
                let children = case.model.ike_sas[id].child_sas.iter();
                let mut own = children
                    .map(|child| &case.model.child_sas[*child])
                    .filter(|child| child.made_by == Some(by));
                if !own.any(|child| life::names(case.model, delete, child)) {
                    return None;
                }
                true
            }
        };
        let path = &first(case.model, answer)?.path;
        Some(Self {
            by: path.to().address,
            of: path.from().address,
            granted,
            deleted,
            in_auth,
            read,
        })
    }
}

/// One refusal of a child SA.
struct Refusal<'c> {
    at: Cite,
    by: Text,
    note: Text,
    confidence: Confidence,
    known_by: KnownBy,
    /// Whether it is of the child SA that `IKE_AUTH` asks for.
    in_auth: bool,
    /// Whether it is of IKEv1.
    v1: bool,
    /// IKEv1: whether the request may carry a public value.
    has_room: bool,
    /// Whether it is of one more child SA beside those that live.
    adds: bool,
    /// What was asked for, if that was read.
    attempt: Option<&'c Attempt>,
}

/// What shows a refusal.
#[derive(Clone, Copy, PartialEq)]
enum KnownBy {
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

fn refusals<'c>(case: &'c Case<'_>) -> Vec<Refusal<'c>> {
    let mut all: Vec<Refusal<'c>> = read(case);
    for id in &case.tunnel.ike_sas {
        match case.model.ike_sas[*id].version.major() {
            1 => {
                all.extend(in_quick_mode(case, *id));
                all.extend(in_silence(case, *id));
            }
            _ => all.extend(in_auth(case, *id)),
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

/// Whether the answer was opened and reports an error: then the reason is known.
fn is_read(model: &Model, exchange: &Exchange) -> bool {
    let answer = exchange.response().or_else(|| {
        let refusal = model.quick_refusal(exchange)?;
        refusal.flights.first()
    });
    answer.is_some_and(|flight| model.opened(flight).is_some())
}

/// How long after the last refusal a child SA was made, in whatever exchange. One that is known to be for other
/// traffic is another; and where others live beside the one that was refused, they are renewed sooner or later.
fn recovered(case: &Case<'_>, last: &Refusal<'_>) -> Option<Span> {
    let refused = last.at.1;
    let attempts = case.attempts().iter();
    let others: BTreeSet<ExchangeId> = last.attempt.map_or_else(BTreeSet::new, |attempt| {
        let others = attempts.filter(|other| !other.is_like(attempt));
        others.map(|other| other.exchange).collect()
    });
    let exchanges = case.tunnel.ike_sas.iter().flat_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let exchanges = sa.exchanges.iter().filter(|id| !others.contains(id));
        exchanges
            .map(|exchange| &case.model.exchanges[*exchange])
            .filter(|exchange| match exchange.kind {
                ExchangeType::IKE_AUTH => sa.auth == AuthOutcome::Full,
                _ => rekey::ended(case.model, exchange, ChildOutcome::Made),
            })
            .filter_map(|exchange| Some(began(case.model, exchange.response()?)?.1))
    });
    // Traffic of a child SA that was made before shows no other one.
    let flows = case.flows().filter_map(|flow| {
        let child = flow.child_sa.child_sa();
        let made_by = child.and_then(|child| case.model.child_sas[child].made_by);
        let made = child_made(case.model, flow);
        let begun = flow.seen.first.1;
        let soon = begun.since(refused) <= AT_ONCE;
        let new = made.map_or(soon, |(_, time)| time > refused);
        (new && made_by.is_none_or(|id| !others.contains(&id))).then_some(begun)
    });
    let after = exchanges.chain(flows).filter(|time| *time > refused);
    let after = after.min()?.since(refused);
    (!last.adds || after <= AT_ONCE).then_some(after)
}

/// Whether the `IKE_AUTH` response of an IKE SA refuses the child SA, as far as its size tells.
pub(super) fn is_refused_in_auth(case: &Case<'_>, id: IkeSaId) -> bool {
    in_auth(case, id).is_some()
}

/// The `IKE_AUTH` response holds a proof and no more.
fn in_auth<'c>(case: &Case<'_>, id: IkeSaId) -> Option<Refusal<'c>> {
    let sa = &case.model.ike_sas[id];
    if sa.auth == AuthOutcome::Full {
        return None;
    }
    let exchange = sa
        .exchanges
        .iter()
        .map(|exchange| &case.model.exchanges[*exchange])
        .rfind(|exchange| exchange.kind == ExchangeType::IKE_AUTH)?;
    let response = exchange.response()?;
    // In a round of EAP a response is as small; a first round has a request, and no other before it.
    let rounds = sa
        .exchanges
        .iter()
        .filter(|id| case.model.exchanges[**id].kind == ExchangeType::IKE_AUTH)
        .count();
    let opened = case.model.opened(response);
    // An error in it is read by its own rule.
    let told = opened
        .as_ref()
        .is_some_and(|(_, read)| read.notifies().any(|notify| notify.kind.0 < 16384));
    let confidence = match opened {
        Some(_) => Confidence::Certain,
        None => Confidence::Likely,
    };
    let is_last = match rounds {
        1 => sa.auth == AuthOutcome::AuthOnly,
        _ => refused_after_eap(case.model, id),
    };
    if told || !is_last {
        return None;
    }
    let at = began(case.model, response)?;
    if rounds > 1 {
        // The first request asked for the child SA.
        let first = case.model.auth_rounds(id).first()?.request()?;
        let childless = case.model.is_childless(id, first);
        let used = case.tunnel.flows.iter().any(|flow| {
            let flow = &case.model.flows[*flow];
            flow.seen.last.1 >= at.1
        });
        let mended = rekey::mended(case.model, sa, at.1);
        return (!childless && !used && !mended).then(|| Refusal {
            v1: false,
            has_room: false,
            at,
            by: answerer(case.model, exchange),
            note: "the last IKE_AUTH response, after EAP, has no room for a child SA".into(),
            confidence,
            known_by: KnownBy::Answer,
            in_auth: true,
            adds: false,
            attempt: None,
        });
    }
    let request = exchange.request()?;
    // A request without room for an SA and selectors asks for no child (RFC 6023); nor does one that
    // is hardly larger than the response, which holds the same but for them.
    let size = |flight| case.model.plaintext_range(id, flight);
    let room = match (size(request), size(response)) {
        (Some(request), Some(response)) => request.end().saturating_sub(*response.start()),
        _ => {
            let length = |flight| length(case.model, flight);
            length(request).saturating_sub(length(response)) + PADDING
        }
    };
    let childless = case.model.is_childless(id, request) || room < SELECTORS;
    let served = case.is_served(at.1, at.1);
    let mended = rekey::mended(case.model, sa, at.1);
    (!childless && !served && !mended).then(|| Refusal {
        v1: false,
        has_room: false,
        at,
        by: answerer(case.model, exchange),
        note: match confidence {
            Confidence::Certain => "IKE_AUTH response with a proof and without a child SA".into(),
            _ => "IKE_AUTH response with room for a proof but not for a child SA".into(),
        },
        confidence,
        known_by: KnownBy::Answer,
        in_auth: true,
        adds: false,
        attempt: None,
    })
}

/// Whether `IKE_AUTH` ended after EAP with a proof and without a child SA: the response before the last is
/// as small as EAP Success, and the last request and the last response have room for AUTH, and the
/// latter has none for SA and Traffic Selectors beside it (RFC 7296 section 2.16).
fn refused_after_eap(model: &Model, id: IkeSaId) -> bool {
    /// EAP Success, and a notification beside it at most; AUTH; an SA and Traffic Selectors.
    const SUCCESS: std::ops::RangeInclusive<usize> = 8..=15;
    const CHILD: usize = 84;
    let rounds = model.auth_rounds(id);
    let [_, .., before, last] = rounds.as_slice() else {
        return false;
    };
    let size = |flight: Option<&Flight>| model.plaintext_range(id, flight?);
    let auth = model.auth_payload_smallest(id);
    let (Some(success), Some(request), Some(response)) = (
        size(before.response()),
        size(last.request()),
        size(last.response()),
    ) else {
        return false;
    };
    SUCCESS.contains(success.end())
        && *request.end() >= auth
        && *response.end() >= auth
        && *response.end() < auth + CHILD
}

/// Octets of all parts of a message: the suite adds the same to requests and responses.
fn length(model: &Model, flight: &Flight) -> usize {
    flight
        .parts
        .iter()
        .map(|id| model.messages[*id].header.length as usize)
        .sum()
}

/// Octets that padding to a block may add, where the suite is not known.
const PADDING: usize = 15;

/// An SA with two selectors, less a notification or two that a refusal holds instead.
const SELECTORS: usize = 84 - 12;

/// Quick mode message 1 is answered by an informational message.
fn in_quick_mode<'c>(case: &Case<'_>, id: IkeSaId) -> Vec<Refusal<'c>> {
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

/// Message 1 of the first quick mode is sent again and again, and nobody answers it: some responders
/// say nothing of an offer or of selectors that they do not want.
fn in_silence<'c>(case: &Case<'_>, id: IkeSaId) -> Option<Refusal<'c>> {
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
pub(super) fn is_refused_in_silence(case: &Case<'_>, id: IkeSaId) -> bool {
    in_silence(case, id).is_some()
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

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};

    const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256";

    #[test]
    fn who_asks_for_no_child_is_not_refused_one() {
        let exchange = |request: u32| {
            format!(
                "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed {request}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 144
                 9.0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 9.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
            )
        };
        silent(&exchange(192), "child-setup-failed");
        fires(&exchange(272), "child-setup-failed");
    }

    #[test]
    fn a_proof_without_a_child() {
        verdict(
            &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128"),
            "child-setup-failed",
        );
    }

    #[test]
    fn quick_mode_in_vain_beside_liveness_checks_that_are_answered() {
        let phase1 = "
            0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=2 auth=1 group=14)
            0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=2 auth=1 group=14)
            0.2 A:500 > B:500 MAIN i=1 r=2 KE(14) Nonce
            0.3 B:500 > A:500 MAIN i=1 r=2 KE(14) Nonce
            0.4 A:500 > B:500 MAIN i=1 r=2 sealed 76
            0.5 B:500 > A:500 MAIN i=1 r=2 sealed 76
            0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188 again=4,11,24
            40 C > B ESP 0xc1";
        let alive = "
            5 A:500 > B:500 INFO_V1 i=1 r=2 id=0x90 sealed 92
            5.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x91 sealed 92
            15 A:500 > B:500 INFO_V1 i=1 r=2 id=0x92 sealed 92
            15.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x93 sealed 92";
        verdict(&format!("{phase1}{alive}"), "child-setup-failed");
        let says = fires(&format!("{phase1}{alive}"), "child-setup-failed").says;
        assert!(says.to_string().contains("goes on to speak"), "{says}");
        // The peer is gone, or a second copy was answered.
        let later = phase1.replace("0.6 A:500", "9.6 A:500");
        silent(&later, "child-setup-failed");
        silent(
            &format!("{phase1}{alive}\n4.7 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1"),
            "child-setup-failed",
        );
    }

    #[test]
    fn one_refusal_under_an_ike_sa_of_before_the_recording_may_be_of_a_rekeying() {
        let refused = |id: u32| {
            format!(
                "{id} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 224 seed={id}
                 {id}.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 80 seed={id}\n"
            )
        };
        silent(&refused(5), "child-setup-failed");
        fires(&(refused(5) + &refused(30)), "child-setup-failed");
    }

    #[test]
    fn one_more_child_that_is_refused_before_there_is_traffic() {
        let text = |from: usize| {
            let lines = [
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce",
                "0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce",
                "0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256",
                "0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240",
                "1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208",
                "1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80",
                "2 A > B ESP 0xb1 seq 1..60 every 0.5 size 136",
                "2.1 B > A ESP 0xa1 seq 1..60 every 0.5 size 136",
            ];
            lines[from..].join("\n")
        };
        let finding = fires(&text(0), "child-setup-failed");
        assert_eq!(finding.severity, Severity::Error);
        // That another was granted a moment before mends nothing.
        let another = "0.5 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 seed=9
            0.6 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208";
        let second = text(0).replace("id=2", "id=3");
        fires(&format!("{second}\n{another}"), "child-setup-failed");
        // Of an IKE SA that was there before the recording it may have been a rekeying.
        silent(&text(4), "child-setup-failed");
    }

    #[test]
    fn one_more_child_is_told_from_a_rekeying_by_its_size() {
        // N(REKEY_SA) takes 12 octets, and AES-GCM does not pad.
        let text = |length: u32| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH19) KE(19) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH19) KE(19) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 260
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 230
                 1 A > B ESP 0xb1 seq 1..60 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..60 every 0.5 size 136
                 3 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 177
                 3.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 177
                 3.2 A > B ESP 0xb2 seq 1..60 every 0.5 size 136
                 3.3 B > A ESP 0xa2 seq 1..60 every 0.5 size 136
                 15 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed {length} seed=1
                 15.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 65
                 18 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=4 request sealed {length} seed=2
                 18.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=4 response sealed 65"
            )
        };
        verdict(&text(177), "child-setup-failed");
        verdict(&text(189), "rekey-failed");
    }

    #[test]
    fn a_child_refused_later_while_there_is_none() {
        verdict(
            &format!(
                "{AGREED}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128
                 2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 224
                 2.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80"
            ),
            "child-setup-failed",
        );
    }

    /// Another IKE SA between the same ends, so many seconds later.
    fn served(at: u32) -> String {
        format!(
            "{at}.0 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 A:500 > B:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.2 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
             {at}.3 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 response sealed 240"
        )
    }

    #[test]
    fn a_child_made_afterwards_recovers_it() {
        for (at, told) in [
            (2, "Soon afterwards a child SA was made."),
            (40, "A child SA was made 40.0 s after the last refusal."),
        ] {
            let finding = fires(
                &format!(
                    "{AGREED}
                     0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128
                     {}",
                    served(at)
                ),
                "child-setup-failed",
            );
            assert_eq!(finding.severity, Severity::Warning, "after {at} s");
            assert!(finding.says.to_string().ends_with(told), "{}", finding.says);
        }
    }

    #[test]
    fn a_child_refused_after_eap() {
        let text = |success: u32, last: u32, more: &str| {
            format!(
                "{AGREED}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1136
                 0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 80
                 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed {success}
                 0.6 A:500 > B:500 IKE_AUTH i=1 r=2 id=3 request sealed 112
                 0.7 B:500 > A:500 IKE_AUTH i=1 r=2 id=3 response sealed {last}{more}"
            )
        };
        verdict(&text(80, 144, ""), "child-setup-failed");
        // It may be made; EAP goes on; traffic follows.
        silent(&text(80, 240, ""), "child-setup-failed");
        silent(&text(112, 144, ""), "child-setup-failed");
        let traffic = "\n1 A > B ESP 0xb1 seq 1..9\n1 B > A ESP 0xa1 seq 1..9";
        silent(&text(80, 144, traffic), "child-setup-failed");
    }

    #[test]
    fn a_full_answer_is_none() {
        silent(
            &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240"),
            "child-setup-failed",
        );
    }

    const MAIN: &str = "
        0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
        0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
        0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
        0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
        0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
        0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
        0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188";

    #[test]
    fn quick_mode_answered_by_an_informational_message() {
        verdict(
            &format!("{MAIN}\n0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92"),
            "child-setup-failed",
        );
    }

    #[test]
    fn traffic_shows_that_an_answer_was_only_not_recorded() {
        silent(
            &format!(
                "{MAIN}
                 0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92
                 1 A > B ESP 0xb1"
            ),
            "child-setup-failed",
        );
        // What was there when it was asked for is no traffic of its SA.
        fires(
            &format!(
                "{MAIN}
                 0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92
                 0.6 A > B ESP 0xb1"
            ),
            "child-setup-failed",
        );
    }

    #[test]
    fn a_liveness_check_answers_no_quick_mode_and_traffic_that_goes_on_has_its_child() {
        // HASH (36), a notification with the cookies as SPI (28) and a sequence number (4).
        silent(
            &format!(
                "{MAIN}\n0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 108\n9 C > B ESP 0xc1"
            ),
            "child-setup-failed",
        );
        let rekeying = MAIN.replace("0.6 A:500", "60 A:500");
        silent(
            &format!(
                "{rekeying}
                 60.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92
                 1 A > B ESP 0xb1 seq 1..200 every 1
                 1 B > A ESP 0xa1 seq 1..200 every 1"
            ),
            "child-setup-failed",
        );
    }

    #[test]
    fn quick_mode_that_goes_on_is_none() {
        silent(
            &format!(
                "{MAIN}
                 0.7 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1
                 0.8 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 60
                 9 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 108"
            ),
            "child-setup-failed",
        );
    }

    #[test]
    fn what_answers_each_quick_mode_is_no_liveness_check() {
        let again = |n: u32, info: &str| {
            format!(
                "{n}0 A:500 > B:500 QUICK i=1 r=2 id=0x7{n} sealed 188
                 {n}0.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x9{n} sealed 108
                 {info}"
            )
        };
        let thrice = again(1, "") + &again(2, "") + &again(3, "");
        let phase_1 = MAIN.rsplit_once('\n').unwrap().0;
        let found = fires(&format!("{phase_1}\n{thrice}"), "child-setup-failed");
        assert_eq!(found.confidence, Confidence::Possible);
        silent(
            &format!("{phase_1}\n{}", again(1, "")),
            "child-setup-failed",
        );
        // A checks, and B answers.
        let checks: String = (1..4)
            .map(|n| format!("\n{n}0.05 A:500 > B:500 INFO_V1 i=1 r=2 id=0xa{n} sealed 108"))
            .collect();
        silent(
            &format!("{phase_1}\n{thrice}{checks}"),
            "child-setup-failed",
        );
    }

    #[test]
    fn a_first_quick_mode_in_vain_right_after_phase_1() {
        let vain = format!("{MAIN} again=8,18,30\n60 C > B ESP 0xc1");
        verdict(&vain, "child-setup-failed");
        silent(&vain.replace("0.6 A:500", "20 A:500"), "child-setup-failed");
        // Traffic after it shows that it was answered.
        let used = "
            0.9 A > B ESP 0xb1 seq 1..9
            0.9 B > A ESP 0xa1 seq 1..9";
        silent(&format!("{vain}{used}"), "child-setup-failed");
        // A peer that said something at the very time it was asked may be gone since.
        let spoke = "\n20 B:500 > A:500 TRANSACTION i=1 r=2 id=0x99 sealed 76";
        let late = vain.replace("0.6 A:500", "20 A:500");
        silent(&format!("{late}{spoke}"), "child-setup-failed");
    }

    /// A child SA granted by `IKE_AUTH`, and one by `CREATE_CHILD_SA`, each followed by an informational message of
    /// the initiator.
    fn granted(first: &str, second: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 272
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
             {first} A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 69
             {first}1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 69
             4.2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 193
             4.3 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 177
             {second} A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 69
             {second}1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 69
             40 C > B ESP 0xc1"
        )
    }

    #[test]
    fn who_deletes_what_it_asked_for_at_once_cannot_use_it() {
        let finding = fires(&granted("0.31", "4.31"), "child-setup-failed");
        assert_eq!(finding.confidence, Confidence::Possible);
        assert!(finding.title.to_string().contains("takes back"));
        // What is deleted after a renewal is what it replaces.
        silent(&granted("3.31", "4.31"), "child-setup-failed");
        let served = granted("0.31", "4.31") + "\n1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136";
        silent(&served, "child-setup-failed");
    }
}
