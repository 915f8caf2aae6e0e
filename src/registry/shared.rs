//! Registries that IKEv1 and IKEv2 share, or whose numbers do not collide.

use super::registry;

registry! {
    /// Exchange types: IKEv1 below 34, IKEv2 from 34 on.
    pub struct ExchangeType(u8) {
        IDENTITY_PROTECTION = 2, "Identity Protection (Main Mode)", "RFC 2408 section 3.1";
        AGGRESSIVE = 4, "Aggressive", "RFC 2408 section 3.1";
        INFORMATIONAL_V1 = 5, "Informational", "RFC 2408 section 3.1";
        TRANSACTION = 6, "Transaction (Config Mode)", "draft-ietf-ipsec-isakmp-mode-cfg";
        QUICK_MODE = 32, "Quick Mode", "RFC 2409 appendix A";
        IKE_SA_INIT = 34, "IKE_SA_INIT", "RFC 7296";
        IKE_AUTH = 35, "IKE_AUTH", "RFC 7296";
        CREATE_CHILD_SA = 36, "CREATE_CHILD_SA", "RFC 7296";
        INFORMATIONAL = 37, "INFORMATIONAL", "RFC 7296";
        IKE_INTERMEDIATE = 43, "IKE_INTERMEDIATE", "RFC 9242";
        IKE_FOLLOWUP_KE = 44, "IKE_FOLLOWUP_KE", "RFC 9370";
    }
}

registry! {
    /// Payload types of both versions; their numbers do not collide.
    pub struct PayloadType(u8) {
        NONE = 0, "No Next Payload", "RFC 7296";
        SA_V1 = 1, "Security Association", "RFC 2408";
        PROPOSAL_V1 = 2, "Proposal", "RFC 2408";
        TRANSFORM_V1 = 3, "Transform", "RFC 2408";
        KE_V1 = 4, "Key Exchange", "RFC 2408";
        ID_V1 = 5, "Identification", "RFC 2408";
        CERT_V1 = 6, "Certificate", "RFC 2408";
        CERTREQ_V1 = 7, "Certificate Request", "RFC 2408";
        HASH_V1 = 8, "Hash", "RFC 2408";
        SIG_V1 = 9, "Signature", "RFC 2408";
        NONCE_V1 = 10, "Nonce", "RFC 2408";
        NOTIFY_V1 = 11, "Notification", "RFC 2408";
        DELETE_V1 = 12, "Delete", "RFC 2408";
        VENDOR_ID_V1 = 13, "Vendor ID", "RFC 2408";
        ATTRIBUTES_V1 = 14, "Attributes", "draft-ietf-ipsec-isakmp-mode-cfg";
        NAT_D_V1 = 20, "NAT Discovery", "RFC 3947";
        NAT_OA_V1 = 21, "NAT Original Address", "RFC 3947";
        NAT_D_DRAFT_V1 = 130, "NAT Discovery", "draft-ietf-ipsec-nat-t-ike";
        NAT_OA_DRAFT_V1 = 131, "NAT Original Address", "draft-ietf-ipsec-nat-t-ike";
        FRAGMENT_V1 = 132, "Fragment", "MS-IKEE";
        SA = 33, "Security Association", "RFC 7296";
        KE = 34, "Key Exchange", "RFC 7296";
        NONCE = 40, "Nonce", "RFC 7296";
        NOTIFY = 41, "Notify", "RFC 7296";
        VENDOR_ID = 43, "Vendor ID", "RFC 7296";
        SK = 46, "Encrypted and Authenticated", "RFC 7296";
        SKF = 53, "Encrypted and Authenticated Fragment", "RFC 7383";
    }
}

impl PayloadType {
    /// Stub.
    pub fn notation(self) -> Option<&'static str> {
        match self {
            Self::SA | Self::SA_V1 => Some("SA"),
            Self::KE | Self::KE_V1 => Some("KE"),
            _ => None,
        }
    }
}

registry! {
    /// Forms of an identity.
    pub struct IdType(u8) {
        ID_IPV4_ADDR = 1, "ID_IPV4_ADDR", "RFC 7296";
        ID_IPV6_ADDR = 5, "ID_IPV6_ADDR", "RFC 7296";
    }
}

registry! {
    /// Encodings of a certificate.
    pub struct CertificateEncoding(u8) {
        X509_SIGNATURE = 4, "X.509 Certificate - Signature", "RFC 7296";
    }
}

registry! {
    /// EAP methods.
    pub struct EapType(u8) {
        IDENTITY = 1, "Identity", "RFC 3748";
    }
}

registry! {
    /// Security protocol identifiers: IKEv1 "IPSEC Security Protocol Identifiers", IKEv2 the same.
    pub struct SecurityProtocol(u8) {
        IKE = 1, "IKE", "RFC 7296";
        AH = 2, "AH", "RFC 7296";
        ESP = 3, "ESP", "RFC 7296";
    }
}

registry! {
    /// Protocols over IP that selectors and identities name.
    pub struct IpProtocol(u8) {
        ICMP = 1, "ICMP", "RFC 792";
        IGMP = 2, "IGMP", "RFC 1112";
        IPV4 = 4, "IPv4", "RFC 2003";
        TCP = 6, "TCP", "RFC 9293";
        UDP = 17, "UDP", "RFC 768";
        IPV6 = 41, "IPv6", "RFC 2473";
        GRE = 47, "GRE", "RFC 2784";
        ESP = 50, "ESP", "RFC 4303";
        AH = 51, "AH", "RFC 4302";
        IPV6_ICMP = 58, "IPv6-ICMP", "RFC 8200";
        EIGRP = 88, "EIGRP", "RFC 7868";
        OSPF = 89, "OSPFIGP", "RFC 2328";
        PIM = 103, "PIM", "RFC 7761";
        IPCOMP = 108, "IPComp", "RFC 3173";
        VRRP = 112, "VRRP", "RFC 9568";
        L2TP = 115, "L2TP", "RFC 3931";
        SCTP = 132, "SCTP", "RFC 9260";
        MOBILITY_HEADER = 135, "Mobility Header", "RFC 6275";
        UDP_LITE = 136, "UDPLite", "RFC 3828";
    }
}
