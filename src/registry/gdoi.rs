//! Registries of the Group Domain of Interpretation (RFC 6407, RFC 3547; IANA "GDOI Payloads").

use super::registry;
use super::shared::ExchangeType;

registry! {
    /// Exchange types of GDOI. IKEv1 without it has quick mode and new group mode there, so the port
    /// (848) tells which is meant.
    pub struct GdoiExchange(u8) {
        GROUPKEY_PULL = 32, "GROUPKEY-PULL", "RFC 6407";
        GROUPKEY_PUSH = 33, "GROUPKEY-PUSH", "RFC 6407";
    }
}

/// The port that GDOI has to itself (RFC 6407 section 3.2), and G-IKEv2 with it (RFC 9838 section
/// 2.2.1).
pub const PORT: u16 = 848;

impl ExchangeType {
    /// The name of an exchange of IKEv1 between these ports: on that of GDOI two numbers mean its
    /// exchanges.
    pub fn name_between(self, ports: [Option<u16>; 2]) -> Option<&'static str> {
        let gdoi = GdoiExchange(self.0)
            .name()
            .filter(|_| ports.contains(&Some(PORT)));
        gdoi.or_else(|| self.name())
    }
}

registry! {
    /// Algorithms that proved possession of a certificate's key (RFC 3547 section 5.3). Known from
    /// one source only; see `docs/registries.md`.
    pub struct PopAlgorithm(u16) {
        POP_ALG_RSA = 1, "POP_ALG_RSA", "RFC 3547";
        POP_ALG_DSS = 2, "POP_ALG_DSS", "RFC 3547";
        POP_ALG_ECDSS = 3, "POP_ALG_ECDSS", "RFC 3547";
    }
}

registry! {
    /// Attributes of a key encryption key (RFC 6407 section 5.3.1).
    ///
    /// Numbers 8 and 9 are known from one source only; see `docs/registries.md`.
    pub struct KekAttribute(u16) {
        KEK_MANAGEMENT_ALGORITHM = 1, "KEK_MANAGEMENT_ALGORITHM", "RFC 6407";
        KEK_ALGORITHM = 2, "KEK_ALGORITHM", "RFC 6407";
        KEK_KEY_LENGTH = 3, "KEK_KEY_LENGTH", "RFC 6407";
        KEK_KEY_LIFETIME = 4, "KEK_KEY_LIFETIME", "RFC 6407";
        SIG_HASH_ALGORITHM = 5, "SIG_HASH_ALGORITHM", "RFC 6407";
        SIG_ALGORITHM = 6, "SIG_ALGORITHM", "RFC 6407";
        SIG_KEY_LENGTH = 7, "SIG_KEY_LENGTH", "RFC 6407";
        KE_OAKLEY_GROUP = 8, "KE_OAKLEY_GROUP", "RFC 3547";
        KEK_ACK_REQUESTED = 9, "KEK_ACK_REQUESTED", "RFC 8263";
    }
}

registry! {
    /// How keys are managed.
    pub struct KekManagementAlgorithm(u16) {
        LKH = 1, "LKH", "RFC 6407";
    }
}

registry! {
    /// Ciphers of a key encryption key.
    pub struct KekAlgorithm(u16) {
        KEK_ALG_DES = 1, "KEK_ALG_DES", "RFC 6407";
        KEK_ALG_3DES = 2, "KEK_ALG_3DES", "RFC 6407";
        KEK_ALG_AES = 3, "KEK_ALG_AES", "RFC 6407";
    }
}

registry! {
    /// Hashes that are signed.
    pub struct SigHashAlgorithm(u16) {
        SIG_HASH_MD5 = 1, "SIG_HASH_MD5", "RFC 6407";
        SIG_HASH_SHA1 = 2, "SIG_HASH_SHA1", "RFC 6407";
        SIG_HASH_SHA256 = 3, "SIG_HASH_SHA256", "RFC 6407";
        SIG_HASH_SHA384 = 4, "SIG_HASH_SHA384", "RFC 6407";
        SIG_HASH_SHA512 = 5, "SIG_HASH_SHA512", "RFC 6407";
    }
}

registry! {
    /// Signatures of a rekey message.
    pub struct SigAlgorithm(u16) {
        SIG_ALG_RSA = 1, "SIG_ALG_RSA", "RFC 6407";
        SIG_ALG_DSS = 2, "SIG_ALG_DSS", "RFC 6407";
        SIG_ALG_ECDSS = 3, "SIG_ALG_ECDSS", "RFC 6407";
        SIG_ALG_ECDSA_256 = 4, "SIG_ALG_ECDSA_256", "RFC 6407";
        SIG_ALG_ECDSA_384 = 5, "SIG_ALG_ECDSA_384", "RFC 6407";
        SIG_ALG_ECDSA_521 = 6, "SIG_ALG_ECDSA_521", "RFC 6407";
    }
}

registry! {
    /// Protocols that a traffic encryption key is for. Unlike in IKE, 1 is ESP. Number 3 is known from
    /// one source only; see `docs/registries.md`.
    pub struct TekProtocol(u8) {
        GDOI_PROTO_IPSEC_ESP = 1, "GDOI_PROTO_IPSEC_ESP", "RFC 6407";
        GDOI_PROTO_IPSEC_AH = 2, "GDOI_PROTO_IPSEC_AH", "RFC 6407";
        GDOI_PROTO_IEC_61850 = 3, "GDOI_PROTO_IEC_61850", "RFC 8052";
    }
}

registry! {
    /// Attributes of the policy of a whole group (RFC 6407 section 5.4).
    pub struct GapAttribute(u16) {
        ACTIVATION_TIME_DELAY = 1, "ACTIVATION_TIME_DELAY", "RFC 6407";
        DEACTIVATION_TIME_DELAY = 2, "DEACTIVATION_TIME_DELAY", "RFC 6407";
        SENDER_ID_REQUEST = 3, "SENDER_ID_REQUEST", "RFC 6407";
    }
}

registry! {
    /// Kinds of key packet (RFC 6407 section 5.6).
    pub struct KeyDownloadType(u8) {
        TEK = 1, "TEK", "RFC 6407";
        KEK = 2, "KEK", "RFC 6407";
        LKH = 3, "LKH", "RFC 6407";
        SID = 4, "SID", "RFC 6407";
    }
}

impl KeyDownloadType {
    /// The name of an attribute of a packet of this kind: each kind numbers its own.
    pub fn attribute_name(self, kind: u16) -> Option<&'static str> {
        match self {
            Self::TEK => TekKeyAttribute(kind).name(),
            Self::KEK => KekKeyAttribute(kind).name(),
            Self::LKH => LkhAttribute(kind).name(),
            Self::SID => SidAttribute(kind).name(),
            _ => None,
        }
    }
}

registry! {
    /// Keys of a TEK packet.
    pub struct TekKeyAttribute(u16) {
        TEK_ALGORITHM_KEY = 1, "TEK_ALGORITHM_KEY", "RFC 6407";
        TEK_INTEGRITY_KEY = 2, "TEK_INTEGRITY_KEY", "RFC 6407";
        TEK_SOURCE_AUTH_KEY = 3, "TEK_SOURCE_AUTH_KEY", "RFC 6407";
    }
}

registry! {
    /// Keys of a KEK packet.
    pub struct KekKeyAttribute(u16) {
        KEK_ALGORITHM_KEY = 1, "KEK_ALGORITHM_KEY", "RFC 6407";
        SIG_ALGORITHM_KEY = 2, "SIG_ALGORITHM_KEY", "RFC 6407";
    }
}

registry! {
    /// Keys of an LKH packet.
    pub struct LkhAttribute(u16) {
        LKH_DOWNLOAD_ARRAY = 1, "LKH_DOWNLOAD_ARRAY", "RFC 6407";
        LKH_UPDATE_ARRAY = 2, "LKH_UPDATE_ARRAY", "RFC 6407";
        SIG_ALGORITHM_KEY = 3, "SIG_ALGORITHM_KEY", "RFC 6407";
    }
}

registry! {
    /// What a SID packet tells a sender of its own.
    pub struct SidAttribute(u16) {
        NUMBER_OF_SID_BITS = 1, "NUMBER_OF_SID_BITS", "RFC 6407";
        SID_VALUE = 2, "SID_VALUE", "RFC 6407";
    }
}

/// The name of the value of an attribute of a key encryption key, for those whose values have names.
pub fn kek_value_name(kind: u16, value: u64) -> Option<&'static str> {
    let value = u16::try_from(value).ok()?;
    match KekAttribute(kind) {
        KekAttribute::KEK_MANAGEMENT_ALGORITHM => KekManagementAlgorithm(value).name(),
        KekAttribute::KEK_ALGORITHM => KekAlgorithm(value).name(),
        KekAttribute::SIG_HASH_ALGORITHM => SigHashAlgorithm(value).name(),
        KekAttribute::SIG_ALGORITHM => SigAlgorithm(value).name(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_tells_the_exchanges_of_gdoi_from_quick_mode() {
        let quick = ExchangeType::QUICK_MODE;
        let name = |ports| quick.name_between(ports);
        assert_eq!(name([Some(500), Some(500)]), Some("Quick Mode"));
        assert_eq!(name([Some(848), Some(848)]), Some("GROUPKEY-PULL"));
        assert_eq!(name([Some(40_000), Some(848)]), Some("GROUPKEY-PULL"));
        assert_eq!(name([None, None]), Some("Quick Mode"));
        let main = ExchangeType::IDENTITY_PROTECTION;
        assert_eq!(main.name_between([Some(848); 2]), main.name());
    }

    #[test]
    fn each_kind_of_key_packet_numbers_its_own_attributes() {
        let names = [1, 2, 3, 4, 5].map(|kind| KeyDownloadType(kind).attribute_name(1));
        assert_eq!(
            names,
            [
                Some("TEK_ALGORITHM_KEY"),
                Some("KEK_ALGORITHM_KEY"),
                Some("LKH_DOWNLOAD_ARRAY"),
                Some("NUMBER_OF_SID_BITS"),
                None
            ]
        );
    }

    #[test]
    fn values_are_named_by_their_attribute() {
        assert_eq!(kek_value_name(2, 3), Some("KEK_ALG_AES"));
        assert_eq!(kek_value_name(6, 1), Some("SIG_ALG_RSA"));
        assert_eq!(kek_value_name(3, 128), None);
        assert_eq!(kek_value_name(2, 0x1_0003), None);
    }
}
