//! Where an implementation keeps a setting: advice in its own words, for peers whose vendor IDs tell
//! what they are.
//!
//! Each setting stands in the vendor's manual (swanctl.conf(5), ipsec.conf(5) of libreswan), or was found
//! in several published configurations. What was not is not here.

use super::end_of;
use crate::language::Text;
use crate::model::{Model, TunnelId};
use crate::say;
use std::net::IpAddr;

/// An implementation with settings that are known here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Vendor {
    /// strongSwan with swanctl.conf.
    StrongSwan,
    /// libreswan with ipsec.conf.
    Libreswan,
    /// Cisco, as IOS has it.
    Cisco,
    /// Fortinet FortiGate.
    FortiGate,
}

/// What a setting is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Topic {
    /// The algorithms of the IKE SA.
    IkeProposal,
    /// The algorithms of child SAs.
    ChildProposal,
    /// The key exchange group of child SAs (perfect forward secrecy).
    PfsGroup,
    /// The version of IKE.
    IkeVersion,
    /// Traffic selectors.
    Selectors,
    /// Dead peer detection.
    Dpd,
}

/// What the end of a tunnel is, by the vendor IDs that it sent in any IKE SA of the tunnel.
pub fn vendor(model: &Model, tunnel: TunnelId, end: IpAddr) -> Option<Vendor> {
    let row = &model.tunnels[tunnel];
    let end = end_of(row, end)?;
    row.ike_sas.iter().find_map(|id| {
        let sa = &model.ike_sas[*id];
        let initiator = end_of(row, sa.paths.first()?.from.address)?;
        let [of_initiator, of_responder] = &sa.vendors;
        let products = match initiator == end {
            true => of_initiator,
            false => of_responder,
        };
        products.iter().find_map(|product| named(product))
    })
}

fn named(product: &str) -> Option<Vendor> {
    let names = [
        ("strongSwan", Vendor::StrongSwan),
        ("Libreswan", Vendor::Libreswan),
        ("Cisco IOS", Vendor::Cisco),
        ("Cisco FlexVPN", Vendor::Cisco),
        ("Cisco delete reason", Vendor::Cisco),
        ("FortiGate", Vendor::FortiGate),
    ];
    let mut fits = names.iter().filter(|(name, _)| product.starts_with(name));
    fits.next().map(|(_, vendor)| *vendor)
}

/// Where an end of a tunnel keeps a setting, as a line of advice; if nothing tells what it is, where
/// common implementations do, for the topics that are worth a line.
pub fn of(model: &Model, tunnel: TunnelId, end: IpAddr, topic: Topic) -> Option<Text> {
    match vendor(model, tunnel, end) {
        Some(vendor) => {
            let setting = setting(vendor, topic);
            Some(say!("{end} is {setting}", end, setting))
        }
        None => anywhere(topic).map(Text::from),
    }
}

fn anywhere(topic: Topic) -> Option<&'static str> {
    match topic {
        Topic::IkeProposal => Some(
            "Where that is set: strongSwan proposals, libreswan ike=, Cisco IOS crypto ikev2 proposal (IKEv1: \
             crypto isakmp policy), FortiGate phase 1, Huawei ike proposal, Palo Alto IKE Crypto profile, \
             cloud gateways the IKE configuration of the connection.",
        ),
        Topic::PfsGroup => Some(
            "Where that is set: strongSwan the end of esp_proposals, libreswan pfs= and esp=, Cisco set pfs, \
             FortiGate the DH groups of phase 2, Junos perfect-forward-secrecy keys of the ipsec policy, Huawei \
             pfs of the ipsec policy, Palo Alto the DH group of the IPSec Crypto profile, cloud gateways the \
             DH group of IPsec.",
        ),
        Topic::Selectors => Some(
            "Where that is set: strongSwan local_ts and remote_ts, libreswan leftsubnet and rightsubnet, Cisco \
             the crypto ACL, FortiGate the phase 2 selectors, Junos traffic-selector, Palo Alto the proxy IDs, \
             cloud gateways the interesting traffic.",
        ),
        Topic::ChildProposal | Topic::IkeVersion | Topic::Dpd => None,
    }
}

fn setting(vendor: Vendor, topic: Topic) -> &'static str {
    match (vendor, topic) {
        (Vendor::StrongSwan, Topic::IkeProposal) => {
            "strongSwan: connections.<conn>.proposals in swanctl.conf."
        }
        (Vendor::StrongSwan, Topic::ChildProposal) => {
            "strongSwan: children.<child>.esp_proposals in swanctl.conf."
        }
        (Vendor::StrongSwan, Topic::PfsGroup) => {
            "strongSwan: the group at the end of children.<child>.esp_proposals in swanctl.conf, such as \
             aes256-sha256-modp2048; without one there is no PFS."
        }
        (Vendor::StrongSwan, Topic::IkeVersion) => {
            "strongSwan: connections.<conn>.version in swanctl.conf (1, 2, or 0 for both)."
        }
        (Vendor::StrongSwan, Topic::Selectors) => {
            "strongSwan: children.<child>.local_ts and remote_ts in swanctl.conf."
        }
        (Vendor::StrongSwan, Topic::Dpd) => {
            "strongSwan: connections.<conn>.dpd_delay and children.<child>.dpd_action in swanctl.conf; how long \
             it waits is charon.retransmit_timeout, retransmit_base and retransmit_tries in strongswan.conf."
        }
        (Vendor::Libreswan, Topic::IkeProposal) => "libreswan: ike= in ipsec.conf.",
        (Vendor::Libreswan, Topic::ChildProposal) => "libreswan: esp= in ipsec.conf.",
        (Vendor::Libreswan, Topic::PfsGroup) => {
            "libreswan: pfs= in ipsec.conf, and the group at the end of esp=."
        }
        (Vendor::Libreswan, Topic::IkeVersion) => "libreswan: ikev2= in ipsec.conf.",
        (Vendor::Libreswan, Topic::Selectors) => {
            "libreswan: leftsubnet= and rightsubnet= (or leftsubnets=, rightsubnets=) in ipsec.conf."
        }
        (Vendor::Libreswan, Topic::Dpd) => "libreswan: dpddelay= in ipsec.conf.",
        (Vendor::Cisco, Topic::IkeProposal) => {
            "Cisco; on IOS: crypto ikev2 proposal (encryption, integrity, group), for IKEv1 crypto isakmp policy."
        }
        (Vendor::Cisco, Topic::ChildProposal) => {
            "Cisco; on IOS: crypto ipsec transform-set, named in the crypto map or ipsec profile."
        }
        (Vendor::Cisco, Topic::PfsGroup) => {
            "Cisco; on IOS: set pfs in the crypto map or ipsec profile, such as set pfs group14."
        }
        (Vendor::Cisco, Topic::IkeVersion) => {
            "Cisco; on IOS: set ikev2-profile in the crypto map or ipsec profile makes it IKEv2."
        }
        (Vendor::Cisco, Topic::Selectors) => {
            "Cisco; on IOS: the access list of match address in the crypto map."
        }
        (Vendor::Cisco, Topic::Dpd) => {
            "Cisco; on IOS: crypto isakmp keepalive, for IKEv2 dpd in the ikev2 profile."
        }
        (Vendor::FortiGate, Topic::IkeProposal) => {
            "a FortiGate: config vpn ipsec phase1-interface, set proposal and set dhgrp."
        }
        (Vendor::FortiGate, Topic::ChildProposal) => {
            "a FortiGate: config vpn ipsec phase2-interface, set proposal."
        }
        (Vendor::FortiGate, Topic::PfsGroup) => {
            "a FortiGate: config vpn ipsec phase2-interface, set pfs enable and set dhgrp."
        }
        (Vendor::FortiGate, Topic::IkeVersion) => {
            "a FortiGate: config vpn ipsec phase1-interface, set ike-version."
        }
        (Vendor::FortiGate, Topic::Selectors) => {
            "a FortiGate: config vpn ipsec phase2-interface, set src-subnet and set dst-subnet."
        }
        (Vendor::FortiGate, Topic::Dpd) => {
            "a FortiGate: config vpn ipsec phase1-interface, set dpd, set dpd-retrycount and set \
             dpd-retryinterval."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;

    /// The vendor ID of strongSwan, in the request of A.
    const STRONGSWAN: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce VID(882fe56d6fd20dbc2251613b2ebe5beb)
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce";

    #[test]
    fn advice_is_for_the_end_that_names_itself_and_no_other() {
        let model = model(STRONGSWAN);
        let tunnel = model.tunnels.ids().next().unwrap();
        let [one, other] = model.tunnels[tunnel].ends;
        let advice = of(&model, tunnel, one, Topic::PfsGroup)
            .unwrap()
            .to_string();
        assert!(advice.contains("esp_proposals"), "{advice}");
        let generic = of(&model, tunnel, other, Topic::PfsGroup)
            .unwrap()
            .to_string();
        assert!(generic.contains("FortiGate"), "{generic}");
        assert_eq!(of(&model, tunnel, other, Topic::Dpd), None);
    }

    #[test]
    fn extensions_that_many_speak_name_no_vendor() {
        for product in [
            "Dead Peer Detection 1.0",
            "XAUTH",
            "Cisco Unity 1.0",
            "NAT-T (RFC 3947)",
        ] {
            assert_eq!(named(product), None, "{product}");
        }
    }
}
