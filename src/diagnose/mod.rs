//! The judgement: rules over the model give findings.
//!
//! A rule looks at one tunnel, its [`Case`], and says what it sees; [`run`] puts causes before their
//! consequences. [`RULES`] are ours, each with its document. How to write one of your own is shown by
//! `examples/own_rule.rs`, and by any file in `src/diagnose/rules/`.

mod blind;
pub(crate) mod case;
mod conclude;
pub(crate) mod facts;
pub(crate) mod finding;
pub(crate) mod rule;
pub(crate) mod rules;
mod signs;
#[cfg(test)]
mod testing;
pub(crate) mod timeline;

pub use crate::model::signs::Signs;
pub(crate) use blind::{blind, blind_of, failed};
pub use case::Case;
pub(crate) use conclude::{Folded, conclude, fold, rank};
pub use facts::esp::Directions;
pub use facts::tap::{Heard, Tap};
pub use finding::{Cite, Confidence, Evidence, Finding, Severity};
pub use rule::Rule;
pub use rules::RULES;
pub use timeline::{Event, Kind as EventKind, timeline};

use crate::model::{Model, TunnelId};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// These rules on every tunnel, then the conclusion: the most important finding first.
///
/// [`RULES`] are ours; others may stand among them or alone.
pub fn run(model: &Model, rules: &[&'static Rule]) -> Vec<Finding> {
    let findings = model
        .tunnels
        .ids()
        .flat_map(|tunnel| {
            let case = Case::of(model, tunnel);
            let rules = rules.iter().filter(|rule| rule.may_speak(&case));
            rules
                .flat_map(|rule| (rule.check)(&case))
                .collect::<Vec<_>>()
        })
        .collect();
    conclude(findings)
}

/// A rule that panicked over a tunnel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    /// The rule.
    pub rule: &'static Rule,
    /// The tunnel.
    pub tunnel: TunnelId,
}

/// One rule on one tunnel, for whoever runs rules in parallel: the unit of work.
///
/// # Errors
/// The rule panicked, which is a defect of it. That costs what it would have said of this tunnel and
/// nothing else: a rule only reads, and an answer that it was about to keep in the case is worked out
/// anew by the next that asks for it.
pub(crate) fn check(rule: &'static Rule, case: &Case<'_>) -> Result<Vec<Finding>, Failed> {
    let tunnel = case.id;
    catch_unwind(AssertUnwindSafe(|| (rule.check)(case))).map_err(|_| Failed { rule, tunnel })
}
