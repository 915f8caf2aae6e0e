//! BGP inside the tunnel does not come up, or ends.

mod calls;
mod down;
mod fell;
mod hold;
mod notification;
mod notified;
mod silent;
#[cfg(test)]
mod tests;

use crate::diagnose::facts::inner::BGP;
use crate::diagnose::facts::rhythm;
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{InnerFlow, InnerWay};
use crate::say;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "bgp-down",
    code: "ESP417",
    severity: Severity::Error,
    summary: "BGP through the tunnel does not stay up",
    document: DOCUMENT,
    explains: &["inner-no-reply", "inner-port-unanswered"],
    needs: Signs::ESP.or(Signs::INSIDE),
    check,
};

const DOCUMENT: &str = "\
## What it means
Two routers speak BGP through the tunnel, or try to, and no session stands: then no routes are exchanged and the tunnel carries little else.

## How it is seen
With the keys of ESP, or without encryption. Connections to TCP port 179 that are not answered, or reset; or a NOTIFICATION message, whose code and subcode (RFC 4271 section 6) say why; where a session stood, what was tried since it ended counts. What each of the two routers tries is counted for itself. Without keys: packets as large and as frequent as keepalives, both ways, that stop together; that is told for information. The addresses are printed and held against each other: the two ends of a link are different addresses of one small network, often a /30. A session has ended where one side closes or resets its connection, where nothing of it is seen for the length of a hold time, or where what an end sends is sent again, never acknowledged, and one of the two calls anew. Where a NOTIFICATION ended it, it is told whether another one stood since, and what was tried. A session that stood falls silent for good where nothing of it comes for longer than the hold time, the smaller of both OPEN messages (180 seconds, and less sure, where these were not seen; none where one says zero), while the tunnel goes on at this tap. One that was closed or reset without a NOTIFICATION is told where none stood again for two minutes. A session that fell and came back in the capture is a warning: the next one, between the same two, shows that the one before was lost. The OPEN messages tell the AS numbers and hold times of both.

## What else looks like it
An administrator who stops the session: the NOTIFICATION says so (Cease). Two sessions that collide, of which one is closed: that is normal and not told. A session whose packets take another way, past this tap, looks as if it fell silent.

## What to do
1. Not answered: is the address of the neighbour the one that the other router has, and does the route to it go through the tunnel?
2. Each calls the other and neither answers: both run, and drop what comes without a word. Do both have the same password of TCP-MD5 or TCP-AO for each other, and is TCP port 179 permitted on both?
3. Reset: does the other router have this neighbour configured, with these addresses?
4. Bad Peer AS, Bad BGP Identifier, Unacceptable Hold Time: make the two configurations agree.
5. Hold Timer Expired: something lost the keepalives; look for loss and for packets too large. Where what was tried since has no answer: does the other router still run, and does what the tunnel carries still reach it?
6. Fell silent: does what each router sends still get into the tunnel, and out of it to the other?
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(inside) = case.inside() else {
        return sealed(case).into_iter().collect();
    };
    let mut pairs: BTreeMap<[IpAddr; 2], Vec<&InnerFlow>> = BTreeMap::new();
    for talk in inside.told_once() {
        if talk.protocol == 6 && talk.ends.iter().any(|end| end.port == Some(BGP)) {
            let mut hosts = talk.ends.map(|end| end.address);
            hosts.sort_unstable();
            pairs.entry(hosts).or_default().push(talk);
        }
    }
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for (hosts, talks) in &pairs {
        let silent = || silent::silent(case, inside, *hosts, talks);
        match notified::notified(case, inside, *hosts, talks) {
            Some(ended) => {
                found.push(ended);
                failed.extend(silent());
            }
            None => failed.extend(
                calls::unanswered(case, inside, talks)
                    .or_else(|| fell::for_good(case, inside, *hosts, talks))
                    .or_else(silent)
                    .or_else(|| fell::fell(case.id, *hosts, talks)),
            ),
        }
    }
    found.truncate(SESSIONS);
    failed.truncate(SESSIONS);
    found.extend(failed);
    found
}

/// Sealed packets as large and as frequent as keepalives, both ways, that stopped together while the
/// tunnel went on: any session that ends looks so, hence it is no more than information.
fn sealed(case: &Case<'_>) -> Option<Finding> {
    let stopped = rhythm::keepalives_stopped(case)?;
    let [one, two] = &stopped.beats;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        one.last,
        say!("the last of {size} octets of ESP", size = one.size),
    )
    .severity(Severity::Info)
    .also(two.last, "the last in the other direction")
    .title("Something as regular as BGP stopped inside the tunnel")
    .says(
        Text::default()
            .then(stopped.says())
            .then("Without keys more cannot be told."),
    )
    .or("Another session ended, in order.")
    .advise("If routers speak BGP through this tunnel, look at their sessions at that time.");
    if let Some(alive) = stopped.alive {
        finding = finding.also(alive, "the tunnel goes on");
    }
    Some(finding)
}

/// Sessions that are told of one tunnel: more than people read.
const SESSIONS: usize = 4;

/// Whether BGP was spoken, or the connection stood: a capture may begin within.
fn speaks(talk: &InnerFlow) -> bool {
    talk.ways.iter().all(|way| {
        let answers = way
            .tcp
            .as_ref()
            .is_some_and(|tcp| tcp.syn_acks > 0 || tcp.data > 0);
        way.bgp.is_some() || answers || way.tcp.as_ref().is_some_and(|tcp| tcp.established)
    })
}

/// Whether an end at least goes on after a SYN: where the other was not heard, a session may stand.
fn may_stand(talk: &InnerFlow) -> bool {
    talk.ways.iter().any(|way| {
        let tcp = way.tcp.as_ref();
        way.bgp.is_some()
            || tcp.is_some_and(|tcp| tcp.syn_acks > 0 || tcp.data > 0 || tcp.established)
    })
}

/// The last sign that a session stood: KEEPALIVE or UPDATE of both ends came (RFC 4271 section 8.2.2, Established).
fn last_alive(talk: &InnerFlow) -> Option<Cite> {
    let [one, other] = talk.ways.each_ref().map(|way| way.bgp.as_ref()?.alive);
    one.zip(other)
        .map(|(one, other)| if one.1 < other.1 { other } else { one })
}

/// When a session was opened that then stood, as its OPEN messages show.
fn opened(talk: &InnerFlow) -> Option<Cite> {
    last_alive(talk)?;
    let ways = talk.ways.iter().filter_map(|way| way.bgp.as_ref());
    let opens = ways.filter_map(|bgp| bgp.opens.first());
    opens.map(|(at, _)| *at).max_by_key(|at| at.1)
}

/// When the next session after a moment was opened, by the clock of the same recording.
fn next_up(talks: &[&InnerFlow], after: Cite) -> Option<Cite> {
    let up = talks.iter().filter_map(|talk| opened(talk));
    up.filter(|up| up.0.input == after.0.input && up.1 > after.1)
        .min_by_key(|up| up.1)
}

/// Whether an end closed the connection in order.
fn is_closed(way: &InnerWay) -> bool {
    way.tcp.as_ref().is_some_and(|tcp| tcp.fins > 0)
}

/// Whether an end reset the connection.
fn is_reset(way: &InnerWay) -> bool {
    way.tcp.as_ref().is_some_and(|tcp| tcp.resets > 0)
}

/// What each end sent, who it is, and who the other is.
fn ways(talk: &InnerFlow) -> [(&InnerWay, IpAddr, IpAddr); 2] {
    let [first, second] = &talk.ways;
    let [one, other] = talk.ends.map(|end| end.address);
    [(first, one, other), (second, other, one)]
}
