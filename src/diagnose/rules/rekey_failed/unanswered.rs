//! A rekeying that is asked for again and again, of a peer that lives.

use super::RULE;
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{Asked, Passage, asked, end_of, esp, probe};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::count;
use crate::registry::ExchangeType;
use crate::say;

/// A request that is sent again and again in vain, though the peer's own requests come one after the other:
/// what they carry is small, and a child SA or an IKE SA asks for more.
pub(super) fn unanswered(case: &Case<'_>) -> Option<Finding> {
    /// So many copies are not all lost by chance where other messages pass.
    const TRIES: usize = 4;
    if !case.unsettled().iter().any(Asked::is_silent) {
        return None;
    }
    let (sa, request) = case.ike_sas().find_map(|sa| {
        let mut asked = asked::all(case.model, sa);
        let request = asked.find(|asked| {
            asked.exchange.kind == ExchangeType::CREATE_CHILD_SA
                && asked.is_silent()
                && asked.attempts() >= TRIES
                && probe::goes_on(case.model, sa, asked)
                && !probe::lives_on(case, sa, asked)
        })?;
        Some((sa, request))
    })?;
    let (from, to) = (request.from().address, request.to().address);
    let meanwhile = meanwhile(case, &request)?;
    let mut finding = Finding::new(
        &RULE,
        case.tap().absence(Confidence::Likely),
        case.id,
        request.first,
        say!("CREATE_CHILD_SA to {to}, never answered", to),
    )
    .also(request.last, "last copy, unanswered")
    .also(meanwhile.last, say!("a message of {to}, after the first copy", to))
    .title(say!("{to} does not answer the rekeying of {from}", to, from))
    .says(
        say!(
            "CREATE_CHILD_SA of {from} has {octets} octets, was {schedule} and not answered. Meanwhile {messages} \
             of {to} came, of {largest} octets at most: both sides live, and this exchange fails.",
            from,
            octets = request.message.header.length,
            schedule = request.schedule(),
            messages = count(meanwhile.messages, "IKE message"),
            to,
            largest = meanwhile.largest
        )
        .then(probe::after(case, sa, (request.first.1, request.last.1))),
    );
    finding = match Passage::of(case, request.flight) {
        Some(passage) => {
            if passage.is_proven() {
                finding.confidence = Confidence::Certain;
            }
            passage.tell(case.model, finding, "the request")
        }
        None => finding,
    };
    Some(
        finding
            .or("A filter or a small link drops IKE messages of that size.")
            .or(say!("{to} receives it and fails to work on it.", to))
            .advise(say!(
                "Capture at {to}: if the request does not arrive there, let large UDP packets and their fragments \
                 pass, or let IKE fragment its messages (RFC 7383).",
                to
            ))
            .advise_all(vendor_advice::of(case, from, Topic::Fragmentation))
            .advise(say!("If it arrives, read the log of {to}.", to)),
    )
}

/// IKEv1: message 1 of quick mode, again and again in vain, while ESP of the peer goes on.
pub(super) fn quick_mode_unanswered(case: &Case<'_>) -> Option<Finding> {
    /// So many copies are not all lost by chance where ESP passes.
    const TRIES: usize = 4;
    /// So many packets show that the peer lives, and that what it sends arrives.
    const ALIVE: u64 = 5;
    let mut silent = case.unsettled().iter().filter(|asked| {
        asked.exchange.kind == ExchangeType::QUICK_MODE
            && asked.exchange.flights.len() == 1
            && asked.is_silent()
            && asked.attempts() >= TRIES
    });
    let (request, packets, last) = silent.find_map(|asked| {
        let peer = end_of(case.tunnel, asked.to().address)?;
        let directions = case.directions_at(asked.message.vantage)?;
        let flows = directions.flows_from(1 - peer, asked.to());
        let lives = flows
            .into_iter()
            .filter(|flow| flow.seen.first.1 < asked.first.1 && flow.seen.last.1 > asked.last.1);
        let alive = lives.map(|flow| {
            let since = |time| esp::packets_since(flow, time);
            (since(asked.first.1), flow.seen.last)
        });
        let (packets, last) = alive.max_by_key(|(_, last)| last.1)?;
        (packets >= ALIVE).then_some((asked, packets, last))
    })?;
    let (from, to) = (request.from().address, request.to().address);
    let finding = Finding::new(
        &RULE,
        case.tap().absence(Confidence::Likely),
        case.id,
        request.first,
        "message 1 of quick mode, never answered",
    )
    .also(request.last, "last copy, unanswered")
    .also(last, "ESP of the peer, after it")
    .title(say!("{to} does not answer quick mode of {from}", to, from))
    .says(say!(
        "Message 1 of quick mode of {from} was {schedule} and not answered, while {packets} of {to} came: it lives, \
         and the child SA is not renewed.",
        from,
        schedule = request.schedule(),
        packets = count(packets, "ESP packet"),
        to
    ))
    .or("IKE is lost on the way, there or back, while ESP passes.")
    .or(say!("{to} receives it and says nothing: it does not accept it.", to))
    .or("It asks for one more child SA.")
    .advise(say!("Capture at {to}, and read its log: does the request arrive?", to));
    Some(Passage::told(case, request.flight, finding, "the request"))
}

/// Messages of IKE that came from whom a request was for, after its first copy.
struct Meanwhile {
    messages: u64,
    largest: u32,
    last: Cite,
}

fn meanwhile(case: &Case<'_>, request: &Asked<'_>) -> Option<Meanwhile> {
    let peer = end_of(case.tunnel, request.to().address)?;
    let came = case.messages().filter(|message| {
        message.vantage == request.message.vantage
            && message.time > request.first.1
            && message.time <= request.last.1
            && end_of(case.tunnel, message.path.from().address) == Some(peer)
    });
    came.fold(None, |known: Option<Meanwhile>, message| {
        let known = known.map_or((0, 0), |known| (known.messages, known.largest));
        Some(Meanwhile {
            messages: known.0 + 1,
            largest: known.1.max(message.header.length),
            last: (message.frame, message.time),
        })
    })
}
