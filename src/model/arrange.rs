//! Rows into another order.

/// Puts each row at the place that stands for it in `places`, which are all there are, each once. The
/// rows are not copied: there may be millions, and they are large. `places` is used up.
pub fn arrange<T>(rows: &mut [T], places: &mut [usize]) {
    for at in 0..places.len() {
        // Each swap puts one row where it belongs.
        while let Some(place) = places.get(at).copied()
            && places.get(place).is_some_and(|there| *there != place)
            && place < rows.len()
        {
            rows.swap(at, place);
            places.swap(at, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::arrange;

    #[test]
    fn each_row_goes_to_its_place() {
        let mut rows = ["d", "a", "c", "b", "e"];
        arrange(&mut rows, &mut [3, 0, 2, 1, 4]);
        assert_eq!(rows, ["a", "b", "c", "d", "e"]);
        arrange(&mut rows, &mut [1, 2, 3, 4, 0]);
        assert_eq!(rows, ["e", "a", "b", "c", "d"]);
    }
}
