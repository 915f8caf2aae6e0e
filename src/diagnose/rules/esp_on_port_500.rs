//! ESP travels in UDP on port 500.

use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{EspFlow, Transport};
use crate::net::Path;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-on-port-500",
    code: "INF536",
    severity: Severity::Info,
    summary: "ESP travels in UDP on port 500",
    document: DOCUMENT,
    explains: &["esp-one-way"],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
Port 500 is for IKE alone: there nothing tells ESP from IKE, so ESP in UDP belongs on port 4500 (RFC 7296 section 2.23, RFC 3948 section 2.1). A sender that encapsulates on port 500 has misjudged NAT detection, and its peer takes the packets for broken IKE.

## How it is seen
UDP packets from or to port 500 that are no IKE and hold an SPI and a sequence number that grows. It is a warning if no ESP comes back at all.

## What else looks like it
A NAT between the tap and the sender that translates port 4500 to 500; two gateways of one make that agree on it.

## What to do
1. See that both sides move to port 4500 when a NAT is detected, and that nothing translates port 4500 to 500.
2. Look for a newer version of the sender's software.
";

/// Fewer packets may be anything.
const PATTERN: u64 = 4;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let directions = case.directions();
    let found = directions.iter().find_map(|directions| {
        [0, 1].into_iter().find_map(|end| {
            let mut flows = directions.flows(end).iter();
            let (flow, path) = flows.find_map(|flow| Some((*flow, on_500(flow)?)))?;
            Some((flow, path, directions.packets(1 - end)))
        })
    });
    let Some((flow, path, back)) = found else {
        return Vec::new();
    };
    let finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        flow.seen.first,
        say!(
            "ESP on {spi} in UDP {from} > {to}",
            spi = flow.key.spi,
            from = path.from,
            to = path.to
        ),
    )
    .during(flow.seen.first.1, flow.seen.last.1)
    .title(say!(
        "{from} sends ESP in UDP on port 500",
        from = path.from.address
    ))
    .says(
        say!(
            "{packets} on {spi} went from {from} to {to}.",
            packets = count(flow.packets, "ESP packet"),
            spi = flow.key.spi,
            from = path.from,
            to = path.to
        )
        .then(match back {
            0 => "No ESP came back: the peer takes them for broken IKE.",
            _ => "ESP came back, so the peer reads them all the same.",
        }),
    )
    .or("A device in between translates port 4500 to 500.")
    .advise("See that both sides move to port 4500 when a NAT is detected.");
    vec![match back {
        0 => finding.severity(Severity::Warning),
        _ => finding,
    }]
}

/// The path on port 500 that a flow took.
fn on_500(flow: &EspFlow) -> Option<&Path> {
    // Repeats and jumps are what octets of something else would show.
    let counts = flow.packets >= PATTERN
        && flow.sequence.restarts == 0
        && flow.sequence.missing <= flow.packets;
    flow.paths
        .iter()
        .filter(|_| counts && flow.key.transport == Transport::Udp)
        .find(|path| [path.from.port, path.to.port].contains(&Some(500)))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent};

    const IKE: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240";

    #[test]
    fn esp_on_the_port_of_ike() {
        let one_way = format!("{IKE}\n1 A:500 > B:500 ESP 0xb1 seq 1..20 every 0.3 size 136");
        assert_eq!(
            fires(&one_way, "esp-on-port-500").severity,
            Severity::Warning
        );
        let both = format!("{one_way}\n1 B:500 > A:500 ESP 0xa1 seq 1..20 every 0.3 size 136");
        assert_eq!(fires(&both, "esp-on-port-500").severity, Severity::Info);
    }

    #[test]
    fn esp_where_it_belongs() {
        silent(
            &format!("{IKE}\n1 A:4500 > B:4500 ESP 0xb1 seq 1..20 every 0.3 size 136"),
            "esp-on-port-500",
        );
        silent(
            &format!("{IKE}\n1 A > B ESP 0xb1 seq 1..20 every 0.3 size 136"),
            "esp-on-port-500",
        );
    }
}
