//! A folder dropped in `captures/` is a test. Its report is what `expected.txt` beside it says, with keys
//! `expected-keyed.txt`, with the other tap and the keys `expected-both.txt`; what is told about it is
//! what its `truth.toml` says, and its JSON fits the schemas.
//!
//! `ESPIAL_BLESS=1 cargo test captures` writes these reports anew; read the difference before
//! you commit. `truth.toml` is written by hand, from what is known of the case and not from what
//! espial says of it.

use crate::run::{Case, cases, root, stdout};
use espial::diagnose::{self, RULES};
use espial::keys;
use espial::model::Model;
use espial::report::schema::misfits;
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[test]
fn every_capture_gets_its_expected_reports() {
    let cases = cases();
    assert!(cases.len() >= 29, "only {} cases found", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        for (name, keyed, taps) in ways(case) {
            let report = written(case, "diagnose", "text", keyed, &taps);
            let expected = case.folder.join(name);
            if std::env::var_os("ESPIAL_BLESS").is_some() {
                std::fs::write(&expected, &report).expect("what is expected can be written");
            }
            let want = std::fs::read_to_string(&expected).unwrap_or_default();
            if report != want {
                wrong.push(format!(
                    "{}: {name}\n--- expected\n{want}--- got\n{report}",
                    case.name()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The ways to look at a case: where what is expected of it lies, whether with keys, and the taps.
fn ways(case: &Case) -> Vec<(&'static str, bool, Vec<&Path>)> {
    let alone = case.capture.as_path();
    let keyed = case.keys.is_some();
    let with_keys = keyed.then(|| ("expected-keyed.txt", true, vec![alone]));
    let both = case.capture_b.as_deref();
    let both = both.map(|other| ("expected-both.txt", keyed, vec![alone, other]));
    let sealed = ("expected.txt", false, vec![alone]);
    std::iter::once(sealed)
        .chain(with_keys)
        .chain(both)
        .collect()
}

#[test]
fn every_capture_is_told_as_its_truth_says() {
    let wrong: Vec<String> = cases().iter().flat_map(untrue).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Rules are not asked about a tunnel without the signs that they need, which must hide nothing.
#[test]
fn no_rule_would_speak_of_a_tunnel_that_lacks_the_signs_it_needs() {
    let mut wrong = Vec::new();
    for case in cases() {
        for taps in taps(&case) {
            for keys in [None, case.keys.clone()] {
                let model = model(&taps, keys);
                for tunnel in model.tunnels.ids() {
                    let row = diagnose::Case::of(&model, tunnel);
                    let hidden = RULES.iter().filter(|rule| !rule.may_speak(&row));
                    let speaks = hidden.filter(|rule| !(rule.check)(&row).is_empty());
                    wrong.extend(speaks.map(|rule| format!("{}: {}", case.name(), rule.slug)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_written_of_every_capture_fits_the_schemas() {
    let schemas = json(["schema"]);
    let mut wrong = Vec::new();
    for case in cases() {
        for taps in taps(&case) {
            for keyed in [false, true] {
                if keyed && case.keys.is_none() {
                    continue;
                }
                for (command, format, schema) in [
                    ("diagnose", "json", "espial.diagnosis/1"),
                    ("tunnels", "json", "espial.tunnels/1"),
                    ("dissect", "ndjson", "espial.dissect/1"),
                ] {
                    let written = written(&case, command, format, keyed, &taps);
                    let values = serde_json::Deserializer::from_str(&written).into_iter();
                    let mut told = values.flat_map(|value: Result<Value, _>| {
                        misfits(&value.expect("output is JSON"), schema, &schemas)
                    });
                    if let Some(first) = told.next() {
                        let (name, more) = (case.name(), told.count());
                        let keyed = if keyed { " with keys" } else { "" };
                        wrong.push(format!(
                            "{name}: {command}{keyed}, {} taps: {first}, and {more} more",
                            taps.len()
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is known of a case, by whoever made it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Truth {
    pub(crate) sealed: Judgement,
    /// With the keys beside the capture.
    pub(crate) keyed: Option<Judgement>,
    /// With both taps, and the keys if there are any.
    pub(crate) both: Option<Judgement>,
    /// The IKE SAs that came up.
    #[serde(default)]
    ike_sa: Vec<IkeSa>,
    /// The child SAs that came up.
    #[serde(default)]
    child_sa: Vec<ChildSa>,
}

/// What may be concluded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judgement {
    /// Slug of the first finding of severity error or warning, or `healthy`.
    pub(crate) verdict: String,
    /// Other verdicts that would not be wrong.
    #[serde(default)]
    pub(crate) acceptable: Vec<String>,
    /// Slugs that must be among the findings, of any severity.
    #[serde(default)]
    also: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IkeSa {
    initiator_spi: String,
    responder_spi: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChildSa {
    /// Towards the first gateway and towards the second.
    spis: [String; 2],
    /// Selectors of both sides, as asked for.
    asked: Option<[Vec<String>; 2]>,
    granted: Option<[Vec<String>; 2]>,
}

/// What is known of the case in a folder, or why that cannot be read.
pub(crate) fn truth(folder: &Path) -> Result<Truth, String> {
    let text = std::fs::read_to_string(folder.join("truth.toml"));
    let text = text.map_err(|error| error.to_string())?;
    toml::from_str(&text).map_err(|error| error.to_string())
}

/// Where what is told of a case is not its truth.
fn untrue(case: &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = case.name();
    let truth = match truth(&case.folder) {
        Err(error) => return vec![format!("{name}: truth.toml: {error}")],
        Ok(truth) => truth,
    };
    let present = |what: &str, told: bool, there: bool| {
        (told && !there)
            .then(|| format!("{name}: truth.toml speaks of [{what}], which is not here"))
    };
    wrong.extend(present("keyed", truth.keyed.is_some(), case.keys.is_some()));
    wrong.extend(present(
        "both",
        truth.both.is_some(),
        case.capture_b.is_some(),
    ));
    if case.keys.is_some() && truth.keyed.is_none() {
        wrong.push(format!(
            "{name}: there are keys, and truth.toml has no [keyed]"
        ));
    }

    let alone = [case.capture.as_path()];
    let sealed = diagnosed(case, false, &alone);
    wrong.extend(misjudged(name, "sealed", &truth.sealed, &sealed));
    wrong.extend(unmet_ike_sas(name, "sealed", &truth.ike_sa, &sealed));
    if let (Some(judgement), Some(_)) = (&truth.keyed, &case.keys) {
        let keyed = diagnosed(case, true, &alone);
        wrong.extend(misjudged(name, "keyed", judgement, &keyed));
        wrong.extend(unmet_ike_sas(name, "keyed", &truth.ike_sa, &keyed));
        wrong.extend(unmet_child_sas(name, &truth.child_sa, &keyed));
    }
    if let (Some(judgement), Some(other)) = (&truth.both, &case.capture_b) {
        let both = diagnosed(case, true, &[&case.capture, other]);
        wrong.extend(misjudged(name, "both", judgement, &both));
    }
    wrong
}

/// Where a judgement is not what was found.
fn misjudged(name: &str, how: &str, judgement: &Judgement, diagnosis: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let findings = || list(&diagnosis["findings"]);
    let grave = |finding: &&Value| finding["severity"] != "info";
    let verdict = findings()
        .find(grave)
        .map_or("healthy", |finding| text(&finding["rule"]));
    let right = std::iter::once(&judgement.verdict).chain(&judgement.acceptable);
    if !right.clone().any(|right| right == verdict) {
        let right: Vec<&str> = right.clone().map(String::as_str).collect();
        wrong.push(format!(
            "{name}, {how}: the verdict is {verdict}, the truth {}",
            right.join(" or ")
        ));
    }
    for slug in &judgement.also {
        if !findings().any(|finding| text(&finding["rule"]) == slug) {
            wrong.push(format!("{name}, {how}: {slug} is not among the findings"));
        }
    }
    for slug in right.chain(&judgement.also) {
        if slug != "healthy" && !RULES.iter().any(|rule| rule.slug == slug) {
            wrong.push(format!("{name}, {how}: truth.toml: {slug} is no rule"));
        }
    }
    wrong
}

/// IKE SAs that came up and are not told.
fn unmet_ike_sas(name: &str, how: &str, truth: &[IkeSa], diagnosis: &Value) -> Vec<String> {
    let told: Vec<(&str, &str)> = rows(diagnosis, "ike_sas")
        .map(|sa| (text(&sa["initiator_spi"]), text(&sa["responder_spi"])))
        .collect();
    truth
        .iter()
        .map(|sa| (sa.initiator_spi.as_str(), sa.responder_spi.as_str()))
        .filter(|sought| !told.contains(sought))
        .map(|(initiator, responder)| {
            format!("{name}, {how}: IKE SA {initiator}_i {responder}_r is not told there; told are {told:?}")
        })
        .collect()
}

/// Child SAs that came up and are not told, or with other selectors.
fn unmet_child_sas(name: &str, truth: &[ChildSa], diagnosis: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let told: Vec<&Value> = rows(diagnosis, "child_sas").collect();
    for sa in truth {
        let sought = sorted(&sa.spis);
        let spis = |told: &Value| {
            let mut spis: Vec<String> = list(&told["spis"])
                .map(|spi| text(spi).to_owned())
                .collect();
            spis.sort();
            spis
        };
        let Some(told) = told.iter().find(|told| spis(told) == sought) else {
            let all: Vec<Vec<String>> = told.iter().map(|told| spis(told)).collect();
            wrong.push(format!(
                "{name}, keyed: child SA {sought:?} is not told; told are {all:?}"
            ));
            continue;
        };
        for (what, selectors) in [("asked", &sa.asked), ("granted", &sa.granted)] {
            let Some(selectors) = selectors else { continue };
            let terms = &told["terms"][what];
            // Selectors are a set: a daemon logs them in an order of its own. Who asked is the first
            // side, and that may be either gateway.
            let sides: Vec<Vec<String>> = list(terms)
                .map(|side| list(side).map(|one| text(one).to_owned()).collect())
                .collect();
            if sets(&sides) != sets(selectors) {
                wrong.push(format!(
                    "{name}, keyed: child SA {sought:?}: {what} are {terms}, in truth {selectors:?}"
                ));
            }
        }
    }
    wrong
}

/// Both sides, whichever is first, and of each its selectors in whatever order.
fn sets(sides: &[Vec<String>]) -> Vec<Vec<String>> {
    let sides: Vec<Vec<String>> = sides.iter().map(|side| sorted(side)).collect();
    sorted(&sides)
}

fn sorted<T: Clone + Ord>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items
}

/// Rows of one kind of all tunnels.
fn rows<'v>(diagnosis: &'v Value, kind: &'static str) -> impl Iterator<Item = &'v Value> {
    list(&diagnosis["tunnels"]).flat_map(move |tunnel| list(&tunnel[kind]))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The taps that are read together: one, and both where there are two.
fn taps(case: &Case) -> Vec<Vec<&Path>> {
    let alone = case.capture.as_path();
    let both = case.capture_b.as_deref().map(|other| vec![alone, other]);
    std::iter::once(vec![alone]).chain(both).collect()
}

fn diagnosed(case: &Case, keyed: bool, taps: &[&Path]) -> Value {
    let written = written(case, "diagnose", "json", keyed, taps);
    serde_json::from_str(&written).expect("output is JSON")
}

fn model(taps: &[&Path], keys: Option<PathBuf>) -> Model {
    let taps: Vec<PathBuf> = taps.iter().map(|tap| tap.to_path_buf()).collect();
    let keys: Vec<PathBuf> = keys.into_iter().collect();
    let options = espial::Options {
        keys: Arc::new(keys::load(&keys).expect("keys can be read").0),
        ..espial::Options::default()
    };
    let inputs = espial::capture::expand(&taps).expect("captures can be read");
    espial::analyze(inputs, &options)
        .expect("a capture is analysed")
        .model
}

fn json<const N: usize>(arguments: [&str; N]) -> Value {
    serde_json::from_str(&stdout(arguments)).expect("output is JSON")
}

/// What a command writes about these taps of a case.
fn written(case: &Case, command: &str, format: &str, keyed: bool, taps: &[&Path]) -> String {
    let keys = case.keys.as_deref().filter(|_| keyed);
    let keys = keys.map(|keys| ["-k".as_ref(), given(keys).as_os_str()]);
    let command = [command, "-q", "-f", format].map(AsRef::as_ref);
    let inputs = taps.iter().map(|tap| given(tap).as_os_str());
    stdout(
        command
            .into_iter()
            .chain(keys.into_iter().flatten())
            .chain(inputs),
    )
}

/// A path as it is given: from the folder of the package, so that reports are the same everywhere.
fn given(path: &Path) -> &Path {
    path.strip_prefix(root())
        .expect("captures lie in the package")
}
