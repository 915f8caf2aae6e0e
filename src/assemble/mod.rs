//! Messages and flows to exchanges, SAs and tunnels: what belongs together, told without keys.

mod child;
mod exchange;
mod ikev1;
mod ikev2;
mod nat;
mod succession;
mod tunnel;

use crate::model::Model;
use crate::net::Path;
use std::net::IpAddr;

/// Fills `exchanges`, `ike_sas`, `child_sas`, the links of the flows, and `tunnels` from the
/// messages and flows that a census left in the model.
pub fn assemble(model: &mut Model) {
    exchange::group(model);
    for id in model.ike_sas.ids() {
        match model.ike_sas[id].version.major() {
            1 => ikev1::describe(model, id),
            _ => ikev2::describe(model, id),
        }
    }
    let succession = succession::find(model);
    for id in model.ike_sas.ids() {
        model.ike_sas[id].state = match model.ike_sas[id].version.major() {
            1 => ikev1::state(model, id),
            _ => ikev2::state(model, id, succession.replaced.contains(&id)),
        };
    }
    child::link(model, &succession);
    tunnel::group(model);
}

/// The addresses of a path, whichever way it goes.
fn pair(path: &Path) -> (IpAddr, IpAddr) {
    ordered(path.from.address, path.to.address)
}

/// Two addresses in a fixed order.
fn ordered(a: IpAddr, b: IpAddr) -> (IpAddr, IpAddr) {
    (a.min(b), a.max(b))
}
