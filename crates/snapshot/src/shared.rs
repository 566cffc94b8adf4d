//! Taking hold of what is shared, to change it.

use std::hint::black_box;
use std::sync::Arc;

use bailiwick_storage::PolicyRef;

/// What may be a pointer that others have too.
pub(crate) trait Shared {
    /// How many have it; of what is no pointer any number.
    fn count(&self) -> usize {
        0
    }
}

impl<T: ?Sized> Shared for Arc<T> {
    fn count(&self) -> usize {
        Arc::strong_count(self)
    }
}

impl Shared for u32 {}
impl Shared for u64 {}
impl Shared for PolicyRef {}

impl<A: Shared, B: Shared> Shared for (A, B) {
    fn count(&self) -> usize {
        self.0.count().wrapping_add(self.1.count())
    }
}

/// Looks at the counts of what is about to be copied. A copy counts them up one after the other, and in a large world
/// none of them is in the cache: looked at before, all at once, they are waited for once.
pub(crate) fn warm<T: Shared>(shared: &[T]) {
    black_box(shared.iter().map(T::count).fold(0, usize::wrapping_add));
}

/// [`Arc::make_mut`] of many pointers.
pub(crate) fn make_mut<T: Clone + Shared>(shared: &mut Arc<[T]>) -> &mut [T] {
    if Arc::strong_count(shared) > 1 {
        warm(shared);
    }
    Arc::make_mut(shared)
}
