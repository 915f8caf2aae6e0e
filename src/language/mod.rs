//! What is said to people, and the languages it is said in.
//!
//! A [`Text`] is made where something is found out, in English and in no language yet: a sentence with
//! holes, made by [`say!`](crate::say!), and what fills them. A [`Language`] writes it down. The
//! English sentence in the source is also the key under which the catalogue of another language holds
//! its own ([`zh.po`](https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html) in this
//! folder), so a rule reads as one reads it aloud, and a test finds what a catalogue lacks.

mod catalogue;
mod text;

pub use text::{Text, Verbatim, all_of, clauses, count, list, one_of, parted};

#[doc(hidden)]
pub use text::Sentence;

use catalogue::Catalogue;

/// A language of reports.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Language {
    /// English, as the source has it.
    #[default]
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its tag (BCP 47), as `--lang` takes it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// Its name in itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }

    /// A text in this language. What its catalogue lacks stays English.
    pub fn say(self, text: &Text) -> String {
        let mut said = String::new();
        text.write(self.catalogue(), &mut said);
        said
    }

    /// As [`Language::say`], of a sentence without holes or a word.
    pub fn word(self, word: &'static str) -> &'static str {
        match self.catalogue() {
            Some(catalogue) => catalogue.get(word).unwrap_or(word),
            None => word,
        }
    }

    /// As [`Language::word`], of the head of a column: there a word may need another translation than
    /// in a sentence, and has it under the context `column`.
    pub fn column(self, head: &'static str) -> &'static str {
        let told = self
            .catalogue()
            .and_then(|catalogue| catalogue.get(&format!("column{}{head}", catalogue::CONTEXT)));
        told.unwrap_or(head)
    }

    // What the tests hold each catalogue to.

    /// The sentences and words of a text for which the catalogue has nothing.
    #[doc(hidden)]
    pub fn lacks(self, text: &Text) -> Vec<&'static str> {
        let mut lacking = Vec::new();
        if let Some(catalogue) = self.catalogue() {
            text.keys(&mut |key| {
                if catalogue.get(key).is_none() {
                    lacking.push(key);
                }
            });
        }
        lacking
    }

    /// The keys of its catalogue, in order; English needs none. The context of a key, if it has one,
    /// stands before it with U+0004 between.
    #[doc(hidden)]
    pub fn keys(self) -> Vec<&'static str> {
        self.catalogue().map_or_else(Vec::new, Catalogue::keys)
    }

    fn catalogue(self) -> Option<&'static Catalogue> {
        match self {
            Self::English => None,
            Self::Chinese => Some(catalogue::chinese()),
        }
    }
}
