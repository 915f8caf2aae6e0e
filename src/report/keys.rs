//! Keys as a table: what they are for, how long they are, where they were found. Never a key.

use super::sheet::Sheet;
use crate::crypto::Secret;
use crate::keys::{AddressPattern, EspKeys, Ikev1Keys, Ikev2Keys, KeyRing, SpiPattern, names};
use crate::units::IkeSpi;
use std::io::{self, Write};

/// Writes a table of the keys, IKE before ESP.
pub fn write(out: &mut impl Write, ring: &KeyRing, sheet: Sheet) -> io::Result<()> {
    if ring.is_empty() {
        return writeln!(out, "No keys.");
    }
    let v1 = ring.ikev1.iter().map(ikev1);
    let v2 = ring.ikev2.iter().map(ikev2);
    let esp = ring.esp.iter().map(esp);
    let rows: Vec<Vec<String>> = v1.chain(v2).chain(esp).collect();
    let head = [
        "kind",
        "SPI",
        "for",
        "algorithms",
        "bits of keys",
        "found in",
    ];
    sheet.table(out, 0, &head, &rows)
}

fn ikev1(row: &Ikev1Keys) -> Vec<String> {
    let keys = [
        bits("cipher", row.encryption_key.as_ref()),
        bits("SKEYID", row.skeyid.as_ref()),
        bits("SKEYID_d", row.skeyid_d.as_ref()),
        bits("SKEYID_a", row.skeyid_a.as_ref()),
        bits("SKEYID_e", row.skeyid_e.as_ref()),
    ];
    let responder = row.responder.unwrap_or_default();
    vec![
        "IKEv1".to_owned(),
        spis(row.initiator, responder),
        String::new(),
        String::new(),
        listed(keys.into_iter().flatten()),
        row.origin.to_string(),
    ]
}

fn ikev2(row: &Ikev2Keys) -> Vec<String> {
    let algorithms = [
        row.encryption.map(names::encryption),
        row.integrity
            .filter(|id| *id != 0)
            .map(names::iana::integrity_name),
        row.prf.map(names::iana::prf_name),
    ];
    let keys = [
        bits("SK_d", row.sk_d.as_ref()),
        pair("SK_a", &row.sk_ai, &row.sk_ar),
        pair("SK_e", &row.sk_ei, &row.sk_er),
        pair("SK_p", &row.sk_pi, &row.sk_pr),
    ];
    vec![
        "IKEv2".to_owned(),
        spis(row.spis.initiator, row.spis.responder),
        String::new(),
        listed(algorithms.into_iter().flatten()),
        listed(keys.into_iter().flatten()),
        row.origin.to_string(),
    ]
}

fn esp(row: &EspKeys) -> Vec<String> {
    let algorithms = [
        row.encryption.map(names::encryption),
        row.integrity.filter(|is| is.id != 0).map(names::integrity),
        row.esn.filter(|esn| *esn).map(|_| "ESN".to_owned()),
    ];
    let keys = [&row.encryption_key, &row.integrity_key]
        .into_iter()
        .filter(|key| !key.is_empty())
        .zip(
            ["cipher", "integrity"]
                .into_iter()
                .skip(usize::from(row.encryption_key.is_empty())),
        );
    vec![
        if row.ah { "AH" } else { "ESP" }.to_owned(),
        spi(row.spi),
        format!("{} → {}", address(row.from), address(row.to)),
        listed(algorithms.into_iter().flatten()),
        listed(keys.filter_map(|(key, name)| bits(name, Some(key)))),
        row.origin.to_string(),
    ]
}

fn listed(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<String>>().join(", ")
}

fn bits(name: &str, key: Option<&Secret>) -> Option<String> {
    key.map(|key| format!("{name} {}", key.len() * 8))
}

/// The keys of both ends as one where both are there.
fn pair(name: &str, initiator: &Option<Secret>, responder: &Option<Secret>) -> Option<String> {
    match (initiator, responder) {
        (Some(key), Some(_)) => bits(name, Some(key)),
        (Some(key), None) => bits(&format!("{name}i"), Some(key)),
        (None, key) => bits(&format!("{name}r"), key.as_ref()),
    }
}

/// The SPIs of an IKE SA; `?` for one that the file does not tell.
fn spis(initiator: IkeSpi, responder: IkeSpi) -> String {
    let told = |spi: IkeSpi| match spi.is_zero() {
        true => "?".to_owned(),
        false => spi.to_string(),
    };
    format!("{}_i {}_r", told(initiator), told(responder))
}

fn spi(pattern: SpiPattern) -> String {
    match pattern.mask {
        0 => "any".to_owned(),
        u32::MAX => pattern.spi.to_string(),
        mask => format!("{} where 0x{mask:08x}", pattern.spi),
    }
}

fn address(pattern: AddressPattern) -> String {
    match pattern {
        AddressPattern::Any => "any".to_owned(),
        AddressPattern::AnyV4 => "any IPv4".to_owned(),
        AddressPattern::AnyV6 => "any IPv6".to_owned(),
        AddressPattern::Prefix(address, length) => format!("{address}/{length}"),
        AddressPattern::One(address) => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::format;

    #[test]
    fn lengths_are_told_and_keys_are_not() {
        let text = "\
[[ikev1]]
initiator_cookie = \"0011223344556677\"
encryption_key = \"c0ffee\"
[[ikev2]]
initiator_spi = \"0011223344556677\"
encryption = \"ENCR_AES_CBC\"
sk_ei = \"c0ffeec0ffeec0ffeec0ffeec0ffeec0\"
[[esp]]
spi = \"12345678\"
from = \"192.0.2.1\"
integrity = \"AUTH_HMAC_SHA1_96\"
integrity_key = \"c0ff\"
esn = true
";
        let mut ring = KeyRing::default();
        format::read(text.as_bytes(), "f", &mut ring).unwrap();
        let mut out = Vec::new();
        write(&mut out, &ring, Sheet::default()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
kind   SPI                     for              algorithms              bits of keys  found in
IKEv1  0011223344556677_i ?_r                                           cipher 24     f:1
IKEv2  0011223344556677_i ?_r                   ENCR_AES_CBC            SK_ei 128     f:4
ESP    0x12345678              192.0.2.1 → any  AUTH_HMAC_SHA1_96, ESN  integrity 16  f:8
"
        );
    }
}
