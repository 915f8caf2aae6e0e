//! Packets are lost whenever the rate exceeds a limit, and only then.

use super::packet_loss;
use crate::diagnose::facts::Located;
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{EspFlow, Transport};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "rate-limited",
    code: "ESP435",
    severity: Severity::Warning,
    summary: "Packets are lost above a certain rate",
    document: DOCUMENT,
    explains: &["packet-loss"],
    needs: Signs::LOSS,
    check,
};

const DOCUMENT: &str = "\
## What it means
A link or gateway passes so many octets a second and throws away what exceeds them: the bandwidth that was bought, a shaper, a slow line. Bursts lose packets, and what uses TCP slows down.

## How it is seen
Second by second, sequence numbers are missing only where the rate is near its highest; what arrives then is nearly the same amount each time, whatever was sent. Slower seconds carry enough packets that loss by chance would have shown there. A burst may pass whole for a moment before, where what limits it saves up what slow moments leave.

## What else looks like it
A full queue of a shared line at the busiest hour. A capture that cannot keep up drops packets when the rate is high as well; then both directions lose. Where the other one has too few packets to show it, and the rate is high, this is told for information only.

## What to do
1. Compare the rate with the bandwidth of the gateway and of the line.
2. Shape to nine tenths of it before the gateway, or buy more.
";

/// Steps with loss, and without, that make a series.
const STEPS: usize = 5;

/// So few steps with loss will do if they received this share of the highest rate: the same.
const FEW: usize = 2;
const ALIKE: f64 = 0.95;

/// A slow step has at most this share of the highest rate.
const SLOW: f64 = 0.75;

/// A lossy step receives at least this share of the highest rate: the plateau.
const PLATEAU: f64 = 0.85;

/// Bursts of loss that slow steps would have had by chance: the odds of none are then below
/// 1 in 10,000.
const EXPECTED: f64 = 10.0;

/// Bits a second that any capture keeps up with.
const BUSY: f64 = 10e6;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let tap = case.tap();
    if tap.lacks_packets() {
        return Vec::new();
    }
    // Several taps behind one limit tell the same.
    let towards = |end| {
        let mut directions = case.directions().iter();
        directions.find_map(|directions| limited(case, directions, end))
    };
    [0, 1].into_iter().filter_map(towards).collect()
}

fn limited(case: &Case<'_>, directions: &Directions<'_>, end: usize) -> Option<Finding> {
    // What the capture itself drops is missing both ways.
    if packet_loss::matters_towards(directions, 1 - end)
        || !packet_loss::matters_towards(directions, end)
    {
        return None;
    }
    let flow = directions
        .flows(end)
        .iter()
        .filter(|flow| flow.key.transport != Transport::Tcp)
        .max_by_key(|flow| flow.sequence.missing)?;
    // Others share the limit: their packets are not in this timeline.
    let all = directions.packets(end);
    if flow.packets.saturating_mul(20) < all.saturating_mul(19) {
        return None;
    }
    let knee = Knee::of(flow).or_else(|| Knee::behind_bucket(flow))?;
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let mean = flow.bytes as f64 / flow.packets.max(1) as f64;
    let rate = f64::from(knee.highest) / f64::from(flow.timeline.step_secs.max(1));
    let least = f64::from(knee.least) / f64::from(flow.timeline.step_secs.max(1));
    let (first, _) = esp::gaps(flow).next()?;
    // A capture that cannot keep up loses what goes the other way as well, if enough does.
    let back = directions.packets(1 - end) as f64;
    let packets = (flow.packets + flow.sequence.missing) as f64;
    // Of another tap it is known what left.
    let left = Located::of(case.tunnel, end)
        .filter(|located| located.far == directions.vantage && located.lost > 0);
    let is_whole = flow.sequence.bursts as f64 / packets * back >= EXPECTED
        || left.is_some_and(|located| !located.may_be_leak())
        || packet_loss::is_of_path(case, directions, end);
    let fast = rate * mean * 8.0 >= BUSY;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(!is_whole),
        case.id,
        first,
        "first gap in the numbers",
    )
    .during(flow.seen.first.1, flow.seen.last.1)
    .title(say!(
        "From {from} to {to} packets are lost above {rate} a second ({bits})",
        from,
        to,
        rate = whole(rate),
        bits = bits(rate * mean * 8.0)
    ))
    .says(
        say!(
        "In {lossy} whole steps of {step} s packets from {from} to {to} are missing, and {arrived} \
         packets a second arrived; {slow} slower ones with {packets} packets miss none. About {bits} arrive at \
         most, of packets of {size} octets.",
        lossy = knee.lossy,
        step = flow.timeline.step_secs,
        from,
        to,
        arrived = match knee.least == knee.highest {
            true => whole(rate),
            false => say!("{least} to {most}", least = whole(least), most = whole(rate)),
        },
        slow = knee.slow,
        packets = knee.slow_packets,
        bits = bits(rate * mean * 8.0),
        size = whole(mean)
    )
        .then((knee.edges > 0).then(|| {
            say!(
                "{edges} more with missing packets stand at the edges of bursts, and are not counted.",
                edges = knee.edges
            )
        }))
        .then(knee.bucket.then_some(
            "A burst passes whole for a moment before: what limits it saves up what slow moments leave.",
        )),
    )
    .or("A shared line on the way is full at the same time.")
    .advise(say!(
        "Compare this rate with the bandwidth of the gateways {from} and {to}, and of the lines between.",
        from,
        to
    ))
    .advise("Shape to nine tenths of it before the gateway, or raise the limit.");
    if !is_whole {
        finding = finding.or("The capture itself cannot keep up at this rate.");
    }
    if !is_whole && fast {
        finding = finding.severity(Severity::Info);
    }
    for (gap, _) in esp::gaps(flow).skip(1) {
        finding = finding.also(gap, "and another");
    }
    Some(finding)
}

/// A rate above which packets are lost.
struct Knee {
    /// Packets of the fastest step, and of the slowest with loss.
    highest: u32,
    least: u32,
    /// Steps with loss, slow steps, and packets of those.
    lossy: usize,
    /// Slower steps with loss, which are of the fast ones beside them.
    edges: usize,
    slow: usize,
    slow_packets: u64,
    /// Whether bursts pass whole for a moment, above what passes later.
    bucket: bool,
}

impl Knee {
    fn of(flow: &EspFlow) -> Option<Self> {
        // The first and the last step are rarely whole.
        let steps = steps(flow);
        let [_, whole @ .., _] = steps.as_slice() else {
            return None;
        };
        let highest = whole.iter().map(|(count, _)| *count).max()?;
        let share = |count: u32| f64::from(count) / f64::from(highest.max(1));
        // What was lost at the end of a step shows at the first packet of the next one: slow steps after a
        // fast one say nothing, and loss of those after one with loss may be of that.
        let fast = |count: u32| share(count) >= PLATEAU;
        let tells = |place: usize| {
            let step = steps.get(place)?;
            let before = steps.get(..place)?.iter().rfind(|before| before.0 > 0)?;
            let says_nothing = fast(before.0) || before.1 > 0 && step.1 > 0;
            (fast(step.0) || !says_nothing).then_some((place, *step))
        };
        let told: Vec<(usize, (u32, u32))> = (1..=whole.len()).filter_map(tells).collect();
        let lossy = || told.iter().filter(|(_, step)| step.1 > 0);
        // In the step in which a burst begins it is rarely there from the start.
        let begins = |place: usize| {
            let next = steps.get(place + 1);
            next.is_some_and(|next| fast(next.0) && next.1 > 0)
        };
        let at_limit = lossy().all(|(place, step)| fast(step.0) || begins(*place));
        let full: Vec<(u32, u32)> = lossy()
            .map(|(_, step)| *step)
            .filter(|step| fast(step.0))
            .collect();
        let slow: Vec<u32> = told
            .iter()
            .filter(|(_, step)| step.1 == 0)
            .map(|(_, (count, _))| *count)
            .filter(|count| *count > 0 && share(*count) <= SLOW)
            .collect();
        let least = full.iter().map(|(count, _)| *count).min()?;
        let slow_packets = telling(flow, &slow)?;
        // A limit takes what exceeds it: more is sent, and no more arrives.
        let sent =
            |step: &&(u32, u32)| f64::from(step.0) + f64::from(step.1) >= 1.05 * f64::from(highest);
        let exceeds = full.iter().filter(sent).count() * 2 >= full.len();
        // A few steps show a plateau if they are alike.
        let is_plateau = full.len() >= STEPS || full.len() >= FEW && share(least) >= ALIKE;
        (at_limit && is_plateau && exceeds).then_some(Self {
            highest,
            least,
            lossy: full.len(),
            edges: whole
                .iter()
                .filter(|(_, lost)| *lost > 0)
                .count()
                .saturating_sub(full.len()),
            slow: slow.len(),
            slow_packets,
            bucket: false,
        })
    }

    /// The same where the limit is a policer with a bucket (RFC 2697): what slow moments leave is saved up, so that a
    /// burst passes whole, and faster, until that is used.
    fn behind_bucket(flow: &EspFlow) -> Option<Self> {
        /// What is saved up is worth no more than so many steps.
        const SAVED: u64 = 2;
        /// Steps of which the bucket was empty throughout, and how alike they are.
        const FULL: usize = 3;
        const EVEN: f64 = 0.9;
        /// One of so many packets is lost there at least.
        const SHARE: u32 = 10;
        let steps = steps(flow);
        // Runs of steps with loss; within one, all but the first and the last are of an empty bucket.
        let (mut full, mut edges) = (Vec::new(), 0);
        let mut runs: Vec<(u32, usize)> = Vec::new();
        let mut place = 0;
        for run in steps.chunk_by(|one, other| (one.1 > 0) == (other.1 > 0)) {
            if let [_, inner @ .., _] = run
                && run.iter().all(|step| step.1 > 0)
            {
                let inner = inner.iter();
                let whole = inner.filter(|step| step.1.saturating_mul(SHARE) >= step.0);
                let before = full.len();
                full.extend(whole.map(|step| step.0));
                edges += run.len() - (full.len() - before);
                if full.len() == before {
                    return None;
                }
                runs.push((run.first()?.0, place));
            } else if run.iter().any(|step| step.1 > 0) {
                return None;
            }
            place += run.len();
        }
        let (highest, least) = (*full.iter().max()?, *full.iter().min()?);
        let share = |count: u32| f64::from(count) / f64::from(highest.max(1));
        if full.len() < FULL || share(least) < EVEN {
            return None;
        }
        // What passes faster is the beginning of a burst, and as much as a bucket may hold.
        let mut bucket = false;
        let mut fast = steps
            .iter()
            .filter(|step| step.1 == 0 && step.0 > highest)
            .count();
        for (first, begins) in runs {
            let above = steps.get(..begins)?.iter().rev();
            let above = above.take_while(|step| step.1 == 0 && step.0 > highest);
            let above: Vec<u32> = above.map(|step| step.0).chain([first]).collect();
            fast = fast.checked_sub(above.len() - 1)?;
            let saved = above
                .iter()
                .map(|count| u64::from(count.saturating_sub(highest)));
            let saved: u64 = saved.sum();
            bucket |= saved > 0;
            if saved > SAVED * u64::from(highest) {
                return None;
            }
        }
        // What was lost at the end of a step shows at the first packet of the next one.
        let quiet = steps.iter().zip(steps.iter().skip(1));
        let slow: Vec<u32> = quiet
            .filter(|(before, step)| before.1 == 0 && step.1 == 0)
            .map(|(_, step)| step.0)
            .filter(|count| *count > 0 && share(*count) <= SLOW)
            .collect();
        let slow_packets = telling(flow, &slow)?;
        (fast == 0).then_some(Self {
            highest,
            least,
            lossy: full.len(),
            edges,
            slow: slow.len(),
            slow_packets,
            bucket,
        })
    }
}

/// A rate in bits a second, as lines are sold.
fn bits(rate: f64) -> Text {
    match rate {
        rate if rate >= 1e9 => Text::verbatim(format_args!("{:.1} Gbit/s", rate / 1e9)),
        rate if rate >= 1e6 => Text::verbatim(format_args!("{:.1} Mbit/s", rate / 1e6)),
        rate => Text::verbatim(format_args!("{:.0} kbit/s", rate / 1e3)),
    }
}

fn whole(number: f64) -> Text {
    Text::verbatim(format_args!("{number:.0}"))
}

/// Packets of each step that came, and that are missing.
fn steps(flow: &EspFlow) -> Vec<(u32, u32)> {
    let lost = |step: usize| flow.timeline.lost.get(step).copied().unwrap_or(0);
    let counts = flow.timeline.counts.iter().enumerate();
    counts.map(|(step, count)| (*count, lost(step))).collect()
}

/// Packets of the slow steps, if these are so many that loss by chance would have shown there.
fn telling(flow: &EspFlow, slow: &[u32]) -> Option<u64> {
    let packets: u64 = slow.iter().map(|count| u64::from(*count)).sum();
    let expected = flow.sequence.bursts as f64 * packets as f64 / flow.packets.max(1) as f64;
    (slow.len() >= STEPS && expected >= EXPECTED).then_some(packets)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};
    use std::fmt::Write;

    /// Seconds of traffic from B to A: so many packets are sent, of which so many in ten arrive.
    fn seconds(steps: &[(u32, u32)]) -> String {
        let mut text = String::from("0 A > B ESP 0xb1 seq 1..400 every 0.1 size 136\n");
        let mut number = 1;
        for (second, (sent, lost)) in steps.iter().enumerate() {
            let arrive = sent - lost;
            let mut numbers = Vec::new();
            for place in 0..*sent {
                // Spread over the second, so that each burst is short.
                let drops = place * lost / sent != (place + 1) * lost / sent;
                if !drops {
                    numbers.push((number + place).to_string());
                }
            }
            number += sent;
            writeln!(
                text,
                "{second}.0 B > A ESP 0xa1 seq {} every {} size 1036",
                numbers.join(","),
                0.99 / f64::from(arrive)
            )
            .unwrap();
        }
        text
    }

    /// A sender that meets a limit of a hundred packets a second again and again.
    fn limited() -> Vec<(u32, u32)> {
        (0..40)
            .map(|second| match second % 4 {
                0 => (130, 30),
                1 => (120, 20),
                2 => (60, 0),
                _ => (70, 0),
            })
            .collect()
    }

    #[test]
    fn loss_above_a_rate_and_nowhere_else_is_a_limit() {
        verdict(&seconds(&limited()), "rate-limited");
    }

    #[test]
    fn two_bursts_against_one_limit_will_do_and_one_will_not() {
        let mut steps = vec![(20, 0); 24];
        for second in [8, 16] {
            steps[second] = (110, 30);
            steps[second + 1] = (190, 80);
            steps[second + 2] = (40, 10);
        }
        let one_way = |steps: &[(u32, u32)]| {
            let text = seconds(steps);
            let (_, text) = text.split_once('\n').unwrap();
            let ike = "
                0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
                0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
            format!("{text}{ike}")
        };
        verdict(&one_way(&steps), "rate-limited");
        // What arrives in the two is not the same; loss at a low rate; one burst.
        let change = |second: usize, step: (u32, u32)| {
            let mut steps = steps.clone();
            steps[second] = step;
            one_way(&steps)
        };
        silent(&change(17, (190, 95)), "rate-limited");
        silent(&change(4, (20, 3)), "rate-limited");
        silent(&change(17, (20, 0)), "rate-limited");
    }

    #[test]
    fn a_capture_that_loses_both_ways_or_cannot_keep_up_is_no_limit() {
        let text = seconds(&limited());
        let (both, towards) = text.split_once('\n').unwrap();
        let lossy = both.replace("1..400", "1..50,54..100,104..200,204..412");
        silent(&format!("{lossy}\n{towards}"), "rate-limited");
        let one_way = towards.replace("size 1036", "size 65000");
        let ike = "
            0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
            0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
        let finding = fires(&format!("{one_way}{ike}"), "rate-limited");
        assert_eq!(finding.severity, Severity::Info);
        assert_eq!(finding.confidence, Confidence::Possible);
    }

    #[test]
    fn a_few_packets_the_other_way_do_not_show_that_the_recording_is_whole() {
        let text = seconds(&limited());
        let sure = |back: &str| {
            let text = text.replacen("seq 1..400 every 0.1", back, 1);
            fires(&text, "rate-limited").confidence
        };
        assert_eq!(sure("seq 1..400 every 0.1"), Confidence::Likely);
        assert_eq!(sure("seq 1..5 every 8"), Confidence::Possible);
    }

    #[test]
    fn who_sends_no_more_than_arrives_elsewhere_meets_no_limit() {
        let steps = |sent: u32| -> Vec<(u32, u32)> {
            (0..40)
                .map(|second| match second % 4 {
                    0 => (sent, sent - 96),
                    1 => (sent, sent - 97),
                    2 => (60, 0),
                    _ => (70, 0),
                })
                .collect()
        };
        fires(&seconds(&steps(116)), "rate-limited");
        silent(&seconds(&steps(101)), "rate-limited");
    }

    #[test]
    fn a_policer_lets_each_burst_pass_until_its_bucket_is_empty() {
        let steps = |slow: (u32, u32), whole: u32| -> Vec<(u32, u32)> {
            (0..44)
                .map(|second| match second % 11 {
                    5 => (whole, 0),
                    6 => (120, 40),
                    7 | 8 => (110, 50),
                    9 => (80, 20),
                    _ => slow,
                })
                .collect()
        };
        let finding = fires(&seconds(&steps((20, 0), 110)), "rate-limited");
        assert!(
            finding.says.to_string().contains("saves up"),
            "{}",
            finding.says
        );
        // Loss when little is sent, and bursts that are too large for a bucket.
        silent(&seconds(&steps((20, 2), 110)), "rate-limited");
        silent(&seconds(&steps((20, 0), 300)), "rate-limited");
    }

    #[test]
    fn loss_at_every_rate_is_no_limit() {
        let steps: Vec<(u32, u32)> = (0..40)
            .map(|second| match second % 4 {
                0 => (130, 13),
                1 => (120, 12),
                _ => (60, 6),
            })
            .collect();
        silent(&seconds(&steps), "rate-limited");
        verdict(&seconds(&steps), "packet-loss");
    }

    #[test]
    fn steady_traffic_shows_no_limit() {
        silent(&seconds(&[(100, 10); 40]), "rate-limited");
    }

    #[test]
    fn an_outage_is_no_limit() {
        let mut steps = vec![(100, 0); 40];
        steps[20] = (100, 60);
        silent(&seconds(&steps), "rate-limited");
    }
}
