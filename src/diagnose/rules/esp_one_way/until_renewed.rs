//! ESP has no answer for a while, and has one as soon as the SAs are renewed: no number is missing, since what may have been
//! sent in return belongs to the old SA, of which nothing came any more.

use super::RULE;
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::{began, nat};
use crate::diagnose::{Case, Confidence, Finding, Severity};
use crate::model::{ChildSaId, EspFlow};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp};
use std::collections::BTreeMap;

/// A host that starts anew is faster.
const LONG: Span = Span::from_secs(5);

/// Packets without an answer, and packets with one before and afterwards.
const MANY: u64 = 15;
const SOME: u64 = 8;

/// Who asks again and again does so until the SAs are renewed, and then on the new ones.
const SOON: Span = Span::from_secs(3);

/// An answer on the new SA comes at once.
const AT_ONCE: Span = Span::from_secs(1);

/// The two directions of a child SA that was renewed, of that which replaced it, and when that was asked for.
struct Renewed<'m> {
    old: [&'m EspFlow; 2],
    new: [&'m EspFlow; 2],
    at: Timestamp,
}

/// What went to an end without an answer until the SAs were renewed.
pub(super) fn until_renewed<'m>(case: &Case<'m>, directions: &Directions<'m>) -> Option<Finding> {
    if case.tap().lacks_packets() {
        return None;
    }
    // Most tunnels have one SA of each direction.
    if [0, 1]
        .into_iter()
        .any(|end| directions.flows(end).len() < 2)
    {
        return None;
    }
    [0, 1].into_iter().find_map(|silent| {
        let found = renewed(case, directions, silent);
        found.into_iter().find_map(|one| {
            let asked = unanswered(directions, silent, &one)?;
            finding(case, silent, &one, asked)
        })
    })
}

/// The child SAs that took the place of others, with what goes to an end and what comes from there.
fn renewed<'m>(case: &Case<'m>, directions: &Directions<'m>, silent: usize) -> Vec<Renewed<'m>> {
    let by_child = |end: usize| {
        let mut rows: BTreeMap<ChildSaId, Option<&'m EspFlow>> = BTreeMap::new();
        for flow in directions.flows(end) {
            if let Some(child) = flow.child_sa.child_sa() {
                // Of several nobody knows which answers which.
                let row = rows.entry(child);
                row.and_modify(|row| *row = None).or_insert(Some(*flow));
            }
        }
        rows
    };
    let (asks, answers) = (by_child(silent), by_child(1 - silent));
    let of = |child: &ChildSaId| {
        let (ask, answer) = (asks.get(child)?, answers.get(child)?);
        Some([(*ask)?, (*answer)?])
    };
    let children = answers.keys().filter_map(|child| {
        let row = &case.model.child_sas[*child];
        let exchange = &case.model.exchanges[row.made_by?];
        let renews = matches!(
            exchange.kind,
            ExchangeType::CREATE_CHILD_SA | ExchangeType::QUICK_MODE
        );
        let request = exchange.request().filter(|_| renews)?;
        Some(Renewed {
            old: of(&row.replaces?)?,
            new: of(child)?,
            at: began(case.model, request)?.1,
        })
    });
    children.collect()
}

/// How many packets had no answer up to then, if each had one before, and has one afterwards.
fn unanswered(directions: &Directions<'_>, silent: usize, renewed: &Renewed<'_>) -> Option<u64> {
    let ([old_ask, old_answer], [new_ask, new_answer]) = (renewed.old, renewed.new);
    let whole = |flow: &EspFlow| flow.sequence.missing == 0 && flow.sequence.restarts == 0;
    // A new SA counts from 1 (RFC 4303 section 3.3.3): what is sent on it comes.
    if !whole(old_answer) || !whole(new_answer) || new_answer.sequence.first > 1 {
        return None;
    }
    let (from, to) = (old_answer.seen.last.1, renewed.at);
    let within = |span: Span, most: Span| span >= Span::default() && span <= most;
    let asks_on = within(to.since(old_ask.seen.last.1), SOON)
        && within(new_ask.seen.first.1.since(to), SOON)
        && within(new_answer.seen.first.1.since(new_ask.seen.first.1), AT_ONCE);
    if to.since(from) < LONG || !asks_on {
        return None;
    }
    let alone = directions.alive(silent, from, to).count() == 1
        && directions.alive(1 - silent, from, to).count() <= 1;
    let asked = esp::packets_within(old_ask, from, to);
    let begun = old_ask.seen.first.1;
    let before = (
        esp::packets_within(old_ask, begun, from),
        esp::packets_about(old_ask, begun, from),
    );
    let (had, has) = (old_answer.packets, new_answer.packets);
    let in_turn = had.saturating_mul(11) >= before.0.saturating_mul(10)
        && had.saturating_mul(9) <= before.1.saturating_mul(10)
        && has.abs_diff(new_ask.packets).saturating_mul(10) <= has;
    // A stream that nobody answers has sizes of its own, and they are there only meanwhile.
    let same = old_ask.sizes.others == 0
        && old_ask.sizes.counts.iter().all(|(size, _)| {
            let rhythm = old_ask.rhythms.iter().find(|rhythm| rhythm.size == *size);
            rhythm.is_none_or(|rhythm| rhythm.first.1 < from)
        });
    let enough = asked >= MANY && had >= SOME && has >= SOME;
    (alone && enough && in_turn && same).then_some(asked)
}

fn finding(case: &Case<'_>, silent: usize, renewed: &Renewed<'_>, asked: u64) -> Option<Finding> {
    let (peer, other) = (
        case.tunnel.ends.get(silent)?,
        case.tunnel.ends.get(1 - silent)?,
    );
    let ([old_ask, old_answer], [_, new_answer]) = (renewed.old, renewed.new);
    let finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        old_answer.seen.last,
        "the last answer on the old SA",
    )
    .severity(Severity::Warning)
    .also(old_ask.seen.last, "the last packet without an answer")
    .also(new_answer.seen.first, "the first answer on the new SA")
    .during(old_answer.seen.last.1, new_answer.seen.first.1)
    .title(say!(
        "ESP of {other} to {peer} had no answer until the SAs were renewed",
        other,
        peer
    ))
    .says(say!(
        "Before and afterwards each packet from {other} to {peer} has one in return. On SA {spi} {asked} and more, of the \
         same sizes, had none; then the SAs were renewed, and on the new ones {peer} answers at once. No number of {peer} \
         is missing.",
        other,
        peer,
        spi = old_ask.key.spi,
        asked
    ));
    let through_nat = case
        .ike_sas()
        .any(|sa| sa.nat.is_some_and(|nat| nat.is_there()));
    let finding = match through_nat {
        true => finding
            .or(say!(
                "A NAT gave {other} another port, and {peer} sent its answers to the old one until IKE showed it the \
                 new.",
                other,
                peer
            ))
            .advise(nat::KEEP_ALIVE),
        false => finding,
    };
    Some(
        finding
            .or("One side had lost the old SA, or dropped what came on it.")
            .or("The path lost one direction of ESP, and carried it again by chance then.")
            .or(say!(
                "What is behind {peer} did not answer, and did again by chance then.",
                peer
            ))
            .advise(say!(
                "Capture at {peer} when it happens again: does ESP arrive on the old SA, and where do the answers go?",
                peer
            )),
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::findings;
    use crate::diagnose::{Confidence, Finding, Severity};

    /// Pings, of which some have no answer up to a rekeying.
    fn text(answered: u32, again: &str, size: u32) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
             1 A > B ESP 0xb1 seq 1..40 every 0.25 size 136
             1.05 B > A ESP 0xa1 seq 1..{answered} every 0.25 size 136
             30 A > B ESP 0xb1 seq 41..80 every 0.25 size {size}
             40.2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 256
             40.25 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
             40.3 A > B ESP 0xb2 seq 1..40 every 0.25 size 136
             {again} B > A ESP 0xa2 seq 1..40 every 0.25 size 136"
        )
    }

    /// What is said of it, other ways to see one direction left aside.
    fn told(text: &str) -> Option<Finding> {
        let mut found = findings(text).into_iter();
        found.find(|finding| {
            finding
                .title
                .to_string()
                .contains("until the SAs were renewed")
        })
    }

    #[test]
    fn what_has_no_answer_until_the_sas_are_renewed() {
        let found = told(&text(40, "40.35", 136)).expect("it is told");
        assert_eq!(found.rule.slug, "esp-one-way");
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(found.confidence, Confidence::Possible);
    }

    #[test]
    fn what_comes_back_at_another_time_or_was_never_asked_so_is_no_sign() {
        // The answers come later than the SAs; the packets are others.
        for text in [text(40, "43.35", 136), text(40, "40.35", 200)] {
            assert!(told(&text).is_none(), "{text}");
        }
        // All of them had answers.
        let answered = "\n30.05 B > A ESP 0xa1 seq 41..80 every 0.25 size 136";
        assert!(told(&(text(40, "40.35", 136) + answered)).is_none());
    }
}
