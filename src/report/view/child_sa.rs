//! Child SAs.

use super::suite::ChildSuiteView;
use crate::language::{Language, Text, clauses, parted};
use crate::model::{ChildInferred, ChildSaId, ChildTerms, Mode, Model, Role, Selector};
use crate::report::select::number;
use crate::say;
use serde::Serialize;

/// A child SA.
#[derive(Debug, Serialize)]
pub struct ChildSaView {
    /// Its number.
    pub id: u64,
    /// Number of its IKE SA.
    pub ike_sa: Option<u64>,
    /// Who asked for it: `initiator` or `responder` of the IKE SA.
    pub by: Option<&'static str>,
    /// SPIs towards the initiator and towards the responder of the exchange that made it.
    pub spis: [Option<String>; 2],
    /// Numbers of its flows, in the same order.
    pub flows: [Option<u64>; 2],
    /// Whether its SPIs and flows may be those of another that was made together with it.
    pub guessed: bool,
    /// Number of the child SA whose place it took.
    pub replaces: Option<u64>,
    /// First packet.
    pub first_ns: Option<i64>,
    /// Last packet.
    pub last_ns: Option<i64>,
    /// What was agreed about it, where keys opened the messages that say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<TermsView>,
    /// What the sizes of the sealed exchange that made it leave open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inferred: Option<ChildInferredView>,
}

/// What the sizes of a sealed exchange leave open.
#[derive(Debug, Serialize)]
pub struct ChildInferredView {
    /// In words.
    pub says: String,
    /// The readings, of which one is true.
    pub readings: Vec<ReadingView>,
    /// IPv4 selectors of the request that the answer may lack, at most.
    pub dropped_at_most: Option<usize>,
}

/// One way to read a size.
#[derive(Debug, Serialize)]
pub struct ReadingView {
    /// Numbers of the groups that have such a public value; empty without a key exchange.
    pub groups: Vec<u16>,
    /// How many IPv4 selectors both sides together may have.
    pub selectors: Vec<usize>,
    /// How many IPv6 selectors, if these are such.
    pub selectors_v6: Vec<usize>,
}

impl ChildInferredView {
    fn new(inferred: &ChildInferred, language: Language) -> Self {
        let readings = inferred.readings.iter();
        Self {
            says: language.say(&inferred.into()),
            readings: readings
                .map(|reading| ReadingView {
                    groups: reading.groups().collect(),
                    selectors: reading.selectors.clone(),
                    selectors_v6: reading.selectors_v6.clone(),
                })
                .collect(),
            dropped_at_most: inferred.dropped_at_most,
        }
    }
}

/// What was agreed about a child SA.
#[derive(Debug, Serialize)]
pub struct TermsView {
    /// `ESP` or `AH`.
    pub protocol: &'static str,
    /// `tunnel`, `transport` or `beet`.
    pub mode: Option<&'static str>,
    /// The algorithms that were chosen.
    pub suite: Option<ChildSuiteView>,
    /// Selectors that were asked for: of the initiator and of the responder of the exchange.
    pub asked: Option<[Vec<String>; 2]>,
    /// Selectors that were granted.
    pub granted: Option<[Vec<String>; 2]>,
    /// IKEv1: lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v1_lifetime_secs: Option<u64>,
    /// IKEv1: lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v1_lifetime_kilobytes: Option<u64>,
}

impl TermsView {
    fn new(terms: &ChildTerms) -> Self {
        let words = |sides: &Option<[Vec<Selector>; 2]>| {
            sides.as_ref().map(|sides| {
                sides
                    .each_ref()
                    .map(|side| side.iter().map(ToString::to_string).collect())
            })
        };
        Self {
            protocol: if terms.ah { "AH" } else { "ESP" },
            mode: terms.mode.map(|mode| match mode {
                Mode::Tunnel => "tunnel",
                Mode::Transport => "transport",
                Mode::Beet => "beet",
            }),
            suite: terms.suite.as_ref().map(ChildSuiteView::new),
            asked: words(&terms.asked),
            granted: words(&terms.granted),
            v1_lifetime_secs: terms.lifetime_secs,
            v1_lifetime_kilobytes: terms.lifetime_kilobytes,
        }
    }

    /// As one line: `10.1.0.0/16 with 10.2.0.0/16, tunnel, ENCR_AES_CBC-256,
    /// AUTH_HMAC_SHA2_256_128`, and what was asked for if that is not what was granted.
    pub fn line(&self) -> Text {
        let side = |selectors: &[String]| parted(" + ", selectors.iter().map(Text::verbatim));
        let between = |[one, two]: &[Vec<String>; 2]| {
            say!("{one} with {other}", one = side(one), other = side(two))
        };
        let sorted = |sides: &[Vec<String>; 2]| {
            sides.each_ref().map(|side| {
                let mut side = side.clone();
                side.sort_unstable();
                side
            })
        };
        let carries = match (&self.asked, &self.granted) {
            (Some(asked), Some(granted)) if sorted(asked) != sorted(granted) => Some(say!(
                "{granted} (asked for: {asked})",
                granted = between(granted),
                asked = between(asked)
            )),
            (_, Some(granted)) => Some(between(granted)),
            (Some(asked), None) => Some(say!("asked for: {asked}", asked = between(asked))),
            (None, None) => None,
        };
        // Of a mode another language may say otherwise than of a thing: hence the context.
        let mode = self.mode.map(|mode| match mode {
            "tunnel" => "mode\u{4}tunnel",
            "transport" => "mode\u{4}transport",
            "beet" => "mode\u{4}beet",
            mode => mode,
        });
        let mode = mode.map(Text::from);
        let suite = self.suite.as_ref().map(ChildSuiteView::line);
        clauses([carries, mode, suite].into_iter().flatten())
    }
}

impl ChildSaView {
    pub(super) fn new(model: &Model, id: ChildSaId, language: Language) -> Self {
        let child = &model.child_sas[id];
        Self {
            id: number(id),
            ike_sa: child.ike_sa.map(number),
            by: child.by.map(role),
            spis: child.spis.map(|spi| spi.map(|spi| spi.to_string())),
            flows: child.flows.map(|flow| flow.map(number)),
            guessed: child.is_guessed,
            replaces: child.replaces.map(number),
            first_ns: child.seen.map(|seen| seen.first.1.0),
            last_ns: child.seen.map(|seen| seen.last.1.0),
            terms: child.terms.as_deref().map(TermsView::new),
            inferred: model
                .child_inferred(id)
                .map(|inferred| ChildInferredView::new(&inferred, language)),
        }
    }
}

/// A role in one word.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Initiator => "initiator",
        Role::Responder => "responder",
    }
}
