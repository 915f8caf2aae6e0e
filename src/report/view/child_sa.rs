//! Child SAs.

use crate::model::{ChildSaId, EspFlow, Link, Model, Role};
use crate::report::select::number;
use serde::Serialize;

/// A child SA.
#[derive(Debug, Serialize)]
pub struct ChildSaView {
    /// Its number.
    pub id: u64,
    /// Number of its IKE SA.
    pub ike_sa: Option<u64>,
    /// Who asked for it: `initiator` or `responder` of the IKE SA.
    pub by: Option<&'static str>,
    /// SPIs towards the initiator and towards the responder of the exchange that made it.
    pub spis: [Option<String>; 2],
    /// Numbers of its flows, in the same order.
    pub flows: [Option<u64>; 2],
    /// Number of the child SA whose place it took.
    pub replaces: Option<u64>,
    /// First packet.
    pub first_ns: Option<i64>,
    /// Last packet.
    pub last_ns: Option<i64>,
}

impl ChildSaView {
    pub(super) fn new(model: &Model, id: ChildSaId) -> Self {
        let child = &model.child_sas[id];
        Self {
            id: number(id),
            ike_sa: child.ike_sa.map(number),
            by: child.by.map(role),
            spis: child.spis.map(|spi| spi.map(|spi| spi.to_string())),
            flows: child.flows.map(|flow| flow.map(number)),
            replaces: child.replaces.map(number),
            first_ns: child.seen.map(|seen| seen.first.1.0),
            last_ns: child.seen.map(|seen| seen.last.1.0),
        }
    }
}

/// A role in one word.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Initiator => "initiator",
        Role::Responder => "responder",
    }
}

/// The child SA of a flow.
pub(super) fn child_of(flow: &EspFlow) -> Option<ChildSaId> {
    match flow.child_sa {
        Link::Proven(id) | Link::Inferred(id) => Some(id),
        Link::None => None,
    }
}
