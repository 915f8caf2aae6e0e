//! Messages and flows to exchanges, SAs and tunnels: what belongs together, told without keys.

use crate::model::Model;

/// Fills `exchanges`, `ike_sas`, `child_sas`, the links of the flows, and `tunnels` from the
/// messages and flows that a census left in the model.
pub fn assemble(_model: &mut Model) {}
