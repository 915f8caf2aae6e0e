//! `docs/faq.md` and its translations are what `espial explain --faq` prints.

use crate::run::{root, stdout};
use espial::language::Language;
use espial::report::faq;

#[test]
fn the_pages_of_questions_are_what_the_program_says() {
    for language in Language::ALL {
        let page = root().join("docs").join(faq::page(language));
        let told = stdout(["explain", "--faq", "--lang", language.tag()]);
        if std::env::var_os("ESPIAL_BLESS").is_some() {
            std::fs::write(&page, &told).expect("the page can be written");
        }
        let written = std::fs::read_to_string(&page).unwrap_or_default();
        assert!(
            told == written,
            "ESPIAL_BLESS=1 cargo test faq writes {} anew",
            page.display()
        );
    }
}
