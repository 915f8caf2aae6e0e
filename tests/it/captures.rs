//! A capture dropped in `captures/` is a test: its report is held against `expected.txt` beside it.
//!
//! `ESPIAL_BLESS=1 cargo test captures` writes the files anew; read the difference before you commit.

use crate::run::{root, shipped, stdout};

#[test]
fn every_capture_gets_its_expected_report() {
    let captures = shipped();
    assert!(
        captures.len() >= 4,
        "only {} captures found",
        captures.len()
    );
    let mut wrong = Vec::new();
    for capture in &captures {
        let given = capture
            .strip_prefix(root())
            .expect("captures lie in the package");
        let report = stdout(["diagnose".as_ref(), given.as_os_str()]);
        let expected = capture.with_file_name("expected.txt");
        if std::env::var_os("ESPIAL_BLESS").is_some() {
            std::fs::write(&expected, &report).expect("expected.txt can be written");
        }
        let want = std::fs::read_to_string(&expected).unwrap_or_default();
        if report != want {
            wrong.push(format!(
                "{}\n--- expected\n{want}--- got\n{report}",
                given.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
