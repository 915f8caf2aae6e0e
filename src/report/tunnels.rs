//! Tunnels as tables: IKE SAs, child SAs, ESP and AH flows, exchanges.

use super::calendar::{Clock, Utc};
use super::sheet::{Ink, Sheet};
use super::text::{Detail, counted, file_name, listed, place};
use super::view::{
    ConversationView, EventView, ExchangeView, FlightView, FlowView, IkeSaView, InputView,
    InsideView, SuiteView, TapView, TapsView, TunnelView, Tunnels,
};
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
        return writeln!(out, "No tunnels.");
    }
    for (i, tunnel) in tunnels.tunnels.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        let detail = Detail { verbose: true };
        summary(out, tunnel, &tunnels.inputs, sheet, detail)?;
        inferred(out, tunnel, sheet)?;
        child_sas(out, tunnel, sheet)?;
        let own: Vec<&ExchangeView> = tunnels
            .exchanges
            .iter()
            .filter(|exchange| exchange.tunnel == tunnel.id)
            .collect();
        exchanges(out, &own, sheet)?;
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
            format!("IKEv{}", version.trim_end_matches(".0")),
            words(tunnel.state),
        ],
        None => vec!["no IKE seen".to_owned()],
    };
    match tunnel.nat {
        Some("none") => facts.push("no NAT".to_owned()),
        Some("both") => facts.push("both ends behind NAT".to_owned()),
        Some(side) => facts.push(format!("{side} behind NAT")),
        None => {}
    }
    let name = format!("{}  {a} ↔ {b}", tunnel.id);
    writeln!(out, "  {}", sheet.paint(Ink::Strong, name))?;
    sheet.paragraph(out, "     ", &facts.join(", "))?;
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
    left_out(out, tunnel.ike_sas.len(), shown, "IKE SA", sheet)?;
    terms(out, tunnel, shown, sheet)?;
    if !tunnel.flows.is_empty() {
        let head = [
            "", "kind", "SPI", "packets", "octets", "missing", "late", "twice", "from", "for",
        ];
        let rows: Vec<Vec<String>> = tunnel
            .flows
            .iter()
            .take(shown)
            .map(|flow| flow_row(tunnel, flow))
            .collect();
        sheet.table(out, 5, &head, &rows)?;
        left_out(out, tunnel.flows.len(), shown, "flow", sheet)?;
    }
    for taps in &tunnel.taps {
        sheet.paragraph(out, "     ", &between_taps(tunnel, taps, inputs))?;
    }
    if let Some(inside) = &tunnel.inner {
        inner(out, inside, sheet)?;
    }
    timeline(out, &tunnel.timeline, inputs, sheet, detail)
}

/// What was agreed about child SAs; those of the same terms, such as rekeyed ones, share a line.
fn terms(
    out: &mut impl Write,
    tunnel: &TunnelView<'_>,
    shown: usize,
    sheet: Sheet,
) -> io::Result<()> {
    let mut lines: Vec<(String, Vec<u64>)> = Vec::new();
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
        let many = if ids.len() > 1 { "s" } else { "" };
        let lead = format!("     child SA{many} {}: ", listed(ids));
        sheet.paragraph(out, &lead, line)?;
    }
    left_out(out, lines.len(), shown, "kind of child SA", sheet)
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
    writeln!(out, "     {}", sheet.paint(Ink::Strong, "What happened"))?;
    let all = detail.verbose || events.len() <= EVENTS_SHOWN;
    let half = EVENTS_SHOWN / 2;
    let left_out = match all {
        true => 0,
        false => events.len().saturating_sub(2 * half),
    };
    for (number, event) in events.iter().enumerate() {
        if left_out > 0 && number == half {
            let more = counted(left_out as u64, "more event");
            let line = format!("and {more} (-v shows them)");
            writeln!(out, "     {}", sheet.paint(Ink::Faint, line))?;
        }
        if left_out > 0 && (half..half + left_out).contains(&number) {
            continue;
        }
        let time = Clock(Timestamp(event.time_ns));
        let lead = format!("     {time}  {}: ", place(inputs, event.frame));
        sheet.paragraph(out, &lead, &event.says)?;
    }
    Ok(())
}

/// Conversations that a summary names: those with most packets.
const TALKS_SHOWN: usize = 3;

fn inner(out: &mut impl Write, inside: &InsideView, sheet: Sheet) -> io::Result<()> {
    let mut talks: Vec<&ConversationView> = inside.conversations.iter().collect();
    talks.sort_by_key(|talk| std::cmp::Reverse(talk.sent.packets + talk.received.packets));
    let mut words: Vec<String> = talks
        .iter()
        .take(TALKS_SHOWN)
        .map(|talk| said(talk))
        .collect();
    let listed = inside.conversations.len() as u64;
    match (listed + inside.more).saturating_sub(TALKS_SHOWN as u64) {
        0 => {}
        more => words.push(counted(more, "further conversation")),
    }
    let errors = inside.errors.len() as u64 + inside.more_errors;
    if errors > 0 {
        words.push(format!("ICMP errors of {}", counted(errors, "kind")));
    }
    sheet.paragraph(out, "     inside: ", &words.join("; "))
}

/// `10.1.0.1:40000 → 10.2.0.1:443 TCP, 12 packets, 11 back`.
fn said(talk: &ConversationView) -> String {
    let end = |address: IpAddr, port| Endpoint { address, port };
    let protocol = match talk.protocol_name {
        Some(name) => name.to_owned(),
        None => format!("protocol {}", talk.protocol),
    };
    let back = match talk.received.packets {
        0 => "none back".to_owned(),
        packets => format!("{packets} back"),
    };
    format!(
        "{} → {} {protocol}, {}, {back}",
        end(talk.from.address, talk.from.port),
        end(talk.to.address, talk.to.port),
        counted(talk.sent.packets, "packet"),
    )
}

/// What two taps show together: `taps a.pcap and b.pcap: b.pcap is 1.2 ms ahead (± 40 µs), …`.
fn between_taps(tunnel: &TunnelView<'_>, taps: &TapsView, inputs: &[InputView<'_>]) -> String {
    let name = |tap: &TapView| {
        let path = inputs
            .get(usize::from(tap.input))
            .map_or("", |input| input.path);
        let file = escape(file_name(path)).to_string();
        match tap.interface {
            0 => file,
            interface => format!("{file} (interface {interface})"),
        }
    };
    let (a, b) = (name(&taps.a), name(&taps.b));
    let clock = taps
        .clock_offset_ns
        .zip(taps.uncertainty_ns)
        .zip(taps.round_trip_ns);
    let mut facts = Vec::new();
    match (clock, taps.relation) {
        (_, "together") => facts.push("at one place or on one host".to_owned()),
        (Some(((offset, doubt), round)), _) => {
            let (word, offset) = match offset {
                0.. => ("ahead", offset),
                _ => ("behind", offset.saturating_neg()),
            };
            facts.push(format!(
                "the clock of {b} is {} {word} (± {})",
                Span(offset),
                Span(doubt)
            ));
            facts.push(format!("{} there and back", Span(round)));
        }
        (None, _) => facts.push("clocks not compared".to_owned()),
    }
    match taps.lost {
        Some(lost) => {
            let [first, second] = tunnel.ends;
            for ((from, to), (lost, crossed)) in [(first, second), (second, first)]
                .into_iter()
                .zip(lost.into_iter().zip(taps.crossed))
            {
                facts.push(format!(
                    "{from} → {to} {lost} of {} lost between them",
                    counted(lost.saturating_add(crossed), "packet")
                ));
            }
        }
        None => {
            let [forth, back] = taps.only_a;
            let [forth_b, back_b] = taps.only_b;
            let (only_a, only_b) = (forth.saturating_add(back), forth_b.saturating_add(back_b));
            facts.push(format!(
                "{} only in {a}, {only_b} only in {b}",
                counted(only_a, "packet")
            ));
        }
    }
    format!("taps {a} and {b}: {}", facts.join(", "))
}

fn left_out(
    out: &mut impl Write,
    rows: usize,
    shown: usize,
    what: &str,
    sheet: Sheet,
) -> io::Result<()> {
    match rows.saturating_sub(shown) {
        0 => Ok(()),
        more => {
            let line = format!("and {} more: espial tunnels", counted(more as u64, what));
            writeln!(out, "     {}", sheet.paint(Ink::Faint, line))
        }
    }
}

/// A state as words: `already up`.
fn words(state: &str) -> String {
    state.replace('-', " ")
}

/// An IKE SA; of the one before it is not said again what both have in common.
fn ike_sa(
    out: &mut impl Write,
    sa: &IkeSaView<'_>,
    before: Option<&IkeSaView<'_>>,
    sheet: Sheet,
) -> io::Result<()> {
    let mut facts = vec![
        format!("{}_i {}_r", sa.initiator_spi, sa.responder_spi),
        words(sa.state),
        counted(sa.exchanges as u64, "exchange"),
    ];
    if sa.retransmissions > 0 {
        facts.push(counted(sa.retransmissions as u64, "retransmission"));
    }
    if let Some(replaced) = sa.replaces {
        facts.push(format!("replaces IKE SA {replaced}"));
    }
    let lead = format!("     IKE SA {}: ", sa.id);
    sheet.paragraph(out, &lead, &facts.join(", "))?;
    let under = " ".repeat(super::sheet::columns(&lead));
    let suite_of = |sa: &IkeSaView<'_>| sa.suite.as_ref().map(SuiteView::line);
    if let Some(suite) =
        suite_of(sa).filter(|suite| before.and_then(suite_of).as_ref() != Some(suite))
    {
        sheet.paragraph(out, &under, &suite)?;
    }
    let same = before.is_some_and(|before| before.vendors == sa.vendors);
    for (side, vendors) in ["initiator", "responder"].iter().zip(sa.vendors) {
        if !vendors.is_empty() && !same {
            sheet.paragraph(out, &under, &format!("{side}: {}", vendors.join(", ")))?;
        }
    }
    Ok(())
}

fn flow_row(tunnel: &TunnelView<'_>, flow: &FlowView<'_>) -> Vec<String> {
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
        Clock(first).to_string(),
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
            let [to_initiator, to_responder] = child
                .spis
                .each_ref()
                .map(|spi| spi.clone().unwrap_or("-".to_owned()));
            vec![
                child.id.to_string(),
                number(child.ike_sa),
                child.by.unwrap_or("-").to_owned(),
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
            let lead = format!("     child SA {} by its size: ", child.id);
            sheet.paragraph(out, &lead, &inferred.says)?;
        }
    }
    Ok(())
}

/// What the sizes of sealed flows leave open.
fn inferred(out: &mut impl Write, tunnel: &TunnelView<'_>, sheet: Sheet) -> io::Result<()> {
    for flow in &tunnel.flows {
        if let Some(inferred) = &flow.inferred {
            sheet.paragraph(
                out,
                &format!("     {} by its sizes: ", flow.spi),
                &inferred.says,
            )?;
        }
    }
    Ok(())
}

fn exchanges(out: &mut impl Write, exchanges: &[&ExchangeView], sheet: Sheet) -> io::Result<()> {
    let Some(start) = exchanges
        .first()
        .and_then(|exchange| exchange.messages.first()?.time_ns)
    else {
        return Ok(());
    };
    let rows: Vec<Vec<String>> = exchanges
        .iter()
        .map(|exchange| exchange_row(exchange))
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
    writeln!(out, "     Exchanges from {}", Utc(Timestamp(start)))?;
    sheet.table(out, 5, &head, &rows)
}

fn exchange_row(exchange: &ExchangeView) -> Vec<String> {
    let frame = |flight: &FlightView| {
        flight
            .frame
            .map_or("?".to_owned(), |frame| frame.frame.to_string())
    };
    let frames: Vec<String> = exchange.messages.iter().map(frame).collect();
    let at = exchange.messages.iter().find_map(|flight| flight.time_ns);
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
        exchange.by.to_owned(),
        at.map_or("-".to_owned(), |at| Clock(Timestamp(at)).to_string()),
        frames.join(" "),
        exchange
            .rtt_ns
            .map_or("no answer".to_owned(), |rtt| Span(rtt).to_string()),
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
            assert_eq!(tables(Some(filter)), "No tunnels.\n", "{filter}");
        }
    }
}
