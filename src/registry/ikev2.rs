//! Registries of IKEv2.

use super::registry;

registry! {
    /// Transform types.
    pub struct TransformType(u8) {
        ENCR = 1, "Encryption Algorithm (ENCR)", "RFC 7296";
        PRF = 2, "Pseudorandom Function (PRF)", "RFC 7296";
        INTEG = 3, "Integrity Algorithm (INTEG)", "RFC 7296";
        KE = 4, "Key Exchange Method (KE)", "RFC 9370";
        ESN = 5, "Sequence Numbers (SN)", "RFC 7296";
    }
}

registry! {
    /// Notify messages: errors below 16384, status from there on.
    pub struct NotifyType(u16) {
        NO_PROPOSAL_CHOSEN = 14, "NO_PROPOSAL_CHOSEN", "RFC 7296";
        INVALID_KE_PAYLOAD = 17, "INVALID_KE_PAYLOAD", "RFC 7296";
    }
}

registry! {
    /// Authentication methods.
    pub struct AuthMethod(u8) {
        RSA_DIGITAL_SIGNATURE = 1, "RSA Digital Signature", "RFC 7296";
    }
}

registry! {
    /// Kinds of configuration payload.
    pub struct ConfigurationType(u8) {
        CFG_REQUEST = 1, "CFG_REQUEST", "RFC 7296";
    }
}

registry! {
    /// Configuration attributes.
    pub struct ConfigurationAttributeType(u16) {
        INTERNAL_IP4_ADDRESS = 1, "INTERNAL_IP4_ADDRESS", "RFC 7296";
        XAUTH_TYPE = 16520, "XAUTH-TYPE", "draft-ietf-ipsec-isakmp-xauth";
        XAUTH_USER_NAME = 16521, "XAUTH-USER-NAME", "draft-ietf-ipsec-isakmp-xauth";
        XAUTH_STATUS = 16527, "XAUTH-STATUS", "draft-ietf-ipsec-isakmp-xauth";
    }
}

registry! {
    /// Traffic selector types.
    pub struct TsType(u8) {
        TS_IPV4_ADDR_RANGE = 7, "TS_IPV4_ADDR_RANGE", "RFC 7296";
        TS_IPV6_ADDR_RANGE = 8, "TS_IPV6_ADDR_RANGE", "RFC 7296";
    }
}

registry! {
    /// IPComp transforms.
    pub struct IpcompTransform(u8) {
        IPCOMP_LZS = 3, "IPCOMP_LZS", "RFC 2395";
    }
}
