//! How far the trail was read, and what was found: the content of a marker.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};

use bailiwick_model::{IamError, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use super::found::{Found, too_much};
use crate::CallPosition;

/// The size of a state as text. The marker, which seals it, is a third longer.
const MAX_STATE: usize = 180 * 1024;
/// The size of a state that is not compressed. Only sealed states are opened.
const MAX_OPENED: u64 = 16 * 1024 * 1024;

/// How far the trail was read, and what was found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// Where reading continues; none at the end.
    pub(super) at: Option<String>,
    pub(super) found: Found,
    /// The segments that could not be read.
    #[serde(default)]
    pub(super) unreadable: BTreeSet<String>,
}

impl Default for State {
    fn default() -> Self {
        State { at: Some(CallPosition::default().to_string()), found: Found::default(), unreadable: BTreeSet::new() }
    }
}

impl State {
    /// Writes the state for a marker.
    ///
    /// # Errors
    /// `LimitExceeded` if it is too long.
    pub(super) fn seal(&self) -> Result<String> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut encoder, self).map_err(IamError::internal)?;
        encoder.flush().map_err(IamError::internal)?;
        let text = BASE64.encode(encoder.finish().map_err(IamError::internal)?);
        if text.len() > MAX_STATE { Err(too_much()) } else { Ok(text) }
    }

    /// Reads the state of a marker.
    pub(super) fn open(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        serde_json::from_reader(ZlibDecoder::new(&*bytes).take(MAX_OPENED)).ok()
    }
}
