//! The records of the trail about itself: of what no record was written, what cannot be read, and what
//! retention removes.

use std::sync::PoisonError;

use bailiwick_api::admin;
use bailiwick_model::{ErrorCode, IamError, Partition};
use jiff::Timestamp;
use prost::Message;

use super::OpenWriter;
use crate::digest::Removed;
use crate::limit::UnreportedCount;
use crate::row::Row;
use crate::settings::Retention;
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
            self.row(&of_trail(0), EventKind::Unreadable, Some(&error), [Vec::new(), Vec::new()], now)
        };
        self.unreadable.take_unrecorded().into_iter().map(row).collect()
    }

    fn count(&self, unreported: &UnreportedCount, kind: EventKind<'_>, time: Timestamp) -> Row {
        self.row(unreported, kind, None, [Vec::new(), Vec::new()], time)
    }

    /// The record of other settings of retention than those that the trail has a record of.
    pub(super) fn changed_retention(&self) -> Option<Row> {
        let (before, now) = (self.recorded, self.housekeeping.retention());
        let bytes = |of: Retention| of.max_bytes.map(number);
        let request = admin::ChangeAuditRetentionRequest { days: now.days.map(i64::from), max_bytes: bytes(now) };
        let response = admin::ChangeAuditRetentionResponse {
            previous_days: before.days.map(i64::from),
            previous_max_bytes: bytes(before),
        };
        (before != now).then(|| self.command("ChangeAuditRetention", &request, &response))
    }

    /// The record of segments that retention removes.
    pub(super) fn removal(&self, removed: &[Removed]) -> Row {
        let request = admin::RemoveAuditRecordsRequest {
            first_sequence: removed.first().map_or(0, |first| number(first.first_sequence)),
            last_sequence: removed.last().map_or(0, |last| number(last.last_sequence)),
        };
        let response = admin::RemoveAuditRecordsResponse { segments: number(removed.len() as u64) };
        self.command("RemoveAuditRecords", &request, &response)
    }

    fn command(&self, name: &'static str, request: &impl Message, response: &impl Message) -> Row {
        let messages = [request.encode_to_vec(), response.encode_to_vec()];
        self.row(&of_trail(0), EventKind::Command(name), None, messages, self.writer.clock.now())
    }

    fn row(
        &self,
        of: &UnreportedCount,
        kind: EventKind<'_>,
        error: Option<&IamError>,
        [parameters, response]: [Vec<u8>; 2],
        time: Timestamp,
    ) -> Row {
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
            parameters: &parameters,
            response: &response,
            changes_nothing: false,
            error,
            decision: None,
            authorization: None,
            documents: &[],
            suppressed: of.suppressed,
        })
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count without a caller.
fn of_trail(suppressed: u64) -> UnreportedCount {
    UnreportedCount { request: Default::default(), caller: None, unsigned: None, partition: Partition::Aws, suppressed }
}
