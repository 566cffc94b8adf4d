//! Where the segments end, as they were read.

/// Where the segments end.
#[derive(Default)]
pub(super) struct End {
    /// The number of the last record.
    pub(super) sequence: u64,
    /// The last segment.
    pub(super) file: String,
    /// The hash of the line at the store's checkpoint, if it was found.
    pub(super) at_checkpoint: Option<String>,
}
