//! Several servers on one cluster, which cannot be reached at times.

mod common;

bailiwick_storage_suite::shared_suite!(common::Empty);
