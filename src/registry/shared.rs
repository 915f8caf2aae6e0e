//! Registries that IKEv1 and IKEv2 share, or whose numbers do not collide.
//!
//! Where the versions do collide, the main name is that of IKEv2 and `name_v1` gives the other.

use super::ikev1::ProtocolV1;
use super::registry;
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};

registry! {
    /// Exchange types: IKEv1 below 34, IKEv2 from 34 on.
    ///
    /// GDOI (RFC 6407) reuses 32 and 33 for GROUPKEY-PULL and GROUPKEY-PUSH on port 848.
    pub struct ExchangeType(u8) {
        NONE = 0, "NONE", "RFC 2408 section 3.1";
        BASE = 1, "Base", "RFC 2408 section 3.1";
        IDENTITY_PROTECTION = 2, "Identity Protection (Main Mode)", "RFC 2408 section 3.1";
        AUTHENTICATION_ONLY = 3, "Authentication Only", "RFC 2408 section 3.1";
        AGGRESSIVE = 4, "Aggressive", "RFC 2408 section 3.1";
        INFORMATIONAL_V1 = 5, "Informational", "RFC 2408 section 3.1";
        TRANSACTION = 6, "Transaction (Config Mode)", "draft-ietf-ipsec-isakmp-mode-cfg";
        QUICK_MODE = 32, "Quick Mode", "RFC 2409 appendix A";
        NEW_GROUP_MODE = 33, "New Group Mode", "RFC 2409 appendix A";
        IKE_SA_INIT = 34, "IKE_SA_INIT", "RFC 7296";
        IKE_AUTH = 35, "IKE_AUTH", "RFC 7296";
        CREATE_CHILD_SA = 36, "CREATE_CHILD_SA", "RFC 7296";
        INFORMATIONAL = 37, "INFORMATIONAL", "RFC 7296";
        IKE_SESSION_RESUME = 38, "IKE_SESSION_RESUME", "RFC 5723";
        GSA_AUTH = 39, "GSA_AUTH", "RFC 9838";
        GSA_REGISTRATION = 40, "GSA_REGISTRATION", "RFC 9838";
        GSA_REKEY = 41, "GSA_REKEY", "RFC 9838";
        GSA_INBAND_REKEY = 42, "GSA_INBAND_REKEY", "RFC 9838";
        IKE_INTERMEDIATE = 43, "IKE_INTERMEDIATE", "RFC 9242";
        IKE_FOLLOWUP_KE = 44, "IKE_FOLLOWUP_KE", "RFC 9370";
    }
}

registry! {
    /// Payload types of both versions; their numbers do not collide.
    ///
    /// Old NAT-T drafts used 15 for NAT-D, before GDOI was given it.
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
        SAK_V1 = 15, "SA KEK Payload", "RFC 6407";
        SAT_V1 = 16, "SA TEK Payload", "RFC 6407";
        KD_V1 = 17, "Key Download", "RFC 6407";
        SEQ_V1 = 18, "Sequence Number", "RFC 6407";
        POP_V1 = 19, "Proof of Possession", "RFC 3547";
        NAT_D_V1 = 20, "NAT Discovery", "RFC 3947";
        NAT_OA_V1 = 21, "NAT Original Address", "RFC 3947";
        GAP_V1 = 22, "Group Associated Policy", "RFC 6407";
        SA = 33, "Security Association", "RFC 7296";
        KE = 34, "Key Exchange", "RFC 7296";
        IDI = 35, "Identification - Initiator", "RFC 7296";
        IDR = 36, "Identification - Responder", "RFC 7296";
        CERT = 37, "Certificate", "RFC 7296";
        CERTREQ = 38, "Certificate Request", "RFC 7296";
        AUTH = 39, "Authentication", "RFC 7296";
        NONCE = 40, "Nonce", "RFC 7296";
        NOTIFY = 41, "Notify", "RFC 7296";
        DELETE = 42, "Delete", "RFC 7296";
        VENDOR_ID = 43, "Vendor ID", "RFC 7296";
        TSI = 44, "Traffic Selector - Initiator", "RFC 7296";
        TSR = 45, "Traffic Selector - Responder", "RFC 7296";
        SK = 46, "Encrypted and Authenticated", "RFC 7296";
        CP = 47, "Configuration", "RFC 7296";
        EAP = 48, "Extensible Authentication", "RFC 7296";
        GSPM = 49, "Generic Secure Password Method", "RFC 6467";
        IDG = 50, "Group Identification", "RFC 9838";
        GSA = 51, "Group Security Association", "RFC 9838";
        KD = 52, "Key Download", "RFC 9838";
        SKF = 53, "Encrypted and Authenticated Fragment", "RFC 7383";
        PS = 54, "Puzzle Solution", "RFC 8019";
        NAT_D_DRAFT_V1 = 130, "NAT Discovery (draft)", "draft-ietf-ipsec-nat-t-ike-03";
        NAT_OA_DRAFT_V1 = 131, "NAT Original Address (draft)", "draft-ietf-ipsec-nat-t-ike-03";
        FRAGMENT_V1 = 132, "Fragment", "[MS-IKEE] section 2.2.3.1";
    }
}

impl PayloadType {
    /// The short notation of the RFCs, as it stands in their message diagrams and in the paths of
    /// faults: `SA`, `KE`, `TSi`. `None` where the RFCs give none.
    pub fn notation(self) -> Option<&'static str> {
        let notation = match self {
            Self::SA | Self::SA_V1 => "SA",
            Self::PROPOSAL_V1 => "P",
            Self::TRANSFORM_V1 => "T",
            Self::KE | Self::KE_V1 => "KE",
            Self::ID_V1 => "ID",
            Self::IDI => "IDi",
            Self::IDR => "IDr",
            Self::CERT | Self::CERT_V1 => "CERT",
            Self::CERTREQ => "CERTREQ",
            Self::CERTREQ_V1 => "CR",
            Self::HASH_V1 => "HASH",
            Self::SIG_V1 => "SIG",
            Self::AUTH => "AUTH",
            Self::NONCE | Self::NONCE_V1 => "NONCE",
            Self::NOTIFY | Self::NOTIFY_V1 => "N",
            Self::DELETE | Self::DELETE_V1 => "D",
            Self::VENDOR_ID => "V",
            Self::VENDOR_ID_V1 => "VID",
            Self::ATTRIBUTES_V1 => "ATTR",
            Self::SAK_V1 => "SAK",
            Self::SAT_V1 => "SAT",
            Self::KD | Self::KD_V1 => "KD",
            Self::SEQ_V1 => "SEQ",
            Self::POP_V1 => "POP",
            Self::NAT_D_V1 | Self::NAT_D_DRAFT_V1 => "NAT-D",
            Self::NAT_OA_V1 | Self::NAT_OA_DRAFT_V1 => "NAT-OA",
            Self::GAP_V1 => "GAP",
            Self::TSI => "TSi",
            Self::TSR => "TSr",
            Self::SK => "SK",
            Self::CP => "CP",
            Self::EAP => "EAP",
            Self::GSPM => "GSPM",
            Self::IDG => "IDg",
            Self::GSA => "GSA",
            Self::SKF => "SKF",
            Self::PS => "PS",
            Self::FRAGMENT_V1 => "FRAG",
            _ => return None,
        };
        Some(notation)
    }
}

registry! {
    /// Forms of an identity.
    pub struct IdType(u8) {
        ID_IPV4_ADDR = 1, "ID_IPV4_ADDR", "RFC 7296";
        ID_FQDN = 2, "ID_FQDN", "RFC 7296";
        ID_RFC822_ADDR = 3, "ID_RFC822_ADDR", "RFC 7296";
        ID_IPV4_ADDR_SUBNET = 4, "ID_IPV4_ADDR_SUBNET", "RFC 2407 section 4.6.2";
        ID_IPV6_ADDR = 5, "ID_IPV6_ADDR", "RFC 7296";
        ID_IPV6_ADDR_SUBNET = 6, "ID_IPV6_ADDR_SUBNET", "RFC 2407 section 4.6.2";
        ID_IPV4_ADDR_RANGE = 7, "ID_IPV4_ADDR_RANGE", "RFC 2407 section 4.6.2";
        ID_IPV6_ADDR_RANGE = 8, "ID_IPV6_ADDR_RANGE", "RFC 2407 section 4.6.2";
        ID_DER_ASN1_DN = 9, "ID_DER_ASN1_DN", "RFC 7296";
        ID_DER_ASN1_GN = 10, "ID_DER_ASN1_GN", "RFC 7296";
        ID_KEY_ID = 11, "ID_KEY_ID", "RFC 7296";
        ID_FC_NAME = 12, "ID_FC_NAME", "RFC 4595";
        ID_NULL = 13, "ID_NULL", "RFC 7619";
    }
}

impl IdType {
    /// The name in IKEv1, which differs for three numbers (RFC 2407 section 4.6.2.1, RFC 3554,
    /// RFC 8052).
    pub fn name_v1(self) -> Option<&'static str> {
        match self {
            Self::ID_RFC822_ADDR => Some("ID_USER_FQDN"),
            Self::ID_FC_NAME => Some("ID_LIST"),
            // RFC 8052 section 2.1, known from one source only; see docs/registries.md.
            Self::ID_NULL => Some("ID_OID"),
            _ => self.name(),
        }
    }
}

registry! {
    /// Encodings of a certificate.
    pub struct CertificateEncoding(u8) {
        PKCS7_X509 = 1, "PKCS #7 wrapped X.509 certificate", "RFC 7296";
        PGP = 2, "PGP Certificate", "RFC 7296";
        DNS_SIGNED_KEY = 3, "DNS Signed Key", "RFC 7296";
        X509_SIGNATURE = 4, "X.509 Certificate - Signature", "RFC 7296";
        X509_KEY_EXCHANGE = 5, "X.509 Certificate - Key Exchange", "RFC 2408 section 3.9";
        KERBEROS_TOKEN = 6, "Kerberos Token", "RFC 7296";
        CRL = 7, "Certificate Revocation List (CRL)", "RFC 7296";
        ARL = 8, "Authority Revocation List (ARL)", "RFC 7296";
        SPKI = 9, "SPKI Certificate", "RFC 7296";
        X509_ATTRIBUTE = 10, "X.509 Certificate - Attribute", "RFC 7296";
        RAW_RSA_KEY = 11, "Raw RSA Key (DEPRECATED)", "RFC 7670";
        HASH_AND_URL_X509 = 12, "Hash and URL of X.509 certificate", "RFC 7296";
        HASH_AND_URL_BUNDLE = 13, "Hash and URL of X.509 bundle", "RFC 7296";
        OCSP_CONTENT = 14, "OCSP Content", "RFC 4806";
        RAW_PUBLIC_KEY = 15, "Raw Public Key", "RFC 7670";
    }
}

registry! {
    /// EAP methods. Number 56 is known from one source only; see `docs/registries.md`.
    pub struct EapType(u8) {
        IDENTITY = 1, "Identity", "RFC 3748";
        NOTIFICATION = 2, "Notification", "RFC 3748";
        LEGACY_NAK = 3, "Legacy Nak", "RFC 3748";
        MD5_CHALLENGE = 4, "MD5-Challenge", "RFC 3748";
        OTP = 5, "One-Time Password (OTP)", "RFC 3748";
        GTC = 6, "Generic Token Card (GTC)", "RFC 3748";
        RSA_PUBLIC_KEY = 9, "RSA Public Key Authentication", "IANA";
        DSS_UNILATERAL = 10, "DSS Unilateral", "IANA";
        KEA = 11, "KEA", "IANA";
        KEA_VALIDATE = 12, "KEA-VALIDATE", "IANA";
        EAP_TLS = 13, "EAP-TLS", "RFC 5216";
        DEFENDER_TOKEN = 14, "Defender Token (AXENT)", "IANA";
        SECURID = 15, "RSA Security SecurID EAP", "IANA";
        ARCOT = 16, "Arcot Systems EAP", "IANA";
        CISCO_WIRELESS = 17, "EAP-Cisco Wireless", "IANA";
        EAP_SIM = 18, "GSM Subscriber Identity Modules (EAP-SIM)", "RFC 4186";
        SRP_SHA1 = 19, "SRP-SHA1", "IANA";
        EAP_TTLS = 21, "EAP-TTLS", "RFC 5281";
        REMOTE_ACCESS_SERVICE = 22, "Remote Access Service", "IANA";
        EAP_AKA = 23, "EAP-AKA Authentication", "RFC 4187";
        EAP_3COM_WIRELESS = 24, "EAP-3Com Wireless", "IANA";
        PEAP = 25, "PEAP", "[MS-PEAP]";
        MS_EAP_AUTHENTICATION = 26, "MS-EAP-Authentication", "IANA";
        MAKE = 27, "Mutual Authentication w/Key Exchange (MAKE)", "IANA";
        CRYPTOCARD = 28, "CRYPTOCard", "IANA";
        EAP_MSCHAP_V2 = 29, "EAP-MSCHAP-V2", "draft-kamath-pppext-eap-mschapv2";
        DYNAMID = 30, "DynamID", "IANA";
        ROB_EAP = 31, "Rob EAP", "IANA";
        PROTECTED_OTP = 32, "Protected One-Time Password", "RFC 4793";
        MS_AUTHENTICATION_TLV = 33, "MS-Authentication-TLV", "IANA";
        SENTRINET = 34, "SentriNET", "IANA";
        ACTIONTEC_WIRELESS = 35, "EAP-Actiontec Wireless", "IANA";
        COGENT = 36, "Cogent Systems Biometrics Authentication EAP", "IANA";
        AIRFORTRESS = 37, "AirFortress EAP", "IANA";
        HTTP_DIGEST = 38, "EAP-HTTP Digest", "IANA";
        SECURESUITE = 39, "SecureSuite EAP", "IANA";
        DEVICECONNECT = 40, "DeviceConnect EAP", "IANA";
        EAP_SPEKE = 41, "EAP-SPEKE", "IANA";
        EAP_MOBAC = 42, "EAP-MOBAC", "IANA";
        EAP_FAST = 43, "EAP-FAST", "RFC 4851";
        ZLXEAP = 44, "ZoneLabs EAP (ZLXEAP)", "IANA";
        EAP_LINK = 45, "EAP-Link", "IANA";
        EAP_PAX = 46, "EAP-PAX", "RFC 4746";
        EAP_PSK = 47, "EAP-PSK", "RFC 4764";
        EAP_SAKE = 48, "EAP-SAKE", "RFC 4763";
        EAP_IKEV2 = 49, "EAP-IKEv2", "RFC 5106";
        EAP_AKA_PRIME = 50, "EAP-AKA'", "RFC 9048";
        EAP_GPSK = 51, "EAP-GPSK", "RFC 5433";
        EAP_PWD = 52, "EAP-pwd", "RFC 5931";
        EAP_EKE = 53, "EAP-EKE Version 1", "RFC 6124";
        PT_EAP = 54, "EAP Method Type for PT-EAP", "RFC 7171";
        TEAP = 55, "TEAP", "RFC 9930";
        EAP_NOOB = 56, "EAP-NOOB", "RFC 9140";
        EXPANDED = 254, "Expanded Type", "RFC 3748";
        EXPERIMENTAL = 255, "Experimental", "RFC 3748";
    }
}

registry! {
    /// Security protocol identifiers of IKEv2; IKEv1 agrees on 1 to 3, its own are [`ProtocolV1`].
    pub struct SecurityProtocol(u8) {
        IKE = 1, "IKE", "RFC 7296";
        AH = 2, "AH", "RFC 7296";
        ESP = 3, "ESP", "RFC 7296";
        FC_ESP_HEADER = 4, "FC_ESP_HEADER", "RFC 4595";
        FC_CT_AUTHENTICATION = 5, "FC_CT_AUTHENTICATION", "RFC 4595";
        GIKE_UPDATE = 6, "GIKE_UPDATE", "RFC 9838";
    }
}

impl SecurityProtocol {
    /// The name in IKEv1, where the numbers from 4 on differ.
    pub fn name_v1(self) -> Option<&'static str> {
        ProtocolV1(self.0).name()
    }

    /// The name in IKEv1 without what all names begin with, or the number: `ISAKMP`, `ESP`.
    pub fn notation_v1(self) -> String {
        match self.name_v1() {
            Some(name) => name
                .trim_start_matches("PROTO_")
                .trim_start_matches("IPSEC_")
                .to_owned(),
            None => self.0.to_string(),
        }
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
