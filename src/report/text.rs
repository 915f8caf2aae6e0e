//! The diagnosis as text: the answer first, then what proves it and what to do, then the rest.

use super::calendar::{Clock, Utc};
use super::sheet::{Ink, Sheet};
use super::tunnels;
use super::view::{Diagnosis, FindingView, FrameView, InputView, TunnelView};
use crate::units::Timestamp;
use crate::wire::text::escape;
use std::collections::{HashMap, HashSet};
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
        sheet.heading(out, "Tunnels")?;
        let shown = tunnels_shown(diagnosis, detail);
        for tunnel in &shown {
            tunnels::summary(out, tunnel, &diagnosis.inputs, sheet, detail)?;
        }
        if let more @ 1.. = diagnosis.tunnels.len().saturating_sub(shown.len()) {
            let more = counted(more as u64, "more tunnel");
            writeln!(out, "  and {more} (-v shows them)")?;
        }
    }
    if !diagnosis.inputs.is_empty() {
        sheet.heading(out, "Inputs")?;
        for input in &diagnosis.inputs {
            write_input(out, input, sheet)?;
        }
    }
    if !diagnosis.blind.is_empty() {
        sheet.heading(out, "What this capture cannot tell")?;
        for blind in &diagnosis.blind {
            sheet.paragraph(out, "  - ", &format!("{}: {}", blind.what, blind.why))?;
        }
    }
    if let Some(finding) = verdict {
        writeln!(out)?;
        let more = format!("More about this: espial explain {}", finding.rule);
        writeln!(out, "{}", sheet.paint(Ink::Faint, more))?;
    }
    Ok(())
}

/// The tunnels that are shown: those in trouble before others, in their own order.
fn tunnels_shown<'d>(diagnosis: &'d Diagnosis<'_>, detail: Detail) -> Vec<&'d TunnelView<'d>> {
    if detail.verbose || diagnosis.tunnels.len() <= TUNNELS_SHOWN {
        return diagnosis.tunnels.iter().collect();
    }
    let findings = diagnosis.findings.iter();
    let troubled = findings.filter(|finding| finding.severity != "info");
    let troubled = troubled.filter_map(|finding| finding.tunnel);
    let all = diagnosis.tunnels.iter().map(|tunnel| tunnel.id);
    let mut chosen = HashSet::new();
    for id in troubled.chain(all) {
        if chosen.len() == TUNNELS_SHOWN {
            break;
        }
        chosen.insert(id);
    }
    let tunnels = diagnosis.tunnels.iter();
    tunnels
        .filter(|tunnel| chosen.contains(&tunnel.id))
        .collect()
}

/// The verdict on one line, and on the next how sure, where and when.
fn headline(
    out: &mut impl Write,
    diagnosis: &Diagnosis<'_>,
    finding: &FindingView,
    sheet: Sheet,
) -> io::Result<()> {
    let (ink, word) = mark(finding.severity);
    let lead = format!("{}  ", sheet.paint(ink, word.to_uppercase()));
    sheet.paragraph(out, &lead, &finding.title)?;
    let mut facts = vec![
        format!("{} ({})", finding.rule, finding.code),
        finding.confidence.to_owned(),
    ];
    if let Some(tunnel) = tunnel_of(diagnosis, finding) {
        facts.push(format!(
            "tunnel {}: {} ↔ {}",
            tunnel.id, tunnel.ends[0], tunnel.ends[1]
        ));
    }
    facts.push(when(finding));
    sheet.paragraph(out, "  ", &facts.join(" · "))
}

/// `frame 12`, with the input where there are several to tell apart.
pub(super) fn place(inputs: &[InputView<'_>], frame: FrameView) -> String {
    match inputs.get(usize::from(frame.input)) {
        Some(input) if inputs.len() > 1 => {
            format!("frame {} of {}", frame.frame, escape(file_name(input.path)))
        }
        _ => format!("frame {}", frame.frame),
    }
}

/// What a finding explains, and what that explains in turn, in the order of the story.
fn consequences<'d>(
    diagnosis: &'d Diagnosis<'_>,
    finding: &'d FindingView,
) -> Vec<&'d FindingView> {
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

/// The frames that prove a finding, by number: `frames 12, 13`.
fn frames(finding: &FindingView) -> String {
    let shown = finding.evidence.iter().take(EVIDENCE_SHOWN);
    let frames: Vec<String> = shown
        .map(|evidence| evidence.frame.frame.to_string())
        .collect();
    let many = if frames.len() == 1 { "" } else { "s" };
    format!("frame{many} {}", frames.join(", "))
}

/// The last part of a path: enough to tell the files of a folder apart.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn mark(severity: &str) -> (Ink, &'static str) {
    match severity {
        "error" => (Ink::Error, "error"),
        "warning" => (Ink::Warning, "warning"),
        _ => (Ink::Info, "info"),
    }
}

fn tunnel_of<'d>(
    diagnosis: &'d Diagnosis<'_>,
    finding: &FindingView,
) -> Option<&'d TunnelView<'d>> {
    diagnosis
        .tunnels
        .iter()
        .find(|tunnel| Some(tunnel.id) == finding.tunnel)
}

fn when(finding: &FindingView) -> String {
    let (first, last) = (Timestamp(finding.first_ns), Timestamp(finding.last_ns));
    if first == last {
        format!("at {}", Utc(first))
    } else {
        format!("from {} on, for {}", Utc(first), last.since(first))
    }
}

/// What a finding says, what proves it, what else it may be, what to do.
fn body(
    out: &mut impl Write,
    diagnosis: &Diagnosis<'_>,
    finding: &FindingView,
    sheet: Sheet,
    detail: Detail,
) -> io::Result<()> {
    writeln!(out)?;
    sheet.paragraph(out, "  ", &finding.says)?;
    let shown = if detail.verbose {
        finding.evidence.len()
    } else {
        EVIDENCE_SHOWN
    };
    if !finding.evidence.is_empty() {
        part(out, "Evidence", sheet)?;
    }
    for evidence in finding.evidence.iter().take(shown) {
        let lead = format!("    {}: ", place(&diagnosis.inputs, evidence.frame));
        sheet.paragraph(out, &lead, &evidence.note)?;
    }
    if let more @ 1.. = finding.evidence.len().saturating_sub(shown) {
        writeln!(out, "    and {more} more (-v shows them)")?;
    }
    let consequences = consequences(diagnosis, finding);
    if !consequences.is_empty() {
        part(out, "Which led to", sheet)?;
    }
    for consequence in consequences {
        let rule = consequence.rule;
        let text = format!("{} ({rule}; {})", consequence.title, frames(consequence));
        sheet.paragraph(out, "    - ", &text)?;
    }
    if !finding.alternatives.is_empty() {
        part(out, "What else would look like this", sheet)?;
        for alternative in &finding.alternatives {
            sheet.paragraph(out, "    - ", alternative)?;
        }
    }
    if !finding.advice.is_empty() {
        part(out, "What to do", sheet)?;
        for (i, advice) in finding.advice.iter().enumerate() {
            sheet.paragraph(out, &format!("    {}. ", i + 1), advice)?;
        }
    }
    Ok(())
}

fn part(out: &mut impl Write, title: &str, sheet: Sheet) -> io::Result<()> {
    writeln!(out, "\n  {}", sheet.paint(Ink::Strong, title))
}

/// The first line of a report without a verdict.
fn all_clear(out: &mut impl Write, diagnosis: &Diagnosis<'_>, sheet: Sheet) -> io::Result<()> {
    let frames: u64 = diagnosis.inputs.iter().map(|input| input.frames).sum();
    let mut links: Vec<&str> = Vec::new();
    for link in diagnosis.inputs.iter().flat_map(|input| input.link_types) {
        if !links.contains(&link.as_str()) {
            links.push(link);
        }
    }
    let (ink, word, text) = if diagnosis.tunnels.is_empty() && diagnosis.findings.is_empty() {
        let links = match links.as_slice() {
            [] => String::new(),
            links => format!(" (link type {})", links.join(", ")),
        };
        let text = match frames {
            0 => format!("the capture holds no frames{links}"),
            _ => format!("no IKE, ESP or AH in {}{links}", counted(frames, "frame")),
        };
        (Ink::Warning, "NO IPSEC", text)
    } else if diagnosis.hidden > 0 {
        let hidden = counted(diagnosis.hidden as u64, "finding");
        (
            Ink::Info,
            "FILTERED",
            format!("nothing as severe as asked for; {hidden} not shown"),
        )
    } else {
        let tunnels = counted(diagnosis.tunnels.len() as u64, "tunnel");
        let text = format!("no fault found: {tunnels} in {}", counted(frames, "frame"));
        (Ink::Good, "HEALTHY", text)
    };
    let partly = if diagnosis
        .inputs
        .iter()
        .any(|input| !input.problems.is_empty())
    {
        "; a part of the input could not be read"
    } else {
        ""
    };
    sheet.paragraph(
        out,
        &format!("{}  ", sheet.paint(ink, word)),
        &format!("{text}{partly}"),
    )
}

/// All findings but the verdict: those that say something is wrong shortly, the rest by title.
fn others(
    out: &mut impl Write,
    diagnosis: &Diagnosis<'_>,
    verdict: Option<&FindingView>,
    sheet: Sheet,
    detail: Detail,
) -> io::Result<()> {
    let is_verdict = |finding: &FindingView| verdict.is_some_and(|v| std::ptr::eq(v, finding));
    // A consequence is told with its cause.
    let rest = diagnosis
        .findings
        .iter()
        .filter(|finding| !is_verdict(finding) && finding.explained_by.is_none());
    let groups = alike(rest, detail);
    if !groups.is_empty() {
        sheet.heading(out, "Also found")?;
    }
    let shown = if detail.verbose {
        groups.len()
    } else {
        FINDINGS_SHOWN
    };
    let more = groups.len().saturating_sub(shown);
    for (finding, tunnels) in groups.into_iter().take(shown) {
        let (ink, word) = mark(finding.severity);
        let about = match tunnels.as_slice() {
            [] => String::new(),
            _ if diagnosis.tunnels.len() == 1 => String::new(),
            [one] => format!(" (tunnel {one})"),
            many => format!(" (tunnels {})", listed(many)),
        };
        let lead = format!("  {}  ", sheet.paint(ink, word));
        sheet.paragraph(out, &lead, &format!("{}{about}", finding.title))?;
        if detail.verbose {
            let line = format!(
                "{} ({}), {}, {}",
                finding.rule,
                finding.code,
                finding.confidence,
                when(finding)
            );
            sheet.paragraph(out, "    ", &line)?;
            body(out, diagnosis, finding, sheet, detail)?;
            writeln!(out)?;
        } else if finding.severity != "info" {
            sheet.paragraph(out, "    ", &finding.says)?;
            let line = format!(
                "{}, {}; {}",
                finding.rule,
                finding.confidence,
                frames(finding)
            );
            sheet.paragraph(out, "    ", &line)?;
            let titles: Vec<&str> = consequences(diagnosis, finding)
                .iter()
                .map(|consequence| consequence.title.as_str())
                .collect();
            if !titles.is_empty() {
                let line = format!("which led to: {}", titles.join("; "));
                sheet.paragraph(out, "    ", &line)?;
            }
        }
    }
    if more > 0 {
        let more = counted(more as u64, "more finding");
        writeln!(out, "  and {more} (-v shows them)")?;
    }
    Ok(())
}

/// Findings with their tunnels. Those for information that say the same of several tunnels are one
/// line; whatever is wrong, and everything if all is asked for, has its own.
fn alike<'d>(
    findings: impl Iterator<Item = &'d FindingView>,
    detail: Detail,
) -> Vec<(&'d FindingView, Vec<u64>)> {
    let mut groups: Vec<(&FindingView, Vec<u64>)> = Vec::new();
    // Places of groups that more may join: there can be as many findings as tunnels.
    let mut places = HashMap::new();
    for finding in findings {
        let joins = !detail.verbose && finding.severity == "info";
        let place = match joins {
            true => *places
                .entry((finding.rule, &finding.title))
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
pub(super) fn listed(numbers: &[u64]) -> String {
    /// Numbers that are listed one by one.
    const SHOWN: usize = 8;
    let shown: Vec<String> = numbers.iter().take(SHOWN).map(u64::to_string).collect();
    match numbers.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// One input, and what of it could not be read.
fn write_input(out: &mut impl Write, input: &InputView<'_>, sheet: Sheet) -> io::Result<()> {
    let mut facts = vec![input.format.to_owned()];
    if !input.link_types.is_empty() {
        facts.push(input.link_types.join(", "));
    }
    facts.push(counted(input.frames, "frame"));
    if let (Some(first), Some(last)) = (input.first_ns, input.last_ns) {
        let (first, last) = (Timestamp(first), Timestamp(last));
        facts.push(format!(
            "{} to {} ({})",
            Utc(first),
            Clock(last),
            last.since(first)
        ));
    }
    if input.frames_cut > 0 {
        let to = input
            .snaplen
            .map_or(String::new(), |snaplen| format!(" to {snaplen} octets"));
        facts.push(format!("{} cut{to}", counted(input.frames_cut, "frame")));
    }
    if let Some(dropped @ 1..) = input.dropped {
        facts.push(format!(
            "{} dropped by the capturing system",
            counted(dropped, "packet")
        ));
    }
    writeln!(out, "  {}", escape(input.path))?;
    sheet.paragraph(out, "    ", &facts.join(", "))?;
    for problem in &input.problems {
        let skipped = match problem.skipped {
            0 => String::new(),
            octets => format!(" ({} passed over)", counted(octets, "octet")),
        };
        let text = format!("at octet {}: {}{skipped}", problem.offset, problem.what);
        sheet.paragraph(out, "    - ", &text)?;
    }
    Ok(())
}

/// `1 frame`, `2 frames`.
pub(super) fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
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
        diagnosis.tunnels.clear();
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
