//! An initiator moved to another address and kept its SAs.

use crate::diagnose::facts::nat;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, parted};
use crate::limits;
use crate::model::{AnomalyKind, Message, Transport};
use crate::say;
use crate::units::{IkeSpi, Vantage};
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "mobike-move",
    code: "INF504",
    severity: Severity::Info,
    summary: "A gateway moved to another address and kept its SAs",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::MOVED,
    check,
};

const DOCUMENT: &str = "\
## What it means
The same IKE SA goes on from another address: MOBIKE (RFC 4555) moved it, or a NAT changed its mapping. It is normal for hosts that roam.

## How it is seen
A request with the SPIs of a living IKE SA comes from a new address, and is answered there, or ESP goes there. Or ESP of the same child SA comes from there; it is a warning if it goes through a NAT and the other side still sends to the old address.

## What else looks like it
A peer with several addresses that answers from the wrong one: see response-from-other-address.

## What to do
1. Nothing, if traffic goes on. Otherwise see that the far side accepts MOBIKE.
";

/// Addresses that are named, in order.
const SHOWN: usize = 8;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = by_ike(case).or_else(|| by_esp(case));
    found.into_iter().collect()
}

/// The messages of a tunnel by the SPI of their initiator, each list in order.
fn by_initiator<'m>(case: &Case<'m>) -> BTreeMap<IkeSpi, Vec<&'m Message>> {
    let mut rows: BTreeMap<IkeSpi, Vec<&Message>> = BTreeMap::new();
    for message in case.messages() {
        let row = rows.entry(message.header.spis.initiator);
        row.or_default().push(message);
    }
    rows
}

/// An IKE SA that goes on from another address.
fn by_ike(case: &Case<'_>) -> Option<Finding> {
    let all = LazyCell::new(|| by_initiator(case));
    let mut looked_at: BTreeMap<IkeSpi, usize> = BTreeMap::new();
    case.ike_sas()
        .filter(|sa| sa.version.major() == 2)
        .find_map(|sa| {
            let mut addresses = sa.paths.iter().map(|path| path.from.address);
            let from = addresses.next()?;
            let moved = addresses.find(|address| *address != from)?;
            let known: BTreeSet<IpAddr> = sa.paths.iter().map(|path| path.from.address).collect();
            let times = looked_at.entry(sa.spis.initiator).or_default();
            *times += 1;
            if *times > limits::LINK_CHOICES {
                return None;
            }
            let own = all.get(&sa.spis.initiator)?;
            let messages = || own.iter().copied();
            // Beyond a NAT another tap has it from another address all the time.
            let mut taps: Vec<Vantage> = Vec::new();
            for message in messages().filter(|message| message.path.from().address == from) {
                if !taps.contains(&message.vantage) {
                    taps.push(message.vantage);
                }
            }
            let at = messages()
                .filter(|message| message.path.from().address == moved)
                .filter(|message| taps.contains(&message.vantage))
                .min_by_key(|message| message.time)
                .filter(|message| !message.header.flags.response())
                .map(|message| (message.frame, message.time))?;
            // One request proves nothing: who moves keeps its SAs if the other side follows.
            let answered = messages().any(|message| message.path.to().address == moved);
            let esp = case.tunnel.flows.iter().flat_map(|id| &case.model.flows[*id].paths);
            let mut ends = esp.flat_map(|path| [path.from, path.to]);
            if !answered && !ends.any(|end| end.address == moved) {
                return None;
            }
            // In order of time, and back again if so. An answer goes out from where its request came to, so it
            // tells of no move; where it was before the first it shows as well.
            let mut asked: Vec<_> = messages()
                .filter(|message| taps.first() == Some(&message.vantage))
                .filter(|message| !message.header.flags.response() || message.time < at.1)
                .map(|message| (message.time, message.frame, message.path.from().address))
                .filter(|(.., from)| known.contains(from))
                .collect();
            asked.sort_unstable();
            asked.dedup_by_key(|(.., from)| *from);
            let moves: Vec<_> = asked.iter().skip(1).collect();
            let addresses: Vec<_> = asked.iter().map(|(.., from)| *from).take(SHOWN).collect();
            let finding = Finding::new(
                    &RULE,
                    Confidence::Likely,
                    case.id,
                    at,
                    say!("the same IKE SA, now from {moved}", moved),
                )
                .title(match moves.len() {
                    1 => say!("{from} moved to {moved}", from, moved),
                    times => say!("{from} moved {times} times", from, times),
                })
                .says(say!(
                    "The IKE SA {spis} went on from {moved} instead of {from}: a move by MOBIKE, or a NAT that \
                     changed its mapping.",
                    spis = Text::verbatim(sa.spis),
                    moved,
                    from
                ).then((moves.len() > 1).then(|| say!(
                    "It has moved {times} times: {addresses}. A peer whose address changes often needs \
                     a name as its identity, or a fixed address.",
                    times = moves.len(),
                    addresses = parted(", then ", addresses)
                ))));
            Some(moves.into_iter().fold(finding, |finding, (time, frame, from)| {
                finding.also((*frame, *time), say!("now from {from}", from))
            }))
        })
}

/// A child SA that goes on from another address, though its IKE SA has not: nothing of that was sent since.
fn by_esp(case: &Case<'_>) -> Option<Finding> {
    case.flows().find_map(|flow| {
        let mut moves = flow.moves().map(|[(old, _), (new, at)]| (old.from, new.from, at));
        let (old, new, at) = moves.find(|(old, new, _)| old.address != new.address)?;
        // At both sides of a NAT the same packets come from two addresses.
        let mut odd = flow.anomalies.iter();
        if odd.any(|odd| odd.frame == at.0 && !matches!(odd.kind, AnomalyKind::Gap(_))) {
            return None;
        }
        let towards = |end: IpAddr| {
            let back = case.flows().filter(|back| back.key.vantage == flow.key.vantage);
            let mut back = back.filter(|back| back.key.to == end);
            back.find(|back| back.seen.last.1 > at.1.later(nat::ON_ITS_WAY))
        };
        let (from, moved) = (old.address, new.address);
        // Beyond a NAT nothing gets to where the peer was; without one it may have both addresses.
        let stale = towards(from).filter(|_| towards(moved).is_none());
        let lost = stale.filter(|_| flow.key.transport == Transport::Udp);
        let finding = Finding::new(
            &RULE,
            Confidence::Likely,
            case.id,
            at,
            say!("the same child SA, now from {moved}", moved),
        )
        .severity(match lost {
            Some(_) => Severity::Warning,
            None => RULE.severity,
        })
        .title(say!("{from} moved to {moved}", from, moved))
        .says(
            say!(
                "ESP of {spi} went on from {moved} instead of {from}: a move by MOBIKE, or a NAT that changed its \
                 mapping.",
                spi = flow.key.spi,
                moved,
                from
            )
            .then(stale.map(|_| say!("The other side still sends to {from}.", from))),
        );
        Some(match stale {
            Some(back) => finding.also(back.seen.last, say!("sent to {from}", from)),
            None => finding,
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn the_same_sa_from_another_address() {
        fires(
            "0 A:4500 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             0.1 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=2 response sealed 80
             5 C:4500 > B:4500 INFORMATIONAL i=1 r=2 id=3 request by=initiator sealed 160
             5.1 B:4500 > C:4500 INFORMATIONAL i=1 r=2 id=3 response sealed 160",
            "mobike-move",
        );
    }

    #[test]
    fn several_moves_are_counted() {
        let mut text = String::new();
        for (id, end) in (2..).zip(["A", "C", "D", "C"]) {
            text += &format!(
                "{id} {end}:4500 > B:4500 INFORMATIONAL i=1 r=2 id={id} request by=initiator sealed 80
                 {id}.1 B:4500 > {end}:4500 INFORMATIONAL i=1 r=2 id={id} response sealed 80\n"
            );
        }
        let found = fires(&text, "mobike-move");
        assert!(
            found.says.to_string().contains(
                "moved 3 times: 192.0.2.1, then 192.0.2.3, then 192.0.2.4, then 192.0.2.3"
            ),
            "{}",
            found.says
        );
    }

    #[test]
    fn where_it_was_before_may_show_in_an_answer_alone() {
        let found = fires(
            "0 A:4500 > B:4500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
             0.1 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=0 response by=initiator sealed 80
             10 C:4500 > A:4500 INFORMATIONAL i=1 r=2 id=1 request by=initiator sealed 160
             10.1 A:4500 > C:4500 INFORMATIONAL i=1 r=2 id=1 response sealed 160",
            "mobike-move",
        );
        assert_eq!(found.title.to_string(), "192.0.2.2 moved to 192.0.2.3");
    }

    #[test]
    fn a_request_that_is_not_answered_there_moves_nothing() {
        silent(
            "0 A:4500 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             0.1 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=2 response sealed 80
             5 C:4500 > B:4500 INFORMATIONAL i=1 r=2 id=3 request by=initiator sealed 160 again=2,5",
            "mobike-move",
        );
    }

    #[test]
    fn another_address_at_another_tap_is_a_nat() {
        silent(
            "0 A:4500 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             0.01 C:1024 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 tap=1 ttl=63
             0.02 B:4500 > C:1024 INFORMATIONAL i=1 r=2 id=2 response sealed 80 tap=1
             0.03 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 ttl=63",
            "mobike-move",
        );
    }

    #[test]
    fn another_port_is_no_other_address() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240",
            "mobike-move",
        );
    }
}
