//! What is said of a silence.

use super::apart::{Of, Set};
use super::pattern::{ASKS_AGAIN, asked_at};
use super::silence::{Requests, Silence, Traffic};
use super::{PLENTY, RULE};
use crate::diagnose::facts::esp::Directions;
use crate::diagnose::facts::taps;
use crate::diagnose::facts::{Tap, nat};
use crate::diagnose::rules::asymmetric_return::Half;
use crate::diagnose::rules::single_child_peer;
use crate::diagnose::{Case, Cite, Confidence, Finding, Severity};
use crate::language::Text;
use crate::model::{Transport, selector};
use crate::say;
use crate::units::{EspSpi, Span, Timestamp, Vantage};
use std::net::IpAddr;

impl<'c, 'm> Silence<'c, 'm> {
    /// `10.1.0.0/24 with 10.2.0.0/24`, where one set of selectors is told.
    pub(super) fn selectors(&self) -> Option<Text> {
        let Of::Set(Set { sides, .. }) = self.of else {
            return None;
        };
        let (own, far) = (sides.get(self.speaker())?, sides.get(self.silent)?);
        Some(say!(
            "{own} with {far}",
            own = selector::said(own),
            far = selector::said(far)
        ))
    }

    /// What was sent in vain.
    fn says(&self) -> Text {
        let ([speaks, is_silent], before) = (self.names(), self.before);
        let length = self.length();
        // The step of a timeline in which the answers end is left out.
        let sent = match before {
            0 => say!("{sent}", sent = self.sent),
            _ => say!("at least {sent}", sent = self.sent),
        };
        match (before, self.selectors()) {
            (0, Some(selectors)) => say!(
                "In {length} {sent} ESP packets went from {speaks} to {is_silent} in SAs for {selectors}, and not one \
                 came back in them, while ESP for other selectors passes.",
                length,
                sent,
                speaks,
                is_silent,
                selectors
            ),
            (before, Some(selectors)) => say!(
                "In {length} {sent} ESP packets went from {speaks} to {is_silent} in SAs for {selectors}, and none \
                 came back in them any more, where {before} had come before, while ESP for other selectors passes.",
                length,
                sent,
                speaks,
                is_silent,
                selectors,
                before
            ),
            (0, None) => say!(
                "In {length} {sent} ESP packets went from {speaks} to {is_silent} and not one came \
                 from {is_silent}.",
                length,
                sent,
                speaks,
                is_silent
            ),
            (before, None) => say!(
                "In {length} {sent} ESP packets went from {speaks} to {is_silent} and none came from \
                 {is_silent} any more, which had sent {before} before.",
                length,
                sent,
                speaks,
                is_silent,
                before
            ),
        }
    }

    /// Why the tap would have heard the other direction.
    fn hears(&self) -> &'static str {
        match self.ike() {
            true if self.is_gone() => {
                "IKE passed in both directions before, so this tap hears both."
            }
            true => "IKE passes in both directions, so this tap hears both.",
            false => {
                "No IKE of both is in this capture; the answers that came before show that this tap heard both."
            }
        }
    }

    /// What is heard beside one client.
    fn others(&self) -> &'static str {
        match self.of {
            Of::Client(..) => {
                "Other ports of the same address are heard meanwhile: each is a client of its own."
            }
            _ => "",
        }
    }

    fn title(&self) -> Text {
        let [speaks, is_silent] = self.names();
        match self.selectors() {
            Some(selectors) => say!(
                "ESP for {selectors} flows from {speaks} to {is_silent} only",
                selectors,
                speaks,
                is_silent
            ),
            None => say!(
                "ESP flows from {speaks} to {is_silent} only",
                speaks,
                is_silent
            ),
        }
    }

    /// What is known before anybody asks where the answers are.
    pub(super) fn finding(&self, tap: &Tap, traffic: &Traffic<'_, '_>) -> Finding {
        let (sent, last) = (self.sent, self.last);
        let Traffic {
            stream,
            reports,
            wanted,
            ..
        } = *traffic;
        let nature = match (stream, reports) {
            (true, _) => {
                "Such packets without an answer are those of an application that only sends."
            }
            (_, true) => {
                "Few packets of many sizes may come from something that only reports, such as syslog or \
                 flow export."
            }
            _ => "",
        };
        let confidence = tap.absence(match wanted && !stream && !reports && self.ike() {
            true => Confidence::Likely,
            false => Confidence::Possible,
        });
        let mut finding = Finding::new(
            &RULE,
            confidence,
            self.case.id,
            if self.before == 0 { self.first } else { last },
            say!(
                "ESP from {speaks}, nothing comes back",
                speaks = self.speaks
            ),
        )
        .during(self.since, last.1)
        .also(last, "the last one, still unanswered")
        .title(self.title())
        .says(
            self.says()
                .then(self.others())
                .then(self.hears())
                .then(nature),
        );
        if let Some(Requests {
            most,
            had_answers,
            all,
        }) = traffic.requests
        {
            let (what, from, to) = (most.what(), most.from.address, most.to.address);
            finding.says.add(match had_answers && all {
                true => say!(
                    "Opened, they hold requests, answered before: {what} from {from} to {to}.",
                    what,
                    from,
                    to
                ),
                false => say!(
                    "Opened, there are requests among them that want an answer: {what} from {from} to {to}.",
                    what,
                    from,
                    to
                ),
            });
        }
        let pace = ASKS_AGAIN.0.unsigned_abs();
        let seldom = sent < PLENTY || sent.saturating_mul(pace) < self.length().0.unsigned_abs();
        if stream {
            finding = finding.severity(Severity::Info);
        } else if reports || !wanted && seldom {
            finding = finding.severity(Severity::Warning);
        }
        // Requests by themselves are no stream; but what answers them may be among what the recording lacks.
        if traffic
            .requests
            .is_some_and(|one| one.all && !one.had_answers)
        {
            let severity = tap.gaps(finding.severity);
            finding = finding.severity(severity);
        }
        match self.directions.last(self.speaker()) {
            Some(heard) => finding.also(heard, "the last packet of the other direction"),
            None => finding,
        }
    }

    /// What a silence that is told for its packets and not for its length leaves open.
    pub(super) fn by_packets(&self, mut finding: Finding) -> Finding {
        finding.severity = finding.severity.min(Severity::Warning);
        finding.confidence = Confidence::Possible;
        finding.says.add(
            "Nearly each packet before had one of its size in return, and they come as often as then: so many without an \
             answer at the end are no chance.",
        );
        finding
            .title(say!(
                "{is_silent} has answered nothing for the last {length}",
                is_silent = self.is_silent,
                length = self.length()
            ))
            .or(say!(
                "{is_silent}, or the host behind it, pauses and goes on after the end of the recording.",
                is_silent = self.is_silent
            ))
    }

    /// Where the other half of the conversations may go by another tunnel.
    pub(super) fn in_two_tunnels(&self, mut finding: Finding, half: &Half) -> Finding {
        let (other, is_silent) = (half.other, self.is_silent);
        if !half.ike {
            finding.says.add(say!(
                "As many packets came from {other} at that time, of which no IKE is seen: they may be the answers, if that \
                 is another address of {is_silent}.",
                other,
                is_silent
            ));
            return finding.severity(Severity::Info);
        }
        finding.says.add(match half.answers {
            true => say!(
                "As many packets came from {other} at that time, by a tunnel in which none went back: they may be the \
                 answers.",
                other
            ),
            false => say!(
                "As many packets went from {is_silent} to {other} at that time, by a tunnel in which none came back: what \
                 is sent here may answer them.",
                is_silent,
                other
            ),
        });
        finding
            .severity(Severity::Warning)
            .or("Both tunnels lack the answers, and are alike by chance.")
            .advise(
                "Give the tunnels the same preference on both sides, by routes, weights or BGP.",
            )
            .advise(
                "Look for filters with state and for reverse path checks, which drop such answers.",
            )
    }

    /// What the same packets would look like too, and what to do, where nothing shows what became of the
    /// answers.
    pub(super) fn unexplained(&self, mut finding: Finding, traffic: &Traffic<'_, '_>) -> Finding {
        let (case, is_silent, before) = (self.case, self.is_silent, self.before);
        let talks = !traffic.stream && !traffic.reports;
        // All arrives at the tap near the silent end, and nothing that leaves there is lost.
        let back = self.located(self.speaker());
        let returns = back.is_none_or(|back| back.lost == 0);
        let there = self.located(self.silent);
        let arrives = there.filter(|there| returns && there.both > 0 && there.lost == 0);
        let arrives = arrives.map(|there| (there.far, taps::name(case.model, there.far)));
        if let Some((vantage, far)) = &arrives {
            finding.says.add(say!(
                "All of it arrives at the tap {far}, and the answers do not leave there.",
                far
            ));
            let arrival = last_at(case, *vantage, self.silent).unwrap_or(self.last);
            finding = finding.also(arrival, say!("it arrives at {far}", far));
        }
        if talks && !traffic.wanted && traffic.requests.is_none() {
            finding = finding.or(
                "It is a program that only sends, such as syslog: packets of one size may be pings without an \
                 answer, or reports that want none.",
            );
        }
        let (vantage, asked) = (self.directions.vantage, asked_at(self.asks(), self.since));
        if let Some(idle) = nat::idle(case, vantage, self.silent, asked) {
            finding = nat::may_forget(finding, is_silent, idle);
        } else if let Some(idle) = nat::idle_before_it(case, vantage, self.speaker(), asked) {
            finding = nat::may_move(finding, self.speaks, is_silent, idle);
        }
        if all_padded(case, &self.directions, self.silent) {
            finding = finding.or(
                "A device drops ESP in frames that are longer than the packet in them: those of this direction \
                 are padded or have a trailer.",
            );
        }
        finding = finding
            .or(match traffic.requests {
                Some(_) => say!("The hosts behind {is_silent} do not answer.", is_silent),
                None => say!(
                    "The hosts behind {is_silent} do not answer, or the traffic is one-way by nature.",
                    is_silent
                ),
            })
            .or(say!(
                "{is_silent} sends the answers past the tunnel: route, NAT or policy.",
                is_silent
            ));
        if before > 0 && talks {
            finding = finding.or(lost_its_sa(is_silent));
            if let Some(at) = deleted_then(case, is_silent, self.since) {
                finding = or_deleted(finding, at, [self.speaks, is_silent]);
            }
        }
        // No filter on ESP tells one SA from another.
        if matches!(self.of, Of::Set(_)) {
            return finding.advise(say!(
                "Behind {is_silent}, look at hosts, routes and rules for the addresses of this child SA.",
                is_silent
            ));
        }
        match self.of {
            Of::Client(_, client) => {
                finding = finding.or(say!(
                    "{client} itself went down, or its NAT has given it another port.",
                    client
                ));
            }
            _ if self.is_gone() => {
                finding = finding.or(say!(
                    "{is_silent} itself went down: nothing else of it was heard since.",
                    is_silent
                ));
            }
            _ => {}
        }
        // The tap there has it all, and hears nothing leave.
        if let Some((_, far)) = arrives {
            let latest = self.asks().iter().max_by_key(|flow| flow.seen.last.1);
            let sa = latest.filter(|_| before > 0);
            let sa = sa.map(|flow| look_for_sa(is_silent, flow.key.spi));
            return finding.advise_all(sa).advise(say!(
                "None leaves at {far}: look at the inside of {is_silent}: routes, NAT exemptions, policy, hosts.",
                far,
                is_silent
            ));
        }
        let transport = self.directions.all().map(|flow| flow.key.transport).max();
        let protocol = match transport {
            Some(Transport::Tcp) => Text::verbatim("TCP 4500"),
            Some(Transport::Udp) => Text::verbatim("UDP 4500"),
            _ => "IP protocol 50".into(),
        };
        finding
            .or(match before {
                0 => "A filter drops ESP in that direction.",
                _ => "A filter drops ESP in that direction since then.",
            })
            .advise(say!(
                "Capture at the outside port of {is_silent}: if ESP leaves there, a filter in \
                 between drops it; permit {protocol}.",
                is_silent,
                protocol
            ))
            .advise("If none leaves, look at its inside: routes, NAT exemptions, policy, hosts.")
    }
}

pub(super) fn lost_its_sa(is_silent: IpAddr) -> Text {
    say!(
        "{is_silent} has lost this child SA, or holds other keys for it, and drops what comes.",
        is_silent
    )
}

pub(super) fn look_for_sa(is_silent: IpAddr, spi: EspSpi) -> Text {
    say!(
        "On {is_silent}, look for the SA {spi}: is it there, and do its counters of packets and of errors \
         grow?",
        is_silent,
        spi
    )
}

/// What may be a Delete of the silent end, sealed, just when it fell silent.
pub(super) fn deleted_then(case: &Case<'_>, is_silent: IpAddr, since: Timestamp) -> Option<Cite> {
    /// A Delete goes out when the SA is closed, and is sent again if it is lost.
    const JUST_THEN: Span = Span::from_secs(3);
    let mut deletes = single_child_peer::deletes(case).into_iter();
    let deleted = deletes.find(|((_, time), by)| {
        let apart = time.since(since);
        *by == is_silent && apart <= JUST_THEN && Span(-apart.0) <= JUST_THEN
    });
    deleted.map(|(at, _)| at)
}

/// What a Delete that nobody heeds looks like (RFC 7296 section 1.4.1).
pub(super) fn or_deleted(finding: Finding, at: Cite, [speaks, is_silent]: [IpAddr; 2]) -> Finding {
    finding
        .also(at, say!("what may be a Delete of {is_silent}", is_silent))
        .or(say!(
            "{is_silent} deleted this child SA just then, and {speaks} sends on in it.",
            is_silent,
            speaks
        ))
}

/// The last packet towards an end at a tap.
pub(super) fn last_at(case: &Case<'_>, tap: Vantage, towards: usize) -> Option<Cite> {
    case.directions_at(tap)?.last(towards)
}

/// Whether every packet towards an end lies in a frame that is longer, while IKE shows that not all
/// frames there are.
fn all_padded(case: &Case<'_>, directions: &Directions<'_>, towards: usize) -> bool {
    let flows = directions.flows(towards);
    flows.iter().all(|flow| flow.padded == flow.packets)
        && case
            .messages()
            .filter(|message| message.vantage == directions.vantage)
            .any(|message| !message.ip.padded)
}
