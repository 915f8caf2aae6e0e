//! A session that fell without a NOTIFICATION, and came back or did not.

use super::{RULE, down, is_closed, is_reset, last_alive, may_stand, opened, ways};
use crate::diagnose::facts::child;
use crate::diagnose::facts::inner::Inside;
use crate::diagnose::{Case, Cite, Confidence, Finding, Severity};
use crate::language::Text;
use crate::model::{InnerFlow, InnerWay, TunnelId};
use crate::say;
use std::net::IpAddr;

/// A session that fell without a NOTIFICATION and came back: two routers have one session (RFC 4271 section 6.8), so the
/// next one shows that the one before was lost.
pub(super) fn fell(tunnel: TunnelId, hosts: [IpAddr; 2], talks: &[&InnerFlow]) -> Option<Finding> {
    let mut sessions: Vec<(&InnerFlow, Cite)> = talks
        .iter()
        .filter_map(|talk| Some((*talk, last_alive(talk)?)))
        .collect();
    // What two taps recorded is told by two clocks.
    let input = |talk: &InnerFlow| talk.vantage.input;
    sessions.sort_by_key(|(talk, _)| (input(talk), talk.seen.first.1));
    let pairs = sessions.iter().zip(sessions.iter().skip(1));
    let falls: Vec<(&InnerFlow, Cite, Cite)> = pairs
        .filter(|((old, _), (next, _))| input(old) == input(next))
        .filter_map(|((old, last), (next, _))| Some((*old, *last, opened(next)?, next.seen.first)))
        // Of two that collide one is closed before it stands, or while the other does.
        .filter(|(_, last, _, begins)| last.1 < begins.1)
        .map(|(old, last, up, _)| (old, last, up))
        .collect();
    let (old, last, up) = *falls.first()?;
    let [one, other] = hosts;
    let span = up.1.since(last.1);
    let Fall {
        how,
        alternative,
        advice,
    } = Fall::of(old).unwrap_or_else(|| Fall {
        how: "Its connection fell silent: neither a NOTIFICATION nor the end of the connection is in this capture, as \
              when a hold timer ends it."
            .into(),
        alternative: "One of the two routers restarted.".into(),
        advice: "Look for loss in the tunnel from that time on: something kept the keepalives back.".into(),
    });
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        tunnel,
        last,
        "the last message of the session that stood",
    )
    .during(last.1, up.1)
    .severity(Severity::Warning)
    .also(up, "OPEN of the session that stands afterwards")
    .title(say!(
        "BGP between {one} and {other} fell, and came back after {span}",
        one,
        other,
        span
    ))
    .says(
        say!("A session stood between {one} and {other}.", one, other)
            .then(how)
            .then(say!(
                "{span} after its last message another one was opened, and stood.",
                span
            ))
            .then((falls.len() > 1).then(|| {
                say!(
                    "So it went {times} in this capture.",
                    times = child::times(falls.len())
                )
            })),
    )
    .or(alternative)
    .advise(advice);
    for (_, last, up) in falls.iter().skip(1) {
        finding = finding
            .also(*last, "the last message of a later session")
            .also(*up, "OPEN of the one after it");
    }
    Some(finding)
}

/// A session that was closed or reset without a NOTIFICATION, and none stood again, though the recording goes on and
/// would show it.
pub(super) fn for_good(
    case: &Case<'_>,
    inside: &Inside<'_>,
    [one, other]: [IpAddr; 2],
    talks: &[&InnerFlow],
) -> Option<Finding> {
    let standing = talks.iter().filter(|talk| may_stand(talk));
    let session = *standing.max_by_key(|talk| talk.seen.last.1)?;
    last_alive(session)?;
    let fall = Fall::of(session)?;
    let last = session.seen.last;
    let (span, goes_on) = down::since(case, inside, session.vantage, last, false)?;
    Some(
        Finding::new(
            &RULE,
            inside.absence(Confidence::Likely),
            case.id,
            last,
            "the last of this session",
        )
        .beside(goes_on, "the tunnel goes on")
        .title(say!(
            "BGP between {one} and {other} fell, and did not come back",
            one,
            other
        ))
        .says(
            say!("A session stood between {one} and {other}.", one, other)
                .then(fall.how)
                .then(down::says(span)),
        )
        .or(fall.alternative)
        .advise(fall.advice),
    )
}

/// How a session fell whose connection was closed or reset.
struct Fall {
    how: Text,
    alternative: Text,
    advice: Text,
}

impl Fall {
    fn of(session: &InnerFlow) -> Option<Self> {
        let by = |ended: fn(&InnerWay) -> bool| {
            let mut ways = ways(session).into_iter();
            ways.find_map(|(way, from, _)| ended(way).then_some(from))
        };
        let closed = by(is_closed).map(|from| {
            let how = say!(
                "{from} closed its connection by FIN without a NOTIFICATION.",
                from
            );
            (from, how)
        });
        let reset = || {
            let from = by(is_reset)?;
            let how = say!("{from} reset its connection, without a NOTIFICATION.", from);
            Some((from, how))
        };
        let (from, how) = closed.or_else(reset)?;
        Some(Self {
            how,
            alternative: say!(
                "Somebody restarted the session, or the BGP process of {from}.",
                from
            ),
            advice: say!("Look on {from} for who closed the session, and why.", from),
        })
    }
}
