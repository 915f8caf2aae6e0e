//! The command line as scripts see it: exit codes, streams, files.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn espial<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_espial"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder of its own for each test, empty at first.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A capture of no frames: the header of a pcap file with Ethernet.
fn empty_capture(folder: &Path) -> PathBuf {
    let path = folder.join("empty.pcap");
    let header: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1];
    fs::write(&path, header.map(u32::to_le_bytes).concat()).unwrap();
    path
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_capture_of_no_frames_is_no_error() {
    let capture = empty_capture(&folder("no-frames"));
    for command in [None, Some("diagnose"), Some("dissect"), Some("tunnels")] {
        let args = command
            .map(OsStr::new)
            .into_iter()
            .chain([capture.as_os_str()]);
        let output = espial(args);
        assert_eq!(code(&output), 0, "{command:?}: {}", stderr(&output));
        assert_eq!(stderr(&output), "", "{command:?}");
    }
    let report = stdout(&espial([&capture]));
    assert!(
        report.starts_with("NO IPSEC  the capture holds no frames"),
        "{report}"
    );
}

#[test]
fn without_a_command_an_input_is_diagnosed() {
    let capture = empty_capture(&folder("no-command"));
    let bare = espial([
        OsStr::new("--format"),
        OsStr::new("json"),
        capture.as_os_str(),
    ]);
    let named = espial(
        ["diagnose", "--format", "json"]
            .map(OsStr::new)
            .into_iter()
            .chain([capture.as_os_str()]),
    );
    assert_eq!(stdout(&bare), stdout(&named));
    let json: serde_json::Value = serde_json::from_str(&stdout(&bare)).unwrap();
    assert_eq!(json["schema"], "espial.diagnosis/1");
    assert_eq!(json["findings"], serde_json::json!([]));
}

#[test]
fn a_filter_that_no_tunnel_fits_is_no_capture_without_ipsec() {
    let capture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/captures/healthy-ikev2-psk/capture.pcapng"
    );
    let tunnels_hidden = |command, filter| {
        let json = stdout(&espial([
            command, "-f", "json", capture, "--tunnel", filter,
        ]));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        json["tunnels_hidden"].as_u64()
    };
    for (command, says) in [
        (
            "diagnose",
            "FILTERED  no tunnel fits the filter; 1 tunnel not shown\n",
        ),
        (
            "tunnels",
            "No tunnel fits the filter; 1 tunnel not shown.\n",
        ),
    ] {
        let output = espial([command, capture, "--tunnel", "99"]);
        assert_eq!(code(&output), 0, "{command}");
        assert!(stdout(&output).starts_with(says), "{}", stdout(&output));
        assert_eq!(stderr(&output), "espial: no tunnel fits --tunnel 99\n");
        let quiet = espial([command, capture, "--tunnel", "99", "-q"]);
        assert_eq!(stdout(&quiet), stdout(&output), "{command}");
        assert_eq!(stderr(&quiet), "", "{command}");
        assert_eq!(tunnels_hidden(command, "99"), Some(1), "{command}");
        assert_eq!(tunnels_hidden(command, "1"), Some(0), "{command}");
    }
    let nothing = empty_capture(&folder("nothing-to-filter"));
    let report = stdout(&espial([nothing.to_str().unwrap(), "--tunnel", "99"]));
    assert!(report.starts_with("NO IPSEC  "), "{report}");
}

#[test]
fn wrong_usage_exits_with_2_and_says_why_in_one_line() {
    let folder = folder("wrong-usage");
    let capture = empty_capture(&folder);
    let capture = capture.to_str().unwrap();
    let missing = folder.join("missing");
    let missing = missing.to_str().unwrap();
    for args in [
        &[missing][..],
        &[capture, "--keys", missing],
        &[capture, "--keys", capture],
        &["keys", missing],
        &["keys", "--table", "esp", folder.to_str().unwrap()],
        &[capture, "--since", "yesterday"],
        &[capture, "--since", "2", "--until", "1"],
        &[capture, "--output", capture],
        &[capture, "--output", folder.to_str().unwrap()],
        &["explain", "no-such-rule"],
        &["schema", "no-such-schema"],
    ] {
        let output = espial(args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert_eq!(stdout(&output), "", "{args:?}");
        let said = stderr(&output);
        assert!(
            said.starts_with("espial: ") && said.lines().count() == 1,
            "{args:?}: {said}"
        );
    }
    for args in [
        &["--no-such-option"][..],
        &[capture, "--threads", "0"],
        &["dissect", "-f", "xml"],
    ] {
        assert_eq!(code(&espial(args)), 2, "{args:?}");
    }
}

#[test]
fn an_output_file_appears_whole_or_not_at_all() {
    let folder = folder("output");
    let capture = empty_capture(&folder);
    let target = folder.join("report.json");
    let run = |input: &Path| {
        let args = [
            input.as_os_str(),
            OsStr::new("-f"),
            OsStr::new("json"),
            OsStr::new("-o"),
        ];
        espial(args.into_iter().chain([target.as_os_str()]))
    };
    fs::write(&target, "before").unwrap();
    assert_eq!(code(&run(&folder.join("missing"))), 2);
    assert_eq!(fs::read_to_string(&target).unwrap(), "before");

    let output = run(&capture);
    assert_eq!((code(&output), stdout(&output).as_str()), (0, ""));
    let written = fs::read_to_string(&target).unwrap();
    assert!(
        serde_json::from_str::<serde_json::Value>(&written).is_ok(),
        "{written}"
    );
    assert_eq!(names(&folder), ["empty.pcap", "report.json"]);
}

#[cfg(unix)]
#[test]
fn an_output_that_is_a_link_or_a_device_stays_one() {
    let folder = folder("output-link");
    let capture = empty_capture(&folder);
    let (target, link) = (folder.join("target"), folder.join("link"));
    fs::write(&target, "before").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for output in [link.as_path(), Path::new("/dev/null")] {
        let args = [capture.as_os_str(), OsStr::new("-o"), output.as_os_str()];
        assert_eq!(code(&espial(args)), 0, "{}", output.display());
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().starts_with("NO IPSEC"));
}

#[test]
fn a_closed_pipe_ends_the_run_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_espial"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""));
}

#[test]
fn files_of_one_name_are_told_apart_and_long_names_leave_room() {
    let folder = folder("two-taps");
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/esp-one-way");
    let report = |names: [&str; 2]| {
        let paths = names.map(|name| folder.join(name));
        for (path, capture) in paths.iter().zip(["capture.pcapng", "capture_b.pcapng"]) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::copy(case.join(capture), path).unwrap();
        }
        stdout(&espial(&paths))
    };
    let alike = report(["be/vpn.pcapng", "pa/vpn.pcapng"]);
    for says in [
        "    frame 54 of be/vpn.pcapng: ",
        "frame 18 of pa/vpn.pcapng)",
        "passed the\n  tap pa/vpn.pcapng in that time",
        "     at be/vpn.pcapng\n",
        "     taps be/vpn.pcapng and pa/vpn.pcapng: the clock of pa/vpn.pcapng is",
    ] {
        assert!(alike.contains(says), "“{says}” is not in\n{alike}");
    }
    let long = report([
        "gateway-of-the-head-office-outside-2026-11-26.pcapng",
        "gateway-in-the-cloud-instance-1-2026-11-26.pcapng",
    ]);
    let evidence = "    frame 16 of gateway-of-the-head-office-outside-2026-11-26.pcapng: the last\n        \
                    packet of the other direction\n";
    assert!(long.contains(evidence), "{long}");
}

#[test]
fn decrypt_tells_of_keys_that_fit_nothing_and_ends_with_its_tally() {
    let folder = folder("wrong-keys");
    let capture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/captures/healthy-ikev2-psk/capture.pcapng"
    );
    let flows = stdout(&espial(["tunnels", "-f", "json", capture]));
    let flows: serde_json::Value = serde_json::from_str(&flows).unwrap();
    let spi = flows["tunnels"][0]["flows"][0]["spi"].as_str().unwrap();
    let keys = folder.join("wrong.toml");
    let table = format!(
        "[[esp]]\nspi = \"{spi}\"\nencryption = \"ENCR_AES_GCM_16\"\nkey_bits = 128\n\
         encryption_key = \"{}\"\nintegrity = \"NONE\"\n",
        "5a".repeat(20)
    );
    fs::write(&keys, table).unwrap();
    // Cut within its last frame, so that there is a problem to tell as well.
    let cut = folder.join("cut.pcapng");
    let octets = fs::read(capture).unwrap();
    fs::write(&cut, &octets[..octets.len() - 10]).unwrap();
    let [keys, cut] = [&keys, &cut].map(|path| path.to_str().unwrap());
    let target = folder.join("clear.pcapng");
    let args = ["decrypt", cut, "-k", keys, "-o", target.to_str().unwrap()];
    let said = stderr(&espial(args));
    let lines: Vec<&str> = said.lines().collect();
    let [problem, wrong, tally] = lines.as_slice() else {
        panic!("{said}");
    };
    assert!(problem.contains("cut.pcapng: at octet"), "{problem}");
    assert!(
        wrong.starts_with(&format!("espial: the key of {keys}:1 (")),
        "{wrong}"
    );
    assert!(
        wrong.contains(&format!("fits none of the ESP packets of SPI {spi} (")),
        "{wrong}"
    );
    assert!(tally.contains(" 0 opened to 0 packets"), "{tally}");
    assert_eq!(stderr(&espial(args.iter().chain(&["-q"]))), "");
    let help = stdout(&espial(["decrypt", "--help"]));
    assert!(
        !help.contains("--format") && !help.contains("--tunnel"),
        "{help}"
    );
    assert!(stdout(&espial(["tunnels", "--help"])).contains("--tunnel"));
}

#[test]
fn packagers_get_completions_a_manual_page_and_schemas() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(
            stdout(&espial(["completions", shell])).contains("espial"),
            "{shell}"
        );
    }
    assert!(stdout(&espial(["man"])).contains(".TH espial 1"));
    let all: serde_json::Value = serde_json::from_str(&stdout(&espial(["schema"]))).unwrap();
    for (name, schema) in all.as_object().unwrap() {
        let one: serde_json::Value =
            serde_json::from_str(&stdout(&espial(["schema", name]))).unwrap();
        assert_eq!(&one, schema, "{name}");
    }
}

#[test]
fn keys_are_taken_and_what_of_them_cannot_be_used_is_told() {
    let folder = folder("keys");
    let (capture, keys) = (empty_capture(&folder), folder.join("keys.txt"));
    fs::write(&keys, "0011223344556677,00ff\n0011223344556677,c0ffe\n").unwrap();
    let args = [
        capture.as_os_str(),
        OsStr::new("-f"),
        OsStr::new("json"),
        OsStr::new("-k"),
    ];
    let output = espial(args.into_iter().chain([keys.as_os_str()]));
    assert_eq!(code(&output), 0);
    let said = stderr(&output);
    assert!(
        said.ends_with("keys.txt:2: field 2: expected an even number of hex digits, not 5\n"),
        "{said}"
    );
}

#[test]
fn colours_are_written_only_when_asked_for_or_on_a_terminal() {
    let capture = empty_capture(&folder("colours"));
    for (when, coloured) in [("auto", false), ("never", false), ("always", true)] {
        let args = [capture.as_os_str(), OsStr::new("--color"), OsStr::new(when)];
        assert_eq!(stdout(&espial(args)).contains('\x1b'), coloured, "{when}");
    }
}
