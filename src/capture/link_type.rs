//! Link-layer header types, as <https://www.tcpdump.org/linktypes.html> numbers them.

use crate::registry::registry;

registry! {
    /// What a frame begins with.
    pub struct LinkType(u16) {
        NULL = 0, "NULL", "tcpdump.org";
        ETHERNET = 1, "ETHERNET", "tcpdump.org";
    }
}
