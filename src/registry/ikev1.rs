//! Registries of IKEv1 (RFC 2407, RFC 2408, RFC 2409 and what came after; IANA "ISAKMP" and "IPSEC").
//!
//! An attribute number means one thing in phase 1 (the IKE SA) and another in phase 2 (quick mode):
//! [`attribute_name`] and [`attribute_value_name`] take the [`Phase`].
//!
//! What IKEv2 took over as it was stands in [`super::ikev2`]: IPComp transforms, the types of
//! configuration payload and their attributes, XAuth and Cisco Unity included.

use super::ikev2::IpcompTransform;
use super::registry;
use super::shared::SecurityProtocol;

registry! {
    /// Notify messages of IKEv1: errors below 16384, status from there on; from 32768 on for
    /// private use.
    pub struct NotifyV1(u16) {
        INVALID_PAYLOAD_TYPE = 1, "INVALID-PAYLOAD-TYPE", "RFC 2408 section 3.14.1";
        DOI_NOT_SUPPORTED = 2, "DOI-NOT-SUPPORTED", "RFC 2408 section 3.14.1";
        SITUATION_NOT_SUPPORTED = 3, "SITUATION-NOT-SUPPORTED", "RFC 2408 section 3.14.1";
        INVALID_COOKIE = 4, "INVALID-COOKIE", "RFC 2408 section 3.14.1";
        INVALID_MAJOR_VERSION = 5, "INVALID-MAJOR-VERSION", "RFC 2408 section 3.14.1";
        INVALID_MINOR_VERSION = 6, "INVALID-MINOR-VERSION", "RFC 2408 section 3.14.1";
        INVALID_EXCHANGE_TYPE = 7, "INVALID-EXCHANGE-TYPE", "RFC 2408 section 3.14.1";
        INVALID_FLAGS = 8, "INVALID-FLAGS", "RFC 2408 section 3.14.1";
        INVALID_MESSAGE_ID = 9, "INVALID-MESSAGE-ID", "RFC 2408 section 3.14.1";
        INVALID_PROTOCOL_ID = 10, "INVALID-PROTOCOL-ID", "RFC 2408 section 3.14.1";
        INVALID_SPI = 11, "INVALID-SPI", "RFC 2408 section 3.14.1";
        INVALID_TRANSFORM_ID = 12, "INVALID-TRANSFORM-ID", "RFC 2408 section 3.14.1";
        ATTRIBUTES_NOT_SUPPORTED = 13, "ATTRIBUTES-NOT-SUPPORTED", "RFC 2408 section 3.14.1";
        NO_PROPOSAL_CHOSEN = 14, "NO-PROPOSAL-CHOSEN", "RFC 2408 section 3.14.1";
        BAD_PROPOSAL_SYNTAX = 15, "BAD-PROPOSAL-SYNTAX", "RFC 2408 section 3.14.1";
        PAYLOAD_MALFORMED = 16, "PAYLOAD-MALFORMED", "RFC 2408 section 3.14.1";
        INVALID_KEY_INFORMATION = 17, "INVALID-KEY-INFORMATION", "RFC 2408 section 3.14.1";
        INVALID_ID_INFORMATION = 18, "INVALID-ID-INFORMATION", "RFC 2408 section 3.14.1";
        INVALID_CERT_ENCODING = 19, "INVALID-CERT-ENCODING", "RFC 2408 section 3.14.1";
        INVALID_CERTIFICATE = 20, "INVALID-CERTIFICATE", "RFC 2408 section 3.14.1";
        CERT_TYPE_UNSUPPORTED = 21, "CERT-TYPE-UNSUPPORTED", "RFC 2408 section 3.14.1";
        INVALID_CERT_AUTHORITY = 22, "INVALID-CERT-AUTHORITY", "RFC 2408 section 3.14.1";
        INVALID_HASH_INFORMATION = 23, "INVALID-HASH-INFORMATION", "RFC 2408 section 3.14.1";
        AUTHENTICATION_FAILED = 24, "AUTHENTICATION-FAILED", "RFC 2408 section 3.14.1";
        INVALID_SIGNATURE = 25, "INVALID-SIGNATURE", "RFC 2408 section 3.14.1";
        ADDRESS_NOTIFICATION = 26, "ADDRESS-NOTIFICATION", "RFC 2408 section 3.14.1";
        NOTIFY_SA_LIFETIME = 27, "NOTIFY-SA-LIFETIME", "RFC 2408 section 3.14.1";
        CERTIFICATE_UNAVAILABLE = 28, "CERTIFICATE-UNAVAILABLE", "RFC 2408 section 3.14.1";
        UNSUPPORTED_EXCHANGE_TYPE = 29, "UNSUPPORTED-EXCHANGE-TYPE", "RFC 2408 section 3.14.1";
        UNEQUAL_PAYLOAD_LENGTHS = 30, "UNEQUAL-PAYLOAD-LENGTHS", "RFC 2408 section 3.14.1";
        CONNECTED = 16384, "CONNECTED", "RFC 2408 section 3.14.1";
        RESPONDER_LIFETIME = 24576, "RESPONDER-LIFETIME", "RFC 2407 section 4.6.3.1";
        REPLAY_STATUS = 24577, "REPLAY-STATUS", "RFC 2407 section 4.6.3.2";
        INITIAL_CONTACT = 24578, "INITIAL-CONTACT", "RFC 2407 section 4.6.3.3";
        R_U_THERE = 36136, "R-U-THERE", "RFC 3706 section 5.2";
        R_U_THERE_ACK = 36137, "R-U-THERE-ACK", "RFC 3706 section 5.2";
        UNITY_LOAD_BALANCE = 40501, "UNITY-LOAD-BALANCE", "Cisco Unity";
        UNITY_UNKNOWN = 40502, "UNITY-UNKNOWN", "Cisco Unity";
        UNITY_GROUP_HASH = 40503, "UNITY-GROUP-HASH", "Cisco Unity";
    }
}

registry! {
    /// Domains of interpretation: what payloads mean beyond their layout.
    pub struct Doi(u16) {
        ISAKMP = 0, "ISAKMP", "RFC 2408";
        IPSEC = 1, "IPSEC", "RFC 2407";
        GDOI = 2, "GDOI", "RFC 6407";
    }
}

registry! {
    /// Attributes of a phase 1 transform (RFC 2409 appendix A). Number 16384 is known from one source
    /// only; see `docs/registries.md`.
    pub struct Phase1Attribute(u16) {
        ENCRYPTION_ALGORITHM = 1, "Encryption Algorithm", "RFC 2409 appendix A";
        HASH_ALGORITHM = 2, "Hash Algorithm", "RFC 2409 appendix A";
        AUTHENTICATION_METHOD = 3, "Authentication Method", "RFC 2409 appendix A";
        GROUP_DESCRIPTION = 4, "Group Description", "RFC 2409 appendix A";
        GROUP_TYPE = 5, "Group Type", "RFC 2409 appendix A";
        GROUP_PRIME = 6, "Group Prime/Irreducible Polynomial", "RFC 2409 appendix A";
        GROUP_GENERATOR_ONE = 7, "Group Generator One", "RFC 2409 appendix A";
        GROUP_GENERATOR_TWO = 8, "Group Generator Two", "RFC 2409 appendix A";
        GROUP_CURVE_A = 9, "Group Curve A", "RFC 2409 appendix A";
        GROUP_CURVE_B = 10, "Group Curve B", "RFC 2409 appendix A";
        LIFE_TYPE = 11, "Life Type", "RFC 2409 appendix A";
        LIFE_DURATION = 12, "Life Duration", "RFC 2409 appendix A";
        PRF = 13, "PRF", "RFC 2409 appendix A";
        KEY_LENGTH = 14, "Key Length", "RFC 2409 appendix A";
        FIELD_SIZE = 15, "Field Size", "RFC 2409 appendix A";
        GROUP_ORDER = 16, "Group Order", "RFC 2409 appendix A";
        GSS_IDENTITY_NAME = 16384, "GSS Identity Name", "draft-ietf-ipsec-isakmp-gss-auth";
    }
}

registry! {
    /// Encryption algorithms of phase 1.
    pub struct EncryptionV1(u16) {
        DES_CBC = 1, "DES-CBC", "RFC 2409 appendix A";
        IDEA_CBC = 2, "IDEA-CBC", "RFC 2409 appendix A";
        BLOWFISH_CBC = 3, "Blowfish-CBC", "RFC 2409 appendix A";
        RC5_R16_B64_CBC = 4, "RC5-R16-B64-CBC", "RFC 2409 appendix A";
        TRIPLE_DES_CBC = 5, "3DES-CBC", "RFC 2409 appendix A";
        CAST_CBC = 6, "CAST-CBC", "RFC 2409 appendix A";
        AES_CBC = 7, "AES-CBC", "RFC 3602";
        CAMELLIA_CBC = 8, "CAMELLIA-CBC", "RFC 4312";
    }
}

registry! {
    /// Hash algorithms of phase 1; the PRF is their HMAC unless one is negotiated.
    pub struct HashV1(u16) {
        MD5 = 1, "MD5", "RFC 2409 appendix A";
        SHA = 2, "SHA", "RFC 2409 appendix A";
        TIGER = 3, "TIGER", "RFC 2409 appendix A";
        SHA2_256 = 4, "SHA2-256", "RFC 4868";
        SHA2_384 = 5, "SHA2-384", "RFC 4868";
        SHA2_512 = 6, "SHA2-512", "RFC 4868";
    }
}

registry! {
    /// Authentication methods of phase 1.
    pub struct AuthMethodV1(u16) {
        PRE_SHARED_KEY = 1, "pre-shared key", "RFC 2409 appendix A";
        DSS_SIGNATURES = 2, "DSS signatures", "RFC 2409 appendix A";
        RSA_SIGNATURES = 3, "RSA signatures", "RFC 2409 appendix A";
        ENCRYPTION_WITH_RSA = 4, "Encryption with RSA", "RFC 2409 appendix A";
        REVISED_ENCRYPTION_WITH_RSA = 5, "Revised encryption with RSA", "RFC 2409 appendix A";
        ECDSA_WITH_SHA_256_ON_THE_P_256_CURVE = 9, "ECDSA with SHA-256 on the P-256 curve", "RFC 4754";
        ECDSA_WITH_SHA_384_ON_THE_P_384_CURVE = 10, "ECDSA with SHA-384 on the P-384 curve", "RFC 4754";
        ECDSA_WITH_SHA_512_ON_THE_P_521_CURVE = 11, "ECDSA with SHA-512 on the P-521 curve", "RFC 4754";
        HYBRID_INIT_RSA = 64221, "HybridInitRSA", "draft-ietf-ipsec-isakmp-hybrid-auth section 3.2.1";
        HYBRID_RESP_RSA = 64222, "HybridRespRSA", "draft-ietf-ipsec-isakmp-hybrid-auth section 3.2.1";
        HYBRID_INIT_DSS = 64223, "HybridInitDSS", "draft-ietf-ipsec-isakmp-hybrid-auth section 3.2.1";
        HYBRID_RESP_DSS = 64224, "HybridRespDSS", "draft-ietf-ipsec-isakmp-hybrid-auth section 3.2.1";
        XAUTH_INIT_PRE_SHARED = 65001, "XAUTHInitPreShared", "draft-beaulieu-ike-xauth-02 section 7.2";
        XAUTH_RESP_PRE_SHARED = 65002, "XAUTHRespPreShared", "draft-beaulieu-ike-xauth-02 section 7.2";
        XAUTH_INIT_DSS = 65003, "XAUTHInitDSS", "draft-beaulieu-ike-xauth-02 section 7.2";
        XAUTH_RESP_DSS = 65004, "XAUTHRespDSS", "draft-beaulieu-ike-xauth-02 section 7.2";
        XAUTH_INIT_RSA = 65005, "XAUTHInitRSA", "draft-beaulieu-ike-xauth-02 section 7.2";
        XAUTH_RESP_RSA = 65006, "XAUTHRespRSA", "draft-beaulieu-ike-xauth-02 section 7.2";
        XAUTH_INIT_RSA_ENCRYPTION = 65007, "XAUTHInitRSAEncryption", "draft-beaulieu-ike-xauth-02 section 7.2";
        XAUTH_RESP_RSA_ENCRYPTION = 65008, "XAUTHRespRSAEncryption", "draft-beaulieu-ike-xauth-02 section 7.2";
        XAUTH_INIT_RSA_REVISED_ENCRYPTION = 65009, "XAUTHInitRSARevisedEncryption", "draft-beaulieu-ike-xauth-02 section 7.2";
        XAUTH_RESP_RSA_REVISED_ENCRYPTION = 65010, "XAUTHRespRSARevisedEncryption", "draft-beaulieu-ike-xauth-02 section 7.2";
    }
}

registry! {
    /// Diffie-Hellman groups of both phases. From 14 on the numbers and groups are those of the IKEv2
    /// key exchange methods; so are 1, 2 and 5. IANA gives two groups over each of four fields the
    /// same name.
    pub struct GroupV1(u16) {
        MODP_768 = 1, "default 768-bit MODP group", "RFC 2409 section 6.1";
        MODP_1024 = 2, "alternate 1024-bit MODP group", "RFC 2409 section 6.2";
        EC2N_155 = 3, "EC2N group on GP[2^155]", "RFC 2409 section 6.3";
        EC2N_185 = 4, "EC2N group on GP[2^185]", "RFC 2409 section 6.4";
        MODP_1536 = 5, "1536-bit MODP group", "RFC 3526";
        EC2N_163_A = 6, "EC2N group over GF[2^163]", "draft-ietf-ipsec-ike-ecc-groups";
        EC2N_163_B = 7, "EC2N group over GF[2^163]", "draft-ietf-ipsec-ike-ecc-groups";
        EC2N_283_A = 8, "EC2N group over GF[2^283]", "draft-ietf-ipsec-ike-ecc-groups";
        EC2N_283_B = 9, "EC2N group over GF[2^283]", "draft-ietf-ipsec-ike-ecc-groups";
        EC2N_409_A = 10, "EC2N group over GF[2^409]", "draft-ietf-ipsec-ike-ecc-groups";
        EC2N_409_B = 11, "EC2N group over GF[2^409]", "draft-ietf-ipsec-ike-ecc-groups";
        EC2N_571_A = 12, "EC2N group over GF[2^571]", "draft-ietf-ipsec-ike-ecc-groups";
        EC2N_571_B = 13, "EC2N group over GF[2^571]", "draft-ietf-ipsec-ike-ecc-groups";
        MODP_2048 = 14, "2048-bit MODP group", "RFC 3526";
        MODP_3072 = 15, "3072-bit MODP group", "RFC 3526";
        MODP_4096 = 16, "4096-bit MODP group", "RFC 3526";
        MODP_6144 = 17, "6144-bit MODP group", "RFC 3526";
        MODP_8192 = 18, "8192-bit MODP group", "RFC 3526";
        ECP_256 = 19, "256-bit random ECP group", "RFC 5903";
        ECP_384 = 20, "384-bit random ECP group", "RFC 5903";
        ECP_521 = 21, "521-bit random ECP group", "RFC 5903";
        MODP_1024_160 = 22, "1024-bit MODP Group with 160-bit Prime Order Subgroup", "RFC 5114";
        MODP_2048_224 = 23, "2048-bit MODP Group with 224-bit Prime Order Subgroup", "RFC 5114";
        MODP_2048_256 = 24, "2048-bit MODP Group with 256-bit Prime Order Subgroup", "RFC 5114";
        ECP_192 = 25, "192-bit Random ECP Group", "RFC 5114";
        ECP_224 = 26, "224-bit Random ECP Group", "RFC 5114";
        BRAINPOOL_224 = 27, "224-bit Brainpool ECP group", "RFC 6932";
        BRAINPOOL_256 = 28, "256-bit Brainpool ECP group", "RFC 6932";
        BRAINPOOL_384 = 29, "384-bit Brainpool ECP group", "RFC 6932";
        BRAINPOOL_512 = 30, "512-bit Brainpool ECP group", "RFC 6932";
    }
}

registry! {
    /// Types of a group that is described and not named.
    pub struct GroupType(u16) {
        MODP = 1, "MODP", "RFC 2409 appendix A";
        ECP = 2, "ECP", "RFC 2409 appendix A";
        EC2N = 3, "EC2N", "RFC 2409 appendix A";
    }
}

registry! {
    /// Units of a lifetime, in both phases.
    pub struct LifeType(u16) {
        SECONDS = 1, "seconds", "RFC 2409 appendix A";
        KILOBYTES = 2, "kilobytes", "RFC 2409 appendix A";
    }
}

registry! {
    /// Attributes of a phase 2 transform (RFC 2407 section 4.5).
    pub struct Phase2Attribute(u16) {
        SA_LIFE_TYPE = 1, "SA Life Type", "RFC 2407 section 4.5";
        SA_LIFE_DURATION = 2, "SA Life Duration", "RFC 2407 section 4.5";
        GROUP_DESCRIPTION = 3, "Group Description", "RFC 2407 section 4.5";
        ENCAPSULATION_MODE = 4, "Encapsulation Mode", "RFC 2407 section 4.5";
        AUTHENTICATION_ALGORITHM = 5, "Authentication Algorithm", "RFC 2407 section 4.5";
        KEY_LENGTH = 6, "Key Length", "RFC 2407 section 4.5";
        KEY_ROUNDS = 7, "Key Rounds", "RFC 2407 section 4.5";
        COMPRESS_DICTIONARY_SIZE = 8, "Compress Dictionary Size", "RFC 2407 section 4.5";
        COMPRESS_PRIVATE_ALGORITHM = 9, "Compress Private Algorithm", "RFC 2407 section 4.5";
        ECN_TUNNEL = 10, "ECN Tunnel", "RFC 3168";
        EXTENDED_SEQUENCE_NUMBER = 11, "Extended (64-bit) Sequence Number", "RFC 4304";
        AUTHENTICATION_KEY_LENGTH = 12, "Authentication Key Length", "RFC 4359";
        SIGNATURE_ENCODING_ALGORITHM = 13, "Signature Encoding Algorithm", "RFC 4359";
        ADDRESS_PRESERVATION = 14, "Address Preservation", "RFC 6407";
        SA_DIRECTION = 15, "SA Direction", "RFC 6407";
    }
}

registry! {
    /// Encapsulation modes of phase 2.
    pub struct EncapsulationMode(u16) {
        TUNNEL = 1, "Tunnel", "RFC 2407 section 4.5";
        TRANSPORT = 2, "Transport", "RFC 2407 section 4.5";
        UDP_ENCAPSULATED_TUNNEL = 3, "UDP-Encapsulated-Tunnel", "RFC 3947 section 5.1";
        UDP_ENCAPSULATED_TRANSPORT = 4, "UDP-Encapsulated-Transport", "RFC 3947 section 5.1";
        UDP_ENCAPSULATED_TUNNEL_DRAFT = 61443, "UDP-Encapsulated-Tunnel (draft)", "draft-ietf-ipsec-nat-t-ike-02 section 5.1";
        UDP_ENCAPSULATED_TRANSPORT_DRAFT = 61444, "UDP-Encapsulated-Transport (draft)", "draft-ietf-ipsec-nat-t-ike-02 section 5.1";
    }
}

registry! {
    /// Authentication algorithms of phase 2.
    pub struct AuthenticationAlgorithm(u16) {
        HMAC_MD5 = 1, "HMAC-MD5", "RFC 2407 section 4.5";
        HMAC_SHA = 2, "HMAC-SHA", "RFC 2407 section 4.5";
        DES_MAC = 3, "DES-MAC", "RFC 2407 section 4.5";
        KPDK = 4, "KPDK", "RFC 2407 section 4.5";
        HMAC_SHA2_256 = 5, "HMAC-SHA2-256", "RFC 4868";
        HMAC_SHA2_384 = 6, "HMAC-SHA2-384", "RFC 4868";
        HMAC_SHA2_512 = 7, "HMAC-SHA2-512", "RFC 4868";
        HMAC_RIPEMD = 8, "HMAC-RIPEMD", "RFC 2857";
        AES_XCBC_MAC = 9, "AES-XCBC-MAC", "RFC 3566";
        SIG_RSA = 10, "SIG-RSA", "RFC 4359";
        AES_128_GMAC = 11, "AES-128-GMAC", "RFC 4543";
        AES_192_GMAC = 12, "AES-192-GMAC", "RFC 4543";
        AES_256_GMAC = 13, "AES-256-GMAC", "RFC 4543";
    }
}

registry! {
    /// Whether a tunnel carries ECN.
    pub struct EcnTunnel(u16) {
        ALLOWED = 1, "Allowed", "RFC 3168";
        FORBIDDEN = 2, "Forbidden", "RFC 3168";
    }
}

registry! {
    /// Whether sequence numbers have 64 bits.
    pub struct ExtendedSequenceNumber(u16) {
        SEQUENCE_NUMBER_64 = 1, "64-bit Sequence Number", "RFC 4304";
    }
}

registry! {
    /// How a signature of a packet is encoded.
    pub struct SignatureEncoding(u16) {
        RSASSA_PKCS1_V1_5 = 1, "RSASSA-PKCS1-v1_5", "RFC 4359";
        RSASSA_PSS = 2, "RSASSA-PSS", "RFC 4359";
    }
}

registry! {
    /// Which addresses of a packet its tunnel keeps.
    pub struct AddressPreservation(u16) {
        NONE = 1, "None", "RFC 6407";
        SOURCE_ONLY = 2, "Source-Only", "RFC 6407";
        DESTINATION_ONLY = 3, "Destination-Only", "RFC 6407";
        SOURCE_AND_DESTINATION = 4, "Source-and-Destination", "RFC 6407";
    }
}

registry! {
    /// What a member of a group may do with an SA.
    pub struct SaDirection(u16) {
        SENDER_ONLY = 1, "Sender-Only", "RFC 6407";
        RECEIVER_ONLY = 2, "Receiver-Only", "RFC 6407";
        SYMMETRIC = 3, "Symmetric", "RFC 6407";
    }
}

registry! {
    /// Bits of a situation (RFC 2407 section 4.2).
    pub struct Situation(u32) {
        SIT_IDENTITY_ONLY = 1, "SIT_IDENTITY_ONLY", "RFC 2407 section 4.2.1";
        SIT_SECRECY = 2, "SIT_SECRECY", "RFC 2407 section 4.2.2";
        SIT_INTEGRITY = 4, "SIT_INTEGRITY", "RFC 2407 section 4.2.3";
    }
}

registry! {
    /// Protocols of a proposal. From 4 on the numbers differ from those of IKEv2.
    pub struct ProtocolV1(u8) {
        PROTO_ISAKMP = 1, "PROTO_ISAKMP", "RFC 2407 section 4.4.1";
        PROTO_IPSEC_AH = 2, "PROTO_IPSEC_AH", "RFC 2407 section 4.4.1";
        PROTO_IPSEC_ESP = 3, "PROTO_IPSEC_ESP", "RFC 2407 section 4.4.1";
        PROTO_IPCOMP = 4, "PROTO_IPCOMP", "RFC 2407 section 4.4.1";
        PROTO_GIGABEAM_RADIO = 5, "PROTO_GIGABEAM_RADIO", "RFC 4705";
    }
}

registry! {
    /// Transforms of the protocol ISAKMP.
    pub struct IsakmpTransform(u8) {
        KEY_IKE = 1, "KEY_IKE", "RFC 2407 section 4.4.2";
    }
}

registry! {
    /// Transforms of ESP: ciphers.
    pub struct EspTransform(u8) {
        ESP_DES_IV64 = 1, "ESP_DES_IV64", "RFC 2407 section 4.4.4";
        ESP_DES = 2, "ESP_DES", "RFC 2407 section 4.4.4";
        ESP_3DES = 3, "ESP_3DES", "RFC 2407 section 4.4.4";
        ESP_RC5 = 4, "ESP_RC5", "RFC 2407 section 4.4.4";
        ESP_IDEA = 5, "ESP_IDEA", "RFC 2407 section 4.4.4";
        ESP_CAST = 6, "ESP_CAST", "RFC 2407 section 4.4.4";
        ESP_BLOWFISH = 7, "ESP_BLOWFISH", "RFC 2407 section 4.4.4";
        ESP_3IDEA = 8, "ESP_3IDEA", "RFC 2407 section 4.4.4";
        ESP_DES_IV32 = 9, "ESP_DES_IV32", "RFC 2407 section 4.4.4";
        ESP_RC4 = 10, "ESP_RC4", "RFC 2407 section 4.4.4";
        ESP_NULL = 11, "ESP_NULL", "RFC 2407 section 4.4.4";
        ESP_AES_CBC = 12, "ESP_AES-CBC", "RFC 3602";
        ESP_AES_CTR = 13, "ESP_AES-CTR", "RFC 3686";
        ESP_AES_CCM_8 = 14, "ESP_AES-CCM_8", "RFC 4309";
        ESP_AES_CCM_12 = 15, "ESP_AES-CCM_12", "RFC 4309";
        ESP_AES_CCM_16 = 16, "ESP_AES-CCM_16", "RFC 4309";
        ESP_AES_GCM_8 = 18, "ESP_AES-GCM_8", "RFC 4106";
        ESP_AES_GCM_12 = 19, "ESP_AES-GCM_12", "RFC 4106";
        ESP_AES_GCM_16 = 20, "ESP_AES-GCM_16", "RFC 4106";
        ESP_SEED_CBC = 21, "ESP_SEED_CBC", "RFC 4196";
        ESP_CAMELLIA = 22, "ESP_CAMELLIA", "RFC 4312";
        ESP_NULL_AUTH_AES_GMAC = 23, "ESP_NULL_AUTH_AES-GMAC", "RFC 4543";
    }
}

registry! {
    /// Transforms of AH: integrity algorithms.
    pub struct AhTransform(u8) {
        AH_MD5 = 2, "AH_MD5", "RFC 2407 section 4.4.3";
        AH_SHA = 3, "AH_SHA", "RFC 2407 section 4.4.3";
        AH_DES = 4, "AH_DES", "RFC 2407 section 4.4.3";
        AH_SHA2_256 = 5, "AH_SHA2-256", "RFC 4868";
        AH_SHA2_384 = 6, "AH_SHA2-384", "RFC 4868";
        AH_SHA2_512 = 7, "AH_SHA2-512", "RFC 4868";
        AH_RIPEMD = 8, "AH_RIPEMD", "RFC 2857";
        AH_AES_XCBC_MAC = 9, "AH_AES-XCBC-MAC", "RFC 3566";
        AH_RSA = 10, "AH_RSA", "RFC 4359";
        AH_AES_128_GMAC = 11, "AH_AES-128-GMAC", "RFC 4543";
        AH_AES_192_GMAC = 12, "AH_AES-192-GMAC", "RFC 4543";
        AH_AES_256_GMAC = 13, "AH_AES-256-GMAC", "RFC 4543";
    }
}

/// Which of the two negotiations of IKEv1.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// Main and aggressive mode: the IKE SA.
    One,
    /// Quick mode: ESP, AH and IPComp SAs.
    Two,
}

impl Phase {
    /// The phase that negotiates SAs of this protocol.
    pub fn of(protocol: SecurityProtocol) -> Self {
        match ProtocolV1(protocol.0) {
            ProtocolV1::PROTO_ISAKMP => Self::One,
            _ => Self::Two,
        }
    }
}

/// The name of an attribute of a transform.
pub fn attribute_name(phase: Phase, kind: u16) -> Option<&'static str> {
    match phase {
        Phase::One => Phase1Attribute(kind).name(),
        Phase::Two => Phase2Attribute(kind).name(),
    }
}

/// The name of the value of an attribute, for attributes whose values have names.
pub fn attribute_value_name(phase: Phase, kind: u16, value: u64) -> Option<&'static str> {
    let value = u16::try_from(value).ok()?;
    match phase {
        Phase::One => match Phase1Attribute(kind) {
            Phase1Attribute::ENCRYPTION_ALGORITHM => EncryptionV1(value).name(),
            Phase1Attribute::HASH_ALGORITHM => HashV1(value).name(),
            Phase1Attribute::AUTHENTICATION_METHOD => AuthMethodV1(value).name(),
            Phase1Attribute::GROUP_DESCRIPTION => GroupV1(value).name(),
            Phase1Attribute::GROUP_TYPE => GroupType(value).name(),
            Phase1Attribute::LIFE_TYPE => LifeType(value).name(),
            _ => None,
        },
        Phase::Two => match Phase2Attribute(kind) {
            Phase2Attribute::SA_LIFE_TYPE => LifeType(value).name(),
            Phase2Attribute::GROUP_DESCRIPTION => GroupV1(value).name(),
            Phase2Attribute::ENCAPSULATION_MODE => EncapsulationMode(value).name(),
            Phase2Attribute::AUTHENTICATION_ALGORITHM => AuthenticationAlgorithm(value).name(),
            Phase2Attribute::ECN_TUNNEL => EcnTunnel(value).name(),
            Phase2Attribute::EXTENDED_SEQUENCE_NUMBER => ExtendedSequenceNumber(value).name(),
            Phase2Attribute::SIGNATURE_ENCODING_ALGORITHM => SignatureEncoding(value).name(),
            Phase2Attribute::ADDRESS_PRESERVATION => AddressPreservation(value).name(),
            Phase2Attribute::SA_DIRECTION => SaDirection(value).name(),
            _ => None,
        },
    }
}

/// The name of a transform of a proposal for this protocol.
pub fn transform_name(protocol: SecurityProtocol, id: u8) -> Option<&'static str> {
    match ProtocolV1(protocol.0) {
        ProtocolV1::PROTO_ISAKMP => IsakmpTransform(id).name(),
        ProtocolV1::PROTO_IPSEC_AH => AhTransform(id).name(),
        ProtocolV1::PROTO_IPSEC_ESP => EspTransform(id).name(),
        ProtocolV1::PROTO_IPCOMP => IpcompTransform(id).name(),
        _ => None,
    }
}

/// A phase 1 cipher in the numbers of IKEv2: the ENCR transform, and its Key Length attribute.
///
/// `key_len` is the Key Length attribute in bits. Ciphers of one key length have none in IKEv2, so
/// one that was sent for them is dropped; AES without one stays without, for RFC 3602 section 5.3
/// wants it sent.
pub fn encryption_as_v2(id: u16, key_len: Option<u16>) -> Option<(u16, Option<u16>)> {
    match EncryptionV1(id) {
        EncryptionV1::DES_CBC => Some((2, None)),
        EncryptionV1::TRIPLE_DES_CBC => Some((3, None)),
        EncryptionV1::RC5_R16_B64_CBC => Some((4, key_len)),
        EncryptionV1::IDEA_CBC => Some((5, None)),
        EncryptionV1::CAST_CBC => Some((6, key_len)),
        EncryptionV1::BLOWFISH_CBC => Some((7, key_len)),
        EncryptionV1::AES_CBC => Some((12, key_len)),
        EncryptionV1::CAMELLIA_CBC => Some((23, key_len)),
        _ => None,
    }
}

/// An ESP cipher of phase 2 in the numbers of IKEv2: the ENCR transform.
pub fn esp_as_v2(id: u8) -> Option<u16> {
    match EspTransform(id) {
        // RFC 4306 took these over as they were.
        EspTransform(1..=9 | 11..=16 | 18..=20) => Some(u16::from(id)),
        EspTransform::ESP_CAMELLIA => Some(23),
        EspTransform::ESP_NULL_AUTH_AES_GMAC => Some(21),
        _ => None,
    }
}

/// The HMAC of a phase 1 hash in the numbers of IKEv2: the PRF transform.
pub fn prf_as_v2(hash: u16) -> Option<u16> {
    match HashV1(hash) {
        HashV1::MD5 => Some(1),
        HashV1::SHA => Some(2),
        HashV1::TIGER => Some(3),
        HashV1::SHA2_256 => Some(5),
        HashV1::SHA2_384 => Some(6),
        HashV1::SHA2_512 => Some(7),
        _ => None,
    }
}

/// A phase 2 authentication algorithm in the numbers of IKEv2: the INTEG transform.
pub fn integrity_as_v2(id: u16) -> Option<u16> {
    match AuthenticationAlgorithm(id) {
        AuthenticationAlgorithm::HMAC_MD5 => Some(1),
        AuthenticationAlgorithm::HMAC_SHA => Some(2),
        AuthenticationAlgorithm::DES_MAC => Some(3),
        AuthenticationAlgorithm::KPDK => Some(4),
        AuthenticationAlgorithm::AES_XCBC_MAC => Some(5),
        AuthenticationAlgorithm::AES_128_GMAC => Some(9),
        AuthenticationAlgorithm::AES_192_GMAC => Some(10),
        AuthenticationAlgorithm::AES_256_GMAC => Some(11),
        AuthenticationAlgorithm::HMAC_SHA2_256 => Some(12),
        AuthenticationAlgorithm::HMAC_SHA2_384 => Some(13),
        AuthenticationAlgorithm::HMAC_SHA2_512 => Some(14),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_two_attributes_in_two_phases() {
        assert_eq!(attribute_name(Phase::One, 3), Some("Authentication Method"));
        assert_eq!(attribute_name(Phase::Two, 3), Some("Group Description"));
        assert_eq!(attribute_name(Phase::Two, 99), None);
    }

    #[test]
    fn values_are_named_by_their_attribute() {
        let one = |kind, value| attribute_value_name(Phase::One, kind, value);
        let two = |kind, value| attribute_value_name(Phase::Two, kind, value);
        assert_eq!(one(1, 7), Some("AES-CBC"));
        assert_eq!(one(2, 2), Some("SHA"));
        assert_eq!(one(3, 65001), Some("XAUTHInitPreShared"));
        assert_eq!(one(4, 14), Some("2048-bit MODP group"));
        assert_eq!(one(11, 1), Some("seconds"));
        assert_eq!(one(14, 256), None);
        assert_eq!(two(1, 2), Some("kilobytes"));
        assert_eq!(two(4, 61443), Some("UDP-Encapsulated-Tunnel (draft)"));
        assert_eq!(two(5, 5), Some("HMAC-SHA2-256"));
        assert_eq!(two(5, 0x1_0005), None);
    }

    #[test]
    fn a_transform_is_named_by_its_protocol() {
        let names = [1, 2, 3, 4, 9].map(|protocol| transform_name(SecurityProtocol(protocol), 3));
        assert_eq!(
            names,
            [
                None,
                Some("AH_SHA"),
                Some("ESP_3DES"),
                Some("IPCOMP_LZS"),
                None
            ]
        );
        assert_eq!(transform_name(SecurityProtocol::IKE, 1), Some("KEY_IKE"));
    }

    #[test]
    fn every_phase_1_cipher_and_hash_has_its_number_in_ikev2() {
        for (cipher, name, _) in EncryptionV1::NAMED {
            assert!(encryption_as_v2(cipher.0, None).is_some(), "{name}");
        }
        for (hash, name, _) in HashV1::NAMED {
            assert!(prf_as_v2(hash.0).is_some(), "{name}");
        }
        assert_eq!(encryption_as_v2(7, Some(256)), Some((12, Some(256))));
        assert_eq!(encryption_as_v2(5, Some(192)), Some((3, None)));
        assert_eq!(encryption_as_v2(65_001, Some(128)), None);
        assert_eq!(
            (esp_as_v2(12), esp_as_v2(22), esp_as_v2(10)),
            (Some(12), Some(23), None)
        );
        assert_eq!((integrity_as_v2(2), integrity_as_v2(8)), (Some(2), None));
    }
}
