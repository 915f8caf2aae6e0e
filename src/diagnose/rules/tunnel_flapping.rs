//! The tunnel is lost and negotiated anew again and again.

use crate::diagnose::facts::life::{Birth, Closing};
use crate::diagnose::facts::{end_of, first, life};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count, list};
use crate::model::{EspFlow, Flight, IkeSaId, IkeState, Model};
use crate::say;
use crate::units::{Span, Timestamp};
use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "tunnel-flapping",
    code: "IKE304",
    severity: Severity::Error,
    summary: "The tunnel is lost and negotiated anew again and again",
    document: DOCUMENT,
    explains: &[
        "tunnel-deleted",
        "clear-text-leak",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::SEVERAL,
    check,
};

const DOCUMENT: &str = "\
## What it means
IKE SAs come up and are lost after a short life, several times. Each loss interrupts traffic and routing protocols.

## How it is seen
At least three times the peers negotiate from the beginning while there is traffic, though the IKE SA before was neither rekeyed, nor reauthenticated, nor closed by the side that negotiates anew. The IKE SA before is not used any more. Or one side closes the tunnel and opens it anew three times, each time after as many of its packets of one size had no answer of that size: told as possible.

## What else looks like it
An operator who restarts connections; two losses are a warning, more an error. Several devices behind one NAT look like one peer; those with other ports, or that live side by side, are told apart.

## What to do
1. See what ends each life: a deletion by the other side, unanswered liveness checks, a refused rekeying.
2. Equal intervals point to a timer (lifetime, health check, watchdog); unequal ones to the path.
";

/// Longer lives than this are no flapping.
const LIFE: Span = Span::from_secs(1800);

/// Traffic this shortly before the end, or before the next negotiation where no end is seen, was cut by the
/// loss; else nobody missed it.
const LIVE: Span = Span::from_secs(30);

/// Who misses what was closed asks anew within this time; who is slower waits for traffic: see no-initiator.
const MENDED: Span = Span::from_secs(60);

/// Packets that were under way when an IKE SA was closed.
const IN_FLIGHT: Span = Span::from_secs(1);

/// How long an old IKE SA may be used on after the next came up.
const DRAIN: Span = Span::from_secs(30);

/// Nobody renews an IKE SA by a new authentication after so short a life.
const SHORT: Span = Span::from_secs(60);

/// The shortest idle timers, and as long as a person waits before trying again.
const IDLE: Span = Span::from_secs(10);

fn check(case: &Case<'_>) -> Vec<Finding> {
    // IKE SAs that their initiator leaves at once are told for themselves.
    if case.unused().is_some_and(|unused| unused.serves) {
        return Vec::new();
    }
    let births = case.births().iter();
    let births: Vec<Birth> = births
        .filter(|birth| is_answered(case.model, birth))
        .copied()
        .collect();
    let clients = by_client(case, &births);
    // Most tunnels have one generation.
    let untied = LazyCell::new(|| untied(case));
    let of_one = |births: &Vec<Birth>| {
        let generations = generations(births);
        let pairs = generations.iter().zip(generations.iter().skip(1));
        let lost = pairs.filter_map(|(old, next)| lost(case, &untied, old, next));
        lost.collect::<Vec<_>>()
    };
    let mut lost: Vec<(Birth, Birth)> = clients.iter().flat_map(of_one).collect();
    lost.sort_unstable_by_key(|(_, next)| (next.asked.1, next.asked.0));
    let (Some((first, _)), Some((_, last))) = (lost.first(), lost.last()) else {
        return in_vain(case, &births).into_iter().collect();
    };
    if lost.len() < 2 {
        return in_vain(case, &births).into_iter().collect();
    }
    let lives = list(lost.iter().take(8).map(|(old, next)| {
        let life = next.asked.1.since(old.asked.1).as_secs_f64();
        Text::verbatim(format_args!("{life:.0}"))
    }));
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        last.asked,
        "negotiated anew from the beginning",
    )
    .severity(match lost.len() {
        // Someone who restarts it by hand does so twice.
        2 => Severity::Warning,
        _ => RULE.severity,
    })
    .also(first.asked, "the first life begins")
    .title(say!(
        "The tunnel was lost and negotiated anew {lost} times",
        lost = lost.len()
    ))
    .says(
        say!(
            "{lost} IKE SAs were lost without being renewed in order; from one negotiation to the next passed \
             {lives} s.",
            lost = lost.len(),
            lives
        )
        .then(endings(case.model, &lost))
        .then(regularity(&lost))
        .then(pause(case.model, &lost)),
    )
    .or("An operator restarts the connection.");
    // Of each life that ended, whether a client of another port took its place.
    let mut ups: Vec<&Birth> = births.iter().collect();
    ups.sort_unstable_by_key(|birth| birth.up.1);
    let displaced = |(old, next): &(Birth, Birth)| {
        let later = ups.partition_point(|birth| birth.up.1 <= old.up.1);
        let later = ups.iter().skip(later);
        let mut between = later.take_while(|birth| birth.up.1 < next.asked.1);
        between.any(|birth| client(case, birth) != client(case, old))
    };
    if lost.iter().all(displaced) {
        finding = finding
            .or("Two clients behind one NAT have the same identity: the peer drops the IKE SA of the one when the other begins.")
            .advise("Give each client an identity of its own, or let the peer keep several IKE SAs for one.");
    }
    finding = finding
        .advise("See in the table of exchanges what ends each life, and read the log of that side.")
        .advise("Equal intervals point to a timer, unequal ones to the path.");
    for (_, next) in &lost {
        finding = finding.also(next.asked, "negotiated anew");
    }
    vec![finding]
}

/// A life that was ended by the side that then opened the next one.
struct Given<'a> {
    /// What closed it, and who.
    closing: Closing,
    next: &'a Birth,
    /// Packets of one size that this side sent beyond those of that size that came back.
    size: u32,
    unanswered: u64,
}

/// One side closes the tunnel and opens it anew, each time when as many of its packets had no answer: so a
/// health check counts. Bulk traffic one way leaves no number alike.
fn in_vain(case: &Case<'_>, births: &[Birth]) -> Option<Finding> {
    /// Fewer lives may end alike by chance.
    const PATTERN: usize = 3;
    let pairs = births.iter().zip(births.iter().skip(1));
    let given: Vec<Given<'_>> = pairs
        .filter_map(|(old, next)| given_up(case, old, next))
        .collect();
    let (first, last) = (given.first()?, given.last()?);
    let counts = || given.iter().map(|one| one.unanswered);
    let (fewest, most) = (counts().min()?, counts().max()?);
    let alike = given
        .iter()
        .all(|one| one.size == first.size && one.closing.from == first.closing.from);
    // Who counts failures counts as many each time. A fixed time holds as many packets of a fixed pace each time,
    // or one more.
    if given.len() < PATTERN || !alike || most.saturating_sub(fewest) > 1 {
        return None;
    }
    let from = first.closing.from;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        first.closing.at,
        say!("{from} ends the IKE SA", from),
    )
    .severity(Severity::Warning)
    .during(first.closing.at.1, last.next.asked.1)
    .title(say!(
        "{from} closed the tunnel and opened it anew {times} times",
        from,
        times = given.len()
    ))
    .says(say!(
        "{from} ended the IKE SA {times} times and began a new one, each time when {packets} of {size} octets of \
         ESP had none of that size in return. So does a gateway whose health check has no answer.",
        from,
        times = given.len(),
        packets = count(fewest, "packet"),
        size = first.size
    ));
    for one in &given {
        finding = finding
            .also(one.closing.at, "and again")
            .also(one.next.asked, "negotiated anew");
    }
    Some(
        finding
            .or("Those packets want no answer, and an operator or a schedule restarts the tunnel.")
            .advise("Give the keys of ESP, which show what has no answer.")
            .advise(say!(
                "Look on {from} for a health check of the tunnel and for its target; dead peer detection needs none.",
                from
            )),
    )
}

/// Whether the side that opens the next IKE SA closed this one soon, after a few packets of one size had no
/// answer of that size.
fn given_up<'a>(case: &Case<'_>, old: &Birth, next: &'a Birth) -> Option<Given<'a>> {
    /// So many without an answer are no chance.
    const FEW: u64 = 3;
    let closing = life::closing(case.model, old.ike_sa)?;
    let reopened = next.asked.1.since(closing.at.1);
    let soon = closing.at.1.since(old.asked.1) < SHORT;
    if closing.from != next.initiator || reopened < Span(0) || reopened > MENDED || !soon {
        return None;
    }
    let end = end_of(case.tunnel, closing.from)?;
    let mut sizes: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
    let children = case.model.ike_sas[old.ike_sa].child_sas.iter();
    let flows = children.flat_map(|id| case.model.child_sas[*id].flows);
    for flow in flows.flatten().map(|id| &case.model.flows[id]) {
        // Of sizes that found no place nobody knows which side has more.
        if flow.sizes.others > 0 {
            return None;
        }
        let sent = case.tunnel.destination(flow)? != end;
        for (size, packets) in &flow.sizes.counts {
            let [out, back] = sizes.entry(*size).or_default();
            *(if sent { out } else { back }) += u64::from(*packets);
        }
    }
    // An answer may be of another size than what it answers.
    let spare: u64 = sizes
        .values()
        .map(|[out, back]| back.saturating_sub(*out))
        .sum();
    let mut lacking = sizes
        .into_iter()
        .map(|(size, [out, back])| (size, out.saturating_sub(back)))
        .filter(|(_, unanswered)| *unanswered >= FEW);
    let (size, unanswered) = lacking.next()?;
    let answered = spare.saturating_mul(2) >= unanswered;
    (lacking.next().is_none() && !answered).then_some(Given {
        closing,
        next,
        size,
        unanswered,
    })
}

/// By which port a client of a NAT is known; `None` of the other side, which begins as well.
fn client(case: &Case<'_>, birth: &Birth) -> Option<u16> {
    let path = case.model.ike_sas[birth.ike_sa].paths.first()?;
    path.from
        .port
        .filter(|_| end_of(case.tunnel, birth.initiator) == Some(0))
}

/// The births of each client, in order: what the other side begins is for the client that began last.
fn by_client(case: &Case<'_>, births: &[Birth]) -> Vec<Vec<Birth>> {
    let mut clients: BTreeMap<Option<u16>, Vec<Birth>> = BTreeMap::new();
    let mut latest = births.iter().find_map(|birth| client(case, birth));
    for birth in births {
        latest = client(case, birth).or(latest);
        clients.entry(latest).or_default().push(*birth);
    }
    clients.into_values().collect()
}

/// Births one after the other; those that cross, as both sides began at once, are together.
fn generations(births: &[Birth]) -> Vec<Vec<Birth>> {
    /// Two cross, or a few where some are tried again.
    const CROSSED: usize = 8;
    let mut all: Vec<Vec<Birth>> = Vec::new();
    for birth in births {
        let cross = |old: &Birth| old.initiator != birth.initiator && birth.asked.1 <= old.up.1;
        match all.last_mut() {
            Some(last) if last.len() < CROSSED && last.iter().any(cross) => last.push(*birth),
            _ => all.push(vec![*birth]),
        }
    }
    all
}

/// Whether what came up at one time was lost, and what came up next made in its place.
fn lost(
    case: &Case<'_>,
    untied: &[(Timestamp, Timestamp)],
    old: &[Birth],
    next: &[Birth],
) -> Option<(Birth, Birth)> {
    let first = next.first()?;
    // Of two that crossed one may be closed as superfluous, but none is used on.
    if old.iter().any(|old| is_used(case, old, first)) {
        return None;
    }
    let mut pairs = old
        .iter()
        .flat_map(|old| next.iter().map(move |next| (*old, *next)));
    // Nothing is lost while another of the same time stands.
    let outlived = |one: &Birth, next: &Birth| {
        let ended = ended(case.model, one, next);
        let mut twins = old.iter().filter(|twin| twin.ike_sa != one.ike_sa);
        twins.any(|twin| {
            let seen = case.model.ike_sas[twin.ike_sa].seen;
            twin.up.1 <= ended && seen.last.1 > ended
        })
    };
    pairs.find(|(old, next)| is_lost(case, untied, old, next) && !outlived(old, next))
}

/// When an IKE SA was closed, or at the latest when the next was asked for.
fn ended(model: &Model, old: &Birth, next: &Birth) -> Timestamp {
    closing(model, old.ike_sa).map_or(next.asked.1, |(at, _)| at.min(next.asked.1))
}

/// First and last packet of the flows that nothing ties to an IKE SA, in order of the first.
fn untied(case: &Case<'_>) -> Vec<(Timestamp, Timestamp)> {
    let tied = |flow: &EspFlow| {
        let child = flow.child_sa.child_sa();
        child.is_some_and(|child| case.model.child_sas[child].ike_sa.is_some())
    };
    let flows = case.flows().filter(|flow| !tied(flow));
    let mut spans: Vec<_> = flows
        .map(|flow| (flow.seen.first.1, flow.seen.last.1))
        .collect();
    spans.sort_unstable();
    spans
}

/// Whether an IKE SA goes on when the next one is up.
fn is_used(case: &Case<'_>, old: &Birth, next: &Birth) -> bool {
    case.model.ike_sas[old.ike_sa].seen.last.1.since(next.up.1) > DRAIN
}

/// Whether the recording has the answer to the first message of an IKE SA: where it lacks that, it may lack
/// what ended the one before as well.
fn is_answered(model: &Model, birth: &Birth) -> bool {
    let first = model.ike_sas[birth.ike_sa].exchanges.first();
    first.is_some_and(|id| model.exchanges[*id].response().is_some())
}

/// By whom the lives were ended, as far as it shows.
fn endings(model: &Model, lost: &[(Birth, Birth)]) -> Text {
    let mut by: BTreeMap<IpAddr, u64> = BTreeMap::new();
    for (old, _) in lost {
        if let Some((_, from)) = closing(model, old.ike_sa) {
            *by.entry(from).or_default() += 1;
        }
    }
    let closed: u64 = by.values().sum();
    let closings = list(
        by.iter()
            .map(|(from, times)| say!("{times} by {from}", times = count(*times, "time"), from)),
    );
    let rest = (lost.len() as u64).saturating_sub(closed);
    match closed {
        0 => "None ended with a deletion.".into(),
        _ if rest == 0 => say!("They were closed {closings}.", closings),
        _ => say!(
            "They were closed {closings}; {rest} ended without a deletion.",
            closings,
            rest
        ),
    }
}

/// Whether the intervals are equal enough for a timer.
fn regularity(lost: &[(Birth, Birth)]) -> Option<Text> {
    /// In percent of the shortest: timers are set in whole seconds, and jitter is added to some.
    const EQUAL: i64 = 5;
    /// Two intervals are equal by chance.
    const MANY: usize = 3;
    let lives = || {
        lost.iter()
            .map(|(old, next)| next.asked.1.since(old.asked.1))
    };
    let (shortest, longest) = (lives().min()?, lives().max()?);
    let spread = longest.0.saturating_sub(shortest.0).saturating_mul(100);
    (lost.len() >= MANY && spread <= shortest.0.saturating_mul(EQUAL))
        .then(|| "The intervals are equal, as a timer makes them.".into())
}

/// How long traffic paused at most, and whether BGP can have borne it.
fn pause(model: &Model, lost: &[(Birth, Birth)]) -> Option<Text> {
    /// The usual hold time; RFC 4271 section 10 suggests 90 s, and vendors set twice that.
    const HOLD: Span = Span::from_secs(180);
    let traffic = |birth: &Birth| {
        let children = model.ike_sas[birth.ike_sa].child_sas.iter();
        children.filter_map(|id| model.child_sas[*id].seen)
    };
    let longest = lost
        .iter()
        .filter_map(|(old, next)| {
            let last = traffic(old).map(|seen| seen.last.1).max()?;
            let first = traffic(next).map(|seen| seen.first.1).min()?;
            Some(first.since(last))
        })
        .max();
    match longest {
        Some(pause) if pause > HOLD => Some(say!(
            "Traffic paused for up to {pause}; the usual hold time of BGP is {hold}.",
            pause,
            hold = HOLD
        )),
        Some(pause) if pause > Span(0) => Some(say!("Traffic paused for up to {pause}.", pause)),
        _ => None,
    }
}

/// Whether `old` was lost, and `next` made in its place.
fn is_lost(case: &Case<'_>, untied: &[(Timestamp, Timestamp)], old: &Birth, next: &Birth) -> bool {
    let same = end_of(case.tunnel, old.initiator) != end_of(case.tunnel, next.initiator)
        || client(case, old) == client(case, next);
    // Where nothing ties a flow to its IKE SA, its time does.
    let meanwhile = || {
        let begin = untied.partition_point(|(first, _)| *first < old.up.1);
        let spans = untied.get(begin..).unwrap_or_default().iter();
        let spans = spans.take_while(|(first, _)| *first < next.asked.1);
        spans.map(|(_, last)| *last).max()
    };
    let traffic = last_traffic(case.model, old.ike_sa).or_else(meanwhile);
    let closing = closing(case.model, old.ike_sa);
    // Whoever closes a tunnel and then opens it has a reason; whoever opens one and then closes the
    // old one reauthenticates (RFC 7296 section 2.8.3).
    let closed = closing.is_some_and(|(at, from)| {
        let aside = at < next.asked.1 || at >= next.up.1;
        from == next.initiator && aside && is_complete(case.model, old)
    });
    // What it was missed by is what came shortly before it was closed, if the next did not wait for traffic.
    // SAs that live side by side, as load tests and clusters have them, do not flap.
    let ended = ended(case.model, old, next);
    let missed = traffic.is_some_and(|last| {
        last <= next.up.1 && ended.since(last) <= LIVE && next.asked.1.since(ended) <= MENDED
    });
    // Who is idle and then closed in order, by whomever, is set up again when it is needed.
    let idle = traffic.zip(closing).is_some_and(|(last, (at, _))| {
        at.since(last) >= IDLE && at < next.asked.1 && is_complete(case.model, old)
    });
    same && missed
        && !closed
        && !idle
        && !is_used(case, old, next)
        && (case.model.ike_sas[next.ike_sa].replaces.is_none() || is_cut(case.model, old, next))
        && next.asked.1.since(old.asked.1) <= LIFE
}

/// The last packet of the child SAs of an IKE SA.
fn last_traffic(model: &Model, id: IkeSaId) -> Option<Timestamp> {
    let children = model.ike_sas[id].child_sas.iter();
    let seen = children.filter_map(|id| model.child_sas[*id].seen);
    seen.map(|seen| seen.last.1).max()
}

/// Whether an IKE SA was cut short by the other side, though another took its place: who renews one by a new
/// authentication asks for that at once, or before, and not every minute (RFC 7296 section 2.8.3).
fn is_cut(model: &Model, old: &Birth, next: &Birth) -> bool {
    const AT_ONCE: Span = Span::from_secs(1);
    closing(model, old.ike_sa).is_some_and(|(at, from)| {
        from != next.initiator && next.asked.1.since(at) > AT_ONCE && at.since(old.asked.1) < SHORT
    })
}

/// When and by whom an IKE SA was closed. What is known to be deleted needs no other sign: where the
/// proposals were cut off, sizes tell nothing. In IKEv2 its child SAs go with it (RFC 7296 section 1.4.1), so
/// a message after which they go on has closed nothing.
fn closing(model: &Model, id: IkeSaId) -> Option<(Timestamp, IpAddr)> {
    let sa = &model.ike_sas[id];
    let deleted = || {
        let last = &model.exchanges[*sa.exchanges.last()?];
        let message = first(model, last.flights.first()?)?;
        (sa.state == IkeState::Deleted).then_some((message.time, message.path.from().address))
    };
    let outlived = |at: Timestamp| {
        sa.version.major() != 1
            && last_traffic(model, id).is_some_and(|last| last.since(at) > IN_FLIGHT)
    };
    life::closing(model, id)
        .map(|closing| (closing.at.1, closing.from))
        .filter(|(at, _)| !outlived(*at))
        .or_else(deleted)
}

/// Whether the last request on the IKE SA was answered: its answer is there, or it was never sent
/// again, as one without answer is. IKEv1 answers no deletion: of two in one breath one may be
/// missing, but probes follow one another.
fn is_complete(model: &Model, birth: &Birth) -> bool {
    let sa = &model.ike_sas[birth.ike_sa];
    let mut latest = sa.exchanges.iter().rev().map(|id| &model.exchanges[*id]);
    let Some(last) = latest.next() else {
        return false;
    };
    if sa.version.major() == 1 {
        let before = latest.next();
        let probes = before.is_some_and(|before| before.kind == last.kind && before.by == last.by);
        return sa.state == IkeState::Deleted || !probes;
    }
    let once = |flight: &Flight| flight.again.is_empty();
    last.response().is_some() || last.request().is_some_and(once)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent};

    fn up(spi: u32, at: u32) -> String {
        let suite =
            "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        format!(
            "{at}.0 A:500 > B:500 IKE_SA_INIT i={spi} r=0 id=0 request {suite}
             {at}.1 B:500 > A:500 IKE_SA_INIT i={spi} r=9{spi} id=0 response {suite}
             {at}.2 A:500 > B:500 IKE_AUTH i={spi} r=9{spi} id=1 request sealed 256
             {at}.3 B:500 > A:500 IKE_AUTH i={spi} r=9{spi} id=1 response sealed 240
             {at}.4 A > B ESP 0xb{spi} seq 1..90 every 1
             "
        )
    }

    #[test]
    fn three_lives_that_end_without_order_are_flapping() {
        let severity = |text: &str| fires(text, "tunnel-flapping").severity;
        let three = [up(1, 0), up(2, 100), up(3, 200)].concat();
        assert_eq!(severity(&three), Severity::Warning, "two losses");
        assert_eq!(severity(&(three + &up(4, 290))), Severity::Error);
    }

    #[test]
    fn equal_lives_are_those_of_a_timer() {
        let lives = [up(1, 0), up(2, 100), up(3, 200), up(4, 300)].concat();
        let finding = fires(&lives, "tunnel-flapping");
        assert!(
            finding.says.to_string().contains("as a timer makes them"),
            "{}",
            finding.says
        );
        assert!(
            finding.says.to_string().contains("None ended with"),
            "{}",
            finding.says
        );
        assert!(
            finding
                .says
                .to_string()
                .contains("Traffic paused for up to 11.0 s"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn nothing_is_lost_while_one_of_two_that_crossed_stands() {
        // A authenticates anew again and again; each other time B begins at that moment as well, and closes its own.
        let lives: String = (1..5)
            .map(|n: u32| {
                let (at, soon, next) = (50 * n, 50 * n + 5, 50 * n + 51);
                let own = up(n, at).replace("seq 1..90", "seq 1..50");
                let own = format!(
                    "{own}{next}.0 A:500 > B:500 INFORMATIONAL i={n} r=9{n} id=2 request sealed 80 opened D(IKE)
                     {next}.1 B:500 > A:500 INFORMATIONAL i={n} r=9{n} id=2 response sealed 80 opened\n"
                );
                if n.is_multiple_of(2) {
                    return own;
                }
                let twin = up(n + 10, at)
                    .replace("A:500 > B:500", "X")
                    .replace("B:500 > A:500", "A:500 > B:500")
                    .replace('X', "B:500 > A:500");
                let twin: Vec<&str> = twin.lines().take(4).collect();
                format!(
                    "{own}{}
                     {soon}.0 B:500 > A:500 INFORMATIONAL i=1{n} r=91{n} id=2 request sealed 80 opened D(IKE)
                     {soon}.1 A:500 > B:500 INFORMATIONAL i=1{n} r=91{n} id=2 response sealed 80 opened\n",
                    twin.join("\n")
                )
            })
            .collect();
        silent(&lives, "tunnel-flapping");
    }

    #[test]
    fn two_ike_sas_that_cross_are_lost_together() {
        let twin = |spi: u32, at: u32| {
            let other = up(spi + 10, at)
                .replace("A:500 > B:500", "X")
                .replace("B:500 > A:500", "A:500 > B:500")
                .replace('X', "B:500 > A:500");
            let other: Vec<&str> = other.lines().take(4).collect();
            up(spi, at) + &other.join("\n") + "\n"
        };
        let text = [up(1, 0), twin(2, 100), up(3, 200), up(4, 300)].concat();
        let title = fires(&text, "tunnel-flapping").title.to_string();
        assert!(title.contains("3 times"), "{title}");
    }

    #[test]
    fn clients_of_one_nat_that_displace_each_other() {
        let other = |spi: u32, at: u32| {
            let text = up(spi, at).replace("A:500", "A:700");
            text.replace("0xb", "0xc")
        };
        let text = [
            up(1, 0),
            other(5, 90),
            up(2, 100),
            other(6, 190),
            up(3, 200),
        ];
        let finding = fires(&text.concat(), "tunnel-flapping");
        assert!(
            finding
                .alternatives
                .iter()
                .any(|one| one.to_string().contains("the same identity")),
            "{finding:#?}"
        );
        // Two that come and stay.
        silent(&[up(1, 0), other(5, 10)].concat(), "tunnel-flapping");
        let alone = [up(1, 0), up(2, 100), up(3, 200)].concat();
        assert!(
            !fires(&alone, "tunnel-flapping")
                .alternatives
                .iter()
                .any(|one| one.to_string().contains("NAT"))
        );
    }

    #[test]
    fn two_lives_are_not() {
        silent(&[up(1, 0), up(2, 100)].concat(), "tunnel-flapping");
    }

    #[test]
    fn lives_side_by_side_are_not() {
        silent(
            &[up(1, 0), up(2, 20), up(3, 40)].concat(),
            "tunnel-flapping",
        );
    }

    #[test]
    fn lives_that_nobody_misses_are_not() {
        silent(
            &[up(1, 0), up(2, 200), up(3, 400)].concat(),
            "tunnel-flapping",
        );
    }

    #[test]
    fn an_initiator_that_closes_and_opens_again_is_not() {
        let goodbye = |spi: u32, at: u32| {
            format!(
                "{at}.0 A:500 > B:500 INFORMATIONAL i={spi} r=9{spi} id=2 request sealed 80
                 {at}.1 B:500 > A:500 INFORMATIONAL i={spi} r=9{spi} id=2 response sealed 80
                 "
            )
        };
        let text = [
            up(1, 0),
            goodbye(1, 90),
            up(2, 100),
            goodbye(2, 190),
            up(3, 200),
        ];
        silent(&text.concat(), "tunnel-flapping");
        // What goes on after the message was not closed by it.
        let text = [
            up(1, 0),
            goodbye(1, 80),
            up(2, 100),
            goodbye(2, 180),
            up(3, 200),
        ];
        let says = fires(&text.concat(), "tunnel-flapping").says.to_string();
        assert!(says.contains("None ended with a deletion"), "{says}");
    }

    #[test]
    fn a_loss_that_takes_the_peers_long_to_mend_is_the_worst_of_all() {
        let cut = |spi: u32, at: u32| {
            format!(
                "{at}.0 B:500 > A:500 INFORMATIONAL i={spi} r=9{spi} id=0 request by=responder sealed 80
                 {at}.1 A:500 > B:500 INFORMATIONAL i={spi} r=9{spi} id=0 response by=initiator sealed 80
                 "
            )
        };
        let text = |third: u32| {
            let lives = [up(1, 0), cut(1, 90), up(2, 100), cut(2, 190), up(3, third)];
            lives.concat()
        };
        let says = fires(&text(249), "tunnel-flapping").says.to_string();
        assert!(says.contains("Traffic paused for up to 60.0 s"), "{says}");
        silent(&text(290), "tunnel-flapping");
    }

    #[test]
    fn idle_tunnels_that_the_peer_closes_are_not_missed() {
        let close = |spi: u32, at: u32| {
            format!(
                "{at}.0 B:500 > A:500 INFORMATIONAL i={spi} r=9{spi} id=0 request by=responder sealed 80
                 {at}.1 A:500 > B:500 INFORMATIONAL i={spi} r=9{spi} id=0 response by=initiator sealed 80
                 "
            )
        };
        let lives = |last: u32| {
            let text = [
                up(1, 0),
                close(1, 95),
                up(2, 100),
                close(2, 195),
                up(3, 200),
            ];
            let seq = format!("seq 1..{last} every 1");
            text.concat().replace("seq 1..90 every 1", &seq)
        };
        silent(&lives(80), "tunnel-flapping");
        let says = fires(&lives(94), "tunnel-flapping").says.to_string();
        assert!(
            says.contains("They were closed 2 times by 192.0.2.2."),
            "{says}"
        );
        // The first ended without a word.
        let text = [up(1, 0), up(2, 100), close(2, 195), up(3, 200)].concat();
        let text = text.replace("seq 1..90 every 1", "seq 1..94 every 1");
        let says = fires(&text, "tunnel-flapping").says.to_string();
        assert!(says.contains("1 time by 192.0.2.2; 1 ended"), "{says}");
    }

    #[test]
    fn who_starts_anew_after_as_many_packets_without_answer_each_time_counts_them() {
        let life = |spi: u32, at: u32, sent: u32| {
            let end = at + 9;
            up(spi, at).replace(
                "seq 1..90 every 1",
                &format!("seq 1..{sent} every 0.3 size 120"),
            ) + &format!(
                "{at}.5 B > A ESP 0xa{spi} seq 1..8 every 0.3 size 120
                     {end}.0 A:500 > B:500 INFORMATIONAL i={spi} r=9{spi} id=2 request sealed 80
                     {end}.1 B:500 > A:500 INFORMATIONAL i={spi} r=9{spi} id=2 response sealed 80
                     "
            )
        };
        let lives = |sent: [u32; 4]| {
            let [one, two, three, four] = sent;
            [
                life(1, 0, one),
                life(2, 10, two),
                life(3, 20, three),
                life(4, 30, four),
            ]
            .concat()
        };
        let found = fires(&lives([13, 13, 14, 9]), "tunnel-flapping");
        assert_eq!(found.severity, Severity::Warning);
        let title = found.title.to_string();
        assert!(
            title.contains("closed the tunnel and opened it anew 3 times"),
            "{title}"
        );
        // An answer may be of another size.
        let larger: String = (0..4u32)
            .map(|n| {
                format!(
                    "{n}1 B > A ESP 0xa{spi} seq 9..13 every 0.3 size 184\n",
                    spi = n + 1
                )
            })
            .collect();
        silent(&(lives([13, 13, 14, 9]) + &larger), "tunnel-flapping");
        // All are answered, or as many as happen to come.
        silent(&lives([8, 8, 9, 9]), "tunnel-flapping");
        silent(&lives([13, 20, 17, 9]), "tunnel-flapping");
    }

    #[test]
    fn an_initiator_of_ikev1_that_closes_and_opens_again_is_not() {
        let life = |spi: u32, at: u32| {
            format!(
                "{at}.0 A:500 > B:500 MAIN i={spi} r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 {at}.1 B:500 > A:500 MAIN i={spi} r=9{spi} SA(encr=7/256 hash=4 auth=1 group=14)
                 {at}.2 A:500 > B:500 MAIN i={spi} r=9{spi} KE Nonce
                 {at}.3 B:500 > A:500 MAIN i={spi} r=9{spi} KE Nonce
                 {at}.4 A:500 > B:500 MAIN i={spi} r=9{spi} sealed 108
                 {at}.5 B:500 > A:500 MAIN i={spi} r=9{spi} sealed 92
                 {at}.6 A:500 > B:500 QUICK i={spi} r=9{spi} id=7 sealed 188
                 {at}.7 B:500 > A:500 QUICK i={spi} r=9{spi} id=7 sealed 188 seed=1
                 {at}.8 A:500 > B:500 QUICK i={spi} r=9{spi} id=7 sealed 76
                 {at}.9 A > B ESP 0xb{spi} seq 1..40 every 0.1
                 {end}.0 A:500 > B:500 INFO_V1 i={spi} r=9{spi} id=8 sealed 92
                 {end}.1 A:500 > B:500 INFO_V1 i={spi} r=9{spi} id=9 sealed 108
                 ",
                end = at + 6
            )
        };
        silent(
            &[life(1, 0), life(2, 7), life(3, 14)].concat(),
            "tunnel-flapping",
        );
    }
}
