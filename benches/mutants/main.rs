//! Mutants: the program with one small thing changed, which tests should notice. All mutants of a folder are put
//! into one copy of the program, each behind a switch, so that it is built once and asked thousands of times.
//!
//!     cargo bench --bench mutants -- src/diagnose
//!
//! Asked are the tests of its own module; of what survives, what is told of stories, edges and captures (`told.rs`);
//! then the tests of its part of the program, and the laws over all members. Written are those that survive and, last, how many of each file were caught. The copy is
//! `target/mutants`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "what is wrong here is a mistake of the measurement"
)]

mod place;

use place::{Mutant, place};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

/// Tests of the whole program that hold laws over all members.
const LAWS: [&str; 3] = ["fuzz::", "laws::", "round_trip::"];

/// Seconds after which tests of a part never end.
const SOON: u32 = 60;

/// The same of laws.
const LATE: u32 = 300;

fn main() {
    // Cargo says that it is a bench.
    let words = std::env::args().skip(1).filter(|word| word != "--bench");
    let folders: Vec<String> = words.collect();
    if folders.is_empty() {
        println!("nothing to do: name a folder of the sources, as in `-- src/diagnose`");
        return;
    }
    let copy = Copy::new();
    let mutants = copy.with_mutants(&folders);
    eprintln!("{} mutants compile", mutants.len());
    let tests = copy.built(&["test", "--no-run", "--lib"]);
    let laws = copy.built(&["test", "--no-run", "--test", "it"]);
    let told = copy.built(&["build", "--example", "told"]);
    let numbers = |left: &[&Mutant]| left.iter().map(|mutant| mutant.number).collect::<Vec<_>>();
    // The quickest to ask come first.
    let left = copy.untested(mutants.iter().collect(), SOON, |mutant| {
        (&tests, vec![module(&mutant.file)])
    });
    eprintln!("{} survive the tests of their own module", left.len());
    let untold = copy.untold(&told, numbers(&left));
    let left = mutants
        .iter()
        .filter(|mutant| untold.contains(&mutant.number));
    let left = left.collect::<Vec<_>>();
    eprintln!("{} survive what is told", left.len());
    let left = copy.untested(left, SOON, |mutant| (&tests, vec![part(&mutant.file)]));
    eprintln!("{} survive the tests of their part", left.len());
    let left = copy.untested(left, LATE, |_| (&laws, LAWS.map(String::from).into()));
    write(&mutants, &numbers(&left).into_iter().collect());
}

/// The program with all mutants.
struct Copy {
    tree: PathBuf,
    /// How many programs run at once.
    workers: usize,
}

impl Copy {
    fn new() -> Self {
        let tree = root().join("target/mutants");
        fs::create_dir_all(&tree).expect("target/ can be written");
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let copy = Self { tree, workers };
        for part in [
            "src",
            "tests",
            "captures",
            "examples",
            "benches",
            "fuzz/corpus",
        ] {
            let _ = fs::remove_dir_all(copy.tree.join(part));
            let from = root().join(part);
            copied(&from, &copy.tree.join(part));
        }
        for part in ["Cargo.lock", "Cargo.toml", "README.md"] {
            let from = root().join(part);
            fs::copy(from, copy.tree.join(part)).expect("it can be copied");
        }
        let manifest = fs::read_to_string(copy.tree.join("Cargo.toml")).expect("it was copied");
        // What is forbidden to the program is not forbidden to its mutants.
        let lints = manifest.find("[lints.rust]").expect("it has lints");
        let profiles = manifest.find("[profile.release]").expect("it has profiles");
        let lax = format!("{}{}", &manifest[..lints], &manifest[profiles..]);
        fs::write(copy.tree.join("Cargo.toml"), lax).expect("it can be written");
        let library = copy.tree.join("src/lib.rs");
        let mut text = fs::read_to_string(&library).expect("it was copied");
        text.push_str("\n#[cfg(feature = \"std\")]\npub mod mutants;\n");
        fs::write(library, text).expect("it can be written");
        let here = root().join("benches/mutants");
        for (from, to) in [
            ("switches.rs", "src/mutants.rs"),
            ("told.rs", "examples/told.rs"),
        ] {
            fs::copy(here.join(from), copy.tree.join(to)).expect("it can be copied");
        }
        copy
    }

    fn cargo(&self, words: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.args(words).current_dir(&self.tree);
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo.env_remove("CARGO_TARGET_DIR");
        cargo
    }

    /// Puts mutants in until all that are there compile.
    fn with_mutants(&self, folders: &[String]) -> Vec<Mutant> {
        let root = root();
        let mut sources = Vec::new();
        for folder in folders {
            listed(&root.join(folder), &mut sources);
        }
        sources.retain(|path| !path.ends_with("testing.rs") && !path.ends_with("tests.rs"));
        let mut bad = HashSet::new();
        loop {
            let mut mutants: Vec<Mutant> = Vec::new();
            let mut next = 1;
            for path in &sources {
                let name = path.strip_prefix(root).expect("it lies in the program");
                let source = fs::read_to_string(path).expect("it can be read");
                let (text, placed, after) = place(&name.display().to_string(), &source, next, &bad);
                fs::write(self.tree.join(name), text).expect("it can be written");
                mutants.extend(placed);
                next = after;
            }
            let check = ["check", "--quiet", "--lib", "--message-format=short"];
            let checked = self.cargo(&check).output().expect("cargo runs");
            if checked.status.success() {
                return mutants;
            }
            let complaints = String::from_utf8_lossy(&checked.stderr).into_owned();
            let worse = self.blamed(&complaints);
            assert!(
                !worse.is_subset(&bad),
                "no mutant is to blame:\n{complaints}"
            );
            bad.extend(worse);
        }
    }

    /// The mutants in lines that the compiler complains of, `FILE:LINE:COLUMN: error…`.
    fn blamed(&self, complaints: &str) -> HashSet<u32> {
        let mut sources: HashMap<&str, Vec<String>> = HashMap::new();
        let mut blamed = HashSet::new();
        for complaint in complaints.lines().filter(|line| line.contains(": error")) {
            let mut place = complaint.split(':');
            let (Some(file), Some(Ok(line))) =
                (place.next(), place.next().map(str::parse::<usize>))
            else {
                continue;
            };
            let lines = sources.entry(file).or_insert_with(|| {
                let text = fs::read_to_string(self.tree.join(file)).unwrap_or_default();
                text.lines().map(String::from).collect()
            });
            let marks = lines
                .get(line - 1)
                .into_iter()
                .flat_map(|line| line.split("/*M").skip(1));
            blamed.extend(marks.filter_map(|mark| mark.split("*/").next()?.parse::<u32>().ok()));
        }
        blamed
    }

    /// Builds, and says where the program is.
    fn built(&self, what: &[&str]) -> PathBuf {
        let words = [what, &["--message-format=json"]].concat();
        let built = self.cargo(&words).output().expect("cargo runs");
        let complaints = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{complaints}");
        let told = String::from_utf8_lossy(&built.stdout).into_owned();
        let program = told.lines().filter_map(|line| {
            let artifact: serde_json::Value = serde_json::from_str(line).ok()?;
            artifact["executable"].as_str().map(PathBuf::from)
        });
        { program }.next_back().expect("cargo says what it built")
    }

    /// Those of which the program tells the same.
    fn untold(&self, told: &Path, mutants: Vec<u32>) -> HashSet<u32> {
        let shares = (0..self.workers).map(|worker| {
            mutants
                .iter()
                .copied()
                .skip(worker)
                .step_by(self.workers)
                .collect()
        });
        let shares: Vec<Vec<u32>> = shares.collect();
        thread::scope(|scope| {
            let ask = |share| scope.spawn(move || self.untold_of(told, share));
            let asked: Vec<_> = shares.into_iter().map(ask).collect();
            let left = asked
                .into_iter()
                .flat_map(|asked| asked.join().expect("it does not panic"));
            left.collect()
        })
    }

    fn untold_of(&self, told: &Path, mut share: Vec<u32>) -> Vec<u32> {
        let mut left = Vec::new();
        // One that never ends ends the program: it is started again for the rest.
        while !share.is_empty() {
            let mut asking = Command::new(told);
            asking.current_dir(&self.tree).env("RAYON_NUM_THREADS", "1");
            let mut asked = asking
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("it was built");
            let lines: String = share.iter().map(|mutant| format!("{mutant}\n")).collect();
            let mut input = asked.stdin.take().expect("it is piped");
            let feeding = thread::spawn(move || input.write_all(lines.as_bytes()));
            let answers = asked.wait_with_output().expect("it ends");
            let _ = feeding.join();
            let status = answers.status;
            let answers = String::from_utf8_lossy(&answers.stdout).into_owned();
            let mut done = HashSet::new();
            for answer in answers.lines() {
                let (mutant, what) = answer.split_once(' ').expect("number and answer");
                let mutant = mutant.parse().expect("a number");
                done.insert(mutant);
                if what.starts_with("survives") {
                    left.push(mutant);
                }
            }
            share.retain(|mutant| !done.contains(mutant));
            // What ends the program without a word, as an overflow of the stack does, is caught.
            if !status.success() && status.code() != Some(7) && !share.is_empty() {
                share.remove(0);
            }
        }
        left
    }

    /// Those that tests do not notice within so many seconds: the program that has them, and which of them are asked.
    fn untested<'m, 'p>(
        &self,
        mutants: Vec<&'m Mutant>,
        patience: u32,
        tests: impl Fn(&Mutant) -> (&'p Path, Vec<String>) + Sync,
    ) -> Vec<&'m Mutant> {
        if let Some(first) = mutants.first() {
            let passes = self.passes(0, patience, tests(first));
            assert!(passes, "the tests fail without a mutant");
        }
        let todo = Mutex::new(mutants.into_iter());
        let next = || todo.lock().expect("nobody panics").next();
        thread::scope(|scope| {
            let work = || {
                let mut survive = Vec::new();
                while let Some(mutant) = next() {
                    if self.passes(mutant.number, patience, tests(mutant)) {
                        survive.push(mutant);
                    }
                }
                survive
            };
            let workers: Vec<_> = (0..self.workers).map(|_| scope.spawn(work)).collect();
            let left = workers
                .into_iter()
                .flat_map(|worker| worker.join().expect("nobody panics"));
            left.collect()
        })
    }

    /// Whether tests pass with a mutant, or without for number 0.
    fn passes(&self, mutant: u32, patience: u32, (program, filters): (&Path, Vec<String>)) -> bool {
        let mut test = Command::new("timeout");
        test.arg(patience.to_string()).arg(program).args(filters);
        test.current_dir(&self.tree)
            .env("CARGO_MANIFEST_DIR", &self.tree)
            .env("MUTANT", mutant.to_string());
        let test = test.stdout(Stdio::null()).stderr(Stdio::null()).status();
        test.expect("it was built").success()
    }
}

/// The folder of the package.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `src/diagnose/facts/mod.rs` holds `diagnose::facts::`.
fn module(file: &str) -> String {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.trim_end_matches("/mod");
    format!("{}::", path.replace('/', "::"))
}

/// `src/census/flow/mod.rs` is of `census::`.
fn part(file: &str) -> String {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    let part = path.split('/').next().unwrap_or(path);
    format!("{part}::")
}

fn listed(path: &Path, files: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        files.extend((path.extension().is_some_and(|end| end == "rs")).then(|| path.into()));
        return;
    }
    let entries = fs::read_dir(path).expect("it can be listed");
    let mut entries: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    entries.sort();
    for entry in &entries {
        listed(entry, files);
    }
}

fn copied(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).expect("it can be copied");
        return;
    }
    fs::create_dir_all(to).expect("target/ can be written");
    for entry in fs::read_dir(from).expect("it can be listed") {
        let name = entry.expect("it can be listed").file_name();
        copied(&from.join(&name), &to.join(&name));
    }
}

/// The survivors, and of each file how many were caught.
fn write(mutants: &[Mutant], left: &HashSet<u32>) {
    let mut files: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for mutant in mutants {
        let Mutant {
            number,
            file,
            line,
            function,
            was,
            becomes,
        } = mutant;
        let (caught, all) = files.entry(file).or_default();
        *all += 1;
        if left.contains(number) {
            println!("{file}:{line} {function}: {was} → {becomes}");
        } else {
            *caught += 1;
        }
    }
    for (file, (caught, all)) in files {
        println!("{caught} of {all} {file}");
    }
    let (all, left) = (mutants.len(), left.len());
    let percent = 100.0 * (all - left) as f64 / all as f64;
    println!("{} of {all} mutants are caught, {percent:.1} %", all - left);
}
