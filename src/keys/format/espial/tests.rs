//! What is written is read again, and what is wrong is told with its line.

use super::super::KEY_FORMATS;
use crate::crypto::Secret;
use crate::keys::testing::check;
use crate::keys::{
    AddressPattern, EncryptionId, EspKeys, Ikev1Keys, Ikev2Keys, IntegrityId, KeyRing, Origin,
    SpiPattern, lengths,
};
use crate::units::{EspSpi, IkeSpi, IkeSpis};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::net::IpAddr;

#[test]
fn a_table_of_each_kind_is_read() {
    let text = "\
# What the lab used.
[[ikev1]]
initiator_cookie = \"0011223344556677\"
encryption_key = \"00FF\"
skeyid_e = '01'

[[ikev2]] # the second
initiator_spi = \"0x0011223344556677\"
responder_spi = \"8899aabbccddeeff\"
encryption = 20
key_bits = 128
integrity = \"NONE\"
prf = \"PRF_HMAC_SHA2_256\"
sk_ei = \"0101010101010101010101010101010101010101\"

[[esp]]
from = \"192.0.2.0/24\"
to = \"any-ipv6\"
spi = \"0x12000000\"
spi_mask = \"0xff000000\"
encryption = \"ENCR_NULL\"
integrity = \"unknown\"
icv_octets = 12
esn = false

[[esp]]
ah = true
integrity = \"AUTH_HMAC_SHA1_96\"
integrity_key = \"02\"
";
    assert_eq!(
        check("toml", text),
        "\
2: ikev1 0011223344556677 ? key=00ff e=01
7: ikev2 0011223344556677 8899aabbccddeeff ENCR_AES_GCM_16-128 NONE PRF_HMAC_SHA2_256 ei=0101010101010101010101010101010101010101
16: esp 192.0.2.0/24 > any6 0x12000000/ff000000 ENCR_NULL  unknown cut to 96 bits  no-esn
26: ah any > any 0x00000000/00000000 ?  AUTH_HMAC_SHA1_96 02
"
    );
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_the_others_are_used() {
    for (field, said) in [
        (
            "sk_x = \"00\"",
            "3: unknown field; expected initiator_cookie, responder_cookie, encryption_key, skeyid, skeyid_d, skeyid_a, skeyid_e",
        ),
        ("skeyid = 7", "3: skeyid: expected hex digits in quotes"),
        (
            "skeyid = \"abc\"",
            "3: skeyid: expected an even number of hex digits, not 3",
        ),
        (
            "initiator_cookie = \"12\"",
            "3: initiator_cookie: expected an SPI of 16 hex digits in quotes",
        ),
        (
            "[[ikev2]]\nencryption = \"ROT13\"",
            "4: encryption: expected IANA's name or number, such as \"ENCR_AES_CBC\"",
        ),
        (
            "[[ikev2]]\nkey_bits = 3",
            "3: key_bits: expected encryption too",
        ),
        (
            "[[ikev2]]\nencryption = \"ENCR_AES_CBC\"\nsk_ei = \"00\"",
            "5: sk_ei: a key of 1 octets; ENCR_AES_CBC takes 16 or 24 or 32",
        ),
        (
            "[[esp]]\nfrom = \"1.2.3.4/33\"",
            "4: from: expected an address, a prefix, \"any\", \"any-ipv4\" or \"any-ipv6\"",
        ),
        (
            "[[esp]]\nspi = \"123456789\"",
            "4: spi: expected up to 8 hex digits in quotes",
        ),
        (
            "[[esp]]\nicv_octets = 12",
            "3: icv_octets: expected integrity too",
        ),
        ("[[esp]]\nesn = 1", "4: esn: expected true or false"),
        (
            "[[ike]]\nx = 1",
            "3: expected [[ikev1]], [[ikev2]] or [[esp]]",
        ),
    ] {
        let text = format!("[[ikev1]]\nskeyid_d = \"aa\"\n{field}\n[[ikev1]]\nskeyid_d = \"bb\"\n");
        let shown = check("toml", text);
        assert!(shown.contains(" d=bb\n"), "{field}\n{shown}");
        assert!(
            shown.ends_with(&format!("! f:{said}\n")),
            "{field}\n{shown}"
        );
    }
}

#[test]
fn what_is_no_toml_is_told_without_showing_it() {
    for text in [
        "[[ikev1]]\nskeyid = \"c0ffee\n",
        "[[ikev1]]\nskeyid = c0ffee\n",
        "[[ikev1]]\nc0ffee\n",
        "[[ikev1]]\nskeyid = \"\\c0ffee\"\n",
    ] {
        let shown = check("toml", text);
        assert!(shown.contains("! f:2: not TOML: "), "{shown}");
        assert!(!shown.contains("c0ffee"), "{shown}");
    }
    assert_eq!(
        check("toml", b"[[ikev1]]\nskeyid = \"\xff\"\n"),
        "! f:2: expected UTF-8\n"
    );
}

fn secrets(most: usize) -> impl Strategy<Value = Secret> {
    vec(any::<u8>(), 0..most).prop_map(Secret::new)
}

fn origin() -> Origin {
    Origin {
        file: "f".to_owned(),
        line: 0,
    }
}

prop_compose! {
    fn v1()(
        initiator in any::<u64>(),
        responder in of(any::<u64>()),
        keys in vec(of(secrets(40)), 5),
    ) -> Ikev1Keys {
        let [encryption_key, skeyid, skeyid_d, skeyid_a, skeyid_e] = keys.try_into().unwrap();
        Ikev1Keys {
            responder: responder.map(IkeSpi),
            encryption_key, skeyid, skeyid_d, skeyid_a, skeyid_e,
            ..Ikev1Keys::new(IkeSpi(initiator), origin())
        }
    }
}

/// A cipher and a key that it takes.
fn encryption() -> impl Strategy<Value = (Option<EncryptionId>, Secret)> {
    let known = (any::<u16>(), of(Just(())), vec(any::<u8>(), 64)).prop_map(|(id, told, key)| {
        // Numbers of the registry half of the time.
        let id = if id % 2 == 0 { id % 40 } else { id };
        let plain = EncryptionId { id, key_bits: None };
        let fits = (0..64)
            .find(|octets| lengths::check(plain, *octets).is_ok())
            .unwrap();
        let key_bits = told.and_then(|()| lengths::bits(id, fits));
        (
            Some(EncryptionId { id, key_bits }),
            Secret::from(&key[..fits]),
        )
    });
    prop_oneof![secrets(40).prop_map(|key| (None, key)), known]
}

prop_compose! {
    fn v2()(
        spis in any::<[u64; 2]>(),
        (encryption, key) in encryption(),
        integrity in of(0..20u16),
        prf in of(any::<u16>()),
        keys in vec(of(secrets(40)), 5),
    ) -> Ikev2Keys {
        let [sk_d, sk_ai, sk_ar, sk_pi, sk_pr] = keys.try_into().unwrap();
        let spis = IkeSpis { initiator: IkeSpi(spis[0]), responder: IkeSpi(spis[1]) };
        Ikev2Keys {
            encryption, integrity, prf, sk_d, sk_ai, sk_ar, sk_pi, sk_pr,
            sk_ei: Some(key),
            ..Ikev2Keys::new(spis, origin())
        }
    }
}

fn address() -> impl Strategy<Value = AddressPattern> {
    prop_oneof![
        Just(AddressPattern::Any),
        Just(AddressPattern::AnyV4),
        Just(AddressPattern::AnyV6),
        any::<IpAddr>().prop_map(AddressPattern::One),
        (any::<IpAddr>(), 0..=32u8).prop_map(|(a, length)| AddressPattern::Prefix(a, length)),
    ]
}

prop_compose! {
    fn esp()(
        ah in any::<bool>(),
        (from, to) in (address(), address()),
        (spi, mask) in (any::<u32>(), prop_oneof![Just(u32::MAX), any::<u32>()]),
        (encryption, encryption_key) in encryption(),
        integrity in of((any::<u16>(), of(any::<u8>()))),
        integrity_key in secrets(40),
        esn in of(any::<bool>()),
    ) -> EspKeys {
        EspKeys {
            ah, from, to,
            spi: SpiPattern { spi: EspSpi(spi), mask },
            encryption, encryption_key,
            integrity: integrity.map(|(id, icv_octets)| IntegrityId { id, icv_octets }),
            integrity_key, esn,
            origin: origin(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The law: TOML says everything.
    #[test]
    fn what_is_written_is_read_again(
        ikev1 in vec(v1(), 0..4),
        ikev2 in vec(v2(), 0..4),
        esp in vec(esp(), 0..4),
    ) {
        let ring = KeyRing { ikev1, ikev2, esp };
        let toml = KEY_FORMATS.iter().find(|format| format.name == "toml").unwrap();
        let written = toml.write(&ring).unwrap();
        prop_assert!(written.left_out.is_empty());
        let text = written.files[0].1.expose();
        prop_assert!(ring.is_empty() || toml.recognises(text));
        let mut again = KeyRing::default();
        let problems = toml.read(text, "f", &mut again);
        prop_assert_eq!(&problems, &[]);
        for origin in again.ikev1.iter_mut().map(|row| &mut row.origin)
            .chain(again.ikev2.iter_mut().map(|row| &mut row.origin))
            .chain(again.esp.iter_mut().map(|row| &mut row.origin))
        {
            origin.line = 0;
        }
        prop_assert_eq!(again, ring);
    }
}
