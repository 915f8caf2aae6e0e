//! Inner packets travel in clear on the outside link.

use crate::diagnose::facts::leak::{
    FEW, answers_inside, goes_past, has_private_ends, is_cut_off, is_served, sender,
};
use crate::diagnose::facts::life::{self, Closing};
use crate::diagnose::facts::{cite, clear, is_selected, rekey};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{
    AuthOutcome, ChildOutcome, ClearFlow, Deleted, Exchange, IkeSaId, IkeState, Model,
};
use crate::net::Path;
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp};
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
On the same link as IKE and ESP, requests (TCP SYN, ICMP echo) between two private addresses, or with the keys of IKE any packets between addresses that the selectors name, or with those of ESP answers to what is asked inside the tunnel in vain, pass in clear and get no answer in clear, after the tunnel was first negotiated. Where ESP of one direction had just stopped and none of it comes meanwhile, packets that ask for nothing count too, as those of connections that stood before; that is told for information. What begins within seconds of the delete of the IKE SA, while no other is up, cannot have come out of ESP; what is over within a second of it is told for information. Where selectors that were read take the packets, and no ESP goes that way meanwhile, the gateway lets them out past its SA. Where a router answers by ICMP that it has no way for them, they are no copies, nor are they where all ESP was read and nothing between these addresses was in it. Packets of one local network, and of the gateways themselves, do not count.

## What else looks like it
Linux shows decrypted inbound packets on the outside interface: they come together with ESP of one direction, at least as many packets of it, over all SAs that follow one another. A capture filter may leave out ESP and keep such copies: where no ESP is seen at all although a child SA may be up that takes these packets, they are told for information only. A capture on all interfaces shows the inside too; there answers are in clear as well. Both are left out, and so are, with the keys of IKE, addresses that no selectors name. On a link that tunnels of several parties share it is told for information only, unless the selectors name both addresses, or the station that sends them is a gateway of the tunnel, as its IKE messages tell. Where a gateway has several tunnels, and no selectors that were read take the packets, they are told of one that has no ESP meanwhile, or of the first.

## What to do
1. Compare the addresses with the traffic selectors of both sides: they may have been narrowed.
2. Install a rule that drops such packets when no SA is there (trap policy, blackhole route).
3. Where the selectors take them and a child SA is there, look at routes, NAT rules and policies of the gateway that lets them out.
";

/// So long a change of routes and policies may take.
const MOMENT: Span = Span::from_secs(1);

/// What comes of answers that go past the tunnel.
const PAST: &[&str] = &[
    "inner-no-reply",
    "inner-port-unanswered",
    "health-check-unanswered",
];

fn check(case: &Case<'_>) -> Vec<Finding> {
    let leaks = case.leaks().rows();
    let Some(first) = leaks.first() else {
        return Vec::new();
    };
    let packets: u64 = leaks.iter().map(|clear| clear.packets).sum();
    let blind = leaks.iter().all(|clear| {
        may_lack_esp(case, clear) && is_covered(case, clear) && !is_cut_off(case, clear)
    });
    let transit = case.leaks().are_in_transit(case, first);
    let answers = leaks
        .iter()
        .find(|clear| answers_inside(case, clear).is_some());
    let asks = |clear: &&ClearFlow| clear.requests >= FEW || is_served(case, clear);
    let wants = answers.is_some() || leaks.iter().any(asks);
    // What the selectors name is the tunnel's own, whoever else uses the link.
    let own = !transit || is_served(case, first);
    let certain = wants && !has_private_ends(case) && !blind && own;
    let closed = after_delete(case, leaks);
    let moment = closed.and_then(|closing| moment(leaks, &closing));
    let refused = refused_before(case, leaks);
    let gone = closed
        .is_none()
        .then(|| deleted_before(case, leaks))
        .flatten();
    let certain = certain && moment.is_none() && !may_be_closed_unheard(case, leaks);
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
    .then(sender(case, first).map(|gateway| {
        say!("By their link-layer source {gateway} let them out.", gateway)
    }))
    .then((first.tunnels > 1).then(|| {
        say!(
            "Which of the {tunnels} tunnels here they belong in, no selector that was read tells.",
            tunnels = first.tunnels
        )
    }))
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
    }))
    .then(refused.map(|refused| {
        say!(
            "{peer} had refused a child SA {span} before; that may be the one that they lack.",
            peer = refused.by,
            span = first.seen.first.1.since(refused.at.1)
        )
    }))
    .then(gone.map(|gone| {
        let span = first.seen.first.1.since(gone.at.1);
        match gone.read {
            true => say!(
                "{end} had deleted a child SA {span} before; that may be the one that they lack.",
                end = gone.by,
                span
            ),
            false => say!(
                "All ESP had ended {span} before, at a message of {end} that may be a delete.",
                span,
                end = gone.by
            ),
        }
    }))
    .then(moment.map(|moment| {
        say!(
            "The last came {moment} after the delete: so long a change of policies may take, and whether more would \
             have left is not known.",
            moment
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
    if let Some(gone) = gone {
        finding = finding
            .beside(
                gone.at,
                match gone.read {
                    true => say!("{end} deletes a child SA", end = gone.by),
                    false => say!("{end} may delete a child SA", end = gone.by),
                },
            )
            .advise(say!(
                "Read in the log of {end} why it deleted the child SA.",
                end = gone.by
            ));
    }
    if let Some(refused) = refused {
        finding = finding
            .beside(
                refused.at,
                say!("{peer} refuses a child SA", peer = refused.by),
            )
            .advise(say!(
                "Read in the log of {peer} why it refused the child SA.",
                peer = refused.by
            ));
    } else if is_without_child(case, leaks) {
        finding = finding
            .or("The IKE SA came up without a child SA: what its answer holds is sealed, and its size does not tell.")
            .advise("Read in the logs of both sides whether a child SA came up, and why not.");
    }
    if let Some(refused) = clear::turned_back(leaks) {
        finding = clear::tell_turned_back(finding, refused);
    } else if closed.is_none() {
        finding = finding.or(match blind {
            true => "The capture filter leaves out ESP, and these are inbound packets that Linux shows again, decrypted.",
            false => "They are inbound packets that Linux shows again, decrypted, and their ESP was not recorded.",
        });
    }
    // What is in the selectors lacks an SA, not a selector.
    if !served && closed.is_none() && gone.is_none() {
        finding = finding.advise(
            "Compare these addresses with the traffic selectors of both sides; they may have been narrowed.",
        );
    }
    // What the selectors take while an IKE SA stands has an SA, and goes past it.
    if silent && closed.is_none() && gone.is_none() {
        finding = finding.advise(
            "Look at the routes, NAT rules and IPsec policies of the gateway that lets them out: the selectors take them.",
        );
    }
    finding =
        finding.advise("Drop such packets when no SA takes them (trap policy, blackhole route).");
    for clear in leaks {
        finding = finding.also(
            clear.seen.last,
            say!("{from} > {to} in clear", from = clear.from, to = clear.to),
        );
    }
    vec![finding]
}

/// The delete of an IKE SA just before packets in clear, if none was up while they came: there was nothing that
/// they could have come out of.
fn after_delete(case: &Case<'_>, leaks: &[&ClearFlow]) -> Option<Closing> {
    /// Traffic asks again within so long.
    const SOON: Span = Span::from_secs(5);
    let (first, last) = during(leaks)?;
    let mut latest: Option<Closing> = None;
    for id in &case.tunnel.ike_sas {
        let sa = &case.model.ike_sas[*id];
        // The child SAs of IKEv1 outlive the ISAKMP SA.
        if sa.version.major() != 2 {
            return None;
        }
        let closing = (sa.state == IkeState::Deleted)
            .then(|| life::closing(case.model, *id))
            .flatten()
            .map(|closing| as_seen_beside(case.model, *id, closing, leaks));
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

/// A child SA that was refused.
#[derive(Clone, Copy)]
struct RefusedChild {
    at: Cite,
    by: IpAddr,
}

/// The last child SA, beside those that live, that an end refused shortly before packets in clear.
fn refused_before(case: &Case<'_>, leaks: &[&ClearFlow]) -> Option<RefusedChild> {
    /// Traffic is there when somebody asks for a child SA, or it is what asks.
    const SHORTLY: Span = Span::from_secs(30);
    let (first, _) = during(leaks)?;
    let model = case.model;
    let exchanges = case.exchanges().filter(|exchange| {
        exchange.kind == ExchangeType::CREATE_CHILD_SA
            && rekey::ended(model, exchange, ChildOutcome::Refused)
    });
    let answers = exchanges.filter_map(|exchange| {
        let id = exchange.response()?.first()?;
        let at = cite(model, id);
        let by = model.messages[id].path.from().address;
        (at.1 <= first && first.since(at.1) <= SHORTLY).then_some(RefusedChild { at, by })
    });
    answers.max_by_key(|refused| refused.at.1)
}

/// A child SA that was deleted.
#[derive(Clone, Copy)]
struct DeletedChild {
    at: Cite,
    by: IpAddr,
    /// Whether the delete was read; else all ESP ended at a message that may be one.
    read: bool,
}

/// The last message shortly before packets in clear that deleted a child SA, or may have.
fn deleted_before(case: &Case<'_>, leaks: &[&ClearFlow]) -> Option<DeletedChild> {
    /// Who sends on does so at once.
    const SHORTLY: Span = Span::from_secs(5);
    /// What was under way comes so long after.
    const CLOSE: Span = Span::from_millis(500);
    let (first, _) = during(leaks)?;
    let here = case.directions_at(leaks.first()?.vantage)?;
    let ended = |at: Cite| {
        [0, 1].into_iter().all(|end| {
            let last = here.last(end);
            last.is_some_and(|last| last.1.since(at.1).0.saturating_abs() <= CLOSE.0)
        })
    };
    let mut latest: Option<DeletedChild> = None;
    for id in &case.tunnel.ike_sas {
        for exchange in &case.model.ike_sas[*id].exchanges {
            let exchange = &case.model.exchanges[*exchange];
            let Some(closing) = life::may_delete(case.model, *id, exchange) else {
                continue;
            };
            let span = first.since(closing.at.1);
            if span < Span::default() || span > SHORTLY {
                continue;
            }
            let deleted = exchange.flights.iter();
            let deleted: Vec<Deleted> = deleted
                .flat_map(|flight| case.model.deletes(flight))
                .collect();
            let read = deleted
                .iter()
                .any(|one| matches!(one, Deleted::Child { .. }));
            let sealed = deleted.is_empty() && !case.signs().meet(Signs::OPENED);
            let newer = latest.is_none_or(|latest| latest.at.1 < closing.at.1);
            if newer && (read || sealed && ended(closing.at)) {
                latest = Some(DeletedChild {
                    at: closing.at,
                    by: closing.from,
                    read,
                });
            }
        }
    }
    latest
}

/// Whether an IKE SA of IKEv2 came up in the recording, nothing of ESP is there, and whether a child SA came up
/// with it was not read.
fn is_without_child(case: &Case<'_>, leaks: &[&ClearFlow]) -> bool {
    let up = |id: &IkeSaId| {
        let sa = &case.model.ike_sas[*id];
        let birth = life::birth(case.model, *id).filter(|_| sa.state == IkeState::Established);
        sa.version.major() == 2
            && sa.auth == AuthOutcome::Unclear
            && birth
                .zip(during(leaks))
                .is_some_and(|(birth, (_, last))| birth.up.1 <= last)
    };
    case.tunnel.flows.is_empty() && case.tunnel.ike_sas.iter().any(up)
}

/// A delete as the tap has it that has the packets, too: another may have another clock.
fn as_seen_beside(model: &Model, id: IkeSaId, closing: Closing, leaks: &[&ClearFlow]) -> Closing {
    let last = model.ike_sas[id].exchanges.last();
    let request = last.and_then(|id| model.exchanges[*id].request());
    let copies = request.into_iter().flat_map(|request| request.copies());
    let beside = copies.map(|id| &model.messages[id]).find(|message| {
        let mut leaks = leaks.iter();
        leaks.any(|clear| clear.vantage == message.vantage)
    });
    Closing {
        at: beside.map_or(closing.at, |message| (message.frame, message.time)),
        ..closing
    }
}

/// When the first and the last of them came.
fn during(leaks: &[&ClearFlow]) -> Option<(Timestamp, Timestamp)> {
    let first = leaks.iter().map(|clear| clear.seen.first.1).min()?;
    let last = leaks.iter().map(|clear| clear.seen.last.1).max()?;
    Some((first, last))
}

/// Whether one end is not heard, which may have closed the tunnel, and the packets pass for a moment alone.
fn may_be_closed_unheard(case: &Case<'_>, leaks: &[&ClearFlow]) -> bool {
    let brief = during(leaks).is_some_and(|(first, last)| last.since(first) < MOMENT);
    brief && case.tap().deaf.contains(&true)
}

/// How long after the delete of the only IKE SA the last of them came, if that is a moment: who closes a tunnel knows
/// of it, and a host that sends on until routes and policies have changed shows no lack of them.
fn moment(leaks: &[&ClearFlow], closing: &Closing) -> Option<Span> {
    let (_, last) = during(leaks)?;
    let span = last.since(closing.at.1);
    (span < MOMENT).then_some(span)
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

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    const ESP: &str = "
        0 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
        0.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

    /// The tunnel comes up, and ESP passes for ten seconds.
    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_384 DH20) KE(20) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_384 DH20) KE(20) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 296
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 238
        1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

    #[test]
    fn requests_in_clear_beside_the_tunnel() {
        verdict(
            &format!("{ESP}\n15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"),
            "clear-text-leak",
        );
    }

    #[test]
    fn a_child_sa_that_was_refused_before_is_told() {
        let text = |refused: &str| {
            format!(
                "{UP}
                 {refused}
                 15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"
            )
        };
        let says = |refused: &str| fires(&text(refused), "clear-text-leak").says.to_string();
        let refused = "14 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 177
                 14.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 65";
        let told = says(refused);
        assert!(
            told.contains("192.0.2.2 had refused a child SA 900 ms before"),
            "{told}"
        );
        assert!(!says("").contains("refused"));
        // It was made.
        assert!(
            !says(&refused.replace("response sealed 65", "response sealed 177"))
                .contains("refused")
        );
    }

    #[test]
    fn a_child_sa_that_was_deleted_before_is_told() {
        let text = |delete: &str| {
            format!(
                "{UP}
                 10.8 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder {delete}
                 10.9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 57
                 11.1 10.1.0.5 > 10.2.7.9 CLEAR 1 count 8 every 1 requests 8"
            )
        };
        let says = |delete: &str| fires(&text(delete), "clear-text-leak").says.to_string();
        let sealed = says("sealed 69");
        assert!(
            sealed.contains("at a message of 192.0.2.2 that may be a delete"),
            "{sealed}"
        );
        let read = says("sealed 69 opened D(ESP 0xb1)");
        assert!(
            read.contains("192.0.2.2 had deleted a child SA 300 ms before"),
            "{read}"
        );
        // It is as large as a liveness check; ESP had ended long before.
        assert!(!says("sealed 57").contains("delete"));
        let ended = text("sealed 69").replace("1..20", "1..10");
        let ended = fires(&ended, "clear-text-leak").says.to_string();
        assert!(!ended.contains("delete"), "{ended}");
    }

    #[test]
    fn what_was_in_no_esp_that_was_read_is_no_copy() {
        let text = |inner: &str| {
            format!(
                "0 A > B ESP 0xb1 seq 1..30 every 0.5 {inner}
                 0.1 B > A ESP 0xa1 seq 1..30 every 0.5 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
                 0.2 10.1.7.5 > 10.2.7.9 CLEAR 1 count 20 every 0.5 requests 20"
            )
        };
        fires(
            &text("inner(10.1.0.1 > 10.2.0.1 echo 7/1)"),
            "clear-text-leak",
        );
        silent(&text("size 136"), "clear-text-leak");
        silent(
            &text("inner(10.1.7.5 > 10.2.7.9 echo 7/1)"),
            "clear-text-leak",
        );
    }

    #[test]
    fn an_ike_sa_without_any_esp_may_have_no_child_sa() {
        let text = |esp: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_384 DH20) KE(20) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_384 DH20) KE(20) Nonce
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 1800
                 0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 1500
                 {esp}
                 15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"
            )
        };
        let doubts = |esp: &str| {
            let finding = fires(&text(esp), "clear-text-leak");
            let mut others = finding.alternatives.iter();
            others.any(|other| other.to_string().contains("without a child SA"))
        };
        assert!(doubts(""));
        assert!(!doubts(
            "1 A:4500 > B:4500 ESP 0xb1 seq 1..20 every 0.5 size 136"
        ));
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
    fn one_packet_that_was_recorded_twice_is_one() {
        let text = |every: &str| {
            format!("{ESP}\n15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 2 every {every} requests 2")
        };
        silent(&text("0.00002"), "clear-text-leak");
        verdict(&text("1"), "clear-text-leak");
    }

    #[test]
    fn what_follows_the_end_of_esp_at_once_is_no_copy() {
        let text = |every: &str| {
            format!(
                "0 A > B ESP 0xb1 seq 1..60 every 0.05 size 136
                 0.02 B > A ESP 0xa1 seq 1..60 every 0.05 size 136
                 3 10.1.0.5 > 10.2.7.9 CLEAR 1 count 6 every {every} requests 6"
            )
        };
        verdict(&text("0.4"), "clear-text-leak");
        silent(&text("0.02"), "clear-text-leak");
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
    fn what_goes_on_for_a_moment_after_a_delete_is_no_more_than_a_line() {
        let text = |packets: u32| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 1 A > B ESP 0xb1 seq 1..50 every 0.05 size 136
                 4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 opened D(IKE)
                 4.02 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 opened
                 4.05 10.1.0.5 > 10.2.7.9 CLEAR 17 count {packets} every 0.05"
            )
        };
        let brief = fires(&text(12), "clear-text-leak");
        assert_eq!(brief.severity, Severity::Info);
        let lasting = fires(&text(60), "clear-text-leak");
        assert_eq!(lasting.severity, Severity::Error);
        // Another tap has another clock.
        let both = text(12)
            + "\n1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 opened D(IKE) tap=1";
        assert_eq!(fires(&both, "clear-text-leak").severity, Severity::Info);
        // The side that deletes is not heard.
        let lines = |packets| {
            let text = text(packets);
            let other = text
                .lines()
                .filter(|line| !line.contains(" A:500 > ") && !line.contains("A > B"));
            other.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(
            fires(&lines(12), "clear-text-leak").severity,
            Severity::Info
        );
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
    fn on_a_shared_link_the_station_that_sends_them_tells_whose_they_are() {
        let tunnel = |from: char, to: char, n: u8| {
            format!(
                "0 {from}:500 > {to}:500 INFORMATIONAL i={n} r=7{n} id=4 request sealed 80 station={n}
                 0.1 {to}:500 > {from}:500 INFORMATIONAL i={n} r=7{n} id=4 response sealed 80 station=9
                 1 {from} > {to} ESP 0xb{n} seq 1..20 every 0.5 size 136
                 1.1 {to} > {from} ESP 0xa{n} seq 1..20 every 0.5 size 136
                 "
            )
        };
        let both = [tunnel('A', 'B', 1), tunnel('C', 'D', 2)].concat();
        let told = |station: &str| {
            let leak = "15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5";
            let found = fires(&format!("{both}{leak} {station}"), "clear-text-leak");
            (found.tunnel.map(|tunnel| tunnel.0), found.severity)
        };
        assert_eq!(told("station=1"), (Some(0), Severity::Error));
        assert_eq!(told("station=2"), (Some(1), Severity::Error));
        // A router brings those of both, and nobody knows station 5.
        for station in ["station=9", "station=5", ""] {
            assert_eq!(told(station), (Some(0), Severity::Info), "{station}");
        }
    }

    #[test]
    fn esp_of_others_accompanies_no_copies_of_a_gateway() {
        let text = |station: u8| {
            format!(
                "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80 station=1
                 0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80 station=9
                 1 A > B ESP 0xb1 seq 1..4 every 0.3 size 136
                 1.1 B > A ESP 0xa1 seq 1..4 every 0.3 size 136
                 1 C > D ESP 0xd1 seq 1..60 every 0.5 size 136
                 1.1 D > C ESP 0xc1 seq 1..60 every 0.5 size 136
                 15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5 station={station}"
            )
        };
        verdict(&text(1), "clear-text-leak");
        silent(&text(3), "clear-text-leak");
    }

    #[test]
    fn of_several_tunnels_of_a_gateway_it_is_told_of_one_without_esp() {
        let tunnel = |peer: char, n: u8, again: &str| {
            format!(
                "0 A:500 > {peer}:500 INFORMATIONAL i={n} r=7{n} id=4 request sealed 80
                 0.1 {peer}:500 > A:500 INFORMATIONAL i={n} r=7{n} id=4 response sealed 80
                 1 A > {peer} ESP 0xb{n} seq 1..10 every 0.5 size 136
                 1.1 {peer} > A ESP 0xa{n} seq 1..10 every 0.5 size 136
                 {again}
                 "
            )
        };
        let told = |text: &str| {
            let leak = "15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5";
            let found = fires(&format!("{text}{leak}"), "clear-text-leak");
            let says = found.says.to_string();
            (
                found.tunnel.map(|tunnel| tunnel.0),
                says.contains("tunnels here"),
            )
        };
        // One is silent while they leave, and goes on.
        let busy = tunnel('B', 2, "30 A > B ESP 0xb2 seq 11..20 every 0.5 size 136");
        let idle = tunnel('C', 3, "");
        assert_eq!(told(&[busy.as_str(), &idle].concat()), (Some(1), true));
        assert_eq!(told(&[idle.as_str(), &busy].concat()), (Some(0), true));
        assert_eq!(told(&idle), (Some(0), false));
    }

    #[test]
    fn all_tunnels_that_it_may_be_of_are_counted() {
        let tunnels = (1..=70).map(|n| {
            format!(
                "0 A:500 > 192.0.3.{n}:500 INFORMATIONAL i={n} r=7{n} id=4 request sealed 80
                 1 A > 192.0.3.{n} ESP 0xb{n:02} seq 1..3 every 0.5 size 136
                 "
            )
        });
        let leak = "15 10.1.0.5 > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5";
        let text = tunnels.collect::<String>() + leak;
        let says = fires(&text, "clear-text-leak").says.to_string();
        assert!(says.contains("the 70 tunnels here"), "{says}");
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
    fn of_several_tunnels_it_is_told_of_the_one_whose_selectors_take_it() {
        let tunnel = |peer: char, n: u8| {
            format!(
                "0 A:500 > {peer}:500 IKE_SA_INIT i={n} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 {peer}:500 > A:500 IKE_SA_INIT i={n} r=7{n} id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > {peer}:500 IKE_AUTH i={n} r=7{n} id=1 request sealed 256 opened SA(ESP 0xa{n} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.{n}0.0.0/16)
                 0.3 {peer}:500 > A:500 IKE_AUTH i={n} r=7{n} id=1 response sealed 240 opened SA(ESP 0xb{n} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.{n}0.0.0/16)
                 1 A > {peer} ESP 0xb{n} seq 1..20 every 0.5 size 136
                 1.1 {peer} > A ESP 0xa{n} seq 1..20 every 0.5 size 136
                 "
            )
        };
        let both = [tunnel('B', 2), tunnel('C', 3)].concat();
        for (to, owner) in [("10.20.7.9", 0), ("10.30.7.9", 1)] {
            let text = format!("{both}15 10.1.0.5 > {to} CLEAR 1 count 5 every 1 requests 5");
            let found = fires(&text, "clear-text-leak");
            assert_eq!(found.tunnel, Some(crate::model::TunnelId(owner)), "{to}");
        }
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
