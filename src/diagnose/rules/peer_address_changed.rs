//! The same device comes from another address, and the old one is still asked.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::life::Birth;
use crate::diagnose::facts::{asked, child, end_of, offer};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count, parted};
use crate::model::{IkeSaId, Model, TunnelId};
use crate::net::Path;
use crate::say;
use crate::units::{Endpoint, Span, Timestamp};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "peer-address-changed",
    code: "IKE317",
    severity: Severity::Warning,
    summary: "The peer's address changed",
    document: DOCUMENT,
    explains: &[
        "dpd-timeout",
        "esp-blocked",
        "esp-one-way",
        "unknown-spi",
        "path-outage",
        "packet-loss",
        "ike-no-response",
        "ike-host-unreachable",
        "ike-port-unreachable",
        "tunnel-flapping",
        "clear-text-leak",
        "mobike-move",
        "nat-mapping-changed",
    ],
    needs: Signs::UNANSWERED.or(Signs::ICMP),
    check,
};

const DOCUMENT: &str = "\
## What it means
A peer got a new address. Its partner still sends to the old one, where nobody answers, until it learns the new one.

## How it is seen
A tunnel was up; its peer falls silent, while ESP and IKE requests still go to it in vain. Then an initiator with the same offer and the same vendor IDs comes from another address, and the old address is never heard again. Where it moves on from there, the changes are counted. Or a NAT gave the peer another port: its ESP comes from there, and what still goes to the old port is answered by ICMP port unreachable.

## What else looks like it
Another device of the same make that starts by chance. A move by MOBIKE keeps the IKE SA, and is no fault.

## What to do
1. Enter the new address at the partner. Where it changes again and again, as dial-up lines do each day, let the partner take the peer from any address and know it by name.
2. Enable MOBIKE (RFC 4555), or give the peer a fixed address.
";

/// So many packets to the old address show that its partner does not know.
const VOID: u64 = 3;

/// Who comes later than this after the silence began comes for a reason of its own.
const LONGEST: Span = Span::from_secs(900);

/// Moves that are followed of one peer.
const MOST: usize = 16;

/// How many tunnels of the partner are looked at: a hub may have thousands.
const LOOKED_AT: usize = 64;

fn check(case: &Case<'_>) -> Vec<Finding> {
    if let Some(finding) = port_forgotten(case) {
        return vec![finding];
    }
    let Some((old, heard, void)) = left(case) else {
        return Vec::new();
    };
    let Some(first) = next(case, old, heard) else {
        return Vec::new();
    };
    let mut moves = vec![first];
    while let Some(last) = moves.last()
        && moves.len() < MOST
        && let Some(after) = next_of(&Case::of(case.model, last.tunnel))
    {
        moves.push(after);
    }
    vec![finding(case, old, heard, void, &moves)]
}

/// A change of the peer's address.
struct Move {
    /// The tunnel of the new address.
    tunnel: TunnelId,
    /// The new address.
    to: IpAddr,
    /// The first message from there.
    at: Cite,
    /// The identity by which the peer names itself at both addresses, where both were opened.
    named: Option<String>,
}

/// The last IKE SA that came up in a tunnel.
fn last_up(case: &Case<'_>) -> Option<Birth> {
    case.births().last().copied()
}

/// The peer that left a tunnel, its last packet, and how many packets went to it in vain: its partner
/// asked it, too, and had no answer.
fn left(case: &Case<'_>) -> Option<(Birth, Cite, u64)> {
    let silent = || case.unsettled().iter().filter(|asked| asked.is_silent());
    silent().next()?;
    let old = last_up(case)?;
    let (heard, void) = silence(case, old.initiator)?;
    let asked_in_vain =
        silent().any(|asked| asked.to().address == old.initiator && asked.first.1 > heard.1);
    asked_in_vain.then_some((old, heard, void))
}

/// The move away from a tunnel that a peer has moved to: it left as before, or names itself elsewhere by
/// the same identity after its last packet.
fn next_of(case: &Case<'_>) -> Option<Move> {
    if let Some((old, heard, _)) = left(case) {
        return next(case, old, heard);
    }
    let old = last_up(case)?;
    let heard = last_of(case, old.initiator)?;
    let after = next(case, old, heard)?;
    after.named.is_some().then_some(after)
}

/// The last packet that an end of a tunnel sent.
fn last_of(case: &Case<'_>, from: IpAddr) -> Option<Cite> {
    let end = end_of(case.tunnel, from)?;
    let esp = case
        .directions()
        .iter()
        .filter_map(|directions| directions.last(1 - end));
    let ike = case
        .messages()
        .filter(|message| message.path.from().address == from)
        .map(|message| (message.frame, message.time));
    esp.chain(ike).max_by_key(|cite| cite.1)
}

/// Where the peer of a tunnel, which was last heard at this time, comes from next.
fn next(case: &Case<'_>, old: Birth, heard: Cite) -> Option<Move> {
    let model = case.model;
    let others = model.tunnels_of(old.responder);
    // The change of address made a tunnel after the silence began, so no more need be looked at.
    let later = others.partition_point(|id| began(model, *id) <= Some(heard.1));
    others
        .iter()
        .skip(later)
        .take(LOOKED_AT)
        .filter(|id| **id != case.id)
        .filter(|id| end_of(&model.tunnels[**id], old.initiator).is_none())
        .find_map(|id| {
            let new = model.tunnels[*id].ike_sas.first()?;
            let asked = asked::all(model, &model.ike_sas[*new]).next()?;
            let fits = asked.to().address == old.responder
                && asked.first.1 > heard.1
                && asked.first.1.since(heard.1) <= LONGEST
                && is_alike(model, old, *new);
            fits.then(|| Move {
                tunnel: *id,
                to: asked.from().address,
                at: asked.first,
                named: name(model, old.ike_sa)
                    .filter(|own| name(model, *new).as_ref() == Some(own)),
            })
        })
}

/// Packets to a port from which the peer once sent are refused, and the peer sends ESP from another one
/// by then.
fn port_forgotten(case: &Case<'_>) -> Option<Finding> {
    let flows = || case.flows();
    icmp::about(case)
        .filter(|seen| icmp::meaning(&seen.error) == Meaning::PortUnreachable && !icmp::is_ike(seen))
        .find_map(|seen| {
            let (partner, old) = (seen.error.quoted.from, seen.error.quoted.to);
            old.port?;
            // A flow that lasts beyond the error, and comes from another port, or from another address of the NAT. It
            // came from the old one itself, or its IKE SA did: of two clients behind one NAT, each has a port of its own.
            let (new, flow) = flows().find_map(|flow| {
                let path = flow.paths.last()?;
                let other = path.from.port.is_some() && path.from != old;
                let same = path.from.address == old.address && ike_moved(case, old, path.from);
                let moved = other && (comes_from(&flow.paths, old) || same);
                (moved && flow.seen.last.1 >= seen.time).then_some((path.from, flow))
            })?;
            Some({
                Finding::new(
                    &RULE,
                    Confidence::Likely,
                    case.id,
                    (seen.frame, seen.time),
                    say!("{error} for {old}", error = icmp::name(&seen.error), old),
                )
                .also(
                    flow.seen.last,
                    match new.address == old.address {
                        true => say!("{peer} sends from another port", peer = old.address),
                        false => say!("the peer sends from {new}", new),
                    },
                )
                .during(seen.time, seen.last)
                .title(say!(
                    "{partner} sends to {old}, and the peer is at {new} by now",
                    partner,
                    old,
                    new
                ))
                .says(say!(
                    "A NAT forgot its mapping and gave the peer another one: ESP comes from {new}. \
                     {partner} still sent to {old}, which {refuser} refused {times} by {error}.",
                    new,
                    partner = partner.address,
                    old,
                    refuser = seen.path.from.address,
                    times = child::times(usize::try_from(seen.count).unwrap_or(usize::MAX)),
                    error = icmp::name(&seen.error)
                ))
                .or("The NAT was restarted.")
                .advise(
                    "Let the side behind the NAT send keepalives more often than the NAT forgets (RFC 3948 \
                     section 4); 20 s is common.",
                )
                .advise(say!(
                    "Let {partner} follow a port that changed, if it is not behind a NAT itself (RFC 7296 section \
                     2.23); where MOBIKE is in use, the peer has to tell its move.",
                    partner = partner.address
                ))
            })
        })
}

/// Whether one of these paths begins there.
fn comes_from(paths: &[Path], end: Endpoint) -> bool {
    paths.iter().any(|path| path.from == end)
}

/// Whether an IKE SA moved from one port to the other.
fn ike_moved(case: &Case<'_>, old: Endpoint, new: Endpoint) -> bool {
    case.tunnel.ike_sas.iter().any(|id| {
        let paths = &case.model.ike_sas[*id].paths;
        comes_from(paths, old) && comes_from(paths, new)
    })
}

/// When the first packet of a tunnel was seen: tunnels stand in order of it.
fn began(model: &Model, tunnel: TunnelId) -> Option<Timestamp> {
    let row = &model.tunnels[tunnel];
    let ike = row.ike_sas.first().map(|id| model.ike_sas[*id].seen.first);
    let esp = row.flows.first().map(|id| model.flows[*id].seen.first);
    let icmp = row.icmp.first().and_then(|row| model.icmp.get(*row));
    let outside = row.outside.first().and_then(|row| model.outside.get(*row));
    let times = [
        ike.map(|cite| cite.1),
        esp.map(|cite| cite.1),
        icmp.map(|seen| seen.time),
        outside.map(|row| row.seen.first.1),
    ];
    times.into_iter().flatten().min()
}

/// The last packet of an address, if its partner sent on in vain.
fn silence(case: &Case<'_>, address: IpAddr) -> Option<(Cite, u64)> {
    let end = end_of(case.tunnel, address)?;
    case.directions()
        .iter()
        .filter_map(|directions| {
            let heard = directions.last(1 - end)?;
            let asked = case.messages().filter(|message| {
                message.vantage == directions.vantage
                    && message.path.to().address == address
                    && message.time > heard.1
            });
            let void = directions.packets_since(end, heard.1) + asked.count() as u64;
            (void >= VOID).then_some((heard, void))
        })
        .next()
}

/// How the initiator of an IKE SA names itself, if that was opened.
fn name(model: &Model, id: IkeSaId) -> Option<String> {
    let [initiator, _] = model.claims(id);
    initiator.identity
}

/// Whether both initiators offer the same and name the same products, and no other name of their own
/// where it was opened.
fn is_alike(model: &Model, old: Birth, new: IkeSaId) -> bool {
    let [one, other] = [old.ike_sa, new].map(|id| name(model, id));
    if one.is_some() && other.is_some() && one != other {
        return false;
    }
    let (old, new) = (&model.ike_sas[old.ike_sa], &model.ike_sas[new]);
    let offers = [old, new].map(|sa| offer::offered(model, sa).map(|(offer, _)| offer));
    matches!(offers, [Some(a), Some(b)] if a == b) && old.vendors.first() == new.vendors.first()
}

/// Whether the partner took the newcomer for a peer at once, and has no other in this capture: of many peers of
/// one make, one that starts after another fell silent may be chance.
fn stands_alone(case: &Case<'_>, old: Birth, heard: Cite, after: &Move) -> bool {
    /// Who lost its address for another one begins anew within this time.
    const AT_ONCE: Span = Span::from_secs(60);
    let accepted = !Case::of(case.model, after.tunnel).births().is_empty();
    let soon = after.at.1.since(heard.1) <= AT_ONCE;
    accepted && soon && case.model.tunnels_of(old.responder).len() == 2
}

fn finding(case: &Case<'_>, old: Birth, heard: Cite, void: u64, moves: &[Move]) -> Finding {
    let at = moves.first().map_or(heard, |first| first.at);
    let new = moves.first().map_or(old.initiator, |first| first.to);
    let addresses = [old.initiator]
        .into_iter()
        .chain(moves.iter().map(|one| one.to));
    // Who bears the same name is the same; one more device of the same make is only as likely as chance.
    let named = moves.first().and_then(|first| first.named.as_ref());
    let confidence = match moves {
        [one] if named.is_none() && !stands_alone(case, old, heard, one) => Confidence::Possible,
        _ => Confidence::Likely,
    };
    let vendors = case.model.ike_sas[old.ike_sa].vendors.first();
    let vendors = vendors.is_some_and(|vendors| !vendors.is_empty());
    let mut finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        at,
        say!("the same offer, from {new}", new),
    )
    .also(heard, say!("last packet of {peer}", peer = old.initiator))
    .title(say!(
        "{peer} now seems to be {new}",
        peer = old.initiator,
        new = moves.last().map_or(new, |last| last.to)
    ))
    .says(
        say!(
            "{peer} fell silent, while {packets} and more still went to it. Then {new} asked {partner} with the \
             same offer.",
            peer = old.initiator,
            packets = count(void, "packet"),
            new,
            partner = old.responder
        )
        .then(named.map(|name| {
            say!("Both name themselves “{name}”.", name = Text::verbatim(name))
        }))
        .then(vendors.then_some("Both name the same products."))
        .then((moves.len() > 1).then(|| {
            say!(
                "Its address changed {times} times: {addresses}.",
                times = moves.len(),
                addresses = parted(", then ", addresses)
            )
        })),
    );
    finding = finding.or(match named {
        Some(_) => "Another device that was given the same name took over.",
        None => "Another device of the same make started by chance.",
    });
    for one in moves.iter().skip(1) {
        finding = finding.also(one.at, say!("the same offer, from {new}", new = one.to));
    }
    let finding = match moves.len() {
        1 => finding.advise(say!(
            "If it is the same device, enter {new} at {partner}, or identify it by name.",
            new,
            partner = old.responder
        )),
        _ => finding.advise(say!(
            "Let {partner} take the peer from any address and know it by name (FQDN).",
            partner = old.responder
        )),
    };
    finding.advise("Enable MOBIKE, or give the peer a fixed address.")
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 B > A ESP 0xa1 seq 1..40 every 0.5";

    #[test]
    fn what_goes_to_the_old_port_of_a_nat_is_refused() {
        let text = |port: u32, old: u32| {
            format!(
                "0 A:1024 > B:4500 ESP 0xb1 seq 1..9 every 0.3
                 0.1 B:4500 > A:1024 ESP 0xa1 seq 1..9 every 0.3
                 20 A:{port} > B:4500 ESP 0xb1 seq 10..19 every 0.3
                 20.1 B:4500 > A:1024 ESP 0xa1 seq 10..19 every 0.3
                 20.2 A > B ICMP 3/3 quoting B:4500 > A:{old} ESP 0xa1 every 0.3 count 9"
            )
        };
        verdict(&text(2048, 1024), "peer-address-changed");
        // Nothing moved; a port that never was the peer's.
        silent(&text(1024, 1024), "peer-address-changed");
        silent(&text(2048, 3072), "peer-address-changed");
        // The NAT has another address by then, and the same SA comes from there.
        let moved = text(2048, 1024).replace("A:2048", "C:4500");
        let title = fires(&moved, "peer-address-changed").title.to_string();
        assert!(title.contains("the peer is at 192.0.2.3:4500"), "{title}");
    }

    const PROBE: &str =
        "\n10 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request sealed 80 again=4,11";

    #[test]
    fn the_same_offer_from_elsewhere_after_a_silence() {
        fires(
            &format!(
                "{UP}\n1 A > B ESP 0xb1 seq 1..9 every 0.5{PROBE}
                 15 C:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce"
            ),
            "peer-address-changed",
        );
    }

    #[test]
    fn where_the_partner_has_no_other_peer_and_takes_it_it_is_likely() {
        let comes = |from: char, at: u32, spi: u32| {
            UP.lines()
                .filter(|line| line.contains("IKE_"))
                .map(|line| {
                    let moved = line.replace("A:500", &format!("{from}:500"));
                    let moved = moved.replace("i=1", &format!("i={spi}"));
                    moved.replace("r=2", &format!("r={}", spi + 1)).replacen(
                        "0",
                        &at.to_string(),
                        1,
                    )
                })
                .collect::<Vec<_>>()
                .join("\n")
        };
        let moves = format!(
            "{UP}\n1 A > B ESP 0xb1 seq 1..9 every 0.5{PROBE}\n{}",
            comes('C', 15, 3)
        );
        let likely = |text: &str| fires(text, "peer-address-changed").confidence;
        assert_eq!(likely(&moves), crate::diagnose::Confidence::Likely);
        verdict(&moves, "peer-address-changed");
        // One more peer of that make: it may be chance.
        let hub = format!("{moves}\n{}", comes('D', 30, 5));
        assert_eq!(likely(&hub), crate::diagnose::Confidence::Possible);
    }

    #[test]
    fn of_two_clients_behind_one_nat_one_may_leave() {
        silent(
            "0 A:1024 > B:4500 ESP 0xb1 seq 1..9 every 0.3
             0.1 B:4500 > A:1024 ESP 0xa1 seq 1..9 every 0.3
             0 A:2048 > B:4500 ESP 0xb2 seq 1..99 every 0.3
             0.1 B:4500 > A:2048 ESP 0xa2 seq 1..99 every 0.3
             20.1 B:4500 > A:1024 ESP 0xa1 seq 10..19 every 0.3
             20.2 A > B ICMP 3/3 quoting B:4500 > A:1024 ESP 0xa1 every 0.3 count 9",
            "peer-address-changed",
        );
    }

    #[test]
    fn another_name_or_a_much_later_beginning_is_another_device() {
        let named = |name: &str, at: u32| {
            let up = UP.replace("request sealed 256", "request sealed 256 opened IDi(a)");
            format!(
                "{up}\n1 A > B ESP 0xb1 seq 1..9 every 0.5{PROBE}
                 {at} C:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.1 B:500 > C:500 IKE_SA_INIT i=3 r=4 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.2 C:500 > B:500 IKE_AUTH i=3 r=4 id=1 request sealed 256 opened IDi({name})"
            )
        };
        let found = fires(&named("a", 15), "peer-address-changed");
        assert_eq!(
            found.confidence,
            crate::diagnose::Confidence::Likely,
            "it bears the same name"
        );
        verdict(&named("a", 15), "peer-address-changed");
        silent(&named("c", 15), "peer-address-changed");
        silent(&named("a", 4000), "peer-address-changed");
    }

    #[test]
    fn a_quiet_peer_that_nobody_asked_may_be_well() {
        silent(
            &format!(
                "{UP}\n1 A > B ESP 0xb1 seq 1..9 every 0.5
                 15 C:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce"
            ),
            "peer-address-changed",
        );
    }

    #[test]
    fn another_client_beside_a_living_one_is_another_device() {
        silent(
            &format!(
                "{UP}\n1 A > B ESP 0xb1 seq 1..40 every 0.5
                 15 C:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce"
            ),
            "peer-address-changed",
        );
    }

    #[test]
    fn another_offer_is_another_device() {
        silent(
            &format!(
                "{UP}\n1 A > B ESP 0xb1 seq 1..9 every 0.5{PROBE}
                 15 C:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-128 PRF_HMAC_SHA1 AUTH_HMAC_SHA1_96 DH2) KE(2) Nonce"
            ),
            "peer-address-changed",
        );
    }

    #[test]
    fn changes_of_address_are_counted() {
        let up = |time: u32, from: &str, id: u32| {
            format!(
                "{time}   {from}:500 > B:500 IKE_SA_INIT i={id} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {time}.1 B:500 > {from}:500 IKE_SA_INIT i={id} r=9{id} id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {time}.2 {from}:500 > B:500 IKE_AUTH i={id} r=9{id} id=1 request sealed 256
                 {time}.3 B:500 > {from}:500 IKE_AUTH i={id} r=9{id} id=1 response sealed 240
                 {time}.4 B > {from} ESP 0xa{id} seq 1..40 every 0.5
                 {time}.4 {from} > B ESP 0xb{id} seq 1..9 every 0.5
                 {}  B:500 > {from}:500 INFORMATIONAL i={id} r=9{id} id=0 request by=responder sealed 80 again=4,11\n",
                time + 10
            )
        };
        let text = up(0, "A", 1) + &up(30, "C", 2) + &up(60, "D", 3);
        let found = fires(&text, "peer-address-changed");
        assert_eq!(found.confidence, crate::diagnose::Confidence::Likely);
        assert!(
            found.says.to_string().contains("changed 2 times"),
            "{}",
            found.says
        );
    }
}
