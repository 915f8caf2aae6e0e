//! The table of products.

use super::spelling::{Form, Groups, Part, Spelling, Words};
use super::{Product, Setting, Settings};
use Part::{Cipher, Group, Hash, Integrity, OtherPrf, Prf, PrfOfAead, Seal};
use Setting::{Both, Unknown};

/// The name of strongSwan.
pub const STRONGSWAN: &str = "strongSwan";

/// In another place for each version.
const fn each(v1: &'static str, v2: &'static str) -> Setting {
    Setting::Each {
        v1: Some(v1),
        v2: Some(v2),
    }
}

/// IKEv2 alone has it.
const fn v2(place: &'static str) -> Setting {
    Setting::Each {
        v1: None,
        v2: Some(place),
    }
}

const fn form(parts: &'static [(&'static str, Part)], words: Words) -> Option<Form> {
    Some(Form { parts, words })
}

/// Every product: open ones, vendors of devices, clouds.
#[rustfmt::skip] // One setting, one line.
pub const PRODUCTS: &[Product] = &[
    // swanctl.conf(5), strongswan.conf(5); the words in proposal_keywords_static.txt.
    Product {
        name: STRONGSWAN,
        ids: &["strongSwan"],
        settings: Settings {
            ike_proposal: Both("connections.<conn>.proposals"),
            child_proposal: Both("children.<child>.esp_proposals"),
            pfs_group: Both("children.<child>.esp_proposals"),
            ike_version: Both("connections.<conn>.version"),
            selectors: Both("children.<child>.local_ts, remote_ts"),
            identity: Both("connections.<conn>.local.id, remote.id"),
            pre_shared_key: Both("secrets.ike<suffix>.secret, id"),
            dpd: each(
                "connections.<conn>.dpd_delay, dpd_timeout; children.<child>.dpd_action",
                "connections.<conn>.dpd_delay; children.<child>.dpd_action; charon.retransmit_timeout, retransmit_base, retransmit_tries",
            ),
            ike_lifetime: Both("connections.<conn>.rekey_time, reauth_time, over_time"),
            child_lifetime: Both("children.<child>.rekey_time, life_time, rekey_bytes, life_bytes"),
            nat_traversal: Both("connections.<conn>.encap; charon.keep_alive"),
            mtu: Both("charon.plugins.kernel-netlink.mss, mtu"),
            fragmentation: Both("connections.<conn>.fragmentation; charon.fragment_size"),
            replay_window: Both("children.<child>.replay_window"),
            sha2_truncation: Both("children.<child>.sha256_96"),
        },
        spelling: Spelling {
            ike_v1: form(&[("connections.<conn>.proposals = ", Cipher), ("-", Hash), ("-", Group)], STRONGSWAN_WORDS),
            ike_v2: form(&[("connections.<conn>.proposals = ", Cipher), ("-", Integrity), ("-", OtherPrf), ("-", Group)], STRONGSWAN_WORDS),
            child_v1: form(&[("children.<child>.esp_proposals = ", Cipher), ("-", Integrity), ("-", Group)], STRONGSWAN_WORDS),
            child_v2: form(&[("children.<child>.esp_proposals = ", Cipher), ("-", Integrity), ("-", Group)], STRONGSWAN_WORDS),
            pfs: form(&[("children.<child>.esp_proposals = ...-", Group)], STRONGSWAN_WORDS),
        },
    },
    // ipsec.conf(5), ipsec.secrets(5); the words in the tests of algparse.
    Product {
        name: "libreswan",
        ids: &["Libreswan"],
        settings: Settings {
            ike_proposal: Both("ike="),
            child_proposal: Both("esp="),
            pfs_group: Both("pfs=, esp="),
            ike_version: Both("ikev2=, keyexchange="),
            selectors: Both("leftsubnet=, rightsubnet=, leftsubnets=, rightsubnets="),
            identity: Both("leftid=, rightid="),
            pre_shared_key: Both("ipsec.secrets"),
            dpd: each("dpddelay=, dpdtimeout=", "dpddelay=, retransmit-timeout="),
            ike_lifetime: Both("ikelifetime=, rekeymargin="),
            child_lifetime: Both("salifetime=, rekeymargin=, ipsec-max-bytes="),
            nat_traversal: Both("encapsulation=, nat-keepalive="),
            mtu: Both("mtu="),
            fragmentation: Both("fragmentation="),
            replay_window: Both("replay-window="),
            sha2_truncation: Both("sha2-truncbug="),
        },
        spelling: Spelling {
            ike_v1: form(&[("ike=", Cipher), ("-", Hash), (";dh", Group)], LIBRESWAN_WORDS),
            ike_v2: form(&[("ike=", Cipher), ("-", Hash), (";dh", Group)], LIBRESWAN_WORDS),
            child_v1: form(&[("esp=", Cipher), ("-", Integrity), (";dh", Group)], LIBRESWAN_WORDS),
            child_v2: form(&[("esp=", Cipher), ("-", Integrity), (";dh", Group)], LIBRESWAN_WORDS),
            pfs: form(&[("pfs=yes, esp=...;dh", Group)], LIBRESWAN_WORDS),
        },
    },
    // The security command reference of IOS.
    Product {
        name: "Cisco IOS",
        ids: &["Cisco IOS", "Cisco FlexVPN", "Cisco dynamic route", "Cisco delete reason", "Cisco VPN 3000 or ASA"],
        settings: Settings {
            ike_proposal: each("crypto isakmp policy", "crypto ikev2 proposal"),
            child_proposal: Both("crypto ipsec transform-set"),
            pfs_group: Both("crypto map, crypto ipsec profile: set pfs"),
            ike_version: Both("crypto map, crypto ipsec profile: set ikev2-profile"),
            selectors: Both("crypto map: match address"),
            identity: each("crypto isakmp identity; crypto isakmp profile: match identity", "crypto ikev2 profile: identity local, match identity remote"),
            pre_shared_key: each("crypto isakmp key", "crypto ikev2 keyring: pre-shared-key"),
            dpd: each("crypto isakmp keepalive", "crypto ikev2 profile: dpd"),
            ike_lifetime: each("crypto isakmp policy: lifetime", "crypto ikev2 profile: lifetime"),
            child_lifetime: Both("crypto map, crypto ipsec profile: set security-association lifetime"),
            nat_traversal: each("crypto ipsec nat-transparency udp-encaps; crypto isakmp nat keepalive", "crypto ipsec nat-transparency udp-encaps; crypto ikev2 nat keepalive"),
            mtu: Both("interface: ip tcp adjust-mss, ip mtu"),
            fragmentation: v2("crypto ikev2 fragmentation"),
            replay_window: Both("crypto ipsec security-association replay window-size"),
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("crypto isakmp policy: encryption ", Cipher), (", hash ", Hash), (", group ", Group)], IOS_V1_WORDS),
            ike_v2: form(&[("crypto ikev2 proposal: encryption ", Cipher), (", integrity ", Integrity), (", prf ", OtherPrf), (", group ", Group)], IOS_WORDS),
            child_v1: form(&[("crypto ipsec transform-set: ", Cipher), (" ", Integrity), ("; set pfs group", Group)], IOS_CHILD_WORDS),
            child_v2: form(&[("crypto ipsec transform-set: ", Cipher), (" ", Integrity), ("; set pfs group", Group)], IOS_CHILD_WORDS),
            pfs: form(&[("crypto map, crypto ipsec profile: set pfs group", Group)], IOS_CHILD_WORDS),
        },
    },
    // The command reference of ASA.
    Product {
        name: "Cisco ASA",
        ids: &["Cisco delete reason", "Cisco VPN 3000 or ASA"],
        settings: Settings {
            ike_proposal: each("crypto ikev1 policy", "crypto ikev2 policy"),
            child_proposal: each("crypto ipsec ikev1 transform-set", "crypto ipsec ikev2 ipsec-proposal"),
            pfs_group: Both("crypto map: set pfs"),
            ike_version: Both("crypto map: set ikev1 transform-set, set ikev2 ipsec-proposal; group-policy: vpn-tunnel-protocol"),
            selectors: Both("crypto map: match address"),
            identity: Both("crypto isakmp identity; tunnel-group: peer-id-validate"),
            pre_shared_key: each("tunnel-group: ikev1 pre-shared-key", "tunnel-group: ikev2 local-authentication, ikev2 remote-authentication"),
            dpd: Both("tunnel-group: isakmp keepalive"),
            ike_lifetime: each("crypto ikev1 policy: lifetime", "crypto ikev2 policy: lifetime"),
            child_lifetime: Both("crypto map: set security-association lifetime"),
            nat_traversal: Both("crypto isakmp nat-traversal"),
            mtu: Both("sysopt connection tcpmss"),
            fragmentation: Unknown,
            replay_window: Both("crypto ipsec security-association replay window-size"),
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("crypto ikev1 policy: encryption ", Cipher), (", hash ", Hash), (", group ", Group)], ASA_V1_WORDS),
            ike_v2: form(&[("crypto ikev2 policy: encryption ", Cipher), (", integrity ", Integrity), (", prf ", Prf), (", group ", Group)], ASA_WORDS),
            child_v1: form(&[("crypto ipsec ikev1 transform-set: ", Cipher), (" ", Integrity), ("; set pfs group", Group)], ASA_CHILD_V1_WORDS),
            child_v2: form(&[("crypto ipsec ikev2 ipsec-proposal: protocol esp encryption ", Cipher), (", protocol esp integrity ", Integrity), ("; set pfs group", Group)], ASA_CHILD_WORDS),
            pfs: form(&[("crypto map: set pfs group", Group)], ASA_WORDS),
        },
    },
    // The CLI reference of FortiOS.
    Product {
        name: "FortiGate",
        ids: &["FortiGate"],
        settings: Settings {
            ike_proposal: Both("phase1-interface: proposal, dhgrp"),
            child_proposal: Both("phase2-interface: proposal"),
            pfs_group: Both("phase2-interface: pfs, dhgrp"),
            ike_version: Both("phase1-interface: ike-version"),
            selectors: Both("phase2-interface: src-subnet, dst-subnet"),
            identity: Both("phase1-interface: localid, localid-type, peertype, peerid"),
            pre_shared_key: Both("phase1-interface: psksecret"),
            dpd: Both("phase1-interface: dpd, dpd-retrycount, dpd-retryinterval"),
            ike_lifetime: Both("phase1-interface: keylife"),
            child_lifetime: Both("phase2-interface: keylifeseconds, keylifekbs, keylife-type"),
            nat_traversal: Both("phase1-interface: nattraversal, keepalive"),
            mtu: Both("firewall policy: tcp-mss-sender, tcp-mss-receiver"),
            fragmentation: Both("phase1-interface: fragmentation, fragmentation-mtu"),
            replay_window: Both("phase2-interface: replay"),
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("phase1-interface: set proposal ", Cipher), ("-", Hash), (", set dhgrp ", Group)], FORTIGATE_WORDS),
            ike_v2: form(&[("phase1-interface: set proposal ", Cipher), ("-", Integrity), ("-", PrfOfAead), (", set dhgrp ", Group)], FORTIGATE_WORDS),
            child_v1: form(&[("phase2-interface: set proposal ", Cipher), ("-", Integrity), (", set pfs enable, set dhgrp ", Group)], FORTIGATE_WORDS),
            child_v2: form(&[("phase2-interface: set proposal ", Cipher), ("-", Integrity), (", set pfs enable, set dhgrp ", Group)], FORTIGATE_WORDS),
            pfs: form(&[("phase2-interface: set pfs enable, set dhgrp ", Group)], FORTIGATE_WORDS),
        },
    },
    // The command reference of USG and AR (VRP). No vendor ID of it is known for sure.
    Product {
        name: "Huawei",
        ids: &[],
        settings: Settings {
            ike_proposal: Both("ike proposal"),
            child_proposal: Both("ipsec proposal"),
            pfs_group: Both("ipsec policy: pfs"),
            ike_version: Both("ike peer: version"),
            selectors: Both("ipsec policy: security acl"),
            identity: Both("ike peer: local-id-type, remote-id-type, remote-id"),
            pre_shared_key: Both("ike peer: pre-shared-key"),
            dpd: Both("ike dpd"),
            ike_lifetime: Both("ike proposal: sa duration"),
            child_lifetime: Both("ipsec policy: sa duration"),
            nat_traversal: Both("ike peer: nat traversal; ike nat-keepalive-timer"),
            mtu: Both("firewall tcp-mss"),
            fragmentation: v2("ike peer: ikev2 fragmentation"),
            replay_window: Both("ipsec anti-replay window"),
            sha2_truncation: Both("ipsec authentication sha2 compatible enable"),
        },
        spelling: Spelling {
            ike_v1: form(&[("ike proposal: encryption-algorithm ", Cipher), (", authentication-algorithm ", Hash), (", dh group", Group)], HUAWEI_CHILD_WORDS),
            ike_v2: form(&[("ike proposal: encryption-algorithm ", Cipher), (", integrity-algorithm ", Integrity), (", prf ", Prf), (", dh group", Group)], HUAWEI_WORDS),
            child_v1: form(&[("ipsec proposal: esp encryption-algorithm ", Cipher), (", esp authentication-algorithm ", Integrity), ("; ipsec policy: pfs dh-group", Group)], HUAWEI_CHILD_WORDS),
            child_v2: form(&[("ipsec proposal: esp encryption-algorithm ", Cipher), (", esp authentication-algorithm ", Integrity), ("; ipsec policy: pfs dh-group", Group)], HUAWEI_CHILD_WORDS),
            pfs: form(&[("ipsec policy: pfs dh-group", Group)], HUAWEI_WORDS),
        },
    },
    // The command reference of Comware 7. No vendor ID of it is known for sure.
    Product {
        name: "H3C",
        ids: &[],
        settings: Settings {
            ike_proposal: each("ike proposal", "ikev2 proposal"),
            child_proposal: Both("ipsec transform-set"),
            pfs_group: Both("ipsec transform-set: pfs"),
            ike_version: Both("ipsec policy: ike-profile, ikev2-profile"),
            selectors: Both("ipsec policy: security acl"),
            identity: each("ike profile: local-identity, match remote", "ikev2 profile: identity local, match remote"),
            pre_shared_key: each("ike keychain: pre-shared-key", "ikev2 keychain: pre-shared-key"),
            dpd: each("ike profile: dpd", "ikev2 profile: dpd"),
            ike_lifetime: each("ike proposal: sa duration", "ikev2 profile: sa duration"),
            child_lifetime: Both("ipsec policy: sa duration"),
            nat_traversal: each("ike nat-keepalive", "ikev2 nat-keepalive"),
            mtu: Both("interface: tcp mss"),
            fragmentation: Unknown,
            replay_window: Both("ipsec anti-replay window"),
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("ike proposal: encryption-algorithm ", Cipher), (", authentication-algorithm ", Hash), (", dh group", Group)], H3C_V1_WORDS),
            ike_v2: form(&[("ikev2 proposal: encryption ", Cipher), (", integrity ", Integrity), (", prf ", Prf), (", dh group", Group)], H3C_WORDS),
            child_v1: form(&[("ipsec transform-set: esp encryption-algorithm ", Cipher), (", esp authentication-algorithm ", Integrity), (", pfs dh-group", Group)], H3C_WORDS),
            child_v2: form(&[("ipsec transform-set: esp encryption-algorithm ", Cipher), (", esp authentication-algorithm ", Integrity), (", pfs dh-group", Group)], H3C_WORDS),
            pfs: form(&[("ipsec transform-set: pfs dh-group", Group)], H3C_WORDS),
        },
    },
    // The CLI reference of Junos for SRX. ScreenOS, which shares a vendor ID, is configured otherwise.
    Product {
        name: "Junos",
        ids: &["Juniper Junos or ScreenOS"],
        settings: Settings {
            ike_proposal: Both("security ike proposal"),
            child_proposal: Both("security ipsec proposal"),
            pfs_group: Both("security ipsec policy: perfect-forward-secrecy"),
            ike_version: Both("security ike gateway: version"),
            selectors: Both("security ipsec vpn: traffic-selector, ike proxy-identity"),
            identity: Both("security ike gateway: local-identity, remote-identity"),
            pre_shared_key: Both("security ike policy: pre-shared-key"),
            dpd: Both("security ike gateway: dead-peer-detection"),
            ike_lifetime: Both("security ike proposal: lifetime-seconds"),
            child_lifetime: Both("security ipsec proposal: lifetime-seconds, lifetime-kilobytes"),
            nat_traversal: Both("security ike gateway: no-nat-traversal, nat-keepalive"),
            mtu: Both("security flow tcp-mss ipsec-vpn"),
            fragmentation: v2("security ike gateway: fragmentation"),
            replay_window: Both("security ipsec vpn: ike anti-replay-window-size"),
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("security ike proposal: encryption-algorithm ", Cipher), (" authentication-algorithm ", Hash), (" dh-group group", Group)], JUNOS_WORDS),
            ike_v2: form(&[("security ike proposal: encryption-algorithm ", Cipher), (" authentication-algorithm ", Integrity), (" dh-group group", Group)], JUNOS_WORDS),
            child_v1: form(&[("security ipsec proposal: encryption-algorithm ", Cipher), (" authentication-algorithm ", Integrity), ("; security ipsec policy: perfect-forward-secrecy keys group", Group)], JUNOS_CHILD_WORDS),
            child_v2: form(&[("security ipsec proposal: encryption-algorithm ", Cipher), (" authentication-algorithm ", Integrity), ("; security ipsec policy: perfect-forward-secrecy keys group", Group)], JUNOS_CHILD_WORDS),
            pfs: form(&[("security ipsec policy: perfect-forward-secrecy keys group", Group)], JUNOS_WORDS),
        },
    },
    // The configuration tree of PAN-OS. No vendor ID of it is known for sure.
    Product {
        name: "Palo Alto",
        ids: &[],
        settings: Settings {
            ike_proposal: Both("ike-crypto-profiles"),
            child_proposal: Both("ipsec-crypto-profiles"),
            pfs_group: Both("ipsec-crypto-profiles: dh-group"),
            ike_version: Both("ike gateway: protocol version"),
            selectors: Both("tunnel ipsec: auto-key proxy-id"),
            identity: Both("ike gateway: local-id, peer-id"),
            pre_shared_key: Both("ike gateway: authentication pre-shared-key"),
            dpd: each("ike gateway: protocol ikev1 dpd", "ike gateway: protocol ikev2 dpd"),
            ike_lifetime: Both("ike-crypto-profiles: lifetime"),
            child_lifetime: Both("ipsec-crypto-profiles: lifetime"),
            nat_traversal: Both("ike gateway: protocol-common nat-traversal"),
            mtu: Both("interface: mtu, adjust-tcp-mss"),
            fragmentation: v2("ike gateway: protocol-common fragmentation"),
            replay_window: Both("tunnel ipsec: anti-replay, anti-replay-window"),
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("ike-crypto-profiles: encryption ", Cipher), (" hash ", Hash), (" dh-group group", Group)], PALO_ALTO_WORDS),
            ike_v2: form(&[("ike-crypto-profiles: encryption ", Cipher), (" hash ", Integrity), (" dh-group group", Group)], PALO_ALTO_WORDS),
            child_v1: form(&[("ipsec-crypto-profiles: esp encryption ", Cipher), (" authentication ", Integrity), (", dh-group group", Group)], PALO_ALTO_CHILD_WORDS),
            child_v2: form(&[("ipsec-crypto-profiles: esp encryption ", Cipher), (" authentication ", Integrity), (", dh-group group", Group)], PALO_ALTO_CHILD_WORDS),
            pfs: form(&[("ipsec-crypto-profiles: dh-group group", Group)], PALO_ALTO_WORDS),
        },
    },
    // The menus of RouterOS. It sends no vendor ID of its own.
    Product {
        name: "MikroTik",
        ids: &[],
        settings: Settings {
            ike_proposal: Both("/ip ipsec profile"),
            child_proposal: Both("/ip ipsec proposal"),
            pfs_group: Both("/ip ipsec proposal: pfs-group"),
            ike_version: Both("/ip ipsec peer: exchange-mode"),
            selectors: Both("/ip ipsec policy: src-address, dst-address"),
            identity: Both("/ip ipsec identity: my-id, remote-id"),
            pre_shared_key: Both("/ip ipsec identity: secret"),
            dpd: Both("/ip ipsec profile: dpd-interval, dpd-maximum-failures"),
            ike_lifetime: Both("/ip ipsec profile: lifetime"),
            child_lifetime: Both("/ip ipsec proposal: lifetime"),
            nat_traversal: Both("/ip ipsec profile: nat-traversal"),
            mtu: Both("/ip firewall mangle: new-mss"),
            fragmentation: Unknown,
            replay_window: Unknown,
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("/ip ipsec profile: enc-algorithm=", Cipher), (" hash-algorithm=", Hash), (" dh-group=", Group)], MIKROTIK_WORDS),
            ike_v2: form(&[("/ip ipsec profile: enc-algorithm=", Cipher), (" hash-algorithm=", Integrity), (" dh-group=", Group)], MIKROTIK_WORDS),
            child_v1: form(&[("/ip ipsec proposal: enc-algorithms=", Cipher), (" auth-algorithms=", Integrity), (" pfs-group=", Group)], MIKROTIK_CHILD_WORDS),
            child_v2: form(&[("/ip ipsec proposal: enc-algorithms=", Cipher), (" auth-algorithms=", Integrity), (" pfs-group=", Group)], MIKROTIK_CHILD_WORDS),
            pfs: form(&[("/ip ipsec proposal: pfs-group=", Group)], MIKROTIK_WORDS),
        },
    },
    // The PowerShell module VpnClient. Azure's gateways send the vendor IDs of Windows.
    Product {
        name: "Windows",
        ids: &["Microsoft Windows"],
        settings: Settings {
            ike_proposal: Both("Set-VpnConnectionIPsecConfiguration -EncryptionMethod -IntegrityCheckMethod -DHGroup"),
            child_proposal: Both("Set-VpnConnectionIPsecConfiguration -CipherTransformConstants -AuthenticationTransformConstants"),
            pfs_group: Both("Set-VpnConnectionIPsecConfiguration -PfsGroup"),
            ike_version: Both("Set-VpnConnection -TunnelType"),
            selectors: Unknown,
            identity: Unknown,
            pre_shared_key: Unknown,
            dpd: Unknown,
            ike_lifetime: Unknown,
            child_lifetime: Unknown,
            nat_traversal: Unknown,
            mtu: Unknown,
            fragmentation: Unknown,
            replay_window: Unknown,
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("Set-VpnConnectionIPsecConfiguration -EncryptionMethod ", Cipher), (" -IntegrityCheckMethod ", Hash), (" -DHGroup ", Group)], WINDOWS_WORDS),
            ike_v2: form(&[("Set-VpnConnectionIPsecConfiguration -EncryptionMethod ", Cipher), (" -IntegrityCheckMethod ", Integrity), (" -DHGroup ", Group)], WINDOWS_WORDS),
            child_v1: form(&[("Set-VpnConnectionIPsecConfiguration -CipherTransformConstants ", Cipher), (" -AuthenticationTransformConstants ", Seal), (" -PfsGroup ", Group)], WINDOWS_CHILD_WORDS),
            child_v2: form(&[("Set-VpnConnectionIPsecConfiguration -CipherTransformConstants ", Cipher), (" -AuthenticationTransformConstants ", Seal), (" -PfsGroup ", Group)], WINDOWS_CHILD_WORDS),
            pfs: form(&[("Set-VpnConnectionIPsecConfiguration -PfsGroup ", Group)], WINDOWS_CHILD_WORDS),
        },
    },
    // The PowerShell module Az.Network.
    Product {
        name: "Azure VPN Gateway",
        ids: &["Microsoft Windows"],
        settings: Settings {
            ike_proposal: Both("New-AzIpsecPolicy -IkeEncryption -IkeIntegrity -DhGroup"),
            child_proposal: Both("New-AzIpsecPolicy -IpsecEncryption -IpsecIntegrity"),
            pfs_group: Both("New-AzIpsecPolicy -PfsGroup"),
            ike_version: Both("New-AzVirtualNetworkGatewayConnection -ConnectionProtocol"),
            selectors: Both("New-AzVirtualNetworkGatewayConnection -UsePolicyBasedTrafficSelectors"),
            identity: Unknown,
            pre_shared_key: Both("New-AzVirtualNetworkGatewayConnection -SharedKey"),
            dpd: Both("New-AzVirtualNetworkGatewayConnection -DpdTimeoutInSeconds"),
            ike_lifetime: Unknown,
            child_lifetime: Both("New-AzIpsecPolicy -SALifeTimeSeconds -SADataSizeKilobytes"),
            nat_traversal: Unknown,
            mtu: Unknown,
            fragmentation: Unknown,
            replay_window: Unknown,
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("New-AzIpsecPolicy -IkeEncryption ", Cipher), (" -IkeIntegrity ", Hash), (" -DhGroup ", Group)], AZURE_WORDS),
            ike_v2: form(&[("New-AzIpsecPolicy -IkeEncryption ", Cipher), (" -IkeIntegrity ", Integrity), (" -DhGroup ", Group)], AZURE_WORDS),
            child_v1: form(&[("New-AzIpsecPolicy -IpsecEncryption ", Cipher), (" -IpsecIntegrity ", Seal), (" -PfsGroup ", Group)], AZURE_CHILD_WORDS),
            child_v2: form(&[("New-AzIpsecPolicy -IpsecEncryption ", Cipher), (" -IpsecIntegrity ", Seal), (" -PfsGroup ", Group)], AZURE_CHILD_WORDS),
            pfs: form(&[("New-AzIpsecPolicy -PfsGroup ", Group)], AZURE_CHILD_WORDS),
        },
    },
    // The tunnel options of EC2. No vendor ID of it is known for sure.
    Product {
        name: "AWS",
        ids: &[],
        settings: Settings {
            ike_proposal: Both("Phase1EncryptionAlgorithms, Phase1IntegrityAlgorithms, Phase1DHGroupNumbers"),
            child_proposal: Both("Phase2EncryptionAlgorithms, Phase2IntegrityAlgorithms"),
            pfs_group: Both("Phase2DHGroupNumbers"),
            ike_version: Both("IKEVersions"),
            selectors: Both("LocalIpv4NetworkCidr, RemoteIpv4NetworkCidr"),
            identity: Unknown,
            pre_shared_key: Both("PreSharedKey"),
            dpd: Both("DPDTimeoutSeconds, DPDTimeoutAction"),
            ike_lifetime: Both("Phase1LifetimeSeconds"),
            child_lifetime: Both("Phase2LifetimeSeconds, RekeyMarginTimeSeconds"),
            nat_traversal: Unknown,
            mtu: Unknown,
            fragmentation: Unknown,
            replay_window: Both("ReplayWindowSize"),
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("Phase1EncryptionAlgorithms ", Cipher), (", Phase1IntegrityAlgorithms ", Hash), (", Phase1DHGroupNumbers ", Group)], AWS_WORDS),
            ike_v2: form(&[("Phase1EncryptionAlgorithms ", Cipher), (", Phase1IntegrityAlgorithms ", Integrity), (", Phase1DHGroupNumbers ", Group)], AWS_WORDS),
            child_v1: form(&[("Phase2EncryptionAlgorithms ", Cipher), (", Phase2IntegrityAlgorithms ", Integrity), (", Phase2DHGroupNumbers ", Group)], AWS_CHILD_WORDS),
            child_v2: form(&[("Phase2EncryptionAlgorithms ", Cipher), (", Phase2IntegrityAlgorithms ", Integrity), (", Phase2DHGroupNumbers ", Group)], AWS_CHILD_WORDS),
            pfs: form(&[("Phase2DHGroupNumbers ", Group)], AWS_CHILD_WORDS),
        },
    },
    // CreateVpnConnection of Alibaba Cloud. No vendor ID of it is known for sure.
    Product {
        name: "Alibaba Cloud",
        ids: &[],
        settings: Settings {
            ike_proposal: Both("IkeConfig: IkeEncAlg, IkeAuthAlg, IkePfs"),
            child_proposal: Both("IpsecConfig: IpsecEncAlg, IpsecAuthAlg"),
            pfs_group: Both("IpsecConfig: IpsecPfs"),
            ike_version: Both("IkeConfig: IkeVersion"),
            selectors: Both("LocalSubnet, RemoteSubnet"),
            identity: Both("IkeConfig: LocalId, RemoteId"),
            pre_shared_key: Both("IkeConfig: Psk"),
            dpd: Both("EnableDpd"),
            ike_lifetime: Both("IkeConfig: IkeLifetime"),
            child_lifetime: Both("IpsecConfig: IpsecLifetime"),
            nat_traversal: Both("EnableNatTraversal"),
            mtu: Unknown,
            fragmentation: Unknown,
            replay_window: Unknown,
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("IkeConfig: IkeEncAlg ", Cipher), (", IkeAuthAlg ", Hash), (", IkePfs group", Group)], ALIBABA_WORDS),
            ike_v2: form(&[("IkeConfig: IkeEncAlg ", Cipher), (", IkeAuthAlg ", Integrity), (", IkePfs group", Group)], ALIBABA_WORDS),
            child_v1: form(&[("IpsecConfig: IpsecEncAlg ", Cipher), (", IpsecAuthAlg ", Integrity), (", IpsecPfs group", Group)], ALIBABA_WORDS),
            child_v2: form(&[("IpsecConfig: IpsecEncAlg ", Cipher), (", IpsecAuthAlg ", Integrity), (", IpsecPfs group", Group)], ALIBABA_WORDS),
            pfs: form(&[("IpsecConfig: IpsecPfs group", Group)], ALIBABA_WORDS),
        },
    },
    // tencentcloud_vpn_connection, as Tencent Cloud's provider for Terraform calls it. No vendor ID of it is known for sure.
    Product {
        name: "Tencent Cloud",
        ids: &[],
        settings: Settings {
            ike_proposal: Both("ike_proto_encry_algorithm, ike_proto_authen_algorithm, ike_dh_group_name"),
            child_proposal: Both("ipsec_encrypt_algorithm, ipsec_integrity_algorithm"),
            pfs_group: Both("ipsec_pfs_dh_group"),
            ike_version: Both("ike_version"),
            selectors: Both("security_group_policy"),
            identity: Both("ike_local_identity, ike_remote_identity"),
            pre_shared_key: Both("pre_share_key"),
            dpd: Both("dpd_enable, dpd_timeout, dpd_action"),
            ike_lifetime: Both("ike_sa_lifetime_seconds"),
            child_lifetime: Both("ipsec_sa_lifetime_seconds, ipsec_sa_lifetime_traffic"),
            nat_traversal: Unknown,
            mtu: Unknown,
            fragmentation: Unknown,
            replay_window: Unknown,
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("ike_proto_encry_algorithm ", Cipher), (", ike_proto_authen_algorithm ", Hash), (", ike_dh_group_name GROUP", Group)], TENCENT_WORDS),
            ike_v2: form(&[("ike_proto_encry_algorithm ", Cipher), (", ike_proto_authen_algorithm ", Integrity), (", ike_dh_group_name GROUP", Group)], TENCENT_WORDS),
            child_v1: form(&[("ipsec_encrypt_algorithm ", Cipher), (", ipsec_integrity_algorithm ", Integrity), (", ipsec_pfs_dh_group DH-GROUP", Group)], TENCENT_CHILD_WORDS),
            child_v2: form(&[("ipsec_encrypt_algorithm ", Cipher), (", ipsec_integrity_algorithm ", Integrity), (", ipsec_pfs_dh_group DH-GROUP", Group)], TENCENT_CHILD_WORDS),
            pfs: form(&[("ipsec_pfs_dh_group DH-GROUP", Group)], TENCENT_CHILD_WORDS),
        },
    },
    // huaweicloud_vpn_connection, as Huawei Cloud's provider for Terraform calls it. No vendor ID of it is known for sure.
    Product {
        name: "Huawei Cloud",
        ids: &[],
        settings: Settings {
            ike_proposal: Both("ikepolicy: encryption_algorithm, authentication_algorithm, dh_group"),
            child_proposal: Both("ipsecpolicy: encryption_algorithm, authentication_algorithm"),
            pfs_group: Both("ipsecpolicy: pfs"),
            ike_version: Both("ikepolicy: ike_version"),
            selectors: Both("peer_subnets, policy_rules"),
            identity: Both("ikepolicy: local_id, peer_id"),
            pre_shared_key: Both("psk"),
            dpd: Unknown,
            ike_lifetime: Both("ikepolicy: lifetime_seconds"),
            child_lifetime: Both("ipsecpolicy: lifetime_seconds"),
            nat_traversal: Unknown,
            mtu: Unknown,
            fragmentation: Unknown,
            replay_window: Unknown,
            sha2_truncation: Unknown,
        },
        spelling: Spelling {
            ike_v1: form(&[("ikepolicy: encryption_algorithm ", Cipher), (", authentication_algorithm ", Hash), (", dh_group group", Group)], HUAWEI_CLOUD_WORDS),
            ike_v2: form(&[("ikepolicy: encryption_algorithm ", Cipher), (", authentication_algorithm ", Integrity), (", dh_group group", Group)], HUAWEI_CLOUD_WORDS),
            child_v1: form(&[("ipsecpolicy: encryption_algorithm ", Cipher), (", authentication_algorithm ", Integrity), (", pfs group", Group)], HUAWEI_CLOUD_WORDS),
            child_v2: form(&[("ipsecpolicy: encryption_algorithm ", Cipher), (", authentication_algorithm ", Integrity), (", pfs group", Group)], HUAWEI_CLOUD_WORDS),
            pfs: form(&[("ipsecpolicy: pfs group", Group)], HUAWEI_CLOUD_WORDS),
        },
    },
    // gcloud compute vpn-tunnels create, whose words for algorithms no stored text lists. No vendor ID of it is known for sure.
    Product {
        name: "Google Cloud",
        ids: &[],
        settings: Settings {
            ike_proposal: Both("--phase1-encryption, --phase1-integrity, --phase1-prf, --phase1-dh"),
            child_proposal: Both("--phase2-encryption, --phase2-integrity"),
            pfs_group: Both("--phase2-pfs"),
            ike_version: Both("--ike-version"),
            selectors: Both("--local-traffic-selector, --remote-traffic-selector"),
            identity: Unknown,
            pre_shared_key: Both("--shared-secret"),
            dpd: Unknown,
            ike_lifetime: Unknown,
            child_lifetime: Unknown,
            nat_traversal: Unknown,
            mtu: Unknown,
            fragmentation: Unknown,
            replay_window: Unknown,
            sha2_truncation: Unknown,
        },
        spelling: Spelling { ike_v1: None, ike_v2: None, child_v1: None, child_v2: None, pfs: None },
    },
];

// The words. Ciphers: transform ID, bits of the key, word. 3 is 3DES, 12 AES-CBC, 20 AES-GCM with a
// checksum of 16 octets, 28 ChaCha20-Poly1305. Integrity: 1 MD5, 2 SHA1, 12 to 14 SHA2. PRF: 1 MD5,
// 2 SHA1, 5 to 7 SHA2.

#[rustfmt::skip]
const STRONGSWAN_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des"), (3, 0, "3des"), (6, 128, "cast128"),
        (7, 128, "blowfish128"), (7, 192, "blowfish192"), (7, 256, "blowfish256"), (11, 0, "null"),
        (12, 128, "aes128"), (12, 192, "aes192"), (12, 256, "aes256"),
        (13, 128, "aes128ctr"), (13, 192, "aes192ctr"), (13, 256, "aes256ctr"),
        (14, 128, "aes128ccm8"), (14, 192, "aes192ccm8"), (14, 256, "aes256ccm8"),
        (15, 128, "aes128ccm12"), (15, 192, "aes192ccm12"), (15, 256, "aes256ccm12"),
        (16, 128, "aes128ccm16"), (16, 192, "aes192ccm16"), (16, 256, "aes256ccm16"),
        (18, 128, "aes128gcm8"), (18, 192, "aes192gcm8"), (18, 256, "aes256gcm8"),
        (19, 128, "aes128gcm12"), (19, 192, "aes192gcm12"), (19, 256, "aes256gcm12"),
        (20, 128, "aes128gcm16"), (20, 192, "aes192gcm16"), (20, 256, "aes256gcm16"),
        (21, 128, "aes128gmac"), (21, 192, "aes192gmac"), (21, 256, "aes256gmac"),
        (23, 128, "camellia128"), (23, 192, "camellia192"), (23, 256, "camellia256"),
        (24, 128, "camellia128ctr"), (24, 192, "camellia192ctr"), (24, 256, "camellia256ctr"),
        (25, 128, "camellia128ccm8"), (25, 192, "camellia192ccm8"), (25, 256, "camellia256ccm8"),
        (26, 128, "camellia128ccm12"), (26, 192, "camellia192ccm12"), (26, 256, "camellia256ccm12"),
        (27, 128, "camellia128ccm16"), (27, 192, "camellia192ccm16"), (27, 256, "camellia256ccm16"),
        (28, 0, "chacha20poly1305"),
    ],
    integrity: &[
        (1, "md5"), (2, "sha1"), (5, "aesxcbc"), (6, "md5_128"), (7, "sha1_160"), (8, "aescmac"),
        (12, "sha256"), (13, "sha384"), (14, "sha512"),
    ],
    prfs: &[
        (1, "prfmd5"), (2, "prfsha1"), (4, "prfaesxcbc"), (5, "prfsha256"), (6, "prfsha384"),
        (7, "prfsha512"), (8, "prfaescmac"),
    ],
    groups: Groups::Names(&[
        (1, "modp768"), (2, "modp1024"), (5, "modp1536"), (14, "modp2048"), (15, "modp3072"),
        (16, "modp4096"), (17, "modp6144"), (18, "modp8192"), (19, "ecp256"), (20, "ecp384"),
        (21, "ecp521"), (22, "modp1024s160"), (23, "modp2048s224"), (24, "modp2048s256"),
        (25, "ecp192"), (26, "ecp224"), (27, "ecp224bp"), (28, "ecp256bp"), (29, "ecp384bp"),
        (30, "ecp512bp"), (31, "curve25519"), (32, "curve448"),
    ]),
};

#[rustfmt::skip]
const LIBRESWAN_WORDS: Words = Words {
    ciphers: &[
        (3, 0, "3des"), (12, 128, "aes128"), (12, 192, "aes192"), (12, 256, "aes256"),
        (20, 128, "aes_gcm_16_128"), (20, 192, "aes_gcm_16_192"), (20, 256, "aes_gcm_16_256"),
        (23, 128, "camellia128"), (23, 192, "camellia192"), (23, 256, "camellia256"),
    ],
    integrity: &[(1, "md5"), (2, "sha1"), (5, "aes_xcbc"), (12, "sha2_256"), (13, "sha2_384"), (14, "sha2_512")],
    prfs: &[],
    groups: Groups::Numbers(&[2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 31]),
};

#[rustfmt::skip]
const IOS_V1_WORDS: Words = Words {
    ciphers: &[(2, 0, "des"), (3, 0, "3des"), (12, 128, "aes 128"), (12, 192, "aes 192"), (12, 256, "aes 256")],
    integrity: &[(1, "md5"), (2, "sha"), (12, "sha256"), (13, "sha384"), (14, "sha512")],
    prfs: &[],
    groups: CISCO_GROUPS,
};

#[rustfmt::skip]
const IOS_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des"), (3, 0, "3des"), (12, 128, "aes-cbc-128"), (12, 192, "aes-cbc-192"), (12, 256, "aes-cbc-256"),
        (20, 128, "aes-gcm-128"), (20, 256, "aes-gcm-256"),
    ],
    integrity: &[(1, "md5"), (2, "sha1"), (12, "sha256"), (13, "sha384"), (14, "sha512")],
    prfs: &[(1, "md5"), (2, "sha1"), (5, "sha256"), (6, "sha384"), (7, "sha512")],
    groups: CISCO_GROUPS,
};

#[rustfmt::skip]
const IOS_CHILD_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "esp-des"), (3, 0, "esp-3des"), (11, 0, "esp-null"),
        (12, 128, "esp-aes"), (12, 192, "esp-aes 192"), (12, 256, "esp-aes 256"),
        (20, 128, "esp-gcm"), (20, 192, "esp-gcm 192"), (20, 256, "esp-gcm 256"),
    ],
    integrity: &[
        (1, "esp-md5-hmac"), (2, "esp-sha-hmac"), (12, "esp-sha256-hmac"), (13, "esp-sha384-hmac"),
        (14, "esp-sha512-hmac"),
    ],
    prfs: &[],
    groups: CISCO_GROUPS,
};

#[rustfmt::skip]
const ASA_V1_WORDS: Words = Words {
    ciphers: &[(2, 0, "des"), (3, 0, "3des"), (12, 128, "aes"), (12, 192, "aes-192"), (12, 256, "aes-256")],
    integrity: &[(1, "md5"), (2, "sha")],
    prfs: &[],
    groups: Groups::Numbers(&[1, 2, 5, 14]),
};

#[rustfmt::skip]
const ASA_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des"), (3, 0, "3des"), (12, 128, "aes"), (12, 192, "aes-192"), (12, 256, "aes-256"),
        (20, 128, "aes-gcm"), (20, 192, "aes-gcm-192"), (20, 256, "aes-gcm-256"),
    ],
    integrity: &[(0, "null"), (1, "md5"), (2, "sha"), (12, "sha256"), (13, "sha384"), (14, "sha512")],
    prfs: &[(1, "md5"), (2, "sha"), (5, "sha256"), (6, "sha384"), (7, "sha512")],
    groups: CISCO_GROUPS,
};

#[rustfmt::skip]
const ASA_CHILD_V1_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "esp-des"), (3, 0, "esp-3des"), (11, 0, "esp-null"),
        (12, 128, "esp-aes"), (12, 192, "esp-aes-192"), (12, 256, "esp-aes-256"),
    ],
    integrity: &[(1, "esp-md5-hmac"), (2, "esp-sha-hmac")],
    prfs: &[],
    groups: CISCO_GROUPS,
};

#[rustfmt::skip]
const ASA_CHILD_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des"), (3, 0, "3des"), (11, 0, "null"), (12, 128, "aes"), (12, 192, "aes-192"), (12, 256, "aes-256"),
        (20, 128, "aes-gcm"), (20, 192, "aes-gcm-192"), (20, 256, "aes-gcm-256"),
    ],
    integrity: &[(0, "null"), (1, "md5"), (2, "sha-1"), (12, "sha-256"), (13, "sha-384"), (14, "sha-512")],
    prfs: &[],
    groups: CISCO_GROUPS,
};

const CISCO_GROUPS: Groups = Groups::Numbers(&[1, 2, 5, 14, 15, 16, 19, 20, 21, 24]);

#[rustfmt::skip]
const FORTIGATE_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des"), (3, 0, "3des"), (11, 0, "null"),
        (12, 128, "aes128"), (12, 192, "aes192"), (12, 256, "aes256"),
        (20, 128, "aes128gcm"), (20, 256, "aes256gcm"), (28, 0, "chacha20poly1305"),
    ],
    integrity: &[(1, "md5"), (2, "sha1"), (12, "sha256"), (13, "sha384"), (14, "sha512")],
    prfs: &[(2, "prfsha1"), (5, "prfsha256"), (6, "prfsha384"), (7, "prfsha512")],
    groups: Groups::Numbers(&[1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 27, 28, 29, 30, 31, 32]),
};

#[rustfmt::skip]
const HUAWEI_WORDS: Words = Words {
    ciphers: &[(2, 0, "des"), (3, 0, "3des"), (12, 128, "aes-128"), (12, 192, "aes-192"), (12, 256, "aes-256")],
    integrity: &[(2, "hmac-sha1-96"), (12, "hmac-sha2-256"), (13, "hmac-sha2-384"), (14, "hmac-sha2-512")],
    prfs: &[
        (1, "hmac-md5"), (2, "hmac-sha1"), (4, "aes-xcbc-128"), (5, "hmac-sha2-256"), (6, "hmac-sha2-384"),
        (7, "hmac-sha2-512"),
    ],
    groups: HUAWEI_GROUPS,
};

#[rustfmt::skip]
const HUAWEI_CHILD_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des"), (3, 0, "3des"), (12, 128, "aes-128"), (12, 192, "aes-192"), (12, 256, "aes-256"),
        (20, 128, "aes-128-gcm-128"), (20, 192, "aes-192-gcm-128"), (20, 256, "aes-256-gcm-128"),
    ],
    integrity: &[(1, "md5"), (2, "sha1"), (12, "sha2-256"), (13, "sha2-384"), (14, "sha2-512")],
    prfs: &[],
    groups: HUAWEI_GROUPS,
};

const HUAWEI_GROUPS: Groups = Groups::Numbers(&[1, 2, 5, 14, 15, 16, 19, 20, 21]);

#[rustfmt::skip]
const H3C_V1_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des-cbc"), (3, 0, "3des-cbc"), (12, 128, "aes-cbc-128"), (12, 192, "aes-cbc-192"), (12, 256, "aes-cbc-256"),
    ],
    integrity: &[(1, "md5"), (2, "sha"), (12, "sha256"), (13, "sha384"), (14, "sha512")],
    prfs: &[],
    groups: H3C_GROUPS,
};

#[rustfmt::skip]
const H3C_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des-cbc"), (3, 0, "3des-cbc"), (12, 128, "aes-cbc-128"), (12, 192, "aes-cbc-192"), (12, 256, "aes-cbc-256"),
    ],
    integrity: &[(1, "md5"), (2, "sha1"), (12, "sha256"), (13, "sha384"), (14, "sha512")],
    prfs: &[(1, "md5"), (2, "sha1"), (5, "sha256"), (6, "sha384"), (7, "sha512")],
    groups: H3C_GROUPS,
};

const H3C_GROUPS: Groups = Groups::Numbers(&[1, 2, 5, 14, 24]);

#[rustfmt::skip]
const JUNOS_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des-cbc"), (3, 0, "3des-cbc"), (12, 128, "aes-128-cbc"), (12, 192, "aes-192-cbc"), (12, 256, "aes-256-cbc"),
    ],
    integrity: &[(1, "md5"), (2, "sha1"), (12, "sha-256"), (13, "sha-384"), (14, "sha-512")],
    prfs: &[],
    groups: JUNOS_GROUPS,
};

#[rustfmt::skip]
const JUNOS_CHILD_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des-cbc"), (3, 0, "3des-cbc"), (12, 128, "aes-128-cbc"), (12, 192, "aes-192-cbc"), (12, 256, "aes-256-cbc"),
        (20, 128, "aes-128-gcm"), (20, 192, "aes-192-gcm"), (20, 256, "aes-256-gcm"),
    ],
    integrity: &[(1, "hmac-md5-96"), (2, "hmac-sha1-96"), (12, "hmac-sha-256-128")],
    prfs: &[],
    groups: JUNOS_GROUPS,
};

const JUNOS_GROUPS: Groups = Groups::Numbers(&[1, 2, 5, 14, 15, 16, 19, 20, 21, 24]);

#[rustfmt::skip]
const PALO_ALTO_WORDS: Words = Words {
    ciphers: &[(2, 0, "des"), (3, 0, "3des"), (12, 128, "aes-128-cbc"), (12, 192, "aes-192-cbc"), (12, 256, "aes-256-cbc")],
    integrity: &[(1, "md5"), (2, "sha1"), (12, "sha256"), (13, "sha384"), (14, "sha512")],
    prfs: &[],
    groups: PALO_ALTO_GROUPS,
};

#[rustfmt::skip]
const PALO_ALTO_CHILD_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des"), (3, 0, "3des"), (11, 0, "null"),
        (12, 128, "aes-128-cbc"), (12, 192, "aes-192-cbc"), (12, 256, "aes-256-cbc"),
        (20, 128, "aes-128-gcm"), (20, 256, "aes-256-gcm"),
    ],
    integrity: &[(0, "none"), (1, "md5"), (2, "sha1"), (12, "sha256"), (13, "sha384"), (14, "sha512")],
    prfs: &[],
    groups: PALO_ALTO_GROUPS,
};

const PALO_ALTO_GROUPS: Groups = Groups::Numbers(&[1, 2, 5, 14, 15, 16, 19, 20, 21]);

#[rustfmt::skip]
const MIKROTIK_WORDS: Words = Words {
    ciphers: &[(2, 0, "des"), (3, 0, "3des"), (12, 128, "aes-128"), (12, 192, "aes-192"), (12, 256, "aes-256")],
    integrity: &[(1, "md5"), (2, "sha1"), (12, "sha256"), (14, "sha512")],
    prfs: &[],
    groups: MIKROTIK_GROUPS,
};

#[rustfmt::skip]
const MIKROTIK_CHILD_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "des"), (3, 0, "3des"), (12, 128, "aes-128-cbc"), (12, 192, "aes-192-cbc"), (12, 256, "aes-256-cbc"),
        (20, 128, "aes-128-gcm"), (20, 192, "aes-192-gcm"), (20, 256, "aes-256-gcm"),
    ],
    integrity: &[(0, "null"), (1, "md5"), (2, "sha1"), (12, "sha256"), (14, "sha512")],
    prfs: &[],
    groups: MIKROTIK_GROUPS,
};

#[rustfmt::skip]
const MIKROTIK_GROUPS: Groups = Groups::Names(&[
    (1, "modp768"), (2, "modp1024"), (5, "modp1536"), (14, "modp2048"), (15, "modp3072"), (16, "modp4096"),
    (17, "modp6144"), (18, "modp8192"), (19, "ecp256"), (20, "ecp384"), (21, "ecp521"),
]);

#[rustfmt::skip]
const WINDOWS_WORDS: Words = Words {
    ciphers: &[(2, 0, "DES"), (3, 0, "DES3"), (12, 128, "AES128"), (12, 192, "AES192"), (12, 256, "AES256")],
    integrity: &[(1, "MD5"), (2, "SHA1"), (12, "SHA256"), (13, "SHA384")],
    prfs: &[],
    groups: Groups::Names(&[(1, "Group1"), (2, "Group2"), (14, "Group14"), (19, "ECP256"), (20, "ECP384"), (24, "Group24")]),
};

#[rustfmt::skip]
const WINDOWS_CHILD_WORDS: Words = Words {
    ciphers: &[
        (2, 0, "DES"), (3, 0, "DES3"), (12, 128, "AES128"), (12, 192, "AES192"), (12, 256, "AES256"),
        (20, 128, "GCMAES128"), (20, 192, "GCMAES192"), (20, 256, "GCMAES256"),
    ],
    integrity: &[(1, "MD596"), (2, "SHA196"), (12, "SHA256128")],
    prfs: &[],
    groups: MICROSOFT_PFS,
};

#[rustfmt::skip]
const AZURE_WORDS: Words = Words {
    ciphers: WINDOWS_WORDS.ciphers,
    integrity: WINDOWS_WORDS.integrity,
    prfs: &[],
    groups: Groups::Names(&[(1, "DHGroup1"), (2, "DHGroup2"), (14, "DHGroup14"), (19, "ECP256"), (20, "ECP384"), (24, "DHGroup24")]),
};

#[rustfmt::skip]
const AZURE_CHILD_WORDS: Words = Words {
    ciphers: WINDOWS_CHILD_WORDS.ciphers,
    integrity: &[(1, "MD5"), (2, "SHA1"), (12, "SHA256")],
    prfs: &[],
    groups: MICROSOFT_PFS,
};

#[rustfmt::skip]
const MICROSOFT_PFS: Groups = Groups::Names(&[
    (1, "PFS1"), (2, "PFS2"), (14, "PFS2048"), (19, "ECP256"), (20, "ECP384"), (24, "PFS24"),
]);

#[rustfmt::skip]
const AWS_WORDS: Words = Words {
    ciphers: &[(12, 128, "AES128"), (12, 256, "AES256"), (20, 128, "AES128-GCM-16"), (20, 256, "AES256-GCM-16")],
    integrity: &[(2, "SHA1"), (12, "SHA2-256"), (13, "SHA2-384"), (14, "SHA2-512")],
    prfs: &[],
    groups: Groups::Numbers(&[2, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]),
};

/// Phase 2 also takes group 5.
const AWS_CHILD_WORDS: Words = Words {
    groups: Groups::Numbers(&[2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]),
    ..AWS_WORDS
};

#[rustfmt::skip]
const ALIBABA_WORDS: Words = Words {
    ciphers: &[(2, 0, "des"), (3, 0, "3des"), (12, 128, "aes"), (12, 192, "aes192"), (12, 256, "aes256")],
    integrity: &[(1, "md5"), (2, "sha1"), (12, "sha256"), (13, "sha384"), (14, "sha512")],
    prfs: &[],
    groups: Groups::Numbers(&[1, 2, 5, 14]),
};

#[rustfmt::skip]
const TENCENT_WORDS: Words = Words {
    ciphers: TENCENT_CIPHERS,
    integrity: &[(1, "MD5"), (2, "SHA"), (12, "SHA-256")],
    prfs: &[],
    groups: Groups::Numbers(&[1, 2, 5, 14, 24]),
};

#[rustfmt::skip]
const TENCENT_CHILD_WORDS: Words = Words {
    ciphers: TENCENT_CIPHERS,
    integrity: &[(1, "MD5"), (2, "SHA1"), (12, "SHA-256")],
    prfs: &[],
    groups: Groups::Numbers(&[1, 2, 5, 14, 24]),
};

#[rustfmt::skip]
const TENCENT_CIPHERS: &[(u16, u16, &str)] = &[
    (2, 0, "DES-CBC"), (3, 0, "3DES-CBC"),
    (12, 128, "AES-CBC-128"), (12, 192, "AES-CBC-192"), (12, 256, "AES-CBC-256"),
];

#[rustfmt::skip]
const HUAWEI_CLOUD_WORDS: Words = Words {
    ciphers: &[(3, 0, "3des"), (12, 128, "aes-128"), (12, 192, "aes-192"), (12, 256, "aes-256")],
    integrity: &[(1, "md5"), (2, "sha1"), (12, "sha2-256"), (13, "sha2-384"), (14, "sha2-512")],
    prfs: &[],
    groups: Groups::Numbers(&[1, 2, 5, 14, 16, 19, 20, 21]),
};
