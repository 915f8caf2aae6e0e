//! All ESP ends at a message that may be a delete, and is missed.

use super::afterwards::{Afterwards, fate_of_attempts, shunned};
use super::{RULE, SILENCE, asked_again, is_succeeded, leaves_in_clear, named, tidies_up, vantage};
use crate::diagnose::facts::{Fate, TOGETHER, asked, end_of, esp, life, quality, tap};
use crate::diagnose::{Case, Confidence, Finding, Severity};
use crate::model::{EspFlow, IkeSaId, IkeState};
use crate::say;
use crate::units::{Span, Timestamp};

/// Traffic that ends this close to the message ended because of it.
const CLOSE: Span = Span::from_millis(500);

/// Packets that were under way when the message passed.
const IN_FLIGHT: Span = Span::from_millis(100);

/// So many packets after the deletion mean that the tunnel is still needed.
pub(super) const NEEDED: u64 = 5;

/// All ESP ended at an informational message of the size of a delete, and later someone asked for a
/// new SA. Block padding makes a liveness check as large, so the traffic itself must tell.
pub(super) fn cut_off(
    case: &Case<'_>,
    directions: &[esp::Directions<'_>],
    id: IkeSaId,
    died: &[Timestamp],
) -> Option<Finding> {
    let sa = &case.model.ike_sas[id];
    let tap = case.tap();
    sa.exchanges
        .iter()
        .map(|id| &case.model.exchanges[*id])
        // An unanswered one is a liveness check on a dead path.
        .filter(|exchange| exchange.response().is_some() || asked::is_v1(exchange.kind))
        .filter_map(|exchange| Some((exchange, life::may_delete(case.model, id, exchange)?)))
        // An IKE SA that has a successor is deleted, and nobody misses it.
        .filter(|(_, closing)| !is_succeeded(case, id, closing.at))
        .filter(|(_, closing)| !tidies_up(case.model, sa, closing.at.1, SILENCE))
        .find_map(|(exchange, closing)| {
            let (again, asker) = asked_again(case, closing.at.1)?;
            let who = closing.from;
            let fate = fate_of_attempts(case, closing.at.1, who)
                .filter(|fate| *fate != Afterwards::Up);
            // What is asked for in vain brings no traffic back.
            let until = match fate {
                Some(_) => tap::ended(case.model, vantage(case.model, exchange)?)?,
                None => again.1,
            };
            // Who restarts closes the whole tunnel, and gives it back at the first try: there the pause alone tells
            // that it was missed, if nothing else does.
            let closes = sa.state == IkeState::Deleted
                && sa.seen.last.1.since(closing.at.1) <= SILENCE;
            let mut anew = case.ike_sas().filter(|sa| sa.seen.first.1 > closing.at.1);
            let given_back = anew.next().is_some_and(|sa| sa.state.was_up());
            let by_pause = closes && given_back && !leaves_in_clear(case, closing.at.1, again.1);
            let ended = directions.iter().any(|directions| {
                // Where the clock was set back, before and after are not known by time.
                if quality::clock_error(case.model, directions.vantage) > Span::default() {
                    return false;
                }
                [0, 1]
                    .into_iter()
                    .all(|end| ends_at(directions, end, closing.at.1, until, by_pause))
            });
            let paused = again.1.since(closing.at.1);
            // Who asks for a new SA much later wants something new.
            let missed = (SILENCE..=TOGETHER).contains(&paused) || fate.is_some();
            if !ended || !missed || path_died(died, closing.at.1, again.1) {
                return None;
            }
            let named = named(case, id, closing.at);
            let says = match &named {
                Some(deleted) => say!(
                    "ESP flowed in both directions up to the delete of {deleted} by {who}, and then ended at once, for \
                     longer than it ever paused before; {paused} later {asker} asked for a new SA.",
                    deleted,
                    who,
                    paused,
                    asker
                ),
                None => say!(
                    "ESP flowed in both directions up to an informational message by {who}, and then ended at once, \
                     for longer than it ever paused before; {paused} later {asker} asked for a new SA.",
                    who,
                    paused,
                    asker
                ),
            };
            // Who deletes and asks anew by itself was restarted, or means it.
            let wanted = end_of(case.tunnel, asker) != end_of(case.tunnel, who);
            let finding = Finding::new(
                    &RULE,
                    match named {
                        Some(_) => Confidence::Certain,
                        // Nobody begins anew at once but for an SA that is gone.
                        None if fate.is_some() && paused < SILENCE => Confidence::Likely,
                        None => Confidence::Possible,
                    },
                    case.id,
                    closing.at,
                    match named {
                        Some(_) => "a delete, at which all ESP ends",
                        None => "a message of the size of a delete, at which all ESP ends",
                    },
                )
                .also(again, say!("{asker} asks for a new SA", asker))
                .explaining(shunned(case, who, fate))
                .severity(match wanted {
                    true => tap.gaps(RULE.severity),
                    false => Severity::Info,
                })
                .title(say!("{who} deleted the SA in use", who))
                .says(says)
                .advise(say!(
                    "Read the log of {who}: it says why it deleted the SA.",
                    who
                ));
            Some(match named {
                Some(_) => finding,
                None => finding.or("The traffic happened to pause at that moment."),
            })
        })
}

/// When requests were first sent that were not answered, in order.
pub(super) fn unanswered(case: &Case<'_>) -> Vec<Timestamp> {
    let unsettled = case.unsettled().iter();
    let unanswered = unsettled.filter(|asked| asked.fate != Fate::Answered);
    let mut times: Vec<Timestamp> = unanswered.map(|asked| asked.first.1).collect();
    times.sort_unstable();
    times
}

/// Whether one of these was sent between the two times: then the path ended the traffic.
fn path_died(unanswered: &[Timestamp], from: Timestamp, until: Timestamp) -> bool {
    let next = unanswered.get(unanswered.partition_point(|time| *time <= from));
    next.is_some_and(|time| *time < until)
}

/// Whether ESP towards `end` flowed up to just before `time` and then paused until `until`, longer
/// than it ever had. Where it is to be known `by_pause` alone, it must have been watched for as long before: of what
/// flowed for a second nobody knows whether it pauses for three.
pub(super) fn ends_at(
    directions: &esp::Directions<'_>,
    end: usize,
    time: Timestamp,
    until: Timestamp,
    by_pause: bool,
) -> bool {
    // What goes on, or ended long before, is known without a look at every flow.
    let mut goes_on = directions.alive(end, time.later(IN_FLIGHT).later(Span(1)), time);
    let mut recent = directions.alive(end, time.later(Span(-CLOSE.0)), time);
    if goes_on.next().is_some() || recent.next().is_none() {
        return false;
    }
    let (before, after): (Vec<&EspFlow>, Vec<&EspFlow>) = directions
        .flows(end)
        .iter()
        .partition(|flow| flow.seen.first.1 < time);
    let packets: u64 = before.iter().map(|flow| flow.packets).sum();
    let seen = before.iter().map(|flow| flow.seen);
    let begun = seen.clone().map(|seen| seen.first.1).min();
    let Some((begun, last)) = begun.zip(seen.map(|seen| seen.last.1).max()) else {
        return false;
    };
    let paused = before
        .iter()
        .filter_map(|flow| flow.silences.first())
        .map(|silence| silence.length)
        .max()
        .unwrap_or_default();
    packets >= NEEDED
        && time.since(last) <= CLOSE
        && last.since(time) <= IN_FLIGHT
        && until.since(last) > paused
        && (!by_pause || last.since(begun) >= until.since(last))
        && after.iter().all(|flow| flow.seen.first.1 >= until)
}
