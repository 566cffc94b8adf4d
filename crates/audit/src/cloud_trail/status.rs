//! GetTrailStatus: whether and since when the trail records, and when it last delivered.

use bailiwick_api::cloudtrail::{GetTrailStatusRequest, GetTrailStatusResponse};
use bailiwick_api::op;
use bailiwick_model::{Arn, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_storage::Tx;
use jiff::Timestamp;

use super::trails::{expect_own, planned};
use super::{CloudTrail, time};

/// Returns the state of a trail. A delivery is the writing of records to a segment.
///
/// # Errors
/// `TrailNotFoundException`, `InvalidTrailNameException`, `CloudTrailARNInvalidException`.
impl Handle<op::GetTrailStatus> for CloudTrail {
    type Plan = Arn;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetTrailStatusRequest) -> Result<Planned<Arn>> {
        planned(cx, req.name.as_deref(), "cloudtrail:GetTrailStatus")
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, plan: Arn) -> Result<GetTrailStatusResponse> {
        expect_own(cx, &plan)?;
        let delivered = self.stats.last_written();
        let shown = |time: Option<Timestamp>| Some(time.map(in_seconds).unwrap_or_default());
        Ok(GetTrailStatusResponse {
            is_logging: Some(true),
            latest_delivery_error: self.stats.is_failing().then(|| "AuditTrailCannotBeWritten".to_owned()),
            latest_delivery_time: delivered.map(time),
            start_logging_time: Some(time(self.since)),
            latest_delivery_attempt_time: shown(delivered),
            latest_delivery_attempt_succeeded: shown(delivered),
            latest_notification_attempt_time: shown(None),
            latest_notification_attempt_succeeded: shown(None),
            time_logging_started: shown(Some(self.since)),
            time_logging_stopped: shown(None),
            ..GetTrailStatusResponse::default()
        })
    }
}

/// `2026-03-01T12:30:45Z`.
fn in_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
