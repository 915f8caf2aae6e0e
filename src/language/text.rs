//! Something said, in no language yet.

use super::catalogue::{CONTEXT, Catalogue};
use crate::registry::{ExchangeType, IpProtocol, NotifyType, NotifyV1, PayloadType, TransformType};
use crate::units::{Endpoint, EspSpi, FrameId, IkeSpi, Span};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// Something said to people: [`Language::say`](super::Language::say) gives it in a language, and
/// [`Display`](fmt::Display) in English.
///
/// It is made by [`say!`](crate::say!) or from a sentence without holes. Names, addresses and numbers
/// are the same in every language: [`Text::verbatim`].
///
/// Thousands of findings hold many of these: what fills a hole stands there as it is, and is no string
/// until it is said.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Text(Kind);

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Kind {
    /// The same in every language.
    Verbatim(Cow<'static, str>),
    /// A number.
    Number(u64),
    /// An address.
    Address(IpAddr),
    /// An address and a port.
    Endpoint(Endpoint),
    /// A length of time.
    Length(Length),
    /// A frame.
    Frame(FrameId),
    /// An English sentence or word without holes.
    Words(&'static str),
    /// An English sentence, and what fills its holes, in their order.
    Said(&'static Sentence, Box<[Text]>),
    /// So many of a thing, named in the singular.
    Count(u64, &'static str),
    /// Sentences one after another.
    Sentences(Vec<Text>),
    /// Texts with something between them.
    List(Box<List>),
}

/// A length of time, equal to every other that reads the same.
#[derive(Clone, Copy, Debug)]
struct Length(Span);

impl Ord for Length {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.0 == other.0 {
            true => Ordering::Equal,
            false => self.0.to_string().cmp(&other.0.to_string()),
        }
    }
}

impl PartialOrd for Length {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Length {}

impl PartialEq for Length {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Hash for Length {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_string().hash(state);
    }
}

/// Texts, and what stands between them.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct List {
    texts: Box<[Text]>,
    between: &'static str,
}

/// An English sentence with holes.
#[doc(hidden)]
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Sentence {
    english: &'static str,
    holes: &'static [&'static str],
}

impl Sentence {
    /// A sentence with these holes.
    ///
    /// # Panics
    /// It has others. [`say!`](crate::say!) makes it when it is compiled, where a panic is the message
    /// of the compiler.
    pub const fn new(english: &'static str, holes: &'static [&'static str]) -> Self {
        check(english, holes);
        Self { english, holes }
    }
}

/// Equal sentences have equal holes, or nearly so.
impl Hash for Sentence {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.english.hash(state);
    }
}

impl Text {
    /// What is the same in every language: a name, an address, a number with its unit.
    pub fn verbatim(what: impl fmt::Display) -> Self {
        Self(Kind::Verbatim(Cow::Owned(what.to_string())))
    }

    /// As [`Text::verbatim`], of a name out of a table: it takes no room of its own.
    pub fn name(name: &'static str) -> Self {
        Self(Kind::Verbatim(Cow::Borrowed(name)))
    }

    /// A sentence with holes, and what fills them: made by [`say!`](crate::say!), which checks that each
    /// is filled.
    #[doc(hidden)]
    pub fn said<const N: usize>(sentence: &'static Sentence, fill: [Self; N]) -> Self {
        Self(match N {
            0 => Kind::Words(sentence.english),
            _ => Kind::Said(sentence, Box::new(fill)),
        })
    }

    /// This, and another sentence after it.
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        self.add(more);
        self
    }

    /// Another sentence after this one. An empty one adds nothing.
    pub fn add(&mut self, more: impl Into<Self>) {
        let more = more.into();
        if more.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = more;
            return;
        }
        match &mut self.0 {
            Kind::Sentences(texts) => {
                texts.reserve_exact(1);
                texts.push(more);
            }
            _ => {
                let first = std::mem::take(self);
                *self = Self(Kind::Sentences(vec![first, more]));
            }
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Kind::Verbatim(text) => text.is_empty(),
            Kind::Words(words) => words.is_empty(),
            Kind::Said(sentence, _) => sentence.english.is_empty(),
            Kind::Number(_)
            | Kind::Address(_)
            | Kind::Endpoint(_)
            | Kind::Length(_)
            | Kind::Frame(_)
            | Kind::Count(..) => false,
            Kind::Sentences(texts) => texts.iter().all(Self::is_empty),
            Kind::List(list) => list.texts.iter().all(Self::is_empty),
        }
    }

    /// Writes it in the language of a catalogue; in English without.
    pub(super) fn write(&self, catalogue: Option<&Catalogue>, out: &mut String) {
        let translated = |english: &'static str| {
            let told = catalogue.and_then(|catalogue| catalogue.get(english));
            told.unwrap_or_else(|| without_context(english))
        };
        // A string takes whatever is written to it.
        let mut plain = |what: &dyn fmt::Display| write!(out, "{what}").unwrap_or_default();
        match &self.0 {
            Kind::Verbatim(text) => out.push_str(text),
            Kind::Number(number) => plain(number),
            Kind::Address(address) => plain(address),
            Kind::Endpoint(endpoint) => plain(endpoint),
            Kind::Length(length) => plain(&length.0),
            Kind::Frame(frame) => plain(frame),
            Kind::Words(words) => out.push_str(translated(words)),
            Kind::Said(sentence, texts) => {
                fill(translated(sentence.english), out, |name, out| {
                    let mut holes = sentence.holes.iter().zip(texts);
                    match holes.find(|(hole, _)| **hole == name) {
                        Some((_, text)) => text.write(catalogue, out),
                        None => *out += name,
                    }
                });
            }
            Kind::Count(number, what) => {
                let number = number.to_string();
                match catalogue.and_then(|catalogue| catalogue.get(what)) {
                    Some(counted) => fill(counted, out, |_, out| *out += &number),
                    None => {
                        *out += &number;
                        *out += " ";
                        *out += what;
                        *out += if number == "1" { "" } else { "s" };
                    }
                }
            }
            Kind::Sentences(texts) => {
                join(texts, catalogue.map_or(" ", Catalogue::gap), catalogue, out);
            }
            Kind::List(list) => join(&list.texts, translated(list.between), catalogue, out),
        }
    }

    /// Calls a function with each English sentence and word that is part of this.
    pub(super) fn keys(&self, told: &mut impl FnMut(&'static str)) {
        match &self.0 {
            Kind::Verbatim(_)
            | Kind::Number(_)
            | Kind::Address(_)
            | Kind::Endpoint(_)
            | Kind::Length(_)
            | Kind::Frame(_) => {}
            // One that is holes, marks and names in capitals alone needs no translation.
            Kind::Words(words) => {
                if has_words(words) {
                    told(words);
                }
            }
            Kind::Said(sentence, texts) => {
                if has_words(sentence.english) {
                    told(sentence.english);
                }
                texts.iter().for_each(|text| text.keys(told));
            }
            Kind::Count(_, what) => told(what),
            Kind::Sentences(texts) => texts.iter().for_each(|text| text.keys(told)),
            Kind::List(list) => {
                told(list.between);
                list.texts.iter().for_each(|text| text.keys(told));
            }
        }
    }
}

/// So many of a thing, which is named in the singular: `1 packet`, `2 packets`. The catalogue of
/// another language has the thing with a hole for the number.
pub fn count(number: u64, what: &'static str) -> Text {
    Text(Kind::Count(number, what))
}

/// Texts with commas between them: `A, B, C`.
pub fn list<T: Into<Text>>(texts: impl IntoIterator<Item = T>) -> Text {
    parted(", ", texts)
}

/// Texts with a mark or a word between them, which stands in catalogues: `A | B`.
pub fn parted<T: Into<Text>>(between: &'static str, texts: impl IntoIterator<Item = T>) -> Text {
    let texts = texts.into_iter().map(Into::into).collect();
    Text(Kind::List(Box::new(List { texts, between })))
}

/// Statements with commas between them, which another language may set otherwise than those of a
/// [`list`] of names.
pub fn clauses<T: Into<Text>>(texts: impl IntoIterator<Item = T>) -> Text {
    parted("clause\u{4}, ", texts)
}

/// Texts with `and` before the last: `A, B and C`.
pub fn all_of<T: Into<Text>>(texts: impl IntoIterator<Item = T>) -> Text {
    let mut texts: Vec<Text> = texts.into_iter().map(Into::into).collect();
    match (texts.pop(), texts.len()) {
        (None, _) => Text::default(),
        (Some(only), 0) => only,
        (Some(last), _) => crate::say!("{these} and {last}", these = list(texts), last),
    }
}

/// Texts with `or` before the last: `A, B or C`.
pub fn one_of<T: Into<Text>>(texts: impl IntoIterator<Item = T>) -> Text {
    let mut texts: Vec<Text> = texts.into_iter().map(Into::into).collect();
    match (texts.pop(), texts.len()) {
        (None, _) => Text::default(),
        (Some(only), 0) => only,
        (Some(last), _) => crate::say!("{these} or {last}", these = list(texts), last),
    }
}

/// Writes texts with something between them.
fn join(texts: &[Text], between: &str, catalogue: Option<&Catalogue>, out: &mut String) {
    for (place, text) in texts.iter().enumerate() {
        if place > 0 {
            *out += between;
        }
        text.write(catalogue, out);
    }
}

/// The sentence of a key.
fn without_context(key: &'static str) -> &'static str {
    key.split_once(CONTEXT)
        .map_or(key, |(_, sentence)| sentence)
}

/// Writes a sentence and calls `hole` with the name of each hole.
fn fill(sentence: &str, out: &mut String, mut hole: impl FnMut(&str, &mut String)) {
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        *out += before;
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        hole(name, out);
        rest = after;
    }
    *out += rest;
}

/// Whether there is a letter outside of the holes that is no part of a name in capitals.
fn has_words(sentence: &str) -> bool {
    let mut outside = String::new();
    fill(sentence, &mut outside, |_, _| {});
    outside.contains(char::is_lowercase)
}

impl Default for Text {
    fn default() -> Self {
        Self::name("")
    }
}

/// English.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = String::new();
        self.write(None, &mut said);
        f.pad(&said)
    }
}

/// English, quoted.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl From<&'static str> for Text {
    /// A context may stand before it, with U+0004 between: `mode\u{4}tunnel`.
    fn from(sentence: &'static str) -> Self {
        Self(Kind::Words(sentence))
    }
}

impl From<&Text> for Text {
    fn from(text: &Text) -> Self {
        text.clone()
    }
}

/// None says nothing.
impl<T: Into<Text>> From<Option<T>> for Text {
    fn from(text: Option<T>) -> Self {
        text.map_or_else(Self::default, Into::into)
    }
}

/// What reads the same in every language, and may fill a hole as it is.
pub trait Verbatim: fmt::Display {
    /// As a text: its words, or what they are made of where that takes less room.
    fn text(&self) -> Text {
        Text(Kind::Verbatim(Cow::Owned(self.to_string())))
    }
}

impl<T: Verbatim> From<T> for Text {
    fn from(what: T) -> Self {
        what.text()
    }
}

impl<T: Verbatim> Verbatim for &T {
    fn text(&self) -> Text {
        (**self).text()
    }
}

impl Verbatim for u8 {
    fn text(&self) -> Text {
        Text(Kind::Number((*self).into()))
    }
}

impl Verbatim for u16 {
    fn text(&self) -> Text {
        Text(Kind::Number((*self).into()))
    }
}

impl Verbatim for u32 {
    fn text(&self) -> Text {
        Text(Kind::Number((*self).into()))
    }
}

impl Verbatim for u64 {
    fn text(&self) -> Text {
        Text(Kind::Number(*self))
    }
}

impl Verbatim for usize {
    fn text(&self) -> Text {
        Text(Kind::Number(*self as u64))
    }
}

impl Verbatim for IpAddr {
    fn text(&self) -> Text {
        Text(Kind::Address(*self))
    }
}

impl Verbatim for Endpoint {
    fn text(&self) -> Text {
        match self.port {
            Some(_) => Text(Kind::Endpoint(*self)),
            None => Text(Kind::Address(self.address)),
        }
    }
}

impl Verbatim for Span {
    fn text(&self) -> Text {
        Text(Kind::Length(Length(*self)))
    }
}

impl Verbatim for FrameId {
    fn text(&self) -> Text {
        Text(Kind::Frame(*self))
    }
}

impl Verbatim for u128 {}
impl Verbatim for i64 {}
impl Verbatim for EspSpi {}
impl Verbatim for IkeSpi {}
impl Verbatim for ExchangeType {}
impl Verbatim for IpProtocol {}
impl Verbatim for NotifyType {}
impl Verbatim for NotifyV1 {}
impl Verbatim for PayloadType {}
impl Verbatim for TransformType {}

/// A sentence for people, with holes that are filled by name: `say!("{end} sends {sent}", end, sent =
/// count(n, "packet"))`.
///
/// The English sentence is the key of the catalogues of other languages. Whether its holes and what is
/// given for them are the same is checked when it is compiled.
#[macro_export]
macro_rules! say {
    ($sentence:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        const SENTENCE: &$crate::language::Sentence =
            &$crate::language::Sentence::new($sentence, &[$(stringify!($name)),*]);
        $crate::language::Text::said(
            SENTENCE,
            [$($crate::language::Text::from($crate::say!(@fill $name $(= $value)?))),*],
        )
    }};
    (@fill $name:ident) => { $name };
    (@fill $name:ident = $value:expr) => { $value };
}

/// Checks that a sentence has these holes, each at least once, and no others.
///
/// # Panics
/// It has not.
#[expect(clippy::indexing_slicing, reason = "runs in the compiler alone")]
const fn check(sentence: &str, names: &[&str]) {
    let sentence = sentence.as_bytes();
    let mut used = [false; 16];
    assert!(names.len() <= used.len(), "too many holes");
    let mut place = 0;
    while place < sentence.len() {
        if sentence[place] == b'{' {
            let start = place + 1;
            let mut end = start;
            while end < sentence.len() && sentence[end] != b'}' {
                end += 1;
            }
            let mut name = 0;
            while name < names.len() && !is(sentence, start, end, names[name].as_bytes()) {
                name += 1;
            }
            assert!(name < names.len(), "a hole of the sentence is not filled");
            used[name] = true;
            place = end;
        }
        place += 1;
    }
    let mut name = 0;
    while name < names.len() {
        assert!(used[name], "the sentence has no hole of this name");
        name += 1;
    }
}

/// Whether the octets from `start` to `end` are those of `name`.
#[expect(clippy::indexing_slicing, reason = "runs in the compiler alone")]
const fn is(sentence: &[u8], start: usize, end: usize, name: &[u8]) -> bool {
    if end - start != name.len() {
        return false;
    }
    let mut place = 0;
    while place < name.len() {
        if sentence[start + place] != name[place] {
            return false;
        }
        place += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn holes_are_filled_by_name() {
        let end: IpAddr = "192.0.2.1".parse().unwrap();
        let lost = count(1, "packet");
        let text = say!(
            "{end} lost {lost} of {sent} ({end})",
            sent = 7_u64,
            lost,
            end
        );
        assert_eq!(text.to_string(), "192.0.2.1 lost 1 packet of 7 (192.0.2.1)");
    }

    #[test]
    fn what_fills_a_hole_takes_no_more_room_than_four_words() {
        assert!(size_of::<Text>() <= 32);
    }

    #[test]
    fn texts_that_read_the_same_are_the_same() {
        let wait = |millis| say!("after {wait}", wait = Span::from_millis(millis));
        assert_eq!(wait(1500), wait(1501));
        assert_ne!(wait(1500), wait(1600));
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let endpoint = Endpoint {
            address,
            port: None,
        };
        assert_eq!(Text::from(endpoint), Text::from(address));
        assert_eq!(say!("nothing else"), Text::from("nothing else"));
    }

    #[test]
    fn sentences_follow_one_another() {
        let mut text = Text::default();
        text.add("One.");
        text.add(Text::default());
        let text = text.then("Two.").then(say!("{n}.", n = 3_u8));
        assert_eq!(text.to_string(), "One. Two. 3.");
        assert_eq!(list(["a", "b"]).to_string(), "a, b");
        assert_eq!(all_of(["a", "b", "c"]).to_string(), "a, b and c");
        assert_eq!(one_of(["a"]).to_string(), "a");
    }

    #[test]
    fn what_a_catalogue_lacks_is_told_and_said_in_english() {
        let text = say!("no catalogue has {this}", this = "nor this").then("nor that");
        let lacking = Language::Chinese.lacks(&text);
        assert!(lacking.contains(&"nor this") && lacking.contains(&"nor that"));
        assert!(
            Language::Chinese
                .say(&text)
                .contains("no catalogue has nor this")
        );
        assert!(Language::English.lacks(&text).is_empty());
    }
}
