//! Inner packets travel in clear on the outside link.

use crate::diagnose::facts::life::{self, Closing};
use crate::diagnose::facts::{clear, end_of, esp, is_private, is_selected, is_shared};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{
    AuthOutcome, ChildOutcome, ClearFlow, Exchange, FlowId, IkeSaId, IkeState, Model, Selector,
};
use crate::net::Path;
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Vantage};
use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "clear-text-leak",
    code: "ESP410",
    severity: Severity::Error,
    summary: "Inner packets travel in clear on the outside link",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::CLEAR,
    check,
};

const DOCUMENT: &str = "\
## What it means
Packets between two private networks pass on the link between the gateways without protection. The tunnel's selectors do not cover them, or there is no tunnel at the moment and nothing holds them back.

## How it is seen
On the same link as IKE and ESP, requests (TCP SYN, ICMP echo) between two private addresses, or with the keys of IKE any packets between addresses that the selectors name, or with those of ESP answers to what is asked inside the tunnel in vain, pass in clear and get no answer in clear, after the tunnel was first negotiated. Where ESP of one direction had just stopped and none of it comes meanwhile, packets that ask for nothing count too, as those of connections that stood before; that is told for information. What begins within seconds of the delete of the IKE SA, while no other is up, cannot have come out of ESP. Where selectors that were read take the packets, and no ESP goes that way meanwhile, the gateway lets them out past its SA. Where a router answers by ICMP that it has no way for them, they are no copies. Packets of one local network, and of the gateways themselves, do not count.

## What else looks like it
Linux shows decrypted inbound packets on the outside interface: they come together with ESP of one direction, at least as many packets of it, over all SAs that follow one another. A capture filter may leave out ESP and keep such copies: where no ESP is seen at all although a child SA may be up that takes these packets, they are told for information only. A capture on all interfaces shows the inside too; there answers are in clear as well. Both are left out, and so are, with the keys of IKE, addresses that no selectors name. On a link that tunnels of several parties share it is told for information only.

## What to do
1. Compare the addresses with the traffic selectors of both sides: they may have been narrowed.
2. Install a rule that drops such packets when no SA is there (trap policy, blackhole route).
3. Where the selectors take them and a child SA is there, look at routes, NAT rules and policies of the gateway that lets them out.
";

/// Fewer packets than these may be the one that started the tunnel.
const FEW: u64 = 2;

/// What comes of answers that go past the tunnel.
const PAST: &[&str] = &[
    "inner-no-reply",
    "inner-port-unanswered",
    "health-check-unanswered",
];

fn check(case: &Case<'_>) -> Vec<Finding> {
    let leaks: Vec<&ClearFlow> = leaks(case).collect();
    let Some(first) = leaks.first() else {
        return Vec::new();
    };
    let packets: u64 = leaks.iter().map(|clear| clear.packets).sum();
    let blind = leaks.iter().all(|clear| {
        may_lack_esp(case, clear) && is_covered(case, clear) && !is_cut_off(case, clear)
    });
    let transit = is_transit(case, first.vantage);
    let answers = leaks
        .iter()
        .find(|clear| answers_inside(case, clear).is_some());
    let asks = |clear: &&ClearFlow| clear.requests >= FEW || is_served(case, clear);
    let wants = answers.is_some() || leaks.iter().any(asks);
    let certain = wants && !has_private_ends(case) && !blind && !transit;
    let closed = after_delete(case, &leaks);
    let served = leaks
        .iter()
        .all(|clear| is_served(case, clear) && !is_cut_off(case, clear));
    let (from, to) = (first.from, first.to);
    let silent = served && [0, 1].into_iter().any(|end| goes_past(case, first, end));
    let mut finding = Finding::new(
        &RULE,
        if certain { Confidence::Likely } else { Confidence::Possible },
        case.id,
        first.seen.first,
        say!("{from} > {to} in clear", from, to),
    )
    .severity(if certain { RULE.severity } else { Severity::Info })
    .title(say!("Packets from {from} to {to} leave in clear", from, to))
    .says(say!(
        "{packets} between private addresses ({pairs} of addresses, such as {from} > {to}) passed this link in clear, \
         beside the tunnel, and were not answered in clear.",
        packets = count(packets, "packet"),
        pairs = count(leaks.len() as u64, "pair"),
        from,
        to
    )
    .then(silent.then_some("No ESP goes that way meanwhile."))
    .then(answers.map(|clear| {
        say!(
            "Inside the tunnel {asker} asks {host}, and nothing of {host} answers there: the answers go past the tunnel.",
            asker = clear.to,
            host = clear.from
        )
    }))
    .then(closed.map(|closing| {
        say!(
            "They began {span} after {end} had deleted the IKE SA, and no other was up while they came.",
            span = first.seen.first.1.since(closing.at.1),
            end = closing.from
        )
    })))
    .or(match transit {
        true => "This link carries tunnels of several parties, and the packets have nothing to do with this one.",
        false => "The tap also sees the inside of a gateway.",
    });
    if answers.is_some() {
        finding = finding.explaining(PAST);
    }
    if let Some(closing) = closed {
        finding = finding.beside(
            closing.at,
            say!("{gateway} deletes the IKE SA", gateway = closing.from),
        );
    }
    if let Some(refused) = clear::turned_back(&leaks) {
        finding = clear::tell_turned_back(finding, refused);
    } else if closed.is_none() {
        finding = finding.or(match blind {
            true => "The capture filter leaves out ESP, and these are inbound packets that Linux shows again, decrypted.",
            false => "They are inbound packets that Linux shows again, decrypted, and their ESP was not recorded.",
        });
    }
    // What is in the selectors lacks an SA, not a selector.
    if !served && closed.is_none() {
        finding = finding.advise(
            "Compare these addresses with the traffic selectors of both sides; they may have been narrowed.",
        );
    }
    // What the selectors take while an IKE SA stands has an SA, and goes past it.
    if silent && closed.is_none() {
        finding = finding.advise(
            "Look at the routes, NAT rules and IPsec policies of the gateway that lets them out: the selectors take them.",
        );
    }
    finding =
        finding.advise("Drop such packets when no SA takes them (trap policy, blackhole route).");
    for clear in &leaks {
        finding = finding.also(
            clear.seen.last,
            say!("{from} > {to} in clear", from = clear.from, to = clear.to),
        );
    }
    vec![finding]
}

/// Packets in clear that should have been in the tunnel.
pub(super) fn leaks<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m ClearFlow> {
    clear::flows(case).filter(move |clear| is_leak(case, clear))
}

/// Whether these packets should have been in the tunnel: neither of their addresses is its own, so
/// it has them as the first of their vantage.
pub(super) fn is_leak(case: &Case<'_>, clear: &ClearFlow) -> bool {
    let outer = [clear.from, clear.to];
    if !outer.into_iter().all(is_private)
        || outer
            .into_iter()
            .any(|address| end_of(case.tunnel, address).is_some())
        || case
            .tunnel
            .ends
            .iter()
            .chain([&clear.to])
            .any(|end| same_network(clear.from, *end))
        || case
            .tunnel
            .ends
            .iter()
            .any(|end| same_network(clear.to, *end))
    {
        return false;
    }
    let known = outer.map(|address| is_selected(case, address));
    let answers = LazyCell::new(|| answers_inside(case, clear));
    // What the selectors name belongs inside whatever it asks for. Where they are known, packets of which
    // neither end is in them are of somebody else.
    let asks = match known {
        [Some(true), Some(true)] => clear.packets,
        _ if !known.contains(&Some(false)) && follows_esp(case, clear) => clear.packets,
        _ if answers.is_some() => clear.packets,
        _ => clear.requests,
    };
    if asks < FEW || known == [Some(false); 2] {
        return false;
    }
    // What a router turns back did leave.
    let left = || clear.refused.as_deref().is_some_and(clear::is_turned_back);
    let is_copy = || {
        let copied = is_decrypted_copy(case, clear) && !is_cut_off(case, clear) && !left();
        let told = || answers.is_some_and(|(_, sight)| sight == Sight::Clear);
        copied && !told()
    };
    after_beginning(case, clear) && !answered_in_clear(case.model, clear) && !is_copy()
}

/// Whether an answer inside the tunnel would have been seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sight {
    /// All ESP was opened that may hold it.
    Clear,
    /// Some was not.
    Dim,
}

/// Whether these packets go where something inside the tunnel is asked for in vain, from who is asked, by the same
/// protocol: they are the answers. Gives the end that lets them out, too.
fn answers_inside(case: &Case<'_>, clear: &ClearFlow) -> Option<(usize, Sight)> {
    if clear.packets <= clear.requests {
        return None;
    }
    let inside = case.inside()?;
    let asking = inside.in_vain(clear.vantage, (clear.to, clear.from), clear.protocol)?;
    let silent = asking.unanswered(case.model)?;
    let during = (silent.first.1, silent.last.1);
    let sight = match inside.would_see(clear.vantage, asking.end, silent.requests, during) {
        true => Sight::Clear,
        false => Sight::Dim,
    };
    Some((asking.end, sight))
}

/// Whether the selectors are known to hold both addresses.
fn is_served(case: &Case<'_>, clear: &ClearFlow) -> bool {
    [clear.from, clear.to].map(|address| is_selected(case, address)) == [Some(true); 2]
}

/// Whether ESP of one direction had stopped just before the first of them, and none of it came until the last:
/// what went in it may go on beside it. Connections that stand ask for nothing any more.
fn follows_esp(case: &Case<'_>, clear: &ClearFlow) -> bool {
    const JUST: Span = Span::from_secs(10);
    if has_private_ends(case) || is_transit(case, clear.vantage) {
        return false;
    }
    let (first, last) = (clear.seen.first.1, clear.seen.last.1);
    let from = first.later(Span(-JUST.0));
    let Some(here) = case.directions_at(clear.vantage) else {
        return false;
    };
    [0, 1].into_iter().any(|end| {
        let mut just = here.alive(end, from, first).peekable();
        just.peek().is_some() && here.alive(end, first, last).next().is_none()
    })
}

/// The delete of an IKE SA just before packets in clear, if none was up while they came: there was nothing that
/// they could have come out of.
fn after_delete(case: &Case<'_>, leaks: &[&ClearFlow]) -> Option<Closing> {
    /// Traffic asks again within so long.
    const SOON: Span = Span::from_secs(5);
    let first = leaks.iter().map(|clear| clear.seen.first.1).min()?;
    let last = leaks.iter().map(|clear| clear.seen.last.1).max()?;
    let mut latest: Option<Closing> = None;
    for id in &case.tunnel.ike_sas {
        let sa = &case.model.ike_sas[*id];
        // The child SAs of IKEv1 outlive the ISAKMP SA.
        if sa.version.major() != 2 {
            return None;
        }
        let closing = (sa.state == IkeState::Deleted)
            .then(|| life::closing(case.model, *id))
            .flatten();
        let up = life::birth(case.model, *id).map_or(sa.seen.first, |birth| birth.up);
        match closing.filter(|closing| closing.at.1 <= first) {
            Some(closing) if latest.is_none_or(|latest| latest.at.1 < closing.at.1) => {
                latest = Some(closing);
            }
            Some(_) => {}
            None if sa.state.was_up() && up.1 <= last => return None,
            None => {}
        }
    }
    latest.filter(|closing| first.since(closing.at.1) <= SOON)
}

/// Whether packets between these addresses were asked for and not granted: no ESP holds them.
fn is_cut_off(case: &Case<'_>, clear: &ClearFlow) -> bool {
    let mut narrowed = case.narrowings().iter();
    narrowed.any(|one| !one.served && one.cuts_off(clear.from, clear.to))
}

/// Whether packets that no SA takes leave the tunnel's gateway: they ask for answers, none comes in clear, and
/// the link is not one of private addresses, which may lie inside.
pub(super) fn leaves(case: &Case<'_>, clear: &ClearFlow) -> bool {
    clear.requests >= FEW && !answered_in_clear(case.model, clear) && !has_private_ends(case)
}

/// Whether they go on after the tunnel was first spoken of: what came before may have started it.
fn after_beginning(case: &Case<'_>, clear: &ClearFlow) -> bool {
    let ike = case
        .tunnel
        .ike_sas
        .iter()
        .map(|id| case.model.ike_sas[*id].seen.first.1);
    let esp = case
        .tunnel
        .flows
        .iter()
        .map(|id| case.model.flows[*id].seen.first.1);
    ike.chain(esp)
        .min()
        .is_some_and(|first| clear.seen.last.1 > first)
}

/// Whether the other direction is in clear too: then the tap sees a network where that is normal.
fn answered_in_clear(model: &Model, clear: &ClearFlow) -> bool {
    model.clear.iter().any(|other| {
        other.packets > 0
            && other.vantage == clear.vantage
            && other.protocol == clear.protocol
            && other.from == clear.to
            && other.to == clear.from
    })
}

/// Whether ESP of one direction may accompany every one of them: Linux shows inbound packets again
/// after decryption. One SA follows another meanwhile, so all that go to one receiver count together.
fn is_decrypted_copy(case: &Case<'_>, clear: &ClearFlow) -> bool {
    /// A copy follows its packet within this time.
    const AT_ONCE: Span = Span::from_millis(200);
    let (first, last) = (clear.seen.first.1, clear.seen.last.1);
    let from = first.later(Span(-AT_ONCE.0));
    let mut receivers: BTreeMap<IpAddr, (u64, bool)> = BTreeMap::new();
    for flow in case.model.flows.iter() {
        let seen = flow.seen;
        let receiver = case.tunnel.destination(flow);
        // What was in ESP comes out where the selectors have the address that it goes to.
        if receiver.is_some_and(|receiver| comes_out_elsewhere(case, clear, receiver)) {
            continue;
        }
        let meets =
            flow.key.vantage == clear.vantage && seen.first.1 <= last && seen.last.1 >= from;
        // Of packets in clear that all but the first lie in a silence of its, none is a copy.
        let mut silences = flow.silences.iter();
        if meets && !silences.any(|silence| silence.before.1 <= first && silence.after.1 >= last) {
            let (packets, began) = receivers.entry(flow.key.to).or_default();
            // Packets in clear are counted with copies, too.
            *packets = packets.saturating_add(esp::frames_about(flow, from, last));
            *began |= seen.first.1 <= first;
        }
    }
    receivers
        .into_values()
        .any(|(packets, began)| began && packets >= clear.packets)
}

/// Whether packets that an end should send in the tunnel pass in clear while none of its ESP does.
fn goes_past(case: &Case<'_>, clear: &ClearFlow, end: usize) -> bool {
    let (first, last) = (clear.seen.first.1, clear.seen.last.1);
    let here = case.directions_at(clear.vantage);
    comes_out_elsewhere(case, clear, end)
        && here.is_some_and(|here| here.alive(1 - end, first, last).next().is_none())
}

/// Whether what an end should send in the tunnel leaves in clear, as selectors that were read tell, or what is asked
/// inside.
pub(super) fn leave_from(case: &Case<'_>, end: usize) -> bool {
    leaks(case).any(|clear| {
        let answers = || answers_inside(case, clear).is_some_and(|(from, _)| from == end);
        is_served(case, clear) && comes_out_elsewhere(case, clear, end) || answers()
    })
}

/// Whether selectors take these packets, and none of them towards this end.
fn comes_out_elsewhere(case: &Case<'_>, clear: &ClearFlow, receiver: usize) -> bool {
    let has = |side: &[Selector], address: IpAddr| side.iter().any(|one| one.has(address));
    let towards = |end: usize| {
        case.lives().iter().any(|life| {
            let sides = life.sides.get(1 - end).zip(life.sides.get(end));
            sides.is_some_and(|(from, to)| has(from, clear.from) && has(to, clear.to))
        })
    };
    towards(1 - receiver) && !towards(receiver)
}

/// Whether the selectors may take these packets, as far as they are known: what they do not take was in
/// no ESP.
fn is_covered(case: &Case<'_>, clear: &ClearFlow) -> bool {
    let mut ends = [clear.from, clear.to].into_iter();
    ends.all(|end| is_selected(case, end) != Some(false))
}

/// Whether an IKE SA came up whose ESP is nowhere, and would not be on the port of IKE: then the
/// capture filter may leave ESP out, and what is in clear may be such copies.
fn may_lack_esp(case: &Case<'_>, clear: &ClearFlow) -> bool {
    let none = case
        .tunnel
        .flows
        .iter()
        .all(|id| case.model.flows[*id].key.vantage != clear.vantage);
    let up = case.tunnel.ike_sas.iter().any(|id| {
        let sa = &case.model.ike_sas[*id];
        let floated = |path: &Path| path.to.port != Some(500);
        matches!(sa.state, IkeState::Established | IkeState::AlreadyUp)
            && !sa.paths.iter().any(floated)
            && sa.seen.first.1 <= clear.seen.last.1
            && may_have_child(case.model, *id)
    });
    none && up
}

/// Whether a child SA may have been made under an IKE SA: all that would be seen to have failed may not.
fn may_have_child(model: &Model, id: IkeSaId) -> bool {
    let sa = &model.ike_sas[id];
    let made = |exchange: &Exchange| {
        let makes = [ExchangeType::CREATE_CHILD_SA, ExchangeType::QUICK_MODE];
        makes.contains(&exchange.kind)
            && matches!(
                model.child_outcome(exchange),
                ChildOutcome::Made | ChildOutcome::Unclear
            )
    };
    let mut exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    sa.auth != AuthOutcome::AuthOnly || exchanges.any(made)
}

/// Whether a vantage has a tunnel between two other parties: then it is a link that many share, and
/// what is in clear there need not be of this tunnel.
pub(super) fn is_transit(case: &Case<'_>, vantage: Vantage) -> bool {
    let mut others = case.model.tunnels.iter();
    others.any(|other| {
        let here = |id: &FlowId| case.model.flows[*id].key.vantage == vantage;
        other
            .ends
            .iter()
            .all(|end| end_of(case.tunnel, *end).is_none())
            && other.flows.iter().any(here)
    })
}

/// Whether a gateway itself has a private address: then private addresses on its link are no wonder.
fn has_private_ends(case: &Case<'_>) -> bool {
    let mut ends = case.tunnel.ends.into_iter();
    ends.any(|end| is_private(end) || is_shared(end))
}

/// Whether two addresses may lie in one local network: the same /24, in IPv6 /64.
fn same_network(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.to_bits() >> 8 == b.to_bits() >> 8,
        (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() >> 64 == b.to_bits() >> 64,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    const ESP: &str = "
        0 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
        0.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

    #[test]
    fn requests_in_clear_beside_the_tunnel() {
        verdict(
            &format!("{ESP}\n15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"),
            "clear-text-leak",
        );
    }

    #[test]
    fn the_packet_that_started_the_tunnel() {
        silent(
            "0 10.1.0.5 > 10.2.7.9 CLEAR 1 count 1 requests 1
             1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
             1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136",
            "clear-text-leak",
        );
    }

    #[test]
    fn copies_of_decrypted_packets() {
        silent(
            &format!("{ESP}\n0.2 10.2.7.9 > 10.1.0.5 CLEAR 1 count 19 every 0.5 requests 19"),
            "clear-text-leak",
        );
    }

    #[test]
    fn what_a_router_turns_back_is_no_copy() {
        let text = |error: &str| {
            format!(
                "{ESP}
                 0.2 10.2.7.9 > 10.1.0.5 CLEAR 1 count 19 every 0.5 requests 19
                 0.3 R > 10.2.7.9 ICMP {error} quoting 10.2.7.9 > 10.1.0.5 CLEAR 1"
            )
        };
        verdict(&text("3/13"), "clear-text-leak");
        // What comes out of the tunnel may be about what went in it. A host that nobody listens on is there.
        silent(
            &text("3/13").replace("R >", "10.2.0.1 >"),
            "clear-text-leak",
        );
        silent(&text("3/3"), "clear-text-leak");
    }

    #[test]
    fn what_leaves_while_esp_is_silent_or_over_is_no_copy() {
        // More ESP came before and after than leaves in clear, and none meanwhile.
        let silent = "
            0 A > B ESP 0xb1 seq 1..4 every 0.3 size 136
            3.1 A > B ESP 0xb1 seq 5..20 every 0.5 size 136
            0.1 B > A ESP 0xa1 seq 1..4 every 0.3 size 136
            3.2 B > A ESP 0xa1 seq 5..20 every 0.5 size 136";
        verdict(
            &format!("{silent}\n1.1 10.1.0.5 > 10.2.7.9 CLEAR 1 count 4 every 0.3 requests 4"),
            "clear-text-leak",
        );
        let over = "
            0 A > B ESP 0xb1 seq 1..40 every 0.1 size 136
            0.05 B > A ESP 0xa1 seq 1..40 every 0.1 size 136";
        verdict(
            &format!("{over}\n4.4 10.1.0.5 > 10.2.7.9 CLEAR 1 count 17 every 0.5 requests 17"),
            "clear-text-leak",
        );
    }

    #[test]
    fn what_the_selectors_name_need_not_ask() {
        let text = |from: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
                 15 {from} > 10.2.7.9 CLEAR 17 count 7 every 0.3 requests 0"
            )
        };
        fires(&text("10.1.0.5"), "clear-text-leak");
        silent(&text("10.9.0.5"), "clear-text-leak");
    }

    #[test]
    fn connections_that_stood_when_esp_stopped_ask_for_nothing() {
        let leak = "10.7 10.1.0.5 > 10.2.7.9 CLEAR 6 count 7 every 0.3 requests 0";
        let stopped = fires(&format!("{ESP}\n{leak}"), "clear-text-leak");
        assert_eq!(stopped.severity, Severity::Info);
        // ESP that goes on both ways takes what stands with it.
        let on = ESP.replace("1..20", "1..60");
        silent(&format!("{on}\n{leak}"), "clear-text-leak");
        // After a long silence nothing ties them to the tunnel.
        silent(
            &format!("{ESP}\n{}", leak.replace("10.7", "60")),
            "clear-text-leak",
        );
    }

    #[test]
    fn what_leaves_after_a_delete_is_no_decrypted_copy() {
        let text = |last: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
                 1 A > B ESP 0xb1 seq 1..8 every 0.3 size 136
                 1.1 B > A ESP 0xa1 seq 1..8 every 0.3 size 136
                 4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 {last}
                 4.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 opened
                 4.5 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"
            )
        };
        let copies = |text: &str| {
            let finding = fires(text, "clear-text-leak");
            let mut others = finding.alternatives.iter();
            others.any(|one| one.to_string().contains("shows again, decrypted"))
        };
        assert!(!copies(&text("opened D(IKE)")));
        assert!(copies(&text("opened")));
    }

    #[test]
    fn copies_of_decrypted_packets_over_several_sas() {
        silent(
            "0 A > B ESP 0xb1 seq 1..60 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136
             10.1 B > A ESP 0xa2 seq 1..20 every 0.5 size 136
             20.1 B > A ESP 0xa3 seq 1..20 every 0.5 size 136
             0.2 10.2.7.9 > 10.1.0.5 CLEAR 1 count 58 every 0.5 requests 58",
            "clear-text-leak",
        );
    }

    #[test]
    fn where_the_filter_leaves_out_esp_nothing_is_certain() {
        let up = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240";
        let found = fires(
            &format!("{up}\n5 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"),
            "clear-text-leak",
        );
        assert_eq!(found.severity, Severity::Info);
    }

    #[test]
    fn without_a_child_that_takes_them_there_is_no_esp_to_leave_out() {
        let text = |answer: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) {answer}
                 5 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"
            )
        };
        let severity = |answer: &str| {
            let model = crate::testing::model(&text(answer));
            let found = super::check(&super::Case::of(&model, crate::model::TunnelId(0)));
            found[0].severity
        };
        let granted = |to: &str| {
            format!(
                "SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr({to})"
            )
        };
        assert_eq!(severity(&granted("10.2.0.0/16")), Severity::Info);
        assert_eq!(severity(&granted("10.2.0.0/24")), Severity::Error);
        assert_eq!(severity("N(TS_UNACCEPTABLE)"), Severity::Error);
    }

    #[test]
    fn a_tap_that_sees_the_inside_too() {
        silent(
            &format!(
                "{ESP}
                 15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5
                 15.1 10.2.7.9 > 10.1.0.5 CLEAR 1 count 5 every 1"
            ),
            "clear-text-leak",
        );
    }

    #[test]
    fn neighbours_on_one_network() {
        silent(
            &format!("{ESP}\n15 10.1.0.5 > 10.1.0.9 CLEAR 6 count 5 every 1 requests 5"),
            "clear-text-leak",
        );
    }

    #[test]
    fn a_link_that_several_parties_share() {
        let finding = fires(
            &format!(
                "{ESP}
                 0 C > D ESP 0xd1 seq 1..20 every 0.5 size 136
                 0.1 D > C ESP 0xc1 seq 1..20 every 0.5 size 136
                 15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"
            ),
            "clear-text-leak",
        );
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn packets_that_the_selectors_have_nothing_to_do_with() {
        let text = |from: &str, to: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.0.0/24)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.0.0/24)
                 1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136
                 15 {from} > {to} CLEAR 1 count 5 every 1 requests 5"
            )
        };
        fires(&text("10.1.0.5", "10.2.7.9"), "clear-text-leak");
        let strangers = text("10.50.0.5", "10.60.7.9");
        silent(&strangers, "clear-text-leak");
        // Where the request was not read, more may have been asked for than was granted.
        let unread = strangers.replace(
            "request sealed 256 opened SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.0.0/24)",
            "request sealed 256",
        );
        assert_ne!(unread, strangers);
        fires(&unread, "clear-text-leak");
    }

    #[test]
    fn answers_that_go_the_other_way_than_esp_are_no_copies() {
        let text = |clear: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 1 A > B ESP 0xb1 seq 1..80 every 0.3 size 136
                 1.1 B > A ESP 0xa1 seq 1..4 every 0.3 size 136
                 3.1 {clear} CLEAR 1 count 70 every 0.3 requests 0"
            )
        };
        verdict(&text("10.2.7.9 > 10.1.0.5"), "clear-text-leak");
        // What A sent arrived in ESP.
        silent(&text("10.1.0.5 > 10.2.7.9"), "clear-text-leak");
    }
}
