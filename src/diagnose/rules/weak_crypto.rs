//! Algorithms that should no longer be used.

use crate::diagnose::facts::{began, offer};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{ChildSa, Exchange, IkeSa, Model};
use crate::registry::{ExchangeType, TransformType, transform};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "weak-crypto",
    code: "SEC601",
    severity: Severity::Info,
    summary: "An SA uses algorithms that should no longer be used",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::NONE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The peers agreed on an algorithm that is broken or near it, or on none that encrypts, or IKEv1 aggressive mode sends a hash of the pre-shared key that anyone can attack offline. The tunnel works.

## How it is seen
The choice of the responder is in clear for the IKE SA; for child SAs the keys of the IKE SA show it. ESP that is not encrypted shows itself. Each algorithm is looked up in RFC 8247, RFC 8221 and RFC 9395.

## What else looks like it
Nothing: the packets say so themselves.

## What to do
1. Choose AES-GCM or AES with SHA-2, and a group of 2048 bits or an elliptic curve, on both sides; then IKEv2.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut kinds = of_ike(case);
    kinds.extend(of_children(case));
    kinds.extend(in_clear(case));
    let mut found: Option<Finding> = None;
    for weak in kinds {
        found = Some(match found {
            None => {
                let finding = Finding::new(&RULE, Confidence::Certain, case.id, weak.at, weak.note);
                finding
                    .title(weak.title.unwrap_or(RULE.summary))
                    .says(weak.says)
                    .advise(weak.advice)
            }
            Some(mut finding) => {
                finding.says.add(weak.says);
                finding = finding.also(weak.at, weak.note);
                match finding.advice.contains(&weak.advice.into()) {
                    true => finding,
                    false => finding.advise(weak.advice),
                }
            }
        });
    }
    found.into_iter().collect()
}

/// Something weak about a tunnel.
struct Weak {
    says: Text,
    at: Cite,
    note: Text,
    advice: &'static str,
    /// A title of its own.
    title: Option<&'static str>,
}

const CHOSEN: &str = "the suite that was chosen";
const CHOOSE: &str = "Choose current algorithms on both sides (RFC 8247, RFC 8221), and IKEv2.";

/// So many kinds of weakness are told, each by the first SA that has it.
const TOLD: usize = 4;

/// SAs that are weak alike: how many, and the first.
struct Alike<T> {
    weak: Text,
    first: T,
    count: u64,
}

/// SAs by their weakness, the first kinds each, and how many have another.
struct Kinds<T> {
    told: Vec<Alike<T>>,
    others: u64,
}

impl<T> Kinds<T> {
    fn new() -> Self {
        let (told, others) = (Vec::new(), 0);
        Self { told, others }
    }

    /// Counts one more SA with this weakness.
    fn add(&mut self, weak: Text, sa: T) {
        if let Some(kind) = self.told.iter_mut().find(|kind| kind.weak == weak) {
            kind.count += 1;
        } else if self.told.len() < TOLD {
            self.told.push(Alike {
                weak,
                first: sa,
                count: 1,
            });
        } else {
            self.others += 1;
        }
    }
}

/// Adds to what is told of the last kind that so many SAs are weak in other ways.
fn with_others(mut told: Vec<Weak>, sas: Option<Text>) -> Vec<Weak> {
    if let Some((last, sas)) = told.last_mut().zip(sas) {
        last.says.add(say!("Weak in other ways: {sas}.", sas));
    }
    told
}

/// The IKE SAs that are weak, one row for each kind.
fn of_ike(case: &Case<'_>) -> Vec<Weak> {
    let mut kinds = Kinds::new();
    for sa in case.ike_sas() {
        let (suite, exposed) = (weaknesses(sa), exposes_key(case.model, sa));
        let by_its_suite = !suite.is_empty();
        if let Some(weak) = parted(suite.into_iter().chain(exposed).collect()) {
            kinds.add(weak, (sa, by_its_suite));
        }
    }
    let only = case.tunnel.ike_sas.len() == 1;
    let told = kinds.told.into_iter().map(|kind| {
        let (sa, by_its_suite) = kind.first;
        Weak {
            says: match only {
                true => say!("The IKE SA uses {weak}.", weak = kind.weak),
                false => in_several(count(kind.count, "IKE SA"), kind.weak),
            },
            at: offer::accepted(case.model, sa).map_or(sa.seen.first, |(_, at)| at),
            note: CHOSEN.into(),
            advice: match by_its_suite {
                true => CHOOSE,
                false => "Use main mode or IKEv2, and a long random pre-shared key.",
            },
            title: (!by_its_suite)
                .then_some("Aggressive mode exposes the pre-shared key to guessing"),
        }
    });
    let others = (kinds.others > 0).then(|| count(kinds.others, "IKE SA"));
    with_others(told.collect(), others)
}

fn in_several(sas: Text, weak: Text) -> Text {
    say!("Weak in {sas}: {weak}.", sas, weak)
}

/// The child SAs that are weak, one row for each kind.
fn of_children(case: &Case<'_>) -> Vec<Weak> {
    let mut kinds = Kinds::new();
    for id in case.ike_sas().flat_map(|sa| &sa.child_sas) {
        let child = &case.model.child_sas[*id];
        let made_by = child.made_by.map(|id| &case.model.exchanges[id]);
        let answer = made_by.and_then(Exchange::response);
        let at = answer.and_then(|answer| began(case.model, answer));
        if let (Some(at), Some(weak)) = (at, parted(weaknesses_of_child(child))) {
            kinds.add(weak, at);
        }
    }
    let told = kinds.told.into_iter().map(|kind| Weak {
        says: match kind.count {
            1 => say!("A child SA uses {weak}.", weak = kind.weak),
            many => in_several(count(many, "child SA"), kind.weak),
        },
        at: kind.first,
        note: CHOSEN.into(),
        advice: CHOOSE,
        title: None,
    });
    let others = (kinds.others > 0).then(|| count(kinds.others, "child SA"));
    with_others(told.collect(), others)
}

/// ESP that is seen not to be encrypted (RFC 2410).
fn in_clear(case: &Case<'_>) -> Option<Weak> {
    // Whose inside can be read; of others nothing need be looked at.
    let readable = case.signs().meet(Signs::INSIDE);
    let mut flows = case.flows().filter(|_| readable);
    let (flow, null) = flows.find_map(|flow| Some((flow, flow.null?)))?;
    let spi = flow.key.spi;
    Some(Weak {
        says: say!(
            "ESP of {spi} is not encrypted (ENCR_NULL): everyone on the path can read what it carries.",
            spi
        ),
        at: null.first,
        note: say!("what {spi} carries is in clear", spi),
        advice: "Choose AES-GCM on both sides, unless what is inside is meant to be read on the path.",
        title: Some("ESP of this tunnel is not encrypted"),
    })
}

/// Texts with semicolons between them, for their parts may have commas; `None` if there are none.
fn parted(texts: Vec<Text>) -> Option<Text> {
    let texts = texts.into_iter();
    texts.reduce(|these, last| say!("{these}; {last}", these, last))
}

/// The weak ones of these transforms, each with the reason.
pub(super) fn weak<const N: usize>(suite: [(TransformType, Option<u16>); N]) -> Vec<Text> {
    let weak = suite.into_iter().filter_map(|(kind, id)| {
        let why = transform::weak(kind, id?)?;
        let name = Text::verbatim(offer::name(kind, id?));
        Some(say!("{name}: {why}", name, why))
    });
    weak.collect()
}

/// What is weak about a child SA, if its suite is known.
fn weaknesses_of_child(child: &ChildSa) -> Vec<Text> {
    let terms = child.terms.as_ref();
    let Some(suite) = terms.and_then(|terms| terms.suite.as_ref()) else {
        return Vec::new();
    };
    weak([
        (TransformType::ENCR, suite.encryption),
        (TransformType::INTEG, suite.integrity),
        (TransformType::KE, suite.group),
    ])
}

fn weaknesses(sa: &IkeSa) -> Vec<Text> {
    let Some(suite) = &sa.suite else {
        return Vec::new();
    };
    weak([
        (TransformType::ENCR, suite.encryption),
        (TransformType::PRF, suite.prf),
        (TransformType::INTEG, suite.integrity),
        (TransformType::KE, suite.group),
    ])
}

/// What exposes the pre-shared key: aggressive mode sends its hash before anything is encrypted.
fn exposes_key(model: &Model, sa: &IkeSa) -> Option<Text> {
    let suite = sa.suite.as_ref()?;
    let mut exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let aggressive = exchanges.any(|exchange| exchange.kind == ExchangeType::AGGRESSIVE);
    (aggressive && offer::v1_is_pre_shared(suite)).then(|| {
        "aggressive mode with a pre-shared key, which can be guessed offline from this capture"
            .into()
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn a_small_group_is_named() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH2) KE(2) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH2) KE(2) Nonce",
            "weak-crypto",
        );
        assert!(
            finding.says.to_string().contains("1024"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_weak_child_sa_is_named_where_it_is_known() {
        let text = |cipher: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 {cipher} AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 {cipher} AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)"
            )
        };
        let says = fires(&text("ENCR_3DES"), "weak-crypto").says.to_string();
        assert!(says.contains("A child SA uses ENCR_3DES"), "{says}");
        silent(&text("ENCR_AES_CBC-256"), "weak-crypto");
    }

    #[test]
    fn aggressive_mode_with_a_key_is_told_as_that() {
        let finding = fires(
            "0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID(a)
             0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID(b) HASH",
            "weak-crypto",
        );
        assert_eq!(
            finding.title.to_string(),
            "Aggressive mode exposes the pre-shared key to guessing"
        );
    }

    #[test]
    fn a_current_suite_is_fine() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH19) KE(19) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH19) KE(19) Nonce",
            "weak-crypto",
        );
    }

    #[test]
    fn each_kind_of_weakness_is_told_with_the_number_of_those_that_have_it() {
        let sa = |at: u32, group: u32| {
            format!(
                "{at} A:500 > B:500 IKE_SA_INIT i={at}1 r=0 id=0 request SUITE KE({group}) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={at}1 r={at}2 id=0 response SUITE KE({group}) Nonce\n"
            )
            .replace("SUITE", &format!("SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH{group})"))
        };
        let says = fires(&(sa(1, 2) + &sa(5, 5) + &sa(9, 2)), "weak-crypto")
            .says
            .to_string();
        assert!(says.contains("Weak in 2 IKE SAs: 1024-bit"), "{says}");
        assert!(says.contains("Weak in 1 IKE SA: 1536-bit"), "{says}");
    }

    #[test]
    fn of_many_kinds_the_rest_is_counted() {
        let text: String = [1, 2, 5, 22, 23, 24, 1, 24]
            .iter()
            .zip(1..)
            .map(|(group, at)| {
                let suite = format!("SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH{group})");
                format!(
                    "{at} A:500 > B:500 IKE_SA_INIT i={at}1 r=0 id=0 request {suite} KE({group}) Nonce
                     {at}.1 B:500 > A:500 IKE_SA_INIT i={at}1 r={at}2 id=0 response {suite} KE({group}) Nonce\n"
                )
            })
            .collect();
        let says = fires(&text, "weak-crypto").says.to_string();
        assert!(says.contains("Weak in 2 IKE SAs"), "{says}");
        assert!(says.contains("Weak in other ways: 3 IKE SAs."), "{says}");
    }
}
