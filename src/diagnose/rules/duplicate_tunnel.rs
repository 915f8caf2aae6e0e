//! Two tunnels to one peer displace each other in turn.

use crate::diagnose::facts::life::{self, Birth};
use crate::diagnose::facts::{auth, began, first, rekey};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{Exchange, IkeSaId, IkeState, Role, Tunnel, TunnelId};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "duplicate-tunnel",
    code: "IKE308",
    severity: Severity::Error,
    summary: "Two tunnels to one peer displace each other",
    document: DOCUMENT,
    explains: &[
        "sa-expired",
        "tunnel-flapping",
        "tunnel-deleted",
        "esp-one-way",
        "clear-text-leak",
        "unknown-spi",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::INFORMATIONAL.or(Signs::SEVERAL),
    check,
};

const DOCUMENT: &str = "\
## What it means
A peer holds only one tunnel for an identity or a set of addresses. Two gateways, or two addresses of one, each set up theirs; the peer accepts the new one and deletes the old one, whose owner sets it up again. Or nothing ends the older ones, and IKE SAs between the same two live side by side, each with its own child SAs.

## How it is seen
Two tunnels share one end, or run between the same two addresses. Each time one of them is set up, an IKE SA of the other ends within seconds by a message of the shared peer, and the other way round, several times. Or the IKE SAs live on, and their child SAs take turns so. Three IKE SAs or more between the same two addresses and ports, and of the same identities where keys show them, that live side by side for a minute without ending each other are information.

## What else looks like it
A planned failover moves once, and back once; it does not alternate. Sets of tunnels that are restarted together do not displace each other. At a hub some client leaves just as another comes, but not most times.

## What to do
1. Give the two tunnels different identities, or different traffic selectors.
2. Make one a standby that starts only when the other is dead, or use routing over two route-based tunnels.
3. On the peer, allow several IKE SAs for one identity.
";

/// A displaced tunnel ends this soon.
const SOON: Span = Span::from_secs(2);

/// Whoever reauthenticates has the next IKE SA, or asks for it, this soon after the one before ended.
const AT_ONCE: Span = Span::from_millis(500);

/// Displacements within one pair of addresses follow each other this soon.
const TURN: Span = Span::from_secs(300);

/// So many displacements make a pattern.
const PATTERN: usize = 3;

/// Who makes a [`PATTERN`] of turns with another was set up so often, and so was the other: no setup
/// displaces what was set up later.
const TAKES_TURNS: usize = 2;

/// How many tunnels of one peer are compared, before and after: a hub may have thousands, but those
/// that displace each other begin one after the other.
const RIVALS: usize = 8;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = ike_sas(case)
        .or_else(|| children(case))
        .or_else(|| side_by_side(case));
    found.into_iter().collect()
}

/// IKE SAs of one pair of addresses that live side by side, for longer than one of them may take over from
/// another: a peer may keep several for one identity, if no INITIAL_CONTACT ends the others (RFC 7296 section 2.4).
fn side_by_side(case: &Case<'_>) -> Option<Finding> {
    /// Two come of both sides that begin at once.
    const MANY: usize = 3;
    /// So long two may overlap at a reauthentication.
    const OVERLAP: Span = Span::from_secs(60);
    /// Those that are compared, the first ones.
    const COMPARED: usize = 256;
    if case.tunnel.ike_sas.len() < MANY {
        return None;
    }
    let lives = case.tunnel.ike_sas.iter().filter_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let path = sa.paths.first()?;
        // Several devices behind one NAT have ports of their own.
        let pair = (path.from.min(path.to), path.from.max(path.to));
        // Requests that nobody answers show no use.
        let exchanges = sa
            .exchanges
            .iter()
            .rev()
            .map(|id| &case.model.exchanges[*id]);
        let mut answers = exchanges.filter_map(Exchange::response);
        let answered = answers.find_map(|flight| first(case.model, flight))?.time;
        let used_until = answered.later(Span(-OVERLAP.0));
        let stood = sa.state.was_up() && used_until > sa.seen.first.1;
        stood.then(|| {
            let mut claims = case.model.claims(*id).map(|claim| claim.identity);
            claims.sort_unstable();
            (pair, claims, sa.seen.first, used_until)
        })
    });
    let lives: Vec<_> = lives.take(COMPARED).collect();
    let beside = |of: usize| {
        let of = lives.get(of);
        let rest = lives.iter();
        rest.filter(move |(pair, claims, first, until)| {
            of.is_some_and(|(of_pair, of_claims, begun, _)| {
                (pair, claims) == (of_pair, of_claims) && first.1 <= begun.1 && begun.1 < *until
            })
        })
    };
    let most = (0..lives.len()).max_by_key(|of| beside(*of).count())?;
    let number = beside(most).count();
    let (.., first, _) = beside(most).next().filter(|_| number >= MANY)?;
    let [one, two] = case.tunnel.ends;
    let finding = Finding::new(&RULE, Confidence::Certain, case.id, *first, "an IKE SA begins")
        .severity(Severity::Info)
        .title(say!(
            "{number} IKE SAs between {one} and {two} live side by side",
            number,
            one,
            two
        ))
        .says(say!(
            "{number} IKE SAs between {one} and {two} were up at once and used for {span} and longer after that.",
            number,
            one,
            two,
            span = OVERLAP
        ))
        .or("Several connections between the two, each with an IKE SA of its own.")
        .or("Several devices behind one NAT that keeps port 500 for all of them.")
        .advise(
            "If one is enough, see which connection made each on either gateway, let one side alone initiate, and let \
             a new IKE SA replace the others of its identity (INITIAL_CONTACT).",
        );
    let rest = beside(most).skip(1);
    Some(rest.fold(finding, |finding, (.., first, _)| {
        finding.also(*first, "another begins")
    }))
}

/// IKE SAs that displace each other, of this tunnel alone or of two tunnels of one peer.
fn ike_sas(case: &Case<'_>) -> Option<Finding> {
    let takes_turns = |tunnel: &Tunnel| tunnel.ike_sas.len() >= TAKES_TURNS;
    if !takes_turns(case.tunnel) {
        return None;
    }
    let mut rivals = beside(case)
        .filter(|(other, _)| takes_turns(&case.model.tunnels[*other]))
        .peekable();
    if case.tunnel.ike_sas.len() <= PATTERN && rivals.peek().is_none() {
        return None;
    }
    let ours = setups(case);
    if ours.is_empty() {
        return None;
    }
    within(case).or_else(|| rivals.find_map(|(other, shared)| rivalry(case, &ours, other, shared)))
}

/// The other tunnels of either end, with that end.
fn beside(case: &Case<'_>) -> impl Iterator<Item = (TunnelId, IpAddr)> {
    case.tunnel.ends.into_iter().flat_map(|shared| {
        let beside = case.model.tunnels_beside(case.id, shared, RIVALS);
        beside.map(move |other| (other, shared))
    })
}

/// Child SAs of two tunnels of one peer that displace each other, while the IKE SAs of both live on: each
/// time one tunnel makes a child SA, that of the other is deleted and its traffic ends.
fn children(case: &Case<'_>) -> Option<Finding> {
    let has_traffic = |tunnel: &Tunnel| !tunnel.flows.is_empty();
    if !has_traffic(case.tunnel) {
        return None;
    }
    let ours = made(case);
    if ours.is_empty() {
        return None;
    }
    let mut rivals = beside(case).filter(|(other, _)| has_traffic(&case.model.tunnels[*other]));
    rivals.find_map(|(other, shared)| {
        let rival = Case::of(case.model, other);
        let theirs = made(&rival);
        let turns = Turns::of(
            [case, &rival],
            shared,
            [&ours, &theirs],
            [cut_short(&ours, &rival), cut_short(&theirs, case)],
        )?;
        let Turns { one, two, .. } = turns;
        let says = say!(
            "{number} times a child SA was made between {shared} and {one} or {two}, and within {span} that of the \
             other was deleted and its traffic ended; the IKE SAs live on. One gateway holds only one of them.",
            number = turns.at.len(),
            one,
            two,
            shared,
            span = SOON
        );
        let note = "one tunnel makes a child SA, the other loses its own";
        Some(turns.finding(case.id, note)?.says(says).advise(
            "Give the two tunnels different traffic selectors, make one a standby, or route over both.",
        ))
    })
}

/// Two tunnels of one peer that end each other in turn.
struct Turns {
    /// Their other ends, in order, and the one that they share.
    one: IpAddr,
    two: IpAddr,
    shared: IpAddr,
    /// Each time that one was set up, and what ended the other then, in order.
    at: Vec<Turn>,
}

/// One was set up, and what ended the other.
type Turn = (Cite, Option<Cite>);

impl Turns {
    /// Of the setups of both, those of the first at which the second ended, and those of the second
    /// at which the first did. `None` if they make no pattern.
    fn of(
        tunnels: [&Case<'_>; 2],
        shared: IpAddr,
        setups: [&[Cite]; 2],
        ended: [Vec<Turn>; 2],
    ) -> Option<Self> {
        let both = ended.iter().all(|ended| !ended.is_empty());
        let mut at = ended.concat();
        at.sort_by_key(|(setup, _)| setup.1);
        let ((first, _), (last, _)) = (at.first()?, at.last()?);
        let setups = setups.into_iter().flatten();
        let meanwhile = setups.filter(|cite| (first.1..=last.1).contains(&cite.1));
        // Where many come and go, as at a hub with clients, some leave by chance as another comes.
        if !both || at.len() < PATTERN || at.len() * 2 < meanwhile.count() {
            return None;
        }
        let [one, two] = tunnels.map(|of| of.tunnel.ends.into_iter().find(|end| *end != shared));
        // Both tunnels tell it in the same words.
        let (one, two) = (one.min(two)?, one.max(two)?);
        Some(Self {
            one,
            two,
            shared,
            at,
        })
    }

    /// What is told of them, with a note for each time.
    fn finding(&self, tunnel: TunnelId, note: &'static str) -> Option<Finding> {
        let ((first, _), _) = self.at.split_first()?;
        let finding = Finding::new(&RULE, Confidence::Likely, tunnel, *first, note)
            .title(say!(
                "The tunnels of {one} and {two} to {shared} displace each other",
                one = self.one,
                two = self.two,
                shared = self.shared
            ))
            .or("Both tunnels are restarted in turn on purpose.");
        Some(self.at.iter().fold(finding, |finding, (setup, end)| {
            let finding = finding.also(*setup, note);
            match end {
                Some(end) => finding.also(*end, "the delete of the other"),
                None => finding,
            }
        }))
    }
}

/// Child SAs that are looked at: two tunnels that displace each other have done so long before.
const LOOKED_AT: usize = 64;

/// When the first child SAs of a tunnel were made, beside those of `IKE_AUTH`.
fn made(case: &Case<'_>) -> Vec<Cite> {
    rekey::made(case)
        .filter_map(|exchange| began(case.model, exchange.response()?))
        .take(LOOKED_AT)
        .collect()
}

/// Those of these times at which a child SA of `rival` was deleted, all its traffic ended and no other
/// child SA took its place.
fn cut_short(made: &[Cite], rival: &Case<'_>) -> Vec<Turn> {
    /// Traffic that ends at this moment flowed so shortly before.
    const FLOWED: Span = Span::from_secs(10);
    if made.is_empty() {
        return Vec::new();
    }
    let mut deletes: Vec<Timestamp> = rival
        .tunnel
        .ike_sas
        .iter()
        .flat_map(|id| {
            let exchanges = rival.model.ike_sas[*id].exchanges.iter();
            exchanges.map(move |exchange| (*id, &rival.model.exchanges[*exchange]))
        })
        .filter_map(|(id, exchange)| life::may_delete(rival.model, id, exchange))
        .map(|closing| closing.at.1)
        .collect();
    deletes.sort_unstable();
    let seen = || {
        let flows = rival.tunnel.flows.iter();
        flows.map(|id| rival.model.flows[*id].seen)
    };
    made.iter()
        .filter(|(_, made)| {
            let until = made.later(SOON);
            let next = deletes.partition_point(|time| time < made);
            let deleted = deletes.get(next).is_some_and(|time| *time <= until);
            let flowed =
                |first: Timestamp, last: Timestamp| first < *made && made.since(last) <= FLOWED;
            let renewed =
                |first: Timestamp| first.since(*made) <= FLOWED && made.since(first) <= FLOWED;
            deleted
                && !runs_on(rival, *made, until)
                && seen().any(|seen| flowed(seen.first.1, seen.last.1))
                && !seen().any(|seen| renewed(seen.first.1))
        })
        .map(|made| (*made, None))
        .collect()
}

/// IKE SAs of one pair of addresses that displace each other: each time one comes up, the side that
/// was asked for it ends the one before. Who rekeys or reauthenticates ends its own old one.
fn within(case: &Case<'_>) -> Option<Finding> {
    if case.tunnel.ike_sas.len() <= PATTERN {
        return None;
    }
    let births = case.births();
    let turns: Vec<(Birth, Cite)> = births
        .windows(2)
        .filter_map(|pair| {
            let [before, after] = pair else { return None };
            let closing = life::closing(case.model, before.ike_sa)?;
            let displaced = closing.from == after.responder
                && closing.at.1 > after.asked.1
                && closing.at.1.since(after.up.1) <= SOON
                && (closing.sure || !runs_on(case, after.asked.1, after.up.1.later(SOON)));
            displaced.then_some((*after, closing.at))
        })
        .collect();
    // Planned changes lie a lifetime apart.
    let run = turns
        .chunk_by(|(one, _), (next, _)| next.up.1.since(one.up.1) <= TURN)
        .find(|run| run.len() >= PATTERN)?;
    let (first, at) = run.first()?;
    let [one, two] = case.tunnel.ends;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        *at,
        say!("{end} ends the IKE SA before", end = first.responder),
    )
    .also(first.up, "another IKE SA comes up")
    .title(say!(
        "The tunnels between {one} and {two} displace each other",
        one,
        two
    ))
    .says(say!(
        "{number} times an IKE SA between {one} and {two} came up, and within {span} the side that was asked for it \
         ended the one before. It holds only one for an identity, and gets two.",
        number = run.len(),
        one,
        two,
        span = SOON
    ))
    .or("One side restarts its tunnel again and again.")
    .advise("Look for two connections with the same identity, or for both sides initiating the same one.")
    .advise("Give each its own identity and selectors, let only one side initiate, or allow several IKE SAs for one identity.");
    for (_, at) in run.iter().skip(1) {
        finding = finding.also(*at, "and again");
    }
    Some(finding)
}

fn rivalry(
    case: &Case<'_>,
    setups_of_ours: &[Setup],
    other: TunnelId,
    shared: IpAddr,
) -> Option<Finding> {
    let rival = Case::of(case.model, other);
    let ours = displaced(setups_of_ours, &rival, shared);
    if ours.is_empty() {
        return None;
    }
    let setups_of_theirs = setups(&rival);
    let turns = Turns::of(
        [case, &rival],
        shared,
        [&times(setups_of_ours), &times(&setups_of_theirs)],
        [ours, displaced(&setups_of_theirs, case, shared)],
    )?;
    let Turns { one, two, .. } = turns;
    let says = say!(
        "{number} times a tunnel of {one} or {two} to {shared} was set up, and within {span} the tunnel of the other \
         was deleted. One gateway holds only one of them.",
        number = turns.at.len(),
        one,
        two,
        shared,
        span = SOON
    );
    let finding = turns.finding(case.id, "one tunnel is set up, the other ends")?;
    Some(
        finding
            .says(says)
            .advise(
                "Give the two tunnels different identities or selectors, or make one a standby.",
            )
            .advise("On the gateway that deletes, allow several IKE SAs for one identity."),
    )
}

/// That a tunnel was set up.
struct Setup {
    /// The answer that agreed to algorithms.
    at: Cite,
    /// When who asked for it said who it is: before that nobody knows what it takes the place of.
    named: Option<Timestamp>,
}

fn setups(case: &Case<'_>) -> Vec<Setup> {
    case.ike_sas()
        .filter(|sa| matches!(sa.state, IkeState::Established | IkeState::Deleted))
        .filter_map(|sa| {
            let names = match sa.version.major() {
                1 => sa.exchanges.first(),
                _ => sa.exchanges.get(1),
            };
            let names = names.map(|id| &case.model.exchanges[*id].flights);
            let mut own = names.into_iter().flatten();
            let last = own.rfind(|flight| flight.by == Role::Initiator);
            Some(Setup {
                at: auth::agreed(case.model, sa)?,
                named: last.and_then(|flight| Some(began(case.model, flight)?.1)),
            })
        })
        .collect()
}

fn times(setups: &[Setup]) -> Vec<Cite> {
    setups.iter().map(|setup| setup.at).collect()
}

/// Those setups at which the IKE SA of `rival` was ended, and no other stood in its place.
fn displaced(setups: &[Setup], rival: &Case<'_>, shared: IpAddr) -> Vec<Turn> {
    let model = rival.model;
    let ends: Vec<(IkeSaId, Cite, IpAddr)> = rival
        .tunnel
        .ike_sas
        .iter()
        .filter_map(|id| {
            let last = &model.exchanges[*model.ike_sas[*id].exchanges.last()?];
            let ends = matches!(
                last.kind,
                ExchangeType::INFORMATIONAL | ExchangeType::INFORMATIONAL_V1
            );
            let message = first(model, last.flights.first().filter(|_| ends)?)?;
            Some((
                *id,
                (message.frame, message.time),
                message.path.from().address,
            ))
        })
        .collect();
    setups
        .iter()
        .filter_map(|Setup { at, named }| {
            let until = at.1.later(SOON);
            let mut after = ends.iter();
            let (ended, end, by) = after.find(|(_, end, _)| end.1 >= at.1 && end.1 <= until)?;
            let soon = end.1.later(AT_ONCE);
            // Who ends its own may ask for the next just after that, and so may those whom a peer that restarts sends
            // away together. Whom the peer displaces, when it knows the other, begins anew at once, too, but what the
            // peer leaves to it is up by then.
            let displaces = *by == shared && named.is_some_and(|named| named <= end.1);
            let stands = match displaces {
                true => stands(rival, Some(*ended), (end.1, soon)),
                false => stands(rival, None, (soon, soon)),
            };
            let displaced = !runs_on(rival, at.1, until) && !stands;
            displaced.then_some((*at, Some(*end)))
        })
        .collect()
}

/// Whether an IKE SA of the tunnel, `besides` one, was begun by a time, and is heard of after another.
fn stands(
    case: &Case<'_>,
    besides: Option<IkeSaId>,
    (begun, heard): (Timestamp, Timestamp),
) -> bool {
    let sas = case.tunnel.ike_sas.iter();
    let others = sas.filter(|id| Some(**id) != besides);
    others.map(|id| &case.model.ike_sas[*id]).any(|sa| {
        matches!(sa.state, IkeState::Established | IkeState::Deleted)
            && sa.seen.first.1 <= begun
            && sa.seen.last.1 > heard
    })
}

/// Whether a flow of the tunnel lives from before `from` to after `until`.
fn runs_on(case: &Case<'_>, from: Timestamp, until: Timestamp) -> bool {
    let flows = case.tunnel.flows.iter();
    flows
        .map(|id| case.model.flows[*id].seen)
        .any(|seen| seen.first.1 < from && seen.last.1 > until)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, fires, silent};

    /// One tunnel of `end` with SPI `n`, set up at `at` and living `life` seconds.
    fn life(end: char, n: u32, at: u32, life: u32) -> String {
        let over = at + life;
        format!(
            "{at}.0 {end}:500 > B:500 IKE_SA_INIT i={n} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 B:500 > {end}:500 IKE_SA_INIT i={n} r=9{n} id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.2 {end}:500 > B:500 IKE_AUTH i={n} r=9{n} id=1 request sealed 256
             {at}.3 B:500 > {end}:500 IKE_AUTH i={n} r=9{n} id=1 response sealed 240
             {over}.25 B:500 > {end}:500 INFORMATIONAL i={n} r=9{n} id=0 request by=responder sealed 80
             {over}.26 {end}:500 > B:500 INFORMATIONAL i={n} r=9{n} id=0 response sealed 80
            "
        )
    }

    #[test]
    fn two_tunnels_that_take_turns() {
        let text: String = (0..6)
            .map(|n| life(if n % 2 == 0 { 'A' } else { 'C' }, n + 1, n * 5, 5))
            .collect();
        let finding = fires(&text, "duplicate-tunnel");
        assert!(
            finding.title.to_string().contains("192.0.2.2"),
            "{}",
            finding.title
        );
        // Each of the two tunnels tells it, in the same words.
        let found = findings(&text);
        let told: Vec<_> = found
            .iter()
            .filter(|one| one.rule.slug == "duplicate-tunnel")
            .collect();
        assert_eq!(told.len(), 2);
        let [one, two] =
            [told[0], told[1]].map(|one| (one.title.to_string(), one.says.to_string()));
        assert_eq!(one, two);
    }

    /// A life of which each moment is moved: what sets it up, and then what ends it.
    fn moved(end: char, n: u32, up: f64, over: f64) -> String {
        let life = life(end, n, 0, 1);
        let lines = life.lines().filter_map(|line| line.trim().split_once(' '));
        let moved = lines.map(|(time, rest)| {
            let time: f64 = time.parse().unwrap();
            let time = match time >= 1.0 {
                true => over + time - 1.25,
                false => up + time / 10.0,
            };
            format!("{time:.3} {rest}\n")
        });
        moved.collect()
    }

    #[test]
    fn two_tunnels_whose_owners_begin_anew_as_soon_as_they_have_lost_them() {
        let end = |n: u32| if n.is_multiple_of(2) { 'A' } else { 'C' };
        // B ends each when the next, the other's, has said who it is.
        let text: String = (0..8)
            .map(|n: u32| {
                let at = f64::from(n) * 0.4;
                moved(end(n), n + 1, at, at + 0.45)
            })
            .collect();
        fires(&text, "duplicate-tunnel");
    }

    #[test]
    fn a_peer_that_restarts_and_sends_all_away_by_turns() {
        let text: String = (0..8)
            .flat_map(|n: u32| {
                let (at, first) = (f64::from(n) * 5.0, n.is_multiple_of(2));
                let (one, two) = if first { ('A', 'C') } else { ('C', 'A') };
                // Both are sent away at the fifth second; who hears of it first begins anew before the other does.
                let over = |end: char| at + 5.0 + if (end == 'A') == first { 0.015 } else { 0.0 };
                [
                    moved(one, 2 * n + 1, at + 0.004, over(one)),
                    moved(two, 2 * n + 2, at + 0.02, over(two)),
                ]
            })
            .collect();
        silent(&text, "duplicate-tunnel");
    }

    #[test]
    fn whoever_deletes_them() {
        let text: String = (0..6)
            .map(|n| life(if n % 2 == 0 { 'A' } else { 'C' }, n + 1, n * 5, 5))
            .map(|life| by_the_other_side(&life))
            .collect();
        fires(&text, "duplicate-tunnel");
    }

    #[test]
    fn two_tunnels_that_are_made_anew_at_the_same_times() {
        let text: String = (0..6)
            .flat_map(|n| {
                [
                    life('A', 2 * n + 1, n * 20, 20),
                    life('C', 2 * n + 2, n * 20, 20),
                ]
            })
            .map(|life| by_the_other_side(&life))
            .collect();
        silent(&text, "duplicate-tunnel");
    }

    #[test]
    fn of_many_that_come_and_go_some_leave_as_another_comes() {
        // Each lives for a while and comes again, at its own pace; a third of them meet.
        let clients = [('A', 21, 1), ('C', 14, 30)];
        let text: String = clients
            .iter()
            .flat_map(|(end, every, first)| {
                (0..12).map(move |n| life(*end, first + n, n * every, every - 7))
            })
            .map(|life| by_the_other_side(&life))
            .collect();
        silent(&text, "duplicate-tunnel");
    }

    #[test]
    fn two_tunnels_that_live_beside_each_other() {
        silent(
            &format!("{}{}", life('A', 1, 0, 60), life('C', 2, 5, 60)),
            "duplicate-tunnel",
        );
    }

    /// Two IKE SAs that stay, whose child SAs take turns: B deletes that of the other, or nobody does.
    fn children(deleted: bool, beside: bool) -> String {
        let mut text = ["A", "C"]
            .map(|end| {
                life(
                    end.chars().next().unwrap(),
                    u32::from(end == "C") + 1,
                    0,
                    400,
                )
            })
            .concat();
        for n in 0..6u32 {
            let (one, other) = if n % 2 == 0 { ('A', 'C') } else { ('C', 'A') };
            let spis = |end: char| if end == 'A' { "i=1 r=91" } else { "i=2 r=92" };
            let at = 10 + n * 20;
            let packets = if beside { 300 } else { 38 };
            text += &format!(
                "{at}.0 {one}:500 > B:500 CREATE_CHILD_SA {ours} id={id} request by=initiator sealed 224
                 {at}.1 B:500 > {one}:500 CREATE_CHILD_SA {ours} id={id} response by=responder sealed 208
                 {at}.3 {one} > B ESP 0xb{n} seq 1..{packets} every 0.5 size 136
                 {at}.4 B > {one} ESP 0xa{n} seq 1..{packets} every 0.5 size 136\n",
                ours = spis(one),
                id = n + 2
            );
            if deleted {
                text += &format!(
                    "{at}.2 B:500 > {other}:500 INFORMATIONAL {theirs} id={n} request by=responder sealed 80
                     {at}.22 {other}:500 > B:500 INFORMATIONAL {theirs} id={n} response by=initiator sealed 80\n",
                    theirs = spis(other)
                );
            }
        }
        text
    }

    #[test]
    fn child_sas_that_take_turns_under_living_ike_sas() {
        fires(&children(true, false), "duplicate-tunnel");
        silent(&children(false, false), "duplicate-tunnel");
        silent(&children(true, true), "duplicate-tunnel");
    }

    /// Six IKE SAs of A, one every `every` seconds; each ends by a message of `by` just after the
    /// next came up.
    fn turns(every: u32, by: char) -> String {
        (0..6)
            .map(|n| {
                let life = life('A', n + 1, n * every, every)
                    .replace(".25 ", ".45 ")
                    .replace(".26 ", ".46 ");
                match by {
                    'A' => by_the_other_side(&life),
                    _ => life,
                }
            })
            .collect()
    }

    /// The same life, ended by its initiator.
    fn by_the_other_side(life: &str) -> String {
        life.lines()
            .map(|line| match line.split_once(":500 > ") {
                Some((head, tail)) if line.contains("INFORMATIONAL") => {
                    let (at, from) = head.rsplit_once(' ').unwrap();
                    let (to, rest) = tail.split_once(":500").unwrap();
                    let rest = rest.replace("by=responder", "");
                    format!("{at} {to}:500 > {from}:500{rest}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect()
    }

    #[test]
    fn ike_sas_of_one_pair_that_take_turns() {
        fires(&turns(20, 'B'), "duplicate-tunnel");
    }

    #[test]
    fn who_reauthenticates_ends_its_own_and_planned_changes_lie_far_apart() {
        silent(&turns(20, 'A'), "duplicate-tunnel");
        silent(&turns(3600, 'B'), "duplicate-tunnel");
    }

    #[test]
    fn ike_sas_of_one_pair_that_live_beside_each_other_are_information() {
        let beside = |number: u32, life_time: u32| -> String {
            let lives = (0..number).map(|n| life('A', n + 1, n * 20, life_time));
            lives.collect()
        };
        let finding = fires(&beside(6, 300), "duplicate-tunnel");
        assert_eq!(finding.severity, Severity::Info);
        let title = finding.title.to_string();
        assert!(title.starts_with("6 IKE SAs between"), "{title}");
        // Two cross, and where the old one goes soon the next has taken its place.
        silent(&beside(2, 300), "duplicate-tunnel");
        silent(&beside(6, 70), "duplicate-tunnel");
        // Several devices behind one NAT.
        let devices: String = (0..6)
            .map(|n| life('A', n + 1, n * 20, 300).replace("A:500", &format!("A:{}", 5000 + n)))
            .collect();
        silent(&devices, "duplicate-tunnel");
    }

    #[test]
    fn half_of_the_setups_make_a_pattern_and_fewer_do_not() {
        use super::{Case, Timestamp, Turns};
        let model = crate::testing::model(&(life('A', 1, 0, 5) + &life('C', 2, 5, 5)));
        let cases: Vec<Case<'_>> = model.tunnels.ids().map(|id| Case::of(&model, id)).collect();
        let [one, two] = cases.as_slice() else {
            panic!("{}", cases.len());
        };
        let at = model.messages.iter().next().unwrap();
        let ended = || [2, 2].map(|times| vec![((at.frame, at.time), None); times]);
        let shared = "192.0.2.2".parse().unwrap();
        let turns = |setups: [usize; 2], time| {
            let [ours, theirs] = setups.map(|times| vec![(at.frame, time); times]);
            Turns::of([one, two], shared, [&ours, &theirs], ended())
        };
        assert!(turns([4, 4], at.time).is_some());
        assert!(turns([4, 5], at.time).is_none());
        // What was set up before they took turns tells nothing of them.
        assert!(turns([4, 5], Timestamp(at.time.0 - 1)).is_some());
    }
}
