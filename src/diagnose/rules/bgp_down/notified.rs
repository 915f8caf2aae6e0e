//! A session that a NOTIFICATION ended.

use super::{RULE, next_up, notification, ways};
use crate::diagnose::facts::child;
use crate::diagnose::{Cite, Confidence, Finding, Severity};
use crate::model::{BgpWay, InnerFlow, TunnelId};
use crate::say;
use std::net::IpAddr;

/// A NOTIFICATION: where it stands, from whom to whom, code and subcode.
type Closed = (Cite, IpAddr, IpAddr, Option<(u8, u8)>);

/// A session that a NOTIFICATION ended.
pub(super) fn notified(
    tunnel: TunnelId,
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
    let [one, other] = hosts;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        tunnel,
        at,
        say!("NOTIFICATION from {from}: {reason}", from, reason = &reason),
    )
    .title(say!(
        "BGP between {one} and {other} is closed: {reason}",
        one,
        other,
        reason
    ))
    .says(says)
    .advise(notification::advice(why, from, to, number));
    for (at, from, ..) in said.iter().rev().skip(1) {
        finding = finding.also(*at, say!("an earlier one from {from}", from));
    }
    let stopped = notification::is_stopped(why);
    Some(match stands || stopped {
        true => finding.severity(Severity::Warning),
        false => finding,
    })
}
