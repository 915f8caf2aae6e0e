//! A session that a NOTIFICATION ended.

use super::calls::{Failed, Outcome};
use super::{RULE, down, may_stand, next_up, notification, ways};
use crate::diagnose::facts::child;
use crate::diagnose::facts::inner::Inside;
use crate::diagnose::{Case, Cite, Confidence, Finding, Severity};
use crate::language::Text;
use crate::model::{BgpWay, InnerFlow};
use crate::say;
use crate::units::Span;
use std::net::IpAddr;

/// A NOTIFICATION: where it stands, from whom to whom, code and subcode.
type Closed = (Cite, IpAddr, IpAddr, Option<(u8, u8)>);

/// A session that a NOTIFICATION ended, and what became of it.
pub(super) fn notified(
    case: &Case<'_>,
    inside: &Inside<'_>,
    hosts: [IpAddr; 2],
    talks: &[&InnerFlow],
) -> Option<Finding> {
    let mut said: Vec<Closed> = Vec::new();
    for talk in talks {
        for (way, from, to) in ways(talk) {
            let notes = way.bgp.iter().flat_map(|bgp| &bgp.notifications);
            said.extend(
                notes
                    .filter(|(_, why)| !notification::is_normal(*why))
                    .map(|(at, why)| (*at, from, to, *why)),
            );
        }
    }
    said.sort_unstable();
    let (at, from, to, why) = *said.last()?;
    // What came up again afterwards, or never was interrupted, stands.
    let lives = |bgp: &BgpWay| bgp.alive.is_some_and(|alive| alive.1 > at.1);
    let stands = talks.iter().any(|talk| {
        let mut both = talk.ways.iter().map(|way| way.bgp.as_deref());
        both.all(|bgp| bgp.is_some_and(lives))
    });
    let reason = notification::name(why);
    let opens = || {
        talks
            .iter()
            .flat_map(|talk| ways(talk))
            .filter_map(|(way, from, _)| {
                let (_, open) = way.bgp.as_ref()?.opens.last()?;
                Some((from, open.as_ref()?))
            })
    };
    let number = opens().find(|(router, _)| *router == to);
    let number = number.map(|(_, open)| open.autonomous_system);
    let mut opens = opens().map(|(from, open)| {
        say!(
            "{from} says AS {number}, hold time {hold_time} s",
            from,
            number = open.autonomous_system,
            hold_time = open.hold_time
        )
    });
    let mut says = say!(
        "{from} closed the BGP session with {to} by NOTIFICATION: {reason}.",
        from,
        to,
        reason = &reason
    );
    match (opens.next(), opens.next()) {
        (Some(one), Some(other)) => {
            says.add(say!("In their OPEN {one} and {other}.", one, other));
        }
        (Some(one), None) => says.add(say!("In their OPEN {one}.", one)),
        (None, _) => {}
    }
    if said.len() > 1 {
        says.add(say!(
            "So it went {times} in this capture.",
            times = child::times(said.len())
        ));
    }
    if stands {
        says.add(match next_up(talks, at) {
            Some(up) => say!("It came up again {span} later.", span = up.1.since(at.1)),
            None => "It came up again.".into(),
        });
    }
    let after = match stands {
        true => After::default(),
        false => After::of(case, inside, talks, at),
    };
    says.add(after.says());
    let [one, other] = hosts;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        at,
        say!("NOTIFICATION from {from}: {reason}", from, reason = &reason),
    )
    .title(say!(
        "BGP between {one} and {other} is closed: {reason}",
        one,
        other,
        reason
    ))
    .says(says);
    let stopped = notification::is_stopped(why);
    // Who heard nothing in time, and has no answer since, is told by that what to look for.
    let is_silent = |failed: &Failed| failed.outcome != Outcome::Refused;
    let hold_timer = matches!(why, Some((notification::HOLD_TIMER_EXPIRED, _)));
    if !(hold_timer && after.failed.as_ref().is_some_and(is_silent)) {
        finding = finding.advise(notification::advice(why, from, to, number));
    }
    if let Some(failed) = after.failed.as_ref().filter(|_| !stopped) {
        finding = finding.advise_all(failed.advice(true));
    }
    for (at, note) in after.begins() {
        finding = finding.beside(at, note);
    }
    for (at, from, ..) in said.iter().rev().skip(1) {
        finding = finding.also(*at, say!("an earlier one from {from}", from));
    }
    for (at, note) in after.failed.iter().flat_map(Failed::frames) {
        finding = finding.beside(at, note);
    }
    Some(match stands || stopped {
        true => finding.severity(Severity::Warning),
        false => finding,
    })
}

/// What came after a session that did not come up again.
#[derive(Default)]
struct After {
    /// Connections that failed.
    failed: Option<Failed>,
    /// How long no session stood, and what shows that one would have been seen at the end.
    down: Option<(Span, Cite)>,
}

impl After {
    fn of(case: &Case<'_>, inside: &Inside<'_>, talks: &[&InnerFlow], ended: Cite) -> Self {
        let ends = |talk: &&&InnerFlow| {
            let bgp = talk.ways.iter().filter_map(|way| way.bgp.as_ref());
            let mut notifications = bgp.flat_map(|bgp| &bgp.notifications);
            notifications.any(|(at, _)| *at == ended)
        };
        let Some(session) = talks.iter().find(ends) else {
            return Self::default();
        };
        let later = |talk: &&InnerFlow| may_stand(talk) && talk.seen.last.1 > ended.1;
        if talks.iter().any(|talk| !ends(&talk) && later(talk)) {
            return Self::default();
        }
        let failed = Failed::of(case, inside, talks, Some(ended));
        let down = down::since(case, inside, session.vantage, ended, failed.is_some());
        Self { failed, down }
    }

    fn says(&self) -> Text {
        let down = self.down.map(|(span, _)| down::says(span));
        let failed = self.failed.as_ref().map(Failed::says);
        Text::default().then(down).then(failed)
    }

    /// What is best to cite first of each.
    fn begins(&self) -> impl Iterator<Item = (Cite, Text)> {
        let failed = self.failed.as_ref().map(Failed::begins);
        let goes_on = self.down.map(|(_, at)| (at, "the tunnel goes on".into()));
        failed.into_iter().chain(goes_on)
    }
}
