//! Round trips became much longer within the capture, or are long throughout.

use crate::diagnose::facts::taps;
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{Exchange, Flight, Message, Model, TunnelId};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "high-latency",
    code: "ESP420",
    severity: Severity::Warning,
    summary: "Round trips through the tunnel became much longer",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::SLOW.or(Signs::INSIDE),
    check,
};

const DOCUMENT: &str = "\
## What it means
Packets need much longer than before from one gateway to the other and back: the path changed, or a queue on it is full. Or they need long throughout.

## How it is seen
The shortest round trip of several is compared, which load and busy gateways hardly touch: of liveness checks of IKE (INFORMATIONAL requests and their responses), and, with the keys of ESP or without encryption, of ICMP echo and TCP handshakes inside. A step is told if even the shortest of the later ones is many times the longest usual before; so is a rise that passes, if it lasted. Of IKE two before do, the setup of the IKE SA among them, if they are shorter by far: then it is possible, and likely where what is inside takes as long. Long round trips from the beginning are told as information. Each side is judged by what it asks itself, since a tap beside a gateway sees the path only in that; a request that was sent again tells nothing. Where another tap, nearer to who answers, has the answers at once all the while, the delay lies between the two taps; where round trips inside rise as well, it is the path.

## What else looks like it
A gateway that answers IKE slowly, while ESP passes it at once: compare with the round trips inside. Hosts that answer late.

## What to do
1. Trace the path between the gateways at the time printed (`mtr`), from both sides.
2. If the delay comes and goes with the load, look for the link that is full, and shape the traffic before it.
";

/// Round trips on either side of a step.
const ENOUGH: usize = 4;

/// So many exchanges of an IKE SA set it up.
const SETUPS: usize = 2;

/// The later floor must be so many times the earlier, and longer by so much.
const FACTOR: i64 = 4;
const STEP: Span = Signs::SLOWLY;

/// So many times the earlier, where fewer are known of those.
const WIDE: i64 = 16;

/// Round trips around the world take less; satellites in high orbits take more.
const LONG: Span = Span::from_millis(400);

/// A round trip and when it ended.
type Sample = (Cite, Span);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let checks = of_ike(case);
    let inner = inside(case);
    let (of_checks, of_inner) = (
        "liveness checks of IKE",
        "echo and TCP handshakes inside the tunnel",
    );
    // What is inside stands for what users feel; IKE tells the path from the hosts.
    by_asker(case, &checks)
        .find_map(|samples| step(case.id, &samples, ("exchanges of IKE", SETUPS)))
        .map(|(finding, high)| of_path(case, finding, high, &inner))
        .or_else(|| Some(step(case.id, &inner, (of_inner, ENOUGH))?.0.or(LATE)))
        .or_else(|| long(case.id, checks.iter().map(|(_, sample)| *sample), of_checks))
        .or_else(|| long(case.id, inner.iter().copied(), of_inner))
        .into_iter()
        .collect()
}

/// What looks like a path that became longer.
const LATE: &str = "The other side answers late since then, while the path is as before.";

/// A step of IKE, and whether it is the path's: a tap nearer the one who answers still has the answers at once,
/// or the round trips inside rose as well.
fn of_path(case: &Case<'_>, mut finding: Finding, high: Span, inner: &[Sample]) -> Finding {
    /// Of what the other tap sees the path beyond it is left.
    const PART: i64 = 10;
    let far = answered_behind(case, &finding);
    if let Some((tap, longest)) = far.filter(|(_, rtt)| rtt.0.saturating_mul(PART) <= high.0) {
        finding.says.add(say!(
            "At {tap} the answers came within {longest} all the while: the delay lies between the two taps.",
            tap = taps::name(case.model, tap),
            longest
        ));
        return finding;
    }
    let as_long = |least: Span| least.0.saturating_mul(2) >= high.0;
    if let Some((inside, also)) = step(case.id, inner, ("", ENOUGH))
        && as_long(also)
        && inside.first <= finding.last
        && finding.first <= inside.last
    {
        finding.says.add(say!(
            "Round trips inside the tunnel rose, too, to {high} and more.",
            high = also
        ));
        return finding;
    }
    let Some(least) = floor_inside(inner, &finding).filter(|least| as_long(*least)) else {
        return finding.or(LATE);
    };
    finding.confidence = Confidence::Likely;
    finding.says.add(say!(
        "Round trips inside the tunnel took {least} and more then.",
        least
    ));
    finding
}

/// The shortest of enough round trips inside since a step.
fn floor_inside(inner: &[Sample], finding: &Finding) -> Option<Span> {
    let since = inner.iter().filter(|((_, at), _)| *at >= finding.first);
    let since: Vec<Span> = since.map(|(_, rtt)| *rtt).collect();
    since
        .iter()
        .min()
        .copied()
        .filter(|_| since.len() >= ENOUGH)
}

/// The tap beside the one who answers, and how long it took there at most, of the liveness checks that a finding
/// is about.
fn answered_behind(case: &Case<'_>, finding: &Finding) -> Option<(Vantage, Span)> {
    let is_check = |exchange: &&Exchange| exchange.kind == ExchangeType::INFORMATIONAL;
    let mut longest: Option<(Vantage, Span)> = None;
    for exchange in case.exchanges().filter(is_check) {
        let Some((asker, (at, _))) = round_trip(case.model, exchange) else {
            continue;
        };
        if !(finding.first..=finding.last).contains(&at.1) {
            continue;
        }
        let [request, response] = &*exchange.flights else {
            continue;
        };
        let copies = |flight: &Flight| -> Vec<&Message> {
            let all = flight
                .first()
                .into_iter()
                .chain(flight.elsewhere.iter().copied());
            all.map(|id| &case.model.messages[id])
                .filter(|message| message.vantage != asker.0)
                .collect()
        };
        let (asked, answers) = (copies(request), copies(response));
        let there = asked.iter().find_map(|asked| {
            let answer = answers
                .iter()
                .find(|answer| answer.vantage == asked.vantage)?;
            Some((asked.vantage, answer.time.since(asked.time)))
        })?;
        if longest.is_none_or(|(_, known)| known < there.1) {
            longest = Some(there);
        }
    }
    longest
}

/// Who asks, as a tap sees it.
type Asker = (Vantage, IpAddr);

/// Round trips, each with who asked.
type Asked = Vec<(Asker, Sample)>;

/// The round trips of liveness checks by who asked, in order: a tap beside one gateway sees the path only in
/// what that one asks. None where too few are so long as to make a step, or to be long throughout.
fn of_ike(case: &Case<'_>) -> Asked {
    let is_check = |exchange: &&Exchange| exchange.kind == ExchangeType::INFORMATIONAL;
    let checks = case.exchanges().filter(is_check);
    let mut checks: Asked = checks
        .filter_map(|exchange| round_trip(case.model, exchange))
        .collect();
    if !has_slow(&checks) {
        return Asked::new();
    }
    checks.sort_unstable();
    checks
}

/// Whether enough of them are so long that they may be the later part of a step.
fn has_slow(checks: &[(Asker, Sample)]) -> bool {
    let slow = checks.iter().filter(|(_, (_, rtt))| *rtt >= STEP);
    slow.count() >= ENOUGH
}

/// The round trips of each asker, in order, where they may show a step.
///
/// The first two exchanges of the first IKE SA, which may take longer for their arithmetic but never
/// less than the path does, come before its liveness checks, and never among the later ones of a step:
/// those of a later IKE SA are left out.
fn by_asker(case: &Case<'_>, checks: &[(Asker, Sample)]) -> impl Iterator<Item = Vec<Sample>> {
    let askers = checks.chunk_by(|(one, _), (other, _)| one == other);
    let askers = askers.filter(|checks| has_slow(checks));
    askers.filter_map(|checks| {
        let (asker, (begin, _)) = checks.first()?;
        let mut samples = setups(case, asker);
        samples.retain(|((_, time), _)| *time < begin.1);
        samples.sort_unstable();
        samples.truncate(SETUPS);
        samples.extend(checks.iter().map(|(_, sample)| *sample));
        Some(samples)
    })
}

/// The round trips of the first exchanges of each IKE SA that this asker began.
fn setups(case: &Case<'_>, asker: &Asker) -> Vec<Sample> {
    let first = case
        .ike_sas()
        .flat_map(|sa| sa.exchanges.iter().take(SETUPS));
    first
        .filter_map(|id| {
            let exchange = &case.model.exchanges[*id];
            let sets_up = matches!(
                exchange.kind,
                ExchangeType::IKE_SA_INIT | ExchangeType::IKE_AUTH
            );
            let (by, sample) = sets_up.then(|| round_trip(case.model, exchange))??;
            (by == *asker).then_some(sample)
        })
        .collect()
}

/// Who asked, where it was recorded, and the round trip; `None` if a request was sent again.
fn round_trip(model: &Model, exchange: &Exchange) -> Option<(Asker, Sample)> {
    let [request, response] = &*exchange.flights else {
        return None;
    };
    // A request that was sent again tells no round trip.
    if !request.again.is_empty() {
        return None;
    }
    let asked = &model.messages[request.first()?];
    // With two taps each message is first seen at the one beside its sender.
    let copies = response
        .first()
        .into_iter()
        .chain(response.elsewhere.iter().copied());
    let answer = copies
        .map(|id| &model.messages[id])
        .find(|answer| answer.vantage == asked.vantage)?;
    let rtt = answer.time.since(asked.time);
    let asker = (asked.vantage, asked.path.from().address);
    (rtt.0 > 0).then_some((asker, ((answer.frame, answer.time), rtt)))
}

/// The round trips inside, in order: those of one pair of hosts, the one with most of them.
fn inside(case: &Case<'_>) -> Vec<Sample> {
    let Some(inside) = case.inside() else {
        return Vec::new();
    };
    let mut pairs = BTreeMap::new();
    for asking in inside.asked_once() {
        let key = (asking.talk.vantage, asking.from.address, asking.to.address);
        let rows: &mut Vec<Sample> = pairs.entry(key).or_default();
        rows.extend(asking.out.rtts.iter().map(|row| (row.at, row.rtt)));
    }
    let longest = pairs.into_values().max_by_key(Vec::len);
    let mut found = longest.unwrap_or_default();
    found.sort_unstable();
    without_bursts(found)
}

/// The samples, where of answers that came in one burst the first stands for all: what was asked while the other side
/// hung, or its queue stood still, waits for the same moment, and tells of one wait and not of many.
fn without_bursts(samples: Vec<Sample>) -> Vec<Sample> {
    /// Answers come as far apart as the requests did, where the way is longer.
    const DENSER: i64 = 4;
    /// So many that came close to one another by chance do not end a burst.
    const STRAY: usize = 16;
    let asked = |((_, at), rtt): &Sample| Timestamp(at.0.saturating_sub(rtt.0));
    let mut left = Vec::with_capacity(samples.len());
    let mut rest = samples.as_slice();
    while let Some(first) = rest.first() {
        let begins = first.0.1;
        let together = rest.iter().take_while(|sample| asked(sample) <= begins);
        let mut burst = 1;
        for (number, sample) in (1..).zip(together) {
            let answers = sample.0.1.since(begins).0;
            let requests = asked(sample).since(asked(first)).0;
            if answers.saturating_mul(DENSER) <= requests {
                burst = number;
            }
            if number >= burst + STRAY {
                break;
            }
        }
        left.push(*first);
        rest = rest.get(burst..).unwrap_or_default();
    }
    left
}

/// Where the floor rises: the place at which the shortest later one most exceeds the usual before; and that one. So many
/// before do, if they are shorter by far.
fn step(
    tunnel: TunnelId,
    samples: &[Sample],
    (what, least): (&'static str, usize),
) -> Option<(Finding, Span)> {
    let risen = match rise(samples, least) {
        Some(place) => place..samples.len(),
        None => hill(samples)?,
    };
    let passed = risen.end < samples.len();
    let (before, later) = (samples.get(..risen.start)?, samples.get(risen)?);
    let floor = |part: &[Sample]| part.iter().copied().min_by_key(|(_, rtt)| *rtt);
    let (low, high) = (floor(before)?, floor(later)?);
    let (first, last) = (later.first()?, later.last()?);
    let finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(before.len() < ENOUGH),
        tunnel,
        first.0,
        say!("answered after {rtt}", rtt = first.1),
    )
    .beside(low.0, say!("answered after {rtt}, before", rtt = low.1))
    .also(
        high.0,
        say!("answered after {rtt}, the shortest since", rtt = high.1),
    )
    .during(first.0.1, last.0.1)
    .title(say!(
        "Round trips rose from {low} to {high} and more",
        low = low.1,
        high = high.1
    ))
    .says(
        say!(
            "Of {before} {what} the shortest took {low}; of the {later} that followed none took \
             less than {high}.",
            before = before.len(),
            what,
            low = low.1,
            later = later.len(),
            high = high.1
        )
        .then(match passed {
            true => "Then it was over.",
            false => "",
        }),
    )
    .advise(
        "Trace the path between the gateways from both sides, and look what changed at that \
             time.",
    )
    .advise("If the delay follows the load, look for the link that is full.");
    Some((finding, high.1))
}

/// The first sample of the later part, if there is such a step.
fn rise(samples: &[Sample], least: usize) -> Option<usize> {
    // Floors of everything from each place on.
    let mut floors: Vec<Span> = samples
        .iter()
        .rev()
        .scan(Span(i64::MAX), |floor, (_, rtt)| {
            *floor = (*floor).min(*rtt);
            Some(*floor)
        })
        .collect();
    floors.reverse();
    let mut usual = Span::default();
    for (place, ((_, rtt), after)) in samples.iter().zip(&floors).enumerate() {
        // No packet is faster than the path, so that a few show how short it was.
        let far = is_far(*after, usual);
        let enough = place >= ENOUGH || place >= least && after.0 >= usual.0.saturating_mul(WIDE);
        if far && enough && samples.len() - place >= ENOUGH {
            return Some(place);
        }
        usual = usual.max(*rtt);
    }
    None
}

/// Whether a round trip is far above the longest usual one.
fn is_far(rtt: Span, usual: Span) -> bool {
    rtt.0 >= usual.0.saturating_mul(FACTOR) && rtt.0 - usual.0 >= STEP.0
}

/// The samples of a rise that passed: so many in a row, and for so long, that it was no busy moment.
fn hill(samples: &[Sample]) -> Option<Range<usize>> {
    /// A gateway may be busy with a few of them.
    const MANY: usize = 2 * ENOUGH;
    const LASTING: Span = Span::from_secs(10);
    let mut usual = Span::default();
    let mut highest = Span::default();
    let mut begins = 0;
    let mut since = None;
    for (place, (at, rtt)) in samples.iter().enumerate() {
        if place >= ENOUGH && is_far(*rtt, usual) {
            since = since.or(Some(at.1));
            highest = highest.max(*rtt);
            continue;
        }
        let lasted = since.is_some_and(|since| at.1.since(since) >= LASTING);
        if lasted && place - begins >= MANY {
            return Some(begins..place);
        }
        usual = usual.max(highest).max(*rtt);
        (highest, since, begins) = (Span::default(), None, place + 1);
    }
    None
}

/// Long from the beginning: worth a line, no more.
fn long(
    tunnel: TunnelId,
    samples: impl Iterator<Item = Sample> + Clone,
    what: &'static str,
) -> Option<Finding> {
    let (least, at) = samples.clone().map(|(at, rtt)| (rtt, at)).min()?;
    let number = samples.clone().count();
    if number < ENOUGH || least < LONG {
        return None;
    }
    let times = samples.map(|((_, time), _)| time);
    let (first, last) = (times.clone().min()?, times.max()?);
    Some(
        Finding::new(
            &RULE,
            Confidence::Certain,
            tunnel,
            at,
            say!("answered after {rtt}, the shortest of all", rtt = least),
        )
        .severity(Severity::Info)
        .during(first, last)
        .title(say!("Round trips take {least} and more", least))
        .says(say!(
            "None of {number} {what} took less than {least}.",
            number,
            what,
            least
        ))
        .or("A path by satellite.")
        .advise("Trace the path between the gateways, if this is more than the distance explains."),
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{findings, fires, is_healthy, silent, verdict};

    fn checks(rtts: &[f64]) -> String {
        let lines: Vec<String> = rtts
            .iter()
            .enumerate()
            .map(|(n, rtt)| {
                let time = 2.0 + 10.0 * n as f64;
                format!(
                    "{time} A:500 > B:500 INFORMATIONAL i=1 r=2 id={n} request sealed 80
                     {} B:500 > A:500 INFORMATIONAL i=1 r=2 id={n} response sealed 80",
                    time + rtt
                )
            })
            .collect();
        lines.join("\n")
    }

    /// The same at a tap beside the one who answers, at once.
    fn beside_answerer(rtts: &[f64]) -> String {
        let lines = rtts.iter().enumerate().map(|(n, rtt)| {
            let time = 2.0 + 10.0 * n as f64 + rtt / 2.0;
            format!(
                "{time} A:500 > B:500 INFORMATIONAL i=1 r=2 id={n} request sealed 80 tap=1
                 {} B:500 > A:500 INFORMATIONAL i=1 r=2 id={n} response sealed 80 tap=1\n",
                time + 0.001
            )
        });
        lines.collect()
    }

    #[test]
    fn who_answers_at_once_at_its_own_tap_is_not_late() {
        const RTTS: [f64; 12] = [
            0.02, 0.02, 0.03, 0.02, 0.02, 0.4, 0.41, 0.4, 0.42, 0.4, 0.4, 0.41,
        ];
        let one = fires(&checks(&RTTS), "high-latency");
        assert_eq!(one.alternatives.len(), 1);
        let both = format!("{}\n{}", checks(&RTTS), beside_answerer(&RTTS));
        let two = fires(&both, "high-latency");
        assert!(two.alternatives.is_empty(), "{}", two.says);
    }

    #[test]
    fn the_floor_rises_and_stays() {
        let rtts = [0.03, 0.031, 0.04, 0.03, 0.033, 0.19, 0.2, 0.21, 0.19, 0.25];
        verdict(&checks(&rtts), "high-latency");
    }

    #[test]
    fn a_few_at_once_before_show_that_the_path_was_short() {
        use crate::diagnose::Confidence;
        let few = |usual: f64| checks(&[usual, usual, 0.4, 0.41, 0.4, 0.42]);
        let finding = fires(&few(0.004), "high-latency");
        assert_eq!(finding.confidence, Confidence::Possible);
        silent(&few(0.04), "high-latency");
        silent(&checks(&[0.004, 0.4, 0.41, 0.4, 0.42, 0.4]), "high-latency");
        // What is inside takes as long.
        let inside = "\n23 A > B ESP 0xb1 seq 1..20 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             23.3 B > A ESP 0xa1 seq 1..20 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)";
        let finding = fires(&(few(0.004) + inside), "high-latency");
        assert_eq!(finding.confidence, Confidence::Likely);
        // Hosts may take their time: a few of them do not show the path.
        let hosts = "1 A > B ESP 0xb1 seq 1..10 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             1.004 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
             3.3 B > A ESP 0xa1 seq 3..10 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/3)";
        silent(hosts, "high-latency");
    }

    #[test]
    fn both_ask_and_only_one_of_them_has_the_path_between() {
        let text = |first: f64, rtts: &[f64]| {
            let others: Vec<String> = (0..9)
                .map(|n| {
                    let time = 5.0 + 10.0 * f64::from(n);
                    format!(
                        "{time} B:500 > A:500 INFORMATIONAL i=1 r=2 id={n} request by=responder sealed 80
                         {} A:500 > B:500 INFORMATIONAL i=1 r=2 id={n} response sealed 80",
                        time + 0.0005
                    )
                })
                .collect();
            let up = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {} B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 1 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 1.03 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240",
                first
            );
            let own = checks(rtts)
                .replace("id=0", "id=20")
                .replace("id=1 ", "id=21 ");
            format!("{up}\n{own}\n{}", others.join("\n"))
        };
        let step = [0.02, 0.03, 0.4, 0.41, 0.4, 0.42];
        verdict(&text(0.03, &step), "high-latency");
        // As slow from the beginning; too few afterwards.
        silent(&text(0.4, &step), "high-latency");
        silent(&text(0.03, &step[..5]), "high-latency");
    }

    #[test]
    fn a_rise_that_passes_is_told_if_it_lasted() {
        let rtts = |high: usize| {
            let parts = [(0.03, 6), (0.2, high), (0.031, 6)];
            let parts = parts.map(|(rtt, times)| vec![rtt; times]);
            checks(&parts.concat())
        };
        let says = fires(&rtts(8), "high-latency").says.to_string();
        assert!(says.contains("8 that followed none"), "{says}");
        assert!(says.ends_with("Then it was over."), "{says}");
        silent(&rtts(7), "high-latency");
    }

    #[test]
    fn a_few_slow_answers_are_no_step() {
        for rtts in [
            [0.03, 0.03, 0.03, 0.03, 0.03, 0.19, 0.2, 0.21, 0.19, 0.031],
            [0.03, 0.19, 0.03, 0.2, 0.03, 0.19, 0.03, 0.21, 0.03, 0.19],
            [0.03, 0.03, 0.03, 0.03, 0.03, 0.06, 0.06, 0.06, 0.06, 0.06],
            [
                0.001, 0.001, 0.001, 0.001, 0.001, 0.02, 0.02, 0.02, 0.02, 0.02,
            ],
        ] {
            silent(&checks(&rtts), "high-latency");
        }
    }

    #[test]
    fn a_long_way_is_worth_a_line() {
        let text = checks(&[0.61, 0.62, 0.6, 0.63, 0.61]);
        fires(&text, "high-latency");
        assert!(is_healthy(&findings(&text)));
    }

    #[test]
    fn the_step_is_seen_inside_too() {
        verdict(
            "1 A > B ESP 0xb1 seq 1..20 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             1.02 B > A ESP 0xa1 seq 1..10 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
             11.3 B > A ESP 0xa1 seq 11..20 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/11)",
            "high-latency",
        );
    }

    #[test]
    fn what_was_asked_while_the_other_side_hung_is_one_round_trip() {
        let text = |replies: &str| {
            format!(
                "1 A > B ESP 0xb1 seq 1..30 every 0.4 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.02 B > A ESP 0xa1 seq 1..10 every 0.4 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
                 {replies}"
            )
        };
        // All at once, in the midst of which the recording ends.
        silent(
            &text("13 B > A ESP 0xa1 seq 11..20 every 0.001 inner(10.2.0.1 > 10.1.0.1 reply 7/11)"),
            "high-latency",
        );
        // As far apart as they were asked.
        fires(
            &text("8 B > A ESP 0xa1 seq 11..30 every 0.4 inner(10.2.0.1 > 10.1.0.1 reply 7/11)"),
            "high-latency",
        );
    }

    #[test]
    fn ike_sas_that_take_long_to_set_up_are_no_longer_way() {
        let setups: Vec<String> = (2..6)
            .map(|n| {
                format!(
                    "{n}00.0 A:500 > B:500 IKE_SA_INIT i=9{n} r=0 id=0 request SA(DH14) KE(14) Nonce
                     {n}00.4 B:500 > A:500 IKE_SA_INIT i=9{n} r=8{n} id=0 response SA(DH14) KE(14) Nonce
                     {n}00.5 A:500 > B:500 IKE_AUTH i=9{n} r=8{n} id=1 request sealed 256
                     {n}00.9 B:500 > A:500 IKE_AUTH i=9{n} r=8{n} id=1 response sealed 240"
                )
            })
            .collect();
        silent(
            &format!("{}\n{}", checks(&[0.02; 6]), setups.join("\n")),
            "high-latency",
        );
    }
}
