//! A gateway has a new address, and its ESP still leaves with the old one.

use crate::diagnose::facts::{end_of, esp, first};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{EspFlow, IkeSaId, Message};
use crate::registry::NotifyType;
use crate::say;
use crate::units::Span;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "stale-source-address",
    code: "IKE323",
    severity: Severity::Warning,
    summary: "ESP still leaves with the address from before a move",
    document: DOCUMENT,
    explains: &["esp-one-way"],
    needs: Signs::MOVED,
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway moved to another address (another uplink, a new lease), and IKE followed. Its ESP did not: a NAT rule, a connection entry of its own filter or an SA in its kernel still holds the old address. Packets with that source are dropped by the next provider, or answered to where nobody is.

## How it is seen
One IKE SA goes on from a new address and never again from the old one. ESP of the same end bears the old address many seconds later, and none bears the new one. It is a warning if the other side sent ESP before, and sends none any more.

## What else looks like it
A gateway with two uplinks that sends IKE by one and ESP by the other on purpose: then traffic flows, and it is told for information only.

## What to do
1. On the gateway that moved, clear the states of NAT and filter for UDP 4500 and ESP, then restart the tunnel.
2. Let its IPsec follow the address: MOBIKE (RFC 4555), or a restart of the tunnel when the uplink changes.
";

/// SAs are moved within this time after IKE (RFC 4555 section 3.5 wants an answer first).
const SETTLED: Span = Span::from_secs(10);

/// Fewer packets are stragglers.
const MANY: u64 = 10;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let ike_sas = case.tunnel.ike_sas.iter();
    ike_sas
        .filter(|id| case.model.ike_sas[**id].paths.len() > 1)
        .flat_map(|id| [0, 1].map(|end| (*id, end)))
        .find_map(|(id, end)| stale(case, id, end))
        .into_iter()
        .collect()
}

fn stale(case: &Case<'_>, id: IkeSaId, end: usize) -> Option<Finding> {
    let sent: Vec<&Message> = case.model.ike_sas[id]
        .exchanges
        .iter()
        .flat_map(|id| &case.model.exchanges[*id].flights)
        .filter_map(|flight| first(case.model, flight))
        .filter(|message| end_of(case.tunnel, message.path.from().address) == Some(end))
        .collect();
    let last = *sent.iter().max_by_key(|message| message.time)?;
    let sent = sent
        .into_iter()
        .filter(|message| message.vantage == last.vantage);
    let (new, old): (Vec<&Message>, Vec<&Message>) =
        sent.partition(|message| message.path.from().address == last.path.from().address);
    let moved = new.iter().min_by_key(|message| message.time)?;
    let to = last.path.from().address;
    if old.iter().any(|message| moved.time <= message.time) {
        return None;
    }
    // The last from each address before: who moves twice may leave its ESP at the first.
    let mut left: BTreeMap<IpAddr, &Message> = BTreeMap::new();
    for message in old {
        let known = left.entry(message.path.from().address).or_insert(message);
        if known.time < message.time {
            *known = message;
        }
    }
    let settled = moved.time.later(SETTLED);
    let directions = case.directions_at(last.vantage)?;
    let flows = directions.flows(1 - end);
    let bears =
        |flow: &EspFlow, address| flow.paths.iter().any(|path| path.from.address == address);
    if flows.iter().any(|flow| bears(flow, to)) {
        return None;
    }
    let (flow, from, left) = flows.iter().find_map(|flow| {
        let stays = flow.seen.first.1 < moved.time && esp::packets_since(flow, settled) >= MANY;
        let paths = flow.paths.iter().filter(|_| stays);
        let borne = paths.filter_map(|path| left.get_key_value(&path.from.address));
        let (from, left) = borne.max_by_key(|(from, left)| (left.time, **from))?;
        Some((flow, *from, *left))
    })?;
    let back = directions.packets_since(end, settled);
    // A stream of one direction had nothing in return before.
    let stopped = back == 0
        && directions
            .first(end)
            .is_some_and(|first| first.1 < moved.time);
    let spi = flow.key.spi;
    let mobike = is_by_mobike(case, id);
    Some(
        Finding::new(
            &RULE,
            match stopped {
                true => Confidence::Likely,
                false => Confidence::Possible,
            },
            case.id,
            flow.seen.last,
            say!("ESP on {spi} still from {from}", spi, from),
        )
        .also((moved.frame, moved.time), say!("IKE now from {to}", to))
        .beside((left.frame, left.time), say!("IKE last from {from}", from))
        .severity(match stopped {
            true => RULE.severity,
            false => Severity::Info,
        })
        .title(say!(
            "ESP still leaves from {from} after the move to {to}",
            from,
            to
        ))
        .says(
            say!(
                "IKE of one IKE SA moved from {from} to {to}. More than {settled} later {packets} on {spi} still came \
                 from {from}, and none from {to}.",
                from,
                to,
                settled = SETTLED,
                packets = count(esp::packets_since(flow, settled), "packet"),
                spi
            )
            .then(mobike.then_some("MOBIKE moved IKE (UPDATE_SA_ADDRESSES), and the ESP SA stayed behind."))
            .then(match back {
                0 if stopped => "The other side sends no ESP any more.".into(),
                0 => "The other side sent no ESP before either.".into(),
                _ => say!(
                    "{packets} came from the other side all the same.",
                    packets = count(back, "packet")
                ),
            }),
        )
        .or("The gateway sends IKE and ESP by two uplinks on purpose.")
        .advise(say!(
            "On the gateway that moved to {to}, clear the states of NAT and filter for UDP 4500 and ESP, and restart \
             the tunnel.",
            to
        ))
        .advise(match mobike {
            true => "Ask the vendor of that gateway why it does not move its ESP, or let the tunnel restart when the uplink changes.",
            false => "Enable MOBIKE (RFC 4555), or let the tunnel restart when the uplink changes.",
        }),
    )
}

/// Whether a message that was opened moves the IKE SA (RFC 4555 section 3.5).
fn is_by_mobike(case: &Case<'_>, id: IkeSaId) -> bool {
    let exchanges = case.model.ike_sas[id].exchanges.iter();
    let mut requests = exchanges.filter_map(|id| case.model.exchanges[*id].request());
    requests.any(|request| {
        let opened = case.model.opened(request);
        opened.is_some_and(|(_, read)| {
            read.notifies()
                .any(|notify| notify.kind == NotifyType::UPDATE_SA_ADDRESSES)
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent};

    const MOVED: &str = "
        0 A:4500 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
        0.1 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=2 response sealed 80
        10 C:4500 > B:4500 INFORMATIONAL i=1 r=2 id=3 request by=initiator sealed 160
        10.1 B:4500 > C:4500 INFORMATIONAL i=1 r=2 id=3 response sealed 160";

    #[test]
    fn esp_that_keeps_the_old_address() {
        let stale = format!(
            "{MOVED}
             1 A:4500 > B:4500 ESP 0xb1 seq 1..60 every 1 size 136
             1 B:4500 > A:4500 ESP 0xa1 seq 1..9 every 1 size 136"
        );
        let unserved = fires(&stale, "stale-source-address").severity;
        assert!(unserved >= Severity::Warning, "{unserved:?}");
        let served = format!("{stale}\n12 B:4500 > A:4500 ESP 0xa1 seq 10..60 every 1 size 136");
        assert_eq!(
            fires(&served, "stale-source-address").severity,
            Severity::Info
        );
    }

    #[test]
    fn a_stream_of_one_direction_shows_no_harm() {
        let stream = format!("{MOVED}\n1 A:4500 > B:4500 ESP 0xb1 seq 1..60 every 1 size 136");
        assert_eq!(
            fires(&stream, "stale-source-address").severity,
            Severity::Info
        );
    }

    #[test]
    fn esp_that_moves_along() {
        silent(
            &format!(
                "{MOVED}
                 1 A:4500 > B:4500 ESP 0xb1 seq 1..9 every 1 size 136
                 11 C:4500 > B:4500 ESP 0xb1 seq 10..60 every 1 size 136
                 1 B:4500 > A:4500 ESP 0xa1 seq 1..9 every 1 size 136"
            ),
            "stale-source-address",
        );
    }

    #[test]
    fn an_idle_tunnel_that_moves() {
        silent(
            &format!("{MOVED}\n1 A:4500 > B:4500 ESP 0xb1 seq 1..9 every 1 size 136"),
            "stale-source-address",
        );
    }
}
