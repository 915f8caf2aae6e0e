//! Opens what was named: files, folders of files and pipes, and tells which files are one recording.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::OpenError;
use super::input::Input;
use super::spell::{Spell, sets};
use crate::limits::Bounds;
use crate::units::Timestamp;

/// Opens every path as an input, in order; a folder stands for the captures in it, ordered by the
/// time of their first frame. Those of a folder that follow one another in time are one vantage set,
/// so several taps that rotate their files are several; files that all follow one another are one set,
/// too, in order of time however they were named. Files in a folder that are no captures are passed
/// over.
///
/// What is there and cannot be read holds its place among the inputs, see [`Input::refusal`]: what
/// may not be opened, an empty file, one that breaks within its header, and what was named and is no
/// capture.
///
/// # Errors
/// A path is not there, no input at all can be read, or there are more than 65,535.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<Input>, OpenError> {
    expand_within(paths, &Bounds::default())
}

/// As [`expand`], where memory is limited: bounds decide which zstd files can be unpacked.
///
/// # Errors
/// As those of [`expand`].
pub fn expand_within(paths: &[PathBuf], bounds: &Bounds) -> Result<Vec<Input>, OpenError> {
    let window_log = bounds.zstd_window_log;
    let mut inputs: Vec<Input> = Vec::new();
    // Positions of inputs named one by one.
    let mut named = Vec::new();
    for path in paths {
        let before = inputs.len();
        if path.is_dir() {
            let folder = match open_folder(path, window_log) {
                Ok(folder) => folder,
                Err(error) => vec![(0, hold_place(path, error)?)],
            };
            for (first_of_set, mut input) in folder {
                input.set_numbers(number(inputs.len())?, number(before + first_of_set)?);
                inputs.push(input);
            }
        } else {
            named.push(before);
            let mut input = match Input::open_within(path, 0, window_log) {
                Ok(input) => input,
                Err(error) => hold_place(path, error)?,
            };
            input.set_numbers(number(before)?, number(before)?);
            if paths.len() > 1 && input.is_compressed_file() {
                input.park(window_log);
            }
            inputs.push(input);
        }
    }
    order_one_recording(some_readable(inputs)?, &named, window_log)
}

/// An input that cannot be read, beside others that perhaps can. What is not there is none: it was named
/// wrongly.
fn hold_place(path: &Path, error: OpenError) -> Result<Input, OpenError> {
    match error {
        OpenError::NotFound { .. } => Err(error),
        _ => Ok(Input::refused(path, error)),
    }
}

/// The inputs, unless none of them can be read.
fn some_readable(inputs: Vec<Input>) -> Result<Vec<Input>, OpenError> {
    if inputs.is_empty() || inputs.iter().any(|input| input.refusal().is_none()) {
        return Ok(inputs);
    }
    let refused = inputs.into_iter().filter_map(Input::into_refusal);
    let mut refused: Vec<OpenError> = refused.collect();
    match refused.pop() {
        Some(only) if refused.is_empty() => Err(only),
        last => {
            refused.extend(last);
            Err(OpenError::NoneReadable { refused })
        }
    }
}

/// Makes one set of files that follow one another, in order of time: a shell names the tenth of a
/// rotated set before the second. Others stay as they are.
fn order_one_recording(
    mut inputs: Vec<Input>,
    named: &[usize],
    window_log: u32,
) -> Result<Vec<Input>, OpenError> {
    let mut places: Vec<usize> = named.to_vec();
    places.retain(|place| inputs.get(*place).is_some_and(Input::is_readable_file));
    if places.len() < 2 {
        return Ok(inputs);
    }
    let mut spells: Vec<(usize, Spell)> = Vec::with_capacity(places.len());
    for place in &places {
        let spell = inputs.get_mut(*place).map(|input| spell(input, window_log));
        let Some(Ok(spell)) = spell else {
            return Ok(inputs);
        };
        spells.push((*place, spell));
    }
    spells.sort_by_key(|(_, spell)| (spell.first.is_none(), spell.first));
    if !follow_one_another(&mut spells, &inputs, window_log) {
        return Ok(inputs);
    }
    let mut inputs: Vec<Option<Input>> = inputs.into_iter().map(Some).collect();
    let mut ordered: Vec<Option<Input>> = spells
        .iter()
        .map(|(place, _)| inputs.get_mut(*place)?.take())
        .collect();
    let set = number(places.first().copied().unwrap_or_default())?;
    for (place, input) in places.iter().zip(&mut ordered) {
        if let (Some(slot), Some(mut input)) = (inputs.get_mut(*place), input.take()) {
            input.set_numbers(number(*place)?, set);
            *slot = Some(input);
        }
    }
    Ok(inputs.into_iter().flatten().collect())
}

/// Whether each file begins at or after the end of the one before, and with other packets. What costs
/// little is asked first.
fn follow_one_another(spells: &mut [(usize, Spell)], inputs: &[Input], window_log: u32) -> bool {
    let differ = spells.windows(2).all(|pair| match pair {
        [(_, one), (_, next)] => next.first.is_some() && !one.begins_as(next),
        _ => true,
    });
    if !differ {
        return false;
    }
    let mut rest = spells;
    while let [(place, one), next @ ..] = rest {
        if let (Some((_, after)), Some(input)) = (next.first(), inputs.get(*place)) {
            find_end(one, input, after.first, window_log);
            if one.overlap(after).is_none_or(|overlap| overlap.0 > 0) {
                return false;
            }
        }
        rest = next;
    }
    true
}

/// What a file tells; a compressed one, which is closed, is opened for that.
fn spell(input: &mut Input, window_log: u32) -> Result<Spell, OpenError> {
    if input.is_compressed_file() {
        return Ok(Spell::of(&mut input.anew(window_log)?));
    }
    Ok(Spell::of(input))
}

/// Reads a file for its end where that is not known yet, as far as a recording that begins at `next`
/// asks for it.
fn find_end(spell: &mut Spell, input: &Input, next: Option<Timestamp>, window_log: u32) {
    if let Some(next) = next.filter(|_| !spell.is_whole())
        // What can be opened no more is told when its turn comes.
        && let Ok(mut input) = input.anew(window_log)
    {
        spell.read_to_end(&mut input, next);
    }
}

fn number(count: usize) -> Result<u16, OpenError> {
    u16::try_from(count).map_err(|_| OpenError::TooMany {
        count: count.saturating_add(1),
    })
}

/// The captures in a folder by the time of their first frame; those without one by name, then those
/// that cannot be read. Each with the place of the first of its set.
fn open_folder(path: &Path, window_log: u32) -> Result<Vec<(usize, Input)>, OpenError> {
    let name = path.display().to_string();
    let fail = |error| OpenError::io(&name, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        files.push(entry.map_err(fail)?.path());
    }
    files.sort();
    let mut captures = Vec::new();
    let mut refused = Vec::new();
    for file in &files {
        match open_file(file, window_log) {
            Ok(Some(mut input)) => {
                let spell = Spell::of(&mut input);
                input.park(window_log);
                captures.push((spell, input));
            }
            // A link to nowhere, or a file that is gone since.
            Ok(None) | Err(OpenError::NotFound { .. } | OpenError::NotCapture { .. }) => {}
            Err(error) => refused.push(Input::refused(file, error)),
        }
    }
    if captures.is_empty() && refused.is_empty() {
        return Err(OpenError::EmptyFolder { path: name });
    }
    captures.sort_by_key(|(spell, _)| (spell.first.is_none(), spell.first));
    // No recording goes on after the file that begins last.
    let timed = captures.partition_point(|(spell, _)| spell.first.is_some());
    let latest = captures.iter().filter_map(|(spell, _)| spell.first).max();
    for (spell, input) in captures.iter_mut().take(timed.saturating_sub(1)) {
        find_end(spell, input, latest, window_log);
    }
    let (spells, inputs): (Vec<_>, Vec<_>) = captures.into_iter().unzip();
    let mut numbered: Vec<_> = sets(&spells).into_iter().zip(inputs).collect();
    let after = numbered.len()..;
    numbered.extend(after.zip(refused));
    Ok(numbered)
}

/// Opens what lies in a folder, if it is a file.
fn open_file(path: &Path, window_log: u32) -> Result<Option<Input>, OpenError> {
    let about = fs::metadata(path);
    let about = about.map_err(|error| OpenError::io(&path.display().to_string(), error))?;
    if !about.is_file() {
        return Ok(None);
    }
    Input::open_within(path, 0, window_log).map(Some)
}
