//! What happened to a tunnel, in order: when it was first seen, came up, was renewed, refused, lost,
//! deleted, and when its traffic began and stopped.
//!
//! It says what was seen and judges nothing: why something happened is what the rules are for. What
//! happens again and again is folded, so that a tunnel that flaps for a day reads in a few lines.

mod child;
mod fold;
mod ike;
mod outside;
mod traffic;

use super::case::Case;
use super::facts::tap;
use super::facts::taps::Clocks;
use super::finding::Cite;
use super::rules::peer_restarted;
use crate::language::Text;
use crate::model::{Model, TunnelId};
use crate::say;
use crate::units::{Span, Timestamp};

/// Something that happened to a tunnel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// The frame that shows it.
    pub at: Cite,
    /// What kind of thing it is.
    pub kind: Kind,
    /// In words.
    pub says: Text,
    /// How many events it stands for: 1, unless it is [`Kind::Again`].
    pub count: usize,
    /// Whether a negotiation from the first message on begins or ends with it.
    anew: bool,
    /// When it happened by the clock of the first tap.
    when: Timestamp,
}

/// Kinds of event, in the order in which they are told if they happen in one frame.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// The first packet of the tunnel.
    FirstSeen,
    /// A message was sent several times before it was answered.
    Retransmitted,
    /// The last packet of a side that then leaves requests unanswered.
    LastHeard,
    /// A message was not answered.
    Unanswered,
    /// A request was refused.
    Refused,
    /// A side began anew without the SAs it had.
    Restarted,
    /// The first IKE SA came up, or a further one beside another.
    IkeUp,
    /// An IKE SA came up after another, in place of none.
    UpAgain,
    /// An IKE SA was rekeyed.
    IkeRekeyed,
    /// An IKE SA was negotiated anew in place of another.
    Reauthenticated,
    /// A child SA came up.
    ChildUp,
    /// A child SA took the place of another.
    ChildRekeyed,
    /// A side sends from another address or port.
    Moved,
    /// Packets of one direction begin.
    TrafficBegan,
    /// They stop for longer than they ever paused by themselves.
    TrafficStopped,
    /// They come again.
    TrafficResumed,
    /// An SA was deleted.
    Deleted,
    /// Something was said outside of any IKE SA.
    Outside,
    /// More of what was told before: many events in one.
    Again,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 19] = [
        Self::FirstSeen,
        Self::Retransmitted,
        Self::LastHeard,
        Self::Unanswered,
        Self::Refused,
        Self::Restarted,
        Self::IkeUp,
        Self::UpAgain,
        Self::IkeRekeyed,
        Self::Reauthenticated,
        Self::ChildUp,
        Self::ChildRekeyed,
        Self::Moved,
        Self::TrafficBegan,
        Self::TrafficStopped,
        Self::TrafficResumed,
        Self::Deleted,
        Self::Outside,
        Self::Again,
    ];

    /// It in words, for so many of it.
    fn words(self) -> &'static str {
        match self {
            Self::FirstSeen => "first seen",
            Self::Retransmitted => "retransmitted",
            Self::LastHeard => "last heard",
            Self::Unanswered => "unanswered",
            Self::Refused => "refused",
            Self::Restarted => "restarted",
            Self::IkeUp => "ike up",
            Self::UpAgain => "up again",
            Self::IkeRekeyed => "ike rekeyed",
            Self::Reauthenticated => "reauthenticated",
            Self::ChildUp => "child up",
            Self::ChildRekeyed => "child rekeyed",
            Self::Moved => "moved",
            Self::TrafficBegan => "traffic began",
            Self::TrafficStopped => "traffic stopped",
            Self::TrafficResumed => "traffic resumed",
            Self::Deleted => "deleted",
            Self::Outside => "outside of any IKE SA",
            Self::Again => "again",
        }
    }

    /// Its stable name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::FirstSeen => "first-seen",
            Self::Retransmitted => "retransmitted",
            Self::LastHeard => "last-heard",
            Self::Unanswered => "unanswered",
            Self::Refused => "refused",
            Self::Restarted => "restarted",
            Self::IkeUp => "ike-up",
            Self::UpAgain => "up-again",
            Self::IkeRekeyed => "ike-rekeyed",
            Self::Reauthenticated => "reauthenticated",
            Self::ChildUp => "child-up",
            Self::ChildRekeyed => "child-rekeyed",
            Self::Moved => "moved",
            Self::TrafficBegan => "traffic-began",
            Self::TrafficStopped => "traffic-stopped",
            Self::TrafficResumed => "traffic-resumed",
            Self::Deleted => "deleted",
            Self::Outside => "outside",
            Self::Again => "again",
        }
    }
}

impl Event {
    fn new(at: Cite, kind: Kind, says: impl Into<Text>) -> Self {
        Self {
            at,
            kind,
            says: says.into(),
            count: 1,
            anew: false,
            when: at.1,
        }
    }

    /// As an event that a negotiation from the first message on begins or ends with.
    fn anew(mut self) -> Self {
        self.anew = true;
        self
    }
}

/// What two taps have of one thing is not further apart than this.
const ALIKE: Span = Span::from_secs(1);

/// What happened to a tunnel, in order: at most [`crate::limits::TIMELINE_EVENTS`] events, of which
/// some stand for many.
pub fn timeline(model: &Model, tunnel: TunnelId) -> Vec<Event> {
    let case = Case::of(model, tunnel);
    let mut events = Vec::new();
    let clocks = Clocks::of(case.tunnel);
    ike::tell(&case, &clocks, &mut events);
    child::tell(&case, &mut events);
    outside::tell(&case, &mut events);
    traffic::tell(&case, &clocks, &mut events);
    if case.tunnel.ike_sas.len() > 1 {
        let restarts = super::check(&peer_restarted::RULE, &case).unwrap_or_default();
        events.extend(restarts.into_iter().filter_map(|finding| {
            let frame = finding.evidence.first()?.frame;
            // It is seen by what begins, which may be of the other side.
            let says = say!(
                "{restarted}, as this beginning shows",
                restarted = finding.title
            );
            Some(Event::new((frame, finding.last), Kind::Restarted, says))
        }));
    }
    events.extend(first_seen(&case, &clocks));
    for event in &mut events {
        event.when = clocks.common(event.at);
    }
    events.sort_by_key(|event| (event.when, event.at.0, event.kind));
    // One packet shows one thing once.
    events.dedup_by(|later, earlier| later.at.0 == earlier.at.0 && later.says == earlier.says);
    fold::fold(events)
}

/// The first packet of a tunnel.
fn first_seen(case: &Case<'_>, clocks: &Clocks) -> Option<Event> {
    let order = |cite: &Cite| (clocks.common(*cite), cite.0);
    let esp = case.flows().map(|flow| flow.seen.first).min_by_key(order);
    let esp = esp.map(|at| (at, Text::from("first packet is of traffic")));
    let messages = case.messages().map(|message| {
        let (from, to) = (message.path.from(), message.path.to());
        (
            (message.frame, message.time),
            message.header.exchange,
            from,
            to,
        )
    });
    let outside = case.outside();
    let outside = outside.map(|row| (row.seen.first, row.exchange, row.path.from, row.path.to));
    let ike = messages.chain(outside).min_by_key(|(at, ..)| order(at));
    let ike = ike.map(|(at, exchange, from, to)| {
        let says = say!(
            "first packet: {exchange} from {from} to {to}",
            exchange,
            from,
            to
        );
        (at, says)
    });
    let first = ike.into_iter().chain(esp);
    let (at, says) = first.min_by_key(|(at, _)| order(at))?;
    let says = match tap::is_late(case) {
        true => say!(
            "{says}; it was up before, or its negotiation was not recorded",
            says
        ),
        false => says,
    };
    Some(Event::new(at, Kind::FirstSeen, says))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use crate::limits;
    use crate::units::FrameId;

    /// The timeline of the only tunnel, one event a line: second, slug, words.
    fn told(conversation: &str) -> String {
        let model = crate::testing::model(conversation);
        timeline(&model, TunnelId(0))
            .iter()
            .map(|event| {
                assert_eq!(Language::Chinese.lacks(&event.says), [""; 0]);
                format!(
                    "{:.1} {}: {}\n",
                    event.at.1.0 as f64 / 1e9,
                    event.kind.slug(),
                    event.says
                )
            })
            .collect()
    }

    #[track_caller]
    fn check(conversation: &str, expected: &str) {
        let clean = |text: &str| {
            let lines = text.lines().map(str::trim);
            lines
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(clean(&told(conversation)), clean(expected));
    }

    /// A tunnel that comes up at `at` under the SPIs `i` and `r`.
    fn up(at: u32, i: u32) -> String {
        let suite =
            "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        format!(
            "{at}.0 A:500 > B:500 IKE_SA_INIT i={i:x} r=0 id=0 request {suite}
             {at}.1 B:500 > A:500 IKE_SA_INIT i={i:x} r={i:x}f id=0 response {suite}
             {at}.2 A:500 > B:500 IKE_AUTH i={i:x} r={i:x}f id=1 request sealed 256
             {at}.3 B:500 > A:500 IKE_AUTH i={i:x} r={i:x}f id=1 response sealed 240\n"
        )
    }

    #[test]
    fn a_tunnel_that_is_lost_is_told_from_first_to_last() {
        let conversation = up(0, 1)
            + "1.0 A > B ESP 0xc1 seq 1..200 every 0.1 size 140
               1.1 B > A ESP 0xc2 seq 1..90 every 0.1 size 140
               14.0 A:500 > B:500 INFORMATIONAL i=1 r=1f id=2 request sealed 80 again=2,6,14
               40.0 A:500 > B:500 IKE_SA_INIT i=2 r=0 id=0 request SA(DH14) KE(14) Nonce again=2,6
               60.0 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(DH14) KE(14) Nonce";
        check(
            &conversation,
            "0.0 first-seen: first packet: IKE_SA_INIT from 192.0.2.1:500 to 192.0.2.2:500
             0.3 ike-up: IKE SA up, asked for by 192.0.2.1: IKEv2, ENCR_AES_CBC-256, AUTH_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256, 2048-bit MODP Group
             0.3 child-up: child SA up, asked for by 192.0.2.1: SPI 0x000000c2 to it, 0x000000c1 to 192.0.2.2
             1.0 traffic-began: ESP from 192.0.2.1 to 192.0.2.2 begins
             1.1 traffic-began: ESP from 192.0.2.2 to 192.0.2.1 begins
             10.0 last-heard: last packet of 192.0.2.2, 4.0 s before a request that it leaves unanswered
             10.0 traffic-stopped: ESP from 192.0.2.2 to 192.0.2.1 stops; none in the 50.0 s that follow
             20.9 traffic-stopped: ESP from 192.0.2.1 to 192.0.2.2 stops; none in the 39.1 s that follow
             28.0 unanswered: INFORMATIONAL of 192.0.2.1 is not answered: sent 4 times (at 0.0, 2.0, 6.0, 14.0 s)
             46.0 unanswered: IKE_SA_INIT of 192.0.2.1 is not answered: sent 3 times (at 0.0, 2.0, 6.0 s)
             60.0 unanswered: IKE_SA_INIT of 192.0.2.1 is not answered before the recording ends: sent once",
        );
    }

    #[test]
    fn a_tunnel_that_flaps_for_long_is_told_in_a_few_lines() {
        let conversation: String = (0..200)
            .map(|life| {
                let at = life * 300;
                up(at, life + 1)
                    + &format!(
                        "{at}.5 A > B ESP {:#x} seq 1..20 every 1 size 140
                         {at}.6 B > A ESP {:#x} seq 1..20 every 1 size 140
                         {at}.7 A:500 > B:500 INFORMATIONAL i={i:x} r={i:x}f id=2 request sealed 80 again=2,6,14\n",
                        0xc000 + life,
                        0xd000 + life,
                        i = life + 1,
                    )
            })
            .collect();
        let told = told(&conversation);
        assert!(told.lines().count() <= 40, "{told}");
        assert!(told.contains(" again: "), "{told}");
        assert!(told.contains("× up again"), "{told}");
    }

    /// The lines of a timeline that tell of such a thing.
    fn told_of(conversation: &str, slug: &str) -> Vec<String> {
        let told = told(conversation);
        let lines = told.lines().filter(|line| line.contains(slug));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn an_ike_sa_is_rekeyed_when_that_is_answered_not_when_it_is_first_used() {
        let conversation = up(0, 1)
            + "600 A:500 > B:500 CREATE_CHILD_SA i=1 r=1f id=2 request sealed 416
               600.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=1f id=2 response sealed 416
               600.2 A:500 > B:500 INFORMATIONAL i=1 r=1f id=3 request sealed 80
               600.3 B:500 > A:500 INFORMATIONAL i=1 r=1f id=3 response sealed 80
               630 B:500 > A:500 INFORMATIONAL i=7 r=8 id=0 request by=responder sealed 80
               630.1 A:500 > B:500 INFORMATIONAL i=7 r=8 id=0 response sealed 80";
        assert_eq!(
            told_of(&conversation, "ike-rekeyed"),
            ["600.1 ike-rekeyed: IKE SA rekeyed, asked for by 192.0.2.1"]
        );
        // What was rekeyed is deleted, which goes without saying.
        assert_eq!(told_of(&conversation, "deleted"), [""; 0]);
    }

    #[test]
    fn an_ike_sa_beside_one_that_lives_is_a_further_one() {
        let beside = up(0, 1)
            + &up(20, 2)
            + "30 A:500 > B:500 INFORMATIONAL i=1 r=1f id=2 request sealed 80
               30.1 B:500 > A:500 INFORMATIONAL i=1 r=1f id=2 response sealed 80";
        assert_eq!(
            told_of(&beside, "a further IKE SA up, asked for by 192.0.2.1").len(),
            1,
            "{}",
            told(&beside)
        );
        let after = up(0, 1) + &up(20, 2);
        assert_eq!(told_of(&after, "a further IKE SA up"), [""; 0]);
    }

    #[test]
    fn a_delete_before_its_successor_is_told() {
        let conversation = up(0, 1)
            + "5 A:500 > B:500 INFORMATIONAL i=1 r=1f id=2 request sealed 80 opened D(IKE)
               5.1 B:500 > A:500 INFORMATIONAL i=1 r=1f id=2 response sealed 80"
            + &format!("\n{}", up(6, 2))
            + "90 A > B ESP 0xc1";
        assert_eq!(
            told_of(&conversation, "deleted"),
            ["5.0 deleted: 192.0.2.1 deletes the IKE SA"]
        );
    }

    #[test]
    fn two_taps_tell_of_the_same_traffic_once() {
        let conversation = |there: &str| {
            format!(
                "{}1 A > B ESP 0xc1 seq 1..20 every 0.1
                 20 A > B ESP 0xc1 seq 21..40 every 0.1
                 {there}",
                up(0, 1)
            )
        };
        let traffic = |there: &str| told_of(&conversation(there), "traffic-").len();
        let alone = traffic("");
        assert_eq!(alone, 3);
        let same = "1.01 A > B ESP 0xc1 seq 1..20 every 0.1 tap=1
            20.01 A > B ESP 0xc1 seq 21..40 every 0.1 tap=1";
        assert_eq!(traffic(same), alone);
        // The clock of the other tap is a minute ahead, as the times of packets both ways tell.
        let back = "1.05 B > A ESP 0xd1 seq 1..200 every 0.1";
        let ahead = "
            61.04 B > A ESP 0xd1 seq 1..200 every 0.1 tap=1
            61.06 A > B ESP 0xc1 seq 1..20 every 0.1 tap=1
            80.06 A > B ESP 0xc1 seq 21..40 every 0.1 tap=1";
        assert_eq!(traffic(&format!("{back}{ahead}")), traffic(back));
        // Before the loss it pauses, behind it it stops for good.
        let lost = "1.01 A > B ESP 0xc1 seq 1..20 every 0.1 tap=1
            30 C > B ESP 0xd1 tap=1";
        assert_eq!(traffic(lost), alone + 1);
        let later = "1.01 A > B ESP 0xc1 seq 1..20 every 0.1 tap=1
            29 A > B ESP 0xc1 seq 40 tap=1";
        assert!(traffic(later) > alone);
    }

    #[test]
    fn the_first_packet_is_the_first_by_the_clock_of_all() {
        // The clock of the other tap is a minute behind.
        let told = told(
            "100 A > B ESP 0xc1 seq 1..40 every 0.1
             100.05 B > A ESP 0xd1 seq 1..40 every 0.1
             40.06 A > B ESP 0xc1 seq 1..40 every 0.1 tap=1
             40.04 B > A ESP 0xd1 seq 1..40 every 0.1 tap=1",
        );
        assert!(told.starts_with("100.0 first-seen"), "{told}");
    }

    #[test]
    fn a_refusal_in_clear_and_a_deletion_are_told_with_who_and_why() {
        let conversation = "
            0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response N(NO_PROPOSAL_CHOSEN)
            5.0 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            5.1 B:500 > A:500 IKE_SA_INIT i=3 r=4 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            5.2 A:500 > B:500 IKE_AUTH i=3 r=4 id=1 request opened IDi(a.example) AUTH(2) SA(ESP 0xc1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
            5.3 B:500 > A:500 IKE_AUTH i=3 r=4 id=1 response opened IDr(b.example) AUTH(2) SA(ESP 0xc2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.3.0/24)
            9.0 B:500 > A:500 INFORMATIONAL i=3 r=4 id=0 request opened D(IKE)
            9.1 A:500 > B:500 INFORMATIONAL i=3 r=4 id=0 response sealed 80";
        check(
            conversation,
            "0.0 first-seen: first packet: IKE_SA_INIT from 192.0.2.1:500 to 192.0.2.2:500
             0.1 refused: 192.0.2.2 answers IKE_SA_INIT with NO_PROPOSAL_CHOSEN
             5.3 ike-up: IKE SA up, asked for by 192.0.2.1: IKEv2, ENCR_AES_CBC-256, AUTH_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256, 2048-bit MODP Group
             5.3 child-up: child SA up, asked for by 192.0.2.1: SPI 0x000000c1 to it, 0x000000c2 to 192.0.2.2; 10.1.0.0/16 with 10.2.3.0/24, though 10.1.0.0/16 with 10.2.0.0/16 was asked for
             9.0 deleted: 192.0.2.2 deletes the IKE SA",
        );
    }

    #[test]
    fn a_side_that_moves_is_told_and_the_float_to_port_4500_is_none() {
        let conversation = up(0, 1)
            + "5.0 A:4500 > B:4500 INFORMATIONAL i=1 r=1f id=2 request sealed 80
               5.1 B:4500 > A:4500 INFORMATIONAL i=1 r=1f id=2 response sealed 80
               9.0 A:1025 > B:4500 INFORMATIONAL i=1 r=1f id=3 request by=initiator sealed 80
               9.1 B:4500 > A:1025 INFORMATIONAL i=1 r=1f id=3 response sealed 80
               12.0 C:4500 > B:4500 INFORMATIONAL i=1 r=1f id=4 request by=initiator sealed 80
               12.1 B:4500 > C:4500 INFORMATIONAL i=1 r=1f id=4 response by=responder sealed 80";
        let told = told(&conversation);
        let moved: Vec<&str> = told.lines().filter(|line| line.contains("moved")).collect();
        assert_eq!(
            moved,
            [
                "9.0 moved: 192.0.2.1:4500 now sends from port 1025: a NAT changed its mapping, or it moved",
                "12.0 moved: 192.0.2.1:1025 now sends from 192.0.2.3:4500"
            ],
            "{told}"
        );
    }

    #[test]
    fn what_is_said_outside_of_any_ike_sa_is_no_request_and_no_tunnel() {
        check(
            "0.0 B:500 > A:500 INFO_V1 i=0 r=0 id=7 N(5)
             2.0 B:500 > A:500 INFO_V1 i=0 r=0 id=8 N(5)
             9.0 B:500 > A:500 INFORMATIONAL i=0 r=0 id=0 request N(INVALID_SPI 000000b1)",
            "0.0 first-seen: first packet: Informational from 192.0.2.2:500 to 192.0.2.1:500
             0.0 outside: 192.0.2.2 says outside of any IKE SA: INVALID-MAJOR-VERSION (2 times in 2.0 s)
             9.0 outside: 192.0.2.2 says outside of any IKE SA: INVALID_SPI 0x000000b1",
        );
    }

    #[test]
    fn no_timeline_is_longer_than_the_limit_and_none_loses_an_event() {
        let kinds = [Kind::Moved, Kind::Refused, Kind::Retransmitted];
        let events: Vec<Event> = (0..900)
            .zip(kinds.iter().cycle())
            .map(|(number, kind)| {
                let frame = FrameId { input: 0, number };
                Event::new((frame, Timestamp(number as i64)), *kind, "seen")
            })
            .collect();
        let told = fold::fold(events);
        assert_eq!(told.len(), limits::TIMELINE_EVENTS);
        assert_eq!(told.iter().map(|event| event.count).sum::<usize>(), 900);
        let last = told.last().map(|event| event.at.0.number);
        assert_eq!(last, Some(899));
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let mut slugs: Vec<&str> = Kind::ALL.iter().map(|kind| kind.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Kind::ALL.len());
    }

    #[test]
    fn the_reason_of_a_refusal_is_named_if_it_was_read() {
        let suite =
            "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        let text = |opened: &str| {
            format!(
                "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {suite}
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {suite}
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80 {opened}"
            )
        };
        let read = told(&text("opened N(AUTHENTICATION_FAILED)"));
        assert!(read.contains("AUTHENTICATION_FAILED"), "{read}");
        let sealed = told(&text(""));
        assert!(!sealed.contains("AUTHENTICATION_FAILED"), "{sealed}");
    }
}
