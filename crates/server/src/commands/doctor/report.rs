//! The faults of a store, as text or JSON.

use bailiwick_operation::uuid;
use bailiwick_storage::{Fault, FaultKind, Meta, keys};
use serde::Serialize;

use crate::escapes;
use crate::failure::Failure;
use crate::output::{self, ASIDE, BAD, GOOD, styled};

/// How many faults are shown; further ones are counted.
const SHOWN: usize = 1_000;

/// A restore is the only remedy.
const RESTORE: &str = "restore a backup; without one, `bailiwick serve --accept-damaged-store` starts an embedded store once with what is left";
/// The rows are authentic, so Bailiwick wrote them.
const DEFECT: &str = "Bailiwick wrote this, so it is a defect: report it with this output. Until then, delete the object and create it again, or restore a backup";

/// One fault, in words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trouble {
    /// What kind of fault it is.
    pub(super) fault: &'static str,
    /// The row; none if the fault concerns the whole store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) row: Option<String>,
    /// What is wrong.
    pub(super) problem: String,
    /// What to do.
    pub(super) advice: &'static str,
}

impl Trouble {
    /// The file cannot be read further.
    pub(super) fn unreadable(why: String) -> Self {
        let problem = format!("the store cannot be read further: {why}; other faults may be unknown");
        Trouble { fault: "unreadable-store", row: None, problem, advice: RESTORE }
    }

    /// A segment of the audit trail cannot be opened.
    pub(super) fn unreadable_segment(segment: &str, error: &std::io::Error) -> Self {
        let problem = format!("the segment {segment} of the audit trail cannot be opened: {error}");
        let advice = "restore the file from a copy; `bailiwick audit verify` says which records are concerned";
        Trouble { fault: "unreadable-segment", row: None, problem, advice }
    }

    pub(super) fn of(fault: &Fault) -> Self {
        let row = match (&fault.kind, keys::parse(&fault.key)) {
            (FaultKind::Incomplete { .. }, _) => None,
            (FaultKind::Number { .. }, Some((account, kind, _))) => Some(format!("all {kind:?} of account {account}")),
            _ => Some(keys::describe(&fault.key)),
        };
        let (name, problem, advice) = match &fault.kind {
            FaultKind::Damaged => ("damaged", "it is not what was written under this key".to_owned(), RESTORE),
            FaultKind::Lost => ("lost", "a look-up by its key does not find it".to_owned(), RESTORE),
            FaultKind::Incomplete { expected, found } => (
                "incomplete",
                format!(
                    "the store has {found} rows and should have {expected}, and some are missing, out of date, or were not written by Bailiwick"
                ),
                RESTORE,
            ),
            FaultKind::UnknownKind => (
                "unknown-kind",
                "no row of this kind is known to this version".to_owned(),
                "use the version that wrote it",
            ),
            FaultKind::Unreadable(why) => ("unreadable", format!("it cannot be read: {why}"), DEFECT),
            FaultKind::Misplaced { belongs } => {
                ("misplaced", format!("its record belongs under {}", keys::describe(belongs)), DEFECT)
            }
            FaultKind::NotIndexed { index } => {
                ("not-indexed", format!("it is not found by {}", keys::describe(index)), DEFECT)
            }
            FaultKind::Orphan { record } => (
                "orphan",
                format!("it is the index of {}, which does not exist or has another one", keys::describe(record)),
                DEFECT,
            ),
            FaultKind::Dangling { record } => {
                ("dangling", format!("it refers to {}, which does not exist", keys::describe(record)), DEFECT)
            }
            FaultKind::Count { stored, counted } => {
                ("count", format!("the counter is {stored}, and {counted} were counted"), DEFECT)
            }
            FaultKind::Number { expected, found } => {
                ("number", format!("there are {found}, and their records need {expected}"), DEFECT)
            }
            FaultKind::Content(why) => {
                ("content", why.clone(), "replace it: put the policy or create the secret again")
            }
            other => ("other", format!("{other:?}"), DEFECT),
        };
        Trouble { fault: name, row, problem, advice }
    }
}

/// Collects what is found. Text is printed as it is found, JSON at the end.
pub(super) struct Report {
    is_json: bool,
    faults: Vec<Trouble>,
    count: u64,
    meta: Option<(String, u64)>,
    pub(super) layout: u32,
    pub(super) revision: u64,
    pub(super) rows: u64,
    /// Rows of the outbox.
    pub(super) waiting_records: u64,
}

impl Report {
    pub(super) fn new(is_json: bool) -> Self {
        Report {
            is_json,
            faults: Vec::new(),
            count: 0,
            meta: None,
            layout: 0,
            revision: 0,
            rows: 0,
            waiting_records: 0,
        }
    }

    pub(super) fn set_meta(&mut self, meta: &Meta) {
        self.meta = Some((uuid(meta.store_id), meta.epoch));
    }

    #[cfg(test)]
    pub(super) fn faults(&self) -> &[Trouble] {
        &self.faults
    }

    pub(super) fn is_sound(&self) -> bool {
        self.count == 0
    }

    /// Adds a fault.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub(super) fn add(&mut self, trouble: Trouble) -> Result<(), Failure> {
        self.count += 1;
        if self.count > SHOWN as u64 {
            return Ok(());
        }
        if self.is_json {
            self.faults.push(trouble);
            return Ok(());
        }
        let (row, problem) = (trouble.row.as_deref().unwrap_or("the store"), escapes::one_line(&trouble.problem));
        let fault = styled(BAD, trouble.fault);
        output::print(&format!(
            "{fault}: {}: {problem}\n    {}\n",
            escapes::one_line(row),
            styled(ASIDE, trouble.advice)
        ))
    }

    /// Ends the report.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        if self.is_json {
            return self.print_json();
        }
        if self.count > SHOWN as u64 {
            output::print(&format!("and {} more\n", self.count - SHOWN as u64))?;
        }
        let state = match self.count {
            0 => styled(GOOD, "sound"),
            1 => styled(BAD, "1 fault"),
            count => styled(BAD, &format!("{count} faults")),
        };
        let waiting = match self.waiting_records {
            0 => String::new(),
            rows => format!(", {rows} of them audit records that wait to be written to the trail"),
        };
        output::print(&format!(
            "{state}: {} rows at revision {}, layout {}{waiting}\n",
            self.rows, self.revision, self.layout
        ))
    }

    fn print_json(&self) -> Result<(), Failure> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Json<'a> {
            sound: bool,
            store_id: Option<&'a str>,
            epoch: Option<u64>,
            layout: u32,
            revision: u64,
            rows: u64,
            waiting_audit_rows: u64,
            fault_count: u64,
            faults: &'a [Trouble],
        }
        let json = Json {
            sound: self.is_sound(),
            store_id: self.meta.as_ref().map(|(id, _)| id.as_str()),
            epoch: self.meta.as_ref().map(|(_, epoch)| *epoch),
            layout: self.layout,
            revision: self.revision,
            rows: self.rows,
            waiting_audit_rows: self.waiting_records,
            fault_count: self.count,
            faults: &self.faults,
        };
        let text = serde_json::to_string_pretty(&json)
            .map_err(|e| Failure::new(format!("cannot write the report as JSON: {e}")))?;
        output::print(&format!("{text}\n"))
    }
}
