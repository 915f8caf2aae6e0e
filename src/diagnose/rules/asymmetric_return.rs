//! A conversation goes out by one tunnel and comes back by another.

use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{
    ChildSaId, FlowId, InnerFlow, InnerWay, Link, Model, Selector, Tunnel, selector,
};
use crate::say;
use crate::units::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "asymmetric-return",
    code: "ESP418",
    severity: Severity::Warning,
    summary: "Answers come back by another tunnel than the requests took",
    document: DOCUMENT,
    explains: &["health-check-unanswered", "inner-no-reply"],
    needs: Signs::INSIDE,
    check,
};

const DOCUMENT: &str = "\
## What it means
Packets of one conversation leave by one tunnel, or one child SA, and their answers come back by another. Filters that keep state and reverse path checks drop such answers, and each tunnel by itself looks half dead.

## How it is seen
With the keys of ESP, or without encryption, and a capture of both tunnels: the same inner addresses, ports or echo identifiers in one SA one way, and in another SA the other way, again and again. Two SAs with the same selectors between the same gateways are no fault: each side may send in either (RFC 7296 section 2.8).

## What else looks like it
A rekey or a switch to a backup tunnel, for a moment. Load sharing where both directions use both tunnels. Some cloud gateways answer by either of two tunnels by design: connections that work all the same are told for information only. So is one tunnel of which no IKE is seen and that has ESP one way alone: it may be the other half of the first, of a gateway that sends from another address. Without keys see esp-one-way: two tunnels with as many packets, at the same times, each one way alone.

## What to do
1. Make routes symmetric: the same preference of the tunnels on both sides.
2. Where selectors overlap, make them exact on both sides, so that one child SA alone fits.
3. Where both tunnels shall be used at once, let filters accept the state of either.
";

/// Packets of each way that make a habit.
const HABIT: u64 = 5;

/// It must go on for so long.
const LASTING: Span = Span::from_secs(3);

/// The other tunnel is looked for among so many: each of a crowd may ask for it.
const AMONG: usize = 4096;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(inside) = case.inside() else {
        return Vec::new();
    };
    let mine: &[FlowId] = &case.tunnel.flows;
    let crossed: Vec<(&InnerFlow, bool)> = inside
        .talks()
        .filter_map(|talk| Some((talk, crosses(case.model, mine, talk)?)))
        .collect();
    // One that hangs before those that work.
    let hangs = crossed.iter().find(|(talk, _)| !works(talk));
    let Some((talk, tunnels)) = hangs.or(crossed.first()).copied() else {
        return Vec::new();
    };
    let [first, second] = &talk.ways;
    let (Some(out), Some(back)) = (first.carriers.first(), second.carriers.first()) else {
        return Vec::new();
    };
    let [one, other] = talk.ends;
    let [there, here] = [out, back].map(|carrier| case.model.flows[carrier.flow].key);
    let (from, to) = (one.address, other.address);
    let (title, mut says, advice) = match tunnels {
        true => (
            say!(
                "Packets from {from} to {to} return by another tunnel",
                from,
                to
            ),
            say!(
                "{one} and {other}: packets leave in SA {spi} to {gateway} and come back in SA {other_spi} to \
                 {other_gateway}, of another tunnel.",
                one,
                other,
                spi = there.spi,
                gateway = there.to,
                other_spi = here.spi,
                other_gateway = here.to
            ),
            "Give the tunnels the same preference on both sides, by routes, weights or BGP.",
        ),
        false => (
            say!(
                "Packets from {from} to {to} return by another child SA",
                from,
                to
            ),
            say!(
                "{one} and {other}: packets leave in SA {spi} and come back in SA {other_spi}, of a child SA with \
                 other selectors.",
                one,
                other,
                spi = there.spi,
                other_spi = here.spi
            ),
            "Make the selectors exact on both sides, so that one child SA alone fits each pair of networks.",
        ),
    };
    let works = hangs.is_none();
    if works {
        says.add("The connection works all the same.");
    }
    let more = crossed.len() as u64 - 1;
    if more > 0 {
        says.add(say!(
            "The same happens to {conversations}.",
            conversations = count(more, "further conversation")
        ));
    }
    // One of which no IKE is seen, and ESP one way alone, may be the other half of the other.
    let mut rows = case.model.tunnels.iter().take(AMONG);
    let of_back = tunnels
        .then(|| rows.find(|row| row.flows.binary_search(&back.flow).is_ok()))
        .flatten();
    let alike =
        of_back.and_then(|of_back| one_gateway(case, (case.tunnel, there.to), (of_back, here.to)));
    let finding = Finding::new(
        &RULE,
        Confidence::Certain.lower_if(alike.is_some() || tunnels && of_back.is_none()),
        case.id,
        out.seen.first,
        say!(
            "{from} to {to} in SA {spi}",
            from = one,
            to = other,
            spi = there.spi
        ),
    )
    .also(
        back.seen.first,
        say!(
            "{from} to {to} in SA {spi}",
            from = other,
            to = one,
            spi = here.spi
        ),
    )
    .also(back.seen.last, "still so")
    // What may be one tunnel need not return by another.
    .severity(match works || alike.is_some() {
        true => Severity::Info,
        false => RULE.severity,
    })
    .title(title)
    .says(says)
    .or("This is meant so, and every filter on the way agrees.")
    .advise(advice)
    .advise("Look for filters with state and for reverse path checks, which drop such answers.");
    vec![match alike {
        Some((sender, gateway)) => finding.or(say!(
            "{sender} and {gateway} are one gateway, whose ESP leaves from another address than it receives at.",
            sender,
            gateway
        )),
        None => finding,
    }]
}

/// Whether what goes to an end is answered, and all of it by another tunnel.
pub(super) fn answers_elsewhere(case: &Case<'_>, end: usize) -> bool {
    let Some(inside) = case.inside() else {
        return false;
    };
    let mine: &[FlowId] = &case.tunnel.flows;
    let ways = inside.talks().flat_map(|talk| {
        let [first, second] = &talk.ways;
        [(first, second), (second, first)]
    });
    let mut sent = ways
        .filter(|(out, _)| is_by(mine, out) && inside.end_towards(out) == Some(end))
        .peekable();
    sent.peek().is_some() && sent.all(|(_, back)| back.packets > 0 && is_by_none(mine, back))
}

/// The tunnel in which the other half of a conversation may go.
pub(super) struct Half {
    /// Its other end: who may answer, or who may have been asked.
    pub other: IpAddr,
    /// Whether it holds the answers, or what is answered.
    pub answers: bool,
    /// Whether IKE of it was seen: then it is a tunnel of its own, and else it may be another address of the silent end.
    pub ike: bool,
}

/// Without keys: the tunnel in which as many packets come to who asks an end as are sent to that end, at the same times,
/// and none goes back. They may be the answers. Or the other way round, where both tunnels have IKE of their own: as many
/// packets of that end leave by another tunnel, and what is sent to it here may answer them.
pub(super) fn other_half(case: &Case<'_>, directions: &Directions<'_>, end: usize) -> Option<Half> {
    /// Fewer packets may be alike by chance.
    const PLENTY: u64 = 10;
    /// One way there and back, and what either side sends beyond an answer.
    const NEAR: Span = Span::from_secs(1);
    /// The first of the asker's tunnels, of which each has no more flows: there may be a hundred thousand.
    const FIRST: usize = 64;
    let (first, last) = (directions.first(end)?.1, directions.last(end)?.1);
    let sent = directions.packets(end);
    if sent < PLENTY || last.since(first) < LASTING {
        return None;
    }
    let near = |one: Timestamp, other: Timestamp| one.since(other).0.abs() <= NEAR.0;
    let half = |hub: IpAddr, answers: bool| {
        let others = case.model.tunnels_of(hub).iter().take(FIRST);
        let mut others = others.filter(|id| **id != case.id);
        others.find_map(|id| {
            let other = &case.model.tunnels[*id];
            let ike = !other.ike_sas.is_empty();
            if other.flows.len() > FIRST || !answers && !ike {
                return None;
            }
            let flows = || other.flows.iter().map(|id| &case.model.flows[*id]);
            let here = || flows().filter(|flow| flow.key.vantage == directions.vantage);
            let begun = here().map(|flow| flow.seen.first.1).min()?;
            let ended = here().map(|flow| flow.seen.last.1).max()?;
            let seen: u64 = here().map(esp::once).sum();
            // The answer comes after the request.
            let in_turn = match answers {
                true => begun >= first,
                false => first >= begun,
            };
            let fits = flows().all(|flow| (flow.key.to == hub) == answers)
                && in_turn
                && near(begun, first)
                && near(ended, last)
                && sent.abs_diff(seen) <= 1;
            let mut ends = other.ends.iter().copied();
            let other = ends.find(|end| *end != hub).filter(|_| fits)?;
            Some(Half {
                other,
                answers,
                ike,
            })
        })
    };
    let asker = *case.tunnel.ends.get(1 - end)?;
    let silent = *case.tunnel.ends.get(end)?;
    let own_ike = !case.tunnel.ike_sas.is_empty();
    half(asker, true).or_else(|| own_ike.then(|| half(silent, false)).flatten())
}

/// The two addresses that one gateway may have, if these tunnels have the other gateway in common and one of them is
/// known by ESP alone, to this address.
fn one_gateway(
    case: &Case<'_>,
    out: (&Tunnel, IpAddr),
    back: (&Tunnel, IpAddr),
) -> Option<(IpAddr, IpAddr)> {
    let is_half = |(row, to): (&Tunnel, IpAddr)| {
        let mut flows = row.flows.iter().map(|flow| &case.model.flows[*flow]);
        row.ike_sas.is_empty() && flows.all(|flow| flow.key.to == to)
    };
    let (ends, others) = (&out.0.ends, &back.0.ends);
    let apart =
        |ends: &[IpAddr], others: &[IpAddr]| ends.iter().find(|end| !others.contains(end)).copied();
    let in_common = ends.iter().any(|end| others.contains(end));
    (in_common && (is_half(out) || is_half(back)))
        .then(|| apart(others, ends).zip(apart(ends, others)))
        .flatten()
}

/// Whether a conversation works, so that the answers arrive: TCP whose end that asked goes on, and data
/// of it is acknowledged.
fn works(talk: &InnerFlow) -> bool {
    let mut ways = talk.ways.iter().filter_map(|way| way.tcp.as_ref());
    ways.any(|tcp| tcp.established && tcp.acked.largest() > 0)
}

/// Whether a conversation goes one way by one tunnel or child SA alone, and the other way by another
/// alone: `true` for another tunnel.
///
/// It is told in the tunnel by which it leaves.
fn crosses(model: &Model, mine: &[FlowId], talk: &InnerFlow) -> Option<bool> {
    let [first, second] = &talk.ways;
    let habit = |way: &InnerWay| {
        let long = way
            .seen
            .is_some_and(|seen| seen.last.1.since(seen.first.1) >= LASTING);
        way.packets >= HABIT && long
    };
    if !habit(first) || !habit(second) {
        return None;
    }
    if is_by(mine, first) && is_by_none(mine, second) {
        return Some(true);
    }
    if !is_by(mine, first) || !is_by(mine, second) {
        return None;
    }
    let [out, back] = [children(model, first)?, children(model, second)?];
    let apart = out.is_disjoint(&back)
        && out
            .iter()
            .all(|one| back.iter().all(|other| differ(model, *one, *other)));
    apart.then_some(false)
}

/// Whether a way leads by these flows alone.
fn is_by(flows: &[FlowId], way: &InnerWay) -> bool {
    let mut carriers = way.carriers.iter().map(|carrier| carrier.flow);
    carriers.all(|flow| flows.binary_search(&flow).is_ok())
}

/// Whether it leads by none of them.
fn is_by_none(flows: &[FlowId], way: &InnerWay) -> bool {
    let mut carriers = way.carriers.iter().map(|carrier| carrier.flow);
    carriers.all(|flow| flows.binary_search(&flow).is_err())
}

/// The child SAs that carry a way; `None` if one is not known for sure.
fn children(model: &Model, way: &InnerWay) -> Option<BTreeSet<ChildSaId>> {
    let links = way.carriers.iter();
    links
        .map(|carrier| match model.flows[carrier.flow].child_sa {
            Link::Proven(child) => Some(child),
            _ => None,
        })
        .collect()
}

/// Whether two child SAs are known to be for different traffic, so that neither can be the rekeyed
/// other.
fn differ(model: &Model, one: ChildSaId, other: ChildSaId) -> bool {
    let granted = |id: ChildSaId| model.child_sas[id].terms.as_ref()?.granted.as_ref();
    let (Some([a, b]), Some([c, d])) = (granted(one), granted(other)) else {
        return false;
    };
    let same = |a: &[Selector], b: &[Selector]| selector::same(a, b);
    // Either side may have asked for it.
    !(same(a, c) && same(b, d) || same(a, d) && same(b, c))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, fires, is_healthy, silent, verdict};

    #[test]
    fn answers_that_come_back_by_another_tunnel() {
        verdict(
            "1 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             1.1 D > C ESP 0xd1 seq 1..9 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
             1.2 B > A ESP 0xa1 seq 1..9 every 1 inner(10.2.0.9 > 10.1.0.9 UDP 1 > 2)",
            "asymmetric-return",
        );
    }

    #[test]
    fn esp_from_another_address_is_of_the_tunnel_that_names_its_spi() {
        let text = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)";
        let esp = "
            1 A > B ESP 0xb1 seq 1..20 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
            1.1 C > A ESP 0xa1 seq 1..20 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)";
        let found = findings(&format!("{text}{esp}"));
        assert!(is_healthy(&found), "{found:#?}");
        // Without IKE that names it, it may be another tunnel; nothing is silent for that.
        let asked = "
            30 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
            30.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80";
        let late = format!("{esp}{asked}");
        silent(&late, "esp-one-way");
        let finding = fires(&late, "asymmetric-return");
        assert_eq!(finding.severity, Severity::Info);
        assert!(
            finding
                .alternatives
                .iter()
                .any(|one| one.to_string().contains("are one gateway")),
            "{finding:#?}"
        );
    }

    #[test]
    fn load_that_both_directions_share_is_fine() {
        silent(
            "1 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             1.1 B > A ESP 0xa1 seq 1..9 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
             20 C > D ESP 0xc1 seq 1..9 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/10)
             20.1 D > C ESP 0xd1 seq 1..9 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/10)",
            "asymmetric-return",
        );
    }

    #[test]
    fn a_pair_of_sas_for_the_same_traffic_is_no_fault() {
        let child = |id: u8, time: u8, spi: &str, ts: &str| {
            format!(
                "{time}.2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 208 opened SA(ESP 0xa{spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/24) TSr({ts})
                 {time}.3 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 208 opened SA(ESP 0xb{spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/24) TSr({ts})\n"
            )
        };
        let two = |ts: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {}{}
                 5 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 5.1 B > A ESP 0xa2 seq 1..9 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)",
                child(2, 1, "1", "10.2.0.0/24"),
                child(3, 2, "2", ts)
            )
        };
        silent(&two("10.2.0.0/24"), "asymmetric-return");
        crate::diagnose::testing::fires(&two("10.2.0.0/16"), "asymmetric-return");
    }

    #[test]
    fn a_connection_that_works_all_the_same_is_information() {
        let finding = crate::diagnose::testing::fires(
            "1 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 99)
             1.1 D > C ESP 0xd1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 5 ack 100)
             1.2 A > B ESP 0xb1 seq 2..9 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 PSH,ACK seq 100 ack 6 data 500)
             1.3 D > C ESP 0xd1 seq 2..9 every 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 6 ack 600)
             1.4 B > A ESP 0xa1 seq 1..9 every 1 inner(10.2.0.9 > 10.1.0.9 UDP 1 > 2)",
            "asymmetric-return",
        );
        assert_eq!(finding.severity, crate::diagnose::Severity::Info);
    }
}
