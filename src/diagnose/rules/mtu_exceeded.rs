//! A router says that our packets are too large.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::{esp, overhead};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};
use crate::units::{Span, Vantage};
use std::collections::BTreeMap;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "mtu-exceeded",
    code: "ESP406",
    severity: Severity::Warning,
    summary: "Packets are larger than the path takes",
    document: DOCUMENT,
    explains: &[
        "mtu-black-hole",
        "ike-fragments-lost",
        "esp-fragments-lost",
        "ike-auth-no-response",
        "esp-fragmented",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
A router on the way has a link with a smaller MTU, may not fragment, throws the packet away, and says so. The gateway should make smaller packets; if it goes on as before, large packets are lost for ever while small ones pass.

## How it is seen
ICMP type 3 code 4 (ICMPv6 type 2) that quotes ESP or IKE of this tunnel. It names the MTU; the largest inner packet follows from the sizes of the ESP packets.

## What else looks like it
Nothing: the packets say so themselves. One such error is how path MTU discovery works; many mean that it does not.

## What to do
1. Lower the inner MTU, or clamp the TCP MSS, to the values printed.
2. See that the gateway receives the ICMP error: its own firewall may drop it.
";

/// One error is path MTU discovery at work; so many mean that the sender goes on as before.
const DEAF: u64 = 2;

/// Errors closer than this are about packets that were sent before the first could be heeded.
const TOGETHER: Span = Span::from_millis(100);

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let seen: Vec<_> = icmp::about(model, tunnel)
        .filter(|seen| icmp::meaning(&seen.error) == Meaning::TooBig)
        .collect();
    let Some(first) = seen.first() else {
        return Vec::new();
    };
    let row = &model.tunnels[tunnel];
    let quoted = first.error.quoted;
    // The same error passes several interfaces of one tap.
    let mut places: BTreeMap<Vantage, u64> = BTreeMap::new();
    for seen in &seen {
        *places.entry(seen.vantage).or_default() += seen.count;
    }
    let count = places.into_values().max().unwrap_or(0);
    let mtu = seen.iter().filter_map(|seen| seen.error.mtu).min();
    let last = seen
        .iter()
        .map(|seen| seen.last)
        .max()
        .unwrap_or(first.time);
    // Packets that were under way together each have their error, and a tap may see one twice.
    let deaf = count >= DEAF && last.since(first.time) > TOGETHER;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        tunnel,
        (first.frame, first.time),
        match mtu {
            Some(mtu) => format!("{}: MTU {mtu}", icmp::name(&first.error)).into(),
            None => icmp::name(&first.error),
        },
    )
    .during(first.time, last)
    .severity(if deaf { RULE.severity } else { Severity::Info })
    .title(match mtu {
        Some(mtu) => format!("The path to {} takes only {mtu} octets", quoted.to.address),
        None => format!(
            "Packets to {} are too large for the path",
            quoted.to.address
        ),
    });
    let size = if quoted.length > 0 {
        format!(" of {} octets", quoted.length)
    } else {
        String::new()
    };
    let mut says = format!(
        "{} sent {} ({count} in all) for packets{size} from {} to {}.",
        first.path.from.address,
        icmp::name(&first.error),
        quoted.from,
        quoted.to
    );
    if let Some(mtu) = mtu {
        let directions = esp::directions(model, row);
        let flows = directions.iter().flat_map(|directions| directions.all());
        let v6 = quoted.from.address.is_ipv6();
        let (inner, mss) = overhead::safe(flows, mtu, v6);
        says.push_str(&format!(
            " Within {mtu} octets fits an inner packet of {inner}, so a TCP MSS of {mss}."
        ));
        finding = finding.advise(format!(
            "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss} (IPv6 inside: {}).",
            mss.saturating_sub(20)
        ));
    }
    if deaf {
        says.push_str(" The sender goes on as before: it does not heed the error.");
    }
    finding = finding
        .says(says)
        .advise("See that the gateway receives ICMP 3/4 (ICMPv6 2): its own firewall may drop it.");
    for one in seen.iter().skip(1) {
        finding = finding.also((one.frame, one.time), "another");
    }
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    const ESP: &str = "
        1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136,1432
        1 B > A ESP 0xa1 seq 1..40 every 0.3 size 136,104";

    #[test]
    fn the_router_names_the_mtu_and_the_inner_one_follows() {
        let text = format!(
            "{ESP}\n1.4 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xb1 length 1452 count 4 every 1"
        );
        verdict(&text, "mtu-exceeded");
        let finding = fires(&text, "mtu-exceeded");
        // 1400 - 20 - 8 - 16 (IV) - 16 or 32 (checksum), down to blocks of 16, less 2.
        assert!(
            finding.says.to_string().contains("an inner packet of 1310"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_host_unreachable_is_no_question_of_size() {
        silent(
            &format!("{ESP}\n1.4 R > A ICMP 3/1 quoting A > B ESP 0xb1 count 4 every 1"),
            "mtu-exceeded",
        );
    }
}
