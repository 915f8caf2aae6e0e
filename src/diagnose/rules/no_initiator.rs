//! The tunnel is down and wanted, and nobody begins to negotiate.

use crate::diagnose::facts::life::{self, Birth, Closing};
use crate::diagnose::facts::{end_of, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count, list};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "no-initiator",
    code: "IKE318",
    severity: Severity::Warning,
    summary: "The tunnel is down, and nobody begins to negotiate",
    document: DOCUMENT,
    explains: &["tunnel-deleted", "clear-text-leak"],
    needs: Signs::SEVERAL.or(Signs::CLEAR),
    check,
};

const DOCUMENT: &str = "\
## What it means
A tunnel was closed, and neither side sets it up again: each waits for the other, or for traffic from behind one of them. Cloud gateways often only respond; many devices begin only when a packet wants through.

## How it is seen
Either traffic flowed up to a delete, both sides were silent for a minute or more, and then the side that had not deleted began, with its own traffic first on the new SA: twice or more. Or packets between private networks passed in clear, beside the tunnel, for half a minute within a time of a minute or more in which there was neither ESP nor IKE, after what may have deleted the tunnel.

## What else looks like it
An administrator who closed the tunnel and meant it. On a link that tunnels of several parties share nothing tells whose tunnel the packets in clear want, and nothing is said. A connection that is disabled on both sides. Attempts that go unanswered are no silence: see ike-no-response.

## What to do
1. Let one side start the tunnel by itself and keep it (strongSwan: start_action = start or trap, dpd_action = restart, close_action).
2. Or send something through it all the time: a ping, a health check.
";

/// A tunnel that nobody sets up for this long.
const SILENCE: Span = Span::from_secs(60);

/// Traffic that wants through for this long.
const WANTED: Span = Span::from_secs(30);

/// Traffic that ended this close to the delete was cut off by it.
const CUT: Span = Span::from_secs(5);

/// Traffic that comes this soon was what the new SA was made for.
const AT_ONCE: Span = Span::from_secs(2);

/// So many waits are looked into: each takes a look at all packets.
const LOOKED_AT: usize = 64;

/// So many times make a pattern.
const PATTERN: usize = 2;

fn check(case: &Case<'_>) -> Vec<Finding> {
    by_traffic(case)
        .or_else(|| in_clear(case))
        .into_iter()
        .collect()
}

/// A delete, a long silence, and a beginning by the other side for its own traffic.
fn by_traffic(case: &Case<'_>) -> Option<Finding> {
    let births = case.births();
    let waits: Vec<(Closing, Birth)> = births
        .windows(2)
        .filter_map(|pair| {
            let [old, next] = pair else { return None };
            let closing = life::closing(case.model, old.ike_sa)?;
            let long = next.asked.1.since(closing.at.1) >= SILENCE;
            long.then_some((closing, *next))
        })
        .take(LOOKED_AT)
        .filter(|(closing, next)| waited(case, *closing, next))
        .collect();
    let (closing, next) = waits.first()?;
    let pauses = list(waits.iter().take(8).map(|(closing, next)| {
        let pause = next.asked.1.since(closing.at.1).as_secs_f64();
        Text::verbatim(format_args!("{pause:.0}"))
    }));
    let pattern = waits.len() >= PATTERN;
    let mut finding = Finding::new(
        &RULE,
        match pattern {
            true => Confidence::Likely,
            false => Confidence::Possible,
        },
        case.id,
        next.asked,
        "the tunnel is set up again",
    )
    .also(
        closing.at,
        say!("the delete by {from}, after which both are silent", from = closing.from),
    )
    .severity(match pattern {
        true => RULE.severity,
        false => Severity::Info,
    })
    .title(say!(
        "The tunnel stays down until {initiator} has traffic",
        initiator = next.initiator
    ))
    .says(say!(
        "{times} the tunnel was deleted while traffic flowed, and then nobody set it up for {pauses} s, until \
         {initiator} did, whose traffic came first on the new SA.",
        times = count(waits.len() as u64, "time"),
        pauses,
        initiator = next.initiator
    ))
    .or("An administrator closed the tunnel and opened it again.");
    for (closing, next) in waits.iter().skip(1) {
        finding = finding
            .also(closing.at, "deleted again")
            .also(next.asked, "and set up again");
    }
    Some(advised(finding))
}

/// Whether the delete cut traffic off, and the other side began long after it, for traffic of its own.
fn waited(case: &Case<'_>, closing: Closing, next: &Birth) -> bool {
    let Some(end) = end_of(case.tunnel, next.initiator) else {
        return false;
    };
    let silence = !case
        .messages()
        .any(|message| message.time.since(closing.at.1) > CUT && message.time < next.asked.1);
    silence
        && Some(end) != end_of(case.tunnel, closing.from)
        && case.directions().iter().any(|directions| {
            let flows = || directions.all();
            let cut = flows().any(|flow| {
                let last = flow.seen.last.1;
                flow.packets >= 10
                    && closing.at.1.since(last) <= CUT
                    && last.since(closing.at.1) <= CUT
            });
            let between = flows().any(|flow| {
                flow.seen.first.1 < next.asked.1 && flow.seen.last.1.since(closing.at.1) > CUT
            });
            let begins = |to: usize| {
                let new = directions.flows(to).iter().map(|flow| flow.seen.first.1);
                new.filter(|time| *time >= next.up.1).min()
            };
            let (own, other) = (begins(1 - end), begins(end));
            let at_once = own.is_some_and(|time| time.since(next.up.1) <= AT_ONCE);
            cut && !between && at_once && other.is_none_or(|other| own < Some(other))
        })
}

/// Packets that want through pass in clear, and nobody negotiates.
fn in_clear(case: &Case<'_>) -> Option<Finding> {
    let leaks = case.leaks().rows();
    let leak = leaks.first()?;
    // Of several parties nothing tells whose tunnel they want.
    if case.leaks().are_in_transit(case, leak) {
        return None;
    }
    let (begin, until, before) = silence(case, leak.vantage)?;
    if !was_closed(case, begin) {
        return None;
    }
    let (mut cite, mut packets, mut all_within) = (None, 0, true);
    for leak in leaks {
        let from = leak.seen.first.1.max(begin);
        let to = leak.seen.last.1.min(until);
        if to.since(from) >= WANTED && leak.requests >= 3 {
            let within = [leak.seen.first, leak.seen.last]
                .into_iter()
                .find(|seen| seen.1 >= begin && seen.1 <= until);
            cite = cite.or(within.map(|within| (within, *leak)));
            packets += leak.packets;
            all_within &= leak.seen.first.1 >= begin && leak.seen.last.1 <= until;
        }
    }
    let (at, leak) = cite?;
    let finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        at,
        say!(
            "{from} > {to} in clear, while nobody negotiates",
            from = leak.from,
            to = leak.to
        ),
    )
    .also(before, "the last packet of the tunnel before")
    .during(begin, until)
    .title("Traffic wants through, and nobody sets up the tunnel")
    .says(say!(
        "For {silence} there was neither ESP nor IKE between {one} and {two}, although the tunnel had been up; \
         meanwhile {packets} from {from} to {to} passed in clear.",
        silence = until.since(begin),
        one = case.tunnel.ends[0],
        two = case.tunnel.ends[1],
        // Of those that came before or since, too, nobody counted which came meanwhile.
        packets = match all_within {
            true => count(packets, "packet"),
            false => "some of the packets".into(),
        },
        from = leak.from,
        to = leak.to
    ))
    .or("The connection is disabled, or these packets are not meant for the tunnel.");
    Some(advised(finding))
}

/// Whether an IKE SA may have been deleted just before a silence: a tunnel that is idle is silent, too, and
/// what passes beside it is none of what it would carry.
fn was_closed(case: &Case<'_>, begin: Timestamp) -> bool {
    let closings = case.tunnel.ike_sas.iter();
    closings
        .filter_map(|id| life::closing(case.model, *id))
        .any(|closing| closing.at.1 <= begin && begin.since(closing.at.1) <= CUT)
}

/// The longest time without ESP and IKE at a vantage, after the tunnel was up and before anything or
/// the end of the recording; and the last packet before it.
fn silence(case: &Case<'_>, vantage: Vantage) -> Option<(Timestamp, Timestamp, Cite)> {
    // An attempt that failed is a reason of its own.
    if case.tunnel.ike_sas.is_empty() || !case.ike_sas().all(|sa| sa.state.was_up()) {
        return None;
    }
    let mut busy: Vec<(Timestamp, Cite)> = case
        .messages()
        .filter(|message| message.vantage == vantage)
        .map(|message| (message.time, (message.frame, message.time)))
        .collect();
    busy.extend(
        case.flows()
            .filter(|flow| flow.key.vantage == vantage)
            .map(|flow| (flow.seen.first.1, flow.seen.last)),
    );
    busy.sort_unstable();
    let end = tap::ended(case.model, vantage)?;
    let mut found: Option<(Timestamp, Timestamp, Cite)> = None;
    let mut reached: Option<Cite> = None;
    for (begin, last) in busy
        .iter()
        .map(|(begin, last)| (*begin, Some(*last)))
        .chain([(end, None)])
    {
        if let Some(before) = reached
            && begin.since(before.1) >= SILENCE
            && found.is_none_or(|(from, to, _)| begin.since(before.1) > to.since(from))
        {
            found = Some((before.1, begin, before));
        }
        if reached.is_none_or(|before| last.is_some_and(|last| last.1 > before.1)) {
            reached = last;
        }
    }
    found
}

fn advised(finding: Finding) -> Finding {
    finding
        .advise("Let one side start the tunnel by itself, and again when it is deleted or lost.")
        .advise("Or keep traffic in it all the time: a ping, a health check.")
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    /// A tunnel that A sets up at `at` for traffic of its own, and that `by` deletes after 20 s.
    fn life(at: u32, by: char) -> String {
        let to = if by == 'A' { 'B' } else { 'A' };
        let (spi, end) = (at + 1, at + 20);
        format!(
            "{at}.0 A:500 > B:500 IKE_SA_INIT i={spi} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 B:500 > A:500 IKE_SA_INIT i={spi} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.2 A:500 > B:500 IKE_AUTH i={spi} r=9 id=1 request sealed 256
             {at}.3 B:500 > A:500 IKE_AUTH i={spi} r=9 id=1 response sealed 240
             {at}.5 A > B ESP 0xb{spi} seq 1..38 every 0.5 size 136
             {at}.6 B > A ESP 0xa{spi} seq 1..38 every 0.5 size 136
             {end}.0 {by}:500 > {to}:500 INFORMATIONAL i={spi} r=9 id={id} request sealed 80
             {end}.1 {to}:500 > {by}:500 INFORMATIONAL i={spi} r=9 id={id} response sealed 80\n",
            id = if by == 'A' { 2 } else { 0 },
        )
    }

    #[test]
    fn a_tunnel_that_waits_for_traffic_each_time() {
        let text = life(0, 'B') + &life(150, 'B') + &life(260, 'B');
        verdict(&text, "no-initiator");
    }

    #[test]
    fn once_is_worth_a_line() {
        let finding = fires(&(life(0, 'B') + &life(150, 'B')), "no-initiator");
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn a_capture_that_ends_with_a_delete() {
        silent(&(life(0, 'B') + "200 A > C ESP 0xc1"), "no-initiator");
    }

    #[test]
    fn who_deletes_and_begins_again_had_a_reason() {
        silent(
            &(life(0, 'A') + &life(150, 'A') + &life(260, 'A')),
            "no-initiator",
        );
    }

    #[test]
    fn a_tunnel_set_up_again_at_once() {
        silent(
            &(life(0, 'B') + &life(22, 'B') + &life(45, 'B')),
            "no-initiator",
        );
    }

    #[test]
    fn traffic_in_clear_while_nobody_begins() {
        let text = life(0, 'B') + "25 10.1.0.5 > 10.2.0.9 CLEAR 6 count 90 every 1 requests 90\n";
        fires(&text, "no-initiator");
    }

    #[test]
    fn traffic_in_clear_beside_a_living_tunnel_or_failing_attempts() {
        let clear = "25 10.1.0.5 > 10.2.0.9 CLEAR 6 count 90 every 1 requests 90\n";
        let living = "15 A > B ESP 0xb7 seq 1..100 every 1 size 136\n";
        let failing = "30 A:500 > B:500 IKE_SA_INIT i=77 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11,24\n";
        for more in [living, failing] {
            silent(&(life(0, 'B') + clear + more), "no-initiator");
        }
    }

    #[test]
    fn an_idle_tunnel_is_not_closed() {
        let clear = "25 10.1.0.5 > 10.2.0.9 CLEAR 6 count 90 every 1 requests 90\n";
        let closed = life(0, 'B') + clear;
        // The same tunnel without the delete, and with a liveness check long before traffic ends.
        let idle = closed.replace(
            "20.0 B:500 > A:500 INFORMATIONAL i=1 r=9 id=0",
            "10.0 B:500 > A:500 INFORMATIONAL i=1 r=9 id=0",
        );
        let idle = idle.replace(
            "20.1 A:500 > B:500 INFORMATIONAL i=1 r=9 id=0",
            "10.1 A:500 > B:500 INFORMATIONAL i=1 r=9 id=0",
        );
        fires(&closed, "no-initiator");
        assert_ne!(idle, closed);
        silent(&idle, "no-initiator");
        verdict(&idle, "clear-text-leak");
    }

    #[test]
    fn on_a_link_of_several_parties_nobody_knows_who_wants_what() {
        let clear = "25 10.1.0.5 > 10.2.0.9 CLEAR 6 count 90 every 1 requests 90\n";
        let others = "1 203.0.113.1 > 203.0.113.2 ESP 0xe1 seq 1..200 every 1
                      1.5 203.0.113.2 > 203.0.113.1 ESP 0xe2 seq 1..200 every 1\n";
        let alone = life(0, 'B') + clear;
        fires(&alone, "no-initiator");
        silent(&(alone + others), "no-initiator");
    }

    #[test]
    fn traffic_that_began_before_the_new_setup_leaves_no_pause() {
        let text = life(0, 'B') + &life(150, 'B') + &life(260, 'B');
        let between = "170.5 A > B ESP 0xb9 seq 1..40 every 0.5 size 136\n";
        let waits = |more: &str| {
            crate::diagnose::testing::findings(&(text.clone() + more))
                .iter()
                .find(|found| found.rule.slug == "no-initiator")
                .map(|found| found.severity)
        };
        assert!(waits("") > Some(Severity::Info));
        assert!(waits(between) <= Some(Severity::Info));
    }

    #[test]
    fn the_silence_begins_after_what_lasted_longest() {
        let clear = "25 10.1.0.5 > 10.2.0.9 CLEAR 6 count 200 every 1 requests 200\n";
        let text = life(0, 'B') + clear;
        fires(&text, "no-initiator");
        // Less than a minute after the delete the recording ends.
        silent(
            &text.replace(
                "count 200 every 1 requests 200",
                "count 50 every 1 requests 50",
            ),
            "no-initiator",
        );
        // It began before another flow that ended sooner.
        let long = "0.6 A > B ESP 0xb7 seq 1..230 every 1 size 136\n";
        silent(&(text + long), "no-initiator");
    }
}
