//! Copy-on-write of shared nodes.

use std::hint::black_box;
use std::sync::Arc;

use bailiwick_model::PolicyRef;

/// A value that may be a shared pointer.
pub(super) trait Shared {
    /// The reference count; any number for a value that is not a pointer.
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

impl<T: Shared> Shared for Option<T> {
    fn count(&self) -> usize {
        self.as_ref().map_or(0, T::count)
    }
}

impl<A: Shared, B: Shared> Shared for (A, B) {
    fn count(&self) -> usize {
        self.0.count().wrapping_add(self.1.count())
    }
}

/// Reads the reference counts of entries that are about to be cloned. Cloning increments them one by one, and in a
/// large map none is in the cache; reading them first lets the processor load them in parallel.
pub(super) fn warm<T: Shared>(shared: &[T]) {
    black_box(shared.iter().map(T::count).fold(0, usize::wrapping_add));
}

/// [`Arc::make_mut`] of many pointers.
pub(super) fn make_mut<T: Clone + Shared>(shared: &mut Arc<[T]>) -> &mut [T] {
    if Arc::strong_count(shared) > 1 {
        warm(shared);
    }
    Arc::make_mut(shared)
}
