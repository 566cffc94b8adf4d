//! The documents of the policies that took part in denials, as they were then, by their SHA-256.
//!
//! Documents are large and change rarely, so records have their digests only. A file for each day has every document that
//! a record of the day names, once: `policies/policies-2026-11-29.jsonl`, with one JSON object a line. Files are removed
//! after a week. A document that does not fit into the file of its day is not kept.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bailiwick_operation::AuthorizationDetails;
use data_encoding::HEXLOWER;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::files;

/// Days for which a file is kept after its own.
const KEPT_DAYS: i64 = 7;
/// The maximum size of a file.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The document of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDocument {
    sha256: String,
    text: Arc<str>,
}

impl PolicyDocument {
    /// Returns a document with its digest.
    pub fn new(text: Arc<str>) -> Self {
        PolicyDocument { sha256: sha256(&text), text }
    }

    /// The documents of the policies of a denial, in their order, as far as they can be shown. Adds their digests to the details.
    pub fn of(details: &mut AuthorizationDetails, texts: Vec<Option<Arc<str>>>) -> Vec<Self> {
        let mut documents = Vec::new();
        for (policy, text) in details.policies.iter_mut().zip(texts) {
            if let Some(text) = text {
                let document = PolicyDocument::new(text);
                document.sha256.clone_into(&mut policy.sha256);
                documents.push(document);
            }
        }
        documents
    }

    /// The SHA-256 of the text, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// A line of a file.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    sha256: &'a str,
    #[serde(borrow)]
    document: std::borrow::Cow<'a, str>,
}

/// The files of a folder, open for writing.
pub(crate) struct Documents {
    folder: PathBuf,
    max_bytes: u64,
    open: Option<Open>,
}

/// The file of a day.
struct Open {
    day: Date,
    file: File,
    bytes: u64,
    known: HashSet<String>,
    is_full: bool,
}

impl Documents {
    /// Those in a folder of the trail. Nothing is created before there is a document.
    pub(crate) fn in_folder(trail: &Path) -> Self {
        Documents { folder: folder(trail), max_bytes: MAX_BYTES, open: None }
    }

    /// Writes the documents that the file of the day does not have, and returns when they are on the disk.
    pub(crate) fn write(&mut self, documents: &[PolicyDocument], now: Timestamp) -> io::Result<()> {
        if documents.is_empty() {
            return Ok(());
        }
        // After a failure, the file is opened again.
        let mut open = match self.open.take().filter(|open| open.day == day(now)) {
            Some(open) => open,
            None => self.open_file(day(now))?,
        };
        let mut lines = Vec::new();
        for document in documents {
            if open.known.contains(&document.sha256) {
                continue;
            }
            let begin = lines.len();
            let line = Line { sha256: &document.sha256, document: (&*document.text).into() };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
            if open.bytes + lines.len() as u64 > self.max_bytes {
                lines.truncate(begin);
                if !open.is_full {
                    tracing::warn!(folder = %self.folder.display(), "the documents of the policies of today's denials are not all kept: there are too many");
                }
                open.is_full = true;
                continue;
            }
            open.known.insert(document.sha256.clone());
        }
        if !lines.is_empty() {
            open.file.write_all(&lines)?;
            open.file.sync_all()?;
            open.bytes += lines.len() as u64;
        }
        self.open = Some(open);
        Ok(())
    }

    /// Opens the file of a day, and removes those that are too old.
    fn open_file(&self, day: Date) -> io::Result<Open> {
        if !self.folder.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            self.folder.parent().map_or(Ok(()), sync_folder)?;
        }
        let oldest = name(day.saturating_sub(KEPT_DAYS.days()));
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let found = entry.file_name();
            // Names sort by date.
            if found.to_str().is_some_and(|found| is_name(found) && *found < *oldest) {
                fs::remove_file(entry.path())?;
            }
        }
        let path = self.folder.join(name(day));
        let mut file = files::open_with(&path, OpenOptions::new().create(true).read(true).append(true).mode(0o600))?;
        let mut known = HashSet::new();
        for line in BufReader::new(&file).split(b'\n') {
            known.extend(serde_json::from_slice::<Line<'_>>(&line?).ok().map(|line| line.sha256.to_owned()));
        }
        let mut bytes = file.metadata()?.len();
        if bytes > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            // A write that was cut off by a crash.
            if last != *b"\n" {
                file.write_all(b"\n")?;
                bytes += 1;
            }
        }
        sync_folder(&self.folder)?;
        Ok(Open { day, file, bytes, known, is_full: false })
    }
}

/// Finds the document with a digest that a record of this time names. None if it is not kept, or was changed.
pub(crate) fn find(trail: &Path, sha256_of_text: &str, at: Timestamp) -> io::Result<Option<String>> {
    let day = day(at);
    // A record at the end of a day may have been written on the next one.
    for day in [day, day.saturating_add(1.day())] {
        let file = match files::open(&folder(trail).join(name(day))) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let begin = format!("{{\"sha256\":\"{sha256_of_text}\",");
        for line in BufReader::new(file).split(b'\n') {
            let line = line?;
            if !line.starts_with(begin.as_bytes()) {
                continue;
            }
            let text = serde_json::from_slice::<Line<'_>>(&line).ok().map(|line| line.document.into_owned());
            if let Some(text) = text.filter(|text| sha256(text) == sha256_of_text) {
                return Ok(Some(text));
            }
        }
    }
    Ok(None)
}

fn folder(trail: &Path) -> PathBuf {
    trail.join("policies")
}

fn name(day: Date) -> String {
    format!("policies-{day}.jsonl")
}

fn is_name(name: &str) -> bool {
    name.len() == "policies-2026-11-29.jsonl".len() && name.starts_with("policies-") && name.ends_with(".jsonl")
}

fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

fn sha256(text: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
