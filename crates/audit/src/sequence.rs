//! The range of sequence numbers.

use std::io;

/// Whether a number that was read from a file can be that of a record. Larger ones are forged or damaged: no writer gets
/// there, and those after them would not fit.
pub(crate) fn is_number(sequence: u64) -> bool {
    (1..=u64::MAX / 2).contains(&sequence)
}

/// The sequence number of the next record or digest.
///
/// # Errors
/// When there is none.
pub(crate) fn next(sequence: u64) -> io::Result<u64> {
    sequence.checked_add(1).ok_or_else(|| io::Error::other("there is no sequence number after the last record"))
}
