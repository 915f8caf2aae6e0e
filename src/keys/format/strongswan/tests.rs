//! Logs as text, keys as text.

use crate::keys::testing::check;
use std::fmt::Write;

fn join(parts: &[&str]) -> String {
    parts.concat()
}

/// A dump as charon prints it, its octets counting up from `first`.
fn dump(thread: u32, group: &str, tag: &str, label: &str, first: u8, length: u8) -> String {
    let mark = format!("2026-01-01T00:00:00 {thread:02}[{group}] {tag}");
    let mut text = format!("{mark}{label} => {length} bytes @ 0x7f0000000000\n");
    let octets: Vec<u8> = (0..length).map(|i| first.wrapping_add(i)).collect();
    for (row, octets) in octets.chunks(16).enumerate() {
        let words: Vec<String> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
        let _ = writeln!(
            text,
            "{mark}{:4}: {:47}  ..AB CD EF",
            row * 16,
            words.join(" ")
        );
    }
    text
}

fn ike(thread: u32, tag: &str, label: &str, first: u8, length: u8) -> String {
    dump(thread, "IKE", tag, label, first, length)
}

fn chd(thread: u32, tag: &str, label: &str, first: u8, length: u8) -> String {
    dump(thread, "CHD", tag, label, first, length)
}

fn ike_keys(thread: u32, tag: &str, first: u8) -> String {
    [
        ike(thread, tag, "Sk_d secret", first, 4),
        ike(thread, tag, "Sk_ei secret", first, 20),
        ike(thread, tag, "Sk_er secret", first + 1, 16),
    ]
    .concat()
}

/// As [`ike_keys`], of a cipher that takes so many octets.
fn keys_of(thread: u32, tag: &str, first: u8, octets: u8) -> String {
    [
        ike(thread, tag, "Sk_d secret", first, 4),
        ike(thread, tag, "Sk_ei secret", first, octets),
        ike(thread, tag, "Sk_er secret", first + 1, octets),
    ]
    .concat()
}

/// What the hash of NAT detection is made of: SPIs of eight equal octets, an address, a port.
fn natd(thread: u32, tag: &str, initiator: u8, responder: u8) -> String {
    let words = |octet: u8| vec![format!("{octet:02X}"); 8].join(" ");
    format!(
        "{thread:02}[IKE] {tag}natd_chunk => 22 bytes @ 0x7f0000000000\n\
         {thread:02}[IKE] {tag}   0: {} {}  ................\n\
         {thread:02}[IKE] {tag}  16: C0 00 02 0A 01 F4      ......\n",
        words(initiator),
        words(responder)
    )
}

fn installed(thread: u32, tag: &str, inbound: u32, outbound: u32) -> String {
    format!(
        "{thread:02}[CHD] {tag}adding inbound ESP SA\n\
         {thread:02}[CHD] {tag}  SPI 0x{inbound:08x}, src 198.51.100.20 dst 192.0.2.10\n\
         {thread:02}[CHD] {tag}registering outbound ESP SA\n\
         {thread:02}[CHD] {tag}  SPI 0x{outbound:08x}, src 192.0.2.10 dst 198.51.100.20\n\
         {thread:02}[CHD] {tag}adding outbound ESP SA\n\
         {thread:02}[CHD] {tag}  SPI 0x{outbound:08x}, src 192.0.2.10 dst 198.51.100.20\n"
    )
}

#[test]
fn keys_of_an_ike_sa_are_tied_to_its_spis_and_suite_whatever_comes_first() {
    let text = join(&[
        "09[CFG] <a|1> selected proposal: IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256\n",
        &natd(9, "<a|1> ", 0x11, 0),
        &keys_of(9, "<a|1> ", 0x40, 32),
        "10[CFG] <2> selected proposal: IKE:AES_GCM_16_128/PRF_HMAC_SHA2_384/ECP_256\n",
        &natd(10, "<2> ", 0x22, 0x33),
        &keys_of(10, "<2> ", 0x50, 20),
        &natd(9, "<a|1> ", 0x11, 0x99),
    ]);
    assert_eq!(
        check("strongswan", text),
        "\
5: ikev2 1111111111111111 9999999999999999 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128 PRF_HMAC_SHA2_256 d=40414243 ei=404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f er=4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60
17: ikev2 2222222222222222 3333333333333333 ENCR_AES_GCM_16-128 NONE PRF_HMAC_SHA2_384 d=50515253 ei=505152535455565758595a5b5c5d5e5f60616263 er=5152535455565758595a5b5c5d5e5f6061626364
"
    );
}

#[test]
fn threads_that_take_turns_are_told_apart() {
    let (one, two) = (ike_keys(9, "<a|1> ", 0x40), ike_keys(10, "<b|2> ", 0x50));
    let mixed: String = one
        .lines()
        .zip(two.lines())
        .map(|(one, two)| format!("{one}\n{two}\n"))
        .collect();
    let keys = |text: String| {
        let shown = check("strongswan", text);
        let keys = shown
            .lines()
            .map(|row| row.split_once(" d=").unwrap().1.to_owned());
        keys.collect::<Vec<String>>()
    };
    assert_eq!(keys(mixed), keys(one + &two));
}

#[test]
fn without_names_a_thread_and_its_message_tie_keys_to_spis() {
    let text = join(&[
        "09[NET] received packet: from 192.0.2.1[500] to 192.0.2.2[500] (280 bytes)\n",
        &ike_keys(9, "", 0x40),
        &natd(9, "", 0x11, 0x22),
        "09[NET] received packet: from 192.0.2.3[500] to 192.0.2.2[500] (280 bytes)\n",
        &ike_keys(9, "", 0x50),
    ]);
    let shown = check("strongswan", text);
    assert!(shown.contains("ikev2 1111111111111111 2222222222222222 ? ? ? d=40"));
    assert!(shown.contains("ikev2 0000000000000000 0000000000000000 ? ? ? d=50"));
}

#[test]
fn spis_are_taken_from_the_manager_and_from_a_status_too() {
    for status in [
        "11[MGR] checkout IKEv2 SA with SPIs 1111111111111111_i 2222222222222222_r\n11[MGR] IKE_SA a[1] successfully checked out\n",
        "11[MGR] checkout IKEv2 SA by message with SPIs 1111111111111111_i 2222222222222222_r\n11[IKE] <a|1> nothing to initiate\n",
        "  a[1]: IKEv2 SPIs: 1111111111111111_i* 2222222222222222_r, rekeying in 2 hours\n",
        "a: #1, ESTABLISHED, IKEv2, 1111111111111111_i 2222222222222222_r*\n",
    ] {
        let shown = check("strongswan", ike_keys(9, "<a|1> ", 0x40) + status);
        assert!(
            shown.starts_with("1: ikev2 1111111111111111 2222222222222222 "),
            "{shown}"
        );
    }
}

#[test]
fn a_successor_does_not_take_the_spis_of_the_ike_sa_that_negotiates_it() {
    let text = join(&[
        "11[MGR] checkout IKEv2 SA by message with SPIs 1111111111111111_i 2222222222222222_r\n",
        &ike_keys(11, "<a|1> ", 0x40),
        "11[MGR] checkout IKEv2 SA by message with SPIs 1111111111111111_i 2222222222222222_r\n",
        &ike_keys(11, "<a|2> ", 0x50),
        "12[MGR] checkout IKEv2 SA with SPIs 3333333333333333_i 4444444444444444_r\n",
        "12[IKE] <a|2> nothing to initiate\n",
    ]);
    let shown = check("strongswan", text);
    assert!(
        shown.contains("ikev2 1111111111111111 2222222222222222 ? ? ? d=40"),
        "{shown}"
    );
    assert!(
        shown.contains("ikev2 3333333333333333 4444444444444444 ? ? ? d=50"),
        "{shown}"
    );
}

#[test]
fn an_initiator_that_asks_again_by_the_same_spi_begins_another_ike_sa() {
    let text = join(&[
        "11[MGR] checkout IKEv2 SA by message with SPIs 1111111111111111_i 0000000000000000_r\n",
        "11[IKE] <1> key exchange method ECP_256 unacceptable, requesting ECP_384\n",
        "12[MGR] checkout IKEv2 SA by message with SPIs 1111111111111111_i 0000000000000000_r\n",
        "12[IKE] <2> 192.0.2.1 is initiating an IKE_SA\n",
        "13[MGR] checkout IKEv2 SA by message with SPIs 1111111111111111_i 2222222222222222_r\n",
        &ike_keys(13, "<2> ", 0x40),
    ]);
    let shown = check("strongswan", text);
    assert!(
        shown.contains("ikev2 1111111111111111 2222222222222222 ? ? ? d=40"),
        "{shown}"
    );
}

#[test]
fn intermediate_exchanges_and_successors_have_keys_of_their_own() {
    let text = join(&[
        &natd(9, "<a|1> ", 0x11, 0x22),
        &ike_keys(9, "<a|1> ", 0x40),
        &ike_keys(10, "<a|1> ", 0x50),
        "11[ENC] <a|1> parsed CREATE_CHILD_SA response 5 [ SA No KE ]\n",
        "11[CFG] <a|1> selected proposal: IKE:3DES_CBC/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048\n",
        &keys_of(11, "<a|2> ", 0x60, 24),
    ]);
    let shown = check("strongswan", text);
    let heads: Vec<&str> = shown
        .lines()
        .map(|row| row.split_once(" ei=").unwrap().0)
        .collect();
    assert_eq!(
        heads,
        [
            "4: ikev2 1111111111111111 2222222222222222 ? ? ? d=40414243",
            "11: ikev2 1111111111111111 2222222222222222 ? ? ? d=50515253",
            "20: ikev2 0000000000000000 0000000000000000 ENCR_3DES AUTH_HMAC_SHA1_96 PRF_HMAC_SHA1 d=60616263",
        ]
    );
}

#[test]
fn keys_of_ikev1_are_read() {
    let text = join(&[
        &natd(9, "<a|1> ", 0x11, 0x22),
        &ike(9, "<a|1> ", "SKEYID", 1, 2),
        &ike(9, "<a|1> ", "SKEYID_d", 2, 2),
        &ike(9, "<a|1> ", "SKEYID_a", 3, 2),
        &ike(9, "<a|1> ", "SKEYID_e", 4, 2),
        &ike(9, "<a|1> ", "encryption key Ka", 5, 2),
        &ike(9, "<a|1> ", "initial IV", 6, 2),
    ]);
    assert_eq!(
        check("strongswan", text),
        "4: ikev1 1111111111111111 2222222222222222 key=0506 skeyid=0102 d=0203 a=0304 e=0405\n"
    );
}

fn child(thread: u32, tag: &str, parsed: &str) -> String {
    [
        format!("{thread:02}[ENC] {tag}parsed {parsed}\n"),
        format!("{thread:02}[CFG] {tag}selected proposal: ESP:AES_CBC_128/HMAC_SHA1_96/EXT_SEQ\n"),
        format!("{thread:02}[CHD] {tag}  using AES_CBC for encryption\n"),
        format!("{thread:02}[CHD] {tag}  using HMAC_SHA1_96 for integrity\n"),
        chd(thread, tag, "encryption initiator key", 0x10, 16),
        chd(thread, tag, "encryption responder key", 0x20, 16),
        chd(thread, tag, "integrity initiator key", 0x30, 4),
        chd(thread, tag, "integrity responder key", 0x40, 4),
        installed(thread, tag, 0xaaaa, 0xbbbb),
    ]
    .concat()
}

#[test]
fn the_initiator_of_an_exchange_sends_with_the_initiators_keys() {
    let row = |spi: &str, ends: &str, enc: &str, integ: &str| {
        format!("5: esp {ends} 0x0000{spi} ENCR_AES_CBC-128 {enc} AUTH_HMAC_SHA1_96 {integ} esn\n")
    };
    let (in_, out) = ("198.51.100.20 > 192.0.2.10", "192.0.2.10 > 198.51.100.20");
    let (i, r) = (
        ("101112131415161718191a1b1c1d1e1f", "30313233"),
        ("202122232425262728292a2b2c2d2e2f", "40414243"),
    );
    assert_eq!(
        check(
            "strongswan",
            child(9, "<a|1> ", "IKE_AUTH response 1 [ IDr AUTH ]")
        ),
        row("aaaa", in_, r.0, r.1) + &row("bbbb", out, i.0, i.1)
    );
    assert_eq!(
        check(
            "strongswan",
            child(9, "", "CREATE_CHILD_SA request 2 [ SA ]")
        ),
        row("aaaa", in_, i.0, i.1) + &row("bbbb", out, r.0, r.1)
    );
}

#[test]
fn where_nothing_tells_who_began_the_exchange_both_keys_are_offered() {
    let shown = check("strongswan", child(9, "<a|1> ", "nothing"));
    let told = |spi: &str| {
        let name = format!("0x0000{spi} ENCR_AES_CBC-128 ");
        let keys = shown
            .lines()
            .filter_map(|row| row.split_once(&name)?.1.get(..8));
        keys.collect::<Vec<_>>().join(" ")
    };
    // That of a responder first: an initiator says that it establishes a child SA.
    assert_eq!(told("aaaa"), "10111213 20212223", "{shown}");
    assert_eq!(told("bbbb"), "20212223 10111213", "{shown}");
    assert_eq!(shown.lines().count(), 4, "{shown}");
}

#[test]
fn who_asked_for_a_child_began_its_exchange() {
    let text = join(&[
        "08[IKE] <a|1> establishing CHILD_SA net{7} reqid 1\n",
        "09[CHD] <a|1> CHILD_SA net{7} state change: CREATED => INSTALLING\n",
        &child(9, "<a|1> ", "nothing"),
    ]);
    let shown = check("strongswan", text);
    assert!(
        shown.contains("0x0000aaaa ENCR_AES_CBC-128 20212223"),
        "{shown}"
    );
    assert_eq!(shown.lines().count(), 2, "{shown}");
}

#[test]
fn ah_and_null_encryption_and_aead_have_what_they_have() {
    let ah = join(&[
        "09[ENC] <a|1> parsed IKE_AUTH request 1 [ SA ]\n",
        "09[CHD] <a|1>   using HMAC_SHA2_256_96 for integrity\n",
        &chd(9, "<a|1> ", "integrity initiator key", 0x30, 2),
        &chd(9, "<a|1> ", "integrity responder key", 0x40, 2),
        "09[CHD] <a|1> adding inbound AH SA\n",
        "09[CHD] <a|1>   SPI 0x00000001, src 2001:db8::1 dst 2001:db8::2\n",
    ]);
    assert_eq!(
        check("strongswan", ah),
        "3: ah 2001:db8::1 > 2001:db8::2 0x00000001 ?  AUTH_HMAC_SHA2_256_128 cut to 96 bits 3031\n"
    );
    let aead = join(&[
        "09[ENC] <a|1> parsed IKE_AUTH request 1 [ SA ]\n",
        "09[CHD] <a|1>   using CHACHA20_POLY1305 for encryption\n",
        &chd(9, "<a|1> ", "encryption initiator key", 0, 36),
        "09[CHD] <a|1> adding inbound ESP SA\n",
        "09[CHD] <a|1>   SPI 0x00000001, src 192.0.2.1 dst 192.0.2.2\n",
    ]);
    let shown = check("strongswan", aead);
    assert!(
        shown.contains("ENCR_CHACHA20_POLY1305-256 00010203") && shown.contains("2223 NONE"),
        "{shown}"
    );
}

#[test]
fn a_daemon_that_starts_anew_counts_its_sas_anew() {
    let text = join(&[
        &natd(9, "<a|1> ", 0x11, 0x22),
        "00[DMN] Starting IKE charon daemon (strongSwan 5.9.8)\n",
        &ike_keys(9, "<a|1> ", 0x40),
    ]);
    assert!(check("strongswan", text).starts_with("5: ikev2 0000000000000000 "));
}

#[test]
fn marks_of_all_loggers_are_understood() {
    let rows = |mark: &str, again: &str| {
        let text = format!(
            "{mark}SKEYID_d => 2 bytes @ 0x1\n{again}   0: 01 02                 ..\n{mark}SKEYID_e => 2 bytes @ 0x1\n{again}   0: 03 04                 ..\n"
        );
        check("strongswan", text)
    };
    for (mark, again) in [
        ("13[IKE] ", "13[IKE] "),
        (
            "Mon, 2026-01-01 00:00 13[IKE4] <a|1> ",
            "Mon, 2026-01-01 00:00 13[IKE4] <a|1> ",
        ),
        (
            "Jan  1 00:00:00 gw charon: 13[IKE] <a|1> ",
            "Jan  1 00:00:00 gw charon: 13[IKE] <a|1> ",
        ),
        (
            "Jan  1 00:00:00 gw[1] charon[77]: 13[IKE] ",
            "                            ",
        ),
        (
            "Jan  1 00:00:00 gw charon-systemd[77]: ",
            "                            ",
        ),
    ] {
        assert_eq!(
            rows(mark, again),
            "1: ikev1 0000000000000000 ? d=0102 e=0304\n",
            "{mark}"
        );
    }
}

#[test]
fn a_dump_that_is_cut_off_is_told() {
    let text = "\
13[IKE] <a|1> Sk_d secret => 32 bytes @ 0x1
13[IKE] <a|1>    0: 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10  ................
13[IKE] <a|1> Sk_ei secret => 4000 bytes @ 0x1
13[IKE] <a|1> Sk_er secret => 2 bytes @ 0x1
";
    assert_eq!(
        check("strongswan", text),
        "\
! f:1: expected 32 octets in the next lines, found 16
! f:3: expected a key of no more than 512 octets
! f:4: expected 2 octets in the next lines, found 0
"
    );
}

#[test]
fn a_cipher_that_does_not_take_the_keys_is_not_believed() {
    let read = |bits: u32| {
        check(
            "strongswan",
            join(&[
                &format!(
                    "13[CFG] <a|1> selected proposal: IKE:AES_CBC_{bits}/HMAC_SHA1_96/PRF_HMAC_SHA1/ECP_256\n"
                ),
                &natd(13, "<a|1> ", 0x11, 0x22),
                &keys_of(13, "<a|1> ", 0x40, 16),
            ]),
        )
    };
    let believed = read(128);
    assert!(
        believed.contains(" ENCR_AES_CBC-128 AUTH_HMAC_SHA1_96 "),
        "{believed}"
    );
    assert!(!believed.contains('!'), "{believed}");
    // The keys stay, and the cipher is open.
    assert_eq!(
        read(256),
        believed.replace("ENCR_AES_CBC-128", "?")
            + "! f:5: Sk_ei: a key of 16 octets; ENCR_AES_CBC-256 takes 32\n"
    );
}
