//! The diagnosis as text: the answer first, then what proves it and what to do, then the rest.

use super::calendar::{Together, Utc};
use super::sheet::{Ink, Sheet};
use super::tunnels;
use super::view::{Diagnosis, FindingView, FrameView, InputView};
use crate::diagnose::rules::{ike_scan, undecided};
use crate::language::{Text, clauses, count, list, parted};
use crate::say;
use crate::units::{Span, Timestamp};
use crate::wire::text::escape;
use std::collections::HashSet;
use std::io::{self, Write};

/// Evidence that is shown of a finding; `--verbose` shows all.
const EVIDENCE_SHOWN: usize = 5;

/// Findings beside the verdict, and tunnels, that are shown; `--verbose` shows all.
const FINDINGS_SHOWN: usize = 32;

/// As [`FINDINGS_SHOWN`].
const TUNNELS_SHOWN: usize = 16;

/// How much is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail {
    /// Every finding in full, every row of every table.
    pub verbose: bool,
}

/// Writes the report.
pub fn write(
    out: &mut impl Write,
    diagnosis: &Diagnosis<'_>,
    sheet: Sheet,
    detail: Detail,
) -> io::Result<()> {
    let verdict = diagnosis.verdict();
    match verdict {
        Some(finding) => {
            headline(out, diagnosis, finding, sheet)?;
            body(out, diagnosis, finding, sheet, detail)?;
        }
        None => all_clear(out, diagnosis, sheet)?,
    }
    others(out, diagnosis, verdict, sheet, detail)?;
    if !diagnosis.tunnels.is_empty() {
        sheet.heading(out, sheet.word("Tunnels"))?;
        let chosen = tunnels_chosen(diagnosis, detail);
        let is_chosen = |number| {
            chosen
                .as_ref()
                .is_none_or(|chosen| chosen.contains(&number))
        };
        for tunnel in diagnosis.tunnels.only(is_chosen) {
            tunnels::summary(out, &tunnel, &diagnosis.inputs, sheet, detail)?;
        }
        let shown = chosen
            .as_ref()
            .map_or(diagnosis.tunnels.len(), HashSet::len);
        if let more @ 1.. = diagnosis.tunnels.len().saturating_sub(shown) {
            let more = count(more as u64, "more tunnel");
            let line = sheet.say(say!("and {more} (-v shows them)", more));
            writeln!(out, "  {line}")?;
        }
    }
    if !diagnosis.inputs.is_empty() {
        sheet.heading(out, sheet.word("Inputs"))?;
        for input in &diagnosis.inputs {
            write_input(out, input, sheet)?;
        }
    }
    if !diagnosis.blind.is_empty() {
        sheet.heading(out, sheet.word("What this capture cannot tell"))?;
        for blind in &diagnosis.blind {
            let [what, why] = [&blind.what, &blind.why].map(Text::verbatim);
            sheet.paragraph(out, "  - ", &sheet.say(say!("{what}: {why}", what, why)))?;
        }
    }
    if let Some(finding) = verdict {
        writeln!(out)?;
        let rule = Text::verbatim(finding.rule);
        let more = say!("More about this: espial explain {rule}", rule);
        writeln!(out, "{}", sheet.paint(Ink::Faint, sheet.say(more)))?;
    }
    Ok(())
}

/// The numbers of the tunnels that are shown, those in trouble before others; `None` if all are.
fn tunnels_chosen(diagnosis: &Diagnosis<'_>, detail: Detail) -> Option<HashSet<u64>> {
    if detail.verbose || diagnosis.tunnels.len() <= TUNNELS_SHOWN {
        return None;
    }
    let findings = diagnosis.findings.iter();
    let troubled = findings.filter(|finding| finding.severity != "info");
    let troubled = troubled.filter_map(|finding| finding.tunnel);
    let mut chosen = HashSet::new();
    for number in troubled.chain(diagnosis.tunnels.numbers()) {
        if chosen.len() == TUNNELS_SHOWN {
            break;
        }
        chosen.insert(number);
    }
    Some(chosen)
}

/// The verdict on one line, and on the next how sure, where and when.
fn headline(
    out: &mut impl Write,
    diagnosis: &Diagnosis<'_>,
    finding: &FindingView<'_>,
    sheet: Sheet,
) -> io::Result<()> {
    let word = sheet.word(finding.severity).to_uppercase();
    let lead = format!("{}  ", sheet.paint(ink(finding.severity), word));
    sheet.paragraph(out, &lead, &finding.title.to_string())?;
    let mut facts = vec![rule(finding), finding.confidence.into()];
    if let Some(number) = finding.tunnel
        && let Some([one, other]) = diagnosis.tunnels.ends(number)
    {
        facts.push(say!("tunnel {number}: {one} ↔ {other}", number, one, other));
    }
    facts.push(when(finding));
    sheet.paragraph(out, "  ", &sheet.say(parted(" · ", facts)))
}

/// A rule by its names: `packet-loss (ESP301)`.
fn rule(finding: &FindingView<'_>) -> Text {
    say!(
        "{rule} ({code})",
        rule = Text::verbatim(finding.rule),
        code = Text::verbatim(finding.code)
    )
}

/// `frame 12`, with the input where there are several to tell apart.
pub(super) fn place(inputs: &[InputView<'_>], frame: FrameView) -> Text {
    let number = frame.frame;
    match inputs.get(usize::from(frame.input)) {
        Some(input) if inputs.len() > 1 => {
            let file = Text::verbatim(escape(input.name));
            say!("frame {number} of {file}", number, file)
        }
        _ => say!("frame {number}", number),
    }
}

/// What a finding explains, and what that explains in turn, in the order of the story.
fn consequences<'d>(
    diagnosis: &'d Diagnosis<'d>,
    finding: &'d FindingView<'d>,
) -> Vec<&'d FindingView<'d>> {
    let mut told = Vec::new();
    let mut waiting = vec![finding];
    // Each finding has one cause at most, so none is met twice.
    while let Some(cause) = waiting.pop() {
        if !std::ptr::eq(cause, finding) {
            told.push(cause);
        }
        let next = cause.explains.iter();
        let mut next: Vec<_> = next
            .filter_map(|place| diagnosis.findings.get(*place))
            .collect();
        next.sort_by_key(|next| std::cmp::Reverse(next.first_ns));
        waiting.extend(next);
    }
    told
}

/// The frames that prove a finding, by number: `frames 12, 13`. Where there are several inputs to tell
/// apart, those of each: `frames 12, 13 of a.pcap, frame 7 of b.pcap`.
fn frames(inputs: &[InputView<'_>], finding: &FindingView<'_>) -> Text {
    let mut of_inputs: Vec<(u16, Vec<FrameView>)> = Vec::new();
    for evidence in finding.evidence.iter().take(EVIDENCE_SHOWN) {
        let frame = evidence.frame;
        match of_inputs
            .iter_mut()
            .find(|(input, _)| *input == frame.input)
        {
            Some((_, frames)) => frames.push(frame),
            None => of_inputs.push((frame.input, vec![frame])),
        }
    }
    clauses(of_inputs.into_iter().map(|(input, frames)| {
        let numbers = list(frames.iter().map(|frame| frame.frame));
        match (frames.as_slice(), inputs.get(usize::from(input))) {
            ([frame], _) => place(inputs, *frame),
            (_, Some(input)) if inputs.len() > 1 => {
                let file = Text::verbatim(escape(input.name));
                say!("frames {numbers} of {file}", numbers, file)
            }
            _ => say!("frames {numbers}", numbers),
        }
    }))
}

fn ink(severity: &str) -> Ink {
    match severity {
        "error" => Ink::Error,
        "warning" => Ink::Warning,
        _ => Ink::Info,
    }
}

fn when(finding: &FindingView<'_>) -> Text {
    let (first, last) = (Timestamp(finding.first_ns), Timestamp(finding.last_ns));
    let time = Text::verbatim(Utc(first));
    if first == last {
        say!("at {time}", time)
    } else {
        say!(
            "from {time} on, for {length}",
            time,
            length = last.since(first)
        )
    }
}

/// What a finding says, what proves it, what else it may be, what to do.
fn body(
    out: &mut impl Write,
    diagnosis: &Diagnosis<'_>,
    finding: &FindingView<'_>,
    sheet: Sheet,
    detail: Detail,
) -> io::Result<()> {
    writeln!(out)?;
    sheet.paragraph(out, "  ", &finding.says.to_string())?;
    let shown = if detail.verbose {
        finding.evidence.len()
    } else {
        EVIDENCE_SHOWN
    };
    if !finding.evidence.is_empty() {
        part(out, "Evidence", sheet)?;
    }
    for evidence in finding.evidence.iter().take(shown) {
        let lead = sheet.lead(4, place(&diagnosis.inputs, evidence.frame));
        sheet.paragraph(out, &lead, &evidence.note.to_string())?;
    }
    if let more @ 1.. = finding.evidence.len().saturating_sub(shown) {
        let line = sheet.say(say!("and {more} more (-v shows them)", more));
        writeln!(out, "    {line}")?;
    }
    let consequences = consequences(diagnosis, finding);
    if !consequences.is_empty() {
        part(out, "Which explains", sheet)?;
    }
    for consequence in consequences {
        let text = say!(
            "{title} ({rule}; {frames})",
            title = Text::verbatim(consequence.title),
            rule = Text::verbatim(consequence.rule),
            frames = frames(&diagnosis.inputs, consequence)
        );
        sheet.paragraph(out, "    - ", &sheet.say(text))?;
    }
    if !finding.alternatives.is_empty() {
        part(out, "What else would look like this", sheet)?;
        for alternative in finding.alternatives.iter() {
            sheet.paragraph(out, "    - ", &alternative.to_string())?;
        }
    }
    if !finding.advice.is_empty() {
        part(out, "What to do", sheet)?;
        for (i, advice) in finding.advice.iter().enumerate() {
            sheet.paragraph(out, &format!("    {}. ", i + 1), &advice.to_string())?;
        }
    }
    Ok(())
}

fn part(out: &mut impl Write, title: &'static str, sheet: Sheet) -> io::Result<()> {
    writeln!(out, "\n  {}", sheet.paint(Ink::Strong, sheet.word(title)))
}

/// The first line of a report without a verdict.
fn all_clear(out: &mut impl Write, diagnosis: &Diagnosis<'_>, sheet: Sheet) -> io::Result<()> {
    let outside: u64 = diagnosis
        .inputs
        .iter()
        .map(|input| input.frames_outside)
        .sum();
    let all: u64 = diagnosis.inputs.iter().map(|input| input.frames).sum();
    let frames = all.saturating_sub(outside);
    let mut links: Vec<&str> = Vec::new();
    for link in diagnosis.inputs.iter().flat_map(|input| input.link_types) {
        if !links.contains(&link.as_str()) {
            links.push(link);
        }
    }
    let is_cut = diagnosis.inputs.iter().any(|input| input.frames_cut > 0);
    let (ink, word, text) = if diagnosis.tunnels.is_empty() && diagnosis.tunnels_hidden > 0 {
        let hidden = count(diagnosis.tunnels_hidden as u64, "tunnel");
        let text = say!("no tunnel fits the filter; {hidden} not shown", hidden);
        (Ink::Info, "FILTERED", text)
    } else if diagnosis.tunnels.is_empty() && diagnosis.findings.is_empty() {
        let text = match frames {
            0 if outside > 0 => say!(
                "none of {frames} is of the time that was asked for",
                frames = count(outside, "frame")
            ),
            0 => "the capture holds no frames".into(),
            _ => say!(
                "no IKE, ESP or AH in {frames}",
                frames = count(frames, "frame")
            ),
        };
        let text = match links.is_empty() {
            true => text,
            false => say!(
                "{text} (link type {links})",
                text,
                links = list(links.into_iter().map(Text::verbatim))
            ),
        };
        match is_cut {
            _ if frames == 0 && outside > 0 => (Ink::Info, "UNDECIDED", text),
            true => {
                let text = say!(
                    "{text} as far as they were kept: the capture cut them",
                    text
                );
                (Ink::Info, "UNDECIDED", text)
            }
            false => (Ink::Warning, "NO IPSEC", text),
        }
    } else if diagnosis.hidden > 0 {
        let hidden = count(diagnosis.hidden as u64, "finding");
        let text = say!("nothing as severe as asked for; {hidden} not shown", hidden);
        (Ink::Info, "FILTERED", text)
    } else {
        no_fault(diagnosis, frames)
    };
    let mut inputs = diagnosis.inputs.iter();
    let text = match inputs.any(|input| !input.problems.is_empty()) {
        true => say!("{text}; a part of the input could not be read", text),
        false => text,
    };
    let lead = format!("{}  ", sheet.paint(ink, sheet.word(word)));
    sheet.paragraph(out, &lead, &sheet.say(text))
}

/// What is said where no fault was found. That no tunnel is called healthy of which nothing shows that it
/// works.
fn no_fault(diagnosis: &Diagnosis<'_>, frames: u64) -> (Ink, &'static str, Text) {
    let all = diagnosis.tunnels.len();
    let findings = || diagnosis.findings.iter();
    let scans = findings().filter(|finding| finding.rule == ike_scan::RULE.slug);
    let scanned: HashSet<_> = scans.filter_map(|finding| finding.tunnel).collect();
    let frames = count(frames, "frame");
    if all > 0 && scanned.len() == all && diagnosis.tunnels.came_up() == 0 {
        let text = say!("scans, and nothing else of IPsec, in {frames}", frames);
        return (Ink::Info, "NO TUNNEL", text);
    }
    let undecided = findings()
        .filter(|finding| finding.rule == undecided::RULE.slug && finding.explained_by.is_none())
        .count();
    let tunnels = count(all as u64, "tunnel");
    match undecided {
        0 => {
            let text = say!("no fault found: {tunnels} in {frames}", tunnels, frames);
            (Ink::Good, "HEALTHY", text)
        }
        _ if undecided >= all => {
            let text = say!(
                "too little was recorded to tell whether anything works: {tunnels} in {frames}",
                tunnels,
                frames
            );
            (Ink::Info, "UNDECIDED", text)
        }
        _ => {
            let text = say!(
                "no fault found: {tunnels} in {frames}; too little was recorded to judge {undecided} of them",
                tunnels,
                frames,
                undecided
            );
            (Ink::Good, "HEALTHY", text)
        }
    }
}

/// All findings but the verdict: those that say something is wrong shortly, the rest by title.
fn others(
    out: &mut impl Write,
    diagnosis: &Diagnosis<'_>,
    verdict: Option<&FindingView<'_>>,
    sheet: Sheet,
    detail: Detail,
) -> io::Result<()> {
    let is_verdict = |finding: &FindingView<'_>| verdict.is_some_and(|v| std::ptr::eq(v, finding));
    // A consequence is told with its cause.
    let rest = diagnosis
        .findings
        .iter()
        .filter(|finding| !is_verdict(finding) && finding.explained_by.is_none());
    let groups = alike(rest, detail);
    if !groups.is_empty() {
        sheet.heading(out, sheet.word("Also found"))?;
    }
    let shown = if detail.verbose {
        groups.len()
    } else {
        FINDINGS_SHOWN
    };
    let more = groups.len().saturating_sub(shown);
    // What two tunnels have to do with each other is told of both, in the same words.
    let words = |finding: &FindingView<'_>| {
        let says = finding.says.to_string();
        (finding.rule, finding.title.to_string(), says)
    };
    let mut told: HashSet<_> = verdict.map(words).into_iter().collect();
    for (finding, tunnels) in groups.into_iter().take(shown) {
        let title = Text::verbatim(finding.title);
        let title = match tunnels.as_slice() {
            [] => title,
            _ if diagnosis.tunnels.len() == 1 => title,
            [number] => say!("{title} (tunnel {number})", title, number),
            many => say!("{title} (tunnels {numbers})", title, numbers = listed(many)),
        };
        let word = sheet.word(finding.severity);
        let lead = format!("  {}  ", sheet.paint(ink(finding.severity), word));
        sheet.paragraph(out, &lead, &sheet.say(title))?;
        if detail.verbose {
            let line = clauses([rule(finding), finding.confidence.into(), when(finding)]);
            sheet.paragraph(out, "    ", &sheet.say(line))?;
            body(out, diagnosis, finding, sheet, detail)?;
            writeln!(out)?;
        } else if finding.severity != "info" {
            if told.insert(words(finding)) {
                sheet.paragraph(out, "    ", &finding.says.to_string())?;
            }
            let line = say!(
                "{rule}, {confidence}; {frames}",
                rule = Text::verbatim(finding.rule),
                confidence = finding.confidence,
                frames = frames(&diagnosis.inputs, finding)
            );
            sheet.paragraph(out, "    ", &sheet.say(line))?;
            let explained = consequences(diagnosis, finding).into_iter();
            let titles = parted("; ", explained.map(|one| Text::verbatim(one.title)));
            if !titles.is_empty() {
                let line = say!("which explains: {titles}", titles);
                sheet.paragraph(out, "    ", &sheet.say(line))?;
            }
        }
    }
    if more > 0 {
        let more = count(more as u64, "more finding");
        let line = sheet.say(say!("and {more} (-v shows them)", more));
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

/// Findings with their tunnels. Those for information that say the same of several tunnels are one
/// line; whatever is wrong, and everything if all is asked for, has its own.
fn alike<'d>(
    findings: impl Iterator<Item = &'d FindingView<'d>>,
    detail: Detail,
) -> Vec<(&'d FindingView<'d>, Vec<u64>)> {
    let mut groups: Vec<(&FindingView<'_>, Vec<u64>)> = Vec::new();
    // Places of groups that more may join: there can be as many findings as tunnels, and a table that grows
    // would hash all their titles again.
    let most = findings.size_hint().1.unwrap_or_default();
    let mut places = foldhash::HashMap::with_capacity_and_hasher(most, Default::default());
    for finding in findings {
        let joins = !detail.verbose && finding.severity == "info";
        let place = match joins {
            true => *places
                .entry((finding.rule, finding.title.text()))
                .or_insert(groups.len()),
            false => groups.len(),
        };
        match groups.get_mut(place) {
            Some((_, tunnels)) => tunnels.extend(finding.tunnel),
            None => groups.push((finding, finding.tunnel.into_iter().collect())),
        }
    }
    groups
}

/// `1, 2, 3 and 6 more`.
pub(super) fn listed(numbers: &[u64]) -> Text {
    /// Numbers that are listed one by one.
    const SHOWN: usize = 8;
    let shown = list(numbers.iter().take(SHOWN));
    match numbers.len().saturating_sub(SHOWN) {
        0 => shown,
        more => say!("{shown} and {more} more", shown, more),
    }
}

/// One input, and what of it could not be read.
fn write_input(out: &mut impl Write, input: &InputView<'_>, sheet: Sheet) -> io::Result<()> {
    let mut facts = vec![Text::verbatim(input.format)];
    facts.extend(input.link_types.iter().map(Text::verbatim));
    facts.push(count(input.frames, "frame"));
    if input.frames_outside > 0 {
        facts.push(say!(
            "{frames} passed over, of other times than were asked for",
            frames = count(input.frames_outside, "frame")
        ));
    }
    if let (Some(first), Some(last)) = (input.first_ns, input.last_ns) {
        let (first, last) = (Timestamp(first), Timestamp(last));
        facts.push(say!(
            "{first} to {last} ({length})",
            first = Text::verbatim(Utc(first)),
            last = Text::verbatim(Together::of([first, last]).say(last)),
            length = last.since(first)
        ));
    }
    match Span(input.clock_shift_ns) {
        Span(0) => {}
        behind @ Span(0..) => facts.push(say!(
            "its clock is {span} behind, which was added to its times",
            span = behind
        )),
        Span(ahead) => facts.push(say!(
            "its clock is {span} ahead, which was taken off its times",
            span = Span(ahead.saturating_neg())
        )),
    }
    if input.frames_cut > 0 {
        let frames = count(input.frames_cut, "frame");
        facts.push(match input.snaplen {
            Some(size) => say!("{frames} cut to {size} octets", frames, size),
            None => say!("{frames} cut", frames),
        });
    }
    if let Some(dropped @ 1..) = input.dropped {
        facts.push(say!(
            "{packets} dropped by the capturing system",
            packets = count(dropped, "packet")
        ));
    }
    writeln!(out, "  {}", escape(input.path))?;
    sheet.paragraph(out, "    ", &sheet.say(clauses(facts)))?;
    for problem in &input.problems {
        let (offset, what) = (problem.offset, Text::verbatim(&problem.what));
        let text = match problem.skipped {
            0 => say!("at octet {offset}: {what}", offset, what),
            skipped => say!(
                "at octet {offset}: {what} ({skipped} passed over)",
                offset,
                what,
                skipped = count(skipped, "octet")
            ),
        };
        sheet.paragraph(out, "    - ", &sheet.say(text))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Problem;
    use crate::diagnose::Finding;
    use crate::model::{Input, Model};
    use crate::report::sheet::columns;
    use crate::report::{Selection, sample};

    fn report(model: &Model, findings: &[Finding], selection: &Selection<'_>) -> String {
        let mut out = Vec::new();
        let diagnosis = Diagnosis::new(model, findings, selection);
        write(&mut out, &diagnosis, Sheet::default(), Detail::default()).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn first_line(report: &str) -> &str {
        report.lines().next().unwrap()
    }

    #[test]
    fn a_report_says_first_what_is_wrong_then_why_then_what_to_do() {
        let (model, findings) = (sample::model(), sample::findings());
        let report = report(&model, &findings, &Selection::default());
        assert_eq!(report, include_str!("sample.txt"), "{report}");
    }

    #[test]
    fn a_healthy_capture_is_told_so_at_once() {
        let model = sample::model();
        let report = report(&model, &[], &Selection::default());
        assert_eq!(
            first_line(&report),
            "HEALTHY  no fault found: 1 tunnel in 1234 frames"
        );
    }

    #[test]
    fn a_capture_without_ipsec_is_told_so_at_once() {
        let mut model = Model::default();
        model.inputs.push(Input {
            link_types: vec!["ETHERNET".to_owned()],
            frames: 7,
            ..Input::default()
        });
        assert_eq!(
            first_line(&report(&model, &[], &Selection::default())),
            "NO IPSEC  no IKE, ESP or AH in 7 frames (link type ETHERNET)"
        );
        model.inputs[0].frames = 0;
        model.inputs[0].problems.push(Problem {
            offset: 24,
            skipped: 3,
            what: "cut".into(),
        });
        let damaged = report(&model, &[], &Selection::default()).replace("\n          ", " ");
        assert_eq!(
            first_line(&damaged),
            "NO IPSEC  the capture holds no frames (link type ETHERNET); \
             a part of the input could not be read"
        );
    }

    #[test]
    fn a_filtered_report_never_reads_like_a_healthy_one() {
        let (model, mut findings) = (sample::model(), sample::findings());
        findings.retain(|finding| finding.severity < crate::diagnose::Severity::Error);
        let selection = Selection {
            min_severity: crate::diagnose::Severity::Error,
            ..Selection::default()
        };
        assert_eq!(
            first_line(&report(&model, &findings, &selection)),
            "FILTERED  nothing as severe as asked for; 1 finding not shown"
        );
    }

    #[test]
    fn captured_strings_cannot_steer_the_terminal() {
        let (mut model, mut findings) = (sample::model(), sample::findings());
        let hostile = "\x1b]0;owned\x07\u{202e}";
        for finding in &mut findings {
            finding.title = hostile.into();
            finding.says = hostile.into();
            finding.evidence[0].note = hostile.into();
            finding.advice = vec![hostile.into()];
            finding.alternatives = vec![hostile.into()];
        }
        model.inputs[0].path = hostile.to_owned();
        for sa in model.ike_sas.iter_mut() {
            sa.vendors = [vec![hostile.to_owned()], vec![hostile.to_owned()]];
        }
        for blind in &mut model.blind {
            blind.why = hostile.into();
        }
        let report = report(&model, &findings, &Selection::default());
        let bad = report
            .chars()
            .find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(bad, None, "{report:?}");
    }

    #[test]
    fn no_line_of_prose_is_wider_than_the_sheet() {
        let (model, findings) = (sample::model(), sample::findings());
        let mut diagnosis = Diagnosis::new(&model, &findings, &Selection::default());
        // Tables keep their columns whatever the width.
        diagnosis.tunnels.ids.clear();
        for width in 60..100 {
            let mut out = Vec::new();
            let sheet = Sheet {
                width,
                colour: true,
                ..Sheet::default()
            };
            write(&mut out, &diagnosis, sheet, Detail { verbose: true }).unwrap();
            for line in String::from_utf8(out).unwrap().lines() {
                assert!(columns(line) <= width, "{width}: {line}");
            }
        }
    }
}
