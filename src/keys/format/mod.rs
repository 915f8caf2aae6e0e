//! The formats of key files, each in its file.
//!
//! Like rules, they are plain descriptors in one list. A format takes octets, knows its files by
//! their content, and names no file system.

mod espial;
mod pluto;
mod setkey;
mod strongswan;
mod uat;
mod wireshark;
mod xfrm;

use super::problem::Problem;
use super::{EspKeys, Ikev1Keys, Ikev2Keys, KeyRing, Origin};
use crate::crypto::Secret;
use crate::limits::{KEY_HEAD_OCTETS, KEY_PROBLEMS, KEY_ROWS};

/// Every format, in the order in which they are tried.
pub static KEY_FORMATS: &[&KeyFormat] = &[
    &espial::ESPIAL,
    &wireshark::WIRESHARK,
    &xfrm::XFRM,
    &setkey::SETKEY,
    &strongswan::STRONGSWAN,
    &pluto::PLUTO,
];

/// A format of key files.
pub struct KeyFormat {
    /// Its name, as `espial keys --to` takes it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Whether every line of its files is its own. Where it is not, as in logs, the lines of others
    /// are passed over, and several formats may read one file.
    alone: bool,
    /// Whether the head of a file looks like it.
    recognises: fn(&[u8]) -> bool,
    /// Reads a file.
    read: fn(&[u8], &mut Reader<'_>),
    /// Writes keys; `None` for formats that are only read.
    write: Option<fn(&KeyRing) -> Written>,
}

impl KeyFormat {
    /// Whether the content looks like a file of this format.
    pub fn recognises(&self, octets: &[u8]) -> bool {
        (self.recognises)(octets.get(..KEY_HEAD_OCTETS).unwrap_or(octets))
    }

    /// Reads a file, adds its keys to the ring, and tells what of it could not be used.
    pub fn read(&self, octets: &[u8], file: &str, ring: &mut KeyRing) -> Vec<Problem> {
        let mut reader = Reader {
            file,
            ring,
            problems: Vec::new(),
            untold: 0,
            left_out: 0,
        };
        (self.read)(octets, &mut reader);
        reader.finish()
    }

    /// Writes keys; `None` if the format is only read.
    pub fn write(&self, ring: &KeyRing) -> Option<Written> {
        self.write.map(|write| write(ring))
    }

    /// Whether it can be written.
    pub fn is_written(&self) -> bool {
        self.write.is_some()
    }
}

/// What a format made of keys.
pub struct Written {
    /// Its files: their usual names, and what stands in them. One of them is empty if no key
    /// belongs there.
    pub files: Vec<(&'static str, Secret)>,
    /// Rows that the format has no words for: where each was found, and why it was left out.
    pub left_out: Vec<(Origin, &'static str)>,
}

/// Reads a file with every format that knows it; `None` if none does.
pub fn read(octets: &[u8], file: &str, ring: &mut KeyRing) -> Option<Vec<Problem>> {
    let mut found: Option<Vec<Problem>> = None;
    for format in KEY_FORMATS
        .iter()
        .filter(|format| format.recognises(octets))
    {
        let problems = format.read(octets, file, ring);
        found.get_or_insert_default().extend(problems);
        if format.alone {
            break;
        }
    }
    found
}

/// Where a format puts what it reads.
struct Reader<'r> {
    file: &'r str,
    ring: &'r mut KeyRing,
    problems: Vec<Problem>,
    untold: u64,
    left_out: u64,
}

impl Reader<'_> {
    fn origin(&self, line: u64) -> Origin {
        Origin {
            file: self.file.to_owned(),
            line,
        }
    }

    fn ikev1(&mut self, row: Ikev1Keys) {
        self.left_out += push(&mut self.ring.ikev1, row);
    }

    fn ikev2(&mut self, row: Ikev2Keys) {
        self.left_out += push(&mut self.ring.ikev2, row);
    }

    fn esp(&mut self, row: EspKeys) {
        self.left_out += push(&mut self.ring.esp, row);
    }

    fn problem(&mut self, line: u64, what: impl Into<String>) {
        if self.problems.len() < KEY_PROBLEMS {
            self.problems.push(Problem {
                file: self.file.to_owned(),
                line: Some(line),
                what: what.into(),
            });
        } else {
            self.untold += 1;
        }
    }

    fn finish(mut self) -> Vec<Problem> {
        let whole = |what| Problem {
            file: self.file.to_owned(),
            line: None,
            what,
        };
        let untold = (self.untold > 0).then(|| whole(format!("and {} more", self.untold)));
        let left_out = (self.left_out > 0).then(|| {
            whole(format!(
                "{} keys left out: no more than {KEY_ROWS} of a kind are kept",
                self.left_out
            ))
        });
        self.problems.extend(untold.into_iter().chain(left_out));
        self.problems
    }
}

/// Adds a row if there is room; how many were left out.
fn push<T>(rows: &mut Vec<T>, row: T) -> u64 {
    let room = rows.len() < KEY_ROWS;
    if room {
        rows.push(row);
    }
    u64::from(!room)
}
