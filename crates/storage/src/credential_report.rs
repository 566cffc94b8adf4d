//! Credential reports: one of each account, in chunks. A report is requested by a call and written in the background, in
//! several commits; it can be read from the last one on.

use bailiwick_model::{AccountId, IamError, Result};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, Kind},
    tx::Tx,
};

/// The credential report of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialReport {
    /// Its account.
    pub account: AccountId,
    /// When the report was requested.
    pub requested: Timestamp,
    /// When it was complete; `None` while it is written.
    pub completed: Option<Timestamp>,
    /// How many chunks it has, or the previous report had.
    pub chunks: u32,
}

/// A part of the text of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportChunk(
    /// The text, which may begin and end within a row.
    pub Bytes,
);

impl Tx {
    /// The report of an account, if one was requested.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_credential_report(&mut self, account: AccountId) -> Result<Option<CredentialReport>> {
        self.read(keys::record(account, Kind::CredentialReport, &[])).await
    }

    /// Stores that a report is requested. The chunks of the previous one are overwritten.
    pub fn request_credential_report(&mut self, report: &CredentialReport) {
        self.put(keys::requested_report(report.account), Bytes::new());
        self.put_record(keys::record(report.account, Kind::CredentialReport, &[]), report);
    }

    /// Accounts whose report is requested and not complete.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn requested_credential_reports(&self) -> Result<Vec<AccountId>> {
        let prefix = keys::kind(AccountId::NONE, Kind::RequestedReport);
        let rows = self.scan(&prefix, None, usize::MAX).await?;
        Ok(rows.iter().filter_map(|(key, _)| Some(keys::take_account(&key[prefix.len()..])?.0)).collect())
    }

    /// Writes a chunk of a report. It must be shorter than [`crate::MAX_VALUE`].
    pub fn put_report_chunk(&mut self, account: AccountId, number: u32, text: Bytes) {
        self.put_record(keys::report_chunk(account, number), &ReportChunk(text));
    }

    /// Completes a report, and removes chunks of the previous one that were not overwritten.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn complete_credential_report(&mut self, report: &CredentialReport) -> Result<()> {
        let old = self.find_credential_report(report.account).await?.map_or(0, |old| old.chunks);
        for number in report.chunks..old {
            self.delete_key(keys::report_chunk(report.account, number));
        }
        self.delete_key(keys::requested_report(report.account));
        self.put_record(keys::record(report.account, Kind::CredentialReport, &[]), report);
        Ok(())
    }

    /// The text of a complete report.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails, or a chunk is missing.
    pub async fn read_credential_report(&self, report: &CredentialReport) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        for number in 0..report.chunks {
            let chunk = self.peek::<ReportChunk>(&keys::report_chunk(report.account, number)).await?;
            text.extend_from_slice(&chunk.ok_or_else(|| IamError::internal("a chunk of a report is missing"))?.0);
        }
        Ok(text)
    }
}

impl AsMessage for CredentialReport {
    type Message = pb::CredentialReport;
    const NAME: &'static str = "credential report";

    fn to_message(&self) -> pb::CredentialReport {
        pb::CredentialReport {
            account: codec::account_number(self.account),
            requested: self.requested.as_microsecond(),
            completed: self.completed.map(Timestamp::as_microsecond),
            chunks: self.chunks,
        }
    }

    fn from_message(message: pb::CredentialReport) -> Result<Self, Malformed> {
        Ok(CredentialReport {
            account: codec::account(message.account)?,
            requested: codec::time(message.requested)?,
            completed: codec::maybe_time(message.completed)?,
            chunks: message.chunks,
        })
    }
}

impl AsMessage for ReportChunk {
    type Message = pb::ReportChunk;
    const NAME: &'static str = "report chunk";

    fn to_message(&self) -> pb::ReportChunk {
        pb::ReportChunk { text: self.0.to_vec() }
    }

    fn from_message(message: pb::ReportChunk) -> Result<Self, Malformed> {
        Ok(ReportChunk(message.text.into()))
    }
}
