//! Reads key files and folders of them: the one place in this module that names the file system.

use super::KeyRing;
use super::format;
use super::problem::Problem;
use crate::crypto::Secret;
use crate::limits::{KEY_FILE_OCTETS, KEY_FILES, KEY_FOLDERS};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why keys that were named could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Its path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file that was named is of no format that is known.
    #[error("{path}: not a key file; expected one of: {}", known())]
    Unknown {
        /// Its path.
        path: String,
    },
    /// A capture was named as a key file.
    #[error("{path}: a capture, not a key file")]
    Capture {
        /// Its path.
        path: String,
    },
    /// A file that was named is compressed. Captures alone are unpacked.
    #[error("{path}: compressed; a key file is read unpacked")]
    Compressed {
        /// Its path.
        path: String,
    },
    /// There are more files than are read.
    #[error("{path}: more than {KEY_FILES} key files")]
    TooMany {
        /// The path that was one too many.
        path: String,
    },
}

fn known() -> String {
    let known: Vec<&str> = format::KEY_FORMATS
        .iter()
        .map(|format| format.about)
        .collect();
    known.join("; ")
}

/// Reads key files and folders, in the order given; the files of a folder in that of their names.
///
/// Keys told twice are folded. What of the files could not be used is told as problems. In a folder
/// that goes for whole files too: captures and what no format knows are passed over with a word.
///
/// # Errors
///
/// A path that was named but cannot be read, or is no key file.
pub fn load(paths: &[PathBuf]) -> Result<(KeyRing, Vec<Problem>), LoadError> {
    let mut loader = Loader::default();
    for path in paths {
        let about = fs::metadata(path).map_err(|source| io_error(path, source))?;
        if about.is_dir() {
            loader.folder(path, 0)?;
        } else if let Some(problem) = loader.file(path)? {
            loader.problems.push(problem);
        }
    }
    loader.ring.fold();
    Ok((loader.ring, loader.problems))
}

fn io_error(path: &Path, source: io::Error) -> LoadError {
    LoadError::Io {
        path: path.display().to_string(),
        source,
    }
}

#[derive(Default)]
struct Loader {
    ring: KeyRing,
    problems: Vec<Problem>,
    files: usize,
}

impl Loader {
    fn folder(&mut self, path: &Path, depth: usize) -> Result<(), LoadError> {
        if depth > KEY_FOLDERS {
            self.pass_over(
                path,
                format!("passed over: more than {KEY_FOLDERS} folders deep"),
            );
            return Ok(());
        }
        let listed: io::Result<Vec<PathBuf>> = fs::read_dir(path).and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect()
        });
        let mut members = listed.map_err(|source| io_error(path, source))?;
        members.sort();
        for member in members {
            let outcome = match fs::metadata(&member) {
                Ok(about) if about.is_dir() => self.folder(&member, depth + 1).map(|()| None),
                Ok(_) => self.file(&member),
                Err(source) => Err(io_error(&member, source)),
            };
            match outcome {
                Ok(problem) => self.problems.extend(problem),
                Err(error @ LoadError::TooMany { .. }) => return Err(error),
                Err(LoadError::Capture { .. }) => self.pass_over(&member, "a capture, passed over"),
                Err(LoadError::Compressed { .. }) => {
                    self.pass_over(&member, "compressed, passed over")
                }
                Err(LoadError::Unknown { .. }) => {
                    self.pass_over(&member, "not a key file, passed over");
                }
                Err(LoadError::Io { source, .. }) => {
                    self.pass_over(&member, format!("passed over: {source}"));
                }
            }
        }
        Ok(())
    }

    /// Reads one file; says so if it holds no keys.
    fn file(&mut self, path: &Path) -> Result<Option<Problem>, LoadError> {
        let name = path.display().to_string();
        self.files += 1;
        if self.files > KEY_FILES {
            return Err(LoadError::TooMany { path: name });
        }
        let octets = read(path).map_err(|source| io_error(path, source))?;
        if is_capture(octets.expose()) {
            return Err(LoadError::Capture { path: name });
        }
        if is_compressed(octets.expose()) {
            return Err(LoadError::Compressed { path: name });
        }
        let before = self.ring.len();
        let problems = match format::read(octets.expose(), &name, &mut self.ring) {
            Some(problems) => problems,
            None if octets.expose().iter().all(u8::is_ascii_whitespace) => Vec::new(),
            None => return Err(LoadError::Unknown { path: name }),
        };
        self.problems.extend(problems);
        Ok((self.ring.len() == before).then(|| Problem {
            file: name,
            line: None,
            what: "no keys in it".to_owned(),
        }))
    }

    fn pass_over(&mut self, path: &Path, what: impl Into<String>) {
        self.problems.push(Problem {
            file: path.display().to_string(),
            line: None,
            what: what.into(),
        });
    }
}

/// The whole of a file or pipe, wiped when it goes.
fn read(path: &Path) -> io::Result<Secret> {
    let file = File::open(path)?;
    // Room for all of it, so that no copy of a key is left behind by growing.
    let room = file.metadata()?.len().min(KEY_FILE_OCTETS) + 1;
    let mut octets = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
    file.take(KEY_FILE_OCTETS + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > KEY_FILE_OCTETS {
        return Err(io::Error::other(format!(
            "more than {} MiB",
            KEY_FILE_OCTETS >> 20
        )));
    }
    Ok(Secret::new(octets))
}

/// Whether the head is that of a capture (pcap in both byte orders and resolutions, pcapng, snoop).
fn is_capture(octets: &[u8]) -> bool {
    const HEADS: [&[u8]; 8] = [
        b"\xa1\xb2\xc3\xd4",
        b"\xd4\xc3\xb2\xa1",
        b"\xa1\xb2\x3c\x4d",
        b"\x4d\x3c\xb2\xa1",
        b"\xa1\xb2\xcd\x34",
        b"\x0a\x0d\x0d\x0a",
        b"snoop\0\0\0",
        b"\x34\xcd\xb2\xa1",
    ];
    HEADS.iter().any(|head| octets.starts_with(head))
}

/// Whether the head is that of a compressed file (gzip, zstd, xz, bzip2), whatever is in it.
fn is_compressed(octets: &[u8]) -> bool {
    const HEADS: [&[u8]; 4] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh"];
    HEADS.iter().any(|head| octets.starts_with(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is gone when it is dropped.
    struct Folder(PathBuf);

    impl std::ops::Deref for Folder {
        type Target = PathBuf;

        fn deref(&self) -> &PathBuf {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A folder of its own for a test, empty.
    fn folder(name: &str) -> Folder {
        let folder =
            std::env::temp_dir().join(format!("espial-keys-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    const TABLE: &str = "0123456789abcdef,00112233445566778899aabbccddeeff\n";

    fn told(problems: &[Problem], folder: &Path) -> Vec<String> {
        let prefix = format!("{}/", folder.display());
        let told = problems.iter();
        told.map(|problem| problem.to_string().replace(&prefix, ""))
            .collect()
    }

    #[test]
    fn a_folder_is_read_and_what_is_not_keys_is_passed_over_with_a_word() {
        let folder = folder("mixed");
        fs::create_dir(folder.join("inner")).unwrap();
        fs::write(folder.join("a"), TABLE).unwrap();
        fs::write(folder.join("inner/b"), TABLE).unwrap();
        fs::write(folder.join("c.pcap"), b"\xd4\xc3\xb2\xa1more").unwrap();
        fs::write(folder.join("d.txt"), "words").unwrap();
        fs::write(folder.join("d.gz"), b"\x1f\x8b\x08\0").unwrap();
        fs::write(folder.join("e"), "\n").unwrap();
        let (ring, problems) = load(std::slice::from_ref(&*folder)).unwrap();
        assert_eq!(ring.ikev1.len(), 1, "told twice, kept once");
        assert!(ring.ikev1[0].origin.file.ends_with("/a"));
        assert_eq!(
            told(&problems, &folder),
            [
                "c.pcap: a capture, passed over",
                "d.gz: compressed, passed over",
                "d.txt: not a key file, passed over",
                "e: no keys in it",
            ]
        );
    }

    #[test]
    fn a_file_that_was_named_must_be_a_key_file() {
        let folder = folder("named");
        let path = |name: &str| vec![folder.join(name)];
        fs::write(folder.join("words"), "words").unwrap();
        fs::write(folder.join("capture"), b"\x0a\x0d\x0d\x0a").unwrap();
        assert!(matches!(load(&path("no")), Err(LoadError::Io { .. })));
        assert!(matches!(
            load(&path("words")),
            Err(LoadError::Unknown { .. })
        ));
        assert!(matches!(
            load(&path("capture")),
            Err(LoadError::Capture { .. })
        ));
        for head in [&b"\x1f\x8b\x08"[..], b"\x28\xb5\x2f\xfd"] {
            fs::write(folder.join("log.gz"), head).unwrap();
            let error = load(&path("log.gz")).unwrap_err();
            assert!(matches!(error, LoadError::Compressed { .. }), "{error}");
        }
    }
}
