//! Who is shown the lines while they are written.

use crate::Record;

/// Takes from records what it would otherwise have to read from their lines.
pub(crate) trait LineObserver: Send {
    /// A batch of lines begins at a byte of the segment whose first line has the number `first`. Lines of an earlier batch
    /// that did not become durable are not kept.
    fn begin(&mut self, first: u64, at: u64);

    /// The next line is that of a record, and has so many bytes without its line feed.
    fn line(&mut self, record: &Record, len: usize);

    /// The batch is durable. `last_sha256` is the hash of its last line.
    fn durable(&mut self, last_sha256: [u8; 32]);
}
