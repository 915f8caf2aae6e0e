//! Liveness checks go unanswered while ESP of the peer keeps arriving.

use crate::diagnose::facts::{Passage, Tap, end_of, esp, probe};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{EspFlow, IkeSa, Transport};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Timestamp;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "dpd-despite-traffic",
    code: "IKE320",
    severity: Severity::Warning,
    summary: "Liveness checks fail although ESP of the peer keeps arriving",
    document: DOCUMENT,
    explains: &[
        "dpd-timeout",
        "ike-no-response",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
    ],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
One side asks whether the other is alive and gets no answer, yet the other's traffic keeps arriving. The tunnel works and is given up all the same: only IKE is lost. A firewall may have forgotten the state of UDP 500, while protocol 50 passes by a rule of its own.

## How it is seen
A request on an established IKE SA is repeated in vain (see dpd-timeout), and ESP of the peer, on an SA that was in use before, still arrives after the last copy. IKE of the peer was seen at this tap before.

## What else looks like it
A path that is lost in one direction: then the peer cannot hear the requests and goes on sending for a while. Where IKE and ESP share UDP 4500, a filter that takes one for the other is rare, so this is the likelier reason. A peer whose IKE daemon hangs while its kernel forwards.

## What to do
1. Look for a firewall in between that forgets UDP 500 or 4500; permit both always, not only by state.
2. Let liveness checks count traffic as a sign of life, where the implementation can (RFC 7296 section 2.4).
3. See that the IKE daemon of the peer runs.
";

/// So many packets after the first copy show a peer that is alive.
const ALIVE: u64 = 5;

fn check(case: &Case<'_>) -> Vec<Finding> {
    find(case).into_iter().collect()
}

fn find(case: &Case<'_>) -> Option<Finding> {
    let (sa, probe) = probe::probe(case)?;
    if is_no_check(case, sa, &probe) {
        return None;
    }
    let (peer, input) = (probe.peer, probe.vantage.input);
    let heard_ike = case.messages().any(|message| {
        message.vantage.input == input
            && message.time < probe.first.1
            && end_of(case.tunnel, message.path.from().address) == Some(peer)
    });
    let (flow, last, packets) = case
        .directions()
        .iter()
        .filter(|directions| directions.vantage.input == input)
        .flat_map(|directions| directions.flows_from(1 - peer, probe.to))
        .filter_map(|flow| alive(flow, probe.first.1, probe.last.1))
        .max_by_key(|(_, last, _)| last.1)?;
    // ESP that pauses whenever the request is sent is lost as that is.
    if !heard_ike || probe.pauses(&[flow]).is_some() {
        return None;
    }
    let shared = flow.key.transport != Transport::Ip;
    // Who still sends on its SAs has given nothing up.
    let sends = case.directions().iter().any(|directions| {
        let last = directions.last(peer);
        directions.vantage.input == input
            && last.is_some_and(|last| last.1.since(probe.last.1) >= Tap::PATIENCE)
    });
    let given_up = !sends || probe::begun_anew(case, sa, probe.last.1).is_some();
    let passage = Passage::of(case, probe.flight);
    let proven = passage.as_ref().is_some_and(Passage::is_proven);
    let finding = Finding::new(
        &RULE,
        match (proven, shared) {
            (true, _) => Confidence::Certain,
            (false, true) => Confidence::Possible,
            (false, false) => Confidence::Likely,
        },
        case.id,
        probe.first,
        say!(
            "{kind} to {to}, never answered",
            kind = Text::verbatim(probe.kind),
            to = probe.to
        ),
    )
    .also(probe.last, "last copy, unanswered")
    .also(last, "ESP of the peer, after it")
    .title(match given_up {
        true => say!("{to} is given up although its ESP arrives", to = probe.to.address),
        false => say!("{to} answers no IKE although its ESP arrives", to = probe.to.address),
    })
    .says(
        say!(
            "{from}: {kind} was {schedule} and not answered, while {packets} of {to} came on SA {spi} after the \
             first copy, the last one {span} after the last copy.",
            from = probe.from,
            kind = Text::verbatim(probe.kind),
            schedule = &probe.schedule,
            packets = count(packets, "ESP packet"),
            to = probe.to.address,
            spi = flow.key.spi,
            span = last.1.since(probe.last.1)
        )
        .then(probe::after(case, sa, (probe.first.1, probe.last.1))),
    )
    .or("The path is lost in one direction only: the peer does not hear the requests and goes on sending.")
    .or("The IKE daemon of the peer hangs while its kernel forwards.")
    .advise("Look for a firewall in between that forgets UDP 500 or 4500 while it lets ESP pass.");
    let finding = match probe.kind {
        // A child SA is not renewed by traffic.
        ExchangeType::CREATE_CHILD_SA => finding
            .or("The peer receives this request and does not work on it.")
            .advise("Read the log of the peer: if the request arrives, compare ESP proposals, PFS groups and traffic selectors of both sides."),
        _ => finding.advise("Let traffic count as a sign of life, where the implementation can."),
    };
    // ESP that has the port of IKE makes it no surer, and dpd-timeout tells the same.
    let finding = match shared && !proven {
        true => finding.severity(Severity::Info),
        false => finding,
    };
    Some(match passage {
        Some(passage) => passage.tell(case.model, finding, "the request"),
        None => finding,
    })
}

/// Whether an informational request holds something, as far as its size tells: a liveness check is empty (RFC
/// 7296 section 1.4), and who deletes has given up the SA already.
fn is_no_check(case: &Case<'_>, sa: &IkeSa, probe: &probe::Probe<'_>) -> bool {
    let id = sa
        .exchanges
        .first()
        .map(|id| case.model.exchanges[*id].ike_sa);
    let size = id.and_then(|id| case.model.plaintext_range(id, probe.flight));
    probe.kind == ExchangeType::INFORMATIONAL && size.is_some_and(|size| *size.start() > 0)
}

/// The last packet of a flow that was in use before the first copy and is after the last, and how
/// many came since the first.
fn alive(flow: &EspFlow, first: Timestamp, last: Timestamp) -> Option<(&EspFlow, Cite, u64)> {
    let packets = esp::packets_since(flow, first);
    let lives = flow.seen.first.1 < first && flow.seen.last.1 > last && packets >= ALIVE;
    lives.then_some((flow, flow.seen.last, packets))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..120 every 0.5 size 136";

    const PROBE: &str =
        "\n15 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=4,11,24";

    #[test]
    fn esp_of_the_peer_goes_on_past_the_last_copy() {
        let text = format!("{UP}\n1.1 B > A ESP 0xa1 seq 1..120 every 0.5 size 136{PROBE}");
        verdict(&text, "dpd-despite-traffic");
        // Who asks goes on as well until it begins anew.
        let title = |text: &str| fires(text, "dpd-despite-traffic").title.to_string();
        assert!(title(&text).contains("answers no IKE"), "{}", title(&text));
        let anew = "
            60 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce";
        let given_up = title(&format!("{text}{anew}"));
        assert!(given_up.contains("is given up"), "{given_up}");
    }

    #[test]
    fn a_peer_that_falls_silent_is_a_plain_timeout() {
        let text = format!("{UP}\n1.1 B > A ESP 0xa1 seq 1..25 every 0.5 size 136{PROBE}");
        silent(&text, "dpd-despite-traffic");
        verdict(&text, "dpd-timeout");
    }

    #[test]
    fn esp_of_a_new_sa_is_no_sign_of_the_old() {
        silent(
            &format!(
                "{UP}\n1.1 B > A ESP 0xa1 seq 1..25 every 0.5 size 136{PROBE}
                 50 B > A ESP 0xa2 seq 1..25 every 0.5 size 136"
            ),
            "dpd-despite-traffic",
        );
    }

    #[test]
    fn a_probe_that_is_answered_at_last() {
        silent(
            &format!(
                "{UP}\n1.1 B > A ESP 0xa1 seq 1..120 every 0.5 size 136{PROBE}
                 39.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
            ),
            "dpd-despite-traffic",
        );
    }

    #[test]
    fn a_deletion_that_is_not_answered_is_no_failed_liveness_check() {
        let text = |length: u32| {
            let suite = "SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_384 DH20)";
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {suite} KE(20) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {suite} KE(20) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 209
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 189
                 1 A > B ESP 0xb1 seq 1..25 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..120 every 0.5 size 136
                 15 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed {length} again=4,11,24"
            )
        };
        verdict(&text(57), "dpd-despite-traffic");
        // That of an ESP SA.
        silent(&text(69), "dpd-despite-traffic");
    }
}
