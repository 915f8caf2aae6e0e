//! Faults outside: full disks, closed pipes, files that change, signals. No half file stands where a
//! whole one is expected, nothing is said that is not so, and the exit code tells.

use crate::floods::{self, A, B};
use crate::run::{peak_of, root};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// A folder of its own for each test, empty at first.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("outside-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A capture of so many packets of ESP, 114 octets each.
fn capture(packets: u32) -> Vec<u8> {
    let esp = |number: u32| {
        let head = [7_u32.to_be_bytes(), number.to_be_bytes()].concat();
        floods::ip(A, B, 50, 0, 0, &[&head[..], &[0x5a; 70]].concat())
    };
    floods::pcap((1..=packets).map(esp))
}

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_espial"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends a process a signal.
#[cfg(unix)]
fn send(signal: &str, to: &Child) {
    let sent = Command::new("kill")
        .args([signal, &to.id().to_string()])
        .status();
    assert!(sent.unwrap().success(), "kill takes {signal}");
}

/// What is said when an interrupt ends the pipe that is read, and not the program.
#[cfg(unix)]
const INTERRUPTED: &str =
    "espial: interrupted: what was read of the pipe counts; another interrupt ends espial\n";

/// Waits until it is said that the pipe is to end.
#[cfg(unix)]
fn wait_until_interrupted(child: &mut Child) {
    let mut said = vec![0; INTERRUPTED.len()];
    child
        .stderr
        .as_mut()
        .unwrap()
        .read_exact(&mut said)
        .unwrap();
    assert_eq!(text(&said), INTERRUPTED);
}

/// Ends a process that reads a pipe by a signal: of interrupts it takes two.
#[cfg(unix)]
fn end_by(signal: &str, child: &mut Child) {
    send(signal, child);
    if signal == "-INT" {
        wait_until_interrupted(child);
        send(signal, child);
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Whether this process, and so those that it starts, was told to take no notice of a signal, as whoever
/// is started in the background is of SIGINT, and by `nohup` of SIGHUP; where the system tells.
fn ignores(signal: &str) -> bool {
    let number = match signal {
        "-HUP" => 1,
        "-INT" => 2,
        "-TERM" => 15,
        // Nobody can ignore that.
        "-KILL" => return false,
        other => panic!("no number for {other}"),
    };
    let told = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = told.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask: u64| mask >> (number - 1) & 1 == 1)
}

#[cfg(unix)]
#[test]
fn whoever_is_ended_amid_its_work_leaves_what_was_there() {
    for signal in ["-INT", "-TERM", "-KILL"] {
        if ignores(signal) {
            eprintln!("skipped: {signal} is ignored here");
            continue;
        }
        let folder = folder(&format!("end{signal}"));
        let target = folder.join("report.json");
        fs::write(&target, "before").unwrap();
        let report = target.to_str().unwrap();
        let mut child = start(&["diagnose", "-f", "json", "-o", report, "-"]);
        let mut stdin = child.stdin.take().unwrap();
        // More than a pipe holds, so that some of it was read when it is written.
        stdin.write_all(&capture(5_000)).unwrap();
        end_by(signal, &mut child);
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(output.status.code(), None, "{signal} ends it");
        assert_eq!(text(&output.stdout), "", "{signal}");
        assert_eq!(fs::read_to_string(&target).unwrap(), "before", "{signal}");
        assert_eq!(names(&folder), ["report.json"], "{signal}");
    }
}

/// As the test before, but what it writes is begun already.
#[cfg(unix)]
#[test]
fn whoever_is_ended_amid_its_writing_takes_away_what_is_half_written() {
    let keys = root().join("captures/auth-failed/keys");
    let commands: [&[&str]; 2] = [
        &["dissect", "-f", "ndjson"],
        &["decrypt", "--keys", keys.to_str().unwrap()],
    ];
    for (command, signal) in commands
        .into_iter()
        .flat_map(|command| ["-HUP", "-INT", "-TERM"].map(|signal| (command, signal)))
    {
        if ignores(signal) {
            eprintln!("skipped: {signal} is ignored here");
            continue;
        }
        let folder = folder(&format!("amid{signal}"));
        let target = folder.join("out");
        fs::write(&target, "before").unwrap();
        let end = ["--chunk-size", "10000", "-o", target.to_str().unwrap(), "-"];
        let mut child = start(&[command, &end].concat());
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&capture(5_000)).unwrap();
        let mut waited = 0;
        while names(&folder).len() < 2 && waited < 3_000 {
            thread::sleep(Duration::from_millis(10));
            waited += 1;
        }
        assert_eq!(names(&folder).len(), 2, "{command:?} is writing");
        end_by(signal, &mut child);
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(output.status.code(), None, "{signal} ends {command:?}");
        assert_eq!(names(&folder), ["out"], "{signal} {command:?}");
        assert_eq!(fs::read_to_string(&target).unwrap(), "before");
    }
}

/// Ctrl-C interrupts whoever writes a pipe and whoever reads it: what was written is reported.
#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_pipe_and_what_was_read_is_reported() {
    if ignores("-INT") {
        eprintln!("skipped: it is ignored here");
        return;
    }
    let folder = folder("interrupted");
    let target = folder.join("out");
    let to = ["-o", target.to_str().unwrap(), "-"];
    for command in [
        &["diagnose", "-f", "json"][..],
        &["dissect", "-f", "ndjson"],
    ] {
        for ends in [true, false] {
            let mut child = start(&[command, &to].concat());
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(&capture(5_000)).unwrap();
            send("-INT", &child);
            wait_until_interrupted(&mut child);
            // Whoever writes ends as well, as tcpdump does, or goes on.
            let open = (!ends).then_some(stdin);
            let output = child.wait_with_output().unwrap();
            drop(open);
            let said = text(&output.stderr);
            let (code, told) = if ends {
                (0, String::new())
            } else {
                let at = capture(5_000).len();
                let end =
                    format!("espial: -: at octet {at}: reading stopped: ended by an interrupt\n");
                (3, end)
            };
            assert_eq!(
                (output.status.code(), said),
                (Some(code), told),
                "{command:?}"
            );
            let written = fs::read_to_string(&target).unwrap();
            match command {
                ["dissect", ..] => assert_eq!(written.lines().count(), 5_000),
                _ => {
                    let json: serde_json::Value = serde_json::from_str(&written).unwrap();
                    assert_eq!(json["inputs"][0]["frames"], 5_000);
                }
            }
            assert_eq!(names(&folder), ["out"], "{command:?}");
            fs::remove_file(&target).unwrap();
        }
    }
}

/// A file that standard input was redirected from is no pipe: nothing that was read is lost with it.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_ends_the_program_where_it_reads_a_file() {
    if ignores("-INT") {
        eprintln!("skipped: it is ignored here");
        return;
    }
    let folder = folder("redirected");
    let path = folder.join("esp.pcap");
    fs::write(&path, capture(10)).unwrap();
    // A pipe that nobody writes, named beside it, keeps it waiting.
    let pipe = folder.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let child = Command::new(env!("CARGO_BIN_EXE_espial"))
        .args(["-", pipe.to_str().unwrap()])
        .stdin(fs::File::open(&path).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writer = fs::File::options().write(true).open(&pipe).unwrap();
    writer.write_all(&capture(1)).unwrap();
    send("-INT", &child);
    let output = child.wait_with_output().unwrap();
    drop(writer);
    assert_eq!(output.status.code(), None, "{}", text(&output.stderr));
}

/// Nothing takes away what a killed process has half written, until the next one writes there: that of
/// one that still lives stays.
#[cfg(unix)]
#[test]
fn what_a_killed_process_has_half_written_goes_with_the_next() {
    let folder = folder("left");
    let target = folder.join("out");
    let (to, esp) = (target.to_str().unwrap(), folder.join("esp.pcap"));
    fs::write(&esp, capture(10)).unwrap();
    let write = ["dissect", "-f", "ndjson", "--chunk-size", "10000", "-o", to];
    let writing = || {
        let before = names(&folder).len();
        let mut child = start(&[&write[..], &["-"]].concat());
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&capture(5_000)).unwrap();
        while names(&folder).len() == before {
            assert_eq!(child.try_wait().unwrap(), None, "it waits for more");
            thread::sleep(Duration::from_millis(10));
        }
        (child, stdin)
    };
    let part = |child: &Child| format!(".out.{}.part", child.id());
    let (mut killed, _open) = writing();
    let (mut lives, stdin) = writing();
    killed.kill().unwrap();
    killed.wait().unwrap();
    // Names that are somebody else's.
    let others = [".out.part", ".out.x.part", ".other.1.part", "out.1.part"];
    for name in others {
        fs::write(folder.join(name), "").unwrap();
    }
    let all = |more: &[String]| {
        let mut all = [&others.map(str::to_owned)[..], more].concat();
        all.push("esp.pcap".to_owned());
        all.sort();
        all
    };
    assert_eq!(names(&folder), all(&[part(&killed), part(&lives)]));

    let next = start(&[&write[..], &[esp.to_str().unwrap()]].concat());
    assert_eq!(next.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(names(&folder), all(&[part(&lives), "out".to_owned()]));
    assert_eq!(fs::read_to_string(&target).unwrap().lines().count(), 10);
    drop(stdin);
    assert_eq!(lives.wait().unwrap().code(), Some(0));
    assert_eq!(names(&folder), all(&["out".to_owned()]));
    assert_eq!(fs::read_to_string(&target).unwrap().lines().count(), 5_000);
}

/// Someone who told it to take no notice of a signal is obeyed: it goes on, and what it writes is
/// whole.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_is_to_be_ignored_ends_nothing() {
    let folder = folder("ignored");
    let target = folder.join("out");
    let script = "trap '' HUP INT; exec \"$0\" \"$@\"";
    let mut child = Command::new("/bin/sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_espial")])
        .args(["dissect", "-f", "ndjson", "--chunk-size", "10000", "-o"])
        .args([target.to_str().unwrap(), "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&capture(5_000)).unwrap();
    for signal in ["-INT", "-HUP"] {
        send(signal, &child);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read_to_string(&target).unwrap().lines().count(), 5_000);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let folder = folder("full");
    let path = folder.join("esp.pcap");
    fs::write(&path, capture(3_000)).unwrap();
    let path = path.to_str().unwrap();
    for command in ["diagnose", "tunnels", "dissect"] {
        let format = if command == "dissect" {
            "ndjson"
        } else {
            "json"
        };
        let to_file = start(&[command, "-f", format, "-o", "/dev/full", path]);
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let to_stdout = Command::new(env!("CARGO_BIN_EXE_espial"))
            .args([command, "-f", format, path])
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        for child in [to_file, to_stdout] {
            let output = child.wait_with_output().unwrap();
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command}: {said}");
            assert!(said.contains("No space left"), "{command}: {said}");
            assert_eq!(said.lines().count(), 1, "{command}: {said}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_takes_no_file_is_told_before_the_work_begins() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("unwritable");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let target = folder.join("report.txt");
    if fs::write(folder.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write anywhere");
    } else {
        // Nothing is read: the pipe stays open.
        let mut child = start(&["-o", target.to_str().unwrap(), "-"]);
        assert_eq!(child.wait().unwrap().code(), Some(2));
    }
    let missing = folder.join("missing/report.txt");
    let mut child = start(&["-o", missing.to_str().unwrap(), "-"]);
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = folder("pipe");
    let path = folder.join("esp.pcap");
    fs::write(&path, capture(20_000)).unwrap();
    let mut child = start(&["dissect", "-f", "ndjson", path.to_str().unwrap()]);
    let mut some = [0; 1000];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut some).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

/// What is said of a file that `change` changed after it was opened and before it was read: it comes
/// after a capture from a pipe, which is still open then.
fn changed(name: &str, change: impl FnOnce(&Path)) -> (Option<i32>, u64, String) {
    let folder = folder(name);
    let path = folder.join("esp.pcap");
    fs::write(&path, capture(1_000)).unwrap();
    let mut child = start(&["diagnose", "-f", "json", "-", path.to_str().unwrap()]);
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds, so that all is opened when it is written.
    stdin.write_all(&capture(5_000)).unwrap();
    change(&path);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let input = &json["inputs"][1];
    let problems = input["problems"].to_string();
    (
        output.status.code(),
        input["frames"].as_u64().unwrap(),
        problems,
    )
}

/// The rest is reported, and the exit code tells.
#[cfg(unix)]
#[test]
fn an_input_that_may_not_be_opened_is_told_beside_the_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("unreadable");
    let [good, bad] = ["good.pcap", "bad.pcap"].map(|name| folder.join(name));
    fs::write(&good, capture(10)).unwrap();
    fs::write(&bad, capture(10)).unwrap();
    fs::set_permissions(&bad, fs::Permissions::from_mode(0o0)).unwrap();
    let why = if fs::File::open(&bad).is_ok() {
        eprintln!("this user may read anything: a broken file instead");
        fs::write(&bad, &capture(1)[..20]).unwrap();
        "the pcap header is broken at offset 20: expected a file header of 24 octets"
    } else {
        "permission denied"
    };
    let [good, bad, folder] = [&good, &bad, &folder].map(|path| path.to_str().unwrap());
    for inputs in [&[good, bad][..], &[folder]] {
        for command in ["diagnose", "tunnels", "dissect"] {
            let child = start(&[&[command][..], inputs].concat());
            let output = child.wait_with_output().unwrap();
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(4), "{command}: {said}");
            assert_eq!(said, format!("espial: {bad}: {why}\n"), "{command}");
            assert!(text(&output.stdout).contains("ESP"), "{command}");
        }
        let child = start(&[&["-f", "json"][..], inputs].concat());
        let output = child.wait_with_output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let [read, refused] = [0, 1].map(|number| &json["inputs"][number]);
        assert_eq!(
            (&read["frames"], &read["problems"]),
            (&10.into(), &serde_json::json!([]))
        );
        let told = refused["problems"][0]["what"].as_str().unwrap();
        assert_eq!(told, format!("nothing of it could be read: {why}"));
    }
    // Where nothing can be read there is nothing to report.
    let output = start(&[bad]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        (String::new(), format!("espial: {bad}: {why}\n"))
    );
}

#[test]
fn an_input_that_is_cut_while_it_waits_is_told_as_cut() {
    let (code, frames, problems) = changed("cut", |path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(24 + 500 * 114 + 50).unwrap();
    });
    assert_eq!((code, frames), (Some(3), 500), "{problems}");
    assert_ne!(problems, "[]");
}

#[test]
fn an_input_that_is_emptied_while_it_waits_is_told() {
    let (code, frames, problems) = changed("emptied", |path| {
        fs::File::create(path).unwrap();
    });
    assert_eq!((code, frames), (Some(3), 0), "{problems}");
    assert_ne!(problems, "[]");
}

#[test]
fn an_input_that_grows_is_read_as_it_was_when_it_was_opened() {
    let (code, frames, problems) = changed("grown", |path| {
        let mut file = fs::File::options().append(true).open(path).unwrap();
        file.write_all(&capture(9)[24..]).unwrap();
    });
    assert_eq!((frames, problems.as_str()), (1_000, "[]"));
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
}

#[cfg(unix)]
#[test]
fn an_input_that_is_removed_is_read_all_the_same() {
    let (code, frames, problems) = changed("removed", |path| fs::remove_file(path).unwrap());
    assert_eq!((frames, problems.as_str()), (1_000, "[]"));
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
}

#[test]
fn a_folder_stands_for_the_captures_in_it_not_for_folders_that_are_called_so() {
    let folder = folder("folders");
    fs::create_dir(folder.join("a.pcap")).unwrap();
    let none = start(&[folder.to_str().unwrap()])
        .wait_with_output()
        .unwrap();
    assert_eq!(none.status.code(), Some(4), "{}", text(&none.stderr));
    fs::write(folder.join("b.pcap"), capture(10)).unwrap();
    let some = start(&["-f", "json", folder.to_str().unwrap()]);
    let some = some.wait_with_output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&some.stdout).unwrap();
    assert_eq!(json["inputs"].as_array().unwrap().len(), 1);
}

/// A pcap file and then zeros without end, in gzip a thousand times smaller.
#[test]
fn what_unpacks_without_end_takes_no_memory() {
    let Ok(mut gzip) = Command::new("gzip")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    else {
        eprintln!("skipped: no gzip here");
        return;
    };
    let mut to = gzip.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        to.write_all(&capture(100)).unwrap();
        let zeros = vec![0; 1 << 20];
        (0..8).for_each(|_| to.write_all(&zeros).unwrap());
    });
    let packed = gzip.wait_with_output().unwrap().stdout;
    feeder.join().unwrap();
    assert!(packed.len() < 64 << 10);
    let path = folder("bomb").join("bomb.pcap.gz");
    fs::write(&path, packed).unwrap();
    let child = start(&["-f", "json", path.to_str().unwrap()]);
    let peak = peak_of(child.id());
    let output = child.wait_with_output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["inputs"][0]["frames"].as_u64().unwrap() >= 100);
    assert!(peak.is_none_or(|mib| mib < 200), "{peak:?} MiB");
}
