//! Goes as an example into the copy of the program that has all mutants: asks what is told of stories, edges
//! and captures with each mutant whose number a line of the standard input is, and writes a line for each:
//! number, `caught` or `survives`, by what.
//!
//! A mutant is only asked of what reaches it, the quickest first. One that never ends counts as caught, and
//! ends the program with exit code 7: who started it goes on with the next.

#[path = "../tests/it/conversations.rs"]
mod conversations;

use conversations::{concluded, filled, report, written};
use espial::mutants;
use espial::report::{Diagnosis, Selection};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What never ends has run for longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something of which the program tells.
enum Of {
    /// A conversation, and all that is told.
    Story(String),
    /// A conversation, and what is found.
    Edge(String),
    /// Captures of taps, and keys.
    Capture(Vec<PathBuf>, Vec<PathBuf>),
}

struct Asked {
    name: String,
    of: Of,
    took: Duration,
    told: String,
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    mutants::turn_on(0);
    let mut all = Vec::new();
    stories(&mut all);
    edges(&mut all);
    captures(&mut all);
    let mut by: HashMap<u32, Vec<usize>> = HashMap::new();
    mutants::reached();
    for (place, asked) in all.iter_mut().enumerate() {
        let began = Instant::now();
        asked.told = tell(&asked.of);
        asked.took = began.elapsed();
        for mutant in mutants::reached() {
            by.entry(mutant).or_default().push(place);
        }
    }
    let watch = Watch::start();
    for line in std::io::stdin().lines() {
        let mutant: u32 = line.unwrap().parse().unwrap();
        let mut reach = by.remove(&mutant).unwrap_or_default();
        reach.sort_by_key(|place| all[*place].took);
        mutants::turn_on(mutant);
        let catches = |asked: &&Asked| watch.over(mutant, || tell(&asked.of)) != asked.told;
        match reach.iter().map(|place| &all[*place]).find(catches) {
            Some(asked) => println!("{mutant} caught {}", asked.name),
            None if reach.is_empty() => println!("{mutant} survives unreached"),
            None => println!("{mutant} survives"),
        }
    }
}

fn tell(of: &Of) -> String {
    let told = std::panic::catch_unwind(|| match of {
        Of::Story(conversation) => report(conversation),
        Of::Edge(conversation) => concluded(conversation),
        Of::Capture(taps, keys) => {
            let options = espial::Options {
                keys: Arc::new(espial::keys::load(keys).unwrap().0),
                ..espial::Options::default()
            };
            let inputs = espial::capture::expand(taps).unwrap();
            let analysis = espial::analyze(inputs, &options).unwrap();
            let (model, findings) = (&analysis.model, &analysis.findings);
            written(&Diagnosis::new(model, findings, &Selection::default()))
        }
    });
    told.unwrap_or_default()
}

fn listed(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn add(all: &mut Vec<Asked>, name: String, of: Of) {
    let (took, told) = (Duration::ZERO, String::new());
    all.push(Asked { name, of, took, told });
}

fn stories(all: &mut Vec<Asked>) {
    for file in listed("tests/it/stories") {
        for story in conversations::stories(&fs::read_to_string(file).unwrap()) {
            add(all, story.name.into(), Of::Story(story.conversation.into()));
        }
    }
}

fn edges(all: &mut Vec<Asked>) {
    for file in listed("tests/it/edges") {
        for table in conversations::tables(&fs::read_to_string(file).unwrap()) {
            for (words, _) in &table.rows {
                let filled = filled(table.conversation, words);
                add(all, format!("{}, {words}", table.name), Of::Edge(filled));
            }
        }
    }
}

fn captures(all: &mut Vec<Asked>) {
    for folder in listed("captures") {
        let found = |stem: &str| {
            let named = |path: &PathBuf| path.file_stem().is_some_and(|name| name == stem);
            folder.is_dir().then(|| listed(&folder).into_iter().find(named)).flatten()
        };
        let Some(alone) = found("capture") else {
            continue;
        };
        let name = folder.display();
        let keys: Vec<PathBuf> = found("keys").into_iter().collect();
        add(all, format!("{name} sealed"), Of::Capture(vec![alone.clone()], vec![]));
        if !keys.is_empty() {
            let of = Of::Capture(vec![alone.clone()], keys.clone());
            add(all, format!("{name} keyed"), of);
        }
        if let Some(other) = found("capture_b") {
            add(all, format!("{name} both"), Of::Capture(vec![alone, other], keys));
        }
    }
}

/// Ends the program where a mutant never ends.
struct Watch {
    start: Instant,
    /// When the one that runs began, in milliseconds since the start, and which it is; 0 if none runs.
    since: Arc<AtomicU64>,
    mutant: Arc<AtomicU32>,
}

impl Watch {
    fn start() -> Self {
        let (since, mutant) = (Arc::default(), Arc::default());
        let start = Instant::now();
        let watch = Self { start, since, mutant };
        let (since, mutant) = (watch.since.clone(), watch.mutant.clone());
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(200));
                let since = Duration::from_millis(since.load(Relaxed));
                if !since.is_zero() && start.elapsed() > since + PATIENCE {
                    println!("{} caught by the clock", mutant.load(Relaxed));
                    std::process::exit(7);
                }
            }
        });
        watch
    }

    fn over<T>(&self, mutant: u32, run: impl FnOnce() -> T) -> T {
        self.mutant.store(mutant, Relaxed);
        let now = self.start.elapsed().as_millis() as u64;
        self.since.store(now.max(1), Relaxed);
        let result = run();
        self.since.store(0, Relaxed);
        result
    }
}
