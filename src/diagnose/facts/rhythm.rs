//! What returns steadily inside sealed ESP: pings, health checks, keepalives of BGP. Known by equal
//! sizes at equal intervals, so what is said here is never more than a suspicion.
//!
//! [`unanswered`] finds steady packets whose equals in the other direction stopped, or never came;
//! [`keepalives_stopped`] finds such that went both ways and stopped together. Rules of the data
//! path ask them where no key opens the packets.

use super::end_of;
use super::esp::Directions;
use super::tap::{self};
use crate::diagnose::{Case, Cite, Confidence};
use crate::language::{Text, count};
use crate::limits;
use crate::model::{EspFlow, Inferred, Rhythm, Silence};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Packets of one size that come steadily in one direction, over all flows of it.
#[derive(Clone, Debug)]
pub struct Beat {
    /// Octets from the SPI to the end of the checksum.
    pub size: u32,
    /// How many came.
    pub packets: u32,
    /// The usual time between two.
    pub period: Span,
    /// The first that was timed.
    pub first: Cite,
    /// The last.
    pub last: Cite,
    /// What it may be.
    pub guess: Guess,
}

/// What steady packets may be, by period and by what may be inside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Guess {
    /// An ICMP echo of a usual size: 60, 84 or 100 octets in IPv4, 80 or 104 in IPv6.
    Ping,
    /// A BGP keepalive: 59 octets, or 71 with TCP timestamps; 20 more in IPv6. Its period, a third of
    /// the hold time, is ten seconds to two minutes (RFC 4271 section 10).
    Bgp,
    /// Neither, or sizes cannot tell.
    Any,
}

impl Guess {
    /// In words, for a sentence that says "packets of one size".
    pub fn words(self) -> &'static str {
        match self {
            Self::Ping => "as large as a ping",
            Self::Bgp => "as large and as frequent as keepalives of BGP",
            Self::Any => "such as a health check sends",
        }
    }
}

/// Steady packets without answers of their size.
#[derive(Clone, Debug)]
pub struct Unanswered {
    /// The steady packets.
    pub asks: Beat,
    /// Who sends them.
    pub from: IpAddr,
    /// Whom they go to.
    pub to: IpAddr,
    /// The answers of the same size, before they stopped; `None` if there never was one.
    pub answers: Option<Beat>,
    /// Whatever else of the other side came after the answers stopped, or ever: what shows that the
    /// path is open. Without it the direction is dead, which other rules tell.
    pub alive: Option<Cite>,
    /// [`Confidence::Likely`] if answers came steadily and stopped while the other side was alive:
    /// nothing else fits as well. Else [`Confidence::Possible`]: a program that sends steadily and
    /// wants no answer of the same size looks alike.
    pub confidence: Confidence,
    /// Steady packets that stayed without an answer.
    pub missed: u64,
}

impl Unanswered {
    /// One sentence with the numbers.
    pub fn says(&self) -> Text {
        let Self { from, to, .. } = self;
        let Beat {
            size,
            period,
            packets,
            ..
        } = self.asks;
        let likeness = self.asks.guess.words();
        match &self.answers {
            Some(answers) => say!(
                "{from} sends {to} a packet of {size} octets every {period}, {likeness}; at least {answers} of \
                 the same size came back, then none for {silence}.",
                from,
                to,
                size,
                period,
                likeness,
                answers = count(u64::from(answers.packets), "packet"),
                silence = self.asks.last.1.since(answers.last.1)
            ),
            None => say!(
                "{from} sends {to} a packet of {size} octets every {period}, {likeness}; of at least {packets} \
                 none was answered by one of the same size.",
                from,
                to,
                size,
                period,
                likeness,
                packets
            ),
        }
    }
}

/// Steady packets of which some have no equal in return, one here and one there.
#[derive(Clone, Debug)]
pub struct Partly {
    /// The steady packets.
    pub asks: Beat,
    /// Where they were recorded.
    pub vantage: Vantage,
    /// Who sends them.
    pub from: IpAddr,
    /// Whom they go to.
    pub to: IpAddr,
    /// How many of them have none in return.
    pub missed: u64,
}

/// Steady packets both ways that stopped together.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// Those towards the first end and those towards the second.
    pub beats: [Beat; 2],
    /// What came of each side afterwards: towards the first end, towards the second.
    pub alive: Option<Cite>,
}

impl Stopped {
    /// One sentence with the numbers.
    pub fn says(&self) -> Text {
        let [one, two] = &self.beats;
        say!(
            "Both sides sent a packet of {size} and {other_size} octets every {period}, {likeness}; after at \
             least {packets} and {other_packets} packets both stopped, while other packets went on.",
            size = one.size,
            other_size = two.size,
            period = one.period,
            likeness = one.guess.words(),
            packets = one.packets,
            other_packets = two.packets
        )
    }
}

/// Fewer packets are no rhythm.
const BEATS: u32 = 6;

/// Periods that are looked for, longer than the first: those of health checks, and of keepalives.
const PERIODS: (Span, Span) = (Span::from_millis(500), Span::from_secs(180));

/// The standard deviation of a rhythm's intervals in terms of their mean, at most: a lost packet here
/// and there is allowed for.
const UNEVEN: f64 = 0.35;

/// As [`UNEVEN`], of what comes by a clock.
const STRICT: f64 = 0.1;

/// Fewer packets do not show that what has no answer has none by chance.
const PLENTY: u32 = 40;

/// So many without an answer, at least.
const LACKS: u32 = 6;

/// So many periods without an answer are no chance.
const MISSED: i64 = 5;

/// Steady packets that lack answers of their size; the most telling first.
pub fn unanswered(case: &Case<'_>) -> Vec<Unanswered> {
    if !case.tap().hears_both() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for directions in case.directions() {
        let beats = [0, 1].map(|end| (end, beats(directions, end)));
        // Few flows have any.
        if beats.iter().all(|(_, beats)| beats.is_empty()) || is_opaque(directions) {
            continue;
        }
        for (end, beats) in beats {
            let (Some(from), Some(to)) = (case.tunnel.ends.get(1 - end), case.tunnel.ends.get(end))
            else {
                continue;
            };
            for asks in beats {
                let one = without_answer(case, directions, end, asks);
                found.extend(one.map(|(asks, answers, alive, missed)| Unanswered {
                    confidence: match (&answers, alive) {
                        (Some(_), Some(_)) => Confidence::Likely,
                        _ => Confidence::Possible,
                    },
                    asks,
                    from: *from,
                    to: *to,
                    answers,
                    alive,
                    missed,
                }));
            }
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse((one.confidence, one.missed)));
    found
}

/// Steady packets that are answered by as many of their size but for some, where the answers keep to the beat of the
/// packets and those that are missing are missing by chance: of streams that have nothing to do with each other none
/// does so.
pub fn partly_answered(case: &Case<'_>) -> Option<Partly> {
    if !case.tap().hears_both() || case.tap().lacks_packets() {
        return None;
    }
    case.directions().iter().find_map(|directions| {
        // A receiver may drop what comes late.
        let missing = |flow: &EspFlow| flow.sequence.missing > 0 || flow.sequence.late > 0;
        let busy = |end: usize| directions.packets(end) >= u64::from(PLENTY) / 2;
        // That all are of one size hides what is inside, and not when it comes.
        let hidden = |flow: &EspFlow| Inferred::is_opaque(flow) && !Inferred::is_padded(flow);
        let unfit = |flow: &EspFlow| missing(flow) || hidden(flow);
        let crowded = directions.all().count() > limits::LINK_CROWD;
        if !busy(0) || !busy(1) || crowded || directions.all().any(unfit) {
            return None;
        }
        let sums = [0, 1].map(|end| sums(directions, end));
        [0, 1].into_iter().find_map(|end| {
            let (asks, answers) = (sums.get(end)?, sums.get(1 - end)?);
            let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
            asks.iter().find_map(|(size, asks)| {
                let (missed, in_rows) = asks.misses_by_chance(answers.get(size)?)?;
                let period = asks.beats_at(STRICT)?;
                let back = directions.flows(1 - end).iter();
                let silences = back.flat_map(|flow| &flow.silences);
                if !keeps_to(period, silences).unwrap_or(in_rows) {
                    return None;
                }
                let inferred = inferred(directions);
                Some(Partly {
                    asks: Beat {
                        size: *size,
                        packets: asks.packets,
                        period,
                        first: asks.first,
                        last: asks.last,
                        guess: guess(inferred.as_ref(), *size, period),
                    },
                    vantage: directions.vantage,
                    from: *from,
                    to: *to,
                    missed: u64::from(missed),
                })
            })
        })
    })
}

/// Whether packets that are left out of a beat leave just that beat out: the longest times between those that came are whole
/// numbers of it. Of hosts that are asked in turn one may be down: then no two in a row are left out. `None` if no time
/// between two was long enough to be known.
fn keeps_to<'s>(period: Span, silences: impl Iterator<Item = &'s Silence>) -> Option<bool> {
    let beats = silences.map(|silence| silence.length.0 as f64 / period.0 as f64);
    let longest = beats.filter(|beats| *beats >= 1.5).collect::<Vec<_>>();
    let whole = longest
        .iter()
        .all(|beats| (beats - beats.round()).abs() <= 0.25);
    (!longest.is_empty()).then(|| whole && longest.iter().any(|beats| *beats >= 2.6))
}

/// A beat without answers, the answers it once had, what shows that the other side is alive, and how
/// many stayed without an answer.
fn without_answer(
    case: &Case<'_>,
    directions: &Directions<'_>,
    end: usize,
    asks: Beat,
) -> Option<(Beat, Option<Beat>, Option<Cite>, u64)> {
    let back = 1 - end;
    let waits = Span(asks.period.0.saturating_mul(MISSED));
    let answered_last = last_of_size(directions, back, asks.size);
    let since = match answered_last {
        Some(last) => last.1,
        None => asks.first.1,
    };
    if asks.last.1.since(since) < waits {
        return None;
    }
    let answers = beats(directions, back)
        .into_iter()
        .find(|beat| beat.size == asks.size);
    // Of sizes that found no place nobody knows when they came.
    let listed = directions
        .flows(back)
        .iter()
        .all(|flow| flow.sizes.others == 0);
    match (&answers, answered_last) {
        // Some of this size came, though not steadily: they may be anything.
        (None, Some(_)) => return None,
        (Some(answers), _) if !is_pair(&asks, answers) => return None,
        (None, None) if !listed => return None,
        _ => {}
    }
    // The last may have come on an SA too short for a rhythm.
    let answers = answers.map(|beat| Beat {
        last: answered_last.unwrap_or(beat.last),
        ..beat
    });
    // What comes as often from the other side, and goes on as long, is asked or answered by these in another
    // size, as by an ICMP error.
    if answers.is_none() && has_counterpart(directions, end, &asks) {
        return None;
    }
    let alive = alive(case, directions, back, since);
    let missed = asks.last.1.since(since).0 / asks.period.0.max(1);
    let missed = u64::try_from(missed).unwrap_or(0);
    Some((asks, answers, alive, missed))
}

/// Whether the other side sends about as many packets at the same pace until the end, of another size, that
/// belong to no packets of that size from this side.
fn has_counterpart(directions: &Directions<'_>, end: usize, asks: &Beat) -> bool {
    // One follows the other soon, at the begin and at the end.
    let follows =
        |one: Timestamp, other: Timestamp| one.since(other).0.saturating_abs() <= asks.period.0 / 4;
    let mut others = beats(directions, 1 - end);
    others.retain(|other| {
        is_pair(asks, other)
            && asks.packets.abs_diff(other.packets).saturating_mul(10) <= asks.packets
            && follows(asks.first.1, other.first.1)
            && follows(asks.last.1, other.last.1)
    });
    if others.is_empty() {
        return false;
    }
    let beside = beats(directions, end);
    let is_taken = |other: &Beat| {
        let mut beside = beside.iter();
        beside.any(|one| one.size == other.size && is_pair(one, other))
    };
    !others.iter().all(is_taken)
}

/// Steady packets that may be keepalives of BGP, went both ways, and stopped together while the
/// tunnel went on.
pub fn keepalives_stopped(case: &Case<'_>) -> Option<Stopped> {
    /// They stop together: within so many periods.
    const TOGETHER: i64 = 4;
    if !case.tap().hears_both() {
        return None;
    }
    case.directions().iter().find_map(|directions| {
        let bgp = |end| {
            let mut beats = beats(directions, end);
            beats.retain(|beat| beat.guess == Guess::Bgp);
            beats
        };
        let ours = bgp(0);
        // Few flows have any.
        if ours.is_empty() || is_opaque(directions) {
            return None;
        }
        let theirs = bgp(1);
        let beats = ours.into_iter().find_map(|one| {
            let two = theirs.iter().find(|two| is_pair(&one, two))?;
            Some([one, two.clone()])
        })?;
        let [one, two] = &beats;
        let last = one.last.1.max(two.last.1);
        let period = one.period.max(two.period);
        let apart = one.last.1.since(two.last.1).0.saturating_abs();
        let went_on = Span(period.0.saturating_mul(MISSED));
        if apart > period.0.saturating_mul(TOGETHER)
            || !tap::went_on(case.model, directions.vantage, last, went_on)
        {
            return None;
        }
        // Packets or IKE of both sides, long after: the tunnel is there.
        let after = last.later(went_on);
        let alive = |end| alive(case, directions, end, after);
        let (first, _) = (alive(0)?, alive(1)?);
        Some(Stopped {
            beats,
            alive: Some(first),
        })
    })
}

/// The steady packets towards an end, by size.
pub fn beats(directions: &Directions<'_>, end: usize) -> Vec<Beat> {
    let sums = sums(directions, end);
    let periods = sums.iter();
    let mut steady = periods
        .filter_map(|(size, sum)| Some((*size, sum, sum.period()?)))
        .peekable();
    if steady.peek().is_none() {
        return Vec::new();
    }
    let inferred = inferred(directions);
    let beats = steady.map(|(size, sum, period)| Beat {
        size,
        packets: sum.packets,
        period,
        first: sum.first,
        last: sum.last,
        guess: guess(inferred.as_ref(), size, period),
    });
    beats.collect()
}

/// The rhythms towards an end, by size.
fn sums(directions: &Directions<'_>, end: usize) -> BTreeMap<u32, Sum> {
    let mut sums: BTreeMap<u32, Sum> = BTreeMap::new();
    let rhythms = || directions.flows(end).iter().flat_map(|flow| &flow.rhythms);
    let packets = rhythms().map(|rhythm| u64::from(rhythm.packets));
    if packets.sum::<u64>() < u64::from(BEATS) {
        return sums;
    }
    for rhythm in rhythms() {
        sums.entry(rhythm.size)
            .and_modify(|sum| sum.add(rhythm))
            .or_insert_with(|| Sum::new(rhythm));
    }
    sums
}

/// Rhythms of one size, in flows that follow one another.
struct Sum {
    packets: u32,
    /// Times between two packets that were counted, and their sums in ticks.
    intervals: u32,
    ticks: f64,
    squares: f64,
    first: Cite,
    last: Cite,
}

impl Sum {
    fn new(rhythm: &Rhythm) -> Self {
        let span = rhythm.last.1.since(rhythm.first.1);
        Self {
            packets: rhythm.packets,
            intervals: rhythm.packets.saturating_sub(1),
            ticks: span.0 as f64 / Rhythm::TICK.0 as f64,
            squares: rhythm.squares as f64,
            first: rhythm.first,
            last: rhythm.last,
        }
    }

    fn add(&mut self, rhythm: &Rhythm) {
        let more = Self::new(rhythm);
        self.packets = self.packets.saturating_add(more.packets);
        self.intervals = self.intervals.saturating_add(more.intervals);
        self.ticks += more.ticks;
        self.squares += more.squares;
        self.first = earlier(self.first, more.first);
        self.last = later(self.last, more.last);
    }

    /// The usual time between two packets; `None` if they come at no steady one.
    fn period(&self) -> Option<Span> {
        let (least, most) = PERIODS;
        self.beats_at(UNEVEN)
            .filter(|period| *period > least && *period <= most)
    }

    /// The usual time between two packets, from which they deviate by that share of it at most.
    fn beats_at(&self, uneven: f64) -> Option<Span> {
        if self.packets < BEATS || self.intervals == 0 {
            return None;
        }
        let (mean, squares) = self.moments();
        let variance = (squares - mean * mean).max(0.0);
        let period = Span((mean * Rhythm::TICK.0 as f64).round() as i64);
        (variance.sqrt() <= uneven * mean).then_some(period)
    }

    /// The mean of the times between two packets, and that of their squares, in ticks.
    fn moments(&self) -> (f64, f64) {
        let intervals = f64::from(self.intervals.max(1));
        (self.ticks / intervals, self.squares / intervals)
    }

    /// How many of these have no equal among others, if the others keep to the beat of these and leave it out by chance:
    /// each with the same likelihood, so that what comes after one, two and more beats is as frequent as in a geometric
    /// distribution. And whether so many were left out in a row as only chance does: of another beat, and of hosts asked
    /// in turn of which one is down, the squares of the times between are smaller.
    fn misses_by_chance(&self, others: &Self) -> Option<(u32, bool)> {
        /// What chance may add to the squares or take off them, of [`PLENTY`] packets.
        const APART: f64 = 0.35;
        /// A clock that ticks faster than times are kept tells nothing.
        const TICKS: f64 = 16.0;
        let period = self.beats_at(STRICT)?;
        let (mean, _) = self.moments();
        let missed = self.packets.checked_sub(others.packets)?;
        let share = f64::from(missed) / f64::from(self.packets);
        // Not answered at all, or nearly: something else tells of that.
        let some = (0.05..=0.5).contains(&share) && missed >= LACKS && self.packets >= PLENTY;
        let near = |from: Timestamp, to: Timestamp| {
            let apart = to.since(from).0;
            (0..=period.0.saturating_mul(4)).contains(&apart)
        };
        let together = near(self.first.1, others.first.1)
            && (near(others.last.1, self.last.1) || near(self.last.1, others.last.1));
        let (_, squares) = others.moments();
        let expected = mean * mean * (1.0 + share) / ((1.0 - share) * (1.0 - share));
        let apart = squares / expected - 1.0;
        (some && together && mean >= TICKS && apart.abs() <= APART)
            .then_some((missed, apart >= 0.0 && share >= 0.1))
    }
}

fn earlier(a: Cite, b: Cite) -> Cite {
    if b.1 < a.1 { b } else { a }
}

fn later(a: Cite, b: Cite) -> Cite {
    if b.1 > a.1 { b } else { a }
}

/// Whether two beats, one each way, may be of one conversation: their periods agree to a tenth, and
/// they lived at one time.
fn is_pair(one: &Beat, two: &Beat) -> bool {
    let apart = one.period.0.abs_diff(two.period.0);
    let overlap = one.first.1 <= two.last.1 && two.first.1 <= one.last.1;
    overlap && apart.saturating_mul(10) <= one.period.0.unsigned_abs()
}

/// The last packet of a size towards an end, as far as is known: where a flow was not timed, its
/// last packet.
fn last_of_size(directions: &Directions<'_>, end: usize, size: u32) -> Option<Cite> {
    let last = |flow: &&EspFlow| {
        let rhythm = flow.rhythms.iter().find(|rhythm| rhythm.size == size);
        let listed = flow.sizes.counts.binary_search_by_key(&size, |row| row.0);
        match (rhythm, listed) {
            (Some(rhythm), _) => Some(rhythm.last),
            (None, Ok(_)) => Some(flow.seen.last),
            (None, Err(_)) => None,
        }
    };
    let flows = directions.flows(end).iter();
    flows.filter_map(last).max_by_key(|cite| cite.1)
}

/// Something that the side whose packets travel towards `end` sent after a time: ESP that goes on, or
/// IKE.
fn alive(
    case: &Case<'_>,
    directions: &Directions<'_>,
    end: usize,
    after: Timestamp,
) -> Option<Cite> {
    let esp = directions.last(end).filter(|cite| cite.1 > after);
    let mut ike = case.messages().filter(|message| {
        message.time > after && end_of(case.tunnel, message.path.from().address) == Some(1 - end)
    });
    esp.or_else(|| ike.next().map(|message| (message.frame, message.time)))
}

/// Whether sizes tell nothing of these flows, packets were read, which tells more than sizes, or there
/// are too many to compare.
fn is_opaque(directions: &Directions<'_>) -> bool {
    let mut flows = directions.all();
    flows.clone().count() > limits::LINK_CROWD || flows.any(Inferred::is_opaque)
}

/// What the sizes of the flow with the most of them leave open: they say most of the cipher, which is
/// the same both ways.
fn inferred(directions: &Directions<'_>) -> Option<Inferred> {
    let telling = directions
        .all()
        .max_by_key(|flow| flow.sizes.counts.len())?;
    Inferred::of(telling)
}

fn guess(inferred: Option<&Inferred>, size: u32, period: Span) -> Guess {
    let holds = |inner: &[u32]| {
        inferred.is_some_and(|inferred| inner.iter().any(|one| inferred.may_hold(size, *one)))
    };
    let bgp = period >= Span::from_secs(9) && period <= Span::from_secs(125);
    match () {
        () if bgp && holds(&[59, 71, 79, 91]) => Guess::Bgp,
        () if holds(&[60, 84, 100, 80, 104]) => Guess::Ping,
        () => Guess::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;

    fn unanswered_in(text: &str) -> Vec<Unanswered> {
        let model = model(text);
        model
            .tunnels
            .ids()
            .flat_map(|id| unanswered(&Case::of(&model, id)))
            .collect()
    }

    fn stopped_in(text: &str) -> Option<Stopped> {
        let model = model(text);
        model
            .tunnels
            .ids()
            .find_map(|id| keepalives_stopped(&Case::of(&model, id)))
    }

    /// Other traffic, of sizes that only a cipher without blocks gives.
    const OTHERS: &str = "
        0.3 A > B ESP 0xb1 seq 1001..1400 every 0.7 size 100,104,108,164,148,152,1020
        0.4 B > A ESP 0xa1 seq 1001..1400 every 0.7 size 100,104,108,164,148,152,1020";

    #[test]
    fn answers_that_stop_while_the_rest_goes_on_are_missed() {
        let found = unanswered_in(&format!(
            "0 A > B ESP 0xb2 seq 1..50 every 5 size 140
             0.02 B > A ESP 0xa2 seq 1..25 every 5 size 140{OTHERS}"
        ));
        let [one] = found.as_slice() else {
            panic!("{found:#?}")
        };
        assert_eq!(one.confidence, Confidence::Likely);
        assert_eq!(one.asks.guess, Guess::Ping);
        assert_eq!(one.missed, 24);
        assert!(one.says().to_string().contains("every 5"), "{}", one.says());
    }

    #[test]
    fn answers_that_never_came_are_a_suspicion() {
        let found = unanswered_in(&format!(
            "0 A > B ESP 0xb2 seq 1..50 every 5 size 140{OTHERS}"
        ));
        let confidences: Vec<_> = found.iter().map(|one| one.confidence).collect();
        assert_eq!(confidences, [Confidence::Possible]);
        assert!(found[0].answers.is_none() && found[0].alive.is_some());
    }

    #[test]
    fn what_is_answered_or_ends_is_not_missed() {
        for (asks, answers) in [(50, 50), (50, 48), (25, 25)] {
            let found = unanswered_in(&format!(
                "0 A > B ESP 0xb2 seq 1..{asks} every 5 size 140
                 0.02 B > A ESP 0xa2 seq 1..{answers} every 5 size 140{OTHERS}"
            ));
            assert!(found.is_empty(), "{found:#?}");
        }
    }

    #[test]
    fn answers_of_another_size_are_answers() {
        let back = |last: u32| {
            let found = unanswered_in(&format!(
                "0 A > B ESP 0xb2 seq 1..50 every 5 size 184
                 0.02 B > A ESP 0xa2 seq 1..{last} every 5 size 136{OTHERS}"
            ));
            found.len()
        };
        assert_eq!(back(50), 0);
        assert!(back(20) > 0);
    }

    #[test]
    fn a_rekeying_does_not_stop_a_rhythm() {
        let found = unanswered_in(&format!(
            "0 A > B ESP 0xb2 seq 1..25 every 5 size 140
             0.02 B > A ESP 0xa2 seq 1..25 every 5 size 140
             125 A > B ESP 0xb3 seq 1..25 every 5 size 140
             125.02 B > A ESP 0xa3 seq 1..25 every 5 size 140{OTHERS}"
        ));
        assert!(found.is_empty(), "{found:#?}");
    }

    #[test]
    fn packets_of_one_size_at_no_steady_time_are_no_rhythm() {
        let found = unanswered_in(
            "0 A > B ESP 0xb1 seq 1..50 every 0.01 size 140
             40 A > B ESP 0xb1 seq 51..60 every 0.3 size 140
             90 A > B ESP 0xb1 seq 61..70 every 4 size 140
             0 B > A ESP 0xa1 seq 1..30 every 0.01 size 1020,164",
        );
        assert!(found.is_empty(), "{found:#?}");
    }

    #[test]
    fn a_direction_that_the_tap_does_not_hear_proves_nothing() {
        assert!(unanswered_in("0 A > B ESP 0xb2 seq 1..50 every 5 size 140").is_empty());
    }

    #[test]
    fn keepalives_that_stop_both_ways_are_a_session_that_ended() {
        let others = "
            0.3 A > B ESP 0xb1 seq 1001..2500 every 0.7 size 100,104,108,164,148,152,1020
            0.4 B > A ESP 0xa1 seq 1001..2500 every 0.7 size 100,104,108,164,148,152,1020";
        let text = |last: u32| {
            format!(
                "0 A > B ESP 0xb2 seq 1..{last} every 30 size 116
                 7 B > A ESP 0xa2 seq 1..{last} every 30 size 116{others}"
            )
        };
        let stopped = stopped_in(&text(20)).unwrap();
        assert!(
            stopped.says().to_string().contains("keepalives of BGP"),
            "{}",
            stopped.says()
        );
        assert!(stopped_in(&text(35)).is_none(), "they go on to the end");
    }
}
