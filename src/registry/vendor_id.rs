//! Vendor IDs: which product sends which octets.
//!
//! Most are the MD5 of a text; those texts stand beside their rows and were hashed to check them.
//! The others are published by their vendors or by ike-scan. What is not known for sure is not here.

/// What [`product`] says of a vendor ID that announces IKEv1 fragments ([MS-IKEE] section 1.7).
pub const FRAGMENTATION: &str = "IKEv1 fragmentation";

/// The product that sends this vendor ID, or the extension that it announces, with the version
/// where the ID tells it.
pub fn product(data: &[u8]) -> Option<String> {
    let row = KNOWN.iter().find(|row| begins_with(data, row.prefix))?;
    let rest = data.get(row.prefix.len() / 2..).unwrap_or_default();
    Some(match row.version.read(rest) {
        Some(version) => format!("{} {version}", row.product),
        None => row.product.to_owned(),
    })
}

/// A vendor ID that is plain text, for those that [`product`] does not know. Zeros and line ends
/// around it are left out.
pub fn text(data: &[u8]) -> Option<&str> {
    // Fewer octets may be text by chance.
    printable(data).filter(|text| text.len() >= 4)
}

fn printable(data: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(data).ok()?;
    let text = text.trim_matches(['\0', '\n', '\r', ' ']);
    let printable = text.bytes().all(|octet| (0x20..0x7f).contains(&octet));
    (printable && !text.is_empty()).then_some(text)
}

/// One known vendor ID.
struct Known {
    /// What it begins with, in hexadecimal.
    prefix: &'static str,
    /// The product, or the extension.
    product: &'static str,
    /// How the octets after the prefix tell the version.
    version: Version,
}

/// How the octets after the prefix tell the version.
enum Version {
    /// They do not.
    Untold,
    /// Major and minor, one octet each.
    MajorMinor,
    /// Text up to the end.
    Text,
    /// A number of four octets, so many octets after the prefix, that stands for a release.
    Release(usize, &'static [(u32, &'static str)]),
    /// FortiGate: release and build, two octets each.
    Build,
}

impl Version {
    fn read(&self, rest: &[u8]) -> Option<String> {
        match self {
            Self::Untold => None,
            Self::MajorMinor => match rest {
                [major, minor] => Some(format!("{major}.{minor}")),
                _ => None,
            },
            Self::Text => printable(rest).map(str::to_owned),
            Self::Release(offset, releases) => {
                let number = u32::from_be_bytes(*rest.get(*offset..)?.first_chunk()?);
                let release = releases.iter().find(|release| release.0 == number)?;
                Some(release.1.to_owned())
            }
            Self::Build => match rest {
                [.., high, low] if rest.len() == 4 => {
                    Some(format!("build {}", u16::from_be_bytes([*high, *low])))
                }
                _ => None,
            },
        }
    }
}

/// Windows, as [MS-IKEE] section 2.2.2 numbers its releases.
const WINDOWS: Version = Version::Release(
    0,
    &[
        (2, "(2000)"),
        (3, "(XP)"),
        (4, "(Server 2003)"),
        (5, "(Vista)"),
        (6, "(Server 2008)"),
        (7, "(7)"),
        (8, "(Server 2008 R2)"),
        (9, "(8 or later)"),
    ],
);

/// Check Point: the product comes first, then the version.
const CHECK_POINT: Version = Version::Release(
    4,
    &[
        (2, "4.1"),
        (3, "4.1 SP1"),
        (4002, "4.1 SP2 to SP6"),
        (5000, "NG"),
        (5001, "NG FP1"),
        (5002, "NG FP2"),
        (5003, "NG FP3"),
        (5004, "NG AI R54"),
        (5005, "NG AI R55 or later"),
    ],
);

const fn plain(prefix: &'static str, product: &'static str) -> Known {
    versioned(prefix, product, Version::Untold)
}

const fn versioned(prefix: &'static str, product: &'static str, version: Version) -> Known {
    Known {
        prefix,
        product,
        version,
    }
}

/// The rows, tried in order: a longer prefix before a shorter one that it begins with.
#[rustfmt::skip] // One row, one line.
const KNOWN: &[Known] = &[
    // Extensions.
    // MD5 of "RFC 3947" (RFC 3947 section 3.1), and of the names of its drafts.
    plain("4a131c81070358455c5728f20e95452f", "NAT-T (RFC 3947)"),
    plain("4485152d18b6bbcd0be8a8469579ddcc", "NAT-T (draft-ietf-ipsec-nat-t-ike-00)"),
    plain("16f6ca16e4a4066d83821a0f0aeaa862", "NAT-T (draft-ietf-ipsec-nat-t-ike-01)"),
    plain("cd60464335df21f87cfdb2fc68b6a448", "NAT-T (draft-ietf-ipsec-nat-t-ike-02)"),
    // The name with a line end.
    plain("90cb80913ebb696e086381b5ec427b1f", "NAT-T (draft-ietf-ipsec-nat-t-ike-02\\n)"),
    plain("7d9419a65310ca6f2c179d9215529d56", "NAT-T (draft-ietf-ipsec-nat-t-ike-03)"),
    plain("9909b64eed937c6573de52ace952fa6b", "NAT-T (draft-ietf-ipsec-nat-t-ike-04)"),
    plain("80d0bb3def54565ee84645d4c85ce3ee", "NAT-T (draft-ietf-ipsec-nat-t-ike-05)"),
    plain("4d1e0e136deafa34c4f3ea9f02ec7285", "NAT-T (draft-ietf-ipsec-nat-t-ike-06)"),
    plain("439b59f8ba676c4c7737ae22eab8f582", "NAT-T (draft-ietf-ipsec-nat-t-ike-07)"),
    plain("8f8d83826d246b6fc7a8a6a428c11de8", "NAT-T (draft-ietf-ipsec-nat-t-ike-08)"),
    plain("4df37928e9fc4fd1b3262170d515c662", "NAT-T (draft-ietf-ipsec-nat-t-ike)"),
    // MD5 of "Testing NAT-T RFC", "ESPThruNAT" and of names of drafts.
    plain("c40fee00d5d39ddb1fc762e09b7cfea7", "NAT-T (testing the RFC)"),
    plain("50760f624c63e5c53eea386c685ca083", "NAT-T (ESPThruNAT)"),
    plain("27bab5dc01ea0760ea4e3190ac27c0d0", "NAT-T (draft-stenberg-ipsec-nat-traversal-01)"),
    plain("6105c422e76847e43f9684801292aecd", "NAT-T (draft-stenberg-ipsec-nat-traversal-02)"),
    plain("6a7434c19d7e36348090a02334c9c805", "NAT-T (draft-huttunen-ipsec-esp-in-udp-00)"),
    // RFC 3706 section 5.1: the last two octets are the version.
    versioned("afcad71368a1f1c96b8696fc7757", "Dead Peer Detection", Version::MajorMinor),
    // First half of the MD5 of "draft-ietf-ipsra-isakmp-xauth-06.txt".
    plain("09002689dfd6b712", "XAUTH"),
    // MD5 of "FRAGMENTATION"; flags may follow.
    plain("4048b7d56ebce88525e7de7f00d6c2d3", FRAGMENTATION),
    // MD5 of "A GSS-API Authentication Method for IKE", without and with a line end.
    plain("ad2c0dd0b9c32083ccba25b8861ec455", "GSS-API authentication"),
    plain("b46d8914f3aaa3f2fedeb7c7db2943ca", "GSS-API authentication"),
    // MD5 of "GSSAPI".
    plain("621b04bb09882ac1e15935fefa24aeee", "GSS-API authentication"),
    // "HeartBeat_Notify".
    plain("4865617274426561745f4e6f74696679", "NetScreen heartbeat"),
    // "OpenPGP": the peer takes OpenPGP certificates.
    plain("4f70656e504750", "OpenPGP"),
    // Microsoft: MD5 of "MS NT5 ISAKMPOAKLEY" and of the names of its extensions.
    versioned("1e2b516905991c7d7c96fcbfb587e461", "Microsoft Windows", WINDOWS),
    plain("fb1de3cdf341b7ea16b7e5be0855f120", "Microsoft Negotiation Discovery"),
    plain("e3a5966a76379fe707228231e5ce8652", "Microsoft IKE CGA 1"),
    plain("214ca4faffa7f32d6748e5303395ae83", "Microsoft AuthIP (MS-MamieExists)"),
    plain("72872b95fcda2eb708efe322119b4971", "Microsoft network load balancing"),
    plain("26244d38eddb61b3172a36e3d0cfb819", "Microsoft Initial-Contact"),
    // Cisco: MD5 of "CISCO-UNITY" and of "ALTIGA GATEWAY", the last two octets replaced by a
    // version, which ASA fixes at 1.0; then texts.
    versioned("12f5f28c457168a9702d9fe274cc", "Cisco Unity", Version::MajorMinor),
    plain("1f07f70eaa6514d3b0fa96542a50", "Cisco VPN 3000 or ASA"),
    // "CISCO-DELETE-REASON".
    plain("434953434f2d44454c4554452d524541534f4e", "Cisco delete reason"),
    // "CISCO-DYNAMIC-ROUTE".
    plain("434953434f2d44594e414d49432d524f555445", "Cisco dynamic route"),
    // "CISCO-GRE-MODE".
    plain("434953434f2d4752452d4d4f4445", "Cisco GRE mode"),
    // "CISCOVPN-REV-".
    versioned("434953434f56504e2d5245562d", "Cisco VPN revision", Version::Text),
    // "CISCO(COPYRIGHT)".
    plain("434953434f28434f5059524947485429", "Cisco"),
    // "FLEXVPN-SUPPORTED".
    plain("464c455856504e2d535550504f52544544", "Cisco FlexVPN"),
    // strongSwan and kin: MD5 of "strongSwan" and of "KAME/racoon".
    plain("882fe56d6fd20dbc2251613b2ebe5beb", "strongSwan"),
    plain("7003cbc1097dbe9c2600ba6983bc8b35", "racoon (ipsec-tools)"),
    // "OE-Libreswan-"; "OE" and ten letters of a hash.
    versioned("4f452d4c696272657377616e2d", "Libreswan", Version::Text),
    plain("4f45", "Openswan, Libreswan or FreeS/WAN"),
    // Fortinet.
    versioned("8299031757a36082c6a621de", "FortiGate", Version::Build),
    plain("1d6e178f6c2c0be284985465450fe9d4", "FortiGate"),
    versioned("f4ed19e0c114eb516faaac0ee37daf2807b4381f", "Check Point", CHECK_POINT),
    // Juniper NetScreen: SHA-1 of something, one for each family of devices and releases.
    plain("166f932d55eb64d8e4df4fd37e2313f0d0fd8451", "NetScreen ScreenOS"),
    plain("299ee8289f40a8973bc78687e2e7226b532c3b76", "NetScreen ScreenOS"),
    plain("2a2bcac19b8e91b426107807e02e7249569d6fd3", "NetScreen ScreenOS"),
    plain("2c9d7e81995b9967d23f571ac641f9348122f1cc", "NetScreen ScreenOS"),
    plain("3a15e1f3cf2a63582e3ac82d1c64cbe3b6d779e7", "NetScreen ScreenOS"),
    plain("47d2b126bfcd83489760e2cf8c5d4d5a03497c15", "NetScreen ScreenOS"),
    plain("4a4340b543e02b84c88a8b96a8af9ebe77d9accc", "NetScreen ScreenOS"),
    plain("64405f46f03b7660a23be116a1975058e69e8387", "NetScreen ScreenOS"),
    plain("699369228741c6d4ca094c93e242c9de19e7b7c6", "NetScreen ScreenOS"),
    plain("8c0dc6cf62a0ef1b5c6eabd1b67ba69866adf16a", "NetScreen ScreenOS"),
    plain("92d27a9ecb31d99246986d3453d0c3d57a222a61", "NetScreen ScreenOS"),
    plain("9436e8d67174ef9aed068d5ad5213f187a3f8ba6", "NetScreen ScreenOS"),
    plain("9b096d9ac3275a7d6fe8b91c583111b09efed1a0", "NetScreen ScreenOS"),
    plain("a35bfd05ca1ac0b3d2f24e9e82bfcbff9c9e52b5", "NetScreen ScreenOS"),
    plain("bf03746108d746c904f1f3547de24f78479fed12", "NetScreen ScreenOS"),
    plain("c2e80500f4cc5fbf5daaeed3bb59abaeee56c652", "NetScreen ScreenOS"),
    plain("c8660a62b03b1b6130bf781608d32a6a8d0fb89f", "NetScreen ScreenOS"),
    plain("f885da40b1e7a9abd17655ec5bbec0f21f0ed52e", "NetScreen ScreenOS"),
    // Others.
    plain("5b362bc820f6", "SonicWall"),
    plain("404bf439522ca3f6", "SonicWall"),
    plain("c573b056d7faca36c2fba28374127cbf", "StoneGate"),
    plain("baeb239037e17787d730eed9d95d48aa", "StoneGate"),
    plain("47bbe7c993f1fc13b4e6d0db565c68e5", "SafeNet SoftRemote"),
    plain("b858d1addd08c1e8adafea150608aa4497aa6cc8", "ZyXEL ZyWALL"),
    plain("625027749d5ab97f5616c1602765cf480a3b7d0b", "ZyXEL ZyWALL"),
    plain("f758f22668750f03b08df6ebe1d0", "ZyXEL ZyWALL USG"),
    // "BNES".
    plain("424e4553", "Nortel Contivity"),
    // "TIMESTEP".
    versioned("54494d4553544550", "TimeStep", Version::Text),
    // "Mac OSX".
    versioned("4d6163204f5358", "macOS", Version::Text),
];

fn begins_with(data: &[u8], hex: &str) -> bool {
    let octets = hex.as_bytes().chunks_exact(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let mut data = data.iter().copied();
    octets
        .into_iter()
        .all(|octet| octet.is_some() && octet == data.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn told(hex: &str) -> Option<String> {
        product(&octets(hex))
    }

    #[test]
    fn every_row_is_found_by_its_own_octets_and_not_by_fewer() {
        for row in KNOWN {
            let data = octets(row.prefix);
            assert_eq!(product(&data).as_deref(), Some(row.product));
            let cut = product(&data[..data.len() - 1]);
            assert_ne!(cut.as_deref(), Some(row.product), "{}", row.prefix);
        }
    }

    #[test]
    fn versions_are_told_where_the_octets_carry_them() {
        for (hex, says) in [
            (
                "afcad71368a1f1c96b8696fc77570100",
                "Dead Peer Detection 1.0",
            ),
            ("12f5f28c457168a9702d9fe274cc0204", "Cisco Unity 2.4"),
            (
                "1e2b516905991c7d7c96fcbfb587e46100000007",
                "Microsoft Windows (7)",
            ),
            (
                "1e2b516905991c7d7c96fcbfb587e461000000ff",
                "Microsoft Windows",
            ),
            ("1e2b516905991c7d7c96fcbfb587e461", "Microsoft Windows"),
            ("8299031757a36082c6a621de00050111", "FortiGate build 273"),
            (
                "f4ed19e0c114eb516faaac0ee37daf2807b4381f0000000100001388",
                "Check Point NG",
            ),
            (
                "4048b7d56ebce88525e7de7f00d6c2d380000000",
                "IKEv1 fragmentation",
            ),
        ] {
            assert_eq!(told(hex).as_deref(), Some(says));
        }
        assert_eq!(product(b"OE-Libreswan-4.12").unwrap(), "Libreswan 4.12");
        assert_eq!(
            product(b"CISCOVPN-REV-02").unwrap(),
            "Cisco VPN revision 02"
        );
    }

    #[test]
    fn what_is_not_known_is_told_as_text_only_if_it_is_text() {
        assert_eq!(product(b"Acme VPN 1.0"), None);
        assert_eq!(text(b"Acme VPN 1.0\0\n"), Some("Acme VPN 1.0"));
        assert_eq!(text(b"abc"), None);
        assert_eq!(text(&[0xde, 0xad, 0xbe, 0xef]), None);
        assert_eq!(text(b"line\x07bell"), None);
        assert_eq!(product(&[]), None);
    }
}
