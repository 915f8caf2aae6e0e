//! The judgement: rules over the model give findings.
//!
//! A rule looks at one tunnel, its [`Case`], and says what it sees; [`conclude`] puts causes before their
//! consequences. What several rules need to know is in [`facts`]; how to write a rule is shown by
//! any file in [`rules`].

mod blind;
pub mod case;
mod conclude;
pub mod facts;
pub mod finding;
pub mod rule;
pub mod rules;
pub mod signs;
#[cfg(test)]
mod testing;
pub mod timeline;

pub use blind::{blind, blind_of, failed};
pub use case::Case;
pub use conclude::{Folded, conclude, fold, rank};
pub use finding::{Cite, Confidence, Evidence, Finding, Severity};
pub use rule::Rule;
pub use signs::Signs;
pub use timeline::timeline;

use crate::model::{Model, TunnelId};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Every rule on every tunnel, then the conclusion: the most important finding first.
pub fn run(model: &Model) -> Vec<Finding> {
    let findings = model
        .tunnels
        .ids()
        .flat_map(|tunnel| {
            let case = Case::of(model, tunnel);
            let rules = rules::RULES.iter().filter(|rule| rule.may_speak(&case));
            rules
                .flat_map(|rule| (rule.check)(&case))
                .collect::<Vec<_>>()
        })
        .collect();
    conclude(findings)
}

/// A rule that panicked over a tunnel.
#[derive(Clone, Copy, Debug)]
pub struct Failed {
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
pub fn check(rule: &'static Rule, case: &Case<'_>) -> Result<Vec<Finding>, Failed> {
    let tunnel = case.id;
    catch_unwind(AssertUnwindSafe(|| (rule.check)(case))).map_err(|_| Failed { rule, tunnel })
}
