//! Catalogues: what other languages say for each English sentence.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What stands between the context of a key and its sentence, as gettext has it in its own files.
pub(super) const CONTEXT: char = '\u{4}';

/// The sentences of a language by the English ones.
pub(super) struct Catalogue(BTreeMap<String, String>);

impl Catalogue {
    /// Reads a catalogue in the PO format of GNU gettext. Entries without a translation, and those
    /// marked as fuzzy, count as missing, as they do there.
    fn read(po: &str) -> Self {
        // The catalogues are part of this program, and a test reads them: damage shows there.
        let Ok(catalog) = polib::po_file::parse_from_reader(po.as_bytes()) else {
            return Self(BTreeMap::new());
        };
        let messages = catalog.messages();
        let told = messages.filter(|message| message.is_translated() && !message.is_fuzzy());
        let sentences = told.filter_map(|message| {
            let key = match message.msgctxt() {
                Some(context) => format!("{context}{CONTEXT}{}", message.msgid()),
                None => message.msgid().to_owned(),
            };
            Some((key, message.msgstr().ok()?.to_owned()))
        });
        Self(sentences.collect())
    }

    /// What it says for an English sentence.
    pub(super) fn get(&self, english: &str) -> Option<&str> {
        self.0.get(english).map(String::as_str)
    }

    /// What stands between two sentences. Chinese has nothing there.
    pub(super) fn gap(&self) -> &'static str {
        ""
    }

    /// The English sentences it knows.
    pub(super) fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// Chinese.
pub(super) fn chinese() -> &'static Catalogue {
    static CHINESE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(include_str!("zh.po")));
    &CHINESE
}
