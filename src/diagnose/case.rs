//! One tunnel before its rules: what was found of it, and what several rules ask of it.
//!
//! Each answer is worked out once, when the first rule asks for it; a tunnel of which nobody asks
//! costs nothing. How an answer comes about is told in [`super::facts`], one question a file; here
//! they are put together, so that this is the page to read before a rule is written.

use super::facts::abandoned::{self, Abandoned};
use super::facts::asked::{self, Asked};
use super::facts::child::{self, Attempt, Refusal};
use super::facts::esp::{self, Directions};
use super::facts::inner::Inside;
use super::facts::leak::Leaks;
use super::facts::life::{self, Birth};
use super::facts::rekey::{self, Refused};
use super::facts::selectors::{self, Life, Narrowing};
use super::facts::successors::Successors;
use super::facts::tap::{self, Heard, IkeTimes, Tap};
use super::facts::turned_down::TurnedDown;
use super::facts::unused::{self, Unused};
use crate::model::{
    EspFlow, Exchange, IcmpSeen, IkeSa, Keepalives, Message, Model, Outside, Signs, Tunnel,
    TunnelId,
};
use crate::units::{Span, Timestamp, Vantage};
use std::net::IpAddr;
use std::sync::OnceLock;

/// A tunnel and the model that it stands in. Rules on several threads may look at one case.
#[derive(Debug)]
pub struct Case<'m> {
    /// Everything that was found.
    pub model: &'m Model,
    /// The tunnel, as a finding names it.
    pub id: TunnelId,
    /// The tunnel.
    pub tunnel: &'m Tunnel,
    signs: OnceLock<Signs>,
    tap: OnceLock<Tap>,
    heard: OnceLock<Heard>,
    ike_times: OnceLock<IkeTimes>,
    directions: OnceLock<Vec<Directions<'m>>>,
    unsettled: OnceLock<Vec<Asked<'m>>>,
    flows_begin: OnceLock<Vec<Timestamp>>,
    births: OnceLock<Vec<Birth>>,
    abandoned: OnceLock<Option<Abandoned>>,
    unused: OnceLock<Option<Unused>>,
    attempts: OnceLock<Vec<Attempt>>,
    lasting: OnceLock<Vec<Refusal>>,
    narrowings: OnceLock<Vec<Narrowing>>,
    lives: OnceLock<Vec<Life>>,
    refused: OnceLock<[Vec<Refused>; 2]>,
    turned_down: OnceLock<[TurnedDown<'m>; 2]>,
    inside: OnceLock<Option<Inside<'m>>>,
    successors: OnceLock<Successors>,
    leaks: OnceLock<Leaks<'m>>,
}

impl<'m> Case<'m> {
    /// The case of a tunnel; nothing is worked out yet.
    pub fn of(model: &'m Model, id: TunnelId) -> Self {
        Self {
            model,
            id,
            tunnel: &model.tunnels[id],
            signs: OnceLock::new(),
            tap: OnceLock::new(),
            heard: OnceLock::new(),
            ike_times: OnceLock::new(),
            directions: OnceLock::new(),
            unsettled: OnceLock::new(),
            flows_begin: OnceLock::new(),
            births: OnceLock::new(),
            abandoned: OnceLock::new(),
            unused: OnceLock::new(),
            attempts: OnceLock::new(),
            lasting: OnceLock::new(),
            narrowings: OnceLock::new(),
            lives: OnceLock::new(),
            refused: OnceLock::new(),
            turned_down: OnceLock::new(),
            inside: OnceLock::new(),
            successors: OnceLock::new(),
            leaks: OnceLock::new(),
        }
    }

    /// Its IKE SAs, in order.
    pub fn ike_sas(&self) -> impl DoubleEndedIterator<Item = &'m IkeSa> + Clone + use<'m> {
        let model = self.model;
        self.tunnel.ike_sas.iter().map(|id| &model.ike_sas[*id])
    }

    /// The exchanges of its IKE SAs, one SA after the other.
    pub fn exchanges(&self) -> impl Iterator<Item = &'m Exchange> + Clone + use<'m> {
        let model = self.model;
        let ids = self.ike_sas().flat_map(|sa| &sa.exchanges);
        ids.map(|id| &model.exchanges[*id])
    }

    /// The messages of its exchanges, copies included.
    pub fn messages(&self) -> impl Iterator<Item = &'m Message> + use<'m> {
        tap::messages(self)
    }

    /// Its flows of ESP and AH, in order.
    pub fn flows(&self) -> impl Iterator<Item = &'m EspFlow> + Clone + use<'m> {
        let model = self.model;
        self.tunnel.flows.iter().map(|id| &model.flows[*id])
    }

    /// ICMP errors about packets between its ends, in order; those that are alike are one.
    pub(crate) fn icmp(&self) -> impl Iterator<Item = &'m IcmpSeen> + Clone + use<'m> {
        let model = self.model;
        self.tunnel
            .icmp
            .iter()
            .filter_map(|row| model.icmp.get(*row))
    }

    /// NAT keepalives between its ends, in order; those of one path are one.
    pub(crate) fn keepalives(&self) -> impl Iterator<Item = &'m Keepalives> + Clone + use<'m> {
        let model = self.model;
        let rows = self.tunnel.keepalives.iter();
        rows.filter_map(|row| model.keepalives.get(*row))
    }

    /// Messages between its ends outside of any IKE SA, in order; those that are alike are one.
    pub fn outside(&self) -> impl Iterator<Item = &'m Outside> + Clone + use<'m> {
        let model = self.model;
        let rows = self.tunnel.outside.iter();
        rows.filter_map(|row| model.outside.get(*row))
    }

    /// What there is to see of it at all: which rules need not look.
    pub fn signs(&self) -> Signs {
        *self
            .signs
            .get_or_init(|| Signs::of(self.model, self.tunnel))
    }

    /// What its recording allows: the guard of every conclusion from absence.
    pub fn tap(&self) -> &Tap {
        self.tap.get_or_init(|| Tap::of(self))
    }

    /// When each end was heard.
    pub fn heard(&self) -> &Heard {
        self.heard.get_or_init(|| Heard::of(self))
    }

    /// When IKE messages of its ends were recorded at each tap.
    pub(crate) fn ike_times(&self) -> &IkeTimes {
        self.ike_times.get_or_init(|| IkeTimes::of(self))
    }

    /// Its flows by vantage and direction; those of no known direction are left out.
    pub fn directions(&self) -> &[Directions<'m>] {
        self.directions.get_or_init(|| esp::directions(self))
    }

    /// Its flows at one vantage, by direction.
    pub(crate) fn directions_at(&self, vantage: Vantage) -> Option<&Directions<'m>> {
        let mut directions = self.directions().iter();
        directions.find(|directions| directions.vantage == vantage)
    }

    /// Messages that want an answer and did not get it at once: sent again, or not answered.
    pub(crate) fn unsettled(&self) -> &[Asked<'m>] {
        self.unsettled
            .get_or_init(|| asked::unsettled(self).collect())
    }

    /// Whether a new SA carries traffic after it was asked for, and soon after the answer.
    pub(crate) fn is_served(&self, asked: Timestamp, answered: Timestamp) -> bool {
        /// A new SA is used this soon, if traffic flows.
        const SOON: Span = Span::from_secs(5);
        let begins = self.flows_begin.get_or_init(|| {
            let mut begins: Vec<_> = self.flows().map(|flow| flow.seen.first.1).collect();
            begins.sort_unstable();
            begins
        });
        let next = begins.partition_point(|time| *time < asked);
        let next = begins.get(next);
        next.is_some_and(|time| time.since(answered) <= SOON)
    }

    /// Attempts at it that were answered and went no further, if they are many and none came up.
    pub(crate) fn abandoned(&self) -> Option<&Abandoned> {
        self.abandoned.get_or_init(|| abandoned::of(self)).as_ref()
    }

    /// IKE SAs that came up and were left or closed at once, if they are many and none after them lived.
    pub(crate) fn unused(&self) -> Option<&Unused> {
        self.unused.get_or_init(|| unused::of(self)).as_ref()
    }

    /// The births of its IKE SAs, in order.
    pub(crate) fn births(&self) -> &[Birth] {
        self.births.get_or_init(|| life::births(self))
    }

    /// The attempts at child SAs of which some message was opened, in order of time.
    pub(crate) fn attempts(&self) -> &[Attempt] {
        self.attempts.get_or_init(|| child::attempts(self))
    }

    /// Those attempts that were refused, and that no success for the same traffic followed soon.
    pub(crate) fn lasting(&self) -> &[Refusal] {
        let lasting = || child::lasting(self.model, self.attempts());
        self.lasting.get_or_init(lasting)
    }

    /// The selectors that were granted in part, in order.
    pub(crate) fn narrowings(&self) -> &[Narrowing] {
        self.narrowings.get_or_init(|| selectors::narrowings(self))
    }

    /// Its child SAs whose selectors are known.
    pub(crate) fn lives(&self) -> &[Life] {
        self.lives.get_or_init(|| selectors::lives(self))
    }

    /// Requests for child SAs of which no message was opened, that were refused, and that no success
    /// followed soon: those that renew a child SA that was, or had been, up if `renewing`, else those for a
    /// first one or one more.
    pub(crate) fn refused(&self, renewing: bool) -> &[Refused] {
        let [making, renewals] = self.refused.get_or_init(|| rekey::refused(self));
        if renewing { renewals } else { making }
    }

    /// What one of its ends turned down by NO_PROPOSAL_CHOSEN; `None` if the address is none of its ends.
    pub(crate) fn turned_down_by(&self, responder: IpAddr) -> Option<&TurnedDown<'m>> {
        let ends = self.tunnel.ends;
        let turned_down = self
            .turned_down
            .get_or_init(|| ends.map(|end| TurnedDown::by(self, end)));
        let place = ends.iter().position(|end| *end == responder)?;
        turned_down.get(place)
    }

    /// What its ESP carries; `None` if none of it could be read.
    pub(crate) fn inside(&self) -> Option<&Inside<'m>> {
        self.inside.get_or_init(|| Inside::of(self)).as_ref()
    }

    /// Which of its IKE SAs take the place of others.
    pub(crate) fn successors(&self) -> &Successors {
        self.successors.get_or_init(|| Successors::of(self))
    }

    /// Packets in clear that should have been in it.
    pub(crate) fn leaks(&self) -> &Leaks<'m> {
        self.leaks.get_or_init(|| Leaks::of(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;

    #[test]
    fn a_new_sa_serves_from_when_it_was_asked_for_to_soon_after_the_answer() {
        let model = model("10 A > B ESP 0xb1 seq 1..9 every 1");
        let case = Case::of(&model, TunnelId(0));
        let begun = model.flows.iter().next().unwrap().seen.first.1;
        let before = |millis: i64| Timestamp(begun.0 - Span::from_millis(millis).0);
        assert!(case.is_served(before(100), before(50)));
        assert!(case.is_served(begun, begun));
        assert!(!case.is_served(before(-1), before(-1)));
        assert!(case.is_served(before(6000), before(5000)));
        assert!(!case.is_served(before(6000), before(5001)));
    }
}
