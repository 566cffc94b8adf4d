//! The outcome of a verification.

use std::fmt;

use serde::Serialize;

/// Faults that are kept; further ones are counted.
const MAX_FAULTS: usize = 1_000;

/// What a verification found.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether there is no fault.
    pub intact: bool,
    /// How many faults there are; only the first thousand are listed.
    pub fault_count: u64,
    /// The faults, in the order in which they were found.
    pub faults: Vec<Fault>,
    /// What the verification cannot tell, and what is unusual without being a fault.
    pub notes: Vec<String>,
    /// Segments that were read.
    pub segments: u64,
    /// Records in them.
    pub records: u64,
    /// Digests that were read.
    pub digests: u64,
    /// The number of the first record; 0 without records.
    pub first_sequence: u64,
    /// The number of the last record.
    pub last_sequence: u64,
    /// The number of the last record that a digest covers.
    pub signed_sequence: u64,
    /// The ids of the keys that were trusted.
    pub key_ids: Vec<String>,
    /// Why these keys were trusted.
    pub trust: Trust,
}

/// Why a key is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Trust {
    /// The caller named it.
    Given,
    /// The store has it.
    Store,
    /// The digests name it.
    #[default]
    Digests,
}

/// Something that was altered, removed, moved or invented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The number of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The number of the digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<u64>,
    /// What is wrong.
    pub found: String,
    /// What was expected instead.
    pub expected: String,
}

impl Fault {
    pub(super) fn new(file: &str, found: impl Into<String>, expected: impl Into<String>) -> Self {
        let (found, expected) = (found.into(), expected.into());
        Fault { file: file.to_owned(), line: None, sequence: None, digest: None, found, expected }
    }

    pub(super) fn at_line(self, line: u64) -> Self {
        Fault { line: Some(line), ..self }
    }

    pub(super) fn of_record(self, sequence: u64) -> Self {
        Fault { sequence: Some(sequence), ..self }
    }

    pub(super) fn of_digest(self, digest: u64) -> Self {
        Fault { digest: Some(digest), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for (name, number) in [("line", self.line), ("sequence", self.sequence), ("digest", self.digest)] {
            if let Some(number) = number {
                write!(f, ", {name} {number}")?;
            }
        }
        write!(f, ": {}; expected {}", self.found, self.expected)
    }
}

impl Report {
    pub(super) fn fault(&mut self, fault: Fault) {
        self.fault_count += 1;
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// `record 9 is` or `records 9 to 12 are`: what is numbered, with the verb for one and for several.
pub(super) fn range(name: &str, first: u64, last: u64, [one, several]: [&str; 2]) -> String {
    if first == last { format!("{name} {first} {one}") } else { format!("{name}s {first} to {last} {several}") }
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn one_record_is_in_the_singular() {
        assert_eq!(range("record", 9, 9, ["is", "are"]), "record 9 is");
        assert_eq!(range("digest", 9, 10, ["is", "are"]), "digests 9 to 10 are");
    }
}
