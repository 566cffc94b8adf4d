//! The conformance suite of storage backends: one function per promise.
//!
//! A backend implements [`Backend`], and [`Durable`] and [`Exposed`] if it can, and calls [`suite!`], which generates a
//! test for each promise. Keys and values are plain bytes; the suite does not know records.
//!
//! [`Faulty`] is a store that breaks its promises on request, for tests of the code that depends on them.
//!
//! [`shared`] has scenarios of stores that servers share; a backend implements [`shared::SharedDatabase`], and calls
//! [`shared_suite!`]. [`proxy`] is for stores on other machines, which cannot be reached at times.
//!
//! Start reading at [`promises`].

mod faulty;
mod model;
pub mod promises;
pub mod proxy;
pub mod shared;
mod tools;

use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_storage::Store;
use bytes::Bytes;
pub use faulty::{Fault, Faulty};

/// A kind of store under test.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Makes an empty store whose log keeps at least `log` change sets, and not many more.
    async fn fresh(&self, log: u64) -> Arc<dyn Store>;
}

/// A kind of store that keeps its data when it is closed.
#[async_trait]
pub trait Durable: Backend {
    /// Closes a store that [`Backend::fresh`] returned, and opens it again.
    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store>;
}

/// A kind of store whose stored bytes a test can read and change without the store.
#[async_trait]
pub trait Exposed: Backend {
    /// Reads the stored bytes of some keys, and returns the store, which may have been closed and opened again.
    async fn stored(&self, store: Arc<dyn Store>, keys: &[Bytes]) -> (Arc<dyn Store>, Vec<Option<Bytes>>);

    /// Replaces or removes the stored bytes of some keys, and returns the store, which may have been closed and opened
    /// again.
    async fn tamper(&self, store: Arc<dyn Store>, rows: Vec<(Bytes, Option<Bytes>)>) -> Arc<dyn Store>;
}

/// Makes a test of each promise.
///
/// A backend states whether it is [`Durable`] and [`Exposed`], or why it is not, so that no promise is left out
/// silently:
///
/// ```ignore
/// suite! {
///     backend: MyBackend::default(),
///     durable: yes,
///     exposed: no("the rows are on other machines"),
/// }
/// ```
#[macro_export]
macro_rules! suite {
    (backend: $backend:expr, durable: $durable:ident $(($why_not_durable:literal))?, exposed: $exposed:ident $(($why_not_exposed:literal))? $(,)?) => {
        $crate::backend_promises!([$crate::tests] $backend);
        $crate::suite!(@durable $durable $(($why_not_durable))? $backend);
        $crate::suite!(@exposed $exposed $(($why_not_exposed))? $backend);
    };
    (@durable yes $backend:expr) => {
        $crate::durable_promises!([$crate::tests] $backend);
    };
    (@exposed yes $backend:expr) => {
        $crate::exposed_promises!([$crate::tests] $backend);
    };
    (@$capability:ident no($reason:literal) $backend:expr) => {};
}

#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($backend:expr; $($promise:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            $crate::promises::$promise(&$backend).await;
        }
    )*};
}
