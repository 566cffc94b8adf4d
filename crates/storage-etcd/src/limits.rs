//! How much etcd takes at once.

use bailiwick_storage_remote::Limits;

/// The maximum number of operations in a list, as etcd has it by default. The operations of the lists that a list is nested in
/// count as well.
pub(crate) const OPERATIONS: usize = 128;
/// The number of operations in each nested list.
pub(crate) const NESTED: usize = 60;
/// The number of operations that are not nested, for a transaction without nested ones.
pub(crate) const FLAT: usize = 120;

/// How many keys one transaction takes for absent. As many comparisons leave room for nested lists.
pub(crate) const ASSUMED: usize = 56;

/// How many bytes one transaction writes: less than the 1.5 MiB that etcd takes by default.
pub(crate) const BYTES: usize = 1_450_000;

/// How much one transaction writes: rows in at most 60 nested lists.
pub(crate) const LIMITS: Limits = Limits { rows: 60 * NESTED, bytes: BYTES };
