//! What the tap could see: the guard of every conclusion from absence.

use super::{asked, quality};
use crate::diagnose::{Case, Cite, Confidence, Severity, Signs};
use crate::model::{Exchange, Flight, IkeState, Keepalives, Message, Model, Plain};
use crate::net::{INITIAL_TTLS, Path};
use crate::registry::ExchangeType;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::BTreeMap;

/// What can be expected of the recording of one tunnel.
#[derive(Clone, Debug)]
pub struct Tap {
    /// Whether any packet sent by each end was seen.
    pub heard: [bool; 2],
    /// Whether an end must have sent something that was not recorded: the other end speaks as one
    /// who was answered, yet no packet of this end is there.
    pub deaf: [bool; 2],
    /// Whether the tunnel was up before the recording began.
    pub late: bool,
    /// Packets that the recording system says it lost.
    pub dropped: u64,
    /// A message that shows that the recording missed another one.
    pub missed: Option<Cite>,
}

impl Tap {
    /// How long the recording must go on after a request before its silence means anything: longer
    /// than any path's round trip and a slow responder's key generation.
    pub const PATIENCE: Span = Span::from_secs(3);

    /// What the recording of this tunnel allows.
    pub fn of(case: &Case<'_>) -> Self {
        let mut heard = [false; 2];
        let mut answered = [false; 2];
        let messages = flights(case).flat_map(|(exchange, flight)| {
            let mut proves = None;
            copies(case.model, flight).filter_map(move |message| {
                let proves = proves
                    .get_or_insert_with(|| proves_other(case.model, exchange, flight, message));
                let end = super::end_of(case.tunnel, message.path.from().address)?;
                Some((end, *proves))
            })
        });
        let flows = case
            .tunnel
            .flows
            .iter()
            .flat_map(|id| &case.model.flows[*id].paths);
        let flows = flows.filter_map(|path| super::end_of(case.tunnel, path.from.address));
        let outside = case.outside();
        let outside = outside.filter_map(|row| super::end_of(case.tunnel, row.path.from.address));
        let others = flows
            .chain(asides(case).map(|aside| aside.end))
            .chain(outside);
        let mut all = messages.chain(others.map(|end| (end, false)));
        if answers_pass(case) {
            heard = [true; 2];
        }
        // Who was heard is not deaf, so then there is nothing left to learn.
        while heard != [true; 2]
            && let Some((end, proves_other)) = all.next()
        {
            if let (Some(heard), Some(other)) = (heard.get_mut(end), answered.get_mut(1 - end)) {
                *heard = true;
                *other |= proves_other;
            }
        }
        let [first, second] = heard;
        let [first_spoke, second_spoke] = answered;
        // A group sends nothing (RFC 6407 section 4, RFC 9838 section 2.4.1).
        let [first_end, second_end] = case.tunnel.ends.map(|end| !end.is_multicast());
        Self {
            heard,
            deaf: [
                first_spoke && !first && first_end,
                second_spoke && !second && second_end,
            ],
            late: is_late(case),
            missed: quality::missed(case),
            dropped: case
                .model
                .inputs
                .iter()
                .filter_map(|input| input.dropped)
                .fold(0, u64::saturating_add),
        }
    }

    /// Whether the recording lacks packets, as it says itself or as the packets show.
    pub(crate) fn lacks_packets(&self) -> bool {
        self.dropped > 0 || self.missed.is_some()
    }

    /// Confidence in a conclusion drawn from what did not come: one step less if one side was not
    /// recorded, or if the recording lacks packets.
    pub fn absence(&self, confidence: Confidence) -> Confidence {
        let doubt = self.deaf.contains(&true) || self.lacks_packets();
        confidence.lower_if(doubt)
    }

    /// Severity of what is concluded from packets that are missing here and there: none where the
    /// recording is known to miss packets itself.
    pub fn gaps(&self, severity: Severity) -> Severity {
        match self.lacks_packets() {
            true => Severity::Info,
            false => severity,
        }
    }

    /// Whether both ends were heard, so that one falling silent means something.
    pub fn hears_both(&self) -> bool {
        self.heard == [true; 2]
    }
}

/// Whether the tunnel was up before the recording began. What is said outside of any IKE SA alone tells of no tunnel.
pub fn is_late(case: &Case<'_>) -> bool {
    match case.ike_sas().next() {
        Some(sa) => sa.state == IkeState::AlreadyUp,
        None => case.tunnel.outside.is_empty() || !case.tunnel.flows.is_empty(),
    }
}

/// Whether a capture filter that names ports may be why only first pieces of UDP packets are here: the
/// others have no ports, so such a filter leaves them out (RFC 791 section 3.2). Anything else that it
/// would leave out as well shows that there is none.
pub fn may_name_ports(model: &Model, vantage: Vantage) -> bool {
    !model.past_ports.contains(&vantage)
}

/// When the recording of a vantage ended; `None` if its input tells no time. A rotated set ends with
/// its last file.
pub fn ended(model: &Model, vantage: Vantage) -> Option<Timestamp> {
    model
        .recording(vantage)
        .map(|(_, last)| last)
        .or_else(|| model.inputs.iter().filter_map(|input| input.last).max())
}

/// Whether the recording went on for at least `span` after `time`, however its clock was set.
pub fn went_on(model: &Model, vantage: Vantage, time: Timestamp, span: Span) -> bool {
    let span = span
        .0
        .saturating_add(quality::clock_error(model, vantage).0);
    ended(model, vantage).is_some_and(|end| end.since(time).0 >= span)
}

/// Whether a file of the recording of a vantage ends between two times, and none of the same set goes
/// on at once: a file of the rotated set may be missing.
pub fn breaks(model: &Model, vantage: Vantage, from: Timestamp, to: Timestamp) -> bool {
    /// The next packet of a busy tap comes sooner.
    const AT_ONCE: Span = Span::from_secs(1);
    let set = || {
        let inputs = model.inputs.iter();
        inputs.filter(move |input| input.set == vantage.input)
    };
    let ends = set().filter_map(|input| input.last);
    ends.filter(|end| *end >= from && *end < to).any(|end| {
        let mut others = set().filter_map(|input| input.first.zip(input.last));
        !others.any(|(first, last)| first <= end.later(AT_ONCE) && last > end)
    })
}

/// Whether a request and its answer were recorded, each from another end, as the rows of the IKE SAs alone
/// tell: so it is with nearly all tunnels of a large capture, whose messages then need not be looked at.
fn answers_pass(case: &Case<'_>) -> bool {
    let ends = |path: &Path| [path.from, path.to].map(|at| super::end_of(case.tunnel, at.address));
    case.ike_sas().any(|sa| {
        let mut paths = sa.paths.iter().map(ends);
        let initiator = paths.clone().next();
        // Its messages may take other paths, but between the same ends.
        sa.signs.meet(Signs::ANSWERED)
            && initiator.is_some_and(|ends| matches!(ends, [Some(0), Some(1)] | [Some(1), Some(0)]))
            && paths.all(|ends| Some(ends) == initiator)
    })
}

/// Whether what a gateway sent came to the tap as it left, and what was for it did not: the tap stands beside
/// that gateway, and what it has for it gets there.
pub fn is_beside_sender(model: &Model, sent: &Flight, received: &Flight) -> bool {
    let ttl = |flight| super::first(model, flight).map(|message| (message.vantage, message.ip.ttl));
    let untouched = |ttl: u8| INITIAL_TTLS.contains(&ttl);
    ttl(sent)
        .zip(ttl(received))
        .is_some_and(|((here, sent), (there, received))| {
            here == there && untouched(sent) && !untouched(received)
        })
}

/// Whether all IKE of an end comes to the tap as it left, and none of the other does: the tap stands beside that end,
/// and hears all that it sends.
pub fn is_beside(case: &Case<'_>, end: usize) -> bool {
    case.messages().all(|message| {
        let untouched = INITIAL_TTLS.contains(&message.ip.ttl);
        let is_own = super::end_of(case.tunnel, message.path.from().address) == Some(end);
        untouched == is_own
    })
}

/// Whether who sends this has heard the other side since the recording began.
///
/// An IKE SA that began in the recording is named by both its SPIs only by who was answered. The SPIs of an
/// older one prove nothing: who asks a dead peer names them, too. There an answer shows it, since it was asked
/// for, and so does what comes only after an answer.
fn proves_other(model: &Model, exchange: &Exchange, flight: &Flight, message: &Message) -> bool {
    if message.header.spis.responder.is_zero() {
        return false;
    }
    let is_older = model.ike_sas[exchange.ike_sa].state == IkeState::AlreadyUp;
    let sent = exchange.flights.iter().map(|other| other.by);
    let went_on = || asked::proof_of_answer(model, exchange).is_some();
    // What IKEv1 says in clear beside an exchange is about something that came (RFC 2408 section 3.14).
    let complains =
        exchange.kind == ExchangeType::INFORMATIONAL_V1 && message.plain == Plain::Clear;
    !is_older
        || complains
        || match asked::is_v1(exchange.kind) {
            // The third message of an exchange answers the second.
            true => sent.filter(|by| *by == flight.by).count() > 1 || went_on(),
            false => flight.response || went_on(),
        }
}

/// The messages of the tunnel's exchanges, each with its exchange.
fn flights<'m>(case: &Case<'m>) -> impl Iterator<Item = (&'m Exchange, &'m Flight)> + use<'m> {
    case.exchanges().flat_map(|exchange| {
        exchange
            .flights
            .iter()
            .map(move |flight| (exchange, flight))
    })
}

/// The datagrams of a message, copies included.
fn copies<'m>(model: &'m Model, flight: &'m Flight) -> impl Iterator<Item = &'m Message> + use<'m> {
    flight.copies().map(|id| &model.messages[id])
}

/// Every message of the tunnel's exchanges, copies included.
pub fn messages<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m Message> + use<'m> {
    let model = case.model;
    flights(case).flat_map(|(_, flight)| copies(model, flight))
}

/// The IKE messages of an end at one tap.
pub fn messages_of<'m>(
    case: &Case<'m>,
    vantage: Vantage,
    end: usize,
) -> impl Iterator<Item = &'m Message> + use<'m> {
    let tunnel = case.tunnel;
    case.messages().filter(move |message| {
        message.vantage == vantage
            && super::end_of(tunnel, message.path.from().address) == Some(end)
    })
}

/// What an end sent beside IKE and ESP: a NAT keepalive (RFC 3948 section 4), or an ICMP error of its own.
/// It shows nothing of IKE, but that the end lives, and that what it sends arrives.
#[derive(Clone, Copy, Debug)]
pub struct Aside {
    /// Which end.
    pub end: usize,
    /// Where it was recorded.
    pub vantage: Vantage,
    /// The packet.
    pub at: Cite,
}

/// What the ends sent beside IKE and ESP. Of many alike the first is here, and of keepalives the last as well
/// and those about the longest time between two.
pub fn asides<'m>(case: &Case<'m>) -> impl Iterator<Item = Aside> + use<'m> {
    let tunnel = case.tunnel;
    let keepalives = case.keepalives().flat_map(|seen| {
        let all = [
            seen.first,
            seen.longest.before,
            seen.longest.after,
            seen.last,
        ];
        all.map(|at| (seen.path.from.address, seen.vantage, at))
    });
    let icmp = case.icmp().map(|seen| {
        (
            seen.path.from.address,
            seen.vantage,
            (seen.frame, seen.time),
        )
    });
    keepalives
        .chain(icmp)
        .filter_map(move |(from, vantage, at)| {
            let end = super::end_of(tunnel, from)?;
            Some(Aside { end, vantage, at })
        })
}

/// The NAT keepalives of an end.
pub fn keepalives<'m>(
    case: &Case<'m>,
    end: usize,
) -> impl Iterator<Item = &'m Keepalives> + use<'m> {
    let tunnel = case.tunnel;
    case.keepalives()
        .filter(move |seen| super::end_of(tunnel, seen.path.from.address) == Some(end))
}

/// Whether an end sent something beside IKE and ESP between two times, as one tap recorded it.
pub fn speaks_aside(
    case: &Case<'_>,
    vantage: Vantage,
    end: usize,
    (from, to): (Timestamp, Timestamp),
) -> bool {
    let is_one = |aside: &Aside| aside.end == end && aside.vantage == vantage;
    let mut asides = asides(case).filter(is_one);
    let mut keepalives = keepalives(case, end).filter(|seen| seen.vantage == vantage);
    asides.any(|aside| aside.at.1 > from && aside.at.1 < to)
        || keepalives.any(|seen| {
            // They follow each other so closely that one lies between.
            let closely = seen.longest.length < to.since(from);
            seen.first.1 <= from && seen.last.1 >= to && closely
        })
}

/// Whether NAT keepalives of an end go on over a time, and do not pause just then.
pub fn keeps_alive(
    case: &Case<'_>,
    vantage: Vantage,
    end: usize,
    (from, to): (Timestamp, Timestamp),
) -> bool {
    let mut keepalives = keepalives(case, end).filter(|seen| seen.vantage == vantage);
    keepalives.any(|seen| {
        let pauses = seen.longest.before.1 <= from && seen.longest.after.1 >= to;
        seen.first.1 <= from && seen.last.1 >= to && !pauses
    })
}

/// When IKE messages of each end were recorded at each tap, in order of time.
#[derive(Clone, Debug, Default)]
pub struct IkeTimes(BTreeMap<(Vantage, usize), Vec<Timestamp>>);

impl IkeTimes {
    /// Those of a tunnel.
    pub fn of(case: &Case<'_>) -> Self {
        let mut times: BTreeMap<(Vantage, usize), Vec<Timestamp>> = BTreeMap::new();
        for message in messages(case) {
            if let Some(end) = super::end_of(case.tunnel, message.path.from().address) {
                let row = times.entry((message.vantage, end));
                row.or_default().push(message.time);
            }
        }
        for row in times.values_mut() {
            row.sort_unstable();
        }
        Self(times)
    }

    /// Whether an end sent any that a tap recorded.
    pub fn has(&self, vantage: Vantage, end: usize) -> bool {
        self.0.contains_key(&(vantage, end))
    }

    /// Whether an end sent any after a time and before another.
    pub fn within(&self, vantage: Vantage, end: usize, from: Timestamp, to: Timestamp) -> bool {
        self.0.get(&(vantage, end)).is_some_and(|times| {
            let next = times.get(times.partition_point(|time| *time <= from));
            next.is_some_and(|time| *time < to)
        })
    }
}

/// When each end of a tunnel was heard, in order of time.
///
/// Of a flow only its first and last packet are known, since the timeline is too coarse to cite; of NAT
/// keepalives also those about the longest time between two.
#[derive(Clone, Debug)]
pub struct Heard([Vec<Cite>; 2]);

impl Heard {
    /// What was heard of this tunnel.
    pub fn of(case: &Case<'_>) -> Self {
        let mut ends = [Vec::new(), Vec::new()];
        let mut hear = |end: usize, cite: Cite| {
            if let Some(list) = ends.get_mut(end) {
                list.push(cite);
            }
        };
        for message in messages(case) {
            if let Some(end) = super::end_of(case.tunnel, message.path.from().address) {
                hear(end, (message.frame, message.time));
            }
        }
        for row in case.outside() {
            if let Some(end) = super::end_of(case.tunnel, row.path.from.address) {
                hear(end, row.seen.first);
                hear(end, row.seen.last);
            }
        }
        for directions in case.directions() {
            for end in [0, 1] {
                for flow in directions.flows(1 - end) {
                    hear(end, flow.seen.first);
                    hear(end, flow.seen.last);
                }
            }
        }
        for aside in asides(case) {
            hear(aside.end, aside.at);
        }
        // Stable: of packets at one time IKE comes first.
        for list in &mut ends {
            list.sort_by_key(|cite| cite.1);
        }
        Self(ends)
    }

    /// The first packet that an end sent after a time.
    pub(crate) fn since(&self, end: usize, time: Timestamp) -> Option<Cite> {
        let list = self.0.get(end)?;
        list.get(list.partition_point(|cite| cite.1 <= time))
            .copied()
    }

    /// The last packet that an end sent before a time.
    pub fn last(&self, end: usize, before: Timestamp) -> Option<Cite> {
        let list = self.0.get(end)?;
        let after = list.partition_point(|cite| cite.1 < before);
        list.get(after.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;

    #[test]
    fn any_doubt_lowers_what_is_concluded_from_absence() {
        let sure = Tap {
            heard: [true; 2],
            deaf: [false; 2],
            late: false,
            dropped: 0,
            missed: None,
        };
        let frame = crate::units::FrameId {
            input: 0,
            number: 1,
        };
        let concluded = |tap: Tap| tap.absence(Confidence::Certain);
        assert_eq!(concluded(sure.clone()), Confidence::Certain);
        for doubt in [
            Tap {
                deaf: [false, true],
                ..sure.clone()
            },
            Tap {
                dropped: 1,
                ..sure.clone()
            },
            Tap {
                missed: Some((frame, Timestamp(0))),
                ..sure
            },
        ] {
            assert_eq!(concluded(doubt), Confidence::Likely);
        }
    }

    #[test]
    fn the_spis_of_an_older_ike_sa_show_no_answer_of_today() {
        let deaf = |text: &str| {
            let model = model(text);
            Case::of(&model, crate::model::TunnelId(0)).tap().deaf
        };
        let asked = "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80 again=4,11";
        assert_eq!(deaf(asked), [false; 2]);
        // The next request comes after an answer, and an answer after a request.
        let next = "12 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80";
        assert_eq!(deaf(&format!("{asked}\n{next}")), [false, true]);
        let answer = "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 response by=initiator sealed 80";
        assert_eq!(deaf(answer), [false, true]);
    }

    #[test]
    fn what_has_no_ports_shows_at_its_own_tap_that_the_filter_names_none() {
        let named = |text: &str| {
            let model = model(&format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
                 {text}"
            ));
            let message = model.messages.iter().next().unwrap();
            may_name_ports(&model, message.vantage)
        };
        assert!(named(""));
        for without in [
            "1 A > B ESP 0xb1 seq 1..3",
            "1 A > B CLEAR 1",
            "1 A > B FRAGMENTS 50 complete 1 incomplete 0 pieces 2",
            "1 C > A ICMP 3/13 quoting A > B IKE i=1 r=0",
        ] {
            assert!(!named(without), "{without}");
            assert!(named(&format!("{without} tap=1")), "{without} elsewhere");
        }
    }
}
