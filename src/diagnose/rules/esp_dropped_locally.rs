//! Answers come to the gateway in ESP, and the host that asked never gets them.

use crate::diagnose::facts::child;
use crate::diagnose::facts::inner::Inside;
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{InnerFlow, InnerWay};
use crate::net::INITIAL_TTLS;
use crate::say;
use crate::units::{Endpoint, Timestamp, Vantage};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-dropped-locally",
    code: "ESP419",
    severity: Severity::Error,
    summary: "Answers reach the gateway in ESP, but not the host that asked",
    document: DOCUMENT,
    explains: &["inner-port-unanswered", "inner-no-reply"],
    needs: Signs::INSIDE,
    check,
};

const DOCUMENT: &str = "\
## What it means
A host asks through the tunnel, the answer comes back in ESP and passes this tap, and the host asks again as if nothing had come. Something between the tap and the host drops it: as a rule the gateway itself.

## How it is seen
With the keys of ESP, or without encryption: a SYN is sent again, several times, after the SYN-ACK to it had passed in ESP towards the one who asked, and no connection ever follows. Or the same data is sent again and again, after the acknowledgment of it had passed, and nothing new. If the TTL shows that the tap is at the gateway of the one who asked, nothing but that gateway and its inside is left.

## What else looks like it
Loss between the tap and that gateway, if the tap is not at it. A host that was told to refuse such answers.

## What to do
1. On the gateway look at the counters of errors of IPsec (on Linux /proc/net/xfrm_stat and `ip -s xfrm state`): no policy, a mismatch of the template, replay.
2. Look for a filter on the gateway that drops what was decrypted, and for reverse path filtering.
3. Look at the route from the gateway to the host.
";

/// Fewer SYNs sent again after the answer may be answers lost on the inside.
const FEW: usize = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(inside) = case.inside() else {
        return Vec::new();
    };
    let deaf = deaf_to_syn_acks(inside).or_else(|| deaf_to_acknowledgments(inside));
    let finding = deaf.and_then(|deaf| finding(case, &deaf));
    finding.into_iter().collect()
}

/// A host that asks again for what was answered here.
struct Deaf<'m> {
    from: IpAddr,
    to: Endpoint,
    /// The end of the tunnel behind which the one asked is.
    end: usize,
    /// What the host sends.
    out: &'m InnerWay,
    /// An answer that passed.
    answer: Cite,
    kind: Kind,
    /// What was sent again.
    again: Vec<Cite>,
}

/// What was answered.
enum Kind {
    /// SYNs: those that were sent again are cited.
    Syns,
    /// Data, which was sent again so often.
    Data(u64),
}

/// Hosts that ask again to open connections that were answered, if no other connection of that side stands
/// since then.
fn deaf_to_syn_acks<'m>(inside: &Inside<'m>) -> Option<Deaf<'m>> {
    let mut deaf: Vec<_> = inside
        .asked_once()
        .filter(|asking| {
            let tcp = asking.out.tcp.as_ref();
            tcp.is_some_and(|tcp| !tcp.established && !tcp.deaf.is_empty())
        })
        .collect();
    deaf.sort_by_key(|asking| asking.talk.seen.first);
    let again = deaf.iter().filter_map(|asking| asking.out.tcp.as_ref());
    let again: Vec<Cite> = again.flat_map(|tcp| &tcp.deaf).copied().collect();
    let first = deaf.first().filter(|_| again.len() >= FEW)?;
    let last = deaf.iter().map(|asking| asking.talk.seen.last.1).max()?;
    let since = first.talk.seen.first.1;
    if Standing::of(inside).serves_others((first.talk, first.end), (since, last)) {
        return None;
    }
    Some(Deaf {
        from: first.from.address,
        to: first.to,
        end: first.end,
        out: first.out,
        answer: first.back.tcp.as_ref()?.syn_ack?.first,
        kind: Kind::Syns,
        again,
    })
}

/// A host that sends the same data again and again although it was acknowledged, if no other connection of that
/// side is served since then.
fn deaf_to_acknowledgments<'m>(inside: &Inside<'m>) -> Option<Deaf<'m>> {
    let standing = OnceCell::new();
    let unheard = inside.told_once().filter_map(|talk| {
        let ([one, other], [forth, back]) = (talk.ends, &talk.ways);
        let mut ways = [(one, other, forth, back), (other, one, back, forth)].into_iter();
        ways.find_map(|(from, to, out, back)| {
            let unheard = out.tcp.as_ref()?.unheard?;
            let end = inside.end_towards(out)?;
            // Answers that come by another tunnel come to another gateway.
            inside.end_towards(back).filter(|side| *side != end)?;
            let during = (unheard.seen.first.1, unheard.seen.last.1);
            let standing = standing.get_or_init(|| Standing::of(inside));
            (!standing.serves_others((talk, end), during)).then_some(Deaf {
                from: from.address,
                to,
                end,
                out,
                answer: unheard.acknowledged,
                kind: Kind::Data(unheard.sent),
                again: vec![unheard.seen.first, unheard.seen.last],
            })
        })
    });
    unheard.min_by_key(|deaf| deaf.answer)
}

/// Of connections that stand the two latest by some time: one of them may be the one that asks.
type Latest<'m> = [Option<(&'m InnerFlow, Timestamp)>; 2];

/// The connections that stand, by the end towards which they ask and the tap: when they began, and until when they went
/// both ways. Gathered once, for there may be thousands that ask.
struct Standing<'m>(BTreeMap<(usize, Vantage), [Latest<'m>; 2]>);

impl<'m> Standing<'m> {
    fn of(inside: &Inside<'m>) -> Self {
        let mut all: BTreeMap<_, [Latest<'m>; 2]> = BTreeMap::new();
        let stands = |way: &InnerWay| way.tcp.as_ref().is_some_and(|tcp| tcp.established);
        for asking in inside.asked_once().filter(|asking| stands(asking.out)) {
            let talk = asking.talk;
            let [begun, both] = all.entry((asking.end, talk.vantage)).or_default();
            note(begun, talk, talk.seen.first.1);
            if let (Some(out), Some(back)) = (asking.out.seen, asking.back.seen) {
                note(both, talk, out.last.1.min(back.last.1));
            }
        }
        Self(all)
    }

    /// Whether others are served at the side of a connection, by the end towards which it asks: another connection
    /// stands that began since some moment, or goes on both ways after another. Then it is no fault of the tunnel.
    fn serves_others(
        &self,
        (talk, end): (&InnerFlow, usize),
        (since, until): (Timestamp, Timestamp),
    ) -> bool {
        let Some([begun, both]) = self.0.get(&(end, talk.vantage)) else {
            return false;
        };
        let latest = |times: &Latest<'_>| {
            let mut others = times.iter().flatten();
            let other = others.find(|(other, _)| !std::ptr::eq(*other, talk));
            other.map(|(_, time)| *time)
        };
        latest(begun).is_some_and(|time| time >= since)
            || latest(both).is_some_and(|time| time > until)
    }
}

/// Keeps a connection if it is one of the two latest, which are in order.
fn note<'m>(latest: &mut Latest<'m>, talk: &'m InnerFlow, time: Timestamp) {
    let [first, second] = latest;
    match first {
        Some((same, at)) if std::ptr::eq(*same, talk) => *at = time.max(*at),
        Some((_, at)) if time <= *at => {
            if second.is_none_or(|(_, at)| time > at) {
                *second = Some((talk, time));
            }
        }
        _ => {
            *second = first.take();
            *first = Some((talk, time));
        }
    }
}

fn finding(case: &Case<'_>, deaf: &Deaf<'_>) -> Option<Finding> {
    let Deaf {
        from: side,
        to: server,
        out,
        answer,
        ..
    } = deaf;
    let ttl = case.model.flows[out.carriers.first()?.flow].ttl;
    // Who sends with a TTL that systems begin with is the next hop.
    let at_gateway = ttl.0 == ttl.1 && INITIAL_TTLS.contains(&ttl.0);
    let gateway = case.tunnel.ends.get(1 - deaf.end)?;
    let near = match at_gateway {
        true => say!(
            "The TTL of {ttl} shows that this tap is at {gateway}.",
            ttl = ttl.0,
            gateway
        ),
        false => {
            say!(
                "This tap is not at {gateway}, so the answers may be lost on their way to it.",
                gateway
            )
        }
    };
    let (passed, again, says) = match deaf.kind {
        Kind::Syns => (
            say!(
                "SYN-ACK from {server} for {side}, in ESP to {gateway}",
                server,
                side,
                gateway
            ),
            "SYN sent again after its answer had passed",
            say!(
                "{side} sent {syns} again after the SYN-ACK of {server} had passed here in ESP, and \
                 opened no connection.",
                side,
                syns = count(deaf.again.len() as u64, "SYN"),
                server
            ),
        ),
        Kind::Data(again) => (
            say!(
                "acknowledgment from {server} for {side}, in ESP to {gateway}",
                server,
                side,
                gateway
            ),
            "the same data again after its acknowledgment had passed",
            say!(
                "{side} sent {server} the same data again {times} after the acknowledgment of it had passed here \
                 in ESP, and nothing new.",
                side,
                server,
                times = child::times(usize::try_from(again).unwrap_or(usize::MAX))
            ),
        ),
    };
    let mut finding = Finding::new(
        &RULE,
        if at_gateway {
            Confidence::Likely
        } else {
            Confidence::Possible
        },
        case.id,
        *answer,
        passed,
    )
    .title(match at_gateway {
        true => say!(
            "Answers reach {gateway} in ESP, but not {side} behind it",
            gateway,
            side
        ),
        false => say!(
            "Answers in ESP to {gateway} do not get to {side} behind it",
            gateway,
            side
        ),
    })
    .says(says.then(near));
    for place in &deaf.again {
        finding = finding.also(*place, again);
    }
    let severity = if at_gateway {
        Severity::Error
    } else {
        Severity::Warning
    };
    Some(
        finding
            .severity(severity)
            .or(say!(
                "A filter between {gateway} and {side}, or on {side}, drops the answer.",
                gateway,
                side
            ))
            .advise(say!(
                "On {gateway} look at the counters of IPsec errors (no policy, replay, wrong \
                 checksum) and at filters for decrypted packets, reverse path filtering included.",
                gateway
            ))
            .advise(say!(
                "Look at the route from {gateway} to {side}.",
                gateway,
                side
            )),
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const DEAF: &str = "
        1 A > B ESP 0xb1 seq 1..5 every 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)
        1.1 B > A ESP 0xa1 seq 1..5 every 2 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 7 ack 2)";

    #[test]
    fn a_syn_that_is_sent_again_though_its_answer_passed() {
        verdict(DEAF, "esp-dropped-locally");
    }

    #[test]
    fn data_that_is_sent_again_though_its_acknowledgment_passed() {
        let text = |size: u32, rest: &str| {
            format!(
                "1 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)
                 1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 7 ack 2)
                 1.2 A > B ESP 0xb1 seq 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 2 ack 8 data {size})
                 1.3 B > A ESP 0xa1 seq 2..6 every 2 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 8 ack {})
                 3.2 A > B ESP 0xb1 seq 3..6 every 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 2 ack 8 data {size})
                 {rest}",
                2 + size
            )
        };
        verdict(&text(100, ""), "esp-dropped-locally");
        // A keepalive has an octet of what was acknowledged.
        silent(&text(1, ""), "esp-dropped-locally");
        // It was heard after all.
        let new = "12 A > B ESP 0xb1 seq 7 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 102 ack 8 data 100)";
        silent(&text(100, new), "esp-dropped-locally");
        let others = "
            9.9 A > B ESP 0xb1 seq 9 inner(10.1.0.2 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)
            10 B > A ESP 0xa1 seq 9 inner(10.2.0.1 > 10.1.0.2 TCP 443 > 40000 SYN,ACK seq 7 ack 2)
            10.2 A > B ESP 0xb1 seq 10 inner(10.1.0.2 > 10.2.0.1 TCP 40000 > 443 ACK seq 2 ack 8)";
        silent(&text(100, others), "esp-dropped-locally");
    }

    #[test]
    fn one_answer_that_was_lost_is_no_fault() {
        silent(
            "1 A > B ESP 0xb1 seq 1..2 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)
             1.1 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 7 ack 2)
             2.2 A > B ESP 0xb1 seq 3 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 2 ack 8)",
            "esp-dropped-locally",
        );
    }

    #[test]
    fn who_was_served_before_is_no_proof_of_now() {
        let served = |at: [&str; 3]| {
            let [syn, answer, goes_on] = at;
            format!(
                "{syn} A > B ESP 0xb2 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 39000 > 443 SYN seq 1)
                 {answer} B > A ESP 0xa2 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 39000 SYN,ACK seq 7 ack 2)
                 {goes_on} A > B ESP 0xb2 seq 2 inner(10.1.0.1 > 10.2.0.1 TCP 39000 > 443 ACK seq 2 ack 8)"
            )
        };
        verdict(
            &format!("{}\n{DEAF}", served(["0.1", "0.2", "0.3"])),
            "esp-dropped-locally",
        );
        silent(
            &format!("{DEAF}\n{}", served(["5.1", "5.2", "5.3"])),
            "esp-dropped-locally",
        );
    }

    #[test]
    fn where_others_are_served_one_host_proves_nothing_of_the_tunnel() {
        silent(
            &format!(
                "{DEAF}
                 20 A > B ESP 0xb1 seq 9 inner(10.1.0.2 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)
                 20.1 B > A ESP 0xa1 seq 9 inner(10.2.0.1 > 10.1.0.2 TCP 443 > 40000 SYN,ACK seq 7 ack 2)
                 20.2 A > B ESP 0xb1 seq 10 inner(10.1.0.2 > 10.2.0.1 TCP 40000 > 443 ACK seq 2 ack 8)"
            ),
            "esp-dropped-locally",
        );
    }
}
