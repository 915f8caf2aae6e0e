//! A health check that is not answered makes its own gateway tear a working tunnel down.

use crate::diagnose::facts::inner::{Asking, Inside};
use crate::diagnose::facts::{asked, end_of, life};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::limits;
use crate::model::{IkeSaId, IkeState, InnerWay, Link, Model, Run};
use crate::say;
use crate::units::{Span, Timestamp};
use std::iter;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "health-check-reset",
    code: "IKE309",
    severity: Severity::Error,
    summary: "A health check resets a tunnel that works",
    document: DOCUMENT,
    explains: &[
        "tunnel-flapping",
        "tunnel-deleted",
        "health-check-unanswered",
        "inner-no-reply",
    ],
    needs: Signs::INSIDE,
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway sends a health check through the tunnel, gets no answer, and deletes the tunnel to set it up anew, again and again. The tunnel itself works; the target of the check does not answer, and all other traffic is interrupted with every reset.

## How it is seen
With the keys of ESP of both ways, or without encryption: ICMP echo requests at a fixed interval, several in a row without reply, and then a delete of the IKE SA by the side that sends them, to which the peer answers; at least twice.

## What else looks like it
A path that fails: then the peer does not answer IKE either, and dead peer detection ends the tunnel. An administrator who resets the tunnel by hand. A gateway that authenticates anew by closing each IKE SA before it opens the next, beside a ping that is never answered: where more than 20 went unanswered in each life it is told as possible, where more than 100 did it is not told.

## What to do
1. Turn the health check off where there is but one tunnel, and use dead peer detection (DPD) instead.
2. Or give it a target that answers, with a route back to the source of the check.
";

/// Resets that make a pattern.
const PATTERN: usize = 2;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(inside) = case.inside() else {
        return Vec::new();
    };
    [0, 1]
        .into_iter()
        .filter_map(|prober| {
            let resets = resets(case, prober);
            if resets.len() < PATTERN {
                return None;
            }
            inside
                .asked_once()
                .filter(|asking| asking.end == 1 - prober)
                .find_map(|asking| finding(case, inside, prober, asking, &resets))
        })
        .collect()
}

/// The deletes of IKE SAs by one end that were answered, and that no rekey explains.
fn resets(case: &Case<'_>, end: usize) -> Vec<(IkeSaId, Cite)> {
    /// So many of the latest are looked at: there may be thousands.
    const LATEST: usize = 8;
    let ids = case.tunnel.ike_sas.iter();
    let mut up: Vec<(Timestamp, IkeSaId)> = ids
        .filter(|id| case.model.ike_sas[**id].state.was_up())
        .map(|id| (case.model.ike_sas[*id].seen.first.1, *id))
        .collect();
    up.sort_unstable();
    let last_up = up.last().map(|(first, _)| *first);
    // Whether one that came up after this, and before that moment, was not gone by then.
    let is_outlived = |id: IkeSaId, at: Timestamp| {
        // What was begun before the recording is older than all that is begun in it.
        let this = &case.model.ike_sas[id];
        let first = life::is_begun(case.model, this).then_some(this.seen.first.1);
        let until = up.partition_point(|(first, _)| *first <= at);
        let latest = up.get(..until).unwrap_or_default().iter().rev();
        let mut younger = latest
            .take(LATEST)
            .filter(|one| one.1 != id && first.is_none_or(|first| one.0 > first));
        younger.any(|(_, younger)| {
            let sa = &case.model.ike_sas[*younger];
            sa.state != IkeState::Deleted || sa.seen.last.1 > at
        })
    };
    case.tunnel
        .ike_sas
        .iter()
        .filter_map(|id| {
            let closing = life::closing(case.model, *id)?;
            let last = &case.model.exchanges[*case.model.ike_sas[*id].exchanges.last()?];
            // A successor that stood before was made in order, and so was one that was not begun from the
            // first message: by rekeying. One that is asked for afterwards is the reset's own.
            let mut others = case
                .tunnel
                .ike_sas
                .iter()
                .map(|other| &case.model.ike_sas[*other]);
            let succeeded = others.any(|other| {
                other.replaces == Some(*id)
                    && (other.seen.first.1 <= closing.at.1 || !life::is_begun(case.model, other))
            });
            // Nor does it reset the tunnel if a younger one stands beside it: who authenticates anew makes that first, and
            // where both ends do so at once only one of them takes the place of the old one.
            let succeeded = succeeded || is_outlived(*id, closing.at.1);
            // IKEv1 answers no Delete; that the peer agrees to another IKE SA tells as much.
            let anew = || last_up.is_some_and(|up| up > closing.at.1);
            let alive = last.response().is_some() || asked::is_v1(last.kind) && anew();
            let meant = !succeeded && alive && end_of(case.tunnel, closing.from) == Some(end);
            meant.then_some((*id, closing.at))
        })
        .collect()
}

fn finding(
    case: &Case<'_>,
    inside: &Inside<'_>,
    prober: usize,
    asking: &Asking<'_>,
    resets: &[(IkeSaId, Cite)],
) -> Option<Finding> {
    /// How long after the last probe a gateway may take to act.
    const ACTS: Span = Span::from_secs(10);
    /// A check that counts to more before it acts is none; most count to less than ten.
    const COUNTED: i64 = 100;
    const MANY: i64 = 20;
    let echo = asking.out.echo.as_ref()?;
    let period = echo.period.filter(|_| echo.is_periodic())?;
    let after = Span(period.0.saturating_mul(2).saturating_add(ACTS.0));
    let ends = |run: &&Run, reset: &Cite| {
        let lasted = reset.1.since(run.seen.first.1) >= Span(period.0.saturating_mul(2));
        // The SA that answers would come on may be one that no key opens.
        let would_see = || {
            let when = (run.seen.first.1, run.seen.last.1);
            inside.would_see(asking.talk.vantage, asking.end, run.requests, when)
        };
        lasted && reset.1.since(run.seen.last.1) <= after && would_see()
    };
    // Nobody resets what carries no probes, or before there are any.
    let began = asking.out.seen?.first.1;
    let resets: Vec<(IkeSaId, Cite)> = resets
        .iter()
        .filter(|(id, at)| at.1 >= began && may_carry(case.model, *id, asking.out))
        .copied()
        .collect();
    let caused: Vec<(&Run, IkeSaId, Cite)> = resets
        .iter()
        .filter_map(|(id, reset)| {
            let run = echo.runs.iter().find(|run| ends(run, reset))?;
            Some((run, *id, *reset))
        })
        .collect();
    // How many went unanswered in the life of each IKE SA.
    let failed = caused.iter().map(|(run, id, reset)| {
        let up = case.model.ike_sas[*id].seen.first.1;
        reset.1.since(run.seen.first.1.max(up)).0 / period.0.max(1)
    });
    let failed = failed.min()?;
    if failed > COUNTED {
        return None;
    }
    let caused: Vec<(&Run, Cite)> = caused
        .into_iter()
        .map(|(run, _, reset)| (run, reset))
        .collect();
    let resets: Vec<Cite> = resets.into_iter().map(|(_, reset)| reset).collect();
    // If half of them have another cause, so may the others.
    if caused.len() < PATTERN || caused.len() * 4 < resets.len() * 3 {
        return None;
    }
    let gateway = case.tunnel.ends.get(prober)?;
    let (run, reset) = *caused.first()?;
    let (from, to) = (asking.from.address, asking.to.address);
    let others = resets.len().saturating_sub(caused.len());
    // A run may go on over several resets; of its requests only some are kept.
    let last = |run: &Run, reset: Cite| {
        let kept = echo.unanswered.iter().chain(&echo.waiting).copied();
        kept.chain([run.seen.last])
            .filter(|at| at.1 >= run.seen.first.1 && at.1 <= reset.1)
            .max_by_key(|at| at.1)
            .filter(|at| reset.1.since(at.1) <= after)
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(failed > MANY),
        case.id,
        reset,
        say!("{gateway} deletes the IKE SA", gateway),
    );
    if let Some(request) = last(run, reset) {
        finding = finding.also(
            request,
            say!("echo request to {to}, not answered, before it", to),
        );
    }
    finding = finding
    .title(say!(
        "{gateway} resets the tunnel when its health check fails",
        gateway
    ))
    .says(match others {
        0 => say!(
            "{gateway} deleted the IKE SA {resets} times, each time after echo requests from {from} \
             to {to}, one every {period}, had no answer. The peer answers IKE all the while: the \
             tunnel works, the target does not answer.",
            gateway,
            resets = caused.len(),
            from,
            to,
            period
        ),
        _ => say!(
            "{gateway} deleted the IKE SA {all} times, {resets} of them after echo requests from {from} to {to}, one \
             every {period}, had no answer. The peer answers IKE all the while: the tunnel works, the target does \
             not answer.",
            gateway,
            all = resets.len(),
            resets = caused.len(),
            from,
            to,
            period
        ),
    });
    for (run, reset) in caused.iter().skip(1) {
        finding = finding.also(*reset, "and again");
        if let Some(request) = last(run, *reset) {
            finding = finding.also(request, "after requests without answer");
        }
    }
    for reset in resets
        .iter()
        .filter(|reset| caused.iter().all(|(_, caused)| caused != *reset))
    {
        finding = finding.also(*reset, "this time requests were answered before it");
    }
    // Who waits for so many failures may not look at them.
    if failed > MANY {
        finding = finding.or(say!(
            "{gateway} authenticates anew by a timer, and closes each IKE SA before it opens the next (RFC 7296 section \
             2.8.3); the pings are of somebody else, and were never answered.",
            gateway
        ));
    }
    Some(
        finding
            .or("Somebody resets the tunnel by hand or by a schedule.")
            .advise(say!(
                "Turn that health check off on {gateway} and use dead peer detection, or choose a \
                 target that answers.",
                gateway
            ))
            .advise(say!(
                "Look why {to} does not answer {from}: {requests} without reply.",
                to,
                from,
                requests = count(echo.requests.saturating_sub(echo.answered), "request")
            )),
    )
}

/// Whether packets may have gone in a child SA of this IKE SA, or of those that it replaced, whose child SAs
/// it took over (RFC 7296 section 2.8): not if all that carried them are known to be of others.
fn may_carry(model: &Model, id: IkeSaId, way: &InnerWay) -> bool {
    let before = |id: &IkeSaId| model.ike_sas[*id].replaces;
    let mut of_others = way.carriers.iter().map(|carrier| {
        let Link::Proven(child) = model.flows[carrier.flow].child_sa else {
            return false;
        };
        let family = iter::successors(Some(id), before).take(limits::REKEY_GENERATIONS);
        let maker = model.child_sas[child].ike_sa;
        maker.is_some_and(|maker| family.into_iter().all(|id| id != maker))
    });
    way.carriers.len() >= limits::INNER_CARRIERS || !of_others.all(|other| other)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    /// One life of a tunnel of 60 seconds: set up, probed, deleted.
    fn life(n: u32, answered: bool) -> String {
        let t = 60 * n;
        let (i, r) = (2 * n + 1, 2 * n + 2);
        let replies = match answered {
            true => format!(
                "{}.1 B > A ESP 0xa{n} seq 1..5 every 5 inner(10.2.0.1 > 10.1.0.1 reply 7/1)",
                t + 10
            ),
            false => String::new(),
        };
        format!(
            "{t}.0 A:500 > B:500 IKE_SA_INIT i={i} r=0 id=0 request seed={n} SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {t}.1 B:500 > A:500 IKE_SA_INIT i={i} r={r} id=0 response seed={n} SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {t}.2 A:500 > B:500 IKE_AUTH i={i} r={r} id=1 request sealed 256
             {t}.3 B:500 > A:500 IKE_AUTH i={i} r={r} id=1 response sealed 240
             {} A > B ESP 0xb{n} seq 1..5 every 5 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             {replies}
             {t}.9 B > A ESP 0xc{n} seq 1..30 every 1 inner(10.2.0.9 > 10.1.0.9 UDP 1 > 2)
             {} A:500 > B:500 INFORMATIONAL i={i} r={r} id=2 request sealed 80 opened D(IKE)
             {}.1 B:500 > A:500 INFORMATIONAL i={i} r={r} id=2 response sealed 80 opened\n",
            t + 10,
            t + 33,
            t + 33
        )
    }

    #[test]
    fn each_delete_is_cited_with_a_probe_before_it() {
        // The probes go on over all resets.
        let lives: String = (0..3).map(|n| life(n, false)).collect();
        let on = lives.replace(" seq 1..5 every 5 ", " seq 1..10 every 5 ");
        let finding = fires(&on, "health-check-reset");
        let frames = |what: &str| -> Vec<_> {
            let all = finding.evidence.iter();
            let of = all.filter(|one| one.note.to_string().contains(what));
            of.map(|one| one.frame).collect()
        };
        let (asked, deleted) = (
            frames("request"),
            [frames("deletes"), frames("again")].concat(),
        );
        assert_eq!((asked.len(), deleted.len()), (3, 3));
        assert!(
            asked
                .iter()
                .zip(&deleted)
                .all(|(asked, deleted)| asked < deleted)
        );
    }

    #[test]
    fn probes_without_answer_and_then_a_delete_again_and_again() {
        let text: String = (0..3).map(|n| life(n, false)).collect();
        verdict(&text, "health-check-reset");
        // One of four may have another cause, and one of two shows that all may.
        verdict(&(text + &life(3, true)), "health-check-reset");
        let half: String = (0..4).map(|n| life(n, n > 1)).collect();
        silent(&half, "health-check-reset");
        // What was deleted before there were any probes has no part in it.
        let probes = " > B ESP 0xb";
        let before: String = (0..4)
            .map(|n| life(n, false))
            .flat_map(|life| life.lines().map(str::to_owned).collect::<Vec<_>>())
            .filter(|line| !line.contains(probes))
            .map(|line| line + "\n")
            .collect();
        let later: String = (4..7).map(|n| life(n, false)).collect();
        verdict(&(before + &later), "health-check-reset");
    }

    #[test]
    fn another_ike_sa_that_is_deleted_is_no_reset_of_the_one_that_carries_the_probes() {
        // The probes go in child SAs of the IKE SAs 0x71 and on, which live on.
        let beside = |n: u32| {
            let t = 60 * n;
            format!(
                "{t}.4 A:500 > B:500 IKE_SA_INIT i=7{n} r=0 id=0 request seed=7{n} SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {t}.5 B:500 > A:500 IKE_SA_INIT i=7{n} r=8 id=0 response seed=7{n} SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {t}.6 A:500 > B:500 IKE_AUTH i=7{n} r=8 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xe{n} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.0.0/24)
                 {t}.7 B:500 > A:500 IKE_AUTH i=7{n} r=8 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb{n} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.0.0/24)\n"
            )
        };
        let lives: String = (0..3).map(|n| life(n, false)).collect();
        let others: String = (0..3).map(beside).collect();
        silent(&(lives + &others), "health-check-reset");
    }

    #[test]
    fn who_makes_the_next_before_the_old_is_deleted_authenticates_anew() {
        // Each is deleted three seconds after the next was made.
        let lives: String = (0..5).map(|n| life(n, false)).collect();
        let timed = |line: &str| {
            let (time, rest) = line.trim().split_once(' ')?;
            Some((time.parse::<f64>().ok()?, rest.to_owned()))
        };
        let later = |(time, rest): (f64, String)| match rest.contains("INFORMATIONAL") {
            true => (time + 30.0, rest),
            false => (time, rest),
        };
        let anew = || lives.lines().filter_map(timed).map(later);
        let line = |(time, rest): (f64, String)| format!("{time:.1} {rest}\n");
        verdict(&lives, "health-check-reset");
        silent(&anew().map(line).collect::<String>(), "health-check-reset");
        // The recording begins after the first two were made.
        let cut = anew().filter(|(time, rest)| *time > 62.0 || rest.contains("ESP"));
        silent(&cut.map(line).collect::<String>(), "health-check-reset");
    }

    #[test]
    fn answers_that_no_key_opens_are_answers() {
        let text: String = (0..3).map(|n| life(n, true)).collect();
        let (answer, sealed) = (" inner(10.2.0.1 > 10.1.0.1 reply 7/1)", "");
        silent(&text.replace(answer, sealed), "health-check-reset");
    }

    #[test]
    fn deletes_after_answered_probes_have_another_cause() {
        let text: String = (0..3).map(|n| life(n, true)).collect();
        silent(&text, "health-check-reset");
        silent(&life(0, false), "health-check-reset");
    }
}
