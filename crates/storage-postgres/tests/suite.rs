//! The backend keeps all promises, including those of durable and exposed backends.

mod common;

use bailiwick_storage_suite::{shared::Shared, suite};
use common::Empty;

suite! {
    backend: Shared::<Empty>::default(),
    durable: yes,
    exposed: yes,
}
