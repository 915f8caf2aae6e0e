//! The order of findings, and which of them are mere consequences.

use super::finding::{Confidence, Finding, Severity};
use super::rules::{
    child_proposal_mismatch, clear_text_leak, dpd_timeout, duplicate_tunnel, esp_one_way,
    outside_well, overlapping_selectors, pfs_mismatch, rekey_failed, sa_expired, single_child_peer,
    ts_unacceptable, tunnel_flapping, undecided,
};
use crate::language::Text;
use crate::model::{Signs, arrange};
use crate::units::{Span, Timestamp};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Orders findings, the verdict first, and folds consequences into their causes: [`fold`] for each
/// tunnel, then [`rank`].
pub fn conclude(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.tunnel);
    let mut folded: Vec<Folded> = Vec::with_capacity(findings.len());
    let mut of_one: Vec<Finding> = Vec::new();
    for finding in findings {
        if of_one
            .last()
            .is_some_and(|last| last.tunnel != finding.tunnel)
        {
            folded.extend(fold(std::mem::take(&mut of_one)));
        }
        of_one.push(finding);
    }
    folded.extend(fold(of_one));
    rank(folded).into_iter().map(Folded::finding).collect()
}

/// A finding that [`fold`] kept. There may be hundreds of thousands, so they stay where they are until they
/// are in order.
#[derive(Debug)]
pub struct Folded {
    /// The finding; its cause is the place among those that were kept of its tunnel.
    finding: Box<Finding>,
    /// How many lie between it and its first cause.
    depth: usize,
}

impl Folded {
    /// The finding alone. Its cause is a place among those that [`rank`] has put in order.
    pub fn finding(self) -> Finding {
        *self.finding
    }
}

/// Orders what is left of the findings of all tunnels, those of each together and in the order that
/// [`fold`] gave: by severity, then cause before consequence, confidence, time, code and tunnel. So the
/// outcome does not depend on the order in which tunnels were judged.
pub fn rank(mut folded: Vec<Folded>) -> Vec<Folded> {
    // What orders them is set apart: a sort would fetch each finding many times.
    let mut order: Vec<_> = folded
        .iter()
        .enumerate()
        .map(|(place, Folded { depth, finding })| {
            (
                Reverse(finding.severity),
                *depth,
                Reverse(finding.confidence),
                finding.first,
                finding.rule.code,
                finding.tunnel,
                place,
            )
        })
        .collect();
    order.sort_unstable();
    let mut places = vec![0; folded.len()];
    for (now, (.., before)) in order.into_iter().enumerate() {
        if let Some(place) = places.get_mut(before) {
            *place = now;
        }
    }
    let (mut tunnel, mut begin) = (None, 0);
    for (place, Folded { finding, .. }) in folded.iter_mut().enumerate() {
        if finding.tunnel != tunnel {
            (tunnel, begin) = (finding.tunnel, place);
        }
        let cause = finding.cause.and_then(|cause| places.get(begin + cause));
        finding.cause = cause.copied();
    }
    arrange(&mut folded, &mut places);
    folded
}

/// Drops or demotes consequences among the findings of one tunnel; their causes take over their
/// severity.
///
/// A finding is a consequence if another, not far in time, is more than a guess
/// (or no less sure than it) and its rule [`explains`](super::Rule::explains) this one's. Then
/// - it is dropped if it cites no frame that its cause does not cite too: it adds nothing (a rule
///   that is information by nature is a hint, and stays);
/// - else it stays as [`Severity::Info`], for it has evidence of its own;
/// - and its cause becomes as grave as its gravest consequence, unless the cause is normal by its
///   rule: a scan that nobody answers is no fault.
///
/// What is left knows its nearest cause.
pub fn fold(mut findings: Vec<Finding>) -> Vec<Folded> {
    if findings.is_empty() {
        return Vec::new();
    }
    findings.sort_by_key(|finding| {
        (
            Reverse(finding.confidence),
            finding.first,
            finding.rule.code,
            finding.last,
        )
    });
    tell_once(&mut findings);
    first_causes_only(&mut findings);
    // What is well is no news beside what is not, and what is not is decided.
    if findings.iter().any(|one| one.severity > Severity::Info) {
        let idle = [outside_well::RULE.slug, undecided::RULE.slug];
        findings.retain(|one| !idle.contains(&one.rule.slug));
    }
    let links: Vec<Linked> = linked(&findings);
    let mut places = Vec::with_capacity(findings.len());
    let mut kept = 0;
    for link in &links {
        places.push(link.keep.then_some(kept));
        kept += usize::from(link.keep);
    }
    let at = |place: usize| places.get(place).copied().flatten();
    let nearest = |place: usize| links.get(place)?.cause;
    let cause = |place: usize| {
        // What was dropped hands its own cause on; a chain has no circle.
        let mut cause = nearest(place)?;
        while at(cause).is_none() {
            cause = nearest(cause)?;
        }
        at(cause)
    };
    let mut folded = Vec::with_capacity(kept);
    for (place, (finding, link)) in findings.into_iter().zip(&links).enumerate() {
        if link.keep {
            folded.push(Folded {
                depth: link.depth,
                finding: Box::new(Finding {
                    severity: link.severity,
                    cause: cause(place),
                    ..finding
                }),
            });
        }
    }
    folded
}

/// How a finding stands to the others of its tunnel.
struct Linked {
    /// What it becomes.
    severity: Severity,
    /// How many lie between it and its first cause.
    depth: usize,
    /// The place of its nearest cause.
    cause: Option<usize>,
    /// Whether it adds something to its causes.
    keep: bool,
}

/// What explains a finding, of all those of its tunnel, by place.
fn causes<'f>(one: &'f Finding, all: &'f [Finding]) -> impl Iterator<Item = (usize, &'f Finding)> {
    let all = all.iter().enumerate();
    all.filter(move |(_, cause)| is_cause(cause, one))
}

/// How each finding of a tunnel stands to the others.
fn linked(findings: &[Finding]) -> Vec<Linked> {
    let depth = |one| match causes(one, findings).next() {
        Some(_) => depth(one, findings),
        None => 0,
    };
    let depths: Vec<usize> = findings.iter().map(depth).collect();
    let link = |(one, depth): (&Finding, &usize)| {
        let mut severity = one.severity;
        if one.rule.severity > Severity::Info {
            let explained = findings.iter().filter(|other| is_cause(one, other));
            severity = explained.fold(severity, |most, other| most.max(other.severity));
        }
        if *depth == 0 {
            return Linked {
                severity,
                depth: 0,
                cause: None,
                keep: true,
            };
        }
        let hint = one.rule.severity == Severity::Info;
        // Of several causes the nearest, which is farthest from the first; of those the surest.
        let nearest = causes(one, findings)
            .max_by_key(|(place, _)| (depths.get(*place).copied(), Reverse(*place)));
        Linked {
            severity: Severity::Info,
            depth: *depth,
            cause: nearest.map(|(place, _)| place),
            keep: hint || !causes(one, findings).any(|(_, cause)| covers(cause, one)),
        }
    };
    findings.iter().zip(&depths).map(link).collect()
}

/// Leaves out what another tap shows over again, in the same words and at the same time.
fn tell_once(findings: &mut Vec<Finding>) {
    /// No path takes longer from one tap to another.
    const TRANSIT: Span = Span::from_secs(1);
    /// The input that shows something, and when.
    type Shown = (Option<u16>, Timestamp);
    let input = |finding: &Finding| finding.evidence.first().map(|cited| cited.frame.input);
    let mut inputs = findings.iter().map(input);
    let first = inputs.next();
    if inputs.all(|input| Some(input) == first) {
        return;
    }
    // When each tap last showed what is told in these words: those that are as sure stand in order of time.
    let mut told: HashMap<(&str, Text), Vec<Shown>> = HashMap::new();
    findings.retain(|one| {
        let told = told.entry((one.rule.slug, one.title.clone())).or_default();
        let tap = input(one);
        let again = told.iter().any(|(other, last)| {
            *other != tap && last.since(one.first).0.saturating_abs() <= TRANSIT.0
        });
        if !again {
            told.retain(|(other, _)| *other != tap);
            told.push((tap, one.first));
        }
        !again
    });
}

/// Takes from findings that are explained themselves what they explain only this time: so that no
/// circle comes of it.
fn first_causes_only(findings: &mut [Finding]) {
    let explained: Vec<bool> = findings
        .iter()
        .map(|one| {
            let mut others = findings.iter();
            !one.also_explains.is_empty()
                && others
                    .any(|cause| cause.rule.explains.contains(&one.rule.slug) && cause.meets(one))
        })
        .collect();
    for (finding, explained) in findings.iter_mut().zip(explained) {
        if explained {
            finding.also_explains = &[];
        }
    }
}

/// Whether what the rule of `cause` saw explains what that of `finding` saw.
fn explains(cause: &Finding, finding: &Finding) -> bool {
    let mut slugs = cause.rule.explains.iter().chain(cause.also_explains);
    slugs.any(|slug| *slug == finding.rule.slug)
}

/// How soon after its consequence a cause may show itself by ICMP: a router tells that nobody has an
/// address only when it has asked for it a few times, a second apart. What shows itself otherwise does
/// so at once, and explains nothing that was over before.
const SOON_AFTER: Span = Span::from_secs(5);

/// ESP that goes one way for longer than this before a cause shows itself did so without it: who misses the
/// answers asks anew sooner.
const BEGINS: Span = Span::from_secs(10);

/// The same where the cause is a liveness check: one each 30 s is common, and the first after the answers stopped may
/// find that the peer was heard since the one before.
const PROBES: Span = Span::from_secs(60);

/// What impairs a tunnel, or a part of it: it may be why a side gives the tunnel up and wants another, and is none
/// for closing one that works.
const IMPAIRS: [&str; 9] = [
    child_proposal_mismatch::RULE.slug,
    duplicate_tunnel::RULE.slug,
    overlapping_selectors::RULE.slug,
    pfs_mismatch::RULE.slug,
    rekey_failed::RULE.slug,
    sa_expired::RULE.slug,
    single_child_peer::RULE.slug,
    ts_unacceptable::RULE.slug,
    tunnel_flapping::RULE.slug,
];

/// Whether `cause` explains `finding`.
///
/// A guess explains nothing that is surer, but one thing: what leaves in clear is what the tunnel did not
/// carry, so whatever is wrong with the tunnel since before then is nearer to the cause.
///
/// Nothing explains what was over before it began. And what is no fault this time, though it is one by
/// its rule, such as a delete at the end of the day, is no reason for one, nor does what impairs a tunnel
/// explain that it is closed in order.
fn is_cause(cause: &Finding, finding: &Finding) -> bool {
    let is_harmless = cause.severity == Severity::Info && cause.rule.severity > Severity::Info;
    let leaks_later =
        finding.rule.slug == clear_text_leak::RULE.slug && cause.first <= finding.first;
    let late = match cause.rule.needs != Signs::NONE && cause.rule.needs.meet(Signs::ICMP) {
        true => SOON_AFTER,
        false => Span::default(),
    };
    // One way from the first packet on is what it was before anything went wrong.
    let begins = match cause.rule.slug == dpd_timeout::RULE.slug {
        true => PROBES,
        false => BEGINS,
    };
    let was_so_before =
        finding.rule.slug == esp_one_way::RULE.slug && cause.first.since(finding.first) > begins;
    let needs_no_cause = finding.in_order && IMPAIRS.contains(&cause.rule.slug);
    !is_harmless
        && !was_so_before
        && !needs_no_cause
        && cause.first.since(finding.last) <= late
        && cause.meets(finding)
        && (cause.confidence > Confidence::Possible
            || cause.confidence >= finding.confidence
            || leaks_later)
        && explains(cause, finding)
}

/// Whether `cause` cites every frame that `finding` cites.
fn covers(cause: &Finding, finding: &Finding) -> bool {
    finding.evidence.iter().all(|evidence| {
        cause
            .evidence
            .iter()
            .any(|other| other.frame == evidence.frame)
    })
}

/// How many findings lie between `finding` and its first cause, counting rules once.
fn depth(finding: &Finding, all: &[Finding]) -> usize {
    let mut depth = 0;
    let mut level: Vec<&Finding> = vec![finding];
    // A chain cannot be longer than there are rules: `explains` has no circle (tested).
    while depth < super::rules::RULES.len() {
        let causes: Vec<&Finding> = all
            .iter()
            .filter(|cause| level.iter().any(|one| is_cause(cause, one)))
            .collect();
        if causes.is_empty() {
            break;
        }
        level = causes;
        depth += 1;
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::conclude;
    use crate::diagnose::rules::{
        RULES, auth_failed, clear_text_leak, dpd_timeout, ike_no_response, ike_port_unreachable,
        mtu_black_hole, mtu_exceeded, packet_loss, path_outage, pfs_mismatch, tunnel_deleted,
    };
    use crate::diagnose::{Confidence, Finding, Rule, Severity};
    use crate::model::TunnelId;
    use crate::units::{FrameId, Timestamp};

    fn finding(rule: &'static Rule, confidence: Confidence, frame: u64, tunnel: u32) -> Finding {
        let at = (
            FrameId {
                input: 0,
                number: frame,
            },
            Timestamp(frame as i64),
        );
        Finding::new(rule, confidence, TunnelId(tunnel), at, "seen")
    }

    fn concluded(findings: Vec<Finding>) -> Vec<(&'static str, Severity)> {
        let backwards = findings.iter().rev().cloned().collect();
        let order = |findings| {
            conclude(findings)
                .iter()
                .map(|finding| (finding.rule.slug, finding.severity))
                .collect::<Vec<_>>()
        };
        let out = order(findings);
        assert_eq!(
            out,
            order(backwards),
            "the order of the input must not matter"
        );
        out
    }

    #[test]
    fn a_consequence_with_evidence_of_its_own_stays_as_information() {
        assert_eq!(
            concluded(vec![
                finding(&ike_no_response::RULE, Confidence::Likely, 1, 0),
                finding(&ike_port_unreachable::RULE, Confidence::Certain, 2, 0),
            ]),
            [
                ("ike-port-unreachable", Severity::Error),
                ("ike-no-response", Severity::Info)
            ]
        );
    }

    #[test]
    fn a_consequence_knows_its_nearest_cause_even_if_one_between_was_dropped() {
        let causes = |frames: [u64; 3]| -> Vec<(&str, Option<usize>)> {
            let [outage, silence, leak] = frames;
            let findings = vec![
                finding(&clear_text_leak::RULE, Confidence::Likely, leak, 3),
                finding(&ike_no_response::RULE, Confidence::Likely, silence, 3),
                finding(&dpd_timeout::RULE, Confidence::Likely, outage, 3),
                finding(&packet_loss::RULE, Confidence::Certain, 9, 1),
            ];
            let concluded = conclude(findings);
            let causes = concluded.iter().map(|one| (one.rule.slug, one.cause));
            causes.collect()
        };
        assert_eq!(
            causes([1, 2, 3]),
            [
                ("dpd-timeout", None),
                ("packet-loss", None),
                ("ike-no-response", Some(0)),
                ("clear-text-leak", Some(2)),
            ]
        );
        assert_eq!(
            causes([1, 1, 3]),
            [
                ("dpd-timeout", None),
                ("packet-loss", None),
                ("clear-text-leak", Some(0)),
            ]
        );
    }

    #[test]
    fn what_a_finding_explains_only_this_time_makes_no_circle() {
        let loss = || {
            let loss = finding(&packet_loss::RULE, Confidence::Certain, 1, 0);
            loss.during(Timestamp(1), Timestamp(3))
                .explaining(&["dpd-timeout"])
        };
        let silence = || finding(&dpd_timeout::RULE, Confidence::Likely, 2, 0);
        assert_eq!(
            concluded(vec![loss(), silence()]),
            [
                ("packet-loss", Severity::Error),
                ("dpd-timeout", Severity::Info)
            ]
        );
        let outage = finding(&path_outage::RULE, Confidence::Likely, 3, 0);
        assert_eq!(
            concluded(vec![loss(), silence(), outage]),
            [
                ("dpd-timeout", Severity::Error),
                ("path-outage", Severity::Info),
                ("packet-loss", Severity::Info),
            ]
        );
    }

    #[test]
    fn a_consequence_that_adds_nothing_is_dropped() {
        assert_eq!(
            concluded(vec![
                finding(&ike_no_response::RULE, Confidence::Likely, 2, 0),
                finding(&ike_port_unreachable::RULE, Confidence::Certain, 2, 0),
            ]),
            [("ike-port-unreachable", Severity::Error)]
        );
    }

    #[test]
    fn a_cause_is_as_grave_as_its_consequence() {
        assert_eq!(
            concluded(vec![
                finding(&mtu_black_hole::RULE, Confidence::Likely, 1, 0),
                finding(&mtu_exceeded::RULE, Confidence::Certain, 2, 0),
            ]),
            [
                ("mtu-exceeded", Severity::Error),
                ("mtu-black-hole", Severity::Info)
            ]
        );
    }

    #[test]
    fn only_what_icmp_tells_explains_what_was_over_before() {
        let explained = |cause: &'static Rule, over: &'static Rule, after: i64| {
            let mut late = finding(cause, Confidence::Certain, 2, 0);
            let over = finding(over, Confidence::Likely, 1, 0);
            late.first = Timestamp(over.last.0 + after * 1_000_000_000);
            late.last = late.first;
            let concluded = conclude(vec![late, over]);
            concluded.iter().any(|one| one.cause.is_some())
        };
        assert!(explained(
            &ike_port_unreachable::RULE,
            &ike_no_response::RULE,
            5
        ));
        assert!(!explained(
            &ike_port_unreachable::RULE,
            &ike_no_response::RULE,
            6
        ));
        assert!(explained(&auth_failed::RULE, &tunnel_deleted::RULE, 0));
        assert!(!explained(&auth_failed::RULE, &tunnel_deleted::RULE, 1));
    }

    #[test]
    fn what_impairs_a_tunnel_does_not_explain_that_it_is_closed_in_order() {
        let explained = |cause: &'static Rule, in_order: bool| {
            let mut closed = finding(&tunnel_deleted::RULE, Confidence::Certain, 2, 0);
            closed.in_order = in_order;
            let cause = finding(cause, Confidence::Certain, 1, 0);
            let concluded = conclude(vec![cause, closed]);
            concluded.iter().any(|one| one.cause.is_some())
        };
        assert!(explained(&pfs_mismatch::RULE, false));
        assert!(!explained(&pfs_mismatch::RULE, true));
        // Who cannot authenticate closes what it began.
        assert!(explained(&auth_failed::RULE, true));
    }

    #[test]
    fn a_guess_explains_nothing_that_is_surer_and_no_tunnel_explains_another() {
        let unexplained = [
            ("ike-port-unreachable", Severity::Error),
            ("ike-no-response", Severity::Error),
        ];
        for (confidence, tunnel) in [(Confidence::Possible, 0), (Confidence::Certain, 1)] {
            let mut found = concluded(vec![
                finding(&ike_no_response::RULE, Confidence::Likely, 1, 0),
                finding(&ike_port_unreachable::RULE, confidence, 2, tunnel),
            ]);
            found.sort_by_key(|(slug, _)| std::cmp::Reverse(*slug));
            assert_eq!(found, unexplained);
        }
    }

    #[test]
    fn what_leaves_in_clear_follows_from_what_is_only_guessed_of_the_tunnel() {
        let order = |guess: u64, leak: u64| {
            let found = concluded(vec![
                finding(&clear_text_leak::RULE, Confidence::Likely, leak, 0),
                finding(&dpd_timeout::RULE, Confidence::Possible, guess, 0),
            ]);
            found.first().map(|(slug, _)| *slug)
        };
        assert_eq!(order(1, 2), Some("dpd-timeout"));
        assert_eq!(order(2, 1), Some("clear-text-leak"), "it was there before");
    }

    #[test]
    fn what_a_rule_explains_exists_and_never_explains_it_back() {
        fn follow(slug: &str, seen: &mut Vec<String>) {
            assert!(
                !seen.contains(&slug.to_string()),
                "{seen:?} lead back to {slug}"
            );
            let rule = RULES.iter().find(|rule| rule.slug == slug);
            seen.push(slug.to_string());
            for next in rule.unwrap().explains {
                follow(next, seen);
            }
            seen.pop();
        }
        for rule in RULES {
            follow(rule.slug, &mut Vec::new());
        }
    }

    #[test]
    fn every_code_and_slug_is_given_once_and_codes_stand_in_order() {
        for pair in RULES.windows(2) {
            assert_ne!(pair[0].slug, pair[1].slug);
        }
        let mut codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), RULES.len());
        let mut slugs: Vec<&str> = RULES.iter().map(|rule| rule.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), RULES.len());
    }

    #[test]
    fn every_rule_has_a_document_with_the_four_headings() {
        for rule in RULES {
            for heading in [
                "## What it means\n",
                "## How it is seen\n",
                "## What else looks like it\n",
                "## What to do\n",
            ] {
                assert!(rule.document.contains(heading), "{}: {heading}", rule.slug);
            }
        }
    }
}
