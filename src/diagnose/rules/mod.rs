//! The rules, one file each.
//!
//! Codes by group: `IKE1xx` reaching the peer, `IKE2xx` negotiating, `IKE3xx` staying up, `ESP4xx`
//! the data path, `INF5xx` normal, `SEC6xx` policy. A code is never given again.

use super::rule::Rule;

pub mod ike_admin_prohibited;
pub mod ike_host_unreachable;
pub mod ike_no_response;
pub mod ike_port_unreachable;

/// Every rule, by code.
pub static RULES: &[&Rule] = &[
    &ike_no_response::RULE,
    &ike_port_unreachable::RULE,
    &ike_host_unreachable::RULE,
    &ike_admin_prohibited::RULE,
];
