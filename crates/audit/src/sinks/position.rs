//! What is stored of a sink: `sinks/NAME.json` in the folder of the trail.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::reader::Place;
use crate::Recorder;
use crate::append::TAIL;
use crate::disk::sync_folder;
use crate::files;
use crate::segments::{SegmentText, segment_starts, sequence_of};

/// The folder in that of the trail.
const FOLDER: &str = "sinks";
/// The longest file that is read. Those that are written have less than a kilobyte and the message of a failure.
const MAX_BYTES: u64 = 64 * 1024;

/// How far a sink has delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkFile {
    /// The name.
    pub sink: String,
    /// The id of the deployment.
    pub deployment: String,
    #[serde(flatten)]
    pub(super) place: Place,
    /// When it was stored, in ISO 8601.
    pub time: String,
    /// Whether the last server that started has this sink.
    #[serde(default = "yes")]
    pub configured: bool,
    /// Since when, and why, nothing is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<SinkFailure>,
}

/// The failure of a sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkFailure {
    /// When it began, in ISO 8601.
    pub since: String,
    /// What the first attempt failed with.
    pub message: String,
}

/// For files of versions that did not store it.
fn yes() -> bool {
    true
}

impl SinkFile {
    /// The number of the last record that was delivered, or that is not for this sink.
    pub fn sequence(&self) -> u64 {
        self.place.sequence
    }

    /// Reads the file of a sink; none if there is none.
    ///
    /// # Errors
    /// When it can't be read. Of the kind `InvalidData` when it has something else.
    pub(super) fn read(trail: &Path, name: &str) -> io::Result<Option<Self>> {
        let named = |kind, error: &dyn std::fmt::Display| {
            io::Error::new(kind, format!("{}: {error}", path(trail, name).display()))
        };
        match files::read_at_most(&path(trail, name), MAX_BYTES) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|error| named(io::ErrorKind::InvalidData, &error))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(named(error.kind(), &error)),
        }
    }

    /// Writes the file; it is durable, and at each moment the old one or the new one.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn write(&self, trail: &Path) -> io::Result<()> {
        let path = path(trail, &self.sink);
        let folder = trail.join(FOLDER);
        if !folder.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            sync_folder(trail)?;
        }
        let unfinished = path.with_extension("new");
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let mut file =
            files::open_with(&unfinished, OpenOptions::new().create(true).truncate(true).write(true).mode(0o600))?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        sync_folder(&folder)
    }
}

impl Recorder {
    /// Stores of all other sinks that they are not configured. A file that can't be read or written is left with a warning.
    /// Blocks for a few reads.
    pub fn retire_other_sinks(&self, configured: &BTreeSet<&str>) {
        retire_others(&self.look_up().trail().0, configured);
    }
}

pub(super) fn retire_others(trail: &Path, configured: &BTreeSet<&str>) {
    let failed =
        |error: io::Error| tracing::warn!(%error, "the file of a sink that is not configured cannot be updated");
    let names = stored_names(trail).map_err(failed).unwrap_or_default();
    for name in names.iter().filter(|name| !configured.contains(&***name)) {
        let retired = SinkFile::read(trail, name).and_then(|file| match file {
            Some(file) if file.configured => SinkFile { configured: false, ..file }.write(trail),
            _ => Ok(()),
        });
        let _ = retired.map_err(failed);
    }
}

/// The files of all sinks that ever delivered from the trail in a folder, by name.
///
/// # Errors
/// When one can't be read.
pub fn stored_sinks(trail: &Path) -> io::Result<Vec<SinkFile>> {
    let names = stored_names(trail)?;
    let read = names.iter().map(|name| SinkFile::read(trail, name));
    Ok(read.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn stored_names(trail: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(trail.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().to_string_lossy().strip_suffix(".json").map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

/// The number of the last record of the trail in a folder; 0 if it has none.
///
/// # Errors
/// When the trail can't be read.
pub fn last_record(trail: &Path) -> io::Result<u64> {
    for first in segment_starts(trail)?.into_iter().rev() {
        let mut text = SegmentText::open(trail, first)?;
        let end = text.read(text.len().saturating_sub(TAIL)..text.len())?;
        // The last line may be incomplete.
        let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if let Some(sequence) = end[..whole].rsplit(|byte| *byte == b'\n').find_map(sequence_of) {
            return Ok(sequence);
        }
    }
    Ok(0)
}

fn path(trail: &Path, name: &str) -> PathBuf {
    trail.join(FOLDER).join(format!("{name}.json"))
}
