//! IKE messages change on the way between two taps.

use crate::diagnose::facts::end_of;
use crate::diagnose::facts::taps;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{Message, TapPair};
use crate::registry::{ExchangeType, PayloadType};
use crate::say;
use crate::units::{IkeSpis, Span, Vantage};
use std::collections::BTreeMap;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-damaged",
    code: "IKE113",
    severity: Severity::Error,
    summary: "IKE messages change on the way",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::TAPS,
    check,
};

const DOCUMENT: &str = "\
## What it means
A message of IKE comes to its receiver with other octets than it was sent with. What is in clear is then misread or refused; what is sealed fails its check and is dropped without a word, or in IKEv1 is called malformed.

## How it is seen
With two taps, one behind the other: the first has a message that the second lacks, and the second has one with the same header, of the same length, at the same time, which the first lacks. Where both can be read, most of their octets are the same. Where they are sealed, this happens to several.

## What else looks like it
A sender that seals a message anew when it sends it again; but then both taps have both. The network card beside the second tap may do the damage, after the path.

## What to do
1. Look between the two taps for a device that rewrites IKE: an application-layer gateway for IPsec, a pass-through.
2. Look for damage that no checksum shows: a device with broken memory that makes the UDP checksum anew, or UDP without a checksum.
";

/// What follows from it, where nothing comes up.
const EXPLAINS: &[&str] = &[
    "ike-refused",
    "ike-no-response",
    "ike-auth-no-response",
    "ike-one-way",
    "ike-proposal-mismatch",
    "ike-fragments-lost",
    "port-4500-blocked",
    "psk-mismatch",
    "auth-failed",
    "child-setup-failed",
    "dpd-timeout",
    "rekey-failed",
    "tunnel-flapping",
    "clear-text-leak",
];

/// How many different messages with one header are compared, of each tap.
const MOST: usize = 8;

/// So many that nobody can read are no chance.
const SEVERAL: usize = 2;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let pairs = case.tunnel.taps.iter();
    let ways = pairs.flat_map(|pair| [(pair, 0), (pair, 1)]);
    let mut found: [Option<Finding>; 2] = [None, None];
    for (pair, towards) in ways {
        if let Some(found) = found.get_mut(towards).filter(|found| found.is_none()) {
            *found = between(case, pair, towards);
        }
    }
    found.into_iter().flatten().collect()
}

/// What two messages have in common of which one is the other, damaged.
type Key = (IkeSpis, ExchangeType, PayloadType, u32, u32);

/// The different messages with one header, as two taps have them.
#[derive(Default)]
struct Alike<'m> {
    near: Vec<Copies<'m>>,
    far: Vec<Copies<'m>>,
}

/// A message, and how many copies of it one tap has.
type Copies<'m> = (&'m Message, usize);

/// A message before and after.
struct Changed<'m> {
    sent: &'m Message,
    came: &'m Message,
    /// How often it came so.
    copies: usize,
    /// How many octets differ, and the place of the first, if they are kept.
    octets: Option<(usize, usize)>,
}

fn between(case: &Case<'_>, pair: &TapPair, towards: usize) -> Option<Finding> {
    let place = pair.near(towards)?;
    let (near, far) = (*pair.taps.get(place)?, *pair.taps.get(1 - place)?);
    let changed = changed(case, pair, towards, (near, far));
    let times: usize = changed.iter().map(|one| one.copies).sum();
    let one = changed.iter().find(|one| one.octets.is_some());
    let one = one.or(changed.first().filter(|_| times >= SEVERAL))?;
    let (sent, came) = (one.sent, one.came);
    let from = sent.path.from().address;
    let to = sent.path.to().address;
    let [near, far] = [near, far].map(|tap| taps::name(case.model, tap));
    let mut finding = Finding::new(
        &RULE,
        match one.octets {
            Some(_) => Confidence::Certain,
            None => Confidence::Likely,
        },
        case.id,
        (sent.frame, sent.time),
        say!("the message as it left {near}", near = &near),
    )
    .also(
        (came.frame, came.time),
        say!("as it came to {far}", far = &far),
    )
    .title(say!(
        "IKE messages of {from} change on the way to {to}",
        from,
        to
    ))
    .says(say!(
        "{messages} of {from} came to the tap {far} with other octets than {near} saw leave, under the same header.",
        messages = count(times as u64, "IKE message"),
        from,
        far = &far,
        near = &near
    ));
    finding.says.add(match one.octets {
        Some((octets, first)) => say!(
            "Of the {length} octets of the first that can be compared {octets} differ, from octet {first} on.",
            length = sent.header.length,
            octets,
            first
        ),
        None => "They are sealed, so what differs does not show.".into(),
    });
    let comes_up = case
        .ike_sas()
        .any(|sa| sa.state.was_up() && sa.seen.last.1 >= sent.time);
    finding = match comes_up {
        true => finding.severity(Severity::Warning),
        false => finding.explaining(EXPLAINS),
    };
    for one in changed
        .iter()
        .filter(|one| one.sent.frame != sent.frame)
        .take(4)
    {
        finding = finding.also(
            (one.came.frame, one.came.time),
            say!("another that came changed to {far}", far = &far),
        );
    }
    Some(
        finding
            .or(say!(
                "The network card beside the tap {far} did the damage.",
                far = &far
            ))
            .advise(say!(
                "Look between {near} and {far} for a device that rewrites IKE: an application-layer gateway for \
                 IPsec, a pass-through.",
                near = &near,
                far = &far
            ))
            .advise(
                "Look for damage that no checksum shows: a device that makes the UDP checksum anew, or UDP without one.",
            ),
    )
}

/// Messages towards an end that one tap has and the other has changed, in order.
fn changed<'m>(
    case: &Case<'m>,
    pair: &TapPair,
    towards: usize,
    (near, far): (Vantage, Vantage),
) -> Vec<Changed<'m>> {
    let mut rows: BTreeMap<Key, Alike<'m>> = BTreeMap::new();
    for message in case.messages() {
        let header = &message.header;
        let is_whole = !message.cut && message.pieces.is_none();
        if !is_whole || end_of(case.tunnel, message.path.to().address) != Some(towards) {
            continue;
        }
        let key = (
            header.spis,
            header.exchange,
            header.next_payload,
            header.message_id,
            header.length,
        );
        let row = rows.entry(key).or_default();
        let side = match message.vantage {
            vantage if vantage == near => &mut row.near,
            vantage if vantage == far => &mut row.far,
            _ => continue,
        };
        let known = side
            .iter()
            .position(|(other, _)| other.bytes == message.bytes);
        let has_room = side.len() < MOST;
        match known.and_then(|place| side.get_mut(place)) {
            Some((_, copies)) => *copies += 1,
            None if has_room => side.push((message, 1)),
            None => {}
        }
    }
    let index = pair.index(near).unwrap_or_default();
    let mut changed: Vec<Changed<'m>> = rows
        .values()
        // Beyond so many nobody knows which is missing.
        .filter(|row| row.near.len() < MOST && row.far.len() < MOST)
        .filter_map(|row| {
            let lone = |one: &[Copies<'m>], other: &[Copies<'m>]| {
                let there = |message: &Message| {
                    let mut others = other.iter();
                    others.any(|(there, _)| there.bytes == message.bytes)
                };
                let mut lone = one.iter().filter(|(message, _)| !there(message));
                lone.next().copied().filter(|_| lone.next().is_none())
            };
            let (sent, came) = (lone(&row.near, &row.far)?, lone(&row.far, &row.near)?);
            is_same(pair, index, sent, came)
        })
        .collect();
    changed.sort_by_key(|one| one.sent.time);
    changed
}

/// Whether what came is what was sent, and what differs.
fn is_same<'m>(
    pair: &TapPair,
    near: usize,
    (sent, times): Copies<'m>,
    (came, copies): Copies<'m>,
) -> Option<Changed<'m>> {
    /// Longer than a packet is on its way.
    const WHILE: Span = Span::from_secs(1);
    let (time, doubt) = pair.elsewhere(near, sent.time);
    if came.time.since(time).0.abs() > WHILE.0.saturating_add(doubt.0) {
        return None;
    }
    let octets = match (&*sent.bytes, &*came.bytes) {
        ([], _) | (_, []) => None,
        (octets, there) => {
            let (octets, there) = (octets.iter(), there.iter());
            let mut places = octets.zip(there).enumerate();
            let first = places.position(|(_, (one, other))| one != other)?;
            let differ = places.filter(|(_, (one, other))| one != other).count() + 1;
            // Of two different messages hardly any octets are the same but those of the header.
            let few = sent.bytes.len() == came.bytes.len()
                && differ.saturating_mul(4) <= sent.bytes.len();
            if !few && !sent.plain.is_encrypted() {
                return None;
            }
            few.then_some((differ, first))
        }
    };
    Some(Changed {
        sent,
        came,
        copies: times.min(copies),
        octets,
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};

    const SA: &str =
        "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";

    /// A request as it leaves, and as it comes, and how it is answered.
    fn text(sent: &str, came: &str, answer: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {SA} {sent} ttl=64
             0.01 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {SA} {came} ttl=63 tap=1
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r={answer} ttl=64 tap=1
             0.11 B:500 > A:500 IKE_SA_INIT i=1 r={answer} ttl=63"
        )
    }

    #[test]
    fn a_request_that_comes_with_other_octets() {
        let refused = "0 id=0 response N(INVALID_SYNTAX)";
        let changed = text("VID(01020304)", "VID(01020904)", refused);
        verdict(&changed, "ike-damaged");
        let found = fires(&changed, "ike-damaged");
        assert_eq!(found.confidence, Confidence::Certain);
        assert!(found.says.to_string().contains(" 1 differ"), "{found:?}");
        silent(
            &text("VID(01020304)", "VID(01020304)", refused),
            "ike-damaged",
        );
        // Of another length, and so another message: the request of before was lost.
        silent(&text("VID(01020304)", "VID(0102)", refused), "ike-damaged");
        // At one tap alone nothing shows.
        silent(&changed.replace(" tap=1", ""), "ike-damaged");
    }

    /// What is sealed, and sent twice.
    fn sealed(sent: [&str; 2], came: [&str; 2]) -> String {
        let answer = "2 id=0 response ".to_owned() + SA;
        let [one, two] = sent;
        let [here, there] = came;
        text("", "", &answer)
            + &format!(
                "
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 {one} ttl=64
             0.21 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 {here} ttl=63 tap=1
             4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 256 {two} ttl=64
             4.01 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 256 {there} ttl=63 tap=1
             40 C > D CLEAR 6
             40 C > D CLEAR 6 tap=1"
            )
    }

    #[test]
    fn what_is_sealed_shows_it_by_being_several() {
        let found = fires(
            &sealed(["seed=1", "seed=2"], ["seed=3", "seed=4"]),
            "ike-damaged",
        );
        assert_eq!(found.severity, Severity::Error);
        assert_eq!(found.confidence, Confidence::Likely);
        silent(
            &sealed(["seed=1", "seed=2"], ["seed=1", "seed=4"]),
            "ike-damaged",
        );
        // Each copy of one counts.
        let again = sealed(
            ["seed=1 again=2", "seed=2"],
            ["seed=3 again=2.01", "seed=2"],
        );
        fires(&again, "ike-damaged");
        // Who seals a copy anew shows each to both taps.
        let anew = sealed(["seed=1", "seed=2"], ["seed=1", "seed=2"]);
        silent(&anew.replace("id=2", "id=1"), "ike-damaged");
        silent(
            &sealed(["seed=1", "seed=2"], ["seed=1", "seed=2"]),
            "ike-damaged",
        );
    }
}
