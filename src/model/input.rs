//! What was read, and what could not be.

use crate::capture::Problem;
use crate::units::{Span, Timestamp};
use foldhash::HashMap;
use std::path::is_separator;

/// One input.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Its path as given; `-` for standard input.
    pub path: String,
    /// What it is called beside the others: the shortest end of its path that none of them has.
    pub name: String,
    /// Number of the recording: files of a rotated set share that of their first.
    pub set: u16,
    /// First and last time of the whole set, on the input whose index is the set's number.
    pub recording: Option<(Timestamp, Timestamp)>,
    /// Its format, such as `pcap`, `pcapng`, `snoop`, `pcap (gzip)`; `unknown` if it was refused.
    pub format: String,
    /// Names of its link types, in order of first use.
    pub link_types: Vec<String>,
    /// The largest snapshot length of its interfaces in octets; `None` if none is stated.
    pub snaplen: Option<u32>,
    /// Frames there are.
    pub frames: u64,
    /// Frames outside the window of time that is looked at: what follows tells of the others alone.
    pub frames_outside: u64,
    /// Frames of which the capture kept fewer octets than were on the wire.
    pub frames_cut: u64,
    /// Octets of the (uncompressed) file.
    pub bytes: u64,
    /// What was added to all its times, where its clock is far from that of an input before it which has the same
    /// packets; zero otherwise.
    pub shift: Span,
    /// Earliest time.
    pub first: Option<Timestamp>,
    /// Latest time.
    pub last: Option<Timestamp>,
    /// Packets that the capturing system says it dropped; `None` if it does not say.
    pub dropped: Option<u64>,
    /// Whether nothing of it could be read, for the reason that its problems tell.
    pub refused: bool,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Input {
    /// Names each of all inputs. Those of one path, which nothing tells apart, have all of it.
    pub(crate) fn name_all(inputs: &mut [Self]) {
        let mut unnamed: Vec<&mut Self> = inputs.iter_mut().collect();
        let mut parts = 1;
        while !unnamed.is_empty() {
            let mut namesakes: HashMap<String, usize> = HashMap::default();
            for input in &mut unnamed {
                tail(&input.path, parts).clone_into(&mut input.name);
                *namesakes.entry(input.name.clone()).or_default() += 1;
            }
            let is_alike = |input: &Self| namesakes.get(&input.name).is_some_and(|many| *many > 1);
            unnamed.retain(|input| is_alike(input) && input.name != input.path);
            parts += 1;
        }
    }
}

/// The last parts of a path, so many of them.
fn tail(path: &str, parts: usize) -> &str {
    let mut cuts = path.rmatch_indices(is_separator);
    match cuts.nth(parts.saturating_sub(1)) {
        Some((at, cut)) => path.get(at + cut.len()..).unwrap_or(path),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<String> {
        let input = |path: &&str| Input {
            path: (*path).to_owned(),
            ..Input::default()
        };
        let mut inputs: Vec<Input> = paths.iter().map(input).collect();
        Input::name_all(&mut inputs);
        inputs.into_iter().map(|input| input.name).collect()
    }

    #[test]
    fn an_input_has_the_shortest_name_that_tells_it_apart() {
        assert_eq!(names(&["-"]), ["-"]);
        assert_eq!(names(&["/x/a.pcap", "/x/b.pcap"]), ["a.pcap", "b.pcap"]);
        assert_eq!(
            names(&["/x/be/a.pcap", "/x/pa/a.pcap", "/x/pa/b.pcap"]),
            ["be/a.pcap", "pa/a.pcap", "b.pcap"]
        );
        assert_eq!(
            names(&["/1/x/a.pcap", "/2/x/a.pcap", "a.pcap"]),
            ["1/x/a.pcap", "2/x/a.pcap", "a.pcap"]
        );
        assert_eq!(
            names(&["/x/a.pcap", "/x/a.pcap"]),
            ["/x/a.pcap", "/x/a.pcap"]
        );
    }
}
