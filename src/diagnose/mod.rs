//! The judgement: rules over the model give findings.

pub mod finding;
pub mod rule;
pub mod rules;

pub use finding::{Confidence, Evidence, Finding, Severity};
pub use rule::Rule;
