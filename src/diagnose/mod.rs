//! The judgement: rules over the model give findings.
//!
//! A rule looks at one tunnel and says what it sees; [`conclude`] then puts causes before their
//! consequences. What several rules need to know is in [`facts`]; how to write a rule is shown by
//! any file in [`rules`].

mod blind;
mod conclude;
pub mod facts;
pub mod finding;
pub mod rule;
pub mod rules;
#[cfg(test)]
mod testing;
pub mod timeline;

pub use blind::{blind, failed};
pub use conclude::conclude;
pub use finding::{Cite, Confidence, Evidence, Finding, Severity};
pub use rule::Rule;
pub use timeline::timeline;

use crate::model::{Model, TunnelId};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Every rule on every tunnel, then the conclusion: the most important finding first.
pub fn run(model: &Model) -> Vec<Finding> {
    let findings = model
        .tunnels
        .ids()
        .flat_map(|tunnel| {
            rules::RULES
                .iter()
                .flat_map(move |rule| check(model, rule, tunnel))
        })
        .collect();
    conclude(model, findings)
}

/// One rule on one tunnel.
pub fn check(model: &Model, rule: &'static Rule, tunnel: TunnelId) -> Vec<Finding> {
    (rule.check)(model, tunnel)
}

/// A rule that panicked over a tunnel.
#[derive(Clone, Copy, Debug)]
pub struct Failed {
    /// The rule.
    pub rule: &'static Rule,
    /// The tunnel.
    pub tunnel: TunnelId,
}

/// As [`check`], for whoever runs rules in parallel: the unit of work, free of state.
///
/// # Errors
/// The rule panicked, which is a defect of it. That costs what it would have said of this tunnel and
/// nothing else: a rule only reads, so it leaves nothing half done behind.
pub fn try_check(
    model: &Model,
    rule: &'static Rule,
    tunnel: TunnelId,
) -> Result<Vec<Finding>, Failed> {
    catch_unwind(AssertUnwindSafe(|| check(model, rule, tunnel)))
        .map_err(|_| Failed { rule, tunnel })
}
