//! The examples do what their headers say.

use crate::run::{entries, root};
use std::fs;
use std::process::Command;

/// Runs the command that stands in the header of each, and holds what it prints to the text beside it.
#[test]
fn every_example_runs_as_its_header_says() {
    let mut sources = entries(&root().join("examples"));
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert_eq!(sources.len(), 4, "{sources:?}");
    for source in sources {
        let name = source.display();
        let text = fs::read_to_string(&source).unwrap();
        let command = text.lines().find_map(|line| line.strip_prefix("//!     "));
        let command = command.unwrap_or_else(|| panic!("{name} does not say how to run it"));
        let mut shell = Command::new("sh");
        let output = shell.args(["-c", command]).current_dir(root()).output();
        let output = output.expect("there is a shell");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let expected = source.with_extension("txt");
        if std::env::var_os("ESPIAL_BLESS").is_some() {
            fs::write(&expected, &printed).unwrap();
        }
        assert_eq!(printed, fs::read_to_string(&expected).unwrap(), "{name}");
    }
}
