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

pub use blind::blind;
pub use conclude::conclude;
pub use finding::{Cite, Confidence, Evidence, Finding, Severity};
pub use rule::Rule;

use crate::model::{Model, TunnelId};

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

/// One rule on one tunnel: the unit of work, free of state, for whoever runs rules in parallel.
pub fn check(model: &Model, rule: &'static Rule, tunnel: TunnelId) -> Vec<Finding> {
    (rule.check)(model, tunnel)
}
