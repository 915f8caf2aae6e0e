//! What a capture cannot tell, and why: said beside every conclusion, since an absent packet is
//! evidence only where the tap could have seen it.

use super::facts::{Tap, own, quality, taps};
use super::{Case, Failed};
use crate::language::{Text, count, list, parted};
use crate::limits;
use crate::model::{
    Blind, EspFlow, Inferred, Input, Lie, Model, OpenedTally, Plain, Tunnel, TunnelId, Why,
};
use crate::net::Unopened;
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{EspSpi, Vantage};
use std::collections::{BTreeMap, BTreeSet};

/// What this capture cannot tell, with what it cannot tell of its tunnels, which [`blind_of`] gives.
pub fn blind(model: &Model, of_tunnels: Vec<Blind>) -> Vec<Blind> {
    let mut told = Vec::new();
    for input in &model.inputs {
        of_input(input, &mut told);
    }
    clocks(model, &mut told);
    doubled(model, &mut told);
    told.extend(of_tunnels);
    sealed(model, &mut told);
    esp(model, &mut told);
    told
}

/// What this capture cannot tell of a tunnel.
pub fn blind_of(case: &Case<'_>) -> Vec<Blind> {
    let Case { model, tunnel, .. } = *case;
    let mut told = Vec::new();
    of_tunnel(tunnel, case.tap(), &mut told);
    holes(case, &mut told);
    beyond(case, &mut told);
    taps(model, tunnel, &mut told);
    crowded(model, tunnel, &mut told);
    told
}

/// What rules that panicked would have said: a sentence for each rule, whatever the number of tunnels.
pub fn failed(model: &Model, failed: &[Failed]) -> Vec<Blind> {
    let mut rules: BTreeMap<&str, Vec<TunnelId>> = BTreeMap::new();
    for Failed { rule, tunnel } in failed {
        rules.entry(rule.slug).or_default().push(*tunnel);
    }
    let sentence = |(rule, tunnels): (&str, Vec<TunnelId>)| {
        let shown = tunnels.iter().take(FRAMES_SHOWN).map(|id| {
            let [first, second] = model.tunnels[*id].ends;
            say!("{first} and {second}", first, second)
        });
        let ends = parted(", between ", shown);
        let what = say!(
            "what the rule {rule} would say of the tunnel between {ends}",
            rule = Text::verbatim(rule),
            ends
        );
        Blind {
            what: match tunnels.len().saturating_sub(FRAMES_SHOWN) {
                0 => what,
                more => say!("{what}; and of {more} more", what, more),
            },
            why: "the rule failed there, which is a defect of this program: please report it"
                .into(),
        }
    };
    rules.into_iter().map(sentence).collect()
}

fn of_input(input: &Input, told: &mut Vec<Blind>) {
    let path = Text::verbatim(&input.path);
    if input.frames_cut > 0 {
        told.push(Blind {
            what: say!(
                "the ends of {cut} of {frames}",
                cut = input.frames_cut,
                frames = count(input.frames, "frame")
            ),
            why: match input.snaplen {
                Some(octets) => say!(
                    "{path}: the snapshot length ({octets} octets) cut them",
                    path = &path,
                    octets
                ),
                None => say!("{path}: the snapshot length cut them", path = &path),
            },
        });
    }
    if let Some(dropped) = input.dropped.filter(|dropped| *dropped > 0) {
        told.push(Blind {
            what: "whether a missing packet was lost on the way".into(),
            why: say!(
                "{path}: the recording system dropped {packets} itself",
                path = &path,
                packets = count(dropped, "packet")
            ),
        });
    }
    if input.refused {
        told.push(Blind {
            what: "what stood in an input of which nothing could be read".into(),
            why: path.clone(),
        });
    } else if !input.problems.is_empty() {
        told.push(Blind {
            what: "what stood in the damaged parts of the input".into(),
            why: say!(
                "{path}: {places}",
                path = &path,
                places = count(input.problems.len() as u64, "damaged place")
            ),
        });
    }
    if input.frames > input.frames_outside && input.first.is_none() {
        told.push(Blind {
            what: "when anything happened".into(),
            why: say!("{path}: its frames carry no time", path),
        });
    }
}

/// Whether a key opened packets after the first, or the only one, that it did not open.
fn opens_on(tally: &OpenedTally) -> bool {
    let first = tally.failures.first();
    let last = tally.proven.map(|seen| seen.last.1);
    tally.corrupted() < 2 || first.map(|failure| failure.time) <= last
}

/// The name of an input that a number stands for.
fn path(model: &Model, input: u16) -> Text {
    let input = model.inputs.get(usize::from(input));
    input.map(|input| Text::verbatim(&input.path)).into()
}

/// Where times run backwards.
fn clocks(model: &Model, told: &mut Vec<Blind>) {
    told.extend(model.clock_steps.iter().map(|step| Blind {
        what: say!(
            "how long anything took around frame {frame}",
            frame = step.frame
        ),
        why: say!(
            "{path}: times run backwards by {time} there: the clock was set",
            path = path(model, step.frame.input),
            time = step.back
        ),
    }));
}

/// Where packets are there twice.
fn doubled(model: &Model, told: &mut Vec<Blind>) {
    let sets = quality::copies(model).into_iter();
    told.extend(sets.filter(quality::Copies::are_of_the_tap).map(|set| {
        Blind {
            what: "whether a packet that is there twice was sent twice".into(),
            why: say!(
                "{path}: {copies} of {packets} were recorded twice, as mirror ports and captures on all \
                 interfaces do",
                path = path(model, set.set),
                copies = set.copies,
                packets = count(set.packets, "packet")
            ),
        }
    }));
}

fn of_tunnel(tunnel: &Tunnel, tap: &Tap, told: &mut Vec<Blind>) {
    let [first, second] = tunnel.ends;
    for (deaf, end) in tap.deaf.into_iter().zip(tunnel.ends) {
        if deaf {
            told.push(Blind {
                what: say!("what {end} sends", end),
                why: "this tap records only the other direction".into(),
            });
        }
    }
    if let Some((frame, _)) = tap.missed {
        told.push(Blind {
            what: say!(
                "whether a missing packet of {first} and {second} was lost on the way",
                first,
                second
            ),
            why: say!(
                "the capture missed packets itself: frame {frame} follows one that is not there",
                frame
            ),
        });
    }
    if tap.late {
        told.push(Blind {
            what: say!("how {first} and {second} negotiated", first, second),
            why: match tunnel.ike_sas.is_empty() {
                true => "the capture begins later, or holds no IKE of theirs".into(),
                false => "the capture begins later".into(),
            },
        });
    }
}

/// Packets that the capture lost, and no path.
fn holes(case: &Case<'_>, told: &mut Vec<Blind>) {
    let [first, second] = case.tunnel.ends;
    for directions in case.directions() {
        if let Some(lost) = own::capture_lost(case.tunnel, directions) {
            let tap = taps::name(case.model, directions.vantage);
            told.push(Blind {
                what: say!(
                    "{packets} between {first} and {second}, and whether the path lost any",
                    packets = count(lost, "ESP packet"),
                    first,
                    second
                ),
                why: say!(
                    "the capture itself lost packets: {tap} lacks some that passed it, by their numbers",
                    tap
                ),
            });
        }
    }
}

/// ESP of more interfaces than are judged.
fn beyond(case: &Case<'_>, told: &mut Vec<Blind>) {
    if case.directions().len() < limits::VANTAGES {
        return;
    }
    let vantages: BTreeSet<Vantage> = case.flows().map(|flow| flow.key.vantage).collect();
    let [first, second] = case.tunnel.ends;
    if let Some(more @ 1..) = vantages.len().checked_sub(limits::VANTAGES) {
        told.push(Blind {
            what: say!(
                "ESP between {first} and {second} at {more} further interfaces",
                first,
                second,
                more
            ),
            why: say!(
                "it was recorded at more than {limit}",
                limit = limits::VANTAGES
            ),
        });
    }
}

/// Pairs of taps of which nothing can be said.
fn taps(model: &Model, tunnel: &Tunnel, told: &mut Vec<Blind>) {
    let [first, second] = tunnel.ends;
    for pair in &tunnel.taps {
        let [a, b] = &pair.taps.map(|tap| taps::name(model, tap));
        let uncounted: u64 = pair
            .crossings
            .iter()
            .map(|crossing| crossing.uncounted)
            .sum();
        let alone: u64 = pair
            .crossings
            .iter()
            .flat_map(|crossing| crossing.only)
            .sum();
        let between = say!(
            "where packets between {first} and {second} are lost",
            first,
            second
        );
        match pair.lie {
            // Where all is at both, nobody asks.
            Lie::Unknown if alone == 0 => {}
            Lie::Unknown => told.push(Blind {
                what: between,
                why: say!(
                    "nothing tells which of the taps {one} and {other} packets pass first",
                    one = a,
                    other = b
                ),
            }),
            Lie::Together => told.push(Blind {
                what: between,
                why: say!(
                    "{one} and {other} record the same packets at one place or on one host",
                    one = a,
                    other = b
                ),
            }),
            Lie::Apart(_) => {}
        }
        if uncounted > 0 {
            told.push(Blind {
                what: say!(
                    "what is lost of {flows} of {first} and {second} between {one} and {other}",
                    flows = count(uncounted, "flow"),
                    first,
                    second,
                    one = a,
                    other = b
                ),
                why: say!(
                    "their counters began again, an SPI was used twice, or they have more than {limit} gaps",
                    limit = limits::FLOW_HOLES
                ),
            });
        }
    }
}

/// More attempts at child SAs than are compared.
fn crowded(model: &Model, tunnel: &Tunnel, told: &mut Vec<Blind>) {
    if !model.opened_any {
        return;
    }
    let attempts = tunnel
        .ike_sas
        .iter()
        .flat_map(|id| &model.ike_sas[*id].exchanges)
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| {
            matches!(
                exchange.kind,
                ExchangeType::IKE_AUTH | ExchangeType::CREATE_CHILD_SA | ExchangeType::QUICK_MODE
            ) && exchange
                .request()
                .is_some_and(|flight| model.opened(flight).is_some())
        })
        .count();
    if let Some(more) = attempts
        .checked_sub(limits::CHILD_ATTEMPTS)
        .filter(|more| *more > 0)
    {
        let [first, second] = tunnel.ends;
        told.push(Blind {
            what: match more {
                1 => say!(
                    "what the last attempt at a child SA between {first} and {second} says",
                    first,
                    second
                ),
                _ => say!(
                    "what the last {more} attempts at child SAs between {first} and {second} say",
                    more,
                    first,
                    second
                ),
            },
            why: say!(
                "more than {limit} of one tunnel are not compared",
                limit = limits::CHILD_ATTEMPTS
            ),
        });
    }
}

fn sealed(model: &Model, told: &mut Vec<Blind>) {
    let mut sealed = 0_u64;
    let mut failed: BTreeMap<Why, u64> = BTreeMap::new();
    for message in model.messages.iter() {
        match message.plain {
            Plain::Sealed => sealed += 1,
            Plain::Failed(why) => *failed.entry(why).or_default() += 1,
            Plain::Clear | Plain::Opened(_) => {}
        }
    }
    let mut tell = |why| {
        told.push(Blind {
            what: "identities, traffic selectors and the reasons of refusals".into(),
            why,
        });
    };
    if sealed > 0 {
        tell(no_key(sealed, count(sealed, "IKE message")));
    }
    for (why, messages) in failed {
        tell(match messages {
            1 => say!("1 IKE message is encrypted and was not opened: {why}", why),
            _ => say!(
                "{messages} are encrypted and were not opened: {why}",
                messages = count(messages, "IKE message"),
                why
            ),
        });
    }
}

/// Why so many packets are not read.
fn no_key(number: u64, packets: Text) -> Text {
    match number {
        1 => say!(
            "{packet} is encrypted and no key opens it",
            packet = packets
        ),
        _ => say!("{packets} are encrypted and no key opens them", packets),
    }
}

/// What so many packets hold.
fn carried(number: u64, packets: Text) -> Text {
    match number {
        1 => say!("what {packet} carries", packet = packets),
        _ => say!("what {packets} carry", packets),
    }
}

/// What ESP carries, as far as it was not opened.
fn esp(model: &Model, told: &mut Vec<Blind>) {
    let flows = || model.flows.iter().filter(|flow| !flow.key.ah);
    // A packet that shows that it is not encrypted needs no key.
    let clear = |flow: &EspFlow| flow.null.map_or(0, |null| null.packets);
    let sealed = |flow: &EspFlow| {
        let tried = flow.opened.as_ref().map(OpenedTally::packets);
        flow.packets
            .saturating_sub(tried.unwrap_or_else(|| clear(flow)))
    };
    let packets: u64 = flows().map(sealed).sum();
    if packets > 0 {
        let counted = count(packets, "ESP packet");
        let counted = match flows().any(|flow| flow.opened.is_some()) {
            // With keys, those that are missing are worth naming.
            true => of_spi(counted, spis(flows().filter(|flow| sealed(flow) > 0))),
            false => counted,
        };
        told.push(Blind {
            what: "inner addresses, protocols and answers".into(),
            why: no_key(packets, counted),
        });
    }
    let padded = flows().filter(|flow| Inferred::is_padded(flow)).count();
    if padded > 0 {
        told.push(Blind {
            what: say!(
                "what the sizes of {flows} mean",
                flows = count(padded as u64, "ESP flow")
            ),
            why: "their packets are all of one size at a steady rate: padded (TFC, IP-TFS), or one stream".into(),
        });
    }
    let opened = || flows().filter_map(|flow| Some((flow, flow.opened.as_ref()?)));
    let wrong = opened().filter(|(_, tally)| tally.is_wrong_key());
    let corrupted = opened().filter(|(_, tally)| tally.corrupted() > 0);
    each(wrong, told, |flow, tally| {
        let keys = tally.keys.iter();
        let keys = keys.map(|key| Text::verbatim(format_args!("{} ({})", key.origin, key.suite)));
        let packets = count(tally.packets(), "ESP packet");
        Blind {
            what: carried(tally.packets(), of_spi(packets, flow.key.spi)),
            why: say!(
                "the key of {keys} fits none of them: wrong key or algorithm",
                keys = list(keys)
            ),
        }
    });
    each(corrupted, told, |flow, tally| {
        let frames = tally.failures.iter().take(FRAMES_SHOWN);
        let packets = say!(
            "{some} of {packets}",
            some = tally.corrupted(),
            packets = count(tally.packets(), "ESP packet")
        );
        Blind {
            what: carried(tally.corrupted(), of_spi(packets, flow.key.spi)),
            why: match opens_on(tally) {
                true => say!(
                    "their checksums are wrong and the key is right: changed on their way; first in \
                     frame {frames}",
                    frames = list(frames.map(|failure| failure.frame))
                ),
                false => say!(
                    "the key that opened those before opens none since frame {frames}: it is another SA's, or they \
                     were changed on their way",
                    frames = list(frames.map(|failure| failure.frame).take(1))
                ),
            },
        }
    });
    let mut unread: BTreeMap<Unopened, u64> = BTreeMap::new();
    for (why, packets) in opened().flat_map(|(_, tally)| &tally.failed) {
        if matches!(why, Unopened::Cut | Unopened::TooShort | Unopened::Padding) {
            *unread.entry(*why).or_default() += packets;
        }
    }
    told.extend(unread.into_iter().map(|(why, packets)| Blind {
        what: match packets {
            1 => "what 1 ESP packet carries for which there is a key".into(),
            _ => say!(
                "what {packets} carry for which there are keys",
                packets = count(packets, "ESP packet")
            ),
        },
        why: why.into(),
    }));
    let unchecked: u64 = opened().map(|(_, tally)| tally.unchecked).sum();
    if unchecked > 0 {
        told.push(Blind {
            what: match unchecked {
                1 => "whether 1 ESP packet that was opened is authentic".into(),
                _ => say!(
                    "whether {packets} that were opened are authentic",
                    packets = count(unchecked, "ESP packet")
                ),
            },
            why: "no key checks them".into(),
        });
    }
}

/// Flows that are told of one by one; further ones are counted.
const FLOWS_SHOWN: usize = 16;

/// SPIs and frames that are named in one sentence.
const FRAMES_SHOWN: usize = 4;

/// A sentence for each flow, up to so many.
fn each<'m>(
    mut flows: impl Iterator<Item = (&'m EspFlow, &'m OpenedTally)>,
    told: &mut Vec<Blind>,
    sentence: impl Fn(&EspFlow, &OpenedTally) -> Blind,
) {
    let first = flows.by_ref().take(FLOWS_SHOWN);
    told.extend(first.map(|(flow, tally)| sentence(flow, tally)));
    let others = flows.count();
    if others > 0 {
        told.push(Blind {
            what: say!(
                "what ESP packets of {flows} carry",
                flows = count(others as u64, "further flow")
            ),
            why: "as those before: their checksums are wrong".into(),
        });
    }
}

/// Packets of an SPI, or of several.
fn of_spi(packets: Text, spi: impl Into<Text>) -> Text {
    say!("{packets} of SPI {spi}", packets, spi = spi.into())
}

/// The SPIs of flows, a few of them: `0x…, 0x… and 3 others`.
fn spis<'m>(flows: impl Iterator<Item = &'m EspFlow>) -> Text {
    let spis: BTreeSet<EspSpi> = flows.map(|flow| flow.key.spi).collect();
    let shown = list(spis.iter().take(FRAMES_SHOWN));
    match spis.len().saturating_sub(FRAMES_SHOWN) {
        0 => shown,
        others => say!(
            "{these} and {last}",
            these = shown,
            last = count(others as u64, "other")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Problem;
    use crate::language::Language;

    fn told(conversation: &str, input: Input) -> Vec<String> {
        let mut model = crate::testing::model(conversation);
        model.inputs = vec![input];
        let of_tunnels = model.tunnels.ids();
        let of_tunnels = of_tunnels.flat_map(|id| blind_of(&Case::of(&model, id)));
        let told = blind(&model, of_tunnels.collect()).into_iter();
        told.map(|Blind { what, why }| {
            let lacking = [&what, &why].map(|text| Language::Chinese.lacks(text));
            assert_eq!(lacking.concat(), [""; 0]);
            format!("{what}: {why}")
        })
        .collect()
    }

    #[test]
    fn a_whole_capture_hides_only_what_is_encrypted() {
        let conversation = "
            0.0  A:500 > B:500  IKE_SA_INIT i=1 r=0 id=0 request  SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.1  B:500 > A:500  IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.2  A:500 > B:500  IKE_AUTH i=1 r=2 id=1 request sealed 256
            0.3  B:500 > A:500  IKE_AUTH i=1 r=2 id=1 response sealed 224";
        assert_eq!(
            told(conversation, Input::default()),
            [
                "identities, traffic selectors and the reasons of refusals: 2 IKE messages are encrypted and no key opens them"
            ]
        );
    }

    #[test]
    fn one_of_a_thing_is_told_as_one() {
        let conversation = "
            0.0  A:500 > B:500  IKE_AUTH i=1 r=2 id=1 request sealed 256
            9.0  A > B  ESP 0xc0000001 seq 1..1 size 140";
        let input = Input {
            path: "x.pcap".to_owned(),
            dropped: Some(1),
            problems: vec![Problem {
                offset: 24,
                skipped: 0,
                what: "cut".into(),
            }],
            ..Input::default()
        };
        let told = told(conversation, input).join("\n");
        for part in [
            "x.pcap: the recording system dropped 1 packet itself",
            "x.pcap: 1 damaged place",
            "1 IKE message is encrypted and no key opens it",
            "1 ESP packet is encrypted and no key opens it",
        ] {
            assert!(told.contains(part), "“{part}” is not in\n{told}");
        }
    }

    #[test]
    fn a_late_one_sided_cut_capture_with_drops_says_all_of_it() {
        let conversation = "
            0.0  A:500 > B:500  INFORMATIONAL i=1 r=2 id=4 request sealed 80
            5.0  A:500 > B:500  INFORMATIONAL i=1 r=2 id=5 request sealed 80
            9.0  A > B  ESP 0xc0000001 seq 1..9 every 0.1 size 140";
        let input = Input {
            path: "x.pcap".to_owned(),
            frames: 10,
            frames_cut: 9,
            snaplen: Some(96),
            dropped: Some(7),
            ..Input::default()
        };
        let told = told(conversation, input).join("\n");
        for part in [
            "the ends of 9 of 10 frames: x.pcap: the snapshot length (96 octets) cut them",
            "x.pcap: the recording system dropped 7 packets itself",
            "when anything happened",
            "what ",
            "how ",
            "9 ESP packets",
        ] {
            assert!(told.contains(part), "“{part}” is not in\n{told}");
        }
    }

    #[test]
    fn what_could_not_be_opened_is_counted_by_its_reason() {
        let mut model = crate::testing::model(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 request sealed 80
             1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             2 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 request sealed 80",
        );
        let reasons = [Why::WrongKey, Why::Limit, Why::WrongKey];
        let mut shares = model.messages.take();
        for (message, why) in shares.iter_mut().flatten().zip(reasons) {
            message.plain = Plain::Failed(why);
        }
        model.messages = crate::model::Shares::of(shares);
        let mut told = Vec::new();
        sealed(&model, &mut told);
        let mut told: Vec<String> = told.iter().map(|one| one.why.to_string()).collect();
        told.sort_unstable();
        let [one, two] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(one.starts_with("1 IKE message is encrypted and was not opened: "));
        assert!(two.starts_with("2 IKE messages are encrypted and were not opened: "));
    }

    #[test]
    fn packets_that_no_key_could_open_are_summed_up_over_flows() {
        let mut model = crate::testing::model(
            "0 A > B ESP 0xb1 seq 1..9 inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)
             0 B > A ESP 0xa1 seq 1..9 inner(10.2.0.1 > 10.1.0.1 UDP 2 > 1)",
        );
        for (flow, cut) in model.flows.iter_mut().zip([3, 4]) {
            let tally = flow.opened.as_mut().unwrap();
            tally.failed.insert(Unopened::Cut, cut);
        }
        let mut told = Vec::new();
        esp(&model, &mut told);
        let told: Vec<String> = told.iter().map(|one| one.what.to_string()).collect();
        let line = "what 7 ESP packets carry for which there are keys".to_owned();
        assert!(told.contains(&line), "{told:?}");
    }
}
