//! A recording that is damaged, partial or odd makes nothing sick that was healthy, and nothing
//! certain that was not.
//!
//! Every capture is written anew in each of these ways, and what is said of it then is held against
//! what is said of the whole, and against what is known of it.

use crate::captures::{Judgement, Truth, truth};
use crate::run::{self, espial, shared, shipped};
use espial::capture::{self, LinkType, Scratch, Writer};
use espial::diagnose::{Confidence, Finding, Severity};
use espial::keys::{self, KeyRing};
use espial::model::Blind;
use espial::registry::ExchangeType;
use espial::units::{IkeSpis, Timestamp};
use espial::{Analysis, Options, analyze};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Larger captures than this, in octets, say nothing that smaller ones do not.
const LARGEST: u64 = 4 << 20;

/// Shorter recordings than this, in frames, have no parts worth the name.
const SHORTEST: usize = 4;

/// So many packets of IPsec show what the recording did to them.
const ENOUGH: u64 = 40;

/// Recordings of so many frames can be cut into parts.
const LONG: usize = 40;

/// Seeds of what happens at random.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Rules that see less of the same fault, and are as certain of what they say: a refusal whose reason
/// is missing, an ICMP error whose cause is.
const COARSER: [(&str, &str); 2] = [
    ("eap-failed", "auth-failed"),
    ("peer-restarted", "esp-blocked"),
];

/// Of so many variants a case gets one, by its place in the list, and the next case the next ones: a
/// healthy case, for they are many and alike, a faulty one, and one whose truth is not known.
const TURNS: [usize; 3] = [3, 1, 1];

/// The case of a scan: its answers alone look like those to who wants a tunnel.
const SCAN: &str = "scanned";

/// So heavy a loss is tried on our own captures alone.
const HEAVY: &str = "15 % dropped";

const MICROSECOND: i64 = 1_000;
const SECOND: i64 = 1_000_000_000;

/// One frame, as any format may hold it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub time: i64,
    pub link: LinkType,
    pub interface: u32,
    pub wire_len: u32,
    pub bytes: Vec<u8>,
}

/// What `blind` must say of a variant.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Blindness {
    /// Nothing in particular.
    Any,
    /// That the capture kept only the beginnings of frames.
    Cut,
    /// That one end is not heard.
    OneSided,
    /// That frames were recorded twice.
    Doubled,
    /// That times run backwards.
    Clock,
}

/// A capture as it might have been recorded instead.
struct Variant {
    name: String,
    /// Files that belong together: rotation.
    files: Vec<Vec<Recorded>>,
    /// The share of the octets that is left of the only file, in percent.
    left: usize,
    /// Whether its files lie in a folder that is given, not they.
    folder: bool,
    /// Whether nothing is missing, so that the same must be said.
    whole: bool,
    blind: Blindness,
}

impl Variant {
    fn of(name: impl Into<String>, frames: Vec<Recorded>) -> Self {
        Self {
            name: name.into(),
            files: vec![frames],
            left: 100,
            folder: false,
            whole: false,
            blind: Blindness::Any,
        }
    }

    fn blind(self, blind: Blindness) -> Self {
        Self { blind, ..self }
    }

    /// Writes it into a folder; what to give to the program.
    fn write(&self, folder: &Path) -> Vec<PathBuf> {
        let paths = self.files.iter().zip(0..).map(|(frames, number)| {
            let path = folder.join(format!("{number}.pcapng"));
            let mut octets = octets(frames);
            octets.truncate(octets.len() * self.left / 100);
            std::fs::write(&path, octets).unwrap();
            path
        });
        let paths: Vec<PathBuf> = paths.collect();
        match self.folder {
            true => vec![folder.to_owned()],
            false => paths,
        }
    }
}

/// The frames of a capture of any format, through the library's own reading.
pub fn frames(path: &Path) -> Vec<Recorded> {
    let mut frames: Vec<Recorded> = Vec::new();
    for input in capture::expand(&[path.to_owned()]).unwrap_or_default() {
        let mut chunks = input.chunks(1 << 30);
        while let Some(Ok(chunk)) = chunks.next() {
            chunk.walk(&mut Scratch::default(), None, |frame| {
                let before = frames.last().map_or(0, |frame| frame.time);
                frames.push(Recorded {
                    time: frame.time.map_or(before, |time| time.0),
                    link: frame.link,
                    interface: frame.vantage.interface,
                    wire_len: frame.wire_len,
                    bytes: frame.bytes.to_vec(),
                });
            });
        }
    }
    frames
}

/// The frames as a file.
pub fn octets(frames: &[Recorded]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), "espial", "a variant").unwrap();
    let mut interfaces = Vec::new();
    for frame in frames {
        let key = (frame.link, frame.interface);
        let known = interfaces.iter().position(|known| *known == key);
        let interface = known.unwrap_or_else(|| {
            interfaces.push(key);
            writer.interface(frame.link, "tap", "").unwrap();
            interfaces.len() - 1
        });
        writer
            .packet(
                interface as u32,
                Timestamp(frame.time),
                frame.wire_len,
                &frame.bytes,
            )
            .unwrap();
    }
    // No statistics: they would say when the recording ended.
    writer.finish(Timestamp(0), "").unwrap()
}

/// Numbers at random that are the same each time (xorshift).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Everything that may have happened to a recording. `end` is the addresses of one gateway.
fn variants(frames: &[Recorded], end: &[IpAddr]) -> Vec<Variant> {
    let all = || frames.to_vec();
    let count = frames.len();
    let mut made = Vec::new();
    // Of a few packets nobody can tell how far the recording went on before and after.
    let long = count >= LONG;
    for quarter in 1..4 {
        if !long {
            break;
        }
        let at = count * quarter / 4;
        let [before, after] = [frames[..at].to_vec(), frames[at..].to_vec()];
        made.push(Variant::of(format!("ends after {quarter}/4"), before));
        made.push(Variant::of(format!("begins after {quarter}/4"), after));
        made.push(Variant {
            left: 25 * quarter + 7,
            ..Variant::of(format!("cut amid {quarter}/4"), all())
        });
    }

    let mut short = all();
    short.iter_mut().for_each(|frame| frame.bytes.truncate(96));
    let cut = (short.iter().zip(frames)).any(|(short, whole)| short.bytes != whole.bytes);
    made.push(Variant::of("snaplen 96", short).blind(match cut {
        true => Blindness::Cut,
        false => Blindness::Any,
    }));

    for seed in SEEDS {
        for percent in [1, 5, 15] {
            made.push(Variant::of(
                format!("{percent} % dropped, seed {seed}"),
                dropped(frames, percent, seed),
            ));
        }
        let mut chance = Chance::new(seed);
        let mut order = all();
        for at in 0..count {
            let other = at + chance.below(4) as usize;
            let near = |other: usize| frames[other].time - frames[at].time < SECOND;
            if other < count && near(other) && chance.below(4) == 0 {
                order.swap(at, other);
            }
        }
        made.push(Variant::of(format!("reordered, seed {seed}"), order));
    }

    let twice = |copy: &dyn Fn(&Recorded, u8) -> Recorded| {
        let pairs = frames
            .iter()
            .flat_map(|frame| [copy(frame, 0), copy(frame, 1)]);
        pairs.collect::<Vec<_>>()
    };
    let later = |frame: &Recorded, number: u8| Recorded {
        time: frame.time + 4 * MICROSECOND * i64::from(number),
        ..frame.clone()
    };
    made.push(Variant::of("doubled", twice(&later)).blind(Blindness::Doubled));
    made.push(
        Variant::of(
            "any, one interface",
            twice(&|frame, number| cooked(&later(frame, number), number)),
        )
        .blind(Blindness::Doubled),
    );
    made.push(Variant::of(
        "any, two interfaces",
        twice(&|frame, number| cooked_2(&later(frame, number), number)),
    ));

    for (name, step) in [
        ("back 30 s", -30),
        ("back an hour", -3600),
        ("on an hour", 3600),
    ] {
        if !long {
            break;
        }
        let mut stepped = all();
        for frame in &mut stepped[count / 2..] {
            frame.time += step * SECOND;
        }
        let blind = match step == -3600 {
            true => Blindness::Clock,
            false => Blindness::Any,
        };
        made.push(Variant::of(format!("clock set {name}"), stepped).blind(blind));
    }

    let of_end = |frame: &Recorded| sender(frame).is_some_and(|from| end.contains(&from));
    let (own, other): (Vec<_>, Vec<_>) = all().into_iter().partition(of_end);
    made.push(Variant::of("only what one end sends", own).blind(Blindness::OneSided));
    made.push(Variant::of("only what the other sends", other).blind(Blindness::OneSided));

    let (before, after) = frames.split_at(count / 2);
    let last = before.iter().map(|frame| frame.time).max();
    let follows = after.iter().map(|frame| frame.time).min() >= last;
    // Files that do not follow one another are two taps.
    for folder in [false, true].into_iter().filter(|_| follows) {
        made.push(Variant {
            files: vec![frames[..count / 2].to_vec(), frames[count / 2..].to_vec()],
            folder,
            whole: true,
            ..Variant::of(format!("rotated, folder {folder}"), Vec::new())
        });
    }
    made.retain(|variant| variant.files.iter().all(|file| !file.is_empty()));
    made
}

/// Everything that may have happened to the recording at one of two taps.
fn variants_of_pairs(taps: [&[Recorded]; 2]) -> Vec<Variant> {
    let mut made = Vec::new();
    let mut add = |what: &str, at: usize, other: Vec<Recorded>| {
        let mut files = taps.map(<[_]>::to_vec);
        files[at] = other;
        made.push(Variant {
            files: files.into(),
            ..Variant::of(format!("{what} at tap {at}"), Vec::new())
        });
    };
    for (at, tap) in taps.into_iter().enumerate() {
        let half = tap.len() / 2;
        if tap.len() >= LONG {
            add("ends half way", at, tap[..half].to_vec());
            add("begins half way", at, tap[half..].to_vec());
        }
        for seed in SEEDS {
            let what = format!("1 % dropped, seed {seed},");
            add(&what, at, dropped(tap, 1, seed));
        }
    }
    let [_, tap] = taps;
    for seconds in [-3600, -2, 2, 3600] {
        let mut off = tap.to_vec();
        off.iter_mut()
            .for_each(|frame| frame.time += seconds * SECOND);
        add(&format!("clock off by {seconds} s"), 1, off);
    }
    made
}

/// What is left where each frame is lost with this chance.
fn dropped(frames: &[Recorded], percent: u64, seed: u64) -> Vec<Recorded> {
    let mut chance = Chance::new(seed);
    let mut left = frames.to_vec();
    left.retain(|_| chance.below(100) >= percent);
    left
}

/// Where the IP header begins, by the link types that the captures at hand have.
fn ip(frame: &Recorded) -> Option<&[u8]> {
    let ether_type = |at: usize| Some([*frame.bytes.get(at)?, *frame.bytes.get(at + 1)?]);
    let at = match frame.link {
        LinkType::ETHERNET if ether_type(12)? == [0x81, 0] => 18,
        LinkType::ETHERNET => 14,
        LinkType::RAW => 0,
        LinkType::LINUX_SLL => 16,
        LinkType::LINUX_SLL2 => 20,
        _ => return None,
    };
    frame.bytes.get(at..)
}

fn sender(frame: &Recorded) -> Option<IpAddr> {
    const GRE: u8 = 47;
    let ip = ip(frame)?;
    match ip.first()? >> 4 {
        // Of a tunnel around it nothing tells who sends what is inside.
        4 if ip.get(9) == Some(&GRE) => None,
        4 => Some(<[u8; 4]>::try_from(ip.get(12..16)?).unwrap().into()),
        6 => Some(<[u8; 16]>::try_from(ip.get(8..24)?).unwrap().into()),
        _ => None,
    }
}

/// The frame as Linux records it on all interfaces: the link header is another, and says which way
/// the frame went. Frames of other links stay as they are.
fn cooked(frame: &Recorded, number: u8) -> Recorded {
    in_place_of_ethernet(frame, LinkType::LINUX_SLL, |protocol| {
        let mut header = vec![0, number * 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, number, 0, 0];
        header.extend(protocol);
        header
    })
}

/// The same in the newer format, which also names the interface.
fn cooked_2(frame: &Recorded, number: u8) -> Recorded {
    in_place_of_ethernet(frame, LinkType::LINUX_SLL2, |protocol| {
        let mut header = protocol.to_vec();
        header.extend([0, 0, 0, 0, 0, 2 + number, 0, 1, number * 4, 6]);
        header.extend([2, 0, 0, 0, 0, number, 0, 0]);
        header
    })
}

fn in_place_of_ethernet(
    frame: &Recorded,
    link: LinkType,
    header: impl Fn(&[u8]) -> Vec<u8>,
) -> Recorded {
    let (LinkType::ETHERNET, Some(protocol), Some(rest)) =
        (frame.link, frame.bytes.get(12..14), frame.bytes.get(14..))
    else {
        return frame.clone();
    };
    let mut bytes = header(protocol);
    let wire_len = frame.wire_len - 14 + bytes.len() as u32;
    bytes.extend(rest);
    Recorded {
        link,
        wire_len,
        bytes,
        ..frame.clone()
    }
}

/// What is said of inputs.
pub fn said(paths: &[PathBuf], ring: &Arc<KeyRing>) -> Analysis {
    said_within(paths, ring, None)
}

/// What is said of the frames of some times, or of all.
pub fn said_within(
    paths: &[PathBuf],
    ring: &Arc<KeyRing>,
    times: Option<&RangeInclusive<i64>>,
) -> Analysis {
    let options = Options {
        since: times.map(|times| Timestamp(*times.start())),
        until: times.map(|times| Timestamp(*times.end())),
        threads: NonZeroUsize::new(1),
        keys: Arc::clone(ring),
        ..Options::default()
    };
    analyze(capture::expand(paths).unwrap(), &options).unwrap()
}

/// The words of each error and warning, in order.
pub fn alarms(analysis: &Analysis) -> Vec<String> {
    words(&serious(analysis).cloned().collect::<Vec<_>>())
}

fn serious(analysis: &Analysis) -> impl Iterator<Item = &Finding> {
    let findings = analysis.findings.iter();
    findings.filter(|finding| finding.severity > Severity::Info)
}

fn words(findings: &[Finding]) -> Vec<String> {
    let words = |finding: &Finding| {
        format!(
            "{} {:?} {:?} {}",
            finding.rule.slug, finding.severity, finding.confidence, finding.title
        )
    };
    let mut words: Vec<String> = findings.iter().map(words).collect();
    words.sort();
    words
}

/// What is known of a case, and what is said of the whole recording of it.
struct Known<'k> {
    whole: &'k Analysis,
    judgement: Option<&'k Judgement>,
}

impl Known<'_> {
    fn is_healthy(&self) -> bool {
        match self.judgement {
            Some(judgement) => judgement.verdict == "healthy",
            None => serious(self.whole).next().is_none(),
        }
    }

    /// Whether a finding of the rule would be as right for the whole.
    fn is_right(&self, slug: &str) -> bool {
        let judged = self.judgement.iter().flat_map(|judgement| {
            let acceptable = judgement.acceptable.iter().map(String::as_str);
            acceptable.chain([judgement.verdict.as_str()])
        });
        let told = match self.is_healthy() {
            true => serious(self.whole).collect::<Vec<_>>(),
            false => self.whole.findings.iter().collect(),
        };
        let known: BTreeSet<&str> = judged
            .chain(told.into_iter().map(|finding| finding.rule.slug))
            .collect();
        let stands_for = |(finer, coarser)| known.contains(finer) && coarser == slug;
        known.contains(slug) || COARSER.into_iter().any(stands_for)
    }
}

/// Which law a variant breaks, if one.
fn broken(variant: &Variant, known: &Known<'_>, given: &Analysis) -> Option<String> {
    let healthy = known.is_healthy();
    // A recording that ends with a notification in place of an answer is just that of a refusal.
    let ends = variant.name.starts_with("ends") || variant.left < 100;
    let alarms = serious(given).filter(|finding| {
        let refusal = healthy && ends && finding.rule.slug == "child-setup-failed";
        let alarm = healthy || finding.confidence == Confidence::Certain;
        alarm && !refusal && !known.is_right(finding.rule.slug)
    });
    let mut wrong = String::new();
    for alarm in alarms {
        let doubt = format!("{:?}", alarm.confidence).to_lowercase();
        write!(wrong, " {} ({doubt})", alarm.rule.slug).unwrap();
    }
    let whole = known.whole;
    if variant.whole && words(&whole.findings) != words(&given.findings) {
        let (a, b) = (words(&whole.findings), words(&given.findings));
        let only = |a: &[String], b: &[String]| {
            let only = a.iter().filter(|word| !b.contains(word));
            only.cloned().collect::<Vec<_>>().join(", ")
        };
        write!(wrong, " whole [{}] split [{}]", only(&a, &b), only(&b, &a)).unwrap();
    }
    let damaged = given
        .model
        .inputs
        .iter()
        .any(|input| !input.problems.is_empty());
    let flows = given.model.flows.iter().map(|flow| flow.packets);
    let packets = given.model.messages.len() as u64 + flows.sum::<u64>();
    if damaged && variant.left == 100 {
        write!(wrong, " damage where there is none").unwrap();
    }
    let frames = given.model.inputs.iter().map(|input| input.frames);
    let enough = packets >= ENOUGH && packets * 2 >= frames.sum();
    if enough && !is_told(variant.blind, &given.model.blind) {
        write!(wrong, " blind says nothing of {:?}", variant.blind).unwrap();
    }
    if variant.blind == Blindness::OneSided
        && let Some(deaf) = deaf(variant, given)
        && !is_named(deaf, &given.model.blind)
    {
        write!(wrong, " blind does not say that {deaf} is not heard").unwrap();
    }
    (!wrong.is_empty()).then_some(wrong)
}

/// An end that is answered, as the other's messages show by both SPIs of an IKE SA that began in the recording (those
/// of an older one are named in vain as well), and of which no frame is there.
fn deaf(variant: &Variant, given: &Analysis) -> Option<IpAddr> {
    let frames = variant.files.iter().flatten().map(sender);
    // Without the sender of each, of links that are not read here, nothing is known.
    let senders: Option<BTreeSet<IpAddr>> = frames.collect();
    let senders = senders?;
    let model = &given.model;
    const BEGINNINGS: [ExchangeType; 3] = [
        ExchangeType::IKE_SA_INIT,
        ExchangeType::IDENTITY_PROTECTION,
        ExchangeType::AGGRESSIVE,
    ];
    let begun = model.ike_sas.iter().filter(|sa| {
        let first = sa.exchanges.first();
        first.is_some_and(|id| BEGINNINGS.contains(&model.exchanges[*id].kind))
    });
    let begun: HashSet<IkeSpis> = begun.map(|sa| sa.spis).collect();
    let messages = model.messages.iter();
    messages
        .filter(|message| {
            let spis = message.header.spis;
            !spis.initiator.is_zero() && !spis.responder.is_zero() && begun.contains(&spis)
        })
        .map(|message| message.path.to().address)
        .find(|address| !senders.contains(address))
}

fn is_named(deaf: IpAddr, told: &[Blind]) -> bool {
    let what = format!("what {deaf} sends");
    told.iter().any(|blind| {
        blind.what.to_string() == what && blind.why.to_string().contains("only the other direction")
    })
}

fn is_told(blind: Blindness, told: &[Blind]) -> bool {
    let part = match blind {
        Blindness::Any | Blindness::OneSided => return true,
        Blindness::Cut => "snapshot length",
        Blindness::Doubled => "recorded twice",
        Blindness::Clock => "run backwards",
    };
    told.iter()
        .any(|blind| blind.why.to_string().contains(part))
}

/// A capture, and what lies beside it.
struct Case {
    name: String,
    capture: PathBuf,
    /// The same time, recorded at the other gateway.
    other: Option<PathBuf>,
    keys: Option<PathBuf>,
    truth: Option<Truth>,
}

impl Case {
    fn is_healthy(&self) -> bool {
        self.truth.as_ref().is_some_and(|truth| {
            let judgements = [Some(&truth.sealed), truth.keyed.as_ref()];
            let mut judgements = judgements.into_iter().flatten();
            judgements.all(|judgement| judgement.verdict == "healthy")
        })
    }
}

/// What is wrong with the variants of one capture, of which this is the place in the list.
fn laws(case: &Case, place: usize, folder: &Path) -> Vec<String> {
    std::fs::create_dir_all(folder).unwrap();
    let sealed = Arc::default();
    let keyed = case
        .keys
        .as_ref()
        .and_then(|keys| keys::load(std::slice::from_ref(keys)).ok())
        .map(|(ring, _)| Arc::new(ring));
    let taps = [Some(&case.capture), case.other.as_ref()].map(|path| path.map(|path| frames(path)));
    let [Some(tap), other] = taps else {
        return Vec::new();
    };
    if tap.len() < SHORTEST {
        return Vec::new();
    }
    let truth = case.truth.as_ref();
    let mut modes = vec![("sealed", &sealed, truth.map(|truth| &truth.sealed))];
    if let Some(ring) = &keyed {
        modes.push(("keyed", ring, truth.and_then(|truth| truth.keyed.as_ref())));
    }
    // What is compared must be alike but for what the variant changes.
    let plain = Variant::of("whole", tap.clone());
    let mut wrong = Vec::new();
    let first = said(&plain.write(folder), &sealed);
    let Some(tunnel) = first.model.tunnels.iter().next() else {
        return wrong;
    };
    let variants = variants(&tap, &tunnel.addresses[0]);
    wrong.extend(law(case, place, folder, &modes, &plain, variants));
    if let Some(other) = other {
        let ring = keyed.as_ref().unwrap_or(&sealed);
        let both = [("both", ring, truth.and_then(|truth| truth.both.as_ref()))];
        let plain = Variant {
            files: vec![tap.clone(), other.clone()],
            ..Variant::of("whole", Vec::new())
        };
        let variants = variants_of_pairs([&tap, &other]);
        wrong.extend(law(case, place, folder, &both, &plain, variants));
    }
    wrong
}

/// How a capture is read: a name for it, the keys, and what is known to be right then.
type Mode<'m> = (&'m str, &'m Arc<KeyRing>, Option<&'m Judgement>);

fn law(
    case: &Case,
    place: usize,
    folder: &Path,
    modes: &[Mode<'_>],
    plain: &Variant,
    variants: Vec<Variant>,
) -> Vec<String> {
    let paths = plain.write(folder);
    let wholes: Vec<_> = modes.iter().map(|mode| said(&paths, mode.1)).collect();
    let mut wrong = Vec::new();
    for (number, variant) in variants.into_iter().enumerate() {
        let turns = TURNS[match &case.truth {
            Some(_) if case.is_healthy() => 0,
            Some(_) => 1,
            None => 2,
        }];
        let foreign = case.truth.is_none() && variant.name.starts_with(HEAVY);
        if number % turns != place % turns || foreign {
            continue;
        }
        let folder = folder.join(format!("{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        let paths = variant.write(&folder);
        for ((mode, ring, judgement), whole) in modes.iter().zip(&wholes) {
            let known = Known {
                whole,
                judgement: *judgement,
            };
            if variant.blind == Blindness::OneSided && case.name == SCAN {
                continue;
            }
            if let Some(what) = broken(&variant, &known, &said(&paths, ring)) {
                wrong.push(format!("{} {mode}, {}:{what}", case.name, variant.name));
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
    wrong
}

/// Tries the cases on all processors and gives what is wrong, in order.
fn hold(cases: &[Case], name: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(place) else { return };
                    let folder = root.join(&case.name);
                    let found = laws(case, place, &folder);
                    wrong.lock().unwrap().extend(found);
                    let _gone = std::fs::remove_dir_all(&folder);
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    wrong
}

fn of_ours(case: run::Case) -> Case {
    Case {
        name: case.name().to_owned(),
        truth: Some(truth(&case.folder).unwrap()),
        capture: case.capture,
        other: case.capture_b,
        keys: case.keys,
    }
}

fn of_others(folder: &Path, name: &str, other: Option<&str>) -> Case {
    let within = folder.file_name().unwrap().to_string_lossy();
    Case {
        name: format!("{within}-{name}"),
        capture: folder.join(name),
        other: other
            .map(|other| folder.join(other))
            .filter(|path| path.is_file()),
        keys: Some(folder.join("keys")).filter(|keys| keys.is_dir()),
        truth: None,
    }
}

#[test]
fn damage_makes_nothing_sick_or_certain() {
    let cases: Vec<Case> = run::cases().into_iter().map(of_ours).collect();
    let wrong = hold(&cases, "variants");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn nor_in_foreign_captures() {
    let Some(shared) = shared() else { return };
    let listed = |folder: &str| {
        let entries = std::fs::read_dir(shared.join(folder)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    const TAPS: [&str; 2] = ["capture.pcap", "capture_b.pcap"];
    let recorded = listed("cases").into_iter().flat_map(|folder| {
        [
            of_others(&folder, TAPS[0], Some(TAPS[1])),
            of_others(&folder, TAPS[1], None),
        ]
    });
    let keys = listed("corpus/keys");
    let foreign = listed("corpus").into_iter().map(|capture| {
        let name = capture.file_name().unwrap().to_string_lossy().into_owned();
        let of = |path: &&PathBuf| path.file_stem().is_some_and(|stem| *stem == *name);
        Case {
            keys: keys.iter().find(of).cloned(),
            name,
            capture,
            other: None,
            truth: None,
        }
    });
    let mut cases: Vec<Case> = recorded.chain(foreign).collect();
    cases.retain(|case| {
        let about = std::fs::metadata(&case.capture);
        about.is_ok_and(|about| about.is_file() && about.len() <= LARGEST)
    });
    let wrong = hold(&cases, "foreign variants");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_recording_that_ends_amid_a_record_is_read_in_part() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("variant that ends amid a record");
    std::fs::create_dir_all(&folder).unwrap();
    let frames = frames(&shipped()[0]);
    for (left, code) in [(100, 0), (61, 3)] {
        let variant = Variant {
            left,
            ..Variant::of("", frames.clone())
        };
        let output = espial(variant.write(&folder));
        assert_eq!(output.status.code(), Some(code), "{left} %");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
