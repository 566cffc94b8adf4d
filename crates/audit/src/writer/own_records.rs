//! The records of the trail about itself: of what no record was written, and of what cannot be read.

use std::sync::PoisonError;

use bailiwick_model::{ErrorCode, IamError, Partition};
use jiff::Timestamp;

use super::OpenWriter;
use crate::limit::UnreportedCount;
use crate::row::Row;
use crate::{Event, EventKind};

impl OpenWriter {
    /// Creates records for the counts of suppressed calls.
    pub(super) fn suppressed(&self, is_closed: bool) -> Vec<Row> {
        let now = self.writer.clock.now();
        let mut limit = self.writer.limit.lock().unwrap_or_else(PoisonError::into_inner);
        let unreported = if is_closed { limit.drain() } else { limit.unreported(now) };
        drop(limit);
        unreported.iter().map(|unreported| self.count(unreported, EventKind::Suppressed, now)).collect()
    }

    /// The record of how many found no room.
    pub(super) fn lost_records(&self) -> Option<Row> {
        (self.lost > 0).then(|| self.count(&of_trail(self.lost), EventKind::Lost, self.writer.clock.now()))
    }

    /// Records of the segments that cannot be read and that no record names since the start.
    pub(super) fn unreadable_segments(&self) -> Vec<Row> {
        let now = self.writer.clock.now();
        let row = |(segment, why): (String, String)| {
            let error = IamError::new(ErrorCode::ServiceFailure, format!("{segment} cannot be read: {why}"));
            self.row(&of_trail(0), EventKind::Unreadable, Some(&error), now)
        };
        self.unreadable.take_unrecorded().into_iter().map(row).collect()
    }

    fn count(&self, unreported: &UnreportedCount, kind: EventKind<'_>, time: Timestamp) -> Row {
        self.row(unreported, kind, None, time)
    }

    fn row(&self, of: &UnreportedCount, kind: EventKind<'_>, error: Option<&IamError>, time: Timestamp) -> Row {
        let mut bits = [[0; 16]; 2];
        self.writer.random.fill(bits.as_flattened_mut());
        let [id, request_id] = bits;
        Row::new(&Event {
            id,
            request_id,
            kind,
            time,
            request: &of.request,
            caller: of.caller.as_ref(),
            unsigned: of.unsigned.as_ref(),
            partition: of.partition,
            resource: None,
            parameters: &[],
            response: &[],
            changes_nothing: false,
            error,
            decision: None,
            authorization: None,
            documents: &[],
            suppressed: of.suppressed,
        })
    }
}

/// A count without a caller.
fn of_trail(suppressed: u64) -> UnreportedCount {
    UnreportedCount { request: Default::default(), caller: None, unsigned: None, partition: Partition::Aws, suppressed }
}
