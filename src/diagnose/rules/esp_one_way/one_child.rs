//! One child SA of several that goes one way.

use super::pattern::{alike, answered_alike, is_stream, mostly_alike, since};
use super::silence::{Requests, requests};
use super::words::{deleted_then, look_for_sa, lost_its_sa, or_deleted};
use super::{PLENTY, RULE, SILENT};
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::taps;
use crate::diagnose::facts::{Tap, quality};
use crate::diagnose::{Case, Confidence, Finding, Severity};
use crate::language::{Text, parted};
use crate::model::{ChildSaId, EspFlow};
use crate::say;
use crate::units::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The flows of one child SA, towards the first end and towards the second.
type Pair<'m> = [Option<&'m EspFlow>; 2];

/// ESP of one child SA goes unanswered while that of others passes in both directions.
pub(super) fn one_child<'m>(
    case: &Case<'m>,
    tap: &Tap,
    directions: &Directions<'m>,
) -> Option<Finding> {
    /// So many suspects are looked at, the first.
    const FEW: usize = 16;
    let mut pairs: BTreeMap<ChildSaId, Pair<'m>> = BTreeMap::new();
    for end in [0, 1] {
        for flow in directions.flows(end) {
            if let Some(id) = flow.child_sa.child_sa()
                && let Some(place) = pairs.entry(id).or_default().get_mut(end)
            {
                // One SA may have been seen in two encapsulations, or at two places of its receiver.
                let later = place.filter(|one: &&EspFlow| one.seen.last.1 > flow.seen.last.1);
                *place = Some(later.unwrap_or(flow));
            }
        }
    }
    // Where the clock was set, before and after are not known by time.
    let set = quality::clock_error(case.model, directions.vantage) > Span::default();
    if pairs.len() < 2 || set {
        return None;
    }
    let replaced: BTreeSet<ChildSaId> = pairs
        .keys()
        .filter_map(|id| case.model.child_sas[*id].replaces)
        .collect();
    let pairs = pairs.into_iter().filter(|(id, _)| !replaced.contains(id));
    let suspects = pairs.flat_map(|(id, pair)| {
        // Who has never answered may do so in an SA that is taken for another, unless it is known which exchange
        // made this one.
        let known = case.model.child_sas[id].made_by.is_some();
        let [first, second] = pair;
        let suspects = [(0, first, second), (1, second, first)];
        let suspects = suspects.into_iter();
        let suspects =
            suspects.filter_map(|(silent, asks, answers)| Suspect::of(silent, asks?, answers));
        suspects.filter(move |suspect| known || suspect.answers.is_some())
    });
    suspects
        .take(FEW)
        .find(|suspect| suspect.stands_alone(directions))
        .and_then(|suspect| suspect.finding(case, tap))
}

/// Where the recording begins later than the negotiation, so that it does not show which SAs belong together:
/// more of them go one way than the other, or one of these ends, and what comes is no more than what goes in the
/// others, though packets of that size have answers there.
pub(super) fn one_unpaired<'m>(
    case: &Case<'m>,
    tap: &Tap,
    directions: &Directions<'m>,
) -> Option<Finding> {
    [0, 1]
        .into_iter()
        .find_map(|silent| Unpaired::of(case, directions, silent)?.finding(case, tap))
}

/// SAs of which nobody knows which belong together.
struct Unpaired<'m> {
    /// How many go to the silent end.
    there: usize,
    /// How many come back.
    here: usize,
    /// The one that came back and ended.
    ended: Option<&'m EspFlow>,
    /// Those of which each may be the one without answers.
    suspects: Vec<Suspect<'m>>,
}

impl<'m> Unpaired<'m> {
    fn of(case: &Case<'m>, directions: &Directions<'m>, silent: usize) -> Option<Self> {
        /// With more at once nothing is told.
        const FEW: usize = 16;
        let (out, back) = (directions.flows(silent), directions.flows(1 - silent));
        let is_loose = |flow: &EspFlow| flow.child_sa.child_sa().is_none();
        if out.len() < 2
            || out.len() > FEW
            || back.len() > out.len()
            || !directions.all().all(is_loose)
            || quality::clock_error(case.model, directions.vantage) > Span::default()
        {
            return None;
        }
        let until = directions.last(silent)?.1;
        let ends = |flow: &&EspFlow| until.since(flow.seen.last.1) >= SILENT;
        let ended = match back.len() < out.len() {
            true => None,
            false => {
                let ended = back.iter().copied().filter(ends);
                Some(ended.max_by_key(|flow| flow.seen.last.1)?)
            }
        };
        let goes_on = |flow: &&EspFlow| ended.is_none_or(|ended| ended.key != flow.key);
        let back: Vec<_> = back.iter().copied().filter(goes_on).collect();
        let suspects = out.iter().filter_map(|asks| {
            let suspect = Suspect::of(silent, asks, ended)?;
            let others = out.iter().copied().filter(|flow| flow.key != asks.key);
            let others: Vec<_> = others.collect();
            let (asked, came) = (alike(&others, &[asks]), alike(&back, &[asks]));
            let is_answered = came >= PLENTY && came.saturating_mul(10) >= asked.saturating_mul(8);
            // What was opened tells more than sizes.
            let opened = || suspect.requests(case).is_some_and(|requests| requests.all);
            let wanted = case.inside().is_none() || opened();
            (is_answered && wanted && suspect.stands_alone(directions)).then_some(suspect)
        });
        let mut suspects: Vec<_> = suspects.collect();
        let mut exact = suspects.iter().filter(|one| one.is_exact(out, &back));
        if let (Some(one), None) = (exact.next().copied(), exact.next()) {
            suspects = vec![one];
        }
        Some(Self {
            there: out.len(),
            here: back.len(),
            ended,
            suspects,
        })
    }

    fn finding(&self, case: &Case<'m>, tap: &Tap) -> Option<Finding> {
        let (first, others) = self.suspects.split_first()?;
        let [speaks, is_silent] = first.ends(case)?;
        let (there, here) = (self.there, self.here);
        let last = first.asks.seen.last;
        let mut said = match others {
            [] => say!(
                "In {length} {sent} ESP packets with {spi} went from {speaks} to {is_silent}. {there} SAs go there and \
                 {here} back, and what comes is hardly more than what goes in the others, where packets of this size are \
                 answered.",
                length = last.1.since(first.since),
                sent = first.sent,
                spi = first.asks.key.spi,
                speaks,
                is_silent,
                there,
                here
            ),
            _ => say!(
                "{there} SAs carry ESP from {speaks} to {is_silent} and {here} back, and what comes is hardly more than \
                 what goes in all of them but one, though each has packets of a size that is answered. That one is {spis}: \
                 the recording does not show which SAs belong together.",
                there,
                here,
                speaks,
                is_silent,
                spis = parted(
                    " or ",
                    self.suspects
                        .iter()
                        .map(|one| Text::verbatim(one.asks.key.spi))
                )
            ),
        };
        if let Some(ended) = self.ended {
            said.add(say!(
                "Until then {spi} came back as well.",
                spi = ended.key.spi
            ));
        }
        let mut finding = first.told(case, tap.absence(Confidence::Possible), said)?;
        for other in others {
            finding = finding.also(
                other.asks.seen.last,
                "the last one of the other that it may be",
            );
        }
        if let Some(ended) = self.ended {
            finding = finding.also(ended.seen.last, "the last packet of the other direction");
        }
        // Sizes alone do not tell traffic that is one-way by nature from requests.
        let wanted = self.ended.is_some() || first.requests(case).is_some();
        Some(finding.severity(match wanted {
            true => Severity::Warning,
            false => Severity::Info,
        }))
    }
}

/// A flow whose packets have had no answer for a while.
#[derive(Clone, Copy)]
struct Suspect<'m> {
    /// The end that is silent.
    silent: usize,
    /// What goes there.
    asks: &'m EspFlow,
    /// What came back before.
    answers: Option<&'m EspFlow>,
    /// Since when it is silent.
    since: Timestamp,
    /// Packets that were sent since.
    sent: u64,
}

impl<'m> Suspect<'m> {
    fn of(silent: usize, asks: &'m EspFlow, answers: Option<&'m EspFlow>) -> Option<Self> {
        let since = answers.map_or(asks.seen.first.1, |answers| answers.seen.last.1);
        let (sent, length) = (
            esp::packets_since(asks, since),
            asks.seen.last.1.since(since),
        );
        // Who talked wants answers, and of requests there are few kinds.
        let wanted = match answers {
            Some(answers) => {
                answers.packets >= PLENTY
                    && answers.packets.saturating_mul(10) >= sent
                    && answered_alike(&[asks], &[answers])
            }
            None => mostly_alike(&[asks]) && !is_stream(&[asks], sent, length),
        };
        (wanted && length >= SILENT && sent >= PLENTY + PLENTY / 2).then_some(Self {
            silent,
            asks,
            answers,
            since,
            sent,
        })
    }

    /// Whether the silent end is heard in other SAs as ever, and does not send the answers in those: nothing
    /// comes there that was not asked for, and of the sizes of these answers no more than of these requests.
    fn stands_alone(&self, directions: &Directions<'_>) -> bool {
        let others = |end: usize, not: Option<&EspFlow>| -> Vec<&EspFlow> {
            let flows = directions.flows(end).iter().copied();
            let others = flows.filter(|flow| not.is_none_or(|not| not.key != flow.key));
            others.collect()
        };
        let (out, back) = (
            others(self.silent, Some(self.asks)),
            others(1 - self.silent, self.answers),
        );
        let (asked, came) = (since(&out, self.since), since(&back, self.since));
        let asked_alike = alike(&out, &[self.asks]);
        let came_alike = alike(&back, &[self.answers.unwrap_or(self.asks)]);
        let spare = self.sent / 5;
        came >= PLENTY && came <= asked + spare && came_alike <= asked_alike + spare
    }

    /// Whether each packet that comes back since it began may be an answer to one that goes there in another SA.
    fn is_exact(&self, out: &[&EspFlow], back: &[&EspFlow]) -> bool {
        /// At both ends of the recording one more may be seen of either direction.
        const EDGES: u64 = 2;
        let asked = since(out, self.since).saturating_sub(self.sent);
        since(back, self.since) <= asked.saturating_add(EDGES)
    }

    /// The requests inside, if any was opened.
    fn requests<'c>(&self, case: &'c Case<'m>) -> Option<Requests<'c, 'm>> {
        requests(
            case,
            (self.asks.key.vantage, self.silent),
            (self.since, self.sent),
            |flow| flow.key == self.asks.key,
        )
    }

    /// Who speaks, and who is silent.
    fn ends(&self, case: &Case<'_>) -> Option<[IpAddr; 2]> {
        let ends = case.tunnel.ends;
        Some([*ends.get(1 - self.silent)?, *ends.get(self.silent)?])
    }

    /// What is told of it where it is known what came back before.
    fn finding(&self, case: &Case<'m>, tap: &Tap) -> Option<Finding> {
        let [speaks, is_silent] = self.ends(case)?;
        let spi = self.asks.key.spi;
        let length = self.asks.seen.last.1.since(self.since);
        let said = match self.answers {
            Some(answers) => say!(
                "In {length} {sent} ESP packets with {spi} went from {speaks} to {is_silent}, and none with {back} \
                 came from {is_silent} any more, which had sent {before} before.",
                length,
                sent = self.sent,
                spi,
                speaks,
                is_silent,
                back = answers.key.spi,
                before = answers.packets
            ),
            None => say!(
                "In {length} {sent} ESP packets with {spi} went from {speaks} to {is_silent}, and nothing of the \
                 same child SA came back.",
                length,
                sent = self.sent,
                spi,
                speaks,
                is_silent
            ),
        };
        // Of those that were made together one may be taken for another.
        let child = self.asks.child_sa.child_sa();
        let guessed = child.is_some_and(|id| case.model.child_sas[id].is_guessed);
        let confidence = tap.absence(match self.answers {
            Some(_) if !guessed => Confidence::Likely,
            _ => Confidence::Possible,
        });
        let mut finding = self.told(case, confidence, said)?;
        let Some(answers) = self.answers else {
            return Some(finding.severity(Severity::Warning));
        };
        finding = finding.also(answers.seen.last, "the last packet of the other direction");
        if let Some(left) = taps::upstream(case, answers)
            && left.seen.last.1.since(self.since) >= SILENT
            && self.asks.seen.last.1.since(left.seen.last.1) < SILENT
        {
            finding.confidence = Confidence::Certain;
            finding.alternatives.clear();
            let tap = taps::name(case.model, left.key.vantage);
            finding.says.add(say!(
                "The tap {tap} has answers to the end: they are lost between the two taps.",
                tap = &tap
            ));
            finding = finding.also(left.seen.last, say!("an answer leaves {tap}", tap));
        }
        Some(finding)
    }

    /// What else the same packets would look like, and what to do.
    fn told(&self, case: &Case<'m>, confidence: Confidence, said: Text) -> Option<Finding> {
        let [speaks, is_silent] = self.ends(case)?;
        let last = self.asks.seen.last;
        let finding = Finding::new(
            &RULE,
            confidence,
            case.id,
            last,
            "the last one, still unanswered",
        )
        .during(self.since, last.1)
        .title(say!(
            "One child SA of several carries ESP from {speaks} to {is_silent} only",
            speaks,
            is_silent
        ))
        .says(said.then(
            "Other child SAs pass in both directions meanwhile: it is no filter on ESP as such.",
        ))
        .or(match self.requests(case) {
            Some(_) => say!(
                "The hosts that this child SA is for do not answer behind {is_silent}.",
                is_silent
            ),
            None => say!(
                "The hosts that this child SA is for do not answer behind {is_silent}, or its traffic is one-way by \
                 nature.",
                is_silent
            ),
        })
        .or(say!(
            "{is_silent} sends the answers past the tunnel: route, NAT or policy.",
            is_silent
        ))
        .or(lost_its_sa(is_silent));
        let deleted = self
            .answers
            .and_then(|_| deleted_then(case, is_silent, self.since));
        let finding = match deleted {
            Some(at) => or_deleted(finding, at, [speaks, is_silent]),
            None => finding,
        };
        Some(
            finding
                .advise(look_for_sa(is_silent, self.asks.key.spi))
                .advise(say!(
                    "Behind {is_silent}, look at hosts, routes and rules for the addresses of this child SA.",
                    is_silent
                )),
        )
    }
}
