//! Flat tables with typed ids.

use std::marker::PhantomData;

/// A row number that knows which table it belongs to.
pub trait Id: Copy {
    /// The id of row `index`.
    fn from_index(index: u32) -> Self;
    /// The row.
    fn index(self) -> usize;
}

/// Declares the id type of a table: `id!(FlowId, "an ESP flow");` makes `pub struct FlowId(pub u32)`.
macro_rules! id {
    ($Name:ident, $what:literal) => {
        #[doc = concat!("Row number of ", $what, ", from 0.")]
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $Name(pub u32);

        impl $crate::model::table::Id for $Name {
            #[inline]
            fn from_index(index: u32) -> Self {
                Self(index)
            }

            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}
pub(crate) use id;

/// Rows of `T`, which only grow; an id that a model gave stays good in it.
#[derive(Clone, Debug)]
pub struct Table<I, T> {
    rows: Vec<T>,
    ids: PhantomData<I>,
}

impl<I: Id, T> Table<I, T> {
    /// Adds a row.
    ///
    /// Rows stop at `u32::MAX`; [`crate::limits`] keeps every table far below.
    pub(crate) fn push(&mut self, row: T) -> I {
        let id = I::from_index(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        self.rows.push(row);
        id
    }

    /// The rows alone, in order.
    pub(crate) fn into_rows(self) -> Vec<T> {
        self.rows
    }

    /// Makes room for so many more rows.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.rows.reserve_exact(more);
    }

    /// Adds rows.
    pub(crate) fn extend(&mut self, rows: impl IntoIterator<Item = T>) {
        self.rows.extend(rows);
    }

    /// The row of an id; `None` if the id is that of another model.
    pub fn row(&self, id: I) -> Option<&T> {
        self.rows.get(id.index())
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A table with an empty row for each of these, found by the same ids.
    pub(crate) fn beside<U: Default>(&self) -> Table<I, U> {
        self.ids().map(|_| U::default()).collect()
    }

    /// The rows in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }

    /// The rows in order, to change them.
    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.rows.iter_mut()
    }

    /// The ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + use<I, T> {
        (0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)).map(I::from_index)
    }

    /// The rows with their ids.
    pub fn entries(&self) -> impl Iterator<Item = (I, &T)> {
        self.ids().zip(self.rows.iter())
    }
}

/// # Panics
/// As a slice does, if the id is that of another model and there is no such row; [`Table::row`] does
/// not.
#[expect(
    clippy::indexing_slicing,
    reason = "an id is made by push alone, and rows are never removed"
)]
impl<I: Id, T> std::ops::Index<I> for Table<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, id: I) -> &T {
        &self.rows[id.index()]
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "an id is made by push alone, and rows are never removed"
)]
impl<I: Id, T> std::ops::IndexMut<I> for Table<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.rows[id.index()]
    }
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            ids: PhantomData,
        }
    }
}

impl<I: Id, T> FromIterator<T> for Table<I, T> {
    fn from_iter<R: IntoIterator<Item = T>>(rows: R) -> Self {
        Self {
            rows: rows.into_iter().collect(),
            ids: PhantomData,
        }
    }
}
