//! Runs the program as a user does.

use espial::keys::{self, KeyRing};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

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

/// A folder of `captures/`: one story, recorded.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) folder: PathBuf,
    /// A file of any format that is read, or a folder of them: a rotated set.
    pub(crate) capture: PathBuf,
    /// The same time, recorded at the other gateway.
    pub(crate) capture_b: Option<PathBuf>,
    /// What the daemons logged about the keys.
    pub(crate) keys: Option<PathBuf>,
}

impl Case {
    /// Reads a folder by what it must hold: one thing whose name is `capture` before its first dot.
    pub(crate) fn of(folder: PathBuf) -> Self {
        let mut captures = named(&folder, "capture");
        assert!(
            captures.len() == 1,
            "{}: a case has one capture, not {captures:?}",
            folder.display()
        );
        let mut others = named(&folder, "capture_b");
        assert!(others.len() < 2, "one capture_b at most, not {others:?}");
        Self {
            capture: captures.remove(0),
            capture_b: others.pop(),
            keys: Some(folder.join("keys")).filter(|keys| keys.is_dir()),
            folder,
        }
    }

    pub(crate) fn name(&self) -> &str {
        let name = self.folder.file_name().and_then(|name| name.to_str());
        name.expect("names in captures/ are UTF-8")
    }

    /// What it is read with in turn: no keys, and those that it has.
    pub(crate) fn rings(&self) -> Vec<Arc<KeyRing>> {
        let load = |keys| keys::load(std::slice::from_ref(keys)).expect("keys can be read");
        let keyed = self.keys.as_ref().map(|keys| Arc::new(load(keys).0));
        [Arc::default()].into_iter().chain(keyed).collect()
    }
}

/// The entries of a folder whose name is this before its first dot.
fn named(folder: &Path, stem: &str) -> Vec<PathBuf> {
    let is = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.split('.').next()) == Some(stem)
    };
    entries(folder)
        .into_iter()
        .filter(|path| is(path))
        .collect()
}

/// What lies in a folder, sorted.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    found.sort();
    found
}

/// The cases that the project ships, sorted: every folder of `captures/` but the lab's.
pub(crate) fn cases() -> Vec<Case> {
    let folders = entries(&root().join("captures")).into_iter();
    folders
        .filter(|path| path.is_dir() && !path.ends_with("lab"))
        .map(Case::of)
        .collect()
}

/// The captures that the project ships, sorted.
pub(crate) fn shipped() -> Vec<PathBuf> {
    cases().into_iter().map(|case| case.capture).collect()
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

/// The most memory that a run of espial had while it ran, in MiB, where the system tells.
///
/// Who spawns it goes on a moment before it has memory of its own: until it bears its name what is told is that of the
/// tests.
pub(crate) fn peak_of(process: u32) -> Option<u64> {
    let status = format!("/proc/{process}/status");
    let mut peak = None;
    loop {
        let told = fs::read_to_string(&status).ok()?;
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let Some(line) = line else { return peak };
        if told.starts_with("Name:\tespial\n") {
            let kibi = line.split_whitespace().next()?.parse::<u64>().ok()?;
            peak = peak.max(Some(kibi / 1024));
        }
        thread::sleep(Duration::from_millis(2));
    }
}
