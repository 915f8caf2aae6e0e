use crate::model::{Flight, Link, Model, Role};
use crate::testing::model;
use std::fmt::Write;

/// Exchanges as text: side, type, message ID, and of each flight the frames of its parts, its
/// repeats after `+` and its copies elsewhere after `=`.
fn exchanges(model: &Model) -> String {
    let mut text = String::new();
    let exchanges = model.ike_sas.iter().flat_map(|row| &row.exchanges);
    for exchange in exchanges.map(|id| &model.exchanges[*id]) {
        write!(
            text,
            "sa{} {} {} {}:",
            exchange.ike_sa.0,
            side(exchange.by),
            exchange.kind,
            exchange.message_id
        )
        .unwrap();
        for flight in &exchange.flights {
            write!(text, " {}", flight_text(model, flight)).unwrap();
        }
        text.push('\n');
    }
    text
}

fn flight_text(model: &Model, flight: &Flight) -> String {
    let frames = |ids: &[crate::model::MessageId]| {
        let frames = ids.iter().map(|id| model.messages[*id].frame);
        let frames = frames.map(|frame| match frame.input {
            0 => frame.number.to_string(),
            input => format!("{}@{input}", frame.number),
        });
        frames.collect::<Vec<_>>().join(",")
    };
    let mut text = format!("{}{}", side(flight.by), frames(&flight.parts));
    if !flight.again.is_empty() {
        write!(text, "+{}", frames(&flight.again)).unwrap();
    }
    if !flight.elsewhere.is_empty() {
        write!(text, "={}", frames(&flight.elsewhere)).unwrap();
    }
    if let Some(total) = flight.fragments {
        write!(text, "({:?}/{total})", flight.fragments_seen).unwrap();
    }
    text
}

fn side(role: Role) -> char {
    match role {
        Role::Initiator => 'i',
        Role::Responder => 'r',
    }
}

/// Child SAs as text: IKE SA, exchange, SPIs towards asker and answerer, what it replaces.
fn children(model: &Model) -> String {
    let mut text = String::new();
    for child in model.child_sas.iter() {
        let spi = |spi: Option<crate::units::EspSpi>| {
            spi.map_or("-".to_owned(), |spi| format!("{:x}", spi.0))
        };
        writeln!(
            text,
            "sa{} {} {} {}{}",
            child.ike_sa.map_or("-".to_owned(), |id| id.0.to_string()),
            child
                .made_by
                .map_or("-".to_owned(), |id| model.exchanges[id].kind.to_string()),
            spi(child.spis[0]),
            spi(child.spis[1]),
            child
                .replaces
                .map_or(String::new(), |id| format!(" replaces {}", id.0))
        )
        .unwrap();
    }
    text
}

fn tunnels(model: &Model) -> String {
    let mut text = String::new();
    for tunnel in model.tunnels.iter() {
        let side = |index: usize| {
            let list = tunnel.addresses[index].iter();
            list.map(ToString::to_string).collect::<Vec<_>>().join(",")
        };
        writeln!(
            text,
            "{} <> {} sas {:?} flows {:?}",
            side(0),
            side(1),
            tunnel.ike_sas.iter().map(|id| id.0).collect::<Vec<_>>(),
            tunnel.flows.iter().map(|id| id.0).collect::<Vec<_>>()
        )
        .unwrap();
    }
    text
}

fn states(model: &Model) -> Vec<String> {
    let rows = model.ike_sas.iter();
    rows.map(|row| format!("{:?}", row.state)).collect()
}

const INIT: &str = "
        0.00 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD N(16430)
        0.02 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD N(16430)
        0.03 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 288
    ";
const UP: &str = "0.05 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
    ";

fn after_init(text: &str) -> Model {
    model(&format!("{INIT}{text}"))
}

fn established(text: &str) -> Model {
    model(&format!("{INIT}{UP}{text}"))
}

#[test]
fn requests_and_responses_meet_and_copies_are_repeats() {
    let model = after_init(
        "4.03 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 288
             4.05 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 again=0.1",
    );
    assert_eq!(
        exchanges(&model),
        "sa0 i IKE_SA_INIT 0: i1 r2\n\
             sa0 i IKE_AUTH 1: i3+4 r5+6\n"
    );
    assert_eq!(states(&model), ["Established"]);
}

#[test]
fn an_answer_that_was_missed_is_known_by_what_the_initiator_goes_on_with() {
    let lines: Vec<&str> = INIT.trim().lines().collect();
    let model = model(&format!("{}\n{}\n{UP}", lines[0], lines[2]));
    assert_eq!(
        exchanges(&model),
        "sa0 i IKE_SA_INIT 0: i1\n\
             sa0 i IKE_AUTH 1: i2 r3\n"
    );
    assert_eq!(states(&model), ["Established"]);
    assert_eq!(model.ike_sas[crate::model::IkeSaId(0)].spis.responder.0, 2);
    // Where an answer gave another SPI, it is another IKE SA.
    let other = super::tests::model(&format!(
        "{}\n{}\n{}",
        lines[0],
        lines[1],
        lines[2].replace("r=2", "r=3")
    ));
    assert_eq!(states(&other).len(), 2);
}

#[test]
fn both_sides_count_their_own_requests() {
    let model = established(
        "9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             9.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80
             9.2 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             9.3 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80",
    );
    assert!(
        exchanges(&model).ends_with(
            "sa0 i INFORMATIONAL 2: i5 r6\n\
                 sa0 r INFORMATIONAL 2: r7 i8\n"
        ),
        "{}",
        exchanges(&model)
    );
}

#[test]
fn a_retry_after_a_cookie_or_another_group_is_another_exchange_of_the_same_sa() {
    let model = model(
            "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH19) KE(19) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(17 000e)
             0.2 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.3 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce",
        );
    assert_eq!(
        exchanges(&model),
        "sa0 i IKE_SA_INIT 0: i1 r2\n\
             sa0 i IKE_SA_INIT 0: i3 r4\n"
    );
    assert_eq!(model.ike_sas.iter().next().unwrap().spis.responder.0, 2);
    assert_eq!(states(&model), ["HalfOpen"]);
}

#[test]
fn the_same_initiator_spi_from_another_peer_is_another_sa() {
    let model = model(
        "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
             0.1 C:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce seed=1
             0.2 B:500 > C:500 IKE_SA_INIT i=1 r=5 id=0 response SA(DH14) KE(14) Nonce
             0.3 B:500 > A:500 IKE_SA_INIT i=1 r=6 id=0 response SA(DH14) KE(14) Nonce",
    );
    assert_eq!(
        exchanges(&model),
        "sa0 i IKE_SA_INIT 0: i1 r4\n\
             sa1 i IKE_SA_INIT 0: i2 r3\n"
    );
}

#[test]
fn an_answer_from_another_address_meets_its_request_and_joins_the_tunnel() {
    let model = model(
        "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
             0.1 C:500 > A:500 IKE_SA_INIT i=1 r=5 id=0 response SA(DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=5 id=1 request sealed 288
             0.3 C:500 > A:500 IKE_AUTH i=1 r=5 id=1 response sealed 240
             0.4 A > C ESP 0xc1",
    );
    assert_eq!(
        exchanges(&model),
        "sa0 i IKE_SA_INIT 0: i1 r2\n\
             sa0 i IKE_AUTH 1: i3 r4\n"
    );
    assert_eq!(
        tunnels(&model),
        "192.0.2.1 <> 192.0.2.2,192.0.2.3 sas [0] flows [0]\n"
    );
    assert_eq!(children(&model), "sa0 IKE_AUTH - c1\n");
}

#[test]
fn another_tap_records_the_same_datagrams_elsewhere() {
    let model = model(
            "0.00 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4
             0.02 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4 tap=1",
        );
    assert_eq!(exchanges(&model), "sa0 i IKE_SA_INIT 0: i1+2=1@1,2@1\n");
}

#[test]
fn a_nat_between_two_taps_makes_no_second_sa() {
    let model = model(
        "0.00 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
             0.02 N:1024 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce tap=1",
    );
    assert_eq!(exchanges(&model), "sa0 i IKE_SA_INIT 0: i1=1@1\n");
    assert_eq!(model.tunnels.len(), 1);
}

#[test]
fn answers_behind_a_nat_belong_to_the_sa_of_the_other_tap() {
    let model = model(
        "0.00 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.01 N:1024 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) tap=1
             0.02 B:500 > N:1024 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) tap=1
             0.03 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.04 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.05 N:1024 > B:500 MAIN i=1 r=2 KE Nonce tap=1",
    );
    assert_eq!(model.ike_sas.len(), 1);
    assert_eq!(
        exchanges(&model),
        "sa0 i Identity Protection (Main Mode) 0: i1=1@1 r2@1=2 i3=3@1\n"
    );
}

#[test]
fn ike_fragments_make_one_flight() {
    let model = after_init(
        "0.04 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response fragment 2/3 sealed 532
             0.05 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response fragment 1/3 sealed 532 again=4",
    );
    assert!(
        exchanges(&model).ends_with("IKE_AUTH 1: i3 r4,5+6([1, 2]/3)\n"),
        "{}",
        exchanges(&model)
    );
}

#[test]
fn more_and_smaller_fragments_replace_the_set_before() {
    let model = after_init(
        "0.04 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response fragment 1/2 sealed 1220
             4.04 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response fragment 1/3 sealed 532
             4.05 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response fragment 2/3 sealed 532
             5.05 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response fragment 2/2 sealed 532",
    );
    assert!(
        exchanges(&model).ends_with("IKE_AUTH 1: i3 r5,6+4,7([1, 2]/3)\n"),
        "{}",
        exchanges(&model)
    );
}

#[test]
fn the_states_of_an_sa_follow_from_what_answers_it() {
    let one = |text: &str| states(&model(text)).join(" ");
    assert_eq!(one(INIT), "HalfOpen");
    let init = "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce\n";
    assert_eq!(one(init), "Unanswered");
    let refused = "1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(14)";
    assert_eq!(one(&format!("{init}{refused}")), "Refused");
    let small = "1 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80";
    assert_eq!(one(&format!("{INIT}{small}")), "AuthRefused");
    assert_eq!(one(&format!("{INIT}{UP}")), "Established");
    let middle = "1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=7 request sealed 80";
    assert_eq!(one(middle), "AlreadyUp");
}

#[test]
fn two_messages_of_ikev1_in_one_breath_delete_unless_the_other_side_is_not_heard() {
    let one = |text: &str| states(&model(text)).join(" ");
    let last = "
            5 B:500 > A:500 INFO_V1 i=1 r=2 id=0x7 sealed 92
            5.003 B:500 > A:500 INFO_V1 i=1 r=2 id=0x8 sealed 92 seed=1";
    let of_other = "2 A:500 > B:500 INFO_V1 i=1 r=2 id=0x5 sealed 92";
    assert_eq!(one(last), "AlreadyUp");
    assert_eq!(one(&format!("{of_other}{last}")), "Deleted");
    // A child SA and the IKE SA.
    assert_eq!(one(&last.replacen("92", "76", 1)), "Deleted");
}

#[test]
fn an_aead_suite_tells_a_deletion_by_its_size() {
    let gcm = "
            0.00 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
            0.02 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
            0.03 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 277
            0.05 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 205
            9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed ";
    for (length, state) in [(57, "Established"), (65, "Deleted"), (69, "Established")] {
        assert_eq!(states(&model(&format!("{gcm}{length}"))), [state]);
    }
}

#[test]
fn nat_is_told_by_the_hashes_of_both_sides() {
    let nat_of = |source: &str, seen: &str, ttl: u8| {
        let model = model(&format!(
                "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) NATD({source} B:500) ttl={ttl}
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) NATD(B:500 {seen})"
            ));
        let nat = model.ike_sas.iter().next().unwrap().nat.unwrap();
        format!("{:?} {:?}", nat.initiator, nat.responder)
    };
    let nat = |source: &str, seen: &str| nat_of(source, seen, 63);
    assert_eq!(nat("A:500", "A:500"), "Untranslated Untranslated");
    assert_eq!(nat("10.0.0.1:500", "A:500"), "Translated Untranslated");
    // What translates is a router, and lowers the TTL, unless it is the sender's own: nobody makes up a hash of an
    // address that is usual behind a NAT.
    let beside = |source: &str| nat_of(source, "A:500", 64);
    assert_eq!(beside("198.51.100.9:500"), "FalseHash Untranslated");
    assert_eq!(beside("10.0.0.1:500"), "Translated Untranslated");
    assert_eq!(beside("A:500"), "Untranslated Untranslated");
    assert_eq!(nat("A:500", "N:1024"), "TranslatedBeyond Untranslated");
    // A second tap, beside the sender, has it with the same addresses.
    let routed = |tap: &str| {
        let model = model(&format!(
                "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) NATD(198.51.100.9:500 B:500) ttl=60
                 {tap}
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) NATD(B:500 A:500)"
            ));
        model.ike_sas.iter().next().unwrap().nat.unwrap().initiator
    };
    let copy = |from: &str| {
        format!(
            "0.01 {from} > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) NATD(198.51.100.9:500 B:500) ttl=64 tap=1"
        )
    };
    assert_eq!(routed(""), crate::model::NatVerdict::Translated);
    assert_eq!(routed(&copy("A:500")), crate::model::NatVerdict::FalseHash);
    // A fake that can be computed: the address is right, the port is none.
    assert_eq!(nat("A:0", "A:500"), "Forced Untranslated");
    assert_eq!(nat("A:0", "N:1024"), "TranslatedBeyond Untranslated");
}

#[test]
fn a_main_mode_is_one_exchange_and_its_suite_is_told_in_terms_of_ikev2() {
    let model = model(
            "0.0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14 life=28800 | encr=5 hash=2 auth=1 group=2)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14 life=28800)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce NATD
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce NATD
             0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
             0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
             0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188
             0.7 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188
             0.8 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 76
             0.9 A > B ESP 0xb1
             1.0 B > A ESP 0xa1",
        );
    assert_eq!(
        exchanges(&model),
        "sa0 i Identity Protection (Main Mode) 0: i1 r2 i3 r4 i5 r6\n\
             sa0 i Quick Mode 119: i7 r8 i9\n"
    );
    let row = model.ike_sas.iter().next().unwrap();
    let suite = row.suite.clone().unwrap();
    assert_eq!(
        (suite.encryption, suite.key_bits, suite.prf, suite.group),
        (Some(12), Some(256), Some(5), Some(14))
    );
    assert_eq!(
        (suite.v1_auth, suite.v1_lifetime_secs),
        (Some(1), Some(28800))
    );
    assert_eq!(states(&model), ["Established"]);
    assert_eq!(children(&model), "sa0 Quick Mode a1 b1\n");
}

#[test]
fn icmp_errors_and_packets_in_clear_go_to_the_tunnel_they_concern() {
    let model = model(
        "0.0 A > B ESP 0xb1
             0.1 C > B ESP 0xb2
             0.2 B > A ICMP 3/3 quoting A:500 > B:500 IKE
             0.3 N > C ICMP 3/4 quoting B > C ESP 0xc1
             0.4 10.1.0.1 > 10.2.0.1 CLEAR 6
             0.5 C > 10.2.0.1 CLEAR 6",
    );
    let rows: Vec<_> = model
        .tunnels
        .iter()
        .map(|tunnel| (tunnel.icmp.clone(), tunnel.clear.clone()))
        .collect();
    // The first of the vantage has all that passes in clear.
    assert_eq!(rows, [(vec![0], vec![0, 1]), (vec![1], vec![1])]);
    let ends = model.tunnels.iter().map(|tunnel| tunnel.ends);
    let shared = ends.map(|[_, shared]| model.tunnels_of(shared).len());
    assert_eq!(shared.collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn flows_go_to_the_exchange_that_made_them() {
    let model = established(
        "1.0 A > B ESP 0xb1 seq 1..3
             1.1 B > A ESP 0xa1 seq 1..3",
    );
    assert_eq!(children(&model), "sa0 IKE_AUTH a1 b1\n");
    assert!(model.flows.iter().all(|flow| flow.child_sa != Link::None));
}

#[test]
fn a_rekeyed_child_replaces_the_one_that_falls_silent() {
    let model = established(
        "1 A > B ESP 0xb1 seq 1..60 every 1
             1 B > A ESP 0xa1 seq 1..60 every 1
             60 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request sealed 224
             60.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 208
             60.2 A > B ESP 0xb2 seq 1..60 every 1
             60.3 B > A ESP 0xa2 seq 1..60 every 1",
    );
    assert_eq!(
        children(&model),
        "sa0 IKE_AUTH a1 b1\n\
             sa0 CREATE_CHILD_SA b2 a2 replaces 0\n"
    );
}

#[test]
fn child_sas_made_at_once_are_told_apart_by_a_guess() {
    let made = |gap: u32| {
        established(&format!(
            "1 A > B ESP 0xb1 seq 1..100 every 1
                 1 B > A ESP 0xa1 seq 1..100 every 1
                 20.0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 224
                 20.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
                 {at}.0 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request sealed 224
                 {at}.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 208
                 {at}.3 A > B ESP 0xb2 seq 1..9 every 1
                 {at}.4 B > A ESP 0xa2 seq 1..9 every 1",
            at = 20 + gap
        ))
    };
    let guessed = |model: &Model| -> Vec<bool> {
        let children = model.child_sas.iter();
        children.map(|child| child.is_guessed).collect()
    };
    assert_eq!(guessed(&made(0)), [false, true]);
    assert_eq!(guessed(&made(30)), [false, false]);
}

#[test]
fn an_ike_sa_takes_the_place_of_the_one_that_its_side_deletes() {
    let up = |at: u32, i: u32| {
        format!(
                "{at}.0 A:500 > B:500 IKE_SA_INIT i={i} r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce(32)
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={i} r={i}f id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce(32)
                 {at}.2 A:500 > B:500 IKE_AUTH i={i} r={i}f id=1 request sealed 257
                 {at}.3 B:500 > A:500 IKE_AUTH i={i} r={i}f id=1 response sealed 241\n"
            )
    };
    // 28 octets of header, 4 of SK, an IV of 8, the length of the padding, a checksum of 16.
    let asks = |at: u32, i: u32, plain: u32| {
        format!(
            "{at} A:500 > B:500 INFORMATIONAL i={i} r={i}f id=2 request sealed {}
                 {at}.1 B:500 > A:500 INFORMATIONAL i={i} r={i}f id=2 response sealed 57\n",
            57 + plain
        )
    };
    let told = |first_later: u32| {
        let conversation = up(1, 1)
            + &up(2, 2)
            + &up(100, 3)
            + &asks(101, 2, 8)
            + &asks(130, 1, first_later)
            + &asks(300, 3, 0);
        let model = crate::testing::model(&conversation);
        let replaces: Vec<_> = model.ike_sas.iter().map(|sa| sa.replaces).collect();
        replaces
    };
    // The first goes on and shows a sign of life, or is deleted too.
    for plain in [0, 8] {
        assert_eq!(
            told(plain),
            [None, None, Some(crate::model::IkeSaId(1))],
            "{plain}"
        );
    }
}

/// An IKE SA of a cipher without blocks, and its first child SA, which is used for twenty seconds.
const WITHOUT_BLOCKS: &str = "
        0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce(32)
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce(32)
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 257
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 241
    ";

#[test]
fn a_request_without_the_name_of_an_sa_renews_none() {
    let made = |request: u32| {
        let model = model(&format!(
            "{WITHOUT_BLOCKS}
                 1 A > B ESP 0xb1 seq 1..20 every 1
                 1 B > A ESP 0xa1 seq 1..20 every 1
                 20.4 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed {request}
                 20.5 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 177
                 20.6 A > B ESP 0xb2 seq 1..20 every 1
                 20.7 B > A ESP 0xa2 seq 1..20 every 1"
        ));
        model.child_sas.iter().last().unwrap().replaces.is_some()
    };
    // N(REKEY_SA) takes 12 octets; 16 more are of a selector as well, so the traffic tells.
    assert_eq!([177, 189, 193].map(made), [false, true, true]);
}

#[test]
fn what_an_idle_tunnel_renewed_is_used_in_the_last_one() {
    let made = |request: u32| {
        let model = model(&format!(
            "{WITHOUT_BLOCKS}
                 5 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed {request}
                 5.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 177
                 8 A > B ESP 0xb2 seq 1..20 every 1
                 8.1 B > A ESP 0xa2 seq 1..20 every 1"
        ));
        children(&model)
    };
    assert_eq!(made(189), "sa0 IKE_AUTH - -\nsa0 CREATE_CHILD_SA a2 b2\n");
    // Of two that stand beside each other the first is used first.
    assert_eq!(made(177), "sa0 IKE_AUTH a2 b2\n");
}

#[test]
fn what_begins_after_a_delete_takes_the_place_of_nothing() {
    let again = |delete: &str| {
        let model = established(&format!(
                "1 A > B ESP 0xb1 seq 1..20 every 1
                 1 B > A ESP 0xa1 seq 1..20 every 1
                 {delete}
                 30 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 30.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 30.2 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 288
                 30.3 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 240
                 31 A > B ESP 0xb2 seq 1..20 every 1
                 31 B > A ESP 0xa2 seq 1..20 every 1"
            ));
        model.child_sas.iter().last().unwrap().replaces.is_some()
    };
    let delete = |what: &str| {
        format!(
                "20.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 opened {what}
                 20.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80"
            )
    };
    assert!(again(""));
    assert!(!again(&delete("D(IKE)")));
    assert!(!again(&delete("D(ESP 0xb1)")));
    assert!(again(&delete("D(ESP 0xc1)")));
}

#[test]
fn a_refused_rekey_makes_no_child() {
    let model = established(
        "60 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request sealed 224
             60.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 80
             60.2 A > B ESP 0xb2",
    );
    assert_eq!(children(&model), "sa0 IKE_AUTH - b2\n");
}

#[test]
fn an_ike_sa_that_appears_without_a_beginning_was_made_by_rekeying() {
    let model = established(
        "1 A > B ESP 0xb1 seq 1..900 every 1
             600 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 416
             600.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 416
             600.2 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 request sealed 80
             600.3 B:500 > A:500 INFORMATIONAL i=1 r=2 id=3 response sealed 80
             630 A:500 > B:500 INFORMATIONAL i=7 r=8 id=0 request sealed 80
             630.1 B:500 > A:500 INFORMATIONAL i=7 r=8 id=0 response sealed 80",
    );
    assert_eq!(states(&model), ["Deleted", "Established"]);
    let rows: Vec<_> = model.ike_sas.iter().map(|row| row.replaces).collect();
    assert_eq!(rows, [None, Some(crate::model::IkeSaId(0))]);
    assert_eq!(children(&model), "sa0 IKE_AUTH - b1\n");
}

#[test]
fn flows_without_any_exchange_make_a_child_and_a_tunnel() {
    let model = model(
        "1.0 A > B ESP 0xb1 seq 1..3
             1.1 B > A ESP 0xa1 seq 1..3
             2.0 C > B ESP 0xb7
             3.0 R > D ICMP 3/4 mtu 1400 quoting D > E ESP 0xe1",
    );
    assert_eq!(children(&model), "sa- - a1 b1\nsa- - - b7\n");
    assert_eq!(
        tunnels(&model),
        "192.0.2.1 <> 192.0.2.2 sas [] flows [0, 1]\n\
             192.0.2.3 <> 192.0.2.2 sas [] flows [2]\n\
             192.0.2.4 <> 192.0.2.5 sas [] flows []\n"
    );
}

#[test]
fn where_two_pairs_of_flows_begin_together_nothing_is_tied() {
    let model = model(
        "1.0 A > B ESP 0xb1 seq 1..3
             1.1 B > A ESP 0xa1 seq 1..3
             1.2 A > B ESP 0xb2 seq 1..3
             1.3 B > A ESP 0xa2 seq 1..3",
    );
    assert_eq!(children(&model), "");
    assert!(model.flows.iter().all(|flow| flow.child_sa == Link::None));
}

#[test]
fn two_tunnels_between_the_same_ends_keep_their_flows_apart_only_at_once() {
    let second = "
            5.00 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14)
            5.02 B:500 > A:500 IKE_SA_INIT i=3 r=4 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14)
            5.03 A:500 > B:500 IKE_AUTH i=3 r=4 id=1 request sealed 288
            5.05 B:500 > A:500 IKE_AUTH i=3 r=4 id=1 response sealed 240
            ";
    let at_once = established(&format!("{second} 5.5 A > B ESP 0xb2"));
    assert_eq!(children(&at_once), "sa0 IKE_AUTH - -\nsa1 IKE_AUTH - b2\n");
    let late = established(&format!("{second} 50 A > B ESP 0xb2"));
    assert_eq!(
        late.flows.iter().map(|flow| flow.child_sa).next(),
        Some(Link::Inferred(crate::model::ChildSaId(2)))
    );
}

#[test]
fn what_is_said_outside_of_any_ike_sa_belongs_to_the_tunnel_between_its_ends() {
    let said = "
            2 B:500 > A:500 INFORMATIONAL i=7 r=0 id=0 request N(INVALID_SPI 000000b1)
            3 B:500 > C:500 INFO_V1 i=0 r=0 N(5)";
    let model = established(said);
    assert_eq!(
        tunnels(&model),
        "192.0.2.1 <> 192.0.2.2 sas [0] flows []\n\
             192.0.2.2 <> 192.0.2.3 sas [] flows []\n"
    );
    let rows: Vec<_> = model.tunnels.iter().map(|tunnel| &tunnel.outside).collect();
    assert_eq!(rows, [&[0], &[1]]);
}

#[test]
fn an_sa_that_moves_keeps_its_tunnel() {
    let model = established(
        "9 C:4500 > B:4500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 176
             9.1 C:4500 > B:4500 ESP 0xb1",
    );
    assert_eq!(
        tunnels(&model),
        "192.0.2.1,192.0.2.3 <> 192.0.2.2 sas [0] flows [0]\n"
    );
}

#[test]
fn a_flood_of_messages_and_flows_is_taken_in_linear_time() {
    let mut text = String::new();
    for n in 1..=20_000 {
        writeln!(
            text,
            "{n} A:500 > B:500 IKE_SA_INIT i={n:x} r=0 id=0 request SA(DH14) Nonce\n\
                 {n} A:500 > B:500 IKE_AUTH i=f r=f id=1 request sealed 288 seed={n}\n\
                 {n} B:500 > A:500 CREATE_CHILD_SA i=e r=f id={n} response sealed 288\n\
                 1 A:500 > B:500 IKE_AUTH i=d r=f id=1 request fragment {n}/20000 sealed 100"
        )
        .unwrap();
    }
    let model = model(&text);
    assert_eq!(model.messages.len(), 80_000);
    assert!(model.exchanges.len() >= 40_000);
}

#[test]
fn a_child_rekeyed_after_a_move_replaces_the_one_before_it() {
    let model = established(
        "1 A > B ESP 0xb1 seq 1..10 every 1
             12 C:4500 > B:4500 CREATE_CHILD_SA i=1 r=2 id=2 request by=initiator sealed 208
             12.1 B:4500 > C:4500 CREATE_CHILD_SA i=1 r=2 id=2 response by=responder sealed 208
             13 C:4500 > B:4500 ESP 0xb2 seq 1..10 every 1",
    );
    assert_eq!(
        children(&model),
        "sa0 IKE_AUTH - b1\n\
             sa0 CREATE_CHILD_SA - b2 replaces 0\n"
    );
}

/// `IKE_AUTH` with both messages opened: the child SA has the SPIs a1 and b1.
const READ: &str = "
        0.00 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.02 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.03 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 288 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        0.05 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/24)
    ";

#[test]
fn messages_that_were_opened_prove_the_spis_however_late_the_flows() {
    let model = model(&format!(
        "{READ}
             1 A > B ESP 0xb7
             2 B > A ESP 0xa1
             90 A > B ESP 0xb1"
    ));
    assert_eq!(children(&model), "sa0 IKE_AUTH a1 b1\nsa0 - - b7\n");
    let links: Vec<Link> = model.flows.iter().map(|flow| flow.child_sa).collect();
    let child = crate::model::ChildSaId;
    assert_eq!(
        links,
        [
            Link::Inferred(child(1)),
            Link::Proven(child(0)),
            Link::Proven(child(0))
        ]
    );
    let terms = model.child_sas[child(0)].terms.clone().unwrap();
    let [own, other] = terms.granted.unwrap();
    assert_eq!(
        (own[0].to_string(), other[0].to_string()),
        ("10.1.0.0/16".to_owned(), "10.2.0.0/24".to_owned())
    );
    let suite = terms.suite.unwrap();
    assert_eq!(
        (
            suite.encryption,
            suite.key_bits,
            suite.integrity,
            suite.group
        ),
        (Some(12), Some(256), Some(12), None)
    );
}

#[test]
fn rekey_sa_names_the_child_whose_place_is_taken() {
    let child = |id: u32, spi: u32, rekeys: &str| {
        format!(
                "{t} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 224 opened {rekeys} SA(ESP 0xa{spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.{spi}.0.0/16)
                 {t}.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 208 opened SA(ESP 0xb{spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.{spi}.0.0/16)
                 ",
                t = id * 10
            )
    };
    let text = format!(
        "{READ}{}{}",
        child(2, 3, ""),
        child(3, 4, "N(REKEY_SA ESP 0xa1)")
    );
    assert_eq!(
        children(&model(&text)),
        "sa0 IKE_AUTH a1 b1\n\
             sa0 CREATE_CHILD_SA a3 b3\n\
             sa0 CREATE_CHILD_SA a4 b4 replaces 0\n"
    );
}

#[test]
fn a_rekeyed_ike_sa_is_known_by_the_spis_that_its_exchange_names() {
    let model = model(&format!(
            "{READ}
             50 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 416 opened SA(IKE 7 ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) Nonce KE(14)
             50.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 416 opened SA(IKE 8 ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) Nonce KE(14)
             900 A:500 > B:500 INFORMATIONAL i=7 r=8 id=9 request sealed 57
             900.1 B:500 > A:500 INFORMATIONAL i=7 r=8 id=9 response sealed 57"
        ));
    let rows: Vec<_> = model.ike_sas.iter().map(|row| row.replaces).collect();
    assert_eq!(rows, [None, Some(crate::model::IkeSaId(0))]);
    let young = model.ike_sas.iter().nth(1).unwrap();
    assert_eq!(young.suite.as_ref().unwrap().encryption, Some(20));
    assert_eq!(children(&model), "sa0 IKE_AUTH a1 b1\n");
}

#[test]
fn what_was_opened_is_judged_by_what_it_holds_not_by_its_size() {
    let one = |answer: &str| {
        let text = READ.lines().take(4).collect::<Vec<_>>().join("\n");
        let text = format!(
            "{text}\n0.05 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened {answer}"
        );
        states(&model(&text)).join(" ")
    };
    assert_eq!(one("N(AUTHENTICATION_FAILED)"), "AuthRefused");
    assert_eq!(one("IDr(b) AUTH(2) N(TS_UNACCEPTABLE)"), "Established");
    let end = |what: &str| {
        let text = format!(
            "{READ}\n9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 opened {what}"
        );
        states(&model(&text)).join(" ")
    };
    assert_eq!(end("D(IKE)"), "Deleted");
    assert_eq!(end("N(AUTHENTICATION_FAILED)"), "AuthRefused");
    assert_eq!(end("D(ESP 0xa1)"), "Established");
    assert_eq!(end(""), "Established");
}

#[test]
fn a_quick_mode_without_identities_is_for_the_peers_themselves() {
    let model = model(
            "0.0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
             0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
             0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
             0.6 A:500 > B:500 QUICK i=1 r=2 id=7 sealed 188 opened HASH SA(ESP 0xa1 encr=12/128 auth=2 life=3600 mode=2) Nonce
             0.7 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1 opened HASH SA(ESP 0xb1 encr=12/128 auth=2 life=3600 mode=2) Nonce
             0.8 A:500 > B:500 QUICK i=1 r=2 id=7 sealed 76",
        );
    assert_eq!(children(&model), "sa0 Quick Mode a1 b1\n");
    let terms = model
        .child_sas
        .iter()
        .next()
        .unwrap()
        .terms
        .clone()
        .unwrap();
    let [own, other] = terms.granted.unwrap();
    assert_eq!(
        (own[0].to_string(), other[0].to_string()),
        ("192.0.2.1/32".to_owned(), "192.0.2.2/32".to_owned())
    );
    assert_eq!(terms.lifetime_secs, Some(3600));
    assert_eq!(terms.mode, Some(crate::model::Mode::Transport));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Whatever comes, every message has its place, once, and every id leads somewhere.
    #[test]
    fn every_message_and_flow_has_one_place(
        lines in proptest::collection::vec(
            (0u8..20, 0u8..3, 0u8..3, 0usize..11, 0u8..3, 0u8..3, 0u8..4, 0usize..9),
            0..40,
        )
    ) {
        let text: String = lines
            .iter()
            .map(|(time, from, to, kind, i, r, id, form)| {
                let kinds = [
                    "IKE_SA_INIT", "IKE_AUTH", "CREATE_CHILD_SA", "INFORMATIONAL", "MAIN",
                    "AGGRESSIVE", "QUICK", "INFO_V1", "IKE_FOLLOWUP_KE", "ESP", "ICMP",
                ];
                let forms = [
                    "", "response", "sealed 80", "response sealed 240",
                    "fragment 1/2 sealed 96", "Nonce NATD response",
                    "sealed 208 opened SA(ESP 1) Nonce ID(10.0.0.0/8) ID",
                    "response sealed 208 opened N(REKEY_SA ESP 1) SA(ESP 2) TSi(10.0.0.0/8) TSr(10.0.0.1)",
                    "sealed 80 opened D(ESP 0 1 2) N(TS_UNACCEPTABLE)",
                ];
                let (from, to) = ((b'A' + from) as char, (b'A' + to) as char);
                match kinds[*kind] {
                    "ESP" => format!("{time} {from} > {to} ESP {id}\n"),
                    "ICMP" => format!("{time} R > {from} ICMP 3/3 quoting {from} > {to} ESP {id}\n"),
                    kind => format!(
                        "{time} {from}:500 > {to}:500 {kind} i={i} r={r} id={id} {} tap={}\n",
                        forms[*form], id / 3
                    ),
                }
            })
            .collect();
        let model = model(&text);
        let mut places = std::collections::HashMap::new();
        for flight in model.exchanges.iter().flat_map(|exchange| &exchange.flights) {
            for id in flight.copies() {
                *places.entry(id).or_insert(0) += 1;
            }
        }
        assert!(places.values().all(|count| *count == 1), "{places:?}");
        assert_eq!(places.len(), model.messages.len());
        let mut exchanges = std::collections::HashSet::new();
        for (id, row) in model.ike_sas.entries() {
            for exchange in &row.exchanges {
                assert_eq!(model.exchanges[*exchange].ike_sa, id);
                assert!(exchanges.insert(*exchange));
            }
        }
        assert_eq!(exchanges.len(), model.exchanges.len());
        let tunnels = || model.tunnels.iter();
        assert_eq!(tunnels().map(|row| row.flows.len()).sum::<usize>(), model.flows.len());
        assert_eq!(tunnels().map(|row| row.ike_sas.len()).sum::<usize>(), model.ike_sas.len());
        for flow in model.flows.iter() {
            if let Link::Inferred(id) | Link::Proven(id) = flow.child_sa {
                assert!(model.child_sas[id].spis.contains(&Some(flow.key.spi)));
            }
        }
    }
}
