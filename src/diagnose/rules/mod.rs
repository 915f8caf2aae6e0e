//! The rules, one file each.

use super::rule::Rule;

/// Every rule, in the order they are tried.
pub static RULES: &[&Rule] = &[];
