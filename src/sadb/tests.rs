use super::*;
use crate::crypto::Prf;
use crate::keys::{AddressPattern, EncryptionId, IntegrityId, SpiPattern};
use crate::net::{FailedEsp, Unopened};
use std::net::{IpAddr, Ipv4Addr};

const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const TO: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2));
const SPI: EspSpi = EspSpi(0xc0ff_ee01);
const NULL: u16 = 11;
const HMAC_SHA1_96: u16 = 2;

/// Keys of ENCR_NULL with AUTH_HMAC_SHA1_96, whose key is this octet.
fn keys(spi: EspSpi, octet: u8, esn: Option<bool>) -> EspKeys {
    EspKeys {
        ah: false,
        from: AddressPattern::Any,
        to: AddressPattern::Any,
        spi: SpiPattern::one(spi),
        encryption: Some(EncryptionId {
            id: NULL,
            key_bits: None,
        }),
        encryption_key: [][..].into(),
        integrity: Some(IntegrityId::usual(HMAC_SHA1_96)),
        integrity_key: [octet; 20][..].into(),
        esn,
        origin: Origin {
            file: "keys".to_owned(),
            line: octet.into(),
        },
    }
}

/// A UDP datagram without a checksum, its padding and the rest of the trailer.
fn text() -> Vec<u8> {
    vec![0, 53, 0, 53, 0, 10, 0, 0, 7, 7, 1, 2, 3, 4, 4, 17]
}

/// A packet that is sealed with such keys.
fn sealed(octet: u8, high: Option<u32>, text: &[u8]) -> Vec<u8> {
    let mut packet = [&SPI.0.to_be_bytes()[..], &[0, 0, 0, 9], text].concat();
    let high = high.map(u32::to_be_bytes);
    let high = high.as_ref().map_or(&[][..], |high| &high[..]);
    let code = Prf::new(2).unwrap().of(&[octet; 20], &[&packet, high]);
    packet.extend(&code.expose()[..12]);
    packet
}

fn database(keys: &[EspKeys]) -> Sadb {
    let ring = KeyRing {
        esp: keys.to_vec(),
        ..KeyRing::default()
    };
    Sadb::new(&ring)
}

fn open(database: &Sadb, bytes: &[u8]) -> Option<Opening> {
    let packet = Sealed {
        spi: SPI,
        bytes,
        cut: false,
        from: FROM,
        to: TO,
    };
    let mut opener = Opener::default();
    let opening = opener.open(database, &packet).opening;
    // Where an opener begins makes no difference.
    assert_eq!(opener.open(database, &packet).opening, opening);
    opening
}

#[track_caller]
fn opened(database: &Sadb, bytes: &[u8]) -> OpenedEsp {
    open(database, bytes).unwrap().opened().unwrap().clone()
}

#[test]
fn of_several_keys_for_one_spi_the_checksum_decides() {
    let database = database(&[keys(SPI, 1, Some(false)), keys(SPI, 2, Some(false))]);
    for octet in [2, 1] {
        let opened = opened(&database, &sealed(octet, None, &text()));
        let sa = database.get(opened.sa).unwrap();
        assert_eq!(sa.origin.line, u64::from(octet));
        assert_eq!(sa.suite, "ENCR_NULL with AUTH_HMAC_SHA1_96");
        assert_eq!((opened.next_header, opened.pad_length), (17, 4));
        assert_eq!(opened.inner.to.port, Some(53));
        assert!(opened.checked);
    }
    let failed = FailedEsp {
        sa: SaId(0),
        why: Unopened::Integrity,
    };
    assert_eq!(
        open(&database, &sealed(3, None, &text())),
        Some(Opening::Failed(failed))
    );
}

#[test]
fn the_checksum_of_sha2_256_is_tried_as_a_draft_had_it_too() {
    let mut sha2 = keys(SPI, 1, Some(false));
    sha2.integrity = Some(IntegrityId::usual(12));
    sha2.integrity_key = [1; 32][..].into();
    let database = database(&[sha2]);
    for (octets, suite) in [
        (16, "ENCR_NULL with AUTH_HMAC_SHA2_256_128"),
        (12, "ENCR_NULL with AUTH_HMAC_SHA2_256_128, cut to 96 bits"),
    ] {
        let mut packet = [&SPI.0.to_be_bytes()[..], &[0, 0, 0, 9], &text()].concat();
        let code = Prf::new(5).unwrap().of(&[1; 32], &[&packet]);
        packet.extend(&code.expose()[..octets]);
        let opened = opened(&database, &packet);
        assert!(opened.checked);
        assert_eq!(database.get(opened.sa).unwrap().suite, suite);
    }
}

#[test]
fn the_high_half_of_a_sequence_number_is_found_by_the_checksum() {
    for (esn, highs) in [
        (None, vec![None, Some(0), Some(1), Some(15)]),
        (Some(true), vec![Some(0), Some(7)]),
        (Some(false), vec![None]),
    ] {
        let database = database(&[keys(SPI, 1, esn)]);
        for high in highs {
            let opened = opened(&database, &sealed(1, high, &text()));
            assert_eq!(opened.high, high, "{esn:?}");
        }
    }
    let plain = database(&[keys(SPI, 1, Some(false))]);
    let extended = database(&[keys(SPI, 1, Some(true))]);
    assert!(
        open(&plain, &sealed(1, Some(0), &text()))
            .unwrap()
            .opened()
            .is_none()
    );
    assert!(
        open(&extended, &sealed(1, None, &text()))
            .unwrap()
            .opened()
            .is_none()
    );
}

#[test]
fn addresses_are_a_hint_only() {
    let mut elsewhere = keys(SPI, 1, Some(false));
    elsewhere.from = AddressPattern::One([10, 0, 0, 9].into());
    elsewhere.to = AddressPattern::Prefix([10, 0, 0, 0].into(), 8);
    let mut here = keys(SPI, 1, Some(false));
    here.to = AddressPattern::Prefix([198, 51, 100, 0].into(), 24);
    let packet = sealed(1, None, &text());
    assert!(opened(&database(&[elsewhere.clone()]), &packet).checked);
    assert_eq!(opened(&database(&[elsewhere, here]), &packet).sa, SaId(1));
}

#[test]
fn keys_of_any_spi_are_tried_on_each() {
    let mut any = keys(SPI, 1, None);
    any.spi.mask = 0;
    let mut other = keys(EspSpi(1), 1, None);
    other.spi.mask = 0xff;
    assert!(opened(&database(&[any]), &sealed(1, None, &text())).checked);
    assert!(opened(&database(&[other]), &sealed(1, None, &text())).checked);
    assert_eq!(
        open(
            &database(&[keys(EspSpi(7), 1, None)]),
            &sealed(1, None, &text())
        ),
        None
    );
}

#[test]
fn what_nothing_checks_must_make_sense() {
    let mut untold = keys(SPI, 1, None);
    untold.integrity = None;
    untold.integrity_key = [][..].into();
    let database = database(&[untold]);
    let packet = sealed(1, None, &text());
    let opened = opened(&database, &packet);
    assert!(!opened.checked);
    assert_eq!(opened.next_header, 17);
    // Where the length of the datagram is another, it is none.
    let mut senseless = packet;
    senseless[13] = 9;
    match open(&database, &senseless) {
        Some(Opening::Failed(failed)) => assert_eq!(failed.why, Unopened::Senseless),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_checksum_of_its_own_does_not_prove_the_key_of_the_cipher() {
    let mut aes = keys(SPI, 1, Some(false));
    aes.encryption = Some(EncryptionId {
        id: 12,
        key_bits: None,
    });
    // An IV and two blocks, and what any key makes of them.
    let packet = sealed(1, None, &[0x5a; 48]);
    let opened = |octet: u8| {
        aes.encryption_key = [octet; 16][..].into();
        match open(&database(&[aes.clone()]), &packet) {
            Some(Opening::Failed(failed)) => {
                assert_eq!(failed.why, Unopened::Senseless);
                false
            }
            Some(Opening::Opened(_)) => true,
            None => panic!("no key was tried"),
        }
    };
    // Where it ends in zero there is no padding to judge by: once in 256 times.
    let opened = (0..=u8::MAX).map(opened).filter(|opened| *opened).count();
    assert!(opened <= 5, "{opened}");
}

#[test]
fn what_did_not_open_leaves_no_payload() {
    let database = database(&[keys(SPI, 1, None)]);
    let mut opener = Opener::default();
    for (octet, payload) in [(1, 10), (2, 0)] {
        let bytes = sealed(octet, None, &text());
        let packet = Sealed {
            spi: SPI,
            bytes: &bytes,
            cut: false,
            from: FROM,
            to: TO,
        };
        opener.open(&database, &packet);
        assert_eq!(opener.payload().len(), payload);
    }
}

#[test]
fn a_padding_that_claims_too_much_is_told_from_a_wrong_key() {
    let database = database(&[keys(SPI, 2, Some(false)), keys(SPI, 1, Some(false))]);
    let mut text = text();
    text[14] = 200;
    match open(&database, &sealed(1, None, &text)) {
        Some(Opening::Failed(failed)) => assert_eq!(failed.why, Unopened::Padding),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_packet_that_was_cut_is_not_opened() {
    let database = database(&[keys(SPI, 1, None)]);
    let packet = sealed(1, None, &text());
    let tried = Opener::default().open(
        &database,
        &Sealed {
            spi: SPI,
            bytes: &packet[..20],
            cut: true,
            from: FROM,
            to: TO,
        },
    );
    match tried.opening {
        Some(Opening::Failed(failed)) => assert_eq!(failed.why, Unopened::Cut),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_that_cannot_be_used_say_why() {
    let mut short = keys(SPI, 1, None);
    short.integrity_key = [1; 3][..].into();
    let database = database(&[short]);
    assert!(database.is_empty() && database.is_idle());
    let told: Vec<String> = database
        .unusable()
        .iter()
        .map(|unusable| format!("{}: {}", unusable.origin, unusable.why))
        .collect();
    assert_eq!(
        told,
        ["keys:1: AUTH_HMAC_SHA1_96 takes a key of 20 octets, not 3"]
    );
}

#[test]
fn keys_of_one_spi_are_bounded_and_the_rest_is_counted() {
    let many: Vec<EspKeys> = (0..=limits::SADB_CANDIDATES)
        .map(|_| keys(SPI, 1, None))
        .collect();
    let database = database(&many);
    assert_eq!(
        (database.len(), database.beyond()),
        (limits::SADB_CANDIDATES, 1)
    );
}

#[test]
fn keys_of_ah_that_follow_from_ike_are_no_loss_where_a_file_tells_them() {
    let ah = |line| {
        let mut keys = keys(SPI, 1, None);
        keys.ah = true;
        keys.origin.line = line;
        keys
    };
    for (told, missing) in [(vec![ah(2)], 0), (vec![keys(SPI, 1, None)], 1)] {
        let mut database = database(&told);
        database.add(&ah(1));
        assert_eq!(database.unusable().len(), missing);
    }
}
