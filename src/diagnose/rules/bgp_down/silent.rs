//! A session that fell silent for good.

use super::hold::HoldTime;
use super::{RULE, is_closed, is_reset, last_alive, may_stand, ways};
use crate::diagnose::facts::inner::Inside;
use crate::diagnose::facts::{Tap, child, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::Text;
use crate::model::{InnerFlow, InnerWay, Stuck};
use crate::say;
use crate::units::Span;
use std::net::IpAddr;

/// A session that stood, and of which nothing came for longer than its hold time, though the recording goes on and
/// would show it: a router that hears nothing for so long ends its session (RFC 4271 section 6.5).
pub(super) fn silent(
    case: &Case<'_>,
    inside: &Inside<'_>,
    [one, other]: [IpAddr; 2],
    talks: &[&InnerFlow],
) -> Option<Finding> {
    let stood = talks.iter().filter(|talk| last_alive(talk).is_some());
    let session = *stood.max_by_key(|talk| talk.seen.last.1)?;
    let hold = HoldTime::of(session);
    let limit = hold.span?;
    // A later one may stand, and so may one that has no row.
    let mut later = talks.iter().filter(|talk| may_stand(talk));
    if session.ways.iter().any(is_ended)
        || later.any(|talk| talk.seen.last.1 > session.seen.last.1)
        || !inside.has_all()
    {
        return None;
    }
    let vain = Vain::of(session);
    let from = vain.as_ref().map_or(session.seen.last, |vain| vain.last);
    // A NOTIFICATION takes its time to come.
    let patience = Span(limit.0.saturating_add(Tap::PATIENCE.0));
    let vantage = session.vantage;
    if !tap::went_on(case.model, vantage, from.1, patience) {
        return None;
    }
    let until = tap::ended(case.model, vantage)?;
    let over = from.1.later(patience);
    let heard = [0, 1].map(|end| inside.last_heard(vantage, end).filter(|at| at.1 >= over));
    let reads = |end| inside.reads(vantage, end, (from.1, until));
    // Where all of the tunnel fell silent, it is not BGP that did.
    if heard == [None; 2] || !reads(0) || !reads(1) {
        return None;
    }
    let is_whole = |end| inside.is_whole(vantage, end, (from.1, over));
    let doubt = !hold.known
        || heard.contains(&None)
        || !is_whole(0)
        || !is_whole(1)
        || tap::breaks(case.model, vantage, from.1, until);
    let carries = [0, 1].map(|end| inside.sends(vantage, end, (over, until))) == [true; 2];
    let mut finding = Finding::new(
        &RULE,
        inside.absence(Confidence::Likely.lower_if(doubt)),
        case.id,
        from,
        match &vain {
            Some(vain) => say!("the last of {router} in this session", router = vain.router),
            None => "the last of this session".into(),
        },
    )
    .during(from.1, over)
    .title(say!("BGP between {one} and {other} fell silent", one, other))
    .says(
        say!("A session stood between {one} and {other}.", one, other)
            .then(says(vain.as_ref(), until.since(from.1)))
            .then(match hold.known {
                true => say!(
                    "A router ends a session of which it hears nothing for the hold time, here {limit}, the smaller \
                     of both OPEN messages (RFC 4271 section 6.5).",
                    limit
                ),
                false => say!(
                    "A router ends a session of which it hears nothing for the hold time (RFC 4271 section 6.5): not \
                     both OPEN messages are in this capture, so it is taken for {limit}.",
                    limit
                ),
            })
            .then(carries.then_some("The tunnel carries other packets both ways since.")),
    );
    if let Some(Vain { stuck, .. }) = &vain {
        finding = finding
            .also(stuck.seen.first, "what is never acknowledged")
            .also(stuck.again, "the same again")
            .also(stuck.seen.last, "the same for the last time");
    }
    for at in heard.into_iter().flatten() {
        finding = finding.beside(at, "the tunnel goes on");
    }
    finding = finding.or(match &vain {
        Some(vain) => say!(
            "{router} stopped or restarted, and nobody calls anew.",
            router = vain.router
        ),
        None => "Both routers stopped, or somebody took the session from both.".into(),
    });
    if !hold.known {
        finding = finding.or("The routers agreed on a longer hold time, or on none.");
    }
    if !carries {
        finding = finding.or("What the routers send takes another way since, past this tap.");
    }
    Some(finding.advise(match vain {
        Some(vain) => say!(
            "Look whether {to} still runs, whether what the tunnel carries still reaches it, and whether TCP port 179 \
             is still permitted there.",
            to = vain.router
        ),
        None => say!(
            "Look on {one} and {other} at this session, and whether what they send still gets into the tunnel.",
            one,
            other
        ),
    }))
}

/// What came of the session no more, for so long.
fn says(vain: Option<&Vain>, span: Span) -> Text {
    match vain {
        Some(vain) => say!(
            "{sender} sent {router} the same data {times} and had no acknowledgment: nothing of {router} came in this \
             session in the {span} until the recording ended, neither a NOTIFICATION nor the end of the connection.",
            sender = vain.sender,
            router = vain.router,
            times = child::times(usize::try_from(vain.stuck.sent).unwrap_or(usize::MAX)),
            span
        ),
        None => say!(
            "Nothing of it came in the {span} until the recording ended, neither a NOTIFICATION nor the end of the \
             connection.",
            span
        ),
    }
}

/// Whether an end ended the session.
fn is_ended(way: &InnerWay) -> bool {
    let notified = way
        .bgp
        .as_ref()
        .is_some_and(|bgp| !bgp.notifications.is_empty());
    notified || is_closed(way) || is_reset(way)
}

/// What an end sent again and again, when the other was not heard any more.
struct Vain {
    sender: IpAddr,
    /// Who does not acknowledge it.
    router: IpAddr,
    /// The last that came of it.
    last: Cite,
    stuck: Stuck,
}

impl Vain {
    fn of(session: &InnerFlow) -> Option<Self> {
        let [first, second] = &session.ways;
        let ends = ways(session).into_iter().zip([second, first]);
        let mut vain = ends.filter_map(|((way, sender, router), back)| {
            let last = back.seen?.last;
            let stuck = way.tcp.iter().flat_map(|tcp| &tcp.stuck);
            let stuck = stuck.filter(|stuck| stuck.seen.last.1 > last.1);
            Some(Self {
                sender,
                router,
                last,
                stuck: *stuck.min_by_key(|stuck| stuck.seen.first.1)?,
            })
        });
        vain.next()
    }
}
