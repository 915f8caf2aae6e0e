//! A NAT gives IKE and ESP of one peer different ports.

use crate::diagnose::facts::first;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{EspFlow, IkeSa, IkeSaId, Link, Message, Model, Transport, TunnelId};
use crate::say;
use crate::units::Endpoint;
use std::cell::LazyCell;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "nat-ports-differ",
    code: "INF535",
    severity: Severity::Info,
    summary: "A NAT gives IKE and ESP of one peer different ports",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
ESP in UDP uses the ports of IKE (RFC 3948 section 2.1). If a NAT gives the two different ports, the other side sends ESP to the port that it knows from IKE. Some gateways drop ESP that comes from another port, or follow it and then send IKE there.

## How it is seen
To port 4500 of one gateway, an address sends all IKE from one port and all ESP of the child SA made by it from another, at the same time.

## What else looks like it
A NAT that forgot its mapping and made another: then one port follows the other, see nat-mapping-changed. Several clients behind one NAT: only ESP of a child SA that was made under this IKE SA is compared.

## What to do
1. Look for a NAT that inspects IPsec (IPsec passthrough, an ALG) or balances over several ports or links, and switch that off.
2. Translate UDP 4500 of this peer to one fixed port.
";

/// So many IKE SAs are looked into: each takes a look at all flows.
const TRIED: usize = 8;

/// So many child SAs of each are held against its messages: a NAT treats all alike.
const CHILDREN: usize = 16;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let ike_sas = case.tunnel.ike_sas.iter();
    ike_sas
        .filter_map(|id| differ(case.model, *id))
        .take(TRIED)
        .find(|(flow, ike, _)| is_own(case, flow, ike))
        .map(|(flow, ike, esp)| finding(case.id, flow, ike, esp))
        .into_iter()
        .collect()
}

/// ESP from another port than the IKE that made its SA, and that IKE.
fn differ(model: &Model, id: IkeSaId) -> Option<(&EspFlow, &Message, Endpoint)> {
    let sa = &model.ike_sas[id];
    let messages = LazyCell::new(|| floated(model, sa).collect::<Vec<&Message>>());
    sa.child_sas
        .iter()
        .take(CHILDREN)
        .flat_map(|child| model.child_sas[*child].flows)
        .flatten()
        .map(|flow| &model.flows[flow])
        .filter(|flow| flow.key.transport == Transport::Udp)
        .find_map(|flow| {
            let esp = only_sender(flow)?;
            let mut ike = messages
                .iter()
                .filter(|message| {
                    message.vantage == flow.key.vantage
                        && message.path.from().address == esp.address
                        && message.path.to().address == flow.key.to
                })
                .peekable();
            let port = ike.peek()?.path.from().port;
            let steady = ike.clone().all(|message| message.path.from().port == port);
            // Both are used at the same time: no port took the place of the other.
            let during = ike.find(|message| message.time > flow.seen.first.1)?;
            let meet = during.time < flow.seen.last.1;
            (steady && meet && port != esp.port).then_some((flow, *during, esp))
        })
}

/// Whether the flow is that of the client whose IKE this is. Where no message names its SPI, it must
/// begin in this recording, and the port of IKE must have no ESP: else that is the client's, and this
/// is another's behind the same NAT.
fn is_own(case: &Case<'_>, flow: &EspFlow, ike: &Message) -> bool {
    if matches!(flow.child_sa, Link::Proven(_)) {
        return true;
    }
    let from_there = |other: &EspFlow| {
        other.key.vantage == flow.key.vantage
            && other.key.to == flow.key.to
            && other.paths.iter().any(|path| path.from == ike.path.from())
    };
    flow.sequence.first <= 1 && !case.flows().any(from_there)
}

/// The first datagrams of an IKE SA's messages to port 4500.
fn floated<'m>(model: &'m Model, sa: &'m IkeSa) -> impl Iterator<Item = &'m Message> {
    sa.exchanges
        .iter()
        .flat_map(|id| &model.exchanges[*id].flights)
        .filter_map(|flight| first(model, flight))
        .filter(|message| message.path.encap().is_udp() && message.path.to().port == Some(4500))
}

/// Where all packets of a flow come from, if they come from one port and go to port 4500.
fn only_sender(flow: &EspFlow) -> Option<Endpoint> {
    match flow.paths.as_slice() {
        [path] if path.to.port == Some(4500) => Some(path.from),
        _ => None,
    }
}

fn finding(tunnel: TunnelId, flow: &EspFlow, ike: &Message, esp: Endpoint) -> Finding {
    let confidence = match flow.child_sa {
        Link::Proven(_) => Confidence::Certain,
        Link::Inferred(_) | Link::None => Confidence::Possible,
    };
    let address = esp.address;
    Finding::new(
        &RULE,
        confidence,
        tunnel,
        flow.seen.first,
        say!("ESP from {from}", from = esp),
    )
    .also((ike.frame, ike.time), say!("IKE from {from}", from = ike.path.from()))
    .title(say!("IKE and ESP of {address} come from different ports", address))
    .says(say!(
        "IKE comes from {ike} and ESP on {spi} from {esp}, both to {to}, at the same time.",
        ike = ike.path.from(),
        spi = flow.key.spi,
        esp,
        to = ike.path.to()
    ))
    .or("Another client behind the same NAT uses that SA.")
    .advise(say!(
        "Look at the NAT in front of {address} for IPsec passthrough, an ALG or several links, and switch that off.",
        address
    ))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:1024 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:4500 > A:1024 IKE_AUTH i=1 r=2 id=1 response sealed 240
        9 A:1024 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
        9.1 B:4500 > A:1024 INFORMATIONAL i=1 r=2 id=2 response sealed 80";

    #[test]
    fn esp_from_another_port_than_ike() {
        fires(
            &format!(
                "{UP}
                 0.5 A:1077 > B:4500 ESP 0xb1 seq 1..40 every 0.3 size 136
                 0.6 B:4500 > A:1024 ESP 0xa1 seq 1..40 every 0.3 size 136"
            ),
            "nat-ports-differ",
        );
    }

    #[test]
    fn one_port_for_both() {
        silent(
            &format!(
                "{UP}
                 0.5 A:1024 > B:4500 ESP 0xb1 seq 1..40 every 0.3 size 136
                 0.6 B:4500 > A:1024 ESP 0xa1 seq 1..40 every 0.3 size 136"
            ),
            "nat-ports-differ",
        );
    }

    #[test]
    fn another_client_behind_the_same_nat() {
        silent(
            &format!(
                "{UP}
                 0.5 A:1024 > B:4500 ESP 0xb1 seq 1..40 every 0.3 size 136
                 0.6 B:4500 > A:1024 ESP 0xa1 seq 1..40 every 0.3 size 136
                 4 A:1077 > B:4500 ESP 0xb7 seq 900..940 every 0.3 size 136
                 4.1 B:4500 > A:1077 ESP 0xa7 seq 900..940 every 0.3 size 136"
            ),
            "nat-ports-differ",
        );
    }

    #[test]
    fn a_port_that_follows_the_other_is_a_new_mapping() {
        silent(
            &format!(
                "{UP}
                 0.5 A:1024 > B:4500 ESP 0xb1 seq 1..40 every 0.3 size 136
                 60 A:1077 > B:4500 ESP 0xb1 seq 41..80 every 0.3 size 136
                 61 A:1077 > B:4500 INFORMATIONAL i=1 r=2 id=3 request sealed 80"
            ),
            "nat-ports-differ",
        );
    }

    #[test]
    fn esp_of_the_port_of_ike_at_another_tap_makes_it_no_other_clients() {
        // At the second tap, behind the NAT, both come from one port.
        let other = UP
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| format!("{line} tap=1\n"))
            .collect::<String>();
        fires(
            &format!(
                "{UP}
                 0.5 A:1077 > B:4500 ESP 0xb1 seq 1..40 every 0.3 size 136
                 0.6 B:4500 > A:1024 ESP 0xa1 seq 1..40 every 0.3 size 136
                 {other}
                 0.5 A:1024 > B:4500 ESP 0xb1 seq 1..40 every 0.3 size 136 tap=1
                 0.6 B:4500 > A:1024 ESP 0xa1 seq 1..40 every 0.3 size 136 tap=1"
            ),
            "nat-ports-differ",
        );
    }
}
