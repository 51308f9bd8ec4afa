//! Room in the ring buffer that is not written yet. Types decide what may be written where, so that probes need no
//! unsafe code.

use core::marker::PhantomData;

/// Room in the ring buffer for a value of type `T`, which is not written yet.
pub struct Room<'r, T> {
    place: *mut T,
    of: PhantomData<&'r mut T>,
}

/// The room for a field of a record.
macro_rules! room {
    ($record:ident.$field:ident) => {
        // SAFETY: the closure names a field of its argument.
        unsafe { $record.part(|place| &raw mut (*place).$field) }
    };
}
pub(crate) use room;

impl<T> Room<'_, T> {
    /// # Safety
    /// `place` must be valid for writes, and nobody else may write to it, for as long as the room lives.
    #[inline(always)]
    pub const unsafe fn new(place: *mut T) -> Self {
        Self { place, of: PhantomData }
    }

    /// Writes the value.
    #[inline(always)]
    pub fn put(self, value: T) {
        // SAFETY: the promise made to `new`.
        unsafe { self.place.write(value) }
    }

    /// The place to write the value to: all of it is valid for writes while the room lives.
    #[inline(always)]
    pub const fn place(&self) -> *mut T {
        self.place
    }

    /// The room for a part of the value: see [`room!`].
    ///
    /// # Safety
    /// `part` must return a pointer to something inside of what its argument points to.
    #[inline(always)]
    pub unsafe fn part<U>(&self, part: impl FnOnce(*mut T) -> *mut U) -> Room<'_, U> {
        // SAFETY: a part of memory that is valid for writes is valid for writes too.
        unsafe { Room::new(part(self.place)) }
    }
}

impl<T, const N: usize> Room<'_, [T; N]> {
    /// The room for an element; `None` beyond the last.
    #[inline(always)]
    pub fn element(&self, index: usize) -> Option<Room<'_, T>> {
        // SAFETY: the element is inside the array.
        (index < N).then(|| unsafe { self.part(|place| place.cast::<T>().add(index)) })
    }
}
