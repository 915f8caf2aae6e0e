//! Lists that nearly always hold two things or fewer.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A list of a few things, to be read as a slice. Of one or two it takes no room beside itself: captures
/// hold millions of these.
#[derive(Clone, Eq, PartialEq)]
pub struct Few<T>(Kind<T>);

#[derive(Clone, Eq, PartialEq)]
#[expect(
    clippy::box_collection,
    reason = "the list itself would make every row larger that has none"
)]
enum Kind<T> {
    None,
    One([T; 1]),
    Two([T; 2]),
    Many(Box<Vec<T>>),
}

impl<T> Few<T> {
    /// A list of nothing.
    pub const fn new() -> Self {
        Self(Kind::None)
    }

    /// A list of this thing.
    pub const fn of(one: T) -> Self {
        Self(Kind::One([one]))
    }

    /// Appends a thing.
    pub fn push(&mut self, more: T) {
        match &mut self.0 {
            Kind::None => *self = Self::of(more),
            Kind::Many(all) => all.push(more),
            Kind::One(_) | Kind::Two(_) => self.insert(self.len(), more),
        }
    }

    /// Puts a thing before the one at `place`; at the end where there is none.
    pub fn insert(&mut self, place: usize, more: T) {
        self.0 = match std::mem::replace(&mut self.0, Kind::None) {
            Kind::None => Kind::One([more]),
            Kind::One([one]) if place == 0 => Kind::Two([more, one]),
            Kind::One([one]) => Kind::Two([one, more]),
            Kind::Two(two) => {
                let mut all = Vec::from(two);
                all.insert(place.min(all.len()), more);
                Kind::Many(Box::new(all))
            }
            Kind::Many(mut all) => {
                all.insert(place.min(all.len()), more);
                Kind::Many(all)
            }
        };
    }

    /// Takes out the thing at `place`, if there is one; the others keep their order.
    pub(crate) fn remove(&mut self, place: usize) {
        self.0 = match std::mem::replace(&mut self.0, Kind::None) {
            Kind::One(_) if place == 0 => Kind::None,
            Kind::Two([_, other]) if place == 0 => Kind::One([other]),
            Kind::Two([other, _]) if place == 1 => Kind::One([other]),
            Kind::Many(mut all) if place < all.len() => {
                all.remove(place);
                Kind::Many(all)
            }
            as_it_was => as_it_was,
        };
    }

    /// Takes everything out.
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

/// As a slice of the same.
impl<T: fmt::Debug> fmt::Debug for Few<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.0 {
            Kind::None => &[],
            Kind::One(one) => one,
            Kind::Two(two) => two,
            Kind::Many(all) => all,
        }
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Kind::None => &mut [],
            Kind::One(one) => one,
            Kind::Two(two) => two,
            Kind::Many(all) => all,
        }
    }
}

impl<'f, T> IntoIterator for &'f Few<T> {
    type Item = &'f T;
    type IntoIter = std::slice::Iter<'f, T>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'f, T> IntoIterator for &'f mut Few<T> {
    type Item = &'f mut T;
    type IntoIter = std::slice::IterMut<'f, T>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(all: Vec<T>) -> Self {
        all.into_iter().collect()
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(things: I) -> Self {
        let mut few = Self::new();
        few.extend(things);
        few
    }
}

impl<T> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, things: I) {
        things.into_iter().for_each(|thing| self.push(thing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_stand_where_they_were_put() {
        let mut few = Few::new();
        assert_eq!(*few, [] as [u16; 0]);
        few.push(5);
        assert_eq!(*few, [5]);
        few.insert(0, 3);
        few.insert(1, 4);
        few.insert(9, 6);
        assert_eq!(*few, [3, 4, 5, 6]);
        assert_eq!(few.take(), Few::from(vec![3, 4, 5, 6]));
        assert!(few.is_empty());
    }

    #[test]
    fn what_is_left_keeps_its_order() {
        let mut few = Few::from(vec![1, 2, 3]);
        few.remove(3);
        assert_eq!(*few, [1, 2, 3]);
        few.remove(1);
        assert_eq!(*few, [1, 3]);
        let mut two = Few::from(vec![1, 3]);
        two.remove(0);
        assert_eq!(*two, [3]);
        two.remove(1);
        assert_eq!(*two, [3]);
        two.remove(0);
        assert!(two.is_empty());
    }

    #[test]
    fn a_list_of_one_is_as_small_as_two_words() {
        assert_eq!(size_of::<Few<crate::model::MessageId>>(), 16);
        assert_eq!(size_of::<Few<u16>>(), 16);
    }
}
