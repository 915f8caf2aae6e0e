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
/// # Errors
/// A path cannot be opened or is no capture, a folder has none in it, or there are more than 65,535.
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
        if path.is_dir() {
            let before = inputs.len();
            for (first_of_set, mut input) in open_folder(path, window_log)? {
                input.set_numbers(number(inputs.len())?, number(before + first_of_set)?);
                inputs.push(input);
            }
        } else {
            named.push(inputs.len());
            let mut input = Input::open_within(path, number(inputs.len())?, window_log)?;
            if paths.len() > 1 && input.is_compressed_file() {
                input.park(window_log);
            }
            inputs.push(input);
        }
    }
    order_one_recording(inputs, &named, window_log)
}

/// Makes one set of files that follow one another, in order of time: a shell names the tenth of a
/// rotated set before the second. Others stay as they are.
fn order_one_recording(
    mut inputs: Vec<Input>,
    named: &[usize],
    window_log: u32,
) -> Result<Vec<Input>, OpenError> {
    let mut places: Vec<usize> = named.to_vec();
    places.retain(|place| inputs.get(*place).is_some_and(|input| !input.is_pipe()));
    if places.len() < 2 {
        return Ok(inputs);
    }
    let mut spells: Vec<(usize, Spell)> = Vec::with_capacity(places.len());
    for place in &places {
        if let Some(input) = inputs.get_mut(*place) {
            spells.push((*place, spell(input, window_log)?));
        }
    }
    spells.sort_by_key(|(_, spell)| (spell.first.is_none(), spell.first));
    if !follow_one_another(&mut spells, &inputs, window_log)? {
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
fn follow_one_another(
    spells: &mut [(usize, Spell)],
    inputs: &[Input],
    window_log: u32,
) -> Result<bool, OpenError> {
    let differ = spells.windows(2).all(|pair| match pair {
        [(_, one), (_, next)] => next.first.is_some() && !one.begins_as(next),
        _ => true,
    });
    if !differ {
        return Ok(false);
    }
    let mut rest = spells;
    while let [(place, one), next @ ..] = rest {
        if let (Some((_, after)), Some(input)) = (next.first(), inputs.get(*place)) {
            find_end(one, input, after.first, window_log)?;
            if one.overlap(after).is_none_or(|overlap| overlap.0 > 0) {
                return Ok(false);
            }
        }
        rest = next;
    }
    Ok(true)
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
fn find_end(
    spell: &mut Spell,
    input: &Input,
    next: Option<Timestamp>,
    window_log: u32,
) -> Result<(), OpenError> {
    if let Some(next) = next.filter(|_| !spell.is_whole()) {
        spell.read_to_end(&mut input.anew(window_log)?, next);
    }
    Ok(())
}

fn number(count: usize) -> Result<u16, OpenError> {
    u16::try_from(count).map_err(|_| OpenError::TooMany {
        count: count.saturating_add(1),
    })
}

/// The captures in a folder by the time of their first frame; those without one by name, last. Each
/// with the place of the first of its set.
fn open_folder(path: &Path, window_log: u32) -> Result<Vec<(usize, Input)>, OpenError> {
    let name = path.display().to_string();
    let fail = |error| OpenError::io(&name, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let file = entry.map_err(fail)?.path();
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    let mut captures = Vec::new();
    for file in &files {
        match Input::open_within(file, 0, window_log) {
            Ok(mut input) => {
                let spell = Spell::of(&mut input);
                input.park(window_log);
                captures.push((spell, input));
            }
            Err(
                OpenError::Empty { .. }
                | OpenError::NotCapture { .. }
                | OpenError::BrokenHeader { .. },
            ) => {}
            Err(error) => return Err(error),
        }
    }
    if captures.is_empty() {
        return Err(OpenError::EmptyFolder { path: name });
    }
    captures.sort_by_key(|(spell, _)| (spell.first.is_none(), spell.first));
    // No recording goes on after the file that begins last.
    let timed = captures.partition_point(|(spell, _)| spell.first.is_some());
    let latest = captures.iter().filter_map(|(spell, _)| spell.first).max();
    for (spell, input) in captures.iter_mut().take(timed.saturating_sub(1)) {
        find_end(spell, input, latest, window_log)?;
    }
    let (spells, inputs): (Vec<_>, Vec<_>) = captures.into_iter().unzip();
    Ok(sets(&spells).into_iter().zip(inputs).collect())
}
