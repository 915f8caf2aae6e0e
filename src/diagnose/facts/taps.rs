//! What two taps tell together: whether a packet that left one ever reached the other.

use super::tap::messages;
use super::{end_of, esp};
use crate::diagnose::{Case, Cite, Finding};
use crate::language::{Text, count};
use crate::model::{Crossing, EspFlow, Flight, Missed, Model, Octets, TapPair, Tunnel};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use foldhash::HashMap;

/// A message on its way from the tap near its sender to the one behind it.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The tap that it passes first.
    pub near: Vantage,
    /// The tap behind it.
    pub far: Vantage,
    /// Its datagrams at the first, as far as the other was recording then.
    pub sent: Vec<Cite>,
    /// Its datagrams at the first after the last frame of the other: no proof of anything, for that
    /// recording may have ended.
    pub beyond: usize,
    /// Its datagrams at the other.
    pub reached: Vec<Cite>,
    /// Different datagrams of it that were sent: its fragments.
    pub pieces: usize,
    /// The first copy of each that never reached the other.
    pub lost: Vec<Cite>,
    /// Whether the other tap has any IKE on the port it goes to: else a capture filter may leave it
    /// out.
    pub hears_port: bool,
}

impl Passage {
    /// Of a message, if one tap of its tunnel lies behind another on its way.
    pub fn of(case: &Case<'_>, flight: &Flight) -> Option<Self> {
        let message = super::first(case.model, flight)?;
        let (from, to) = (message.path.from(), message.path.to());
        let towards = 1 - end_of(case.tunnel, from.address)?;
        let passage = case
            .tunnel
            .taps
            .iter()
            .filter_map(|pair| between(case.model, pair, towards, flight))
            .find(|passage| !passage.sent.is_empty() || passage.beyond > 0)?;
        // What came from there with other octets under the same header is damaged, and not lost: see ike-damaged.
        let mut came = messages(case).filter(|other| {
            other.vantage == passage.far
                && end_of(case.tunnel, other.path.from().address) == Some(1 - towards)
        });
        if passage.is_lost() && came.any(|other| other.header == message.header) {
            return None;
        }
        let mut heard = messages(case)
            .filter(|message| message.vantage == passage.far)
            .peekable();
        // A capture without IKE leaves it out.
        heard.peek()?;
        // A NAT between the taps changes the port of the side behind it. That tap is on the way of that side if
        // it has others of the IKE SA; those of another client of the NAT go elsewhere.
        let hears_port = heard.any(|other| {
            let ports = [other.path.from().port, other.path.to().port];
            let same = other.header.spis.initiator == message.header.spis.initiator;
            ports.contains(&to.port) || same && ports.contains(&from.port)
        });
        Some(Self {
            hears_port,
            ..passage
        })
    }

    /// Whether it left the first tap and nothing of it reached the other.
    pub fn is_lost(&self) -> bool {
        !self.sent.is_empty() && self.reached.is_empty()
    }

    /// Whether it was lost between the two taps and nothing else can explain its absence.
    pub fn is_proven(&self) -> bool {
        self.is_lost() && self.hears_port
    }

    /// Whether all of it reached the other tap.
    pub fn arrived(&self) -> bool {
        !self.reached.is_empty() && self.lost.is_empty()
    }

    /// As [`tell`](Self::tell), if two taps are on the way of the message.
    pub fn told(case: &Case<'_>, flight: &Flight, finding: Finding, what: &'static str) -> Finding {
        match Self::of(case, flight) {
            Some(passage) => passage.tell(case.model, finding, what),
            None => finding,
        }
    }

    /// Adds to a finding about a message without effect what the taps tell: lost between them, in
    /// which case nothing else is left to explain it, or arrived, in which case the way there is
    /// not to blame.
    pub fn tell(&self, model: &Model, mut finding: Finding, what: &'static str) -> Finding {
        let (near, far) = (name(model, self.near), name(model, self.far));
        let copies = copies_of(self.sent.len());
        if self.is_lost() {
            finding.says.add(say!(
                "{copies} of {what} left the tap {near} while {far} recorded, and none reached it: it is lost between \
                 the two taps.",
                copies,
                what,
                near = &near,
                far = &far
            ));
            finding.alternatives.clear();
            if !self.hears_port {
                finding = finding.or(say!(
                    "The capture filter of {far} leaves out that port.",
                    far = &far
                ));
            }
            if model.dropped(self.far) > 0 {
                finding = finding.or(say!("The recording of {far} dropped packets.", far = &far));
            }
            for at in self.sent.iter().take(2) {
                let note = say!("left {near}, never reached {far}", near = &near, far = &far);
                finding = finding.also(*at, note);
            }
            finding.advise(say!(
                "Look for filters and failures between the two taps, on the way from {near} to {far}.",
                near,
                far
            ))
        } else if self.arrived() {
            finding.says.add(say!(
                "Two taps show that {what} arrives: {reached} of {copies} reached the tap {far}. The way there \
                 is not to blame.",
                what,
                reached = self.reached.len().min(self.sent.len()),
                copies,
                far = &far
            ));
            if let Some(at) = self.reached.first() {
                finding = finding.also(*at, say!("arrived at {far}", far));
            }
            finding
        } else {
            if self.sent.is_empty() && self.reached.is_empty() {
                finding.says.add(say!(
                    "None of the {copies} that left the tap {near} is in {far}, which has no frame so late: \
                     they were lost on the way there, unless that recording had ended.",
                    copies = copies_of(self.beyond),
                    near,
                    far
                ));
            }
            finding
        }
    }
}

fn copies_of(number: usize) -> Text {
    match number {
        1 => "1 copy".into(),
        n => say!("{n} copies", n),
    }
}

/// One pair of taps on the way of a message.
fn between(model: &Model, pair: &TapPair, towards: usize, flight: &Flight) -> Option<Passage> {
    let place = pair.near(towards)?;
    let near = *pair.taps.get(place)?;
    let far = *pair.taps.get(1 - place)?;
    let recording = model.recording(far)?;
    // Datagrams of the same octets: copies at the near tap, and whether any reached the far one.
    let mut pieces: Vec<(Vec<Cite>, bool)> = Vec::new();
    let mut rows: HashMap<&Octets, usize> = HashMap::default();
    let mut passage = Passage {
        near,
        far,
        sent: Vec::new(),
        beyond: 0,
        reached: Vec::new(),
        pieces: 0,
        lost: Vec::new(),
        hears_port: false,
    };
    for id in flight.copies() {
        let message = &model.messages[id];
        let cite = (message.frame, message.time);
        let row = *rows.entry(&message.bytes).or_insert(pieces.len());
        if row == pieces.len() {
            pieces.push((Vec::new(), false));
        }
        let Some(piece) = pieces.get_mut(row) else {
            continue;
        };
        if message.vantage == far {
            passage.reached.push(cite);
            piece.1 = true;
        } else if message.vantage == near {
            piece.0.push(cite);
        }
    }
    for (copies, arrived) in pieces {
        let could = |copy: &Cite| arrived || is_recording(pair, place, copy.1, recording);
        let all = copies.len();
        let sent: Vec<Cite> = copies.into_iter().filter(could).collect();
        passage.beyond += all - sent.len();
        passage.pieces += usize::from(!sent.is_empty());
        passage.lost.extend(sent.first().filter(|_| !arrived));
        passage.sent.extend(sent);
    }
    passage.lost.sort_by_key(|cite| cite.1);
    passage.sent.sort_by_key(|cite| cite.1);
    passage.reached.sort_by_key(|cite| cite.1);
    Some(passage)
}

/// Whether the other tap of a pair recorded at a time of this one, and went on for a while.
fn is_recording(
    pair: &TapPair,
    tap: usize,
    time: Timestamp,
    (begin, end): (Timestamp, Timestamp),
) -> bool {
    /// Longer than a packet is on its way.
    const WHILE: Span = Span::from_secs(1);
    let (time, doubt) = pair.elsewhere(tap, time);
    time.since(begin) >= doubt && end.since(time).0 >= WHILE.0 + doubt.0
}

/// How the clocks of inputs stand to that of the first of a tunnel's taps, as far as packets that passed
/// both tell.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    /// How far that of an input is ahead.
    ahead: Vec<(u16, Span)>,
}

impl Clocks {
    /// Those of the inputs that recorded a tunnel.
    pub fn of(tunnel: &Tunnel) -> Self {
        let mut ahead: Vec<(u16, Span)> = Vec::new();
        if let Some(pair) = tunnel.taps.first() {
            let [first, _] = pair.taps;
            ahead.push((first.input, Span(0)));
        }
        // Of each pair that is left, one may have become known by the pass before.
        for _ in &tunnel.taps {
            for pair in &tunnel.taps {
                let Some(clock) = pair.clock else {
                    continue;
                };
                // What may as well be none is none.
                let offset = match clock.offset.0.saturating_abs() > clock.uncertainty.0 {
                    true => clock.offset,
                    false => Span(0),
                };
                let [a, b] = pair.taps.map(|tap| tap.input);
                let known = |input| ahead.iter().find(|(known, _)| *known == input);
                match (known(a).copied(), known(b).copied()) {
                    (Some((_, of_a)), None) => {
                        ahead.push((b, Span(of_a.0.saturating_add(offset.0))))
                    }
                    (None, Some((_, of_b))) => {
                        ahead.push((a, Span(of_b.0.saturating_sub(offset.0))))
                    }
                    _ => {}
                }
            }
        }
        Self { ahead }
    }

    /// When something happened by the clock of the first tap.
    pub fn common(&self, (frame, time): Cite) -> Timestamp {
        let ahead = self.ahead.iter().find(|(input, _)| *input == frame.input);
        ahead.map_or(time, |(_, ahead)| {
            time.later(Span(ahead.0.saturating_neg()))
        })
    }
}

/// ESP and AH of one direction between two taps, one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct Located<'m> {
    /// The tap that its packets pass first.
    pub near: Vantage,
    /// The tap behind it.
    pub far: Vantage,
    /// Packets that both have.
    pub both: u64,
    /// Packets that left the first and never reached the other.
    pub lost: u64,
    /// As many of these are of SAs of which the other tap has nothing.
    pub lone: u64,
    /// Packets that the first lacks and the other has.
    pub unrecorded: u64,
    /// Of the other direction: packets that the far tap lacks though they passed it first, and those
    /// that it has.
    leak: (u64, u64),
    /// Of both directions: packets lost and left, and those that a tap lacks of what passed it first
    /// and all that passed.
    pooled: [u64; 4],
    /// Numbers that neither has.
    pub before: u64,
    /// The first runs of those that were lost.
    pub missed: &'m [Missed],
}

impl<'m> Located<'m> {
    /// The longest run of packets that were lost.
    pub fn longest(&self) -> Option<&'m Missed> {
        self.missed.iter().max_by_key(|missed| missed.run.length())
    }

    /// Whether nearly all were lost in a row: an outage, which is told for itself. Where none arrived afterwards fewer
    /// are enough, since nothing tells when it would have ended.
    pub fn is_one_piece(&self) -> bool {
        self.longest().is_some_and(|longest| {
            let length = longest.run.length();
            (length >= 5 || longest.after.is_none()) && length.saturating_mul(10) >= self.lost * 9
        })
    }

    /// Of the direction towards an end, at the pair of taps that lacks most. None if some flow could
    /// not be compared.
    pub fn of(tunnel: &'m Tunnel, towards: usize) -> Option<Self> {
        let of_pair = |pair: &'m TapPair| {
            let near = pair.near(towards)?;
            let crossing: &'m Crossing = pair.crossings.get(towards)?;
            let back = pair.crossings.get(1 - towards)?;
            let both = crossing.both.saturating_add(back.both);
            let lost = crossing
                .only
                .get(near)?
                .saturating_add(*back.only.get(1 - near)?);
            let lacking = crossing
                .only
                .get(1 - near)?
                .saturating_add(*back.only.get(near)?);
            Some(Self {
                lone: *crossing.lone.get(near)?,
                leak: (*back.only.get(near)?, back.both),
                pooled: [
                    lost,
                    both.saturating_add(lost),
                    lacking,
                    both.saturating_add(lacking),
                ],
                near: *pair.taps.get(near)?,
                far: *pair.taps.get(1 - near)?,
                both: crossing.both,
                lost: *crossing.only.get(near)?,
                unrecorded: *crossing.only.get(1 - near)?,
                before: crossing.neither,
                missed: crossing.missed.get(near)?,
            })
            .filter(|_| crossing.uncounted == 0)
        };
        let mut found: Option<Self> = None;
        for located in tunnel.taps.iter().filter_map(of_pair) {
            if found.is_none_or(|found| located.lost > found.lost) {
                found = Some(located);
            }
        }
        found
    }

    /// Packets that left the first tap.
    pub fn left(&self) -> u64 {
        self.both.saturating_add(self.lost)
    }

    /// Whether packets left the first tap and not one reached the other.
    pub fn all_lost(&self) -> bool {
        self.lost > 0 && self.both == 0 && self.unrecorded == 0
    }

    /// Whether the recording of the far tap may have lost these, and no path: it loses what comes and
    /// what goes alike, and chance alone explains how many of both are missing. Where both
    /// directions together show more than chance, the one that lacks more lost them on the way.
    pub fn may_be_leak(&self) -> bool {
        /// Fewer packets of the other direction tell nothing.
        const PLENTY: u64 = 10;
        let (lacks, has) = self.leak;
        let back = lacks.saturating_add(has);
        if back < PLENTY {
            return false;
        }
        let [lost, left, lacking, passed] = self.pooled;
        let (deviations, pooled) = (
            deviations(self.lost, self.left(), lacks, back),
            deviations(lost, left, lacking, passed),
        );
        deviations <= CHANCE && (pooled <= CHANCE || deviations <= 1.0)
    }

    /// Whether the far tap lacks nothing of the other direction, of which it would have five gaps and more if its
    /// recording had made those of this one: that is chance in one case of a hundred and fifty.
    pub fn spares_back(&self) -> bool {
        const EXPECTED: f64 = 5.0;
        let (lacks, has) = self.leak;
        // Of the gaps the first are kept, and the others are taken to be as long.
        let kept = self.missed.iter().map(|missed| missed.run.length());
        let gaps = self.lost as f64 * self.missed.len() as f64 / kept.sum::<u64>().max(1) as f64;
        lacks == 0 && gaps / self.left().max(1) as f64 * has as f64 >= EXPECTED
    }

    /// Whether the recording of the far tap lacks packets that certainly passed it.
    pub fn leaks(&self) -> bool {
        self.leak.0 > 0
    }

    /// Whether packets of the other direction passed the far tap, so that its recording can be judged.
    pub fn is_judged(&self) -> bool {
        self.leak.1 > 0
    }

    /// `12 of 200 packets left the tap a.pcap and never reached the tap b.pcap (6.0 %)`.
    pub fn says(&self, model: &Model) -> Text {
        let share = self.lost as f64 * 100.0 / self.left().max(1) as f64;
        say!(
            "{lost} of {sent} left the tap {near} and never reached the tap {far} ({share} %)",
            lost = self.lost,
            sent = count(self.left(), "packet"),
            near = name(model, self.near),
            far = name(model, self.far),
            share = Text::verbatim(format_args!("{share:.1}"))
        )
    }

    /// Cites lost packets at both taps.
    pub fn cite(&self, model: &Model, mut finding: Finding) -> Finding {
        let (near, far) = &(name(model, self.near), name(model, self.far));
        for Missed {
            run,
            spi,
            there,
            after,
        } in self.missed.iter().take(2)
        {
            let (first, last) = (run.first, run.last);
            if let Some((number, frame, time)) = *there {
                let note = match (number >= first, run.length()) {
                    (true, _) => say!(
                        "number {number} of {spi} leaves {near}, never reaches {far}",
                        number,
                        spi,
                        near,
                        far
                    ),
                    (false, 1) => say!(
                        "number {number} leaves {near}; number {first} of {spi} follows and never reaches {far}",
                        number,
                        near,
                        first,
                        spi,
                        far
                    ),
                    (false, _) => say!(
                        "number {number} leaves {near}; numbers {first} to {last} of {spi} follow and never \
                         reach {far}",
                        number,
                        near,
                        first,
                        last,
                        spi,
                        far
                    ),
                };
                finding = finding.also((frame, time), note);
            }
            if let Some(after) = *after {
                let note = match run.length() {
                    1 => say!(
                        "number {first} of {spi} is missing before it at {far}",
                        first,
                        spi,
                        far
                    ),
                    _ => say!(
                        "numbers {first} to {last} of {spi} are missing before it at {far}",
                        first,
                        last,
                        spi,
                        far
                    ),
                };
                finding = finding.also(after, note);
            }
        }
        finding
    }

    /// The cite of the first lost packet at the tap that it left, or of one before it.
    pub fn first(&self) -> Option<Cite> {
        let (_, frame, time) = self.missed.iter().find_map(|missed| missed.there)?;
        Some((frame, time))
    }
}

/// The flow of the same SPI at the tap that it passes before this one.
pub fn upstream<'m>(case: &Case<'m>, flow: &EspFlow) -> Option<&'m EspFlow> {
    let towards = case.tunnel.destination(flow)?;
    let near = case.tunnel.taps.iter().find_map(|pair| {
        let near = pair.near(towards)?;
        let far = pair.index(flow.key.vantage).filter(|tap| *tap != near);
        far.and_then(|_| pair.taps.get(near).copied())
    })?;
    let flows = case.flows();
    flows.into_iter().find(|other| {
        other.key.vantage == near
            && (other.key.spi, other.key.ah) == (flow.key.spi, flow.key.ah)
            && case.tunnel.destination(other) == Some(towards)
    })
}

/// ESP and AH of one direction that passed the tap near its sender in a while in which the tap behind it
/// had none of it: lost between the two.
#[derive(Clone, Copy, Debug)]
pub struct Vanished {
    /// The tap that it passed.
    pub near: Vantage,
    /// So many packets at the least.
    pub packets: u64,
    /// The last of them, where the tap behind recorded on.
    pub last: Option<Cite>,
}

impl Vanished {
    /// What a tap lacks of those flows towards an end that `keep` names, between two moments of its own
    /// clock in which it has none of them.
    pub fn of(
        case: &Case<'_>,
        far: Vantage,
        towards: usize,
        (from, to): (Timestamp, Timestamp),
        keep: impl Fn(&EspFlow) -> bool,
    ) -> Option<Self> {
        let vanished = case.tunnel.taps.iter().filter_map(|pair| {
            let place = pair.near(towards)?;
            let behind = pair.index(far).filter(|behind| *behind != place)?;
            let (near, recording) = (*pair.taps.get(place)?, case.model.recording(far)?);
            let (from, doubt) = pair.elsewhere(behind, from);
            let (to, _) = pair.elsewhere(behind, to);
            let (from, to) = (from.later(doubt), to.later(Span(doubt.0.saturating_neg())));
            let flows = case.directions_at(near)?.alive(towards, from, to);
            let flows: Vec<&EspFlow> = flows.filter(|flow| keep(flow)).collect();
            let packets = flows.iter().map(|flow| esp::packets_within(flow, from, to));
            let ends = flows.iter().map(|flow| flow.seen.last);
            Some(Self {
                near,
                packets: packets.sum(),
                last: ends
                    .filter(|cite| cite.1 > from && is_recording(pair, place, cite.1, recording))
                    .max_by_key(|cite| cite.1),
            })
        });
        vanished.max_by_key(|vanished| vanished.packets)
    }
}

/// Standard deviations: one in a hundred lies beyond.
const CHANCE: f64 = 2.5;

/// How far the lost ones are more than their share of all that is missing, in standard deviations.
fn deviations(lost: u64, left: u64, lacking: u64, passed: u64) -> f64 {
    let missing = lost.saturating_add(lacking) as f64;
    let share = left as f64 / left.saturating_add(passed).max(1) as f64;
    let deviation = (missing * share * (1.0 - share)).sqrt();
    (lost as f64 - missing * share) / deviation.max(f64::MIN_POSITIVE)
}

/// What a person calls a tap: the file, and the interface if one input holds several taps.
pub fn name(model: &Model, tap: Vantage) -> Text {
    let input = model.inputs.get(usize::from(tap.input));
    let file: Text = input.map(|input| Text::verbatim(&input.name)).into();
    match tap.interface {
        0 => file,
        interface => say!("{file} (interface {interface})", file, interface),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClockOffset, Lie, TunnelId};
    use crate::testing::model;
    use crate::units::FrameId;

    fn tap(input: u16) -> Vantage {
        Vantage {
            input,
            interface: 0,
        }
    }

    #[test]
    fn a_loss_is_proven_only_where_the_other_tap_hears_that_port() {
        let frame = FrameId {
            input: 0,
            number: 1,
        };
        let lost = Passage {
            near: tap(0),
            far: tap(1),
            sent: vec![(frame, Timestamp(0))],
            beyond: 0,
            reached: Vec::new(),
            pieces: 1,
            lost: vec![(frame, Timestamp(0))],
            hears_port: true,
        };
        assert!(lost.is_lost() && lost.is_proven());
        let filtered = Passage {
            hears_port: false,
            ..lost.clone()
        };
        assert!(filtered.is_lost() && !filtered.is_proven());
        let reached = Passage {
            reached: lost.sent.clone(),
            ..lost
        };
        assert!(!reached.is_lost() && !reached.is_proven());
    }

    #[test]
    fn the_other_tap_records_from_its_first_frame_to_a_while_before_its_last() {
        let at = |millis: i64| Timestamp(millis * 1_000_000);
        let pair = |clock| TapPair {
            taps: [tap(0), tap(1)],
            lie: Lie::Apart(0),
            clock,
            crossings: Default::default(),
        };
        let span = (at(100_000), at(160_000));
        let is = |clock, tap, millis| is_recording(&pair(clock), tap, at(millis), span);
        // Its clock is two seconds ahead, to half a second.
        let ahead = Some(ClockOffset {
            offset: Span::from_secs(2),
            uncertainty: Span::from_millis(500),
            round_trip: Some(Span::from_secs(1)),
        });
        for (millis, recorded) in [
            (98_499, false),
            (98_500, true),
            (156_500, true),
            (156_501, false),
        ] {
            assert_eq!(is(ahead, 0, millis), recorded, "{millis}");
            assert_eq!(is(ahead, 1, millis + 4_000), recorded, "{millis}");
        }
        // Without a common clock ten seconds are in doubt.
        for (millis, recorded) in [
            (109_999, false),
            (110_000, true),
            (149_000, true),
            (149_001, false),
        ] {
            assert_eq!(is(None, 0, millis), recorded, "{millis}");
        }
    }

    #[test]
    fn what_a_flow_was_before_is_the_flow_of_its_own_spi() {
        let model = model(
            "0 A > B ESP 0xb9 seq 1..40 every 0.1 ttl=64
             0 A > B ESP 0xb1 seq 1..40 every 0.1 ttl=64
             0.01 A > B ESP 0xb1 seq 1..40 every 0.1 ttl=60 tap=1
             0.01 A > B ESP 0xb9 seq 1..40 every 0.1 ttl=60 tap=1",
        );
        let case = Case::of(&model, TunnelId(0));
        for flow in case.flows() {
            let before = upstream(&case, flow).map(|before| (before.key.vantage, before.key.spi));
            let expected = (flow.key.vantage == tap(1)).then_some((tap(0), flow.key.spi));
            assert_eq!(before, expected);
        }
    }
}
