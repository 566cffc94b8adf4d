//! The settings of the recorder.

use std::path::PathBuf;

use crate::AuditDecisions;

/// The location and the limits of records.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of the segments; created if necessary.
    pub folder: PathBuf,
    /// The size at which a segment ends.
    pub segment_bytes: u64,
    /// The maximum number of outbox rows; beyond it, changes are refused.
    pub outbox_rows: u64,
    /// Which records are kept.
    pub retention: Retention,
    /// Which decisions for other services are recorded.
    pub decisions: AuditDecisions,
}

/// How long segments are kept. Without limits: for ever. The segment that is written is always kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// A segment is removed when its last record is older than so many days.
    pub days: Option<u32>,
    /// The oldest segments are removed while all are larger than this on the disk, in bytes.
    pub max_bytes: Option<u64>,
}

impl Settings {
    /// 64 MiB.
    pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
    /// A record of a change has about a kibibyte, and never more than 64.
    pub const OUTBOX_ROWS: u64 = 20_000;

    /// The usual sizes.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Settings {
            folder: folder.into(),
            segment_bytes: Self::SEGMENT_BYTES,
            outbox_rows: Self::OUTBOX_ROWS,
            retention: Retention::default(),
            decisions: AuditDecisions::None,
        }
    }
}
