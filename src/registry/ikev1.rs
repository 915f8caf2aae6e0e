//! Registries of IKEv1.

use super::registry;

registry! {
    /// Notify messages of IKEv1.
    pub struct NotifyV1(u16) {
        NO_PROPOSAL_CHOSEN = 14, "NO-PROPOSAL-CHOSEN", "RFC 2408 section 3.14.1";
    }
}
