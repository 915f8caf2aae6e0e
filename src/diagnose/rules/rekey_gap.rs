//! Traffic pauses at the rekeying of a child SA.

use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{began, first, rekey};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{EspFlow, Seen};
use crate::say;
use crate::units::{Span, Timestamp};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "rekey-gap",
    code: "IKE322",
    severity: Severity::Warning,
    summary: "Traffic pauses for seconds at a rekeying",
    document: DOCUMENT,
    explains: &["path-outage"],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
A steady stream stops when its SA is replaced, and goes on after a second or more. The new SA is installed too late: hardware that takes over encryption is slow to load it, or the rekeying begins only when the volume of the old SA is used up. If its first numbers are missing, it was used at once, and its first packets were lost before the tap, or by the recording. Every rekeying then costs packets, and sessions with short timers (BGP, health checks) break.

## How it is seen
Two SAs follow one another in one direction, and CREATE_CHILD_SA or quick mode falls between them. Before and after, packets come closely; between the last on the old SA and the first on the new one lies a pause many times longer than any other. It is a warning if the other direction goes on meanwhile; with both directions silent a sender that stopped by itself is as likely, and it is told for information only.

## What else looks like it
Traffic that comes and goes by itself: then the stream pauses at other times too, and this rule is silent. A recording that missed packets.

## What to do
1. Rekey earlier: a larger margin before the end of the SA, in time and in volume.
2. Switch off the hardware offload of IPsec for a trial, and look for a newer version of the gateway.
3. Remove limits of volume that the rate of the link uses up within minutes.
";

/// Shorter pauses are unnoticed.
const SHORT: Span = Span::from_secs(1);

/// Longer ones are outages.
const LONG: Span = Span::from_secs(30);

/// Fewer packets tell no pace.
const MANY: u64 = 50;

/// A pause stands out if it is so many times the mean interval, and the longest other pause.
const OUT_OF_PACE: i64 = 20;
const LONGEST: i64 = 3;

/// Where the old SA may end: a little before the rekeying is asked for, if its volume was used up,
/// until what was under way at its answer has arrived.
const BEFORE: Span = Span::from_millis(500);
const AFTER: Span = Span::from_secs(2);

/// A rekeying of child SAs: when and by whom it was asked for, and when it was answered.
#[derive(Clone, Copy, Debug)]
struct Rekeying {
    asked: Cite,
    answered: Cite,
    by: IpAddr,
}

/// A pause between an SA and the next of its direction.
#[derive(Clone, Copy, Debug)]
struct Pause<'m> {
    old: &'m EspFlow,
    new: &'m EspFlow,
    rekeying: Rekeying,
    /// Whether the other direction went on meanwhile.
    alone: bool,
    /// Whether anything came in the other direction meanwhile.
    others: bool,
}

impl Pause<'_> {
    fn length(&self) -> Span {
        self.new.seen.first.1.since(self.old.seen.last.1)
    }

    /// Whether the old SA carried nothing more for some time before the rekeying was asked for: longer than
    /// its packets lie apart.
    fn ran_out(&self) -> bool {
        /// So many of its mean intervals.
        const INTERVALS: i64 = 5;
        let Seen { first, last } = self.old.seen;
        let packets = i64::try_from(self.old.packets).unwrap_or(i64::MAX);
        let waited = self
            .rekeying
            .asked
            .1
            .since(last.1)
            .0
            .saturating_mul(packets);
        waited > last.1.since(first.1).0.saturating_mul(INTERVALS)
    }
}

fn check(case: &Case<'_>) -> Vec<Finding> {
    if case.tunnel.flows.is_empty() {
        return Vec::new();
    }
    let rekeyings = rekeyings(case);
    if rekeyings.is_empty() {
        return Vec::new();
    }
    case.directions()
        .iter()
        .flat_map(|directions| [0, 1].map(|end| pauses(directions, end, &rekeyings)))
        .max_by_key(|pauses| (pauses.iter().any(|pause| pause.alone), pauses.len()))
        .and_then(|pauses| finding(case, &pauses))
        .into_iter()
        .collect()
}

/// The exchanges that made child SAs after the first, in order of time.
fn rekeyings(case: &Case<'_>) -> Vec<Rekeying> {
    let mut found: Vec<Rekeying> = rekey::made(case)
        .filter_map(|exchange| {
            Some(Rekeying {
                asked: began(case.model, exchange.request()?)?,
                answered: began(case.model, exchange.response()?)?,
                by: first(case.model, exchange.request()?)?.path.from().address,
            })
        })
        .collect();
    found.sort_by_key(|rekeying| rekeying.asked.1);
    found
}

/// The pauses of one direction at rekeyings.
fn pauses<'m>(directions: &Directions<'m>, end: usize, rekeyings: &[Rekeying]) -> Vec<Pause<'m>> {
    let mut flows = directions.flows(end).to_vec();
    flows.sort_by_key(|flow| flow.seen.first.1);
    let pairs = flows.windows(2).filter_map(|pair| match pair {
        [old, new] => Some((*old, *new)),
        _ => None,
    });
    let mut latest: Option<Timestamp> = None;
    let mut found = Vec::new();
    for (old, new) in pairs {
        // Of SAs side by side none takes the place of another.
        latest = latest.max(Some(old.seen.last.1));
        let pause = new.seen.first.1.since(old.seen.last.1);
        if latest > Some(old.seen.last.1)
            || pause < SHORT
            || pause > LONG
            || !stands_out(old, pause)
            || !stands_out(new, pause)
        {
            continue;
        }
        let from = rekeyings
            .partition_point(|one| one.asked.1 < old.seen.last.1.later(Span(-AFTER.0 - LONG.0)));
        let within = rekeyings
            .iter()
            .skip(from)
            .take_while(|one| one.asked.1 <= new.seen.first.1);
        let rekeying = within.copied().find(|one| {
            let last = old.seen.last.1;
            last.since(one.asked.1) >= Span(-BEFORE.0)
                && last.since(one.answered.1) <= AFTER
                && one.answered.1 <= new.seen.first.1.later(AFTER)
        });
        if let Some(rekeying) = rekeying {
            let (from, until) = (old.seen.last.1, new.seen.first.1);
            let mut others = directions.alive(1 - end, from, until);
            found.push(Pause {
                old,
                new,
                rekeying,
                alone: goes_on(directions, 1 - end, from, until),
                others: others.any(|flow| esp::packets_within(flow, from, until) > 0),
            });
        }
    }
    found
}

/// Whether a flow is so steady that this pause is none of its own.
fn stands_out(flow: &EspFlow, pause: Span) -> bool {
    let life = flow.seen.last.1.since(flow.seen.first.1).0;
    let longest = flow.silences.first().map_or(0, |silence| silence.length.0);
    let packets = i64::try_from(flow.packets).unwrap_or(i64::MAX);
    flow.packets >= MANY
        && life.saturating_mul(OUT_OF_PACE) <= pause.0.saturating_mul(packets)
        && longest.saturating_mul(LONGEST) <= pause.0
}

/// Whether packets towards an end came all through a time, on whatever SA: no gap of more than a third
/// of it.
fn goes_on(directions: &Directions<'_>, end: usize, from: Timestamp, until: Timestamp) -> bool {
    let third = Span(until.since(from).0 / 3);
    let near = directions.alive(end, from, until);
    let mut flows: Vec<&EspFlow> = near.filter(|flow| flow.packets >= MANY).collect();
    flows.sort_by_key(|flow| flow.seen.first.1);
    let mut reached = from;
    for flow in flows {
        // The longest silences are listed: a long one that is not there did not happen.
        let steady = flow.silences.iter().all(|silence| {
            silence.length < third || silence.after.1 <= from || silence.before.1 >= until
        });
        if steady && flow.seen.first.1.since(reached) < third {
            reached = reached.max(flow.seen.last.1);
        }
    }
    until.since(reached) < third
}

fn finding(case: &Case<'_>, pauses: &[Pause<'_>]) -> Option<Finding> {
    let first = pauses.iter().find(|pause| pause.alone).or(pauses.first())?;
    let longest = pauses.iter().map(Pause::length).max()?;
    // Whoever lets traffic pause to rekey by hand makes both directions pause.
    let proven = pauses.iter().any(|pause| pause.alone);
    let (confidence, severity) = match proven {
        true => (Confidence::Likely, RULE.severity),
        false => (Confidence::Possible, Severity::Info),
    };
    let tap = case.tap();
    let sent = match first.new.sequence.first {
        0 | 1 => Text::default(),
        number => say!(
            "Its first number is {number}: {before} came before it, lost before the tap or by the recording, so the \
             sender did not wait for the new SA.",
            number,
            before = number - 1
        ),
    };
    let (old, new) = (first.old.key.spi, first.new.key.spi);
    let (by, pause) = (first.rekeying.by, first.length());
    let ran_out = first.ran_out();
    let came = match first.old.seen.last.1 < first.rekeying.asked.1 {
        true if ran_out => say!(
            "{by} asked to rekey; the last packet on {old} came {before} before it: the old SA had run out, the \
             first on {new} {pause} after that, though both flow steadily.",
            by,
            old,
            before = first.rekeying.asked.1.since(first.old.seen.last.1),
            new,
            pause
        ),
        true => say!(
            "{by} asked to rekey as the last packet on {old} passed; the first on {new} came {pause} after that, \
             though both flow steadily: the old SA was given up before the new one was used.",
            by,
            old,
            new,
            pause
        ),
        false => say!(
            "{by} asked to rekey; the last packet on {old} came after it, the first on {new} {pause} after that, \
             though both flow steadily.",
            by,
            old,
            new,
            pause
        ),
    };
    let mut finding = Finding::new(
        &RULE,
        tap.absence(confidence),
        case.id,
        first.old.seen.last,
        say!("the last packet on {old}", old),
    )
    .also(first.new.seen.first, say!("the first packet on {new}", new))
    .also(first.rekeying.asked, "the rekeying is asked for")
    .also(first.rekeying.answered, "and answered")
    .severity(tap.gaps(severity))
    .title(say!(
        "ESP to {to} pauses for {longest} at rekeying",
        to = first.old.key.to,
        longest
    ))
    .says(
        came.then(sent)
            .then(match (first.alone, first.others) {
                (true, _) => "The other direction went on meanwhile.",
                (false, false) => "Nothing came in the other direction either.",
                (false, true) => "The other direction stopped for a part of that time as well.",
            })
            .then(match pauses.len() {
                1 => Text::default(),
                rekeyings => say!("So it was at {rekeyings} rekeyings.", rekeyings),
            }),
    )
    .or("The sender had nothing to send just then.");
    // An earlier rekeying helps where the old SA has run out.
    let earlier = |finding: Finding| {
        finding
            .advise(
                "Rekey earlier: a larger margin before the end of the SA, in time and in volume.",
            )
            .advise_all(vendor_advice::of_both(case, Topic::ChildLifetime))
    };
    let slow = "Switch off the hardware offload of IPsec for a trial.";
    finding = match ran_out {
        true => earlier(finding).advise(slow),
        false => earlier(finding.advise(slow)),
    };
    for pause in pauses {
        finding = finding.also(
            pause.new.seen.first,
            say!("after a pause of {pause}", pause = pause.length()),
        );
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent};

    const REKEY: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        10.9 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 240
        11 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
        11.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 request sealed 80
        11.2 B:500 > A:500 INFORMATIONAL i=1 r=2 id=3 response sealed 80";

    #[test]
    fn one_direction_stops_at_the_rekeying_and_the_other_goes_on() {
        let kept = "1 A > B ESP 0xb1 seq 1..2500 every 0.01 size 136";
        let changed = "
            1 A > B ESP 0xb1 seq 1..1015 every 0.01 size 136
            11.15 A > B ESP 0xb2 seq 1..1500 every 0.01 size 136";
        for other in [kept, changed] {
            let finding = fires(
                &format!(
                    "{REKEY}
                     {other}
                     1 B > A ESP 0xa1 seq 1..1010 every 0.01 size 136
                     15 B > A ESP 0xa2 seq 1..1000 every 0.01 size 136"
                ),
                "rekey-gap",
            );
            assert!(finding.severity >= Severity::Warning, "{finding:?}");
        }
    }

    #[test]
    fn both_directions_pause_once_by_chance_perhaps() {
        let finding = fires(
            &format!(
                "{REKEY}
                 1 A > B ESP 0xb1 seq 1..1000 every 0.01 size 136
                 15 A > B ESP 0xb2 seq 1..1000 every 0.01 size 136
                 1 B > A ESP 0xa1 seq 1..1000 every 0.01 size 136
                 15 B > A ESP 0xa2 seq 1..1000 every 0.01 size 136"
            ),
            "rekey-gap",
        );
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn a_seamless_rekeying() {
        silent(
            &format!(
                "{REKEY}
                 1 A > B ESP 0xb1 seq 1..1000 every 0.01 size 136
                 11.05 A > B ESP 0xb2 seq 1..1000 every 0.01 size 136
                 1 B > A ESP 0xa1 seq 1..1000 every 0.01 size 136
                 11.05 B > A ESP 0xa2 seq 1..1000 every 0.01 size 136"
            ),
            "rekey-gap",
        );
    }

    #[test]
    fn a_stream_that_ended_before_the_rekeying_and_another_after_it() {
        silent(
            &format!(
                "{REKEY}
                 1 A > B ESP 0xb1 seq 1..700 every 0.01 size 136
                 15 A > B ESP 0xb2 seq 1..1000 every 0.01 size 136
                 1 B > A ESP 0xa1 seq 1..700 every 0.01 size 136
                 15 B > A ESP 0xa2 seq 1..1000 every 0.01 size 136"
            ),
            "rekey-gap",
        );
    }

    #[test]
    fn pings_have_pauses_of_their_own() {
        silent(
            &format!(
                "{REKEY}
                 1 A > B ESP 0xb1 seq 1..11 every 1 size 136
                 13 A > B ESP 0xb2 seq 1..60 every 1 size 136
                 1 B > A ESP 0xa1 seq 1..11 every 1 size 136
                 13 B > A ESP 0xa2 seq 1..60 every 1 size 136"
            ),
            "rekey-gap",
        );
    }

    #[test]
    fn a_pause_beside_another_sa_that_goes_on_is_none() {
        let text = |beside: &str| {
            format!(
                "{REKEY}
                 1 A > B ESP 0xb1 seq 1..2500 every 0.01 size 136
                 1 B > A ESP 0xa1 seq 1..1010 every 0.01 size 136
                 15 B > A ESP 0xa2 seq 1..1000 every 0.01 size 136{beside}"
            )
        };
        fires(&text(""), "rekey-gap");
        silent(
            &text("\n0.9 B > A ESP 0xa9 seq 1..2500 every 0.01 size 136"),
            "rekey-gap",
        );
    }
}
