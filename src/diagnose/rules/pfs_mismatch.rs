//! The first child SA works, every rekeying with a key exchange of its own is refused.

use super::rekey_failed;
use crate::diagnose::facts::child::{self, Attempt, Refusal};
use crate::diagnose::facts::offer::{self, Kind};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{self, rekey};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, one_of};
use crate::limits;
use crate::model::{ChildOutcome, Flight, Model, Reading};
use crate::registry::{ExchangeType, NotifyType, transform};
use crate::say;
use crate::units::Span;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "pfs-mismatch",
    code: "IKE209",
    severity: Severity::Error,
    summary: "The PFS groups differ: rekeying is refused",
    document: DOCUMENT,
    explains: &[
        "child-setup-failed",
        "rekey-failed",
        "sa-expired",
        "sequence-exhausted",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
        "esp-one-way",
        "unknown-spi",
        "path-outage",
    ],
    needs: Signs::OPENED.or(Signs::CHILD_EXCHANGE),
    check,
};

const DOCUMENT: &str = "\
## What it means
The first child SA of IKEv2 is made in IKE_AUTH, which has no key exchange of its own, so a different PFS group on the two sides stays hidden. The first rekeying brings it out: it is refused again and again, until the old SA reaches its lifetime and the tunnel breaks. A new IKE SA makes it work for one lifetime more.

## How it is seen
ESP flows, or, where the capture has no ESP, the peers negotiate anew soon and leave the IKE SA. CREATE_CHILD_SA requests that are large enough to carry a public value are answered by a single notification, and none succeeds. Then the traffic stops, or a new IKE_SA_INIT comes. With the keys of the IKE SA: the request names the groups, and NO_PROPOSAL_CHOSEN or INVALID_KE_PAYLOAD refuses it, though the same algorithms without a group were accepted before; where nothing shows what was accepted, as in a capture that begins later, a refused renewal is suspected. IKEv1 asks for the group in every quick mode, so the first one fails already; then a quick mode that is refused by NO-PROPOSAL-CHOSEN and carries a public value is suspected, unless what the refuser itself offers tells another difference.

## What else looks like it
Another difference in the ESP proposal that only the rekeying shows, or an IKE SA whose rekeying is refused: it always carries a public value. One refusal followed by success is normal (another group, or a collision).

## What to do
1. Configure the same PFS group for ESP on both sides, or none on both.
2. Compare the lists of ESP proposals of both sides.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let read = by_reading(case);
    if read.is_some() {
        return read.into_iter().collect();
    }
    let refused = case.refused(true);
    let Some(room) = refused
        .first()
        .and_then(rekey::Refused::room_for_public_value)
    else {
        return Vec::new();
    };
    if rekey::has_the_group(case, refused) {
        return Vec::new();
    }
    let Some(aftermath) = rekey_failed::aftermath(case, refused) else {
        return Vec::new();
    };
    let sizes = sizes(case, refused);
    let one_sided = sizes.as_ref().is_some_and(|sizes| sizes.one_sided);
    let of_child = refused.len() > 1 && !refused.iter().any(|one| may_be_of_ike(case.model, one));
    let of_ike = refused
        .first()
        .is_some_and(|first| may_be_of_ike(case.model, first));
    let by = |one: &rekey::Refused| case.model.exchanges[one.exchange].by;
    let first_by = refused.first().map(by);
    let others = refused
        .iter()
        .filter(|one| Some(by(one)) != first_by)
        .count();
    let confidence = match one_sided || of_child {
        true => Confidence::Likely,
        false => Confidence::Possible,
    };
    let refuser = refused.first().and_then(|first| {
        let response = case.model.exchanges[first.exchange].response()?;
        Some(facts::first(case.model, response)?.path.from().address)
    });
    rekey_failed::finding(&RULE, confidence, case, refused)
        .map(|finding| {
            finding
                .says(
                    rekey_failed::refusals(refused.len(), aftermath)
                        .then((others > 0).then(|| {
                            say!("{others} of them came from the other side.", others)
                        }))
                        .then(match of_ike {
                            true => say!(
                                "The first request is {room} octets larger than one without a public value: it asks \
                                 for PFS, or rekeys the IKE SA.",
                                room
                            ),
                            false => say!(
                                "The first request is {room} octets larger than one without a public value: it asks \
                                 for PFS.",
                                room
                            ),
                        })
                        .then(sizes.map(|sizes| sizes.says)),
                )
                .severity(match (of_ike, refused.len()) {
                    // It may be the IKE SA that is not rekeyed, and another takes its place.
                    (true, 1) => Severity::Warning,
                    _ => RULE.severity,
                })
                .or("Another part of the ESP proposal differs.")
                .or("It is the IKE SA whose rekeying is refused.")
                .advise("Configure the same PFS group for ESP on both sides, or none on both.")
                .advise_all(refuser.and_then(|end| {
                    vendor_advice::of(case, end, Topic::PfsGroup)
                }))
        })
        .into_iter()
        .collect()
}

/// Whether a sealed request has the size of one that rekeys the IKE SA with its own suite: an SA whose
/// proposal has an SPI of eight, a nonce, a public value, no selectors (RFC 7296 section 1.3.2).
fn may_be_of_ike(model: &Model, refused: &rekey::Refused) -> bool {
    /// The headers of SA, proposal with its SPI, nonce and public value.
    const HEADERS: usize = 4 + 16 + 4 + 8;
    /// Three or four transforms, with a key length or without, and a nonce (RFC 7296 sections 2.10, 3.3.2
    /// and 3.9).
    const VARIABLE: [usize; 2] = [3 * 8 + 16, 4 * 8 + 4 + 64];
    let readings = || {
        let request = model.exchanges[refused.exchange].request()?;
        let plaintext = model.plaintext_range(refused.ike_sa, request)?;
        let group = model.suite_in_use(refused.ike_sa)?.group?;
        let value = usize::from(transform::key_exchange(group)?.octets);
        let [least, most] = VARIABLE.map(|octets| HEADERS + value + octets);
        Some(*plaintext.end() >= least && *plaintext.start() <= most)
    };
    readings().unwrap_or(false)
}

/// What the sizes of sealed requests tell of the groups of both sides.
struct Sizes {
    /// Any number of sentences.
    says: Text,
    /// Whether requests of the other side have no room for a public value.
    one_sided: bool,
}

/// Compares the first request that was refused with those of the other side.
fn sizes(case: &Case<'_>, refused: &[rekey::Refused]) -> Option<Sizes> {
    let first = refused.first()?;
    let exchange = &case.model.exchanges[first.exchange];
    let request = exchange.request()?;
    let from = facts::first(case.model, request)?.path.from().address;
    let readings = case.model.rekey_readings(first.ike_sa, request);
    let fitting: Vec<&Reading> = readings
        .iter()
        .filter(|reading| reading.public_value.is_some())
        .collect();
    let fitting = match fitting.len() > READINGS {
        false => fitting
            .into_iter()
            .map(Text::from)
            .reduce(|these, last| say!("{these}; or {last}", these, last)),
        true => groups_of(&fitting),
    };
    let mut says: Text = fitting
        .map(|groups| {
            say!(
                "With a single proposal the size of the request of {from} fits {groups}.",
                from,
                groups
            )
        })
        .into();
    let others = case
        .tunnel
        .ike_sas
        .iter()
        .flat_map(|id| &case.model.ike_sas[*id].exchanges)
        .take(limits::CHILD_ATTEMPTS)
        .map(|id| &case.model.exchanges[*id])
        .filter(|exchange| exchange.kind == ExchangeType::CREATE_CHILD_SA)
        .filter_map(|exchange| {
            let request = exchange.request()?;
            let other = facts::first(case.model, request)?.path.from().address;
            let range = case.model.plaintext_range(exchange.ike_sa, request)?;
            (other != from).then_some((other, range))
        });
    let largest = others.max_by_key(|(_, octets)| *octets.end());
    let one_sided = match largest {
        Some((other, octets)) if !rekey::has_room_for_public_value(*octets.end()) => {
            says.add(say!(
                "Those of {other} have no room for a public value: only one side has a PFS group.",
                other
            ));
            true
        }
        Some((other, octets)) => {
            // Both by the least that they hold: how much of each is padding nobody knows.
            let (octets, ours) = (*octets.start(), first.plaintext?);
            let difference = octets.abs_diff(ours);
            if difference >= DIFFERENT {
                says.add(match octets > ours {
                    true => say!(
                        "Those of {other} are {difference} octets larger.",
                        other,
                        difference
                    ),
                    false => say!(
                        "Those of {other} are {difference} octets smaller.",
                        other,
                        difference
                    ),
                });
            }
            false
        }
        None => false,
    };
    Some(Sizes { says, one_sided })
}

/// Of more readings of a size than these only the groups are named.
const READINGS: usize = 4;

/// The groups of these readings; where they are many, how many, and the longest of them: that still says what
/// it cannot be.
fn groups_of(readings: &[&Reading]) -> Option<Text> {
    const NAMED: usize = 6;
    let groups: BTreeSet<u16> = readings.iter().copied().flat_map(Reading::groups).collect();
    if groups.len() <= NAMED {
        return Some(one_of(groups.into_iter().map(offer::group)));
    }
    let longest = readings.iter().max_by_key(|reading| reading.public_value)?;
    Some(say!(
        "{count} groups, none with a longer public value than {group}",
        count = groups.len(),
        group = longest.groups().next().map(offer::group)
    ))
}

/// Public values of two groups differ by this at least: 32 octets, those of Curve25519 and of a curve
/// over 256 bits.
const DIFFERENT: usize = 32;

/// What makes the group the suspect of a refusal.
#[derive(Clone)]
pub(super) struct Suspicion {
    confidence: Confidence,
    why: Text,
    /// The groups that the refuser would take, as far as it showed.
    wanted: Option<Text>,
}

/// The refusals that were read and are about the group of the key exchange, not the other algorithms: those that show
/// it, and those of the same offer by the same side.
pub(super) fn suspected<'c>(case: &'c Case<'_>) -> Vec<(&'c Refusal, Suspicion)> {
    let attempts = case.attempts();
    let told: Vec<(&Refusal, Option<Suspicion>)> = case
        .lasting()
        .iter()
        .map(|refusal| (refusal, suspicion(case.model, attempts, refusal)))
        .collect();
    // IKE_AUTH has no group that could be refused.
    let offer = |refusal: &Refusal| {
        let has_group = refusal.attempt.kind != ExchangeType::IKE_AUTH;
        refusal.attempt.offer(case.model).filter(|_| has_group)
    };
    let suspects = told.iter().filter_map(|(refusal, suspicion)| {
        let suspicion = suspicion.as_ref()?;
        Some((
            refusal.answer.from,
            refusal.reason,
            offer(refusal)?,
            suspicion,
        ))
    });
    let suspects: Vec<_> = suspects.collect();
    let like = |refusal: &Refusal| {
        let offered = offer(refusal)?;
        let mut alike = suspects.iter().filter(|(from, reason, offer, _)| {
            (*from, *reason) == (refusal.answer.from, refusal.reason) && *offer == offered
        });
        alike.next().map(|(.., suspicion)| (*suspicion).clone())
    };
    told.iter()
        .filter_map(|(refusal, own)| Some((*refusal, own.clone().or_else(|| like(refusal))?)))
        .collect()
}

/// Whether the group of the key exchange is what a refusal is about, by itself.
fn suspicion(model: &Model, attempts: &[Attempt], refusal: &Refusal) -> Option<Suspicion> {
    if refusal.attempt.told.is_of_ike() {
        return None;
    }
    let from = refusal.answer.from;
    if !refusal.v1 && refusal.reason == NotifyType::INVALID_KE_PAYLOAD.0 {
        // Who offers the group that is asked for tries again with it (RFC 7296 section 1.3): that is no mismatch.
        let offered = refusal.wanted_group().zip(refusal.attempt.offer(model));
        if offered.is_some_and(|(group, offer)| offer.has_group(group)) {
            return None;
        }
        let wanted = refusal.wanted_group().map(offer::group);
        let wanted = wanted.map(|group| say!("{group}", group));
        return Some(Suspicion {
            confidence: Confidence::Certain,
            why: match &wanted {
                Some(group) => say!("{from} asks for {group} instead", from, group),
                None => say!("{from} asks for another group", from),
            },
            wanted,
        });
    }
    if refusal.reason != NotifyType::NO_PROPOSAL_CHOSEN.0 {
        return None;
    }
    let offer = refusal.attempt.offer(model)?;
    let known = child::known_of(model, attempts, from, &refusal.attempt);
    let groups = |offer: &offer::Offer| offer.values(Kind::KeyExchange);
    if let Some(known) = known {
        let (how, theirs) = (known.how, &known.offer);
        let same = child::agrees_but_for_group(&offer, theirs);
        let (ours, wanted) = (groups(&offer), groups(theirs));
        // Without a key exchange of its own, the request of IKE_AUTH tells nothing of the group.
        let in_auth = refusal.attempt.kind == ExchangeType::IKE_AUTH;
        let differ = ours.is_disjoint(&wanted);
        // Accepted or offered in IKE_AUTH without a group, refused later without a group: it wants one. What it
        // offers without a group where it could name one shows that it wants none.
        let wants_any = ours.is_empty() && wanted.is_empty();
        let unsaid = how == "accepted" || known.in_auth;
        let tells =
            !wants_any || !refusal.v1 && unsaid && !does_without(model, attempts, refusal, &offer);
        if !same || !differ || !tells || in_auth {
            return None;
        }
        let why = match wanted.is_empty() {
            true if wants_any && how == "offers" => say!(
                "{from} offered the same algorithms in IKE_AUTH, where there is no group: it wants one",
                from
            ),
            true if wants_any => say!(
                "{from} accepted the same algorithms in IKE_AUTH, where there is no group: it wants one",
                from
            ),
            true if how == "accepted" => {
                say!("{from} accepted the same algorithms without a group", from)
            }
            true => say!("{from} offers the same algorithms without a group", from),
            false if how == "accepted" => say!(
                "{from} accepted the same algorithms with {groups}",
                from,
                groups = named(&wanted)
            ),
            false => say!(
                "{from} offers the same algorithms with {groups}",
                from,
                groups = named(&wanted)
            ),
        };
        return Some(Suspicion {
            // That it wants a group at all is inferred from its refusal alone.
            confidence: if wants_any || wanted.is_empty() && !refusal.is_rekeying() {
                Confidence::Likely
            } else {
                Confidence::Certain
            },
            why,
            wanted: (!wanted.is_empty()).then(|| named(&wanted)),
        });
    }
    let request = refusal.attempt.told.request.as_ref()?;
    // A child SA that worked is renewed with the algorithms that it has. Of the first one, which IKE_AUTH
    // made, no group was asked for (RFC 7296 section 1.2): it is what was never agreed on.
    if !refusal.v1 && request.rekeys.is_some() {
        return Some(Suspicion {
            confidence: Confidence::Likely,
            why: match groups(&offer).is_empty() {
                true => say!(
                    "it renews a child SA, and the first one is made without a group: {from} may want one",
                    from
                ),
                false => say!(
                    "it renews a child SA, and the first one is made without a group: nothing shows which {from} \
                     would take, if any",
                    from
                ),
            },
            wanted: None,
        });
    }
    // Nothing to compare with: a quick mode with a public value.
    (refusal.v1 && request.public_value.is_some()).then(|| Suspicion {
        confidence: Confidence::Possible,
        why: say!(
            "the request asks for a key exchange of its own, and nothing shows which {from} would take",
            from
        ),
        wanted: None,
    })
}

/// Whether who refuses a further child SA made another by the same algorithms, without a group, where it could
/// have asked for one: then it is something else that it wants of this one.
fn does_without(
    model: &Model,
    attempts: &[Attempt],
    refusal: &Refusal,
    offer: &offer::Offer,
) -> bool {
    let made = attempts.iter().filter(|attempt| {
        let answer = attempt.told.answer.as_ref();
        attempt.kind == ExchangeType::CREATE_CHILD_SA
            && !attempt.told.is_of_ike()
            && answer.is_some_and(|answer| answer.from == refusal.answer.from)
    });
    let mut choices = made.filter_map(|attempt| attempt.choice(model));
    !refusal.is_rekeying()
        && choices.any(|choice| {
            choice.values(Kind::KeyExchange).is_empty()
                && child::agrees_but_for_group(offer, &choice)
        })
}

fn named<T: fmt::Display>(groups: &BTreeSet<T>) -> Text {
    match groups.is_empty() {
        true => "no group".into(),
        false => one_of(groups.iter().map(Text::verbatim)),
    }
}

/// Refusals that were read.
fn by_reading(case: &Case<'_>) -> Option<Finding> {
    let suspected = suspected(case);
    let surest = |(_, suspicion): &&(&Refusal, Suspicion)| Reverse(suspicion.confidence);
    let (first, suspicion) = suspected.iter().min_by_key(surest)?;
    // Each side refuses for itself.
    let refusals = suspected.iter().map(|(refusal, _)| *refusal);
    let (refusals, returned): (Vec<&Refusal>, Vec<&Refusal>) =
        refusals.partition(|refusal| refusal.answer.from == first.answer.from);
    let refusals: Vec<Refusal> = refusals.into_iter().cloned().collect();
    let retried = retried_in_vain(case.model, first);
    let confidence = match retried {
        Some(_) => Confidence::Possible,
        None => suspicion.confidence,
    };
    let (from, to): (IpAddr, IpAddr) = (first.answer.from, first.asker());
    let offer = first.attempt.offer(case.model);
    let ours = offer
        .as_ref()
        .map(|offer| offer.values(Kind::KeyExchange))
        .unwrap_or_default();
    let asked = match &offer {
        Some(offer) => say!(
            "It asks for {groups} ({offer}); {why}.",
            groups = named(&ours),
            offer,
            why = &suspicion.why
        ),
        None => say!(
            "It asks for {groups}; {why}.",
            groups = named(&ours),
            why = &suspicion.why
        ),
    };
    // IKE_AUTH has no key exchange of its own, nor an additional one: either may be what is refused.
    let additional = offer.as_ref().is_some_and(|offer| {
        (1..=7).any(|number| !offer.values(Kind::Additional(number)).is_empty())
    });
    let confidence = match additional {
        true => confidence.min(Confidence::Likely),
        false => confidence,
    };
    let suites = offer.as_ref().map(|offer| offer.suites(None));
    let alike = refusals.iter().filter(|one| one.reason == first.reason);
    let finding = child::finding(&RULE, confidence, case, &refusals)?;
    let mut finding = match additional {
        true => finding.or(say!(
            "{from} takes the group, and refuses the additional key exchange (RFC 9370).",
            from
        )),
        false => finding,
    }
        .title(match offer.is_some() && ours.is_empty() {
            true => say!("{from} wants a PFS group, and {asker} asks for none", from, asker = to),
            false => say!("{from} refuses the PFS group of {asker}", from, asker = to),
        })
        .says(
            say!(
                "{from} refused {what} of {asker} {times} by {error}.",
                from,
                what = first.what(),
                asker = to,
                times = child::times(alike.count()),
                error = first.name()
            )
            .then(asked),
        )
        .advise(match &suspicion.wanted {
            Some(wanted) => say!(
                "Configure the same PFS group for ESP on both sides: {asker} has {groups}, {from} {wanted}.",
                asker = to,
                groups = named(&ours),
                from,
                wanted
            ),
            None => say!(
                "Configure the same PFS group for ESP on both sides, or none on both: {asker} has {groups}.",
                asker = to,
                groups = named(&ours)
            ),
        })
        .advise_all(vendor_advice::fitting(
            case, from,
            Topic::PfsGroup,
            suites.as_ref().map(|suites| (to, suites.as_slice())),
        ));
    for refusal in returned {
        let note = say!("{to} refuses, too: {error}", to, error = refusal.name());
        finding = finding.beside(refusal.at(), note);
    }
    if let Some((again, error)) = retried {
        let error = error.map(|error| child::reason(error.0, false));
        finding.says.add(match &error {
            None => say!(
                "{to} asked again at once, as the error wants it, and that was refused, too, for a reason that was not read.",
                to
            ),
            Some(error) => say!(
                "{to} asked again at once, as the error wants it, and that was refused, too, by {error}: the group is \
                 not all that differs.",
                to,
                error
            ),
        });
        finding = finding
            .also(
                again,
                match error {
                    None => "the next try, refused for a reason that was not read".into(),
                    Some(error) => say!("the next try, refused by {error}", error),
                },
            )
            .or("It asked for the wanted group then, and something else is refused.");
    }
    Some(match confidence {
        Confidence::Certain => finding,
        _ => finding.or("Another part of the ESP proposal differs."),
    })
}

/// The refusal of the try that follows INVALID_KE_PAYLOAD, and its error if it was read and is another: that try
/// bears the group that was asked for (RFC 7296 section 1.3), so the groups may agree.
fn retried_in_vain(model: &Model, refusal: &Refusal) -> Option<(Cite, Option<NotifyType>)> {
    /// Who tries another group does so at once.
    const AT_ONCE: Span = Span::from_secs(5);
    let at = refusal.at().1;
    if refusal.v1 || refusal.reason != NotifyType::INVALID_KE_PAYLOAD.0 {
        return None;
    }
    let exchanges = model.ike_sas[refusal.attempt.ike_sa].exchanges.iter();
    let exchanges = exchanges.map(|id| &model.exchanges[*id]);
    let soon = |request: &Flight| {
        let asked = facts::began(model, request);
        asked.is_some_and(|asked| asked.1 > at && asked.1.since(at) <= AT_ONCE)
    };
    let bears_group = |request: &Flight| {
        let read = model.opened(request);
        read.is_none_or(|(_, read)| read.ke().map(|ke| ke.group) == refusal.wanted_group())
    };
    let mut refused = exchanges.filter(|exchange| {
        exchange.kind == ExchangeType::CREATE_CHILD_SA
            && exchange.by == model.exchanges[refusal.attempt.exchange].by
            && exchange
                .request()
                .is_some_and(|request| soon(request) && bears_group(request))
            && rekey::ended(model, exchange, ChildOutcome::Refused)
    });
    refused.find_map(|exchange| {
        let response = exchange.response()?;
        let read = model.opened(response);
        let error = read.and_then(|(_, read)| Some(read.notifies().next()?.kind));
        let is_other = error != Some(NotifyType::INVALID_KE_PAYLOAD);
        Some((facts::began(model, response)?, error)).filter(|_| is_other)
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Confidence;
    use crate::diagnose::testing::{fires, silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136";

    /// Two requests of this length that are refused.
    fn refused_twice(length: u32) -> String {
        format!(
            "{UP}
             10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed {length}
             10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80
             15 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed {length} seed=1
             15.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 80"
        )
    }

    #[test]
    fn every_rekeying_with_a_public_value_is_refused() {
        verdict(&refused_twice(496), "pfs-mismatch");
    }

    #[test]
    fn what_may_be_the_rekeying_of_the_ike_sa_is_only_possible() {
        let refused = |length| fires(&refused_twice(length), "pfs-mismatch").confidence;
        assert_eq!(refused(496), Confidence::Likely);
        assert_eq!(refused(432), Confidence::Possible);
    }

    #[test]
    fn a_size_that_fits_many_groups_says_which_it_cannot_be() {
        let says = |length| {
            fires(&refused_twice(length), "pfs-mismatch")
                .says
                .to_string()
        };
        let many = " groups, none with a longer public value than 2048-bit MODP Group (14).";
        assert!(says(496).contains(many), "{}", says(496));
        let few = "fits Curve25519";
        assert!(says(288).contains(few), "{}", says(288));
    }

    #[test]
    fn the_other_side_asks_without_a_public_value() {
        let says = fires(
            &format!(
                "{UP}
                 10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 496
                 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80
                 15 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request sealed 208
                 15.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 80"
            ),
            "pfs-mismatch",
        )
        .says
        .to_string();
        assert!(says.contains("only one side has a PFS group"), "{says}");
        assert!(says.contains("2048-bit MODP Group"), "{says}");
    }

    #[test]
    fn a_refusal_that_is_mended_at_once_is_normal() {
        silent(
            &format!(
                "{UP}
                 10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 496
                 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80
                 10.2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 336
                 10.3 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 320"
            ),
            "pfs-mismatch",
        );
    }

    const READ: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
        10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 496 opened N(REKEY_SA ESP 0xa1) SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128 DH14) Nonce KE(14) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        ";

    #[test]
    fn the_same_algorithms_with_a_group_are_refused_when_rekeying() {
        for refusal in ["N(NO_PROPOSAL_CHOSEN)", "N(17 0014)"] {
            let text = format!(
                "{READ} 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80 opened {refusal}
                 20 A > B ESP 0xb1 seq 41..50 every 0.5 size 136"
            );
            verdict(&text, "pfs-mismatch");
            silent(&text, "child-proposal-mismatch");
            let advice = fires(&text, "pfs-mismatch").advice[1].to_string();
            assert!(
                advice.contains("Huawei `ipsec policy: pfs dh-group14`"),
                "{advice}"
            );
        }
    }

    #[test]
    fn what_the_refuser_offers_at_another_time_may_be_of_another_configuration() {
        let text = |at: u32| {
            format!(
                "{READ} 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80 opened N(NO_PROPOSAL_CHOSEN)
                 20 A > B ESP 0xb1 seq 41..50 every 0.5 size 136
                 {at} B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request sealed 208 opened SA(ESP 0xb9 ENCR_AES_GCM_16-128) Nonce TSi(10.8.0.0/16) TSr(10.9.0.0/16)
                 {at}.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 208 opened SA(ESP 0xa9 ENCR_AES_GCM_16-128) Nonce TSi(10.8.0.0/16) TSr(10.9.0.0/16)"
            )
        };
        fires(&text(12), "child-proposal-mismatch");
        silent(&text(7200), "child-proposal-mismatch");
        fires(&text(7200), "pfs-mismatch");
    }

    #[test]
    fn what_is_asked_for_anew_by_the_same_offer_is_refused_for_the_same() {
        let text = |suite: &str| {
            format!(
                "1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request by=initiator sealed 496 opened N(REKEY_SA ESP 0xa1) SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128 DH14) Nonce KE(14) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response by=responder sealed 80 opened N(NO_PROPOSAL_CHOSEN)
                 30 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request by=initiator sealed 480 opened SA(ESP 0xa3 {suite}) Nonce KE(14) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 30.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response by=responder sealed 80 opened N(NO_PROPOSAL_CHOSEN)
                 40 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request by=initiator sealed 80"
            )
        };
        let same = text("ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128 DH14");
        assert!(
            fires(&same, "pfs-mismatch")
                .says
                .to_string()
                .contains("2 times")
        );
        silent(&same, "child-proposal-mismatch");
        let other = text("ENCR_AES_CBC-128 AUTH_HMAC_SHA1_96 DH14");
        fires(&other, "child-proposal-mismatch");
    }

    #[test]
    fn a_rekeying_is_refused_and_how_the_child_was_made_is_not_in_the_recording() {
        let refused = |request: &str| {
            format!(
                "1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request by=initiator sealed 496 opened {request} TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response by=responder sealed 80 opened N(NO_PROPOSAL_CHOSEN)
                 20 A > B ESP 0xb1 seq 41..50 every 0.5 size 136"
            )
        };
        let suite = "ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128";
        for request in [
            format!("N(REKEY_SA ESP 0xa1) SA(ESP 0xa2 {suite} DH14) Nonce KE(14)"),
            format!("N(REKEY_SA ESP 0xa1) SA(ESP 0xa2 {suite}) Nonce"),
        ] {
            verdict(&refused(&request), "pfs-mismatch");
            silent(&refused(&request), "child-proposal-mismatch");
        }
        // Another child SA may have algorithms of its own.
        let another = refused(&format!("SA(ESP 0xa2 {suite} DH14) Nonce KE(14)"));
        verdict(&another, "child-proposal-mismatch");
    }

    #[test]
    fn who_made_a_further_child_without_a_group_wants_none() {
        let further = |at: u32, net: u32, answer: &str| {
            format!(
                "{at} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={at} request sealed 208 seed={at} opened SA(ESP 0xa{at} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.{net}.0.0/16) TSr(10.2.0.0/16)
                 {at}.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={at} response {answer}\n"
            )
        };
        let made = |net: u32| {
            format!(
                "sealed 208 opened SA(ESP 0xb7 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.{net}.0.0/16) TSr(10.2.0.0/16)"
            )
        };
        let refused = "sealed 80 seed=1 opened N(NO_PROPOSAL_CHOSEN)";
        let (up, _) = READ.split_at(READ.find("10 A:500").unwrap());
        let text = |second: &str| {
            format!(
                "{up}{}{}20 A > B ESP 0xb1 seq 41..50 every 0.5 size 136",
                further(2, 3, second),
                further(9, 4, refused)
            )
        };
        verdict(&text(&made(3)), "child-proposal-mismatch");
        verdict(&text(refused), "pfs-mismatch");
    }

    #[test]
    fn another_try_that_the_capture_cut_is_one_all_the_same() {
        let text = |size: u32| {
            format!(
                "{READ} 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80 opened N(17 0013)
                 10.2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 336 cut
                 10.3 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed {size} cut
                 20 A > B ESP 0xb1 seq 41..50 every 0.5 size 136"
            )
        };
        silent(&text(320), "pfs-mismatch");
        verdict(&text(80), "pfs-mismatch");
    }

    #[test]
    fn another_group_at_the_second_try_is_normal() {
        silent(
            &format!(
                "{READ} 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80 opened N(17 0013)
                 10.2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 336 opened N(REKEY_SA ESP 0xa1) SA(ESP 0xa3 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128 DH19) Nonce KE(19) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 10.3 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 320 opened SA(ESP 0xb3 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128 DH19) Nonce KE(19) TSi(10.1.0.0/16) TSr(10.2.0.0/16)"
            ),
            "pfs-mismatch",
        );
    }

    #[test]
    fn a_quick_mode_with_a_public_value_is_suspected() {
        verdict(
            "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
             0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
             0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
             0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 460 opened HASH SA(ESP 0xa1 encr=12/256 auth=5 group=14) Nonce KE ID(10.1.0.0/16) ID(10.2.0.0/16)
             0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92 opened HASH N(14)",
            "pfs-mismatch",
        );
    }

    #[test]
    fn without_a_group_on_either_side_only_ikev2_tells_that_one_is_wanted() {
        let without = |text: &str| text.replace(" DH14) Nonce KE(14) TSi", ") Nonce TSi");
        let refused = "10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80 opened N(NO_PROPOSAL_CHOSEN)
            20 A > B ESP 0xb1 seq 41..50 every 0.5 size 136";
        let text = format!("{}{refused}", without(READ));
        let says = fires(&text, "pfs-mismatch").says.to_string();
        assert!(says.contains("it wants one"), "{says}");
        // What it offers itself has no group either: that it offered so shows nothing.
        let offered = text.replace(
            "240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)",
            "240",
        ) + "
            15 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request by=responder sealed 208 opened SA(ESP 0xb2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.2.0.0/16) TSr(10.1.0.0/16)
            15.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response by=initiator sealed 80 opened N(NO_PROPOSAL_CHOSEN)";
        silent(&offered, "pfs-mismatch");
    }

    #[test]
    fn who_offered_in_ike_auth_refuses_to_renew_without_a_group() {
        let (up, _) = READ.split_at(READ.find("10 A:500").unwrap());
        let text = format!(
            "{up}
             10 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request by=responder sealed 208 opened N(REKEY_SA ESP 0xb1) SA(ESP 0xb2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.2.0.0/16) TSr(10.1.0.0/16)
             10.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response by=initiator sealed 80 opened N(NO_PROPOSAL_CHOSEN)
             20 A > B ESP 0xb1 seq 41..50 every 0.5 size 136"
        );
        verdict(&text, "pfs-mismatch");
        silent(&text, "child-proposal-mismatch");
        let says = fires(&text, "pfs-mismatch").says.to_string();
        assert!(
            says.contains("192.0.2.1 offered the same algorithms in IKE_AUTH"),
            "{says}"
        );
    }
}
