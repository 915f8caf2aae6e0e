//! Answers come to the gateway in ESP, and the host that asked never gets them.

use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::net::INITIAL_TTLS;
use crate::say;

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
With the keys of ESP, or without encryption: a SYN is sent again, several times, after the SYN-ACK to it had passed in ESP towards the one who asked, and no connection ever follows. If the TTL shows that the tap is at the gateway of the one who asked, nothing but that gateway and its inside is left.

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
    let mut deaf: Vec<_> = inside
        .asked_once()
        .filter(|asking| {
            let tcp = asking.out.tcp.as_ref();
            tcp.is_some_and(|tcp| !tcp.established && !tcp.deaf.is_empty())
        })
        .collect();
    deaf.sort_by_key(|asking| asking.talk.seen.first);
    let again: usize = deaf
        .iter()
        .filter_map(|asking| Some(asking.out.tcp.as_ref()?.deaf.len()))
        .sum();
    let Some(first) = deaf.first().filter(|_| again >= FEW) else {
        return Vec::new();
    };
    // If others behind that gateway are served from then on, it is no fault of the tunnel.
    let side = first.from.address;
    let since = first.talk.seen.first.1;
    let last_deaf = deaf.iter().map(|asking| asking.talk.seen.last.1).max();
    let served = inside.asked_once().any(|asking| {
        let tcp = asking.out.tcp.as_ref();
        let ways = [asking.out, asking.back];
        let goes_on = || {
            ways.iter()
                .all(|way| way.seen.map(|seen| seen.last.1) > last_deaf)
        };
        asking.end == first.end
            && asking.talk.vantage == first.talk.vantage
            && tcp.is_some_and(|tcp| tcp.established)
            && (asking.talk.seen.first.1 >= since || goes_on())
    });
    if served {
        return Vec::new();
    }
    let (Some(out), Some(answer)) = (
        first.out.carriers.first(),
        first.back.tcp.as_ref().and_then(|tcp| tcp.syn_ack),
    ) else {
        return Vec::new();
    };
    let ttl = case.model.flows[out.flow].ttl;
    // Who sends with a TTL that systems begin with is the next hop.
    let at_gateway = ttl.0 == ttl.1 && INITIAL_TTLS.contains(&ttl.0);
    let Some(gateway) = case.tunnel.ends.get(1 - first.end) else {
        return Vec::new();
    };
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
    let mut finding = Finding::new(
        &RULE,
        if at_gateway {
            Confidence::Likely
        } else {
            Confidence::Possible
        },
        case.id,
        answer.first,
        say!(
            "SYN-ACK from {server} for {side}, in ESP to {gateway}",
            server = first.to,
            side,
            gateway
        ),
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
    .says(
        say!(
            "{side} sent {syns} again after the SYN-ACK of {server} had passed here in ESP, and \
             opened no connection.",
            side,
            syns = count(again as u64, "SYN"),
            server = first.to
        )
        .then(near),
    );
    for place in deaf
        .iter()
        .filter_map(|asking| asking.out.tcp.as_ref())
        .flat_map(|tcp| &tcp.deaf)
    {
        finding = finding.also(*place, "SYN sent again after its answer had passed");
    }
    let severity = if at_gateway {
        Severity::Error
    } else {
        Severity::Warning
    };
    vec![
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
    ]
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
