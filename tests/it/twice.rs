//! A second tap at the same place makes no difference to what is told of a tunnel.

use crate::run;
use crate::variants::{said, serious, words};
use espial::keys;
use std::path::Path;
use std::sync::Arc;

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
        let keyed = case
            .keys
            .iter()
            .map(|keys| Arc::new(keys::load(std::slice::from_ref(keys)).unwrap().0));
        for ring in [Arc::default()].into_iter().chain(keyed) {
            let [once, twice] = [&paths[..1], &paths].map(|paths| {
                let analysis = said(paths, &ring);
                words(&serious(&analysis).cloned().collect::<Vec<_>>())
            });
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
