//! How much of the audit trail may wait.

use std::path::Path;

use bailiwick_audit::Settings;
use clap::Args;

/// The group "Audit".
#[derive(Args)]
#[command(next_help_heading = "Audit")]
pub(crate) struct AuditOptions {
    /// Records of changes that may wait in the store to be moved to the files in the data folder's `audit`; beyond that,
    /// changes are refused with ServiceUnavailable
    #[arg(long, env = "BAILIWICK_AUDIT_OUTBOX_ROWS", default_value_t = Settings::OUTBOX_ROWS, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    audit_outbox_rows: u64,
}

impl AuditOptions {
    /// The settings of the recorder.
    pub(crate) fn settings(&self, data_dir: &Path) -> Settings {
        Settings { outbox_rows: self.audit_outbox_rows, ..Settings::in_folder(data_dir.join("audit")) }
    }
}
