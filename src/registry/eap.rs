//! Numbers inside EAP methods. The methods themselves are [`EapType`](super::EapType).

use super::registry;

registry! {
    /// What an EAP-MSCHAP-V2 packet is.
    pub struct MschapOpcode(u8) {
        CHALLENGE = 1, "Challenge", "draft-kamath-pppext-eap-mschapv2 section 2";
        RESPONSE = 2, "Response", "draft-kamath-pppext-eap-mschapv2 section 2";
        SUCCESS = 3, "Success", "draft-kamath-pppext-eap-mschapv2 section 2";
        FAILURE = 4, "Failure", "draft-kamath-pppext-eap-mschapv2 section 2";
        CHANGE_PASSWORD = 7, "Change-Password", "draft-kamath-pppext-eap-mschapv2 section 2";
    }
}

registry! {
    /// What an EAP-SIM, EAP-AKA or EAP-AKA' packet is: one registry for the three.
    pub struct AkaSubtype(u8) {
        AKA_CHALLENGE = 1, "AKA-Challenge", "RFC 4187 section 11";
        AKA_AUTHENTICATION_REJECT = 2, "AKA-Authentication-Reject", "RFC 4187 section 11";
        AKA_SYNCHRONIZATION_FAILURE = 4, "AKA-Synchronization-Failure", "RFC 4187 section 11";
        AKA_IDENTITY = 5, "AKA-Identity", "RFC 4187 section 11";
        SIM_START = 10, "SIM-Start", "RFC 4186 section 11";
        SIM_CHALLENGE = 11, "SIM-Challenge", "RFC 4186 section 11";
        NOTIFICATION = 12, "Notification", "RFC 4186 section 11";
        REAUTHENTICATION = 13, "Re-authentication", "RFC 4186 section 11";
        CLIENT_ERROR = 14, "Client-Error", "RFC 4186 section 11";
    }
}

registry! {
    /// Attributes of EAP-SIM, EAP-AKA and EAP-AKA'. A receiver may skip those from 128 on.
    pub struct AkaAttribute(u8) {
        AT_RAND = 1, "AT_RAND", "RFC 4186";
        AT_AUTN = 2, "AT_AUTN", "RFC 4187";
        AT_RES = 3, "AT_RES", "RFC 4187";
        AT_AUTS = 4, "AT_AUTS", "RFC 4187";
        AT_PADDING = 6, "AT_PADDING", "RFC 4186";
        AT_NONCE_MT = 7, "AT_NONCE_MT", "RFC 4186";
        AT_PERMANENT_ID_REQ = 10, "AT_PERMANENT_ID_REQ", "RFC 4186";
        AT_MAC = 11, "AT_MAC", "RFC 4186";
        AT_NOTIFICATION = 12, "AT_NOTIFICATION", "RFC 4186";
        AT_ANY_ID_REQ = 13, "AT_ANY_ID_REQ", "RFC 4186";
        AT_IDENTITY = 14, "AT_IDENTITY", "RFC 4186";
        AT_VERSION_LIST = 15, "AT_VERSION_LIST", "RFC 4186";
        AT_SELECTED_VERSION = 16, "AT_SELECTED_VERSION", "RFC 4186";
        AT_FULLAUTH_ID_REQ = 17, "AT_FULLAUTH_ID_REQ", "RFC 4186";
        AT_COUNTER = 19, "AT_COUNTER", "RFC 4186";
        AT_COUNTER_TOO_SMALL = 20, "AT_COUNTER_TOO_SMALL", "RFC 4186";
        AT_NONCE_S = 21, "AT_NONCE_S", "RFC 4186";
        AT_CLIENT_ERROR_CODE = 22, "AT_CLIENT_ERROR_CODE", "RFC 4186";
        AT_KDF_INPUT = 23, "AT_KDF_INPUT", "RFC 9048";
        AT_KDF = 24, "AT_KDF", "RFC 9048";
        AT_IV = 129, "AT_IV", "RFC 4186";
        AT_ENCR_DATA = 130, "AT_ENCR_DATA", "RFC 4186";
        AT_NEXT_PSEUDONYM = 132, "AT_NEXT_PSEUDONYM", "RFC 4186";
        AT_NEXT_REAUTH_ID = 133, "AT_NEXT_REAUTH_ID", "RFC 4186";
        AT_CHECKCODE = 134, "AT_CHECKCODE", "RFC 4187";
        AT_RESULT_IND = 135, "AT_RESULT_IND", "RFC 4186";
        AT_BIDDING = 136, "AT_BIDDING", "RFC 9048";
    }
}
