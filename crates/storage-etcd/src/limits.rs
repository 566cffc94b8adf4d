//! How much etcd takes at once.

use bailiwick_storage_remote::Limits;

/// The maximum number of operations in a list, as etcd has it by default. The operations of the lists that a list is nested in
/// count as well.
pub(crate) const OPERATIONS: usize = 128;
/// The number of operations in each nested list, if there are few comparisons.
const NESTED: usize = 60;
/// The number of operations that are not nested, for a transaction without nested ones.
pub(crate) const FLAT: usize = 120;

/// How many keys one transaction takes for absent, and how many rows it writes then at most: as many comparisons leave room for nested
/// lists of these.
const ASSUMED: [(usize, usize); 2] = [(100, 1_500), (56, LIMITS.rows)];
/// The comparisons that are added after the operations are nested: those of a part, and of a claim.
const ADDED: usize = 2;

/// How many keys a transaction takes for absent that writes at most so many rows.
pub(crate) fn assumed(rows: usize) -> usize {
    ASSUMED.iter().find(|(_, most)| rows <= *most).map_or(0, |(keys, _)| *keys)
}

/// The number of operations in each nested list of a transaction with so many comparisons.
pub(crate) fn nested(compares: usize) -> usize {
    NESTED.min(OPERATIONS.saturating_sub(compares + ADDED)).max(1)
}

/// How many bytes one transaction writes: less than the 1.5 MiB that etcd takes by default.
pub(crate) const BYTES: usize = 1_450_000;

/// How much one transaction writes: rows in at most 60 nested lists.
pub(crate) const LIMITS: Limits = Limits { rows: 60 * NESTED, bytes: BYTES };

#[cfg(test)]
mod tests {
    use super::*;

    /// As etcd counts: a nested list may have as many operations as its parent leaves.
    #[test]
    fn every_transaction_is_within_the_limits() {
        for rows in [0, FLAT, FLAT + 1, 1_500, 1_501, LIMITS.rows] {
            for absent in 0..=assumed(rows).min(rows) {
                // The head's, and the two that are added.
                let compares = 2 + absent + ADDED;
                let nested = nested(2 + absent);
                let (lists, longest) = if rows <= FLAT { (rows, 0) } else { (rows.div_ceil(nested), nested) };
                // The head, the log, two ranges of it, and the end of a claim.
                let used = compares.max(5 + lists);
                assert!(used + longest <= OPERATIONS, "{rows} rows, {absent} absent");
            }
        }
    }
}
