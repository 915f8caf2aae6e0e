//! Registries of group key management with IKEv2 (RFC 9838): attributes of the policies and of the
//! key bags, and the methods of secure passwords (RFC 6467) that stand beside them at IANA.

use super::registry;

registry! {
    /// Attributes of the policy of one group SA (RFC 9838 section 4.4.2.2).
    pub struct GsaAttribute(u16) {
        GSA_KEY_LIFETIME = 1, "GSA_KEY_LIFETIME", "RFC 9838";
        GSA_INITIAL_MESSAGE_ID = 2, "GSA_INITIAL_MESSAGE_ID", "RFC 9838";
        GSA_NEXT_SPI = 3, "GSA_NEXT_SPI", "RFC 9838";
    }
}

registry! {
    /// Attributes of the policy of a whole group.
    pub struct GroupWidePolicyAttribute(u16) {
        GWP_ATD = 1, "GWP_ATD", "RFC 9838";
        GWP_DTD = 2, "GWP_DTD", "RFC 9838";
        GWP_SENDER_ID_BITS = 3, "GWP_SENDER_ID_BITS", "RFC 9838";
    }
}

registry! {
    /// Attributes of a bag of keys for one group SA.
    pub struct GroupKeyBagAttribute(u16) {
        SA_KEY = 1, "SA_KEY", "RFC 9838";
    }
}

registry! {
    /// Attributes of a bag of keys for one member.
    pub struct MemberKeyBagAttribute(u16) {
        WRAP_KEY = 1, "WRAP_KEY", "RFC 9838";
        AUTH_KEY = 2, "AUTH_KEY", "RFC 9838";
        GM_SENDER_ID = 3, "GM_SENDER_ID", "RFC 9838";
    }
}
