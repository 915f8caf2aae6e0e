//! What a capture cannot tell, and why: said beside every conclusion, since an absent packet is
//! evidence only where the tap could have seen it.

use super::Failed;
use super::facts::{Tap, count, esp, own, quality, taps};
use crate::limits;
use crate::model::{
    Blind, EspFlow, Inferred, Input, Lie, Model, OpenedTally, Plain, Tunnel, TunnelId, Why,
};
use crate::net::Unopened;
use crate::registry::ExchangeType;
use crate::units::EspSpi;
use std::collections::{BTreeMap, BTreeSet};

/// What this capture cannot tell.
pub fn blind(model: &Model) -> Vec<Blind> {
    let mut told = Vec::new();
    for input in &model.inputs {
        of_input(input, &mut told);
    }
    clocks(model, &mut told);
    doubled(model, &mut told);
    for (row, tunnel) in model.tunnels.entries() {
        of_tunnel(tunnel, &Tap::of(model, row), &mut told);
        holes(model, tunnel, &mut told);
        taps(model, tunnel, &mut told);
        crowded(model, tunnel, &mut told);
    }
    sealed(model, &mut told);
    esp(model, &mut told);
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
            format!("{first} and {second}")
        });
        let more = match tunnels.len().saturating_sub(FRAMES_SHOWN) {
            0 => String::new(),
            more => format!("; and of {more} more"),
        };
        Blind {
            what: format!(
                "what the rule {rule} would say of the tunnel between {}{more}",
                shown.collect::<Vec<_>>().join(", between ")
            )
            .into(),
            why: "the rule failed there, which is a defect of this program: please report it"
                .to_owned()
                .into(),
        }
    };
    rules.into_iter().map(sentence).collect()
}

fn of_input(input: &Input, told: &mut Vec<Blind>) {
    let Input { path, .. } = input;
    if input.frames_cut > 0 {
        let snaplen = input
            .snaplen
            .map_or(String::new(), |octets| format!(" ({octets} octets)"));
        told.push(Blind {
            what: format!(
                "the ends of {} of {} frames",
                input.frames_cut, input.frames
            )
            .into(),
            why: format!("{path}: the snapshot length{snaplen} cut them").into(),
        });
    }
    if let Some(dropped) = input.dropped.filter(|dropped| *dropped > 0) {
        told.push(Blind {
            what: "whether a missing packet was lost on the way"
                .to_owned()
                .into(),
            why: format!("{path}: the recording system dropped {dropped} packets itself").into(),
        });
    }
    if !input.problems.is_empty() {
        told.push(Blind {
            what: "what stood in the damaged parts of the input"
                .to_owned()
                .into(),
            why: format!("{path}: {} damaged places", input.problems.len()).into(),
        });
    }
    if input.frames > 0 && input.first.is_none() {
        told.push(Blind {
            what: "when anything happened".to_owned().into(),
            why: format!("{path}: its frames carry no time").into(),
        });
    }
}

/// The name of an input that a number stands for.
fn path(model: &Model, input: u16) -> &str {
    let input = model.inputs.get(usize::from(input));
    input.map_or("", |input| &input.path)
}

/// Where times run backwards.
fn clocks(model: &Model, told: &mut Vec<Blind>) {
    told.extend(model.clock_steps.iter().map(|step| {
        Blind {
            what: format!("how long anything took around frame {}", step.frame).into(),
            why: format!(
                "{}: times run backwards by {} there: the clock was set",
                path(model, step.frame.input),
                step.back
            )
            .into(),
        }
    }));
}

/// Where packets are there twice.
fn doubled(model: &Model, told: &mut Vec<Blind>) {
    let sets = quality::copies(model).into_iter();
    told.extend(sets.filter(quality::Copies::are_of_the_tap).map(|set| {
        Blind {
            what: "whether a packet that is there twice was sent twice"
                .to_owned()
                .into(),
            why: format!(
                "{}: {} of {} packets were recorded twice, as mirror ports and captures on all \
             interfaces do",
                path(model, set.set),
                set.copies,
                set.packets
            )
            .into(),
        }
    }));
}

fn of_tunnel(tunnel: &Tunnel, tap: &Tap, told: &mut Vec<Blind>) {
    let [first, second] = tunnel.ends;
    for (deaf, end) in tap.deaf.into_iter().zip(tunnel.ends) {
        if deaf {
            told.push(Blind {
                what: format!("what {end} sends").into(),
                why: "this tap records only the other direction"
                    .to_owned()
                    .into(),
            });
        }
    }
    if let Some((frame, _)) = tap.missed {
        told.push(Blind {
            what: format!("whether a missing packet of {first} and {second} was lost on the way")
                .into(),
            why: format!(
                "the capture missed packets itself: frame {frame} follows one that is not there"
            )
            .into(),
        });
    }
    if tap.late {
        told.push(Blind {
            what: format!("how {first} and {second} negotiated").into(),
            why: "the capture begins later, or holds no IKE of theirs"
                .to_owned()
                .into(),
        });
    }
}

/// Packets that the capture lost, and no path.
fn holes(model: &Model, tunnel: &Tunnel, told: &mut Vec<Blind>) {
    let [first, second] = tunnel.ends;
    for directions in esp::directions(model, tunnel) {
        if let Some(lost) = own::capture_lost(tunnel, &directions) {
            let tap = taps::name(model, directions.vantage);
            told.push(Blind {
                what: format!(
                    "{} between {first} and {second}, and whether the path lost any",
                    count(lost, "ESP packet")
                ).into(),
                why: format!(
                    "the capture itself lost packets: {tap} lacks some that passed it, by their numbers"
                ).into(),
            });
        }
    }
}

/// Pairs of taps of which nothing can be said.
fn taps(model: &Model, tunnel: &Tunnel, told: &mut Vec<Blind>) {
    let [first, second] = tunnel.ends;
    for pair in &tunnel.taps {
        let [a, b] = pair.taps.map(|tap| taps::name(model, tap));
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
        let between = format!("where packets between {first} and {second} are lost");
        match pair.lie {
            // Where all is at both, nobody asks.
            Lie::Unknown if alone == 0 => {}
            Lie::Unknown => told.push(Blind {
                what: between.into(),
                why: format!("nothing tells which of the taps {a} and {b} packets pass first")
                    .into(),
            }),
            Lie::Together => told.push(Blind {
                what: between.into(),
                why: format!("{a} and {b} record the same packets at one place or on one host")
                    .into(),
            }),
            Lie::Apart(_) => {}
        }
        if uncounted > 0 {
            told.push(Blind {
                what: format!(
                    "what {} between {first} and {second} lose between {a} and {b}",
                    count(uncounted, "flow")
                ).into(),
                why: format!(
                    "their counters began again, an SPI was used twice, or they have more than {} gaps",
                    limits::FLOW_HOLES
                ).into(),
            });
        }
    }
}

/// More attempts at child SAs than are compared.
fn crowded(model: &Model, tunnel: &Tunnel, told: &mut Vec<Blind>) {
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
            what: format!(
                "what the last {more} attempts at child SAs between {first} and {second} say"
            )
            .into(),
            why: format!(
                "more than {} of one tunnel are not compared",
                limits::CHILD_ATTEMPTS
            )
            .into(),
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
    let what = || "identities, traffic selectors and the reasons of refusals".to_owned();
    if sealed > 0 {
        told.push(Blind {
            what: what().into(),
            why: format!("{sealed} IKE messages are encrypted and no key opens them").into(),
        });
    }
    told.extend(failed.into_iter().map(|(why, count)| Blind {
        what: what().into(),
        why: format!("{count} IKE messages are encrypted and were not opened: {why}").into(),
    }));
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
        let spis = match flows().any(|flow| flow.opened.is_some()) {
            // With keys, those that are missing are worth naming.
            true => of_spis(flows().filter(|flow| sealed(flow) > 0)),
            false => String::new(),
        };
        told.push(Blind {
            what: "inner addresses, protocols and answers".to_owned().into(),
            why: format!("{packets} ESP packets{spis} are encrypted and no key opens them").into(),
        });
    }
    let padded = flows().filter(|flow| Inferred::of(flow).is_some_and(|inferred| inferred.padded));
    let padded = padded.count();
    if padded > 0 {
        told.push(Blind {
            what: format!("what the sizes of {padded} ESP flows mean").into(),
            why: "their packets are all of one size at a steady rate: padded (TFC, IP-TFS), or one stream"
                .to_owned().into(),
        });
    }
    let opened = || flows().filter_map(|flow| Some((flow, flow.opened.as_ref()?)));
    let wrong = opened().filter(|(_, tally)| tally.is_wrong_key());
    let corrupted = opened().filter(|(_, tally)| tally.corrupted() > 0);
    each(wrong, told, |flow, tally| {
        let keys = tally.keys.iter();
        let keys: Vec<String> = keys
            .map(|key| format!("{} ({})", key.origin, key.suite))
            .collect();
        Blind {
            what: format!(
                "what {} ESP packets of SPI {} carry",
                tally.packets(),
                flow.key.spi
            )
            .into(),
            why: format!(
                "the key of {} fits none of them: wrong key or algorithm",
                keys.join(", ")
            )
            .into(),
        }
    });
    each(corrupted, told, |flow, tally| {
        let frames = tally.failures.iter().take(FRAMES_SHOWN);
        let frames: Vec<String> = frames.map(|failure| failure.frame.to_string()).collect();
        Blind {
            what: format!(
                "what {} of {} ESP packets of SPI {} carry",
                tally.corrupted(),
                tally.packets(),
                flow.key.spi
            )
            .into(),
            why: format!(
                "their checksums are wrong and the key is right: changed on their way; first in \
                 frame {}",
                frames.join(", ")
            )
            .into(),
        }
    });
    let mut unread: BTreeMap<Unopened, u64> = BTreeMap::new();
    for (why, packets) in opened().flat_map(|(_, tally)| &tally.failed) {
        if matches!(why, Unopened::Cut | Unopened::TooShort | Unopened::Padding) {
            *unread.entry(*why).or_default() += packets;
        }
    }
    told.extend(unread.into_iter().map(|(why, packets)| Blind {
        what: format!("what {packets} ESP packets carry for which there are keys").into(),
        why: why.to_string().into(),
    }));
    let unchecked: u64 = opened().map(|(_, tally)| tally.unchecked).sum();
    if unchecked > 0 {
        told.push(Blind {
            what: format!("whether {unchecked} ESP packets that were opened are authentic").into(),
            why: "no key checks them".to_owned().into(),
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
            what: format!("what ESP packets of {others} further flows carry").into(),
            why: "as those before: their checksums are wrong"
                .to_owned()
                .into(),
        });
    }
}

/// The SPIs of flows, a few of them: ` of SPI 0x…, 0x… and 3 others`.
fn of_spis<'m>(flows: impl Iterator<Item = &'m EspFlow>) -> String {
    let spis: BTreeSet<EspSpi> = flows.map(|flow| flow.key.spi).collect();
    let shown = spis.iter().take(FRAMES_SHOWN).map(ToString::to_string);
    let others = match spis.len().saturating_sub(FRAMES_SHOWN) {
        0 => String::new(),
        others => format!(" and {others} others"),
    };
    format!(" of SPI {}{others}", shown.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(conversation: &str, input: Input) -> Vec<String> {
        let mut model = crate::testing::model(conversation);
        model.inputs = vec![input];
        blind(&model)
            .into_iter()
            .map(|blind| format!("{}: {}", blind.what, blind.why))
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
    fn a_late_one_sided_cut_capture_with_drops_says_all_of_it() {
        let conversation = "
            0.0  A:500 > B:500  INFORMATIONAL i=1 r=2 id=4 request sealed 80
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
}
