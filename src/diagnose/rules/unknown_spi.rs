//! ESP for an SA that its receiver does not know.

use crate::diagnose::facts::clear::Denial;
use crate::diagnose::facts::{child, child_made, clear, end_of, esp, quality, selectors};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::EspFlow;
use crate::registry::NotifyType;
use crate::say;
use crate::units::{EspSpi, Span};
use std::collections::BTreeMap;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "unknown-spi",
    code: "IKE306",
    severity: Severity::Error,
    summary: "ESP is sent on an SA that the receiver does not know",
    document: DOCUMENT,
    explains: &[
        "esp-one-way",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::NOTICE.or(Signs::ESP),
    check,
};

const DOCUMENT: &str = "\
## What it means
One side sends on an SA that the other has lost or deleted: after a restart, a failover, or a delete that did not arrive. All that traffic is thrown away.

## How it is seen
INVALID_SPI (11) in clear, in an informational message outside any SA. It is an error only if ESP goes on for many seconds on the SA that it names, and the other direction of that SA does not. With keys also: a side deletes the SA of packets towards it, and the other goes on sending on it for many seconds.

## What else looks like it
Notifications in clear can be forged; alone they prove little, and are told for information only. A few packets after a delete or a rekeying were under way.

## What to do
1. Restart the tunnel on the side that sends.
2. Enable dead peer detection, and the recovery from invalid SPIs where the gateway has it.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let denials = clear::denials(case, &[NotifyType::INVALID_SPI]);
    let Some(first) = denials.first() else {
        return sent_on(case).into_iter().collect();
    };
    let said = denials.iter().map(|denial| denial.count).sum::<u64>();
    let (from, times) = (
        first.from,
        child::times(usize::try_from(said).unwrap_or(usize::MAX)),
    );
    // Of many the one counts that what goes on bears out.
    let gone_on = denials
        .iter()
        .find_map(|denial| Some((denial.spi?, went_on(case, denial)?)));
    let spi = gone_on.map(|(spi, _)| spi).or(first.spi);
    let (severity, confidence) = match gone_on {
        Some(_) => (RULE.severity, Confidence::Likely),
        None => (Severity::Info, Confidence::Possible),
    };
    let after = after(case, first);
    let mut finding = Finding::new(&RULE, confidence, case.id, first.first, first.name.clone())
        .severity(severity)
        .title(say!(
            "{from} does not know the SA that it gets ESP on",
            from
        ))
        .says(
            match spi {
                Some(spi) => say!(
                    "{from} sent INVALID_SPI in clear {times}, about {spi}.",
                    from,
                    times,
                    spi
                ),
                None => say!("{from} sent INVALID_SPI in clear {times}.", from, times),
            }
            .then(match gone_on {
                Some((_, late)) => say!(
                    "At least {late} ESP packets came on it later than {settled} after that.",
                    late,
                    settled = SETTLED
                ),
                None => match after {
                    Some(After { known: true, .. }) => say!(
                        "ESP goes on in both directions of that SA all the same, so {from} knows it.",
                        from
                    ),
                    Some(After { lasted, .. }) if lasted > Span::default() => {
                        say!("ESP on it went on for {span} after that.", span = lasted)
                    }
                    _ => "No ESP goes on that bears this out.".into(),
                },
            }),
        )
        .or("The notification is forged: it is not authenticated.");
    // What works is not to be cut for one packet that anybody may have sent.
    if !after.is_some_and(|after| after.known) {
        finding = finding.advise("Restart the tunnel on the side that sends.");
    }
    finding = finding.advise("Enable dead peer detection on both sides.");
    let others = denials.iter().skip(1).map(|denial| denial.first);
    let last = denials.iter().filter(|denial| denial.count > 1);
    for at in others.chain(last.map(|denial| denial.last)) {
        finding = finding.also(at, "again");
    }
    vec![finding]
}

/// What was under way has arrived by then, and the delete too.
const SETTLED: Span = Span::from_secs(5);

/// So many packets after that are no stragglers.
const MANY: u64 = 10;

/// What becomes of the ESP on the SPI that a notification names.
#[derive(Clone, Copy, Debug)]
struct After {
    /// How long it goes on.
    lasted: Span,
    /// How many packets came long after the notification.
    late: u64,
    /// Whether the other direction of that SA goes on too: then both know it.
    known: bool,
}

/// How many packets came to who sent a notification on the SPI that it names, long after that. `None`
/// if they are few, or if both know the SA.
fn went_on(case: &Case<'_>, denial: &Denial) -> Option<u64> {
    let after = after(case, denial)?;
    (after.late >= MANY && !after.known).then_some(after.late)
}

/// What becomes of the ESP on the SPI that a notification names, if there is any.
fn after(case: &Case<'_>, denial: &Denial) -> Option<After> {
    let spi = denial.spi?;
    let (frame, time) = denial.first;
    let settled = time.later(SETTLED);
    let is_past = |flow: &EspFlow| {
        let input = case.model.inputs.get(usize::from(frame.input));
        input.is_none_or(|input| input.set == flow.key.vantage.input)
            && quality::clock_error(case.model, flow.key.vantage) == Span::default()
    };
    let flow = case.flows().find(|flow| {
        flow.key.spi == spi
            && end_of(case.tunnel, flow.key.to) == end_of(case.tunnel, denial.from)
            && is_past(flow)
    })?;
    let answered = others(case, flow).any(|other| esp::packets_since(other, settled) >= MANY);
    Some(After {
        lasted: flow.seen.last.1.since(time),
        late: esp::packets_since(flow, settled),
        known: answered,
    })
}

/// ESP on an SA that its receiver deleted, long after that.
fn sent_on(case: &Case<'_>) -> Option<Finding> {
    if !case.model.opened_any {
        return None;
    }
    // An SPI may be used anew for a child SA made later.
    let made_before =
        |flow: &EspFlow, time| child_made(case.model, flow).is_some_and(|made| made.1 < time);
    let mut flows: BTreeMap<EspSpi, Vec<&EspFlow>> = BTreeMap::new();
    for flow in case.flows() {
        flows.entry(flow.key.spi).or_default().push(flow);
    }
    case.tunnel
        .ike_sas
        .iter()
        .flat_map(|id| selectors::deletions(case.model, *id))
        .find_map(|deletion| {
            let selectors::Deletion {
                time,
                vantage,
                spi,
                by,
                ..
            } = deletion;
            // Where the clock was set back, or is another tap's, later is not known by time.
            let flow = flows.get(&spi)?.iter().find(|flow| {
                flow.key.vantage.input == vantage.input
                    && quality::clock_error(case.model, vantage) == Span::default()
                    && (flow.seen.first.1 < time || made_before(flow, time))
                    && end_of(case.tunnel, flow.key.to) == end_of(case.tunnel, by)
            })?;
            told_of(case, flow, &deletion)
        })
}

/// What is told of ESP on an SA that its receiver deleted. As long as that sends on the other SA of the pair it has
/// both; and until its Delete is answered it may keep them (RFC 7296 section 1.4.1), so that only the end of what it
/// sends shows that it gave them up.
fn told_of(case: &Case<'_>, flow: &EspFlow, deletion: &selectors::Deletion) -> Option<Finding> {
    let selectors::Deletion {
        time,
        spi,
        by,
        open,
        ..
    } = *deletion;
    let back = others(case, flow)
        .map(|back| back.seen.last)
        .max_by_key(|at| at.1);
    let back = back.filter(|at| at.1 > time);
    if open && back.is_none() {
        return None;
    }
    let gone = back.map_or(time, |at| at.1);
    // What bears a number that came before is a copy: of the net, or of another recording whose clock is off.
    let late = esp::packets_since(flow, gone.later(SETTLED));
    let late = late.saturating_sub(flow.sequence.duplicate);
    if late < MANY {
        return None;
    }
    let sender = flow.paths.first()?.from.address;
    let longest = flow.seen.last.1.since(gone);
    let base = match back {
        None => say!(
            "{by} deleted SA {spi}, on which it receives; {sender} sent at least {late} packets on it later than \
             {settled} after that, up to {longest} after it.",
            by,
            spi,
            sender,
            late,
            settled = SETTLED,
            longest
        ),
        Some(_) => say!(
            "{by} deleted SA {spi}, on which it receives, and sent on the other SA of the pair for {span} more; \
             {sender} sent at least {late} packets on {spi} later than {settled} after that, up to {longest} after it.",
            by,
            spi,
            span = gone.since(time),
            sender,
            late,
            settled = SETTLED,
            longest
        ),
    };
    let finding = Finding::new(
        &RULE,
        Confidence::Certain.lower_if(open),
        case.id,
        flow.seen.last,
        say!("still sent on {spi}", spi),
    )
    .also((deletion.frame, time), say!("{by} deletes {spi}", by, spi))
    .during(time, flow.seen.last.1)
    .title(say!(
        "{sender} sends on an SA that {by} has deleted",
        sender,
        by
    ));
    let finding = match back {
        Some(at) => finding.also(
            at,
            say!("the last ESP of {by} on the other SA of the pair", by),
        ),
        None => finding,
    };
    Some(match open {
        false => finding
            .says(base.then("They are thrown away."))
            .advise(say!("Restart the tunnel at {sender}.", sender))
            .advise("Enable dead peer detection on both sides."),
        true => finding
            .says(base.then(say!(
                "The delete was not answered: {sender} may know nothing of it, and {by} gave up waiting.",
                sender,
                by
            )))
            .or(say!("The hosts behind {by} do not answer any more, and it holds the SA still.", by))
            .advise(say!(
                "See why IKE of {by} does not reach {sender}, or is not answered.",
                by,
                sender
            ))
            .advise(say!("Restart the tunnel at {sender}.", sender))
            .advise(say!(
                "Enable dead peer detection at {sender}: it notices that the SAs are gone.",
                sender
            )),
    })
}

/// The other direction of a child SA at the tap of a flow.
fn others<'m>(case: &Case<'m>, flow: &EspFlow) -> impl Iterator<Item = &'m EspFlow> {
    let model = case.model;
    let child = flow.child_sa.child_sa();
    let flows = child.into_iter().flat_map(|id| model.child_sas[id].flows);
    let (spi, vantage) = (flow.key.spi, flow.key.vantage);
    flows
        .flatten()
        .map(|id| &model.flows[id])
        .filter(move |other| other.key.spi != spi && other.key.vantage == vantage)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};
    use crate::diagnose::{Confidence, Severity};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        20 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder opened D(ESP 0xb1)
        20.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator opened D(ESP 0xa1)";

    #[test]
    fn what_is_said_again_is_counted_and_cited() {
        let found = fires(
            "1 A > B ESP 0xb1 seq 100..300 every 0.1 size 136
             1.1 B:500 > A:500 INFORMATIONAL i=5 r=0 id=0 request N(INVALID_SPI 000000b1)
             2.1 B:500 > A:500 INFORMATIONAL i=6 r=0 id=0 request N(INVALID_SPI 000000b1)
             3.1 B:500 > A:500 INFORMATIONAL i=7 r=0 id=0 request N(INVALID_SPI 000000b1)",
            "unknown-spi",
        );
        let says = found.says.to_string();
        assert!(says.contains("3 times, about 0x000000b1"), "{says}");
        assert_eq!(found.evidence.len(), 2);
    }

    #[test]
    fn what_two_taps_record_is_said_once() {
        let said = "1.1 B:500 > A:500 INFORMATIONAL i=5 r=0 id=0 request N(INVALID_SPI 000000b1)";
        let text =
            format!("1 A > B ESP 0xb1 seq 100..300 every 0.1 size 136\n{said}\n{said} tap=1");
        let found = fires(&text, "unknown-spi");
        assert!(
            found.says.to_string().contains("in clear once"),
            "{found:?}"
        );
        assert_eq!(found.evidence.len(), 1);
    }

    #[test]
    fn esp_goes_on_after_its_receiver_deleted_the_sa() {
        fires(
            &format!("{UP}\n1 A > B ESP 0xb1 seq 1..100 every 0.5"),
            "unknown-spi",
        );
    }

    #[test]
    fn what_is_sent_both_ways_after_a_delete_is_not_thrown_away() {
        // Nobody answers the delete, so who asked keeps the SA meanwhile.
        let asked = UP.replace("20.1 A:500", "# ");
        let text = |back: u32| {
            format!(
                "{asked}
                 21.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder opened D(ESP 0xb1)
                 23.9 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder opened D(ESP 0xb1)
                 1 A > B ESP 0xb1 seq 1..100 every 0.5
                 1.1 B > A ESP 0xa1 seq 1..{back} every 0.5"
            )
        };
        silent(&text(100), "unknown-spi");
        // Nothing shows when it gives up.
        silent(&text(30), "unknown-spi");
        let found = fires(&text(60), "unknown-spi");
        assert_eq!(found.confidence, Confidence::Likely);
        let says = found.says.to_string();
        assert!(says.contains("The delete was not answered"), "{says}");
    }

    #[test]
    fn who_answers_a_delete_and_sends_on_both_ways_has_both_sas() {
        let text = |back: u32| {
            format!(
                "{UP}\n1 A > B ESP 0xb1 seq 1..100 every 0.5\n1.1 B > A ESP 0xa1 seq 1..{back} every 0.5"
            )
        };
        silent(&text(100), "unknown-spi");
        let found = fires(&text(60), "unknown-spi");
        assert_eq!(found.confidence, Confidence::Certain);
    }

    #[test]
    fn copies_long_after_a_delete_were_not_sent_then() {
        silent(
            &format!(
                "{UP}\n1 A > B ESP 0xb1 seq 1..35 every 0.5\n3601 A > B ESP 0xb1 seq 1..35 every 0.5"
            ),
            "unknown-spi",
        );
    }

    #[test]
    fn stragglers_after_a_delete_were_under_way() {
        silent(
            &format!("{UP}\n1 A > B ESP 0xb1 seq 1..40 every 0.5\n40 A > C ESP 0xc1"),
            "unknown-spi",
        );
    }

    #[test]
    fn a_delete_at_one_tap_tells_nothing_of_times_at_another() {
        silent(
            &format!("{UP}\n1 A > B ESP 0xb1 seq 1..100 every 0.5 tap=1"),
            "unknown-spi",
        );
    }

    #[test]
    fn invalid_spi_in_clear() {
        let finding = fires(
            "1 A > B ESP 0xb1 seq 100..200 every 0.1 size 136
             1.1 B:500 > A:500 INFORMATIONAL i=5 r=0 id=0 request N(INVALID_SPI 000000b1)",
            "unknown-spi",
        );
        assert_eq!(
            (finding.severity, finding.confidence),
            (Severity::Error, Confidence::Likely)
        );
    }

    #[test]
    fn invalid_spi_that_nothing_bears_out_is_information() {
        // A straggler after a rekeying; another SPI than any in use; an SA that is used both ways.
        for text in [
            "1 A > B ESP 0xb1 seq 100..140 every 0.1 size 136
             1.1 B:500 > A:500 INFORMATIONAL i=5 r=0 id=0 request N(INVALID_SPI 000000b1)
             20 A > B ESP 0xb2 seq 1..40 every 0.1 size 136",
            "1 A > B ESP 0xb1 seq 100..200 every 0.1 size 136
             1.1 B:500 > A:500 INFORMATIONAL i=5 r=0 id=0 request N(INVALID_SPI 000000b7)",
            &format!(
                "{}\n1 A > B ESP 0xb1 seq 1..100 every 0.2
                 1 B > A ESP 0xa1 seq 1..100 every 0.2
                 2 B:500 > A:500 INFORMATIONAL i=5 r=0 id=0 request N(INVALID_SPI 000000b1)",
                UP.replace("D(ESP", "# D(ESP")
            ),
        ] {
            let finding = fires(text, "unknown-spi");
            assert_eq!(finding.severity, Severity::Info, "{text}");
        }
    }

    #[test]
    fn an_old_spi_that_falls_silent_after_rekeying_is_known() {
        silent(
            "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
             11 A > B ESP 0xb2 seq 1..100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..101 every 0.1 size 136
             11 B > A ESP 0xa2 seq 1..100 every 0.1 size 136",
            "unknown-spi",
        );
    }
}
