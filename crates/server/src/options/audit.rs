//! How much of the audit trail may wait, how long it is kept, and where it is delivered.

use std::path::Path;

use bailiwick_audit::{AuditDecisions, Retention, Settings};
use clap::Args;

use crate::sinks::SinkOption;

/// The group "Audit".
#[derive(Args)]
#[command(next_help_heading = "Audit")]
pub(crate) struct AuditOptions {
    /// Records of changes that may wait in the store to be moved to the files in the data folder's `audit`; beyond that,
    /// changes are refused with ServiceUnavailable
    #[arg(long, env = "BAILIWICK_AUDIT_OUTBOX_ROWS", default_value_t = Settings::OUTBOX_ROWS, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    audit_outbox_rows: u64,
    /// Size at which a file of the audit trail ends and the next one begins, in bytes
    #[arg(long, env = "BAILIWICK_AUDIT_SEGMENT_BYTES", default_value_t = Settings::SEGMENT_BYTES, value_name = "BYTES")]
    #[arg(value_parser = clap::value_parser!(u64).range(65_536..=1_073_741_824))]
    audit_segment_bytes: u64,
    /// Remove files of the audit trail whose records are all older than so many days [default: never]
    #[arg(long, env = "BAILIWICK_AUDIT_RETENTION_DAYS", value_name = "DAYS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=36_500))]
    audit_retention_days: Option<u32>,
    /// Remove the oldest files of the audit trail while all of them have more than so many bytes, compressed; the one that
    /// is written stays [default: never]
    #[arg(long, env = "BAILIWICK_AUDIT_MAX_BYTES", value_name = "BYTES")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    audit_max_bytes: Option<u64>,
    /// Decisions that other services ask for, of which records are made: `none`, `denied`, `sampled` (one of 100),
    /// `sampled:N` (one of N) or `all`
    ///
    /// Answers never wait for these records; those without room are counted as lost. Denials on record have an authorization
    /// id, which `bailiwick explain --request` explains.
    #[arg(long, env = "BAILIWICK_AUDIT_DECISIONS", default_value = "none", value_name = "WHICH")]
    audit_decisions: AuditDecisions,
    /// Deliver the records of the audit trail to another system as well: a kind (`file`, `otlp`, `stdout`, `syslog`, `webhook`) and its settings,
    /// as in `webhook,name=siem,url=https://siem.lan/in,secret-file=/etc/bailiwick/siem.secret`; may be repeated. In the
    /// variable, `;` separates sinks. docs/audit.md lists the settings
    #[arg(long, env = "BAILIWICK_AUDIT_SINKS", value_name = "KIND,NAME=VALUE,...", value_delimiter = ';')]
    #[arg(hide_env_values = true)]
    audit_sink: Vec<SinkOption>,
}

impl AuditOptions {
    /// The sinks.
    pub(crate) fn sinks(&self) -> &[SinkOption] {
        &self.audit_sink
    }

    /// The settings of the recorder.
    pub(crate) fn settings(&self, data_dir: &Path) -> Settings {
        Settings {
            segment_bytes: self.audit_segment_bytes,
            outbox_rows: self.audit_outbox_rows,
            retention: Retention { days: self.audit_retention_days, max_bytes: self.audit_max_bytes },
            decisions: self.audit_decisions,
            ..Settings::in_folder(data_dir.join("audit"))
        }
    }
}
