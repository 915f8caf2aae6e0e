//! Tunnels as tables: IKE SAs, child SAs, ESP and AH flows, exchanges.

use super::calendar::{Together, Utc};
use super::sheet::{Ink, Sheet};
use super::text::{Detail, listed, place};
use super::view::{
    ConversationView, EventView, ExchangeView, FlightView, FlowView, IkeSaView, InputView,
    InsideView, SuiteView, TapView, TapsView, TunnelView, Tunnels,
};
use crate::language::{Text, clauses, count, list, parted};
use crate::say;
use crate::units::{Endpoint, Span, Timestamp};
use crate::wire::text::escape;
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::IpAddr;

/// Rows of a table that a summary shows.
const ROWS_SHOWN: usize = 8;

/// Writes every tunnel with all its tables.
pub fn write(out: &mut impl Write, tunnels: &Tunnels<'_>, sheet: Sheet) -> io::Result<()> {
    if tunnels.tunnels.is_empty() {
        let text = match tunnels.tunnels_hidden as u64 {
            0 => "No tunnels.".into(),
            hidden => say!(
                "No tunnel fits the filter; {hidden} not shown.",
                hidden = count(hidden, "tunnel")
            ),
        };
        return writeln!(out, "{}", sheet.say(text));
    }
    for (i, tunnel) in tunnels.tunnels.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        let detail = Detail { verbose: true };
        summary(out, &tunnel, &tunnels.inputs, sheet, detail)?;
        inferred(out, &tunnel, sheet)?;
        child_sas(out, &tunnel, sheet)?;
        let own: Vec<ExchangeView> = tunnels.exchanges.of(tunnel.id).collect();
        exchanges(out, &own, &tunnels.inputs, sheet)?;
    }
    Ok(())
}

/// A tunnel in a few lines: who, how far, by what means, and what it carried.
pub(super) fn summary(
    out: &mut impl Write,
    tunnel: &TunnelView<'_>,
    inputs: &[InputView<'_>],
    sheet: Sheet,
    detail: Detail,
) -> io::Result<()> {
    let [a, b] = tunnel.ends;
    let mut facts = match &tunnel.ike_version {
        Some(version) => vec![
            Text::verbatim(format_args!("IKEv{}", version.trim_end_matches(".0"))),
            words(tunnel.state).into(),
        ],
        None if tunnel.outside.is_empty() => vec!["no IKE seen".into()],
        None => vec!["no IKE SA seen".into()],
    };
    match tunnel.nat {
        Some("none") => facts.push("no NAT".into()),
        Some("both") => facts.push("both ends behind NAT".into()),
        Some(side) => facts.push(say!("{side} behind NAT", side)),
        None => {}
    }
    let name = format!("{}  {a} ↔ {b}", tunnel.id);
    writeln!(out, "  {}", sheet.paint(Ink::Strong, name))?;
    sheet.paragraph(out, "     ", &sheet.say(clauses(facts)))?;
    let shown = if detail.verbose {
        usize::MAX
    } else {
        ROWS_SHOWN
    };
    let mut before = None;
    for sa in tunnel.ike_sas.iter().take(shown) {
        ike_sa(out, sa, before.filter(|_| !detail.verbose), sheet)?;
        before = Some(sa);
    }
    left_out(out, tunnel.ike_sas.len(), shown, sheet, |more| {
        count(more, "IKE SA")
    })?;
    outside(out, tunnel, shown, sheet)?;
    terms(out, tunnel, shown, sheet)?;
    flows(out, tunnel, inputs, shown, sheet)?;
    for taps in &tunnel.taps {
        let text = between_taps(tunnel, taps, inputs);
        sheet.paragraph(out, "     ", &sheet.say(text))?;
    }
    if let Some(inside) = &tunnel.inner {
        inner(out, inside, inputs, sheet)?;
    }
    timeline(out, &tunnel.timeline, inputs, sheet, detail)
}

/// What the ends say outside of any IKE SA.
fn outside(
    out: &mut impl Write,
    tunnel: &TunnelView<'_>,
    shown: usize,
    sheet: Sheet,
) -> io::Result<()> {
    let lead = sheet.lead(5, "outside of any IKE SA");
    for row in tunnel.outside.iter().take(shown) {
        let end = |address, port| Endpoint { address, port };
        let exchange = match row.exchange_name {
            Some(name) => Text::verbatim(name),
            None => say!("exchange {number}", number = row.exchange),
        };
        let message = say!(
            "{exchange} from {from} to {to}",
            exchange,
            from = end(row.path.src, row.path.src_port),
            to = end(row.path.dst, row.path.dst_port)
        );
        let notices = row.notices.iter().map(|notice| {
            let name = match notice.notify_name {
                Some(name) => Text::verbatim(name),
                None => say!("notification {number}", number = notice.notify),
            };
            match &notice.spi {
                Some(spi) => say!("{notice} {spi}", notice = name, spi = Text::verbatim(spi)),
                None => name,
            }
        });
        let mut facts: Vec<Text> = [message].into_iter().chain(notices).collect();
        if row.count > 1 {
            facts.push(count(row.count, "time"));
        }
        sheet.paragraph(out, &lead, &sheet.say(clauses(facts)))?;
    }
    left_out(out, tunnel.outside.len(), shown, sheet, |more| match more {
        1 => "1 kind of message outside of any IKE SA".into(),
        kinds => say!("{kinds} kinds of message outside of any IKE SA", kinds),
    })
}

/// What was agreed about child SAs; those of the same terms, such as rekeyed ones, share a line.
fn terms(
    out: &mut impl Write,
    tunnel: &TunnelView<'_>,
    shown: usize,
    sheet: Sheet,
) -> io::Result<()> {
    let mut lines: Vec<(Text, Vec<u64>)> = Vec::new();
    let mut places = HashMap::new();
    for child in &tunnel.child_sas {
        if let Some(terms) = &child.terms {
            let line = terms.line();
            let place = *places.entry(line.clone()).or_insert(lines.len());
            match lines.get_mut(place) {
                Some((_, ids)) => ids.push(child.id),
                None => lines.push((line, vec![child.id])),
            }
        }
    }
    for (line, ids) in lines.iter().take(shown) {
        let lead = match ids.as_slice() {
            [number] => say!("child SA {number}", number),
            _ => say!("child SAs {numbers}", numbers = listed(ids)),
        };
        sheet.paragraph(out, &sheet.lead(5, lead), &sheet.say(line))?;
    }
    left_out(out, lines.len(), shown, sheet, |more| {
        count(more, "kind of child SA")
    })
}

/// Events that a summary shows: all of so many, else the first and the last of them.
const EVENTS_SHOWN: usize = 12;

/// What happened, in order.
fn timeline(
    out: &mut impl Write,
    events: &[EventView],
    inputs: &[InputView<'_>],
    sheet: Sheet,
    detail: Detail,
) -> io::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let heading = sheet.paint(Ink::Strong, sheet.word("What happened"));
    writeln!(out, "     {heading}")?;
    let all = detail.verbose || events.len() <= EVENTS_SHOWN;
    let half = EVENTS_SHOWN / 2;
    let left_out = match all {
        true => 0,
        false => events.len().saturating_sub(2 * half),
    };
    let times = Together::of(events.iter().map(|event| Timestamp(event.time_ns)));
    for (number, event) in events.iter().enumerate() {
        if left_out > 0 && number == half {
            let more = count(left_out as u64, "more event");
            let line = say!("and {more} (-v shows them)", more);
            writeln!(out, "     {}", sheet.paint(Ink::Faint, sheet.say(line)))?;
        }
        if left_out > 0 && (half..half + left_out).contains(&number) {
            continue;
        }
        let time = times.say(Timestamp(event.time_ns));
        let lead = format!("     {time}  {}", sheet.lead(0, place(inputs, event.frame)));
        sheet.paragraph(out, &lead, &event.says)?;
    }
    Ok(())
}

/// Conversations that a summary names: those with most packets.
const TALKS_SHOWN: usize = 3;

fn inner(
    out: &mut impl Write,
    inside: &InsideView,
    inputs: &[InputView<'_>],
    sheet: Sheet,
) -> io::Result<()> {
    let mut talks: Vec<&ConversationView> = inside.conversations.iter().collect();
    let listed = talks.len() as u64;
    talks.sort_by_key(|talk| std::cmp::Reverse(packets(talk)));
    let shown = talks.iter().take(TALKS_SHOWN);
    let mut told: Vec<Text> = shown.map(|talk| at_taps(talk, inputs)).collect();
    match (listed + inside.more).saturating_sub(TALKS_SHOWN as u64) {
        0 => {}
        more => told.push(count(more, "further conversation")),
    }
    match inside.errors.len() as u64 + inside.more_errors {
        0 => {}
        1 => told.push("ICMP errors of 1 kind".into()),
        kinds => told.push(say!("ICMP errors of {kinds} kinds", kinds)),
    }
    let told = sheet.say(parted("; ", told));
    sheet.paragraph(out, &sheet.lead(5, "inside"), &told)
}

/// Packets of a conversation, both ways.
fn packets(talk: &ConversationView) -> u64 {
    talk.sent.packets + talk.received.packets
}

/// A conversation, and what other taps saw less of it.
fn at_taps(talk: &ConversationView, inputs: &[InputView<'_>]) -> Text {
    let mut elsewhere = talk.elsewhere.iter();
    match elsewhere.find(|other| other.packets() < packets(talk)) {
        None => said(talk),
        Some(less) => say!(
            "{talk} (at {tap} {sent} and {back})",
            talk = said(talk),
            tap = tap_name(inputs, less.input, less.interface),
            sent = less.sent_packets,
            back = less.received_packets
        ),
    }
}

/// `10.1.0.1:40000 → 10.2.0.1:443 TCP, 12 packets, 11 back`.
fn said(talk: &ConversationView) -> Text {
    let end = |address: IpAddr, port| Endpoint { address, port };
    let protocol = match talk.protocol_name {
        Some(name) => Text::verbatim(name),
        None => say!("protocol {number}", number = talk.protocol),
    };
    let back = match talk.received.packets {
        0 => "none back".into(),
        packets => say!("{packets} back", packets),
    };
    say!(
        "{from} → {to} {protocol}, {packets}, {back}",
        from = end(talk.from.address, talk.from.port),
        to = end(talk.to.address, talk.to.port),
        protocol,
        packets = count(talk.sent.packets, "packet"),
        back
    )
}

/// The file of a tap, and its interface where that is not the first.
fn tap_name(inputs: &[InputView<'_>], input: u16, interface: u32) -> Text {
    let input = inputs.get(usize::from(input));
    let file: Text = input.map(|input| Text::verbatim(escape(input.name))).into();
    match interface {
        0 => file,
        interface => say!("{file} (interface {interface})", file, interface),
    }
}

/// What two taps show together: `taps a.pcap and b.pcap: b.pcap is 1.2 ms ahead (± 40 µs), …`.
fn between_taps(tunnel: &TunnelView<'_>, taps: &TapsView, inputs: &[InputView<'_>]) -> Text {
    let name = |tap: &TapView| tap_name(inputs, tap.input, tap.interface);
    let (a, b) = (name(&taps.a), name(&taps.b));
    let clock = taps.clock_offset_ns.zip(taps.uncertainty_ns);
    let mut facts = Vec::new();
    match (clock, taps.relation) {
        (_, "together") => facts.push("at one place or on one host".into()),
        (Some((offset, doubt)), _) => {
            let (tap, doubt) = (b.clone(), Span(doubt));
            facts.push(match offset {
                0.. => say!(
                    "the clock of {tap} is {offset} ahead (± {doubt})",
                    tap,
                    offset = Span(offset),
                    doubt
                ),
                _ => say!(
                    "the clock of {tap} is {offset} behind (± {doubt})",
                    tap,
                    offset = Span(offset.saturating_neg()),
                    doubt
                ),
            });
            facts.push(match taps.round_trip_ns {
                Some(round) => say!("{time} there and back", time = Span(round)),
                None => "by packets of one direction alone".into(),
            });
        }
        (None, _) => facts.push("clocks not compared".into()),
    }
    match taps.lost {
        Some(lost) => {
            let [first, second] = tunnel.ends;
            for ((from, to), (lost, crossed)) in [(first, second), (second, first)]
                .into_iter()
                .zip(lost.into_iter().zip(taps.crossed))
            {
                let all = lost.saturating_add(crossed);
                if all > 0 {
                    facts.push(say!(
                        "{from} → {to} {lost} of {packets} lost between them",
                        from,
                        to,
                        lost,
                        packets = count(all, "packet")
                    ));
                }
            }
        }
        None if [taps.crossed, taps.only_a, taps.only_b]
            .concat()
            .iter()
            .all(|count| *count == 0) =>
        {
            facts.push("no ESP packet in common".into());
        }
        None => {
            let [forth, back] = taps.only_a;
            let [forth_b, back_b] = taps.only_b;
            let (only_a, only_b) = (forth.saturating_add(back), forth_b.saturating_add(back_b));
            facts.push(say!(
                "{packets} only in {a}, {only_b} only in {b}",
                packets = count(only_a, "packet"),
                a = &a,
                only_b,
                b = &b
            ));
        }
    }
    say!("taps {a} and {b}: {facts}", a, b, facts = clauses(facts))
}

fn left_out(
    out: &mut impl Write,
    rows: usize,
    shown: usize,
    sheet: Sheet,
    counted: impl Fn(u64) -> Text,
) -> io::Result<()> {
    match rows.saturating_sub(shown) {
        0 => Ok(()),
        more => {
            let rows = counted(more as u64);
            let line = say!("and {rows} more: espial tunnels", rows);
            writeln!(out, "     {}", sheet.paint(Ink::Faint, sheet.say(line)))
        }
    }
}

/// A state as words: `already up`.
fn words(state: &'static str) -> &'static str {
    match state {
        "half-open" => "half open",
        "auth-refused" => "auth refused",
        "already-up" => "already up",
        word => word,
    }
}

/// An IKE SA; of the one before it is not said again what both have in common.
fn ike_sa(
    out: &mut impl Write,
    sa: &IkeSaView<'_>,
    before: Option<&IkeSaView<'_>>,
    sheet: Sheet,
) -> io::Result<()> {
    let spis = format!("{}_i {}_r", sa.initiator_spi, sa.responder_spi);
    let mut facts = vec![
        Text::verbatim(spis),
        words(sa.state).into(),
        count(sa.exchanges as u64, "exchange"),
    ];
    if sa.retransmissions > 0 {
        facts.push(count(sa.retransmissions as u64, "retransmission"));
    }
    if let Some(number) = sa.replaces {
        facts.push(say!("replaces IKE SA {number}", number));
    }
    let lead = sheet.lead(5, say!("IKE SA {number}", number = sa.id));
    sheet.paragraph(out, &lead, &sheet.say(clauses(facts)))?;
    let under = " ".repeat(super::sheet::columns(&lead));
    let suite_of = |sa: &IkeSaView<'_>| sa.suite.as_ref().map(SuiteView::line);
    if let Some(suite) =
        suite_of(sa).filter(|suite| before.and_then(suite_of).as_ref() != Some(suite))
    {
        sheet.paragraph(out, &under, &sheet.say(suite))?;
    }
    let same = before.is_some_and(|before| before.vendors == sa.vendors);
    for (side, vendors) in ["initiator", "responder"].into_iter().zip(sa.vendors) {
        if !vendors.is_empty() && !same {
            let products = list(vendors.iter().map(Text::verbatim));
            let line = say!("{side}: {products}", side, products);
            sheet.paragraph(out, &under, &sheet.say(line))?;
        }
    }
    Ok(())
}

/// The first flows, those of each tap in a table that names it where there are several.
fn flows(
    out: &mut impl Write,
    tunnel: &TunnelView<'_>,
    inputs: &[InputView<'_>],
    shown: usize,
    sheet: Sheet,
) -> io::Result<()> {
    let tap = |flow: &FlowView<'_>| (flow.input, flow.interface);
    let first = tunnel.flows.first().map(tap);
    let several = tunnel.flows.iter().any(|flow| Some(tap(flow)) != first);
    let mut own: Vec<&FlowView<'_>> = tunnel.flows.iter().take(shown).collect();
    own.sort_by_key(|flow| tap(flow));
    let head = [
        "", "kind", "SPI", "packets", "octets", "missing", "late", "twice", "from", "for",
    ];
    let times = Together::of(own.iter().map(|flow| Timestamp(flow.seen.first_ns)));
    for flows in own.chunk_by(|one, next| tap(one) == tap(next)) {
        let rows = flows.iter().map(|flow| flow_row(tunnel, flow, times));
        let rows: Vec<Vec<String>> = rows.collect();
        if let Some((input, interface)) = flows.first().map(|flow| tap(flow)).filter(|_| several) {
            let name = tap_name(inputs, input, interface);
            sheet.paragraph(out, "     ", &sheet.say(say!("at {tap}", tap = name)))?;
        }
        sheet.table(out, 5, &head, &rows)?;
    }
    left_out(out, tunnel.flows.len(), shown, sheet, |more| {
        count(more, "flow")
    })
}

fn flow_row(tunnel: &TunnelView<'_>, flow: &FlowView<'_>, times: Together) -> Vec<String> {
    let [_, far] = tunnel.addresses;
    let forth = flow
        .paths
        .last()
        .is_some_and(|path| path.dst == tunnel.ends[1] || far.contains(&path.dst));
    let is_in = |name: &str| {
        let mut layers = flow.paths.iter().flat_map(|path| &path.encap);
        layers.any(|layer| layer == name)
    };
    let transport = match () {
        () if is_in("udp") => "/UDP",
        () if is_in("tcp") => "/TCP",
        () => "",
    };
    let exact = if flow.exact { "" } else { "~" };
    let (first, last) = (Timestamp(flow.seen.first_ns), Timestamp(flow.seen.last_ns));
    vec![
        if forth { "→" } else { "←" }.to_owned(),
        format!("{}{transport}", flow.protocol.to_uppercase()),
        flow.spi.clone(),
        flow.packets.to_string(),
        flow.bytes.to_string(),
        format!("{}{exact}", flow.missing),
        format!("{}{exact}", flow.late),
        format!("{}{exact}", flow.duplicate),
        times.say(first),
        last.since(first).to_string(),
    ]
}

fn child_sas(out: &mut impl Write, tunnel: &TunnelView<'_>, sheet: Sheet) -> io::Result<()> {
    if tunnel.child_sas.is_empty() {
        return Ok(());
    }
    let number = |id: Option<u64>| id.map_or("-".to_owned(), |id| id.to_string());
    let rows: Vec<Vec<String>> = tunnel
        .child_sas
        .iter()
        .map(|child| {
            let doubt = if child.guessed { "?" } else { "" };
            let [to_initiator, to_responder] = child.spis.each_ref().map(|spi| {
                let said = spi.as_ref().map(|spi| format!("{spi}{doubt}"));
                said.unwrap_or("-".to_owned())
            });
            vec![
                child.id.to_string(),
                number(child.ike_sa),
                sheet.word(child.by.unwrap_or("-")).to_owned(),
                to_initiator,
                to_responder,
                number(child.replaces),
            ]
        })
        .collect();
    let head = [
        "child SA",
        "IKE SA",
        "by",
        "SPI to initiator",
        "SPI to responder",
        "replaces",
    ];
    writeln!(out)?;
    sheet.table(out, 5, &head, &rows)?;
    for child in &tunnel.child_sas {
        if let Some(inferred) = &child.inferred {
            let what = say!("child SA {number} by its size", number = child.id);
            sheet.paragraph(out, &sheet.lead(5, what), &inferred.says)?;
        }
    }
    Ok(())
}

/// What the sizes of sealed flows leave open.
fn inferred(out: &mut impl Write, tunnel: &TunnelView<'_>, sheet: Sheet) -> io::Result<()> {
    for flow in &tunnel.flows {
        if let Some(inferred) = &flow.inferred {
            let what = say!("{spi} by its sizes", spi = Text::verbatim(&flow.spi));
            sheet.paragraph(out, &sheet.lead(5, what), &inferred.says)?;
        }
    }
    Ok(())
}

fn exchanges(
    out: &mut impl Write,
    exchanges: &[ExchangeView],
    inputs: &[InputView<'_>],
    sheet: Sheet,
) -> io::Result<()> {
    let Some(start) = exchanges
        .first()
        .and_then(|exchange| exchange.messages.first()?.time_ns)
    else {
        return Ok(());
    };
    let times = Together::of(exchanges.iter().filter_map(begun));
    let rows: Vec<Vec<String>> = exchanges
        .iter()
        .map(|exchange| exchange_row(exchange, inputs, times, sheet))
        .collect();
    let head = [
        "IKE SA",
        "exchange",
        "ID",
        "by",
        "at",
        "frames",
        "answered after",
        "sent again after",
    ];
    writeln!(out)?;
    let time = Text::verbatim(Utc(Timestamp(start)));
    writeln!(
        out,
        "     {}",
        sheet.say(say!("Exchanges from {time}", time))
    )?;
    sheet.table(out, 5, &head, &rows)
}

/// When the first message of an exchange that was seen came.
fn begun(exchange: &ExchangeView) -> Option<Timestamp> {
    let mut messages = exchange.messages.iter();
    messages.find_map(|flight| flight.time_ns).map(Timestamp)
}

fn exchange_row(
    exchange: &ExchangeView,
    inputs: &[InputView<'_>],
    times: Together,
    sheet: Sheet,
) -> Vec<String> {
    let frame = |flight: &FlightView| match flight.frame {
        Some(at) if inputs.len() > 1 => {
            let tap = sheet.say(tap_name(inputs, at.input, 0));
            format!("{} ({tap})", at.frame)
        }
        Some(at) => at.frame.to_string(),
        None => "?".to_owned(),
    };
    let frames: Vec<String> = exchange.messages.iter().map(frame).collect();
    let again: Vec<String> = exchange
        .messages
        .iter()
        .flat_map(|flight| &flight.again)
        .map(|copy| Span(copy.after_ns).to_string())
        .collect();
    vec![
        exchange.ike_sa.to_string(),
        exchange
            .exchange_name
            .map_or(exchange.exchange.to_string(), |name| {
                escape(name).into_owned()
            }),
        exchange.message_id.to_string(),
        sheet.word(exchange.by).to_owned(),
        begun(exchange).map_or("-".to_owned(), |at| times.say(at)),
        frames.join(" "),
        exchange.rtt_ns.map_or_else(
            || sheet.word("no answer").to_owned(),
            |rtt| Span(rtt).to_string(),
        ),
        again.join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Selection, sample};

    fn tables(filter: Option<&str>) -> String {
        let model = sample::model();
        let selection = Selection {
            tunnel: filter,
            ..Selection::default()
        };
        let mut out = Vec::new();
        write(
            &mut out,
            &Tunnels::new(&model, &selection),
            Sheet::default(),
        )
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tables_show_every_row_of_the_model() {
        assert_eq!(tables(None), include_str!("sample_tunnels.txt"));
    }

    #[test]
    fn what_is_inside_is_named_in_short() {
        let model = crate::testing::model(
            "1 A > B ESP 0xb1 seq 1..3 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             1.1 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
             3.1 A > B ESP 0xb1 seq 4 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)",
        );
        let tunnels = Tunnels::new(&model, &Selection::default());
        let mut out = Vec::new();
        write(&mut out, &tunnels, Sheet::default()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = "inside: 10.1.0.1 → 10.2.0.1 ICMP, 3 packets, 2 back; 10.1.0.1:40000 →";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn a_tunnel_is_found_by_number_address_and_spi() {
        for filter in ["1", "192.0.2.2", "2.0.2", "0xc0de", "A1A2a3"] {
            assert_eq!(tables(Some(filter)), tables(None), "{filter}");
        }
        for filter in ["2", "192.0.2.3", "0xc0df"] {
            let says = "No tunnel fits the filter; 1 tunnel not shown.\n";
            assert_eq!(tables(Some(filter)), says, "{filter}");
        }
    }
}
