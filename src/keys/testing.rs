//! Keys as text, for tests only: theirs are no secrets.

use super::format::{self, KEY_FORMATS};
use super::problem::Problem;
use super::{AddressPattern, EspKeys, Ikev1Keys, Ikev2Keys, KeyRing, names};
use crate::crypto::Secret;
use crate::wire::text::Hex;

/// Reads a file of one format, which must know it, and shows its keys and problems, a line each.
pub(super) fn check(name: &str, text: impl AsRef<[u8]>) -> String {
    let text = text.as_ref();
    let format = KEY_FORMATS
        .iter()
        .find(|format| format.name == name)
        .unwrap();
    assert!(format.recognises(text), "{name} does not know it");
    let mut ring = KeyRing::default();
    let problems = format::read(text, "f", &mut ring).unwrap();
    show(&ring, &problems)
}

/// Shows keys and problems, a line each.
pub(super) fn show(ring: &KeyRing, problems: &[Problem]) -> String {
    let v1 = ring.ikev1.iter().map(|row| (row.origin.line, v1(row)));
    let v2 = ring.ikev2.iter().map(|row| (row.origin.line, v2(row)));
    let esp = ring.esp.iter().map(|row| (row.origin.line, esp(row)));
    let rows = v1.chain(v2).chain(esp);
    let rows = rows.map(|(line, row)| format!("{line}: {row}\n"));
    let problems = problems.iter().map(|problem| format!("! {problem}\n"));
    rows.chain(problems).collect()
}

fn word(name: &str, key: &Option<Secret>) -> String {
    key.as_ref()
        .map_or_else(String::new, |key| format!(" {name}={}", Hex(key.expose())))
}

fn v1(row: &Ikev1Keys) -> String {
    let responder = row.responder.map_or("?".to_owned(), |spi| spi.to_string());
    [
        format!("ikev1 {} {responder}", row.initiator),
        word("key", &row.encryption_key),
        word("skeyid", &row.skeyid),
        word("d", &row.skeyid_d),
        word("a", &row.skeyid_a),
        word("e", &row.skeyid_e),
    ]
    .concat()
}

fn v2(row: &Ikev2Keys) -> String {
    let or = |name: Option<String>| name.unwrap_or("?".to_owned());
    [
        format!(
            "ikev2 {} {} {} {} {}",
            row.spis.initiator,
            row.spis.responder,
            or(row.encryption.map(names::encryption)),
            or(row.integrity.map(names::iana::integrity_name)),
            or(row.prf.map(names::iana::prf_name)),
        ),
        word("d", &row.sk_d),
        word("ai", &row.sk_ai),
        word("ar", &row.sk_ar),
        word("ei", &row.sk_ei),
        word("er", &row.sk_er),
        word("pi", &row.sk_pi),
        word("pr", &row.sk_pr),
    ]
    .concat()
}

fn esp(row: &EspKeys) -> String {
    let or = |name: Option<String>| name.unwrap_or("?".to_owned());
    let mask = match row.spi.mask {
        u32::MAX => String::new(),
        mask => format!("/{mask:08x}"),
    };
    let esn = match row.esn {
        None => "",
        Some(true) => " esn",
        Some(false) => " no-esn",
    };
    format!(
        "{} {} > {} {}{mask} {} {} {}{esn}",
        if row.ah { "ah" } else { "esp" },
        address(row.from),
        address(row.to),
        row.spi.spi,
        or(row.encryption.map(names::encryption)),
        Hex(row.encryption_key.expose()),
        or(row.integrity.map(|is| format!(
            "{} {}",
            names::integrity(is),
            Hex(row.integrity_key.expose())
        ))),
    )
}

fn address(pattern: AddressPattern) -> String {
    match pattern {
        AddressPattern::Any => "any".to_owned(),
        AddressPattern::AnyV4 => "any4".to_owned(),
        AddressPattern::AnyV6 => "any6".to_owned(),
        AddressPattern::Prefix(address, length) => format!("{address}/{length}"),
        AddressPattern::One(address) => address.to_string(),
    }
}
