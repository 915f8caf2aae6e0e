//! IKE SAs that come up and are left, or closed, at once, again and again: who has what it wants begins none anew.

use super::abandoned::{ANEW, MANY};
use super::{asked, began, clear, end_of, first, life, proof, refused_child, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity};
use crate::language::Text;
use crate::model::{
    AuthOutcome, Exchange, Flight, IkeSa, IkeSaId, InformationalClass, Model, Role, negotiation,
};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Endpoint, Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// IKE SAs of one initiator that came up one after the other, went equally far, and served nothing.
#[derive(Clone, Debug)]
pub struct Unused {
    /// Who began them.
    pub initiator: IpAddr,
    /// Whom it asked.
    pub responder: IpAddr,
    /// How far they came.
    pub step: Step,
    /// They, in order: at least [`MANY`].
    pub lives: Vec<Brief>,
    /// Whether the responder closed each of them; else the initiator left each without a word.
    pub closed: bool,
    /// When the first and the last of them were asked for, and those of the same kind of which it is not known yet
    /// what comes.
    pub during: (Timestamp, Timestamp),
    /// The longest time from one to the next.
    pub pace: Span,
    /// Whether the tap would have recorded their ESP.
    pub sees_esp: bool,
    /// Whether ESP of the responder was recorded meanwhile: it takes them for up, and the initiator sends none.
    pub serves: bool,
}

/// An IKE SA that came up and served nothing.
#[derive(Clone, Copy, Debug)]
pub struct Brief {
    /// The IKE SA.
    pub ike_sa: IkeSaId,
    /// Its first message.
    pub asked: Cite,
    /// Its last message before it was left or closed.
    pub up: Cite,
    /// What the responder closed it by.
    pub closed: Option<Cite>,
}

/// How far an IKE SA came.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// IKEv2: the one `IKE_AUTH` response, which authenticates the responder and may grant a child SA.
    Auth,
    /// IKEv2: an `IKE_AUTH` response after several rounds, as EAP has them.
    Rounds,
    /// IKEv1: the end of main mode, whose last message authenticates the responder.
    MainMode,
    /// IKEv1: the end of aggressive mode, whose last message is the initiator's.
    AggressiveMode,
    /// IKEv1: the end of quick mode, whose last message is the initiator's.
    QuickMode,
}

impl Unused {
    /// The beginning of a finding by a rule. That they serve nothing proves little.
    pub fn finding(
        &self,
        rule: &'static Rule,
        case: &Case<'_>,
        at: Cite,
        note: impl Into<Text>,
    ) -> Finding {
        Finding::new(rule, Confidence::Possible, case.id, at, note)
            .severity(Severity::Warning)
            .during(self.during.0, self.during.1)
    }

    /// The beginning of one that the responder closes each, as soon as it is `up`, and how soon it did first. What closes
    /// the others is noted as well.
    pub fn closing(
        &self,
        rule: &'static Rule,
        case: &Case<'_>,
        [up, others]: [&'static str; 2],
    ) -> Option<(Finding, Span)> {
        let (from, to) = (self.initiator, self.responder);
        let mut closings = self.lives.iter().filter_map(|life| life.closed);
        let (first, is_up) = (closings.next()?, self.lives.first()?.up);
        let note = say!(
            "an informational message of {to}, the last of the IKE SA",
            to
        );
        let finding = self.finding(rule, case, first, note).also(is_up, up);
        let finding = closings.fold(finding, |finding, at| finding.also(at, others));
        let title = say!(
            "{to} seems to close each IKE SA with {from} at once",
            to,
            from
        );
        Some((finding.title(title), first.1.since(is_up.1)))
    }

    /// What is known of their ESP.
    pub fn esp(&self) -> Text {
        match (self.serves, self.sees_esp) {
            (true, _) => say!(
                "ESP of {responder} followed, and none of {initiator}.",
                responder = self.responder,
                initiator = self.initiator
            ),
            (_, true) => "No ESP followed.".into(),
            (_, false) => {
                "None of their ESP is in this capture; its filter may leave that out.".into()
            }
        }
    }

    /// What else it may be where this capture has no ESP because of its filter.
    pub fn filtered(&self) -> Option<Text> {
        let initiator = self.initiator;
        (!self.sees_esp && !self.serves).then(|| {
            say!(
                "A capture filter leaves out ESP, which passes, and {initiator} authenticates anew without a Delete.",
                initiator
            )
        })
    }
}

/// The IKE SAs of a tunnel that served nothing, if they are many and none after them lived.
pub fn of(case: &Case<'_>) -> Option<Unused> {
    let model = case.model;
    // Most tunnels have a few.
    if case.tunnel.ike_sas.len() < MANY {
        return None;
    }
    // What was refused is told for itself.
    let lasting = case.lasting().iter();
    let refused: BTreeSet<IkeSaId> = lasting.map(|refusal| refusal.attempt.ike_sa).collect();
    let sent = sent(case);
    let mut lived = None;
    let mut runs: BTreeMap<Key, Vec<Brief>> = BTreeMap::new();
    for id in &case.tunnel.ike_sas {
        let sa = &model.ike_sas[*id];
        match brief(case, *id).filter(|_| !refused.contains(id)) {
            Some((key, brief)) => runs.entry(key).or_default().push(brief),
            None if sa.state.was_up() => lived = lived.max(Some(sa.seen.last.1)),
            None => {}
        }
    }
    let runs = runs.into_iter().flat_map(|(key, briefs)| {
        let ((from, _), _, closed) = key;
        let lived = lived.max(last_used(sent, end_of(case.tunnel, from.address), closed));
        let since = briefs.partition_point(|brief| lived.is_some_and(|lived| brief.up.1 <= lived));
        let briefs = briefs.get(since..).unwrap_or_default();
        let anew = briefs.chunk_by(|one, next| {
            let gap = next.asked.1.since(one.asked.1);
            gap >= ANEW.0 && gap <= ANEW.1
        });
        anew.filter_map(|run| settled(case, key, run, sent))
            .collect::<Vec<_>>()
    });
    let longest = runs.max_by_key(|run| run.lives.len())?;
    // The next message may be there in pieces.
    let kept = keeps_alive(case, &longest) || clear::fragments(case).next().is_some();
    (!kept).then_some(longest)
}

/// What IKE SAs have in common that ended alike: their path, how far they came, and whether the responder closed them.
type Key = ((Endpoint, Endpoint), Step, bool);

/// Those of a run of which it is known that they were left or closed, if they are many. Of the last, which no other
/// follows, that takes as long as it took each time before to begin anew.
fn settled(case: &Case<'_>, key: Key, run: &[Brief], sent: Sent) -> Option<Unused> {
    let model = case.model;
    let ((from, to), step, closed) = key;
    let (first_of, last) = (run.first()?, run.last()?);
    let gaps = run.iter().zip(run.iter().skip(1));
    let pace = gaps
        .map(|(one, next)| next.asked.1.since(one.asked.1))
        .max()?;
    let sa = &model.ike_sas[last.ike_sa];
    let begun = model.exchanges[*sa.exchanges.first()?].request()?;
    let vantage = first(model, begun)?.vantage;
    let known = closed || tap::went_on(model, vantage, last.up.1, pace);
    let lives = match run.split_last()? {
        (_, before) if !known => before,
        _ => run,
    };
    // With a NAT ESP goes in UDP on port 4500 (RFC 7296 section 2.23, RFC 3947 section 4), else as a protocol of its own.
    let sees_esp = match sa.nat.is_some_and(|nat| nat.is_there()) {
        true => model.past_port_500.contains(&vantage.input),
        false => !tap::may_name_ports(model, vantage),
    };
    let responder = end_of(case.tunnel, to.address);
    let served = responder.and_then(|end| sent.get(end).copied().flatten());
    (lives.len() >= MANY).then(|| Unused {
        initiator: from.address,
        responder: to.address,
        step,
        lives: lives.to_vec(),
        closed,
        during: (first_of.asked.1, last.asked.1),
        pace,
        sees_esp,
        serves: served >= Some(first_of.up.1),
    })
}

/// When each end sent ESP or AH last.
type Sent = [Option<Timestamp>; 2];

fn sent(case: &Case<'_>) -> Sent {
    [1, 0].map(|to| {
        let directions = case.directions().iter();
        let last = directions.filter_map(|directions| directions.last(to));
        last.map(|last| last.1).max()
    })
}

/// When ESP or AH came last that shows that what an initiator has negotiated is used: its own, if nobody closes that, for
/// the responder cannot know that it was left.
fn last_used(sent: Sent, initiator: Option<usize>, closed: bool) -> Option<Timestamp> {
    match closed {
        true => sent.into_iter().max().flatten(),
        false => sent.get(initiator?).copied().flatten(),
    }
}

/// Whether NAT keepalives of the initiator go on (RFC 3948 section 4): it has not left.
fn keeps_alive(case: &Case<'_>, unused: &Unused) -> bool {
    let end = end_of(case.tunnel, unused.initiator);
    let mut keepalives = end.into_iter().flat_map(|end| tap::keepalives(case, end));
    keepalives.any(|seen| seen.last.1 > unused.during.0)
}

/// An IKE SA that came up and served nothing, and what it has in common with others.
fn brief(case: &Case<'_>, id: IkeSaId) -> Option<(Key, Brief)> {
    let model = case.model;
    let sa = &model.ike_sas[id];
    let exchanges = || sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let asks = exchanges().take_while(|exchange| negotiates(exchange.kind));
    let asks = asks.count();
    let last = exchanges().nth(asks.checked_sub(1)?)?;
    let step = step(model, sa, last)?;
    let [.., asked, answered] = &*last.flights else {
        return None;
    };
    let begins = &model.exchanges[*sa.exchanges.first()?];
    let begun = began(model, begins.request()?)?;
    let up = began(model, answered)?;
    // Who does not hear the answer asks again.
    let heard = asked
        .again
        .iter()
        .all(|copy| model.messages[*copy].time <= up.1);
    let mut rest = exchanges().skip(asks);
    let closed = rest
        .clone()
        .next()
        .and_then(|next| closing(model, id, next, up.1));
    // The responder may look whether the initiator is still there; who answers is.
    let silent = rest.all(|exchange| {
        let answered = exchange.response().is_some() && !asked::is_v1(exchange.kind);
        exchange.by == Role::Responder && (closed.is_some() || !answered)
    });
    // In aggressive and quick mode the initiator has the last word.
    let left = step != Step::AggressiveMode || closed.is_some();
    let path = sa.paths.first()?;
    let mut children = sa.child_sas.iter().map(|child| &model.child_sas[*child]);
    let served = children.any(|child| {
        let mut flows = child.flows.iter().flatten();
        flows.any(|flow| closed.is_some() || model.flows[*flow].key.to == path.to.address)
    });
    if !life::is_begun(model, sa)
        // Of an answer in pieces the initiator may lack some, too (RFC 7383).
        || !answered.is_whole()
        || !heard
        || !silent
        || !left
        || served
        || proof::refusal(model, id).is_some()
        || refused_child::is_refused_in_auth(case, id)
    {
        return None;
    }
    let key = ((path.from, path.to), step, closed.is_some());
    Some((
        key,
        Brief {
            ike_sa: id,
            asked: begun,
            up,
            closed,
        },
    ))
}

/// Whether exchanges of this kind make an IKE SA or a child SA.
fn negotiates(kind: ExchangeType) -> bool {
    matches!(
        kind,
        ExchangeType::IKE_SA_INIT
            | ExchangeType::IKE_INTERMEDIATE
            | ExchangeType::IKE_AUTH
            | ExchangeType::IDENTITY_PROTECTION
            | ExchangeType::AGGRESSIVE
            | ExchangeType::QUICK_MODE
    )
}

/// How far an IKE SA came by its last negotiation, if that is complete and refuses nothing.
fn step(model: &Model, sa: &IkeSa, last: &Exchange) -> Option<Step> {
    if asked::is_v1(last.kind) {
        let begins = &model.exchanges[*sa.exchanges.first()?];
        let whole = asked::v1_messages(last.kind) == Some(last.flights.len())
            && asked::v1_messages(begins.kind) == Some(begins.flights.len())
            && asked::from_the_start(model, begins);
        return match last.kind {
            _ if !whole => None,
            ExchangeType::IDENTITY_PROTECTION => Some(Step::MainMode),
            ExchangeType::AGGRESSIVE => Some(Step::AggressiveMode),
            ExchangeType::QUICK_MODE => Some(Step::QuickMode),
            _ => None,
        };
    }
    last.response()?;
    let auths = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let auths = auths.filter(|exchange| exchange.kind == ExchangeType::IKE_AUTH);
    match (auths.take(2).count(), sa.auth) {
        (1, AuthOutcome::Full | AuthOutcome::Unclear) => Some(Step::Auth),
        (2, AuthOutcome::Full | AuthOutcome::Unclear | AuthOutcome::Unfinished) => {
            Some(Step::Rounds)
        }
        _ => None,
    }
}

/// What the responder closes an IKE SA by as soon as it is up, if it does.
fn closing(model: &Model, id: IkeSaId, next: &Exchange, up: Timestamp) -> Option<Cite> {
    /// Nobody closes it by hand so soon.
    const AT_ONCE: Span = Span::from_secs(1);
    let request = next.request()?;
    let at = began(model, request)?;
    let soon = at.1 >= up && at.1.since(up) <= AT_ONCE;
    (next.by == Role::Responder && soon && may_close(model, id, request)).then_some(at)
}

/// Whether an informational message may hold Delete payloads, or an error: by what was read, or by its size.
fn may_close(model: &Model, id: IkeSaId, flight: &Flight) -> bool {
    /// IKEv2: a Delete of the IKE SA and one of its child SA (RFC 7296 section 3.11).
    const BOTH: usize = 8 + 12;
    if let Some((_, read)) = model.opened(flight) {
        return !model.deletes(flight).is_empty() || !negotiation::errors(&read).is_empty();
    }
    match model.informational_class(id, flight) {
        None | Some(InformationalClass::Empty) => false,
        Some(InformationalClass::Large) => {
            let v2 = model.ike_sas[id].version.major() == 2;
            let size = model.plaintext_range(id, flight);
            v2 && size.is_some_and(|size| size.contains(&BOTH))
        }
        Some(_) => true,
    }
}
