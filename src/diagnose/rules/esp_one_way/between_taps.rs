//! What two taps show to be lost between them.

use super::silence::Silence;
use super::words::last_at;
use super::{PLENTY, RULE};
use crate::diagnose::facts::Located;
use crate::diagnose::facts::taps::{self, Vanished};
use crate::diagnose::{Confidence, Finding};
use crate::model::EspFlow;
use crate::say;
use crate::units::{Span, Vantage};

/// Answers that are lost between two taps.
pub(super) enum Loss<'m> {
    /// All there ever were.
    All(Located<'m>),
    /// All since none came any more.
    Since(Vanished),
    /// Not the answers, but what asks for them, since it came there last.
    There(Vanished, Vantage),
}

impl<'c, 'm> Silence<'c, 'm> {
    /// What two taps show to be lost between them.
    pub(super) fn loss(&self) -> Option<&Loss<'m>> {
        self.loss.get_or_init(|| self.find_loss()).as_ref()
    }

    fn find_loss(&self) -> Option<Loss<'m>> {
        let all = self.located(self.speaker());
        if let Some(located) = all.filter(Located::all_lost) {
            return Some(Loss::All(located));
        }
        // What came before the fault is no reason to doubt that all is lost since.
        let (far, meanwhile) = (self.directions.vantage, (self.since, self.last.1));
        let of_set = |flow: &EspFlow| self.of.has(flow);
        let vanished = Vanished::of(self.case, far, self.speaker(), meanwhile, of_set);
        vanished
            .filter(|vanished| vanished.packets >= PLENTY)
            .map(Loss::Since)
            .or_else(|| self.lost_there())
    }

    /// What asks for answers and reaches no tap behind this one any more, which recorded on.
    fn lost_there(&self) -> Option<Loss<'m>> {
        let of_set = |flow: &EspFlow| self.of.has(flow);
        let pairs = self.case.tunnel.taps.iter();
        let behind = pairs.filter(|pair| {
            let near = pair.near(self.silent).and_then(|near| pair.taps.get(near));
            near == Some(&self.directions.vantage)
        });
        let found = behind.filter_map(|pair| {
            let mut taps = pair.taps.into_iter();
            let far = taps.find(|tap| *tap != self.directions.vantage)?;
            let heard = last_at(self.case, far, self.silent)?.1.later(Span(1));
            let end = self.case.model.recording(far)?.1;
            let vanished = Vanished::of(self.case, far, self.silent, (heard, end), of_set)?;
            (vanished.packets >= PLENTY).then_some((vanished, far))
        });
        let (vanished, far) = found.max_by_key(|(vanished, _)| vanished.packets)?;
        Some(Loss::There(vanished, far))
    }

    /// Whether another tap has enough of what does not come: then it takes neither time nor numbers to tell
    /// a silence from a pause.
    pub(super) fn is_proven(&self) -> bool {
        /// Shorter losses are those of a path that loses packets, and comes back.
        const LASTING: Span = Span::from_secs(3);
        self.length() >= LASTING && matches!(self.loss(), Some(Loss::Since(_) | Loss::There(..)))
    }

    /// What two taps tell of all SAs together towards an end.
    pub(super) fn located(&self, end: usize) -> Option<Located<'m>> {
        Located::of(self.case.tunnel, end).filter(|_| self.is_all())
    }

    pub(super) fn all_lost(&self, mut finding: Finding, located: &Located<'_>) -> Finding {
        let (case, is_silent, speaks) = (self.case, self.is_silent, self.speaks);
        finding.confidence = Confidence::Certain;
        finding.severity = RULE.severity;
        finding.says.add(say!(
            "{lost}: it is lost between the two taps.",
            lost = located.says(case.model)
        ));
        let finding = finding.title(say!(
            "ESP from {is_silent} to {speaks} is lost on the way",
            is_silent,
            speaks
        ));
        let finding = located.cite(case.model, finding).explaining(LOST_EXPLAINS);
        finding.advise(say!(
            "Look for filters between the two taps, on the way from {near} to {far}.",
            near = taps::name(case.model, located.near),
            far = taps::name(case.model, located.far)
        ))
    }

    pub(super) fn vanished(&self, mut finding: Finding, vanished: &Vanished) -> Finding {
        let (speaks, is_silent) = (self.speaks, self.is_silent);
        let name = |tap| taps::name(self.case.model, tap);
        let (near, far) = (&name(vanished.near), &name(self.directions.vantage));
        finding.confidence = Confidence::Certain;
        finding.severity = RULE.severity;
        finding.says.add(say!(
            "At least {packets} of its packets passed the tap {near} in that time, and none reached the tap {far}: \
             it is lost between the two taps.",
            packets = vanished.packets,
            near,
            far
        ));
        let finding = self.between(finding, vanished, self.directions.vantage);
        match self.selectors() {
            None => finding.title(say!(
                "ESP from {is_silent} to {speaks} is lost on the way",
                is_silent,
                speaks
            )),
            Some(selectors) => finding
                .title(say!(
                    "ESP for {selectors} from {is_silent} to {speaks} is lost on the way",
                    selectors,
                    is_silent,
                    speaks
                ))
                .advise(
                    "Only this child SA suffers, and none can tell the others from it but by the SPI: look for devices \
                     that spread ESP by SPI over several links, queues or processors, of which one is dead.",
                ),
        }
    }

    /// What asks is lost itself, so nothing can answer it.
    pub(super) fn vanished_there(
        &self,
        mut finding: Finding,
        vanished: &Vanished,
        far: Vantage,
    ) -> Finding {
        let (speaks, is_silent) = (self.speaks, self.is_silent);
        let name = |tap| taps::name(self.case.model, tap);
        let (near, beyond) = (&name(vanished.near), &name(far));
        finding.confidence = Confidence::Certain;
        finding.severity = RULE.severity;
        finding.says.add(say!(
            "At least {packets} of these packets passed the tap {near}, and none reached the tap {far}, which recorded \
             on: they are lost between the two taps.",
            packets = vanished.packets,
            near,
            far = beyond
        ));
        self.between(finding, vanished, far).title(say!(
            "ESP from {from} to {to} is lost on the way",
            from = speaks,
            to = is_silent
        ))
    }

    /// Where to look for what passed one tap and never reached the one behind it, and how sure that is.
    fn between(&self, mut finding: Finding, vanished: &Vanished, far: Vantage) -> Finding {
        let dropped = self.case.model.dropped(far);
        let name = |tap| taps::name(self.case.model, tap);
        let (near, far) = (&name(vanished.near), &name(far));
        if let Some(last) = vanished.last {
            finding = finding.also(last, say!("left {near}, never reached {far}", near, far));
        }
        if dropped > 0 {
            finding.confidence = Confidence::Likely;
            finding = finding.or(say!("The recording of {far} dropped packets.", far));
        }
        finding
            .advise(say!(
                "Look for filters between the two taps, on the way from {near} to {far}.",
                near,
                far
            ))
            .explaining(LOST_EXPLAINS)
    }
}

/// What ESP that is lost on the way looks like, beside what any direction without ESP does.
const LOST_EXPLAINS: &[&str] = &["packet-loss", "esp-dropped-locally"];
