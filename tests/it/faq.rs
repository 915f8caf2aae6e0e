//! `docs/faq.md` is what `espial explain --faq` prints.

use crate::run::{root, stdout};

#[test]
fn the_page_of_questions_is_what_the_program_says() {
    let page = root().join("docs/faq.md");
    let told = stdout(["explain", "--faq"]);
    if std::env::var_os("ESPIAL_BLESS").is_some() {
        std::fs::write(&page, &told).expect("docs/faq.md can be written");
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        told == written,
        "ESPIAL_BLESS=1 cargo test faq writes docs/faq.md anew"
    );
}
