//! The peer stops answering while an IKE SA lives.

use crate::diagnose::facts::esp;
use crate::diagnose::facts::probe::{self, Probe, TRIES};
use crate::diagnose::facts::{Passage, asked, end_of, first, tap};
use crate::diagnose::facts::{nat, vendor_advice};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{Deleted, Flight, IkeSa, Model};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Timestamp;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "dpd-timeout",
    code: "IKE302",
    severity: Severity::Error,
    summary: "The peer stopped answering on a living IKE SA",
    document: DOCUMENT,
    explains: &[
        "path-outage",
        "ike-no-response",
        "esp-one-way",
        "tunnel-flapping",
        "clear-text-leak",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::UNANSWERED.or(Signs::V1),
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway asks whether its peer is alive (dead peer detection) and gets no answer, several times. It then gives the tunnel up and, if so configured, begins anew.

## How it is seen
A request on an established IKE SA is repeated byte for byte without answer, though the peer had been heard before, and does not speak on another IKE SA either. Often all ESP of the peer stops at the same time: then the path or the peer is gone. If its ESP goes on, only IKE is lost, unless it pauses at each copy. If its IKE goes on, too, it lives, and it is told as possible. IKEv1 asks by messages that are never the same, one after the other; message 1 of quick mode that is repeated for long, while nothing at all of the peer comes, is taken alike. Where two taps show that the request never arrived, nobody stopped answering: the path lost it, in one direction or in both.

## What else looks like it
A path that is down, a peer that crashed or rebooted, a NAT mapping or firewall state that expired, a peer that deleted the tunnel without a word that got through. The deletion of an old IKE SA is often not answered once a new one has its place; that harms nobody, and nothing is said.

## What to do
1. Look at the path and the peer at the moment of the last packet heard.
2. If ESP of the peer went on, look for a firewall that forgot the state of UDP 500 or 4500.
3. If outages are short and known, lengthen the DPD timeout.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some((sa, probe)) = probe::probe(case) else {
        return Vec::new();
    };
    let tap = case.tap();
    let (peer, vantage) = (probe.peer, probe.vantage);
    // A peer that was never heard has not stopped.
    let Some(heard) = case.heard().last(peer, probe.first.1) else {
        return Vec::new();
    };
    let flows = probe.esp(case);
    let esp_after: u64 = flows
        .iter()
        .map(|flow| {
            let after = |time| esp::packets_since(flow, time);
            after(probe.first.1).saturating_sub(after(probe.last.1))
        })
        .sum();
    // It goes on to the last copy, or it ended between.
    let esp_last = flows.iter().map(|flow| flow.seen.last);
    let esp_last = esp_last.max_by_key(|at| at.1);
    let esp_ends = esp_last.filter(|last| esp_after > 0 && last.1 < probe.last.1);
    let esp_comes = esp_after > 0 && esp_ends.is_none();
    let pauses = probe.pauses(&flows).filter(|_| esp_comes);
    let esp_goes_on = esp_comes && pauses.is_none();
    let spoke = probe.spoke.or_else(|| elsewhere(case, &probe));
    let is_meanwhile = |time: Timestamp| time > probe.first.1 && time <= probe.last.1;
    let aside = tap::asides(case)
        .find(|aside| aside.end == peer && aside.vantage == vantage && is_meanwhile(aside.at.1));
    let keeps_alive = tap::keeps_alive(case, vantage, peer, (probe.first.1, probe.last.1));
    let lives = aside.is_some() || keeps_alive;
    let passage = Passage::of(case, probe.flight);
    let is_lost = passage.as_ref().is_some_and(Passage::is_proven);
    let later = probe::after(case, sa, (probe.first.1, probe.last.1));
    let (from, kind) = (probe.from, Text::verbatim(probe.kind));
    let schedule = &probe.schedule;
    let (says, alternative) = if esp_goes_on {
        (
            say!(
                "{from}: {kind} was {schedule} and not answered; ESP of the peer goes on meanwhile ({packets}), so \
                 only IKE is lost.",
                from,
                kind,
                schedule,
                packets = count(esp_after, "packet")
            ),
            "A firewall forgot the state of the IKE port while ESP keeps its own alive.",
        )
    } else if let Some(pause) = pauses {
        (
            say!(
                "{from}: {kind} was {schedule} and not answered; ESP of the peer came meanwhile ({packets}), but none \
                 for {pause} and more around each copy.",
                from,
                kind,
                schedule,
                packets = count(esp_after, "packet"),
                pause
            ),
            "The path comes and goes, for ESP as well as for IKE, and was down at each copy.",
        )
    } else if spoke.is_some() {
        (
            say!(
                "{from}: {kind} was {schedule} and not answered, though IKE of the peer came meanwhile.",
                from,
                kind,
                schedule
            ),
            "The peer lives, and does not take this request or does not get it.",
        )
    } else if lives {
        (
            say!(
                "{from}: {kind} was {schedule} and not answered, though NAT keepalives or ICMP errors of the peer \
                 still came.",
                from,
                kind,
                schedule
            ),
            "The peer lives, and does not take this request or does not get it.",
        )
    } else {
        let silence = match (is_lost, esp_ends) {
            (_, Some(ends)) => say!(
                "{from}: {kind} was {schedule} and not answered; ESP of the peer ended {span} after the first copy.",
                from,
                kind,
                schedule,
                span = ends.1.since(probe.first.1)
            ),
            (true, None) => say!(
                "{from}: {kind} was {schedule} and not answered; nothing of the peer came there meanwhile.",
                from,
                kind,
                schedule
            ),
            (false, None) => say!(
                "{from}: {kind} was {schedule} and not answered; nothing of the peer was heard meanwhile.",
                from,
                kind,
                schedule
            ),
        };
        (
            silence,
            "The path is down, or the peer crashed: this capture cannot tell which.",
        )
    };
    let mut finding = Finding::new(
        &RULE,
        tap.absence(Confidence::Likely).lower_if(spoke.is_some()),
        case.id,
        probe.first,
        say!(
            "{kind} to {to}, never answered",
            kind = Text::verbatim(probe.kind),
            to = probe.to
        ),
    )
    .title(say!(
        "{to} stopped answering {from}",
        to = probe.to.address,
        from = probe.from.address
    ))
    .says(says.then(later))
    .or(alternative)
    .advise("Look at the path and at the peer at the moment of the last packet heard.")
    .advise("If such outages are known and short, lengthen the DPD timeout.")
    .advise_all(vendor_advice::of(
        case,
        probe.from.address,
        vendor_advice::Topic::Dpd,
    ));
    // Of a flow that runs through the probe no packet is known but the first and the last.
    let at = probe.first.1;
    let runs_through = case
        .directions_at(vantage)
        .is_some_and(|here| here.alive(1 - peer, at, at).next().is_some());
    if !runs_through {
        finding = finding.beside(heard, "last packet of the peer before");
    }
    finding = finding.also(probe.last, "last copy, unanswered");
    if let Some(known) = known_as(case, &probe) {
        finding.says.add(say!(
            "The peer never sent anything to {from}: it spoke to {known} before.",
            from = probe.from.address,
            known
        ));
        finding = finding
            .or(say!(
                "The address of {known} changed to {from}, and the peer, or a filter, does not follow.",
                known,
                from = probe.from.address
            ))
            .advise("Look whether both sides support MOBIKE, which a change of address needs.");
    }
    if is_unheard(case.model, sa, probe.flight) {
        finding
            .says
            .add("The peer has said nothing on this IKE SA since the rekeying that made it.");
        finding = finding
            .or("The peer does not hold this IKE SA: the rekeying ended for one side only.")
            .advise("Compare by their SPIs which IKE SAs both sides hold.");
    }
    if let Some(spoke) = spoke {
        finding = finding.also(spoke, "IKE of the peer meanwhile");
    } else if let Some(aside) = aside {
        finding = finding.also(aside.at, "the peer is heard meanwhile");
    }
    if let Some(closes) = closed_by(case, sa, &probe) {
        finding = finding
            .severity(Severity::Warning)
            .explaining(&["tunnel-deleted"])
            .also(closes, "the peer deletes the IKE SA");
        finding.says.add(say!(
            "The peer had deleted this IKE SA {span} before: that did not get through, and so it is asked on.",
            span = probe.first.1.since(closes.1)
        ));
        finding.alternatives.clear();
    }
    if esp_goes_on {
        finding = finding.advise("Look for a firewall in between that forgets UDP 500 or 4500.");
    }
    // It is larger than a liveness check, by the public value that it may carry above all.
    if esp_goes_on && probe.kind == ExchangeType::CREATE_CHILD_SA {
        finding = finding.or("A filter or a small link drops IKE messages of that size.");
    }
    // Who speaks in between is known to the NAT again, and the copies after that are not answered either.
    let is_silent = esp_after == 0 && spoke.is_none() && !lives;
    let idle = || nat::idle(case, vantage, peer, probe.first.1);
    if is_silent && let Some(idle) = idle() {
        finding = nat::may_forget(finding, probe.to.address, idle);
    }
    if let Some(passage) = passage {
        if is_lost {
            finding = lost_on_the_way(case, sa, &probe, finding);
        }
        finding = passage.tell(case.model, finding, "the request");
    }
    // Of a tunnel that is lost again and again the last time counts as well.
    let again = case.ike_sas().filter_map(|sa| probe::vain(case, sa));
    let again: Vec<Probe<'_>> = again.filter(|one| one.first.1 > probe.last.1).collect();
    let times = outages(&again);
    if let Some(latest) = again.iter().max_by_key(|one| one.last.1) {
        finding.says.add(match times {
            1 => "It happened again, on a later IKE SA.".into(),
            _ => say!("It happened {times} more times, on later IKE SAs.", times),
        });
        finding = finding.also(latest.last, "the last request in vain, on a later IKE SA");
    }
    vec![finding]
}

/// Whether an IKE SA was made by rekeying, and whom a request under it is for sent nothing under it.
fn is_unheard(model: &Model, sa: &IkeSa, request: &Flight) -> bool {
    let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let mut flights = exchanges.flat_map(|exchange| &exchange.flights);
    sa.made_by.is_some() && flights.all(|flight| flight.by == request.by)
}

/// IKE of the peer under another IKE SA while the request was sent: it begins anew, or answers who does.
fn elsewhere(case: &Case<'_>, probe: &Probe<'_>) -> Option<Cite> {
    let message = first(case.model, probe.flight)?;
    let others = tap::messages_of(case, probe.vantage, probe.peer).filter(|other| {
        other.header.spis.initiator != message.header.spis.initiator
            && other.time > probe.first.1
            && other.time <= probe.last.1
    });
    others
        .map(|other| (other.frame, other.time))
        .min_by_key(|at| at.1)
}

/// The Delete of the IKE SA by the peer before it was asked, if that was read.
fn closed_by(case: &Case<'_>, sa: &IkeSa, probe: &Probe<'_>) -> Option<Cite> {
    if !case.signs().meet(Signs::OPENED) {
        return None;
    }
    let exchanges = sa.exchanges.iter().map(|id| &case.model.exchanges[*id]);
    let mut deletes = exchanges.filter_map(|exchange| {
        let request = exchange.request()?;
        let message = first(case.model, request)?;
        let is_of_peer = end_of(case.tunnel, message.path.from().address) == Some(probe.peer);
        let is_before = is_of_peer && message.time <= probe.first.1;
        (is_before && case.model.deletes(request).contains(&Deleted::IkeSa))
            .then_some((message.frame, message.time))
    });
    deletes.next_back()
}

/// How many times requests went in vain: those that both sides sent at one time were one outage.
fn outages(probes: &[Probe<'_>]) -> usize {
    let mut spans: Vec<_> = probes.iter().map(|one| (one.first.1, one.last.1)).collect();
    spans.sort_unstable();
    let mut until: Option<Timestamp> = None;
    let mut outages = 0;
    for (first, last) in spans {
        outages += usize::from(until.is_none_or(|until| first > until));
        until = until.max(Some(last));
    }
    outages
}

/// The finding where two taps show that the request never arrived: nobody stopped answering.
fn lost_on_the_way(case: &Case<'_>, sa: &IkeSa, probe: &Probe<'_>, finding: Finding) -> Finding {
    let (from, to) = (probe.from.address, probe.to.address);
    let mut finding = finding.explaining(&["packet-loss"]);
    finding.confidence = Confidence::Certain;
    finding.advice.clear();
    // The path is dead for both where the peer asks in vain as well.
    let reverse = asked::all(case.model, sa).find(|asked| {
        asked.is_silent()
            && asked.attempts() >= TRIES
            && asked.flight.by != probe.flight.by
            && Passage::of(case, asked.flight).is_some_and(|passage| passage.is_proven())
    });
    let Some(reverse) = reverse else {
        return finding.title(say!("IKE from {from} to {to} is lost on the way", from, to));
    };
    finding.says.add(say!(
        "{to} asks in vain as well: its {kind} was {schedule} and never reached the other tap.",
        to,
        kind = Text::verbatim(reverse.exchange.kind),
        schedule = reverse.schedule()
    ));
    finding
        .title(say!(
            "The path between {from} and {to} is lost in both directions",
            from,
            to
        ))
        .also(
            reverse.first,
            say!("a request of {to}, lost on the way as well", to),
        )
}

/// The address that the peer spoke to before, if it never sent anything to that of the probe.
fn known_as(case: &Case<'_>, probe: &Probe<'_>) -> Option<IpAddr> {
    let heard = tap::messages_of(case, probe.vantage, probe.peer);
    let mut known = None;
    for address in heard.map(|message| message.path.to().address) {
        if address == probe.from.address {
            return None;
        }
        known = Some(address);
    }
    known
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136
        1 A > B ESP 0xb1 seq 1..60 every 0.5 size 136";

    #[test]
    fn two_taps_that_lose_each_other_blame_neither() {
        // Each line at the tap beside its sender, and a hop further at the other.
        let seen = |line: &str, own: &str, far: &str| format!("{line}{own}\n{line} ttl=63{far}\n");
        let up: String = UP
            .lines()
            .filter(|line| line.contains("IKE_"))
            .map(|line| match line.contains(" A:500 > ") {
                true => seen(line, "", " tap=1"),
                false => seen(line, " tap=1", ""),
            })
            .collect();
        let esp = seen("1 A > B ESP 0xb1 seq 1..8 every 1", "", " tap=1")
            + &seen("1.1 B > A ESP 0xa1 seq 1..8 every 1", " tap=1", "")
            + "60 A > B ESP 0xb1 seq 9..9 every 1
               60 B > A ESP 0xa1 seq 9..9 every 1 tap=1";
        let probe = |from: &str, to: &str, at: u32, tap: &str| {
            format!(
                "\n{at} {from}:500 > {to}:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=2,6,14{tap}"
            )
        };
        let one = format!("{up}{esp}{}", probe("A", "B", 12, ""));
        let title = fires(&one, "dpd-timeout").title.to_string();
        assert_eq!(title, "IKE from 192.0.2.1 to 192.0.2.2 is lost on the way");
        let both = format!("{one}{}", probe("B", "A", 13, " tap=1"));
        let finding = fires(&both, "dpd-timeout");
        assert_eq!(
            finding.title.to_string(),
            "The path between 192.0.2.1 and 192.0.2.2 is lost in both directions"
        );
        assert!(finding.alternatives.is_empty(), "{finding:#?}");
    }

    #[test]
    fn of_two_clients_of_one_nat_each_speaks_for_itself() {
        let text = |port: u32| {
            format!(
                "1 A:1024 > B:4500 ESP 0xb1 seq 1..10 every 0.5 size 136
                 1.1 B:4500 > A:1024 ESP 0xa1 seq 1..80 every 0.5 size 136
                 1 A:{port} > B:4500 ESP 0xb2 seq 1..80 every 0.5 size 136
                 2 A:1024 > B:4500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 80
                 2.1 B:4500 > A:1024 INFORMATIONAL i=1 r=2 id=2 response by=responder sealed 80
                 10 B:4500 > A:1024 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=2,5,9,16"
            )
        };
        let says = |text: &str| fires(text, "dpd-timeout").says.to_string();
        assert!(says(&text(2048)).contains("nothing of the peer was heard"));
        assert!(says(&text(1024)).contains("ESP of the peer goes on"));
        silent(&text(2048), "dpd-despite-traffic");
        fires(&text(1024), "dpd-despite-traffic");
    }

    #[test]
    fn checks_of_ikev1_of_which_a_tap_has_one_direction() {
        let checks = |tap: &str| -> String {
            (0..6)
                .map(|n| {
                    format!(
                        "{}.5 A:500 > B:500 INFO_V1 i=1 r=2 id={} sealed 92{tap}\n",
                        2 * n + 2,
                        n + 7
                    )
                })
                .collect()
        };
        let traffic = "
            1 A > B ESP 0xb1 seq 1..9 every 0.1 size 136
            1 B > A ESP 0xa1 seq 1..9 every 0.1 size 136";
        fires(&format!("{traffic}\n{}", checks("")), "dpd-timeout");
        silent(&format!("{traffic}\n{}", checks(" tap=1")), "dpd-timeout");
    }

    #[test]
    fn a_probe_in_vain_and_a_new_beginning() {
        verdict(
            &format!(
                "{UP}
                 15 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=2,5,9
                 31 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11
                 50 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce"
            ),
            "dpd-timeout",
        );
    }

    #[test]
    fn a_probe_that_is_answered_at_last() {
        silent(
            &format!(
                "{UP}
                 15 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=2,5
                 20.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
            ),
            "dpd-timeout",
        );
    }

    #[test]
    fn an_old_ike_sa_is_forgotten_while_the_new_one_lives() {
        let text = format!(
            "{UP}
             10 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             10.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             10.2 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
             10.3 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
             15 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=4,11
             20 A:500 > B:500 INFORMATIONAL i=7 r=8 id=2 request sealed 80
             20.1 B:500 > A:500 INFORMATIONAL i=7 r=8 id=2 response sealed 80
             11 B > A ESP 0xa2 seq 1..60 every 0.5 size 136
             11 A > B ESP 0xb2 seq 1..60 every 0.5 size 136"
        );
        silent(&text, "dpd-timeout");
        silent(&text, "dpd-despite-traffic");
    }

    #[test]
    fn the_deletion_of_an_old_ike_sa_is_not_answered_once_the_peer_forgot_it() {
        let text = |closing: u32| {
            format!(
                "{UP}
                 10 B:500 > A:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 10.1 A:500 > B:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 10.2 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                 10.3 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
                 11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed {closing} again=2,6,14
                 11 B > A ESP 0xa2 seq 1..90 every 0.5 size 136
                 11 A > B ESP 0xb2 seq 1..90 every 0.5 size 136"
            )
        };
        silent(&text(80), "dpd-timeout");
        silent(&text(80), "dpd-despite-traffic");
        // Too large for a deletion, and the peer goes on with the new one all the same.
        silent(&text(240), "dpd-timeout");
        let alone = text(240).replace("11 B > A ESP 0xa2 seq 1..90", "11 B > A ESP 0xa2 seq 1..3");
        fires(&alone, "dpd-timeout");
    }

    #[test]
    fn quick_mode_in_vain_after_all_of_the_peer_has_ceased() {
        let vain = "
            0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
            0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
            0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
            0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
            0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
            0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
            20 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188 again=8,18,30
            60 C > B ESP 0xc1";
        verdict(vain, "dpd-timeout");
        // Who speaks on is there.
        let speaks = "\n25 B:500 > A:500 INFO_V1 i=1 r=2 id=0x91 sealed 92";
        silent(&format!("{vain}{speaks}"), "dpd-timeout");
        // Where it was asked nothing of it came, though a tap beside it hears it.
        let beside = "\n25 B > A ESP 0xa1 seq 1..30 every 1 size 136";
        silent(&format!("{vain}{beside}"), "dpd-timeout");
        fires(&format!("{vain}{beside} tap=1"), "dpd-timeout");
    }

    #[test]
    fn a_peer_whose_own_requests_go_on_is_there() {
        silent(
            &format!(
                "{UP}
                 15 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=1,2.5,5
                 16.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 16.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator sealed 80
                 18.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 request by=responder sealed 80
                 18.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 response by=initiator sealed 80
                 25 A > B ESP 0xb1 seq 61"
            ),
            "dpd-timeout",
        );
    }

    #[test]
    fn a_peer_whose_own_requests_end_in_vain_as_well() {
        // Much of IKE is lost both ways, by chance, until one request has lost all its copies.
        let text = format!(
            "{UP}
             15 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=1.5,4,8,12
             16.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
             16.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator sealed 80
             22 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 request by=responder sealed 80 again=1.5,4,8"
        );
        fires(&text, "dpd-timeout");
        // Who asked still answers: the IKE SA lives.
        let answer = "31 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 response by=initiator sealed 80
                      36 B > A ESP 0xa1 seq 21";
        silent(&format!("{text}\n{answer}"), "dpd-timeout");
    }

    #[test]
    fn ikev1_probes_into_nothing() {
        verdict(
            "0   A:500 > B:500 QUICK i=1 r=2 id=7 sealed 188
             0.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1
             0.2 A:500 > B:500 QUICK i=1 r=2 id=7 sealed 76
             1   A > B ESP 0xb1 seq 1..20 every 0.5 size 136
             1.1 B > A ESP 0xa1 seq 1..8 every 0.5 size 136
             10  A:500 > B:500 INFO_V1 i=1 r=2 id=11 sealed 108
             14  A:500 > B:500 INFO_V1 i=1 r=2 id=12 sealed 108
             18  A:500 > B:500 INFO_V1 i=1 r=2 id=13 sealed 108
             22  A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14) again=2,5,9",
            "dpd-timeout",
        );
    }

    #[test]
    fn deletes_in_one_breath_are_no_probes() {
        silent(
            "0   A:500 > B:500 QUICK i=1 r=2 id=7 sealed 188
             0.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1
             0.2 A:500 > B:500 QUICK i=1 r=2 id=7 sealed 76
             10  A:500 > B:500 INFO_V1 i=1 r=2 id=11 sealed 76
             10.01 A:500 > B:500 INFO_V1 i=1 r=2 id=12 sealed 92
             14  A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             14.1 B:500 > A:500 MAIN i=5 r=6 SA(encr=7/256 hash=4 auth=1 group=14)",
            "dpd-timeout",
        );
    }

    #[test]
    fn ikev1_notifies_in_clear_are_no_probes_and_an_hour_is_no_interval() {
        let text = |info: &str, at: [u32; 3]| {
            let [one, two, three] = at;
            format!(
                "0   A:500 > B:500 QUICK i=1 r=2 id=7 sealed 188
                 0.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1
                 0.2 A:500 > B:500 QUICK i=1 r=2 id=7 sealed 76
                 1   A > B ESP 0xb1 seq 1..8 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..8 every 0.5 size 136
                 {one} A:500 > B:500 INFO_V1 i=1 r=2 id=11 {info}
                 {two} A:500 > B:500 INFO_V1 i=1 r=2 id=12 {info}
                 {three} A:500 > B:500 INFO_V1 i=1 r=2 id=13 {info}
                 9000 A > B ESP 0xb1 seq 9"
            )
        };
        verdict(&text("sealed 108", [10, 14, 18]), "dpd-timeout");
        silent(&text("sealed 108", [10, 4000, 8000]), "dpd-timeout");
        silent(&text("N(11)", [10, 14, 18]), "dpd-timeout");
    }

    #[test]
    fn what_the_peer_sends_at_its_own_tap_does_not_show_that_it_is_heard() {
        verdict(
            &format!(
                "{UP}
                 15 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=2,5,9
                 15 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 tap=1
                 16 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 request by=responder sealed 80 tap=1
                 17 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 request by=responder sealed 80 tap=1 again=2,5,9"
            ),
            "dpd-timeout",
        );
    }

    #[test]
    fn the_last_request_of_a_capture() {
        silent(
            &format!("{UP}\n30.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80"),
            "dpd-timeout",
        );
    }

    #[test]
    fn another_ike_sa_on_which_only_the_asker_speaks_shows_no_life() {
        let text = |more: &str| {
            format!(
                "{UP}
                 10 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 10.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 10.2 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                 10.3 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
                 15 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 240 again=4,11
                 14.9 B:500 > A:500 INFORMATIONAL i=7 r=8 id=0 request by=responder sealed 80
                 15.1 A:500 > B:500 INFORMATIONAL i=7 r=8 id=0 response by=initiator sealed 80
                 {more}
                 60 C > B ESP 0xc1"
            )
        };
        fires(&text(""), "dpd-timeout");
        silent(
            &text(
                "20 B:500 > A:500 INFORMATIONAL i=7 r=8 id=1 request by=responder sealed 80
                 20.1 A:500 > B:500 INFORMATIONAL i=7 r=8 id=1 response by=initiator sealed 80",
            ),
            "dpd-timeout",
        );
    }

    #[test]
    fn two_messages_of_ikev1_without_answer_are_probes_if_a_new_beginning_follows() {
        let text = |anew: &str| {
            format!(
                "0   A:500 > B:500 QUICK i=1 r=2 id=7 sealed 188
                 0.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1
                 0.2 A:500 > B:500 QUICK i=1 r=2 id=7 sealed 76
                 1   A > B ESP 0xb1 seq 1..20 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..8 every 0.5 size 136
                 10  A:500 > B:500 INFO_V1 i=1 r=2 id=11 sealed 108
                 14  A:500 > B:500 INFO_V1 i=1 r=2 id=12 sealed 108
                 {anew}
                 60 C > B ESP 0xc1"
            )
        };
        let anew = "22 A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14) again=2,5";
        fires(&text(anew), "dpd-timeout");
        silent(&text(""), "dpd-timeout");
    }

    #[test]
    fn who_is_behind_a_nat_and_was_silent_may_be_forgotten() {
        let forgot = |at: u32| {
            let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(10.0.0.5:500 B:500) ttl=63
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(B:500 A:500)
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240
                 {at} B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=4,11,24"
            );
            let finding = fires(&text, "dpd-timeout");
            let mut others = finding.alternatives.iter();
            others.any(|one| one.to_string().contains("the NAT forgot it"))
        };
        assert!(forgot(40));
        assert!(!forgot(10));
    }
}
