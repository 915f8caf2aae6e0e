//! Whether who was refused is a stranger, who only looked what a gateway says: no gateway on the Internet
//! is without them, and refusing them is what it should do.

use super::tap;
use crate::diagnose::{Case, Finding, Severity};
use crate::model::{IkeSa, IkeState, Model, TunnelId};
use crate::say;
use crate::units::{Span, Timestamp};
use std::net::IpAddr;

/// Who looks asks all its questions within this time.
const BURST: Span = Span::from_secs(10);

/// Who wants a tunnel tries again sooner.
const AGAIN: Span = Span::from_secs(60);

/// Who comes back to look again does so after this time at the soonest.
const SELDOM: Span = Span::from_secs(600);

/// How many other tunnels of the gateway are looked at, before and after.
const LOOKED_AT: usize = 16;

/// Hop counts that hosts begin with: whose packets still have one of them is no stranger from afar.
const UNROUTED: [u8; 3] = [64, 128, 255];

/// Tells of a refusal that it was a stranger's, where everything speaks for one: a gateway that serves
/// others refused it, it has nothing else to do with that gateway, came from beyond a router and did not
/// try again soon. Then it is no fault, and a warning where the capture ends before it could have tried.
pub fn tell(case: &Case<'_>, responder: IpAddr, finding: Finding) -> Finding {
    let Some(last) = looked(case, responder) else {
        return finding;
    };
    let Some(vantage) = case.messages().next().map(|message| message.vantage) else {
        return finding;
    };
    let severity = match tap::went_on(case.model, vantage, last, AGAIN) {
        true => Severity::Info,
        false => Severity::Warning,
    };
    let severity = finding.severity.min(severity);
    let asker = match case.tunnel.ends {
        [one, two] if two == responder => one,
        [_, two] => two,
    };
    finding.severity(severity).or(say!(
        "{asker} is a stranger, such as a scanner: it asks seldom and never goes on, and {responder} serves others.",
        asker,
        responder
    ))
}

/// When the last question came of somebody who only looked.
fn looked(case: &Case<'_>, responder: IpAddr) -> Option<Timestamp> {
    let asks = |sa: &IkeSa| {
        let path = sa.paths.first();
        matches!(sa.state, IkeState::Refused | IkeState::Unanswered)
            && path.is_some_and(|path| path.from.address != responder)
    };
    let routed = |message: &crate::model::Message| {
        message.path.from().address == responder || !UNROUTED.contains(&message.ip.ttl)
    };
    let only_looks = case.tunnel.flows.is_empty()
        && case.ike_sas().all(asks)
        && comes_seldom(case)
        && case.messages().all(routed)
        && serves_others(case.model, case.id, responder);
    let last = case.ike_sas().map(|sa| sa.seen.last.1).max();
    last.filter(|_| only_looks)
}

/// Whether its questions come in bursts that lie far apart.
fn comes_seldom(case: &Case<'_>) -> bool {
    let mut times: Vec<Timestamp> = case.messages().map(|message| message.time).collect();
    times.sort_unstable();
    let Some(mut begun) = times.first().copied() else {
        return false;
    };
    let mut before = begun;
    times.into_iter().all(|time| {
        if time.since(before) >= SELDOM {
            begun = time;
        }
        before = time;
        time.since(begun) <= BURST
    })
}

/// Whether the gateway has a tunnel with somebody else that was up.
fn serves_others(model: &Model, tunnel: TunnelId, responder: IpAddr) -> bool {
    let up = |sa: &IkeSa| sa.state.was_up();
    let mut others = model.tunnels_beside(tunnel, responder, LOOKED_AT);
    others.any(|other| {
        let row = &model.tunnels[other];
        row.ike_sas.iter().any(|id| up(&model.ike_sas[*id]))
    })
}
