//! Key files of real programs: every row is read, and logs tell what tables tell.

use crate::run::{espial, root, shared, shipped};
use espial::keys::{self, EspKeys, KEY_FORMATS, KeyRing, Problem};
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

fn members(folder: &Path) -> Vec<PathBuf> {
    let mut members: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    members.sort();
    members
}

fn is_table(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.ends_with("_decryption_table") || name.ends_with("esp_sa")
}

/// Reads Wireshark's tables of a folder; every row must be read, without a word.
fn tables(folder: &Path) -> KeyRing {
    let mut ring = KeyRing::default();
    for path in members(folder).iter().filter(|path| is_table(path)) {
        let octets = fs::read(path).unwrap();
        let before = ring.len();
        let problems = keys::read(&octets, "table", &mut ring);
        assert_eq!(problems, Some(Vec::new()), "{}", path.display());
        let lines = String::from_utf8(octets).unwrap();
        let rows = lines
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert!(ring.len() - before >= rows.count(), "{}", path.display());
    }
    ring
}

fn cases(shared: &Path) -> Vec<PathBuf> {
    let folders = members(&shared.join("cases"));
    folders.into_iter().filter(|path| path.is_dir()).collect()
}

fn log(case: &Path) -> (KeyRing, Vec<Problem>) {
    let mut octets = Vec::new();
    let packed = File::open(case.join("logs.gz")).unwrap();
    MultiGzDecoder::new(packed)
        .read_to_end(&mut octets)
        .unwrap();
    let mut ring = KeyRing::default();
    let problems = keys::read(&octets, "log", &mut ring);
    (ring, problems.expect("the log is known as one"))
}

#[test]
fn every_row_of_the_shared_tables_is_read() {
    let Some(shared) = shared() else { return };
    assert!(tables(&shared.join("corpus/keys")).len() > 100);
    for case in cases(&shared) {
        tables(&case.join("keys"));
    }
}

#[test]
fn logs_tell_the_keys_that_the_tables_tell() {
    let Some(shared) = shared() else { return };
    let mut compared = 0;
    for case in cases(&shared) {
        let name = case.file_name().unwrap().to_str().unwrap();
        let (log, problems) = log(&case);
        assert_eq!(problems, [], "{name}");
        let tables = tables(&case.join("keys"));
        for row in &tables.ikev1 {
            let told = log.ikev1.iter().any(|told| {
                let same = told.initiator == row.initiator || told.initiator.is_zero();
                same && told.encryption_key == row.encryption_key
            });
            assert!(told, "{name}: {row:?}");
        }
        for row in &tables.ikev2 {
            let told = log.ikev2.iter().any(|told| {
                told.may_be_of(row.spis)
                    && told.encryption == row.encryption
                    && told.integrity == row.integrity
                    && (&told.sk_ei, &told.sk_er) == (&row.sk_ei, &row.sk_er)
                    && (&told.sk_ai, &told.sk_ar) == (&row.sk_ai, &row.sk_ar)
            });
            assert!(told, "{name}: {row:?}");
        }
        for row in &tables.esp {
            let told = log.esp.iter().any(|told| {
                told.spi == row.spi
                    && told.encryption.map(|is| is.id) == row.encryption.map(|is| is.id)
                    && told.integrity == row.integrity
                    && told.encryption_key == row.encryption_key
                    && told.integrity_key == row.integrity_key
            });
            assert!(told, "{name}: {row:?}");
        }
        compared += tables.len();
    }
    assert!(compared > 100, "only {compared} rows");
}

/// Where both ends of a shipped capture have a log, these must tell the same.
#[test]
fn both_ends_of_a_tunnel_tell_the_same_keys() {
    let mut compared = 0;
    for keys in shipped()
        .iter()
        .map(|capture| capture.with_file_name("keys"))
    {
        // What was made and not recorded has no logs, and who learned no keys wrote none; of different secrets come
        // different keys.
        const LOGS: [&str; 2] = ["cloud.log", "office.log"];
        let differ = keys.display().to_string().contains("psk-mismatch");
        if differ || !LOGS.iter().all(|log| keys.join(log).exists()) {
            continue;
        }
        let [cloud, office] = LOGS.map(|name| {
            let mut ring = KeyRing::default();
            let octets = fs::read(keys.join(name)).unwrap();
            assert_eq!(keys::read(&octets, name, &mut ring), Some(Vec::new()));
            ring
        });
        for row in &cloud.ikev2 {
            let known = !row.spis.initiator.is_zero() && !row.spis.responder.is_zero();
            assert!(known, "{}: {row:?}", keys.display());
            let told = office.ikev2.iter().any(|told| {
                // pluto does not tell SK_d.
                let untold = told.sk_d.is_none() || row.sk_d.is_none();
                // Who rekeys may never say the new SPIs.
                let unnamed = told.spis.initiator.is_zero() && told.spis.responder.is_zero();
                (told.spis == row.spis || unnamed)
                    && (untold || told.sk_d == row.sk_d)
                    && told.sk_ei == row.sk_ei
                    && told.sk_er == row.sk_er
            });
            assert!(told, "{}: {row:?}", keys.display());
        }
        for row in &cloud.ikev1 {
            let told = office.ikev1.iter().any(|told| {
                told.initiator == row.initiator
                    && told.responder == row.responder
                    && told.encryption_key == row.encryption_key
            });
            assert!(told, "{}: {row:?}", keys.display());
        }
        for row in &cloud.esp {
            let told = office.esp.iter().filter(|told| told.spi == row.spi);
            let same = |told: &&EspKeys| {
                told.encryption == row.encryption
                    && told.integrity == row.integrity
                    && told.encryption_key == row.encryption_key
                    && told.integrity_key == row.integrity_key
            };
            // Which of two keys is the right one is known where one end asked for the child SA.
            let (all, fit) = (told.clone().count(), told.filter(same).count());
            let either = cloud
                .esp
                .iter()
                .filter(|other| other.spi == row.spi)
                .count()
                > 1;
            assert!(fit > 0 || all == 0 || either, "{}: {row:?}", keys.display());
            compared += fit;
        }
        compared += cloud.ikev1.len() + cloud.ikev2.len();
    }
    assert!(compared >= 20, "only {compared} rows");
}

/// The seeds of the fuzzer: a file of every format.
fn seed(format: &str) -> PathBuf {
    root().join("fuzz/corpus/keys").join(format)
}

#[test]
fn every_format_knows_its_own_files_and_no_others() {
    for own in KEY_FORMATS {
        let octets = fs::read(seed(own.name)).unwrap();
        for format in KEY_FORMATS {
            let known = format.recognises(&octets);
            assert_eq!(
                known,
                format.name == own.name,
                "{} of {}",
                format.name,
                own.name
            );
        }
        assert!(
            !own.recognises(b"") && !own.recognises(&fs::read(root().join("README.md")).unwrap())
        );
    }
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

#[test]
fn keys_are_listed_without_being_shown() {
    for format in KEY_FORMATS {
        let output = espial(["keys".as_ref(), seed(format.name).as_os_str()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let listed = text(&output.stdout);
        assert!(listed.starts_with("kind "), "{listed}");
        assert!(
            !listed.contains("00010203") && !listed.contains("b0168121"),
            "{listed}"
        );
    }
}

#[test]
fn keys_are_converted_to_every_format_that_is_written() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys-converted");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let run = |args: &[&str]| {
        let seed = seed("strongswan");
        espial(["keys", seed.to_str().unwrap()].iter().chain(args))
    };
    let toml = run(&["--to", "toml"]);
    assert!(text(&toml.stdout).starts_with("[[ikev2]]\ninitiator_spi = \"1111111111111111\"\n"));
    let tables = run(&["--to", "wireshark"]);
    assert!(text(&tables.stdout).starts_with("# ikev2_decryption_table\n1111111111111111,"));
    let one = run(&["--to", "wireshark", "--table", "esp"]);
    assert!(text(&one.stdout).starts_with("\"IPv4\",\"198.51.100.20\","));
    let into = folder.join("tables");
    let into = into.to_str().unwrap();
    assert_eq!(
        run(&["--to", "wireshark", "-o", into]).status.code(),
        Some(0)
    );
    let names: Vec<PathBuf> = members(Path::new(into));
    let names: Vec<&str> = names
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, ["esp_sa", "ikev2_decryption_table"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(Path::new(into).join("esp_sa"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "keys are for their owner");
    }
    let xfrm = run(&["--to", "xfrm"]);
    assert_eq!(xfrm.status.code(), Some(3), "IKE keys cannot be said");
    assert!(text(&xfrm.stderr).contains("left out: the kernel has states for ESP and AH only"));
    assert!(text(&xfrm.stdout).starts_with("src 198.51.100.20 dst 192.0.2.10\n"));
}
