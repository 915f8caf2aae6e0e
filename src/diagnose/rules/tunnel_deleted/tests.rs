use crate::diagnose::Severity;
use crate::diagnose::testing::{findings, fires, is_healthy, silent, verdict};

const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

#[test]
fn a_clean_close_at_the_end_is_no_fault() {
    let found = findings(&format!(
        "{UP}
             11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             11.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
    ));
    assert!(is_healthy(&found), "{found:#?}");
}

#[test]
fn a_close_after_which_nothing_succeeds() {
    verdict(
        &format!(
            "{UP}
                 11 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 11.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 12 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 12.1 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)
                 20 A:500 > B:500 IKE_SA_INIT i=6 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 20.1 B:500 > A:500 IKE_SA_INIT i=6 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)"
        ),
        "ike-proposal-mismatch",
    );
}

/// What is said after a close by B at 11 s.
fn afterwards(attempts: &str) -> Option<String> {
    let text = format!(
        "{UP}
             11 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 opened D(IKE)
             11.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
             {attempts}"
    );
    let found = findings(&text);
    let mut found = found.iter().filter(|one| one.rule.slug == "tunnel-deleted");
    found.next().map(|one| one.says.to_string())
}

#[test]
fn what_came_of_the_attempts_is_told_as_it_was() {
    let asked = "12 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
    let refused = "12.1 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)";
    let accepted = "12.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            12.2 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
            12.3 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 80";
    let end = "40 C > B ESP 0xc1";
    let says = |text: &str| afterwards(text).unwrap_or_default();
    assert!(says(&format!("{asked} again=4\n{end}")).contains("meets silence"));
    assert!(says(&format!("{asked}\n{refused}")).contains("refuses every attempt"));
    let half = accepted.lines().take(2).collect::<Vec<_>>().join("\n");
    for answer in [accepted, &half] {
        let failed = says(&format!("{asked}\n{answer}\n{end}"));
        assert!(
            failed.contains("no attempt to set it up again succeeds"),
            "{failed}"
        );
    }
    // A slow peer may answer yet.
    let soon = says(&format!("{asked} again=1\n17 C > B ESP 0xc1"));
    assert!(
        !soon.contains("Afterwards") && !soon.contains("Nothing follows"),
        "{soon}"
    );
}

#[test]
fn who_authenticates_anew_has_closed_nothing() {
    let text = format!(
        "{UP}
             11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 80 opened D(IKE)
             11.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response by=responder sealed 80
             11.2 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             11.3 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             11.4 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
             11.5 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)
             40 C > B ESP 0xc1"
    );
    assert_eq!(fires(&text, "tunnel-deleted").severity, Severity::Info);
    verdict(&text, "auth-failed");
    // Who begins anew only later had another reason.
    let later = text
        .replace("11.2 A", "14.2 A")
        .replace("11.3 B", "14.3 B")
        .replace("11.4 A", "14.4 A")
        .replace("11.5 B", "14.5 B");
    let says = fires(&later, "tunnel-deleted").says.to_string();
    assert!(says.contains("no attempt"), "{says}");
}

#[test]
fn who_deletes_and_is_not_answered_any_more_has_another_trouble() {
    let text = |asker: &str, peer: &str| {
        format!(
            "{UP}
             11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 80 opened D(IKE)
             11.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response by=responder sealed 80
             14 {asker}:500 > {peer}:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce again=2,6,12
             60 C > D ESP 0xc1"
        )
    };
    verdict(&text("A", "B"), "ike-no-response");
    // The other side asks who has closed it.
    verdict(&text("B", "A"), "tunnel-deleted");
}

#[test]
fn a_child_deleted_in_mid_traffic() {
    verdict(
        &format!(
            "{UP}
                 10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 14 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 224
                 14.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
                 14.2 A > B ESP 0xb2 seq 1..20 every 0.5 size 136
                 14.3 B > A ESP 0xa2 seq 1..20 every 0.5 size 136"
        ),
        "tunnel-deleted",
    );
}

#[test]
fn the_delete_of_an_ike_sa_that_was_rekeyed_ends_nothing() {
    silent(
        &format!(
            "{UP}
                 10.6 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 304
                 10.61 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 304
                 10.62 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 request sealed 80
                 10.63 B:500 > A:500 INFORMATIONAL i=1 r=2 id=3 response sealed 80
                 18 B:500 > A:500 CREATE_CHILD_SA i=7 r=8 id=0 request by=responder sealed 224
                 18.1 A:500 > B:500 CREATE_CHILD_SA i=7 r=8 id=0 response sealed 208
                 18.2 A > B ESP 0xb2 seq 1..20 every 0.5 size 136
                 18.3 B > A ESP 0xa2 seq 1..20 every 0.5 size 136"
        ),
        "tunnel-deleted",
    );
}

#[test]
fn whoever_sends_on_has_deleted_what_it_rekeyed() {
    // The new IKE SA says nothing in the rest of the capture.
    let found = findings(&format!(
        "{UP}
             10.6 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request by=responder sealed 304
             10.61 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 304
             10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 request by=responder sealed 80 opened D(IKE)
             10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 response sealed 80
             11 A > B ESP 0xb1 seq 21..60 every 0.5 size 136
             11.1 B > A ESP 0xa1 seq 21..60 every 0.5 size 136"
    ));
    assert!(is_healthy(&found), "{found:#?}");
}

#[test]
fn a_delete_as_small_as_any_message_and_silence_at_once() {
    verdict(
        &format!(
            "{UP}
                 10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 11 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24
                 60 C > B ESP 0xc1"
        ),
        "tunnel-deleted",
    );
}

#[test]
fn a_tunnel_that_is_not_given_back_is_missed_however_short_the_recording() {
    // Watched for a second, and paused for two: a restart that is given back would be no fault.
    let up = UP.replace("1..20 every 0.5", "1..8 every 0.2");
    let found = findings(&format!(
        "{up}
             2.6 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 opened D(IKE)
             2.7 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
             4.7 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             6.7 C > B ESP 0xc1"
    ));
    assert!(!is_healthy(&found), "{found:#?}");
}

#[test]
fn a_delete_that_is_known_by_what_follows_is_told_once() {
    let found = findings(&format!(
        "{UP}
             10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 opened D(IKE)
             10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
             11 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             11.1 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)"
    ));
    let mut slugs = found.iter().map(|finding| finding.rule.slug);
    assert_eq!(slugs.next(), Some("tunnel-deleted"), "{found:#?}");
    assert!(slugs.all(|slug| slug != "tunnel-deleted"), "{found:#?}");
}

#[test]
fn of_two_negotiations_that_crossed_one_is_deleted() {
    let found = findings(&format!(
        "{UP}
             0.15 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.25 A:500 > B:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.35 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
             0.45 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 response sealed 240
             5 A:500 > B:500 INFORMATIONAL i=5 r=6 id=0 request by=responder sealed 80
             5.1 B:500 > A:500 INFORMATIONAL i=5 r=6 id=0 response sealed 80"
    ));
    assert!(is_healthy(&found), "{found:#?}");
}

const AGAIN: &str = "
        14 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        14.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        14.2 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
        14.3 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 240
        14.4 A > B ESP 0xb2 seq 1..20 every 0.5 size 136
        14.5 B > A ESP 0xa2 seq 1..20 every 0.5 size 136";

/// A small informational exchange begun by an end, so many tenths of a second after 10 s.
fn small(tenths: u32, from: char, to: char) -> String {
    let role = if from == 'B' { "by=responder" } else { "" };
    format!(
        "10.{tenths} {from}:500 > {to}:500 INFORMATIONAL i=1 r=2 id=2 request {role} sealed 80
             10.{tenths}5 {to}:500 > {from}:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
    )
}

#[test]
fn an_ike_sa_deleted_in_mid_traffic_that_the_other_side_wants_back() {
    let found = fires(
        &format!("{UP}\n{}\n{AGAIN}", small(7, 'B', 'A')),
        "tunnel-deleted",
    );
    assert_eq!(found.severity, Severity::Warning);
}

#[test]
fn who_asks_hours_later_did_not_miss_it() {
    let text = |at: &str| {
        let again = AGAIN.replace("\n        14", &format!("\n        {at}"));
        format!("{UP}\n{}\n{again}", small(7, 'B', 'A'))
    };
    fires(&text("600"), "tunnel-deleted");
    silent(&text("7214"), "tunnel-deleted");
}

#[test]
fn whoever_deletes_and_asks_anew_means_it() {
    let found = fires(
        &format!("{UP}\n{}\n{AGAIN}", small(7, 'A', 'B')),
        "tunnel-deleted",
    );
    assert_eq!(found.severity, Severity::Info);
}

#[test]
fn a_liveness_check_in_a_pause_deletes_nothing() {
    // Traffic goes on afterwards, on the same SPIs.
    silent(
        &format!(
            "{UP}\n{}\n{}
                 13 A > B ESP 0xb1 seq 21..40 every 0.5 size 136
                 13.1 B > A ESP 0xa1 seq 21..40 every 0.5 size 136",
            small(7, 'B', 'A'),
            AGAIN.replace("\n        14", "\n        34")
        ),
        "tunnel-deleted",
    );
    // It had paused as long before.
    silent(
        &format!(
            "{}\n{}\n{AGAIN}",
            UP.replace("seq 1..20 every 0.5", "seq 1..2 every 7")
                + "\n 9 A > B ESP 0xb1 seq 3..6 every 0.5 size 136
                         9.1 B > A ESP 0xa1 seq 3..6 every 0.5 size 136",
            small(7, 'B', 'A')
        ),
        "tunnel-deleted",
    );
}

#[test]
fn a_liveness_check_on_a_dead_path_is_not_answered() {
    let asked = small(7, 'B', 'A');
    let asked = asked.lines().next().unwrap_or_default();
    silent(
        &format!("{UP}\n{asked} again=0.5,1,2\n{AGAIN}"),
        "tunnel-deleted",
    );
}

#[test]
fn a_liveness_check_after_which_the_path_died_deleted_nothing() {
    silent(
        &format!(
            "{UP}\n{}
                 12 B:500 > A:500 INFORMATIONAL i=1 r=2 id=3 request by=responder sealed 80 again=0.5,1
                 {AGAIN}",
            small(7, 'B', 'A')
        ),
        "tunnel-deleted",
    );
}

#[test]
fn what_is_set_up_again_at_once_was_not_cut() {
    let again = AGAIN.replace("\n        14", "\n        11");
    let found = findings(&format!("{UP}\n{}\n{again}", small(7, 'B', 'A')));
    assert!(is_healthy(&found), "{found:#?}");
}

#[test]
fn what_was_deleted_is_named_if_it_was_read() {
    let says = |deleted: &str| {
        let text = format!(
            "{UP}
                 10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 {deleted}
                 10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 11 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24
                 60 C > B ESP 0xc1"
        );
        let found = fires(&text, "tunnel-deleted");
        let notes = found.evidence.iter().map(|one| one.note.to_string());
        (found.confidence, notes.collect::<String>())
    };
    let (sealed, read) = (says(""), says("opened D(IKE)"));
    assert!(read.1.contains("the delete of the IKE SA"), "{read:?}");
    assert!(sealed.1.contains("of the size of a delete"), "{sealed:?}");
    assert!(read.0 > sealed.0);
}

#[test]
fn few_packets_do_not_show_that_a_flow_ended() {
    use super::{Case, cut_off::ends_at};
    let ends = |last: u32| {
        let model = crate::testing::model(&format!(
            "1 A > B ESP 0xb1 seq 1..{last} every 0.5
                 1 B > A ESP 0xa1 seq 1..{last} every 0.5"
        ));
        let case = Case::of(&model, crate::model::TunnelId(0));
        let directions = &case.directions()[0];
        let last = directions.last(0).unwrap().1;
        let until = last.later(crate::units::Span::from_secs(9));
        let at = last.later(crate::units::Span::from_millis(100));
        [false, true].map(|by_pause| ends_at(directions, 0, at, until, by_pause))
    };
    assert_eq!(ends(4), [false, false]);
    // Watched for two seconds, it may pause for nine at any time; watched for nine it may not.
    assert_eq!(ends(5), [true, false]);
    assert_eq!(ends(18), [true, false]);
    assert_eq!(ends(19), [true, true]);
}

#[test]
fn an_ike_sa_is_succeeded_by_one_that_stands_or_by_one_that_replaces_it() {
    use super::{Case, is_succeeded};
    use crate::model::{IkeSaId, TunnelId};
    let succeeded = |text: &str| {
        let model = crate::testing::model(text);
        let case = Case::of(&model, TunnelId(0));
        let (id, sa) = model.ike_sas.entries().next().unwrap();
        assert_eq!(id, IkeSaId(0));
        let last = &model.exchanges[*sa.exchanges.last().unwrap()];
        let at = super::said(&model, last).unwrap().0;
        is_succeeded(&case, id, at)
    };
    let delete = "
            10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 request by=responder sealed 80 opened D(IKE)
            10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 response sealed 80";
    assert!(!succeeded(&format!("{UP}{delete}")));
    let rekeyed = "
            10.6 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request by=responder sealed 304
            10.61 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 304
            18 A:500 > B:500 CREATE_CHILD_SA i=7 r=8 id=0 request by=responder sealed 224
            18.1 B:500 > A:500 CREATE_CHILD_SA i=7 r=8 id=0 response sealed 208";
    assert!(succeeded(&format!("{UP}{rekeyed}{delete}")));
    // Crossed by one of the other side, which stays.
    let crossed = "
            0.05 B:500 > A:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.15 A:500 > B:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.25 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
            0.35 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
            30 B:500 > A:500 INFORMATIONAL i=7 r=8 id=2 request sealed 80
            30.1 A:500 > B:500 INFORMATIONAL i=7 r=8 id=2 response sealed 80";
    assert!(succeeded(&format!("{UP}{crossed}{delete}")));
}

#[test]
fn an_attempt_at_the_very_moment_is_none_after_it() {
    let text = format!(
        "{UP}
             20 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11,24
             60 C > B ESP 0xc1"
    );
    let model = crate::testing::model(&text);
    let case = super::Case::of(&model, crate::model::TunnelId(0));
    let begun = model.ike_sas.iter().last().unwrap().seen.first.1;
    let before = crate::units::Timestamp(begun.0 - 1);
    let who = "192.0.2.2".parse().unwrap();
    assert!(super::fate_of_attempts(&case, before, who).is_some());
    assert!(super::fate_of_attempts(&case, begun, who).is_none());
}

#[test]
fn who_has_just_rekeyed_tidies_up() {
    let model = crate::testing::model(&format!(
        "{UP}
             10.6 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 304
             10.61 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 304"
    ));
    let sa = model.ike_sas.iter().next().unwrap();
    let asked = model
        .messages
        .iter()
        .find(|message| message.header.message_id == 2);
    let asked = asked.unwrap().time;
    let second = crate::units::Span::from_secs(1);
    let tidies = |millis| {
        let at = asked.later(crate::units::Span::from_millis(millis));
        super::tidies_up(&model, sa, at, second)
    };
    assert_eq!([-1, 1, 999, 1000].map(tidies), [false, true, true, false]);
}

#[test]
fn an_attempt_whose_answer_was_not_recorded_has_not_failed() {
    let suite = "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
    let text = |more: &str| {
        format!(
            "{UP}
             11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 opened D(IKE)
             11.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80
             25 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request {suite}
             25.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response {suite}
             25.2 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256{more}
             60 C > D ESP 0xc1"
        )
    };
    let fails = |text: &str| {
        fires(text, "tunnel-deleted")
            .says
            .to_string()
            .contains("no attempt")
    };
    assert!(fails(&text("")));
    let child = "
             30 B:500 > A:500 CREATE_CHILD_SA i=5 r=6 id=0 request by=responder sealed 300
             30.1 A:500 > B:500 CREATE_CHILD_SA i=5 r=6 id=0 response sealed 300";
    assert!(!fails(&text(child)));
    // One side is not recorded at all.
    let all = text("");
    let one_sided: Vec<&str> = all
        .lines()
        .filter(|line| !line.contains(" B:500 > A"))
        .collect();
    let one_sided = one_sided
        .join("\n")
        .replace("1.1 B > A ESP", "1.1 C > D ESP");
    assert!(!fails(&one_sided));
}
