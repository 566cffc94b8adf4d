//! The credential report: all users of the account, with the state of their credentials, as CSV.
//!
//! GenerateCredentialReport only requests the report. [`write_requested`] writes it, in the background and in small
//! transactions, so that no call waits for a large account and no view of the store is held over it.

mod rows;
mod writer;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{CredentialReport, Tx};
use jiff::SignedDuration;

use crate::{Directory, view};

pub use writer::write_requested;

/// How long a report is valid. Until then no other is generated.
const VALID: SignedDuration = SignedDuration::from_hours(4);

/// Requests a credential report, unless one is in progress or not yet four hours old.
impl Handle<op::GenerateCredentialReport> for Directory {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::GenerateCredentialReportRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(Check::without_resource("iam:GenerateCredentialReport", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::GenerateCredentialReportResponse> {
        let old = tx.find_credential_report(cx.account()).await?;
        let (state, description) = match &old {
            Some(CredentialReport { completed: None, .. }) => ("INPROGRESS", None),
            Some(report) if !has_expired(cx, report) => ("COMPLETE", None),
            Some(_) => ("STARTED", Some("The report has expired. Starting a new report generation task")),
            None => ("STARTED", Some("No report exists. Starting a new report generation task")),
        };
        if state == "STARTED" {
            let chunks = old.map_or(0, |old| old.chunks);
            let account = cx.account();
            tx.request_credential_report(&CredentialReport { account, requested: cx.date(), completed: None, chunks });
        }
        Ok(pb::GenerateCredentialReportResponse { state: Some(state.into()), description: description.map(Into::into) })
    }
}

/// Returns the credential report.
///
/// # Errors
/// `ReportNotPresent`, `ReportInProgress`; `ReportExpired` four hours after it was generated.
impl Handle<op::GetCredentialReport> for Directory {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::GetCredentialReportRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(Check::without_resource("iam:GetCredentialReport", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::GetCredentialReportResponse> {
        let Some(report) = tx.find_credential_report(cx.account()).await? else {
            let message = "no credential report exists: generate one with GenerateCredentialReport";
            return Err(IamError::new(ErrorCode::ReportNotPresent, message).silent_in_query());
        };
        let Some(completed) = report.completed else {
            let error = IamError::new(ErrorCode::ReportInProgress, "the credential report is still being generated");
            return Err(error.silent_in_query());
        };
        if has_expired(cx, &report) {
            let message =
                "the credential report is older than four hours: generate another one with GenerateCredentialReport";
            return Err(IamError::new(ErrorCode::ReportExpired, message).silent_in_query());
        }
        Ok(pb::GetCredentialReportResponse {
            content: Some(tx.read_credential_report(&report).await?.into()),
            report_format: Some("text/csv".into()),
            generated_time: view::date(completed),
        })
    }
}

fn has_expired(cx: &Cx, report: &CredentialReport) -> bool {
    report.completed.is_some_and(|completed| cx.now().duration_since(completed) >= VALID)
}

#[cfg(test)]
mod tests;
