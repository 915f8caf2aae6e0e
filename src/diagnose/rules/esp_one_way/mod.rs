//! ESP goes out and none comes back, while IKE works both ways.

mod apart;
mod between_taps;
mod for_a_while;
mod one_child;
mod pattern;
mod silence;
#[cfg(test)]
mod tests;
mod until_renewed;
mod words;

use crate::diagnose::facts::esp::Directions;
use crate::diagnose::facts::{Tap, end_of, leak};
use crate::diagnose::rules::asymmetric_return;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::EspFlow;
use crate::say;
use crate::units::Span;
use apart::{Of, clients, sets};
use between_taps::Loss;
use for_a_while::for_a_while;
use one_child::{one_child, one_unpaired};
use pattern::paused;
use silence::Silence;
use std::borrow::Cow;
use std::cell::LazyCell;
use until_renewed::until_renewed;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-one-way",
    code: "ESP401",
    severity: Severity::Error,
    summary: "ESP flows in one direction only",
    document: DOCUMENT,
    explains: &[
        "clear-text-leak",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
The tunnel is up, one gateway sends ESP, and nothing of the other arrives. Either the return traffic is lost on the way, or the far side has nothing to say, or sends it elsewhere.

## How it is seen
IKE messages pass in both directions, so the tap hears both sides; or both sent ESP at length before. ESP packets of one direction are many; of the other there are none, or they ended while the first go on. It weighs more if the silent direction carried traffic before. Where each packet had one of its size in return, a few seconds are enough if as many packets as came then, at the same pace, are hardly left without an answer by chance: a warning that is possible. Where several child SAs share the gateways, and the keys of IKE tell their selectors, each set of selectors is judged by itself. One child SA of several is judged alike, if the others pass in both directions and bring nothing that was not asked for there. Where the recording does not show which SAs belong together, it counts that fewer come back than go there, and that what comes is no more than what goes in the others, where packets of that size are answered: that is told for information, and as a warning if one of them ended or keys show requests. With the keys of ESP what is sent tells whether it wants an answer. A silence may end when the SAs are renewed: where each packet had one in return before and has one on the new SAs from the first on, that is a warning. So it is where ESP has no answer for ten seconds and more, though IKE of the silent side comes meanwhile, and has one again on the same SAs: each packet had one before and afterwards, or keys show echo requests without a reply. Two taps prove where answers end: what leaves one and never reaches the other is lost between them, of all SAs or of one; where all that is asked reaches the far tap and no answer leaves there, it is the far gateway or what is behind it.

## What else looks like it
An application that only sends, such as a stream over UDP: large, or fast and steady, and never answered it is taken for one, and mentioned as information. So is what is fast and of another size than what was answered before. Something that reports now and then, such as syslog: few packets of many sizes are a warning and no more. Reports that are all alike cannot be told from pings without an answer: where they come as often as pings it is an error that is possible, else a warning, as it is of a handful, unless packets of that size were answered before. Hosts behind the far gateway that do not answer. A route or NAT at the far side that sends answers past the tunnel. A far gateway whose ESP comes from another address than its IKE: where as many packets came from one of which no IKE is seen, at the same times, it is information. Another tunnel that holds as many packets of the other direction alone, at the same times, may have the answers, or what is answered: then it is a warning, and asymmetric-return tells it with keys. A filter on IP protocol 50 in one direction. A device that drops ESP in frames that are longer than the packet in them: Ethernet fills up short ones.

## What to do
1. Capture at the far gateway's outside port: does it send ESP back? If yes, a filter between eats it: permit IP protocol 50, or UDP 4500.
2. If not, capture at its inside: do answers arrive there? Check routes, NAT exemptions and the policy for the inner addresses.
";

/// Fewer packets than these prove nothing.
const PLENTY: u64 = 10;

/// So few do where they are all alike, for a while, and nothing ever came back: a connection attempt of TCP is
/// repeated half a dozen times.
const FEW: u64 = 5;

/// So many packets a second are sent by nobody who waits for answers.
const FAST: f64 = 10.0;

/// A direction that spoke before is silent when the other went on this long, and with this many
/// packets.
const SILENT: Span = Span::from_secs(10);

/// Where each packet had an answer, a shorter silence counts that chance makes of as many packets so seldom.
const SELDOM: f64 = 1e-4;

fn check<'m>(case: &Case<'m>) -> Vec<Finding> {
    let tap = case.tap();
    if tap.deaf.contains(&true) {
        return Vec::new();
    }
    let sets = LazyCell::new(|| sets(case));
    case.directions()
        .iter()
        .find_map(|directions| {
            let one_way = |directions: &Directions<'m>, of: Of<'_>| {
                let mut ends = [0, 1].into_iter();
                ends.find_map(|silent| one_way(case, tap, directions, silent, of))
            };
            let of_one_set = || {
                let known = |flow: &EspFlow| sets.iter().any(|set| set.has(flow));
                if !directions.all().all(known) {
                    return None;
                }
                let mut of = sets.iter().map(Of::Set);
                of.find_map(|of| one_way(&directions.only(|flow| of.has(flow)), of))
            };
            let of_one_client = || {
                let mut of = clients(case, directions).into_iter();
                of.find_map(|of| one_way(&directions.only(|flow| of.has(flow)), of))
            };
            one_way(directions, Of::All)
                .or_else(of_one_set)
                .or_else(of_one_client)
        })
        .or_else(|| {
            let mut directions = case.directions().iter();
            directions.find_map(|directions| {
                one_child(case, tap, directions).or_else(|| one_unpaired(case, tap, directions))
            })
        })
        .or_else(|| {
            let mut directions = case.directions().iter();
            directions.find_map(|directions| until_renewed(case, directions))
        })
        .or_else(|| {
            let mut directions = case.directions().iter();
            directions.find_map(|directions| for_a_while(case, directions))
        })
        .into_iter()
        .collect()
}

/// Whether messages of both ends were recorded at the vantage of these flows.
fn ike_passes_both_ways(case: &Case<'_>, directions: &Directions<'_>) -> bool {
    [0, 1].into_iter().all(|end| {
        case.messages()
            .filter(|message| message.vantage == directions.vantage)
            .any(|message| end_of(case.tunnel, message.path.from().address) == Some(end))
    })
}

/// ESP to the end `silent` goes unanswered: nothing comes from there.
fn one_way<'m>(
    case: &Case<'m>,
    tap: &Tap,
    directions: &Directions<'m>,
    silent: usize,
    of: Of<'_>,
) -> Option<Finding> {
    let silence = Silence::of(case, Cow::Borrowed(directions), silent, of)?;
    let proven = silence.is_proven();
    if silence.passes_elsewhere() || !proven && !silence.is_long_enough() {
        return None;
    }
    // Answers that were found elsewhere are no riddle: another rule tells where.
    let found_elsewhere =
        || leak::leave_from(case, silent) || asymmetric_return::answers_elsewhere(case, silent);
    if !proven && found_elsewhere() {
        return None;
    }
    let traffic = silence.traffic();
    // Without IKE only a conversation shows that the tap hears both.
    let heard = || {
        traffic.conversed
            || traffic.requests.is_some() && silence.before >= PLENTY
            || silence.is_no_chance()
    };
    if !proven && !heard() && !silence.ike() {
        return None;
    }
    let mut finding = silence.finding(tap, &traffic);
    // All that stands for it then is how the packets lie.
    let by_packets = || !traffic.conversed && traffic.requests.is_none() && !silence.ike();
    if !proven && (silence.is_brief() || by_packets()) {
        finding = silence.by_packets(finding);
    }
    // What was read is not told by selectors: it counts where all SAs are judged together.
    if silence.is_all()
        && !proven
        && let Some((to, service)) = silence.reports_inside()
    {
        let Some(service) = service else {
            finding.says.add(say!(
                "Opened, they are UDP to {to}, a port of no service, which had no answer in this capture.",
                to
            ));
            finding.confidence = Confidence::Possible;
            finding.severity = finding.severity.min(Severity::Warning);
            return Some(silence.unexplained(finding, &traffic));
        };
        finding.says.add(say!(
            "Opened, they are {service} to {to}, which wants no answer.",
            service = Text::verbatim(service),
            to
        ));
        return Some(finding.severity(Severity::Info));
    }
    if silence.is_all()
        && !proven
        && traffic.requests.is_none()
        && let Some(asking) = silence.answered_elsewhere()
    {
        finding.says.add(say!(
            "Opened, {from} goes on with a connection to {to} as one does that was answered: the answers come by another \
             way.",
            from = asking.from.address,
            to = asking.to
        ));
        return Some(
            finding
                .severity(Severity::Info)
                .advise("Record the other way as well: a second tunnel, or another gateway."),
        );
    }
    if silence.is_all()
        && !proven
        && let Some(half) = asymmetric_return::other_half(case, directions, silent)
    {
        return Some(silence.in_two_tunnels(finding, &half));
    }
    // Who was silent as long before, and came back, may do so again.
    if let Some(paused) = paused(silence.asks(), silence.answers(), silence.length()) {
        finding.severity = finding.severity.min(Severity::Warning);
        finding.says.add(say!(
            "It was silent for {paused} before, while packets went to it, and came back.",
            paused
        ));
    }
    Some(match silence.loss() {
        Some(Loss::All(located)) => silence.all_lost(finding, located),
        Some(Loss::Since(vanished)) => silence.vanished(finding, vanished),
        Some(Loss::There(vanished, far)) => silence.vanished_there(finding, vanished, *far),
        None => silence.unexplained(finding, &traffic),
    })
}
