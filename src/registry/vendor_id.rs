//! Vendor IDs: which product sends which octets.
//!
//! Most are the MD5 of a text. The text stands beside the octets, and a test hashes it, so that the
//! table proves itself. The others are published by their vendors, or recorded by at least two of
//! those who collect them. What is not known for sure is not here: it is shown as it was sent.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

/// What [`product`] says of a vendor ID that announces IKEv1 fragments ([MS-IKEE] section 1.7).
pub const FRAGMENTATION: &str = "IKEv1 fragmentation";

/// The product that sends this vendor ID, or the extension that it announces, with the version
/// where the ID tells it.
pub fn product(data: &[u8]) -> Option<String> {
    KNOWN.iter().find_map(|row| {
        let rest = row.id.rest(data)?;
        Some(match row.version.read(rest) {
            Some(version) => format!("{} {version}", row.product),
            None => row.product.to_owned(),
        })
    })
}

/// A vendor ID that is plain text, for those that [`product`] does not know. Zeros and line ends
/// around it are left out.
pub fn text(data: &[u8]) -> Option<&str> {
    // Fewer octets may be text by chance.
    printable(data).filter(|text| text.len() >= 4)
}

fn printable(data: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(data).ok()?;
    let text = text.trim_matches(['\0', '\n', '\r', ' ']);
    let printable = text.bytes().all(|octet| (0x20..0x7f).contains(&octet));
    (printable && !text.is_empty()).then_some(text)
}

/// One known vendor ID.
struct Known {
    id: Id,
    /// The product, or the extension.
    product: &'static str,
    /// How the octets after the ID tell the version.
    version: Version,
}

/// How a vendor ID begins. Octets are in hexadecimal.
enum Id {
    /// These octets.
    Octets(&'static str),
    /// These octets, the first ones of the MD5 of a text.
    Md5(
        &'static str,
        #[cfg_attr(not(test), expect(dead_code, reason = "a test hashes it"))] &'static str,
    ),
    /// This text.
    Text(&'static str),
    /// 12 octets that FreeS/WAN makes of the MD5 of a text: "OE", then ten, each with bit 7 cleared
    /// and bit 6 set so that they are letters.
    Letters(
        &'static str,
        #[cfg_attr(not(test), expect(dead_code, reason = "a test hashes it"))] &'static str,
    ),
    /// 12 octets of letters that begin so, of a text that is not known.
    AnyLetters(&'static str),
}

impl Id {
    /// What follows in data that begin with this ID; `None` if they do not.
    fn rest<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Octets(hex) | Self::Md5(hex, _) => after(data, hex),
            Self::Text(text) => data.strip_prefix(text.as_bytes()),
            Self::Letters(hex, _) => after(data, hex).filter(|rest| rest.is_empty()),
            Self::AnyLetters(hex) => after(data, hex).filter(|rest| {
                data.len() == 12 && rest.iter().all(|octet| (0x21..0x80).contains(octet))
            }),
        }
    }
}

/// What follows in data that begin with these octets.
fn after<'a>(mut data: &'a [u8], hex: &str) -> Option<&'a [u8]> {
    for pair in hex.as_bytes().chunks_exact(2) {
        let pair = core::str::from_utf8(pair).ok()?;
        let octet = u8::from_str_radix(pair, 16).ok()?;
        data = data.strip_prefix(&[octet])?;
    }
    Some(data)
}

/// How the octets after the ID tell the version.
enum Version {
    /// They do not.
    Untold,
    /// Major and minor, one octet each.
    MajorMinor,
    /// Major in one octet, minor and patch in four bits each.
    Nibbles,
    /// Text up to the end.
    Text,
    /// Text in the field of this type: each has an octet of type, one of length, and its octets.
    Tagged(u8),
    /// A number of four octets, so many octets after the ID, that stands for a release.
    Release(usize, &'static [(u32, &'static str)]),
    /// FortiGate: release and build, two octets each; zeros in later releases.
    Build,
}

impl Version {
    fn read(&self, rest: &[u8]) -> Option<String> {
        match (self, rest) {
            (Self::MajorMinor, [major, minor]) => Some(format!("{major}.{minor}")),
            (Self::Nibbles, [major, lower]) => {
                Some(format!("{major}.{}.{}", lower >> 4, lower & 0xf))
            }
            (Self::Text, _) => printable(rest).map(|text| text.trim_start_matches('-').to_owned()),
            (Self::Tagged(kind), _) => printable(tagged(rest, *kind)?).map(str::to_owned),
            (Self::Release(offset, releases), _) => {
                let number = u32::from_be_bytes(*rest.get(*offset..)?.first_chunk()?);
                let release = releases.iter().find(|release| release.0 == number)?;
                Some(release.1.to_owned())
            }
            (Self::Build, [_, _, high, low]) => {
                let build = u16::from_be_bytes([*high, *low]);
                (build > 0).then(|| format!("build {build}"))
            }
            _ => None,
        }
    }
}

/// The octets of the first field of this type.
fn tagged(mut fields: &[u8], kind: u8) -> Option<&[u8]> {
    loop {
        let [found, length, rest @ ..] = fields else {
            return None;
        };
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        if *found == kind {
            return Some(value);
        }
        fields = next;
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

/// Which of its protocols Windows offers.
const KEYING_MODULES: Version =
    Version::Release(0, &[(0, "(IKEv1)"), (1, "(AuthIP)"), (2, "(IKEv2)")]);

/// The group of the key exchange in the first message of AuthIP.
const AUTHIP_GROUPS: Version = Version::Release(
    0,
    &[
        (0, "(none)"),
        (1, "(group 1)"),
        (2, "(group 2)"),
        (3, "(group 14)"),
        (4, "(group 19)"),
        (5, "(group 20)"),
        (6, "(group 21)"),
    ],
);

/// Check Point: the product comes first, then the version.
const CHECK_POINT: Version = Version::Release(4, CHECK_POINT_RELEASES);

/// As [`CHECK_POINT`], where the product is part of the ID.
const CHECK_POINT_CLIENT: Version = Version::Release(0, CHECK_POINT_RELEASES);

const CHECK_POINT_RELEASES: &[(u32, &str)] = &[
    (2, "4.1"),
    (3, "4.1 SP1"),
    (4002, "4.1 SP2 to SP6"),
    (5000, "NG"),
    (5001, "NG FP1"),
    (5002, "NG FP2"),
    (5003, "NG FP3"),
    (5004, "NG AI R54"),
    (5005, "NG AI R55 or later"),
];

impl Known {
    const fn new(id: Id, product: &'static str) -> Self {
        Self {
            id,
            product,
            version: Version::Untold,
        }
    }

    const fn versioned(self, version: Version) -> Self {
        Self {
            id: self.id,
            product: self.product,
            version,
        }
    }
}

const fn octets(hex: &'static str, product: &'static str) -> Known {
    Known::new(Id::Octets(hex), product)
}

const fn md5(hex: &'static str, text: &'static str, product: &'static str) -> Known {
    Known::new(Id::Md5(hex, text), product)
}

const fn text_id(text: &'static str, product: &'static str) -> Known {
    Known::new(Id::Text(text), product)
}

const fn letters(hex: &'static str, text: &'static str, product: &'static str) -> Known {
    Known::new(Id::Letters(hex, text), product)
}

const fn any_letters(hex: &'static str, product: &'static str) -> Known {
    Known::new(Id::AnyLetters(hex), product)
}

/// The rows, tried in order: a longer ID before a shorter one that it begins with.
#[rustfmt::skip] // One row, one line.
const KNOWN: &[Known] = &[
    // NAT traversal: the RFC (RFC 3947 section 3.1) and its drafts. One draft gave the hash of its name
    // with a line end, and one product sends a placeholder.
    md5("4a131c81070358455c5728f20e95452f", "RFC 3947", "NAT-T (RFC 3947)"),
    md5("4485152d18b6bbcd0be8a8469579ddcc", "draft-ietf-ipsec-nat-t-ike-00", "NAT-T (draft-ietf-ipsec-nat-t-ike-00)"),
    md5("16f6ca16e4a4066d83821a0f0aeaa862", "draft-ietf-ipsec-nat-t-ike-01", "NAT-T (draft-ietf-ipsec-nat-t-ike-01)"),
    md5("cd60464335df21f87cfdb2fc68b6a448", "draft-ietf-ipsec-nat-t-ike-02", "NAT-T (draft-ietf-ipsec-nat-t-ike-02)"),
    md5("90cb80913ebb696e086381b5ec427b1f", "draft-ietf-ipsec-nat-t-ike-02\n", "NAT-T (draft-ietf-ipsec-nat-t-ike-02\\n)"),
    md5("7d9419a65310ca6f2c179d9215529d56", "draft-ietf-ipsec-nat-t-ike-03", "NAT-T (draft-ietf-ipsec-nat-t-ike-03)"),
    md5("9909b64eed937c6573de52ace952fa6b", "draft-ietf-ipsec-nat-t-ike-04", "NAT-T (draft-ietf-ipsec-nat-t-ike-04)"),
    md5("80d0bb3def54565ee84645d4c85ce3ee", "draft-ietf-ipsec-nat-t-ike-05", "NAT-T (draft-ietf-ipsec-nat-t-ike-05)"),
    md5("4d1e0e136deafa34c4f3ea9f02ec7285", "draft-ietf-ipsec-nat-t-ike-06", "NAT-T (draft-ietf-ipsec-nat-t-ike-06)"),
    md5("439b59f8ba676c4c7737ae22eab8f582", "draft-ietf-ipsec-nat-t-ike-07", "NAT-T (draft-ietf-ipsec-nat-t-ike-07)"),
    md5("8f8d83826d246b6fc7a8a6a428c11de8", "draft-ietf-ipsec-nat-t-ike-08", "NAT-T (draft-ietf-ipsec-nat-t-ike-08)"),
    md5("42ea5b6f898d9773a575df26e7dd19e1", "draft-ietf-ipsec-nat-t-ike-09", "NAT-T (draft-ietf-ipsec-nat-t-ike-09)"),
    md5("4df37928e9fc4fd1b3262170d515c662", "draft-ietf-ipsec-nat-t-ike", "NAT-T (draft-ietf-ipsec-nat-t-ike)"),
    md5("810fa565f8ab14369105d706fbd57279", "RFC XXXX", "NAT-T (RFC XXXX, as Solaris sends it)"),
    md5("c40fee00d5d39ddb1fc762e09b7cfea7", "Testing NAT-T RFC", "NAT-T (testing the RFC)"),
    md5("50760f624c63e5c53eea386c685ca083", "ESPThruNAT", "NAT-T (ESPThruNAT)"),
    md5("27bab5dc01ea0760ea4e3190ac27c0d0", "draft-stenberg-ipsec-nat-traversal-01", "NAT-T (draft-stenberg-ipsec-nat-traversal-01)"),
    md5("6105c422e76847e43f9684801292aecd", "draft-stenberg-ipsec-nat-traversal-02", "NAT-T (draft-stenberg-ipsec-nat-traversal-02)"),
    md5("6a7434c19d7e36348090a02334c9c805", "draft-huttunen-ipsec-esp-in-udp-00.txt", "NAT-T (draft-huttunen-ipsec-esp-in-udp-00)"),
    // Other extensions. RFC 3706 section 5.1: the last two octets are the version.
    octets("afcad71368a1f1c96b8696fc7757", "Dead Peer Detection").versioned(Version::MajorMinor),
    md5("3b9031dce4fcf88b489a923963dd0c49", "DPD", "Dead Peer Detection (NG)"),
    md5("09002689dfd6b712", "draft-ietf-ipsra-isakmp-xauth-06.txt", "XAUTH"),
    // Flags may follow.
    md5("4048b7d56ebce88525e7de7f00d6c2d3", "FRAGMENTATION", FRAGMENTATION),
    md5("ad2c0dd0b9c32083ccba25b8861ec455", "A GSS-API Authentication Method for IKE", "GSS-API authentication"),
    md5("b46d8914f3aaa3f2fedeb7c7db2943ca", "A GSS-API Authentication Method for IKE\n", "GSS-API authentication"),
    md5("621b04bb09882ac1e15935fefa24aeee", "GSSAPI", "GSS-API authentication"),
    md5("ba290499c24e84e53a1d83a05e5f00c9", "IKE Challenge/Response for Authenticated Cryptographic Keys", "Challenge/Response"),
    md5("0d33611a5d521b5e3c9c03d2fc107e12", "IKE Challenge/Response for Authenticated Cryptographic Keys\n", "Challenge/Response"),
    md5("ad3251042cdc4652c9e0734ce5de4c7d", "IKE Challenge/Response for Authenticated Cryptographic Keys (Revised)", "Challenge/Response"),
    md5("13f11823f966fa91900f024ba66a86ba", "IKE Challenge/Response for Authenticated Cryptographic Keys (Revised)\n", "Challenge/Response"),
    // draft-ietf-ipsec-heartbeats-00 and draft-krywaniuk-ipsec-antireplay-00 name these octets.
    octets("8db7a41811221660", "IKE heartbeats"),
    octets("325df29a2319f2dd", "IKE replay protection"),
    text_id("HeartBeat_Notify", "NetScreen heartbeat"),
    text_id("OpenPGP", "OpenPGP"),
    text_id("Opportunistic IPsec", "Opportunistic IPsec"),
    // Microsoft: [MS-IKEE] sections 1.7 and 2.2, [MS-AIPS] section 2.2.
    md5("1e2b516905991c7d7c96fcbfb587e461", "MS NT5 ISAKMPOAKLEY", "Microsoft Windows").versioned(WINDOWS),
    md5("fb1de3cdf341b7ea16b7e5be0855f120", "MS-Negotiation Discovery Capable", "Microsoft Negotiation Discovery"),
    md5("e3a5966a76379fe707228231e5ce8652", "IKE CGA version 1", "Microsoft IKE CGA 1"),
    md5("214ca4faffa7f32d6748e5303395ae83", "MS-MamieExists", "Microsoft AuthIP (MS-MamieExists)"),
    md5("72872b95fcda2eb708efe322119b4971", "NLBS_PRESENT", "Microsoft network load balancing"),
    md5("26244d38eddb61b3172a36e3d0cfb819", "Vid-Initial-Contact", "Microsoft Initial-Contact"),
    md5("686a8cbdfe634b405146fb2baf33e9e8", "MSFT IPsec Security Realm Id", "Microsoft security realm"),
    md5("8aa394cf8a5577dc3110c113b027a4f2", "Microsoft Xbox One 2013", "Microsoft Xbox One"),
    octets("660822b3a73a244149578d62e0eb46a0", "Microsoft Xbox IKEv2"),
    octets("01528bbbc00696121849ab9a1c5b2a51", "Microsoft keying modules").versioned(KEYING_MODULES),
    octets("7bb93867d76c8d80df0f40fae8fc3b19", "Microsoft AuthIP key exchange").versioned(AUTHIP_GROUPS),
    // Cisco. ASA and IOS send the ID of the VPN 3000 with 1.0 in place of a version.
    md5("12f5f28c457168a9702d9fe274cc", "CISCO-UNITY", "Cisco Unity").versioned(Version::MajorMinor),
    octets("1f07f70eaa6514d3b0fa96542a500100", "Cisco VPN 3000 or ASA"),
    md5("1f07f70eaa6514d3b0fa96542a50", "ALTIGA GATEWAY", "Cisco VPN 3000").versioned(Version::Nibbles),
    octets("3e984048", "Cisco IOS"),
    text_id("CISCO-DELETE-REASON", "Cisco delete reason"),
    text_id("CISCO-DYNAMIC-ROUTE", "Cisco dynamic route"),
    text_id("CISCO-GRE-MODE", "Cisco GRE mode"),
    text_id("CISCOVPN-REV-", "Cisco VPN revision").versioned(Version::Text),
    text_id("CISCO(COPYRIGHT)", "Cisco"),
    text_id("FLEXVPN-SUPPORTED", "Cisco FlexVPN"),
    // strongSwan: since 4.3.6 the name alone, before with the version.
    md5("882fe56d6fd20dbc2251613b2ebe5beb", "strongSwan", "strongSwan"),
    md5("85b6cbec480d5c8cd9882c825ac2c244", "strongSwan 2.2.0", "strongSwan 2.2.0"),
    md5("d9118b1e9de5efced9cc9d883f2168ff", "strongSwan 2.2.1", "strongSwan 2.2.1"),
    md5("99dc7cc823376b3b33d04357896ae07b", "strongSwan 2.2.2", "strongSwan 2.2.2"),
    md5("b8f92b2fa2d3fe5fe158344bda1cc6ae", "strongSwan 2.3.0", "strongSwan 2.3.0"),
    md5("f697c1afcc2ec8ddcdf99dc7af03a67f", "strongSwan 2.3.1", "strongSwan 2.3.1"),
    md5("42a4834c92ab9a7777063afa254bcb69", "strongSwan 2.3.2", "strongSwan 2.3.2"),
    md5("e829c88149bab3c0cee85da60e18ae9b", "strongSwan 2.4.0", "strongSwan 2.4.0"),
    md5("75b0653cb281eb26d31ede38c8e1e228", "strongSwan 2.4.1", "strongSwan 2.4.1"),
    md5("e7a3fd0c6d771a8f1b8a86a4169c9ea4", "strongSwan 2.4.2", "strongSwan 2.4.2"),
    md5("982b7a063a33c143a8eadc88249f6bcc", "strongSwan 2.4.3", "strongSwan 2.4.3"),
    md5("485a70361b4433b31dea1c6be0df243e", "strongSwan 2.4.4", "strongSwan 2.4.4"),
    md5("9eb3d907ed7ada4e3cbcacb917abc8e4", "strongSwan 2.5.0", "strongSwan 2.5.0"),
    md5("9a4a4648f60f8eda7cfcbfe271ee5b7d", "strongSwan 2.5.1", "strongSwan 2.5.1"),
    md5("861ce5eb72164b190e9e629a31cf4901", "strongSwan 2.5.2", "strongSwan 2.5.2"),
    md5("df5b1f0f1d5679d9f8512b16c55a6065", "strongSwan 2.5.3", "strongSwan 2.5.3"),
    md5("7a6bf5b7df89642a75a78ef7d657c1c0", "strongSwan 2.5.4", "strongSwan 2.5.4"),
    md5("3f267ed621ada7ee6c7d8893ccb0b14b", "strongSwan 2.5.5", "strongSwan 2.5.5"),
    md5("3c5eba3d8564928e32ae43c3d9924dee", "strongSwan 2.5.6", "strongSwan 2.5.6"),
    md5("1f4442296b83d7e33a8b45209ba0e590", "strongSwan 2.5.7", "strongSwan 2.5.7"),
    md5("3f3266499ffdbd85950e702298062844", "strongSwan 2.6.0", "strongSwan 2.6.0"),
    md5("66afbc12bbfe6ce108b1f69f4bc917b7", "strongSwan 2.6.1", "strongSwan 2.6.1"),
    md5("5b1cd6fe7d050eda6c93871c107db3d2", "strongSwan 2.6.2", "strongSwan 2.6.2"),
    md5("b2860e7837f711bef3d0eeb106872ded", "strongSwan 2.6.3", "strongSwan 2.6.3"),
    md5("b927f95219a0fe3600dba3c1182ae55f", "strongSwan 2.6.4", "strongSwan 2.6.4"),
    md5("07fa128e4754f9447b1dd46374eef360", "strongSwan 2.7.0", "strongSwan 2.7.0"),
    md5("8134878582121785ba65ea345d6ba724", "strongSwan 2.7.1", "strongSwan 2.7.1"),
    md5("a194e2aaddd0bafb95253dd96dc733eb", "strongSwan 2.7.2", "strongSwan 2.7.2"),
    md5("7f50cc4ebf04c2d9da73abfd69b77aa2", "strongSwan 2.7.3", "strongSwan 2.7.3"),
    md5("32f0e9b9c06dfe8c9ad5599a636971a1", "strongSwan 2.8.0", "strongSwan 2.8.0"),
    md5("e37f2d5ba89a62cd202ee27dac06c8a8", "strongSwan 2.8.1", "strongSwan 2.8.1"),
    md5("299932277b7dfe382ce23465333a7d23", "strongSwan 2.8.2", "strongSwan 2.8.2"),
    md5("fb4641ad0eeb2a34491d15f4eff51063", "strongSwan 2.8.3", "strongSwan 2.8.3"),
    md5("76c72bfd398424dd001b86d0012fe061", "strongSwan 2.8.4", "strongSwan 2.8.4"),
    md5("4c7efa31b39e510432a317570d97bbb9", "strongSwan 2.8.5", "strongSwan 2.8.5"),
    md5("fe3f49706e26a9fb36a87bfce9ea36ce", "strongSwan 2.8.6", "strongSwan 2.8.6"),
    md5("3a0d4e7ca4e492ed4dfe476d1ac6018b", "strongSwan 2.8.7", "strongSwan 2.8.7"),
    md5("8c4a3bcb729b11f703d22a5b39640ca8", "strongSwan 2.8.8", "strongSwan 2.8.8"),
    md5("2ce9c946a4c879bf11b50b76cc5692cb", "strongSwan 4.0.0", "strongSwan 4.0.0"),
    md5("9dbbafcf1db0dd595ae065294003ad3e", "strongSwan 4.0.1", "strongSwan 4.0.1"),
    md5("77e8eea6f556a499de3ffe7f7f95661c", "strongSwan 4.0.2", "strongSwan 4.0.2"),
    md5("b181b18e114fc209b3c6e26c3a80718e", "strongSwan 4.0.3", "strongSwan 4.0.3"),
    md5("1ef283f83549b5ff9608b6d634f84d75", "strongSwan 4.0.4", "strongSwan 4.0.4"),
    md5("dd180d21e5ce655a768ba32211dd8ad9", "strongSwan 4.0.5", "strongSwan 4.0.5"),
    md5("4c90136946577b51919d8d9a6b8e4a9f", "strongSwan 4.0.6", "strongSwan 4.0.6"),
    md5("ab0746221cc8fd0d5238f73a9b3da557", "strongSwan 4.0.7", "strongSwan 4.0.7"),
    md5("4794cef6843422980d1a3d06af41c5cd", "strongSwan 4.1.0", "strongSwan 4.1.0"),
    md5("d3f1c488c368175d5f40a8f5ca5f5e12", "strongSwan 4.1.1", "strongSwan 4.1.1"),
    md5("15a1ace7ee52fddfef04f928db2dd134", "strongSwan 4.1.2", "strongSwan 4.1.2"),
    md5("5849ab6d8beabd6e4d09e5a3b88c089a", "strongSwan 4.1.3", "strongSwan 4.1.3"),
    md5("312f9cb1a6b90e19de7528c904ac3087", "strongSwan 4.1.4", "strongSwan 4.1.4"),
    md5("bf0fbf7306ebb7827042d893539886e2", "strongSwan 4.1.5", "strongSwan 4.1.5"),
    md5("d19683368af4b0edc21ccde982b1d1b0", "strongSwan 4.1.6", "strongSwan 4.1.6"),
    md5("ea840aa4dfc9712d6c32b5a16eb329a3", "strongSwan 4.1.7", "strongSwan 4.1.7"),
    md5("66a2045507c119da78a4666259cdea48", "strongSwan 4.1.8", "strongSwan 4.1.8"),
    md5("78fdd287def01a3f074b5369eab4fd1c", "strongSwan 4.1.9", "strongSwan 4.1.9"),
    md5("bf3a89ae5bef8e72d44dac8bb88d7d5f", "strongSwan 4.1.10", "strongSwan 4.1.10"),
    md5("b7bd9f2f978e3259a7aa9f7a1396ad6c", "strongSwan 4.1.11", "strongSwan 4.1.11"),
    md5("9f68901325a972894335302a9531ab9f", "strongSwan 4.2.0", "strongSwan 4.2.0"),
    md5("bab253f4cb10a8108a7c927c56c87886", "strongSwan 4.2.1", "strongSwan 4.2.1"),
    md5("2a517d0d23c37d08bce7c292a0217b39", "strongSwan 4.2.2", "strongSwan 4.2.2"),
    md5("2d1f406118fbd5d28474791ffa00488a", "strongSwan 4.2.3", "strongSwan 4.2.3"),
    md5("cd5792d4b70f0299a6a1373de236d2ac", "strongSwan 4.2.4", "strongSwan 4.2.4"),
    md5("af0a05e0bd37b0aba0135a194abb5b89", "strongSwan 4.2.5", "strongSwan 4.2.5"),
    md5("a2782dd683b5edee3b777f897d2b867e", "strongSwan 4.2.6", "strongSwan 4.2.6"),
    md5("4ddc7e1f6d6cd1ae9d5dcac58fa1fe9a", "strongSwan 4.2.7", "strongSwan 4.2.7"),
    md5("95569ee23ebb62eddedea353a575faf3", "strongSwan 4.2.8", "strongSwan 4.2.8"),
    md5("488c08f57afc382112f7cb396f2d4f6c", "strongSwan 4.2.9", "strongSwan 4.2.9"),
    md5("1aa158ae7f11e77d75ec801db53f7ec5", "strongSwan 4.2.10", "strongSwan 4.2.10"),
    md5("05ceccd8e985fe0669eac282f803292a", "strongSwan 4.2.11", "strongSwan 4.2.11"),
    md5("bc7d89b8b6b760391b1206e3ab391328", "strongSwan 4.2.12", "strongSwan 4.2.12"),
    md5("5c14651ffd4af6383f5ba29177c2729a", "strongSwan 4.2.13", "strongSwan 4.2.13"),
    md5("de014540e78dd8768bfb6c5238ede75f", "strongSwan 4.2.14", "strongSwan 4.2.14"),
    md5("97be0b4b8506e40943ac2e1933ec2ca2", "strongSwan 4.2.15", "strongSwan 4.2.15"),
    md5("4da33eb5f94ebf6d849c89a75803c50b", "strongSwan 4.2.16", "strongSwan 4.2.16"),
    md5("79cf939352cdee20c8fb228e264826ad", "strongSwan 4.2.17", "strongSwan 4.2.17"),
    md5("9deb74e751f44c47905ed2fad93f9271", "strongSwan 4.3.0", "strongSwan 4.3.0"),
    md5("20b1f62b240a52a849309183960cbb64", "strongSwan 4.3.1", "strongSwan 4.3.1"),
    md5("d6263956ac790961a9c8409b393724bf", "strongSwan 4.3.2", "strongSwan 4.3.2"),
    md5("f9f093629308b24388d09c3f026de0a8", "strongSwan 4.3.3", "strongSwan 4.3.3"),
    md5("e37e5d64a329a5cf1eeb8546c3b06018", "strongSwan 4.3.4", "strongSwan 4.3.4"),
    md5("de5c703801952d85f6b3ed33b33784b4", "strongSwan 4.3.5", "strongSwan 4.3.5"),
    // FreeS/WAN and its heirs: two letters, then ten made of a hash of the release, or of the release and
    // how it was built.
    letters("4f45486b7d44784d42676b5d", "Linux FreeS/WAN 2.00", "FreeS/WAN 2.00"),
    letters("4f457c4f547e6e615b426e56", "Linux FreeS/WAN 2.01", "FreeS/WAN 2.01"),
    letters("4f456c6b44696d7f6b4c4e60", "Linux FreeS/WAN 2.02", "FreeS/WAN 2.02"),
    letters("4f45566671474962734e6264", "Linux FreeS/WAN 2.03", "FreeS/WAN 2.03"),
    letters("4f45704f736579505c6e5f6d", "Linux FreeS/WAN 2.04", "FreeS/WAN 2.04"),
    letters("4f457271785f4c7e496f4d54", "Linux FreeS/WAN 2.05", "FreeS/WAN 2.05"),
    letters("4f457e4c466e5d427c5c6b52", "Linux FreeS/WAN 2.06", "FreeS/WAN 2.06"),
    letters("4f4544765b576b4045417447", "Linux FreeS/WAN 2.00 PLUTO_SENDS_VENDORID", "FreeS/WAN 2.00"),
    letters("4f45774e4a4352716e45486f", "Linux FreeS/WAN 2.00 X.509-1.3.1 PLUTO_SENDS_VENDORID", "FreeS/WAN 2.00 (X.509-1.3.1)"),
    letters("4f45575d6a5343424674796e", "Linux FreeS/WAN 2.00 X.509-1.3.1 LDAP PLUTO_SENDS_VENDORID", "FreeS/WAN 2.00 (X.509-1.3.1, LDAP)"),
    letters("4f4548724b6e5e68557c604f", "Openswan 2.2.0", "Openswan 2.2.0"),
    letters("4f4572696f5c77557f746249", "Openswan 2.3.0", "Openswan 2.3.0"),
    text_id("OE-Libreswan-", "Libreswan").versioned(Version::Text),
    any_letters("4f45", "Openswan, Libreswan or FreeS/WAN"),
    any_letters("4f5357", "Openswan"),
    // What Openswan and Libreswan sent in IKEv1 against a forced fall back from IKEv2.
    text_id("IKEv2", "Openswan or Libreswan (can IKEv2)"),
    // KAME and ipsec-tools, OpenBSD, Shrew Soft, NCP.
    md5("7003cbc1097dbe9c2600ba6983bc8b35", "KAME/racoon", "racoon (ipsec-tools)"),
    md5("20a3622c1cea7ce37bee3ca484425276", "IPSec-Tools", "racoon (ipsec-tools)"),
    text_id("OpenIKED", "OpenIKED").versioned(Version::Text),
    octets("f14b94b7bff1fef02773b8c49feded26", "Shrew Soft"),
    octets("101fb0b35c5a4f4c08b919f1cb9777b0", "NCP client"),
    octets("eb4c1b788afd4a9cb7730a68", "NCP client"),
    octets("c6f57ac398f493208145b758", "NCP server"),
    text_id("Mac OSX", "macOS").versioned(Version::Text),
    // Fortinet: 12 octets of the hash, then release and build.
    md5("8299031757a36082c6a621de", "FORTIGATE", "FortiGate").versioned(Version::Build),
    octets("1d6e178f6c2c0be284985465450fe9d4", "FortiGate"),
    md5("b4f01ca951e9da8d0bafbbd34ad3044e", "Fortinet Endpoint Control", "Fortinet Endpoint Control"),
    md5("4c53427b6d465d1b337bb755a37a7fef", "forticlient connect license", "FortiClient"),
    // Check Point: the kind of product, then its version.
    octets("f4ed19e0c114eb516faaac0ee37daf2807b4381f00000002", "Check Point SecuRemote").versioned(CHECK_POINT_CLIENT),
    octets("f4ed19e0c114eb516faaac0ee37daf2807b4381f", "Check Point").versioned(CHECK_POINT),
    // Juniper NetScreen: SHA-1 of something, one for each family of devices and releases. SRX took one
    // of them over.
    octets("166f932d55eb64d8e4df4fd37e2313f0d0fd8451", "NetScreen ScreenOS"),
    octets("299ee8289f40a8973bc78687e2e7226b532c3b76", "NetScreen ScreenOS"),
    octets("2a2bcac19b8e91b426107807e02e7249569d6fd3", "NetScreen ScreenOS"),
    octets("2c9d7e81995b9967d23f571ac641f9348122f1cc", "NetScreen ScreenOS"),
    octets("3a15e1f3cf2a63582e3ac82d1c64cbe3b6d779e7", "NetScreen ScreenOS"),
    octets("47d2b126bfcd83489760e2cf8c5d4d5a03497c15", "NetScreen ScreenOS"),
    octets("4a4340b543e02b84c88a8b96a8af9ebe77d9accc", "NetScreen ScreenOS"),
    octets("64405f46f03b7660a23be116a1975058e69e8387", "NetScreen ScreenOS"),
    octets("699369228741c6d4ca094c93e242c9de19e7b7c6", "Juniper Junos or ScreenOS"),
    octets("8c0dc6cf62a0ef1b5c6eabd1b67ba69866adf16a", "NetScreen ScreenOS"),
    octets("92d27a9ecb31d99246986d3453d0c3d57a222a61", "NetScreen ScreenOS"),
    octets("9436e8d67174ef9aed068d5ad5213f187a3f8ba6", "NetScreen ScreenOS"),
    octets("9b096d9ac3275a7d6fe8b91c583111b09efed1a0", "NetScreen ScreenOS"),
    octets("a35bfd05ca1ac0b3d2f24e9e82bfcbff9c9e52b5", "NetScreen ScreenOS"),
    octets("bf03746108d746c904f1f3547de24f78479fed12", "NetScreen ScreenOS"),
    octets("c2e80500f4cc5fbf5daaeed3bb59abaeee56c652", "NetScreen ScreenOS"),
    octets("c8660a62b03b1b6130bf781608d32a6a8d0fb89f", "NetScreen ScreenOS"),
    octets("f885da40b1e7a9abd17655ec5bbec0f21f0ed52e", "NetScreen ScreenOS"),
    // SSH Communications Security, whose toolkits others built on (F-Secure, CyberGuard).
    md5("fbf47614984031fa8e3bb6198089b223", "Ssh Communications Security IPSEC Express version 1.1.0", "SSH IPSEC Express 1.1.0"),
    md5("1952dc91ac20f646fb01cf42a33aee30", "Ssh Communications Security IPSEC Express version 1.1.1", "SSH IPSEC Express 1.1.1"),
    md5("e8bffa643e5c8f2cd10fda7370b6ebe5", "Ssh Communications Security IPSEC Express version 1.1.2", "SSH IPSEC Express 1.1.2"),
    md5("c1111b2dee8cbc3d620573ec57aab9cb", "Ssh Communications Security IPSEC Express version 1.2.1", "SSH IPSEC Express 1.2.1"),
    md5("09ec27bfbc09c75823cfecbffe565a2e", "Ssh Communications Security IPSEC Express version 1.2.2", "SSH IPSEC Express 1.2.2"),
    md5("7f21a596e4e318f0b2f4944c2384cb84", "SSH Communications Security IPSEC Express version 2.0.0", "SSH IPSEC Express 2.0.0"),
    md5("2836d1fd2807bc9e5ae30786320451ec", "SSH Communications Security IPSEC Express version 2.1.0", "SSH IPSEC Express 2.1.0"),
    md5("a68de756a9c5229bae66498040951ad5", "SSH Communications Security IPSEC Express version 2.1.1", "SSH IPSEC Express 2.1.1"),
    md5("3f2372867e237c1cd8250a75559cae20", "SSH Communications Security IPSEC Express version 2.1.2", "SSH IPSEC Express 2.1.2"),
    md5("0e58d5774df602007d0b02443660f7eb", "SSH Communications Security IPSEC Express version 3.0.0", "SSH IPSEC Express 3.0.0"),
    md5("f5ce31ebc210f44350cf71265b57380f", "SSH Communications Security IPSEC Express version 3.0.1", "SSH IPSEC Express 3.0.1"),
    md5("f64260af2e2742daddd56987068a99a0", "SSH Communications Security IPSEC Express version 4.0.0", "SSH IPSEC Express 4.0.0"),
    md5("7a54d3bdb3b1e6d923892064be2d981c", "SSH Communications Security IPSEC Express version 4.0.1", "SSH IPSEC Express 4.0.1"),
    md5("9aa1f3b43472a45d5f506aeb260cf214", "SSH Communications Security IPSEC Express version 4.1.0", "SSH IPSEC Express 4.1.0"),
    md5("89f7b760d86b012acf263382394d962f", "SSH Communications Security IPSEC Express version 4.1.1", "SSH IPSEC Express 4.1.1"),
    md5("6880c7d026099114e486c55430e7abee", "SSH Communications Security IPSEC Express version 4.2.0", "SSH IPSEC Express 4.2.0"),
    md5("b037a21aceccb5570f602546f97bde8c", "SSH Communications Security IPSEC Express version 5.0", "SSH IPSEC Express 5.0"),
    md5("2b2dad97c4d140930053287f996850b0", "SSH Communications Security IPSEC Express version 5.0.0", "SSH IPSEC Express 5.0.0"),
    md5("45e17f3abe93944cb202910c59ef806b", "SSH Communications Security IPSEC Express version 5.1.0", "SSH IPSEC Express 5.1.0"),
    md5("5925859f7377ed7816d2fb81c01fa551", "SSH Communications Security IPSEC Express version 5.1.1", "SSH IPSEC Express 5.1.1"),
    md5("37eba0c4136184e7daf8562a77060b4a", "SSH Communications Security QuickSec 0.9.0", "SSH QuickSec 0.9.0"),
    md5("5d72925e55948a9661a7fc48fdec7ff9", "SSH Communications Security QuickSec 1.1.0", "SSH QuickSec 1.1.0"),
    md5("777fbf4c5af6d1cdd4b895a05bf82594", "SSH Communications Security QuickSec 1.1.1", "SSH QuickSec 1.1.1"),
    md5("2cdf08e712ede8a5978761267cd19b91", "SSH Communications Security QuickSec 1.1.2", "SSH QuickSec 1.1.2"),
    md5("59e454a8c2cf02a34959121f1890bc87", "SSH Communications Security QuickSec 1.1.3", "SSH QuickSec 1.1.3"),
    md5("8f9cc94e01248ecdf147594c284b213b", "SSH Communications Security QuickSec 2.1.0", "SSH QuickSec 2.1.0"),
    md5("054182a07c7ae206f9d2cf9d2432c482", "SSH Sentinel", "SSH Sentinel"),
    md5("b91623e693ca18a54c6a2778552305e8", "SSH Sentinel 1.1", "SSH Sentinel 1.1"),
    md5("5430888de01a31a6fa8f60224e449958", "SSH Sentinel 1.2", "SSH Sentinel 1.2"),
    md5("7ee5cb85f71ce259c94a5c731ee4e752", "SSH Sentinel 1.3", "SSH Sentinel 1.3"),
    md5("63d9a1a7009491b5a0a6fdeb2a8284f0", "SSH Sentinel 1.4", "SSH Sentinel 1.4"),
    md5("eb4b0d96276b4e220ad16221a7b2a5e6", "SSH Sentinel 1.4.1", "SSH Sentinel 1.4.1"),
    // Others.
    octets("47bbe7c993f1fc13b4e6d0db565c68e5", "SafeNet SoftRemote").versioned(Version::Tagged(3)),
    octets("da8e9378", "SafeNet, SonicWall or WatchGuard"),
    octets("5b362bc820f6", "SonicWall"),
    octets("404bf439522ca3f6", "SonicWall"),
    octets("8404adf9cda05760b2ca292e4bff537b", "Sidewinder"),
    octets("c573b056d7faca36c2fba28374127cbf", "StoneGate"),
    octets("baeb239037e17787d730eed9d95d48aa", "StoneGate"),
    octets("b858d1addd08c1e8adafea150608aa4497aa6cc8", "ZyXEL ZyWALL"),
    octets("625027749d5ab97f5616c1602765cf480a3b7d0b", "ZyXEL ZyWALL"),
    octets("f758f22668750f03b08df6ebe1d0", "ZyXEL ZyWALL USG"),
    text_id("BNES", "Nortel Contivity"),
    text_id("TIMESTEP", "TimeStep").versioned(Version::Text),
    text_id("VIA Auth Profile : ", "Aruba VIA profile").versioned(Version::Text),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::product::PRODUCTS;
    use ::md5::{Digest, Md5};

    fn from_hex(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn told(hex: &str) -> Option<String> {
        product(&from_hex(hex))
    }

    /// The octets of an ID, made of its text where that is known.
    fn made(id: &Id) -> Vec<u8> {
        match id {
            Id::Octets(hex) => from_hex(hex),
            Id::Md5(hex, text) => Md5::digest(text)[..hex.len() / 2].to_vec(),
            Id::Text(text) => text.as_bytes().to_vec(),
            Id::Letters(_, text) => {
                let letters = Md5::digest(text)[..10]
                    .iter()
                    .map(|octet| octet & 0x7f | 0x40)
                    .collect::<Vec<u8>>();
                [b"OE".as_slice(), &letters].concat()
            }
            Id::AnyLetters(hex) => {
                let mut data = from_hex(hex);
                data.resize(12, b'x');
                data
            }
        }
    }

    #[test]
    fn every_row_is_found_by_the_hash_of_its_text_and_not_by_fewer_octets() {
        for row in KNOWN {
            let data = made(&row.id);
            assert_eq!(product(&data).as_deref(), Some(row.product));
            let cut = product(&data[..data.len() - 1]);
            assert_ne!(cut.as_deref(), Some(row.product), "{}", row.product);
        }
    }

    #[test]
    fn every_product_is_known_by_ids_that_are_here_and_has_a_name_of_its_own() {
        let mut names: Vec<&str> = PRODUCTS.iter().map(|product| product.name).collect();
        for id in PRODUCTS.iter().flat_map(|product| product.ids) {
            assert!(KNOWN.iter().any(|row| row.product == *id), "{id}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PRODUCTS.len());
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
            (
                "01528bbbc00696121849ab9a1c5b2a5100000002",
                "Microsoft keying modules (IKEv2)",
            ),
            ("8299031757a36082c6a621de00050111", "FortiGate build 273"),
            ("8299031757a36082c6a621de00000000", "FortiGate"),
            (
                "f4ed19e0c114eb516faaac0ee37daf2807b4381f0000000100001388",
                "Check Point NG",
            ),
            (
                "f4ed19e0c114eb516faaac0ee37daf2807b4381f000000020000138d",
                "Check Point SecuRemote NG AI R55 or later",
            ),
            ("1f07f70eaa6514d3b0fa96542a500407", "Cisco VPN 3000 4.0.7"),
            ("1f07f70eaa6514d3b0fa96542a500100", "Cisco VPN 3000 or ASA"),
            (
                "47bbe7c993f1fc13b4e6d0db565c68e5010201010201010310\
                 382e302e3020284275696c6420313029000000",
                "SafeNet SoftRemote 8.0.0 (Build 10)",
            ),
            (
                "4048b7d56ebce88525e7de7f00d6c2d380000000",
                "IKEv1 fragmentation",
            ),
        ] {
            assert_eq!(told(hex).as_deref(), Some(says));
        }
        for (data, says) in [
            ("OE-Libreswan-4.12", "Libreswan 4.12"),
            ("CISCOVPN-REV-02", "Cisco VPN revision 02"),
            ("OpenIKED-7.3", "OpenIKED 7.3"),
            (
                "TIMESTEP 1 SGW 1520 315 2.01E013",
                "TimeStep 1 SGW 1520 315 2.01E013",
            ),
        ] {
            assert_eq!(product(data.as_bytes()).as_deref(), Some(says));
        }
    }

    #[test]
    fn twelve_letters_are_an_openswan_and_other_lengths_are_not() {
        let kin = Some("Openswan, Libreswan or FreeS/WAN".to_owned());
        assert_eq!(product(b"OEkRbGXRvmPE"), kin);
        assert_eq!(product(b"OEkRbGXRvmP"), None);
        assert_eq!(product(b"OEkRbGXRvmPEE"), None);
        assert_eq!(product(b"OEkRbGX\xf0vmPE"), None);
        assert_eq!(product(b"OSWkRbGXRvmP").unwrap(), "Openswan");
    }

    #[test]
    fn a_field_that_promises_too_much_tells_no_version() {
        let cut = "47bbe7c993f1fc13b4e6d0db565c68e50102010102010103ff38";
        assert_eq!(told(cut).unwrap(), "SafeNet SoftRemote");
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
