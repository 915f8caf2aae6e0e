//! Runs the program as a user does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs `espial` with these arguments.
pub(crate) fn espial<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_espial"))
        .args(arguments)
        .env_remove("NO_COLOR")
        .output()
        .expect("the program was built")
}

/// What it wrote to standard output; a run that failed outright is shown.
pub(crate) fn stdout<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let output = espial(arguments);
    let code = output.status.code();
    assert!(
        matches!(code, Some(0 | 1 | 3)),
        "exit {code:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// The captures that the project ships, sorted.
pub(crate) fn shipped() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join("captures"))
        .expect("captures/ is there")
        .map(|entry| {
            entry
                .expect("captures/ can be listed")
                .path()
                .join("capture.pcap")
        })
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found
}

/// The folder of shared test data, if this machine has it; says so if not.
pub(crate) fn shared() -> Option<PathBuf> {
    let path = root().parent()?.join("shared");
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: no ../shared here");
    None
}
