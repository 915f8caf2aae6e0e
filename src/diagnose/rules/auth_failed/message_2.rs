//! IKEv1: the initiator of aggressive mode does not go on after message 2, by which the responder authenticates itself.

use super::RULE;
use super::means::Means;
use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::{abandoned, first};
use crate::diagnose::{Case, Cite, Finding, Severity};
use crate::model::IcmpSeen;
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Endpoint, Span};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// IKEv1: the initiator of aggressive mode begins again and again, and never answers message 2, by which
/// the responder authenticates itself (RFC 2409 section 5.4).
pub(super) fn ignored_message_2(case: &Case<'_>) -> Option<Finding> {
    let many = case.abandoned();
    let Some(attempts) = many.filter(|many| many.kind == ExchangeType::AGGRESSIVE) else {
        return left_at_message_2(case);
    };
    let (from, to) = (attempts.path.from.address, attempts.path.to.address);
    let means = Means::of(case.model, attempts.ike_sa);
    let mut finding = unbelieved(case, means, attempts.answer, [from, to])
        .says(say!(
            "{times} times {from} began aggressive mode, {to} authenticated itself by message 2, and {from} neither \
             asked again nor sent message 3, but began anew.",
            times = attempts.again.len() + 1,
            from,
            to
        ))
        .or("Message 2 does not reach the initiator, or message 3 does not arrive.");
    if attempts.floats && !attempts.would_see {
        finding = finding
            .severity(Severity::Warning)
            .or("A capture filter leaves out UDP 4500: nothing of it is in this capture.");
    }
    for answer in &attempts.again {
        finding = finding.also(*answer, "message 2 again, and no message 3");
    }
    Some(means.advise(case, finding))
}

/// An initiator does not go on after message 2 of a responder.
fn unbelieved(case: &Case<'_>, means: Means, answer: Cite, [from, to]: [IpAddr; 2]) -> Finding {
    abandoned::at_message_2(&RULE, case, answer)
        .title(say!("{from} does not seem to believe {to}", from, to))
        .or(means.doubted())
        .or("The identity of the responder is not the one expected.")
}

/// IKEv1: the initiator of aggressive mode sends no message 3, and when the responder says message 2 again, the port
/// that asked is closed: so does a client end that does not believe message 2.
fn left_at_message_2(case: &Case<'_>) -> Option<Finding> {
    /// An error that comes sooner is about the first copy: nobody has read it.
    const READ: Span = Span::from_millis(500);
    // Both may be many.
    let refused = icmp::about(case).filter(|seen| {
        let by_peer = seen.path.from.address == seen.error.quoted.to.address;
        by_peer && icmp::meaning(&seen.error) == Meaning::PortUnreachable
    });
    let mut closed: BTreeMap<(Endpoint, Endpoint), &IcmpSeen> = BTreeMap::new();
    for seen in refused {
        let quoted = seen.error.quoted;
        closed.entry((quoted.from, quoted.to)).or_insert(seen);
    }
    if closed.is_empty() {
        return None;
    }
    let left = case.ike_sas().filter_map(|sa| {
        let (exchange, answer) = abandoned::half_open(case.model, sa)?;
        let path = &first(case.model, exchange.response()?)?.path;
        let closed = *closed.get(&(path.from(), path.to()))?;
        let is_read = closed.time >= answer.1.later(READ);
        (exchange.kind == ExchangeType::AGGRESSIVE && is_read).then_some((exchange, answer, closed))
    });
    let (exchange, answer, closed) = left.max_by_key(|(_, answer, _)| answer.1)?;
    if abandoned::comes_up(case, answer.1) {
        return None;
    }
    let quoted = closed.error.quoted;
    let (from, to) = (quoted.to.address, quoted.from.address);
    let means = Means::of(case.model, exchange.ike_sa);
    let finding = unbelieved(case, means, answer, [from, to])
        .also((closed.frame, closed.time), "the port that asked is closed")
        .says(say!(
            "{to} authenticated itself by message 2. {from} sent no message 3, and when message 2 came again, {port} was \
             closed: the program that asked has ended.",
            to,
            from,
            port = quoted.to
        ))
        .or("Message 3 comes from another port, and does not arrive: where it goes to port 4500, a filter may drop it.")
    .or("Somebody stopped the client, or only looked what the gateway answers.");
    Some(means.advise(case, finding))
}
