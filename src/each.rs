//! Work that falls into parts which know nothing of each other.

use std::sync::{Mutex, OnceLock};

/// Does a piece of work for each number below a count, in any order, at the same time where there are
/// threads for it.
pub type Each<'e> = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + 'e;

/// As [`Each`], by a function that can be kept.
pub type Spread = fn(usize, &(dyn Fn(usize) + Sync));

/// One after the other.
pub fn in_turn(count: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..count).for_each(work);
}

/// What is made of each number below a count, in order.
pub fn map<T: Send + Sync>(
    each: &Each<'_>,
    count: usize,
    make: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let made: Vec<OnceLock<T>> = (0..count).map(|_| OnceLock::new()).collect();
    each(count, &|number| {
        if let Some(slot) = made.get(number) {
            slot.get_or_init(|| make(number));
        }
    });
    made.into_iter().filter_map(OnceLock::into_inner).collect()
}

/// What is made of each of a few things and its number, in order.
pub fn map_all<S: Send, T: Send + Sync>(
    each: &Each<'_>,
    things: Vec<S>,
    make: impl Fn(usize, S) -> T + Sync,
) -> Vec<T> {
    let things: Vec<Mutex<Option<S>>> = things
        .into_iter()
        .map(|thing| Mutex::new(Some(thing)))
        .collect();
    let made = map(each, things.len(), |number| {
        let mut thing = things.get(number)?.lock().ok()?;
        thing.take().map(|thing| make(number, thing))
    });
    made.into_iter().flatten().collect()
}

/// What is made of each of many ids, in order. They are taken by runs: one alone is too little work
/// for a task.
pub fn map_ids<I: Copy + Sync, T: Send + Sync>(
    each: &Each<'_>,
    ids: &[I],
    make: impl Fn(I) -> T + Sync,
) -> Vec<T> {
    /// Rows of a run.
    const RUN: usize = 256;
    let runs: Vec<&[I]> = ids.chunks(RUN).collect();
    let made = map(each, runs.len(), |number| {
        let run = runs.get(number).copied().unwrap_or_default();
        run.iter().map(|id| make(*id)).collect::<Vec<T>>()
    });
    made.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_stands_in_order() {
        let backwards =
            |count: usize, work: &(dyn Fn(usize) + Sync)| (0..count).rev().for_each(work);
        let ids: Vec<usize> = (0..1000).collect();
        let doubled: Vec<usize> = ids.iter().map(|id| id * 2).collect();
        assert_eq!(map_ids(&backwards, &ids, |id| id * 2), doubled);
        assert_eq!(map(&in_turn, 3, |number| number), [0, 1, 2]);
        let words = vec!["a".to_owned(), "b".to_owned()];
        let numbered = map_all(&backwards, words, |number, word| format!("{number}{word}"));
        assert_eq!(numbered, ["0a", "1b"]);
    }
}
