//! A second tap at the same place makes no difference to what is told of a tunnel.

use crate::run;
use crate::variants::{alarms, said};
use std::path::Path;

#[test]
fn a_capture_that_is_given_twice_says_the_same() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("twice");
    std::fs::create_dir_all(&root).unwrap();
    let (mut tried, mut wrong) = (0, Vec::new());
    // A folder is a rotated set, which is no file to be copied.
    for case in run::cases()
        .into_iter()
        .filter(|case| case.capture.is_file())
    {
        let copy = root.join(case.capture.file_name().unwrap());
        std::fs::copy(&case.capture, &copy).unwrap();
        let paths = [case.capture.clone(), copy];
        for ring in case.rings() {
            let [once, twice] = [&paths[..1], &paths].map(|paths| alarms(&said(paths, &ring)));
            if once != twice {
                wrong.push(format!(
                    "{}:\n  once  {once:?}\n  twice {twice:?}",
                    case.name()
                ));
            }
            tried += 1;
        }
        std::fs::remove_file(&paths[1]).unwrap();
    }
    assert!(tried > 400, "{tried} were tried");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
