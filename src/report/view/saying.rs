//! Texts in the language that was asked for, written when they are shown.

use crate::language::{Language, Text};
use serde::{Serialize, Serializer};
use std::fmt;

/// A text in a language. It is made a string when it is shown: of hundreds of thousands of findings a
/// report in text shows a few, and JSON one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Saying<'a> {
    pub(super) text: &'a Text,
    pub(super) language: Language,
}

impl<'a> Saying<'a> {
    /// The text in no language.
    pub fn text(&self) -> &'a Text {
        self.text
    }
}

/// In its language.
impl fmt::Display for Saying<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.language.say(self.text))
    }
}

impl Serialize for Saying<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.language.say(self.text))
    }
}

/// Several texts in a language.
#[derive(Clone, Copy, Debug)]
pub struct Sayings<'a> {
    pub(super) texts: &'a [Text],
    pub(super) language: Language,
}

impl<'a> Sayings<'a> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Saying<'a>> + use<'a> {
        let language = self.language;
        self.texts.iter().map(move |text| Saying { text, language })
    }
}

impl Serialize for Sayings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
