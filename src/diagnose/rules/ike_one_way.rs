//! Answers pass the tap, yet the asker asks again: they do not reach it.

use crate::diagnose::facts::{Located, Passage, asked, began, cite, end_of, first, life};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{Exchange, ExchangeId, Flight, IkeSaId, MessageId, Model, Role};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Endpoint, Span, Timestamp};
use std::collections::BTreeSet;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-one-way",
    code: "IKE109",
    severity: Severity::Error,
    summary: "Requests arrive, answers do not",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "ike-retransmits",
        "tunnel-flapping",
        "clear-text-leak",
        "ike-auth-no-response",
        "dpd-timeout",
        "dpd-despite-traffic",
        "child-half-open",
    ],
    needs: Signs::AGAIN,
    check,
};

const DOCUMENT: &str = "\
## What it means
The responder answers each request, and the requester sends the same request again as if it had heard nothing. The answers are lost behind the tap, on the way to the requester.

## How it is seen
The response to a request is in the capture, and at least twice more the same request comes well after it. In IKEv1 so it is with the last two messages of phase 1, and with messages of quick mode.

## What else looks like it
A round trip longer than the first retransmission, for one or two copies. A requester that drops the answer itself: a host firewall, or an answer it dislikes.

## What to do
1. Capture at the requester. If the answers arrive there, look at its host firewall and log; if not, at the path from the responder back.
";

/// A copy sent this long after the answer passed the tap was not sent in ignorance of a late answer.
const LATE: Span = Span::from_millis(500);

/// Copies closer than this are doubles of one: no sender repeats so soon.
const AT_ONCE: Span = Span::from_millis(100);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut unheard = repeated(case).filter(|(pair, _)| !pair.is_heard(case));
    let Some((pair, deaf)) = unheard.next() else {
        return Vec::new();
    };
    let (Some(asked), Some(answer)) = (
        began(case.model, pair.request),
        began(case.model, pair.answer),
    ) else {
        return Vec::new();
    };
    // It may have answered from another address than was asked.
    let responder = first(case.model, pair.answer).map_or(pair.to, |answer| answer.path.from());
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        answer,
        "the answer passes the tap",
    )
    .also(asked, "the request")
    .title(say!(
        "The answers of {responder} do not reach {asker}",
        responder,
        asker = pair.from
    ))
    .says(say!(
        "{responder} answered {exchange} of {asker}, which nevertheless came again: {copies} \
         copies came after the answer.",
        responder,
        exchange = Text::verbatim(pair.kind),
        asker = pair.from,
        copies = deaf.len()
    ))
    .or("The requester drops the answers itself: a host firewall, or an answer it cannot accept.");
    // What is cut is what filters and NAT devices drop while whole packets pass.
    let parts = || pair.answer.parts.iter().map(|id| &case.model.messages[*id]);
    let by_ip = parts().any(|part| part.ip.pieces > 1);
    if by_ip || pair.answer.parts.len() > 1 {
        finding = finding
            .or(match by_ip {
                true => "The answer travels in IP fragments, and the path drops those while smaller packets pass.",
                false => "The answer travels in IKE fragments, and the path drops the larger ones of them.",
            })
            .advise(match by_ip {
                true => {
                    "Let IP fragments pass on the way back, or let IKE cut its messages itself (RFC 7383)."
                }
                false => "Make the IKE fragments smaller (RFC 7383), or mend the path that drops large packets.",
            });
    }
    finding = match Passage::of(case, pair.answer).filter(Passage::is_proven) {
        Some(passage) => {
            finding.confidence = Confidence::Certain;
            let end = end_of(case.tunnel, pair.from.address);
            let located = end.and_then(|end| Located::of(case.tunnel, end));
            // What carried the answer away carries ESP away as well.
            if let Some(located) = located.filter(|located| is_lost_with(located, answer)) {
                finding
                    .says
                    .add(say!("{lost}.", lost = located.says(case.model)));
                if let Some(first) = located.first() {
                    finding = finding.also(first, "near the first ESP that never arrived");
                }
                finding = finding.explaining(&["packet-loss"]);
            }
            passage.tell(case.model, finding, "the answer")
        }
        None => finding.advise(say!(
            "Capture at {asker}: if the answers arrive there, look at its firewall and log; if not, \
             at the path back.",
            asker = pair.from.address
        )),
    };
    for copy in deaf {
        finding = finding.also(cite(case.model, copy), "the same request after its answer");
    }
    vec![finding]
}

/// Whether ESP that was lost between two taps was lost in one piece, and an answer of IKE in the midst of it.
fn is_lost_with(located: &Located<'_>, answer: Cite) -> bool {
    let amid = located.longest().is_some_and(|missed| {
        let begun = missed.there.is_some_and(|(.., at)| at <= answer.1);
        begun && missed.after.is_none_or(|after| after.1 >= answer.1)
    });
    amid && located.is_one_piece()
}

/// Requests that came again and again after their answer had passed, with these copies.
pub(super) fn repeated<'m>(case: &Case<'m>) -> impl Iterator<Item = (Pair<'m>, Vec<MessageId>)> {
    let model = case.model;
    case.tunnel
        .ike_sas
        .iter()
        .flat_map(|sa| &model.ike_sas[*sa].exchanges)
        .filter(|id| came_again(&model.exchanges[**id]))
        // Anybody can send an error in clear, so an initiator need not heed it (RFC 7296 section
        // 2.21.1) and asks again.
        .filter(|id| !is_refused(model, **id))
        .map(|id| &model.exchanges[*id])
        .filter_map(|exchange| Pair::of(model, exchange))
        .filter_map(|pair| {
            let deaf = pair.copies_after_answer(model);
            // Each copy is answered again (RFC 7296 section 2.1), unless the SA is gone by then.
            let persists = !pair.answer.again.is_empty();
            (deaf.len() >= 2 && persists).then_some((pair, deaf))
        })
}

/// Whether two of its messages came again, as a request and its answer do.
fn came_again(exchange: &Exchange) -> bool {
    let again = |flight: &&Flight| !flight.again.is_empty();
    exchange.flights.iter().filter(again).count() >= 2
}

/// Whether the answer is an error that nothing protects.
fn is_refused(model: &Model, exchange: ExchangeId) -> bool {
    model.ike_sas[model.exchanges[exchange].ike_sa]
        .notices
        .iter()
        .any(|notice| notice.exchange == exchange && notice.is_error())
}

/// A request and its answer.
pub(super) struct Pair<'m> {
    /// What was asked.
    pub(super) request: &'m Flight,
    /// What was answered.
    pub(super) answer: &'m Flight,
    /// By what exchange.
    pub(super) kind: ExchangeType,
    /// Under which IKE SA.
    pub(super) ike_sa: IkeSaId,
    /// By which side of it.
    by: Role,
    /// Its message ID.
    message_id: u32,
    /// Who asked.
    pub(super) from: Endpoint,
    /// Whom.
    pub(super) to: Endpoint,
}

impl<'m> Pair<'m> {
    /// IKEv2: any request with its response. IKEv1: the last two messages of a phase 1, if the last is the
    /// responder's, or of a quick mode.
    fn of(model: &Model, exchange: &'m Exchange) -> Option<Self> {
        let (request, answer) = match &*exchange.flights {
            [.., request, answer] if asked::is_v1(exchange.kind) => {
                let is_answer = request.by != answer.by && answer.by != exchange.by;
                // Whichever messages of a quick mode they are: the earlier one comes again for want of the later one
                // (RFC 2409 section 5.5).
                let known = match exchange.kind {
                    ExchangeType::QUICK_MODE => request.by != answer.by,
                    _ => is_answer && asked::from_the_start(model, exchange),
                };
                known.then_some((request, answer))?
            }
            _ if asked::is_v1(exchange.kind) => return None,
            _ => (exchange.request()?, exchange.response()?),
        };
        let path = &first(model, request)?.path;
        Some(Self {
            request,
            answer,
            kind: exchange.kind,
            ike_sa: exchange.ike_sa,
            by: exchange.by,
            message_id: exchange.message_id,
            from: path.from(),
            to: path.to(),
        })
    }

    /// Whether the requester hears what the other side sends after its answer: it answers requests
    /// of that side, or what that side sends is recorded by a tap that the answer did not come to. Then the way back
    /// works, and that answer was lost by chance.
    pub(super) fn is_heard(&self, case: &Case<'_>) -> bool {
        let Some((_, answer)) = began(case.model, self.answer) else {
            return false;
        };
        // Who asks for the next thing was answered (RFC 7296 section 2.3). In IKEv1 that holds of phase 1 alone, which
        // has no message ID: whoever names the cookie of the responder has its message 2 (RFC 2408 section 2.5.3), and
        // its initiator begins nothing else before (RFC 2409 section 5).
        let exchanges = case.model.ike_sas[self.ike_sa].exchanges.iter();
        let went_on = exchanges
            .map(|id| &case.model.exchanges[*id])
            .filter(|next| match asked::is_v1(self.kind) {
                true => self.message_id == 0 && next.kind != self.kind,
                false => next.by == self.by && next.message_id > self.message_id,
            })
            .filter_map(|next| first(case.model, next.request()?))
            .filter(|next| !next.header.spis.responder.is_zero())
            .any(|next| next.time > answer && next.path.from().address == self.from.address);
        // Whoever begins anew gave up; what is heard under the new IKE SA was mended since.
        let lives_on = |exchange: &&Exchange| {
            let sa = &case.model.ike_sas[exchange.ike_sa];
            sa.seen.first.1 <= answer || !life::is_begun(case.model, sa)
        };
        went_on
            || case.exchanges().filter(lives_on).any(|exchange| {
                let answered = exchange.response().is_some_and(|flight| flight.response)
                    && exchange
                        .request()
                        .and_then(|request| first(case.model, request))
                        .is_some_and(|request| {
                            request.time > answer && request.path.from().address == self.to.address
                        });
                answered
                    || exchange
                        .flights
                        .iter()
                        .any(|flight| self.crosses(case.model, flight, answer))
            })
    }

    /// Whether a message of the other side, sent after `time`, is in two recordings, one of which lacks the answer: it
    /// passed where that was lost.
    fn crosses(&self, model: &Model, flight: &Flight, time: Timestamp) -> bool {
        let inputs = |flight: &Flight, since: Timestamp| -> BTreeSet<u16> {
            let copies = flight.copies().map(|id| &model.messages[id]);
            let sent = copies.filter(|message| {
                message.time >= since && message.path.from().address == self.to.address
            });
            sent.map(|message| message.vantage.input).collect()
        };
        let seen = inputs(flight, time.later(Span(1)));
        seen.len() > 1 && !seen.is_subset(&inputs(self.answer, Timestamp(i64::MIN)))
    }

    fn copies_after_answer(&self, model: &Model) -> Vec<MessageId> {
        let Some((_, answer)) = began(model, self.answer) else {
            return Vec::new();
        };
        let mut copies: Vec<MessageId> = self
            .request
            .again
            .iter()
            .copied()
            .filter(|id| model.messages[*id].time.since(answer) >= LATE)
            .collect();
        // What the net, or the recording, doubles comes at once.
        copies.dedup_by(|later, earlier| {
            model.messages[*later]
                .time
                .since(model.messages[*earlier].time)
                < AT_ONCE
        });
        copies
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, fires, silent, verdict};

    #[test]
    fn the_same_request_after_its_answer() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24",
            "ike-one-way",
        );
    }

    #[test]
    fn two_taps_that_both_have_the_answers_show_no_way_that_works() {
        let at = |tap: &str, answers: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24 {tap}
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce {answers} {tap}
                 "
            )
        };
        let near = at("", "again=4,11,24");
        fires(
            &(near.clone() + &at("tap=1", "again=4,11,24")),
            "ike-one-way",
        );
        // A later copy came where the first was lost.
        let first_lost = at("tap=1", "").replace("0.1 B", "4.2 B");
        let passed = "5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
             5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 tap=1\n";
        fires(&(near.clone() + &first_lost + passed), "ike-one-way");
        let none = at("tap=1", "").lines().next().unwrap().to_owned() + "\n";
        silent(&(near + &none + passed), "ike-one-way");
    }

    #[test]
    fn answers_that_are_cut_may_be_lost_for_that() {
        let answer = |fragments: &str| {
            format!(
                "0 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 300 again=4,11,24
                 {fragments}"
            )
        };
        let whole =
            answer("0.1 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1040 again=4,11,24");
        let cut = answer(
            "0.1 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response fragment 1/2 sealed 1040 again=4,11,24
             0.1 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response fragment 2/2 sealed 640 seed=1 again=4,11,24",
        );
        assert!(
            !fires(&whole, "ike-one-way")
                .alternatives
                .iter()
                .any(|one| one.to_string().contains("fragments"))
        );
        assert!(
            fires(&cut, "ike-one-way")
                .alternatives
                .iter()
                .any(|one| one.to_string().contains("IKE fragments"))
        );
    }

    #[test]
    fn a_refusal_in_clear_need_not_be_heeded() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=0.5,1,2,4
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN) again=0.5,1,2,4",
            "ike-one-way",
        );
    }

    #[test]
    fn an_answer_lost_by_chance_is_no_closed_way() {
        silent(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=1,3,6
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80 again=1,3,6
             2 B:500 > A:500 INFORMATIONAL i=1 r=2 id=3 request by=responder sealed 80
             2.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 response by=initiator sealed 80",
            "ike-one-way",
        );
    }

    #[test]
    fn who_asks_for_the_next_thing_has_heard_the_answer() {
        let lost = "
            0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request by=initiator sealed 80 again=1,3,6
            0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response by=responder sealed 80 again=1,3,6";
        let next = "
            16 A:500 > B:500 INFORMATIONAL i=1 r=2 id=6 request by=initiator sealed 80
            16.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=6 response by=responder sealed 80";
        verdict(lost, "ike-one-way");
        silent(&format!("{lost}{next}"), "ike-one-way");
    }

    #[test]
    fn message_1_of_main_mode_again_and_again_after_message_2() {
        verdict(
            "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) again=4,11,24
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) again=4,11,24",
            "ike-one-way",
        );
    }

    #[test]
    fn message_5_of_main_mode_again_and_again_after_message_6() {
        let text = "
            0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
            0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
            0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
            0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
            0.4 A:4500 > B:4500 MAIN i=1 r=2 sealed 108 again=1,2,4
            0.5 B:4500 > A:4500 MAIN i=1 r=2 sealed 92 again=1,2,4";
        verdict(text, "ike-one-way");
        // Quick mode follows, so message 6 came in the end.
        let heard = format!("{text}\n8 A:4500 > B:4500 QUICK i=1 r=2 id=0x9 sealed 188");
        silent(&heard, "ike-one-way");
    }

    #[test]
    fn message_1_of_quick_mode_again_and_again_after_message_2() {
        verdict(
            "0   A:500 > B:500 QUICK i=1 r=2 id=0x9 sealed 188 again=2,4,8
             0.1 B:500 > A:500 QUICK i=1 r=2 id=0x9 sealed 172 again=2,4,8",
            "ike-one-way",
        );
    }

    #[test]
    fn a_way_back_that_works_again_for_another_ike_sa_did_not_before() {
        let text = |spis: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
                 10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=1,3,6
                 10.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 again=1,3,6
                 30 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 30.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 30.2 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
                 30.3 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 240
                 40 B:500 > A:500 INFORMATIONAL {spis} id=0 request sealed 80
                 40.1 A:500 > B:500 INFORMATIONAL {spis} id=0 response sealed 80"
            )
        };
        verdict(&text("i=5 r=6"), "ike-one-way");
        silent(&text("i=1 r=2"), "ike-one-way");
    }

    #[test]
    fn a_deletion_whose_answer_was_lost_is_not_answered_again() {
        silent(
            "0   A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=1,3,6
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80",
            "ike-one-way",
        );
    }

    #[test]
    fn one_copy_that_crosses_the_answer_is_nothing() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=0.5
             0.4 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=0.5",
            "ike-one-way",
        );
    }

    #[test]
    fn what_the_asker_sends_reaches_both_taps_and_proves_no_way_back() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24 tap=1
             0.02 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24 ttl=63
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24",
            "ike-one-way",
        );
    }

    /// From the third second on nothing of `A` arrives at `B`: neither ESP nor what it answers and asks.
    fn half_dead(esp_at_b: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce tap=1 ttl=63
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce ttl=63
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce tap=1
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 tap=1 ttl=63
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 ttl=63
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 tap=1
             1 A > B ESP 0xb1 seq 1..90 every 0.5
             1 B > A ESP 0xa1 seq 1..90 every 0.5 ttl=63
             {esp_at_b}
             1 B > A ESP 0xa1 seq 1..90 every 0.5 tap=1
             5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=2,6,14 tap=1
             5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=2,6,14 ttl=63
             5.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator sealed 80 again=2,6,14
             9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=2,6,14"
        )
    }

    #[test]
    fn what_loses_the_answers_loses_all_else_of_that_direction() {
        let grave = |text: &str| -> Vec<&str> {
            let found = findings(text);
            let grave = found.iter().filter(|one| one.severity > Severity::Info);
            grave.map(|one| one.rule.slug).collect()
        };
        let all = half_dead("1 A > B ESP 0xb1 seq 1..5 every 0.5 tap=1 ttl=63");
        assert_eq!(grave(&all), ["ike-one-way"]);
        // ESP that is lost here and there all the time is another matter.
        let some = half_dead(
            "1 A > B ESP 0xb1 seq 1..9,12..30,33..50,53..70,73..90 every 0.5 tap=1 ttl=63",
        );
        assert!(grave(&some).contains(&"packet-loss"), "{:?}", grave(&some));
    }
}
