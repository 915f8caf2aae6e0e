//! Where an implementation keeps a setting, and how it spells what fits: advice in its own words, for
//! peers whose vendor IDs tell what they are. The words are in [`registry::product`](crate::registry::product).

use super::end_of;
use crate::diagnose::Case;
use crate::language::{Text, one_of, parted};
use crate::registry::product::{Form, PRODUCTS, Product, Setting, Suite};
use crate::say;
use std::net::IpAddr;

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
    /// Own and expected identity.
    Identity,
    /// The pre-shared key.
    PreSharedKey,
    /// Dead peer detection.
    Dpd,
    /// The lifetime of the IKE SA.
    IkeLifetime,
    /// Lifetimes of child SAs.
    ChildLifetime,
    /// NAT traversal and its keepalives.
    NatTraversal,
    /// The TCP MSS, or the MTU inside.
    Mtu,
    /// Fragments of IKE.
    Fragmentation,
    /// The window against replays.
    ReplayWindow,
    /// Checksums of SHA2-256 that are cut to 96 bits.
    Sha2Truncation,
}

impl Topic {
    /// Its column in the table of products.
    fn of(self, product: &Product) -> Setting {
        let settings = &product.settings;
        match self {
            Self::IkeProposal => settings.ike_proposal,
            Self::ChildProposal => settings.child_proposal,
            Self::PfsGroup => settings.pfs_group,
            Self::IkeVersion => settings.ike_version,
            Self::Selectors => settings.selectors,
            Self::Identity => settings.identity,
            Self::PreSharedKey => settings.pre_shared_key,
            Self::Dpd => settings.dpd,
            Self::IkeLifetime => settings.ike_lifetime,
            Self::ChildLifetime => settings.child_lifetime,
            Self::NatTraversal => settings.nat_traversal,
            Self::Mtu => settings.mtu,
            Self::Fragmentation => settings.fragmentation,
            Self::ReplayWindow => settings.replay_window,
            Self::Sha2Truncation => settings.sha2_truncation,
        }
    }

    /// How a product writes algorithms there.
    fn form(self, product: &Product, version: u8) -> Option<Form> {
        let spelling = &product.spelling;
        match (self, version) {
            (Self::IkeProposal, 1) => spelling.ike_v1,
            (Self::IkeProposal, _) => spelling.ike_v2,
            (Self::ChildProposal, 1) => spelling.child_v1,
            (Self::ChildProposal, _) => spelling.child_v2,
            (Self::PfsGroup, _) => spelling.pfs,
            _ => None,
        }
    }

    /// Whether it is worth a long line where nothing tells what an end is.
    fn is_worth_a_list(self) -> bool {
        matches!(
            self,
            Self::IkeProposal | Self::ChildProposal | Self::PfsGroup | Self::Selectors
        )
    }
}

/// What the end of a tunnel may be, by the vendor IDs that it sent in the IKE SAs of the tunnel: all
/// products that send each of those that tell. Empty if none tells, or they do not go together.
pub fn products(case: &Case<'_>, end: IpAddr) -> Vec<&'static Product> {
    let row = case.tunnel;
    let Some(end) = end_of(row, end) else {
        return Vec::new();
    };
    row.ike_sas
        .iter()
        .find_map(|id| {
            let sa = &case.model.ike_sas[*id];
            let initiator = end_of(row, sa.paths.first()?.from.address)?;
            let [of_initiator, of_responder] = &sa.vendors;
            let told = match initiator == end {
                true => of_initiator,
                false => of_responder,
            };
            let products = that_send(told);
            (!products.is_empty()).then_some(products)
        })
        .unwrap_or_default()
}

fn that_send(told: &[String]) -> Vec<&'static Product> {
    let telling = || {
        told.iter()
            .filter(|id| PRODUCTS.iter().any(|product| product.sends(id)))
    };
    let sends_all = |product: &&Product| telling().all(|id| product.sends(id));
    match telling().next() {
        Some(_) => PRODUCTS.iter().filter(sends_all).collect(),
        None => Vec::new(),
    }
}

/// Where an end of a tunnel keeps a setting, as a line of advice; if nothing tells what it is, where
/// common implementations do, for the topics that are worth a line.
pub fn of(case: &Case<'_>, end: IpAddr, topic: Topic) -> Option<Text> {
    fitting(case, end, topic, None)
}

/// As [`of`], for both ends, without those of which nothing tells what they are.
pub fn of_both(case: &Case<'_>, topic: Topic) -> Vec<Text> {
    let ends = case.tunnel.ends;
    ends.into_iter()
        .filter(|end| !products(case, *end).is_empty())
        .filter_map(|end| of(case, end, topic))
        .collect()
}

/// As [`of`], with what to enter there, so that the end agrees to one of the suites that another offers, the
/// first that can be entered. Where nothing tells what the end is, without those that can enter none of them.
pub fn fitting(
    case: &Case<'_>,
    end: IpAddr,
    topic: Topic,
    offered: Option<(IpAddr, &[Suite])>,
) -> Option<Text> {
    let version = version(case);
    let entered = |product: &Product| {
        let form = topic.form(product, version)?;
        offered?.1.iter().find_map(|suite| form.spell(suite))
    };
    let known = products(case, end);
    if known.is_empty() && !topic.is_worth_a_list() {
        return None;
    }
    let mut listed: Vec<&Product> = match known.is_empty() {
        true => PRODUCTS.iter().collect(),
        false => known.clone(),
    };
    let spelled = listed.iter().any(|product| entered(product).is_some());
    if known.is_empty() && spelled {
        listed.retain(|product| entered(product).is_some());
    }
    let alone = known.len() == 1;
    let settings: Vec<Text> = listed
        .iter()
        .filter_map(|product| {
            let place = topic.of(product).place(version)?;
            let entered = entered(product).unwrap_or_else(|| place.to_owned());
            Some(match alone {
                true => Text::verbatim(format_args!("`{entered}`")),
                false => Text::verbatim(format_args!("{} `{entered}`", product.name)),
            })
        })
        .collect();
    if settings.is_empty() {
        return None;
    }
    let settings = parted("; ", settings);
    let names = one_of(known.iter().map(|product| Text::verbatim(product.name)));
    let asker = offered.filter(|_| spelled).map(|(asker, _)| asker);
    Some(match (known.is_empty(), asker) {
        (true, None) => say!("Where that is set: {settings}.", settings),
        (true, Some(asker)) => say!(
            "Where that is set, and what fits the offer of {asker}: {settings}.",
            asker,
            settings
        ),
        (false, None) => say!(
            "Where that is set on {end} ({product}): {settings}.",
            end,
            product = names,
            settings
        ),
        (false, Some(asker)) => say!(
            "Where that is set on {end} ({product}), and what fits the offer of {asker}: {settings}.",
            end,
            product = names,
            asker,
            settings
        ),
    })
}

/// The major version of IKE that a tunnel uses, by its last IKE SA.
fn version(case: &Case<'_>) -> u8 {
    let last = case.tunnel.ike_sas.last();
    last.map_or(2, |id| case.model.ike_sas[*id].version.major())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::registry::transform;
    use crate::testing::model;

    const TOPICS: [Topic; 15] = [
        Topic::IkeProposal,
        Topic::ChildProposal,
        Topic::PfsGroup,
        Topic::IkeVersion,
        Topic::Selectors,
        Topic::Identity,
        Topic::PreSharedKey,
        Topic::Dpd,
        Topic::IkeLifetime,
        Topic::ChildLifetime,
        Topic::NatTraversal,
        Topic::Mtu,
        Topic::Fragmentation,
        Topic::ReplayWindow,
        Topic::Sha2Truncation,
    ];

    /// AES-CBC-256, SHA2-256 and group 14: what every implementation has (RFC 8247 section 2).
    const COMMON: Suite = Suite {
        encryption: Some((12, Some(256))),
        integrity: Some(12),
        prf: Some(5),
        group: Some(14),
    };

    /// A request of A with vendor IDs.
    fn with(vendor_ids: &str) -> Model {
        model(&format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce {vendor_ids}
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce"
        ))
    }

    fn first(model: &Model) -> Case<'_> {
        Case::of(model, model.tunnels.ids().next().unwrap())
    }

    fn told(model: &Model, end: usize, topic: Topic, suite: Option<Suite>) -> Option<String> {
        let case = first(model);
        let ends = case.tunnel.ends;
        let offered = suite.as_slice();
        let offered = suite.map(|_| (ends[1 - end], offered));
        fitting(&case, ends[end], topic, offered).map(|text| text.to_string())
    }

    fn names(model: &Model, end: usize) -> Vec<&'static str> {
        let case = first(model);
        let products = products(&case, case.tunnel.ends[end]);
        products.iter().map(|product| product.name).collect()
    }

    const STRONGSWAN: &str = "VID(882fe56d6fd20dbc2251613b2ebe5beb)";

    #[test]
    fn advice_is_for_the_end_that_names_itself_and_no_other() {
        let model = with(STRONGSWAN);
        let own = told(&model, 0, Topic::PfsGroup, None).unwrap();
        assert_eq!(
            own,
            "Where that is set on 192.0.2.1 (strongSwan): `children.<child>.esp_proposals`."
        );
        let other = told(&model, 1, Topic::PfsGroup, None).unwrap();
        assert!(
            other.starts_with("Where that is set: strongSwan `"),
            "{other}"
        );
        assert!(other.contains("; Huawei `ipsec policy: pfs`; "), "{other}");
        assert_eq!(told(&model, 1, Topic::Dpd, None), None);
        assert_eq!(of_both(&first(&model), Topic::Dpd).len(), 1);
    }

    #[test]
    fn what_fits_is_spelled_as_the_product_has_it() {
        assert_eq!(
            told(&with(STRONGSWAN), 0, Topic::IkeProposal, Some(COMMON)).unwrap(),
            "Where that is set on 192.0.2.1 (strongSwan), and what fits the offer of 192.0.2.2: \
             `connections.<conn>.proposals = aes256-sha256-modp2048`."
        );
        let list = told(&with(""), 0, Topic::IkeProposal, Some(COMMON)).unwrap();
        for one in [
            "libreswan `ike=aes256-sha2_256;dh14`",
            "Cisco IOS `crypto ikev2 proposal: encryption aes-cbc-256, integrity sha256, group 14`",
            "FortiGate `phase1-interface: set proposal aes256-sha256, set dhgrp 14`",
            "H3C `ikev2 proposal: encryption aes-cbc-256, integrity sha256, prf sha256, dh group14`",
        ] {
            assert!(list.contains(one), "{list}");
        }
    }

    #[test]
    fn several_vendor_ids_narrow_what_it_may_be() {
        // The reason of a delete is told by IOS and ASA, FlexVPN by IOS.
        let any = "VID(434953434f2d44454c4554452d524541534f4e)";
        assert_eq!(names(&with(any), 0), ["Cisco IOS", "Cisco ASA"]);
        let ios = format!("{any} VID(464c455856504e2d535550504f52544544)");
        assert_eq!(names(&with(&ios), 0), ["Cisco IOS"]);
        // Nothing sends both of these.
        let neither = format!("{ios} {STRONGSWAN}");
        assert!(names(&with(&neither), 0).is_empty());
    }

    #[test]
    fn extensions_that_many_speak_name_no_product() {
        for told in [
            "Dead Peer Detection 1.0",
            "XAUTH",
            "Cisco Unity 1.0",
            "NAT-T (RFC 3947)",
            "Microsoft Initial-Contact",
            "strongSwanlike",
        ] {
            let sends = PRODUCTS.iter().any(|product| product.sends(told));
            assert!(!sends, "{told}");
        }
    }

    #[test]
    fn every_setting_is_words_to_type_and_no_sentence() {
        for product in PRODUCTS {
            for topic in TOPICS {
                for version in [1, 2] {
                    let Some(place) = topic.of(product).place(version) else {
                        continue;
                    };
                    let at = format!("{}, {topic:?}: {place}", product.name);
                    assert!(!place.is_empty() && place.is_ascii(), "{at}");
                    assert!(!place.contains(['`', '{', '}']), "{at}");
                    assert!(!place.ends_with(['.', ' ']), "{at}");
                }
            }
        }
    }

    #[test]
    fn every_product_has_the_common_suite_and_can_write_it() {
        let child = Suite {
            prf: None,
            ..COMMON
        };
        for product in PRODUCTS {
            for (topic, suite) in [
                (Topic::IkeProposal, COMMON),
                (Topic::ChildProposal, child),
                (Topic::PfsGroup, child),
            ] {
                assert!(topic.of(product).place(2).is_some(), "{}", product.name);
                // Whose words nobody lists has none at all.
                let said = topic.form(product, 2).map(|form| form.spell(&suite));
                let wordless = product.name == "Google Cloud";
                assert_eq!(said.is_none(), wordless, "{}: {topic:?}", product.name);
                assert_ne!(said, Some(None), "{}: {topic:?}", product.name);
            }
        }
    }

    #[test]
    fn what_has_no_word_is_not_spelled() {
        for product in PRODUCTS {
            for topic in [Topic::IkeProposal, Topic::ChildProposal, Topic::PfsGroup] {
                for version in [1, 2] {
                    let Some(form) = topic.form(product, version) else {
                        continue;
                    };
                    let strange = Suite {
                        group: Some(1000),
                        ..COMMON
                    };
                    assert_eq!(form.spell(&strange), None, "{}", product.name);
                    let strange = Suite {
                        encryption: Some((12, Some(160))),
                        ..COMMON
                    };
                    let said = form.spell(&strange);
                    assert!(
                        topic == Topic::PfsGroup || said.is_none(),
                        "{}",
                        product.name
                    );
                    // Without the bits of its key AES is not told.
                    let strange = Suite {
                        encryption: Some((12, None)),
                        ..COMMON
                    };
                    let said = form.spell(&strange);
                    assert!(
                        topic == Topic::PfsGroup || said.is_none(),
                        "{}",
                        product.name
                    );
                }
            }
        }
    }

    #[test]
    fn a_function_that_the_hash_does_not_imply_is_said_or_nothing_is() {
        let suite = Suite {
            prf: Some(7),
            ..COMMON
        };
        let spelled = |name: &str| {
            let product = PRODUCTS
                .iter()
                .find(|product| product.name == name)
                .unwrap();
            product.spelling.ike_v2.unwrap().spell(&suite)
        };
        assert_eq!(
            spelled("strongSwan").unwrap(),
            "connections.<conn>.proposals = aes256-sha256-prfsha512-modp2048"
        );
        assert_eq!(spelled("FortiGate"), None);
        assert_eq!(spelled("libreswan"), None);
        assert_eq!(spelled("AWS"), None);
    }

    #[test]
    fn a_cipher_that_authenticates_by_itself_needs_no_other_algorithm() {
        let gcm = Suite {
            encryption: Some((20, Some(256))),
            integrity: None,
            ..COMMON
        };
        let product = |name: &str| {
            PRODUCTS
                .iter()
                .find(|product| product.name == name)
                .unwrap()
        };
        let ike = |name| product(name).spelling.ike_v2.unwrap().spell(&gcm);
        assert_eq!(
            ike("strongSwan").unwrap(),
            "connections.<conn>.proposals = aes256gcm16-prfsha256-modp2048"
        );
        assert_eq!(
            ike("libreswan").unwrap(),
            "ike=aes_gcm_16_256-sha2_256;dh14"
        );
        assert_eq!(
            ike("FortiGate").unwrap(),
            "phase1-interface: set proposal aes256gcm-prfsha256, set dhgrp 14"
        );
        assert_eq!(
            ike("Cisco ASA").unwrap(),
            "crypto ikev2 policy: encryption aes-gcm-256, integrity null, prf sha256, group 14"
        );
        let child = Suite {
            prf: None,
            group: None,
            ..gcm
        };
        let esp = |name| product(name).spelling.child_v2.unwrap().spell(&child);
        assert_eq!(esp("libreswan").unwrap(), "esp=aes_gcm_16_256");
        assert_eq!(
            esp("Azure VPN Gateway").unwrap(),
            "New-AzIpsecPolicy -IpsecEncryption GCMAES256 -IpsecIntegrity GCMAES256"
        );
    }

    #[test]
    fn what_one_phase_takes_the_other_may_not() {
        let aws = PRODUCTS.iter().find(|product| product.name == "AWS");
        let spelling = &aws.unwrap().spelling;
        let group_5 = Suite {
            group: Some(5),
            ..COMMON
        };
        assert_eq!(spelling.ike_v2.unwrap().spell(&group_5), None);
        let child = Suite {
            prf: None,
            ..group_5
        };
        assert_eq!(
            spelling.child_v2.unwrap().spell(&child).unwrap(),
            "Phase2EncryptionAlgorithms AES256, Phase2IntegrityAlgorithms SHA2-256, Phase2DHGroupNumbers 5"
        );
    }

    #[test]
    fn strongswan_has_a_word_for_whatever_has_a_number() {
        // No word: RC5, IDEA, DES with other IVs, implicit IVs, GOST; MACs of old and for AH alone; Tiger;
        // keys that are encapsulated.
        const NO_CIPHER: &[u16] = &[1, 4, 5, 8, 9, 29, 30, 31, 32, 33, 34, 35];
        const NO_INTEGRITY: &[u16] = &[0, 3, 4, 9, 10, 11];
        const NO_GROUP: &[u16] = &[0, 33, 34, 35, 36, 37];
        let strongswan = &PRODUCTS[0].spelling;
        let says = |suite: &Suite| strongswan.child_v2.unwrap().spell(suite).is_some();
        let esp = Suite {
            prf: None,
            ..COMMON
        };
        for row in transform::ENCRYPTION {
            let bits = row.fixed_key_bits.or(Some(128));
            let integrity = (!row.aead).then_some(12);
            let suite = Suite {
                encryption: Some((row.id, bits)),
                integrity,
                ..esp
            };
            assert_eq!(says(&suite), !NO_CIPHER.contains(&row.id), "{}", row.name);
        }
        for row in transform::INTEGRITY {
            let suite = Suite {
                integrity: Some(row.id),
                ..esp
            };
            assert_eq!(
                says(&suite),
                !NO_INTEGRITY.contains(&row.id),
                "{}",
                row.name
            );
        }
        for row in transform::KEY_EXCHANGE.iter().skip(1) {
            let suite = Suite {
                group: Some(row.id),
                ..esp
            };
            assert_eq!(says(&suite), !NO_GROUP.contains(&row.id), "{}", row.name);
        }
    }
}
