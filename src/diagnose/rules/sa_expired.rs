//! An SA reached the end of its lifetime and nothing took its place.

use super::lifetime_differs::responder_lifetime;
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{began, esp, life, quality};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count, list};
use crate::model::{ChildSa, ChildSaId, IkeSaId, Model, TunnelId};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use crate::units::{Span, Timestamp};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "sa-expired",
    code: "IKE319",
    severity: Severity::Error,
    summary: "An SA reached the end of its lifetime and was not renewed in time",
    document: DOCUMENT,
    explains: &[
        "no-initiator",
        "tunnel-flapping",
        "tunnel-deleted",
        "unknown-spi",
        "esp-one-way",
        "clear-text-leak",
    ],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
Neither side renewed an SA before its lifetime was over. It is deleted or dropped, and traffic stops until somebody negotiates a new one: again and again, once a lifetime.

## How it is seen
Traffic flows on a child SA up to its end, which a delete marks, and then pauses in both directions for far longer than between any two packets before; later a new child SA, which is not its rekeying, carries traffic at once. This comes at least three times with SAs of the same life; or twice, if the life is the lifetime that IKEv1 negotiated, which its keys show, or that the responder named by RESPONDER-LIFETIME; if once, it is a warning. Also: with such keys, one side goes on sending on an SA whose lifetime is over and that the other side does not use any more. With the keys of IKEv2: a child SA is deleted, and only then, at once, another is made for the same networks, without REKEY_SA, at least twice; that is told as information, for traffic pauses for a moment only.

## What else looks like it
Rekeying that is refused: see rekey-failed and pfs-mismatch, which come first. A health check or a script that resets the tunnel at a fixed interval. A side that closes a tunnel and opens it again by itself means it, and does not count.

## What to do
1. Let at least one side rekey before the hard lifetime is over (strongSwan: rekey_time below life_time, and not 0).
2. Set equal lifetimes on both sides.
";

/// Traffic must pause for this long at least: less is the round trip of a new negotiation.
const PAUSE: Span = Span::from_secs(1);

/// And for so many times the usual distance of two packets.
const PACES: i64 = 5;

/// A new SA is needed if it carries traffic this soon.
const AT_ONCE: Span = Span::from_secs(5);

/// A delete this near the last packet ended the SA.
const CLOSE: Span = Span::from_secs(2);

/// An end this near the negotiated lifetime is that of the lifetime: its timer runs to the second, but
/// the last packet may come somewhat before.
const NEAR: Span = Span::from_secs(30);

/// So many SAs of the same life end by a timer.
const ALIKE: usize = 3;

/// Shorter lives than this are no lifetimes that anyone sets: something else takes the tunnel down.
const SHORTEST: Span = Span::from_secs(20);

/// So many pauses are looked into: each takes a look at all messages of its IKE SA.
const LOOKED_AT: usize = 64;

/// Fewer packets than these tell no pace.
const FEW: u64 = 5;

/// A child SA with its traffic.
struct Life {
    child: ChildSaId,
    ike_sa: IkeSaId,
    made: Cite,
    asker: IpAddr,
    first: Timestamp,
    last: Cite,
    packets: u64,
    /// That was negotiated for it (IKEv1).
    lifetime: Option<u64>,
    /// That was negotiated for its IKE SA (IKEv1, in clear).
    of_ike: Option<u64>,
}

impl Life {
    fn length(&self) -> Span {
        self.last.1.since(self.made.1)
    }

    /// Whether it ended when its negotiated lifetime was over.
    fn is_full(&self) -> bool {
        self.full().is_some()
    }

    /// The negotiated lifetime at whose end it ended: its own, or that of its IKE SA.
    fn full(&self) -> Option<u64> {
        let length = self.length().as_secs_f64();
        [self.lifetime, self.of_ike]
            .into_iter()
            .flatten()
            .filter(|seconds| *seconds > 0)
            .find(|seconds| {
                let whole = *seconds as f64;
                (length - whole).abs() <= (whole / 50.0).clamp(2.0, NEAR.as_secs_f64())
            })
    }
}

/// An SA that ended, the delete that ended it, and the one that came after the pause.
struct Break<'a> {
    old: &'a Life,
    deleted: Option<life::Closing>,
    next: &'a Life,
}

impl Break<'_> {
    /// How long the SA lived: up to its delete, as its timer counts, or else to its last packet.
    fn length(&self) -> Span {
        let deleted = self.deleted.map(|closing| closing.at.1);
        let end = deleted.unwrap_or(self.old.last.1);
        end.since(self.old.made.1)
    }
}

fn check(case: &Case<'_>) -> Vec<Finding> {
    let lives = lives(case);
    let breaks: Vec<Break<'_>> = lives
        .windows(2)
        .filter_map(|pair| {
            let [old, next] = pair else { return None };
            pauses(case.model, old, next).then_some((old, next))
        })
        .take(LOOKED_AT)
        .filter_map(|(old, next)| broken(case, old, next))
        .collect();
    let tap = case.tap();
    timed_out(case.id, &breaks)
        .or_else(|| made_anew(case, &lives))
        .or_else(|| {
            // Which SAs were made is not known where an end was not recorded.
            let whole = !tap.deaf.contains(&true);
            let mut lives_on = lives.iter().filter(|_| whole);
            lives_on.find_map(|life| outlived(case, life, &lives))
        })
        .map(|finding| {
            let (severity, confidence) =
                (tap.gaps(finding.severity), tap.absence(finding.confidence));
            Finding {
                confidence,
                ..finding.severity(severity)
            }
            .advise_all(vendor_advice::of_both(case, Topic::ChildLifetime))
        })
        .into_iter()
        .collect()
}

/// The child SAs of a tunnel that carried traffic and whose making was seen, in order.
fn lives(case: &Case<'_>) -> Vec<Life> {
    let children = case.tunnel.ike_sas.iter().flat_map(|ike_sa| {
        case.model.ike_sas[*ike_sa]
            .child_sas
            .iter()
            .map(move |child| (*ike_sa, *child))
    });
    let mut lives: Vec<Life> = children
        .filter_map(|(ike_sa, id)| {
            let child = &case.model.child_sas[id];
            let exchange = &case.model.exchanges[child.made_by?];
            let request = exchange.flights.first()?;
            let seen = child.seen?;
            Some(Life {
                child: id,
                ike_sa,
                made: began(case.model, exchange.flights.last()?)?,
                asker: crate::diagnose::facts::first(case.model, request)?
                    .path
                    .from()
                    .address,
                first: seen.first.1,
                last: seen.last,
                packets: packets(case.model, child),
                lifetime: responder_lifetime(case.model, child.made_by?)
                    .map(|(seconds, ..)| seconds)
                    .or(child.terms.as_ref().and_then(|terms| terms.lifetime_secs)),
                of_ike: case.model.ike_sas[ike_sa]
                    .suite
                    .as_ref()
                    .and_then(|suite| suite.v1_lifetime_secs),
            })
        })
        .collect();
    lives.sort_by_key(|life| (life.made.1, life.child));
    lives
}

fn packets(model: &Model, child: &ChildSa) -> u64 {
    let flows = child.flows.iter().flatten();
    flows
        .map(|flow| model.flows[*flow].packets)
        .max()
        .unwrap_or(0)
}

/// Whether traffic broke off at the end of `old`, until `next` was made and carried it at once.
fn pauses(model: &Model, old: &Life, next: &Life) -> bool {
    let pause = next.made.1.since(old.last.1);
    let paces = i64::try_from(old.packets).unwrap_or(i64::MAX).max(1);
    let pace = Span(old.last.1.since(old.first).0 / paces);
    let needed = next.first >= next.made.1 && next.first.since(next.made.1) <= AT_ONCE;
    needed
        && old.packets >= FEW
        && pause >= PAUSE
        && pause.0 > pace.0.saturating_mul(PACES)
        && answered(model, old)
}

/// The end of `old`, if a delete marks it or its lifetime was over, and `next` is not what the side that
/// deleted made at its own will.
fn broken<'a>(case: &Case<'_>, old: &'a Life, next: &'a Life) -> Option<Break<'a>> {
    let deleted = deleted(case.model, old);
    // Who closes a tunnel and opens it again by itself means it.
    let meant = deleted.is_some_and(|closing| {
        crate::diagnose::facts::end_of(case.tunnel, closing.from)
            == crate::diagnose::facts::end_of(case.tunnel, next.asker)
    });
    (!meant && (deleted.is_some() || old.is_full())).then_some(Break { old, deleted, next })
}

/// Whether traffic flowed both ways up to the end: probes that nobody answers have a tunnel reset, too.
fn answered(model: &Model, life: &Life) -> bool {
    let [one, other] = model.child_sas[life.child].flows;
    [one, other].into_iter().all(|flow| {
        flow.map(|flow| &model.flows[flow])
            .is_some_and(|flow| flow.packets >= FEW && life.last.1.since(flow.seen.last.1) <= CLOSE)
    })
}

/// The delete that ended an SA: a message of that size near its last packet.
fn deleted(model: &Model, life: &Life) -> Option<life::Closing> {
    model.ike_sas[life.ike_sa]
        .exchanges
        .iter()
        .filter_map(|id| life::may_delete(model, life.ike_sa, &model.exchanges[*id]))
        .find(|closing| {
            closing.at.1.since(life.last.1) <= CLOSE && life.last.1.since(closing.at.1) <= CLOSE
        })
}

/// SAs that end by a timer, each with a pause after it.
fn timed_out(tunnel: TunnelId, breaks: &[Break<'_>]) -> Option<Finding> {
    let full: Vec<&Break<'_>> = breaks.iter().filter(|one| one.old.is_full()).collect();
    let (found, known) = match full.is_empty() {
        false => (full, true),
        true => (breaks.iter().collect(), false),
    };
    let lengths: Vec<f64> = found.iter().map(|one| one.length().as_secs_f64()).collect();
    let (least, most) = lengths
        .iter()
        .fold((f64::MAX, 0.0_f64), |(least, most), length| {
            (least.min(*length), most.max(*length))
        });
    let brief = least < SHORTEST.as_secs_f64();
    if !known && (found.len() < ALIKE || brief || most - least > (most / 20.0).max(1.0)) {
        return None;
    }
    let first = found.first()?;
    let seconds = |seconds: f64| Text::verbatim(format_args!("{seconds:.0}"));
    let shown = lengths.iter().take(8).copied();
    let pauses = found.iter().take(8).map(|one| {
        let pause = one.next.made.1.since(one.old.last.1);
        pause.as_secs_f64()
    });
    let lifetime = first.old.full();
    // A single end may come at that time by chance.
    let once = known && found.len() == 1;
    let mut finding = Finding::new(
        &RULE,
        match known && !once {
            true => Confidence::Likely,
            false => Confidence::Possible,
        },
        tunnel,
        first.old.last,
        "the last packet of an SA, at the end of its life",
    )
    .severity(match once {
        true => Severity::Warning,
        false => RULE.severity,
    })
    .also(first.next.made, "the next SA, after the pause")
    .title(match lifetime {
        Some(lifetime) if once => say!(
            "An SA ends after its lifetime of {lifetime} s and is not renewed in time",
            lifetime
        ),
        Some(lifetime) => say!(
            "SAs end after their lifetime of {lifetime} s and are not renewed",
            lifetime
        ),
        None => say!(
            "SAs end after {least} s each time and are not renewed",
            least = seconds(least)
        ),
    })
    .says(
        say!(
            "Traffic stopped at the end of {ended}, after {lives} s of life, and went on only {pauses} s later, when \
             a new one was negotiated; none was rekeyed in time.",
            ended = count(found.len() as u64, "SA"),
            lives = list(shown.map(seconds)),
            pauses = list(pauses.map(seconds))
        )
        .then(lifetime.map(|lifetime| {
            say!("The lifetime that was negotiated is {lifetime} s.", lifetime)
        })),
    );
    for one in &found {
        if let Some(closing) = one.deleted {
            finding = finding.also(
                closing.at,
                say!("the delete by {from}", from = closing.from),
            );
        }
        finding = finding.also(one.old.last, "the last packet of an SA");
    }
    // An interval takes two, and a lifetime that was negotiated is equal on both sides.
    if !once {
        finding = finding.or("A health check or a script resets the tunnel at a fixed interval.");
    }
    finding = finding.advise("Let at least one side rekey before the lifetime is over.");
    Some(match lifetime {
        Some(_) => finding,
        None => finding.advise("Set equal lifetimes on both sides."),
    })
}

/// Child SAs that were deleted before others took their place, which do not renew them: so traffic pauses, if only
/// for a moment. Keys show what a request renews and for which networks; of IKEv1, whose quick modes do not name
/// what they renew, nothing is told.
fn made_anew(case: &Case<'_>, lives: &[Life]) -> Option<Finding> {
    /// A single one may be what an operator does.
    const PATTERN: usize = 2;
    let pairs = lives.windows(2).filter_map(|pair| {
        let [old, next] = pair else { return None };
        Some((old, next, asked_as_new(case.model, old, next)?))
    });
    let found: Vec<(&Life, &Life, life::Closing)> = pairs
        .take(LOOKED_AT)
        .filter_map(|(old, next, asked)| {
            let closing = named_delete(case.model, old)?;
            let waited = asked.since(closing.at.1);
            let soon = (Span::default()..=AT_ONCE).contains(&waited) && next.first > old.last.1;
            soon.then_some((old, next, closing))
        })
        .collect();
    let (old, next, closing) = found.first().filter(|_| found.len() >= PATTERN)?;
    let note = |closing: &life::Closing| say!("the delete by {from}", from = closing.from);
    let pauses = found.iter().take(8).map(|(old, next, _)| {
        let pause = next.first.since(old.last.1).as_secs_f64();
        Text::verbatim(format_args!("{pause:.1}"))
    });
    let finding = Finding::new(&RULE, Confidence::Certain, case.id, closing.at, note(closing))
        .severity(Severity::Info)
        .also(old.last, "the last packet of an SA")
        .also(next.made, "the next SA")
        .title("Child SAs are deleted and made anew instead of being rekeyed")
        .says(say!(
            "{times} a child SA was deleted, and only then another was made for the same networks, which does not \
             renew it (RFC 7296 section 1.3.3 has REKEY_SA for that). From the last packet of one to the first of the \
             next passed {pauses} s; what was sent meanwhile was lost or waited.",
            times = count(found.len() as u64, "time"),
            pauses = list(pauses)
        ))
        .advise("Let at least one side rekey before the lifetime is over.");
    let rest = found.iter().skip(1);
    Some(rest.fold(finding, |finding, (_, next, closing)| {
        finding
            .also(closing.at, note(closing))
            .also(next.made, "the next SA")
    }))
}

/// The delete that names a child SA.
fn named_delete(model: &Model, life: &Life) -> Option<life::Closing> {
    let child = &model.child_sas[life.child];
    let exchanges = model.ike_sas[life.ike_sa].exchanges.iter();
    exchanges
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| {
            exchange
                .request()
                .is_some_and(|flight| life::names(model, flight, child))
        })
        .find_map(|exchange| life::may_delete(model, life.ike_sa, exchange))
}

/// When `next` was asked for, if it is for what `old` was for, under the same IKE SA, and is known not to renew it.
fn asked_as_new(model: &Model, old: &Life, next: &Life) -> Option<Timestamp> {
    let [before, after] = [old, next].map(|life| &model.child_sas[life.child]);
    let making = &model.exchanges[after.made_by?];
    let (message, read) = model.opened(making.request()?)?;
    let [one, two] = [before, after].map(|child| child.terms.as_ref()?.granted.as_ref());
    let ([a, b], [c, d]) = (one?, two?);
    let is_alike = a == c && b == d || a == d && b == c;
    let is_new = making.kind == ExchangeType::CREATE_CHILD_SA
        && old.ike_sa == next.ike_sa
        && read.notify(NotifyType::REKEY_SA).is_none();
    (is_alike && is_new).then_some(message.time)
}

/// One side goes on sending on an SA whose negotiated lifetime is over, and the other does not.
fn outlived(case: &Case<'_>, life: &Life, lives: &[Life]) -> Option<Finding> {
    /// So long after the end no clock and no queue explains a packet.
    const LATE: Span = Span::from_secs(10);
    let lifetime = i64::try_from(life.lifetime.filter(|seconds| *seconds > 0)?).ok()?;
    let end = Timestamp(
        life.made
            .1
            .0
            .saturating_add(lifetime.saturating_mul(1_000_000_000)),
    );
    let [one, other] = case.model.child_sas[life.child].flows;
    let (one, other) = (&case.model.flows[one?], &case.model.flows[other?]);
    // Where the clock was set back, or is another tap's, the end is not known by time.
    if one.key.vantage != other.key.vantage
        || quality::clock_error(case.model, one.key.vantage) > Span::default()
    {
        return None;
    }
    let (still, gone) = match one.seen.last.1 > other.seen.last.1 {
        true => (one, other),
        false => (other, one),
    };
    // They stand in order, so the next one tells.
    let after = lives.partition_point(|next| next.made.1 <= life.made.1);
    let renewed = lives
        .get(after)
        .is_some_and(|next| next.made.1 <= still.seen.last.1);
    let late = esp::packets_since(still, end.later(LATE));
    let stopped = gone.seen.last.1.since(end) <= CLOSE;
    let used_to = end.since(gone.seen.last.1).0 <= lifetime.saturating_mul(100_000_000);
    if renewed || late < FEW || !stopped || !used_to || gone.packets < FEW {
        return None;
    }
    let sender = still.paths.first()?.from.address;
    Some(
        Finding::new(
            &RULE,
            Confidence::Likely,
            case.id,
            still.seen.last,
            say!("still sent on {spi}", spi = still.key.spi),
        )
        .also(
            life.made,
            say!("the SA is made, with a lifetime of {lifetime} s", lifetime),
        )
        .also(gone.seen.last, "the last packet of the other direction")
        .title(say!("{sender} sends on an SA whose lifetime is over", sender))
        .says(say!(
            "The lifetime of {lifetime} s that was negotiated for SA {spi} was over; the other side stopped using \
             it, and {sender} sent at least {late} more packets on it. No new SA is seen to be made meanwhile.",
            lifetime,
            spi = still.key.spi,
            sender,
            late
        ))
        .advise("Let at least one side rekey before the lifetime is over.")
        .advise(say!(
            "Set equal lifetimes on both sides, and enable dead peer detection at {sender}.",
            sender
        )),
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    /// An IKE SA set up by A at `at`, with traffic for `secs` seconds, and a delete by `by` at its end.
    fn life(at: u32, secs: u32, by: char) -> String {
        let to = if by == 'A' { 'B' } else { 'A' };
        let (spi, end) = (at + 1, at + secs);
        let packets = (secs - 1) * 2;
        format!(
            "{at}.0 A:500 > B:500 IKE_SA_INIT i={spi} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 B:500 > A:500 IKE_SA_INIT i={spi} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.2 A:500 > B:500 IKE_AUTH i={spi} r=9 id=1 request sealed 256
             {at}.3 B:500 > A:500 IKE_AUTH i={spi} r=9 id=1 response sealed 240
             {at}.5 A > B ESP 0xb{spi} seq 1..{packets} every 0.5 size 136
             {at}.6 B > A ESP 0xa{spi} seq 1..{packets} every 0.5 size 136
             {end}.0 {by}:500 > {to}:500 INFORMATIONAL i={spi} r=9 id={id} request sealed 80
             {end}.1 {to}:500 > {by}:500 INFORMATIONAL i={spi} r=9 id={id} response sealed 80\n",
            id = if by == 'A' { 2 } else { 0 },
        )
    }

    #[test]
    fn lives_of_one_length_with_a_pause_after_each() {
        let text: String = [0, 80, 165, 250].map(|at| life(at, 60, 'B')).concat();
        let finding = fires(&text, "sa-expired");
        assert!(
            finding.says.to_string().contains("3 SAs"),
            "{}",
            finding.says
        );
    }

    /// An IKE SA whose child SAs end one after the other, each made anew after the delete of the one before, for
    /// the networks of `to`, by a request that has this, too.
    fn anew(to: impl Fn(u32) -> u32, with: &str) -> String {
        let suite = "ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128";
        let selectors = |n: u32| format!("TSi(10.1.0.0/16) TSr(10.{}.0.0/16)", to(n));
        let mut text = format!(
            "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa0 {suite}) {ts}
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb0 {suite}) {ts}
             0.5 A > B ESP 0xb0 seq 1..58 every 0.5 size 136
             0.6 B > A ESP 0xa0 seq 1..58 every 0.5 size 136\n",
            ts = selectors(0)
        );
        for n in 1..4u32 {
            let (at, id) = (n * 30, n * 2);
            text += &format!(
                "{at}.0 A:500 > B:500 INFORMATIONAL i=1 r=2 id={id} request sealed 80 opened D(ESP 0xa{old})
                 {at}.05 B:500 > A:500 INFORMATIONAL i=1 r=2 id={id} response sealed 80 opened D(ESP 0xb{old})
                 {at}.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={next} request sealed 224 opened {with} SA(ESP 0xa{n} {suite}) Nonce {ts}
                 {at}.15 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={next} response sealed 208 opened SA(ESP 0xb{n} {suite}) Nonce {ts}
                 {at}.2 A > B ESP 0xb{n} seq 1..58 every 0.5 size 136
                 {at}.3 B > A ESP 0xa{n} seq 1..58 every 0.5 size 136\n",
                old = n - 1,
                next = id + 1,
                ts = selectors(n)
            );
        }
        text
    }

    #[test]
    fn child_sas_that_are_made_anew_at_once_are_information() {
        let finding = fires(&anew(|_| 2, ""), "sa-expired");
        assert_eq!(finding.severity, crate::diagnose::Severity::Info);
        let says = finding.says.to_string();
        assert!(says.starts_with("3 times a child SA was deleted"), "{says}");
        // What renews another, or is for other networks, is something else.
        silent(&anew(|_| 2, "N(REKEY_SA ESP 0xa0)"), "sa-expired");
        silent(&anew(|n| 2 + n, ""), "sa-expired");
    }

    #[test]
    fn who_closes_and_opens_again_by_itself_means_it() {
        let text: String = [0, 80, 165, 250].map(|at| life(at, 60, 'A')).concat();
        silent(&text, "sa-expired");
    }

    #[test]
    fn lives_of_many_lengths_end_for_other_reasons() {
        let text: String = [(0, 60), (80, 30), (165, 75), (260, 60)]
            .map(|(at, secs)| life(at, secs, 'B'))
            .concat();
        silent(&text, "sa-expired");
    }

    #[test]
    fn traffic_that_is_over_before_or_comes_long_after_was_not_cut_off() {
        let lives = |delay: u32, packets: u32| -> String {
            let one = |at: u32| {
                let esp = |end: &str| [at, at + delay].map(|at| format!("{at}{end}"));
                let [a, late_a] = esp(".5 A > B ESP");
                let [b, late_b] = esp(".6 B > A ESP");
                let life = life(at, 60, 'B').replace(&a, &late_a).replace(&b, &late_b);
                life.replace("1..118", &format!("1..{packets}"))
            };
            [0, 80, 165, 250].map(one).concat()
        };
        fires(&lives(0, 118), "sa-expired");
        // The deletes come when nothing has flowed for half a minute, or nothing flows at first.
        silent(&lives(0, 58), "sa-expired");
        silent(&lives(15, 88), "sa-expired");
    }

    #[test]
    fn a_single_end_is_no_timer() {
        silent(&(life(0, 60, 'B') + &life(80, 60, 'B')), "sa-expired");
    }

    /// Two SAs of IKEv1, the first of which ends so many seconds after it is made.
    fn ends_after(secs: u32) -> String {
        let again = secs + 12;
        let esp = format!(
            "1.5 A > B ESP 0xb1 seq 1..{secs} every 1
             1.6 B > A ESP 0xa1 seq 1..{secs} every 1
             {again}.0 B:500 > A:500 QUICK i=1 r=2 id=0x79 sealed 188 seed=3
             {again}.1 A:500 > B:500 QUICK i=1 r=2 id=0x79 sealed 188 seed=4
             {again}.2 B:500 > A:500 QUICK i=1 r=2 id=0x79 sealed 76 seed=5
             {again}.4 A > B ESP 0xb2 seq 1..50 every 1
             {again}.5 B > A ESP 0xa2 seq 1..50 every 1"
        );
        quick(3600, &esp).replace(" every 1 ", " every 1 size 136 ")
    }

    #[test]
    fn one_end_at_the_lifetime_is_a_warning_and_one_minutes_before_it_is_nothing() {
        let finding = fires(&ends_after(3599), "sa-expired");
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
        silent(&ends_after(3540), "sa-expired");
    }

    #[test]
    fn a_recording_that_lacks_one_end_does_not_show_that_nothing_was_made() {
        let text = quick(
            60,
            "2 A > B ESP 0xb1 seq 1..200 every 0.5
             2 B > A ESP 0xa1 seq 1..115 every 0.5 tap=1",
        );
        silent(&text, "sa-expired");
    }

    fn quick(life: u32, esp: &str) -> String {
        format!(
            "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
             0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
             0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
             1.0 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188 opened HASH SA(ESP 0xa1 encr=12/256 auth=5 life={life}) Nonce ID(10.1.0.0/16) ID(10.2.0.0/16)
             1.1 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1 opened HASH SA(ESP 0xb1 encr=12/256 auth=5 life={life}) Nonce ID(10.1.0.0/16) ID(10.2.0.0/16)
             1.2 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 76
             {esp}"
        )
    }

    #[test]
    fn one_side_sends_on_past_the_lifetime() {
        fires(
            &quick(
                60,
                "2 A > B ESP 0xb1 seq 1..200 every 0.5
                 2 B > A ESP 0xa1 seq 1..115 every 0.5",
            ),
            "sa-expired",
        );
    }

    #[test]
    fn both_sides_that_send_on_have_agreed() {
        silent(
            &quick(
                60,
                "2 A > B ESP 0xb1 seq 1..200 every 0.5
                 2 B > A ESP 0xa1 seq 1..200 every 0.5",
            ),
            "sa-expired",
        );
    }

    #[test]
    fn one_way_traffic_within_the_lifetime() {
        silent(
            &quick(
                3600,
                "2 A > B ESP 0xb1 seq 1..200 every 0.5
                 2 B > A ESP 0xa1 seq 1..115 every 0.5",
            ),
            "sa-expired",
        );
    }

    #[test]
    fn a_lifetime_of_no_seconds_is_none() {
        let at = |secs: i64| {
            let frame = crate::units::FrameId {
                input: 0,
                number: 1,
            };
            (frame, crate::units::Timestamp(secs * 1_000_000_000))
        };
        let life = |lifetime, length| super::Life {
            child: crate::model::ChildSaId(0),
            ike_sa: crate::model::IkeSaId(0),
            made: at(0),
            asker: "192.0.2.1".parse().unwrap(),
            first: at(0).1,
            last: at(length),
            packets: 100,
            lifetime: Some(lifetime),
            of_ike: None,
        };
        assert!(!life(0, 1).is_full());
        assert!(life(100, 98).is_full() && life(100, 102).is_full());
        assert!(!life(100, 97).is_full());
    }
}
