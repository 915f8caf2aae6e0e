//! A router says that our packets are too large.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::overhead;
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{IcmpSeen, esp_size};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::BTreeMap;
use std::net::IpAddr;

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
    needs: Signs::ICMP,
    check,
};

const DOCUMENT: &str = "\
## What it means
A router on the way has a link with a smaller MTU, may not fragment, throws the packet away, and says so. The gateway should make smaller packets; if it goes on as before, large packets are lost for ever while small ones pass.

## How it is seen
ICMP type 3 code 4 (ICMPv6 type 2) that quotes ESP or IKE of this tunnel. It names the MTU; the largest inner packet follows from the sizes of the ESP packets.

## What else looks like it
An error that somebody forged. One such error is how path MTU discovery works, one of each link that is smaller still, and another whenever a larger size is tried again after some minutes (RFC 1191 section 6.3); many of one MTU mean that it does not work.

## What to do
1. Lower the inner MTU, or clamp the TCP MSS, to the values printed.
2. See that the gateway receives the ICMP error: its own firewall may drop it.
";

/// One error is path MTU discovery at work; so many of one MTU, apart in time, mean that the sender goes
/// on as before.
const DEAF: u64 = 3;

/// Errors closer than this are about packets that were sent before the first could be heeded.
const TOGETHER: Span = Span::from_millis(250);

/// Whoever heeds an error tries a larger size again after five minutes or more (RFC 1191 section 6.3,
/// RFC 8201 section 4), and then has another.
const TRIED_AGAIN: Span = Span::from_secs(270);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let seen: Vec<_> = icmp::about(case)
        .filter(|seen| icmp::meaning(&seen.error) == Meaning::TooBig)
        .collect();
    let Some(first) = seen.first() else {
        return Vec::new();
    };
    // The same error passes several interfaces of one tap.
    let mut places: BTreeMap<Vantage, u64> = BTreeMap::new();
    for seen in &seen {
        *places.entry(seen.vantage).or_default() += seen.count;
    }
    let count = places.into_values().max().unwrap_or(0);
    let mtu = seen.iter().filter_map(|seen| seen.error.mtu).min();
    // The smallest decides.
    let told = seen.iter().find(|seen| seen.error.mtu == mtu);
    let told = told.unwrap_or(first);
    let quoted = told.error.quoted;
    let last = seen
        .iter()
        .map(|seen| seen.last)
        .max()
        .unwrap_or(first.time);
    // Packets that were under way together each have their error, and a tap may see one twice.
    let deaf = goes_on(&seen) || is_ignored(case, told);
    let mut finding = Finding::new(
        &RULE,
        // Anybody can send such an error; that many go on coming as large packets do.
        match deaf {
            true => Confidence::Certain,
            false => Confidence::Likely,
        },
        case.id,
        (told.frame, told.time),
        noted(told),
    )
    .during(first.time, last)
    .severity(if deaf { RULE.severity } else { Severity::Info })
    .title(match mtu {
        Some(mtu) => say!(
            "The path to {to} takes only {mtu} octets",
            to = quoted.to.address,
            mtu
        ),
        None => say!(
            "Packets to {to} are too large for the path",
            to = quoted.to.address
        ),
    });
    let mut says = if quoted.length > 0 {
        say!(
            "{router} sent {error} ({count} in all) for packets of {size} octets from {from} to {to}.",
            router = told.path.from.address,
            error = icmp::name(&told.error),
            count,
            size = quoted.length,
            from = quoted.from,
            to = quoted.to
        )
    } else {
        say!(
            "{router} sent {error} ({count} in all) for packets from {from} to {to}.",
            router = told.path.from.address,
            error = icmp::name(&told.error),
            count,
            from = quoted.from,
            to = quoted.to
        )
    };
    let is_ike = seen.iter().all(|seen| icmp::is_ike(seen));
    if is_ike {
        // What hosts send inside is no part of an IKE message.
        finding = finding
            .advise("Enable IKE fragmentation (RFC 7383) on both sides, fragments of at most 1280 octets.")
            .advise_all(vendor_advice::of_both(case, Topic::Fragmentation));
    } else if let Some(mtu) = mtu {
        let directions = case.directions();
        let flows = directions.iter().flat_map(|directions| directions.all());
        let v6 = quoted.from.address.is_ipv6();
        let (inner, mss) = overhead::safe(flows, mtu, v6);
        says.add(say!(
            "Within {mtu} octets fits an inner packet of {inner}, so a TCP MSS of {mss}.",
            mtu,
            inner,
            mss
        ));
        finding = finding.advise(say!(
            "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss} (IPv6 inside: {v6}).",
            inner,
            mss,
            v6 = overhead::mss(inner, true)
        ));
        finding = finding.advise_all(vendor_advice::of_both(case, Topic::Mtu));
    }
    if deaf {
        says.add("The sender goes on as before: it does not heed the error.");
    }
    finding = finding
        .says(says)
        .or("Somebody forged the error: a gateway should heed only what quotes a packet of its own.")
        .advise("See that the gateway receives ICMP 3/4 (ICMPv6 2): its own firewall may drop it.");
    for one in &seen {
        finding = finding.also((one.frame, one.time), noted(one));
    }
    vec![finding]
}

/// What an error says: `ICMP 3/4: MTU 1400`.
fn noted(seen: &IcmpSeen) -> Text {
    let error = icmp::name(&seen.error);
    match seen.error.mtu {
        Some(mtu) => say!("{error}: MTU {mtu}", error, mtu),
        None => Text::verbatim(error),
    }
}

/// Whether packets above the MTU go on after the error, unchanged: routers do not tell of each (RFC 1812 section
/// 4.3.2.8).
fn is_ignored(case: &Case<'_>, told: &IcmpSeen) -> bool {
    /// What was on its way is gone by then.
    const UNDER_WAY: Span = Span::from_secs(2);
    let Some(mtu) = told.error.mtu else {
        return false;
    };
    let quoted = told.error.quoted;
    let header = esp_size::header(quoted.to.address.is_ipv6());
    let mut flows = case.flows().filter(|flow| {
        flow.key.to == quoted.to.address
            && flow.key.vantage == told.vantage
            && flow.dont_fragment
            && flow.fragmented == 0
    });
    flows.any(|flow| {
        let outside = header + flow.key.transport.octets();
        flow.rhythms.iter().any(|rhythm| {
            let after = rhythm.last.1.since(told.last);
            let late = after > UNDER_WAY && after < TRIED_AGAIN;
            rhythm.size.saturating_add(outside) > mtu && u64::from(rhythm.packets) > DEAF && late
        })
    })
}

/// Whether errors about one MTU go on coming, as they do if nobody heeds them.
fn goes_on(seen: &[&IcmpSeen]) -> bool {
    type Key = (Vantage, Option<u32>, IpAddr, IpAddr);
    let mut rows: BTreeMap<Key, (u64, Timestamp, Timestamp)> = BTreeMap::new();
    for seen in seen {
        let quoted = seen.error.quoted;
        let key = (
            seen.vantage,
            seen.error.mtu,
            quoted.from.address,
            quoted.to.address,
        );
        let (count, first, last) = rows.entry(key).or_insert((0, seen.time, seen.last));
        *count = count.saturating_add(seen.count);
        *first = (*first).min(seen.time);
        *last = (*last).max(seen.last);
    }
    rows.into_values().any(|(count, first, last)| {
        let span = last.since(first);
        let steps = i64::try_from(count.saturating_sub(1)).unwrap_or(i64::MAX);
        count >= DEAF && span > TOGETHER && span.0 < TRIED_AGAIN.0.saturating_mul(steps)
    })
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
    fn who_goes_on_with_large_packets_does_not_heed_the_error() {
        // Routers tell of few packets only.
        let error = "1.4 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xb1 length 1452";
        let large = "1 A > B ESP 0xb1 seq 1..40 every 0.3 size 1432 df
            1 B > A ESP 0xa1 seq 1..40 every 0.3 size 136";
        verdict(&format!("{large}\n{error}"), "mtu-exceeded");
        let heeded = "1 A > B ESP 0xb1 seq 1..5 every 0.3 size 1432 df
            3 A > B ESP 0xb1 seq 6..40 every 0.3 size 1300 df
            1 B > A ESP 0xa1 seq 1..40 every 0.3 size 136";
        let found = fires(&format!("{heeded}\n{error}"), "mtu-exceeded");
        assert_eq!(found.severity, crate::diagnose::Severity::Info);
    }

    #[test]
    fn a_host_unreachable_is_no_question_of_size() {
        silent(
            &format!("{ESP}\n1.4 R > A ICMP 3/1 quoting A > B ESP 0xb1 count 4 every 1"),
            "mtu-exceeded",
        );
    }

    #[test]
    fn path_mtu_discovery_at_work_is_no_fault() {
        for errors in [
            // Packets that were under way.
            "1.4 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xb1 length 1452 count 2 every 0.2",
            // A smaller link behind the first.
            "1.4 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xb1 length 1452
             3.4 R > A ICMP 3/4 mtu 1300 quoting A > B ESP 0xb1 length 1400",
            // Tried again every ten minutes.
            "1.4 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xb1 length 1452 count 4 every 600",
        ] {
            let finding = fires(&format!("{ESP}\n{errors}"), "mtu-exceeded");
            assert_eq!(
                finding.severity,
                crate::diagnose::Severity::Info,
                "{errors}"
            );
            assert_ne!(finding.confidence, crate::diagnose::Confidence::Certain);
        }
    }
}
